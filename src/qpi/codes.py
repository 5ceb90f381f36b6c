"""Codes: the columns of a table in memory as whole numbers."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from qpi.asked import Truth, Whole
from qpi.tidy import names


class Coded(NamedTuple):
    """A column of keys: the code of each row, -1 where there is none, and what the codes stand for."""

    codes: npt.NDArray[Any]
    names: list[Any]

    def positions(self, known: Sequence[str]) -> Whole:
        """Return the place in `known` of what each code stands for, -1 where it is not there; last that of no code."""
        found = pd.Index(list(known), dtype="object").get_indexer(pd.Index(self.names, dtype="object"))
        return np.append(found, -1).astype(np.int64)


class Columns:
    """The columns of a table in memory, each coded once."""

    def __init__(self, frame: Any) -> None:
        self.frame, self.rows = frame, len(frame)
        self.there = names(frame)
        self._coded: dict[str, Coded] = {}
        self._known: dict[str, Truth] = {}

    def coded(self, name: str) -> Coded:
        """Return a column of keys; one that is not there is empty."""
        if name not in self._coded:
            self._coded[name] = self._code(name)
        return self._coded[name]

    def _code(self, name: str) -> Coded:
        if name not in self.there:
            return Coded(np.full(self.rows, -1, dtype=np.int8), [])
        column = self.frame[name].to_native()
        if self.frame.implementation.is_pyarrow():
            # Through Arrow itself: narwhals gives a column of codes back without its empty places.
            column = column.dictionary_encode().unify_dictionaries().to_pandas()
        return coded(column)

    def number(self, name: str) -> tuple[Whole, Truth | None]:
        """Return a column of whole numbers, 0 where it is empty, and where it is not empty (None: nowhere)."""
        if name not in self.there:
            return np.zeros(self.rows, dtype=np.int64), np.zeros(self.rows, dtype=bool)
        return whole(self.frame[name].to_pandas())

    @cached_property
    def day(self) -> Whole:
        """The day of each row, in days since 1970-01-01."""
        return day_numbers(self.frame["day"])

    def known(self, name: str) -> Truth:
        """Say of each row whether a column holds something."""
        if name not in self._known:
            there = name in self.there
            found = (~self.frame[name].is_null()).to_numpy() if there else np.zeros(self.rows, dtype=bool)
            self._known[name] = found
        return self._known[name]


def coded(column: "pd.Series[Any]") -> Coded:
    """Return a column of keys as codes."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return Coded(column.cat.codes.to_numpy(), list(column.cat.categories))
    codes, values = pd.factorize(column, use_na_sentinel=True)
    return Coded(codes, list(values))


def occurring(codes: npt.NDArray[Any], most: int) -> list[int]:
    """Return which codes from 0 up to but not including `most` some row bears."""
    there = np.zeros(most + 1, dtype=bool)
    # The code of nothing, -1, marks the last place.
    there[codes] = True
    found: list[int] = np.flatnonzero(there[:-1]).tolist()
    return found


def codes(column: "pd.Series[Any]", known: Sequence[str]) -> Whole:
    """Return the place of each value of a column in a list of names, -1 where it is not there."""
    found = coded(column)
    places: Whole = found.positions(known)[found.codes]
    return places


def whole(column: "pd.Series[Any]") -> tuple[Whole, Truth | None]:
    """Return whole numbers, 0 where one is missing, and where they are there (None: everywhere)."""
    if column.dtype.kind in "iu" and isinstance(column.dtype, np.dtype):
        return column.to_numpy().astype(np.int64, copy=False), None
    empty = column.isna().to_numpy()
    values = column.fillna(0) if empty.any() else column
    return values.to_numpy().astype(np.int64), ~empty


def day_numbers(column: Any) -> Whole:
    """Return a column of days, narwhals' or pandas', as days since 1970-01-01, the least number where one is missing."""
    values = column.to_numpy()
    if values.dtype.kind != "M":
        values = pd.to_datetime(pd.Series(values, dtype="object")).to_numpy()
    numbers: Whole = values.astype("datetime64[D]").astype(np.int64)
    return numbers


def month_of(day: Whole) -> Whole:
    """Return the month of each day number, as year * 12 + month - 1."""
    found: Whole = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 1970 * 12
    return found
