"""F4: a second kill or error while the next one mends what a first kill left; the third one finds everything in order."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from torture.figures import Figure, Run, folder
from torture.injections import CHANGING, Ground, Point, Tried, chosen, points
from torture.operations import LEDGER, OPERATIONS
from torture.zygote import UntraceableError, Zygote

WHAT = "kill or error at a system call while a killed run's journal is rolled back and all is done again"
BEFORE = ("first check", "check with findings", "import", "rebuild")
SECOND = (("signal=KILL", False), ("error=EIO", False), ("error=EIO", True), ("error=ENOSPC", True))
WOUNDS = 3
"""Wounded folders of each operation that are taken further."""


def figures(run: Run) -> Iterator[Figure]:
    """Yield F4."""
    aim = run.share(200)
    try:
        yield _figure(run, aim)
    except UntraceableError as why:
        yield Figure("F4", WHAT, "points", aim, 0, skipped=str(why))


def _figure(run: Run, aim: int) -> Figure:
    rng = random.Random(run.seed)
    with folder() as root, Zygote() as zygote:
        grounds = [Ground(zygote, one, Path(root)) for one in OPERATIONS if one.name in BEFORE]
        wounds = {ground: list(_wounds(ground, rng)) for ground in grounds}
        reached = [one for one in _tried(run, aim, wounds, rng) if one.reached]
        every = [(ground, wound) for ground, some in wounds.items() for wound in some]
        torn = sum(_torn_without_journal(ground, wound) for ground, wound in every)
    faults = tuple(fault for one in reached for fault in one.faults)
    if not torn:
        faults += ("a wounded ledger whose journal was deleted looks sound, so the harness is blind",)
    notes = f"{len(every)} wounded ledgers"
    controls = (f"journal deleted ({torn} of {len(every)} torn)",) if torn else ()
    return Figure("F4", WHAT, "points", aim, len(reached), faults, notes, controls)


def _wounds(ground: Ground, rng: random.Random) -> Iterator[Path]:
    """Yield folders as a kill left them, with pages in the ledger that its journal takes back."""
    calls = ground.calls(CHANGING)
    # The last writes are those to the ledger itself; by then the journal is whole.
    late = [Point("pwrite64", nth, "signal=KILL") for nth in range(calls["pwrite64"] * 3 // 5, calls["pwrite64"] + 1)]
    for point in sorted(rng.sample(late, len(late))[:WOUNDS]):
        ground.again("-e", f"trace={point.call}", "-e", f"inject={point.call}:{point.fault}:when={point.nth}")
        wound = ground.home / f"wound-{point.nth}"
        if (ground.folder / f"{LEDGER}-journal").exists():
            shutil.copytree(ground.folder, wound)
            yield wound


def _tried(run: Run, aim: int, wounds: dict[Ground, list[Path]], rng: random.Random) -> Iterator[Tried]:
    found = [
        (ground, (wound, point))
        for ground, some in wounds.items()
        for wound in some
        for calls in (ground.calls(CHANGING, wound),)
        for fault, on in SECOND
        for point in points(calls, CHANGING, fault, on=on)
    ]
    wanted = chosen(found, aim + max(3, aim // 20), rng)
    for number, (ground, (wound, point)) in enumerate(wanted, 1):
        run.tell(f"F4: {number} of {len(wanted)}: {ground.operation.name}, {wound.name}, {point}")
        yield ground.tried(point, wound)


def _torn_without_journal(ground: Ground, wound: Path) -> bool:
    """Say whether something is found wrong once somebody has tidied the journal away."""
    tidied = wound.with_name(f"{wound.name}-tidied")
    shutil.copytree(wound, tidied)
    (tidied / f"{LEDGER}-journal").unlink()
    ended = ground.again(start=tidied)
    return ended.end != "done" or any(ground.faults(ended, finished=True))
