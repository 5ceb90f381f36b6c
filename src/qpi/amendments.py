"""Amendments: what is typed as FIELD=VALUE, laid over a record that is kept."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from qpi import terms
from qpi.drafts import Vocabulary
from qpi.errors import Problem, RecordError, Where
from qpi.jsonlines import decode
from qpi.messages import say

_WHOLE = frozenset({"population", "element", "no"})
_FINDING = re.compile(r"(?:finding\.|问题项)([1-9][0-9]{0,5})(?:\.(\w+))?")
_FIELD = re.compile(r"\w+")


def amended(
    record: Mapping[str, Any], puts: Iterable[str], drops: Iterable[str], words: Vocabulary | None = None
) -> dict[str, Any]:
    """Return a plain record with fields put (`place=3栋`, `finding.2.deduct=0`) and dropped (`place`, `finding.2`).

    Fields and values go by their Chinese names too: `地点=3栋`, `问题项2.扣分值=0`. A value that begins as JSON does is read as
    JSON: `sample=["3-1201"]`. Raises RecordError with every problem.
    """
    changed: dict[str, Any] = json.loads(json.dumps(record))
    problems: list[Problem] = []
    words = words or Vocabulary()
    for one in drops:
        _drop(changed, one.strip(), problems)
    for one in puts:
        name, sign, written = one.partition("=")
        if not sign:
            fault = say("names no value")
            problems.append(Problem(Where(f"--set {one}"), fault, say("write FIELD=VALUE, or --unset FIELD")))
            continue
        _put(changed, name.strip(), written.strip(), words, problems)
    if problems:
        raise RecordError(problems)
    return changed


def _place(record: dict[str, Any], name: str, *, make: bool) -> tuple[dict[str, Any], str | None] | None:
    """Return the object and the key in it that a name means; the key is None for a whole finding."""
    found = _FINDING.fullmatch(name)
    if found is None:
        return (record, _english(name, record)) if _FIELD.fullmatch(name) else None
    number = int(found[1])
    findings = record.setdefault("findings", [])
    if not isinstance(findings, list) or not all(isinstance(finding, dict) for finding in findings):
        return None
    one = next((finding for finding in findings if finding.get("no") == number), None)
    if one is None and make:
        one = {"no": number}
        findings.append(one)
    return None if one is None else (one, found[2] and _OF_FINDINGS.get(found[2], found[2]))


def _english(name: str, record: Mapping[str, Any]) -> str:
    """Return the field that a name of a check or a verification stands for."""
    return (_OF_VERIFICATIONS if "finding" in record else _OF_CHECKS).get(name, name)


_OF_CHECKS, _OF_VERIFICATIONS = terms.names(terms.CHECK_COLUMNS), terms.names(terms.VERIFICATION_COLUMNS)
_OF_FINDINGS = {
    name: field.removeprefix("finding.") for name, field in _OF_CHECKS.items() if field.startswith("finding.")
}


def _put(record: dict[str, Any], name: str, written: str, words: Vocabulary, problems: list[Problem]) -> None:
    place = _place(record, name, make=True)
    if place is None or place[1] is None:
        problems.append(_unknown(f"--set {name}"))
        return
    try:
        value = _value(place[1], written)
    except (ValueError, ArithmeticError, RecursionError):
        fault = say("the value is no JSON")
        problems.append(Problem(Where(f"--set {name}"), fault, say('write a text, or JSON such as ["3-1201"]')))
        return
    inner = "" if place[0] is record else "finding."
    place[0][place[1]] = words.value(f"{inner}{place[1]}", value)


def _value(field: str, written: str) -> Any:
    if field in _WHOLE and re.fullmatch(r"[0-9]{1,10}", written, re.ASCII):
        return int(written)
    return decode(written) if written[:1] in ("[", "{", '"') else written


def _drop(record: dict[str, Any], name: str, problems: list[Problem]) -> None:
    place = _place(record, name, make=False)
    if place is None:
        problems.append(_unknown(f"--unset {name}"))
    elif place[1] is None:
        record["findings"].remove(place[0])
    elif place[0].pop(place[1], None) is None:
        problems.append(Problem(Where(f"--unset {name}"), say("the record has no such field"), say("leave it out")))


def _unknown(where: str) -> Problem:
    remedy = say("write a field of docs/definitions.md, or finding.1.fault for one of finding 1")
    return Problem(Where(where), say("is no field of the record"), remedy)


__all__ = ["amended"]
