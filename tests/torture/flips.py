"""F7: one byte of the ledger's file is another one; whatever that changes is reported, with the number of the entry."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from inputs import found
from qpi import audit, evidence
from qpi.entries import Actor
from qpi.errors import LedgerError
from qpi.ledger import open_ledger
from qpi.receipts import Receipt
from qpi.recorder import Recorder
from torture.figures import Figure, Run, folder
from torture.ledgers import STARTED, dump, filled, outside
from torture.workers import shared

FLIPS, ENTRIES, EVIDENCE_FLIPS = 10_000, 60, 600


class Target(NamedTuple):
    """A ledger's file whose bytes are flipped."""

    data: bytes
    receipt: Receipt
    before: list


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of flips in the file of the ledger."""
    with folder() as made:
        path = Path(made) / "qpi.db"
        receipts = filled(path, ENTRIES)
        with outside(path) as raw:
            target = Target(path.read_bytes(), receipts[-1], dump(raw))

        def flipped(rng: random.Random, tries: int) -> tuple[Counter[str], list[str]]:
            counts, faults = Counter[str](), []
            copy = Path(made) / f"{rng.random()}.db"
            for _ in range(tries):
                at, by = rng.randrange(len(target.data)), rng.choice((1 << rng.randrange(8), rng.randrange(1, 256)))
                words, fault = _flip(target, copy, at, by)
                counts.update(words)
                faults += [f"byte {at} xor {by}: {fault}"] if fault else []
            return counts, faults

        seen, faults = Counter[str](), []
        for words, wrong in shared(run, flipped, run.share(FLIPS)):
            seen += words
            faults += wrong
            run.tell(f"F7: {seen['tried']} flips")
        changed, missed = seen["changed"], seen["integrity_check says ok"]
        yield Figure(
            "F7",
            "one byte of the ledger's file changed, reported with the number of the entry",
            "flips",
            run.share(FLIPS),
            seen["tried"],
            tuple(faults) if changed else ("no flip changed anything",),
            f"{changed} changed something, {seen['named']} of them are told with the entry, {seen['shut']} keep the file "
            f"from being opened, {seen['damage']} damage an index or the file's frame",
            (f"SQLite's own integrity_check misses {missed} of {changed}",) if missed else (),
        )
        yield _in_evidence(run, Path(made))


def _in_evidence(run: Run, made: Path) -> Figure:
    """Flip bytes of evidence files; each is told with the number of its entry, and of no other."""
    path, home, aim = made / "kept.db", made / "evidence", run.share(EVIDENCE_FLIPS)
    rng = random.Random(run.seed)
    for number in range(3):
        (made / f"{number}.txt").write_bytes(rng.randbytes(2000 + number))
    with open_ledger(path, create=True, ledger_id="flips", now=STARTED) as ledger:
        recorder = Recorder(ledger, found(), actor=Actor("flips"), clock=lambda: STARTED, evidence=home)
        kept = recorder.keep(*(made / f"{number}.txt" for number in range(3))).files
    faults = []
    for _ in range(aim):
        one = rng.choice(kept)
        file = evidence.home_of(home, one.sha256)
        whole = file.read_bytes()
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        file.write_bytes(data)
        told = {(fault.entry, fault.kind) for fault in audit.audit(path, attachments=home).found}
        if told != {(one.entry, "evidence")}:
            faults.append(f"entry {one.entry}: {told}")
        file.write_bytes(whole)
    sound = audit.audit(path, attachments=home).sound
    blind = audit.audit(path).sound
    return Figure(
        "F7", "one bit of an evidence file changed, reported with the number of its entry", "flips", aim, aim,
        tuple(faults) if sound else ("whole files are reported",), "",
        ("an audit without the folder sees none",) if blind else (),
    )  # fmt: skip


def _flip(target: Target, copy: Path, at: int, by: int) -> tuple[list[str], str]:
    """Return what is counted of a flip, and what is wrong with how it is told."""
    data = bytearray(target.data)
    data[at] ^= by
    copy.write_bytes(data)
    try:
        found = {(one.entry, one.kind) for one in audit.audit(copy, [target.receipt]).found}
    except LedgerError:
        found = None
    except Exception as error:
        return ["tried"], f"the audit fails with {error!r}"
    copy.write_bytes(data)
    after, whole = _read(copy)
    if after == target.before and whole:
        return ["tried"], f"reported as {found}, although nothing was changed" if found else ""
    words = ["tried", "changed", *(["integrity_check says ok"] if whole else [])]
    if found is None:
        return [*words, "shut"], "" if after is None else "refused, although every row can be read"
    if not found:
        return words, "not seen"
    changed = _entries(target.before, after)
    named = {entry for entry, _ in found}
    # Where entries can no longer be reached, the one after them says that they are missing.
    if changed and not {*changed, *(entry + 1 for entry in changed)} & named:
        return words, f"changed {sorted(changed)}, and named {named}"
    return [*words, "named" if named != {None} else "damage"], ""


def _read(path: Path) -> tuple[list | None, bool]:
    """Return what the file says, None where it cannot be read, and what SQLite's own check says of it."""
    # The last is what sqlite3 makes of messages that quote a damaged file.
    unreadable = (sqlite3.Error, UnicodeDecodeError)
    try:
        with outside(path) as raw:
            try:
                whole = raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            except unreadable:
                whole = False
            return dump(raw), whole
    except unreadable:
        return None, False


def _entries(before: list, after: list | None) -> set[int]:
    """Return the numbers of the entries that have other rows, where all rows can be read."""
    if after is None:
        return set()
    return {row[0] for one, other in zip(before[3:], after[3:], strict=True) for row in set(one) ^ set(other)}
