"""Queries: tables counted by the engine that holds them, so that only small counts leave it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from qpi import calendar, engines
from qpi.asked import ENOUGH, NO_PLAN, Days, Looked, Owed, Raised, Stretch, Way, Whole
from qpi.codes import Coded, coded
from qpi.errors import UsageError
from qpi.marks import Marks, with_ranks
from qpi.messages import say
from qpi.tidy import names, with_columns

QUALITY_COLUMNS = (("kind", "routine"), ("inspector", None), ("method", None), ("result", None), ("sample_size", 0),
                   ("population", None), ("evidence_count", 0))  # fmt: skip
FINDING_COLUMNS = (("deduct_hundredths", 0), ("verify_on", None))


def _collected(frame: Any) -> pd.DataFrame:
    """Return the few rows that an engine has counted, texts as categories."""
    made: pd.DataFrame = engines.collected(frame).to_native().to_pandas(strings_to_categorical=True)
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


# Days on which pairs were looked at


def days(checks: Any, owed: Owed, kinds: Sequence[str], stretches: Sequence[Stretch]) -> Iterator[Days]:
    """Yield, month by month, the days on which pairs were looked at in projects, by checks of these kinds."""
    if not owed.pairs or not owed.projects:
        # Nobody owes anything, as before the first edition.
        return
    rows = with_columns(checks, (("kind", "routine"),))
    counts = nw.col("kind").is_in(list(kinds))
    if "routine" in kinds:
        counts = counts | nw.col("kind").is_null()
    if not engines.by_month(checks):
        coded_rows = _coded(rows.filter(counts), owed)
        wanted = _stretched(stretches[0])
        for stretch in stretches[1:]:
            wanted = wanted | _stretched(stretch)
        yield from _days(coded_rows(wanted), owed, None)
        return
    streams = engines.streams(checks)
    if streams:
        # Rows that are left out on the way slow down all that follows; what does not count is left out at the end.
        day = nw.when(counts).then(nw.col("day").dt.day()).otherwise(nw.lit(0)).cast(nw.UInt8)
        rows = rows.with_columns(day.alias("dom"))
    coded_rows = _coded(rows if streams else rows.filter(counts), owed)
    for number, points in _months(stretches):
        month_rows = coded_rows(_stretched(Stretch(number, number + 1, points)))
        yield from (_streamed if streams else _days)(month_rows, owed, number)


def _months(stretches: Sequence[Stretch]) -> Iterator[tuple[int, tuple[str, ...] | None]]:
    for stretch in sorted(stretches, key=lambda one: one.start):
        for number in range(stretch.start, stretch.stop):
            yield number, stretch.points


def _stretched(stretch: Stretch) -> nw.Expr:
    inside = within("day", stretch.start, stretch.stop)
    return inside if stretch.points is None else inside & nw.col("point").is_in(list(stretch.points))


def _coded(rows: Any, owed: Owed) -> Any:
    """Return how to filter the rows and to name their project and pair: by numbers where the engine can, else by texts."""
    project = engines.numbered(rows, {"project": list(owed.projects)}, "owner")
    roles, points = [role for role, _ in owed.pairs], [point for _, point in owed.pairs]
    pair = engines.numbered(rows, {"role": roles, "point": points}, "pair")

    def coded_rows(wanted: nw.Expr) -> Any:
        found = rows.filter(wanted)
        dom = nw.col("dom") if "dom" in names(found) else nw.col("day").dt.day().alias("dom")
        if project is None or pair is None:
            return found.select("project", "role", "point", "day", month().alias("month"), dom)
        found = found.join(project, on="project", how="inner").join(pair, on=["role", "point"], how="inner")
        return found.select("owner", "pair", "point", "day", month().alias("month"), dom)

    return coded_rows


def _streamed(rows: Any, owed: Owed, number: int) -> Iterator[Days]:
    """Count the days of a month from the numbers that an engine in this process hands over; `dom` 0 does not count."""
    found = engines.collected(rows.select("owner", "pair", "dom")).to_native()
    owner, pair, dom = (found.column(name).to_numpy() for name in ("owner", "pair", "dom"))
    before = calendar.day_number(calendar.first_day(number)) - 1

    def cells(part: slice) -> Whole:
        cell: Whole = pair[part].astype(np.int64) * len(owed.projects) + owner[part]
        cell[dom[part] == 0] = -1
        return cell

    def day(part: slice) -> Whole:
        found: Whole = dom[part].astype(np.int64) + before
        return found

    return Marks(owed, len(dom), day, cells).days([number])


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
    found["owner"] = project.positions(owed.projects)[project.codes]
    found["pair"] = owed.numbers(role.names, point.names)[role.codes, point.codes]
    keep = (found["owner"] >= 0) & (found["pair"] >= 0)
    return {name: column[keep] for name, column in found.items()}


# Checks by what quality is judged by


def reach(most: int) -> nw.Expr:
    """Return the size of a sample, or ENOUGH where it is the whole population, but no more than `most`."""
    size, population = nw.col("sample_size").fill_null(0), nw.col("population")
    whole = (~population.is_null()) & (size >= population)
    found = nw.when(whole).then(nw.lit(ENOUGH)).otherwise(size)
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


def _read(demanded: Sequence[str]) -> list[str]:
    """Return the columns of checks that demanded fields are read from."""
    read = {"sample_or_evidence": ("sample_size", "evidence_count"), "checked_at": ("day",), "sample": ("sample_size",),
            "evidence": ("evidence_count",)}  # fmt: skip
    return [column for field in demanded for column in read.get(field, (field,))]


def _quality_columns(demanded: Sequence[str]) -> list[tuple[str, Any]]:
    return [*QUALITY_COLUMNS, *((column, None) for column in _read(demanded))]


def _judged(checks: Any, demanded: Sequence[str]) -> Any:
    """Add to checks `na`, and `traceable` as far as the check itself goes."""
    traceable = nw.all_horizontal(*map(says, demanded), ignore_nulls=False) if demanded else nw.lit(value=True)
    return checks.with_columns(
        (nw.col("result") == "na").fill_null(value=False).cast(nw.Int64).alias("na"),
        traceable.cast(nw.Int64).alias("traceable"),
    )


def looked(checks: Any, asked: Looked) -> pd.DataFrame:
    """Count checks by keys and by what quality is judged by; see `qpi.tally.Rows.looked`."""
    rows = _judged(with_columns(checks, _quality_columns(asked.demanded)), asked.demanded)
    made = [reach(asked.most).alias("reach")]
    keys = [*dict.fromkeys((*asked.keys, "point", "method")), "reach", "na"]
    conforms = asked.ways is not None and engines.beside(checks, {"point": [""]}) is not None
    if asked.held.constant:
        made.append(_state(asked).alias("state"))
        keys.append("state")
    if asked.held.movers:
        moves = nw.col("project").is_in(list(asked.held.movers)).fill_null(value=False)
        # Those that change are told apart day by day.
        made += [
            nw.when(moves).then(nw.col("project")).otherwise(nw.lit(None, dtype=nw.String)).alias("mover"),
            nw.when(moves).then(nw.col("day")).otherwise(nw.lit(None, dtype=nw.Date)).alias("moved"),
        ]
        keys += ["mover", "moved"]
    if conforms:
        keys.append("conforms")
    parts = []
    for start, stop in _portions(checks, asked.start, asked.stop):
        mine, groups = rows.filter(within("day", start, stop)).with_columns(*made), list(keys)
        if stop - start > 1:
            mine, groups = mine.with_columns(month().alias("month")), [*groups, "month"]
        if conforms:
            mine = _conforming(mine, asked, start, stop)
        counted = mine.group_by(*groups, drop_null_keys=False).agg(nw.len().alias("checks"), nw.col("traceable").sum())
        part = _collected(counted)
        parts.append(part if stop - start > 1 else part.assign(month=start))
    return _stacked(parts, asked)


def _conforming(rows: Any, asked: Looked, start: int, stop: int) -> Any:
    """Tell of each check whether it conforms, and its method and sample only where its project moves."""
    # A state of movers alone is no key of the rows: its ways would join a check as often as there are such states.
    there = {0, *asked.held.constant}
    ways = [way for way in asked.ways or () if start <= way.month < stop and way.state in there]
    on = ["point", *(["month"] if stop - start > 1 else []), *(["state"] if asked.held.constant else [])]

    def columns(some: Sequence[Way]) -> dict[str, list[Any]]:
        return {name: [getattr(way, name) for way in some] for name in on}

    least = engines.beside(
        rows, {**columns(ways), "least": [w.minimum for w in ways], "any": [int(w.methods is None) for w in ways]}
    )
    each = [(way, method) for way in ways for method in way.methods or ()]
    listed = engines.beside(
        rows, {**columns([way for way, _ in each]), "method": [method for _, method in each], "listed": [1] * len(each)}
    )
    rows = rows.join(least, on=on, how="left") if least is not None else _absent(rows, "least", "any")
    rows = rows.join(listed, on=[*on, "method"], how="left") if listed is not None else _absent(rows, "listed")
    allowed = (nw.col("any").fill_null(0) == 1) | (nw.col("listed").fill_null(0) == 1)
    fits = (~nw.col("method").is_null()) & allowed & (nw.col("reach") >= nw.col("least"))
    fits = fits.fill_null(value=False).cast(nw.Int64)
    moves = ~nw.col("mover").is_null() if asked.held.movers else nw.lit(value=False)
    return rows.with_columns(
        nw.when(moves).then(nw.lit(0)).otherwise(fits).cast(nw.Int64).alias("conforms"),
        nw.when(moves).then(nw.col("reach")).otherwise(nw.lit(0)).cast(nw.Int64).alias("reach"),
        nw.when(moves).then(nw.col("method")).otherwise(nw.lit(None, dtype=nw.String)).alias("method"),
    )


def _absent(rows: Any, *columns: str) -> Any:
    return rows.with_columns(*(nw.lit(0, dtype=nw.Int64).alias(name) for name in columns))


def _portions(checks: Any, start: int, stop: int) -> list[tuple[int, int]]:
    """Return the months to ask an engine for at a time."""
    return [(one, one + 1) for one in range(start, stop)] if engines.by_month(checks) else [(start, stop)]


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
    found = together(parts, ("month", "state", "reach", "na", "conforms", "checks", "traceable"))
    if not asked.held.constant:
        found["state"] = 0
    if asked.held.movers:
        known = {name: n for n, name in enumerate(asked.held.movers)}
        movers = coded(found.pop("mover"))
        positions = np.array([*(known.get(name, -1) for name in movers.names), -1], dtype=np.int64)
        found["mover"] = positions[movers.codes]
        moved = found.pop("moved")
        found["day"] = _day_numbers(moved)
    return found


def _of_texts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return categories as plain texts; those of a column without any are numbers."""
    names: Any = column.cat.categories.astype("object")
    return column.cat.rename_categories(names)


