"""The only writer: all or none, nothing twice, nothing against the definitions."""

import itertools
import random
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from inputs import (
    CHECK,
    EDITION,
    EVERY_FIELD,
    FINDING,
    NOW,
    PORTFOLIO,
    VERIFICATION,
    as_text,
    found,
    new_ledger,
    recorder_of,
    state,
    typed,
)
from qpi import strictyaml, tables
from qpi.errors import LedgerError, RecordError
from qpi.recorder import Recorder, system_actor


@pytest.fixture
def ledger(store):
    with new_ledger(store) as opened:
        opened.place = store
        yield opened


def check(**changes):
    return {**CHECK, **changes}


def verification(**changes):
    return {**VERIFICATION, **changes}


def refused(ledger, *records, definitions=None, now=NOW, accept_good=False):
    """The problems of records that are refused; what is kept stays as it was, a file byte for byte."""
    before = state(ledger.place)
    with pytest.raises(RecordError) as error:
        recorder_of(ledger, definitions, now).record(records)
    assert state(ledger.place) == before
    return [str(problem) for problem in error.value.problems]


def test_a_check_and_its_verification_are_recorded(ledger):
    recorder = recorder_of(ledger)
    assert recorder.check(CHECK).recorded == 1
    assert recorder.verify(**VERIFICATION).recorded == 1
    assert [link.kind for link in ledger.links()] == ["genesis", "edition", "check", "verification"]


def test_many_at_once_are_one_transaction_of_checks_and_verifications_in_any_order(ledger):
    outcome = recorder_of(ledger).record([VERIFICATION, CHECK, check(id="c-2", findings=[])])
    assert (outcome.recorded, outcome.already, outcome.position) == (3, 0, ledger.position())
    assert {link.recorded_at for link in ledger.links()} == {"2026-11-21T00:00:00.000000Z"}


def test_an_entry_keeps_who_when_and_by_what_it_is_judged(ledger):
    definitions = found()
    recorder_of(ledger, definitions).check(CHECK)
    (link,) = ledger.links(kind="check")
    assert (link.actor_id, link.actor_auth, link.observed_at) == ("test", "declared", "2026-10-05T01:30:00.000000Z")
    assert orjson.loads(link.body)["judged"] == {
        "day": "2026-10-05", "edition": definitions.checklists.sources[0].digest,
        "portfolio": definitions.portfolio_digest, "policy": definitions.policy_digest,
    }  # fmt: skip


def test_the_text_of_an_edition_is_kept_once_and_means_the_same(ledger):
    recorder_of(ledger).check(CHECK)
    recorder_of(ledger).check(check(id="c-2"))
    (link,) = ledger.links(kind="edition")
    record = orjson.loads(link.body)["record"]
    assert (record["catalogue"], record["edition"]) == ("service", "2026.2")
    assert strictyaml.parse(record["text"].encode(), "again").plain == EDITION


def test_each_edition_that_is_cited_is_kept(ledger):
    newer = {**EDITION, "edition": "2026.3", "effective_from": "2026-10-01"}
    definitions = found(editions=[EDITION, newer])
    recorder_of(ledger, definitions).record(
        [check(checked_at="2026-09-30T23:59:59+08:00"), check(id="c-2", checked_at="2026-10-01T00:00:00+08:00")]
    )
    sources = {source.edition.edition: source.digest for source in definitions.checklists.sources}
    assert ledger.rows("SELECT id, edition FROM checks ORDER BY id") == [
        ("c-1001", sources["2026.2"]),
        ("c-2", sources["2026.3"]),
    ]
    assert len(list(ledger.links(kind="edition"))) == 2


def test_a_day_is_one_of_the_workspaces_zone(ledger):
    recorder_of(ledger).check(check(checked_at="2026-10-04T16:00:00Z"))
    assert ledger.rows("SELECT day, checked_at FROM checks") == [("2026-10-05", "2026-10-04T16:00:00.000000Z")]


