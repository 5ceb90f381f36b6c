"""Transfer: a ledger in another store, entry for entry, and proved there."""

from qpi.errors import LedgerError, UsageError
from qpi.ledger import Ledger, Place, Position, store_of
from qpi.messages import say


def copy(source: Ledger, place: Place, *, writer: str | None = None) -> Position:
    """Copy an opened ledger into an empty store: entries word for word, typed rows made from them; return its position.

    With `writer`, a role of the database may read and append there.
    All of it is there at the end, proved, or nothing.
    Raises UsageError where the place has a ledger, LedgerError where the copy does not prove itself or cannot be made.
    """
    store = store_of(place)
    target = Ledger(store)
    try:
        if store.exists():
            raise UsageError(say("{file}: there is a ledger already; name an empty place", file=store.file))
        store.room()
        with source.reading():
            target.begin(writer=writer, links=source.links())
            position = source.position()
        if target.position() != position:
            raise LedgerError(say("{file}: the copy ends otherwise than the ledger", file=store.file))
    finally:
        target.close()
    return position


__all__ = ["copy"]
