"""Workload: how many looks each role owes a month, what they take, and who carries them.

What a period requires is what `frequency_completion` counts as due (docs/indicators.md), a month on average.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from qpi import calendar, duties, text
from qpi.calendar import Period
from qpi.checklist import COMPANY, PROJECT
from qpi.definitions import Definitions
from qpi.duties import TWELVE, UNITS, Duties, Truth, Whole
from qpi.errors import UsageError
from qpi.messages import say
from qpi.portfolio import Post

POINTS, LOOKS, MINUTES, UNKNOWN = range(4)
"""What `_Part.twelfths` holds: required points, looks, minutes of looks, and looks whose minutes nobody gave."""
GROUPINGS = ("role", "specialty", "project", "realm")
TABLE_COLUMNS = ("looks", "points", "minutes", "hours", "looks_without_minutes", "people", "hours_per_person")
"""The columns of `table` behind those of its groupings."""
PEOPLE_COLUMNS = (
    "person", "name", "roles", "months", "looks", "minutes", "hours", "looks_without_minutes", "capacity", "verdict",
)  # fmt: skip
"""The columns of `people_table`."""
UNHELD_COLUMNS = (
    "role", "title", "specialty", "project", "realm", "months", "looks", "minutes", "hours", "looks_without_minutes",
)  # fmt: skip
"""The columns of `unheld_table`."""
FITS, TOO_MUCH, UNJUDGED = "fits", "too_much", "unknown"


class Effort(NamedTuple):
    """Looks a month, the minutes of those whose minutes are known, and how many looks have none."""

    looks: Fraction
    minutes: Fraction
    unknown: Fraction

    @property
    def known_minutes(self) -> Fraction | None:
        """The minutes a month of the looks that have any; None where there are looks and none of them has."""
        return None if self.looks and self.unknown == self.looks else self.minutes

    @property
    def hours(self) -> Fraction | None:
        """The same in hours."""
        return None if self.known_minutes is None else self.known_minutes / 60


class Cell(NamedTuple):
    """What a role owes to one project, or in one realm, in one specialty; a company role has neither of the two.

    The realm of projects that do not have the attribute is "".
    """

    role: str
    specialty: str | None
    project: str | None
    realm: str | None
    effort: Effort
    points: frozenset[str]
    """Every point that is owed in any month."""
    people: frozenset[str]
    """Everybody who holds the cell in a month in which it owes looks."""


class Unheld(NamedTuple):
    """Looks that nobody has: a cell as `Cell` has it, the months in which no post holds it, and what falls on them."""

    role: str
    specialty: str | None
    project: str | None
    realm: str | None
    months: tuple[str, ...]
    effort: Effort


class Carrier(NamedTuple):
    """What a person carries a month, on the average of those `months` in which there is anything to carry."""

    person: str
    name: str
    roles: tuple[str, ...]
    months: int
    effort: Effort
    verdict: str | None
    """Whether the known minutes are within the capacity: too_much where they are not; where they are, fits, or unknown
    if any look has no minutes. None without a capacity."""


class Row(NamedTuple):
    """Cells added up: the values of the groupings, the distinct points owed, and the people who hold any of it."""

    key: tuple[str | None, ...]
    effort: Effort
    points: int
    people: int

    @property
    def hours_per_person(self) -> Fraction | None:
        """The hours a month of each, were all of it done by these people alone."""
        return None if self.effort.hours is None or not self.people else self.effort.hours / self.people


@dataclass(frozen=True)
class Workload:
    """What a period asks of each role and each person, a month; `titles` names the roles."""

    period: Period
    titles: Mapping[str, str]
    cells: tuple[Cell, ...]
    carriers: tuple[Carrier, ...]
    unheld: tuple[Unheld, ...]
    capacity: Fraction | None


class Required(NamedTuple):
    """Required points and required checks of a role in a month."""

    points: Fraction
    checks: Fraction


def build(
    definitions: Definitions,
    period: Period,
    *,
    minutes: int | None = None,
    capacity: int | Fraction | None = None,
) -> Workload:
    """Return the workload of a period, in looks and minutes a month (the period's total over its months).

    `minutes` is what a look takes that has no `minutes` of its own; `capacity` is in hours a person a month.
    A post counts for a month when it is held on the 1st. It names a project where the role's level is the project, and
    a realm where the level is an attribute; one that names none holds all of them, as it holds all specialties when it
    names none. Looks of a cell are shared equally by those who hold it.

    Raises UsageError for minutes or a capacity that is not above 0.
    """
    for name, value in (("minutes", minutes), ("capacity", capacity)):
        if value is not None and value <= 0:
            raise UsageError(say("{name}: {value} is not above 0; write a larger number", name=name, value=value))
    cells: list[Cell] = []
    shares = _Shares(definitions, period)
    for part in _parts(definitions, period, minutes):
        people = shares.take(part)
        cells += _cells(part, period, people)
    titles = {name: role.title for name, role in definitions.checklists.roles.items()}
    most = None if capacity is None else Fraction(capacity)
    return Workload(period, titles, tuple(cells), tuple(shares.carriers(most)), tuple(shares.unheld), most)


def required(definitions: Definitions, period: Period) -> dict[tuple[str, int], Required]:
    """Return required points and checks by role and month number, where anything is required."""
    totals: dict[tuple[str, int], Whole] = {}
    for part in _parts(definitions, period, None):
        sums = part.twelfths[[POINTS, LOOKS]].sum(axis=1)
        for position, month in enumerate(period.months):
            if sums[:, position].any():
                totals[part.role, month] = totals.get((part.role, month), 0) + sums[:, position]
    return {key: Required(*(Fraction(int(amount), TWELVE) for amount in total)) for key, total in totals.items()}


# What is owed


@dataclass(frozen=True)
class _Part:
    """What a role owes in a specialty: `twelfths` is [what, owner, month], `owed` [code, owner]; owners are projects or realms."""

    role: str
    specialty: str | None
    level: str
    owners: tuple[str, ...]
    codes: tuple[str, ...]
    twelfths: Whole
    owed: Truth

    def place(self, owner: int) -> tuple[str | None, str | None]:
        """Return project and realm of an owner: one of them, or neither for the company."""
        name = self.owners[owner]
        if self.level == PROJECT:
            return name, None
        return None, None if self.level == COMPANY else name


def _parts(definitions: Definitions, period: Period, minutes: int | None) -> Iterator[_Part]:
    """Yield the parts by role, in the order in which roles are declared, and by specialty."""
    owed = duties.build(definitions, period.start, period.stop)
    takes = _minutes(definitions, owed, minutes)
    pairs: dict[str, list[int]] = {}
    for pair, (asked, _) in enumerate(owed.pairs):
        pairs.setdefault(asked, []).append(pair)
    for name, role in definitions.checklists.roles.items():
        if name in pairs:
            yield from _of_role(owed, name, role.level, np.array(pairs[name], dtype=np.int64), takes)


def _minutes(definitions: Definitions, owed: Duties, default: int | None) -> Whole:
    """Return what a look takes by the edition of the month, [pair, month], 0 where nobody says so."""
    takes = np.zeros(owed.unit.shape, dtype=np.int64)
    for month in range(owed.months):
        points = definitions.checklists.points(calendar.first_day(owed.start + month))
        for pair in np.nonzero(owed.unit[:, month] >= 0)[0].tolist():
            takes[pair, month] = points[owed.pairs[pair][1]][0].minutes or default or 0
    return takes


def _of_role(owed: Duties, role: str, level: str, pairs: Whole, takes: Whole) -> Iterator[_Part]:
    owners = owed.projects if level == PROJECT else owed.realms[owed.levels.index(level)]
    position = {int(pair): row for row, pair in enumerate(pairs)}
    twelfths: dict[int, Whole] = {}
    points: dict[int, Truth] = {}
    for month in range(owed.months):
        mine = pairs[owed.unit[pairs, month] >= 0]
        number = _number(owed, mine, month)
        looks, weight = _looks(owed, mine, month, number), _weights(owed, mine, month)
        for specialty in np.unique(owed.specialty[mine, month]).tolist():
            here = owed.specialty[mine, month] == specialty
            amounts = twelfths.setdefault(specialty, np.zeros((4, len(owners), owed.months), dtype=np.int64))
            amounts[POINTS, :, month] = weight[here] @ number[here]
            amounts[LOOKS, :, month] = looks[here].sum(axis=0)
            amounts[MINUTES, :, month] = takes[mine, month][here] @ looks[here]
            amounts[UNKNOWN, :, month] = (takes[mine, month][here] == 0).astype(np.int64) @ looks[here]
            found = points.setdefault(specialty, np.zeros((len(pairs), len(owners)), dtype=bool))
            found[[position[int(pair)] for pair in mine[here]]] |= number[here] > 0
    codes = tuple(owed.pairs[pair][1] for pair in pairs)
    for specialty, amounts in sorted(twelfths.items()):
        yield _Part(role, owed.specialties[specialty], level, owners, codes, amounts, points[specialty])


def _number(owed: Duties, pairs: Whole, month: int) -> Whole:
    """Return, [pair, owner], 1 for each project that a duty is owed to, or how many projects it owes in each realm."""
    there = owed.in_force(pairs[:, None], np.arange(len(owed.projects))[None, :], np.array(month))
    level = int(owed.level[pairs[0]]) if len(pairs) else 0
    if not level:
        return there.astype(np.int64)
    counts = np.zeros((len(pairs), len(owed.realms[level - 1])), dtype=np.int64)
    pair, project = np.nonzero(there)
    np.add.at(counts, (pair, owed.realm[level - 1][month][project]), 1)
    share, parts = (part[pairs, month][:, None] for part in owed.share)
    number: Whole = -(-share * counts // parts)
    return number


def _weights(owed: Duties, pairs: Whole, month: int) -> Whole:
    weights = [calendar.weight_twelfths(UNITS[unit]) for unit in owed.unit[pairs, month]]
    return np.array(weights, dtype=np.int64)


def _looks(owed: Duties, pairs: Whole, month: int, number: Whole) -> Whole:
    """Return the required checks of a month in twelfths, [pair, owner], without the windows that waivers take out."""
    kinds = [(int(unit), bool(owed.working[pair])) for unit, pair in zip(owed.unit[pairs, month], pairs, strict=True)]
    each = {(unit, working): owed.twelfths(unit, month, working=working) for unit, working in set(kinds)}
    times = owed.times[pairs, month] * np.array([each[kind] for kind in kinds], dtype=np.int64)
    looks: Whole = times[:, None] * number
    row = np.full(len(owed.pairs), -1, dtype=np.int64)
    row[pairs] = np.arange(len(pairs))
    gone = owed.removed[owed.removed[:, 2] == month]
    gone = gone[row[gone[:, 0]] >= 0]
    pair, project = row[gone[:, 0]], gone[:, 1]
    np.subtract.at(looks, (pair, project), TWELVE * owed.times[gone[:, 0], month] * number[pair, project])
    return looks


def _effort(twelfths: Whole, months: int) -> Effort:
    """Return looks, minutes and unknown, given in twelfths of a total, a month."""
    looks, minutes, unknown = (Fraction(int(amount), TWELVE * months) for amount in twelfths)
    return Effort(looks, minutes, unknown)


def _cells(part: _Part, period: Period, people: Mapping[int, set[str]]) -> Iterator[Cell]:
    known: dict[bytes, frozenset[str]] = {}
    totals = part.twelfths[LOOKS:].sum(axis=2)
    for owner in np.nonzero(part.owed.any(axis=0))[0].tolist():
        mask = part.owed[:, owner]
        # Most projects owe the same points: one set serves them all.
        points = known.setdefault(mask.tobytes(), frozenset(part.codes[row] for row in np.nonzero(mask)[0]))
        effort = _effort(totals[:, owner], len(period.months))
        holders = frozenset(people.get(owner, ()))
        yield Cell(part.role, part.specialty, *part.place(owner), effort, points, holders)


# Who carries it


class _Shares:
    """Divides what is owed over those who hold it, month by month."""

    def __init__(self, definitions: Definitions, period: Period) -> None:
        self.period, self.names = period, definitions.portfolio.names
        self.posts: dict[str, list[Post]] = {}
        for post in definitions.portfolio.posts:
            self.posts.setdefault(post.role, []).append(post)
        self.totals: dict[str, list[Fraction]] = {}
        self.months: dict[str, set[int]] = {}
        self.roles: dict[str, dict[str, None]] = {}
        self.unheld: list[Unheld] = []

    def take(self, part: _Part) -> dict[int, set[str]]:
        """Divide a part, and return by owner who holds any of it."""
        people: dict[int, set[str]] = {}
        idle: dict[int, list[int]] = {}
        for posts, months in self._spells(part):
            amounts = part.twelfths[LOOKS:, :, months]
            sums = amounts.sum(axis=2)
            for owner in np.nonzero(sums[0])[0].tolist():
                busy = [month for month, looks in zip(months, amounts[0, owner], strict=True) if looks]
                holders = posts.get(part.owners[owner], set()) | posts.get(None, set())
                people.setdefault(owner, set()).update(holders)
                for person in holders:
                    self._give(
                        person, part.role, busy, [Fraction(int(s), TWELVE * len(holders)) for s in sums[:, owner]]
                    )
                if not holders:
                    idle.setdefault(owner, []).extend(busy)
        for owner, months in sorted(idle.items()):
            self.unheld.append(self._unheld(part, owner, sorted(months)))
        return people

    def _spells(self, part: _Part) -> Iterator[tuple[dict[str | None, set[str]], list[int]]]:
        """Yield the people by place, None for every place, with the months in which these hold the part."""
        mine = [post for post in self.posts.get(part.role, ()) if post.specialty in (None, part.specialty)]
        spells: dict[tuple[int, ...], list[int]] = {}
        for position, month in enumerate(self.period.months):
            day = calendar.first_day(month)
            held = (n for n, post in enumerate(mine) if (post.from_ or day) <= day <= (post.to or day))
            spells.setdefault(tuple(held), []).append(position)
        for numbers, months in spells.items():
            people: dict[str | None, set[str]] = {}
            for number in numbers:
                people.setdefault(_place(mine[number], part.level), set()).add(mine[number].person)
            yield people, months

    def _give(self, person: str, role: str, months: Iterable[int], amounts: Sequence[Fraction]) -> None:
        total = self.totals.setdefault(person, [Fraction(0)] * 3)
        self.totals[person] = [so_far + more for so_far, more in zip(total, amounts, strict=True)]
        self.months.setdefault(person, set()).update(months)
        self.roles.setdefault(person, {})[role] = None

    def _unheld(self, part: _Part, owner: int, months: list[int]) -> Unheld:
        effort = _effort(part.twelfths[LOOKS:, owner, months].sum(axis=1), len(self.period.months))
        names = tuple(calendar.month_name(self.period.start + month) for month in months)
        return Unheld(part.role, part.specialty, *part.place(owner), names, effort)

    def carriers(self, capacity: Fraction | None) -> Iterator[Carrier]:
        """Yield what each person carries, in the order of their ids."""
        for person in sorted(self.totals):
            months = len(self.months[person])
            effort = Effort(*(amount / months for amount in self.totals[person]))
            name, roles = self.names.get(person, person), tuple(self.roles[person])
            yield Carrier(person, name, roles, months, effort, _verdict(effort, capacity))


def _place(post: Post, level: str) -> str | None:
    """Return the project or realm that a post is limited to; what a post names beside its role's level is not read."""
    if level == PROJECT:
        return post.project
    return None if level == COMPANY else post.realm


def _verdict(effort: Effort, capacity: Fraction | None) -> str | None:
    if capacity is None:
        return None
    if effort.minutes > capacity * 60:
        return TOO_MUCH
    return UNJUDGED if effort.unknown else FITS


# Rows


def rows(load: Workload, by: Sequence[str] = ("role",)) -> list[Row]:
    """Return the cells added up by role, specialty, project or realm, in the order of coming.

    A duty of a role with a realm has no project and the other way round: there the key is None. So it is for the realm
    of projects that do not have the attribute. Raises UsageError for another grouping.
    """
    _check(by)
    groups: dict[tuple[str | None, ...], list[Cell]] = {}
    for cell in load.cells:
        groups.setdefault(tuple(getattr(cell, name) or None for name in by), []).append(cell)
    return [_row(key, cells) for key, cells in groups.items()]


def _check(by: Sequence[str]) -> None:
    for name in by:
        if name not in GROUPINGS:
            remedy = text.instead(name, GROUPINGS)
            raise UsageError(say('grouping "{name}" is unknown; {remedy}', name=name, remedy=remedy))


def _row(key: tuple[str | None, ...], cells: Sequence[Cell]) -> Row:
    looks, minutes, unknown = (sum(amounts, Fraction(0)) for amounts in zip(*(c.effort for c in cells), strict=True))
    points = {point for cell in cells for point in cell.points}
    people = {person for cell in cells for person in cell.people}
    return Row(key, Effort(looks, minutes, unknown), len(points), len(people))


def table_columns(by: Sequence[str] = ("role",)) -> tuple[str, ...]:
    """Return the columns of `table`: the keys of `by`, behind role its title, then TABLE_COLUMNS; raise UsageError as it does."""
    _check(by)
    keys = (part for name in dict.fromkeys(by) for part in ((name, "title") if name == "role" else (name,)))
    return (*keys, *TABLE_COLUMNS)


def table(load: Workload, by: Sequence[str] = ("role",)) -> list[dict[str, Any]]:
    """Return rows of the keys of `by` (behind role its title) and TABLE_COLUMNS.

    Looks, minutes and hours are a month; minutes and hours are those of looks whose minutes are known, None where no
    look's are. A key is None where `rows` has it so. Raises UsageError for an unknown grouping.
    """
    return [
        {
            **_named(load, dict(zip(by, row.key, strict=True))),
            "looks": float(row.effort.looks),
            "points": row.points,
            **_shown(row.effort),
            "people": row.people,
            "hours_per_person": _float(row.hours_per_person),
        }
        for row in rows(load, by)
    ]


def people_table(load: Workload) -> list[dict[str, Any]]:
    """Return rows of PEOPLE_COLUMNS: roles are parted by ;, capacity is in hours."""
    return [
        {
            "person": one.person,
            "name": one.name,
            "roles": ";".join(one.roles),
            "months": one.months,
            "looks": float(one.effort.looks),
            **_shown(one.effort),
            "capacity": _float(load.capacity),
            "verdict": one.verdict,
        }
        for one in load.carriers
    ]


def unheld_table(load: Workload) -> list[dict[str, Any]]:
    """Return rows of UNHELD_COLUMNS: months are parted by ;, the realm of projects without the attribute is None."""
    return [
        {
            **_named(load, {name: getattr(one, name) or None for name in GROUPINGS}),
            "months": ";".join(one.months),
            "looks": float(one.effort.looks),
            **_shown(one.effort),
        }
        for one in load.unheld
    ]


def _named(load: Workload, keys: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return keys with a role's title behind the role."""
    named: dict[str, str | None] = {}
    for name, value in keys.items():
        named[name] = value
        if name == "role":
            named["title"] = load.titles[value or ""]
    return named


def _shown(effort: Effort) -> dict[str, float | None]:
    minutes, hours = _float(effort.known_minutes), _float(effort.hours)
    return {"minutes": minutes, "hours": hours, "looks_without_minutes": float(effort.unknown)}


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


__all__ = [
    "FITS",
    "GROUPINGS",
    "PEOPLE_COLUMNS",
    "TABLE_COLUMNS",
    "TOO_MUCH",
    "UNHELD_COLUMNS",
    "UNJUDGED",
    "Carrier",
    "Cell",
    "Effort",
    "Required",
    "Row",
    "Unheld",
    "Workload",
    "build",
    "people_table",
    "required",
    "rows",
    "table",
    "table_columns",
    "unheld_table",
]
