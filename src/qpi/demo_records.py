"""Demo records: what the looks of the demo's plan saw, as checks with findings and second verifications."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any

from qpi import calendar, demo_texts, schema
from qpi.checklist import Element, Measure, Point, Sample
from qpi.demo_plan import CARELESS, MYSTERY_WALK, NIGHT_WALK, Look, World, held, holder_of, planned, shortfall
from qpi.demo_texts import Fault
from qpi.portfolio import Project

RATES = {"suggestion": 0.078, "rectification": 0.068, "deduction": 0.061}
"""How often a look ends in a finding of each kind."""

EYES = {
    "supervisor": 0.93, "team_lead": 1.05, "project_lead": 1.1, "department": 1.35, "executive": 1.15, "regional": 1.2,
}  # fmt: skip
"""How sharply each role looks."""


# Walks


def checks(world: World) -> Iterator[dict[str, Any]]:
    """Yield the checks of all walks, without ids."""
    looks = {look[:6]: look for look in planned(world)}
    busy: dict[tuple[str, date], datetime] = {}
    for _, group in groupby((looks[key] for key in sorted(looks)), key=lambda look: look[:4]):
        yield from _walk(world, list(group), busy)


def _walk(world: World, looks: list[Look], busy: dict[tuple[str, date], datetime]) -> Iterator[dict[str, Any]]:
    """Yield the checks of one walk; nobody is in two projects at a time."""
    first = looks[0]
    ordered = sorted(looks, key=lambda look: (_route(world, look), look.role))
    careless = first.inspector == CARELESS
    after = busy.get((first.inspector, first.day))
    moments = _at_once(world, ordered) if careless else _one_by_one(world, ordered, after)
    busy[first.inspector, first.day] = moments[-1][1]
    shared = {} if careless else _company(world, ordered)
    visit = f"v-{first.day:%Y%m%d}-{first.project}-{first.inspector}" + (f"-{first.walk}" if first.walk else "")
    formal = first.role in ("department", "executive", "regional") or world.happens(0.15)
    for look, (begun, ended) in zip(ordered, moments, strict=True):
        check = _check(world, look, ended) | shared | {"visit": visit}
        yield check | _span(begun, ended) if formal and not careless else check


def _route(world: World, look: Look) -> tuple[str, str, str]:
    point = world.point(look.code, look.day)
    return (point.specialty or "", point.category or "", look.code) if point else ("", "", look.code)


def _span(begun: datetime, ended: datetime) -> dict[str, Any]:
    return {"started": begun.isoformat(), "ended": ended.isoformat()}


def _at(world: World, day: date, minutes: float) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=world.definitions.zone)
    return midnight + timedelta(seconds=int(minutes * 60))


def _at_once(world: World, looks: list[Look]) -> list[tuple[datetime, datetime]]:
    """Return round moments within a few minutes at the end of the day."""
    minute = world.rng.choice((990, 1020, 1020, 1020, 1050))
    moments = [_at(world, looks[0].day, minute + 5 * (i * 2 // max(len(looks), 5))) for i in range(len(looks))]
    return [(moment, moment) for moment in moments]


def _one_by_one(world: World, looks: list[Look], after: datetime | None) -> list[tuple[datetime, datetime]]:
    """Return when each look of a walk began and ended, in working hours with a break at noon, or at night."""
    day, rng = looks[0].day, world.rng
    minute = _setting_out(world, looks)
    if after is not None:
        minute = max(minute, after.hour * 60 + after.minute + 30)
    pace = min(9.0, 420 / len(looks))
    moments = []
    for _ in looks:
        begun = minute + rng.uniform(0.3, 0.8) * pace
        begun = begun + 90 if 720 <= begun < 810 else begun
        minute = begun + rng.uniform(0.3, 0.9) * pace
        moments.append((_at(world, day, begun), _at(world, day, minute)))
    return moments


def _setting_out(world: World, looks: list[Look]) -> float:
    """Return the minute of the day at which a walk begins."""
    if looks[0].walk == NIGHT_WALK:
        return world.rng.uniform(1205, 1320)
    afternoon = len(looks) < 16 and world.happens(0.4)
    return world.rng.uniform(820, 890) if afternoon else world.rng.uniform(505, 590)


def _company(world: World, looks: list[Look]) -> dict[str, Any]:
    """Return what the checks of a walk share: who came along, and the weather."""
    first = looks[0]
    shared: dict[str, Any] = {}
    project = world.definitions.portfolio.project[first.project]
    if first.role not in ("supervisor", "team_lead") and first.walk != MYSTERY_WALK:
        leads = [holder_of(world, project, role, None, first.day) for role in ("project_lead", "team_lead")]
        shared["companions"] = [one for one in leads if one and one != first.inspector]
    if world.happens(0.35):
        choice = demo_texts.WEATHER[(first.day.month - 1) // 3]
        shared["weather"] = choice[int(world.fate("weather", first.day) * len(choice))]
    return {name: value for name, value in shared.items() if value}


def numbered(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return checks in order of time with ids that count within month and project."""
    counts: dict[str, int] = {}
    numbered = []
    for check in sorted(checks, key=lambda c: (c["checked_at"], c["project"], c["point"], c["role"], c["inspector"])):
        prefix = f"c-{check['checked_at'][:7].replace('-', '')}-{check['project']}"
        counts[prefix] = counts.get(prefix, 0) + 1
        filled = {name: value for name, value in check.items() if value is not None}
        numbered.append({"id": f"{prefix}-{counts[prefix]:05d}", **filled})
    return numbered


