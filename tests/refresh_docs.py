"""Writes into the docs what the code says: helps, columns, rooms, and the outputs of README and tutorial.

Run `python tests/refresh_docs.py` after a change, read the difference, and commit it with the change.
"""

import os
import re
import tempfile
from pathlib import Path

import pytest
from sqlalchemy.dialects import sqlite

import test_docs
import test_layers
from qpi import tables
from test_docs import ROOT, follow, help_of, masked, page, run


def rewrite(name, *changes):
    """Put each new text where its pattern is found in a page; the pattern keeps what stands in its first group."""
    text = page(name)
    for pattern, new in changes:
        text, count = re.subn(pattern, lambda found, new=new: found[1] + new, text, count=1, flags=re.DOTALL)
        assert count, (name, pattern)
    (ROOT / name).write_text(text, encoding="utf-8", newline="\n")


def of_help(path):
    name = " ".join(path)
    return rf"(\$ {re.escape(name)} --help\n).*?(?=\n```)", help_of(path)


def of_columns(table):
    kinds = [column.type.compile(dialect=sqlite.dialect()) for column in table.columns]
    lines = [
        f"| `{column.name}` | {kind} | {'yes' if column.nullable else ''} | {column.comment} |"
        for column, kind in zip(table.columns, kinds, strict=True)
    ]
    return rf"(### `{table.name}`\n\n\| column [^\n]*\n[^\n]*\n).*?(?=\n\n)", "\n".join(lines)


def of_rooms():
    rooms = {room: lower for room, lower in test_layers.ROOMS.items() if not room.startswith("__")}
    lines = [f"| `{room}` | {', '.join(lower) or '—'} |" for room, lower in rooms.items()]
    return r"(\| room [^\n]*\n[^\n]*\n).*?(?=\n\n)", "\n".join(lines)


def sessions(name, patch):
    """Fill in what each session of a page prints; a session that ends in ... keeps its length."""
    text = page(name)
    for line, shown, found in follow(text, patch):
        kept = found
        if shown.endswith("...\n"):
            kept = "".join(found.splitlines(keepends=True)[: shown.count("\n") - 1]) + "...\n"
        if masked(kept) != masked(shown):
            text = text.replace(f"$ {line}\n{shown}```", f"$ {line}\n{kept}```", 1)
    (ROOT / name).write_text(text, encoding="utf-8", newline="\n")


def demo(patch):
    """Return the pattern and the lines of the demo's session: totals, the first rows by project, the notices."""
    lines = run("qpi demo demo", patch).splitlines()
    total = next(i for i, line in enumerate(lines) if line.startswith("source:"))
    project = next(i for i, line in enumerate(lines) if "--by project" in line)
    notices = [line for line in lines if line.startswith("notice of")]
    shown = ["...", *lines[:total], "...", *lines[project : project + 6], "...", *notices, "..."]
    return r"(\$ make demo\n).*?(?=\n```)", "\n".join(shown)


def main():
    """Refresh every page in a folder of its own, on the day of the docs."""
    rewrite("docs/cli.md", *(of_help(path) for path, _ in test_docs.commands()))
    rewrite("docs/ledger.md", *(of_columns(table) for table in (tables.entry, *tables.TYPED)))
    rewrite("docs/architecture.md", of_rooms())
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        test_docs.on_the_day_of_the_docs(patch, folder)
        rewrite("README.md", of_help(("qpi",)), demo(patch))
        sessions("docs/comparing.md", patch)
        Path("records").mkdir()
        sessions("docs/tutorial.md", patch)
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
