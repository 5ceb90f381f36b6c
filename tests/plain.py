"""A slow, plain re-reading of indicators.md: Fractions and loops, nothing shared with the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from math import ceil
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

INDICATORS = (
    "coverage",
    "frequency_completion",
    "closure",
    "closure_all",
    "closure_on_time",
    "traceability",
    "method_conformity",
    "suggestion_ratio",
    "rectification_ratio",
    "deduction_ratio",
    "score_rate",
)
FINDING_KINDS = ("suggestion", "rectification", "deduction")
RATIOS = {f"{kind}_ratio" for kind in FINDING_KINDS}
LEVELS = {
    "supervisor": "project",
    "team_lead": "project",
    "project_lead": "project",
    "department": "company",
    "executive": "company",
}
UNITS = {
    "日": "day",
    "天": "day",
    "周": "week",
    "两周": "two-weeks",
    "月": "month",
    "季度": "quarter",
    "半年": "half-year",
    "年": "year",
}
CYCLE_MONTHS = {"day": 1, "week": 1, "two-weeks": 1, "month": 1, "quarter": 3, "half-year": 6, "year": 12}
WINDOWED_BY_DAYS = ("day", "week", "two-weeks")
FIRST_PAIR_OF_WEEKS = date(2024, 1, 1)
FLOORS = {
    "frequency_completion": "75%",
    "closure": "100%",
    "traceability": "100%",
    "method_conformity": "100%",
    "suggestion_ratio": "5%",
    "rectification_ratio": "5%",
    "deduction_ratio": "5%",
}
CHECK_FIELDS = ["inspector", "checked_at", "place", "method", "sample_or_evidence"]
FINDING_FIELDS = ["fault", "advice", "handling", "verify_on"]
NO_DUTIES_BY = {"inspector", "kind", "category"}

Key = tuple[str | None, ...]
Amount = tuple[Fraction, Fraction]  # done, due


def indicators(
    workspace: dict[str, Any],
    records: list[dict[str, Any]],
    period: str,
    *,
    by: Sequence[str] = (),
    as_of: str | None = None,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return the rows of a period in the documented order, done and due in points and checks."""
    reading = _Reading(workspace, records, tuple(by), as_of, now)
    rows = reading.rows(*_months(period))
    return sorted(rows, key=lambda row: _order(row, by))


def _order(row: dict[str, Any], by: Sequence[str]) -> tuple[Any, ...]:
    """Order rows by their keys as text, null last, then as the table of indicators."""
    keys = tuple((row[name] is None, row[name] or "") for name in by)
    return (*keys, INDICATORS.index(row["indicator"]))


# Months are whole numbers, twelve a year, so that a cycle of n months starts where the number divides by n.


def _month(day: date) -> int:
    """Return the month of a day as a whole number."""
    return day.year * 12 + day.month - 1


