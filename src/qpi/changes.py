"""Changes: what differs between two editions, key by key, and how the duties move."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from qpi import calendar, document, labels, workload
from qpi.calendar import NO_DUTY, Frequency, Period, Unit
from qpi.checklist import Ask, Checklists, Edition, Element, Group, Point, Sample, Source
from qpi.definitions import Definitions, throughout
from qpi.policy import Policy
from qpi.portfolio import Portfolio, Project
from qpi.schema import Frozen
from qpi.workload import Required

NOTHING = Required(Fraction(0), Fraction(0))
ROW_COLUMNS = ("change", "code", "group", "text", "key", "old", "new")
"""The columns of `rows`."""
DUTY_COLUMNS = (
    "role", "title", "month", "points_old", "points_new", "points_difference", "checks_old", "checks_new",
    "checks_difference",
)  # fmt: skip
"""The columns of `duty_rows`."""


class Change(NamedTuple):
    """A key as it stands in YAML with its value before and after, as people write it; None where it is not there."""

    key: str
    old: str | None
    new: str | None


class Entry(NamedTuple):
    """A point that only one of two editions has."""

    code: str
    group: str
    text: str


class Changed(NamedTuple):
    """A point that both editions have, by its group and text in the later one, with every key that differs."""

    code: str
    group: str
    text: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Changes:
    """What differs between two editions, named by their labels; points go by their codes."""

    old: str
    new: str
    edition: tuple[Change, ...]
    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    changed: tuple[Changed, ...]

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return bool(self.edition or self.added or self.removed or self.changed)


class Moved(NamedTuple):
    """What a role is required in a month (None: in the whole period) under the old and the new edition."""

    role: str
    title: str
    month: str | None
    old: Required
    new: Required

    @property
    def points(self) -> Fraction:
        """The required points that come."""
        return self.new.points - self.old.points

    @property
    def checks(self) -> Fraction:
        """The required checks that come."""
        return self.new.checks - self.old.checks


def diff(old: Edition, new: Edition) -> Changes:
    """Return what differs between two editions in what they mean.

    Points are compared with what their groups give them, so that a key that only moved between a point and its group is
    no change. Nor is another order of methods, of the values of a scope, of roles or of elements; nor another
    notation of a frequency; nor an empty scope, of a point or of an element, an empty sample, or 不固定, where before
    there was none.
    """
    before, after = old.points, new.points
    groups_before, groups_after = _groups(old), _groups(new)
    changed = (
        Changed(code, groups_after[code], point.text, changes)
        for code, point in after.items()
        if code in before
        and (changes := _changes(_keys(before[code], groups_before[code]), _keys(point, groups_after[code])))
    )
    return Changes(
        old.label,
        new.label,
        _changes(_of_edition(old), _of_edition(new)),
        tuple(Entry(code, groups_after[code], p.text) for code, p in after.items() if code not in before),
        tuple(Entry(code, groups_before[code], p.text) for code, p in before.items() if code not in after),
        tuple(changed),
    )


def _groups(edition: Edition) -> dict[str, str]:
    return {point.code: group.name for group in edition.groups for point in group.points}


def _of_edition(edition: Edition) -> dict[str, Any]:
    return {
        "title": edition.title,
        **{f"roles.{name}": role for name, role in edition.roles.items()},
        **{f"methods.{name}": title for name, title in edition.methods.items()},
    }


def _keys(point: Point, group: str) -> dict[str, Any]:
    """Return every key of a point with its value, in the order of the model."""
    keys: dict[str, Any] = {"group": group}
    for name, field in Point.model_fields.items():
        value = getattr(point, name)
        if name == "frequency":
            keys |= {f"frequency.{role}": ask for role, ask in (value or {}).items()}
        elif name == "elements":
            keys |= {f"elements.{element.no}": element for element in sorted(value, key=_number)}
        elif name == "score":
            keys[name] = None if value is None else Decimal(value) / 100
        elif name != "code":
            keys[field.alias or name] = value
    return keys


def _number(element: Element) -> int:
    return element.no


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    pairs = ((key, old.get(key), new.get(key)) for key in {**old, **new})
    return tuple(Change(key, written(a), written(b)) for key, a, b in pairs if _said(a) != _said(b))


def _said(value: Any) -> Any:
    """Return what is compared of a key: nothing where it is empty or asks for nothing."""
    if value in ((), {}) or (isinstance(value, Ask) and value.every is None):
        return None
    if isinstance(value, Sample) and value.of is None and not value.minimum:
        return None
    return _meaning(value)


def _meaning(value: Any) -> Any:
    """Return a value in which the order of words does not count; what is empty in a variant is not missing there."""
    if isinstance(value, Element):
        return value.no, value.text, _said(value.scope), _said(value.except_)
    if isinstance(value, Frozen):
        return {name: _meaning(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: _meaning(part) for name, part in value.items()}
    if isinstance(value, tuple) and not isinstance(value, Frequency):
        words = all(isinstance(part, str) for part in value)
        return frozenset(value) if words else [_meaning(part) for part in value]
    return value


# Values as people write them


def written(value: Any) -> str | None:
    """Return a value of an edition as people write it in YAML: 1/month, 2.5, 50%, {type: [a, b]}; None where there is none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Element):
        return _element(value)
    return _flow(value)


def _element(element: Element) -> str:
    """Return an element's text, with its scope where it has one; its number stands in the key."""
    parts = {name: part for name, part in _parts(element) if name != "no"}
    return element.text if len(parts) == 1 else _flow(parts)


