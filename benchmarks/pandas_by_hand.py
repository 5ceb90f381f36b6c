"""The counts as a department's script would write them in pandas: texts as objects, merge and groupby."""

from pathlib import Path

import pandas as pd
from generated import parts
from rivals import NEEDED, TABLES, Asked, Counts

from qpi import frames


def loaded(folder: Path, month: str = "*", texts_as: str = "object") -> dict[str, pd.DataFrame]:
    """Return the tables in memory as far as the counts need them: texts as objects of Python's, or as pandas 3 reads them."""
    found = {}
    for name, columns in NEEDED.items():
        tables = [
            part.read(columns=list(columns)).to_pandas(date_as_object=False) for part in parts(folder, name, month)
        ]
        texts = [column for column in columns if TABLES[name][column] in (frames.TEXT, frames.KEY)]
        found[name] = pd.concat(tables, ignore_index=True).astype(dict.fromkeys(texts, texts_as))
    return found


def counts(tables: dict[str, pd.DataFrame], asked: Asked) -> Counts:
    """Return all counts; of the days only how many there are (see `rivals.numbered`)."""
    checks = tables["checks"].copy()
    checks["month"] = checks["day"].dt.year * 12 + checks["day"].dt.month - 1
    checks["kind"] = checks["kind"].fillna("routine")
    duties = checks[checks["kind"].isin(asked.kinds)]
    days = duties.groupby(["project", "role", "point", "month"])["day"].nunique().reset_index(name="days")

    checks["reach"] = checks["sample_size"].fillna(0).clip(upper=asked.most)
    checks.loc[checks["sample_size"] >= checks["population"], "reach"] = asked.most
    checks["na"] = checks["result"] == "na"
    checks["traceable"] = (
        checks["inspector"].notna() & checks["day"].notna() & checks["place"].notna() & checks["method"].notna()
        & ((checks["sample_size"] > 0) | (checks["evidence_count"] > 0))
    )  # fmt: skip
    looks = checks.groupby(["point", "method", "reach", "na"], dropna=False).agg(
        checks=("entry", "count"), traceable=("traceable", "sum")
    )

    verifications = tables["verifications"].sort_values(["verified_at", "entry"])
    last = verifications.groupby("finding")["outcome"].last().reset_index()
    first = verifications.groupby("finding")["day"].first().reset_index()
    joined = tables["findings"].merge(checks, on="entry", suffixes=("", "_of_check"))
    joined = joined.merge(last, left_on="id", right_on="finding", how="left")
    joined = joined.merge(first, left_on="id", right_on="finding", how="left", suffixes=("", "_first"))
    joined["closed"] = joined["outcome"] == "closed"
    joined["on_time"] = joined["day_first"] <= joined["verify_on"]
    found = joined.groupby(["point", "kind", "month"]).agg(
        findings=("id", "count"), closed=("closed", "sum"), on_time=("on_time", "sum")
    )
    joined["complete"] = joined[["fault", "advice", "handling", "verify_on"]].notna().all(axis=1)
    per_check = joined.groupby(["point", "entry", "na", "traceable"]).agg(
        deducted=("deduct_hundredths", "sum"), complete=("complete", "all")
    )
    per_check = per_check.reset_index()
    per_check["spoilt"] = per_check["traceable"] & ~per_check["complete"]
    lost = per_check.groupby(["point", "na", "deducted"]).agg(checks=("entry", "count"), spoilt=("spoilt", "sum"))
    return {"days": days, "looks": looks.reset_index(), "found": found.reset_index(), "lost": lost.reset_index()}
