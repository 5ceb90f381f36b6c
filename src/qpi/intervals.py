"""Intervals: how far a rate may lie from its long run by chance alone, after Wilson and Newcombe."""

from collections.abc import Iterable
from fractions import Fraction
from math import hypot, sqrt
from typing import NamedTuple

from qpi.metrics import PARTS, Count, Key

Z = 1.959963984540054
"""The normal distribution has 95 % of itself within so many standard deviations of its middle."""
MINIMUM = 30
"""Below so many cases nothing is ranked and no change is judged: 30 of 30 still leaves room for 11 % of failures."""


class Interval(NamedTuple):
    """From and to; of a rate as fractions of 1."""

    low: float
    high: float


class Rate(NamedTuple):
    """Done and due in whole parts (see `metrics.PARTS`), and the number of cases that they come from."""

    done: int
    due: int
    cases: Fraction

    @property
    def exact(self) -> Fraction | None:
        """Done over due, None where nothing is due."""
        return Fraction(self.done, self.due) if self.due else None

    @property
    def interval(self) -> Interval | None:
        """The interval at 95 %, None where there is no rate, or one that is no share of a whole (below 0, above 1)."""
        return None if self.exact is None else wilson(self.exact, self.cases)


def rates(counts: Iterable[Count]) -> dict[tuple[Key, str], Rate]:
    """Return the rates of counts by their key and indicator, each with its number of cases.

    Cases are what is due, in points, checks or findings. Of `score_rate` they are the checks that are not `na`, or the
    points of its scores where these are fewer: three checks of ten points each are three cases and not thirty.
    """
    rows = list(counts)
    judged = {row.key: row.due for row in rows if row.indicator == "method_conformity"}
    found = {}
    for row in rows:
        cases = Fraction(row.due, PARTS.get(row.indicator, 1))
        if row.indicator == "score_rate":
            cases = min(cases, Fraction(judged.get(row.key, 0)))
        found[row.key, row.indicator] = Rate(row.done, row.due, cases)
    return found


def wilson(rate: Fraction, cases: Fraction | int) -> Interval | None:
    """Return the score interval of a rate at 95 %, None where there is no case or the rate is not within 0 and 1.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, J. Am. Stat. Assoc. 22 (1927) 209-212.
    """
    if cases <= 0 or not 0 <= rate <= 1:
        return None
    # The last bit of a bound may lie on the wrong side of the rate, or of 0.
    return Interval(min(_low(rate, cases), float(rate)), max(1 - _low(1 - rate, cases), float(rate)))


def _low(rate: Fraction, cases: Fraction | int) -> float:
    n, done, missed = float(cases), float(rate * cases), float((1 - rate) * cases)
    low = (done + Z * Z / 2 - Z * sqrt(done * missed / n + Z * Z / 4)) / (n + Z * Z)
    return max(low, 0.0) if rate else 0.0


def difference(after: Rate, before: Rate) -> Interval | None:
    """Return the interval of how much a rate lies above another at 95 %, None where either has none.

    R. G. Newcombe, Interval estimation for the difference between independent proportions, Statist. Med. 17 (1998)
    873-890, method 10: the intervals of both rates, put together.
    """
    mine, theirs = after.interval, before.interval
    if mine is None or theirs is None or after.exact is None or before.exact is None:
        return None
    a, b, change = float(after.exact), float(before.exact), float(after.exact - before.exact)
    return Interval(change - hypot(a - mine.low, theirs.high - b), change + hypot(mine.high - a, b - theirs.low))


__all__ = ["MINIMUM", "Interval", "Rate", "Z", "difference", "rates", "wilson"]
