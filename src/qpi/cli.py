"""Command line: each command is a few lines over the library call of the same name.

Everything but click is imported inside the commands, so that help and errors of usage come at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qpi import __version__
from qpi.errors import DataError, ProofError, QpiError, UsageError

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from qpi.recorder import Outcome, Recorder
    from qpi.workspace import Workspace

DONE, BAD_INPUT, WRONG_USAGE, NO_PROOF = 0, 1, 2, 3

Command = TypeVar("Command", bound=Callable[..., Any])


def _workspace(command: Command) -> Command:
    option = click.option(
        "--workspace", "-w", "folder", metavar="DIR", default=".", show_default="here", help="The folder with qpi.yaml."
    )
    return option(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="qpi")
def qpi() -> None:
    """Quality inspections of a property-management company.

    Definitions in YAML, records in a ledger that nobody can quietly change, indicators exact to the fraction, and
    improvement notices.
    """


@qpi.command()
@_workspace
def check(folder: str) -> None:
    """List every problem of the definitions; say nothing where there is none."""
    from qpi.workspace import Workspace

    problems = Workspace(folder).check()
    if problems:
        raise DataError(problems)


@qpi.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--encoding", default="utf-8", show_default=True, help="Of CSV: utf-8 or gb18030.")
@click.option("--columns", "own", metavar="FILE", help="YAML: your column: our field.")
@click.option("--rejects", metavar="FILE", help="Write the bad rows there, to be mended.")
@click.option("--accept-good", is_flag=True, help="Take the good rows and leave the bad ones.")
@_workspace
def import_(
    files: tuple[str, ...], encoding: str, own: str | None, rejects: str | None, accept_good: bool, folder: str
) -> None:
    """Import checks and second verifications: a whole file or nothing of it.

    JSON Lines (.jsonl) and CSV (.csv), with English or Chinese names. The same file twice adds nothing.
    """
    from pathlib import Path

    from qpi.workspace import Workspace

    if rejects is not None and len(files) > 1:
        raise UsageError("--rejects takes the bad rows of one file; import the files one by one")
    if rejects is not None and Path(rejects).exists():
        raise UsageError(f"--rejects would write over {rejects}; name another file, or delete it first")
    workspace = Workspace(folder)
    failed = False
    mapping = _mapping(own)
    _say_changed(workspace)
    with workspace.recorder() as recorder:
        run = _Import(workspace, recorder, mapping)
        for path in files:
            try:
                run.file(
                    Path(path), encoding=encoding, rejects=Path(rejects) if rejects else None, accept_good=accept_good
                )
            except DataError as error:
                failed = True
                _say_problems(error)
                click.echo(f"{path}: nothing was recorded", err=True)
    if failed:
        sys.exit(BAD_INPUT)


class _Import:
    """Imports files one after another into one open ledger."""

    def __init__(self, workspace: Workspace, recorder: Recorder, own: dict[str, str]) -> None:
        self.workspace, self.recorder, self.own = workspace, recorder, own

    def file(self, path: Path, *, encoding: str, rejects: Path | None, accept_good: bool) -> None:
        """Import one file, and write its bad rows where that was asked for."""
        from qpi import intake
        from qpi.errors import RecordError

        found = self.workspace.definitions
        words = intake.vocabulary(found, self.own)
        read = intake.open_file(path, found, encoding=encoding, words=words)
        with _progress(str(path)) as progress, _written(rejects) as write:
            try:
                outcome = self.recorder.record(read.drafts, accept_good=accept_good, progress=progress)
            except RecordError as error:
                write(read.reject(error.refused) if error.refused else "")
                raise
            write(read.reject(outcome.refused) if outcome.refused else "")
        for note in read.notes:
            click.echo(note, err=True)
        self._say(path, outcome)

    def _say(self, path: Path, outcome: Outcome) -> None:
        for problem in outcome.problems:
            click.echo(str(problem), err=True)
        words = f"{path}: {outcome.recorded} recorded, {outcome.already} already there"
        if outcome.refused:
            words += f", {len(outcome.refused)} left out"
        if not outcome.recorded and not outcome.refused:
            words += "; nothing new, this was imported before"
        position = outcome.position
        click.echo(f"{words}; ledger at entry {position.seq}, head {position.head[:16]}")


@contextmanager
def _written(path: Path | None) -> Iterator[Callable[[str], None]]:
    """Hold a place for the bad rows before anything is recorded, so that they cannot be lost afterwards."""
    if path is None:
        yield lambda _: None
        return
    held = path.with_name(f".{path.name}.part")
    held.write_text("", encoding="utf-8")

    def write(text: str) -> None:
        if text:
            held.write_text(text, encoding="utf-8", newline="")
            held.replace(path)
            click.echo(f"the bad rows are in {path}", err=True)

    try:
        yield write
    finally:
        held.unlink(missing_ok=True)


def _mapping(path: str | None) -> dict[str, str]:
    """Read a mapping of one's own columns to our fields."""
    if path is None:
        return {}
    from pathlib import Path

    from qpi import strictyaml, terms
    from qpi.errors import DefinitionError, Problem
    from qpi.text import instead

    document = strictyaml.read(Path(path))
    if not isinstance(document.plain, dict):
        raise DefinitionError([Problem(document.where(), "a mapping is expected", "write your column: our field")])
    known = {*terms.CHECK_COLUMNS, *terms.VERIFICATION_COLUMNS}
    problems = [
        Problem(document.where(name), f'field "{field}" is unknown', instead(str(field), sorted(known)))
        for name, field in document.plain.items()
        if field not in known
    ]
    if problems:
        raise DefinitionError(problems)
    return dict(document.plain)


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int], None]]:
    """Count records on a line of its own while a person watches."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return

    def show(number: int) -> None:
        click.echo(f"\r{title}: {number} read", err=True, nl=False)

    yield show
    click.echo("\r\x1b[K", err=True, nl=False)


@qpi.command()
@click.argument("period")
@click.option("--by", default="", metavar="KEYS", help="Groups, parted by commas: project, role, specialty, category, "
              "month, inspector, kind, or an attribute of projects.")  # fmt: skip
@click.option("--as-of", metavar="DAY", help="Count verifications up to this day or moment (default: now).")
@click.option("--at", type=int, metavar="SEQ", help="The ledger as it stood at this entry.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Of the table (default: by the locale).")
@click.option("-o", "--out", metavar="FILE", help="Write there instead of printing.")
@_workspace
def metrics(
    period: str, by: str, as_of: str | None, at: int | None, form: str, lang: str | None, out: str | None, folder: str
) -> None:
    """Print the indicators of PERIOD: 2026-10, 2026-Q4, 2026-H2 or 2026."""
    from pathlib import Path

    from qpi import formats
    from qpi.workspace import Workspace

    workspace = Workspace(folder)
    keys = [key.strip() for key in by.split(",") if key.strip()]
    moment = _moment(as_of)
    tables = workspace.tables(at=at)
    _say_changed(workspace)
    frame = workspace.measured(period, by=keys, as_of=moment, tables=tables)
    place = (
        f"ledger at entry {tables.position.seq}, head {tables.position.head}" if tables.position else "no ledger yet"
    )
    if form == "json":
        text = formats.to_json(frame)
    elif form == "csv":
        text = formats.to_csv(frame)
    else:
        text = formats.to_table(frame, workspace.definitions.policy, language=lang or _language())
    until = f", second verifications up to {as_of}" if as_of else ""
    head = f"{workspace.config.organisation}, {period}: {place}{until}"
    if frame.empty:
        click.echo(f"{period}: nothing is due and nothing was done", err=True)
    if out is None:
        click.echo(head, err=form != "table")
        _echo(text)
        return
    Path(out).write_text(text if form != "table" else f"{head}\n{text}", encoding="utf-8", newline="")
    click.echo(out)


def _echo(text: str) -> None:
    """Write text as UTF-8 whatever a pipe's own encoding is, so that no sign is lost."""
    if sys.stdout.isatty():
        click.echo(text, nl=False)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()


