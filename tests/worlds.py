"""Random small workspaces with records, and questions worth asking of them."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

HORIZON = date(2026, 11, 1)  # nothing is recorded on this day or later; planned days may lie beyond
TYPES = ["residential", "commercial", "office"]
PHASES = ["handover", "occupied"]
REGIONS = ["华南", "华东", "west"]
# The last has the name of a level of roles, and is an attribute like any other.
VALUES = {"type": TYPES, "phase": PHASES, "region": REGIONS, "company": ["C1", "C2"]}
SPECIALTIES = ["客服", "秩序", "工程"]
CATEGORIES = ["客户档案", "巡逻", "设备房"]
METHODS = ["observe", "records", "interview", "phone", "measure", "operate", "video", "walk"]
SCORES = ["1", "2", "5", "10", "0.5", "1.25", "7.05", "3.3"]
DEDUCTS: list[int | float] = [0, 1, 3, 12, 0.35, 0.05, 1.25, 2.5]
UNIT_NAMES = {
    "day": ["日", "天"],
    "week": ["周"],
    "two-weeks": ["两周"],
    "month": ["月"],
    "quarter": ["季度"],
    "half-year": ["半年"],
    "year": ["年"],
}
UNIT_WEIGHTS = {"day": 5, "week": 4, "two-weeks": 3, "month": 4, "quarter": 9, "half-year": 6, "year": 4}
MOST_TIMES = {"day": 2, "week": 3, "two-weeks": 3, "month": 4, "quarter": 5, "half-year": 5, "year": 6}
BURST_DAYS = {
    "day": 24,
    "week": 45,
    "two-weeks": 60,
    "month": 60,
    "quarter": 110,
    "half-year": 150,
    "year": 150,
}
BURST_SIZE = {"day": 20, "week": 12, "two-weeks": 9, "month": 7, "quarter": 5, "half-year": 5, "year": 5}
PROJECT_ROLES = ["supervisor", "team_lead", "project_lead", "steward"]
REALM_ROLES = ["department", "executive", "regional"]
ROLES = PROJECT_ROLES + REALM_ROLES
DECLARED_ROLES = {
    "regional": {"title": "区域总经理", "level": "region"},
    "steward": {"title": "管家", "level": "project"},
}
PEOPLE = ["S01", "S02", "S03", "S04"]
OFFSETS = [0, 60, 330, 480, 480, 480, 480, 540, -300]  # minutes
SHARES = ["30%", "34%", "50%", "50%", "67%", "75%", "100%"]
FLOORS = ["0%", "5%", "20%", "50%", "75%", "90%", "100%"]
GROUPINGS = [
    "project",
    "role",
    "specialty",
    "category",
    "month",
    "inspector",
    "kind",
    "type",
    "phase",
    "region",
]
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

T = TypeVar("T")
Query = tuple[str, tuple[str, ...], str | None]


def world(seed: int) -> dict[str, Any]:
    """Return a valid workspace, its records in ledger order, and queries (period, by, as_of)."""
    rng = random.Random(seed)
    span = _span(rng)
    zone = rng.choice(["Asia/Shanghai"] * 9 + ["Europe/Berlin", "America/New_York"])
    taste = _taste(rng, turning=_chance(rng, 35))
    checklists = _checklists(rng, span, taste)
    workspace = {
        "timezone": zone,
        "checklists": checklists,
        "portfolio": _portfolio(rng, span, _all_codes(checklists), taste),
        "policy": _policy(rng),
    }
    records = _Recorder(rng, workspace, span).records()
    return {"workspace": workspace, "records": records, "queries": _queries(rng, span, workspace, records)}


@dataclass(frozen=True)
class _Span:
    """The months in which a world is busy, as whole numbers, both within."""

    first: int
    last: int

    @property
    def first_day(self) -> date:
        """Return the first day."""
        return _first_day(self.first)

    @property
    def last_day(self) -> date:
        """Return the last day."""
        return _first_day(self.last + 1) - timedelta(days=1)

    def day(self, rng: random.Random) -> date:
        """Return any day."""
        return self.first_day + timedelta(days=rng.randint(0, (self.last_day - self.first_day).days))

    def month(self, rng: random.Random) -> int:
        """Return any month."""
        return rng.randint(self.first, self.last)


def _first_day(month: int) -> date:
    """Return the 1st of a month."""
    return date(month // 12, month % 12 + 1, 1)


def _span(rng: random.Random) -> _Span:
    """Return four to eight months that end by October 2026."""
    months = rng.randint(4, 8)
    last = 2026 * 12 + rng.choice([9, 9, 9, 9, 8, 8, 7, 6, 5, 3])
    return _Span(last - months + 1, last)


def _chance(rng: random.Random, percent: int) -> bool:
    """Return true in so many cases of a hundred."""
    return rng.random() * 100 < percent


def _some(rng: random.Random, values: list[T], most: int | None = None) -> list[T]:
    """Return one value or more in their order."""
    size = rng.randint(1, min(len(values), most or len(values)))
    return [values[n] for n in sorted(rng.sample(range(len(values)), size))]


# Checklists


@dataclass(frozen=True)
class _Taste:
    """What the checklists of a world like: its roles and units, and whether they keep turning."""

    roles: list[str]
    units: dict[str, int]
    turning: bool  # editions every month of a cycle, long units, many times, few points

    def unit(self, rng: random.Random) -> str:
        """Return any unit."""
        return rng.choices(list(self.units), list(self.units.values()))[0]

    def times(self, rng: random.Random, unit: str) -> int:
        """Return how many times per unit."""
        most = MOST_TIMES[unit]
        return rng.randint(1, most) if self.turning else rng.choice([1, 1, rng.randint(1, most)])


def _taste(rng: random.Random, *, turning: bool) -> _Taste:
    """Return a taste for roles of both sorts, or of one."""
    roles = _some(rng, PROJECT_ROLES, 2) + _some(rng, REALM_ROLES, 2)
    if _chance(rng, 20):
        roles = _some(rng, REALM_ROLES) if _chance(rng, 50) else _some(rng, PROJECT_ROLES)
    if not turning:
        return _Taste(roles, UNIT_WEIGHTS, turning)
    roles = [rng.choice(PROJECT_ROLES), rng.choice(["department", "regional"])]
    return _Taste(roles, {"month": 1, "quarter": 6, "half-year": 4, "year": 2}, turning)


def _frequency_text(rng: random.Random, taste: _Taste, unit: str | None = None) -> str:
    """Return a frequency in one of its notations."""
    unit = unit or taste.unit(rng)
    k = taste.times(rng, unit)
    return f"{k}次/{rng.choice(UNIT_NAMES[unit])}" if _chance(rng, 40) else f"{k}/{unit}"


def _frequency(rng: random.Random, role: str, taste: _Taste) -> Any:
    """Return a frequency for a role, with a share where the role has a realm."""
    if _chance(rng, 3):
        return "不固定"
    text = _frequency_text(rng, taste)
    if role in PROJECT_ROLES or _chance(rng, 30):
        return text
    return {"every": text, "share": rng.choice(SHARES)}


def _frequencies(rng: random.Random, taste: _Taste) -> dict[str, Any]:
    """Return frequencies for one or two of the roles of a world."""
    return {role: _frequency(rng, role, taste) for role in _some(rng, taste.roles, 2)}


def _scope(rng: random.Random) -> dict[str, list[str]]:
    """Return a scope of one or two keys."""
    return {name: _some(rng, VALUES[name], 2) for name in _some(rng, ["type", "phase", "region"], 2)}


def _variant(rng: random.Random) -> dict[str, Any]:
    """Return a variant with methods, a sample, both or neither."""
    variant: dict[str, Any] = {"when": {"phase": [rng.choice(PHASES)]}, "how": "另抽。"}
    if _chance(rng, 30):
        variant["when"] = {name: _some(rng, VALUES[name], 2) for name in ("phase", "type")}
    if _chance(rng, 60):
        variant["methods"] = _some(rng, METHODS, 3)
    if _chance(rng, 60):
        variant["sample"] = {"minimum": str(rng.randint(1, 3))}
    return variant


def _ways(rng: random.Random, percent: int) -> dict[str, Any]:
    """Return some of scope, except, methods, sample and variants."""
    keys: dict[str, Any] = {}
    if _chance(rng, percent // 2):
        keys["scope"] = _scope(rng)
    if _chance(rng, percent // 3):
        keys["except"] = _scope(rng)
    if _chance(rng, percent):
        keys["methods"] = _some(rng, METHODS, 4)
    if _chance(rng, percent):
        keys["sample"] = {"of": "档案", "minimum": str(rng.randint(1, 3))}
    if _chance(rng, percent // 2):
        keys["variants"] = [_variant(rng) for _ in range(rng.randint(1, 3))]
    return keys


def _point(rng: random.Random, code: str, taste: _Taste) -> dict[str, Any]:
    """Return a point that may set some keys of its group anew."""
    point = {"code": code, "text": f"要求 {code}", **_ways(rng, 20)}
    if _chance(rng, 85):
        point["score"] = rng.choice(SCORES)
    if _chance(rng, 30):
        point["frequency"] = _frequencies(rng, taste)
    if _chance(rng, 20):
        point["mystery_visit"] = "true"
    if _chance(rng, 15):
        scope = {"scope": {"type": ["commercial"]}}
        point["elements"] = [{"no": "1", "text": "登记表"}, {"no": "7", "text": "执照", **scope}]
    return point


def _group(rng: random.Random, name: str, codes: list[str], taste: _Taste) -> dict[str, Any]:
    """Return a group of points."""
    return {
        "name": name,
        "specialty": rng.choice(SPECIALTIES),
        "category": rng.choice(CATEGORIES),
        **_ways(rng, 40),
        "frequency": _frequencies(rng, taste),
        "points": [_point(rng, code, taste) for code in codes],
    }


def _checklists(rng: random.Random, span: _Span, taste: _Taste) -> list[dict[str, Any]]:
    """Return the editions of one to three catalogues, in any order."""
    editions = []
    for n in range(1 if taste.turning else rng.choice([1, 1, 1, 2, 2, 3])):
        editions.extend(_catalogue(rng, span, f"catalogue-{n}", "ABC"[n], taste))
    rng.shuffle(editions)
    return editions


def _catalogue(rng: random.Random, span: _Span, name: str, prefix: str, taste: _Taste) -> list[dict[str, Any]]:
    """Return the editions of one catalogue, each a change of one before it."""
    groups = []
    for n in range(1 if taste.turning else rng.choice([1, 1, 2])):
        codes = [f"{prefix}{n}-{i:03d}" for i in range(1, rng.randint(1, 3) + 1)]
        groups.append(_group(rng, f"{prefix} 组 {n}", codes, taste))
    held = [groups]
    starts = _starts(rng, span, taste)
    for _ in starts[1:]:
        if len(held) > 1 and _chance(rng, 50):
            held.append(copy.deepcopy(held[-2]))  # up and down again
        else:
            held.append(_changed(rng, held[-1], prefix, taste))
    return [_edition(name, n, day, groups) for n, (day, groups) in enumerate(zip(starts, held, strict=True))]


def _starts(rng: random.Random, span: _Span, taste: _Taste) -> list[date]:
    """Return the 1sts on which editions start, the first mostly before the world is busy."""
    first = span.first - rng.choice([0, 1, 3, 8, 12]) if _chance(rng, 90) else span.first + 1
    later = {span.month(rng) for _ in range(rng.choice([0, 1, 1, 2]))}
    if taste.turning:
        later |= {span.last - n for n in range(4) if _chance(rng, 75)}
    if _chance(rng, 15):
        later |= {span.last + rng.randint(1, 2)}
    return [_first_day(month) for month in sorted({first} | {m for m in later if m > first})]


def _edition(name: str, n: int, starts: date, groups: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an edition whose flags suit its frequencies."""
    for group in groups:
        for point in group["points"]:
            asked = point.get("frequency", group["frequency"])
            if "executive" in asked and asked["executive"] != "不固定":
                point["executive_check"] = "true"
            else:
                point.pop("executive_check", None)
    return {
        "catalogue": name,
        "edition": f"{starts.year}.{n + 1}",
        "title": f"标准 {name}",
        "effective_from": starts.isoformat(),
        "roles": copy.deepcopy(DECLARED_ROLES),
        "methods": {"walk": "随行"},
        "groups": groups,
    }


