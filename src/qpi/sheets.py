"""Sheets: lists, loads and comparisons of catalogues as plain text for a screen."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from qpi import changes, handbook, listing, workload
from qpi.checklist import Checklists, Source
from qpi.labels import LABELS, role_title
from qpi.workload import Workload

MYSTERY, EXECUTIVE = "▼", "◎"
# A name that no role can have, whose columns stand beside this one.
_SIGNS = MYSTERY + EXECUTIVE


def editions(own: Sequence[Source], shipped: Sequence[Source], language: str) -> str:
    """Return the editions of a workspace and those that are shipped, a line for each."""
    words = LABELS[language]
    rows = [
        {
            "catalogue": source.edition.catalogue,
            "edition": source.edition.edition,
            "effective_from": source.edition.effective_from,
            "points": len(source.edition.points),
            "where": words[where],
            "title": source.edition.title,
        }
        for where, sources in (("in_workspace", own), ("is_shipped", shipped))
        for source in sources
    ]
    names = ("catalogue", "edition", "effective_from", "points", "where", "title")
    return listing.to_table(rows, {name: words[f"column_{name}"] for name in names})


def points(sources: Sequence[Source], language: str, *, beside: Sequence[Source] = ()) -> str:
    """Return the points of editions, a line for each; `beside` and the errors are those of `handbook.rows`."""
    words, known = LABELS[language], Checklists(tuple(sources), beside=tuple(beside)).roles
    rows = handbook.rows(sources, language=language, beside=beside)
    roles = {name: name.removeprefix("role.") for name in rows[0] if name not in handbook.COLUMNS}
    heads = {name: words[f"column_{name}"] for name in ("code", "specialty", "text", "score")}
    heads |= {_SIGNS: words["column_signs"], "minutes": words["column_minutes"]}
    heads |= {
        column: role_title(name, known[name].title, language) if name in known else name
        for column, name in roles.items()
    }
    shown = [{**row, "score": _score(row["score"]), _SIGNS: _signs(row)} for row in rows]
    return listing.to_table(shown, heads, longest=44)


def _score(score: float | None) -> Decimal | None:
    """Return a score exactly; it came from hundredths."""
    return None if score is None else Decimal(round(score * 100)) / 100


def _signs(row: Mapping[str, Any]) -> str:
    return (MYSTERY if row["mystery_visit"] else "") + (EXECUTIVE if row["executive_check"] else "")


def load(head: str, made: Workload, language: str, *, by: Sequence[str] = ("role",)) -> str:
    """Return a workload under a head: what is owed by role (or `by`), what people carry, and what nobody holds.

    Raises UsageError for a grouping that `workload.table` does not know.
    """
    words = LABELS[language]
    parts = (
        ("load_roles", workload.table(made, by), workload.table_columns(by)),
        ("load_people", _people(made, language), workload.PEOPLE_COLUMNS),
        ("load_unheld", workload.unheld_table(made), workload.UNHELD_COLUMNS),
    )
    text = "".join(f"\n{words[name]}\n{_load_table(rows, columns, language)}" for name, rows, columns in parts if rows)
    return f"{head}\n" + (text or f"\n{words['nothing_owed']}\n")


def _people(made: Workload, language: str) -> list[dict[str, Any]]:
    """Return the table of people with roles by their titles, and verdicts in words."""
    words = LABELS[language]
    return [
        {
            **row,
            "roles": words["comma"].join(role_title(name, made.titles[name], language) for name in one.roles),
            "verdict": one.verdict and words[f"verdict_{one.verdict}"],
        }
        for one, row in zip(made.carriers, workload.people_table(made), strict=True)
    ]


def _load_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], language: str) -> str:
    """Return a table of a load without the columns that say nothing."""
    words, hidden = LABELS[language], {"minutes", "months"}
    if not any(row["looks_without_minutes"] for row in rows):
        hidden.add("looks_without_minutes")
    if all(row.get("verdict") is None for row in rows):
        hidden |= {"verdict", "capacity"}
    shown = [_titled(row, language) for row in rows]
    heads = {name: words[f"column_{name}"] for name in columns if name not in hidden}
    return listing.to_table(shown, heads, longest=40)


def _titled(row: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a row with the title of its role, where it has one, in the words of the language."""
    return {**row, "title": role_title(row["role"], row["title"], language)} if "title" in row else {**row}


def diff(head: str, rows: Sequence[Mapping[str, Any]], duties: Sequence[Mapping[str, Any]], language: str) -> str:
    """Return a comparison under a head: `changes.rows`, then those of `changes.duty_rows` in which anything moves."""
    words = LABELS[language]
    moving = [row for row in duties if row["points_difference"] or row["checks_difference"]]
    changed = _changes(rows, words) if rows else f"{words['no_changes']}\n"
    moved = _moves(moving, language) if moving else f"{words['no_moves']}\n"
    return f"{head}\n\n{changed}\n{words['moved_duties']}\n{moved}"


def _changes(rows: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> str:
    shown = [
        {
            **row,
            "change": words[f"change_{row['change']}"],
            "what": row["text"] if row["key"] is None else row["key"],
        }
        for row in rows
    ]
    heads = {name: words[f"column_{name}"] for name in ("change", "code", "what", "old", "new")}
    return listing.to_table(shown, heads, longest=50)


def _moves(rows: Sequence[Mapping[str, Any]], language: str) -> str:
    words = LABELS[language]
    shown = [{**_titled(row, language), "month": row["month"] or words["whole_period"]} for row in rows]
    heads = {name: words[f"column_{name}"] for name in changes.DUTY_COLUMNS if name != "role"}
    return listing.to_table(shown, heads)


__all__ = ["diff", "editions", "load", "points"]
