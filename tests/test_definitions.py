"""Definitions: the files of design.md as they stand there, and what each of their parts means."""

import json
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from qpi import calendar, definitions, lint, schema, strictyaml
from qpi.calendar import Frequency, Unit
from qpi.errors import DefinitionError
from qpi.policy import Policy
from qpi.workspace import Workspace

ZONE = calendar.zone("Asia/Shanghai")
QPI = """\
# qpi.yaml
organisation: 示例物业
timezone: Asia/Shanghai
ledger: sqlite:///qpi.db            # SQLAlchemy URL: sqlite (relative to this file), postgresql+psycopg
checklists: checklists              # a folder or a list of files; all editions stay, several catalogues may stand side by side
portfolio: portfolio.yaml
policy: policy.yaml                 # may be missing: every setting has the default of indicators.md
"""
EDITION = """\
# checklists/property-service-2026.2.yaml
catalogue: property-service
edition: "2026.2"
title: 物业项目现场业务质量绩效指标
effective_from: 2026-07-01          # the 1st of a month
roles: {regional: {title: 区域总经理, level: region}}     # beside the five built-in ones
methods: {walk: 随行}                                   # beside the built-in ones
groups:
  - name: 建立客户档案
    specialty: 客服
    category: 客户档案
    scope: {type: [residential, commercial]}     # every key must match; a missing scope means all
    except: {let: [group-own-use]}               # matches as scope does: every key
    methods: [records]
    how: 随机抽取客户档案查阅。
    sample: {of: 客户档案, minimum: 2}            # a point's or variant's key replaces its group's whole key, nothing is merged inside
    variants: [{when: {phase: [handover]}, how: 抽最近收楼的客户档案, sample: {minimum: 2}}]
    frequency:
      supervisor: 1/month           # also 1次/月, 1次/日, 2次/周, 1次/两周, 1次/季度, 1次/半年, 1次/年; 不固定 = no duty
      team_lead: 1/quarter
      project_lead: 1/half-year
      department: {every: 1/month, share: 50%}
    points:
      - {code: KF-001, text: 收楼后一个月内建档, score: 10, mystery_visit: true, executive_check: true}
      - code: KF-002
        text: 业主档案要件齐全
        score: 10
        elements: [{no: 1, text: 登记表含紧急联系人}, {no: 7, text: 法人执照, scope: {type: [commercial]}}]
      - {code: KF-003, text: 前台接听不超过三声, score: 5, measure: {unit: 声, max: 3}}
"""
PORTFOLIO = """\
# portfolio.yaml: everything but projects' id and name may be missing
projects:
  - id: P01
    name: 桃园
    opened: 2024-03-01              # first day served
    closed: 2027-03-01              # first day no longer served
    attributes: {type: residential, phase: handover, region: 华南}
    changes: [{from: 2026-07-01, attributes: {phase: occupied}}]
people: [{id: S01, name: 甲}]
parties: [{id: BJ, name: 保洁外包, kind: contractor}]                 # teams and contractors; `responsible` may name a person or a party
posts: [{role: supervisor, project: P01, specialty: 客服, person: S01, from: 2026-01-01}]
waivers: [{project: P01, points: [KF-001], role: supervisor, from: 2026-10-01, to: 2026-10-31, reason: 停用, approved_by: S01}]   # both days within; no points: all; no role: all
"""
POLICY = """\
# policy.yaml, with the defaults
floors: {frequency_completion: 75%, closure: 100%, traceability: 100%, method_conformity: 100%,
         suggestion_ratio: 5%, rectification_ratio: 5%, deduction_ratio: 5%}
overfulfilment: credited            # or raw
days: calendar                      # or working, or {supervisor: working}
counts_for_duty: [routine, special, mystery]
closure: {kinds: [suggestion, deduction], population: raised}   # or due
verification_by: not_responsible    # or not_inspector (and not responsible)
traceability: {check: [inspector, checked_at, place, method, sample_or_evidence], finding: [fault, advice, handling, verify_on]}
mix_minimum: 60
score_floor: zero                   # or none
grades: [{from: 95%, name: 优质}, {from: 85%, name: 良好}, {from: 70%, name: 一般}, {from: 0%, name: 较差}]
"""
ADVICE = (
    "checklists/property-service-2026.2.yaml:24:73: point KF-001 is marked ◎ (executive_check) but executive has no "
    "frequency; add executive: 1/year, say, to its frequency, or take the mark out"
)


