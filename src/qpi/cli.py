"""Command line: each command is a few lines over the library call of the same name.

Everything but click is imported inside the commands, so that help and errors of usage come at once.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from qpi import (
    __version__,
    catalogue_commands,
    console,
    entry_commands,
    evidence_commands,
    export_commands,
    ledger_commands,
)
from qpi.console import BAD_INPUT, NO_PROOF, WRONG_USAGE, acting, in_language, in_workspace, option, printed, show, tell
from qpi.errors import DataError, LedgerError, ProofError, QpiError, UsageError, reason
from qpi.messages import said, say, translated

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from pandas import DataFrame

    from qpi.closing import Closing
    from qpi.entries import Actor
    from qpi.ledger import Position
    from qpi.recorder import Outcome, Recorder
    from qpi.workspace import Tables, Workspace


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


@qpi.command(help=say("Print the indicators of PERIOD: 2026-10, 2026-Q4, 2026-H2 or 2026."))
@click.argument("period")
@option("--by", default="", metavar="KEYS", help=say("Groups, parted by commas: project, role, specialty, "
              "category, month, inspector, kind, or an attribute of projects."))  # fmt: skip
@option("--as-of", metavar="DAY", help=say("Count verifications up to this day or moment (default: now)."))
@option("--at", metavar="SEQ|TIME", help=say("The ledger as it stood at this entry, or at this day or moment."))
@option("--compare", is_flag=True, help=say("With the period before and the same period last year beside them."))
@option("--from", "source", metavar="DIR", help=say("Count from this export instead of the ledger."))
@printed("table", "json", "csv")
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def metrics(
    period: str, by: str, as_of: str | None, at: str | None, compare: bool, source: str | None, form: str, out: str | None,
    folder: str,
) -> None:  # fmt: skip
    from qpi import formats
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    keys = [key.strip() for key in by.split(",") if key.strip()]
    moment = _moment(as_of)
    if source is not None and at is not None:
        raise UsageError(say("--from: an export is at one entry of the ledger, and has no other state; leave out --at"))
    compared = None
    read = nullcontext(workspace.tables(at=_state(at), counted=True)) if source is None else workspace.exported(source)
    with read as tables:
        if source is None:
            console.tell_problems(workspace.changed_editions())
        if compare:
            from qpi import trend

            compared = workspace.compared(period, by=keys, as_of=moment, tables=tables)
            frame = trend.one_period(compared)
        else:
            frame = workspace.measured(period, by=keys, as_of=moment, tables=tables)
        head = _head(workspace.config.organisation, period, tables.position, as_of)
        words = [head, *_provenance(workspace, period, tables, moment)]
    if frame.empty:
        tell(say("{period}: nothing is due and nothing was done", period=period))
    if compared is not None:
        words += _of_comparison(workspace, period, compared, keys, tables, closings=source is None)
    # A closing is an entry, and an export has none.
    closed = workspace.closed(period, at=tables.position.seq) if tables.position and source is None else None
    beside = workspace.beside(frame, closed, keys) if closed else None
    if form == "table":
        policy, language = workspace.definitions.policy, console.spoken()
        if compared is None:
            text = formats.to_table(frame, policy, language=language)
        else:
            text = formats.compared_table(compared, policy, language=language)
        text = "".join(f"{translated(line, console.spoken())}\n" for line in words[:1]) + text
        text += "".join(f"{translated(line, console.spoken())}\n" for line in words[1:])
        if closed:
            text += _closed(workspace, closed, beside, tables)
    else:
        whole = compared if compared is not None else frame if beside is None else beside.drop(columns="changed")
        text = formats.to_json(whole) if form == "json" else formats.to_csv(whole)
        for line in words if out is None else words[1:]:
            tell(line)
        if closed:
            click.echo(_closed(workspace, closed, None, tables).strip("\n"), err=True)
    console.put(text, out)


def _of_comparison(
    workspace: Workspace, period: str, compared: DataFrame, keys: list[str], tables: Tables, *, closings: bool
) -> list[str]:
    """Say what a comparison hides: a period that is not over, one without records, one that was closed otherwise."""
    from qpi import metrics, trend

    span = metrics.period_of(period)
    words: list[str] = []
    # What limits verifications, as_of, does not say which day it is.
    today = metrics.moment_of(workspace.definitions, None).astimezone(workspace.definitions.zone).date()
    if today <= span.last:
        words.append(say("{period} is not over, and is held to all that it requires to its end", period=period))
    if tables.position is None or "month" in keys:
        return words
    for side, name in {"": period, **trend.earlier(span)}.items():
        if not trend.has_checks(compared, side):
            words.append(say("{period} has no check, so coverage and frequency have no change", period=name))
    for side, name in trend.earlier(span).items() if closings else ():
        closed = workspace.closed(name, at=tables.position.seq)
        if closed is None:
            continue
        beside = workspace.beside(trend.one_period(compared, side), closed, keys)
        if beside is None or beside["changed"].any():
            words.append(say("{period} was closed by entry {entry} with other figures or definitions; qpi metrics {period} "
                             "shows them", period=name, entry=closed.entry))  # fmt: skip
    return words


@qpi.command(
    help=say(
        "Show the rows behind a figure: done and due, missing, not credited and why.\n\n"
        "The rows add up to what qpi metrics shows as done and due of INDICATOR in PERIOD."
    )
)
@click.argument("period")
@click.argument("indicator")
@option("--where", multiple=True, metavar="KEY=VALUE", help=say("The row with this key, as of --by; may be repeated. "
              "KEY= is the empty value, KEY=- the row whose key is a dash."))  # fmt: skip
@option("--as-of", metavar="DAY", help=say("Count verifications up to this day or moment (default: now)."))
@option("--at", metavar="SEQ|TIME", help=say("The ledger as it stood at this entry, or at this day or moment."))
@option("--all", "everything", is_flag=True, help=say("Show every row of long lists."))
@printed("table", "json", "csv")
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def explain(
    period: str, indicator: str, where: tuple[str, ...], as_of: str | None, at: str | None, everything: bool, form: str,
    out: str | None, folder: str,
) -> None:  # fmt: skip
    from qpi import telling
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    keys, moment = _keys(where), _moment(as_of)
    tables = workspace.tables(at=_state(at))
    console.tell_problems(workspace.changed_editions())
    told = workspace.explain(period, indicator, where=keys, as_of=moment, tables=tables)
    head = _head(workspace.config.organisation, period, tables.position, as_of)
    if not told.done and not told.due:
        tell(say("{period}: nothing is due and nothing was done", period=told.period))
    if form == "table":
        text = telling.to_table(told, workspace.definitions, language=console.spoken(), everything=everything)
        text += f"\n{translated(head, console.spoken())}\n"
    else:
        text = telling.to_json(told) if form == "json" else telling.to_csv(told)
        tell(head)
    console.put(text, out)


def _keys(where: tuple[str, ...]) -> dict[str, str | None]:
    """Read KEY=VALUE pairs; a dash, as tables show it, stands for what a row names nothing for."""
    keys: dict[str, str | None] = {}
    for pair in where:
        key, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(say("--where {pair}: a value is missing; write {pair}=VALUE", pair=pair))
        if key in keys:
            raise UsageError(say("--where names {key} twice; ask for one value at a time", key=key))
        keys[key] = None if value in ("-", "—") else value
    return keys


def _provenance(workspace: Workspace, period: str, tables: Tables, as_of: datetime | date | None) -> list[str]:
    """Say who verified the closed findings, and by which receipt the state of the ledger is proved."""
    from qpi.receipts import Receipt

    if tables.position is None:
        return []
    share = workspace.self_verified(period, as_of=as_of, tables=tables)
    words = say(
        "closed findings that the one who raised them verified: {done} of {due}", done=share.done, due=share.due
    )
    return [words, str(Receipt(*tables.position))]


@qpi.command(help=say("Rank the projects, or other groups, by an INDICATOR of PERIOD, as far as their numbers carry.\n\n"
             "Equal rates share a rank, and small numbers have none. Beside each stand its 95 % interval and the ranks that "
             "the intervals allow."))  # fmt: skip
@click.argument("period")
@click.argument("indicator")
@option("--by", default="project", show_default=True, metavar="KEY", help=say("One grouping, as in qpi metrics."))
@option("--minimum", type=click.IntRange(min=1), default=30, show_default=True, metavar="N",
        help=say("No rank under so many points, checks or findings."))  # fmt: skip
@option("--as-of", metavar="DAY", help=say("Count verifications up to this day or moment (default: now)."))
@option("--at", metavar="SEQ|TIME", help=say("The ledger as it stood at this entry, or at this day or moment."))
@printed("table", "json", "csv")
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def rank(
    period: str, indicator: str, by: str, minimum: int, as_of: str | None, at: str | None, form: str, out: str | None,
    folder: str,
) -> None:  # fmt: skip
    from qpi import formats, listing, terms
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    moment = _moment(as_of)
    tables = workspace.tables(at=_state(at))
    console.tell_problems(workspace.changed_editions())
    frame = workspace.ranked(period, indicator, by=by, minimum=minimum, as_of=moment, tables=tables)
    head = _head(workspace.config.organisation, period, tables.position, as_of)
    if frame.empty:
        tell(say("{period}: nothing is due and nothing was done", period=period))
    if form == "table":
        title = f"{terms.INDICATOR_TITLES[indicator]} {indicator}" if console.spoken() == "zh" else indicator
        text = f"{translated(head, console.spoken())}\n{title}\n"
        policy = workspace.definitions.policy
        text += formats.ranked_table(frame, indicator, policy, minimum=minimum, language=console.spoken())
    else:
        tell(head)
        rows = formats.records(frame)
        text = formats.to_json(frame) if form == "json" else listing.to_csv(rows, list(frame.columns))
    console.put(text, out)


_MOST_TOLD = 40
"""So many entries that changed a closed period are told one by one."""


def _closed(workspace: Workspace, closed: Closing, beside: DataFrame | None, tables: Tables) -> str:
    """Return the closed figures beside those of now, and the entries that changed them."""
    from datetime import datetime

    from qpi import formats

    assert tables.position is not None
    language, zone = console.spoken(), workspace.definitions.zone
    closed_at, as_of = (datetime.fromisoformat(one).astimezone(zone) for one in (closed.closed_at, closed.as_of))
    lines: list[str] = [
        "",
        say("closed by entry {entry} at {moment}: figures of entry {at}, second verifications up to {as_of}",
            entry=closed.entry, moment=closed_at.isoformat(timespec="seconds"), at=closed.at, as_of=as_of.date()),
    ]  # fmt: skip
    if beside is None:
        lines.append(say("the closing keeps no figures by these keys, and the definitions have changed since"))
    text = "".join(f"{translated(line, language)}\n" for line in lines)
    text += "" if beside is None else formats.closed_table(beside, workspace.definitions.policy, language=language)
    since = workspace.since(closed, at=tables.position.seq)
    told: list[str] = [
        say("entry {entry} {kind} {record} of {day}: {what}", entry=one.entry, kind=one.kind, record=one.record,
            day=one.day, what=one.what)
        for one in since[:_MOST_TOLD]
    ]  # fmt: skip
    if len(since) > _MOST_TOLD:
        told.append(say("and {number} more entries; qpi.Workspace.since returns all", number=len(since) - _MOST_TOLD))
    if closed.definitions != workspace.digests():
        told.append(say("portfolio, policy or editions have changed since the closing"))
    told = told or [say("no entry since bears on these figures")]
    return text + "".join(f"{translated(line, language)}\n" for line in told)


@qpi.command(
    help=say(
        "Close PERIOD: write its indicators into the ledger as they stand, so that later records change nothing in them.\n\n"
        "A period is judged `close_after` days after its end. qpi metrics shows what changed since."
    )
)
@click.argument("period")
@option("--reason", metavar="TEXT", help=say("Close a closed period again, and say why; both closings stay readable."))
@option("-o", "--out", metavar="FILE", help=say("Write figures and receipt there instead of printing."))
@acting
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def close(period: str, reason: str | None, out: str | None, folder: str, actor: Actor | None) -> None:
    from qpi import receipts
    from qpi.workspace import Workspace

    workspace = Workspace(folder)
    console.tell_problems(workspace.changed_editions())
    with workspace.recorder(actor=actor, create=False) as recorder:
        outcome = workspace.close(period, reason=reason, recorder=recorder)
        made = receipts.receipt(*outcome.position, now=recorder.now)
    console.tell_notes(outcome.notes)
    words = (
        say("{period}: closed", period=period)
        if outcome.recorded
        else say("{period}: was closed before", period=period)
    )
    text = translated(words, console.spoken()) + "\n"
    try:
        text += _shown(workspace, period)
    except LedgerError as error:
        # What the store says of itself, that nothing was recorded, is not so of the closing.
        fault = say(
            "{words}, and its figures cannot be shown now; run qpi metrics {period}", words=words, period=period
        )
        raise LedgerError(fault) from error
    console.put(f"{text}{made}\n", out)


def _shown(workspace: Workspace, period: str) -> str:
    """Return the closed figures of a period beside those of now."""
    closed = workspace.closed(period)
    assert closed is not None
    tables = workspace.tables(counted=True)
    frame = workspace.measured(period, tables=tables)
    return _closed(workspace, closed, workspace.beside(frame, closed, ()), tables)


def _head(organisation: str, period: str, position: Position | None, as_of: str | None) -> str:
    """Say of what, and of which state of the ledger, figures are."""
    if position is None:
        return say("{organisation}, {period}: no ledger yet", organisation=organisation, period=period)
    head = say("{organisation}, {period}: ledger at entry {number}, head {head}", organisation=organisation,
               period=period, number=position.seq, head=position.head)  # fmt: skip
    return say("{head}, second verifications up to {day}", head=head, day=as_of) if as_of else head


def _moment(text: str | None, option: str = "--as-of") -> datetime | date | None:
    """Read a day, or a moment with its offset."""
    if text is None:
        return None
    from qpi import calendar

    try:
        return calendar.parse_day(text) if len(text) <= 10 else calendar.parse_moment(text)
    except ValueError as error:
        fault = say("{option}: {fault}; write 2026-11-20, or 2026-11-20T18:00+08:00", option=option, fault=said(error))
        raise UsageError(fault) from error


def _state(text: str | None) -> int | datetime | date | None:
    """Read the number of an entry, a day, or a moment."""
    return int(text) if text is not None and re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII) else _moment(text, "--at")


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
        period, project=project, per=per, language=lang or "zh", as_of=_moment(as_of), at=_state(at)
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
