"""Migration: a ledger of an earlier layout gets the tables of this release; its entries stay as they are.

The steps are Alembic's revisions in `migrations/versions`, one for each layout, named after its number. The number that
the ledger itself bears says which of them are still to be taken, so there is no table of Alembic's own in it.
"""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qpi.audit import audit
from qpi.backup import back_up
from qpi.errors import LedgerError, QpiError
from qpi.ledger import Position, open_unexamined
from qpi.messages import say
from qpi.store import newer
from qpi.tables import LAYOUT

if TYPE_CHECKING:
    import sqlalchemy as sa
    from alembic.script import ScriptDirectory

FOLDER = Path(__file__).parent / "migrations"


class Migrated(NamedTuple):
    """The layout that a ledger had, its last entry, and the backup of what it was; None where nothing was to be done."""

    before: int
    position: Position
    backup: Path | None


def migrate(place: Path) -> Migrated:
    """Bring a ledger to the layout of this release: a verified backup beside it, then all in one transaction.

    Its head is the same afterwards and all of it is proved, or it is as it was. Raises LedgerError where there is no
    ledger or one of a later release, ProofError where it does not prove itself, QpiError where Alembic is missing.
    """
    with open_unexamined(place, changing=True) as ledger:
        before = ledger.layout
        if before > LAYOUT:
            raise LedgerError(newer(ledger.file, before))
        if before == LAYOUT:
            return Migrated(before, ledger.position(), None)
        steps = _steps()
        with ledger.held(), ledger.altering() as connection:
            # Nobody else can write from here on, so the backup is of exactly what is changed.
            before, position = ledger.layout, ledger.position()
            if before == LAYOUT:
                # Another program took the steps while this one waited.
                return Migrated(before, position, None)
            backup = _backed_up(place, position)
            _run(steps, connection, before)
        return Migrated(before, position, backup)


def _backed_up(place: Path, position: Position) -> Path:
    """Return the verified backup beside a ledger; that of a run that was cut off later is as good."""
    copy = next(one for one in _names(place) if not os.path.lexists(one) or _is_backup(one, position))
    if not copy.exists():
        back_up(place, copy)
    return copy


def _names(place: Path) -> Iterator[Path]:
    """Yield names for a backup: `qpi.before-2.db`, and others where that is taken."""
    yield place.with_name(f"{place.stem}.before-{LAYOUT}{place.suffix}")
    for number in count(2):
        yield place.with_name(f"{place.stem}.before-{LAYOUT}-{number}{place.suffix}")


def _is_backup(copy: Path, position: Position) -> bool:
    try:
        report = audit(copy)
    except LedgerError:
        return False
    return report.sound and report.position == position


def _steps() -> "ScriptDirectory":
    """Return the folder of revisions, read before anything is touched."""
    try:
        from alembic.script import ScriptDirectory
    except ImportError as error:
        raise QpiError(say("to migrate a ledger, Alembic is needed; pip install 'qpi[migrations]'")) from error
    return ScriptDirectory(str(FOLDER))


def _run(steps: "ScriptDirectory", connection: "sa.Connection", before: int) -> None:
    """Take every step from a layout to that of this release, the oldest first."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    revisions: list[Any] = list(steps.iterate_revisions(str(LAYOUT), str(before)))
    context = MigrationContext.configure(connection)
    for revision in reversed(revisions):
        with Operations.context(context):
            revision.module.upgrade()


__all__ = ["Migrated", "migrate"]
