"""The RentSafeTO apartment building evaluations as a qpi workspace.

    python examples/rentsafe/rentsafe.py [EVALUATIONS.csv] -o DIR [--no-import]

Without a file it takes the extract beside it. Only the standard library is needed to build the workspace;
what follows (import, indicators) runs the `qpi` command.
"""

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from datetime import time as clock
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

EXTRACT = Path(__file__).with_name("evaluations-extract.csv")
TORONTO = ZoneInfo("America/Toronto")
KINDS = {2: "suggestion", 1: "rectification", 0: "deduction"}

# The bylaw asks for an evaluation of every building every two years. No unit of a frequency is that long;
# what follows from it is half of the buildings in each year.
EVERY_BUILDING = "{every: 1/year, share: 50%}"
# Only an evaluation tells (by N/A) that a building has no pool: a duty would also be owed for pools that do
# not exist. So what some buildings lack is no duty.
WHERE_PRESENT = "不固定"


class Item(NamedTuple):
    """One scored item: the code of its point, its column in the source, its weight in the published score."""

    code: str
    column: str
    weight: int


class Group(NamedTuple):
    """Items of one category, with the frequency that the department owes them."""

    specialty: str
    category: str
    frequency: str
    items: tuple[Item, ...]


GROUPS = (
    Group(
        "Exterior",
        "Upkeep",
        EVERY_BUILDING,
        (
            Item("NUMBERING", "NUMBERING OF PROPERTY", 6),
            Item("DERELICT", "ABANDONED EQUIP./DERELICT VEH.", 4),
            Item("GRAFFITI", "GRAFFITI", 1),
        ),
    ),
    Group(
        "Exterior",
        "Grounds",
        WHERE_PRESENT,
        (
            Item("GROUNDS", "EXTERIOR GROUNDS", 4),
            Item("FENCING", "FENCING", 1),
            Item("RETAINING-WALLS", "RETAINING WALLS", 6),
            Item("CATCH-BASINS", "CATCH BASINS / STORM DRAINAGE", 6),
            Item("WALKWAYS", "EXTERIOR WALKWAYS", 6),
            Item("PARKING", "PARKING AREAS", 4),
            Item("ACCESSORY-BUILDINGS", "ACCESSORY BUILDINGS", 4),
            Item("DROP-BOXES", "CLOTHING DROP BOXES", 4),
        ),
    ),
    Group(
        "Exterior",
        "Envelope",
        WHERE_PRESENT,
        (
            Item("EXTERIOR", "BUILDING EXTERIOR", 6),
            Item("BALCONY-GUARDS", "BALCONY GUARDS", 6),
            Item("WINDOWS", "WINDOWS", 6),
            Item("EXTERIOR-DOORS", "EXTERIOR DOORS", 6),
        ),
    ),
    Group(
        "Interior",
        "Lobby and hallways",
        WHERE_PRESENT,
        (
            Item("LOBBY-WALLS", "LOBBY - WALLS AND CEILING", 4),
            Item("LOBBY-FLOORS", "LOBBY FLOORS", 4),
            Item("MAIL", "MAIL RECEPTACLES", 4),
            Item("HALLWAY-WALLS", "INT. HALLWAY - WALLS / CEILING", 1),
            Item("HALLWAY-FLOORS", "INTERIOR HALLWAY FLOORS", 4),
            Item("HALLWAY-LIGHTING", "INT. LOBBY / HALLWAY LIGHTING", 4),
        ),
    ),
    Group(
        "Interior",
        "Stairwells",
        WHERE_PRESENT,
        (
            Item("STAIR-WALLS", "STAIRWELL - WALLS AND CEILING", 4),
            Item("STAIR-STEPS", "STAIRWELL - LANDING AND STEPS", 6),
            Item("STAIR-LIGHTING", "STAIRWELL LIGHTING", 4),
            Item("HANDRAIL-SAFETY", "INT. HANDRAIL / GUARD - SAFETY", 6),
            Item("HANDRAIL-MAINT", "INT. HANDRAIL / GUARD - MAINT.", 1),
        ),
    ),
    Group(
        "Interior",
        "Amenities",
        WHERE_PRESENT,
        (
            Item("LAUNDRY", "LAUNDRY ROOM", 4),
            Item("STORAGE", "STORAGE AREAS/LOCKERS MAINT.", 4),
            Item("POOLS", "POOLS", 6),
            Item("AMENITIES", "OTHER AMENITIES", 4),
        ),
    ),
    Group(
        "Services",
        "Elevators",
        WHERE_PRESENT,
        (
            Item("ELEVATOR-MAINT", "ELEVATOR MAINTENANCE", 6),
            Item("ELEVATOR-COSMETICS", "ELEVATOR COSMETICS", 4),
        ),
    ),
    Group(
        "Services",
        "Building systems",
        WHERE_PRESENT,
        (
            Item("VENTILATION", "COMMON AREA VENTILATION", 6),
            Item("ELECTRICAL", "ELECTRICAL SERVICES / OUTLETS", 6),
            Item("INTERCOM", "INTERCOM", 6),
        ),
    ),
    Group(
        "Cleaning",
        "Waste",
        WHERE_PRESENT,
        (
            Item("WASTE-OUTSIDE", "EXT. RECEPTACLE STORAGE AREA", 4),
            Item("WASTE-INSIDE", "INT. RECEPTACLE STORAGE AREA", 4),
            Item("COMPACTOR", "GARBAGE/COMPACTOR ROOM", 4),
            Item("CHUTES", "CHUTE ROOMS - MAINTENANCE", 4),
        ),
    ),
    Group(
        "Cleaning",
        "Cleanliness and pests",
        EVERY_BUILDING,
        (
            Item("CLEANLINESS", "BUILDING CLEANLINESS", 1),
            Item("PESTS", "COMMON AREA PESTS", 6),
        ),
    ),
    Group(
        "Administration",
        "Tenant information",
        EVERY_BUILDING,
        (
            Item("CONTACT-SIGN", "EMERGENCY CONTACT SIGN", 6),
            Item("NOTICE-BOARD", "TENANT NOTIFICATION BOARD", 4),
        ),
    ),
    Group(
        "Administration",
        "Logs and plans",
        EVERY_BUILDING,
        (
            Item("PEST-LOG", "PEST CONTROL LOG", 1),
            Item("MAINTENANCE-LOG", "MAINTENANCE LOG", 1),
            Item("CLEANING-LOG", "CLEANING LOG", 1),
            Item("REQUEST-LOG", "TENANT SERVICE REQUEST LOG", 1),
            Item("VITAL-PLAN", "VITAL SERVICE PLAN", 4),
            Item("ELECTRICAL-PLAN", "ELECTRICAL SAFETY PLAN", 4),
            Item("REPAIR-PLAN", "STATE OF GOOD REPAIR PLAN", 1),
        ),
    ),
)
ITEMS = tuple(item for group in GROUPS for item in group.items)


