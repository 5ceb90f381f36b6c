"""Shapes: the values of definition files as an editor sees them, in JSON Schema."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Shape:
    """A value as an editor sees it, in JSON Schema, or a function that makes this of what its parts are.

    What the reader takes as text, an editor takes for text, a number or a truth value, as YAML 1.2 has it.
    """

    of: Mapping[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return the shape, as pydantic asks for it."""
        return self.of(handler(core)) if callable(self.of) else dict(self.of)


SCALAR = ("string", "number", "boolean")


def typed(pattern: str, *, numbers: Mapping[str, Any] | None = None, longest: int = 200, words: bool = False) -> Shape:
    """Return the shape of text that fits a pattern, or of a number within limits where numbers are given."""
    # A block (|) ends in a line break, which the reader takes off.
    kinds = ["string", "boolean"] if words else "string"
    text_shape = {"type": kinds, "minLength": 1, "maxLength": longest, "pattern": re.sub(r"\$$", r"\\n*$", pattern)}
    return Shape(text_shape if numbers is None else {"anyOf": [{"type": "number", **numbers}, text_shape]})


def chosen(*words: str, otherwise: Mapping[str, Any] | None = None) -> Shape:
    """Return the shape of a choice of words, which an editor offers; others too where `otherwise` says which."""
    return Shape({"enum": [*words]} if otherwise is None else {"anyOf": [{"enum": [*words]}, dict(otherwise)]})


ONE_OR_MORE = Shape(lambda many: {"anyOf": [many["items"], many]})
"""The shape of a list for which a single value may stand."""
UNREPEATED = Shape(lambda many: {**many, "uniqueItems": True})
SOME = Shape(lambda many: {**many, ("minItems" if many.get("type") == "array" else "minProperties"): 1})
_LETTERS = (
    r"A-Za-z_\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u1fff\u2c00-\u2dff"
    "\\u3005-\\u3007\\u3021-\\u303c\\u3041-\\u318f\\u31a0-\\u31ff\\u3400-\\u9fff\\ua000-\\ud7a3\U00020000-\U0003ffff"
)
WORD_PATTERN = rf"^[{_LETTERS}][{_LETTERS}0-9-]{{0,63}}$"
DAY_PATTERN = (
    r"^(?!.{5}(02-3|(0[469]|11)-31))(?!(?!2000|..([02468][48]|[13579][26]|[2468]0)).{5}02-29)"
    "(19[7-9][0-9]|2(0|1)[0-9]{2}|2200)-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
)
PERCENT_PATTERN = r"^(100(\.0{1,6})?|[0-9]{1,2}(\.[0-9]{1,6})?|0[0-9]{1,2}(\.[0-9]{1,6})?)%$"
