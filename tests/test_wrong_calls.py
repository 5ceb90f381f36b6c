"""What is asked for wrongly, on the command line or from Python, is refused with what to write instead."""

from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

import qpi
from qpi import cli, metrics, text
from qpi.errors import UsageError
from support import NOW


def run(*arguments, folder):
    return CliRunner().invoke(cli.qpi, [*arguments, "-w", str(folder), "--lang", "en"])


def said(workspace, *arguments):
    done = run(*arguments, folder=workspace.folder)
    assert isinstance(done.exception, UsageError), done.output
    return str(done.exception)


# From Python


@pytest.mark.parametrize(
    ("by", "remedy"),
    [
        ("project", '["project"]'),
        ("project,role", '["project", "role"]'),
        (None, '["project"]'),
        ("", '["project"]'),
        (7, '["project"]'),
        ([7], '["project"]'),
        ([["project"]], '["project"]'),
    ],
)
def test_groupings_that_are_no_list_of_texts_are_refused_with_the_list(recorded, by, remedy):
    for call in (recorded.metrics, recorded.compared):
        with pytest.raises(UsageError) as caught:
            call("2026-10", by=by)
        assert str(caught.value) == f"by is a list of groupings; write by={remedy}"


def test_groupings_may_stand_in_any_list(recorded):
    expected = recorded.metrics("2026-10", by=["project", "role"])
    for by in (("project", "role"), {"project": 1, "role": 2}, ["project", "role", "project"]):
        assert recorded.metrics("2026-10", by=by).equals(expected)


@pytest.mark.parametrize("period", [202610, 2026, date(2026, 10, 1), None, ["2026-10"]])
def test_a_period_that_is_no_text_is_refused_with_one_that_is(recorded, period):
    calls = [
        lambda: recorded.metrics(period),
        lambda: recorded.compared(period),
        lambda: recorded.ranked(period, "coverage"),
        lambda: recorded.explain(period, "coverage"),
        lambda: recorded.closed(period),
        lambda: recorded.notices(period),
    ]
    for call in calls:
        with pytest.raises(UsageError, match='is no period; write a text such as "2026-10"'):
            call()


def test_a_period_that_was_read_before_is_taken_as_it_is(recorded):
    assert recorded.metrics(metrics.period_of("2026-10")).equals(recorded.metrics("2026-10"))


@pytest.mark.parametrize("as_of", ["2026-10-25", 20261025, 1761350400.0])
def test_a_moment_that_is_none_is_refused_with_how_to_make_one(recorded, as_of):
    remedy = r"is no day or moment; give datetime.date\(2026, 10, 25\), or a datetime with its zone"
    for call in (recorded.metrics, recorded.compared):
        with pytest.raises(UsageError, match=remedy):
            call("2026-10", as_of=as_of)
    with pytest.raises(UsageError, match=remedy):
        recorded.explain("2026-10", "closure", as_of=as_of)
    with pytest.raises(UsageError, match=remedy):
        recorded.metrics("2026-10", at="2026-10-25")


def test_days_and_moments_are_taken(recorded):
    for as_of in (date(2026, 10, 25), datetime(2026, 10, 25, 15, 59, 59, 999999, tzinfo=UTC)):
        assert recorded.metrics("2026-10", as_of=as_of).equals(recorded.metrics("2026-10", as_of=date(2026, 10, 25)))


@pytest.mark.parametrize("by", [["project"], ("project",), None])
def test_a_ranking_by_a_list_is_refused_with_the_text(recorded, by):
    with pytest.raises(UsageError, match='takes one grouping, as a text; write by="project"'):
        recorded.ranked("2026-10", "traceability", by=by)


@pytest.mark.parametrize("minimum", ["30", 2.5])
def test_a_minimum_that_is_no_whole_number_is_refused(recorded, minimum):
    with pytest.raises(UsageError, match="is no whole number; write minimum=30"):
        recorded.ranked("2026-10", "traceability", minimum=minimum)


@pytest.mark.parametrize("where", [["project"], "project=P01", 3])
def test_keys_that_are_no_mapping_are_refused_with_one(recorded, where):
    with pytest.raises(UsageError) as caught:
        recorded.explain("2026-10", "closure", where=where)
    assert str(caught.value) == 'where is a mapping of groupings to keys; write where={"project": "P01"}'


@pytest.mark.parametrize("value", [1, ["P01"], date(2026, 10, 1)])
def test_a_key_that_is_no_text_is_refused(recorded, value):
    with pytest.raises(UsageError, match="which is no text; write it in quotes, or None"):
        recorded.explain("2026-10", "closure", where={"project": value})


