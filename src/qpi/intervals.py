"""Intervals: how far a rate may lie from its long run by chance alone, after Wilson and Newcombe."""

from collections.abc import Iterable
from math import hypot, sqrt
from typing import NamedTuple

from qpi.metrics import PARTS, Count, Key

Z = 1.959963984540054
"""The normal distribution has 95 % of itself within so many standard deviations of its middle."""
_SQUARE = Z * Z
MINIMUM = 30
"""Below so many cases nothing is ranked and no change is judged: 30 of 30 still leaves room for 11 % of failures."""


class Interval(NamedTuple):
    """From and to; of a rate as fractions of 1."""

    low: float
    high: float


class Rate(NamedTuple):
    """Done and due in whole parts (see `metrics.PARTS`), and the cases that they come from, in so many parts each."""

    done: int
    due: int
    cases: int
    part: int = 1

    @property
    def number(self) -> float:
        """The number of cases."""
        return self.cases / self.part

    @property
    def interval(self) -> Interval | None:
        """The interval at 95 %, None where there is no rate, or one that is no share of a whole (below 0, above 1)."""
        if not (self.cases and 0 <= self.done <= self.due):
            return None
        return _wilson(self.done / self.due, (self.due - self.done) / self.due, self.number)

    def few(self, minimum: int) -> bool:
        """Say whether the cases are fewer than a minimum."""
        return self.cases < minimum * self.part


def rates(counts: Iterable[Count]) -> dict[tuple[Key, str], Rate]:
    """Return the rates of counts by their key and indicator, each with its number of cases.

    Cases are what is due, in points, checks or findings. Of `score_rate` they are the checks that are not `na`, or the
    points of its scores where these are fewer: three checks of ten points each are three cases and not thirty.
    """
    rows = list(counts)
    judged = {row.key: row.due for row in rows if row.indicator == "method_conformity"}
    found = {}
    for row in rows:
        part = PARTS.get(row.indicator, 1)
        cases = min(row.due, judged.get(row.key, 0) * part) if row.indicator == "score_rate" else row.due
        found[row.key, row.indicator] = Rate(row.done, row.due, cases, part)
    return found


def wilson(done: float, cases: float) -> Interval | None:
    """Return the score interval at 95 % of so many of so many cases, None where that is no share of a whole.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22 (1927)
    209-212.
    """
    return _wilson(done / cases, (cases - done) / cases, cases) if cases > 0 and 0 <= done <= cases else None


def _wilson(rate: float, rest: float, n: float) -> Interval:
    # The last bit of a bound may lie on the wrong side of the rate.
    return Interval(min(_low(rate, rest, n), rate), max(1 - _low(rest, rate, n), rate))


def _low(rate: float, rest: float, n: float) -> float:
    low = (rate + _SQUARE / (2 * n) - Z * sqrt(rate * rest / n + _SQUARE / (4 * n * n))) / (1 + _SQUARE / n)
    return max(low, 0.0) if rate else 0.0


def points(after: Rate, before: Rate) -> float | None:
    """Return by how many percentage points a rate lies above another: the float nearest to it; None where nothing was due."""
    if not (after.due and before.due):
        return None
    # Whole numbers are divided to the nearest float.
    return 100 * (after.done * before.due - before.done * after.due) / (after.due * before.due)


def difference(after: Rate, before: Rate) -> Interval | None:
    """Return the interval of how much a rate lies above another at 95 %, as fractions of 1; None where either has none.

    R. G. Newcombe, Interval estimation for the difference between independent proportions, Statist. Med. 17 (1998)
    873-890, method 10: the intervals of both rates, put together.
    """
    mine, theirs, change = after.interval, before.interval, points(after, before)
    if mine is None or theirs is None or change is None:
        return None
    a, b = after.done / after.due, before.done / before.due
    middle = change / 100
    return Interval(middle - hypot(a - mine.low, theirs.high - b), middle + hypot(mine.high - a, b - theirs.low))


__all__ = ["MINIMUM", "Interval", "Rate", "Z", "difference", "points", "rates", "wilson"]
