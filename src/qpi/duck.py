"""Duck: the tables of an export as relations of DuckDB, which reads their files and nothing else."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from qpi import manifest
from qpi.errors import DataError, UsageError
from qpi.frames import DAY, KEY, MOMENT, TEXT, WHOLE
from qpi.manifest import NAME, TABLES, Manifest
from qpi.messages import said, say

try:
    import duckdb
except ImportError as missing:
    raise UsageError(say("an export is read with DuckDB; pip install 'qpi[parquet]'")) from missing

_TYPES = {TEXT: "VARCHAR", KEY: "VARCHAR", WHOLE: "BIGINT", DAY: "DATE", MOMENT: "TIMESTAMP WITH TIME ZONE"}


class Relations(NamedTuple):
    """The tables of an export, as frames that narwhals takes, and what it says of itself."""

    checks: Any
    findings: Any
    verifications: Any
    manifest: Manifest


@contextmanager
def opened(folder: Path, *, threads: int | None = None, memory_limit: str | None = None) -> Iterator[Relations]:
    """Open an export for the time of a `with`; `memory_limit` reads like `4GB`, and what is more goes to a temporary file.

    Raises DataError where there is no finished export, where a file is missing, has another size, or is not of it, and
    at the end where another program brought it up to date meanwhile.
    """
    kept = manifest.of(folder)
    problems = manifest.faults(folder, kept)
    if problems:
        raise DataError(problems)
    with tempfile.TemporaryDirectory(prefix="qpi-") as spill:
        connection = _connected(spill, threads, memory_limit)
        try:
            checks, findings, verifications = (_relation(connection, folder, kept, table) for table in TABLES)
            yield Relations(checks, findings, verifications, kept)
        except (duckdb.Error, UsageError) as error:
            met = error if isinstance(error, duckdb.Error) else error.__cause__
            if not isinstance(met, duckdb.Error):
                raise
            _refuse_changed(folder, kept)
            # What DuckDB says of a file that it cannot read is of many kinds, and names none.
            problems = manifest.faults(folder, kept, whole=True)
            if problems:
                raise DataError(problems) from error
            if not isinstance(met, duckdb.IOException):
                raise
            fault = say("cannot be read ({reason})", reason=said(met))
            raise manifest.wrong(folder, fault, say("run qpi export {folder} --verify", folder=folder)) from error
        finally:
            connection.close()
    _refuse_changed(folder, kept)


def _connected(spill: str, threads: int | None, memory_limit: str | None) -> "duckdb.DuckDBPyConnection":
    settings: dict[str, Any] = {
        # Nothing is fetched from elsewhere, whatever a file asks for.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": spill,
    }
    if threads is not None:
        settings["threads"] = threads
    if memory_limit is not None:
        settings["memory_limit"] = memory_limit
    try:
        connection = duckdb.connect(":memory:", config=settings)
    except duckdb.Error as error:
        fault = say(
            "DuckDB does not take these settings ({reason}); write threads=2, memory_limit=4GB", reason=said(error)
        )
        raise UsageError(fault) from error
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _relation(connection: Any, folder: Path, kept: Manifest, table: str) -> Any:
    columns = TABLES[table]
    paths = [str(folder / part.path) for part in kept.parts if part.table == table]
    if not paths:
        nothing = ", ".join(f'NULL::{_TYPES[kind]} AS "{name}"' for name, kind in columns.items())
        return connection.sql(f"SELECT {nothing} WHERE false")
    # By the manifest's list, and no column from the names of folders, whose types would be guessed.
    found = connection.read_parquet([_literal(path) for path in paths], hive_partitioning=False)
    _refuse_types(folder / table, dict(zip(found.columns, map(str, found.types), strict=True)), columns)
    return found


def _refuse_types(path: Path, found: Mapping[str, str], columns: Mapping[str, str]) -> None:
    declared = {name: _TYPES[kind] for name, kind in columns.items()}
    if found != declared:
        names = ", ".join(sorted(name for name in {*found, *declared} if found.get(name) != declared.get(name)))
        fault = say("columns {names} are not what the manifest declares", names=names)
        raise manifest.wrong(path, fault, manifest.anew())


def _literal(path: str) -> str:
    """Return a path in which no sign stands for others."""
    return re.sub(r"([*?\[])", r"[\1]", path)


def _refuse_changed(folder: Path, kept: Manifest) -> None:
    if manifest.of(folder) != kept:
        raise manifest.wrong(
            folder / NAME, say("the export was brought up to date while it was read"), say("run this again")
        )


__all__ = ["Relations", "opened"]
