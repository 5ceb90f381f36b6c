"""Metrics: the indicators of docs/indicators.md by any grouping, as one tidy table."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from qpi import calendar, duties, fulfilment, tally, text
from qpi.calendar import Period
from qpi.checklist import COMPANY
from qpi.definitions import Definitions
from qpi.duties import Truth, Whole
from qpi.errors import UsageError
from qpi.frames import NEEDED
from qpi.messages import said, say
from qpi.policy import FINDING_KINDS, INDICATORS
from qpi.portfolio import Project

WITHOUT_DUTIES = frozenset({"inspector", "kind", "category"})
"""Groupings that duties do not have, so that coverage and frequency have no rows there."""
PARTS = {"coverage": 12, "frequency_completion": 12, "score_rate": 100}
"""Into how many parts an indicator's whole numbers divide one point or check."""
RESULT = ("indicator", "done", "due", "rate", "floor", "verdict", "title", "source", "grade")
"""Columns that a result has beside its groupings."""
RATIOS = ("suggestion_ratio", "rectification_ratio", "deduction_ratio")
Key = tuple[str | None, ...]


class Count(NamedTuple):
    """Done and due of one indicator in one group, in whole parts (see PARTS)."""

    key: Key
    indicator: str
    done: int
    due: int


def indicators(
    definitions: Definitions,
    checks: Any,
    findings: Any,
    verifications: Any,
    period: str | Period,
    *,
    by: Sequence[str] = (),
    as_of: datetime | date | None = None,
) -> pd.DataFrame:
    """Return the indicators of a period, one row per group and indicator.

    The tables are any that narwhals takes, with the columns of `qpi.frames`; `findings` and `verifications` may begin
    before the period, and must where something of it is verified later. `by` takes project, role, specialty, category,
    month, inspector, kind and any attribute of projects. `as_of` (default: now) limits verifications; a date includes
    that day in the workspace's zone.

    Columns of the result: the groupings (text, None where nothing names them), `indicator`, `done` and `due` (points,
    checks or findings), `rate` and `floor` (fractions of 1, NaN where there is none), `verdict` (met, missed, n/a).
    Raises UsageError for an unknown period or grouping, or a table without a needed column.
    The formulas are those of docs/indicators.md.
    """
    span = period_of(period) if isinstance(period, str) else period
    keys = groupings(definitions, by)
    rows = counts(definitions, checks, findings, verifications, span, by=keys, as_of=as_of)
    return table(definitions, rows, keys)


def period_of(name: str) -> Period:
    """Return the period of a name; raise UsageError where it means none."""
    try:
        return calendar.period(name)
    except ValueError as error:
        raise UsageError(said(error)) from error


def groupings(definitions: Definitions, by: Sequence[str], *, taken: Container[str] = RESULT) -> tuple[str, ...]:
    """Return the groupings that are asked for, each once; raise UsageError for one that is unknown or a name `taken`."""
    for name in by:
        if name in taken:
            raise UsageError(
                say(
                    'an attribute named "{name}" cannot be a grouping, the result has a column of that name; rename it',
                    name=name,
                )
            )
        if name not in definitions.groupings:
            remedy = text.instead(name, definitions.groupings)
            raise UsageError(say('grouping "{name}" is unknown; {remedy}', name=name, remedy=remedy))
    return tuple(dict.fromkeys(by))


def moment_of(definitions: Definitions, as_of: datetime | date | None) -> datetime:
    """Return the last moment that verifications count at: of a day its end, and now where nothing is said."""
    if as_of is None:
        return datetime.now(UTC)
    if not 1971 <= as_of.year < 2200:
        raise UsageError(say("as_of {day} lies outside the years 1971 to 2199; mend the year", day=str(as_of)))
    if isinstance(as_of, datetime):
        if as_of.utcoffset() is None:
            raise UsageError(
                say(
                    "as_of {moment} names no offset from UTC; write a day, or 2026-11-20T18:00+08:00", moment=str(as_of)
                )
            )
        return as_of
    next_day = datetime(as_of.year, as_of.month, as_of.day, tzinfo=definitions.zone) + timedelta(days=1)
    return next_day.astimezone(UTC) - timedelta(microseconds=1)


