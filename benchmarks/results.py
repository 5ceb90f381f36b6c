"""Results: what the benchmarks found, kept as JSON, and the page that is made from it and from nothing else."""

import importlib.metadata
import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
KEPT, PAGE = ROOT / "benchmarks" / "results.json", ROOT / "docs" / "performance.md"
LIBRARIES = ("duckdb", "polars", "pandas", "pyarrow", "numpy", "narwhals", "pyspark")
Row = tuple[str, float, float]


class Section(NamedTuple):
    """What one command found on one day: its rows, and how busy the machine was with other things before."""

    title: str
    command: str
    day: str
    load: float
    rows: Sequence[Row]


def machine() -> dict[str, str]:
    """Return what the figures depend on: cores, memory, processor and versions; no name and no path."""
    found = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        "Python": platform.python_version(),
    }
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = "not installed"
    return {**found, "Java": _java()}


def _processor() -> str:
    cpu = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*: (.+)$", cpu.read_text(encoding="utf-8") if cpu.exists() else "", re.MULTILINE)
    return named[1].strip() if named else platform.processor() or "unknown"


def _java() -> str:
    try:
        said = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return "not installed"
    return (re.search(r'"(.+?)"', said) or ("", "unknown"))[1]


def record(on: Mapping[str, str], section: Section, order: Sequence[str]) -> None:
    """Keep a section in the place of what its command found before, and write the page; another machine begins anew."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    sections = kept["sections"] if kept.get("machine") == dict(on) else []
    rows = [[name, ratio, None if math.isinf(limit) else limit] for name, ratio, limit in section.rows]
    sections = [each for each in sections if each["command"] in order and each["command"] != section.command]
    sections.append({**section._asdict(), "rows": rows})
    sections.sort(key=lambda each: order.index(each["command"]))
    found = {"machine": dict(on), "sections": sections}
    KEPT.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page of what is kept."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    sections = [
        Section(
            **{**each, "rows": [(n, ratio, math.inf if limit is None else limit) for n, ratio, limit in each["rows"]]}
        )
        for each in kept["sections"]
    ]
    judged = [verdict(ratio, limit) for section in sections for _, ratio, limit in section.rows]
    lines = [
        "# Performance",
        "",
        f"Of {len(judged) - judged.count(NO_LIMIT)} ratios with a limit {judged.count(MET)} are met "
        f"and {judged.count(MISSED)} missed.",
        "`make bench` and `make bench-full` print this anew; with `--record` they write this page.",
        "No figure here is written by hand: the page is made from `benchmarks/results.json`, and a test compares the two.",
        "",
        *HOW_TO_READ,
        "",
        "## The machine",
        "",
        "| what | which |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in kept["machine"].items()),
    ]
    for section in sections:
        lines += [
            "",
            f"## {section.title}",
            "",
            f"`{section.command}`, {section.day}; load of the machine before it began: {section.load:.1f}.",
            "",
            "| what | ratio | limit | |",
            "| --- | ---: | ---: | --- |",
            *(f"| {n} | {number(r)} | {limit_text(limit)} | {verdict(r, limit)} |" for n, r, limit in section.rows),
        ]
    return "\n".join([*lines, "", *NOT_MEASURED]) + "\n"


MET, MISSED, NO_LIMIT = "met", "MISSED", "no limit"


def verdict(ratio: float, limit: float) -> str:
    """Say whether a ratio keeps its limit; it is judged before it is rounded."""
    if math.isinf(limit):
        return NO_LIMIT
    return MET if ratio <= limit else MISSED


def number(value: float) -> str:
    """Return a ratio or limit with two decimals."""
    return f"{value:.2f}"


def limit_text(limit: float) -> str:
    """Return a limit, a dash where there is none."""
    return "—" if math.isinf(limit) else number(limit)


HOW_TO_READ = """\
## How to read it

A ratio is our time over the other side's time, or, where the row says GB, the memory itself; smaller is better.
The limit is what was asked before anything was measured; a ratio above it is missed, by however little.
In brackets stand the medians of both sides, ours first; on another machine the seconds differ much, and the ratios somewhat.
The sides run in turn in one process, each round beginning with another, so that what else the machine does hits all.
Before any time is taken, all sides must give the same numbers, row by row.

The counts are those from which the indicators are worked out, of generated records of a company of 7,000 projects:
per project, role, point and month the days looked at; per point, method and sample the checks and the traceable ones; \
what was found, closed and verified on time; what was deducted per check.
*By hand* is SQL, Polars or Spark SQL that a good programmer writes for just these counts, in `benchmarks/*_by_hand.py`.
*As one writes it* groups by day and then by month; *with the same trick* packs the days of a month into bits.
*A bare scan* adds up all values of the columns that the counts need, and counts nothing.
*A naive script* is pandas as a department writes it: texts as objects, `merge`, `groupby`.""".splitlines()

NOT_MEASURED = """\
## What was not measured

* A cold disk: the files were written or read shortly before, so the system had them in memory.
* A cluster: Spark ran on the cores of one machine.
* Dask, Ibis and warehouses behind it.
* Files over a network or in an object store.
* Several people counting at once.
* Windows and macOS.""".splitlines()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
