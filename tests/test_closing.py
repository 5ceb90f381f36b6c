"""Closing a period: what was judged stays what it was, and what came after stands beside it with its entries."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pandas as pd
import pytest

from inputs import state
from qpi import closing, corrections, formats, metrics
from qpi.entries import Actor
from qpi.errors import UsageError
from qpi.recorder import Recorder
from test_command_line import qpi


@pytest.fixture
def folder(kept):
    """Each test of this file runs with a ledger in a file, and with one in PostgreSQL."""
    return kept


# The first moment after the fifth day after October in Shanghai.
OPEN = datetime(2026, 11, 5, 16, 0, 0, tzinfo=UTC)
LATER = {
    "id": "late",
    "project": "P01",
    "point": "KF-001",
    "role": "supervisor",
    "checked_at": "2026-10-30T09:00:00+08:00",
}


def close(workspace, *, now=OPEN, period="2026-10", reason=None):
    with workspace.ledger() as store:
        recorder = Recorder(store, workspace.definitions, actor=Actor("test"), clock=lambda: now)
        return workspace.close(period, reason=reason, recorder=recorder)


def record(workspace, *records):
    with workspace.ledger() as store:
        recorder = Recorder(store, workspace.definitions, actor=Actor("test"))
        return recorder.record(records)


def since(workspace):
    found = workspace.closed("2026-10")
    return [(one.kind, one.record, str(one.what)) for one in workspace.since(found, at=workspace.tables().position.seq)]


def test_a_period_is_judged_the_days_of_the_policy_after_its_end(recorded):
    with pytest.raises(UsageError, match="2026-10 is judged on 2026-11-06, 5 days after its end"):
        close(recorded, now=OPEN.replace(hour=15, minute=59, second=59, microsecond=999999))
    assert close(recorded).recorded == 1
    (recorded.folder / "policy.yaml").write_text("close_after: 0\n", "utf-8")
    again = type(recorded)(recorded.folder)
    assert (
        closing.judged_at(again.definitions, closing.period_of("2026-10")).isoformat()
        == "2026-10-31T15:59:59.999999+00:00"
    )


def test_a_closing_keeps_the_figures_and_the_receipt_of_its_moment(recorded):
    position, frame = recorded.tables().position, recorded.metrics("2026-10", as_of=OPEN.date().replace(day=5))
    close(recorded)
    found = recorded.closed("2026-10")
    assert (found.at, found.head, found.entry) == (position.seq, position.head, position.seq + 1)
    kept = [(indicator, done, due, verdict) for _, indicator, done, due, verdict in found.figures[()]]
    parts = closing.PARTS
    assert kept == [(row.indicator, round(row.done * parts.get(row.indicator, 1)), round(row.due * parts.get(row.indicator, 1)), row.verdict)
                    for row in frame.itertuples()]  # fmt: skip
    with recorded.ledger() as store:
        assert position.head in corrections.record_of(store.entry(found.entry))["receipt"]
        assert store.verify() == []


def test_a_period_is_closed_once_and_again_only_with_a_reason(recorded):
    first = close(recorded).position
    assert (close(recorded).recorded, close(recorded).already) == (0, 1)
    record(recorded, LATER)
    again = close(recorded, reason="一条核查补录")
    assert again.recorded == 1
    assert close(recorded, reason="一条核查补录").recorded == 0
    record(recorded, {**LATER, "id": "later"})
    assert close(recorded, reason="一条核查补录").recorded == 1
    found = recorded.closed("2026-10", at=again.position.seq)
    with recorded.ledger() as store:
        link = store.entry(found.entry)
    assert (link.supersedes, link.reason) == (first.seq, "一条核查补录")
    assert recorded.closed("2026-10", at=first.seq).entry == first.seq


def test_later_records_change_nothing_in_a_closing_and_are_named(recorded):
    close(recorded)
    before = recorded.closed("2026-10").figures
    record(recorded, LATER)
    with recorded.recorder(actor=Actor("test")) as recorder:
        recorder.void("c-2", reason="x")
        recorder.correct("c-3", {"id": "c-3", "project": "P01", "point": "KF-002", "role": "supervisor", "place": "x",
                                 "checked_at": "2026-10-07T10:00:00+08:00"}, reason="y")  # fmt: skip
        recorder.record(
            [{"finding": "c-1/2", "verifier": "S02", "verified_at": "2026-11-10T10:00:00+08:00", "outcome": "closed"}]
        )
        recorder.record([{**LATER, "id": "other", "checked_at": "2026-11-02T09:00:00+08:00"}])
    assert recorded.closed("2026-10").figures == before
    assert since(recorded) == [
        ("check", "late", "recorded after the closing"), ("void", "c-2", "voids entry 3"), ("check", "c-3", "corrects entry 4"),
        ("verification", "c-1/2", "recorded after the closing")]  # fmt: skip
    found = recorded.closed("2026-10")
    beside = recorded.beside(recorded.metrics("2026-10"), found, [])
    by = {row.indicator: row for row in beside.itertuples()}
    # One check was added and one taken back.
    assert (by["traceability"].closed_due, by["traceability"].due, by["traceability"].changed) == (3, 3, False)
    assert (by["closure"].closed_done, by["closure"].done, by["closure"].changed) == (1, 2, True)
    for row in beside.itertuples():
        moved = (row.done, row.due, row.verdict) != (row.closed_done, row.closed_due, row.closed_verdict)
        assert row.changed == moved


def test_a_check_whose_finding_is_to_be_verified_in_the_period_is_named_whenever_it_was(recorded):
    """closure_on_time goes by the planned day."""
    planned = {**LATER, "id": "august", "checked_at": "2026-08-05T09:00:00+08:00",
               "findings": [{"kind": "suggestion", "verify_on": "2026-10-09"}]}  # fmt: skip
    record(recorded, planned)
    close(recorded)
    with recorded.recorder(actor=Actor("test")) as recorder:
        recorder.void("august", reason="x")
    assert since(recorded) == [("void", "august", "voids entry 7")]
    beside = recorded.beside(recorded.metrics("2026-10"), recorded.closed("2026-10"), [])
    assert list(beside[beside["changed"]]["indicator"]) == ["closure_on_time"]


def test_what_was_verified_after_the_period_was_judged_is_named_although_it_was_recorded_before_the_closing(recorded):
    late = {"finding": "c-1/2", "verifier": "S02", "verified_at": "2026-11-06T10:00:00+08:00", "outcome": "closed"}
    record(recorded, late)
    close(recorded, now=OPEN.replace(day=20))
    assert since(recorded) == [("verification", "c-1/2", "verified after the period was judged")]
    beside = recorded.beside(recorded.metrics("2026-10"), recorded.closed("2026-10"), [])
    assert list(beside[beside["changed"]]["indicator"]) == ["closure", "closure_all"]


def test_a_check_before_the_period_is_named_where_its_duty_reaches_into_it(recorded):
    """KF-001 is owed monthly by supervisors and quarterly by the department."""
    record(recorded, {**LATER, "id": "start", "checked_at": "2026-10-01T09:00:00+08:00"})
    close(recorded, period="2026-11", now=datetime(2026, 12, 7, tzinfo=UTC))
    record(recorded, {**LATER, "id": "monthly", "checked_at": "2026-10-09T09:00:00+08:00"},
           {**LATER, "id": "quarterly", "role": "department", "checked_at": "2026-10-09T09:00:00+08:00"},
           {**LATER, "id": "earlier", "role": "department", "checked_at": "2026-09-29T09:00:00+08:00"})  # fmt: skip
    found = recorded.closed("2026-11")
    assert [one.record for one in recorded.since(found, at=recorded.tables().position.seq)] == ["quarterly"]


@pytest.mark.parametrize("by", [["role", "project"], ["project", "role"], ["region"], ["month"], ["project", "kind"]])
def test_closed_figures_stand_beside_any_grouping(recorded, by):
    """By keys that were not kept they are counted anew at the position, as long as the definitions are the same."""
    as_of = datetime.fromisoformat("2026-11-05T23:59:59.999999+08:00")
    close(recorded)
    frame = recorded.metrics("2026-10", by=by, as_of=as_of)
    beside = recorded.beside(frame, recorded.closed("2026-10"), by)
    assert not beside["changed"].any()
    assert beside[list(frame.columns)].astype("object").fillna("-").equals(frame.astype("object").fillna("-"))
    (recorded.folder / "policy.yaml").write_text("mix_minimum: 2\n", "utf-8")
    other = type(recorded)(recorded.folder)
    kept = other.beside(other.metrics("2026-10", by=by, as_of=as_of), other.closed("2026-10"), by)
    assert (kept is None) == (by in (["month"], ["project", "kind"]))


def test_the_share_of_closures_by_the_one_who_raised_them_is_counted(recorded):
    """S01 raised c-1/1, which S02 closed; he closes c-1/2 himself."""
    assert recorded.self_verified("2026-10") == (0, 1)
    record(
        recorded,
        {"finding": "c-1/2", "verifier": "s01", "verified_at": "2026-10-20T10:00:00+08:00", "outcome": "closed"},
    )
    assert recorded.self_verified("2026-10") == (1, 2)
    assert recorded.self_verified("2026-09") == (0, 0)


def test_the_commands_close_and_show_what_changed(recorded):
    folder = recorded.folder
    done = qpi("close", "2026-10", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2026-10: closed\n")
    assert "qpi-receipt-v1 " in done.stdout
    assert qpi("close", "2026-10", folder=folder).stdout.startswith("2026-10: was closed before\n")
    quiet = qpi("metrics", "2026-10", "--as-of", "2026-11-05", folder=folder).stdout
    assert "no entry since bears on these figures" in quiet
    record(recorded, LATER)
    shown = qpi("metrics", "2026-10", folder=folder).stdout
    assert "closed by entry 7 at " in shown
    assert "entry 8 check late of 2026-10-30: recorded after the closing" in shown
    assert "closed findings that the one who raised them verified: 0 of 1" in shown
    rows = json.loads(qpi("metrics", "2026-10", "--by", "project", "--format", "json", folder=folder).stdout)
    one = next(row for row in rows if row["project"] == "P01" and row["indicator"] == "traceability")
    assert (one["closed_due"], one["due"]) == (2, 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["close", "2026-13"], "unknown"), (["close", "2099-10"], "2099-10 is judged on 2099-11-06"), (["close"], "PERIOD")],
)  # fmt: skip
def test_what_cannot_be_closed_is_told(recorded, arguments, words):
    before = state(recorded.ledger_place)
    done = qpi(*arguments, folder=recorded.folder)
    assert done.returncode == 2
    assert words in done.stderr
    assert state(recorded.ledger_place) == before


def test_no_entry_changes_a_closed_figure_without_being_named(recorded):
    """Checks of four months, taken back one by one: whichever moves a figure of the period is among those that are named."""
    chance = random.Random(11)
    for number in range(60):
        day = date(2026, 7, 20) + timedelta(days=chance.randrange(110))
        planned = (day + timedelta(days=chance.randrange(1, 60))).isoformat()
        record(recorded, {
            "id": f"r-{number}", "project": chance.choice(("P01", "P02")), "point": chance.choice(("KF-001", "KF-002")),
            "role": chance.choice(("supervisor", "department")), "checked_at": f"{day}T09:00:00+08:00",
            "findings": [{"kind": "suggestion", "verify_on": planned}] if number % 3 else [],
        })  # fmt: skip
    close(recorded)
    as_of = closing.judged_at(recorded.definitions, closing.period_of("2026-10"))
    by, moved = ["project", "role"], 0
    before = recorded.metrics("2026-10", by=by, as_of=as_of)
    for number in chance.sample(range(60), 60):
        with recorded.recorder(actor=Actor("test")) as recorder:
            entry = recorder.void(f"r-{number}", reason="x").position.seq
        after = recorded.metrics("2026-10", by=by, as_of=as_of)
        if not after.equals(before):
            moved += 1
            named = [one.entry for one in recorded.since(recorded.closed("2026-10"), at=entry)]
            assert entry in named, number
        before = after
    assert 5 < moved < 60, moved


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_closed_rate_is_not_rounded_up_to_a_floor_that_it_misses(recorded, language):
    """14999 of 20000 is 74.995 %, and the floor 75 %; also where the floor was lowered since, so that it is met now."""
    policy = recorded.definitions.policy
    figures = {(): [((), "frequency_completion", 14999 * 12, 20000 * 12, "missed")]}
    kept = closing.Closing(9, "2026-10", 8, "0" * 64, "", "", (), closing.Share(0, 0), figures)
    rate = 14999 / 20000
    now = pd.DataFrame([["frequency_completion", 14999.0, 20000.0, rate, 0.75, "missed"]], columns=metrics.RESULT[:6])
    text = formats.closed_table(closing.beside(recorded.definitions, now, kept, ()), policy, language=language)
    assert (text.count("74.99 %"), text.count("75.00 %")) == (2, 0)
    lower = policy.model_copy(
        update={"floors": policy.floors.model_copy(update={"frequency_completion": Fraction(7, 10)})}
    )
    now["verdict"] = "met"
    text = formats.closed_table(closing.beside(recorded.definitions, now, kept, ()), lower, language=language)
    assert (text.count("74.99 %"), text.count("75.00 %")) == (1, 1)


@pytest.mark.parametrize("name", closing.COLUMNS)
def test_an_attribute_that_bears_the_name_of_a_column_beside_closed_figures_is_no_grouping(recorded, name):
    path = recorded.folder / "portfolio.yaml"
    path.write_text(path.read_text("utf-8").replace("region: ", f"{name}: x, region: ", 1), "utf-8")
    again = type(recorded)(recorded.folder)
    assert name in again.definitions.groupings
    close(again)
    found, frame = again.closed("2026-10"), again.metrics("2026-10", by=[name])
    with pytest.raises(UsageError, match=f'an attribute named "{name}" cannot be a grouping'):
        again.beside(frame, found, [name])
