"""Handbooks of catalogues: all that an edition says stands in them, once, in words, and fits on the page."""

import html
import re
import shutil
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from inputs import EDITION, found
from qpi import document, handbook, labels, lint, strictyaml
from qpi.errors import UsageError
from qpi.policy import Policy
from qpi.render import TemplateError
from test_browser import CHROMIUM, FLAGS, _has_chinese_fonts, printed, told

SHIPPED = sorted((Path(__file__).parent.parent / "checklists").glob("*.yaml"))
NASTY = "<script>alert('1')</script> & \"so\" | 'on'"
FULL = {
    "catalogue": "full",
    "edition": "1",
    "title": "全部写法",
    "effective_from": "2026-01-01",
    "roles": {"regional": {"title": "区域总经理", "level": "region"}},
    "methods": {"walk": "随行"},
    "groups": [
        {
            "name": "共同",
            "specialty": "客服",
            "category": "档案",
            "scope": {"type": ["residential", "office"], "region": ["华南"]},
            "except": {"let": ["own-use"]},
            "methods": ["records", "walk"],
            "how": "组的查法",
            "sample": {"of": "档案", "minimum": "2"},
            "minutes": "10",
            "variants": [{"when": {"phase": ["handover"]}, "how": "交付期查法", "methods": ["video"], "sample": {"minimum": "4"}}],
            "frequency": {
                "supervisor": "1/month",
                "team_lead": "不固定",
                "regional": {"every": "2/week", "share": "33.3%"},
                "executive": "1/half-year",
            },
            "points": [
                {"code": "A-1", "text": "照组", "score": "2.5", "executive_check": "true"},
                {
                    "code": "A-2",
                    "text": "自有",
                    "mystery_visit": "true",
                    "scope": {},
                    "methods": [],
                    "how": "点的查法",
                    "sample": {},
                    "minutes": "3",
                    "variants": [],
                    "frequency": {"department": {"every": "1/two-weeks", "share": "50%"}},
                    "measure": {"of": "温度", "unit": "℃", "min": "5", "max": "45"},
                },
                {"code": "A-3", "text": "另类", "category": "别类", "score": "10"},
                {"code": "A-4", "text": "另业", "specialty": "工程", "measure": {"unit": "%", "min": "85"}},
            ],
        },
        {
            "name": "细项组",
            "points": [
                {
                    "code": "B-1",
                    "text": NASTY,
                    "elements": [
                        {"no": "1", "text": NASTY, "scope": {"type": [NASTY]}},
                        {"no": "21", "text": "第二十一", "except": {"phase": ["occupied"]}},
                    ],
                }
            ],
        },
    ],
}  # fmt: skip


def sources(*editions):
    return found(editions=editions).checklists.sources


def built(*editions, **more):
    return handbook.build(sources(*editions), more.pop("policy", Policy()), **more)


def shipped():
    checklists, problems = lint.build([strictyaml.read(path) for path in SHIPPED])
    assert problems == []
    return checklists.in_force(date(2026, 11, 1))


def groups(book):
    return {(s["name"], g["name"], g["category"]): g for s in book.values["specialties"] for g in s["groups"]}


def points(book):
    return {point["code"]: point for group in groups(book).values() for point in group["listed"]}


