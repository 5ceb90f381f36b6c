"""Writes beside each faulty file of tests/bad what is said of it now, in both languages; read the difference, then commit."""

from test_bad_files import BAD, CASES, words


def main():
    """Rewrite the words of every case."""
    for case in CASES:
        for language, text in words(case)[0].items():
            (BAD / f"{case}.{language}").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
