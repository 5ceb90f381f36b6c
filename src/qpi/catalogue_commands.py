"""Commands of catalogues: starting a workspace from one, showing, loading and comparing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from qpi import console
from qpi.console import in_language, in_workspace, tell
from qpi.errors import UsageError
from qpi.messages import said, say, translated

if TYPE_CHECKING:
    from datetime import date

    from qpi.calendar import Period


@click.command(
    help=say(
        "Make an empty workspace with comments in DIR, from a catalogue that is shipped.\n\n"
        "qpi catalogue list names them. Without --catalogue it is qpi-standard."
    ),
)
@click.argument("folder", metavar="DIR")
@click.option(
    "--catalogue",
    "names",
    metavar="NAME",
    multiple=True,
    help=say("A catalogue that is shipped; more than one if need be."),
)
@click.option(
    "--from", "start", metavar="DAY", help=say("From when on it is in force, the 1st of a month (default: this month).")
)
@in_language()
def init(folder: str, names: tuple[str, ...], start: str | None) -> None:
    """Make a workspace."""
    from datetime import date
    from pathlib import Path

    from qpi import scaffold

    day = _day("--from", start) if start else date.today().replace(day=1)  # noqa: DTZ011 - the person's own day is meant
    for path in scaffold.write(Path(folder), catalogues=names or scaffold.DEFAULT, effective_from=day):
        click.echo(str(path))
    tell(say("Where to look next:"))
    tell(say("  {file}: put your projects and people in place of the examples", file=Path(folder) / "portfolio.yaml"))
    tell(
        say(
            "  {command}: the whole catalogue to print",
            command=f"qpi catalogue show -w {folder} --format html -o handbook.html",
        )
    )
    tell(say("  {command}: whether your people can do all that", command=f"qpi catalogue load -w {folder}"))


@click.command(help=say("Write JSON Schemas of the files of a workspace, with which an editor completes and checks."))
@click.option("-o", "--out", metavar="DIR", default="schemas", show_default=True, help=say("The folder to write to."))
@in_language()
def schema(out: str) -> None:
    """Write the schemas."""
    from pathlib import Path

    from qpi import jsonschemas

    for path in jsonschemas.write(Path(out)):
        click.echo(str(path))


@click.group(help=say("Catalogues: list, show, load, compare."))
@in_language()
def catalogue() -> None:
    """Gather the commands of catalogues."""


def _printed(forms: Sequence[str]) -> Callable[[Any], Any]:
    """Give a command the options of how and where its result is printed."""

    def give(command: Any) -> Any:
        to = click.option("-o", "--out", metavar="FILE", help=say("Write there instead of printing."))
        form = click.option("--format", "form", type=click.Choice(forms), default="table", show_default=True)
        return form(to(command))

    return give


@catalogue.command("list", help=say("List the editions of the workspace and the catalogues that are shipped."))
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."), given=True)
def list_(folder: str, lang: str | None) -> None:
    """Name every edition."""
    from qpi import catalogues, listing, shipped
    from qpi.labels import LABELS

    workspace = catalogues.workspace_at(folder)
    own = workspace.definitions.checklists.by_start if workspace else ()
    there = catalogues.read(path for paths in shipped.editions().values() for path in paths)
    words = LABELS[lang or console.spoken()]
    rows = [
        {
            "catalogue": one.edition.catalogue,
            "edition": one.edition.edition,
            "effective_from": one.edition.effective_from,
            "points": len(one.edition.points),
            "where": words[where],
            "title": one.edition.title,
        }
        for where, sources in (("in_workspace", own), ("is_shipped", there))
        for one in sources
    ]
    console.write(listing.to_table(rows, {name: words[f"column_{name}"] for name in rows[0]}))


@catalogue.command(
    "show",
    help=say(
        "Show editions: a table of their points, or with --format html a handbook to print.\n\n"
        "NAME is a catalogue, catalogue@edition or a file; without one it is what the workspace has in force."
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--on", metavar="DAY", help=say("The day on which editions are in force (default: today)."))
@_printed(("table", "html", "json", "csv"))
@in_workspace
@in_language(say("Of handbook (default: zh), table and messages (default: by the locale)."), given=True)
def show_(names: tuple[str, ...], on: str | None, form: str, out: str | None, folder: str, lang: str | None) -> None:
    """Show what is asked for."""
    from qpi import catalogues, handbook, listing
    from qpi.labels import LABELS
    from qpi.policy import Policy

    workspace, day = catalogues.workspace_at(folder), _today(on)
    sources = catalogues.chosen(names, workspace, day=day)
    if form == "html":
        made = handbook.build(
            sources, workspace.definitions.policy if workspace else Policy(),
            organisation=workspace.config.organisation if workspace else None, language=lang or "zh", day=day,
        )  # fmt: skip
        _put(made.render(own=workspace.folder / "templates" if workspace else None), out)
        return
    rows = handbook.rows(sources, language=lang or (console.spoken() if form == "table" else "zh"))
    if form == "table":
        words = LABELS[lang or console.spoken()]
        fixed = ("code", "specialty", "text", "score", "signs", "minutes")
        roles = [name for name in rows[0] if name not in handbook.COLUMNS]
        titles = {name: role.title for source in sources for name, role in source.edition.roles.items()}
        heads = {name: words[f"column_{name}"] for name in fixed}
        heads |= {name: words.get(f"role_{name}") or titles.get(name, name) for name in roles}
        signed = [{**row, "signs": "▼" * row["mystery_visit"] + "◎" * row["executive_check"]} for row in rows]
        _put(listing.to_table(signed, heads, longest=44), out)
    else:
        _put(listing.to_json(rows) if form == "json" else listing.to_csv(rows), out)


@catalogue.command(
    "load",
    help=say(
        "Count how many looks each role and person owes a month, and how many hours they take.\n\n"
        "The editions are taken as in force throughout the period, the projects and posts as the portfolio has them."
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--period", metavar="PERIOD", help=say("2026-10, 2026-Q4, 2026-H2 or 2026 (default: this year)."))
@click.option("--minutes", type=click.IntRange(min=1), help=say("What a look takes that has no minutes of its own."))
@click.option(
    "--capacity",
    type=click.IntRange(min=1),
    metavar="HOURS",
    help=say("The hours a person has for it a month: say who has too much."),
)
@click.option(
    "--by",
    default="role",
    show_default=True,
    metavar="KEYS",
    help=say("Groups, parted by commas: role, specialty, project, realm."),
)
@_printed(("table", "json", "csv"))
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."), given=True)
def load(
    names: tuple[str, ...], period: str | None, minutes: int | None, capacity: int | None, by: str, form: str,
    out: str | None, folder: str, lang: str | None,
) -> None:  # fmt: skip
    """Count the load."""
    from qpi import catalogues, listing, workload
    from qpi.workspace import Workspace

    workspace, day = Workspace(folder), _today(None)
    found = workspace.definitions
    sources = catalogues.chosen(names, workspace, day=day)
    made = workload.build(
        catalogues.throughout(found, sources), _period(period, day), minutes=minutes, capacity=capacity
    )
    keys = [key.strip() for key in by.split(",") if key.strip()]
    parts = {
        "roles": workload.table(made, by=keys),
        "people": workload.people_table(made),
        "unheld": workload.unheld_table(made),
    }
    if form == "json":
        _put(listing.to_json(parts), out)
    elif form == "csv":
        _put(listing.to_csv(parts["roles"]), out)
    else:
        labels = " + ".join(source.edition.label for source in sources)
        head = say("{catalogues}, {period}, a month on average", catalogues=labels, period=made.period.name)
        _put(_load_text(parts, translated(head, console.spoken()), lang or console.spoken()), out)


def _load_text(parts: dict[str, list[dict[str, Any]]], head: str, language: str) -> str:
    """Return the load as text: roles, people, and what nobody holds."""
    from qpi import listing
    from qpi.labels import LABELS

    words = LABELS[language]

    def table(rows: list[dict[str, Any]], hidden: tuple[str, ...]) -> str:
        kept = [name for name in rows[0] if name not in hidden]
        if all(row.get("looks_without_minutes", 0) == 0 for row in rows):
            kept = [name for name in kept if name != "looks_without_minutes"]
        if all(row.get("verdict", "") is None for row in rows):
            kept = [name for name in kept if name not in ("verdict", "capacity")]
        shown = [{**row, "verdict": words.get(f"verdict_{row.get('verdict')}"), **_titled(row, words)} for row in rows]
        return listing.to_table(shown, {name: words.get(f"column_{name}", name) for name in kept}, longest=40)

    text = f"{head}\n"
    if parts["roles"]:
        text += f"\n{words['load_roles']}\n" + table(parts["roles"], ("minutes",))
    if parts["people"]:
        text += f"\n{words['load_people']}\n" + table(parts["people"], ("minutes", "months"))
    if parts["unheld"]:
        text += f"\n{words['load_unheld']}\n" + table(parts["unheld"], ("minutes", "months"))
    return text


def _titled(row: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, str]:
    """Return the title of a row's role, a built-in one's in the language of the words."""
    return {"title": words.get(f"role_{row['role']}") or row["title"]} if "title" in row else {}


@catalogue.command(
    "diff",
    help=say(
        "Compare two editions: points added, removed and changed, and the duties that move.\n\n"
        "OLD and NEW are files, catalogues or catalogue@edition. Duties are counted for the projects of the workspace, or "
        "where there is none for one project that every point fits."
    ),
)
@click.argument("old")
@click.argument("new")
@click.option(
    "--period", metavar="PERIOD", help=say("Of the duties: 2026-10, 2026-Q4, 2026-H2 or 2026 (default: this year).")
)
@_printed(("table", "json", "csv"))
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."), given=True)
def diff(old: str, new: str, period: str | None, form: str, out: str | None, folder: str, lang: str | None) -> None:
    """Compare."""
    from qpi import catalogues, changes, listing

    workspace, day = catalogues.workspace_at(folder), _today(None)
    before, after = (catalogues.find(name, workspace, day=day).edition for name in (old, new))
    found = changes.diff(before, after)
    moved = changes.duties(
        before, after, _period(period, day), definitions=workspace.definitions if workspace else None
    )
    rows = changes.rows(found)
    if form == "json":
        _put(listing.to_json({"changes": rows, "duties": changes.duty_rows(moved)}), out)
    elif form == "csv":
        _put(listing.to_csv(rows), out)
    else:
        head = say("{old} → {new}", old=before.label, new=after.label)
        duties = changes.duty_rows([*changes.totals(moved), *moved])
        _put(_diff_text(str(head), rows, duties, lang or console.spoken()), out)


def _diff_text(head: str, rows: list[dict[str, Any]], duties: list[dict[str, Any]], language: str) -> str:
    """Return a comparison as text: what changed, and the duties that move, by role and month."""
    from qpi import listing
    from qpi.labels import LABELS

    words = LABELS[language]
    text = f"{head}\n"
    if rows:
        shown = [
            {
                **row,
                "change": words[f"change_{row['change']}"],
                "what": row["text"] if row["key"] is None else row["key"],
            }
            for row in rows
        ]
        heads = {name: words[f"column_{name}"] for name in ("change", "code", "what", "old", "new")}
        text += f"\n{listing.to_table(shown, heads, longest=50)}"
    else:
        text += f"\n{words['no_changes']}\n"
    moving = [row for row in duties if row["points_difference"] or row["checks_difference"]]
    text += f"\n{words['moved_duties']}\n"
    if not moving:
        return f"{text}{words['no_moves']}\n"
    shown = [
        {
            **row,
            "month": row["month"] or words["whole_period"],
            **_titled(row, words),
        }
        for row in moving
    ]
    names = [name for name in shown[0] if name != "role"]
    return text + listing.to_table(shown, {name: words[f"column_{name}"] for name in names})


def _put(text: str, out: str | None) -> None:
    """Print a result, or write it to a file and print its name."""
    if out is None:
        console.write(text)
        return
    from pathlib import Path

    Path(out).write_text(text, encoding="utf-8", newline="")
    click.echo(out)


def _today(on: str | None) -> date:
    from datetime import date

    return _day("--on", on) if on else date.today()  # noqa: DTZ011 - the person's own day is meant


def _day(option: str, text: str) -> date:
    from qpi import calendar

    try:
        return calendar.parse_day(text)
    except ValueError as error:
        fault = say("{option}: {fault}; write a day such as 2026-12-01", option=option, fault=said(error))
        raise UsageError(fault) from error


def _period(text: str | None, day: date) -> Period:
    from qpi import calendar

    try:
        return calendar.period(text or str(day.year))
    except ValueError as error:
        raise UsageError(said(error)) from error


__all__ = ["catalogue", "init", "schema"]
