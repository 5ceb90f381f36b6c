"""Completion: coverage and frequency completion by any grouping that duties have."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from qpi import calendar, duties, fulfilment
from qpi.asked import Whole
from qpi.calendar import Period
from qpi.checklist import COMPANY
from qpi.definitions import Definitions
from qpi.groups import Count, Key
from qpi.tally import Tally

WITHOUT_DUTIES = frozenset({"inspector", "kind", "category"})
"""Groupings that duties do not have, so that coverage and frequency have no rows there."""


def counts(definitions: Definitions, rows: Tally, period: Period, by: Sequence[str]) -> Iterable[Count]:
    """Yield done and due, in twelfths, of coverage and frequency completion in each group."""
    start = period.start - period.start % 12
    owed = duties.build(definitions, start, period.stop)
    policy = definitions.policy
    raw = policy.overfulfilment == "raw"
    whose, stretches = fulfilment.asked(owed, period, raw=raw)
    blocks = fulfilment.blocks(owed, rows.days(whose, policy.counts_for_duty, stretches), raw=raw)
    totals: dict[Key, Whole] = {}
    spans = [calendar.month_period(m) for m in period.months] if "month" in by else [period]
    for span in spans:
        owners = _owners(definitions, owed, span, by)
        for block in blocks:
            names, groups = owners[block.kind.level]
            sums = np.zeros((len(names), 4), dtype=np.int64)
            np.add.at(sums, groups, _credited(block, span, start, raw=raw))
            for name, amounts in zip(names, sums, strict=True):
                key = _of_kind(name, block.kind, span)
                totals[key] = totals[key] + amounts if key in totals else amounts
    for key, (points, required_points, done, required) in totals.items():
        yield Count(key, "coverage", int(points), int(required_points))
        yield Count(key, "frequency_completion", int(done), int(required))


def _credited(block: fulfilment.Block, span: Period, start: int, *, raw: bool) -> Whole:
    """Return per cell: points, required points, checks, required checks of the span."""
    first, stop = span.start - start, span.stop - start
    cycle = calendar.cycle_months(block.kind.unit)
    columns = []
    for required, done in ((block.required_points, block.done_points), (block.required_checks, block.done_checks)):
        if raw:
            columns.append(done[:, first:stop].sum(axis=1))
        else:
            columns.append(fulfilment.credit(required, done, cycle, start, first, stop))
        columns.append(required[:, first:stop].sum(axis=1))
    return np.stack(columns, axis=1)


_ROLE, _SPECIALTY, _MONTH = object(), object(), object()


def _owners(
    definitions: Definitions, owed: duties.Duties, span: Period, by: Sequence[str]
) -> list[tuple[list[tuple[Any, ...]], Whole]]:
    """Return per level the distinct keys of its owners, and which of them each owner has."""
    fixed = {"role": _ROLE, "specialty": _SPECIALTY, "month": _MONTH}
    projects = definitions.portfolio.projects
    keys = [
        tuple(fixed.get(name) or (project.id if name == "project" else attributes.get(name, "")) for name in by)
        for project in projects
        for attributes in (project.attributes_on(span.last),)
    ]
    owners = [_distinct(keys)]
    for level, names in zip(owed.levels, owed.realms, strict=True):
        # The company is no attribute, even where projects have one of that name.
        own = None if level == COMPANY else level
        owners.append(_distinct([tuple(fixed.get(n) or (realm if n == own else None) for n in by) for realm in names]))
    return owners


def _distinct(keys: list[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], Whole]:
    position: dict[tuple[Any, ...], int] = {}
    groups = np.array([position.setdefault(key, len(position)) for key in keys], dtype=np.int64)
    return list(position), groups


def _of_kind(name: tuple[Any, ...], kind: fulfilment.Kind, span: Period) -> Key:
    values = {_ROLE: kind.role, _SPECIALTY: kind.specialty, _MONTH: calendar.month_name(span.start)}
    return tuple(values[part] if part.__class__ is object else part for part in name)
