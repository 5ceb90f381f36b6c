"""Quality: closure, traceability, method conformity, the three ratios and the score, by any grouping."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from qpi import calendar
from qpi.asked import Held, Looked, Raised, Truth, Way, Whole
from qpi.calendar import Period
from qpi.checklist import Point
from qpi.definitions import Definitions
from qpi.groups import Codes, Count, Groups, Sums, named, pairs, renamed, summed
from qpi.policy import FINDING_KINDS
from qpi.portfolio import Project
from qpi.schema import matches
from qpi.tally import Tally

RATIOS = ("suggestion_ratio", "rectification_ratio", "deduction_ratio")
_OF_CHECKS = ("role", "inspector", "kind")
Attributes = Mapping[str, str]


def counts(
    definitions: Definitions, rows: Tally, period: Period, by: Sequence[str], as_of: datetime
) -> Iterable[Count]:
    """Return the counts of every indicator but coverage and frequency completion."""
    return _Quality(definitions, period, by).counts(rows, as_of)


def looked(definitions: Definitions, rows: Tally, period: Period, keys: Sequence[str]) -> pd.DataFrame:
    """Return the number of checks and of traceable ones of a period by keys, point, month, na and whether they conform."""
    asking = _Quality(definitions, period, ())
    found = states(definitions, period)
    looks = rows.looked(asking.asked(found, keys, ways=True))
    looks["conforms"] = asking.conforms(looks, found).astype(np.int64)
    names = [*dict.fromkeys((*keys, "point")), "month", "na", "conforms"]
    return summed(looks, names, ["checks", "traceable"])


class States(NamedTuple):
    """The attributes of projects as far as variants of points ask for them.

    `attributes` has, for each state, some that hold in it; state 0 is that of a project without attributes. `days` says
    for [mover, day of the period] which state it is in.
    """

    attributes: list[Attributes]
    held: Held
    days: Whole


def states(definitions: Definitions, period: Period) -> States:
    """Return the states that projects are in during a period."""
    points = (p for source in definitions.checklists.sources for p in source.edition.points.values())
    whens = {_frozen(v.when): v.when for point in points for v in point.variants or ()}
    # State 0 is that of a project of which nothing is known.
    number: dict[tuple[bool, ...], int] = {tuple(matches(when, {}) for when in whens.values()): 0}
    attributes: list[Attributes] = [{}]
    constant: dict[int, list[str]] = {}
    movers: list[str] = []
    days: list[Whole] = []
    for project in definitions.portfolio.projects if whens else ():
        spans = []
        for begin, end, held in _spans(project, period):
            fits = tuple(matches(when, held) for when in whens.values())
            if fits not in number:
                number[fits] = len(attributes)
                attributes.append(held)
            spans.append((begin, end, number[fits]))
        if len({state for *_, state in spans}) > 1:
            movers.append(project.id)
            days.append(np.concatenate([np.full(end - begin, state, dtype=np.int64) for begin, end, state in spans]))
        elif spans[0][2]:
            constant.setdefault(spans[0][2], []).append(project.id)
    return States(attributes, Held(constant, movers), np.array(days, dtype=np.int64))


def _frozen(match: Mapping[str, tuple[str, ...]]) -> Any:
    return tuple(sorted((key, tuple(values)) for key, values in match.items()))


def _spans(project: Project, period: Period) -> Iterable[tuple[int, int, Attributes]]:
    """Yield the stretches of a period, as days from its first, in which a project's attributes stay as they are."""
    first = calendar.day_number(period.first)
    stop = calendar.day_number(period.last) + 1 - first
    states_ = project.states
    begins = [0 if day == date.min else max(0, calendar.day_number(day) - first) for day, _ in states_]
    for (_, held), begin, end in zip(states_, begins, [*begins[1:], stop], strict=True):
        if begin < min(end, stop):
            yield begin, min(end, stop), held