def together(parts: list[pd.DataFrame], numbers: Sequence[str]) -> pd.DataFrame:
    """Put tables of counts under one another: `numbers` as whole numbers, texts with one set of categories a column."""
    columns: dict[str, Any] = {}
    for name in parts[0].columns:
        cells = [part[name] for part in parts]
        if name in numbers:
            columns[name] = np.concatenate([cell.to_numpy().astype(np.int64) for cell in cells])
        elif all(isinstance(cell.dtype, pd.CategoricalDtype) for cell in cells):
            columns[name] = union_categoricals([_of_texts(cell) for cell in cells])
        else:
            columns[name] = pd.concat(cells, ignore_index=True)
    return pd.DataFrame(columns)


# Findings


class Found:
    """The findings of lazy tables, beside the check and the second verifications of each."""

    def __init__(
        self, checks: Any, findings: Any, verifications: Any, as_of: datetime, *, of_ledger: bool = False
    ) -> None:
        self.checks, self.findings = checks, with_columns(findings, FINDING_COLUMNS)
        self.rounds = _rounds(verifications, as_of)
        # Numbers are joined several times faster than ids; tables that do not come from a ledger have none.
        # Those of two ledgers put together tell no check from another.
        by_number = "entry" in names(findings) & names(checks)
        by_number = by_number and (of_ledger or _once(checks, findings, "entry", "entry"))
        if not by_number and not _once(checks, findings, "id", "check"):
            raise UsageError(say("table checks holds an id twice; give the tables of one ledger, or ids that differ"))
        self.join = {"on": "entry"} if by_number else {"left_on": "check", "right_on": "id"}
        self.number = "entry" if by_number else "check"

    def of(self, checks: Any, findings: Any, keys: Sequence[str], columns: Sequence[str]) -> Any:
        """Join findings to checks: keys of the check, and columns of the finding."""
        wanted = ("entry" if self.number == "entry" else "id",)
        left = findings.select(self.number, *columns)
        return left.join(checks.select(*wanted, *keys), how="inner", **self.join)


