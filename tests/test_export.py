"""The export: Parquet files that hold what stands at a position of the ledger, whatever happens while they are written."""

import json
import os
import random
import shutil
import sys
from contextlib import contextmanager
from datetime import timedelta

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from qpi import export as exports
from qpi import extracts, frames, lock, manifest, parquet, proofs
from qpi.entries import Actor
from qpi.errors import DataError, ProofError, QpiError, UsageError
from qpi.ledger import open_ledger
from qpi.receipts import found_in
from qpi.recorder import Recorder
from qpi.workspace import Workspace
from support import NOW, drafts, load, measured
from worlds import world

FRAMES = {"checks": frames.checks, "findings": frames.findings, "verifications": frames.verifications}


# What is in a folder, and what should be


def value(cell):
    """A cell of a frame or a file as plain Python has it."""
    if cell is None or cell is frames.pd.NaT or cell is frames.pd.NA or cell != cell:
        return None
    return cell.item() if hasattr(cell, "item") else cell


def in_files(folder):
    """The rows of each table as a stranger reads them: every Parquet file under its folder, by pyarrow alone."""
    found = {}
    for table, columns in manifest.TABLES.items():
        rows = []
        for path in sorted((folder / table).rglob("*.parquet")):
            read = pq.ParquetFile(path).read()
            assert read.schema.equals(parquet.schema(columns)), path
            assert read.num_rows
            days = {day.isoformat()[:7] for day in read["day"].to_pylist()}
            assert {f"month={month}" for month in days} == {path.parent.name}
            entries = read["entry"].to_pylist()
            assert entries == sorted(entries)
            rows += (tuple(row.values()) for row in read.to_pylist())
        found[table] = sorted(rows, key=repr)
    return found


def in_ledger(ledger):
    """The same from the frames of the ledger."""
    found = {}
    day_of = dict(zip(*(frames.checks(ledger)[name].tolist() for name in ("entry", "day")), strict=True))
    for table, read in FRAMES.items():
        frame = read(ledger)
        if table == "findings":
            frame["day"] = [day_of[entry] for entry in frame["entry"].tolist()]
        columns = [[value(cell) for cell in frame[name].astype("object").tolist()] for name in frame.columns]
        for kind, cells in zip(manifest.TABLES[table].values(), columns, strict=True):
            if kind == frames.DAY:
                cells[:] = [None if cell is None else cell.date() for cell in cells]
            if kind == frames.MOMENT:
                cells[:] = [None if cell is None else cell.to_pydatetime() for cell in cells]
        found[table] = sorted(zip(*columns, strict=True), key=repr) if len(frame) else []
    return found


def tree(folder):
    """Every file with its bytes and when it was written, but for the lock."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name != exports.LOCK
    }


def parts_in(folder):
    return {name: what for name, what in tree(folder).items() if name.endswith(".parquet")}


def sound(folder):
    """What the manifest says is there, every byte of it, and nothing else of that kind."""
    kept = manifest.of(folder)
    assert manifest.faults(folder, kept, whole=True) == []
    for table in manifest.TABLES:
        assert kept.rows(table) == sum(
            pq.read_metadata(folder / p.path).num_rows for p in kept.parts if p.table == table
        )
    return kept


# Ledgers that grow


@contextmanager
def growing(path, made):
    """A ledger for a world's records, and who writes into it."""
    found = load(made["workspace"])
    with open_ledger(path, create=True, ledger_id="growing", now=NOW) as ledger:
        yield ledger, Recorder(ledger, found, actor=Actor("test"), clock=lambda: NOW)


def batches(records, rng):
    """Records in some parts; verifications may come much later than their checks."""
    cuts = sorted(rng.sample(range(len(records) + 1), min(3, len(records))))
    return [records[a:b] for a, b in zip([0, *cuts], [*cuts, len(records)], strict=True)]


