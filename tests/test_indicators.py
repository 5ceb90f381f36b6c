"""The worked month of docs/indicators.md, number by number, and cases worked by hand."""

import tempfile
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from qpi import frames, metrics
from qpi.entries import Actor
from qpi.errors import UsageError
from qpi.ledger import open_ledger
from qpi.metrics import Count, percent, verdict
from qpi.recorder import Recorder
from support import NOW, as_dict, drafts, load, measured, tables


def edition(points, *, start="2026-01-01", **more):
    """An edition whose points are (code, {role: frequency}, extra keys)."""
    found = [{"code": code, "text": code, "frequency": asks, **extra} for code, asks, extra in points]
    return {
        "catalogue": "c",
        "edition": start,
        "title": "t",
        "effective_from": start,
        "groups": [{"name": "g", "specialty": "客服", "points": found}],
        **more,
    }


def workspace(points, *, projects=({"id": "P", "name": "P"},), policy=None, waivers=None, editions=None, **more):
    portfolio = {"projects": list(projects), "people": [{"id": "S", "name": "S"}]}
    if waivers:
        portfolio["waivers"] = waivers
    return {"checklists": editions or [edition(points, **more)], "portfolio": portfolio, "policy": policy or {}}


def check(number, point, day, *, role="supervisor", project="P", hour=9, **more):
    return {
        "id": f"k{number}",
        "project": project,
        "point": point,
        "role": role,
        "checked_at": f"{day}T{hour:02d}:00:00+08:00",
        **more,
    }


def made(looks):
    """Checks of (point, day), numbered."""
    return [check(n, point, day) for n, (point, day) in enumerate(looks)]


UNITS = {"D": ("1/day", 2), "W": ("1/week", 3), "M": ("1/month", 40), "Q": ("1/quarter", 10), "H": ("1/half-year", 5),
         "Y": ("1/year", 3)}  # fmt: skip


def month_by_hand(policy=None):
    points = [(f"{k}{i}", {"supervisor": f}, {}) for k, (f, n) in UNITS.items() for i in range(n)]
    days = [date(2026, 10, 1) + timedelta(d) for d in range(30)]
    looks = [(f"D{i}", day) for i in range(2) for day in days]
    looks += [("D0", "2026-10-03")]
    looks += [(f"W{i}", day) for i in range(3) for day in ("2026-09-30", "2026-10-07")]
    looks += [(f"M{i}", "2026-10-12") for i in range(38)]
    looks += [(f"Q{i}", "2026-10-13") for i in range(10)]
    found = load(workspace(points, policy=policy))
    return found, tables(found, made(looks))


def exact(found, rows, period, indicator):
    span = metrics.period_of(period)
    for count in metrics.counts(found, *rows, span, by=(), as_of=None):
        if count.indicator == indicator:
            parts = metrics.PARTS.get(indicator, 1)
            return Fraction(count.done, parts), Fraction(count.due, parts)
    raise AssertionError(indicator)


def test_the_worked_month_requires_593_twelfths_of_points_and_1421_of_checks():
    found, rows = month_by_hand()
    assert exact(found, rows, "2026-10", "coverage")[1] == Fraction(593, 12)
    assert exact(found, rows, "2026-10", "frequency_completion")[1] == Fraction(1421, 12)


def test_the_worked_month_covers_556_of_593():
    found, rows = month_by_hand()
    done, due = exact(found, rows, "2026-10", "coverage")
    assert done == 2 + 3 + 38 + Fraction(10, 3)
    assert done / due == Fraction(556, 593)
    assert percent(556, 593) == "93.76 %"


def test_the_worked_month_covers_636_of_593_when_read_raw():
    found, rows = month_by_hand({"overfulfilment": "raw"})
    done, due = exact(found, rows, "2026-10", "coverage")
    assert (done, done / due) == (53, Fraction(636, 593))
    assert percent(636, 593) == "107.25 %"


def test_the_worked_month_completes_1288_of_1421_checks():
    found, rows = month_by_hand()
    done, due = exact(found, rows, "2026-10", "frequency_completion")
    assert done == 60 + 6 + 38 + Fraction(10, 3)
    assert done / due == Fraction(1288, 1421)
    assert percent(1288, 1421) == "90.64 %"