def test_every_field_reaches_the_typed_tables(ledger):
    recorder_of(ledger).check(EVERY_FIELD)
    columns = [column.name for column in tables.checks.columns]
    (row,) = ledger.rows("SELECT * FROM checks")
    told = dict(zip(columns, row, strict=True))
    assert {name for name, value in told.items() if value is None} == {"result", "reason", "elements"}
    assert (told["sample"], told["sample_size"], told["evidence_count"]) == ('["3-1201","3-1504"]', 2, 1)
    assert told["ended"] == "2026-10-05T01:45:30.250000Z"
    finding = ledger.rows("SELECT id, class, deduct_hundredths, fine_hundredths, verify_on FROM findings")
    assert finding == [("c-every/1", "人为", 250, 10000, "2026-10-15")]


@pytest.mark.parametrize(("readings", "out"), [([1, 2, 3], 0), (["0.999"], 1), ([0, 2, "3.01", 4], 3)])
def test_readings_beyond_the_limits_are_counted_limits_within(ledger, readings, out):
    recorder_of(ledger).check(check(point="KF-003", readings=[{"value": value} for value in readings]))
    assert ledger.rows("SELECT readings_out FROM checks") == [(out,)]


# Nothing twice


def test_the_same_record_again_adds_nothing(ledger):
    recorder = recorder_of(ledger)
    recorder.record([CHECK, VERIFICATION])
    before = state(ledger.place)
    assert recorder.record([CHECK, VERIFICATION])[:2] == (0, 2)
    assert state(ledger.place) == before


def test_twins_in_one_call_are_recorded_once(ledger):
    assert recorder_of(ledger).record([CHECK, CHECK, VERIFICATION, VERIFICATION])[:2] == (2, 2)
    assert recorder_of(ledger).record([CHECK] * 3)[:2] == (0, 3)


def test_the_same_instant_in_another_offset_is_the_same_record(ledger):
    recorder = recorder_of(ledger)
    recorder.check(CHECK)
    assert recorder.check(check(checked_at="2026-10-05T01:30:00Z")).already == 1
    assert recorder.check(check(checked_at=datetime(2026, 10, 5, 1, 30, tzinfo=UTC))).already == 1


def test_the_same_id_with_other_content_is_a_conflict_that_shows_both(ledger):
    recorder_of(ledger).check(CHECK)
    changed = check(place="4栋", findings=[{**FINDING, "handling": "x" * 200 + "不同", "fine": 5}])
    (problem,) = refused(ledger, changed)
    assert (
        'check c-1001 is recorded already as entry 2 with other content (findings[1].fine: recorded nothing, given "5", '
        in problem
    )
    assert 'findings[1].handling: recorded "当月补齐", given "xxx' in problem
    assert 'place: recorded "3栋", given "4栋")' in problem


def test_records_of_one_id_that_differ_are_all_refused_for_nobody_can_tell_which_is_meant(ledger):
    other = check(place="4栋")
    for records in itertools.permutations([CHECK, other, check(id="c-2")]):
        outcome = recorder_of(ledger).record([*records, VERIFICATION], accept_good=True)
        assert sorted(draft.where.file for draft in outcome.refused) == [
            "check c-1001",
            "check c-1001",
            "verification c-1001/1",
        ]
    assert [row[0] for row in ledger.rows("SELECT id FROM checks")] == ["c-2"]
    problems = refused(ledger, CHECK, other)
    assert 'with other content (place: there "4栋", here "3栋")' in "".join(problems)


def test_a_record_is_already_there_after_the_definitions_changed(ledger):
    recorder_of(ledger).record([CHECK, VERIFICATION])
    gone = {**PORTFOLIO, "projects": [{"id": "P09", "name": "别处"}]}
    edition = {**EDITION, "groups": [{"name": "g", "points": [{"code": "XX", "text": "t"}]}]}
    later = found(portfolio=gone, editions=[edition], policy={"verification_by": "not_inspector"})
    assert recorder_of(ledger, later).record([CHECK, VERIFICATION])[:2] == (0, 2)


def test_the_order_and_the_splitting_of_records_change_no_typed_row(tmp_path):
    records = [check(id=f"c-{n}", checked_at=f"2026-10-{1 + n % 20:02d}T09:30:00+08:00") for n in range(30)]
    records += [verification(finding=f"c-{n}/1", verified_at="2026-11-01T08:00:00+08:00") for n in range(0, 30, 3)]
    seen = []
    for seed in range(3):
        (tmp_path / str(seed)).mkdir()
        with new_ledger(tmp_path / str(seed)) as ledger:
            mixed = random.Random(seed).sample(records, len(records))
            if seed == 2:
                checks = [one for one in mixed if "id" in one]
                recorder_of(ledger).record(checks[:7])
                recorder_of(ledger).record(checks[7:])
                mixed = [one for one in mixed if "id" not in one]
            recorder_of(ledger).record(mixed)
            seen.append(typed(ledger, numbers=False))
    assert seen[0] == seen[1] == seen[2]


