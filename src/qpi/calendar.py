"""Calendar of inspections: zones, units, months, periods, windows and cycles.

Days are whole numbers since 1970-01-01 and months whole numbers since January of year 0, wherever many are counted.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from qpi.messages import say

EPOCH = date(1970, 1, 1)
# Pairs of ISO weeks are counted from this Monday (indicators.md).
FIRST_PAIR = (date(2024, 1, 1) - EPOCH).days


class Unit(StrEnum):
    """The stretch of time that a frequency counts in."""

    DAY = "day"
    WEEK = "week"
    TWO_WEEKS = "two-weeks"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"
    YEAR = "year"


CYCLE_MONTHS = {Unit.QUARTER: 3, Unit.HALF_YEAR: 6, Unit.YEAR: 12}
"""Months of a unit's cycle; every unit that is not here has the calendar month."""

CHINESE_UNITS = {
    "日": Unit.DAY,
    "天": Unit.DAY,
    "周": Unit.WEEK,
    "两周": Unit.TWO_WEEKS,
    "月": Unit.MONTH,
    "季度": Unit.QUARTER,
    "半年": Unit.HALF_YEAR,
    "年": Unit.YEAR,
}


def cycle_months(unit: Unit) -> int:
    """Return how many months the cycle of a unit has: 1, 3, 6 or 12."""
    return CYCLE_MONTHS.get(unit, 1)


def weight_twelfths(unit: Unit) -> int:
    """Return what a duty weighs in the required points of a month, in twelfths: 12, 4, 2 or 1."""
    return 12 // cycle_months(unit)


NO_DUTY = "不固定"


class Frequency(NamedTuple):
    """So many checks in each unit of time."""

    times: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.times}/{self.unit}"


FREQUENCY_PATTERN = (
    f"^({NO_DUTY}|[1-9][0-9]{{0,2}}次/({'|'.join(CHINESE_UNITS)})|[1-9][0-9]{{0,2}}/({'|'.join(Unit)}))$"
)
"""What `frequency` reads, as one regular expression."""
_ENGLISH = re.compile(r"([1-9][0-9]{0,2})/([a-z-]+)")
_CHINESE = re.compile(r"([1-9][0-9]{0,2})次/(.+)")
FREQUENCY_REMEDY = say(
    "write one of {choice}",
    choice="1次/日, 1次/周, 1次/两周, 1次/月, 1次/季度, 1次/半年, 1次/年, 不固定, 1/day, 1/week, 1/two-weeks, 1/month, "
    "1/quarter, 1/half-year, 1/year",
)


def frequency(text: str) -> Frequency | None:
    """Read `1/month`, `1次/月` or `不固定` (None); raise ValueError for anything else."""
    if text == NO_DUTY:
        return None
    if (match := _ENGLISH.fullmatch(text)) and match[2] in set(Unit):
        return Frequency(int(match[1]), Unit(match[2]))
    if (match := _CHINESE.fullmatch(text)) and match[2] in CHINESE_UNITS:
        return Frequency(int(match[1]), CHINESE_UNITS[match[2]])
    raise ValueError(say('frequency "{text}" is unknown', text=text))


