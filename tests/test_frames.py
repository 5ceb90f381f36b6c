"""Frames: whole columns from SQLite's lists are what rows one by one give, to the last sign and type."""

import random
import sqlite3
from datetime import date

import pandas as pd
import pytest

from qpi import columns, frames, metrics, tables
from qpi.entries import Actor
from qpi.errors import LedgerError, ProofError, UsageError
from qpi.ledger import Item, content, open_ledger
from qpi.policy import CHECK_FIELDS, FINDING_FIELDS
from qpi.recorder import Recorder
from qpi.workspace import Workspace
from support import NOW, drafts, load
from worlds import world

READ = {"checks": frames.checks, "findings": frames.findings, "verifications": frames.verifications}
TEXTS = [
    "", " ", "a", "P01", "\x00", "a\x00", "\x1e", "\x1f", "\n", '"', '""', '","', "\\", '\\"', "null", "null,", "[", "]",
    ",", "桃园", "é", "e\u0301", "\u2028", "\ufeff", "\ufffd", "\U0001f3e2", "1234567", "12345678", "123456789", "七个字七个字七",
    "x" * 16, "x" * 17, "x" * 63, "x" * 64, "x" * 65, "y" * 300, '["S01","S02"]', '{"1":"pass"}', "\x7f", "\x01",
]  # fmt: skip
NUMBERS = [0, 1, 9, 10, 1234, -1, 2**53 + 1, 2**63 - 1, -(2**63)]
DAYS = ["2026-10-05", "2026-10-31", "1970-01-01", "0001-01-01", "9999-12-31", "2024-02-29"]
MOMENTS = ["2026-10-05T09:30:00.000000Z", "2026-10-05T23:59:59.999999Z", "1969-12-31T23:59:59.000001Z"]
ODD_MOMENTS = ["2026-10-05T09:30:00+08:00", "2026-10-05T09:30:00Z", "2026-10-05T09:30:00.123456+08:00"]
VALUES = {frames.TEXT: TEXTS, frames.KEY: TEXTS, frames.WHOLE: NUMBERS, frames.DAY: DAYS, frames.MOMENT: MOMENTS}


def nasty(ledger, rng, *, rows, odd=0):
    """Append rows of any values to the typed tables; return the numbers of their entries."""
    kinds = {name: getattr(frames, name.upper()) for name in READ}
    said = {
        name: {c.name: rng.choice([0, 50, 100]) for c in tables.TYPED[place].columns} for place, name in enumerate(READ)
    }
    items = []
    for number in range(rows):
        made = [
            (
                name,
                tuple(_value(rng, kinds[name], column, said[name][column.name], odd) for column in table.columns)[1:],
            )
            for name, table in zip(READ, tables.TYPED, strict=False)
            if rng.random() < 0.7
        ]
        made = [(name, _numbered(row, 1) if name == "findings" else row) for name, row in made]
        items.append(Item(content("check", f"check:{number}", Actor("t"), {}), made))
    with ledger.writing() as writer:
        return writer.append(items, recorded="2026-10-05T00:00:00.000000Z")


def _numbered(row, number):
    return (number, *row[1:])


def _value(rng, kinds, column, said, odd):
    kind = kinds.get("check" if column.name == "check_id" else column.name, frames.TEXT)
    if column.nullable and rng.randrange(100) >= said:
        return None
    if kind == frames.MOMENT and rng.randrange(100) < odd:
        return rng.choice(ODD_MOMENTS)
    return rng.choice(NUMBERS if isinstance(column.type, tables.sa.Integer) else VALUES[kind])


def void(ledger, seqs):
    """Take entries back."""
    items = [Item(content("void", f"void:{seq}", Actor("t"), {}, supersedes=seq)) for seq in seqs]
    with ledger.writing() as writer:
        writer.append(items, recorded="2026-10-06T00:00:00.000000Z")


