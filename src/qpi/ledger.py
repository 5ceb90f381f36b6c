"""Ledger: what keeps entries; append-only, chained, with typed tables that are rebuilt from the entries."""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson
import sqlalchemy as sa

from qpi import chain, tables
from qpi.chain import Content, Link
from qpi.entries import Actor, canonical, utc_text
from qpi.errors import LedgerError, ProofError, UsageError
from qpi.messages import masked, said, say
from qpi.sqlitefile import SqliteFile, known_here
from qpi.store import Store
from qpi.tables import Row

SCHEMA = 1
"""Version of the entry format; it is written into every entry."""
_CHUNK = 20_000
_LAST = "SELECT seq, hash, recorded_at FROM entry ORDER BY seq DESC LIMIT 1"


class Position(NamedTuple):
    """A place in a ledger: which ledger, the last entry's number, and its hash."""

    ledger: str
    seq: int
    head: str


class Standing(NamedTuple):
    """The newest entry of an evidence file, and the entry by which it is gone, or None where it is kept."""

    entry: int
    gone: int | None


class Citation(NamedTuple):
    """A file that a record names as evidence: the record's entry, and the check or finding that it stands under.

    `check` is the id of the check, or None where a second verification, made at `verified_at`, names the file.
    """

    sha256: str
    entry: int
    name: str
    record: str
    check: str | None
    verified_at: str | None

    @property
    def look(self) -> tuple[str | None, str | None]:
        """Whose look at the place it shows: that of a check with its findings, or that of a second verification."""
        return (self.check, None) if self.check is not None else (self.record, self.verified_at)


class Item(NamedTuple):
    """An entry to be, with its typed rows."""

    content: Content
    rows: Sequence[Row] = ()


