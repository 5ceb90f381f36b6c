"""Verifiers: who closed the findings of a period."""

from datetime import date, datetime
from typing import Any, NamedTuple

from qpi.calendar import Period
from qpi.definitions import Definitions
from qpi.metrics import moment_of, rows_of
from qpi.tally import Tally


class Share(NamedTuple):
    """Whole numbers: how many of how many."""

    done: int
    due: int


def self_verified(
    definitions: Definitions, checks: Any, findings: Any, verifications: Any, period: Period, *,
    as_of: datetime | date | None = None,
) -> Share:  # fmt: skip
    """Return how many of the findings raised in a period and closed by `as_of` were closed by the one who raised them.

    All kinds of findings count; the one who closed is the verifier of the latest round. Ids are compared without case.
    """
    return of_tally(definitions, rows_of(definitions, checks, findings, verifications), period, as_of=as_of)


def of_tally(definitions: Definitions, rows: Tally, period: Period, *, as_of: datetime | date | None = None) -> Share:
    """Return the same from counts, of rows or of what was stored."""
    closed = rows.closers(period.start, period.stop, moment_of(definitions, as_of))
    inspector, closer = (closed[name].astype("object").str.casefold() for name in ("inspector", "closer"))
    return Share(int(closed["findings"][(inspector == closer)].sum()), int(closed["findings"].sum()))


__all__ = ["Share", "of_tally", "self_verified"]
