"""Marks: the days on which pairs of role and point were looked at in projects, as bits, from rows in memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qpi import blocks
from qpi.asked import Bits, Days, Owed, Stretch, Whole
from qpi.codes import Columns


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


def days(checks: Columns, owed: Owed, kinds: Sequence[str], stretches: Sequence[Stretch]) -> Iterator[Days]:
    """Yield, month by month, the days on which pairs were looked at in projects, by checks of these kinds."""
    # What only some points are asked for does no harm when it is there for all.
    months = sorted({month for stretch in stretches for month in range(stretch.start, stretch.stop)})
    return Marks(owed, checks.rows, lambda part: checks.day[part], _cells(checks, owed, kinds)).days(months)


def _cells(checks: Columns, owed: Owed, kinds: Sequence[str]) -> Callable[[slice], Whole]:
    """Return what tells the cells of a block of checks, -1 for those that fulfil no duty."""
    role, point, project, kind = (checks.coded(name) for name in ("role", "point", "project", "kind"))
    of_pair = owed.numbers(role.names, point.names)
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
        self.sparse = self.cells * 32 > min(blocks.ROOM, max(1 << 22, 32 * rows))

    def days(self, months: Sequence[int]) -> Iterator[Days]:
        """Yield the days of some months on which cells were looked at."""
        room = max(1, blocks.ROOM // (self.cells * 32))
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

        blocks.each(self.rows, mark)
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

        key = blocks.distinct(blocks.joined(blocks.each(self.rows, keys)))[0]
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

        key, looks = blocks.distinct(blocks.joined(blocks.each(self.rows, keys)))
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
