"""Units, frequencies, months, periods, windows and moments."""

from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qpi import calendar
from qpi.calendar import Frequency, Unit

MONTHS = st.integers(1990 * 12, 2100 * 12)
WITHIN = st.sampled_from([Unit.DAY, Unit.WEEK, Unit.TWO_WEEKS, Unit.MONTH])
SHANGHAI = calendar.zone("Asia/Shanghai")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1/month", Frequency(1, Unit.MONTH)),
        ("1次/月", Frequency(1, Unit.MONTH)),
        ("1次/日", Frequency(1, Unit.DAY)),
        ("3次/天", Frequency(3, Unit.DAY)),
        ("2次/周", Frequency(2, Unit.WEEK)),
        ("1次/两周", Frequency(1, Unit.TWO_WEEKS)),
        ("1次/季度", Frequency(1, Unit.QUARTER)),
        ("1次/半年", Frequency(1, Unit.HALF_YEAR)),
        ("1次/年", Frequency(1, Unit.YEAR)),
        ("12/half-year", Frequency(12, Unit.HALF_YEAR)),
        ("不固定", None),
    ],
)
def test_both_notations_of_a_frequency_are_read(typed, read):
    assert calendar.frequency(typed) == read


@pytest.mark.parametrize(
    "typed", ["weekley", "0/month", "1/mounth", "1次/month", "1/月", "１次/月", "1.5/week", "1 /week", "", "1000/day"]
)
def test_any_other_frequency_is_unknown(typed):
    with pytest.raises(ValueError, match="is unknown"):
        calendar.frequency(typed)


@given(st.integers(1, 999), st.sampled_from(list(Unit)))
def test_a_frequency_that_is_written_is_read_again(times, unit):
    assert calendar.frequency(str(Frequency(times, unit))) == Frequency(times, unit)


@given(MONTHS)
def test_a_month_is_the_month_of_its_first_and_last_day(month):
    first, last = calendar.first_day(month), calendar.last_day(month)
    assert calendar.month_number(first) == calendar.month_number(last) == month
    assert last + timedelta(days=1) == calendar.first_day(month + 1)


@given(st.dates())
def test_a_day_and_its_number_are_one_to_one(day):
    assert calendar.day_of(calendar.day_number(day)) == day
    assert calendar.weekday(calendar.day_number(day)) == day.weekday()


@given(WITHIN, MONTHS, st.integers(1, 24))
def test_the_windows_of_following_months_are_without_gap_and_without_overlap(unit, month, months):
    windows = [one for m in range(month, month + months) for one in calendar.window_ends(unit, m)]
    assert all(before[1] + 1 == after[0] for before, after in zip(windows, windows[1:], strict=False))


@given(WITHIN, MONTHS)
def test_a_window_belongs_to_the_month_in_which_it_ends(unit, month):
    for _, last in calendar.window_ends(unit, month):
        assert calendar.month_number(calendar.day_of(last)) == month


@given(MONTHS)
def test_working_days_are_monday_to_friday(month):
    found = [calendar.day_of(day) for day, _ in calendar.window_ends(Unit.DAY, month, working=True)]
    every = [calendar.first_day(month) + timedelta(days=n) for n in range(31)]
    assert found == [day for day in every if day.weekday() < 5 and calendar.month_number(day) == month]


def test_october_2026_has_four_weeks_that_end_in_it():
    ends = [calendar.day_of(last).day for _, last in calendar.window_ends(Unit.WEEK, 2026 * 12 + 9)]
    assert ends == [4, 11, 18, 25]


def test_pairs_of_weeks_are_counted_from_the_first_monday_of_2024():
    first, last = calendar.window_ends(Unit.TWO_WEEKS, 2024 * 12)[0]
    assert (calendar.day_of(first), calendar.day_of(last)) == (date(2024, 1, 1), date(2024, 1, 14))


def test_a_quarter_has_no_window_within_a_month():
    with pytest.raises(ValueError, match="not within a month"):
        calendar.window_ends(Unit.QUARTER, 24000)


