"""What the rendering room lets out, and what it refuses."""

import copy
import html
import os
import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from qpi.errors import QpiError
from qpi.labels import LABELS
from qpi.render import TemplateError, render

NASTY = "温度<5 & 压力>3 | *x* _y_ `z` [a](b) \\ ~~c~~ $d$ \"e\" 'f' <script>alert(1)</script>\n# 第二行 | http://a.b"
FINDING: dict[str, Any] = {
    "id": "c-1/1",
    "code": "KF-001",
    "requirement": "收楼后一个月内建档",
    "element": None,
    "fault": NASTY,
    "place": "3栋",
    "sample": ["3-1201", "3-1504"],
    "kind": "deduction",
    "class": "执行",
    "responsible": {"id": "BJ", "name": "保洁外包"},
    "advice": "补登 & 复核",
    "handling": "扣分 | 通报",
    "deduct": "2.5",
    "fine": "100",
    "due": "2026-10-12",
    "verify_on": "2026-10-15",
    "day": "2026-10-05",
    "check_kind": "routine",
    "inspector": {"id": "S01", "name": "甲"},
    "verifications": [
        {
            "round": 1,
            "planned": "2026-10-15",
            "day": "2026-10-15",
            "verifier": {"id": "S02", "name": "乙"},
            "outcome": "open",
            "note": "仍缺 <1> 户",
        }
    ],
    "next_planned": "2026-10-20",
    "status": "open",
}
BARE: dict[str, Any] = FINDING | dict.fromkeys(
    [
        "fault",
        "place",
        "class",
        "responsible",
        "advice",
        "handling",
        "deduct",
        "fine",
        "due",
        "verify_on",
        "next_planned",
    ]
)
BARE |= {"id": "c-2/1", "element": "7", "inspector": None, "sample": [], "verifications": []}
NOTICE: dict[str, Any] = {
    "language": "zh",
    "organisation": "示例物业",
    "number": None,
    "draft": True,
    "period": {"name": "2026-10", "first": "2026-10-01", "last": "2026-10-31"},
    "project": {"id": "P01", "name": "桃园"},
    "responsible": None,
    "kinds": [{"kind": "routine", "checks": 120}, {"kind": "mystery", "checks": 3}],
    "issuer": {"name": "示例物业", "people": [{"id": "D05", "name": "丙", "role": "department"}]},
    "recipients": [{"id": "M01", "name": "丁", "role": "regional"}],
    "findings": [FINDING, BARE],
    "totals": {
        "checks": 123,
        "findings": 2,
        "suggestion": 0,
        "rectification": 0,
        "deduction": 2,
        "deduct": "2.5",
        "fine": "100",
        "closed": 0,
        "self_verified": 0,
        "open": 2,
    },
    "strengths": [{"check": "c-9", "code": "KF-002", "place": None, "text": "一户<一>档", "day": "2026-10-06"}],
    "editions": [{"catalogue": "property-service", "edition": "2026.2", "title": "绩效指标", "digest": "ab" * 32}],
    "ledger": {
        "id": "0192f0c1-7a52-7c3e-9d41-5b6f2d8a9e10",
        "seq": 1234,
        "head": "9f" * 32,
        "receipt": "qpi-receipt-v1 0192f0c1-7a52-7c3e-9d41-5b6f2d8a9e10 1234 " + "9f" * 32,
    },
    "as_of": "2026-11-20",
}


def notice(name: str, language: str = "zh", own: Path | None = None, **changes: object) -> str:
    """Render the sample notice with some facts changed."""
    values = {"notice": copy.deepcopy(NOTICE) | changes, "t": LABELS[language]}
    return render(name, values, own=own)


