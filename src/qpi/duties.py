"""Duties: what the editions in force ask of each role in each month, as arrays over a span of months.

Months count from the first of the span; points and roles go in pairs, projects and realms by position.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from qpi import calendar
from qpi.calendar import Unit
from qpi.checklist import COMPANY, PROJECT, Point
from qpi.definitions import Definitions
from qpi.portfolio import Project, Waiver

UNITS = tuple(Unit)
TWELVE = 12
"""The twelfths of a whole: required points and checks are counted in twelfths."""
WINDOWED = (Unit.DAY, Unit.WEEK, Unit.TWO_WEEKS)
Whole = npt.NDArray[np.int64]
Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Duties:
    """What is owed in the months from `start` up to but not including `stop`.

    Arrays are indexed [pair, month] unless they say otherwise; `unit` is -1 where a pair has no duty in a month.
    """

    start: int
    stop: int
    projects: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    specialties: tuple[str | None, ...]
    unit: Whole
    times: Whole
    scope: Whole
    specialty: Whole
    share: tuple[Whole, Whole]
    level: Whole
    """Per pair: 0 for a project role, else a level of `realms`."""
    levels: tuple[str, ...]
    realms: tuple[tuple[str, ...], ...]
    """Per level the names of its realms."""
    realm: tuple[Whole, ...]
    """Per level the realm of each project, [month, project]."""
    fits: Truth
    """Whether a project is in a scope and open, [month, scope, project]."""
    working: Truth
    """Per pair: whether a daily duty has windows on working days only."""
    waived: Whole
    """Keys of pair, project and month whose duty is excused for the whole month, sorted."""
    removed: Whole
    """Windows that waivers take out, columns pair, project, month, first and last day of the window."""

    @property
    def months(self) -> int:
        """The number of months in the span."""
        return self.stop - self.start

    def key(self, pair: Whole, project: Whole, month: Whole | int) -> Whole:
        """Return pair, project and month as one whole number."""
        return (pair * len(self.projects) + project) * self.months + month

    def in_force(self, pair: Whole, project: Whole, month: Whole | int) -> Truth:
        """Say for each pair and project whether the duty is in force there in the month, or in the month beside it."""
        scope = self.scope[pair, month]
        found = self.fits[month, np.maximum(scope, 0), project] & (scope >= 0)
        if len(self.waived):
            found &= ~np.isin(self.key(pair, project, month), self.waived)
        result: Truth = found
        return result

    def twelfths(self, unit: int, month: int, *, working: bool) -> int:
        """Return the twelfths of a check that one check a unit (its place in UNITS) requires in a month of the span."""
        cycle = calendar.cycle_months(UNITS[unit])
        if cycle > 1:
            return TWELVE // cycle
        return TWELVE * len(calendar.window_ends(UNITS[unit], self.start + month, working=working))


class _Names:
    """Gives each value a position in the order of coming."""

    def __init__(self) -> None:
        self.position: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        return self.position.setdefault(value, len(self.position))


def _frozen(match: Mapping[str, tuple[str, ...]] | None) -> Any:
    return None if match is None else tuple(sorted(match.items()))


def build(definitions: Definitions, start: int, stop: int) -> Duties:
    """Return the duties of a workspace in the months from `start` up to but not including `stop` (month numbers)."""
    pairs, scopes, specialties = _Names(), _Names(), _Names()
    points: dict[int, Point] = {}
    found: list[tuple[int, ...]] = []
    for month in range(start, stop):
        for code, (point, _) in definitions.checklists.points(calendar.first_day(month)).items():
            scope = scopes((_frozen(point.scope), _frozen(point.except_)))
            points.setdefault(scope, point)
            for role, ask in (point.frequency or {}).items():
                if ask.every is not None:
                    row = (UNITS.index(ask.every.unit), ask.every.times, scope, specialties(point.specialty))
                    found.append((pairs((role, code)), month - start, *row, *ask.share.as_integer_ratio()))
    arrays = np.full((6, len(pairs.position), stop - start), -1, dtype=np.int64)
    if found:
        rows = np.array(found, dtype=np.int64)
        arrays[:, rows[:, 0], rows[:, 1]] = rows[:, 2:].T
    unit, times, scope_of, specialty, share, parts = (arrays[row] for row in range(6))
    names = tuple(pairs.position)
    roles = definitions.checklists.roles
    levels = tuple(dict.fromkeys(roles[role].level for role, _ in names if roles[role].level != PROJECT))
    states = _states(definitions, start, stop)
    realms = [_realms(level, states) for level in levels]
    level_of = [0 if roles[role].level == PROJECT else 1 + levels.index(roles[role].level) for role, _ in names]
    waived, removed = _waivers(definitions, names, unit, start)
    return Duties(
        start, stop, tuple(definitions.portfolio.project), names, tuple(specialties.position),
        unit, times, scope_of, specialty, (share, parts), np.array(level_of, dtype=np.int64),
        levels, tuple(names for names, _ in realms), tuple(realm for _, realm in realms),
        _fits(definitions, states, points, start, stop),
        np.array([definitions.policy.working(role) for role, _ in names], dtype=bool), waived, removed,
    )  # fmt: skip


_States = tuple[list[dict[str, str]], Whole]


def _states(definitions: Definitions, start: int, stop: int) -> _States:
    """Return the distinct attributes and, [month, project], which of them hold on the 1st."""
    states = _Names()
    firsts = [calendar.first_day(month) for month in range(start, stop)]
    held = [
        [states(tuple(sorted(attributes.items()))) for attributes in _on(project, firsts)]
        for project in definitions.portfolio.projects
    ]
    index = np.array(held, dtype=np.int64).reshape(len(held), len(firsts)).T
    return [dict(state) for state in states.position], index


def _on(project: Project, days: list[date]) -> Iterator[dict[str, str]]:
    return (project.attributes_on(day) for day in days)


def _realms(level: str, states: _States) -> tuple[tuple[str, ...], Whole]:
    """Return the names of a level's realms and the realm of each project, [month, project]; the company is one realm."""
    if level == COMPANY:
        return ("",), np.zeros(states[1].shape, dtype=np.int64)
    names = _Names()
    of_state = np.array([names(state.get(level, "")) for state in states[0]], dtype=np.int64)
    if not len(of_state):
        return (), np.zeros(states[1].shape, dtype=np.int64)
    return tuple(names.position), of_state[states[1]]


