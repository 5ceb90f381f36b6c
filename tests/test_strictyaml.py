"""The bounded reader of YAML: what it takes as it was typed, and what it refuses where."""

import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from qpi import strictyaml
from qpi.errors import DefinitionError

WORDS = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="\ufffd"), min_size=1, max_size=12
).filter(lambda word: not strictyaml.parse(yaml.safe_dump([word], allow_unicode=True).encode(), "x").problems)
TREES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"\A[a-z]{1,9}\Z"), inner, max_size=4),
    max_leaves=20,
)
SAMPLE = """\
# 说明
catalogue: service
groups:
  - name: "甲"
    scope: {type: [residential, commercial]}
    how: |
      先看，
      再问。
"""


def problems(text):
    data = text if isinstance(text, bytes) else text.encode()
    return [str(problem) for problem in strictyaml.parse(data, "a.yaml").problems]


def plain(text):
    return strictyaml.parse(text.encode(), "a.yaml").plain


@pytest.mark.parametrize(
    "typed",
    ["NO", "on", "1:30", "010", "007", "1.10", "1e3", "0x1F", "2024-01-01", "true", "null", "~", "1_000", ".inf"],
)
def test_a_scalar_stays_what_was_typed(typed):
    assert plain(f"code: {typed}") == {"code": typed}


def test_the_usual_loader_retypes_silently():
    """A negative control."""
    assert yaml.safe_load("{a: 1:30, b: NO, c: 010, d: 1.10}") == {"a": 90, "b": False, "c": 8, "d": 1.1}


def test_the_usual_loader_takes_the_last_of_two_keys_silently():
    """A negative control."""
    assert yaml.safe_load("{score: 5, score: 10}") == {"score": 10}


def test_a_key_may_be_a_word_that_yaml_takes_for_false():
    assert plain("elements: [{no: 1, on: 2}]") == {"elements": [{"no": "1", "on": "2"}]}


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_a_plain_tree_that_is_dumped_is_read_again(tree):
    assert plain(yaml.safe_dump({"tree": tree}, allow_unicode=True)) == {"tree": tree}


@settings(max_examples=30, deadline=None)
@given(TREES)
def test_the_parser_in_c_and_the_one_in_python_read_alike(tree):
    text = yaml.safe_dump({"tree": tree}, allow_unicode=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strictyaml, "_LOADER", yaml.SafeLoader)
        assert plain(text) == {"tree": tree}


def test_places_count_lines_and_characters_from_1():
    document = strictyaml.parse(SAMPLE.encode(), "a.yaml")
    assert str(document.where("groups", 0, "name")) == "a.yaml:4:11"
    assert str(document.where("groups", 0, "scope", "type", 1)) == "a.yaml:5:33"
    assert str(document.where("groups", 0, "how", key=True)) == "a.yaml:6:5"


def test_the_place_of_what_is_missing_is_that_of_the_nearest_there_is():
    assert str(strictyaml.parse(SAMPLE.encode(), "a.yaml").where("groups", 0, "points", 3)) == "a.yaml:4:5"


def test_a_block_of_text_loses_its_last_line_end():
    assert plain(SAMPLE)["groups"][0]["how"] == "先看，\n再问。"


def test_line_ends_of_windows_and_a_byte_order_mark_at_the_beginning_change_nothing():
    assert strictyaml.parse(b"\xef\xbb\xbf" + SAMPLE.replace("\n", "\r\n").encode(), "a.yaml").plain == plain(SAMPLE)


def test_all_faults_of_a_file_come_at_once():
    assert problems("a: *x\nb: 1\nb: 2\nc: !!int 3\nd:\n") == [
        "a.yaml:1:4: alias *x is not read; write the value out",
        'a.yaml:3:1: key "b" stands already at line 2; keep one of the two',
        "a.yaml:4:4: tag !!int is not read; take it out, every value is text",
        "a.yaml:5:3: no value; write one or take the key out",
    ]


def test_the_content_of_a_faulty_file_is_not_handed_out():
    with pytest.raises(DefinitionError, match="stands already"):
        _ = strictyaml.parse(b"{a: 1, a: 2}", "a.yaml").plain


