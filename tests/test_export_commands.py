"""The commands of the export: what they print, where, and how they end."""

import json
import os
import subprocess
import sys
from datetime import date

import pandas as pd
import pytest

from qpi import Workspace, demonstration, telling
from qpi.entries import Actor
from qpi.errors import DataError, UsageError
from qpi.policy import INDICATORS
from qpi.receipts import Receipt
from qpi.workspace import TablesOfExport
from test_command_line import qpi

COMMANDS = (["metrics", "2026-10"], ["rank", "2026-10", "traceability"], ["explain", "2026-10", "coverage"])
"""Commands that take an export in place of the ledger."""


@pytest.fixture
def exported(recorded, tmp_path_factory):
    """A workspace with five records, and the folder of its export."""
    out = tmp_path_factory.mktemp("exported") / "out"
    recorded.export(out)
    return recorded, out


def test_an_export_prints_what_it_wrote_and_the_receipt_and_a_second_one_that_nothing_is_new(exported):
    recorded, out = exported
    done = qpi("export", f"{out}2", folder=recorded.folder)
    assert done.stdout.splitlines()[0] == f"{out}2: 3 files added, 0 written anew for what was voided or corrected"
    assert (done.returncode, done.stderr) == (0, "")
    again = qpi("export", str(out), folder=recorded.folder)
    position = recorded.tables().position
    first, second, receipt = again.stdout.splitlines()
    assert first == f"{out}: nothing new"
    assert second == f"{out}: 3 checks, 3 findings, 2 second verifications"
    assert receipt.startswith(str(Receipt(*position)))
    assert again.returncode == 0


def test_what_is_voided_is_written_anew_and_what_was_harmed_is_told(exported):
    recorded, out = exported
    (path,) = (out / "verifications").rglob("*.parquet")
    path.unlink()
    qpi("void", "c-3", "--reason", "录错了", folder=recorded.folder)
    done = qpi("export", str(out), folder=recorded.folder)
    assert done.stdout.splitlines()[0] == f"{out}: 0 files added, 1 written anew for what was voided or corrected"
    assert "part-0-6.parquet: was not what was exported, and is written anew" in done.stderr
    assert qpi("export", str(out), "--verify", folder=recorded.folder).returncode == 0


@pytest.mark.parametrize(
    ("command", "form"),
    [
        (["metrics", "2026-10", "--by", "project"], "table"),
        (["metrics", "2026-10", "--by", "project"], "json"),
        (["metrics", "2026-10", "--compare"], "csv"),
        (["rank", "2026-10", "traceability", "--minimum", "1"], "table"),
        (["rank", "2026-10", "traceability", "--minimum", "1"], "csv"),
        (["explain", "2026-10", "coverage", "--all"], "table"),
        (["explain", "2026-10", "closure_all", "--where", "project=P01"], "json"),
    ],
)
def test_from_an_export_the_same_is_printed_as_from_the_ledger_and_none_is_needed(exported, command, form):
    recorded, out = exported
    arguments = [*command, "--format", form, "--as-of", "2026-11-20"]
    own = qpi(*arguments, folder=recorded.folder)
    (recorded.folder / "qpi.db").unlink()
    done = qpi(*arguments, "--from", str(out), folder=recorded.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, own.stdout, own.stderr)
    assert ("qpi-receipt-v1" in done.stdout + done.stderr) == (command[0] == "metrics")
    assert not (recorded.folder / "qpi.db").exists()


@pytest.mark.parametrize("by", ["", "project", "inspector", "month,specialty"])
def test_metrics_from_stored_tallies_print_what_those_of_the_ledger_print(exported, by):
    recorded, out = exported
    first = qpi("export", str(out), "--tallies", folder=recorded.folder)
    assert f"{out}: tallies of 1 month counted" in first.stdout.splitlines()
    qpi("void", "c-3", "--reason", "录错了", folder=recorded.folder)
    assert "tallies of 1 month counted" in qpi("export", str(out), folder=recorded.folder).stdout
    assert "counted" not in qpi("export", str(out), folder=recorded.folder).stdout
    arguments = ["metrics", "2026-10", "--by", by, "--format", "json", "--as-of", "2026-11-20"]
    own = qpi(*arguments, folder=recorded.folder)
    done = qpi(*arguments, "--from", str(out), folder=recorded.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, own.stdout, own.stderr)


