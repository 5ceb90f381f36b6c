"""The audit, and the auditors' own verifier: what was done to a ledger from outside is found by both, and the same."""

import ast
import errno
import hashlib
import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import support
from qpi import backup, chain, evidence, receipts, tables
from qpi.audit import audit
from qpi.backup import back_up
from qpi.chain import Content
from qpi.entries import Actor
from qpi.errors import DataError, LedgerError, ProofError, UsageError
from qpi.ledger import open_ledger
from qpi.receipts import Receipt, found_in
from qpi.recorder import Recorder
from test_command_line import qpi
from test_ledger import outside

SCRIPT = Path(__file__).parent.parent / "docs" / "verify_ledger.py"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
GUARDED = ("entry", *(table.name for table in tables.TYPED))


@pytest.fixture
def file(recorded):
    return recorded.ledger_path


def alter(file, *statements):
    """Change the file from outside, the triggers dropped and made again."""
    with outside(file) as raw:
        texts = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        raw.execute("PRAGMA foreign_keys = off")
        for name, _ in texts:
            raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
        for _, text in texts:
            raw.execute(text)


def ours(file, proofs=(), attachments=None):
    return sorted({(one.entry, one.kind) for one in audit(file, proofs, attachments=attachments).found}, key=str)


def theirs(file, proofs=(), attachments=None):
    """What the verifier of the docs says, run as an auditor runs it."""
    space = {"__name__": "verifier"}
    exec(compile(SCRIPT.read_text("utf-8"), str(SCRIPT), "exec"), space)
    given = [(one.ledger, str(one.seq), one.head) for one in proofs]
    return sorted(set(space["verify"](str(file), given, attachments)[0]), key=str)


def rechained(file, first):
    """Hash every entry from one on anew, as a forger does who knows the format."""
    with outside(file) as raw:
        rows = raw.execute(f"SELECT {tables.ENTRY_COLUMNS} FROM entry ORDER BY seq").fetchall()
    before, statements = chain.START, []
    for row in rows:
        seq, content = row[0], Content(*row[3:])
        own = chain.entry_hash(seq, before, content) if seq >= first else row[2]
        statements.append(f"UPDATE entry SET prev = '{before}', hash = '{own}' WHERE seq = {seq}")
        before = own
    alter(file, *statements)


COLUMNS = [name for name in tables.ENTRY_COLUMNS.split(", ") if name not in ("seq", "body", "prev", "hash")]
MUTATIONS = {
    **{f"entry.{name}": [f"UPDATE entry SET \"{name}\" = '7' WHERE seq = 3"] for name in COLUMNS},
    "entry.body": ["UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'P01', 'P02') AS BLOB) WHERE seq = 2"],
    "entry.body is no JSON": ["UPDATE entry SET body = x'7B' WHERE seq = 3"],
    "entry.body lacks a field": ['UPDATE entry SET body = CAST(\'{"judged":{},"record":{}}\' AS BLOB) WHERE seq = 3'],
    "entry.hash": ["UPDATE entry SET hash = 'x' WHERE seq = 3"],
    "entry.prev": ["UPDATE entry SET prev = 'x' WHERE seq = 3"],
    "entry removed": [
        "DELETE FROM checks WHERE entry = 3",
        "DELETE FROM findings WHERE entry = 3",
        "DELETE FROM entry WHERE seq = 3",
    ],
    "entries exchanged": [
        "UPDATE entry SET seq = 99 WHERE seq = 3",
        "UPDATE entry SET seq = 3 WHERE seq = 4",
        "UPDATE entry SET seq = 4 WHERE seq = 99",
    ],
    "cut off at the end": [
        "DELETE FROM verifications WHERE entry = (SELECT max(seq) FROM entry)",
        "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)",
    ],
    "emptied": [f"DELETE FROM {name}" for name in reversed(GUARDED)],
    "row changed": ["UPDATE checks SET place = 'x' WHERE entry = 2"],
    "number of a row changed": ["UPDATE findings SET deduct_hundredths = 1 WHERE entry = 2"],
    "row removed": ["DELETE FROM findings WHERE entry = 2"],
    "row moved": ["UPDATE verifications SET entry = 77 WHERE entry = (SELECT min(entry) FROM verifications)"],
    "row added": [
        "INSERT INTO verifications SELECT 78, finding, verifier, verified_at, day, outcome, note, evidence, verify_on FROM verifications LIMIT 1"
    ],
    "table added": ["CREATE TABLE extra (x)"],
    "index dropped": ["DROP INDEX checks_day"],
    "another application": ["PRAGMA application_id = 7"],
    "a newer version": ["PRAGMA user_version = 9"],
}


