"""Dense counts: tables in memory counted through whole-number codes, without a look at any single row in Python."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from qpi.asked import ENOUGH, NO_PLAN, Bits, Days, Looked, Owed, Raised, Stretch, Truth, Whole
from qpi.errors import UsageError
from qpi.messages import say
from qpi.tidy import names

BLOCK = 1 << 18
"""Rows that are worked on at a time, so that what is made of them stays near the processor."""
ROOM = 1 << 28
"""The most cells that stand for all that could be counted; beyond it the rows are sorted."""
THREADS = 2


class Coded(NamedTuple):
    """A column of keys: the code of each row, -1 where there is none, and what the codes stand for."""

    codes: npt.NDArray[Any]
    names: list[Any]

    def positions(self, known: Sequence[str]) -> Whole:
        """Return the place in `known` of what each code stands for, -1 where it is not there; last that of no code."""
        found = pd.Index(list(known), dtype="object").get_indexer(pd.Index(self.names, dtype="object"))
        return np.append(found, -1).astype(np.int64)


class Columns:
    """The columns of a table in memory, each coded once."""

    def __init__(self, frame: Any) -> None:
        self.frame, self.rows = frame, len(frame)
        self.there = names(frame)
        self._coded: dict[str, Coded] = {}
        self._known: dict[str, Truth] = {}

    def coded(self, name: str) -> Coded:
        """Return a column of keys; one that is not there is empty."""
        if name not in self._coded:
            self._coded[name] = self._code(name)
        return self._coded[name]

    def _code(self, name: str) -> Coded:
        if name not in self.there:
            return Coded(np.full(self.rows, -1, dtype=np.int8), [])
        column = self.frame[name].to_native()
        if self.frame.implementation.is_pyarrow():
            # Through Arrow itself: narwhals gives a column of codes back without its empty places.
            column = column.dictionary_encode().unify_dictionaries().to_pandas()
        return coded(column)

    def number(self, name: str) -> tuple[Whole, Truth | None]:
        """Return a column of whole numbers, 0 where it is empty, and where it is not empty (None: nowhere)."""
        if name not in self.there:
            return np.zeros(self.rows, dtype=np.int64), np.zeros(self.rows, dtype=bool)
        return whole(self.frame[name].to_pandas())

    @cached_property
    def day(self) -> Whole:
        """The day of each row, in days since 1970-01-01."""
        return day_numbers(self.frame["day"])

    def known(self, name: str) -> Truth:
        """Say of each row whether a column holds something."""
        if name not in self._known:
            there = name in self.there
            found = (~self.frame[name].is_null()).to_numpy() if there else np.zeros(self.rows, dtype=bool)
            self._known[name] = found
        return self._known[name]


def coded(column: "pd.Series[Any]") -> Coded:
    """Return a column of keys as codes."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Coded(column.cat.codes.to_numpy(), list(column.cat.categories))
    codes, values = pd.factorize(column, use_na_sentinel=True)
    return Coded(codes, list(values))


def codes(column: "pd.Series[Any]", known: Sequence[str]) -> Whole:
    """Return the place of each value of a column in a list of names, -1 where it is not there."""
    found = coded(column)
    places: Whole = found.positions(known)[found.codes]
    return places


def whole(column: "pd.Series[Any]") -> tuple[Whole, Truth | None]:
    """Return whole numbers, 0 where one is missing, and where they are there (None: everywhere)."""
    if column.dtype.kind in "iu" and isinstance(column.dtype, np.dtype):
        return column.to_numpy().astype(np.int64, copy=False), None
    empty = column.isna().to_numpy()
    values = column.fillna(0) if empty.any() else column
    return values.to_numpy().astype(np.int64), ~empty


