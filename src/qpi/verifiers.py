"""Verifiers: who closed the findings of a period."""

from datetime import date, datetime
from typing import Any, NamedTuple

from qpi import tally
from qpi.calendar import Period
from qpi.definitions import Definitions
from qpi.frames import NEEDED
from qpi.metrics import moment_of


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
    rows = tally.judged(tally.table(checks, NEEDED["checks"], "checks"), ())
    raised = tally.raised(
        rows,
        tally.table(findings, NEEDED["findings"], "findings"),
        tally.table(verifications, NEEDED["verifications"], "verifications"),
        (),
        moment_of(definitions, as_of),
    )
    months = tally.months(tally.day_numbers(raised["day"]))
    closed = raised[(raised["closed"] == 1).to_numpy() & (months >= period.start) & (months < period.stop)]
    inspector, closer = (closed[name].astype("object").str.casefold() for name in ("inspector", "closer"))
    return Share(int((inspector == closer).sum()), len(closed))


__all__ = ["Share", "self_verified"]
