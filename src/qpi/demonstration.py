"""Demonstration: a workspace with a year of records, imported, counted and written up."""

import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from qpi import demo, formats
from qpi.entries import Actor
from qpi.intake import open_file
from qpi.ledger import open_ledger
from qpi.messages import say
from qpi.recorder import Recorder
from qpi.workspace import Workspace

LEDGER = "0d5a7e52-0000-4000-8000-000000000001"
"""The same for every demo, so that its hashes are the same too."""
CLOCK = datetime(2026, 11, 12, 9, tzinfo=UTC)
AS_OF = date(2026, 11, 12)
PERIOD = "2026-10"


def run(folder: Path, *, language: str = "en") -> Iterator[str]:
    """Make the workspace and yield what to tell of it, step by step.

    Raises UsageError where the folder is not empty.
    """
    files = demo.write(folder)
    workspace = Workspace(folder)
    yield say("{folder}: definitions and {number} files of records written", folder=folder, number=len(files))
    problems = workspace.check()
    yield say("qpi check: {number} problems", number=len(problems)) if problems else say("qpi check: no problems")
    yield from _recorded(workspace, files)
    yield ""
    tables = workspace.tables()
    for keys in ((), ("project",)):
        frame = workspace.measured(PERIOD, by=keys, as_of=AS_OF, tables=tables)
        by = f" --by {','.join(keys)}" if keys else ""
        yield f"qpi metrics {PERIOD}{by}"
        yield formats.to_table(frame, workspace.definitions.policy, language=language)
    yield from _noticed(workspace)
    yield ""
    yield from _next_steps(folder)


def _recorded(workspace: Workspace, files: list[Path]) -> Iterator[str]:
    with open_ledger(workspace.ledger_path, create=True, ledger_id=LEDGER, now=CLOCK) as ledger:
        recorder = Recorder(ledger, workspace.definitions, actor=Actor("demo"), clock=lambda: CLOCK)
        count = 0
        for path in files:
            count += recorder.record(open_file(path, workspace.definitions).drafts).recorded
        position = ledger.position()
    yield say(
        "qpi import: {number} records; ledger at entry {entry}, head {head}",
        number=count,
        entry=position.seq,
        head=position.head[:16],
    )


def _noticed(workspace: Workspace) -> Iterator[str]:
    out = workspace.folder / "notices"
    out.mkdir()
    for notice in workspace.notices(PERIOD, as_of=AS_OF):
        for form in ("html", "md"):
            path = out / f"{notice.stem}.{form}"
            path.write_text(notice.render(form), encoding="utf-8")
        project = notice.values["project"]["name"]
        yield say("notice of {project}: {file}", project=project, file=path.with_suffix(".html"))


def _next_steps(folder: Path) -> Iterator[str]:
    qpi = _command()
    yield say("Where to look next:")
    yield say("  {folder}: open an .html file in a browser, and print it", folder=folder / "notices")
    yield f"  {qpi} metrics 2026-Q3 --by project,role -w {folder}"
    by_inspector = f"{qpi} metrics 2026-10 --by inspector -w {folder}"
    yield say("  {command}: one inspector never finds anything", command=by_inspector)
    yield say(
        "  {folder}: change a frequency, then {check}, and {metrics} again",
        folder=folder / "checklists",
        check=f"{qpi} check -w {folder}",
        metrics=f"{qpi} metrics",
    )


def _command() -> str:
    """Return how a person calls this command line from here."""
    beside = Path(sys.executable).with_name("qpi.exe" if os.name == "nt" else "qpi")
    if shutil.which("qpi") or not beside.exists():
        return "qpi"
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)
