"""JSON Lines: one check with its findings, or one verification, on each line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn

from qpi import drafts, terms
from qpi.drafts import Intake, Vocabulary
from qpi.entries import CHECK_FIELDS, FINDING_FIELDS, VERIFICATION_FIELDS, Draft, Fault, Kind, Verification, kind_of
from qpi.errors import Problem, Where
from qpi.fields import shown
from qpi.messages import say

MAX_LINE = 2**20


def intake(content: str, file: str, digest: str, words: Vocabulary) -> Intake:
    """Return the lines of a file as drafts that are read as they are asked for."""
    lines = content.split("\n")

    def read() -> Iterator[Draft]:
        for number, line in enumerate(lines, 1):
            if line and not line.isspace():
                yield _line(line, Where(file, number), digest, words)

    def reject(refused: Sequence[Draft], _language: str = "en", /) -> str:
        numbers = sorted({number for draft in refused for number in draft.lines})
        return "".join(f"{lines[number - 1].rstrip()}\n" for number in numbers)

    return Intake(file, digest, read(), reject, [])


class _Repeated(ValueError):
    """A key stands twice in one JSON object."""


class _Constant(ValueError):
    """NaN or Infinity, which JSON does not have."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(shown(next(name for name in names if names.count(name) > 1)))
    return values


def _constant(name: str) -> NoReturn:
    raise _Constant(name)


_REASONS = (
    say("Expecting value"),
    say("Expecting property name enclosed in double quotes"),
    say("Expecting ':' delimiter"),
    say("Expecting ',' delimiter"),
    say("Illegal trailing comma before end of object"),
    say("Illegal trailing comma before end of array"),
    say("Unterminated string starting at"),
    say("Invalid control character at"),
    say("Invalid \\escape"),
    say("Invalid \\uXXXX escape"),
    say("Extra data"),
)
"""What the parser says of text that is not JSON, in its words, so that it can be said in another language."""
decode = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=Decimal, parse_constant=_constant).decode
"""Reads JSON as strangers' records are read: no key twice, decimals as they are written, no NaN."""


def _line(line: str, where: Where, digest: str, words: Vocabulary) -> Draft:
    if len(line) > MAX_LINE:
        fault = say("a line of {number} characters", number=len(line))
        return _broken(where, digest, fault, say("write one record on a line"))
    try:
        values = decode(line)
    except _Repeated as error:
        return _broken(where, digest, say("key {key} stands twice", key=str(error)), say("keep one of the two"))
    except _Constant as error:
        fault = say("{value} is no number of JSON", value=str(error))
        return _broken(where, digest, fault, say("write a number or leave the field out"))
    except json.JSONDecodeError as error:
        remedy = say("write one whole JSON object on each line")
        if error.pos >= len(line.rstrip()) or "Unterminated" in error.msg:
            remedy = say("write one whole JSON object on each line; the line may be cut off")
        reason = next((known for known in _REASONS if known == error.msg), error.msg)
        place = Where(where.file, where.line, error.colno)
        return _broken(place, digest, say("not JSON: {reason}", reason=reason), remedy)
    except (ValueError, ArithmeticError, RecursionError) as error:
        fault = say("not JSON that can be read ({kind})", kind=type(error).__name__)
        return _broken(where, digest, fault, say("write it flatter and shorter"))
    if not isinstance(values, dict):
        return _broken(where, digest, say("is no object"), say("write one JSON object on each line, not a list"))
    kind, values, faults = _sorted_out(values, words)
    return drafts.read(kind, values, where, (where.line or 0,), digest, faults)


def _broken(where: Where, digest: str, fault: str, remedy: str) -> Draft:
    place = Where(where.file, where.line)
    return Draft(None, place, (Problem(where, fault, remedy),), (where.line or 0,), digest)


_OURS = frozenset((*CHECK_FIELDS, *VERIFICATION_FIELDS))
_OUR_FINDINGS = frozenset(FINDING_FIELDS)