def _changed(rng: random.Random, groups: list[dict[str, Any]], prefix: str, taste: _Taste) -> list[dict[str, Any]]:
    """Return the groups of a next edition: frequencies, scores, scopes, ways and points differ."""
    groups = copy.deepcopy(groups)
    for group in groups:
        _change_group(rng, group, taste)
        for point in group["points"]:
            _change_point(rng, point, taste)
        if _chance(rng, 35):
            _come_or_go(rng, group, taste)
    if _chance(rng, 10):
        fresh = f"{prefix}9-{rng.randint(100, 999)}"
        groups.append(_group(rng, f"{prefix} 新组 {fresh}", [fresh], taste))
    return groups


def _change_group(rng: random.Random, group: dict[str, Any], taste: _Taste) -> None:
    """Change some keys of a group."""
    if _chance(rng, 70):
        group["frequency"] = _shifted(rng, group["frequency"], taste)
    if _chance(rng, 35 if taste.turning else 20):
        group["specialty"] = rng.choice(SPECIALTIES)
    if _chance(rng, 15):
        group["category"] = rng.choice(CATEGORIES)
    if _chance(rng, 25):
        for key in ("scope", "except", "methods", "sample", "variants"):
            group.pop(key, None)
        group.update(_ways(rng, 40))


def _change_point(rng: random.Random, point: dict[str, Any], taste: _Taste) -> None:
    """Change some keys of a point."""
    if _chance(rng, 30):
        point["score"] = rng.choice(SCORES)
    if "frequency" in point:
        if _chance(rng, 60):
            point["frequency"] = _shifted(rng, point["frequency"], taste)
        elif _chance(rng, 30):
            del point["frequency"]
    if _chance(rng, 15):
        point.update(_ways(rng, 30))