def both(monkeypatch, ledger, **asked):
    """Each table in bulk, and row by row; neither way may take the other."""

    def not_so(*_):
        raise AssertionError("the other way was taken")

    def row_by_row(*_):
        raise ValueError("row by row")

    with monkeypatch.context() as only:
        only.setattr(frames, "by_rows", not_so)
        bulk = [read(ledger, **asked) for read in READ.values()]
    with monkeypatch.context() as only:
        only.setattr(frames, "_in_bulk", row_by_row)
        return bulk, [read(ledger, **asked) for read in READ.values()]


def see_same(bulk, rows):
    """Compare frames: types, values, and of keys the values, their order and their codes."""
    for one, other in zip(bulk, rows, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True, check_column_type=True)
        for name in one.columns:
            assert one[name].dtype == other[name].dtype
            assert [type(value) for value in one[name]] == [type(value) for value in other[name]]
            if isinstance(one[name].dtype, pd.CategoricalDtype):
                assert list(one[name].cat.categories) == list(other[name].cat.categories)
                assert one[name].cat.categories.dtype == other[name].cat.categories.dtype
                assert one[name].cat.codes.dtype == other[name].cat.codes.dtype


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "qpi.db", create=True, now=NOW) as opened:
        yield opened


@pytest.fixture
def in_parts(monkeypatch):
    """Parts of a few entries, so that each table takes many of them."""
    monkeypatch.setattr(frames, "_FIRST_ENTRIES", 2)
    monkeypatch.setattr(frames, "_BYTES", 600)


