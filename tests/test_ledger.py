"""What keeps entries: settings, guards with their absence, the chain, the typed tables, and a sudden end."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from inputs import CHECK, NOW, VERIFICATION, digest, json_lines, new_ledger, recorder_of, state, typed
from qpi import chain, places, receipts, sqlitefile, tables
from qpi.audit import audit
from qpi.entries import Actor
from qpi.errors import LedgerError, ProofError, UsageError
from qpi.ledger import Item, content, journal_of, open_ledger, open_unexamined, place_of
from qpi.tables import own_schema_digest


@pytest.fixture
def file(tmp_path):
    """A ledger of three checks, one with a verified finding: entries 0 genesis, 1 edition, 2 to 4 checks, 5 verification."""
    with new_ledger(tmp_path) as ledger:
        checks = [CHECK, {**CHECK, "id": "c-2"}, {**CHECK, "id": "c-3", "findings": []}]
        recorder_of(ledger).record([*checks, VERIFICATION])
    return tmp_path / "qpi.db"


def outside(file):
    """Another program's connection, with SQLite's own defaults."""
    return closing(sqlite3.connect(file, isolation_level=None))


def test_a_new_ledger_begins_with_its_genesis_and_is_nowhere_before_the_first_record(store):
    with new_ledger(store) as ledger:
        assert (ledger.position().ledger, ledger.position().seq) == ("test", 0)
        assert state(store) is None
        genesis = ledger.position().head
        recorder_of(ledger).check(CHECK)
        assert ledger.position_at(0).head == genesis
        assert [link.kind for link in ledger.links()] == ["genesis", "edition", "check"]


def test_the_settings_hold_on_the_connection(file):
    with closing(sqlitefile.connect(file)) as raw:
        found = {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in sqlitefile.SETTINGS}
    assert found == {
        "journal_mode": "delete",
        "synchronous": 3,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "trusted_schema": 0,
    }


def test_a_ledger_in_another_journal_mode_is_set_back(file):
    with outside(file) as raw:
        assert raw.execute("PRAGMA journal_mode = wal").fetchone() == ("wal",)
    with open_ledger(file) as ledger:
        assert ledger.verify() == []
    with outside(file) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_transaction_takes_the_right_to_write_at_its_begin(file):
    with open_ledger(file) as ledger, ledger.writing(), outside(file) as raw:
        raw.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            raw.execute("BEGIN IMMEDIATE")


def test_every_table_is_strict_and_has_the_columns_of_the_design(file):
    with outside(file) as raw:
        strict = dict(
            raw.execute(
                "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        )
        columns = [row[1] for row in raw.execute("PRAGMA table_info(entry)")]
        with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT"):
            raw.execute("INSERT INTO checks SELECT 99, id, project, point, role, inspector, kind, checked_at, day, place, method, result, reason, sample, 'abc', "
                        "population, evidence, evidence_count, readings, readings_out, elements, visit, started, ended, companions, position, weather, "
                        "strengths, theme, rechecks, plan, edition FROM checks LIMIT 1")  # fmt: skip
    assert strict == dict.fromkeys(("entry", *(table.name for table in tables.TYPED)), 1)
    assert columns == ["seq", "prev", "hash", "schema", "kind", "idem", "actor_id", "actor_role", "actor_auth", "observed_at", "recorded_at",
                       "supersedes", "reason", "body"]  # fmt: skip


# Guards, each with its absence

ENTRY = "seq, prev, hash, schema, kind, idem, actor_id, actor_role, actor_auth, observed_at, recorded_at, supersedes, reason, body"
FINDING_COLUMNS = ", ".join(f'"{column.name}"' for column in tables.findings.columns)
LATER = ENTRY.replace("seq, prev", "seq + 9, prev").replace("hash,", "'h',").replace("idem", "'i'")
ATTACKS = {
    "update": ("entry_no_update", "UPDATE entry SET body = x'' WHERE seq = 2"),
    "update or replace": ("entry_no_update", "UPDATE OR REPLACE entry SET actor_id = 'x' WHERE seq = 2"),
    "delete": ("entry_no_delete", "PRAGMA foreign_keys = off; DELETE FROM entry WHERE seq = 5"),
    "delete all": ("entry_no_delete", "PRAGMA foreign_keys = off; DELETE FROM entry"),
    "replace by seq": ("entry_no_replace entry_chain", f"INSERT OR REPLACE INTO entry SELECT {ENTRY.replace('body', chr(120) + chr(39) * 2)} FROM entry WHERE seq = 5"),
    "replace by key": ("entry_no_replace entry_chain", f"INSERT OR REPLACE INTO entry SELECT {LATER.replace(chr(39) + 'i' + chr(39), 'idem')} FROM entry WHERE seq = 5"),
    "replace by hash": ("entry_no_replace entry_chain", f"INSERT OR REPLACE INTO entry SELECT {LATER.replace(chr(39) + 'h' + chr(39), 'hash')} FROM entry WHERE seq = 5"),
    "upsert": ("entry_no_replace entry_chain entry_no_update", f"INSERT INTO entry SELECT {ENTRY} FROM entry WHERE seq = 5 ON CONFLICT (seq) DO UPDATE SET body = x''"),
    "gap": ("entry_chain", f"INSERT INTO entry SELECT {LATER} FROM entry WHERE seq = 5"),
    "wrong prev": ("entry_chain", f"INSERT INTO entry SELECT {LATER.replace('seq + 9', 'seq + 1')} FROM entry WHERE seq = 5"),
    "update a check": ("checks_no_update", "UPDATE checks SET place = 'x'"),
    "delete a check": ("checks_no_delete", "DELETE FROM checks WHERE id = 'c-2'"),
    "replace a check": ("checks_no_replace", "INSERT OR REPLACE INTO checks SELECT * FROM checks WHERE id = 'c-2'"),
    "update a finding": ("findings_no_update", "UPDATE findings SET deduct_hundredths = 0"),
    "delete a finding": ("findings_no_delete", "DELETE FROM findings"),
    "replace a finding": ("findings_no_replace", "INSERT OR REPLACE INTO findings SELECT * FROM findings"),
    "update a verification": ("verifications_no_update", "UPDATE verifications SET outcome = 'open'"),
    "delete a verification": ("verifications_no_delete", "DELETE FROM verifications"),
    "replace a verification": ("verifications_no_replace", "INSERT OR REPLACE INTO verifications SELECT * FROM verifications"),
}  # fmt: skip


def attack(raw, script):
    for statement in script.split("; "):
        raw.execute(statement)


@pytest.mark.parametrize(("triggers", "script"), ATTACKS.values(), ids=ATTACKS.keys())
def test_a_guard_refuses_what_goes_through_without_it(file, triggers, script):
    before = digest(file)
    with outside(file) as raw, pytest.raises(sqlite3.IntegrityError, match=r"never|follows"):
        attack(raw, script)
    assert digest(file) == before
    with outside(file) as raw:
        for trigger in triggers.split():
            raw.execute(f"DROP TRIGGER {trigger}")
        attack(raw, script)


def test_a_finding_cannot_be_replaced_by_a_hidden_rowid(file):
    other = FINDING_COLUMNS.replace('"no"', "99")
    attempt = f"INSERT OR REPLACE INTO findings (rowid, {FINDING_COLUMNS}) SELECT 1, {other} FROM findings LIMIT 1"
    with outside(file) as raw, pytest.raises(sqlite3.OperationalError, match="no column named rowid"):
        raw.execute(attempt)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as raw, open_ledger(file) as ledger:
        for statement in tables.statements():
            raw.execute(statement.replace("WITHOUT ROWID, ", "").replace("WITHOUT ROWID", ""))
        raw.executemany(tables.INSERT["findings"], ledger.rows("SELECT * FROM findings"))
        raw.execute(attempt)
        # The guard looked at the keys, and a finding is gone.
        assert raw.execute("SELECT count(*) FROM findings WHERE no = 1").fetchone() == (1,)


@pytest.mark.parametrize("statement", [
    "UPDATE entry SET body = x''", "DELETE FROM entry", "DROP TABLE checks", "DROP TRIGGER entry_no_update", "ALTER TABLE checks ADD x", "CREATE TABLE x (y)",
    "CREATE TEMP TABLE entry (seq)", "CREATE TEMP VIEW checks AS SELECT 1", "CREATE INDEX x ON checks (id)", "PRAGMA writable_schema = on",
    "PRAGMA recursive_triggers = off", "ATTACH ':memory:' AS other", "INSERT INTO checks SELECT * FROM checks", "CREATE VIRTUAL TABLE x USING fts5(y)", "VACUUM", "REINDEX", "ANALYZE",
])  # fmt: skip
def test_this_process_refuses_every_statement_that_writes_past_the_recorder(file, statement):
    before = digest(file)
    with open_ledger(file) as ledger:
        with pytest.raises(LedgerError):
            ledger.rows(statement)
        with ledger.writing(), pytest.raises(LedgerError):
            ledger.rows(statement.replace("INSERT INTO", "REPLACE INTO"))
    assert digest(file) == before


def test_a_changed_schema_is_found_at_the_next_opening(file):
    with outside(file) as raw:
        raw.execute("DROP TRIGGER entry_no_update")
    with pytest.raises(ProofError, match="tables or triggers were changed from outside"):
        open_ledger(file)


def test_statistics_of_another_tool_are_no_change_of_the_schema(file):
    with outside(file) as raw:
        raw.execute("ANALYZE")
    with open_ledger(file) as ledger:
        assert ledger.verify() == []


# The chain

GUARDS = [
    "entry_no_update",
    "entry_no_delete",
    "entry_no_replace",
    "entry_chain",
    *(f"{t}_no_{k}" for t in (table.name for table in tables.TYPED) for k in ("update", "delete", "replace")),
]


def tamper(file, script):
    """Change the file from outside: the triggers dropped, and made again as they were."""
    with outside(file) as raw:
        texts = [row[0] for row in raw.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
        for name in GUARDS:
            raw.execute(f"DROP TRIGGER {name}")
        attack(raw, script)
        for text in texts:
            raw.execute(text)


@pytest.mark.parametrize(
    ("script", "faults"),
    [
        ("UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), '3栋', '4栋') AS BLOB) WHERE seq = 3", [(3, "is not what its hash says"), (3, "has other rows in checks; rebuild the typed tables")]),
        ("UPDATE entry SET actor_id = 'x' WHERE seq = 3", [(3, "is not what its hash says")]),
        ("UPDATE entry SET recorded_at = 'x' WHERE seq = 5", [(5, "is not what its hash says")]),
        ("UPDATE entry SET reason = '' WHERE seq = 5", [(5, "is not what its hash says")]),
        ("UPDATE entry SET hash = 'x' WHERE seq = 4", [(4, "is not what its hash says"), (5, "does not name the entry before it")]),
        ("DELETE FROM citations WHERE entry = 4; DELETE FROM checks WHERE entry = 4; DELETE FROM entry WHERE seq = 4", [(5, "follows entry 3, so an entry is missing or moved"), (5, "does not name the entry before it")]),
        ("UPDATE checks SET place = '4栋' WHERE entry = 3", [(3, "has other rows in checks; rebuild the typed tables")]),
        ("DELETE FROM findings WHERE entry = 3", [(3, "has other rows in findings; rebuild the typed tables")]),
        ("UPDATE verifications SET outcome = 'open'", [(5, "has other rows in verifications; rebuild the typed tables")]),
        ("UPDATE findings SET entry = 77 WHERE entry = 3", [(3, "has other rows in findings; rebuild the typed tables"), (77, "is no entry, and has rows in findings; rebuild the typed tables")]),
    ],
)  # fmt: skip
def test_what_was_altered_from_outside_is_found(file, script, faults):
    tamper(file, script)
    with open_ledger(file) as ledger:
        assert ledger.verify() == faults


def test_an_emptied_ledger_does_not_prove_itself(file):
    tamper(
        file,
        "DELETE FROM citations; DELETE FROM verifications; DELETE FROM findings; DELETE FROM checks; DELETE FROM entry",
    )
    with open_ledger(file) as ledger:
        assert ledger.verify() == [(0, "is missing; the ledger was emptied")]
        with pytest.raises(ProofError, match="no first entry"):
            ledger.position()


def test_equal_records_in_equal_order_have_equal_heads(tmp_path):
    heads = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with new_ledger(tmp_path / name) as ledger:
            recorder_of(ledger).record([CHECK, VERIFICATION])
            heads.add(ledger.position().head)
    assert len(heads) == 1


# The typed tables


def test_a_rebuild_gives_the_same_rows(file):
    with open_ledger(file) as ledger:
        before, position = typed(ledger), ledger.position()
        assert ledger.rebuild() == 6
        assert (typed(ledger), ledger.position()) == (before, position)
        assert recorder_of(ledger).check({**CHECK, "id": "after"}).recorded == 1
    with open_ledger(file) as ledger:
        assert ledger.verify() == []


def test_a_rebuild_mends_typed_rows_that_were_altered(file):
    with open_ledger(file) as ledger:
        before = typed(ledger)
    tamper(file, "UPDATE findings SET deduct_hundredths = 0")
    with open_ledger(file) as ledger:
        assert typed(ledger) != before
        ledger.rebuild()
        assert typed(ledger) == before
        assert ledger.verify() == []


def test_a_tool_reads_the_typed_tables_with_sql_alone(file):
    with outside(file) as raw:
        rows = raw.execute("SELECT c.day, f.id, f.deduct_hundredths, v.outcome FROM checks c JOIN findings f ON f.entry = c.entry "
                           "LEFT JOIN verifications v ON v.finding = f.id ORDER BY f.id").fetchall()  # fmt: skip
    assert rows == [("2026-10-05", "c-1001/1", 250, "closed"), ("2026-10-05", "c-2/1", 250, None)]


# Files that are no ledger, or cannot be used


def test_a_ledger_that_is_not_there_is_named(tmp_path):
    with pytest.raises(LedgerError, match="there is no ledger; import records first"):
        open_ledger(tmp_path / "no.db")


def test_a_file_that_is_no_ledger_is_left_as_it_is(tmp_path):
    (tmp_path / "text.db").write_text("not a database at all, but long enough to look like one" * 20)
    with outside(tmp_path / "other.db") as raw:
        raw.execute("CREATE TABLE x (y)")
    for name, error in (("text.db", ProofError), ("other.db", LedgerError)):
        before = digest(tmp_path / name)
        with pytest.raises(error):
            open_ledger(tmp_path / name, create=True)
        assert digest(tmp_path / name) == before


LATE = "2027-01-01T00:00:00.000000Z"


@pytest.fixture
def newer(file):
    """A ledger of a later layout, with a table, a column and a kind of entry that this release does not know."""
    with outside(file) as raw:
        seq, head = raw.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        said = content("waiver", "waiver:1", Actor("x"), {"record": {}}, recorded=LATE)
        (link,) = chain.linked([said], seq, head, LATE)
        raw.execute(tables.INSERT_ENTRY, link)
        raw.execute("CREATE TABLE waivers (entry INTEGER PRIMARY KEY)")
        raw.execute("ALTER TABLE checks ADD COLUMN mood TEXT")
        raw.execute("PRAGMA user_version = 3")
    return file


def test_a_ledger_of_a_newer_release_is_only_read(newer):
    before = digest(newer)
    with open_ledger(newer) as ledger:
        (note,) = ledger.notes
        assert "written by a newer release (schema 3); it can only be read" in note
        assert len(ledger.rows("SELECT id FROM checks")) == 3
        assert list(ledger.findings(["c-2/1"])) == ["c-2/1"]
        assert ledger.position().seq == 6
        refusal = r"written by a newer release \(schema 3\); upgrade qpi; nothing was recorded"
        with pytest.raises(LedgerError, match=refusal):
            recorder_of(ledger).check({**CHECK, "id": "late"})
        with pytest.raises(LedgerError, match=refusal):
            ledger.rebuild()
    assert digest(newer) == before


def test_what_a_newer_release_has_no_more_is_told_with_the_remedy(newer):
    with outside(newer) as raw:
        raw.execute("DROP TABLE verifications")
    with open_ledger(newer) as ledger:
        assert len(ledger.rows("SELECT id FROM checks")) == 3
        with pytest.raises(LedgerError, match=r"newer release \(schema 3\); upgrade qpi"):
            ledger.rows("SELECT * FROM verifications")


def test_an_audit_proves_the_entries_of_a_newer_release_and_says_what_it_does_not_know(newer):
    report = audit(newer)
    assert [(one.kind, one.fault.partition(": ")[2]) for one in report.found] == [
        ("schema", "written by a newer release (schema 3); upgrade qpi")
    ]
    (note,) = report.notes
    assert note.startswith("entry 6: kind waiver is not known to this release (1 such entries)")
    tamper(newer, "UPDATE entry SET actor_id = 'y' WHERE seq = 6")
    assert (6, "hash") in [(one.entry, one.kind) for one in audit(newer).found]


def test_a_newer_release_keeps_its_own_settings(newer):
    with outside(newer) as raw:
        assert raw.execute("PRAGMA journal_mode = wal").fetchone() == ("wal",)
    with open_ledger(newer) as ledger:
        assert ledger.position().seq == 6
    with outside(newer) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# The write-ahead log


def test_a_log_that_is_asked_for_is_kept_where_it_is_safe_and_else_refused_with_the_reason(file):
    safe = places.safe_wal(sqlite3.sqlite_version_info)
    with open_ledger(file, journal="wal") as ledger:
        assert [note.partition(":")[0] for note in ledger.notes] == ([] if safe else ["journal_mode=wal is not used"])
        assert recorder_of(ledger).check({**CHECK, "id": "logged"}).recorded == 1
    with outside(file) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal" if safe else "delete",)


def test_the_settings_of_a_log_hold_on_the_connection(file):
    with closing(sqlitefile.connect(file, journal="wal")) as raw:
        found = [
            raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]


def test_a_new_ledger_is_made_before_its_log_is(tmp_path):
    """Else a run that is killed between the two leaves a file that is not empty and holds no ledger."""
    with closing(sqlitefile.connect(tmp_path / "qpi.db", journal="wal")) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    with closing(sqlite3.connect(tmp_path / "other.db")) as raw:
        assert raw.execute("PRAGMA journal_mode = wal").fetchone() == ("wal",)
    assert (tmp_path / "qpi.db").stat().st_size == 0 < (tmp_path / "other.db").stat().st_size


def test_what_only_looks_at_a_ledger_leaves_its_journal_mode(file):
    with outside(file) as raw:
        assert raw.execute("PRAGMA journal_mode = wal").fetchone() == ("wal",)
    before = digest(file)
    assert audit(file).sound
    with open_unexamined(file) as ledger, pytest.raises(LedgerError), ledger.writing():
        pass
    assert digest(file) == before
    with (
        closing(sqlitefile.connect(file, journal=None)) as raw,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        raw.execute("CREATE TABLE x (y)")


@pytest.mark.parametrize(
    "url", ["sqlite:///qpi.db?journal_mode=off", "sqlite:///qpi.db?mode=ro", "sqlite:///qpi.db?journal_mode=wal&x=1"]
)
def test_a_setting_that_is_not_known_is_refused(url, tmp_path):
    with pytest.raises(UsageError, match="journal_mode=wal or nothing"):
        place_of(url, tmp_path)


def test_a_setting_in_the_url_is_no_part_of_the_name(tmp_path):
    assert place_of("sqlite:///qpi.db?journal_mode=wal", tmp_path) == tmp_path / "qpi.db"
    assert [journal_of(f"sqlite:///qpi.db{end}") for end in ("", "?journal_mode=delete", "?journal_mode=wal")] == [
        "delete",
        "delete",
        "wal",
    ]


# Where it lies


def test_an_unsafe_place_is_noted_before_the_first_record_and_later(tmp_path):
    (tmp_path / "坚果云").mkdir()
    for _ in range(2):
        with new_ledger(tmp_path / "坚果云") as ledger:
            (note,) = ledger.notes
            assert "in a folder of 坚果云" in note
            recorder_of(ledger).check(CHECK)
            assert ledger.notes == (note,)


@pytest.mark.parametrize("create", [True, False])
def test_a_log_whose_ledger_was_taken_away_is_neither_lost_nor_begun_anew(file, create):
    with outside(file) as raw:
        raw.execute("PRAGMA journal_mode = wal")
        raw.execute("PRAGMA user_version = 2")
        log = file.with_name("qpi.db-wal").read_bytes()
        assert log
    file.unlink()
    file.with_name("qpi.db-wal").write_bytes(log)
    with pytest.raises(LedgerError, match=r"its journal qpi\.db-wal is there"):
        open_ledger(file, create=create)
    assert file.with_name("qpi.db-wal").read_bytes() == log
    assert not file.exists()


def test_what_a_cut_off_program_left_is_undone_and_noted(file):
    before = digest(file)
    with outside(file) as raw:
        raw.execute("PRAGMA cache_size = 1")
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("CREATE TABLE half AS SELECT e.body FROM entry e, entry f, entry g")
        left = (file.read_bytes(), file.with_name("qpi.db-journal").read_bytes())
    for path, data in zip((file, file.with_name("qpi.db-journal")), left, strict=True):
        path.write_bytes(data)
    os.utime(file.with_name("qpi.db-journal"), (time.time() - 60,) * 2)
    with open_ledger(file) as ledger:
        assert [note.partition(": ")[2] for note in ledger.notes] == [
            "a program was cut off while it wrote; what it had not finished is undone"
        ]
        assert ledger.verify() == []
    assert digest(file) == before


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "postgresql://x", "nonsense"])
def test_another_store_is_refused(url, tmp_path):
    with pytest.raises(UsageError):
        place_of(url, tmp_path)


def test_a_ledger_in_a_folder_that_is_not_there_names_the_folder(tmp_path):
    with pytest.raises(LedgerError, match="there is no folder .*no; make it, or name another"):
        open_ledger(tmp_path / "no" / "qpi.db", create=True)


def test_a_ledger_that_cannot_be_opened_names_the_rights(tmp_path):
    (tmp_path / "qpi.db").mkdir()
    with pytest.raises(LedgerError, match="check the rights to the file and its folder"):
        open_ledger(tmp_path / "qpi.db", create=True)


def test_a_full_disk_loses_nothing(file):
    script = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from inputs import *
from pathlib import Path
from qpi.errors import LedgerError
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = Path({str(file)!r}).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, size + 8192))
with new_ledger(Path({str(file.parent)!r})) as ledger:
    try:
        recorder_of(ledger).record({{**CHECK, "id": f"n-{{n}}"}} for n in range(2000))
    except LedgerError as error:
        print(error)
"""
    with open_ledger(file) as ledger:
        before = typed(ledger)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "nothing was recorded" in done.stdout
    with open_ledger(file) as ledger:
        assert typed(ledger) == before
        assert ledger.verify() == []


