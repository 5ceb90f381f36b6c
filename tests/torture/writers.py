"""F5: many processes write into one ledger while others read, copy and are killed; nothing is refused, lost or forked."""

import multiprocessing
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from inputs import CHECK, found, recorder_of
from qpi import frames, metrics
from qpi.backup import back_up
from qpi.errors import QpiError
from qpi.ledger import Ledger, open_ledger
from torture.figures import Figure, Run, folder

PROCESSES, TIMES, READERS = 32, 40, 4
FORK = multiprocessing.get_context("fork")
Opened = Callable[[], Ledger]
"""A way to open the ledger: each process opens it for itself."""


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of writers of one SQLite file."""
    processes = run.share(PROCESSES, 4)
    with folder(fast=False) as made:
        path = Path(made) / "qpi.db"

        def opened() -> Ledger:
            return open_ledger(path, create=True)

        def export(number: int) -> None:
            copy = Path(made) / f"copy-{number}.db"
            if path.exists():
                back_up(path, copy)
                copy.unlink()

        tried, faults, notes = contend(run, opened, export, Path(made), processes=processes, times=TIMES)
        refused = _control(Path(made))
    yield Figure(
        "F5",
        f"checks recorded by {processes} processes at once, beside {READERS} that compute, one that makes backups and one "
        "that is killed each second",
        "checks",
        processes * TIMES,
        tried,
        tuple(faults) or (() if refused else ("a plain BEGIN lost nothing either",)),
        notes,
        (f"plain BEGIN: {refused} of 200 refused",) if refused else (),
    )


def contend(
    run: Run, opened: Opened, export: Callable[[int], None], made: Path, *, processes: int, times: int
) -> tuple[int, list[str], str]:
    """Let processes write into the ledger that `opened` opens; return how many checks were acknowledged, faults, and notes."""
    (made / "said").mkdir()
    over = FORK.Event()
    start = FORK.Barrier(processes)

    def writer(number: int) -> None:
        start.wait()
        _write(opened, made / "said" / f"{number}", f"w{number}", times)

    def doomed(number: int) -> None:
        _write(opened, made / "said" / f"killed-{number}", f"k{number}", 1_000_000)

    def reader(number: int) -> None:
        _repeat(over, made / "said" / f"reader-{number}", lambda _: _compute(opened))

    def exporter() -> None:
        _repeat(over, made / "said" / "exporter", export)

    begun = time.monotonic()
    with opened() as ledger:
        recorder_of(ledger).check({**CHECK, "id": "first"})
    writers = [FORK.Process(target=writer, args=(n,)) for n in range(processes)]
    others = [*(FORK.Process(target=reader, args=(n,)) for n in range(READERS)), FORK.Process(target=exporter)]
    for one in (*writers, *others):
        one.start()
    kills, waited = 0, time.monotonic() + 300
    while any(one.is_alive() for one in writers) and time.monotonic() < waited:
        victim = FORK.Process(target=doomed, args=(kills,))
        victim.start()
        victim.join(1)
        ended = victim.exitcode is not None
        # Whoever is to be killed writes without an end; one that ends by itself was refused.
        assert not ended, f"a writer ended by itself with {victim.exitcode}"
        victim.kill()
        victim.join()
        kills += 1
        run.tell(f"F5: {sum(one.is_alive() for one in writers)} writers left, {kills} killed")
    took = time.monotonic() - begun
    over.set()
    for one in (*writers, *others):
        one.join(60)
        if one.is_alive():
            one.kill()
    return _judged(opened, made / "said", took, kills, processes * times)


def _write(opened: Opened, said: Path, name: str, times: int) -> None:
    """Record checks one by one, and say of each what became of it as soon as it is known."""
    with said.open("w", buffering=1) as log, opened() as ledger:
        recorder = recorder_of(ledger)
        for n in range(times):
            begun = time.monotonic()
            try:
                recorder.check({**CHECK, "id": f"{name}-{n}"})
                log.write(f"kept {name}-{n} {time.monotonic() - begun:.3f}\n")
            except QpiError as error:
                log.write(f"refused {name}-{n} {error!r}\n")


def _repeat(over, said: Path, work: Callable[[int], None]) -> None:
    with said.open("w", buffering=1) as log:
        number = 0
        while not over.is_set():
            try:
                work(number)
                log.write(f"done {number}\n")
            except Exception as error:
                log.write(f"failed {number} {error!r}\n")
            number += 1


def _compute(opened: Opened) -> None:
    """Compute indicators; what is counted must be what the ledger holds at one moment."""
    with opened() as ledger:
        checks, findings, verifications = frames.checks(ledger), frames.findings(ledger), frames.verifications(ledger)
        if len(findings) < len(checks):
            # Each check has a finding, and findings were read later.
            raise AssertionError(f"{len(checks)} checks, and {len(findings)} findings")
        metrics.indicators(found(), checks, findings, verifications, "2026-10", as_of=datetime(2026, 11, 1, tzinfo=UTC))


def _judged(opened: Opened, said: Path, took: float, kills: int, aim: int) -> tuple[int, list[str], str]:
    words = [line.split(maxsplit=2) for path in sorted(said.iterdir()) for line in path.read_text("utf-8").splitlines()]
    counts = Counter(one[0] for one in words)
    kept = {one[1] for one in words if one[0] == "kept"}
    faults = [" ".join(one) for one in words if one[0] in ("refused", "failed")]
    with opened() as ledger:
        there = Counter(row[0] for row in ledger.rows("SELECT id FROM checks"))
        faults += [f"lost {name}" for name in sorted(kept - there.keys())]
        faults += [f"twice {name}" for name, times in there.items() if times > 1]
        # Nobody else wrote; of a killed writer, the last may be there without having been acknowledged.
        more = [name for name in there.keys() - kept if not name.startswith("k") and name != "first"]
        faults += [f"never acknowledged {name}" for name in more]
        faults += [f"fork or break at {entry}: {fault}" for entry, fault in ledger.verify()]
    ours = [one for one in words if one[0] == "kept" and one[1].startswith("w")]
    if len(ours) < aim:
        faults.append(f"{aim - len(ours)} were not recorded within 300 s")
    for what in ("reader", "exporter"):
        if not any("done" in path.read_text("utf-8") for path in said.iterdir() if path.name.startswith(what)):
            faults.append(f"no {what} ever came to an end")
    silent = len(there.keys() - kept) - 1
    longest = max((float(one[2]) for one in ours), default=0.0)
    notes = (
        f"{len(ours) / took:.0f} a second, longest wait {longest:.1f} s, {counts['done']} computations and backups, "
        f"{kills} kills, {silent} recorded without an answer"
    )
    return len(ours), faults, notes


def _control(made: Path) -> int:
    """Let eight processes append by a plain BEGIN, as most programs do; return how many of 200 are refused."""
    path = made / "plain.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY)")
        raw.execute("PRAGMA synchronous = off")

    def append(answers) -> None:
        refused = 0
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as raw:
            for _ in range(25):
                try:
                    raw.execute("BEGIN")
                    (last,) = raw.execute("SELECT coalesce(max(seq), 0) FROM entry").fetchone()
                    # What a program does between reading and writing, so that two surely meet.
                    time.sleep(0.001)
                    raw.execute("INSERT INTO entry VALUES (?)", (last + 1,))
                    raw.execute("COMMIT")
                except sqlite3.Error:
                    refused += 1
                    if raw.in_transaction:
                        raw.execute("ROLLBACK")
        answers.put(refused)

    answers = FORK.SimpleQueue()
    running = [FORK.Process(target=append, args=(answers,)) for _ in range(8)]
    for one in running:
        one.start()
    refused = sum(answers.get() for _ in running)
    for one in running:
        one.join()
    return refused