def _sorted_out(values: dict[str, Any], words: Vocabulary) -> tuple[Kind, dict[str, Any], list[Fault]]:
    """Tell a check from a verification, and give fields and values their English names."""
    faults: list[Fault] = []
    if words.columns or not values.keys() <= _OURS or not _inner_names(values) <= _OUR_FINDINGS:
        values = _renamed(values, words, faults)
    kind = kind_of(values)
    if kind is Verification:
        mixed = sorted(values.keys() & {"id", "point", "checked_at", "findings"})
        if mixed:
            fault = say("a verification holds {fields} of a check", fields=", ".join(mixed))
            faults.append(Fault("finding", fault, say("write check and verification on lines of their own")))
            values = {name: value for name, value in values.items() if name not in mixed}
    return kind, _translated(values, words), faults


_CHECK_NAMES = {**terms.names(terms.CHECK_COLUMNS), "问题项": "findings"}
_VERIFICATION_NAMES = terms.names(terms.VERIFICATION_COLUMNS)
_FINDING_NAMES = {
    **{name: ours for name, ours in _CHECK_NAMES.items() if ours in ("sample", "place", "evidence")},
    **{
        name: ours.removeprefix("finding.")
        for name, ours in _CHECK_NAMES.items()
        if ours.startswith("finding.") and name != ours
    },
}


def _inner_names(values: Mapping[str, Any]) -> set[str]:
    """Return the keys that the findings of a record have."""
    findings = values.get("findings")
    return {name for one in findings if isinstance(one, dict) for name in one} if isinstance(findings, list) else set()


def _renamed(values: dict[str, Any], words: Vocabulary, faults: list[Fault]) -> dict[str, Any]:
    # A check calls the list of its findings 问题项, a verification the one that it looks at.
    verifies = isinstance(values.get("问题项"), str) or any(
        words.columns.get(name, _VERIFICATION_NAMES.get(name)) in ("verifier", "verified_at") for name in values
    )
    known = {**(_VERIFICATION_NAMES if verifies else _CHECK_NAMES), **words.columns}
    renamed = _keys(values, known, "", faults)
    findings = renamed.get("findings")
    if isinstance(findings, list):
        renamed["findings"] = [
            _keys(one, _FINDING_NAMES, f"findings[{i}].", faults) if isinstance(one, dict) else one
            for i, one in enumerate(findings, 1)
        ]
    return renamed


def _keys(values: dict[str, Any], known: Mapping[str, str], path: str, faults: list[Fault]) -> dict[str, Any]:
    """Give keys their English names, and report two that mean the same field."""
    renamed: dict[str, Any] = {}
    before: dict[str, str] = {}
    for name, value in values.items():
        ours = known.get(name, name)
        if ours in renamed:
            fault = say("{one} and {other} are both {field}", one=shown(before[ours]), other=shown(name), field=ours)
            faults.append(Fault(f"{path}{ours}", fault, say("keep one of the two")))
        renamed[ours], before[ours] = value, name
    return renamed


_WORDS = ("kind", "outcome", "result", "role", "method")


def _translated(values: dict[str, Any], words: Vocabulary) -> dict[str, Any]:
    """Give Chinese values of fixed words their English ones."""
    changed: dict[str, Any] = {}
    for name in _WORDS:
        value = values.get(name)
        if isinstance(value, str) and not value.isascii():
            changed[name] = words.value(name, value)
    findings = values.get("findings")
    if isinstance(findings, list):
        changed["findings"] = [
            {**one, "kind": words.value("finding.kind", one["kind"])}
            if isinstance(one, dict) and "kind" in one
            else one
            for one in findings
        ]
    elements = values.get("elements")
    if isinstance(elements, dict):
        changed["elements"] = {number: words.value("elements", value) for number, value in elements.items()}
    return {**values, **changed} if changed else values
