"""Runs the benchmarks and prints one table of ratios; `make bench` and `make bench-full` call it."""

import argparse
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import bench_engines
import bench_frames
import bench_import
import bench_ledger
import bench_postgresql
import bench_start
import results
from results import Row, Section


class Step(NamedTuple):
    """One benchmark: the command that runs it alone, and whether it takes more than minutes."""

    title: str
    command: str
    measure: Callable[[], list[Row]]
    long: bool = False


STEPS = (
    Step("Start", "bench_start.py", bench_start.measure),
    Step("Frames of a ledger", "bench_frames.py", bench_frames.measure),
    Step("Import", "bench_import.py", bench_import.measure),
    Step("The ledger", "bench_ledger.py", bench_ledger.measure),
    Step("PostgreSQL", "bench_postgresql.py", bench_postgresql.measure),
    Step("Engines, 1 million checks", "bench_engines.py --size 1", lambda: bench_engines.measure(1)),
    Step("Engines, 10 million checks", "bench_engines.py --size 10", lambda: bench_engines.measure(10)),
    Step(
        "Engines, 100 million checks", "bench_engines.py --size 100 --runs 3",
        lambda: bench_engines.measure(100, 3), long=True,
    ),
    Step(
        "Spark, 10 million checks", "bench_engines.py --size 10 --runs 3 --spark",
        lambda: bench_engines.measure(10, 3, spark=True), long=True,
    ),
)  # fmt: skip


def main() -> None:
    """Print ratio, limit, whether it is kept, and name, a line each; record them where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="100 million checks and Spark too")
    parser.add_argument("--only", default="", help="those whose title has this in it, long ones too")
    parser.add_argument("--record", action="store_true", help="write docs/performance.md anew, in what was run")
    asked = parser.parse_args()
    machine = results.machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print(f"{'ratio':>6}  {'limit':>5}         what")
    for step in STEPS:
        if asked.only not in step.title or (step.long and not (asked.full or asked.only)):
            continue
        load = os.getloadavg()[0]
        rows = step.measure()
        for name, ratio, limit in rows:
            words = {"met": "ok", "MISSED": "MISS"}.get(results.verdict(ratio, limit), "")
            print(f"{results.number(ratio):>6}  {results.limit_text(limit):>5}  {words:5}  {name}", flush=True)
        if asked.record:
            command = f"python benchmarks/{step.command}"
            day = date.today().isoformat()  # noqa: DTZ011 - the day on which somebody sat before this machine
            section = Section(step.title, command, day, round(load, 1), rows)
            results.record(machine, section, [f"python benchmarks/{each.command}" for each in STEPS])


if __name__ == "__main__":
    main()
