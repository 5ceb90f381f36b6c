"""Every way in which rows are counted gives the same counts: by blocks, laid out, sorted, in any order, part by part."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import engines
from qpi import blocks, dense, marks, metrics, tally
from qpi.asked import Owed, Stretch
from support import load, moment, tables
from worlds import world

WORLDS = 6
LAWS = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(min_value=20_000, max_value=10_000_000)


def _counts(found, rows, period, by, as_of):
    return metrics.counts(found, *rows, metrics.period_of(period), by=by, as_of=moment(as_of))


def _worlds():
    for seed in range(WORLDS):
        made = world(seed)
        found = load(made["workspace"])
        yield seed, found, tables(found, made["records"]), made["queries"][:4]


def _sparse(patch):
    """Sort the days that occur, whatever the room."""
    made = marks.Marks.__init__

    def sparse(self, *given):
        made(self, *given)
        self.sparse = True

    patch.setattr(marks.Marks, "__init__", sparse)


def _wide(patch):
    """Sort the groups, as if there were too many to be laid out."""
    grouped = blocks.grouped

    def wide(columns, rows):
        nothing = (lambda part: np.zeros(part.stop - part.start, dtype=np.int64), 1 << 22)
        found = grouped([nothing, *columns], rows)
        return found._replace(columns=found.columns[1:])

    patch.setattr(dense, "grouped", wide)


@pytest.mark.parametrize(
    ("block", "room", "ways"),
    [
        (7, blocks.ROOM, ()),
        (64, 1 << 11, ()),
        (blocks.BLOCK, 1, ()),
        (blocks.BLOCK, blocks.ROOM, (_sparse,)),
        (5, 1, (_sparse, _wide)),
        (13, 1 << 13, (_sparse,)),
        (7, blocks.ROOM, (_wide,)),
    ],
)
def test_blocks_of_any_size_and_rooms_too_small_change_no_count(monkeypatch, block, room, ways):
    for seed, found, rows, questions in _worlds():
        expected = [_counts(found, rows, *question) for question in questions]
        with monkeypatch.context() as patch:
            patch.setattr(blocks, "BLOCK", block)
            patch.setattr(blocks, "ROOM", room)
            for way in ways:
                way(patch)
            for question, counts in zip(questions, expected, strict=True):
                assert _counts(found, engines.in_plain_pandas(rows), *question) == counts, (seed, question)


def test_the_comparison_sees_a_block_that_was_left_out(monkeypatch):
    """A negative control."""
    _, found, rows, questions = next(iter(_worlds()))
    expected = [_counts(found, rows, *question) for question in questions]
    monkeypatch.setattr(blocks, "BLOCK", 7)
    whole = blocks.each
    monkeypatch.setattr(blocks, "each", lambda rows, work: whole(rows - rows % 7, work))
    assert [_counts(found, rows, *question) for question in questions] != expected


@LAWS
@given(seeds)
def test_the_order_of_rows_changes_no_count_where_rows_bear_their_numbers(seed):
    made = world(seed)
    found = load(made["workspace"])
    rows = tables(found, made["records"])
    mixed = [table.sample(frac=1, random_state=seed % 2**32) for table in rows]
    for question in made["queries"][:3]:
        assert _counts(found, mixed, *question) == _counts(found, rows, *question)


@LAWS
@given(seeds, st.integers(min_value=2, max_value=5))
def test_indicators_of_single_checks_add_up_over_the_parts_of_a_table(seed, parts):
    made = world(seed)
    found = load(made["workspace"])
    checks, findings, verifications = tables(found, made["records"])
    period, by, as_of = made["queries"][0]

    def single(rows):
        counts = _counts(found, rows, period, by, as_of)
        return {
            (c.key, c.indicator): (c.done, c.due)
            for c in counts
            if c.indicator not in ("coverage", "frequency_completion")
        }

    added = {}
    for part in range(parts):
        some = checks[checks["entry"] % parts == part]
        of_some = findings[findings["entry"].isin(some["entry"])]
        for key, (done, due) in single((some, of_some, verifications)).items():
            before = added.get(key, (0, 0))
            added[key] = (before[0] + done, before[1] + due)
    assert added == single((checks, findings, verifications))


ROWS = st.lists(
    st.tuples(st.sampled_from("PQ"), st.sampled_from("ABC"), st.sampled_from("rs"), st.integers(-400, 400)), max_size=60
)
PAIRS = [("r", "A"), ("s", "A"), ("r", "B")]
EPOCH = 1969 * 12 + 6, 1970 * 12 + 6
"""Months before and after the day that has number 0."""


@LAWS
@given(ROWS, st.lists(st.integers(1, 3), min_size=3, max_size=3))
def test_days_and_ranks_are_those_of_a_count_by_hand(rows, looks):
    owed = Owed(["P", "Q"], PAIRS, np.array(looks, dtype=np.int64))
    expected = {}
    for project, point, role, day in rows:
        date = np.datetime64(day, "D")
        month = int(date.astype("datetime64[M]").astype(int)) + 1970 * 12
        if (role, point) in PAIRS and EPOCH[0] <= month < EPOCH[1]:
            key = (
                month,
                PAIRS.index((role, point)),
                "PQ".index(project),
                int((date - date.astype("datetime64[M]")).astype(int)),
            )
            expected[key] = expected.get(key, 0) + 1
    bits = {}
    for (month, pair, project, day), times in expected.items():
        for rank in range(1, min(times, looks[pair]) + 1):
            key = (month, pair, project, rank)
            bits[key] = bits.get(key, 0) | 1 << day
    table = pd.DataFrame(rows, columns=["project", "point", "role", "day"]).astype(
        dict.fromkeys(("project", "point", "role"), "object")
    )
    table["day"] = table["day"].to_numpy(dtype=np.int64).astype("datetime64[D]").astype("datetime64[s]")
    table["id"] = [str(number) for number in range(len(table))]
    findings = pd.DataFrame({name: pd.Series([], dtype="object") for name in ("id", "check", "kind")})
    moments = pd.Series([], dtype="datetime64[us, UTC]")
    rounds = pd.DataFrame({"finding": pd.Series([], dtype="object"), "verified_at": moments, "day": moments.dt.tz_localize(None),
                           "outcome": pd.Series([], dtype="object")})  # fmt: skip
    for engine in ("pandas", "Arrow", "lazy Polars", "DuckDB"):
        there = engines.on(engine, (table, findings, rounds))
        counted = tally.Rows(*there).days(owed, ("routine",), [Stretch(*EPOCH)])
        found = {
            (one.month, *row): int(days)
            for one in counted
            for *row, days in zip(
                one.pair.tolist(), one.project.tolist(), one.rank.tolist(), one.days.tolist(), strict=True
            )
        }
        assert found == bits, engine
