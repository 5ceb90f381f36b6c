"""The engine against a slow, plain re-reading of docs/indicators.md that was written without looking at it."""

import os

import pytest

import plain
from support import NOW, load, measured, tables
from worlds import world

WORLDS = int(os.environ.get("QPI_WORLDS", "2000" if os.environ.get("QPI_CI") else "200"))
"""How many random workspaces; each is asked several questions."""
CHUNK = 20


def _plainly(workspace, records, period, by, as_of):
    rows = plain.indicators(workspace, records, period, by=by, as_of=as_of, now=NOW)
    return [
        (
            tuple(row[name] for name in by),
            row["indicator"],
            float(row["done"]),
            float(row["due"]),
            None if row["rate"] is None else float(row["rate"]),
            None if row["floor"] is None else float(row["floor"]),
            row["verdict"],
        )
        for row in rows
    ]


@pytest.mark.parametrize("start", range(0, WORLDS, CHUNK))
def test_the_engine_agrees_with_the_plain_reading(start):
    for seed in range(start, min(start + CHUNK, WORLDS)):
        made = world(seed)
        found = load(made["workspace"])
        rows = tables(found, made["records"])
        questions = made["queries"] if seed % 10 == 0 else made["queries"][seed % 4 :: 4]
        for period, by, as_of in questions:
            expected = _plainly(made["workspace"], made["records"], period, by, as_of)
            assert measured(found, rows, period, by, as_of) == expected, (seed, period, by, as_of)


def test_the_comparison_sees_a_planted_fault():
    """A negative control: one check more in the plain reading must show."""
    made = world(1)
    found = load(made["workspace"])
    rows = tables(found, made["records"][1:] if "point" in made["records"][0] else made["records"])
    seen = [
        measured(found, rows, *question) != _plainly(made["workspace"], made["records"], *question)
        for question in made["queries"]
    ]
    assert any(seen)