def plain(page):
    """The text of a page without its tags."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_all_that_the_shipped_editions_say_stands_in_their_handbook(language):
    editions = [source.edition for source in shipped()]
    page = plain(handbook.build(shipped(), Policy(), organisation="示例物业", language=language).render())
    said = ["示例物业"]
    for edition in editions:
        said += [edition.title, edition.edition, edition.effective_from.isoformat(), *edition.methods.values()]
        said += [role.title for role in edition.roles.values()]
        for part in edition.points.values():
            said += [part.how, part.sample and part.sample.of, *(one.how for one in part.variants or ())]
            match = {**(part.scope or {}), **(part.except_ or {})}
            said += [labels.attribute(name, language) for name in match]
            said += [labels.fit(name, value, language) for name, fits in match.items() for value in fits]
        for point in edition.points.values():
            said += [point.code, point.text, point.specialty, point.category]
            said += [element.text for element in point.elements]
            said += (
                [str(limit) for limit in (point.measure.min, point.measure.max) if limit is not None]
                if point.measure
                else []
            )
    assert [one for one in said if one and one not in page] == []


def test_every_point_stands_once_and_the_counts_add_up():
    book = handbook.build(shipped(), Policy())
    codes = [p["code"] for s in book.values["specialties"] for g in s["groups"] for p in g["listed"]]
    expected = [code for source in shipped() for code in source.edition.points]
    assert sorted(codes) == sorted(expected) == [one["code"] for one in book.values["index"]]
    counts = book.values["counts"]
    for name in ("points", "mystery", "executive", "unscored"):
        for parts in ("editions", "specialties"):
            assert sum(one[name] for one in book.values[parts]) == counts[name]
    assert sum(Decimal(one["score"]) for one in book.values["specialties"]) == Decimal(counts["score"])
    assert counts["specialties"] == len(book.values["specialties"])


def test_what_a_group_shares_stands_once_and_a_points_own_keys_at_the_point():
    group = groups(built(FULL))["客服", "共同", "档案"]
    common = group["common"]
    assert (common["how"], common["minutes"], common["sample"]) == ("组的查法", 10, {"of": "档案", "minimum": 2})
    assert [ask["every"] for ask in common["asks"]] == ["1次/月", "不固定", "2次/周", None, "1次/半年"]
    as_group, own = group["listed"]
    assert {as_group[key] for key in ("scope", "how", "sample", "minutes", "variants", "methods")} == {None}
    assert as_group["asks"] is None and not as_group["checked_apart"]
    assert own["how"] == "点的查法" and own["minutes"] == 3
    assert [ask["every"] for ask in own["asks"]] == [None, None, None, "1次/两周", None]
    page = plain(built(FULL).render())
    # Again at A-3 and at A-4, who stand alone under another category and another specialty.
    assert page.count("组的查法") == page.count("交付期查法") == 3


def test_an_empty_key_of_a_point_is_told_from_none():
    own = points(built(FULL))["A-2"]
    assert (own["scope"], own["methods"], own["variants"], own["sample"]) == ([], [], [], {"of": None, "minimum": 0})
    assert own["except"] is None
    page = plain(built(FULL).render())
    for words in ("全部项目", "方法不限", "各类项目查法相同", "不要求抽样"):
        assert words in page, words


def test_a_point_of_another_specialty_or_category_stands_under_its_own_with_all_that_holds_for_it():
    found_groups = groups(built(FULL))
    assert list(found_groups) == [
        ("客服", "共同", "档案"), ("客服", "共同", "别类"), ("工程", "共同", "档案"), (None, "细项组", None),
    ]  # fmt: skip
    alone = found_groups["工程", "共同", "档案"]
    assert alone["common"] is None
    assert alone["listed"][0]["how"] == "组的查法"
    assert alone["listed"][0]["except"] == [{"name": "出租", "fits": ["自有未出租"]}]


def test_usual_attributes_and_values_are_said_in_chinese_and_any_other_as_typed():
    scope = {"type": ["residential", "commercial", "office", "铁路"], "phase": ["handover", "occupied"], "region": ["华南"],
             "let": ["own-use", "group-own-use", "leased"], "grade": ["office", "A"]}  # fmt: skip
    edition = {**EDITION, "groups": [{"name": "组", "points": [{"code": "A-1", "text": "甲", "scope": scope}]}]}
    assert points(built(edition))["A-1"]["scope"] == [
        {"name": "业态", "fits": ["住宅", "商业", "写字楼", "铁路"]},
        {"name": "阶段", "fits": ["集中交付期", "常规服务期"]},
        {"name": "区域", "fits": ["华南"]},
        {"name": "出租", "fits": ["自有未出租", "集团自用", "对外出租"]},
        {"name": "grade", "fits": ["office", "A"]},
    ]
    typed = [{"name": name, "fits": fits} for name, fits in scope.items()]
    assert points(built(edition, language="en"))["A-1"]["scope"] == typed
    assert "业态：住宅、商业、写字楼、铁路" in plain(built(edition).render())
    for language, words in (("zh", "type：residential、commercial"), ("en", "type: residential, commercial")):
        assert handbook.rows(sources(edition), language=language)[0]["scope"].startswith(words)


def test_a_level_is_named_as_its_attribute_is():
    assert [tier["title"] for tier in built(FULL).values["tiers"]] == ["项目", "区域", "公司"]
    assert [tier["title"] for tier in built(FULL, language="en").values["tiers"]] == ["Project", "region", "Company"]
    assert '<th class="tier" colspan="1">区域</th>' in built(FULL).render()


ASKING = {**EDITION, "catalogue": "asking", "roles": {}, "methods": {}, "groups": [
    {"name": "组", "methods": ["walk", "records"], "frequency": {"regional": {"every": "1/month", "share": "50%"}},
     "points": [{"code": "Q-1", "text": "甲"}, {"code": "Q-2", "text": "乙", "variants": [
         {"when": {"type": ["office"]}, "methods": ["walk"]}]}]}]}  # fmt: skip


def asking():
    """An edition that asks a role and a method which only FULL declares, and FULL itself."""
    checklists, problems = lint.build([document.from_plain(ASKING, "asking")], beside=sources(FULL))
    assert problems == []
    return checklists.sources, checklists.beside


def test_roles_and_methods_that_an_edition_beside_declares_are_known():
    mine, beside = asking()
    book = handbook.build(mine, Policy(), beside=beside)
    assert book.values["roles"] == [{"name": "regional", "title": "区域总经理", "level": "region"}]
    assert [method["title"] for method in book.values["methods"]] == ["查阅记录", "随行"]
    page = plain(book.render())
    assert "区域总经理" in page and "1次/月覆盖50%" in page and "随行" in page and "Q-1" in page
    assert book.values["counts"]["points"] == 2 and book.values["specialties"][0]["groups"][0]["catalogue"] is None
    row = handbook.rows(mine, beside=beside)[0]
    assert (row["methods"], row["regional"]) == ("随行、查阅记录", "1次/月 · 覆盖50%")


def test_roles_and_methods_that_nobody_declares_stand_as_they_are_typed():
    mine, _ = asking()
    book = handbook.build(mine, Policy())
    assert book.values["roles"] == [{"name": "regional", "title": "regional", "level": None}]
    assert book.values["tiers"] == [{"level": None, "title": "—", "roles": 1}]
    assert [method["title"] for method in book.values["methods"]] == ["查阅记录", "walk"]
    assert "1次/月覆盖50%" in plain(book.render())
    assert handbook.rows(mine)[0]["regional"] == "1次/月 · 覆盖50%"


def test_an_edition_overrules_what_stands_beside_it():
    own = {**ASKING, "roles": {"regional": {"title": "大区经理", "level": "company"}}, "methods": {"walk": "跟随"}}
    book = handbook.build(sources(own), Policy(), beside=sources(FULL)).values
    assert book["roles"] == [{"name": "regional", "title": "大区经理", "level": "company"}]
    assert [method["title"] for method in book["methods"]] == ["查阅记录", "跟随"]


def test_what_no_point_takes_from_the_group_is_not_said():
    edition = {**FULL, "groups": [{
        "name": "组", "how": "无人用", "methods": ["observe"],
        "points": [{"code": "A-1", "text": "甲", "how": "自查"}, {"code": "A-2", "text": "乙", "how": "互查"}],
    }]}  # fmt: skip
    page = plain(built(edition).render())
    assert "无人用" not in page and page.count("现场观察") == 2


def test_a_group_that_gives_its_points_nothing_has_no_line_of_its_own():
    own = {"methods": ["walk"], "frequency": {"supervisor": "1/year"}}
    asked = [{"code": "A-1", "text": "甲", **own}, {"code": "A-2", "text": "乙", **own}]
    edition = {**EDITION, "groups": [{"name": "组", "frequency": {"executive": "1/day"}, "points": asked}]}
    assert groups(built(edition))[None, "组", None]["common"] is None
    assert [ask["every"] for ask in points(built(edition))["A-2"]["asks"]] == ["1次/年"]
    edition["groups"][0]["how"] = "共同查法"
    common = groups(built(edition))[None, "组", None]["common"]
    assert (common["how"], common["asks"]) == ("共同查法", None)
    assert "共同查法" in plain(built(edition).render())


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ({"of": "到场用时", "unit": "分钟", "max": "30"}, "到场用时 ≤ 30 分钟"),
        ({"unit": "℃", "min": "5", "max": "45"}, "5–45 ℃"),
        ({"unit": "%", "min": "85"}, "≥ 85%"),
        ({"unit": "%VOL", "min": "19.5", "max": "23.5"}, "19.5–23.5%VOL"),
        ({"unit": "℃", "min": "-10", "max": "-5.50"}, "-10 ~ -5.50 ℃"),
        ({"unit": "次", "min": "0", "max": "0"}, "= 0 次"),
    ],
)
def test_limits_read_as_people_write_them(measure, words):
    point = {"code": "A-1", "text": "甲", "measure": measure}
    edition = {**EDITION, "groups": [{"name": "组", "points": [point]}]}
    assert points(built(edition))["A-1"]["measure"] == words
    assert words in plain(built(edition).render())


def test_frequencies_and_shares_read_as_the_language_writes_them():
    def said(language):
        asks = groups(built(FULL, language=language))["客服", "共同", "档案"]["common"]["asks"]
        return [(ask["every"], ask["share"]) for ask in asks]

    assert said("zh") == [
        ("1次/月", None),
        ("不固定", None),
        ("2次/周", "覆盖33.3%"),
        (None, None),
        ("1次/半年", "覆盖100%"),
    ]
    assert said("en") == [
        ("1/month", None), ("not fixed", None), ("2/week", "reach 33.3%"), (None, None), ("1/half-year", "reach 100%"),
    ]  # fmt: skip


def test_roles_stand_by_level_and_bear_a_declared_title():
    book = built(FULL, language="en").values
    assert [(role["name"], role["title"]) for role in book["roles"]] == [
        ("supervisor", "Supervisor"), ("team_lead", "Team lead"), ("regional", "区域总经理"),
        ("department", "Department"), ("executive", "Executive"),
    ]  # fmt: skip
    assert book["tiers"] == [
        {"level": "project", "title": "Project", "roles": 2}, {"level": "region", "title": "region", "roles": 1},
        {"level": "company", "title": "Company", "roles": 2},
    ]  # fmt: skip
    renamed = {**FULL, "roles": {**FULL["roles"], "supervisor": {"title": "主管", "level": "project"}}}
    assert built(renamed, language="en").values["roles"][0]["title"] == "主管"
    assert [role["title"] for role in built(FULL).values["roles"]][:2] == ["对口主管", "部门/班组负责人"]


def test_elements_are_numbered_with_circles_as_far_as_fonts_have_them_and_bear_their_scope():
    first, second = points(built(FULL))["B-1"]["elements"]
    assert (first["no"], first["scope"]) == ("①", [{"name": "业态", "fits": [NASTY]}])
    assert (second["no"], second["except"]) == ("(21)", [{"name": "阶段", "fits": ["常规服务期"]}])


def test_grades_kinds_and_working_days_are_those_of_the_policy():
    policy = Policy.model_validate({
        "grades": [{"from": "95%", "name": "优质", "text": "主动热情"}, {"from": "70.5%", "name": "一般"}, {"from": "0%", "name": "较差"}],
        "counts_for_duty": ["routine"],
        "days": {"supervisor": "working"},
        "overfulfilment": "raw",
    })  # fmt: skip
    edition = {**EDITION, "groups": [{"name": "组", "frequency": {"supervisor": "1/day", "team_lead": "1/day"},
                                      "points": [{"code": "A-1", "text": "甲"}]}]}  # fmt: skip
    book = built(edition, policy=policy)
    assert [(one["name"], one["band"], one["text"]) for one in book.values["grades"]] == [
        ("优质", "95% 及以上", "主动热情"), ("一般", "70.5% 至 95%（不含）", None), ("较差", "70.5% 以下", None),
    ]  # fmt: skip
    page = plain(book.render())
    assert "主动热情" in page and "只计周一至周五的：对口主管" in page
    assert page.count("不计入频次") == 2 and "同一天核查多次" not in page
    everyone = Policy.model_validate({"days": "working", "grades": [{"from": "0%", "name": "都好"}]})
    page = plain(built(edition, policy=everyone).render())
    assert "每个自然日；只计周一至周五" in page and "同一天核查多次" in page
    assert built(edition, policy=everyone).values["grades"][0]["band"] == "不限"


def test_texts_of_strangers_stay_text():
    for language in ("zh", "en"):
        edition = {**FULL, "title": NASTY, "roles": {"regional": {"title": NASTY, "level": "region"}}}
        page = built(edition, organisation=NASTY, language=language).render()
        assert "<script" not in page
        assert plain(page).count(NASTY) == 11
    assert "default-src 'none'" in page


def test_an_edition_that_says_next_to_nothing_has_a_handbook():
    bare = {**EDITION, "roles": {}, "methods": {}, "groups": [{"name": "组", "points": [
        {"code": "A-1", "text": "甲"}, {"code": "A-2", "text": "乙"}]}]}  # fmt: skip
    book = built(bare)
    assert book.values["roles"] == book.values["methods"] == book.values["units"] == []
    page = plain(book.render())
    assert "未分专业" in page and "未设分值的核查点" in page


def test_two_catalogues_share_a_specialty_and_each_group_names_its_own():
    other = {**FULL, "catalogue": "other", "title": "另一标准", "groups": [
        {"name": "他组", "specialty": "客服", "points": [{"code": "Z-1", "text": "末"}]}]}  # fmt: skip
    book = built(FULL, other, day=date(2026, 11, 1))
    assert [one["name"] for one in book.values["specialties"]] == ["客服", "工程", None]
    assert [g["catalogue"] for g in book.values["specialties"][0]["groups"]] == ["全部写法", "全部写法", "另一标准"]
    assert groups(built(FULL))["客服", "共同", "档案"]["catalogue"] is None
    assert "2026-11-01" in plain(book.render())
    anchors = re.findall(r' id="([^"]+)"', book.render())
    assert len(anchors) == len(set(anchors)) and set(re.findall(r'href="#([^"]+)"', book.render())) <= set(anchors)


def test_rows_hold_one_point_each_in_the_order_of_the_files():
    rows = handbook.rows(sources(FULL))
    assert [row["code"] for row in rows] == ["A-1", "A-2", "A-3", "A-4", "B-1"]
    assert {tuple(row) for row in rows} == {
        (*handbook.COLUMNS, "supervisor", "team_lead", "regional", "department", "executive")
    }
    first = rows[0]
    assert (first["score"], rows[1]["score"], rows[2]["score"]) == (2.5, None, 10)
    assert (first["executive_check"], first["mystery_visit"]) == (True, False)
    assert (first["methods"], first["sample"], first["sample_of"], first["minutes"]) == (
        "查阅记录、随行",
        2,
        "档案",
        10,
    )
    assert first["scope"] == "type：residential、office；region：华南" and first["except"] == "let：own-use"
    assert (first["supervisor"], first["regional"], first["department"]) == ("1次/月", "2次/周 · 覆盖33.3%", None)
    assert rows[1]["measure"] == "温度 5–45 ℃"
    assert rows[4]["elements"] == f"① {NASTY}（适用：type：{NASTY}）；(21) 第二十一（除外：phase：occupied）"
    assert first["variants"] == "条件：phase：handover；核查方法：调阅监控；怎样核查：交付期查法；样本：不少于 4"
    assert rows[1]["variants"] is None
    english = handbook.rows(sources(FULL), language="en")[0]
    assert (english["methods"], english["regional"]) == ("Records, 随行", "2/week · reach 33.3%")
    assert english["variants"] == (
        "Where: phase: handover; Methods: Video; How it is checked: 交付期查法; Sample: at least 4"
    )


def test_a_row_tells_an_empty_key_of_a_variant_from_none():
    variants = [
        {"when": {"type": ["office"], "phase": ["handover"]}, "methods": [], "sample": {}},
        {"when": {"type": ["office"]}, "methods": ["phone", "video"], "sample": {"of": "档案"}},
        {"when": {"type": ["residential"]}, "sample": {"of": "档案", "minimum": "2"}},
    ]
    edition = {**EDITION, "groups": [{"name": "组", "points": [{"code": "A-1", "text": "甲", "variants": variants}]}]}
    assert handbook.rows(sources(edition))[0]["variants"].split("\n") == [
        "条件：type：office；phase：handover；核查方法：方法不限；样本：不要求抽样",
        "条件：type：office；核查方法：电话核实、调阅监控；样本：档案",
        "条件：type：residential；样本：档案，不少于 2",
    ]


def test_a_role_that_is_named_as_a_column_hides_none():
    edition = {**EDITION, "roles": {"code": {"title": "码", "level": "company"}}, "groups": [
        {"name": "组", "frequency": {"code": "1/year"}, "points": [{"code": "A-1", "text": "甲"}]}]}  # fmt: skip
    (row,) = handbook.rows(sources(edition))
    assert (row["code"], row["role.code"]) == ("A-1", "1次/年 · 覆盖100%")


def test_unknown_languages_and_nothing_to_show_are_refused():
    with pytest.raises(UsageError, match='language "fr" is unknown; write one of zh, en'):
        built(FULL, language="fr")
    for call in (lambda: handbook.build([], Policy()), lambda: handbook.rows([])):
        with pytest.raises(UsageError, match="there is no edition to show"):
            call()


def test_a_companys_own_template_is_taken_and_can_build_on_ours(tmp_path):
    path = tmp_path / "handbook.html"
    path.write_text('{% extends "qpi/handbook.html" %}{% block cover %}<p>自家封面</p>{% endblock %}', "utf-8")
    page = built(FULL).render(own=tmp_path)
    assert "自家封面" in page and "A-1" in page and "tiles" not in page.split("<body>")[1]
    path.write_text("{{ handbook.titel }}", "utf-8")
    with pytest.raises(TemplateError, match="titel"):
        built(FULL).render(own=tmp_path)


SCRIPT = """<script>
const page = document.documentElement, wide = [...document.querySelectorAll("th,td,.tile,.index div")]
  .filter(one => one.scrollWidth > one.clientWidth + 2 && !getComputedStyle(one).display.includes("contents"));
