"""JSON Schemas of the files of a workspace, with which an editor completes, explains and flags.

They say what a file looks like; what only the whole workspace can tell, a code that stands twice say, `qpi check`
finds.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from qpi import checklist, policy, schema
from qpi.config import Config
from qpi.keys import KEYS
from qpi.messages import words
from qpi.portfolio import Portfolio
from qpi.terms import INDICATOR_TITLES

Offer = Callable[[dict[str, Any]], Any]

FOLDER = "schemas"
"""The folder beside `checklists` in which a workspace keeps the schemas."""
DIALECT = "http://json-schema.org/draft-07/schema#"

FILES: Mapping[str, type[BaseModel]] = {
    "qpi.schema.json": Config,
    "checklist.schema.json": checklist.Edition,
    "portfolio.schema.json": Portfolio,
    "policy.schema.json": policy.Policy,
}
"""The models of the files by the name of their schema."""


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of a file, with descriptions in Chinese and English."""
    made = model.model_json_schema(schema_generator=_Plain)
    parts = {name: _tidy(part) for name, part in {**made.pop("$defs", {}), model.__name__: made}.items()}
    for name, part in parts.items():
        _describe(part, _DESCRIBED[name])
        for key, shape in part["properties"].items():
            offer: Offer = _OFFERS.get((name, key), _named)
            part["properties"][key] = offer(shape)
    root = parts.pop(model.__name__)
    whole = {**root, "definitions": {**parts, **_NAMED}}
    return {"$schema": DIALECT, **whole, "definitions": _used(whole)}


def texts() -> dict[str, str]:
    """Return the text of every schema by the name of its file."""
    return {name: json.dumps(schema_of(model), ensure_ascii=False, indent=1) + "\n" for name, model in FILES.items()}


