"""Listings: rows of any kind as plain text, JSON or CSV."""

import csv
import io
import json
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

DASH = "—"


def width(text: str) -> int:
    """Return how many columns a text takes on a screen; a Chinese sign takes two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def aligned(rows: Sequence[Sequence[str]], right: set[int]) -> str:
    """Return rows, the heads first, as columns of which those at `right` stand to the right."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = [
        [_padded(cell, size, left=i not in right) for i, (cell, size) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    ]
    rule = ["-" * size for size in widths]
    return "".join("  ".join(line).rstrip() + "\n" for line in (lines[0], rule, *lines[1:]))


def _padded(cell: str, size: int, *, left: bool) -> str:
    blanks = " " * (size - width(cell))
    return cell + blanks if left else blanks + cell


def shortened(text: str, most: int) -> str:
    """Return a text as one line of at most so many columns of a screen."""
    line = " ".join(text.split())
    taken = kept = 0
    for position, sign in enumerate(line):
        taken += width(sign)
        if taken > most:
            return f"{line[:kept]}…"
        if taken < most:
            kept = position + 1
    return line


def to_table(rows: Sequence[Mapping[str, Any]], heads: Mapping[str, str], *, longest: int = 60) -> str:
    """Return the columns that `heads` names as a table in plain text; numbers stand to the right, None is a dash.

    A float has one decimal, and `<0.1` stands for one that this would make 0; a Decimal stands as it is.
    """
    cells = [[_cell(row[name], longest) for name in heads] for row in rows]
    right = {
        number
        for number, name in enumerate(heads)
        if any(row[name] is not None for row in rows)
        and all(row[name] is None or _is_number(row[name]) for row in rows)
    }
    return aligned([[*heads.values()], *cells], right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _cell(value: Any, longest: int) -> str:
    if value is None:
        return DASH
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return shortened(str(value), longest)


def _rounded(value: float) -> str:
    if value and not round(value, 1):
        return "<0.1" if value > 0 else ">-0.1"
    return f"{value:.1f}"


def to_json(rows: Any) -> str:
    """Return rows, or a mapping of several kinds of rows, as JSON."""
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def to_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """Return these columns of rows, else all of the first row, as CSV that Excel opens: UTF-8 with its mark, no cell begins a formula.

    Name the columns where there may be no row: the header stands all the same. Truth values are true and false.
    """
    out = io.StringIO()
    names = [*(columns or (rows[0] if rows else ()))]
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([guarded(name) for name in names])
    writer.writerows([guarded(row[name]) for name in names] for row in rows)
    return "\ufeff" + out.getvalue()


def guarded(value: Any) -> Any:
    """Return a cell of CSV that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value
