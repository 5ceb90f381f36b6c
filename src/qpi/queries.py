"""Queries: tables counted by the engine that holds them, so that only small counts leave it."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from qpi import calendar, engines
from qpi.asked import ENOUGH, Days, Looked, Owed, Raised, Stretch, Whole
from qpi.dense import Coded, Marks, coded, with_ranks
from qpi.tidy import names, refuse_empty_days, with_columns

QUALITY_COLUMNS = (("kind", "routine"), ("inspector", None), ("method", None), ("result", None), ("sample_size", 0),
                   ("population", None), ("evidence_count", 0))  # fmt: skip
FINDING_COLUMNS = (("deduct_hundredths", 0), ("verify_on", None))


def _collected(frame: Any) -> pd.DataFrame:
    """Return the few rows that an engine has counted, texts as categories."""
    made: pd.DataFrame = frame.collect("pyarrow").to_native().to_pandas(strings_to_categorical=True)
    return made


def month() -> nw.Expr:
    """Return the number of a day's month."""
    day = nw.col("day")
    return day.dt.year().cast(nw.Int64) * 12 + day.dt.month().cast(nw.Int64) - 1


def within(column: str, start: int, stop: int) -> nw.Expr:
    """Say of each row whether a day lies in months from `start` up to but not including `stop`."""
    first, last = calendar.first_day(start), calendar.last_day(stop - 1)
    return (nw.col(column) >= _lit(first)) & (nw.col(column) <= _lit(last))


def _lit(day: date) -> nw.Expr:
    return nw.lit(day, dtype=nw.Date)


def judge_days(checks: Any) -> None:
    """Raise UsageError where checks lack their day."""
    rows = checks.filter(nw.col("day").is_null()).select(nw.len().alias("rows"))
    refuse_empty_days(int(rows.collect("pyarrow")["rows"][0]), "checks")


# Days on which pairs were looked at


def days(checks: Any, owed: Owed, kinds: Sequence[str], stretches: Sequence[Stretch]) -> Iterator[Days]:
    """Yield, month by month, the days on which pairs were looked at in projects, by checks of these kinds."""
    rows = with_columns(checks, (("kind", "routine"),))
    counts = nw.col("kind").is_in(list(kinds))
    if "routine" in kinds:
        counts = counts | nw.col("kind").is_null()
    coded_rows = _coded(rows.filter(counts), owed)
    if engines.by_month(checks):
        count = _streamed if engines.streams(checks) else _days
        for number, points in _months(stretches):
            yield from count(coded_rows(_stretched(Stretch(number, number + 1, points))), owed, number)
    else:
        wanted = _stretched(stretches[0])
        for stretch in stretches[1:]:
            wanted = wanted | _stretched(stretch)
        yield from _days(coded_rows(wanted), owed, None)


def _months(stretches: Sequence[Stretch]) -> Iterator[tuple[int, tuple[str, ...] | None]]:
    for stretch in sorted(stretches, key=lambda one: one.start):
        for number in range(stretch.start, stretch.stop):
            yield number, stretch.points


def _stretched(stretch: Stretch) -> nw.Expr:
    inside = within("day", stretch.start, stretch.stop)
    return inside if stretch.points is None else inside & nw.col("point").is_in(list(stretch.points))


def _coded(rows: Any, owed: Owed) -> Any:
    """Return how to filter the rows and to name their project and pair: by numbers where the engine can, else by texts."""
    project = engines.beside(rows, {"project": list(owed.projects)}, "owner")
    roles, points = [role for role, _ in owed.pairs], [point for _, point in owed.pairs]
    pair = engines.beside(rows, {"role": roles, "point": points}, "pair")

    def coded_rows(wanted: nw.Expr) -> Any:
        found = rows.filter(wanted)
        dom = nw.col("day").dt.day().alias("dom")
        if project is None or pair is None:
            return found.select("project", "role", "point", "day", month().alias("month"), dom)
        found = found.join(project, on="project", how="inner").join(pair, on=["role", "point"], how="inner")
        return found.select("owner", "pair", "point", "day", month().alias("month"), dom)

    return coded_rows


def _streamed(rows: Any, owed: Owed, number: int) -> Iterator[Days]:
    """Count the days of a month from the numbers that an engine in this process hands over."""
    found = rows.select("owner", "pair", "day").collect("pyarrow").to_native()
    owner, pair = (found.column(name).to_numpy() for name in ("owner", "pair"))
    day = found.column("day").cast("int32").to_numpy()

    def cells(part: slice) -> Whole:
        cell: Whole = pair[part].astype(np.int64) * len(owed.projects) + owner[part]
        return cell

    return Marks(owed, day, cells).days([number])