def day_numbers(column: Any) -> Whole:
    """Return a column of days, narwhals' or pandas', as days since 1970-01-01, the least number where one is missing."""
    values = column.to_numpy()
    if values.dtype.kind != "M":
        values = pd.to_datetime(pd.Series(values, dtype="object")).to_numpy()
    numbers: Whole = values.astype("datetime64[D]").astype(np.int64)
    return numbers


def month_of(day: Whole) -> Whole:
    """Return the month of each day number, as year * 12 + month - 1."""
    found: Whole = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 1970 * 12
    return found


class Calendar(NamedTuple):
    """Per day from `first`: its month and its bit; the last place stands for every day outside."""

    first: int
    month: npt.NDArray[np.int32]
    bit: npt.NDArray[np.int32]

    def place(self, day: Whole) -> Whole:
        """Return the place of each day in `month` and `bit`."""
        outside = len(self.month) - 1
        found = day - self.first
        found[(found < 0) | (found > outside)] = outside
        return found


def calendar_of(start: int, stop: int) -> Calendar:
    """Return the days of months from `start` up to but not including `stop`; month -1 stands outside."""
    first, last = (np.datetime64(month - 1970 * 12, "M").astype("datetime64[D]") for month in (start, stop))
    days = np.arange(first, last)
    months = days.astype("datetime64[M]")
    month = np.append(months.astype(np.int64) + 1970 * 12, -1)
    bit = np.append((days - months.astype("datetime64[D]")).astype(np.int64), 0)
    return Calendar(int(first.astype(np.int64)), month.astype(np.int32), bit.astype(np.int32))


def _blocks(rows: int, work: Callable[[slice], Any]) -> list[Any]:
    """Do work on blocks of rows, on two processors, and return what comes of each."""
    parts = [slice(begin, min(begin + BLOCK, rows)) for begin in range(0, rows, BLOCK)]
    if len(parts) < 4:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, parts))


# Days on which pairs were looked at


def days(checks: Columns, owed: Owed, kinds: Sequence[str], stretches: Sequence[Stretch]) -> Iterator[Days]:
    """Yield, month by month, the days on which pairs were looked at in projects, by checks of these kinds."""
    # What only some points are asked for does no harm when it is there for all.
    months = sorted({month for stretch in stretches for month in range(stretch.start, stretch.stop)})
    return Marks(owed, checks.rows, lambda part: checks.day[part], _cells(checks, owed, kinds)).days(months)


def _cells(checks: Columns, owed: Owed, kinds: Sequence[str]) -> Callable[[slice], Whole]:
    """Return what tells the cells of a block of checks, -1 for those that fulfil no duty."""
    role, point, project, kind = (checks.coded(name) for name in ("role", "point", "project", "kind"))
    number = {pair: n for n, pair in enumerate(owed.pairs)}
    table = [[number.get((r, p), -1) for p in [*point.names, None]] for r in [*role.names, None]]
    of_pair = np.array(table, dtype=np.int64)
    of_project = project.positions(owed.projects)
    counts = np.array([*(name in kinds for name in kind.names), "routine" in kinds], dtype=bool)

    def cells(part: slice) -> Whole:
        pair, owner = of_pair[role.codes[part], point.codes[part]], of_project[project.codes[part]]
        cell: Whole = pair * len(owed.projects) + owner
        cell[(pair < 0) | (owner < 0)] = -1
        if not counts.all():
            cell[~counts[kind.codes[part]]] = -1
        return cell

    return cells