def _once(checks: Any, findings: Any, own: str, theirs: str) -> bool:
    """Say whether each check that findings name, by its own column and theirs, is there once at most."""
    named = findings.select(nw.col(theirs).alias(own)).unique()
    times = checks.select(own).join(named, on=own, how="semi").group_by(own).agg(nw.len().alias("times"))
    again = times.filter(nw.col("times") > 1).select(nw.len().alias("rows"))
    return not engines.collected(again)["rows"][0]


def _rounds(verifications: Any, as_of: datetime) -> Any:
    """Return per finding whether its latest round closed it, who made it, and the day of its first.

    Of two at one instant the later in the ledger counts; without its numbers, the later in the table.
    """
    rows, order = with_columns(verifications, (("verifier", None),)), ["entry"]
    if "entry" not in names(verifications):
        placed = engines.in_order(rows, "entry")
        # Where rows lie in no order, what is open hides what is closed.
        rows, order = (rows, ["outcome"]) if placed is None else (placed, order)
    known = rows.filter(nw.col("verified_at") <= nw.lit(as_of.astimezone(UTC)))
    known = known.select(*dict.fromkeys(("finding", "verified_at", "day", "outcome", "verifier", *order)))
    return engines.ends(known, ("verified_at", *order)).select(
        "finding",
        (nw.col("outcome") == "closed").cast(nw.Int64).alias("closed"),
        nw.col("verifier").alias("closer"),
        "first_day",
    )


