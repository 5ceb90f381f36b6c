"""Backup: a verified copy or no file of that name, whatever comes between."""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from make_golden import GOLDEN
from qpi import backup
from qpi.audit import audit
from qpi.backup import back_up, unfinished
from qpi.errors import LedgerError, UsageError
from qpi.ledger import open_ledger
from qpi.receipts import found_in
from test_command_line import qpi
from test_ledger import digest, outside


@pytest.fixture
def file(recorded):
    return recorded.ledger_path


def test_a_ledger_with_a_write_ahead_log_is_copied_whole_and_left_as_it_is(file, tmp_path):
    with outside(file) as raw:
        raw.execute("PRAGMA journal_mode = wal")
        raw.execute("PRAGMA wal_autocheckpoint = 0")
        with closing(sqlite3.connect(file)) as reader:
            # A reader that stays keeps the log from being taken into the file.
            reader.execute("SELECT count(*) FROM entry").fetchone()
            raw.execute("PRAGMA user_version = 2")
            assert file.with_name("qpi.db-wal").stat().st_size
            report = back_up(file, tmp_path / "copy.db")
            assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert report.sound
    assert sorted(path.name for path in tmp_path.iterdir() if "copy" in path.name) == ["copy.db"]
    with closing(sqlite3.connect(tmp_path / "copy.db")) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert audit(tmp_path / "copy.db").position == report.position


def test_records_that_stand_in_the_log_alone_are_in_the_copy_and_not_in_a_copied_file(tmp_path):
    source, copy = tmp_path / "source.db", tmp_path / "copy.db"
    with closing(sqlite3.connect(source, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = wal")
        raw.execute("CREATE TABLE x (y)")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw.execute("INSERT INTO x VALUES (1)")
        with backup.open_unexamined(source) as opened:
            opened.copy_to(copy)
        (tmp_path / "cp.db").write_bytes(source.read_bytes())
    found = []
    for path in (copy, tmp_path / "cp.db"):
        with closing(sqlite3.connect(path)) as raw:
            found.append(raw.execute("SELECT count(*) FROM x").fetchone()[0])
    assert found == [1, 0]


def test_a_copy_is_no_more_open_to_others_than_the_ledger(file, tmp_path):
    file.chmod(0o600)
    back_up(file, tmp_path / "copy.db")
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_a_ledger_of_an_earlier_release_is_copied_as_it_is(tmp_path):
    report = back_up(Path(shutil.copy(GOLDEN / "ledger-1.db", tmp_path / "old.db")), tmp_path / "copy.db")
    assert report.sound
    assert "wait for qpi ledger migrate" in report.notes[0]
    with pytest.raises(LedgerError, match="earlier release"):
        open_ledger(tmp_path / "copy.db")


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_nothing_of_that_name_is_ever_written_over(file, tmp_path, make):
    make(tmp_path / "copy.db")
    before = os.lstat(tmp_path / "copy.db")
    with pytest.raises(UsageError, match="is there already"):
        back_up(file, tmp_path / "copy.db")
    assert os.lstat(tmp_path / "copy.db")[:7] == before[:7]


def test_a_file_that_gets_the_name_meanwhile_is_not_written_over(tmp_path):
    (tmp_path / "part").write_text("ours")
    (tmp_path / "copy.db").write_text("theirs")
    with pytest.raises(UsageError, match="is there already"):
        backup._name(tmp_path / "part", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "theirs"
    # The control: a plain rename would have.
    (tmp_path / "part").rename(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "ours"


def test_a_full_disk_leaves_no_file(file, tmp_path):
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from qpi.backup import back_up\n"
        "from qpi.errors import LedgerError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "limit = Path(sys.argv[1]).stat().st_size // int(sys.argv[3])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "try: back_up(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except LedgerError as error: print(error)\n"
    )
    before, there = digest(file), sorted(os.listdir(tmp_path))
    run = [sys.executable, "-c", script, str(file), str(tmp_path / "copy.db")]
    done = subprocess.run([*run, "2"], capture_output=True, text=True, check=True)
    assert "the ledger could not be used" in done.stdout
    assert (digest(file), sorted(os.listdir(tmp_path))) == (before, there)
    # The control: with room for it, it is there.
    assert subprocess.run([*run, "1"], capture_output=True, text=True, check=True).stdout == ""
    assert (tmp_path / "copy.db").exists()


def killed_at(file, copy, step):
    """Back up in a process that kills itself before its `step`-th statement or call that changes files; say whether it was."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    try:
        steps, connect = count(1), sqlite3.connect

        def counted(*_):
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        def traced(*given, **more):
            raw = connect(*given, **more)
            raw.set_trace_callback(counted)
            return raw

        sqlite3.connect = traced
        sys.addaudithook(lambda event, _: counted() if event in ("os.link", "os.remove", "os.rename", "open") else None)
        back_up(file, copy)
    except BaseException:
        os._exit(1)
    os._exit(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_backup_that_is_killed_at_any_step_leaves_a_verified_copy_or_none(file, tmp_path):
    before, there, left = digest(file), [], 0
    for number in count(1):
        copy = tmp_path / str(number) / "copy.db"
        copy.parent.mkdir()
        killed = killed_at(file, copy, number)
        assert digest(file) == before
        there.append(copy.exists())
        left += len(list(copy.parent.glob(".*.part")))
        if copy.exists():
            assert audit(copy).sound, number
        else:
            assert back_up(file, copy).sound, number
        if not killed:
            break
    assert number > 20 and left > 5
    assert set(there) == {True, False}


def test_an_unfinished_copy_is_told_and_kept_and_one_at_work_is_not(file, tmp_path):
    old, young = tmp_path / ".copy.db.00ff00ff.part", tmp_path / ".copy.db.11ff00ff.part"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3600,) * 2)
    assert [str(note).partition(":")[0] for note in unfinished(tmp_path / "copy.db")] == [str(old)]
    back_up(file, tmp_path / "copy.db")
    assert old.read_bytes() == young.read_bytes() == b"half"


def test_the_command_prints_a_receipt_of_the_copy(recorded, tmp_path):
    done = qpi("ledger", "backup", str(tmp_path / "copy.db"), folder=recorded.folder)
    assert done.returncode == 0
    (proof,) = found_in(done.stdout, "output")
    assert str(tmp_path / "copy.db") in done.stdout
    report = audit(tmp_path / "copy.db", [proof])
    assert (report.found, report.covered) == ((), report.position.seq)


def test_an_unsafe_place_is_told_once_on_stderr(recorded):
    place = recorded.folder / "Dropbox"
    place.mkdir()
    shutil.move(recorded.ledger_path, place / "qpi.db")
    (recorded.folder / "qpi.yaml").write_text("organisation: 示例物业\nledger: sqlite:///Dropbox/qpi.db\n", "utf-8")
    done = qpi("metrics", "2026-10", folder=recorded.folder)
    assert done.returncode == 0
    assert done.stderr.count("in a folder of Dropbox") == 1
    assert "Dropbox" not in done.stdout
