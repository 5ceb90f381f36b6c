"""Populations: the checks and findings of an indicator one by one, each with what it adds to done and due, and why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from qpi import calendar, codes, dense, tidy
from qpi.duties import Truth, Whole
from qpi.groups import named, pairs
from qpi.policy import FINDING_KINDS
from qpi.selection import Selection, picked

CHECKS = {"id": None, "project": None, "point": None, "role": None, "day": None, "inspector": None, "kind": "routine"}
FINDINGS = {"id": None, "check": None, "kind": None, "deduct_hundredths": 0, "verify_on": None}
ROUNDS = {"finding": None, "verified_at": None, "day": None, "outcome": None, "verifier": None}
WHY = (
    "closed", "left_open", "not_verified", "kind_not_asked", "on_time", "late", "never_verified", "not_yet", "no_plan",
    "whole", "lacks", "conforms", "na", "no_method", "method", "sample", "no_point", "none_found", "found", "kept",
    "deducted", "no_score",
)  # fmt: skip


def closures(
    chosen: Selection, checks: Any, findings: Any, verifications: Any, indicator: str, as_of: datetime
) -> dict[str, pd.DataFrame]:
    """Return the frame `findings` of closure, closure_all or closure_on_time; rows with `due` 0 are told, not counted."""
    found = _raised(chosen, checks, findings, None)
    day, has_plan = codes.day_numbers(found["day"]), ~found["verify_on"].isna().to_numpy()
    plan = np.where(has_plan, codes.day_numbers(found["verify_on"]), day)
    rounds = _rounds(verifications, as_of)
    found = found.merge(rounds, left_on="finding", right_on="of", how="left")
    verified = ~found["of"].isna().to_numpy()
    policy, period = chosen.definitions.policy, chosen.period
    if indicator == "closure_on_time":
        today = calendar.day_number(as_of.astimezone(chosen.definitions.zone).date())
        due = has_plan & (plan < today)
        first = np.where(verified, codes.day_numbers(found["first_day"]), 0)
        done = verified & (first <= plan)
        why = np.select([~has_plan, ~due, done, verified], ["no_plan", "not_yet", "on_time", "late"], "never_verified")
        month = codes.month_of(plan)
    else:
        kinds = policy.closure.kinds if indicator == "closure" else FINDING_KINDS
        due = found["finding_kind"].isin(list(kinds)).to_numpy()
        done = (found["outcome"] == "closed").to_numpy(dtype=bool)
        why = np.select([~due, done, verified], ["kind_not_asked", "closed", "left_open"], "not_verified")
        month = codes.month_of(plan if policy.closure.population == "due" else day)
    inside = (month >= period.start) & (month < period.stop)
    shown = pd.DataFrame({
        "finding": found["finding"], "check": found["check"], "project": found["project"], "point": found["point"],
        "role": found["role"], "inspector": found["inspector"], "kind": found["finding_kind"], "raised": found["day"],
        "verify_on": found["verify_on"], "rounds": found["rounds"].fillna(0).astype("int64"),
        "first_verified": found["first_day"], "last_verified": found["last_day"], "last_verifier": found["verifier"],
        "done": (done & due).astype(np.int64), "due": due.astype(np.int64), "why": why,
    })  # fmt: skip
    return {"findings": shown[inside].reset_index(drop=True)}


def traceability(chosen: Selection, checks: Any, findings: Any) -> dict[str, pd.DataFrame]:
    """Return the frame `checks` of traceability, with the names of what each check and its findings lack."""
    asked = chosen.definitions.policy.traceability
    plain = [name for name in asked.check if name not in ("sample_or_evidence", "sample", "evidence", "checked_at")]
    rows = _looks(chosen, checks, {**dict.fromkeys(plain), "sample_size": 0, "evidence_count": 0})
    looks = dense.Looks(_columns(rows), asked.check)
    lacks = np.full(len(rows), "", dtype=object)
    for name in asked.check:
        if name != "checked_at":
            _note(lacks, ~looks.bears(name, slice(None)), name)
    found = _raised(chosen, checks, findings, rows, dict.fromkeys(asked.finding))
    at = found["position"].to_numpy()
    numbers = found["finding"].astype("object").to_numpy()
    of_findings = np.full(len(found), "", dtype=object)
    for name in asked.finding:
        _note(of_findings, ~dense.filled(found, name), name)
    for row in np.nonzero(of_findings != "")[0]:
        _add(lacks, int(at[row]), f"{numbers[row]}: {of_findings[row]}")
    whole = lacks == ""
    lacks[whole] = None
    shown = _first_columns(rows).assign(
        done=whole.astype(np.int64), due=1, lacks=lacks, why=np.where(whole, "whole", "lacks")
    )
    return {"checks": shown}


def _note(lacks: Any, missing: Truth, name: str) -> None:
    for row in np.nonzero(missing)[0]:
        _add(lacks, int(row), name)


def _add(lacks: Any, row: int, name: str) -> None:
    lacks[row] = f"{lacks[row]}, {name}" if lacks[row] else name


def method_conformity(chosen: Selection, checks: Any) -> dict[str, pd.DataFrame]:
    """Return the frame `checks` of method_conformity: what the point allows on the day, and what was done."""
    more = {"method": None, "result": None, "sample_size": 0, "population": None}
    rows = _looks(chosen, checks, more)
    day = codes.day_numbers(rows["day"])
    points, point = chosen.points(rows["point"], day)
    states, state = _states(chosen, rows["project"], day)
    ways, way = pairs(point, state)
    found = [points[one].way(states[held]) if points[one] is not None else None for one, held in ways]
    methods = named(rows["method"])
    allows = np.zeros((len(found), len(methods.names)), dtype=bool)
    for number, one in enumerate(found):
        if one is not None:
            allows[number] = [name is not None and (not one.methods or name in one.methods) for name in methods.names]
    minimum = np.array([one.minimum if one else 0 for one in found], dtype=np.int64)
    looks = dense.Looks(_columns(rows), ())
    enough = looks.reach(slice(None), int(minimum.max(initial=0))) >= minimum[way]
    fits, na = allows[way, methods.codes], looks.na(slice(None))
    unsaid = methods.codes == len(methods.names) - 1
    known = np.array([one is not None for one in found], dtype=bool)[way]
    done = fits & enough & ~na
    shown = _first_columns(rows).assign(
        method=rows["method"].astype("object"),
        allowed=np.array([" ".join(one.methods) if one and one.methods else None for one in found], dtype=object)[way],
        minimum=minimum[way], sample=looks.size,
        population=rows["population"].astype("Int64"),
        done=done.astype(np.int64), due=(~na).astype(np.int64),
        why=np.select([na, done, unsaid, ~known, ~fits], ["na", "conforms", "no_method", "no_point", "method"], "sample"),
    )  # fmt: skip
    return {"checks": shown}


def _states(chosen: Selection, projects: "pd.Series[Any]", day: Whole) -> tuple[list[Mapping[str, str]], Whole]:
    """Return the attributes that occur, and which of them each row's project has on its day."""
    of_project, names = named(projects)
    distinct, inverse = pairs(of_project, day)
    known = chosen.definitions.portfolio.project
    position: dict[tuple[tuple[str, str], ...], int] = {}
    numbers = []
    for code, when in distinct:
        project = known.get(names[code] or "")
        attributes = project.attributes_on(calendar.day_of(when)) if project else {}
        numbers.append(position.setdefault(tuple(sorted(attributes.items())), len(position)))
    return [dict(state) for state in position], np.array(numbers, dtype=np.int64)[inverse]