# A sudden end

IMPORT = """
import sys
from pathlib import Path
from inputs import found, new_ledger, recorder_of
from qpi.intake import open_file
with new_ledger(Path(sys.argv[1])) as ledger:
    print(recorder_of(ledger).record(open_file(Path(sys.argv[1], "rows.jsonl"), found()).drafts).recorded)
"""


def test_an_import_that_is_killed_leaves_the_ledger_as_it_was_and_is_completed_by_the_next(file):
    folder = file.parent
    json_lines(folder / "rows.jsonl", *({**CHECK, "id": f"n-{n}"} for n in range(15_000)))
    with open_ledger(file) as ledger:
        before, position = typed(ledger), ledger.position()
    command, here = [sys.executable, "-c", IMPORT, str(folder)], str(Path(__file__).parent)
    untouched = 0
    for delay in (0, 0.05, 0.15):
        running = subprocess.Popen(command, cwd=here, stdout=subprocess.DEVNULL)
        while running.poll() is None and not (folder / "qpi.db-journal").exists():
            time.sleep(0.002)
        time.sleep(delay)
        running.kill()
        running.wait()
        with open_ledger(file) as ledger:
            assert ledger.verify() == []
            if ledger.position() == position:
                untouched += 1
                assert typed(ledger) == before
            else:
                assert len(ledger.rows("SELECT id FROM checks")) == 15_003
    assert untouched
    subprocess.run(command, cwd=here, check=True, stdout=subprocess.DEVNULL)
    with open_ledger(file) as ledger:
        assert len(ledger.rows("SELECT id FROM checks")) == 15_003
        assert ledger.verify() == []


