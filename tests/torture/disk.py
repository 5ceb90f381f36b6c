"""Disk: what a recording of system calls asked of it, and every state in which a power cut can leave it.

What was not synced may be there, not be there, be there in part and in any order. What was done to directories is there
as far as some moment, since file systems keep a journal of it, and for good only once a directory was synced.
"""

import random
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from torture.zygote import TOLD

SECTOR = 512
CALLS = (
    "openat", "open", "creat", "close", "dup", "dup2", "dup3", "lseek", "read", "write", "pwrite64", "writev", "pwritev", "pwritev2",
    "sendfile", "copy_file_range", "fallocate", "fdatasync", "fsync", "ftruncate", "truncate", "unlink", "unlinkat", "rename",
    "renameat", "renameat2", "mkdir", "mkdirat", "rmdir", "link", "linkat", "symlink", "symlinkat", "access", "faccessat",
    "faccessat2",
)  # fmt: skip
"""What is recorded; a call that changes a file in a way that is not modelled here is an error, never passed over."""
_LINE = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class Change(NamedTuple):
    """Bytes at an offset of a file, or with no bytes a new size."""

    file: int
    at: int
    data: bytes | None


class Move(NamedTuple):
    """A name that comes to mean a file, or with None no file any more; `old` is the name that it had before."""

    name: str
    file: int | None
    old: str | None = None


class Moment(NamedTuple):
    """A moment at which the power can go: what is on the disk for good, and what waits, in the order in which it was asked."""

    kept: dict[int, bytes]
    names: dict[str, int]
    changes: tuple[Change, ...]
    moves: tuple[Move, ...]
    told: int
    """How much had been acknowledged by then."""


Image = dict[str, bytes]
"""What a disk holds: each file's name and content."""


class Recording(NamedTuple):
    """The moments of a run, and what was acknowledged in the course of it."""

    moments: list[Moment]
    told: list[str]


class _Reader:
    """Follows a run's system calls as they change the files of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.open: dict[int, tuple[int | str, int]] = {}
        """What each descriptor stands for, a file's number or a directory's name, and where it is in it."""
        self.kept: dict[int, bytes] = {}
        self.names: dict[str, int] = {}
        self.current: dict[str, int] = {}
        self.sizes: dict[int, int] = {}
        self.changes: list[Change] = []
        self.moves: list[Move] = []
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self._file(path.read_bytes(), path.relative_to(folder).as_posix())
        self.names = dict(self.current)

    def _file(self, content: bytes, name: str) -> int:
        number = len(self.kept)
        self.kept[number], self.sizes[number], self.current[name] = content, len(content), number
        return number

    def moment(self) -> Moment:
        return Moment(dict(self.kept), dict(self.names), tuple(self.changes), tuple(self.moves), len(self.told))

    def _name(self, text: str) -> str | None:
        """Return a path as a name within the folder, or None where it is elsewhere."""
        path = PurePosixPath(text)
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else None

    def follow(self, call: str, given: str, result: int) -> bool:
        """Take a call in; return whether it asked something of the disk or told something."""
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(given)]
        if call in ("access", "faccessat", "faccessat2"):
            text = texts[0].decode()
            if text.startswith(TOLD):
                self.told.append(text.removeprefix(TOLD))
            return text.startswith(TOLD)
        if result < 0:
            return False
        if call == "openat":
            return self._opened(texts[0].decode(), given, result)
        if call in ("unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "mkdir", "mkdirat"):
            return self._moved(call, [self._name(text.decode()) for text in texts])
        number = int(given.split(",")[0].split("<")[0]) if given[:1].isdigit() else -1
        if number not in self.open:
            assert call in ("close", "lseek", "read", "write", "writev"), (
                f"a call that is not modelled: {call}({given[:80]}"
            )
            return False
        return self._used(call, number, given, texts, result)

    def _opened(self, text: str, given: str, result: int) -> bool:
        name = self._name(text)
        self.open.pop(result, None)
        if name is None:
            return False
        if "O_DIRECTORY" in given or (self.folder / name).is_dir():
            self.open[result] = name, 0
            return False
        new = name not in self.current
        if new:
            if "O_CREAT" not in given:
                # It came into being by a call that was not recorded; what is not understood is not passed over.
                raise AssertionError(f"opened and never made: {name}")
            file = self._file(b"", name)
            self.moves.append(Move(name, file))
        file = self.current[name]
        emptied = "O_TRUNC" in given and self.sizes[file] > 0
        if emptied:
            self._changed(Change(file, 0, None))
        self.open[result] = file, self.sizes[file] if "O_APPEND" in given else 0
        return new or emptied

    def _moved(self, call: str, names: list[str | None]) -> bool:
        if None in names or call.startswith("mkdir"):
            # A directory is there as soon as something in it is.
            return False
        old, new = names[0], names[-1]
        if call.startswith("link"):
            self.current[new] = self.current[old]
            self.moves.append(Move(new, self.current[old]))
            return True
        file = self.current.pop(old)
        if call.startswith("unlink"):
            self.moves.append(Move(old, None))
        else:
            self.current[new] = file
            self.moves.append(Move(new, file, old))
        return True

    def _used(self, call: str, number: int, given: str, texts: list[bytes], result: int) -> bool:
        what, at = self.open[number]
        if call == "close":
            del self.open[number]
        elif call in ("fsync", "fdatasync"):
            self._synced(what)
            return True
        elif call == "lseek":
            self.open[number] = what, result
        elif call == "read":
            self.open[number] = what, at + result
        elif call == "ftruncate":
            self._changed(Change(what, int(given.split(",")[1]), None))
            return True
        elif call in ("write", "pwrite64"):
            data = texts[0][:result]
            assert len(data) == result, f"recorded in part only: {call}"
            self._changed(Change(what, int(given.rsplit(",", 1)[1]) if call == "pwrite64" else at, data))
            if call == "write":
                self.open[number] = what, at + result
            return True
        else:
            raise AssertionError(f"a call that is not modelled: {call}")
        return False

    def _changed(self, change: Change) -> None:
        self.changes.append(change)
        end = change.at if change.data is None else max(self.sizes[change.file], change.at + len(change.data))
        self.sizes[change.file] = end

    def _synced(self, what: int | str) -> None:
        if isinstance(what, int):
            self.kept[what] = applied(self.kept[what], [one for one in self.changes if one.file == what])
            self.changes = [one for one in self.changes if one.file != what]
            return
        places = [n for n, move in enumerate(self.moves, 1) if _within(move, what)]
        self.names = moved(self.names, self.moves[: max(places, default=0)])
        self.moves = self.moves[max(places, default=0) :]


def _within(move: Move, folder: str) -> bool:
    return folder in {PurePosixPath(name).parent.as_posix() for name in (move.name, move.old) if name}


def recorded(record: Path, before: Path, after: Path) -> Recording:
    """Read a recording of the calls that turned a folder as it was into what it is after; `before` is a copy from before.

    Whoever replays all calls gets what is there, byte for byte; else the model is wrong, and an error is raised.
    """
    reader = _Reader(before)
    reader.folder = after
    moments = [reader.moment()]
    for line in record.read_text("ascii").splitlines():
        found = _LINE.match(line)
        if found and reader.follow(found[1], found[2], int(found[3])):
            moments.append(reader.moment())
    last = moments[-1]
    whole = image(last, last.changes, len(last.moves))
    there = {path.relative_to(after).as_posix(): path.read_bytes() for path in after.rglob("*") if path.is_file()}
    odd = {
        name for name in whole.keys() | there.keys() if not name.endswith("-shm") and whole.get(name) != there.get(name)
    }
    assert not odd, f"replayed calls leave other files than there are: {sorted(odd)}"
    return Recording(moments, reader.told)


def applied(content: bytes, changes: list[Change]) -> bytes:
    """Return a file's content after changes."""
    if not changes:
        return content
    whole = bytearray(content)
    for _, at, data in changes:
        if data is None:
            del whole[at:]
            whole.extend(bytes(at - len(whole)))
        else:
            whole.extend(bytes(max(0, at - len(whole))))
            whole[at : at + len(data)] = data
    return bytes(whole)


