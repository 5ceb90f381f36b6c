"""Store: what a ledger asks of the database that keeps it, and what is said where that cannot be."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from qpi.errors import LedgerError, ProofError
from qpi.messages import Message, say
from qpi.tables import LAYOUT

BUSY_SECONDS = 60
"""How long a program waits for another one that writes."""

Values = Sequence[Any] | Mapping[str, Any]
"""What stands for `?`, in order, or for `:name`."""


class Store(Protocol):
    """A connection that reads, and that appends within `transaction` only; threads may share it.

    Statements have `?` or `:name` where values stand, whatever the database.
    """

    file: str
    """What it is called in messages; no password is in it."""
    dialect: str
    """The name that SQLAlchemy has for its kind of SQL."""
    notes: list[str]
    """What a person should know of the place and of how it was found, since it was opened."""

    garbled: bool
    """Whether a text was met that is not UTF-8; `read_as_stored` lets it be read."""

    def read_as_stored(self) -> None:
        """Read texts also where they are not UTF-8; slower, and for whoever judges them."""

    def exists(self) -> bool:
        """Say whether a ledger, or anything else that would be in its place, is there."""

    def room(self) -> None:
        """Raise LedgerError where no new ledger can be made."""

    def open(self) -> None:
        """Open what is there, or what is to be made."""

    def close(self) -> None:
        """Let it go."""

    def held(self) -> AbstractContextManager[None]:
        """Keep other threads from this connection."""

    def rows(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a reading statement."""

    def one(self, query: str, values: Values = ()) -> tuple[Any, ...] | None:
        """Return the first row of a reading statement, or None."""

    def each(self, query: str, values: Values = (), *, size: int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a reading statement, fetched `size` at a time."""

    def insert(self, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """Append whole rows to a table, within `transaction`."""

    def transaction(self, *, rebuilding: bool = False) -> AbstractContextManager[None]:
        """Hold the only right to write; all becomes durable together at the end, or nothing does.

        What is written is appended; with `rebuilding`, tables can be made.
        """

    def reading(self) -> AbstractContextManager[None]:
        """Read several times, and see the ledger as it stood at one moment."""

    def empty(self) -> bool:
        """Say whether nothing has been made here yet."""

    def make(self) -> None:
        """Make the tables with their guards and views, and mark them as a ledger of this layout."""

    def remake(self) -> None:
        """Make the typed tables with their guards and views anew and empty; entries stay."""

    def layout(self) -> int:
        """Return the layout that the tables are said to be of; raise LedgerError where this is no ledger."""

    def examine(self, layout: int = LAYOUT) -> None:
        """Raise LedgerError where this is no ledger of a layout, ProofError where it was changed from outside."""

    def alter(self, statement: str) -> None:
        """Run a statement that changes tables, within `transaction` with `rebuilding`."""

    def mark(self, layout: int) -> None:
        """Write down, in the same way, of which layout the tables are."""

    def guard(self) -> None:
        """Refuse, within this process, every statement that writes outside a transaction of ours."""

    def copy_to(self, path: Path) -> bool:
        """Copy the whole into a new SQLite file by the database's own means; return False where it has none."""

    def admit(self, writer: str) -> None:
        """Let a role of the database read and append, and nothing else; raise UsageError where there are no roles."""

    def damage(self) -> str | None:
        """Return what the database finds wrong with what it keeps, apart from what a ledger is; None where nothing is."""

    def doubts(self) -> list[str]:
        """Return what makes this store less trustworthy than it could be, though nothing is wrong with the ledger."""


def unusable(file: str, message: str, remedy: str) -> LedgerError:
    """Return what is said when a store cannot be used."""
    return LedgerError(
        say("{file}: the ledger could not be used ({message}); {remedy}", file=file, message=message, remedy=remedy)
    )


def busy() -> str:
    """Return what is said when another program has written for too long."""
    return say(
        "another program has written for more than {seconds} seconds; nothing was recorded, try again",
        seconds=BUSY_SECONDS,
    )


def not_ours(file: str) -> LedgerError:
    """Return what is said of something that no release has made."""
    return LedgerError(say("{file}: the file is no ledger of qpi; name another file in qpi.yaml", file=file))


def newer(file: str, found: int) -> Message:
    """Return what is said of a ledger with the tables of a later release."""
    return say("{file}: written by a newer release (schema {schema}); upgrade qpi", file=file, schema=found)


def of_this_layout(file: str, found: int, own: int) -> None:
    """Raise LedgerError where a ledger has the tables of another release."""
    if found > own:
        raise LedgerError(newer(file, found))
    if found < own:
        raise LedgerError(
            say(
                "{file}: written by an earlier release (schema {schema}); run qpi ledger migrate",
                file=file,
                schema=found,
            )
        )


def altered(file: str) -> ProofError:
    """Return what is said of tables or triggers that are not as a release makes them."""
    return ProofError(say("{file}: tables or triggers were changed from outside; restore a backup", file=file))


__all__ = ["BUSY_SECONDS", "Store", "Values", "altered", "busy", "newer", "not_ours", "of_this_layout", "unusable"]
