"""Engines: what the engine that holds the rows can do and narwhals does not say."""

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw

from qpi.errors import UsageError
from qpi.messages import say

_SEPARATOR = "\x1f"
"""Parts ids in one literal; no id holds a control character."""


def by_month(frame: Any) -> bool:
    """Say whether an engine is asked month by month, so that no more than a month's groups stand in memory."""
    kind = frame.implementation
    return bool(kind.is_duckdb() or kind.is_polars())


def streams(frame: Any) -> bool:
    """Say whether an engine hands over rows of whole numbers faster than it groups them."""
    return bool(frame.implementation.is_duckdb())


def collected(frame: Any) -> Any:
    """Return what an engine counts, as a narwhals frame of Arrow; raise UsageError with its reason where it cannot."""
    try:
        return frame.collect("pyarrow")
    except ImportError as missing:
        raise UsageError(say("counts come from an engine through pyarrow; pip install 'qpi[parquet]'")) from missing
    except MemoryError:
        raise
    except Exception as error:
        # Each engine has errors of its own, and what they tell is of the caller's tables.
        raise UsageError(
            say("{engine} cannot count these tables ({reason}); docs/engines.md says what they must hold",
                engine=frame.implementation.name.lower(), reason=_reason(error))
        ) from error  # fmt: skip


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def void(frame: Any, column: str) -> bool:
    """Say whether a column bears no type, so that all of it is null; of an engine of which it is not known, no."""
    kind, native = frame.implementation, frame.to_native()
    if kind.is_duckdb():
        found = native.types[native.columns.index(column)]
    elif kind.is_polars():
        found = native.collect_schema()[column]
    elif kind.is_pyarrow():
        found = native.schema.field(column).type
    elif kind.is_pyspark():
        found = native.schema[column].dataType.typeName()
    else:
        return False
    return str(found).strip('"').lower() in ("null", "void")


def viewed(frame: Any, column: str) -> bool:
    """Say whether a column holds views of texts, which Arrow takes no rows of."""
    return bool(frame.implementation.is_pyarrow()) and str(frame.to_native().schema.field(column).type) == "string_view"


def unsaid(frame: Any, columns: Sequence[str]) -> Any:
    """Return a table in which an empty text of some columns is null."""
    kind, native = frame.implementation, frame.to_native()
    if kind.is_pandas():
        made = {name: column for name in columns if (column := _unsaid(native[name])) is not None}
        return nw.from_native(native.assign(**made)) if made else frame
    if kind.is_pyarrow():
        # Codes of Arrow are looked through, and only where one stands for an empty text read as texts.
        some = [name for name in columns if _has_empty(native.column(name))]
        made = {name: nw.col(name).cast(nw.String) for name in some}
        return frame.with_columns(nw.when(text != "").then(text).alias(name) for name, text in made.items())
    return frame.with_columns(nw.when(nw.col(name) != "").then(nw.col(name)).alias(name) for name in columns)


def _unsaid(column: Any) -> Any:
    """Return a column of pandas without its empty texts, or None where it has none."""
    if hasattr(column, "cat"):
        return column.cat.remove_categories([""]) if "" in column.cat.categories else None
    empty = (column == "").fillna(value=False).astype(bool)
    return column.where(~empty, None) if empty.any() else None


def _has_empty(column: Any) -> bool:
    if hasattr(column.type, "value_type"):
        return any("" in chunk.dictionary.to_pylist() for chunk in column.chunks)
    return bool(column.index("").as_py() >= 0)


def numbered(frame: Any, columns: Mapping[str, Sequence[str]], number: str) -> Any:
    """Return a small table of texts on the engine of a lazy frame, its rows numbered from 0 in column `number`.

    Return None for an engine of which it is not known how.
    """
    return beside(frame, {**columns, number: range(len(next(iter(columns.values()))))})


