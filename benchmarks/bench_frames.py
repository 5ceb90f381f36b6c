"""A million checks of a ledger as a frame against `pandas.read_sql` of the same columns."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from bench_import import NOW

from qpi import frames, sqlitefile, tables
from qpi.chain import Content, linked
from qpi.entries import utc_text
from qpi.ledger import Ledger, open_ledger

LIMIT = 0.25
EDITION = "e" * 64
KINDS, METHODS = ("routine", "routine", "routine", "special", "mystery"), ("observe", "records", "phone", "measure")
ROLES = ("supervisor", "team_lead", "project_lead", "department", "executive")


def _check(number: int, count: int) -> dict[str, object]:
    """Return a check as a company writes it: most of what may be said is said seldom."""
    day = date(2026, 1, 1) + timedelta(days=number * 365 // count)
    return {
        "entry": number + 1, "id": f"c-{number}", "project": f"P{number * 7919 % 200:03d}",
        "point": f"KF-{number * 104729 % 150:03d}", "role": ROLES[number % 5],
        "inspector": f"S{number * 31 % 400:03d}" if number % 50 else None, "kind": KINDS[number % 5],
        "checked_at": f"{day}T{8 + number % 10:02d}:{number % 60:02d}:{number % 59:02d}.{number % 10**6:06d}Z",
        "day": str(day), "place": f"{number % 60}栋" if number % 9 else None, "method": METHODS[number % 4],
        "result": None if number % 40 else "na", "sample": f'["3-{number % 1200}","4-{number % 1500}"]',
        "sample_size": 2, "population": 240 if number % 3 else None,
        "evidence": f'[{{"name":"{number}.jpg","sha256":"{number:064x}"}}]', "evidence_count": 1, "readings_out": 0,
        "visit": f"v-{number // 20}" if number % 2 else None, "edition": EDITION,
    }  # fmt: skip


def _entries(count: int) -> Iterator[tuple]:
    """Yield the entries, chained."""
    at = utc_text(NOW)
    contents = (
        Content(1, "check" if n else "genesis", f"check:c-{n - 1}", "bench", None, "declared", at, at, None, None,
                b'{"record":{"ledger":"bench"}}')
        for n in range(count + 1)
    )  # fmt: skip
    return linked(contents, -1, "0" * 64, at)


def make(path: Path, count: int) -> None:
    """Make a ledger of so many checks; the guards come after the rows, which takes half the time."""
    statements = list(tables.statements())
    first = [one for one in statements if one.startswith("CREATE TABLE")]
    names = [column.name for column in tables.checks.columns]
    checks = (_check(number, count) for number in range(count))
    with closing(sqlitefile.connect(path)) as raw:
        raw.execute("PRAGMA synchronous = 0")
        raw.execute("BEGIN IMMEDIATE")
        for statement in first:
            raw.execute(statement)
        raw.executemany(tables.INSERT_ENTRY, _entries(count))
        raw.executemany(tables.INSERT["checks"], ([check.get(name) for name in names] for check in checks))
        for statement in statements:
            if statement not in first:
                raw.execute(statement)
        raw.execute(f"PRAGMA application_id = {sqlitefile.APPLICATION_ID}")
        raw.execute(f"PRAGMA user_version = {tables.LAYOUT}")
        raw.execute("COMMIT")


def by_pandas(raw: object) -> pd.DataFrame:
    """Read the same columns as anybody would."""
    names = ", ".join(f'"{name}"' for name in frames.CHECKS)
    return pd.read_sql(f"SELECT {names} FROM effective_checks ORDER BY entry", raw)


def _see_same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    assert list(ours.columns) == list(theirs.columns), "other columns"
    for name, kind in frames.CHECKS.items():
        mine, other = ours[name], theirs[name]
        if kind == frames.DAY:
            mine = mine.dt.strftime("%Y-%m-%d")
        elif kind == frames.MOMENT:
            other = pd.to_datetime(other, utc=True, format="ISO8601").astype(mine.dtype)
        elif kind == frames.WHOLE:
            other = other.astype(mine.dtype)
        assert (mine.isna() == other.isna()).all(), f"{name}: other nulls"
        there = mine.notna()
        assert (mine[there].astype("object") == other[there].astype("object")).all(), f"{name}: other values"


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(rows: int = 1_000_000, runs: int = 5) -> list[tuple[str, float, float]]:
    """Return name, ratio and limit: the median of interleaved runs in wall time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger.db")
        make(path, rows)
        with open_ledger(path) as ledger, closing(sqlitefile.connect(path, journal=None)) as raw:
            _see_same(frames.checks(ledger), by_pandas(raw))
            pairs = [_pair(ledger, raw) for _ in range(runs)]
    (ours, own), (theirs, other) = (
        [statistics.median(one) for one in zip(*side, strict=True)] for side in zip(*pairs, strict=True)
    )
    name = f"ledger to frame, {rows:,} checks over pandas.read_sql ({ours:.2f} s, {theirs:.2f} s"
    return [(f"{name}; processor time {own / other:.2f})", ours / theirs, LIMIT)]


def _pair(ledger: Ledger, raw: object) -> tuple[tuple[float, float], tuple[float, float]]:
    return _timed(lambda: frames.checks(ledger)), _timed(lambda: by_pandas(raw))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    for title, found, limit in measure(asked.rows, asked.runs):
        print(f"{found:6.2f}  {limit:5.2f}  {title}")
