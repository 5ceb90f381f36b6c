"""What a result is written over, what it never is, and in which form it is written."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from qpi import cli, console, drafts, targets, terms
from qpi.errors import QpiError, UsageError

HASH = "ab" + "0" * 62
LINE = '{"id": "c-1", "project": "P01", "point": "KF-001"}\n'


@pytest.fixture
def place(tmp_path):
    """A workspace's folder with an export in it and one file of each kind."""
    manifest = '{\n "format": 1,\n "ledger": "x",\n "seq": 3'
    files = {
        "qpi.yaml": "organisation: 示例物业\n",
        "templates/handbook.html": "<p>ours</p>",
        "qpi.db-wal": "x",
        "d1/records/2026-10.jsonl": LINE,
        "own.NDJSON": LINE,
        "records/own-columns.csv": "Nr,Objekt\n1,P01\n",
        "export/export.json": manifest,
        "export/checks/month=2026-10/part-0-3.parquet": "PAR1",
        "export/tallies/tallies.json": "{}",
        "half/.export.next.json": manifest,
        "half/findings/x.txt": "x",
        "parquet/one.parquet": "x",
        "parquet/two": "PAR1",
        f"evidence/ab/{HASH}": "photo",
        "evidence/stray.txt": "x",
        f"elsewhere/ab/{HASH}": "photo",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("qpi.yaml", "holds definitions"),
        ("templates/handbook.html", "holds definitions"),
        ("qpi.db-wal", "holds a ledger"),
        ("d1/records/2026-10.jsonl", "holds records"),
        ("own.NDJSON", "holds records"),
        ("records/own-columns.csv", "holds records"),
        ("export/export.json", "belongs to an export"),
        ("export/checks/month=2026-10/part-0-3.parquet", "belongs to an export"),
        ("export/checks/month=2026-10/new.csv", "belongs to an export"),
        ("export/tallies/tallies.json", "belongs to an export"),
        ("half/.export.next.json", "belongs to an export"),
        ("half/findings/x.txt", "belongs to an export"),
        ("parquet/one.parquet", "belongs to an export"),
        ("parquet/two", "belongs to an export"),
        (f"evidence/ab/{HASH}", "belongs to the evidence files"),
        ("evidence/stray.txt", "belongs to the evidence files"),
        (f"elsewhere/ab/{HASH}", "belongs to the evidence files"),
    ],
)
def test_nothing_that_could_be_lost_is_written_over(place, name, what, monkeypatch):
    target = place / name
    before = target.read_bytes() if target.exists() else None
    with pytest.raises(UsageError) as caught:
        console.put("a result", str(target))
    assert str(caught.value) == f"{target} {what}; name another file"
    assert (target.read_bytes() if target.exists() else None) == before
    # Named from within its own folder, the folders above it are not in the name.
    monkeypatch.chdir(target.parent)
    assert targets.fault_of(Path(target.name)) is not None


def test_what_a_link_leads_to_is_not_written_over(place):
    link = place / "report.csv"
    link.symlink_to(place / "export" / "export.json")
    assert str(targets.fault_of(link)) == f"{link} belongs to an export"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize(
    "header", ["编号,项目,核查时间", "问题项;验证时间", '"id","project","checked_at"', "finding,verified_at"]
)
def test_a_file_of_records_is_told_by_its_header(tmp_path, header, codec):
    file = tmp_path / "october.csv"
    file.write_text(f"{header}\nc-1,P01,\n", codec)
    assert str(targets.fault_of(file)) == f"{file} holds records"


def test_a_header_that_an_import_takes_has_one_of_the_columns_that_tell_records():
    from qpi.csvfile import _NEEDED

    for needed, columns in zip(_NEEDED.values(), (terms.CHECK_COLUMNS, terms.VERIFICATION_COLUMNS), strict=True):
        (moment,) = {"checked_at", "verified_at"}.intersection(needed)
        assert {moment, *columns[moment]} <= targets._MOMENTS
    assert drafts.Vocabulary().columns == {}, (
        "a mapping of one's own may name it otherwise: the folder `records` is for these"
    )


