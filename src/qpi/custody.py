"""Custody: evidence files and their entries; a file comes before its entry, and goes after the entry that says so."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from qpi import evidence
from qpi.evidence import Piece
from qpi.ledger import Item, Ledger, Position, Standing, Writer
from qpi.messages import Message
from qpi.stamp import Stamp


class Kept(NamedTuple):
    """A file that is kept: its hash, size and name as it was given, the number of its entry, and whether that is new."""

    sha256: str
    size: int
    name: str
    entry: int
    new: bool


class Keeping(NamedTuple):
    """What became of files that were given, in their order, and where the ledger stands."""

    files: tuple[Kept, ...]
    position: Position
    notes: tuple[Message, ...] = ()


class Removal(NamedTuple):
    """The removal of a file: its hash, the entry that says so, whether that is new, and whether there was a file."""

    sha256: str
    entry: int
    new: bool
    deleted: bool
    position: Position
    notes: tuple[Message, ...] = ()


def prepared(folder: Path, pieces: Sequence[Piece]) -> dict[str, bool]:
    """Copy files into the folder, without their names yet; say of each hash whether there is a copy to be placed."""
    return {sha256: evidence.prepare(folder, one) for sha256, one in _first(pieces).items()}


def place(folder: Path, pieces: Sequence[Piece], copies: Mapping[str, bool]) -> None:
    """Give prepared files their names, for good, while nobody else may write."""
    for sha256, one in _first(pieces).items():
        evidence.place(folder, one, prepared=copies[sha256])
    evidence.settle(folder, pieces)


def keep(store: Ledger, writer: Writer, stamp: Stamp, pieces: Sequence[Piece], recorded: str) -> tuple[Kept, ...]:
    """Record files that are placed; return what stands of each, in their order."""
    first = _first(pieces)
    standing = store.standing([*first])
    there = {sha256: one.entry for sha256, one in standing.items() if one.gone is None}
    fresh = [one for sha256, one in first.items() if sha256 not in there]
    numbers = writer.append([_item(one, standing.get(one.sha256), stamp) for one in fresh], recorded=recorded)
    entries = dict(zip((one.sha256 for one in fresh), numbers, strict=True))
    numbered = {**there, **entries}
    return tuple(
        Kept(one.sha256, one.size, one.name, numbered[one.sha256], one.sha256 in entries and first[one.sha256] is one)
        for one in pieces
    )


def _first(pieces: Sequence[Piece]) -> dict[str, Piece]:
    """Return the first of the files with each hash."""
    found: dict[str, Piece] = {}
    for one in pieces:
        found.setdefault(one.sha256, one)
    return found


def _item(one: Piece, standing: Standing | None, stamp: Stamp) -> Item:
    """Return the entry of a file; one that was removed before takes the place of the removal."""
    key = f"evidence:{one.sha256}"
    if standing is None:
        return stamp.plain("evidence", key, one.record())
    return stamp.plain("evidence", f"{key}@{standing.gone}", one.record(), supersedes=standing.gone)


def remove(store: Ledger, writer: Writer, stamp: Stamp, sha256: str, reason: str, recorded: str) -> tuple[int, bool]:
    """Record that a file is removed; return the number of the entry, and whether it is new."""
    entry, gone = store.standing([sha256])[sha256]
    if gone is not None:
        return gone, False
    key, record = f"removal:{sha256}@{entry}", {"sha256": sha256}
    (number,) = writer.append(
        [stamp.plain("removal", key, record, supersedes=entry, reason=reason)], recorded=recorded
    )  # fmt: skip
    return number, True


def is_removed(store: Ledger, sha256: str) -> bool:
    """Say whether the newest entry of a file is superseded, so that it may be deleted."""
    return store.standing([sha256])[sha256].gone is not None


__all__ = ["Keeping", "Kept", "Removal", "is_removed", "keep", "place", "prepared", "remove"]
