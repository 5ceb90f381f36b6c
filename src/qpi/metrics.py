"""Metrics: the indicators of docs/indicators.md by any grouping, as one tidy table."""

import warnings
from collections.abc import Collection, Container, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from qpi import calendar, completion, quality, strangers, terms, text
from qpi.calendar import Period
from qpi.completion import WITHOUT_DUTIES
from qpi.definitions import Definitions
from qpi.errors import UnknownNameWarning, UsageError
from qpi.groups import Count, Key
from qpi.messages import said, say
from qpi.policy import INDICATORS
from qpi.quality import RATIOS
from qpi.tally import Rows, Tally

PARTS = {"coverage": 12, "frequency_completion": 12, "score_rate": 100}
"""Into how many parts an indicator's whole numbers divide one point or check."""
RESULT = ("indicator", "done", "due", "rate", "floor", "verdict", "title", "source", "grade")
"""Columns that a result has beside its groupings."""


def indicators(
    definitions: Definitions,
    checks: Any,
    findings: Any,
    verifications: Any,
    period: str | Period,
    *,
    by: Sequence[str] = (),
    as_of: datetime | date | None = None,
) -> pd.DataFrame:
    """Return the indicators of a period, one row per group and indicator.

    The tables are any that narwhals takes, with the columns of `qpi.frames`; `findings` and `verifications` may begin
    before the period, and must where something of it is verified later. `by` takes project, role, specialty, category,
    month, inspector, kind and any attribute of projects. `as_of` (default: now) limits verifications; a date includes
    that day in the workspace's zone.

    Columns of the result: the groupings (text, None where nothing names them), `indicator`, `done` and `due` (points,
    checks or findings), `rate` and `floor` (fractions of 1, NaN where there is none), `verdict` (met, missed, n/a).
    Raises UsageError for an unknown period or grouping, a table without a needed column, or one that holds what cannot be
    counted; warns with UnknownNameWarning of projects, roles and points of checks that no definition knows.
    The formulas are those of docs/indicators.md.
    """
    span = period_of(period)
    keys = groupings(definitions, by)
    rows = counts(definitions, checks, findings, verifications, span, by=keys, as_of=as_of)
    return table(definitions, rows, keys)


def period_of(name: str | Period) -> Period:
    """Return the period of a name, and a period as it is; raise UsageError where it means none."""
    if isinstance(name, Period):
        return name
    if not isinstance(name, str):
        raise UsageError(say('{value} is no period; write a text such as "2026-10" or "2026-Q4"', value=repr(name)))
    try:
        return calendar.period(name)
    except ValueError as error:
        raise UsageError(said(error)) from error


def groupings(definitions: Definitions, by: Sequence[str], *, taken: Container[str] = RESULT) -> tuple[str, ...]:
    """Return the groupings that are asked for, each once; raise UsageError for one that is unknown or a name `taken`."""
    refuse_others(definitions)
    if isinstance(by, str) or not isinstance(by, Iterable) or not all(isinstance(name, str) for name in by):
        names = by.split(",") if isinstance(by, str) and by else ["project"]
        listed = ", ".join(f'"{name.strip()}"' for name in names)
        raise UsageError(say("by is a list of groupings; write by=[{names}]", names=listed))
    for name in by:
        if name in taken:
            raise UsageError(
                say(
                    'an attribute named "{name}" cannot be a grouping, the result has a column of that name; rename it',
                    name=name,
                )
            )
        if name not in definitions.groupings:
            raise UsageError(
                say('grouping "{name}" is unknown; {remedy}', name=name, remedy=remedy_of(definitions, name))
            )
    return tuple(dict.fromkeys(by))


def remedy_of(definitions: Definitions, name: str, *, taken: Container[str] = ()) -> str:
    """Return the remedy for an unknown grouping; who writes its Chinese title is told its name."""
    known = [one for one in definitions.groupings if one not in taken]
    return text.named(name, {one: terms.GROUPING_TITLES.get(one, "") for one in known})


def refuse_others(definitions: object) -> None:
    """Raise UsageError for what is handed over in place of definitions, such as the workspace that has them."""
    if not isinstance(definitions, Definitions):
        raise UsageError(
            say("{kind} is not the definitions; give workspace.definitions", kind=type(definitions).__name__)
        )


def moment_of(definitions: Definitions, as_of: datetime | date | None) -> datetime:
    """Return the last moment that verifications count at: of a day its end, and now where nothing is said."""
    if as_of is None:
        return datetime.now(UTC)
    if not isinstance(as_of, date):
        fault = say("{value} is no day or moment; give datetime.date(2026, 10, 25), or a datetime with its zone",
                    value=repr(as_of))  # fmt: skip
        raise UsageError(fault)
    if not 1971 <= as_of.year < 2200:
        raise UsageError(say("as_of {day} lies outside the years 1971 to 2199; mend the year", day=str(as_of)))
    if isinstance(as_of, datetime):
        if as_of.utcoffset() is None:
            raise UsageError(
                say(
                    "as_of {moment} names no offset from UTC; write a day, or 2026-11-20T18:00+08:00", moment=str(as_of)
                )
            )
        return as_of
    next_day = datetime(as_of.year, as_of.month, as_of.day, tzinfo=definitions.zone) + timedelta(days=1)
    return next_day.astimezone(UTC) - timedelta(microseconds=1)


