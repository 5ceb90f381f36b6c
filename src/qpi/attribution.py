"""Attribution: which check is credited for which duty, and why another is not, in twelfths.

Every check gets a word of WHY. The order of checks is that of their days, then of their moments, then of the ledger; it
decides which check is named, never how many are counted.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from qpi import calendar, duties, tally
from qpi.calendar import Unit
from qpi.checklist import PROJECT
from qpi.duties import TWELVE, UNITS, Truth, Whole
from qpi.obligations import CYCLES, Obligations, windowed
from qpi.selection import Selection, named, picked

DAY, WEEK, TWO_WEEKS = (UNITS.index(unit) for unit in (Unit.DAY, Unit.WEEK, Unit.TWO_WEEKS))
WHY = (
    "counts", "surplus", "carried", "earlier", "not_a_duty", "unknown_project", "kind", "closed", "scope", "waived",
    "not_working", "window_waived", "other_month", "no_window", "completed", "same_day", "beyond_times", "beyond_share",
)  # fmt: skip
STATUS = ("done", "done_earlier", "done_later", "missing", "partly", "open", "excused")
CELL = ("role", "owner", "specialty", "unit", "cycle")
COLUMNS = {"id": None, "project": None, "point": None, "role": None, "day": None, "kind": "routine", "checked_at": None}


def attributed(chosen: Selection, checks: Any, indicator: str) -> dict[str, pd.DataFrame]:
    """Return the frames `duties`, `checks` and `cells` of coverage or frequency completion.

    Whole numbers are twelfths. In `checks`, `credited` adds up to what is done; in `cells` too, and `required` to what
    is due, there and in `duties`.
    """
    period = chosen.period
    # One month more, so that a check whose window ends after the period finds the duty that it counts for.
    owed = duties.build(chosen.definitions, period.start - period.start % 12, period.stop + 1)
    return _Attribution(Obligations(owed, chosen, points=indicator == "coverage"), checks).frames()


class _Attribution:
    """Judges each check, adds up what each cell has of it, and shares out what is credited."""

    def __init__(self, asked: Obligations, checks: Any) -> None:
        self.asked, self.duties, self.chosen = asked, asked.duties, asked.chosen
        self.policy = self.chosen.definitions.policy
        self.raw = self.policy.overfulfilment == "raw"
        self.first, self.stop = asked.first, asked.stop
        self.checks = self._read(checks)
        self.rows = self._judged()

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return duties, checks and cells in words and whole numbers."""
        cells = self._cells()
        self._share_out(cells)
        return {"duties": self._duties(cells), "checks": self._shown(), "cells": self._spelled_cells(cells)}

    # Which checks, and which duty each is of

    def _read(self, checks: Any) -> pd.DataFrame:
        """Return the checks of the cycles that the period is part of, in order of time, with pair, project and day."""
        start = self.duties.start
        rows = self.asked.rows
        begin = min([self.first, *rows["month"].tolist()[:1], int(rows["month"].min()) if len(rows) else self.first])
        first = calendar.first_day(start + begin) - timedelta(days=13)
        found = picked(checks, "checks", COLUMNS, (first, calendar.last_day(start + self.stop - 1)))
        number = tally.day_numbers(found["day"])
        found = found.assign(number=number).sort_values(["number", "checked_at"], kind="stable", ignore_index=True)
        roles = list(dict.fromkeys(role for role, _ in self.duties.pairs))
        points = list(dict.fromkeys(point for _, point in self.duties.pairs))
        pairs = np.full((len(roles) + 1, len(points) + 1), -1, dtype=np.int64)
        for place, (role, point) in enumerate(self.duties.pairs):
            pairs[roles.index(role), points.index(point)] = place
        pair = pairs[tally.codes(found["role"], roles), tally.codes(found["point"], points)]
        project = tally.codes(found["project"], self.duties.projects)
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
        first = [calendar.first_day(int(month)) for month in tally.months(day)]
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

        `unit` is -1 where the point is no duty of the role, -2 where no window of the duty holds the day. By points every
        check counts in its own month. Else a week or pair of weeks counts where it ends; an edition that changes the unit
        can so give a check two windows, or none.
        """
        duties, checks = self.duties, self.checks
        pair, day = checks["pair"].to_numpy(), checks["number"].to_numpy()
        own = np.clip(tally.months(day) - duties.start, 0, duties.months - 1)
        outside = tally.months(day) - duties.start < 0
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
            month = tally.months(end) - duties.start
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

    # What each cell has of it

    def _cell_keys(self, pair: Whole, owner: Whole, month: Whole, unit: Whole) -> pd.DataFrame:
        """Return the cell and the cut of each row: owner, role, specialty, unit, and first month of the cycle."""
        roles = list(dict.fromkeys(role for role, _ in self.duties.pairs))
        number = np.array([roles.index(role) for role, _ in self.duties.pairs], dtype=np.int64)
        return pd.DataFrame({
            "role": number[pair] if len(number) else pair, "owner": owner,
            "specialty": self.duties.specialty[pair, month] if len(number) else pair, "unit": unit,
            "cycle": month - (self.duties.start + month) % CYCLES[unit],
        })  # fmt: skip

    def _cells(self) -> pd.DataFrame:
        """Return required, done, surplus and credited of each cell and cut of the period."""
        owed = self.asked.rows[self.asked.rows["mine"]]
        pair, owner, month, unit = (owed[name].to_numpy() for name in ("pair", "owner", "month", "unit"))
        keys = self._cell_keys(pair, owner, month, unit)
        inside = month >= self.first
        required = owed["required"].to_numpy()
        due = keys.assign(required=required * inside, before=-required * ~inside, asked=inside.astype(np.int64))
        due = due.assign(pair=pair, month=month, done=0)
        adding = self.rows[(self.rows["adds"] > 0).to_numpy()]
        pair, owner, month, unit = (adding[name].to_numpy() for name in ("pair", "owner", "counted", "unit"))
        adds, inside = adding["adds"].to_numpy(), month >= self.first
        done = self._cell_keys(pair, owner, month, unit)
        done = done.assign(required=0, before=adds * ~inside, asked=0, pair=pair, month=month, done=adds * inside)
        grouped = pd.concat([due, done], ignore_index=True).groupby([*CELL], sort=False, as_index=False)
        cells = grouped.agg(
            pair=("pair", "first"), month=("month", "max"), asked=("asked", "sum"), required=("required", "sum"),
            done=("done", "sum"), before=("before", "sum"),
        )  # fmt: skip
        cells = cells[(cells["asked"] > 0).to_numpy()].reset_index(drop=True)
        surplus = 0 if self.raw else np.maximum(0, cells["before"].to_numpy())
        cells["surplus"] = surplus
        all_of_it = cells["done"] + surplus
        cells["credited"] = all_of_it if self.raw else np.minimum(cells["required"], all_of_it)
        cells["over"] = all_of_it - cells["credited"]
        cells["missing"] = np.maximum(0, cells["required"] - cells["credited"])
        return cells

    def _share_out(self, cells: pd.DataFrame) -> None:
        """Give each check its part of what its cell is credited: first what was carried in, then the earliest checks."""
        rows = self.rows
        rows["credited"], rows["carried"] = 0, 0
        at = np.nonzero((rows["adds"] > 0).to_numpy())[0]
        if not len(at):
            return
        pair, owner, month, unit = (rows[name].to_numpy()[at] for name in ("pair", "owner", "counted", "unit"))
        keys = self._cell_keys(pair, owner, month, unit)
        found = keys.merge(
            cells[[*CELL, "required", "surplus"]].assign(cell=np.arange(len(cells))), on=[*CELL], how="left"
        )
        known = found["cell"].notna().to_numpy()
        at, month, found = at[known], month[known], found[known]
        cell, adds = found["cell"].to_numpy().astype(np.int64), rows["adds"].to_numpy()[at]
        before = month < self.first
        required, surplus = (found[name].to_numpy().astype(np.int64) for name in ("required", "surplus"))
        credited, carried = adds.copy(), np.zeros(len(at), dtype=np.int64)
        if self.raw:
            credited[before] = 0
        else:
            # What is over of the earlier months is what their last checks added.
            paid = np.minimum(required, surplus)
            until = _running(cell, adds * before)
            over = np.bincount(cell, weights=adds * before).astype(np.int64)[cell] - surplus
            carried = np.where(before, _overlap(until - adds, until, over, over + surplus), 0)
            used = np.where(before, _overlap(until - adds, until, over, over + paid), 0)
            until = _running(cell, adds * ~before)
            credited = np.where(before, used, _overlap(until - adds, until, 0 * paid, required - paid))
        for name, values in (("credited", credited), ("carried", carried)):
            column = np.zeros(len(rows), dtype=np.int64)
            column[at] = values
            rows[name] = column
        why = rows["why"].to_numpy().copy()
        why[at] = np.where(
            before, np.where(carried > 0, "carried", "earlier"), np.where(credited < adds, "surplus", "counts")
        )
        rows["why"] = why
        keep = np.ones(len(rows), dtype=bool)
        lost = np.nonzero((rows["adds"] > 0).to_numpy())[0][~known]
        keep[lost] = False
        self.rows = rows[keep].reset_index(drop=True)

    # In words

    def _month_names(self, months: Whole) -> Any:
        names = np.array([calendar.month_name(self.duties.start + m) for m in range(self.duties.months)], dtype=object)
        return names[months]

    def _shown(self) -> pd.DataFrame:
        rows = self.rows
        pair, unit = rows["pair"].to_numpy(), rows["unit"].to_numpy()
        names = np.array([*(str(one) for one in UNITS), None, None], dtype=object)
        realm = np.full(len(rows), None, dtype=object)
        sound = np.nonzero((pair >= 0) & (rows["place"] >= 0).to_numpy())[0]
        if len(sound):
            told = pd.DataFrame({"pair": pair[sound], "owner": rows["owner"].to_numpy()[sound],
                                 "month": rows["counted"].to_numpy()[sound]})  # fmt: skip
            realm[sound] = self.asked.spelled(told)["realm"]
        return pd.DataFrame({
            "check": rows["id"].astype("object"), "day": rows["day"], "project": rows["project"].astype("object"),
            "point": rows["point"].astype("object"), "role": rows["role"].astype("object"), "realm": realm,
            "unit": names[unit], "window": self._window_names(rows),
            "month": np.where(unit >= 0, self._month_names(rows["counted"].to_numpy()), None),
            "adds": rows["adds"], "carried": rows["carried"], "credited": rows["credited"], "why": rows["why"],
        })  # fmt: skip

    def _window_names(self, rows: pd.DataFrame) -> Any:
        """Name the window or cycle that a check falls in by its first and last day."""
        unit, window = rows["unit"].to_numpy(), rows["window"].to_numpy()
        found = np.full(len(rows), None, dtype=object)
        if not len(rows):
            return found
        pairs, inverse = np.unique(np.stack([unit, window]), axis=1, return_inverse=True)
        names = np.array([self._window_name(int(kind), int(one)) for kind, one in pairs.T], dtype=object)
        found[:] = names[inverse.ravel()]
        return found

    def _window_name(self, unit: int, window: int) -> str | None:
        if unit < 0:
            return None
        if windowed(np.array([unit]))[0] and not self.asked.points:
            length = {DAY: 1, WEEK: 7, TWO_WEEKS: 14}[unit]
            first, last = calendar.day_of(window - length + 1), calendar.day_of(window)
        else:
            start = self.duties.start + window
            first, last = calendar.first_day(start), calendar.last_day(start + int(CYCLES[unit]) - 1)
        return f"{first}" if first == last else f"{first}..{last}"

    def _spelled_cells(self, cells: pd.DataFrame) -> pd.DataFrame:
        told = self.asked.spelled(cells)
        cycle, unit = cells["cycle"].to_numpy(), cells["unit"].to_numpy()
        last = np.minimum(cycle + CYCLES[unit], self.stop) - 1
        found = pd.DataFrame({
            "project": told["project"], "realm": told["realm"], "role": told["role"], "specialty": told["specialty"],
            "unit": np.array([str(one) for one in UNITS], dtype=object)[unit],
            "from": self._month_names(np.maximum(cycle, self.first)), "to": self._month_names(last),
            **{name: cells[name].to_numpy() for name in ("required", "done", "surplus", "credited", "over", "missing")},
        })  # fmt: skip
        return found.sort_values(["from", "project", "realm", "role", "specialty", "unit"], kind="stable",
                                 ignore_index=True)  # fmt: skip

    def _duties(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Return a row for each duty and month of the period: required, done, what is missing of it, and how it stands."""
        rows = self.asked.rows[self.asked.rows["mine"]].reset_index(drop=True)
        pair, owner, month, unit = (rows[name].to_numpy() for name in ("pair", "owner", "month", "unit"))
        own = self.asked.key(pair, owner, month)
        adding = self.rows[(self.rows["adds"] > 0).to_numpy()]
        key = self.asked.key(*(adding[name].to_numpy() for name in ("pair", "owner", "counted")))
        sums = pd.Series(adding["adds"].to_numpy(), index=key, dtype="int64").groupby(level=0).sum()
        rows["done"] = sums.reindex(own, fill_value=0).to_numpy()
        rows["cycle"] = month - (self.duties.start + month) % CYCLES[unit]
        rows = self._missing(rows)
        rows = rows[(rows["month"] >= self.first).to_numpy()].reset_index(drop=True)
        rows["status"] = self._status(rows, cells)
        told, unit = self.asked.spelled(rows), rows["unit"].to_numpy()
        found = pd.DataFrame({
            "month": self._month_names(rows["month"].to_numpy()), "project": told["project"], "realm": told["realm"],
            "role": told["role"], "point": told["point"], "specialty": told["specialty"],
            "unit": np.array([str(one) for one in UNITS], dtype=object)[unit],
            "times": rows["times"].to_numpy(), "windows": pd.array(np.maximum(rows["windows"], 0), dtype="Int64"),
            "owed": rows["owed"].to_numpy(), "required": rows["required"].to_numpy(), "done": rows["done"].to_numpy(),
            "missing": rows["missing"].to_numpy(), "status": rows["status"].to_numpy(), "gaps": self._gaps(rows),
        })  # fmt: skip
        found.loc[(rows["windows"] < 0).to_numpy(), "windows"] = pd.NA
        return found.sort_values(["month", "project", "realm", "role", "point"], kind="stable", ignore_index=True)

    def _missing(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Add what each duty lacks: over its cycle up to the end of the period, of which the last months lack first."""
        rows = rows.sort_values(["pair", "owner", "unit", "cycle", "month"], kind="stable", ignore_index=True)
        groups = rows.groupby(["pair", "owner", "unit", "cycle"], sort=False)
        lacks = groups["required"].transform("sum") - groups["done"].transform("sum")
        after = groups["required"].transform("sum") - groups["required"].cumsum()
        rows["missing"] = np.clip(lacks - after, 0, rows["required"])
        rows["so_far"] = groups["done"].cumsum() - rows["done"]
        rows["in_all"] = groups["done"].transform("sum")
        return rows

    def _status(self, rows: pd.DataFrame, cells: pd.DataFrame) -> Any:
        pair, owner, month, unit = (rows[name].to_numpy() for name in ("pair", "owner", "month", "unit"))
        keys = self._cell_keys(pair, owner, month, unit)
        lacks = keys.merge(cells[[*CELL, "missing"]], on=[*CELL], how="left")["missing"].to_numpy()
        short, done = (rows["missing"] > 0).to_numpy(), (rows["done"] > 0).to_numpy()
        return np.select(
            [(rows["required"] == 0).to_numpy() & ~done, ~short & done, ~short & (rows["so_far"] > 0).to_numpy(), ~short,
             lacks <= 0, (rows["in_all"] > 0).to_numpy()],
            ["excused", "done", "done_earlier", "done_later", "open", "partly"],
            "missing",
        )  # fmt: skip

    def _gaps(self, rows: pd.DataFrame) -> Any:
        """Name the windows in which each duty lacks a check, days that follow one another as one stretch."""
        found = np.full(len(rows), None, dtype=object)
        unit = rows["unit"].to_numpy()
        if self.asked.points:
            return found
        lacking = np.nonzero((rows["missing"] > 0).to_numpy() & windowed(unit))[0]
        if not len(lacking):
            return found
        windows = self._windows_of(rows.iloc[lacking].reset_index(drop=True))
        counted = self._filled()
        keys = ["pair", "owner", "month", "end"]
        windows = windows.merge(counted, on=keys, how="left")
        short = windows["adds"].fillna(0).to_numpy() < TWELVE * (windows["times"] * windows["owed"]).to_numpy()
        windows = windows[short]
        row: Any
        for row, part in windows.groupby("row", sort=False):
            found[lacking[row]] = _stretches(part["start"].tolist(), part["end"].tolist())
        return found

    def _windows_of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return each window of each row that no waiver takes out, in order."""
        duties = self.duties
        pair = rows["pair"].to_numpy()
        kinds = pd.DataFrame({"month": rows["month"], "unit": rows["unit"], "working": duties.working[pair]})
        parts = [
            {"month": month, "unit": unit, "working": working, "start": start, "end": end}
            for month, unit, working in kinds.drop_duplicates().itertuples(index=False)
            for start, end in calendar.window_ends(UNITS[unit], duties.start + month, working=working)
        ]
        found = rows.assign(row=np.arange(len(rows)), working=duties.working[pair])
        found = found.merge(pd.DataFrame(parts), on=["month", "unit", "working"], how="inner")
        gone = duties.removed
        if len(gone):
            base = int(max(gone[:, 4].max(), found["end"].max())) + 1
            keys = duties.key(gone[:, 0], gone[:, 1], gone[:, 2]) * base + gone[:, 4]
            of_project = duties.level[found["pair"].to_numpy()] == 0
            place = np.where(of_project, found["owner"].to_numpy(), 0)
            mine = duties.key(found["pair"].to_numpy(), place, found["month"].to_numpy()) * base
            found = found[~(of_project & np.isin(mine + found["end"].to_numpy(), keys))]
        return found.sort_values(["row", "end"], kind="stable")

    def _filled(self) -> pd.DataFrame:
        """Return what each window of the period has."""
        rows = self.rows[windowed(self.rows["unit"].to_numpy()) & (self.rows["adds"] > 0).to_numpy()]
        found = rows[["pair", "owner", "month", "adds"]].assign(end=rows["window"])
        return found.groupby(["pair", "owner", "month", "end"], as_index=False, sort=False).agg(adds=("adds", "sum"))


def _rank(keys: Whole) -> Whole:
    """Return how many earlier columns have the same keys as each column."""
    if not keys.shape[1]:
        return np.zeros(0, dtype=np.int64)
    frame = pd.DataFrame(dict(enumerate(keys)))
    found: Whole = frame.groupby(list(frame.columns), sort=False).cumcount().to_numpy().astype(np.int64)
    return found


def _running(group: Whole, amounts: Whole) -> Whole:
    """Return the sum of the amounts of a group up to and with each row."""
    found: Whole = pd.Series(amounts).groupby(group, sort=False).cumsum().to_numpy().astype(np.int64)
    return found


def _overlap(begin: Whole, end: Whole, first: Whole, last: Whole) -> Whole:
    """Return how much of a stretch lies within another."""
    found: Whole = np.maximum(0, np.minimum(end, last) - np.maximum(begin, first))
    return found


def _stretches(starts: list[int], ends: list[int]) -> str:
    """Name windows by month and day, days that follow one another as one stretch."""
    return ", ".join(_stretch_names(starts, ends))


def _stretch_names(starts: list[int], ends: list[int]) -> Iterator[str]:
    spans: list[tuple[int, int]] = []
    for start, end in zip(starts, ends, strict=True):
        if spans and start == end == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    for start, end in spans:
        first, last = calendar.day_of(start), calendar.day_of(end)
        yield f"{first:%m-%d}" if first == last else f"{first:%m-%d}..{last:%m-%d}"


__all__ = ["STATUS", "WHY", "attributed"]
