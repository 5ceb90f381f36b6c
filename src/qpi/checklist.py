"""Checklist: editions of a catalogue with their groups, points, roles and methods."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter

from qpi import calendar, schema, shapes, text
from qpi.calendar import Frequency
from qpi.document import Document
from qpi.messages import say
from qpi.schema import Choice, Code, Day, Flag, Frozen, Hundredths, Match, Number, Positive, Scope, Text, Whole, Word

PROJECT, COMPANY = "project", "company"


class Role(Frozen):
    """Who looks: a title, and the level at which duties are owed (project, company, or a project attribute)."""

    title: Text
    level: Word


ROLES: Mapping[str, Role] = {
    "supervisor": Role.model_construct(title="对口主管", level=PROJECT),
    "team_lead": Role.model_construct(title="部门/班组负责人", level=PROJECT),
    "project_lead": Role.model_construct(title="项目负责人", level=PROJECT),
    "department": Role.model_construct(title="对口职能部门", level=COMPANY),
    "executive": Role.model_construct(title="分管领导", level=COMPANY),
}
METHODS: Mapping[str, str] = {
    "observe": "现场观察",
    "records": "查阅记录",
    "interview": "现场询问",
    "phone": "电话核实",
    "measure": "实测",
    "operate": "操作测试",
    "video": "调阅监控",
}


class Sample(Frozen):
    """What a check samples and at least how many of them."""

    of: Text | None = None
    minimum: Whole = 0


class Variant(Frozen):
    """Another way of checking where a project's attributes fit `when`; each of its keys replaces the point's."""

    when: Match
    how: Text | None = None
    methods: Choice | None = None
    sample: Sample | None = None


class Element(Frozen):
    """A numbered part of a point, with its own scope if need be."""

    no: Positive
    text: Text
    scope: Scope | None = None
    except_: Match | None = Field(None, alias="except")


class Measure(Frozen):
    """Limits of a measured value, both within; `of` names what is measured."""

    of: Text | None = None
    unit: Text
    min: Number | None = None
    max: Number | None = None

    def fits(self, value: Decimal) -> bool:
        """Say whether a value lies within the limits."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


def _bounded(measure: Measure) -> Measure:
    if measure.min is None and measure.max is None:
        raise schema.refuse(say("a measure without min and max"), say("give at least one of them"), lacking=True)
    if measure.min is not None and measure.max is not None and measure.min > measure.max:
        raise schema.refuse(say("min {min} is above max {max}", min=measure.min, max=measure.max), say("exchange them"))
    return measure


Every = Annotated[
    Frequency | None,
    schema.read_with(calendar.frequency, calendar.FREQUENCY_REMEDY),
    schema.Spare(calendar.NO_DUTY),
    shapes.chosen(
        *(f"1次/{unit}" for unit in calendar.CHINESE_UNITS), calendar.NO_DUTY, *(f"1/{unit}" for unit in calendar.Unit),
        otherwise={"type": "string", "pattern": calendar.FREQUENCY_PATTERN},
    ),
]  # fmt: skip


class Ask(Frozen):
    """What a role owes on a point: a frequency (None: no duty) and the share of projects it must reach."""

    every: Every
    share: Annotated[schema.Share, shapes.typed(shapes.PERCENT_PATTERN.replace("^", r"^(?!0+(\.0+)?%)", 1))] = Fraction(
        1
    )


def _ask(value: Any) -> Any:
    if isinstance(value, list):
        raise schema.refuse(say("a frequency is expected, not a list"), calendar.FREQUENCY_REMEDY)
    return {"every": value} if isinstance(value, str) else value


def _bare(ask: dict[str, Any]) -> dict[str, Any]:
    """Let the bare frequency stand for what it asks, as `_ask` does."""
    return {"anyOf": [_FREQUENCY.json_schema(), ask]}


_FREQUENCY: TypeAdapter[Any] = TypeAdapter(Every)
Asks = dict[Word, Annotated[Ask, BeforeValidator(_ask), shapes.Shape(_bare)]]
Measured = Annotated[
    Measure,
    AfterValidator(_bounded),
    shapes.Shape(lambda shape: {"allOf": [shape, {"anyOf": [{"required": ["min"]}, {"required": ["max"]}]}]}),
]


class Shared(Frozen):
    """What points share with their group unless they say otherwise; `minutes` is what one look takes."""

    specialty: Text | None = None
    category: Text | None = None
    scope: Scope | None = None
    except_: Match | None = Field(None, alias="except")
    methods: Choice | None = None
    how: Text | None = None
    sample: Sample | None = None
    variants: tuple[Variant, ...] | None = None
    minutes: Positive | None = None
    frequency: Asks | None = None


INHERITED = tuple(Shared.model_fields)


class Point(Shared):
    """One coded requirement, worth `score` hundredths of a point where it has one."""

    code: Code
    text: Text
    score: Hundredths | None = None
    mystery_visit: Flag = False
    executive_check: Flag = False
    elements: tuple[Element, ...] = ()
    measure: Measured | None = None

    def applies(self, attributes: Mapping[str, str]) -> bool:
        """Say whether a project with these attributes is in scope."""
        return schema.matches(self.scope, attributes) and not (
            self.except_ is not None and schema.matches(self.except_, attributes)
        )

    def variant(self, attributes: Mapping[str, str]) -> Variant | None:
        """Return the first variant that fits the attributes, or None."""
        return next((v for v in self.variants or () if schema.matches(v.when, attributes)), None)

    def way(self, attributes: Mapping[str, str]) -> "Way":
        """Return how this point is checked in a project with these attributes."""
        variant = self.variant(attributes)
        methods = (variant.methods if variant and variant.methods is not None else self.methods) or ()
        sample = (variant.sample if variant and variant.sample is not None else self.sample) or Sample.model_construct()
        how = (variant.how if variant and variant.how is not None else self.how) or ""
        return Way(methods, sample.minimum, how)


