"""Document: what a definition file holds, as text with places, with what is wrong left out of it."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from qpi.errors import DefinitionError, Problem, Where
from qpi.messages import say
from qpi.text import bad_character, nearest, visible

MAX_DEPTH = 16
MERGE = "<<"
NOTHING: Mapping[Any, Any] = MappingProxyType({})


@dataclass(slots=True)
class Node:
    """A value with its place; `lost` holds what was left out from beneath it because it is wrong."""

    line: int | None
    column: int | None
    value: Any
    keys: Mapping[str, tuple[int, int]] = field(default_factory=lambda: NOTHING)
    items: Mapping[Any, "Node"] = field(default_factory=lambda: NOTHING)
    lost: "Mapping[Any, Node | None]" = field(default_factory=lambda: NOTHING)

    def misses(self, name: Any) -> bool:
        """Say whether a value is not here because it, or what was meant to be it, was left out."""
        if not self.lost:
            return False
        words = [word for word in self.lost if isinstance(word, str)]
        return name in self.lost or MERGE in words or (isinstance(name, str) and nearest(name, words) is not None)


@dataclass(frozen=True)
class Document:
    """One file: its name, its text, its nodes (None where it cannot be read at all) and what its reader found wrong."""

    file: str
    text: str
    root: Node | None
    problems: tuple[Problem, ...] = ()

    @property
    def plain(self) -> Any:
        """The content as dicts, lists and text; raises DefinitionError where the reader found something wrong."""
        if self.problems or self.root is None:
            raise DefinitionError(self.problems)
        return self.root.value

    def where(self, *path: Any, key: bool = False) -> Where:
        """Return the place of the value at a path, or of the last key; of what is nearest where it is missing."""
        node, steps = self._reach(path)
        if node is None:
            return Where(self.file)
        if key and (holder := self.at(*path[:-1])) and path[-1] in holder.keys:
            return Where(self.file, *holder.keys[path[-1]])
        if node.line is None:
            return Where(self.file, field=_dotted(path if key else steps) or None)
        return Where(self.file, node.line, node.column)

    def at(self, *path: Any) -> Node | None:
        """Return the node at a path, or None."""
        node, steps = self._reach(path)
        return node if len(steps) == len(path) else None

    def reached(self, *path: Any) -> tuple[Any, ...]:
        """Return as much of a path as there is."""
        return self._reach(path)[1]

    def _reach(self, path: tuple[Any, ...]) -> tuple[Node | None, tuple[Any, ...]]:
        node = self.root
        for step, name in enumerate(path):
            if node is None or name not in node.items:
                return node, path[:step]
            node = node.items[name]
        return node, path

    def lost(self, *path: Any) -> Mapping[Any, Node | None]:
        """Return what was left out from beneath a path, by name."""
        node = self.at(*path)
        return node.lost if node else NOTHING

    def names(self, *path: Any) -> frozenset[str] | None:
        """Return the keys that stand at a path, wrong ones too; None where the whole cannot be told."""
        node = self.root
        for name in path:
            if node is None or name in node.lost:
                return None
            if name not in node.items:
                return None if node.misses(name) else frozenset()
            node = node.items[name]
        return None if node is None or MERGE in node.lost else frozenset({*node.items, *map(str, node.lost)})

    def texts(self, *path: Any) -> frozenset[str] | None:
        """Return the texts that stand at a path, where "*" is every item; None where some were lost and cannot be told."""
        found: set[str] = set()
        whole = self.root is not None and _gather(self.root, path, found)
        return frozenset(found) if whole else None

    def mended(self, wrong: Iterable[tuple[Any, ...]], spare: Mapping[tuple[Any, ...], Any]) -> "Document":
        """Return the document less the values at wrong paths and with spare values at others; the rest keeps its places."""
        assert self.root is not None
        steps: dict[Any, Any] = {}
        for path, what in [
            *((path, _Spare(value)) for path, value in spare.items()),
            *((path, None) for path in wrong),
        ]:
            _plan(steps, path, what)
        return Document(self.file, self.text, _mended(self.root, steps), self.problems)


def _dotted(path: tuple[Any, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _gather(node: Node, path: tuple[Any, ...], found: set[str]) -> bool:
    """Collect the texts at a path and say whether none is lost."""
    if not path:
        if isinstance(node.value, str):
            found.add(node.value)
        return isinstance(node.value, str)
    name, rest = path[0], path[1:]
    if name == "*":
        whole = not node.lost
        for item in node.items.values():
            whole &= _gather(item, rest, found)
        return whole
    if name in node.lost:
        was = node.lost[name]
        return was is not None and _gather(was, rest, found)
    if name not in node.items:
        return not node.misses(name)
    return _gather(node.items[name], rest, found)


@dataclass(frozen=True)
class _Spare:
    """What stands in for a value that is missing."""

    value: Any


def _plan(steps: dict[Any, Any], path: tuple[Any, ...], what: _Spare | None) -> None:
    """Enter into a tree of steps what to do at a path; None, to leave out, outdoes everything."""
    for name in path[:-1]:
        beneath = steps.setdefault(name, {})
        if not isinstance(beneath, dict):
            return
        steps = beneath
    steps[path[-1]] = what


def _mended(node: Node, steps: dict[Any, Any]) -> Node:
    items, lost = dict(node.items), dict(node.lost)
    for name, what in steps.items():
        if isinstance(what, _Spare):
            lost.setdefault(name, items.get(name))
            items[name] = nodes(what.value, node.line, node.column)
        elif what is None or (name in items and not items[name].items):
            # A path that goes on where the file has a single text means that text.
            lost[name if isinstance(name, str) else -len(lost) - 1] = items.pop(name, None)
        elif name in items:
            items[name] = _mended(items[name], what)
    if isinstance(node.value, list):
        items = dict(enumerate(items.values()))
        return Node(node.line, node.column, [item.value for item in items.values()], NOTHING, items, lost)
    return Node(node.line, node.column, {n: item.value for n, item in items.items()}, node.keys, items, lost)


def nodes(plain: Any, line: int | None = None, column: int | None = None) -> Node:
    """Return plain values as nodes that all have one place, or none."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(plain, dict):
        pairs = plain.items()
    elif isinstance(plain, list):
        pairs = enumerate(plain)
    return Node(line, column, plain, NOTHING, {name: nodes(item, line, column) for name, item in pairs})


