"""Asked: what a tally is asked for, and the small counts that it gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint32]
Truth = npt.NDArray[np.bool_]
ENOUGH = 2**30
"""Stands for a sample that is the whole population: more than any minimum."""
ALL = 2**30
"""So many looks on a day count where none is left out."""


class Stretch(NamedTuple):
    """Months from `start` up to but not including `stop` (numbers), of all points or only of these."""

    start: int
    stop: int
    points: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Owed:
    """Whose checks can fulfil duties: projects, pairs of role and point, and how many looks a day of each pair count."""

    projects: Sequence[str]
    pairs: Sequence[tuple[str, str]]
    looks: Whole

    @property
    def often(self) -> tuple[str, ...]:
        """The points of which more than one look a day counts for some role."""
        return tuple(dict.fromkeys(self.pairs[pair][1] for pair in np.flatnonzero(self.looks > 1).tolist()))

    def numbers(self, roles: Sequence[str | None], points: Sequence[str | None]) -> Whole:
        """Return the number of the pair of each role and point, [role, point], -1 where they are none; last that of no name."""
        known: dict[tuple[str | None, str | None], int] = {pair: number for number, pair in enumerate(self.pairs)}
        table = [[known.get((role, point), -1) for point in [*points, None]] for role in [*roles, None]]
        return np.array(table, dtype=np.int64)


class Days(NamedTuple):
    """The days of one month on which pairs were looked at in projects; a row has bit 0 for the 1st, bit 30 for the 31st.

    Rows of rank n tell on which days there were n looks or more; only ranks that count are there.
    """

    month: int
    pair: Whole
    project: Whole
    rank: Whole
    days: Bits


@dataclass(frozen=True)
class Held:
    """Which state of a project, as far as variants ask for it, holds where; state 0 is that of a project without attributes.

    `constant` names, for every other state, the projects that have it throughout; `movers` are those that change.
    """

    constant: Mapping[int, Sequence[str]]
    movers: Sequence[str]


class Way(NamedTuple):
    """How a point may be looked at in a month and a state: the least sample, and the methods (None: any)."""

    month: int
    state: int
    point: str
    minimum: int
    methods: tuple[str, ...] | None


@dataclass(frozen=True)
class Looked:
    """What is asked of the checks of months from `start` up to but not including `stop`.

    `keys` are those of project, role, inspector and kind to group by; `demanded` are the fields that make a check
    traceable, `most` is the greatest sample that is asked for. With `ways` it is told of each check whether it conforms
    to one of them, instead of its method and sample: fewer groups where there are many keys. Those of movers are told
    as without.
    """

    keys: Sequence[str]
    demanded: Sequence[str]
    start: int
    stop: int
    most: int
    held: Held
    ways: Sequence[Way] | None = None


NO_PLAN = -1
"""Stands for the planned day of a finding without one."""


@dataclass(frozen=True)
class Raised:
    """What is asked of findings raised, or to be verified, in months from `start` up to but not including `stop`.

    Without `today` each planned day is told instead of its month and whether it is past. Without `elsewhere` the
    findings of checks of other months, that are to be verified in these, are left out.
    """

    keys: Sequence[str]
    demanded: Sequence[str]
    of_check: Sequence[str]
    start: int
    stop: int
    today: date | None
    elsewhere: bool = True