def _shifted(rng: random.Random, frequency: Mapping[str, Any], taste: _Taste) -> dict[str, Any]:
    """Return frequencies with another k or share, at times with another unit or for other roles."""
    if _chance(rng, 15):
        return _frequencies(rng, taste)
    return {role: _shifted_one(rng, role, asked, taste) for role, asked in frequency.items()}


def _shifted_one(rng: random.Random, role: str, asked: Any, taste: _Taste) -> Any:
    """Return a frequency that keeps its unit more often than not."""
    every = asked if isinstance(asked, str) else asked["every"]
    if every == "不固定" or _chance(rng, 35 if taste.turning else 20):
        return _frequency(rng, role, taste)
    shifted = _frequency_text(rng, taste, _unit(every))
    if isinstance(asked, str) and (role in PROJECT_ROLES or _chance(rng, 60)):
        return shifted
    return {"every": shifted, "share": rng.choice(SHARES)}


def _unit(every: str) -> str:
    """Return the unit of a frequency in either notation."""
    name = every.split("/")[1]
    return next(unit for unit, names in UNIT_NAMES.items() if name == unit or name in names)


def _come_or_go(rng: random.Random, group: dict[str, Any], taste: _Taste) -> None:
    """Take a point out of a group, or put a new one in."""
    points = group["points"]
    if len(points) > 1 and _chance(rng, 60):
        points.pop(rng.randrange(len(points)))
        return
    stem = points[0]["code"].rsplit("-", 1)[0]
    points.append(_point(rng, f"{stem}-{rng.randint(100, 999)}", taste))
    if len({point["code"] for point in points}) < len(points):
        points.pop()