def ratio(chosen: Selection, checks: Any, findings: Any, kind: str) -> dict[str, pd.DataFrame]:
    """Return the frames `checks` and `findings` of the ratio of one kind of finding."""
    rows = _looks(chosen, checks, {"result": None})
    found = _raised(chosen, checks, findings, rows)
    found = found[(found["finding_kind"] == kind).to_numpy()].reset_index(drop=True)
    number = np.bincount(found["position"].to_numpy(), minlength=len(rows)).astype(np.int64)
    na = dense.Looks(_columns(rows), ()).na(slice(None))
    shown = _first_columns(rows).assign(
        done=number, due=(~na).astype(np.int64), why=np.select([na, number > 0], ["na", "found"], "none_found")
    )
    names = {"finding_kind": "kind"}
    columns = ["finding", "check", "project", "point", "role", "inspector", "finding_kind", "day", "deduct_hundredths"]
    return {"checks": shown, "findings": found[columns].rename(columns=names).assign(done=1)}


def score_rate(chosen: Selection, checks: Any, findings: Any) -> dict[str, pd.DataFrame]:
    """Return the frame `checks` of score_rate in hundredths: the score, what findings take from it, and what is kept."""
    rows = _looks(chosen, checks, {"result": None})
    day = codes.day_numbers(rows["day"])
    points, point = chosen.points(rows["point"], day)
    scores = np.array([one.score if one and one.score is not None else -1 for one in points], dtype=np.int64)[point]
    found = _raised(chosen, checks, findings, rows)
    lost = np.zeros(len(rows), dtype=np.int64)
    np.add.at(lost, found["position"].to_numpy(), codes.whole(found["deduct_hundredths"])[0])
    na = dense.Looks(_columns(rows), ()).na(slice(None))
    due = np.where(na | (scores < 0), 0, scores)
    counts = ~na & (scores >= 0)
    done = np.where(counts, due - lost, 0)
    if chosen.definitions.policy.score_floor == "zero":
        done = np.maximum(0, done)
    shown = _first_columns(rows).assign(
        score=pd.array(np.maximum(scores, 0), dtype="Int64"), deducted=lost, done=done, due=due,
        why=np.select([na, scores < 0, lost > 0], ["na", "no_score", "deducted"], "kept"),
    )  # fmt: skip
    shown.loc[scores < 0, "score"] = pd.NA
    return {"checks": shown}


