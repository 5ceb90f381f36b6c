"""The counts by hand in Polars, lazy and streaming over Parquet."""

from pathlib import Path

import polars as pl
from rivals import BY_DAY, BY_MASK, TABLES, Asked, Counts, files


def over(folder: Path, month: str = "*") -> dict[str, pl.LazyFrame]:
    """Return the Parquet files of a folder as lazy frames."""
    return {name: pl.scan_parquet(files(folder, name, month), hive_partitioning=False) for name in TABLES}


MONTH = (pl.col("day").dt.year().cast(pl.Int32) * 12 + pl.col("day").dt.month() - 1).alias("month")
BIT = pl.lit(2, dtype=pl.Int64).pow(pl.col("day").dt.day().cast(pl.Int64) - 1).alias("bit")
KEYS = ("project", "role", "point", "month")


def counts(tables: dict[str, pl.LazyFrame], asked: Asked, *, way: str = BY_MASK) -> Counts:
    """Return all counts as frames; Polars runs the plans together and reads once what they share."""
    checks = tables["checks"]
    joined = _joined(tables)
    plans = {
        "days": _days(checks, asked, way),
        "looks": _looks(checks, asked),
        "found": joined.group_by("point", "kind", "month").agg(
            pl.len().alias("findings"), pl.col("closed").sum(), pl.col("on_time").sum()
        ),
        "lost": joined.group_by("point", "entry", "na", "traceable")
        .agg(pl.col("deduct_hundredths").sum().alias("deducted"), pl.col("complete").all())
        .group_by("point", "na", "deducted")
        .agg(pl.len().alias("checks"), (pl.col("traceable") & ~pl.col("complete")).sum().alias("spoilt")),
    }
    return dict(zip(plans, pl.collect_all(plans.values(), engine="streaming"), strict=True))


def _days(checks: pl.LazyFrame, asked: Asked, way: str) -> pl.LazyFrame:
    counted = pl.col("kind").is_in(asked.kinds)
    if "routine" in asked.kinds:
        counted |= pl.col("kind").is_null()
    mine = checks.filter(counted)
    if way == BY_DAY:
        each = mine.group_by("project", "role", "point", "day").agg(pl.len())
        return each.with_columns(MONTH, BIT).group_by(*KEYS).agg(pl.col("bit").sum().alias("days"))
    return mine.with_columns(MONTH, BIT).group_by(*KEYS).agg(pl.col("bit").bitwise_or().alias("days"))


NA = (pl.col("result") == "na").fill_null(value=False).alias("na")


def _traceable() -> pl.Expr:
    says = pl.all_horizontal(pl.col("inspector", "day", "place", "method").is_not_null())
    shown = [(pl.col(name) > 0).fill_null(value=False) for name in ("sample_size", "evidence_count")]
    return (says & (shown[0] | shown[1])).alias("traceable")


def _looks(checks: pl.LazyFrame, asked: Asked) -> pl.LazyFrame:
    size = pl.col("sample_size")
    whole = (size >= pl.col("population")).fill_null(value=False)
    return (
        checks.with_columns(
            pl.when(whole).then(asked.most).otherwise(size.fill_null(0).clip(upper_bound=asked.most)).alias("reach"),
            NA,
            _traceable(),
        )
        .group_by("point", "method", "reach", "na")
        .agg(pl.len().alias("checks"), pl.col("traceable").sum())
    )


def _joined(tables: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    order = ["verified_at", "entry"]
    rounds = (
        tables["verifications"]
        .group_by("finding")
        .agg(
            (pl.col("outcome").sort_by(order).last() == "closed").alias("closed"),
            pl.col("day").sort_by(order).first().alias("first_day"),
        )
    )
    checks = tables["checks"].select("entry", "point", MONTH, NA, _traceable())
    complete = pl.all_horizontal(pl.col("fault", "advice", "handling", "verify_on").is_not_null()).alias("complete")
    return (
        tables["findings"]
        .select("entry", "id", "kind", "verify_on", "deduct_hundredths", complete)
        .join(checks, on="entry")
        .join(rounds, left_on="id", right_on="finding", how="left")
        .with_columns(
            pl.col("closed").fill_null(value=False),
            (pl.col("first_day") <= pl.col("verify_on")).fill_null(value=False).alias("on_time"),
        )
    )
