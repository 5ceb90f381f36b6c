"""Ranks: who stands above whom, where the numbers carry it."""

import json
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qpi import formats, metrics, ranks
from qpi.errors import UsageError
from qpi.intervals import wilson
from support import NOW, load, tables
from test_command_line import qpi
from test_indicators import check, workspace
from test_trend import MONTHLY, looks
from worlds import world


def ranked(done, *, points=MONTHLY, policy=None, indicator="coverage", extra=(), **more):
    """The ranking of projects that did so many of the forty points in October."""
    projects = [{"id": name, "name": name, "attributes": {"region": name[0]}} for name in done]
    found = load(workspace(points, policy=policy, projects=projects))
    records = [one for i, (name, number) in enumerate(done.items())
               for one in looks({"2026-10-12": number}, project=name, first=100 * i)]  # fmt: skip
    rows = tables(found, [*records, *extra])
    return ranks.ranked(found, *rows, "2026-10", indicator, **{"as_of": NOW, **more})


def by_name(frame, *columns):
    return {row.iloc[0]: tuple(None if pd.isna(row[c]) else row[c] for c in columns) for _, row in frame.iterrows()}


FOUR = {"A1": 20, "A2": 36, "B1": 40, "B2": 36}


def test_equal_rates_share_a_rank_and_the_next_rank_is_left_out():
    found = ranked(FOUR)
    assert list(found["project"]) == ["B1", "A2", "B2", "A1"]
    assert list(found["rank"]) == [1, 2, 2, 4]


def test_the_ranks_that_may_be_are_those_that_the_intervals_allow():
    """40 of 40 lies within 91.24 to 100, 36 of 40 within 76.95 to 96.04, 20 of 40 within 35.20 to 64.80 %."""
    found = by_name(ranked(FOUR), "low", "high", "best", "worst")
    shown = {name: (round(100 * low, 2), round(100 * high, 2), *rest) for name, (low, high, *rest) in found.items()}
    assert shown == {
        "B1": (91.24, 100.0, 1, 3),
        "A2": (76.95, 96.04, 1, 3),
        "B2": (76.95, 96.04, 1, 3),
        "A1": (35.20, 64.80, 4, 4),
    }


def test_rates_are_compared_exactly():
    """36 of 48 and 27 of 36 are the same; a rate that floats cannot tell from another has its own rank."""
    near = [Fraction(10**17 + 1, 10**17 + 2), Fraction(10**17, 10**17 + 1)]
    assert [place.rank for place in ranks.ranks(near, [None, None])] == [1, 2]
    assert float(near[0]) == float(near[1])  # a negative control: ranks by floats would tie
    same = [Fraction(36, 48), Fraction(27, 36)]
    assert [place.rank for place in ranks.ranks(same, [None, None])] == [1, 1]


def test_under_the_minimum_there_is_no_rank_and_the_reason_is_said():
    small = {name: number // 2 for name, number in FOUR.items()}
    found = ranked(small, points=MONTHLY[:29])
    assert set(found["unranked"]) == {"too few"} and found["rank"].isna().all() and found["best"].isna().all()
    # A negative control: the same rows get their ranks with a lower minimum.
    assert list(ranked(small, points=MONTHLY[:29], minimum=29)["rank"]) == [1, 2, 2, 4]
    assert list(ranked(small, points=MONTHLY[:30])["rank"]) == [1, 2, 2, 4]


def test_what_has_no_rank_comes_last_and_bounds_nobody():
    """Of traceability B3 has few checks, all good: it is neither first nor does it move the others."""
    done = {"B1": 40, "B2": 36, "B3": 3}
    found = ranked(done, indicator="method_conformity")
    assert list(found["project"]) == ["B1", "B2", "B3"]
    assert by_name(found, "rank", "best", "worst", "unranked")["B3"] == (None, None, None, "too few")
    assert by_name(found, "worst")["B1"] == (2,)


def test_scores_of_few_checks_are_few_however_many_points_they_bear():
    scored = [(code, asks, {"score": "10"}) for code, asks, _ in MONTHLY]
    found = by_name(
        ranked({"A": 3, "B": 30}, points=scored, indicator="score_rate"), "due", "cases", "rank", "unranked"
    )
    assert found == {"A": (30.0, 3.0, None, "too few"), "B": (300.0, 30.0, 1, None)}


def test_duties_that_stand_under_no_project_have_no_rank():
    points = [*MONTHLY, *((f"R{i:02d}", {"department": "1/month"}, {}) for i in range(30))]
    found = ranked({"A": 40}, points=points)
    assert by_name(found, "rank", "unranked") == {"A": (1, None), None: (None, "nameless")}
    text = formats.ranked_table(found, "coverage", load(workspace(points)).policy)
    assert "nothing names it" in text and formats.NAMELESS["en"] in text


def test_another_grouping_is_ranked_too():
    found = ranked(FOUR, by="region")
    assert by_name(found, "rank", "done", "due") == {"B": (1, 76, 80), "A": (2, 56, 80)}
    assert list(ranked(FOUR, by="month")["month"]) == ["2026-10"]


def test_a_rate_above_1_has_a_rank_but_no_interval_and_bounds_nobody():
    again = [check(1000 + i, f"M{i:02d}", "2026-10-13", project="B1") for i in range(40)]
    found = ranked(
        {"B1": 40, "A1": 20}, policy={"overfulfilment": "raw"}, indicator="frequency_completion", extra=again
    )
    assert by_name(found, "rank", "best", "worst", "rate", "low", "high") == {
        "B1": (1, None, None, 2.0, None, None),
        "A1": (2, 1, 2, 0.5, pytest.approx(0.3520, abs=1e-4), pytest.approx(0.6480, abs=1e-4)),
    }


@pytest.mark.parametrize("name", metrics.RATIOS)
def test_a_ratio_is_not_ranked(name):
    with pytest.raises(UsageError, match="above its floor more is not better"):
        ranked(FOUR, indicator=name)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"indicator": "coverge"}, 'indicator "coverge" is unknown; did you mean coverage'),
        ({"by": "inspector"}, "duties have no inspector, so coverage cannot be ranked by it"),
        ({"by": "projct"}, 'grouping "projct" is unknown'),
        ({"minimum": 0}, "write 1 or more"),
    ],
)
def test_what_cannot_be_ranked_is_refused_with_a_reason(more, words):
    with pytest.raises(UsageError, match=words):
        ranked({"A1": 1}, **more)


