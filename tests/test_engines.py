"""One definition on any engine: the same random workspaces give the same whole numbers wherever their rows lie."""

import os
import warnings

import pandas as pd
import pytest

import engines
from qpi import metrics
from qpi.errors import UsageError
from support import load, measured, moment, tables
from worlds import world

OTHERS = [name for name in engines.ENGINES if name != "pandas"]
CI = bool(os.environ.get("QPI_CI"))
WORLDS = dict.fromkeys(engines.ENGINES, 40 if CI else 8) | {"Ibis": 10 if CI else 2, "PySpark": 3 if CI else 1}
"""How many random workspaces; Spark takes seconds for what the others do in some hundredths, Ibis some tenths."""


def _counts(found, rows, period, by, as_of):
    span = metrics.period_of(period)
    return metrics.counts(found, *rows, span, by=by, as_of=moment(as_of))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("engine", engines.each(*OTHERS))
def test_every_engine_gives_the_whole_numbers_of_pandas(engine):
    for seed in range(WORLDS[engine]):
        made = world(seed)
        found = load(made["workspace"])
        rows = tables(found, made["records"])
        there = engines.on(engine, rows)
        for question in made["queries"][: 2 if engine == "PySpark" else 4]:
            assert _counts(found, there, *question) == _counts(found, rows, *question), (seed, question)


SHIFTED = pd.DataFrame(
    {
        "entry": [1, 2, 3, 4, 5],
        "id": ["a", "b", "c", "d", "e"],
        "project": ["P1", "", "桃园's", None, "P1"],
        "point": ["A", "A", "A", "A", "Z"],
        "role": ["supervisor", "supervisor", "supervisor", "supervisor", ""],
        "inspector": ["", None, "甲\u3000", "x", "y"],
        "kind": ["routine", None, "special", "routine", "routine"],
        "day": pd.to_datetime(["2026-10-01", "2026-10-02", "2026-10-31", "2026-10-05", "2026-10-05"]),
        "method": [None, "", "observe", "记录", "observe"],
        "sample_size": [0, 3, 1, 2, 9],
        "population": pd.array([None, 3, None, 2, None], dtype="Int64"),
    }
)
"""Keys that are null, empty, of other scripts and with a quote in them."""


def _strange():
    checklists = [
        {
            "catalogue": "c", "edition": "1", "title": "t", "effective_from": "2026-01-01",
            "groups": [{"name": "g", "specialty": "客服", "category": "k", "methods": ["observe"], "sample": {"of": "x", "minimum": "2"},
                        "frequency": {"supervisor": "2/day", "department": {"every": "1/month", "share": "50%"}},
                        "points": [{"code": "A", "text": "t", "score": "1.5"}]}],
        }
    ]  # fmt: skip
    portfolio = {
        "projects": [{"id": "P1", "name": "p"}, {"id": "桃园's", "name": "q", "attributes": {"region": "O'Hara"}}]
    }
    found = load({"checklists": checklists, "portfolio": portfolio})
    checks = SHIFTED.assign(kind=SHIFTED["kind"].astype("object"))
    findings = pd.DataFrame(
        {
            "entry": [1, 3], "id": ["a/1", "c/1"], "check": ["a", "c"], "kind": ["suggestion", "deduction"],
            "fault": ["", None], "deduct_hundredths": [120, 5],
            "verify_on": pd.to_datetime(pd.Series(["2026-10-09", None])),
        }
    )  # fmt: skip
    verifications = pd.DataFrame(
        {
            "entry": [6, 7], "finding": ["a/1", "a/1"], "verifier": ["", "甲"],
            "verified_at": pd.to_datetime(["2026-10-09T01:00:00Z"] * 2).astype("datetime64[us, UTC]"),
            "day": pd.to_datetime(["2026-10-09"] * 2), "outcome": ["open", "closed"],
        }
    )  # fmt: skip
    return found, (checks, findings, verifications)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("engine", engines.each(*OTHERS))
@pytest.mark.parametrize("by", [(), ("project", "inspector", "kind"), ("region", "role", "month"), ("specialty",)])
def test_null_empty_and_foreign_keys_are_kept_apart_on_every_engine(engine, by):
    found, rows = _strange()
    expected = _counts(found, rows, "2026-10", by, "2026-11-01")
    assert _counts(found, engines.on(engine, rows), "2026-10", by, "2026-11-01") == expected
    assert {count.done for count in expected if count.indicator == "closure"} >= {1}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("engine", engines.ENGINES)
def test_a_period_in_which_nobody_owes_anything_is_counted_on_every_engine(engine):
    """As the year before the first edition, with which a first year is compared."""
    made = world(3)
    found = load(made["workspace"])
    own = engines.on(engine, tables(found, made["records"]))
    assert metrics.indicators(found, *own, "2019", as_of=moment(None)).empty