def counts(
    definitions: Definitions, checks: Any, findings: Any, verifications: Any, period: Period, *,
    by: Sequence[str], as_of: datetime | date | None,
) -> list[Count]:  # fmt: skip
    """Return done and due of every indicator and group in whole parts, before any division."""
    return tallied(definitions, rows_of(definitions, checks, findings, verifications), period, by=by, as_of=as_of)


def rows_of(definitions: Definitions, checks: Any, findings: Any, verifications: Any) -> Rows:
    """Return tables of a caller's own as what is counted; warn of names in the checks that no definition knows."""
    refuse_others(definitions)
    rows = Rows(checks, findings, verifications)
    lists = definitions.checklists
    points = {code for source in lists.sources for code in source.edition.points}
    known: dict[str, Collection[str]] = {
        "project": definitions.portfolio.project,
        "role": lists.role_titles,
        "point": points,
    }
    for column, names in rows.strange(known).items():
        warning = say("table checks, column {column}: no definition has {names}; nothing is fulfilled by these rows",
                      column=column, names=strangers.listed(names))  # fmt: skip
        warnings.warn(warning, UnknownNameWarning, stacklevel=4)
    return rows


def tallied(
    definitions: Definitions, rows: Tally, period: Period, *, by: Sequence[str], as_of: datetime | date | None
) -> list[Count]:
    """Return the same from counts, of rows or of what was stored."""
    found = list(completion.counts(definitions, rows, period, by)) if not WITHOUT_DUTIES & set(by) else []
    found += quality.counts(definitions, rows, period, by, moment_of(definitions, as_of))
    order = {indicator: position for position, indicator in enumerate(INDICATORS)}
    shown = [count for count in found if count.done or count.due]
    return sorted(shown, key=lambda count: ([(part is None, part or "") for part in count.key], order[count.indicator]))


# The last step


def table(definitions: Definitions, rows: Sequence[Count], by: Sequence[str]) -> pd.DataFrame:
    """Return counts as the tidy table of `indicators`; this is the only place that divides."""
    policy = definitions.policy
    columns: dict[str, Any] = {
        name: pd.Series([row.key[i] for row in rows], dtype="object") for i, name in enumerate(by)
    }
    columns["indicator"] = pd.Series([row.indicator for row in rows], dtype="object")
    parts = [PARTS.get(row.indicator, 1) for row in rows]
    columns["done"] = pd.Series([row.done / part for row, part in zip(rows, parts, strict=True)], dtype="float64")
    columns["due"] = pd.Series([row.due / part for row, part in zip(rows, parts, strict=True)], dtype="float64")
    columns["rate"] = pd.Series([row.done / row.due if row.due else None for row in rows], dtype="float64")
    floors = {indicator: policy.floor(indicator) for indicator in INDICATORS}
    columns["floor"] = pd.Series([_float(floors[row.indicator]) for row in rows], dtype="float64")
    columns["verdict"] = pd.Series(
        [verdict(row, floors[row.indicator], policy.mix_minimum) for row in rows], dtype="object"
    )
    return pd.DataFrame(columns)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def verdict(count: Count, floor: Fraction | None, mix_minimum: int) -> str:
    """Return met, missed or n/a, in whole numbers only."""
    if floor is None or not count.due or (count.indicator in RATIOS and count.due < mix_minimum):
        return "n/a"
    return "met" if count.done * floor.denominator >= count.due * floor.numerator else "missed"


_CENT = Decimal("0.01")


def percent(done: int, due: int, *bounds: Fraction) -> str:
    """Return done over due (whole numbers) as percent with two decimals, half up; 0.00 % and 100.00 % only when exact.

    A rate that lies below one of the bounds, such as its floor, is not shown as if it had reached it.
    """
    if not due:
        return "—"
    # Half up of a fraction is the floor of itself and a half.
    hundredths = (2 * done * 10000 + due) // (2 * due)
    if any(done * bound.denominator < bound.numerator * due and hundredths >= bound * 10000 for bound in bounds):
        hundredths = done * 10000 // due
    shown = Decimal(hundredths) / 100
    if shown == 0 and done > 0:
        shown = _CENT
    elif shown == 100 and done != due:
        shown = Decimal("99.99") if done < due else Decimal("100.01")
    return f"{shown:.2f} %"


__all__ = [
    "PARTS",
    "RATIOS",
    "WITHOUT_DUTIES",
    "Count",
    "Key",
    "counts",
    "groupings",
    "indicators",
    "moment_of",
    "percent",
    "period_of",
    "refuse_others",
    "remedy_of",
    "rows_of",
    "table",
    "tallied",
    "verdict",
]
