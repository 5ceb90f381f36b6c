"""Evidence: the folder beside the ledger that keeps photos and papers, each under the hash of its bytes."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from qpi import disk, images, text
from qpi.errors import DataError, LedgerError, Problem, QpiError, Where, reason
from qpi.messages import say
from qpi.policy import EvidenceFiles

FOLDER = "evidence"
MAX_NAME = 255
MILLION = 1_000_000
_CHUNK = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
# A pipe that nobody writes to would keep an open waiting; Windows tells texts from bytes.
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


class Given(NamedTuple):
    """A file that somebody gives as evidence, and the name that it had with its owner."""

    path: Path
    name: str


class Piece(NamedTuple):
    """A file that may be kept: where it lies, what its entry will say, and the hash of each million bytes or so."""

    path: Path
    sha256: str
    size: int
    name: str
    media: str | None
    width: int | None
    height: int | None
    chunks: tuple[bytes, ...]

    def record(self) -> dict[str, Any]:
        """Return what the entry says of the file."""
        said = {name: getattr(self, name) for name in ("sha256", "size", "name", "media", "width", "height")}
        return {name: value for name, value in said.items() if value is not None}


def given(file: "Given | Path | str") -> Given:
    """Return a file with the name that it has on the disk, unless another is given with it."""
    return file if isinstance(file, Given) else Given(Path(file), Path(file).name)


def home_of(folder: Path, sha256: str) -> Path:
    """Return where a file with this hash is kept."""
    return folder / sha256[:2] / sha256


def is_hash(sha256: object) -> bool:
    """Say whether something is a SHA-256 in hex, so that a place in the folder can be made of it."""
    return isinstance(sha256, str) and _SHA256.fullmatch(sha256) is not None


# Judging what is given


def pieces(files: Iterable[Given], limits: EvidenceFiles) -> list[Piece]:
    """Read files and return what may be kept of them; raise DataError with what is wrong with any of them."""
    found, problems = [], []
    for one in files:
        try:
            found.append(_piece(one, limits))
        except _Refused as error:
            problems.append(Problem(Where(_shown(one.path)), error.fault, error.remedy))
    if problems:
        raise DataError(problems)
    return found


class _Refused(Exception):
    """A file that is not taken: what is wrong with it, and what to do."""

    def __init__(self, fault: str, remedy: str) -> None:
        super().__init__(fault)
        self.fault, self.remedy = fault, remedy


def _shown(path: Path) -> str:
    """Return a name as a message shows it: without signs that a screen obeys."""
    return path.as_posix() if str(path).isprintable() else repr(path.as_posix())


def _piece(one: Given, limits: EvidenceFiles) -> Piece:
    most = limits.megabytes * MILLION
    with _opened(one.path) as file:
        name = _name(one.name)
        before = os.fstat(file.fileno())
        if before.st_size > most:
            raise _too_large(before.st_size, limits)
        media = images.media_of(file.read(images.HEAD))
        width, height = _pixels(file, media, limits) if media and media.startswith("image/") else (None, None)
        file.seek(0)
        whole, size, chunks = hashlib.sha256(), 0, []
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > most:
                raise _too_large(size, limits)
            whole.update(chunk)
            chunks.append(hashlib.sha256(chunk).digest())
        if not size:
            raise _Refused(say("is empty"), say("give a file that shows something"))
        after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
            raise _changed()
    return Piece(one.path, whole.hexdigest(), size, name, media, width, height, tuple(chunks))


def _name(name: str) -> str:
    name = name.strip(" ")
    if not name:
        raise _Refused(say("has no name"), say("give it a name"))
    if len(name) > MAX_NAME:
        raise _Refused(
            say("has a name of {number} characters", number=len(name)), say("keep it to {most}", most=MAX_NAME)
        )
    broken = next((sign for sign in name if sign < " "), None)
    bad = text.bad_character(name) or (broken and text.sign_name(broken))
    if bad:
        raise _Refused(say("has a name that holds {sign}", sign=bad), say("rename it"))
    return name


def _too_large(size: int, limits: EvidenceFiles) -> _Refused:
    fault = say("has {size} bytes, and the policy allows {most} million", size=f"{size:,}", most=limits.megabytes)
    return _Refused(fault, say("make it smaller, or raise evidence.megabytes"))


def _changed() -> _Refused:
    return _Refused(say("changed while it was read"), say("give it again when nobody writes to it"))


def _pixels(file: BinaryIO, media: str | None, limits: EvidenceFiles) -> tuple[int, int]:
    file.seek(0)
    try:
        found = images.pixels(file)
    except QpiError as error:
        fault = say("is an image ({media}), and its pixels cannot be counted without imagesize", media=media)
        raise _Refused(fault, say("pip install 'qpi[evidence]'")) from error
    if found is None:
        fault = say("begins as an image ({media}), and its width and height cannot be read", media=media)
        raise _Refused(fault, say("open it and save it anew, or take the photo again"))
    width, height = found
    if width * height > limits.megapixels * MILLION:
        fault = say(
            "has {width} x {height} pixels, and the policy allows {most} million",
            width=width, height=height, most=limits.megapixels,
        )  # fmt: skip
        raise _Refused(fault, say("make it smaller, or raise evidence.megapixels"))
    return width, height


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file and nothing else; what it becomes meanwhile is not followed."""
    if "\0" in str(path):
        raise _Refused(say("is no name that a file can have"), say("name another file"))
    try:
        # Opening a device can do something already.
        _regular(os.lstat(path).st_mode)
        handle = os.open(path, os.O_RDONLY | _FLAGS)
        with os.fdopen(handle, "rb") as file:
            _regular(os.fstat(file.fileno()).st_mode)
            yield file
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _symbolic() from error
        raise _Refused(say("cannot be read ({reason})", reason=reason(error)), say("name another file")) from error