@given(MONTHS, st.sampled_from(list(Unit)))
def test_a_cycle_holds_its_months_and_a_year_holds_whole_cycles(month, unit):
    start = calendar.cycle_start(unit, month)
    assert start <= month < start + calendar.cycle_months(unit)
    assert 12 % calendar.cycle_months(unit) == 0
    assert calendar.cycle_months(unit) * calendar.weight_twelfths(unit) == 12


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("2026-10", date(2026, 10, 1), date(2026, 10, 31)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026-H1", date(2026, 1, 1), date(2026, 6, 30)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
    ],
)
def test_a_period_has_its_first_and_last_day(typed, first, last):
    period = calendar.period(typed)
    assert (period.first, period.last, period.name) == (first, last, typed)


@pytest.mark.parametrize(
    "typed", ["2026-13", "2026-00", "2026-Q5", "2026-H3", "26", "2026-1", "２０２６", "2026-10-01", ""]
)
def test_another_period_is_refused(typed):
    with pytest.raises(ValueError, match="is unknown"):
        calendar.period(typed)


@pytest.mark.parametrize("typed", ["2024-02-30", "2024-13-01", "2023-02-29", "0000-01-01"])
def test_a_day_that_the_calendar_does_not_have_is_refused(typed):
    with pytest.raises(ValueError, match=f"there is no day {typed}"):
        calendar.parse_day(typed)


@pytest.mark.parametrize(
    "typed", ["2024-2-3", "2024/02/03", "20240203", "2024年2月3日", "٢٠٢٤-٠٢-٠٣", "2024-02-03T00:00", "1:30", ""]
)
def test_what_is_not_written_as_a_day_is_refused(typed):
    with pytest.raises(ValueError, match="is not a date"):
        calendar.parse_day(typed)


def test_24_oclock_is_refused():
    with pytest.raises(ValueError, match="there is no moment"):
        calendar.parse_moment("2026-10-05T24:00:00+08:00")


def test_a_moment_without_an_offset_stays_without_one_until_it_is_given_a_zone():
    local = calendar.parse_moment("2026-10-05 09:30")
    assert local.tzinfo is None
    assert calendar.in_zone(local, SHANGHAI).isoformat() == "2026-10-05T09:30:00+08:00"


def test_shanghai_is_not_always_eight_hours_ahead():
    """Summer time from 1986 to 1991, local mean time in 1900."""
    assert calendar.in_zone(datetime(1988, 7, 1), SHANGHAI).utcoffset() == timedelta(hours=9)
    assert calendar.in_zone(datetime(1900, 1, 1), SHANGHAI).utcoffset() == timedelta(hours=8, minutes=5, seconds=43)


def test_half_past_seven_on_1_march_in_shanghai_is_29_february_in_london():
    moment = calendar.in_zone(datetime(2024, 3, 1, 7, 30), SHANGHAI)
    assert moment.date() == date(2024, 3, 1)
    assert moment.astimezone(calendar.zone("UTC")).date() == date(2024, 2, 29)


@pytest.mark.parametrize(
    "moment", [datetime(2026, 3, 29, 2, 30), datetime(2026, 10, 25, 2, 30)], ids=["skipped", "twice"]
)
def test_a_local_time_that_clocks_skip_or_repeat_is_refused(moment):
    with pytest.raises(ValueError, match="as clocks change"):
        calendar.in_zone(moment, calendar.zone("Europe/Berlin"))


@pytest.mark.parametrize("name", ["Asia/Shangai", "", "Asia", "../Shanghai", "/etc/passwd", "x\0y"])
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(ValueError, match="is unknown"):
        calendar.zone(name)


@given(st.integers(0, 10000))
def test_a_percentage_is_an_exact_fraction(hundredths):
    assert calendar.percent(f"{hundredths // 100}.{hundredths % 100:02d}%") == Fraction(hundredths, 10000)


@pytest.mark.parametrize("typed", ["101%", "75", "0.75", "-1%", "７５%", "nan%", "1e2%", "%", ""])
def test_another_share_is_refused(typed):
    with pytest.raises(ValueError, match="is not a share"):
        calendar.percent(typed)
