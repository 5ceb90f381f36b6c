"""Appending prepared checks to PostgreSQL (chained, guarded, durable) against psycopg's COPY of the same rows."""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_import import imported, lines

from qpi import ledger as ledgers
from qpi import pgtables, tables
from qpi.chain import Content
from qpi.ledger import Item, open_ledger

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import servers

LIMIT = 1 / 0.3
"""At least 0.3 times the rows a second of a raw COPY."""


def prepared(count: int) -> tuple[str, list[Item], dict[str, list[tuple]]]:
    """Return the moment, the items and, by table, the rows of so many checks; every fifth has a finding."""
    with tempfile.TemporaryDirectory(dir=servers.FAST) as folder:
        source, target = Path(folder, "rows.jsonl"), Path(folder, "ledger.db")
        source.write_text("\n".join(lines(count)), encoding="utf-8")
        imported(source, target)
        with open_ledger(target) as ledger:
            links = list(ledger.links())[1:]
            rows = {name: ledger.rows(f"SELECT * FROM {name}") for name in ("entry", *tables.INSERT)}
    return links[0].recorded_at, [Item(Content(*link[3:]), tables.rows_of(link)) for link in links], rows


def appended(place: object, items: list[Item], recorded: str) -> None:
    """Append as the recorder does: one transaction, under the lock, chained."""
    with open_ledger(place) as ledger, ledger.writing() as writer:
        writer.append(items, recorded=recorded)


def copied(place: object, rows: dict[str, list[tuple]], *, keys: bool) -> None:
    """COPY the same rows into tables of the same columns, with the same keys and indexes or with none, and no guards."""
    with servers.raw(place) as raw, raw.transaction():
        for table in pgtables.TABLES:
            like = "INCLUDING INDEXES" if keys else ""
            raw.execute(f"CREATE TABLE raw_{table.name} (LIKE {table.name} {like})")
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            with raw.cursor().copy(f"COPY raw_{table.name} ({names}) FROM STDIN") as copy:
                for row in rows[table.name]:
                    copy.write_row(row)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(rows: int = 100_000, runs: int = 3) -> list[tuple[str, float, float]]:
    """Return name, ratio and limit: the median of interleaved runs in wall time, on a server that pip brings."""
    recorded, items, same = prepared(rows)
    ours, keyed, bare = [], [], []
    with servers.running() as server:
        with servers.raw(server) as raw:
            for setting in ("fsync", "full_page_writes"):
                raw.execute(f"ALTER SYSTEM RESET {setting}")
            raw.execute("SELECT pg_reload_conf()")
        for _ in range(runs):
            place = servers.new_schema(server)
            ledgers.init(place, ledger_id="bench")
            ours.append(_timed(lambda place=place: appended(place, items, recorded)))
            keyed.append(_timed(lambda place=place: copied(place, same, keys=True)))
            with servers.raw(place) as raw:
                raw.execute(f"DROP TABLE {', '.join(f'raw_{table.name}' for table in pgtables.TABLES)}")
            bare.append(_timed(lambda place=place: copied(place, same, keys=False)))
            servers.drop_schema(server, place)
    ratio = statistics.median(a / b for a, b in zip(ours, keyed, strict=True))
    other = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    name = f"append of {rows} checks to PostgreSQL over COPY of the same rows (without keys and indexes {other:.2f})"
    return [(name, ratio, LIMIT)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    for title, found, limit in measure(asked.rows, asked.runs):
        print(f"{found:6.2f}  {limit:5.2f}  {title}")