def _all_codes(checklists: list[dict[str, Any]]) -> list[str]:
    """Return every code of every edition, sorted."""
    points = (p for edition in checklists for group in edition["groups"] for p in group["points"])
    return sorted({point["code"] for point in points})


# Portfolio


def _portfolio(rng: random.Random, span: _Span, codes: list[str], taste: _Taste) -> dict[str, Any]:
    """Return one to six projects, people, parties and waivers."""
    count = rng.randint(3, 6) if taste.turning else rng.choice([1, 2, 2, 2, 3, 3, 4, 5])
    projects = [_project(rng, span, f"P{n:02d}") for n in range(1, count + 1)]
    projects[0].pop("closed", None)
    projects[0]["opened"] = "2024-03-01"
    portfolio = {
        "projects": projects,
        "people": [{"id": person, "name": f"员工 {person}"} for person in PEOPLE],
        "parties": [{"id": "BJ", "name": "保洁外包", "kind": "contractor"}],
    }
    waivers = _waivers(rng, span, [project["id"] for project in projects], codes)
    return {**portfolio, "waivers": waivers} if waivers else portfolio


def _attributes(rng: random.Random, percent: int) -> dict[str, str]:
    """Return attributes, each in so many cases of a hundred."""
    return {name: rng.choice(values[:2]) for name, values in VALUES.items() if _chance(rng, percent)}


def _project(rng: random.Random, span: _Span, name: str) -> dict[str, Any]:
    """Return a project that may open, change and close while the world is busy."""
    project: dict[str, Any] = {"id": name, "name": f"项目 {name}"}
    if _chance(rng, 60):
        opened = date(2024, 3, 1)
        if _chance(rng, 40):
            opened = rng.choice([span.day(rng), _first_day(span.month(rng))])
        project["opened"] = opened.isoformat()
    if _chance(rng, 18):
        closed = rng.choice([span.day(rng), _first_day(span.month(rng))])
        if closed.isoformat() > project.get("opened", "") and closed > span.first_day:
            project["closed"] = closed.isoformat()
    if _chance(rng, 95):
        project["attributes"] = _attributes(rng, 85) or {"type": "residential"}
    changes = {rng.choice([span.day(rng), _first_day(span.month(rng))]) for _ in range(rng.choice([0, 1, 1, 2, 3]))}
    if changes:
        project["changes"] = [
            {"from": day.isoformat(), "attributes": _attributes(rng, 50) or {"region": "华东"}}
            for day in sorted(changes)
        ]
    return project


