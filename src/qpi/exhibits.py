"""Exhibits: every evidence file that entries, records or the folder know of, and how it stands with each."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from qpi import evidence
from qpi.errors import ProofError, UsageError
from qpi.ledger import Citation, Ledger
from qpi.messages import Message, say
from qpi.repeats import repeats

LEAST = 8
"""How many digits of a hash are enough to name a file."""
STATES = {
    "kept": say("kept"),
    "missing": say("missing"),
    "damaged": say("other size"),
    "removed": say("removed"),
    "remains": say("removed, but still there"),
    "awaited": say("never given"),
    "stray": say("in no entry"),
}


class Exhibit(NamedTuple):
    """An evidence file: its newest entry with when and by whom, and what records stand on it.

    `state` is one of `STATES`: `awaited` is cited and was never given, `stray` lies in the folder and is in no entry;
    both have no entry, and a stray has its name within the folder for a name.
    """

    state: str
    entry: int | None
    recorded_at: str | None
    actor: str | None
    size: int | None
    name: str
    sha256: str | None
    cited: tuple[Citation, ...] = ()
    removed: int | None = None
    reason: str | None = None

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        cited = [{"record": one.record, "entry": one.entry, "name": one.name} for one in self.cited]
        return {**self._asdict(), "cited": cited}

    def row(self) -> dict[str, Any]:
        """Return it as a line of a table."""
        hashed = f"{self.sha256[:16]}" if self.sha256 else None
        cited = ", ".join(dict.fromkeys(one.record for one in self.cited)) or None
        return {**self._asdict(), "state": STATES[self.state], "sha256": hashed, "cited": cited}


def exhibits(store: Ledger, folder: Path) -> list[Exhibit]:
    """Return every evidence file: those with an entry in its order, those that records await, then strays of the folder.

    Whether a file is there and has its size is looked up; only `qpi ledger verify` reads its bytes.
    """
    cited: dict[str, list[Citation]] = {}
    for citation in store.citations():
        cited.setdefault(citation.sha256, []).append(citation)
    known = {one.sha256 or "": one for one in _recorded(store, folder, cited)}
    found = sorted(known.values(), key=lambda one: one.entry or 0)
    for sha256, citations in sorted(cited.items(), key=lambda item: item[1][0].entry):
        if sha256 not in known:
            name = citations[0].name
            found.append(Exhibit("awaited", None, None, None, None, name, sha256, tuple(citations)))
    return found + [Exhibit("stray", None, None, None, None, n, None) for n in evidence.strays(folder, {*known})]


def _recorded(store: Ledger, folder: Path, cited: dict[str, list[Citation]]) -> Iterator[Exhibit]:
    """Yield a file of each entry, the newest of a file last."""
    query = (
        "SELECT f.entry, e.recorded_at, e.actor_id, f.size, f.name, f.sha256, r.seq, r.reason FROM files f "
        "JOIN entry e ON e.seq = f.entry LEFT JOIN entry r ON r.supersedes = f.entry ORDER BY f.entry"
    )
    for entry, at, actor, size, name, sha256, removed, reason in store.rows(query):
        state = _state(folder, sha256, size, gone=removed is not None)
        yield Exhibit(state, entry, at, actor, size, name, sha256, tuple(cited.get(sha256, ())), removed, reason)


def _state(folder: Path, sha256: str, size: int, *, gone: bool) -> str:
    found = evidence.size_of(folder, sha256)
    if gone:
        return "removed" if found is None else "remains"
    return "missing" if found is None else "kept" if found == size else "damaged"


def named(found: Iterable[Exhibit], what: str) -> list[Exhibit]:
    """Return the exhibits that a word means: the beginning of a hash, a name, a check with all of it, or a finding."""
    return [one for one in found if _means(one, what)]


def _means(one: Exhibit, what: str) -> bool:
    beginning = len(what) >= LEAST and (one.sha256 or "").startswith(what.lower())
    names = {one.name, *(citation.name for citation in one.cited)}
    records = {word for citation in one.cited for word in (citation.record, citation.check)}
    return beginning or what in names or what in records


def hash_of(store: Ledger, folder: Path, beginning: str) -> str:
    """Return the hash of the one recorded file that begins so; raise UsageError where there is none, or more than one."""
    if len(beginning) < LEAST or not all(sign in "0123456789abcdefABCDEF" for sign in beginning):
        fault = say(
            '"{word}" is no beginning of a SHA-256; write at least {least} of its digits', word=beginning, least=LEAST
        )
        raise UsageError(fault)
    entered = (one for one in exhibits(store, folder) if one.entry is not None)
    found = [one.sha256 for one in entered if one.sha256 and one.sha256.startswith(beginning.lower())]
    if not found:
        raise UsageError(
            say("no evidence file has the SHA-256 {sha256}; qpi evidence show lists them", sha256=beginning)
        )
    if len(found) > 1:
        fault = say(
            "{number} evidence files have a SHA-256 that begins with {word}; write more of it",
            number=len(found),
            word=beginning,
        )
        raise UsageError(fault)
    return found[0]


def content_of(folder: Path, one: Exhibit) -> bytes:
    """Return the bytes of a kept file; raise UsageError where none is kept, ProofError where they are not the entry's."""
    if one.entry is None or one.sha256 is None or one.state == "removed":
        raise UsageError(say("{name}: no file is kept ({state})", name=one.name, state=STATES[one.state]))
    if fault := evidence.fault(folder, one.sha256, one.size):
        raise ProofError(say("entry {entry}: {fault}", entry=one.entry, fault=fault))
    found = evidence.home_of(folder, one.sha256).read_bytes()
    if hashlib.sha256(found).hexdigest() != one.sha256:
        raise ProofError(say("entry {entry}: {fault}", entry=one.entry, fault=say("the file has other bytes")))
    return found


def notes(found: Iterable[Exhibit]) -> Iterator[Message]:
    """Yield where one file stands under several records."""
    for one in found:
        yield from repeats(one.cited)


__all__ = ["STATES", "Exhibit", "content_of", "exhibits", "hash_of", "named", "notes"]