# Looking


class _Drawn(dict[str, str]):
    """Fills a text's names as they are asked for: rooms, buildings, floors and numbers of a project."""

    def __init__(self, scene: "_Scene") -> None:
        super().__init__()
        self._scene = scene

    def __missing__(self, name: str) -> str:
        scene = self._scene
        rng, homes = scene.world.rng, scene.attributes.get("type") == "residential"
        tower = str(rng.randint(1, 8)) if homes else rng.choice("ABC")
        floor = rng.randint(2, 18 if homes else 6)
        match name:
            case "tower":
                return scene.tower
            case "block":
                return f"{tower}栋" if homes else f"{tower}座"
            case "room":
                return f"{tower}-{floor}{rng.randint(1, 6 if homes else 24):02d}"
            case "floor":
                return str(floor)
            case "month":
                return f"{scene.look.day:%y%m}"
            case "day":
                return str((scene.look.day - timedelta(days=rng.randint(1, 7))).day)
            case "serial":
                return f"{rng.randint(1, 60):02d}"
            case "firm":
                return rng.choice([party.name for party in scene.world.definitions.portfolio.parties] or ["供方"])
            case _:
                return rng.choice(_CHOICES[name])


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "n": tuple("12345678"), "level": ("1", "2"), "zone": tuple("ABCD"), "side": ("东侧", "西侧"), "sex": ("男", "女"),
    "shift": ("早班", "中班", "夜班"), "water": ("出水口", "回水口"),
}  # fmt: skip


@dataclass(frozen=True)
class _Scene:
    """A look with all that bears on it."""

    world: World
    look: Look
    point: Point
    project: Project
    attributes: Mapping[str, str]
    at: datetime

    @property
    def careless(self) -> bool:
        """Whether the careless inspector looks."""
        return self.look.inspector == CARELESS

    def draw(self, text: str) -> str:
        """Return a text with its names filled by chance."""
        return text.format_map(_Drawn(self))

    @cached_property
    def sample(self) -> Sample | None:
        """What is sampled here."""
        variant = self.point.variant(self.attributes)
        return variant.sample if variant and variant.sample is not None else self.point.sample

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """The elements that are in scope here."""
        return tuple(one for one in self.point.elements if _applies(one, self.attributes))

    @cached_property
    def tower(self) -> str:
        """The building in which somebody stands."""
        return self.draw("{block}")


def _applies(element: Element, attributes: Mapping[str, str]) -> bool:
    outside = element.except_ is not None and schema.matches(element.except_, attributes)
    return schema.matches(element.scope, attributes) and not outside


def _check(world: World, look: Look, at: datetime) -> dict[str, Any]:
    """Return the record of a look, with what it found."""
    project = world.definitions.portfolio.project[look.project]
    point = world.point(look.code, look.day)
    assert point is not None
    scene = _Scene(world, look, point, project, project.attributes_on(look.day), at)
    check: dict[str, Any] = {"project": look.project, "point": look.code, "role": look.role}
    check |= {"inspector": look.inspector, "kind": look.kind, "checked_at": at.isoformat(), "theme": look.theme}
    check |= _careless_way(scene) if scene.careless else _way(scene)
    reason = None if scene.careless else _not_applicable(scene)
    if reason:
        return check | {"result": "na", "reason": reason}
    check |= _seen(scene, check)
    return check if scene.careless else check | _kept(scene, check)


