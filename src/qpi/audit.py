"""Audit: everything that is wrong with a ledger, by entry and kind, and what no receipt covers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from qpi import chain, evidence, tables
from qpi.chain import Link
from qpi.errors import LedgerError
from qpi.ledger import Ledger, Place, Position, open_unexamined
from qpi.messages import say
from qpi.receipts import Receipt, newest
from qpi.tables import KINDS, LAYOUT


class Inconsistency(NamedTuple):
    """Something that is not as it was: the entry (None: the file as a whole), the kind, and what, in words.

    Kinds are schema, file, hash, link, rows, body, receipt, evidence.
    """

    entry: int | None
    kind: str
    fault: str

    def __str__(self) -> str:
        return str(self.words())

    def words(self) -> str:
        """Return entry, kind and fault as one message."""
        if self.entry is None:
            return say("{kind}: {fault}", kind=self.kind, fault=self.fault)
        return say("entry {entry}: {kind}: {fault}", entry=self.entry, kind=self.kind, fault=self.fault)


@dataclass(frozen=True)
class Report:
    """What an audit found; `position` is None where no first entry can be read, `covered` the last entry with a receipt.

    `notes` say what is no fault, what this release could not judge, and what was not looked at.
    """

    position: Position | None
    found: tuple[Inconsistency, ...]
    covered: int | None
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """What makes the store less trustworthy than it could be, though nothing is wrong with the ledger."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.found


def audit(where: Place | Ledger, receipts: Sequence[Receipt] = (), *, attachments: Path | None = None) -> Report:
    """Recompute everything: schema, file, entries, links, typed rows, each receipt against its entry, and evidence files.

    It is the ledger of one moment, whoever writes meanwhile. `attachments` is the folder of evidence files; where it is
    None they are not looked at, and a note says so.
    Raises LedgerError where there is no ledger, ProofError where the file cannot be read at all.
    """
    with nullcontext(where) if isinstance(where, Ledger) else open_unexamined(where) as ledger:
        with ledger.reading():
            try:
                seen = _seen(ledger, receipts)
            except LedgerError:
                if not ledger.garbled:
                    raise
            if ledger.garbled:
                # To ask of each text whether it is UTF-8 would cost a whole ledger dear; few have one that is not.
                ledger.read_as_stored()
                seen = _seen(ledger, receipts)
            doubts = tuple(ledger.doubts())
        # Reading very many photos takes minutes; nobody shall wait with a record for that long.
        found = [*seen.found, *_read(seen.files.faults(attachments, ledger))]
        notes = [*seen.notes, *seen.files.notes(attachments)]
    whole = sorted(dict.fromkeys(found), key=lambda one: (-1 if one.entry is None else one.entry, one.kind))
    return Report(seen.position, tuple(whole), seen.covered, tuple(notes), doubts)


class _Seen(NamedTuple):
    """What a ledger says of itself, before its evidence files are looked at."""

    position: Position | None
    found: list[Inconsistency]
    notes: list[str]
    covered: int | None
    files: "_Files"


def _seen(ledger: Ledger, receipts: Sequence[Receipt]) -> _Seen:
    found = [Inconsistency(None, "schema", fault) for fault in ledger.foreign_schema()]
    if damage := ledger.damage():
        found.append(Inconsistency(None, "file", say("is damaged ({damage}); restore a backup", damage=damage)))
    hashes, strange, files = dict[int, str](), dict[str, list[int]](), _Files()
    back = list[str]()
    links = files.noted(_readable(_noted(_back(_strange(ledger.links(), strange), back), hashes, receipts), found))
    found += [Inconsistency(*broken) for broken in chain.breaks(links)]
    notes = [*ledger.notes, *_unknown(strange), *back]
    if not any(one.kind == "schema" for one in found):
        if ledger.layout < LAYOUT:
            notes.append(say("the ledger is of an earlier release (schema {schema}): its entries are proved, and its typed "
                             "tables wait for qpi ledger migrate", schema=ledger.layout))  # fmt: skip
        else:
            found += _read(Inconsistency(*foreign) for foreign in ledger.foreign_rows())
            notes += [] if damage else files.awaited(ledger)
    position = _position(ledger)
    against = {one: _against(one, hashes, position) for one in receipts}
    found += (contradiction for contradiction in against.values() if contradiction)
    latest = newest(one for one, contradiction in against.items() if position and not contradiction)
    return _Seen(position, found, notes, latest.seq if latest else None, files)


def _readable(links: Iterable[Link], found: list[Inconsistency]) -> Iterator[Link]:
    """Yield the entries as far as the file can be read, and add to what was found where that ends."""
    last = -1
    try:
        for link in links:
            yield link
            last = link.seq
    except LedgerError:
        found.append(Inconsistency(last + 1, "file", say("cannot be read")))


def _read(judged: Iterable[Inconsistency]) -> list[Inconsistency]:
    """Return what was found, or that the file cannot be read for it."""
    try:
        return list(judged)
    except LedgerError:
        return [Inconsistency(None, "file", say("cannot be read"))]


def _strange(links: Iterable[Link], strange: dict[str, list[int]]) -> Iterator[Link]:
    """Yield the entries, and note the numbers of those of a kind that this release does not know."""
    for link in links:
        if link.kind not in KINDS:
            strange.setdefault(link.kind, []).append(link.seq)
        yield link


