"""Injections: faults at single system calls of an operation, and what is found in its folder afterwards."""

import random
import re
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from qpi.audit import audit
from qpi.errors import DataError, QpiError
from qpi.ledger import has_ledger, open_unexamined
from qpi.receipts import Receipt, found_in, receipt
from torture.operations import LEDGER, Operation
from torture.zygote import Ended, Zygote

CHANGING = (
    "openat", "pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "unlinkat", "rename", "renameat",
    "renameat2", "link", "linkat", "mkdir", "mkdirat",
)  # fmt: skip
"""System calls that change what is on a disk, or make that it stays."""
LOOKING = ("pread64", "read", "fcntl", "close", "lseek", "newfstatat", "getdents64")
"""System calls between which nothing changes on a disk."""


class Point(NamedTuple):
    """A system call of an operation, the `nth` of its name, counted from 1, and what befalls it: `signal=KILL`, `error=EIO`.

    With `on`, every later call of that name fares the same.
    """

    call: str
    nth: int
    fault: str
    on: bool = False

    def __str__(self) -> str:
        return f"{self.fault} at {self.call} {self.nth}{' and on' if self.on else ''}"


class Tried(NamedTuple):
    """What came of a point: whether the call was reached, how the run ended, what is recorded though not acknowledged,
    what is wrong."""

    reached: bool
    ended: Ended
    silent: int
    faults: tuple[str, ...]


