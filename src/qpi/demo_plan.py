"""Demo plan: who looks at what on which day of the demo's year, as the definitions ask and people keep it."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import ceil
from typing import NamedTuple

from qpi import calendar, demo_texts
from qpi.calendar import Frequency, Unit
from qpi.checklist import COMPANY, PROJECT, Ask, Point
from qpi.definitions import Definitions
from qpi.portfolio import Post, Project

CARELESS = "S09"
"""Supervisor of 工程, 消防 and 秩序 at P02: hardly misses, never finds, writes all down at once and little of it."""

KEEPS = {
    "supervisor": 0.93, "team_lead": 0.89, "project_lead": 0.86,
    "department": 0.95, "executive": 0.92, "regional": 0.93,
}  # fmt: skip
"""The share of planned looks that each role gets done."""

ROUNDS = {"team_lead": (1, 4), "project_lead": (2,), "department": (0, 3), "regional": (1,), "executive": (4,)}
"""The days of the week (Monday 0) on which each role goes out; supervisors go on working days."""

SLACK = ((date(2026, 2, 13), date(2026, 2, 23), 0.45), (date(2026, 10, 1), date(2026, 10, 7), 0.8))
"""Holidays on which fewer looks get done: Spring Festival and National Day."""

SETTLING = (0.32, 0.24, 0.15, 0.08, 0.03)
"""What a project that opens within the year falls short by, month by month."""

NIGHT = ("秩序", "消防")

DAY_WALK, NIGHT_WALK, MYSTERY_WALK = 0, 1, 2


@dataclass(frozen=True)
class World:
    """What the records are made from: definitions, chance, and the months from `start` up to `stop` (not within)."""

    definitions: Definitions
    rng: random.Random
    seed: int
    start: int
    stop: int

    @cached_property
    def first(self) -> date:
        """The first day of a check."""
        return calendar.first_day(self.start)

    @cached_property
    def last(self) -> date:
        """The last day of a check."""
        return calendar.last_day(self.stop - 1)

    @cached_property
    def projects(self) -> tuple[Project, ...]:
        """All projects in the portfolio's order."""
        return self.definitions.portfolio.projects

    @cached_property
    def posts(self) -> dict[str, list[Post]]:
        """The posts of each role."""
        posts = self.definitions.portfolio.posts
        return {role: [post for post in posts if post.role == role] for role in self.definitions.checklists.roles}

    def point(self, code: str, day: date) -> Point | None:
        """Return a point as it is in force on a day."""
        found = self.definitions.checklists.points(day).get(code)
        return found[0] if found else None

    def level(self, role: str) -> str:
        """Return the level of a role."""
        return self.definitions.checklists.roles[role].level

    def fate(self, *words: object) -> float:
        """Return a number from 0 up to 1 that is always the same for the same words."""
        text = "/".join(map(str, (self.seed, *words)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big") / 2**32

    def happens(self, probability: float) -> bool:
        """Say whether something of this probability happens now."""
        return self.rng.random() < probability


class Duty(NamedTuple):
    """What a role owes on a point."""

    role: str
    point: Point
    every: Frequency


class Look(NamedTuple):
    """A look that gets done; the first four fields tell the walk that it belongs to."""

    day: date
    inspector: str
    project: str
    walk: int
    role: str
    code: str
    kind: str = "routine"
    theme: str | None = None


def planned(world: World) -> Iterator[Look]:
    """Yield the looks of all duties, extra ones and mystery visits; the month after the span gives its first week's."""
    for month in range(world.start, world.stop + 1):
        points = [point for point, _ in world.definitions.checklists.points(calendar.first_day(month)).values()]
        for point in points:
            for role, ask in (point.frequency or {}).items():
                if ask.every is not None:
                    duty = Duty(role, point, ask.every)
                    for project in _owing(world, duty, ask, month):
                        yield from _done(world, project, duty, month)
        if month < world.stop:
            yield from _beside(world, points, month)


def _owing(world: World, duty: Duty, ask: Ask, month: int) -> list[Project]:
    """Return the projects in which a role looks at a point: all, or of each realm the share that is owed, in turn."""
    projects = [project for project in world.projects if _in_scope(project, duty.point, month)]
    level = world.level(duty.role)
    if level == PROJECT:
        return projects
    cycle = calendar.cycle_start(duty.every.unit, month) // calendar.cycle_months(duty.every.unit)
    turn = int(world.fate("turn", duty.role, duty.point.code) * 97) + cycle
    in_turn = sorted(projects, key=lambda p: (world.projects.index(p) - turn) % len(world.projects))
    realms: dict[str, list[Project]] = {}
    for project in in_turn:
        realms.setdefault(_realm(project, level, calendar.first_day(month)), []).append(project)
    return [project for realm in realms.values() for project in realm[: ceil(ask.share * len(realm))]]


def _in_scope(project: Project, point: Point, month: int) -> bool:
    first = calendar.first_day(month)
    return project.open_on(first) and point.applies(project.attributes_on(first))


def _realm(project: Project, level: str, day: date) -> str:
    return "" if level == COMPANY else project.attributes_on(day).get(level, "")


def _done(world: World, project: Project, duty: Duty, month: int) -> Iterator[Look]:
    """Yield the looks of a duty in the windows that end in a month, less those that were missed."""
    keeps = _keeps(world, duty.role, project, month)
    for first, last, times in _windows(world, project, duty, month):
        for day in _chosen(world, project, duty, (first, last), times):
            look = _look(world, project, duty.role, duty.point, day)
            if look and world.happens(0.985 if look.inspector == CARELESS else keeps * _spirit(duty.role, day)):
                yield look


def _windows(world: World, project: Project, duty: Duty, month: int) -> list[tuple[int, int, int]]:
    """Return first and last day and looks of each window; a cycle's look falls into one of its months, rather early."""
    unit, times = duty.every.unit, duty.every.times
    if calendar.cycle_months(unit) == 1:
        working = world.definitions.policy.working(duty.role)
        return [(first, last, times) for first, last in calendar.window_ends(unit, month, working=working)]
    begin = calendar.cycle_start(unit, month)
    cycle = range(max(begin, world.start), min(begin + calendar.cycle_months(unit), world.stop))
    months = [m for m in cycle if project.open_on(calendar.first_day(m))]
    fates = [world.fate("cycle", duty.role, project.id, duty.point.code, begin, turn) for turn in range(times)]
    now = sum(bool(months) and months[int(len(months) * fate * fate * fate)] == month for fate in fates)
    first, last = calendar.window_ends(Unit.MONTH, month)[0]
    return [(first, last, now)] if now else []


def _chosen(world: World, project: Project, duty: Duty, window: tuple[int, int], times: int) -> list[date]:
    """Return so many days of a window, those first on which the role goes out."""
    days = [calendar.day_of(number) for number in range(window[0], window[1] + 1)]
    days = [day for day in days if _possible(world, project, duty, day)]
    preferred = [day for day in days if _goes_out(world, project, duty.role, day)]
    working = [day for day in days if day.weekday() < 5]
    pool = next((some for some in (preferred, working) if len(some) >= times), days)
    return sorted(world.rng.sample(pool, min(times, len(pool))))


def _possible(world: World, project: Project, duty: Duty, day: date) -> bool:
    code = duty.point.code
    if not (world.first <= day <= world.last and project.open_on(day) and world.point(code, day)):
        return False
    waivers = (w for w in world.definitions.portfolio.waivers if w.project == project.id and w.from_ <= day <= w.to)
    return not any(w.role in (None, duty.role) and (w.points is None or code in w.points) for w in waivers)


def _goes_out(world: World, project: Project, role: str, day: date) -> bool:
    """Say whether a role goes out on a day; those of several projects take the projects week by week in turn."""
    if day.weekday() not in ROUNDS.get(role, range(5)):
        return False
    week, position = day.toordinal() // 7, world.projects.index(project)
    return world.level(role) == PROJECT or week % len(world.projects) == position


def _keeps(world: World, role: str, project: Project, month: int) -> float:
    """Return the share of looks that a role gets done in a project in a month."""
    words = (role, project.id, month)
    tilt = 0.06 * (world.fate("tilt", project.id) - 0.5) + 0.12 * (world.fate("keeps", *words) - 0.5)
    slump = 0.2 if world.fate("slump", *words) < 0.06 else 0.0
    return min(KEEPS.get(role, 0.86) + tilt - slump - shortfall(world, project, month), 0.985)


def shortfall(world: World, project: Project, month: int) -> float:
    if project.opened is None or project.opened <= world.first:
        return 0.0
    age = max(month - calendar.month_number(project.opened), 0)
    return SETTLING[age] if age < len(SETTLING) else 0.0


def _spirit(role: str, day: date) -> float:
    """Return what is left of a role's looks on a weekend or holiday."""
    weekend = 0.9 if day.weekday() > 4 and role == "supervisor" else 1.0
    return weekend * next((left for first, last, left in SLACK if first <= day <= last), 1.0)


def _look(world: World, project: Project, role: str, point: Point, day: date) -> Look | None:
    """Return a look with who does it and as what, or None where nobody holds the post."""
    inspector = _on_duty(world, project, role, point, day)
    if inspector is None:
        return None
    night = role in ("supervisor", "team_lead") and point.specialty in NIGHT and inspector != CARELESS
    walk = NIGHT_WALK if night and world.happens(0.12) else DAY_WALK
    kind, theme = _occasion(world, role, point, day)
    walk = MYSTERY_WALK if kind == "mystery" else walk
    return Look(day, inspector, project.id, walk, role, point.code, kind, theme)


def _on_duty(world: World, project: Project, role: str, point: Point, day: date) -> str | None:
    """Return who looks: the holder of the post, or every other weekend the team lead for the supervisor."""
    holder = holder_of(world, project, role, point.specialty, day)
    weekend = role == "supervisor" and day.weekday() > 4 and holder != CARELESS
    if weekend and world.fate("off", holder, day.toordinal() // 7) < 0.5:
        return holder_of(world, project, "team_lead", None, day) or holder
    return holder


def holder_of(world: World, project: Project, role: str, specialty: str | None, day: date) -> str | None:
    level = world.level(role)
    for post in world.posts[role]:
        here = post.project == project.id if level == PROJECT else (post.realm or "") == _realm(project, level, day)
        mine = post.specialty is None or specialty is None or post.specialty == specialty
        if here and mine and held(post, day):
            return post.person
    return None


def held(post: Post, day: date) -> bool:
    return (post.from_ is None or post.from_ <= day) and (post.to is None or day <= post.to)


def _occasion(world: World, role: str, point: Point, day: date) -> tuple[str, str | None]:
    """Return kind and theme of a look: special in the months of a theme, now and then a mystery visit."""
    theme, specialties = demo_texts.SPECIALS.get(day.month, ("", ()))
    if role in ("department", "executive") and point.specialty in specialties and world.happens(0.6):
        return "special", theme
    if role == "department" and point.mystery_visit and world.happens(0.12):
        return "mystery", demo_texts.MYSTERY_THEME
    return "routine", None


def _beside(world: World, points: list[Point], month: int) -> Iterator[Look]:
    """Yield what no duty asks for: extra looks, a visit on the month's theme, and a mystery visit every other month."""
    theme, specialties = demo_texts.SPECIALS.get(month % 12 + 1, ("", ()))
    for index, project in enumerate(world.projects):
        here = [point for point in points if _in_scope(project, point, month)]
        for _ in range(world.rng.randint(8, 18) if here else 0):
            role = world.rng.choice(["supervisor", "team_lead", "team_lead", "project_lead"])
            yield from _extra(world, project, role, world.rng.choice(here), month)
        yield from _visit(world, project, [p for p in here if p.specialty in specialties], month, theme)
        if (month + index) % 2 == 0:
            yield from _visit(world, project, [p for p in here if p.mystery_visit], month, demo_texts.MYSTERY_THEME)


def _extra(world: World, project: Project, role: str, point: Point, month: int) -> Iterator[Look]:
    duty = Duty(role, point, Frequency(1, Unit.MONTH))
    for day in _chosen(world, project, duty, calendar.window_ends(Unit.MONTH, month)[0], 1):
        look = _look(world, project, role, point, day)
        if look is not None:
            yield look


def _visit(world: World, project: Project, points: list[Point], month: int, theme: str) -> Iterator[Look]:
    """Yield the department's looks at some of these points on one day, as a special or a mystery visit."""
    inspector = holder_of(world, project, "department", None, calendar.first_day(month))
    if not points or inspector is None:
        return
    duty = Duty("department", points[0], Frequency(1, Unit.MONTH))
    kind, walk = ("mystery", MYSTERY_WALK) if theme == demo_texts.MYSTERY_THEME else ("special", DAY_WALK)
    for day in _chosen(world, project, duty, calendar.window_ends(Unit.MONTH, month)[0], 1):
        for point in world.rng.sample(points, min(7, len(points))):
            yield Look(day, inspector, project.id, walk, duty.role, point.code, kind, theme)
