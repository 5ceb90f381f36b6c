"""The counts by hand in DuckDB SQL, from Parquet or from tables in memory, and a bare scan of the same columns."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
from rivals import BY_DAY, BY_MASK, NEEDED, TABLES, Asked, Counts, files

from qpi import frames

SUMMED = {
    frames.TEXT: "strlen({})", frames.KEY: "strlen({})", frames.WHOLE: "{}", frames.DAY: "epoch({})",
    frames.MOMENT: "epoch_us({})",
}  # fmt: skip
"""What a bare scan adds up of a column."""


def over(folder: Path, month: str = "*") -> duckdb.DuckDBPyConnection:
    """Return a connection that sees the Parquet files of a folder as views."""
    connection = duckdb.connect()
    for name in TABLES:
        source = f"read_parquet('{files(folder, name, month)}', hive_partitioning = false)"
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")
    return connection


def loaded(folder: Path, month: str = "*") -> duckdb.DuckDBPyConnection:
    """Return a connection that holds the same rows in memory, in tables of its own."""
    connection = duckdb.connect()
    for name, columns in NEEDED.items():
        source = f"read_parquet('{files(folder, name, month)}', hive_partitioning = false)"
        connection.execute(f"CREATE TABLE {name} AS SELECT {', '.join(columns)} FROM {source}")
    return connection


def seeing(tables: Mapping[str, object]) -> duckdb.DuckDBPyConnection:
    """Return a connection that sees the rows of tables in memory where they are, without a copy."""
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table)
    return connection


def scan(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, ...]]:
    """Read and add up every value; least, greatest and number of values would come from the files' statistics alone."""
    found = []
    for name, columns in NEEDED.items():
        sums = ", ".join(f"sum({SUMMED[TABLES[name][column]].format(column)})" for column in columns)
        found += connection.sql(f"SELECT {sums} FROM {name}").fetchall()
    return found


MONTH = "year({day}) * 12 + month({day}) - 1"
DAYS = {
    BY_DAY: f"""
        SELECT project, role, point, {MONTH.format(day="day")} AS month, sum(1 << (day(day) - 1)) AS days
        FROM (SELECT project, role, point, day, count(*) FROM checks WHERE {{counts}} GROUP BY ALL) GROUP BY ALL""",
    BY_MASK: f"""
        SELECT project, role, point, {MONTH.format(day="day")} AS month, bit_or(1 << (day(day) - 1)) AS days
        FROM checks WHERE {{counts}} GROUP BY ALL""",
}
PLAIN = "SELECT project, role, point, day, count(*) AS looks FROM checks WHERE {counts} GROUP BY ALL"
LOOKS = """
    SELECT point, method,
           CASE WHEN population IS NOT NULL AND sample_size >= population THEN {most}
                ELSE least(coalesce(sample_size, 0), {most}) END AS reach,
           coalesce(result = 'na', false) AS na,
           count(*) AS checks,
           count(*) FILTER (WHERE inspector IS NOT NULL AND day IS NOT NULL AND place IS NOT NULL
                            AND method IS NOT NULL AND (sample_size > 0 OR evidence_count > 0)) AS traceable
    FROM checks GROUP BY ALL"""
JOINED = f"""
    CREATE OR REPLACE TEMP TABLE joined AS
    WITH rounds AS (
        SELECT finding, arg_max(outcome, (verified_at, entry)) = 'closed' AS closed,
               arg_min(day, (verified_at, entry)) AS first_day
        FROM verifications GROUP BY finding)
    SELECT f.entry, c.point, f.kind, {MONTH.format(day="c.day")} AS month, f.deduct_hundredths,
           coalesce(c.result = 'na', false) AS na,
           c.inspector IS NOT NULL AND c.day IS NOT NULL AND c.place IS NOT NULL AND c.method IS NOT NULL
           AND (c.sample_size > 0 OR c.evidence_count > 0) AS traceable,
           f.fault IS NOT NULL AND f.advice IS NOT NULL AND f.handling IS NOT NULL
           AND f.verify_on IS NOT NULL AS complete,
           coalesce(r.closed, false) AS closed, coalesce(r.first_day <= f.verify_on, false) AS on_time
    FROM findings f JOIN checks c ON c.entry = f.entry LEFT JOIN rounds r ON r.finding = f.id"""
FOUND = """
    SELECT point, kind, month, count(*) AS findings, count(*) FILTER (WHERE closed) AS closed,
           count(*) FILTER (WHERE on_time) AS on_time
    FROM joined GROUP BY ALL"""
LOST = """
    SELECT point, na, deducted, count(*) AS checks, count(*) FILTER (WHERE traceable AND NOT complete) AS spoilt
    FROM (SELECT point, entry, na, traceable, bool_and(complete) AS complete,
                 coalesce(sum(deduct_hundredths), 0) AS deducted
          FROM joined GROUP BY ALL) GROUP BY ALL"""


def counts(connection: duckdb.DuckDBPyConnection, asked: Asked, *, way: str = BY_MASK) -> Counts:
    """Return all counts as Arrow tables."""
    found = {"days": _table(connection, DAYS[way].format(counts=_counts(asked)))}
    found["looks"] = _table(connection, LOOKS.format(most=asked.most))
    connection.execute(JOINED)
    return {**found, "found": _table(connection, FOUND), "lost": _table(connection, LOST)}


def plain(connection: duckdb.DuckDBPyConnection, asked: Asked) -> pa.Table:
    """Count the checks that fulfil duties by project, role, point and day, and no more."""
    return _table(connection, PLAIN.format(counts=_counts(asked)))


def _counts(asked: Asked) -> str:
    kinds = ", ".join(f"'{kind}'" for kind in asked.kinds)
    return f"(kind IN ({kinds}){' OR kind IS NULL' if 'routine' in asked.kinds else ''})"


def _table(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    return connection.sql(query).to_arrow_table()