@cache
def _first_day(month: int) -> date:
    """Return the 1st of a month."""
    return date(month // 12, month % 12 + 1, 1)


@cache
def _last_day(month: int) -> date:
    """Return the last day of a month."""
    return _first_day(month + 1) - timedelta(days=1)


def _month_key(month: int) -> str:
    """Return the key of a month, as `2026-10`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _months(period: str) -> tuple[int, int]:
    """Return the first and the last month of a period."""
    year = int(period[:4]) * 12
    part = period[5:]
    if not part:
        return year, year + 11
    if part[0] == "Q":
        first = year + 3 * (int(part[1:]) - 1)
        return first, first + 2
    if part[0] == "H":
        first = year + 6 * (int(part[1:]) - 1)
        return first, first + 5
    first = year + int(part) - 1
    return first, first


@cache
def _days(first: date, last: date) -> tuple[date, ...]:
    """Return the days from first to last, both within."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


@cache
def _windows(unit: str, month: int) -> tuple[tuple[date, date], ...]:
    """Return first and last day of the windows of a unit up to a month that end in this month."""
    days = _days(_first_day(month), _last_day(month))
    if unit == "day":
        return tuple((day, day) for day in days)
    sundays = [day for day in days if day.isoweekday() == 7]
    if unit == "week":
        return tuple((day - timedelta(days=6), day) for day in sundays)
    if unit == "two-weeks":
        ends = [day for day in sundays if ((day - FIRST_PAIR_OF_WEEKS).days + 1) % 14 == 0]
        return tuple((day - timedelta(days=13), day) for day in ends)
    return ((days[0], days[-1]),)


def _cuts(first: int, last: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut a period at the ends of cycles of so many months."""
    start = first
    while start <= last:
        end = min(last, start - start % length + length - 1)
        yield start, end
        start = end + 1


def _percent(text: str) -> Fraction:
    """Return a percentage as a fraction of 1."""
    return Fraction(text.strip().removesuffix("%")) / 100


class _Frequency(NamedTuple):
    """How often, and at which part of a realm's projects."""

    k: int
    unit: str
    share: Fraction


def _frequency(asked: str | Mapping[str, str]) -> _Frequency | None:
    """Return a frequency in either notation, or nothing where it is not fixed."""
    every = asked if isinstance(asked, str) else asked["every"]
    share = "100%" if isinstance(asked, str) else asked.get("share", "100%")
    found = re.fullmatch(r"(\d+)\s*次?\s*/\s*(\S+)", every.strip())
    if found is None:
        return None
    unit = UNITS.get(found[2], found[2])
    return _Frequency(int(found[1]), unit, _percent(share)) if unit in CYCLE_MONTHS else None


def _matches(wanted: Mapping[str, Any], attributes: Mapping[str, str]) -> bool:
    """Tell whether every key matches one of its values."""
    for name, values in wanted.items():
        allowed = [values] if isinstance(values, str) else list(values)
        if name not in attributes or attributes[name] not in allowed:
            return False
    return True


def _in_scope(point: Mapping[str, Any], attributes: Mapping[str, str]) -> bool:
    """Tell whether a point applies to a project with these attributes."""
    excluded = point.get("except")
    if excluded and _matches(excluded, attributes):
        return False
    return _matches(point.get("scope") or {}, attributes)


def _points(edition: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the points of an edition by code, each key of a point in place of its group's whole key."""
    points = {}
    for group in edition["groups"]:
        shared = {key: value for key, value in group.items() if key != "points"}
        for point in group["points"]:
            points[point["code"]] = {**shared, **point}
    return points


def _allowed_ways(point: Mapping[str, Any], attributes: Mapping[str, str]) -> Mapping[str, Any]:
    """Return methods and sample of a point, after the first variant that matches."""
    ways = {key: point[key] for key in ("methods", "sample") if key in point}
    for variant in point.get("variants") or []:
        if _matches(variant.get("when") or {}, attributes):
            ways.update({key: variant[key] for key in ("methods", "sample") if key in variant})
            break
    return ways


def _conforms(check: Mapping[str, Any], ways: Mapping[str, Any]) -> bool:
    """Tell whether a check was done by an allowed method on a sample that is large enough."""
    method = check.get("method")
    if not method or (ways.get("methods") and method not in ways["methods"]):
        return False
    needed = int((ways.get("sample") or {}).get("minimum", "0"))
    if check.get("population") is not None:
        needed = min(needed, int(check["population"]))
    return len(check.get("sample") or []) >= needed


def _bears(record: Mapping[str, Any], name: str) -> bool:
    """Tell whether a record bears a field that the policy demands."""
    if name == "sample_or_evidence":
        return _bears(record, "sample") or _bears(record, "evidence")
    return record.get(name) not in (None, "", [], {})


def _counted(looks: Mapping[str, list[date]], unit: str, k: int, owed: int) -> int:
    """Count looks in one window: for j = 1 to k, min(owed, projects with a j-th counted look), added up."""
    sizes = [len(days) if unit == "day" else len(set(days)) for days in looks.values()]
    return sum(min(owed, sum(1 for size in sizes if size >= j)) for j in range(1, k + 1))


class _Owner(NamedTuple):
    """Who owes: a project, the company, or a value of the attribute that a role's level names."""

    level: str
    value: str


class _Cell(NamedTuple):
    """The duties of one owner, role, specialty and unit, among which credit is given."""

    owner: _Owner
    role: str
    specialty: str | None
    unit: str


@dataclass(frozen=True)
class _Task:
    """What one month asks of one role for one point, of one project or of one realm."""

    role: str
    owner: _Owner
    point: str
    k: int
    unit: str
    owed: int  # projects: 1 where the owner is a project
    projects: tuple[str, ...]
    specialty: str | None

    @property
    def cell(self) -> _Cell:
        """Return the cell to which the task belongs."""
        return _Cell(self.owner, self.role, self.specialty, self.unit)


@dataclass
class _Work:
    """What a cell owes and has in one month, or in several."""

    points_due: Fraction = Fraction(0)
    points_done: int = 0
    checks_due: Fraction = Fraction(0)
    checks_done: int = 0

    def add(self, other: _Work) -> None:
        """Add the work of another month or task."""
        self.points_due += other.points_due
        self.points_done += other.points_done
        self.checks_due += other.checks_due
        self.checks_done += other.checks_done


@dataclass(frozen=True)
class _Look:
    """A check with its local day and its point by the edition of that day."""

    record: Mapping[str, Any]
    day: date
    point: Mapping[str, Any]

    @property
    def na(self) -> bool:
        """Tell whether there was nothing to look at."""
        return self.record.get("result") == "na"

    @property
    def kind(self) -> str:
        """Return the kind of check, routine where it is missing."""
        return self.record.get("kind") or "routine"

    @property
    def findings(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the findings with their ids."""
        listed = self.record.get("findings") or []
        return [(f"{self.record['id']}/{f.get('no', n)}", f) for n, f in enumerate(listed, start=1)]


class _Definitions:
    """Editions, projects and waivers of a workspace, asked by day."""

    def __init__(self, workspace: Mapping[str, Any]) -> None:
        """Keep editions by catalogue and projects by id."""
        self.catalogues: dict[str, list[tuple[date, dict[str, dict[str, Any]]]]] = {}
        self.levels = dict(LEVELS)
        for edition in workspace["checklists"]:
            starts = date.fromisoformat(edition["effective_from"])
            self.catalogues.setdefault(edition["catalogue"], []).append((starts, _points(edition)))
            self.levels.update({role: d["level"] for role, d in (edition.get("roles") or {}).items()})
        for editions in self.catalogues.values():
            editions.sort(key=lambda dated: dated[0])
        portfolio = workspace["portfolio"]
        self.projects: dict[str, Mapping[str, Any]] = {p["id"]: p for p in portfolio.get("projects") or []}
        self.waivers: list[Mapping[str, Any]] = portfolio.get("waivers") or []
        self._attributes: dict[tuple[str, date], dict[str, str]] = {}
        self._waived: dict[tuple[str, str, str], set[date]] = {}

    def points(self, day: date) -> dict[str, dict[str, Any]]:
        """Return the points of all editions in force on a day: of each catalogue the latest begun."""
        points = {}
        for editions in self.catalogues.values():
            begun = [held for starts, held in editions if starts <= day]
            if begun:
                points.update(begun[-1])
        return points

    def attributes(self, project: str, day: date) -> dict[str, str]:
        """Return a project's attributes on a day, dated changes merged key by key."""
        if (project, day) not in self._attributes:
            told = self.projects[project]
            merged = dict(told.get("attributes") or {})
            for change in sorted(told.get("changes") or [], key=lambda c: c["from"]):
                if date.fromisoformat(change["from"]) <= day:
                    merged.update(change["attributes"])
            self._attributes[project, day] = merged
        return self._attributes[project, day]

    def is_open(self, project: str, day: date) -> bool:
        """Tell whether a project was opened on or before a day and closed after it or never."""
        told = self.projects[project]
        opened, closed = told.get("opened"), told.get("closed")
        if opened and date.fromisoformat(opened) > day:
            return False
        return not closed or date.fromisoformat(closed) > day

    def waived(self, project: str, role: str, point: str) -> set[date]:
        """Return the days on which a role is excused from a point at a project, waivers united."""
        key = (project, role, point)
        if key not in self._waived:
            self._waived[key] = set()
            for waiver in self.waivers:
                if self._excuses(waiver, project, role, point):
                    spell = _days(date.fromisoformat(waiver["from"]), date.fromisoformat(waiver["to"]))
                    self._waived[key].update(spell)
        return self._waived[key]

    @staticmethod
    def _excuses(waiver: Mapping[str, Any], project: str, role: str, point: str) -> bool:
        """Tell whether a waiver speaks of this duty: no points are all points, no role is all roles."""
        if waiver["project"] != project or waiver.get("role", role) != role:
            return False
        return not waiver.get("points") or point in waiver["points"]

    def owner(self, role: str, project: str, day: date) -> _Owner:
        """Return the project or the realm to which a role owes its duty at a project."""
        level = self.levels[role]
        if level == "project":
            return _Owner("project", project)
        if level == "company":
            return _Owner("company", "")
        return _Owner(level, self.attributes(project, day).get(level, ""))

    def in_force(self, project: str, role: str, point: Mapping[str, Any], month: int) -> bool:
        """Tell whether a project is open, in scope and not wholly excused in a month."""
        first = _first_day(month)
        if not self.is_open(project, first) or not _in_scope(point, self.attributes(project, first)):
            return False
        waived = self.waived(project, role, point["code"])
        return not waived or any(day not in waived for day in _days(first, _last_day(month)))

    def tasks(self, month: int) -> dict[tuple[str, _Owner, str], _Task]:
        """Return all that a month asks, by role, owner and point."""
        tasks = {}
        for code, point in self.points(_first_day(month)).items():
            for role, asked in (point.get("frequency") or {}).items():
                frequency = _frequency(asked)
                if frequency is not None:
                    for task in self._tasks_of(role, code, point, frequency, month):
                        tasks[role, task.owner, code] = task
        return tasks

    def _tasks_of(
        self, role: str, code: str, point: Mapping[str, Any], frequency: _Frequency, month: int
    ) -> Iterator[_Task]:
        """Yield what a month asks of one role for one point."""
        owners: dict[_Owner, list[str]] = {}
        for project in self.projects:
            if self.in_force(project, role, point, month):
                owners.setdefault(self.owner(role, project, _first_day(month)), []).append(project)
        for owner, projects in owners.items():
            owed = 1 if owner.level == "project" else ceil(frequency.share * len(projects))
            specialty = point.get("specialty")
            yield _Task(role, owner, code, frequency.k, frequency.unit, owed, tuple(projects), specialty)


class _Reading:
    """One reading of the indicators: definitions, policy and ledger, for one grouping and one moment."""

    def __init__(
        self,
        workspace: Mapping[str, Any],
        records: Sequence[Mapping[str, Any]],
        by: tuple[str, ...],
        as_of: str | None,
        now: datetime,
    ) -> None:
        """Read policy and records."""
        self.zone = ZoneInfo(workspace.get("timezone", "Asia/Shanghai"))
        self.defs = _Definitions(workspace)
        self.policy: Mapping[str, Any] = workspace.get("policy") or {}
        self.by = by
        self.raw = self.policy.get("overfulfilment", "credited") == "raw"
        self.looks = [self._look(record) for record in records if "finding" not in record]
        self.days = self._days_of_looks()
        self.verifications = self._verifications(records, as_of, now)
        self.as_of_day = self._as_of_day(as_of, now)
        self._tasks: dict[int, dict[tuple[str, _Owner, str], _Task]] = {}
        self._work: dict[int, dict[_Cell, _Work]] = {}

    # What was recorded

    def _local_day(self, text: str) -> date:
        """Return the day of a moment in the zone of the workspace."""
        return datetime.fromisoformat(text).astimezone(self.zone).date()

    def _look(self, record: Mapping[str, Any]) -> _Look:
        """Return a check with its local day and its point of that day."""
        day = self._local_day(record["checked_at"])
        return _Look(record, day, self.defs.points(day)[record["point"]])

    def _days_of_looks(self) -> dict[tuple[str, str, str], list[date]]:
        """Return the days of the checks that may fulfil a duty, by role, project and point."""
        kinds = self.policy.get("counts_for_duty", ["routine", "special", "mystery"])
        days: dict[tuple[str, str, str], list[date]] = {}
        for look in self.looks:
            if look.kind in kinds:
                key = (look.record["role"], look.record["project"], look.record["point"])
                days.setdefault(key, []).append(look.day)
        return days

    def _as_of_day(self, as_of: str | None, now: datetime) -> date:
        """Return the local day of as_of, of now where it is missing."""
        if as_of is None:
            return now.astimezone(self.zone).date()
        return date.fromisoformat(as_of) if len(as_of) == len("2026-11-20") else self._local_day(as_of)

    def _verifications(
        self, records: Sequence[Mapping[str, Any]], as_of: str | None, now: datetime
    ) -> dict[str, list[tuple[datetime, str]]]:
        """Return moments in UTC and outcomes up to as_of of each finding, the latest last."""
        seen: dict[str, list[tuple[datetime, str]]] = {}
        for record in records:
            if "finding" in record:
                at = datetime.fromisoformat(record["verified_at"]).astimezone(UTC)
                if self._is_up_to(at, as_of, now):
                    seen.setdefault(record["finding"], []).append((at, record["outcome"]))
        for rounds in seen.values():
            rounds.sort(key=lambda told: told[0])  # stable: of one instant the later in the ledger is last
        return seen

    def _is_up_to(self, at: datetime, as_of: str | None, now: datetime) -> bool:
        """Tell whether a moment is no later than as_of; a bare date includes its local day."""
        if as_of is None:
            return at <= now
        if len(as_of) == len("2026-11-20"):
            return at.astimezone(self.zone).date() <= date.fromisoformat(as_of)
        return at <= datetime.fromisoformat(as_of)

    # Duties: what is due and done in one month

    def tasks(self, month: int) -> dict[tuple[str, _Owner, str], _Task]:
        """Return all that a month asks, read once."""
        if month not in self._tasks:
            self._tasks[month] = self.defs.tasks(month)
        return self._tasks[month]

    def _works_only_on_working_days(self, role: str) -> bool:
        """Tell whether the policy gives a role's daily duties no window on Saturday and Sunday."""
        days = self.policy.get("days", "calendar")
        return (days if isinstance(days, str) else days.get(role, "calendar")) == "working"

    def _fulfilling(self, task: _Task, project: str) -> list[date]:
        """Return the days of the checks of a duty; off the working days they are extra."""
        days = self.days.get((task.role, project, task.point), [])
        if task.unit == "day" and self._works_only_on_working_days(task.role):
            return [day for day in days if day.isoweekday() <= 5]
        return days

    def _kept_windows(self, task: _Task, month: int) -> list[tuple[date, date]]:
        """Return the windows that end in a month, without days off and without wholly waived windows."""
        windows = list(_windows(task.unit, month))
        if task.unit == "day" and self._works_only_on_working_days(task.role):
            windows = [window for window in windows if window[0].isoweekday() <= 5]
        if task.owner.level == "project" and task.unit in WINDOWED_BY_DAYS:
            waived = self.defs.waived(task.owner.value, task.role, task.point)
            windows = [window for window in windows if not waived.issuperset(_days(*window))]
        return windows

    def _cycle_so_far(self, task: _Task, month: int) -> Iterator[tuple[int, _Task]]:
        """Yield the months of the cycle up to a month in which the duty was in force with its unit."""
        length = CYCLE_MONTHS[task.unit]
        for earlier in range(month - month % length, month + 1):
            then = self.tasks(earlier).get((task.role, task.owner, task.point))
            if then is not None and then.unit == task.unit:
                yield earlier, then

    def _completed(self, task: _Task, month: int) -> int:
        """Return the completed points that a month adds to its cycle."""
        reached: set[str] = set()
        added = step = 0
        for earlier, then in self._cycle_so_far(task, month):
            for project in then.projects:
                if any(_month(day) == earlier for day in self._fulfilling(then, project)):
                    reached.add(project)
            value = len(reached) if self.raw else min(then.owed, len(reached))
            step = max(0, value - added)
            added += step
        return step

    def _counted_in_long_window(self, task: _Task, month: int) -> int:
        """Return the counted checks that a month adds to its quarter, half-year or year."""
        looks: dict[str, list[date]] = {}
        added = step = 0
        for earlier, then in self._cycle_so_far(task, month):
            for project in then.projects:
                own = [day for day in self._fulfilling(then, project) if _month(day) == earlier]
                looks.setdefault(project, []).extend(own)
            step = max(0, self._value(then, looks) - added)
            added += step
        return step

    def _counted_in_windows(self, task: _Task, month: int) -> int:
        """Return the counted checks in the windows that end in a month."""
        days = {project: self._fulfilling(task, project) for project in task.projects}
        if not any(days.values()):
            return 0
        total = 0
        for first, last in self._kept_windows(task, month):
            looks = {project: [d for d in held if first <= d <= last] for project, held in days.items()}
            total += self._value(task, looks)
        return total

    def _value(self, task: _Task, looks: Mapping[str, list[date]]) -> int:
        """Return the counted checks of one window, all of them where nothing is capped."""
        if self.raw:
            return sum(len(days) for days in looks.values())
        return _counted(looks, task.unit, task.k, task.owed)

    def _work_of(self, task: _Task, month: int) -> _Work:
        """Return what a task owes and has in a month."""
        length = CYCLE_MONTHS[task.unit]
        if length == 1:
            windows = Fraction(len(self._kept_windows(task, month)))
            counted = self._counted_in_windows(task, month)
        else:
            windows = Fraction(1, length)
            counted = self._counted_in_long_window(task, month)
        points_due = Fraction(task.owed, length)
        return _Work(points_due, self._completed(task, month), task.k * task.owed * windows, counted)

    def work(self, month: int) -> dict[_Cell, _Work]:
        """Return what each cell owes and has in a month, read once."""
        if month not in self._work:
            cells: dict[_Cell, _Work] = {}
            for task in self.tasks(month).values():
                cells.setdefault(task.cell, _Work()).add(self._work_of(task, month))
            self._work[month] = cells
        return self._work[month]

    # Credit: what is due and done in a period

    def _sum(self, cell: _Cell, first: int, last: int) -> _Work:
        """Return the work of a cell from one month to another, both within."""
        total = _Work()
        for month in range(first, last + 1):
            total.add(self.work(month).get(cell, _Work()))
        return total

    def _credit(self, cell: _Cell, first: int, last: int) -> tuple[Amount, Amount]:
        """Return credited and due points, and credited and due checks, of a cell over a period."""
        points = checks = Fraction(0)
        length = CYCLE_MONTHS[cell.unit]
        for start, end in _cuts(first, last, length):
            before = self._sum(cell, start - start % length, start - 1)
            cut = self._sum(cell, start, end)
            points_surplus = max(Fraction(0), before.points_done - before.points_due)
            checks_surplus = max(Fraction(0), before.checks_done - before.checks_due)
            points += min(cut.points_due, cut.points_done + points_surplus)
            checks += min(cut.checks_due, cut.checks_done + checks_surplus)
        whole = self._sum(cell, first, last)
        if self.raw:
            points, checks = Fraction(whole.points_done), Fraction(whole.checks_done)
        return (points, whole.points_due), (checks, whole.checks_due)

    def _duty_amounts(self, first: int, last: int) -> Iterator[tuple[Key, str, Amount]]:
        """Yield coverage and frequency of each cell over a period."""
        if NO_DUTIES_BY & set(self.by):
            return
        cells = {cell for month in range(first, last + 1) for cell in self.work(month)}
        for cell in cells:
            points, checks = self._credit(cell, first, last)
            key = tuple(self._duty_key(name, cell, last) for name in self.by)
            yield key, "coverage", points
            yield key, "frequency_completion", checks

    def _duty_key(self, name: str, cell: _Cell, last: int) -> str | None:
        """Return the key of a cell; a realm is null under projects and attributes save its own."""
        named = {"role": cell.role, "specialty": cell.specialty, "month": _month_key(last)}
        if name in named:
            return named[name]
        if cell.owner.level == "project":
            return self._project_key(name, cell.owner.value, last)
        return cell.owner.value if name == cell.owner.level else None

    def _project_key(self, name: str, project: str, last: int) -> str:
        """Return a project's id, or its attribute on the last day of the period."""
        if name == "project":
            return project
        return self.defs.attributes(project, _last_day(last)).get(name, "")

    # Checks and findings

    def _look_key(self, name: str, look: _Look, last: int) -> str | None:
        """Return the key of a check, and of its findings."""
        if name == "month":
            return _month_key(last)
        if name in ("role", "inspector"):
            return look.record.get(name) or None
        if name in ("specialty", "category"):
            return look.point.get(name)
        return look.kind if name == "kind" else self._project_key(name, look.record["project"], last)

    def _look_amounts(self, first: int, last: int) -> Iterator[tuple[Key, str, Amount]]:
        """Yield what each check, and each finding, adds over a period."""
        for look in self.looks:
            key = tuple(self._look_key(name, look, last) for name in self.by)
            if first <= _month(look.day) <= last:
                for indicator, amount in self._amounts_of_check(look):
                    yield key, indicator, amount
            for number, finding in look.findings:
                for indicator, amount in self._amounts_of_finding(look, number, finding, first, last):
                    yield key, indicator, amount

    def _amounts_of_check(self, look: _Look) -> Iterator[tuple[str, Amount]]:
        """Yield what a check adds to the indicators that go by its day."""
        one = Fraction(1)
        yield "traceability", (Fraction(self._is_traceable(look)), one)
        if look.na:
            return
        ways = _allowed_ways(look.point, self.defs.attributes(look.record["project"], look.day))
        yield "method_conformity", (Fraction(_conforms(look.record, ways)), one)
        for kind in FINDING_KINDS:
            found = sum(1 for _, finding in look.findings if finding["kind"] == kind)
            yield f"{kind}_ratio", (Fraction(found), one)
        if look.point.get("score") is not None:
            yield "score_rate", self._kept_score(look)

    def _is_traceable(self, look: _Look) -> bool:
        """Tell whether a check and all its findings bear every field that the policy demands."""
        demanded = self.policy.get("traceability") or {}
        if not all(_bears(look.record, name) for name in demanded.get("check", CHECK_FIELDS)):
            return False
        names = demanded.get("finding", FINDING_FIELDS)
        return all(_bears(finding, name) for _, finding in look.findings for name in names)

    def _kept_score(self, look: _Look) -> Amount:
        """Return the score of a check's point less what its findings deduct, and the score."""
        score = Fraction(look.point["score"])
        kept = score - sum(Fraction(str(finding.get("deduct") or 0)) for _, finding in look.findings)
        if self.policy.get("score_floor", "zero") == "zero":
            kept = max(Fraction(0), kept)
        return kept, score

    def _amounts_of_finding(
        self, look: _Look, number: str, finding: Mapping[str, Any], first: int, last: int
    ) -> Iterator[tuple[str, Amount]]:
        """Yield what a finding adds to the three closures over a period."""
        rule = self.policy.get("closure") or {}
        planned = date.fromisoformat(finding["verify_on"]) if finding.get("verify_on") else None
        by_plan = rule.get("population", "raised") == "due" and planned is not None
        rounds = self.verifications.get(number, [])
        one = Fraction(1)
        if first <= _month(planned if by_plan and planned else look.day) <= last:
            closed = Fraction(bool(rounds) and rounds[-1][1] == "closed")
            if finding["kind"] in rule.get("kinds", ["suggestion", "deduction"]):
                yield "closure", (closed, one)
            yield "closure_all", (closed, one)
        if planned and first <= _month(planned) <= last and planned < self.as_of_day:
            on_time = bool(rounds) and rounds[0][0].astimezone(self.zone).date() <= planned
            yield "closure_on_time", (Fraction(on_time), one)

    # Rows

    def rows(self, first: int, last: int) -> list[dict[str, Any]]:
        """Return the rows of a period; by month each month is a period of its own."""
        if "month" not in self.by or first == last:
            return self._rows_of(first, last)
        return [row for month in range(first, last + 1) for row in self._rows_of(month, month)]

    def _rows_of(self, first: int, last: int) -> list[dict[str, Any]]:
        """Return the rows of one period in which something is credited or due."""
        sums: dict[tuple[Key, str], Amount] = {}
        for amounts in (self._duty_amounts(first, last), self._look_amounts(first, last)):
            for key, indicator, (done, due) in amounts:
                so_far = sums.get((key, indicator), (Fraction(0), Fraction(0)))
                sums[key, indicator] = (so_far[0] + done, so_far[1] + due)
        return [self._row(key, name, *sums[key, name]) for key, name in sums if any(sums[key, name])]

    def _row(self, key: Key, indicator: str, done: Fraction, due: Fraction) -> dict[str, Any]:
        """Return one row with its rate and verdict."""
        text = {**FLOORS, **(self.policy.get("floors") or {})}.get(indicator)
        floor = None if text is None else _percent(text)
        named = dict(zip(self.by, key, strict=True))
        return {
            **named,
            "indicator": indicator,
            "done": done,
            "due": due,
            "rate": done / due if due else None,
            "floor": floor,
            "verdict": self._verdict(indicator, done, due, floor),
        }

    def _verdict(self, indicator: str, done: Fraction, due: Fraction, floor: Fraction | None) -> str:
        """Judge in whole numbers; nothing due, no floor and too small a mix are not judged."""
        if not due or floor is None:
            return "n/a"
        if indicator in RATIOS and due < int(self.policy.get("mix_minimum", "60")):
            return "n/a"
        return "met" if done * floor.denominator >= due * floor.numerator else "missed"
