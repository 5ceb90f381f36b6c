"""Handbook: editions of catalogues as frozen values that say all that a handbook says, and as rows of a table."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from qpi import labels, text
from qpi.calendar import Frequency, Unit, percent_text
from qpi.checklist import (
    COMPANY,
    INHERITED,
    METHODS,
    PROJECT,
    Ask,
    Checklists,
    Edition,
    Element,
    Group,
    Measure,
    Point,
    Sample,
    Shared,
    Source,
    Variant,
)
from qpi.errors import UsageError
from qpi.labels import LABELS
from qpi.messages import say
from qpi.policy import CHECK_KINDS, Policy
from qpi.render import render

COLUMNS = (
    "catalogue", "edition", "specialty", "category", "group", "code", "text", "elements", "score", "mystery_visit",
    "executive_check", "methods", "how", "sample", "sample_of", "variants", "measure", "minutes", "scope", "except",
)  # fmt: skip
"""The columns of `rows` before those of the roles."""

# What is said of how a point is checked.
_WAY = ("methods", "how", "sample", "minutes", "variants")
# Units that no blank parts from their number.
_CLOSE = ("%", "‰", "°")


@dataclass(frozen=True)
class Handbook:
    """One handbook: `values` are plain and hold all that its template may say."""

    values: Mapping[str, Any]

    def render(self, *, own: Path | None = None) -> str:
        """Return the handbook as HTML, by the company's own template where `own` has one."""
        values = {"handbook": dict(self.values), "t": LABELS[self.values["language"]]}
        return render("handbook.html", values, own=own)


def build(
    sources: Sequence[Source], policy: Policy, *, organisation: str | None = None, language: str = "zh",
    day: date | None = None, beside: Sequence[Source] = (),
) -> Handbook:  # fmt: skip
    """Return the handbook of editions that are in force together, such as `Checklists.in_force(day)` gives.

    Roles and methods that editions `beside` them declare are known; one that nobody declares stands as it is typed.
    Specialties stand in the order in which the files first name them, groups and points in that of the files.
    Raises UsageError for an unknown `language` or where there is no edition.
    """
    words = _words(sources, language, beside)
    spots = _spots(sources)
    specialties = [_specialty(n, name, mine, words) for n, (name, mine) in enumerate(_by_specialty(spots).items(), 1)]
    roles = words.asked
    values = {
        "language": language,
        "organisation": organisation,
        "day": day.isoformat() if day else None,
        "editions": [_edition(source) for source in sources],
        "counts": {
            "specialties": len(specialties),
            "groups": sum(len(one["groups"]) for one in specialties),
            **_counts([spot.point for spot in spots]),
        },
        "roles": [words.role(name) for name in roles],
        "tiers": words.tiers(),
        "methods": [words.method(name) for name in words.methods_used(spots)],
        "units": [words.unit(unit, policy) for unit in words.units_used(spots)],
        "one_a_day": policy.overfulfilment == "credited",
        "unfixed": any(ask.every is None for spot in spots for ask in (spot.point.frequency or {}).values()),
        "kinds": [{"kind": kind, "counted": kind in policy.counts_for_duty} for kind in CHECK_KINDS],
        "grades": list(words.grades(policy)),
        "specialties": specialties,
        "index": sorted((_entry(spot) for spot in spots), key=lambda one: str(one["code"])),
    }
    return Handbook(values)


def rows(
    sources: Sequence[Source], *, language: str = "zh", beside: Sequence[Source] = ()
) -> list[dict[str, Any]]:  # fmt: skip
    """Return one row per point in the order of the files: `COLUMNS`, then one for each role that is asked anywhere.

    A score is in points; a sample, a minute, a limit or a frequency that is not written is None. Attributes and their
    values stand as they are typed. A role's column bears its name, or `role.NAME` where a column is named so already.
    `beside` is as for `build`, and UsageError is raised as there.
    """
    words = _words(sources, language, beside)
    return [_row(spot, words) for spot in _spots(sources)]


