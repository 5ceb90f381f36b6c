"""The one sandboxed Jinja environment that turns plain values into notices and reports."""

import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.loaders import split_template_path
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from qpi.errors import QpiError
from qpi.messages import Message, say

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


def _refusal(place: str, fault: str, remedy: str) -> TemplateError:
    return TemplateError(say("{place}: {fault}; {remedy}", place=place, fault=fault, remedy=remedy))


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
        environment = _environment(folder)
        found = environment.get_template(template)
        _examine(environment, found)
        return found.render(dict(values))
    except _FAULTS as error:
        raise _refusal(_place(error, folder) or template, _fault(error), _remedy(error, folder)) from error


def _refuse_objects(value: object, where: str, depth: int) -> None:
    """Raise TemplateError at the first value inside that is not plain."""
    if type(value) in _ATOMS:  # exactly: a Markup is a str too, and would not be escaped
        return
    if depth == _DEEPEST:
        fault = say("the values are nested deeper than {number}", number=_DEEPEST)
        raise _refusal(where, fault, say("pass flatter values"))
    for name, inner in _inside(value, where):
        _refuse_objects(inner, name, depth + 1)


def _inside(value: object, where: str) -> Iterator[tuple[str, object]]:
    """Yield what a plain container holds, each with its path."""
    if type(value) is dict:
        for key, inner in value.items():
            if type(key) is not str:
                raise _refusal(where, say("the key {key} is not a text", key=repr(key)), say("pass text keys"))
            yield f"{where}.{key}", inner
    elif type(value) in (list, tuple) and isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield f"{where}[{index}]", inner
    else:
        fault = say("a {kind} is not a plain value", kind=type(value).__name__)
        raise _refusal(where, fault, say("pass a dict, list, text, number or None"))


class _Folder(jinja2.FileSystemLoader):
    """Templates of one folder; a link that leads out of it is refused, and so is what is not UTF-8."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder = folder

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        path = self._folder.joinpath(*split_template_path(template))
        if not path.resolve().is_relative_to(self._folder):
            raise _refusal(str(path), say("the link leads out of the folder"), say("put the file itself there"))
        try:
            return super().get_source(environment, template)
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            remedy = say("save it as UTF-8 (most editors: Save as, Encoding, UTF-8)")
            raise _refusal(f"{path}:{line}", _not_utf8(error.object, error.start), remedy) from error


def _not_utf8(data: bytes, at: int) -> Message:
    """Say which byte is not UTF-8, and guess what the bytes are."""
    looks = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else None
    with suppress(UnicodeDecodeError):
        data.decode("gb18030")
        looks = "GBK"
    if looks is None:
        return say("the file is not UTF-8 at byte {number}", number=at + 1)
    return say("the file is not UTF-8 at byte {number}, it looks like {encoding}", number=at + 1, encoding=looks)


class _Outline(NamedTuple):
    """What a template says of its parent and of its blocks, with their lines."""

    file: str
    parent: str | None
    """The name after `extends`; None where there is no parent, or only rendering tells which."""
    line: int
    replacing: Mapping[str, int]
    """Blocks that are shown only where an ancestor has one of the name, by name."""
    blocks: frozenset[str]
    called: frozenset[str]
    """Names that the template calls as `self.NAME`."""
    whole: bool
    """Whether this is all that the template can come to show."""


def _outline(tree: nodes.Template, file: str) -> _Outline:
    parents = list(tree.find_all(nodes.Extends))
    blocks = frozenset(block.name for block in tree.find_all(nodes.Block))
    selves = (at for at in tree.find_all(nodes.Getattr) if isinstance(at.node, nodes.Name) and at.node.name == "self")
    called = frozenset(at.attr for at in selves)
    one = parents[0] if len(parents) == 1 and parents[0] in tree.body else None
    if one is None or not isinstance(one.template, nodes.Const) or not isinstance(one.template.value, str):
        return _Outline(file, None, 1, {}, blocks, called, not parents)
    replacing = {block.name: block.lineno for block in _outermost(tree.body[tree.body.index(one) :])}
    return _Outline(file, one.template.value, one.lineno, replacing, blocks, called, whole=True)


def _outermost(found: Iterable[nodes.Node]) -> Iterator[nodes.Block]:
    """Yield the blocks that are in no other block."""
    for node in found:
        if isinstance(node, nodes.Block):
            yield node
        else:
            yield from _outermost(node.iter_child_nodes())


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox that keeps the outline of each template that it compiles, by its file."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._outlines: dict[str, _Outline] = {}

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,  # noqa: FBT001, FBT002 - as Jinja calls it
    ) -> str:
        self._outlines[str(filename)] = _outline(source, str(filename))
        return super()._generate(source, name, filename, defer_init)

    def outline(self, template: jinja2.Template) -> _Outline:
        """Return the outline of a template that this environment has loaded."""
        return self._outlines[str(template.filename)]


def _examine(environment: _Environment, template: jinja2.Template) -> None:
    """Raise TemplateError where a template is built on itself, or has a block that would never be shown."""
    descent = [environment.outline(template)]
    while (parent := descent[-1].parent) is not None:
        try:
            above = environment.outline(environment.get_template(parent))
        except OSError:
            return  # rendering says it, with the line
        if above.file in (one.file for one in descent):
            raise _circle(descent[-1], parent, itself=above.file == descent[-1].file)
        descent.append(above)
    if not descent[-1].whole:
        return
    called = frozenset(name for one in descent for name in one.called)
    for number, one in enumerate(descent, 1):
        blocks = frozenset(name for above in descent[number:] for name in above.blocks)
        for name, line in one.replacing.items():
            if name not in blocks | called:
                raise _no_block(f"{one.file}:{line}", one.parent, name, blocks)


def _circle(outline: _Outline, parent: str, *, itself: bool) -> TemplateError:
    fault = (
        say("the template extends itself")
        if itself
        else say('the template extends "{name}", which is built on it in turn', name=parent)
    )
    name = "/".join(split_template_path(parent))
    remedy = (
        say('write {{% extends "qpi/{name}" %}} to build on the packaged one', name=name)
        if (_PACKAGED / name).is_file()
        else say("name another template, or take the line out")
    )
    return _refusal(f"{outline.file}:{outline.line}", fault, remedy)


def _no_block(place: str, template: str | None, name: str, blocks: Iterable[str]) -> TemplateError:
    fault = say('{template} has no block "{block}"', template=template, block=name)
    choice = ", ".join(sorted(blocks))
    remedy = say("write one of {choice}", choice=choice) if choice else say("take the block out")
    return _refusal(place, fault, remedy)


class _AlwaysEscaped(Extension):
    """Refuses the tag with which a template could switch escaping off."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        opened = False
        for token in stream:
            if opened and token.value == "autoescape":
                raise jinja2.TemplateSyntaxError(
                    say("the tag autoescape is not allowed"), token.lineno, stream.name, stream.filename
                )
            opened = token.type == "block_begin"
            yield token


