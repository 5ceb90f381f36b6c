"""Migration: a ledger of an earlier layout gets the tables of this release; its entries stay as they are.

The steps are Alembic's revisions in `migrations/versions`, one for each layout, named after its number. The number that
the ledger itself bears says which of them are still to be taken, so there is no table of Alembic's own in it.
"""

import io
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qpi.audit import audit
from qpi.backup import back_up, unfinished
from qpi.errors import LedgerError, QpiError
from qpi.ledger import Place, Position, open_unexamined
from qpi.messages import say
from qpi.store import newer
from qpi.tables import LAYOUT

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

FOLDER = Path(__file__).parent / "migrations"


class Migrated(NamedTuple):
    """What was migrated, the layout that it had, its last entry, the backup (None where nothing was to be done), notes."""

    file: str
    before: int
    position: Position
    backup: Path | None
    notes: tuple[str, ...] = ()


def migrate(place: Place, *, beside: Path | None = None) -> Migrated:
    """Bring a ledger to the layout of this release: a verified backup beside it, then all in one transaction.

    Its head is the same afterwards and all of it is proved, or it is as it was. The backup of what is no file goes
    beside the file that `beside` names. Raises LedgerError where there is no ledger or one of a later release,
    ProofError where it does not prove itself, QpiError where Alembic is missing.
    """
    with open_unexamined(place, changing=True) as ledger:
        before = ledger.layout
        if before > LAYOUT:
            raise LedgerError(newer(ledger.file, before))
        if before == LAYOUT:
            return Migrated(ledger.file, before, ledger.position(), None, ledger.notes)
        revisions = _revisions()
        with ledger.altering() as alter:
            # Nobody else can write from here on, so the backup is of exactly what is changed.
            before, position = ledger.layout, ledger.position()
            if before == LAYOUT:
                # Another program took the steps while this one waited.
                return Migrated(ledger.file, before, position, None, ledger.notes)
            backup = _backed_up(place, beside or Path("qpi.db"), position)
            for statement in _statements(revisions, before, ledger.dialect):
                alter(statement)
        return Migrated(ledger.file, before, position, backup, (*ledger.notes, *unfinished(backup)))


def _backed_up(place: Place, beside: Path, position: Position) -> Path:
    """Return the verified backup of a ledger; that of a run that was cut off later is as good."""
    names = _names(place if isinstance(place, Path) else beside)
    copy = next(one for one in names if not os.path.lexists(one) or _is_backup(one, position))
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


def _revisions() -> "ScriptDirectory":
    """Return the folder of revisions, read before anything is touched."""
    try:
        from alembic.script import ScriptDirectory
    except ImportError as error:
        raise QpiError(say("to migrate a ledger, Alembic is needed; pip install 'qpi[migrations]'")) from error
    return ScriptDirectory(str(FOLDER))


class _Gathered(io.StringIO):
    """The statements that Alembic writes where it would otherwise run them."""

    def __init__(self) -> None:
        super().__init__()
        self.statements: list[str] = []

    def write(self, text: str) -> int:
        """Keep a statement; Alembic writes each with one call."""
        self.statements.append(text.strip().removesuffix(";"))
        return len(text)


def _statements(revisions: "ScriptDirectory", before: int, dialect: str) -> list[str]:
    """Return the statements of every step from a layout to that of this release, the oldest first.

    Alembic only writes them: the store runs them, in its own transaction, which holds the lock.
    """
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    written = _Gathered()
    context = MigrationContext.configure(dialect_name=dialect, opts={"as_sql": True, "output_buffer": written})
    steps: list[Any] = list(revisions.iterate_revisions(str(LAYOUT), str(before)))
    for step in reversed(steps):
        with Operations.context(context):
            step.module.upgrade()
    return written.statements


__all__ = ["Migrated", "migrate"]