def test_a_transaction_that_fails_leaves_no_entry(file):
    before = digest(file)
    with open_ledger(file) as ledger:
        twice = Item(content("check", "check:x", Actor("x"), {}))
        with pytest.raises(LedgerError), ledger.writing() as writer:
            writer.append([twice, twice], recorded="t")
        with pytest.raises(KeyboardInterrupt), ledger.writing() as writer:
            writer.append([twice], recorded="t")
            raise KeyboardInterrupt
    assert digest(file) == before


def test_the_first_moment_of_a_ledger_can_be_given(tmp_path):
    with open_ledger(tmp_path / "a.db", create=True, now=NOW) as ledger:
        assert ledger.rows("SELECT recorded_at FROM entry") == [("2026-11-21T00:00:00.000000Z",)]


@pytest.mark.parametrize("wrong", ["", "our ledger", "总部", "a_b", "a.b", "-" * 65, "own\n"])
def test_a_ledger_is_not_made_with_an_id_that_no_receipt_could_name(store, wrong):
    with pytest.raises(
        UsageError, match="a receipt could not name it; use up to 64 letters a to z, digits and hyphens"
    ):
        open_ledger(store, create=True, ledger_id=wrong, now=NOW)
    assert state(store) is None
    with open_ledger(store, create=True, ledger_id="a-Z9" * 16, now=NOW) as ledger:
        made = str(receipts.receipt(*ledger.position(), now=NOW))
    assert [one.ledger for one in receipts.found_in(made, "x")] == ["a-Z9" * 16]


