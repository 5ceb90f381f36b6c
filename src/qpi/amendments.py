"""Amendments: what is typed as FIELD=VALUE, laid over a record that is kept."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from qpi.errors import Problem, RecordError, Where
from qpi.messages import say

_WHOLE = frozenset({"population", "element", "no"})
_FINDING = re.compile(r"finding\.([1-9][0-9]{0,5})(?:\.(\w+))?")
_FIELD = re.compile(r"\w+")


def amended(record: Mapping[str, Any], puts: Iterable[str], drops: Iterable[str]) -> dict[str, Any]:
    """Return a plain record with fields put (`place=3栋`, `finding.2.deduct=0`) and dropped (`place`, `finding.2`).

    A value that begins as JSON does is read as JSON: `sample=["3-1201"]`. Raises RecordError with every problem.
    """
    changed: dict[str, Any] = json.loads(json.dumps(record))
    problems: list[Problem] = []
    for one in drops:
        _drop(changed, one.strip(), problems)
    for one in puts:
        name, sign, written = one.partition("=")
        if not sign:
            fault = say("names no value")
            problems.append(Problem(Where(f"--set {one}"), fault, say("write FIELD=VALUE, or --unset FIELD")))
            continue
        _put(changed, name.strip(), written.strip(), problems)
    if problems:
        raise RecordError(problems)
    return changed


def _place(record: dict[str, Any], name: str, *, make: bool) -> tuple[dict[str, Any], str | None] | None:
    """Return the object and the key in it that a name means; the key is None for a whole finding."""
    if _FIELD.fullmatch(name):
        return record, name
    found = _FINDING.fullmatch(name)
    if found is None:
        return None
    number = int(found[1])
    findings = record.setdefault("findings", [])
    one = next((finding for finding in findings if finding.get("no") == number), None)
    if one is None and make:
        one = {"no": number}
        findings.append(one)
    return None if one is None else (one, found[2])


def _put(record: dict[str, Any], name: str, written: str, problems: list[Problem]) -> None:
    place = _place(record, name, make=True)
    if place is None or place[1] is None:
        problems.append(_unknown(f"--set {name}"))
        return
    try:
        value = _value(place[1], written)
    except ValueError:
        fault = say("the value is no JSON")
        problems.append(Problem(Where(f"--set {name}"), fault, say('write a text, or JSON such as ["3-1201"]')))
        return
    place[0][place[1]] = value


def _value(field: str, written: str) -> Any:
    if field in _WHOLE and re.fullmatch(r"[0-9]{1,10}", written, re.ASCII):
        return int(written)
    return json.loads(written) if written[:1] in ("[", "{", '"') else written


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