def read(text, name="a.yaml"):
    return strictyaml.parse(text.encode(), name)


def editions(*texts):
    """The checklists of texts without a problem that matters."""
    found, problems = lint.build([read(text, f"{i}.yaml") for i, text in enumerate(texts)])
    assert [str(problem) for problem in problems if not problem.advisory] == []
    return found


def edition(points, more="", head=""):
    """An edition of one group, written in flow style."""
    return f"""\
catalogue: service
edition: "1"
title: 物业服务
effective_from: 2026-01-01
{head}
groups: [{{name: 建立客户档案, specialty: 客服, {more} points: [{points}]}}]
"""


def point(text, code="KF-001"):
    return editions(text).sources[0].edition.points[code]


def faults(text):
    return [str(problem) for problem in lint.build([read(text)])[1]]


def portfolio(text):
    found, problems = definitions.build([], read(text), None, ZONE)
    del found
    loaded = schema.load(definitions.Portfolio, read(text))
    assert [str(problem) for problem in problems if not problem.advisory] == []
    return loaded.model


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """The files of design.md, as they stand there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checklists").mkdir()
    (tmp_path / "qpi.yaml").write_text(QPI, encoding="utf-8")
    (tmp_path / "checklists" / "property-service-2026.2.yaml").write_text(EDITION, encoding="utf-8")
    (tmp_path / "portfolio.yaml").write_text(PORTFOLIO, encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return Workspace()


# --- the files of design.md


def test_the_files_of_the_design_are_accepted_but_for_the_mark_without_a_frequency(workspace):
    assert [str(problem) for problem in workspace.check()] == [ADVICE]
    assert workspace.definitions.portfolio.project["P01"].name == "桃园"


def test_a_workspace_without_a_fault_gets_no_words_and_exit_0(workspace):
    path = workspace.folder / "checklists" / "property-service-2026.2.yaml"
    path.write_text(EDITION.replace(", executive_check: true", ""), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "qpi", "check", "-w", str(workspace.folder.resolve())], capture_output=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")


def test_check_loads_no_library_that_it_does_not_need(workspace):
    code = """
import sys
from qpi.cli import qpi
try:
    qpi.main(["check"], standalone_mode=False)
except Exception as error:
    assert "executive_check" in str(error), error
