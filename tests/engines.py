"""The same tables on each engine that indicators are counted on."""

import importlib.util
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from qpi import frames

COLUMNS = {"checks": frames.CHECKS, "findings": frames.FINDINGS, "verifications": frames.VERIFICATIONS}
NAMES = tuple(COLUMNS)


def arrow(table, name):
    """Return a table of pandas as one of Arrow with the declared types."""
    import pyarrow as pa

    types = {"text": pa.string(), "key": pa.string(), "whole": pa.int64(), "day": pa.date32(),
             "moment": pa.timestamp("us", tz="UTC")}  # fmt: skip
    fields = [(column, types[kind]) for column, kind in COLUMNS[name].items() if column in table.columns]
    plain = {}
    for column, kind in fields:
        values = table[column]
        if str(kind) == "string":
            plain[column] = pa.array([None if pd.isna(v) else v for v in values.astype("object")], type=kind)
        elif str(kind) == "int64":
            plain[column] = pa.array([None if pd.isna(v) else int(v) for v in values.astype("object")], type=kind)
        elif str(kind).startswith("date32"):
            plain[column] = pa.array([None if pd.isna(v) else v.date() for v in values], type=kind)
        else:
            plain[column] = pa.array(values, type=kind)
    return pa.table(plain, schema=pa.schema(fields))


def in_pandas(tables):
    return tables


def in_plain_pandas(tables):
    """As a stranger has them: texts as objects, no categories."""
    return [
        table.assign(**{c: table[c].astype("object") for c in table.columns if table[c].dtype == "category"})
        for table in tables
    ]


def in_arrow(tables):
    return [arrow(table, name) for name, table in zip(NAMES, tables, strict=True)]


def in_arrow_dictionaries(tables):
    import pyarrow as pa

    return [
        pa.table(
            {
                c: column.dictionary_encode() if pa.types.is_string(column.type) else column
                for c, column in zip(t.column_names, t.columns, strict=True)
            }
        )
        for t in in_arrow(tables)
    ]


def in_polars(tables):
    import polars as pl

    return [pl.from_arrow(table) for table in in_arrow(tables)]


def in_lazy_polars(tables):
    return [table.lazy() for table in in_polars(tables)]


@cache
def duckdbs():
    """Return a connection that lives as long as the process: up to DuckDB 1.4 a relation does not keep its own alive."""
    import duckdb

    return duckdb.connect()


def in_duckdb(tables):
    return [duckdbs().from_arrow(table) for table in in_arrow(tables)]


def over_parquet(tables):
    """DuckDB over Parquet files, as an export has them."""
    return [duckdbs().from_parquet(path) for path in _files(tables)]


def _files(tables):
    import pyarrow.parquet as pq

    found = []
    for name, table in zip(NAMES, in_arrow(tables), strict=True):
        path = Path(_folder()) / f"{name}-{os.urandom(6).hex()}.parquet"
        pq.write_table(table, path)
        found.append(str(path))
    return found


@cache
def _folder():
    import atexit

    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def spark():
    """Return the session of this process: the one that runs, or a new one where a test of the docs stopped it."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2").config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.warehouse.dir", f"{_folder()}/warehouse").config("spark.driver.memory", "2g").getOrCreate()
    )  # fmt: skip
    session.sparkContext.setLogLevel("ERROR")
    return session


def in_spark(tables):
    """PySpark over Parquet files."""
    return [spark().read.parquet(path) for path in _files(tables)]


def in_ibis(tables):
    """Ibis over DuckDB over Parquet files."""
    import ibis

    connection = ibis.duckdb.connect()
    return [connection.read_parquet(path) for path in _files(tables)]


ENGINES = {
    "pandas": (in_pandas, ()),
    "plain pandas": (in_plain_pandas, ()),
    "Arrow": (in_arrow, ("pyarrow",)),
    "Arrow with dictionaries": (in_arrow_dictionaries, ("pyarrow",)),
    "Polars": (in_polars, ("polars", "pyarrow")),
    "lazy Polars": (in_lazy_polars, ("polars", "pyarrow")),
    "DuckDB": (in_duckdb, ("duckdb", "pyarrow")),
    "DuckDB over Parquet": (over_parquet, ("duckdb", "pyarrow")),
    "Ibis": (in_ibis, ("ibis", "duckdb", "pyarrow")),
    "PySpark": (in_spark, ("pyspark", "pyarrow")),
}


def on(engine, tables):
    """Return tables on an engine; skip the test, with a word, where it is not installed."""
    make, needed = ENGINES[engine]
    for library in needed:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{engine}: {library} is not installed")
    if engine == "PySpark" and shutil.which("java") is None:
        pytest.skip("PySpark: there is no Java")
    return make(tables)
