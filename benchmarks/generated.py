"""Generated records: what the company writes in a month, as Arrow tables with dictionaries and as Parquet folders."""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from company import TYPES, Company, company

from qpi import calendar, frames
from qpi.calendar import Unit
from qpi.checklist import COMPANY, METHODS

Whole = npt.NDArray[np.int64]
ROW_GROUP, ROWS_OF_A_PART = 122_880, 16 * 122_880
"""Rows of a row group, by which engines share work, and of a file."""
PROJECTS_OF_A_MILLION = 700
"""So many projects write about a million checks a month."""
FIRST = 2026 * 12
PLACES = 60
MISSING_KEEN, MISSING_CARELESS = 0.03, 0.13
"""What a project leaves out of what is asked: most little, one in five much; 5 % together."""
REPEATED, NOT_THERE, NAMELESS, FOUND, VERIFIED, CLOSED = 0.02, 0.02, 0.01, 0.05, 0.93, 0.88
KINDS = (("routine", 0.90), ("special", 0.07), ("mystery", 0.02), (None, 0.01))
FINDING_KINDS = ("suggestion", "rectification", "deduction")
FAULTS = tuple(
    f"{what}{how}"
    for what in ("登记表", "灭火器", "门禁", "巡查记录", "配电房", "大堂地面", "垃圾桶")
    for how in ("缺签字", "已过期", "损坏未报修", "不清洁", "与现场不符")
)
ADVICE = ("当日补齐", "三日内更换", "报修并跟踪", "重新培训", "一周内整改完毕")
HANDLING = ("口头提醒", "限期整改", "扣分通报", "约谈负责人")


class Month(NamedTuple):
    """What was recorded in a month; the keys are dictionaries, all columns of `qpi.frames` are there."""

    name: str
    checks: pa.Table
    findings: pa.Table
    verifications: pa.Table


class Rounds(NamedTuple):
    """Second verifications as arrays; those of a later month wait here."""

    finding: Any
    verifier: Whole
    seconds: Whole
    closes: npt.NDArray[np.bool_]

    def only(self, mine: npt.NDArray[Any]) -> "Rounds":
        """Return those at these positions."""
        return Rounds(*(part.take(pa.array(mine)) if isinstance(part, pa.Array) else part[mine] for part in self))


def months(of: Company, count: int, first: int = FIRST) -> Iterator[Month]:
    """Yield month after month what is recorded; the ledger's numbers run on."""
    entry, waiting = 1, None
    for month in range(first, first + count):
        keys = _looks(of, month)
        checks = _checks(of, month, keys, entry)
        entry += len(keys)
        random = np.random.default_rng([of.seed, month, 3])
        findings, rounds = _findings(random, checks)
        if waiting is not None:
            rounds = Rounds(
                pa.concat_arrays([waiting.finding, rounds.finding]),
                *(np.concatenate(both) for both in zip(waiting[1:], rounds[1:], strict=True)),
            )
        now = rounds.seconds // 86400 <= calendar.day_number(calendar.last_day(month))
        waiting = rounds.only(np.flatnonzero(~now))
        verifications = _verifications(of, rounds.only(np.flatnonzero(now)), entry)
        entry += len(verifications)
        yield Month(calendar.month_name(month), checks, findings, verifications)


# What is looked at

_BITS = {"project": 16, "role": 3, "point": 10}