def meddle(recorder, rng):
    """Void some checks and verifications, and put others in the place of some, as the rules let one."""
    checks = frames.checks(recorder.ledger)
    verified = frames.verifications(recorder.ledger)["entry"].tolist()
    entries = checks["entry"].tolist()
    for entry in rng.sample(entries, min(3, len(entries))) + rng.sample(verified, min(2, len(verified))):
        try:
            recorder.void(entry, reason="录错了")
        except QpiError:
            continue
    left = frames.checks(recorder.ledger)["entry"].tolist()
    for entry in rng.sample(left, min(3, len(left))):
        record = json.loads(recorder.ledger.entry(entry).body)["record"]
        try:
            recorder.correct(entry, {**record, "place": f"改 {entry}"}, reason="地点写错")
        except QpiError:
            continue


def stages(recorder, records, rng):
    """Record some parts of the records, void and correct what is there before the next, and stop after each."""
    for number, some in enumerate(batches(records, rng)):
        recorder.record(drafts(some), accept_good=True)
        if number:
            meddle(recorder, rng)
        yield number


@pytest.mark.parametrize("seed", range(60 if os.environ.get("QPI_CI") else 12))
def test_whatever_is_recorded_voided_and_corrected_between_exports_the_files_hold_what_the_frames_hold(tmp_path, seed):
    rng, made = random.Random(seed), world(seed)
    out = tmp_path / "out"
    with growing(tmp_path / "ledger.db", made) as (ledger, recorder):
        for _ in stages(recorder, made["records"], rng):
            exports.export(ledger, out, now=NOW)
            kept = sound(out)
            assert kept[:3] == ledger.position()
            assert in_files(out) == in_ledger(ledger)
            assert proofs.compared(ledger, out, kept) == []
        exports.export(ledger, tmp_path / "fresh", now=NOW)
        assert in_files(tmp_path / "fresh") == in_files(out)


@pytest.mark.parametrize("seed", [1, 5, 9])
def test_small_steps_groups_and_few_open_files_leave_the_same_rows(tmp_path, seed, monkeypatch):
    made = world(seed)
    with growing(tmp_path / "ledger.db", made) as (ledger, recorder):
        recorder.record(drafts(made["records"]))
        monkeypatch.setattr(extracts, "STEP", 7)
        for name, small in (("_MOST_OPEN", 2), ("_MOST_WAITING", 3000)):
            monkeypatch.setattr(exports, name, small)
        monkeypatch.setattr(parquet, "ROWS", 5)
        exports.export(ledger, tmp_path / "out", now=NOW)
        sound(tmp_path / "out")
        assert in_files(tmp_path / "out") == in_ledger(ledger)


# Increments


@pytest.fixture
def grown(tmp_path):
    """A ledger with two months of checks, findings and verifications, exported; who writes into it; and the folder."""
    made = world(2)
    with growing(tmp_path / "ledger.db", made) as (ledger, recorder):
        recorder.record(drafts(made["records"]))
        exports.export(ledger, tmp_path / "out", now=NOW)
        yield ledger, recorder, tmp_path / "out"


def entry_of(ledger, table="checks", number=0):
    return int(FRAMES[table](ledger)["entry"].iloc[number])


def test_nothing_new_leaves_every_file_and_the_manifest_as_they_are(grown):
    ledger, _, out = grown
    before = tree(out)
    done = exports.export(ledger, out, now=NOW + timedelta(days=1))
    assert (done.new, done.renewed, done.gone, done.mended) == ((), (), (), ())
    assert tree(out) == before


def test_a_void_writes_the_file_that_holds_the_row_anew_and_leaves_every_other_byte_for_byte(grown):
    ledger, recorder, out = grown
    frame = frames.checks(ledger)
    with_finding = set(frames.findings(ledger)["entry"])
    entry = next(e for e in frame["entry"].tolist() if e not in with_finding)
    month = str(frame.set_index("entry")["day"][entry])[:7]
    before = parts_in(out)
    recorder.void(entry, reason="录错了")
    done = exports.export(ledger, out, now=NOW)
    after = parts_in(out)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert [f"checks/month={month}" for _ in changed] == [name.rpartition("/")[0] for name in changed]
    assert {part.path for part in done.renewed} == changed
    assert entry not in {row[0] for row in in_files(out)["checks"]}


