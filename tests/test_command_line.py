"""The command line: what goes to stdout and stderr, exit codes, and the forms of `qpi metrics`."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def qpi(*arguments, folder=None, **environment):
    """Run the command line in a process of its own."""
    where = ["--workspace", str(folder)] if folder else []
    return subprocess.run(
        [sys.executable, "-m", "qpi", *arguments, *where],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "", **environment},
        check=False,
    )


def test_check_says_nothing_and_exits_0_when_all_is_well(folder):
    done = qpi("check", folder=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_check_lists_every_problem_of_all_files_and_exits_1(folder):
    edition = folder / "checklists" / "service-2026.1.yaml"
    edition.write_text(edition.read_text("utf-8").replace("1/month", "1/mnth").replace("records", "recrds"), "utf-8")
    (folder / "portfolio.yaml").write_text("projects: [{id: P01, nam: x}]\n", "utf-8")
    (folder / "policy.yaml").write_text("mix_minimum: many\n", "utf-8")
    done = qpi("check", folder=folder)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert all(line.count("; ") >= 1 and str(folder) in line for line in lines)


def test_a_folder_without_qpi_yaml_is_named_with_what_to_do(tmp_path):
    done = qpi("metrics", "2026-10", folder=tmp_path)
    assert done.returncode == 1
    assert "qpi.yaml: is missing; name a workspace" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["metrics"], ["metrics", "2026-13"], ["metrics", "2026-10", "--by", "projct"], ["metrics", "2026-10", "--at", "999"],
     ["metrics", "2026-10", "--as-of", "9999-12-31"], ["metrics", "2026-10", "--at", "99999999999999999999"],
     ["metrics", "2026-10", "--as-of", "9999-12-31T23:00:00-08:00"], ["metrics", "2026-10", "--at", "-1"],
     ["notice", "render", "2026-10", "--as-of", "0001-01-01"], ["metrics", "2026-10", "--by", "done"],
     ["metrics", "2026-10", "--as-of", "yesterday"], ["metrics", "2026-10", "--as-of", "2026-10-05T10:00"], ["nothing"],
     ["notice", "render", "2026-10", "--project", "P99"], ["notice", "render", "2026-10", "--format", "pdf"]],
)  # fmt: skip
def test_wrong_usage_exits_2_and_writes_nothing(recorded, arguments):
    before = (recorded.folder / "qpi.db").read_bytes()
    done = qpi(*arguments, folder=recorded.folder)
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert (recorded.folder / "qpi.db").read_bytes() == before


def test_metrics_as_json_has_the_documented_fields(recorded):
    done = qpi("metrics", "2026-10", "--by", "project", "--format", "json", folder=recorded.folder)
    rows = json.loads(done.stdout)
    assert list(rows[0]) == ["project", "indicator", "done", "due", "rate", "floor", "verdict"]
    first = next(row for row in rows if row["project"] == "P01" and row["indicator"] == "closure")
    assert (first["done"], first["due"], first["rate"], first["floor"], first["verdict"]) == (
        1.0,
        2.0,
        0.5,
        1.0,
        "missed",
    )
    company = [row for row in rows if row["project"] is None]
    assert [row["indicator"] for row in company] == ["coverage", "frequency_completion"]


def test_metrics_as_csv_opens_in_a_spreadsheet(recorded):
    done = qpi("metrics", "2026-10", "--by", "project", "--format", "csv", folder=recorded.folder)
    assert done.stdout.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(done.stdout[1:])))
    assert rows[0]["title"] == "覆盖率" and rows[0]["source"] == "1"


def test_cells_that_a_spreadsheet_would_calculate_are_guarded(folder):
    from qpi.formats import to_csv
    from qpi.workspace import Workspace

    frame = Workspace(folder).metrics("2026-10", by=["project"])
    frame["project"] = "=cmd|' /C calc'!A0"
    assert "'=cmd" in to_csv(frame)


def test_the_table_says_which_rows_are_the_seven_of_the_source(recorded):
    english = qpi("metrics", "2026-10", folder=recorded.folder).stdout
    assert "source: the number under which the source names it among its seven" in english
    chinese = qpi("metrics", "2026-10", "--lang", "zh", folder=recorded.folder).stdout
    assert "二次验证关闭率" in chinese and "未达标" in chinese
    assert qpi("metrics", "2026-10", folder=recorded.folder, LANG="zh_CN.UTF-8").stdout == chinese


def test_the_table_prints_the_position_that_it_used(recorded):
    with recorded.ledger() as ledger:
        seq, head = ledger.position().seq, ledger.position().head
    assert f"ledger at entry {seq}, head {head}" in qpi("metrics", "2026-10", folder=recorded.folder).stdout
    assert "ledger at entry 2," in qpi("metrics", "2026-10", "--at", "2", folder=recorded.folder).stdout


def test_without_a_ledger_what_is_due_is_shown_and_none_is_made(folder):
    done = qpi("metrics", "2026-10", folder=folder)
    assert "no ledger yet" in done.stdout and "coverage" in done.stdout
    assert not (folder / "qpi.db").exists()


def test_chinese_survives_a_pipe_with_an_ascii_console(recorded):
    done = qpi("metrics", "2026-10", "--lang", "zh", folder=recorded.folder, PYTHONIOENCODING="ascii:replace")
    assert "覆盖率" in done.stdout


def test_an_edition_changed_after_use_is_said_with_every_figure(recorded):
    edition = recorded.folder / "checklists" / "service-2026.1.yaml"
    edition.write_text(edition.read_text("utf-8").replace("score: 10", "score: 20"), "utf-8")
    done = qpi("metrics", "2026-10", folder=recorded.folder)
    assert done.returncode == 0
    assert "edition 2026.1 of service is not what entry 1 of the ledger keeps" in done.stderr
    edition.write_text(edition.read_text("utf-8").replace("score: 20", "score: 10") + "# as before\n", "utf-8")
    assert qpi("metrics", "2026-10", folder=recorded.folder).stderr == ""


def test_figures_can_be_written_to_a_file(recorded, tmp_path):
    out = tmp_path / "figures.csv"
    done = qpi("metrics", "2026-10", "--format", "csv", "-o", str(out), folder=recorded.folder)
    assert done.stdout.strip() == str(out)
    assert out.read_bytes().startswith(b"\xef\xbb\xbfindicator,title,source,done,due,rate,floor,verdict\r\n")


def test_notices_are_written_as_files_whose_names_are_printed(recorded, tmp_path):
    out = tmp_path / "out"
    done = qpi("notice", "render", "2026-10", "--format", "html,md", "-o", str(out), folder=recorded.folder)
    assert done.returncode == 0
    assert sorted(done.stdout.split()) == sorted(str(path) for path in out.iterdir())
    assert len(list(out.iterdir())) == 4


def test_a_ledger_changed_from_outside_exits_3(recorded):
    import sqlite3

    raw = sqlite3.connect(recorded.folder / "qpi.db")
    raw.execute("DROP TRIGGER entry_no_update")
    raw.commit()
    raw.close()
    done = qpi("metrics", "2026-10", folder=recorded.folder)
    assert done.returncode == 3
    assert "changed from outside" in done.stderr


def test_help_loads_neither_pandas_nor_sqlalchemy_nor_pydantic():
    code = "import sys; from qpi import cli; print(sorted({'pandas', 'sqlalchemy', 'pydantic', 'yaml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_bare_import_reaches_every_name_of_python_in_the_docs_and_loads_nothing_before():
    """As docs write them: qpi.trend.compared, qpi.intervals.wilson; a room that nothing has imported is no attribute."""
    pages = [*Path(__file__).parent.parent.glob("docs/*.md"), Path(__file__).parent.parent / "README.md"]
    words = {word for page in pages for word in re.findall(r"\bqpi((?:\.[A-Za-z_]+)+)\(?", page.read_text("utf-8"))}
    names = sorted(
        word[1:] for word in words if word.split(".")[1] not in ("cli", "db", "po", "schema", "yaml", "before")
    )
    assert {"trend.compared", "ranks.ranked", "intervals.wilson", "Workspace.explain", "indicators"} <= set(names)
    code = f"""