def _days(rows: Any, owed: Owed, number: int | None) -> Iterator[Days]:
    there = names(rows)
    keys = ["owner", "pair"] if "owner" in there else ["project", "role", "point"]
    if number is None:
        keys.append("month")
    first = _numbered(_collected(engines.days(rows, keys)), owed, number)
    often = None
    if owed.often:
        counted = rows.filter(nw.col("point").is_in(list(owed.often)))
        counted = counted.group_by(*keys, "dom", drop_null_keys=False).agg(nw.len().alias("looks"))
        often = _numbered(_collected(counted.filter(nw.col("looks") > 1)), owed, number)
        often = {name: column[owed.looks[often["pair"]] > 1] for name, column in often.items()}
    for one in np.unique(first["month"]).tolist():
        mine = first["month"] == one
        made = Days(
            one, first["pair"][mine], first["owner"][mine], np.ones(int(mine.sum()), dtype=np.int64),
            first["days"][mine].astype(np.uint32),
        )  # fmt: skip
        if often is not None:
            again = often["month"] == one
            pair, owner, dom, looks = (often[name][again] for name in ("pair", "owner", "dom", "looks"))
            made = with_ranks(made, owed, pair, owner, dom - 1, looks)
        yield made


def _numbered(rows: pd.DataFrame, owed: Owed, number: int | None) -> dict[str, Whole]:
    """Return collected rows as whole numbers, with the pair and owner of each, and only those that have both."""
    found = {name: rows[name].to_numpy().astype(np.int64) for name in ("days", "dom", "looks", "month") if name in rows}
    if number is not None:
        found["month"] = np.full(len(rows), number, dtype=np.int64)
    if "owner" in rows:
        return found | {name: rows[name].to_numpy().astype(np.int64) for name in ("owner", "pair")}
    project, role, point = (coded(rows[name]) for name in ("project", "role", "point"))
    pairs = {pair: n for n, pair in enumerate(owed.pairs)}
    table = np.array(
        [[pairs.get((r, p), -1) for p in [*point.names, None]] for r in [*role.names, None]], dtype=np.int64
    )
    found["owner"] = project.positions(owed.projects)[project.codes]
    found["pair"] = table[role.codes, point.codes]
    keep = (found["owner"] >= 0) & (found["pair"] >= 0)
    return {name: column[keep] for name, column in found.items()}


# Checks by what quality is judged by


def reach(most: int) -> nw.Expr:
    """Return the size of a sample, or ENOUGH where it is the whole population, but no more than `most`."""
    size, population = nw.col("sample_size"), nw.col("population")
    whole = (~population.is_null()) & (size >= population)
    found = nw.when(whole).then(nw.lit(ENOUGH)).otherwise(size).fill_null(0)
    capped: nw.Expr = nw.when(found > most).then(nw.lit(most)).otherwise(found).cast(nw.Int64)
    return capped


def says(field: str) -> nw.Expr:
    """Say of each check whether it bears a field that the policy can demand."""
    if field == "sample_or_evidence":
        return says("sample") | says("evidence")
    if field == "checked_at":
        return ~nw.col("day").is_null()
    if field in ("sample", "evidence"):
        return nw.col({"sample": "sample_size", "evidence": "evidence_count"}[field]).fill_null(0) > 0
    return ~nw.col(field).is_null()


def _judged(checks: Any, demanded: Sequence[str], most: int) -> Any:
    """Add to checks `reach`, `na`, and `traceable` as far as the check itself goes."""
    plain = [field for field in demanded if field not in ("sample_or_evidence", "checked_at", "sample", "evidence")]
    rows = with_columns(checks, (*QUALITY_COLUMNS, *((field, None) for field in plain)))
    traceable = nw.all_horizontal(*map(says, demanded), ignore_nulls=False) if demanded else nw.lit(value=True)
    return rows.with_columns(
        reach(most).alias("reach"),
        (nw.col("result") == "na").fill_null(value=False).cast(nw.Int64).alias("na"),
        traceable.cast(nw.Int64).alias("traceable"),
    )


