"""Trend: the indicators of a period beside those of the period before and of the same period last year."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import pandas as pd

from qpi import calendar, metrics
from qpi.calendar import Period
from qpi.definitions import Definitions
from qpi.errors import UsageError
from qpi.intervals import MINIMUM, Rate, difference, points, rates
from qpi.messages import say
from qpi.metrics import RESULT, Count, Key
from qpi.policy import INDICATORS
from qpi.tally import Tally

FIGURES = ("done", "due", "rate", "verdict")
CHANGES = ("change", "change_low", "change_high", "signal")
PREVIOUS, LAST_YEAR = "previous", "last_year"
COLUMNS = tuple(f"{side}_{name}" for side in (PREVIOUS, LAST_YEAR) for name in ("period", *FIGURES, *CHANGES))
"""Columns that a comparison has beside those of the indicators."""
OWED = frozenset({"coverage", "frequency_completion"})
"""Indicators of which something is due also where nothing was recorded."""
CLEAR, UNCLEAR, FEW = "clear", "unclear", "too few"
Name = tuple[Key, str]


class _Side(NamedTuple):
    """A period, how many months it lies before the one in question, and its counts under the keys of that one.

    `checked` has when there was a check: the months of the grouping, or None for the whole period. `whole` says whether
    checks began no later than the period.
    """

    side: str
    span: Period
    months: int
    counts: Mapping[Name, Count]
    rates: Mapping[Name, Rate]
    checked: frozenset[str | None]
    whole: bool


def compared(
    definitions: Definitions,
    checks: Any,
    findings: Any,
    verifications: Any,
    period: str | Period,
    *,
    by: Sequence[str] = (),
    as_of: datetime | date | None = None,
    minimum: int = MINIMUM,
) -> pd.DataFrame:
    """Return the indicators of a period with those of the period before and of the same period last year beside them.

    The tables, `by` and `as_of` are those of `qpi.metrics.indicators`, and so are the first columns. Then come, with
    `previous_` and with `last_year_` before their names: `period`, its name; `done`, `due`, `rate` and `verdict`;
    `change`, by how many percentage points the rate has risen since; `change_low` and `change_high`, the interval of
    the change at 95 % (Newcombe, see `qpi.intervals`); and `signal`: `clear` where that interval leaves 0 out,
    `unclear` where it does not, `too few` where either rate comes of fewer than `minimum` cases.

    A group that only one of the periods has keeps its row, with null for the others. Where a period has no check at
    all, coverage and frequency have no change. The period before a year is the year before, so a year has no
    `last_year_`. With the grouping `month` each month stands beside the month before it and the same month of the year
    before. All are counted at the same `as_of`. Raises UsageError as `indicators` does.
    """
    rows = metrics.rows_of(definitions, checks, findings, verifications)
    return of_tally(definitions, rows, period, by=by, as_of=as_of, minimum=minimum)


def of_tally(
    definitions: Definitions,
    rows: Tally,
    period: str | Period,
    *,
    by: Sequence[str] = (),
    as_of: datetime | date | None = None,
    minimum: int = MINIMUM,
) -> pd.DataFrame:
    """Return the same from counts, of rows or of what was stored."""
    check_minimum(minimum)
    span = metrics.period_of(period) if isinstance(period, str) else period
    keys = metrics.groupings(definitions, by, taken=(*RESULT, *COLUMNS))
    moment = metrics.moment_of(definitions, as_of)

    begins = rows.first_month()

    def side(name: str, months: int) -> _Side:
        then = calendar.moved(span, -months)
        counts = metrics.tallied(definitions, rows, then, by=keys, as_of=moment)
        counts = [_later(count, keys, months) for count in counts]
        checked = {_month(keys, row.key) for row in counts if row.indicator == "traceability"}
        by_name = {(row.key, row.indicator): row for row in counts}
        whole = begins is None or begins <= then.start
        return _Side(name, then, months, by_name, rates(counts), frozenset(checked), whole)

    now, *earlier = (side(name, months) for name, months in {"": 0, **sides(span, keys)}.items())
    places = {indicator: place for place, indicator in enumerate(INDICATORS)}
    names = sorted(
        {name for one in (now, *earlier) for name in one.counts},
        key=lambda name: ([(part is None, part or "") for part in name[0]], places[name[1]]),
    )
    frame = _figures(definitions, names, now, keys)
    for one in earlier:
        frame[f"{one.side}_period"] = pd.Series([_then(one, keys, key) for key, _ in names], dtype="object")
        figures = _figures(definitions, names, one, keys)
        for column in FIGURES:
            frame[f"{one.side}_{column}"] = figures[column]
        changes = [_change(now, one, name, _month(keys, name[0]), minimum) for name in names]
        for number, column in enumerate(CHANGES):
            values = [change[number] for change in changes]
            frame[f"{one.side}_{column}"] = pd.Series(values, dtype="object" if column == "signal" else "float64")
    return frame


def check_minimum(minimum: int) -> None:
    """Raise UsageError for a least number of cases that is not at least 1."""
    if minimum < 1:
        raise UsageError(say("the minimum {number} is no number of cases; write 1 or more", number=minimum))


def sides(span: Period, by: Sequence[str]) -> dict[str, int]:
    """Return how many months lie between a period, or each of its months, and those that it is compared with."""
    length = 1 if "month" in by else span.stop - span.start
    return {PREVIOUS: length} if length == 12 else {PREVIOUS: length, LAST_YEAR: 12}


def earlier(span: Period) -> dict[str, str]:
    """Return the names of the periods that a period is compared with."""
    return {side: calendar.moved(span, -months).name for side, months in sides(span, ()).items()}


def _later(count: Count, by: Sequence[str], months: int) -> Count:
    """Return a count under the month that it is compared with."""
    if not months or "month" not in by:
        return count
    key = tuple(_moved(part, months) if name == "month" and part else part for name, part in zip(by, count.key, strict=True))  # fmt: skip
    return count._replace(key=key)


def _moved(month: str, months: int) -> str:
    return calendar.moved(calendar.period(month), months).name


def _then(side: _Side, by: Sequence[str], key: Key) -> str:
    """Return the name of the earlier period of a row."""
    month = _month(by, key)
    return side.span.name if month is None else _moved(month, -side.months)


def _month(by: Sequence[str], key: Key) -> str | None:
    """Return the month of a key, None where months are not grouped by."""
    return key[by.index("month")] if "month" in by else None


def _figures(definitions: Definitions, names: Sequence[Name], side: _Side, by: Sequence[str]) -> pd.DataFrame:
    """Return the indicators of one period in the rows of all, null where it has no such row."""
    rows = [side.counts.get(name, Count(*name, 0, 0)) for name in names]
    frame = metrics.table(definitions, rows, by)
    there = pd.Series([name in side.counts for name in names], dtype="bool")
    for column in ("done", "due"):
        frame[column] = frame[column].where(there)
    frame["verdict"] = frame["verdict"].where(there, other=None)
    return frame


def _change(
    now: _Side, then: _Side, name: Name, month: str | None, minimum: int
) -> tuple[float | None, float | None, float | None, str | None]:
    """Return the change in percentage points, from and to at 95 %, and what it says."""
    after, before = now.rates.get(name), then.rates.get(name)
    change = None if after is None or before is None else points(after, before)
    # Duties are owed also where no check at all was written down, as before the ledger began; nothing rises from there.
    if name[1] in OWED and not (month in now.checked and month in then.checked):
        change = None
    # A month by itself has records or has not; a longer period that they begin in is owed more than they can show.
    if name[1] in OWED and month is None and not (now.whole and then.whole):
        change = None
    if change is None or after is None or before is None:
        return None, None, None, None
    interval = difference(after, before)
    few = after.few(minimum) or before.few(minimum)
    if interval is None:
        return change, None, None, FEW if few else None
    low, high = 100 * interval.low, 100 * interval.high
    return change, low, high, FEW if few else CLEAR if low > 0 or high < 0 else UNCLEAR


def one_period(frame: pd.DataFrame, side: str = "") -> pd.DataFrame:
    """Return the indicators of one period of a comparison as `qpi.metrics.indicators` gives them.

    `side` is `previous` or `last_year`, or empty for the period in question.
    """
    names = list(frame.columns)
    keys = names[: names.index("indicator")]
    prefix = f"{side}_" if side else ""
    columns = {**{name: name for name in (*keys, "indicator")}, **{f"{prefix}{name}": name for name in ("done", "due", "rate")},
               "floor": "floor", f"{prefix}verdict": "verdict"}  # fmt: skip
    found = frame[list(columns)].set_axis(list(columns.values()), axis=1)
    return found[found["done"].notna()].reset_index(drop=True)


def begins_within(frame: pd.DataFrame, side: str) -> bool:
    """Say whether checks begin after the first month of an earlier period, or of the one in question."""
    owed = frame[frame["indicator"].isin(OWED)]
    both = owed["rate"].notna() & owed[f"{side}_rate"].notna()
    return bool((both & owed[f"{side}_change"].isna()).any()) and has_checks(frame, side) and has_checks(frame)


def has_checks(frame: pd.DataFrame, side: str = "") -> bool:
    """Say whether one period of a comparison has any check."""
    return "traceability" in set(one_period(frame, side)["indicator"])


__all__ = [
    "COLUMNS",
    "begins_within",
    "check_minimum",
    "compared",
    "earlier",
    "has_checks",
    "of_tally",
    "one_period",
    "sides",
]
