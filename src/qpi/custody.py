"""Custody: evidence files and their entries; a file comes before its entry, the entry of its removal before it goes."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from qpi import evidence, ledger, tables, text
from qpi.entries import Actor, utc_text
from qpi.errors import UsageError
from qpi.evidence import Given, Piece
from qpi.fields import MAX_TEXT
from qpi.ledger import Item, Ledger, Position, Standing
from qpi.messages import say
from qpi.policy import EvidenceFiles


class Kept(NamedTuple):
    """A file that is kept: its hash, size and name in the ledger, the number of its entry, and whether that is new."""

    sha256: str
    size: int
    name: str
    entry: int
    new: bool


class Keeping(NamedTuple):
    """What became of files that were given, in their order, and where the ledger stands."""

    files: tuple[Kept, ...]
    position: Position


class Removal(NamedTuple):
    """The removal of a file: its hash, the number of the entry that says so, whether that is new, and whether there was a file."""

    sha256: str
    entry: int
    new: bool
    deleted: bool
    position: Position


def keep(
    store: Ledger, folder: Path, files: Iterable[Given], *, limits: EvidenceFiles, actor: Actor, now: datetime
) -> Keeping:
    """Keep files and then record them, all or none.

    Whatever moment a process dies at, giving the same files again leaves one file and one entry of each.
    """
    pieces = evidence.pieces(files, limits)
    if not pieces:
        return Keeping((), store.position())
    first = {one.sha256: one for one in reversed(pieces)}
    prepared = {one.sha256: evidence.prepare(folder, one) for one in first.values()}
    # Nobody can remove a file between its coming and its entry: whoever removes holds the same right to write.
    with store.held(), store.writing() as writer:
        for one in first.values():
            evidence.place(folder, one, prepared=prepared[one.sha256])
        standing = store.standing([*first])
        fresh = [one for one in first.values() if one.sha256 not in standing or standing[one.sha256].gone]
        numbers = writer.append([_item(one, standing.get(one.sha256), actor, utc_text(now)) for one in fresh])
        entries = dict(zip((one.sha256 for one in fresh), numbers, strict=True))
        position = store.position()
    kept = []
    for one in pieces:
        new = one.sha256 in entries and first[one.sha256] is one
        number = entries.get(one.sha256) or standing[one.sha256].entry
        kept.append(Kept(one.sha256, one.size, one.name, number, new))
    return Keeping(tuple(kept), position)


def _item(one: Piece, standing: Standing | None, actor: Actor, recorded: str) -> Item:
    """Return the entry of a file; one that was removed before takes the place of the removal."""
    key, record = f"evidence:{one.sha256}", one.record()
    gone = standing.gone if standing else None
    content = ledger.content(
        "evidence", key if gone is None else f"{key}@{gone}", actor, {"record": record}, recorded=recorded, supersedes=gone
    )  # fmt: skip
    return Item(content, tables.typed_rows("evidence", None, record, {}))


def remove(store: Ledger, folder: Path, sha256: str, *, reason: str, actor: Actor, now: datetime) -> Removal:
    """Record that a file is removed, and then delete it; the hash stays.

    Where the process dies in between, doing it again deletes the file. Raises UsageError where no entry has the file.
    """
    words = _reason(reason)
    with store.held():
        if sha256 not in store.standing([sha256]):
            raise UsageError(
                say("no evidence file has the SHA-256 {sha256}; qpi evidence show lists them", sha256=sha256)
            )
        with store.writing() as writer:
            standing = store.standing([sha256])[sha256]
            if standing.gone is None:
                content = ledger.content(
                    "removal", f"removal:{sha256}@{standing.entry}", actor, {"record": {"sha256": sha256}},
                    recorded=utc_text(now), supersedes=standing.entry, reason=words,
                )  # fmt: skip
                (number,) = writer.append([Item(content)])
            else:
                number = standing.gone
            position = store.position()
        # The entry is there for good. The right to write is held again, lest somebody gives the file anew meanwhile.
        with store.writing():
            deleted = store.standing([sha256])[sha256].gone is not None and evidence.delete(folder, sha256)
    return Removal(sha256, number, standing.gone is None, deleted, position)


def _reason(reason: str) -> str:
    found = reason.strip()
    if not found:
        raise UsageError(say("a removal needs a reason; write why the file has to go"))
    if len(found) > MAX_TEXT:
        raise UsageError(say("the reason has {number} characters; keep it to {most}", number=len(found), most=MAX_TEXT))
    if bad := text.bad_character(found):
        raise UsageError(say("the reason holds {sign}; take it out", sign=bad))
    return found


__all__ = ["Keeping", "Kept", "Removal", "keep", "remove"]
