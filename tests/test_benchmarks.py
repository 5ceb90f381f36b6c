"""The benchmarks compare like with like: plausible records, sides that agree, a page without a figure by hand."""

import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("duckdb")
pytest.importorskip("polars")
pytest.importorskip("pyarrow")
sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

import bench_engines
import company
import duckdb_by_hand
import generated
import numpy as np
import ours
import pandas_by_hand
import polars_by_hand
import pyarrow as pa
import pyarrow.compute as pc
import results
import rivals

from qpi import frames, metrics

MONTHS, PROJECTS = 4, 60


@pytest.fixture(scope="module")
def of():
    return company.company(PROJECTS)


@pytest.fixture(scope="module")
def months(of):
    return list(generated.months(of, MONTHS))


@pytest.fixture(scope="module")
def folder(of, tmp_path_factory):
    place = tmp_path_factory.mktemp("bench")
    generated.write(place, of, MONTHS)
    return place


@pytest.fixture(scope="module")
def by_hand(of, folder):
    return duckdb_by_hand.counts(duckdb_by_hand.over(folder), rivals.asked(of, MONTHS))


def test_the_company_asks_what_it_is_said_to_ask(of):
    points = of.definitions.checklists.points(metrics.period_of("2026-01").first)
    assert len(points) == 150
    roles = {role for point, _ in points.values() for role in point.frequency}
    assert roles == {"supervisor", "team_lead", "project_lead", "department"}
    units = {str(ask.every) for point, _ in points.values() for ask in point.frequency.values()}
    assert units == {"1/day", "1/week", "1/month", "1/quarter"}
    assert any(ask.share < 1 for point, _ in points.values() for ask in point.frequency.values())
    assert any(point.variants for point, _ in points.values())
    assert any(point.score for point, _ in points.values())
    assert of.definitions.advice == ()


def test_the_same_seed_writes_the_same_and_another_another(of, months):
    again = next(generated.months(of, 1))
    other = next(generated.months(company.company(PROJECTS, seed=2), 1))
    assert all(left.equals(right) for left, right in zip(again[1:], months[0][1:], strict=True))
    assert not other.checks.equals(months[0].checks)


