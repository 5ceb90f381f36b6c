"""Writes beside each faulty file of tests/bad, bad_records and bad_templates what is said of it now, in both languages.

Read the difference, then commit. --new writes only what has no words yet.
"""

import sys

import test_bad_files
import test_bad_records
import test_bad_templates


def main():
    """Rewrite the words of every case."""
    for corpus, cases in (
        (test_bad_files, test_bad_files.CASES),
        (test_bad_records, test_bad_records.FILES),
        (test_bad_templates, test_bad_templates.CASES),
    ):
        for case in cases:
            if "--new" in sys.argv and (corpus.BAD / f"{case}.en").exists():
                continue
            for language, text in corpus.words(case)[0].items():
                (corpus.BAD / f"{case}.{language}").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