class Way(NamedTuple):
    """The methods allowed (none: any), the least sample, and the text that says how."""

    methods: tuple[str, ...]
    minimum: int
    how: str


class Group(Shared):
    """Points that share scope, method and frequency."""

    name: Text
    points: Annotated[tuple[Point, ...], shapes.SOME]


class Edition(Frozen):
    """One dated, immutable version of a catalogue."""

    catalogue: Word
    edition: Text
    title: Text
    effective_from: Annotated[Day, shapes.typed(shapes.DAY_PATTERN.replace("(0[1-9]|[12][0-9]|3[01])", "01"))]
    roles: dict[Word, Role] = Field(default_factory=dict)
    methods: dict[Word, Text] = Field(default_factory=dict)
    groups: Annotated[tuple[Group, ...], shapes.SOME]

    @property
    def label(self) -> str:
        """The catalogue and edition in one word."""
        return f"{self.catalogue} {self.edition}"

    @cached_property
    def points(self) -> dict[str, Point]:
        """The points by code, each with what its group gives it."""
        return {p.code: _inherit(p, group) for group in self.groups for p in group.points}


def _inherit(point: Point, group: Group) -> Point:
    given = {name: getattr(group, name) for name in INHERITED if getattr(point, name) is None}
    return point.model_copy(update={name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class Source:
    """An edition with the document that it was read from and its content digest."""

    edition: Edition
    document: Document
    digest: str

    def at(self, *path: Any) -> str:
        """Return the file and line of a key, as another edition's problem names it."""
        where = self.document.where(*path, key=True)
        if where.line:
            return f"{where.file}:{where.line}"
        return say("{file}: {place}", file=where.file, place=where.spot)


@dataclass(frozen=True)
class Checklists:
    """All editions of all catalogues of a workspace; `partial` where a file of them cannot be read at all.

    The roles and methods of editions that stand `beside` are known too; nothing else of those is in force.
    """

    sources: tuple[Source, ...]
    partial: bool = False
    beside: tuple[Source, ...] = ()

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Every role by name: the built-in ones and those that editions declare."""
        declared = {n: role for source in self._declaring for n, role in source.edition.roles.items()}
        return {**ROLES, **declared}

    @cached_property
    def role_titles(self) -> dict[str, str]:
        """The title of every role by its name."""
        return {name: role.title for name, role in self.roles.items()}

    @cached_property
    def methods(self) -> dict[str, str]:
        """Every method by name with its title."""
        return {
            **METHODS,
            **{n: title for source in self._declaring for n, title in source.edition.methods.items()},
        }

    @cached_property
    def known_roles(self) -> frozenset[str] | None:
        """Every role by name, faulty ones too; None where some cannot be told because of another fault."""
        return self._known(ROLES, (source.document.names("roles") for source in self._declaring))

    @cached_property
    def known_methods(self) -> frozenset[str] | None:
        """Every method by name, as `known_roles` is."""
        return self._known(METHODS, (source.document.names("methods") for source in self._declaring))

    @cached_property
    def known_codes(self) -> frozenset[str] | None:
        """Every code that any edition has, as `known_roles` is."""
        return self._known((), (source.document.texts("groups", "*", "points", "*", "code") for source in self.sources))

    @property
    def _declaring(self) -> tuple[Source, ...]:
        return (*self.beside, *self.by_start)

    def _known(self, builtin: Iterable[str], found: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
        parts = list(found)
        if self.partial or None in parts:
            return None
        return frozenset({*builtin, *(text.normal(word) for part in parts for word in part or ())})

    @cached_property
    def by_start(self) -> tuple[Source, ...]:
        """The sources by catalogue, each catalogue's oldest edition first."""
        return tuple(sorted(self.sources, key=lambda s: (s.edition.catalogue, s.edition.effective_from)))

    @cached_property
    def starts(self) -> tuple[date, ...]:
        """The days on which an edition takes effect, in order."""
        return tuple(sorted({source.edition.effective_from for source in self.sources}))

    def in_force(self, day: date) -> tuple[Source, ...]:
        """Return the edition of each catalogue that is in force on a day."""
        latest = {s.edition.catalogue: s for s in self.by_start if s.edition.effective_from <= day}
        return tuple(latest.values())

    def points(self, day: date) -> dict[str, tuple[Point, Source]]:
        """Return the points in force on a day by code, each with its edition."""
        position = bisect_right(self.starts, day)
        return self._points_from[self.starts[position - 1]] if position else {}

    @cached_property
    def _points_from(self) -> dict[date, dict[str, tuple[Point, Source]]]:
        return {
            start: {
                code: (point, source)
                for source in self.in_force(start)
                for code, point in source.edition.points.items()
            }
            for start in self.starts
        }

    @cached_property
    def codes(self) -> frozenset[str]:
        """Every code that any edition has."""
        return frozenset(code for source in self.sources for code in source.edition.points)
