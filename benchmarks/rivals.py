"""What all sides count: the four tables of counts, and the demand that two sides give the same numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from company import Company

from qpi import duties, frames, tally

COUNTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # Of checks that fulfil duties: the days looked at in the month as bits, bit 0 the first.
    "days": (("project", "role", "point", "month"), ("days",)),
    "looks": (("point", "method", "reach", "na"), ("checks", "traceable")),
    # Of findings, in the month of their check.
    "found": (("point", "kind", "month"), ("findings", "closed", "on_time")),
    # How many checks with findings lost how many hundredths together, and how many a finding made untraceable.
    "lost": (("point", "na", "deducted"), ("checks", "spoilt")),
}
"""Keys and numbers of each table; a month is counted as year * 12 + month - 1."""
TABLES: Mapping[str, Mapping[str, str]] = {
    "checks": frames.CHECKS,
    "findings": frames.FINDINGS,
    "verifications": frames.VERIFICATIONS,
}
NEEDED: Mapping[str, tuple[str, ...]] = {
    "checks": (
        "entry",
        "project",
        "point",
        "role",
        "inspector",
        "kind",
        "day",
        "place",
        "method",
        "result",
        "sample_size",
        "population",
        "evidence_count",
    ),
    "findings": ("entry", "id", "kind", "fault", "advice", "handling", "deduct_hundredths", "verify_on"),
    "verifications": ("entry", "finding", "verified_at", "day", "outcome"),
}
"""Columns that the counts need of each table: what a bare scan reads, and what stands in memory."""
BY_DAY, BY_MASK = "by day", "by mask"
"""Two ways to the days: grouped by day and then by month, as one writes it; or as bits that are or-ed in one group-by."""
Counts = Mapping[str, Any]


class Asked(NamedTuple):
    """What the definitions say to the counts: the kinds that fulfil duties, the greatest least sample, duties and months."""

    kinds: tuple[str, ...]
    most: int
    owed: tally.Owed
    start: int
    stop: int


def asked(of: Company, months: int = 1) -> Asked:
    """Return what a company's definitions ask in so many months from January 2026."""
    points = [p for source in of.definitions.checklists.sources for p in source.edition.points.values()]
    samples = [s for p in points for s in (p.sample, *(v.sample for v in p.variants or ())) if s is not None]
    start = 2026 * 12
    owed = duties.build(of.definitions, start, start + months)
    whose = tally.Owed(owed.projects, owed.pairs, np.ones(len(owed.pairs), dtype=np.int64))
    kinds = of.definitions.policy.counts_for_duty
    return Asked(kinds, max(sample.minimum for sample in samples), whose, start, start + months)


def files(folder: Path, name: str, month: str = "*") -> str:
    """Return the pattern of a table's Parquet files, of one month or of all."""
    return f"{folder}/{name}/month={month}/*.parquet"


def normal(counts: Counts) -> dict[str, pd.DataFrame]:
    """Return counts of any side in one form: texts and whole numbers, sorted by their keys."""
    return {name: _normal(counts[name], *columns) for name, columns in COUNTS.items()}


def numbered(counts: Counts) -> Counts:
    """Return counts in which the days of a month are how many they are, as a side without bits counts them."""
    days = normal(counts)["days"]
    return {**counts, "days": days.assign(days=np.bitwise_count(days["days"].to_numpy()))}


def _normal(table: Any, keys: tuple[str, ...], numbers: tuple[str, ...]) -> pd.DataFrame:
    frame = table.to_pandas() if hasattr(table, "to_pandas") else table
    columns: dict[str, Any] = {name: frame[name].astype("int64") for name in numbers}
    for name in keys:
        if name in ("month", "reach", "na", "deducted"):
            columns[name] = frame[name].astype("int64")
        else:
            texts = frame[name].astype("object")
            columns[name] = texts.where(texts.notna(), "")
    return pd.DataFrame(columns)[[*keys, *numbers]].sort_values(list(keys), ignore_index=True)


def demand_same(counts: Mapping[str, Counts]) -> None:
    """Raise AssertionError where two sides differ in a row."""
    (first, one), *rest = ((side, normal(found)) for side, found in counts.items())
    assert all(len(table) for table in one.values()), f"{first} counts nothing"
    for side, other in rest:
        for name, (keys, _) in COUNTS.items():
            left, right = one[name], other[name]
            assert len(left) == len(right), f"{name}: {first} has {len(left)} rows, {side} has {len(right)}"
            differs = (left != right).any(axis=1)
            if differs.any():
                raise AssertionError(
                    f"{name} by {', '.join(keys)}: {first} has {left[differs].iloc[0].to_dict()}, "
                    f"{side} has {right[differs].iloc[0].to_dict()}, and {differs.sum() - 1} rows more differ"
                )
