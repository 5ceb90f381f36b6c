"""Formats: indicators as a table to read, as JSON, and as CSV that a spreadsheet opens."""

import csv
import io
import json
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pandas as pd

from qpi import calendar, terms
from qpi.intervals import MINIMUM
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


def _titles(keys: Iterable[str], language: str) -> list[str]:
    """Return the heads of groupings in a language; an attribute of projects goes by its own name."""
    return [terms.GROUPING_TITLES.get(key, key) if language == "zh" else key for key in keys]


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
    rows = [[*_titles(keys, language), *HEADS[language]]]
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


def closed_table(frame: pd.DataFrame, policy: Policy, *, language: str = "en") -> str:
    """Return closed figures with those of now beside them, of `qpi.closing.beside`, as a table in plain text."""
    names = list(frame.columns)
    keys = names[: names.index("indicator")]
    rows = [[*_titles(keys, language), *CLOSED_HEADS[language]]]
    for row in records(frame):
        indicator = row["indicator"]
        title = f"{terms.INDICATOR_TITLES[indicator]} {indicator}" if language == "zh" else indicator
        cells = ["—" if row[key] is None else str(row[key]) for key in keys]
        for done, due, verdict in (("closed_done", "closed_due", "closed_verdict"), ("done", "due", "verdict")):
            if row[done] is None:
                cells += ["—"] * 4
                continue
            parts = _whole(row[done], indicator), _whole(row[due], indicator)
            rate = percent(*parts, *policy.bounds(indicator), *_missed(*parts, row[verdict]))
            cells += [_shown(row[done], indicator), _shown(row[due], indicator), rate, VERDICTS[language][row[verdict]]]
        rows.append([*cells[: len(keys)], title, *cells[len(keys) :], "*" if row["changed"] else ""])
    first = len(keys) + 1
    return aligned(rows, {first, first + 1, first + 2, first + 4, first + 5, first + 6})


