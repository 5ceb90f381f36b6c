"""Telling: an explanation as text to read, as JSON, and as CSV whose columns add up."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from qpi import labels, listing, terms
from qpi.checklist import COMPANY
from qpi.definitions import Definitions
from qpi.explain import OF_DUTIES, OF_FINDINGS, Explanation
from qpi.messages import Message, say, translated
from qpi.metrics import percent

MOST = 20
"""So many rows of a list are shown unless all are asked for."""
_TEXT = 28
"""So many columns of a screen the text of a point takes."""
WORDS: Mapping[str, Message] = {
    # checks and duties
    "counts": say("credited"),
    "surplus": say("over what its cell requires"),
    "carried": say("earlier in the cycle, its surplus is carried in"),
    "earlier": say("earlier in the cycle, used up there"),
    "not_a_duty": say("the point is no duty of this role then"),
    "unknown_project": say("the portfolio has no such project"),
    "kind": say("this kind of check fulfils no duty"),
    "closed": say("the project was not open on the 1st"),
    "scope": say("the point's scope does not fit the project"),
    "waived": say("waived for the whole month"),
    "not_working": say("no working day"),
    "window_waived": say("a waiver takes its window out"),
    "other_month": say("counts in another month, where its window ends"),
    "no_window": say("no window holds it: the unit of the duty changes"),
    "completed": say("already completed in this cycle"),
    "same_day": say("not the first of its day"),
    "beyond_times": say("more than are asked in its window"),
    "beyond_share": say("more projects than are owed"),
    "done": say("done"),
    "done_earlier": say("done earlier in the cycle"),
    "done_later": say("done later in the cycle"),
    "missing": say("not done"),
    "partly": say("done in part"),
    "open": say("not done yet"),
    "excused": say("waived, nothing required"),
    # findings
    "is_closed": say("closed"),
    "left_open": say("the last verification left it open"),
    "not_verified": say("not verified yet"),
    "kind_not_asked": say("this kind is not counted"),
    "on_time": say("verified on time"),
    "late": say("first verified after the planned day"),
    "never_verified": say("not verified, and the planned day has passed"),
    "not_yet": say("the planned day has not passed"),
    "no_plan": say("no planned day"),
    # checks alone
    "whole": say("bears every field"),
    "lacks": say("lacks a field"),
    "conforms": say("conforms"),
    "na": say("not applicable (na)"),
    "no_method": say("no method named"),
    "method": say("the point does not allow the method"),
    "sample": say("the sample is too small"),
    "no_point": say("no edition has the point then"),
    "none_found": say("no such finding"),
    "found": say("has such a finding"),
    "kept": say("full score"),
    "deducted": say("points deducted"),
    "no_score": say("the point has no score"),
}
HEADS: Mapping[str, Message] = {
    "month": say("month"), "from": say("from month"), "project": say("project"), "realm": say("realm"), "role": say("role"),
    "specialty": say("specialty"), "point": say("point"), "text": say("requirement"), "frequency": say("frequency"),
    "required": say("due"), "done": say("done"), "missing": say("short by"), "gaps": say("in these windows"),
    "status": say("how it stands"), "check": say("check"), "day": say("day"), "window": say("window"),
    "credited": say("credited"), "surplus": say("carried in"), "why": say("why"), "finding": say("finding"),
    "kind": say("kind"), "raised": say("raised"), "verify_on": say("to verify on"), "rounds": say("rounds"),
    "first_verified": say("first verified"), "last_verified": say("last verified"), "last_verifier": say("verifier"),
    "inspector": say("inspector"), "lacks": say("lacks"), "method": say("method"), "allowed": say("allowed"),
    "minimum": say("least sample"), "sample": say("sample"), "population": say("population"), "score": say("score"),
    "deducted": say("deducted"), "due": say("due"), "unit": say("unit"), "deduct_hundredths": say("deducted"),
}  # fmt: skip
_AMOUNTS = ("required", "done", "missing", "credited", "surplus", "score", "deducted", "due")
_DUTY = (
    "month",
    "project",
    "realm",
    "role",
    "point",
    "text",
    "frequency",
    "required",
    "done",
    "missing",
    "status",
    "gaps",
)
_CELL = ("from", "project", "realm", "role", "specialty", "unit", "required", "surplus", "credited", "missing")
_CHECK = ("check", "day", "project", "realm", "role", "point", "window", "month", "credited", "why")
_FINDING = ("finding", "project", "role", "point", "kind", "raised", "verify_on", "rounds", "first_verified",
            "last_verified", "last_verifier", "why")  # fmt: skip
_LOOK = ("check", "day", "project", "role", "point", "inspector", "lacks", "method", "allowed", "minimum", "sample",
         "population", "score", "deducted", "done", "why")  # fmt: skip
_RAISED = ("finding", "day", "project", "role", "point", "inspector", "deduct_hundredths")


_SHOWN = {*HEADS, "times"}


def to_table(
    explanation: Explanation, definitions: Definitions, *, language: str = "en", everything: bool = False
) -> str:
    """Return an explanation in plain text: the figure, what is missing, what is not credited, and what is behind done."""
    return "".join(_Text(explanation, definitions, language=language, everything=everything).lines())


class _Text:
    """The lines of one explanation in one language."""

    def __init__(self, told: Explanation, definitions: Definitions, *, language: str, everything: bool) -> None:
        self.told, self.definitions, self.language, self.everything = told, definitions, language, everything
        self.texts = {
            code: point.text
            for source in definitions.checklists.by_start
            for code, point in source.edition.points.items()
        }

    def lines(self) -> Iterator[str]:
        """Yield the parts of the text, each with its end of line."""
        yield self._line(self._sentence())
        if self.told.indicator in OF_DUTIES:
            yield from self._of_duties()
        elif self.told.indicator in OF_FINDINGS:
            yield from self._of_findings()
        else:
            yield from self._of_checks()

    def _line(self, words: str) -> str:
        return f"{translated(words, self.language)}\n"

    def _sentence(self) -> Message:
        told = self.told
        title = terms.INDICATOR_TITLES[told.indicator] if self.language == "zh" else told.indicator
        rate = percent(told.done, told.due, *self.definitions.policy.bounds(told.indicator))
        keys = [f"{key}={'—' if value is None else value}" for key, value in told.where.items() if key != "month"]
        figures = {"done": self._amount(told.done), "due": self._amount(told.due), "rate": rate}
        if not keys:
            return say(
                "{indicator} of {period}: {done} of {due}, {rate}", indicator=title, period=told.period, **figures
            )
        return say("{indicator} of {period}, {where}: {done} of {due}, {rate}", indicator=title, period=told.period,
                   where=", ".join(keys), **figures)  # fmt: skip

    def _amount(self, whole: int) -> str:
        value = float(Fraction(int(whole), self.told.parts))
        return f"{value:.4f}".rstrip("0").rstrip(".")

    # Duties

    def _of_duties(self) -> Iterator[str]:
        duties, checks, cells = (self.told.frames[name] for name in ("duties", "checks", "cells"))
        lacking = duties[duties["status"].isin(["missing", "partly"])]
        missing = int(cells["missing"].sum())
        if missing:
            short = cells[(cells["missing"] > 0).to_numpy()].sort_values("missing", ascending=False, kind="stable")
            if len(short) == 1:
                yield self._blank(say("missing: {amount}", amount=self._amount(missing)))
            else:
                title = say("missing: {amount}, in {number} cells; a cell is one role, specialty and unit of a project or realm",
                            amount=self._amount(missing), number=len(short))  # fmt: skip
                yield from self._list(title, short, _CELL, most=MOST // 2)
            ordered = lacking.sort_values("missing", ascending=False, kind="stable")
            title = say("duties that lack something: {number}", number=len(lacking))
            yield from self._list(title, ordered, _DUTY)
        elif self.told.due:
            yield self._blank(say("nothing is missing"))
        waiting = int((duties["status"] == "open").sum())
        if waiting:
            yield self._line(
                say(
                    "duties that are not done yet, while what their cells require is credited: {number}", number=waiting
                )
            )
        carried = int(cells["surplus"].sum())
        if carried:
            yield self._line(
                say("carried in as surplus from earlier in the cycle: {amount}", amount=self._amount(carried))
            )
        behind = checks["why"].isin(["counts", "carried", "earlier"])
        rest = checks[~behind]
        if len(rest):
            yield from self._reasons(say("checks that are extra or not credited: {number}", number=len(rest)), rest)
            # The rarest reasons first: a long list is cut, and what is common says nothing new.
            often = rest["why"].map(rest["why"].value_counts())
            yield from self._list(None, rest.assign(often=often).sort_values(["often", "why"], kind="stable"), _CHECK)
        done = checks[(checks["credited"] > 0).to_numpy()]
        done = done.assign(before=done["carried"] > 0).sort_values("before", kind="stable")
        yield from self._list(say("checks behind done: {number}", number=len(done)), done, _CHECK)

    # Findings and checks

    def _of_findings(self) -> Iterator[str]:
        rows = self.told.frames["findings"]
        rows = rows.assign(why=rows["why"].replace("closed", "is_closed"))
        due, done = (rows["due"] > 0).to_numpy(), (rows["done"] > 0).to_numpy()
        short = rows[due & ~done]
        yield from self._reasons(say("findings not done: {number}", number=len(short)), short)
        yield from self._list(None, short, _FINDING)
        if not due.all():
            yield from self._reasons(say("findings that are not due: {number}", number=int((~due).sum())), rows[~due])
            yield from self._list(None, rows[~due], _FINDING)
        yield from self._list(say("findings behind done: {number}", number=int(done.sum())), rows[done], _FINDING)

    def _of_checks(self) -> Iterator[str]:
        rows = self.told.frames["checks"]
        counted = (~rows["why"].isin(["na", "no_score"])).to_numpy()
        ratio = "findings" in self.told.frames
        if ratio:
            found = self.told.frames["findings"]
            yield from self._list(say("findings behind done: {number}", number=len(found)), found, _RAISED)
            yield from self._reasons(say("checks behind due: {number}", number=int(counted.sum())), rows[counted])
        else:
            short = rows[counted & (rows["done"] < rows["due"]).to_numpy()]
            short = short.assign(lost=short["due"] - short["done"]).sort_values("lost", ascending=False, kind="stable")
            yield from self._reasons(say("checks that miss it, or a part: {number}", number=len(short)), short)
            yield from self._list(None, short, _LOOK)
        if not counted.all():
            left = rows[~counted]
            yield from self._reasons(say("checks that are left out: {number}", number=len(left)), left)
        if not ratio:
            behind = rows[(rows["done"] > 0).to_numpy()]
            yield from self._list(say("checks behind done: {number}", number=len(behind)), behind, _LOOK)

    # Lists

    def _blank(self, words: str) -> str:
        return "\n" + self._line(words)

    def _reasons(self, title: Message, rows: pd.DataFrame) -> Iterator[str]:
        """Yield a title, and how many rows there are of each reason, the most first."""
        yield self._blank(title)
        for why, number in rows["why"].value_counts(sort=True).items():
            yield f"  {number}  {translated(WORDS[str(why)], self.language)}\n"

    def _list(
        self, title: Message | None, rows: pd.DataFrame, columns: Sequence[str], *, most: int = MOST
    ) -> Iterator[str]:
        if title is not None:
            yield self._blank(title)
        if not len(rows):
            return
        shown = rows if self.everything else rows.head(most)
        cells = self._cells(shown)
        names = [name for name in columns if name in cells and self._varies(name, cells[name])]
        heads = {name: translated(HEADS[name], self.language) for name in names}
        lines = [dict(zip(names, line, strict=True)) for line in zip(*(cells[name] for name in names), strict=True)]
        yield listing.to_table(lines, heads, longest=10_000 if self.everything else 60)
        if len(rows) > len(shown):
            yield self._line(say("and {number} more; --all shows them", number=len(rows) - len(shown)))

    def _varies(self, name: str, values: list[Any]) -> bool:
        """Say whether a column tells anything: it is not empty, and not what was asked for."""
        there = set(values) - {None}
        if name in self.told.where and len(there) <= 1:
            return False
        if name == "done" and self.told.indicator not in (*OF_DUTIES, "score_rate"):
            return False
        # A single reason stands in the title, or in the line above the list.
        return (
            bool(there)
            and not (name in ("month", "from") and there == {self.told.period})
            and not (name == "why" and len(there) == 1)
        )

    def _cells(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        found = {str(name): self._column(str(name), rows[name]) for name in rows.columns if name in _SHOWN}
        if "realm" in found:
            found["realm"] = [self._realm(*one) for one in zip(found["realm"], rows["role"], strict=True)]
        if "times" in found and "unit" in found:
            found["frequency"] = [
                labels.frequency(times, unit, self.language)
                for times, unit in zip(found["times"], found["unit"], strict=True)
            ]
        elif "unit" in found:
            found["unit"] = [one and labels.LABELS[self.language][f"per_{one}"] for one in found["unit"]]
        if "point" in found and "times" in found:
            found["text"] = [listing.shortened(self.texts.get(code, ""), _TEXT) for code in found["point"]]
        return found

    def _realm(self, realm: str | None, role: str) -> str | None:
        """Name the company, and a realm without a name."""
        if realm != "":
            return realm
        of_company = self.definitions.checklists.roles[role].level == COMPANY
        return translated(say("company"), self.language) if of_company else '""'

    def _column(self, name: str, values: "pd.Series[Any]") -> list[Any]:
        plain = [_plain(value) for value in values.tolist()]
        if name in _AMOUNTS:
            return [None if value is None else Decimal(self._amount(value)) for value in plain]
        if name == "deduct_hundredths":
            return [None if value is None else Decimal(value) / 100 for value in plain]
        if name in ("why", "status"):
            return [translated(WORDS[value], self.language) for value in plain]
        return [value and self._in_chinese(name, value) for value in plain] if self.language == "zh" else plain

    def _in_chinese(self, name: str, value: Any) -> Any:
        """Return a word of ours or of the definitions by its title; ids and texts stay as they are."""
        lists = self.definitions.checklists
        if name == "kind":
            return _KINDS.get(value, value)
        if name == "role":
            return lists.role_titles.get(value, value)
        if name in ("method", "allowed"):
            # Several that are allowed stand in one text; no name of a method has a blank.
            return "、".join(lists.methods.get(word, word) for word in value.split(" "))
        if name == "lacks":
            return "、".join(_lacking(part) for part in value.split(", "))
        return value


def _lacking(part: str) -> str:
    """Return a field that is lacking by its Chinese name, behind the id of its finding where it is one's."""
    finding, sign, name = part.rpartition(": ")
    return f"{finding}{sign}{terms.field_title(name)}"