def written(folder: Path, text: str, name: str = "x.html") -> Path:
    """Write a company's template and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def unmarked(markdown: str) -> str:
    """Read escaped Markdown as a person sees it rendered."""
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown.replace("<br>", "\n"))
    return html.unescape(text)


def texts(value: object) -> list[str]:
    """Return every text inside plain values that a reader must find on the page."""
    if isinstance(value, dict):
        hidden = {"kind", "check_kind", "outcome", "status", "role", "check", "language"}
        return [text for key, inner in value.items() if key not in hidden for text in texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


# what a notice says


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_text_of_a_notice_stands_verbatim_in_the_html(language: str) -> None:
    page = html.unescape(notice("notice.html", language))
    assert [text for text in texts(NOTICE) if text not in page] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_text_of_a_notice_reads_verbatim_in_the_markdown(language: str) -> None:
    page = unmarked(notice("notice.md", language))
    assert [text for text in texts(NOTICE) if text not in page] == []


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_html_in_a_fault_stays_text(name: str) -> None:
    page = notice(name)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.replace("\\", "")


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_facts_that_traceability_demands_are_flagged_where_they_are_missing(name: str) -> None:
    def flags(finding: dict[str, Any]) -> int:
        return notice(name, findings=[finding]).count("未填")

    whole = FINDING | {"verifications": []}
    assert flags(whole) == 0
    assert [flags(whole | {key: None}) for key in ("fault", "advice", "handling", "verify_on")] == [
        2,
        1,
        1,
        2,
    ]


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_an_empty_text_is_flagged_as_a_missing_one(name: str) -> None:
    blank = dict.fromkeys(["fault", "advice", "handling", "verify_on"], "")
    assert notice(name, findings=[BARE | blank]) == notice(name, findings=[BARE])


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_a_notice_without_findings_says_that_nothing_was_found(name: str) -> None:
    page = notice(name, findings=[])
    assert LABELS["zh"]["nothing_found"] in page
    assert LABELS["zh"]["cause"] not in page


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_a_notice_without_checks_does_not_claim_that_all_was_well(name: str) -> None:
    page = notice(name, findings=[], totals=NOTICE["totals"] | {"checks": 0})
    assert LABELS["zh"]["nothing_checked"] in page
    assert LABELS["zh"]["nothing_found"] not in page


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_only_a_draft_is_marked_as_one(name: str) -> None:
    assert "草稿" in notice(name, draft=True)
    issued = notice(name, draft=False, number="GJ-7")
    assert "草稿" not in issued
    assert "GJ-7" in issued


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_an_open_finding_has_a_slot_for_its_next_round(name: str) -> None:
    assert notice(name, findings=[FINDING]).count("□") == 2
    assert notice(name, findings=[FINDING | {"status": "closed"}]).count("□") == 0


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_findings_of_several_projects_name_theirs(name: str) -> None:
    finding = FINDING | {"project": {"id": "P02", "name": "梅园"}}
    assert "梅园" in notice(
        name, project=None, responsible=NOTICE["issuer"] | {"id": "X", "kind": "crew"}, findings=[finding]
    )


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_an_erased_name_leaves_the_id(name: str) -> None:
    page = notice(name, findings=[FINDING | {"inspector": {"id": "S77", "name": None}}])
    assert "S77" in page
    assert "None" not in page


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_a_long_fault_is_shortened_in_the_overview_only(name: str) -> None:
    long = "很长的事实" * 100
    page = notice(name, findings=[FINDING | {"fault": long}])
    assert page.count(long) == 1
    assert "…" in page


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    page = notice("notice.html", findings=[])
    assert re.findall(r"(?:src|href)\s*=|url\(|@import|https?:", page) == []


@pytest.mark.parametrize(("language", "lang"), [("zh", "zh-CN"), ("en", "en")])
def test_the_page_names_its_language(language: str, lang: str) -> None:
    assert f'<html lang="{lang}">' in notice("notice.html", language)


def test_both_languages_have_the_same_labels() -> None:
    assert LABELS["zh"].keys() == LABELS["en"].keys()
    assert [key for words in LABELS.values() for key, word in words.items() if not word] == []


def test_labels_need_no_escaping() -> None:
    words = [word for language in LABELS.values() for word in language.values()]
    assert [word for word in words if re.search(r"[\\`*_\[\]|~$<>&\"']", word)] == []


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "src/qpi/templates").iterdir()))
def test_a_template_uses_only_labels_that_exist(path: Path) -> None:
    used = set(re.findall(r"\bt\.(\w+)", path.read_text(encoding="utf-8"))) - {"get"}
    assert used <= LABELS["zh"].keys()


@pytest.fixture(scope="module")
def one_cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose template prints one cell."""
    return written(tmp_path_factory.mktemp("cell"), "{{ x|cell }}")


