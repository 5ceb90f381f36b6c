"""Columns: the JSON lists that SQLite makes of whole columns, turned into arrays without a step for each row."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd

Whole = npt.NDArray[np.int64]
_WORD, _MOST_WORDS = 8, 8
# By how many of a word's eight bytes belong to the text.
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], dtype=np.uint64)
_NO_MOMENT = np.iinfo(np.int64).min
"""What stands for a missing moment in numpy and pandas."""
_QUOTE, _COMMA, _NULL = b'",n'


class _Cut(NamedTuple):
    """The texts of a list: its bytes with a word of zeros behind them, where each text begins, and how long it is.

    `rows` says which row has which text, None where every row has one.
    """

    padded: bytes
    starts: Whole
    sizes: Whole
    rows: Whole | None

    def word(self, at: int) -> npt.NDArray[np.uint64]:
        """Return eight bytes of each text from its byte `at` on, with zeros after its end."""
        last = len(self.padded) - _WORD
        # Numbers that overlap: one begins at each byte.
        every = np.ndarray((last + 1,), dtype="<u8", buffer=self.padded, strides=(1,))
        found: npt.NDArray[np.uint64] = every[np.minimum(self.starts + at, last)].astype(np.uint64, copy=False)
        return found & _MASKS[np.clip(self.sizes - at, 0, _WORD)]

    def text(self, number: int) -> str:
        """Return one of the texts; raise ValueError where it is not UTF-8."""
        start = self.starts[number]
        found = self.padded[start : start + self.sizes[number]]
        return str(orjson.loads(b'"' + found + b'"')) if b"\\" in found else found.decode()


def all_null(rows: int) -> bytes:
    """Return the list of so many rows that say nothing."""
    return b"[" + b",".join([b"null"] * rows) + b"]"


def _cut(text: bytes, rows: int) -> _Cut:
    """Find the texts of a list; each stays as JSON writes it, which is one way for each text."""
    plain = text
    if b"\\" in text:
        # What is escaped is no sign of JSON's own: pairs of backslashes go first, for they come from the left.
        plain = text.replace(b"\\\\", b"..").replace(b'\\"', b"..")
    quotes = np.flatnonzero(np.frombuffer(plain, dtype=np.uint8) == _QUOTE)
    opening, closing = quotes[::2], quotes[1::2]
    whose = None if len(opening) == rows else _whose(opening, closing, len(text), rows)
    return _Cut(text + bytes(_WORD), opening + 1, closing - opening - 1, whose)


def _whose(opening: Whole, closing: Whole, size: int, rows: int) -> Whole:
    """Return the row of each text: a comma lies between two of them, and `null,` for each row without one."""
    ends = np.concatenate([[-1], closing])
    between = (np.append(opening, size) - ends - 2) // len(b"null,")
    # What closes the list stands where a comma would.
    between[-1] = (size - ends[-1] - 2) // len(b"null,")
    if len(opening) + int(between.sum()) != rows:
        raise ValueError
    found: Whole = np.arange(len(opening)) + np.cumsum(between[:-1])
    return found


def _told_apart(cut: _Cut) -> tuple[Whole, Whole]:
    """Return a number for each text, the same for the same text, and where each number stands first."""
    codes, count = np.zeros(len(cut.starts), dtype=np.int64), 1
    for at in range(0, int(cut.sizes.max(initial=0)), _WORD):
        part, parts = pd.factorize(cut.word(at))
        both, numbers = pd.factorize(codes * len(parts) + part) if at else (part, parts)
        codes, count = both.astype(np.int64, copy=False), len(numbers)
    first = np.zeros(count if len(codes) else 0, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, first


class Column(Protocol):
    """A column that is put together from lists."""

    def take(self, text: bytes | None, rows: int) -> None:
        """Add a list of so many rows, or so many nulls; raises ValueError where it is no list, or no UTF-8."""

    def values(self) -> Any:
        """Return what pandas makes a column of."""


class Keys:
    """Texts with few values, as codes of their values in order."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._codes: list[npt.NDArray[np.int32]] = []

    def take(self, text: bytes | None, rows: int) -> None:
        """Add a list of texts."""
        if text is None:
            self._codes.append(np.full(rows, -1, dtype=np.int32))
            return
        cut = _cut(text, rows)
        if cut.sizes.max(initial=0) > _WORD * _MOST_WORDS:
            codes = (-1 if value is None else self._code(value) for value in orjson.loads(text))
            self._codes.append(np.fromiter(codes, dtype=np.int32, count=rows))
            return
        numbers, first = _told_apart(cut)
        codes_of = np.array([self._code(cut.text(place)) for place in first], dtype=np.int32)
        self._codes.append(_spread(codes_of[numbers], cut.rows, rows, -1))

    def _code(self, value: str) -> int:
        return self._known.setdefault(value, len(self._known))

    def values(self) -> "pd.Categorical[Any]":
        """Return the column with its values in order."""
        codes = np.concatenate([np.empty(0, dtype=np.int32), *self._codes])
        if not self._known:
            return pd.Categorical([None] * len(codes))
        names = sorted(self._known)
        order = np.full(len(names) + 1, -1, dtype=np.int32)
        # Code -1, for what is missing, reaches the last.
        order[[self._known[name] for name in names]] = np.arange(len(names))
        return pd.Categorical.from_codes(order[codes], categories=pd.Index(names))


