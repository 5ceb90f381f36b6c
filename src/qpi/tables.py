"""Tables of the ledger: the entries, and the typed tables beside them that any tool can read."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from qpi.chain import Link
from qpi.entries import utc_text

LAYOUT = 2
"""Version of the tables; they are rebuilt from the entries, which stay as they are."""
EARLIER = {1: "3708732fffb1e66709aa6d44d22c7fde94cc09eba82d8692317b0819418ee9a7"}
"""Digests of the tables and triggers of earlier layouts in SQLite: such a ledger is proved, and then migrated."""
KINDS = ("genesis", "edition", "check", "verification", "void", "evidence", "removal", "closing")
"""Kinds of entries that this release knows."""
_META = sa.MetaData()
# By bytes, as SQLite compares; the order of a language is another on each machine.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_WHOLE = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def _column(name: str, kind: Any, comment: str, **more: Any) -> "sa.Column[Any]":
    return sa.Column(name, kind, nullable=more.pop("nullable", True), comment=comment, **more)


def _needed(name: str, kind: Any, comment: str, **more: Any) -> "sa.Column[Any]":
    return _column(name, kind, comment, nullable=False, **more)


entry = sa.Table(
    "entry",
    _META,
    _needed("seq", _WHOLE, "number of the entry, from 0 without gaps", primary_key=True, autoincrement=False),
    _needed("prev", _TEXT, "hash of the entry before"),
    _needed("hash", _TEXT, "SHA-256 over every other column, in hex", unique=True),
    _needed("schema", _WHOLE, "version of the entry format"),
    _needed("kind", _TEXT, ", ".join(KINDS)),
    _needed("idem", _TEXT, "natural key; no record enters twice", unique=True),
    _needed("actor_id", _TEXT, "who wrote it"),
    _column("actor_role", _TEXT, "in which role"),
    _needed("actor_auth", _TEXT, "how the id is known: declared, os-user, login"),
    _column("observed_at", _TEXT, "when it was seen, UTC"),
    _needed("recorded_at", _TEXT, "when it was written, UTC"),
    _column("supersedes", _WHOLE, "the entry that this one takes the place of", unique=True),
    _column("reason", _TEXT, "why"),
    _needed("body", sa.LargeBinary, "what is recorded, canonical JSON as hashed"),
    sqlite_strict=True,
)


def _typed(name: str, *columns: "sa.Column[Any]", **more: Any) -> sa.Table:
    number = _needed("entry", _WHOLE, "number of the entry", primary_key=True, autoincrement=False)
    number.append_foreign_key(sa.ForeignKey("entry.seq"))
    return sa.Table(name, _META, number, *columns, sqlite_strict=True, **more)


checks = _typed(
    "checks",
    _needed("id", _TEXT, "id of the check"),
    _needed("project", _TEXT, "id of the project"),
    _needed("point", _TEXT, "code of the point"),
    _needed("role", _TEXT, "role in which it was looked at"),
    _column("inspector", _TEXT, "id of the person who looked"),
    _needed("kind", _TEXT, "routine, special, mystery"),
    _needed("checked_at", _TEXT, "when, UTC"),
    _needed("day", _TEXT, "the day in the workspace's zone"),
    _column("place", _TEXT, "where"),
    _column("method", _TEXT, "method"),
    _column("result", _TEXT, "na where there was nothing to look at"),
    _column("reason", _TEXT, "why there was nothing to look at"),
    _column("sample", _TEXT, "what was sampled, JSON list"),
    _needed("sample_size", _WHOLE, "number of samples"),
    _column("population", _WHOLE, "out of how many"),
    _column("evidence", _TEXT, "evidence, JSON list of name and sha256"),
    _needed("evidence_count", _WHOLE, "number of pieces of evidence"),
    _column("readings", _TEXT, "measured values, JSON list of sample and value"),
    _needed("readings_out", _WHOLE, "number of readings beyond the point's limits"),
    _column("elements", _TEXT, "pass, fail or na by element, JSON object"),
    _column("visit", _TEXT, "the walk that it was part of"),
    _column("started", _TEXT, "when the look began, UTC"),
    _column("ended", _TEXT, "when the look ended, UTC"),
    _column("companions", _TEXT, "ids of those who went along, JSON list"),
    _column("position", _TEXT, "geographic position"),
    _column("weather", _TEXT, "weather"),
    _column("strengths", _TEXT, "what was done well, JSON list"),
    _column("theme", _TEXT, "theme of a special check"),
    _column("rechecks", _TEXT, "id of the check looked at again"),
    _column("plan", _TEXT, "row of the plan"),
    _needed("edition", _TEXT, "digest of the edition that it is judged by"),
)
findings = _typed(
    "findings",
    _needed("no", _WHOLE, "number within the check", primary_key=True, autoincrement=False),
    _needed("id", _TEXT, "id of the finding: check, slash, number"),
    _needed("check_id", _TEXT, "id of the check"),
    _needed("kind", _TEXT, "suggestion, rectification, deduction"),
    _column("fault", _TEXT, "what was found"),
    _column("class", _TEXT, "class of the cause"),
    _column("element", _WHOLE, "number of the element"),
    _column("advice", _TEXT, "how to mend it"),
    _column("handling", _TEXT, "how it is handled"),
    _column("responsible", _TEXT, "id of the person or party, or free text"),
    _column("deduct_hundredths", _WHOLE, "deduction in hundredths of a point"),
    _column("fine_hundredths", _WHOLE, "fine in hundredths of the currency"),
    _column("due", _TEXT, "day by which it is to be mended"),
    _column("verify_on", _TEXT, "planned day of the second verification"),
    _column("place", _TEXT, "where"),
    _column("sample", _TEXT, "which samples, JSON list"),
    _column("evidence", _TEXT, "evidence, JSON list"),
    # A hidden rowid beside the two keys would let REPLACE take a row away that the guard does not see.
    sqlite_with_rowid=False,
)
verifications = _typed(
    "verifications",
    _needed("finding", _TEXT, "id of the finding"),
    _needed("verifier", _TEXT, "id of the person who verified"),
    _needed("verified_at", _TEXT, "when, UTC"),
    _needed("day", _TEXT, "the day in the workspace's zone"),
    _needed("outcome", _TEXT, "closed, open"),
    _column("note", _TEXT, "note"),
    _column("evidence", _TEXT, "evidence, JSON list"),
    _column("verify_on", _TEXT, "the next planned day"),
)
citations = _typed(
    "citations",
    _needed("no", _WHOLE, "number within the entry", primary_key=True, autoincrement=False),
    _needed("sha256", _TEXT, "SHA-256 of the file's bytes, in hex"),
    _needed("name", _TEXT, "name of the file as it was given"),
    _needed("record", _TEXT, "id of the check or finding that it is evidence of"),
    sqlite_with_rowid=False,
)
files = _typed(
    "files",
    _needed("sha256", _TEXT, "SHA-256 of the file's bytes, in hex"),
    _needed("size", _WHOLE, "size in bytes"),
    _needed("name", _TEXT, "name of the file as it was given"),
)
closings = _typed(
    "closings",
    _needed("period", _TEXT, "the period that is closed"),
    _needed("at", _WHOLE, "the last entry that is in its figures"),
    _needed("as_of", _TEXT, "the last moment at which second verifications count, UTC"),
)
TYPED = (checks, findings, verifications, citations, files, closings)
_INDEXES = (
    sa.Index("checks_day", checks.c.day),
    sa.Index("findings_id", findings.c.id),
    sa.Index("verifications_finding", verifications.c.finding),
    sa.Index("citations_sha256", citations.c.sha256),
    sa.Index("files_sha256", files.c.sha256),
)
EFFECTIVE = ("checks", "findings", "verifications", "files", "closings")
"""Typed tables that have a view `effective_...` without the rows of entries that another one supersedes."""

_ENTRY_GUARDS = """
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END
---
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END
---
CREATE TRIGGER entry_no_replace BEFORE INSERT ON entry
WHEN EXISTS (SELECT 1 FROM entry WHERE seq = NEW.seq) OR EXISTS (SELECT 1 FROM entry WHERE idem = NEW.idem)
  OR EXISTS (SELECT 1 FROM entry WHERE hash = NEW.hash)
  OR EXISTS (SELECT 1 FROM entry WHERE supersedes = NEW.supersedes)
