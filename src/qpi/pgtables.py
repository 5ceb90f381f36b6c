"""Tables of a ledger in PostgreSQL: the statements that make them, their guards, who may do what, and their digest."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from qpi import tables

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
TABLES = (tables.entry, *tables.TYPED)
VIEWS = tuple(f"effective_{name}" for name in tables.EFFECTIVE)
MARK = f"qpi ledger, schema {tables.LAYOUT}"
"""The comment of the table of entries; it says whose the table is, and of which layout."""

# Names are looked up in pg_catalog alone, and our tables by the trigger's own schema: whoever inserts chooses his
# search path, and might put a table of his own before ours. Guards look at statements, not rows: they fire where no
# row matches too, and leave COPY its speed.
_KEPT = """
CREATE FUNCTION ledger_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE =
    TG_ARGV[0] || ' is never ' || CASE TG_OP WHEN 'UPDATE' THEN 'changed' ELSE 'deleted' END;
END $$
"""
_CHAINED = """
CREATE FUNCTION ledger_chained() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  low bigint; high bigint; number bigint; newest bigint; start text;
BEGIN
  SELECT min(seq), max(seq), count(*) INTO low, high, number FROM added;
  IF number = 0 THEN
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT max(seq) FROM %I.entry', TG_TABLE_SCHEMA) INTO newest;
  IF low = 0 THEN
    start := repeat('0', 64);
  ELSE
    EXECUTE format('SELECT hash FROM %I.entry WHERE seq = $1', TG_TABLE_SCHEMA) INTO start USING low - 1;
  END IF;
  IF start IS NULL OR newest <> high OR high - low + 1 <> number OR EXISTS (
    SELECT 1 FROM (SELECT prev, lag(hash, 1, start) OVER (ORDER BY seq) AS due FROM added) AS one WHERE prev <> due
  ) THEN
    RAISE EXCEPTION 'an entry follows the one before it';
  END IF;
  RETURN NULL;
END $$
"""
# A foreign key would look at each row by itself and write a lock into each entry: a third of the time of an import.
_TIED = """
CREATE FUNCTION ledger_tied() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  loose bigint;
BEGIN
  EXECUTE format(
    'SELECT min(entry) FROM added WHERE NOT EXISTS (SELECT 1 FROM %I.entry WHERE seq = added.entry)', TG_TABLE_SCHEMA
  ) INTO loose;
  IF loose IS NOT NULL THEN
    RAISE EXCEPTION 'a record has its entry';
  END IF;
  RETURN NULL;
END $$
"""


def _create(table: sa.Table) -> Iterator[str]:
    yield str(CreateTable(table, include_foreign_key_constraints=[]).compile(dialect=_DIALECT))
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        yield str(CreateIndex(index).compile(dialect=_DIALECT))
    what = "an entry" if table is tables.entry else "a record"
    for deed in ("update", "delete", "truncate"):
        yield (
            f"CREATE TRIGGER {table.name}_no_{deed} BEFORE {deed.upper()} ON {table.name} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION ledger_kept('{what}')"
        )
    name, function = ("chain", "chained") if table is tables.entry else ("tie", "tied")
    yield (
        f"CREATE TRIGGER {table.name}_{name} AFTER INSERT ON {table.name} REFERENCING NEW TABLE AS added "
        f"FOR EACH STATEMENT EXECUTE FUNCTION ledger_{function}()"
    )


def typed_statements() -> Iterator[str]:
    """Yield the statements that make the typed tables with their indexes, triggers and views."""
    for table in tables.TYPED:
        yield from _create(table)
    yield from tables.views()


def statements() -> Iterator[str]:
    """Yield the statements that make a new ledger."""
    yield _KEPT.strip()
    yield _CHAINED.strip()
    yield _TIED.strip()
    yield from _create(tables.entry)
    yield f"COMMENT ON TABLE entry IS '{MARK}'"
    yield from typed_statements()


def grants(writer: str, schema: str) -> Iterator[str]:
    """Yield the statements that let a role read and append, and nothing else."""
    role = quoted(writer)
    yield f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {role}"
    yield f"GRANT SELECT, INSERT ON {', '.join(table.name for table in TABLES)} TO {role}"
    yield f"GRANT SELECT ON {', '.join(VIEWS)} TO {role}"


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever signs are in it."""
    return '"' + name.replace('"', '""') + '"'


