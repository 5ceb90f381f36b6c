"""The side of this library: the same tables on each engine, and its counts in the form of the rivals."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import generated
import numpy as np
import pandas as pd
import pyarrow as pa
from rivals import NEEDED, TABLES, Asked, Counts, files

from qpi import frames, tally

DEMANDED = ("inspector", "checked_at", "place", "method", "sample_or_evidence")
OF_FINDING = ("fault", "advice", "handling", "verify_on")
HELD: Mapping[str, tuple[str, ...]] = {
    "checks": (*NEEDED["checks"], "id"),
    "findings": (*NEEDED["findings"], "check"),
    "verifications": NEEDED["verifications"],
}
"""Columns that stand in memory: those of the rivals, and what this library asks for besides."""
Tables = Mapping[str, Any]
AS_OF = datetime(2030, 1, 1, tzinfo=UTC)
"""After every second verification: the rivals count them all."""


def counts(tables: Tables, asked: Asked) -> Any:
    """Count as `qpi.metrics` does, on the engine that holds the tables."""
    rows = tally.Rows(*(tables[name] for name in TABLES), of_ledger=True)
    wanted = tally.Raised([], OF_FINDING, DEMANDED, asked.start, asked.stop, AS_OF.date())
    looked = rows.looked(tally.Looked([], DEMANDED, asked.start, asked.stop, asked.most, tally.Held({}, [])))
    return list(_days(rows, asked)), looked, *rows.found(wanted, AS_OF), asked.owed


def days(tables: Tables, asked: Asked) -> Any:
    """Count only the days that were looked at, as `qpi.metrics` does."""
    return list(_days(tally.Rows(*(tables[name] for name in TABLES), of_ledger=True), asked))


def _days(rows: tally.Rows, asked: Asked) -> Iterator[tally.Days]:
    return rows.days(asked.owed, asked.kinds, [tally.Stretch(asked.start, asked.stop)])


def comparable(found: Any) -> Counts:
    """Return what `counts` gave as the rivals' tables; this belongs to the demand that all agree and is not timed."""
    months, looked, raised, deducted, owed = found
    roles, points = (np.array(names, dtype=object) for names in zip(*owed.pairs, strict=True))
    projects = np.array(owed.projects, dtype=object)
    parts = [
        pd.DataFrame(
            {
                "project": projects[one.project], "role": roles[one.pair], "point": points[one.pair],
                "month": one.month, "days": one.days.astype(np.int64),
            }
        )
        for one in months
    ]  # fmt: skip
    looked, raised, deducted = (_texts(table) for table in (looked, raised, deducted))
    raised = raised.rename(columns={"finding_kind": "kind"})
    for name in ("closed", "on_time"):
        raised[name] = raised[name] * raised["findings"]
    spoilt = (deducted["traceable"] == 1) & (deducted["incomplete"] == 1)
    deducted["spoilt"] = deducted["checks"].where(spoilt, 0)
    inside = raised["month"].between(months[0].month, months[-1].month)
    return {
        "days": pd.concat(parts, ignore_index=True),
        "looks": _summed(looked, ["point", "method", "reach", "na"], ["checks", "traceable"]),
        "found": _summed(raised[inside], ["point", "kind", "month"], ["findings", "closed", "on_time"]),
        "lost": _summed(deducted, ["point", "na", "deducted"], ["checks", "spoilt"]),
    }


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({name: "object" for name in table.columns if table[name].dtype == "category"})


def _summed(table: pd.DataFrame, keys: list[str], numbers: list[str]) -> pd.DataFrame:
    return table.groupby(keys, dropna=False, as_index=False)[numbers].sum()


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
