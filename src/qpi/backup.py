"""Backup: a copy of a ledger, made while others may write, and verified before it bears its name."""

import os
import secrets
import shutil
import time
from pathlib import Path

from qpi import transfer
from qpi.audit import Report, audit
from qpi.disk import settle
from qpi.errors import LedgerError, UsageError, reason
from qpi.ledger import Place, open_unexamined
from qpi.messages import Message, joined, say

_STALE_SECONDS = 600


def back_up(ledger: Place, copy: Path) -> Report:
    """Copy a ledger into a file of SQLite, verify the copy, and give it its name only then; return what was verified.

    A file is copied by SQLite's own means, another store entry for entry; others may write meanwhile.

    A ledger of an earlier layout is copied as it is. Raises UsageError where a file of that name is there already or
    its folder is not, LedgerError where the copy cannot be written or does not prove itself; then there is no file of
    that name.
    """
    if os.path.lexists(copy):
        raise _there(copy)
    if not copy.parent.is_dir():
        raise UsageError(say("there is no folder {folder}; make it, or name another file", folder=copy.parent))
    # A name of its own, so that two runs with one target never touch each other's copy.
    part = copy.with_name(f".{copy.name}.{secrets.token_hex(4)}.part")
    try:
        return _copied(ledger, part, copy)
    except OSError as error:
        fault = say(
            "{file}: the copy cannot be written ({reason}); name another place", file=copy, reason=reason(error)
        )
        raise LedgerError(fault) from error


def _copied(ledger: Place, part: Path, copy: Path) -> Report:
    named = False
    try:
        with open_unexamined(ledger) as source:
            if not source.copy_to(part):
                transfer.copy(source, part)
            file = source.file
        report = audit(part)
        if not report.sound:
            words = joined("; ", (one.words() for one in report.found[:3]))
            raise LedgerError(
                say("{file}: the copy does not prove itself ({faults}); verify the ledger", file=file, faults=words)
            )
        if isinstance(ledger, Path):
            # Whoever may not read the ledger may not read its copy either.
            shutil.copymode(ledger, part)
        settle(part)
        _name(part, copy)
        named = True
        settle(copy.parent)
    except BaseException:
        # Also a copy whose name may not outlive a power cut is none.
        if named:
            copy.unlink(missing_ok=True)
        raise
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            part.with_name(part.name + ending).unlink(missing_ok=True)
    return report


def unfinished(copy: Path) -> list[Message]:
    """Return a note of each copy towards this name that a run left which was cut off; nothing is deleted for it."""
    # One that was written to a moment ago is another program's, at work.
    before = time.time() - _STALE_SECONDS
    left = [one for one in copy.parent.glob(f".{copy.name}.????????.part") if one.stat().st_mtime < before]
    return [
        say("{file}: an unfinished copy, left by a run that was cut off; delete it", file=one) for one in sorted(left)
    ]


def _there(copy: Path) -> UsageError:
    return UsageError(say("{file} is there already; name another file", file=copy))


def _name(part: Path, copy: Path) -> None:
    """Give a finished copy its name, and never write over a file that got the name meanwhile."""
    try:
        try:
            os.link(part, copy)
        except FileExistsError:
            raise
        except OSError:
            # Some file systems, such as that of memory sticks, have no links; there `rename` is as good as it gets.
            if os.path.lexists(copy):
                raise FileExistsError from None
            part.rename(copy)
    except FileExistsError as error:
        raise _there(copy) from error


__all__ = ["back_up", "unfinished"]
