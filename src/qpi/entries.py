"""Entries: checks, findings and verifications as they are recorded, frozen and bounded."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from qpi import fields, text
from qpi.errors import Problem, Where
from qpi.fields import Id, Text
from qpi.messages import say


class Entry(BaseModel):
    """A frozen value that strangers write; keys that it does not have are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    _always: ClassVar[frozenset[str]] = frozenset()

    def record(self) -> dict[str, Any]:
        """Return what was given as plain values, the same for the same content; nothing is kept for what is missing."""
        values = self.__dict__
        record: dict[str, Any] = {}
        for name in self.__pydantic_fields_set__ | self._always:
            value = values[name]
            plain = value if type(value) is str else _plain(name, value)
            if plain is not None:
                record[name] = plain
        if "class_" in record:
            record["class"] = record.pop("class_")
        return record


_HUNDREDTHS = frozenset({"deduct", "fine"})


def _plain(name: str, value: Any) -> Any:
    kind = type(value)
    if value is None or value == ():
        return None
    if kind is tuple:
        return list(value) if type(value[0]) is str else [item.record() for item in value]
    if kind is int:
        return decimal_text(value) if name in _HUNDREDTHS else value
    if isinstance(value, date):
        return value.isoformat()
    if kind is Decimal:
        return format(value, "f")
    return dict(value) or None


def decimal_text(hundredths: int) -> str:
    """Return hundredths as a decimal without needless zeros: 250 is `2.5`."""
    sign, whole, rest = "-" if hundredths < 0 else "", abs(hundredths) // 100, abs(hundredths) % 100
    return f"{sign}{whole}" + (f".{rest:02d}".rstrip("0") if rest else "")


class Evidence(Entry):
    """A photo or paper that shows what was seen: its name, and the SHA-256 of its bytes where it is known."""

    name: fields.NeededText
    sha256: fields.Sha256 | None = None


class Reading(Entry):
    """One measured value."""

    sample: Text = None
    value: fields.Measured


Evidences = Annotated[tuple[Annotated[Evidence, fields.Named], ...], fields.Bounded]


class Finding(Entry):
    """One thing that a check found; its number is in `model_fields_set` only where it was given."""

    _always: ClassVar[frozenset[str]] = frozenset({"no"})

    no: fields.Ordinal | None = None
    kind: Literal["suggestion", "rectification", "deduction"]
    fault: Text = None
    class_: Text = Field(None, alias="class")
    element: fields.Ordinal | None = None
    advice: Text = None
    handling: Text = None
    responsible: Id = None
    deduct: fields.Amount | None = None
    fine: fields.Amount | None = None
    due: fields.Day | None = None
    verify_on: fields.Day | None = None
    place: Text = None
    sample: fields.Texts = ()
    evidence: Evidences = ()