class Evaluation(NamedTuple):
    """One evaluation of one building: `items` holds 0 to 3 by code, without those that were N/A."""

    visit: str
    rsn: str
    day: date
    published: int
    items: dict[str, int]
    row: dict[str, str]


# --- reading -------------------------------------------------------------------------------------------


def half_up(value: Fraction) -> int:
    """The nearest whole number, a half upwards."""
    return math.floor(value + Fraction(1, 2))


def rounded_score(done: Fraction | int, due: Fraction | int) -> int:
    """100 · done / due as the city rounds it: half up to two decimals, then half up to a whole number."""
    hundredths = half_up(Fraction(10_000 * done) / due)
    return half_up(Fraction(hundredths, 100))


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of the source; every cell without the blanks around it (257 cells have one in front)."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{key: value.strip() for key, value in row.items()} for row in csv.DictReader(file)]


def item_scores(row: dict[str, str]) -> dict[str, int]:
    """The scores of a row by code; an item of N/A is left out, anything but 0 to 3 raises ValueError."""
    cells = {item.code: row[item.column] for item in ITEMS if row[item.column] != "N/A"}
    for code, cell in cells.items():
        if cell not in {"0", "1", "2", "3"}:
            raise ValueError(f"RSN {row['RSN']}: {code} is {cell!r}; expected 0, 1, 2, 3 or N/A")
    return {code: int(cell) for code, cell in cells.items()}


def read_evaluations(path: Path) -> list[Evaluation]:
    """The evaluations of a file in order of day and RSN.

    The year is taken from the day: YEAR EVALUATED once reads 202510 and 23 times differs from the day's.
    A score that is published as 81.1 was rounded once only; it is rounded to 81 here.
    A second evaluation of a building on one day gets a visit of its own (`...-2`).
    """
    rows = sorted(read_rows(path), key=lambda row: (row["EVALUATION COMPLETED ON"], row["RSN"]))
    seen: Counter[str] = Counter()
    evaluations = []
    for row in rows:
        visit = f"{row['RSN']}-{row['EVALUATION COMPLETED ON']}"
        seen[visit] += 1
        evaluations.append(
            Evaluation(
                visit=visit if seen[visit] == 1 else f"{visit}-{seen[visit]}",
                rsn=row["RSN"],
                day=date.fromisoformat(row["EVALUATION COMPLETED ON"]),
                published=half_up(Fraction(row["PROACTIVE BUILDING SCORE"])),
                items=item_scores(row),
                row=row,
            )
        )
    return evaluations