def test_the_surplus_of_october_pays_what_november_owes_a_quarter():
    found, rows = month_by_hand()
    both = as_dict(measured(found, rows, "2026-11", ("specialty",)))
    done, due, *_ = both[("客服",), "coverage"]
    assert (done, due) == (float(Fraction(10, 3)), float(Fraction(593, 12)))


def test_the_week_of_26_october_is_novembers():
    found = load(workspace([("W", {"supervisor": "1/week"}, {})]))
    rows = tables(found, made([("W", "2026-10-28")]))
    assert as_dict(measured(found, rows, "2026-10"))[(), "frequency_completion"][0] == 0
    assert as_dict(measured(found, rows, "2026-10"))[(), "coverage"][0] == 1
    assert as_dict(measured(found, rows, "2026-11"))[(), "frequency_completion"][0] == 1
    assert as_dict(measured(found, rows, "2026-11"))[(), "coverage"][0] == 0


def test_a_window_of_two_weeks_is_counted_from_monday_2024_01_01():
    """Monday 2026-10-05 is 144 weeks after it: one pair begins there and ends on the 18th, the next ends on 1 November.

    So the pair that ends on 4 October and the one that ends on the 18th are October's.
    """
    found = load(workspace([("T", {"supervisor": "1/two-weeks"}, {})]))
    rows = tables(found, made([("T", "2026-10-05"), ("T", "2026-10-18"), ("T", "2026-10-19")]))
    assert as_dict(measured(found, rows, "2026-10"))[(), "frequency_completion"][:2] == [1, 2]
    assert as_dict(measured(found, rows, "2026-11"))[(), "frequency_completion"][0] == 1


def test_two_looks_on_one_monday_are_not_twice_a_week():
    found = load(workspace([("W", {"supervisor": "2/week"}, {})]))
    rows = tables(found, [check(1, "W", "2026-10-05", hour=9), check(2, "W", "2026-10-05", hour=15)])
    assert as_dict(measured(found, rows, "2026-10"))[(), "frequency_completion"][:2] == [1, 8]


def test_twice_a_day_is_two_looks_on_that_day():
    found = load(workspace([("D", {"supervisor": "2次/日"}, {})]))
    rows = tables(found, [check(n, "D", "2026-10-05", hour=9 + n) for n in range(3)])
    assert as_dict(measured(found, rows, "2026-10"))[(), "frequency_completion"][:2] == [2, 62]


def test_a_day_is_a_day_of_the_workspaces_zone():
    """07:30 on 1 March in Shanghai is 28 February in UTC."""
    found = load(workspace([("M", {"supervisor": "1/month"}, {})]))
    rows = tables(found, [{**check(1, "M", "2026-03-01"), "checked_at": "2026-02-28T23:30:00Z"}])
    assert as_dict(measured(found, rows, "2026-03"))[(), "coverage"][0] == 1
    assert as_dict(measured(found, rows, "2026-02"))[(), "coverage"][0] == 0


def test_a_company_role_owes_the_rounded_up_share_of_the_projects():
    """Half of 3 projects are 2; a third look at the same project adds nothing."""
    projects = [{"id": p, "name": p} for p in "ABC"]
    found = load(workspace([("X", {"department": {"every": "1/month", "share": "50%"}}, {})], projects=projects))
    looks = [check(n, "X", f"2026-10-0{n + 1}", role="department", project="A") for n in range(3)]
    assert as_dict(measured(found, tables(found, looks), "2026-10"))[(), "coverage"][:2] == [1, 2]
    looks += [check(9, "X", "2026-10-09", role="department", project="B")]
    looks += [check(10, "X", "2026-10-10", role="department", project="C")]
    assert as_dict(measured(found, tables(found, looks), "2026-10"))[(), "coverage"][:2] == [2, 2]


