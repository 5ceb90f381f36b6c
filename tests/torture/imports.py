"""F14: the same records imported again, in another order, in other files, in another format, or after a kill count once."""

import csv
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import worlds
from inputs import json_lines, typed
from qpi import frames
from qpi.definitions import Definitions
from qpi.entries import Actor
from qpi.intake import open_file
from qpi.ledger import open_ledger
from qpi.recorder import Recorder
from support import NOW, load, measured
from torture.figures import Figure, Run, folder
from torture.workers import shared

WORLDS, KILLS = 45, 4
FORK = multiprocessing.get_context("fork")
FINDING_ONLY = ("no", "kind", "fault", "class", "element", "advice", "handling", "responsible", "deduct", "fine", "due",
                "verify_on", "place", "sample", "evidence")  # fmt: skip


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of imports."""
    with folder() as made:

        def imported(rng: random.Random, tries: int) -> tuple[Counter, list[str], list[int]]:
            return _worlds(Path(made), rng, tries)

        done, faults, doubled = Counter(), [], [0, 0]
        for counts, wrong, double in shared(run, imported, run.share(WORLDS, 2), parts=run.share(WORLDS, 2)):
            done += counts
            faults += wrong
            doubled = [one + more for one, more in zip(doubled, double, strict=True)]
            run.tell(f"F14: {done['ways']} ways of importing")
    yield Figure(
        "F14",
        "ways to import one set of records that end with the same rows and the same indicators",
        "ways",
        run.share(WORLDS, 2) * len(WAYS),
        done["ways"],
        tuple(faults) or (() if doubled[0] else ("records without a key are not doubled either",)),
        f"{', '.join(WAYS)}; {done['records']} records, {done['kills']} imports killed, {done['broken off']} of them before they were done",
        (f"rows without a key: doubled in {doubled[0]} of {doubled[1]} killed and repeated imports",)
        if doubled[0]
        else (),
    )


class World(NamedTuple):
    """One workspace's records, with all that is needed to import them and to ask for indicators."""

    made: Path
    rng: random.Random
    definitions: Definitions
    records: list[dict]
    queries: list
    done: Counter


def _worlds(made: Path, rng: random.Random, tries: int) -> tuple[Counter, list[str], list[int]]:
    done, faults, doubled = Counter(), [], [0, 0]
    for _ in range(tries):
        seed = rng.randrange(10**9)
        plain = worlds.world(seed)
        own = made / f"{seed}"
        own.mkdir()
        queries = rng.sample(plain["queries"], 2)
        world = World(own, rng, load(plain["workspace"]), list(_untied(plain["records"])), queries, done)
        done["records"] += len(world.records)
        expected = None
        for name, way in WAYS.items():
            path = own / "qpi.db"
            try:
                way(world, path)
                found = _standing(world, path)
            except Exception as error:
                faults.append(f"world {seed}, {name}: {type(error).__name__} {error}")
                continue
            expected = expected or found
            faults += [f"world {seed}, {name}: {part}" for part in found if found[part] != expected[part]]
            if expected["checks"] != sorted(one["id"] for one in world.records if "id" in one):
                faults.append(f"world {seed}, {name}: lost or doubled")
            done["ways"] += 1
            for left in own.iterdir():
                left.unlink()
        for _ in range(20):
            kept = _without_key(world, own / "plain.db")
            doubled = [doubled[0] + (kept > len(world.records)), doubled[1] + 1]
            if kept > len(world.records):
                # In a small run too, one must be seen.
                break
    return done, faults, doubled


def _untied(records: Sequence[dict]) -> Iterator[dict]:
    """Leave out a second verification of a finding at the instant of another: there the place in the ledger decides."""
    seen = set()
    for one in records:
        key = (one["finding"], datetime.fromisoformat(one["verified_at"])) if "finding" in one else one["id"]
        if key not in seen:
            yield one
        seen.add(key)


def _standing(world: World, path: Path) -> dict:
    """Return what a ledger holds and what is counted from it."""
    with open_ledger(path) as ledger:
        assert ledger.verify() == []
        rows = frames.checks(ledger), frames.findings(ledger), frames.verifications(ledger)
        asked = {str(query): measured(world.definitions, rows, *query) for query in world.queries}
        return {"checks": sorted(rows[0]["id"]), "rows": typed(ledger, numbers=False), **asked}


def _import(world: World, path: Path, *files: Path) -> tuple[int, int]:
    """Import files one after another; return how many records are new and how many were there."""
    with open_ledger(path, create=True, now=NOW) as ledger:
        recorder = Recorder(ledger, world.definitions, actor=Actor("test"), clock=lambda: NOW)
        outcomes = [recorder.record(open_file(file, world.definitions).drafts) for file in files]
    return sum(one.recorded for one in outcomes), sum(one.already for one in outcomes)


def _lines(world: World, records: Sequence[dict], name: str = "records") -> Path:
    return json_lines(world.made / f"{name}.jsonl", *records)


# Ways


def _once(world: World, path: Path) -> None:
    assert _import(world, path, _lines(world, world.records)) == (len(world.records), 0)


