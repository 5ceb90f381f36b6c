"""Selection: which duties, checks and findings stand behind the row of a table of indicators that has given keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from qpi import calendar, codes, engines, metrics, strangers, text, tidy
from qpi.calendar import Period
from qpi.checklist import COMPANY
from qpi.definitions import Definitions
from qpi.duties import Truth, Whole
from qpi.errors import UsageError
from qpi.frames import NEEDED
from qpi.groups import named, pairs
from qpi.messages import say
from qpi.policy import CHECK_KINDS

Where = Mapping[str, str | None]
"""A key and its value; "" is what a project has without the attribute, None what a row names nothing for."""


@dataclass(frozen=True)
class Selection:
    """The keys of a row of a period; a month among them is the period then, as `--by month` has it."""

    definitions: Definitions
    period: Period
    keys: Where

    @cached_property
    def projects(self) -> Truth:
        """Say of each project of the portfolio whether duties that it is owed are chosen."""
        found = [self._of_project(one.id) for one in self.definitions.portfolio.projects]
        return np.array(found, dtype=bool)

    def _of_project(self, name: str | None) -> bool:
        project = self.definitions.portfolio.project.get(name or "")
        attributes = project.attributes_on(self.period.last) if project else {}
        return all(
            value == (name if key == "project" else attributes.get(key, ""))
            for key, value in self.keys.items()
            if key not in _OF_CHECKS
        )

    def realms(self, level: str, names: Sequence[str]) -> Truth:
        """Say of each realm of a level whether its duties are chosen: under no project, and under its own attribute."""
        own = None if level == COMPANY else level
        found = [
            all(value == (name if key == own else None) for key, value in self.keys.items() if key not in _OF_CHECKS)
            for name in names
        ]
        return np.array(found, dtype=bool)

    def has(self, key: str, value: str | None) -> bool:
        """Say whether a value, of a role or specialty, is the chosen one, or none was chosen."""
        return key not in self.keys or self.keys[key] == value

    def checks(self, rows: pd.DataFrame, day: Whole) -> Truth:
        """Say of each check whether it is chosen; `day` is its day."""
        chosen = np.ones(len(rows), dtype=bool)
        for key in self.keys:
            if key in ("specialty", "category"):
                points, row = self.points(rows["point"], day)
                fits = [self.has(key, getattr(point, key) if point else None) for point in points]
            elif key in _OF_CHECKS:
                row, names = named(rows[key])
                fits = [self.has(key, (name or "routine") if key == "kind" else name) for name in names]
            else:
                continue
            chosen &= np.array(fits, dtype=bool)[row]
        row, names = named(rows["project"])
        if any(key not in _OF_CHECKS for key in self.keys):
            chosen &= np.array([self._of_project(name) for name in names], dtype=bool)[row]
        return chosen

    def points(self, column: "pd.Series[Any]", day: Whole) -> tuple[list[Any], Whole]:
        """Return the points in force on some day, None for one that is not, and which of them each row has."""
        row, names = named(column)
        known, inverse = pairs(codes.month_of(day), row)
        lists = self.definitions.checklists
        found = [lists.points(calendar.first_day(month)).get(names[code] or "") for month, code in known]
        return [one[0] if one else None for one in found], inverse


_OF_CHECKS = frozenset({"role", "specialty", "category", "inspector", "kind"})


def selection(definitions: Definitions, period: Period, where: Where) -> Selection:
    """Return the selection of keys; raise UsageError for one that no table of indicators is grouped by."""
    metrics.refuse_others(definitions)
    keys = dict(where)
    for key in keys:
        if key not in definitions.groupings or key in metrics.RESULT:
            remedy = metrics.remedy_of(definitions, key, taken=metrics.RESULT)
            raise UsageError(say('grouping "{name}" is unknown; {remedy}', name=key, remedy=remedy))
    span = period
    if "month" in keys:
        month = keys.pop("month")
        inside = {calendar.month_name(number): number for number in period.months}
        if month not in inside:
            remedy = text.instead("", inside)
            raise UsageError(
                say("{month} is no month of {period}; {remedy}", month=month or "—", period=period.name, remedy=remedy)
            )
        span = calendar.month_period(inside[month])
    return Selection(definitions, span, keys)


def known_values(definitions: Definitions, key: str) -> dict[str, str]:
    """Return the values that a key can have by the definitions, each with its title where it has one."""
    lists, portfolio = definitions.checklists, definitions.portfolio
    if key == "project":
        return {project.id: project.name for project in portfolio.projects}
    if key == "role":
        return lists.role_titles
    if key == "kind":
        return dict.fromkeys(CHECK_KINDS, "")
    if key == "inspector":
        return dict.fromkeys((person.id for person in portfolio.people), "")
    if key in ("specialty", "category"):
        points = (point for source in lists.sources for point in source.edition.points.values())
        return {value: "" for point in points if (value := getattr(point, key)) is not None}
    states = (state for project in portfolio.projects for _, state in project.states)
    return {"": "", **{state[key]: "" for state in states if key in state}}


def picked(frame: Any, name: str, columns: Mapping[str, Any], days: tuple[date, date] | None = None) -> pd.DataFrame:
    """Return these columns of a caller's table, in memory and in the order of the ledger; those that it lacks with their default.

    Without numbers of entries a table in memory keeps its order; of any other engine, which knows none, rows come in
    that of their ids.
    """
    table = tidy.table(frame, NEEDED[name], name)
    there = tidy.names(table)
    if days is not None:
        # The days of pandas are moments at midnight; those of any other are days.
        midnights = table.implementation.is_pandas()
        ends = (days[0], days[1] + timedelta(days=1))
        first, stop = (datetime.combine(one, time.min) if midnights else nw.lit(one, dtype=nw.Date) for one in ends)
        # The day of a row may bear an hour.
        table = table.filter((nw.col("day") >= first) & (nw.col("day") < stop))
    order: list[str] = [column for column in ("entry", "no") if {column, "entry"} <= there]
    found = table.select(*(column for column in dict.fromkeys((*columns, *order)) if column in there))
    rows = _here(found)
    rows = strangers.judged_here(rows, name)
    if not order and not tidy.in_memory(found):
        order = [column for column in ("id", "finding", "verified_at") if column in rows.columns]
    if order and not (order == ["entry"] and rows["entry"].is_monotonic_increasing):
        rows = rows.sort_values(order, kind="stable")
    rows = rows.drop(columns=[column for column in ("no",) if column in rows.columns and column not in columns])
    rows = rows.reset_index(drop=True)
    missing = {
        column: pd.Series([default] * len(rows), dtype="object", index=rows.index)
        for column, default in columns.items()
        if column not in there
    }
    return rows.assign(**missing)


def _here(found: Any) -> pd.DataFrame:
    """Return a table in memory with the types that a table of the ledger has."""
    eager = engines.collected(found) if isinstance(found, nw.LazyFrame) else found
    if not eager.implementation.is_pyarrow():
        plain: pd.DataFrame = eager.to_pandas()
        return plain
    # Left alone, whole numbers with gaps would become floats, and days objects.
    rows: pd.DataFrame = eager.to_native().to_pandas(types_mapper=_with_gaps, date_as_object=False)
    whole = {name: "int64" for name in rows.columns if rows[name].dtype == "Int64" and not rows[name].isna().any()}
    return rows.astype({**whole, **{name: "datetime64[s]" for name in tidy.DAYS if name in rows.columns}})


def _with_gaps(kind: Any) -> Any:
    return pd.Int64Dtype() if str(kind) in ("int64", "int32") else None


__all__ = ["Selection", "Where", "known_values", "named", "picked", "selection"]
