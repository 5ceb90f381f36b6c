"""Strangers: what tables of a caller's own may not hold, and which of their names no definition knows."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from qpi import codes, engines
from qpi.errors import UsageError
from qpi.frames import DECLARED, KEY, TEXT, WORDS
from qpi.messages import Message, joined, say
from qpi.tidy import in_memory, names, refuse_empty_days, times

SAID: Mapping[str, Sequence[str]] = {
    table: [name for name, kind in columns.items() if kind in (TEXT, KEY) and name not in ("id", "check", "finding")]
    for table, columns in DECLARED.items()
}
"""Columns of texts that say something, and do not name a row."""
MOST_NAMED = 5
"""So many of the words that do not belong are named."""


def judged(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables as they can be counted; raise UsageError where checks lack days or a column holds a foreign word.

    An empty text is nothing, as in a record. Numbers of entries that some rows lack put nothing in order, and join
    nothing: these are left out.
    """
    found, faults = {}, list[Message]()
    for name, given in tables.items():
        there = names(given)
        texts = [column for column in SAID[name] if column in there]
        table = engines.unsaid(given, texts)
        known = {column: words for column, words in WORDS[name].items() if column in there}
        if in_memory(table):
            # What rows lack was seen when they were read.
            found[name], foreign = table, others(table, known)
        else:
            empty = [column for column in ("entry", *(("day",) if name == "checks" else ())) if column in there]
            lacking = {column: nw.col(column).is_null() for column in empty}
            number = times(table, {**lacking, **_foreign(known)})
            refuse_empty_days(number.get("day", 0), name)
            found[name] = table.drop("entry") if number.get("entry") else table
            foreign = _named(table, {column: words for column, words in known.items() if number[column]})
        faults += [
            say("table {table}, column {column}: holds {found}; write {words}, or nothing",
                table=name, column=column, found=listed(words), words=joined(", ", known[column]))
            for column, words in foreign.items()
        ]  # fmt: skip
    if faults:
        raise UsageError(joined("; ", faults))
    return found


def judged_here(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the same of one table of pandas."""
    found: pd.DataFrame = judged({name: nw.from_native(rows, eager_only=True)})[name].to_native()
    return found


def others(table: Any, known: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return, of each column of a table, or of its columns in memory, that has some, the texts that are not known."""
    if isinstance(table, codes.Columns) or in_memory(table):
        columns = table if isinstance(table, codes.Columns) else codes.Columns(table)
        found = {column: _others_here(columns.coded(column), known[column]) for column in known}
        return {column: words for column, words in found.items() if words}
    # Thousands of names in a question cost more than all that a column holds in the answer.
    rows = {column: engines.collected(_distinct(table, column))[column].to_list() for column in known}
    found = {column: sorted(str(word) for word in words if word is not None and word not in known[column])
             for column, words in rows.items()}  # fmt: skip
    return {column: words for column, words in found.items() if words}


def _foreign(known: Mapping[str, Collection[str]]) -> dict[str, nw.Expr]:
    return {name: ~nw.col(name).is_null() & ~nw.col(name).is_in(list(words)) for name, words in known.items()}


def _named(table: Any, known: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return the texts that are not known in columns that are known to have some."""
    tests = _foreign(known)
    rows = {name: engines.collected(_distinct(table.filter(test), name)) for name, test in tests.items()}
    return {name: sorted(map(str, some[name].to_list())) for name, some in rows.items()}


def _distinct(table: Any, column: str) -> Any:
    """Return each value of a column once; grouped, which engines do better than to look for the first of each."""
    return table.group_by(column).agg(nw.len().alias("rows"))


def _others_here(column: codes.Coded, known: Collection[str]) -> list[str]:
    foreign = [code for code, word in enumerate(column.names) if word not in known]
    if not foreign:
        return []
    # Categories may have names that no row bears.
    there = set(codes.occurring(column.codes, len(column.names)))
    return sorted(str(column.names[code]) for code in foreign if code in there)


def listed(words: Sequence[str]) -> Message:
    """Return some words, and how many more there are."""
    shown = joined(", ", (f'"{word}"' for word in words[:MOST_NAMED]))
    more = len(words) - MOST_NAMED
    return say("{words} and {more} more", words=shown, more=more) if more > 0 else shown


__all__ = ["judged", "judged_here", "listed", "others"]
