"""Dense counts: tables in memory counted through whole-number codes, without a look at any single row in Python."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from qpi.asked import ENOUGH, NO_PLAN, Looked, Raised, Truth, Whole
from qpi.blocks import grouped
from qpi.codes import Coded, Columns, coded, day_numbers, month_of, whole
from qpi.errors import UsageError
from qpi.marks import calendar_of
from qpi.messages import say
from qpi.tidy import names

# Checks by what quality is judged by


class Looks:
    """What quality is counted from, for any rows of the checks."""

    def __init__(self, checks: Columns, demanded: Sequence[str]) -> None:
        self.checks, self.demanded = checks, demanded
        self.size, _ = checks.number("sample_size")
        self.evidence, _ = checks.number("evidence_count")
        self.population, self.counted = checks.number("population")
        result = checks.coded("result")
        self.result = result.codes
        self.is_na = np.array([*(name == "na" for name in result.names), False], dtype=bool)
        plain = [name for name in demanded if name not in ("sample_or_evidence", "checked_at", "sample", "evidence")]
        self.known = {name: checks.known(name) for name in plain}

    def traceable(self, rows: Any) -> Truth:
        """Say of each row whether the check bears every field that is demanded."""
        found = np.ones(len(self.size[rows]), dtype=bool)
        for name in self.demanded:
            if name != "checked_at":
                found &= self.bears(name, rows)
        return found

    def bears(self, name: str, rows: Any) -> Truth:
        """Say of each row whether the check bears a field that is demanded; its moment is seen by its day."""
        found: Truth
        if name == "sample_or_evidence":
            found = (self.size[rows] > 0) | (self.evidence[rows] > 0)
        elif name in ("sample", "evidence"):
            found = (self.size if name == "sample" else self.evidence)[rows] > 0
        else:
            found = self.known[name][rows]
        return found

    def reach(self, rows: Any, most: int) -> Whole:
        """Return the size of the sample, or ENOUGH where it is the whole population, but no more than `most`."""
        size = self.size[rows]
        full = size >= self.population[rows]
        if self.counted is not None:
            full &= self.counted[rows]
        found: Whole = np.where(full, ENOUGH, size).clip(0, most)
        return found

    def na(self, rows: Any) -> Truth:
        """Say of each row whether there was nothing to look at."""
        found: Truth = self.is_na[self.result[rows]]
        return found


def _keyed(column: Coded) -> "Part":
    """Return a column of keys as codes from 0, the last for rows without one."""
    last = len(column.names)

    def codes(rows: Any) -> Whole:
        found: Whole = column.codes[rows].astype(np.int64)
        found[found < 0] = last
        return found

    return codes, last + 1


def _categories(codes: Whole, names: Sequence[Any]) -> "pd.Series[Any]":
    return pd.Series(pd.Categorical.from_codes(np.where(codes == len(names), -1, codes), categories=pd.Index(names)))


Part = tuple[Callable[[slice], Whole], int]
"""A column given block by block as codes from 0, and how many codes there are."""


def looked(checks: Columns, asked: Looked) -> pd.DataFrame:
    """Count checks by keys and by what quality is judged by; see `qpi.tally.Rows.looked`."""
    looks = Looks(checks, asked.demanded)
    names = list(dict.fromkeys((*asked.keys, "point")))
    columns = {name: checks.coded(name) for name in (*names, "method")}
    calendar = calendar_of(asked.start, asked.stop)
    project = checks.coded("project")
    state, mover = _states(project, asked)
    months = asked.stop - asked.start
    month = np.where(calendar.month < 0, months, calendar.month - asked.start).astype(np.int64)

    def place(part: slice) -> Whole:
        return calendar.place(checks.day[part])

    parts: dict[str, Part] = {name: _keyed(columns[name]) for name in names}
    parts["month"] = (lambda part: month[place(part)], months + 1)
    states = max(int(state.max()), *(way.state for way in asked.ways or ()), 0) + 1
    parts["state"] = (lambda part: state[project.codes[part]], states)
    if asked.held.movers:
        parts["mover"] = (lambda part: mover[project.codes[part]], len(asked.held.movers) + 1)
        parts["day"] = (
            lambda part: np.where(mover[project.codes[part]] > 0, place(part) + 1, 0), len(calendar.month) + 1,
        )  # fmt: skip
    parts["method"] = _keyed(columns["method"])
    parts["reach"] = (lambda part: looks.reach(part, asked.most), asked.most + 1)
    if asked.ways is not None:
        parts |= _conforming(parts, columns["point"], columns["method"], asked)
    parts["na"] = (lambda part: looks.na(part).astype(np.int64), 2)
    parts["traceable"] = (lambda part: looks.traceable(part).astype(np.int64), 2)
    found = grouped(list(parts.values()), checks.rows)
    cells = dict(zip(parts, found.columns, strict=True))
    frame = {name: _categories(cells.pop(name), columns[name].names) for name in (*names, "method")}
    less = {"month": -asked.start, "mover": 1, "day": 1 - calendar.first}
    frame |= {name: pd.Series(values - less.get(name, 0)) for name, values in cells.items()}
    frame["checks"] = pd.Series(found.number)
    frame["traceable"] = pd.Series(np.where(cells["traceable"] == 1, found.number, 0))
    return pd.DataFrame(frame)[cells["month"] < months].reset_index(drop=True)


def _conforming(parts: Mapping[str, Part], points: Coded, methods: Coded, asked: Looked) -> dict[str, Part]:
    """Tell of each check whether it conforms, and its method and sample only where its project moves."""
    months, never = asked.stop - asked.start, 2**31 - 1
    shape = (months + 1, parts["state"][1], len(points.names) + 1, len(methods.names) + 1)
    least = np.full(shape, never, dtype=np.int64)
    of_point = {name: code for code, name in enumerate(points.names)}
    of_method = {name: code for code, name in enumerate(methods.names)}
    for way in asked.ways or ():
        code = of_point.get(way.point)
        if code is not None:
            allowed = of_method if way.methods is None else [name for name in way.methods if name in of_method]
            least[way.month - asked.start, way.state, code, [of_method[name] for name in allowed]] = way.minimum
    names = ("month", "state", "point", "method", "reach")
    month, state, point, method, reach = (codes for codes, _ in map(parts.__getitem__, names))
    if "mover" not in parts:
        return {
            "method": (lambda part: np.full(part.stop - part.start, len(methods.names)), len(methods.names) + 1),
            "reach": (lambda part: np.zeros(part.stop - part.start, dtype=np.int64), 1),
            "conforms": (
                lambda part: (reach(part) >= least[month(part), state(part), point(part), method(part)]).astype(np.int64), 2,
            ),
        }  # fmt: skip
    moves, _ = parts["mover"]

    def conforms(part: slice) -> Whole:
        fits = reach(part) >= least[month(part), state(part), point(part), method(part)]
        found: Whole = (fits & (moves(part) == 0)).astype(np.int64)
        return found

    return {
        "method": (lambda part: np.where(moves(part) > 0, method(part), len(methods.names)), len(methods.names) + 1),
        "reach": (lambda part: np.where(moves(part) > 0, reach(part), 0), asked.most + 1),
        "conforms": (conforms, 2),
    }


def _states(project: Coded, asked: Looked) -> tuple[Whole, Whole]:
    """Return per code of project its state, and which of the movers it is, from 1."""
    state = np.zeros(len(project.names) + 1, dtype=np.int64)
    for number, projects in asked.held.constant.items():
        state[project.positions(projects) >= 0] = number
    return state, project.positions(asked.held.movers) + 1


# Findings


class Found:
    """The findings of a table in memory, beside the check and the second verifications of each."""

    def __init__(
        self, checks: Columns, findings: Any, verifications: Any, as_of: datetime, *, of_ledger: bool = False
    ) -> None:
        self.checks = checks
        at = checks_of(checks, findings, of_ledger=of_ledger)
        keep = at >= 0
        rows = findings.to_pandas()
        self.at = at if keep.all() else at[keep]
        self.rows: pd.DataFrame = rows if keep.all() else rows[keep].reset_index(drop=True)
        self.day = checks.day[self.at]
        self.rounds = _rounds(verifications, as_of).reindex(self.rows["id"].astype("object"))
        self.closed = (self.rounds["closed"].fillna(0).to_numpy() == 1).astype(np.int64)

    def key(self, name: str) -> Coded:
        """Return a key of the check of each finding."""
        column = self.checks.coded(name)
        return Coded(column.codes[self.at], column.names)

    def complete(self, demanded: Sequence[str]) -> Truth:
        """Say of each finding whether it bears every field that is demanded."""
        found = np.ones(len(self.rows), dtype=bool)
        for name in demanded:
            if name not in self.rows.columns:
                return np.zeros(len(self.rows), dtype=bool)
            found &= filled(self.rows, name)
        return found

    def deducted(self) -> Whole:
        """Return what each finding takes from the score, in hundredths."""
        if "deduct_hundredths" not in self.rows.columns:
            return np.zeros(len(self.rows), dtype=np.int64)
        return whole(self.rows["deduct_hundredths"])[0]

    def planned(self) -> tuple[Whole, Truth]:
        """Return the planned day of each finding, and which have one."""
        if "verify_on" not in self.rows.columns:
            return np.zeros(len(self.rows), dtype=np.int64), np.zeros(len(self.rows), dtype=bool)
        column = self.rows["verify_on"]
        return day_numbers(column), column.notna().to_numpy()


def filled(findings: pd.DataFrame, name: str) -> Truth:
    """Say of each finding whether it bears a field; an empty list is nothing."""
    column = findings[name]
    found: Truth = column.notna().to_numpy(dtype=bool)
    if name in ("sample", "evidence"):
        found = found & (column.astype("object") != "[]").to_numpy(dtype=bool)
    return found


def checks_of(checks: Columns, findings: Any, *, of_ledger: bool = False) -> Whole:
    """Return the row of the check of each finding, -1 where there is none."""
    # Numbers are found faster than ids; tables that do not come from a ledger have none, those of several have some twice.
    if "entry" in checks.there & names(findings):
        at = _by_number(checks.frame["entry"].to_numpy(), findings["entry"].to_numpy())
        if at is not None and (of_ledger or _agree(checks, findings, at)):
            return at
    ids = pd.Index(checks.frame["id"].to_pandas().astype("object"))
    if not ids.is_unique:
        raise UsageError(say("table checks holds an id twice; give the tables of one ledger, or ids that differ"))
    return _places(ids, findings["check"].to_pandas().astype("object"))


def _by_number(entries: Any, wanted: Any) -> Whole | None:
    """Return the place of each number that is wanted, -1 where it is not there; None where numbers come twice or are none."""
    if entries.dtype.kind not in "iu" or wanted.dtype.kind not in "iu" or not len(entries):
        return None
    # Numbers with and without a sign would meet as floats.
    entries, wanted = (numbers.astype(np.int64, copy=False) for numbers in (entries, wanted))
    if (entries[1:] > entries[:-1]).all():
        at = np.minimum(np.searchsorted(entries, wanted), len(entries) - 1)
        there: Whole = np.where(entries[at] == wanted, at, -1).astype(np.int64)
        return there
    index = pd.Index(entries)
    return _places(index, wanted) if index.is_unique else None


def _agree(checks: Columns, findings: Any, at: Whole) -> bool:
    """Say whether the checks that were found by number are those that the findings name."""
    there = at >= 0
    if not there.any():
        return True
    ids = checks.frame["id"][at[there]].to_pandas().astype("object")
    named = findings["check"].to_pandas().astype("object")[there]
    return bool((ids.to_numpy() == named.to_numpy()).all())


def _places(index: "pd.Index[Any]", wanted: Any) -> Whole:
    found: Whole = index.get_indexer(pd.Index(wanted)).astype(np.int64)
    return found


def _rounds(verifications: Any, as_of: datetime) -> pd.DataFrame:
    """Return per finding whether its latest round closed it, who made it, and the day of its first."""
    order = [name for name in ("entry",) if name in names(verifications)]
    closers = [name for name in ("verifier",) if name in names(verifications)]
    rows = verifications.select("finding", "verified_at", "day", "outcome", *order, *closers).to_pandas()
    rows["finding"] = rows["finding"].astype("object")
    rows = in_turn(rows, as_of)
    last = rows.drop_duplicates("finding", keep="last").set_index("finding")
    first = rows.drop_duplicates("finding", keep="first").set_index("finding")
    closer = last["verifier"].astype("object") if closers else None
    return pd.DataFrame(
        {
            "closed": (last["outcome"] == "closed").astype("int64"),
            "closer": closer,
            "first_day": first["day"].reindex(last.index),
        },
        index=last.index,
    )


def in_turn(verifications: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Return the second verifications up to a moment, the earliest first.

    Of two at one instant the later in the ledger comes later; without its numbers, the later in the table.
    """
    order = [name for name in ("verified_at", "entry") if name in verifications.columns]
    known = verifications[(verifications["verified_at"] <= pd.Timestamp(as_of)).to_numpy()]
    return known.sort_values(order, kind="stable")


