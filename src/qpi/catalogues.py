"""Catalogues: editions found by name in a workspace, in a file of their own, or among those that are shipped."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NoReturn

from qpi import lint, shipped, strictyaml, text
from qpi.checklist import Source
from qpi.config import CONFIG
from qpi.errors import DefinitionError, UsageError
from qpi.messages import say
from qpi.workspace import Workspace

SHIPPED = "shipped:"
"""Stands before the name of an edition that is shipped, where the workspace has one of the same name."""


def read(paths: Iterable[Path], *, beside: tuple[Source, ...] = ()) -> tuple[Source, ...]:
    """Return the editions in files; raise DefinitionError with every problem of them.

    The roles and methods that editions `beside` them declare are known.
    """
    checklists, problems = lint.build([strictyaml.read(path) for path in paths], beside=beside)
    if any(not problem.advisory for problem in problems):
        raise DefinitionError(problems)
    return checklists.by_start


def find(name: str, workspace: Workspace | None, *, day: date) -> Source:
    """Return the edition that a name means.

    A name is a file (.yaml, .yml), a catalogue, or catalogue@edition; a catalogue alone means its edition in force on a
    day, else the next one. The workspace is asked first, then what is shipped; `shipped:` before a name asks only
    there. Raises UsageError where nothing is called so, DefinitionError where what is called so has problems.
    """
    if Path(name).suffix.lower() in (".yaml", ".yml"):
        return read([Path(name)], beside=_beside(workspace))[0]
    catalogue, _, edition = name.removeprefix(SHIPPED).partition("@")
    own = () if workspace is None or name.startswith(SHIPPED) else workspace.definitions.checklists.by_start
    fitting = _fitting(own, catalogue, edition) or _fitting(_shipped(catalogue), catalogue, edition)
    if not fitting:
        raise UsageError(say('catalogue "{name}" is unknown; {remedy}', name=name, remedy=_instead(name, own)))
    in_force = [source for source in fitting if source.edition.effective_from <= day]
    return in_force[-1] if in_force else fitting[0]


def _fitting(sources: Iterable[Source], catalogue: str, edition: str) -> list[Source]:
    """Return the editions of a catalogue; of a named edition that one alone."""
    mine = [source for source in sources if source.edition.catalogue == catalogue]
    return [source for source in mine if edition in ("", source.edition.edition)]


def _shipped(catalogue: str) -> tuple[Source, ...]:
    return read(shipped.editions().get(catalogue, ()))


def _beside(workspace: Workspace | None) -> tuple[Source, ...]:
    """Return the editions of a workspace, of one with problems those without."""
    return workspace.sources if workspace else ()


def _instead(name: str, own: Sequence[Source]) -> str:
    """Return the remedy for an unknown name: the nearest edition of a known catalogue, else the nearest catalogue."""
    catalogue = name.removeprefix(SHIPPED).partition("@")[0]
    sources = [*own, *_shipped(catalogue)]
    labels = [f"{one.edition.catalogue}@{one.edition.edition}" for one in sources if one.edition.catalogue == catalogue]
    return text.instead(name, labels or sorted({one.edition.catalogue for one in own} | set(shipped.editions())))


def chosen(names: Sequence[str], workspace: Workspace | None, *, day: date) -> tuple[Source, ...]:
    """Return the editions that names mean; without names those of the workspace in force on a day, else all that are shipped.

    An edition that takes effect later stands for a catalogue that has none in force yet.
    Raises UsageError where two editions of one catalogue are meant, which are never in force together.
    """
    if not names:
        own = workspace.definitions.checklists.by_start if workspace else ()
        names = [*dict.fromkeys(source.edition.catalogue for source in own)] if workspace else [*shipped.editions()]
    found: dict[str, Source] = {}
    for name in names:
        source = find(name, workspace, day=day)
        other = found.setdefault(source.edition.catalogue, source)
        if other.edition.edition != source.edition.edition:
            fault = say(
                "{one} and {other} are never in force together", one=other.edition.label, other=source.edition.label
            )
            raise UsageError(say("{fault}; {remedy}", fault=fault, remedy=say("compare them by qpi catalogue diff")))
    return tuple(found.values())


def narrowed(
    sources: Sequence[Source], *, specialties: Collection[str] = (), codes: Collection[str] = ()
) -> tuple[Source, ...]:
    """Return editions with those points only that are of one of the specialties and have one of the codes; all without any.

    Raises UsageError for a specialty or a code that none of the editions has.
    """
    if not specialties and not codes:
        return tuple(sources)
    points = [point for source in sources for point in source.edition.points.values()]
    known = sorted({point.specialty for point in points if point.specialty})
    for word in specialties:
        if word not in known:
            raise UsageError(say('"{name}" is unknown; {remedy}', name=word, remedy=text.instead(word, known)))
    by_code = {point.code.casefold(): point.code for point in points}
    codes = [by_code.get(text.normal(code).casefold()) or _no_such_code(code, by_code.values()) for code in codes]
    kept = {
        point.code
        for point in points
        if (not specialties or point.specialty in specialties) and (not codes or point.code in codes)
    }
    return tuple(one for source in sources if (one := _only(source, kept)).edition.groups)


def _no_such_code(code: str, known: Collection[str]) -> NoReturn:
    raise UsageError(say('"{name}" is unknown; {remedy}', name=code, remedy=text.coded(text.normal(code), known)))


def _only(source: Source, codes: Collection[str]) -> Source:
    """Return an edition with some of its points, each in its group."""
    groups = [
        group.model_copy(update={"points": points})
        for group in source.edition.groups
        if (points := tuple(point for point in group.points if point.code in codes))
    ]
    given = {name: getattr(source.edition, name) for name in type(source.edition).model_fields}
    return replace(source, edition=type(source.edition).model_construct(**{**given, "groups": tuple(groups)}))


def workspace_at(folder: str | None) -> Workspace | None:
    """Return the workspace in a folder; where none is named, that of the current folder if it is one."""
    if folder is None and not Path(CONFIG).is_file():
        return None
    return Workspace(folder or ".")


__all__ = ["SHIPPED", "chosen", "find", "narrowed", "read", "workspace_at"]