def test_a_ledger_that_nobody_touched_is_sound(file):
    assert ours(file) == theirs(file) == []


@pytest.mark.parametrize("kind", MUTATIONS)
def test_each_alteration_is_found_by_both_verifiers_alike(file, kind):
    with open_ledger(file) as ledger:
        proof = Receipt(*ledger.position())
    alter(file, *MUTATIONS[kind])
    assert ours(file, [proof]) == theirs(file, [proof]) != []
    assert ours(file) == theirs(file)
    # A cut at the end shows by the receipt alone.
    assert (ours(file) == []) == (kind == "cut off at the end")


@pytest.mark.parametrize("first", [1, 2, 4])
def test_a_ledger_written_anew_shows_by_a_receipt_alone(file, first):
    with open_ledger(file) as ledger:
        proof = Receipt(*ledger.position())
    alter(file, f"UPDATE entry SET actor_id = 'forger' WHERE seq = {first}")
    rechained(file, first)
    assert ours(file) == theirs(file) == []
    assert ours(file, [proof]) == theirs(file, [proof]) == [(proof.seq, "receipt")]


def test_a_clock_that_went_back_is_noted_and_proves_nothing_against_the_ledger(recorded):
    with recorded.ledger() as ledger:
        now = support.NOW - timedelta(hours=1)
        Recorder(ledger, recorded.definitions, actor=Actor("t"), clock=lambda: now).void("c-3", reason="x")
    report = audit(recorded.ledger_path)
    assert report.sound
    assert [note for note in report.notes if "went back" in note] == [
        "entry 7: recorded at 2026-11-20T23:00:00.000000Z, before the entry that it follows "
        "(2026-11-21T00:00:00.000000Z): a clock went back"
    ]


def test_a_dropped_trigger_is_found(file):
    with outside(file) as raw:
        raw.execute("DROP TRIGGER entry_no_update")
    assert ours(file) == theirs(file) == [(None, "schema")]


def test_random_alterations_are_found_by_both_alike(file, tmp_path):
    """Any text of any table, some of them together."""
    chance = random.Random(7)
    with open_ledger(file) as ledger:
        proof = Receipt(*ledger.position())
    for number in range(60):
        copy = tmp_path / f"{number}.db"
        shutil.copyfile(file, copy)
        statements = []
        for _ in range(chance.choice((1, 1, 2, 3))):
            table = chance.choice((tables.entry, *tables.TYPED))
            column = chance.choice([one for one in table.columns if one.name not in ("entry", "seq", "no", "body")])
            value = "7" if column.type.python_type is int else f"'{chance.randrange(10**6)}'"
            key = "seq" if table is tables.entry else "entry"
            statements.append(
                f'UPDATE OR IGNORE {table.name} SET "{column.name}" = {value} WHERE {key} = (SELECT {key} FROM {table.name} ORDER BY random() LIMIT 1)'
            )
        alter(copy, *statements)
        assert ours(copy, [proof]) == theirs(copy, [proof]), statements


def test_the_verifier_is_short_and_needs_python_alone():
    text = SCRIPT.read_text("utf-8")
    assert len(text.splitlines()) <= 100
    assert f'SCHEMA = "{tables.own_schema_digest()}"' in text
    assert f"EARLIER = {tables.EARLIER}".replace("'", '"') in text
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {getattr(node, "module", None) or alias.name for node in nodes for alias in node.names}
    assert imported <= set(sys.stdlib_module_names)


def test_the_verifier_runs_as_an_auditor_runs_it(file, tmp_path):
    with open_ledger(file) as ledger:
        (tmp_path / "proof.txt").write_text(receipts.text_of(receipts.receipt(*ledger.position(), now=NOW)), "utf-8")
    run = [sys.executable, str(SCRIPT), str(file), str(tmp_path / "proof.txt")]
    assert subprocess.run(run, capture_output=True).returncode == 0
    alter(file, *MUTATIONS["entry.body"])
    done = subprocess.run(run, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[:2]) == (3, ["entry 2: hash", "entry 2: rows"])


