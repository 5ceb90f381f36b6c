"""Schema: pydantic types that turn YAML text into values, and pydantic's errors into located problems."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from qpi import calendar, shapes, text
from qpi.document import Document, uncollected
from qpi.errors import Problem
from qpi.messages import said, say


class Frozen(BaseModel):
    """A value that cannot change and has no keys but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=False)


@dataclass(frozen=True, eq=False)
class Spare:
    """What stands in for a required value that is missing, so that its neighbours can be judged."""

    value: Any


def refuse(fault: str, remedy: str, *, lacking: bool = False) -> PydanticCustomError:
    """Return the error that becomes a Problem; `lacking` where it may follow from something that was left out."""
    # The braces keep pydantic from reading the user's own words as a template.
    return PydanticCustomError("qpi", "{fault}", {"fault": fault, "remedy": remedy, "lacking": lacking})


MAX_VALUE = 200


def read_with(parse: Callable[[str], Any], remedy: str, *, longest: int = MAX_VALUE) -> BeforeValidator:
    """Return a validator that reads text with a function which raises ValueError for a fault."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise refuse(say("one value is expected, not a list and not keys with values"), remedy)
        if len(value) > longest:
            raise refuse(say("{number} characters are too many", number=len(value)), remedy)
        try:
            return parse(value)
        except ValueError as error:
            raise refuse(said(error), _hint(parse, value) or remedy) from error

    return BeforeValidator(read)


def _hint(parse: Callable[[str], Any], value: str) -> str | None:
    """Return the remedy where a value is written in another form than ours, or with signs of full width."""
    if wide := next((sign for sign in "，、；" if sign in value), None):
        return say("did you type {sign} where a comma and a blank belong?", sign=wide)
    if value[:1] in ("［", "【", "｛"):
        return say("did you type {sign} where a bracket of the ordinary width belongs?", sign=value[0])
    for meant in _meant(value):
        try:
            parse(meant)
        except ValueError:
            continue
        return say("write {text}", text=text.shown(meant))
    return None


def _meant(value: str) -> Iterator[str]:
    """Yield what somebody may have meant: ordinary width, a percentage, a day or a frequency in another form."""
    if (narrow := text.normal(value)) != value:
        yield narrow
    if re.fullmatch(r"[0-9.]+", narrow):
        yield f"{narrow}%"
    if len(parts := re.findall(r"[0-9]+", narrow)) == 3:
        yield "-".join(part.zfill(2) for part in parts)
    yield from calendar.meant_frequency(narrow)


def _filled(value: str) -> str:
    if not value:
        raise ValueError(say("an empty text"))
    return value


def _whole(value: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,8}", value, re.ASCII):
        raise ValueError(say('"{value}" is not a whole number', value=value))
    return int(value)


def _positive(value: str) -> int:
    if (number := _whole(value)) < 1:
        raise ValueError(say('"{value}" is less than 1', value=value))
    return number


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError(say('"{value}" is neither true nor false', value=value))
    return value == "true"


_HUNDREDTHS = re.compile(r"(0|[1-9][0-9]{0,6})(?:\.([0-9]{1,2}))?", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,6})?", re.ASCII)


def hundredths(value: str) -> int:
    """Read an amount of at most two decimals in hundredths; raise ValueError otherwise."""
    match = _HUNDREDTHS.fullmatch(value)
    if not match:
        if re.fullmatch(r"0[0-9]+(\.[0-9]*)?", value):
            raise ValueError(say('"{value}" begins with a needless 0', value=value))
        raise ValueError(say('"{value}" is not a number from 0 to 9999999 with at most two decimals', value=value))
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def _decimal(value: str) -> Decimal:
    if not _DECIMAL.fullmatch(value):
        raise ValueError(say('"{value}" is not a number', value=value))
    return Decimal(value)


def _day(value: str) -> date:
    return known_year(calendar.parse_day(value))


def known_year(day: date) -> date:
    """Return a day that lies in the years that definitions may name; raise ValueError for another."""
    if not 1970 <= day.year <= 2200:
        raise ValueError(say("{value} lies outside the years 1970 to 2200", value=day))
    return day


def _code(value: str) -> str:
    code = text.normal(value)
    if fault := text.code_fault(code):
        raise ValueError(fault)
    return code


def _id(value: str) -> str:
    name = text.normal(value)
    if fault := text.id_fault(name):
        raise ValueError(fault)
    return name


_WORD = re.compile(r"[^\W\d][\w-]{0,63}")


def _word(value: str) -> str:
    if not _WORD.fullmatch(value) or unicodedata.normalize("NFKC", value) != value:
        raise ValueError(say('"{value}" is not a word', value=value))
    return value


def listed(value: Any) -> Any:
    """Take a single text for a list of one."""
    return [value] if isinstance(value, str) else value


MAX_TEXT = 20_000
Text = Annotated[
    str,
    read_with(_filled, say("write a text or take the key out"), longest=MAX_TEXT),
    Spare("?"),
    shapes.Shape({"type": [*shapes.SCALAR], "minLength": 1, "maxLength": MAX_TEXT, "pattern": text.CLEAN_PATTERN}),
]
Whole = Annotated[
    int,
    read_with(_whole, say("write a whole number from 0")),
    shapes.typed("^(0|[1-9][0-9]{0,8})$", numbers={"type": "integer", "minimum": 0, "maximum": 999999999}),
]
Positive = Annotated[
    int,
    read_with(_positive, say("write a whole number from 1")),
    Spare("1"),
    shapes.typed("^[1-9][0-9]{0,8}$", numbers={"type": "integer", "minimum": 1, "maximum": 999999999}),
]
Flag = Annotated[bool, read_with(_flag, say("write true or false")), shapes.chosen(True, False, "true", "false")]
Hundredths = Annotated[
    int,
    read_with(hundredths, say("write a number such as 10 or 2.5")),
    shapes.typed(r"^(0|[1-9][0-9]{0,6})(\.[0-9]{1,2})?$", numbers={"minimum": 0, "maximum": 9999999.99}),
]
Number = Annotated[
    Decimal,
    read_with(_decimal, say("write a number such as 5 or -2.5")),
    shapes.typed(
        r"^-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$", numbers={"minimum": -999999999.999999, "maximum": 999999999.999999}
    ),
]
Day = Annotated[
    date, read_with(_day, say("write a day such as 2026-07-01")), Spare("2000-01-01"), shapes.typed(shapes.DAY_PATTERN)
]
Code = Annotated[
    str,
    read_with(_code, text.CODE_REMEDY),
    Spare("SPARE"),
    shapes.typed(
        r"^[０-９Ａ-Ｚａ-ｚ．＿A-Za-z0-9._‐‑‒–—―−－﹘﹣-]{1,64}$", numbers={}, longest=text.MAX_CODE, words=True
    ),
]
Id = Annotated[
    str,
    read_with(_id, say("write an id of letters and digits such as P01")),
    Spare("SPARE"),
    shapes.Shape({"type": [*shapes.SCALAR], "minLength": 1, "maxLength": text.MAX_ID, "pattern": text.CLEAN_PATTERN}),
]
Word = Annotated[
    str,
    read_with(_word, say("write a word of letters, digits, - and _, with a letter first")),
    Spare("spare"),
    shapes.typed(shapes.WORD_PATTERN, longest=64, words=True),
]
Share = Annotated[
    Fraction,
    read_with(calendar.percent, say("write a percentage such as 75%")),
    Spare("100%"),
    shapes.typed(shapes.PERCENT_PATTERN),
]
Words = Annotated[tuple[Text, ...], BeforeValidator(listed), shapes.ONE_OR_MORE]


def unrepeated(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse a list in which a value stands twice."""
    seen = set()
    for value in values:
        if value in seen:
            raise refuse(say('"{value}" stands twice', value=value), say("keep one of the two"))
        seen.add(value)
    return values