BEGIN SELECT RAISE(ABORT, 'an entry is never replaced'); END
---
CREATE TRIGGER entry_chain BEFORE INSERT ON entry
WHEN NEW.seq <> coalesce((SELECT max(seq) FROM entry), -1) + 1
  OR NEW.prev <> coalesce((SELECT hash FROM entry WHERE seq = NEW.seq - 1), printf('%064d', 0))
BEGIN SELECT RAISE(ABORT, 'an entry follows the one before it'); END
"""
_TYPED_GUARDS = """
CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name}
BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END
---
CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name}
BEGIN SELECT RAISE(ABORT, 'a record is never deleted'); END
---
CREATE TRIGGER {name}_no_replace BEFORE INSERT ON {name}
WHEN EXISTS (SELECT 1 FROM {name} WHERE {same})
BEGIN SELECT RAISE(ABORT, 'a record is never replaced'); END
"""
_DIALECT = sqlite.dialect()


def _one_line(statement: CreateTable | CreateIndex) -> str:
    """Return a statement with single blanks, so that the text in the file does not depend on SQLAlchemy's layout."""
    return " ".join(str(statement.compile(dialect=_DIALECT)).split())


def _create(table: sa.Table) -> Iterator[str]:
    yield _one_line(CreateTable(table))
    for index in _INDEXES:
        if index.table is table:
            yield _one_line(CreateIndex(index))


