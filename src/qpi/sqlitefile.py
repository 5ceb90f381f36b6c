"""SQLite file: a store in one file, on one held connection, with the settings and guards that entries need."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from qpi import places, store, tables
from qpi.errors import LedgerError, ProofError, UsageError
from qpi.messages import said, say
from qpi.store import Values

SETTINGS: dict[str, str | int] = {
    "journal_mode": "delete",
    "synchronous": 3,
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "trusted_schema": 0,
}
"""How a ledger is opened; a write-ahead log, where it is asked for and safe, has another journal_mode and synchronous."""
_WAL: dict[str, str | int] = {"journal_mode": "wal", "synchronous": 2}
APPLICATION_ID = 0x71706931
# The last comes from sqlite3 itself, when SQLite's message quotes a damaged file.
_FAILURES = (sqlite3.Error, UnicodeDecodeError)


class SqliteFile:
    """A connection that reads, and that appends within `transaction` only; threads may share it.

    `journal` is `delete` or `wal`, as it is asked for; None leaves the file as it is found, and nothing can be written.
    """

    dialect = "sqlite"

    def __init__(self, file: str, *, journal: str | None = "delete") -> None:
        self.file = file
        self.notes: list[str] = []
        self.garbled = False
        self._wanted = journal
        self._newer: int | None = None
        self._lock = threading.RLock()
        self._appending = False
        self._engine, self._connection = _engine(_memory)

    def exists(self) -> bool:
        """Say whether a file is there; one of no bytes is about to be filled, or was left so by a killed process.

        Raises LedgerError where only its journal is there.
        """
        path = Path(self.file)
        places.refuse_stray(path)
        if not path.is_file():
            return path.exists()
        _roll_back(path)
        return path.stat().st_size > 0

    def room(self) -> None:
        """Raise LedgerError where there is no folder for the file."""
        folder = Path(self.file).parent
        if not folder.is_dir():
            raise LedgerError(
                say(
                    "{file}: there is no folder {folder}; make it, or name another in qpi.yaml",
                    file=self.file,
                    folder=folder,
                )
            )
        self._note(*places.warnings(Path(self.file)))

    def open(self) -> None:
        """Open the file; until then the store is one in memory."""
        path = Path(self.file)
        places.refuse_stray(path)
        journal = places.left_behind(path, time.time())
        engine, connection = self._opened(self._journal(path))
        self.close()
        self._engine, self._connection = engine, connection
        if journal and not journal.exists():
            note = say(
                "{file}: a program was cut off while it wrote; what it had not finished is undone", file=self.file
            )
            self._note(note)

    def _journal(self, path: Path) -> str | None:
        """Return the journal mode to keep, and note what is not as it should be."""
        if self._wanted is None:
            return None
        self._note(*places.warnings(path))
        version = sqlite3.sqlite_version_info
        mode, note = places.journal_mode(self._wanted, version, places.on_network(path))
        self._note(*filter(None, [note]))
        return mode

    def _note(self, *words: str) -> None:
        self.notes += [one for one in words if one not in self.notes]

    def _opened(self, journal: str | None) -> tuple[Engine, Connection]:
        try:
            return _engine(partial(connect, Path(self.file), journal=journal))
        except (sa.exc.DBAPIError, *_FAILURES) as error:
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
                return self._raw.execute(statement if self._appending else _READS + statement, values)
            except _FAILURES as error:
                if self._newer and said(error).startswith("no such"):
                    # A table or column that a later release has no more.
                    raise LedgerError(store.newer(self.file, self._newer)) from error
                raise _failure(self.file, error) from error

    def insert(self, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """Append whole rows to a table."""
        with self._told():
            if len(rows) == 1:
                self._raw.execute(tables.inserting(table), rows[0])
            else:
                self._raw.executemany(tables.inserting(table), rows)

    def rows(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a reading statement."""
        with self._lock, self._told():
            return self.execute(query, values).fetchall()

    def one(self, query: str, values: Values = ()) -> tuple[Any, ...] | None:
        """Return the first row of a reading statement, or None."""
        with self._lock, self._told():
            row: tuple[Any, ...] | None = self.execute(query, values).fetchone()
            return row

    def each(self, query: str, values: Values = (), *, size: int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a reading statement, fetched `size` at a time; where the file is damaged, those before it."""
        cursor = self.execute(query, values)
        while True:
            rows: list[tuple[Any, ...]] = []
            failure = None
            with self._lock:
                try:
                    # Not fetchmany, which loses the rows before a damaged one.
                    rows.extend(islice(cursor, size))
                except _FAILURES as error:
                    failure = error
                    self.garbled = self.garbled or _is_garbled(error)
            yield from rows
            if failure:
                raise _failure(self.file, failure) from failure
            if not rows:
                return

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what SQLite refuses in our words."""
        try:
            yield
        except _FAILURES as error:
            self.garbled = self.garbled or _is_garbled(error)
            raise _failure(self.file, error) from error

    def read_as_stored(self) -> None:
        """Read texts also where they are not UTF-8, so that it can be told that their hash is wrong."""
        self._raw.text_factory = _as_stored

    @contextmanager
    def transaction(self, *, rebuilding: bool = False) -> Iterator[None]:
        """Hold the only right to write; all becomes durable together at the end, or nothing does.

        What is written is appended; with `rebuilding`, anything can be done.
        """
        with self._lock:
            if rebuilding:
                self._raw.set_authorizer(None)
            self._appending = True
            try:
                yield from self._all_or_nothing()
            finally:
                self._appending = False
                if rebuilding:
                    self.guard()

    def _judge(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """Say what a statement may do; SQLite asks once, when it compiles it."""
        return _append_only(action, first, second) if self._appending else _read_only(action, first, second)

    def _all_or_nothing(self) -> Iterator[None]:
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._raw.in_transaction:
                self._raw.rollback()
            raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read several times, and see the ledger as it stood at one moment; writers wait at their end meanwhile."""
        with self._lock:
            if self._raw.in_transaction:
                yield
                return
            self.execute("BEGIN")
            try:
                yield
            finally:
                if self._raw.in_transaction:
                    self._raw.rollback()

    def empty(self) -> bool:
        """Say whether nothing has been made in the file yet."""
        return self.one("SELECT 1 FROM sqlite_master LIMIT 1") is None

    def make(self) -> None:
        """Make the tables with their guards and views, and mark the file as a ledger of this layout."""
        for statement in tables.statements():
            self.execute(statement)
        self.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self.mark(tables.LAYOUT)

    def remake(self) -> None:
        """Make the typed tables with their guards and views anew and empty; entries stay."""
        for name in tables.EFFECTIVE:
            self.execute(f"DROP VIEW IF EXISTS effective_{name}")
        for table in reversed(tables.TYPED):
            self.execute(f"DROP TABLE IF EXISTS {table.name}")
        for statement in tables.typed_statements():
            self.execute(statement)

    def layout(self) -> int:
        """Return the layout that the file says it is of; raise LedgerError where it is no ledger."""
        if self.one("PRAGMA application_id") != (APPLICATION_ID,):
            raise store.not_ours(self.file)
        version = self.one("PRAGMA user_version")
        assert version is not None
        self._newer = version[0] if version[0] > tables.LAYOUT else None
        return int(version[0])

    def examine(self, layout: int = tables.LAYOUT) -> None:
        """Raise LedgerError where this is no ledger of a layout, ProofError where it was changed from outside."""
        store.of_this_layout(self.file, self.layout(), layout)
        own = tables.own_schema_digest() if layout == tables.LAYOUT else tables.EARLIER.get(layout)
        if tables.schema_digest(self.rows(tables.SCHEMA_TEXTS)) != own:
            raise store.altered(self.file)

    def alter(self, statement: str) -> None:
        """Run a statement that changes tables."""
        self.execute(statement)

    def mark(self, layout: int) -> None:
        """Write down of which layout the tables are."""
        self.execute(f"PRAGMA user_version = {layout}")

    def copy_to(self, path: Path) -> bool:
        """Copy the whole database into a new file, which needs no other beside it."""
        try:
            with self._lock, closing(sqlite3.connect(path, isolation_level=None)) as target:
                self._raw.backup(target)
                # The copy of a ledger with a write-ahead log says that it has one.
                target.execute("PRAGMA journal_mode = delete").fetchone()
        except sqlite3.Error as error:
            raise _failure(str(path), error) from error
        return True

    def admit(self, writer: str) -> None:
        """Raise UsageError: a file has no roles."""
        raise UsageError(say("{file}: a file knows no roles, and none named {role}", file=self.file, role=writer))

    def damage(self) -> str | None:
        """Return what SQLite finds wrong with its own file, such as an index that is not of its table; None where nothing is."""
        try:
            found = self.rows("PRAGMA integrity_check")
        except LedgerError as error:
            return said(error)
        return None if found == [("ok",)] else str(found[0][0])

    def doubts(self) -> list[str]:
        """Return nothing: whoever has the rights to the file is known to be able to change it."""
        return []

    def guard(self) -> None:
        """Refuse, within this process, every statement that writes outside a transaction of ours."""
        self._raw.set_authorizer(self._judge)


def _engine(creator: Callable[[], sqlite3.Connection]) -> tuple[Engine, Connection]:
    engine = sa.create_engine("sqlite://", creator=creator, poolclass=sa.pool.StaticPool)
    return engine, engine.connect()


def _memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def known_here() -> None:
    """Raise LedgerError where the SQLite that Python brings cannot keep a ledger."""
    if sqlite3.sqlite_version_info < (3, 37):
        raise LedgerError(
            say(
                "SQLite {version} knows no strict tables; use Python with SQLite 3.37 or newer",
                version=sqlite3.sqlite_version,
            )
        )


def connect(path: Path, *, journal: str | None = "delete") -> sqlite3.Connection:
    """Open a file as plain sqlite3 does, with every setting read back.

    With `journal` None, and where the file is of a later release or no ledger, it stays as it is and is only read.
    """
    raw = sqlite3.connect(path, timeout=store.BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for name, value in _settings(raw, journal).items():
            raw.execute(f"PRAGMA {name} = {value}")
            found = raw.execute(f"PRAGMA {name}").fetchone()[0]
            if found != value:
                words = say("setting {name} stays {found} instead of {value}", name=name, found=found, value=value)
                raise sqlite3.OperationalError(words)
    except BaseException:
        raw.close()
        raise
    return raw


def _settings(raw: sqlite3.Connection, journal: str | None) -> dict[str, str | int]:
    """Return the settings for a file that was just opened."""
    new = raw.execute("PRAGMA page_count").fetchone() == (0,)
    ours = raw.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    if journal is None or not (new or (ours and raw.execute("PRAGMA user_version").fetchone()[0] <= tables.LAYOUT)):
        # The journal mode stands in the file; whoever only looks does not change it.
        rest = {name: value for name, value in SETTINGS.items() if name != "journal_mode"}
        return {**rest, "query_only": 1}
    # A new file becomes one with a log when it is opened again: turned into one first, and cut off then, it would be no
    # longer empty and hold no ledger.
    return {**SETTINGS, **_WAL} if journal == "wal" and not new else SETTINGS


def _is_garbled(error: BaseException) -> bool:
    """Say whether a text could not be read because it is not UTF-8."""
    return isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in str(error)


def _as_stored(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _roll_back(path: Path) -> None:
    """Let SQLite undo a ledger that was killed at its birth, and whose journal says that there was nothing before."""
    whole = path.resolve()
    journal = whole.with_name(f"{whole.name}-journal")
    if not journal.exists() or places.pages_before(journal):
        return
    try:
        with closing(sqlite3.connect(path, timeout=store.BUSY_SECONDS)) as raw:
            raw.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error as error:
        raise _failure(str(path), error) from error


def _failure(file: str, error: BaseException) -> LedgerError:
    message = said(error)
    if _is_garbled(error):
        # SQLite's own words would quote the whole text.
        message = say("a text is not UTF-8")
        return ProofError(
            say("{file}: the file is no sound ledger ({message}); restore a backup", file=file, message=message)
        )
    if "locked" in message or "busy" in message:
        remedy = store.busy()
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
    return store.unusable(file, message, remedy)


_READS = "/* reads */ "
"""Stands before what is run outside a transaction of ours.

To change the authorizer would have SQLite compile every statement anew. So it stays, and Python keeps what is compiled
by its text: what was judged while we append is never what is run while we only read.
"""
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