@given(text=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
@example(text=NASTY.replace("\n", " "))
def test_a_cell_reads_as_what_was_written_and_stays_one_cell(one_cell: Path, text: str) -> None:
    cell = render("x.html", {"x": text}, own=one_cell)
    assert unmarked(cell) == text
    assert re.search(r"(?<!\\)(?:\\\\)*\|", cell) is None


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a\r\nb\n", "a<br>b"),
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("2.5", "2.5"),
        ("2026-10-05", "2026-10-05"),
        ("www.a.com", r"www\.a.com"),
        (7, "7"),
    ],
)
def test_a_cell_escapes_what_markdown_would_act_on(tmp_path: Path, text: object, cell: str) -> None:
    assert render("x.html", {"x": text}, own=written(tmp_path, "{{ x|cell }}")) == cell


def test_a_cell_does_not_escape_twice(tmp_path: Path) -> None:
    own = written(tmp_path, "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(x)|cell }}")
    assert render("x.html", {"x": "a<b|c"}, own=own) == r"a&lt;b\|c"


# a company's own templates


def test_the_template_of_the_company_wins(tmp_path: Path) -> None:
    own = written(tmp_path, "自有 {{ notice.organisation }}", "notice.html")
    assert notice("notice.html", own=own) == "自有 示例物业"
    assert "工作改进通知单" in notice("notice.md", own=own)


def test_a_company_without_a_folder_gets_ours(tmp_path: Path) -> None:
    assert notice("notice.html", own=tmp_path / "templates") == notice("notice.html")


@pytest.mark.parametrize("name", ["notice.html", "notice.md"])
def test_a_company_replaces_one_block_of_ours(tmp_path: Path, name: str) -> None:
    text = '{% extends "qpi/' + name + '" %}{% block signatures %}本公司盖章{% endblock %}'
    page = notice(name, own=written(tmp_path, text, name))
    assert "本公司盖章" in page
    assert "收楼后一个月内建档" in page
    assert "签字（盖章）" not in page


def test_a_changed_template_is_read_again(tmp_path: Path) -> None:
    own = written(tmp_path, "one")
    assert render("x.html", {}, own=own) == "one"
    os.utime(written(own, "two") / "x.html", (1, 1))
    assert render("x.html", {}, own=own) == "two"


def test_templates_escape_whatever_they_are_called(tmp_path: Path) -> None:
    own = written(tmp_path, "{{ x }}", "x.j2")
    assert render("x.j2", {"x": "<b>"}, own=own) == "&lt;b&gt;"


# what is refused