def typed_statements() -> Iterator[str]:
    """Yield the statements that make the typed tables with their indexes, triggers and views."""
    for table in TYPED:
        yield from _create(table)
        same = " AND ".join(f'"{c.name}" = NEW."{c.name}"' for c in table.primary_key.columns)
        yield from (part.strip() for part in _TYPED_GUARDS.format(name=table.name, same=same).split("---"))
    yield from views()


def views() -> Iterator[str]:
    """Yield the statements that make the views, which are the same in every database."""
    for name in EFFECTIVE:
        yield (
            f"CREATE VIEW effective_{name} AS SELECT * FROM {name} "
            "WHERE entry NOT IN (SELECT supersedes FROM entry WHERE supersedes IS NOT NULL)"
        )


def statements() -> Iterator[str]:
    """Yield the statements that make a new ledger."""
    yield from _create(entry)
    yield from (part.strip() for part in _ENTRY_GUARDS.split("---"))
    yield from typed_statements()


SCHEMA_TEXTS = (
    "SELECT quote(type) || quote(name) || quote(tbl_name) || quote(sql) FROM sqlite_master "
    "WHERE name NOT LIKE 'sqlite!_stat%' ESCAPE '!' ORDER BY type, name"
)
"""Reads what is said of every table, index, trigger and view, without the statistics that SQLite's own tools keep."""


def schema_digest(texts: Iterable[tuple[str]]) -> str:
    """Return the digest of rows of `SCHEMA_TEXTS`."""
    return hashlib.sha256("\n".join(row[0] for row in texts).encode("utf-8", "surrogateescape")).hexdigest()


@cache
def own_schema_digest() -> str:
    """Return the digest of every table, index and trigger of this release, as SQLite keeps their text."""
    raw = sqlite3.connect(":memory:")
    try:
        for statement in statements():
            raw.execute(statement)
        return schema_digest(raw.execute(SCHEMA_TEXTS))
    finally:
        raw.close()


@cache
def inserting(table: sa.Table) -> str:
    """Return the statement that appends a row to a table."""
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    return f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('?' * len(table.columns))})"


