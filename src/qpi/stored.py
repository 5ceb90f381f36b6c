"""Stored tallies: the counts of each month beside an export, with the position of the ledger that they were made at."""

import json
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from qpi import calendar, codes, disk, manifest, parquet, quality, queries
from qpi.asked import ALL, NO_PLAN, Days, Looked, Owed, Raised, Stretch
from qpi.definitions import Definitions
from qpi.errors import DataError, Problem, Where
from qpi.groups import summed
from qpi.ledger import Ledger
from qpi.messages import Message, say
from qpi.tally import Rows

FORMAT = 1
"""Version of what is stored, to be raised whenever something is counted otherwise."""
FOLDER, NAME = "tallies", "tallies.json"
KEYS = ("project", "role", "inspector", "kind")
TABLES = ("days", "looks", "findings", "checks", "closers")
LATER = datetime(2200, 1, 1, tzinfo=UTC)
"""After every second verification: what is stored knows them all."""


class Kept(NamedTuple):
    """What a folder of tallies says of itself: of which ledger, position and definitions, and the files of each month.

    `latest` is the moment of the last second verification; a question as of an earlier one is not answered from here.
    """

    ledger: str
    seq: int
    head: str
    definitions: tuple[str, ...]
    latest: str | None
    months: Mapping[str, Mapping[str, str]]


def digests(definitions: Definitions) -> tuple[str, ...]:
    """Return what counts hang on beside the records."""
    return (str(FORMAT), definitions.zone.key, *definitions.digests)


def read(folder: Path) -> Kept | None:
    """Return what is stored beside an export, or None where nothing is, or nothing that can be read."""
    try:
        said = json.loads((folder / FOLDER / NAME).read_text(encoding="utf-8"))
        return Kept(**{**said, "definitions": tuple(said["definitions"])})
    except (OSError, ValueError, TypeError, KeyError):
        # Tallies are counted again from what they were counted from; nothing is lost with them.
        return None


def refresh(folder: Path, definitions: Definitions, ledger: Ledger, rows: Rows, kept: manifest.Manifest) -> list[str]:
    """Bring the tallies of an export up to its position, and return the months that were counted.

    These are the months of which something was recorded, voided, corrected or verified since, and those whose files are
    not what was stored; all of them where the definitions have changed. `rows` are those of the export.
    """
    before, wanted = read(folder), digests(definitions)
    months = sorted({part.month for part in kept.parts if part.table == "checks"})
    stale = set(months)
    if before and (before.ledger, before.definitions) == (kept.ledger, wanted) and _is_of(ledger, before, kept):
        stale = touched(ledger, before.seq, kept.seq)
        stale |= {month for month in months if not _is_whole(folder, month, before.months.get(month, {}))}
    files = {month: before.months[month] for month in months if month not in stale} if before else {}
    counted = [month for month in months if month in stale]
    for month in counted:
        files[month] = _write(folder, month, count(definitions, rows, calendar.period(month).start))
    made = Kept(kept.ledger, kept.seq, kept.head, wanted, _latest(rows), dict(sorted(files.items())))
    if made != before:
        (folder / FOLDER).mkdir(exist_ok=True)
        disk.write(folder / FOLDER / NAME, json.dumps(made._asdict(), ensure_ascii=False, indent=1) + "\n")
    return counted


def faults(folder: Path, definitions: Definitions, rows: Rows, kept: manifest.Manifest) -> list[Problem]:
    """Return the tallies beside an export that are not what its `rows` add up to, if they would be taken for them."""
    found = read(folder)
    if not found or not serves(found, definitions, kept):
        return []
    if found.latest != _latest(rows):
        # A question as of an earlier moment would be answered from what knows too much.
        fault = say("names another last second verification than that of the rows")
        remedy = say("delete it and run qpi export {folder} --tallies, which counts all months again", folder=folder)
        return [Problem(Where(str(folder / FOLDER / NAME)), fault, remedy)]
    remedy = say("delete it and run qpi export {folder}, which counts the month again", folder=folder)
    wrong = []
    for month in sorted({part.month for part in kept.parts if part.table == "checks"} | set(found.months)):
        files = found.months.get(month, {})
        for name, table in count(definitions, rows, calendar.period(month).start).items():
            path = _path(folder, month, name)
            altered = _altered(path, files.get(name), table)
            if altered is not None:
                wrong.append(Problem(Where(str(path)), altered, remedy))
    return wrong


def _altered(path: Path, digest: str | None, table: pd.DataFrame) -> Message | None:
    if not path.exists():
        return say("the file is missing")
    if manifest.digest(path) != digest:
        return say("is not what was stored")
    try:
        there = parquet.got(path)
    except (OSError, ValueError) as error:
        return parquet.fault_of(error)
    return None if _plain(there) == _plain(table) else say("is not what the rows add up to")


