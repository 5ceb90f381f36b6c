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


def qpi(*arguments, folder=None, language="en", cwd=None):
    where = ["--workspace", str(folder)] if folder else []
    return subprocess.run(
        [sys.executable, "-m", "qpi", *arguments, *where, "--lang", language],
        capture_output=True, text=True, encoding="utf-8", cwd=cwd, env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": ""},
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
    changed = [line for line, other in zip(own, theirs, strict=True) if line != other]
    assert changed == ["effective_from: 2026-07-01    # 随软件提供的原版自2026-01-01起"]


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
     (["--from", "1900-01-01"], "outside the years 1970 to 2200"), (["--from", "July"], '--from: "July" is not a date'), (["--catalogue", ""], "is unknown")],
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
    assert catalogues.find("property-service", None, day=date(2020, 1, 1)).edition.edition == "2025.2"
    assert catalogues.find("shipped:qpi-standard", workspace, day=day).edition.effective_from == date(2026, 1, 1)


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


@pytest.mark.parametrize("name", ["qpi-standard", "fine-service", "plan-control"])
def test_a_shipped_catalogue_can_be_done_by_the_people_of_its_scaffold(tmp_path, name):
    scaffold.write(tmp_path / "ws", catalogues=[name], effective_from=date(2026, 1, 1))
    done = json.loads(qpi("catalogue", "load", "--capacity", "40", "--format", "json", folder=tmp_path / "ws").stdout)
    assert {row["verdict"] for row in done["people"]} == {"fits"}
    assert done["unheld"] == []


def test_a_scaffold_has_posts_for_the_specialties_of_its_catalogue(tmp_path):
    scaffold.write(tmp_path / "ws", catalogues=["property-service"], effective_from=date(2026, 1, 1))
    posts = Workspace(tmp_path / "ws").definitions.portfolio.posts
    found = {post.specialty for post in posts if post.role == "supervisor"}
    assert found == {"客服", "工程", "秩序", "消防", "环境", "综合"}
    done = json.loads(qpi("catalogue", "load", "--minutes", "10", "--format", "json", folder=tmp_path / "ws").stdout)
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
    done = qpi("catalogue", "diff", old, new, "--period", "2026", "--format", "json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert [(row["change"], row["code"], row["key"], row["old"], row["new"]) for row in found["changes"]] == [
        ("added", "MY-02", None, None, None),
        ("changed", "MY-01", "frequency.supervisor", "1/month", "2/month"),
    ]
    assert len(found["duties"]) == 12
    assert all((row["checks_old"], row["checks_new"], row["points_difference"]) == (1, 4, 1) for row in found["duties"])
    text = qpi("catalogue", "diff", old, new, "--period", "2026", cwd=tmp_path, language="zh").stdout
    assert "新增" in text
    assert "全期" in text


def test_an_edition_is_like_itself(tmp_path):
    done = qpi("catalogue", "diff", "property-service", "property-service@2026.2", cwd=tmp_path)
    assert "The points of the two are alike." in done.stdout
    assert "None." in done.stdout


# What a review found


TWO = {
    "a.yaml": """\
catalogue: one
edition: "1"
title: 一
effective_from: 2026-01-01
roles: {regional: {title: 区域总经理, level: region}, supervisor: {title: 项目主管, level: project}}
methods: {walk: 随行}
groups: [{name: 甲, points: [{code: A-01, text: 甲一, score: 2.25, frequency: {supervisor: 1/month}}]}]
""",
    "b.yaml": """\
catalogue: two
edition: "1"
title: 二
effective_from: 2026-01-01
groups:
  - name: 乙
    methods: [walk]
    frequency: {regional: 1/month}
    points: [{code: B-01, text: 乙一}]
""",
}


@pytest.fixture
def two(tmp_path):
    """A workspace of two catalogues; the second asks a role and a method that only the first declares."""
    (tmp_path / "checklists").mkdir()
    for name, text in TWO.items():
        (tmp_path / "checklists" / name).write_text(text, "utf-8")
    (tmp_path / "qpi.yaml").write_text("organisation: x\n", "utf-8")
    (tmp_path / "portfolio.yaml").write_text("projects: [{id: P01, name: 一, attributes: {region: 华南}}]\n", "utf-8")
    return tmp_path


def test_a_role_and_a_method_that_another_catalogue_declares_are_known(two):
    assert qpi("check", folder=two).stderr == ""
    for name in ("two", str(two / "checklists" / "b.yaml")):
        row = json.loads(qpi("catalogue", "show", name, "--format", "json", folder=two, language="zh").stdout)[0]
        assert (row["regional"], row["methods"]) == ("1次/月 · 覆盖100%", "随行")
        page = qpi("catalogue", "show", name, "--format", "html", folder=two).stdout
        assert "区域总经理" in page
        roles = json.loads(qpi("catalogue", "load", name, "--period", "2026", "--format", "json", folder=two).stdout)[
            "roles"
        ]
        assert [(role["role"], role["looks"]) for role in roles] == [("regional", 1)]


def test_scores_are_shown_exactly_and_roles_by_the_title_that_is_declared(two):
    shown = qpi("catalogue", "show", "one", folder=two).stdout
    assert "2.25" in shown
    assert "项目主管" in shown
    assert "项目主管" in qpi("catalogue", "load", "one", folder=two).stdout


