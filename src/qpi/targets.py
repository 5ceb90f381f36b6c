"""Targets: files that a result is to be written to, and those that are never written over."""

import re
from pathlib import Path

from qpi import terms
from qpi.errors import QpiError, UsageError
from qpi.messages import Message, say

_DEFINITIONS = (".yaml", ".yml")
_LINES = (".jsonl", ".ndjson")
_JOURNALS = ("-journal", "-wal", "-shm")
_TABLES = ("checks", "findings", "verifications", "tallies")
"""Folders of an export whose every file is its own."""
_MANIFESTS = ("export.json", ".export.next.json")
_HASH = re.compile(r"[0-9a-f]{64}")
_READ = 1 << 16
"""So many bytes of a file are looked at; a header that is longer is none of ours."""
_MOMENTS = {
    name
    for columns, field in ((terms.CHECK_COLUMNS, "checked_at"), (terms.VERIFICATION_COLUMNS, "verified_at"))
    for name in (field, *columns[field])
}
"""Columns that every file of records has, and no result of ours."""


def refuse(path: Path) -> None:
    """Raise UsageError for a file not to be written over, QpiError where there is no folder.

    Not written over are definitions, templates, ledgers, records, exports and evidence, which nobody could make again,
    or which somebody counts from. A result that was written before is. What is a link is judged by where it leads.
    """
    if not path.parent.is_dir():
        raise QpiError(say("there is no folder {folder}; make it, or name another file", folder=path.parent))
    if fault := fault_of(path):
        raise UsageError(say("{fault}; name another file", fault=fault))


def fault_of(path: Path) -> Message | None:
    """Say why a file is not to be written over, or return None."""
    # The name that was given counts as well as what it leads to: a name without its ending tells less.
    places = dict.fromkeys((path, path.resolve()))
    if any(_of_export(place) for place in places):
        return say("{file} belongs to an export", file=path)
    if any(_of_evidence(place) for place in places):
        return say("{file} belongs to the evidence files", file=path)
    if not path.is_file():
        return None
    suffixes, head = {place.suffix.lower() for place in places}, _head(path)
    if suffixes & {".parquet"} or head.startswith(b"PAR1"):
        return say("{file} belongs to an export", file=path)
    if suffixes.intersection(_DEFINITIONS) or any(_own(place, "templates") for place in places):
        return say("{file} holds definitions", file=path)
    if head.startswith(b"SQLite format 3\0") or path.name.endswith(_JOURNALS):
        return say("{file} holds a ledger", file=path)
    if suffixes.intersection(_LINES) or any(_own(place, "records") for place in places) or _has_moments(head):
        return say("{file} holds records", file=path)
    return None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_READ)


def _of_export(path: Path) -> bool:
    """Say whether a file is the manifest of an export, or lies in a folder of its tables."""
    if path.name in _MANIFESTS:
        return _is_manifest(path)
    return any(
        folder.name in _TABLES and any(_is_manifest(folder.parent / name) for name in _MANIFESTS)
        for folder in path.parents
    )


def _is_manifest(path: Path) -> bool:
    """Say whether a file begins as a manifest does, also one that is damaged further down."""
    return path.is_file() and {b'"format"', b'"ledger"'} <= {*re.findall(rb'"\w+"(?=\s*:)', _head(path))}


def _of_evidence(path: Path) -> bool:
    """Say whether a place is one that a file of evidence has, or lies in the folder of a workspace's evidence."""
    return (_HASH.fullmatch(path.name) is not None and path.parent.name == path.name[:2]) or _own(path, "evidence")


def _own(path: Path, name: str) -> bool:
    """Say whether a file lies in the folder of this name of a workspace."""
    return any(folder.name == name and (folder.parent / "qpi.yaml").is_file() for folder in path.parents)


def _has_moments(head: bytes) -> bool:
    """Say whether a text begins with the header of a file of records; Excel writes it in UTF-8 or GB18030."""
    line = head.splitlines()[0] if head else b""
    for codec in ("utf-8-sig", "gb18030"):
        names = {cell.strip(' "\t') for cell in re.split("[,;\t]", line.decode(codec, errors="replace"))}
        if names & _MOMENTS:
            return True
    return False


__all__ = ["fault_of", "refuse"]