def test_a_correction_leaves_the_old_file_and_comes_in_a_new_one(grown):
    ledger, recorder, out = grown
    with_finding = set(frames.findings(ledger)["entry"])
    entry = next(e for e in frames.checks(ledger)["entry"].tolist() if e not in with_finding)
    record = json.loads(ledger.entry(entry).body)["record"]
    recorder.correct(entry, {**record, "place": "另一处"}, reason="地点写错")
    seq = ledger.position().seq
    done = exports.export(ledger, out, now=NOW)
    assert [(part.table, part.first, part.last) for part in done.new] == [("checks", seq, seq)]
    assert len(done.renewed) == 1 and not done.gone
    assert in_files(out) == in_ledger(ledger)


def test_a_month_of_which_every_row_is_voided_has_no_file_and_no_folder(tmp_path, recorded):
    out = tmp_path / "out"
    recorded.export(out)
    assert (out / "checks" / "month=2026-10").is_dir()
    with recorded.recorder() as recorder:
        for entry in frames.verifications(recorder.ledger)["entry"].tolist()[::-1]:
            recorder.void(entry, reason="录错了")
    done = recorded.export(out)
    assert [part.table for part in done.gone] == ["verifications"]
    assert not (out / "verifications" / "month=2026-10").exists()
    sound(out)


def test_an_export_needs_no_ledger_file_and_serves_a_ledger_in_postgresql_too(kept, tmp_path_factory):
    from conftest import CHECKS

    workspace, out = Workspace(kept), tmp_path_factory.mktemp("export") / "out"
    with workspace.recorder() as recorder:
        recorder.record(drafts(CHECKS[:3]))
        workspace.export(out)
        recorder.record(drafts(CHECKS[3:]))
        recorder.void("c-3", reason="录错了")
        workspace.export(out)
        sound(out)
        assert in_files(out) == in_ledger(recorder.ledger)
    manifest_, problems, compared = workspace.verify_export(out)
    assert (problems, compared, manifest_.seq) == ([], True, workspace.tables().position.seq)


# Types and texts

NASTY = ["", " ", "null", "NULL", "None", "\\N", "楼道\u3000灯", "a\nb\r\n\tc", "\u0000", "\u202e反", "👩‍🔧", "e\u0301", "𠮷" * 50,
         "'\";--", "\ufeff", "NaN", "9" * 400]  # fmt: skip


def test_every_text_number_day_and_moment_comes_back_as_it_was(tmp_path):
    columns = {"text": frames.TEXT, "key": frames.KEY, "whole": frames.WHOLE, "day": frames.DAY, "at": frames.MOMENT}
    wholes = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), None]
    days = ["1971-01-01", "2026-02-28", "2199-12-31"]
    moments = ["1971-01-01T00:00:00.000000Z", "2026-10-05T01:30:00.000001Z", "2199-12-31T23:59:59.999999Z", None]
    rows = [
        (text, None if n % 5 == 4 else text, wholes[n % 6], days[n % 3], moments[n % 4])
        for n, text in enumerate(NASTY * 3)
    ]
    path = tmp_path / "one.parquet"
    writing = parquet.Writing(path, columns)
    for start in range(0, len(rows), 7):
        writing.add(parquet.table(columns, rows[start : start + 7]))
    writing.close()
    said = [
        (*row[:3], row[3].isoformat(), row[4] and row[4].isoformat(timespec="microseconds").replace("+00:00", "Z"))
        for row in (tuple(one.values()) for one in pq.read_table(path).to_pylist())
    ]
    assert said == rows
    by_duck = duckdb.connect().execute(f"SELECT text, key, whole, day::VARCHAR FROM '{path}'").fetchall()
    assert by_duck == [row[:4] for row in rows]
    assert pl.read_parquet(path).select("text", "key", "whole").rows() == [row[:3] for row in rows]


def test_what_is_no_day_or_moment_is_refused_and_not_written_as_null():
    for kind, text in ((frames.DAY, "2026-13-01"), (frames.MOMENT, "gestern")):
        with pytest.raises(ValueError):
            parquet.table({"day": kind}, [(text,)])


