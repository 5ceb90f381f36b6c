"""Stored tallies agree with what is counted afresh, whatever was recorded, voided, corrected or verified since."""

import json
import os
import random

import pandas as pd
import pytest

pytest.importorskip("duckdb")

from qpi import duck, manifest, metrics, stored, verifiers
from qpi import export as exports
from qpi.errors import DataError
from qpi.tally import Rows
from support import NOW, drafts, load, moment
from test_export import FRAMES, growing, stages
from worlds import GROUPINGS, world


def refreshed(ledger, out, found):
    """Bring an export and its tallies up to date; return the months that were counted, and the tallies."""
    kept = exports.export(ledger, out, now=NOW).manifest
    with duck.opened(out, threads=2) as tables:
        counted = stored.refresh(out, found, ledger, Rows(*tables[:3]), kept)
    return counted, stored.Stored(out, stored.read(out))


def fresh(ledger, found, period, by, as_of):
    own = [read(ledger) for read in FRAMES.values()]
    return metrics.counts(found, *own, metrics.period_of(period), by=by, as_of=moment(as_of))


def files(out):
    return {path: path.read_bytes() for path in sorted((out / stored.FOLDER).rglob("*.parquet"))}


@pytest.mark.parametrize("seed", range(40 if os.environ.get("QPI_CI") else 10))
def test_stored_and_fresh_agree_after_whatever_was_recorded_since(tmp_path, seed):
    rng, made = random.Random(seed), world(seed)
    found, out = load(made["workspace"]), tmp_path / "out"
    with growing(tmp_path / "ledger.db", made) as (ledger, recorder):
        for _ in stages(recorder, made["records"], rng):
            before = files(out)
            counted, tallies = refreshed(ledger, out, found)
            after = files(out)
            others = {path for path in before if path.parent.name.removeprefix("month=") not in counted}
            assert all(after.get(path, before[path]) == before[path] for path in others)
            queries = [
                *made["queries"],
                ("2026", tuple(rng.sample(GROUPINGS, 2)), None),
                ("2026-Q3", ("project",), None),
            ]
            for period, by, as_of in queries:
                if not tallies.serves(metrics.moment_of(found, moment(as_of))):
                    continue
                span = metrics.period_of(period)
                mine = metrics.tallied(found, tallies, span, by=by, as_of=moment(as_of))
                assert mine == fresh(ledger, found, period, by, as_of), (period, by, as_of)
                own = [read(ledger) for read in FRAMES.values()]
                share = verifiers.self_verified(found, *own, span, as_of=moment(as_of))
                assert verifiers.of_tally(found, tallies, span, as_of=moment(as_of)) == share


@pytest.fixture
def kept(tmp_path):
    made = world(3)
    found, out = load(made["workspace"]), tmp_path / "out"
    with growing(tmp_path / "ledger.db", made) as (ledger, recorder):
        recorder.record(drafts(made["records"]), accept_good=True)
        refreshed(ledger, out, found)
        yield ledger, recorder, out, found


def test_nothing_new_counts_nothing(kept):
    ledger, _, out, found = kept
    before = files(out)
    assert refreshed(ledger, out, found)[0] == []
    assert files(out) == before


def test_a_void_counts_exactly_its_month_again(kept):
    ledger, recorder, out, found = kept
    check = FRAMES["checks"](ledger).iloc[0]
    recorder.void(int(check["entry"]), reason="录错了")
    before = files(out)
    month = f"{check['day']:%Y-%m}"
    assert refreshed(ledger, out, found)[0] == [month]
    changed = {path.parent.name for path, content in files(out).items() if before.get(path) != content}
    assert changed == {f"month={month}"}


def test_a_later_verification_counts_the_month_of_its_check_again(tmp_path):
    made = world(3)
    found, out = load(made["workspace"]), tmp_path / "out"
    checks = [record for record in made["records"] if "point" in record]
    verified = [record for record in made["records"] if "finding" in record]
    with growing(tmp_path / "ledger.db", made) as (ledger, recorder):
        recorder.record(drafts(checks), accept_good=True)
        refreshed(ledger, out, found)
        recorder.record(drafts(verified[:1]))
        owner = FRAMES["checks"](ledger).set_index("id")["day"][verified[0]["finding"].rpartition("/")[0]]
        assert refreshed(ledger, out, found)[0] == [f"{owner:%Y-%m}"]


def test_other_definitions_count_every_month_again(kept):
    ledger, _, out, _ = kept
    made = world(3)
    policy = {**made["workspace"].get("policy", {}), "mix_minimum": "61"}
    other = load({**made["workspace"], "policy": policy})
    counted, tallies = refreshed(ledger, out, other)
    assert counted == sorted(tallies.kept.months)
    assert len(counted) > 1


def unfixed(definitions):
    """Return plain definitions that ask nothing of anyone: each frequency is said to be no fixed one."""
    if isinstance(definitions, list):
        return [unfixed(one) for one in definitions]
    if isinstance(definitions, dict):
        asks = {"frequency": dict.fromkeys(definitions.get("frequency", {}), "不固定")}
        return {key: unfixed(one) for key, one in definitions.items()} | (asks if "frequency" in definitions else {})
    return definitions