def write(folder: Path) -> list[Path]:
    """Write every schema into a folder, which is made where there is none, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in texts().items():
        path = folder / name
        path.write_text(text, encoding="utf-8", newline="\n")
        paths.append(path)
    return paths


class _Plain(GenerateJsonSchema):
    """Schemas as draft 7 writes references, without defaults, which our values cannot always be written as."""

    def default_schema(self, schema: Any) -> dict[str, Any]:
        """Return the shape of a value that has a default, without it."""
        return self.generate_inner(schema["schema"])

    def get_title_from_name(self, name: str) -> str:
        """Return the name itself; titles are taken out."""
        return name


def _both(english: str) -> str:
    """Return a sentence in Chinese and English."""
    return f"{words(english, 'zh')}\n{english}"


_DESCRIBED: Mapping[str, Mapping[str, str]] = {
    **{model.__name__: keys for model, keys in KEYS.items()},
    "Floors": {},
}


def _describe(part: dict[str, Any], keys: Mapping[str, str]) -> None:
    """Give each key its meaning in place of what pydantic has."""
    part.pop("description", None)
    for key, shape in part.get("properties", {}).items():
        if key in keys:
            shape["description"] = _both(keys[key])
        elif key in INDICATOR_TITLES:
            shape["description"] = f"{INDICATOR_TITLES[key]}\n{key}"
        if "$ref" in shape:
            # Draft 7 reads nothing beside a reference.
            shape["allOf"] = [{"$ref": shape.pop("$ref")}]


def _tidy(shape: Any) -> Any:
    """Return a shape without titles and nulls, its references and keys written as draft 7 has them."""
    if isinstance(shape, list):
        return [_tidy(one) for one in shape]
    if not isinstance(shape, dict):
        return shape.replace("#/$defs/", "#/definitions/") if isinstance(shape, str) else shape
    if "properties" in shape:
        shape = {**shape, "properties": {key: _tidy(one) for key, one in shape["properties"].items()}}
    kept = {
        name: one if name in ("properties", "required", "enum") else _tidy(one)
        for name, one in shape.items()
        if name not in ("title", "default")
    }
    if {"type": "null"} in kept.get("anyOf", ()):
        kept["anyOf"] = [one for one in kept["anyOf"] if one != {"type": "null"}]
    if len(kept.get("anyOf", ())) == 1:
        kept |= {name: one for name, one in kept.pop("anyOf")[0].items() if name not in kept}
    for pattern, value in kept.pop("patternProperties", {}).items():
        kept["propertyNames"] = {**kept.get("propertyNames", {}), "pattern": pattern}
        kept["additionalProperties"] = value
    return kept


def _put(shape: Any, old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
    """Return a shape with another in place of one wherever it stands; what is said of it stays."""
    if isinstance(shape, list):
        return [_put(one, old, new) for one in shape]
    if not isinstance(shape, dict):
        return shape
    if {name: one for name, one in shape.items() if name != "description"} == old:
        return {"description": shape["description"], "allOf": [new]} if "description" in shape else new
    return {name: _put(one, old, new) for name, one in shape.items()}


def _leaf(kind: Any) -> dict[str, Any]:
    shape: dict[str, Any] = _tidy(TypeAdapter(kind).json_schema(schema_generator=_Plain))
    return shape


_LEAVES: Mapping[str, Mapping[str, Any]] = {
    "text": _leaf(schema.Text),
    "word": _leaf(schema.Word),
    "id": _leaf(schema.Id),
    "day": _leaf(schema.Day),
    "share": _leaf(schema.Share),
    "floor": _leaf(policy.Floor),
    "frequency": _leaf(checklist.Every),
}
"""Shapes that stand in many places, by the name under which they stand once."""
_NAMED: Mapping[str, Mapping[str, Any]] = {
    **_LEAVES,
    # An editor offers what is built in; a catalogue may declare others.
    "method": {"anyOf": [{"enum": [*checklist.METHODS]}, {"$ref": "#/definitions/word"}]},
    "level": {"anyOf": [{"enum": [checklist.PROJECT, checklist.COMPANY]}, {"$ref": "#/definitions/word"}]},
    "ask": {"anyOf": [{"$ref": "#/definitions/frequency"}, {"$ref": "#/definitions/Ask"}]},
}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _named(shape: dict[str, Any]) -> Any:
    """Return a shape with names for what stands in many places."""
    for name, leaf in _LEAVES.items():
        shape = _put(shape, leaf, _ref(name))
    return shape


def _methods(shape: dict[str, Any]) -> dict[str, Any]:
    """Offer the built-in methods with their titles."""
    titles = ", ".join(f"{name} {title}" for name, title in checklist.METHODS.items())
    offered = _put(shape, _LEAVES["word"], _ref("method"))
    return {**offered, "description": f"{shape['description']}\n{titles}"}


def _level(shape: dict[str, Any]) -> Any:
    return _put(shape, _LEAVES["word"], _ref("level"))


def _roles(shape: dict[str, Any]) -> dict[str, Any]:
    """Name the built-in roles, so that an editor offers them with their titles."""
    return {
        **_named({name: one for name, one in shape.items() if name != "additionalProperties"}),
        "properties": {
            name: {"description": f"{role.title}\n{name}", "allOf": [_ref("ask")]}
            for name, role in checklist.ROLES.items()
        },
        "additionalProperties": _ref("ask"),
    }


_OFFERS: Mapping[tuple[str, str], Offer] = {
    **dict.fromkeys([(part, "methods") for part in ("Group", "Point", "Variant")], _methods),
    **dict.fromkeys([(part, "frequency") for part in ("Group", "Point")], _roles),
    ("Role", "level"): _level,
}
"""What an editor is offered beyond the shape, by model and key."""


def _used(whole: dict[str, Any]) -> dict[str, Any]:
    """Return the definitions that a schema refers to, from its root on."""
    definitions, found = whole["definitions"], {}
    waiting = [{name: one for name, one in whole.items() if name != "definitions"}]
    while waiting:
        text = json.dumps(waiting.pop())
        for name in re.findall(r'"#/definitions/(\w+)"', text):
            if name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return {name: found[name] for name in definitions if name in found}


__all__ = ["DIALECT", "FILES", "FOLDER", "schema_of", "texts", "write"]
