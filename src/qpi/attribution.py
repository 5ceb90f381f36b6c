"""Attribution: which duty each check is of, what it adds to what is done, and why another adds nothing, in twelfths.

Every check gets a word of WHY. The order of checks is that of their days, then of their moments, then of the ledger; it
decides which check is named, never how many are counted.
"""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from qpi import calendar, codes
from qpi.calendar import Unit
from qpi.checklist import PROJECT
from qpi.duties import TWELVE, UNITS, Truth, Whole
from qpi.obligations import CYCLES, Obligations, windowed
from qpi.selection import named, picked

DAY, WEEK, TWO_WEEKS = (UNITS.index(unit) for unit in (Unit.DAY, Unit.WEEK, Unit.TWO_WEEKS))
WHY = (
    "counts", "surplus", "carried", "earlier", "not_a_duty", "unknown_project", "kind", "closed", "scope", "waived",
    "not_working", "window_waived", "other_month", "no_window", "completed", "same_day", "beyond_times", "beyond_share",
)  # fmt: skip
"""Why a check counts or not; surplus, carried and earlier are told apart when the cells are credited."""
COLUMNS = {"id": None, "project": None, "point": None, "role": None, "day": None, "kind": "routine", "checked_at": None}


def attributed(asked: Obligations, checks: Any) -> pd.DataFrame:
    """Return a row for each check that bears on the duties, and window that it can count for.

    Beside the columns of the check: `pair` and `place` (its project) by position, -1 where unknown, `number` of its
    day, `month`, `unit` and `window` of the duty, `owner`, what it `adds` in twelfths, the month in which that is
    `counted`, and `why`.
    """
    return _Attribution(asked, checks).rows


