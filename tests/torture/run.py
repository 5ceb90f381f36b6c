"""Runs the torture suite: python tests/torture/run.py [--size 1.0] [--only kills,flips] [--write docs/reliability.md].

Two modules run at a time, each in a process of its own; how far they are is shown while a person watches.
"""

import argparse
import importlib
import json
import os
import platform
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from torture.figures import Figure, Run

MODULES = (
    "fuzz", "kills", "errors", "steps", "powercut", "tampering", "imports", "flips", "compounds", "backups", "writers",
    "postgres_writers", "twin_steps", "corpus", "thresholds",
)  # fmt: skip
"""Each module of this folder that has `figures(run)`; those that take longest come first."""
AT_ONCE = 2
HERE = "<!-- figures: written by make torture -->"


def measured(run: Run, modules: tuple[str, ...] = MODULES) -> Iterator[Figure]:
    """Yield the figures of every module, each with the time it took."""
    for name in modules:
        each: Callable[[Run], Iterator[Figure]] = importlib.import_module(f"torture.{name}").figures
        started = time.monotonic()
        for figure in each(run):
            yield figure._replace(seconds=time.monotonic() - started)
            started = time.monotonic()


class Lane:
    """A module that runs in a process of its own, what it last said, and what came out."""

    def __init__(self, module: str, size: float, seed: int) -> None:
        command = [sys.executable, "-W", "error", __file__, "--one", module, "--size", str(size), "--seed", str(seed)]
        self.module, self.said, self.found = module, "", list[Figure]()
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._errors: list[str] = []
        self._readers = [threading.Thread(target=read) for read in (self._figures, self._words)]
        for reader in self._readers:
            reader.start()

    def _figures(self) -> None:
        for line in self._process.stdout or ():
            given = json.loads(line)
            self.found.append(Figure(**{**given, **{name: tuple(given[name]) for name in ("faults", "controls")}}))

    def _words(self) -> None:
        for line in self._process.stderr or ():
            self.said = line.rstrip()
            self._errors = [*self._errors[-30:], self.said]

    def ended(self) -> bool:
        """Say whether it has come to its end; raise RuntimeError where that was no good one."""
        if self._process.poll() is None:
            return False
        for reader in self._readers:
            reader.join()
        if self._process.returncode:
            raise RuntimeError("\n".join((f"{self.module} ended with {self._process.returncode}", *self._errors)))
        return True


def all_of(modules: tuple[str, ...], size: float, seed: int) -> Iterator[tuple[str, Figure]]:
    """Yield each module with its figures, as they come to their end; two run at a time."""
    waiting, running = list(modules), list[Lane]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            running.append(Lane(waiting.pop(0), size, seed))
        time.sleep(0.2)
        if sys.stderr.isatty():
            print("\r\x1b[K" + " | ".join(one.said[:70] for one in running), end="", file=sys.stderr, flush=True)
        for one in [one for one in running if one.ended()]:
            running.remove(one)
            yield from ((one.module, figure) for figure in one.found)


def table(found: list[tuple[str, Figure]]) -> list[str]:
    """Return the figures as a table of Markdown, in the order of their names, each with the command that makes it."""
    rows = [
        "| figure | what | tried | aim | lost or not seen | controls, seen failing | seconds | command |",
        "| --- | --- | ---: | ---: | --- | --- | ---: | --- |",
    ]
    for module, one in sorted(found, key=lambda pair: (int(re.sub(r"\D", "", pair[1].name)), pair[1].what)):
        faults = f"skipped: {one.skipped}" if one.skipped else f"**{len(one.faults)}**" if one.faults else "0"
        what = one.what + (f"; {one.notes}" if one.notes else "")
        cells = (one.name, what, f"{one.tried:,} {one.unit}", f"{one.aim:,}", faults, ", ".join(one.controls) or "—",
                 f"{one.seconds:.0f}", f"`python tests/torture/run.py --only {module}`")  # fmt: skip
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return rows


def written(page: str, rows: list[str], took: float) -> str:
    """Return a page with the figures in the place of those that it had, and when and where they were made."""
    where = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores"
    when = f"Made on {datetime.now(UTC):%Y-%m-%d} with `make torture`, {took / 60:.0f} minutes, {where}."
    block = "\n".join((HERE, "", when, "", *rows, "", HERE))
    return re.sub(f"{re.escape(HERE)}.*{re.escape(HERE)}", lambda _: block, page, flags=re.DOTALL)


def main() -> int:
    """Run, print the table, and say by the exit code whether every figure was reached."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--size", type=float, default=1.0, help="1 is all of it")
    ask.add_argument("--seed", type=int, default=Run.seed)
    ask.add_argument("--only", default="", help="modules, parted by commas")
    ask.add_argument("--write", type=Path, help="a page to write the figures into")
    ask.add_argument("--one", help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.one:
        run = Run(given.size, given.seed, lambda words: print(words, file=sys.stderr, flush=True))
        for figure in measured(run, (given.one,)):
            print(json.dumps(figure._asdict(), ensure_ascii=True), flush=True)
        return 0
    started, found = time.monotonic(), []
    wanted = tuple(name for name in MODULES if not given.only or name in given.only.split(","))
    for module, figure in all_of(wanted, given.size, given.seed):
        found.append((module, figure))
        end = f"skipped: {figure.skipped}" if figure.skipped else f"{len(figure.faults)} faults"
        start = "\r\x1b[K" if sys.stderr.isatty() else ""
        print(f"{start}{figure.name}: {figure.tried:,} {figure.unit}, {end}, {figure.seconds:.0f} s", flush=True)
        for fault in figure.faults[:20]:
            print(f"  {fault}")
    rows, took = table(found), time.monotonic() - started
    print("\n".join(["", *rows, "", f"{took:.0f} s"]))
    if given.write:
        given.write.write_text(written(given.write.read_text("utf-8"), rows, took), "utf-8")
    return 0 if all(one.reached or one.skipped for _, one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