print({"pandas", "numpy", "sqlalchemy", "jinja2", "narwhals"} & set(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=workspace.folder.resolve(), text=True)
    assert (run.stdout, run.stderr) == ("set()\n", "")


def test_the_policy_of_the_design_is_the_default(workspace):
    """But for the texts of the grades, which the design does not give."""
    bare = tuple(grade.model_copy(update={"text": None}) for grade in Policy().grades)
    assert all(grade.text for grade in Policy().grades)
    assert workspace.definitions.policy == Policy().model_copy(update={"grades": bare})


def test_a_missing_policy_is_the_default(workspace):
    (workspace.folder / "policy.yaml").unlink()
    assert workspace.definitions.policy == Policy()


def test_values_cannot_be_changed(workspace):
    found = workspace.definitions
    for value in (found.policy, found.portfolio, found.checklists.sources[0].edition, found):
        with pytest.raises((ValueError, AttributeError)):
            value.zone = ZONE


# --- inheritance, variants, scope


def test_a_point_takes_from_its_group_what_it_does_not_say():
    found = point(
        edition("{code: KF-001, text: 建档, methods: phone}", "methods: [records], category: 档案, how: 抽查,")
    )
    assert (found.specialty, found.category, found.methods, found.how) == ("客服", "档案", ("phone",), "抽查")


def test_a_key_of_a_point_replaces_the_whole_key_of_its_group():
    group = "frequency: {supervisor: 1/month, team_lead: 1/week}, sample: {of: 档案, minimum: 5}, scope: {type: [a]},"
    found = point(
        edition(
            "{code: KF-001, text: 建档, frequency: {supervisor: 1/week}, sample: {minimum: 2}, scope: {let: [b]}}",
            group,
        )
    )
    assert {role: ask.every for role, ask in found.frequency.items()} == {"supervisor": Frequency(1, Unit.WEEK)}
    assert (found.sample.of, found.sample.minimum) == (None, 2)
    assert found.scope == {"let": ("b",)}


def test_a_point_of_one_group_takes_nothing_from_another():
    text = edition("{code: KF-001, text: 建档}", "methods: [records],") + "  \n"
    text = text.replace("]}]\n", "]}, {name: 乙, points: [{code: KF-002, text: 更新}]}]\n")
    assert point(text, "KF-002").methods is None


@pytest.mark.parametrize(
    ("attributes", "applies"),
    [
        ({"type": "a", "let": "no"}, True),
        ({"type": "b"}, True),
        ({"type": "c"}, False),
        ({}, False),
        ({"type": "a", "let": "own", "phase": "x"}, False),
        ({"type": "a", "let": "own", "phase": "y"}, True),
    ],
)
def test_a_scope_wants_every_key_and_an_exception_matches_as_a_scope_does(attributes, applies):
    text = edition("{code: KF-001, text: 建档, scope: {type: [a, b]}, except: {let: own, phase: [x]}}")
    assert point(text).applies(attributes) is applies


def test_a_missing_scope_means_all():
    assert point(edition("{code: KF-001, text: 建档}")).applies({})


def test_the_first_variant_that_fits_replaces_whole_keys():
    text = edition(
        "{code: KF-001, text: 建档}",
        "methods: [records], how: 常规, sample: {of: 档案, minimum: 2},"
        "variants: [{when: {phase: [handover]}, sample: {minimum: 4}}, {when: {type: [a]}, methods: [phone, video], how: 电话}],",
    )
    found = point(text)
    assert found.way({"phase": "handover", "type": "a"}) == (("records",), 4, "常规")
    assert found.way({"type": "a"}) == (("phone", "video"), 2, "电话")
    assert found.way({}) == (("records",), 2, "常规")


def test_a_point_without_methods_allows_any():
    assert point(edition("{code: KF-001, text: 建档}")).way({}) == ((), 0, "")


def test_an_element_has_its_number_and_its_own_scope():
    found = point(
        edition("{code: KF-001, text: 建档, elements: [{no: 1, text: 登记表}, {no: 7, text: 执照, scope: {type: b}}]}")
    )
    assert [(one.no, one.scope) for one in found.elements] == [(1, None), (7, {"type": ("b",)})]


@pytest.mark.parametrize(
    ("limits", "value", "fits"),
    [
        ("max: 3", "3", True),
        ("max: 3", "3.01", False),
        ("min: -2.5", "-2.5", True),
        ("min: 18, max: 26", "17.99", False),
        ("min: 18, max: 26", "20", True),
    ],
)
def test_a_measured_value_fits_within_both_limits(limits, value, fits):
    found = point(edition(f"{{code: KF-001, text: 接听, measure: {{unit: 声, {limits}}}}}"))
    assert found.measure.fits(Decimal(value)) is fits


def test_a_score_is_counted_in_hundredths():
    found = editions(
        edition(
            "{code: A, text: 一, score: 10}, {code: B, text: 二, score: 2.5}, {code: C, text: 三, score: 0.05}, {code: D, text: 四}"
        )
    )
    assert [one.score for one in found.sources[0].edition.points.values()] == [1000, 250, 5, None]


def test_flags_are_off_unless_they_are_said():
    found = editions(edition("{code: A, text: 一, mystery_visit: true}, {code: B, text: 二}")).sources[0].edition.points
    assert [(one.mystery_visit, one.executive_check) for one in found.values()] == [(True, False), (False, False)]


# --- roles, frequencies, shares


def test_both_notations_of_a_frequency_mean_the_same():
    english = point(edition("{code: KF-001, text: 建档, frequency: {supervisor: 2/week}}"))
    chinese = point(edition("{code: KF-001, text: 建档, frequency: {supervisor: 2次/周}}"))
    assert english.frequency == chinese.frequency


def test_not_fixed_is_no_duty():
    assert (
        point(edition("{code: KF-001, text: 建档, frequency: {supervisor: 不固定}}")).frequency["supervisor"].every
        is None
    )


def test_a_share_is_an_exact_fraction_and_everything_unless_it_is_said():
    found = point(
        edition(
            "{code: KF-001, text: 建档, frequency: {department: {every: 1/month, share: 33.3%}, executive: 1/year}}"
        )
    )
    assert (found.frequency["department"].share, found.frequency["executive"].share) == (
        Fraction(333, 1000),
        Fraction(1),
    )


def test_a_declared_role_stands_beside_the_built_in_ones():
    found = editions(
        edition(
            "{code: A, text: 一, frequency: {regional: 1/month}}",
            head="roles: {regional: {title: 区域总经理, level: region}}",
        )
    )
    assert (found.roles["regional"].level, found.roles["supervisor"].title) == ("region", "对口主管")


def test_a_role_of_the_project_with_a_share_is_a_fault():
    assert faults(edition("{code: A, text: 一, frequency: {supervisor: {every: 1/month, share: 50%}}}")) == [
        "a.yaml:6:117: a share means nothing for supervisor, who owes the duty to each project; take share out"
    ]


def test_a_mark_whose_executive_has_a_frequency_is_silent():
    assert faults(edition("{code: A, text: 一, executive_check: true}", "frequency: {executive: 1/year},")) == []


def test_a_mark_whose_point_takes_the_frequency_away_again_is_reported():
    (said,) = faults(
        edition(
            "{code: A, text: 一, executive_check: true, frequency: {executive: 不固定}}",
            "frequency: {executive: 1/year},",
        )
    )
    assert "point A is marked ◎" in said


# --- editions and catalogues

LATER = edition("{code: KF-001, text: 十日内建档}").replace('"1"', '"2"').replace("2026-01-01", "2026-07-01")
OTHER = edition("{code: AQ-001, text: 消防}").replace("service", "safety")


def test_editions_supersede_one_another_within_a_catalogue_and_catalogues_stand_side_by_side():
    found = editions(LATER, OTHER, edition("{code: KF-001, text: 建档}, {code: KF-009, text: 停用}"))
    texts = {
        day: {code: one.text for code, (one, _) in found.points(day).items()}
        for day in (date(2026, 6, 30), date(2026, 7, 1))
    }
    assert texts[date(2026, 6, 30)] == {"KF-001": "建档", "KF-009": "停用", "AQ-001": "消防"}
    assert texts[date(2026, 7, 1)] == {"KF-001": "十日内建档", "AQ-001": "消防"}


def test_before_the_first_edition_there_is_no_point():
    assert editions(LATER).points(date(2026, 6, 30)) == {}


def test_two_catalogues_may_declare_the_same_role_and_method_alike():
    head = "roles: {regional: {title: 区域, level: region}}\nmethods: {walk: 随行}"
    first = edition("{code: A, text: 一}", head=head)
    assert (
        editions(first, edition("{code: B, text: 二}", head=head).replace("service", "safety")).methods["walk"]
        == "随行"
    )


def test_a_catalogue_may_change_the_title_of_its_method():
    first = edition("{code: A, text: 一}", head="methods: {walk: 随行}")
    editions(first, LATER.replace("\n\ngroups", "\nmethods: {walk: 陪同}\ngroups"))


# --- dated attributes


DATED = """
projects:
  - id: P01
    name: 桃园
    opened: 2024-03-01
    closed: 2027-03-01
    attributes: {type: residential, phase: handover, region: 华南}
    changes:
      - {from: 2026-09-01, attributes: {phase: renewed}}
      - {from: 2026-07-01, attributes: {phase: occupied, lifts: 007}}
"""


@pytest.mark.parametrize(
    ("day", "phase", "lifts"),
    [
        (date(2026, 6, 30), "handover", None),
        (date(2026, 7, 1), "occupied", "007"),
        (date(2026, 9, 1), "renewed", "007"),
    ],
)
def test_a_dated_change_merges_key_by_key_whatever_the_order_in_the_file(day, phase, lifts):
    found = portfolio(DATED).project["P01"].attributes_on(day)
    assert (found["type"], found["phase"], found.get("lifts")) == ("residential", phase, lifts)


@pytest.mark.parametrize(
    ("day", "served"),
    [(date(2024, 2, 29), False), (date(2024, 3, 1), True), (date(2027, 2, 28), True), (date(2027, 3, 1), False)],
)
def test_a_project_is_served_from_its_first_day_to_the_day_before_it_closes(day, served):
    assert portfolio(DATED).project["P01"].open_on(day) is served


def test_everything_but_id_and_name_of_projects_may_be_missing():
    assert portfolio("projects: [{id: P01, name: 桃园}]").project["P01"].attributes_on(date(2026, 1, 1)) == {}


def test_two_people_of_one_name_are_two():
    found = portfolio("projects: [{id: P01, name: 桃园}]\npeople: [{id: S01, name: 王伟}, {id: S02, name: 王伟}]")
    assert found.names == {"S01": "王伟", "S02": "王伟"}


def test_codes_and_ids_of_the_portfolio_are_compared_as_normal():
    found = portfolio(
        "projects: [{id: Ｐ０１, name: 桃园}]\npeople: [{id: S01, name: 甲}]\n"
        "waivers: [{project: P01, points: [ＫＦ－００１], from: 2026-01-01, to: 2026-01-31, reason: 停用, approved_by: Ｓ01}]"
    )
    assert (found.waivers[0].points, found.waivers[0].approved_by) == (("KF-001",), "S01")


# --- policy


def test_working_days_hold_for_all_roles_or_for_one():
    every, one = (schema.load(Policy, read(text)).model for text in ("days: working", "days: {supervisor: working}"))
    assert [every.working("supervisor"), every.working("executive")] == [True, True]
    assert [one.working("supervisor"), one.working("executive")] == [True, False]


def test_a_floor_can_be_taken_away_and_given():
    found = schema.load(Policy, read("floors: {closure: none, coverage: 90%}")).model
    assert (found.floor("closure"), found.floor("coverage"), found.floor("traceability")) == (
        None,
        Fraction(9, 10),
        Fraction(1),
    )


@pytest.mark.parametrize(
    ("rate", "name"), [(Fraction(19, 20), "优质"), (Fraction(9499, 10000), "良好"), (Fraction(0), "较差"), (None, None)]
)
def test_a_grade_is_the_band_of_the_exact_rate(rate, name):
    assert Policy().grade(rate) == name


# --- digests


def digest(text):
    return lint.build([read(text)])[0].sources[0].digest


def shuffled(value, chance):
    """The same content with its keys in another order."""
    if isinstance(value, dict):
        pairs = [(key, shuffled(item, chance)) for key, item in value.items()]
        chance.shuffle(pairs)
        return dict(pairs)
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


@settings(max_examples=40, deadline=None)
@given(
    st.randoms(use_true_random=False), st.booleans(), st.sampled_from([40, 80, 1000]), st.sampled_from(["'", '"', None])
)
def test_the_digest_depends_on_neither_layout_nor_the_order_of_keys(chance, flow, width, quote):
    plain = shuffled(read(EDITION).plain, chance)
    text = yaml.safe_dump(
        plain, allow_unicode=True, sort_keys=False, default_flow_style=flow, width=width, default_style=quote
    )
    assert digest(f"# note\n{text}") == digest(EDITION)


def test_json_is_another_layout():
    assert digest(json.dumps(read(EDITION).plain, ensure_ascii=True)) == digest(EDITION)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("score: 10, mystery", "score: 11, mystery"),
        ("minimum: 2}            #", "minimum: 3}            #"),
        ("type: [residential, commercial]", "type: [commercial, residential]"),
        ("三声", "三声。"),
        ('"2026.2"', "2026.20"),
        ("1/month           #", "1次/月           #"),
        ("share: 50%", "share: 51%"),
    ],
)
def test_the_digest_changes_with_any_content(old, new):
    assert old in EDITION
    assert digest(EDITION.replace(old, new)) != digest(EDITION)