def counts(
    definitions: Definitions, checks: Any, findings: Any, verifications: Any, period: Period, *,
    by: Sequence[str], as_of: datetime | date | None,
) -> list[Count]:  # fmt: skip
    """Return done and due of every indicator and group in whole parts, before any division."""
    checks = tally.table(checks, NEEDED["checks"], "checks")
    findings = tally.table(findings, NEEDED["findings"], "findings")
    verifications = tally.table(verifications, NEEDED["verifications"], "verifications")
    found = list(_fulfilled(definitions, checks, period, by)) if not WITHOUT_DUTIES & set(by) else []
    found += _Quality(definitions, period, by, moment_of(definitions, as_of)).counts(checks, findings, verifications)
    order = {indicator: position for position, indicator in enumerate(INDICATORS)}
    shown = [count for count in found if count.done or count.due]
    return sorted(shown, key=lambda count: ([(part is None, part or "") for part in count.key], order[count.indicator]))


# Coverage and frequency completion


def _fulfilled(definitions: Definitions, checks: Any, period: Period, by: Sequence[str]) -> Iterable[Count]:
    start = period.start - period.start % 12
    owed = duties.build(definitions, start, period.stop)
    # A pair of weeks that ends in the first month may begin 13 days before it.
    first = calendar.first_day(start) - timedelta(days=13)
    policy = definitions.policy
    daily = tally.daily(checks, policy.counts_for_duty, first, calendar.last_day(period.stop - 1))
    raw = policy.overfulfilment == "raw"
    totals: dict[Key, Whole] = {}
    spans = [calendar.month_period(m) for m in period.months] if "month" in by else [period]
    blocks = fulfilment.blocks(owed, daily, raw=raw)
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


# Closure, traceability, method, ratios, score


class _Codes(NamedTuple):
    """One grouping: the code of each row and the name that each code stands for."""

    codes: Whole
    names: Sequence[str | None]


