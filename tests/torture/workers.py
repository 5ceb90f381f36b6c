"""Workers: one process for each core, each with its share of the tries."""

import multiprocessing
import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from torture.figures import Run


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def shared(run: Run, work: Callable[[random.Random, int], Any], tries: int, *, parts: int = 0) -> Iterator[Any]:
    """Yield what `work` makes of each part of so many tries; each part has a seed of its own, whoever does it."""
    parts = min(tries, parts or cores() * 4)
    sizes = [tries // parts + (n < tries % parts) for n in range(parts)]
    # Forked, so that what was read and made before is there at once, and a closure may be sent. An executor's workers,
    # unlike a pool's, may fork further.
    global _work
    _work = work
    with ProcessPoolExecutor(cores(), mp_context=multiprocessing.get_context("fork")) as pool:
        jobs = [pool.submit(_do, f"{run.seed}-{work.__qualname__}-{n}", size) for n, size in enumerate(sizes)]
        for job in as_completed(jobs):
            yield job.result()


_work: Callable[[random.Random, int], Any]


def _do(seed: str, size: int) -> Any:
    return _work(random.Random(seed), size)