class _Attribution:
    """Finds the duty of each check, and judges it."""

    def __init__(self, asked: Obligations, checks: Any) -> None:
        self.asked, self.duties, self.chosen = asked, asked.duties, asked.chosen
        self.policy = self.chosen.definitions.policy
        self.raw = self.policy.overfulfilment == "raw"
        self.first, self.stop = asked.first, asked.stop
        self.checks = self._read(checks)
        self.rows = self._judged()

    # Which checks, and which duty each is of

    def _read(self, checks: Any) -> pd.DataFrame:
        """Return the checks of the cycles that the period is part of, in order of time, with pair, project and day."""
        start = self.duties.start
        rows = self.asked.rows
        begin = min([self.first, *rows["month"].tolist()[:1], int(rows["month"].min()) if len(rows) else self.first])
        first = calendar.first_day(start + begin) - timedelta(days=13)
        found = picked(checks, "checks", COLUMNS, (first, calendar.last_day(start + self.stop - 1)))
        number = codes.day_numbers(found["day"])
        found = found.assign(number=number).sort_values(["number", "checked_at"], kind="stable", ignore_index=True)
        roles = list(dict.fromkeys(role for role, _ in self.duties.pairs))
        points = list(dict.fromkeys(point for _, point in self.duties.pairs))
        pairs = np.full((len(roles) + 1, len(points) + 1), -1, dtype=np.int64)
        for place, (role, point) in enumerate(self.duties.pairs):
            pairs[roles.index(role), points.index(point)] = place
        pair = pairs[codes.codes(found["role"], roles), codes.codes(found["point"], points)]
        project = codes.codes(found["project"], self.duties.projects)
        found = found.assign(pair=pair, place=project)
        keep = self._relevant(found, pair, project)
        return found[keep].reset_index(drop=True)

    def _relevant(self, found: pd.DataFrame, pair: Whole, project: Whole) -> Truth:
        """Say which checks can be of a chosen duty, or are extra ones that the keys choose."""
        known = (pair >= 0) & (project >= 0)
        number = found["number"].to_numpy()
        inside = number >= calendar.day_number(self.chosen.period.first)
        keep = np.zeros(len(found), dtype=bool)
        # Where a realm owes, checks in all its projects bear on it, whatever their own attributes are.
        there = np.nonzero(known)[0]
        of_project = self.duties.level[pair[there]] == 0
        keep[there] = self.asked.role[pair[there]]
        keep[there[of_project]] &= self.chosen.projects[project[there[of_project]]]
        rest = np.nonzero(~known & inside)[0]
        keep[rest] = self._extra(found.iloc[rest], number[rest])
        return keep

    def _extra(self, rows: pd.DataFrame, day: Whole) -> Truth:
        """Say of checks that no duty knows whether the keys choose them."""
        roles = self.chosen.definitions.checklists.roles
        row, names = named(rows["role"])
        levels = np.array([roles[name].level if name in roles else PROJECT for name in names], dtype=object)[row]
        found = np.zeros(len(rows), dtype=bool)
        for level in set(levels):
            mine = levels == level
            if level == PROJECT:
                found[mine] = self.chosen.checks(rows[mine], day[mine])
            else:
                found[mine] = self._extra_of_realm(rows[mine], day[mine], level)
        return found

    def _extra_of_realm(self, rows: pd.DataFrame, day: Whole, level: str) -> Truth:
        known = self.chosen.definitions.portfolio.project
        first = [calendar.first_day(int(month)) for month in codes.month_of(day)]
        names = [
            known[project].attributes_on(when).get(level, "") if project in known else ""
            for project, when in zip(rows["project"].astype("object"), first, strict=True)
        ]
        values, inverse = np.unique(np.array(names, dtype=object), return_inverse=True)
        found = self.chosen.realms(level, list(values))[inverse] if len(values) else np.zeros(0, dtype=bool)
        found &= np.array([self.chosen.has("role", role) for role in rows["role"]], dtype=bool)
        points, row = self.chosen.points(rows["point"], day)
        fits = [self.chosen.has("specialty", point.specialty if point else None) for point in points]
        result: Truth = found & np.array(fits, dtype=bool)[row] if fits else found
        return result

    # How each is judged

    def _judged(self) -> pd.DataFrame:
        """Return a row for each check and window: its duty, the month that it counts in, what it adds, and why not."""
        rows = self._in_windows()
        why = np.full(len(rows), "", dtype=object)
        pair, project, month, unit = (rows[name].to_numpy() for name in ("pair", "place", "month", "unit"))
        kinds = rows["kind"].astype("object").fillna("routine")
        reasons: list[tuple[str, Any]] = [
            ("unknown_project", project < 0),
            ("not_a_duty", pair < 0),
            ("no_window", unit == -2),
            ("not_a_duty", unit == -1),
            ("other_month", month >= self.stop),
            ("kind", ~kinds.isin(list(self.policy.counts_for_duty)).to_numpy(dtype=bool)),
        ]
        for word, is_so in reasons:
            why[(why == "") & is_so] = word
        self._out_of_force(why, pair, project, month)
        idle = self._idle(rows)
        why[(why == "") & idle] = "not_working"
        why[(why == "") & self._removed(rows)] = "window_waived"
        rows["why"], rows["adds"], rows["counted"] = why, 0, month
        rows["owner"] = np.where(project >= 0, project, 0)
        sound = (pair >= 0) & (project >= 0)
        rows.loc[sound, "owner"] = self.asked.owner(pair[sound], project[sound], month[sound])
        live = np.nonzero(why == "")[0]
        added, counted, reason = self._added(rows.iloc[live])
        for name, values in (("adds", added), ("counted", counted), ("why", reason)):
            column = rows[name].to_numpy().copy()
            column[live] = values
            rows[name] = column
        return self._bearing(rows)

    def _in_windows(self) -> pd.DataFrame:
        """Return the checks with `month`, `unit` and `window` of each duty that they can count for.

        `unit` is -1 where the point is no duty of the role, -2 where no window of the duty holds the day. By points
        every check counts in its own month. Else a week or pair of weeks counts where it ends; an edition that changes
        the unit can so give a check two windows, or none.
        """
        duties, checks = self.duties, self.checks
        pair, day = checks["pair"].to_numpy(), checks["number"].to_numpy()
        own = np.clip(codes.month_of(day) - duties.start, 0, duties.months - 1)
        outside = codes.month_of(day) - duties.start < 0
        unit = np.where((pair >= 0) & ~outside, duties.unit[pair, own] if len(duties.pairs) else -1, -1)
        checks = checks.assign(check=np.arange(len(checks)))
        if self.asked.points:
            begin = own - (duties.start + own) % CYCLES[unit]
            return checks.assign(month=own, unit=unit, window=begin)[~outside].reset_index(drop=True)
        parts = []
        found = np.zeros(len(checks), dtype=bool)
        for length, kind in ((0, -1), (7, WEEK), (14, TWO_WEEKS)):
            end = (
                day if not length else calendar.FIRST_PAIR + (day - calendar.FIRST_PAIR) // length * length + length - 1
            )
            month = codes.month_of(end) - duties.start
            inside = (month >= 0) & (month < duties.months) & (pair >= 0)
            here = np.clip(month, 0, duties.months - 1)
            mine = np.where(inside, duties.unit[pair, here] if len(duties.pairs) else -1, -1)
            fits = (mine == kind) if length else ~np.isin(mine, (WEEK, TWO_WEEKS, -1))
            begin = np.where(mine == DAY, day, here - (duties.start + here) % CYCLES[mine])
            window = end if length else begin
            parts.append(checks.assign(month=here, unit=mine, window=window)[fits])
            found |= fits
        left = ~found & ~outside
        parts.append(checks.assign(month=own, unit=np.where(unit < 0, -1, -2), window=day)[left])
        return pd.concat(parts, ignore_index=True).sort_values("check", kind="stable", ignore_index=True)

    def _out_of_force(self, why: Any, pair: Whole, project: Whole, month: Whole) -> None:
        """Say why a duty was not in force: the project was not open, or not in scope, or excused."""
        duties = self.duties
        left = np.nonzero(why == "")[0]
        pair, project, month = pair[left], project[left], month[left]
        off = ~duties.in_force(pair, project, month) if len(left) else np.zeros(0, dtype=bool)
        left, pair, project, month = left[off], pair[off], project[off], month[off]
        if not len(left):
            return
        places, inverse = np.unique(np.stack([project, month]), axis=1, return_inverse=True)
        ones = self.chosen.definitions.portfolio.projects
        is_open = [ones[one].open_on(calendar.first_day(duties.start + int(when))) for one, when in places.T]
        fits = duties.fits[month, duties.scope[pair, month], project]
        why[left] = np.where(~np.array(is_open)[inverse.ravel()], "closed", np.where(fits, "waived", "scope"))

    def _idle(self, rows: pd.DataFrame) -> Truth:
        """Say of each check of a daily duty whether its day has no window, being no working day."""
        pair, day = rows["pair"].to_numpy(), rows["number"].to_numpy()
        working = self.duties.working[pair] if len(self.duties.pairs) else np.zeros(len(rows), dtype=bool)
        idle: Truth = (pair >= 0) & working & (rows["unit"] == DAY).to_numpy() & ((day + 3) % 7 > 4)
        return idle

    def _removed(self, rows: pd.DataFrame) -> Truth:
        """Say of each check whether waivers take its window out; coverage knows whole months only."""
        gone = self.duties.removed
        if self.asked.points or not len(gone) or not len(rows):
            return np.zeros(len(rows), dtype=bool)
        base = int(gone[:, 4].max()) + 1
        keys = self.duties.key(gone[:, 0], gone[:, 1], gone[:, 2]) * base + gone[:, 4]
        window = rows["window"].to_numpy()
        mine = self.duties.key(*(rows[name].to_numpy() for name in ("pair", "place", "month"))) * base + window
        short = windowed(rows["unit"].to_numpy()) & (rows["pair"] >= 0).to_numpy() & (rows["place"] >= 0).to_numpy()
        found: Truth = short & (window < base) & np.isin(mine, keys)
        return found

    def _added(self, rows: pd.DataFrame) -> tuple[Whole, Whole, Any]:
        """Return of checks of duties in force what each adds, in which month, and why it adds or does not."""
        pair, project, owner, month, unit = (
            rows[name].to_numpy() for name in ("pair", "place", "owner", "month", "unit")
        )
        window = rows["window"].to_numpy()
        why = np.full(len(rows), "counts", dtype=object)
        mine = np.stack([pair, project, owner, unit, window])
        if self.asked.points:
            fresh = _rank(mine) == 0
            why[~fresh] = "completed"
        elif self.raw:
            fresh = np.ones(len(rows), dtype=bool)
        else:
            # In a window longer than a day at most one of each day counts.
            fresh = (unit == DAY) | (_rank(np.vstack([mine, rows["number"].to_numpy()])) == 0)
            why[~fresh] = "same_day"
        added, counted = np.zeros(len(rows), dtype=np.int64), month.copy()
        at = np.nonzero(fresh)[0]
        if self.raw:
            added[at] = TWELVE
            return added, counted, why
        nth = _rank(mine[:, at])
        place = _rank(np.vstack([mine[[0, 2, 3, 4]][:, at], nth]))
        times = self._times(pair[at], month[at])
        owed = self.asked.owed(pair[at], owner[at], month[at])
        takes = (nth < times) & (place < owed)
        why[at[~takes]] = np.where(nth[~takes] >= times[~takes], "beyond_times", "beyond_share")
        added[at] = TWELVE * takes
        long = CYCLES[unit[at]] > 1
        if long.any():
            grown = self._grown(mine[:, at[long]], month[at[long]], nth[long], place[long])
            added[at[long]] = TWELVE * (grown >= 0)
            counted[at[long]] = np.where(grown >= 0, grown, month[at[long]])
            why[at[long]] = np.where(grown >= 0, "counts", np.where(takes[long], "beyond_share", why[at[long]]))
        return added, counted, why

    def _times(self, pair: Whole, month: Whole) -> Whole:
        found: Whole = self.duties.times[pair, month]
        return np.ones(len(pair), dtype=np.int64) if self.asked.points else found

    def _grown(self, mine: Whole, month: Whole, nth: Whole, place: Whole) -> Whole:
        """Return the month in which each check of a cycle of several months is counted, -1 where in none.

        A month adds the growth over the most that was reached before it in the cycle: it takes the first checks that
        are owed then and not yet counted.
        """
        pair, _, owner, unit, begin = mine
        groups, group = np.unique(mine[[0, 2, 3, 4]], axis=1, return_inverse=True)
        group = group.ravel()
        counted = np.full(len(month), -1, dtype=np.int64)
        most = np.zeros(groups.shape[1], dtype=np.int64)
        for step in range(12):
            now = begin + step
            runs = (step < CYCLES[unit]) & (now < self.stop)
            here = np.minimum(now, self.stop - 1)
            there = runs & (self.duties.unit[pair, here] == unit) & (month <= here)
            there &= (nth < self._times(pair, here)) & (place < self.asked.owed(pair, owner, here))
            total = np.bincount(group[there], minlength=len(most))
            more = np.maximum(0, total - most)
            waiting = np.nonzero(there & (counted < 0))[0]
            taken = waiting[_rank(group[None, waiting]) < more[group[waiting]]]
            counted[taken] = here[taken]
            most += more
        return counted

    def _bearing(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Keep the rows that the keys choose: of the period, of its windows, and what earlier months of a cycle have."""
        pair, owner, counted = (rows[name].to_numpy() for name in ("pair", "owner", "counted"))
        day = rows["number"].to_numpy()
        known = (pair >= 0) & (rows["place"] >= 0).to_numpy()
        mine = ~known
        at = np.nonzero(known)[0]
        mine[at] = self.asked.owns(pair[at], owner[at])
        asked = (rows["unit"] >= 0).to_numpy() & known
        at = np.nonzero(asked)[0]
        mine[at] &= self.asked.specialty[self.duties.specialty[pair[at], counted[at]]]
        at = np.nonzero(known & ~asked)[0]
        points, row = self.chosen.points(rows["point"].iloc[at], day[at])
        fits = np.array([self.chosen.has("specialty", one.specialty if one else None) for one in points], dtype=bool)
        mine[at] &= fits[row] if len(fits) else True
        first = calendar.day_number(self.chosen.period.first)
        inside = (counted >= self.first) & (counted < self.stop)
        unit = rows["unit"].to_numpy()
        begin = self.first - (self.duties.start + self.first) % CYCLES[unit]
        before = (rows["adds"] > 0).to_numpy() & (counted < self.first) & (counted >= begin) & (unit >= 0)
        kept: pd.DataFrame = rows[mine & (inside | before | (day >= first))].reset_index(drop=True)
        return kept


def _rank(keys: Whole) -> Whole:
    """Return how many earlier columns have the same keys as each column."""
    if not keys.shape[1]:
        return np.zeros(0, dtype=np.int64)
    frame = pd.DataFrame(dict(enumerate(keys)))
    found: Whole = frame.groupby(list(frame.columns), sort=False).cumcount().to_numpy().astype(np.int64)
    return found


__all__ = ["DAY", "TWO_WEEKS", "WEEK", "WHY", "attributed"]