class Days(Keys):
    """Days, each of which is read once, however often it stands there."""

    def values(self) -> Any:
        """Return the days without an hour."""
        return days(super().values())


def days(keys: "pd.Categorical[Any]") -> Any:
    """Read ISO days, each once, however often it stands there; raise ValueError where one is none."""
    known = read_days([str(day) for day in keys.categories])
    # Code -1, for what is missing, reaches the last.
    return np.append(known, np.datetime64("NaT", "s"))[keys.codes]


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_days(texts: Sequence[str]) -> npt.NDArray[np.datetime64]:
    """Return days that are written as 2026-10-05; raise ValueError where one is none."""
    # numpy takes years and months for days too. pandas is slower to begin: it first loads what knows other forms.
    if not all(map(_DAY.fullmatch, texts)):
        raise ValueError(texts)
    return np.array(texts, dtype="datetime64[s]")


class Texts:
    """Texts as they are."""

    def __init__(self) -> None:
        self._texts: list[str | None] = []

    def take(self, text: bytes | None, rows: int) -> None:
        """Add a list of texts."""
        self._texts += [None] * rows if text is None else orjson.loads(text)

    def values(self) -> "pd.Series[Any]":
        """Return the texts, None where there is none."""
        return pd.Series(self._texts, dtype="object")