def _plain(table: pd.DataFrame) -> Any:
    """Return a table of counts as rows in no order."""
    names = sorted(table.columns)
    cells = (table[name].astype("object").where(table[name].notna(), None).tolist() for name in names)
    return names, Counter(zip(*cells, strict=True))


def serves(found: Kept, definitions: Definitions, kept: manifest.Manifest) -> bool:
    """Say whether what is stored is of the position of an export, and of these definitions."""
    return (found.ledger, found.seq, found.head) == kept[:3] and found.definitions == digests(definitions)


def _latest(rows: Rows) -> str | None:
    last = rows.latest()
    return last.isoformat() if last else None


def _is_of(ledger: Ledger, before: Kept, kept: manifest.Manifest) -> bool:
    return before.seq <= kept.seq and ledger.position_at(before.seq).head == before.head


_TOUCHED = """
WITH changed AS (
  SELECT seq AS entry FROM entry WHERE seq > :after AND seq <= :at
  UNION SELECT supersedes FROM entry WHERE seq > :after AND seq <= :at AND supersedes IS NOT NULL)
SELECT c.day FROM checks c WHERE c.entry IN (SELECT entry FROM changed)
UNION SELECT c.day FROM verifications v JOIN findings f ON f.id = v.finding JOIN checks c ON c.entry = f.entry
WHERE v.entry IN (SELECT entry FROM changed)
"""


def touched(ledger: Ledger, after: int, at: int) -> set[str]:
    """Return the months of checks that entries after one, and up to another, bear on."""
    rows = ledger.rows(_TOUCHED, {"after": after, "at": at})
    return {str(day)[:7] for (day,) in rows}


def _is_whole(folder: Path, month: str, files: Mapping[str, str]) -> bool:
    paths = {name: _path(folder, month, name) for name in TABLES}
    return set(files) == set(TABLES) and all(
        path.exists() and manifest.digest(path) == files[name] for name, path in paths.items()
    )


def _path(folder: Path, month: str, name: str) -> Path:
    return folder / FOLDER / f"month={month}" / f"{name}.parquet"


