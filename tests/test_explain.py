"""Explanations: the sums of their rows are the indicator's done and due, in random workspaces and in examples by hand."""

import os

import pytest

from qpi import calendar, explain, metrics
from qpi.policy import INDICATORS
from support import load, moment, tables
from worlds import world

WORLDS = int(os.environ.get("QPI_EXPLAINED", "400" if os.environ.get("QPI_CI") else "40"))
CHUNK = 10


def _by(query_by, indicator):
    of_duties = indicator in explain.OF_DUTIES
    return tuple(key for key in query_by if not (of_duties and key in metrics.WITHOUT_DUTIES))


def _questions(made, seed):
    """Each query as it is, and those with keys once more without those that duties do not have."""
    for period, by, as_of in made["queries"] if seed % 5 == 0 else made["queries"][seed % 3 :: 3]:
        yield period, tuple(by), as_of
        if metrics.WITHOUT_DUTIES & set(by):
            yield period, tuple(key for key in by if key not in metrics.WITHOUT_DUTIES), as_of


def _sums(found):
    """Done and due by the rows, in each frame that has them."""
    frames = found.frames
    if found.indicator in explain.OF_DUTIES:
        yield int(frames["checks"]["credited"].sum()), int(frames["duties"]["required"].sum())
        yield int(frames["cells"]["credited"].sum()), int(frames["cells"]["required"].sum())
    else:
        rows = frames["findings" if found.indicator in explain.OF_FINDINGS else "checks"]
        yield int(rows["done"].sum()), int(rows["due"].sum())
        if found.indicator in metrics.RATIOS:
            yield int(frames["findings"]["done"].sum()), int(frames["checks"]["due"].sum())


@pytest.mark.parametrize("start", range(0, WORLDS, CHUNK))
def test_the_rows_add_up_to_the_indicator(start):
    for seed in range(start, min(start + CHUNK, WORLDS)):
        made = world(seed)
        found = load(made["workspace"])
        rows = tables(found, made["records"])
        for period, by, as_of in _questions(made, seed):
            span = calendar.period(period)
            counted = metrics.counts(found, *rows, span, by=by, as_of=moment(as_of))
            known = {(count.key, count.indicator): (count.done, count.due) for count in counted}
            keys = sorted({count.key for count in counted}, key=repr)
            step = max(1, len(keys) // 4)
            for key in keys[seed % step :: step]:
                for indicator in INDICATORS:
                    if indicator in explain.OF_DUTIES and metrics.WITHOUT_DUTIES & set(by):
                        continue
                    where = dict(zip(by, key, strict=True))
                    told = explain.explain(found, *rows, span, indicator, where=where, as_of=moment(as_of))
                    expected = known.get((key, indicator), (0, 0))
                    assert (told.done, told.due) == expected, (seed, period, where, as_of, indicator)
                    for sums in _sums(told):
                        assert sums == expected, (seed, period, where, as_of, indicator)
