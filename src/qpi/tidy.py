"""Tidy tables: checks, findings and verifications as a caller hands them over, judged and made ready to be counted."""

from collections.abc import Iterable, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.typing import IntoFrame

from qpi.errors import UsageError
from qpi.messages import Message, said, say

DAYS, MOMENTS = ("day", "verify_on"), ("verified_at",)
_NUMBERS = frozenset({"entry", "population", "sample_size", "evidence_count", "deduct_hundredths"})


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
    schema = frame.schema if isinstance(frame, nw.DataFrame) else frame.collect_schema()
    read = [_day(column, schema[column], name) for column in DAYS if column in schema]
    for column in MOMENTS:
        if column in schema:
            _judge_moment(column, schema[column], frame.implementation, name)
    if isinstance(frame, nw.DataFrame) and "day" in schema:
        refuse_empty_days(int(frame["day"].is_null().sum()), name)
    made = [one for one in read if one is not None]
    return frame.with_columns(*made) if made else frame


def _day(column: str, dtype: Any, name: str) -> nw.Expr | None:
    if dtype == nw.Date:
        return None
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is None:
        return nw.col(column).cast(nw.Date)
    if dtype == nw.String:
        return nw.col(column).str.to_datetime(format="%Y-%m-%d").cast(nw.Date)
    if dtype == nw.Unknown:
        # A column that is all null bears no type.
        return nw.lit(None, dtype=nw.Date).alias(column)
    fault = say("holds moments with a zone") if isinstance(dtype, nw.Datetime) else say("holds no days")
    raise UsageError(_misread(name, column, ValueError(fault)))


def _judge_moment(column: str, dtype: Any, implementation: Any, name: str) -> None:
    if isinstance(dtype, nw.Datetime) and (dtype.time_zone is not None or implementation.is_pyspark()):
        return
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
    if "day" in found.columns:
        refuse_empty_days(int(found["day"].isna().sum()), name)
    return found


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
    return pd.to_datetime(column.astype("object"), format="ISO8601")


def _moments(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column
    if pd.api.types.is_datetime64_dtype(column.dtype):
        raise ValueError(say("holds moments that name no zone"))
    texts = column.astype("object")
    if any(isinstance(text, str) and not text.endswith("Z") and text[-6:-5] not in ("+", "-") for text in texts):
        raise ValueError(say("holds moments that name no zone"))
    return pd.to_datetime(texts, utc=True, format="ISO8601")


def names(frame: Any) -> set[str]:
    """Return the names of a table's columns; those of a table in memory without looking at its values."""
    return set(frame.columns if isinstance(frame, nw.DataFrame) else frame.collect_schema().names())


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
