"""PostgreSQL: a store in one schema of a database, on one held connection, with the settings that entries need."""

import itertools
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from qpi import pgtables, store, tables
from qpi.errors import LedgerError, UsageError
from qpi.messages import joined, said, say
from qpi.store import Values

try:
    import psycopg
    from psycopg.pq import TransactionStatus
except ImportError as missing:
    raise LedgerError(
        say("a ledger in PostgreSQL needs psycopg; install it with: pip install 'qpi[postgresql]'")
    ) from missing

SETTINGS = {
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    "lock_timeout": "",
    "search_path": "",
}
"""Set when the database is opened, and read back; those that are empty here depend on the call."""
LOCKING = "SELECT pg_advisory_xact_lock($1::int4, $2::int4)"
"""Waits until nobody else writes into this ledger; the lock goes with the transaction."""
_LOCK = 0x71706931
_COPY_FROM = 32
"""So many rows are worth a COPY."""
_KINDS = {str: "text", int: "int8", bytes: "bytea"}
_TOKEN = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|::)|\?|:([A-Za-z_]\w*)""", re.DOTALL)
_READS = re.compile(r"\s*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)
_Connection = psycopg.Connection[tuple[Any, ...]]


class Postgresql:
    """A connection that reads, and that appends within `transaction` only; threads may share it.

    The ledger is in the schema in which the connection would make a table: the first of its search path.
    """

    dialect = "postgresql"

    def __init__(self, url: sa.URL) -> None:
        self.notes: list[str] = []
        self._url = url
        self.file = shown(url)
        self._lock = threading.RLock()
        self._held: _Connection | None = None
        self._schema = ""
        self._key = 0
        self._names = itertools.count()

    garbled = False
    """The server keeps no text that is not UTF-8."""

    def read_as_stored(self) -> None:
        """Read as ever."""

    # Opening

    def exists(self) -> bool:
        """Say whether the schema has a table of entries."""
        self.open()
        return not self.empty()

    def room(self) -> None:
        """Raise LedgerError where this role may make no tables."""
        if self.one("SELECT has_schema_privilege(?, 'CREATE')", (self._schema,)) != (True,):
            raise LedgerError(
                say("{file}: there is no ledger, and this role may make none; the owner makes it with qpi ledger init",
                    file=self.file)
            )  # fmt: skip

    def open(self) -> None:
        """Open the database, unless it is open; every setting is read back."""
        if self._held is None:
            self._held = self._connected()

    def _connected(self) -> _Connection:
        try:
            connection = psycopg.connect(
                "", **_parameters(self._url), autocommit=True, cursor_factory=psycopg.RawCursor
            )
        except (psycopg.Error, UnicodeError) as error:
            remedy = say(
                "see that the server runs, and that role, password and database are right; nothing was recorded"
            )
            raise store.unusable(self.file, said(error), remedy) from error
        try:
            self._set(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, psycopg.Error):
                raise self._failure(error) from error
            raise
        return connection

    def _set(self, connection: _Connection) -> None:
        row = connection.execute(
            "SELECT current_schema(), (SELECT oid::int8 FROM pg_namespace WHERE nspname = current_schema()), "
            "current_setting('server_encoding'), current_setting('session_replication_role')"
        ).fetchone()
        assert row is not None
        schema, oid, encoding, replication = row
        if schema is None:
            raise LedgerError(say("{file}: the schema of the search path is not there", file=self.file))
        self._schema, self._key = schema, (oid + 2**31) % 2**32 - 2**31
        wanted = {
            **SETTINGS,
            "lock_timeout": f"{round(store.BUSY_SECONDS * 1000)}ms",
            # A temporary table of the same name would come first, were it not named last.
            "search_path": f"{pgtables.quoted(schema)}, pg_temp",
        }
        connection.execute(
            f"SELECT {', '.join(f'set_config(${2 * n + 1}, ${2 * n + 2}, false)' for n in range(len(wanted)))}",
            [part for pair in wanted.items() for part in pair],
        )
        # What was given as milliseconds is told as minutes.
        wanted |= {"server_encoding": "UTF8", "session_replication_role": "origin"}
        found = {"server_encoding": encoding, "session_replication_role": replication}
        for name in SETTINGS:
            row = connection.execute(f"SHOW {name}").fetchone()
            found[name] = row[0] if row else ""
        del wanted["lock_timeout"], found["lock_timeout"]
        for name, value in wanted.items():
            if found[name] != value:
                words = say(
                    "setting {name} stays {found} instead of {value}", name=name, found=found[name], value=value
                )
                raise store.unusable(self.file, words, say("nothing was recorded"))

    @property
    def _connection(self) -> _Connection:
        if self._held is None:
            raise store.unusable(self.file, say("it is closed"), say("open it anew; nothing was recorded"))
        return self._held

    def close(self) -> None:
        """Let the database go."""
        if self._held is not None:
            self._held.close()
            self._held = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other threads from this connection."""
        with self._lock:
            yield

    # Reading

    def _run(self, statement: str, values: Sequence[Any] | None = None, *, on: _Connection | None = None) -> Any:
        """Run one statement as the database takes it; what is asked for in binary form is one statement, never two."""
        try:
            return (on or self._connection).execute(statement, values, binary=True)
        except psycopg.Error as error:
            raise self._failure(error) from error

    def _asked(self, query: str, values: Values) -> tuple[str, list[Any]]:
        if not _READS.match(query):
            words = say("only what reads is taken here")
            remedy = say("the recorder alone writes, and what it wrote is never changed")
            raise store.unusable(self.file, words, remedy)
        text, names = translated(query)
        return text, list(values) if not isinstance(values, Mapping) else [values[name] for name in names]

    def rows(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a reading statement."""
        with self._lock:
            found: list[tuple[Any, ...]] = self._run(*self._asked(query, values)).fetchall()
            return found

    def one(self, query: str, values: Values = ()) -> tuple[Any, ...] | None:
        """Return the first row of a reading statement, or None."""
        with self._lock:
            row: tuple[Any, ...] | None = self._run(*self._asked(query, values)).fetchone()
            return row

    def each(self, query: str, values: Values = (), *, size: int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a reading statement, fetched `size` at a time.

        Within a transaction or a reading they come over this connection, else over one of their own, so that a loop
        that is left half way keeps nobody from anything.
        """
        asked = self._asked(query, values)
        with self._lock:
            within = self._within()
        if within:
            yield from self._fetched(self._connection, *asked, size)
            return
        with closing(self._connected()) as own:
            self._run(_SNAPSHOT, on=own)
            yield from self._fetched(own, *asked, size)

    def _fetched(self, on: _Connection, query: str, values: list[Any], size: int) -> Iterator[tuple[Any, ...]]:
        name = f"rows_{next(self._names)}"
        with self._lock:
            self._run(f"DECLARE {name} NO SCROLL CURSOR FOR {query}", values, on=on)
        while True:
            with self._lock:
                rows = self._run(f"FETCH {size} FROM {name}", on=on).fetchall()
                if len(rows) < size:
                    self._run(f"CLOSE {name}", on=on)
            yield from rows
            if len(rows) < size:
                return

    def _within(self) -> bool:
        return self._connection.info.transaction_status != TransactionStatus.IDLE

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read several times, and see the ledger as it stood at one moment; nobody waits for it."""
        with self._lock:
            if self._within():
                yield
                return
            self._run(_SNAPSHOT)
            try:
                yield
            finally:
                self._roll_back()

    # Writing

    @contextmanager
    def transaction(self, *, rebuilding: bool = False) -> Iterator[None]:
        """Hold the only right to write; all becomes durable together at the end, or nothing does."""
        del rebuilding  # What this role may do is the database's to say.
        with self._lock:
            if self._within():
                # BEGIN within a transaction is no error there, and the end of the inner one would be that of both.
                raise store.unusable(self.file, say("a transaction is open"), say("nothing was recorded"))
            yield from self._all_or_nothing()

    def _all_or_nothing(self) -> Iterator[None]:
        # Whatever the database's defaults are: a statement after the lock has to see what was written before it.
        self._run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        try:
            self._run(LOCKING, (_LOCK, self._key))
            yield
            self._commit()
        except BaseException:
            self._roll_back()
            raise

    def _commit(self) -> None:
        try:
            told = self._connection.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            if not self._connection.broken:
                raise self._failure(error) from error
            words = say(
                "whether it was recorded is not known; give the same records again, what is there is not recorded twice"
            )
            raise store.unusable(self.file, said(error), words) from error
        if told != "COMMIT":
            # A transaction in which a statement failed is rolled back by COMMIT, without an error.
            raise store.unusable(self.file, told or "", say("nothing was recorded"))

    def _roll_back(self) -> None:
        if not self._connection.closed and self._within():
            with suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")

    def insert(self, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """Append whole rows to a table."""
        try:
            with self._connection.cursor(binary=True) as cursor:
                if len(rows) < _COPY_FROM:
                    cursor.executemany(translated(tables.inserting(table))[0], rows)
                    return
                names = ", ".join(f'"{column.name}"' for column in table.columns)
                with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types([_KINDS[column.type.python_type] for column in table.columns])
                    for row in rows:
                        copy.write_row(row)
        except psycopg.Error as error:
            raise self._failure(error) from error

    # Tables

    def empty(self) -> bool:
        """Say whether the schema has no table of entries."""
        # Not to_regclass: it may answer from what this session remembers, and another one may have made the table since.
        query = (
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND relname = ?"
        )
        return self.one(query, (self._schema, "entry")) is None

    def make(self) -> None:
        """Make the tables with their guards and views, and mark the table of entries as one of this layout."""
        for statement in pgtables.statements():
            self._run(statement)

    def remake(self) -> None:
        """Make the typed tables with their guards and views anew and empty; entries stay, and who may write."""
        writers = [
            row[0]
            for row in self.rows(
                "SELECT pg_get_userbyid(a.grantee)::text FROM pg_class c, aclexplode(c.relacl) a "
                "WHERE c.oid = to_regclass('entry') AND a.privilege_type = 'INSERT' "
                "AND a.grantee NOT IN (0, c.relowner)"
            )
        ]
        for view in pgtables.VIEWS:
            self._run(f"DROP VIEW IF EXISTS {view}")
        for table in reversed(tables.TYPED):
            self._run(f"DROP TABLE IF EXISTS {table.name}")
        for statement in pgtables.typed_statements():
            self._run(statement)
        for writer in writers:
            self.admit(writer)

    def admit(self, writer: str) -> None:
        """Let a role read and append, and nothing else; raise UsageError where there is no such role."""
        if self.one("SELECT 1 FROM pg_roles WHERE rolname = ?", (writer,)) is None:
            raise UsageError(
                say("{file}: there is no role {role}; make it with CREATE ROLE, then call this again",
                    file=self.file, role=writer)
            )  # fmt: skip
        for statement in pgtables.grants(writer, self._schema):
            self._run(statement)

    def layout(self) -> int:
        """Return the layout that the table of entries is marked with; raise LedgerError where it is none of ours."""
        mark = self.one("SELECT obj_description(to_regclass('entry'), 'pg_class')")
        found = re.fullmatch(r"qpi ledger, schema (\d+)", (mark and mark[0]) or "")
        if found is None:
            raise LedgerError(
                say("{file}: the table entry of schema {schema} is none of qpi; name another schema in qpi.yaml",
                    file=self.file, schema=self._schema)
            )  # fmt: skip
        return int(found[1])

    def examine(self, layout: int = tables.LAYOUT) -> None:
        """Raise LedgerError where this is no ledger of a layout, ProofError where it was changed from outside."""
        store.of_this_layout(self.file, self.layout(), layout)
        # No release before this one kept a ledger here.
        if layout != tables.LAYOUT or self.digest() != pgtables.DIGEST:
            raise store.altered(self.file)

    def alter(self, statement: str) -> None:
        """Run a statement that changes tables."""
        self._run(statement)

    def mark(self, layout: int) -> None:
        """Write down of which layout the tables are."""
        self._run(f"COMMENT ON TABLE entry IS '{pgtables.MARK.removesuffix(str(tables.LAYOUT))}{layout}'")

    def digest(self) -> str:
        """Return the digest of what the catalog says of the tables, their guards and views."""
        known = (pgtables.quoted(self._schema), pgtables.NAMES)
        with self._lock:
            return pgtables.digest({kind: self._run(query, known).fetchall() for kind, query in pgtables.FACTS.items()})

    def guard(self) -> None:
        """Do nothing: the session reads only, from its first statement on."""

    def copy_to(self, path: Path) -> bool:
        """Return False: what the database's own tools write is no file that this release reads."""
        del path
        return False

    def damage(self) -> str | None:
        """Return None: a server keeps its files, and checks them, itself."""
        return None

    def doubts(self) -> list[str]:
        """Return what this role may do beyond reading and appending, and what the server forgets in a power cut."""
        row = self.one(
            "SELECT current_user::text, bool_or(pg_has_role(c.relowner, 'MEMBER')), "
            "bool_or(pg_has_role(n.nspowner, 'MEMBER')), (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
            "bool_or(has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER')) "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND c.relname IN "
            f"({', '.join('?' * len(pgtables.TABLES))})",
            [table.name for table in pgtables.TABLES],
        )
        assert row is not None
        role, owns, has_schema, is_super, more = row
        reasons = [
            word
            for told, word in (
                (is_super, say("is a superuser")),
                (owns, say("owns the tables")),
                (has_schema, say("owns the schema")),
                (more and not owns, say("has more rights than SELECT and INSERT")),
            )
            if told
        ]
        found: list[str] = []
        if reasons:
            found.append(
                say("the roles are not apart: {role} {reasons}, and could change what is recorded; let programs log in as a "
                    "role of qpi ledger init --writer", role=role, reasons=joined(", ", reasons))
            )  # fmt: skip
        for setting in ("fsync", "full_page_writes"):
            value = self.one(f"SELECT current_setting('{setting}')")
            if value != ("on",):
                found.append(
                    say(
                        "the server runs with {setting} off: a power cut can take what was acknowledged",
                        setting=setting,
                    )
                )
        return found

    def _failure(self, error: psycopg.Error) -> LedgerError:
        message, state = error.diag.message_primary or said(error), error.sqlstate or ""
        if state == "55P03":
            remedy = store.busy()
        elif state == "42501":
            remedy = say("this role may read and append alone; let the owner do it")
        elif state == "25006":
            remedy = say("the recorder alone writes, and what it wrote is never changed")
        elif state.startswith("53"):
            remedy = say("make room on the server; nothing was recorded")
        elif not state or state.startswith(("08", "57")):
            remedy = say("see that the server runs, and open the ledger anew; nothing was recorded")
        else:
            remedy = say("nothing was recorded; try again, and verify the ledger if it happens twice")
        return store.unusable(self.file, message, remedy)


_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@lru_cache(256)
def translated(statement: str) -> tuple[str, tuple[str, ...]]:
    """Return a statement with `$1` and so on where values stand, and the names of those that have one.

    Signs within quotes, casts and comments stay as they are.
    """
    names: list[str] = []
    numbers = itertools.count(1)

    def place(found: re.Match[str]) -> str:
        if found[1]:
            return found[1]
        if not found[2]:
            return f"${next(numbers)}"
        if found[2] not in names:
            names.append(found[2])
        return f"${names.index(found[2]) + 1}"

    return _TOKEN.sub(place, statement), tuple(names)


def shown(url: sa.URL) -> str:
    """Return a URL as messages show it: without password, and of its options only what says where the ledger is."""
    query = {name: value for name, value in url.query.items() if name in ("host", "port", "options")}
    return url.set(drivername="postgresql", password=None, query=query).render_as_string()


def _parameters(url: sa.URL) -> dict[str, Any]:
    given = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    more = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    known = {"application_name": "qpi", "connect_timeout": "10", "client_encoding": "UTF8"}
    return {**known, **{name: value for name, value in given.items() if value is not None}, **more}


__all__ = ["LOCKING", "SETTINGS", "Postgresql", "shown", "translated"]
