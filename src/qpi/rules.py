"""Rules: what makes a record one that the definitions allow."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from qpi import text
from qpi.checklist import Point, Source
from qpi.definitions import Definitions
from qpi.entries import Check, Fault, Verification, utc_text
from qpi.messages import Message, say
from qpi.portfolio import Project

TOLERANCE = timedelta(minutes=10)
"""How far a clock may run ahead of the recorder's."""


class Judged(NamedTuple):
    """A check with what it is judged by: the local day, and the point and edition in force on it."""

    check: Check
    definitions: Definitions
    now: datetime
    day: date
    point: Point | None
    source: Source | None
    faulty: frozenset[str] = frozenset()
    """Fields that could not be read: nothing that hangs on them is judged."""

    def knows(self, *fields: str) -> bool:
        """Say whether fields hold what was said."""
        return self.faulty.isdisjoint(fields)


def judge(check: Check, definitions: Definitions, now: datetime, faulty: frozenset[str] = frozenset()) -> Judged:
    """Find the edition in force on the day of a check in the workspace's zone, and its point there."""
    day = check.checked_at.astimezone(definitions.zone).date()
    point, source = definitions.checklists.points(day).get(check.point, (None, None))
    return Judged(check, definitions, now, day, point, source, faulty)


def check_faults(judged: Judged) -> Iterator[Fault]:
    """Yield everything that is wrong with a check."""
    for rule in CHECK_RULES:
        yield from rule(judged)


def _future(judged: Judged) -> Iterator[Fault]:
    check = judged.check
    yield from future("checked_at", check.checked_at, judged.now)
    for field, moment in (("started", check.started), ("ended", check.ended)):
        if moment is not None:
            yield from future(field, moment, judged.now)


def future(field: str, moment: datetime, now: datetime) -> Iterator[Fault]:
    """Yield a fault when a moment lies further ahead of now than clocks may differ."""
    if moment > now + TOLERANCE:
        fault = say("{moment} lies in the future", moment=moment.isoformat())
        yield Fault(field, fault, say("mend the time, or the clock of this computer"))


def _project(judged: Judged) -> Iterator[Fault]:
    check, portfolio = judged.check, judged.definitions.portfolio
    if judged.faulty and not judged.knows("project"):
        return
    project = portfolio.project.get(check.project)
    if project is None:
        yield Fault("project", _unknown(check.project), text.instead(check.project, portfolio.project))
    elif not project.open_on(judged.day) and judged.knows("checked_at"):
        yield Fault("project", _not_open(project, judged.day), say("mend the day or the portfolio"))


def _unknown(name: str) -> Message:
    return say('"{name}" is unknown', name=name)


def _not_open(project: Project, day: date) -> Message:
    """Say when a project was open, which it was not on a day."""
    name, opened, closed = project.id, project.opened, project.closed
    if opened is None:
        return say(
            "{project} was not open on {day}, only from the beginning until before {closed}",
            project=name, day=day, closed=closed,
        )  # fmt: skip
    if closed is None:
        return say("{project} was not open on {day}, only from {opened}", project=name, day=day, opened=opened)
    return say(
        "{project} was not open on {day}, only from {opened} until before {closed}",
        project=name, day=day, opened=opened, closed=closed,
    )  # fmt: skip


def _point(judged: Judged) -> Iterator[Fault]:
    code, checklists = judged.check.point, judged.definitions.checklists
    if judged.point is not None or not judged.knows("point"):
        return
    if code in checklists.codes and not judged.knows("checked_at"):
        return
    if code in checklists.codes:
        fault = say('"{code}" is in no edition in force on {day}', code=code, day=judged.day)
        yield Fault("point", fault, say("mend the day or the code"))
    else:
        yield Fault("point", _unknown(code), text.coded(code, checklists.codes))


def _role(judged: Judged) -> Iterator[Fault]:
    role, roles = judged.check.role, judged.definitions.checklists.roles
    if role not in roles and judged.knows("role"):
        yield Fault("role", _unknown(role), text.named(role, judged.definitions.checklists.role_titles))


def _inspector(judged: Judged) -> Iterator[Fault]:
    if judged.check.inspector is not None and judged.knows("inspector"):
        yield from _no_name("inspector", judged.check.inspector, judged.definitions)