class Ground:
    """An operation with the folder that it starts in, and what it leaves when nothing goes wrong."""

    def __init__(self, zygote: Zygote, operation: Operation, root: Path) -> None:
        self.zygote, self.operation = zygote, operation
        self.home = root / operation.name.replace(" ", "-")
        self.start, self.folder, self.looked = self.home / "start", self.home / "tried", self.home / "looked"
        self.start.mkdir(parents=True)
        operation.begin(self.start)
        shutil.copytree(self.start, self.looked)
        self.before = _receipts(self.looked)
        ended = self.again()
        assert ended.end == "done", f"{operation.name}: {ended}"
        self.entries = self._look()
        faults = list(self.faults(ended, finished=True))
        assert not faults, faults

    def again(self, *strace: str, start: Path | None = None) -> Ended:
        """Do the operation in a fresh copy of its folder, or of another that was kept."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(start or self.start, self.folder)
        return self.zygote.run(self.operation.name, self.folder, *strace)

    def tried(self, point: Point, start: Path | None = None) -> Tried:
        """Do the operation with a fault at one system call, look, do it again undisturbed, and look again."""
        record = self.home / "record"
        inject = f"inject={point.call}:{point.fault}:when={point.nth}{'+' if point.on else ''}"
        ended = self.again(
            "-o", str(record), "-e", f"trace={point.call}", "-e", "signal=none", "-e", inject, start=start
        )
        reached = ended.signal == signal.SIGKILL or "(INJECTED)" in record.read_text("utf-8", "replace")
        found = [*_ends(ended), *self.faults(ended)]
        entries = self._look()
        silent = sum(entries[keys[0]] for part, keys in self.operation.parts.items() if part not in ended.acknowledged)
        if silent and "nothing was recorded" in ended.words:
            found.append(f"says what is not so: {ended.words}")
        again = self.zygote.run(self.operation.name, self.folder)
        if again.end != "done":
            found.append(f"done again: {again.end} {again.words}")
        found += (f"done again: {fault}" for fault in self.faults(again, finished=True))
        where = f"{self.operation.name}, {point}"
        return Tried(reached, ended, silent, tuple(f"{where}: {fault}" for fault in found))

    def calls(self, names: Iterable[str], start: Path | None = None) -> Counter[str]:
        """Count the system calls of an undisturbed run by name."""
        record = self.home / "calls"
        # A question mark lets a name pass that this kind of computer does not have.
        traced = ",".join(f"?{name}" for name in names)
        self.again("-o", str(record), "-e", f"trace={traced}", "-e", "signal=none", start=start)
        return Counter(re.findall(r"^(\w+)\(", record.read_text("utf-8", "replace"), re.MULTILINE))

    def faults(self, ended: Ended, *, finished: bool = False) -> Iterator[str]:
        """Yield what is wrong with the folder after a run that ended so; `finished` where all must be there."""
        entries = self._look()
        for part, keys in self.operation.parts.items():
            there = sum(entries[key] for key in keys)
            if there not in (0, len(keys)):
                yield f"{part}: {there} of {len(keys)} records are there"
            if not there and part in ended.acknowledged:
                yield f"{part}: acknowledged and lost"
            if not there and finished:
                yield f"{part}: not there after all was done again"
        if finished and entries != self.entries:
            yield f"entries are {dict(entries)} instead of {dict(self.entries)}"
        yield from self._unsound()
        if finished or ended.end == "done":
            yield from (f"{name}: no such file" for name in self.operation.files if not [*self.folder.glob(name)])

    def _look(self) -> Counter[str]:
        """Copy what is there, and count the entries of the copy.

        Looking rolls back what a crash left half done; the one who tries again must find it as it was left.
        """
        shutil.rmtree(self.looked, ignore_errors=True)
        shutil.copytree(self.folder, self.looked)
        return _entries(self.looked)

    def _unsound(self) -> Iterator[str]:
        """Yield what of the ledger, its copies and the receipts does not prove itself."""
        proofs = [*self.before, *(proof for path in _papers(self.looked) for proof in _receipts_in(path))]
        for path in sorted(self.looked.glob("*.db")):
            if not _entries(self.looked, path.name):
                if proofs:
                    yield f"{path.name}: nothing is there, and there are receipts"
                continue
            try:
                report = audit(path, proofs, attachments=self.looked / "evidence" if path.name == LEDGER else None)
            except QpiError as error:
                yield f"{path.name}: {error}"
            else:
                yield from (f"{path.name}: {one}" for one in report.found)


def _ends(ended: Ended) -> Iterator[str]:
    """Yield how a run may not end: by an exception that is not ours, or without a word."""
    if ended.signal not in (0, signal.SIGKILL):
        yield f"ended by signal {ended.signal}"
    elif ended.end == "escaped" or (not ended.signal and not ended.end):
        yield f"{ended.end or 'no word'} {ended.words}"
    elif ended.end == "refused" and not ended.words.strip():
        yield "refused without a word"


def _papers(folder: Path) -> list[Path]:
    return [*folder.glob("receipt*.txt"), *folder.glob("notices/*")]


def _receipts_in(path: Path) -> list[Receipt]:
    try:
        return found_in(path.read_text("utf-8", "replace"), path.name)
    except DataError:
        return []


def _receipts(folder: Path) -> list[Receipt]:
    """Return a receipt of the ledger as it stands, where there is one."""
    if not has_ledger(folder / LEDGER):
        return []
    with open_unexamined(folder / LEDGER) as ledger:
        return [receipt(*ledger.position(), now=datetime.now(UTC))]


def _entries(folder: Path, name: str = LEDGER) -> Counter[str]:
    """Count the entries by their keys, as any tool reads them; a file without a table has none."""
    if not (folder / name).exists():
        return Counter()
    with closing(sqlite3.connect(folder / name)) as raw:
        if not raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return Counter()
        return Counter(key for (key,) in raw.execute("SELECT idem FROM entry"))


class Controls(NamedTuple):
    """What is wrong on purpose: what was found to be so, and what was not, which is a fault of the harness."""

    seen: tuple[str, ...]
    unseen: tuple[str, ...]


def controls(
    zygote: Zygote, wrong: Iterable[tuple[Operation, str]], faults: Sequence[str], root: Path, rng: random.Random
) -> Controls:
    """Try operations that are wrong until it is found, each in its words."""
    seen, unseen = [], []
    for operation, words in wrong:
        ground = Ground(zygote, operation, root)
        calls = ground.calls(CHANGING)
        found = [point for fault in faults for point in points(calls, CHANGING, fault)]
        rng.shuffle(found)
        tries = (n for n, point in enumerate(found, 1) if any(words in fault for fault in ground.tried(point).faults))
        first = next(tries, None)
        if first:
            seen.append(f"{operation.name} (at point {first})")
        else:
            unseen.append(f"{operation.name} is not seen to be wrong, so the harness is blind")
    return Controls(tuple(seen), tuple(unseen))


def points(calls: Counter[str], names: Iterable[str], fault: str, *, on: bool = False) -> list[Point]:
    """Return every call of these names as a point."""
    return [Point(name, nth, fault, on) for name in names for nth in range(1, calls[name] + 1)]


def chosen(found: list[tuple[Ground, Point]], count: int, rng: random.Random) -> list[tuple[Ground, Point]]:
    """Return so many of the points, all where there are fewer, in their order."""
    return found if len(found) <= count else [found[n] for n in sorted(rng.sample(range(len(found)), max(count, 0)))]