_KINDS = {word: title for title, word in reversed([*terms.VALUES["finding.kind"].items()])}


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it: a day as text, nothing as None."""
    if value is None or value is pd.NaT or value is pd.NA or value != value:  # noqa: PLR0124  (NaN is not itself)
        return None
    if isinstance(value, pd.Timestamp | date):
        return f"{value:%Y-%m-%d}"
    return value


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [[_plain(value) for value in frame[name].tolist()] for name in frame.columns]
    return [dict(zip(map(str, frame.columns), row, strict=True)) for row in zip(*columns, strict=True)]


def to_json(explanation: Explanation) -> str:
    """Return an explanation as a JSON object: what was asked, done and due in whole parts, and the rows of each frame."""
    rate = explanation.rate
    return listing.to_json({
        "indicator": explanation.indicator, "period": explanation.period, "where": dict(explanation.where),
        "parts": explanation.parts, "done": explanation.done, "due": explanation.due,
        "rate": None if rate is None else float(rate),
        "frames": {name: _records(frame) for name, frame in explanation.frames.items()},
    })  # fmt: skip


def to_csv(explanation: Explanation) -> str:
    """Return the rows behind done and due as CSV; its columns `done` and `due`, in whole parts, add up to the figure.

    `row` says what a row is. Of an indicator of duties, a duty bears what is due and a check what is done.
    """
    frames = explanation.frames
    if explanation.indicator in OF_DUTIES:
        duties = frames["duties"].rename(columns={"done": "added", "required": "due"}).assign(row="duty", done=0)
        checks = frames["checks"].assign(row="check", done=frames["checks"]["credited"], due=0)
        rows = [*_records(duties), *_records(checks)]
    elif explanation.indicator in OF_FINDINGS:
        rows = _records(frames["findings"].assign(row="finding"))
    else:
        rows = _records(frames["checks"].assign(row="check"))
    parts = {"indicator": explanation.indicator, "parts": explanation.parts}
    names = [*dict.fromkeys(["row", "indicator", "done", "due", "parts", *(name for row in rows for name in row)])]
    return listing.to_csv([{**dict.fromkeys(names), **row, **parts} for row in rows], names)


__all__ = ["HEADS", "MOST", "WORDS", "to_csv", "to_json", "to_table"]