# What the definitions refuse

RULES = [
    ({"project": "P09"}, 'project: "P09" is unknown'),
    ({"project": "p01"}, 'project: "p01" is unknown'),
    ({"project": "P03"}, "project: P03 was not open on 2026-10-05"),
    ({"point": "KF-009"}, 'point: "KF-009" is unknown; write one of KF-001'),
    ({"checked_at": "2026-06-30T23:59:59+08:00"}, 'point: "KF-002" is in no edition in force on 2026-06-30'),
    ({"role": "supervisr"}, 'role: "supervisr" is unknown; did you mean supervisor?'),
    ({"method": "recrds"}, 'method: "recrds" is unknown; did you mean records?'),
    ({"checked_at": "2027-10-05T09:30:00+08:00"}, "checked_at: 2027-10-05T09:30:00+08:00 lies in the future"),
    ({"started": "2027-10-05T09:30:00+08:00"}, "started: 2027-10-05T09:30:00+08:00 lies in the future"),
    ({"started": "2026-10-05T09:30:00+08:00", "ended": "2026-10-05T09:29:00+08:00"}, "ended: lies before started"),
    ({"result": "na", "findings": []}, "reason: is missing where the result is na"),
    ({"result": "na", "reason": "x"}, "findings: stand beside the result na"),
    ({"elements": {"2": "pass"}}, "elements: KF-002 has no element 2"),
    ({"findings": [FINDING, {"kind": "deduction", "element": 2}]}, "findings[2].element: KF-002 has no element 2"),
]


@pytest.mark.parametrize(("changes", "problem"), RULES)
def test_a_check_against_the_definitions_is_refused(ledger, changes, problem):
    recorder_of(ledger).check(check(id="before"))
    assert any(problem in told for told in refused(ledger, check(**changes), check(id="c-2")))


def test_a_project_is_open_from_its_first_day_until_before_its_last(ledger):
    now = datetime(2028, 1, 1, tzinfo=UTC)
    recorder_of(ledger, now=now).check(check(checked_at="2027-02-28T23:59:59+08:00"))
    assert (
        "not open on 2027-03-01" in refused(ledger, check(id="c-2", checked_at="2027-03-01T00:00:00+08:00"), now=now)[0]
    )


def test_a_clock_may_run_ten_minutes_ahead(ledger):
    recorder_of(ledger).check(check(checked_at=NOW + timedelta(minutes=10)))
    assert (
        "lies in the future" in refused(ledger, check(id="c-2", checked_at=NOW + timedelta(minutes=10, seconds=1)))[0]
    )


def test_all_faults_of_a_check_are_told_at_once(ledger):
    findings = [{"kind": "x", "element": 2}, "y", {"kind": "deduction", "element": 3}]
    wrong = check(kind="routin", project="P9", role="boss", method="smell", findings=findings, readings=[{}])
    assert [told.split(": ")[1] for told in refused(ledger, wrong)] == [
        "kind", "findings[1].kind", "findings[2]", "readings[1].value", "project", "role", "method",
        "findings[1].element", "findings[3].element",
    ]  # fmt: skip


def test_faults_of_a_further_look_are_told_too(ledger):
    findings = [{"kind": "deduction", "no": 1}, {"kind": "deduction", "no": 1, "element": 2}]
    told = refused(ledger, check(kind="routin", findings=findings))
    assert [one.split(": ")[1] for one in told] == ["kind", "findings", "findings[2].element"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"project": 7}, ["project"]),
        ({"checked_at": "then", "project": "P03", "point": "KF-009"}, ["checked_at", "point"]),
        ({"checked_at": "then", "elements": {"2": "pass"}}, ["checked_at"]),
        ({"point": "KF 1", "elements": {"2": "pass"}}, ["point"]),
        ({"role": None, "method": 7}, ["method", "role"]),
        ({"result": "na", "findings": [], "reason": "\u200b"}, ["reason"]),
        ({"started": "then", "ended": "2026-10-05T09:29:00+08:00"}, ["started"]),
    ],
)
def test_what_hangs_on_a_faulty_field_is_not_judged(ledger, changes, fields):
    told = refused(ledger, check(**changes))
    assert sorted(one.split(": ")[1] for one in told) == fields


