"""The core alone: without any optional library a ledger gives the same indicators, and each extra is asked for by name."""

import os
import subprocess
import sys

import pytest

OPTIONAL = ("pyarrow", "duckdb", "polars", "pyspark", "ibis", "dask")
BLOCKED = f"""\
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""
LOADED = f"""
import atexit
import sys

def say():
    sys.stderr.write("loaded: " + " ".join(sorted({set(OPTIONAL)!r} & sys.modules.keys())) + "\\n")

atexit.register(say)
"""
RUN = "from qpi import cli\ncli.main()\n"


def qpi(*arguments, before, folder):
    """Run the command line in a process of its own, after another program."""
    return subprocess.run(
        [sys.executable, "-c", before + RUN, *arguments, "--workspace", str(folder)],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": ""},
        check=False,
    )


@pytest.mark.parametrize("by", [(), ("--by", "project", "--by", "inspector"), ("--by", "role", "--by", "month")])
def test_without_the_optional_libraries_a_ledger_gives_the_same_indicators(recorded, by):
    asked = ("metrics", "2026-10", *by, "--as-of", "2026-11-01", "--format", "json")
    alone = qpi(*asked, before=BLOCKED + LOADED, folder=recorded.folder)
    assert (alone.returncode, alone.stderr.splitlines()[-1]) == (0, "loaded: ")
    with_all = qpi(*asked, before="", folder=recorded.folder)
    assert alone.stdout == with_all.stdout
    assert '"closure"' in alone.stdout


@pytest.mark.parametrize("asked", [("explain", "2026-10", "coverage"), ("rank", "2026-10", "coverage"), ("check",),
                                   ("notice", "render", "2026-10", "-o", "notices"), ("ledger", "verify")])  # fmt: skip
def test_without_the_optional_libraries_nothing_else_fails(recorded, monkeypatch, asked):
    monkeypatch.chdir(recorded.folder)
    done = qpi(*asked, before=BLOCKED, folder=recorded.folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == qpi(*asked, before="", folder=recorded.folder).stdout


@pytest.mark.parametrize("asked", [("export", "out"), ("metrics", "2026-10", "--from", "out")])
def test_what_needs_an_extra_names_it(recorded, monkeypatch, asked):
    monkeypatch.chdir(recorded.folder)
    done = qpi(*asked, before=BLOCKED, folder=recorded.folder)
    assert done.returncode == 2
    assert "install 'qpi[parquet]'" in done.stderr
    assert not (recorded.folder / "out").exists()


def test_what_a_command_loads_is_seen(recorded, monkeypatch):
    """A negative control: an export loads pyarrow and its indicators load DuckDB, and the same list says so."""
    monkeypatch.chdir(recorded.folder)
    written = qpi("export", "out", before=LOADED, folder=recorded.folder)
    assert "pyarrow" in written.stderr.splitlines()[-1]
    read = qpi("metrics", "2026-10", "--from", "out", before=LOADED, folder=recorded.folder)
    assert "duckdb" in read.stderr.splitlines()[-1]


def test_from_a_ledger_no_engine_is_loaded_though_it_is_there(recorded):
    """pandas loads pyarrow by itself; the others cost time at the start and are not needed."""
    done = qpi("metrics", "2026-10", before=LOADED, folder=recorded.folder)
    assert done.stderr.splitlines()[-1] in ("loaded: ", "loaded: pyarrow")