def _waivers(rng: random.Random, span: _Span, projects: list[str], codes: list[str]) -> list[dict[str, Any]]:
    """Return a few waivers, some of which unite to a month or to a week."""
    waivers = []
    for _ in range(rng.choice([0, 0, 1, 2, 3])):
        of = {"project": rng.choice(projects)}
        points = {"points": _some(rng, codes, 3)} if _chance(rng, 60) else {}
        role = {"role": rng.choice(ROLES)} if _chance(rng, 35) else {}
        for first, last in _spells(rng, span):
            about = {
                "from": first.isoformat(),
                "to": last.isoformat(),
                "reason": "停用",
                "approved_by": "S01",
            }
            waivers.append({**of, **points, **role, **about})
            if _chance(rng, 30):
                role = {}
    return waivers


def _spells(rng: random.Random, span: _Span) -> list[tuple[date, date]]:
    """Return one spell or two that touch: a month, months, weeks or some days."""
    first = _first_day(span.month(rng))
    month_end = _first_day(first.year * 12 + first.month) - timedelta(days=1)
    shape = rng.choice(["month", "two halves", "all but a day", "weeks", "two in a fortnight", "days", "long"])
    if shape == "month":
        return [(first, month_end)]
    if shape == "two halves":
        middle = first + timedelta(days=rng.randint(3, 25))
        return [(middle - timedelta(days=rng.randint(0, 3)), month_end), (first, middle)]
    if shape == "all but a day":
        return [(first, month_end - timedelta(days=1))]
    day = span.day(rng)
    monday = day - timedelta(days=day.weekday())
    if shape == "weeks":
        return [(monday, monday + timedelta(days=7 * rng.randint(1, 3) - 1 - rng.choice([0, 0, 0, 1])))]
    if shape == "two in a fortnight":
        return [
            (monday, monday + timedelta(days=5)),
            (monday + timedelta(days=6), monday + timedelta(days=13)),
        ]
    return [(day, day + timedelta(days=rng.randint(0, 10) if shape == "days" else rng.randint(25, 70)))]


# Policy


def _policy(rng: random.Random) -> dict[str, Any]:
    """Return a policy in which every setting may be given or left out."""
    policy: dict[str, Any] = {}
    if _chance(rng, 50):
        policy["floors"] = {name: rng.choice(FLOORS) for name in _some(rng, _FLOORED)}
    if _chance(rng, 40):
        policy["overfulfilment"] = rng.choice(["credited", "raw", "raw"])
    if _chance(rng, 55):
        days = {role: rng.choice(["working", "working", "calendar"]) for role in _some(rng, ROLES)}
        policy["days"] = rng.choice(["calendar", "working", "working", days, days])
    if _chance(rng, 35):
        policy["counts_for_duty"] = _some(rng, ["routine", "special", "mystery"], 2)
    if _chance(rng, 60):
        policy["closure"] = _closure(rng)
    if _chance(rng, 20):
        policy["verification_by"] = rng.choice(["not_responsible", "not_inspector"])
    if _chance(rng, 35):
        policy["traceability"] = _traceability(rng)
    if _chance(rng, 60):
        policy["mix_minimum"] = rng.choice(["1", "2", "5", "10", "20", "60"])
    if _chance(rng, 40):
        policy["score_floor"] = rng.choice(["zero", "none", "none"])
    return policy


_FLOORED = [
    "coverage",
    "frequency_completion",
    "closure",
    "traceability",
    "method_conformity",
    "suggestion_ratio",
    "rectification_ratio",
    "deduction_ratio",
]


def _closure(rng: random.Random) -> dict[str, Any]:
    """Return the settings of closure, one or both."""
    kinds = {"kinds": _some(rng, ["suggestion", "rectification", "deduction"])}
    population = {"population": rng.choice(["raised", "due", "due"])}
    return rng.choice([kinds, population, {**kinds, **population}])


def _traceability(rng: random.Random) -> dict[str, Any]:
    """Return the demanded fields, of checks, of findings or of both."""
    fields = ["inspector", "checked_at", "place", "method", "sample_or_evidence", "sample", "evidence"]
    check = {"check": _some(rng, fields, 4)}
    finding = {"finding": _some(rng, ["fault", "advice", "handling", "verify_on", "responsible", "due"], 4)}
    return rng.choice([check, finding, {**check, **finding}])


# Records