def from_plain(plain: Any, file: str) -> Document:
    """Return plain dicts and lists, whose scalars and keys are text, as a document whose places are names of fields."""
    problems: list[Problem] = []
    root = _checked(plain, file, (), problems)
    return Document(file, "", nodes(root), tuple(problems))


def _checked(plain: Any, file: str, path: tuple[Any, ...], problems: list[Problem]) -> Any:
    """Copy plain values, mappings as dicts and sequences as lists; what is not text becomes text and a problem."""

    def tell(fault: str, remedy: str) -> None:
        problems.append(Problem(Where(file, field=_dotted(path) or None), fault, remedy))

    if len(path) >= MAX_DEPTH:
        tell(say("nested deeper than {most} levels", most=MAX_DEPTH), say("write it flatter"))
        return ""
    if isinstance(plain, Mapping):
        return {str(name): _checked(item, file, (*path, name), problems) for name, item in _texts(plain, tell)}
    if isinstance(plain, (list, tuple)):
        return [_checked(item, file, (*path, i), problems) for i, item in enumerate(plain)]
    if not isinstance(plain, str):
        fault = say("{value} is not text", value=f"{plain!r:.60}")
        tell(fault, say("give every value as text, as it stands in a file"))
        return visible(str(plain)[:60])
    if bad := bad_character(plain):
        tell(say("text holds {sign}", sign=bad), say("take it out, or write an ordinary blank"))
        return visible(plain)
    return plain


def _texts(plain: Mapping[Any, Any], tell: Callable[[str, str], None]) -> Iterator[tuple[str, Any]]:
    for name, item in plain.items():
        if isinstance(name, str) and not bad_character(name):
            yield name, item
        else:
            tell(say("key {name} is not a plain text", name=f"{name!r:.60}"), say("give keys as text"))


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the collector of cycles: documents have none, and counting a million nodes over and over costs a third."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
