"""Groups: rows put together by the keys that are asked for, and done and due of each group."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from qpi.asked import Whole

Key = tuple[str | None, ...]


class Count(NamedTuple):
    """Done and due of one indicator in one group, in whole parts (see `qpi.metrics.PARTS`)."""

    key: Key
    indicator: str
    done: int
    due: int


class Codes(NamedTuple):
    """One grouping: the code of each row and the name that each code stands for."""

    codes: Whole
    names: Sequence[str | None]


def named(column: "pd.Series[Any]") -> Codes:
    """Return a column of texts as codes; what is empty gets the last, which stands for None."""
    numbers, values = pd.factorize(column, use_na_sentinel=True)
    names: list[str | None] = [*map(str, values), None]
    return Codes(np.where(numbers < 0, len(values), numbers).astype(np.int64), names)


def renamed(names: list[str | None], inverse: Whole) -> Codes:
    """Give equal names one code."""
    position: dict[str | None, int] = {}
    codes = np.array([position.setdefault(name, len(position)) for name in names], dtype=np.int64)
    return Codes(codes[inverse] if len(codes) else inverse, list(position))


def pairs(first: Whole, second: Whole) -> tuple[list[tuple[int, int]], Whole]:
    """Return the distinct pairs of two columns of whole numbers, and which of them each row has."""
    if not len(first):
        return [], np.zeros(0, dtype=np.int64)
    low, wide = int(first.min()), int(second.max()) + 1
    found, inverse = np.unique((first - low) * wide + second, return_inverse=True)
    return [(int(key) // wide + low, int(key) % wide) for key in found], inverse.ravel()


def summed(table: pd.DataFrame, keys: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    """Return a table of counts added up by keys, those without a name apart."""
    grouped = table.groupby(list(keys), dropna=False, observed=True, as_index=False, sort=False)
    return grouped[list(numbers)].sum()


class Groups:
    """Rows put into groups: the key of each group, and which group each row belongs to."""

    def __init__(self, columns: list[Codes], rows: int) -> None:
        self.keys: list[Key] = [()]
        self._group = np.zeros(rows, dtype=np.int64)
        for column in columns:
            # Two columns at a time, so that no product of all of them outgrows a whole number.
            known, self._group = pairs(self._group, column.codes)
            self.keys = [(*self.keys[group], column.names[code]) for group, code in known]

    def sums(self, amounts: Whole) -> Whole:
        """Return the sum of each column of amounts, [row, column], in each group."""
        found = np.zeros((len(self.keys), amounts.shape[1]), dtype=np.int64)
        for column in range(amounts.shape[1]):
            np.add.at(found[:, column], self._group, np.ascontiguousarray(amounts[:, column]))
        return found


class Sums:
    """Done and due of indicators, gathered from several tables."""

    def __init__(self) -> None:
        self._totals: dict[tuple[Key, str], list[int]] = {}

    def add(self, indicator: str, groups: Groups, done: Whole, due: Whole) -> None:
        """Add done and due of rows to their groups."""
        for key, (more, most) in zip(groups.keys, groups.sums(np.stack([done, due], axis=1)).tolist(), strict=True):
            total = self._totals.setdefault((key, indicator), [0, 0])
            total[0] += more
            total[1] += most

    def counts(self) -> Iterable[Count]:
        """Yield what was gathered."""
        for (key, indicator), (done, due) in self._totals.items():
            yield Count(key, indicator, done, due)
