"""Writers on PostgreSQL: many at once, killed and started again, with readers who prove the ledger meanwhile."""

import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import servers
from inputs import CHECK, NOW, found, recorder_of
from qpi import ledger as ledgers
from qpi import pgtables, postgresql
from qpi.audit import audit
from qpi.errors import LedgerError
from qpi.ledger import open_ledger
from torture.figures import Figure, Run, folder

WRITERS, RECORDS, READERS = 16, 50, 2
# Forked after the imports, so that a writer who is killed is back at once; no connection is older than its process.
_FORK = multiprocessing.get_context("fork")


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of writers on PostgreSQL, with what happens where the lock is left out."""
    what = "writers on PostgreSQL, one killed at a time, under readers who verify"
    aim = WRITERS * RECORDS
    try:
        with servers.running() as server:
            each = run.share(RECORDS, 5)
            run.tell(f"F5: {WRITERS} writers on PostgreSQL, {each} checks each")
            faults, killed, rate = _lost(server, each, random.Random(run.seed))
            run.tell("F5: the same without the lock")
            refused = _without_lock(server, run.share(20, 8))
            forks = _without_lock_and_keys(server, run.share(20, 8))
    except servers.NoServer as reason:
        yield Figure("F5", what, "records", aim, 0, skipped=str(reason))
        return
    if not refused:
        faults.append("without the lock nothing was refused; the writers never met")
    if not forks:
        faults.append("without lock, keys and guard there was no fork; the harness is blind")
    yield Figure(
        "F5", what, "records", round(aim * min(1, run.size)), WRITERS * each, tuple(faults),
        notes=f"{killed} kills, {rate:.0f} records/s",
        controls=(f"no lock: {refused} refused", f"no lock, no keys, no guard: {forks} forks"),
    )  # fmt: skip


def _write(place: object, name: str, count: int, log: Path, fault: str = "") -> None:
    """Record checks one by one; note each that is acknowledged, and each that is refused."""
    if fault:
        # The faults that are planted: nobody waits, and with `blind` nobody looks at the tables either.
        postgresql.LOCKING = "SELECT $1::int4, $2::int4"
    if fault == "blind":
        postgresql.Postgresql.examine = lambda _self, *_: None
    definitions = found()
    with log.open("a", encoding="utf-8", buffering=1) as told, open_ledger(place) as ledger:
        recorder = recorder_of(ledger, definitions)
        for number in range(count):
            one = f"{name}-{number}"
            try:
                recorder.check({**CHECK, "id": one})
                told.write(f"{one}\n")
            except LedgerError as error:
                told.write(f"! {one}: {error}\n")
    os._exit(0)


def _read(place: object, log: Path, over: object) -> None:
    with log.open("a", encoding="utf-8", buffering=1) as told:
        while not over.is_set():
            for one in audit(place).found:
                told.write(f"! while others write: {one}\n")
            time.sleep(0.2)
    os._exit(0)


def _prepared(server: object) -> tuple[object, object]:
    owner = servers.new_schema(server)
    ledgers.init(owner, writer=servers.WRITER, ledger_id="torture", now=NOW)
    return owner, servers.as_role(owner, servers.WRITER)


def _lost(server: object, count: int, chance: random.Random) -> tuple[list[str], int, float]:
    """Let the writers write, kill one after another, and return what went wrong, the kills and the rate."""
    owner, place = _prepared(server)
    began, killed, over = time.monotonic(), 0, _FORK.Event()
    with folder() as logs:
        log = {name: Path(logs, f"w{name}") for name in range(WRITERS)}

        def start(name: int) -> multiprocessing.Process:
            process = _FORK.Process(target=_write, args=(place, f"w{name}", count, log[name]))
            process.start()
            return process

        readers = [_FORK.Process(target=_read, args=(owner, Path(logs, f"r{n}"), over)) for n in range(READERS)]
        for reader in readers:
            reader.start()
        running = {name: start(name) for name in range(WRITERS)}
        due = time.monotonic() + 0.5
        while any(process.exitcode != 0 for process in running.values()):
            time.sleep(0.02)
            for name, process in running.items():
                if process.exitcode not in (None, 0):
                    running[name] = start(name)
            alive = [name for name, process in running.items() if process.exitcode is None]
            if alive and time.monotonic() > due:
                running[chance.choice(alive)].kill()
                killed += 1
                due = time.monotonic() + 0.5
        rate = WRITERS * count / (time.monotonic() - began)
        over.set()
        for reader in readers:
            reader.join()
        lines = [line for path in Path(logs).iterdir() for line in path.read_text("utf-8").splitlines()]
    faults = [line for line in lines if line.startswith("!")]
    with open_ledger(owner) as ledger:
        there = [row[0] for row in ledger.rows("SELECT id FROM checks")]
        faults += [f"{one}: acknowledged and lost" for one in {line for line in lines if line[:1] == "w"} - set(there)]
        wanted = {f"w{name}-{number}" for name in range(WRITERS) for number in range(count)}
        if len(there) != len(set(there)) or set(there) != wanted:
            faults.append(f"{len(there)} checks, {len(set(there))} different, {len(wanted)} wanted")
        faults += [f"entry {entry}: {fault}" for entry, fault in ledger.verify()]
    servers.drop_schema(server, owner)
    return faults, killed, rate


def _control(server: object, place: object, count: int, fault: str) -> list[str]:
    with folder() as logs:
        running = [
            _FORK.Process(target=_write, args=(place, f"w{name}", count, Path(logs, f"w{name}"), fault))
            for name in range(8)
        ]
        for process in running:
            process.start()
        for process in running:
            process.join()
        return [line for path in Path(logs).iterdir() for line in path.read_text("utf-8").splitlines()]


def _without_lock(server: object, count: int) -> int:
    """Return how many records were refused where nobody waits; the keys and the guard keep the chain whole even so."""
    owner, place = _prepared(server)
    lines = _control(server, place, count, "unlocked")
    with open_ledger(owner) as ledger:
        assert ledger.verify() == []
    servers.drop_schema(server, owner)
    return sum(line.startswith("!") for line in lines)


def _without_lock_and_keys(server: object, count: int) -> int:
    """Return how many entries have another one's number where nobody waits and nothing forbids it."""
    owner, place = _prepared(server)
    with servers.raw(owner) as raw:
        for table in pgtables.TABLES:
            keys = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u')"
            for (name,) in raw.execute(keys, (table.name,)).fetchall():
                raw.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT {name}")
        raw.execute("DROP TRIGGER entry_chain ON entry")
    _control(server, place, count, "blind")
    with servers.raw(owner) as raw:
        (forks,) = raw.execute("SELECT count(*) - count(DISTINCT seq) FROM entry").fetchone()
    servers.drop_schema(server, owner)
    return forks
