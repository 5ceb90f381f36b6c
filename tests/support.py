"""What several tests need: worlds as definitions and tables, and rows as they are compared."""

import os
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from qpi import definitions, frames, metrics
from qpi.calendar import zone
from qpi.entries import Actor, Check, Verification
from qpi.ledger import open_ledger
from qpi.recorder import Recorder, draft

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FAST = "/dev/shm" if os.path.isdir("/dev/shm") else None


def load(workspace):
    """Return the definitions of a world's workspace."""
    found = definitions.from_plain(
        workspace["checklists"],
        workspace["portfolio"],
        workspace.get("policy"),
        zone=zone(workspace.get("timezone", "Asia/Shanghai")),
    )
    return found


def drafts(records):
    """Return records as drafts, checks and verifications told apart."""
    return [draft(Verification if "finding" in record else Check, record) for record in records]


def tables(found, *batches):
    """Record batches one after another in a ledger, and return its tidy tables."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        with open_ledger(Path(folder) / "ledger.db", create=True) as ledger:
            recorder = Recorder(ledger, found, actor=Actor("test"), clock=lambda: NOW)
            for records in batches:
                recorder.record(drafts(records))
            return frames.checks(ledger), frames.findings(ledger), frames.verifications(ledger)


def moment(as_of):
    """Return what a world's query asks for as `as_of` takes it."""
    if as_of is None:
        return NOW
    return date.fromisoformat(as_of) if len(as_of) == 10 else datetime.fromisoformat(as_of)


def measured(found, rows, period, by=(), as_of=None):
    """Return the indicators as plain tuples: key, indicator, done, due, rate, floor, verdict."""
    frame = metrics.indicators(found, *rows, period, by=by, as_of=moment(as_of))
    width = len(by)
    found_rows = []
    for row in frame.itertuples(index=False, name=None):
        numbers = [None if value != value else value for value in row[width + 1 : width + 5]]
        found_rows.append((row[:width], row[width], *numbers, row[width + 5]))
    return found_rows


def as_dict(rows):
    """Return rows by key and indicator."""
    return {(key, indicator): rest for key, indicator, *rest in rows}