def looked(checks: Any, asked: Looked) -> pd.DataFrame:
    """Count checks by keys and by what quality is judged by; see `qpi.tally.looked`."""
    rows = _judged(checks, asked.demanded, asked.most)
    made = [_state(asked).alias("state")]
    keys = [*dict.fromkeys((*asked.keys, "point", "method")), "state", "reach", "na"]
    if asked.held.movers:
        moves = nw.col("project").is_in(list(asked.held.movers)).fill_null(value=False)
        # Those that change are told apart day by day.
        made += [
            nw.when(moves).then(nw.col("project")).otherwise(nw.lit(None, dtype=nw.String)).alias("mover"),
            nw.when(moves).then(nw.col("day")).otherwise(nw.lit(None, dtype=nw.Date)).alias("moved"),
        ]
        keys += ["mover", "moved"]
    if engines.by_month(checks):
        stretches = [(one, one + 1, nw.lit(one, dtype=nw.Int64)) for one in range(asked.start, asked.stop)]
    else:
        stretches = [(asked.start, asked.stop, month())]
    parts = []
    for start, stop, number in stretches:
        mine = rows.filter(within("day", start, stop)).with_columns(number.alias("month"), *made)
        counted = mine.group_by(*keys, "month", drop_null_keys=False)
        parts.append(_collected(counted.agg(nw.len().alias("checks"), nw.col("traceable").sum())))
    return _stacked(parts, asked)


def _state(asked: Looked) -> nw.Expr:
    """Return the state of each row's project, where it has one throughout; 0 for any other."""
    state: Any = nw.lit(0, dtype=nw.Int64)
    for number, projects in asked.held.constant.items():
        mine = nw.col("project").is_in(list(projects)).fill_null(value=False)
        state = nw.when(mine).then(nw.lit(number, dtype=nw.Int64)).otherwise(state)
    found: nw.Expr = state
    return found


def _stacked(parts: list[pd.DataFrame], asked: Looked) -> pd.DataFrame:
    """Put the counts of several months together, with whole numbers and one set of names a column."""
    found = _together(parts, ("month", "state", "reach", "na", "checks", "traceable"))
    if asked.held.movers:
        known = {name: n for n, name in enumerate(asked.held.movers)}
        movers = coded(found.pop("mover"))
        positions = np.array([*(known.get(name, -1) for name in movers.names), -1], dtype=np.int64)
        found["mover"] = positions[movers.codes]
        moved = found.pop("moved")
        there = moved.notna().to_numpy()
        found["day"] = np.where(there, pd.to_datetime(moved).to_numpy().astype("datetime64[D]").astype(np.int64), -1)
    return found


