"""What a record may hold: every field of the format, and what is refused of codes, numbers and times."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs import CHECK, EVERY_FIELD, FINDING, VERIFICATION
from qpi.chain import entry_hash
from qpi.entries import CHECK_FIELDS, Actor, Check, Faulty, Finding, Verification, canonical, read, settled
from qpi.ledger import content


def read_entry(kind, values):
    """Return a record as an entry, or everything that is wrong with it."""
    found = read(kind, values)
    return found.faults if isinstance(found, Faulty) else found


def faults(record, kind=Check):
    read = read_entry(kind, record)
    assert isinstance(read, list), "nothing is wrong"
    return [f"{fault.field}: {fault.fault}; {fault.remedy}" for fault in read]


def check(**changes):
    return {**CHECK, **changes}


def finding(**changes):
    return check(findings=[{**FINDING, **changes}])


def test_every_field_of_the_format_is_kept_as_typed():
    record = read_entry(Check, EVERY_FIELD).record()
    assert record == {
        **{name: value for name, value in EVERY_FIELD.items() if value is not None},
        "readings": [{"sample": "前台", "value": "2"}, {"value": "3.5"}, {"value": "-1"}],
        "findings": [
            {
                **FINDING,
                "deduct": "2.5",
                "class": "人为",
                "fine": "100",
                "place": "前台",
                "evidence": [{"name": "b.jpg"}],
            }
        ],
    }
    assert set(CHECK_FIELDS) - set(record) == {"result", "reason", "elements"}


def test_na_with_a_reason_and_elements_are_kept():
    record = read_entry(
        Check, {**CHECK, "findings": [], "result": "na", "reason": "停用", "elements": {"1": "pass", "7": "na"}}
    ).record()
    assert (record["result"], record["reason"], record["elements"]) == ("na", "停用", {"1": "pass", "7": "na"})
    assert "findings" not in record


def test_a_check_needs_five_fields_and_is_routine_by_itself():
    record = {
        "id": "c-1",
        "project": "P01",
        "point": "KF-001",
        "role": "supervisor",
        "checked_at": "2026-10-05T09:30:00+08:00",
    }
    assert read_entry(Check, record).record() == {**record, "kind": "routine"}
    for name in record:
        assert faults({k: v for k, v in record.items() if k != name}) == [f"{name}: is missing; add {name}"]


def test_a_verification_needs_all_but_its_note():
    record = {name: value for name, value in VERIFICATION.items() if name != "note"}
    assert read_entry(Verification, record).record() == record
    for name in record:
        assert faults({k: v for k, v in record.items() if k != name}, Verification) == [
            f"{name}: is missing; add {name}"
        ]


def test_a_finding_needs_its_kind():
    assert faults(check(findings=[{"fault": "x"}])) == ["findings[1].kind: is missing; add kind"]


def test_a_null_says_as_much_as_a_missing_key_at_every_depth():
    record = check(
        place=None,
        evidence=[{"name": "a", "sha256": None}],
        findings=[{"kind": "deduction", "fault": None, "sample": None, "no": None}],
    )
    assert read_entry(Check, record).record()["findings"] == [{"no": 1, "kind": "deduction"}]
    assert "place" not in read_entry(Check, record).record()


def test_an_unknown_field_is_refused_with_the_nearest_one_of_its_object():
    assert faults(check(inspectr="S01")) == ["inspectr: is no field of a record; did you mean inspector?"]
    assert faults(finding(advise="x")) == ["findings[1].advise: is no field of a record; did you mean advice?"]
    assert faults(check(evidence=[{"nme": "x"}]))[1:] == [
        "evidence[1].nme: is no field of a record; did you mean name?"
    ]


def test_all_faults_of_a_record_are_found_at_once():
    assert len(faults({"id": 7, "project": "", "point": "KF 1", "role": "r", "checked_at": "x", "kind": "y"})) == 5


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ＫＦ－００１", "KF-001"),
        ("KF—001", "KF-001"),
        ("KF‐001", "KF-001"),
        ("KF−001", "KF-001"),
        (" KF-001 ", "KF-001"),
        ("1.10", "1.10"),
        ("007", "007"),
    ],
)
def test_codes_that_look_alike_are_one(written, meant):
    assert read_entry(Check, check(point=written)).point == meant


@pytest.mark.parametrize(
    ("code", "named"),
    [("KF-\u200b001", "200b"), ("KF-\u00ad001", "xad"), ("\ufeffKF-001", "feff"), ("KF-001\ufe0f", "holds"), ("К1", "CYRILLIC"), ("Α1", "GREEK"),
     ("KF/1", "'/'"), ("", "empty"), ("A" * 65, "65"), ("\u202eKF", "202e"), ("KF\x00", "x00"), ("\ud800", "ud800")],
)  # fmt: skip
def test_codes_with_signs_that_deceive_are_refused(code, named):
    (fault,) = faults(check(point=code))
    assert fault.startswith("point: ")
    assert named.lower() in fault.lower()
    fault.encode()


@pytest.mark.parametrize("value", ["S\u200b01", "S\u202e01", "Ѕ01", "a\nb", "x" * 201, "\ud800", "S\x7f"])
def test_ids_with_signs_that_deceive_are_refused(value):
    assert [fault.split(":")[0] for fault in faults(check(inspector=value))] == ["inspector"]


@pytest.mark.parametrize("value", [7, 7.0, True, ["S01"], {"id": "S01"}])
def test_a_code_or_id_that_is_no_text_is_refused(value):
    assert "is not text" in faults(check(point=value))[0]
    assert "is not text" in faults(check(id=value))[0]


@pytest.mark.parametrize("value", [-1, 1.5, 240.0, True, "240", "２４０", float("nan"), 10**10, Decimal("240.0"), "٢"])
def test_a_population_that_is_no_whole_number_is_refused(value):
    assert faults(check(population=value))[0].startswith("population: ")


AMOUNTS = [-1, "-1", True, float("nan"), float("inf"), "nan", "１２", "1e3", "1_000", 0.123, "0.001", "", " ", 10**9, Decimal("1e400"),
           Decimal("1e999999999"), Decimal("NaN"), Decimal("-0.5"), 0.1 + 0.2, "²", "1,5", "+1"]  # fmt: skip


@pytest.mark.parametrize("value", AMOUNTS)
@pytest.mark.parametrize("field", ["deduct", "fine"])
def test_an_amount_is_plain_with_at_most_two_decimals(field, value):
    assert faults(finding(**{field: value}))[0].startswith(f"findings[1].{field}: ")


@pytest.mark.parametrize(
    ("value", "hundredths", "text"),
    [
        (0, 0, "0"),
        (3, 300, "3"),
        (0.1, 10, "0.1"),
        (0.35, 35, "0.35"),
        (1.15, 115, "1.15"),
        ("2.50", 250, "2.5"),
        (Decimal("7.05"), 705, "7.05"),
        ("0.290", 29, "0.29"),
    ],
)
def test_an_amount_is_exact_to_the_hundredth(value, hundredths, text):
    entry = read_entry(Check, finding(deduct=value))
    assert entry.findings[0].deduct == hundredths
    assert entry.record()["findings"][0]["deduct"] == text


def test_ten_tenths_are_one():
    entry = read_entry(Check, check(findings=[{"kind": "deduction", "deduct": 0.1}] * 10))
    assert sum(one.deduct for one in entry.findings) == 100


@pytest.mark.parametrize(
    "value", ["nan", "1e5", Decimal("1e999999999"), float("inf"), True, None, "2 声", "１", "1" * 13]
)
def test_a_reading_that_is_no_plain_number_is_refused(value):
    assert faults(check(readings=[{"value": value}]))[0].startswith("readings[1].value: ")


def test_a_reading_is_kept_whole_whatever_the_callers_decimal_context_is():
    with localcontext() as context:
        context.prec = 3
        entry = read_entry(
            Check, check(readings=[{"value": Decimal("123456.789")}, {"value": "-0.0"}, {"value": "10"}])
        )
        assert [one["value"] for one in entry.record()["readings"]] == ["123456.789", "0", "10"]


MOMENTS = ["2026-10-05", "2026-10-05T09:30:00", "2026-02-30T09:30:00+08:00", "2026-10-05T24:00:00+08:00", "2026-10-05T09:60:00+08:00", "05/10/2026 09:30",
           "1789-07-14T09:30:00+08:00", "9999-12-31T23:59:59+08:00", "2026-10-05T09:30:00+99:00", "２０２６-10-05T09:30:00+08:00", 1759627800, True, "",
           "2026-10-05T09:30:00+08:00\n\x1b[2J"]  # fmt: skip


@pytest.mark.parametrize("value", MOMENTS)
def test_a_moment_is_whole_exists_and_names_its_offset(value):
    for field in ("checked_at", "started", "ended"):
        (fault,) = faults(check(**{field: value}))
        assert fault.startswith(f"{field}: ")
        assert "\x1b" not in fault


@pytest.mark.parametrize(
    "value", ["2026-02-30", "2026-13-01", "2026/10/5", "0226-10-15", "2026-10-15T00:00:00+08:00", 20261015, "二〇二六"]
)
def test_a_day_exists_and_lies_near(value):
    for field in ("due", "verify_on"):
        assert faults(finding(**{field: value}))[0].startswith(f"findings[1].{field}: ")


def test_a_moment_without_an_offset_is_refused_from_python_too():
    assert "names no offset" in faults(check(checked_at=datetime(2026, 10, 5, 9, 30)))[0]


def test_an_instant_is_the_same_content_in_every_offset():
    one = read_entry(Check, check(checked_at="2026-10-05T09:30:00+08:00")).record()
    other = read_entry(Check, check(checked_at=datetime(2026, 10, 5, 1, 30, tzinfo=UTC))).record()
    assert one != other
    assert settled(one) == settled(other)


def test_the_key_of_a_verification_is_finding_verifier_and_instant():
    here = Verification.model_validate(VERIFICATION)
    there = Verification.model_validate({**VERIFICATION, "verified_at": "2026-10-15T02:00:00Z", "outcome": "open"})
    assert here.key == there.key
    assert here.key != Verification.model_validate({**VERIFICATION, "verifier": "S03"}).key


def test_findings_are_numbered_in_order_and_never_twice():
    def numbers(*given):
        return [
            one.no
            for one in read_entry(Check, check(findings=[{"kind": "deduction", "no": no} for no in given])).findings
        ]

    assert numbers(None, None, None) == [1, 2, 3]
    assert numbers(None, 1, None) == [2, 1, 3]
    assert numbers(5, None) == [5, 1]
    for wrong, named in (([2, 2], "repeat"), ([0], "from 1"), ([10**6], "999999"), ([1.0], "from 1")):
        assert named in faults(check(findings=[{"kind": "deduction", "no": no} for no in wrong]))[0]


def test_the_order_of_numbered_findings_says_nothing():
    one, two = {"no": 1, "kind": "deduction"}, {"no": 2, "kind": "suggestion"}
    assert canonical(read_entry(Check, check(findings=[one, two])).record()) == canonical(
        read_entry(Check, check(findings=[two, one])).record()
    )


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("a\u200bb", "zero width space"),
        ("\ud800", "U+D800"),
        ("a\x07b", "control"),
        ("x" * 10_001, "10001"),
        (5, "not text"),
        ("a\u202eb", "text direction"),
    ],
)
def test_a_text_with_signs_nobody_sees_is_refused(value, named):
    assert named in faults(check(place=value))[0]
    assert named in faults(finding(fault=value))[0]


def test_a_text_keeps_what_was_typed_but_blanks_at_its_edges():
    assert (
        read_entry(Check, check(place="  ①栋 12㎡\r\n温度<5 & 压力>3 ")).record()["place"]
        == "①栋 12㎡\n温度<5 & 压力>3"
    )


def test_an_empty_text_is_one_that_is_missing():
    assert "place" not in read_entry(Check, check(place=" ")).record()
    assert "write a value" in faults(check(project=" "))[0]


@pytest.mark.parametrize("value", ["3-1201", {"3-1201"}, {"a": 1}, 5, ["x"] * 2001, [""], [None], [["x"]]])
def test_a_sample_is_a_bounded_list_of_texts(value):
    assert faults(check(sample=value))[0].startswith("sample")


@pytest.mark.parametrize("value", [{"0": "pass"}, {"x": "pass"}, {"1": "ok"}, {"1": None}, ["1"], {1: "pass"}])
def test_elements_are_numbers_with_pass_fail_or_na(value):
    assert faults(check(elements=value))[0].startswith("elements")


@pytest.mark.parametrize("value", ["9f", "G" * 64, "9F" * 31, 5])
def test_a_digest_of_evidence_is_64_hex_digits(value):
    assert "SHA-256" in faults(check(evidence=[{"name": "a", "sha256": value}]))[0]


def test_a_digest_of_evidence_in_capitals_is_kept_in_small_letters():
    entry = read_entry(Check, check(evidence=[{"name": "a", "sha256": "9F" * 32}]))
    assert entry.evidence[0].sha256 == "9f" * 32


def test_the_id_of_a_finding_may_be_as_long_as_that_of_its_check_and_its_number():
    longest = f"{'x' * 200}/999999"
    assert read_entry(Verification, {**VERIFICATION, "finding": longest}).finding == longest
    (fault,) = faults({**VERIFICATION, "finding": longest + "9"}, Verification)
    assert fault.startswith("finding: id has 208 characters, more than 207")


@pytest.mark.parametrize("record", [check(kind="\ud800"), check(result="\ud800"), finding(kind="\ud800")])
def test_half_a_character_in_a_fixed_word_is_told_in_our_own_words(record):
    (fault,) = faults(record)
    assert fault.endswith("holds half a character; write it again")
    fault.encode()


def test_an_object_in_place_of_the_findings_is_told_to_be_a_list_of_them():
    assert faults(check(findings={"kind": "deduction"})) == ['findings: a list is expected; write [{"kind": ...}]']


def test_a_message_holds_no_sign_that_a_screen_obeys():
    for record in (
        check(kind="\x1b[31m" + "x" * 500),
        check(**{"\x1b[31m\n" + "y" * 500: 1}),
        check(result="\n"),
        check(point="\x1b[31m"),
    ):
        for fault in faults(record):
            assert fault.isprintable()
            assert len(fault) < 400


def test_equal_content_has_equal_bytes_whatever_the_order_of_keys():
    backwards = dict(reversed(EVERY_FIELD.items()))
    assert canonical(read_entry(Check, EVERY_FIELD).record()) == canonical(read_entry(Check, backwards).record())


def test_a_separator_in_a_field_does_not_make_two_entries_one():
    one = content("check", 'a|b","c', Actor("x"), b"{}", recorded="t")
    two = content("check", "a", Actor('b","c|x'), b"{}", recorded="t")
    assert entry_hash(1, "0", one) != entry_hash(1, "0", two)
    assert entry_hash(1, "0", one._replace(reason="")) != entry_hash(1, "0", one)


texts = st.text(
    st.characters(categories=["L", "N", "P", "S"], exclude_characters="\u3164\u115f\u1160\uffa0\ufffc\ufffd\u00a0"),
    min_size=1,
    max_size=12,
).filter(lambda value: not re.search("[\u2000-\u206f\u3000\ufe00-\ufe0f\ufff0-\uffff]", value))
ids = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
moments = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(minutes=330)), timezone(timedelta(hours=-5))]),
)
days = st.dates(datetime(1990, 1, 1).date(), datetime(2100, 1, 1).date())
optional = {
    "inspector": ids, "kind": st.sampled_from(["routine", "special", "mystery"]), "place": texts, "method": ids, "sample": st.lists(texts, max_size=3),
    "population": st.integers(0, 10**9), "evidence": st.lists(st.fixed_dictionaries({"name": texts}, optional={"sha256": st.just("0" * 64)}), max_size=2),
    "readings": st.lists(st.fixed_dictionaries({"value": st.decimals(-(10**6), 10**6, places=3)}, optional={"sample": texts}), max_size=2),
    "elements": st.dictionaries(st.integers(1, 99).map(str), st.sampled_from(["pass", "fail", "na"]), max_size=3),
    "started": moments, "companions": st.lists(ids, max_size=2), "strengths": st.lists(texts, max_size=2), "theme": texts,
    "findings": st.lists(st.fixed_dictionaries({"kind": st.sampled_from(["suggestion", "rectification", "deduction"])}, optional={
        "fault": texts, "class": texts, "element": st.integers(1, 99), "deduct": st.integers(0, 10**6).map(lambda n: Decimal(n) / 100),
        "due": days, "sample": st.lists(texts, max_size=2)}), max_size=3),
}  # fmt: skip


@given(
    st.fixed_dictionaries(
        {"id": ids, "project": ids, "point": ids, "role": ids, "checked_at": moments}, optional=optional
    )
)
def test_a_record_comes_back_the_same_from_its_canonical_bytes(record):
    entry = read_entry(Check, record)
    assert isinstance(entry, Check), entry
    body = canonical(entry.record())
    again = read_entry(Check, orjson.loads(body))
    assert canonical(again.record()) == body
    assert again.record() == entry.record()


def test_a_finding_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Finding(kind="deduction").kind = "suggestion"
