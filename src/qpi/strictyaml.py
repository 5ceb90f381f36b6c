"""YAML read strictly: bounded, every scalar as text, every value with its place, every fault at once.

PyYAML parses into events only. Nothing is constructed, so no tag runs code, no alias or merge key grows,
and codes such as `007`, `1:30`, `NO` and `1.10` stay what was typed.
"""

import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from qpi.document import MAX_DEPTH, MERGE, Document, Node, from_plain, uncollected
from qpi.errors import Problem, Where, reason
from qpi.messages import Message, say, template
from qpi.text import bad_character, normal, shown, sign_name, visible

MAX_BYTES = 16 * 2**20
MAX_NODES = 1_000_000
MAX_SCALAR = 20_000
MAX_PROBLEMS = 200

_NOT_TEXT = re.compile(r"[-+.]?[0-9][0-9._:eExXoO+-]*|true|false|null|~|[-+]?\.(?:inf|nan)", re.IGNORECASE)
# Some of these end a line for YAML but for no editor, so that what reads as a comment would become content.
_NOWHERE = re.compile(
    "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
_WIDE_INDENT = re.compile(r"^[ ]*([\u3000\xa0])", re.MULTILINE)
_LINE_END = re.compile(r"\r\n?|\n")
_WIDE_KEY = re.compile(r"[ ]*(?:-[ ]+)?(\w[\w-]*)：")
_NO_BLANK = re.compile(r"[ ]*(?:-[ ]+)?([a-z_]{2,20}):(?=[^ \s:/])")
_IS_CLOSE = re.compile("mapping values|expected ':'")
_CLOSE_KEY = re.compile(r"([a-z_]{2,20}):(?=[^ ])")
_WIDE_KEY_WITHIN = re.compile(r" ([a-z_]{2,20})：")
_STANDARD = "tag:yaml.org,2002:"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path, *, name: str | None = None) -> Document:
    """Read a file; the document bears all problems, and whoever takes its plain content raises them."""
    file = name or str(path)
    if bad := bad_character(file):
        return _unread(file, say("the name of the file holds {sign}", sign=bad), say("give the file another name"))
    try:
        # A pipe or a device would never end.
        if not stat.S_ISREG(path.stat().st_mode):
            return _unread(file, say("this is not a file"), say("name a file"))
        with path.open("rb") as stream:
            return parse(stream.read(MAX_BYTES + 1), file)
    except FileNotFoundError:
        return _unread(file, say("there is no such file"), say("mend the name, or put the file there"))
    except OSError as error:
        return _unread(
            file,
            say("the file cannot be read ({reason})", reason=reason(error)),
            say("check the name and the rights"),
        )


