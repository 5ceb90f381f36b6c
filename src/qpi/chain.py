"""Chain: what is hashed of an entry, and how each entry names the one before."""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from types import NoneType
from typing import NamedTuple

from qpi.messages import say

TAG = b"qpi-ledger-v1"
"""Tells these hashes from all others; a new layout gets a new tag."""
LEDGER = "[0-9A-Za-z-]{1,64}"
"""The pattern of a ledger's id, which a receipt names between blanks."""
START = "0" * 64
"""What the first entry names as the one before."""
_NULL = b"\xff" * 8
_LENGTH = struct.Struct(">Q").pack


class Link(NamedTuple):
    """An entry as it stands in the ledger; `hash` covers every other field."""

    seq: int
    prev: str
    hash: str
    schema: int
    kind: str
    idem: str
    actor_id: str
    actor_role: str | None
    actor_auth: str
    observed_at: str | None
    recorded_at: str
    supersedes: int | None
    reason: str | None
    body: bytes


class Content(NamedTuple):
    """What an entry says, before it has a place in the chain."""

    schema: int
    kind: str
    idem: str
    actor_id: str
    actor_role: str | None
    actor_auth: str
    observed_at: str | None
    recorded_at: str
    supersedes: int | None
    reason: str | None
    body: bytes


def _sized(field: str | int | bytes | None) -> bytes:
    if field is None:
        return _NULL
    # A text that is not UTF-8 was not written by us; its bytes are hashed as they are, so that it is told.
    data = (
        field.encode("utf-8", "surrogateescape")
        if isinstance(field, str)
        else field
        if isinstance(field, bytes)
        else b"%d" % field
    )
    return _LENGTH(len(data)) + data


@lru_cache(1024)
def _alike(*fields: str | int | None) -> bytes:
    """Return fields, each with its length before it; neighbours that are the same in many entries are kept."""
    return b"".join(map(_sized, fields))


# The hash is over bytes: a text kept as a blob has the same one, and would no longer be found by its key.
_TYPES = frozenset(
    product((int,), (str,), (str,), (int,), (str,), (str,), (str,), (str, NoneType), (str,), (str, NoneType), (str,),
            (int, NoneType), (str, NoneType), (bytes,))
)  # fmt: skip


def entry_hash(seq: int, prev: str, content: Content) -> str:
    """Return the SHA-256 in hex of the tag and every field in order, each with its length before it."""
    schema, kind, idem, actor, role, auth, observed, recorded, supersedes, reason, body = content
    parts = (
        TAG, _sized(seq), _sized(prev), _alike(schema, kind), _sized(idem), _alike(actor, role, auth), _sized(observed),
        _alike(recorded, supersedes, reason), _sized(body),
    )  # fmt: skip
    return hashlib.sha256(b"".join(parts)).hexdigest()


def linked(contents: Iterable[Content], seq: int, prev: str, recorded: str) -> Iterator[Link]:
    """Yield contents as entries that follow entry `seq`, whose hash is `prev`; all are recorded at one moment, UTC."""
    for content in contents:
        seq += 1
        stamped = content._replace(recorded_at=recorded)
        found = entry_hash(seq, prev, stamped)
        yield Link(seq, prev, found, *stamped)
        prev = found


def breaks(links: Iterable[Link]) -> Iterator[tuple[int, str, str]]:
    """Yield each entry that is not what its hash says or does not follow the one before: number, kind, why.

    Kinds are `link` and `hash`.
    """
    expected, before = 0, START
    for link in links:
        if link.seq != expected:
            yield link.seq, "link", say("follows entry {entry}, so an entry is missing or moved", entry=expected - 1)
        if link.prev != before:
            yield link.seq, "link", say("does not name the entry before it")
        if tuple(map(type, link)) not in _TYPES:
            yield link.seq, "hash", say("has a field of another type")
        elif entry_hash(link.seq, link.prev, Content(*link[3:])) != link.hash:
            yield link.seq, "hash", say("is not what its hash says")
        expected, before = link.seq + 1, link.hash
    if not expected:
        yield 0, "link", say("is missing; the ledger was emptied")