FAULTS = {
    "typo": ("{{ notice.deadlin }}", "deadlin"),
    "unknown name": ("{{ recrod }}", "recrod"),
    "typo in a condition": ("{% if notice.deadlin %}{% endif %}", "deadlin"),
    "typo in a cell": ("{{ notice.deadlin|cell }}", "deadlin"),
    "syntax": ("{% if %}", "Expected an expression"),
    "unknown filter": ("{{ 1|nosuch }}", "nosuch"),
    "escaping off": ("{% autoescape false %}{{ x }}{% endautoescape %}", "autoescape"),
    "escaping off, trimmed": ("{%- autoescape false %}{{ x }}{% endautoescape %}", "autoescape"),
    "unescaped": ("{{ x|safe }}", "safe"),
    "division": ("{{ 1 // 0 }}", "division"),
    "types": ("{{ 1 + notice }}", "unsupported operand"),
    "include above": ("{% include '../../etc/passwd' %}", "../../etc/passwd"),
    "include absolute": ("{% include '/etc/passwd' %}", "/etc/passwd"),
    "import above": ("{% import '../render.py' as x %}", "../render.py"),
    "class": ("{{ ''.__class__.__mro__ }}", "__class__"),
    "class by index": ("{{ ''['__class__'] }}", "__class__"),
    "class by filter": ("{{ ''|attr('__class__') }}", "__class__"),
    "class by map": ("{{ ['']|map(attribute='__class__')|first }}", "__class__"),
    "class by format": ("{{ '{0.__class__}'.format(1) }}", "__class__"),
    "class by format_map": ("{{ '{a.__class__}'.format_map({'a': 1}) }}", "__class__"),
    "cycler": ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", "__init__"),
    "lipsum": ("{{ lipsum.__globals__['os'].popen('id').read() }}", "lipsum"),
    "self": ("{{ self.__init__.__globals__ }}", "__init__"),
    "macro": ("{% macro m() %}{% endmacro %}{{ m.__call__.__func__.__globals__ }}", "__call__"),
    "change": ("{{ notice.update(x=1) }}", "update"),
    "change of a list": ("{{ notice.findings.append(1) }}", "append"),
    "long loop": ("{% for i in range(99999) %}{% endfor %}", "range"),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_refused_with_file_line_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    own = written(tmp_path, "一\n二\n" + text)
    with pytest.raises(TemplateError) as error:
        render("x.html", {"notice": NOTICE, "x": "<b>"}, own=own)
    message = str(error.value)
    assert message.startswith(f"{own / 'x.html'}:3: ")
    assert said in message
    assert "; " in message
    assert "root:" not in message


def test_without_the_sandbox_a_class_walk_succeeds() -> None:
    assert "object" in jinja2.Environment(autoescape=True).from_string(FAULTS["class"][0]).render()


def test_a_fault_is_placed_in_the_file_that_was_included(tmp_path: Path) -> None:
    written(tmp_path, "\n\n\n{{ nosuch }}", "part.html")
    with pytest.raises(TemplateError, match=r"part\.html:4: "):
        render("x.html", {}, own=written(tmp_path, "{% include 'part.html' %}"))


def test_a_template_that_includes_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"x\.html:1: .*recursion"):
        render("x.html", {}, own=written(tmp_path, "{% include 'x.html' %}"))


@pytest.mark.parametrize("name", ["nosuch.html", "../render.py", "/etc/passwd", "qpi/../render.py", ""])
def test_a_name_that_is_no_template_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TemplateError, match=r"there is no template .*; correct the name"):
        render(name, {})
    with pytest.raises(TemplateError, match=f"put it into {tmp_path}"):
        render(name, {}, own=tmp_path)


# blocks and parents

SAVE = "save it as UTF-8 (most editors: Save as, Encoding, UTF-8)"
ON_OURS = '{% extends "qpi/notice.html" %}\n'


def refusal(own: Path, name: str = "x.html") -> str:
    """Return what is said of a template of this folder, without the folder."""
    with pytest.raises(TemplateError) as error:
        notice(name, own=own)
    return str(error.value).removeprefix(f"{own}{os.sep}")


@pytest.mark.parametrize(
    ("encoding", "guess"), [("gbk", "byte 10001, it looks like GBK"), ("utf-16", "byte 1, it looks like UTF-16")]
)
def test_a_template_that_is_not_utf8_is_refused_with_its_line_and_what_it_looks_like(
    tmp_path: Path, encoding: str, guess: str
) -> None:
    (tmp_path / "x.html").write_bytes(("\n" * 10000 + "工作").encode(encoding))
    line = 10001 if encoding == "gbk" else 1
    assert refusal(tmp_path) == f"x.html:{line}: the file is not UTF-8 at {guess}; {SAVE}"


def test_a_template_of_bytes_that_nobody_can_guess_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_bytes(b"a\nb\xff")
    assert refusal(tmp_path) == f"x.html:2: the file is not UTF-8 at byte 4; {SAVE}"


def test_a_parent_that_is_not_utf8_is_named_and_not_its_child(tmp_path: Path) -> None:
    (tmp_path / "base.html").write_bytes("工作".encode("gbk"))
    written(tmp_path, '{% extends "base.html" %}')
    assert refusal(tmp_path) == f"base.html:1: the file is not UTF-8 at byte 1, it looks like GBK; {SAVE}"