def _moment(text: str | None) -> datetime | date | None:
    """Read a day, or a moment with its offset."""
    if text is None:
        return None
    from qpi import calendar

    try:
        return calendar.parse_day(text) if len(text) <= 10 else calendar.parse_moment(text)
    except ValueError as error:
        raise UsageError(f"--as-of: {error}; write 2026-11-20, or 2026-11-20T18:00+08:00") from error


def _language() -> str:
    """Return the language of the locale, zh or en."""
    import os

    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next((name for name in names if name), "").lower().startswith("zh") else "en"


@qpi.group()
def notice() -> None:
    """Improvement notices (工作改进通知单)."""


@notice.command("render")
@click.argument("period")
@click.option("--project", metavar="ID", help="Of this project only.")
@click.option("--per", type=click.Choice(["project", "responsible"]), default="project", show_default=True)
@click.option("--format", "forms", default="html", show_default=True, metavar="FORMS", help="html, md or html,md.")
@click.option("-o", "--out", default=".", show_default="here", metavar="DIR")
@click.option("--as-of", metavar="DAY", help="Show verifications up to this day or moment (default: now).")
@click.option("--at", type=int, metavar="SEQ", help="The ledger as it stood at this entry.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@_workspace
def render(
    period: str, project: str | None, per: str, forms: str, out: str, as_of: str | None, at: int | None, lang: str,
    folder: str,
) -> None:  # fmt: skip
    """Write the drafts of the notices of PERIOD and print the names of the files."""
    from pathlib import Path

    from qpi.workspace import Workspace

    workspace = Workspace(folder)
    kinds = [form.strip() for form in forms.split(",") if form.strip()]
    _say_changed(workspace)
    drafts = workspace.notices(period, project=project, per=per, language=lang, as_of=_moment(as_of), at=at)
    # All are rendered before the first is written, so that a fault in a template leaves no half of them.
    own = workspace.folder / "templates"
    texts = {f"{one.stem}.{kind}": one.render(kind, own=own) for one in drafts for kind in kinds}
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (target / name).write_text(text, encoding="utf-8")
        click.echo(str(target / name))
    if not texts:
        whose = f"{period}, {project}" if project else period
        click.echo(
            f"{whose}: no {'checks' if per == 'project' else 'findings'}, so there is nothing to give notice of",
            err=True,
        )


@qpi.command()
@click.argument("folder", metavar="DIR")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Of the table (default: by the locale).")
def demo(folder: str, lang: str | None) -> None:
    """Make a workspace of three projects with a year of records, its indicators and notices."""
    from pathlib import Path

    from qpi import demonstration

    for line in demonstration.run(Path(folder), language=lang or _language()):
        click.echo(line)


def _say_changed(workspace: Workspace) -> None:
    """Say which editions were changed after checks were judged by them."""
    for problem in workspace.changed_editions():
        click.echo(str(problem), err=True)


def _say_problems(error: DataError) -> None:
    for problem in error.problems:
        click.echo(str(problem), err=True)


def main() -> None:
    """Run the command line and exit: 0 done, 1 bad input, 2 wrong usage, 3 the ledger failed its proof."""
    try:
        qpi.main(standalone_mode=False, prog_name="qpi")
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        click.echo("stopped; what was not recorded is not half recorded", err=True)
        sys.exit(BAD_INPUT)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except DataError as error:
        _say_problems(error)
        sys.exit(BAD_INPUT)
    except UsageError as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG_USAGE)
    except ProofError as error:
        click.echo(str(error), err=True)
        sys.exit(NO_PROOF)
    except QpiError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(BAD_INPUT)
    except OSError as error:
        click.echo(
            f"{error.filename or 'a file'}: cannot be used ({error.strerror}); check the name and the rights", err=True
        )
        sys.exit(BAD_INPUT)
