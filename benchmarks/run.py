"""Runs every benchmark and prints one table of ratios; `make bench` calls it."""

import platform
import sqlite3
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bench_frames
import bench_import
import bench_ledger
import bench_postgresql
import bench_start
import bench_tally


def main() -> None:
    """Print name, ratio, limit and whether it is kept, a line each."""
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}")
    print(f"{'ratio':>6}  {'limit':>5}        what")
    for bench in (bench_start, bench_frames, bench_tally, bench_import, bench_ledger, bench_postgresql):
        for name, ratio, limit in bench.measure():
            print(f"{ratio:6.2f}  {limit:5.2f}  {'ok   ' if ratio <= limit else 'MISS '}  {name}", flush=True)


if __name__ == "__main__":
    main()
