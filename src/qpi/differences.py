"""Differences: in words, where two records of one id are not the same."""

from collections.abc import Iterator
from typing import Any

from qpi.entries import canonical


def title(key: str) -> str:
    """Return a natural key as a message names its record."""
    kind, _, rest = key.partition(":")
    return f"{kind} {rest}"


def unlike(there: Any, here: Any, words: tuple[str, str]) -> str:
    """Name the fields in which two records differ, with both values."""
    pairs = [
        f"{path}: {words[0]} {_short(one)}, {words[1]} {_short(two)}" for path, one, two in _pairs(there, here, "")
    ]
    return ", ".join(pairs[:8]) + (f" and {len(pairs) - 8} more" if len(pairs) > 8 else "")


def _pairs(there: Any, here: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the innermost places where two values differ."""
    if isinstance(there, dict) and isinstance(here, dict):
        for name in sorted({*there, *here}):
            yield from _pairs(there.get(name), here.get(name), f"{path}.{name}" if path else name)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for number, (one, two) in enumerate(zip(there, here, strict=True), 1):
            yield from _pairs(one, two, f"{path}[{number}]")
    elif there != here:
        yield path, there, here


def _short(value: Any) -> str:
    written = "nothing" if value is None else canonical(value).decode()
    return written if len(written) <= 160 else written[:157] + "..."
