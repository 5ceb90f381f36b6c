"""F6: a ledger changed from outside by somebody who knows its format; with a receipt kept elsewhere all of it is seen."""

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from qpi import tables
from qpi.chain import Content, entry_hash
from qpi.receipts import Receipt
from torture.figures import Figure, Run, folder
from torture.ledgers import dump, filled, json_text, ours, outside, rechain, their_verify, theirs, unguarded
from torture.workers import shared

TIMES, ENTRIES, AGE = 200, 60, 9
"""How often each kind is tried, on how many entries, and how many entries ago the stale receipt was written."""

Raw = sqlite3.Connection
Mutation = Callable[[Raw, random.Random], None]
KINDS: dict[str, Mutation] = {}
TYPED = tuple(table.name for table in tables.TYPED)
FILLED = ("checks", "findings", "verifications")
RECORDS = ENTRIES - 2
"""Entries after the genesis and the edition."""


class Base(NamedTuple):
    """The ledger that is harmed, its triggers dropped, and what stands in its place where all of it is replaced."""

    naked: bytes
    triggers: list[str]
    before: list
    receipts: list[Receipt]
    others: list[bytes]


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of tamper mutations."""
    times = run.share(TIMES)
    with folder() as made:
        base, verify = _base(Path(made)), their_verify()
        proofs = [base.receipts[-1], base.receipts[-1 - AGE]]
        names = sorted(KINDS)

        def harmed(rng: random.Random, tries: int) -> list[tuple]:
            copy = Path(made) / f"{rng.random()}.db"
            # Each part takes every kind in turn, so that all parts take as long.
            return [_judged(base, verify, proofs, copy, names[n % len(names)], rng) for n in range(tries)]

        seen, blind, stale, faults = Counter(), Counter(), Counter(), []
        needed = Counter()
        for found in shared(run, harmed, times * len(names), parts=times):
            for kind, fault, by, alone, old in found:
                seen[kind] += 1
                blind[kind] += not alone
                stale[kind] += not old
                needed.update([by] if by else [])
                faults += [f"{kind}: {fault}"] if fault else []
            run.tell(f"F6: {seen.total()} mutations")
    faults += [f"{kind} was tried {seen[kind]} times" for kind in names if seen[kind] < times]
    yield Figure(
        "F6",
        f"mutations of {len(names)} kinds, seen with a receipt of the last entry, by the verifier of the docs alike",
        "mutations",
        times * len(names),
        seen.total(),
        tuple(faults),
        f"with no receipt {_rate(blind, seen)} are seen ({_least(blind, seen)}); "
        f"with one {AGE} of {ENTRIES} entries old {_rate(stale, seen)} ({_least(stale, seen)})",
        tuple(f"blind to `{kind}`: {number} not seen" for kind, number in sorted(needed.items())),
    )


def _rate(missed: Counter, seen: Counter) -> str:
    return f"{100 * (seen.total() - missed.total()) / seen.total():.1f} %"


def _least(missed: Counter, seen: Counter) -> str:
    """Name the kinds that are not always seen."""
    never = [kind for kind in sorted(missed) if missed[kind] == seen[kind]]
    parts = [
        f"{kind} {100 * (seen[kind] - n) // seen[kind]} %" for kind, n in sorted(missed.items()) if 0 < n < seen[kind]
    ]
    return "; ".join(
        (["never: " + ", ".join(never)] if never else []) + (["in part: " + ", ".join(parts)] if parts else [])
    )


def _base(made: Path) -> Base:
    receipts = filled(made / "qpi.db", ENTRIES)
    others = []
    for name, entries, ledger_id, tag in (
        ("a", ENTRIES, "another", "c"), ("b", ENTRIES, "torture", "d"), ("c", ENTRIES // 2, "torture", "e"),
        ("d", 3, "torture", "f"), ("e", 2 * ENTRIES, "torture", "g"),
    ):  # fmt: skip
        filled(made / f"{name}.db", entries, ledger_id=ledger_id, tag=tag)
        others.append((made / f"{name}.db").read_bytes())
    with outside(made / "qpi.db") as raw:
        before = dump(raw)
    with outside(made / "qpi.db") as raw:
        triggers = unguarded(raw)
        raw.execute("VACUUM")
        return Base(raw.serialize(), triggers, before, receipts, others)


def _judged(base: Base, verify, proofs: list[Receipt], copy: Path, kind: str, rng: random.Random) -> tuple:
    """Harm a copy; return kind, fault, the one kind of inconsistency that shows it, and whether chain and old receipt do."""
    if kind == REPLACED:
        copy.write_bytes(rng.choice(base.others))
    else:
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw:
            raw.deserialize(base.naked)
            KINDS[kind](raw, rng)
            for text in base.triggers:
                raw.execute(text)
            LATER.get(kind, lambda *_: None)(raw, rng)
            copy.write_bytes(raw.serialize())
            if dump(raw) == base.before:
                return kind, "changed nothing", None, True, True
    found = ours(copy, proofs)
    same = theirs(verify, copy, proofs)
    last, old = (one.seq for one in proofs)
    alone = [one for one in found if one[1] != "receipt"]
    stale = [one for one in found if one != (last, "receipt")]
    kinds = {one for _, one in found}
    fault = "not seen" if not found else "" if found == same else f"ours {found}, the docs' verifier {same}"
    return kind, fault, next(iter(kinds)) if len(kinds) == 1 else None, bool(alone), bool(stale)


def kind(name: str) -> Callable[[Mutation], Mutation]:
    def known(mutation: Mutation) -> Mutation:
        KINDS[name] = mutation
        return mutation

    return known


# What a forger chooses


def _record(rng: random.Random) -> int:
    """Return the number of an entry that is a record."""
    return rng.randrange(2, ENTRIES)


def _other(rng: random.Random, old):
    """Return a value of the same type that is not the old one."""
    if isinstance(old, int):
        return old + rng.choice((-1, 1, 1000))
    if isinstance(old, bytes):
        at = rng.randrange(len(old))
        return old[:at] + bytes([old[at] ^ rng.randrange(1, 256)]) + old[at + 1 :]
    return rng.choice((f"x{rng.random()}", f"{old or ''} ", (old or "")[:-1] + "甲"))


def _change(raw: Raw, rng: random.Random, table: str, column: str, key: str, number: int) -> None:
    (old,) = raw.execute(f'SELECT "{column}" FROM {table} WHERE {key} = ? LIMIT 1', (number,)).fetchone()
    of = next(one for one in (tables.entry, *tables.TYPED) if one.name == table).columns[column]
    new = rng.randrange(1, 9) if old is None and of.type.python_type is int else _other(rng, old)
    raw.execute(f'UPDATE OR REPLACE {table} SET "{column}" = ? WHERE {key} = ?', (new, number))


def _entry_of(raw: Raw, rng: random.Random, table: str) -> int:
    """Return the number of an entry that has rows in a typed table."""
    return rng.choice(raw.execute(f"SELECT entry FROM {table}").fetchall())[0]


def _without(raw: Raw, where: str, *values: int) -> None:
    """Remove entries with their typed rows."""
    for table in TYPED:
        raw.execute(f"DELETE FROM {table} WHERE {where.replace('seq', 'entry')}", values)
    raw.execute(f"DELETE FROM entry WHERE {where}", values)


def _renumber(raw: Raw, first: int, by: int) -> None:
    """Move entries and their typed rows up or down."""
    for table, key in (("entry", "seq"), *((one, "entry") for one in TYPED)):
        # By way of numbers that nobody has.
        raw.execute(f"UPDATE {table} SET {key} = {key} + 100000 WHERE {key} >= ?", (first,))
        raw.execute(f"UPDATE {table} SET {key} = {key} - 100000 + ? WHERE {key} >= 100000", (by,))


def _edited(raw: Raw, rng: random.Random, seq: int) -> None:
    """Say another thing in an entry, and in its typed row, as if it had been recorded so."""
    name = "checks" if raw.execute("SELECT 1 FROM checks WHERE entry = ?", (seq,)).fetchone() else "verifications"
    field, new = ("place", f"{rng.random()}栋") if name == "checks" else ("note", f"{rng.random()}")
    (body,) = raw.execute("SELECT body FROM entry WHERE seq = ?", (seq,)).fetchone()
    said = json.loads(body)
    said["record"][field] = new
    raw.execute("UPDATE entry SET body = ? WHERE seq = ?", (json_text(said), seq))
    raw.execute(f"UPDATE {name} SET {field} = ? WHERE entry = ?", (new, seq))


def _forged(raw: Raw, rng: random.Random, seq: int) -> None:
    """Write an entry of a check that nobody made, with its typed row."""
    row = list(raw.execute(f"SELECT {tables.ENTRY_COLUMNS} FROM entry WHERE kind = 'check' LIMIT 1").fetchone())
    said = json.loads(row[13])
    said["record"] = {name: said["record"][name] for name in ("id", "project", "point", "role", "kind", "checked_at")}
    said["record"]["id"] = f"forged-{rng.random()}"
    content = Content(*row[3:5], f"check:{said['record']['id']}", *row[6:13], json_text(said))
    (before,) = raw.execute("SELECT hash FROM entry WHERE seq = ?", (seq - 1,)).fetchone()
    raw.execute(tables.INSERT_ENTRY, (seq, before, entry_hash(seq, before, content), *content))
    rows = tables.typed_rows("check", content.observed_at, said["record"], said["judged"])
    raw.execute(tables.INSERT["checks"], (seq, *rows[0][1]))


# Entries


COLUMNS = tuple(one.name for one in tables.entry.columns)
for _names in (("seq",), ("prev",), ("hash",), ("body",), tuple({*COLUMNS} - {"seq", "prev", "hash", "body"})):

    @kind(f"entry: {_names[0] if len(_names) == 1 else 'another column'} changed")
    def _(raw: Raw, rng: random.Random, names: tuple[str, ...] = tuple(sorted(_names))) -> None:
        _change(raw, rng, "entry", rng.choice(names), "seq", rng.randrange(ENTRIES))


@kind("entry.body says another thing")
def _(raw: Raw, rng: random.Random) -> None:
    _edited(raw, rng, _record(rng))


@kind("entry.body laid out anew")
def _(raw: Raw, rng: random.Random) -> None:
    seq = _record(rng)
    (body,) = raw.execute("SELECT body FROM entry WHERE seq = ?", (seq,)).fetchone()
    raw.execute("UPDATE entry SET body = ? WHERE seq = ?", (json.dumps(json.loads(body)).encode(), seq))


@kind("one entry edited and hashed anew")
def _(raw: Raw, rng: random.Random) -> None:
    seq = _record(rng)
    _edited(raw, rng, seq)
    row = raw.execute(f"SELECT {tables.ENTRY_COLUMNS} FROM entry WHERE seq = ?", (seq,)).fetchone()
    raw.execute("UPDATE entry SET hash = ? WHERE seq = ?", (entry_hash(seq, row[1], Content(*row[3:])), seq))


@kind("edited, and all after it chained anew")
def _(raw: Raw, rng: random.Random) -> None:
    seq = _record(rng)
    _edited(raw, rng, seq)
    rechain(raw, seq)


@kind("actor changed, and all after it chained anew")
def _(raw: Raw, rng: random.Random) -> None:
    seq = _record(rng)
    _change(raw, rng, "entry", rng.choice(("actor_id", "actor_auth", "recorded_at")), "seq", seq)
    rechain(raw, seq)


@kind("cut off at the end")
def _(raw: Raw, rng: random.Random) -> None:
    _without(raw, "seq >= ?", ENTRIES - rng.randrange(1, 2 * AGE))


@kind("cut off at the end, rows left behind")
def _(raw: Raw, rng: random.Random) -> None:
    raw.execute("DELETE FROM entry WHERE seq >= ?", (ENTRIES - rng.randrange(1, 2 * AGE),))


@kind("cut off, and others written in their place")
def _(raw: Raw, rng: random.Random) -> None:
    first = ENTRIES - rng.randrange(1, 2 * AGE)
    _without(raw, "seq >= ?", first)
    for seq in range(first, ENTRIES):
        _forged(raw, rng, seq)


@kind("removed from the middle")
def _(raw: Raw, rng: random.Random) -> None:
    _without(raw, "seq = ?", rng.randrange(ENTRIES - 1))


@kind("removed from the middle, numbered and chained anew")
def _(raw: Raw, rng: random.Random) -> None:
    seq = rng.randrange(2, ENTRIES - 1)
    _without(raw, "seq = ?", seq)
    _renumber(raw, seq + 1, -1)
    rechain(raw, seq)


@kind("two exchanged")
def _(raw: Raw, rng: random.Random) -> None:
    _exchange(raw, rng)


@kind("two exchanged and chained anew")
def _(raw: Raw, rng: random.Random) -> None:
    rechain(raw, _exchange(raw, rng))


def _exchange(raw: Raw, rng: random.Random) -> int:
    one, other = sorted(rng.sample(range(2, ENTRIES), 2))
    for table, key in (("entry", "seq"), *((name, "entry") for name in TYPED)):
        for old, new in ((one, 99_999), (other, one), (99_999, other)):
            raw.execute(f"UPDATE {table} SET {key} = ? WHERE {key} = ?", (new, old))
    return one


@kind("forged and inserted, numbered and chained anew")
def _(raw: Raw, rng: random.Random) -> None:
    seq = _record(rng)
    _renumber(raw, seq, 1)
    _forged(raw, rng, seq)
    rechain(raw, seq)


@kind("forged and appended with another hash")
def _(raw: Raw, rng: random.Random) -> None:
    _forged(raw, rng, ENTRIES)
    raw.execute("UPDATE entry SET hash = ? WHERE seq = ?", (f"{rng.getrandbits(256):064x}", ENTRIES))


@kind("forged and appended without its row")
def _(raw: Raw, rng: random.Random) -> None:
    _forged(raw, rng, ENTRIES)
    raw.execute("DELETE FROM checks WHERE entry = ?", (ENTRIES,))


@kind("replaced by INSERT OR REPLACE")
def _(raw: Raw, rng: random.Random) -> None:
    seq = _record(rng)
    row = list(raw.execute(f"SELECT {tables.ENTRY_COLUMNS} FROM entry WHERE seq = ?", (seq,)).fetchone())
    at = rng.choice((4, 6, 8, 9, 10))
    row[at] = _other(rng, row[at])
    raw.execute(tables.INSERT_ENTRY.replace("INSERT", "INSERT OR REPLACE"), row)


@kind("genesis changed and all chained anew")
def _(raw: Raw, rng: random.Random) -> None:
    (body,) = raw.execute("SELECT body FROM entry WHERE seq = 0").fetchone()
    said = json.loads(body)
    said["record"][rng.choice(("created", "ledger"))] = f"x{rng.random()}"
    raw.execute("UPDATE entry SET body = ? WHERE seq = 0", (json_text(said),))
    rechain(raw, 0)


@kind("the edition changed and all chained anew")
def _(raw: Raw, rng: random.Random) -> None:
    (body,) = raw.execute("SELECT body FROM entry WHERE seq = 1").fetchone()
    said = json.loads(body)
    said["record"]["text"] += f"# {rng.random()}\n"
    raw.execute("UPDATE entry SET body = ? WHERE seq = 1", (json_text(said),))
    rechain(raw, 1)


@kind("emptied")
def _(raw: Raw, rng: random.Random) -> None:
    _without(raw, "seq >= ?", rng.choice((0, 0, 1, 2)))


REPLACED = "all replaced by another ledger"
KINDS[REPLACED] = lambda *_: None


# Typed rows


def _columns(table: str) -> list:
    return list(next(one for one in tables.TYPED if one.name == table).columns)


@kind("typed rows: a cell changed")
def _(raw: Raw, rng: random.Random) -> None:
    table = rng.choice(FILLED)
    column = rng.choice([one.name for one in _columns(table) if one.name not in ("entry", "no")])
    _change(raw, rng, table, column, "entry", _entry_of(raw, rng, table))


@kind("typed rows: a cell emptied (NULL)")
def _(raw: Raw, rng: random.Random) -> None:
    table = rng.choice(FILLED)
    entry = _entry_of(raw, rng, table)
    row = raw.execute(f"SELECT * FROM {table} WHERE entry = ?", (entry,)).fetchone()
    may = [
        one.name for one, value in zip(_columns(table), row, strict=True) if one.nullable and value not in (None, "")
    ]
    raw.execute(f'UPDATE {table} SET "{rng.choice(may)}" = NULL WHERE entry = ?', (entry,))


@kind("typed rows: some removed")
def _(raw: Raw, rng: random.Random) -> None:
    table = rng.choice(FILLED)
    entry = _entry_of(raw, rng, table)
    raw.execute(f"DELETE FROM {table} WHERE entry {rng.choice('=<>')} ? OR entry = ?", (entry, entry))


@kind("typed rows: one added")
def _(raw: Raw, rng: random.Random) -> None:
    table = rng.choice(FILLED)
    row = list(rng.choice(raw.execute(f"SELECT * FROM {table}").fetchall()))
    row[0] = rng.choice((0, 1, ENTRIES, ENTRIES + 5, -1))
    raw.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


@kind("typed rows: one moved to another entry")
def _(raw: Raw, rng: random.Random) -> None:
    table = rng.choice(FILLED)
    to = rng.choice((0, ENTRIES + 7))
    raw.execute(f"UPDATE {table} SET entry = ? WHERE entry = ?", (to, _entry_of(raw, rng, table)))


# The file


@kind("a number that says whose file it is")
def _(raw: Raw, rng: random.Random) -> None:
    raw.execute(f"PRAGMA application_id = {rng.choice((0, 1, 0x71706930))}")


@kind("a version of the tables")
def _(raw: Raw, rng: random.Random) -> None:
    (version,) = raw.execute("PRAGMA user_version").fetchone()
    raw.execute(f"PRAGMA user_version = {rng.choice((0, -1, version - 1, version + 1, 99))}")


@kind("a table, view or index added")
def _(raw: Raw, rng: random.Random) -> None:
    column = rng.choice([one.name for one in tables.entry.columns])
    raw.execute(
        rng.choice(
            (
                f"CREATE TABLE x{rng.randrange(99)} (x)",
                "CREATE VIEW x AS SELECT * FROM checks WHERE place <> 'x'",
                f'CREATE INDEX x ON entry ("{column}")',
            )
        )
    )


@kind("a column added")
def _(raw: Raw, rng: random.Random) -> None:
    raw.execute(f"ALTER TABLE {rng.choice(FILLED)} ADD COLUMN x TEXT")


@kind("an index dropped")
def _(raw: Raw, rng: random.Random) -> None:
    raw.execute(f"DROP INDEX {rng.choice(('checks_day', 'findings_id', 'verifications_finding'))}")


def _retyped(raw: Raw, rng: random.Random, text: str, change: Callable[[str], None]) -> None:
    """Do to a table what it refuses, and leave its text as it was: a forger writes the schema, as a flipped byte does."""
    (whole,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'entry'").fetchone()
    raw.execute("PRAGMA writable_schema = on")
    raw.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'entry'", (whole.replace(text, ""),))
    # Read anew, else the old schema holds.
    again = sqlite3.connect(":memory:", isolation_level=None)
    again.deserialize(raw.serialize())
    with closing(again):
        change(again)
        again.execute("PRAGMA writable_schema = on")
        again.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'entry'", (whole,))
        raw.deserialize(again.serialize())


@kind("entry: a field of another type with the same bytes")
def _(raw: Raw, rng: random.Random) -> None:
    column = rng.choice(("idem", "actor_id", "actor_auth", "recorded_at", "body", "kind"))
    to = "TEXT" if column == "body" else "BLOB"
    change = f"UPDATE entry SET {column} = CAST({column} AS {to}) WHERE seq = {rng.randrange(ENTRIES)}"
    _retyped(raw, rng, " STRICT", lambda again: again.execute(change))


@kind("entry: NULL where nothing may be missing")
def _(raw: Raw, rng: random.Random) -> None:
    column = rng.choice(("prev", "hash", "schema", "kind", "idem", "actor_id", "actor_auth", "recorded_at", "body"))
    change = f"UPDATE entry SET {column} = NULL WHERE seq = {rng.randrange(ENTRIES)}"
    _retyped(raw, rng, " NOT NULL", lambda again: again.execute(change))


LATER: dict[str, Mutation] = {}
"""What is done when the triggers are there again."""


def later(name: str) -> Callable[[Mutation], Mutation]:
    def known(mutation: Mutation) -> Mutation:
        KINDS[name] = lambda *_: None
        LATER[name] = mutation
        return mutation

    return known


@later("a trigger dropped")
def _(raw: Raw, rng: random.Random) -> None:
    raw.execute(f'DROP TRIGGER "{_trigger(raw, rng)[0]}"')


@later("a trigger made harmless")
def _(raw: Raw, rng: random.Random) -> None:
    name, text = _trigger(raw, rng)
    raw.execute(f'DROP TRIGGER "{name}"')
    raw.execute(text[: text.index("BEGIN")] + "BEGIN SELECT 1; END")


@later("a trigger added")
def _(raw: Raw, rng: random.Random) -> None:
    raw.execute(f"CREATE TRIGGER x AFTER INSERT ON {rng.choice(('entry', *FILLED))} BEGIN SELECT 1; END")


def _trigger(raw: Raw, rng: random.Random) -> tuple[str, str]:
    return rng.choice(raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall())
