"""What each role owes a month, what it takes, and who carries it."""

import time
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inputs import SHANGHAI
from qpi import calendar, definitions, workload
from qpi.errors import UsageError
from support import load, measured, tables
from worlds import PEOPLE, REGIONS, ROLES, SPECIALTIES, world

SEEDS = st.integers(min_value=20_000, max_value=10_000_000)
LAWS = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PERIODS = ("2026-05", "2026-Q2", "2026")
EDITION = {
    "catalogue": "service",
    "edition": "2026.1",
    "title": "标准",
    "effective_from": "2026-01-01",
    "groups": [
        {
            "name": "巡逻",
            "specialty": "秩序",
            "minutes": "10",
            "frequency": {"supervisor": "1/week", "department": {"every": "1/month", "share": "50%"}},
            "points": [
                {"code": "AB-001", "text": "巡逻路线", "minutes": "30"},
                {"code": "AB-002", "text": "岗位记录"},
            ],
        },
        {
            "name": "档案",
            "specialty": "客服",
            "frequency": {"supervisor": "1/quarter"},
            "points": [{"code": "KF-001", "text": "建档"}],
        },
    ],
}
PROJECTS = [{"id": name, "name": name} for name in ("P01", "P02", "P03")]
PEOPLE_HERE = [{"id": "S01", "name": "甲"}, {"id": "S02", "name": "乙"}, {"id": "D01", "name": "丙"}]


def found(posts=(), projects=PROJECTS, policy=None, editions=(EDITION,)):
    portfolio = {"projects": list(projects), "people": PEOPLE_HERE, "posts": list(posts)}
    return definitions.from_plain(list(editions), portfolio, policy, zone=SHANGHAI)


def built(posts=(), period="2026-10", **more):
    return workload.build(found(posts), calendar.period(period), **more)


def test_a_quarter_by_hand():
    """13 Sundays fall into the fourth quarter of 2026: 4 in October, 5 in November, 4 in December.

    Each project: AB-001 and AB-002 13 looks each of 30 and 10 minutes, KF-001 one look without minutes.
    The department reaches 2 of 3 projects a month with each of AB-001 and AB-002.
    """
    load = built(period="2026-Q4")
    looks = workload.Effort(Fraction(3 * 27, 3), Fraction(3 * 13 * 40, 3), Fraction(3, 3))
    company = workload.Effort(Fraction(2 * 2 * 3, 3), Fraction(2 * 3 * 40, 3), Fraction(0))
    assert workload.rows(load) == [
        workload.Row(("supervisor",), looks, 3, 0),
        workload.Row(("department",), company, 2, 0),
    ]


def test_what_a_look_without_minutes_takes_can_be_said():
    row = workload.rows(built(minutes=6))[0]
    assert row.effort == (Fraction(24) + 1, Fraction(3 * 4 * 40 + 6), 0)
    assert row.effort.hours == Fraction(3 * 4 * 40 + 6, 60)


def test_hours_are_unknown_where_no_look_has_minutes():
    rows = {row.key: row for row in workload.rows(built(), ("role", "specialty"))}
    assert rows["supervisor", "客服"].effort == (1, 0, 1)
    assert rows["supervisor", "客服"].effort.hours is None
    assert rows["supervisor", "秩序"].effort.hours == 8


def test_rows_of_a_company_role_have_neither_project_nor_realm():
    keys = [row.key for row in workload.rows(built(), ("role", "project", "realm"))]
    assert keys == [*(("supervisor", name, None) for name in ("P01", "P02", "P03")), ("department", None, None)]


def test_a_grouping_that_is_unknown_is_refused():
    with pytest.raises(UsageError, match='grouping "projekt" is unknown; .*project'):
        workload.rows(built(), ("projekt",))


@pytest.mark.parametrize("wrong", [{"minutes": 0}, {"capacity": 0}, {"capacity": Fraction(-1)}])
def test_minutes_and_capacity_are_above_nothing(wrong):
    with pytest.raises(UsageError, match="is not above 0"):
        built(**wrong)