def test_figures_come_from_stored_tallies_without_a_look_at_the_rows(exported):
    recorded, out = exported
    own = recorded.metrics("2026-10", by=["project"], as_of=date(2026, 11, 20))
    assert recorded.export(out, tallies=True).counted == ("2026-10",)
    with recorded.exported(out) as tables:
        blind = TablesOfExport(None, None, None, tables.position)
        blind.stored, blind.folder, blind.manifest = tables.stored, tables.folder, tables.manifest
        day = date(2026, 11, 20)
        assert recorded.measured("2026-10", by=["project"], as_of=day, tables=blind).equals(own)
        compared = recorded.compared("2026-10", by=["project"], as_of=day, tables=blind)
        assert compared.equals(recorded.compared("2026-10", by=["project"], as_of=day))
        ranked = recorded.ranked("2026-10", "traceability", as_of=day, tables=blind)
        assert ranked.equals(recorded.ranked("2026-10", "traceability", as_of=day))
        # Of an earlier day they know too much.
        with pytest.raises(UsageError, match="is no table"):
            recorded.measured("2026-10", as_of=date(2026, 10, 5), tables=blind)


def test_metrics_from_an_export_are_of_its_entry_and_not_of_the_ledger_since(exported):
    recorded, out = exported
    before = qpi("metrics", "2026-10", "--format", "json", "--from", str(out), folder=recorded.folder).stdout
    qpi("void", "c-3", "--reason", "录错了", folder=recorded.folder)
    assert qpi("metrics", "2026-10", "--format", "json", "--from", str(out), folder=recorded.folder).stdout == before
    assert qpi("metrics", "2026-10", "--format", "json", folder=recorded.folder).stdout != before


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_another_state_of_an_export_is_refused_with_the_reason(exported, command):
    recorded, out = exported
    done = qpi(*command, "--from", str(out), "--at", "3", folder=recorded.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "an export is at one entry of the ledger, and has no other state; leave out --at" in done.stderr


@pytest.mark.parametrize("call", ["metrics", "compared", "ranked", "explain"])
def test_from_python_another_state_of_an_export_is_refused_too_and_its_rows_are_those_of_the_ledger(exported, call):
    recorded, out = exported
    given = ["2026-10", *(["traceability"] if call in ("ranked", "explain") else [])]
    with pytest.raises(UsageError, match="an export is at one entry of the ledger, and has no other state"):
        getattr(recorded, call)(*given, source=out, at=3)
    own, other = (getattr(recorded, call)(*given, source=source, as_of=date(2026, 11, 20)) for source in (None, out))
    if call == "explain":
        own, other = own.frames["checks"], other.frames["checks"]
    pd.testing.assert_frame_equal(own, other)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_folder_that_is_no_export_or_is_not_whole_is_refused_with_place_fault_and_remedy(exported, command, tmp_path):
    recorded, out = exported
    done = qpi(*command, "--from", str(tmp_path), folder=recorded.folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path}: holds no export; name the folder of a qpi export" in done.stderr
    (path,) = (out / "checks").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-1])
    done = qpi(*command, "--from", str(out), folder=recorded.folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path}: the file has" in done.stderr and f"run qpi export {out}, which writes it anew" in done.stderr


def test_verifying_prints_what_is_wrong_and_ends_with_3_and_in_chinese_where_that_is_spoken(exported):
    recorded, out = exported
    done = qpi("export", str(out), "--verify", folder=recorded.folder)
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = (out / "checks").rglob("*.parquet")
    path.write_bytes(bytes([*path.read_bytes()[:-1], 0]))
    done = qpi("export", str(out), "--verify", "--lang", "zh", folder=recorded.folder)
    assert done.returncode == 3
    assert f"{path}: 文件内容已变" in done.stdout or "请删除它" in done.stdout
    (recorded.folder / "qpi.db").unlink()
    done = qpi("export", str(out), "--verify", folder=recorded.folder)
    assert done.returncode == 3
    assert "there is no ledger here to compare with" in done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("place", [5, 200, -30, -2])
def test_a_file_whose_bytes_changed_is_refused_before_a_figure_comes_from_it(exported, command, place):
    """Of the same size, so that no look at the folder shows it: in its head, its columns, its foot and its end."""
    recorded, out = exported
    (path,) = (out / "findings").rglob("*.parquet")
    data = bytearray(path.read_bytes())
    data[place] ^= 16
    path.write_bytes(data)
    done = qpi(*command, "--from", str(out), folder=recorded.folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path}: the file has other bytes; delete it and run qpi export {out}" in done.stderr
    with pytest.raises(DataError, match="has other bytes"), recorded.exported(out):
        pass
    path.unlink()
    qpi("export", str(out), folder=recorded.folder)
    assert qpi(*command, "--from", str(out), folder=recorded.folder).returncode == 0