def _unknown(strange: Mapping[str, Sequence[int]]) -> Iterator[str]:
    for kind, numbers in strange.items():
        yield say("entry {entry}: kind {kind} is not known to this release ({count} such entries); the chain proves it, what "
                  "it says is not judged", entry=numbers[0], kind=kind, count=len(numbers))  # fmt: skip


def _back(links: Iterable[Link], notes: list[str]) -> Iterator[Link]:
    """Yield the entries, and note each that bears an earlier moment than the one before: a clock went back."""
    before = ""
    for link in links:
        if isinstance(link.recorded_at, str):
            if link.recorded_at < before:
                notes.append(say("entry {entry}: recorded at {moment}, before the entry that it follows ({before}): a clock went back",
                                 entry=link.seq, moment=link.recorded_at, before=before))  # fmt: skip
            before = link.recorded_at
        yield link


def _noted(links: Iterable[Link], hashes: dict[int, str], receipts: Iterable[Receipt]) -> Iterator[Link]:
    """Yield the entries, and note the hashes of those that receipts name as they pass."""
    named = {one.seq for one in receipts}
    for link in links:
        if link.seq in named:
            hashes[link.seq] = link.hash
        yield link


class _Files:
    """The evidence files that entries speak of, as an audit passes them."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[str, int]] = {}
        self._gone: dict[int, int] = {}
        self._last = -1

    def noted(self, links: Iterable[Link]) -> Iterator[Link]:
        """Yield the entries, and note those that keep a file and those that take another's place."""
        for link in links:
            self._last = link.seq
            if link.supersedes in self._kept:
                self._gone[link.supersedes] = link.seq
            if link.kind == "evidence":
                try:
                    ((_, (sha256, size, _)),) = tables.rows_of(link)
                except (ValueError, LookupError, TypeError, AttributeError):
                    # Told as the fault of its body.
                    pass
                else:
                    # A forger may write anything; what is no text leads to no file.
                    self._kept[link.seq] = sha256 if isinstance(sha256, str) else str(sha256), size
            yield link

    def _in_force(self) -> dict[int, tuple[str, int]]:
        return {seq: one for seq, one in self._kept.items() if seq not in self._gone}

    def faults(self, folder: Path | None, ledger: Ledger) -> Iterator[Inconsistency]:
        """Yield the entries in force whose file is missing or another; not where it was removed since they were read."""
        later = "SELECT 1 FROM entry WHERE supersedes = ? AND seq > ?"
        for seq, (sha256, size) in self._in_force().items() if folder else ():
            assert folder is not None
            fault = evidence.fault(folder, sha256, size)
            if fault and not ledger.rows(later, (seq, self._last)):
                yield Inconsistency(seq, "evidence", fault)

    def notes(self, folder: Path | None) -> Iterator[str]:
        """Yield what of the files was not looked at, should be gone, or is in no entry."""
        in_force = self._in_force()
        if folder is None:
            if in_force:
                yield say(
                    "{number} evidence files lie beside the ledger, not in it, and were not looked at; keep a copy of "
                    "their folder too, and name it with --evidence", number=len(in_force),
                )  # fmt: skip
            return
        hashes = {one[0] for one in in_force.values()}
        for seq, (sha256, _) in self._kept.items():
            if seq in self._gone and sha256 not in hashes and evidence.size_of(folder, sha256) is not None:
                yield say(
                    "entry {entry}: the file of entry {kept} was removed and is still there; run qpi evidence remove {sha256} again",
                    entry=self._gone[seq], kept=seq, sha256=sha256,
                )  # fmt: skip
        known = {str(one[0]) for one in self._kept.values()}
        strays = evidence.strays(folder, known)
        if strays:
            yield say(
                "{number} files in {folder} are in no entry; qpi evidence show lists them",
                number=len(strays), folder=folder,
            )  # fmt: skip

    def awaited(self, ledger: Ledger) -> Iterator[str]:
        """Yield how many files records name that nobody gave."""
        known = {one[0] for one in self._kept.values()}
        if number := len({one.sha256 for one in ledger.citations()} - known):
            yield say(
                "{number} files that records name by their SHA-256 were never given; qpi evidence show lists them",
                number=number,
            )


def _position(ledger: Ledger) -> Position | None:
    try:
        return ledger.position()
    except (LedgerError, ValueError, LookupError, TypeError):
        return None


def _against(one: Receipt, hashes: dict[int, str], position: Position | None) -> Inconsistency | None:
    """Return how the ledger contradicts a receipt, or None."""
    if position is not None and one.ledger != position.ledger:
        fault = say("the receipt of entry {entry} is of ledger {ledger}", entry=one.seq, ledger=one.ledger)
        return Inconsistency(None, "receipt", fault)
    if one.seq not in hashes:
        return Inconsistency(one.seq, "receipt", say("is missing, and there is a receipt of it"))
    if hashes[one.seq] != one.head:
        fault = say("is not the one that the receipt names; it or one before it was changed")
        return Inconsistency(one.seq, "receipt", fault)
    return None


__all__ = ["Inconsistency", "Report", "audit"]
