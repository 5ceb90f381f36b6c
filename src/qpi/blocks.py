"""Blocks: whole numbers worked on block by block, on two processors, and grouped."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from qpi.asked import Whole
from qpi.errors import UsageError
from qpi.messages import say

BLOCK = 1 << 18
"""Rows that are worked on at a time, so that what is made of them stays near the processor."""
ROOM = 1 << 28
"""The most cells that stand for all that could be counted; beyond it the rows are sorted."""
THREADS = 2


def each(rows: int, work: Callable[[slice], Any]) -> list[Any]:
    """Do work on blocks of rows, on two processors, and return what comes of each."""
    parts = [slice(begin, min(begin + BLOCK, rows)) for begin in range(0, rows, BLOCK)]
    if len(parts) < 4:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, parts))


def joined(parts: list[Whole]) -> Whole:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def distinct(keys: Whole) -> tuple[Whole, Whole]:
    """Return the distinct keys in order, and how often each occurs."""
    ordered = np.sort(keys)
    if not len(ordered):
        return ordered, ordered
    begin = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return ordered[begin], np.diff(np.append(begin, len(ordered)))


class Groups(NamedTuple):
    """The distinct rows of some columns of codes, column by column, and how often each occurs."""

    columns: list[Whole]
    number: Whole


def grouped(columns: Sequence[tuple[Callable[[slice], Whole], int]], rows: int) -> Groups:
    """Group rows by columns, each given as a function of a block to codes from 0, and the number of codes."""
    cells = 1
    for _, width in columns:
        cells *= max(1, width)
    if cells >= 2**62:
        raise UsageError(say("too many groups; ask for fewer keys at once"))

    def keys(part: slice) -> Whole:
        key = np.zeros(part.stop - part.start, dtype=np.int64)
        for codes, width in columns:
            key *= width
            key += codes(part)
        return key

    if cells <= max(1 << 20, rows // 4):
        number = np.zeros(cells, dtype=np.int64)
        for part in each(rows, lambda part: np.bincount(keys(part), minlength=cells) if cells <= BLOCK else keys(part)):
            number += part if cells <= BLOCK else np.bincount(part, minlength=cells)
        key = np.flatnonzero(number)
        number = number[key]
    else:
        key, number = distinct(joined(each(rows, keys)))
    parts: list[Whole] = []
    for _, width in reversed(columns):
        key, code = np.divmod(key, max(1, width))
        parts.append(code)
    return Groups(parts[::-1], number)