def _write(folder: Path, month: str, tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Write the tallies of a month, and return the digest of each file."""
    digest = {}
    for name, table in tables.items():
        path = _path(folder, month, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{name}.{secrets.token_hex(4)}.part")
        try:
            parquet.put(part, table)
            disk.settle(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        digest[name] = manifest.digest(path)
    disk.settle(path.parent)
    return digest


# Counting a month


def count(definitions: Definitions, rows: Rows, month: int) -> dict[str, pd.DataFrame]:
    """Return the tallies of a month by all keys."""
    owed, policy = every_pair(definitions), definitions.policy
    months = list(rows.days(owed, policy.counts_for_duty, [Stretch(month, month + 1)]))
    demanded = policy.traceability
    asked = Raised(KEYS, demanded.finding, demanded.check, month, month + 1, today=None, elsewhere=False)
    findings, checks = rows.found(asked, LATER)
    return {
        "days": pd.concat([_named(owed, one) for one in months], ignore_index=True) if months else _named(owed, None),
        "looks": quality.looked(definitions, rows, calendar.month_period(month), KEYS),
        "findings": summed(
            findings, [*KEYS, "point", "month", "plan", "finding_kind", "closed", "on_time"], ["findings"]
        ),
        "checks": summed(checks, [*KEYS, "point", "month", "na", "traceable", "incomplete", "deducted"], ["checks"]),
        "closers": rows.closers(month, month + 1, LATER),
    }


def every_pair(definitions: Definitions) -> Owed:
    """Return all pairs of role and point that ever have a duty, and how many looks a day of each can ever count."""
    looks: dict[tuple[str, str], int] = {}
    raw = definitions.policy.overfulfilment == "raw"
    for source in definitions.checklists.sources:
        for code, point in source.edition.points.items():
            for role, ask in (point.frequency or {}).items():
                if ask.every is not None:
                    times = ask.every.times if ask.every.unit is calendar.Unit.DAY else 1
                    looks[role, code] = max(looks.get((role, code), 1), ALL if raw else times)
    return Owed(tuple(definitions.portfolio.project), tuple(looks), np.array(list(looks.values()), dtype=np.int64))


def _named(owed: Owed, days: Days | None) -> pd.DataFrame:
    """Return the days of a month with the names of projects, roles and points."""
    nothing = np.zeros(0, dtype=np.int64)
    _, pair, project, rank, bits = days or Days(0, nothing, nothing, nothing, nothing.astype(np.uint32))
    roles, points = (pd.factorize(np.array(names, dtype=object)) for names in _parted(owed.pairs))
    columns = {
        "project": (project, owed.projects), "role": (roles[0][pair], roles[1]), "point": (points[0][pair], points[1]),
    }  # fmt: skip
    table: dict[str, Any] = {
        name: pd.Categorical.from_codes(codes, categories=pd.Index(list(names), dtype="object"))
        for name, (codes, names) in columns.items()
    }
    return pd.DataFrame({**table, "rank": rank, "days": bits.astype(np.int64)})


def _parted(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [role for role, _ in pairs], [point for _, point in pairs]


# Counting from what is stored


class Stored:
    """The tallies beside an export, as `qpi.tally.Tally`."""

    def __init__(self, folder: Path, kept: Kept) -> None:
        self.folder, self.kept = folder, kept

    def serves(self, as_of: datetime) -> bool:
        """Say whether all second verifications up to a moment, and none after it, are in these tallies."""
        return self.kept.latest is None or datetime.fromisoformat(self.kept.latest) <= as_of

    def _tables(self, name: str, months: Iterable[int]) -> Iterator[tuple[int, pd.DataFrame]]:
        for month in months:
            text = calendar.month_name(month)
            if text in self.kept.months:
                path = _path(self.folder, text, name)
                if manifest.digest(path) != self.kept.months[text][name]:
                    fault, remedy = say("is not what was stored"), say("run qpi export, which counts the month again")
                    raise DataError([Problem(Where(str(path)), fault, remedy)])
                yield month, parquet.got(path)

    def days(self, owed: Owed, kinds: Sequence[str], stretches: Sequence[Stretch]) -> Iterator[Days]:
        """Yield month by month the days on which pairs were looked at in projects."""
        del kinds  # They are those of the policy that the tallies were made with.
        months = sorted({month for stretch in stretches for month in range(stretch.start, stretch.stop)})
        for month, table in self._tables("days", months):
            role, point = (codes.coded(table[name]) for name in ("role", "point"))
            pair = owed.numbers(role.names, point.names)[role.codes, point.codes]
            owner = codes.codes(table["project"], owed.projects)
            rank = table["rank"].to_numpy()
            keep = (pair >= 0) & (owner >= 0)
            keep[keep] = rank[keep] <= owed.looks[pair[keep]]
            yield Days(month, pair[keep], owner[keep], rank[keep], table["days"].to_numpy().astype(np.uint32)[keep])

    def looked(self, asked: Looked) -> pd.DataFrame:
        """Return the number of checks by keys and whether they conform."""
        names = [*dict.fromkeys((*asked.keys, "point")), "month", "na", "conforms"]
        return self._together("looks", range(asked.start, asked.stop), names, ["checks", "traceable"])

    def found(self, asked: Raised, as_of: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the number of findings, and of checks with findings."""
        del as_of  # No later one than was asked about; see `serves`.
        keys = [*dict.fromkeys((*asked.keys, "point")), "month"]
        every = [calendar.period(month).start for month in self.kept.months]
        raised = self._together("findings", every, [*keys, "plan", "finding_kind", "closed", "on_time"], ["findings"])
        plan = raised.pop("plan").to_numpy()
        assert asked.today is not None
        raised["plan_month"] = np.where(plan == NO_PLAN, -1, codes.month_of(plan))
        raised["before"] = ((plan != NO_PLAN) & (plan < calendar.day_number(asked.today))).astype(np.int64)
        lost = ["na", "traceable", "incomplete", "deducted"]
        return raised, self._together("checks", range(asked.start, asked.stop), [*keys, *lost], ["checks"])

    def first_month(self) -> int | None:
        """Return the month of the first check, None where there is none."""
        return min((calendar.period(month).start for month in self.kept.months), default=None)

    def closers(self, start: int, stop: int, as_of: datetime) -> pd.DataFrame:
        """Return the number of closed findings by inspector and closer."""
        del as_of
        return self._together("closers", range(start, stop), ["inspector", "closer"], ["findings"])

    def _together(self, name: str, months: Iterable[int], keys: list[str], numbers: list[str]) -> pd.DataFrame:
        """Return the tables of some months under one another, summed by keys."""
        tables = [table for _, table in self._tables(name, months)]
        if not tables:
            return pd.DataFrame(
                {key: pd.Series(dtype="object") for key in keys} | {n: pd.Series(dtype="int64") for n in numbers}
            )
        return queries.together([summed(table, keys, numbers) for table in tables], numbers)


__all__ = ["Kept", "Stored", "count", "digests", "faults", "read", "refresh", "serves", "touched"]