def test_two_editions_of_one_catalogue_are_not_shown_as_one(tmp_path):
    done = qpi("catalogue", "show", "property-service@2025.2", "property-service@2026.2", cwd=tmp_path)
    assert done.returncode == 2
    assert "qpi catalogue diff" in done.stderr
    once = qpi("catalogue", "show", "safety-special", cwd=tmp_path).stdout
    assert qpi("catalogue", "show", "safety-special", "safety-special@2026.1", cwd=tmp_path).stdout == once


def test_an_older_shipped_edition_is_found_beside_the_one_of_the_workspace(tmp_path):
    scaffold.write(tmp_path / "ws", catalogues=["property-service"], effective_from=date(2026, 11, 1))
    done = qpi("catalogue", "diff", "property-service@2025.2", "property-service", folder=tmp_path / "ws")
    assert "XF-006" in done.stdout


def test_what_was_changed_against_the_shipped_edition_is_found(tmp_path):
    scaffold.write(tmp_path / "ws", catalogues=["safety-special"], effective_from=date(2026, 11, 1))
    path = tmp_path / "ws" / "checklists" / "safety-special-2026.1.yaml"
    path.write_text(path.read_text("utf-8").replace("score: 10", "score: 12", 1), "utf-8")
    done = qpi(
        "catalogue", "diff", "shipped:safety-special", "safety-special", "--format", "csv", folder=tmp_path / "ws"
    )
    rows = list(csv.DictReader(io.StringIO(done.stdout.removeprefix("\ufeff"))))
    assert [(row["key"], row["old"], row["new"]) for row in rows] == [("score", "10", "12")]


@pytest.mark.parametrize("command", [["list"], ["show"], ["load"], ["diff", "safety-special", "safety-special"]])
def test_a_workspace_that_is_named_must_be_one(tmp_path, command):
    done = qpi("catalogue", *command, folder=tmp_path / "nothing")
    assert done.returncode == 1
    assert "qpi.yaml: is missing" in done.stderr


def test_a_workspace_with_problems_still_lists_and_shows_files(two):
    (two / "portfolio.yaml").write_text("projects: [{id: P01, nam: 一}]\n", "utf-8")
    done = qpi("catalogue", "list", folder=two)
    assert done.returncode == 1
    assert "qpi-standard" in done.stdout
    assert "portfolio.yaml" in done.stderr
    assert qpi("catalogue", "show", str(two / "checklists" / "a.yaml"), folder=two).returncode == 0


def test_no_result_is_written_over_definitions_or_a_ledger(recorded):
    for target in ("portfolio.yaml", "qpi.db"):
        before = (recorded.folder / target).read_bytes()
        for command in (["catalogue", "show"], ["metrics", "2026-10"]):
            done = qpi(*command, "-o", str(recorded.folder / target), folder=recorded.folder)
            assert done.returncode == 2
            assert "name another file" in done.stderr
        assert (recorded.folder / target).read_bytes() == before


def test_a_result_into_a_folder_that_is_not_there_is_refused(made, tmp_path):
    done = qpi("catalogue", "show", "-o", str(tmp_path / "no" / "x.txt"), folder=made, language="zh")
    assert done.returncode == 1
    assert "没有文件夹" in done.stderr


def test_one_specialty_or_one_point_is_shown(made):
    rows = json.loads(qpi("catalogue", "show", "--specialty", "电梯", "--format", "json", folder=made).stdout)
    assert {row["specialty"] for row in rows} == {"电梯"}
    rows = json.loads(qpi("catalogue", "show", "--point", "DTGL-01", "--format", "json", folder=made).stdout)
    assert [row["code"] for row in rows] == ["DTGL-01"]
    assert "did you mean 电梯?" in qpi("catalogue", "show", "--specialty", "电梯间", folder=made).stderr


def test_the_day_stands_on_the_cover_only_where_all_that_is_shown_is_in_force(made):
    def cover(*arguments):
        return qpi("catalogue", "show", *arguments, "--format", "html", folder=made, language="zh").stdout

    assert "所列为此日有效的版本" in cover("--on", "2026-11-20")
    assert "所列为此日有效的版本" not in cover("qpi-standard@2026.1")
    assert "所列为此日有效的版本" not in cover("--on", "2026-01-15")


def test_a_like_edition_still_gives_a_head_to_its_csv(tmp_path):
    done = qpi("catalogue", "diff", "safety-special", "safety-special", "--format", "csv", cwd=tmp_path)
    assert done.stdout == "\ufeffchange,code,group,text,key,old,new\n"


def test_shipped_editions_stand_by_the_day_they_take_effect(tmp_path):
    for edition, start in (("2026.2", "2026-02-01"), ("2026.10", "2026-10-01"), ("2025.1-rc", "2025-01-01")):
        (tmp_path / f"a-b-{edition}.yaml").write_text(
            f'catalogue: a-b\nedition: "{edition}"\neffective_from: {start}\n', "utf-8"
        )
    assert {name: [path.stem for path in paths] for name, paths in shipped.editions(tmp_path).items()} == {
        "a-b": ["a-b-2025.1-rc", "a-b-2026.2", "a-b-2026.10"]
    }
