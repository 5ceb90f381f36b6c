"""Fulfilment: what was done of the duties, and what of it is credited, in whole twelfths.

A cell is the duties of one project (or realm), one role, one specialty and one unit (docs/indicators.md).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qpi import calendar
from qpi.asked import ALL, Bits, Days, Owed, Stretch
from qpi.calendar import Period, Unit
from qpi.duties import TWELVE, UNITS, Duties, Truth, Whole

DAY, WEEK, TWO_WEEKS = (UNITS.index(unit) for unit in (Unit.DAY, Unit.WEEK, Unit.TWO_WEEKS))
CYCLES = np.array([calendar.cycle_months(unit) for unit in UNITS], dtype=np.int64)


class Kind(NamedTuple):
    """What the cells of a block have in common; `level` is 0 for cells of projects, else a level of the duties."""

    role: str
    specialty: str | None
    unit: Unit
    level: int


@dataclass(frozen=True)
class Block:
    """The cells of one kind; every array is [project or realm, month] in twelfths."""

    kind: Kind
    required_points: Whole
    required_checks: Whole
    done_points: Whole
    done_checks: Whole


class Windows(NamedTuple):
    """Checks by the window that they fall in, which counts in `month` (from the start of the span): distinct days."""

    pair: Whole
    project: Whole
    month: Whole
    window: Whole
    days: Whole

    def where(self, keep: Truth | Whole) -> "Windows":
        """Return the rows to keep."""
        return Windows(*(column[keep] for column in self))


def asked(duties: Duties, period: Period, *, raw: bool) -> tuple[Owed, list[Stretch]]:
    """Return whose checks can fulfil duties, and in which months they are asked for to know what a period credits."""
    looks = np.where(duties.unit == DAY, duties.times, 1).max(axis=1, initial=1) if len(duties.pairs) else np.ones(0)
    owed = Owed(duties.projects, duties.pairs, np.full(len(looks), ALL) if raw else looks.astype(np.int64))
    first, stop = period.start - duties.start, period.stop - duties.start
    inside = duties.unit[:, first:stop]
    # A pair of weeks that ends in the first month may begin in the month before.
    begins = period.start - int(np.isin(inside, (WEEK, TWO_WEEKS)).any())
    stretches = [Stretch(begins, period.stop)]
    long = {unit: int(CYCLES[unit]) for unit in np.unique(inside).tolist() if unit >= 0 and CYCLES[unit] > 1}
    earlier = min((period.start - period.start % length for length in long.values()), default=begins)
    if earlier < begins:
        of_long = np.isin(duties.unit[:, earlier - duties.start : stop], list(long)).any(axis=1)
        points = dict.fromkeys(duties.pairs[pair][1] for pair in np.flatnonzero(of_long))
        stretches.append(Stretch(earlier, begins, tuple(points)))
    return owed, stretches


def blocks(duties: Duties, days: Iterable[Days], *, raw: bool) -> list[Block]:
    """Return required and done of every cell in each month of the span, from the days on which there were looks."""
    return _Fulfilment(duties, raw=raw).blocks(days)


def credit(required: Whole, done: Whole, cycle: int, start: int, first: int, stop: int) -> Whole:
    """Return what is credited of `done` from month `first` up to but not including `stop`, per cell.

    `start` is the number of the span's first month, so that cycles are found; see "Credit" in docs/indicators.md.
    """
    total = np.zeros(required.shape[:-1], dtype=np.int64)
    month = first
    while month < stop:
        begin = month - (start + month) % cycle
        end = min(stop, begin + cycle)
        surplus = np.maximum(0, (done[..., begin:month] - required[..., begin:month]).sum(axis=-1))
        total += np.minimum(required[..., month:end].sum(axis=-1), done[..., month:end].sum(axis=-1) + surplus)
        month = end
    return total


def _bits(first: int, last: int, month: int) -> np.uint32:
    """Return the bits of the days from `first` to `last` (day numbers, both within) that lie in a month."""
    begin = calendar.day_number(calendar.first_day(month))
    end = calendar.day_number(calendar.last_day(month))
    low, high = max(first, begin) - begin, min(last, end) - begin
    return np.uint32(0 if high < low else (1 << (high + 1)) - (1 << low))


def _workdays(month: int) -> np.uint32:
    """Return the bits of Monday to Friday of a month."""
    days = (day for day, _ in calendar.window_ends(Unit.DAY, month, working=True))
    return np.uint32(sum(1 << (calendar.day_of(day).day - 1) for day in days))


def _windows_in(unit: Unit, month: int) -> Iterator[tuple[int, np.uint32, bool]]:
    """Yield the last day of each week, or pair of weeks, that reaches into a month, its days there, and if it is whole."""
    length, origin = 7 if unit is Unit.WEEK else 14, calendar.FIRST_PAIR
    begin = calendar.day_number(calendar.first_day(month))
    last = calendar.day_number(calendar.last_day(month))
    first = begin - (begin - origin) % length
    while first <= last:
        end = first + length - 1
        yield end, _bits(first, end, month), first >= begin and end <= last
        first += length


def _popcount(bits: Bits) -> Whole:
    return np.bitwise_count(bits).astype(np.int64)


class _Fulfilment:
    """Adds up required and done of every cell.

    `kinds` numbers the kinds of cell, and `kind` says for [pair, month] which a duty belongs to. `arrays[kind]` is
    [which, owner, month]: which is 0 required points, 1 required checks, 2 done points, 3 done checks; the owner is a
    project or a realm; months count from the start of the span. `owed[pair]` is [realm, month], in projects.
    """

    def __init__(self, duties: Duties, *, raw: bool) -> None:
        self.duties, self.raw = duties, raw
        self.kinds: dict[Kind, int] = {}
        self.ways: list[tuple[int, bool]] = []
        self.kind = np.full(duties.unit.shape, -1, dtype=np.int64)
        self._index_kinds()
        self.owned = [len(duties.projects), *(len(names) for names in duties.realms)]
        self.widest = max(self.owned)
        # Cells of realms are few; cells of projects are many: each kind gets a stretch of its own width.
        sizes = [self.owned[kind.level] * duties.months for kind in self.kinds]
        self.begin = np.cumsum([0, *sizes], dtype=np.int64)
        self.cells = np.zeros((4, int(self.begin[-1])), dtype=np.int64)
        self.arrays = [
            self.cells[:, begin : begin + size].reshape(4, -1, duties.months)
            for begin, size in zip(self.begin[:-1].tolist(), sizes, strict=True)
        ]
        self.owed = self._owed()
        self.reached: list[Windows] = []
        self.long: list[Windows] = []
        self.parts: list[Windows] = []

    def _index_kinds(self) -> None:
        duties = self.duties
        for pair, month in zip(*np.nonzero(duties.unit >= 0), strict=True):
            kind = Kind(
                duties.pairs[pair][0],
                duties.specialties[duties.specialty[pair, month]],
                UNITS[duties.unit[pair, month]],
                int(duties.level[pair]),
            )
            self.kind[pair, month] = self.kinds.setdefault(kind, len(self.kinds))
            if len(self.ways) < len(self.kinds):
                self.ways.append((int(duties.unit[pair, month]), bool(duties.working[pair])))

    def blocks(self, days: Iterable[Days]) -> list[Block]:
        """Return the blocks with everything added up."""
        self._require_of_projects()
        self._require_of_realms()
        for month in days:
            self._reach(month)
            self._look(month)
            for unit in (Unit.WEEK, Unit.TWO_WEEKS):
                self._look_by_weeks(month, unit)
        self._complete(_put_together(self.reached))
        self._count(self._summed())
        self._count(_put_together(self.long))
        return [Block(kind, *self.arrays[i]) for kind, i in self.kinds.items()]

    def _add(self, which: int, kind: Whole, owner: Whole, month: Whole | int, twelfths: Whole | int) -> None:
        """Add twelfths to array `which` (2: done points, 3: done checks) of the cells of each kind."""
        place = self.begin[kind] + owner * self.duties.months + month
        amounts = np.broadcast_to(np.asarray(twelfths, dtype=np.int64), place.shape)
        np.add.at(self.cells[which], place, np.ascontiguousarray(amounts))

    # Required

    def _require_of_projects(self) -> None:
        duties = self.duties
        for month in range(duties.months):
            mine = np.nonzero((duties.unit[:, month] >= 0) & (duties.level == 0))[0]
            together: dict[tuple[int, int], tuple[int, int]] = {}
            for pair in mine:
                key = (int(self.kind[pair, month]), int(duties.scope[pair, month]))
                points, times = together.get(key, (0, 0))
                together[key] = (points + 1, times + int(duties.times[pair, month]))
            for (kind, scope), (points, times) in together.items():
                one, per_check = self._weights(kind, month)
                fits = duties.fits[month, scope]
                self.arrays[kind][0][:, month] += points * one * fits
                self.arrays[kind][1][:, month] += times * per_check * fits
        self._excuse()

    def _weights(self, kind: int, month: int) -> tuple[int, int]:
        """Return what a point, and a check a unit, require of a kind in a month, in twelfths."""
        unit, working = self.ways[kind]
        return calendar.weight_twelfths(UNITS[unit]), self.duties.twelfths(unit, month, working=working)

    def _excuse(self) -> None:
        """Take out of what is required what waivers excuse project roles from."""
        duties = self.duties
        for key in duties.waived:
            rest, month = divmod(int(key), duties.months)
            pair, project = divmod(rest, len(duties.projects))
            if duties.level[pair] == 0 and duties.fits[month, duties.scope[pair, month], project]:
                kind = int(self.kind[pair, month])
                one, per_check = self._weights(kind, month)
                self.arrays[kind][0][project, month] -= one
                self.arrays[kind][1][project, month] -= per_check * int(duties.times[pair, month])
        if len(duties.removed):
            pairs, projects, months = duties.removed[:, 0], duties.removed[:, 1], duties.removed[:, 2]
            keep = duties.in_force(pairs, projects, months)
            pairs, projects, months = pairs[keep], projects[keep], months[keep]
            self._add(1, self.kind[pairs, months], projects, months, -TWELVE * duties.times[pairs, months])

    def _owed(self) -> dict[int, Whole]:
        """Return for each pair of a role with a realm how many projects it owes, [realm, month]."""
        duties = self.duties
        owed: dict[int, Whole] = {}
        excused: dict[int, list[tuple[int, int]]] = {}
        for key in duties.waived:
            rest, month = divmod(int(key), duties.months)
            pair, project = divmod(rest, len(duties.projects))
            excused.setdefault(pair, []).append((project, month))
        counts: dict[tuple[int, int, int], Whole] = {}
        for pair in np.nonzero(duties.level > 0)[0].tolist():
            level = int(duties.level[pair])
            number = np.zeros((self.owned[level], duties.months), dtype=np.int64)
            realm = duties.realm[level - 1]
            for month in np.nonzero(duties.unit[pair] >= 0)[0].tolist():
                scope = int(duties.scope[pair, month])
                key = (level, scope, month)
                if key not in counts:
                    fits = duties.fits[month, scope]
                    counts[key] = np.bincount(realm[month][fits], minlength=self.owned[level]).astype(np.int64)
                number[:, month] = counts[key]
            for project, month in excused.get(pair, ()):
                if duties.fits[month, duties.scope[pair, month], project]:
                    number[realm[month, project], month] -= 1
            share, parts = (part[pair] for part in duties.share)
            owed[pair] = -(-share * number // np.maximum(parts, 1)) * (duties.unit[pair] >= 0)
        return owed

    def _require_of_realms(self) -> None:
        duties = self.duties
        for pair, owed in self.owed.items():
            for month in np.nonzero(duties.unit[pair] >= 0)[0]:
                kind = int(self.kind[pair, month])
                one, per_check = self._weights(kind, int(month))
                self.arrays[kind][0][:, month] += one * owed[:, month]
                self.arrays[kind][1][:, month] += per_check * int(duties.times[pair, month]) * owed[:, month]

    # Done

    def _inside(self, month: int) -> bool:
        return 0 <= month < self.duties.months

    def _open(self, rows: Days) -> Bits:
        """Return the days of each row but those of daily duties that have no window on them."""
        month = rows.month - self.duties.start
        idle = self.duties.working & (self.duties.unit[:, month] == DAY)
        if not idle.any():
            return rows.days
        allowed = np.where(idle, _workdays(rows.month), np.uint32(2**32 - 1)).astype(np.uint32)
        found: Bits = rows.days & allowed[rows.pair]
        return found

    def _reach(self, rows: Days) -> None:
        """Note which projects were looked at in the month of the check while the duty was in force."""
        duties, month = self.duties, rows.month - self.duties.start
        if not self._inside(month):
            return
        keep = (rows.rank == 1) & (self._open(rows) > 0)
        keep &= duties.in_force(rows.pair, rows.project, month)
        pair, project = rows.pair[keep], rows.project[keep]
        # A cycle of one month is complete at once; the longer ones, and those of realms, wait for the other months.
        at_once = (CYCLES[duties.unit[:, month]] == 1) & (duties.level == 0)
        now = at_once[pair]
        self._add(2, self.kind[pair[now], month], project[now], month, TWELVE)
        pair, project = pair[~now], project[~now]
        months = np.full(len(pair), month, dtype=np.int64)
        self.reached.append(Windows(pair, project, months, months, np.ones(len(pair), dtype=np.int64)))

    def _look(self, rows: Days) -> None:
        """Add, or note, what counts in windows of a day or a month, and in those of a quarter, half-year or year."""
        duties, month = self.duties, rows.month - self.duties.start
        if not self._inside(month):
            return
        unit = duties.unit[:, month]
        mine = ~np.isin(unit, (WEEK, TWO_WEEKS, -1))[rows.pair] & duties.in_force(rows.pair, rows.project, month)
        bits = self._open(rows)
        bits = self._less_removed(rows, bits, month)
        pair, project, rank, bits = rows.pair[mine], rows.project[mine], rows.rank[mine], bits[mine]
        looks = _popcount(bits)
        if self.raw:
            self._add_raw(pair, project, month, looks)
            return
        daily = (unit == DAY)[pair]
        allowed = daily & (rank <= duties.times[pair, month])
        of_project = (duties.level == 0)[pair]
        now = allowed & of_project
        self._add(3, self.kind[pair[now], month], project[now], month, TWELVE * looks[now])
        self._count_days_of_realms(pair, project, month, rank, bits, allowed & ~of_project)
        rest = ~daily & (rank == 1)
        months = np.full(int(rest.sum()), month, dtype=np.int64)
        found = Windows(pair[rest], project[rest], months, months, looks[rest])
        long = (CYCLES[unit] > 1)[found.pair]
        self.long.append(found.where(long))
        self._count(found.where(~long))

    def _look_by_weeks(self, rows: Days, unit: Unit) -> None:
        """Add what counts in weeks, or pairs of weeks, in the month in which they end; note those cut by a month's end."""
        duties, of_unit = self.duties, UNITS.index(unit)
        for end, bits, whole in _windows_in(unit, rows.month):
            month = calendar.month_number(calendar.day_of(end)) - duties.start
            if not self._inside(month):
                continue
            mine = (duties.unit[:, month] == of_unit)[rows.pair] & (rows.days & bits > 0)
            if not self.raw:
                mine &= rows.rank == 1
            pair, project = rows.pair[mine], rows.project[mine]
            days = _popcount(rows.days[mine] & bits)
            keep = duties.in_force(pair, project, month) & ~self._is_removed(pair, project, month, end)
            pair, project, days = pair[keep], project[keep], days[keep]
            if self.raw:
                self._add_raw(pair, project, month, days)
                continue
            months, ends = (np.full(len(pair), value, dtype=np.int64) for value in (month, end))
            found = Windows(pair, project, months, ends, days)
            if whole:
                self._count(found)
            else:
                self.parts.append(found)

    def _add_raw(self, pair: Whole, project: Whole, month: int, looks: Whole) -> None:
        """Add every look, whatever its window."""
        months = np.full(len(pair), month, dtype=np.int64)
        owner = np.where(self.duties.level[pair] == 0, project, self._realm_of(pair, project, months))
        self._add(3, self.kind[pair, month], owner, month, TWELVE * looks)

    def _is_removed(self, pair: Whole, project: Whole, month: int, end: int) -> Truth:
        """Say of each duty whether waivers take out its window that ends on a day."""
        gone = self.duties.removed
        gone = gone[(gone[:, 2] == month) & (gone[:, 4] == end)]
        if not len(gone):
            return np.zeros(len(pair), dtype=bool)
        found: Truth = np.isin(self.duties.key(pair, project, month), self.duties.key(gone[:, 0], gone[:, 1], month))
        return found

    def _less_removed(self, rows: Days, bits: Bits, month: int) -> Bits:
        """Take out of the days of daily duties those that waivers take out."""
        duties = self.duties
        gone = duties.removed
        gone = gone[(gone[:, 2] == month) & (duties.unit[gone[:, 0], gone[:, 2]] == DAY)]
        if not len(gone):
            return bits
        keys, place = np.unique(duties.key(gone[:, 0], gone[:, 1], month), return_inverse=True)
        taken = np.zeros(len(keys) + 1, dtype=np.uint32)
        first = calendar.day_number(calendar.first_day(rows.month))
        np.bitwise_or.at(taken, place.ravel(), np.left_shift(np.uint32(1), (gone[:, 4] - first).astype(np.uint32)))
        mine = duties.key(rows.pair, rows.project, month)
        at = np.searchsorted(keys, mine)
        at = np.where(keys[np.minimum(at, len(keys) - 1)] == mine, at, len(keys))
        found: Bits = bits & ~taken[at]
        return found

    def _summed(self) -> Windows:
        """Return the windows that a month's end cuts, their parts put together."""
        found = _put_together(self.parts)
        if not len(found.pair):
            return found
        order = np.lexsort((found.window, found.month, found.project, found.pair))
        pair, project, month, window, days = found.where(order)
        keys = np.stack([pair, project, month, window])
        begin = np.flatnonzero(np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)))
        return Windows(pair[begin], project[begin], month[begin], window[begin], np.add.reduceat(days, begin))

    def _cycle(self, pair: Whole, month: Whole) -> Whole:
        """Return the first month of the cycle of each duty, counted from the start of the span."""
        length = CYCLES[self.duties.unit[pair, month]]
        first: Whole = month - (self.duties.start + month) % length
        return first

    def _complete(self, own: Windows) -> None:
        """Add completed points: once per cycle, in the month of the first check."""
        duties = self.duties
        first_reached = self._first(own)
        pair, project, month = first_reached.pair, first_reached.project, first_reached.month
        of_project = duties.level[pair] == 0
        self._add(2, self.kind[pair, month][of_project], project[of_project], month[of_project], TWELVE)
        for level in range(1, len(self.owned)):
            self._complete_realms(first_reached.where(duties.level[pair] == level))

    def _first(self, own: Windows) -> Windows:
        """Keep of each duty, and realm, the first month of a cycle in which it was looked at."""
        duties = self.duties
        realm = self._realm_of(own.pair, own.project, own.month)
        unit, cycle = duties.unit[own.pair, own.month], self._cycle(own.pair, own.month)
        # At 4,000 pairs, 10,000 projects and as many realms this stays below 10 to the 16th.
        key = ((duties.key(own.pair, own.project, cycle) * len(UNITS) + unit) * max(self.widest, 1)) + realm
        order = np.lexsort((own.month, key))
        _, first = np.unique(key[order], return_index=True)
        return Windows(*(column[order[first]] for column in own))

    def _realm_of(self, pair: Whole, project: Whole, month: Whole) -> Whole:
        """Return the realm of each project in its month, 0 for a project role."""
        realm = np.zeros(len(pair), dtype=np.int64)
        for level in range(1, len(self.owned)):
            mine = self.duties.level[pair] == level
            realm[mine] = self.duties.realm[level - 1][month[mine], project[mine]]
        return realm

    def _complete_realms(self, rows: Windows) -> None:
        realm = self._realm_of(rows.pair, rows.project, rows.month)
        if self.raw:
            self._add(2, self.kind[rows.pair, rows.month], realm, rows.month, TWELVE)
            return
        for pair, r, unit, months, mine in self._realm_cycles(rows, realm):
            reached = np.zeros(len(months), dtype=np.int64)
            np.add.at(reached, rows.month[mine] - months[0], 1)
            total = np.minimum(self.owed[pair][r, months], np.cumsum(reached))
            self._grow(2, pair, r, unit, months, total)

    def _realm_cycles(self, rows: Windows, realm: Whole) -> Iterator[tuple[int, int, int, Whole, Whole]]:
        """Yield pair, realm, unit, months of the cycle up to the span's end, and the positions of its rows."""
        duties = self.duties
        unit, cycle = duties.unit[rows.pair, rows.month], self._cycle(rows.pair, rows.month)
        keys = np.stack([rows.pair, realm, unit, cycle])
        if not keys.shape[1]:
            return
        order = np.lexsort(keys[::-1])
        ordered = keys[:, order]
        starts = np.nonzero(np.append(True, (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)))[0]
        for begin, end in zip(starts, np.append(starts[1:], len(order)), strict=True):
            pair, r, kind, first = (int(value) for value in ordered[:, begin])
            months = np.arange(first, min(first + int(CYCLES[kind]), duties.months))
            yield pair, r, kind, months, order[begin:end]

    def _grow(self, which: int, pair: int, realm: int, unit: int, months: Whole, total: Whole) -> None:
        """Add what each month of a cycle adds to the most that was reached before it, where the duty has this unit."""
        there = self.duties.unit[pair, months] == unit
        added = np.diff(np.maximum.accumulate(np.where(there, total, 0)), prepend=0)
        for month, amount in zip(months[there], added[there], strict=True):
            self.arrays[self.kind[pair, month]][which][realm, month] += TWELVE * amount

    def _count(self, rows: Windows) -> None:
        """Add counted checks of windows longer than a day: the first k in each, at most one of each day."""
        duties = self.duties
        unit = duties.unit[rows.pair, rows.month]
        long = CYCLES[unit] > 1
        of_project = duties.level[rows.pair] == 0
        amount = np.minimum(duties.times[rows.pair, rows.month], rows.days)
        short = ~long & of_project
        kind = self.kind[rows.pair[short], rows.month[short]]
        self._add(3, kind, rows.project[short], rows.month[short], TWELVE * amount[short])
        if long.any():
            self._count_long(rows.where(long & of_project))
        if of_project.all():
            return
        realm = self._realm_of(rows.pair, rows.project, rows.month)
        for level in range(1, len(self.owned)):
            mine = duties.level[rows.pair] == level
            self._count_windows_of_realms(rows.where(mine & ~long), realm[mine & ~long], amount[mine & ~long])
            self._count_cycles_of_realms(rows.where(mine & long), realm[mine & long])

    def _count_days_of_realms(
        self, pair: Whole, project: Whole, month: int, rank: Whole, bits: Bits, mine: Truth
    ) -> None:
        """Add, for each day and each n from 1 to k, the projects with n looks, no more than are owed."""
        if not mine.any():
            return
        pair, project, rank = pair[mine], project[mine], rank[mine]
        realm = self._realm_of(pair, project, np.full(len(pair), month, dtype=np.int64))
        each = np.unpackbits(bits[mine].astype("<u4").view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")
        row, day = np.nonzero(each)
        keys = np.stack([pair[row], realm[row], day, rank[row]])
        found, projects = np.unique(keys, axis=1, return_counts=True)
        self._add_owed(found[0], found[1], np.full(found.shape[1], month, dtype=np.int64), projects)

    def _add_owed(self, pair: Whole, owner: Whole, month: Whole, projects: Whole) -> None:
        """Add so many projects that were reached, no more than are owed."""
        owed = np.array([self.owed[int(p)][r, m] for p, r, m in zip(pair, owner, month, strict=True)], dtype=np.int64)
        self._add(3, self.kind[pair, month], owner, month, TWELVE * np.minimum(owed, projects))

    def _count_long(self, rows: Windows) -> None:
        """Add the counted checks of quarterly, half-yearly and yearly duties of project roles."""
        duties = self.duties
        for unit in np.nonzero(CYCLES > 1)[0]:
            mine = rows.where(duties.unit[rows.pair, rows.month] == unit)
            if not len(mine.pair):
                continue
            first, length = self._cycle(mine.pair, mine.month), int(CYCLES[unit])
            keys, group = np.unique(duties.key(mine.pair, mine.project, first), return_inverse=True)
            days = np.zeros((len(keys), length), dtype=np.int64)
            np.add.at(days, (group, mine.month - first), mine.days)
            rest, begin = np.divmod(keys, duties.months)
            pair, project = np.divmod(rest, len(duties.projects))
            months = begin[:, None] + np.arange(length)
            inside = months < duties.months
            months = np.minimum(months, duties.months - 1)
            there = inside & (duties.unit[pair[:, None], months] == unit)
            wide = [np.broadcast_to(part, months.shape).ravel() for part in (pair[:, None], project[:, None], months)]
            there &= duties.in_force(wide[0], wide[1], wide[2]).reshape(months.shape)
            total = np.minimum(duties.times[pair[:, None], months], np.cumsum(days, axis=1))
            added = np.diff(np.maximum.accumulate(np.where(there, total, 0), axis=1), axis=1, prepend=0)
            row, column = np.nonzero(there & (added > 0))
            month = months[row, column]
            self._add(3, self.kind[pair[row], month], project[row], month, TWELVE * added[row, column])

    def _count_windows_of_realms(self, rows: Windows, realm: Whole, amount: Whole) -> None:
        """Add, for j from 1 to k, the projects with a j-th counted check in a window, no more than are owed."""
        if not len(rows.pair):
            return
        again = np.repeat(np.arange(len(rows.pair)), amount)
        nth = np.arange(len(again)) - np.repeat(np.cumsum(amount) - amount, amount)
        keys = np.stack([rows.pair[again], realm[again], rows.month[again], rows.window[again], nth])
        found, projects = np.unique(keys, axis=1, return_counts=True)
        self._add_owed(found[0], found[1], found[2], projects)

    def _count_cycles_of_realms(self, rows: Windows, realm: Whole) -> None:
        """Add the same for windows of a quarter, half-year or year, month by month."""
        for pair, r, unit, months, mine in self._realm_cycles(rows, realm):
            projects, row = np.unique(rows.project[mine], return_inverse=True)
            days = np.zeros((len(projects), len(months)), dtype=np.int64)
            np.add.at(days, (row, rows.month[mine] - months[0]), rows.days[mine])
            days = np.cumsum(days, axis=1)
            total = np.zeros(len(months), dtype=np.int64)
            times, owed = self.duties.times[pair, months], self.owed[pair][r, months]
            for nth in range(1, min(int(times.max()), int(days.max())) + 1):
                total += np.where(nth <= times, np.minimum(owed, (days >= nth).sum(axis=0)), 0)
            self._grow(3, pair, r, unit, months, total)


def _put_together(parts: list[Windows]) -> Windows:
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return Windows(nothing, nothing, nothing, nothing, nothing)
    return Windows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
