"""F13: counts one below a floor and exactly at it; none is judged or shown as on the other side."""

import random
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from inputs import found
from qpi import formats
from qpi.metrics import PARTS, Count, table
from qpi.policy import INDICATORS
from torture.figures import Figure, Run

CASES, ROWS = 18_000, 300
RATES = tuple(name for name in INDICATORS if not name.endswith("_ratio"))
RATIOS = tuple(name for name in INDICATORS if name.endswith("_ratio"))


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of thresholds."""
    rng = random.Random(run.seed)
    aim, below, exact = run.share(CASES, ROWS), 0, 0
    faults: list[str] = []
    naive, floating = 0, 0
    while below < aim:
        indicator, floor = rng.choice(INDICATORS), _floor(rng)
        rows = list(_counts(rng, indicator, floor))
        for count, verdict, shown, at in _judged(floor, indicator, rows):
            under = Fraction(count.done, count.due) < floor
            below, exact = below + under, exact + (not under)
            if verdict != ("missed" if under else "met") or (shown < at) != under:
                faults.append(f"{indicator} {count.done}/{count.due} against {at} %: {verdict}, shown as {shown} %")
            naive += under and Decimal(f"{100 * count.done / count.due:.1f}") >= at
            floating += under and Decimal(f"{100 * count.done / count.due:.2f}") >= at
        run.tell(f"F13: {below + exact} counts")
    yield Figure(
        "F13",
        "counts one below a floor, and as many exactly at it, judged and shown as such",
        "counts",
        2 * aim,
        below + exact,
        tuple(faults) or (() if naive else ("rounding to one decimal is right as well",)),
        "dues from 1 to ten millions, floors with up to two decimals",
        (f"rounded to one decimal {naive} of {below} pass, to two {floating}",) if naive else (),
    )


def _floor(rng: random.Random) -> Fraction:
    percent = rng.choice((75, 100, 90, 50, 1, rng.randrange(1, 101), Fraction(rng.randrange(1, 10001), 100)))
    return Fraction(percent) / 100


def _counts(rng: random.Random, indicator: str, floor: Fraction) -> Iterator[Count]:
    """Yield pairs of counts with one due: one below the floor, and at it."""
    for _ in range(ROWS // 2):
        times = rng.randrange(1, 10 ** rng.randrange(1, 8) // floor.denominator + 2)
        due = floor.denominator * times
        if indicator in RATIOS and due < 60:
            # Fewer have no verdict.
            due *= 60
        done = floor * due
        yield Count((), indicator, int(done) - 1, due)
        yield Count((), indicator, int(done), due)


def _judged(floor: Fraction, indicator: str, rows: list[Count]) -> Iterator[tuple[Count, str, Decimal, Decimal]]:
    """Yield each count with its verdict and its rate and floor as the table shows them."""
    text = f"{Decimal(floor.numerator * 100) / floor.denominator}%"
    policy = found(policy={"floors": {indicator: text}}).policy
    assert policy.floor(indicator) == floor, (policy.floor(indicator), floor)
    frame = table(found(policy={"floors": {indicator: text}}), rows, ())
    for name in ("title", "source", "grade"):
        frame[name] = None
    lines = formats.to_table(frame, policy).splitlines()[2 : len(rows) + 2]
    for count, line in zip(rows, lines, strict=True):
        rate, at = re.findall(r"(-?[0-9.]+) %", line)
        (verdict,) = re.findall(r"\b(met|missed|n/a)\b|—", line) or [""]
        assert str(count.due // PARTS.get(indicator, 1))[:3] in line
        yield count, verdict, Decimal(rate), Decimal(at)