def test_a_workspace_in_place_of_its_definitions_is_refused_with_these(recorded):
    tables = recorded.tables()[:3]
    calls = [
        lambda: qpi.indicators(recorded, *tables, "2026-10"),
        lambda: qpi.ranks.ranked(recorded, *tables, "2026-10", "closure"),
        lambda: qpi.trend.compared(recorded, *tables, "2026-10"),
        lambda: qpi.explain.explain(recorded, *tables, "2026-10", "closure"),
    ]
    for call in calls:
        with pytest.raises(UsageError, match="Workspace is not the definitions; give workspace.definitions"):
            call()
    assert len(qpi.indicators(recorded.definitions, *tables, "2026-10"))


# On the command line


def test_groups_may_be_parted_by_commas_or_named_one_by_one(recorded):
    def shown(*by):
        done = run("metrics", "2026-10", "--format", "csv", *by, folder=recorded.folder)
        assert done.exception is None
        return done.stdout

    together = shown("--by", "project,role")
    assert together.startswith("\ufeffproject,role,indicator")
    assert shown("--by", "project", "--by", "role") == together
    assert shown("--by", "project", "--by", "role,project") == together
    load = [
        run("catalogue", "load", "--format", "csv", *by, folder=recorded.folder).stdout
        for by in (["--by", "role,project"], ["--by", "role", "--by", "project"])
    ]
    assert load[0] == load[1] and load[0].startswith("\ufeffrole,")


@pytest.mark.parametrize("by", [["--by", "project,role"], ["--by", "project", "--by", "role"]])
def test_a_ranking_takes_one_grouping_and_says_so(recorded, by):
    assert said(recorded, "rank", "2026-10", "coverage", *by) == (
        "--by of qpi rank takes one grouping; write --by project, or ask qpi metrics --by project,role"
    )
    assert "write --by project" in said(recorded, "rank", "2026-10", "coverage", "--by", "")


@pytest.mark.parametrize("command", ["rank", "explain"])
def test_a_period_behind_its_indicator_is_put_in_order(recorded, command):
    assert (
        said(recorded, command, "coverage", "2026-10") == "PERIOD comes first, then INDICATOR; write 2026-10 coverage"
    )


@pytest.mark.parametrize("value", ["P01,role=supervisor", "P01, role=supervisor", "P01，role=supervisor"])
def test_several_keys_behind_one_where_are_parted(recorded, value):
    assert said(recorded, "explain", "2026-10", "coverage", "--where", f"project={value}") == (
        "--where takes one key, and is repeated for the next; write --where project=P01 --where role=supervisor"
    )


def test_a_value_may_hold_commas_and_signs_that_name_no_key(recorded):
    assert 'project "P01,x=1" is unknown' in said(
        recorded, "explain", "2026-10", "closure", "--where", "project=P01,x=1"
    )


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["rank", "2026-10", "覆盖率"], "write coverage"),
        (["rank", "2026-10", "覆盖率 coverage"], "write coverage"),
        (["explain", "2026-10", "二次验证关闭率"], "write closure"),
        (["explain", "2026-10", "关闭率（三类）"], "write closure_all"),
        (["metrics", "2026-10", "--by", "项目"], "write project"),
        (["rank", "2026-10", "closure", "--by", "核查人"], "write inspector"),
        (["explain", "2026-10", "closure", "--where", "核查层级=supervisor"], "write role"),
        (["explain", "2026-10", "closure", "--where", "project=桃园"], "write P01"),
        (["notice", "render", "2026-10", "--project", "桃园"], "write P01"),
        (["rank", "2026-10", "coverge"], "did you mean coverage?"),
        (["metrics", "2026-10", "--by", "projct"], "did you mean project?"),
    ],
)
def test_who_writes_a_title_is_told_the_name(recorded, arguments, remedy):
    assert said(recorded, *arguments).endswith(f"is unknown; {remedy}")


def test_a_title_of_two_names_is_answered_with_both():
    assert text.named("桃园", {"P01": "桃园", "P02": "江畔", "P03": "桃园"}) == "write one of P01, P03"


# A period that is not over


@pytest.mark.parametrize(
    ("period", "word"),
    [("2026-10", None), ("2026-11", "is not over"), ("2026", "is not over"), ("2026-12", "has not begun")],
)
@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_period_that_is_not_over_is_said_to_be_so(recorded, monkeypatch, period, word, form):
    original = metrics.moment_of
    monkeypatch.setattr(metrics, "moment_of", lambda found, as_of: original(found, as_of or NOW))
    for command in (["metrics", period], ["metrics", period, "--compare"], ["rank", period, "coverage"]):
        done = run(*command, "--format", form, folder=recorded.folder)
        assert done.exception is None
        place = done.stdout if form == "table" and command[0] == "metrics" else done.stderr
        held = [line for line in place.splitlines() if line.endswith("is held to all that it requires to its end")]
        assert [line.split(", and")[0] for line in held] == ([] if word is None else [f"{period} {word}"])
