"""The tally on every engine against the same counts by hand: from Parquet, in memory, at 100 million, on Spark."""

import argparse
import gc
import importlib.util
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb_by_hand
import generated
import ours
import pandas_by_hand
import polars_by_hand
import rivals
from company import company
from rivals import BY_DAY, BY_MASK, Asked

HAND, SCAN, MEMORY, NAIVE, SPARK, BESIDE = 1.0, 4.0, 1.0, 1 / 6, 1.3, 2.0
TEN_TIMES, GIGABYTES = 11.0, 4.0
NONE = math.inf
"""Stands for a limit where none was asked."""
DATA = "QPI_BENCH_DATA"
"""Names a folder whose generated data are used and kept; without it they live in a temporary one."""
Row = tuple[str, float, float]
Sides = Mapping[str, Callable[[], Any]]


class Times(NamedTuple):
    """The seconds of each side, run by run."""

    seconds: Mapping[str, list[float]]

    def median(self, side: str) -> float:
        """Return the median of a side."""
        return statistics.median(self.seconds[side])

    def row(self, name: str, mine: str, other: str, limit: float) -> Row:
        """Return a row: the ratio of two sides' medians, the medians in brackets."""
        left, right = self.median(mine), self.median(other)
        return f"{name} ({left:.2f} s, {right:.2f} s)", left / right, limit


def raced(sides: Sides, runs: int, warm: int = 1) -> Times:
    """Run the sides in turn so many times, each round beginning with another, after some that do not count."""
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    order = list(sides)
    for run in range(-warm, runs):
        for side in order:
            gc.collect()
            start = time.perf_counter()
            found = sides[side]()
            took = time.perf_counter() - start
            del found
            if run >= 0:
                seconds[side].append(took)
        order = [*order[1:], order[0]]
    return Times(seconds)


@contextmanager
def data(millions: int) -> Iterator[Path]:
    """Yield a folder with so many million checks as Parquet; a temporary one is removed at the end."""
    named = os.environ.get(DATA)
    place = Path(named) if named else Path(tempfile.mkdtemp(prefix="qpi-bench-"))
    try:
        folder = place / str(millions)
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            projects, months = generated.size_of(millions)
            rows = generated.write(folder, company(projects), months)
            (folder / "whole").write_text(json.dumps(rows), encoding="utf-8")
        yield folder
    finally:
        if not named:
            shutil.rmtree(place)


def asked(folder: Path, *, first: bool = False) -> Asked:
    """Return what the definitions of a folder's company ask, in all its months or in the first."""
    projects, months = generated.size_of(int(folder.name))
    return rivals.asked(company(projects), 1 if first else months)


def rows_of(folder: Path) -> int:
    """Return how many checks a folder holds."""
    found: int = json.loads((folder / "whole").read_text(encoding="utf-8"))["checks"]
    return found


# From Parquet


def from_parquet(folder: Path, runs: int) -> list[Row]:
    """Compare over Parquet on DuckDB and Polars; all sides must count alike first."""
    wanted = asked(folder)
    con, lazy = duckdb_by_hand.over(folder), polars_by_hand.over(folder)
    on_duckdb, on_polars = ours.on_duckdb(folder), ours.on_polars(folder)
    sides: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours.counts(on_duckdb, wanted),
        "ours on Polars": lambda: ours.counts(on_polars, wanted),
        "mask": lambda: duckdb_by_hand.counts(con, wanted, way=BY_MASK),
        "day": lambda: duckdb_by_hand.counts(con, wanted, way=BY_DAY),
        "Polars mask": lambda: polars_by_hand.counts(lazy, wanted, way=BY_MASK),
        "Polars day": lambda: polars_by_hand.counts(lazy, wanted, way=BY_DAY),
    }
    _demand(sides)
    times = raced({**sides, "scan": lambda: duckdb_by_hand.scan(con)}, runs)
    what = f"{rows_of(folder):,} checks from Parquet on"
    return [
        times.row(f"{what} DuckDB over SQL by hand with the same trick (days as bits)", "ours", "mask", HAND),
        times.row(f"{what} DuckDB over SQL by hand as one writes it (grouped by day)", "ours", "day", HAND),
        times.row(f"{what} DuckDB over a bare scan and sum of the same columns", "ours", "scan", SCAN),
        times.row(f"{what} DuckDB over Polars by hand with the same trick", "ours", "Polars mask", NONE),
        times.row(f"{what} Polars over Polars by hand with the same trick", "ours on Polars", "Polars mask", NONE),
        times.row(f"{what} Polars over Polars by hand as one writes it", "ours on Polars", "Polars day", NONE),
    ]


