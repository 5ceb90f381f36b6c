"""What differs between two editions, and how the duties move."""

import copy
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inputs import found
from qpi import calendar, changes, document, labels, lint, strictyaml, workload
from qpi.changes import Change
from support import load, measured, tables
from test_strictyaml import WORDS
from worlds import world

SEEDS = st.integers(min_value=20_000, max_value=10_000_000)
LAWS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FOLDER = Path(__file__).parent.parent / "checklists"
TEXTS = ("group", "text", "how", "specialty", "category")
EDITION = {
    "catalogue": "service",
    "edition": "2026.1",
    "title": "标准",
    "effective_from": "2026-01-01",
    "roles": {"regional": {"title": "区域总经理", "level": "region"}},
    "methods": {"walk": "随行"},
    "groups": [
        {
            "name": "档案",
            "specialty": "客服",
            "category": "客户档案",
            "scope": {"type": ["residential", "commercial"]},
            "except": {"let": ["own-use"]},
            "methods": ["records", "walk"],
            "how": "抽档案",
            "sample": {"of": "档案", "minimum": "2"},
            "variants": [{"when": {"phase": ["handover"]}, "sample": {"minimum": "4"}}],
            "minutes": "10",
            "frequency": {"supervisor": "1/month", "department": {"every": "1/quarter", "share": "50%"}},
            "points": [
                {
                    "code": "KF-001",
                    "text": "建档",
                    "score": "10",
                    "elements": [{"no": "1", "text": "登记表"}],
                    "measure": {"unit": "声", "max": "3"},
                },
                {"code": "KF-002", "text": "要件"},
            ],
        },
        {"name": "巡逻", "frequency": {"supervisor": "1/day"}, "points": [{"code": "AB-001", "text": "路线"}]},
    ],
}


def read(plain):
    """Return the edition of plain values."""
    loaded, problems = lint.build([document.from_plain(plain, "edition")])
    assert not [problem for problem in problems if not problem.advisory]
    return loaded.sources[0].edition


def source(plain):
    return lint.build([document.from_plain(plain, "beside")])[0].sources[0]


def shipped(label):
    return lint.build([strictyaml.read(FOLDER / f"property-service-{label}.yaml")])[0].sources[0].edition


def changed(point=None, *, drop=(), at=(0, 0), group=None, **edition):
    """Return the edition with keys of one point, a group, or the edition set anew."""
    plain = {**copy.deepcopy(EDITION), **edition}
    plain["groups"][at[0]] |= group or {}
    plain["groups"][at[0]]["points"][at[1]] |= point or {}
    for key in drop:
        del plain["groups"][at[0]]["points"][at[1]][key]
    return plain


def differences(old, new):
    """Return the changes of points by code."""
    return {one.code: one.changes for one in changes.diff(read(old), read(new)).changed}


def two_editions(seed):
    """Return the first and the last edition of a random catalogue."""
    editions = sorted(world(seed)["workspace"]["checklists"], key=lambda e: (e["catalogue"], e["effective_from"]))
    mine = [edition for edition in editions if edition["catalogue"] == editions[0]["catalogue"]]
    return mine[0], mine[-1]


# Points