class _EndsByName(Extension):
    """Refuses an `endblock` with the name of another block than the one that it ends."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        tag: list[str] | None = None
        opened: list[str] = []
        for token in stream:
            if token.type == "block_begin":
                tag = []
            elif token.type == "block_end":
                if tag and tag[0] == "endblock" and opened:
                    opened.pop()
                tag = None
            elif tag is not None:
                tag.append(str(token.value))
                if len(tag) == 2 and tag[0] == "block":
                    opened.append(tag[1])
                elif len(tag) == 2 and tag[0] == "endblock" and opened and tag[1] != opened[-1]:
                    raise _misnamed_end(f"{stream.filename}:{token.lineno}", tag[1], opened[-1])
            yield token


def _misnamed_end(place: str, name: str, block: str) -> TemplateError:
    fault = say('the endblock names "{name}", and the block is called "{block}"', name=name, block=block)
    return _refusal(place, fault, say("write {{% endblock {block} %}}", block=block))


@lru_cache(maxsize=16)
def _environment(own: Path | None) -> _Environment:
    """Make the environment of one company's folder; it keeps compiled templates until their file changes."""
    packaged = _Folder(_PACKAGED)
    folders: list[jinja2.BaseLoader] = [packaged, jinja2.PrefixLoader({"qpi": packaged})]
    if own is not None:
        folders.insert(0, _Folder(own))
    environment = _Environment(
        loader=jinja2.ChoiceLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=[_AlwaysEscaped, _EndsByName],
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
        return say('there is no template "{name}"', name=error.name)
    text = error.message if isinstance(error, jinja2.TemplateError) else str(error)
    if isinstance(text, Message):
        return text
    return " ".join((text or type(error).__name__).split()).rstrip(".")


def _remedy(error: BaseException, own: Path | None) -> str:
    """Say what to write instead."""
    if isinstance(error, jinja2.TemplateNotFound):
        return (
            say("put it into {folder} or correct the name", folder=own) if own is not None else say("correct the name")
        )
    if isinstance(error, SecurityError):
        return say("use only the values given, without attributes that start with _ and without changing them")
    if isinstance(error, jinja2.UndefinedError):
        return say("correct the name, or see the packaged template for the names that exist")
    if isinstance(error, jinja2.TemplateSyntaxError):
        return say("correct the line, or see the packaged template for how it is written")
    return say("correct the template")