_NUMERALS = {sign: number for number, sign in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_LOOSE_UNIT = re.compile("两周|双周|半月|日|天|周|星期|礼拜|月|季度|季|半年|年")
_LOOSE_UNITS = {"双周": "两周", "半月": "两周", "星期": "周", "礼拜": "周", "季": "季度"}


def meant_frequency(text: str) -> Iterator[str]:
    """Yield the frequency that a loose Chinese wording such as 每周两次 or 一次/周 means, if it names times and unit."""
    units = list(_LOOSE_UNIT.finditer(text))
    if len(units) != 1:
        return
    unit = units[0]
    rest = text[: unit.start()] + text[unit.end() :]
    number = re.search("([1-9][0-9]{0,2}|[一二两三四五六七八九十])次", rest)
    if number:
        times = _NUMERALS.get(number[1]) or int(number[1])
        yield f"{times}次/{_LOOSE_UNITS.get(unit.group(), unit.group())}"


def zone(name: str) -> ZoneInfo:
    """Return the time zone of a name such as Asia/Shanghai; raise ValueError for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(say('time zone "{name}" is unknown', name=name)) from error


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to a day."""
    return day.toordinal() - EPOCH.toordinal()


def day_of(number: int) -> date:
    """Return the day that lies a number of days after 1970-01-01."""
    return EPOCH + timedelta(days=number)


def month_number(day: date) -> int:
    """Return the month of a day as year * 12 + month - 1."""
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    """Return the 1st of a month given by its number."""
    return date(month // 12, month % 12 + 1, 1)


def last_day(month: int) -> date:
    """Return the last day of a month given by its number."""
    return first_day(month + 1) - timedelta(days=1)


def month_name(month: int) -> str:
    """Return a month as `2026-10`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def cycle_start(unit: Unit, month: int) -> int:
    """Return the first month of the cycle of a unit that a month lies in."""
    return month - month % cycle_months(unit)


class Period(NamedTuple):
    """Whole months from `start` up to but not including `stop`, with the name that was asked for."""

    name: str
    start: int
    stop: int

    @property
    def months(self) -> range:
        """The months of the period, as numbers."""
        return range(self.start, self.stop)

    @property
    def first(self) -> date:
        """The first day."""
        return first_day(self.start)

    @property
    def last(self) -> date:
        """The last day."""
        return last_day(self.stop - 1)


_PERIOD = re.compile(r"([12][0-9]{3})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])|H([12])))?")


def period(text: str) -> Period:
    """Read `2026-10`, `2026-Q4`, `2026-H2` or `2026`; raise ValueError for anything else."""
    match = _PERIOD.fullmatch(text)
    if not match:
        raise ValueError(say('period "{text}" is unknown; write 2026-10, 2026-Q4, 2026-H2 or 2026', text=text))
    year, month, quarter, half = (int(part) if part else None for part in match.groups())
    assert year is not None
    if month:
        return Period(text, year * 12 + month - 1, year * 12 + month)
    if quarter:
        return Period(text, year * 12 + 3 * quarter - 3, year * 12 + 3 * quarter)
    if half:
        return Period(text, year * 12 + 6 * half - 6, year * 12 + 6 * half)
    return Period(text, year * 12, year * 12 + 12)


def month_period(month: int) -> Period:
    """Return one month as a period."""
    return Period(month_name(month), month, month + 1)


def moved(span: Period, months: int) -> Period:
    """Return the period that lies so many months later, or earlier, under its own name."""
    start, stop = span.start + months, span.stop + months
    length = stop - start
    within = start % 12
    if length == 1:
        name = month_name(start)
    elif length in (3, 6, 12) and within % length == 0:
        part = {3: f"-Q{within // 3 + 1}", 6: f"-H{within // 6 + 1}", 12: ""}[length]
        name = f"{start // 12:04d}{part}"
    else:
        name = f"{month_name(start)}..{month_name(stop - 1)}"
    return Period(name, start, stop)


def window_ends(unit: Unit, month: int, *, working: bool = False) -> list[tuple[int, int]]:
    """Return the windows of a day, week, two weeks or month that end in a month, as first and last day numbers.

    With `working`, days are Monday to Friday only; other units do not change.
    """
    first, last = day_number(first_day(month)), day_number(last_day(month))
    if unit is Unit.DAY:
        return [(day, day) for day in range(first, last + 1) if not (working and weekday(day) > 4)]
    if unit is Unit.WEEK:
        return [(day - 6, day) for day in range(first, last + 1) if weekday(day) == 6]
    if unit is Unit.TWO_WEEKS:
        return [(day - 13, day) for day in range(first, last + 1) if (day + 1 - FIRST_PAIR) % 14 == 0]
    if unit is Unit.MONTH:
        return [(first, last)]
    raise ValueError(say("the unit {unit} is not within a month", unit=unit))


def weekday(day: int) -> int:
    """Return the day of the week of a day number, Monday 0 to Sunday 6."""
    return (day + 3) % 7


_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)(Z|[+-][0-9]{2}:[0-9]{2})?"
)


def parse_day(text: str) -> date:
    """Read `2026-10-05`; raise ValueError saying what is wrong otherwise."""
    match = _DAY.fullmatch(text)
    if not match:
        raise ValueError(say('"{text}" is not a date', text=text))
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        raise ValueError(say("there is no day {text}", text=text)) from error


def parse_moment(text: str) -> datetime:
    """Read `2026-10-05T09:30:00+08:00`, without its zone where it names none; raise ValueError otherwise."""
    match = _MOMENT.fullmatch(text)
    if not match:
        raise ValueError(say('"{text}" is not a date and time', text=text))
    try:
        return datetime.fromisoformat(f"{match[1]}T{match[2]}{match[3] or ''}")
    except ValueError as error:
        raise ValueError(say("there is no moment {text}", text=text)) from error


def in_zone(moment: datetime, where: ZoneInfo) -> datetime:
    """Give a moment without an offset its zone; raise ValueError where a clock change skips or repeats it."""
    local = moment.replace(tzinfo=where)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        fault = say("{moment} is skipped or comes twice in {zone} as clocks change", moment=moment, zone=where.key)
        raise ValueError(fault)
    return local


def percent_text(share: Fraction) -> str:
    """Return a share as people write it, such as `33.3%`; exact for what `percent` reads."""
    number = share * 100
    return f"{(Decimal(number.numerator) / number.denominator).normalize():f}%"


_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")


def percent(text: str) -> Fraction:
    """Read `75%` or `33.3%` as an exact fraction from 0 to 1; raise ValueError otherwise."""
    match = _PERCENT.fullmatch(text)
    if not match or (value := Fraction(match[1]) / 100) > 1:
        raise ValueError(say('"{text}" is not a share from 0% to 100%', text=text))
    return value
