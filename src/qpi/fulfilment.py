"""Fulfilment: what was done of the duties, and what of it is credited, in whole twelfths.

A cell is the duties of one project (or realm), one role, one specialty and one unit (docs/indicators.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from qpi import calendar, tally
from qpi.calendar import Unit
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


class Checks(NamedTuple):
    """Checks of pairs in projects by day, with how many there were."""

    pair: Whole
    project: Whole
    day: Whole
    looks: Whole

    def where(self, keep: Truth) -> "Checks":
        """Return the rows to keep."""
        return Checks(*(column[keep] for column in self))


class Windows(NamedTuple):
    """Checks by the window that they fall in, which counts in `month`: distinct days and looks."""

    pair: Whole
    project: Whole
    month: Whole
    window: Whole
    days: Whole
    looks: Whole

    def where(self, keep: Truth) -> "Windows":
        """Return the rows to keep."""
        return Windows(*(column[keep] for column in self))


def blocks(duties: Duties, daily: pd.DataFrame, *, raw: bool) -> list[Block]:
    """Return required and done of every cell in each month of the span."""
    return _Fulfilment(duties, raw=raw).blocks(_checks(duties, daily))


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


def _checks(duties: Duties, daily: pd.DataFrame) -> Checks:
    """Return the daily counts of pairs and projects that the duties know."""
    roles = list(dict.fromkeys(role for role, _ in duties.pairs))
    points = list(dict.fromkeys(point for _, point in duties.pairs))
    pairs = np.full((len(roles) + 1, len(points) + 1), -1, dtype=np.int64)
    for number, (role, point) in enumerate(duties.pairs):
        pairs[roles.index(role), points.index(point)] = number
    pair = pairs[tally.codes(daily["role"], roles), tally.codes(daily["point"], points)]
    project = tally.codes(daily["project"], duties.projects)
    day, looks = tally.day_numbers(daily["day"]), daily["looks"].to_numpy().astype(np.int64)
    return Checks(pair, project, day, looks).where((pair >= 0) & (project >= 0))


def _ends(day: Whole, unit: Unit) -> Whole:
    """Return the last day of the week or pair of weeks that a day lies in."""
    length, first = 7 if unit is Unit.WEEK else 14, calendar.FIRST_PAIR
    end: Whole = first + (day - first) // length * length + length - 1
    return end


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
        by_level = np.array([kind.level for kind in self.kinds], dtype=np.int64)
        # Cells of realms are few; cells of projects are many: each kind gets arrays of its own width.
        self.arrays = [np.zeros((4, self.owned[level], duties.months), dtype=np.int64) for level in by_level]
        self.owed = self._owed()

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

    def blocks(self, checks: Checks) -> list[Block]:
        """Return the blocks with everything added up."""
        self._require_of_projects()
        self._require_of_realms()
        own, counting = self._own(checks), self._windows(checks)
        self._complete(own)
        self._count(counting)
        return [Block(kind, *self.arrays[i]) for kind, i in self.kinds.items()]

    def _add(self, which: int, kind: Whole, owner: Whole, month: Whole, twelfths: Whole | int) -> None:
        """Add twelfths to array `which` (2: done points, 3: done checks) of the cells of each kind."""
        order = np.argsort(kind, kind="stable")
        bounds = np.searchsorted(kind[order], np.arange(len(self.arrays) + 1))
        amounts = np.broadcast_to(np.asarray(twelfths, dtype=np.int64), kind.shape)
        for number, array in enumerate(self.arrays):
            rows = order[bounds[number] : bounds[number + 1]]
            np.add.at(array[which], (owner[rows], month[rows]), amounts[rows])

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

    def _idle(self, pair: Whole, month: Whole, day: Whole) -> Truth:
        """Say of each check of a daily duty whether it falls on a day that has no window."""
        weekend = (day + 3) % 7 > 4
        idle: Truth = self.duties.working[pair] & weekend & (self.duties.unit[pair, month] == DAY)
        return idle

    def _own(self, checks: Checks) -> Windows:
        """Return, by the month that it was made in, each project that was looked at while the duty was in force."""
        duties = self.duties
        month = tally.months(checks.day) - duties.start
        inside = (month >= 0) & (month < duties.months)
        pair, project, day, looks = checks.where(inside)
        month = month[inside]
        keep = duties.in_force(pair, project, month) & ~self._idle(pair, month, day)
        return _grouped(pair[keep], project[keep], month[keep], month[keep], looks[keep])

    def _windows(self, checks: Checks) -> Windows:
        """Return the checks that count in a window, in the month in which it ends."""
        ends = [
            (checks.day, ()),
            *((_ends(checks.day, unit), (UNITS.index(unit),)) for unit in (Unit.WEEK, Unit.TWO_WEEKS)),
        ]
        parts = [self._ending(checks, end, units) for end, units in ends]
        pair, project, month, window, looks = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        found = _grouped(pair, project, month, window, looks)
        return found.where(~self._removed(found))

    def _ending(self, checks: Checks, ends: Whole, units: tuple[int, ...]) -> tuple[Whole, ...]:
        """Return pair, project, month, window and looks of the checks whose window is of these units (none: the others)."""
        duties = self.duties
        months = tally.months(ends) - duties.start
        inside = (months >= 0) & (months < duties.months)
        pair, project, day, looks = checks.where(inside)
        month, end = months[inside], ends[inside]
        unit = duties.unit[pair, month]
        fits = np.isin(unit, units) if units else ~np.isin(unit, (WEEK, TWO_WEEKS, -1))
        keep = fits & duties.in_force(pair, project, month) & ~self._idle(pair, month, day)
        window = end if units else np.where(unit == DAY, day, month)
        return pair[keep], project[keep], month[keep], window[keep], looks[keep]

    def _removed(self, rows: Windows) -> Truth:
        """Say of each window whether waivers take it out."""
        duties = self.duties
        gone = duties.removed
        if not len(gone):
            return np.zeros(len(rows.pair), dtype=bool)
        base = int(gone[:, 4].max()) + 1
        keys = duties.key(gone[:, 0], gone[:, 1], gone[:, 2]) * base + gone[:, 4]
        windowed = duties.unit[rows.pair, rows.month] <= TWO_WEEKS
        mine = duties.key(rows.pair, rows.project, rows.month) * base + rows.window
        found: Truth = windowed & (rows.window < base) & np.isin(mine, keys)
        return found

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
        realm = self._realm_of(own)
        unit, cycle = duties.unit[own.pair, own.month], self._cycle(own.pair, own.month)
        # At 4,000 pairs, 10,000 projects and as many realms this stays below 10 to the 16th.
        key = ((duties.key(own.pair, own.project, cycle) * len(UNITS) + unit) * max(self.widest, 1)) + realm
        order = np.lexsort((own.month, key))
        _, first = np.unique(key[order], return_index=True)
        return Windows(*(column[order[first]] for column in own))

    def _realm_of(self, rows: Windows) -> Whole:
        """Return the realm of each row's project in its month, 0 for a project role."""
        realm = np.zeros(len(rows.pair), dtype=np.int64)
        for level in range(1, len(self.owned)):
            mine = self.duties.level[rows.pair] == level
            realm[mine] = self.duties.realm[level - 1][rows.month[mine], rows.project[mine]]
        return realm

    def _complete_realms(self, rows: Windows) -> None:
        realm = self._realm_of(rows)
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
        """Add counted checks: the first k in each window, in a window longer than a day at most one of each day."""
        duties = self.duties
        kind = self.kind[rows.pair, rows.month]
        realm = self._realm_of(rows)
        if self.raw:
            owner = np.where(duties.level[rows.pair] == 0, rows.project, realm)
            self._add(3, kind, owner, rows.month, TWELVE * rows.looks)
            return
        unit = duties.unit[rows.pair, rows.month]
        value = np.where(unit == DAY, rows.looks, rows.days)
        long = CYCLES[unit] > 1
        of_project = duties.level[rows.pair] == 0
        short = ~long & of_project
        amount = np.minimum(duties.times[rows.pair, rows.month], value)
        self._add(3, kind[short], rows.project[short], rows.month[short], TWELVE * amount[short])
        self._count_long(rows.where(long & of_project))
        for level in range(1, len(self.owned)):
            mine = duties.level[rows.pair] == level
            self._count_windows_of_realms(rows.where(mine & ~long), realm[mine & ~long], amount[mine & ~long])
            self._count_cycles_of_realms(rows.where(mine & long), realm[mine & long])

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
        pair, owner, month = found[0], found[1], found[2]
        owed = np.array([self.owed[int(p)][r, m] for p, r, m in zip(pair, owner, month, strict=True)], dtype=np.int64)
        self._add(3, self.kind[pair, month], owner, month, TWELVE * np.minimum(owed, projects))

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


def _grouped(pair: Whole, project: Whole, month: Whole, window: Whole, looks: Whole) -> Windows:
    keys = {"pair": pair, "project": project, "month": month, "window": window}
    found = tally.counted(keys, looks)
    return Windows(*(found[name].to_numpy().astype(np.int64) for name in Windows._fields))
