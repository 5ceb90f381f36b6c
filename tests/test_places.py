"""Places: which folders are told of, which journals are refused, and where a write-ahead log is kept."""

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from qpi import places
from qpi.errors import LedgerError

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 0 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw
40 27 0:50 / /mnt/office rw,relatime - nfs4 server:/office rw,vers=4.2
41 40 259:3 / /mnt/office/local rw,relatime - xfs /dev/sdb1 rw
42 27 0:51 / /mnt/with\\040blank rw - cifs //server/share rw
43 27 0:52 / /mnt/ssh rw shared:7 master:1 - fuse.sshfs me@host: rw
44 27 0:53 / /mnt/gone rw - nfs server:/x rw
45 27 0:54 / /mnt/gone rw - ext4 /dev/sdc1 rw
46 27 0:55 / /mnt/品质 rw - smb3 //server/qa rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/home/a", "ext4", False),
        ("/mnt/office", "nfs4", True),
        ("/mnt/office/a/b", "nfs4", True),
        ("/mnt/officer", "ext4", False),
        ("/mnt/office/local/a", "xfs", False),
        ("/mnt/with blank/a", "cifs", True),
        ("/mnt/ssh/a", "fuse.sshfs", True),
        ("/mnt/gone/a", "ext4", False),
        ("/mnt/品质/台账", "smb3", True),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_nearest_mount(path, kind, network):
    assert places.file_system(path, MOUNTS) == kind
    assert places.is_network(kind) is network


def test_a_text_that_says_nothing_of_mounts_says_nothing_of_a_path():
    assert places.file_system("/home/a", "nonsense\n\n1 2 3 - \n") is None


@pytest.mark.parametrize("kind", ["9p", "afs", "ceph", "fuse.glusterfs", "fuse.davfs2", "glusterfs", "vboxsf", "NFS"])
def test_a_folder_of_another_machine_is_a_network_folder(kind):
    assert places.is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "xfs", "zfs", "overlay", "tmpfs", "fuse.ntfs-3g", "fuseblk", "apfs"])
def test_a_local_disk_is_none(kind):
    assert not places.is_network(kind)


def test_the_mounts_of_macos_are_read():
    text = (
        "/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)\n"
        "//me@server/QA share on /Volumes/QA share (smbfs, nodev, nosuid, mounted by me)\n"
    )
    assert places.file_system_on_mac("/Volumes/QA share/a", text) == "smbfs"
    assert places.file_system_on_mac("/Users/me", text) == "apfs"


@pytest.mark.parametrize(
    ("path", "remote"),
    [
        ("C:\\qpi\\qpi.db", False),
        ("Z:\\qpi\\qpi.db", True),
        ("z:/qpi/qpi.db", True),
        ("\\\\server\\share\\qpi.db", True),
        ("//server/share/qpi.db", True),
        ("\\\\?\\UNC\\server\\share", True),
        ("\\\\?\\C:\\qpi", False),
        ("\\\\?\\Z:\\qpi", True),
    ],
)
def test_a_remote_drive_of_windows_is_told_from_a_local_one(path, remote):
    assert places.remote_on_windows(path, lambda root: 4 if root.upper() == "Z:\\" else 3) is remote


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/home/a/Dropbox/qpi.db", "Dropbox"),
        ("/home/a/Dropbox (示例物业)/x/qpi.db", "Dropbox"),
        ("C:\\Users\\a\\OneDrive - 示例物业\\qpi.db", "OneDrive"),
        ("C:\\Users\\a\\OneDrive\\文档\\qpi.db", "OneDrive"),
        ("/Users/a/Library/Mobile Documents/com~apple~CloudDocs/qpi.db", "iCloud"),
        ("/Users/a/Library/CloudStorage/GoogleDrive-a@example.com/My Drive/qpi.db", "CloudStorage"),
        ("D:\\我的坚果云\\qpi.db", "坚果云"),
        ("/home/a/Nutstore Files/台账/qpi.db", "坚果云"),
        ("E:\\BaiduSyncdisk\\qpi.db", "百度网盘"),
        ("E:\\百度网盘\\qpi.db", "百度网盘"),
        ("D:\\WPS云盘\\qpi.db", "WPS云盘"),
        ("D:\\微云同步助手\\qpi.db", "微云"),
        ("/home/a/qpi.db", None),
        ("/home/a/dropboxer/qpi.db", None),
        ("/home/a/台账/Dropbox.db", None),
        ("D:\\BaiduNetdiskDownload\\qpi.db", None),
    ],
)
def test_a_synchronised_folder_is_known_by_its_name(path, service):
    assert places.synchronised(path) == service


