"""Obligations: the duties of a selection one by one, each with what it requires in a month, in twelfths."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from qpi import calendar
from qpi.duties import TWELVE, UNITS, WINDOWED, Duties, Truth, Whole
from qpi.selection import Selection

CYCLES = np.array([calendar.cycle_months(unit) for unit in UNITS], dtype=np.int64)
WEIGHTS = np.array([calendar.weight_twelfths(unit) for unit in UNITS], dtype=np.int64)
COLUMNS = ("pair", "owner", "month", "unit", "times", "owed", "windows", "required", "mine")


class Obligations:
    """The duties in force from the first cycle that the period is part of to the period's end.

    `rows` has one row per pair of role and point, owner and month: `owner` is a project or, of a role with a realm, a
    realm, by position; months count from the start of the span; `owed` is in projects; `windows` are those that no
    waiver takes out, -1 for a cycle of several months; `required` is in twelfths; `mine` says whether the specialty of
    that month is a chosen one.
    """

    def __init__(self, duties: Duties, chosen: Selection, *, points: bool) -> None:
        self.duties, self.chosen, self.points = duties, chosen, points
        self.first, self.stop = chosen.period.start - duties.start, chosen.period.stop - duties.start
        self.widest = max([1, len(duties.projects), *map(len, duties.realms)])
        self.owners = [chosen.projects, *(map(chosen.realms, duties.levels, duties.realms))]
        self.role = np.array([chosen.has("role", role) for role, _ in duties.pairs], dtype=bool)
        self.specialty = np.array([chosen.has("specialty", one) for one in duties.specialties], dtype=bool)
        parts = [part for month in range(self.stop) for part in self._in_month(month)]
        empty = {name: np.zeros(0, dtype=np.int64) for name in COLUMNS}
        self.rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(empty)
        self.rows["mine"] = self.rows["mine"].astype(bool)
        self._keys = self.key(*(self.rows[name].to_numpy() for name in ("pair", "owner", "month")))
        self._order = np.argsort(self._keys, kind="stable")

    def key(self, pair: Whole, owner: Whole, month: Whole) -> Whole:
        """Return pair, owner and month as one whole number."""
        return (pair * self.widest + owner) * self.duties.months + month

    def owed(self, pair: Whole, owner: Whole, month: Whole) -> Whole:
        """Return how many projects are owed: 1 or 0 of a project role, 0 where nothing is in force."""
        if not len(self._keys):
            return np.zeros(len(pair), dtype=np.int64)
        wanted, known = self.key(pair, owner, month), self._keys[self._order]
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        found: Whole = np.where(known[place] == wanted, self.rows["owed"].to_numpy()[self._order][place], 0)
        return found

    def owner(self, pair: Whole, project: Whole, month: Whole) -> Whole:
        """Return to whom each pair owes what it does in a project: the project itself or its realm."""
        owner = project.copy()
        for number, realm in enumerate(self.duties.realm, 1):
            mine = self.duties.level[pair] == number
            owner[mine] = realm[month[mine], project[mine]]
        return owner

    def owns(self, pair: Whole, owner: Whole) -> Truth:
        """Say of each pair and owner whether they are chosen."""
        found = self.role[pair].copy()
        for number, owners in enumerate(self.owners):
            mine = self.duties.level[pair] == number
            found[mine] &= owners[owner[mine]]
        return found

    def _in_month(self, month: int) -> Iterator[pd.DataFrame]:
        duties = self.duties
        unit = duties.unit[:, month]
        begin = self.first - (duties.start + self.first) % CYCLES[unit]
        # Before the period only those months matter whose surplus is carried into it.
        asked = (unit >= 0) & self.role & (month >= begin)
        for level, owners in enumerate(self.owners):
            pairs = np.nonzero(asked & (duties.level == level))[0]
            home = np.arange(len(duties.projects)) if level == 0 else duties.realm[level - 1][month]
            projects = np.nonzero(owners[home])[0] if len(owners) else np.zeros(0, dtype=np.int64)
            if len(pairs) and len(projects):
                row, column = np.nonzero(duties.fits[month][duties.scope[pairs, month]][:, projects])
                pair, project = pairs[row], projects[column]
                when = np.full(len(pair), month, dtype=np.int64)
                if len(duties.waived):
                    keep = ~np.isin(duties.key(pair, project, when), duties.waived)
                    pair, project, when = pair[keep], project[keep], when[keep]
                yield self._required(pair, home[project], when, level)

    def _required(self, pair: Whole, owner: Whole, month: Whole, level: int) -> pd.DataFrame:
        duties = self.duties
        owed = np.ones(len(pair), dtype=np.int64)
        if level and len(pair):
            found, number = np.unique(np.stack([pair, owner, month]), axis=1, return_counts=True)
            pair, owner, month = found
            share, parts = (part[pair, month] for part in duties.share)
            owed = -(-share * number // parts)
        unit, times = duties.unit[pair, month], duties.times[pair, month]
        windows = self._windows(pair, owner, month, unit, level)
        if self.points:
            required = WEIGHTS[unit] * owed
        else:
            required = np.where(windows < 0, WEIGHTS[unit], TWELVE * windows) * times * owed
        mine = self.specialty[duties.specialty[pair, month]]
        values = (pair, owner, month, unit, times, owed, windows, required, mine)
        return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))

    def _windows(self, pair: Whole, owner: Whole, month: Whole, unit: Whole, level: int) -> Whole:
        """Return how many windows of each duty end in its month, less those that waivers take out."""
        duties = self.duties
        kinds, kind = np.unique(np.stack([month, unit, duties.working[pair]]), axis=1, return_inverse=True)
        numbers = [
            -1 if CYCLES[one] > 1
            else len(calendar.window_ends(UNITS[one], duties.start + int(when), working=bool(working)))
            for when, one, working in kinds.T
        ]  # fmt: skip
        windows = np.array(numbers, dtype=np.int64)[kind.ravel()] if numbers else np.zeros(0, dtype=np.int64)
        if level == 0 and len(duties.removed):
            gone, number = np.unique(duties.key(*duties.removed[:, :3].T), return_counts=True)
            mine = duties.key(pair, owner, month)
            place = np.minimum(np.searchsorted(gone, mine), len(gone) - 1)
            windows = windows - np.where((gone[place] == mine) & (windows >= 0), number[place], 0)
        return windows

    def spelled(self, rows: pd.DataFrame) -> dict[str, Any]:
        """Return who owes what of rows with pair, owner and month in words: project, realm, role, point, specialty, unit.

        A negative pair is unknown, and everything of it is None.
        """
        duties = self.duties
        pair, owner, month = (rows[name].to_numpy() for name in ("pair", "owner", "month"))
        level = duties.level[pair] if len(duties.pairs) else np.zeros(0, dtype=np.int64)
        projects = np.array([*duties.projects, None], dtype=object)
        realm = np.full(len(rows), None, dtype=object)
        for number, names in enumerate(duties.realms, 1):
            mine = level == number
            realm[mine] = np.array([*names, None], dtype=object)[owner[mine]]
        roles, points = (np.array([*(one[i] for one in duties.pairs), None], dtype=object) for i in (0, 1))
        specialties = np.array([*duties.specialties, None], dtype=object)
        return {
            "project": projects[np.where(level == 0, owner, -1)],
            "realm": realm,
            "role": roles[pair],
            "point": points[pair],
            "specialty": specialties[duties.specialty[pair, month]],
        }


def windowed(unit: Whole) -> Truth:
    """Say of each unit whether its windows are shorter than a month."""
    found: Truth = np.isin(unit, [UNITS.index(one) for one in WINDOWED])
    return found


__all__ = ["CYCLES", "Obligations", "windowed"]