def some(values: Any) -> Any:
    """Refuse a list or mapping that is empty."""
    if not values:
        raise refuse(say("nothing is listed"), say("write at least one, or take the key out"), lacking=True)
    return values


Choice = Annotated[
    tuple[Word, ...], BeforeValidator(listed), AfterValidator(unrepeated), shapes.UNREPEATED, shapes.ONE_OR_MORE
]
"""Words out of which one is shapes.chosen; an empty list, which a point may set against its group's, leaves all free."""
Scope = dict[
    Word, Annotated[tuple[Text, ...], BeforeValidator(listed), AfterValidator(some), shapes.SOME, shapes.ONE_OR_MORE]
]
"""Attributes and the values of each that fit; without any, which a point may set against its group's, all fit."""
Match = Annotated[Scope, AfterValidator(some), Spare({"spare": ["spare"]}), shapes.SOME]
"""The same with at least one attribute."""


def matches(wanted: Mapping[str, tuple[str, ...]] | None, attributes: Mapping[str, str]) -> bool:
    """Say whether every wanted attribute is there with one of its values; nothing wanted fits all."""
    return all(attributes.get(name) in values for name, values in (wanted or {}).items())


Model = TypeVar("Model", bound=BaseModel)
Path = tuple[Any, ...]


class Loaded(NamedTuple, Generic[Model]):
    """A document as a model with every problem.

    Where there is a problem, the model lacks what is wrong or holds a stand-in for it; `document.lost` names that, so
    that the rest can be judged.
    """

    model: Model | None
    problems: list[Problem]
    document: Document


