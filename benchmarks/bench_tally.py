"""The tally of a million checks in memory against the same counts written by hand in pandas."""

import argparse
import statistics
import time
import tracemalloc
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd

from qpi import tally
from qpi.asked import Held

LIMIT, MEMORY_LIMIT = 1.5, 2.0
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
KINDS = ("routine", "special", "mystery")
DEMANDED = ("inspector", "checked_at", "place", "method", "sample_or_evidence")
OF_FINDING = ("fault", "advice", "handling", "verify_on")


def _key(random: np.random.Generator, names: list[str | None], size: int) -> "pd.Series":
    present = [name for name in names if name is not None]
    codes = random.integers(0 if len(present) == len(names) else -1, len(present), size)
    return pd.Series(pd.Categorical.from_codes(codes, categories=present))


def frames(rows: int, seed: int = 1) -> tuple["pd.DataFrame", "pd.DataFrame", "pd.DataFrame"]:
    """Return checks, findings of every eighth, and a verification of each, as the ledger's own tables are."""
    random = np.random.default_rng(seed)
    days = np.datetime64("2026-01-01", "s") + random.integers(0, 365, rows) * np.timedelta64(86400, "s")
    sizes = random.integers(0, 8, rows)
    checks = pd.DataFrame(
        {
            "entry": np.arange(rows),
            "id": np.array([f"c-{n}" for n in range(rows)], dtype=object),
            "project": _key(random, [f"P{n:03d}" for n in range(200)], rows),
            "point": _key(random, [f"KF-{n:03d}" for n in range(150)], rows),
            "role": _key(random, ["supervisor", "team_lead", "project_lead", "department", "executive"], rows),
            "inspector": _key(random, [*(f"S{n}" for n in range(400)), None], rows),
            "kind": _key(random, list(KINDS), rows),
            "day": days,
            "place": _key(random, [*(f"{n}栋" for n in range(60)), None], rows),
            "method": _key(random, ["observe", "records", "phone", "measure", None], rows),
            "result": _key(random, ["na", None, None, None], rows),
            "sample_size": sizes,
            "population": pd.array(np.where(sizes % 3 == 0, sizes + 1, 0), dtype="Int64"),
            "evidence_count": random.integers(0, 3, rows),
        }
    )
    count = rows // 8
    at = np.sort(random.choice(rows, count, replace=False))
    texts = np.array(["有", "无", None], dtype=object)
    findings = pd.DataFrame(
        {
            "entry": at,
            "id": np.array([f"c-{n}/1" for n in at], dtype=object),
            "check": checks["id"].to_numpy()[at],
            "kind": _key(random, ["suggestion", "rectification", "deduction"], count),
            "fault": texts[random.integers(0, 3, count)],
            "advice": texts[random.integers(0, 3, count)],
            "handling": texts[random.integers(0, 3, count)],
            "deduct_hundredths": random.integers(0, 500, count),
            "verify_on": days[at] + np.timedelta64(7 * 86400, "s"),
        }
    )
    moments = pd.Series(days[at] + np.timedelta64(6 * 86400, "s")).dt.tz_localize("UTC").astype("datetime64[us, UTC]")
    verifications = pd.DataFrame(
        {"finding": findings["id"], "verified_at": moments, "day": moments.dt.tz_localize(None).astype("datetime64[s]"),
         "outcome": _key(random, ["closed", "open"], count)}
    )  # fmt: skip
    return checks, findings, verifications


PROJECTS, POINTS = [f"P{n:03d}" for n in range(200)], [f"KF-{n:03d}" for n in range(150)]
ROLES = ["supervisor", "team_lead", "project_lead", "department", "executive"]
PAIRS = [(role, point) for role in ROLES for point in POINTS]
AS_OF, START, STOP = datetime(2027, 1, 1, tzinfo=UTC), 2026 * 12, 2027 * 12


