"""Runs the torture suite: python tests/torture/run.py [--size 1.0] [--only F1,F3] [--write docs/reliability.md]."""

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from torture.figures import Figure, Run

MODULES = (
    "kills", "errors", "powercut", "compounds", "writers", "postgres_writers", "tampering", "flips", "fuzz", "corpus", "steps", "thresholds",
    "imports", "backups",
)  # fmt: skip
"""Each module of this folder that has `figures(run)`, in the order in which they run."""


def measured(run: Run, modules: tuple[str, ...] = MODULES) -> Iterator[Figure]:
    """Yield the figures of every module, each with the time it took."""
    for name in modules:
        each: Callable[[Run], Iterator[Figure]] = importlib.import_module(f"torture.{name}").figures
        started = time.monotonic()
        for figure in each(run):
            yield figure._replace(seconds=time.monotonic() - started)
            started = time.monotonic()


def table(found: list[Figure]) -> list[str]:
    """Return the figures as a table of Markdown."""
    rows = [
        "| figure | what | tried | aim | lost or not seen | controls seen failing | s |",
        "| --- | --- | ---: | ---: | --- | --- | ---: |",
    ]
    for one in found:
        faults = f"skipped: {one.skipped}" if one.skipped else f"**{len(one.faults)}**" if one.faults else "0"
        tried = f"{one.tried:,} {one.unit}"
        what = one.what + (f"; {one.notes}" if one.notes else "")
        rows.append(
            f"| {one.name} | {what} | {tried} | {one.aim:,} | {faults} | {', '.join(one.controls) or '—'} | {one.seconds:.0f} |"
        )
    return rows


def _watched(words: str) -> None:
    """Show how far a run is, on a line of its own."""
    print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)


def main() -> int:
    """Run, print the table, and say by the exit code whether every figure was reached."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--size", type=float, default=1.0)
    ask.add_argument("--seed", type=int, default=Run.seed)
    ask.add_argument("--only", default="")
    given = ask.parse_args()
    run = Run(given.size, given.seed, _watched if sys.stderr.isatty() else lambda _: None)
    wanted = tuple(name for name in MODULES if not given.only or name in given.only.split(","))
    found = []
    for figure in measured(run, wanted):
        found.append(figure)
        run.tell("")
        print(
            f"{figure.name}: {figure.tried:,} {figure.unit}, {len(figure.faults)} faults, {figure.seconds:.0f} s {figure.skipped}",
            flush=True,
        )
        for fault in figure.faults[:20]:
            print(f"  {fault}")
    print("\n".join(["", *table(found)]))
    return 0 if all(one.reached or one.skipped for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