def test_a_shrinking_k_takes_nothing_away_and_a_growing_one_pays_from_what_was_done():
    """3 a quarter in January, 1 in February, 2 in March; three days in January: 3, then nothing, then nothing."""
    asks = {"2026-01-01": "3/quarter", "2026-02-01": "1/quarter", "2026-03-01": "2/quarter"}
    editions = [edition([("Q", {"supervisor": ask}, {})], start=start) for start, ask in asks.items()]
    found = load(workspace(None, editions=editions, policy={"overfulfilment": "credited"}))
    rows = tables(found, made([("Q", f"2026-01-0{n}") for n in (5, 6, 7)]))
    done = as_dict(measured(found, rows, "2026-Q1"))[(), "frequency_completion"]
    assert done[:2] == [2.0, float(Fraction(3 + 1 + 2, 3))]


def test_a_waiver_of_a_whole_week_removes_its_window_and_what_was_done_in_it():
    waiver = {"project": "P", "from": "2026-10-05", "to": "2026-10-11", "reason": "r", "approved_by": "S"}
    found = load(workspace([("W", {"supervisor": "1/week"}, {})], waivers=[waiver]))
    rows = tables(found, made([("W", "2026-10-07"), ("W", "2026-10-13")]))
    whole = as_dict(measured(found, rows, "2026-10"))
    assert whole[(), "frequency_completion"][:2] == [1, 3]
    assert whole[(), "coverage"][:2] == [1, 1]


def test_two_waivers_that_together_cover_a_month_excuse_it():
    def waiver(first, last):
        return {"project": "P", "from": first, "to": last, "reason": "r", "approved_by": "S"}

    parts = [waiver("2026-09-20", "2026-10-15"), waiver("2026-10-16", "2026-10-31")]
    found = load(workspace([("M", {"supervisor": "1/month"}, {})], waivers=parts))
    assert measured(found, tables(found, []), "2026-10") == []
    found = load(workspace([("M", {"supervisor": "1/month"}, {})], waivers=[waiver("2026-10-02", "2026-10-31")]))
    assert as_dict(measured(found, tables(found, []), "2026-10"))[(), "coverage"][:2] == [0, 1]


def test_a_score_is_what_is_left_after_the_deductions_not_below_zero():
    points = [("A", {}, {"score": "1"}), ("B", {}, {"score": "2.5"})]
    finding = [{"kind": "deduction", "deduct": 3}]
    for floor, kept in (("zero", 2.5), ("none", 0.5)):
        found = load(workspace(points, policy={"score_floor": floor}))
        rows = tables(found, [check(1, "A", "2026-10-05", findings=finding), check(2, "B", "2026-10-05")])
        assert as_dict(measured(found, rows, "2026-10"))[(), "score_rate"][:2] == [kept, 3.5]


def test_ten_deductions_of_a_tenth_are_one_point():
    found = load(workspace([("A", {}, {"score": "10"})]))
    finding = [{"kind": "deduction", "deduct": 0.1} for _ in range(10)]
    rows = tables(found, [check(1, "A", "2026-10-05", findings=finding)])
    assert as_dict(measured(found, rows, "2026-10"))[(), "score_rate"][:3] == [9.0, 10.0, 0.9]


def test_nothing_due_is_no_rate_and_no_verdict():
    assert percent(0, 0) == "—"
    assert verdict(Count((), "closure", 0, 0), Fraction(1), 60) == "n/a"


@pytest.mark.parametrize(
    ("done", "due", "shown"),
    [(7495, 10000, "74.95 %"), (1, 10**6, "0.01 %"), (10**6 - 1, 10**6, "99.99 %"), (0, 5, "0.00 %"), (5, 5, "100.00 %"),
     (12345, 1000000, "1.23 %"), (1235, 100000, "1.24 %"), (1, 8, "12.50 %"), (-1, 8, "-12.50 %")],
)  # fmt: skip
def test_percents_are_shown_half_up_with_0_and_100_only_when_exact(done, due, shown):
    assert percent(done, due) == shown


@pytest.mark.parametrize(
    ("done", "due", "bounds", "shown"),
    [(14999, 20000, [], "75.00 %"), (14999, 20000, ["3/4"], "74.99 %"), (15000, 20000, ["3/4"], "75.00 %"),
     (14999, 20000, ["1/2"], "75.00 %"), (18999, 20000, ["3/4", "19/20"], "94.99 %"), (-1, 100000, ["0"], "-0.01 %"),
     (33333, 100000, ["333331/1000000"], "33.33 %")],
)  # fmt: skip
def test_a_rate_below_a_bound_is_not_rounded_up_to_it(done, due, bounds, shown):
    assert percent(done, due, *map(Fraction, bounds)) == shown