def test_gbk_is_named_with_the_byte_and_the_way_out():
    data = "catalogue: service\ntitle: 物业\n".encode("gbk")
    assert problems(data) == [
        "a.yaml:2:8: the file is not UTF-8 at byte 27, it looks like GBK; save it as UTF-8 (most editors: Save as, Encoding, UTF-8)"
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_named(encoding):
    (said,) = problems("catalogue: service\ntitle: 物业\n".encode(encoding))
    assert "it looks like UTF-16; save it as UTF-8" in said


def test_other_bytes_are_refused_at_their_place():
    (said,) = problems(b"a: b\nc: \xff\xff\n")
    assert said.startswith("a.yaml:2:4: the file is not UTF-8 at byte 9; ")


BOMBS = {
    "aliases": "a: &a [x, x]\n"
    + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)),
    "merge keys": "a0: &a0 {k: v}\n" + "".join(f"a{i + 1}: &a{i + 1}\n  <<: [*a{i}, *a{i}]\n" for i in range(22)),
    "merge fan-out": "a: &a {"
    + ", ".join(f"k{i}: v" for i in range(2000))
    + "}\n"
    + "".join(f"b{i}: {{<<: *a}}\n" for i in range(2000)),
    "self-reference": "a: &a [*a]\n",
    "100 kB of [": "[" * 100_000,
    "100 kB of {": "{" * 100_000,
    "100 kB of -": "- " * 50_000,
    "100 kB of ?": "? " * 50_000,
    "100 kB of !": "!" * 100_000,
    "100 kB of &": "a: " + "&" * 100_000,
    "100 kB of quotes": '"' * 100_001,
    "a number of 100,000 digits": "score: 0x" + "f" * 100_000,
    "a key of 100,000 signs": "k" * 100_000 + ": 1",
    "zeros": "\0" * 100_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_at_its_place_and_at_once(bomb):
    started = time.process_time()
    said = strictyaml.parse(BOMBS[bomb].encode(), "a.yaml").problems
    assert time.process_time() - started < 0.5
    assert said
    assert all(problem.where.line and problem.where.column for problem in said)
    assert all(len(str(problem)) < 200 for problem in said)


def test_more_than_16_mib_is_refused_unread(tmp_path):
    path = tmp_path / "big.yaml"
    with path.open("wb") as stream:
        stream.truncate(strictyaml.MAX_BYTES + 1)
    started = time.process_time()
    (problem,) = strictyaml.read(path, name="big.yaml").problems
    assert str(problem) == "big.yaml: the file is larger than 16 MiB; split it into several files"
    assert time.process_time() - started < 0.5


def test_more_values_than_a_million_are_refused(monkeypatch):
    monkeypatch.setattr(strictyaml, "MAX_NODES", 10)
    assert problems("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]") == ["a.yaml:1:29: more than 10 values; split the file"]


def test_a_text_of_more_than_20000_characters_is_refused():
    assert problems("a: " + "长" * 20_001) == ["a.yaml:1:4: a text of 20001 characters; keep it to 20000"]


def test_more_than_200_problems_end_the_reading():
    said = problems("- *a\n" * 1000)
    assert len(said) == 201
    assert said[-1] == "a.yaml:200:3: more than 200 problems; mend those above, then check again"


def test_a_missing_file_is_a_problem(tmp_path):
    (problem,) = strictyaml.read(tmp_path / "a.yaml", name="a.yaml").problems
    assert str(problem) == "a.yaml: there is no such file; mend the name, or put the file there"


def test_a_folder_is_no_file(tmp_path):
    (problem,) = strictyaml.read(tmp_path, name="a.yaml").problems
    assert str(problem) == "a.yaml: this is not a file; name a file"


def test_a_file_whose_name_turns_text_around_is_refused(tmp_path):
    (problem,) = strictyaml.read(tmp_path / "a\u202elmay.x").problems
    assert "the name of the file holds U+202E (text direction mark)" in str(problem)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300)
    | st.text("[]{}-:,?&*!|>'\"%@`#\n\t ab1：\u2028\x85\ufeff\u3000", max_size=120).map(str.encode)
)
def test_random_bytes_are_read_or_refused_and_nothing_else(data):
    document = strictyaml.parse(data, "a.yaml")
    assert document.problems or document.root is not None
    assert all(problem.where.file == "a.yaml" and problem.where.line for problem in document.problems)


def test_what_yaml_alone_takes_for_a_line_end_does_not_turn_a_comment_into_content():
    assert problems("a: b # note\u2028c: d\n") == ["a.yaml:1:12: the file holds U+2028 (line separator); take it out"]
    assert yaml.safe_load("a: b # note\u2028c: d\n") == {"a": "b", "c": "d"}, "a negative control"
