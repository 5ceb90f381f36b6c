"""F9: faulty files made by hand; each is refused with exactly the words that stand beside it, in both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import test_bad_files
import test_bad_records
import test_bad_templates
from inputs import CHECK, json_lines
from torture.figures import Figure, Run, folder

AIM = 250
CORPORA = {
    "definitions": (test_bad_files, test_bad_files.CASES),
    "records": (test_bad_records, test_bad_records.FILES),
    "templates": (test_bad_templates, test_bad_templates.CASES),
}


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of the corpora; they are small, and run whole whatever the size."""
    faults, counts = [], {}
    for name, (corpus, cases) in CORPORA.items():
        for case in cases:
            try:
                told, _ = corpus.words(case)
                for language, text in told.items():
                    if text != (corpus.BAD / f"{case}.{language}").read_text(encoding="utf-8"):
                        faults.append(f"{name} {case}: other words in {language}")
            except (Exception, pytest.fail.Exception) as error:
                faults.append(f"{name} {case}: {error!r}")
            counts[name] = counts.get(name, 0) + 1
            run.tell(f"F9: {sum(counts.values())} files")
    seen = _control()
    yield Figure(
        "F9",
        "faulty files made by hand, refused with exact words and places, the ledger as it was",
        "files",
        AIM,
        sum(counts.values()),
        tuple(faults) or (() if seen else ("a good file passes for a faulty one",)),
        ", ".join(f"{number} of {name}" for name, number in counts.items()),
        ("a file without a fault",) if seen else (),
    )


def _control() -> bool:
    """Whether a file that is not refused is seen."""
    with folder() as made:
        good = json_lines(Path(made) / "good.jsonl", {**CHECK, "id": "c-2"})
        try:
            test_bad_records.words(str(good))
        except pytest.fail.Exception:
            return True
    return False