def test_the_digest_is_the_sha256_of_canonical_json():
    assert (
        schema.digest({"b": ["1", "二"], "a": "x"})
        == "6853e38709597ad4aa3fb444fc69af11f7dc8b08735bcb6529752efaf8c22cd9"
    )


# --- plain values, as a program gives them


def test_definitions_are_made_of_plain_values():
    found = definitions.from_plain([read(EDITION).plain], read(PORTFOLIO).plain, read(POLICY).plain, zone=ZONE)
    assert found.checklists.sources[0].digest == digest(EDITION)
    assert found.groupings[-3:] == ("phase", "region", "type")


def test_a_plain_value_that_is_not_text_is_refused_with_the_name_of_its_field():
    plain = read(edition("{code: KF-001, text: 建档}")).plain
    plain["groups"][0]["points"][0]["score"] = 10.5
    plain["groups"][0]["points"][0]["text"] = "建\u200b档"
    with pytest.raises(DefinitionError) as caught:
        definitions.from_plain([plain], {"projects": [{"id": "P01", "name": "桃园"}]}, zone=ZONE)
    assert [str(problem) for problem in caught.value.problems] == [
        "edition 1: groups[0].points[0].text: text holds U+200B (zero width space) at character 2; take it out, or write an ordinary blank",
        "edition 1: groups[0].points[0].score: 10.5 is not text; give every value as text, as it stands in a file",
    ]


