"""Notices: drafts of improvement notices (工作改进通知单) as frozen values that say all that a notice says."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import orjson

from qpi import text
from qpi.calendar import Period
from qpi.definitions import Definitions
from qpi.entries import decimal_text, utc_text
from qpi.errors import UsageError
from qpi.labels import LABELS
from qpi.ledger import Ledger
from qpi.messages import say
from qpi.metrics import moment_of, period_of
from qpi.policy import CHECK_KINDS, FINDING_KINDS
from qpi.receipts import Receipt
from qpi.render import render
from qpi.tables import hundredths

Row = TypeVar("Row")
Key = TypeVar("Key")

PER = ("project", "responsible")
FORMATS = ("html", "md")


class Named(NamedTuple):
    """An id with its name, and the role or kind of who bears it."""

    id: str
    name: str
    role: str | None = None

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"id": self.id, "name": self.name, "role": self.role, "kind": self.role}


@dataclass(frozen=True)
class Notice:
    """One draft: `values` are plain and hold all that its templates may say."""

    period: str
    subject: str
    values: Mapping[str, Any]

    @property
    def stem(self) -> str:
        """The name of its file without an ending; safe on every system, and distinct for distinct subjects."""
        # A name of a file has at most 255 bytes, and a Chinese sign takes three.
        safe = re.sub(r"[^\w.-]", "_", self.subject).strip(".")[:50]
        # Some systems take capitals and small letters for the same.
        if safe != self.subject or safe != safe.upper():
            safe += "-" + sha256(self.subject.encode()).hexdigest()[:8]
        return f"notice-{self.period}-{safe}"

    def render(self, form: str, *, own: Path | None = None) -> str:
        """Return the notice as text of a form (html, md), by the company's own template where `own` has one."""
        if form not in FORMATS:
            raise UsageError(say('format "{form}" is unknown; {remedy}', form=form, remedy=text.instead(form, FORMATS)))
        return render(f"notice.{form}", {"notice": dict(self.values), "t": LABELS[self.values["language"]]}, own=own)


def drafts(
    ledger: Ledger, definitions: Definitions, period: str, *, organisation: str, project: str | None = None,
    per: str = "project", language: str = "zh", as_of: datetime | date | None = None, at: int | None = None,
) -> list[Notice]:  # fmt: skip
    """Return a draft for each project, or for each responsible, that checks of the period belong to.

    Every finding raised in the period stands in exactly one of them. Raises UsageError for an unknown period, project,
    `per` or `language`, or a position that the ledger does not have.
    """
    span = period_of(period)
    for value, known, what in ((per, PER, "per"), (language, tuple(LABELS), "language")):
        if value not in known:
            remedy = text.instead(value, known)
            raise UsageError(say('{setting} "{value}" is unknown; {remedy}', setting=what, value=value, remedy=remedy))
    if project is not None and project not in definitions.portfolio.project:
        remedy = text.named(project, {one.id: one.name for one in definitions.portfolio.projects})
        raise UsageError(say('project "{project}" is unknown; {remedy}', project=project, remedy=remedy))
    maker = _Maker(ledger, definitions, span, organisation, language, moment_of(definitions, as_of), at)
    return list(maker.per_project(project) if per == "project" else maker.per_responsible(project))


_EFFECTIVE = (
    "{0}.entry <= :at AND {0}.entry NOT IN (SELECT supersedes FROM entry WHERE supersedes IS NOT NULL AND seq <= :at)"
)
_CHECKS = f"""
SELECT c.project, c.kind, c.point, c.day, c.id, c.place, c.strengths, c.edition FROM checks c
WHERE c.day BETWEEN :first AND :last AND {_EFFECTIVE.format("c")} ORDER BY c.checked_at, c.entry
"""
_FINDINGS = f"""
SELECT f.id, c.point, f.element, f.fault, f.place, c.place, f.sample, f.kind, f.class, f.responsible, f.advice, f.handling,
  f.deduct_hundredths, f.fine_hundredths, f.due, f.verify_on, c.day, c.kind, c.inspector, c.project
FROM findings f JOIN checks c ON c.entry = f.entry
WHERE c.day BETWEEN :first AND :last AND {_EFFECTIVE.format("c")} ORDER BY c.checked_at, c.entry, f.no
"""
_ROUNDS = f"""
SELECT v.finding, v.day, v.verifier, v.outcome, v.note, v.verify_on FROM verifications v
WHERE v.finding IN (SELECT f.id FROM findings f JOIN checks c ON c.entry = f.entry WHERE c.day BETWEEN :first AND :last)
  AND v.verified_at <= :as_of AND {_EFFECTIVE.format("v")} ORDER BY v.verified_at, v.entry
"""


