"""Extracts: the rows of a range of entries, as they stand at a position of the ledger, as Arrow tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from qpi import parquet
from qpi.errors import ProofError
from qpi.ledger import Ledger
from qpi.manifest import TABLES
from qpi.messages import said, say

STEP = 20_000
"""So many entries are read from the ledger at once."""
_SQL_NAMES = {"check": "check_id"}
_FROM = {
    "checks": "checks t",
    "findings": "findings t LEFT JOIN checks c ON c.entry = t.entry",
    "verifications": "verifications t",
}
_STANDS = "NOT EXISTS (SELECT 1 FROM entry e WHERE e.supersedes = t.entry AND e.seq <= ?)"


def rows(
    ledger: Ledger, table: str, first: int, last: int, *, at: int, months: set[str] | None = None
) -> Iterator[Any]:
    """Yield the rows of entries that stand at entry `at`, in the ledger's order, some at a time.

    Where months are named, at least those of these are among them. Raises ProofError for rows that are no rows of ours.
    """
    columns = TABLES[table]
    names = ", ".join(f't."{_SQL_NAMES.get(name, name)}"' for name in columns if (table, name) != ("findings", "day"))
    # By an expression, so that no database takes its index of days, of which each step would read the whole.
    month = _month(table)
    between = f" AND {month} >= ? AND {month} <= ?" if months else ""
    query = (
        f"SELECT {names}{', c.day' if table == 'findings' else ''} FROM {_FROM[table]} "
        f"WHERE t.entry >= ? AND t.entry <= ?{between} AND {_STANDS} "
        f"ORDER BY t.entry{', t.no' if table == 'findings' else ''}"
    )
    bounds = (min(months), max(months)) if months else ()
    for start in range(first, last + 1, STEP):
        stop = min(start + STEP - 1, last)
        found = ledger.rows(query, (start, stop, *bounds, at))
        if found:
            yield _typed(ledger, columns, found, start, stop)


def _typed(ledger: Ledger, columns: Mapping[str, str], cells: list[tuple[Any, ...]], start: int, stop: int) -> Any:
    try:
        found = parquet.table(columns, cells)
        if found["day"].null_count:
            raise ValueError(say("a finding without its check"))
    except ValueError as error:
        words = said(error)
        raise ProofError(
            say("{file}: entries {first} to {last} have rows that cannot be exported ({fault}); run qpi ledger verify",
                file=ledger.file, first=start, last=stop, fault=words)
        ) from error  # fmt: skip
    return found


def superseded(ledger: Ledger, table: str, *, after: int, at: int) -> Iterator[tuple[int, str]]:
    """Yield the entries up to `after`, in order, whose rows an entry since has taken away, each with a month of them."""
    query = (
        f"SELECT DISTINCT t.entry, {_month(table)} FROM {_FROM[table]} JOIN entry e ON e.supersedes = t.entry "
        "WHERE e.seq > ? AND e.seq <= ? AND t.entry <= ? ORDER BY t.entry"
    )
    yield from ledger.rows(query, (after, at, after))


def counted(ledger: Ledger, table: str, *, at: int) -> dict[str, int]:
    """Return how many rows of each month stand at entry `at`."""
    month = _month(table)
    query = f"SELECT {month}, count(*) FROM {_FROM[table]} WHERE t.entry <= ? AND {_STANDS} GROUP BY {month}"
    return dict(ledger.rows(query, (at, at)))


def _month(table: str) -> str:
    return f"substr({'c.day' if table == 'findings' else 't.day'}, 1, 7)"


__all__ = ["STEP", "counted", "rows", "superseded"]