def test_all_faults_of_a_verification_are_told_at_once(ledger):
    told = refused(ledger, CHECK, verification(outcome="done", verifier="BJ"))
    assert [one.split(": ")[1] for one in told] == ["outcome", "verifier"]
    told = refused(ledger, verification(outcome="done"))
    assert [one.split(": ")[1] for one in told] == ["outcome", "finding"]
    told = refused(ledger, CHECK, verification(finding=7, verifier="BJ"))
    assert [one.split(": ")[1] for one in told] == ["finding"]


def test_a_verification_of_a_faulty_check_is_told_to_hang_on_it(ledger):
    told = refused(ledger, check(kind="x"), VERIFICATION)
    assert 'the check of "c-1001/1" is refused' in told[1]


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"role": "主任"}, "write one of supervisor 对口主管, team_lead 部门/班组负责人, "),
        ({"method": "闻"}, "write one of observe 现场观察, records 查阅记录, "),
    ],
)
def test_an_unknown_chinese_role_or_method_is_answered_with_the_titles(ledger, changes, remedy):
    (told,) = refused(ledger, check(**changes))
    assert remedy in told


# Second verifications


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"finding": "c-1001/2"}, 'finding: "c-1001/2" is unknown; record its check first, or mend the id'),
        ({"finding": "c-1001"}, 'finding: "c-1001" is unknown'),
        (
            {"verified_at": "2026-10-05T09:29:59+08:00"},
            "verified_at: lies before the check of 2026-10-05T09:30+08:00; mend",
        ),
        ({"verified_at": "2026-12-05T09:29:59+08:00"}, "verified_at: 2026-12-05T09:29:59+08:00 lies in the future"),
        ({"verifier": "BJ"}, "verifier: BJ is responsible for the finding"),
        ({"verifier": "bj"}, "verifier: bj is responsible for the finding"),
        ({"verifier": "ＢＪ"}, "verifier: BJ is responsible for the finding"),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_a_verification_against_the_rules_is_refused(ledger, changes, problem, together):
    before = [CHECK] if together else []
    if not together:
        recorder_of(ledger).check(CHECK)
    assert [told for told in refused(ledger, *before, verification(**changes)) if problem in told]


def test_the_inspector_verifies_where_the_policy_allows_it_and_not_otherwise(ledger):
    recorder_of(ledger).check(CHECK)
    strict = found(policy={"verification_by": "not_inspector"})
    (problem,) = refused(ledger, verification(verifier="S01"), definitions=strict)
    assert "S01 raised the finding, and the policy wants another" in problem
    assert recorder_of(ledger).verify(verification(verifier="S01")).recorded == 1


def test_a_finding_has_many_rounds(ledger):
    rounds = [
        verification(outcome=outcome, verified_at=f"2026-10-{day}T10:00:00+08:00")
        for outcome, day in (("open", 15), ("open", 20), ("closed", 25))
    ]
    assert recorder_of(ledger).record([CHECK, *rounds]).recorded == 4


def test_two_outcomes_of_one_moment_are_a_conflict(ledger):
    recorder_of(ledger).record([CHECK, VERIFICATION])
    assert 'outcome: recorded "closed", given "open"' in refused(ledger, verification(outcome="open"))[0]


# Taking the good ones


def test_good_records_are_taken_and_the_rest_counted(ledger):
    outcome = recorder_of(ledger).record([CHECK, check(id="c-2", role="x"), {"id": "c-3"}], accept_good=True)
    assert (outcome.recorded, len(outcome.refused), len(outcome.problems)) == (1, 2, 5)


def test_a_verification_hangs_on_a_refused_check(ledger):
    outcome = recorder_of(ledger).record(
        [check(role="x"), VERIFICATION, VERIFICATION, check(id="c-2")], accept_good=True
    )
    assert (outcome.recorded, outcome.already, len(outcome.refused)) == (1, 0, 3)
    assert any('the check of "c-1001/1" is refused' in problem.fault for problem in outcome.problems)