def _flow(value: Any) -> str:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Frequency):
        return str(value)
    if isinstance(value, Fraction):
        return calendar.percent_text(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Ask):
        return _ask(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, Frozen):
        value = dict(_parts(value))
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_flow(name)}: {_flow(part)}' for name, part in value.items())}}}"
    return str(value)


# What YAML takes for a plain text within brackets.
_PLAIN = re.compile(r"[^\W_](?:[^,\[\]{}:#\"'\n\\]*[^,\[\]{}:#\"'\n\\\s])?")


def _parts(model: Frozen) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a model that say anything, as they stand in YAML."""
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value is not None and (value != field.default or name in model.model_fields_set):
            yield field.alias or name, value


def _ask(ask: Ask) -> str:
    every = NO_DUTY if ask.every is None else str(ask.every)
    return every if ask.share == 1 else f"{{every: {every}, share: {calendar.percent_text(ask.share)}}}"


# Duties


def duties(old: Edition, new: Edition, period: Period, *, definitions: Definitions | None = None) -> tuple[Moved, ...]:
    """Return what each role is required in each month of a period under either edition, as if it alone were in force.

    Projects, waivers and policy are those of the definitions; their editions play no part but to declare roles. Without
    definitions there is one project into which every point fits, whatever its scope, and the policy has its defaults.
    Either edition is counted by the roles that it declares itself; one that it asks and does not declare is that of the
    definitions, else that of the other edition. Titles are those of the new edition where it knows the role.
    A role and month are there when they require anything under one of the two.
    """
    alone = [_alone(one, other, definitions) for one, other in ((old, new), (new, old))]
    before, after = (workload.required(one, period) for one in alone)
    roles = {name: role for one in alone for name, role in one.checklists.roles.items()}
    return tuple(
        Moved(name, roles[name].title, calendar.month_name(month), before.get(key, NOTHING), after.get(key, NOTHING))
        for name in roles
        for month in period.months
        if (key := (name, month)) in before or key in after
    )


def totals(moved: Iterable[Moved]) -> tuple[Moved, ...]:
    """Return the same by role, added up over the months."""
    sums: dict[str, Moved] = {}
    for one in moved:
        so_far = sums.get(one.role, one._replace(month=None, old=NOTHING, new=NOTHING))
        sums[one.role] = so_far._replace(old=_sum(so_far.old, one.old), new=_sum(so_far.new, one.new))
    return tuple(sums.values())


def _sum(one: Required, other: Required) -> Required:
    return Required(one.points + other.points, one.checks + other.checks)


def _alone(edition: Edition, other: Edition, definitions: Definitions | None) -> Definitions:
    """Return definitions in which an edition is in force throughout and no other is; the roles of the other are known."""
    if definitions is None:
        edition = edition.model_copy(update={"groups": tuple(_everywhere(edition))})
        portfolio = Portfolio(projects=(Project(id="P", name="P"),))
        definitions = Definitions(Checklists(()), portfolio, Policy(), ZoneInfo("UTC"), "", "")
    there = definitions.checklists
    # What stands first is overruled by what follows: the other edition knows least of what this one asks.
    beside = (Source(other, document.from_plain({}, other.label), ""), *there.beside)
    return throughout(replace(definitions, checklists=replace(there, beside=beside)), [edition])


def _everywhere(edition: Edition) -> Iterator[Group]:
    """Yield the groups of an edition without scopes and exceptions."""
    bare = {"scope": None, "except_": None}
    for group in edition.groups:
        points = tuple(point.model_copy(update=bare) for point in group.points)
        yield group.model_copy(update={**bare, "points": points})


# Rows


def rows(changes: Changes, *, language: str = "en") -> list[dict[str, Any]]:
    """Return a row of ROW_COLUMNS for each change, which is one of edition, added, removed, changed.

    Frequencies are written as the language has them in YAML: 1/month or 1次/月, {every: 1次/月, share: 50%}.
    """
    found = [_row("edition", None, None, None, change) for change in changes.edition]
    found += [_row("added", *entry, None) for entry in changes.added]
    found += [_row("removed", *entry, None) for entry in changes.removed]
    found += [_row("changed", *one[:3], _spoken(change, language)) for one in changes.changed for change in one.changes]
    return found


def _row(what: str, code: str | None, group: str | None, text: str | None, change: Change | None) -> dict[str, Any]:
    return dict(zip(ROW_COLUMNS, (what, code, group, text, *(change or (None, None, None))), strict=True))


_FREQUENCY = re.compile(rf"([0-9]+)/({'|'.join(Unit)})")


def _spoken(change: Change, language: str) -> Change:
    """Return a change with its frequencies in the words of a language; no other key has any."""
    if not change.key.startswith("frequency."):
        return change
    old, new = (text and _FREQUENCY.sub(lambda m: labels.frequency(int(m[1]), m[2], language), text)
                for text in (change.old, change.new))  # fmt: skip
    return Change(change.key, old, new)


def duty_rows(moved: Iterable[Moved]) -> list[dict[str, Any]]:
    """Return rows of DUTY_COLUMNS: points and checks, old, new and the difference; month is None for the whole period."""
    return [
        {
            "role": one.role,
            "title": one.title,
            "month": one.month,
            "points_old": float(one.old.points),
            "points_new": float(one.new.points),
            "points_difference": float(one.points),
            "checks_old": float(one.old.checks),
            "checks_new": float(one.new.checks),
            "checks_difference": float(one.checks),
        }
        for one in moved
    ]


__all__ = [
    "DUTY_COLUMNS",
    "ROW_COLUMNS",
    "Change",
    "Changed",
    "Changes",
    "Entry",
    "Moved",
    "diff",
    "duties",
    "duty_rows",
    "rows",
    "totals",
    "written",
]
