"""Scaffold: a new workspace with comments, from catalogues that are shipped."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from qpi import jsonschemas, schema, shipped, text
from qpi.errors import UsageError
from qpi.messages import said, say

DEFAULT = ("qpi-standard",)
"""The catalogues that a workspace begins with where none is named."""
FILES = Path(__file__).with_name("init_files")
"""The files of a new workspace; the demo has the same policy."""
POSTS = "  # 各专业的对口主管和班组负责人\n"
"""The line of portfolio.yaml in whose place the posts of the specialties stand."""
HOLDERS = {
    **dict.fromkeys(("客服", "投诉处理"), ("S01", "T01")),
    **dict.fromkeys(("秩序", "停车", "消防"), ("S02", "T02")),
    **dict.fromkeys(("设施设备", "电梯", "给排水", "供配电", "工程"), ("S03", "T03")),
    **dict.fromkeys(("保洁", "绿化", "环境"), ("S04", "T04")),
    "应急": ("S05", "T02"),
    "供方监管": ("S05", "T04"),
}
"""Who of the example people is supervisor and team lead of a specialty."""
OTHERS = ("S05", "T01")
_EFFECTIVE = re.compile(r"^effective_from: (.*)$", re.MULTILINE)
_SPECIALTY = re.compile(r"^ +specialty: (\S+)$", re.MULTILINE)


def write(folder: Path, *, catalogues: Sequence[str] = DEFAULT, effective_from: date) -> list[Path]:
    """Write a workspace into a new or empty folder and return the paths of its files, the schemas left out.

    The newest edition of each catalogue is copied; it takes effect on `effective_from`, the 1st of a month.
    Raises UsageError when the folder holds something already, a catalogue is unknown, or the day is another.
    """
    refuse_unless_empty(folder)
    _refuse_start(effective_from)
    editions = {path.name: _from(path, effective_from) for path in map(_newest, dict.fromkeys(catalogues))}
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(FILES.glob("*.yaml"))}
    texts["portfolio.yaml"] = texts["portfolio.yaml"].replace(POSTS, _posts("\n".join(editions.values())))
    texts |= {f"checklists/{name}": edition for name, edition in editions.items()}
    (folder / "checklists").mkdir(parents=True)
    for name, written in texts.items():
        (folder / name).write_text(written, encoding="utf-8", newline="\n")
    jsonschemas.write(folder / jsonschemas.FOLDER)
    return [folder / name for name in texts]


def refuse_unless_empty(folder: Path) -> None:
    """Raise UsageError when a folder holds something already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(say("{folder} is not an empty folder; name a new one", folder=folder))


def _refuse_start(day: date) -> None:
    """Raise UsageError for a day on which no edition can take effect."""
    try:
        schema.known_year(day)
    except ValueError as error:
        raise UsageError(say("{fault}; {remedy}", fault=said(error), remedy=say("mend the year"))) from error
    if day.day != 1:
        fault = say("an edition starts on the 1st of a month, not on {start}", start=day)
        raise UsageError(say("{fault}; {remedy}", fault=fault, remedy=say("write {text}", text=day.replace(day=1))))


def _from(path: Path, day: date) -> str:
    """Return the text of an edition that takes effect on another day."""
    return _EFFECTIVE.sub(
        rf"effective_from: {day}    # 随软件提供的原版自\1起", path.read_text(encoding="utf-8"), count=1
    )


def _posts(editions: str) -> str:
    """Return the posts of the example project for the specialties of editions, one a line."""
    lines = []
    for role, place in (("supervisor", 0), ("team_lead", 1)):
        for specialty in dict.fromkeys(_SPECIALTY.findall(editions)):
            person = HOLDERS.get(specialty, OTHERS)[place]
            lines.append(f"  - {{role: {role}, project: P01, specialty: {specialty}, person: {person}}}\n")
    return "".join(lines)


def _newest(name: str) -> Path:
    known = shipped.editions()
    if name not in known:
        raise UsageError(say('catalogue "{name}" is unknown; {remedy}', name=name, remedy=text.instead(name, known)))
    return known[name][-1]


__all__ = ["DEFAULT", "FILES", "refuse_unless_empty", "write"]
