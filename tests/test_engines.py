"""One definition on any engine: the same random workspaces give the same whole numbers wherever their rows lie."""

import os
import warnings
from datetime import timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import engines
from qpi import metrics
from qpi.errors import UsageError
from support import load, measured, moment, tables
from worlds import world

# Strange tables name what no definition has, which tests/test_strangers.py looks at.
pytestmark = pytest.mark.filterwarnings("ignore::qpi.errors.UnknownNameWarning")
OTHERS = [name for name in engines.ENGINES if name != "pandas"]
CI = bool(os.environ.get("QPI_CI"))
WORLDS = dict.fromkeys(engines.ENGINES, 25 if CI else 8) | {"Ibis": 10 if CI else 2, "PySpark": 3 if CI else 1}
"""How many random workspaces; Spark takes seconds for what the others do in some hundredths, Ibis some tenths."""


def _counts(found, rows, period, by, as_of):
    span = metrics.period_of(period)
    return metrics.counts(found, *rows, span, by=by, as_of=moment(as_of))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("engine", OTHERS)
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


@pytest.mark.filterwarnings(
    "ignore::qpi.errors.UnknownNameWarning",
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore::ResourceWarning",
)
@pytest.mark.parametrize("engine", OTHERS)
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


@pytest.mark.filterwarnings(
    "ignore::qpi.errors.UnknownNameWarning",
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore::ResourceWarning",
)
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


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize("engine", [name for name in engines.ENGINES if name not in ("pandas", "PySpark")])
@pytest.mark.parametrize("period", ["1999", "2025-12", "2999-12"])
def test_a_period_without_rows_or_without_any_duty_is_counted_on_every_engine(engine, period):
    found, rows = _strange()
    rows = (rows[0].assign(day=rows[0]["day"] - pd.Timedelta(days=300)), *rows[1:])
    expected = _counts(found, rows, period, ("project",), None)
    assert _counts(found, engines.on(engine, rows), period, ("project",), None) == expected
    assert bool(expected) == (period != "1999")


LAZY = ("lazy Polars", "DuckDB")
EVERY = ("pandas", "plain pandas", "Arrow", *LAZY)


def _same(found, there, rows, *, by=("project",), as_of="2026-11-01"):
    assert _counts(found, there, "2026-10", by, as_of) == _counts(found, rows, "2026-10", by, as_of)


@pytest.mark.parametrize("engine", ["Arrow", *LAZY])
@pytest.mark.parametrize("by", [(), ("project",), ("inspector", "month")])
def test_columns_of_a_callers_own_are_never_taken_for_those_that_are_made_on_the_way(engine, by):
    found, rows = _moved()
    own = ["dom", "owner", "pair", "month", "state", "reach", "na", "least", "any", "listed", "traceable", "mover", "moved",
           "conforms", "looks", "days", "marked", "incomplete", "deducted", "finding_kind", "closed", "closer"]  # fmt: skip
    there = engines.on(engine, rows)
    if engine == "Arrow":
        for name in own:
            there = [table.append_column(name, table.column(0)) for table in there]
    elif engine == "DuckDB":
        there = [table.select(f"*, {', '.join(f'0 AS {name}' for name in own)}") for table in there]
    else:
        pl = pytest.importorskip("polars")
        there = [table.with_columns(pl.lit(0).alias(name) for name in own) for table in there]
    _same(found, there, rows, by=by)


@pytest.mark.parametrize("engine", EVERY)
def test_of_two_rounds_at_one_instant_the_later_in_the_table_counts_where_there_are_no_numbers(engine):
    found, rows = _strange()
    for outcomes, closed in ((["open", "closed"], 1), (["closed", "open"], 0)):
        turned = rows[2].assign(outcome=outcomes)
        for nameless in (turned.drop(columns="entry"), turned.assign(entry=pd.array([None, 7], dtype="Int64"))):
            there = engines.on(engine, (rows[0], rows[1], nameless))
            done = {c.indicator: c.done for c in _counts(found, there, "2026-10", (), "2026-11-01")}
            assert done["closure"] == closed


