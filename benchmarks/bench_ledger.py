"""One durable check through the recorder against raw sqlite3, and a whole audit against a raw read of the same rows."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import bench_import
from bench_import import EDITION, NOW, PORTFOLIO, rows_of

from qpi import definitions, sqlitefile, tables
from qpi.audit import audit
from qpi.entries import Actor
from qpi.ledger import open_ledger
from qpi.recorder import Recorder

ONE_LIMIT, AUDIT_LIMIT = 1.5, 8.0


def one_check(number: int = 400) -> tuple[str, float, float]:
    """Return the ratio of the medians of a single durable check: recorder over raw sqlite3, in turn, each with a held connection.

    The raw side writes the very rows of the recorder's ledger into the same tables, with the same triggers and settings.
    """
    records = [json.loads(line) for line in bench_import.lines(2 * number)]
    ours, raw = list[float](), list[float]()
    found = definitions.from_plain([EDITION], PORTFOLIO, zone=ZoneInfo("Asia/Shanghai"))
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder, "first.db")
        with open_ledger(first, create=True, ledger_id="bench", now=NOW) as ledger:
            recorder = Recorder(ledger, found, actor=Actor("bench"), clock=lambda: NOW)
            for record in records:
                recorder.check(record)
        rows = rows_of(first)
        by_entry = _by_entry(rows)
        with (
            open_ledger(Path(folder, "ours.db"), create=True, ledger_id="bench", now=NOW) as ledger,
            closing(sqlitefile.connect(Path(folder, "raw.db"))) as plain,
        ):
            recorder = Recorder(ledger, found, actor=Actor("bench"), clock=lambda: NOW)
            plain.execute("BEGIN IMMEDIATE")
            for statement in tables.statements():
                plain.execute(statement)
            # Genesis and edition: what both sides have before the first check.
            for row in rows["entry"][:2]:
                plain.execute(tables.INSERT_ENTRY, row)
            plain.execute("COMMIT")
            for place, (record, entry) in enumerate(zip(records, rows["entry"][2:], strict=True)):
                a = _timed(lambda one=record: recorder.check(one))
                b = _timed(lambda one=entry: _raw(plain, one, by_entry[one[0]]))
                if place >= number:
                    ours.append(a)
                    raw.append(b)
    ratio = statistics.median(ours) / statistics.median(raw)
    return f"one durable check over raw sqlite3, p50 of {number}", ratio, ONE_LIMIT


def _by_entry(rows: dict[str, list[tuple]]) -> dict[int, list[tuple[str, tuple]]]:
    found: dict[int, list[tuple[str, tuple]]] = {}
    for name, several in rows.items():
        for row in several if name != "entry" else ():
            found.setdefault(row[0], []).append((name, row))
    return {entry[0]: found.get(entry[0], []) for entry in rows["entry"]}


def _raw(plain: object, entry: tuple, typed: list[tuple[str, tuple]]) -> None:
    plain.execute("BEGIN IMMEDIATE")
    plain.execute(tables.INSERT_ENTRY, entry)
    for name, row in typed:
        plain.execute(tables.INSERT[name], row)
    plain.execute("COMMIT")


def whole_audit(number: int = 100_000, runs: int = 3) -> tuple[str, float, float]:
    """Return the ratio of an audit of a ledger over reading its entries and typed tables with sqlite3."""
    ours, raw = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        source, file = Path(folder, "rows.jsonl"), Path(folder, "ledger.db")
        source.write_text("\n".join(bench_import.lines(number)), encoding="utf-8")
        bench_import.imported(source, file)
        for _ in range(runs):
            ours.append(_timed(lambda: _sound(file)))
            raw.append(_timed(lambda: _read(file)))
    ratio = statistics.median(a / b for a, b in zip(ours, raw, strict=True))
    return f"audit of {number} entries over a raw read of entries and typed tables", ratio, AUDIT_LIMIT


def _sound(file: Path) -> None:
    assert audit(file).sound


def _read(file: Path) -> None:
    with closing(sqlitefile.connect(file)) as plain:
        for name in ("entry", *tables.INSERT):
            for _ in plain.execute(f"SELECT * FROM {name}"):
                pass


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure() -> list[tuple[str, float, float]]:
    """Return name, ratio and limit of each."""
    return [one_check(), whole_audit()]


if __name__ == "__main__":
    for title, found, limit in measure():
        print(f"{found:6.2f}  {limit:5.2f}  {title}")