def found(rows: Found, asked: Raised) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count findings, and the checks that have some; see `qpi.tally.Rows.found`."""
    return _raised(rows, asked), _deducted(rows, asked)


def _raised(found: Found, asked: Raised) -> pd.DataFrame:
    """Count findings by keys and by what closure is judged by."""
    month = month_of(found.day)
    plan, has_plan = found.planned()
    planned = np.where(has_plan, month_of(np.where(has_plan, plan, 0)), -1)
    first = found.rounds["first_day"]
    verified = first.notna().to_numpy()
    on_time = has_plan & verified & (np.where(verified, day_numbers(first), 0) <= plan)
    mine = (month >= asked.start) & (month < asked.stop)
    if asked.elsewhere:
        mine |= (planned >= asked.start) & (planned < asked.stop)
    kind = coded(found.rows["kind"])
    names = list(dict.fromkeys((*asked.keys, "point")))
    keys = [found.key(name) for name in names]
    if asked.today is None:
        by_plan = {"plan": np.where(has_plan, plan, NO_PLAN)}
    else:
        today = int(np.datetime64(asked.today).astype(np.int64))
        by_plan = {"plan_month": planned, "before": (has_plan & (plan < today)).astype(np.int64)}
    numbers = {"month": month, **by_plan, "closed": found.closed, "on_time": on_time.astype(np.int64)}
    return _frame({**dict(zip(names, keys, strict=True)), "finding_kind": kind}, numbers, mine, "findings")


def _deducted(found: Found, asked: Raised) -> pd.DataFrame:
    """Count the checks with findings by keys and by what their findings take from them."""
    checks = found.checks
    at, of = np.unique(found.at, return_inverse=True)
    lost = np.zeros(len(at), dtype=np.int64)
    np.add.at(lost, of, found.deducted())
    incomplete = np.zeros(len(at), dtype=np.int64)
    np.maximum.at(incomplete, of, (~found.complete(asked.demanded)).astype(np.int64))
    looks = Looks(checks, asked.of_check)
    month = month_of(checks.day[at])
    names = list(dict.fromkeys((*asked.keys, "point")))
    keys = {name: Coded(checks.coded(name).codes[at], checks.coded(name).names) for name in names}
    numbers = {
        "month": month,
        "na": looks.na(at).astype(np.int64),
        "traceable": looks.traceable(at).astype(np.int64),
        "incomplete": incomplete,
        "deducted": lost,
    }
    return _frame(keys, numbers, (month >= asked.start) & (month < asked.stop), "checks")


def first_day(checks: Columns) -> date | None:
    """Return the day of the first check."""
    return np.datetime64(int(checks.day.min()), "D").item() if checks.rows else None


def latest(verifications: Any) -> datetime | None:
    """Return the moment of the last second verification."""
    last = verifications["verified_at"].to_pandas().max()
    found: datetime | None = None if pd.isna(last) else last.to_pydatetime()
    return found


def closers(found: Found, start: int, stop: int) -> pd.DataFrame:
    """Count closed findings by who raised them and who closed them; see `qpi.tally.Rows.closers`."""
    month = month_of(found.day)
    mine = (month >= start) & (month < stop) & (found.closed == 1)
    keys = {"inspector": found.key("inspector"), "closer": coded(found.rounds["closer"].reset_index(drop=True))}
    return _frame(keys, {}, mine, "findings")


def _counted(values: Whole, least: int) -> tuple[Callable[[slice], Whole], int]:
    """Return whole numbers as codes from 0."""
    width = int(values.max()) - least + 1 if len(values) else 1
    return (lambda part: values[part] - least), width


def _frame(keys: dict[str, Coded], numbers: dict[str, Whole], mine: Truth, count: str) -> pd.DataFrame:
    """Group the rows to keep by keys and numbers, and count them."""
    kept = {name: values[mine] for name, values in numbers.items()}
    least = {name: int(values.min()) if len(values) else 0 for name, values in kept.items()}
    columns = [_keyed(Coded(column.codes[mine], column.names)) for column in keys.values()]
    columns += [_counted(values, least[name]) for name, values in kept.items()]
    found = grouped(columns, int(mine.sum()))
    frame = {name: _categories(cells, keys[name].names) for name, cells in zip(keys, found.columns, strict=False)}
    rest = zip(kept, found.columns[len(keys) :], strict=True)
    frame |= {name: pd.Series(cells + least[name]) for name, cells in rest}
    frame[count] = pd.Series(found.number)
    return pd.DataFrame(frame)