def _way(scene: _Scene) -> dict[str, Any]:
    """Return place, method and samples, mostly as the point asks; now and then something is not written down."""
    world, way = scene.world, scene.point.way(scene.attributes)
    place = world.rng.choice(demo_texts.places(scene.point.category or "", scene.point.specialty or ""))
    minimum = way.minimum + world.rng.choice((0, 0, 0, 0, 1, 2)) - world.happens(0.012) if way.minimum else 0
    samples = _samples(scene, minimum)
    population = world.rng.randint(4, 40) * max(minimum, 2) if samples and world.happens(0.15) else None
    kept = {"place": None if world.happens(0.003) else scene.draw(place), "method": _method(scene, way.methods)}
    return kept | {"sample": samples or None, "population": population}


def _method(scene: _Scene, methods: tuple[str, ...]) -> str | None:
    world = scene.world
    if world.happens(0.003):
        return None
    if not methods or world.happens(0.008):
        return "observe"
    if scene.look.walk == NIGHT_WALK and "video" in methods and world.happens(0.5):
        return "video"
    return methods[0] if world.happens(0.6) else world.rng.choice(methods)


def _samples(scene: _Scene, size: int) -> list[str]:
    """Return so many different names of what is sampled."""
    name = scene.sample.of if scene.sample else None
    text = demo_texts.SAMPLES.get(name or "", demo_texts.ANY_SAMPLE)
    drawn: dict[str, None] = {}
    for _ in range(size * 6):
        if len(drawn) < size:
            drawn[scene.draw(text)] = None
    return list(drawn)


def _careless_way(scene: _Scene) -> dict[str, Any]:
    """Return what the careless inspector writes: always the first method and the same place, often no sample."""
    world, way = scene.world, scene.point.way(scene.attributes)
    place = demo_texts.places(scene.point.category or "", scene.point.specialty or "")[0]
    place = place.format_map({**{name: words[0] for name, words in _CHOICES.items()}, "tower": "A座", "floor": "1"})
    samples = [] if world.happens(0.1) else [f"{number}号" for number in range(1, way.minimum + 1)]
    found: dict[str, Any] = {
        "place": None if world.happens(0.06) else place,
        "method": (way.methods or ("observe",))[0],
    }
    if not samples and not way.minimum and world.happens(0.85):
        found["evidence"] = [{"name": "现场.jpg"}]
    return found | {"sample": samples or None}


def _not_applicable(scene: _Scene) -> str | None:
    of_category = demo_texts.NOT_APPLICABLE.get(scene.point.category or "", demo_texts.ANY_NOT_APPLICABLE)
    probability, reasons = of_category
    return scene.world.rng.choice(reasons) if scene.world.happens(probability) else None


def _kept(scene: _Scene, check: Mapping[str, Any]) -> dict[str, Any]:
    """Return photos and what was good."""
    world = scene.world
    kept: dict[str, Any] = {}
    wanted = world.happens(0.99) if check.get("findings") or not check["sample"] else world.happens(0.45)
    if wanted:
        stem = f"{scene.at:%Y%m%d-%H%M}-{scene.look.code}"
        kept["evidence"] = [{"name": f"{stem}-{number + 1}.jpg"} for number in range(world.rng.choice((1, 1, 1, 2, 3)))]
    strengths = demo_texts.STRENGTHS.get(scene.point.specialty or "")
    if strengths and not check.get("findings") and world.happens(0.03):
        kept["strengths"] = [world.rng.choice(strengths)]
    return kept


def _seen(scene: _Scene, check: Mapping[str, Any]) -> dict[str, Any]:
    """Return readings and elements with the findings that they end in."""
    seen: dict[str, Any] = {"readings": _readings(scene, check["sample"] or []), "findings": []}
    if scene.elements and (scene.careless or scene.world.happens(0.75)):
        seen["elements"] = {str(element.no): "pass" for element in scene.elements}
    strictness = _strictness(scene)
    for kind, rate in RATES.items():
        if scene.world.happens(rate * strictness):
            seen["findings"].append(_finding(scene, check, seen, kind))
    return {name: value for name, value in seen.items() if value}


def _strictness(scene: _Scene) -> float:
    """Return how much more than usual is found: by the inspector, the role, and how new the project is."""
    if scene.careless:
        return 0.0
    world, look = scene.world, scene.look
    settling = shortfall(world, scene.project, calendar.month_number(look.day))
    mystery = 1.3 if look.kind == "mystery" else 1.0
    return (0.8 + 0.4 * world.fate("eyes", look.inspector)) * EYES.get(look.role, 1.0) * (1 + 2 * settling) * mystery


