"""The side of this library: the same tables on each engine, and its counts in the form of the rivals."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import generated
import numpy as np
import pandas as pd
import pyarrow as pa
from rivals import NEEDED, TABLES, Asked, Counts, files

from qpi import frames, tally

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
DEMANDED = ("inspector", "checked_at", "place", "method", "sample_or_evidence")
OF_FINDING = ("fault", "advice", "handling", "verify_on")
HELD: Mapping[str, tuple[str, ...]] = {
    "checks": (*NEEDED["checks"], "id"),
    "findings": (*NEEDED["findings"], "check", "fault", "advice", "handling"),
    "verifications": NEEDED["verifications"],
}
"""Columns that stand in memory: those of the rivals, and what this library asks for besides."""
Tables = Mapping[str, Any]


def counts(tables: Tables, asked: Asked) -> Any:
    """Count as `qpi.metrics` does, on the engine that holds the tables."""
    checks = tally.table(tables["checks"], frames.NEEDED["checks"], "checks")
    findings = tally.table(tables["findings"], frames.NEEDED["findings"], "findings")
    verifications = tally.table(tables["verifications"], frames.NEEDED["verifications"], "verifications")
    rows = tally.judged(checks, DEMANDED)
    daily = tally.daily(checks, asked.kinds, FIRST, LAST)
    quality = tally.quality(rows, [], FIRST, LAST, asked.most)
    return daily, quality, tally.raised(rows, findings, verifications, OF_FINDING, None)


def days(tables: Tables, asked: Asked) -> Any:
    """Count only the days that were looked at, as `qpi.metrics` does."""
    checks = tally.table(tables["checks"], frames.NEEDED["checks"], "checks")
    return tally.daily(checks, asked.kinds, FIRST, LAST)


def comparable(found: Any) -> Counts:
    """Return what `counts` gave as the rivals' tables; this belongs to the demand that all agree and is not timed."""
    daily, quality, raised = found
    day = tally.day_numbers(daily["day"]).astype("datetime64[D]")
    bit = 1 << (day - day.astype("datetime64[M]")).astype(np.int64)
    keys = ["project", "role", "point", "month"]
    daily = daily.assign(month=tally.months(day.astype(np.int64)), days=bit).astype(dict.fromkeys(keys[:3], "object"))
    raised = raised.assign(
        month=tally.months(tally.day_numbers(raised["day"])),
        closed=raised["closed"].fillna(0).astype("int64"),
        on_time=(pd.to_datetime(raised["first_day"]) <= pd.to_datetime(raised["verify_on"])).astype("int64"),
        kind=raised["finding_kind"].astype("object"),
        point=raised["point"].astype("object"),
    )
    grouped = raised.groupby(["point", "kind", "month"])
    lost = raised.groupby(["check", "point"], as_index=False)["deduct_hundredths"].sum()
    lost["deducted"] = lost["deduct_hundredths"].astype("int64")
    quality = quality.astype(dict.fromkeys(("point", "method"), "object"))
    return {
        "days": daily.groupby(keys, as_index=False)["days"].sum(),
        "looks": quality.groupby(["point", "method", "reach", "na"], dropna=False, as_index=False)[
            ["checks", "traceable"]
        ].sum(),
        "found": grouped.agg(findings=("month", "size"), closed=("closed", "sum"), on_time=("on_time", "sum")).reset_index(),
        "lost": lost.groupby(["point", "deducted"]).size().reset_index(name="checks"),
    }  # fmt: skip


# The tables on each engine


def on_duckdb(folder: Path, month: str = "*", memory: str | None = None) -> Tables:
    """Return the Parquet files of a folder as relations of DuckDB, with a limit of memory where one is asked."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": memory} if memory else {})
    return {
        name: connection.sql(
            f"SELECT * FROM read_parquet('{files(folder, name, month)}', hive_partitioning = false)"
        )
        for name in TABLES
    }  # fmt: skip


def on_polars(folder: Path, month: str = "*") -> Tables:
    """Return the Parquet files of a folder as lazy frames of Polars."""
    import polars as pl

    return {name: pl.scan_parquet(files(folder, name, month), hive_partitioning=False) for name in TABLES}


def on_spark(session: Any, folder: Path, month: str = "*") -> Tables:
    """Return the Parquet files of a folder as frames of Spark."""
    return {name: session.read.parquet(files(folder, name, month)) for name in TABLES}


def in_arrow(folder: Path, month: str = "*") -> Tables:
    """Return the tables in memory as Arrow's, keys as dictionaries."""
    found = {}
    for name, columns in HELD.items():
        keys = tuple(column for column in columns if TABLES[name][column] == frames.KEY)
        read = [part.read(columns=list(columns)) for part in generated.parts(folder, name, month, keys)]
        found[name] = pa.concat_tables(read).unify_dictionaries()
    return found


def in_pandas(folder: Path, month: str = "*") -> Tables:
    """Return the tables in memory as `qpi.frames` gives them: keys as categories, days without a zone."""
    found = {}
    for name, table in in_arrow(folder, month).items():
        frame = table.to_pandas(date_as_object=False)
        for column in HELD[name]:
            if TABLES[name][column] == frames.DAY:
                frame[column] = frame[column].astype("datetime64[s]")
            elif TABLES[name][column] == frames.WHOLE and table[column].null_count:
                frame[column] = frame[column].astype("Int64")
        found[name] = frame
    return found
