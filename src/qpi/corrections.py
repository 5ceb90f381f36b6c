"""Corrections: what may take the place of an entry, which stays readable for ever."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from qpi import entries, fields, rules
from qpi.chain import Link
from qpi.definitions import Definitions
from qpi.differences import recorded_and_given, title, unlike
from qpi.entries import Check, Draft, Fault, Verification, iter_findings, settled
from qpi.errors import Problem, RecordError, UsageError, Where
from qpi.ledger import Item, Ledger, Writer
from qpi.messages import say
from qpi.rules import Raised
from qpi.stamp import Stamp

CORRECTED = ("check", "verification")
"""Kinds of entries that can be corrected and voided."""
Target = int | str
"""The number of an entry, or the id of a check."""


class Change(NamedTuple):
    """What shall take the place of an entry: a record, or nothing where the entry is void."""

    target: Target
    draft: Draft | None


def record_of(link: Link) -> dict[str, Any]:
    """Return what an entry records, as plain values."""
    record: dict[str, Any] = orjson.loads(link.body)["record"]
    return record


def versions(ledger: Ledger, target: Target) -> list[Link]:
    """Return every version of what an entry's number or a check's id names, first to last.

    Raises RecordError where there is no such entry, or one that is never corrected.
    """
    seq = target if isinstance(target, int) else _entry_of(ledger, target)
    found = [] if seq is None else ledger.versions(seq)
    if not found:
        raise RecordError([absent(ledger, target)])
    where, kind = _where(target), found[0].kind
    if kind not in CORRECTED:
        remedy = say("name the entry of a check or a second verification")
        raise RecordError([Problem(where, say("is of kind {kind}, which is never corrected", kind=kind), remedy)])
    return found


def target_of(ledger: Ledger, written: str) -> Target:
    """Return what a person means by the number of an entry or the id of a check; `entry:17` and `check:17` say which.

    Raises UsageError where both are there.
    """
    if _entry_of(ledger, written) is None:
        kind, _, rest = written.partition(":")
        if kind == "check" and rest:
            return rest
        number = rest if kind == "entry" else written
        return int(number) if _NUMBER.fullmatch(number) else written
    if _NUMBER.fullmatch(written) and ledger.entry(int(written)) is not None:
        fault = say("{written} is the number of an entry and the id of a check; write entry:{written} or check:{written}",
                    written=written)  # fmt: skip
        raise UsageError(fault)
    return written


_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)


def absent(ledger: Ledger, target: Target) -> Problem:
    """Return what is said of an entry that is not there."""
    fault = say("there is none; the last entry is {last}", last=ledger.position().seq)
    return Problem(_where(target), fault, say("find its number with qpi ledger history"))


def _entry_of(ledger: Ledger, check: str) -> int | None:
    key = f"check:{check}"
    there = ledger.known([key]).get(key)
    return None if there is None else there[0]


def _where(target: Target) -> Where:
    if isinstance(target, int):
        return Where(say("entry {entry}", entry=target))
    return Where(say("check {name}", name=target))


def of_draft(ledger: Ledger, draft: Draft) -> Change:
    """Return a record of a file as what shall take the place of the one that its id names."""
    entry = draft.entry
    if entry is None:
        return Change("", draft)
    there = ledger.known([entry.key]).get(entry.key)
    if there is None and isinstance(entry, Check):
        return Change(entry.id, draft)
    if there is None:
        fault = say("{record} is not recorded", record=title(entry.key))
        remedy = say("name its entry: qpi correct ENTRY --set verifier=..., or import it")
        return Change("", draft._replace(problems=(*draft.problems, draft.problem(Fault("", fault, remedy)))))
    # By number, so that what somebody else writes meanwhile is not written over.
    return Change(ledger.versions(there[0])[-1].seq, draft)


class Corrections:
    """Puts entries in the place of others within one transaction; what is wrong is gathered in `problems`."""

    def __init__(
        self, ledger: Ledger, writer: Writer, definitions: Definitions, stamp: Stamp, reason: str, now: datetime
    ) -> None:
        self._ledger, self._writer, self._definitions, self._stamp = ledger, writer, definitions, stamp
        self._reason, self._now, self._recorded = reason, now, entries.utc_text(now)
        self._changed: dict[int, Draft | None] = {}
        self.recorded = 0
        self.already = 0
        self.refused: list[Draft] = []
        self.problems: list[Problem] = []

    def put(self, change: Change) -> None:
        """Append what takes the place of an entry, or note why it cannot."""
        try:
            problems = self._void(change.target) if change.draft is None else self._correct(change.target, change.draft)
        except RecordError as error:
            problems = error.problems
        self.problems += problems
        if problems and change.draft is not None:
            self.refused.append(change.draft._replace(problems=tuple(problems)))

    # Voiding

    def _void(self, target: Target) -> list[Problem]:
        found = versions(self._ledger, target)
        last, where = found[-1], _where(target)
        if found[0].seq in self._changed and self._changed[found[0].seq] is not None:
            return [_twice(target)]
        self._changed[found[0].seq] = None
        if last.kind == "void":
            if last.reason == self._reason and target != last.seq:
                self.already += 1
                return []
            fault = say("is void already by entry {entry} ({reason})", entry=last.seq, reason=last.reason)
            return [Problem(where, fault, say("leave it, or bring it back with qpi correct"))]
        if stale := _stale(target, last):
            return [Problem(where, *stale)]
        record = {"voids": last.seq, "key": found[0].idem}
        self._append(self._stamp.plain("void", f"void:{last.seq}", record, supersedes=last.seq, reason=self._reason))
        return []

    # Correcting

    def _correct(self, target: Target, draft: Draft) -> list[Problem]:
        entry = draft.entry
        if entry is None or draft.problems:
            return list(draft.problems)
        found = versions(self._ledger, target)
        kind = "check" if isinstance(entry, Check) else "verification"
        if kind != found[0].kind:
            fault = say("is a {kind}, and the correction is none", kind=found[0].kind)
            return [Problem(_where(target), fault, say("name another entry, or another file"))]
        if (first := found[0].seq) in self._changed:
            before = self._changed[first]
            if before is None or before.entry is None or settled(before.entry.record()) != settled(entry.record()):
                return [draft.problem(Fault("", _twice(target).fault, _twice(target).remedy))]
            self.already += 1
            return []
        self._changed[first] = draft
        spoken = [one for one in found if one.kind != "void"]
        if isinstance(entry, Check):
            entry, faults = _numbered(entry, spoken)
            if faults:
                return [draft.problem(fault) for fault in faults]
        last = found[-1]
        if last.kind != "void" and settled(record_of(last)) == settled(entry.record()):
            # The same correction again, after a crash or a lost answer.
            self.already += 1
            return []
        if stale := _stale(target, last):
            return [Problem(_where(target), *stale)]
        draft = draft._replace(entry=entry)
        if isinstance(entry, Check):
            return self._check(draft, entry, spoken, last)
        return self._verification(draft, entry, found)

    def _check(self, draft: Draft, check: Check, spoken: Sequence[Link], last: Link) -> list[Problem]:
        judged = rules.judge(check, self._definitions, self._now)
        faults = [*_same_check(check, spoken), *rules.check_faults(judged)]
        faults += self._verified(check, spoken[-1])
        if faults:
            return [draft.problem(fault) for fault in faults]
        assert judged.source is not None
        edition = self._stamp.edition(judged.source)
        if not self._ledger.known([edition.content.idem]):
            self._append(edition, counted=False)
        key = f"correction:{last.seq}"
        self._append(self._stamp.check(draft, judged, key, supersedes=last.seq, reason=self._reason))
        return []

    def _verified(self, check: Check, before: Link) -> Iterator[Fault]:
        """Yield what the verifications of its findings could not be any more."""
        now = {
            name: Raised(f.responsible, check.inspector, entries.utc_text(check.moment))
            for name, f in iter_findings(check)
        }
        then = {name: Raised(f.responsible, old.inspector, entries.utc_text(old.moment))
                for old in [_as_check(before)] for name, f in iter_findings(old)}  # fmt: skip
        for seq, one in self._rounds(sorted(now)):
            given = (self._definitions, self._now)
            earlier = set(rules.verification_faults(one, then.get(one.finding), *given))
            for fault in rules.verification_faults(one, now[one.finding], *given):
                if fault not in earlier:
                    number = one.finding.rpartition("/")[2]
                    words = say("entry {entry} verifies it, and would be wrong: {field}: {fault}", entry=seq,
                                field=fault.field, fault=fault.fault)  # fmt: skip
                    yield Fault(_place_of(check, int(number)), words, say("correct or void that entry first"))

    def _rounds(self, findings: Sequence[str]) -> Iterator[tuple[int, Verification]]:
        """Yield the effective verifications of findings with the numbers of their entries."""
        for seq in self._ledger.rounds(findings):
            link = self._ledger.entry(seq)
            assert link is not None
            read = entries.read(Verification, record_of(link))
            if isinstance(read, Verification):
                yield seq, read

    def _verification(self, draft: Draft, verification: Verification, found: Sequence[Link]) -> list[Problem]:
        last, key = found[-1], verification.key
        there = self._ledger.known([key]).get(key)
        if there is not None and there[0] not in {one.seq for one in found}:
            fault = say("{record} is recorded already as entry {number}", record=title(key), number=there[0])
            return [draft.problem(Fault("", fault, say("void the one that is wrong instead")))]
        raised = self._ledger.findings([verification.finding]).get(verification.finding)
        facts = Raised(*raised) if raised else None
        given = (self._definitions, self._now)
        before = entries.read(Verification, record_of([one for one in found if one.kind != "void"][-1]))
        # What was so before, such as a verifier whom the policy would not take any more, is not what is corrected.
        earlier = set[Fault]()
        if isinstance(before, Verification) and before.finding == verification.finding:
            earlier = set(rules.verification_faults(before, facts, *given))
        faults = [fault for fault in rules.verification_faults(verification, facts, *given) if fault not in earlier]
        if faults:
            return [draft.problem(fault) for fault in faults]
        # A key that is new is claimed, so that the record is known by it from now on.
        idem = f"correction:{last.seq}" if there else key
        self._append(self._stamp.verification(draft, verification, idem, supersedes=last.seq, reason=self._reason))
        return []

    def _append(self, item: Item, *, counted: bool = True) -> None:
        self._writer.append([item], recorded=self._recorded)
        self.recorded += counted


def _twice(target: Target) -> Problem:
    return Problem(_where(target), say("is to be changed twice, and not alike"), say("keep one of the two"))


def _stale(target: Target, last: Link) -> tuple[str, str] | None:
    """Say that an entry was superseded meanwhile: a correction takes the place of the last version only."""
    if not isinstance(target, int) or target == last.seq:
        return None
    return (
        say("is superseded already by entry {entry}", entry=last.seq),
        say("look at it with qpi ledger history, and name that entry"),
    )


def _as_check(link: Link) -> Check:
    read = entries.read(Check, record_of(link))
    assert isinstance(read, Check)
    return read


def _same_check(check: Check, spoken: Sequence[Link]) -> Iterator[Fault]:
    name = record_of(spoken[0])["id"]
    if check.id != name:
        fault = say("{given} is not the id of the check that is corrected", given=check.id)
        yield Fault("id", fault, say("write {text}", text=name))


def _place_of(check: Check, number: int) -> str:
    position = next((i for i, one in enumerate(check.findings, 1) if one.no == number), None)
    return "findings" if position is None else f"findings[{position}]"


# The numbers of findings


def _numbered(check: Check, spoken: Sequence[Link]) -> tuple[Check, list[Fault]]:
    """Return a corrected check with the numbers that its findings keep, and what is wrong with them.

    One without a number that says what a finding of the last version says is that finding. The others are told by their
    order, but only where all stand as they stood.
    """
    kept = [{one["no"]: one for one in record_of(link).get("findings", ())} for link in spoken]
    last, free = kept[-1], max((number for numbers in kept for number in numbers), default=0) + 1
    numbers = _by_content(check, last)
    order = sorted(last)
    open_, spare = [i for i, no in enumerate(numbers) if no is None], [no for no in order if no not in numbers]
    if open_ and spare:
        unmoved = len(numbers) == len(order) and all(no in (None, order[i]) for i, no in enumerate(numbers))
        if not unmoved:
            return check, list(_unnumbered(check, numbers, last, free, spoken[-1].seq))
        numbers = [order[i] if no is None else no for i, no in enumerate(numbers)]
    new = iter(range(max(free, *(no + 1 for no in numbers if no), 1) if numbers else free, 10**7))
    findings = tuple(
        one if "no" in one.model_fields_set else entries.with_number(one, no or next(new))
        for one, no in zip(check.findings, numbers, strict=True)
    )
    numbered = check.model_copy(update={"findings": findings})
    return numbered, list(_reused(numbered, kept, free))


def _by_content(check: Check, last: Mapping[int, Mapping[str, Any]]) -> list[int | None]:
    """Return the number of each finding: the one given, else that of one that says the same, else None."""
    numbers = [one.no if "no" in one.model_fields_set else None for one in check.findings]
    for position, one in enumerate(check.findings):
        if numbers[position] is None:
            alike = (
                no for no, other in sorted(last.items()) if no not in numbers and _apart(other) == _apart(one.record())
            )
            numbers[position] = next(alike, None)
    return numbers


def _unnumbered(
    check: Check, given: Sequence[int | None], last: Mapping[int, Any], free: int, seq: int
) -> Iterator[Fault]:
    """Yield the findings that do not say which one they are where that cannot be told by their order."""
    numbers = ", ".join(map(str, sorted(last))) or "-"
    for position in range(1, len(check.findings) + 1):
        if given[position - 1] is None:
            fault = say("is missing, and entry {entry} has findings {numbers}", entry=seq, numbers=numbers)
            remedy = say("write the number that the finding keeps, or from {free} for a new one", free=free)
            yield Fault(f"findings[{position}].no", fault, remedy)


def _reused(check: Check, kept: Sequence[Mapping[int, Mapping[str, Any]]], free: int) -> Iterator[Fault]:
    """Yield a number that was another finding's, or that leaves a gap in nothing: numbers are never reused."""
    last = kept[-1]
    for position, one in enumerate(check.findings, 1):
        number, record = one.no or 0, one.record()
        field = f"findings[{position}].no"
        if number in last:
            twins = [no for no, other in last.items() if no != number and _apart(other) == _apart(record)]
            now = {f.no: _apart(f.record()) for f in check.findings}
            if twins and _apart(last[number]) != _apart(record) and now.get(twins[0]) != _apart(last[twins[0]]):
                fault = say("{number} says now what finding {other} said", number=number, other=twins[0])
                yield Fault(field, fault, say("write {text}", text=twins[0]))
        elif any(number in numbers and _apart(numbers[number]) == _apart(record) for numbers in kept):
            # A finding that was taken out by mistake comes back as it was.
            continue
        elif number < free:
            fault = say("{number} was the number of a finding that was taken out", number=number)
            yield Fault(field, fault, say("write a number from {free}", free=free))


