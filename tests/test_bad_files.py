"""The corpus of faulty definitions in tests/bad: each file or folder with the exact words that `qpi check` says of it.

`tests/refresh_bad.py` writes the words of new cases; they are read before they are kept.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qpi import calendar, definitions, strictyaml
from qpi.messages import LANGUAGES
from qpi.workspace import Workspace

BAD = Path(__file__).parent / "bad"
CASES = sorted(path.stem for path in BAD.iterdir() if path.suffix == ".yaml" or path.is_dir())
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


def judged(case):
    """All problems of a case, seen from tests/bad: of a folder as a workspace, of a file beside good ones."""
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


def words(case):
    """What is said of a case, by language, and how long judging it took in seconds of the processor."""
    was = Path.cwd()
    os.chdir(BAD / case if (BAD / case).is_dir() else BAD)
    try:
        started = time.process_time()
        problems = judged(case)
        took = time.process_time() - started
        return {language: "".join(f"{one.text(language)}\n" for one in problems) for language in LANGUAGES}, took
    finally:
        os.chdir(was)


@pytest.mark.parametrize("case", CASES)
def test_a_faulty_file_gets_exactly_these_words_in_both_languages(case):
    said, took = words(case)
    assert took < 0.5
    for language, text in said.items():
        assert text, case
        assert text == (BAD / f"{case}.{language}").read_text(encoding="utf-8")


def test_there_are_at_least_120_faulty_files_and_no_words_stand_alone():
    assert len(list(BAD.glob("*.yaml"))) >= 120
    for language in LANGUAGES:
        assert sorted(path.stem for path in BAD.glob(f"*.{language}")) == CASES


@pytest.mark.parametrize(("language", "parting"), [("en", "; "), ("zh", "；")])
def test_every_message_has_a_place_a_fault_and_a_remedy(language, parting):
    for path in BAD.glob(f"*.{language}"):
        for line in path.read_text(encoding="utf-8").splitlines():
            place, _, rest = line.partition(": ")
            assert place.split(":")[0].endswith(".yaml") or place == "checklists", line
            assert parting in rest, line


def test_both_languages_say_as_much():
    for case in CASES:
        chinese, english = ((BAD / f"{case}.{language}").read_text(encoding="utf-8") for language in ("zh", "en"))
        places = [[line.partition(": ")[0] for line in text.splitlines()] for text in (chinese, english)]
        assert places[0] == places[1], case


def test_the_files_that_the_corpus_is_judged_beside_are_good(monkeypatch):
    """A negative control: the words come from the faulty file."""
    documents = (
        strictyaml.parse(EDITION.encode(), "edition.yaml"),
        strictyaml.parse(PORTFOLIO.encode(), "portfolio.yaml"),
    )
    assert definitions.build([documents[0]], documents[1], None, calendar.zone("UTC"))[1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_command_prints_every_problem_and_exits_with_1(language):
    run = subprocess.run(
        [sys.executable, "-m", "qpi", "check", "-w", ".", "--lang", language],
        cwd=BAD / "all-files-faulty", capture_output=True,
    )  # fmt: skip
    assert run.returncode == 1
    assert run.stdout == b""
    assert run.stderr == (BAD / f"all-files-faulty.{language}").read_bytes()
