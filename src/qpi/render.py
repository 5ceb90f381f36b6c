"""The one sandboxed Jinja environment that turns plain values into notices and reports."""

import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.loaders import split_template_path
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from qpi.errors import QpiError

__all__ = ["TemplateError", "render"]

_PACKAGED = Path(__file__).resolve().parent / "templates"
_DEEPEST = 32
_ATOMS = (str, int, bool, float, type(None))
_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
_MARKDOWN = re.compile(r"[\\`*_\[\]|~$]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_MARKDOWN_START = re.compile(r"^(\s*(?:\d+(?=[.)](?:\s|$)))?)([-+#=.)])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class TemplateError(QpiError):
    """A template, or a value given to one, that cannot be used."""


def render(template: str, values: Mapping[str, object], *, own: Path | None = None) -> str:
    """Fill the template of this name, taken from the folder `own` if it is there, else from the package.

    The values are plain: dict with text keys, list, tuple, str, int, float, bool and None; no subclass.
    A company's template reaches ours, also the one that it replaces, as `qpi/NAME`.
    Raises TemplateError for a value that is not plain and for a fault of a template, with its file and line.
    """
    for key, value in values.items():
        _refuse_objects(value, str(key), 0)
    folder = own.resolve() if own is not None else None
    try:
        return _environment(folder).get_template(template).render(dict(values))
    except _FAULTS as error:
        place = _place(error, folder) or template
        raise TemplateError(f"{place}: {_fault(error)}; {_remedy(error, folder)}") from error


def _refuse_objects(value: object, where: str, depth: int) -> None:
    """Raise TemplateError at the first value inside that is not plain."""
    if type(value) in _ATOMS:  # exactly: a Markup is a str too, and would not be escaped
        return
    if depth == _DEEPEST:
        raise TemplateError(f"{where}: the values are nested deeper than {_DEEPEST}; pass flatter values")
    for name, inner in _inside(value, where):
        _refuse_objects(inner, name, depth + 1)


def _inside(value: object, where: str) -> Iterator[tuple[str, object]]:
    """Yield what a plain container holds, each with its path."""
    if type(value) is dict:
        for key, inner in value.items():
            if type(key) is not str:
                raise TemplateError(f"{where}: the key {key!r} is not a text; pass text keys")
            yield f"{where}.{key}", inner
    elif type(value) in (list, tuple) and isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield f"{where}[{index}]", inner
    else:
        kind = type(value).__name__
        raise TemplateError(f"{where}: a {kind} is not a plain value; pass a dict, list, text, number or None")


class _Folder(jinja2.FileSystemLoader):
    """Templates of one folder; a link that leads out of it is refused."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder = folder

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        path = self._folder.joinpath(*split_template_path(template))
        if not path.resolve().is_relative_to(self._folder):
            raise TemplateError(f"{path}: the link leads out of the folder; put the file itself there")
        return super().get_source(environment, template)


class _AlwaysEscaped(Extension):
    """Refuses the tag with which a template could switch escaping off."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        opened = False
        for token in stream:
            if opened and token.value == "autoescape":
                raise jinja2.TemplateSyntaxError(
                    "the tag autoescape is not allowed", token.lineno, stream.name, stream.filename
                )
            opened = token.type == "block_begin"
            yield token


@lru_cache(maxsize=16)
def _environment(own: Path | None) -> jinja2.Environment:
    """Make the environment of one company's folder; it keeps compiled templates until their file changes."""
    packaged = _Folder(_PACKAGED)
    folders: list[jinja2.BaseLoader] = [packaged, jinja2.PrefixLoader({"qpi": packaged})]
    if own is not None:
        folders.insert(0, _Folder(own))
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=[_AlwaysEscaped],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.clear()  # range, cycler, lipsum, ...: no template of ours needs one
    del environment.filters["safe"]
    environment.filters["cell"] = _cell
    return environment


def _cell(value: object) -> Markup:
    """Write a value so that it reads verbatim in a Markdown table or line; line breaks become `<br>`."""
    text = value if isinstance(value, Markup) else str(value).translate(_ENTITIES)
    lines = [_MARKDOWN.sub(r"\\\g<0>", line) for line in text.splitlines()]
    return Markup(_MARKDOWN_START.sub(r"\1\\\2", "<br>".join(lines)))  # noqa: S704 - escaped above


def _place(error: BaseException, own: Path | None) -> str | None:
    """Return `file:line` of the innermost template line that raised, None where no template was reached."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.filename or error.name}:{error.lineno}"
    folders = [folder for folder in (own, _PACKAGED) if folder is not None]
    places = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if any(Path(frame.f_code.co_filename).is_relative_to(folder) for folder in folders)
    ]
    return places[-1] if places else None


def _fault(error: BaseException) -> str:
    """Say in one line what a template did wrong."""
    if isinstance(error, jinja2.TemplateNotFound):
        return f'there is no template "{error.name}"'
    text = error.message if isinstance(error, jinja2.TemplateError) else str(error)
    return " ".join((text or type(error).__name__).split()).rstrip(".")


def _remedy(error: BaseException, own: Path | None) -> str:
    """Say what to write instead."""
    if isinstance(error, jinja2.TemplateNotFound):
        return f"put it into {own} or correct the name" if own is not None else "correct the name"
    if isinstance(error, SecurityError):
        return "use only the values given, without attributes that start with _ and without changing them"
    if isinstance(error, jinja2.UndefinedError):
        return "correct the name, or see the packaged template for the names that exist"
    if isinstance(error, jinja2.TemplateSyntaxError):
        return "correct the line, or see the packaged template for how it is written"
    return "correct the template"
