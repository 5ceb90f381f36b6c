"""Trend: a period beside the one before and the same of last year, and which changes are more than chance."""

import csv
import io
import json
from datetime import date
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import CHECKS
from qpi import calendar, formats, metrics, trend
from qpi.errors import UsageError
from qpi.listing import width
from support import NOW, load, moment, tables
from test_closing import close
from test_command_line import qpi
from test_indicators import check, workspace
from worlds import world

LAWS = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(min_value=10_000, max_value=10_000_000)
MONTHLY = [(f"M{i:02d}", {"supervisor": "1/month"}, {}) for i in range(40)]


def looks(days, *, project="P", first=0):
    """So many of the forty monthly points looked at on each of these days."""
    wanted = [(f"M{i:02d}", day) for day, number in days.items() for i in range(number)]
    return [check(first + n, point, day, project=project) for n, (point, day) in enumerate(wanted)]


def compared(records, period, *, policy=None, projects=({"id": "P", "name": "P"},), points=MONTHLY, **more):
    found = load(workspace(points, policy=policy, projects=projects, start="2025-01-01"))
    return trend.compared(found, *tables(found, records), period, **{"as_of": NOW, **more})


def row(frame, indicator, **keys):
    """The one row of an indicator in a group, None for NaN."""
    mine = frame[frame["indicator"] == indicator]
    for name, value in keys.items():
        mine = mine[mine[name] == value]
    (found,) = mine.to_dict("records")
    return {name: None if pd.isna(value) else value for name, value in found.items()}


def part(found, side):
    return tuple(found[f"{side}_{name}"] for name in ("period", "done", "due", "rate", "verdict", "change", "signal"))


HAND = looks({"2025-10-13": 28, "2026-09-14": 36, "2026-10-12": 38})


def test_a_month_stands_beside_the_one_before_and_the_same_of_last_year():
    """38 of 40 after 36 of 40 may be chance; after 28 of 40 it is clear.

    By hand: 38 of 40 lies within 83.50 and 98.62 %, 28 of 40 within 54.57 and 81.93 %; the change of 25 points from
    25 - sqrt((95 - 83.50)² + (81.93 - 70)²) = 8.43 to 25 + sqrt((98.62 - 95)² + (70 - 54.57)²) = 40.85.
    """
    found = row(compared(HAND, "2026-10"), "coverage")
    assert (found["done"], found["due"], found["rate"]) == (38, 40, 0.95)
    assert part(found, "previous") == ("2026-09", 36, 40, 0.9, "n/a", 5.0, "unclear")
    assert part(found, "last_year") == ("2025-10", 28, 40, 0.7, "n/a", 25.0, "clear")
    assert (round(found["last_year_change_low"], 2), round(found["last_year_change_high"], 2)) == (8.43, 40.85)
    assert found["previous_change_low"] < 0 < found["previous_change_high"]


def test_a_fall_is_judged_as_a_rise_is():
    found = row(compared(looks({"2026-09-14": 38, "2026-10-12": 28}), "2026-10"), "coverage")
    assert part(found, "previous")[-2:] == (-25.0, "clear")
    assert (round(found["previous_change_low"], 2), round(found["previous_change_high"], 2)) == (-40.85, -8.43)


@pytest.mark.parametrize(
    ("name", "previous", "last_year"),
    [
        ("2026-01", "2025-12", "2025-01"),
        ("2026-Q1", "2025-Q4", "2025-Q1"),
        ("2026-Q4", "2026-Q3", "2025-Q4"),
        ("2026-H1", "2025-H2", "2025-H1"),
    ],
)
def test_the_period_before_is_of_the_same_length(name, previous, last_year):
    assert trend.earlier(calendar.period(name)) == {"previous": previous, "last_year": last_year}


def test_of_a_year_the_year_before_is_said_once():
    assert trend.earlier(calendar.period("2026")) == {"previous": "2025"}
    frame = compared(HAND, "2026")
    assert not [name for name in frame.columns if name.startswith("last_year")]
    assert part(row(frame, "traceability"), "previous")[:3] == ("2025", 0, 28)