def _demand(sides: Sides) -> None:
    counts = {s: ours.comparable(side()) if s.startswith("ours") else side() for s, side in sides.items()}
    rivals.demand_same(counts)


# In memory


def in_memory(folder: Path, runs: int) -> list[Row]:
    """Compare in memory: pandas with categories and Arrow with dictionaries over DuckDB's own tables and naive pandas."""
    wanted = asked(folder)
    frames, arrow = ours.in_pandas(folder), ours.in_arrow(folder)
    con, same_rows = duckdb_by_hand.loaded(folder), duckdb_by_hand.seeing(arrow)
    naive, naive_of_today = pandas_by_hand.loaded(folder), pandas_by_hand.loaded(folder, texts_as="str")
    sides: dict[str, Callable[[], Any]] = {
        "ours in pandas": lambda: ours.counts(frames, wanted),
        "ours in Arrow": lambda: ours.counts(arrow, wanted),
        "hand": lambda: duckdb_by_hand.counts(con, wanted, way=BY_DAY),
    }
    _demand(sides)
    rivals.demand_same({"DuckDB": rivals.numbered(sides["hand"]()), "naive": pandas_by_hand.counts(naive, wanted)})
    sides |= {
        "days in pandas": lambda: ours.days(frames, wanted),
        "days in Arrow": lambda: ours.days(arrow, wanted),
        "plain": lambda: duckdb_by_hand.plain(con, wanted),
        "plain on Arrow": lambda: duckdb_by_hand.plain(same_rows, wanted),
        "naive": lambda: pandas_by_hand.counts(naive, wanted),
        "naive of today": lambda: pandas_by_hand.counts(naive_of_today, wanted),
    }
    times = raced(sides, runs)
    what, found = f"{rows_of(folder):,} checks in memory", []
    for kind in ("pandas", "Arrow"):
        here, all_counts, only_days = f"{what} ({kind})", f"ours in {kind}", f"days in {kind}"
        found += [
            times.row(
                f"{here}, the days, over DuckDB's plain group-by count, its own tables", only_days, "plain", MEMORY
            ),
            times.row(f"{here}, the days, over the same on Arrow's rows", only_days, "plain on Arrow", MEMORY),
            times.row(f"{here}, all counts, over DuckDB's plain group-bys, its own tables", all_counts, "hand", MEMORY),
            times.row(f"{here}, all counts, over a naive script in pandas", all_counts, "naive", NAIVE),
            times.row(
                f"{here}, all counts, over the same with pandas 3's own texts", all_counts, "naive of today", NONE
            ),
        ]
    return [*found, beside(what, frames, wanted)]


def beside(what: str, frames: ours.Tables, wanted: Asked) -> Row:
    """Compare the most memory that a count takes beside its tables in pandas with that of the tables."""
    most = peak(lambda: ours.counts(frames, wanted))
    held = sum(int(table.memory_usage(deep=True).sum()) for table in frames.values())
    name = f"{what} (pandas), memory of all counts over that of the tables"
    return f"{name} ({most / 2**20:.0f} MB, {held / 2**20:.0f} MB)", most / held, BESIDE