# --- writing -------------------------------------------------------------------------------------------

QPI = """\
organisation: RentSafeTO apartment building evaluations
timezone: America/Toronto
ledger: sqlite:///qpi.db
checklists: checklists
portfolio: portfolio.yaml
policy: policy.yaml
"""

POLICY = """\
# The defaults, but for the names of the grades. What they mean here:
# - score_floor: no item can lose more than its score (3 · weight), so "none" would give the same.
# - floors, traceability, closure: as for anybody. The source names no inspector, advice or second
#   verification, so traceability and closure are 0: a statement about the published file, not about the city.
score_floor: zero
grades:                             # example bands, not the city's
  - {from: 95%, name: excellent}
  - {from: 85%, name: good}
  - {from: 70%, name: fair}
  - {from: 0%, name: poor}
"""

CHECKLIST_HEAD = """\
# The 50 items of a RentSafeTO evaluation. score = 3 · weight; an item of 0 to 3 keeps weight · item of it.
#
# frequency: the bylaw asks for an evaluation of every building every two years. No unit is that long; what
# follows from it, half of the buildings each year, is "1/year" with a share of 50%. (It is weaker: it would
# also be met by the same half every year.) It stands on the items that every building has. The others may
# be N/A, and nothing tells beforehand for which building, so they are no duty ("不固定"): their checks
# count in the score and the ratios, and not in coverage.
catalogue: rentsafe
edition: "2023"
title: RentSafeTO building evaluation
effective_from: 2023-06-01
groups:
"""


def quoted(text: str) -> str:
    """The text as a double-quoted YAML scalar (a JSON string is one)."""
    return json.dumps(text, ensure_ascii=False)


def checklist_lines() -> Iterator[str]:
    """The groups and points of the edition, as lines of YAML."""
    for group in GROUPS:
        yield f"  - name: {quoted(group.category)}"
        yield f"    specialty: {quoted(group.specialty)}"
        yield f"    category: {quoted(group.category)}"
        yield "    methods: [observe]"
        yield f"    frequency: {{department: {group.frequency}}}"
        yield "    points:"
        for item in group.items:
            yield f"      - {{code: {item.code}, text: {quoted(item.column)}, score: {3 * item.weight}}}"


def attributes(row: dict[str, str]) -> dict[str, str]:
    """Ward, kind of owner and decade of a building; a year that the source leaves empty gives no decade."""
    found = {
        "ward": f"{row['WARD']} {row['WARDNAME']}",
        "type": row["PROPERTY TYPE"].lower().replace(" ", "-"),
    }
    if row["YEAR BUILT"]:
        found["built"] = f"{row['YEAR BUILT'][:3]}0s"
    return found


def portfolio_lines(evaluations: Iterable[Evaluation]) -> Iterator[str]:
    """One project per building in order of RSN, as its latest evaluation describes it, as lines of YAML."""
    latest = {evaluation.rsn: evaluation.row for evaluation in evaluations}
    yield "projects:"
    for rsn, row in sorted(latest.items()):
        pairs = ", ".join(f"{key}: {quoted(value)}" for key, value in attributes(row).items())
        yield f"  - {{id: {quoted(rsn)}, name: {quoted(row['SITE ADDRESS'])}, attributes: {{{pairs}}}}}"


def check(evaluation: Evaluation, item: Item) -> dict[str, object]:
    """The check of one item in one evaluation; 3 passes, less is one finding that deducts what is missing.

    The source has days, no times: noon in Toronto stands for the day.
    """
    score = evaluation.items[item.code]
    noon = datetime.combine(evaluation.day, clock(12), tzinfo=TORONTO)
    record: dict[str, object] = {
        "id": f"{evaluation.visit}-{item.code}",
        "project": evaluation.rsn,
        "point": item.code,
        "role": "department",
        "checked_at": noon.isoformat(),
        "place": item.column,
        "method": "observe",
        "visit": evaluation.visit,
    }
    if score < 3:
        fault = f"rated {score} of 3"
        record["findings"] = [{"no": 1, "kind": KINDS[score], "fault": fault, "deduct": item.weight * (3 - score)}]
    return record


def checks(evaluations: Iterable[Evaluation]) -> Iterator[dict[str, object]]:
    """One check for each item of each evaluation that was not N/A."""
    for evaluation in evaluations:
        for item in ITEMS:
            if item.code in evaluation.items:
                yield check(evaluation, item)


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write the lines as UTF-8, each with its line end; how many there were."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for count, line in enumerate(lines, start=1):  # noqa: B007 (the count is the answer)
            file.write(f"{line}\n")
    return count


