"""Tables of a caller's own: what would be counted as something else is refused with its place, on every engine."""

import warnings
from decimal import Decimal
from typing import get_args

import pandas as pd
import pytest

import engines
from qpi import frames, metrics, policy, ranks, strangers, trend, verifiers
from qpi.entries import Check, Finding, Verification
from qpi.errors import UnknownNameWarning, UsageError
from qpi.explain import explain
from support import load, moment, tables
from worlds import world

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning"
)
ENGINES = [name for name in engines.ENGINES if name != "PySpark"]


def company():
    group = {"name": "g", "specialty": "客服", "category": "k", "frequency": {"supervisor": "1/month"},
             "points": [{"code": "A", "text": "t", "score": "2"}]}  # fmt: skip
    checklist = {"catalogue": "c", "edition": "1", "title": "t", "effective_from": "2026-01-01", "groups": [group]}
    return load({"checklists": [checklist], "portfolio": {"projects": [{"id": "P1", "name": "p"}]}})


def rows(checks=None, findings=None, verifications=None):
    """One check with one finding that was verified; each table with other cells where they are given."""
    check = {"entry": 1, "id": "a", "project": "P1", "point": "A", "role": "supervisor", "inspector": "S1", "kind": "routine",
             "day": pd.Timestamp("2026-02-03"), "place": "大堂", "method": "observe", "result": None, "sample_size": 1,
             "population": None, "evidence_count": 0}  # fmt: skip
    finding = {"entry": 1, "id": "a/1", "check": "a", "kind": "deduction", "fault": "f", "advice": "a", "handling": "h",
               "deduct_hundredths": 100, "verify_on": pd.Timestamp("2026-02-09")}  # fmt: skip
    verification = {"entry": 2, "finding": "a/1", "verifier": "S2", "verified_at": pd.Timestamp("2026-02-09T01:00:00Z"),
                    "day": pd.Timestamp("2026-02-09"), "outcome": "closed"}  # fmt: skip
    made = [{**check, **(checks or {})}, {**finding, **(findings or {})}, {**verification, **(verifications or {})}]
    found = []
    for row in made:
        table = pd.DataFrame({name: pd.Series([cell], dtype="object" if cell is None or isinstance(cell, str) else None)
                              for name, cell in row.items()})  # fmt: skip
        found.append(table)
    found[0]["population"] = found[0]["population"].astype("Int64")
    return found


def on(engine, given):
    return engines.on(engine, given)


def counted(given, by=()):
    found = metrics.indicators(company(), *given, "2026-02", by=by, as_of=moment("2026-03-01"))
    return {tuple(row[:-5]): (row.done, row.due) for row in found.itertuples(index=False)}


def test_the_words_are_those_of_the_records():
    assert get_args(Check.model_fields["kind"].annotation) == frames.WORDS["checks"]["kind"] == policy.CHECK_KINDS
    assert get_args(Finding.model_fields["kind"].annotation) == frames.WORDS["findings"]["kind"] == policy.FINDING_KINDS
    assert set(get_args(Verification.model_fields["outcome"].annotation)) == set(
        frames.WORDS["verifications"]["outcome"]
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"findings": {"kind": "扣分项"}},
         'table findings, column kind: holds "扣分项"; write suggestion, rectification, deduction, or nothing'),
        ({"verifications": {"outcome": "已关闭"}}, 'table verifications, column outcome: holds "已关闭"; write open, closed, or nothing'),
        ({"checks": {"kind": "例行"}}, 'table checks, column kind: holds "例行"; write routine, special, mystery, or nothing'),
        ({"checks": {"result": "不适用"}}, 'table checks, column result: holds "不适用"; write na, or nothing'),
    ],
)  # fmt: skip
def test_a_word_that_would_be_counted_as_another_is_refused_on_every_engine(engine, given, fault):
    with pytest.raises(UsageError) as refused:
        counted(on(engine, rows(**given)))
    assert str(refused.value) == fault


def test_all_such_words_are_told_at_once_and_of_many_the_first():
    given = rows(checks={"kind": "例行"}, verifications={"outcome": "关"})
    given[1] = pd.concat([given[1].assign(id=f"a/{n}", kind=f"k{n}") for n in range(7)])
    with pytest.raises(UsageError) as refused:
        counted(given)
    assert str(refused.value).split("; ") == [
        'table checks, column kind: holds "例行"', "write routine, special, mystery, or nothing",
        'table findings, column kind: holds "k0", "k1", "k2", "k3", "k4" and 2 more',
        "write suggestion, rectification, deduction, or nothing",
        'table verifications, column outcome: holds "关"', "write open, closed, or nothing",
    ]  # fmt: skip


def test_explaining_refuses_such_words_too():
    with pytest.raises(UsageError, match='column kind: holds "扣分项"'):
        explain(company(), *rows(findings={"kind": "扣分项"}), "2026-02", "closure")