@pytest.mark.parametrize("engine", EVERY)
def test_findings_are_joined_by_id_where_numbers_are_missing_or_come_twice(engine):
    found, (checks, findings, verifications) = _strange()
    expected = (checks, findings, verifications)
    gaps = pd.array([None, 3], dtype="Int64")
    _same(found, engines.on(engine, (checks, findings.assign(entry=gaps), verifications)), expected)
    gaps = pd.array([None, 2, 3, 4, 5], dtype="Int64")
    _same(found, engines.on(engine, (checks.assign(entry=gaps), findings, verifications)), expected)
    # Two ledgers put together.
    twice = [
        pd.concat([table, table.assign(**{c: table[c] + "'" for c in ("id", "check", "finding") if c in table})], ignore_index=True)
        for table in expected
    ]  # fmt: skip
    _same(found, engines.on(engine, twice), [table.drop(columns="entry") for table in twice])


@pytest.mark.parametrize("engine", EVERY)
@pytest.mark.parametrize("dropped", [[], ["entry"]])
def test_a_check_that_stands_twice_is_refused_where_a_finding_names_it(engine, dropped):
    found, (checks, findings, verifications) = _strange()
    twice = pd.concat([checks, checks.head(1)], ignore_index=True)
    there = engines.on(engine, [table.drop(columns=dropped) for table in (twice, findings, verifications)])
    with pytest.raises(UsageError, match="table checks holds an id twice"):
        _counts(found, there, "2026-10", (), None)


def test_numbers_with_and_without_a_sign_are_compared_as_whole_numbers():
    found, (checks, findings, verifications) = _strange()
    far = 2**53
    unsigned = findings.assign(entry=(findings["entry"] + far).astype("uint64"))
    _same(
        found, (checks.assign(entry=checks["entry"] + far), unsigned, verifications), (checks, findings, verifications)
    )


@pytest.mark.parametrize("kind", ["large_string", "string_view"])
def test_texts_of_arrow_may_be_large_or_views(kind):
    found, rows = _strange()
    pa = pytest.importorskip("pyarrow")
    there = [
        table.cast(
            pa.schema((f.name, getattr(pa, kind)() if pa.types.is_string(f.type) else f.type) for f in table.schema)
        )
        for table in engines.on("Arrow", rows)
    ]
    _same(found, there, rows, by=("project", "inspector"))


def test_codes_of_polars_are_read_as_texts():
    found, rows = _strange()
    pl = pytest.importorskip("polars")
    there = engines.on("Polars", rows)
    coded = [table.with_columns(pl.col(pl.String).cast(pl.Categorical)) for table in there]
    _same(found, coded, rows, by=("project", "inspector"))
    listed = [
        table.with_columns(
            pl.col(name).cast(pl.Enum(table[name].drop_nulls().unique().sort()))
            for name, kind in table.schema.items() if kind == pl.String
        )
        for table in there
    ]  # fmt: skip
    _same(found, listed, rows, by=("project", "inspector"))


@pytest.mark.parametrize("engine", ["Arrow", "Polars", "DuckDB"])
def test_columns_and_tables_that_bear_no_type_are_read_as_empty(engine):
    found, (checks, findings, verifications) = _strange()
    pa = pytest.importorskip("pyarrow")
    tables = engines.in_arrow(
        (checks.assign(inspector=None), findings.assign(verify_on=pd.NaT), verifications.iloc[:0])
    )
    untyped = []
    for table in tables:
        for place, name in enumerate(table.column_names):
            if table.column(name).null_count == len(table):
                table = table.set_column(place, name, pa.nulls(len(table)))
        untyped.append(table)
    if engine == "Polars":
        pl = pytest.importorskip("polars")
        untyped = [pl.from_arrow(table) for table in untyped]
    elif engine == "DuckDB":
        connection = pytest.importorskip("duckdb").connect()
        untyped = [connection.sql(_untyped(table)) for table in untyped]
    expected = (checks.assign(inspector=None), findings.drop(columns="verify_on"), verifications.iloc[:0])
    for by in ((), ("project",), ("inspector",)):
        _same(found, untyped, expected, by=by)


def _untyped(table):
    """Write a table of Arrow as SQL in which a column that is all null bears no type."""
    import pyarrow as pa

    def cell(value, kind):
        if value is None:
            return "NULL"
        text = "'" + str(value).replace("'", "''") + "'"
        return f"{text}::DATE" if pa.types.is_date(kind) else str(value) if pa.types.is_integer(kind) else text

    rows = [
        ", ".join(f'{cell(row[field.name], field.type)} AS "{field.name}"' for field in table.schema)
        for row in table.to_pylist()
    ]
    nothing = ", ".join(f'NULL AS "{name}"' for name in table.column_names)
    return " UNION ALL ".join(f"SELECT {row}" for row in rows) or f"SELECT {nothing} WHERE false"