class _Quality:
    """Counts what goes by the day of the check, and what goes by the finding."""

    def __init__(self, definitions: Definitions, period: Period, by: Sequence[str], as_of: datetime) -> None:
        self.definitions, self.period, self.by, self.as_of = definitions, period, by, as_of
        self.policy = definitions.policy
        self.found: list[Count] = []

    def counts(self, checks: Any, findings: Any, verifications: Any) -> list[Count]:
        """Return the counts of every indicator but coverage and frequency completion."""
        rows = tally.judged(checks, self.policy.traceability.check)
        keys = [name for name in self.by if name in ("role", "inspector", "kind")]
        most = self._most()
        looks = tally.quality(rows, keys, self.period.first, self.period.last, most)
        raised = tally.raised(rows, findings, verifications, self.policy.traceability.finding, self.as_of)
        self._closures(raised)
        self._looks(looks, raised)
        return self.found

    def _most(self) -> int:
        """Return the greatest minimum sample that any point asks for."""
        points = [p for s in self.definitions.checklists.sources for p in s.edition.points.values()]
        samples = [s for p in points for s in (p.sample, *(v.sample for v in p.variants or ())) if s is not None]
        return max((sample.minimum for sample in samples), default=0)

    def _add(self, indicator: str, groups: "_Groups", done: Whole, due: Whole) -> None:
        sums = groups.sums(np.stack([done, due], axis=1))
        self.found += (Count(key, indicator, int(a), int(b)) for key, (a, b) in zip(groups.keys, sums, strict=True))

    def _grouped(self, rows: pd.DataFrame, day: Whole, month: Whole) -> "_Groups":
        """Group rows by the asked keys; `day` is that of the check, `month` the one that the indicator goes by."""
        return _Groups([self._codes(name, rows, day, month) for name in self.by], len(rows))

    def _codes(self, name: str, rows: pd.DataFrame, day: Whole, month: Whole) -> _Codes:
        if name == "month":
            values, codes = np.unique(month, return_inverse=True)
            return _Codes(codes, [calendar.month_name(int(value)) for value in values])
        if name == "kind":
            found = _named(rows[name])
            return _renamed([kind or "routine" for kind in found.names], found.codes)
        if name in ("project", "role", "inspector"):
            return _named(rows[name])
        if name in ("specialty", "category"):
            return self._of_point(name, rows["point"], day)
        return self._attribute(name, rows["project"], month)

    def _of_point(self, name: str, points: "pd.Series[Any]", day: Whole) -> _Codes:
        """Name the specialty or category of each point by the edition of the day."""
        found, inverse = self._points(points, day)
        return _renamed([getattr(point, name) if point else None for point in found], inverse)

    def _points(self, points: "pd.Series[Any]", day: Whole) -> tuple[list[Any], Whole]:
        """Return the points in force that occur, None for one that is not, and which of them each row has."""
        codes = _named(points)
        pairs, inverse = np.unique(np.stack([tally.months(day), codes.codes]), axis=1, return_inverse=True)
        return [self._point(int(when), codes.names[code]) for when, code in pairs.T], inverse.ravel()

    def _point(self, month: int, code: str | None) -> Any:
        found = self.definitions.checklists.points(calendar.first_day(month)).get(code or "")
        return found[0] if found else None

    def _attribute(self, name: str, projects: "pd.Series[Any]", month: Whole) -> _Codes:
        """Name an attribute of each project on the last day of the period, or of the month with `--by month`."""
        when = month if "month" in self.by else np.full(len(month), self.period.stop - 1, dtype=np.int64)
        codes = _named(projects)
        pairs, inverse = np.unique(np.stack([when, codes.codes]), axis=1, return_inverse=True)
        known = self.definitions.portfolio.project
        names: list[str | None] = []
        for last, code in pairs.T:
            project = known.get(codes.names[code] or "")
            names.append(project.attributes_on(calendar.last_day(int(last))).get(name, "") if project else "")
        return _renamed(names, inverse.ravel())

    # By the finding

    def _closures(self, raised: pd.DataFrame) -> None:
        day = tally.day_numbers(raised["day"])
        planned = raised["verify_on"]
        has_plan = ~planned.isna().to_numpy()
        plan = np.where(has_plan, tally.day_numbers(planned), day)
        closed = (raised["closed"].fillna(0).to_numpy() == 1).astype(np.int64)
        by_plan = self.policy.closure.population == "due"
        month = tally.months(plan if by_plan else day)
        for indicator, kinds in (("closure", self.policy.closure.kinds), ("closure_all", FINDING_KINDS)):
            mine = self._inside(month) & raised["finding_kind"].isin(list(kinds)).to_numpy()
            self._of_findings(indicator, raised, mine, day, month, closed)
        self._on_time(raised, has_plan, plan, day)

    def _on_time(self, raised: pd.DataFrame, has_plan: Truth, plan: Whole, day: Whole) -> None:
        today = calendar.day_number(self.as_of.astimezone(self.definitions.zone).date())
        month = tally.months(plan)
        first = raised["first_day"]
        verified = ~first.isna().to_numpy()
        on_time = verified & (np.where(verified, tally.day_numbers(first), 0) <= plan)
        mine = self._inside(month) & has_plan & (plan < today)
        self._of_findings("closure_on_time", raised, mine, day, month, on_time.astype(np.int64))

    def _of_findings(
        self, indicator: str, raised: pd.DataFrame, mine: Truth, day: Whole, month: Whole, done: Whole
    ) -> None:
        groups = self._grouped(raised[mine], day[mine], month[mine])
        self._add(indicator, groups, done[mine], np.ones(int(mine.sum()), dtype=np.int64))

    def _inside(self, month: Whole) -> Truth:
        return (month >= self.period.start) & (month < self.period.stop)

    # By the day of the check

    def _looks(self, looks: pd.DataFrame, raised: pd.DataFrame) -> None:
        day = tally.day_numbers(looks["day"])
        month = tally.months(day)
        groups = self._grouped(looks, day, month)
        number = looks["checks"].to_numpy().astype(np.int64)
        judged = np.where(looks["na"].to_numpy() == 1, 0, number)
        mine = raised[self._inside(tally.months(tally.day_numbers(raised["day"])))]
        finding_day = tally.day_numbers(mine["day"])
        self._traceability(looks, groups, number, mine, finding_day)
        self._add("method_conformity", groups, np.where(self._conforms(looks, day), judged, 0), judged)
        self._ratios(groups, judged, mine, finding_day)
        self._score(looks, groups, judged, day, mine, finding_day)

    def _merged(self, indicator: str, parts: Iterable[tuple["_Groups", Whole, Whole]]) -> None:
        """Add an indicator whose counts come from several tables."""
        totals: dict[Key, Whole] = {}
        for groups, done, due in parts:
            sums = groups.sums(np.stack([done, due], axis=1))
            for key, amounts in zip(groups.keys, sums, strict=True):
                totals[key] = totals[key] + amounts if key in totals else amounts
        self.found += (Count(key, indicator, int(done), int(due)) for key, (done, due) in totals.items())

    def _traceability(
        self, looks: pd.DataFrame, groups: "_Groups", number: Whole, raised: pd.DataFrame, day: Whole
    ) -> None:
        """Count the traceable checks: those that are so by themselves, less those with an incomplete finding."""
        bad = ((raised["complete"] == 0) & (raised["traceable"] == 1)).to_numpy() & ~_repeated(
            raised, raised["complete"] == 0
        )
        rows, days = raised[bad], day[bad]
        zeros = np.zeros(len(rows), dtype=np.int64)
        less = (self._grouped(rows, days, tally.months(days)), zeros - 1, zeros)
        self._merged("traceability", [(groups, looks["traceable"].to_numpy().astype(np.int64), number), less])

    def _conforms(self, looks: pd.DataFrame, day: Whole) -> Truth:
        """Say of each row whether its method and sample are those of its point, in the variant of its day."""
        points, methods = _named(looks["point"]), _named(looks["method"])
        states, state = self._states(looks["project"], day)
        triples, inverse = np.unique(np.stack([tally.months(day), points.codes, state]), axis=1, return_inverse=True)
        allowed = np.zeros((triples.shape[1], len(methods.names)), dtype=bool)
        minimum = np.zeros(triples.shape[1], dtype=np.int64)
        for row, (month, code, held) in enumerate(triples.T):
            point = self._point(int(month), points.names[code])
            if point is not None:
                way = point.way(states[held])
                minimum[row] = way.minimum
                allowed[row] = [name is not None and (not way.methods or name in way.methods) for name in methods.names]
        inverse = inverse.ravel()
        reach = looks["reach"].to_numpy().astype(np.int64)
        found: Truth = allowed[inverse, methods.codes] & (reach >= minimum[inverse])
        return found

    def _states(self, projects: "pd.Series[Any]", day: Whole) -> tuple[list[Mapping[str, str]], Whole]:
        """Return the attributes that occur, and which of them each row's project has on its day."""
        known = self.definitions.portfolio.projects
        names: dict[tuple[tuple[str, str], ...], int] = {(): 0}
        first = calendar.day_number(self.period.first)
        days = calendar.day_number(self.period.last) - first + 1
        held = np.zeros((len(known) + 1, days), dtype=np.int32)
        for position, project in enumerate(known):
            _hold(held[position], project, first, names)
        rows = tally.codes(projects, [project.id for project in known])
        return [dict(state) for state in names], held[rows, day - first].astype(np.int64)

    def _ratios(self, groups: "_Groups", judged: Whole, raised: pd.DataFrame, day: Whole) -> None:
        found = self._grouped(raised, day, tally.months(day))
        zeros = np.zeros(len(raised), dtype=np.int64)
        for indicator, kind in zip(RATIOS, FINDING_KINDS, strict=True):
            is_kind = (raised["finding_kind"] == kind).to_numpy().astype(np.int64)
            self._merged(indicator, [(groups, np.zeros(len(judged), dtype=np.int64), judged), (found, is_kind, zeros)])

    def _scores(self, points: "pd.Series[Any]", day: Whole) -> Whole:
        """Return the score of each row's point by the edition of its day in hundredths, -1 where it has none."""
        found, inverse = self._points(points, day)
        scores = [point.score if point and point.score is not None else -1 for point in found]
        return np.array(scores, dtype=np.int64)[inverse]

    def _score(
        self, looks: pd.DataFrame, groups: "_Groups", judged: Whole, day: Whole, raised: pd.DataFrame, raised_day: Whole
    ) -> None:
        """Count the scores kept: the full score of every check, less what the findings of each take from it."""
        score = self._scores(looks["point"], day)
        full = np.where(score >= 0, score, 0) * judged
        of_findings = self._scores(raised["point"], raised_day)
        scored = (of_findings >= 0) & (raised["na"] == 0).to_numpy()
        rows, days, worth = raised[scored], raised_day[scored], of_findings[scored]
        keep, check = _first_of_each(rows["check"])
        lost = np.zeros(len(keep), dtype=np.int64)
        np.add.at(lost, check, rows["deduct_hundredths"].fillna(0).to_numpy().astype(np.int64))
        if self.policy.score_floor == "zero":
            lost = np.minimum(lost, worth[keep])
        less = (
            self._grouped(rows.iloc[keep], days[keep], tally.months(days[keep])),
            -lost,
            np.zeros(len(keep), dtype=np.int64),
        )
        self._merged("score_rate", [(groups, full, full), less])