def test_categories_that_no_row_bears_are_no_words():
    given = rows()
    given[1]["kind"] = pd.Categorical(["deduction"], categories=["deduction", "扣分项"])
    assert counted(given)["closure",] == (1, 1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("by", [(), ("inspector",)])
def test_an_empty_text_says_nothing_as_in_a_record(engine, by):
    empty = {"inspector": "", "place": "", "method": ""}
    nothing = dict.fromkeys(empty)
    of_finding = {"fault": "", "advice": "", "handling": ""}
    mine = counted(on(engine, rows(checks=empty, findings=of_finding)), by)
    assert mine == counted(rows(checks=nothing, findings=dict.fromkeys(of_finding)), by)
    key = (None,) * len(by)
    assert mine[*key, "traceability"] == mine[*key, "method_conformity"] == (0, 1)
    # A control: with what they say, it is the other way round.
    assert counted(on(engine, rows()), by)[*(("S1",) * len(by)), "traceability"] == (1, 1)


@pytest.mark.parametrize("engine", ["pandas", "PyArrow dictionaries"])
def test_an_empty_text_among_categories_says_nothing(engine):
    given = rows(checks={"place": ""})
    given[0]["place"] = given[0]["place"].astype("category")
    assert counted(on(engine, given) if engine in engines.ENGINES else given)["traceability",] == (0, 1)


@pytest.mark.parametrize("cell", [2.5, float("inf"), Decimal("2.50")])
@pytest.mark.parametrize("engine", ["pandas", "Polars", "DuckDB", "PyArrow"])
def test_fractions_of_whole_numbers_are_refused_on_every_engine(engine, cell):
    given = rows()
    given[1]["deduct_hundredths"] = pd.Series([cell], dtype="object")
    with pytest.raises(UsageError) as refused:
        counted(native(engine, given))
    assert str(refused.value) == (
        "table findings, column deduct_hundredths: holds fractions; give whole numbers, points and fines in hundredths"
    )


@pytest.mark.parametrize("cell", [100.0, float("nan"), None, Decimal("100.00")])
@pytest.mark.parametrize("engine", ["pandas", "Polars", "DuckDB", "PyArrow"])
def test_whole_numbers_are_taken_from_whatever_holds_them(engine, cell):
    given = rows()
    given[1]["deduct_hundredths"] = pd.Series([cell], dtype="object")
    done, due = counted(native(engine, given))["score_rate",]
    assert (done, due) == (2 if cell is None or cell != cell else 1, 2)


@pytest.mark.parametrize("engine", ["pandas", "Polars", "DuckDB", "PyArrow"])
def test_texts_in_the_place_of_whole_numbers_are_refused_on_every_engine(engine):
    given = rows()
    given[1]["deduct_hundredths"] = pd.Series(["100"], dtype="object")
    with pytest.raises(UsageError, match="table findings, column deduct_hundredths: holds no numbers; give whole"):
        counted(native(engine, given))


def native(engine, given):
    """The tables with the types that their cells have, on an engine."""
    pa = pytest.importorskip("pyarrow")
    arrow = [pa.Table.from_pydict({name: pa.array(plain(column)) for name, column in table.items()}) for table in given]
    if engine == "pandas":
        return given
    if engine == "PyArrow":
        return arrow
    if engine == "Polars":
        pl = pytest.importorskip("polars")
        return [pl.from_arrow(table).lazy() for table in arrow]
    connection = pytest.importorskip("duckdb").connect()
    return [connection.from_arrow(table) for table in arrow]


def plain(column):
    return [
        cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else None if cell is pd.NA else cell for cell in column
    ]


@pytest.mark.parametrize("engine", ["Polars", "DuckDB", "PyArrow"])
def test_a_column_of_texts_that_never_says_anything_may_be_one_of_numbers(engine):
    given = native(engine, rows())
    pa = pytest.importorskip("pyarrow")
    nothing = pa.array([None], pa.float64())
    if engine == "PyArrow":
        given[0] = given[0].set_column(given[0].column_names.index("inspector"), "inspector", nothing)
    elif engine == "Polars":
        pl = pytest.importorskip("polars")
        given[0] = given[0].with_columns(pl.lit(None, dtype=pl.Float64).alias("inspector"))
    else:
        given[0] = given[0].project("* REPLACE (NULL::DOUBLE AS inspector)")
    assert counted(given)["traceability",] == (0, 1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("column", "cell"), [("project", "桃园"), ("role", "主管"), ("point", "Z")])
def test_a_name_that_no_definition_knows_is_warned_of_on_every_engine(engine, column, cell):
    given = on(engine, rows(checks={column: cell}))
    words = f'table checks, column {column}: no definition has "{cell}"; nothing is fulfilled by these rows'
    with pytest.warns(UnknownNameWarning) as told:
        counted(given)
    assert [str(one.message) for one in told] == [words]


@pytest.mark.parametrize("ask", [
    lambda *given: trend.compared(*given, "2026-02"),
    lambda *given: ranks.ranked(*given, "2026-02", "coverage"),
    lambda *given: verifiers.self_verified(*given, metrics.period_of("2026-02")),
])  # fmt: skip
def test_every_way_of_counting_warns_and_refuses(ask):
    with pytest.warns(UnknownNameWarning, match='column role: no definition has "主管"'):
        ask(company(), *rows(checks={"role": "主管"}))
    with pytest.raises(UsageError, match="column outcome"):
        ask(company(), *rows(verifications={"outcome": "x"}))


def test_tables_of_a_ledger_are_neither_refused_nor_warned_of():
    for seed in range(4):
        made = world(seed)
        found = load(made["workspace"])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            metrics.counts(found, *tables(found, made["records"]), metrics.period_of("2026"), by=(), as_of=None)


def test_many_words_are_listed_with_how_many_more_there_are():
    assert strangers.listed(list("abc")) == '"a", "b", "c"'
    assert strangers.listed(list("abcdefg")) == '"a", "b", "c", "d", "e" and 2 more'