@pytest.mark.parametrize(
    ("point", "change"),
    [
        ({"text": "一月内建档"}, Change("text", "建档", "一月内建档")),
        ({"score": "2.5"}, Change("score", "10", "2.5")),
        ({"score": "0"}, Change("score", "10", "0")),
        ({"scope": {"type": ["office"]}}, Change("scope", "{type: [residential, commercial]}", "{type: [office]}")),
        ({"scope": {}}, Change("scope", "{type: [residential, commercial]}", "{}")),
        ({"except": {"let": ["none"]}}, Change("except", "{let: [own-use]}", "{let: [none]}")),
        ({"methods": ["phone"]}, Change("methods", "[records, walk]", "[phone]")),
        ({"how": "看"}, Change("how", "抽档案", "看")),
        ({"sample": {"minimum": "3"}}, Change("sample", "{of: 档案, minimum: 2}", "{minimum: 3}")),
        ({"variants": []}, Change("variants", "[{when: {phase: [handover]}, sample: {minimum: 4}}]", "[]")),
        ({"frequency": {"supervisor": "2次/周", "department": {"every": "1/quarter", "share": "50%"}}},
         Change("frequency.supervisor", "1/month", "2/week")),
        ({"frequency": {"supervisor": "1/month", "department": {"every": "1/quarter", "share": "33.3%"}}},
         Change("frequency.department", "{every: 1/quarter, share: 50%}", "{every: 1/quarter, share: 33.3%}")),
        ({"frequency": {"supervisor": "1/month"}},
         Change("frequency.department", "{every: 1/quarter, share: 50%}", None)),
        ({"elements": [{"no": "1", "text": "登记表"}, {"no": "7", "text": "执照", "scope": {"type": ["office"]}}]},
         Change("elements.7", None, "{text: 执照, scope: {type: [office]}}")),
        ({"elements": [{"no": "1", "text": "登记"}]}, Change("elements.1", "登记表", "登记")),
        ({"measure": {"unit": "声", "max": "3.5"}}, Change("measure", "{unit: 声, max: 3}", "{unit: 声, max: 3.5}")),
        ({"minutes": "15"}, Change("minutes", "10", "15")),
        ({"specialty": "秩序"}, Change("specialty", "客服", "秩序")),
        ({"category": "巡逻"}, Change("category", "客户档案", "巡逻")),
        ({"mystery_visit": "true"}, Change("mystery_visit", "false", "true")),
        ({"executive_check": "true"}, Change("executive_check", "false", "true")),
    ],
)  # fmt: skip
def test_a_changed_key_is_shown_as_people_write_it(point, change):
    assert differences(EDITION, changed(point)) == {"KF-001": (change,)}


@pytest.mark.parametrize(
    "same",
    [
        changed({"scope": {"type": ["commercial", "residential"]}}),
        changed({"methods": ["walk", "records"]}),
        changed({"frequency": {"department": {"every": "1次/季度", "share": "50.0%"}, "supervisor": "1次/月"}}),
        changed({"frequency": {"supervisor": "1/month", "team_lead": "不固定",
                               "department": {"every": "1/quarter", "share": "50%"}}}),
        changed({"measure": {"unit": "声", "max": "3.0"}, "mystery_visit": "false", "how": "抽档案"}),
        changed({"scope": {}, "methods": [], "variants": []}, at=(1, 0)),
        changed({"sample": {}}, at=(1, 0)),
        changed({"sample": {"minimum": "0"}}, at=(1, 0)),
        changed({"elements": [{"no": "1", "text": "登记表", "scope": {}}]}),
        {**EDITION, "groups": EDITION["groups"][::-1]},
        {**EDITION, "edition": "2026.2", "effective_from": "2026-07-01"},
    ],
)  # fmt: skip
def test_what_means_the_same_is_no_change(same):
    assert not changes.diff(read(EDITION), read(same))


def test_a_change_of_a_group_is_one_of_each_point_that_takes_it():
    new = changed({"minutes": "10"}, group={"minutes": "20"})
    assert differences(EDITION, new) == {"KF-002": (Change("minutes", "10", "20"),)}


def test_a_variant_that_frees_the_methods_differs_from_one_that_says_nothing():
    free = [{"when": {"phase": ["handover"]}, "sample": {"minimum": "4"}, "methods": []}]
    assert [change.key for change in differences(EDITION, changed({"variants": free}))["KF-001"]] == ["variants"]


def test_a_variant_that_frees_the_sample_differs_from_one_that_says_nothing():
    how = {"when": {"phase": ["handover"]}, "how": "看"}
    old, new = changed({"variants": [how]}), changed({"variants": [{**how, "sample": {}}]})
    assert [change.key for change in differences(old, new)["KF-001"]] == ["variants"]


@pytest.mark.parametrize("limit", [{"scope": {"type": ["office"]}}, {"except": {"let": ["own-use"]}}])
def test_a_scope_of_an_element_that_comes_is_a_change(limit):
    new = changed({"elements": [{"no": "1", "text": "登记表", **limit}]})
    assert [change.key for change in differences(EDITION, new)["KF-001"]] == ["elements.1"]


def test_a_point_that_moved_without_effect_has_another_group_and_nothing_else():
    new = copy.deepcopy(EDITION)
    point = new["groups"][0]["points"].pop(1)
    given = {key: value for key, value in new["groups"][0].items() if key not in ("name", "points")}
    new["groups"][1]["points"].append({**given, **point})
    assert differences(EDITION, new) == {"KF-002": (Change("group", "档案", "巡逻"),)}