def test_what_duckdb_cannot_read_is_told_with_the_folder(exported):
    recorded, out = exported
    (path,) = (out / "findings").rglob("*.parquet")
    with pytest.raises(DataError, match="has other bytes"), recorded.exported(out) as tables:
        path.write_bytes(b"x" * path.stat().st_size)
        recorded.measured("2026-10", tables=tables)


def test_verifying_reads_stored_tallies_too_and_the_next_export_counts_again_what_was_deleted(exported):
    recorded, out = exported
    qpi("export", str(out), "--tallies", folder=recorded.folder)
    assert qpi("export", str(out), "--verify", folder=recorded.folder).returncode == 0
    path = out / "tallies" / "month=2026-10" / "looks.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    done = qpi("export", str(out), "--verify", folder=recorded.folder)
    assert done.returncode == 3
    assert f"{path}: is not what was stored; delete it and run qpi export {out}, which counts" in done.stdout
    path.unlink()
    assert "tallies of 1 month counted" in qpi("export", str(out), folder=recorded.folder).stdout
    assert qpi("export", str(out), "--verify", folder=recorded.folder).returncode == 0


def test_without_a_ledger_there_is_nothing_to_export(folder, tmp_path):
    done = qpi("export", str(tmp_path / "out"), folder=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no ledger; import records first" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_ledger_that_lost_what_was_exported_ends_with_3(exported):
    recorded, out = exported
    said = json.loads((out / "export.json").read_text("utf-8"))
    head = "0" * 64
    said["receipt"] = said["receipt"].replace(said["head"], head)
    said["head"] = head
    (out / "export.json").write_text(json.dumps(said), "utf-8")
    done = qpi("export", str(out), folder=recorded.folder)
    assert (done.returncode, done.stdout) == (3, "")
    assert "entry 6 of the ledger is not the one that was exported; verify the ledger with --receipt" in done.stderr
    assert qpi("ledger", "verify", "--receipt", str(out / "export.json"), folder=recorded.folder).returncode == 3


def test_the_manifest_is_a_receipt_for_the_ledger(exported):
    recorded, out = exported
    done = qpi("ledger", "verify", "--receipt", str(out / "export.json"), folder=recorded.folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("library", "arguments"), [("pyarrow", ["export", "OUT2"]), ("duckdb", ["metrics", "2026-10", "--from", "OUT"])]
)
def test_a_missing_library_is_named_with_the_extra_that_brings_it(exported, library, arguments):
    recorded, out = exported
    named = [{"OUT": str(out), "OUT2": f"{out}2"}.get(word, word) for word in arguments]
    program = (
        f"import sys; sys.modules[{library!r}] = None; sys.argv = ['qpi', *{named!r}]; from qpi.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "-w", str(recorded.folder)], capture_output=True, text=True, check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"}, cwd=recorded.folder,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "install 'qpi[parquet]'" in done.stderr
    assert not out.with_name("out2").exists()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo, exported twice: in between some checks were voided, and checks of January came in late."""
    folder = tmp_path_factory.mktemp("demo")
    list(demonstration.run(folder, language="en"))
    workspace = Workspace(folder)
    out = folder / "out"
    workspace.export(out)
    checks = workspace.tables().checks
    again = [
        {"id": f"late-{row.id}", "project": row.project, "point": row.point, "role": row.role,
         "checked_at": f"{row.day:%Y-%m-%d}T08:00:00+08:00"}
        for row in checks[checks["day"] < "2026-02-01"].iloc[::9].itertuples()
    ]  # fmt: skip
    with workspace.recorder(actor=Actor("test")) as recorder:
        for check in checks["id"].iloc[5::400]:
            recorder.void(check, reason="x")
        assert recorder.record(again).recorded > 20
    workspace.export(out)
    return workspace, out


@pytest.mark.parametrize("indicator", INDICATORS)
def test_what_stands_behind_the_figures_of_a_year_is_the_same_from_an_export(demo, indicator):
    workspace, out = demo
    for period, where in (("2026-Q1", {}), ("2026-Q3", {"project": "P01", "role": "supervisor"})):
        own, other = (
            workspace.explain(period, indicator, where=where, as_of=date(2026, 11, 20), source=source)
            for source in (None, out)
        )
        assert any(map(len, own.frames.values()))
        assert telling.to_json(own) == telling.to_json(other)
        assert telling.to_csv(own) == telling.to_csv(other)


def test_the_files_of_an_export_do_not_stand_in_the_order_of_the_ledger(demo):
    """A negative control: what is read of an export without being put in order is told from what the ledger has."""
    workspace, out = demo
    with workspace.exported(out) as tables:
        entries = [entry for (entry,) in tables.checks.select("entry").fetchall()]
    assert entries != sorted(entries)
