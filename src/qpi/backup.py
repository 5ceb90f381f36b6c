"""Backup: a copy of a ledger, made while others may write, and verified before it bears its name."""

import os
from pathlib import Path

from qpi.audit import Report, audit
from qpi.errors import LedgerError, UsageError, reason
from qpi.ledger import open_ledger
from qpi.messages import say


def back_up(ledger: Path, copy: Path) -> Report:
    """Copy a ledger by SQLite's own means, verify the copy, and give it its name only then; return what was verified.

    Raises UsageError where a file of that name is there already or its folder is not, LedgerError where the copy cannot
    be written or does not prove itself; then there is no file of that name.
    """
    if copy.exists():
        raise UsageError(say("{file} is there already; name another file", file=copy))
    if not copy.parent.is_dir():
        raise UsageError(say("there is no folder {folder}; make it, or name another file", folder=copy.parent))
    part = copy.with_name(f".{copy.name}.part")
    try:
        part.unlink(missing_ok=True)
        return _copied(ledger, part, copy)
    except OSError as error:
        fault = say(
            "{file}: the copy cannot be written ({reason}); name another place", file=copy, reason=reason(error)
        )
        raise LedgerError(fault) from error


def _copied(ledger: Path, part: Path, copy: Path) -> Report:
    named = False
    try:
        with open_ledger(ledger) as source:
            source.copy_to(part)
        report = audit(part)
        if not report.sound:
            fault = say("{file}: the copy does not prove itself; verify the ledger", file=ledger)
            raise LedgerError(fault)
        _settle(part)
        part.rename(copy)
        named = True
        _settle(copy.parent)
    except BaseException:
        # Also a copy whose name may not outlive a power cut is none.
        (copy if named else part).unlink(missing_ok=True)
        raise
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
