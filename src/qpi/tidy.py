"""Tidy tables: checks, findings and verifications as a caller hands them over, judged and made ready to be counted."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoFrame

from qpi import engines
from qpi.errors import UsageError
from qpi.frames import COUNTED, DAY, DECLARED, KEY, MOMENT, TEXT, WHOLE
from qpi.messages import Message, said, say

DAYS, MOMENTS = ("day", "verify_on"), ("verified_at",)
_NUMBERS = frozenset({"entry", "population", "sample_size", "evidence_count", "deduct_hundredths"})
_TYPES: Mapping[str, Any] = {
    TEXT: nw.String,
    KEY: nw.String,
    WHOLE: nw.Int64,
    DAY: nw.Date,
    MOMENT: nw.Datetime("us", "UTC"),
}


def table(frame: IntoFrame, needed: Sequence[str], name: str) -> Any:
    """Return a caller's table for counting; raise UsageError when a column is missing or is not what it should be.

    A table of pandas or Arrow stays in memory; any other is a lazy one of its engine.
    """
    try:
        wrapped: Any = nw.from_native(_usual(frame, name) if isinstance(frame, pd.DataFrame) else frame)
    except TypeError as error:
        kind = type(frame).__name__
        raise UsageError(
            say("table {table} is no table but a {kind}; give a data frame", table=name, kind=kind)
        ) from error
    missing = [column for column in needed if column not in names(wrapped)]
    if missing:
        raise UsageError(
            say(
                "table {table} has no column {columns}; see qpi.frames for the columns",
                table=name,
                columns=", ".join(missing),
            )
        )
    if isinstance(frame, pd.DataFrame):
        return wrapped
    return _typed(wrapped, name)


def in_memory(frame: Any) -> bool:
    """Say whether a table lies in the memory of this process, as pandas or Arrow."""
    return isinstance(frame, nw.DataFrame)


def together(checks: Any, findings: Any, verifications: Any) -> None:
    """Raise UsageError where three tables lie on engines that cannot join them."""
    where = [None if in_memory(one) else one.implementation for one in (checks, findings, verifications)]
    if len(set(where)) > 1:
        raise UsageError(
            say(
                "checks, findings and verifications lie on different engines ({engines}); give all three on one",
                engines=", ".join("memory" if one is None else one.name.lower() for one in where),
            )
        )


def _typed(frame: Any, name: str) -> Any:
    """Return a table of another engine than pandas with its days and moments as such."""
    if isinstance(frame, nw.DataFrame) and not frame.implementation.is_pyarrow():
        # Polars counts faster, and with less memory, when it sees the whole question.
        frame = frame.lazy() if frame.implementation.is_polars() else nw.from_native(frame.to_pandas())
    declared = DECLARED[name]
    if isinstance(frame, nw.DataFrame) and "entry" in names(frame) and frame["entry"].is_null().any():
        frame = frame.drop("entry")
    # Columns of the caller's own stay behind: one of them could bear the name of one that is made on the way.
    frame = frame.select([column for column in frame.collect_schema().names() if column in declared])
    schema = frame.collect_schema()
    _refuse_fractions(frame, schema, name)
    read = [_column(frame, column, dtype, name) for column, dtype in schema.items()]
    if isinstance(frame, nw.DataFrame) and "day" in schema:
        refuse_empty_days(int(frame["day"].is_null().sum()), name)
    made = [one for one in read if one is not None]
    return frame.with_columns(*made) if made else frame


def _column(frame: Any, column: str, dtype: Any, name: str) -> nw.Expr | None:
    """Return how to read a column as what it is declared to be, or None where it is that already."""
    kind = DECLARED[name][column]
    if dtype == nw.Unknown and engines.void(frame, column):
        # DuckDB knows no zone but that of its connection; nothing is compared here.
        plain = kind == MOMENT and not isinstance(frame, nw.DataFrame) and not frame.implementation.is_polars()
        return nw.lit(None, dtype=nw.Datetime("us") if plain else _TYPES[kind]).alias(column)
    if column in DAYS:
        return _day(column, dtype, name)
    if column in MOMENTS:
        return _moment(column, dtype, frame.implementation, name)
    if kind == KEY and column in COUNTED[name] and dtype.is_numeric():
        return _named(frame, column, dtype, name)
    if kind in (TEXT, KEY):
        # Polars compares its own codes with no text.
        of_codes = dtype in (nw.Categorical, nw.Enum) and frame.implementation.is_polars()
        return nw.col(column).cast(nw.String) if of_codes or engines.viewed(frame, column) else None
    return _whole(column, dtype, name) if kind == WHOLE else None


def _named(frame: Any, column: str, dtype: Any, name: str) -> nw.Expr:
    """Read ids that a table holds as whole numbers; raise UsageError for others, whose text nobody knows."""
    if dtype.is_integer():
        return nw.col(column).cast(nw.String)
    said = ~nw.col(column).is_null() & (~nw.col(column).is_nan() if dtype.is_float() else nw.lit(value=True))
    if times(frame, {column: said})[column]:
        raise UsageError(_no_texts(name, column))
    # What never says anything has any type.
    return nw.lit(None, dtype=nw.String).alias(column)


def times(frame: Any, tests: Mapping[str, nw.Expr]) -> dict[str, int]:
    """Return of how many rows each of some tests holds, in one reading of them."""
    if not tests:
        return {}
    sums = frame.select(*(test.cast(nw.Int64).sum().alias(name) for name, test in tests.items()))
    rows = sums if isinstance(sums, nw.DataFrame) else engines.collected(sums)
    # Of no rows the sum is none.
    return {name: int(rows[name][0] or 0) for name in tests}


def _no_texts(name: str, column: str) -> Message:
    return say("table {table}, column {column}: holds numbers; give texts", table=name, column=column)


def _whole(column: str, dtype: Any, name: str) -> nw.Expr | None:
    """Read whole numbers from what can hold no-numbers, which some engines take for the greatest of all."""
    if dtype.is_integer():
        return nw.col(column).cast(nw.Int64) if column == "entry" and dtype.is_unsigned_integer() else None
    if dtype.is_float():
        return nw.when(~nw.col(column).is_nan()).then(nw.col(column)).cast(nw.Int64).alias(column)
    if dtype.is_decimal():
        return nw.col(column).cast(nw.Int64)
    raise UsageError(_no_wholes(name, column, say("holds no numbers")))


def _no_wholes(name: str, column: str, fault: Message) -> Message:
    return say("table {table}, column {column}: {fault}; give whole numbers, points and fines in hundredths",
               table=name, column=column, fault=fault)  # fmt: skip


def _refuse_fractions(frame: Any, schema: Mapping[str, Any], name: str) -> None:
    """Raise UsageError where a column that has whole numbers, in a type that can hold others, does hold others."""
    some = [column for column, dtype in schema.items()
            if DECLARED[name][column] == WHOLE and (dtype.is_float() or dtype.is_decimal())]  # fmt: skip
    if not some:
        return
    values = {column: nw.col(column).cast(nw.Float64) for column in some}
    # What is no number is not said; of the rest that the infinite leaves, engines think differently.
    broken = {
        column: ~value.is_null() & ~value.is_nan() & ((value % 1 != 0) | (value.abs() == float("inf")))
        for column, value in values.items()
    }
    for column, number in times(frame, broken).items():
        if number:
            raise UsageError(_no_wholes(name, column, say("holds fractions")))


def _day(column: str, dtype: Any, name: str) -> nw.Expr | None:
    if dtype == nw.Date:
        return None
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is None:
        return nw.col(column).cast(nw.Date)
    if dtype == nw.String:
        return nw.col(column).str.to_datetime(format="%Y-%m-%d").cast(nw.Date)
    fault = say("holds moments with a zone") if isinstance(dtype, nw.Datetime) else say("holds no days")
    raise UsageError(_misread(name, column, ValueError(fault)))


def _moment(column: str, dtype: Any, implementation: Any, name: str) -> nw.Expr | None:
    if isinstance(dtype, nw.Datetime) and (dtype.time_zone is not None or implementation.is_pyspark()):
        # Polars compares moments of one zone alone.
        other = implementation.is_polars() and dtype.time_zone != "UTC"
        return nw.col(column).dt.convert_time_zone("UTC") if other else None
    fault = say("holds moments that name no zone") if isinstance(dtype, nw.Datetime) else say("holds no moments")
    raise UsageError(_misread(name, column, ValueError(fault)))


def _usual(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a table of pandas without an index of its own, its days and moments as such however they are written."""
    found = frame.reset_index(drop=True)
    for column in (*DAYS, *MOMENTS):
        if column in found.columns:
            try:
                read = _moments(found[column]) if column in MOMENTS else _days(found[column])
            except (TypeError, ValueError, OverflowError) as error:
                raise UsageError(_misread(name, column, error)) from error
            if read is not found[column]:
                found[column] = read
    for column in COUNTED[name]:
        if DECLARED[name][column] == KEY and column in found.columns and pd.api.types.is_numeric_dtype(found[column]):
            # Other ids than texts would name no project and no role, and nothing would be done.
            if pd.api.types.is_integer_dtype(found[column]):
                found[column] = found[column].astype("string").astype("object")
            elif found[column].notna().any():
                raise UsageError(_no_texts(name, column))
    for column in found.columns:
        if DECLARED[name].get(column) == WHOLE and not pd.api.types.is_integer_dtype(found[column]):
            found[column] = _wholes(found[column], column, name)
    if "entry" in found.columns and found["entry"].isna().any():
        # Numbers that some rows lack put nothing in order, and join nothing.
        found = found.drop(columns="entry")
    if "day" in found.columns:
        refuse_empty_days(int(found["day"].isna().sum()), name)
    return found


