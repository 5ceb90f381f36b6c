"""Definitions: the checklists, portfolio, policy and zone of a workspace as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from qpi import calendar, lint, policy, portfolio, schema
from qpi.checklist import Checklists, Edition, Source
from qpi.document import Document
from qpi.document import from_plain as read_plain
from qpi.errors import DefinitionError, Problem, in_order
from qpi.messages import say
from qpi.policy import Policy
from qpi.portfolio import Portfolio


@dataclass(frozen=True)
class Definitions:
    """All that a record is judged by; `advice` holds what a person should look at."""

    checklists: Checklists
    portfolio: Portfolio
    policy: Policy
    zone: ZoneInfo
    portfolio_digest: str
    policy_digest: str
    advice: tuple[Problem, ...] = ()

    @cached_property
    def groupings(self) -> tuple[str, ...]:
        """The words that `--by` takes: the fixed ones, then the attributes of projects."""
        return (*GROUPINGS, *sorted(self.portfolio.attributes - set(GROUPINGS)))

    @cached_property
    def digests(self) -> tuple[str, ...]:
        """The digests of portfolio, policy and every edition, which figures hang on beside the records."""
        return (self.portfolio_digest, self.policy_digest, *sorted(source.digest for source in self.checklists.sources))


def throughout(found: Definitions, editions: Sequence[Edition]) -> Definitions:
    """Return definitions in which these editions, and no others, are in force at all times.

    Roles and methods that the editions of `found` declare stay known.
    """
    sources = tuple(Source(_since(edition, calendar.EPOCH), read_plain({}, edition.label), "") for edition in editions)
    beside = (*found.checklists.beside, *found.checklists.by_start)
    return replace(found, checklists=Checklists(sources, beside=beside))


def _since(edition: Edition, day: date) -> Edition:
    # Not a copy: that would keep the points that the edition has worked out already.
    return Edition.model_construct(
        **{**{name: getattr(edition, name) for name in Edition.model_fields}, "effective_from": day}
    )


GROUPINGS = ("project", "role", "specialty", "category", "month", "inspector", "kind")


def build(
    editions: Sequence[Document], projects: Document | None, settings: Document | None, zone: ZoneInfo
) -> tuple[Definitions | None, list[Problem]]:
    """Return the definitions of read documents, or None, and every problem of all of them at once."""
    checklists, problems = lint.build(editions)
    found_portfolio, found = portfolio.build(projects, checklists) if projects else (None, [])
    problems += found
    found_policy, found = policy.build(settings, checklists) if settings else (Policy(), [])
    problems = in_order([*problems, *found])
    if found_portfolio is None or found_policy is None or any(not p.advisory for p in problems):
        return None, problems
    return (
        Definitions(
            checklists,
            found_portfolio,
            found_policy,
            zone,
            schema.digest(projects.plain if projects else {}),
            schema.digest(settings.plain if settings else {}),
            tuple(problems),
        ),
        problems,
    )


def from_plain(
    editions: Sequence[Mapping[str, Any]],
    projects: Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    *,
    zone: ZoneInfo,
) -> Definitions:
    """Return the definitions of plain values whose scalars are text; raise DefinitionError with all problems."""
    documents = [read_plain(edition, say("edition {number}", number=i)) for i, edition in enumerate(editions, 1)]
    found, problems = build(
        documents,
        read_plain(projects, say("portfolio")),
        read_plain(settings, say("policy")) if settings else None,
        zone,
    )
    if found is None:
        raise DefinitionError(problems)
    return found