def test_a_block_that_the_parent_does_not_have_is_refused_with_its_line_and_the_choice(tmp_path: Path) -> None:
    written(tmp_path, ON_OURS + "\n{% block signaturs %}本公司盖章{% endblock %}")
    assert refusal(tmp_path) == (
        'x.html:3: qpi/notice.html has no block "signaturs"; write one of letterhead, signatures, style'
    )


def test_without_the_refusal_a_misspelt_block_is_silently_not_shown(tmp_path: Path) -> None:
    ours = jinja2.PrefixLoader({"qpi": jinja2.FileSystemLoader(Path(__file__).parents[1] / "src/qpi/templates")})
    page = jinja2.Environment(autoescape=True, loader=ours).from_string(
        ON_OURS + "{% block signaturs %}本公司盖章{% endblock %}"
    )
    assert "本公司盖章" not in page.render(notice=NOTICE, t=LABELS["zh"])


def test_a_misspelt_block_is_placed_in_the_parent_that_has_it(tmp_path: Path) -> None:
    written(tmp_path, ON_OURS + "{% block stile %}{% endblock %}", "base.html")
    written(tmp_path, '{% extends "base.html" %}{% block signatures %}{% endblock %}')
    assert refusal(tmp_path).startswith('base.html:2: qpi/notice.html has no block "stile"; ')


def test_a_block_of_a_parent_without_blocks_is_to_be_taken_out(tmp_path: Path) -> None:
    written(tmp_path, "all", "base.html")
    written(tmp_path, '{% extends "base.html" %}{% block a %}{% endblock %}')
    assert refusal(tmp_path) == 'x.html:1: base.html has no block "a"; take the block out'


@pytest.mark.parametrize(
    ("own", "page"),
    [
        pytest.param({"x.html": "{% block new %}a{% endblock %}"}, "a", id="of a template without a parent"),
        pytest.param(
            {"x.html": '{% extends "base.html" %}{% block outer %}{% block new %}a{% endblock %}{% endblock %}'},
            "a",
            id="inside a block that is replaced",
        ),
        pytest.param(
            {"x.html": '{% extends "base.html" %}{% block new %}a{% endblock %}{% block outer %}{{ self.new() }}{% endblock %}'},
            "a",
            id="called by its own template",
        ),
        pytest.param(
            {
                "x.html": '{% extends "between.html" %}{% block inner %}a{% endblock %}',
                "between.html": '{% extends "base.html" %}{% block outer %}{% block inner %}{% endblock %}{% endblock %}',
            },
            "a",
            id="new in the parent between",
        ),
        pytest.param(
            {"x.html": '{% set up = "base.html" %}{% extends up %}{% block new %}a{% endblock %}'},
            "",
            id="of a parent that only rendering tells",
        ),
    ],
)  # fmt: skip
def test_a_block_that_can_be_shown_is_taken(tmp_path: Path, own: dict[str, str], page: str) -> None:
    for name, text in ({"base.html": "{% block outer %}{% endblock %}"} | own).items():
        written(tmp_path, text, name)
    assert render("x.html", {}, own=tmp_path) == page


def test_a_block_that_leaves_a_changed_parent_is_seen(tmp_path: Path) -> None:
    written(tmp_path, "{% block a %}{% endblock %}", "base.html")
    written(tmp_path, '{% extends "base.html" %}{% block a %}x{% endblock %}')
    assert render("x.html", {}, own=tmp_path) == "x"
    os.utime(written(tmp_path, "{% block b %}{% endblock %}", "base.html") / "base.html", (1, 1))
    assert refusal(tmp_path) == 'x.html:1: base.html has no block "a"; write one of b'


def test_an_endblock_with_another_name_is_refused_with_the_name_to_write(tmp_path: Path) -> None:
    written(tmp_path, ON_OURS + "{% block signatures %}\n{%- block own %}{% endblock own %}\n{%- endblock signaturs %}")
    assert refusal(tmp_path) == (
        'x.html:4: the endblock names "signaturs", and the block is called "signatures"; write {% endblock signatures %}'
    )


