"""Manifest: what an export says of itself: its position in the ledger, its columns, and each file with its digest."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from qpi import receipts
from qpi.errors import DataError, Problem, Where
from qpi.frames import CHECKS, DAY, FINDINGS, KEY, MOMENT, TEXT, VERIFICATIONS, WHOLE
from qpi.messages import Message, say

FORMAT = 1
"""Version of the layout of the folder and of this file."""
NAME = "export.json"
NEXT = ".export.next.json"
"""The manifest to be: it stands there while files are changed, and says what is to be finished after a kill."""
TABLES: Mapping[str, Mapping[str, str]] = {
    "checks": CHECKS,
    "findings": {**FINDINGS, "day": DAY},
    "verifications": VERIFICATIONS,
}
"""Columns of each table; a finding bears the day of its check too, by which it is partitioned."""
TYPES = {TEXT: "string", KEY: "string", WHOLE: "int64", DAY: "date32", MOMENT: "timestamp[us, UTC]"}
"""How each kind of column is declared in Parquet."""
_STAGED = ".next"
_HEX = re.compile(r"[0-9a-f]{64}")
_PATH = re.compile(
    rf"(?P<table>{'|'.join(TABLES)})/month=(?P<month>[0-9]{{4}}-[0-9]{{2}})/"
    r"part-(?P<first>[0-9]{1,15})-(?P<last>[0-9]{1,15})\.parquet"
)
_CHUNK = 1 << 20


class Part(NamedTuple):
    """A file of an export: the rows of a month that entries `first` to `last` of the ledger brought, both within."""

    table: str
    month: str
    first: int
    last: int
    rows: int
    size: int
    sha256: str

    @property
    def path(self) -> str:
        """Its place in the folder."""
        return path_of(self.table, self.month, self.first, self.last)


def path_of(table: str, month: str, first: int, last: int) -> str:
    """Return the place of a file in the folder."""
    return f"{table}/month={month}/part-{first}-{last}.parquet"


class Manifest(NamedTuple):
    """Which ledger was exported up to which entry, its receipt, and the files."""

    ledger: str
    seq: int
    head: str
    receipt: str
    parts: tuple[Part, ...]

    def rows(self, table: str) -> int:
        """Return the number of rows of a table."""
        return sum(part.rows for part in self.parts if part.table == table)


def text_of(manifest: Manifest) -> str:
    """Return a manifest as the text of its file."""
    ledger, seq, head, receipt, parts = manifest
    said = {
        "format": FORMAT, "ledger": ledger, "seq": seq, "head": head, "receipt": receipt, "columns": _columns(),
        "files": [{"path": p.path, "rows": p.rows, "bytes": p.size, "sha256": p.sha256} for p in parts],
    }  # fmt: skip
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


def _columns() -> dict[str, dict[str, str]]:
    return {table: {name: TYPES[kind] for name, kind in columns.items()} for table, columns in TABLES.items()}


class _Misread(Exception):
    """What is wrong with a manifest."""


def read(path: Path) -> Manifest | None:
    """Return the manifest of a file, or None where there is none; raise DataError where it is none of this release."""
    try:
        text = path.read_bytes().decode()
        return _read(json.loads(text))
    except FileNotFoundError:
        return None
    except _Misread as error:
        fault, remedy = error.args
        raise wrong(path, fault, remedy) from error
    except (DataError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise wrong(path, say("is no manifest of an export"), anew()) from error


def anew() -> Message:
    """Return the remedy for an export that cannot be mended."""
    return say("put the folder away, and export into an empty one")


def wrong(path: Path, fault: str, remedy: str) -> DataError:
    """Return the error of one thing that is wrong with an export."""
    return DataError([Problem(Where(str(path)), fault, remedy)])


def _read(said: Mapping[str, Any]) -> Manifest:
    found = said["format"]
    if type(found) is not int or found < 1:
        raise ValueError
    if found > FORMAT:
        fault = say("was written by a newer release (format {format})", format=found)
        raise _Misread(fault, say("upgrade qpi, or name an empty folder"))
    if said["columns"] != _columns():
        raise _Misread(say("has other columns than this release writes"), say("name an empty folder"))
    ledger, seq, head, receipt = said["ledger"], said["seq"], said["head"], said["receipt"]
    # The receipt is what others will hold against the ledger: it may not say something else than the manifest.
    if receipts.found_in(receipt, NAME)[0][:3] != (ledger, seq, head) or type(seq) is not int:
        raise ValueError
    parts = tuple(_part(one, seq) for one in said["files"])
    if len({part.path for part in parts}) != len(parts):
        raise ValueError
    return Manifest(ledger, seq, head, receipt, parts)


def _part(said: Mapping[str, Any], seq: int) -> Part:
    found = _PATH.fullmatch(said["path"])
    rows, size, sha256 = said["rows"], said["bytes"], said["sha256"]
    if found is None or type(rows) is not int or type(size) is not int or not _HEX.fullmatch(sha256):
        raise ValueError
    part = Part(found["table"], found["month"], int(found["first"]), int(found["last"]), rows, size, sha256)
    # The name is made of the numbers again: one with a leading 0 would be another file.
    if part.path != said["path"] or not 0 <= part.first <= part.last <= seq or rows < 1 or size < 1:
        raise ValueError
    return part


def of(folder: Path) -> Manifest:
    """Return the manifest of a finished export; raise DataError where the folder holds none."""
    found = read(folder / NAME)
    if (folder / NEXT).exists():
        fault = say("an export is being written here, or was cut off")
        raise wrong(folder, fault, say("run qpi export {folder} again, to its end", folder=folder))
    if found is None:
        raise wrong(folder, say("holds no export"), say("name the folder of a qpi export"))
    return found


def staged(folder: Path, path: str) -> Path:
    """Return where a file is written before it gets its name; no reader of Parquet takes it for one."""
    home = folder / path
    return home.with_name(f".{home.name}{_STAGED}")


def is_staged(name: str) -> bool:
    """Say whether a name is one of `staged`."""
    return name.startswith(".part-") and name.endswith(f".parquet{_STAGED}")


def amiss(folder: Path, part: Part) -> Message | None:
    """Say what is wrong with a file as far as its size tells, or return None."""
    path = folder / part.path
    try:
        found = os.lstat(path).st_size
    except FileNotFoundError:
        return say("the file is missing")
    if not path.is_file() or path.is_symlink():
        return say("is no file")
    return (
        None if found == part.size else say("the file has {found} bytes instead of {size}", found=found, size=part.size)
    )


def altered(folder: Path, part: Part) -> Message | None:
    """Say what is wrong with a file, all its bytes read, or return None."""
    fault = amiss(folder, part)
    if fault is None and digest(folder / part.path) != part.sha256:
        return say("the file has other bytes")
    return fault


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            whole.update(chunk)
    return whole.hexdigest()


def strangers(folder: Path, parts: Iterable[Part]) -> list[Problem]:
    """Return what else lies in the partitions that whoever reads all Parquet files there would read too."""
    known = {part.path for part in parts}
    # A folder of that name is no file of ours either, and nothing can be put in its place.
    known = {path for path in known if not (folder / path).is_dir()}
    remedy = say("put it elsewhere: whoever reads the folder would count it")
    return [
        Problem(Where(str(folder / path)), say("is no file of this export"), remedy)
        for path in _there(folder)
        if path not in known
    ]


def _there(folder: Path) -> Iterator[str]:
    """Yield the Parquet files in the partitions, and links, behind which others may lie."""
    for table in TABLES:
        if (folder / table).is_symlink():
            yield table
        for root, folders, names in os.walk(folder / table):
            inside = Path(root).relative_to(folder)
            yield from ((inside / name).as_posix() for name in sorted(names) if name.lower().endswith(".parquet"))
            odd = (
                one for one in sorted(folders) if one.lower().endswith(".parquet") or (Path(root) / one).is_symlink()
            )
            yield from ((inside / name).as_posix() for name in odd)


def faults(folder: Path, manifest: Manifest, *, whole: bool = False) -> list[Problem]:
    """Return each file that is not what the manifest says and each that it does not name; with `whole` all bytes are read."""
    look = altered if whole else amiss
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        faults_ = [*(threads.map if whole else map)(partial(look, folder), manifest.parts)]
    again = say("run qpi export {folder}, which writes it anew", folder=folder)
    delete = say("delete it and run qpi export {folder}, which writes it anew", folder=folder)
    found = ((folder / part.path, fault) for part, fault in zip(manifest.parts, faults_, strict=True))
    # Other bytes of the same size are not seen by the next export; and what is missing cannot be deleted.
    broken = [
        Problem(Where(str(path)), fault, delete if whole and os.path.lexists(path) else again)
        for path, fault in found
        if fault is not None
    ]
    return [*broken, *strangers(folder, manifest.parts)]


__all__ = [
    "FORMAT", "NAME", "NEXT", "TABLES", "TYPES", "Manifest", "Part", "altered", "amiss", "anew", "digest", "faults", "is_staged",
    "of", "path_of", "read", "staged", "strangers", "text_of",
    "wrong",
]  # fmt: skip