def test_the_layout_of_this_release_is_frozen():
    """A ledger is refused when its tables differ, so neither we nor a library's new wording may change their text."""
    assert own_schema_digest() == "c50cd38c88d789bb98ee50fdddbfa3161c104d24ec04dbde0e041fb9f4779119"


def test_a_ledger_that_was_killed_at_its_birth_has_not_begun_and_is_begun_by_the_next(tmp_path):
    """The pages of the first transaction reached the file, and its journal says that there were none before."""
    unborn, killed = tmp_path / "unborn", tmp_path / "killed"
    unborn.mkdir()
    killed.mkdir()
    with outside(unborn / "qpi.db") as raw:
        # A cache of one page lets what is not committed reach the file.
        raw.execute("PRAGMA cache_size = 1")
        raw.execute("BEGIN IMMEDIATE")
        for statement in tables.statements():
            raw.execute(statement)
        for path in unborn.iterdir():
            (killed / path.name).write_bytes(path.read_bytes())
    assert (killed / "qpi.db").stat().st_size and (killed / "qpi.db-journal").stat().st_size
    with new_ledger(killed) as ledger:
        assert recorder_of(ledger).check(CHECK).recorded == 1
        assert ledger.verify() == []


def test_what_was_compiled_to_append_does_not_write_when_we_only_read(file):
    """Python keeps compiled statements by their text, and SQLite asks the guard only when it compiles one."""
    with open_ledger(file) as ledger:
        recorder_of(ledger).check({**CHECK, "id": "one"})
        for statement, table in ((tables.INSERT_ENTRY, tables.entry), (tables.INSERT["checks"], tables.checks)):
            row = ledger.rows(f"SELECT * FROM {table.name} LIMIT 1")[0]
            with pytest.raises(LedgerError, match="the recorder alone writes"):
                ledger.rows(statement, row)
        # A negative control: within a transaction of ours the same text is let through, up to the trigger.
        with pytest.raises(LedgerError, match="replaced"), ledger.writing():
            ledger.rows(statement, row)