def moved(names: dict[str, int], moves: tuple[Move, ...] | list[Move]) -> dict[str, int]:
    """Return what names mean after moves."""
    found = dict(names)
    for name, file, old in moves:
        if old is not None:
            found.pop(old, None)
        if file is None:
            found.pop(name, None)
        else:
            found[name] = file
    return found


def image(moment: Moment, changes: tuple[Change, ...] | list[Change], moves: int) -> Image:
    """Return what a disk holds to which these changes came, and the first so many moves."""
    of: dict[int, list[Change]] = {}
    for change in changes:
        of.setdefault(change.file, []).append(change)
    names = moved(moment.names, moment.moves[:moves])
    return {name: applied(moment.kept[file], of.get(file, [])) for name, file in names.items()}


def plain_images(moment: Moment, rng: random.Random) -> Iterator[Image]:
    """Yield the images that everybody would think of: none, all, sizes alone, data alone, each change alone, without it, up to it."""
    changes, ends = moment.changes, (0, len(moment.moves))
    wholes = list(product(((), changes, _sizes_alone(moment), _data_alone(moment)), range(len(moment.moves) + 1)))
    rng.shuffle(wholes)
    yield from (image(moment, some, moves) for some, moves in wholes)
    for n in rng.sample(range(len(changes)), len(changes)):
        yield image(moment, changes[:n], rng.choice(ends))
        yield image(moment, changes[n : n + 1], rng.choice(ends))
        yield image(moment, (*changes[:n], *changes[n + 1 :]), rng.choice(ends))


def random_image(moment: Moment, rng: random.Random) -> Image:
    """Return an image of which any part of what waits is there, in any order, and torn anywhere."""
    share = rng.random()
    some = [change for change in moment.changes if rng.random() < share]
    if rng.random() < 0.3:
        rng.shuffle(some)
    if some and rng.random() < 0.5:
        n = rng.randrange(len(some))
        some[n : n + 1] = _torn(some[n], rng)
    return image(moment, some, rng.randint(0, len(moment.moves)))


def _torn(change: Change, rng: random.Random) -> list[Change]:
    """Return what came of a write of which some sectors are there, or only its first bytes."""
    if change.data is None:
        return []
    if rng.random() < 0.2:
        return [change._replace(data=change.data[: rng.randrange(len(change.data) + 1)])]
    starts = range(-(change.at % SECTOR), len(change.data), SECTOR)
    parts = [(max(start, 0), change.data[max(start, 0) : start + SECTOR]) for start in starts]
    return [Change(change.file, change.at + at, data) for at, data in parts if rng.random() < 0.5]


def _sizes_alone(moment: Moment) -> list[Change]:
    """Return the changes as a disk has them that knows each file's new size and has none of its new bytes."""
    sizes = {file: len(content) for file, content in moment.kept.items()}
    found: list[Change] = []
    for file, at, data in moment.changes:
        size = at if data is None else max(sizes[file], at + len(data))
        if size != sizes[file]:
            found.append(Change(file, size, None))
            sizes[file] = size
    return found


def _data_alone(moment: Moment) -> list[Change]:
    """Return the changes as a disk has them that has all new bytes and still each file's old size."""
    grown = {change.file for change in moment.changes}
    return [*moment.changes, *(Change(file, len(moment.kept[file]), None) for file in sorted(grown))]
