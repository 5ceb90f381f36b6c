"""Brings the catalogue of Chinese messages up to date with the code, and compiles it.

Run `make messages` after a change of words, translate what it lists in src/qpi/locale/zh/LC_MESSAGES/qpi.po, and run it
again. A template that is gone from the code leaves the catalogue.
"""

import ast
import io
import sys
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PACKAGE = Path(__file__).parent.parent / "src" / "qpi"
PO = PACKAGE / "locale" / "zh" / "LC_MESSAGES" / "qpi.po"
OURS = {"say": None, "template": None}
CLICKS = {"_": None, "ngettext": (1, 2)}
SPOKEN = ("core", "decorators", "exceptions", "formatting", "parser", "types")
"""The files of click whose words a person can meet here; the rest are prompts and editors, which we do not use."""


def templates():
    """Every template in the code, with the file that it stands in."""
    found = {}
    for path in sorted(PACKAGE.glob("*.py")):
        with path.open("rb") as file:
            for _, message, _, _ in extract("python", file, keywords=OURS):
                found.setdefault(message, []).append(f"src/qpi/{path.name}")
    return found


def words_of_click():
    """Every word of click's that can be met, single or single and plural."""
    found = {}
    for name in SPOKEN:
        with (Path(click.__file__).parent / f"{name}.py").open("rb") as file:
            for _, message, _, _ in extract("python", file, keywords=CLICKS):
                found.setdefault(message, []).append(f"click/{name}.py")
    return found


def fresh(old):
    """The catalogue of what stands in the code, with the translations of an older one."""
    catalog = Catalog(
        locale="zh_Hans", domain="qpi", project="qpi", charset="utf-8", fuzzy=False, creation_date=old.creation_date,
        revision_date=old.revision_date, last_translator="qpi", language_team="zh", copyright_holder="qpi",
        header_comment="# Words of qpi, and those of click that a person meets, in Chinese.",
    )  # fmt: skip
    for found in (templates(), words_of_click()):
        for message, files in found.items():
            key = message[0] if isinstance(message, tuple) else message
            was = old.get(key)
            string = was.string if was is not None else ("" if isinstance(message, str) else ("",))
            if isinstance(message, tuple) and isinstance(string, str):
                string = (string,)
            catalog.add(message, string=string, locations=[(file, None) for file in sorted(set(files))])
    return catalog


def stored():
    """The catalogue as it is kept."""
    if not PO.exists():
        return Catalog(locale="zh_Hans")
    with PO.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def po_of(catalog):
    """The text of a catalogue."""
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=0, omit_header=False, include_lineno=False)
    return buffer.getvalue()


def mo_of(catalog):
    """The bytes that programs read."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def untranslated(catalog):
    """What has no Chinese yet."""
    return [message.id for message in catalog if message.id and not all((message.string, *message.string[:1]))]


def literal_calls(tree):
    """The calls of `say` in a file whose template is no literal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in OURS:
            if not (node.args and isinstance(node.args[0], ast.Constant)):
                yield node


def main():
    """Rewrite the catalogue, compile it, and list what is to be translated."""
    catalog = fresh(stored())
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(po_of(catalog))
    PO.with_suffix(".mo").write_bytes(mo_of(catalog))
    missing = untranslated(catalog)
    for one in missing:
        print("to be translated:", one)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
