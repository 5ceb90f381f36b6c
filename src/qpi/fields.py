"""Fields: how each kind of value in a record is read, and what is refused."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from qpi import calendar, text
from qpi.messages import say

MAX_TEXT = 10_000
MAX_LIST = 2_000
MAX_NUMBER = 999_999
"""The highest number of a finding or an element."""
NO_LIST = say("a list is expected")
MAX_FINDING_ID = text.MAX_ID + len(f"/{MAX_NUMBER}")
"""The id of a finding is that of its check, a slash and its number."""


def refuse(fault: str, remedy: str) -> PydanticCustomError:
    """Return the error that becomes a Problem with this fault and remedy."""
    # The braces keep pydantic from reading the user's own words as a template.
    return PydanticCustomError("qpi", "{fault}", {"fault": fault, "remedy": remedy})


def shown(value: Any) -> str:
    """Return a value as a message shows it: short, and without signs that a screen obeys."""
    if isinstance(value, str):
        whole = f'"{value}"' if value[:60].isprintable() else repr(value[:60])
    else:
        whole = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, Decimal) else str(value)
    return whole if len(whole) <= 60 else whole[:57] + "..."


def _written(value: Any) -> str:
    """Return what is to be a day or a moment as the calendar reads it and quotes it."""
    return value.strip() if isinstance(value, str) and len(value) <= 60 and value.isprintable() else shown(value)


def _no_text(value: Any, remedy: str) -> PydanticCustomError:
    if isinstance(value, list | dict):
        remedy = say("write one text, not a list")
    return refuse(say("{value} is not text", value=shown(value)), remedy)


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        raise _no_text(value, say("write it in quotes"))
    value = value.strip()
    if "\r" in value:
        value = value.replace("\r\n", "\n")
    if len(value) > MAX_TEXT:
        raise refuse(say("a text of {number} characters", number=len(value)), say("keep it to {most}", most=MAX_TEXT))
    if bad := text.bad_character(value):
        raise refuse(say("text holds {sign}", sign=bad), say("take it out, or write an ordinary blank"))
    return value or None


def text_or_fault(value: Any) -> tuple[str | None, tuple[str, str] | None]:
    """Return a text as it is kept, None where nothing is said, and what is wrong with it: fault and remedy."""
    try:
        return _text(value), None
    except PydanticCustomError as error:
        found = error.context or {}
        return None, (found["fault"], found["remedy"])


def _id(value: str, most: int = text.MAX_ID) -> str | None:
    value = text.normal(value)
    if value and (fault := text.id_fault(value, most=most)):
        raise refuse(fault, say("write it as the portfolio does, with letters and digits"))
    return value or None


def _code(value: str) -> str | None:
    value = text.normal(value)
    if value and (fault := text.code_fault(value)):
        raise refuse(fault, text.CODE_REMEDY)
    return value or None


# Few ids stand in many records: projects, people, roles. A refusal is never kept.
_known_id = lru_cache(4096)(_id)
_known_code = lru_cache(4096)(_code)


def _id_field(value: Any) -> str | None:
    if not isinstance(value, str):
        raise _no_text(value, say("write it in quotes; a number loses leading zeros"))
    return _known_id(value)


def _own_id_field(value: Any, most: int = text.MAX_ID) -> str | None:
    if not isinstance(value, str):
        raise _no_text(value, say("write it in quotes; a number loses leading zeros"))
    return _id(value, most)


def _finding_id_field(value: Any) -> str | None:
    return _own_id_field(value, MAX_FINDING_ID)


def _code_field(value: Any) -> str | None:
    if not isinstance(value, str):
        raise _no_text(value, say("write the code in quotes; a number loses leading zeros"))
    return _known_code(value)


def _needed(read: Callable[[Any], str | None]) -> Callable[[Any], str]:
    def needed(value: Any) -> str:
        found = read(value)
        if found is None:
            raise refuse(say("an empty text"), say("write a value"))
        return found

    return needed


def _far(written: str) -> PydanticCustomError:
    return refuse(say("{moment} lies outside the years 1971 to 2199", moment=written), say("mend the year"))


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        moment = value
    else:
        try:
            moment = calendar.parse_moment(_written(value))
        except ValueError as error:
            raise refuse(error.args[0], say("write a moment such as 2026-10-05T09:30:00+08:00")) from error
    if moment.utcoffset() is None:
        fault = say("{moment} names no offset from UTC", moment=moment.isoformat())
        raise refuse(fault, say("write it as 2026-10-05T09:30:00+08:00"))
    if not 1970 < moment.year < 2200:
        raise _far(moment.isoformat())
    # Children of datetime, such as those of pandas, may carry more than the ledger keeps.
    return moment if type(moment) is datetime else datetime.combine(moment.date(), moment.time(), moment.tzinfo)


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        day = value
    else:
        try:
            day = calendar.parse_day(_written(value))
        except ValueError as error:
            raise refuse(error.args[0], say("write a day such as 2026-10-15")) from error
    if not 1970 < day.year < 2200:
        raise _far(day.isoformat())
    return day


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10**9:
        fault = say("{value} is not a whole number from 0", value=shown(value))
        raise refuse(fault, say("write a number such as 240"))
    return int(value)


def _ordinal(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_NUMBER:
        fault = say("{value} is not a number from 1 to {most}", value=shown(value), most=MAX_NUMBER)
        raise refuse(fault, say("number them 1, 2, 3"))
    return int(value)


_AMOUNT = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2})0{0,20})?", re.ASCII)
_READING = re.compile(r"(-?[0-9]{1,12})(?:\.([0-9]{1,9}))?", re.ASCII)


def _number(value: Any, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Match a plain decimal number; no boolean, nan, inf, exponent or other scripts' digits is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        return None
    if isinstance(value, Decimal):
        # JSON's 1e999999999 would take a gigabyte to write out.
        exponent = value.as_tuple().exponent
        written = format(value, "f") if isinstance(exponent, int) and -30 <= exponent <= 0 else ""
    elif isinstance(value, str):
        written = value.strip()
    else:
        written = repr(value) if isinstance(value, float) or abs(value) < 10**12 else ""
    return pattern.fullmatch(written)


def _amount(value: Any) -> int:
    found = _number(value, _AMOUNT)
    if found is None:
        fault = say("{value} is not an amount from 0 with at most two decimals", value=shown(value))
        raise refuse(fault, say("write a number such as 2.5"))
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _reading(value: Any) -> Decimal:
    found = _number(value, _READING)
    if found is None:
        fault = say("{value} is not a number", value=shown(value))
        raise refuse(fault, say("write a number such as 21.5, without unit and exponent"))
    decimals = (found[2] or "").rstrip("0")
    number = Decimal(f"{int(found[1])}" if not decimals else f"{found[1]}.{decimals}")
    return number or Decimal(0)


def _bounded(value: Any) -> Any:
    # A set has no order of its own, so that the same record would be written in several ways.
    if not isinstance(value, (list, tuple)):
        raise refuse(NO_LIST, say('write ["..."]'))
    if len(value) > MAX_LIST:
        raise refuse(say("a list of {number}", number=len(value)), say("keep it to {most}", most=MAX_LIST))
    return value


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else _bounded(value)


def _sha256(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        fault = say("{value} is not a SHA-256 in hex", value=shown(value))
        raise refuse(fault, say("write its 64 digits 0-9a-f, or leave it out"))
    return value.lower()


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Text = Annotated[str | None, PlainValidator(_text)]
Id = Annotated[str | None, PlainValidator(_id_field)]
Moment = Annotated[datetime, PlainValidator(_moment)]
Day = Annotated[date, PlainValidator(_day)]
Count = Annotated[int, PlainValidator(_count)]
Ordinal = Annotated[int, PlainValidator(_ordinal)]
Amount = Annotated[int, PlainValidator(_amount)]
Measured = Annotated[Decimal, PlainValidator(_reading)]
Sha256 = Annotated[str, PlainValidator(_sha256)]
NeededId = Annotated[str, PlainValidator(_needed(_id_field))]
OwnId = Annotated[str, PlainValidator(_needed(_own_id_field))]
FindingId = Annotated[str, PlainValidator(_needed(_finding_id_field))]
NeededCode = Annotated[str, PlainValidator(_needed(_code_field))]
NeededText = Annotated[str, PlainValidator(_needed(_text))]
Texts = Annotated[tuple[NeededText, ...], BeforeValidator(_bounded)]
Ids = Annotated[tuple[NeededId, ...], BeforeValidator(_bounded)]
OneOrMoreTexts = Annotated[tuple[NeededText, ...], BeforeValidator(_several)]
Bounded = BeforeValidator(_bounded)
Named = BeforeValidator(_named)

__all__ = [
    "Amount",
    "Bounded",
    "Count",
    "Day",
    "FindingId",
    "Id",
    "Ids",
    "Measured",
    "Moment",
    "Named",
    "NeededCode",
    "NeededId",
    "NeededText",
    "OneOrMoreTexts",
    "Ordinal",
    "OwnId",
    "Sha256",
    "Text",
    "Texts",
    "refuse",
    "shown",
]