def parse(data: bytes, file: str) -> Document:
    """Parse the bytes of a file; the document bears all problems, each with line and column."""
    if len(data) > MAX_BYTES:
        return _unread(
            file,
            say("the file is larger than {size} MiB", size=MAX_BYTES // 2**20),
            say("split it into several files"),
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _not_utf8(data, file, error.start)
    if "\0" in text:
        return _not_utf8(data, file, data.index(0))
    reader = _Reader(file, text)
    with uncollected():
        root = reader.read()
    if root is None and not reader.problems:
        return _unread(file, say("the file is empty"), say("write the definitions into it"), 1, 1)
    return Document(file, text, root, tuple(reader.problems))


def _unread(file: str, fault: str, remedy: str, line: int | None = None, column: int | None = None) -> Document:
    return Document(file, "", None, (Problem(Where(file, line, column), fault, remedy),))


def _not_utf8(data: bytes, file: str, at: int) -> Document:
    """Refuse bytes that are not UTF-8 and guess what they are."""
    looks = None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data:
        looks = "UTF-16" if data.count(0) < len(data) * 3 // 4 else None
    else:
        with suppress(UnicodeDecodeError):
            data.decode("gb18030")
            looks = "GBK"
    line = data.count(b"\n", 0, at) + 1
    column = len(data[data.rfind(b"\n", 0, at) + 1 : at].decode("utf-8-sig", "replace")) + 1
    remedy = say("save it as UTF-8 (most editors: Save as, Encoding, UTF-8)")
    fault = (
        say("the file is not UTF-8 at byte {number}, it looks like {encoding}", number=at + 1, encoding=looks)
        if looks
        else say("the file is not UTF-8 at byte {number}", number=at + 1)
    )
    return _unread(file, fault, remedy, line, column)


class _Stop(Exception):
    """The rest of the file is not read."""


_SYNTAX = (
    ("mapping values are not allowed", template("a colon where no value can begin"),
     template("put a text that holds a colon in quotes, or begin key: value on a line of its own, indented like its neighbours")),
    ("expected ',' or", template("the bracket opened at line {begun} is not closed, or a comma is missing"),
     template("write , between values and the closing bracket at the end")),
    ("while scanning a quoted scalar", template("the quote opened at line {begun} is not closed"),
     template("add the closing quote")),
    ("while scanning a block scalar", template("a text that begins with | or >"),
     template("put the text in quotes")),
    ("while scanning a directive", template("a line that begins with %"),
     template("put the text in quotes, or take the line out")),
    ("mapping keys are not allowed", template("a text that begins with ?"),
     template("put the text in quotes")),
    ("hexdecimal", template("a backslash that means nothing"),
     template("write \\\\ for a backslash, or put the text in single quotes")),
    ("escape", template("a backslash that means nothing"),
     template("write \\\\ for a backslash, or put the text in single quotes")),
    ("expected '-' indicator", template("a line without a hyphen in the list that begins at line {begun}"),
     template("begin it with a hyphen and a blank, or indent it like the rest of its item")),
    ("expected key", template("this does not fit the lines from {begun} on"),
     template("indent it like its neighbours, or put the whole of a text in quotes that begins with a quote")),
    ("expected ':'", template("a line without a key"),
     template("write key: value, or indent the line as part of the text above")),
    ("block sequence entries", template("a list that begins behind its key"),
     template("begin it on the next line, or write [a, b]")),
    ("document start", template("a second document begins"),
     template("keep one document in a file, without lines of --- or ...")),
    ("node content", template("a value is missing, or begins with a sign that has another meaning"),
     template("write the value and close every bracket, or put the text in quotes")),
    ("alphabetic or numeric", template("a text that begins with * or &"),
     template("put the text in quotes")),
    ("tag", template("a text that begins with !"),
     template("put the text in quotes")),
    ("cannot start any token", template("no value can begin with {sign}"),
     template("put the text in quotes")),
)  # fmt: skip
_AT_BEGINNING = ("while scanning a quoted scalar", "expected ':'")


class _Reader:
    """Turns events into nodes and collects what is wrong on the way."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text, self.read_text = file, text, text
        self.problems: list[Problem] = []
        self.nodes = 0

    def read(self) -> Node | None:
        """Return the root of the text, or None where it cannot be read to its end."""
        try:
            self.read_text = self._without_bad_signs()
            loader = _LOADER(self.read_text)
            try:
                return self._document(loader)
            except yaml.MarkedYAMLError as error:
                self._syntax(error)
            finally:
                loader.dispose()
        except _Stop:
            pass
        return None

    def _problem(self, line: int, column: int, fault: str, remedy: str) -> None:
        self.problems.append(Problem(Where(self.file, line, column), fault, remedy))
        if len(self.problems) >= MAX_PROBLEMS:
            self.problems.append(
                Problem(
                    Where(self.file, line, column),
                    say("more than {most} problems", most=MAX_PROBLEMS),
                    say("mend those above, then check again"),
                )
            )
            raise _Stop

    def _say(self, event: Any, fault: str, remedy: str) -> None:
        self._problem(event.start_mark.line + 1, event.start_mark.column + 1, fault, remedy)

    def _without_bad_signs(self) -> str:
        """Return the text without the signs that may stand nowhere, not even in a comment."""
        for line, column, found in self._found(_NOWHERE):
            self._problem(line, column, say("the file holds {sign}", sign=sign_name(found)), say("take it out"))
        before = len(self.problems)
        for line, column, found in self._found(_WIDE_INDENT):
            fault = say("the line is indented with {sign}", sign=sign_name(found))
            self._problem(line, column, fault, say("indent with ordinary blanks"))
        if len(self.problems) > before:
            # How deep such a line belongs nobody can tell.
            raise _Stop
        return _NOWHERE.sub(lambda found: visible(found.group()), self.text) if self.problems else self.text

    def _found(self, sought: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
        """Yield line, column and sign of each place where a pattern fits, whose last sign it is."""
        line, begun, last = 1, 0, 0
        for found in sought.finditer(self.text):
            at = found.end() - 1
            for end in _LINE_END.finditer(self.text, last, at):
                line, begun = line + 1, end.end()
            last = at
            yield line, at - begun + 1, self.text[at]

    def _syntax(self, error: yaml.MarkedYAMLError) -> None:
        """Say in the words of people what the parser cannot read."""
        if self.text != self.read_text:
            # What was taken out may have ended a line.
            return
        said = " ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        if mark is None:
            self._problem(1, 1, say("not YAML: {said}", said=said), say("mend the YAML"))
            return
        begun = error.context_mark or mark
        lines = _LINE_END.split(self.text)
        for number in (mark.line, mark.line - 1):
            if 0 <= number < len(lines) and (wide := _WIDE_KEY.match(lines[number])):
                self._wide_colon(number + 1, wide.end(), wide[1])
                return
            if 0 <= number < len(lines) and _IS_CLOSE.search(said) and (close := _NO_BLANK.match(lines[number])):
                self._close_colon(number + 1, close.end(), close[1])
                return
        line = lines[mark.line] if mark.line < len(lines) else ""
        sign = line[mark.column] if mark.column < len(line) else ""
        needle, fault, remedy = next((row for row in _SYNTAX if row[0] in said), ("", "", ""))
        if sign == "\t":
            told = say("a tab before the text"), say("indent with blanks")
        elif needle:
            told = Message(fault, begun=begun.line + 1, sign=sign), Message(remedy)
        else:
            told = say("not YAML: {said}", said=said), say("mend the YAML here")
        if sign != "\t" and needle in _AT_BEGINNING:
            mark = begun
        self._problem(mark.line + 1, mark.column + 1, *told)

    def _wide_colon(self, line: int, column: int, key: str) -> None:
        self._problem(
            line,
            column,
            say("a full-width colon ： after {key}", key=shown(key)),
            say("write {key}: with a blank after it", key=shown(key)),
        )

    def _close_colon(self, line: int, column: int, key: str) -> None:
        fault = say("no blank after the colon of {key}", key=key)
        self._problem(line, column, fault, say("write {key}: with a blank after it", key=key))

    def _document(self, loader: Any) -> Node | None:
        """Read the only document of the stream."""
        root: Node | None = None
        started = 0
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                started += 1
                if started > 1:
                    self._say(
                        event, say("a second document begins"), say("keep one document in a file, without lines of ---")
                    )
                    return root
                if event.version or event.tags:
                    self._say(event, say("directives are not read"), say("take out the lines that begin with %"))
            elif not isinstance(event, (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentEndEvent)):
                root = self._node(loader, event, 1)
        return root

    def _node(self, loader: Any, event: Any, depth: int) -> Node | None:
        """Read one value; None where there is none to judge."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._say(event, say("more than {most} values", most=MAX_NODES), say("split the file"))
            raise _Stop
        if depth > MAX_DEPTH:
            self._say(event, say("nested deeper than {most} levels", most=MAX_DEPTH), say("write it flatter"))
            raise _Stop
        if isinstance(event, yaml.AliasEvent):
            self._say(
                event, say("alias *{anchor} is not read", anchor=shown(str(event.anchor))), say("write the value out")
            )
            return None
        if event.anchor:
            self._say(
                event,
                say("anchor &{anchor} is not read", anchor=shown(event.anchor)),
                say("take it out and write values where they are used"),
            )
        if event.tag is not None:
            self._say(
                event,
                say("tag {tag} is not read", tag=shown(event.tag.replace(_STANDARD, "!!"))),
                say("take it out, every value is text"),
            )
        node = Node(event.start_mark.line + 1, event.start_mark.column + 1, None)
        if isinstance(event, yaml.ScalarEvent):
            node.value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._sequence(loader, node, depth)
        else:
            self._mapping(loader, node, depth)
        return None if node.value is None else node

    def _scalar(self, event: Any) -> str | None:
        value: str = event.value
        style = event.style
        if style in ("|", ">"):
            value = value.rstrip("\n")
        if not value and not style:
            self._say(event, say("no value"), say("write one or take the key out"))
            return None
        if len(value) > MAX_SCALAR:
            self._say(
                event,
                say("a text of {number} characters", number=len(value)),
                say("keep it to {most}", most=MAX_SCALAR),
            )
            return None
        if bad := bad_character(value):
            self._say(event, say("text holds {sign}", sign=bad), say("take it out, or write an ordinary blank"))
            return visible(value).strip() or None
        if value != value.strip():
            self._say(event, say("blanks at the edge of the text"), say("take them out"))
            return value.strip() or None
        if not style and event.end_mark.line > event.start_mark.line and (wide := _WIDE_KEY_WITHIN.search(value)):
            self._say(event, say("the next line is taken as text: a full-width colon ： after {wide}", wide=wide[1]),
                      say("write {wide}: with a blank after it, or the text in quotes", wide=wide[1]))  # fmt: skip
        return value

    def _sequence(self, loader: Any, node: Node, depth: int) -> None:
        values: list[Any] = []
        items: dict[Any, Node] = {}
        lost: dict[Any, Node | None] = {}
        while not isinstance(event := loader.get_event(), yaml.SequenceEndEvent):
            item = self._node(loader, event, depth + 1)
            if item is None:
                lost[-len(lost) - 1] = None
                continue
            items[len(values)] = item
            values.append(item.value)
        node.value, node.items, node.lost = values, items, lost

    def _mapping(self, loader: Any, node: Node, depth: int) -> None:
        values: dict[str, Any] = {}
        keys: dict[str, tuple[int, int]] = {}
        items: dict[Any, Node] = {}
        lost: dict[Any, Node | None] = {}
        seen: dict[str, int] = {}
        while not isinstance(event := loader.get_event(), yaml.MappingEndEvent):
            key, sound = self._key(loader, event, depth)
            value = loader.get_event()
            if (
                (close := _CLOSE_KEY.match(key))
                and isinstance(value, yaml.ScalarEvent)
                and not (value.value or value.style)
            ):
                # `code:KF-001` within braces is a key without a value.
                self._close_colon(event.start_mark.line + 1, event.start_mark.column + close.end(), close[1])
                lost[close[1]] = None
                continue
            if key == MERGE and not sound and isinstance(value, yaml.AliasEvent):
                lost[key] = None
                continue
            item = self._node(loader, value, depth + 1)
            line = event.start_mark.line + 1
            if (folded := normal(key)) in seen and sound:
                self._say(
                    event,
                    say('key "{key}" stands already at line {line}', key=shown(key), line=seen[folded]),
                    say("keep one of the two"),
                )
                continue
            if not sound or item is None:
                lost[key] = item
                continue
            seen[folded] = line
            keys[key] = (line, event.start_mark.column + 1)
            items[key] = item
            values[key] = item.value
        node.value, node.keys, node.items, node.lost = values, keys, items, lost

    def _key(self, loader: Any, event: Any, depth: int) -> tuple[str, bool]:
        """Read a key and say whether it can be one."""
        if not isinstance(event, yaml.ScalarEvent):
            self._say(
                event,
                say("a key is not text"),
                say("write a word before the colon, and a text that begins with a bracket in quotes"),
            )
            if not isinstance(event, yaml.AliasEvent):
                self._node(loader, event, depth + 1)
            return "", False
        value: str = event.value
        if not event.style and value == MERGE:
            self._say(event, say("merge key {merge} is not read", merge=MERGE), say("write the keys out"))
            return MERGE, False
        # The C parser gives a plain scalar the style "", the Python parser None. YAML 1.1 takes `no`, a word of ours, for false.
        if not event.style and _NOT_TEXT.fullmatch(value):
            self._say(
                event,
                say("key {value} is not text", value=shown(value)),
                say('write a word, or "{value}" in quotes', value=shown(value)),
            )
            return value, False
        if not event.style and not value:
            self._say(event, say("no key before the colon"), say("write one, or take the line out"))
            return value, False
        before = len(self.problems)
        node = self._node(loader, event, depth + 1)
        return (value if node is None else node.value), len(self.problems) == before


__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "MAX_PROBLEMS",
    "MAX_SCALAR",
    "Document",
    "from_plain",
    "parse",
    "read",
]
