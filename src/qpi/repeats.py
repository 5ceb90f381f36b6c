"""Repeats: evidence that stands under more than one record; something to look at, never a refusal."""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from qpi.ledger import Citation
from qpi.messages import Message, say


def repeats(citations: Iterable[Citation], *, of: Collection[int] | None = None) -> Iterator[Message]:
    """Yield where a file stands also under a record recorded before; `of` names the entries that are looked at, or all.

    Citations come by hash, then entry. A check and its findings are one look, and so is a second verification.
    """
    for _, alike in groupby(citations, key=attrgetter("sha256")):
        first = None
        seen = set()
        for one in alike:
            first = first or one
            if one.look not in seen and one is not first and (of is None or one.entry in of):
                yield _note(one, first)
            seen.add(one.look)


def _note(one: Citation, other: Citation) -> Message:
    return say(
        "evidence {name} (sha256 {digest}) of {record} stands also under {other} (entry {entry})",
        name=one.name, digest=shortened(one.sha256), record=record_of(one), other=record_of(other), entry=other.entry,
    )  # fmt: skip


def record_of(one: Citation) -> Message:
    """Return the record that a piece of evidence stands under, in words."""
    if one.check is None:
        return say("the verification of {finding}", finding=one.record)
    if one.record == one.check:
        return say("check {id}", id=one.record)
    return say("finding {id}", id=one.record)


def shortened(sha256: str) -> str:
    """Return a hash as a message shows it."""
    return f"{sha256[:8]}…"


__all__ = ["record_of", "repeats", "shortened"]
