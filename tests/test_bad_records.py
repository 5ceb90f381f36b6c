"""The corpus of faulty files of records in tests/bad_records: each with the exact words that an import says of it, and the ledger as before.

`tests/refresh_bad.py` writes the words of new cases; they are read before they are kept.
"""

import os
import tempfile
import time
from pathlib import Path

import pytest

from inputs import CHECK, VERIFICATION, digest, found, new_ledger, recorder_of
from qpi.errors import RecordError
from qpi.intake import open_file
from qpi.messages import LANGUAGES
from support import FAST

BAD = Path(__file__).parent / "bad_records"
FILES = sorted(path.name for path in BAD.iterdir() if path.suffix not in (".en", ".zh"))
DEFINITIONS = found()


def words(file):
    """What is said of a file beside a ledger with a check and its verification, by language, and the seconds it took."""
    was = Path.cwd()
    with tempfile.TemporaryDirectory(dir=FAST) as folder, new_ledger(Path(folder)) as ledger:
        recorder = recorder_of(ledger, DEFINITIONS)
        recorder.record([CHECK, VERIFICATION])
        position, before = ledger.position(), digest(Path(ledger.file))
        os.chdir(BAD)
        try:
            started = time.process_time()
            with pytest.raises(RecordError) as refused:
                recorder.record(open_file(Path(file), DEFINITIONS).drafts)
            took = time.process_time() - started
        finally:
            os.chdir(was)
        assert (ledger.position(), digest(Path(ledger.file))) == (position, before)
        assert ledger.verify() == []
    return {language: f"{refused.value.text(language)}\n" for language in LANGUAGES}, took


@pytest.mark.parametrize("file", FILES)
def test_a_faulty_file_of_records_gets_exactly_these_words_and_leaves_the_ledger_as_it_was(file):
    said, took = words(file)
    assert took < 0.5
    for language, text in said.items():
        assert text == (BAD / f"{file}.{language}").read_text(encoding="utf-8")


def test_there_are_at_least_200_faulty_files_of_records_and_no_words_stand_alone():
    assert len(FILES) >= 200
    for language in LANGUAGES:
        assert sorted(path.stem for path in BAD.glob(f"*.{language}")) == FILES


@pytest.mark.parametrize(("language", "parting"), [("en", "; "), ("zh", "；")])
def test_every_message_names_its_file_and_a_remedy(language, parting):
    for path in BAD.glob(f"*.{language}"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert line.startswith(path.stem), line
            assert parting in line, line


def test_both_languages_name_the_same_places():
    for file in FILES:
        chinese, english = ((BAD / f"{file}.{language}").read_text(encoding="utf-8") for language in ("zh", "en"))
        places = [[line.partition(": ")[0] for line in text.splitlines()] for text in (chinese, english)]
        assert places[0] == places[1], file


def test_the_records_that_the_corpus_is_judged_beside_are_good():
    """A negative control: what is refused is refused for its fault."""
    with tempfile.TemporaryDirectory(dir=FAST) as folder, new_ledger(Path(folder)) as ledger:
        good = {**CHECK, "id": "c-1"}, {**VERIFICATION, "verified_at": "2026-10-16T10:00:00+08:00"}
        assert recorder_of(ledger, DEFINITIONS).record([CHECK, *good]).recorded == 3
