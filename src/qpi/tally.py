"""Tally: tidy tables turned into additive whole-number counts, on the engine that holds the rows."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
from narwhals.typing import IntoFrame

from qpi.errors import UsageError
from qpi.messages import Message, said, say

Whole = npt.NDArray[np.int64]
ENOUGH = 2**30
"""Stands for a sample that is the whole population: more than any minimum."""
DUTY_KEYS = ("project", "role", "point", "day")


DAYS, MOMENTS = ("day", "verify_on"), ("verified_at",)


def table(frame: IntoFrame, needed: Sequence[str], name: str) -> Any:
    """Return a caller's table for counting; raise UsageError when a column is missing or is not what it should be."""
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
    return wrapped


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
    if "day" in found.columns and (empty := int(found["day"].isna().sum())):
        raise UsageError(
            say("table {table}, column day: empty in {number} rows; give every row its day", table=name, number=empty)
        )
    return found


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


def repeated(frame: Any, name: str) -> bool:
    """Say whether a value of a column stands twice in a table in memory; of a lazy one that is not asked."""
    return isinstance(frame, nw.DataFrame) and frame[name].n_unique() < len(frame)


def with_columns(frame: Any, columns: dict[str, Any]) -> Any:
    """Add the columns that a table lacks, null or with a value of their own."""
    there = names(frame)
    missing = [_constant(name, value) for name, value in columns.items() if name not in there]
    return frame.with_columns(*missing) if missing else frame


_NUMBERS = frozenset({"population", "sample_size", "evidence_count", "readings_out", "element", "deduct_hundredths"})


def _constant(name: str, value: Any) -> nw.Expr:
    # An untyped null would be an object to pandas, which no comparison takes.
    kind = nw.Float64 if name in _NUMBERS else nw.String
    return (nw.lit(None, dtype=kind) if value is None else nw.lit(value)).alias(name)


def _collected(frame: Any) -> pd.DataFrame:
    return frame.collect("pandas").to_pandas() if isinstance(frame, nw.LazyFrame) else frame.to_pandas()


def _midnight(day: date) -> datetime:
    """Return a day as the engines compare it with a column of days, which bears no zone."""
    return datetime.combine(day, time.min)


def _between(first: date, last: date) -> nw.Expr:
    return (nw.col("day") >= _midnight(first)) & (nw.col("day") <= _midnight(last))


def daily(checks: Any, kinds: Sequence[str], first: date, last: date) -> pd.DataFrame:
    """Count the checks that fulfil duties by project, role, point and day, in column `looks`."""
    rows = with_columns(checks, {"kind": "routine"})
    counts = nw.col("kind").is_in(list(kinds))
    if "routine" in kinds:
        counts = counts | nw.col("kind").is_null()
    rows = rows.filter(_between(first, last) & counts)
    return _collected(rows.group_by(*DUTY_KEYS).agg(nw.len().alias("looks")))


def reach() -> nw.Expr:
    """Return the size of a sample, or ENOUGH where it is the whole population."""
    size = nw.col("sample_size")
    whole = (~nw.col("population").is_null()) & (size >= nw.col("population"))
    return nw.when(whole).then(nw.lit(ENOUGH)).otherwise(size).fill_null(0)


def says(field: str) -> nw.Expr:
    """Say of each check whether it bears a field that the policy can demand."""
    if field == "sample_or_evidence":
        return says("sample") | says("evidence")
    if field == "checked_at":
        return ~nw.col("day").is_null()
    if field in ("sample", "evidence"):
        return nw.col({"sample": "sample_size", "evidence": "evidence_count"}[field]).fill_null(0) > 0
    return ~nw.col(field).is_null()


QUALITY_COLUMNS = {"kind": "routine", "inspector": None, "method": None, "result": None, "sample_size": 0,
                   "population": None, "evidence_count": 0}  # fmt: skip


def judged(checks: Any, demanded: Sequence[str]) -> Any:
    """Add to checks what quality is counted from: `reach`, `na`, and `traceable` as far as the check itself goes."""
    plain = [field for field in demanded if field not in ("sample_or_evidence", "checked_at", "sample", "evidence")]
    rows = with_columns(checks, {**QUALITY_COLUMNS, **dict.fromkeys(plain)})
    traceable = nw.all_horizontal(*map(says, demanded), ignore_nulls=False) if demanded else nw.lit(True)
    na = (nw.col("result") == "na").fill_null(value=False) if "result" in names(checks) else nw.lit(value=False)
    return rows.with_columns(
        reach().cast(nw.Int64).alias("reach"),
        na.cast(nw.Int64).alias("na"),
        traceable.cast(nw.Int64).alias("traceable"),
    )


def quality(rows: Any, keys: Sequence[str], first: date, last: date, most: int) -> pd.DataFrame:
    """Count judged checks by keys, method, sample and day: `checks` and those `traceable`; `most` caps the sample."""
    capped = nw.when(nw.col("reach") > most).then(nw.lit(most)).otherwise(nw.col("reach")).alias("reach")
    counts = (
        rows.filter(_between(first, last))
        .with_columns(capped)
        .group_by(*dict.fromkeys(("project", "point", *keys, "day", "method", "reach", "na")), drop_null_keys=False)
        .agg(nw.len().alias("checks"), nw.col("traceable").sum().alias("traceable"))
    )
    return _collected(counts)


