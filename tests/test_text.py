"""Characters, codes, ids and words as people type them."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qpi import text

INVISIBLE = ["\u200b", "\u00ad", "\ufe0f", "\ufeff", "\u2060", "\u202e", "\u2028", "\u3000", "\xa0", "\x00", "\ud800"]


@pytest.mark.parametrize("sign", INVISIBLE, ids=lambda sign: f"U+{ord(sign):04X}")
def test_a_sign_that_nobody_sees_is_named_with_its_place(sign):
    assert text.bad_character(f"KF{sign}001").startswith(f"U+{ord(sign):04X} (")
    assert text.bad_character(f"KF{sign}001").endswith("at character 3")


def test_every_format_control_and_blank_of_unicode_is_refused_save_those_that_show():
    """Arabic and Egyptian number signs are format characters that show; tab, line end and blank are wanted."""
    shown = {0x9, 0xA, 0x20, *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    shown |= set(range(0x13430, 0x13440))
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
    found = [c for c in range(0x110000) if unicodedata.category(chr(c)) in kinds and not text.bad_character(chr(c))]
    assert set(found) <= shown


def test_ordinary_chinese_text_is_taken():
    assert text.bad_character("收楼后一个月内建档，“要件”齐全（含①—③）；第２项\n另行…") is None


@pytest.mark.parametrize(
    ("typed", "compared"),
    [
        ("Ａ０１", "A01"),
        ("KF－001", "KF-001"),
        ("KF—001", "KF-001"),
        ("KF‐001", "KF-001"),
        ("KF−001", "KF-001"),
        (" A1 ", "A1"),
    ],
)
def test_a_code_is_compared_in_narrow_signs_with_hyphens(typed, compared):
    assert text.normal(typed) == compared


@given(st.text())
@example("﹘\u0338")
def test_what_is_normal_stays_as_it_is(value):
    assert text.normal(text.normal(value)) == text.normal(value)


@given(st.text(alphabet=st.characters(), max_size=20))
def test_what_is_made_visible_has_nothing_bad_left(value):
    assert text.bad_character(text.visible(value)) is None


@pytest.mark.parametrize("code", ["КF-001", "ΑB", "客服-1", "KF 1", "KF/1", "٠١", "", "K" * 65, "A\n1", "1:30"])
def test_a_code_of_other_signs_is_refused(code):
    assert text.code_fault(code)


@pytest.mark.parametrize("code", ["007", "1.10", "010", "NO", "KF-001", "a_b"])
def test_a_code_of_letters_digits_dot_underscore_and_hyphen_is_taken(code):
    assert text.code_fault(code) is None


def test_a_cyrillic_letter_is_called_by_its_name():
    assert "a Cyrillic letter" in text.code_fault("КF-001")


@pytest.mark.parametrize("value", ["", "Р01", "a\u200bb", "a\nb", "x" * 201])
def test_an_id_that_cannot_be_told_from_another_is_refused(value):
    assert text.id_fault(value)


@pytest.mark.parametrize("value", ["P01", "桃园-1", "wang.wu@example.org", "a b"])
def test_an_id_of_visible_signs_is_taken(value):
    assert text.id_fault(value) is None


def test_an_unknown_word_gets_the_nearest_known_one():
    assert text.instead("superviser", ["supervisor", "team_lead"]) == "did you mean supervisor?"


def test_an_unknown_word_that_is_like_none_gets_the_choice():
    assert text.instead("主管", ["supervisor", "team_lead"]) == "write one of supervisor, team_lead"


def test_an_unknown_word_where_nothing_is_known_gets_what_there_is_left_to_do():
    assert text.instead("S01", [], otherwise="add them to people") == "add them to people"


def test_of_many_known_words_the_neighbours_are_compared():
    assert text.instead("KF-0432x", (f"KF-{i:04d}" for i in range(9999))) == "did you mean KF-0432?"


def test_a_long_text_is_shown_in_part_and_in_one_line():
    assert text.shown("a\nb" + "c" * 100) == "a b" + "c" * 57 + "..."


CODES = ["KHFW-01", "KHFW-10", "KHFW-31", "XFAQ-01", "GC-009"]


@pytest.mark.parametrize(
    ("code", "remedy"),
    [("KHFW-1", "did you mean KHFW-01?"), ("khfw-10", "did you mean KHFW-10?"), ("KFHW-31", "did you mean KHFW-31?"),
     ("KHFW-3", "write one of KHFW-01, KHFW-10, KHFW-31"), ("GC-9", "did you mean GC-009?"),
     ("ZZ-1", "write one of GC-009, KHFW-01, KHFW-10, KHFW-31, XFAQ-01")],
)  # fmt: skip
def test_a_code_with_another_number_is_never_guessed(code, remedy):
    assert text.coded(code, CODES) == remedy


def test_a_title_in_place_of_a_name_is_told_the_name():
    titles = {"supervisor": "对口主管", "team_lead": "部门/班组负责人"}
    assert text.named("对口主管", titles) == "write supervisor"
    assert text.named("班组负责人", titles) == "write team_lead"
    assert text.named("superviser", titles) == "did you mean supervisor?"
    assert text.named("主管", titles) == "write one of supervisor 对口主管, team_lead 部门/班组负责人"