def beside(frame: Any, columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return a small table of texts and whole numbers on the engine of a lazy frame, or None where it is not known how."""
    kind, native = frame.implementation, frame.to_native()
    rows = len(next(iter(columns.values())))
    texts = {name for name, values in columns.items() if rows and isinstance(values[0], str)}
    if not rows:
        return None
    if kind.is_duckdb():
        # One literal per column is read far faster than thousands of values.
        parts = [
            f"unnest(string_split({_literal(list(map(str, values)))}, chr(31)){'' if name in texts else _type(values)}) AS {name}"
            for name, values in columns.items()
        ]
        # From one row of the relation itself: those of two connections cannot be joined, and a query of their connection
        # would leave a view there.
        return nw.from_native(native.limit(0).aggregate("count(*) AS rows").select(", ".join(parts)))
    if kind.is_polars():
        return nw.from_native(type(native)(dict(columns)))
    if kind.is_pyspark():
        schema = ", ".join(f"{name} {'string' if name in texts else 'int'}" for name in columns)
        return nw.from_native(native.sparkSession.createDataFrame(list(zip(*columns.values(), strict=True)), schema))
    return None


def _type(values: Sequence[Any]) -> str:
    # Narrow numbers travel faster.
    return "::USMALLINT[]" if min(values) >= 0 and max(values) < 2**16 else "::INTEGER[]"


def _literal(texts: Sequence[str]) -> str:
    joined = _SEPARATOR.join(texts)
    return "'" + joined.replace("'", "''") + "'"


def days(frame: Any, keys: Sequence[str]) -> Any:
    """Group a lazy frame by keys, and gather in `days` a bit for each of its days of the month `dom`, the 1st lowest."""
    kind, native = frame.implementation, frame.to_native()
    names = ", ".join(keys)
    if kind.is_duckdb():
        bits = "bit_or((1 << (dom - 1))::UINTEGER) AS days"
        return nw.from_native(native.aggregate(f"{names}, {bits}", names))
    if kind.is_pyspark():
        rows = native.selectExpr(*keys, "shiftleft(1, CAST(dom AS INT) - 1) AS days")
        grouped = rows.groupBy(*keys).agg({"days": "bit_or"})
        return nw.from_native(grouped.withColumnRenamed("bit_or(days)", "days"))
    if kind.is_polars():
        polars = nw.get_native_namespace(frame)
        bit = polars.lit(2, polars.UInt32).pow(polars.col("dom") - 1).bitwise_or()
        return nw.from_native(native.group_by(*keys).agg(bit.alias("days")))
    # Of distinct days the sum of the bits is what bit_or would give.
    once = frame.group_by(*keys, "dom", drop_null_keys=False).agg(nw.len().alias("looks"))
    bit = (nw.lit(2.0) ** (nw.col("dom").cast(nw.Float64) - 1)).cast(nw.Int64).alias("days")
    return once.with_columns(bit).group_by(*keys, drop_null_keys=False).agg(nw.col("days").sum())


def in_order(frame: Any, number: str) -> Any:
    """Number the rows of a lazy frame as they lie; return None for an engine of which it is not known how."""
    kind, native = frame.implementation, frame.to_native()
    if kind.is_duckdb():
        return nw.from_native(native.select(f"*, row_number() OVER () AS {number}"))
    if kind.is_pyspark():
        return nw.from_native(native.selectExpr("*", f"monotonically_increasing_id() AS {number}"))
    return nw.from_native(native.with_row_index(number)) if kind.is_polars() else None


def ends(frame: Any, order: Sequence[str]) -> Any:
    """Return of the verifications of each finding the outcome and verifier of the last, and the day of the first.

    Columns of the result: finding, outcome, verifier, first_day. Of `order` the first column decides, then the next.
    """
    kind, native = frame.implementation, frame.to_native()
    by = ", ".join(order)
    if kind.is_duckdb():
        # Not arg_max, which passes over what is null.
        kept = [f"arg_max_null({name}, row({by})) AS {name}" for name in ("outcome", "verifier")]
        first = f"arg_min_null(day, row({by})) AS first_day"
        return nw.from_native(native.aggregate(f"finding, {', '.join(kept)}, {first}", "finding"))
    if kind.is_pyspark():
        rows = native.selectExpr("finding", f"struct({by}, outcome, verifier) AS final", f"struct({by}, day) AS first")
        found = rows.groupBy("finding").agg({"final": "max", "first": "min"})
        found = found.withColumnRenamed("max(final)", "final").withColumnRenamed("min(first)", "first")
        return nw.from_native(found.selectExpr("finding", "final.outcome", "final.verifier", "first.day AS first_day"))
    last = frame.unique(subset=["finding"], keep="last", order_by=list(order)).select("finding", "outcome", "verifier")
    first = frame.unique(subset=["finding"], keep="first", order_by=list(order))
    return last.join(first.select("finding", nw.col("day").alias("first_day")), on="finding", how="left")
