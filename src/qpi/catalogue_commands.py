"""Commands of catalogues: starting a workspace from one, showing, loading and comparing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qpi import console
from qpi.console import Command, Group, in_language, in_workspace, option, perhaps_in_workspace, printed, put, tell
from qpi.errors import UsageError
from qpi.messages import said, say, translated

if TYPE_CHECKING:
    from datetime import date

    from qpi.calendar import Period
    from qpi.workspace import Workspace


@click.command(
    cls=Command,
    help=say(
        "Make an empty workspace with comments in DIR, from a catalogue that is shipped.\n\n"
        "qpi catalogue list names them. Without --catalogue it is qpi-standard."
    ),
)
@click.argument("folder", metavar="DIR")
@option("--catalogue", "names", metavar="NAME", multiple=True,
        help=say("A catalogue that is shipped; more than one if need be."))  # fmt: skip
@option("--from", "start", metavar="DAY",
        help=say("From when on it is in force, the 1st of a month (default: this month)."))  # fmt: skip
@in_language()
def init(folder: str, names: tuple[str, ...], start: str | None) -> None:
    """Make a workspace."""
    from datetime import date
    from pathlib import Path

    from qpi import scaffold

    day = _day("--from", start) if start else date.today().replace(day=1)  # noqa: DTZ011 - the person's own day is meant
    for path in scaffold.write(Path(folder), catalogues=names or scaffold.DEFAULT, effective_from=day):
        click.echo(str(path))
    here = f'"{folder}"' if any(sign.isspace() for sign in folder) else folder
    tell(say("Where to look next:"))
    tell(say("  {file}: put your projects and people in place of the examples", file=Path(folder) / "portfolio.yaml"))
    tell(say("  {command}: after every change, whether all is in order", command=f"qpi check -w {here}"))
    handbook = f"qpi catalogue show -w {here} --format html -o handbook.html"
    tell(say("  {command}: the whole catalogue to print", command=handbook))
    tell(say("  {command}: whether your people can do all that", command=f"qpi catalogue load -w {here}"))
    tell(say("  {command}: the records of your checks", command=f"qpi import -w {here} FILE.csv"))


@click.command(
    cls=Command,
    help=say("Write JSON Schemas of the files of a workspace, with which an editor completes and checks."),
)
@option("-o", "--out", metavar="DIR", default="schemas", show_default=True, help=say("The folder to write to."))
@in_language()
def schema(out: str) -> None:
    """Write the schemas."""
    from pathlib import Path

    from qpi import jsonschemas

    for path in jsonschemas.write(Path(out)):
        click.echo(str(path))


@click.group(cls=Group, help=say("Catalogues: list, show, load, compare."))
@in_language()
def catalogue() -> None:
    """Gather the commands of catalogues."""


@catalogue.command("list", help=say("List the editions of the workspace and the catalogues that are shipped."))
@perhaps_in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def list_(folder: str | None) -> None:
    """Name every edition."""
    from qpi import catalogues, sheets, shipped
    from qpi.errors import DataError

    workspace = catalogues.workspace_at(folder)
    there = catalogues.read(path for paths in shipped.editions().values() for path in paths)
    console.write(sheets.editions(workspace.sources if workspace else (), there, console.spoken()))
    problems = workspace.check() if workspace else []
    if any(not problem.advisory for problem in problems):
        raise DataError(problems)


@catalogue.command(
    "show",
    help=say(
        "Show editions: a table of their points, or with --format html a handbook to print.\n\n"
        "NAME is a catalogue, catalogue@edition or a file; without one it is what the workspace has in force."
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@option("--on", metavar="DAY", help=say("The day on which editions are in force (default: today)."))
@option("--specialty", "specialties", multiple=True, metavar="NAME", help=say("Points of this specialty only."))
@option("--point", "codes", multiple=True, metavar="CODE", help=say("The point with this code only."))
@printed("table", "html", "json", "csv")
@perhaps_in_workspace
@in_language(say("Of handbook (default: zh), table and messages (default: by the locale)."), given=True)
def show_(
    names: tuple[str, ...], on: str | None, specialties: tuple[str, ...], codes: tuple[str, ...], form: str,
    out: str | None, folder: str | None, lang: str | None,
) -> None:  # fmt: skip
    """Show what is asked for."""
    from qpi import catalogues, handbook, listing, sheets
    from qpi.policy import Policy

    workspace = catalogues.workspace_at(folder)
    day = _today(workspace, on)
    sources = catalogues.chosen(names, workspace, day=day)
    sources = catalogues.narrowed(sources, specialties=specialties, codes=codes)
    beside = workspace.sources if workspace else ()
    if form == "html":
        in_force = not names and all(source.edition.effective_from <= day for source in sources)
        made = handbook.build(
            sources, workspace.definitions.policy if workspace else Policy(), beside=beside, language=lang or "zh",
            organisation=workspace.config.organisation if workspace else None, day=day if in_force else None,
        )  # fmt: skip
        put(made.render(own=workspace.folder / "templates" if workspace else None), out)
    elif form == "table":
        put(sheets.points(sources, console.spoken(), beside=beside), out)
    else:
        rows = handbook.rows(sources, language=lang or "zh", beside=beside)
        put(listing.to_json(rows) if form == "json" else listing.to_csv(rows, handbook.COLUMNS), out)


@catalogue.command(
    "load",
    help=say(
        "Count how many looks each role and person owes a month, and how many hours they take.\n\n"
        "The editions are taken as in force throughout the period, the projects and posts as the portfolio has them."
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@option("--period", metavar="PERIOD", help=say("2026-10, 2026-Q4, 2026-H2 or 2026 (default: this year)."))
@option("--minutes", type=console.Whole(min=1), metavar="MINUTES",
        help=say("What a look takes that has no minutes of its own."))  # fmt: skip
@option("--capacity", type=console.Whole(min=1), metavar="HOURS",
        help=say("The hours a person has for it a month: say who has too much."))  # fmt: skip
@option("--by", default=("role",), multiple=True, show_default=True, metavar="KEYS",
        help=say("Groups, parted by commas or each with its own --by: role, specialty, project, realm."))  # fmt: skip
@printed("table", "json", "csv")
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def load(
    names: tuple[str, ...], period: str | None, minutes: int | None, capacity: int | None, by: tuple[str, ...],
    form: str, out: str | None, folder: str,
) -> None:  # fmt: skip
    """Count the load."""
    from qpi import catalogues, definitions, listing, sheets, workload
    from qpi.workspace import Workspace

    workspace = Workspace(folder)
    found, day = workspace.definitions, _today(workspace, None)
    editions = [source.edition for source in catalogues.chosen(names, workspace, day=day)]
    throughout = definitions.throughout(found, editions)
    made = workload.build(throughout, _period(period, day), minutes=minutes, capacity=capacity)
    keys = tuple(dict.fromkeys(console.keys_of(by)))
    roles = workload.table(made, by=keys)
    if form == "json":
        people, unheld = workload.people_table(made), workload.unheld_table(made)
        put(listing.to_json({"roles": roles, "people": people, "unheld": unheld}), out)
    elif form == "csv":
        put(listing.to_csv(roles, workload.table_columns(keys)), out)
    else:
        labels = " + ".join(edition.label for edition in editions)
        head = say("{catalogues}, {period}, a month on average", catalogues=labels, period=made.period.name)
        put(sheets.load(translated(head, console.spoken()), made, console.spoken(), by=keys), out)


@catalogue.command(
    "diff",
    help=say(
        "Compare two editions: points added, removed and changed, and the duties that move.\n\n"
        "OLD and NEW are files, catalogues, catalogue@edition, or these with shipped: before them. Duties are counted "
        "for the projects of the workspace, or where there is none for one project that every point fits."
    ),
)
@click.argument("old")
@click.argument("new")
@option("--period", metavar="PERIOD",
        help=say("Of the duties: 2026-10, 2026-Q4, 2026-H2 or 2026 (default: this year)."))  # fmt: skip
@printed("table", "json", "csv")
@perhaps_in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def diff(old: str, new: str, period: str | None, form: str, out: str | None, folder: str | None) -> None:
    """Compare."""
    from qpi import catalogues, changes, listing, sheets

    workspace = catalogues.workspace_at(folder)
    day = _today(workspace, None)
    before, after = (catalogues.find(name, workspace, day=day).edition for name in (old, new))
    found = changes.diff(before, after)
    moved = changes.duties(
        before, after, _period(period, day), definitions=workspace.definitions if workspace else None
    )
    rows = changes.rows(found, language=console.spoken() if form == "table" else "en")
    if form == "json":
        put(listing.to_json({"changes": rows, "duties": changes.duty_rows(moved)}), out)
    elif form == "csv":
        put(listing.to_csv(rows, changes.ROW_COLUMNS), out)
    else:
        duties = changes.duty_rows([*changes.totals(moved), *moved])
        head = " → ".join(f"{one.label} ({one.effective_from})" for one in (before, after))
        put(sheets.diff(head, rows, duties, console.spoken()), out)


def _today(workspace: Workspace | None, on: str | None) -> date:
    """Return the day that `--on` names, else today in the zone of the workspace, else today here."""
    from datetime import date, datetime

    if on:
        return _day("--on", on)
    # Without a workspace there is no zone but the person's own.
    return datetime.now(workspace.config.timezone).date() if workspace else date.today()  # noqa: DTZ011


def _day(name: str, text: str) -> date:
    from qpi import calendar

    try:
        return calendar.parse_day(text)
    except ValueError as error:
        fault = say("{option}: {fault}; write a day such as 2026-12-01", option=name, fault=said(error))
        raise UsageError(fault) from error


def _period(text: str | None, day: date) -> Period:
    from qpi import calendar

    try:
        return calendar.period(text or str(day.year))
    except ValueError as error:
        raise UsageError(said(error)) from error


__all__ = ["catalogue", "init", "schema"]
