"""Lists, loads and comparisons of catalogues as people see them on a screen, and listings as files."""

import csv
import io
import json
import time
from decimal import Decimal

import pytest

from inputs import SHANGHAI
from qpi import calendar, changes, definitions, lint, listing, sheets, workload
from qpi.document import from_plain
from qpi.errors import UsageError
from qpi.labels import LABELS

EDITION = {
    "catalogue": "service",
    "edition": "2026.1",
    "title": "服务标准",
    "effective_from": "2026-01-01",
    "roles": {"regional": {"title": "区域总经理", "level": "region"}},
    "groups": [
        {
            "name": "巡逻",
            "specialty": "秩序",
            "frequency": {"supervisor": "1/month", "regional": {"every": "1/year", "share": "10%"}},
            "points": [
                {"code": "AB-001", "text": "巡逻路线", "score": "2.25", "minutes": "1", "executive_check": "true"},
                {"code": "AB-002", "text": "岗位记录", "score": "10", "mystery_visit": "true"},
                {"code": "AB-003", "text": "交接班"},
            ],
        }
    ],
}
PROJECTS = [{"id": "P01", "name": "桃园"}, {"id": "P02", "name": "江畔"}]
PEOPLE = [{"id": "S01", "name": "甲"}]


def sources(plain, beside=()):
    return lint.build([from_plain(plain, "edition")], beside=beside)[0].sources


def found(edition=EDITION, posts=(), people=PEOPLE):
    portfolio = {"projects": PROJECTS, "people": people, "posts": list(posts)}
    return definitions.from_plain([edition], portfolio, None, zone=SHANGHAI)


def loaded(edition=EDITION, posts=(), period="2026", **more):
    return workload.build(found(edition, posts), calendar.period(period), **more)