def _fits(definitions: Definitions, states: _States, points: dict[int, Point], start: int, stop: int) -> Truth:
    match = np.array([[points[s].applies(state) for state in states[0]] for s in range(len(points))], dtype=bool)
    projects = definitions.portfolio.projects
    fits = np.zeros((stop - start, len(points), len(projects)), dtype=bool)
    for month in range(stop - start):
        first = calendar.first_day(start + month)
        is_open = np.array([project.open_on(first) for project in projects], dtype=bool)
        if len(points) and len(projects):
            fits[month] = match.reshape(len(points), -1)[:, states[1][month]] & is_open
    return fits


def _united(waivers: tuple[Waiver, ...]) -> list[tuple[int, int]]:
    """Return the days that waivers cover as day numbers, joined where they touch."""
    spans: list[tuple[int, int]] = []
    for first, last in sorted((calendar.day_number(w.from_), calendar.day_number(w.to)) for w in waivers):
        if spans and first <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        else:
            spans.append((first, last))
    return spans


def _covered(spans: list[tuple[int, int]], first: int, last: int) -> bool:
    return any(a <= first and last <= b for a, b in spans)


def _waivers(
    definitions: Definitions, pairs: tuple[tuple[str, str], ...], unit: Whole, start: int
) -> tuple[Whole, Whole]:
    """Return the keys of duties excused for a whole month, and the windows of project roles that are taken out."""
    waived: list[int] = []
    removed: list[tuple[int, ...]] = []
    months = unit.shape[1]
    index = {project: i for i, project in enumerate(definitions.portfolio.project)}
    by_project: dict[str, list[Waiver]] = {}
    for waiver in definitions.portfolio.waivers:
        by_project.setdefault(waiver.project, []).append(waiver)
    for project, waivers in by_project.items():
        cuts: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
        for pair, (role, code) in enumerate(pairs):
            mine = tuple(w for w in waivers if w.role in (None, role) and (w.points is None or code in w.points))
            if not mine:
                continue
            spans = _united(mine)
            level = definitions.checklists.roles[role].level
            for month in range(months):
                if unit[pair, month] < 0:
                    continue
                first, last = calendar.first_day(start + month), calendar.last_day(start + month)
                if _covered(spans, calendar.day_number(first), calendar.day_number(last)):
                    waived.append((pair * len(index) + index[project]) * months + month)
                elif level == PROJECT and UNITS[unit[pair, month]] in WINDOWED:
                    kind, working = UNITS[unit[pair, month]], definitions.policy.working(role)
                    key = (tuple(spans), kind, working, month)
                    if key not in cuts:
                        ends = calendar.window_ends(kind, start + month, working=working)
                        cuts[key] = [window for window in ends if _covered(spans, *window)]
                    removed += ((pair, index[project], month, *window) for window in cuts[key])
    return np.array(sorted(waived), dtype=np.int64), np.array(removed, dtype=np.int64).reshape(-1, 5)