def test_the_table_has_the_same_columns_always():
    rows = workload.table(built([{"role": "supervisor", "person": "S01"}]), ("role", "specialty"))
    assert rows[0] == {
        "role": "supervisor", "title": "对口主管", "specialty": "秩序", "looks": 24.0, "points": 2, "minutes": 480.0,
        "hours": 8.0, "looks_without_minutes": 0.0, "people": 1, "hours_per_person": 8.0,
    }  # fmt: skip
    assert rows[1] == {
        "role": "supervisor", "title": "对口主管", "specialty": "客服", "looks": 1.0, "points": 1, "minutes": None,
        "hours": None, "looks_without_minutes": 1.0, "people": 1, "hours_per_person": None,
    }  # fmt: skip
    assert [row["hours_per_person"] for row in rows] == [8.0, None, None]


def test_the_table_groups_as_the_rows_do_unless_told_otherwise():
    load = built()
    assert [row["looks"] for row in workload.table(load)] == [float(row.effort.looks) for row in workload.rows(load)]


@pytest.mark.parametrize("by", [(), ("role",), ("specialty", "role", "specialty"), workload.GROUPINGS])
def test_the_columns_of_the_tables_are_known_before_there_is_a_row(by):
    load = built([{"role": "supervisor", "person": "S01"}])
    assert {tuple(row) for row in workload.table(load, by)} == {workload.table_columns(by)}
    assert {tuple(row) for row in workload.people_table(load)} == {workload.PEOPLE_COLUMNS}
    assert {tuple(row) for row in workload.unheld_table(load)} == {workload.UNHELD_COLUMNS}
    assert workload.table_columns(by)[-len(workload.TABLE_COLUMNS) :] == workload.TABLE_COLUMNS


def test_columns_of_an_unknown_grouping_are_refused():
    with pytest.raises(UsageError, match='grouping "rolle" is unknown'):
        workload.table_columns(("rolle",))


# People


def carried(load):
    return {one.person: one for one in load.carriers}


def test_looks_are_shared_equally_by_those_who_hold_a_cell():
    """S01 holds all projects, S02 P01's patrols too: 8 looks there, four for each."""
    posts = [
        {"role": "supervisor", "person": "S01"},
        {"role": "supervisor", "person": "S02", "project": "P01", "specialty": "秩序"},
        {"role": "supervisor", "person": "S02", "project": "P01"},
    ]
    load = built(posts)
    people = carried(load)
    # KF-001 owes a third of a look at each project, and both hold that of P01.
    assert people["S02"].effort.looks == 4 + Fraction(1, 6)
    assert people["S01"].effort.looks == 20 + Fraction(5, 6)
    assert {one.role for one in load.unheld} == {"department"}


def test_a_post_counts_for_a_month_when_it_is_held_on_the_first():
    """S01 leaves on 1 November and S02 begins on 2 November: November has S01, December S02."""
    posts = [
        {"role": "supervisor", "person": "S01", "to": "2026-11-01"},
        {"role": "supervisor", "person": "S02", "from": "2026-11-02"},
    ]
    people = carried(built(posts, "2026-Q4"))
    assert (people["S01"].months, people["S02"].months) == (2, 1)
    assert people["S01"].effort.looks * 2 == 3 * (2 * 4 + 2 * 5) + 2
    assert people["S02"].effort.looks == 3 * 2 * 4 + 1


def test_what_nobody_holds_is_named_with_its_months():
    posts = [{"role": "supervisor", "person": "S01", "specialty": "秩序", "from": "2026-11-01"},
             {"role": "department", "person": "D01"}]  # fmt: skip
    load = built(posts, "2026-Q4")
    idle = {(one.specialty, one.project): one for one in load.unheld}
    assert idle["秩序", "P01"].months == ("2026-10",)
    assert idle["秩序", "P01"].effort.looks == Fraction(8, 3)
    assert idle["客服", "P02"].months == ("2026-10", "2026-11", "2026-12")
    assert len(idle) == 6
    assert workload.unheld_table(load)[0] == {
        "role": "supervisor", "title": "对口主管", "specialty": "秩序", "project": "P01", "realm": None, "months": "2026-10",
        "looks": 8 / 3, "minutes": 160 / 3, "hours": 160 / 180, "looks_without_minutes": 0.0,
    }  # fmt: skip


def test_a_realm_is_held_by_the_post_that_names_it():
    region = {**EDITION, "roles": {"regional": {"title": "区域总经理", "level": "region"}}, "groups": [
        {"name": "巡逻", "frequency": {"regional": "1/month"}, "points": [{"code": "AB-001", "text": "巡逻"}]}]}  # fmt: skip
    projects = [{"id": name, "name": name, "attributes": {"region": where}}
                for name, where in (("P01", "华南"), ("P02", "华南"), ("P03", "华东"))]  # fmt: skip
    posts = [{"role": "regional", "realm": "华南", "person": "S01"}]
    load = workload.build(found(posts, projects, editions=[region]), calendar.period("2026-10"))
    assert [(one.person, one.effort.looks) for one in load.carriers] == [("S01", 2)]
    assert [(one.realm, one.effort.looks) for one in load.unheld] == [("华东", 1)]