def _wholes(column: "pd.Series[Any]", name: str, table_: str) -> "pd.Series[Any]":
    """Return a column of whole numbers, empty where nothing is, in whatever type a table of pandas had them."""
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind not in ("empty", "integer", "floating", "mixed-integer-float", "decimal"):
        raise UsageError(_no_wholes(table_, name, say("holds no numbers")))
    if kind in ("integer", "empty"):
        return column.astype("Int64")
    numbers = pd.to_numeric(column).to_numpy(dtype="float64", na_value=np.nan)
    if not (np.isnan(numbers) | (np.isfinite(numbers) & (numbers == np.trunc(numbers)))).all():
        raise UsageError(_no_wholes(table_, name, say("holds fractions")))
    return pd.Series(numbers, index=column.index).astype("Int64")


def refuse_empty_days(number: int, name: str) -> None:
    """Raise UsageError where rows lack their day."""
    if number:
        raise UsageError(
            say("table {table}, column day: empty in {number} rows; give every row its day", table=name, number=number)
        )


def _misread(name: str, column: str, error: Exception) -> Message:
    """Say why a column cannot be read: in our own words, or in the first line of a library's."""
    words = said(error)
    fault = words if isinstance(words, Message) else str(error).splitlines()[0]
    if column in MOMENTS:
        return say(
            "table {table}, column {column}: {fault}; give moments with their zone",
            table=name, column=column, fault=fault,
        )  # fmt: skip
    return say(
        "table {table}, column {column}: {fault}; give days without a time zone",
        table=name, column=column, fault=fault,
    )  # fmt: skip


