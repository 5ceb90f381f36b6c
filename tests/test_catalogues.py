"""The shipped catalogues are whole, can be carried, and copy nothing; the page about them says what is in the files."""

import re
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from pathlib import Path

import pytest

from qpi import catalogues, policy, shipped, strictyaml
from qpi.calendar import Unit
from qpi.checklist import ROLES
from test_docs import on_the_day_of_the_docs, page, parts, run, sections

ROOT = Path(__file__).parent.parent
SOURCES = ROOT.parent / "shared" / "sources"
PAGE = "docs/catalogues.md"
FILES = [path for paths in shipped.editions().values() for path in paths]
EDITIONS = [catalogues.read([path])[0].edition for path in FILES]
NEWEST = {edition.catalogue: edition for edition in EDITIONS}
OURS = ("qpi-standard", "fine-service", "plan-control")
STANDARD = NEWEST["qpi-standard"]
POINTS = {code: point for name in OURS for code, point in NEWEST[name].points.items()}
MEASURED = {code: point.measure for code, point in POINTS.items() if point.measure}
HEADS = ("From the sources", "Common in the trade", "Ours")

each_edition = pytest.mark.parametrize("edition", EDITIONS, ids=lambda one: f"{one.catalogue}@{one.edition}")
each_of_ours = pytest.mark.parametrize("edition", [NEWEST[name] for name in OURS], ids=OURS)


def tables(heading):
    """The tables under a heading of the page, each as its rows without head."""
    blocks = re.findall(r"(?:^\|.*\n?)+", sections(PAGE)[heading], re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip("|").split(" | ")] for line in one.splitlines()[2:]] for one in blocks
    ]


def limit(measure):
    """The limits of a measure as the page writes them."""
    if None not in (measure.min, measure.max):
        ends = dict.fromkeys((str(measure.min), str(measure.max)))
        return f"{'–'.join(ends)} {measure.unit}"
    return f"≥ {measure.min} {measure.unit}" if measure.max is None else f"≤ {measure.max} {measure.unit}"


def sentences(point):
    """What a point says in words, its group's `how` included."""
    return [point.text, point.how or "", *(element.text for element in point.elements)]


def written(edition):
    """Every text of a point, `how` and element, once for each place where the file writes it."""
    for one in chain(edition.groups, *(group.points for group in edition.groups)):
        yield from (text for text in (getattr(one, "text", None), one.how) if text)
        yield from (variant.how for variant in one.variants or () if variant.how)
        yield from (element.text for element in getattr(one, "elements", ()))


# The page and the files


def test_every_code_that_the_page_names_exists():
    known = {code for edition in EDITIONS for code in edition.points}
    said = set(re.findall(r"\b[A-Z]{2,4}-[0-9]{2,4}\b", page(PAGE)))
    assert len(said) > 150
    assert said <= known


def test_the_table_of_what_is_shipped_counts_the_files():
    said = [row[:6] for row in tables("What is shipped")[0]]
    assert sorted(said) == sorted(
        [
            f"`{one.catalogue}`",
            one.edition,
            one.title,
            str(len(one.points)),
            str(len(one.groups)),
            str(len({point.specialty for point in one.points.values()})),
        ]
        for one in EDITIONS
    )


def test_every_pair_of_catalogues_is_told_whether_it_overlaps():
    said = Counter()
    for row in tables("What is shipped")[1]:
        first, *others = re.findall(r"`([a-z-]+)`", row[0])
        said.update(frozenset((first, other)) for other in others)
    names = sorted(NEWEST)
    assert said == Counter(frozenset((a, b)) for a in names for b in names if a < b)


def test_the_table_of_specialties_counts_the_file():
    (said,) = tables("`qpi-standard` by specialty")
    by_specialty = {}
    for point in STANDARD.points.values():
        by_specialty.setdefault(point.specialty, []).append(point)
    found = [
        [
            specialty,
            f"`{points[0].code.partition('-')[0]}`",
            str(len(points)),
            str(sum(point.measure is not None for point in points)),
            str(sum(point.mystery_visit for point in points)),
            str(sum(point.executive_check for point in points)),
            f"{Fraction(sum(point.score for point in points), 100)!s}",
        ]
        for specialty, points in by_specialty.items()
    ]
    assert [row[:6] for row in said[:-1]] == [row[:6] for row in found]
    assert [Fraction(row[6]) for row in said[:-1]] == [Fraction(row[6]) for row in found]
    assert [Fraction(cell) for cell in said[-1][2:]] == [sum(Fraction(row[at]) for row in found) for at in range(2, 7)]