@dataclass
class _Recorder:
    """What people write down while the world is busy."""

    rng: random.Random
    workspace: Mapping[str, Any]
    span: _Span
    checks: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Choose how careful these people are."""
        self.zone = ZoneInfo(self.workspace["timezone"])
        self.care = self.rng.choice([60, 90, 97, 100])
        self.faulty = self.rng.choice([10, 25, 45])
        self.focus = _Span(max(self.span.first, self.span.last - self.rng.choice([2, 3, 12])), self.span.last)
        self.favourites: list[tuple[str, str]] = []
        self.not_inspector = self.workspace["policy"].get("verification_by") == "not_inspector"

    def records(self) -> list[dict[str, Any]]:
        """Return checks and verifications in ledger order, each verification after its check."""
        wanted = self.rng.randint(60, 180)
        for _ in range(400):
            if len(self.checks) >= wanted:
                break
            if _chance(self.rng, 92):
                self._burst()
            else:
                self._stray()
        if _chance(self.rng, 70):
            self.rng.shuffle(self.checks)
        return self._with_verifications()

    def _with_verifications(self) -> list[dict[str, Any]]:
        """Return the records with each verification somewhere behind its check."""
        placed: list[tuple[float, dict[str, Any]]] = [(n, check) for n, check in enumerate(self.checks)]
        for n, check in enumerate(self.checks):
            told = list(self._verifications(check))
            late = [n + 0.5 + self.rng.random() * self.rng.choice([1, 10, 100]) for _ in told]
            placed.extend(zip(late, told, strict=True))
        return [record for _, record in sorted(placed, key=lambda place: place[0])]

    # Which duties

    def _points(self, day: date) -> list[dict[str, Any]]:
        """Return the points of the editions in force on a day, with their groups' keys."""
        latest: dict[str, dict[str, Any]] = {}
        for edition in sorted(self.workspace["checklists"], key=lambda e: str(e["effective_from"])):
            if edition["effective_from"] <= day.isoformat():
                latest[edition["catalogue"]] = edition
        groups = [group for edition in latest.values() for group in edition["groups"]]
        return [{**group, **point} for group in groups for point in group["points"]]

    def _open(self, project: Mapping[str, str], day: date) -> bool:
        """Tell whether a project is open on a day."""
        return project.get("opened", "") <= day.isoformat() < project.get("closed", "9999")

    def _burst(self) -> None:
        """Fulfil one duty for a while, at one project or, of a realm, at several."""
        start = self._start()
        asked = [(p["code"], role, f) for p in self._points(start) for role, f in p["frequency"].items()]
        if not asked:
            return
        if not self.favourites:
            self.favourites = [(code, role) for code, role, _ in _some(self.rng, asked, 2)]
        liked = [one for one in asked if one[:2] in self.favourites]
        code, role, frequency = self.rng.choice(liked if liked and _chance(self.rng, 55) else asked)
        every = frequency if isinstance(frequency, str) else frequency["every"]
        unit = "month" if every == "不固定" else _unit(every)
        projects = self.workspace["portfolio"]["projects"]
        visited = [self.rng.choice(projects)] if role in PROJECT_ROLES else _some(self.rng, projects)
        for project in visited:
            for day in self._burst_days(start, unit):
                self._check(project, code, role, day)

    def _start(self) -> date:
        """Return a day on which a burst starts, rather often just before or at the 1st of a month."""
        if _chance(self.rng, 30):
            near = _first_day(self.focus.month(self.rng)) + timedelta(days=self.rng.randint(-6, 1))
            return max(near, self.span.first_day)
        return self.focus.day(self.rng)

    def _burst_days(self, start: date, unit: str) -> Iterator[date]:
        """Yield the days of a burst, some of them more than once."""
        size = self.rng.randint(1, BURST_SIZE[unit])
        if unit == "day":
            size = self.rng.randint(6, BURST_SIZE[unit])
        reach = self.rng.choice([BURST_DAYS[unit], BURST_DAYS[unit] // 3])
        if unit == "day" and _chance(self.rng, 30):
            yield from self._weekends(start)
            return
        for n in range(size):
            away = n if unit == "day" and _chance(self.rng, 90) else self.rng.randint(0, reach)
            yield start + timedelta(days=away)
            if _chance(self.rng, 8):
                yield start + timedelta(days=away)

    def _weekends(self, start: date) -> Iterator[date]:
        """Yield Saturdays and Sundays, which are no working days."""
        saturday = start + timedelta(days=5 - start.weekday())
        for n in range(self.rng.randint(1, 5)):
            yield saturday + timedelta(days=7 * n + self.rng.randint(0, 1))

    def _stray(self) -> None:
        """Check any point in any role: mostly an extra check."""
        day = self.span.day(self.rng)
        points = self._points(day)
        if points:
            project = self.rng.choice(self.workspace["portfolio"]["projects"])
            self._check(project, self.rng.choice(points)["code"], self.rng.choice(ROLES), day)

    # Checks

    def _check(self, project: Mapping[str, str], code: str, role: str, day: date) -> None:
        """Write down one check, where project and point are there on that day."""
        points = {point["code"]: point for point in self._points(day)}
        if code not in points or day > self.span.last_day or not self._open(project, day):
            return
        check: dict[str, Any] = {
            "id": f"c-{len(self.checks) + 1:04d}",
            "project": project["id"],
            "point": code,
        }
        check |= {"role": role, "checked_at": self._written(self._moment(day))}
        self._describe(check, points[code])
        if _chance(self.rng, 7):
            check |= {"result": "na", "reason": "现场无此项"}
        elif _chance(self.rng, self.faulty):
            self._find(check, day)
        self.checks.append(check)

    def _moment(self, day: date) -> datetime:
        """Return a moment of a local day, often near midnight."""
        hour = self.rng.choice([0, 0, 6, 9, 10, 14, 17, 23, 23])
        return datetime.combine(day, time(hour, self.rng.randint(0, 59), self.rng.randint(0, 59)), self.zone)

    def _written(self, at: datetime) -> str:
        """Return a moment in the offset of a clock somewhere."""
        offset = self.rng.choice(OFFSETS)
        text = at.astimezone(timezone(timedelta(minutes=offset))).isoformat()
        return text.replace("+00:00", "Z") if _chance(self.rng, 50) else text

    def _describe(self, check: dict[str, Any], point: Mapping[str, Any]) -> None:
        """Add the fields that a careful person fills in."""
        rng = self.rng
        kind = rng.choice(["routine", "routine", "routine", "special", "mystery"])
        if kind != "routine" or _chance(rng, 50):
            check["kind"] = kind
        if _chance(rng, self.care):
            check["inspector"] = rng.choice(PEOPLE[:3])
        if _chance(rng, self.care):
            check["place"] = rng.choice(["3栋", "大堂", "泵房"])
        if _chance(rng, self.care):
            check["method"] = rng.choice(point.get("methods", METHODS) if _chance(rng, 75) else METHODS)
        if _chance(rng, self.care - 15):
            check["sample"] = [f"3-{n}" for n in rng.sample(range(1201, 1230), rng.randint(1, 4))]
        if _chance(rng, 40):
            check["population"] = rng.choice([1, 1, 2, 3, 240])
        if _chance(rng, self.care - 30):
            check["evidence"] = [{"name": "a.jpg", "sha256": SHA256}]
        self._adorn(check, point)

    def _adorn(self, check: dict[str, Any], point: Mapping[str, Any]) -> None:
        """Add optional fields that no indicator reads."""
        if _chance(self.rng, 10):
            check |= {"visit": f"v-{self.rng.randint(1, 9)}", "companions": ["S04"], "weather": "晴"}
        if _chance(self.rng, 5):
            check |= {"position": "东门", "strengths": "台账清楚", "theme": "汛期"}
        if "elements" in point and _chance(self.rng, 50):
            check["elements"] = {"1": "pass", "7": "na"}

    # Findings

    def _find(self, check: dict[str, Any], day: date) -> None:
        """Add one to three findings."""
        numbered = _chance(self.rng, 70)
        findings = [self._finding(day) for _ in range(self.rng.choice([1, 1, 1, 2, 3]))]
        if numbered:
            skipped = self.rng.choice([0, 0, 0, 2])
            findings = [{"no": n + skipped, **finding} for n, finding in enumerate(findings, start=1)]
        check["findings"] = findings

    def _finding(self, day: date) -> dict[str, Any]:
        """Return a finding whose planned day may lie in a later month, beyond now or nowhere."""
        rng = self.rng
        finding: dict[str, Any] = {"kind": rng.choice(["suggestion", "rectification", "deduction", "deduction"])}
        for name, text in (("fault", "登记表缺联系人"), ("advice", "补登"), ("handling", "当月补齐")):
            if _chance(rng, self.care):
                finding[name] = text
        if _chance(rng, 70):
            finding["responsible"] = rng.choice([*PEOPLE, "BJ", "物业前台"])
        if _chance(rng, 60):
            finding["deduct"] = rng.choice(DEDUCTS)
        if _chance(rng, 40):
            finding["due"] = (day + timedelta(days=rng.randint(0, 20))).isoformat()
        if _chance(rng, max(70, self.care - 10)):
            finding["verify_on"] = (day + timedelta(days=rng.choice([0, 1, 3, 7, 14, 30, 60]))).isoformat()
        if _chance(rng, 10):
            finding |= {"class": "人员", "place": "前台", "fine": 50}
        return finding

    # Verifications

    def _verifications(self, check: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the second verifications of a check's findings, of one instant at times two."""
        for n, finding in enumerate(check.get("findings", []), start=1):
            at = datetime.fromisoformat(check["checked_at"]).astimezone(UTC)
            for _ in range(self.rng.choice([0, 1, 1, 1, 2, 3])):
                at = self._next_round(at, finding)
                if at.astimezone(self.zone).date() >= HORIZON or at.date() >= HORIZON:
                    break
                verifiers = self._verifiers(check, finding)
                for verifier in verifiers[: 2 if _chance(self.rng, 25) else 1]:
                    yield self._verification(f"{check['id']}/{finding.get('no', n)}", verifier, at)

    def _next_round(self, at: datetime, finding: Mapping[str, Any]) -> datetime:
        """Return a later moment, often on the planned day or near its midnight."""
        later = at + timedelta(minutes=self.rng.choice([1, 60, 1440, 4321, 10000, 40000]))
        if "verify_on" not in finding or _chance(self.rng, 50):
            return later
        planned = self._moment(date.fromisoformat(finding["verify_on"])).astimezone(UTC)
        planned += timedelta(days=self.rng.choice([0, 0, 1]))
        return planned if planned > at else later

    def _verifiers(self, check: Mapping[str, Any], finding: Mapping[str, Any]) -> list[str]:
        """Return those who may verify, in any order: not the responsible, nor the inspector if so ruled."""
        barred = {finding.get("responsible")}
        if self.not_inspector:
            barred.add(check.get("inspector"))
        allowed = [person for person in PEOPLE if person not in barred]
        return self.rng.sample(allowed, len(allowed))

    def _verification(self, finding: str, verifier: str, at: datetime) -> dict[str, Any]:
        """Return one verification."""
        told: dict[str, Any] = {"finding": finding, "verifier": verifier, "verified_at": self._written(at)}
        told["outcome"] = self.rng.choice(["closed", "closed", "closed", "open"])
        if told["outcome"] == "open" and _chance(self.rng, 50):
            told["verify_on"] = (at.date() + timedelta(days=self.rng.randint(1, 40))).isoformat()
        if _chance(self.rng, 30):
            told["note"] = "已补"
        return told


# Queries


def _queries(
    rng: random.Random, span: _Span, workspace: Mapping[str, Any], records: list[dict[str, Any]]
) -> list[Query]:
    """Return questions about the busy months, their quarters, halves and years."""
    names = _groupings(workspace["portfolio"]["projects"])
    months = [span.last, span.last - 1, span.month(rng)]
    queries: list[Query] = [(_period(month, 1), (), None) for month in dict.fromkeys(months)]
    for length in (3, 6, 12):
        queries.append((_period(span.month(rng), length), (), None))
        queries.append((_period(span.month(rng), length), _by(rng, names), _as_of(rng, span, records)))
    for _ in range(4):
        period = _period(span.month(rng), rng.choice([1, 1, 3, 6, 12]))
        queries.append((period, _by(rng, names), _as_of(rng, span, records)))
    queries.append((_period(span.last, 12), ("month",), None))
    return queries


def _period(month: int, length: int) -> str:
    """Return the period of so many months in which a month lies."""
    year, n = divmod(month, 12)
    names = {1: f"-{n + 1:02d}", 3: f"-Q{n // 3 + 1}", 6: f"-H{n // 6 + 1}", 12: ""}
    return f"{year}{names[length]}"


def _groupings(projects: list[dict[str, Any]]) -> list[str]:
    """Return the keys by which one may group: of the attributes those that some project has."""
    told = [project.get("attributes", {}) for project in projects]
    told += [change["attributes"] for project in projects for change in project.get("changes", [])]
    return [name for name in GROUPINGS if name not in VALUES or any(name in held for held in told)]


def _by(rng: random.Random, names: list[str]) -> tuple[str, ...]:
    """Return up to three keys in any order, more often such as duties have."""
    if _chance(rng, 70):
        names = [name for name in names if name not in ("category", "inspector", "kind")]
    return tuple(rng.sample(names, rng.choice([1, 1, 2, 2, 3])))


def _as_of(rng: random.Random, span: _Span, records: list[dict[str, Any]]) -> str | None:
    """Return nothing, a day, or a moment at or a minute beside a verification's."""
    shape = rng.choice(["none", "day", "day", "moment", "verified"])
    verified = [record["verified_at"] for record in records if "finding" in record]
    if shape == "none":
        return None
    if shape == "day":
        return (span.day(rng) + timedelta(days=rng.choice([0, 10, 40]))).isoformat()
    if shape == "verified" and verified:
        at = datetime.fromisoformat(rng.choice(verified)) + timedelta(minutes=rng.choice([0, 0, -1]))
        return at.astimezone(timezone(timedelta(hours=rng.choice([0, 8, 9])))).isoformat()
    at = datetime.combine(span.day(rng), time(rng.choice([0, 12, 23]), 30), UTC)
    return at.astimezone(timezone(timedelta(hours=rng.choice([0, 8, -5])))).isoformat()