@pytest.mark.parametrize("name", ["2026-10", "2026-Q1", "2026-Q4", "2026-H1", "2026-H2", "2026"])
def test_a_period_that_is_moved_bears_its_own_name(name):
    span = calendar.period(name)
    assert calendar.moved(span, 0) == span
    assert calendar.moved(calendar.moved(span, 12), -12) == span
    assert calendar.moved(span, -12) == calendar.period(name.replace("2026", "2025"))
    assert calendar.moved(span, 1).name != name


def test_a_stretch_that_is_no_calendar_period_is_named_by_its_months():
    assert calendar.moved(calendar.period("2026-Q1"), 1).name == "2026-02..2026-04"


def test_a_change_is_the_nearest_number_to_the_exact_one():
    """22 of 40 after 23 of 40 is 2.5 points less; the difference of the two rates as floats would be a little more."""
    found = row(compared(looks({"2026-09-14": 23, "2026-10-12": 22}), "2026-10"), "coverage")
    assert found["previous_change"] == -2.5
    assert 100 * (found["rate"] - found["previous_rate"]) != -2.5


def test_of_few_cases_no_change_is_judged():
    records = looks({"2026-09-14": 2, "2026-10-12": 29})
    few = row(compared(records, "2026-10", points=MONTHLY[:29]), "coverage")
    assert part(few, "previous")[-2:] == (float(100 * Fraction(27, 29)), "too few")
    assert row(compared(records, "2026-10", points=MONTHLY[:29], minimum=29), "coverage")["previous_signal"] == "clear"
    assert row(compared(records, "2026-10", points=MONTHLY[:30]), "coverage")["previous_signal"] == "clear"
    with pytest.raises(UsageError, match="write 1 or more"):
        compared(records, "2026-10", minimum=0)


def test_a_group_that_one_period_lacks_keeps_its_row():
    projects = [
        {"id": "OLD", "name": "a", "opened": "2026-01-01", "closed": "2026-10-01"},
        {"id": "NEW", "name": "b", "opened": "2026-10-01"},
    ]
    records = looks({"2026-09-14": 40}, project="OLD") + looks({"2026-10-12": 30}, project="NEW", first=100)
    frame = compared(records, "2026-10", projects=projects, by=["project"])
    gone, come = row(frame, "coverage", project="OLD"), row(frame, "coverage", project="NEW")
    assert [gone[name] for name in ("done", "due", "rate", "verdict")] == [None] * 4
    assert part(gone, "previous") == ("2026-09", 40, 40, 1.0, "n/a", None, None)
    assert come["rate"] == 0.75
    assert part(come, "previous") == ("2026-09", None, None, None, None, None, None)
    assert list(frame["project"]) == sorted(frame["project"])
    text = formats.compared_table(frame, load(workspace(MONTHLY)).policy)
    assert [line.split()[2:] for line in text.splitlines() if line.startswith("OLD      coverage")] == [
        ["—", "—", "—", "—", "100.00", "%", "—", "—", "—", "—", "—"]
    ]


def test_where_no_check_was_recorded_what_is_owed_has_no_change():
    """The definitions ask for forty points in 2025 too, but the ledger begins in 2026: nothing has risen from 0."""
    found = row(compared(looks({"2026-09-14": 40, "2026-10-12": 40}), "2026-10"), "coverage")
    assert part(found, "last_year") == ("2025-10", 0, 40, 0.0, "n/a", None, None)
    assert found["previous_change"] == 0.0
    # A negative control: one check is enough for a comparison.
    one = row(compared(looks({"2025-10-13": 1, "2026-10-12": 40}), "2026-10"), "coverage")
    assert one["last_year_change"] == 97.5


def test_all_periods_are_counted_at_the_same_moment():
    def finding(number, day):
        return check(
            number, "M00", day, findings=[{"kind": "deduction", "fault": "x", "verify_on": day}], inspector="S"
        )

    records = [finding(1, "2026-09-14"), finding(2, "2026-10-12")]
    records += [{"finding": f"k{n}/1", "verifier": "S", "verified_at": f"2026-10-{day}T10:00:00+08:00", "outcome": "closed"}
                for n, day in ((1, 20), (2, 25))]  # fmt: skip
    found = [row(compared(records, "2026-10", as_of=date(2026, 10, day)), "closure") for day in (19, 20, 25)]
    assert [(one["done"], one["previous_done"]) for one in found] == [(0, 0), (0, 1), (1, 1)]