def test_a_warning_names_the_remedy(tmp_path):
    (tmp_path / "OneDrive").mkdir()
    (said,) = places.warnings(tmp_path / "OneDrive" / "qpi.db")
    assert "OneDrive" in said and "local disk" in said and "PostgreSQL" in said
    assert places.warnings(tmp_path / "qpi.db") == []


# Journals


def hot_journal(folder):
    """A ledger-like file of some pages and the journal of a program that was cut off while it changed it, as bytes."""
    with closing(sqlite3.connect(folder / "made.db", isolation_level=None)) as raw:
        raw.execute("PRAGMA cache_size = 1")
        raw.execute("CREATE TABLE x (y)")
        raw.executemany("INSERT INTO x VALUES (?)", [("a" * 500,)] * 200)
        raw.execute("BEGIN")
        raw.execute("UPDATE x SET y = 'b'")
        return (folder / "made.db").read_bytes(), (folder / "made.db-journal").read_bytes()


@pytest.mark.parametrize("there", [None, b""])
def test_a_journal_without_its_ledger_is_refused_and_kept(tmp_path, there):
    _, journal = hot_journal(tmp_path)
    file = tmp_path / "qpi.db"
    if there is not None:
        file.write_bytes(there)
    (tmp_path / "qpi.db-journal").write_bytes(journal)
    with pytest.raises(LedgerError, match="its journal qpi.db-journal is there"):
        places.refuse_stray(file)
    # The control: SQLite by itself would take it away.
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("SELECT * FROM sqlite_master").fetchall()
    assert not (tmp_path / "qpi.db-journal").exists()


@pytest.mark.parametrize("there", [None, b""])
def test_a_write_ahead_log_without_its_ledger_is_refused_and_kept(tmp_path, there):
    file, log = tmp_path / "qpi.db", tmp_path / "qpi.db-wal"
    if there is not None:
        file.write_bytes(there)
    log.write_bytes(b"records that stand in nothing else")
    with pytest.raises(LedgerError, match="its journal qpi.db-wal is there"):
        places.refuse_stray(file)
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("SELECT * FROM sqlite_master").fetchall()
    assert not log.exists()


def test_what_a_run_leaves_that_was_killed_while_it_made_a_new_ledger_is_not_refused(tmp_path):
    file = tmp_path / "qpi.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("CREATE TABLE x (y)")
        assert file.stat().st_size == 0
        assert (tmp_path / "qpi.db-journal").stat().st_size
        places.refuse_stray(file)


def test_an_empty_journal_and_one_beside_a_ledger_are_not_refused(tmp_path):
    made, journal = hot_journal(tmp_path)
    (tmp_path / "qpi.db-journal").write_bytes(b"")
    places.refuse_stray(tmp_path / "qpi.db")
    (tmp_path / "qpi.db-journal").write_bytes(journal)
    (tmp_path / "qpi.db").write_bytes(made)
    places.refuse_stray(tmp_path / "qpi.db")


def test_a_journal_that_a_program_left_is_told_from_one_that_is_being_written(tmp_path):
    made, journal = hot_journal(tmp_path)
    file, beside = tmp_path / "qpi.db", tmp_path / "qpi.db-journal"
    file.write_bytes(made)
    assert places.left_behind(file, time.time()) is None
    beside.write_bytes(journal)
    assert places.left_behind(file, time.time()) is None
    os.utime(beside, (time.time() - 60,) * 2)
    assert places.left_behind(file, time.time()) == beside
    beside.write_bytes(b"\0" * 512)
    os.utime(beside, (time.time() - 60,) * 2)
    assert places.left_behind(file, time.time()) is None


# The write-ahead log


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 37, 0), False), ((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False),
        ((3, 45, 9), False), ((3, 50, 6), False), ((3, 50, 7), True), ((3, 51, 0), False), ((3, 51, 2), False),
        ((3, 51, 3), True), ((3, 52, 0), True), ((4, 0, 0), True),
    ],
)  # fmt: skip
def test_a_write_ahead_log_is_kept_from_the_versions_on_that_lose_nothing(version, safe):
    assert places.safe_wal(version) is safe
    mode, note = places.journal_mode("wal", version, None)
    assert (mode, note is None) == (("wal", True) if safe else ("delete", False))


def test_a_write_ahead_log_is_kept_on_a_local_disk_and_where_it_is_asked_for():
    assert places.journal_mode("wal", (3, 51, 3), "nfs4") == (
        "delete",
        "journal_mode=wal is not used: a network folder (nfs4) cannot keep it",
    )
    assert places.journal_mode("delete", (3, 51, 3), None) == ("delete", None)


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="the mounts of Linux")
def test_the_file_system_of_this_machine_is_found():
    assert places.file_system("/proc/self", Path("/proc/self/mountinfo").read_text()) == "proc"