def test_a_fault_in_plain_values_bears_the_name_of_its_field():
    with pytest.raises(
        DefinitionError, match=r"^portfolio: posts\[0\]\.project: project \"P02\" is unknown; did you mean P01\?$"
    ):
        definitions.from_plain(
            [read(edition("{code: KF-001, text: 建档}")).plain],
            {
                "projects": [{"id": "P01", "name": "桃园"}],
                "people": [{"id": "S01", "name": "甲"}],
                "posts": [{"role": "supervisor", "project": "P02", "person": "S01"}],
            },
            zone=ZONE,
        )


# --- all at once, one at a time, and fast


def test_a_fault_does_not_hide_another_in_the_same_point():
    said = faults(edition("{code: КF-1, score: ten, methods: [recrods], frequency: {superviser: 1/month}, scope: []}"))
    assert [line.split(": ", 1)[1].split(";")[0] for line in said] == [
        'key "text" is missing',
        "code 'КF-1' holds 'К' (a Cyrillic letter), which is easily taken for another",
        'score: "ten" is not a number from 0 to 9999999 with at most two decimals',
        'method "recrods" is unknown',
        'role "superviser" is unknown',
        "scope: keys and values are expected",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{title: 区域总经理", "{titel: 区域总经理"),
        ("roles: {", "rolse: {"),
        ("code: KF-001,", "code: КF-001,"),
        ("code: KF-001,", "cod: KF-001,"),
        ("    points:", "    point:"),
        ("groups:", "group:"),
        ("frequency:", "frequencey:"),
        ("effective_from: 2026-07-01", "effective_from: 2026-07-32"),
        ("name: 建立客户档案", "name: *x"),
        ("catalogue: property-service", "catalogue: 1st"),
        ("edition:", "editon:"),
        ("unit: 声, max: 3", "unit: 声, max: 三"),
        ("records", "recrods"),
        ("- {code: KF-003", "- {coed: KF-003"),
        ("when: {phase", "wehn: {phase"),
        ("every: 1/month", "evry: 1/month"),
        ("no: 7", "no: 七"),
        ("walk: 随行", "wa lk: 随行"),
        ("minimum: 2}            #", "minimum: -2}            #"),
    ],
)
def test_one_mistake_in_the_edition_gives_one_message_over_all_files(old, new, workspace):
    assert old in EDITION
    path = workspace.folder / "checklists" / "property-service-2026.2.yaml"
    path.write_text(EDITION.replace(old, new, 1), encoding="utf-8")
    said = [problem for problem in workspace.check() if not problem.advisory]
    assert len(said) == 1, said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("projects:", "project:"),
        ("- id: P01", "- ID: P01"),
        ("name: 桃园", "nmae: 桃园"),
        ("opened: 2024-03-01", "opened: 2024-03-00"),
        ("people: [{id: S01", "peopel: [{id: S01"),
        ("people: [{id: S01, name: 甲}]", "people: [{id: S01}]"),
        ("type: residential, phase", "type: [residential], phase"),
        ("waivers: [", "waiver: ["),
        ("from: 2026-10-01, to", "form: 2026-10-01, to"),
        ("points: [KF-001]", "points: [KF-00l]"),
    ],
)
def test_one_mistake_in_the_portfolio_gives_one_message_over_all_files(old, new, workspace):
    assert old in PORTFOLIO
    (workspace.folder / "portfolio.yaml").write_text(PORTFOLIO.replace(old, new, 1), encoding="utf-8")
    said = [str(problem) for problem in workspace.check()]
    assert said[:1] == [ADVICE]
    assert len(said) == 2, said