# What the catalog says of our tables and all that hangs on them. The fields of the catalog, not the text that
# PostgreSQL makes of them: that differs from one version to the next, and a dump and restore may number anew.
# Other tables of the same schema are none of our business; what hangs on ours (rules, triggers, heirs, policies) is.
_OWN = "(SELECT oid, relname FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relname = ANY($2))"
_NAMES = "SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest({0}) WITH ORDINALITY k(no, n) JOIN pg_attribute a ON a.attrelid = {1} AND a.attnum = k.no"
_FUNCTION = (
    "CASE WHEN p.pronamespace = to_regnamespace($1) THEN '@' ELSE p.pronamespace::regnamespace::text END, p.proname, "
    "CASE WHEN t.tgisinternal THEN '' ELSE p.prosrc END, l.lanname, p.prosecdef, p.proconfig::text, p.proisstrict"
)
FACTS: Mapping[str, str] = {
    "relation": f"""
        SELECT c.relname, c.relkind::text, c.relpersistence::text, c.relrowsecurity, c.relforcerowsecurity,
               c.relispartition, CASE WHEN c.relkind = 'v' THEN c.reloptions::text END,
               (SELECT count(*) FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid)),
               (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)
        FROM pg_class c JOIN {_OWN} o ON o.oid = c.oid""",
    "column": f"""
        SELECT o.relname, a.attnum::int, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname,
               a.atthasdef, a.attidentity::text, a.attgenerated::text
        FROM pg_attribute a JOIN {_OWN} o ON o.oid = a.attrelid LEFT JOIN pg_collation l ON l.oid = a.attcollation
        WHERE a.attnum > 0 AND NOT a.attisdropped""",
    "constraint": f"""
        SELECT o.relname, c.conname, c.contype::text, c.convalidated, c.condeferrable, c.condeferred,
               coalesce(to_jsonb(c) ->> 'conenforced', 'true'), ({_NAMES.format("c.conkey", "c.conrelid")}),
               c.confrelid::regclass::text, ({_NAMES.format("c.confkey", "c.confrelid")}),
               c.confupdtype::text, c.confdeltype::text, c.confmatchtype::text,
               CASE WHEN c.contype NOT IN ('p', 'u', 'f') THEN pg_get_constraintdef(c.oid) END
        FROM pg_constraint c JOIN {_OWN} o ON o.oid = c.conrelid WHERE c.contype <> 'n'""",
    "index": f"""
        SELECT o.relname, x.relname, m.amname, i.indisunique, i.indisprimary, i.indisexclusion, i.indimmediate,
               i.indisvalid, i.indisready, coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false'),
               ({_NAMES.format("i.indkey::int2[]", "i.indrelid")}), i.indoption::text, i.indpred IS NULL,
               i.indexprs IS NULL,
               (SELECT string_agg(coalesce(l.collname, ''), ',' ORDER BY k.n)
                FROM unnest(i.indcollation) WITH ORDINALITY k(no, n) LEFT JOIN pg_collation l ON l.oid = k.no),
               (SELECT string_agg(l.opcname, ',' ORDER BY k.n)
                FROM unnest(i.indclass) WITH ORDINALITY k(no, n) JOIN pg_opclass l ON l.oid = k.no)
        FROM pg_index i JOIN {_OWN} o ON o.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
        JOIN pg_am m ON m.oid = x.relam""",
    "trigger": f"""
        SELECT o.relname, CASE WHEN t.tgisinternal THEN c.conname ELSE t.tgname END, t.tgtype::int, t.tgenabled::text,
               t.tgdeferrable, t.tginitdeferred, encode(t.tgargs, 'hex'), t.tgattr::text, t.tgqual IS NULL,
               t.tgoldtable, t.tgnewtable, {_FUNCTION}
        FROM pg_trigger t JOIN {_OWN} o ON o.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
        JOIN pg_language l ON l.oid = p.prolang LEFT JOIN pg_constraint c ON c.oid = t.tgconstraint""",
    "rule": f"""
        SELECT o.relname, r.rulename, r.ev_type::text, r.ev_enabled::text, r.is_instead,
               CASE WHEN r.rulename = '_RETURN' THEN pg_get_viewdef(r.ev_class) ELSE pg_get_ruledef(r.oid) END,
               (SELECT string_agg(DISTINCT (concat_ws('.', d.refclassid::regclass::text,
                         CASE WHEN c.relnamespace = to_regnamespace($1) THEN '@' ELSE c.relnamespace::regnamespace::text END,
                         c.relname, a.attname) COLLATE "C"), ' ')
                FROM pg_depend d LEFT JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid
                LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
                WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid)
        FROM pg_rewrite r JOIN {_OWN} o ON o.oid = r.ev_class""",
}  # fmt: skip
"""Statements that read them; $1 is the schema, quoted, $2 the names of our tables and views."""
NAMES = [*(table.name for table in TABLES), *VIEWS]
DIGEST = "7123a9fffe5e6d86ddf21687a5e7461a5f24822002ff8a9d41af959230af1ba3"
"""What `digest` gives for a new ledger of this release, on every version of PostgreSQL from 13 on."""
_PREFIX = re.compile(r'(?:"(?:[^"]|"")*"|\w+)\.|[\s"]+')


def digest(facts: Mapping[str, Iterable[Sequence[Any]]]) -> str:
    """Return the digest of the rows of `FACTS`, by their kinds."""
    lines = sorted(orjson.dumps([kind, *map(_plain, row)]) for kind, rows in facts.items() for row in rows)
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def _plain(value: Any) -> Any:
    # From version 16 on, a view's text says `entry` where it said `checks.entry`; which tables and columns are meant
    # stands among the view's dependencies.
    if isinstance(value, str) and value.lstrip().startswith("SELECT"):
        return _PREFIX.sub("", value)
    return value


__all__ = [
    "DIGEST",
    "FACTS",
    "MARK",
    "NAMES",
    "TABLES",
    "VIEWS",
    "digest",
    "grants",
    "quoted",
    "statements",
    "typed_statements",
]
