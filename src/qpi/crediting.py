"""Crediting: what each cell of duties is credited, shared out among its checks, and what each duty lacks, in twelfths."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from qpi import attribution, calendar, duties
from qpi.attribution import DAY, TWO_WEEKS, WEEK
from qpi.duties import TWELVE, UNITS, Whole
from qpi.obligations import CYCLES, Obligations, windowed
from qpi.selection import Selection

STATUS = ("done", "done_earlier", "done_later", "missing", "partly", "open", "excused")
"""How a duty stands."""
CELL = ("role", "owner", "specialty", "unit", "cycle")


def credited(chosen: Selection, checks: Any, *, points: bool) -> dict[str, pd.DataFrame]:
    """Return the frames `duties`, `checks` and `cells` of coverage (by `points`) or frequency completion.

    Whole numbers are twelfths. In `checks`, `credited` adds up to what is done; in `cells` too, and `required` to what
    is due, there and in `duties`.
    """
    period = chosen.period
    # One month more, so that a check whose window ends after the period finds the duty that it counts for.
    owed = duties.build(chosen.definitions, period.start - period.start % 12, period.stop + 1)
    return _Crediting(Obligations(owed, chosen, points=points), checks).frames()


class _Crediting:
    """Adds up what each cell has of what it requires, and shares out what is credited."""

    def __init__(self, asked: Obligations, checks: Any) -> None:
        self.asked, self.duties = asked, asked.duties
        self.raw = asked.chosen.definitions.policy.overfulfilment == "raw"
        self.first, self.stop = asked.first, asked.stop
        self.rows = attribution.attributed(asked, checks)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return duties, checks and cells in words and whole numbers."""
        cells = self._cells()
        self._share_out(cells)
        return {"duties": self._duties(cells), "checks": self._shown(), "cells": self._spelled_cells(cells)}

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


__all__ = ["STATUS", "credited"]
