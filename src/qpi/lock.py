"""Lock: the right to change a folder, for one program at a time; the system gives it back when a program ends."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qpi.errors import UsageError, reason
from qpi.messages import say


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a file's lock within a `with`; raise UsageError where another program holds it, or none can be had there.

    The file stays: who deleted it could delete the one that the next program holds.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _take(handle, path)
        yield
    finally:
        # Closing gives the lock back, also when the program is killed.
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        fault = say("{folder}: another program is writing there; run this again when it has ended", folder=path.parent)
        raise UsageError(fault) from error
    except OSError as error:
        fault = say("{folder}: this file system has no locks ({reason}), so two programs could write at once; name a "
                    "folder on another one", folder=path.parent, reason=reason(error))  # fmt: skip
        raise UsageError(fault) from error


__all__ = ["held"]