import sys, qpi
assert 'pandas' not in sys.modules
for name in {names}:
    found = qpi
    for part in name.split('.'):
        found = getattr(found, part)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_name_that_the_package_offers_can_be_had():
    import qpi as package

    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="nothing"):
        package.nothing


def test_rejects_never_write_over_a_file_that_is_there(recorded):
    records = recorded.folder / "records.jsonl"
    before = records.read_bytes()
    done = qpi("import", str(records), "--rejects", str(records), folder=recorded.folder)
    assert done.returncode == 2 and "would write over" in done.stderr
    assert records.read_bytes() == before


def test_nothing_is_recorded_when_the_bad_rows_cannot_be_kept(recorded):
    bad = recorded.folder / "bad.jsonl"
    good = {
        "id": "c-9",
        "project": "P01",
        "point": "KF-001",
        "role": "supervisor",
        "checked_at": "2026-10-08T09:00+08:00",
    }
    bad.write_text(json.dumps(good) + "\n" + json.dumps({**good, "id": "c-10", "role": "x"}) + "\n", "utf-8")
    before = (recorded.folder / "qpi.db").read_bytes()
    where = str(recorded.folder / "no" / "such" / "rejects.jsonl")
    done = qpi("import", str(bad), "--accept-good", "--rejects", where, folder=recorded.folder)
    assert done.returncode == 1
    assert (recorded.folder / "qpi.db").read_bytes() == before