def _no_name(field: str, person: str, definitions: Definitions) -> Iterator[Fault]:
    """Yield a name in place of an id: the ledger would keep it for ever."""
    if (bearer := definitions.portfolio.bearer(person)) is not None:
        yield Fault(
            field, say("{name} is a name, and the ledger keeps ids", name=person), say("write {text}", text=bearer)
        )


def _method(judged: Judged) -> Iterator[Fault]:
    method, methods = judged.check.method, judged.definitions.checklists.methods
    if method is not None and method not in methods:
        yield Fault("method", _unknown(method), text.named(method, methods))


def _not_applicable(judged: Judged) -> Iterator[Fault]:
    check = judged.check
    if check.result != "na":
        return
    if check.reason is None:
        fault = say("is missing where the result is na")
        yield Fault("reason", fault, say("write why there was nothing to look at"))
    if check.findings:
        yield Fault("findings", say("stand beside the result na"), say("take one of the two out"))


def _elements(judged: Judged) -> Iterator[Fault]:
    if judged.point is None:
        return
    named = [("elements", number) for number in judged.check.elements]
    named += [
        (f"findings[{i}].element", str(finding.element))
        for i, finding in enumerate(judged.check.findings, 1)
        if finding.element is not None
    ]
    if not named or not judged.knows("point", "checked_at"):
        return
    numbers = [str(element.no) for element in judged.point.elements]
    for field, number in named:
        if number not in numbers:
            fault = say(
                "{point} has no element {number} in the edition of {day}",
                point=judged.check.point, number=number, day=judged.day,
            )  # fmt: skip
            remedy = say("write one of {choice}", choice=", ".join(numbers)) if numbers else say("leave it out")
            yield Fault(field, fault, remedy)


def _span(judged: Judged) -> Iterator[Fault]:
    check = judged.check
    if check.started and check.ended and check.ended < check.started:
        yield Fault("ended", say("lies before started"), say("exchange the two"))


CHECK_RULES: tuple[Callable[[Judged], Iterator[Fault]], ...] = (
    _project, _point, _role, _inspector, _method, _future, _not_applicable, _elements, _span,
)  # fmt: skip


def readings_out(judged: Judged) -> int:
    """Count the readings of a check that lie beyond the limits of its point."""
    measure = judged.point.measure if judged.point else None
    return sum(not measure.fits(reading.value) for reading in judged.check.readings) if measure else 0


class Raised(NamedTuple):
    """What a verification must know of its finding: who answers for it, who found it and when (UTC)."""

    responsible: str | None
    inspector: str | None
    checked_at: str


def verification_faults(
    verification: Verification, raised: Raised | None, definitions: Definitions, now: datetime,
    faulty: frozenset[str] = frozenset(),
) -> Iterator[Fault]:  # fmt: skip
    """Yield everything that is wrong with a second verification."""
    yield from future("verified_at", verification.verified_at, now)
    if "finding" in faulty:
        return
    if raised is None:
        yield Fault("finding", _unknown(verification.finding), say("record its check first, or mend the id"))
        return
    if "verified_at" not in faulty and utc_text(verification.verified_at) < raised.checked_at:
        fault = say("lies before the check of {moment}", moment=_local(raised.checked_at, definitions))
        yield Fault("verified_at", fault, say("mend the time"))
    if "verifier" in faulty:
        return
    yield from _no_name("verifier", verification.verifier, definitions)
    if _same(verification.verifier, raised.responsible):
        fault = say("{person} is responsible for the finding", person=verification.verifier)
        yield Fault("verifier", fault, say("let somebody else verify it"))
    elif definitions.policy.verification_by == "not_inspector" and _same(verification.verifier, raised.inspector):
        fault = say("{person} raised the finding, and the policy wants another", person=verification.verifier)
        yield Fault("verifier", fault, say("let somebody else verify it"))


def _local(moment: str, definitions: Definitions) -> str:
    """Return a moment of the ledger as people of the workspace read it."""
    local = datetime.fromisoformat(moment).astimezone(definitions.zone)
    return local.isoformat(timespec="auto" if local.second or local.microsecond else "minutes")


def _same(person: str, other: str | None) -> bool:
    """Say whether two ids name one person; no portfolio has two that differ in capitals only."""
    return other is not None and person.casefold() == other.casefold()