def _symbolic() -> _Refused:
    return _Refused(say("is a symbolic link"), say("give the file that it points to"))


def _regular(mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise _symbolic()
    if stat.S_ISDIR(mode):
        raise _Refused(say("is a folder"), say("give the files in it"))
    if not stat.S_ISREG(mode):
        raise _Refused(say("is a pipe, a socket or a device"), say("give a file"))


# Keeping


def prepare(folder: Path, one: Piece) -> bool:
    """Copy a file beside the place where it will be kept, written down for good, and say so; not where it is kept already.

    Raises DataError where it is no longer what was read, LedgerError where the folder cannot be written.
    """
    home = home_of(folder, one.sha256)
    with _in_words(folder):
        if fault(folder, one.sha256, one.size) is None:
            disk.settle(home)
            return False
        home.parent.mkdir(parents=True, exist_ok=True)
        with _written(_part_of(home)) as part:
            try:
                _copy(one, part)
            except _Refused as error:
                raise DataError([Problem(Where(_shown(one.path)), error.fault, error.remedy)]) from error
    return True


def _part_of(home: Path) -> Path:
    """Return where a copy is made.

    The name comes from the bytes, so that who tries again after a kill finishes the same copy, and two who give the
    same file at once write the same bytes.
    """
    return home.with_name(f".{home.name}.part")


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o666)
    with os.fdopen(handle, "r+b") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _copy(one: Piece, part: BinaryIO) -> None:
    """Copy a piece; no byte is written that is not the one that was hashed."""
    with _opened(one.path) as file:
        for digest in one.chunks:
            chunk = file.read(_CHUNK)
            if hashlib.sha256(chunk).digest() != digest:
                raise _changed()
            try:
                part.write(chunk)
            except OSError as error:
                # Not the fault of the file that is given.
                raise _unwritable(one.path, error) from error
    part.truncate(one.size)