def test_title_roles_and_methods_of_the_edition():
    new = changed(title="新标准", roles={"regional": {"title": "区域经理", "level": "region"}}, methods={
        "walk": "随行", "drone": "无人机"})  # fmt: skip
    assert changes.diff(read(EDITION), read(new)).edition == (
        Change("title", "标准", "新标准"),
        Change("roles.regional", "{title: 区域总经理, level: region}", "{title: 区域经理, level: region}"),
        Change("methods.drone", None, "无人机"),
    )


def test_points_come_and_go():
    new = copy.deepcopy(EDITION)
    new["groups"][1]["points"] = [{"code": "AB-002", "text": "岗位"}]
    found_ = changes.diff(read(EDITION), read(new))
    assert found_.added == (changes.Entry("AB-002", "巡逻", "岗位"),)
    assert found_.removed == (changes.Entry("AB-001", "巡逻", "路线"),)
    assert (found_.changed, found_.old, found_.new) == ((), "service 2026.1", "service 2026.1")


def test_rows_have_the_same_columns_always():
    new = changed({"score": "5"}, title="新标准")
    new["groups"][1]["points"] = [{"code": "AB-002", "text": "岗位"}]
    assert [tuple(row.values()) for row in changes.rows(changes.diff(read(EDITION), read(new)))] == [
        ("edition", None, None, None, "title", "标准", "新标准"),
        ("added", "AB-002", "巡逻", "岗位", None, None, None),
        ("removed", "AB-001", "巡逻", "路线", None, None, None),
        ("changed", "KF-001", "档案", "建档", "score", "10", "5"),
    ]
    assert {tuple(row) for row in changes.rows(changes.diff(read(EDITION), read(new)))} == {changes.ROW_COLUMNS}


def test_rows_have_frequencies_as_the_language_writes_them():
    """No other text is touched, even where it looks like a frequency."""
    asks = {
        "supervisor": "2/two-weeks",
        "department": {"every": "1/half-year", "share": "33.3%"},
        "executive": "1/year",
    }
    new = changed({"frequency": asks, "how": "1/month"}, title="1/month")
    found_ = changes.diff(read(EDITION), read(new))
    assert [(row["key"], row["old"], row["new"]) for row in changes.rows(found_, language="zh")] == [
        ("title", "标准", "1/month"),
        ("how", "抽档案", "1/month"),
        ("frequency.supervisor", "1次/月", "2次/两周"),
        ("frequency.department", "{every: 1次/季度, share: 50%}", "{every: 1次/半年, share: 33.3%}"),
        ("frequency.executive", None, "1次/年"),
    ]
    assert changes.rows(found_) == changes.rows(found_, language="en")
    assert changes.rows(found_)[3]["new"] == "{every: 1/half-year, share: 33.3%}"


def test_frequencies_in_the_words_of_either_language_are_read_again():
    for unit in calendar.Unit:
        for language in ("zh", "en"):
            text = labels.frequency(3, unit, language)
            assert calendar.frequency(text) == calendar.Frequency(3, unit)
            assert ("次" in text) == (language == "zh")


@LAWS
@given(SEEDS)
def test_an_edition_does_not_differ_from_itself(seed):
    old, _ = two_editions(seed)
    assert not changes.diff(read(old), read(copy.deepcopy(old)))


@LAWS
@given(SEEDS)
def test_the_other_way_round_old_and_new_are_exchanged(seed):
    old, new = map(read, two_editions(seed))
    there, back = changes.diff(old, new), changes.diff(new, old)
    assert (there.added, there.removed) == (back.removed, back.added)
    exchanged = {one.code: {(c.key, c.new, c.old) for c in one.changes} for one in back.changed}
    assert {one.code: {tuple(c) for c in one.changes} for one in there.changed} == exchanged
    assert {tuple(c) for c in there.edition} == {(c.key, c.new, c.old) for c in back.edition}


MUTATIONS = {
    "score": "77", "text": "新的要求", "scope": {"type": ["new"]}, "except": {"type": ["new"]}, "methods": ["walk", "phone", "video"],
    "how": "新的方法", "sample": {"of": "新的", "minimum": "9"}, "variants": [{"when": {"type": ["new"]}, "how": "新"}],
    "measure": {"unit": "米", "min": "-1"}, "minutes": "7", "specialty": "新的", "category": "新的",
}  # fmt: skip


