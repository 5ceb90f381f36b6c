"""The corpus of faulty definitions in tests/bad: each file or folder with the exact words that `qpi check` says of it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from qpi import calendar, definitions, strictyaml
from qpi.workspace import Workspace

BAD = Path(__file__).parent / "bad"
CASES = sorted(path.stem for path in BAD.glob("*.expected"))
EDITION = """\
catalogue: service
edition: "1"
title: 物业
effective_from: 2026-01-01
groups:
  - name: one
    scope: {type: [residential]}
    frequency: {supervisor: 1/month}
    points:
      - {code: KF-001, text: one}
"""
PORTFOLIO = "projects: [{id: P01, name: one}]"


def judged(case, monkeypatch):
    """All problems of a case: of a folder as a workspace, of a file beside good ones."""
    monkeypatch.chdir(BAD / case if (BAD / case).is_dir() else BAD)
    if (BAD / case).is_dir():
        return Workspace().check()
    bad = strictyaml.read(Path(f"{case}.yaml"))
    edition, portfolio = (
        strictyaml.parse(EDITION.encode(), "edition.yaml"),
        strictyaml.parse(PORTFOLIO.encode(), "portfolio.yaml"),
    )
    zone = calendar.zone("Asia/Shanghai")
    if case.startswith("edition-"):
        return definitions.build([bad], None, None, zone)[1]
    if case.startswith("portfolio-"):
        return definitions.build([edition], bad, None, zone)[1]
    return definitions.build([edition], portfolio, bad, zone)[1]


@pytest.mark.parametrize("case", CASES)
def test_a_faulty_file_gets_exactly_these_words(case, monkeypatch):
    started = time.process_time()
    said = "".join(f"{problem}\n" for problem in judged(case, monkeypatch))
    assert time.process_time() - started < 0.5
    assert said == (BAD / f"{case}.expected").read_text(encoding="utf-8")


def test_every_faulty_file_has_its_words_and_no_words_stand_alone():
    there = {path.stem for path in BAD.iterdir() if path.suffix == ".yaml" or path.is_dir()}
    assert there == set(CASES)
    assert len(CASES) >= 70


def test_every_message_has_a_fault_and_a_remedy():
    for path in BAD.glob("*.expected"):
        for line in path.read_text(encoding="utf-8").splitlines():
            place, _, rest = line.partition(": ")
            assert place.split(":")[0].endswith(".yaml") or place == "checklists", line
            assert "; " in rest, line


def test_the_files_that_the_corpus_is_judged_beside_are_good(monkeypatch):
    """A negative control: the words come from the faulty file."""
    documents = (
        strictyaml.parse(EDITION.encode(), "edition.yaml"),
        strictyaml.parse(PORTFOLIO.encode(), "portfolio.yaml"),
    )
    assert definitions.build([documents[0]], documents[1], None, calendar.zone("UTC"))[1] == []


def test_the_command_prints_every_problem_and_exits_with_1(monkeypatch):
    run = subprocess.run(
        [sys.executable, "-m", "qpi", "check", "-w", "."], cwd=BAD / "all-files-faulty", capture_output=True
    )
    assert run.returncode == 1
    assert run.stdout == b""
    assert run.stderr == (BAD / "all-files-faulty.expected").read_bytes()
