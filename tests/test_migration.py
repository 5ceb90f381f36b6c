"""Migration: a backup first, all or nothing, the same head; and a sudden end at any instant."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from make_golden import GOLDEN
from qpi import chain, migration, tables
from qpi.audit import audit
from qpi.entries import Actor
from qpi.errors import LedgerError, ProofError
from qpi.ledger import content, open_ledger, open_unexamined
from qpi.migration import migrate
from qpi.tables import LAYOUT
from support import FAST
from test_audit import alter
from test_command_line import qpi
from test_ledger import digest, outside

HEAD = "ab6f54b69a50d072d58e05ff8640258c386110510b3af203c205315f9883ab66"


@pytest.fixture
def old(folder):
    """The ledger of a workspace, of layout 1."""
    return Path(shutil.copy(GOLDEN / "ledger-1.db", folder / "qpi.db"))


def kept(file):
    """What lies in the folder that a ledger, its journal or a copy could be."""
    return sorted(path.name for path in file.parent.iterdir() if ".db" in path.name)


def content_of(file):
    """Every table, trigger, entry and row of a file."""
    with outside(file) as raw:
        return list(raw.iterdump()), raw.execute("PRAGMA user_version").fetchone()


def schema_of(file):
    with outside(file) as raw:
        return raw.execute("PRAGMA user_version").fetchone()[0], tables.schema_digest(raw.execute(tables.SCHEMA_TEXTS))


def test_an_earlier_ledger_is_refused_with_the_command_that_brings_it_here(old):
    before = digest(old)
    with pytest.raises(LedgerError, match=r"written by an earlier release \(schema 1\); run qpi ledger migrate"):
        open_ledger(old)
    assert digest(old) == before


def test_a_migrated_ledger_is_one_of_this_layout_with_the_same_head_and_its_backup_is_what_it_was(old):
    before = content_of(old)
    done = migrate(old)
    assert (done.before, done.position.seq, done.position.head) == (1, 26, HEAD)
    assert schema_of(old) == (LAYOUT, tables.own_schema_digest())
    assert done.backup == old.with_name("qpi.before-2.db")
    assert content_of(done.backup) == before
    assert kept(old) == ["qpi.before-2.db", "qpi.db"]
    with open_ledger(old) as ledger:
        assert ledger.verify() == []
        assert (ledger.position().seq, ledger.position().head) == (26, HEAD)


def test_a_ledger_of_this_layout_is_left_as_it_is(old):
    migrate(old)
    before = digest(old)
    assert migrate(old)[1:4:2] == (LAYOUT, None)
    assert digest(old) == before
    assert kept(old) == ["qpi.before-2.db", "qpi.db"]


@pytest.mark.parametrize("there", [b"somebody's file", b"", None])
def test_a_backup_is_never_written_over_another_file(old, there):
    taken = old.with_name("qpi.before-2.db")
    if there is None:
        taken.mkdir()
    else:
        taken.write_bytes(there)
    assert migrate(old).backup == old.with_name("qpi.before-2-2.db")
    assert taken.is_dir() if there is None else taken.read_bytes() == there


def test_a_backup_of_another_state_is_kept_beside_the_new_one(old):
    shutil.copy(old, old.with_name("qpi.before-2.db"))
    with outside(old) as raw:
        seq, head = raw.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        late = "2027-01-01T00:00:00.000000Z"
        note = content("note", "note:1", Actor("x"), {"record": {}}, recorded=late)
        raw.execute(tables.INSERT_ENTRY, next(chain.linked([note], seq, head, late)))
    assert migrate(old).backup == old.with_name("qpi.before-2-2.db")


def test_the_backup_of_a_run_that_was_cut_off_serves_the_next(old):
    shutil.copy(old, old.with_name("qpi.before-2.db"))
    assert migrate(old).backup == old.with_name("qpi.before-2.db")
    assert kept(old) == ["qpi.before-2.db", "qpi.db"]


@pytest.mark.parametrize("change", [
    "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'P01', 'P02') AS BLOB) WHERE seq = 2", "DROP INDEX checks_day",
    "DELETE FROM entry WHERE seq = 0", "UPDATE entry SET seq = 99 WHERE seq = 26", "PRAGMA user_version = 0",
])  # fmt: skip
def test_a_ledger_that_does_not_prove_itself_is_not_migrated(old, change):
    alter(old, change)
    before = digest(old)
    with pytest.raises(LedgerError):
        migrate(old)
    assert digest(old) == before
    assert kept(old) == ["qpi.db"]


def test_a_ledger_of_a_newer_release_is_not_migrated(old):
    with outside(old) as raw:
        raw.execute("PRAGMA user_version = 9")
    before = digest(old)
    with pytest.raises(LedgerError, match="newer release"):
        migrate(old)
    assert digest(old) == before


def step(file, run, harm="SELECT 1"):
    """What the revision of layout 2 does, and some harm besides, the triggers of the entries out of its way."""
    for name in ("verifications", "findings", "checks"):
        run(f"DROP TABLE {name}")
    with outside(file) as raw:
        triggers = raw.execute(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'entry' AND type = 'trigger'"
        ).fetchall()
    for name, _ in triggers:
        run(f"DROP TRIGGER {name}")
    run(harm)
    for name, text in triggers:
        if name not in harm:
            run(text)


@pytest.mark.parametrize("harm", [
    "UPDATE entry SET actor_id = 'forger' WHERE seq = 5", "DELETE FROM entry WHERE seq = 26", "CREATE TABLE extra (x)",
    "SELECT 'entry_no_update'", "UPDATE entry SET recorded_at = 'x', hash = 'y' WHERE seq = 26",
])  # fmt: skip
def test_steps_that_touch_more_than_the_tables_are_undone(old, harm):
    """What a faulty revision could do: the proof at the end does not let it pass."""
    before = digest(old)
    with pytest.raises(ProofError, match="would not prove itself"), open_unexamined(old, changing=True) as ledger:
        with ledger.altering() as alter:
            step(old, alter, harm)
    assert digest(old) == before


def test_steps_that_fail_are_undone_and_told_as_an_error_of_the_ledger(old):
    before = digest(old)
    with pytest.raises(LedgerError, match="no such table"), open_unexamined(old, changing=True) as ledger:
        with ledger.altering() as alter:
            step(old, alter, "DELETE FROM missing")
    assert digest(old) == before


def test_the_same_steps_without_harm_are_let_through(old):
    """The control of the tests before."""
    with open_unexamined(old, changing=True) as ledger, ledger.altering() as alter:
        step(old, alter)
    assert schema_of(old) == (LAYOUT, tables.own_schema_digest())


def test_a_writer_waits_and_two_migrations_at_once_make_one(old):
    done, errors = [], []

    def run():
        try:
            done.append(migrate(old))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []
    assert sorted(one.before for one in done) == [1, 2, 2, 2]
    assert audit(old).sound
    assert kept(old) == ["qpi.before-2.db", "qpi.db"]


def test_a_typed_row_that_was_altered_is_not_carried_over(old):
    """The rows come from the entries; what was altered stays in the backup as it was found."""
    alter(old, "UPDATE findings SET deduct_hundredths = 0")
    backup = migrate(old).backup
    with outside(old) as raw, outside(backup) as before:
        query = "SELECT sum(deduct_hundredths) FROM findings"
        assert (raw.execute(query).fetchone(), before.execute(query).fetchone()) == ((275,), (0,))


def test_there_is_one_revision_for_each_layout_and_each_stands_alone():
    scripts = sorted((migration.FOLDER / "versions").glob("*.py"))
    assert [path.name for path in scripts] == [f"layout_{number}.py" for number in range(1, LAYOUT + 1)]
    assert migration._revisions().get_heads() == [str(LAYOUT)]
    for path in scripts:
        # What this release calls its own may be another thing in the next; a step means the same for good.
        assert "qpi" not in path.read_text("utf-8"), path


def test_every_layout_that_was_is_known_by_its_digest():
    assert sorted(tables.EARLIER) == list(range(1, LAYOUT))


# A sudden end


@pytest.fixture
def fast():
    """A folder in memory where there is one: a killed process takes nothing that it handed to the system."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        yield Path(folder)