def stored_as(file, table, column, value, key):
    """Store a value that the strict table would refuse, as a flipped byte does; the text of the schema stays the same."""
    strict = "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?"
    with outside(file) as raw:
        (text,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        raw.execute("PRAGMA writable_schema = on")
        raw.execute(strict, (text.removesuffix(" STRICT"), table))
    alter(file, f"UPDATE {table} SET {column} = {value} WHERE {key}")
    with outside(file) as raw:
        raw.execute("PRAGMA writable_schema = on")
        raw.execute(strict, (text, table))


@pytest.mark.parametrize("column", ["idem", "actor_id", "recorded_at", "body"])
def test_a_field_of_another_type_with_the_same_bytes_is_found(file, column):
    """Its hash is the same, and yet no query would find it: idempotency hangs on it."""
    stored_as(file, "entry", column, f"CAST({column} AS {'TEXT' if column == 'body' else 'BLOB'})", "seq = 3")
    assert (3, "hash") in ours(file)
    assert (None, "file") in ours(file)


@pytest.mark.parametrize(
    ("table", "column", "key"), [("entry", "recorded_at", "seq = 3"), ("checks", "place", "entry = 2")]
)
def test_a_text_that_is_not_utf_8_is_told_with_its_entry(file, table, column, key):
    alter(file, f"UPDATE {table} SET {column} = CAST(x'ff41' AS TEXT) WHERE {key}")
    assert ours(file) == [(int(key[-1]), "hash" if table == "entry" else "rows")]
    with open_ledger(file) as ledger, pytest.raises(ProofError, match="a text is not UTF-8"):
        ledger.verify()


def test_an_index_that_is_not_of_its_table_is_found(file):
    """The rows are all there; but who asks for one by its key would not be given it, and record it again."""
    data = file.read_bytes()
    with outside(file) as raw:
        (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_entry_2'").fetchone()
        (size,) = raw.execute("PRAGMA page_size").fetchone()
    at = data.index(b"check:c-1", (page - 1) * size)
    assert at < page * size
    file.write_bytes(data[:at] + b"d" + data[at + 1 :])
    assert ours(file) == [(None, "file")]


def test_entries_before_a_damaged_page_are_still_judged(recorded):
    file, page = recorded.ledger_path, 4096
    with recorded.recorder() as recorder:
        for n in range(40):
            recorder.check(id=f"more-{n}", project="P01", point="KF-001", role="supervisor",
                           checked_at="2026-10-05T09:00:00+08:00")  # fmt: skip
    alter(file, "UPDATE entry SET actor_id = 'x' WHERE seq = 2")
    data = file.read_bytes()
    at = data.index(b'"id":"more-39"') // page * page
    file.write_bytes(data[:at] + b"\xee" * page + data[at + page :])
    found = dict(ours(file))
    assert found[2] == "hash"
    assert "file" in found.values()


# Evidence files


FIRST, SECOND, GONE = b"first", b"second" * 1000, b"gone"


@pytest.fixture
def attachments(recorded, tmp_path):
    """The folder of three files of which one was removed: entries 7, 8, 9, and 10 for the removal."""
    for name, data in (("a", FIRST), ("b", SECOND), ("c", GONE)):
        (tmp_path / name).write_bytes(data)
    with recorded.recorder() as recorder:
        recorder.keep(*(tmp_path / name for name in "abc"))
        recorder.remove(hashlib.sha256(GONE).hexdigest(), reason="x")
    return recorded.evidence_folder


def kept(folder, data):
    return evidence.home_of(folder, hashlib.sha256(data).hexdigest())


def exchanged(folder):
    one, other = kept(folder, FIRST), kept(folder, SECOND)
    one.rename(folder / "x")
    other.rename(one)
    (folder / "x").rename(other)


def flipped(folder):
    data = bytearray(SECOND)
    data[3000] ^= 1
    kept(folder, SECOND).write_bytes(data)


def for_a_link(folder):
    home = kept(folder, FIRST)
    home.rename(folder.parent / "elsewhere")
    home.symlink_to(folder.parent / "elsewhere")


def for_a_folder(folder):
    kept(folder, FIRST).unlink()
    kept(folder, FIRST).mkdir()


def for_a_pipe(folder):
    kept(folder, FIRST).unlink()
    os.mkfifo(kept(folder, FIRST))


def put_back(folder):
    kept(folder, GONE).parent.mkdir(exist_ok=True)
    kept(folder, GONE).write_bytes(GONE)


FILES = {
    "two files exchanged": (exchanged, [(7, "evidence"), (8, "evidence")]),
    "a file cut": (lambda folder: os.truncate(kept(folder, SECOND), 5999), [(8, "evidence")]),
    "a file emptied": (lambda folder: os.truncate(kept(folder, SECOND), 0), [(8, "evidence")]),
    "a byte more": (lambda folder: kept(folder, FIRST).write_bytes(FIRST + b"x"), [(7, "evidence")]),
    "a bit flipped": (flipped, [(8, "evidence")]),
    "a file removed": (lambda folder: kept(folder, FIRST).unlink(), [(7, "evidence")]),
    "a link in its place": (for_a_link, [(7, "evidence")]),
    "a folder in its place": (for_a_folder, [(7, "evidence")]),
    "a pipe in its place": (for_a_pipe, [(7, "evidence")]),
    "all files removed": (shutil.rmtree, [(7, "evidence"), (8, "evidence")]),
    "a removed file that is still there": (put_back, []),
    "a file too many": (lambda folder: (folder / "x").write_bytes(b"x"), []),
    "nothing": (lambda folder: None, []),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_was_done_to_evidence_files_is_found_by_both_verifiers_alike(file, attachments, kind):
    do, expected = FILES[kind]
    do(attachments)
    assert ours(file, attachments=attachments) == theirs(file, attachments=attachments) == expected
    # Who does not look sees nothing, and is told so.
    assert ours(file) == theirs(file) == []
    assert "2 evidence files" in str(audit(file).notes)


BODY = "UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), {}, {}) AS BLOB) WHERE seq = 8"
ENTRIES = {
    "another hash": BODY.format(f"'{hashlib.sha256(SECOND).hexdigest()}'", f"'{hashlib.sha256(FIRST).hexdigest()}'"),
    "a hash that leads out": BODY.format(f"'{hashlib.sha256(SECOND).hexdigest()}'", "'../../elsewhere'"),
    "a hash that is none": BODY.format(f"'\"{hashlib.sha256(SECOND).hexdigest()}\"'", "'7'"),
    "a hash that is a list": BODY.format(f"'\"{hashlib.sha256(SECOND).hexdigest()}\"'", "'[\"x\"]'"),
    "a very long hash": BODY.format(f"'{hashlib.sha256(SECOND).hexdigest()}'", f"'{'x' * 5000}'"),
    "no hash": BODY.format("'sha256'", "'sha255'"),
    "another size": BODY.format("'6000'", "'6001'"),
    "a size that is text": BODY.format("'6000'", "'\"6000\"'"),
    "a removal that takes another": "UPDATE entry SET supersedes = 8 WHERE seq = 10",
    "a removal of what comes later": "UPDATE entry SET supersedes = 99 WHERE seq = 10",
    "a removal that takes none": "UPDATE entry SET supersedes = NULL WHERE seq = 10",
    "another kind": "UPDATE entry SET kind = 'removal' WHERE seq = 8",
    "a check that says it is evidence": "UPDATE entry SET kind = 'evidence' WHERE seq = 2",
    "no record": "UPDATE entry SET body = CAST('{}' AS BLOB) WHERE seq = 8",
}


@pytest.mark.parametrize("forged", [False, True], ids=["changed", "changed and hashed anew"])
@pytest.mark.parametrize("kind", ENTRIES)
def test_what_was_done_to_entries_of_evidence_is_found_by_both_verifiers_alike(file, attachments, kind, forged):
    alter(file, ENTRIES[kind])
    if forged:
        rechained(file, 2)
    found = ours(file, attachments=attachments)
    assert found == theirs(file, attachments=attachments)
    assert found or (forged and kind == "a removal that takes another"), found


def test_random_bytes_of_random_files_are_found_with_their_entry_by_both(file, attachments):
    chance = random.Random(11)
    for _ in range(100):
        entry, data = chance.choice([(7, FIRST), (8, SECOND)])
        damaged = bytearray(data)
        damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        kept(attachments, data).write_bytes(damaged)
        assert ours(file, attachments=attachments) == theirs(file, attachments=attachments) == [(entry, "evidence")]
        kept(attachments, data).write_bytes(data)
    assert ours(file, attachments=attachments) == []


def test_the_verifier_looks_at_the_folder_beside_the_ledger_or_the_one_that_is_named(file, attachments, tmp_path):
    def run(*arguments):
        done = subprocess.run(
            [sys.executable, str(SCRIPT), str(file), *map(str, arguments)], capture_output=True, text=True
        )
        return done.returncode, done.stdout

    assert run()[0] == 0
    kept(attachments, FIRST).unlink()
    assert run()[0] == 3
    assert run()[1].startswith("entry 7: evidence\n")
    attachments.rename(tmp_path / "moved")
    assert run()[0] == 0
    assert "no folder of evidence files was looked at" in run()[1]
    assert run(tmp_path / "moved")[0] == 3
    assert run(tmp_path / "mistyped")[0] == 1


# Receipts


def test_a_receipt_is_read_back_from_its_file_and_from_any_other_text():
    made = receipts.receipt("0d5a-1", 12, "a" * 64, now=NOW)
    assert found_in(receipts.text_of(made), "x") == [made]
    assert found_in(f"<p>{Receipt('L', 3, 'b' * 64)}</p> and {made}", "x") == [Receipt("L", 3, "b" * 64), made]
    assert found_in(str(made).replace(" ", "\n  "), "copied from a PDF") == [made]
    with pytest.raises(DataError, match="holds no receipt"):
        found_in("nothing", "x.txt")


def test_a_receipt_of_another_ledger_is_told(file):
    assert ours(file, [Receipt("other", 1, "c" * 64)]) == [(None, "receipt")]


def test_a_notice_carries_a_receipt(recorded):
    for notice in recorded.notices("2026-10"):
        for form in ("html", "md"):
            (proof,) = found_in(notice.render(form), form)
            assert ours(recorded.ledger_path, [proof]) == []


# The commands


def test_the_command_says_what_no_receipt_covers_and_exits_with_3_where_it_must(recorded, tmp_path):
    folder, proof = recorded.folder, tmp_path / "proof.txt"
    done = qpi("ledger", "verify", folder=folder)
    assert done.returncode == 0
    assert "no receipt covers any of it" in done.stderr
    assert qpi("ledger", "receipt", "--at", "3", "-o", str(proof), folder=folder).returncode == 0
    assert "no receipt covers entries 4 to" in qpi("ledger", "verify", "--receipt", str(proof), folder=folder).stderr
    alter(recorded.ledger_path, *MUTATIONS["row changed"])
    done = qpi("ledger", "verify", "--receipt", str(proof), folder=folder)
    assert done.returncode == 3
    assert done.stdout.splitlines()[0] == "entry 2: rows: has other rows in checks; rebuild the typed tables"
    assert qpi("ledger", "rebuild", folder=folder).returncode == 0
    assert qpi("ledger", "verify", folder=folder).returncode == 0


def test_a_file_without_a_receipt_and_a_missing_ledger_are_bad_input(folder, tmp_path):
    (tmp_path / "x.txt").write_text("nothing", "utf-8")
    assert qpi("ledger", "verify", "--receipt", str(tmp_path / "x.txt"), folder=folder).returncode == 1
    assert qpi("ledger", "verify", folder=folder).returncode == 1


def test_entries_that_do_not_prove_themselves_are_not_built_upon(recorded):
    alter(recorded.ledger_path, *MUTATIONS["entry.body"])
    assert qpi("ledger", "rebuild", folder=recorded.folder).returncode == 3


# Backup


def test_a_backup_is_the_same_ledger_and_is_verified(recorded, tmp_path):
    report = back_up(recorded.ledger_path, tmp_path / "copy.db")
    with open_ledger(recorded.ledger_path) as ledger:
        assert report.position == ledger.position()
    assert ours(tmp_path / "copy.db") == []
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy.db"]
    with pytest.raises(UsageError, match="is there already"):
        back_up(recorded.ledger_path, tmp_path / "copy.db")


def test_a_ledger_that_does_not_prove_itself_gets_no_backup(recorded, tmp_path):
    alter(recorded.ledger_path, *MUTATIONS["row changed"])
    with pytest.raises(LedgerError, match="does not prove itself"):
        back_up(recorded.ledger_path, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_a_backup_that_cannot_be_written_is_told_and_leaves_nothing(recorded, tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "full", str(path))

    monkeypatch.setattr(backup, "settle", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(LedgerError, match=r"the copy cannot be written \(the disk is full\)"):
        back_up(recorded.ledger_path, tmp_path / "copy.db")
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    with pytest.raises((LedgerError, ProofError)):
        audit(tmp_path / "x.db")