def cells(text, head):
    """The lines below the one that begins with a head, split at two blanks, up to an empty line."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(head))
    below = lines[start + 2 :]
    stop = below.index("") if "" in below else len(below)
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in below[:stop]]


# Editions and points


def test_the_list_tells_what_is_the_workspaces_and_what_is_shipped():
    other = sources({**EDITION, "catalogue": "other"})
    assert cells(sheets.editions(sources(EDITION), other, "en"), "catalogue") == [
        ["service", "2026.1", "2026-01-01", "3", "workspace", "服务标准"],
        ["other", "2026.1", "2026-01-01", "3", "shipped", "服务标准"],
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_list_of_nothing_has_its_heads(language):
    assert LABELS[language]["column_title"] in sheets.editions((), (), language)


def test_points_stand_with_exact_scores_signs_and_frequencies():
    text = sheets.points(sources(EDITION), "en")
    assert cells(text, "code") == [
        ["AB-001", "秩序", "巡逻路线", "2.25", "◎", "1", "1/month", "1/year · reach 10%"],
        ["AB-002", "秩序", "岗位记录", "10", "▼", "—", "1/month", "1/year · reach 10%"],
        ["AB-003", "秩序", "交接班", "—", "—", "1/month", "1/year · reach 10%"],
    ]
    assert text.splitlines()[0].split() == [
        *("code", "specialty", "requirement", "score", "signs", "minutes", "Supervisor"),
        "区域总经理",
    ]
    assert "对口主管" in sheets.points(sources(EDITION), "zh")


def test_a_role_that_an_edition_beside_declares_bears_its_title_and_one_of_nobody_its_name():
    asking = {**EDITION, "catalogue": "asking", "roles": {}}
    beside = sources(EDITION)
    mine = sources(asking, beside)
    assert "区域总经理" in sheets.points(mine, "en", beside=beside).splitlines()[0]
    assert sheets.points(mine, "en").splitlines()[0].split()[-1] == "regional"


def test_a_role_hides_no_column_whatever_its_name():
    """Roles named as our columns are: signs, score, minutes."""
    names = ("signs", "score", "minutes")
    edition = {**EDITION, "roles": {name: {"title": f"T{name}", "level": "company"} for name in names}, "groups": [
        {"name": "组", "frequency": dict.fromkeys(names, "1/year"),
         "points": [{"code": "A-1", "text": "甲", "score": "5", "minutes": "7", "mystery_visit": "true"}]}]}  # fmt: skip
    text = sheets.points(sources(edition), "en")
    assert text.splitlines()[0].split()[-3:] == ["Tsigns", "Tscore", "Tminutes"]
    assert cells(text, "code")[0][3:6] == ["5", "▼", "7"]


# Load


def test_a_load_names_roles_people_and_what_nobody_holds():
    """Each of two projects has three looks a month, two without minutes; a region one project of two a year."""
    text = sheets.load("head", loaded(posts=[{"role": "supervisor", "person": "S01"}], capacity=160), "en")
    assert text.startswith("head\n\nWhat each role owes a month\n")
    assert cells(text, "role") == [
        ["supervisor", "Supervisor", "6.0", "3", "<0.1", "4.0", "1", "<0.1"],
        ["regional", "区域总经理", "0.2", "3", "<0.1", "0.2", "0", "—"],
    ]
    assert cells(text, "person") == [["S01", "甲", "Supervisor", "6.0", "<0.1", "4.0", "160.0", "unknown"]]
    assert "What nobody holds" in text
    chinese = sheets.load("题", loaded(posts=[{"role": "supervisor", "person": "S01"}]), "zh")
    assert "对口主管" in chinese and "无人任职的应查" in chinese and "可用工时" not in chinese


def test_roles_of_people_bear_their_titles():
    posts = [{"role": role, "person": "S01"} for role in ("supervisor", "regional")]
    assert "Supervisor, 区域总经理" in sheets.load("", loaded(posts=posts), "en")
    assert "对口主管、区域总经理" in sheets.load("", loaded(posts=posts), "zh")


def test_a_load_is_grouped_as_it_is_asked_for():
    text = sheets.load("head", loaded(), "en", by=("project", "role"))
    assert [row[:3] for row in cells(text, "project")][:2] == [
        ["P01", "supervisor", "Supervisor"],
        ["P02", "supervisor", "Supervisor"],
    ]
    with pytest.raises(UsageError, match="grouping"):
        sheets.load("head", loaded(), "en", by=("rolle",))


@pytest.mark.parametrize(("language", "words"), [("zh", "没有应查"), ("en", "Nothing is owed")])
def test_an_empty_load_says_so(language, words):
    nothing = {**EDITION, "groups": [{"name": "组", "points": [{"code": "A-1", "text": "甲"}]}]}
    assert sheets.load("head", loaded(nothing), language).splitlines()[:2] == ["head", ""]
    assert words in sheets.load("head", loaded(nothing), language)
    assert words not in sheets.load("head", loaded(), language)


# Comparisons


def compared(new, language, period="2026-10"):
    before, after = sources(EDITION)[0].edition, sources(new)[0].edition
    moved = changes.duties(before, after, calendar.period(period))
    rows = changes.rows(changes.diff(before, after), language=language)
    return sheets.diff("old → new", rows, changes.duty_rows([*changes.totals(moved), *moved]), language)


def test_a_comparison_names_changes_and_the_duties_that_move():
    new = {**EDITION, "groups": [{**EDITION["groups"][0], "frequency": {"supervisor": "2/month"}}]}
    text = compared(new, "zh")
    assert text.startswith("old → new\n\n")
    first = cells(text, LABELS["zh"]["column_change"])[0]
    assert first == ["修改", "AB-001", "frequency.supervisor", "1次/月", "2次/月"]
    moves = cells(text, LABELS["zh"]["column_title"])
    assert moves[0] == ["对口主管", "全期", "3.0", "3.0", "0.0", "3.0", "6.0", "3.0"]
    assert [row[:2] for row in moves] == [
        ["对口主管", "全期"], ["区域总经理", "全期"], ["对口主管", "2026-10"], ["区域总经理", "2026-10"],
    ]  # fmt: skip
    assert "Supervisor" in compared(new, "en") and "1/month" in compared(new, "en")


def test_editions_that_are_alike_are_said_to_be():
    assert compared(EDITION, "en") == ("old → new\n\nThe points of the two are alike.\n\nDuties that move\nNone.\n")


# Listings


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("巡逻路线", 8, "巡逻路线"), ("巡逻路线", 7, "巡逻路…"), ("巡逻路线", 6, "巡逻…"),
     ("a  b\n c", 5, "a b c"), ("", 0, ""), ("abc", 1, "…"), ("abc", 0, "…"), ("巡a", 2, "…")],
)  # fmt: skip
def test_a_text_is_cut_to_the_columns_of_a_screen(text, most, short):
    assert listing.shortened(text, most) == short


def test_a_long_text_is_cut_at_once():
    start = time.process_time()
    assert listing.shortened("巡" * 20_000, 41) == "巡" * 20 + "…"
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.0"), (0.04, "<0.1"), (1e-9, "<0.1"), (0.06, "0.1"), (-0.04, ">-0.1"), (-0.06, "-0.1"), (12.34, "12.3"),
     (Decimal("2.25"), "2.25"), (Decimal(1000) / 100, "10"), (7, "7"), (None, "—"), (True, "True")],
)  # fmt: skip
def test_a_number_is_never_shown_as_nothing_when_it_is_something(value, shown):
    assert listing.to_table([{"n": value}], {"n": "n"}).splitlines()[2].strip() == shown


def test_decimals_stand_to_the_right_as_other_numbers_do():
    lines = listing.to_table([{"n": Decimal("2.25")}, {"n": Decimal(10)}, {"n": None}], {"n": "n"}).splitlines()
    assert lines[2:] == ["2.25", "  10", "   —"]


def test_csv_without_rows_has_its_header():
    assert listing.to_csv([], ("a", "b")) == "\ufeffa,b\r\n"
    assert listing.to_csv([{"b": 1, "a": 2, "c": 3}], ("a", "b")) == "\ufeffa,b\r\n2,1\r\n"
    assert listing.to_csv([{"b": 1, "a": 2}]) == "\ufeffb,a\r\n1,2\r\n"


def test_csv_has_truth_values_as_json_has_them_and_no_formula():
    row = {"yes": True, "no": False, "none": None, "sum": "=1+1", "text": "a,b\nc"}
    text = listing.to_csv([row])
    assert next(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))) == {
        "yes": "true", "no": "false", "none": "", "sum": "'=1+1", "text": "a,b\nc",
    }  # fmt: skip
    assert json.loads(listing.to_json([row]))[0]["yes"] is True
