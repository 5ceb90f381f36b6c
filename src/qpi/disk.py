"""Disk: what has to be asked of the system so that it is written down for good."""

import os
from pathlib import Path


def settle(path: Path) -> None:
    """Have a file, or a folder where the system can, written down for good."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


__all__ = ["settle"]