@pytest.mark.parametrize("name", ["notice.html", "./notice.html"])
def test_a_template_that_extends_itself_is_told_how_to_reach_ours(tmp_path: Path, name: str) -> None:
    written(tmp_path, "\n{% extends '" + name + "' %}", "notice.html")
    assert refusal(tmp_path, "notice.html") == (
        'notice.html:2: the template extends itself; write {% extends "qpi/notice.html" %} to build on the packaged one'
    )


def test_a_template_that_extends_itself_and_is_none_of_ours_is_told_to_name_another(tmp_path: Path) -> None:
    written(tmp_path, '{% extends "x.html" %}')
    assert refusal(tmp_path) == ("x.html:1: the template extends itself; name another template, or take the line out")


def test_a_template_that_extends_itself_by_way_of_another_is_refused_where_the_circle_closes(tmp_path: Path) -> None:
    written(tmp_path, '\n{% extends "notice.html" %}', "base.html")
    written(tmp_path, '{% extends "base.html" %}', "notice.html")
    assert refusal(tmp_path, "notice.html") == (
        'base.html:2: the template extends "notice.html", which is built on it in turn; '
        'write {% extends "qpi/notice.html" %} to build on the packaged one'
    )


def test_a_parent_that_is_not_there_is_missed_at_the_line_that_names_it(tmp_path: Path) -> None:
    written(tmp_path, '\n{% extends "qpi/notise.html" %}')
    assert refusal(tmp_path).startswith('x.html:2: there is no template "qpi/notise.html"; ')


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    secret = written(tmp_path / "elsewhere", "secret") / "x.html"
    own = tmp_path / "own"
    own.mkdir()
    (own / "notice.html").symlink_to(secret)
    unguarded = jinja2.Environment(autoescape=True, loader=jinja2.FileSystemLoader(own))
    assert unguarded.get_template("notice.html").render() == "secret"
    with pytest.raises(TemplateError, match=r"own/notice\.html: the link leads out"):
        notice("notice.html", own=own)


def test_a_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    written(tmp_path / "real", "here")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert render("x.html", {}, own=tmp_path / "link") == "here"


class Record:
    """Something with a method that no template may reach."""

    def delete(self) -> str:
        """Say that it ran."""
        return "deleted"


class Text(str):
    """A text that is more than a text."""


@pytest.mark.parametrize(
    "value", [Record(), Record, Text("a"), Markup("<b>"), Path("/"), {1, 2}, b"a", lambda: 1, iter([])]
)
def test_a_value_that_is_not_plain_is_refused_with_its_place(tmp_path: Path, value: object) -> None:
    own = written(tmp_path, "{{ notice }}")
    with pytest.raises(TemplateError, match=r"notice\.findings\[1\]\.fault: a .* is not a plain value; pass"):
        render("x.html", {"notice": {"findings": [1, {"fault": value}]}}, own=own)


def test_without_the_refusal_a_public_method_runs(tmp_path: Path) -> None:
    text = "{{ x.delete() }}"
    assert ImmutableSandboxedEnvironment().from_string(text).render(x=Record()) == "deleted"
    with pytest.raises(TemplateError, match="x: a Record is not a plain value"):
        render("x.html", {"x": Record()}, own=written(tmp_path, text))


def test_plain_values_of_every_kind_pass(tmp_path: Path) -> None:
    values: dict[str, object] = {"x": [None, True, 1, 1.5, "a", (1, {"b": []})]}
    assert render("x.html", values, own=written(tmp_path, "{{ x[5][1].b }}{{ x[3] }}")) == "[]1.5"


def test_a_key_that_is_not_a_text_is_refused() -> None:
    with pytest.raises(TemplateError, match="x: the key 1 is not a text"):
        render("notice.html", {"x": {1: "a"}})


def test_values_that_contain_themselves_are_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(TemplateError, match="nested deeper than 32"):
        render("notice.html", {"x": endless})


def test_a_template_error_is_an_error_of_this_library() -> None:
    assert issubclass(TemplateError, QpiError)