def killed_at(file, step):
    """Migrate in a process that kills itself before its `step`-th statement or call that changes files; say whether it was."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)
    try:
        steps = count(1)

        def counted(*_):
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        def heard(event, _):
            if event in ("os.link", "os.remove", "os.rename", "open"):
                counted()

        connect = sqlite3.connect

        def traced(*given, **more):
            raw = connect(*given, **more)
            raw.set_trace_callback(counted)
            return raw

        sqlite3.connect = traced
        sys.addaudithook(heard)
        migrate(file)
    except BaseException:
        os._exit(1)
    os._exit(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_migration_that_is_killed_at_any_step_leaves_the_old_or_the_new_ledger_and_the_next_completes_it(old, fast):
    migrate(Path(shutil.copy(old, fast / "warm.db")))
    own, before, states, points = tables.own_schema_digest(), content_of(old), {}, 0
    # Every third, so that it is quick: three steps in a row are seldom of one kind.
    for number in count(1, 3):
        place = fast / str(number) / "qpi.db"
        place.parent.mkdir()
        shutil.copy(old, place)
        killed = killed_at(place, number)
        points += killed
        # As the next program finds it: SQLite undoes by itself what was half done.
        state = schema_of(place)
        states[state] = states.get(state, 0) + 1
        report = audit(place)
        assert (report.found, report.position.head) == ((), HEAD), number
        assert state == (LAYOUT, own) or content_of(place) == before, number
        copies = [path for path in place.parent.iterdir() if path.name.startswith("qpi.before")]
        # There is no new ledger without its verified backup, and no half of one under its name.
        assert all(content_of(path) == before for path in copies), number
        assert copies or state[0] == 1, number
        done = migrate(place)
        assert (schema_of(place), done.position.head) == ((LAYOUT, own), HEAD), number
        assert audit(place).sound
        assert [path.name for path in place.parent.iterdir() if path.name.startswith("qpi.before")] == [
            "qpi.before-2.db"
        ]
        shutil.rmtree(place.parent)
        if not killed:
            break
    assert points > 60, points
    assert set(states) == {(1, tables.EARLIER[1]), (LAYOUT, own)}


def test_steps_without_one_transaction_would_be_seen(old):
    """The control: tables taken away one by one, and cut off between two."""
    with closing(sqlite3.connect(old, isolation_level=None)) as raw:
        raw.execute("DROP TABLE verifications")
    assert schema_of(old) not in {(1, tables.EARLIER[1]), (LAYOUT, tables.own_schema_digest())}
    assert not audit(old).sound


# The command


def test_the_command_says_what_was_done_and_where_the_backup_is(old):
    done = qpi("ledger", "verify", folder=old.parent)
    assert done.returncode == 0
    assert "its typed tables wait for qpi ledger migrate" in done.stderr
    assert "entries 0 to 26, head ab6f" in done.stdout
    done = qpi("metrics", "2026-10", folder=old.parent)
    assert (done.returncode, "run qpi ledger migrate" in done.stderr) == (1, True)
    done = qpi("ledger", "migrate", folder=old.parent)
    assert done.returncode == 0
    assert f"schema 1 is now {LAYOUT}; entries 0 to 26, head {HEAD}, as before" in done.stdout
    assert "qpi.before-2.db: the ledger as it was, verified" in done.stdout
    assert "nothing to migrate" in qpi("ledger", "migrate", folder=old.parent).stdout
    assert qpi("ledger", "verify", folder=old.parent).returncode == 0
    assert qpi("metrics", "2026-10", folder=old.parent).returncode == 0


def test_without_alembic_the_extra_is_named_and_nothing_is_touched(old):
    before = digest(old)
    script = (
        "import sys; sys.modules['alembic'] = None\n"
        "from pathlib import Path; from qpi.migration import migrate\n"
        "from qpi.errors import QpiError\n"
        "try: migrate(Path(sys.argv[1]))\n"
        "except QpiError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(old)], capture_output=True, text=True, check=True)
    assert "pip install 'qpi[migrations]'" in done.stdout
    assert (digest(old), kept(old)) == (before, ["qpi.db"])


def test_a_ledger_that_is_not_there_is_named(tmp_path):
    with pytest.raises(LedgerError, match="there is no ledger"):
        migrate(tmp_path / "qpi.db")