def found(rows: Found, asked: Raised) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count findings, and the checks that have some; see `qpi.tally.Rows.found`.

    Both come of one query: a check is counted with the one of its findings that is marked.
    """
    keys = list(dict.fromkeys((*asked.keys, "point")))
    checks = with_columns(rows.checks, _quality_columns(asked.of_check))
    findings, others = _marked(rows, asked.demanded), _unmarked(rows)
    inside, planned = within("day", asked.start, asked.stop), within("verify_on", asked.start, asked.stop)
    columns = ("finding", "finding_kind", "verify_on", "incomplete", "deducted", "marked")
    of_check = list(dict.fromkeys((*keys, "day", "result", *_read(asked.of_check))))
    # Findings of the period's checks, and besides those of other checks that are to be verified in it.
    joined = rows.of(checks.filter(inside), findings, of_check, columns)
    if asked.elsewhere:
        joined = nw.concat([joined, rows.of(checks.filter(~inside), others.filter(planned), of_check, columns)])
    # Few checks have findings: what these are judged by is worked out after the join.
    joined = _judged(joined.join(rows.rounds, on="finding", how="left"), asked.of_check)
    plan = nw.col("verify_on")
    made = joined.with_columns(
        month().alias("month"),
        *_planned(asked.today),
        nw.col("closed").fill_null(0).alias("closed"),
        (nw.col("first_day") <= plan).fill_null(value=False).cast(nw.Int64).alias("on_time"),
    )
    of_plan = ("verify_on",) if asked.today is None else ("plan_month", "before")
    of_findings = (*of_plan, "closed", "on_time")
    of_checks = ("na", "traceable", "incomplete", "deducted", "marked")
    groups = (*keys, "month", "finding_kind", *of_findings, *of_checks)
    counted = made.group_by(*groups, drop_null_keys=False).agg(nw.len().alias("findings"))
    counts = _collected(counted)
    if asked.today is None:
        counts["plan"] = _day_numbers(counts.pop("verify_on"))
    whole = together([counts], ("month", "plan_month", "before", "plan", "closed", "on_time", *of_checks, "findings"))
    marked = whole[(whole["marked"] == 1) & whole["month"].between(asked.start, asked.stop - 1)]
    of_check_alone = marked.drop(
        columns=["finding_kind", "closed", "on_time", "plan", "plan_month", "before"], errors="ignore"
    )
    return whole, of_check_alone.rename(columns={"findings": "checks"})


def _planned(today: date | None) -> list[nw.Expr]:
    """Return the month of the planned day and whether that is past, where it is known which day it is."""
    if today is None:
        return []
    plan = nw.col("verify_on")
    plan_month = plan.dt.year().cast(nw.Int64) * 12 + plan.dt.month().cast(nw.Int64) - 1
    before = (plan < _lit(today)).fill_null(value=False).cast(nw.Int64)
    return [plan_month.fill_null(-1).alias("plan_month"), before.alias("before")]


def _day_numbers(days: "pd.Series[Any]") -> Whole:
    """Return collected days as days since 1970-01-01, NO_PLAN where one is missing."""
    there = days.notna().to_numpy()
    known = pd.to_datetime(days).to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.where(there, known, NO_PLAN)


def _marked(rows: Found, demanded: Sequence[str]) -> Any:
    """Return findings with what all those of the same check take together, one of them marked.

    Columns `incomplete` and `deducted` are of the check; `marked` is 1 for one finding of each check.
    """
    findings = with_columns(rows.findings, ((field, None) for field in demanded))
    complete = nw.all_horizontal(*map(_filled, demanded), ignore_nulls=False) if demanded else nw.lit(value=True)
    findings = findings.with_columns(
        (1 - complete.cast(nw.Int64)).alias("incomplete"),
        nw.col("deduct_hundredths").fill_null(0).cast(nw.Int64).alias("deducted"),
    )
    number = rows.number
    together = findings.group_by(number).agg(
        nw.col("incomplete").max(), nw.col("deducted").sum(), nw.col("id").min().alias("one")
    )
    found = findings.select(number, "id", nw.col("kind").alias("finding_kind"), "verify_on")
    found = found.join(together, on=number, how="inner")
    return found.select(
        number, "finding_kind", "verify_on", "incomplete",
        nw.col("id").alias("finding"),
        nw.col("deducted").cast(nw.Int64),
        (nw.col("id") == nw.col("one")).cast(nw.Int64).alias("marked"),
    )  # fmt: skip


def _unmarked(rows: Found) -> Any:
    """Return findings of checks that are not counted themselves."""
    zeros = [nw.lit(0, dtype=nw.Int64).alias(name) for name in ("incomplete", "deducted", "marked")]
    return rows.findings.select(
        rows.number, nw.col("kind").alias("finding_kind"), "verify_on", nw.col("id").alias("finding"), *zeros
    )


def _filled(field: str) -> nw.Expr:
    filled = ~nw.col(field).is_null()
    return filled & (nw.col(field) != "[]") if field in ("sample", "evidence") else filled


def first_day(checks: Any) -> date | None:
    """Return the day of the first check."""
    first: date | None = engines.collected(checks.select(nw.col("day").min()))["day"][0]
    return first


def latest(verifications: Any) -> datetime | None:
    """Return the moment of the last second verification."""
    last = engines.collected(verifications.select(nw.col("verified_at").max()))["verified_at"][0]
    found: datetime | None = last
    return found


def closers(rows: Found, start: int, stop: int) -> pd.DataFrame:
    """Count closed findings by who raised them and who closed them; see `qpi.tally.Rows.closers`."""
    checks = with_columns(rows.checks, QUALITY_COLUMNS).filter(within("day", start, stop))
    findings = rows.findings.rename({"id": "finding"})
    closed = rows.rounds.filter(nw.col("closed") == 1)
    joined = rows.of(checks, findings, ("inspector",), ("finding",)).join(closed, on="finding", how="inner")
    counted = joined.group_by("inspector", "closer", drop_null_keys=False).agg(nw.len().alias("findings"))
    return together([_collected(counted)], ("findings",))


__all__ = [
    "Coded",
    "Found",
    "closers",
    "days",
    "first_day",
    "found",
    "latest",
    "looked",
    "together",
]
