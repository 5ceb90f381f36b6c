"""Who may import whom: imports go downwards, and optional or heavy libraries stay in the rooms named here."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "qpi"

# From the ground up: a room may import those named beside it and, through them, all below.
ROOMS = {
    "messages": (),
    "errors": ("messages",),
    "text": ("messages",),
    "labels": (),
    "listing": (),
    "calendar": ("messages",),
    "document": ("errors", "text"),
    "strictyaml": ("document",),
    "shapes": (),
    "schema": ("document", "calendar", "shapes"),
    "config": ("schema",),
    "checklist": ("schema",),
    "portfolio": ("checklist",),
    "policy": ("checklist",),
    "lint": ("checklist",),
    "definitions": ("lint", "portfolio", "policy"),
    "terms": ("policy",),
    "keys": ("config", "portfolio", "policy"),
    "jsonschemas": ("keys", "terms"),
    "shipped": (),
    "scaffold": ("jsonschemas", "shipped"),
    "fields": ("calendar", "text"),
    "entries": ("errors", "fields"),
    "rules": ("definitions", "entries"),
    "drafts": ("definitions", "entries", "terms"),
    "csvfile": ("drafts",),
    "jsonlines": ("drafts",),
    "naming": ("drafts",),
    "intake": ("csvfile", "jsonlines", "naming"),
    "chain": ("messages",),
    "tables": ("chain", "entries"),
    "store": ("tables",),
    "places": ("errors",),
    "sqlitefile": ("store", "places"),
    "pgtables": ("tables",),
    "postgresql": ("store", "pgtables"),
    "ledger": ("sqlitefile", "postgresql"),
    "differences": ("entries",),
    "repeats": ("ledger",),
    "disk": (),
    "lock": ("errors",),
    "images": ("errors",),
    "evidence": ("disk", "images", "policy"),
    "stamp": ("rules", "ledger"),
    "corrections": ("stamp", "differences"),
    "custody": ("stamp", "evidence"),
    "recorder": ("corrections", "custody", "repeats"),
    "exhibits": ("evidence", "repeats"),
    "amendments": ("jsonlines",),
    "receipts": ("entries", "chain"),
    "audit": ("ledger", "receipts", "evidence"),
    "transfer": ("ledger",),
    "backup": ("audit", "transfer", "disk"),
    "migration": ("backup",),
    "duties": ("definitions",),
    "workload": ("duties",),
    "changes": ("workload", "labels"),
    "columns": (),
    "frames": ("ledger", "columns"),
    "asked": (),
    "engines": ("errors",),
    "tidy": ("frames", "engines"),
    "blocks": ("asked", "errors"),
    "codes": ("asked", "tidy"),
    "marks": ("blocks", "codes"),
    "dense": ("marks",),
    "queries": ("calendar", "engines", "dense"),
    "strangers": ("codes", "engines"),
    "tally": ("calendar", "queries", "strangers"),
    "fulfilment": ("duties", "asked"),
    "groups": ("asked",),
    "completion": ("fulfilment", "tally", "groups"),
    "quality": ("definitions", "tally", "groups"),
    "metrics": ("completion", "quality", "terms"),
    "intervals": ("metrics",),
    "trend": ("intervals",),
    "ranks": ("trend",),
    "selection": ("metrics",),
    "obligations": ("selection",),
    "attribution": ("obligations",),
    "crediting": ("attribution",),
    "populations": ("selection",),
    "explain": ("crediting", "populations"),
    "telling": ("explain", "terms", "labels", "listing"),
    "manifest": ("frames", "receipts"),
    "parquet": ("frames",),
    "extracts": ("manifest", "parquet", "ledger"),
    "proofs": ("extracts",),
    "export": ("proofs", "disk", "lock"),
    "duck": ("manifest",),
    "stored": ("metrics", "manifest", "parquet", "disk"),
    "verifiers": ("metrics",),
    "closing": ("verifiers", "corrections", "receipts"),
    "render": ("errors", "text"),
    "notices": ("metrics", "render", "labels", "receipts"),
    "handbook": ("definitions", "render", "labels"),
    "sheets": ("handbook", "changes", "listing"),
    "formats": ("intervals", "terms", "listing"),
    "workspace": (
        "config",
        "notices",
        "closing",
        "ranks",
        "recorder",
        "strictyaml",
        "explain",
        "export",
        "duck",
        "stored",
    ),
    "catalogues": ("workspace", "shipped"),
    "demo_texts": (),
    "demo_plan": ("definitions", "demo_texts"),
    "demo_records": ("demo_plan",),
    "demo": ("demo_records", "scaffold", "strictyaml"),
    "demonstration": ("workspace", "intake", "formats", "demo"),
    "targets": ("errors", "terms"),
    "console": ("entries", "disk", "targets"),
    "catalogue_commands": ("catalogues", "scaffold", "sheets", "console"),
    "ledger_commands": ("workspace", "migration", "console"),
    "entry_commands": ("workspace", "intake", "amendments", "console"),
    "evidence_commands": ("workspace", "exhibits", "listing", "console"),
    "figure_commands": ("workspace", "telling", "formats", "console"),
    "export_commands": ("workspace", "console"),
    "cli": (
        "demonstration",
        "catalogue_commands",
        "entry_commands",
        "evidence_commands",
        "export_commands",
        "figure_commands",
        "ledger_commands",
    ),
    "__main__": ("cli",),
    "__init__": ("workspace",),
}
LIBRARIES = {
    "alembic": {"migration"},
    "click": {
        "cli",
        "console",
        "catalogue_commands",
        "entry_commands",
        "evidence_commands",
        "export_commands",
        "figure_commands",
        "ledger_commands",
    },
    "duckdb": {"duck"},
    "jinja2": {"render"},
    "imagesize": {"images"},
    "markupsafe": {"render"},
    "yaml": {"strictyaml"},
    "sqlalchemy": {"tables", "store", "sqlitefile", "pgtables", "postgresql", "ledger"},
    "psycopg": {"postgresql"},
    "sqlite3": {"tables", "sqlitefile"},
    "narwhals": {"tidy", "engines", "queries", "selection", "strangers"},
    "pandas": {
        "columns",
        "frames",
        "tidy",
        "strangers",
        "parquet",
        "dense",
        "codes",
        "marks",
        "blocks",
        "queries",
        "stored",
        "tally",
        "groups",
        "quality",
        "metrics",
        "trend",
        "ranks",
        "selection",
        "obligations",
        "attribution",
        "crediting",
        "populations",
        "explain",
        "telling",
        "closing",
        "formats",
        "workspace",
        "figure_commands",
    },
    "numpy": {
        "columns",
        "frames",
        "tidy",
        "duties",
        "workload",
        "asked",
        "dense",
        "codes",
        "marks",
        "blocks",
        "queries",
        "stored",
        "fulfilment",
        "groups",
        "completion",
        "quality",
        "selection",
        "obligations",
        "attribution",
        "crediting",
        "populations",
    },
    "pyarrow": {"parquet"},
    "orjson": {"columns", "entries", "tables", "pgtables", "ledger", "corrections", "recorder", "notices"},
    "pydantic": {"schema", "keys", "jsonschemas", "checklist", "portfolio", "policy", "fields", "entries"},
    "pydantic_core": {"schema", "fields", "entries"},
}


def rooms():
    return sorted(path.stem for path in PACKAGE.glob("*.py"))


def imports(room):
    """The rooms and the outside libraries that a room imports, wherever in it."""
    tree = ast.parse((PACKAGE / f"{room}.py").read_text(encoding="utf-8"))
    found, outside = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            outside |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{room} imports relatively"
            if node.module == "qpi":
                found |= {alias.name for alias in node.names if (PACKAGE / f"{alias.name}.py").exists()}
            elif node.module.startswith("qpi."):
                found.add(node.module.split(".")[1])
            else:
                outside.add(node.module.split(".")[0])
    return found, {name for name in outside if name not in sys.stdlib_module_names or name == "sqlite3"}


def below(room):
    """All rooms that a room may import."""
    found = set()
    for lower in ROOMS[room]:
        found |= {lower} | below(lower)
    return found


def test_every_room_stands_in_the_picture():
    assert rooms() == sorted(ROOMS)


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_what_lies_below_it(room):
    assert imports(room)[0] <= below(room)


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_its_own_libraries(room):
    assert {name for name in imports(room)[1] if room not in LIBRARIES.get(name, set())} == {"qpi"} & imports(room)[1]


def test_every_room_says_in_one_line_what_lives_there():
    for room in rooms():
        text = ast.get_docstring(ast.parse((PACKAGE / f"{room}.py").read_text(encoding="utf-8")))
        assert text and text.splitlines()[0].endswith("."), room


def test_the_picture_in_the_docs_is_this_one():
    """docs/architecture.md shows each room with those that it builds on."""
    page = (PACKAGE.parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    for room, lower in ROOMS.items():
        if not room.startswith("__"):
            line = f"| `{room}` | {', '.join(lower) or '—'} |"
            assert line in page, line


def test_a_room_that_imports_upwards_is_seen():
    """A negative control: the ledger above errors."""
    assert not {"ledger"} <= below("errors")