class Ledger:
    """An open ledger; one connection is held until `close`, and threads may share it.

    A new ledger is made in its store with the first entry that is appended after `genesis`; until then it is in memory.
    """

    def __init__(self, store: Store, genesis: Content | None = None) -> None:
        self._target = store
        self._store = store if genesis is None else SqliteFile(":memory:")
        self._genesis = genesis
        self._id: str | None = None
        self._kept_editions = set[str]()
        self._newer: int | None = None

    @property
    def file(self) -> str:
        """The name of the file, or where else the ledger is kept."""
        return self._target.file

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the place and of how the ledger was found; a command says it once."""
        if self._newer is None:
            return tuple(self._target.notes)
        note = say("{file}: written by a newer release (schema {schema}); it can only be read, and what is new in it is "
                   "not shown; upgrade qpi", file=self.file, schema=self._newer)  # fmt: skip
        return (*self._target.notes, note)

    @property
    def layout(self) -> int:
        """The layout of the tables; raises LedgerError where this is no ledger."""
        return self._store.layout()

    def close(self) -> None:
        """Let the store go."""
        self._store.close()
        self._target.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def begun(self) -> bool:
        """Whether it is in its store already; a new one comes there with its first record."""
        return self._genesis is None

    def held(self) -> AbstractContextManager[None]:
        """Keep other threads from this ledger for the time of a `with`."""
        return self._store.held()

    def position(self) -> Position:
        """Return the last entry's number and hash."""
        row = self._store.one(_LAST)
        if row is None:
            raise self._emptied()
        return Position(self._name(), row[0], row[1])

    def _name(self) -> str:
        """Return the ledger's id, which never changes; it is read once."""
        if self._id is None:
            genesis = self._store.one("SELECT body FROM entry WHERE seq = 0")
            if genesis is None:
                raise self._emptied()
            self._id = str(orjson.loads(genesis[0])["record"]["ledger"])
        return self._id

    def _emptied(self) -> ProofError:
        return ProofError(say("{file}: no first entry; the ledger was emptied, take a backup", file=self.file))

    def after(self, writer: "Writer") -> Position:
        """Return the position that the ledger has once what a writer appended is committed."""
        return Position(self._name(), writer.seq, writer.head)

    def position_at(self, at: int | datetime | None) -> Position:
        """Return the position of an entry, or of the last one recorded by a moment; None is the last.

        Where a clock went back, the chain says what was later: nothing after the first entry recorded past the moment.
        Raises UsageError where there is no such entry.
        """
        last = self.position()
        if at is None:
            return last
        if isinstance(at, datetime):
            later = self._store.one("SELECT min(seq) FROM entry WHERE recorded_at > ?", (utc_text(at),))
            seq = last.seq if later is None or later[0] is None else later[0] - 1
        else:
            seq = at
        row = self._store.one("SELECT hash FROM entry WHERE seq = ?", (seq,)) if 0 <= seq <= last.seq else None
        if row is None and isinstance(at, datetime):
            raise UsageError(say("the ledger began after {moment}; name a later one", moment=utc_text(at)))
        if row is None:
            raise UsageError(say("there is no entry {entry}; the last one is {last}", entry=seq, last=last.seq))
        return Position(last.ledger, seq, row[0])

    def links(self, *, kind: str | None = None) -> Iterator[Link]:
        """Yield the entries in order, of one kind if one is named."""
        where, values = ("WHERE kind = ?", (kind,)) if kind else ("", ())
        query = f"SELECT {tables.ENTRY_COLUMNS} FROM entry {where} ORDER BY seq"
        return map(Link._make, self._store.each(query, values, size=_CHUNK))

    def entry(self, seq: int) -> Link | None:
        """Return an entry, or None where there is none of this number."""
        return self._link("seq", seq)

    def _link(self, column: str, value: int) -> Link | None:
        row = self._store.one(f"SELECT {tables.ENTRY_COLUMNS} FROM entry WHERE {column} = ?", (value,))
        return Link._make(row) if row else None

    def versions(self, seq: int) -> list[Link]:
        """Return the entries of which each but the first supersedes the one before, for any one of them; first to last."""
        found: list[Link] = []
        link = self.entry(seq)
        while link is not None:
            found.insert(0, link)
            link = None if link.supersedes is None else self.entry(link.supersedes)
        while found and (link := self._link("supersedes", found[-1].seq)):
            found.append(link)
        return found

    def editions(self) -> Iterator[tuple[int, str, str, str]]:
        """Yield number, catalogue, edition and digest of each edition that the ledger keeps."""
        # By their keys, which are indexed: every command asks, and a scan would read the whole ledger.
        query = "SELECT seq, body FROM entry WHERE idem >= 'edition:' AND idem < 'edition;' ORDER BY seq"
        for seq, body in self.rows(query):
            record = orjson.loads(body)["record"]
            yield seq, record["catalogue"], record["edition"], record["digest"]

    def known(self, keys: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Return the number and body of each entry that one of the natural keys names."""
        return {k: (seq, body) for k, seq, body in self._in("SELECT idem, seq, body FROM entry WHERE idem IN", keys)}

    def without_edition(self, digests: Iterable[str]) -> list[str]:
        """Return those of some editions that no entry keeps; one that is kept is asked for once, for it stays."""
        asked = [digest for digest in digests if digest not in self._kept_editions]
        there = self.known([f"edition:{digest}" for digest in asked])
        found = {digest for digest in asked if f"edition:{digest}" in there}
        self._kept_editions |= found
        return [digest for digest in asked if digest not in found]

    def findings(self, ids: Sequence[str]) -> dict[str, tuple[str | None, str | None, str]]:
        """Return responsible, inspector and UTC moment of the check for each finding that is there."""
        query = (
            "SELECT f.id, f.responsible, c.inspector, c.checked_at FROM findings f JOIN checks c ON c.entry = f.entry "
            "WHERE f.entry NOT IN (SELECT supersedes FROM entry WHERE supersedes IS NOT NULL) AND f.id IN"
        )
        return {row[0]: (row[1], row[2], row[3]) for row in self._in(query, ids)}

    def standing(self, hashes: Sequence[str]) -> dict[str, Standing]:
        """Return how it stands with each evidence file that was ever recorded under one of the hashes."""
        newest = dict(sorted(self._in("SELECT sha256, entry FROM files WHERE sha256 IN", hashes), key=itemgetter(1)))
        last = {sha256: self.versions(entry)[-1].seq for sha256, entry in newest.items()}
        return {
            sha256: Standing(entry, None if last[sha256] == entry else last[sha256]) for sha256, entry in newest.items()
        }

    def citations(self, hashes: Sequence[str] | None = None) -> list[Citation]:
        """Return where records in force name files as evidence, by hash and entry; only some files if hashes are named."""
        query = (
            "SELECT c.sha256, c.entry, c.name, c.record, k.id, v.verified_at FROM citations c "
            "LEFT JOIN checks k ON k.entry = c.entry LEFT JOIN verifications v ON v.entry = c.entry "
            "WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.supersedes = c.entry)"
        )
        found = self._store.rows(query) if hashes is None else self._in(f"{query} AND c.sha256 IN", hashes)
        return sorted(map(Citation._make, found), key=itemgetter(0, 1))

    def cited_since(self, seq: int) -> list[str]:
        """Return the hashes of the files that an entry, or a later one, names as evidence and the one before it did not."""
        query = (
            "SELECT c.sha256 FROM citations c JOIN entry e ON e.seq = c.entry WHERE c.entry >= ? AND NOT EXISTS "
            "(SELECT 1 FROM citations o WHERE o.entry = e.supersedes AND o.sha256 = c.sha256)"
        )
        # A DISTINCT would read all citations by the index of their hashes.
        return [*dict.fromkeys(row[0] for row in self._store.rows(query, (seq,)))]

    def rounds(self, findings: Sequence[str]) -> list[int]:
        """Return the numbers of the entries that are the effective second verifications of findings, in order."""
        query = (
            "SELECT entry FROM verifications "
            "WHERE entry NOT IN (SELECT supersedes FROM entry WHERE supersedes IS NOT NULL) AND finding IN"
        )
        return sorted(row[0] for row in self._in(query, findings))

    def rounds_of_check(self, check: str) -> list[int]:
        """Return the numbers of the entries that verified, in any version, a finding that any version of a check raised."""
        query = "SELECT entry FROM verifications WHERE finding IN"
        raised = self._store.rows(
            "SELECT DISTINCT id FROM findings WHERE id >= ? AND id < ?", (f"{check}/", f"{check}0")
        )
        return sorted(
            row[0] for row in self._in(query, [row[0] for row in raised if row[0].rpartition("/")[0] == check])
        )

    def rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a reading statement; one that writes raises LedgerError."""
        return self._store.rows(query, values)

    def _in(self, query: str, values: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(values), 900):
            part = values[start : start + 900]
            yield from self._store.rows(f"{query} ({','.join('?' * len(part))})", part)

    def reading(self) -> AbstractContextManager[None]:
        """See the ledger as it stands at one moment, however often it is read within a `with`."""
        return self._store.reading()

    @contextmanager
    def writing(self) -> Iterator["Writer"]:
        """Hold the only right to write, as a Writer; what it appends becomes durable together at the end, or nothing."""
        with self._store.held():
            self._make()
            self._refuse_newer()
            with self._store.transaction():
                yield Writer(self._store)

    def _refuse_newer(self) -> None:
        if self._newer is not None:
            raise LedgerError(
                say("{file}: written by a newer release (schema {schema}); upgrade qpi; nothing was recorded",
                    file=self.file, schema=self._newer)
            )  # fmt: skip

    def _make(self) -> None:
        """Make a new ledger in its store, unless another program made it meanwhile."""
        if self._genesis is None:
            return
        store = self._target
        store.open()
        with store.transaction(rebuilding=True):
            # Another process may have made it while this one waited for the lock.
            if store.empty():
                _begin(store, self._genesis)
        self._settle()

    def begin(self, *, writer: str | None = None, links: Iterable[Link] | None = None) -> None:
        """Make a new ledger in its store now, with nothing but its first entry or with the entries of another ledger.

        Entries of another ledger are taken word for word, and their typed rows made from them.
        With `writer`, a role of the database may read and append from then on.
        """
        self._refuse_newer()
        store = self._target
        store.open()
        with store.held(), store.transaction(rebuilding=True):
            if links is not None:
                store.make()
                Writer(store).take(links)
                self._prove(store)
            elif self._genesis is not None and store.empty():
                _begin(store, self._genesis)
            if writer is not None:
                store.admit(writer)
        self._settle()

    @staticmethod
    def _prove(store: Store) -> None:
        """Raise LedgerError where what was taken does not prove itself; then none of it stays."""
        faults = Ledger(store).verify()
        if faults:
            number, fault = faults[0]
            raise LedgerError(
                say(
                    "{file}: entry {entry} {fault}; verify the ledger that was copied",
                    file=store.file,
                    entry=number,
                    fault=fault,
                )
            )

    def _settle(self) -> None:
        """See that what was made is a ledger of this release, and go on with it."""
        store = self._target
        self._admit(store)
        if self._store is not store:
            self._store.close()
        # Another program may have made it meanwhile, under another id.
        self._store, self._genesis, self._id = store, None, None

    def open(self) -> None:
        """Open the store and see that it is a ledger of this release; a new one can be read, and is nowhere yet."""
        if self._genesis is not None:
            with self._store.transaction(rebuilding=True):
                _begin(self._store, self._genesis)
            return
        self._store.open()
        self._admit(self._store)

    def _admit(self, store: Store) -> None:
        """See that a store holds a ledger of this release, or one of a later release, which is only read."""
        layout = store.layout()
        if layout > tables.LAYOUT:
            self._newer = layout
        else:
            store.examine()
        store.guard()

    def open_to_read(self) -> None:
        """Open the store without judging it; nothing can be written."""
        self._store.open()
        self._store.guard()

    def rebuild(self) -> int:
        """Make the typed tables anew from the entries; return the number of entries read."""
        self._refuse_newer()
        with self._store.transaction(rebuilding=True):
            return self._remake()

    def _remake(self) -> int:
        self._store.remake()
        writer, count = Writer(self._store), 0
        for link in self.links():
            writer.project(link.seq, tables.rows_of(link))
            count += 1
            if count % _CHUNK == 0:
                writer.flush()
        writer.flush()
        return count

    @property
    def dialect(self) -> str:
        """The name that SQLAlchemy has for the kind of SQL of the store."""
        return self._store.dialect

    @contextmanager
    def altering(self) -> Iterator[Callable[[str], None]]:
        """Hold the only right to write; what is yielded runs the steps from an earlier layout to that of this release.

        At the end the typed tables are made anew and all is proved; raises ProofError where it is not sound or an entry
        is not what it was. Then, and after any other error, the ledger is as it was before.
        """
        with self._store.held(), self._store.transaction(rebuilding=True):
            position = self.position()
            yield self._store.alter
            self._remake()
            self._store.mark(tables.LAYOUT)
            faults = [*self.foreign_schema(), *(fault for _, fault in self.verify())]
            if self.position() != position:
                faults.append(say("has another head"))
            if faults:
                words = say(
                    "{file}: the ledger would not prove itself ({fault}); it is as it was",
                    file=self.file,
                    fault=faults[0],
                )
                raise ProofError(words)

    def copy_to(self, path: Path) -> bool:
        """Copy the whole ledger into a SQLite file by the store's own means, as it stands at one moment, if it has any."""
        return self._store.copy_to(path)

    def damage(self) -> str | None:
        """Return what the database finds wrong with what it keeps, such as an index that is not of its table."""
        return self._store.damage()

    def doubts(self) -> list[str]:
        """Return what makes the store less trustworthy than it could be, though nothing is wrong with the ledger."""
        return self._store.doubts()

    def verify(self) -> list[tuple[int, str]]:
        """Return the number and fault of every entry that breaks the chain, or whose typed rows are not its own."""
        with self.reading():
            faults = [(entry, fault) for entry, _, fault in (*chain.breaks(self.links()), *self.foreign_rows())]
        return sorted(dict.fromkeys(faults), key=itemgetter(0))

    @property
    def garbled(self) -> bool:
        """Whether a text was met that is not UTF-8."""
        return self._store.garbled

    def read_as_stored(self) -> None:
        """Read texts also where they are not UTF-8, so that they can be judged."""
        self._store.read_as_stored()

    def foreign_schema(self) -> Iterator[str]:
        """Yield what of the store is not as this release makes it: whose it is, its version, its tables and triggers."""
        try:
            # An earlier layout is judged by what its own release made.
            self._store.examine(min(self.layout, tables.LAYOUT))
        except LedgerError as error:
            yield said(error)

    def foreign_rows(self) -> Iterator[tuple[int, str, str]]:
        """Yield the entries whose rows in the typed tables are not those that `rebuild` would make: number, kind, why.

        Kinds are `rows` and, where the entry itself cannot be read, `body`.
        """
        stored = {table.name: _Sorted(self._store, table) for table in tables.TYPED}
        for link in self.links():
            seq, there = link.seq, dict[str, list[tuple[Any, ...]]]()
            for name, rows in stored.items():
                if rows.seq is not None and rows.seq <= seq:
                    yield from (_stray(entry, name) for entry in rows.before(seq))
                    if found := rows.of(seq):
                        there[name] = found
            own = _readable(link)
            if own is None:
                yield seq, "body", say("cannot be read")
                continue
            made = dict[str, list[tuple[Any, ...]]]()
            for name, row in own:
                made.setdefault(name, []).append((seq, *row))
            # Its rows come in the order of their keys, but for findings, which may be numbered in any.
            if there == made:
                continue
            for name in stored:
                if there.get(name, []) != sorted(made.get(name, [])):
                    yield seq, "rows", say("has other rows in {table}; rebuild the typed tables", table=name)
        for name, rows in stored.items():
            yield from (_stray(entry, name) for entry in rows.before(None))


def _stray(entry: int, table: str) -> tuple[int, str, str]:
    return entry, "rows", say("is no entry, and has rows in {table}; rebuild the typed tables", table=table)


def _readable(link: Link) -> list[Row] | None:
    """Return the typed rows of an entry, or None where its body cannot be read."""
    try:
        return tables.rows_of(link)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _batched(links: Iterable[Link], size: int) -> Iterator[list[Link]]:
    rest = iter(links)
    while some := list(islice(rest, size)):
        yield some


def _begin(store: Store, genesis: Content) -> None:
    store.make()
    Writer(store).append([Item(genesis)], recorded=genesis.recorded_at)


class _Sorted:
    """The rows of a typed table by entry."""

    def __init__(self, store: Store, table: sa.Table) -> None:
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        keys = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
        rows = store.each(f"SELECT {columns} FROM {table.name} ORDER BY {keys}", size=_CHUNK)
        self._groups = groupby(rows, key=itemgetter(0))
        self.seq: int | None = None
        """The entry whose rows come next; None at the end."""
        self._rows: list[tuple[Any, ...]] = []
        self._step()

    def _step(self) -> None:
        self.seq, rows = next(self._groups, (None, iter(())))
        self._rows = list(rows)

    def before(self, seq: int | None) -> Iterator[int]:
        """Yield the numbers before an entry, or to the end, that have rows which were not asked for."""
        while self.seq is not None and (seq is None or self.seq < seq):
            yield self.seq
            self._step()

    def of(self, seq: int) -> list[tuple[Any, ...]]:
        """Return the rows of an entry; those before it must have been asked for."""
        if self.seq != seq:
            return []
        rows = self._rows
        self._step()
        return rows


class Writer:
    """The one who may append, within one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.seq, self.head, self.recorded = store.one(_LAST) or (-1, chain.START, "")
        self._waiting: dict[str, list[tuple[Any, ...]]] = {}

    def append(self, items: Sequence[Item], *, recorded: str) -> list[int]:
        """Append entries in order with their typed rows, recorded at a moment (UTC); return the numbers that they got.

        The moment is asked for while nobody else may write, so that it goes back only where a clock does.
        """
        first, self.recorded = self.seq + 1, recorded
        for start in range(0, len(items), _CHUNK):
            part = items[start : start + _CHUNK]
            links = list(chain.linked((item.content for item in part), self.seq, self.head, recorded))
            self.seq, self.head = links[-1].seq, links[-1].hash
            self._store.insert(tables.entry, links)
            for link, item in zip(links, part, strict=True):
                self.project(link.seq, item.rows)
            self.flush()
        return list(range(first, self.seq + 1))

    def take(self, links: Iterable[Link]) -> None:
        """Append entries as they stand in another ledger, with typed rows made from them."""
        for some in _batched(links, _CHUNK):
            self.seq, self.head, self.recorded = some[-1].seq, some[-1].hash, some[-1].recorded_at
            self._store.insert(tables.entry, some)
            for link in some:
                self.project(link.seq, _readable(link) or ())
            self.flush()

    def project(self, seq: int, rows: Iterable[Row]) -> None:
        """Keep the typed rows of an entry until `flush`."""
        for name, row in rows:
            self._waiting.setdefault(name, []).append((seq, *row))

    def flush(self) -> None:
        """Write the typed rows that wait, a table after the one that it points to."""
        for table in tables.TYPED:
            rows = self._waiting.pop(table.name, [])
            if rows:
                self._store.insert(table, rows)


Place = Path | sa.URL
"""Where a ledger is kept: a file of SQLite, or a database and schema of PostgreSQL."""
_POSTGRESQL = ("postgresql", "postgresql+psycopg")


def place_of(url: str, folder: Path) -> Place:
    """Return the place that a URL names, a file relative to a folder; raise UsageError for a store that we do not know."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise UsageError(
            say('ledger "{url}" is no URL; write sqlite:///qpi.db or postgresql://user@host/database', url=masked(url))
        ) from error
    if parsed.drivername in _POSTGRESQL and parsed.database:
        return parsed
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise UsageError(
            say(
                'ledger "{url}" is not kept by this release; write sqlite:///qpi.db or postgresql://user@host/database',
                url=masked(url),
            )
        )
    if any(asked not in (("journal_mode", "delete"), ("journal_mode", "wal")) for asked in parsed.query.items()):
        raise UsageError(say('ledger "{url}" asks for what is not known; write ?journal_mode=wal or nothing', url=url))
    return folder / parsed.database