def _three_times(world: World, path: Path) -> None:
    file, number = _lines(world, world.records), len(world.records)
    assert _import(world, path, file, file, file) == (number, 2 * number)


def _permuted(world: World, path: Path) -> None:
    records = list(world.records)
    for n in range(2):
        world.rng.shuffle(records)
        found = _import(world, path, _lines(world, records))
        assert found == ((len(records), 0) if n == 0 else (0, len(records))), found


def _split(world: World, path: Path) -> None:
    cuts = sorted(world.rng.sample(range(1, len(world.records)), 4))
    parts = [world.records[a:b] for a, b in zip([0, *cuts], [*cuts, len(world.records)], strict=True)]
    _import(world, path, *(_lines(world, part, f"part-{n}") for n, part in enumerate(parts)))


def _split_and_merged(world: World, path: Path) -> None:
    """Parts that overlap, and then a file that holds all of them twice."""
    cut, more = sorted(world.rng.sample(range(1, len(world.records)), 2))
    parts = world.records[:more], world.records[cut:], [*world.records, *world.records]
    new, there = _import(world, path, *(_lines(world, part, f"part-{n}") for n, part in enumerate(parts)))
    assert (new, there) == (len(world.records), sum(map(len, parts)) - len(world.records))


def _as_csv(world: World, path: Path) -> None:
    files = _sheets(world, world.records)
    assert _import(world, path, *files) == (len(world.records), 0)
    assert _import(world, path, _lines(world, world.records)) == (0, len(world.records))


def _half_as_csv(world: World, path: Path) -> None:
    half = world.records[: len(world.records) // 2]
    _import(world, path, _lines(world, half))
    new, there = _import(world, path, *_sheets(world, world.records))
    assert (new, there) == (len(world.records) - len(half), len(half))


def _killed(world: World, path: Path) -> None:
    """Kill the process at a random moment, some times over; then let it end."""
    file = _lines(world, world.records)
    begun = time.monotonic()
    _import(world, world.made / "measure.db", file)
    took = time.monotonic() - begun
    for _ in range(KILLS):
        running = FORK.Process(target=_import, args=(world, path, file))
        running.start()
        time.sleep(world.rng.random() * took * 1.5)
        os.kill(running.pid or 0, signal.SIGKILL)
        running.join()
        world.done["kills"] += 1
        world.done["broken off"] += running.exitcode != 0
    new, there = _import(world, path, file)
    assert new + there == len(world.records)
    # One transaction: all of the file was there, or nothing.
    assert 0 in (new, there), (new, there)


WAYS: dict[str, Callable[[World, Path], None]] = {
    "once": _once, "three times": _three_times, "permuted": _permuted, "split": _split, "overlapping and doubled":
    _split_and_merged, "as CSV, then JSON Lines": _as_csv, "half of it, then all as CSV": _half_as_csv, "killed and again": _killed,
}  # fmt: skip


# CSV


def _sheets(world: World, records: Sequence[dict]) -> list[Path]:
    """Write records as a person's two sheets: checks with a row for each finding, and second verifications."""
    checks = [row for one in records if "id" in one for row in _rows(one)]
    verifications = [{name: _cell(value) for name, value in one.items()} for one in records if "finding" in one]
    return [_sheet(world, name, rows) for name, rows in (("checks", checks), ("verifications", verifications)) if rows]


def _rows(check: dict) -> Iterator[dict]:
    own = {name: _cell(value) for name, value in check.items() if name != "findings"}
    findings = check.get("findings") or [{}]
    for one in findings:
        assert set(one) <= set(FINDING_ONLY), one
        yield {**own, **{f"finding.{name}": _cell(value) for name, value in one.items()}}


def _cell(value) -> str:
    if isinstance(value, dict):
        return ";".join(f"{number}={word}" for number, word in value.items())
    if isinstance(value, list):
        return ";".join(_part(one) for one in value)
    return "" if value is None else str(value)


def _part(one) -> str:
    if isinstance(one, dict) and "value" in one:
        return f"{one['sample']}={one['value']}" if "sample" in one else str(one["value"])
    if isinstance(one, dict):
        return f"{one['name']}#{one['sha256']}" if "sha256" in one else one["name"]
    return str(one)


def _sheet(world: World, name: str, rows: list[dict]) -> Path:
    path = world.made / f"{name}.csv"
    names = sorted({name for row in rows for name in row})
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


# The control


def _without_key(world: World, path: Path) -> int:
    """Import rows into a plain table, one after another, kill, and import again; return how many there are then."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE records (body TEXT)")

    def fill(rows: Sequence[dict]) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            for one in rows:
                raw.execute("INSERT INTO records VALUES (?)", (json.dumps(one),))

    running = FORK.Process(target=fill, args=(world.records,))
    running.start()
    time.sleep(world.rng.random() * 0.03)
    os.kill(running.pid or 0, signal.SIGKILL)
    running.join()
    fill(world.records)
    with closing(sqlite3.connect(path)) as raw:
        ((number,),) = raw.execute("SELECT count(*) FROM records")
    path.unlink()
    return number