def _moved():
    """A workspace in which a variant holds at one project only, and only from the middle of the month."""
    variant = {"when": {"phase": ["occupied"]}, "methods": ["records", "observe"], "sample": {"minimum": "1"}}
    group = {"name": "g", "specialty": "客服", "category": "k", "methods": ["observe"], "sample": {"of": "x", "minimum": "2"},
             "variants": [variant], "frequency": {"supervisor": "2/day"}, "points": [{"code": "A", "text": "t"}]}  # fmt: skip
    checklist = {"catalogue": "c", "edition": "1", "title": "t", "effective_from": "2026-01-01", "groups": [group]}
    changes = [{"from": "2026-10-10", "attributes": {"phase": "occupied"}}]
    projects = [{"id": "P1", "name": "p", "changes": changes}, {"id": "P2", "name": "q"}]
    found = load({"checklists": [checklist], "portfolio": {"projects": projects}})
    checks = pd.DataFrame(
        {
            "entry": range(1, 7), "id": list("abcdef"), "project": ["P1", "P1", "P2", "P2", "P1", None],
            "point": ["A"] * 6, "role": ["supervisor"] * 6, "inspector": ["x", "x", "y", "y", None, "x"],
            "day": pd.to_datetime(["2026-10-01", "2026-10-12", "2026-10-12", "2026-10-13", "2026-10-20", "2026-10-05"]),
            "method": ["records", "records", "records", "observe", None, "observe"], "sample_size": [2, 1, 2, 2, 5, 1],
        }
    )  # fmt: skip
    _, (_, findings, verifications) = _strange()
    return found, (checks, findings, verifications)


@pytest.mark.parametrize("engine", [name for name in engines.ENGINES if name not in ("pandas", "PySpark")])
@pytest.mark.parametrize("by", [(), ("project",), ("inspector", "month")])
def test_a_variant_that_only_movers_come_to_counts_no_check_twice(engine, by):
    found, rows = _moved()
    expected = _counts(found, rows, "2026-10", by, "2026-11-01")
    assert _counts(found, engines.on(engine, rows), "2026-10", by, "2026-11-01") == expected
    looked = [count for count in expected if count.indicator == "method_conformity"]
    assert (sum(count.done for count in looked), sum(count.due for count in looked)) == (2, 6)


def test_the_comparison_of_engines_sees_a_check_that_one_of_them_lost():
    """A negative control."""
    found, rows = _strange()
    fewer = (rows[0].iloc[1:], *rows[1:])
    there = engines.on("Arrow", fewer)
    assert _counts(found, there, "2026-10", (), None) != _counts(found, rows, "2026-10", (), None)


@pytest.mark.parametrize("engine", ["Arrow", "lazy Polars", "DuckDB"])
def test_a_row_without_its_day_is_refused_on_every_engine(engine):
    found, (checks, *others) = _strange()
    there = engines.on(engine, (checks.assign(day=checks["day"].where(checks["id"] != "b")), *others))
    with pytest.raises(UsageError, match="column day: empty in 1 rows; give every row its day"):
        _counts(found, there, "2026-10", (), None)


def test_tables_of_two_engines_are_refused():
    found, rows = _strange()
    polars = engines.on("lazy Polars", rows)
    with pytest.raises(UsageError, match=r"different engines \(memory, memory, polars\); give all three on one"):
        _counts(found, (rows[0], rows[1], polars[2]), "2026-10", (), None)


def test_days_written_as_texts_are_read_and_moments_without_a_zone_refused():
    found, rows = _strange()
    pl = pytest.importorskip("polars")
    checks, findings, verifications = engines.on("Polars", rows)
    texts = checks.with_columns(pl.col("day").cast(pl.String))
    expected = _counts(found, rows, "2026-10", (), "2026-11-01")
    assert _counts(found, (texts, findings, verifications), "2026-10", (), "2026-11-01") == expected
    naive = verifications.with_columns(pl.col("verified_at").dt.replace_time_zone(None))
    with pytest.raises(UsageError, match="column verified_at: holds moments that name no zone"):
        _counts(found, (checks, findings, naive), "2026-10", (), None)


def test_a_notebook_passes_its_own_polars_frame_to_the_function_of_the_command_line():
    found, rows = _strange()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = metrics.indicators(found, *engines.on("Polars", rows), "2026-10", by=["project"], as_of=moment(None))
    assert frame.equals(metrics.indicators(found, *rows, "2026-10", by=["project"], as_of=moment(None)))
    assert measured(found, rows, "2026-10")
