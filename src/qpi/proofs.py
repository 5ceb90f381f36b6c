"""Proofs: an export held against its own manifest, and against the ledger that it was made from."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from qpi import extracts, manifest, parquet
from qpi.errors import Problem, Where
from qpi.ledger import Ledger
from qpi.manifest import NAME, TABLES, Manifest, Part
from qpi.messages import Message, say


def verify(folder: Path, ledger: Ledger | None = None) -> tuple[Manifest, list[Problem]]:
    """Read every byte of an export, and compare it with the ledger where one is given.

    Returns what the export says of itself, and what is wrong. Raises DataError where there is no finished export.
    """
    kept = manifest.of(folder)
    found = manifest.faults(folder, kept, whole=True)
    if ledger is not None:
        known = {problem.where.file for problem in found}
        found += compared(ledger, folder, kept, beside=[p for p in kept.parts if str(folder / p.path) in known])
    return kept, found


def compared(ledger: Ledger, folder: Path, kept: Manifest, *, beside: Iterable[Part] = ()) -> list[Problem]:
    """Return where an export is not what the ledger has at its position: its receipt, and its rows, each with all columns.

    The rows of the files `beside` are not looked at.
    """
    where = Where(str(folder / NAME))
    last = ledger.position()
    if kept.ledger != last.ledger:
        other = say("is an export of another ledger ({ledger})", ledger=kept.ledger)
        return [Problem(where, other, say("name the folder of this ledger's export"))]
    fault = receipt_fault(ledger, kept)
    if fault:
        return [Problem(where, fault, say("verify the ledger, and restore a backup"))]
    problems, left = list[Problem](), set(beside)
    for table in TABLES:
        counts = dict(_counted(ledger, where, kept, table))
        problems += counts.values()
        parts = [p for p in kept.parts if p.table == table and p.month not in counts and p not in left]
        for entries, group in groupby(sorted(parts, key=_range), key=_range):
            problems += _read(ledger, folder, table, entries, {part.month: part for part in group}, kept.seq)
    return problems


def _range(part: Part) -> tuple[int, int]:
    return part.first, part.last


def receipt_fault(ledger: Ledger, kept: Manifest) -> Message | None:
    """Say how the ledger does not fit the receipt of an export of it, or return None."""
    if kept.seq > ledger.position().seq:
        return say("the export reaches to entry {entry}, which the ledger does not have", entry=kept.seq)
    if ledger.position_at(kept.seq).head != kept.head:
        return say("entry {entry} of the ledger is not the one that was exported", entry=kept.seq)
    return None


def _counted(ledger: Ledger, where: Where, kept: Manifest, table: str) -> Iterator[tuple[str, Problem]]:
    """Yield the months of which the manifest has more rows of a table, or fewer, than the ledger."""
    there = extracts.counted(ledger, table, at=kept.seq)
    here: dict[str, int] = {}
    for part in kept.parts:
        if part.table == table:
            here[part.month] = here.get(part.month, 0) + part.rows
    for month in sorted({*there, *here}, key=str):
        if there.get(month, 0) != here.get(month, 0):
            fault = say("{table} of {month}: {here} rows, and {there} in the ledger", table=table, month=month,
                        here=here.get(month, 0), there=there.get(month, 0))  # fmt: skip
            yield month, Problem(where, fault, manifest.anew())


def _read(
    ledger: Ledger, folder: Path, table: str, entries: tuple[int, int], parts: Mapping[str, Part], at: int
) -> Iterator[Problem]:
    """Read the rows of entries from the ledger and from the files of their months, side by side."""
    open_: dict[str, parquet.Reading] = {}
    wrong = set[str]()
    try:
        for rows in extracts.rows(ledger, table, *entries, at=at, months=set(parts)):
            for month, some in parquet.by_month(rows).items():
                if month not in parts or month in wrong:
                    continue
                if month not in open_:
                    open_[month] = parquet.Reading(folder / parts[month].path)
                fault = open_[month].fault(some)
                if fault is not None:
                    wrong.add(month)
                    yield Problem(Where(str(folder / parts[month].path)), fault, manifest.anew())
        for month in sorted(set(parts) - wrong):
            if month not in open_ or not open_[month].ended:
                fault = say("has rows that are not in the ledger")
                yield Problem(Where(str(folder / parts[month].path)), fault, manifest.anew())
    finally:
        for one in open_.values():
            one.close()


__all__ = ["compared", "receipt_fault", "verify"]