def journal_of(url: str) -> str:
    """Return the journal mode that the URL of a file asks for: `wal`, or `delete` where it asks for none."""
    return "wal" if sa.make_url(url).query.get("journal_mode") == "wal" else "delete"


def store_of(place: Place, *, journal: str | None = "delete") -> Store:
    """Return the store, not opened yet, of a place; raise LedgerError where a library is missing.

    `journal` is the journal mode that is asked for of a file, None to only read it.
    """
    if isinstance(place, sa.URL):
        # Whoever keeps a ledger in a file needs no psycopg.
        from qpi.postgresql import Postgresql

        return Postgresql(place)
    known_here()
    return SqliteFile(str(place), journal=journal)


def has_ledger(place: Place) -> bool:
    """Say whether a place holds a ledger."""
    store = store_of(place)
    try:
        return store.exists()
    finally:
        store.close()


def open_ledger(
    place: Place, *, create: bool = False, ledger_id: str | None = None, now: datetime | None = None,
    journal: str = "delete",
) -> Ledger:  # fmt: skip
    """Open a ledger, made new where there is none and `create` says so; raise LedgerError otherwise.

    `journal` is the journal mode that is asked for, `delete` or `wal`. A ledger of a later release is only read.
    `ledger_id` names a ledger that is made; one without gets a random one. Raises UsageError for one that no receipt
    could name, and ProofError when the tables and triggers are not those of this release.
    """
    store = store_of(place, journal=journal)
    ledger = Ledger(store)
    try:
        if not store.exists():
            if not create:
                raise _missing(store)
            store.room()
            name = str(uuid.uuid4()) if ledger_id is None else _sound(store, ledger_id)
            ledger = Ledger(store, _genesis(name, now or datetime.now(UTC)))
        ledger.open()
    except BaseException:
        ledger.close()
        raise
    return ledger