def test_with_raw_fulfilment_a_rate_above_1_has_a_change_but_no_interval():
    records = looks({"2026-09-14": 40, "2026-10-12": 40, "2026-10-13": 40})
    found = row(compared(records, "2026-10", policy={"overfulfilment": "raw"}), "frequency_completion")
    assert (found["rate"], found["previous_change"]) == (2.0, 100.0)
    assert [found[f"previous_{name}"] for name in ("change_low", "change_high", "signal")] == [None] * 3


def test_an_attribute_that_bears_the_name_of_a_column_is_no_grouping():
    projects = [{"id": "P", "name": "P", "attributes": {"previous_rate": "x", "region": "y"}}]
    with pytest.raises(UsageError, match='an attribute named "previous_rate" cannot be a grouping'):
        compared(HAND, "2026-10", projects=projects, by=["previous_rate"])
    assert row(compared(HAND, "2026-10", projects=projects, by=["region"]), "coverage")["region"] == "y"


@LAWS
@given(seeds)
def test_each_side_is_what_its_period_shows_alone(seed):
    made = world(seed)
    found = load(made["workspace"])
    rows = tables(found, made["records"])
    for period, by, as_of in made["queries"][:4]:
        if "month" in by:
            continue
        frame = trend.compared(found, *rows, period, by=by, as_of=moment(as_of))
        for side, name in {"": period, **trend.earlier(calendar.period(period))}.items():
            alone = metrics.indicators(found, *rows, name, by=by, as_of=moment(as_of))
            pd.testing.assert_frame_equal(trend.one_period(frame, side), alone)


@LAWS
@given(seeds, st.sampled_from([("month",), ("project", "month"), ("month", "role")]))
def test_by_month_each_month_stands_beside_its_own_earlier_months(seed, by):
    made = world(seed)
    found = load(made["workspace"])
    rows = tables(found, made["records"])
    quarter = calendar.period(made["queries"][-1][0].split("-")[0] + "-Q3")
    whole = trend.compared(found, *rows, quarter, by=by, as_of=NOW)
    alone = [trend.compared(found, *rows, calendar.month_period(m), by=by, as_of=NOW) for m in quarter.months]
    order = [*by, "indicator"]
    left, right = (
        frame.sort_values(order, na_position="last").reset_index(drop=True) for frame in (whole, pd.concat(alone))
    )
    pd.testing.assert_frame_equal(left, right)
    assert list(whole.columns) == list(alone[0].columns)


# On the command line


def test_the_table_shows_arrows_that_stand_under_one_another_in_both_languages():
    records = looks({"2025-10-13": 38, "2026-09-14": 40, "2026-10-12": 38})
    frame = compared(records, "2026-10")
    policy = load(workspace(MONTHLY)).policy
    for language, title in (("en", "coverage"), ("zh", "覆盖率 coverage")):
        text = formats.compared_table(frame, policy, language=language)
        head, rule, *body = text.splitlines()
        line = next(one for one in body if one.startswith(title))
        assert "▼ 5.00" in line and "= 0.00" in line and "2026-09" in head and "2025-10" in head
        # The arrow's column ends where its rule ends, whatever signs stand before it.
        end = width(line[: line.index("▼ 5.00")]) + width("▼ 5.00")
        assert width(rule[:end]) == end and rule[end : end + 2] == "  " and rule[end - 1] == "-"


def test_a_change_too_small_to_be_shown_is_no_zero():
    frame = pd.DataFrame(
        [{"indicator": "traceability", "done": 1_000_000.0, "due": 1_000_001.0, "rate": 1.0, "verdict": "missed", "previous_period": "x",
          "previous_done": 1_000_001.0, "previous_due": 1_000_001.0, "previous_change": -1e-4, "previous_signal": "unclear", "previous_rate": 1.0}]
    )  # fmt: skip
    text = formats.compared_table(frame, load(workspace(MONTHLY)).policy)
    assert "99.99 %" in text and "▼ 0.01" in text