def test_pyarrow_duckdb_and_polars_see_the_declared_types(grown):
    _, _, out = grown
    for table, columns in manifest.TABLES.items():
        files = sorted((out / table).rglob("*.parquet"))
        for path in files:
            schema = pq.read_schema(path)
            assert [(field.name, str(field.type)) for field in schema] == [
                (name, {"date32": "date32[day]", "timestamp[us, UTC]": "timestamp[us, tz=UTC]"}.get(t, t))
                for name, t in ((name, manifest.TYPES[kind]) for name, kind in columns.items())
            ]
        duck = duckdb.connect().execute(
            f"DESCRIBE SELECT * FROM read_parquet('{out}/{table}/**/*.parquet', hive_partitioning=false)"
        )
        names = {
            "text": "VARCHAR",
            "key": "VARCHAR",
            "whole": "BIGINT",
            "day": "DATE",
            "moment": "TIMESTAMP WITH TIME ZONE",
        }
        assert [row[:2] for row in duck.fetchall()] == [(name, names[kind]) for name, kind in columns.items()]
        kinds = {
            "text": pl.String,
            "key": pl.String,
            "whole": pl.Int64,
            "day": pl.Date,
            "moment": pl.Datetime("us", "UTC"),
        }
        lazy = pl.scan_parquet(files, hive_partitioning=False)
        assert dict(lazy.collect_schema()) == {name: kinds[kind] for name, kind in columns.items()}


def test_texts_are_written_with_dictionaries_and_groups_hold_as_many_rows_as_duckdb_reads_at_once(tmp_path):
    columns = {"key": frames.KEY, "day": frames.DAY}
    rows = parquet.table(columns, [("甲" if n % 2 else "乙", "2026-10-05") for n in range(50_000)])
    writing = parquet.Writing(tmp_path / "one.parquet", columns)
    for _ in range(6):
        writing.add(rows)
    writing.close()
    read = pq.ParquetFile(tmp_path / "one.parquet").metadata
    assert [read.row_group(n).num_rows for n in range(read.num_row_groups)] == [122_880, 122_880, 300_000 - 2 * 122_880]
    column = read.row_group(0).column(0)
    assert column.compression == "ZSTD" and column.has_dictionary_page


# The manifest


def test_the_manifest_bears_a_receipt_that_proves_the_ledger(grown):
    ledger, _, out = grown
    (receipt,) = found_in((out / manifest.NAME).read_text("utf-8"), manifest.NAME)
    assert receipt[:3] == ledger.position()
    assert json.loads((out / manifest.NAME).read_text("utf-8"))["columns"]["checks"]["day"] == "date32"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda said: said.update(format=2), "newer release (format 2); upgrade qpi"),
        (lambda said: said["columns"]["checks"].pop("weather"), "other columns"),
        (lambda said: said.update(format=True), "is no manifest"),
        (lambda said: said.update(seq=said["seq"] - 1), "is no manifest"),
        (lambda said: said.update(head="0" * 64), "is no manifest"),
        (lambda said: said.update(receipt="none"), "is no manifest"),
        (lambda said: said["files"].append(said["files"][0]), "is no manifest"),
        (lambda said: said["files"][0].update(path="../../etc/part-0-1.parquet"), "is no manifest"),
        (lambda said: said["files"][0].update(path=said["files"][0]["path"].replace("part-0", "part-00")), "is no manifest"),
        (lambda said: said["files"][0].update(rows="1"), "is no manifest"),
        (lambda said: said["files"][0].update(sha256="x"), "is no manifest"),
        (lambda said: said.pop("files"), "is no manifest"),
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_of_this_release_is_refused_by_everyone_and_the_folder_stays(grown, spoil, words):
    ledger, _, out = grown
    said = json.loads((out / manifest.NAME).read_text("utf-8"))
    spoil(said)
    (out / manifest.NAME).write_text(json.dumps(said), "utf-8")
    before = tree(out)
    with pytest.raises(DataError, match=words.replace("(", r"\(").replace(")", r"\)")):
        exports.export(ledger, out, now=NOW)
    with pytest.raises(DataError):
        proofs.verify(out)
    assert tree(out) == before


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"\xff", b"{", b"[" * 100_000])
def test_what_is_no_json_object_is_no_manifest(grown, text):
    ledger, _, out = grown
    (out / manifest.NAME).write_bytes(text)
    with pytest.raises(DataError, match="is no manifest of an export; put the folder away"):
        exports.export(ledger, out, now=NOW)


# Refusals


