"""Receipts: lines of text kept outside a ledger that prove it up to an entry."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from qpi.chain import LEDGER
from qpi.entries import utc_text
from qpi.errors import DataError, Problem, Where
from qpi.messages import say

TAG = "qpi-receipt-v1"
# Blanks of any kind: on paper, and in a PDF, a line may have been broken.
_LINE = re.compile(rf"{TAG}\s+({LEDGER})\s+([0-9]{{1,15}})\s+([0-9a-f]{{64}})(?:\s+([0-9T:.Z-]{{20,27}}))?")


class Receipt(NamedTuple):
    """Which ledger, the number of an entry, its hash, and when this was written down (UTC; None where it is not said)."""

    ledger: str
    seq: int
    head: str
    made: str | None = None

    def __str__(self) -> str:
        return " ".join(str(part) for part in (TAG, *self) if part is not None)


def receipt(ledger: str, seq: int, head: str, *, now: datetime) -> Receipt:
    """Return a receipt of a position of a ledger that is written down now."""
    return Receipt(ledger, seq, head, utc_text(now))


def text_of(made: Receipt) -> str:
    """Return the text of a receipt's file, with what it is for in both languages."""
    return (
        f"{made}\n\n"
        "本行是台账回执。请存放在台账以外（打印、邮件、另一台电脑）；凭它可以查出此前的记录是否被改动、删除或插入：\n"
        "This line is a receipt of a ledger. Keep it elsewhere; it shows whether any record up to it was changed,\n"
        "removed or added:\n\n"
        "    qpi ledger verify --receipt FILE\n"
    )


def found_in(text: str, file: str) -> list[Receipt]:
    """Return every receipt that stands in a text: a receipt's file, a notice, an export; raise DataError where none does."""
    found = [Receipt(ledger, int(seq), head, made or None) for ledger, seq, head, made in _LINE.findall(text)]
    if not found:
        fault = say("holds no receipt")
        remedy = say("name a file that holds a line beginning with {tag}", tag=TAG)
        raise DataError([Problem(Where(file), fault, remedy)])
    return list(dict.fromkeys(found))


def newest(receipts: Iterable[Receipt]) -> Receipt | None:
    """Return the receipt of the highest entry, or None."""
    return max(receipts, key=lambda one: one.seq, default=None)


__all__ = ["TAG", "Receipt", "found_in", "newest", "receipt", "text_of"]
