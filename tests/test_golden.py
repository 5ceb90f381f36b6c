"""The golden ledgers, one of each layout that was ever released: this release proves, migrates and measures them."""

import shutil
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

import make_golden
from make_golden import GOLDEN, definitions_kept
from qpi import frames, metrics, tables
from qpi.audit import audit
from qpi.entries import Actor
from qpi.ledger import open_ledger, open_unexamined
from qpi.migration import migrate
from qpi.receipts import Receipt
from qpi.recorder import Recorder
from qpi.tables import LAYOUT
from test_audit import alter, theirs

FILES = sorted(GOLDEN.glob("ledger-*.db"))
HEADS = {
    1: ("golden-1", 26, "ab6f54b69a50d072d58e05ff8640258c386110510b3af203c205315f9883ab66"),
    2: ("golden-2", 34, "b1feb8c28712418826578bbade4583f28d74ad6e5704bb5be360cf7fe1932c12"),
}
"""Id, last entry and head of each, as they were written down when it was made."""


def layout(file):
    return int(file.stem.partition("-")[2])


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def golden(request, tmp_path):
    """A copy of a golden ledger."""
    return Path(shutil.copy(request.param, tmp_path / request.param.name))


def links(file):
    with open_unexamined(file) as ledger:
        return list(ledger.links())


def rows(file):
    """Every row of every typed table, with the numbers of the entries."""
    with open_ledger(file) as ledger:
        return {table.name: ledger.rows(f"SELECT * FROM {table.name} ORDER BY 1, 2") for table in tables.TYPED}


def anew(file, folder):
    """Do in a new ledger what a ledger says was done: record, correct and void, each at its moment."""
    told, made = links(file), folder / "anew.db"
    with open_ledger(made, create=True, ledger_id=told[0].idem.partition(":")[2], now=make_golden.BEGUN) as ledger:
        for link in told:
            actor = Actor(link.actor_id, link.actor_role, link.actor_auth)
            moment = datetime.fromisoformat(link.recorded_at)
            if link.kind in ("check", "verification", "void"):
                recorder = Recorder(ledger, definitions_kept(), actor=actor, clock=lambda now=moment: now)
                record = orjson.loads(link.body)["record"]
                if link.kind == "void":
                    recorder.void(link.supersedes, reason=link.reason)
                elif link.supersedes is not None:
                    recorder.correct(link.supersedes, record, reason=link.reason)
                else:
                    recorder.record([record])
    return made


def figures(file):
    with open_ledger(file) as ledger:
        found = (frames.checks(ledger), frames.findings(ledger), frames.verifications(ledger))
    as_of = datetime(2026, 11, 5, tzinfo=UTC)
    return metrics.indicators(definitions_kept(), *found, "2026-10", by=["project"], as_of=as_of)


def test_every_layout_before_this_one_has_its_golden_ledger():
    assert {layout(file) for file in FILES} >= set(range(1, LAYOUT))
    assert set(HEADS) >= {layout(file) for file in FILES if layout(file) < LAYOUT}


def test_a_golden_ledger_is_proved_as_it_is(golden):
    number = layout(golden)
    proof = Receipt(*HEADS.get(number, tuple(audit(golden).position)))
    report = audit(golden, [proof])
    assert (report.found, report.covered) == ((), proof.seq)
    assert any("wait for qpi ledger migrate" in note for note in report.notes) == (number < LAYOUT)
    assert theirs(golden, [proof]) == []


def test_an_altered_golden_ledger_is_found_by_both_verifiers_alike(golden):
    """The control of the test before."""
    proof = Receipt(*audit(golden).position)
    alter(golden, "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'P01', 'P02') AS BLOB) WHERE seq = 2")
    report = audit(golden, [proof])
    assert (2, "hash") in [(one.entry, one.kind) for one in report.found]
    assert (2, "hash") in theirs(golden, [proof])
    alter(golden, "DROP INDEX checks_day")
    assert (None, "schema") in [(one.entry, one.kind) for one in audit(golden).found]
    assert (None, "schema") in theirs(golden)


def test_a_golden_ledger_is_migrated_without_a_changed_entry(golden):
    before, position = links(golden), audit(golden).position
    migrate(golden)
    report = audit(golden, [Receipt(*position)])
    assert (report.found, report.position) == ((), position)
    assert not any("wait" in note for note in report.notes)
    assert links(golden) == before
    assert theirs(golden, [Receipt(*position)]) == []


def test_a_migrated_golden_ledger_has_the_rows_and_figures_of_the_same_records_recorded_anew(golden, tmp_path):
    migrate(golden)
    kept, fresh = rows(golden), rows(anew(golden, tmp_path))
    simple = {link.kind for link in links(golden)} <= {"genesis", "edition", "check", "verification"}
    if simple:
        assert kept == fresh
        assert figures(golden).equals(figures(tmp_path / "anew.db"))
    assert kept["checks"] and kept["findings"] and kept["verifications"] and kept["citations"]
    measured = figures(golden)
    assert len(measured) and measured["done"].sum() > 0
    with open_ledger(golden) as ledger:
        ledger.rebuild()
    assert rows(golden) == kept


def test_this_release_writes_on_in_a_migrated_golden_ledger(golden):
    migrate(golden)
    seq = audit(golden).position.seq
    with open_ledger(golden) as ledger:
        record = {**make_golden.FIRST[2], "id": "after", "checked_at": "2026-11-02T10:00:00+08:00"}
        recorder = make_golden.Recorder(ledger, definitions_kept(), clock=lambda: datetime(2026, 11, 9, tzinfo=UTC))
        assert recorder.check(record).recorded == 1
    report = audit(golden)
    assert (report.found, report.position.seq) == ((), seq + 1)


def test_the_golden_ledger_of_this_layout_is_made_the_same_each_time(tmp_path):
    positions = {make_golden.make(tmp_path / name) for name in ("a.db", "b.db")}
    assert len(positions) == 1
    assert audit(tmp_path / "a.db").sound
    kinds = {link.kind for link in links(tmp_path / "a.db")}
    assert {"genesis", "edition", "check", "verification"} <= kinds
    assert all(first.recorded_at <= second.recorded_at for first, second in pairwise(links(tmp_path / "a.db")))
