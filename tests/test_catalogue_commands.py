"""The commands of catalogues: a workspace from a catalogue, schemas, and editions listed, shown, loaded and compared."""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import date

import pytest

from qpi import catalogues, jsonschemas, scaffold, shipped
from qpi.errors import UsageError
from qpi.workspace import Workspace

EDITION = """\
catalogue: mine
edition: "{edition}"
title: 我的核查标准
effective_from: {start}
groups:
  - name: 档案
    specialty: 客服
    minutes: 10
    frequency: {{supervisor: {often}}}
    points: [{{code: MY-01, text: 建档, score: 10}}{more}]
"""


def qpi(*arguments, folder=None, language="en"):
    where = ["--workspace", str(folder)] if folder else []
    return subprocess.run(
        [sys.executable, "-m", "qpi", *arguments, *where, "--lang", language],
        capture_output=True, text=True, encoding="utf-8", env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": ""},
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace as `qpi init` makes it."""
    folder = tmp_path_factory.mktemp("made") / "ws"
    done = qpi("init", str(folder), "--from", "2026-07-01")
    assert done.returncode == 0, done.stderr
    return folder


def file(folder, name, **changes):
    path = folder / name
    path.write_text(
        EDITION.format(**{"edition": "1", "start": "2026-01-01", "often": "1/month", "more": "", **changes}), "utf-8"
    )
    return str(path)


# init


def test_a_new_workspace_has_no_problems_and_names_its_files(made):
    assert (qpi("check", folder=made).returncode, qpi("check", folder=made).stderr) == (0, "")
    assert sorted(path.name for path in made.iterdir()) == [
        "checklists",
        "policy.yaml",
        "portfolio.yaml",
        "qpi.yaml",
        "schemas",
    ]
    assert sorted(path.name for path in (made / "schemas").iterdir()) == sorted(jsonschemas.FILES)


def test_its_edition_is_the_shipped_one_but_for_the_day_it_takes_effect(made):
    own = (made / "checklists" / "qpi-standard-2026.1.yaml").read_text("utf-8").splitlines()
    theirs = shipped.editions()["qpi-standard"][-1].read_text("utf-8").splitlines()
    assert [line for line, other in zip(own, theirs, strict=True) if line != other] == ["effective_from: 2026-07-01"]


def test_figures_can_be_asked_for_at_once(made):
    done = qpi("metrics", "2026-10", folder=made)
    assert done.returncode == 0
    assert "coverage" in done.stdout


@pytest.mark.parametrize("name", shipped.editions())
def test_a_workspace_begins_with_any_catalogue_and_with_all(tmp_path, name):
    scaffold.write(tmp_path / "one", catalogues=[name], effective_from=date(2026, 12, 1))
    assert Workspace(tmp_path / "one").check() == []
    scaffold.write(tmp_path / "all", catalogues=[*shipped.editions()], effective_from=date(2026, 12, 1))
    assert Workspace(tmp_path / "all").check() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--catalogue", "qpi-standart"], "did you mean qpi-standard?"), (["--from", "2026-07-02"], "on the 1st of a month"),
     (["--from", "July"], '--from: "July" is not a date'), (["--catalogue", ""], "is unknown")],
)  # fmt: skip
def test_wrong_words_are_told_and_nothing_is_written(tmp_path, arguments, words):
    done = qpi("init", str(tmp_path / "ws"), *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "ws").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x", "utf-8")
    done = qpi("init", str(tmp_path))
    assert (done.returncode, [path.name for path in tmp_path.iterdir()]) == (2, ["mine.txt"])


# schema


def test_schemas_are_written_and_their_names_printed(tmp_path):
    done = qpi("schema", "-o", str(tmp_path / "s"))
    assert done.stdout.split() == [str(tmp_path / "s" / name) for name in jsonschemas.FILES]
    assert json.loads((tmp_path / "s" / "qpi.schema.json").read_text("utf-8"))["properties"]["organisation"]


# which edition is meant


def test_a_name_is_a_file_an_edition_of_the_workspace_or_one_that_is_shipped(made, tmp_path):
    workspace, day = Workspace(made), date(2026, 11, 20)
    assert catalogues.find(file(tmp_path, "x.yaml"), workspace, day=day).edition.label == "mine 1"
    own = catalogues.find("qpi-standard", workspace, day=day)
    assert str(made) in own.document.file
    assert catalogues.find("property-service@2025.2", workspace, day=day).edition.edition == "2025.2"
    assert catalogues.find("property-service", None, day=day).edition.edition == "2026.2"
    assert catalogues.find("property-service", None, day=date(2026, 6, 30)).edition.edition == "2025.2"
    assert catalogues.find("property-service", None, day=date(2020, 1, 1)).edition.edition == "2026.2"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("qpi-standrd", "did you mean qpi-standard?"), ("property-service@2026", "did you mean property-service@2026.2?")],
)
def test_an_unknown_name_is_told_with_the_nearest(name, remedy):
    with pytest.raises(UsageError, match="is unknown") as caught:
        catalogues.find(name, None, day=date(2026, 11, 20))
    assert remedy in str(caught.value)


def test_without_a_name_the_workspace_shows_what_is_in_force(made):
    assert [one.edition.catalogue for one in catalogues.chosen((), Workspace(made), day=date(2026, 11, 20))] == [
        "qpi-standard"
    ]
    assert len(catalogues.chosen((), None, day=date(2026, 11, 20))) == len(shipped.editions())


def test_a_file_with_problems_is_told_with_all_of_them(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(EDITION.format(edition="1", start="2026-01-02", often="1/mnth", more=""), "utf-8")
    done = qpi("catalogue", "show", str(path))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2


# list, show


def test_the_list_names_every_edition(made):
    lines = qpi("catalogue", "list", folder=made).stdout.splitlines()
    assert sum("shipped" in line for line in lines) == sum(map(len, shipped.editions().values()))
    assert sum("workspace" in line for line in lines) == 1


def test_the_table_has_a_line_for_every_point(made):
    done = qpi("catalogue", "show", folder=made, language="zh")
    points = Workspace(made).definitions.checklists.by_start[0].edition.points
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == list(points)
    assert "◎" in done.stdout


def test_json_and_csv_hold_all_of_a_point(tmp_path):
    path = file(tmp_path, "x.yaml")
    row = json.loads(qpi("catalogue", "show", path, "--format", "json").stdout)[0]
    assert (row["code"], row["score"], row["minutes"], row["supervisor"]) == ("MY-01", 10, 10, "1/month")
    done = qpi("catalogue", "show", path, "--format", "csv", "-o", str(tmp_path / "out.csv"))
    assert done.stdout == f"{tmp_path / 'out.csv'}\n"
    found = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text("utf-8-sig"))))
    assert found[0]["code"] == "MY-01"


def test_the_handbook_is_one_page_without_anything_from_outside(made):
    page = qpi("catalogue", "show", "--format", "html", folder=made, language="zh").stdout
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert "http:" not in page
    assert "https:" not in page
    for code in Workspace(made).definitions.checklists.by_start[0].edition.points:
        assert code in page


# load


def test_the_load_by_hand(tmp_path):
    """Two points, one a month and one two a week: in 2026, 12 and 104 looks of 10 minutes at the one project."""
    (tmp_path / "checklists").mkdir()
    more = ", {code: MY-02, text: 更新, frequency: {supervisor: 2/week}}"
    file(tmp_path / "checklists", "a.yaml", more=more, start="2026-11-01")
    (tmp_path / "qpi.yaml").write_text("organisation: x\n", "utf-8")
    (tmp_path / "portfolio.yaml").write_text(
        "projects: [{id: P01, name: 一}]\npeople: [{id: S01, name: 甲}]\n"
        "posts: [{role: supervisor, project: P01, specialty: 客服, person: S01}]\n", "utf-8"
    )  # fmt: skip
    done = json.loads(
        qpi("catalogue", "load", "--period", "2026", "--capacity", "1", "--format", "json", folder=tmp_path).stdout
    )
    (role,), (person,) = done["roles"], done["people"]
    assert role["looks"] == pytest.approx(116 / 12)
    assert role["hours"] == pytest.approx(116 * 10 / 60 / 12)
    assert (role["points"], person["person"], person["verdict"]) == (2, "S01", "too_much")
    assert done["unheld"] == []


def test_who_has_too_much_and_what_nobody_holds_is_told(made):
    text = qpi("catalogue", "load", "--capacity", "20", "--period", "2026", folder=made).stdout
    assert "too much" in text
    assert "fits" in text
    nobody = json.loads(qpi("catalogue", "load", "safety-special", "--format", "json", folder=made).stdout)["unheld"]
    assert {row["specialty"] for row in nobody} == {"工程"}


@pytest.mark.parametrize("capacity", [40])
def test_the_shipped_catalogue_can_be_done_by_the_people_of_the_scaffold(made, capacity):
    done = json.loads(qpi("catalogue", "load", "--capacity", str(capacity), "--format", "json", folder=made).stdout)
    assert {row["verdict"] for row in done["people"]} == {"fits"}
    assert done["unheld"] == []


@pytest.mark.parametrize(
    "arguments", [["--capacity", "0"], ["--minutes", "-3"], ["--period", "2026-13"], ["--by", "rolle"], ["nothing"]]
)
def test_wrong_usage_of_load_exits_with_2(made, arguments):
    assert qpi("catalogue", "load", *arguments, folder=made).returncode == 2


def test_load_wants_a_workspace(tmp_path):
    done = qpi("catalogue", "load", folder=tmp_path)
    assert done.returncode == 1
    assert "qpi init" in done.stderr


# diff


def test_what_changed_and_the_duties_that_move(tmp_path):
    old = file(tmp_path, "old.yaml")
    new = file(tmp_path, "new.yaml", edition="2", often="2/month", more=", {code: MY-02, text: 更新}")
    done = qpi("catalogue", "diff", old, new, "--period", "2026", "--format", "json", folder=tmp_path)
    found = json.loads(done.stdout)
    assert [(row["change"], row["code"], row["key"], row["old"], row["new"]) for row in found["changes"]] == [
        ("added", "MY-02", None, None, None),
        ("changed", "MY-01", "frequency.supervisor", "1/month", "2/month"),
    ]
    assert len(found["duties"]) == 12
    assert all((row["checks_old"], row["checks_new"], row["points_difference"]) == (1, 4, 1) for row in found["duties"])
    text = qpi("catalogue", "diff", old, new, "--period", "2026", folder=tmp_path, language="zh").stdout
    assert "新增" in text
    assert "全期" in text


def test_an_edition_is_like_itself(tmp_path):
    done = qpi("catalogue", "diff", "property-service", "property-service@2026.2", folder=tmp_path)
    assert "The points of the two are alike." in done.stdout
    assert "None." in done.stdout
