"""Catalogues: editions found by name in a workspace, in a file of their own, or among those that are shipped."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from qpi import lint, shipped, strictyaml, text
from qpi.checklist import Checklists, Source
from qpi.config import CONFIG
from qpi.definitions import Definitions
from qpi.errors import DefinitionError, UsageError
from qpi.messages import say
from qpi.workspace import Workspace

ALWAYS = date(1970, 1, 1)


def read(paths: Iterable[Path]) -> tuple[Source, ...]:
    """Return the editions in files; raise DefinitionError with every problem of them."""
    checklists, problems = lint.build([strictyaml.read(path) for path in paths])
    if any(not problem.advisory for problem in problems):
        raise DefinitionError(problems)
    return checklists.by_start


def find(name: str, workspace: Workspace | None, *, day: date) -> Source:
    """Return the edition that a name means.

    A name is a file (.yaml, .yml), a catalogue, or catalogue@edition; a catalogue alone means its edition in force on a
    day, else its newest. The workspace is asked first, then what is shipped.
    Raises UsageError where nothing is called so, DefinitionError where what is called so has problems.
    """
    if Path(name).suffix.lower() in (".yaml", ".yml"):
        return read([Path(name)])[0]
    catalogue, _, edition = name.partition("@")
    own = workspace.definitions.checklists if workspace else Checklists(())
    known = [*own.by_start]
    if all(source.edition.catalogue != catalogue for source in known):
        known += read(shipped.editions().get(catalogue, ()))
    mine = [source for source in known if source.edition.catalogue == catalogue]
    if edition:
        mine = [source for source in mine if source.edition.edition == edition]
    if not mine:
        names = sorted({source.edition.catalogue for source in own.by_start} | set(shipped.editions()))
        labels = [
            f"{one.edition.catalogue}@{one.edition.edition}" for one in known if one.edition.catalogue == catalogue
        ]
        remedy = text.instead(name, labels or names)
        raise UsageError(say('catalogue "{name}" is unknown; {remedy}', name=name, remedy=remedy))
    in_force = [source for source in mine if source.edition.effective_from <= day]
    return (in_force or mine)[-1]


def chosen(names: Sequence[str], workspace: Workspace | None, *, day: date) -> tuple[Source, ...]:
    """Return the editions that names mean; without names those of the workspace in force on a day, else all that are shipped.

    An edition that takes effect later stands for a catalogue that has none in force yet.
    """
    if names:
        return tuple(find(name, workspace, day=day) for name in names)
    if workspace is None:
        return tuple(find(name, None, day=day) for name in shipped.editions())
    catalogues = dict.fromkeys(source.edition.catalogue for source in workspace.definitions.checklists.by_start)
    return tuple(find(catalogue, workspace, day=day) for catalogue in catalogues)


def throughout(definitions: Definitions, sources: Sequence[Source]) -> Definitions:
    """Return definitions in which these editions, and no others, are in force at all times."""
    always = tuple(replace(one, edition=one.edition.model_copy(update={"effective_from": ALWAYS})) for one in sources)
    return replace(definitions, checklists=Checklists(always))


def workspace_at(folder: str | Path) -> Workspace | None:
    """Return the workspace in a folder, or None where the folder has no qpi.yaml."""
    return Workspace(folder) if (Path(folder) / CONFIG).is_file() else None


__all__ = ["chosen", "find", "read", "throughout", "workspace_at"]