def peak(work: Callable[[], Any]) -> int:
    """Return the most bytes that Python and numpy held at a time for a piece of work."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# A hundred million


class Alone(NamedTuple):
    """What one count in a process of its own took: seconds of counting, and the most memory it ever held, in GB."""

    seconds: float
    gigabytes: float


SIDES: Mapping[str, Callable[[Path, str, Asked], object]] = {
    "ours": lambda folder, month, wanted: ours.counts(ours.on_duckdb(folder, month), wanted),
    "hand": lambda folder, month, wanted: duckdb_by_hand.counts(duckdb_by_hand.over(folder, month), wanted),
    "nothing": lambda *_: None,
}


def alone(side: str, folder: Path, month: str = "*") -> Alone:
    """Count in a child process, so that its memory is its own."""
    command = [sys.executable, __file__, "--alone", side, "--folder", str(folder), "--month", month]
    return Alone(*json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _alone(side: str, folder: Path, month: str) -> Alone:
    wanted = asked(folder, first=month != "*")
    start = time.perf_counter()
    SIDES[side](folder, month, wanted)
    return Alone(time.perf_counter() - start, _peak() / 2**30)


def _peak() -> int:
    """Return the most bytes that this process ever held.

    Not ru_maxrss where it can be helped: on Linux that begins with what the parent held when it started the child.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def ten_times(folder: Path, runs: int) -> list[Row]:
    """Compare ten months with their first, in time by the check and in memory; both sides each in its own process."""
    first = generated.month_names(1)[0]
    small = sum(part.metadata.num_rows for part in generated.parts(folder, "checks", first))
    whole, taken = rows_of(folder), {}
    for _ in range(runs):
        for side, month in (("ours", first), ("ours", "*"), ("hand", "*")):
            taken.setdefault((side, month), []).append(alone(side, folder, month))
    one, ten, hand = (
        statistics.median(each.seconds for each in taken[key])
        for key in (("ours", first), ("ours", "*"), ("hand", "*"))
    )
    most, most_by_hand = (max(each.gigabytes for each in taken[side, "*"]) for side in ("ours", "hand"))
    return [
        (
            f"{whole:,} checks from Parquet over {small:,}, as if there were ten times as many ({ten:.2f} s, {one:.2f} s)",
            ten / one * 10 * small / whole,
            TEN_TIMES,
        ),
        (f"{whole:,} checks from Parquet, GB of memory at most ({most:.2f} GB)", most, GIGABYTES),
        (f"{whole:,} checks from Parquet on DuckDB over SQL by hand ({ten:.2f} s, {hand:.2f} s)", ten / hand, NONE),
        (f"{whole:,} checks by hand in DuckDB SQL, GB of memory at most ({most_by_hand:.2f} GB)", most_by_hand, NONE),
    ]  # fmt: skip


# Spark


def on_spark(folder: Path, runs: int) -> list[Row]:
    """Compare on Spark over Spark SQL by hand: one session, warmed up."""
    import spark_by_hand

    wanted, session = asked(folder), spark_by_hand.session()
    try:
        spark_by_hand.see(session, folder)
        tables = ours.on_spark(session, folder)
        sides: dict[str, Callable[[], Any]] = {
            "ours": lambda: ours.counts(tables, wanted),
            "mask": lambda: spark_by_hand.counts(session, wanted, way=BY_MASK),
            "day": lambda: spark_by_hand.counts(session, wanted, way=BY_DAY),
        }
        _demand(sides)
        # Java compiles what runs often, so more goes before.
        times = raced(sides, runs, warm=2)
    finally:
        session.stop()
    what = f"{rows_of(folder):,} checks from Parquet on Spark over Spark SQL by hand"
    return [
        times.row(f"{what} with the same trick (days as bits)", "ours", "mask", SPARK),
        times.row(f"{what} as one writes it (grouped by day)", "ours", "day", SPARK),
    ]


def measure(millions: int = 1, runs: int = 7, *, spark: bool = False) -> list[Row]:
    """Return name, ratio and limit of each row for so many million checks."""
    if missing := [name for name in ("duckdb", "polars", "pyarrow") if importlib.util.find_spec(name) is None]:
        raise SystemExit(f"{', '.join(missing)} not installed: pip install {' '.join(missing)}")
    with data(millions) as folder:
        if spark:
            return on_spark(folder, runs)
        if millions > 10:
            return ten_times(folder, runs)
        return [*from_parquet(folder, runs), *in_memory(folder, runs)]


def main() -> None:
    """Print a size's rows, or what one count takes alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1, choices=(1, 10, 100), help="million checks")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--alone", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--month", default="*", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.alone:
        print(json.dumps(_alone(words.alone, words.folder, words.month)))
        return
    for title, found, limit in measure(words.size, words.runs, spark=words.spark):
        print(f"{found:6.2f}  {limit:5.2f}  {title}", flush=True)


if __name__ == "__main__":
    main()