def test_days_of_another_kind_are_refused_and_not_read_as_empty():
    found, (checks, findings, verifications) = _strange()
    pa = pytest.importorskip("pyarrow")
    there = engines.on("Arrow", (checks, findings, verifications))
    place = there[1].column_names.index("verify_on")
    milliseconds = there[1].set_column(place, "verify_on", there[1].column("verify_on").cast(pa.date64()))
    with pytest.raises(UsageError, match="table findings, column verify_on: holds no days"):
        _counts(found, (there[0], milliseconds, there[2]), "2026-10", (), None)


@pytest.mark.parametrize("engine", EVERY)
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_a_round_counts_to_the_microsecond_whatever_the_zones(engine, zone):
    found, rows = _strange()
    last = rows[2]["verified_at"].iloc[0].to_pydatetime()
    there = engines.on(engine, rows)
    if engine == "lazy Polars":
        pl = pytest.importorskip("polars")
        there[2] = there[2].with_columns(pl.col("verified_at").dt.convert_time_zone("Asia/Kathmandu"))
    for as_of, done in ((last, 1), (last - timedelta(microseconds=1), 0)):
        span = metrics.period_of("2026-10")
        counts = metrics.counts(found, *there, span, by=(), as_of=as_of.astimezone(ZoneInfo(zone)))
        assert {count.indicator: count.done for count in counts}["closure"] == done


@pytest.mark.parametrize("engine", EVERY)
def test_a_check_without_a_sample_where_there_was_nothing_to_draw_from_looked_at_all(engine):
    found, (checks, findings, verifications) = _strange()
    nothing = checks.assign(sample_size=pd.array([None] * 5, dtype="Int64"), population=[0] * 5, method="observe")
    counts = _counts(found, engines.on(engine, (nothing, findings, verifications)), "2026-10", (), None)
    assert {c.indicator: (c.done, c.due) for c in counts}["method_conformity"] == (4, 5)


def test_what_is_no_number_is_no_sample():
    found, (checks, findings, verifications) = _strange()
    pl = pytest.importorskip("polars")
    there = engines.on("Polars", (checks, findings, verifications))
    floats = pl.Series("sample_size", [float("nan"), 3.0, 1.0, 2.0, float("nan")])
    expected = checks.assign(sample_size=pd.array([None, 3, 1, 2, None], dtype="Int64"))
    _same(found, (there[0].with_columns(floats), *there[1:]), (expected, findings, verifications))


@pytest.mark.parametrize("engine", EVERY)
def test_ids_that_are_whole_numbers_name_what_their_digits_name(engine):
    found, (checks, findings, verifications) = _strange()
    named = (checks.assign(inspector=list("12345")), findings, verifications)
    there = list(engines.on(engine, named))
    if engine == "lazy Polars":
        pl = pytest.importorskip("polars")
        there[0] = there[0].with_columns(pl.col("inspector").cast(pl.Int64))
    elif engine == "DuckDB":
        there[0] = there[0].select("* REPLACE (inspector::BIGINT AS inspector)")
    elif engine == "Arrow":
        place = there[0].column_names.index("inspector")
        there[0] = there[0].set_column(place, "inspector", there[0].column("inspector").cast("int64"))
    else:
        there[0] = there[0].assign(inspector=there[0]["inspector"].astype("int64"))
    _same(found, there, named, by=("inspector",))


@pytest.mark.parametrize("engine", ["pandas", "Arrow", "Polars"])
def test_ids_that_are_fractions_are_refused(engine):
    found, (checks, findings, verifications) = _strange()
    there = list(engines.on(engine, (checks, findings, verifications)))
    if engine == "pandas":
        there[0] = checks.assign(project=[1.0, 2.0, None, None, None])
    else:
        pa = pytest.importorskip("pyarrow")
        table = engines.on("Arrow", (checks, findings, verifications))[0]
        there[0] = table.set_column(
            table.column_names.index("project"), "project", pa.array([1.0, 2.0, None, None, None])
        )
        if engine == "Polars":
            there[0] = pytest.importorskip("polars").from_arrow(there[0])
    with pytest.raises(UsageError, match="table checks, column project: holds numbers; give texts"):
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
