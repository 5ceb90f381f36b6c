"""The corpus of hostile and faulty templates in tests/bad_templates: each with the exact words that are said of it.

`tests/refresh_bad.py` writes the words of new cases; they are read before they are kept.
"""

import os
import time
from pathlib import Path

import pytest

from qpi.messages import LANGUAGES
from qpi.render import TemplateError, render
from test_render import notice

BAD = Path(__file__).parent / "bad_templates"
CASES = sorted(path.stem for path in BAD.glob("*.html"))


def words(case):
    """What is said of a template, by language, and the seconds it took."""
    was = Path.cwd()
    os.chdir(BAD)
    try:
        started = time.process_time()
        with pytest.raises(TemplateError) as refused:
            notice(f"{case}.html", own=Path())
        took = time.process_time() - started
    finally:
        os.chdir(was)
    # The folder is told with its whole path, which is another on each machine.
    told = {language: refused.value.text(language).replace(f"{BAD}{os.sep}", "") for language in LANGUAGES}
    return {language: f"{text.replace(str(BAD), BAD.name)}\n" for language, text in told.items()}, took


@pytest.mark.parametrize("case", CASES)
def test_a_faulty_template_gets_exactly_these_words_in_both_languages(case):
    said, took = words(case)
    assert took < 0.5
    for language, text in said.items():
        assert text == (BAD / f"{case}.{language}").read_text(encoding="utf-8")


def test_there_are_at_least_45_faulty_templates_and_no_words_stand_alone():
    assert len(CASES) >= 45
    for language in LANGUAGES:
        assert sorted(path.stem for path in BAD.glob(f"*.{language}")) == CASES


def test_every_refusal_names_a_file_and_a_line():
    for path in BAD.glob("*.en"):
        text = path.read_text(encoding="utf-8")
        file, line, _ = text.split(":", 2)
        assert (BAD / file).exists(), text
        assert line.isdigit(), text
        assert "root:" not in text
        assert "; " in text


def test_a_template_without_a_fault_is_filled(tmp_path):
    """A negative control: what is refused is refused for its fault."""
    (tmp_path / "good.html").write_text("{{ notice.id }}", encoding="utf-8")
    assert render("good.html", {"notice": {"id": "n-1"}}, own=tmp_path) == "n-1"
