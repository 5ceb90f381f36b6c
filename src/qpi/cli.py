"""Command line: the group of all commands, and those that have no room of their own.

Everything but click is imported inside the commands, so that help and errors of usage come at once.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from qpi import (
    __version__,
    catalogue_commands,
    console,
    entry_commands,
    evidence_commands,
    export_commands,
    figure_commands,
    ledger_commands,
)
from qpi.console import BAD_INPUT, NO_PROOF, WRONG_USAGE, acting, in_language, in_workspace, option, show, tell
from qpi.errors import DataError, ProofError, QpiError, UsageError, reason
from qpi.messages import say

if TYPE_CHECKING:
    from pathlib import Path

    from qpi.entries import Actor
    from qpi.recorder import Outcome, Recorder
    from qpi.workspace import Workspace


@click.group(
    cls=console.Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=say(
        "Quality inspections of a property-management company.\n\n"
        "Definitions in YAML, records in a ledger that nobody can quietly change, indicators exact to the fraction, and "
        "improvement notices."
    ),
)
@click.version_option(__version__, prog_name="qpi", cls=console.Option)
@in_language()
def qpi() -> None:
    """Gather the commands."""


qpi.add_command(catalogue_commands.init)
qpi.add_command(catalogue_commands.schema)
qpi.add_command(catalogue_commands.catalogue)
qpi.add_command(ledger_commands.ledger)
qpi.add_command(evidence_commands.evidence)
qpi.add_command(figure_commands.metrics)
qpi.add_command(figure_commands.explain)
qpi.add_command(figure_commands.rank)
qpi.add_command(figure_commands.close)
qpi.add_command(export_commands.export)
qpi.add_command(entry_commands.void)
qpi.add_command(entry_commands.correct)


@qpi.command(help=say("List every problem of the definitions; say nothing where there is none."))
@in_workspace
@in_language()
def check(folder: str) -> None:
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    problems = workspace.check()
    if all(problem.advisory for problem in problems):
        problems = [*problems, *workspace.changed_editions()]
    if problems:
        raise DataError(problems)


@qpi.command(
    "import",
    help=say(
        "Import checks and second verifications: a whole file or nothing of it.\n\n"
        "JSON Lines (.jsonl) and CSV (.csv), with English or Chinese names. The same file twice adds nothing."
    ),
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@option("--encoding", default="utf-8", show_default=True, help=say("Of CSV: utf-8 or gb18030."))
@option("--columns", "own", metavar="FILE", help=say("YAML: your column: our field."))
@option("--rejects", metavar="FILE", help=say("Write the bad rows there, to be mended."))
@option("--accept-good", is_flag=True, help=say("Take the good rows and leave the bad ones."))
@option("--make-ids", is_flag=True, help=say("Make ids for checks without one, of what they say and how often."))
@acting
@in_workspace
@in_language()
def import_(
    files: tuple[str, ...], encoding: str, own: str | None, rejects: str | None, accept_good: bool, make_ids: bool,
    folder: str, actor: Actor | None,
) -> None:  # fmt: skip
    from pathlib import Path

    from qpi.workspace import Workspace

    if rejects is not None and len(files) > 1:
        raise UsageError(say("--rejects takes the bad rows of one file; import the files one by one"))
    if rejects is not None and Path(rejects).exists():
        fault = say("--rejects would write over {file}; name another file, or delete it first", file=rejects)
        raise UsageError(fault)
    if rejects is not None:
        console.refuse_target(Path(rejects))
    workspace = Workspace(folder, tell=tell)
    failed = False
    mapping = _mapping(own)
    console.tell_problems(workspace.changed_editions())
    with workspace.recorder(actor=actor) as recorder:
        run = _Import(workspace, recorder, mapping)
        for path in files:
            try:
                run.file(
                    Path(path), encoding=encoding, rejects=Path(rejects) if rejects else None, accept_good=accept_good,
                    make_ids=make_ids,
                )  # fmt: skip
            except DataError as error:
                failed = True
                console.tell_problems(error.problems)
                tell(say("{file}: nothing was recorded", file=path))
    if failed:
        sys.exit(BAD_INPUT)


class _Import:
    """Imports files one after another into one open ledger."""

    def __init__(self, workspace: Workspace, recorder: Recorder, own: dict[str, str]) -> None:
        self.workspace, self.recorder, self.own = workspace, recorder, own

    def file(self, path: Path, *, encoding: str, rejects: Path | None, accept_good: bool, make_ids: bool) -> None:
        """Import one file, and write its bad rows where that was asked for."""
        from qpi import intake
        from qpi.errors import RecordError

        found = self.workspace.definitions
        words = intake.vocabulary(found, self.own)
        read = intake.open_file(path, found, encoding=encoding, words=words, make_ids=make_ids)
        with console.progress(str(path)) as progress, _written(rejects) as write:
            try:
                outcome = self.recorder.record(read.drafts, accept_good=accept_good, progress=progress)
            except RecordError as error:
                write(read.reject(error.refused, console.spoken()) if error.refused else "")
                raise
            write(read.reject(outcome.refused, console.spoken()) if outcome.refused else "")
        for note in read.notes:
            tell(note)
        console.tell_notes(outcome.notes)
        self._say(path, outcome)

    def _say(self, path: Path, outcome: Outcome) -> None:
        console.tell_problems(outcome.problems)
        counts = {"file": path, "recorded": outcome.recorded, "already": outcome.already}
        if outcome.refused:
            words = say("{file}: {recorded} recorded, {already} already there, {refused} left out", **counts,
                        refused=len(outcome.refused))  # fmt: skip
        elif outcome.recorded:
            words = say("{file}: {recorded} recorded, {already} already there", **counts)
        else:
            words = say("{file}: {recorded} recorded, {already} already there; nothing new, this was imported before",
                        **counts)  # fmt: skip
        position = outcome.position
        show(say("{words}; ledger at entry {number}, head {head}", words=words, number=position.seq,
                 head=position.head[:16]))  # fmt: skip


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
            tell(say("the bad rows are in {file}", file=path))

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
        raise DefinitionError(
            [Problem(document.where(), say("a mapping is expected"), say("write your column: our field"))]
        )
    known = {*terms.CHECK_COLUMNS, *terms.VERIFICATION_COLUMNS}
    problems = [
        Problem(document.where(name), say('field "{name}" is unknown', name=field), instead(str(field), sorted(known)))
        for name, field in document.plain.items()
        if field not in known
    ]
    if problems:
        raise DefinitionError(problems)
    return dict(document.plain)


@qpi.group(help=say("Improvement notices (工作改进通知单)."))
@in_language()
def notice() -> None:
    """Gather the commands of notices."""


@notice.command("render", help=say("Write the drafts of the notices of PERIOD and print the names of the files."))
@click.argument("period")
@option("--project", metavar="ID", help=say("Of this project only."))
@option("--per", type=click.Choice(["project", "responsible"]), default="project", show_default=True)
@option("--format", "forms", default="html", show_default=True, metavar="FORMS", help=say("html, md or html,md."))
@option("-o", "--out", default=".", show_default=say("here"), metavar="DIR")
@option("--as-of", metavar="DAY", help=say("Show verifications up to this day or moment (default: now)."))
@option("--at", metavar="SEQ|TIME", help=say("The ledger as it stood at this entry, or at this day or moment."))
@in_workspace
@in_language(say("Of the notices, zh by default, and of messages."), given=True)
def render(
    period: str, project: str | None, per: str, forms: str, out: str, as_of: str | None, at: str | None,
    folder: str, lang: str | None,
) -> None:  # fmt: skip
    from pathlib import Path

    from qpi import disk
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    kinds = [form.strip() for form in forms.split(",") if form.strip()]
    console.tell_problems(workspace.changed_editions())
    drafts = workspace.notices(
        period, project=project, per=per, language=lang or "zh", as_of=console.moment(as_of), at=console.state(at)
    )
    # All are rendered before the first is written, so that a fault in a template leaves no half of them.
    own = workspace.folder / "templates"
    texts = {f"{one.stem}.{kind}": one.render(kind, own=own) for one in drafts for kind in kinds}
    target = Path(out)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        disk.write(target / name, text)
        click.echo(str(target / name))
    if not texts:
        whose = f"{period}, {project}" if project else period
        nothing = say("no checks") if per == "project" else say("no findings")
        tell(say("{whose}: {nothing}, so there is nothing to give notice of", whose=whose, nothing=nothing))


@qpi.command(help=say("Make a workspace of three projects with a year of records, its indicators and notices."))
@click.argument("folder", metavar="DIR")
@in_language(say("Of table and messages (default: by the locale)."))
def demo(folder: str) -> None:
    from pathlib import Path

    from qpi import demonstration

    for line in demonstration.run(Path(folder), language=console.spoken()):
        show(line)


def main() -> None:
    """Run the command line and exit: 0 done, 1 bad input, 2 wrong usage, 3 the ledger failed its proof."""
    # What libraries make while they load stays to the end: to look through it for garbage, then and once more when the
    # process ends, takes as long as to read a ledger.
    gc.set_threshold(500_000, 20, 100)
    atexit.register(gc.freeze)
    console.use_utf8()
    console.speak(console.wanted(sys.argv[1:], os.environ))
    try:
        qpi.main(standalone_mode=False, prog_name="qpi")
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        tell(say("stopped; what was not recorded is not half recorded"))
        sys.exit(BAD_INPUT)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except QpiError as error:
        tell(error.text(console.spoken()))
        sys.exit(_code(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(BAD_INPUT)
    except OSError as error:
        name = error.filename or say("a file")
        tell(say("{file}: cannot be used ({reason}); check the name and the rights", file=name, reason=reason(error)))
        sys.exit(BAD_INPUT)


def _code(error: QpiError) -> int:
    if isinstance(error, UsageError):
        return WRONG_USAGE
    return NO_PROOF if isinstance(error, ProofError) else BAD_INPUT