def test_every_prefix_belongs_to_one_specialty():
    pairs = {(code.partition("-")[0], point.specialty) for code, point in STANDARD.points.items()}
    assert len(pairs) == len({prefix for prefix, _ in pairs}) == len({specialty for _, specialty in pairs})


def test_every_measured_point_stands_in_exactly_one_table_with_its_limits():
    said = []
    for heading in HEADS:
        for row in tables(heading)[0]:
            said.append(tuple(row[1:4] if heading == HEADS[0] else row))
    assert sorted(said) == sorted((code, measure.of, limit(measure)) for code, measure in MEASURED.items())


def test_the_figures_in_words_are_words_of_their_points():
    for heading in HEADS:
        for row in tables(heading)[1]:
            code, words = row[1:3] if heading == HEADS[0] else row
            assert any(words in text for text in sentences(POINTS[code])), (code, words)


SAID = {
    "紧急需求30分钟内到场": {"KHFW-12", "BJFW-24", "JHKZ-05"},
    "一般需求2小时内到场": {"KHFW-13", "JHKZ-05"},
    "服务热线24小时": {"KHFW-10", "ZHGL-05"},
    "24小时值班": {"YJGL-09", "JXH-107"},
    "投诉24小时内回复": {"TSCL-02"},
    "口头投诉电话回复不超过一个工作日": {"TSCL-03"},
    "征询意见年度一次": {"KHFW-15", "JXH-107"},
    "整改满意率85%以上": {"KHFW-15", "JXH-107"},
    "业主满意度90%以上": {"KHFW-17", "JHKZ-01"},
    "满意度调查半年一次": {"KHFW-16"},
    "上门走访每季度": {"KHFW-19"},
    "座谈会每月": {"KHFW-20"},
    "电梯每月检测": {"DTGL-09"},
    "各类应急预案每年演练一次": {"YJGL-02", "JXH-108"},
    "酬金制费用收支至少每年公布一次": {"ZHGL-08", "JXH-106"},
    "安全责任事故为零": {"ZHGL-26", "JHKZ-01"},
    "收楼后一个月内建档": {"KHFW-01"},
    "档案3分钟内检出": {"KHFW-06"},
    "机房温度5–45℃": {"SSSB-18"},
    "机房湿度20–75%": {"SSSB-19"},
    "机房门前3米无障碍物": {"SSSB-20"},
    "阀门管道每月至少查一次": {"GPSX-09"},
    "无因处理不当引起的重复投诉": {"TSCL-06"},
}


@pytest.mark.parametrize("figure", SAID)
def test_a_figure_of_the_sources_stands_in_the_table_with_its_codes_and_document(figure):
    found = [row for row in chain(*tables("From the sources")) if row[0] == figure]
    assert {row[1] for row in found} == SAID[figure]
    assert all(len(row[-1]) > 5 for row in found)