def _words(sources: Sequence[Source], language: str, beside: Sequence[Source]) -> "_Words":
    if language not in LABELS:
        remedy = text.instead(language, LABELS)
        raise UsageError(say('language "{language}" is unknown; {remedy}', language=language, remedy=remedy))
    if not sources:
        raise UsageError(say("there is no edition to show; ask for a day on which one is in force"))
    return _Words(Checklists(tuple(sources), beside=tuple(beside)), language)


class _Spot(NamedTuple):
    """A point with all that its group gives it, as its file has it, and where it stands."""

    point: Point
    written: Point
    group: Group
    edition: Edition
    place: tuple[int, int, int]

    @property
    def anchor(self) -> str:
        return "p" + "-".join(str(number + 1) for number in self.place)


def _spots(sources: Sequence[Source]) -> list[_Spot]:
    return [
        _Spot(source.edition.points[point.code], point, group, source.edition, (e, g, p))
        for e, source in enumerate(sources)
        for g, group in enumerate(source.edition.groups)
        for p, point in enumerate(group.points)
    ]


def _by_specialty(spots: Iterable[_Spot]) -> dict[str | None, list[_Spot]]:
    return _apart(spots, lambda spot: spot.point.specialty)


def _apart(spots: Iterable[_Spot], key: Callable[[_Spot], Any]) -> dict[Any, list[_Spot]]:
    found: dict[Any, list[_Spot]] = {}
    for spot in spots:
        found.setdefault(key(spot), []).append(spot)
    return found


def _amount(hundredths: int) -> str:
    """Return hundredths as a decimal without needless zeros."""
    return format(Decimal(hundredths) / 100, "f")


def _counts(points: Sequence[Point]) -> dict[str, Any]:
    return {
        "points": len(points),
        "score": _amount(sum(point.score or 0 for point in points)),
        "unscored": sum(point.score is None for point in points),
        "mystery": sum(point.mystery_visit for point in points),
        "executive": sum(point.executive_check for point in points),
        "measured": sum(point.measure is not None for point in points),
    }


def _edition(source: Source) -> dict[str, Any]:
    edition = source.edition
    return {
        "catalogue": edition.catalogue,
        "edition": edition.edition,
        "title": edition.title,
        "effective_from": edition.effective_from.isoformat(),
        "digest": source.digest,
        **_counts(list(edition.points.values())),
    }


def _entry(spot: _Spot) -> dict[str, Any]:
    point = spot.point
    return {
        "code": point.code,
        "anchor": spot.anchor,
        "specialty": point.specialty,
        "group": spot.group.name,
        "mystery_visit": point.mystery_visit,
        "executive_check": point.executive_check,
    }


def _specialty(number: int, name: str | None, spots: Sequence[_Spot], words: "_Words") -> dict[str, Any]:
    # A point may have a category of its own, and then stands under another head than its group's other points.
    parts = _apart(spots, lambda spot: (spot.place[:2], spot.point.category))
    categories = _apart(spots, lambda spot: spot.point.category)
    return {
        "name": name,
        "anchor": f"s{number}",
        **_counts([spot.point for spot in spots]),
        "categories": [{"name": category, "points": len(mine)} for category, mine in categories.items()],
        "groups": [_group(mine, words) for mine in parts.values()],
    }


def _group(spots: Sequence[_Spot], words: "_Words") -> dict[str, Any]:
    """Return the points of one group that stand under one head; a lone one says itself what the group says."""
    first = spots[0]
    alone = len(spots) == 1
    shared = {name for name in INHERITED if any(getattr(spot.written, name) is None for spot in spots)}
    common = words.facets(first.group, shared)
    return {
        "name": first.group.name,
        "category": first.point.category,
        "catalogue": first.edition.title if words.several else None,
        **_counts([spot.point for spot in spots]),
        "common": None if alone or all(value is None for value in common.values()) else common,
        "listed": [_point(spot, words, alone=alone) for spot in spots],
    }