@pytest.mark.parametrize("seed", range(6))
def test_a_random_world_is_the_same_in_bulk_and_row_by_row(seed, ledger, monkeypatch, in_parts):
    made = world(seed)
    recorder = Recorder(ledger, load(made["workspace"]), actor=Actor("t"), clock=lambda: NOW)
    recorder.record(drafts(made["records"]))
    rng = random.Random(seed)
    checks = [link.seq for link in ledger.links(kind="check")]
    voided = sorted(rng.sample(checks, min(3, len(checks))))
    for seq in voided:
        try:
            recorder.void(seq, reason="wrong")
        except LedgerError:
            continue
    last = ledger.position().seq
    days = sorted(day for (day,) in ledger.rows("SELECT day FROM checks"))
    middle = date.fromisoformat(days[len(days) // 2]) if days else date(2026, 10, 1)
    for asked in (
        {}, {"at": last}, {"at": last // 2}, {"at": 0}, {"after": last // 3}, {"first": middle}, {"last": middle},
        {"first": middle, "last": middle}, {"at": last - 1, "after": 3, "first": middle}, {"after": last},
    ):  # fmt: skip
        see_same(*both(monkeypatch, ledger, **asked))


@pytest.mark.parametrize("seed", range(6))
def test_nasty_texts_and_numbers_are_the_same_in_bulk_and_row_by_row(seed, ledger, monkeypatch, in_parts):
    rng = random.Random(seed)
    seqs = nasty(ledger, rng, rows=200, odd=3 if seed % 2 else 0)
    see_same(*both(monkeypatch, ledger))
    void(ledger, rng.sample(seqs, 20))
    see_same(*both(monkeypatch, ledger))
    see_same(*both(monkeypatch, ledger, at=seqs[120]))


def test_nasty_texts_are_the_same_in_one_part(ledger, monkeypatch):
    nasty(ledger, random.Random(5), rows=500)
    see_same(*both(monkeypatch, ledger))


def test_an_empty_ledger_has_the_columns_and_types_of_an_empty_table(ledger, monkeypatch):
    bulk, rows = both(monkeypatch, ledger)
    see_same(bulk, rows)
    see_same(bulk, [frames.empty(getattr(frames, name.upper())) for name in READ])


@pytest.mark.parametrize("fault", ["_whose", "_cut", "_microseconds"])
def test_a_fault_in_reading_a_list_is_seen(fault, ledger, monkeypatch, in_parts):
    """A negative control: the comparison fails where texts come into other rows, or are cut at a wrong quote."""
    nasty(ledger, random.Random(1), rows=200)
    right = getattr(columns, fault)
    wrong = {
        "_whose": lambda *given: right(*given)[::-1],
        "_cut": lambda text, rows: right(text.replace(b"\\u0000", b"\\u0001"), rows),
        "_microseconds": lambda cut: right(cut) + 1,
    }
    monkeypatch.setattr(columns, fault, wrong[fault])
    with pytest.raises(AssertionError):
        see_same(*both(monkeypatch, ledger))


def test_rows_that_do_not_come_in_order_are_not_taken():
    one, two = columns.Wholes(), columns.Wholes()
    one.take(b"[1,2,2,3]", 4)
    two.take(b"[1,1,2,1]", 4)
    frames._see_order([one, two])
    with pytest.raises(ValueError):
        frames._see_order([one])
    with pytest.raises(ValueError):
        frames._see_order([two, one])


@pytest.mark.parametrize("column", ["place", "id"])
def test_a_text_that_is_not_utf_8_is_told_as_ever(column, ledger):
    nasty(ledger, random.Random(2), rows=3)
    names = [one.name for one in tables.checks.columns]
    said = {"entry": "0", "checked_at": f"'{MOMENTS[0]}'", "day": f"'{DAYS[0]}'", column: "CAST(X'61FF' AS TEXT)"}
    with sqlite3.connect(ledger.file) as raw:
        raw.execute(f"INSERT INTO checks SELECT {', '.join(said.get(name, '1') for name in names)}")
    raw.close()
    with pytest.raises(ProofError, match="not UTF-8"):
        frames.checks(ledger)


def test_days_are_those_that_pandas_reads():
    days = [*DAYS, *map(str, pd.date_range("1999-12-25", periods=900).date)]
    theirs = pd.to_datetime(pd.Series(days, dtype="object"), format="%Y-%m-%d").astype("datetime64[s]")
    assert (columns.read_days(days) == theirs.to_numpy()).all()


@pytest.mark.parametrize(
    "day", ["2026", "2026-10", "2026-10-5", "2026-02-29", "2026-10-05T00", "someday", "", "２026-10-05"]
)
def test_what_is_no_day_is_refused(day):
    with pytest.raises(ValueError):
        columns.read_days(["2026-10-05", day])


def test_lists_that_are_too_long_for_sqlite_are_read_row_by_row(ledger, monkeypatch):
    nasty(ledger, random.Random(3), rows=300)
    before = both(monkeypatch, ledger)[0]
    ledger._store._raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1500)
    with pytest.raises(AssertionError, match="the other way was taken"):
        both(monkeypatch, ledger)
    see_same([read(ledger) for read in READ.values()], before)


def test_only_the_columns_asked_for_are_read_in_the_order_asked(ledger):
    nasty(ledger, random.Random(4), rows=20)
    asked = list[str]()
    ledger._store._raw.set_trace_callback(asked.append)
    frame = frames.checks(ledger, columns=["role", "project"])
    ledger._store._raw.set_trace_callback(None)
    whole = frames.checks(ledger)
    assert list(frame.columns) == ["role", "project"]
    pd.testing.assert_frame_equal(frame, whole[["role", "project"]])
    assert not [one for one in asked if "inspector" in one]
    assert [one for one in asked if "project" in one]


def test_a_column_that_a_table_does_not_have_is_refused(ledger):
    with pytest.raises(UsageError, match="table findings has no column color"):
        frames.findings(ledger, columns=["id", "color"])


def test_frames_are_read_while_this_thread_holds_the_ledger(ledger, in_parts):
    nasty(ledger, random.Random(6), rows=50)
    with ledger.held(), ledger.reading():
        inside = [read(ledger) for read in READ.values()]
    see_same(inside, [read(ledger) for read in READ.values()])


def test_rows_of_days_and_of_later_entries_are_those_of_the_whole(store):
    made = world(3)
    with open_ledger(store, create=True, now=NOW) as ledger:
        Recorder(ledger, load(made["workspace"]), actor=Actor("t"), clock=lambda: NOW).record(drafts(made["records"]))
        checks, findings, rounds = (read(ledger) for read in READ.values())
        first, last = (checks["day"].quantile(share).date() for share in (0.3, 0.6))
        after = int(checks["entry"].iloc[len(checks) // 4])
        mine = checks[checks["day"].between(str(first), str(last))]
        assert 0 < len(mine) < len(checks)
        days = {"first": first, "last": last}
        assert list(frames.checks(ledger, **days)["id"]) == list(mine["id"])
        assert list(frames.findings(ledger, **days)["id"]) == list(
            findings["id"][findings["entry"].isin(mine["entry"])]
        )
        own = rounds[rounds["day"].between(str(first), str(last))]
        assert list(frames.verifications(ledger, **days)["entry"]) == list(own["entry"])
        late = frames.checks(ledger, after=after, **days)["entry"]
        assert list(late) == list(mine["entry"][mine["entry"] > after])
        for read, whole in zip(READ.values(), (checks, findings, rounds), strict=True):
            assert list(read(ledger, after=after)["entry"]) == list(whole["entry"][whole["entry"] > after])


@pytest.fixture
def at_work(folder):
    """A workspace with the definitions and the ledger of a random world."""

    def made(seed, **traceability):
        one = world(seed)
        if traceability:
            one["workspace"].setdefault("policy", {})["traceability"] = traceability
        workspace = Workspace(folder)
        workspace.__dict__["definitions"] = found = load(one["workspace"])
        with workspace.ledger(create=True, now=NOW) as ledger:
            Recorder(ledger, found, actor=Actor("t"), clock=lambda: NOW).record(drafts(one["records"]))
        return workspace, one["queries"]

    return made


def figures(workspace, queries, rows):
    """Every indicator by every grouping that is asked of a world, and by inspector, as plain rows."""
    asked = [*queries, *((period, ("inspector",), None) for period, *_ in queries)]
    return [
        list(metrics.indicators(workspace.definitions, *rows[:3], period, by=by, as_of=NOW).itertuples(index=False))
        for period, by, _ in asked
    ]


def shares(workspace, queries, rows):
    return [workspace.self_verified(period, as_of=NOW, tables=rows) for period, *_ in queries]


DEMANDED = [
    *({"check": [field], "finding": ["fault"]} for field in CHECK_FIELDS),
    *({"check": ["checked_at"], "finding": [field]} for field in FINDING_FIELDS),
]


@pytest.mark.parametrize(
    ("seed", "traceability"), [*((seed, {}) for seed in range(4)), *((0, one) for one in DEMANDED)]
)
def test_the_columns_that_are_counted_give_the_figures_of_all_columns(seed, traceability, at_work):
    workspace, queries = at_work(seed, **traceability)
    queries = queries[:1] if traceability else queries
    few, whole = workspace.tables(counted=True), workspace.tables()
    assert str(figures(workspace, queries, few)) == str(figures(workspace, queries, whole))
    assert shares(workspace, queries, few) == shares(workspace, queries, whole)


def test_a_column_too_few_is_seen(at_work, monkeypatch):
    """A negative control: figures differ where a column that counts is not read."""
    workspace, queries = at_work(0)
    whole = workspace.tables()
    fewer = {**frames.COUNTED, "checks": tuple(name for name in frames.COUNTED["checks"] if name != "sample_size")}
    monkeypatch.setattr(frames, "COUNTED", fewer)
    assert str(figures(workspace, queries, workspace.tables(counted=True))) != str(figures(workspace, queries, whole))