def test_a_folder_with_anything_else_in_it_is_refused_and_stays_as_it_is(grown, tmp_path):
    ledger, _, _ = grown
    other = tmp_path / "other"
    (other / "checks" / "month=2026-10").mkdir(parents=True)
    (other / "checks" / "month=2026-10" / "mine.parquet").write_bytes(b"mine")
    with pytest.raises(UsageError, match="is not empty and holds no export"):
        exports.export(ledger, other, now=NOW)
    assert [path.name for path in other.rglob("*") if path.is_file()] == ["mine.parquet"]
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UsageError, match="is no folder"):
        exports.export(ledger, tmp_path / "file", now=NOW)


def test_an_export_of_another_ledger_is_refused_and_stays_as_it_is(grown, tmp_path):
    _, _, out = grown
    before = tree(out)
    with open_ledger(tmp_path / "other.db", create=True, ledger_id="other", now=NOW) as other:
        other.begin()
        with pytest.raises(UsageError, match=r"is an export of another ledger \(growing\); name another folder"):
            exports.export(other, out, now=NOW)
        found = proofs.compared(other, out, manifest.of(out))
        assert [str(problem.fault) for problem in found] == ["is an export of another ledger (growing)"]
    assert tree(out) == before


def test_a_ledger_that_has_lost_entries_or_has_others_is_refused_with_exit_of_proof(tmp_path):
    made = world(2)
    out = tmp_path / "out"
    with growing(tmp_path / "ledger.db", made) as (ledger, recorder):
        half = len(made["records"]) // 2
        recorder.record(drafts(made["records"][:half]))
        shutil.copy(tmp_path / "ledger.db", tmp_path / "early.db")
        recorder.record(drafts(made["records"][half:]), accept_good=True)
        exports.export(ledger, out, now=NOW)
        entries = ledger.position().seq
    before = tree(out)
    with open_ledger(tmp_path / "early.db") as early:
        with pytest.raises(ProofError, match=f"reaches to entry {entries}, which the ledger does not have"):
            exports.export(early, out, now=NOW)
        recorder = Recorder(early, load(made["workspace"]), actor=Actor("forger"), clock=lambda: NOW)
        recorder.record(drafts(made["records"][half:]), accept_good=True)
        while early.position().seq < entries:
            recorder.void(entry_of(early), reason="录错了")
        with pytest.raises(ProofError, match=f"entry {entries} of the ledger is not the one that was exported"):
            exports.export(early, out, now=NOW)
        assert proofs.compared(early, out, manifest.of(out))
    assert tree(out) == before


def test_two_exports_at_once_are_refused(grown):
    ledger, _, out = grown
    with lock.held(out / exports.LOCK), pytest.raises(UsageError, match="another program is writing there"):
        exports.export(ledger, out, now=NOW)
    exports.export(ledger, out, now=NOW)


def test_a_parquet_file_that_is_not_of_the_export_is_refused_by_everyone(grown):
    ledger, _, out = grown
    home = next((out / "checks").iterdir())
    (home / "part-999-1000.parquet").write_bytes(next(home.iterdir()).read_bytes())
    before = tree(out)
    for act in (lambda: exports.export(ledger, out, now=NOW), lambda: opened(out)):
        with pytest.raises(DataError, match="is no file of this export; put it elsewhere"):
            act()
    assert tree(out) == before
    assert len(proofs.verify(out)[1]) == 1


def test_a_linked_folder_in_the_partitions_is_refused(grown, tmp_path):
    ledger, _, out = grown
    (tmp_path / "elsewhere").mkdir()
    (out / "checks" / "month=2020-01").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="month=2020-01: is no file of this export"):
        exports.export(ledger, out, now=NOW)


def opened(folder):
    from qpi import duck

    with duck.opened(folder):
        pass


# Damage


def test_a_file_that_is_missing_or_has_another_size_is_refused_by_readers_and_mended_by_the_next_export(grown):
    ledger, _, out = grown
    expected, kept = in_files(out), manifest.of(out)
    first, second, third = (out / part.path for part in kept.parts[:3])
    first.unlink()
    second.write_bytes(second.read_bytes() + b"x")
    third.unlink()
    third.symlink_to(out / kept.parts[3].path)
    with pytest.raises(DataError, match="missing"):
        opened(out)
    done = exports.export(ledger, out, now=NOW)
    assert done.mended == tuple(sorted(part.path for part in kept.parts[:3]))
    assert (done.new, done.renewed, done.gone) == ((), (), ())
    assert in_files(out) == expected
    assert [part.sha256 for part in sound(out).parts] == [part.sha256 for part in kept.parts]