SIGNS = list("[]{}:,-?&*!|>'\"%#@`\n\t x0：，")


@settings(max_examples=120, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_a_file_with_random_mistakes_is_judged_in_no_time_and_nothing_else_is_raised(chance, count):
    documents = []
    for name, text in (("edition.yaml", EDITION), ("portfolio.yaml", PORTFOLIO), ("policy.yaml", POLICY)):
        signs = list(text)
        for _ in range(count):
            at = chance.randrange(len(signs))
            signs[at : at + chance.choice([0, 1, 1, 5])] = chance.choice(SIGNS)
        documents.append(read("".join(signs), name))
    started = time.process_time()
    found, problems = definitions.build(documents[:1], documents[1], documents[2], ZONE)
    assert time.process_time() - started < 0.5
    assert found is not None or problems
    assert all(problem.where.file and problem.where.line and "\n" not in str(problem) for problem in problems)


def test_ten_thousand_points_are_judged_in_seconds():
    rows = [
        f"{{code: KF-{i:05d}, text: 建档, score: 10, elements: [{{no: 1, text: 表, scope: {{type: [b]}}}}]}}"
        for i in range(10_000)
    ]
    text = edition(", ".join(rows), "frequency: {supervisor: 1/month},")
    started = time.process_time()
    assert faults(text) == []
    assert time.process_time() - started < 5, "two seconds on a quiet machine"


def test_ten_thousand_faults_are_listed_in_seconds():
    rows = [f"{{code: KF-{i:05d}, text: 建档, score: x, methods: [recrods]}}" for i in range(10_000)]
    started = time.process_time()
    assert len(faults(edition(", ".join(rows)))) == 20_000
    assert time.process_time() - started < 20


def test_a_point_may_free_itself_of_its_groups_scope_and_methods():
    point = {"code": "A", "text": "a", "scope": {}, "methods": []}
    group = {"name": "g", "scope": {"type": ["office"]}, "methods": ["records"], "points": [point]}
    edition = {"catalogue": "c", "edition": "1", "title": "t", "effective_from": "2026-01-01", "groups": [group]}
    projects = {"projects": [{"id": "P", "name": "p"}]}
    found = definitions.from_plain([edition], projects, zone=calendar.zone("Asia/Shanghai"))
    free, _ = found.checklists.points(date(2026, 1, 1))["A"]
    assert free.applies({}) and free.way({}).methods == ()


def test_a_post_whose_specialty_is_misspelt_is_advised_against(workspace):
    path = workspace.folder / "portfolio.yaml"
    path.write_text(path.read_text("utf-8").replace("specialty: 客服", "specialty: 客福"), "utf-8")
    found = [problem for problem in Workspace(workspace.folder).check() if "客福" in problem.fault]
    assert [(problem.remedy, problem.advisory) for problem in found] == [("did you mean 客服?", True)]
