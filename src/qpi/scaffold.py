"""Scaffold: a new workspace with comments, from catalogues that are shipped."""

import re
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from qpi import jsonschemas, shipped, text
from qpi.errors import UsageError
from qpi.messages import say

DEFAULT = ("qpi-standard",)
"""The catalogues that a workspace begins with where none is named."""
FILES = Path(__file__).with_name("init_files")
"""The files of a new workspace; the demo has the same policy."""
_EFFECTIVE = re.compile(r"^effective_from: .*$", re.MULTILINE)


def write(folder: Path, *, catalogues: Sequence[str] = DEFAULT, effective_from: date) -> list[Path]:
    """Write a workspace into a new or empty folder and return the paths of its files, the schemas left out.

    The newest edition of each catalogue is copied; it takes effect on `effective_from`, the 1st of a month.
    Raises UsageError when the folder holds something already, a catalogue is unknown, or the day is another.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(say("{folder} is not an empty folder; name a new one", folder=folder))
    if effective_from.day != 1:
        fault = say("an edition starts on the 1st of a month, not on {start}", start=effective_from)
        remedy = say("write {text}", text=effective_from.replace(day=1))
        raise UsageError(say("{fault}; {remedy}", fault=fault, remedy=remedy))
    sources = [_newest(name) for name in dict.fromkeys(catalogues)]
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for path in sorted(FILES.glob("*.yaml")):
        files.append(folder / path.name)
        shutil.copyfile(path, files[-1])
    (folder / "checklists").mkdir()
    for path in sources:
        files.append(folder / "checklists" / path.name)
        edition = _EFFECTIVE.sub(f"effective_from: {effective_from}", path.read_text(encoding="utf-8"), count=1)
        files[-1].write_text(edition, encoding="utf-8", newline="\n")
    jsonschemas.write(folder / jsonschemas.FOLDER)
    return files


def _newest(name: str) -> Path:
    known = shipped.editions()
    if name not in known:
        raise UsageError(say('catalogue "{name}" is unknown; {remedy}', name=name, remedy=text.instead(name, known)))
    return known[name][-1]


__all__ = ["DEFAULT", "write"]
