"""Repeats: evidence that stands under more than one record; something to look at, never a refusal."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from qpi.ledger import Citation, Ledger
from qpi.messages import Message, say


def since(store: Ledger, seq: int) -> tuple[Message, ...]:
    """Return what is repeated by an entry or a later one; two look-ups, and one where they name no file."""
    return among(store, store.cited_since(seq), seq)


def among(store: Ledger, hashes: Sequence[str], seq: int) -> tuple[Message, ...]:
    """Return what of some files is repeated by an entry or a later one; one look-up, and none where there is no file."""
    return tuple(repeats(store.citations(hashes), first=seq)) if hashes else ()


def repeats(citations: Iterable[Citation], *, first: int = 0) -> Iterator[Message]:
    """Yield where a file stands under a record, entered as `first` or later, and also under an earlier one.

    Citations come by hash, then entry. A check with its findings is one look, and so is a second verification.
    """
    for _, alike in groupby(citations, key=attrgetter("sha256")):
        earliest = None
        seen = set()
        for one in alike:
            earliest = earliest or one
            if one.look not in seen and one is not earliest and one.entry >= first:
                yield _note(one, earliest)
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


__all__ = ["among", "record_of", "repeats", "shortened", "since"]
