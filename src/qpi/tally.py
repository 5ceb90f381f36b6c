"""Tally: tidy tables turned into additive whole-number counts, on the engine that holds the rows.

A table in memory (pandas, Arrow) is counted through integer codes and dense counts; any other (Polars, DuckDB, Spark,
and what else narwhals takes) by queries of its own engine, of which only the counts are brought here.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

from qpi import calendar, codes, dense, marks, queries, strangers, tidy
from qpi.asked import Days, Held, Looked, Owed, Raised, Stretch
from qpi.frames import NEEDED


class Tally(Protocol):
    """Counts of checks, findings and second verifications, from rows or from what was stored."""

    def days(self, owed: Owed, kinds: Sequence[str], stretches: Sequence[Stretch]) -> Iterator[Days]:
        """Yield month by month the days on which pairs were looked at in projects; see `Rows`."""
        ...

    def looked(self, asked: Looked) -> pd.DataFrame:
        """Return the number of checks by keys and what quality is judged by; see `Rows`."""
        ...

    def found(self, asked: Raised, as_of: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the number of findings, and of checks with findings; see `Rows`."""
        ...

    def closers(self, start: int, stop: int, as_of: datetime) -> pd.DataFrame:
        """Return the number of closed findings by inspector and closer; see `Rows`."""
        ...

    def first_month(self) -> int | None:
        """Return the month of the first check, None where there is none."""
        ...


class Rows:
    """Checks, findings and second verifications of one engine, as a caller hands them over.

    With `of_ledger` they are those of one ledger, whose numbers and days are known to be there, numbers to come once and
    words to be ours; of others that is asked first. Raises UsageError where one is no table, lacks a column, holds what
    cannot be counted, or lies on another engine than the others.
    """

    def __init__(self, checks: Any, findings: Any, verifications: Any, *, of_ledger: bool = False) -> None:
        self._of_ledger = of_ledger
        tables = {"checks": checks, "findings": findings, "verifications": verifications}
        made = {name: tidy.table(frame, NEEDED[name], name) for name, frame in tables.items()}
        tidy.together(*made.values())
        if not of_ledger:
            made = strangers.judged(made)
        self._checks, self._findings, self._verifications = made.values()
        self._columns = codes.Columns(self._checks) if tidy.in_memory(self._checks) else None
        self._found: dict[datetime, Any] = {}

    def strange(self, known: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
        """Return the names in columns of the checks that are not known, for each column that has some."""
        there = tidy.names(self._checks)
        return strangers.others(self._columns or self._checks, {name: known[name] for name in known if name in there})

    def days(self, owed: Owed, kinds: Sequence[str], stretches: Sequence[Stretch]) -> Iterator[Days]:
        """Yield month by month the days on which pairs were looked at in projects, by checks of these kinds.

        A month without such days may be left out.
        """
        if self._columns is None:
            return queries.days(self._checks, owed, kinds, stretches)
        return marks.days(self._columns, owed, kinds, stretches)

    def looked(self, asked: Looked) -> pd.DataFrame:
        """Return `checks` and how many are `traceable` by themselves, by keys and what quality is judged by.

        Columns beside the keys: point, method, month, state (see `Held`), reach (the size of the sample, no more than
        `most`), na; where some projects move, mover (its place, -1 for others) and day (of movers).
        """
        if self._columns is None:
            return queries.looked(self._checks, asked)
        return dense.looked(self._columns, asked)

    def found(self, asked: Raised, as_of: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the number of `findings` raised, or to be verified, in some months, and of `checks` that have some.

        Columns of the first beside the keys: point, month (of the check), plan_month (-1 without a plan), before
        (planned before `today`), finding_kind, closed (by the latest round up to `as_of`), on_time (first verified by
        the planned day). Columns of the second: point, month, na, traceable (the check by itself), incomplete (some
        finding is), deducted (what its findings take together, in hundredths).
        """
        found = self._of(as_of)
        return queries.found(found, asked) if self._columns is None else dense.found(found, asked)

    def first_month(self) -> int | None:
        """Return the month of the first check, None where there is none."""
        day = queries.first_day(self._checks) if self._columns is None else dense.first_day(self._columns)
        return None if day is None else calendar.month_number(day)

    def latest(self) -> datetime | None:
        """Return the moment of the last second verification, None where there is none."""
        if self._columns is None:
            return queries.latest(self._verifications)
        return dense.latest(self._verifications)

    def closers(self, start: int, stop: int, as_of: datetime) -> pd.DataFrame:
        """Return the number of closed `findings` raised in some months, by inspector and closer."""
        found = self._of(as_of)
        return queries.closers(found, start, stop) if self._columns is None else dense.closers(found, start, stop)

    def _of(self, as_of: datetime) -> Any:
        if as_of not in self._found:
            tables = (self._findings, self._verifications, as_of)
            if self._columns is None:
                self._found[as_of] = queries.Found(self._checks, *tables, of_ledger=self._of_ledger)
            else:
                self._found[as_of] = dense.Found(self._columns, *tables, of_ledger=self._of_ledger)
        return self._found[as_of]


__all__ = ["Days", "Held", "Looked", "Owed", "Raised", "Rows", "Stretch", "Tally"]
