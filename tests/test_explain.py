"""Explanations: the sums of their rows are the indicator's done and due, in random workspaces and in examples by hand."""

import csv
import io
import json
import os
import re
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

import engines
from qpi import attribution, calendar, crediting, explain, metrics, populations, telling
from qpi.errors import UsageError
from qpi.messages import translated
from qpi.policy import INDICATORS
from support import load, moment, tables
from worlds import world

WORLDS = int(os.environ.get("QPI_EXPLAINED", "200" if os.environ.get("QPI_CI") else "16"))
"""How many random workspaces; of each several rows are explained, each by every indicator."""
CHUNK = 8


def _questions(made, seed):
    """Periods with groupings; those that duties do not have are asked for once more without them."""
    for period, by, as_of in made["queries"][seed % 6 :: 6]:
        yield period, tuple(by), as_of
        if metrics.WITHOUT_DUTIES & set(by):
            yield period, tuple(key for key in by if key not in metrics.WITHOUT_DUTIES), as_of


def _asked(start):
    """Explanations of some rows of random workspaces, each with done and due as the engine counts them."""
    for seed in range(start, min(start + CHUNK, WORLDS)):
        made = world(seed)
        found = load(made["workspace"])
        rows = tables(found, made["records"])
        for period, by, as_of in _questions(made, seed):
            span = calendar.period(period)
            counted = metrics.counts(found, *rows, span, by=by, as_of=moment(as_of))
            known = {(count.key, count.indicator): (count.done, count.due) for count in counted}
            keys = sorted({count.key for count in counted}, key=repr)
            step = max(1, len(keys) // 3)
            for key in keys[seed % step :: step]:
                where = dict(zip(by, key, strict=True))
                for indicator in INDICATORS:
                    if not (indicator in explain.OF_DUTIES and metrics.WITHOUT_DUTIES & set(by)):
                        told = explain.explain(found, *rows, span, indicator, where=where, as_of=moment(as_of))
                        yield (seed, period, where, as_of, indicator), told, known.get((key, indicator), (0, 0))


def _sums(told):
    """Done and due by the rows, once for each way in which the frames add up to them."""
    frames = told.frames
    if told.indicator in explain.OF_DUTIES:
        yield int(frames["checks"]["credited"].sum()), int(frames["duties"]["required"].sum())
        yield int(frames["cells"]["credited"].sum()), int(frames["cells"]["required"].sum())
    else:
        rows = frames["findings" if told.indicator in explain.OF_FINDINGS else "checks"]
        yield int(rows["done"].sum()), int(rows["due"].sum())
        if told.indicator in metrics.RATIOS:
            yield int(frames["findings"]["done"].sum()), int(frames["checks"]["due"].sum())


def _consistent(told):
    """What else the frames of an indicator of duties say of one another."""
    duties, checks, cells = (told.frames[name] for name in ("duties", "checks", "cells"))
    assert checks["carried"].sum() == cells["surplus"].sum()
    assert duties["done"].sum() == cells["done"].sum()
    assert (cells["credited"] + cells["over"] == cells["done"] + cells["surplus"]).all()
    assert cells["missing"].sum() >= told.due - told.done
    assert duties["missing"].between(0, duties["required"]).all()
    assert checks["credited"].between(0, checks["adds"]).all()
    assert set(duties["status"]) <= set(crediting.STATUS)
    assert set(checks["why"]) <= set(attribution.WHY)


@pytest.mark.parametrize("start", range(0, WORLDS, CHUNK))
def test_the_rows_add_up_to_the_indicator(start):
    for question, told, expected in _asked(start):
        assert (told.done, told.due) == expected, question
        for sums in _sums(told):
            assert sums == expected, question
        if told.indicator in explain.OF_DUTIES:
            _consistent(told)


def test_a_day_that_bears_an_hour_is_explained_as_it_is_counted():
    made = world(3)
    found = load(made["workspace"])
    checks, *others = tables(found, made["records"])
    late = (checks.assign(day=checks["day"] + timedelta(hours=23, minutes=59)), *others)
    for month in sorted({f"{day:%Y-%m}" for day in checks["day"]}):
        for indicator in ("traceability", "frequency_completion"):
            told = [
                explain.explain(found, *rows, calendar.period(month), indicator) for rows in ((checks, *others), late)
            ]
            assert list(_sums(told[0])) == list(_sums(told[1]))


def test_the_comparison_sees_a_planted_fault():
    """A negative control: a credited check or a closed finding that is gone must show in the sums."""
    made = world(3)
    found = load(made["workspace"])
    checks, findings, rounds = tables(found, made["records"])
    span = calendar.period(made["queries"][-1][0])
    for indicator in ("coverage", "frequency_completion", "closure_all", "traceability", "score_rate"):
        told = explain.explain(found, checks, findings, rounds, span, indicator, as_of=moment(None))
        counted = metrics.counts(found, checks.iloc[::2], findings, rounds, span, by=(), as_of=moment(None))
        expected = {count.indicator: (count.done, count.due) for count in counted}[indicator]
        assert told.done and all(sums != expected for sums in _sums(told)), indicator


def test_without_the_checks_that_add_nothing_the_figures_of_projects_stay():
    for seed in range(6):
        made = world(seed)
        found = load(made["workspace"])
        checks, *rest = tables(found, made["records"])
        realms = {name for name, role in found.checklists.roles.items() if role.level != "project"}
        for indicator in explain.OF_DUTIES:
            told = explain.explain(found, checks, *rest, made["queries"][-1][0], indicator, as_of=moment(None))
            adding = told.frames["checks"].query("adds > 0")["check"]
            less = checks[(checks["id"].isin(adding) | checks["role"].isin(realms)).to_numpy()]
            again = explain.explain(found, less, *rest, made["queries"][-1][0], indicator, as_of=moment(None))
            assert len(less) < len(checks)
            assert (again.done, again.due) == (told.done, told.due)


def test_every_reason_has_its_words_in_both_languages():
    words = {"is_closed" if why == "closed" else why for why in populations.WHY} | {
        *attribution.WHY,
        *crediting.STATUS,
    }
    assert words <= set(telling.WORDS)
    for word in telling.WORDS.values():
        assert translated(word, "zh") != word


# Examples by hand


def _workspace(points, *, policy=None, waivers=(), projects=None, roles=None):
    group = {"name": "g", "specialty": "客服", "methods": ["observe"], "points": points}
    edition = {"catalogue": "a", "edition": "1", "title": "t", "effective_from": "2026-01-01", "groups": [group]}
    if roles:
        edition["roles"] = roles
    return {
        "checklists": [edition],
        "portfolio": {
            "projects": projects
            or [{"id": "P", "name": "p"}, {"id": "Q", "name": "q", "attributes": {"region": "南"}}],
            "people": [{"id": "A", "name": "a"}],
            "waivers": list(waivers),
        },
        "policy": policy or {},
    }


def _point(code, frequency, **more):
    return {"code": code, "text": code, "frequency": {"supervisor": frequency}, **more}


def _check(number, day, code="K", *, project="P", role="supervisor", **more):
    at = day if "T" in day else f"{day}T09:00:00+08:00"
    return {"id": f"c{number}", "project": project, "point": code, "role": role, "checked_at": at, **more}


def _explained(workspace, records, period, indicator, **where):
    found = load(workspace)
    return explain.explain(found, *tables(found, records), period, indicator, where=where, as_of=moment(None))


def _why(told):
    return dict(zip(told.frames["checks"]["check"], told.frames["checks"]["why"], strict=True))


def test_the_month_by_hand_is_explained():
    """The example of docs/indicators.md: 556 of 593 twelfths, and 1288 of 1421."""
    frequencies = [*["1/day"] * 2, *["1/week"] * 3, *["1/month"] * 40, *["1/quarter"] * 10, *["1/half-year"] * 5,
                   *["1/year"] * 3]  # fmt: skip
    points = [_point(f"K-{n:02d}", frequency) for n, frequency in enumerate(frequencies)]
    days = [date(2026, 10, 1) + timedelta(days=n) for n in range(30)]
    made = [(code, day) for code in ("K-00", "K-01") for day in days] + [("K-00", date(2026, 10, 3))]
    made += [(f"K-{n:02d}", day) for n in (2, 3, 4) for day in (date(2026, 9, 30), date(2026, 10, 7))]
    made += [(f"K-{n:02d}", date(2026, 10, 9)) for n in (*range(5, 43), *range(45, 55))]
    records = [_check(n, f"{day}", code) for n, (code, day) in enumerate(made)]
    workspace = _workspace(points, projects=[{"id": "P", "name": "p"}])
    covered = _explained(workspace, records, "2026-10", "coverage")
    assert (covered.done, covered.due) == (556, 593)
    counted = _explained(workspace, records, "2026-10", "frequency_completion")
    assert (counted.done, counted.due) == (1288, 1421)
    duties = counted.frames["duties"].set_index("point")
    assert list(duties.loc[["K-00", "K-02", "K-43"], "gaps"]) == ["10-31", "10-12..10-18, 10-19..10-25", None]
    assert list(duties.loc[["K-00", "K-43", "K-45", "K-55"], "status"]) == ["partly", "missing", "done", "missing"]
    rows = counted.frames["checks"]
    # 10 quarterly points done in October: a third of them is owed, the rest is over, and carried into November.
    assert list(rows[rows["why"] == "surplus"]["credited"]) == [4, *[0] * 6]
    cells = counted.frames["cells"].set_index("unit")
    assert tuple(cells.loc["quarter", ["required", "done", "surplus", "credited", "over", "missing"]]) == (
        40, 120, 0, 40, 80, 0,
    )  # fmt: skip
    november = _explained(workspace, records, "2026-11", "frequency_completion").frames
    quarter = november["cells"].set_index("unit").loc["quarter"]
    assert tuple(quarter[["required", "done", "surplus", "credited"]]) == (40, 0, 80, 40)
    # Of what was over in October the earliest checks pay for November, the rest waits for December.
    assert november["checks"].query("why == 'carried'")[["carried", "credited"]].to_numpy().tolist() == [
        [8, 8], [12, 12], [12, 12], [12, 8], [12, 0], [12, 0], [12, 0],
    ]  # fmt: skip
    assert list(november["checks"].query("why == 'earlier'")["credited"]) == [0, 0, 0]
    assert set(november["duties"].query("unit == 'quarter'")["status"]) == {"done_earlier"}


def test_each_check_that_does_not_count_says_why():
    points = [
        _point("K", "2/week"), _point("D", "1/day"), _point("M", "1/month"), _point("S", "1/month", scope={"region": ["南"]}),
    ]  # fmt: skip
    waivers = [
        {"project": "P", "points": ["M"], "from": "2026-10-01", "to": "2026-10-31", "reason": "r", "approved_by": "A"},
        {"project": "P", "points": ["K"], "from": "2026-10-19", "to": "2026-10-25", "reason": "r", "approved_by": "A"},
    ]
    records = [
        _check(1, "2026-10-05"), _check(2, "2026-10-05T10:00:00+08:00"), _check(3, "2026-10-06"), _check(4, "2026-10-07"),
        _check(5, "2026-10-20"), _check(6, "2026-10-28"), _check(7, "2026-10-10", "D"), _check(8, "2026-10-05", "M"),
        _check(9, "2026-10-05", "S"), _check(10, "2026-10-05", role="team_lead"), _check(11, "2026-10-12", kind="special"),
    ]  # fmt: skip
    policy = {"days": "working", "counts_for_duty": ["routine"]}
    workspace = _workspace(points, policy=policy, waivers=waivers)
    told = _explained(workspace, records, "2026-10", "frequency_completion", project="P")
    assert _why(told) == {
        "c1": "counts", "c2": "same_day", "c3": "counts", "c4": "beyond_times", "c5": "window_waived", "c6": "other_month",
        "c7": "not_working", "c8": "waived", "c9": "scope", "c10": "not_a_duty", "c11": "kind",
    }  # fmt: skip
    covered = _explained(workspace, records, "2026-10", "coverage", project="P")
    assert {name: why for name, why in _why(covered).items() if name in ("c2", "c5", "c6")} == dict.fromkeys(
        ("c2", "c5", "c6"), "completed"
    )


def test_a_project_that_was_not_open_on_the_1st_is_told():
    projects = [{"id": "P", "name": "p", "opened": "2026-10-05"}]
    told = _explained(_workspace([_point("M", "1/month")], projects=projects), [_check(1, "2026-10-06", "M")], "2026-10",
                      "coverage")  # fmt: skip
    assert (told.done, told.due, _why(told)) == (0, 0, {"c1": "closed"})


def test_a_realm_is_credited_for_as_many_projects_as_it_owes():
    frequency = {"department": {"every": "1/month", "share": "50%"}}
    workspace = _workspace([{"code": "K", "text": "k", "frequency": frequency}])
    records = [_check(n, f"2026-10-0{n}", project=project, role="department") for n, project in ((1, "Q"), (2, "P"))]
    for indicator in explain.OF_DUTIES:
        told = _explained(workspace, records, "2026-10", indicator, project=None)
        assert (told.done, told.due, _why(told)) == (12, 12, {"c1": "counts", "c2": "beyond_share"})
        assert _explained(workspace, records, "2026-10", indicator, project="P").due == 0


def test_nothing_is_capped_where_the_policy_says_raw():
    workspace = _workspace([_point("M", "1/month")], policy={"overfulfilment": "raw"})
    records = [_check(1, "2026-10-05", "M"), _check(2, "2026-10-05", "M"), _check(3, "2026-10-06", "M")]
    told = _explained(workspace, records, "2026-10", "frequency_completion", project="P")
    assert (told.done, told.due, set(_why(told).values())) == (36, 12, {"counts"})


def test_an_empty_key_and_one_that_nothing_names_are_two_rows():
    workspace = _workspace([_point("M", "1/month", methods=[])])
    workspace["portfolio"]["projects"][0]["attributes"] = {}
    records = [_check(1, "2026-10-05", "M"), _check(2, "2026-10-05", "M", project="Q", inspector="A")]
    told = _explained(workspace, records, "2026-10", "traceability", region="")
    assert list(told.frames["checks"]["check"]) == ["c1"]
    assert told.frames["checks"]["lacks"].tolist() == ["inspector, place, method, sample_or_evidence"]
    nobody = _explained(workspace, records, "2026-10", "traceability", inspector=None)
    assert list(nobody.frames["checks"]["check"]) == ["c1"]
    assert _explained(workspace, records, "2026-10", "traceability", region=None).due == 0


def test_a_month_among_the_keys_is_the_period():
    workspace = _workspace([_point("M", "1/month")])
    records = [_check(1, "2026-10-05", "M"), _check(2, "2026-11-05", "M")]
    told = _explained(workspace, records, "2026-Q4", "coverage", month="2026-11", project="P")
    assert (told.period, told.done, told.due) == ("2026-11", 12, 12)
    assert _explained(workspace, records, "2026-11", "coverage", project="P").done == 12


def test_methods_scores_and_closures_say_why():
    points = [_point("M", "1/month", score="2", sample={"minimum": "2"}), _point("N", "1/month")]
    finding = {"kind": "deduction", "deduct": 3, "verify_on": "2026-10-10"}
    records = [
        _check(1, "2026-10-05", "M", method="observe", sample=["1"], population=1, findings=[finding]),
        _check(2, "2026-10-05", "M", method="observe", sample=["1"], findings=[{**finding, "kind": "rectification"}]),
        _check(3, "2026-10-05", "M", method="phone", sample=["1", "2"]),
        _check(4, "2026-10-05", "N"), _check(5, "2026-10-05", "N", result="na", reason="r"),
        {"finding": "c1/1", "verifier": "A", "verified_at": "2026-10-11T09:00:00+08:00", "outcome": "open"},
        {"finding": "c2/1", "verifier": "A", "verified_at": "2026-10-10T09:00:00+08:00", "outcome": "closed"},
    ]  # fmt: skip
    workspace = _workspace(points)
    methods = _explained(workspace, records, "2026-10", "method_conformity")
    assert list(_why(methods).values()) == ["conforms", "sample", "method", "no_method", "na"]
    scores = _explained(workspace, records, "2026-10", "score_rate")
    assert scores.frames["checks"][["done", "due"]].to_numpy().tolist() == [
        [0, 200],
        [0, 200],
        [200, 200],
        [0, 0],
        [0, 0],
    ]
    expected = {"closure": ["left_open", "kind_not_asked"], "closure_all": ["left_open", "closed"],
                "closure_on_time": ["late", "on_time"]}  # fmt: skip
    for indicator, why in expected.items():
        assert _explained(workspace, records, "2026-10", indicator).frames["findings"]["why"].tolist() == why


@pytest.mark.parametrize(
    ("indicator", "where", "words"),
    [
        ("coverag", {}, "did you mean coverage?"),
        ("coverage", {"projekt": "P"}, "did you mean project?"),
        ("coverage", {"project": "PP"}, 'project "PP" is unknown; did you mean P?'),
        ("coverage", {"role": "对口主管"}, "write supervisor"),
        ("coverage", {"inspector": "A"}, "coverage has no rows by inspector"),
        ("frequency_completion", {"category": "x"}, "duties are owed by a role"),
        ("closure", {"month": "2026-11"}, "2026-11 is no month of 2026-10; write one of 2026-10"),
    ],
)
def test_a_wrong_question_is_answered_with_its_remedy(indicator, where, words):
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        _explained(_workspace([_point("M", "1/month")]), [], "2026-10", indicator, **where)


@pytest.fixture(scope="module")
def some():
    made = world(7)
    found = load(made["workspace"])
    rows = tables(found, made["records"])
    period = made["queries"][-1][0]
    return found, [explain.explain(found, *rows, period, one, as_of=moment(None)) for one in INDICATORS]


def test_every_column_of_every_frame_is_documented_and_no_other(some):
    page = (Path(__file__).parent.parent / "docs" / "indicators.md").read_text(encoding="utf-8")
    section = page.split("## What stands behind a figure")[1].split("\n## ")[0]
    frames = {(told.indicator, name): list(frame.columns) for told in some[1] for name, frame in told.frames.items()}
    for name in ("duties", "cells", "checks"):
        table = section.split(f"| column of `{name}` |")[1].split("\n\n")[0].splitlines()[2:]
        said = [word for line in table for word in re.findall(r"`(\w+)`", line.split("|")[1])]
        for indicator in explain.OF_DUTIES:
            assert sorted(said) == sorted(frames[indicator, name])
    rest = {
        "`findings` of closures": ("closure", "findings"), "`checks` of `traceability`": ("traceability", "checks"),
        "`checks` of `method_conformity`": ("method_conformity", "checks"), "`checks` of ratios": ("deduction_ratio", "checks"),
        "`findings` of ratios": ("deduction_ratio", "findings"), "`checks` of `score_rate`": ("score_rate", "checks"),
    }  # fmt: skip
    for title, key in rest.items():
        line = re.search(rf"^\| {re.escape(title)} \| (.*) \|$", section, re.MULTILINE)[1]
        assert sorted(re.findall(r"`(\w+)`", line)) == sorted(frames[key]), title
    for why in (*attribution.WHY, *crediting.STATUS, *populations.WHY):
        assert f"`{why}`" in section, why


# As text


def test_csv_adds_up_and_json_has_every_frame(some):
    for told in some[1]:
        rows = list(csv.DictReader(io.StringIO(telling.to_csv(told).removeprefix("\ufeff"))))
        assert (sum(int(row["done"]) for row in rows), sum(int(row["due"]) for row in rows)) == (told.done, told.due)
        read = json.loads(telling.to_json(told))
        assert {name: len(rows) for name, rows in read["frames"].items()} == {n: len(f) for n, f in told.frames.items()}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_long_list_is_cut_with_a_count_of_the_rest(some, language):
    found, explained = some
    several = []
    for told in explained:
        cut = telling.to_table(told, found, language=language)
        whole = telling.to_table(told, found, language=language, everything=True)
        assert len(cut.splitlines()) < 160 and "--all" not in whole
        rest = [int(number) for number in re.findall(r"([0-9]+)[^0-9]*--all", cut)]
        assert len(whole.splitlines()) == len(cut.splitlines()) + sum(rest) - len(rest)
        several.append(bool(rest))
    assert any(several)


# On other engines


def _scattered(tables):
    """Rows in another order than that of the ledger, as files of months have them."""
    return [table.sample(frac=1, random_state=3).reset_index(drop=True) for table in tables]


@pytest.mark.parametrize("engine", ["Arrow", "lazy Polars", "DuckDB", "DuckDB over Parquet", "PySpark"])
def test_the_rows_are_the_same_on_every_engine(engine):
    """Also where it holds them in another order: the ledger's decides which check is named."""
    for seed in (3,) if engine == "PySpark" else (3, 7, 11):
        made = world(seed)
        found = load(made["workspace"])
        rows = tables(found, made["records"])
        elsewhere = engines.on(engine, _scattered(rows))
        period, _, as_of = made["queries"][-1]
        for indicator in INDICATORS:
            own, other = (
                explain.explain(found, *given, period, indicator, as_of=moment(as_of)) for given in (rows, elsewhere)
            )
            assert (own.done, own.due) == (other.done, other.due)
            for name, frame in own.frames.items():
                pd.testing.assert_frame_equal(frame, other.frames[name], obj=f"{seed} {indicator} {name}")


def test_the_comparison_of_engines_sees_another_order():
    """A negative control: without numbers of entries the order of the table decides, and another check is named."""
    found = load(_workspace([_point("M", "1/month")]))
    records = [_check(n, "2026-10-05", "M") for n in (1, 2)]
    checks, *rest = tables(found, records)
    for given, counts in ((checks, "c1"), (checks.iloc[::-1], "c1"), (checks.drop(columns="entry").iloc[::-1], "c2")):
        told = explain.explain(found, given, *rest, "2026-10", "coverage", as_of=moment(None))
        assert [check for check, why in _why(told).items() if why == "counts"] == [counts]


def test_a_population_of_none_is_reached_without_a_sample_as_the_indicator_has_it():
    workspace = _workspace([_point("M", "1/month", sample={"minimum": "2"})])
    found = load(workspace)
    checks, *rest = tables(found, [_check(1, "2026-10-05", "M", method="observe"), _check(2, "2026-10-05", "M")])
    checks = checks.assign(population=0, sample_size=pd.array([None, None], dtype="Int64"))
    told = explain.explain(found, checks, *rest, "2026-10", "method_conformity", as_of=moment(None))
    (count,) = (
        one
        for one in metrics.counts(found, checks, *rest, calendar.period("2026-10"), by=(), as_of=moment(None))
        if one.indicator == "method_conformity"
    )
    assert (told.done, told.due) == (count.done, count.due) == (1, 2)
