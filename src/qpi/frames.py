"""Frames: the tidy tables that indicators are counted from, with their columns declared once."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from qpi.columns import Column, Days, Keys, Moments, Texts, Wholes, all_null, days, moments
from qpi.errors import LedgerError, UsageError
from qpi.messages import say

if TYPE_CHECKING:
    from qpi.ledger import Ledger

TEXT, KEY, WHOLE, DAY, MOMENT = "text", "key", "whole", "day", "moment"

CHECKS: Mapping[str, str] = {
    "entry": WHOLE, "id": TEXT, "project": KEY, "point": KEY, "role": KEY, "inspector": KEY, "kind": KEY,
    "checked_at": MOMENT, "day": DAY, "place": KEY, "method": KEY, "result": KEY, "sample_size": WHOLE,
    "population": WHOLE, "evidence_count": WHOLE, "readings": KEY, "readings_out": WHOLE, "elements": KEY, "visit": KEY,
    "started": MOMENT, "ended": MOMENT, "companions": KEY, "position": KEY, "weather": KEY, "theme": KEY, "plan": KEY,
}  # fmt: skip
"""Columns of `checks`: text, key (text with few values), whole number, day, or moment in UTC; null where not said."""
FINDINGS: Mapping[str, str] = {
    "entry": WHOLE, "id": TEXT, "check": TEXT, "no": WHOLE, "kind": KEY, "fault": TEXT, "class": KEY, "element": WHOLE,
    "advice": TEXT, "handling": TEXT, "responsible": KEY, "deduct_hundredths": WHOLE, "fine_hundredths": WHOLE,
    "due": DAY, "verify_on": DAY, "place": KEY, "sample": TEXT, "evidence": TEXT,
}  # fmt: skip
VERIFICATIONS: Mapping[str, str] = {
    "entry": WHOLE, "finding": TEXT, "verifier": KEY, "verified_at": MOMENT, "day": DAY, "outcome": KEY, "note": TEXT,
}  # fmt: skip
DECLARED: Mapping[str, Mapping[str, str]] = {"checks": CHECKS, "findings": FINDINGS, "verifications": VERIFICATIONS}
NEEDED: Mapping[str, tuple[str, ...]] = {
    "checks": ("id", "project", "point", "role", "day"),
    "findings": ("id", "check", "kind"),
    "verifications": ("finding", "verified_at", "day", "outcome"),
}
"""Columns that a table must have; any other may be missing, and is null then."""
COUNTED: Mapping[str, tuple[str, ...]] = {
    "checks": (
        "entry", "id", "project", "point", "role", "inspector", "kind", "day", "method", "result", "sample_size",
        "population", "evidence_count",
    ),
    "findings": ("entry", "id", "check", "kind", "deduct_hundredths", "verify_on"),
    "verifications": ("entry", "finding", "verifier", "verified_at", "day", "outcome"),
}  # fmt: skip
"""Columns that indicators are counted from, whatever makes a check traceable."""
WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "checks": {"kind": ("routine", "special", "mystery"), "result": ("na",)},
    "findings": {"kind": ("suggestion", "rectification", "deduction")},
    "verifications": {"outcome": ("open", "closed")},
}
"""Columns that hold one of few words, or nothing; by any other word a row would be counted as something else."""
_SQL_NAMES = {"check": "check_id"}
_ORDER = {"checks": ("t.entry",), "findings": ("t.entry", "t.no"), "verifications": ("t.entry",)}


class _Chosen(NamedTuple):
    """Which rows and columns of a table are read."""

    table: str
    columns: Mapping[str, str]
    at: int | None
    first: date | None
    last: date | None
    after: int | None


def checks(
    ledger: "Ledger", *, at: int | None = None, columns: Sequence[str] | None = None,
    first: date | None = None, last: date | None = None, after: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the checks that stand at a position of the ledger (default: the last), in its order.

    Only `columns` are read where they are named; rows of a day from `first` to `last`, of an entry after `after`.
    Raises UsageError for a column that the table does not have.
    """
    return _read(ledger, _Chosen("checks", _asked("checks", CHECKS, columns), at, first, last, after))