class Marks:
    """Which cell, of a pair and a project, each check belongs to, and on which day it was."""

    def __init__(self, owed: Owed, rows: int, day: Callable[[slice], Whole], cells: Callable[[slice], Whole]) -> None:
        self.owed, self.rows, self.day, self.of = owed, rows, day, cells
        self.projects = max(1, len(owed.projects))
        self.cells = max(1, len(owed.pairs) * self.projects)
        # A cell for each pair, project and day is laid out where the rows are not too few for it.
        self.sparse = self.cells * 32 > min(ROOM, max(1 << 22, 32 * rows))

    def days(self, months: Sequence[int]) -> Iterator[Days]:
        """Yield the days of some months on which cells were looked at."""
        room = max(1, ROOM // (self.cells * 32))
        for position in range(0, len(months), room):
            some = months[position : position + room]
            yield from self.sorted(some) if self.sparse else self.scattered(some)

    def cell(self, part: slice, calendar: Calendar) -> tuple[Whole, Whole]:
        """Return the cells of the rows of a block that count, and their places in the calendar."""
        cell, place = self.of(part), calendar.place(self.day(part))
        keep = (cell >= 0) & (calendar.month[place] >= 0)
        return (cell, place) if keep.all() else (cell[keep], place[keep])

    def scattered(self, months: Sequence[int]) -> Iterator[Days]:
        """Mark each day in a cell of its own."""
        calendar, slots = self._slots(months)
        seen = np.zeros(self.cells * len(months) * 32, dtype=bool)
        wide = len(months) * 32

        def mark(part: slice) -> None:
            cell, place = self.cell(part, calendar)
            seen[cell * wide + slots[place]] = True

        _blocks(self.rows, mark)
        bits = np.packbits(seen.reshape(-1, 32), axis=1, bitorder="little").view(np.uint32).reshape(-1, len(months))
        often = self._often(months, calendar)
        for number, month in enumerate(months):
            there = np.flatnonzero(bits[:, number])
            yield self._of(month, there, bits[there, number], often.get(month))

    def _slots(self, months: Sequence[int]) -> tuple[Calendar, Whole]:
        """Return the days of some months, and the bit of each among those of all these months."""
        calendar = calendar_of(months[0], months[-1] + 1)
        number = {month: n for n, month in enumerate(months)}
        position = np.array([number.get(int(month), -1) for month in calendar.month], dtype=np.int64)
        slots = position * 32 + calendar.bit
        return calendar._replace(month=np.where(position >= 0, calendar.month, -1).astype(np.int32)), slots

    def sorted(self, months: Sequence[int]) -> Iterator[Days]:
        """Sort the days that occur, where there would be too many cells."""
        calendar, slots = self._slots(months)
        wide = len(months) * 32

        def keys(part: slice) -> Whole:
            cell, place = self.cell(part, calendar)
            return cell * wide + slots[place]

        key = _distinct(_joined(_blocks(self.rows, keys)))[0]
        often = self._often(months, calendar)
        cell, slot = np.divmod(key, wide)
        for number, month in enumerate(months):
            mine = slot // 32 == number
            there, first = np.unique(cell[mine], return_index=True)
            bit = np.left_shift(np.uint32(1), (slot[mine] % 32).astype(np.uint32))
            bits = np.bitwise_or.reduceat(bit, first) if len(first) else np.zeros(0, dtype=np.uint32)
            yield self._of(month, there, bits, often.get(month))

    def _often(self, months: Sequence[int], calendar: Calendar) -> dict[int, tuple[Whole, Whole, Whole]]:
        """Return per month cell, bit and number of looks where there were two or more on a day, and more than one counts."""
        if not len(self.owed.looks) or self.owed.looks.max() < 2:
            return {}
        many = np.repeat(self.owed.looks > 1, self.projects)

        def keys(part: slice) -> Whole:
            cell, place = self.cell(part, calendar)
            mine = many[cell]
            return cell[mine] * len(calendar.month) + place[mine]

        key, looks = _distinct(_joined(_blocks(self.rows, keys)))
        key, looks = key[looks > 1], looks[looks > 1]
        cell, place = np.divmod(key, len(calendar.month))
        month, bit = calendar.month[place], calendar.bit[place].astype(np.int64)
        return {m: (cell[month == m], bit[month == m], looks[month == m]) for m in months}

    def _of(self, month: int, cell: Whole, bits: Bits, often: tuple[Whole, Whole, Whole] | None) -> Days:
        pair, project = np.divmod(cell, self.projects)
        first = Days(month, pair, project, np.ones(len(pair), dtype=np.int64), bits)
        if often is None or not len(often[0]):
            return first
        pair, project = np.divmod(often[0], self.projects)
        return with_ranks(first, self.owed, pair, project, *often[1:])


def with_ranks(first: Days, owed: Owed, pair: Whole, project: Whole, bit: Whole, looks: Whole) -> Days:
    """Add the rows of rank 2 and more to those of rank 1, from the days with two looks and more."""
    times = np.minimum(looks, owed.looks[pair]) - 1
    again = np.repeat(np.arange(len(pair)), times)
    rank = 2 + np.arange(len(again)) - np.repeat(np.cumsum(times) - times, times)
    widest = int(rank.max()) + 1 if len(rank) else 1
    key = (pair[again] * len(owed.projects) + project[again]) * widest + rank
    order = np.argsort(key, kind="stable")
    found, begin = np.unique(key[order], return_index=True)
    bits = np.left_shift(np.uint32(1), bit[again][order].astype(np.uint32))
    joined = np.bitwise_or.reduceat(bits, begin) if len(begin) else np.zeros(0, dtype=np.uint32)
    cell, ranks = np.divmod(found, widest)
    pairs, projects = np.divmod(cell, len(owed.projects))
    more = (pairs, projects, ranks)
    mine = (first.pair, first.project, first.rank)
    pair, project, rank = (np.concatenate(two) for two in zip(mine, more, strict=True))
    return Days(first.month, pair, project, rank, np.concatenate([first.days, joined]))


def _joined(parts: list[Whole]) -> Whole:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _distinct(keys: Whole) -> tuple[Whole, Whole]:
    """Return the distinct keys in order, and how often each occurs."""
    ordered = np.sort(keys)
    if not len(ordered):
        return ordered, ordered
    begin = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return ordered[begin], np.diff(np.append(begin, len(ordered)))


# Groups of whole numbers


class Groups(NamedTuple):
    """The distinct rows of some columns of codes, column by column, and how often each occurs."""

    columns: list[Whole]
    number: Whole


def grouped(columns: Sequence[tuple[Callable[[slice], Whole], int]], rows: int) -> Groups:
    """Group rows by columns, each given as a function of a block to codes from 0, and the number of codes."""
    cells = 1
    for _, width in columns:
        cells *= max(1, width)
    if cells >= 2**62:
        raise UsageError(say("too many groups; ask for fewer keys at once"))

    def keys(part: slice) -> Whole:
        key = np.zeros(part.stop - part.start, dtype=np.int64)
        for codes, width in columns:
            key *= width
            key += codes(part)
        return key

    if cells <= max(1 << 20, rows // 4):
        number = np.zeros(cells, dtype=np.int64)
        for part in _blocks(
            rows, lambda part: np.bincount(keys(part), minlength=cells) if cells <= BLOCK else keys(part)
        ):
            number += part if cells <= BLOCK else np.bincount(part, minlength=cells)
        key = np.flatnonzero(number)
        number = number[key]
    else:
        key, number = _distinct(_joined(_blocks(rows, keys)))
    parts: list[Whole] = []
    for _, width in reversed(columns):
        key, code = np.divmod(key, max(1, width))
        parts.append(code)
    return Groups(parts[::-1], number)


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

    def __init__(self, checks: Columns, findings: Any, verifications: Any, as_of: datetime) -> None:
        self.checks = checks
        at = checks_of(checks, findings)
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


def checks_of(checks: Columns, findings: Any) -> Whole:
    """Return the row of the check of each finding, -1 where there is none."""
    # Numbers are found faster than ids; tables that do not come from a ledger have none, those of several have some twice.
    if "entry" in checks.there & names(findings):
        at = _by_number(checks.frame["entry"].to_numpy(), findings["entry"].to_numpy())
        if at is not None and _agree(checks, findings, at):
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