class _Quality:
    """Counts what goes by the day of the check, and what goes by the finding."""

    def __init__(self, definitions: Definitions, period: Period, by: Sequence[str]) -> None:
        self.definitions, self.period, self.by = definitions, period, by
        self.policy = definitions.policy
        self.sums = Sums()
        attributes = set(by) - {"specialty", "category", "month", *_OF_CHECKS}
        self.keys = [*(("project",) if attributes else ()), *(name for name in by if name in _OF_CHECKS)]
        self.points: dict[tuple[int, str | None], Point | None] = {}

    def counts(self, rows: Tally, as_of: datetime) -> Iterable[Count]:
        """Return the counts of every indicator but coverage and frequency completion."""
        demanded, start, stop = self.policy.traceability, self.period.start, self.period.stop
        found = states(self.definitions, self.period)
        looks = rows.looked(self.asked(found, self.keys, ways=bool({"project", "inspector"} & set(self.keys))))
        today = as_of.astimezone(self.definitions.zone).date()
        asked = Raised(self.keys, demanded.finding, demanded.check, start, stop, today)
        raised, checks = rows.found(asked, as_of)
        self._closures(raised)
        self._looks(looks, found)
        self._checks_with_findings(checks)
        return self.sums.counts()

    def asked(self, found: States, keys: Sequence[str], *, ways: bool) -> Looked:
        """Return what is asked of the checks of the period."""
        demanded, period = self.policy.traceability.check, self.period
        known = self._ways(found) if ways else None
        return Looked(keys, demanded, period.start, period.stop, self._most(), found.held, known)

    def _most(self) -> int:
        """Return the greatest minimum sample that any point asks for."""
        points = [p for s in self.definitions.checklists.sources for p in s.edition.points.values()]
        samples = [s for p in points for s in (p.sample, *(v.sample for v in p.variants or ())) if s is not None]
        return max((sample.minimum for sample in samples), default=0)

    def _ways(self, found: States) -> list[Way]:
        """Return how the points in force may be looked at, in each month and state."""
        ways = []
        for month in self.period.months:
            for code, (point, _) in self.definitions.checklists.points(calendar.first_day(month)).items():
                for state, attributes in enumerate(found.attributes):
                    way = point.way(attributes)
                    ways.append(Way(month, state, code, way.minimum, way.methods or None))
        return ways

    def _grouped(self, rows: pd.DataFrame, month: Whole) -> Groups:
        """Group rows by the asked keys; `month` is the one that the indicator goes by."""
        return Groups([self._codes(name, rows, month) for name in self.by], len(rows))

    def _codes(self, name: str, rows: pd.DataFrame, month: Whole) -> Codes:
        if name == "month":
            values, codes = np.unique(month, return_inverse=True)
            return Codes(codes, [calendar.month_name(int(value)) for value in values])
        if name == "kind":
            found = named(rows[name])
            return renamed([kind or "routine" for kind in found.names], found.codes)
        if name in ("project", "role", "inspector"):
            return named(rows[name])
        if name in ("specialty", "category"):
            points, inverse = self._points(rows)
            return renamed([getattr(point, name) if point else None for point in points], inverse)
        return self._attribute(name, rows["project"], month)

    def _points(self, rows: pd.DataFrame) -> tuple[list[Point | None], Whole]:
        """Return the points that occur, by the edition of the check's month (None: not in force), and that of each row."""
        codes = named(rows["point"])
        known, inverse = pairs(_month(rows), codes.codes)
        return [self._point(month, codes.names[code]) for month, code in known], inverse

    def _point(self, month: int, code: str | None) -> Point | None:
        if (month, code) not in self.points:
            found = self.definitions.checklists.points(calendar.first_day(month)).get(code or "")
            self.points[month, code] = found[0] if found else None
        return self.points[month, code]

    def _attribute(self, name: str, projects: "pd.Series[Any]", month: Whole) -> Codes:
        """Name an attribute of each project on the last day of the period, or of the month with `--by month`."""
        when = month if "month" in self.by else np.full(len(month), self.period.stop - 1, dtype=np.int64)
        codes = named(projects)
        known = self.definitions.portfolio.project
        names: list[str | None] = []
        distinct, inverse = pairs(when, codes.codes)
        for last, code in distinct:
            project = known.get(codes.names[code] or "")
            names.append(project.attributes_on(calendar.last_day(last)).get(name, "") if project else "")
        return renamed(names, inverse)

    # By the finding

    def _closures(self, raised: pd.DataFrame) -> None:
        month, plan, number = _month(raised), _whole(raised, "plan_month"), _whole(raised, "findings")
        by_plan = self.policy.closure.population == "due"
        goes_by = np.where(plan >= 0, plan, month) if by_plan else month
        kind = named(raised["finding_kind"])
        for indicator, kinds in (("closure", self.policy.closure.kinds), ("closure_all", FINDING_KINDS)):
            mine = self._inside(goes_by) & np.isin(kind.codes, _of(kind, kinds))
            self._of_findings(indicator, raised, mine, goes_by, number * _whole(raised, "closed"), number)
        mine = self._inside(plan) & (_whole(raised, "before") == 1)
        self._of_findings("closure_on_time", raised, mine, plan, number * _whole(raised, "on_time"), number)
        self._ratios(raised, kind, month, number)

    def _of_findings(
        self, indicator: str, raised: pd.DataFrame, mine: Truth, month: Whole, done: Whole, due: Whole
    ) -> None:
        self.sums.add(indicator, self._grouped(raised[mine], month[mine]), done[mine], due[mine])

    def _inside(self, month: Whole) -> Truth:
        return (month >= self.period.start) & (month < self.period.stop)

    def _ratios(self, raised: pd.DataFrame, kind: Codes, month: Whole, number: Whole) -> None:
        mine = self._inside(month)
        groups, zeros = self._grouped(raised[mine], month[mine]), np.zeros(int(mine.sum()), dtype=np.int64)
        for indicator, one in zip(RATIOS, FINDING_KINDS, strict=True):
            of_kind = np.isin(kind.codes[mine], _of(kind, (one,)))
            self.sums.add(indicator, groups, np.where(of_kind, number[mine], 0), zeros)

    # By the day of the check

    def _looks(self, looks: pd.DataFrame, found: States) -> None:
        month, number = _month(looks), _whole(looks, "checks")
        groups = self._grouped(looks, month)
        judged = np.where(_whole(looks, "na") == 1, 0, number)
        zeros = np.zeros(len(looks), dtype=np.int64)
        self.sums.add("traceability", groups, _whole(looks, "traceable"), number)
        self.sums.add("method_conformity", groups, np.where(self.conforms(looks, found), judged, 0), judged)
        for indicator in RATIOS:
            self.sums.add(indicator, groups, zeros, judged)
        score = self._scores(looks)
        full = np.where(score >= 0, score, 0) * judged
        self.sums.add("score_rate", groups, full, full)

    def conforms(self, looks: pd.DataFrame, found: States) -> Truth:
        """Say of each row whether its method and sample are those of its point, in the variant of its day."""
        if "conforms" in looks and "mover" not in looks:
            known: Truth = _whole(looks, "conforms") == 1
            return known
        points, inverse = self._points(looks)
        methods = named(looks["method"])
        occur, row = pairs(inverse, self._state(looks, found))
        allowed = np.zeros((len(occur), len(methods.names)), dtype=bool)
        minimum = np.zeros(len(occur), dtype=np.int64)
        for position, (place, state) in enumerate(occur):
            point = points[place]
            if point is not None:
                way = point.way(found.attributes[state])
                minimum[position] = way.minimum
                allowed[position] = [
                    name is not None and (not way.methods or name in way.methods) for name in methods.names
                ]
        fits: Truth = allowed[row, methods.codes] & (_whole(looks, "reach") >= minimum[row])
        if "conforms" not in looks:
            return fits
        told: Truth = np.where(_whole(looks, "mover") >= 0, fits, _whole(looks, "conforms") == 1)
        return told

    def _state(self, looks: pd.DataFrame, found: States) -> Whole:
        """Return the state of each row's project on its day."""
        state = _whole(looks, "state")
        if not found.held.movers:
            return state
        mover = _whole(looks, "mover")
        day = np.where(mover >= 0, _whole(looks, "day") - calendar.day_number(self.period.first), 0)
        return np.where(mover >= 0, found.days[mover, day], state)

    def _scores(self, rows: pd.DataFrame) -> Whole:
        """Return the score of each row's point by the edition of its day in hundredths, -1 where it has none."""
        points, inverse = self._points(rows)
        scores = [point.score if point and point.score is not None else -1 for point in points]
        return np.array(scores, dtype=np.int64)[inverse]

    def _checks_with_findings(self, rows: pd.DataFrame) -> None:
        """Take away the checks with an incomplete finding, and what findings take from the score of each check."""
        month, number = _month(rows), _whole(rows, "checks")
        groups, zeros = self._grouped(rows, month), np.zeros(len(rows), dtype=np.int64)
        spoilt = (_whole(rows, "traceable") == 1) & (_whole(rows, "incomplete") == 1)
        self.sums.add("traceability", groups, np.where(spoilt, -number, 0), zeros)
        worth, lost = self._scores(rows), _whole(rows, "deducted")
        if self.policy.score_floor == "zero":
            lost = np.minimum(lost, worth)
        scored = (worth >= 0) & (_whole(rows, "na") == 0)
        self.sums.add("score_rate", groups, np.where(scored, -lost * number, 0), zeros)


def _month(rows: pd.DataFrame) -> Whole:
    return _whole(rows, "month")


def _whole(rows: pd.DataFrame, name: str) -> Whole:
    return rows[name].to_numpy().astype(np.int64, copy=False)


def _of(column: Codes, names: Sequence[str]) -> list[int]:
    """Return the codes that stand for some names."""
    return [code for code, name in enumerate(column.names) if name in names]