def findings(
    ledger: "Ledger", *, at: int | None = None, columns: Sequence[str] | None = None,
    first: date | None = None, last: date | None = None, after: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the findings that stand at a position of the ledger, as `checks` does; a finding has the day of its check."""
    return _read(ledger, _Chosen("findings", _asked("findings", FINDINGS, columns), at, first, last, after))


def verifications(
    ledger: "Ledger", *, at: int | None = None, columns: Sequence[str] | None = None,
    first: date | None = None, last: date | None = None, after: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return the second verifications that stand at a position of the ledger, as `checks` does, by their own day."""
    return _read(
        ledger, _Chosen("verifications", _asked("verifications", VERIFICATIONS, columns), at, first, last, after)
    )


def empty(columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a table of these columns without rows."""
    return _frame(columns, [])


def _asked(table: str, declared: Mapping[str, str], columns: Sequence[str] | None) -> Mapping[str, str]:
    if columns is None:
        return declared
    if missing := [name for name in columns if name not in declared]:
        raise UsageError(
            say(
                "table {table} has no column {columns}; see qpi.frames for the columns",
                table=table,
                columns=", ".join(missing),
            )
        )
    return {name: declared[name] for name in columns}


def _read(ledger: "Ledger", chosen: _Chosen) -> pd.DataFrame:
    if ledger.dialect == "sqlite":
        try:
            with ledger.reading():
                return _in_bulk(ledger, chosen)
        except (LedgerError, ValueError):
            # A list that SQLite finds too long, or a text that is not UTF-8: row by row it is read, or told what is wrong.
            pass
    return by_rows(ledger, chosen)


# Row by row


def by_rows(ledger: "Ledger", chosen: _Chosen) -> pd.DataFrame:
    """Return what is chosen, whatever keeps the ledger."""
    where, values = _where(chosen)
    replaced = "SELECT supersedes FROM entry WHERE supersedes IS NOT NULL"
    if chosen.at is not None:
        replaced += " AND seq <= :at"
    names = ", ".join(map(_sql, chosen.columns))
    order = ", ".join(_ORDER[chosen.table])
    query = f"SELECT {names} FROM {chosen.table} t WHERE t.entry NOT IN ({replaced}){where} ORDER BY {order}"
    return _frame(chosen.columns, ledger.rows(query, values))


def _where(chosen: _Chosen, sign: str = "") -> tuple[str, dict[str, Any]]:
    """Return what rows must fulfil besides standing; with a sign before it, no index finds a day."""
    values = {"at": chosen.at, "after": chosen.after, "first": chosen.first, "last": chosen.last}
    given = {name: str(one) if isinstance(one, date) else one for name, one in values.items() if one is not None}
    day = "c.day" if chosen.table == "findings" else "t.day"
    days = [f"{sign}{day} {than} :{name}" for name, than in (("first", ">="), ("last", "<=")) if name in given]
    if days and chosen.table == "findings":
        days = [f"EXISTS (SELECT 1 FROM checks c WHERE c.entry = t.entry AND {' AND '.join(days)})"]
    entries = [f"t.entry {than} :{name}" for name, than in (("at", "<="), ("after", ">")) if name in given]
    return "".join(f" AND {one}" for one in (*entries, *days)), given


def _sql(name: str) -> str:
    return f't."{_SQL_NAMES.get(name, name)}"'


def _frame(columns: Mapping[str, str], rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    cells: list[Any] = list(zip(*rows, strict=True)) if rows else [[] for _ in columns]
    return _together({name: _series(kind, cell) for (name, kind), cell in zip(columns.items(), cells, strict=True)})


def _together(series: dict[str, Any]) -> pd.DataFrame:
    # pandas would copy the columns into blocks of one type; given apart they stay as they are.
    return pd.DataFrame({name: pd.Series(one) for name, one in series.items()}, copy=False)


def _series(kind: str, cells: Any) -> Any:
    if kind == KEY:
        return pd.Categorical(cells)
    if kind == WHOLE:
        if None in cells:
            return pd.array(cells, dtype="Int64")
        return pd.Series(cells, dtype="int64")
    if kind == DAY:
        return days(pd.Categorical(cells))
    if kind == MOMENT:
        return moments(cells)
    return pd.Series(cells, dtype="object")


# In bulk: a million Python rows take longer than all else, so SQLite makes one list of each column


_COLUMNS: Mapping[str, type[Column]] = {KEY: Keys, WHOLE: Wholes, DAY: Days, MOMENT: Moments, TEXT: Texts}
_FIRST_ENTRIES, _MOST_ENTRIES, _BYTES = 2**15, 2**18, 2**24
"""Of how many entries a part is made, and how many bytes the next one should have."""


class _Part(NamedTuple):
    """So many rows, and a list of each column, None where all of it is null."""

    rows: int
    lists: Mapping[str, bytes | None]


def _in_bulk(ledger: "Ledger", chosen: _Chosen) -> pd.DataFrame:
    """Return what is chosen; raise ValueError or LedgerError where it cannot be read so."""
    order = [name.removeprefix("t.") for name in _ORDER[chosen.table]]
    taken = {name: _COLUMNS[kind]() for name, kind in {**dict.fromkeys(order, WHOLE), **chosen.columns}.items()}
    _take_all(taken, _parts(ledger, chosen, list(taken)))
    _see_order([taken[name] for name in order])
    return _together({name: taken[name].values() for name in chosen.columns})


def _take_all(taken: Mapping[str, Column], parts: Iterator[_Part]) -> None:
    """Read each part in another thread, while SQLite makes the next one; it leaves the interpreter free meanwhile.

    SQLite stays in this thread, which may hold the ledger already.
    """
    part, following = next(parts, None), next(parts, None)
    if part is None or following is None:
        if part is not None:
            _take(taken, part)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as other:
        behind = other.submit(_take, taken, part)
        for one in chain([following], parts):
            behind.result()
            behind = other.submit(_take, taken, one)
        behind.result()


def _take(taken: Mapping[str, Column], part: _Part) -> None:
    for name, one in part.lists.items():
        taken[name].take(one, part.rows)


def _see_order(numbers: Sequence[Any]) -> None:
    """Raise ValueError where rows do not come in order: SQLite keeps it in practice, and promises nothing."""
    first, *rest = (one.numbers() for one in numbers)
    step = np.diff(first)
    if not all(step > 0) and not (rest and ((step > 0) | ((step == 0) & (np.diff(rest[0]) > 0))).all()):
        raise ValueError(numbers)


def _parts(ledger: "Ledger", chosen: _Chosen, names: Sequence[str]) -> Iterator[_Part]:
    """Yield the rows of ranges of entries, in order."""
    begin, end = _span(ledger, chosen)
    entries, silent = _FIRST_ENTRIES, list[str]()
    while begin <= end:
        stop = min(end, begin + entries - 1)
        where, values = _standing(ledger, chosen, begin, stop)
        spoken = [name for name in names if name not in silent]
        # Of columns that said nothing in the part before, most say nothing again; that is asked of all at once.
        any_said = f"count(coalesce({', '.join(map(_sql, silent))}, NULL))" if silent else "0"
        rows, said, *texts = ledger.rows(f"SELECT count(*), {any_said}, {_lists(spoken)} {where}", values)[0]
        if said:
            texts += ledger.rows(f"SELECT {_lists(silent)} {where}", values)[0]
        if rows:
            found = dict(zip(spoken + silent, texts, strict=False))
            null = all_null(rows)
            part = _Part(rows, {name: None if (text := found.get(name)) == null else text for name in names})
            silent = [name for name, text in part.lists.items() if text is None]
            yield part
        size = sum(map(len, texts)) or 1
        entries = max(1, min(_MOST_ENTRIES, 4 * entries, entries * _BYTES // size))
        begin = stop + 1


def _lists(names: Sequence[str]) -> str:
    # As bytes, for Python would make a text of each first.
    return ", ".join(f"CAST(json_group_array({_sql(name)}) AS BLOB)" for name in names)


def _span(ledger: "Ledger", chosen: _Chosen) -> tuple[int, int]:
    """Return the first and the last entry that can have a row of what is chosen."""
    table = chosen.table
    query = f"SELECT (SELECT min(entry) FROM {table}), (SELECT max(entry) FROM {table})"
    values: dict[str, Any] = {}
    days = chosen.first is not None or chosen.last is not None
    if days and table != "verifications":
        # The index of days alone answers this.
        where, values = _where(chosen._replace(table="checks", at=None, after=None))
        query = f"SELECT min(t.entry), max(t.entry) FROM checks t WHERE 1 = 1{where}"
    first, last = ledger.rows(query, values)[0]
    if first is None:
        return 0, -1
    at, after = chosen.at, chosen.after
    return max(first, first if after is None else after + 1), min(last, last if at is None else at)


def _standing(ledger: "Ledger", chosen: _Chosen, begin: int, stop: int) -> tuple[str, dict[str, Any]]:
    """Return from where rows of a range of entries come, those of superseded entries left out where there are any."""
    where, values = _where(chosen._replace(at=None, after=None), "+")
    values |= {"begin": begin, "stop": stop}
    if chosen.at is not None:
        values["at"] = chosen.at
    until = "" if chosen.at is None else " AND seq <= :at"
    replaced = f"SELECT supersedes FROM entry WHERE supersedes BETWEEN :begin AND :stop{until}"
    query = f"FROM {chosen.table} t WHERE t.entry BETWEEN :begin AND :stop{where}"
    if ledger.rows(f"{replaced} LIMIT 1", values):
        query += f" AND t.entry NOT IN ({replaced})"
    return query, values


__all__ = [
    "CHECKS",
    "COUNTED",
    "DAY",
    "DECLARED",
    "FINDINGS",
    "KEY",
    "MOMENT",
    "NEEDED",
    "TEXT",
    "VERIFICATIONS",
    "WHOLE",
    "by_rows",
    "checks",
    "empty",
    "findings",
    "verifications",
]