def _missed(done: int, due: int, verdict: str) -> list[Fraction]:
    """Return what a rate that missed its floor is never rounded up to; the floor of a closing may not be that of now."""
    return [Fraction(-(-done * 10000 // due), 10000)] if verdict == "missed" else []


SIGNS = {
    "zh": {"clear": "明显", "unclear": "不明显", "too few": "数量不足", None: "—"},
    "en": {"clear": "clear", "unclear": "unclear", "too few": "too few", None: "—"},
}
COMPARED_HEADS = {
    "zh": ("指标", "完成", "应完成", "比率", "判定", "增减", "是否明显"),
    "en": ("indicator", "done", "due", "rate", "verdict", "points", "signal"),
}
EARLIER = {
    "zh": {"previous": "上月", "last_year": "去年同月"},
    "en": {"previous": "month before", "last_year": "a year before"},
}
"""Heads of the earlier rates where each row has earlier months of its own."""
COMPARED_LEGEND = {
    "zh": "增减：比率升（▲）降（▼）多少个百分点。明显：95%区间不含0；不明显：偶然也会有这样的增减；数量不足：任一期不足{minimum}项，不作判断。",
    "en": "points: percentage points up (▲) or down (▼). clear: its 95 % interval leaves 0 out; unclear: chance alone may "
    "do as much;\ntoo few: one of the rates comes of fewer than {minimum} cases, so nothing is said.",
}


def compared_table(frame: pd.DataFrame, policy: Policy, *, minimum: int = MINIMUM, language: str = "en") -> str:
    """Return the indicators beside those of earlier periods, of `qpi.trend.compared`, as a table in plain text."""
    names = list(frame.columns)
    keys = names[: names.index("indicator")]
    sides = [side for side in EARLIER[language] if f"{side}_rate" in names]
    *mine, points, sign = COMPARED_HEADS[language]
    heads = [*_titles(keys, language), *mine]
    for side in sides:
        periods = frame[f"{side}_period"].unique()
        heads += [periods[0] if len(periods) == 1 else EARLIER[language][side], points, sign]
    rows = [heads]
    for row in records(frame):
        indicator = row["indicator"]
        cells = [
            *("—" if row[key] is None else str(row[key]) for key in keys),
            f"{terms.INDICATOR_TITLES[indicator]} {indicator}" if language == "zh" else indicator,
            *("—" if row[name] is None else _shown(row[name], indicator) for name in ("done", "due")),
            _rate(row, "", policy),
            VERDICTS[language][row["verdict"] or "n/a"],
        ]
        for side in sides:
            cells += [_rate(row, f"{side}_", policy), _points(row, side), SIGNS[language][row[f"{side}_signal"]]]
        rows.append(cells)
    first = len(keys) + 1
    right = {first, first + 1, first + 2, *(first + 4 + 3 * i + j for i in range(len(sides)) for j in range(2))}
    notes = [COMPARED_LEGEND[language].format(minimum=minimum)]
    if keys and frame[keys].isna().any(axis=None):
        notes.append(NAMELESS[language])
    return aligned(rows, right) + "".join(f"{note}\n" for note in notes)


def _parts(row: dict[str, Any], prefix: str) -> tuple[int, int] | None:
    """Return done and due of one of the periods in whole parts; None where it has no such row, or nothing was due."""
    if not row[f"{prefix}due"]:
        return None
    return tuple(_whole(row[f"{prefix}{name}"], row["indicator"]) for name in ("done", "due"))  # type: ignore[return-value]


def _rate(row: dict[str, Any], prefix: str, policy: Policy) -> str:
    parts = _parts(row, prefix)
    return percent(*parts, *policy.bounds(row["indicator"])) if parts else "—"


def _points(row: dict[str, Any], side: str) -> str:
    """Return by how many percentage points a rate rose or fell, half away from 0; 0.00 only when nothing changed."""
    now, then = _parts(row, ""), _parts(row, f"{side}_")
    if row[f"{side}_change"] is None or now is None or then is None:
        return "—"
    change = Fraction(*now) - Fraction(*then)
    size = max(int(abs(change) * 10000 + Fraction(1, 2)), 1 if change else 0)
    sign = "▲" if change > 0 else "▼" if change < 0 else "="
    return f"{sign} {size // 100}.{size % 100:02d}"


RANKED_HEADS = {
    "zh": ("名次", "可能名次", "完成", "应完成", "数量", "比率", "区间自", "至", "判定", "不排名的原因"),
    "en": ("rank", "may be", "done", "due", "cases", "rate", "from", "to", "verdict", "no rank because"),
}
UNRANKED = {
    "zh": {"too few": "数量不足", "nameless": "无归属", None: ""},
    "en": {"too few": "too few", "nameless": "nothing names it", None: ""},
}
RANKED_LEGEND = {
    "zh": "自、至：比率的95%区间（威尔逊）；可能名次：这些区间容许的名次。不足{minimum}项的不排名。",
    "en": "from, to: Wilson's interval of the rate at 95 %; may be: the ranks that these intervals allow. "
    "Fewer than {minimum} cases have no rank.",
}
LEVEL = {
    "zh": "各区间都有重叠：不能说谁高谁低。",
    "en": "All intervals overlap: none of them can be said to be above another.",
}


def ranked_table(
    frame: pd.DataFrame, indicator: str, policy: Policy, *, minimum: int = MINIMUM, language: str = "en"
) -> str:
    """Return a ranking, of `qpi.ranks.ranked`, as a table in plain text."""
    by, *_ = frame.columns
    rank, *heads = RANKED_HEADS[language]
    rows = [[rank, *_titles([str(by)], language), *heads]]
    for row in records(frame):
        done, due = _whole(row["done"], indicator), _whole(row["due"], indicator)
        low, high = (_bound(row[name]) for name in ("low", "high"))
        rows.append(
            ["—" if row["rank"] is None else str(row["rank"]), "—" if row[by] is None else str(row[by]), _range(row),
             _shown(row["done"], indicator), _shown(row["due"], indicator), f"{row['cases']:.4f}".rstrip("0").rstrip("."),
             percent(done, due, *policy.bounds(indicator)), low, high, VERDICTS[language][row["verdict"]], UNRANKED[language][row["unranked"]]]
        )  # fmt: skip
    notes = [RANKED_LEGEND[language].format(minimum=minimum)]
    if frame[by].isna().any():
        notes.append(NAMELESS[language])
    placed = frame[frame["rank"].notna()]
    if len(placed) > 1 and (placed["best"].fillna(1) == 1).all() and (placed["worst"].fillna(len(placed)) == len(placed)).all():  # fmt: skip
        notes.append(LEVEL[language])
    return aligned(rows, {0, 3, 4, 5, 6, 7, 8}) + "".join(f"{note}\n" for note in notes)


def _bound(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.2f} %"


def _range(row: dict[str, Any]) -> str:
    if row["best"] is None:
        return "—"
    return str(row["best"]) if row["best"] == row["worst"] else f"{row['best']}-{row['worst']}"


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
    return [
        title,
        terms.SOURCE_NUMBERS.get(indicator, ""),
        _shown(row["done"], indicator),
        _shown(row["due"], indicator),
        percent(done, due, *policy.bounds(indicator)),
        _floor(floor) if floor is not None else "—",
        VERDICTS[language][row["verdict"]],
        grade or "",
    ]
