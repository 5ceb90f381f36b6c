"""Backup: a copy of a ledger, made while others may write, and verified before it bears its name."""

from pathlib import Path

from qpi.audit import Report, audit
from qpi.disk import settle
from qpi.errors import LedgerError, UsageError
from qpi.ledger import open_ledger
from qpi.messages import say


def back_up(ledger: Path, copy: Path) -> Report:
    """Copy a ledger by SQLite's own means, verify the copy, and give it its name only then; return what was verified.

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
            source.copy_to(part)
        report = audit(part)
        if not report.sound:
            fault = say("{file}: the copy does not prove itself; verify the ledger", file=ledger)
            raise LedgerError(fault)
        settle(part)
        part.rename(copy)
        settle(copy.parent)
    finally:
        part.unlink(missing_ok=True)
    return report


__all__ = ["back_up"]
