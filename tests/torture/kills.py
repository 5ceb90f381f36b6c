"""F1: kill -9 at every system call of everything that writes; what was acknowledged is there, and what is done again is there once."""

import random
from collections.abc import Iterator
from pathlib import Path

from torture.figures import Figure, Run, folder
from torture.injections import CHANGING, LOOKING, Ground, Tried, chosen, controls, points
from torture.operations import OPERATIONS, WRONG_WHEN_KILLED
from torture.zygote import UntraceableError, Zygote

KILL = "signal=KILL"
WHAT = "kill -9 at a system call, then the same again"


def figures(run: Run) -> Iterator[Figure]:
    """Yield F1."""
    aim = run.share(1200)
    try:
        yield _figure(run, aim)
    except UntraceableError as why:
        yield Figure("F1", WHAT, "points", aim, 0, skipped=str(why))


def _figure(run: Run, aim: int) -> Figure:
    with folder() as root, Zygote() as zygote:
        tried = list(_tried(run, aim, zygote, Path(root)))
        seen, unseen = controls(zygote, WRONG_WHEN_KILLED, (KILL,), Path(root), random.Random(run.seed))
    killed = [one for one in tried if one.ended.signal]
    silent = sum(bool(one.silent) for one in killed)
    notes = f"{len(OPERATIONS)} operations; {silent} times recorded and not yet acknowledged"
    faults = (*(fault for one in tried for fault in one.faults), *unseen)
    return Figure("F1", WHAT, "points", aim, len(killed), faults, notes, seen)


def _tried(run: Run, aim: int, zygote: Zygote, root: Path) -> Iterator[Tried]:
    """Try the calls that change a disk first, and as many of the others as the aim asks for."""
    rng = random.Random(run.seed)
    grounds = [Ground(zygote, one, root) for one in OPERATIONS]
    calls = [(ground, ground.calls((*CHANGING, *LOOKING))) for ground in grounds]
    changing, looking = (
        [(ground, point) for ground, found in calls for point in points(found, names, KILL)]
        for names in (CHANGING, LOOKING)
    )
    # A twentieth more than the aim, for the points that a run happens not to reach.
    count = aim + max(3, aim // 20)
    wanted = chosen(changing, count, rng)
    wanted += chosen(looking, count - len(wanted), rng)
    for number, (ground, point) in enumerate(wanted, 1):
        run.tell(f"F1: {number} of {len(wanted)}: {ground.operation.name}, {point}")
        yield ground.tried(point)