def test_a_realm_of_projects_without_the_attribute_has_no_name_in_the_tables():
    """P01 lies in 华南, P02 and P03 nowhere: who holds all realms holds these two as well, who holds 华南 does not."""
    region = {**EDITION, "roles": {"regional": {"title": "区域总经理", "level": "region"}}, "groups": [
        {"name": "巡逻", "frequency": {"regional": "1/month", "supervisor": "1/month"},
         "points": [{"code": "AB-001", "text": "巡逻"}]}]}  # fmt: skip
    projects = [{"id": "P01", "name": "一", "attributes": {"region": "华南"}}, *PROJECTS[1:]]
    here = found([{"role": "regional", "realm": "华南", "person": "S01"}], projects, editions=[region])
    load = workload.build(here, calendar.period("2026-10"))
    assert [cell.realm for cell in load.cells if cell.role == "regional"] == ["华南", ""]
    rows = workload.table(load, ("role", "realm"))
    assert [(row["role"], row["realm"], row["looks"]) for row in rows] == [
        ("supervisor", None, 3), ("regional", "华南", 1), ("regional", None, 2)]  # fmt: skip
    assert [(row["realm"], row["looks"]) for row in workload.table(load, ("realm",))] == [(None, 5), ("华南", 1)]
    assert [(one["realm"], one["looks"]) for one in workload.unheld_table(load) if one["role"] == "regional"] == [
        (None, 2)
    ]
    assert [one.effort.looks for one in load.carriers] == [1]
    everywhere = found([{"role": "regional", "person": "S01"}], projects, editions=[region])
    assert [one.effort.looks for one in workload.build(everywhere, calendar.period("2026-10")).carriers] == [3]


@pytest.mark.parametrize(
    ("capacity", "minutes", "verdict"),
    [(9, 60, "fits"), (Fraction(899, 100), 60, "too_much"), (8, None, "unknown"), (Fraction(799, 100), None, "too_much"),
     (None, None, None)],
)  # fmt: skip
def test_a_person_fits_when_no_minute_is_above_the_capacity(capacity, minutes, verdict):
    """24 patrols of 480 minutes together and a look without minutes of its own, which nobody can judge if the rest fits."""
    load = built([{"role": "supervisor", "person": "S01"}], minutes=minutes, capacity=capacity)
    assert load.carriers[0].verdict == verdict


def test_the_table_of_people():
    load = built([{"role": "supervisor", "person": "S01"}, {"role": "department", "person": "S01"}], capacity=160)
    assert workload.people_table(load) == [
        {"person": "S01", "name": "甲", "roles": "supervisor;department", "months": 1, "looks": 29.0, "minutes": 560.0,
         "hours": 28 / 3, "looks_without_minutes": 1.0, "capacity": 160.0, "verdict": "unknown"}
    ]  # fmt: skip


# Random workspaces


def staffed(draw, workspace):
    """Give a world posts of all sorts."""
    post = st.fixed_dictionaries(
        {"role": st.sampled_from(ROLES), "person": st.sampled_from(PEOPLE)},
        optional={
            "project": st.sampled_from([project["id"] for project in workspace["portfolio"]["projects"]]),
            "realm": st.sampled_from(REGIONS),
            "specialty": st.sampled_from(SPECIALTIES),
            "from": st.sampled_from(["2026-04-02", "2026-05-01"]),
            "to": st.sampled_from(["2026-05-01", "2026-05-31", "2026-08-15"]),
        },
    )
    posts = draw(st.lists(post, max_size=12))
    return {**workspace, "portfolio": {**workspace["portfolio"], "posts": posts}}


def due(found_, rows, period, by):
    """What frequency completion and coverage have as due, by key."""
    rows = measured(found_, rows, period, by)
    return [
        {key: amount for key, name, _, amount, *_ in rows if name == indicator and amount}
        for indicator in ("frequency_completion", "coverage")
    ]