def test_verifying_reads_every_byte_and_sees_what_a_size_does_not_show(grown):
    ledger, _, out = grown
    kept = manifest.of(out)
    path = out / kept.parts[0].path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert manifest.faults(out, kept) == []
    assert [problem.text("en") for problem in proofs.verify(out, ledger)[1]] == [
        f"{path}: the file has other bytes; delete it and run qpi export {out}, which writes it anew"
    ]
    path.unlink()
    assert [problem.text("en") for problem in proofs.verify(out, ledger)[1]] == [
        f"{path}: the file is missing; run qpi export {out}, which writes it anew"
    ]
    exports.export(ledger, out, now=NOW)
    assert proofs.verify(out, ledger)[1] == []


def test_verifying_counts_the_rows_of_the_ledger_at_the_position_of_the_export(grown):
    ledger, recorder, out = grown
    kept = manifest.of(out)
    recorder.void(entry_of(ledger), reason="录错了")
    assert proofs.verify(out, ledger)[1] == []
    less = kept._replace(parts=kept.parts[1:])
    (problem,) = proofs.compared(ledger, out, less)
    assert problem.fault == f"checks of {kept.parts[0].month}: 0 rows, and {kept.parts[0].rows} in the ledger"


# Kills

STRIDE = 1 if os.environ.get("QPI_CI") else 5
"""Every step is one to be killed before, or every fifth."""

EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}


def killed(path, out, at):
    """Export in a child that is killed before the step `at` that it takes in the folder; return whether it was."""
    child = os.fork()
    if not child:
        steps = iter(range(10_000))

        def step(event, given):
            inside = event in EVENTS and isinstance(given[0], str | os.PathLike) and str(given[0]).startswith(str(out))
            if inside and next(steps) == at:
                os._exit(9)

        with open_ledger(path) as ledger:
            sys.addaudithook(step)
            exports.export(ledger, out, now=NOW)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("first", [True, False])
