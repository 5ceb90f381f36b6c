"""Backup: a copy of a ledger, made while others may write, and verified before it bears its name."""

import os
from pathlib import Path

from qpi import transfer
from qpi.audit import Report, audit
from qpi.errors import LedgerError, UsageError
from qpi.ledger import Place, open_ledger
from qpi.messages import say


def back_up(ledger: Place, copy: Path) -> Report:
    """Copy a ledger into a file of SQLite, verify the copy, and give it its name only then; return what was verified.

    A file is copied by SQLite's own means, another store entry for entry; others may write meanwhile.

    Raises UsageError where a file of that name is there already or its folder is not, LedgerError where the copy does
    not prove itself; then there is no file of that name.
    """
    if copy.exists():
        raise UsageError(say("{file} is there already; name another file", file=copy))
    if not copy.parent.is_dir():
        raise UsageError(say("there is no folder {folder}; make it, or name another file", folder=copy.parent))
    part = copy.with_name(f".{copy.name}.part")
    part.unlink(missing_ok=True)
    try:
        with open_ledger(ledger) as source:
            if not source.copy_to(part):
                transfer.copy(source, part)
            file = source.file
        report = audit(part)
        if not report.sound:
            raise LedgerError(say("{file}: the copy does not prove itself; verify the ledger", file=file))
        _settle(part)
        part.rename(copy)
        _settle(copy.parent)
    finally:
        part.unlink(missing_ok=True)
    return report


def _settle(path: Path) -> None:
    """Have a file, or a folder where the system can, written down for good."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


__all__ = ["back_up"]