def _point(spot: _Spot, words: "_Words", *, alone: bool) -> dict[str, Any]:
    point, written = spot.point, spot.written
    own = {name for name in INHERITED if getattr(written, name) is not None}
    facets = words.facets(point, set(INHERITED)) if alone else words.facets(written, own)
    return {
        **_entry(spot),
        "text": point.text,
        "score": None if point.score is None else _amount(point.score),
        "elements": [words.element(element) for element in point.elements],
        "measure": words.measure(point.measure) if point.measure else None,
        "checked_apart": any(facets[name] is not None for name in _WAY),
        **facets,
    }


class _Words:
    """What roles, methods, frequencies and limits are called in a language, for some editions."""

    def __init__(self, checklists: Checklists, language: str) -> None:
        self.language, self.t, self.several = language, LABELS[language], len(checklists.sources) > 1
        self.known, self.methods = checklists.roles, checklists.methods
        points = [point for source in checklists.sources for point in source.edition.points.values()]
        asked = dict.fromkeys(name for point in points for name in point.frequency or {})
        # Those who are nearest to the work come first.
        order = {PROJECT: 0, COMPANY: 2}
        self.asked = sorted(_declared_first(asked, self.known), key=lambda name: order.get(self.level(name) or "", 1))

    def level(self, name: str) -> str | None:
        """Return the level of a role; None where nobody declares the role."""
        return self.known[name].level if name in self.known else None

    def role(self, name: str) -> dict[str, Any]:
        """Return a role with its title and level; one that nobody declares has its name for a title."""
        title = labels.role_title(name, self.known[name].title, self.language) if name in self.known else name
        return {"name": name, "title": title, "level": self.level(name)}

    def tiers(self) -> list[dict[str, Any]]:
        """Return the levels in the order of the roles, each with its title and how many roles it has."""
        levels = [self.level(name) for name in self.asked]
        return [
            {"level": level, "title": self.tier(level), "roles": levels.count(level)} for level in dict.fromkeys(levels)
        ]

    def tier(self, level: str | None) -> str:
        """Return what a level is called: project and company by their words, an attribute as attributes are."""
        if level is None:
            return self.t["dash"]
        return self.t[f"level_{level}"] if level in (PROJECT, COMPANY) else labels.attribute(level, self.language)

    def method(self, name: str) -> dict[str, Any]:
        """Return a method with its title, and with what it means where it is a built-in one."""
        title = self.methods.get(name, name)
        builtin = name in METHODS and title == METHODS[name]
        return {
            "name": name,
            "title": self.t[f"method_{name}"] if builtin else title,
            "text": self.t[f"method_{name}_text"] if builtin else None,
        }

    def methods_used(self, spots: Iterable[_Spot]) -> list[str]:
        """Return the methods that any point or variant allows, the built-in ones first."""
        allowed = [point.methods for point, *_ in spots]
        allowed += [variant.methods for point, *_ in spots for variant in point.variants or ()]
        return _declared_first(dict.fromkeys(name for methods in allowed for name in methods or ()), self.methods)

    def units_used(self, spots: Iterable[_Spot]) -> list[Unit]:
        """Return the units that any frequency counts in, the shortest first."""
        asks = (ask for spot in spots for ask in (spot.point.frequency or {}).values())
        used = {ask.every.unit for ask in asks if ask.every is not None}
        return [unit for unit in Unit if unit in used]

    def unit(self, unit: Unit, policy: Policy) -> dict[str, Any]:
        """Return how a unit is written and, for a day, the roles for which only working days count."""
        working = [name for name in self.asked if unit is Unit.DAY and policy.working(name)]
        return {
            "unit": unit.value,
            "example": self.frequency(Frequency(1, unit)),
            "text": self.t[f"unit_{unit.value.replace('-', '_')}"],
            "working": [self.role(name)["title"] for name in working],
            "working_all": len(working) == len(self.asked),
        }

    def grades(self, policy: Policy) -> Iterator[dict[str, Any]]:
        """Yield each grade with its text and the band of the score rate in words."""
        below = None
        for grade in policy.grades:
            start = percent_text(grade.from_) if grade.from_ else None
            sides = (start is not None, below is not None)
            name = {(True, False): "above", (True, True): "between", (False, True): "below", (False, False): "all"}[
                sides
            ]
            band = self.t[f"band_{name}"].format(start=start, below=below)
            yield {"name": grade.name, "text": grade.text, "band": band}
            below = start

    def frequency(self, every: Frequency) -> str:
        """Return `1次/月`, or `1/month`."""
        return labels.frequency(every.times, every.unit, self.language)

    def ask(self, name: str, ask: Ask | None) -> dict[str, Any]:
        """Return what a role owes: `every` in words (None: nothing is written) and its share where the role has one."""
        if ask is None:
            return {"role": name, "every": None, "share": None}
        if ask.every is None:
            return {"role": name, "every": self.t["unfixed"], "share": None}
        # Nothing is said of the share of a role that owes its duty to each project, or may do so for all we know.
        silent = self.level(name) == PROJECT or (self.level(name) is None and ask.share == 1)
        share = None if silent else f"{self.t['share']}{percent_text(ask.share)}"
        return {"role": name, "every": self.frequency(ask.every), "share": share}

    def measure(self, measure: Measure) -> str:
        """Return limits as people write them: `到场用时 ≤ 30 分钟`, `5–45 ℃`."""
        least, most = (None if limit is None else format(limit, "f") for limit in (measure.min, measure.max))
        if least is None or most is None or least == most:
            limits = f"= {least}" if least == most else f"≥ {least}" if most is None else f"≤ {most}"
        else:
            limits = f"{least} ~ {most}" if "-" in least + most else f"{least}–{most}"
        unit = measure.unit if measure.unit.startswith(_CLOSE) else f" {measure.unit}"
        return f"{measure.of or ''} {limits}{unit}".strip()

    def match(self, match: Mapping[str, Sequence[str]] | None) -> list[dict[str, Any]] | None:
        """Return attributes with the values that fit, in words; None where nothing is written."""
        if match is None:
            return None
        return [
            {
                "name": labels.attribute(name, self.language),
                "fits": [labels.fit(name, value, self.language) for value in fits],
            }
            for name, fits in match.items()
        ]

    def sentence(self, match: Mapping[str, Sequence[str]] | None) -> str | None:
        """Return attributes with the values that fit as one text, as they are typed."""
        parts = [f"{name}{self.t['colon']}{self.t['comma'].join(fits)}" for name, fits in (match or {}).items()]
        return self.t["semicolon"].join(parts) or None

    def titles(self, methods: Iterable[str] | None) -> list[str] | None:
        """Return the titles of methods; None where nothing is written."""
        return None if methods is None else [self.method(name)["title"] for name in methods]

    def element(self, element: Element) -> dict[str, Any]:
        """Return a part of a point, numbered ① to ⑳, then (21)."""
        return {
            "no": _circled(element.no),
            "text": element.text,
            "scope": self.match(element.scope),
            "except": self.match(element.except_),
        }

    def facets(self, part: Shared, stated: set[str]) -> dict[str, Any]:
        """Return those keys of a group or point that are to be said there, in words; the others are None."""
        of: dict[str, Any] = {name: getattr(part, name) if name in stated else None for name in INHERITED}
        return {
            "scope": self.match(of["scope"]),
            "except": self.match(of["except_"]),
            # No method at all is something to say: any will do.
            "methods": self.titles(of["methods"] or ()) if "methods" in stated else None,
            "how": of["how"],
            "sample": _sample(of["sample"]),
            "minutes": of["minutes"],
            "variants": None if of["variants"] is None else [self.variant(one) for one in of["variants"]],
            "asks": self.asks(of["frequency"]) if "frequency" in stated else None,
        }

    def asks(self, frequency: Mapping[str, Ask] | None) -> list[dict[str, Any]]:
        """Return what each role owes, in the order of the roles."""
        return [self.ask(name, (frequency or {}).get(name)) for name in self.asked]

    def variant(self, variant: Variant) -> dict[str, Any]:
        """Return another way of checking."""
        return {
            "when": self.match(variant.when),
            "methods": self.titles(variant.methods),
            "how": variant.how,
            "sample": _sample(variant.sample),
        }

    # The same as texts, with the words as they are typed

    def numbered(self, element: Element) -> str:
        """Return a part of a point with its number, and its scope and exceptions in brackets."""
        limits = self.labelled(scope=self.sentence(element.scope), **{"except": self.sentence(element.except_)})
        text = self.t["limited"].format(text=element.text, limits=limits) if limits else element.text
        return f"{_circled(element.no)} {text}"

    def otherwise(self, variant: Variant) -> str:
        """Return another way of checking: when it holds, then the methods, the text and the sample that it replaces."""
        methods, sample = self.titles(variant.methods), variant.sample
        return self.labelled(
            when=self.sentence(variant.when),
            methods=None if methods is None else self.t["comma"].join(methods) or self.t["any_method"],
            how=variant.how,
            sample=None if sample is None else self.sampled(sample),
        )

    def sampled(self, sample: Sample) -> str:
        """Return what is sampled and how many at least."""
        least = f"{self.t['at_least']} {sample.minimum}" if sample.minimum else None
        return self.t["listed"].join(part for part in (sample.of, least) if part) or self.t["no_sample"]

    def labelled(self, **parts: str | None) -> str:
        """Return the parts that are there, each behind its label."""
        said = (f"{self.t[name]}{self.t['colon']}{part}" for name, part in parts.items() if part is not None)
        return self.t["semicolon"].join(said)


