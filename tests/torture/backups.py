"""F16: backups made while others write; each proves itself against a receipt that was written before it was made."""

import multiprocessing
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from inputs import found, recorder_of
from qpi import receipts
from qpi.audit import audit
from qpi.backup import back_up
from qpi.errors import QpiError
from qpi.ledger import open_ledger
from qpi.receipts import Receipt
from torture.figures import Figure, Run, folder
from torture.ledgers import filled, records

BACKUPS, COPIES, ENTRIES = 110, 60, 200
FORK = multiprocessing.get_context("fork")


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of backups under a writer."""
    with folder() as made:
        path, over = Path(made) / "qpi.db", FORK.Event()
        filled(path, ENTRIES)
        writer = FORK.Process(target=_write, args=(path, over))
        writer.start()
        try:
            faults, grown = _backups(run, path, run.share(BACKUPS))
            broken, copies = _copies(path, run.share(COPIES, 20))
        finally:
            over.set()
            writer.join(60)
        faults += [] if writer.exitcode == 0 else [f"the writer ended with {writer.exitcode}"]
    yield Figure(
        "F16",
        "backups made under a writer, verified against a receipt of before",
        "backups",
        run.share(BACKUPS),
        run.share(BACKUPS),
        tuple(faults) or (() if broken else ("plain copies are sound as well: the writer does not disturb",)),
        f"{grown} entries were written meanwhile",
        (f"plain copy of the file: {broken} of {copies} broken or short",) if broken else (),
    )


def _write(path: Path, over) -> None:
    """Record one check after another; with rests, else the ledger would grow faster than it can be copied."""
    with open_ledger(path) as ledger:
        recorder, number = recorder_of(ledger, found()), 0
        while not over.is_set():
            number += 1
            recorder.record(records(1, tag=f"b{number}"))
            time.sleep(0.01)


def _receipt(path: Path) -> Receipt:
    with open_ledger(path) as ledger:
        return receipts.receipt(*ledger.position(), now=datetime(2026, 11, 21, tzinfo=UTC))


def _backups(run: Run, path: Path, times: int) -> tuple[list[str], int]:
    """Make backups; return what is wrong with them, and how many entries were written between the first and the last."""
    faults, seen = [], []
    for number in range(times):
        proof, copy = _receipt(path), path.with_name(f"copy-{number}.db")
        try:
            back_up(path, copy)
            report = audit(copy, [proof])
            faults += [f"backup {number}: {one}" for one in report.found]
            if report.position is None or report.position.seq < proof.seq or report.covered != proof.seq:
                faults.append(f"backup {number} does not cover its receipt")
            seen.append(proof.seq)
            copy.unlink()
        except QpiError as error:
            faults.append(f"backup {number}: {error!r}")
        run.tell(f"F16: {number + 1} backups")
    grown = seen[-1] - seen[0] if seen else 0
    return faults + ([] if grown else ["nothing was written meanwhile"]), grown


def _copies(path: Path, times: int) -> tuple[int, int]:
    """Copy the file as any program does; return how many copies are broken or lack what was recorded before, of how many."""
    broken, number = 0, 0
    # In a small run too, one broken copy must be seen before the harness is believed.
    while number < times or (not broken and number < 1000):
        proof, copy = _receipt(path), path.with_name(f"plain-{number}.db")
        number += 1
        with path.open("rb") as source, copy.open("wb") as target:
            while part := source.read(2**16):
                target.write(part)
        try:
            broken += not audit(copy, [proof]).sound
        except QpiError:
            broken += 1
        for left in path.parent.glob(f"{copy.name}*"):
            left.unlink()
    return broken, number
