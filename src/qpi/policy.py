"""Policy: the settings of the indicators, each with the default of docs/indicators.md."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from qpi import calendar, schema, shapes, text
from qpi.checklist import Checklists
from qpi.document import Document
from qpi.errors import Problem
from qpi.messages import say
from qpi.schema import Frozen, Positive, Share, Text, Whole

FINDING_KINDS = ("suggestion", "rectification", "deduction")
CHECK_KINDS = ("routine", "special", "mystery")
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
CHECK_FIELDS = (
    "inspector", "checked_at", "place", "method", "sample", "evidence", "sample_or_evidence", "population", "visit",
    "started", "ended", "companions", "position", "weather", "theme", "readings", "elements", "plan",
)  # fmt: skip
FINDING_FIELDS = (
    "fault", "advice", "handling", "verify_on", "class", "responsible", "due", "place", "sample", "evidence", "element",
)  # fmt: skip
FLOORS = {
    "frequency_completion": Fraction(3, 4),
    "closure": Fraction(1),
    "traceability": Fraction(1),
    "method_conformity": Fraction(1),
    "suggestion_ratio": Fraction(1, 20),
    "rectification_ratio": Fraction(1, 20),
    "deduction_ratio": Fraction(1, 20),
}


def _one_of(*words: str) -> BeforeValidator:
    def choose(value: Any) -> Any:
        if not isinstance(value, str):
            raise schema.refuse(say("one word is expected"), text.instead("", words))
        if value not in words:
            raise schema.refuse(
                say('"{value}" is unknown', value=text.shown(value)), text.instead(text.normal(value), words)
            )
        return value

    return BeforeValidator(choose)


def _some_of(*words: str, least: int = 0) -> Any:
    return Annotated[
        tuple[Annotated[str, _one_of(*words), shapes.chosen(*words)], ...],
        BeforeValidator(schema.listed),
        AfterValidator(schema.unrepeated),
        shapes.UNREPEATED,
        shapes.Shape(lambda many: {**many, "minItems": least}),
        shapes.ONE_OR_MORE,
    ]


def _floor(value: str) -> Fraction | None:
    """Read a percentage, or `none` where an indicator shall have no floor; raise ValueError otherwise."""
    return None if value == "none" else calendar.percent(value)


Floor = Annotated[
    Fraction | None,
    schema.read_with(_floor, say("write a percentage such as 75%, or none")),
    shapes.typed(f"^none$|{shapes.PERCENT_PATTERN}"),
]
_FLOOR_FIELDS: dict[str, Any] = {name: (Floor, FLOORS.get(name)) for name in INDICATORS}
Floors: Any = create_model("Floors", __base__=Frozen, **_FLOOR_FIELDS)


class Closure(Frozen):
    """Which findings the closure counts, and whether those raised or those due in the period."""

    kinds: Annotated[_some_of(*FINDING_KINDS, least=1), AfterValidator(schema.some)] = ("suggestion", "deduction")  # type: ignore[valid-type]
    population: Annotated[Literal["raised", "due"], _one_of("raised", "due")] = "raised"


class Traceability(Frozen):
    """The fields that make a check traceable."""

    check: _some_of(*CHECK_FIELDS) = ("inspector", "checked_at", "place", "method", "sample_or_evidence")  # type: ignore[valid-type]
    finding: _some_of(*FINDING_FIELDS) = ("fault", "advice", "handling", "verify_on")  # type: ignore[valid-type]


class EvidenceFiles(Frozen):
    """How large an evidence file may be: in millions of bytes, and an image in millions of pixels."""

    megabytes: Positive = 20
    megapixels: Positive = 60


class Grade(Frozen):
    """A band of the score rate: from this share upwards; `text` says what service of this grade is like."""

    from_: Share = Field(alias="from")
    name: Text
    text: Text | None = None


GRADES = tuple(
    Grade.model_validate({"from": share, "name": name, "text": text})
    for share, name, text in (
        (
            "95%",
            "优质",
            "服务人员主动热情，服务项目齐全、细处到位，客户的实际问题得到解决，日常使用感受明显提升并普遍认可。",
        ),
        ("85%", "良好", "服务人员友好耐心，诉求有及时回应，约定的基本项目都已做到，项目秩序和客户日常需要有保障。"),
        ("70%", "一般", "服务态度平淡，诉求回应偏慢，只完成基本项目而细处欠缺，客户感受不到服务有改善。"),
        ("0%", "较差", "服务态度生硬或不理会诉求，基本项目做不完整，客户的居住和办公已受到明显影响，须限期整改。"),
    )
)


def _days(value: Any) -> Any:
    if isinstance(value, str):
        return {"*": value}
    return value


class Policy(Frozen):
    """How a department reads the indicators."""

    floors: Floors = Floors()
    overfulfilment: Annotated[Literal["credited", "raw"], _one_of("credited", "raw")] = "credited"
    days: Annotated[
        dict[str, Annotated[Literal["calendar", "working"], _one_of("calendar", "working")]],
        BeforeValidator(_days),
        shapes.Shape(lambda by_role: {"anyOf": [by_role["additionalProperties"], by_role]}),
    ] = Field({"*": "calendar"})
    counts_for_duty: Annotated[_some_of(*CHECK_KINDS, least=1), AfterValidator(schema.some)] = CHECK_KINDS  # type: ignore[valid-type]
    closure: Closure = Closure()
    verification_by: Annotated[
        Literal["not_responsible", "not_inspector"], _one_of("not_responsible", "not_inspector")
    ] = "not_responsible"
    traceability: Traceability = Traceability()
    mix_minimum: Whole = 60
    close_after: Annotated[Whole, Field(le=366)] = 5
    score_floor: Annotated[Literal["zero", "none"], _one_of("zero", "none")] = "zero"
    grades: tuple[Grade, ...] = GRADES
    evidence: EvidenceFiles = EvidenceFiles()

    def floor(self, indicator: str) -> Fraction | None:
        """Return the floor of an indicator, or None."""
        found: Fraction | None = getattr(self.floors, indicator)
        return found

    def bounds(self, indicator: str) -> list[Fraction]:
        """Return what a rate below it is never shown to have reached: the floor, and of the score the grades."""
        floor = self.floor(indicator)
        grades = [grade.from_ for grade in self.grades] if indicator == "score_rate" else []
        return grades if floor is None else [floor, *grades]

    def working(self, role: str) -> bool:
        """Say whether a daily duty of a role has a window on working days only."""
        return self.days.get(role, self.days.get("*", "calendar")) == "working"

    def grade(self, rate: Fraction | None) -> str | None:
        """Return the name of the band that an exact score rate lies in, or None."""
        if rate is None:
            return None
        return next((grade.name for grade in self.grades if rate >= grade.from_), None)


def build(document: Document, checklists: Checklists | None) -> tuple[Policy | None, list[Problem]]:
    """Return the policy that a document holds, or None, and every problem."""
    policy, problems, document = schema.load(Policy, document)
    if policy is not None:
        problems += _falling(policy, document)
        if checklists is not None:
            problems += _roles(policy, document, checklists)
    return policy, problems


def _falling(policy: Policy, document: Document) -> Iterator[Problem]:
    """Yield a grade that does not begin below the one before it."""
    if document.lost("grades"):
        return
    for i, (better, worse) in enumerate(pairwise(policy.grades)):
        faulty = "from" in document.lost("grades", i) or "from" in document.lost("grades", i + 1)
        if better.from_ <= worse.from_ and not faulty:
            where = document.where("grades", i + 1, "from")
            yield Problem(where, say("grades do not fall"), say("write the best first"))


def _roles(policy: Policy, document: Document, checklists: Checklists) -> Iterator[Problem]:
    for role in policy.days:
        if role != "*" and text.strange(role, checklists.known_roles, checklists.roles):
            where = document.where("days", role, key=True)
            yield Problem(where, say('role "{name}" is unknown', name=role), text.named(role, checklists.role_titles))


__all__ = [
    "CHECK_KINDS",
    "FINDING_KINDS",
    "FLOORS",
    "INDICATORS",
    "Closure",
    "EvidenceFiles",
    "Floors",
    "Grade",
    "Policy",
    "build",
]