def _declared_first(names: Iterable[str], declared: Iterable[str]) -> list[str]:
    """Return names in the order in which they are declared, and behind them those that are not, in the order of coming."""
    position = {name: number for number, name in enumerate(declared)}
    return sorted(names, key=lambda name: position.get(name, len(position)))


def _sample(sample: Sample | None) -> dict[str, Any] | None:
    return None if sample is None else {"of": sample.of, "minimum": sample.minimum}


def _circled(number: int) -> str:
    return chr(0x2460 + number - 1) if number <= 20 else f"({number})"


def _row(spot: _Spot, words: _Words) -> dict[str, Any]:
    point = spot.point
    sample = point.sample or Sample.model_construct()
    whole, rest = divmod(point.score or 0, 100)
    found = {
        "catalogue": spot.edition.catalogue,
        "edition": spot.edition.edition,
        "specialty": point.specialty,
        "category": point.category,
        "group": spot.group.name,
        "code": point.code,
        "text": point.text,
        "elements": words.t["semicolon"].join(words.numbered(element) for element in point.elements) or None,
        "score": None if point.score is None else whole + rest / 100 if rest else whole,
        "mystery_visit": point.mystery_visit,
        "executive_check": point.executive_check,
        "methods": words.t["comma"].join(words.titles(point.methods) or ()) or None,
        "how": point.how,
        "sample": sample.minimum or None,
        "sample_of": sample.of,
        "variants": "\n".join(words.otherwise(variant) for variant in point.variants or ()) or None,
        "measure": words.measure(point.measure) if point.measure else None,
        "minutes": point.minutes,
        "scope": words.sentence(point.scope),
        "except": words.sentence(point.except_),
    }
    for ask in words.asks(point.frequency):
        name = f"role.{ask['role']}" if ask["role"] in COLUMNS else ask["role"]
        found[name] = " · ".join(part for part in (ask["every"], ask["share"]) if part) or None
    return found


__all__ = ["COLUMNS", "Handbook", "build", "rows"]