def _hold(
    held: npt.NDArray[np.int32], project: Project, first: int, names: dict[tuple[tuple[str, str], ...], int]
) -> None:
    for start, attributes in project.states:
        since = 0 if start == date.min else max(0, calendar.day_number(start) - first)
        held[since:] = names.setdefault(tuple(sorted(attributes.items())), len(names))


def _repeated(rows: pd.DataFrame, of: "pd.Series[Any]") -> Truth:
    """Say of each row whether an earlier one with the same check has the property too."""
    repeated: Truth = rows["check"].where(of, other=None).duplicated().to_numpy() & of.to_numpy()
    return repeated


def _first_of_each(checks: "pd.Series[Any]") -> tuple[Whole, Whole]:
    """Return the position of the first row of each check, and which check each row belongs to."""
    numbers, values = pd.factorize(checks)
    keep = np.full(len(values), -1, dtype=np.int64)
    keep[numbers[::-1]] = np.arange(len(numbers))[::-1]
    return keep, numbers.astype(np.int64)


def _named(column: "pd.Series[Any]") -> _Codes:
    numbers, values = pd.factorize(column, use_na_sentinel=True)
    names: list[str | None] = [*map(str, values), None]
    return _Codes(np.where(numbers < 0, len(values), numbers).astype(np.int64), names)