def _places(measure: Measure) -> int:
    """Return the decimal places of a measure's readings."""
    limits = [limit for limit in (measure.min, measure.max) if limit is not None]
    exponents = [limit.as_tuple().exponent for limit in limits]
    return max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)


def _readings(scene: _Scene, samples: list[str]) -> list[dict[str, Any]]:
    """Return a reading within the limits for each sample, or one without."""
    measure = scene.point.measure
    if measure is None:
        return []
    if not samples:
        return [{"value": _within(scene, measure)}]
    return [{"sample": sample, "value": _within(scene, measure)} for sample in samples]


def _within(scene: _Scene, measure: Measure) -> float:
    low, high = (float(limit) if limit is not None else None for limit in (measure.min, measure.max))
    if low is None:
        low = 0.6 * (high or 1.0)
    if high is None:
        high = min(1.4 * low, 100.0) if measure.unit.startswith("%") else 1.45 * low
    chance = 0.5 if scene.careless else (scene.world.rng.random() + scene.world.rng.random()) / 2
    return _rounded(low + chance * (high - low), _places(measure))


def _rounded(value: float, places: int) -> float:
    return round(value, places) if places else round(value)


def _beyond(scene: _Scene, measure: Measure) -> tuple[float, str]:
    """Return a value beyond a limit, and what it is beyond."""
    above = measure.max is not None and (measure.min is None or scene.world.happens(0.6))
    limit = measure.max if above else measure.min
    assert limit is not None
    places = _places(measure)
    step = max(10.0**-places, abs(float(limit)) * scene.world.rng.uniform(0.02, 0.15))
    value = _rounded(float(limit) + (step if above else -step), places)
    return value, f"高于上限{limit}" if above else f"低于下限{limit}"


# Findings