def test_the_page_names_documents_and_no_files():
    assert not re.search(r"\.txt|\.ya?ml.{0,20}代码|https?:|[0-9a-f]{12}", page(PAGE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_catalogue_names_no_file_of_a_machine(path):
    assert not re.search(r"\.txt|/(?:work|tmp|home|root)/|https?:", path.read_text(encoding="utf-8"))


# What the sources ask


LIMITS = [
    ("KHFW-12", "紧急需求", "到场用时", "分钟", None, 30),
    ("KHFW-13", "一般需求", "到场用时", "分钟", None, 120),
    ("TSCL-02", "24小时内回复投诉人", "受理至回复用时", "小时", None, 24),
    ("TSCL-03", "口头投诉", "得出结果至电话回复", "工作日", None, 1),
    ("KHFW-15", "每年征询一次业主意见", "整改满意率", "%", 85, None),
    ("KHFW-17", "业主满意度不低于90%", "业主满意度", "%", 90, None),
    ("KHFW-16", "每半年开展一次满意度调查", "近12个月满意度调查次数", "次", 2, None),
    ("KHFW-19", "每季度上门走访", "近四个季度中有走访的季度数", "个季度", 4, None),
    ("KHFW-20", "每月召开一次", "近三个月座谈会次数", "次", 3, None),
    ("DTGL-09", "在用电梯每月逐台", "检测间隔", "天", None, 31),
    ("YJGL-02", "每一类应急预案", "每类预案近12个月演练次数", "次", 1, None),
    ("ZHGL-08", "酬金制项目", "近12个月公布次数", "次", 1, None),
    ("ZHGL-26", "安全责任事故为零", "核查期内安全责任事故", "起", None, 0),
    ("KHFW-01", "一个月内建立档案", "收楼或入住至建档天数", "天", None, 31),
    ("KHFW-06", "3分钟内可取出", "取档用时", "分钟", None, 3),
    ("SSSB-18", "机房温度", "机房温度", "℃", 5, 45),
    ("SSSB-19", "相对湿度", "相对湿度", "%", 20, 75),
    ("SSSB-20", "门前3米内", "门前无障碍距离", "米", 3, None),
    ("GPSX-09", "每月检查", "检查间隔", "天", None, 31),
    ("JXH-106", "酬金制", "近12个月费用收支公布次数", "次", 1, None),
    ("JXH-107", "年度征询", "征询意见整改满意率", "%", 85, None),
    ("JXH-108", "每年至少演练一次", "每类预案近12个月演练次数", "次", 1, None),
]


@pytest.mark.parametrize(("code", "words", "of", "unit", "least", "most"), LIMITS, ids=[row[0] for row in LIMITS])
def test_a_limit_of_the_sources_is_measured(code, words, of, unit, least, most):
    point = POINTS[code]
    assert words in point.text
    assert (point.measure.of, point.measure.unit) == (of, unit)
    assert (point.measure.min, point.measure.max) == tuple(
        None if end is None else Decimal(end) for end in (least, most)
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("KHFW-10", "服务热线24小时有人接听"),
        ("ZHGL-05", "24小时服务热线"),
        ("YJGL-09", "24小时有人值班"),
        ("JXH-107", "24小时值班制度"),
        ("JXH-107", "每年按期向住户、用户发放征询意见单"),
        ("JHKZ-01", "业主满意度目标，不低于90%"),
        ("JHKZ-01", "安全责任事故为零"),
        ("JHKZ-05", "紧急需求30分钟内到场"),
        ("JHKZ-05", "一般需求2小时内到场"),
    ],
)
def test_a_figure_of_the_sources_stands_in_the_words_of_its_point(code, words):
    assert any(words in text for text in sentences(POINTS[code]))


def test_the_scores_of_the_customer_files_are_those_of_the_source():
    assert [STANDARD.points[f"KHFW-0{no}"].score for no in (1, 2, 3, 4)] == [1000, 1000, 1000, 3000]
    assert [len(STANDARD.points[code].elements) for code in ("KHFW-02", "KHFW-03")] == [8, 6]


# What a catalogue is made of


def test_the_standard_is_large_enough():
    assert len(STANDARD.points) >= 160
    assert len({point.specialty for point in STANDARD.points.values()}) >= 12


def test_the_standard_uses_every_role_and_every_unit():
    asks = [(role, ask) for point in STANDARD.points.values() for role, ask in point.frequency.items() if ask.every]
    assert {role for role, _ in asks} == {*ROLES, "regional"}
    assert {ask.every.unit for _, ask in asks} == set(Unit)
    assert {role for role, ask in asks if ask.share < 1} == {"department", "regional", "executive"}
    assert any(ask.every.times > 1 for _, ask in asks)


def test_the_standard_uses_what_a_point_can_have():
    points = STANDARD.points.values()
    assert any(point.mystery_visit for point in points)
    assert any(point.executive_check for point in points)
    assert any(point.scope for point in points)
    assert any(point.except_ for point in points)
    assert any(element.scope for point in points for element in point.elements)
    assert any(variant.when.keys() == {"phase"} for point in points for variant in point.variants or ())
    assert sum(point.sample is not None and point.sample.minimum > 0 for point in points) > 300


@each_of_ours
def test_every_point_says_how_it_is_checked_and_how_long_that_takes(edition):
    for point in edition.points.values():
        assert point.how and point.methods and point.category and point.score, point.code
        assert 3 <= point.minutes <= 30, point.code
        assert any(ask.every for ask in point.frequency.values()), point.code


@each_of_ours
def test_a_reading_is_named_and_taken_by_a_method_that_can_take_it(edition):
    for point in edition.points.values():
        if point.measure:
            assert point.measure.of, point.code
            assert {"measure", "records", "operate"} & set(point.methods), point.code


@each_edition
def test_what_an_executive_must_see_has_a_frequency_for_it(edition):
    for point in edition.points.values():
        asked = point.frequency.get("executive")
        assert not point.executive_check or (asked and asked.every), point.code


# What people can carry


BOUNDS = {
    "supervisor": "60",
    "team_lead": "20",
    "project_lead": "5.1",
    "department": "4.1",
    "regional": "1.1",
    "executive": "0.7",
}
A_MONTH = {
    Unit.DAY: Fraction(30),
    Unit.WEEK: Fraction("4.4"),
    Unit.TWO_WEEKS: Fraction("2.2"),
    Unit.MONTH: Fraction(1),
    Unit.QUARTER: Fraction(1, 3),
    Unit.HALF_YEAR: Fraction(1, 6),
    Unit.YEAR: Fraction(1, 12),
}


def too_many(points):
    """The roles that owe more looks a month than they can take, by specialty, as if a project had every point."""
    looks = Counter()
    for point in points:
        for role, ask in point.frequency.items():
            if ask.every:
                looks[point.specialty, role] += ask.every.times * A_MONTH[ask.every.unit]
    return {key: float(count) for key, count in looks.items() if count > Fraction(BOUNDS[key[1]])}


@each_of_ours
def test_no_role_owes_more_looks_in_a_specialty_than_it_can_take(edition):
    assert too_many(edition.points.values()) == {}


def test_a_role_that_owes_too_much_is_found():
    """A negative control: three daily points in one specialty."""
    asked = ((p, p.frequency.get("supervisor")) for p in STANDARD.points.values())
    daily = next(point for point, ask in asked if ask and ask.every.unit is Unit.DAY)
    assert too_many([daily, daily]) == {}
    assert (daily.specialty, "supervisor") in too_many([daily] * 3)


def test_the_page_says_what_a_role_can_take():
    assert dict(tables("What it asks of people")[0]) == BOUNDS


def test_the_page_shows_the_real_load_of_the_scaffold(tmp_path, monkeypatch):
    on_the_day_of_the_docs(monkeypatch, tmp_path)
    sessions = [body for what, _, body in parts(page(PAGE)) if what == "console"]
    line, _, shown = next(b for b in sessions if "catalogue load" in b).removeprefix("$ ").partition("\n")
    run("qpi init load-demo", monkeypatch)
    assert run(line, monkeypatch).startswith(shown.removesuffix("...\n"))
    assert len(shown.splitlines()) > 8


# Words


@each_of_ours
def test_nothing_is_said_twice(edition):
    assert [text for text, times in Counter(written(edition)).items() if times > 1] == []


GARBLED = "精美化 接收查罢 酬劳制 公然 价班 操练 征采 房子 装饰装饰 花费进出 personal 各样 标记 完美 齐备".split()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_word_that_a_machine_spoilt_is_left(path):
    found = path.read_text(encoding="utf-8")
    assert [word for word in GARBLED if word in found] == []


def hanzi(text):
    return "".join(re.findall(r"[\u4e00-\u9fff]+", text))


def copied(text, sources, length=14):
    """The runs of so many Chinese characters that a text shares with sources, whatever stands between them."""
    signs = hanzi(text)
    runs = (signs[at : at + length] for at in range(len(signs) - length + 1))
    return [run for run in runs if any(run in source for source in sources)]


def test_no_text_is_copied_from_the_sources():
    if not SOURCES.is_dir():
        pytest.skip("the source documents are not here")
    sources = [hanzi(path.read_text(encoding="utf-8")) for path in sorted(SOURCES.glob("*.*"))]
    texts = [*chain(*(written(NEWEST[name]) for name in OURS)), *(grade.text for grade in policy.GRADES)]
    assert {text: found for text in texts if (found := copied(text, sources))} == {}


def test_a_copied_run_is_found_across_punctuation():
    source = hanzi("岗位职责上墙；各项制度齐全，并有详细的措施。")
    assert copied("岗位职责上墙、各项制度齐全并有记录", [source]) == ["岗位职责上墙各项制度齐全并有"]
    assert copied("岗位职责上墙，制度齐全并有详细的措施", [source]) == []


# The small catalogues and the grades


def test_the_page_follows_the_items_and_elements_of_the_fine_service_standard():
    said = {row[1]: re.findall("[①-⑳]", row[2]) for row in tables("`fine-service`, point by point")[0]}
    found = {
        code: [chr(ord("①") + element.no - 1) for element in point.elements]
        for code, point in NEWEST["fine-service"].points.items()
    }
    assert said == found
    assert list(said) == list(found)


def test_the_page_follows_the_eight_steps_of_plan_control():
    said = [row[1:] for row in tables("`plan-control`, step by step")[0]]
    assert said == [[group.name, ", ".join(p.code for p in group.points)] for group in NEWEST["plan-control"].groups]
    assert len(said) == 8


def test_the_grades_of_the_scaffold_and_of_the_page_are_those_of_the_code():
    built, problems = policy.build(strictyaml.read(ROOT / "src" / "qpi" / "init_files" / "policy.yaml"), None)
    assert (problems, built.grades) == ([], policy.GRADES)
    said = [(name, share, text) for name, share, text in tables("Service grades")[0]]
    assert said == [(grade.name, f"{float(grade.from_):.0%}", grade.text) for grade in policy.GRADES]
    assert [grade.name for grade in policy.GRADES] == ["优质", "良好", "一般", "较差"]