def test_tallies_of_definitions_without_a_duty_are_read_back(tmp_path):
    """Their tables of days name nobody, and come back from Parquet as plain texts, not as codes."""
    made = world(3)
    found, out = load({**made["workspace"], "checklists": unfixed(made["workspace"]["checklists"])}), tmp_path / "out"
    with growing(tmp_path / "ledger.db", made) as (ledger, recorder):
        recorder.record(drafts(made["records"]), accept_good=True)
        counted, tallies = refreshed(ledger, out, found)
        assert counted
        for month in counted:
            mine = metrics.tallied(found, tallies, metrics.period_of(month), by=("role",), as_of=NOW)
            assert mine == fresh(ledger, found, month, ("role",), None)


def test_a_file_of_tallies_that_was_touched_is_refused_and_counted_again(kept):
    ledger, _, out, found = kept
    tallies = stored.Stored(out, stored.read(out))
    path = next(path for path in files(out) if path.name == "looks.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    month = path.parent.name.removeprefix("month=")
    with pytest.raises(DataError, match="is not what was stored; run qpi export, which counts the month again"):
        metrics.tallied(found, tallies, metrics.period_of(month), by=(), as_of=NOW)
    assert refreshed(ledger, out, found)[0] == [month]


def test_a_question_as_of_before_the_last_verification_is_not_answered_from_tallies(kept):
    _, _, out, _ = kept
    tallies = stored.Stored(out, stored.read(out))
    assert tallies.serves(NOW)
    assert not tallies.serves(metrics.moment_of(load(world(3)["workspace"]), moment("2026-01-01")))


def test_the_comparison_sees_a_tally_that_was_not_brought_up_to_date(kept):
    """A negative control: a void that only the ledger knows of must show."""
    ledger, recorder, out, found = kept
    tallies = stored.Stored(out, stored.read(out))
    check = FRAMES["checks"](ledger).iloc[0]
    recorder.void(int(check["entry"]), reason="录错了")
    period = metrics.period_of(f"{check['day']:%Y-%m}")
    mine = metrics.tallied(found, tallies, period, by=(), as_of=NOW)
    assert mine != fresh(ledger, found, period.name, (), None)


def proved(out, found):
    kept = manifest.of(out)
    with duck.opened(out, threads=2) as tables:
        return [problem.text("en") for problem in stored.faults(out, found, Rows(*tables[:3]), kept)]


def forged(out, path, change):
    """Put other counts into a file of tallies, and a manifest beside it that fits them."""
    table = change(pd.read_parquet(path))
    table.to_parquet(path, engine="pyarrow", compression="zstd", index=False)
    said = json.loads((out / stored.FOLDER / stored.NAME).read_text(encoding="utf-8"))
    said["months"][path.parent.name.removeprefix("month=")][path.stem] = manifest.digest(path)
    (out / stored.FOLDER / stored.NAME).write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize("name", stored.TABLES)
def test_tallies_that_are_not_what_the_rows_add_up_to_are_found_though_their_manifest_fits(kept, name):
    ledger, _, out, found = kept
    assert proved(out, found) == []
    path = max((one for one in files(out) if one.stem == name), key=lambda one: len(pd.read_parquet(one)))
    number = {"days": "days", "looks": "checks", "checks": "checks"}.get(name, "findings")
    forged(out, path, lambda table: table.assign(**{number: [table[number][0] + 1, *table[number][1:]]}))
    remedy = f"delete it and run qpi export {out}, which counts the month again"
    assert proved(out, found) == [f"{path}: is not what the rows add up to; {remedy}"]
    path.unlink()
    assert proved(out, found) == [f"{path}: the file is missing; {remedy}"]
    refreshed(ledger, out, found)
    assert proved(out, found) == []


def test_rows_of_tallies_in_another_order_are_the_same_tallies(kept):
    _, _, out, found = kept
    path = max((one for one in files(out) if one.stem == "looks"), key=lambda one: len(pd.read_parquet(one)))
    forged(out, path, lambda table: table.iloc[::-1])
    assert proved(out, found) == []


def test_bytes_and_the_last_verification_of_tallies_are_proved_too(kept):
    ledger, _, out, found = kept
    path = next(path for path in files(out) if path.name == "looks.parquet")
    before = path.read_bytes()
    path.write_bytes(before[:-1] + b"x")
    assert proved(out, found)[0].startswith(f"{path}: is not what was stored; ")
    path.write_bytes(before)
    place = out / stored.FOLDER / stored.NAME
    said = json.loads(place.read_text(encoding="utf-8"))
    place.write_text(json.dumps({**said, "latest": "2026-01-01T00:00:00+00:00"}), encoding="utf-8")
    (fault,) = proved(out, found)
    assert fault.startswith(f"{place}: names another last second verification than that of the rows; ")
    place.unlink()
    assert proved(out, found) == []


def test_a_manifest_of_tallies_that_cannot_be_read_is_none(kept):
    _, _, out, _ = kept
    (out / stored.FOLDER / stored.NAME).write_text(json.dumps({"seq": 1}), encoding="utf-8")
    assert stored.read(out) is None