def test_a_ledger_of_no_bytes_is_one_that_has_not_begun(folder):
    """A process that is killed during the very first import leaves such a file."""
    (folder / "qpi.db").touch()
    assert "no ledger yet" in qpi("metrics", "2026-10", folder=folder).stdout
    records = folder / "one.jsonl"
    check = {
        "id": "c",
        "project": "P01",
        "point": "KF-001",
        "role": "supervisor",
        "checked_at": "2026-10-08T09:00+08:00",
    }
    records.write_text(json.dumps(check) + "\n", "utf-8")
    done = qpi("import", str(records), folder=folder)
    assert done.returncode == 0 and "1 recorded" in done.stdout


def test_an_edition_that_is_in_no_file_any_more_is_said(recorded):
    path = recorded.folder / "checklists" / "service-2026.1.yaml"
    path.write_text(path.read_text("utf-8").replace('edition: "2026.1"', 'edition: "2026.1b"'), "utf-8")
    assert (
        "edition 2026.1 of service, which entry 1 of the ledger keeps"
        in qpi("metrics", "2026-10", folder=recorded.folder).stderr
    )


@pytest.mark.parametrize(
    ("line", "fault"),
    [("policy: polcy.yaml", "there is no such file"), ("ledger: mysql://u@h/db", "not kept by this release"),
     ("ledger: qpi.db", "not kept by this release")],
)  # fmt: skip
def test_check_sees_what_qpi_yaml_names_wrongly(folder, line, fault):
    path = folder / "qpi.yaml"
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    done = qpi("check", folder=folder)
    assert done.returncode == 1 and fault in done.stderr


def test_the_table_says_up_to_when_verifications_count(recorded):
    done = qpi("metrics", "2026-10", "--as-of", "2026-10-16", folder=recorded.folder)
    assert "second verifications up to 2026-10-16" in done.stdout.splitlines()[0]


def test_a_period_without_anything_says_so(recorded):
    assert "1990: nothing is due and nothing was done" in qpi("metrics", "1990", folder=recorded.folder).stderr


def test_a_place_that_cannot_be_written_is_named(recorded):
    done = qpi("metrics", "2026-10", "-o", str(recorded.folder / "no" / "such" / "x.csv"), folder=recorded.folder)
    assert done.returncode == 1
    assert "such; make it, or name another file" in done.stderr


def test_check_tells_of_an_edition_that_was_changed_after_checks_were_judged_by_it(recorded):
    assert qpi("check", folder=recorded.folder).returncode == 0
    path = recorded.folder / "checklists" / "service-2026.1.yaml"
    path.write_text(path.read_text("utf-8").replace("score: 10", "score: 12"), "utf-8")
    done = qpi("check", folder=recorded.folder)
    assert done.returncode == 1
    assert "is not what entry" in done.stderr


def test_a_file_in_place_of_a_workspace_is_told(folder):
    assert "name the folder, not a file in it" in qpi("check", folder=folder / "qpi.yaml").stderr