def test_a_verification_never_closes_the_finding_of_another_check_with_the_same_id(ledger):
    recorder_of(ledger).check(CHECK)
    outcome = recorder_of(ledger).record([check(place="4栋"), VERIFICATION], accept_good=True)
    assert (outcome.recorded, len(outcome.refused)) == (0, 2)
    assert ledger.rows("SELECT * FROM verifications") == []


def test_nothing_is_made_where_the_first_records_are_refused(ledger):
    refused(ledger, check(role="x"))
    assert state(ledger.place) is None


# Several at once


def test_threads_that_share_a_recorder_lose_nothing(ledger):
    recorder = recorder_of(ledger)

    def work(name):
        for n in range(25):
            recorder.check(check(id=f"{name}-{n}"))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledger.rows("SELECT id FROM checks")) == 100
    assert ledger.verify() == []


WRITER = """
import sys
from inputs import CHECK, new_ledger, recorder_of
with new_ledger(sys.argv[1]) as ledger:
    recorder = recorder_of(ledger)
    for n in range(25):
        recorder.check({**CHECK, "id": f"{sys.argv[2]}-{n}"})
        recorder.check({**CHECK, "id": f"shared-{n}"})
"""


def test_processes_that_make_and_fill_one_ledger_lose_nothing_and_double_nothing(store):
    here = str(Path(__file__).parent)
    running = [subprocess.Popen([sys.executable, "-c", WRITER, as_text(store), name], cwd=here) for name in "abcd"]
    assert [one.wait(120) for one in running] == [0, 0, 0, 0]
    with new_ledger(store) as ledger:
        ids = [row[0] for row in ledger.rows("SELECT id FROM checks")]
        assert sorted(ids) == sorted(f"{name}-{n}" for name in ("a", "b", "c", "d", "shared") for n in range(25))
        assert ledger.verify() == []


def test_what_another_program_records_while_a_file_is_read_is_seen(store):
    with new_ledger(store) as one, new_ledger(store) as other:

        def slowly():
            yield CHECK
            yield check(id="c-2")
            recorder_of(other).record([CHECK, check(id="c-2", place="4栋"), check(id="c-3")])

        outcome = recorder_of(one).record(slowly(), accept_good=True)
        assert (outcome.recorded, outcome.already, len(outcome.refused)) == (0, 1, 1)
        assert "recorded already as entry" in outcome.problems[0].fault
        with pytest.raises(RecordError):
            recorder_of(one).record([check(id="c-2")])


def test_a_ledger_that_another_program_holds_is_named_so(ledger, monkeypatch, store):
    recorder_of(ledger).check(CHECK)
    monkeypatch.setattr("qpi.store.BUSY_SECONDS", 0.05)
    with (
        new_ledger(store) as other,
        ledger.writing(),
        pytest.raises(LedgerError, match="another program has written"),
    ):
        recorder_of(other).check(check(id="c-2"))


def test_the_actor_is_the_user_of_the_operating_system_whatever_the_environment_says(ledger, monkeypatch):
    monkeypatch.setenv("LOGNAME", "somebody")
    assert system_actor().auth == "os-user"
    assert system_actor().id != "somebody"
    Recorder(ledger, found(), clock=lambda: NOW).check(CHECK)
    assert ledger.rows("SELECT actor_id FROM entry WHERE kind = 'check'") == [(system_actor().id,)]


def test_a_name_in_place_of_an_id_is_refused_because_the_ledger_would_keep_it(recorded):
    name = recorded.definitions.portfolio.people[0].name
    person = recorded.definitions.portfolio.people[0].id
    with recorded.recorder() as recorder, pytest.raises(RecordError) as caught:
        recorder.check(id="c-name", project="P01", point="KF-001", role="supervisor", inspector=name,
                       checked_at="2026-10-05T09:00:00+08:00")  # fmt: skip
    (problem,) = caught.value.problems
    assert (problem.where.field, problem.fault) == ("inspector", f"{name} is a name, and the ledger keeps ids")
    assert problem.remedy == f"write {person}"
    with recorded.recorder() as recorder, pytest.raises(RecordError, match="is a name"):
        recorder.verify(finding="c-1/2", verifier=name, verified_at="2026-10-21T09:00:00+08:00", outcome="closed")