@LAWS
@given(SEEDS, st.sampled_from(sorted([*MUTATIONS, "frequency", "elements", "mystery_visit"])))
def test_one_changed_key_of_one_point_is_all_that_is_reported(seed, key):
    rng = random.Random(seed)
    old, _ = two_editions(seed)
    new = copy.deepcopy(old)
    group = rng.choice(new["groups"])
    point = rng.choice(group["points"])
    reported = key
    if key == "frequency":
        asks = point.get("frequency", group["frequency"])
        role = rng.choice(["supervisor", *asks])
        point["frequency"], reported = {**asks, role: "77/year"}, f"frequency.{role}"
    elif key == "elements":
        point["elements"], reported = [*point.get("elements", []), {"no": "99", "text": "新"}], "elements.99"
    else:
        flag = "false" if point.get("mystery_visit") == "true" else "true"
        point[key] = MUTATIONS.get(key, flag)
    if point.get("executive_check") == "true" and "executive" not in point.get("frequency", group["frequency"]):
        del point["executive_check"]
    assert [(one, [c.key for c in cs]) for one, cs in differences(old, new).items()] == [(point["code"], [reported])]


def parsed(key, value):
    """Read a value back as it would stand in a file."""
    if value is None or key in TEXTS:
        return value
    if key.startswith("elements."):
        read_ = parsed("", value) if value.startswith("{text: ") else {"text": value}
        return {"no": key.removeprefix("elements."), **read_}
    return strictyaml.parse(f"v: {value}\n".encode(), "written").plain["v"]


def rewritten(edition, patches):
    """Return an edition written from the texts of its keys, after these have been replaced: {(code, key): text}."""
    groups = []
    for group in edition.groups:
        for code in (point.code for point in group.points):
            texts = {
                key: changes.written(value) for key, value in changes._keys(edition.points[code], group.name).items()
            }
            texts |= {key: text for (one, key), text in patches.items() if one == code}
            plain = {"code": code, "frequency": {}, "elements": []}
            for key, text in texts.items():
                value = parsed(key, text)
                if value is None:
                    continue
                if key.startswith("frequency."):
                    plain["frequency"][key.removeprefix("frequency.")] = value
                elif key.startswith("elements."):
                    plain["elements"].append(value)
                else:
                    plain[key] = value
            groups.append({"name": plain.pop("group"), "points": [plain]})
    return {"catalogue": "c", "edition": "1", "title": edition.title, "effective_from": "2026-01-01", "groups": groups}


@LAWS
@given(SEEDS)
def test_what_is_shown_turns_the_old_edition_into_the_new_one(seed):
    old, new = map(read, two_editions(seed))
    found_ = changes.diff(old, new)
    patches = {(one.code, change.key): change.new for one in found_.changed for change in one.changes}
    made = rewritten(old, patches)
    made |= {"roles": {"regional": {"title": "区域总经理", "level": "region"}, "steward": {"title": "管家", "level": "project"}},
             "methods": {"walk": "随行"}}  # fmt: skip
    again = changes.diff(read(made), new)
    assert (again.changed, again.edition) == ((), ())
    assert (again.added, {one.code for one in again.removed}) == (found_.added, {one.code for one in found_.removed})


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z类型]{1,9}\Z"), st.lists(WORDS, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3
    )
)
@settings(max_examples=60, deadline=None)
def test_a_scope_that_is_shown_can_be_read_again(scope):
    read_ = strictyaml.parse(f"v: {changes.written(scope)}\n".encode(), "written")
    assert not read_.problems
    assert read_.plain["v"] == {name: list(values) for name, values in scope.items()}


@pytest.mark.parametrize(
    ("value", "text"),
    [(Fraction(1, 2), "50%"), (Fraction(1), "100%"), (Fraction(333333, 1000000), "33.3333%"), (True, "true"), (12, "12"),
     ({"a": ("x, y",)}, '{a: ["x, y"]}'), (("-1",), '["-1"]'), (None, None), ("a: b", "a: b")],
)  # fmt: skip
def test_values_as_people_write_them(value, text):
    assert changes.written(value) == text


# Duties