def _looks(of: Company, month: int) -> Whole:
    """Return the looks of a month in the order of their rounds: minute, project, role and point packed in a number."""
    first, last = calendar.first_day(month), calendar.last_day(month)
    random = np.random.default_rng([of.seed, month, 1])
    projects = of.definitions.portfolio.projects
    roles, codes = _roles(of), _codes(of)
    open_ = np.array([project.open_on(first) for project in projects])
    attributes = [project.attributes_on(first) for project in projects]
    states = {tuple(sorted(each.items())): each for each in attributes}
    state = np.array([list(states).index(tuple(sorted(each.items()))) for each in attributes])
    care = np.random.default_rng([of.seed, 1]).random(len(projects)) < 0.8
    kept = 1 - np.where(care, MISSING_KEEN, MISSING_CARELESS).astype(np.float32)
    # A round is one person's way through one project on one day: its looks are written down together.
    minutes = random.integers(8 * 60, 20 * 60, (last.day, len(projects), len(roles)))
    found = []
    for at, (code, (point, _)) in enumerate(sorted(of.definitions.checklists.points(first).items())):
        assert code == codes[at]
        fits = np.array([point.applies(each) for each in states.values()])[state] & open_
        for role, ask in (point.frequency or {}).items():
            who = roles.index(role)
            project, day = _planned(of, (month, at, who), ask, np.flatnonzero(fits), last.day)
            if of.definitions.checklists.roles[role].level != COMPANY:
                done = random.random(len(project), dtype=np.float32) < kept[project]
                project, day = project[done], day[done]
            found.append(_packed(day * 1440 + minutes[day, project, who], project, who, at))
    looks = np.concatenate(found)
    again = looks[random.random(len(looks), dtype=np.float32) < REPEATED]
    later = _unpacked(again)
    day = np.minimum(later["minute"] // 1440 + random.integers(0, 4, len(again)), last.day - 1)
    minute = day * 1440 + minutes[day, later["project"], later["role"]]
    looks = np.concatenate([looks, _packed(minute, later["project"], later["role"], later["point"])])
    looks.sort()
    return looks


def _planned(of: Company, what: tuple[int, int, int], ask: Any, projects: Whole, days: int) -> tuple[Whole, Whole]:
    """Return the projects and days (from 0) on which a month's duty of a role is to be done."""
    month, point, role = what
    assert ask.every.times == 1, "a duty is asked for once a window here"
    random = np.random.default_rng([of.seed, month, 2, point, role])
    if ask.share < 1:
        projects = projects[random.random(len(projects)) < float(ask.share)]
    if ask.every.unit == Unit.DAY:
        return np.repeat(projects, days), np.tile(np.arange(days), len(projects))
    if ask.every.unit == Unit.WEEK:
        first = calendar.day_number(calendar.first_day(month))
        ends = np.array([end - first for end in range(first, first + days) if calendar.weekday(end) == 6])
        project, end = np.repeat(projects, len(ends)), np.tile(ends, len(projects))
        return project, end - random.integers(0, np.minimum(end, 6) + 1)
    if ask.every.unit == Unit.QUARTER:
        # The month in which a project does its quarter's duty is the same whichever month of it asks.
        whole = np.random.default_rng([of.seed, calendar.cycle_start(Unit.QUARTER, month), 2, point, role])
        chosen = whole.integers(0, 3, len(of.definitions.portfolio.projects))
        projects = projects[chosen[projects] == month - calendar.cycle_start(Unit.QUARTER, month)]
    return projects, random.integers(0, days, len(projects))


def _packed(minute: Whole, project: Whole, role: Any, point: Any) -> Whole:
    found = minute.astype(np.int64)
    for name, part in (("project", project), ("role", role), ("point", point)):
        found = found << _BITS[name] | part
    return found


def _unpacked(looks: Whole) -> dict[str, Whole]:
    found, rest = {}, looks
    for name in ("point", "role", "project"):
        found[name] = (rest & ((1 << _BITS[name]) - 1)).astype(np.int32)
        rest = rest >> _BITS[name]
    return {**found, "minute": rest}


def _codes(of: Company) -> list[str]:
    return sorted(of.definitions.checklists.codes)


def _roles(of: Company) -> list[str]:
    points = (point for source in of.definitions.checklists.sources for point in source.edition.points.values())
    return sorted({role for point in points for role in point.frequency or {}})


# What is written of a look


def _checks(of: Company, month: int, keys: Whole, entry: int) -> pa.Table:
    random = np.random.default_rng([of.seed, month, 4])
    size = len(keys)
    looks = _unpacked(keys)
    project, point, role, minute = (looks[name] for name in ("project", "point", "role", "minute"))
    del keys, looks
    day = (calendar.day_number(calendar.first_day(month)) + minute // 1440).astype(np.int32)
    projects = of.definitions.portfolio.projects
    types = np.array([TYPES.index(each.attributes["type"]) for each in projects], dtype=np.int32)
    place = random.integers(0, PLACES, size, dtype=np.int32) + types[project] * PLACES
    entries = np.arange(entry, entry + size)
    sample, population = _samples(of, random, project, point)
    seconds = day.astype(np.int64) * 86400 + minute % 1440 * 60 + random.integers(0, 60, size) - 8 * 3600
    nothing = random.random(size, dtype=np.float32) < NOT_THERE
    columns = {
        "entry": pa.array(entries),
        "id": _ids(entries),
        "project": _dictionary(project, [each.id for each in projects]),
        "point": _dictionary(point, _codes(of)),
        "role": _dictionary(role, _roles(of)),
        "inspector": _inspectors(of, random, project, point, role),
        "kind": _dictionary(_drawn(random, size, [share for _, share in KINDS]), [kind for kind, _ in KINDS if kind]),
        "checked_at": pa.array(seconds * 1_000_000).cast(pa.timestamp("us", "UTC")),
        "day": pa.array(day).cast(pa.date32()),
        "place": _dictionary(
            _some(random, place, 0.02), [f"{name}{n + 1}" for name in ("栋", "区", "座") for n in range(PLACES)]
        ),
        "method": _methods(of, random, point),
        "result": _dictionary(np.where(nothing, 0, -1).astype(np.int32), ["na"]),
        "sample_size": pa.array(np.where(nothing, 0, sample)),
        "population": pa.array(population, mask=random.random(size, dtype=np.float32) < 0.7),
        "evidence_count": pa.array(random.integers(0, 3, size)),
    }
    return _table(columns, frames.CHECKS)


def _samples(of: Company, random: np.random.Generator, project: Whole, point: Whole) -> tuple[Whole, Whole]:
    """Return sample and population: mostly what is asked and a little more, all of them where there are fewer."""
    asked = np.array(
        [of.definitions.checklists.points(calendar.first_day(FIRST))[c][0].way({}).minimum for c in _codes(of)]
    )
    handed = np.array([p.attributes["phase"] == "handover" for p in of.definitions.portfolio.projects])
    sample = asked[point] + handed[project] * 3 + random.choice([-1, 0, 0, 0, 1, 1, 2, 5], len(point))
    population = random.choice([2, 5, 20, 200, 1500], len(point), p=(0.02, 0.08, 0.3, 0.4, 0.2))
    return np.minimum(np.maximum(sample, 0), population), population


def _inspectors(of: Company, random: np.random.Generator, project: Whole, point: Whole, role: Whole) -> pa.Array:
    """Name a supervisor per ten projects and specialty, leads per project, sixty people of the department."""
    roles, size = _roles(of), len(of.definitions.portfolio.projects)
    specialty = (point * 5 // len(_codes(of))).astype(np.int32)
    supervisors = (size // 10 + 1) * 5
    who = {
        "supervisor": project // 10 * 5 + specialty,
        "team_lead": supervisors + project,
        "project_lead": supervisors + size + project,
        "department": supervisors + 2 * size + project % 60,
    }
    found = np.select([role == roles.index(name) for name in who], list(who.values()))
    names = [f"S{number:05d}" for number in range(supervisors + 2 * size + 60)]
    return _dictionary(_some(random, found.astype(np.int32), NAMELESS), names)


def _methods(of: Company, random: np.random.Generator, point: Whole) -> pa.Array:
    """Name a method that the point allows, one in forty another, and one in seventy none."""
    names = list(METHODS)
    known = of.definitions.checklists.points(calendar.first_day(FIRST))
    ways = [known[code][0].way({}).methods or tuple(names) for code in _codes(of)]
    allowed = np.array([[names.index(way[at % len(way)]) for at in range(12)] for way in ways], dtype=np.int32)
    found = allowed[point, random.integers(0, 12, len(point), dtype=np.int32)]
    other = random.random(len(point), dtype=np.float32) < 0.025
    found = np.where(other, random.integers(0, len(names), len(point), dtype=np.int32), found)
    return _dictionary(_some(random, found, 0.015), names)


# What a look finds, and what becomes of it


def _findings(random: np.random.Generator, checks: pa.Table) -> tuple[pa.Table, Rounds]:
    there = pc.is_null(checks["result"]).to_numpy()
    at = np.flatnonzero((random.random(len(checks), dtype=np.float32) < FOUND) & there)
    at = np.repeat(at, np.where(random.random(len(at)) < 0.08, 2, 1))
    size = len(at)
    number = np.ones(size, dtype=np.int64)
    number[1:] += at[1:] == at[:-1]
    chosen = checks.select(["entry", "id", "day", "inspector", "place"]).take(pa.array(at))
    ids = _one(chosen["id"])
    finding = pc.binary_join_element_wise(ids, pc.cast(pa.array(number), pa.string()), "/")
    day = _one(chosen["day"]).cast(pa.int32()).to_numpy()
    kind = _drawn(random, size, (0.45, 0.35, 0.20))
    deducts = (kind == 2) | (random.random(size) < 0.05)
    plan = day + random.integers(3, 15, size, dtype=np.int32)
    planned = random.random(size) < 0.97
    columns = {
        "entry": chosen["entry"],
        "id": finding,
        "check": ids,
        "no": pa.array(number),
        "kind": _dictionary(kind, FINDING_KINDS),
        "fault": _text(random, size, FAULTS),
        "advice": _text(random, size, ADVICE),
        "handling": _text(random, size, HANDLING),
        "responsible": chosen["inspector"],
        "deduct_hundredths": pa.array(50 * random.integers(1, 8, size), mask=~deducts),
        "due": pa.array(plan - 1).cast(pa.date32()),
        "verify_on": pa.array(plan, mask=~planned).cast(pa.date32()),
        "place": chosen["place"],
    }
    inspector = _one(chosen["inspector"].combine_chunks()).indices.fill_null(0).to_numpy()
    return _table(columns, frames.FINDINGS), _rounds(random, finding, inspector, (day, plan))


def _rounds(random: np.random.Generator, finding: Any, inspector: Whole, days: tuple[Whole, Whole]) -> Rounds:
    """Return the verifications of most findings; one that stays open is looked at again, some at the same instant."""
    day, plan = days
    done = np.flatnonzero(random.random(len(day)) < VERIFIED)
    when = np.maximum(plan[done] + random.integers(-3, 3, len(done)), day[done]).astype(np.int64)
    first = when * 86400 + random.integers(9 * 3600, 18 * 3600, len(done))
    closes = random.random(len(done)) < CLOSED
    verifier = inspector[done].astype(np.int64)
    rounds = Rounds(finding.take(pa.array(done)), verifier, first, closes)
    again = np.flatnonzero(~closes & (random.random(len(done)) < 0.9))
    later = np.where(random.random(len(again)) < 0.1, 0, random.integers(2, 10, len(again)) * 86400)
    second = Rounds(
        rounds.finding.take(pa.array(again)), verifier[again], first[again] + later, random.random(len(again)) < CLOSED
    )
    return Rounds(
        pa.concat_arrays([rounds.finding, second.finding]),
        *(np.concatenate(both) for both in zip(rounds[1:], second[1:], strict=True)),
    )


def _verifications(of: Company, rounds: Rounds, entry: int) -> pa.Table:
    # Stable, so that of two at one instant the second round comes later in the ledger.
    rounds = rounds.only(np.argsort(rounds.seconds, kind="stable"))
    size = len(of.definitions.portfolio.projects)
    names = [f"S{number:05d}" for number in range((size // 10 + 1) * 5 + 2 * size + 60)]
    columns = {
        "entry": pa.array(np.arange(entry, entry + len(rounds.seconds))),
        "finding": rounds.finding,
        # Somebody else than who found it.
        "verifier": _dictionary((rounds.verifier + 1) % len(names), names),
        "verified_at": pa.array((rounds.seconds - 8 * 3600) * 1_000_000).cast(pa.timestamp("us", "UTC")),
        "day": pa.array((rounds.seconds // 86400).astype(np.int32)).cast(pa.date32()),
        "outcome": _dictionary(np.where(rounds.closes, 0, 1), ["closed", "open"]),
    }
    return _table(columns, frames.VERIFICATIONS)


# Columns


def _drawn(random: np.random.Generator, size: int, shares: Any) -> Whole:
    """Return codes with these shares; the last of checks' kinds stands for none."""
    found = np.searchsorted(np.cumsum(shares)[:-1], random.random(size, dtype=np.float32), side="right")
    return found.astype(np.int32)


def _some(random: np.random.Generator, codes: Whole, without: float) -> Whole:
    """Return codes, -1 for the share that is not said."""
    return np.where(random.random(len(codes), dtype=np.float32) < without, -1, codes).astype(np.int32)


def _dictionary(codes: Whole, names: Any) -> pa.Array:
    missing = (codes < 0) | (codes >= len(names))
    indices = pa.array(codes.astype(np.int32, copy=False), mask=missing if missing.any() else None)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(names), pa.string()))


def _text(random: np.random.Generator, size: int, texts: Any) -> pa.Array:
    return _dictionary(_some(random, random.integers(0, len(texts), size), 0.01), texts).dictionary_decode()


def _ids(entries: Whole) -> pa.Array:
    return pc.binary_join_element_wise("c", pc.cast(pa.array(entries), pa.string()), "-")


def _one(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


_TYPES = {
    frames.TEXT: pa.string(), frames.KEY: pa.dictionary(pa.int32(), pa.string()), frames.WHOLE: pa.int64(),
    frames.DAY: pa.date32(), frames.MOMENT: pa.timestamp("us", "UTC"),
}  # fmt: skip


def _table(columns: Mapping[str, Any], kinds: Mapping[str, str]) -> pa.Table:
    size = len(columns["entry"])
    return pa.table({name: columns.get(name, pa.nulls(size, _TYPES[kind])) for name, kind in kinds.items()})


# Files


def write(folder: Path, of: Company, count: int) -> dict[str, int]:
    """Write so many months as `checks/month=2026-01/part-00000.parquet` and so on; return the rows of each table."""
    rows = dict.fromkeys(("checks", "findings", "verifications"), 0)
    for month in months(of, count):
        for name in rows:
            table = getattr(month, name)
            rows[name] += len(table)
            place = folder / name / f"month={month.name}"
            place.mkdir(parents=True)
            for part, start in enumerate(range(0, max(len(table), 1), ROWS_OF_A_PART)):
                pq.write_table(
                    table.slice(start, ROWS_OF_A_PART), place / f"part-{part:05d}.parquet",
                    row_group_size=ROW_GROUP, compression="zstd",
                    # Without Arrow's schema every reader sees plain texts, on dictionary pages all the same.
                    store_schema=False, use_dictionary=[n for n in table.column_names if n not in _EACH_ITS_OWN],
                )  # fmt: skip
    return rows


_EACH_ITS_OWN = ("entry", "id", "check", "finding", "checked_at", "verified_at")
"""Columns whose values hardly repeat."""


def month_names(count: int, first: int = FIRST) -> list[str]:
    """Return the names of so many months as the folders bear them."""
    return [calendar.month_name(month) for month in range(first, first + count)]


def parts(folder: Path, name: str, month: str = "*", keys: tuple[str, ...] = ()) -> Iterator[pq.ParquetFile]:
    """Yield the files of a table, of one month or of all; these keys are read as dictionaries."""
    for place in sorted(folder.glob(f"{name}/month={month}/*.parquet")):
        yield pq.ParquetFile(place, read_dictionary=list(keys))


def size_of(millions: int) -> tuple[int, int]:
    """Return projects and months that make so many million checks: 100 million are ten months of ten million."""
    return PROJECTS_OF_A_MILLION * min(millions, 10), max(1, millions // 10)


def main() -> None:
    """Write a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=1, help="million checks")
    asked = parser.parse_args()
    projects, count = size_of(asked.size)
    start = time.perf_counter()
    found = company(projects)
    built = time.perf_counter() - start
    rows = write(asked.folder, found, count)
    size = sum(file.stat().st_size for file in asked.folder.rglob("*.parquet"))
    took = timedelta(seconds=round(time.perf_counter() - start))
    print(f"{rows}, {size / 2**20:,.0f} MB, in {took} (definitions {built:.1f} s)", file=sys.stderr)


if __name__ == "__main__":
    main()
