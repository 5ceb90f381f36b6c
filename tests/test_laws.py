"""Laws of the indicators that hold for every workspace."""

import os
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qpi import frames
from qpi.entries import Actor
from qpi.ledger import open_ledger
from qpi.recorder import Recorder
from support import as_dict, drafts, load, measured, tables
from worlds import world

LAWS = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(min_value=10_000, max_value=10_000_000)
PERIODS = ("2026-05", "2026-Q2", "2026-H1", "2026")


def _checks_and_rounds(made):
    records = made["records"]
    return [r for r in records if "finding" not in r], [r for r in records if "finding" in r]


def _figures(found, rows, by=("project", "role")):
    return [measured(found, rows, period, by) for period in PERIODS]


@LAWS
@given(seeds)
def test_the_order_of_checks_changes_nothing(seed):
    made = world(seed)
    found = load(made["workspace"])
    checks, rounds = _checks_and_rounds(made)
    shuffled = random.Random(seed).sample(checks, len(checks))
    assert _figures(found, tables(found, shuffled + rounds)) == _figures(found, tables(found, checks + rounds))


@LAWS
@given(seeds, st.integers(min_value=0, max_value=200))
def test_splitting_a_file_changes_nothing(seed, cut):
    made = world(seed)
    found = load(made["workspace"])
    checks, rounds = _checks_and_rounds(made)
    split = tables(found, checks[:cut], checks[cut:], rounds)
    assert _figures(found, split) == _figures(found, tables(found, checks + rounds))


@LAWS
@given(seeds)
def test_importing_again_changes_nothing(seed):
    made = world(seed)
    found = load(made["workspace"])
    once, twice = tables(found, made["records"]), tables(found, made["records"], made["records"])
    assert all(a.equals(b) for a, b in zip(once, twice, strict=True))


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system cannot change its zone within a process")
@LAWS
@given(seeds, st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati"]))
def test_the_zone_of_the_machine_changes_nothing(seed, zone):
    made = world(seed)
    found = load(made["workspace"])
    here = _figures(found, tables(found, made["records"]))
    before = os.environ.get("TZ")
    try:
        os.environ["TZ"] = zone
        time.tzset()
        there = _figures(found, tables(found, made["records"]))
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()
    assert there == here


@LAWS
@given(seeds)
def test_coverage_and_frequency_stay_within_0_and_1_when_credited(seed):
    made = world(seed)
    made["workspace"]["policy"]["overfulfilment"] = "credited"
    found = load(made["workspace"])
    rows = tables(found, made["records"])
    for period in PERIODS:
        for _, indicator, done, due, rate, *_ in measured(found, rows, period, ("role", "month")):
            if indicator in ("coverage", "frequency_completion"):
                assert 0 <= done <= due
                assert rate is None or 0 <= rate <= 1


@LAWS
@given(
    seeds,
    st.sampled_from([("project",), ("role",), ("specialty",), ("region",), ("type", "role"), ("project", "specialty")]),
)
def test_groups_add_up_to_the_whole(seed, by):
    made = world(seed)
    found = load(made["workspace"])
    rows = tables(found, made["records"])
    by = tuple(name for name in by if name in found.groupings)
    for period in PERIODS:
        sums = {}
        for _, indicator, done, due, *_ in measured(found, rows, period, by):
            before = sums.get(indicator, (0.0, 0.0))
            sums[indicator] = before[0] + done, before[1] + due
        whole = {indicator: (done, due) for _, indicator, done, due, *_ in measured(found, rows, period)}
        # Groups may cancel in a score below 0, where the whole has no row.
        for indicator in sums:
            assert sums[indicator] == pytest.approx(whole.get(indicator, (0, 0)), abs=1e-6), indicator


@LAWS
@given(seeds, st.integers(min_value=0, max_value=10_000))
def test_a_check_taken_away_changes_only_its_own_groups(seed, choice):
    made = world(seed)
    found = load(made["workspace"])
    checks, rounds = _checks_and_rounds(made)
    gone = checks[choice % len(checks)]
    rest = [c for c in checks if c is not gone]
    rounds_left = [r for r in rounds if r["finding"].rpartition("/")[0] != gone["id"]]
    with_it, without = tables(found, checks + rounds), tables(found, rest + rounds_left)
    for period in PERIODS:
        before, after = (as_dict(measured(found, rows, period, ("project", "role"))) for rows in (with_it, without))
        for (key, indicator), figures in before.items():
            project, role = key
            if role != gone["role"] or project not in (gone["project"], None):
                assert after.get((key, indicator)) == figures


@LAWS
@given(seeds, st.integers(min_value=0, max_value=10_000))
def test_a_check_moved_to_another_day_changes_only_its_own_groups(seed, choice):
    made = world(seed)
    found = load(made["workspace"])
    checks, rounds = _checks_and_rounds(made)
    one = checks[choice % len(checks)]
    others = [c for c in checks if c["point"] == one["point"] and c["project"] == one["project"]]
    # To the moment of another look at the same point there, so that point and project are surely in force.
    moved = {**one, "checked_at": others[-1]["checked_at"]}
    rounds_left = [r for r in rounds if r["finding"].rpartition("/")[0] != one["id"]]
    before = tables(found, checks + rounds_left)
    after = tables(found, [moved if c is one else c for c in checks] + rounds_left)
    for period in PERIODS:
        old, new = (as_dict(measured(found, rows, period, ("project", "role"))) for rows in (before, after))
        for (project, role), indicator in {*old, *new}:
            if role != one["role"] or project not in (one["project"], None):
                assert old.get(((project, role), indicator)) == new.get(((project, role), indicator))


@LAWS
@given(seed=seeds)
def test_an_earlier_position_shows_the_ledger_as_it_stood(seed, tmp_path_factory):
    made = world(seed)
    found = load(made["workspace"])
    checks, rounds = _checks_and_rounds(made)
    half = len(checks) // 2
    with open_ledger(tmp_path_factory.mktemp("at") / "l.db", create=True) as ledger:
        recorder = Recorder(ledger, found, actor=Actor("test"))
        recorder.record(drafts(checks[:half]))
        seq = ledger.position().seq
        then = [read(ledger) for read in (frames.checks, frames.findings, frames.verifications)]
        recorder.record(drafts(checks[half:] + rounds))
        now = [read(ledger, at=seq) for read in (frames.checks, frames.findings, frames.verifications)]
    assert _figures(found, now) == _figures(found, then)