class Wholes:
    """Whole numbers."""

    def __init__(self) -> None:
        self._numbers: list[Whole] = []
        self._missing: list[npt.NDArray[np.bool_]] = []

    def take(self, text: bytes | None, rows: int) -> None:
        """Add a list of whole numbers."""
        missing = np.full(rows, text is None)
        if text is None:
            self._numbers.append(np.zeros(rows, dtype=np.int64))
            self._missing.append(missing)
            return
        if b"null" in text:
            signs = np.frombuffer(text, dtype=np.uint8)
            missing = signs[np.concatenate([[0], np.flatnonzero(signs == _COMMA)]) + 1] == _NULL
            text = text.replace(b"null", b"0")
        self._numbers.append(_numbers(text, rows))
        self._missing.append(missing)

    def numbers(self) -> Whole:
        """Return the numbers, 0 where there is none."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self._numbers])

    def values(self) -> "pd.Series[Any]":
        """Return the numbers, of the type that knows nulls only where there are some."""
        missing = np.concatenate([np.empty(0, dtype=bool), *self._missing])
        numbers = self.numbers()
        return pd.Series(pd.arrays.IntegerArray(numbers, missing) if missing.any() else numbers)


def _numbers(text: bytes, rows: int) -> Whole:
    if len(text) == 2 * rows + 1:
        # A digit and a comma for each row.
        return np.frombuffer(text, dtype=np.uint8)[1::2].astype(np.int64) - ord("0")
    found: Whole = np.fromstring(text[1:-1].decode(), dtype=np.int64, sep=",")
    return found


class Moments:
    """Moments in UTC with microseconds."""

    def __init__(self) -> None:
        self._moments: list[Whole] = []

    def take(self, text: bytes | None, rows: int) -> None:
        """Add a list of moments; those that are not written as this release writes them are read one by one."""
        if text is None:
            self._moments.append(np.full(rows, _NO_MOMENT))
            return
        cut = _cut(text, rows)
        found = _microseconds(cut)
        if found is None:
            known = moments(orjson.loads(text)).dt.tz_localize(None).to_numpy()
            self._moments.append(known.astype("datetime64[us]").astype(np.int64))
        else:
            self._moments.append(_spread(found, cut.rows, rows, _NO_MOMENT))

    def values(self) -> "pd.Series[Any]":
        """Return the moments, with their zone."""
        found = np.concatenate([np.empty(0, dtype=np.int64), *self._moments])
        return pd.Series(found.view("datetime64[us]")).dt.tz_localize("UTC")


def moments(texts: Any) -> "pd.Series[Any]":
    """Read moments with their offset, however ISO 8601 has them written."""
    read = pd.to_datetime(pd.Series(texts, dtype="object"), utc=True, format="ISO8601")
    return read.astype("datetime64[us, UTC]")


# Digits of 2026-10-05T09:30:00.000000Z after the day, with what each counts in microseconds and its greatest value.
_DIGITS = {11: 36 * 10**9, 12: 36 * 10**8, 14: 6 * 10**8, 15: 6 * 10**7, 17: 10**7, 18: 10**6,
           20: 10**5, 21: 10**4, 22: 10**3, 23: 100, 24: 10, 25: 1}  # fmt: skip
_SIGNS = {10: b"T", 13: b":", 16: b":", 19: b".", 26: b"Z"}
_DAY_SIZE, _MOMENT_SIZE = 10, 27
_LIMITS = ((11, 24), (14, 60), (17, 60))


def _microseconds(cut: _Cut) -> Whole | None:
    """Return moments as microseconds since 1970, or None where one is not written as this release writes them."""
    if (cut.sizes != _MOMENT_SIZE).any():
        return None
    words = {at: cut.word(at) for at in (8, 16, 24)}
    total = np.zeros(len(cut.starts), dtype=np.int64)
    digit = {}
    for at, sign in _SIGNS.items():
        if (_byte(words, at) != ord(sign)).any():
            return None
    for at, worth in _DIGITS.items():
        digit[at] = _byte(words, at) - ord("0")
        if ((digit[at] < 0) | (digit[at] > 9)).any():
            return None
        total += digit[at] * worth
    if any((10 * digit[at] + digit[at + 1] >= limit).any() for at, limit in _LIMITS):
        return None
    day = _Cut(cut.padded, cut.starts, np.full(len(cut.starts), _DAY_SIZE), None)
    numbers, first = _told_apart(day)
    known = read_days([day.text(place) for place in first])
    midnights: Whole = known.astype("datetime64[us]").astype(np.int64)
    return midnights[numbers] + total


def _byte(words: dict[int, npt.NDArray[np.uint64]], at: int) -> Whole:
    first = at - at % _WORD
    found: Whole = ((words[first] >> np.uint64(8 * (at - first))) & np.uint64(0xFF)).astype(np.int64)
    return found


def _spread(values: npt.NDArray[Any], whose: Whole | None, rows: int, missing: int) -> npt.NDArray[Any]:
    """Return values by row, `missing` where a row has none."""
    if whose is None:
        return values
    found = np.full(rows, missing, dtype=values.dtype)
    found[whose] = values
    return found


__all__ = ["Column", "Days", "Keys", "Moments", "Texts", "Wholes", "all_null", "days", "moments", "read_days"]
