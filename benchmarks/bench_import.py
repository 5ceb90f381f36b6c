"""Import of JSON Lines (parsed, validated, chained, durable) against json.loads and raw sqlite3 of the same rows."""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from qpi import definitions, sqlitefile, tables
from qpi.entries import Actor
from qpi.intake import open_file
from qpi.ledger import open_ledger
from qpi.recorder import Recorder

LIMIT = 4.0
NOW = datetime(2026, 11, 1, tzinfo=UTC)
EDITION = {
    "catalogue": "bench",
    "edition": "1",
    "title": "bench",
    "effective_from": "2026-07-01",
    "groups": [
        {
            "name": "g",
            "methods": ["records"],
            "frequency": {"supervisor": "1/month"},
            "points": [{"code": f"KF-{n:03d}", "text": "t", "score": "10"} for n in range(40)],
        }
    ],
}
PORTFOLIO = {"projects": [{"id": f"P{n:02d}", "name": "p"} for n in range(30)]}
FINDING = {
    "no": 1, "kind": "suggestion", "fault": "登记表缺紧急联系人", "sample": ["3-1504"], "advice": "补登",
    "handling": "当月补齐", "responsible": "S01", "deduct": 0.5, "due": "2026-10-12", "verify_on": "2026-10-15",
}  # fmt: skip


def lines(count: int) -> list[str]:
    """Return checks as lines of JSON, every fifth with a finding."""
    return [
        json.dumps(
            {
                "id": f"c-{n}",
                "project": f"P{n % 30:02d}",
                "point": f"KF-{n % 40:03d}",
                "role": "supervisor",
                "inspector": f"S{n % 17:02d}",
                "kind": "routine",
                "checked_at": f"2026-{7 + n % 4:02d}-{1 + n % 28:02d}T{8 + n % 10:02d}:{n % 60:02d}:00+08:00",
                "place": f"{n % 9}栋",
                "method": "records",
                "sample": [f"3-{n % 1200}", f"4-{n % 1500}"],
                "population": 240,
                "evidence": [{"name": f"{n}.jpg", "sha256": f"{n:064x}"}],
                **({"findings": [FINDING]} if n % 5 == 0 else {}),
            },
            ensure_ascii=False,
        )
        for n in range(count)
    ]


def imported(source: Path, target: Path) -> None:
    """Import a file into a new ledger, as `qpi import` does."""
    found = definitions.from_plain([EDITION], PORTFOLIO, zone=ZoneInfo("Asia/Shanghai"))
    with open_ledger(target, create=True, ledger_id="bench", now=NOW) as ledger:
        recorder = Recorder(ledger, found, actor=Actor("bench"), clock=lambda: NOW)
        recorder.record(open_file(source, found).drafts)


def written(source: Path, target: Path, rows: dict[str, list[tuple]]) -> None:
    """Read the lines with json.loads, and write rows into the same tables with sqlite3 alone, in one transaction."""
    with source.open(encoding="utf-8") as file:
        for line in file:
            json.loads(line)
    with closing(sqlitefile.connect(target)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        for statement in tables.statements():
            raw.execute(statement)
        for name, statement in {"entry": tables.INSERT_ENTRY, **tables.INSERT}.items():
            raw.executemany(statement, rows.get(name, []))
        raw.execute("COMMIT")


def rows_of(path: Path) -> dict[str, list[tuple]]:
    """Return every row of a ledger by table."""
    with open_ledger(path) as ledger:
        return {name: ledger.rows(f"SELECT * FROM {name}") for name in ("entry", *tables.INSERT)}


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(rows: int = 100_000, runs: int = 3) -> list[tuple[str, float, float]]:
    """Return name, ratio and limit: the median of interleaved runs in wall time."""
    ours, raw = [], []
    with tempfile.TemporaryDirectory() as folder:
        source, first = Path(folder, "rows.jsonl"), Path(folder, "first.db")
        source.write_text("\n".join(lines(rows)), encoding="utf-8")
        imported(source, first)
        same = rows_of(first)
        for run in range(runs):
            ours.append(_timed(lambda n=run: imported(source, Path(folder, f"ours{n}.db"))))
            raw.append(_timed(lambda n=run: written(source, Path(folder, f"raw{n}.db"), same)))
    ratio = statistics.median(a[0] / b[0] for a, b in zip(ours, raw, strict=True))
    processor = statistics.median(a[1] / b[1] for a, b in zip(ours, raw, strict=True))
    return [(f"import of {rows} checks over json.loads and sqlite3 (processor time {processor:.2f})", ratio, LIMIT)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    for title, found, limit in measure(asked.rows, asked.runs):
        print(f"{found:6.2f}  {limit:5.2f}  {title}")
