"""Intervals: published values, the laws that every interval keeps, and what a small number leaves open."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qpi import intervals
from qpi.intervals import Interval, Rate, difference, points, rates, wilson
from qpi.metrics import Count


def shown(interval):
    return tuple(round(bound, 4) for bound in interval)


@pytest.mark.parametrize(
    ("done", "cases", "expected"),
    [
        (8, 10, (0.4902, 0.9433)),
        (0, 10, (0.0, 0.2775)),
        (10, 10, (0.7225, 1.0)),
        (5, 10, (0.2366, 0.7634)),
        # R. G. Newcombe, Two-sided confidence intervals for the single proportion, Statist. Med. 17 (1998) 857-872, table I.
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_the_interval_is_that_of_the_books(done, cases, expected):
    assert shown(wilson(done, cases)) == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # R. G. Newcombe, Statist. Med. 17 (1998) 873-890, table II, method 10.
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((0, 10), (0, 10), (-0.2775, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_the_interval_of_a_difference_is_that_of_newcombe(a, b, expected):
    after, before = (Rate(done, due, due) for done, due in (a, b))
    assert shown(difference(after, before)) == expected


def test_the_constant_holds_95_percent_of_the_normal_distribution():
    assert math.erf(intervals.Z / math.sqrt(2)) == pytest.approx(0.95, abs=1e-15)


def test_thirty_cases_leave_more_than_a_tenth_open_and_ten_more_than_a_quarter():
    """What the least number of cases rests on."""
    assert shown(wilson(intervals.MINIMUM, intervals.MINIMUM)) == (0.8865, 1.0)
    assert shown(wilson(10, 10))[0] == 0.7225


@pytest.mark.parametrize("done", [-1, 101])
def test_what_is_no_share_of_a_whole_has_no_interval(done):
    assert wilson(done, 100) is None
    mine, half = Rate(done, 100, 100), Rate(1, 2, 100)
    assert difference(mine, half) is difference(half, mine) is None


def test_where_nothing_is_due_there_is_no_rate_and_no_interval():
    empty, half = Rate(0, 0, 0), Rate(1, 2, 2)
    assert empty.interval is difference(empty, half) is points(half, empty) is wilson(0, 0) is None


def test_another_implementation_agrees():
    stats = pytest.importorskip("scipy.stats")
    for done, cases in ((8, 10), (0, 10), (10, 10), (333, 1000), (1, 100_000)):
        theirs = stats.binomtest(done, cases).proportion_ci(method="wilson")
        assert wilson(done, cases) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@st.composite
def samples(draw):
    """A rate and its number of cases, which may be parts of a point."""
    due = draw(st.integers(min_value=1, max_value=10**9))
    done = draw(st.integers(min_value=0, max_value=due))
    return Rate(done, due, due, draw(st.sampled_from([1, 12, 100])))


def exact(sample):
    return Fraction(sample.done, sample.due)


@given(samples())
def test_an_interval_lies_within_0_and_1_and_holds_its_rate(sample):
    low, high = sample.interval
    assert 0 <= low <= sample.done / sample.due <= high <= 1


@given(samples())
def test_what_was_missed_has_the_mirrored_interval(sample):
    low, high = sample.interval
    mirrored = sample._replace(done=sample.due - sample.done).interval
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((low, high), abs=1e-12)


@given(samples(), st.integers(min_value=2, max_value=1000))
def test_more_cases_of_the_same_rate_have_a_narrower_interval(sample, times):
    wide, narrow = sample.interval, sample._replace(cases=sample.cases * times).interval
    assert wide.low <= narrow.low + 1e-12 and narrow.high <= wide.high + 1e-12
    assert narrow.high - narrow.low < wide.high - wide.low


@given(samples(), st.fractions(min_value=0, max_value=1))
def test_the_interval_holds_the_rates_that_the_score_test_does_not_refuse(sample, truth):
    """The other way to say what the formula solves: (rate - truth)² ≤ z² truth (1 - truth) / cases, in whole numbers."""
    low, high = sample.interval
    if min(abs(float(truth) - low), abs(float(truth) - high)) < 1e-9:
        return
    held = (exact(sample) - truth) ** 2 * Fraction(sample.cases, sample.part) <= Fraction(intervals.Z) ** 2 * truth * (
        1 - truth
    )
    assert (low <= truth <= high) == held


def test_a_formula_without_the_shift_to_the_middle_would_be_seen():
    """A negative control: the textbook interval that Wilson's replaces ends at 0 width for 0 of 10."""

    def wald(done, cases):
        rate = done / cases
        half = intervals.Z * math.sqrt(rate * (1 - rate) / cases)
        return Interval(rate - half, rate + half)

    assert shown(wald(0, 10)) != (0.0, 0.2775)
    assert wald(9, 10).high > 1


@given(samples(), samples())
def test_a_difference_turns_round_with_its_sides(a, b):
    forth, back = difference(a, b), difference(b, a)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low), abs=1e-12)
    assert forth.low <= points(a, b) / 100 <= forth.high
    assert points(a, b) == float(100 * (exact(a) - exact(b)))


def test_intervals_that_overlap_may_belong_to_rates_that_differ_clearly():
    """Why a change is judged by the interval of the difference: 90 of 150 and 108 of 150 overlap, and differ."""
    after, before = Rate(108, 150, 150), Rate(90, 150, 150)
    assert before.interval.high > after.interval.low
    assert difference(after, before).low > 0


def test_cases_are_points_checks_or_findings_and_of_a_score_the_checks():
    counts = [
        Count((), "coverage", 556, 593),
        Count((), "closure", 9, 10),
        Count((), "method_conformity", 2, 3),
        Count((), "score_rate", 2800, 3000),
    ]
    found = {name: Fraction(rate.cases, rate.part) for (_, name), rate in rates(counts).items()}
    assert found == {"coverage": Fraction(593, 12), "closure": 10, "method_conformity": 3, "score_rate": 3}


def test_a_few_points_of_score_among_many_checks_are_few_cases():
    counts = [Count((), "method_conformity", 90, 90), Count((), "score_rate", 150, 200)]
    assert rates(counts)[(), "score_rate"].number == 2