MAX_ROUNDS = 8
CHINESE_KEYS = {
    "核查标准": "catalogue", "版本": "edition", "标题": "title", "名称": "name", "生效日期": "effective_from",
    "执行日期": "effective_from", "核查层级": "roles", "核查方法": "methods", "方法": "methods", "细分": "groups",
    "类别细分": "groups", "专业": "specialty", "类别": "category", "适用范围": "scope", "除外": "except", "查法": "how",
    "样本": "sample", "抽样": "sample", "频次": "frequency", "核查点": "points", "代码": "code", "要求": "text",
    "指标": "text", "分值": "score", "细项": "elements", "暗访": "mystery_visit", "必查": "executive_check",
    "用时": "minutes", "分钟": "minutes", "单位": "unit", "覆盖面": "share", "编号": "id", "姓名": "name", "项目": "projects",
    "人员": "people", "任职": "posts", "免查": "waivers", "属性": "attributes", "原因": "reason", "批准人": "approved_by",
}  # fmt: skip
"""What people who think in Chinese may write for a key."""


def load(model: type[Model], document: Document) -> Loaded[Model]:
    """Return a document as a model; what is wrong is left out and reported, so that all problems are found at once."""
    problems = list(document.problems)
    for _ in range(MAX_ROUNDS):
        if document.root is None:
            break
        try:
            with uncollected():
                return Loaded(model.model_validate(document.root.value), problems, document)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
        faults = _Faults(model, document, errors)
        problems += faults.problems()
        wrong, spare = faults.wrong(), faults.spare()
        if () in wrong:
            break
        document = document.mended(wrong, spare)
    return Loaded(None, problems, document)