def test_a_duty_that_moves_by_hand():
    """KF-001 goes from 1/month to 1/week at the one project, AB-001 of 1/day goes; 2026-10 has four Sundays and 31 days."""
    new = changed({"frequency": {"supervisor": "1/week", "department": {"every": "1/quarter", "share": "50%"}}})
    new["groups"][1]["points"] = [{"code": "AB-002", "text": "岗位", "frequency": {"team_lead": "1/year"}}]
    moved = changes.duties(read(EDITION), read(new), calendar.period("2026-10"))
    assert [(one.role, one.month, one.points, one.checks) for one in moved] == [
        ("supervisor", "2026-10", -1, 4 - 1 - 31),
        ("team_lead", "2026-10", Fraction(1, 12), Fraction(1, 12)),
        ("department", "2026-10", 0, 0),
    ]
    assert moved[0].old == workload.Required(Fraction(3), Fraction(33))
    assert changes.duty_rows(moved)[0] == {
        "role": "supervisor", "title": "对口主管", "month": "2026-10", "points_old": 3.0, "points_new": 2.0,
        "points_difference": -1.0, "checks_old": 33.0, "checks_new": 5.0, "checks_difference": -28.0,
    }  # fmt: skip
    assert {tuple(row) for row in changes.duty_rows(moved)} == {changes.DUTY_COLUMNS}


def test_duties_are_those_of_the_projects_of_the_definitions():
    """P01 and P02 are residential, P03 closes before October; only KF-001 becomes weekly."""
    projects = [{"id": name, "name": name, "attributes": {"type": "residential"}} for name in ("P01", "P02")]
    projects.append({"id": "P03", "name": "P03", "closed": "2026-10-01"})
    here = found({"projects": projects})
    new = changed({"frequency": {"supervisor": "1/week", "department": {"every": "1/quarter", "share": "50%"}}})
    moved = changes.duties(read(EDITION), read(new), calendar.period("2026-Q4"), definitions=here)
    assert [(one.month, one.checks) for one in moved if one.role == "supervisor"] == [
        ("2026-10", 2 * 3), ("2026-11", 2 * 4), ("2026-12", 2 * 3)]  # fmt: skip
    total = {one.role: one for one in changes.totals(moved)}
    assert (total["supervisor"].month, total["supervisor"].checks) == (None, 20)
    assert total["department"].old == total["department"].new == (2, 2)


def test_the_day_on_which_an_edition_starts_does_not_matter():
    late = {**EDITION, "edition": "2027.1", "effective_from": "2027-01-01"}
    moved = changes.duties(read(EDITION), read(late), calendar.period("2026"))
    assert moved and all(one.old == one.new for one in moved)


def test_a_role_that_another_edition_declares_is_known():
    plain = {key: value for key, value in EDITION.items() if key not in ("roles", "methods")}
    plain["groups"] = [
        {"name": "巡逻", "frequency": {"regional": "1/month"}, "points": [{"code": "AB-001", "text": "路线"}]}
    ]
    asking = lint.build([document.from_plain(plain, "edition")])[0].sources[0].edition
    moved = changes.duties(asking, read(EDITION), calendar.period("2026-10"))
    assert {one.role: one.title for one in moved}["regional"] == "区域总经理"


def regional(level, share="100%"):
    """An edition in which a role of its own at a level owes one point a month."""
    return {**EDITION, "roles": {"regional": {"title": f"按{level}", "level": level}}, "groups": [
        {"name": "巡逻", "frequency": {"regional": {"every": "1/month", "share": share}},
         "points": [{"code": "AB-001", "text": "路线"}]}]}  # fmt: skip


FOUR = [{"id": f"P{n}", "name": "项目", "attributes": {"region": "华南" if n % 2 else "华东"}} for n in range(4)]


def test_either_edition_is_counted_by_its_own_roles():
    """Four projects in two regions: all of each region is four, a tenth of each two; half of the company is two."""
    here = found({"projects": FOUR})
    old, new = read(regional("region", "10%")), read(regional("company", "75%"))
    (there,) = changes.duties(old, new, calendar.period("2026-10"), definitions=here)
    assert (there.old.points, there.new.points, there.title) == (2, 3, "按company")
    (back,) = changes.duties(new, old, calendar.period("2026-10"), definitions=here)
    assert (back.old.points, back.new.points, back.title) == (3, 2, "按region")
    (alone,) = changes.duties(old, new, calendar.period("2026-10"))
    assert alone.old == alone.new == (1, 1)


