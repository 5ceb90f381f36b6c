"""Commands about figures: indicators, what stands behind one, ranks, and the closing of a period."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from qpi import console
from qpi.console import Command, acting, in_language, in_workspace, moment, option, printed, tell
from qpi.errors import LedgerError, UsageError
from qpi.messages import say, translated

if TYPE_CHECKING:
    from pandas import DataFrame

    from qpi.closing import Closing
    from qpi.entries import Actor
    from qpi.ledger import Position
    from qpi.workspace import Tables, Workspace


@click.command(cls=Command, help=say("Print the indicators of PERIOD: 2026-10, 2026-Q4, 2026-H2 or 2026."))
@click.argument("period")
@option("--by", multiple=True, metavar="KEYS", help=say("Groups, parted by commas or each with its own --by: project, role, "
              "specialty, category, month, inspector, kind, or an attribute of projects."))  # fmt: skip
@option("--as-of", metavar="DAY", help=say("Count verifications up to this day or moment (default: now)."))
@option("--at", metavar="SEQ|TIME", help=say("The ledger as it stood at this entry, or at this day or moment."))
@option("--compare", is_flag=True, help=say("With the period before and the same period last year beside them."))
@option("--from", "source", metavar="DIR", help=say("Count from this export instead of the ledger."))
@printed("table", "json", "csv")
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def metrics(
    period: str, by: tuple[str, ...], as_of: str | None, at: str | None, source: str | None, form: str, out: str | None,
    folder: str, *, compare: bool,
) -> None:  # fmt: skip
    """Print indicators."""
    from qpi import formats
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    keys = console.keys_of(by)
    # One moment for all that is said, so that verifications are put in turn once.
    until = moment(as_of) or datetime.now(UTC)
    compared = None
    with _tables(workspace, at, source, counted=True) as tables:
        if compare:
            from qpi import trend

            compared = workspace.compared(period, by=keys, as_of=until, tables=tables)
            frame = trend.one_period(compared)
        else:
            frame = workspace.measured(period, by=keys, as_of=until, tables=tables)
        head = _head(workspace.config.organisation, period, tables.position, as_of)
        words = [head, *_provenance(workspace, period, tables, until), *_course(workspace, period)]
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


def _course(workspace: Workspace, period: str) -> list[str]:
    """Say of a period that is not over that what it requires is counted to its end."""
    from qpi import metrics

    span = metrics.period_of(period)
    # What limits verifications, as_of, does not say which day it is.
    today = metrics.moment_of(workspace.definitions, None).astimezone(workspace.definitions.zone).date()
    if today < span.first:
        return [say("{period} has not begun, and is held to all that it requires to its end", period=period)]
    if today <= span.last:
        return [say("{period} is not over, and is held to all that it requires to its end", period=period)]
    return []


def _of_comparison(
    workspace: Workspace, period: str, compared: DataFrame, keys: list[str], tables: Tables, *, closings: bool
) -> list[str]:
    """Say what a comparison hides: a period without records, one that was closed otherwise."""
    from qpi import metrics, trend

    span = metrics.period_of(period)
    words: list[str] = []
    if tables.position is None or "month" in keys:
        return words
    for side, name in {"": period, **trend.earlier(span)}.items():
        if not trend.has_checks(compared, side):
            words.append(say("{period} has no check, so coverage and frequency have no change", period=name))
        elif side and trend.begins_within(compared, side):
            words.append(say("the first check is later than the first month of {period}, so coverage and frequency have "
                             "no change", period=name))  # fmt: skip
    for side, name in trend.earlier(span).items() if closings else ():
        closed = workspace.closed(name, at=tables.position.seq)
        if closed is None:
            continue
        beside = workspace.beside(trend.one_period(compared, side), closed, keys)
        if beside is None or beside["changed"].any():
            words.append(say("{period} was closed by entry {entry} with other figures or definitions; qpi metrics {period} "
                             "shows them", period=name, entry=closed.entry))  # fmt: skip
    return words


@click.command(
    cls=Command,
    help=say(
        "Show the rows behind a figure: done and due, missing, not credited and why.\n\n"
        "The rows add up to what qpi metrics shows as done and due of INDICATOR in PERIOD."
    ),
)
@click.argument("period")
@click.argument("indicator")
@option("--where", multiple=True, metavar="KEY=VALUE", help=say("The row with this key, as of --by; may be repeated. "
              "KEY= is the empty value, KEY=- the row whose key is a dash."))  # fmt: skip
@option("--as-of", metavar="DAY", help=say("Count verifications up to this day or moment (default: now)."))
@option("--at", metavar="SEQ|TIME", help=say("The ledger as it stood at this entry, or at this day or moment."))
@option("--from", "source", metavar="DIR", help=say("Count from this export instead of the ledger."))
@option("--all", "everything", is_flag=True, help=say("Show every row of long lists."))
@printed("table", "json", "csv")
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def explain(
    period: str, indicator: str, where: tuple[str, ...], as_of: str | None, at: str | None, source: str | None, form: str,
    out: str | None, folder: str, *, everything: bool,
) -> None:  # fmt: skip
    """Show what stands behind a figure."""
    from qpi import telling
    from qpi.workspace import Workspace

    _in_order(period, indicator)
    workspace = Workspace(folder, tell=tell)
    keys, until = _keys(where, workspace.definitions.groupings), moment(as_of)
    with _tables(workspace, at, source) as tables:
        told = workspace.explain(period, indicator, where=keys, as_of=until, tables=tables)
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


def _in_order(period: str, indicator: str) -> None:
    """Raise UsageError where a period stands in the place of the indicator."""
    from qpi import calendar

    try:
        calendar.period(indicator)
    except ValueError:
        return
    raise UsageError(
        say("PERIOD comes first, then INDICATOR; write {period} {indicator}", period=indicator, indicator=period)
    )


def _keys(where: tuple[str, ...], groupings: tuple[str, ...]) -> dict[str, str | None]:
    """Read KEY=VALUE pairs; a dash, as tables show it, stands for what a row names nothing for."""
    keys: dict[str, str | None] = {}
    for pair in where:
        key, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(say("--where {pair}: a value is missing; write {pair}=VALUE", pair=pair))
        if key in keys:
            raise UsageError(say("--where names {key} twice; ask for one value at a time", key=key))
        _refuse_several(key, value, groupings)
        keys[key] = None if value in ("-", "—") else value
    return keys


def _refuse_several(key: str, value: str, groupings: tuple[str, ...]) -> None:
    """Raise UsageError where the value of one key holds further keys, as those of --by may stand together."""
    first, *rest = re.split("[,，]", value)
    if any(part.partition("=")[0].strip() in groupings for part in rest if "=" in part):
        written = " ".join(f"--where {part.strip()}" for part in (f"{key}={first}", *rest))
        raise UsageError(say("--where takes one key, and is repeated for the next; write {written}", written=written))


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


@click.command(cls=Command, help=say("Rank the projects, or other groups, by an INDICATOR of PERIOD, as far as their numbers carry.\n\n"
             "Equal rates share a rank, and small numbers have none. Beside each stand its 95 % interval and the ranks that "
             "the intervals allow."))  # fmt: skip
@click.argument("period")
@click.argument("indicator")
@option(
    "--by",
    default=("project",),
    multiple=True,
    show_default=True,
    metavar="KEY",
    help=say("One grouping, as in qpi metrics."),
)
@option("--minimum", type=console.Whole(min=1), default=30, show_default=True, metavar="N",
        help=say("No rank under so many points, checks or findings."))  # fmt: skip
@option("--as-of", metavar="DAY", help=say("Count verifications up to this day or moment (default: now)."))
@option("--at", metavar="SEQ|TIME", help=say("The ledger as it stood at this entry, or at this day or moment."))
@option("--from", "source", metavar="DIR", help=say("Count from this export instead of the ledger."))
@printed("table", "json", "csv")
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def rank(
    period: str, indicator: str, by: tuple[str, ...], minimum: int, as_of: str | None, at: str | None, source: str | None,
    form: str, out: str | None, folder: str,
) -> None:  # fmt: skip
    """Print a ranking."""
    from qpi import formats, listing, terms
    from qpi.workspace import Workspace

    _in_order(period, indicator)
    keys = console.keys_of(by)
    if len(keys) != 1:
        fault = say("--by of qpi rank takes one grouping; write --by {key}, or ask qpi metrics --by {keys}",
                    key=keys[0] if keys else "project", keys=",".join(keys) or "project")  # fmt: skip
        raise UsageError(fault)
    workspace = Workspace(folder, tell=tell)
    until = moment(as_of)
    with _tables(workspace, at, source, counted=True) as tables:
        frame = workspace.ranked(period, indicator, by=keys[0], minimum=minimum, as_of=until, tables=tables)
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
    for line in _course(workspace, period):
        tell(line)
    console.put(text, out)


_MOST_TOLD = 40
"""So many entries that changed a closed period are told one by one."""


def _closed(workspace: Workspace, closed: Closing, beside: DataFrame | None, tables: Tables) -> str:
    """Return the closed figures beside those of now, and the entries that changed them."""
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


@click.command(
    cls=Command,
    help=say(
        "Close PERIOD: write its indicators into the ledger as they stand, so that later records change nothing in them.\n\n"
        "A period is judged `close_after` days after its end. qpi metrics shows what changed since."
    ),
)
@click.argument("period")
@option("--reason", metavar="TEXT", help=say("Close a closed period again, and say why; both closings stay readable."))
@option("-o", "--out", metavar="FILE", help=say("Write figures and receipt there instead of printing."))
@acting
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def close(period: str, reason: str | None, out: str | None, folder: str, actor: Actor | None) -> None:
    """Close a period."""
    from pathlib import Path

    from qpi import receipts
    from qpi.workspace import Workspace

    if out is not None:
        # What is recorded stays recorded, also where it could not be written down here.
        console.refuse_target(Path(out))
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


@contextmanager
def _tables(workspace: Workspace, at: str | None, source: str | None, *, counted: bool = False) -> Iterator[Tables]:
    """Open the tables of the ledger, and say which editions have changed, or those of an export."""
    if source is not None and at is not None:
        raise UsageError(say("--from: an export is at one entry of the ledger, and has no other state; leave out --at"))
    with workspace.reading(at=console.state(at), source=source, counted=counted) as tables:
        if source is None:
            console.tell_problems(workspace.changed_editions())
        yield tables


def _head(organisation: str, period: str, position: Position | None, as_of: str | None) -> str:
    """Say of what, and of which state of the ledger, figures are."""
    if position is None:
        return say("{organisation}, {period}: no ledger yet", organisation=organisation, period=period)
    head = say("{organisation}, {period}: ledger at entry {number}, head {head}", organisation=organisation,
               period=period, number=position.seq, head=position.head)  # fmt: skip
    return say("{head}, second verifications up to {day}", head=head, day=as_of) if as_of else head


__all__ = ["close", "explain", "metrics", "rank"]