def place(folder: Path, one: Piece, *, prepared: bool) -> None:
    """Give a copy its name, which `settle` makes last; for whoever holds the right to write, and nobody else.

    `prepared` is what `prepare` said. Raises LedgerError where that cannot be.
    """
    home = home_of(folder, one.sha256)
    part = _part_of(home)
    with _in_words(folder):
        # Kept when it was prepared, and removed by another program since; what lies there as a copy may be half of one.
        copied = prepared or (not _is_there(home, one.size) and prepare(folder, one))
        if copied and _is_there(part, one.size):
            # Another program may be writing the same bytes to it, and not have them written down yet.
            disk.settle(part)
            part.replace(home)
        elif not _is_there(home, one.size):
            words = say("another program gave and removed the same file meanwhile; nothing was recorded, try again")
            raise LedgerError(say("{file}: {fault}", file=home, fault=words))


def settle(folder: Path, pieces: Iterable[Piece]) -> None:
    """Have the names of placed files written down for good, with all folders that may be new; errors as for `place`."""
    inner = {home_of(folder, one.sha256).parent for one in pieces}
    with _in_words(folder):
        for one in (*sorted(inner), folder, folder.parent):
            disk.settle(one)


def delete(folder: Path, sha256: str) -> bool:
    """Delete a kept file for good, with what a killed program left of a copy; say whether there was one.

    Its removal is recorded by then. Raises LedgerError where it cannot be deleted.
    """
    home = home_of(folder, sha256)
    try:
        there = os.path.lexists(home)
        home.unlink(missing_ok=True)
        _part_of(home).unlink(missing_ok=True)
        if home.parent.is_dir():
            disk.settle(home.parent)
    except OSError as error:
        fault = say("{file}: the removal is recorded, and the file could not be deleted for good ({reason}); remove it again",
                    file=home, reason=reason(error))  # fmt: skip
        raise LedgerError(fault) from error
    return there


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(Path(error.filename or folder), error) from error


def _unwritable(path: Path, error: OSError) -> LedgerError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = say("make room on the disk; nothing was recorded")
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        remedy = say("check the rights to the folder {folder}; nothing was recorded", folder=FOLDER)
    else:
        remedy = say("nothing was recorded; try again")
    return LedgerError(
        say(
            "{file}: the evidence file could not be written ({reason}); {remedy}",
            file=path, reason=reason(error), remedy=remedy,
        )
    )  # fmt: skip


# Looking


def size_of(folder: Path, sha256: str) -> int | None:
    """Return the size of a kept file in bytes, -1 where something else bears its name, or None where nothing does."""
    return _size(home_of(folder, sha256)) if is_hash(sha256) else None


def _size(path: Path) -> int | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def _is_there(path: Path, size: int) -> bool:
    return _size(path) == size


def fault(folder: Path, sha256: object, size: object) -> str | None:
    """Say what is wrong with a kept file, all its bytes read, or return None."""
    if not isinstance(sha256, str) or not is_hash(sha256):
        return say("names no SHA-256")
    try:
        with _opened(home_of(folder, sha256)) as file:
            found = os.fstat(file.fileno()).st_size
            if found != size:
                return say("the file has {found} bytes instead of {size}", found=found, size=size)
            if _digest(file) != sha256:
                return say("the file has other bytes")
    except _Refused as error:
        if not os.path.lexists(home_of(folder, sha256)):
            return say("the file is missing")
        return say("the file {fault}", fault=error.fault)
    return None


def _digest(file: BinaryIO) -> str:
    whole = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        whole.update(chunk)
    return whole.hexdigest()


def strays(folder: Path, known: Container[str]) -> Sequence[str]:
    """Return the names, within the folder, of all files that are not kept under one of the known hashes."""
    found = []
    for root, _, names in os.walk(folder):
        inside = [Path(root).relative_to(folder) / name for name in names]
        found += [_shown(one) for one in inside if one.name not in known or one != home_of(Path(), one.name)]
    return sorted(found)


__all__ = [
    "FOLDER",
    "Given",
    "Piece",
    "delete",
    "fault",
    "given",
    "home_of",
    "is_hash",
    "pieces",
    "place",
    "prepare",
    "settle",
    "size_of",
    "strays",
]