def init(
    place: Place, *, writer: str | None = None, ledger_id: str | None = None, now: datetime | None = None
) -> Position:
    """Make a new ledger with its first entry, unless one is there, and let a role of the database read and append.

    Raises UsageError where there is no such role, or where the store knows none.
    """
    with open_ledger(place, create=True, ledger_id=ledger_id, now=now) as ledger:
        ledger.begin(writer=writer)
        return ledger.position()


def open_unexamined(place: Place, *, changing: bool = False) -> Ledger:
    """Open a ledger to be read whatever its tables are, or to be changed; raise LedgerError where there is none."""
    store = store_of(place, journal="delete" if changing else None)
    ledger = Ledger(store)
    try:
        if not store.exists():
            raise _missing(store)
        ledger.open_to_read()
    except BaseException:
        ledger.close()
        raise
    return ledger


def _missing(store: Store) -> LedgerError:
    return LedgerError(say("{file}: there is no ledger; import records first", file=store.file))


def _sound(store: Store, ledger_id: str) -> str:
    """Return the id of a new ledger; raise UsageError for one that no receipt could name."""
    if not re.fullmatch(chain.LEDGER, ledger_id):
        fault = say(
            '{file}: no ledger is made with the id "{id}", because a receipt could not name it; use up to 64 letters a to '
            "z, digits and hyphens, or none",
            file=store.file, id=ledger_id,
        )  # fmt: skip
        raise UsageError(fault)
    return ledger_id


def _genesis(ledger_id: str, now: datetime) -> Content:
    record = {"ledger": ledger_id, "tag": chain.TAG.decode(), "created": utc_text(now)}
    return content("genesis", f"genesis:{ledger_id}", Actor("qpi"), {"record": record}, recorded=utc_text(now))


def content(
    kind: str, idem: str, actor: Actor, body: Any, *, recorded: str = "", observed: str | None = None,
    supersedes: int | None = None, reason: str | None = None,
) -> Content:  # fmt: skip
    """Return what an entry of this release says; `body` is bytes in canonical form or plain values, moments are UTC.

    When it is recorded, the writer says.
    """
    data = body if isinstance(body, bytes) else canonical(body)
    return Content(SCHEMA, kind, idem, actor.id, actor.role, actor.auth, observed, recorded, supersedes, reason, data)


__all__ = [
    "Citation",
    "Item",
    "Ledger",
    "Place",
    "Position",
    "Standing",
    "Writer",
    "content",
    "has_ledger",
    "init",
    "journal_of",
    "open_ledger",
    "open_unexamined",
    "place_of",
]