class _Maker:
    """Reads what the notices of one period need once, and makes them."""

    def __init__(
        self, ledger: Ledger, definitions: Definitions, period: Period, organisation: str, language: str, as_of: datetime,
        at: int | None,
    ) -> None:  # fmt: skip
        self.definitions, self.period, self.organisation, self.language = definitions, period, organisation, language
        self.as_of = as_of.astimezone(definitions.zone).date()
        self.position = ledger.position_at(at)
        values: dict[str, Any] = {"first": period.first.isoformat(), "last": period.last.isoformat()}
        values |= {"as_of": utc_text(as_of), "at": self.position.seq}
        self.checks = ledger.rows(_CHECKS, values)
        rounds: dict[str, list[tuple[Any, ...]]] = {}
        for finding, *rest in ledger.rows(_ROUNDS, values):
            rounds.setdefault(finding, []).append(tuple(rest))
        self.findings = [self._finding(row, rounds.get(row[0], [])) for row in ledger.rows(_FINDINGS, values)]
        self.editions = {s.digest: s for s in definitions.checklists.sources}

    def per_project(self, project: str | None) -> Iterator[Notice]:
        """Yield a notice for each project that was checked, or for the one asked for."""
        checks = _apart(self.checks, lambda row: row[0])
        findings = _apart(self.findings, _project_of)
        for name in [project] if project else sorted(checks):
            recipients = self._posts("project_lead", name)
            mine = checks.get(name, []), findings.get(name, [])
            yield self._notice(name, *mine, recipients, project=self._project(name))

    def per_responsible(self, project: str | None) -> Iterator[Notice]:
        """Yield a notice for each person, party or text that is responsible for a finding."""
        party = {p.id: p.kind for p in self.definitions.portfolio.parties}
        mine = _apart([f for f in self.findings if project in (None, _project_of(f))], _responsible)
        for key in sorted(mine, key=lambda key: (key is None, key or "")):
            findings = mine[key]
            # No id has brackets around it, so nobody's notice is taken for that of nobody.
            name = f"({LABELS[self.language]['unassigned']})" if key is None else key
            projects = {_project_of(finding) for finding in findings}
            # What was done well is the projects', not that of whoever is responsible for a finding.
            checks = [(*row[:6], None, row[7]) for row in self.checks if row[0] in projects]
            who = Named(name, self.definitions.portfolio.names.get(name, name), party.get(name))
            yield self._notice(name, checks, findings, [who], responsible=who.plain())

    def _notice(
        self, subject: str, checks: Sequence[tuple[Any, ...]], findings: Sequence[dict[str, Any]],
        recipients: Sequence[Named], *, project: dict[str, Any] | None = None, responsible: dict[str, Any] | None = None,
    ) -> Notice:  # fmt: skip
        kinds = [{"kind": kind, "checks": sum(row[1] == kind for row in checks)} for kind in CHECK_KINDS]
        values = {
            "language": self.language,
            "organisation": self.organisation,
            "number": None,
            "draft": True,
            "period": {"name": self.period.name, "first": str(self.period.first), "last": str(self.period.last)},
            "project": project,
            "responsible": responsible,
            "kinds": [kind for kind in kinds if kind["checks"]],
            "issuer": {"name": self.organisation, "people": [one.plain() for one in self._posts("department", None)]},
            "recipients": [one.plain() for one in recipients],
            # A notice of one project names it once, at its head.
            "findings": [{**finding, "project": None} for finding in findings] if project else list(findings),
            "totals": _totals(checks, findings),
            "strengths": list(self._strengths(checks)),
            "editions": self._cited(checks),
            "ledger": {
                "id": self.position.ledger,
                "seq": self.position.seq,
                "head": self.position.head,
                "receipt": str(Receipt(*self.position)),
            },
            "as_of": self.as_of.isoformat(),
        }
        return Notice(self.period.name, subject, values)

    def _named(self, value: str | None) -> dict[str, Any] | None:
        return Named(value, self.definitions.portfolio.names.get(value, value)).plain() if value else None

    def _project(self, name: str) -> dict[str, Any]:
        project = self.definitions.portfolio.project.get(name)
        return {"id": name, "name": project.name if project else name}

    def _posts(self, role: str, project: str | None) -> list[Named]:
        """Return who holds a role on the last day of the period."""
        found = {}
        for post in self.definitions.portfolio.posts:
            starts, ends = post.from_ or date.min, post.to or date.max
            if post.role == role and post.project in (None, project) and starts <= self.period.last <= ends:
                found[post.person] = Named(
                    post.person, self.definitions.portfolio.names.get(post.person, post.person), role
                )
        return list(found.values())

    def _finding(self, row: tuple[Any, ...], rounds: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
        (name, code, element, fault, place, check_place, sample, kind, cause, responsible, advice, handling, deduct, fine,
         due, verify_on, day, check_kind, inspector, project) = row  # fmt: skip
        # Each round may plan the day of the next.
        planned = [verify_on, *(row[4] for row in rounds)]
        return {
            "id": name,
            "code": code,
            "requirement": self._requirement(code, day),
            "element": None if element is None else str(element),
            "fault": fault,
            "place": place or check_place,
            "sample": orjson.loads(sample) if sample else [],
            "kind": kind,
            "class": cause,
            "responsible": self._named(responsible),
            "advice": advice,
            "handling": handling,
            "deduct": None if deduct is None else decimal_text(deduct),
            "fine": None if fine is None else decimal_text(fine),
            "due": due,
            "verify_on": verify_on,
            "day": day,
            "check_kind": check_kind,
            "inspector": self._named(inspector),
            "project": self._project(project),
            "verifications": [
                {
                    "round": n,
                    "planned": plan,
                    "day": when,
                    "verifier": self._named(who),
                    "outcome": outcome,
                    "note": note,
                }
                for n, (plan, (when, who, outcome, note, _)) in enumerate(zip(planned, rounds, strict=False), 1)
            ],
            "next_planned": planned[-1],
            "status": rounds[-1][2] if rounds else "open",
        }

    def _requirement(self, code: str, day: str) -> str:
        point, _ = self.definitions.checklists.points(date.fromisoformat(day)).get(code, (None, None))
        return point.text if point else code

    def _strengths(self, checks: Sequence[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
        for _, _, code, day, check, place, strengths, _ in checks:
            for one in orjson.loads(strengths) if strengths else ():
                yield {"check": check, "code": code, "place": place, "text": one, "day": day}

    def _cited(self, checks: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Return the editions that the checks were judged by when they were recorded."""
        cited = []
        for digest in dict.fromkeys(row[7] for row in checks):
            source = self.editions.get(digest)
            label = asdict(_Cited(digest)) if source is None else asdict(_Cited.of(source, digest))
            cited.append(label)
        return sorted(cited, key=lambda one: (one["catalogue"], one["edition"]))


@dataclass(frozen=True)
class _Cited:
    """An edition as a notice names it; one that is in no file any more has its digest only."""

    digest: str
    catalogue: str = "?"
    edition: str = "?"
    title: str = ""

    @classmethod
    def of(cls, source: Any, digest: str) -> "_Cited":
        return cls(digest, source.edition.catalogue, source.edition.edition, source.edition.title)


def _apart(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """Return the rows by a key of each, in their order."""
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _project_of(finding: Mapping[str, Any]) -> str:
    name: str = finding["project"]["id"]
    return name


def _responsible(finding: Mapping[str, Any]) -> str | None:
    return finding["responsible"]["id"] if finding["responsible"] else None


def _self_verified(finding: Mapping[str, Any]) -> bool:
    """Say whether a finding was closed by the one who raised it."""
    closer = finding["verifications"][-1]["verifier"] if finding["status"] == "closed" else None
    inspector = finding["inspector"]
    return closer is not None and inspector is not None and closer["id"].casefold() == inspector["id"].casefold()


def _totals(checks: Sequence[tuple[Any, ...]], findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    closed = sum(finding["status"] == "closed" for finding in findings)
    return {
        "checks": len(checks),
        "findings": len(findings),
        **{kind: sum(finding["kind"] == kind for finding in findings) for kind in FINDING_KINDS},
        "deduct": decimal_text(sum(hundredths(finding["deduct"] or "0") for finding in findings)),
        "fine": decimal_text(sum(hundredths(finding["fine"] or "0") for finding in findings)),
        "closed": closed,
        "self_verified": sum(map(_self_verified, findings)),
        "open": len(findings) - closed,
    }
