"""Differences: in words, where two records of one id are not the same."""

from collections.abc import Callable, Iterator
from typing import Any

from qpi.entries import canonical
from qpi.messages import Message, joined, say


def named(kind: str, name: str) -> Message:
    """Return a record as a message names it."""
    return say("check {name}", name=name) if kind == "check" else say("verification {name}", name=name)


def title(key: str) -> Message:
    """Return a natural key as a message names its record."""
    kind, _, rest = key.partition(":")
    return named(kind, rest)


def recorded_and_given(path: str, there: str, here: str) -> Message:
    """Tell a field of a record from that of the one in the ledger."""
    return say("{field}: recorded {there}, given {here}", field=path, there=there, here=here)


def there_and_here(path: str, there: str, here: str) -> Message:
    """Tell a field of a record from that of another that is given with it."""
    return say("{field}: there {there}, here {here}", field=path, there=there, here=here)


def unlike(there: Any, here: Any, told: Callable[[str, str, str], Message]) -> Message:
    """Name the fields in which two records differ, with both values, as `told` tells each."""
    pairs = [told(path, _short(one), _short(two)) for path, one, two in _pairs(there, here, "")]
    if len(pairs) > 8:
        return say("{pairs} and {more} more", pairs=joined(", ", pairs[:8]), more=len(pairs) - 8)
    return joined(", ", pairs)


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
    if value is None:
        return say("nothing")
    written = canonical(value).decode()
    return written if len(written) <= 160 else written[:157] + "..."