ENTRY_COLUMNS = ", ".join(column.name for column in entry.columns)
INSERT_ENTRY = inserting(entry)
INSERT = {table.name: inserting(table) for table in TYPED}


Row = tuple[str, tuple[Any, ...]]
"""A typed table and a row of it without its first cell, the number of the entry."""

WITH_ROWS = ("check", "verification", "evidence", "closing")
"""Kinds of entries that have typed rows."""


def typed_rows(kind: str, observed: str | None, record: Mapping[str, Any], judged: Mapping[str, Any]) -> list[Row]:
    """Return the typed rows of an entry, from nothing but what the entry itself says."""
    if kind == "check":
        findings = [("findings", _finding_row(record["id"], finding)) for finding in record.get("findings", ())]
        return [("checks", _check_row(observed, record, judged)), *findings, *_citations(record)]
    if kind == "verification":
        return [("verifications", _verification_row(observed, record, judged)), *_citations(record)]
    if kind == "evidence":
        return [("files", (record["sha256"], record["size"], record["name"]))]
    if kind == "closing":
        return [("closings", (record["period"], record["at"], record["as_of"]))]
    return []


def _citations(record: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the pieces of evidence whose bytes are known: those of the record, then those of its findings."""
    name = record.get("id") or record["finding"]
    owners = [(name, record), *((f"{name}/{one['no']}", one) for one in record.get("findings", ()))]
    cited = [
        (one["sha256"], one["name"], owner) for owner, of in owners for one in of.get("evidence", ()) if "sha256" in one
    ]
    yield from (("citations", (no, *one)) for no, one in enumerate(cited, 1))


def rows_of(link: Link) -> list[Row]:
    """Return the typed rows of an entry as it stands in the ledger."""
    if link.kind not in WITH_ROWS:
        return []
    body = orjson.loads(link.body)
    return typed_rows(link.kind, link.observed_at, body["record"], body.get("judged", {}))


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _utc(value: str | None) -> str | None:
    return None if value is None else utc_text(datetime.fromisoformat(value))


def _maybe(read: Callable[[str], Any], value: str | None) -> Any:
    return None if value is None else read(value)


def hundredths(value: str) -> int:
    """Return a decimal of a record, such as `2.5`, in hundredths."""
    whole, _, rest = value.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0"))


def _check_row(observed: str | None, record: Mapping[str, Any], judged: Mapping[str, Any]) -> tuple[Any, ...]:
    get = record.get
    sample, evidence = get("sample"), get("evidence")
    return (
        record["id"], record["project"], record["point"], record["role"], get("inspector"), record["kind"],
        observed, judged["day"], get("place"), get("method"), get("result"), get("reason"),
        _json(sample), len(sample or ()), get("population"), _json(evidence), len(evidence or ()),
        _json(get("readings")), judged.get("readings_out", 0), _json(get("elements")), get("visit"),
        _utc(get("started")), _utc(get("ended")), _json(get("companions")), get("position"), get("weather"),
        _json(get("strengths")), get("theme"), get("rechecks"), get("plan"), judged["edition"],
    )  # fmt: skip


def _finding_row(check: str, finding: Mapping[str, Any]) -> tuple[Any, ...]:
    get = finding.get
    return (
        finding["no"], f"{check}/{finding['no']}", check, finding["kind"], get("fault"), get("class"), get("element"),
        get("advice"), get("handling"), get("responsible"), _maybe(hundredths, get("deduct")), _maybe(hundredths, get("fine")),
        get("due"), get("verify_on"), get("place"), _json(get("sample")), _json(get("evidence")),
    )  # fmt: skip


def _verification_row(observed: str | None, record: Mapping[str, Any], judged: Mapping[str, Any]) -> tuple[Any, ...]:
    get = record.get
    return (
        record["finding"], record["verifier"], observed, judged["day"], record["outcome"], get("note"),
        _json(get("evidence")), get("verify_on"),
    )  # fmt: skip
