"""Drafts: what files are read into, and the words that they may use."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from qpi import entries, terms, text
from qpi.definitions import Definitions
from qpi.entries import Draft, Fault, Faulty, Kind, located
from qpi.errors import Problem, RecordError, Where


@dataclass(frozen=True)
class Vocabulary:
    """What a file may call fields and values: our names, the Chinese ones, and those of a mapping of one's own."""

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: terms.VALUES)
    ids: bool = True
    """Whether a file of checks must have a column of ids."""

    def value(self, name: str, written: Any) -> Any:
        """Return the English word for a Chinese value of a field, and anything else as it is."""
        if not isinstance(written, str) or written.isascii():
            return written
        known = self.values.get(name, {})
        return known.get(written) or known.get(text.normal(written), written)


def vocabulary(definitions: Definitions, own: Mapping[str, str] | None = None) -> Vocabulary:
    """Return the shipped terms with the titles of the workspace's roles and methods, and with one's own columns."""
    editions = [source.edition for source in definitions.checklists.sources]
    checklists = definitions.checklists
    roles = [(n, role.title) for found in (*(e.roles for e in editions), checklists.roles) for n, role in found.items()]
    methods = [
        (n, title) for found in (*(e.methods for e in editions), checklists.methods) for n, title in found.items()
    ]
    return Vocabulary(dict(own or {}), {**terms.VALUES, "role": _by_title(roles), "method": _by_title(methods)})


def _by_title(named: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return names by title; a title of two names is left out, for nobody could tell which is meant."""
    names: dict[str, set[str]] = {}
    for name, title in named:
        names.setdefault(text.normal(title), set()).add(name)
    return {title: min(found) for title, found in names.items() if len(found) == 1}


class Reject(Protocol):
    """Returns a file's own lines for the drafts that are refused; where they bear reasons, in a language: `zh` or `en`."""

    def __call__(self, refused: Sequence[Draft], language: str = "en", /) -> str: ...


@dataclass(frozen=True)
class Intake:
    """A file that was read once: its drafts, and its own lines for what is refused."""

    file: str
    digest: str
    drafts: Iterator[Draft]
    reject: Reject
    notes: list[str]


def refusal(file: str, fault: str, remedy: str, line: int | None = None) -> RecordError:
    """Return the error that says why a file cannot be read at all."""
    return RecordError([Problem(Where(file, line), fault, remedy)])


_FIXED = re.compile(r"findings\[[0-9]+\]|elements\..*")


def _with_titles(fault: Fault) -> Fault:
    """Return the fault of an unknown word that is written in Chinese with a remedy that shows the Chinese words."""
    if fault.fault.isascii() or not fault.fault.endswith(" is unknown"):
        return fault
    name = _FIXED.sub(lambda found: "elements" if found[0].startswith("elements") else "finding", fault.field)
    return fault._replace(remedy=terms.choice(name) or fault.remedy)


def read(
    kind: Kind, values: Mapping[str, Any], where: Where, lines: tuple[int, ...], digest: str,
    faults: Sequence[Fault] = (), rows: Mapping[str, int] | None = None,
) -> Draft:  # fmt: skip
    """Return the values of a record as a draft; `faults` are what was wrong before they could be read as fields."""
    entry = entries.read(kind, values)
    if not isinstance(entry, Faulty):
        return Draft(entry, where, tuple(located(where, f, rows) for f in faults), lines, digest, rows)
    # A cell that could not be read is reported once, by the fault that says why.
    told = {fault.field for fault in faults}
    found = [*faults, *(_with_titles(fault) for fault in entry.faults if fault.field not in told)]
    return Draft(None, where, tuple(located(where, fault, rows) for fault in found), lines, digest, rows, entry.part)
