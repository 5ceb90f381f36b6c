"""Ids for files that have none: made of the natural key and its occurrence, the same whenever the file is read."""

import json

import pytest

from inputs import CHECK, found, new_ledger, recorder_of
from qpi.errors import RecordError
from qpi.intake import open_file
from test_command_line import qpi

BARE = {name: value for name, value in CHECK.items() if name not in ("id", "findings", "evidence", "sample")}
OTHER = {**BARE, "checked_at": "2026-10-06T09:30:00+08:00"}


@pytest.fixture
def ledger(tmp_path):
    with new_ledger(tmp_path) as opened:
        yield opened


def given(tmp_path, *records, name="a.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), "utf-8")
    return open_file(path, found(), make_ids=True).drafts


def ids(ledger):
    return sorted(row[0] for row in ledger.rows("SELECT id FROM checks"))


def test_a_file_without_ids_twice_and_in_another_order_adds_nothing(ledger, tmp_path):
    recorder = recorder_of(ledger)
    assert recorder.record(given(tmp_path, BARE, OTHER)).recorded == 2
    again = recorder.record(given(tmp_path, OTHER, BARE, name="b.jsonl"))
    assert (again.recorded, again.already) == (0, 2)


def test_two_equal_rows_are_two_checks_and_stay_two(ledger, tmp_path):
    recorder = recorder_of(ledger)
    for _ in range(2):
        recorder.record(given(tmp_path, BARE, BARE, OTHER))
    assert len(ids(ledger)) == 3
    assert sorted(name.rpartition("-")[2] for name in ids(ledger)) == ["1", "1", "2"]


def test_rows_of_one_key_that_differ_want_ids(ledger, tmp_path):
    """Counted by what they say, a further row would move the others to another id, and one be recorded twice."""
    recorder = recorder_of(ledger)
    one, two = {**BARE, "place": "3栋"}, {**BARE, "place": "4栋"}
    recorder.record(given(tmp_path, two))
    outcome = recorder.record(given(tmp_path, one, two, OTHER), accept_good=True)
    assert (outcome.recorded, len(outcome.refused)) == (1, 2)
    assert "another row has the same project, point, role, inspector and moment" in str(outcome.problems[0])


def test_a_row_that_was_edited_is_a_conflict(ledger, tmp_path):
    recorder_of(ledger).record(given(tmp_path, BARE))
    with pytest.raises(RecordError, match='place: recorded "3栋", given "9栋"'):
        recorder_of(ledger).record(given(tmp_path, {**BARE, "place": "9栋"}))


def test_an_instant_is_the_same_in_any_offset(ledger, tmp_path):
    recorder_of(ledger).record(given(tmp_path, BARE))
    assert recorder_of(ledger).record(given(tmp_path, {**BARE, "checked_at": "2026-10-05T01:30:00Z"})).already == 1


def test_ids_that_are_given_stay_and_other_faults_are_told_alone(ledger, tmp_path):
    faulty = {**BARE, "place": 7}
    drafts = list(given(tmp_path, {**BARE, "id": "own"}, faulty))
    assert drafts[0].entry.id == "own"
    assert [problem.where.field for problem in drafts[1].problems] == ["place"]
    # A negative control: without this, the id is missed too.
    plain = list(open_file(tmp_path / "a.jsonl", found()).drafts)[1]
    assert [problem.where.field for problem in plain.problems] == ["id", "place"]


def test_a_submission_that_is_tried_again_is_recorded_once(ledger):
    recorder = recorder_of(ledger)
    assert recorder.check(BARE, submission="7f3e-1").recorded == 1
    assert recorder.check(BARE, submission="7f3e-1").already == 1
    assert recorder.check(BARE, submission="7f3e-2").recorded == 1
    assert ids(ledger) == ["7f3e-1", "7f3e-2"]
    with pytest.raises(RecordError, match="other content"):
        recorder.check({**BARE, "place": "9栋"}, submission="7f3e-1")


def test_the_command_makes_ids_where_it_is_told_to(recorded):
    file = recorded.folder / "bare.csv"
    file.write_text(
        "项目,核查点,核查层级,核查时间\nP01,KF-001,supervisor,2026-10-08 09:00\nP01,KF-001,supervisor,2026-10-08 09:00\n",
        "utf-8",
    )
    assert 'column "id" is missing' in qpi("import", str(file), folder=recorded.folder).stderr
    assert "2 recorded, 0 already there" in qpi("import", str(file), "--make-ids", folder=recorded.folder).stdout
    assert "0 recorded, 2 already there" in qpi("import", str(file), "--make-ids", folder=recorded.folder).stdout