def _renamed(names: list[str | None], inverse: Whole) -> _Codes:
    """Give equal names one code."""
    position: dict[str | None, int] = {}
    codes = np.array([position.setdefault(name, len(position)) for name in names], dtype=np.int64)
    return _Codes(codes[inverse] if len(codes) else inverse, list(position))


class _Groups:
    """Rows put into groups: the key of each group, and which group each row belongs to."""

    def __init__(self, columns: list[_Codes], rows: int) -> None:
        if not columns:
            self.keys: list[Key] = [()]
            self._group = np.zeros(rows, dtype=np.int64)
            return
        found, group = np.unique(np.stack([column.codes for column in columns]), axis=1, return_inverse=True)
        self.keys = [
            tuple(column.names[code] for column, code in zip(columns, codes, strict=True)) for codes in found.T
        ]
        self._group = group.ravel()

    def sums(self, amounts: Whole) -> Whole:
        """Return the sum of each column of amounts, [row, column], in each group."""
        found = np.zeros((len(self.keys), amounts.shape[1]), dtype=np.int64)
        np.add.at(found, self._group, amounts)
        return found


# The last step


def table(definitions: Definitions, rows: Sequence[Count], by: Sequence[str]) -> pd.DataFrame:
    """Return counts as the tidy table of `indicators`; this is the only place that divides."""
    policy = definitions.policy
    columns: dict[str, Any] = {
        name: pd.Series([row.key[i] for row in rows], dtype="object") for i, name in enumerate(by)
    }
    columns["indicator"] = pd.Series([row.indicator for row in rows], dtype="object")
    parts = [PARTS.get(row.indicator, 1) for row in rows]
    columns["done"] = pd.Series([row.done / part for row, part in zip(rows, parts, strict=True)], dtype="float64")
    columns["due"] = pd.Series([row.due / part for row, part in zip(rows, parts, strict=True)], dtype="float64")
    columns["rate"] = pd.Series([row.done / row.due if row.due else None for row in rows], dtype="float64")
    floors = {indicator: policy.floor(indicator) for indicator in INDICATORS}
    columns["floor"] = pd.Series([_float(floors[row.indicator]) for row in rows], dtype="float64")
    columns["verdict"] = pd.Series(
        [verdict(row, floors[row.indicator], policy.mix_minimum) for row in rows], dtype="object"
    )
    return pd.DataFrame(columns)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def verdict(count: Count, floor: Fraction | None, mix_minimum: int) -> str:
    """Return met, missed or n/a, in whole numbers only."""
    if floor is None or not count.due or (count.indicator in RATIOS and count.due < mix_minimum):
        return "n/a"
    return "met" if count.done * floor.denominator >= count.due * floor.numerator else "missed"


_CENT = Decimal("0.01")


def percent(done: int, due: int, *bounds: Fraction) -> str:
    """Return done over due (whole numbers) as percent with two decimals, half up; 0.00 % and 100.00 % only when exact.

    A rate that lies below one of the bounds, such as its floor, is not shown as if it had reached it.
    """
    if not due:
        return "—"
    # Half up of a fraction is the floor of itself and a half.
    hundredths = (2 * done * 10000 + due) // (2 * due)
    if any(done * bound.denominator < bound.numerator * due and hundredths >= bound * 10000 for bound in bounds):
        hundredths = done * 10000 // due
    shown = Decimal(hundredths) / 100
    if shown == 0 and done > 0:
        shown = _CENT
    elif shown == 100 and done != due:
        shown = Decimal("99.99") if done < due else Decimal("100.01")
    return f"{shown:.2f} %"


__all__ = ["Count", "counts", "groupings", "indicators", "moment_of", "percent", "period_of", "table", "verdict"]
