"""Explain: what stands behind the figure of one indicator, as frames whose sums are its done and due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pandas as pd

from qpi import crediting, metrics, populations, selection, terms, text
from qpi.calendar import Period
from qpi.definitions import Definitions
from qpi.errors import UsageError
from qpi.messages import say
from qpi.metrics import PARTS, RATIOS, WITHOUT_DUTIES
from qpi.policy import FINDING_KINDS, INDICATORS
from qpi.selection import Selection, Where

OF_DUTIES = ("coverage", "frequency_completion")
OF_FINDINGS = ("closure", "closure_all", "closure_on_time")


@dataclass(frozen=True)
class Explanation:
    """Done and due of an indicator in whole parts, of which `parts` make a point, check or score, and the rows behind.

    `frames` are `duties`, `checks` and `cells` for the two indicators of duties, `findings` for closures, else `checks`
    (and `findings` for the ratios). docs/indicators.md names their columns.
    """

    indicator: str
    period: str
    where: Where
    parts: int
    done: int
    due: int
    frames: Mapping[str, pd.DataFrame]

    @property
    def rate(self) -> Fraction | None:
        """Done over due, or None where nothing is due."""
        return Fraction(self.done, self.due) if self.due else None


def explain(
    definitions: Definitions,
    checks: Any,
    findings: Any,
    verifications: Any,
    period: str | Period,
    indicator: str,
    *,
    where: Where | None = None,
    as_of: datetime | date | None = None,
) -> Explanation:
    """Return what stands behind one indicator in the row of `qpi.metrics.indicators` that has the keys of `where`.

    The tables are those of `qpi.metrics.indicators`. `where` gives for a grouping of `by` the key of the row: "" where
    a project lacks the attribute, None for what the row names nothing for. Raises UsageError for an unknown indicator,
    grouping or value, and for inspector, kind or category with an indicator of duties.
    """
    if indicator not in INDICATORS:
        remedy = text.named(indicator, terms.INDICATOR_TITLES)
        raise UsageError(say('indicator "{name}" is unknown; {remedy}', name=indicator, remedy=remedy))
    span = metrics.period_of(period)
    keys = _keys(where)
    chosen = selection.selection(definitions, span, keys)
    if indicator in OF_DUTIES and (strange := sorted(WITHOUT_DUTIES & set(keys))):
        fault = say(
            "{indicator} has no rows by {key}: duties are owed by a role, whoever looks; leave out {key}",
            indicator=indicator, key=", ".join(strange),
        )  # fmt: skip
        raise UsageError(fault)
    moment = metrics.moment_of(definitions, as_of)
    found = _frames(chosen, (checks, findings, verifications), indicator, moment)
    frames = {name: _with_none(frame) for name, frame in found.items()}
    done, due = _sums(indicator, frames)
    if not any(map(len, frames.values())):
        _refuse_unknown(definitions, keys)
    return Explanation(indicator, chosen.period.name, keys, PARTS.get(indicator, 1), done, due, frames)


def _keys(where: Where | None) -> dict[str, str | None]:
    """Return the keys of a row; raise UsageError for what gives none, as a program may."""
    if where is not None and not isinstance(where, Mapping):
        raise UsageError(say('where is a mapping of groupings to keys; write where={{"project": "P01"}}'))
    for key, value in (where or {}).items():
        if not isinstance(value, str | None):
            fault = say("where has {value} for {key}, which is no text; write it in quotes, or None for a row that nothing "
                        "names", value=repr(value), key=key)  # fmt: skip
            raise UsageError(fault)
    return dict(where or {})


def _frames(
    chosen: Selection, tables: tuple[Any, Any, Any], indicator: str, as_of: datetime
) -> dict[str, pd.DataFrame]:
    checks, findings, verifications = tables
    if indicator in OF_DUTIES:
        return crediting.credited(chosen, checks, points=indicator == "coverage")
    if indicator in OF_FINDINGS:
        return populations.closures(chosen, checks, findings, verifications, indicator, as_of)
    if indicator == "traceability":
        return populations.traceability(chosen, checks, findings)
    if indicator == "method_conformity":
        return populations.method_conformity(chosen, checks)
    if indicator == "score_rate":
        return populations.score_rate(chosen, checks, findings)
    return populations.ratio(chosen, checks, findings, FINDING_KINDS[RATIOS.index(indicator)])


def _with_none(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts are plain, None where there is none; pandas would make some of them NaN."""
    texts = [name for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype | pd.StringDtype)]
    texts += [name for name in frame.columns if frame[name].dtype == object]
    plain = {name: frame[name].astype("object") for name in texts}
    return frame.assign(**{name: column.where(column.notna(), None).astype("object") for name, column in plain.items()})


def _sums(indicator: str, frames: Mapping[str, pd.DataFrame]) -> tuple[int, int]:
    if indicator in OF_DUTIES:
        return int(frames["cells"]["credited"].sum()), int(frames["cells"]["required"].sum())
    rows = frames["findings" if indicator in OF_FINDINGS else "checks"]
    return int(rows["done"].sum()), int(rows["due"].sum())


def _refuse_unknown(definitions: Definitions, keys: Where) -> None:
    """Raise UsageError for a value that no definition knows; a known one of which there is nothing is no fault."""
    for key, value in keys.items():
        known = selection.known_values(definitions, key) if key != "month" and value is not None else {}
        if value is not None and key != "month" and value not in known:
            titles = {name: title for name, title in known.items() if name}
            remedy = text.named(value, titles) if key in ("project", "role") else text.instead(value, titles)
            raise UsageError(say('{key} "{value}" is unknown; {remedy}', key=key, value=value, remedy=remedy))


__all__ = ["OF_DUTIES", "OF_FINDINGS", "Explanation", "explain"]
