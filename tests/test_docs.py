"""The docs say what is there: commands, keys, fields, columns and outputs are compared with the code."""

import io
import re
import shutil
import sys
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sqlalchemy.dialects import sqlite

import qpi
from qpi import (
    checklist,
    cli,
    config,
    document,
    entries,
    fields,
    frames,
    jsonlines,
    metrics,
    notices,
    policy,
    portfolio,
    ranks,
    recorder,
    rules,
    schema,
    store,
    strictyaml,
    tables,
    terms,
    text,
    trend,
)

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("examples/*/*.md")])
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def sections(name):
    """The text under each heading of a page, up to the next heading of any level."""
    parts = re.split(r"^#+ (.+)$", _without_code(page(name)), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _without_code(content):
    return re.sub(r"^ *```.*?^ *```$", "", content, flags=re.MULTILINE | re.DOTALL)


def rows(content):
    """The cells of the tables in a text, less heads and rules."""
    lines = [line for line in content.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row, after in zip(cells, [*cells[1:], [""]], strict=True) if "---" not in (row[0], after[0])]


# Commands and options


def commands(group=cli.qpi, path=("qpi",)):
    for name, command in group.commands.items():
        yield (*path, name), command
        yield from commands(command, (*path, name)) if hasattr(command, "commands") else ()


def help_of(path):
    arguments = [*path[1:], "--help"]
    return CliRunner().invoke(cli.qpi, arguments, prog_name="qpi", terminal_width=100).output.strip()


def test_the_readme_shows_the_real_help():
    assert f"$ qpi --help\n{help_of(('qpi',))}\n```" in page("README.md")


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_the_page_of_commands_shows_the_real_help_of_each(path):
    name = " ".join(path)
    assert f"\n## `{name}`\n" in page("docs/cli.md")
    assert f"$ {name} --help\n{help_of(path)}\n```" in page("docs/cli.md")


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_option_is_explained_in_words(path):
    command = dict(commands())[path]
    told = sections("docs/cli.md")[f"`{' '.join(path)}`"]
    for option in command.params:
        word = max(option.opts, key=len) if option.opts[0].startswith("-") else option.metavar or option.name.upper()
        assert f"`{word}`" in told, word


# Keys of the definitions, fields of records


KEYS = {
    "`qpi.yaml`": config.Config,
    "Edition": checklist.Edition,
    "Role": checklist.Role,
    "Group": checklist.Group,
    "Point": checklist.Point,
    "Element": checklist.Element,
    "Measure": checklist.Measure,
    "Sample": checklist.Sample,
    "Variant": checklist.Variant,
    "Frequency": checklist.Ask,
    "Portfolio": portfolio.Portfolio,
    "Project": portfolio.Project,
    "Change": portfolio.Change,
    "Person": portfolio.Person,
    "Party": portfolio.Party,
    "Post": portfolio.Post,
    "Waiver": portfolio.Waiver,
    "Policy": policy.Policy,
    "Floors": policy.Floors,
    "Closure": policy.Closure,
    "Traceability": policy.Traceability,
    "Grades": policy.Grade,
    "Evidence files": policy.EvidenceFiles,
    "Check": entries.Check,
    "Finding": entries.Finding,
    "Verification": entries.Verification,
    "Evidence": entries.Evidence,
    "Reading": entries.Reading,
}


def documented(heading):
    """The first cells of the table whose head begins with key or field, each with its default."""
    content = sections("docs/definitions.md")[heading]
    found = re.search(r"^\| (?:key|field) \| type .*?(?=\n\n|\Z)", content, re.MULTILINE | re.DOTALL)
    return {row[0].strip("`"): row[2] for row in rows(found.group())}


@pytest.mark.parametrize("heading", KEYS)
def test_every_key_and_field_is_documented_and_no_other(heading):
    model = KEYS[heading]
    known = {field.alias or name: field.is_required() for name, field in model.model_fields.items()}
    said = documented(heading)
    assert sorted(said) == sorted(known)
    assert {name for name, default in said.items() if default == "needed"} == {
        n for n, needed in known.items() if needed
    }


def models_in(annotation):
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for part in getattr(annotation, "__args__", ()):
        yield from models_in(part)


def test_no_model_is_left_out():
    roots = (
        config.Config,
        checklist.Edition,
        portfolio.Portfolio,
        policy.Policy,
        entries.Check,
        entries.Verification,
    )
    assert {model for root in roots for model in models_in(root)} <= set(KEYS.values())


def test_the_defaults_of_the_policy_are_those_of_the_code():
    said = documented("Policy")
    settings = policy.Policy()
    for name in ("overfulfilment", "verification_by", "mix_minimum", "score_floor"):
        assert said[name] == f"`{getattr(settings, name)}`"
    assert said["counts_for_duty"] == f"`[{', '.join(settings.counts_for_duty)}]`"
    for name, default in documented("Evidence files").items():
        assert default == f"`{getattr(settings.evidence, name)}`"
    assert documented("Closure")["kinds"] == f"`[{', '.join(settings.closure.kinds)}]`"
    for part in ("check", "finding"):
        assert documented("Traceability")[part] == f"`[{', '.join(getattr(settings.traceability, part))}]`"
    for name, default in documented("Floors").items():
        floor = settings.floor(name)
        assert default == (f"`{float(floor):.0%}`" if floor is not None else "`none`")


def test_what_traceability_takes_is_listed():
    content = sections("docs/definitions.md")["Traceability"]
    assert f"`check` takes {', '.join(policy.CHECK_FIELDS)}." in content
    assert f"`finding` takes {', '.join(policy.FINDING_FIELDS)}." in content


def test_the_chinese_names_are_those_of_the_terms():
    content = sections("docs/definitions.md")["Chinese column names"]
    for field, chinese in [*terms.CHECK_COLUMNS.items(), *terms.VERIFICATION_COLUMNS.items()]:
        assert f"| `{field}` | {'、'.join(chinese)} |" in content
    for field, values in terms.VALUES.items():
        for word in dict.fromkeys(values.values()):
            chinese = "、".join(name for name, ours in values.items() if ours == word)
            assert f"| `{field}` | {chinese} | `{word}` |" in content


def test_roles_and_methods_are_listed():
    content = sections("docs/definitions.md")["Role"]
    for name, role in checklist.ROLES.items():
        assert f"| `{name}` | {role.title} | {role.level} |" in content
    for name, title in checklist.METHODS.items():
        assert f"| `{name}` | {title} |" in content


def test_the_limits_are_those_of_the_code():
    said = {row[0]: row[1] for row in rows(sections("docs/definitions.md")["Limits"])}
    assert said == {
        "size of a YAML file": f"{strictyaml.MAX_BYTES // 2**20} MiB",
        "depth of nesting in YAML": f"{document.MAX_DEPTH}",
        "values in a YAML file": f"{strictyaml.MAX_NODES:,}",
        "text in YAML": f"{schema.MAX_TEXT:,} characters",
        "other values in YAML": f"{schema.MAX_VALUE} characters",
        "problems that the YAML reader lists per file": f"{strictyaml.MAX_PROBLEMS}",
        "code": f"{text.MAX_CODE} characters",
        "id": f"{text.MAX_ID} characters",
        "text in a record": f"{fields.MAX_TEXT:,} characters",
        "list in a record": f"{fields.MAX_LIST:,} items",
        "number of a finding": f"{fields.MAX_NUMBER:,}",
        "line of JSON Lines": f"{jsonlines.MAX_LINE:,} characters",
        "moment in the future": f"{rules.TOLERANCE.seconds // 60} minutes",
        "wait for another program that writes": f"{store.BUSY_SECONDS} seconds",
    }


# Indicators, ledger, dependencies


def test_every_indicator_stands_in_its_table_with_its_title_and_floor():
    found = {row[0].strip("`"): row for row in rows(sections("docs/indicators.md")["The indicators"])}
    assert list(found) == list(policy.INDICATORS)
    for name, row in found.items():
        floor = policy.FLOORS.get(name)
        assert (row[1], row[4]) == (
            terms.INDICATOR_TITLES[name],
            f"{float(floor):.0%}" if floor is not None else "none",
        )


@pytest.mark.parametrize("table", [tables.entry, *tables.TYPED], ids=lambda table: table.name)
def test_every_column_of_the_ledger_is_documented_and_no_other(table):
    dialect = sqlite.dialect()
    expected = [
        [f"`{column.name}`", column.type.compile(dialect=dialect), "yes" if column.nullable else "", column.comment]
        for column in table.columns
    ]
    assert rows(sections("docs/ledger.md")[f"`{table.name}`"]) == expected


def test_the_order_of_the_hashed_fields_is_that_of_the_chain():
    said = re.findall(r"`(\w+)`", sections("docs/ledger.md")["The hash"].split("in this order:")[1].split(".")[0])
    assert said == [name for name in tables.Link._fields if name != "hash"]


def test_every_library_is_named_with_the_oldest_version_that_is_claimed():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    extras = [extra for extra in project["optional-dependencies"] if extra not in ("test", "check")]
    wanted = sorted({*project["dependencies"], *(one for e in extras for one in project["optional-dependencies"][e])})
    said = [f"{row[0].strip('`')}>={row[1]}" for row in rows(sections("docs/architecture.md")["Libraries"])]
    assert said == wanted


def test_every_public_name_is_shown_somewhere():
    together = "".join(map(_read, PAGES))
    for name in qpi.__all__:
        assert re.search(rf"\b{name}\b", together), name


def _read(path):
    return path.read_text(encoding="utf-8")


# Links


def slug(heading):
    """The anchor of a heading, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", _without_code(_read(path))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = path.parent / name if name else path
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", _without_code(_read(there)), re.MULTILINE)
            assert anchor in map(slug, headings), target


# Snippets that are whole files, and commands with their outputs


_PARTS = re.compile(
    r"<!-- (?:file: (?P<file>\S+)|replace in (?P<where>\S+): (?P<old>.+?) -> (?P<new>.+?)) -->"
    r"|^```(?P<language>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def parts(content):
    """The files, replacements, sessions and programs of a page in order, as (what, name, body)."""
    name = None
    for found in _PARTS.finditer(content):
        if found["file"]:
            name = found["file"]
        elif found["where"]:
            yield "replace", found["where"], (found["old"], found["new"])
        elif found["language"] == "yaml" and (first := re.match(r"# (\S+\.yaml)\n", found["body"])):
            yield "file", first[1], found["body"]
        elif found["language"] in ("console", "python"):
            yield found["language"], "", found["body"]
        elif name:
            yield "file", name, found["body"]
            name = None


def run(line, monkeypatch):
    """Run a command line in this process; return what goes to stdout and stderr together, and write a redirection."""
    command, _, target = line.partition(" > ")
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="", write_through=True)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", command.split())
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", io.StringIO() if target else out)
        try:
            cli.main()
        except SystemExit:
            pass
    written = out.buffer.getvalue()
    if target:
        Path(target).write_bytes(written)
        return ""
    return written.decode("utf-8")


def masked(output):
    """An output without what differs from run to run: the hashes, and with them the ids of ledgers."""
    return re.sub(r"\b[0-9a-f]{16,64}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "HASH", output)


def on_the_day_of_the_docs(patch, folder):
    """Work in a folder on 20 November 2026, in English."""
    patch.chdir(folder)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        patch.setenv(name, "en_US.UTF-8")
    patch.setitem(recorder.Recorder.__init__.__kwdefaults__, "clock", lambda: NOW)
    patch.setitem(qpi.Workspace.ledger.__wrapped__.__kwdefaults__, "now", NOW)
    original = metrics.moment_of
    for module in (metrics, notices):
        patch.setattr(module, "moment_of", lambda found, as_of: original(found, as_of or NOW))


@pytest.fixture
def november(tmp_path, monkeypatch):
    """An empty folder to work in."""
    on_the_day_of_the_docs(monkeypatch, tmp_path)
    return tmp_path


def follow(content, monkeypatch):
    """Do what a page says; yield each line that was run, what the page shows, and what came out."""
    names = {}
    for what, name, body in parts(content):
        if what == "file":
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(body, encoding="utf-8", newline="")
        elif what == "replace":
            before = Path(name).read_text(encoding="utf-8")
            assert body[0] in before, body
            Path(name).write_text(before.replace(*body), encoding="utf-8", newline="")
        elif what == "python":
            exec(compile(body, "page", "exec"), names)
        else:
            line, _, shown = body.removeprefix("$ ").partition("\n")
            yield line, shown, run(line, monkeypatch)


def test_the_tutorial_does_what_it_says(november, monkeypatch):
    (november / "records").mkdir()
    for line, shown, found in follow(page("docs/tutorial.md"), monkeypatch):
        if shown.endswith("...\n"):
            shown = shown.removesuffix("...\n")
            found = found[: len(shown)]
        assert masked(found) == masked(shown), line


def test_the_readme_is_true_of_the_demo(november, monkeypatch, capsys):
    found = run("qpi demo demo", monkeypatch).splitlines()
    session = next(body for what, _, body in parts(page("README.md")) if what == "console")
    shown = [line for line in session.splitlines()[1:] if line != "..."]
    assert len(shown) > 10
    remaining = iter(masked(line) for line in found)
    for line in shown:
        assert masked(line) in remaining, line
    for what, _, body in parts(page("README.md")):
        if what == "python":
            exec(compile(body, "README.md", "exec"), {})
    assert "missed" in capsys.readouterr().out
    for what, _, body in parts(page("docs/ledger.md")):
        if what == "python":
            exec(compile(body, "docs/ledger.md", "exec"), {})
    run("qpi ledger backup copy.db -w demo", monkeypatch)
    with qpi.Workspace("demo").ledger() as ledger:
        assert auditor()["verify"]("demo/qpi.db") == auditor()["verify"]("copy.db") == ([], *ledger.position()[1:])


def test_the_page_of_comparisons_is_true_of_the_demo(november, monkeypatch, capsys):
    run("qpi demo demo", monkeypatch)
    shown = 0
    for line, told, found in follow(page("docs/comparing.md"), monkeypatch):
        assert masked(found) == masked(told) != "", line
        shown += 1
    assert shown == 2
    assert "S09" in capsys.readouterr().out


def test_the_columns_of_comparisons_and_ranks_are_documented_and_no_others():
    for heading, known in (
        ("With earlier periods", (name.removeprefix("previous_") for name in trend.COLUMNS if "previous_" in name)),
        ("Ranks", ranks.COLUMNS),
    ):
        told = [re.findall(r"`(\w+)`", row[0]) for row in rows(sections("docs/comparing.md")[heading])]
        assert sorted(name for names in told for name in names) == sorted(known), heading


def auditor():
    """The program of docs/verify_ledger.py, as whoever imports it has it."""
    made = {"__name__": "verify_ledger"}
    exec(compile((ROOT / "docs" / "verify_ledger.py").read_text("utf-8"), "verify_ledger.py", "exec"), made)
    return made


def test_the_auditors_program_finds_a_changed_entry(november, monkeypatch):
    """A negative control: a byte of a body is changed behind the guards."""
    import sqlite3

    for what, name, body in parts(page("docs/tutorial.md")):
        if what == "file" and name != "templates/notice.md":
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(body.replace("weekly", "1/week"), encoding="utf-8", newline="")
    run("qpi import records/october.csv --accept-good", monkeypatch)
    assert auditor()["verify"]("qpi.db")[:2] == ([], 4)
    raw = sqlite3.connect("qpi.db")
    raw.execute("DROP TRIGGER entry_no_update")
    raw.execute("UPDATE entry SET body = CAST(replace(body, '3-1504', '3-1505') AS BLOB) WHERE seq = 3")
    raw.commit()
    raw.close()
    # The texts of the triggers are part of what is verified, so the schema and all that stands on it are named.
    assert auditor()["verify"]("qpi.db")[0] == [(None, "schema"), (3, "hash")]


def test_the_edition_in_the_readme_is_whole(tmp_path):
    (tmp_path / "checklists").mkdir()
    for what, name, body in parts(page("README.md")):
        if what == "file":
            (tmp_path / name).write_text(body, encoding="utf-8")
    (tmp_path / "qpi.yaml").write_text("organisation: 示例物业\n", encoding="utf-8")
    (tmp_path / "portfolio.yaml").write_text(
        "projects: [{id: P01, name: 桃园, attributes: {type: residential}}]\n", "utf-8"
    )
    found = qpi.Workspace(tmp_path)
    assert found.check() == []
    assert found.definitions.checklists.in_force(date(2026, 10, 1))


@pytest.mark.parametrize("line", re.findall(r"^qpi .*$", page("docs/start.zh.md"), re.MULTILINE))
def test_every_command_of_the_chinese_page_is_one(line):
    """Its words are parsed as the command line parses them; nothing is run."""
    command, words = cli.qpi, line.split()[1:]
    # Below the settings of all commands: a command keeps the help option that it is first asked for.
    above = click.Context(command, **command.context_settings)
    while isinstance(command, click.Group):
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, words, parent=above)


def steps(content):
    """The commands and programs of a page in order, each with the text that it prints where the page shows it right after."""
    blocks = r"^```(sh|console|python)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?"
    for what, body, shown in re.findall(blocks, content, re.MULTILINE | re.DOTALL):
        if what == "python":
            yield what, body, shown
            continue
        for line in body.splitlines():
            yield "command", line.removeprefix("$ ").partition("#")[0].strip(), shown


def test_the_columns_that_a_frame_must_hold_are_documented_and_no_others():
    found = {row[0].strip("`"): row[1] for row in rows(sections("docs/engines.md")["What a frame must hold"])}
    for name, needed in frames.NEEDED.items():
        assert tuple(re.findall(r"`(\w+)`", found[name])) == needed


# Ibis calls DuckDB and pandas by names that their releases call old.
@pytest.mark.filterwarnings("ignore")
def test_the_page_of_engines_does_what_it_says(november, monkeypatch, capsys):
    """Its commands and programs run on the demo one after another, but for Spark, and all engines count the same."""
    run("qpi demo demo", monkeypatch)
    names, printed, said = {}, 0, []
    for what, body, shown in steps(page("docs/engines.md").partition("<!-- needs Java -->")[0]):
        if what == "command":
            said.append(run(body, monkeypatch))
            continue
        capsys.readouterr()
        exec(compile(body, "page", "exec"), names)
        if shown:
            assert capsys.readouterr().out == shown
            printed += 1
    assert printed == 1
    own, exported, read, tallied = said
    assert "9290 checks" in exported
    assert own == read
    assert "closure_on_time" in own
    assert "months counted" in tallied and (november / "export" / "tallies" / "tallies.json").exists()
    own = names["workspace"].metrics("2026-10", by=["project"])
    for name in ("frame", "by_duckdb", "by_polars", "by_ibis"):
        assert names[name].equals(own), name
    assert names["share"] == names["workspace"].self_verified("2026-10")


@pytest.mark.filterwarnings("ignore")
def test_the_page_of_engines_is_true_of_spark(november, monkeypatch):
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    run("qpi demo demo", monkeypatch)
    run("qpi export export -w demo", monkeypatch)
    before, _, after = page("docs/engines.md").partition("<!-- needs Java -->")
    workspace = qpi.Workspace("demo")
    names = {"qpi": qpi, "definitions": workspace.definitions, "names": ("checks", "findings", "verifications")}
    body = next(body for what, _, body in parts(after) if what == "python")
    # Java stays in the folder in which it was first started in this process.
    exec(compile(body.replace('f"export/', f'f"{november.as_posix()}/export/'), "page", "exec"), names)
    names["spark"].stop()
    assert names["by_spark"].equals(workspace.metrics("2026-10", by=["project"]))


def test_the_columns_of_the_chinese_page_are_known():
    head = re.search(r"```csv\n(.*)\n", page("docs/start.zh.md"))[1].split(",")
    assert [name for name in head if name not in terms.names(terms.CHECK_COLUMNS)] == []


def test_the_docs_name_no_machine():
    for path in PAGES:
        assert not re.search(r"/(?:work|home|root|tmp)/|pypi\.org|mirror", _read(path)), path
