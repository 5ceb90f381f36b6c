"""Real inspections, end to end: the score_rate of a RentSafeTO evaluation is the score that was published."""

import csv
import importlib.util
import json
import sys
from collections import Counter
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

EXAMPLE = Path(__file__).parent.parent / "examples" / "rentsafe"

# Published and computed score of the nine evaluations that differ; README.md says what is known of them.
DIFFERING = {
    "5289074-2023-10-11": (79, 78),
    "4153845-2023-10-30": (86, 90),
    "4153614-2024-06-28": (82, 85),
    "4153887-2024-07-04": (88, 89),
    "4154850-2024-07-05": (93, 92),
    "4154878-2025-06-21": (95, 96),
    "5365276-2026-07-10": (85, 83),
    "4317592-2026-07-21": (94, 97),
    "4317594-2026-07-21": (98, 95),
}


def load_example() -> Any:
    """The module examples/rentsafe/rentsafe.py, which is no package."""
    spec = importlib.util.spec_from_file_location("rentsafe_example", EXAMPLE / "rentsafe.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


rentsafe = load_example()


@pytest.fixture(scope="module")
def evaluations() -> list[Any]:
    """The evaluations of the extract."""
    return list(rentsafe.read_evaluations(rentsafe.EXTRACT))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, evaluations: list[Any]) -> Path:
    """A workspace built from the extract, nothing imported yet."""
    folder = tmp_path_factory.mktemp("rentsafe")
    rentsafe.build(evaluations, folder)
    return folder


@pytest.fixture(scope="module")
def records(workspace: Path) -> list[dict[str, Any]]:
    """The checks that the workspace is to import."""
    lines = (workspace / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def rates(workspace: Path, evaluations: list[Any]) -> dict[str, tuple[Fraction, Fraction]]:
    """What qpi says of each evaluation, after the import."""
    rentsafe.qpi(workspace, "import", str(workspace / "records.jsonl"))
    return score_rates(workspace, evaluations)


def score_rates(workspace: Path, evaluations: list[Any]) -> dict[str, tuple[Fraction, Fraction]]:
    """Points kept and points possible of each visit, by the engine; here through the command line."""
    found: dict[str, tuple[Fraction, Fraction]] = rentsafe.score_rates(workspace, evaluations)
    return found


def test_every_evaluation_has_a_score_rate(rates: dict[str, Any], evaluations: list[Any]) -> None:
    """No two evaluations of a building share a month, so none is lost in a sum."""
    assert set(rates) == {evaluation.visit for evaluation in evaluations}


def test_score_rates_are_the_published_scores_but_for_nine(rates: dict[str, Any], evaluations: list[Any]) -> None:
    """351 of the 360 evaluations of the extract are exact, and the others are exactly the known nine."""
    assert rentsafe.differences(evaluations, rates) == DIFFERING
    assert len(evaluations) == 360


def test_a_rate_that_is_a_little_off_is_noticed(rates: dict[str, Any], evaluations: list[Any]) -> None:
    """With four points less in each evaluation, about 1 %, the comparison finds more than half to differ."""
    less = {visit: (done - 4, due) for visit, (done, due) in rates.items()}
    assert len(rentsafe.differences(evaluations, less)) > len(evaluations) / 2


@pytest.mark.parametrize(
    ("done", "due", "score"),
    [
        (512, 558, 92),  # 91.756...
        (129, 200, 65),  # 64.5
        (12_899, 20_000, 65),  # 64.495: 64.50 and so 65, where one rounding gives 64
        (128_989, 200_000, 64),  # 64.4945: 64.49
        (1, 1, 100),
        (0, 3, 0),
    ],
)
def test_a_score_is_rounded_half_up_twice(done: int, due: int, score: int) -> None:
    """To two decimals first, then to a whole number."""
    assert rentsafe.rounded_score(done, due) == score


def test_the_extract_keeps_the_dirt_of_the_source() -> None:
    """All 257 cells with a leading blank, the year 202510 and the score 81.1 are in it."""
    with rentsafe.EXTRACT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(cell.startswith(" ") for row in rows for cell in row.values()) == 257
    assert {"202510"} < {row["YEAR EVALUATED"] for row in rows}
    assert {"81.1"} < {row["PROACTIVE BUILDING SCORE"] for row in rows}


def test_a_cell_that_is_no_score_is_refused() -> None:
    """Anything but 0 to 3 or N/A is an error that names building and item."""
    row = {item.column: "3" for item in rentsafe.ITEMS} | {"RSN": "7", "POOLS": "4"}
    with pytest.raises(ValueError, match="RSN 7: POOLS is '4'"):
        rentsafe.item_scores(row)


def test_each_area_evaluated_is_one_check(records: list[dict[str, Any]], evaluations: list[Any]) -> None:
    """NO OF AREAS EVALUATED of the source is the number of checks of the visit; N/A is no check."""
    areas = {evaluation.visit: int(evaluation.row["NO OF AREAS EVALUATED"]) for evaluation in evaluations}
    assert Counter(record["visit"] for record in records) == areas
    assert len({record["id"] for record in records}) == len(records) == sum(areas.values())


def test_checks_lie_on_the_day_at_noon_in_toronto(records: list[dict[str, Any]]) -> None:
    """The offset is that of the day: -04:00 in summer, -05:00 from the first Sunday of November."""
    offsets: dict[str, set[str]] = {"-04:00": set(), "-05:00": set()}
    for record in records:
        day, hour, offset = record["checked_at"][:10], record["checked_at"][10:19], record["checked_at"][19:]
        assert (day, hour) == (record["visit"].split("-", 1)[1], "T12:00:00")
        assert datetime.fromisoformat(record["checked_at"]).utcoffset() is not None
        offsets[offset].add(day)
    changes = {"2023": "2023-11-05", "2024": "2024-11-03", "2025": "2025-11-02", "2026": "2026-11-01"}
    assert all(day < changes[day[:4]] for day in offsets["-04:00"])
    assert all(day >= changes[day[:4]] for day in offsets["-05:00"])
    assert all(offsets.values())


def test_two_evaluations_on_one_day_stay_two_visits(tmp_path: Path) -> None:
    """The source has none today; if it did, ids would not collide."""
    header, first, *_ = rentsafe.EXTRACT.read_text(encoding="utf-8").splitlines()
    twice = tmp_path / "twice.csv"
    twice.write_text("\n".join([header, first, first]), encoding="utf-8")
    visits = [evaluation.visit for evaluation in rentsafe.read_evaluations(twice)]
    assert visits[1] == f"{visits[0]}-2"


def test_definitions_cover_items_and_buildings(workspace: Path, records: list[dict[str, Any]]) -> None:
    """Every check finds its point and its project, and the edition is worth 3 times the weights."""
    edition = yaml.safe_load((workspace / "checklists" / "rentsafe-2023.yaml").read_text(encoding="utf-8"))
    points = [point for group in edition["groups"] for point in group["points"]]
    projects = yaml.safe_load((workspace / "portfolio.yaml").read_text(encoding="utf-8"))["projects"]
    assert {record["point"] for record in records} == {point["code"] for point in points}
    assert {record["project"] for record in records} == {project["id"] for project in projects}
    assert Counter(point["score"] for point in points) == {18: 17, 12: 23, 3: 10}
