"""JSON Schemas: they and the reader accept and refuse the same files, as far as a file alone can tell."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

import editor
from qpi import jsonschemas, keys, shipped, strictyaml
from qpi.messages import words
from test_bad_files import BAD, CASES
from worlds import world

ROOT = Path(__file__).parent.parent
SCHEMAS = {"edition": "checklist.schema.json", "portfolio": "portfolio.schema.json", "policy": "policy.schema.json"}

# What the reader refuses and no schema can see, with the reason.
YAML_ITSELF = "how YAML is written; an editor gets the values"
OTHER_VALUES = "what another value, perhaps of another file, says"
UNSEEN = {
    "edition-alias": YAML_ITSELF,
    "edition-directive": YAML_ITSELF,
    "edition-duplicate-key": YAML_ITSELF,
    "edition-keys-not-text": YAML_ITSELF,
    "edition-next-line-sign": YAML_ITSELF,
    "edition-duplicate-code": OTHER_VALUES,
    "edition-executive-without-frequency": OTHER_VALUES,
    "edition-titles-for-names": OTHER_VALUES,
    "edition-unknown-method": OTHER_VALUES,
    "edition-unknown-role": OTHER_VALUES,
    "policy-grades-rise": OTHER_VALUES,
    "portfolio-days-in-the-wrong-order": OTHER_VALUES,
    "portfolio-duplicate-ids": OTHER_VALUES,
    "portfolio-no-people": OTHER_VALUES,
    "portfolio-posts-in-the-wrong-place": OTHER_VALUES,
    "portfolio-scope-misspelt": OTHER_VALUES,
    "portfolio-unknown-person": OTHER_VALUES,
    "portfolio-unknown-project": OTHER_VALUES,
    "portfolio-unknown-role-and-point": OTHER_VALUES,
}


def refused(path):
    """Whether an editor refuses a file: it is no YAML, or not of the shape."""
    try:
        return bool(editor.faults(SCHEMAS[path.stem.split("-")[0]], path.read_bytes().decode("utf-8-sig")))
    except (yaml.YAMLError, UnicodeDecodeError):
        return True


@pytest.mark.parametrize("name", jsonschemas.FILES)
def test_each_is_a_sound_schema_and_stands_beside_the_catalogues_as_it_is_made(name):
    text = jsonschemas.texts()[name]
    jsonschema.Draft7Validator.check_schema(json.loads(text))
    assert (ROOT / "schemas" / name).read_text(encoding="utf-8") == text, "run qpi schema -o schemas"


@pytest.mark.parametrize("case", [case for case in CASES if not (BAD / case).is_dir()])
def test_what_the_reader_refuses_an_editor_flags(case):
    assert refused(BAD / f"{case}.yaml") == (case not in UNSEEN)


def test_what_an_editor_cannot_see_is_there():
    assert set(UNSEEN) <= set(CASES)


def shipped_files():
    yield from ((path, "checklist.schema.json") for paths in shipped.editions().values() for path in paths)
    for folder in ("init_files", "demo_files"):
        for path in sorted((ROOT / "src" / "qpi" / folder).glob("*.yaml")):
            yield path, f"{path.stem}.schema.json"


@pytest.mark.parametrize(("path", "schema"), list(shipped_files()), ids=lambda part: getattr(part, "name", ""))
def test_shipped_files_carry_their_schema_and_pass_it(path, schema):
    text = path.read_text(encoding="utf-8")
    assert editor.faults(schema, text) == []
    before = "../" if path.parent.name == "checklists" else ""
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={before}schemas/{schema}"


@pytest.mark.parametrize("seed", range(25))
def test_random_workspaces_pass_as_values_of_yaml(seed):
    """Every scalar as text, which YAML 1.2 may read as a number or a truth value."""
    made = world(seed)["workspace"]
    for part, schema in (("checklists", "checklist"), ("portfolio", "portfolio"), ("policy", "policy")):
        for one in made[part] if part == "checklists" else [made[part]]:
            if one:
                written = yaml.safe_dump(json.loads(json.dumps(one)), allow_unicode=True)
                assert strictyaml.parse(written.encode(), "x.yaml").problems == ()
                assert editor.faults(f"{schema}.schema.json", written) == []


def described(shape, name=()):
    for key, one in shape.get("properties", {}).items():
        yield (*name, key), one
    for part, one in shape.get("definitions", {}).items():
        yield from described(one, (part,))


@pytest.mark.parametrize("name", jsonschemas.FILES)
def test_every_key_is_explained_in_chinese_and_english(name):
    found = list(described(json.loads(jsonschemas.texts()[name])))
    assert found
    for path, shape in found:
        lines = shape["description"].splitlines()
        assert len(lines) >= 2, path
        assert any("\u4e00" <= sign <= "\u9fff" for sign in lines[0]), path


def test_every_key_of_every_model_has_its_meaning_and_no_other():
    for model, meanings in keys.KEYS.items():
        assert set(meanings) == {field.alias or name for name, field in model.model_fields.items()}, model
        assert all(words(meaning, "zh") != meaning for meaning in meanings.values())


def test_an_editor_offers_what_is_built_in():
    made = json.loads(jsonschemas.texts()["checklist.schema.json"])
    roles = made["definitions"]["Point"]["properties"]["frequency"]["properties"]
    assert roles["supervisor"]["description"].startswith("对口主管")
    assert "observe" in made["definitions"]["method"]["anyOf"][0]["enum"]
    assert "1次/两周" in made["definitions"]["frequency"]["anyOf"][0]["enum"]


def test_a_schema_that_lets_everything_through_is_seen(monkeypatch):
    """A negative control: without its limits the schema would flag nothing."""
    path = BAD / "edition-minutes.yaml"
    assert refused(path)
    monkeypatch.setitem(editor.VALIDATORS, "checklist.schema.json", jsonschema.Draft7Validator({}))
    assert not refused(path)
