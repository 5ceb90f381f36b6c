"""Frames: the tidy tables that indicators are counted from, with their columns declared once."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from qpi.ledger import Ledger

TEXT, KEY, WHOLE, DAY, MOMENT = "text", "key", "whole", "day", "moment"

CHECKS: Mapping[str, str] = {
    "entry": WHOLE, "id": TEXT, "project": KEY, "point": KEY, "role": KEY, "inspector": KEY, "kind": KEY,
    "checked_at": MOMENT, "day": DAY, "place": KEY, "method": KEY, "result": KEY, "sample_size": WHOLE,
    "population": WHOLE, "evidence_count": WHOLE, "readings": KEY, "readings_out": WHOLE, "elements": KEY, "visit": KEY,
    "started": MOMENT, "ended": MOMENT, "companions": KEY, "position": KEY, "weather": KEY, "theme": KEY, "plan": KEY,
}  # fmt: skip
"""Columns of `checks`: text, key (text with few values), whole number, day, or moment in UTC; null where not said."""
FINDINGS: Mapping[str, str] = {
    "entry": WHOLE, "id": TEXT, "check": TEXT, "no": WHOLE, "kind": KEY, "fault": TEXT, "class": KEY, "element": WHOLE,
    "advice": TEXT, "handling": TEXT, "responsible": KEY, "deduct_hundredths": WHOLE, "fine_hundredths": WHOLE,
    "due": DAY, "verify_on": DAY, "place": KEY, "sample": TEXT, "evidence": TEXT,
}  # fmt: skip
VERIFICATIONS: Mapping[str, str] = {
    "entry": WHOLE, "finding": TEXT, "verifier": KEY, "verified_at": MOMENT, "day": DAY, "outcome": KEY, "note": TEXT,
}  # fmt: skip
NEEDED: Mapping[str, tuple[str, ...]] = {
    "checks": ("id", "project", "point", "role", "day"),
    "findings": ("id", "check", "kind"),
    "verifications": ("finding", "verified_at", "day", "outcome"),
}
"""Columns that a table must have; any other may be missing, and is null then."""
_SQL_NAMES = {"check": "check_id"}


def checks(ledger: "Ledger", *, at: int | None = None) -> pd.DataFrame:
    """Return the checks that stand at a position of the ledger (default: the last), in its order."""
    return _read(ledger, "checks", CHECKS, at)


def findings(ledger: "Ledger", *, at: int | None = None) -> pd.DataFrame:
    """Return the findings that stand at a position of the ledger, in its order."""
    return _read(ledger, "findings", FINDINGS, at)


def verifications(ledger: "Ledger", *, at: int | None = None) -> pd.DataFrame:
    """Return the second verifications that stand at a position of the ledger, in its order."""
    return _read(ledger, "verifications", VERIFICATIONS, at)


def empty(columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a table of these columns without rows."""
    return _frame(columns, [])


def _read(ledger: "Ledger", table: str, columns: Mapping[str, str], at: int | None) -> pd.DataFrame:
    names = ", ".join(f't."{_SQL_NAMES.get(name, name)}"' for name in columns)
    query = (
        f"SELECT {names} FROM {table} t WHERE t.entry NOT IN (SELECT supersedes FROM entry WHERE supersedes IS NOT NULL"
    )
    values: tuple[int, ...] = ()
    if at is None:
        query += ")"
    else:
        query, values = query + " AND seq <= ?) AND t.entry <= ?", (at, at)
    order = "t.entry, t.no" if table == "findings" else "t.entry"
    return _frame(columns, ledger.rows(f"{query} ORDER BY {order}", values))


def _frame(columns: Mapping[str, str], rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    cells: list[Any] = list(zip(*rows, strict=True)) if rows else [[] for _ in columns]
    # pandas would copy the columns into blocks of one type; given apart they stay as they are.
    return pd.DataFrame(
        {name: _series(kind, cell) for (name, kind), cell in zip(columns.items(), cells, strict=True)}, copy=False
    )


def _series(kind: str, cells: Any) -> pd.Series:
    if kind == KEY:
        return pd.Series(pd.Categorical(cells))
    if kind == WHOLE:
        if None in cells:
            return pd.Series(pd.array(cells, dtype="Int64"))
        return pd.Series(cells, dtype="int64")
    if kind == DAY:
        return pd.Series(_days(cells))
    if kind == MOMENT:
        return pd.Series(
            pd.to_datetime(pd.Series(cells, dtype="object"), utc=True, format="ISO8601").astype("datetime64[us, UTC]")
        )
    return pd.Series(cells, dtype="object")


def _days(cells: Any) -> Any:
    """Read ISO days; each is read once, however often it stands there."""
    keys = pd.Categorical(cells)
    known = pd.to_datetime(pd.Series(list(keys.categories), dtype="object"), format="%Y-%m-%d").astype("datetime64[s]")
    return known.to_numpy()[keys.codes] if len(known) and (keys.codes >= 0).all() else _some_days(keys.codes, known)


def _some_days(codes: Any, known: "pd.Series[Any]") -> Any:
    missing = pd.Series([pd.NaT], dtype="datetime64[s]")
    # Code -1, for what is missing, reaches the last value.
    return pd.concat([known, missing]).to_numpy()[codes]


__all__ = ["CHECKS", "FINDINGS", "NEEDED", "VERIFICATIONS", "checks", "empty", "findings", "verifications"]