def _numbered(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Number the findings from 1 in order where they name no number."""
    if not findings:
        return findings
    given = {finding.no for finding in findings if finding.no is not None}
    if len(given) != sum(finding.no is not None for finding in findings):
        raise fields.refuse(say("finding numbers repeat"), say("number the findings 1, 2, 3"))
    free = (number for number in range(1, 2 * len(findings) + 1) if number not in given)
    return tuple(f if f.no is not None else with_number(f, next(free)) for f in findings)


def with_number(finding: Finding, number: int) -> Finding:
    """Return a finding with a number that nobody gave it."""
    numbered = finding.model_copy(update={"no": number})
    numbered.__pydantic_fields_set__.discard("no")
    return numbered


class Check(Entry):
    """One look at one point in one project, by one person in one role."""

    _always: ClassVar[frozenset[str]] = frozenset({"kind"})

    id: fields.OwnId
    project: fields.NeededId
    point: fields.NeededCode
    role: fields.NeededId
    checked_at: fields.Moment
    inspector: Id = None
    kind: Literal["routine", "special", "mystery"] = "routine"
    place: Text = None
    method: Id = None
    sample: fields.Texts = ()
    population: fields.Count | None = None
    evidence: Evidences = ()
    findings: Annotated[tuple[Finding, ...], fields.Bounded, AfterValidator(_numbered)] = ()
    result: Literal["na"] | None = None
    reason: Text = None
    readings: Annotated[tuple[Reading, ...], fields.Bounded] = ()
    elements: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")], Literal["pass", "fail", "na"]] = Field(
        default_factory=dict
    )
    visit: Id = None
    started: fields.Moment | None = None
    ended: fields.Moment | None = None
    companions: fields.Ids = ()
    position: Text = None
    weather: Text = None
    strengths: fields.OneOrMoreTexts = ()
    theme: Text = None
    rechecks: Id = None
    plan: Id = None

    def record(self) -> dict[str, Any]:
        """Return what was given as plain values, the findings by their numbers, so that their order says nothing."""
        record = super().record()
        if len(self.findings) > 1:
            record["findings"].sort(key=_number_of)
        return record

    @property
    def key(self) -> str:
        """The natural key by which a repeated record is known."""
        return f"check:{self.id}"

    @property
    def moment(self) -> datetime:
        """When it was seen."""
        return self.checked_at


def _number_of(finding: Mapping[str, Any]) -> int:
    number: int = finding["no"]
    return number


class Verification(Entry):
    """One round of second verification of a finding."""

    finding: fields.FindingId
    verifier: fields.NeededId
    verified_at: fields.Moment
    outcome: Literal["closed", "open"]
    note: Text = None
    evidence: Evidences = ()
    verify_on: fields.Day | None = None

    @property
    def key(self) -> str:
        """The natural key by which a repeated record is known."""
        return f"verification:{orjson.dumps([self.finding, self.verifier, utc_text(self.verified_at)]).decode()}"

    @property
    def moment(self) -> datetime:
        """When it was seen."""
        return self.verified_at


AUTHS = ("declared", "os-user", "login")
"""How an actor is known: he said so, the operating system says so, or a calling service logged him in."""


class Actor(NamedTuple):
    """Who writes: id, role where it is known, and how the id is known (declared, os-user or login)."""

    id: str
    role: str | None = None
    auth: str = "declared"


def utc_text(moment: datetime) -> str:
    """Return a moment in UTC with microseconds, in a form that sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def canonical(plain: Any) -> bytes:
    """Return plain values as the bytes that are hashed: JSON, keys in order, UTF-8, no blanks."""
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


_MOMENTS = ("checked_at", "verified_at", "started", "ended")


def settled(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plain record as it is compared: one instant is the same whatever the offset it is written in."""
    moments = {name: utc_text(datetime.fromisoformat(record[name])) for name in _MOMENTS if name in record}
    return {**record, **moments}


class Fault(NamedTuple):
    """What is wrong in one field of a record."""

    field: str
    fault: str
    remedy: str


class Part(NamedTuple):
    """What could be read of a faulty record; `faulty` names the fields that hold nothing that was said."""

    entry: Check | Verification
    faulty: frozenset[str] = frozenset()


class Draft(NamedTuple):
    """A record on its way to the ledger: what was read, where it stood, and what was wrong with it already.

    `lines` are the lines of the file it came from and `source` the SHA-256 of that file, where there is one;
    `rows` gives the line of each finding that stands on one of its own; `part` is what could be read of a faulty one.
    """

    entry: Check | Verification | None
    where: Where
    problems: tuple[Problem, ...] = ()
    lines: tuple[int, ...] = ()
    source: str | None = None
    rows: Mapping[str, int] | None = None
    part: Part | None = None

    def problem(self, fault: Fault) -> Problem:
        """Return a fault of this record with the place where it stands."""
        return located(self.where, fault, self.rows)


def located(where: Where, fault: Fault, rows: Mapping[str, int] | None = None) -> Problem:
    """Return a fault as a problem; one of a finding that stands on a line of its own is placed there."""
    finding, _, field = fault.field.partition(".")
    line = (rows or {}).get(finding)
    if line is not None:
        return Problem(Where(where.file, line, None, f"finding.{field}".rstrip(".")), fault.fault, fault.remedy)
    return Problem(Where(where.file, where.line, where.column, fault.field or None), fault.fault, fault.remedy)


Kind = type[Check] | type[Verification]


def kind_of(values: Mapping[str, Any]) -> Kind:
    """Tell a verification from a check by its fields."""
    return Verification if not values.keys().isdisjoint(("finding", "verifier", "verified_at")) else Check


class Faulty(NamedTuple):
    """Everything that is wrong with a record, and what could be read of it all the same."""

    faults: list[Fault]
    part: Part | None


def read(kind: Kind, values: Mapping[str, Any]) -> Check | Verification | Faulty:
    """Return a record as an entry, or what is wrong with it and what could be read."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        said = _without_nulls(values)
        if said != values:
            return read(kind, said)
        return _partly(kind, said, error.errors(include_url=False))


_ROUNDS = 3
# What stands in for a needed field, so that the others can be read; nobody judges it.
_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
_STAND_INS: Mapping[Kind, Mapping[str, Any]] = {
    Check: {"id": "x", "project": "x", "point": "x", "role": "x", "checked_at": _MOMENT},
    Verification: {"finding": "x", "verifier": "x", "verified_at": _MOMENT, "outcome": "open"},
}
_INNER_STAND_INS: Mapping[str, Any] = {"kind": "suggestion", "name": "x", "value": "0"}


def _partly(kind: Kind, values: dict[str, Any], errors: list[ErrorDetails]) -> Faulty:
    """Leave out what is faulty until the rest can be read; what comes to light on the way is faulty too."""
    faults: list[Fault] = []
    faulty: set[str] = set()
    for number in range(_ROUNDS):
        told = {fault.field for fault in faults}
        faults += [fault for fault in (_fault(kind, one) for one in errors) if fault.field not in told]
        # Backwards, so that the places of a list that come first stay what they were.
        for one in reversed(errors):
            path = [part for part in one["loc"] if part != "[key]"][: None if number == 0 else 1]
            if len(path) == 1:
                faulty.add(str(path[0]))
            values = _left_out(values, path, _STAND_INS[kind])
        try:
            return Faulty(faults, Part(kind.model_validate(values), frozenset(faulty)))
        except ValidationError as error:
            errors = error.errors(include_url=False)
    return Faulty(faults, None)


def _left_out(values: dict[Any, Any], path: list[Any], needed: Mapping[str, Any]) -> dict[Any, Any]:
    """Return an object without what stands at a path, and with something in place of what it needs."""
    name, rest = path[0] if path else "", path[1:]
    inner = values.get(name)
    if name == "findings" and not rest and isinstance(inner, (list, tuple)) and all(type(one) is dict for one in inner):
        # Their numbers repeat, or there are too many of them.
        free = [{key: value for key, value in one.items() if key != "no"} for one in inner[: fields.MAX_LIST]]
        return {**values, name: free}
    if rest and isinstance(inner, dict):
        return {**values, name: _left_out(inner, rest, _INNER_STAND_INS)}
    if rest and isinstance(inner, (list, tuple)) and isinstance(rest[0], int) and rest[0] < len(inner):
        at, deeper = rest[0], rest[1:]
        one = inner[at]
        kept = [_left_out(one, deeper, _INNER_STAND_INS)] if deeper and isinstance(one, dict) else []
        if name == "findings" and not kept:
            kept = [{"kind": _INNER_STAND_INS["kind"]}]
        return {**values, name: [*inner[:at], *kept, *inner[at + 1 :]]}
    left = {key: value for key, value in values.items() if key != name}
    return {**left, name: needed[name]} if name in needed else left


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out nulls, which say as much as keys that are missing, in a record and in the objects of its lists."""
    return {
        name: [_without_nulls(item) if type(item) is dict else item for item in value]
        if type(value) is list and value and type(value[0]) is dict
        else value
        for name, value in values.items()
        if value is not None
    }


def _names(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


CHECK_FIELDS, FINDING_FIELDS, VERIFICATION_FIELDS = _names(Check), _names(Finding), _names(Verification)
_INNER: Mapping[str, type[Entry]] = {"findings": Finding, "evidence": Evidence, "readings": Reading}


def _fields_at(kind: Kind, path: list[Any]) -> tuple[str, ...]:
    """Return the fields that an object at a path may have."""
    words = [part for part in path[:-1] if isinstance(part, str)]
    return _names(_INNER.get(words[-1], kind)) if words else _names(kind)


_REMEDIES: Mapping[str, str] = {
    "findings": say('write [{{"kind": ...}}]'),
    "readings": say('write [{{"value": ...}}]'),
    "result": say("leave it empty when all is in order; na where there was nothing to look at"),
}


def _fault(kind: Kind, error: ErrorDetails) -> Fault:
    path = [part for part in error["loc"] if part != "[key]"]
    field = _dotted(path)
    name = str(path[-1]) if path else ""
    match error["type"]:
        case "qpi":
            fault, remedy = error["ctx"]["fault"], error["ctx"]["remedy"]
            return Fault(field, fault, _REMEDIES.get(name, remedy) if fault == fields.NO_LIST else remedy)
        case "missing":
            return Fault(field, say("is missing"), say("add {name}", name=name))
        case "extra_forbidden":
            return Fault(field, say("is no field of a record"), text.instead(name, _fields_at(kind, path)))
        case "literal_error":
            expected = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            given = error["input"] if isinstance(error["input"], str) else ""
            remedy = _REMEDIES.get(field) or text.instead(given[:60], expected)
            return Fault(field, say("{value} is unknown", value=fields.shown(error["input"])), remedy)
        case "string_pattern_mismatch" | "string_type":
            fault = say("{value} is no element's number", value=fields.shown(error["input"]))
            return Fault(field, fault, say('write "1", "2", ...'))
        case "string_unicode":
            fault = say("{value} holds half a character", value=fields.shown(error["input"]))
            return Fault(field, fault, say("write it again"))
        case "tuple_type" | "list_type":
            return Fault(field, fields.NO_LIST, say("write [...]"))
        case "model_type" | "dict_type" | "model_attributes_type":
            return Fault(field, say("an object is expected"), say('write {{"...": ...}}'))
        case "invalid_key":
            return Fault(field, say("Keys should be strings"), say("see docs/definitions.md"))
        case _:
            return Fault(field, error["msg"], say("see docs/definitions.md"))


def _dotted(path: list[Any]) -> str:
    parts = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{_safe(part)}" for part in path)
    return parts.lstrip(".")


def _safe(name: Any) -> str:
    """Return the name of a field as a message shows it; it may be a stranger's."""
    return name if isinstance(name, str) and name.isprintable() and len(name) <= 60 else fields.shown(name)


def iter_findings(check: Check) -> Iterator[tuple[str, Finding]]:
    """Yield the findings of a check with their ids."""
    for finding in check.findings:
        yield f"{check.id}/{finding.no}", finding
