"""Tables in Chinese: heads and words in Chinese, and names as they are asked for in English, JSON and CSV."""

import json
import re

import pytest
from click.testing import CliRunner

from qpi import cli, console, definitions, policy, telling, terms
from qpi.messages import translated


@pytest.fixture
def spoken():
    """Let the command line be run in a language within this process, and end as it began."""
    before = console.spoken()

    def run(*arguments, folder, language):
        console.speak(language)
        return CliRunner().invoke(cli.qpi, [*arguments, "-w", str(folder)])

    yield run
    console.speak(before)


def test_every_grouping_and_every_field_that_may_lack_has_a_chinese_name():
    assert tuple(terms.GROUPING_TITLES) == definitions.GROUPINGS
    for name in (*policy.CHECK_FIELDS, *policy.FINDING_FIELDS):
        assert not terms.field_title(name).isascii(), name


def test_a_grouping_is_called_the_same_in_every_table():
    # The kind of a finding is another thing than the kind of a check, by which is grouped.
    for name in set(terms.GROUPING_TITLES) & set(telling.HEADS) - {"kind"}:
        assert translated(telling.HEADS[name], "zh") == terms.GROUPING_TITLES[name]


COMMANDS = [
    (["metrics", "2026-10", "--by", "project,region,kind"], ["项目", "region", "核查类型"]),
    (["metrics", "2026-10", "--compare", "--by", "month,role"], ["月份", "核查层级"]),
    (["rank", "2026-10", "traceability", "--by", "inspector"], ["核查人"]),
]


@pytest.mark.parametrize(("command", "heads"), COMMANDS)
def test_groupings_have_chinese_heads_in_chinese_tables_and_their_names_elsewhere(recorded, spoken, command, heads):
    names = command[command.index("--by") + 1].split(",")

    def top(language):
        lines = spoken(*command, folder=recorded.folder, language=language).stdout.splitlines()
        return re.split("  +", lines[lines.index(next(line for line in lines if line.startswith("---"))) - 1])

    place = 1 if command[0] == "rank" else 0
    assert top("zh")[place : place + len(heads)] == heads
    assert top("en")[place : place + len(names)] == names
    rows = json.loads(spoken(*command, "--format", "json", folder=recorded.folder, language="zh").stdout)
    assert list(rows[0])[: len(names)] == names
    tabular = spoken(*command, "--format", "csv", folder=recorded.folder, language="zh").stdout
    assert tabular.lstrip("\ufeff").split(",")[: len(names)] == names


def test_closed_figures_have_chinese_heads_too(recorded, spoken):
    spoken("close", "2026-10", folder=recorded.folder, language="zh")
    shown = spoken("metrics", "2026-10", "--by", "project", folder=recorded.folder, language="zh").stdout
    assert "关账完成" in shown
    assert not [line for line in shown.splitlines() if line.startswith("project")]


def test_what_lacks_and_roles_and_methods_are_told_in_chinese(recorded, spoken):
    shown = spoken("explain", "2026-10", "traceability", "--all", folder=recorded.folder, language="zh").stdout
    assert "对口主管" in shown and "supervisor" not in shown
    assert "核查人、地点、核查方法、样本或证据" in shown
    assert "样本或证据、c-2/1: 问题事实、整改意见、处理意见、二次验证日期" in shown
    shown = spoken("explain", "2026-10", "method_conformity", folder=recorded.folder, language="zh").stdout
    assert "查阅记录" in shown and "records" not in shown
    plain = spoken("explain", "2026-10", "traceability", folder=recorded.folder, language="en").stdout
    assert "supervisor" in plain and "sample_or_evidence" in plain
    for form in ("json", "csv"):
        named = spoken(
            "explain", "2026-10", "traceability", "--format", form, folder=recorded.folder, language="zh"
        ).stdout
        assert "supervisor" in named and "sample_or_evidence" in named and "样本或证据" not in named


def test_a_realm_is_still_told_where_roles_bear_their_titles(recorded, spoken):
    shown = spoken("explain", "2026-10", "coverage", folder=recorded.folder, language="zh")
    assert shown.exception is None and "对口职能部门" in shown.stdout


def test_an_id_that_looks_like_a_list_stays_as_it_is():
    assert [telling._lacking(part) for part in "a, b: c/1: advice, place".split(", ")] == [
        "a",
        "b: c/1: 整改意见",
        "地点",
    ]


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", "'x'不是有效的整数"), ("en", "'x' is not a valid whole number")],
)
@pytest.mark.parametrize(
    "command", [["rank", "2026-10", "coverage", "--minimum", "x"], ["ledger", "receipt", "--at", "x"]], ids=" ".join
)
def test_what_is_no_number_is_said_so_in_the_language_that_is_spoken(recorded, spoken, command, language, words):
    done = spoken(*command, folder=recorded.folder, language=language)
    assert done.exit_code == 2 and words in done.stderr
