"""What an editor makes of a YAML file: its values as YAML 1.2 has them, and what a JSON Schema says of them."""

import json
import re

import jsonschema
import yaml

from qpi import jsonschemas


class Values(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML 1.2's core schema: only true, false, null and plain numbers are anything but text."""

    yaml_implicit_resolvers = {}


for tag, pattern, first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    Values.add_implicit_resolver(tag, re.compile(pattern), first)
Values.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(loader.construct_scalar(node)))
Values.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))

VALIDATORS = {name: jsonschema.Draft7Validator(json.loads(text)) for name, text in jsonschemas.texts().items()}


def faults(schema, text):
    """What the schema of that name refuses in a text of YAML, in words; raises yaml.YAMLError where it is no YAML."""
    values = yaml.load(text, Values)
    return [
        f"{'.'.join(map(str, one.absolute_path))}: {one.message[:200]}"
        for one in VALIDATORS[schema].iter_errors(values)
    ]
