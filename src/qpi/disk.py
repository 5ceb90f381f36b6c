"""Disk: what has to be asked of the system so that it is written down for good."""

import os
import secrets
import shutil
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


def write(path: Path, text: str) -> None:
    """Write a text as UTF-8 into a file, for good: either all of it stands under the name, or what stood there before."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        if path.exists():
            # Whoever may read the old one may read the new one.
            shutil.copymode(path, part)
        settle(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    settle(path.parent)


__all__ = ["settle", "write"]
