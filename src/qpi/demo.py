"""Demo workspace: definitions and a year of records from a fixed seed; S09, supervisor at P02, is the careless one."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qpi import calendar, definitions, jsonschemas, scaffold, shipped, strictyaml
from qpi.definitions import Definitions
from qpi.demo_plan import World
from qpi.demo_records import checks, numbered, verifications
from qpi.errors import DefinitionError

SEED = 20261031
START = 2025 * 12 + 10


def write(folder: Path, *, seed: int = SEED) -> list[Path]:
    """Write the workspace into a new or empty folder and return its files of records in order of months.

    Raises UsageError when the folder holds something already.
    """
    scaffold.refuse_unless_empty(folder)
    _copy(folder)
    (folder / "records").mkdir()
    return [_save(folder, month, rows) for month, rows in records(_load(folder), seed=seed)]


def records(
    definitions: Definitions, *, seed: int = SEED, start: int = START, months: int = 12
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each month's name with its records: checks in order of time, then second verifications in order of time.

    `start` is the number of the first month. Verifications up to ten days after the last month stand in it.
    """
    world = World(definitions, random.Random(seed), seed, start, start + months)
    made = numbered(list(checks(world)))
    rounds = sorted(verifications(world, made), key=lambda v: (v["verified_at"], v["finding"]))
    names = [calendar.month_name(month) for month in range(start, start + months)]
    by_month: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for check in made:
        by_month[check["checked_at"][:7]].append(check)
    for verification in rounds:
        by_month[min(verification["verified_at"][:7], names[-1])].append(verification)
    yield from by_month.items()


def _copy(folder: Path) -> None:
    (folder / "checklists").mkdir(parents=True)
    editions = shipped.editions()
    for path in (path for name in shipped.DEMO for path in editions[name]):
        shutil.copyfile(path, folder / "checklists" / path.name)
    for path in (*sorted(Path(__file__).with_name("demo_files").glob("*.yaml")), scaffold.FILES / "policy.yaml"):
        shutil.copyfile(path, folder / path.name)
    jsonschemas.write(folder / jsonschemas.FOLDER)


def _load(folder: Path) -> Definitions:
    editions = [strictyaml.read(path) for path in sorted((folder / "checklists").glob("*.yaml"))]
    portfolio, policy = strictyaml.read(folder / "portfolio.yaml"), strictyaml.read(folder / "policy.yaml")
    zone = calendar.zone(strictyaml.read(folder / "qpi.yaml").plain["timezone"])
    found, problems = definitions.build(editions, portfolio, policy, zone)
    if found is None:
        raise DefinitionError(problems)
    return found


def _save(folder: Path, month: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / "records" / f"{month}.jsonl"
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
    return path
