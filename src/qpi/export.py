"""Export: a folder of Parquet files that holds what stands at a position of the ledger, and is brought up to date.

New rows become new files. A file from which a row was voided or corrected away is written anew; every other stays as it
is. All is written beside its place first; then a manifest to be says what is to be put in place, so that whoever comes
after a kill can finish it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from qpi import disk, extracts, lock, manifest, parquet, receipts
from qpi.errors import DataError, ProofError, UsageError
from qpi.ledger import Ledger
from qpi.manifest import NAME, NEXT, TABLES, Manifest, Part
from qpi.messages import say
from qpi.proofs import receipt_fault

LOCK = ".export.lock"
_MOST_OPEN = 96
"""So many months are written at once; a ledger with more of them is read again for the others."""
_MOST_WAITING = 1 << 28
"""Bytes that may wait in memory for their groups, over all months."""
_LEFT = re.compile(rf"{re.escape(LOCK)}|\.{re.escape(NEXT)}\.[0-9a-f]{{8}}\.part")
"""What a first export that was killed leaves beside its tables: its lock, and a manifest to be that got no name."""


class Exported(NamedTuple):
    """What an export did: its manifest, and the files that are new, written anew, gone, and were not what they should be.

    `counted` are the months whose tallies were made anew; see `qpi.stored`.
    """

    manifest: Manifest
    new: tuple[Part, ...] = ()
    renewed: tuple[Part, ...] = ()
    gone: tuple[Part, ...] = ()
    mended: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()


def export(ledger: Ledger, folder: Path, *, now: datetime) -> Exported:
    """Bring an export up to the last entry of a ledger, or make one in a folder that is new or empty.

    Raises UsageError where the folder holds something else or the export of another ledger, or another program writes
    there, ProofError where the ledger has lost what was exported, DataError where a manifest or a file is not the
    export's own; then the folder is as it was.
    """
    _refuse_other(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with lock.held(folder / LOCK):
        # Another program may have come first.
        _refuse_other(folder)
        before = _kept(ledger, folder)
        foreign = manifest.strangers(folder, before.parts if before else ())
        if foreign:
            raise DataError(foreign)
        return _Run(ledger, folder, before, now).done()


def _refuse_other(folder: Path) -> None:
    """Raise UsageError where a folder is neither new, nor empty, nor an export, nor what a killed first export leaves."""
    if not folder.exists() or any((folder / name).exists() for name in (NAME, NEXT)):
        return
    if not folder.is_dir():
        raise UsageError(say("{folder} is no folder; name another", folder=folder))
    if not all(_is_left(one) for one in folder.iterdir()):
        raise UsageError(say("{folder} is not empty and holds no export; name another folder", folder=folder))


def _is_left(path: Path) -> bool:
    if path.name not in TABLES:
        return _LEFT.fullmatch(path.name) is not None
    months = [*path.iterdir()] if path.is_dir() and not path.is_symlink() else [None]
    return all(
        month is not None and month.is_dir() and not month.is_symlink() and all(map(_is_staged, month.iterdir()))
        for month in months
    )


def _is_staged(path: Path) -> bool:
    return manifest.is_staged(path.name)


def _kept(ledger: Ledger, folder: Path) -> Manifest | None:
    """Return what the folder holds already, after what an export left undone that was cut off is finished."""
    kept, undone = manifest.read(folder / NAME), manifest.read(folder / NEXT)
    for name, one in ((NAME, kept), (NEXT, undone)):
        if one is not None:
            _refuse_unfit(ledger, folder / name, one)
    if undone is not None:
        _drop_damaged(folder, kept, undone)
        _put(folder, kept, undone)
        return undone
    return kept


def _refuse_unfit(ledger: Ledger, path: Path, kept: Manifest) -> None:
    """Raise UsageError for an export of another ledger, ProofError where its receipt does not fit this one."""
    last = ledger.position()
    if kept.ledger != last.ledger:
        raise UsageError(
            say("{file}: is an export of another ledger ({ledger}); name another folder", file=path, ledger=kept.ledger)
        )
    fault = receipt_fault(ledger, kept)
    if fault:
        remedy = say("verify the ledger with --receipt {file}, and restore a backup; or name another folder", file=path)
        raise ProofError(say("{place}: {fault}; {remedy}", place=str(path), fault=fault, remedy=remedy))


def _drop_damaged(folder: Path, kept: Manifest | None, undone: Manifest) -> None:
    """Delete what was to be put in place, or is there already, and is not what the manifest to be says.

    A file that is missing is seen by everyone, and written anew by the next export.
    """
    before = set(kept.parts) if kept else set[Part]()
    for part in undone.parts:
        one, home = manifest.staged(folder, part.path), folder / part.path
        if one.exists() and manifest.digest(one) != part.sha256:
            one.unlink()
        if not one.exists() and part not in before and manifest.altered(folder, part) is not None:
            home.unlink(missing_ok=True)


class _Run:
    """One export from what is there to the last entry of the ledger."""

    def __init__(self, ledger: Ledger, folder: Path, before: Manifest | None, now: datetime) -> None:
        self.ledger, self.folder, self.before, self.now = ledger, folder, before, now
        self.position = ledger.position()

    def done(self) -> Exported:
        """Write what is new and what has changed, and say what that was."""
        kept, after = (self.before.parts, self.before.seq) if self.before else ((), -1)
        _clean(self.folder)
        damaged = {part for part in kept if manifest.amiss(self.folder, part) is not None}
        superseded = self._superseded(after)
        touched = {part for part in kept if self._holds_one(part, superseded)}
        if self.before is not None and after == self.position.seq and not damaged:
            return Exported(self.before)
        written, homes = self._staged(damaged | touched, after)
        new = tuple(part for part in written if part.first > after)
        renewed = tuple(part for part in written if part.first <= after)
        parts = sorted([*(set(kept) - damaged - touched), *written], key=_order)
        receipt = receipts.receipt(*self.position, now=self.now)
        made = Manifest(*self.position, str(receipt), tuple(parts))
        for home in homes:
            disk.settle(home)
        # From here on whoever comes can finish it.
        disk.write(self.folder / NEXT, manifest.text_of(made))
        _put(self.folder, self.before, made)
        places, mended = {part.path for part in touched}, {part.path for part in damaged}
        return Exported(
            made,
            new,
            tuple(part for part in renewed if part.path in places),
            tuple(part for part in sorted(touched, key=_order) if part.path not in {one.path for one in renewed}),
            tuple(sorted(mended)),
        )

    def _staged(self, stale: Iterable[Part], after: int) -> tuple[list[Part], list[Path]]:
        """Write new and changed files beside their places; return them, and the folders that have new names in them."""
        try:
            written = [part for group in _ranges(stale) for part in self._written(*group)]
            written += (part for table in TABLES for part in self._written(table, after + 1, self.position.seq, None))
        except BaseException:
            # What a kill leaves, the next export deletes.
            _clean(self.folder)
            raise
        homes = {(self.folder / part.path).parent for part in written}
        return written, [
            *sorted(homes),
            *sorted({home.parent for home in homes}),
            self.folder,
            self.folder.absolute().parent,
        ]

    @staticmethod
    def _holds_one(part: Part, gone: Mapping[tuple[str, str], list[int]]) -> bool:
        """Say whether a file holds a row of one of the entries, which are in order."""
        entries = gone.get((part.table, part.month), [])
        place = bisect_left(entries, part.first)
        return place < len(entries) and entries[place] <= part.last

    def _superseded(self, after: int) -> dict[tuple[str, str], list[int]]:
        """Return by table and month the entries up to `after` whose rows an entry since has taken away, in order."""
        found: dict[tuple[str, str], list[int]] = {}
        for table in TABLES:
            for entry, month in extracts.superseded(self.ledger, table, after=after, at=self.position.seq):
                found.setdefault((table, month), []).append(entry)
        return found

    def _written(self, table: str, first: int, last: int, months: set[str] | None) -> list[Part]:
        """Write the rows of entries, all or of some months, beside their places; return the files, sorted by month."""
        parts: list[Part] = []
        while True:
            later = self._passed(table, first, last, months, parts)
            if not later:
                return sorted(parts, key=_order)
            months = later

    def _passed(self, table: str, first: int, last: int, months: set[str] | None, parts: list[Part]) -> set[str]:
        """Read the entries once, write as many months as may be open at once, and return those that are left."""
        later = set[str]()
        sink = _Sink(self.folder, table, first, last)
        try:
            for rows in extracts.rows(self.ledger, table, first, last, at=self.position.seq, months=months):
                for month, some in parquet.by_month(rows).items():
                    if months is not None and month not in months:
                        continue
                    if not sink.add(month, some):
                        later.add(month)
            parts += sink.closed()
        finally:
            sink.give_up()
        return later


def _order(part: Part) -> tuple[int, str, int]:
    return [*TABLES].index(part.table), part.month, part.first


def _ranges(stale: Iterable[Part]) -> Iterator[tuple[str, int, int, set[str]]]:
    """Yield the entries that files are written anew from, and the months of these files."""
    parts = sorted(stale, key=lambda part: part[:1] + part[2:4])
    for (table, first, last), group in groupby(parts, key=lambda part: (part.table, part.first, part.last)):
        yield table, first, last, {part.month for part in group}


class _Sink:
    """The files of a table, a month each, that are written beside their places."""

    def __init__(self, folder: Path, table: str, first: int, last: int) -> None:
        self._folder, self._table, self._range = folder, table, (first, last)
        self._open: dict[str, parquet.Writing] = {}

    def add(self, month: str, rows: Any) -> bool:
        """Add rows to the file of their month; return False where no more files may be open."""
        if month not in self._open:
            if len(self._open) >= _MOST_OPEN:
                return False
            path = self._path(month)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[month] = parquet.Writing(path, TABLES[self._table])
        self._open[month].add(rows)
        if sum(one.waiting_bytes for one in self._open.values()) > _MOST_WAITING:
            max(self._open.values(), key=lambda one: one.waiting_bytes).flush()
        return True

    def _path(self, month: str) -> Path:
        return manifest.staged(self._folder, manifest.path_of(self._table, month, *self._range))

    def closed(self) -> list[Part]:
        """End the files, have them written down for good, and return them."""
        parts = []
        for month, writing in self._open.items():
            writing.close()
            path = self._path(month)
            disk.settle(path)
            size, sha256 = path.stat().st_size, manifest.digest(path)
            parts.append(Part(self._table, month, *self._range, writing.rows, size, sha256))
        self._open = {}
        return parts

    def give_up(self) -> None:
        """Let go what is still open."""
        for writing in self._open.values():
            writing.give_up()


def _clean(folder: Path) -> None:
    """Delete what an export left beside its places that was cut off before it said what was to be done."""
    for table in TABLES:
        for one in (folder / table).glob("month=*/.part-*"):
            if manifest.is_staged(one.name):
                one.unlink()
                _drop_empty(one.parent)
    for one in folder.glob(".*.part"):
        if _LEFT.fullmatch(one.name):
            one.unlink()


def _drop_empty(home: Path) -> None:
    # Of one that is not empty the system says so, each in its own words.
    with suppress(OSError):
        home.rmdir()


def _put(folder: Path, before: Manifest | None, after: Manifest) -> None:
    """Give what was written beside its place its name, delete what is gone, and let the manifest to be stand."""
    homes = set[Path]()
    for part in after.parts:
        one = manifest.staged(folder, part.path)
        if one.exists():
            one.replace(folder / part.path)
            homes.add(one.parent)
    left = {part.path for part in after.parts}
    for part in before.parts if before else ():
        if part.path not in left:
            path = folder / part.path
            path.unlink(missing_ok=True)
            homes.add(path.parent)
    for home in sorted(homes):
        if home.is_dir():
            disk.settle(home)
    for home in sorted(homes):
        _drop_empty(home)
    (folder / NEXT).replace(folder / NAME)
    disk.settle(folder)


__all__ = ["Exported", "export"]