FINDING_COLUMNS = {"deduct_hundredths": 0, "verify_on": None}


def raised(
    rows: Any, findings: Any, verifications: Any, demanded: Sequence[str], as_of: datetime | None
) -> pd.DataFrame:
    """Return each finding with its check's keys, whether it bears every demanded field, and how it was verified.

    Columns: check, project, role, point, inspector, kind, day, traceable, finding_kind, deduct_hundredths, verify_on,
    complete, closed (by the latest round up to `as_of`), closer (who verified in it), first_day (of the first round).
    """
    columns = {**FINDING_COLUMNS, **dict.fromkeys(demanded)}
    found = with_columns(findings, columns)
    complete = (
        nw.all_horizontal(*(_filled(field) for field in demanded), ignore_nulls=False) if demanded else nw.lit(True)
    )
    # Numbers are joined several times faster than ids; tables that do not come from a ledger have none.
    by_number = "entry" in names(found) & names(rows) and not repeated(rows, "entry")
    if not by_number and repeated(rows, "id"):
        raise UsageError(say("table checks holds an id twice; give the tables of one ledger, or ids that differ"))
    number = ("entry",) if by_number else ()
    found = found.select(
        nw.col("id").alias("finding"),
        nw.col("check"),
        *map(nw.col, number),
        nw.col("kind").alias("finding_kind"),
        nw.col("deduct_hundredths"),
        nw.col("verify_on"),
        complete.cast(nw.Int64).alias("complete"),
    )
    checks = rows.select(
        *(number or ("id",)), "project", "role", "point", "inspector", "kind", "day", "traceable", "na"
    )
    keys = {"on": "entry"} if by_number else {"left_on": "check", "right_on": "id"}
    joined = _collected(found.join(checks, how="inner", **keys))
    rounds = _rounds(verifications, as_of)
    return joined.merge(rounds, on="finding", how="left")


def _filled(field: str) -> nw.Expr:
    filled = ~nw.col(field).is_null()
    return filled & (nw.col(field) != "[]") if field in ("sample", "evidence") else filled


def _rounds(verifications: Any, as_of: datetime | None) -> pd.DataFrame:
    """Return per finding whether its latest round closed it, and the day of its first; ties go to the later in the ledger."""
    order = [name for name in ("entry",) if name in names(verifications)]
    known = with_columns(verifications, {"verifier": None})
    rows = _collected(known.select("finding", "verified_at", "day", "outcome", "verifier", *order))
    rows["finding"] = rows["finding"].astype("object")
    if as_of is not None:
        rows = rows[rows["verified_at"] <= pd.Timestamp(as_of)]
    # Of two at one instant the later in the ledger counts; without its numbers, the later in the table.
    rows = rows.sort_values(["verified_at", *order], kind="stable")
    last = rows.drop_duplicates("finding", keep="last")
    first = rows.drop_duplicates("finding", keep="first")[["finding", "day"]].rename(columns={"day": "first_day"})
    closed = pd.DataFrame(
        {
            "finding": last["finding"],
            "closed": (last["outcome"] == "closed").astype("int64"),
            "closer": last["verifier"].astype("object"),
        }
    )
    return closed.merge(first, on="finding")


def codes(column: "pd.Series[Any]", names: Sequence[str]) -> Whole:
    """Return the position of each value of a column in a list of names, -1 where it is not there."""
    known = pd.Index(list(names), dtype="object")
    if isinstance(column.dtype, pd.CategoricalDtype):
        positions = known.get_indexer(pd.Index(column.cat.categories, dtype="object")).astype(np.int64)
        raw = column.cat.codes.to_numpy()
        return np.where(raw < 0, -1, np.append(positions, -1)[raw]).astype(np.int64)
    found: Whole = known.get_indexer(pd.Index(column, dtype="object")).astype(np.int64)
    return found


def day_numbers(column: "pd.Series[Any]") -> Whole:
    """Return a column of days as days since 1970-01-01, and the least whole number where a day is missing."""
    known = column if pd.api.types.is_datetime64_dtype(column.dtype) else pd.to_datetime(column.astype("object"))
    values = known.to_numpy()
    numbers: Whole = values.astype("datetime64[D]").astype(np.int64)
    return numbers


def months(day: Whole) -> Whole:
    """Return the month of each day number, as year * 12 + month - 1."""
    found: Whole = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 1970 * 12
    return found


def counted(keys: dict[str, Whole], looks: Whole) -> pd.DataFrame:
    """Return for each distinct key the number of rows, `days`, and the sum of `looks`."""
    frame = nw.from_native(pd.DataFrame({**keys, "looks": looks}), eager_only=True)
    return frame.group_by(*keys).agg(nw.len().alias("days"), nw.col("looks").sum().alias("looks")).to_pandas()