def ours(checks: "pd.DataFrame", findings: "pd.DataFrame", verifications: "pd.DataFrame") -> tuple[Any, ...]:
    """Count as `qpi.metrics` does."""
    rows = tally.Rows(checks, findings, verifications)
    owed = tally.Owed(PROJECTS, PAIRS, np.ones(len(PAIRS), dtype=np.int64))
    days = list(rows.days(owed, KINDS, [tally.Stretch(START, STOP)]))
    looked = rows.looked(tally.Looked(["role"], DEMANDED, START, STOP, 5, Held({}, [])))
    asked = tally.Raised(["role"], OF_FINDING, DEMANDED, START, STOP, AS_OF.date())
    return days, looked, rows.found(asked, AS_OF)


def by_hand(
    checks: "pd.DataFrame", findings: "pd.DataFrame", verifications: "pd.DataFrame"
) -> tuple["pd.DataFrame", ...]:
    """Count the same with pandas alone, vectorised, as a good script would."""
    inside = (checks["day"] >= pd.Timestamp(FIRST)) & (checks["day"] <= pd.Timestamp(LAST))
    mine = checks[inside & checks["kind"].isin(KINDS)]
    keys = ["project", "role", "point", "day"]
    daily = mine.groupby(keys, observed=True, sort=False).size().reset_index(name="looks")
    whole = checks["population"].notna() & (checks["sample_size"] >= checks["population"].fillna(0))
    reach = checks["sample_size"].mask(whole, 2**30).clip(upper=5)
    traceable = (
        checks["inspector"].notna() & checks["day"].notna() & checks["place"].notna() & checks["method"].notna()
        & ((checks["sample_size"] > 0) | (checks["evidence_count"] > 0))
    )  # fmt: skip
    wide = checks.assign(
        reach=reach, na=(checks["result"] == "na").astype("int64"), traceable=traceable.astype("int64")
    )
    wide = wide[inside]
    keys = ["project", "point", "role", "day", "method", "reach", "na"]
    grouped = wide.groupby(keys, observed=True, sort=False, dropna=False)
    quality = grouped.agg(checks=("id", "size"), traceable=("traceable", "sum")).reset_index()
    columns = ["entry", "project", "role", "point", "inspector", "kind", "day", "traceable", "na"]
    joined = findings.merge(wide[columns].rename(columns={"kind": "check_kind"}), on="entry")
    joined["complete"] = joined[list(OF_FINDING)].notna().all(axis=1).astype("int64")
    ordered = verifications.sort_values("verified_at", kind="stable")
    last = ordered.drop_duplicates("finding", keep="last").assign(closed=lambda f: f["outcome"] == "closed")
    first = ordered.drop_duplicates("finding", keep="first")[["finding", "day"]].rename(columns={"day": "first_day"})
    rounds = last[["finding", "closed"]].merge(first, on="finding")
    return daily, quality, joined.merge(rounds, left_on="id", right_on="finding", how="left")


def _seconds(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def measure(rows: int = 1_000_000, runs: int = 5) -> list[tuple[str, float, float]]:
    """Return name, ratio and limit of time and of memory; the two sides run in turn and the medians are compared."""
    tables = frames(rows)
    for left, right in zip(ours(*tables)[:2], by_hand(*tables)[:2], strict=True):
        assert len(left) == len(right), "the two sides count different groups"
        assert int(left.iloc[:, -1].sum()) == int(right.iloc[:, -1].sum()), "the two sides count differently"
    pairs = [(_seconds(ours, *tables), _seconds(by_hand, *tables)) for _ in range(runs)]
    mine, hand = (statistics.median(side) for side in zip(*pairs, strict=True))
    tracemalloc.start()
    ours(*tables)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = sum(int(table.memory_usage(deep=True).sum()) for table in tables)
    return [
        (f"tally of {rows:,} checks over pandas by hand ({mine:.2f} s, {hand:.2f} s)", mine / hand, LIMIT),
        (
            f"memory of the tally over the tables ({peak / 2**20:.0f} MB, {size / 2**20:.0f} MB)",
            peak / size,
            MEMORY_LIMIT,
        ),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    for name, ratio, limit in measure(parser.parse_args().rows):
        print(f"{name}: {ratio:.2f} (at most {limit})")