document.title = `WIDE ${page.scrollWidth - page.clientWidth} ${wide.map(one => one.textContent.trim()).join("|")} END`;
</script></body>"""


def overflowing(page, folder):
    """How much wider than a screen of 1400 pixels a page is, and the cells that their content leaves."""
    path = folder / "measured.html"
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", SCRIPT)
    path.write_text(text, "utf-8")
    profile = f"--user-data-dir={folder / 'measuring'}"
    dom = subprocess.run([CHROMIUM, *FLAGS, profile, "--window-size=1400,2000", "--dump-dom", path.as_uri()],
                         check=True, timeout=120, capture_output=True, text=True).stdout  # fmt: skip
    more, cells = re.search(r"WIDE (-?\d+) (.*?) END", html.unescape(dom), re.DOTALL).groups()
    return int(more), cells


@pytest.mark.skipif(
    not (CHROMIUM and shutil.which("pdftotext") and _has_chinese_fonts()), reason="no browser here; CI installs one"
)
class TestInABrowser:
    """A4 landscape is 842 by 595 points; its margins are 12 mm, 34 points, at the sides."""

    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_nothing_leaves_its_cell_or_the_page(self, language, tmp_path):
        book = handbook.build([*shipped(), *sources(FULL)], Policy(), organisation="示例物业", language=language)
        assert overflowing(book.render(), tmp_path) == (0, "")

    def test_a_table_that_is_too_wide_is_seen(self, tmp_path):
        """A negative control."""
        page = (
            built(FULL).render().replace("</style>", ".points { width: 500mm; } .code { white-space: nowrap; }</style>")
        )
        long = page.replace(">A-1<", ">" + "A-1" * 20 + "<")
        more, cells = overflowing(long, tmp_path)
        assert more > 0 and "A-1A-1" in cells

    def test_it_prints_on_a4_landscape_with_every_sign_and_repeated_heads(self, tmp_path):
        book = handbook.build(shipped(), Policy())
        path = tmp_path / "handbook.html"
        path.write_text(book.render(), "utf-8")
        pdf = printed(path, tmp_path)
        assert re.search(r"Page size:\s+84[12][.\d]* x 59[45].*A4", told("pdfinfo", str(pdf)))
        words = told("pdftotext", "-bbox", str(pdf), "-")
        edges = [tuple(map(float, edge)) for edge in re.findall(r'<word xMin="([\d.]+)".*? xMax="([\d.]+)"', words)]
        assert min(left for left, _ in edges) >= 33 and max(right for _, right in edges) <= 842 - 33
        pages = re.sub(r"[ \n]", "", told("pdftotext", "-raw", str(pdf), "-")).split("\f")
        with_points = [page for page in pages if re.search("本组共同|同本组", page) and "使用说明" not in page]
        assert len(with_points) > len(book.values["specialties"])
        assert all("怎样核查" in page for page in with_points)
        assert [code for code in points(book) if code not in "".join(pages)] == []