@LAWS
@given(SEEDS)
def test_rows_add_up_to_what_the_indicators_have_as_due(seed):
    found_ = load(world(seed)["workspace"])
    nothing = tables(found_)
    for period in PERIODS:
        span = calendar.period(period)
        made = workload.build(found_, span)
        for by in (("role",), ("role", "specialty"), ("role", "specialty", "project")):
            checks = {row.key: float(row.effort.looks * len(span.months)) for row in workload.rows(made, by)}
            assert {key: n for key, n in checks.items() if n} == due(found_, nothing, period, by)[0]
        by_month = workload.required(found_, span)
        sums = {}
        for (role, _), (points, checks) in by_month.items():
            so_far = sums.get(role, (0, 0))
            sums[role] = (so_far[0] + points, so_far[1] + checks)
        expected = due(found_, nothing, period, ("role",))
        assert {(role,): float(checks) for role, (_, checks) in sums.items() if checks} == expected[0]
        assert {(role,): float(points) for role, (points, _) in sums.items()} == expected[1]


@LAWS
@given(st.data(), SEEDS)
def test_what_people_carry_and_what_nobody_holds_add_up_to_all(data, seed):
    found_ = load(staffed(data.draw, world(seed)["workspace"]))
    for period in PERIODS:
        span = calendar.period(period)
        made = workload.build(found_, span, minutes=data.draw(st.sampled_from([None, 7])))
        for part in range(3):
            carried_ = sum(one.effort[part] * one.months for one in made.carriers)
            idle = sum(one.effort[part] for one in made.unheld) * len(span.months)
            assert carried_ + idle == sum(cell.effort[part] for cell in made.cells) * len(span.months)


@LAWS
@given(st.data(), SEEDS)
def test_a_month_is_divided_as_a_plain_reading_divides_it(data, seed):
    """Post by post and cell by cell, with no arrays."""
    found_ = load(staffed(data.draw, world(seed)["workspace"]))
    span = calendar.period("2026-05")
    made = workload.build(found_, span)
    roles, shares, idle = found_.checklists.roles, {}, set()
    for cell in made.cells:
        names_project = roles[cell.role].level == "project"
        holders = {
            post.person
            for post in found_.portfolio.posts
            if post.role == cell.role
            and post.specialty in (None, cell.specialty)
            and (not names_project or post.project in (None, cell.project))
            and (names_project or cell.realm is None or post.realm in (None, cell.realm))
            and (post.from_ is None or post.from_ <= span.first)
            and (post.to is None or post.to >= span.first)
        }
        if not holders and cell.effort.looks:
            idle.add((cell.role, cell.specialty, cell.project, cell.realm))
        for person in holders if cell.effort.looks else ():
            shares[person] = shares.get(person, 0) + cell.effort.looks / len(holders)
    assert {one.person: one.effort.looks for one in made.carriers} == shares
    assert {one[:4] for one in made.unheld} == idle


# Speed


def large(projects=50, points=200):
    """A catalogue of 200 points for five roles, 50 projects, and a supervisor for each specialty of each."""
    frequency = {"supervisor": "1/day", "team_lead": "1/week", "project_lead": "1/month",
                 "department": {"every": "1/quarter", "share": "50%"}, "executive": "1/year"}  # fmt: skip
    groups = [
        {"name": f"组{n}", "specialty": SPECIALTIES[n % 3], "frequency": frequency, "minutes": "5",
         "scope": {"type": ["residential", "office"] if n % 2 else ["residential"]},
         "points": [{"code": f"G{n}-{i}", "text": "要求"} for i in range(10)]}
        for n in range(points // 10)
    ]  # fmt: skip
    places = [{"id": f"P{n:03d}", "name": "项目", "attributes": {"type": ["residential", "office"][n % 2]}}
              for n in range(projects)]  # fmt: skip
    people = [{"id": f"S{n:04d}", "name": "人"} for n in range(projects * 3)]
    posts = [{"role": "supervisor", "project": places[n // 3]["id"], "specialty": SPECIALTIES[n % 3], "person": one["id"]}
             for n, one in enumerate(people)]  # fmt: skip
    edition = {**EDITION, "groups": groups}
    return definitions.from_plain([edition], {"projects": places, "people": people, "posts": posts}, zone=SHANGHAI)


def test_a_year_of_200_points_and_50_projects_takes_less_than_a_second():
    made = large()
    start = time.process_time()
    load_ = workload.build(made, calendar.period("2026"), capacity=160)
    assert time.process_time() - start < 1
    assert len(load_.carriers) == 150