def _finding(scene: _Scene, check: Mapping[str, Any], seen: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a finding of a kind; a reading or an element that fails is marked in what was seen."""
    world, samples = scene.world, check["sample"] or []
    sample = world.rng.choice(samples) if samples else None
    element, words = None, {"s": sample or check["place"] or "现场", "p": check["place"] or "现场"}
    if kind != "suggestion" and seen["readings"] and not seen["findings"] and world.happens(0.5):
        fault, sample = demo_texts.READING_FAULT, _fail_reading(scene, seen, words)
    elif kind == "suggestion":
        fault = world.rng.choice(demo_texts.SUGGESTIONS.get(scene.point.category or "", demo_texts.ANY_SUGGESTIONS))
    else:
        element = _fail_element(scene, seen)
        fault = _fault(scene, element)
        words["e"] = element.text if element else scene.point.text
    text = fault.fault.format_map(words)
    finding = {"no": len(seen["findings"]) + 1, "kind": kind, "fault": text, "class": fault.cause}
    finding |= {"element": element.no if element else None, "advice": fault.advice}
    finding |= _consequences(scene, kind, fault) | {"place": check["place"]}
    finding["sample"] = [sample] if sample and sample in text else None
    return {name: value for name, value in finding.items() if value is not None and not _forgotten(world, name)}


def _forgotten(world: World, name: str) -> bool:
    """Say whether a field of a finding was not filled in."""
    return name in ("advice", "handling", "verify_on", "responsible") and world.happens(0.007)


def _fail_reading(scene: _Scene, seen: dict[str, Any], words: dict[str, str]) -> str | None:
    """Put a reading beyond its limits and return its sample."""
    measure = scene.point.measure
    assert measure is not None
    reading = scene.world.rng.choice(seen["readings"])
    reading["value"], limit = _beyond(scene, measure)
    words |= {"v": str(reading["value"]), "u": measure.unit, "limit": f"{limit}{measure.unit}"}
    sample: str | None = reading.get("sample")
    words["s"] = sample or words["s"]
    return sample


def _fail_element(scene: _Scene, seen: dict[str, Any]) -> Element | None:
    """Choose an element that fails and mark it."""
    if not scene.elements:
        return None
    element = scene.world.rng.choice(scene.elements)
    if "elements" in seen:
        seen["elements"][str(element.no)] = "fail"
    return element


def _fault(scene: _Scene, element: Element | None) -> Fault:
    text = element.text if element else scene.point.text
    known = demo_texts.matching(scene.point.category or "", text)
    if known:
        return scene.world.rng.choice(known)
    return demo_texts.ELEMENT_FAULT if element else demo_texts.ANY_FAULT


def _consequences(scene: _Scene, kind: str, fault: Fault) -> dict[str, Any]:
    """Return who answers for a finding, what it costs, and by when."""
    rng = scene.world.rng
    allowed = {"suggestion": (7, 15), "rectification": (2, 8), "deduction": (1, 6)}[kind]
    due = scene.look.day + timedelta(days=rng.randint(*allowed))
    found: dict[str, Any] = {"handling": rng.choice(demo_texts.HANDLING[kind])}
    found["responsible"] = _responsible(scene, fault)
    if kind == "deduction":
        found["deduct"] = _deduct(scene)
        found["fine"] = rng.choice((100, 200, 500)) if scene.world.happens(0.06) else None
    planned = due + timedelta(days=rng.choice((0, 0, 1, 2, 3)))
    return found | {"due": due.isoformat(), "verify_on": planned.isoformat()}


def _responsible(scene: _Scene, fault: Fault) -> str:
    """Return the supervisor of the specialty, if somebody else looked, or the team or contractor."""
    world = scene.world
    party = fault.party or demo_texts.PARTIES.get(scene.point.specialty or "", "维修")
    supervisor = holder_of(world, scene.project, "supervisor", scene.point.specialty, scene.look.day)
    if supervisor and supervisor != scene.look.inspector and world.happens(0.5):
        return supervisor
    return next((one.id for one in world.definitions.portfolio.parties if party in one.name), party)


def _deduct(scene: _Scene) -> float | None:
    """Return what a deduction takes: a part of the score, the whole, or rarely more."""
    score = scene.point.score
    if score is None:
        return None
    step = 50 if score >= 200 else 25
    part = 1.5 if scene.world.happens(0.01) else scene.world.rng.choice((0.2, 0.3, 0.5, 0.5, 1.0))
    taken = max(step, round(score * part / step) * step)
    return taken // 100 if taken % 100 == 0 else taken / 100


# Second verifications


def verifications(world: World, checks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the rounds of every finding up to ten days after the last check."""
    for check in checks:
        for finding in check.get("findings", ()):
            yield from _rounds(world, check, finding)


def _rounds(world: World, check: Mapping[str, Any], finding: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    raised = datetime.fromisoformat(check["checked_at"]).astimezone(world.definitions.zone)
    planned = date.fromisoformat(finding.get("verify_on") or finding["due"])
    if world.happens(0.03):
        return
    for chance in (0.94, 0.85, 1.0):
        at = _verified_at(world, check["project"], raised, planned)
        if at.date() > world.last + timedelta(days=10):
            return
        closed = world.happens(chance)
        planned = at.date() + timedelta(days=world.rng.randint(3, 8))
        verifier = _verifier(world, check, finding, at.date())
        if verifier is None:
            return
        found: dict[str, Any] = {"finding": f"{check['id']}/{finding['no']}", "verifier": verifier}
        found |= {"verified_at": at.isoformat(), "outcome": "closed" if closed else "open"}
        found["note"] = world.rng.choice(demo_texts.CLOSED if closed else demo_texts.OPEN)
        yield found if closed else found | {"verify_on": planned.isoformat()}
        if closed:
            return


def _verified_at(world: World, project: str, raised: datetime, planned: date) -> datetime:
    """Return when a verification came: mostly on the planned day or shortly before, after the check in any case."""
    late = world.happens(0.06 + 0.09 * world.fate("late", project))
    days = world.rng.randint(1, 12) if late else -world.rng.choice((0, 0, 0, 0, 1, 2))
    day = max(planned + timedelta(days=days), raised.date() + timedelta(days=1))
    return _at(world, day, world.rng.uniform(540, 1060))


def _verifier(world: World, check: Mapping[str, Any], finding: Mapping[str, Any], day: date) -> str | None:
    """Return who verifies: mostly the inspector, never whoever is responsible."""
    posts = world.definitions.portfolio.posts
    here = [post.person for post in posts if post.project == check["project"] and held(post, day)]
    others = sorted({*here} - {finding.get("responsible"), CARELESS})
    inspector: str | None = check.get("inspector")
    if inspector in others and world.happens(0.7):
        return inspector
    if inspector and inspector not in here and inspector != finding.get("responsible") and world.happens(0.35):
        return inspector
    return world.rng.choice(others) if others else None