def test_no_count_one_below_a_threshold_is_judged_or_shown_as_reaching_it():
    """F13: for every due up to 3,000 and each floor of the policy, one below is missed and exact is met."""
    for floor in (
        Fraction(3, 4),
        Fraction(1),
        Fraction(1, 20),
        Fraction(17, 20),
        Fraction(9, 10),
        Fraction(1999, 2000),
    ):
        for due in range(1, 3001):
            reach = -(-due * floor.numerator // floor.denominator)
            assert verdict(Count((), "closure", reach, due), floor, 0) == "met"
            assert verdict(Count((), "closure", reach - 1, due), floor, 0) == "missed"
            if floor == 1:
                assert percent(reach - 1, due) != "100.00 %"


def test_fewer_checks_than_the_mix_minimum_give_no_verdict():
    found = load(workspace([("A", {}, {})]))
    rows = tables(found, made([("A", "2026-10-05")]))
    assert as_dict(measured(found, rows, "2026-10"))[(), "suggestion_ratio"] == [0, 1, 0, 0.05, "n/a"]


def test_an_unknown_grouping_and_period_are_refused_with_what_to_write():
    found = load(workspace([("A", {}, {})]))
    rows = tables(found, [])
    with pytest.raises(UsageError, match="did you mean project"):
        metrics.indicators(found, *rows, "2026-10", by=["projct"])
    with pytest.raises(UsageError, match="write 2026-10, 2026-Q4"):
        metrics.indicators(found, *rows, "2026-13")


def test_a_table_without_a_needed_column_is_refused():
    found = load(workspace([("A", {}, {})]))
    checks, findings, verifications = tables(found, [])
    with pytest.raises(UsageError, match="no column point"):
        metrics.indicators(found, checks.drop(columns="point"), findings, verifications, "2026-10")


def test_tables_with_the_needed_columns_only_are_enough():
    found = load(workspace([("A", {"supervisor": "1/month"}, {})]))
    checks, findings, verifications = tables(found, [check(1, "A", "2026-10-05", findings=[{"kind": "suggestion"}])])
    few = checks[["id", "project", "point", "role", "day"]], findings[["id", "check", "kind"]]
    rows = as_dict(measured(found, (*few, verifications), "2026-10"))
    assert rows[(), "coverage"][:2] == [1, 1]
    assert rows[(), "traceability"][:2] == [0, 1]


def test_the_company_is_one_realm_also_where_projects_have_an_attribute_of_that_name():
    projects = [{"id": p, "name": p, "attributes": {"company": f"C{p}"}} for p in "ABC"]
    found = load(workspace([("X", {"department": {"every": "1/month", "share": "50%"}}, {})], projects=projects))
    rows = tables(found, [])
    assert measured(found, rows, "2026-10", ("company",))[0] == ((None,), "coverage", 0, 2, 0, None, "n/a")


def _closable():
    """One finding that two people verified at one instant, the later in the ledger leaving it open."""
    found = load(workspace([("A", {"supervisor": "1/month"}, {"score": "10"})]))
    finding = {"kind": "suggestion", "deduct": 1, "verify_on": "2026-10-06"}
    rounds = [
        {"finding": "k1/1", "verifier": who, "verified_at": "2026-10-06T10:00:00+08:00", "outcome": outcome}
        for who, outcome in (("X", "closed"), ("Y", "open"))
    ]
    return found, tables(found, [check(1, "A", "2026-10-05", findings=[finding]), check(2, "A", "2026-10-07"), *rounds])


def test_the_order_of_rows_in_tables_changes_nothing():
    found, rows = _closable()
    backwards = [table.iloc[::-1] for table in rows]
    assert measured(found, backwards, "2026-10") == measured(found, rows, "2026-10")
    assert as_dict(measured(found, rows, "2026-10"))[(), "closure"][:2] == [0, 1]


def test_tables_of_two_ledgers_are_joined_by_id_or_refused():
    found, rows = _closable()
    renamed = [table.copy() for table in rows]
    for table, column in ((renamed[0], "id"), (renamed[1], "check"), (renamed[1], "id"), (renamed[2], "finding")):
        table[column] = "other-" + table[column].astype(str)
    both = [pd.concat([one, other]) for one, other in zip(rows, renamed, strict=True)]
    assert as_dict(measured(found, both, "2026-10"))[(), "closure"][:2] == [0, 2]
    assert as_dict(measured(found, both, "2026-10"))[(), "score_rate"][:2] == [38, 40]
    with pytest.raises(UsageError, match="holds an id twice"):
        measured(found, [pd.concat([table, table]) for table in rows], "2026-10")


def test_days_and_moments_may_be_written_in_other_ways():
    found, rows = _closable()
    checks, findings, rounds = (table.copy() for table in rows)
    checks["day"] = checks["day"].dt.date
    findings["verify_on"] = findings["verify_on"].dt.strftime("%Y-%m-%d")
    rounds["verified_at"] = [moment.isoformat() for moment in rounds["verified_at"]]
    rounds = rounds.set_index("finding", drop=False)
    assert measured(found, (checks, findings, rounds), "2026-10") == measured(found, rows, "2026-10")


def test_a_kind_that_is_not_said_is_routine():
    found, rows = _closable()
    checks = rows[0].assign(kind=None)
    assert measured(found, (checks, *rows[1:]), "2026-10", ("kind",)) == measured(found, rows, "2026-10", ("kind",))
    assert measured(found, (checks, *rows[1:]), "2026-10") == measured(found, rows, "2026-10")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda checks: checks.assign(day=checks["day"].dt.tz_localize("UTC")),
            "column day: holds moments with a zone",
        ),
        (
            lambda checks: checks.assign(day=[f"{day:%Y-%m-%d}T03:00:00+08:00" for day in checks["day"]]),
            "column day: holds moments with a zone",
        ),
        (
            lambda checks: checks.assign(day=pd.Series([*checks["day"].dt.tz_localize("UTC")], dtype="object")),
            "column day: holds moments with a zone",
        ),
        (lambda checks: checks.assign(day="2026-10"), "column day: holds no days"),
        (lambda checks: checks.assign(day=pd.NaT), "column day: empty in 2 rows"),
        (lambda checks: checks.assign(day="someday"), "column day: .*give days without a time zone"),
        (lambda checks: checks.to_dict("list"), "table checks is no table but a dict"),
    ],
)
def test_tables_that_cannot_be_counted_are_refused_with_the_column(change, fault):
    found, rows = _closable()
    with pytest.raises(UsageError, match=fault):
        measured(found, (change(rows[0]), *rows[1:]), "2026-10")