def test_an_attribute_that_bears_the_name_of_a_column_is_no_grouping():
    projects = [{"id": "P", "name": "P", "attributes": {"rank": "x"}}]
    found = load(workspace(MONTHLY, projects=projects))
    with pytest.raises(UsageError, match='an attribute named "rank" cannot be a grouping'):
        ranks.ranked(found, *tables(found, []), "2026-10", "coverage", by="rank")


def test_where_nothing_is_due_there_is_nothing_to_rank():
    found = ranked({"A1": 0}, indicator="closure")
    assert found.empty and list(found.columns) == ["project", *ranks.COLUMNS]


@st.composite
def rates_and_cases(draw):
    pairs = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(30, 60)), max_size=12))
    return sorted(((Fraction(min(a, n), n), n) for a, n in pairs), reverse=True)


@given(rates_and_cases())
def test_ranks_are_those_that_each_pair_gives(pairs):
    rates = [rate for rate, _ in pairs]
    intervals = [wilson(int(rate * n), n) for rate, n in pairs]
    for mine, rate, place in zip(intervals, rates, ranks.ranks(rates, intervals), strict=True):
        assert place.rank == 1 + sum(other > rate for other in rates)
        assert place.best == 1 + sum(other.low > mine.high for other in intervals)
        assert place.worst == len(rates) - sum(other.high < mine.low for other in intervals)
        assert 1 <= place.best <= place.rank <= place.worst <= len(rates)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=10_000, max_value=10_000_000), st.sampled_from(ranks.RANKED))
def test_a_ranking_shows_the_figures_of_the_indicators(seed, indicator):
    made = world(seed)
    found = load(made["workspace"])
    rows = tables(found, made["records"])
    for period in ("2026-05", "2026-H1"):
        frame = ranks.ranked(found, *rows, period, indicator, minimum=1, as_of=NOW)
        plain = metrics.indicators(found, *rows, period, by=["project"], as_of=NOW)
        plain = plain[plain["indicator"] == indicator]
        columns = ["project", "done", "due", "rate", "verdict"]
        left, right = (one[columns].sort_values("project").reset_index(drop=True) for one in (frame, plain))
        pd.testing.assert_frame_equal(left, right)
        placed = frame[frame["rank"].notna()]
        assert placed["rate"].is_monotonic_decreasing and placed["rank"].is_monotonic_increasing


# On the command line


def test_the_command_gives_what_the_library_gives(recorded):
    done = qpi("rank", "2026-10", "traceability", "--minimum", "1", "--format", "json", folder=recorded.folder)
    frame = recorded.ranked("2026-10", "traceability", minimum=1)
    assert json.loads(done.stdout) == formats.records(frame)
    assert [row["rank"] for row in json.loads(done.stdout)] == [1, 1]
    assert "ledger at entry" in done.stderr
    written = qpi("rank", "2026-10", "traceability", "--format", "csv", folder=recorded.folder).stdout
    head, first, *_ = written.removeprefix("\ufeff").splitlines()
    assert head.split(",") == ["project", *ranks.COLUMNS]
    assert first.startswith("P01,,,,") and first.endswith(",too few")


def test_the_table_says_in_both_languages_what_the_numbers_do_not_carry(recorded):
    shown = qpi("rank", "2026-10", "traceability", "--minimum", "1", folder=recorded.folder).stdout
    assert formats.LEVEL["en"] in shown and "Fewer than 1 cases have no rank." in shown
    shown = qpi("rank", "2026-10", "traceability", "--lang", "zh", folder=recorded.folder).stdout
    assert "数量不足" in shown and "不足30项的不排名" in shown and formats.LEVEL["zh"] not in shown


def test_wrong_usage_exits_2(recorded):
    for arguments in (["suggestion_ratio"], ["coverage", "--minimum", "0"]):
        done = qpi("rank", "2026-10", *arguments, folder=recorded.folder)
        assert (done.returncode, done.stdout) == (2, "") and done.stderr
