"""Store: one held connection to a SQLite file, with the settings and guards that entries need."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from qpi.errors import LedgerError, ProofError
from qpi.messages import said, say

SETTINGS = {
    "journal_mode": "delete",
    "synchronous": 3,
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "trusted_schema": 0,
}
BUSY_SECONDS = 60

Values = Sequence[Any] | Mapping[str, Any]


class Store:
    """A connection that reads, and that appends within `transaction` only; threads may share it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._lock = threading.RLock()
        self._engine, self._connection = _engine(":memory:")

    def open(self) -> None:
        """Open the file; until then the store is one in memory."""
        engine, connection = self._opened()
        self.close()
        self._engine, self._connection = engine, connection

    def _opened(self) -> tuple[Engine, Connection]:
        try:
            return _engine(self.file)
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            raise _failure(self.file, cause or error) from error

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()
        self._engine.dispose()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other threads from this connection."""
        with self._lock:
            yield

    @property
    def _raw(self) -> sqlite3.Connection:
        raw: Any = self._connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        return raw

    def execute(self, statement: str, values: Values = ()) -> sqlite3.Cursor:
        """Run a statement; raise LedgerError where that cannot be."""
        with self._lock:
            try:
                return self._raw.execute(statement, values)
            except sqlite3.Error as error:
                raise _failure(self.file, error) from error

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of many rows."""
        try:
            self._raw.executemany(statement, rows)
        except sqlite3.Error as error:
            raise _failure(self.file, error) from error

    def rows(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a reading statement."""
        with self._lock:
            return self.execute(query, values).fetchall()

    def one(self, query: str, values: Values = ()) -> tuple[Any, ...] | None:
        """Return the first row of a reading statement, or None."""
        with self._lock:
            row: tuple[Any, ...] | None = self.execute(query, values).fetchone()
            return row

    def each(self, query: str, values: Values = (), *, size: int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a reading statement, fetched `size` at a time."""
        cursor = self.execute(query, values)
        while True:
            with self._lock:
                rows = cursor.fetchmany(size)
            if not rows:
                return
            yield from rows

    @contextmanager
    def transaction(self, *, rebuilding: bool = False) -> Iterator[None]:
        """Hold the only right to write; all becomes durable together at the end, or nothing does.

        What is written is appended; with `rebuilding`, anything can be done.
        """
        with self._lock:
            self._raw.set_authorizer(None if rebuilding else _append_only)
            try:
                yield from self._all_or_nothing()
            finally:
                self._raw.set_authorizer(_read_only)

    def _all_or_nothing(self) -> Iterator[None]:
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._raw.in_transaction:
                self._raw.rollback()
            raise

    def copy_to(self, path: Path) -> None:
        """Copy the whole database into a new file."""
        with self._lock:
            try:
                with closing(sqlite3.connect(path)) as target:
                    self._raw.backup(target)
            except sqlite3.Error as error:
                raise _failure(self.file, error) from error

    def guard(self) -> None:
        """Refuse, within this process, every statement that writes outside a transaction of ours."""
        self._raw.set_authorizer(_read_only)


def _engine(file: str) -> tuple[Engine, Connection]:
    creator = _memory if file == ":memory:" else partial(connect, Path(file))
    engine = sa.create_engine("sqlite://", creator=creator, poolclass=sa.pool.StaticPool)
    return engine, engine.connect()


def _memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def connect(path: Path) -> sqlite3.Connection:
    """Open a file as plain sqlite3 does, with every setting read back."""
    raw = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for name, value in SETTINGS.items():
            raw.execute(f"PRAGMA {name} = {value}")
            found = raw.execute(f"PRAGMA {name}").fetchone()[0]
            if found != value:
                words = say("setting {name} stays {found} instead of {value}", name=name, found=found, value=value)
                raise sqlite3.OperationalError(words)
    except BaseException:
        raw.close()
        raise
    return raw


def _failure(file: str, error: BaseException) -> LedgerError:
    message = said(error)
    if "locked" in message or "busy" in message:
        remedy = say(
            "another program has written for more than {seconds} seconds; nothing was recorded, try again",
            seconds=BUSY_SECONDS,
        )
    elif "readonly" in message or "unable to open" in message:
        remedy = say("check the rights to the file and its folder; nothing was recorded")
    elif "full" in message:
        remedy = say("make room on the disk; nothing was recorded")
    elif "malformed" in message or "not a database" in message:
        return ProofError(
            say("{file}: the file is no sound ledger ({message}); restore a backup", file=file, message=message)
        )
    elif "not authorized" in message:
        remedy = say("the recorder alone writes, and what it wrote is never changed")
    elif getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_DIR_FSYNC":
        # The journal is gone, so the commit stands; but the disk did not say that it will stand after a power cut.
        remedy = say("whether it was recorded is not sure; try again, nothing is recorded twice")
    else:
        remedy = say("nothing was recorded; try again, and verify the ledger if it happens twice")
    return LedgerError(
        say("{file}: the ledger could not be used ({message}); {remedy}", file=file, message=message, remedy=remedy)
    )


# What a statement that reads may do; all else is refused, so that a new kind of attack is refused as well.
_READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_TRANSACTION,
}


def _read_only(action: int, _first: str | None, second: str | None, *_: str | None) -> int:
    looks = action == sqlite3.SQLITE_PRAGMA and second is None
    return sqlite3.SQLITE_OK if looks or action in _READING else sqlite3.SQLITE_DENY


def _append_only(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action == sqlite3.SQLITE_INSERT else _read_only(action, first, second)
