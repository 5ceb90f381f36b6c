"""Ranks: projects, or other groups, in the order of a rate, as far as their numbers carry."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

import pandas as pd

from qpi import metrics, terms, text
from qpi.calendar import Period
from qpi.definitions import Definitions
from qpi.errors import UsageError
from qpi.intervals import MINIMUM, Interval, Rate, rates
from qpi.messages import say
from qpi.metrics import PARTS, RATIOS, RESULT, WITHOUT_DUTIES, Count
from qpi.policy import INDICATORS
from qpi.tally import Tally
from qpi.trend import OWED, check_minimum

COLUMNS = ("rank", "best", "worst", "done", "due", "cases", "rate", "low", "high", "verdict", "unranked")
"""Columns that a ranking has beside its grouping."""
FEW, NAMELESS = "too few", "nameless"
RANKED = tuple(name for name in INDICATORS if name not in RATIOS)
"""Indicators of which more is better; above its floor a ratio says nothing of the kind."""


class _Row(NamedTuple):
    """A group with its count, its rate, its interval and why it has no rank."""

    figure: Count
    rate: Rate
    interval: Interval | None
    unranked: str | None


class _Rank(NamedTuple):
    """The rank of a group, and the best and worst that the intervals allow."""

    rank: int
    best: int | None
    worst: int | None


def ranked(
    definitions: Definitions,
    checks: Any,
    findings: Any,
    verifications: Any,
    period: str | Period,
    indicator: str,
    *,
    by: str = "project",
    minimum: int = MINIMUM,
    as_of: datetime | date | None = None,
) -> pd.DataFrame:
    """Return the groups of one grouping in the order of an indicator's exact rate, the highest first.

    The tables and `as_of` are those of `qpi.metrics.indicators`. Columns: the grouping; `rank`, which equal rates
    share; `best` and `worst`, the ranks that the intervals allow: 1 and those that lie wholly above, and the number of
    the ranked less those that lie wholly below; `done`, `due`, `cases` (see `qpi.intervals`), `rate`; `low` and `high`,
    Wilson's interval at 95 %, null where the rate is below 0 or above 1; `verdict`; `unranked`: `too few` under
    `minimum` cases, `nameless` where nothing names the group, else null. Groups without a rank come last, in the order
    of their keys.

    Raises UsageError for an unknown period, indicator or grouping, for an indicator of duties by what duties do not
    have, and for the three ratios, of which more is not better.
    """
    rows = metrics.rows_of(definitions, checks, findings, verifications)
    return of_tally(definitions, rows, period, indicator, by=by, minimum=minimum, as_of=as_of)


def of_tally(
    definitions: Definitions,
    rows: Tally,
    period: str | Period,
    indicator: str,
    *,
    by: str = "project",
    minimum: int = MINIMUM,
    as_of: datetime | date | None = None,
) -> pd.DataFrame:
    """Return the same from counts, of rows or of what was stored."""
    if not isinstance(minimum, int):
        raise UsageError(say("the minimum {number} is no whole number; write minimum=30", number=repr(minimum)))
    check_minimum(minimum)
    _refuse(indicator)
    if not isinstance(by, str):
        raise UsageError(say('a ranking takes one grouping, as a text; write by="project"'))
    span = metrics.period_of(period)
    keys = metrics.groupings(definitions, (by,), taken=(*RESULT, *COLUMNS))
    if by in WITHOUT_DUTIES and indicator in OWED:
        raise UsageError(
            say("duties have no {grouping}, so {indicator} cannot be ranked by it", grouping=by, indicator=indicator)
        )
    counts = metrics.tallied(definitions, rows, span, by=keys, as_of=as_of)
    found = rates(counts)
    groups = [_row(count, found[count.key, indicator], minimum) for count in counts if count.indicator == indicator]
    return _table(definitions, groups, by)


def _refuse(indicator: str) -> None:
    if indicator in RATIOS:
        raise UsageError(
            say("{indicator} is not ranked: above its floor more is not better, it says how people look and not how the "
                "site is; qpi metrics --by shows it", indicator=indicator)
        )  # fmt: skip
    if indicator not in RANKED:
        remedy = text.named(indicator, {name: terms.INDICATOR_TITLES[name] for name in RANKED})
        raise UsageError(say('indicator "{name}" is unknown; {remedy}', name=indicator, remedy=remedy))


def _row(count: Count, rate: Rate, minimum: int) -> _Row:
    nameless = count.key[0] is None
    few = not count.due or rate.few(minimum)
    return _Row(count, rate, rate.interval, NAMELESS if nameless else FEW if few else None)


def _table(definitions: Definitions, rows: Sequence[_Row], by: str) -> pd.DataFrame:
    with_rank = [(_exact(row), row) for row in rows if row.unranked is None]
    # Sorting is stable, so that equal rates stand in the order of their keys.
    with_rank.sort(key=lambda pair: -pair[0])
    ordered = [row for _, row in with_rank]
    places = ranks([rate for rate, _ in with_rank], [row.interval for row in ordered])
    ordered += [row for row in rows if row.unranked is not None]
    missing = len(ordered) - len(places)
    floor_of, few = definitions.policy.floor, definitions.policy.mix_minimum
    columns: dict[str, Any] = {by: pd.Series([row.figure.key[0] for row in ordered], dtype="object")}
    for number, name in enumerate(_Rank._fields):
        columns[name] = pd.Series([*(place[number] for place in places), *[None] * missing], dtype="Int64")
    parts = [PARTS.get(row.figure.indicator, 1) for row in ordered]
    numbers = {
        "done": [row.figure.done / part for row, part in zip(ordered, parts, strict=True)],
        "due": [row.figure.due / part for row, part in zip(ordered, parts, strict=True)],
        "cases": [row.rate.number for row in ordered],
        "rate": [row.figure.done / row.figure.due if row.figure.due else None for row in ordered],
        "low": [row.interval and row.interval.low for row in ordered],
        "high": [row.interval and row.interval.high for row in ordered],
    }
    columns.update({name: pd.Series(values, dtype="float64") for name, values in numbers.items()})
    verdicts = [metrics.verdict(row.figure, floor_of(row.figure.indicator), few) for row in ordered]
    columns["verdict"] = pd.Series(verdicts, dtype="object")
    columns["unranked"] = pd.Series([row.unranked for row in ordered], dtype="object")
    return pd.DataFrame(columns)


def _exact(row: _Row) -> Fraction:
    return Fraction(row.figure.done, row.figure.due)


def ranks(rates: Sequence[Fraction], intervals: Sequence[Interval | None]) -> list[_Rank]:
    """Return rank, best and worst of each rate; `rates` come in falling order.

    A rate without an interval has no best and worst, and is held to be no better and no worse than any other.
    """
    lows = sorted(interval.low for interval in intervals if interval is not None)
    highs = sorted(interval.high for interval in intervals if interval is not None)
    found: list[_Rank] = []
    for place, (rate, interval) in enumerate(zip(rates, intervals, strict=True), 1):
        rank = found[-1].rank if found and rates[place - 2] == rate else place
        if interval is None:
            found.append(_Rank(rank, None, None))
        else:
            better = len(lows) - bisect_right(lows, interval.high)
            worse = bisect_left(highs, interval.low)
            found.append(_Rank(rank, 1 + better, len(rates) - worse))
    return found


__all__ = ["COLUMNS", "RANKED", "of_tally", "ranked", "ranks"]