def test_the_ledgers_numbers_run_on_and_name_one_entry_each(months):
    numbers = [n for month in months for t in (month.checks, month.verifications) for n in t["entry"].to_pylist()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_columns_are_those_of_frames_with_dictionaries_for_keys(months):
    for name, columns in rivals.TABLES.items():
        schema = getattr(months[0], name).schema
        assert schema.names == list(columns)
        assert [n for n, kind in columns.items() if kind == frames.KEY] == [
            field.name for field in schema if pa.types.is_dictionary(field.type)
        ]


def test_the_records_are_those_of_a_plausible_company(of, months):
    checks = pa.concat_tables([month.checks for month in months]).unify_dictionaries()
    findings = pa.concat_tables([month.findings for month in months]).unify_dictionaries()
    verifications = pa.concat_tables([month.verifications for month in months]).unify_dictionaries()
    share = lambda column, value: pc.mean(pc.equal(checks[column], value).cast("int64")).as_py()  # noqa: E731
    assert checks["inspector"].null_count / len(checks) == pytest.approx(0.01, abs=0.002)
    assert checks["result"].null_count / len(checks) == pytest.approx(0.98, abs=0.003)
    assert share("kind", "mystery") == pytest.approx(0.02, abs=0.003)
    assert len(findings) / len(checks) == pytest.approx(0.053, abs=0.005)
    assert set(findings["check"].to_pylist()) <= set(checks["id"].to_pylist())
    assert set(verifications["finding"].to_pylist()) <= set(findings["id"].to_pylist())
    tables = (checks.to_pandas(), findings.to_pandas(), verifications.to_pandas())
    found = metrics.indicators(of.definitions, *tables, "2026-01").set_index("indicator")["rate"]
    assert 0.9 < found["coverage"] < 0.99
    assert 0.9 < found["frequency_completion"] < 0.99
    assert 0.8 < found["method_conformity"] < 0.98
    assert 0.75 < found["closure"] < 0.97
    quarter = metrics.indicators(of.definitions, *tables, "2026-Q1", by=["role"])
    assert quarter[quarter["indicator"] == "coverage"]["rate"].between(0.85, 0.99).all()


def test_a_month_lies_in_its_folder_with_plain_texts(folder):
    for name in rivals.TABLES:
        assert [place.name for place in sorted((folder / name).iterdir())] == [
            f"month={month}" for month in generated.month_names(MONTHS)
        ]
        for part in generated.parts(folder, name):
            assert not any(pa.types.is_dictionary(field.type) for field in part.schema_arrow)
            assert part.metadata.row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("way", [rivals.BY_DAY, rivals.BY_MASK])
def test_all_rivals_count_alike(of, folder, by_hand, way):
    asked = rivals.asked(of, MONTHS)
    rivals.demand_same(
        {
            "DuckDB": by_hand,
            "DuckDB in memory": duckdb_by_hand.counts(duckdb_by_hand.loaded(folder), asked, way=way),
            "Polars": polars_by_hand.counts(polars_by_hand.over(folder), asked, way=way),
        }
    )
    naive = pandas_by_hand.counts(pandas_by_hand.loaded(folder), asked)
    rivals.demand_same({"DuckDB": rivals.numbered(by_hand), "naive": naive})


@pytest.mark.parametrize("engine", [ours.on_duckdb, ours.on_polars, ours.in_arrow, ours.in_pandas])
def test_we_count_as_the_rivals_do(of, folder, by_hand, engine):
    mine = ours.counts(engine(folder), rivals.asked(of, MONTHS))
    rivals.demand_same({"DuckDB by hand": by_hand, "ours": ours.comparable(mine)})


@pytest.mark.parametrize(("table", "number"), [(table, n) for table, (_, ns) in rivals.COUNTS.items() for n in ns])
def test_one_count_that_is_off_by_one_is_seen(by_hand, table, number):
    wrong = rivals.normal(by_hand)
    wrong[table].loc[7, number] += 1
    with pytest.raises(AssertionError, match=table):
        rivals.demand_same({"right": by_hand, "wrong": wrong})


def test_a_group_that_is_left_out_is_seen(by_hand):
    wrong = {**by_hand, "found": by_hand["found"].slice(1)}
    with pytest.raises(AssertionError, match="rows"):
        rivals.demand_same({"right": by_hand, "wrong": wrong})


def test_a_tie_of_two_verifications_is_among_the_records(months):
    rounds = pa.concat_tables([month.verifications for month in months]).unify_dictionaries().to_pandas()
    ties = rounds[rounds.duplicated(["finding", "verified_at"], keep=False)]
    assert set(ties.groupby("finding")["outcome"].nunique()) == {1, 2}


def test_sides_run_in_turn_and_each_begins_a_round():
    said = []
    times = bench_engines.raced({"a": lambda: said.append("a"), "b": lambda: said.append("b")}, 3)
    assert "".join(said) == "abbaabba"
    assert [len(seconds) for seconds in times.seconds.values()] == [3, 3]


def test_the_memory_of_a_child_is_its_own_though_the_parent_is_large(tmp_path):
    ballast = bytearray(2**30)
    ballast[:: 2**12] = b"x" * (2**30 // 2**12)
    alone = bench_engines.alone("nothing", tmp_path / "1")
    del ballast
    assert 0 < alone.gigabytes < 0.8


def test_the_memory_of_a_count_is_all_that_it_held_at_a_time():
    assert 2**25 <= bench_engines.peak(lambda: np.ones(2**22)) < 2**25 + 2**20
    assert bench_engines.peak(lambda: [len(np.ones(2**16)) for _ in range(9)]) < 2**21


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc on Linux only")
def test_the_usual_reading_would_take_the_parents_memory_for_the_childs():
    held = bytearray(2**30)
    held[:: 2**12] = b"x" * (2**30 // 2**12)
    code = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    del held
    assert float(found) > 0.9


def test_a_ratio_is_judged_before_it_is_rounded():
    assert results.verdict(1.0, 1.0) == results.MET
    assert results.verdict(1.004, 1.0) == results.MISSED
    assert results.number(1.004) == "1.00"
    assert results.verdict(9.0, math.inf) == results.NO_LIMIT


def test_the_page_of_results_is_made_from_what_was_measured_and_from_nothing_else():
    assert results.PAGE.read_text(encoding="utf-8") == results.page()


def test_every_table_of_the_page_names_the_command_that_makes_it():
    run = importlib.util.spec_from_file_location("run_benchmarks", results.ROOT / "benchmarks" / "run.py")
    module = importlib.util.module_from_spec(run)
    run.loader.exec_module(module)
    known = {f"python benchmarks/{step.command}" for step in module.STEPS}
    sections = json.loads(results.KEPT.read_text(encoding="utf-8"))["sections"]
    assert sections
    assert {section["command"] for section in sections} <= known
    assert all((results.ROOT / command.split()[1]).exists() for command in known)


def test_another_machine_begins_a_page_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "KEPT", tmp_path / "results.json")
    monkeypatch.setattr(results, "PAGE", tmp_path / "performance.md")
    order = ["python a.py", "python b.py"]
    section = results.Section("B", "python b.py", "2026-11-25", 0.1, [("b (2.00 s, 1.00 s)", 2.0, 1.0)])
    results.record({"cores": "2"}, section, order)
    results.record({"cores": "2"}, section._replace(title="A", command="python a.py", rows=[("a", 1.0, 1.0)]), order)
    found = results.PAGE.read_text(encoding="utf-8")
    assert "Of 2 ratios with a limit 1 are met and 1 missed." in found
    assert found.index("## A") < found.index("## B")
    assert "| b (2.00 s, 1.00 s) | 2.00 | 1.00 | MISSED |" in found
    results.record({"cores": "4"}, section, order)
    assert "## A" not in results.PAGE.read_text(encoding="utf-8")
