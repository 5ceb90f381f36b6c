"""F2: the disk refuses a system call, once or from then on; the error is ours and clear, and nothing acknowledged is lost."""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from torture.figures import Figure, Run, folder
from torture.injections import CHANGING, Ground, Tried, chosen, controls, points
from torture.operations import OPERATIONS, WRONG_ON_ERRORS
from torture.zygote import UntraceableError, Zygote

ERRORS = ("error=EIO", "error=ENOSPC")
WHAT = "EIO or ENOSPC at a system call, once or from there on, then the same again"


def figures(run: Run) -> Iterator[Figure]:
    """Yield F2."""
    aim = run.share(700)
    try:
        yield _figure(run, aim)
    except UntraceableError as why:
        yield Figure("F2", WHAT, "points", aim, 0, skipped=str(why))


def _figure(run: Run, aim: int) -> Figure:
    with folder() as root, Zygote() as zygote:
        reached = [one for one in _tried(run, aim, zygote, Path(root)) if one.reached]
        seen, unseen = controls(zygote, WRONG_ON_ERRORS, ERRORS, Path(root), random.Random(run.seed))
    refused = [one for one in reached if one.ended.end == "refused"]
    silent = sum(bool(one.silent) for one in refused)
    notes = f"{len(refused)} refused, the rest could do without the call; {silent} times recorded although refused"
    faults = (*(fault for one in reached for fault in one.faults), *unseen)
    return Figure("F2", WHAT, "points", aim, len(reached), faults, notes, seen)


def _tried(run: Run, aim: int, zygote: Zygote, root: Path) -> Iterator[Tried]:
    rng = random.Random(run.seed)
    grounds = [Ground(zygote, one, root) for one in OPERATIONS]
    found = [
        (ground, point)
        for ground in grounds
        for calls in (ground.calls(CHANGING),)
        for error, on in product(ERRORS, (False, True))
        for point in points(calls, CHANGING, error, on=on)
    ]
    wanted = chosen(found, aim + max(3, aim // 20), rng)
    for number, (ground, point) in enumerate(wanted, 1):
        run.tell(f"F2: {number} of {len(wanted)}: {ground.operation.name}, {point}")
        yield ground.tried(point)