def _of_texts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return categories as plain texts; those of a column without any are numbers."""
    names: Any = column.cat.categories.astype("object")
    return column.cat.rename_categories(names)


def _together(parts: list[pd.DataFrame], numbers: Sequence[str]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in parts[0].columns:
        cells = [part[name] for part in parts]
        if name in numbers:
            columns[name] = np.concatenate([cell.to_numpy().astype(np.int64) for cell in cells])
        elif isinstance(cells[0].dtype, pd.CategoricalDtype):
            columns[name] = union_categoricals([_of_texts(cell) for cell in cells])
        else:
            columns[name] = pd.concat(cells, ignore_index=True)
    return pd.DataFrame(columns)


# Findings


class Found:
    """The findings of lazy tables, beside the check and the second verifications of each."""

    def __init__(self, checks: Any, findings: Any, verifications: Any, as_of: datetime) -> None:
        self.checks, self.findings = checks, with_columns(findings, FINDING_COLUMNS)
        self.rounds = _rounds(verifications, as_of)
        # Numbers are joined several times faster than ids; tables that do not come from a ledger have none.
        by_number = "entry" in names(findings) & names(checks)
        self.join = {"on": "entry"} if by_number else {"left_on": "check", "right_on": "id"}
        self.number = "entry" if by_number else "check"

    def of(self, checks: Any, findings: Any, keys: Sequence[str], columns: Sequence[str]) -> Any:
        """Join findings to checks: keys of the check, and columns of the finding."""
        wanted = ("entry" if self.number == "entry" else "id",)
        left = findings.select(self.number, *columns)
        return left.join(checks.select(*wanted, *keys), how="inner", **self.join)


def _rounds(verifications: Any, as_of: datetime) -> Any:
    """Return per finding whether its latest round closed it, who made it, and the day of its first.

    Of two at one instant the later in the ledger counts.
    """
    order = [name for name in ("entry",) if name in names(verifications)]
    rows = with_columns(verifications, (("verifier", None),))
    known = rows.filter(nw.col("verified_at") <= nw.lit(as_of))
    known = known.select("finding", "verified_at", "day", "outcome", "verifier", *order)
    by = {"order_by": ["verified_at", *order]}
    last = known.unique(subset=["finding"], keep="last", **by)
    first = known.unique(subset=["finding"], keep="first", **by)
    closed = last.select(
        "finding",
        (nw.col("outcome") == "closed").cast(nw.Int64).alias("closed"),
        nw.col("verifier").alias("closer"),
    )
    return closed.join(first.select("finding", nw.col("day").alias("first_day")), on="finding", how="left")


def raised(found: Found, asked: Raised) -> pd.DataFrame:
    """Count findings by keys and by what closure is judged by; see `qpi.tally.raised`."""
    keys = list(dict.fromkeys((*asked.keys, "point")))
    checks = with_columns(found.checks, QUALITY_COLUMNS)
    findings = found.findings.rename({"id": "finding", "kind": "finding_kind"})
    wanted = ("finding", "finding_kind", "verify_on")
    inside, planned = within("day", asked.start, asked.stop), within("verify_on", asked.start, asked.stop)
    # Findings of the period's checks, and besides those of other checks that are to be verified in it.
    parts = [(checks.filter(inside), findings), (checks.filter(~inside), findings.filter(planned))]
    names_ = (*keys, "month", "plan_month", "before", "finding_kind", "closed", "on_time")
    counted = []
    for some_checks, some_findings in parts:
        rows = found.of(some_checks, some_findings, list(dict.fromkeys((*keys, "day"))), wanted)
        rows = rows.join(found.rounds, on="finding", how="left")
        plan = nw.col("verify_on")
        on_time = (nw.col("first_day") <= plan).fill_null(value=False)
        made = rows.with_columns(
            month().alias("month"),
            (plan.dt.year().cast(nw.Int64) * 12 + plan.dt.month().cast(nw.Int64) - 1).fill_null(-1).alias("plan_month"),
            (plan < _lit(asked.today)).fill_null(value=False).cast(nw.Int64).alias("before"),
            nw.col("closed").fill_null(0).alias("closed"),
            on_time.cast(nw.Int64).alias("on_time"),
        )
        grouped = made.group_by(*names_, drop_null_keys=False).agg(nw.len().alias("findings"))
        counted.append(_collected(grouped))
    return _together(counted, ("month", "plan_month", "before", "closed", "on_time", "findings"))


def _filled(field: str) -> nw.Expr:
    filled = ~nw.col(field).is_null()
    return filled & (nw.col(field) != "[]") if field in ("sample", "evidence") else filled


def deducted(found: Found, asked: Raised) -> pd.DataFrame:
    """Count the checks with findings by keys and by what their findings take from them; see `qpi.tally.deducted`."""
    keys = list(dict.fromkeys((*asked.keys, "point")))
    checks = _judged(found.checks, asked.of_check, 0).filter(within("day", asked.start, asked.stop))
    findings = with_columns(found.findings, ((field, None) for field in asked.demanded))
    complete = (
        nw.all_horizontal(*map(_filled, asked.demanded), ignore_nulls=False) if asked.demanded else nw.lit(value=True)
    )
    findings = findings.with_columns(
        (1 - complete.cast(nw.Int64)).alias("incomplete"),
        nw.col("deduct_hundredths").fill_null(0).cast(nw.Int64).alias("deducted"),
    )
    of_check = findings.group_by(found.number).agg(nw.col("incomplete").max(), nw.col("deducted").sum())
    of_check = of_check.with_columns(nw.col("deducted").cast(nw.Int64))
    rows = found.of(checks, of_check, [*dict.fromkeys((*keys, "day")), "na", "traceable"], ("incomplete", "deducted"))
    columns = (*keys, "month", "na", "traceable", "incomplete", "deducted")
    counted = rows.with_columns(month().alias("month")).group_by(*columns, drop_null_keys=False)
    numbers = ("month", "na", "traceable", "incomplete", "deducted", "checks")
    return _together([_collected(counted.agg(nw.len().alias("checks")))], numbers)


def closers(found: Found, start: int, stop: int) -> pd.DataFrame:
    """Count closed findings by who raised them and who closed them; see `qpi.tally.closers`."""
    checks = with_columns(found.checks, QUALITY_COLUMNS).filter(within("day", start, stop))
    findings = found.findings.rename({"id": "finding"})
    closed = found.rounds.filter(nw.col("closed") == 1)
    rows = found.of(checks, findings, ("inspector",), ("finding",)).join(closed, on="finding", how="inner")
    counted = rows.group_by("inspector", "closer", drop_null_keys=False).agg(nw.len().alias("findings"))
    return _together([_collected(counted)], ("findings",))


__all__ = ["Coded", "Found", "closers", "days", "deducted", "judge_days", "looked", "raised"]