@pytest.mark.parametrize(
    "written",
    [
        lambda moment: moment.tz_localize(None).to_pydatetime(),
        lambda moment: moment.tz_localize(None).isoformat(),
        lambda moment: str(moment.date()),
    ],
)
def test_moments_that_name_no_zone_are_refused_however_they_are_kept(written):
    found, rows = _closable()
    naive = pd.Series([written(moment) for moment in rows[2]["verified_at"]], dtype="object")
    with pytest.raises(UsageError, match="column verified_at: holds moments that name no zone"):
        measured(found, (*rows[:2], rows[2].assign(verified_at=naive)), "2026-10")


def test_a_superseded_check_counts_nowhere():
    found = load(workspace([("A", {"supervisor": "1/month"}, {})]))
    with tempfile.TemporaryDirectory() as folder, open_ledger(Path(folder) / "l.db", create=True) as ledger:
        recorder = Recorder(ledger, found, actor=Actor("t"), clock=lambda: NOW)
        recorder.record(drafts([check(1, "A", "2026-10-05", findings=[{"kind": "suggestion"}])]))
        seq = ledger.position().seq
        recorder.void(seq, reason="twice")
        now = [read(ledger) for read in (frames.checks, frames.findings)]
        then = [read(ledger, at=seq) for read in (frames.checks, frames.findings)]
        assert [len(table) for table in (*now, *then)] == [0, 0, 1, 1]
        assert ledger.findings(["k1/1"]) == {}