def _looks(chosen: Selection, checks: Any, more: Mapping[str, Any]) -> pd.DataFrame:
    """Return the chosen checks of the period."""
    period = chosen.period
    rows = picked(checks, "checks", {**CHECKS, **more}, (period.first, period.last))
    return rows[chosen.checks(rows, codes.day_numbers(rows["day"]))].reset_index(drop=True)


def _first_columns(rows: pd.DataFrame) -> pd.DataFrame:
    columns = ["id", "day", "project", "point", "role", "inspector"]
    found = rows[columns].rename(columns={"id": "check"})
    return found.assign(**{name: found[name].astype("object") for name in ("project", "point", "role", "inspector")})


def _raised(
    chosen: Selection, checks: Any, findings: Any, of: pd.DataFrame | None, more: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Return the findings of these checks (None: of all chosen ones) with the check's columns and its `position`."""
    rows = of
    if rows is None:
        rows = picked(checks, "checks", CHECKS)
        rows = rows[chosen.checks(rows, codes.day_numbers(rows["day"]))].reset_index(drop=True)
    found = picked(findings, "findings", {**FINDINGS, **(more or {})})
    at = dense.checks_of(_columns(rows), tidy.table(found, (), "findings"))
    found, at = found[at >= 0].reset_index(drop=True), at[at >= 0]
    looks = rows.iloc[at].reset_index(drop=True)
    of_check = {name: looks[name].astype("object") for name in ("project", "point", "role", "inspector")}
    found = found.rename(columns={"kind": "finding_kind", "id": "finding"})
    return found.assign(**of_check, day=looks["day"], position=at)


def _columns(rows: pd.DataFrame) -> codes.Columns:
    return codes.Columns(tidy.table(rows, (), "checks"))


def _rounds(verifications: Any, as_of: datetime) -> pd.DataFrame:
    """Return per finding the first and the last second verification up to a moment, and how many there were."""
    rows = picked(verifications, "verifications", ROUNDS)
    rows = dense.in_turn(rows.astype(dict.fromkeys(("finding", "outcome", "verifier"), "object")), as_of)
    last = rows.drop_duplicates("finding", keep="last")
    last = pd.DataFrame({
        "of": last["finding"], "outcome": last["outcome"], "verifier": last["verifier"], "last_day": last["day"],
    })  # fmt: skip
    days = rows.drop_duplicates("finding", keep="first").set_index("finding")["day"]
    first = pd.DataFrame({"first_day": days, "rounds": rows.groupby("finding", sort=False).size()})
    return last.merge(first, left_on="of", right_index=True)


__all__ = ["WHY", "closures", "method_conformity", "ratio", "score_rate", "traceability"]