@pytest.mark.parametrize("text", ["[]\n", "", "project,indicator,done\n", '{"indicator": "closure", "ledger": 1}\n'])
@pytest.mark.parametrize(
    "name", ["report.csv", "export.json", "checks/report.csv", "export/report.csv", "evidence.csv"]
)
def test_an_earlier_result_is_written_over(place, name, text):
    if name == "export/report.csv":
        (place / "export").mkdir(exist_ok=True)
    target = place / name
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, "utf-8")
    console.put("a result", str(target))
    assert target.read_text("utf-8") == "a result"


def test_a_result_into_no_folder_is_no_wrong_usage_but_an_error(tmp_path):
    with pytest.raises(QpiError, match="there is no folder") as caught:
        targets.refuse(tmp_path / "no" / "x.txt")
    assert not isinstance(caught.value, UsageError)


def run(*arguments, folder):
    return CliRunner().invoke(cli.qpi, [*arguments, "-w", str(folder)])


COMMANDS = [
    ["metrics", "2026-10", "--by", "project"],
    ["metrics", "2026-10", "--compare"],
    ["rank", "2026-10", "coverage"],
    ["explain", "2026-10", "coverage"],
    ["explain", "2026-10", "closure"],
    ["explain", "2026-10", "traceability"],
    ["catalogue", "show"],
    ["catalogue", "load"],
    ["catalogue", "diff", "service", "service"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_writes_the_form_that_the_ending_says_and_twice(recorded, tmp_path, command):
    table, js, tabular = (str(tmp_path / name) for name in ("a.txt", "a.json", "a.CSV"))
    for _ in range(2):
        for out in (table, js, tabular):
            done = run(*command, "-o", out, folder=recorded.folder)
            assert done.exception is None, done.exception
    assert isinstance(json.loads(Path(js).read_text("utf-8")), list | dict)
    assert Path(tabular).read_bytes().startswith(b"\xef\xbb\xbf")
    assert len(next(csv.reader(Path(tabular).read_text("utf-8-sig").splitlines()))) > 2
    assert not Path(table).read_text("utf-8").startswith(("[", "{", "\ufeff"))
    named = str(tmp_path / "named.txt")
    run(*command, "-o", named, "--format", "csv", folder=recorded.folder)
    assert Path(named).read_bytes() == Path(tabular).read_bytes()


def test_a_handbook_is_written_where_its_ending_asks_for_one(recorded, tmp_path):
    assert run("catalogue", "show", "-o", str(tmp_path / "a.html"), folder=recorded.folder).exception is None
    assert (tmp_path / "a.html").read_text("utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("ending", ["xlsx", "docx", "pdf", "html", "parquet"])
def test_a_form_that_a_command_does_not_write_is_refused_with_those_that_it_does(recorded, tmp_path, ending):
    done = run("metrics", "2026-10", "-o", str(tmp_path / f"a.{ending}"), folder=recorded.folder)
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).endswith(f"this command writes no .{ending}; it offers --format table, json, csv")
    assert not (tmp_path / f"a.{ending}").exists()


@pytest.mark.parametrize(("form", "ending"), [("table", "csv"), ("json", "csv"), ("csv", "json"), ("json", "xlsx")])
def test_a_form_that_the_ending_contradicts_is_refused(recorded, tmp_path, form, ending):
    done = run("metrics", "2026-10", "--format", form, "-o", str(tmp_path / f"a.{ending}"), folder=recorded.folder)
    assert isinstance(done.exception, UsageError) and f".{ending}" in str(done.exception)
    assert not (tmp_path / f"a.{ending}").exists()


def test_a_closing_that_could_not_be_written_down_is_not_recorded(recorded):
    target = recorded.folder / "records.jsonl"
    before, entries = target.read_bytes(), _entries(recorded)
    done = run("close", "2026-10", "-o", str(target), folder=recorded.folder)
    assert isinstance(done.exception, UsageError)
    assert (target.read_bytes(), _entries(recorded)) == (before, entries)


def _entries(workspace):
    with workspace.ledger() as store:
        return store.position().seq