def test_an_export_that_is_killed_at_any_step_is_seen_and_finished_by_the_next_one(tmp_path, first):
    made = world(2)
    path, base = tmp_path / "ledger.db", tmp_path / "base"
    with growing(path, made) as (ledger, recorder):
        records = made["records"]
        recorder.record(drafts(records[: len(records) // 2]))
        if not first:
            exports.export(ledger, base, now=NOW)
        recorder.record(drafts(records[len(records) // 2 :]), accept_good=True)
        meddle(recorder, random.Random(1))
        exports.export(ledger, tmp_path / "fresh", now=NOW)
        expected = in_files(tmp_path / "fresh")
    old = in_files(base) if not first else None
    seen = set()
    for at in range(0, 1000, STRIDE):
        out = tmp_path / f"out-{at}"
        if not first:
            shutil.copytree(base, out)
        if not killed(path, out, at):
            break
        seen.add(state(out, old, expected))
        with open_ledger(path) as ledger:
            exports.export(ledger, out, now=NOW)
            sound(out)
            assert in_files(out) == expected
            assert proofs.verify(out, ledger)[1] == []
        assert not [one for one in out.rglob(".*") if one.name != exports.LOCK]
        shutil.rmtree(out)
    assert at > 30
    # A control: a stranger would meet neither the old rows nor the new ones, and only the manifest to be says so.
    few = {"none", "undone"} if first else {"old", "undone mixed", "undone"}
    assert few <= seen <= {*few, "new"}


def state(out, old, expected):
    """How a killed export left a folder; a manifest that readers take names what is there, to the byte."""
    try:
        manifest.of(out)
    except DataError as error:
        if "holds no export" in str(error):
            return "none"
        assert "is being written here, or was cut off" in str(error)
        return "undone mixed" if in_files(out) not in (old, expected) and old is not None else "undone"
    sound(out)
    found = in_files(out)
    assert found in (old, expected)
    return "old" if found == old else "new"


def test_a_power_cut_that_spoils_what_was_to_be_put_in_place_is_mended(grown):
    """The manifest to be is there, a file beside its place is half written, and the file in its place is the old one."""
    ledger, recorder, out = grown
    recorder.void(entry_of(ledger), reason="录错了")

    class Cut(Exception):
        pass

    def cut(*_):
        raise Cut

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Cut):
        patch.setattr(exports, "_put", cut)
        exports.export(ledger, out, now=NOW)
    (beside, *_) = [one for one in out.rglob(".part-*") if manifest.is_staged(one.name)]
    beside.write_bytes(beside.read_bytes()[:100])
    exports.export(ledger, out, now=NOW)
    sound(out)
    assert in_files(out) == in_ledger(ledger)


def test_an_export_that_fails_leaves_the_folder_as_it_was(grown, monkeypatch):
    ledger, recorder, out = grown
    recorder.void(entry_of(ledger), reason="录错了")
    before = tree(out)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports.manifest, "digest", full)
    with pytest.raises(OSError, match="No space left"):
        exports.export(ledger, out, now=NOW)
    assert tree(out) == before


# Figures


@pytest.mark.parametrize("start", range(0, 40 if os.environ.get("QPI_CI") else 6, 2))
def test_the_figures_of_an_export_are_those_of_the_ledger_for_every_query(tmp_path, start):
    from qpi import duck

    for seed in range(start, start + 2):
        made, out = world(seed), tmp_path / f"out-{seed}"
        found = load(made["workspace"])
        with growing(tmp_path / f"{seed}.db", made) as (ledger, recorder):
            half = len(made["records"]) // 2
            recorder.record(drafts(made["records"][:half]))
            exports.export(ledger, out, now=NOW)
            recorder.record(drafts(made["records"][half:]), accept_good=True)
            meddle(recorder, random.Random(seed))
            exports.export(ledger, out, now=NOW)
            own = [read(ledger) for read in FRAMES.values()]
        with duck.opened(out, threads=2) as tables:
            for query in made["queries"]:
                assert measured(found, tables[:3], *query) == measured(found, own, *query), (seed, query)


def test_an_export_that_is_brought_up_to_date_while_it_is_read_is_told(grown):
    from qpi import duck

    ledger, recorder, out = grown
    with pytest.raises(DataError, match="brought up to date while it was read; run this again"), duck.opened(out):
        recorder.void(entry_of(ledger), reason="录错了")
        exports.export(ledger, out, now=NOW)


def test_columns_of_other_types_are_refused(grown):
    from qpi import duck

    _, _, out = grown
    kept = manifest.of(out)
    other = []
    for part in kept.parts:
        path = out / part.path
        if part.table == "checks":
            read = pq.ParquetFile(path).read()
            place = read.schema.get_field_index("day")
            pq.write_table(read.set_column(place, "day", read["day"].cast(pa.string())), path)
        other.append(part._replace(size=path.stat().st_size))
    (out / manifest.NAME).write_text(manifest.text_of(kept._replace(parts=tuple(other))), "utf-8")
    with pytest.raises(DataError, match="columns day are not what the manifest declares"), duck.opened(out):
        pass


def test_a_folder_whose_name_holds_signs_of_patterns_is_read_as_it_is(grown, tmp_path):
    from qpi import duck

    ledger, _, _ = grown
    out = tmp_path / "出[1]*?{a,b} '\""
    exports.export(ledger, out, now=NOW)
    with duck.opened(out, threads=1, memory_limit="500MB") as tables:
        assert len(tables.checks.df()) == len(frames.checks(ledger))
        assert tables.checks.select("id").limit(1).fetchall()
    with pytest.raises(UsageError, match="DuckDB does not take these settings"), duck.opened(out, memory_limit="much"):
        pass


def test_an_empty_ledger_has_tables_without_rows(tmp_path, folder):
    workspace = Workspace(folder)
    with workspace.ledger(create=True, now=NOW) as ledger:
        ledger.begin()
    done = workspace.export(tmp_path / "out")
    assert (done.manifest.seq, done.manifest.parts) == (0, ())
    frame = workspace.metrics("2026-10", source=tmp_path / "out")
    assert frame.equals(workspace.metrics("2026-10"))
