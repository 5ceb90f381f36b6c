"""Formats: indicators as a table to read, as JSON, and as CSV that a spreadsheet opens."""

import csv
import io
import json
from fractions import Fraction
from typing import Any

import pandas as pd

from qpi import calendar, terms
from qpi.listing import aligned, guarded
from qpi.metrics import PARTS, percent
from qpi.policy import Policy

FORMATS = ("table", "json", "csv")
VERDICTS = {"zh": {"met": "达标", "missed": "未达标", "n/a": "—"}, "en": {"met": "met", "missed": "missed", "n/a": "—"}}
HEADS = {
    "zh": ("指标", "源", "完成", "应完成", "比率", "下限", "判定", "等级"),
    "en": ("indicator", "source", "done", "due", "rate", "floor", "verdict", "grade"),
}
LEGEND = {
    "zh": "源：原文七大指标中的序号；没有序号的行是本库另加的。",
    "en": "source: the number under which the source names it among its seven; rows without one are ours.",
}


NAMELESS = {
    "zh": "—：公司或区域层级的任务归于整体，不属于某一项目；或核查中未写明。",
    "en": "—: duties of company and regional roles stand under no project; or a check does not name it.",
}


def _whole(value: float, indicator: str) -> int:
    """Return done or due in whole parts again; they came from such a whole number."""
    return round(value * PARTS.get(indicator, 1))


def _shown(value: float, indicator: str) -> str:
    exact = Fraction(_whole(value, indicator), PARTS.get(indicator, 1))
    return f"{float(exact):.4f}".rstrip("0").rstrip(".")


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values; None where there is no value."""
    columns = [[None if pd.isna(value) else value for value in frame[name].tolist()] for name in frame.columns]
    return [dict(zip(map(str, frame.columns), row, strict=True)) for row in zip(*columns, strict=True)]


def to_json(frame: pd.DataFrame) -> str:
    """Return the rows as a JSON array of objects."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in records(frame))
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def to_csv(frame: pd.DataFrame) -> str:
    """Return the rows as CSV with a byte order mark; cells that a spreadsheet would calculate get a quote before them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    names = list(frame.columns)
    place = names.index("indicator") + 1
    writer.writerow([*names[:place], "title", "source", *names[place:]])
    for row in records(frame):
        extra = [terms.INDICATOR_TITLES[row["indicator"]], f"{terms.SOURCE_NUMBERS.get(row['indicator'], '')}"]
        cells = [guarded(row[name]) for name in names]
        writer.writerow([*cells[:place], *(guarded(cell) for cell in extra), *cells[place:]])
    return "\ufeff" + out.getvalue()


def to_table(frame: pd.DataFrame, policy: Policy, *, language: str = "en") -> str:
    """Return the rows as a table in plain text, each cell as wide as its signs are on a screen."""
    names = list(frame.columns)
    keys = names[: names.index("indicator")]
    rows = [[*keys, *HEADS[language]]]
    rows += (
        [*("—" if row[key] is None else str(row[key]) for key in keys), *_cells(row, policy, language)]
        for row in records(frame)
    )
    right = {len(keys) + 2, len(keys) + 3, len(keys) + 4, len(keys) + 5}
    notes = [LEGEND[language]]
    if keys and frame[keys].isna().any(axis=None):
        notes.append(NAMELESS[language])
    return aligned(rows, right) + "".join(f"{note}\n" for note in notes)


CLOSED_HEADS = {
    "zh": ("指标", "关账完成", "关账应完成", "关账比率", "关账判定", "现完成", "现应完成", "现比率", "现判定", "变化"),
    "en": ("indicator", "closed: done", "due", "rate", "verdict", "now: done", "due", "rate", "verdict", "changed"),
}


def closed_table(frame: pd.DataFrame, *, language: str = "en") -> str:
    """Return closed figures with those of now beside them, of `qpi.closing.beside`, as a table in plain text."""
    names = list(frame.columns)
    keys = names[: names.index("indicator")]
    rows = [[*keys, *CLOSED_HEADS[language]]]
    for row in records(frame):
        indicator = row["indicator"]
        title = f"{terms.INDICATOR_TITLES[indicator]} {indicator}" if language == "zh" else indicator
        cells = ["—" if row[key] is None else str(row[key]) for key in keys]
        for done, due, verdict in (("closed_done", "closed_due", "closed_verdict"), ("done", "due", "verdict")):
            if row[done] is None:
                cells += ["—"] * 4
                continue
            rate = percent(_whole(row[done], indicator), _whole(row[due], indicator))
            cells += [_shown(row[done], indicator), _shown(row[due], indicator), rate, VERDICTS[language][row[verdict]]]
        rows.append([*cells[: len(keys)], title, *cells[len(keys) :], "*" if row["changed"] else ""])
    first = len(keys) + 1
    return aligned(rows, {first, first + 1, first + 2, first + 4, first + 5, first + 6})


def _floor(floor: Fraction) -> str:
    """Return a floor as it is asked for: with two decimals, or as many as it needs."""
    if (floor * 10000).denominator == 1:
        return percent(floor.numerator, floor.denominator)
    return calendar.percent_text(floor).replace("%", " %")


def _cells(row: dict[str, Any], policy: Policy, language: str) -> list[str]:
    indicator = row["indicator"]
    done, due = _whole(row["done"], indicator), _whole(row["due"], indicator)
    title = f"{terms.INDICATOR_TITLES[indicator]} {indicator}" if language == "zh" else indicator
    floor = policy.floor(indicator)
    scored = indicator == "score_rate" and due
    grade = policy.grade(Fraction(done, due)) if scored else None
    bounds = [*([floor] if floor is not None else []), *((one.from_ for one in policy.grades) if scored else ())]
    return [
        title,
        terms.SOURCE_NUMBERS.get(indicator, ""),
        _shown(row["done"], indicator),
        _shown(row["due"], indicator),
        percent(done, due, *bounds),
        _floor(floor) if floor is not None else "—",
        VERDICTS[language][row["verdict"]],
        grade or "",
    ]