def test_a_role_that_an_edition_does_not_declare_is_that_of_the_definitions_before_that_of_the_other_edition():
    """The workspace has it at the region, where a tenth of either is one project; the new edition at each project."""
    asking = {**regional("region", "10%"), "roles": {}}
    loaded, problems = lint.build([document.from_plain(asking, "edition")], beside=(source(regional("region")),))
    assert problems == []
    old, new = loaded.sources[0].edition, read(regional("project"))
    here = found({"projects": FOUR}, editions=[regional("region")])
    (one,) = changes.duties(old, new, calendar.period("2026-10"), definitions=here)
    assert (one.old.points, one.new.points) == (2, 4)
    here = found({"projects": FOUR}, editions=[{**EDITION, "roles": {}}])
    (one,) = changes.duties(old, new, calendar.period("2026-10"), definitions=here)
    assert (one.old.points, one.new.points) == (4, 4)


def test_a_role_that_only_an_edition_beside_the_workspace_declares_is_known():
    asking = {**regional("region"), "roles": {}}
    beside = (source(regional("region")),)
    edition = lint.build([document.from_plain(asking, "edition")], beside=beside)[0].sources[0].edition
    here = found({"projects": FOUR}, editions=[{**EDITION, "roles": {}}])
    here = replace(here, checklists=replace(here.checklists, beside=beside))
    (one,) = changes.duties(edition, edition, calendar.period("2026-10"), definitions=here)
    assert (one.title, one.old) == ("按region", (4, 4))


@LAWS
@given(SEEDS)
def test_duties_agree_with_what_the_indicators_have_as_due(seed):
    workspace = world(seed)["workspace"]
    workspace["portfolio"].pop("waivers", None)  # they may name points that only another edition has
    editions = two_editions(seed)
    moved = changes.duties(*map(read, editions), calendar.period("2026"), definitions=load(workspace))
    for side, plain in zip(("old", "new"), editions, strict=True):
        alone = load({**workspace, "checklists": [{**plain, "effective_from": "2020-01-01"}]})
        rows = measured(alone, tables(alone), "2026", ("role",))
        due = {key[0]: amount for key, name, _, amount, *_ in rows if name == "frequency_completion" and amount}
        checks = {one.role: float(getattr(one, side).checks) for one in changes.totals(moved)}
        assert {role: amount for role, amount in checks.items() if amount} == due


# The shipped editions


def test_the_shipped_editions():
    """The comments at the head of 2026.2 say: XF-006 is new, GC-005 is gone, some keys are adjusted."""
    found_ = changes.diff(shipped("2025.2"), shipped("2026.2"))
    assert [one.code for one in found_.added] == ["XF-006"]
    assert [one.code for one in found_.removed] == ["GC-005"]
    assert found_.edition == ()
    assert [(one.code, change) for one in found_.changed for change in one.changes if change.key != "text"] == [
        *((code, Change("frequency.department", "{every: 1/month, share: 30%}", "{every: 1/month, share: 50%}"))
          for code in ("KF-001", "KF-002", "KF-003")),
        ("GC-002", Change("score", "4", "5")),
        ("XF-001", Change("frequency.supervisor", "2/week", "3/week")),
        ("XF-002", Change("sample", "{of: 灭火器设置点, minimum: 5}", "{of: 灭火器设置点, minimum: 8}")),
        ("HJ-005", Change("frequency.supervisor", "1/month", "1/two-weeks")),
        ("HJ-005", Change("frequency.team_lead", "1/quarter", "1/month")),
    ]  # fmt: skip
    assert [one.code for one in found_.changed if one.changes[0].key == "text"] == ["KF-004"]


def test_the_duties_that_move_between_the_shipped_editions():
    """2026 has 52 Sundays and 26 ends of pairs of weeks, at one project into which all fits.

    Supervisor: XF-006 twice a week 104, XF-001 once a week more 52, HJ-005 26 for 12, without GC-005's once a week.
    Executive: XF-006 once a quarter.
    """
    moved = changes.duties(shipped("2025.2"), shipped("2026.2"), calendar.period("2026"))
    total = {one.role: (one.points, one.checks) for one in changes.totals(moved)}
    assert total["supervisor"] == (0, 104 + 52 + 26 - 12 - 52)
    assert total["executive"] == (4, 4)
    assert len(moved) == 6 * 12