def test_a_rate_below_its_floor_is_not_rounded_up_to_it_in_a_comparison():
    frame = pd.DataFrame(
        [{"indicator": "frequency_completion", "done": 14999.0, "due": 20000.0, "rate": 0.74995, "verdict": "missed", "previous_period": "x",
          "previous_done": None, "previous_due": None, "previous_change": None, "previous_signal": None, "previous_rate": None}]
    )  # fmt: skip
    assert "74.99 %" in formats.compared_table(frame, load(workspace(MONTHLY)).policy)


def test_the_command_gives_the_columns_of_the_library(recorded):
    frame = recorded.compared("2026-10", by=["project"])
    done = qpi("metrics", "2026-10", "--compare", "--by", "project", "--format", "json", folder=recorded.folder)
    assert json.loads(done.stdout) == formats.records(frame)
    assert "2026-09 has no check, so coverage and frequency have no change" in done.stderr
    read = qpi("metrics", "2026-10", "--compare", "--format", "csv", folder=recorded.folder).stdout.removeprefix(
        "\ufeff"
    )
    names = next(csv.reader(io.StringIO(read)))
    assert names[:3] == ["indicator", "title", "source"] and names[8:] == list(trend.COLUMNS)
    table = qpi("metrics", "2026-10", "--compare", "--lang", "zh", folder=recorded.folder).stdout
    assert "是否明显" in table and "2026-09没有核查记录，覆盖率和频次完成率不作比较" in table
    plain = qpi("metrics", "2026-10", "--format", "json", folder=recorded.folder).stdout
    assert "previous_rate" not in plain


def test_a_quarter_that_the_records_begin_in_has_no_change_of_what_is_owed_and_says_so(recorded):
    """The first check of all is of October; a control has one of July, from which the third quarter is whole."""
    before = {**CHECKS[0], "id": "before", "checked_at": "2026-09-03T09:00:00+08:00"}
    with recorded.recorder() as recorder:
        recorder.record([before])
    changes = {row["indicator"]: row["previous_change"] for row in formats.records(recorded.compared("2026-Q4"))}
    assert changes["coverage"] is changes["frequency_completion"] is None
    assert changes["traceability"] is not None
    words = "the first check is later than the first month of 2026-Q3, so coverage and frequency have no change"
    asked = ("metrics", "2026-Q4", "--compare")
    assert words in qpi(*asked, folder=recorded.folder).stdout
    months = recorded.compared("2026-10", by=["month"])
    assert months.set_index("indicator")["previous_change"].notna()["coverage"]
    with recorded.recorder() as recorder:
        recorder.record([{**before, "id": "earlier", "checked_at": "2026-07-31T09:00:00+08:00"}])
    changes = {row["indicator"]: row["previous_change"] for row in formats.records(recorded.compared("2026-Q4"))}
    assert changes["coverage"] is not None
    assert words not in qpi(*asked, folder=recorded.folder).stdout


def test_an_earlier_period_that_was_closed_with_other_figures_is_named(recorded):
    close(recorded)
    said = "2026-10 was closed by entry {} with other figures or definitions; qpi metrics 2026-10 shows them"
    entry = recorded.closed("2026-10").entry
    quiet = qpi("metrics", "2026-11", "--compare", "--as-of", "2026-11-05", folder=recorded.folder).stdout
    assert "was closed by" not in quiet
    with recorded.recorder() as recorder:
        recorder.void("c-2", reason="x")
    shown = qpi("metrics", "2026-11", "--compare", "--as-of", "2026-11-05", folder=recorded.folder).stdout
    assert said.format(entry) in shown


def test_a_period_that_still_runs_is_said_to(recorded, monkeypatch):
    from click.testing import CliRunner

    from qpi import cli

    original = metrics.moment_of
    monkeypatch.setattr(metrics, "moment_of", lambda found, as_of: original(found, as_of or NOW))
    arguments = ["--lang", "en", "-w", str(recorded.folder)]
    word = "{} is not over, and is held to all that it requires to its end"
    for period, running in (("2026-11", True), ("2026-10", False), ("2026", True)):
        shown = CliRunner().invoke(cli.qpi, ["metrics", period, "--compare", *arguments]).output
        assert (word.format(period) in shown) == running
