"""Proofs of an export: whatever a file holds that the ledger does not is found, also where the manifest fits it."""

import random
from datetime import timedelta

import pytest

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

import pyarrow as pa
from pyarrow import parquet as pq

from qpi import export as exports
from qpi import extracts, manifest, parquet, proofs
from support import NOW
from test_export import growing, stages
from worlds import world


@pytest.fixture
def grown(tmp_path):
    """A ledger whose export was brought up to date several times, what was voided and corrected meanwhile included."""
    made, out, rng = world(2), tmp_path / "out", random.Random(2)
    with growing(tmp_path / "ledger.db", made) as (ledger, recorder):
        for _ in stages(recorder, made["records"], rng):
            exports.export(ledger, out, now=NOW)
        yield ledger, recorder, out


def forged(out, part, change, *given):
    """Put other rows into a file, and a manifest beside it that fits them."""
    path = out / part.path
    rows = change(pq.ParquetFile(path).read(), *given)
    writing = parquet.Writing(path, manifest.TABLES[part.table])
    writing.add(rows)
    writing.close()
    kept = manifest.of(out)
    fitting = part._replace(size=path.stat().st_size, sha256=manifest.digest(path), rows=rows.num_rows)
    made = kept._replace(parts=tuple(fitting if one == part else one for one in kept.parts))
    (out / manifest.NAME).write_text(manifest.text_of(made), encoding="utf-8")
    assert manifest.faults(out, manifest.of(out), whole=True) == []
    return path


def with_cell(rows, row, name, value):
    cells = rows[name].to_pylist()
    cells[row] = value
    return rows.set_column(
        rows.column_names.index(name), rows.schema.field(name), pa.array(cells, rows.schema.field(name).type)
    )


def other(value, kind):
    if value is None:
        return {pa.int64(): 1, pa.string(): ""}.get(kind, NOW if pa.types.is_timestamp(kind) else NOW.date())
    if pa.types.is_date(kind):
        return value.replace(day=28 if value.day != 28 else 27)
    if pa.types.is_timestamp(kind):
        return value + timedelta(microseconds=1)
    return value + 1 if kind == pa.int64() else f"{value} "


def test_an_export_that_grew_is_what_the_ledger_has(grown):
    ledger, _, out = grown
    assert len({(part.first, part.last) for part in manifest.of(out).parts}) > 1
    assert proofs.verify(out, ledger)[1] == []


@pytest.mark.parametrize("step", [1, 3, 20_000])
def test_however_few_rows_are_read_at_a_time(grown, monkeypatch, step):
    ledger, _, out = grown
    monkeypatch.setattr(extracts, "STEP", step)
    monkeypatch.setattr(parquet, "ROWS", 2)
    assert proofs.verify(out, ledger)[1] == []


@pytest.mark.parametrize("table", manifest.TABLES)
def test_any_cell_that_is_another_is_named_with_its_entry(grown, table):
    ledger, _, out = grown
    part = max((p for p in manifest.of(out).parts if p.table == table), key=lambda one: one.rows)
    kept, text = (out / part.path).read_bytes(), (out / manifest.NAME).read_text(encoding="utf-8")
    rng = random.Random(1)
    for name in (name for name in manifest.TABLES[table] if name != "entry"):
        row = rng.randrange(part.rows)
        was = pq.ParquetFile(out / part.path).read()
        value, kind = was[name][row].as_py(), was.schema.field(name).type
        path = forged(out, part, with_cell, row, name, other(value, kind))
        (problem,) = proofs.verify(out, ledger)[1]
        assert problem.where.file == str(path)
        assert problem.text("en").endswith(
            f": entry {was['entry'][row].as_py()}: {name} not as in the ledger; put the folder away, and export into an empty one"
        )
        (out / part.path).write_bytes(kept)
        (out / manifest.NAME).write_text(text, encoding="utf-8")
    assert proofs.verify(out, ledger)[1] == []


def test_rows_that_changed_places_with_those_of_another_file_are_found_though_the_numbers_fit(grown):
    """A control: the counts of each month are as in the ledger, which is all that numbers show."""
    ledger, _, out = grown
    part = max((p for p in manifest.of(out).parts if p.table == "checks"), key=lambda one: one.rows)
    path = forged(out, part, lambda rows: pa.concat_tables([rows.slice(0, rows.num_rows - 1), rows.slice(0, 1)]))
    (problem,) = proofs.verify(out, ledger)[1]
    assert problem.where.file == str(path)
    assert ": entry, " in problem.fault


def test_a_row_too_few_and_one_too_many_are_counted_and_other_months_read_all_the_same(grown):
    ledger, _, out = grown
    parts = [p for p in manifest.of(out).parts if p.table == "checks"]
    first, second = parts[0], next(p for p in parts if p.month != parts[0].month)
    forged(out, first, lambda rows: rows.slice(1) if rows.num_rows > 1 else pa.concat_tables([rows, rows]))
    path = forged(out, second, lambda rows: with_cell(rows, 0, "place", "别处"))
    faults = [problem.text("en") for problem in proofs.verify(out, ledger)[1]]
    assert len(faults) == 2
    assert f"checks of {first.month}: " in faults[0]
    assert faults[1].startswith(f"{path}: entry ")


def test_a_file_that_says_to_have_fewer_rows_than_it_has_is_found(grown):
    ledger, _, out = grown
    part = max((p for p in manifest.of(out).parts if p.table == "checks"), key=lambda one: one.rows)
    path = forged(out, part, lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]))
    kept = manifest.of(out)
    parts = tuple(one._replace(rows=part.rows) if one.path == part.path else one for one in kept.parts)
    (out / manifest.NAME).write_text(manifest.text_of(kept._replace(parts=parts)), encoding="utf-8")
    (problem,) = proofs.verify(out, ledger)[1]
    assert problem.text("en").startswith(f"{path}: has rows that are not in the ledger; ")


def test_a_file_that_is_no_parquet_though_its_digest_fits_is_said(grown):
    ledger, _, out = grown
    part = manifest.of(out).parts[0]
    path = out / part.path
    path.write_bytes(b"PAR1 and nothing of it PAR1")
    kept = manifest.of(out)
    fitting = part._replace(size=path.stat().st_size, sha256=manifest.digest(path))
    parts = tuple(fitting if one == part else one for one in kept.parts)
    (out / manifest.NAME).write_text(manifest.text_of(kept._replace(parts=parts)), encoding="utf-8")
    (problem,) = proofs.verify(out, ledger)[1]
    assert problem.text("en").startswith(f"{path}: cannot be read (")