def _apart(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a finding says apart from its number."""
    return {name: value for name, value in finding.items() if name != "no"}


def reason_of(given: Any) -> str:
    """Return why something is corrected, closed again or removed; raise RecordError where nothing is said."""
    where = Where(say("reason"))
    found, wrong = fields.text_or_fault(given)
    if wrong:
        raise RecordError([Problem(where, *wrong)])
    if found is None:
        raise RecordError([Problem(where, say("is missing"), say("write why, in words that an auditor understands"))])
    return found


# What became of a record


class Event(NamedTuple):
    """One entry in the life of a record: its link, and what changed against the version before, in words."""

    link: Link
    changed: str


def history(ledger: Ledger, target: Target) -> list[Event]:
    """Return the entries of a record in their order: all its versions, and the verifications of its findings with theirs.

    `target` is the number of an entry, or the id of a check or of a finding.
    """
    check, _, number = target.rpartition("/") if isinstance(target, str) else ("", "", "")
    of_finding = isinstance(target, str) and number.isdigit() and _entry_of(ledger, target) is None and bool(check)
    found = versions(ledger, check if of_finding else target)
    if of_finding:
        numbers = sorted(
            {one["no"] for link in found if link.kind != "void" for one in record_of(link).get("findings", ())}
        )
        if int(number) not in numbers:
            fault = say(
                "has no finding {number}, only {numbers}", number=number, numbers=", ".join(map(str, numbers)) or "-"
            )
            raise RecordError([Problem(_where(check), fault, say("write one of them"))])
    events = list(_events(found))
    if found[0].kind == "check":
        name = record_of(found[0])["id"]
        wanted = str(target) if of_finding else None
        firsts: dict[int, None] = {}
        for seq in ledger.rounds_of_check(name):
            if wanted is None or any(record_of(one).get("finding") == wanted for one in ledger.versions(seq)):
                firsts[ledger.versions(seq)[0].seq] = None
        for seq in firsts:
            events += _events(ledger.versions(seq))
    return sorted(events, key=lambda event: event.link.seq)


def _events(found: Sequence[Link]) -> Iterator[Event]:
    before: dict[str, Any] | None = None
    for link in found:
        if link.kind == "void":
            yield Event(link, "")
            continue
        record = record_of(link)
        changed = "" if before is None else said_of(before, record)
        yield Event(link, changed)
        before = record


def said_of(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Name what differs between two versions of a record."""
    return unlike(settled(there), settled(here), recorded_and_given)


__all__ = [
    "CORRECTED",
    "Change",
    "Corrections",
    "Event",
    "Target",
    "absent",
    "history",
    "of_draft",
    "reason_of",
    "record_of",
    "said_of",
    "target_of",
    "versions",
]  # fmt: skip