def _days(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return column
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        raise TypeError(say("holds moments with a zone"))
    written = column.astype("object")
    if any(isinstance(text, str) and len(text) < len("20261005") for text in pd.unique(written)):
        raise ValueError(say("holds no days"))
    read = pd.to_datetime(written, format="ISO8601")
    if not pd.api.types.is_datetime64_dtype(read.dtype):
        raise TypeError(say("holds moments with a zone"))
    return read


def _moments(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column
    if pd.api.types.is_datetime64_dtype(column.dtype):
        raise ValueError(say("holds moments that name no zone"))
    written = column.astype("object")
    if not all(map(_names_zone, written)):
        raise ValueError(say("holds moments that name no zone"))
    return pd.to_datetime(written, utc=True, format="ISO8601")


def _names_zone(moment: Any) -> bool:
    if isinstance(moment, str):
        # A day alone has a sign where others have that of their offset.
        return len(moment) > len("2026-10-05") and (moment.endswith("Z") or moment[-6:-5] in ("+", "-"))
    return pd.isna(moment) or getattr(moment, "tzinfo", None) is not None


def names(frame: Any) -> set[str]:
    """Return the names of a table's columns without looking at its values."""
    # Of moments DuckDB is asked for its time zone by a query, which tells no name.
    at_hand = isinstance(frame, nw.DataFrame) or frame.implementation.is_duckdb()
    return set(frame.columns if at_hand else frame.collect_schema().names())


def with_columns(frame: Any, columns: Iterable[tuple[str, Any]]) -> Any:
    """Add the columns that a table lacks, null or with a value of their own; of two of one name the first counts."""
    there = names(frame)
    wanted: dict[str, Any] = {}
    for name, value in columns:
        wanted.setdefault(name, value)
    missing = [_constant(name, value) for name, value in wanted.items() if name not in there]
    return frame.with_columns(*missing) if missing else frame


def _constant(name: str, value: Any) -> nw.Expr:
    if value is not None:
        return nw.lit(value).alias(name)
    # An untyped null would be an object to pandas, which no comparison takes.
    kind = nw.Int64 if name in _NUMBERS else nw.Date if name in DAYS else nw.String
    return nw.lit(None, dtype=kind).alias(name)