def build(evaluations: list[Evaluation], workspace: Path) -> int:
    """Write definitions and records.jsonl into the workspace; the number of checks."""
    (workspace / "checklists").mkdir(parents=True, exist_ok=True)
    write_lines(workspace / "qpi.yaml", QPI.splitlines())
    write_lines(workspace / "policy.yaml", POLICY.splitlines())
    edition = [*CHECKLIST_HEAD.splitlines(), *checklist_lines()]
    write_lines(workspace / "checklists" / "rentsafe-2023.yaml", edition)
    write_lines(workspace / "portfolio.yaml", portfolio_lines(evaluations))
    records = (json.dumps(record, ensure_ascii=False) for record in checks(evaluations))
    return write_lines(workspace / "records.jsonl", records)


# --- through qpi ---------------------------------------------------------------------------------------


def qpi(workspace: Path, *arguments: str) -> str:
    """What `qpi ARGUMENTS --workspace DIR` prints; its messages go to stderr, a failure raises."""
    command = [sys.executable, "-m", "qpi", *arguments, "--workspace", str(workspace)]
    utf8 = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8", env=utf8)
    return done.stdout


def score_rates(workspace: Path, evaluations: Iterable[Evaluation]) -> dict[str, tuple[Fraction, Fraction]]:
    """Points kept and points possible of each visit, from `qpi metrics YEAR --by project,month`.

    A building with two evaluations in one month would be a sum of both, and is left out (there is none).
    """
    months: dict[tuple[str, str], list[str]] = {}
    for evaluation in evaluations:
        months.setdefault((evaluation.rsn, f"{evaluation.day:%Y-%m}"), []).append(evaluation.visit)
    rates = {}
    for year in sorted({month[:4] for _, month in months}):
        output = qpi(workspace, "metrics", year, "--by", "project,month", "--format", "json")
        for row in json.loads(output, parse_float=Fraction, parse_int=Fraction):
            visits = months.get((row["project"], row["month"]), [])
            if row["indicator"] == "score_rate" and len(visits) == 1:
                rates[visits[0]] = (row["done"], row["due"])
    return rates


def differences(
    evaluations: Iterable[Evaluation], rates: dict[str, tuple[Fraction, Fraction]]
) -> dict[str, tuple[int, int | None]]:
    """Published and computed score of each visit where they differ; computed is None where no rate came."""
    found: dict[str, tuple[int, int | None]] = {}
    for evaluation in evaluations:
        rate = rates.get(evaluation.visit)
        computed = rounded_score(*rate) if rate else None
        if computed != evaluation.published:
            found[evaluation.visit] = (evaluation.published, computed)
    return found


# --- the script ----------------------------------------------------------------------------------------


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Say on stderr how long the step took."""
    start = time.perf_counter()
    yield
    print(f"{step}: {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)


def show(workspace: Path, evaluations: list[Evaluation]) -> None:
    """Import the records, print the indicators of each year, and compare with the published scores."""
    with timed("qpi import"):
        print(qpi(workspace, "import", str(workspace / "records.jsonl")), end="", flush=True)
    for year in sorted({str(evaluation.day.year) for evaluation in evaluations}):
        with timed(f"qpi metrics {year}"):
            print(f"\n{year}\n{qpi(workspace, 'metrics', year)}", end="", flush=True)
    with timed("qpi metrics of every evaluation"):
        differing = differences(evaluations, score_rates(workspace, evaluations))
    same = len(evaluations) - len(differing)
    print(f"\n{same:,} of {len(evaluations):,} evaluations have the published score; the others:")
    for visit, (published, computed) in differing.items():
        print(f"  {visit}: published {published}, computed {computed}")


def main(argv: list[str] | None = None) -> int:
    """Build the workspace and, unless told otherwise, import it and print what comes out."""
    parser = argparse.ArgumentParser(description="RentSafeTO building evaluations as a qpi workspace.")
    parser.add_argument("evaluations", nargs="?", type=Path, default=EXTRACT, help="default: the extract")
    parser.add_argument("-o", dest="workspace", type=Path, required=True, metavar="DIR", help="the workspace")
    parser.add_argument("--no-import", action="store_true", help="only write the files")
    options = parser.parse_args(argv)
    with timed("build"):
        evaluations = read_evaluations(options.evaluations)
        count = build(evaluations, options.workspace)
    print(f"{len(evaluations):,} evaluations, {count:,} checks in {options.workspace}", flush=True)
    if not options.no_import:
        try:
            show(options.workspace, evaluations)
        except subprocess.CalledProcessError as error:
            return int(error.returncode)
    return 0


if __name__ == "__main__":
    sys.exit(main())