class _Faults:
    """What pydantic finds wrong in a document, in our words."""

    def __init__(self, model: type[BaseModel], document: Document, errors: list[ErrorDetails]) -> None:
        self.model, self.document, self.errors = model, document, errors
        self.unknown: dict[Path, list[str]] = {}
        for error in errors:
            if error["type"] == "extra_forbidden":
                self.unknown.setdefault(_path(error)[:-1], []).append(str(_path(error)[-1]))

    def problems(self) -> Iterator[Problem]:
        """Yield each fault that does not follow from another."""
        for error in self.errors:
            if not self._follows(error):
                yield self._problem(error)

    def wrong(self) -> set[Path]:
        """Return the paths to leave out."""
        paths = {_path(error) for error in self.errors if error["type"] != "missing"}
        return paths | {path[:-1] for path, spare in self._missing() if spare is None}

    def spare(self) -> dict[Path, Any]:
        """Return what stands in for missing values, so that their neighbours are judged."""
        return {path: spare.value for path, spare in self._missing() if spare is not None}

    def _missing(self) -> Iterator[tuple[Path, "Spare | None"]]:
        for error in self.errors:
            if error["type"] == "missing":
                path = _path(error)
                yield path, _spare_for(_fields(_model_at(self.model, path[:-1]))[str(path[-1])])

    def _follows(self, error: ErrorDetails) -> bool:
        """Say whether an error is there only because something else was left out."""
        path = _path(error)
        if error["type"] == "missing":
            node = self.document.at(*path[:-1])
            unknown = self.unknown.get(path[:-1], ())
            meant = text.nearest(str(path[-1]), unknown) or any(CHINESE_KEYS.get(one) == path[-1] for one in unknown)
            return bool(meant) or (node is not None and node.misses(path[-1]))
        return error["type"] == "qpi" and error["ctx"]["lacking"] and bool(self.document.lost(*path))

    def _problem(self, error: ErrorDetails) -> Problem:
        path = _path(error)
        where, label = self.document.where(*path), self._label(path)
        match error["type"]:
            case "qpi":
                context = error["ctx"]
                where = self.document.where(*path, key="[key]" in error["loc"])
                fault = context["fault"]
                if not fault.startswith(label[:-2]):
                    fault = say("{label}{fault}", label=label, fault=fault)
                return Problem(where, fault, context["remedy"])
            case "extra_forbidden":
                known = sorted(_fields(_model_at(self.model, path[:-1])))
                name = str(path[-1])
                where = self.document.where(*path, key=True)
                remedy = text.instead(text.normal(name), known)
                if (meant := CHINESE_KEYS.get(name)) in known:
                    remedy = say("write {text}", text=meant)
                return Problem(where, say('key "{name}" is unknown', name=text.shown(name)), remedy)
            case "missing":
                return Problem(
                    self.document.where(*path[:-1]),
                    say('key "{name}" is missing', name=path[-1]),
                    say("add {name}:", name=path[-1]),
                )
            case "model_type" | "dict_type":
                return Problem(
                    where, say("{label}keys and values are expected", label=label), self._mapping_remedy(path)
                )
            case "list_type" | "tuple_type":
                return Problem(
                    where,
                    say("{label}a list is expected", label=label),
                    say("write [a, b], or lines that begin with a hyphen"),
                )
            case _:
                return Problem(
                    where, say("{label}{fault}", label=label, fault=error["msg"]), say("see docs/definitions.md")
                )

    def _label(self, path: Path) -> str:
        names = [part for part in self.document.reached(*path) if isinstance(part, str)]
        return f"{text.shown(names[-1])}: " if names else ""

    def _mapping_remedy(self, path: Path) -> str:
        node = self.document.at(*path)
        if node and isinstance(node.value, str) and "：" in node.value:
            return say("did you type {sign} where a colon and a blank belong?", sign="：")
        return say("write key: value, one blank after the colon")


def _path(error: ErrorDetails) -> Path:
    return tuple(part for part in error["loc"] if part != "[key]")


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model by the keys that stand for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """Return the model that is expected at a path."""
    for part in path:
        field = _fields(model).get(part) if isinstance(part, str) else None
        model = (field and _model_in(field.annotation)) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _spare_for(field: FieldInfo) -> "Spare | None":
    if get_origin(field.annotation) is tuple:
        return Spare([])
    return next((one for one in field.metadata if isinstance(one, Spare)), None)


def digest(plain: Any) -> str:
    """Return the SHA-256 of content in hex; layout, comments, quotes and the order of keys do not matter."""
    body = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()
