"""Commands of the ledger: proving it, keeping proof of it elsewhere, copying and mending it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from qpi.console import NO_PROOF, Group, Whole, in_language, in_workspace, option, put, show, tell
from qpi.errors import DataError, ProofError, UsageError
from qpi.messages import joined, say

if TYPE_CHECKING:
    from pathlib import Path

    from qpi.ledger import Place


@click.group(cls=Group, help=say("The ledger: init, verify, receipt, history, backup, copy, rebuild, migrate."))
@in_language()
def ledger() -> None:
    """Gather the commands of the ledger."""


@ledger.command(
    help=say(
        "Recompute the whole ledger, and compare it with receipts that were kept elsewhere.\n\n"
        "Every inconsistency is printed with its entry and kind. A receipt is a file of qpi ledger receipt, or any notice."
    )
)
@option(
    "--receipt",
    "files",
    multiple=True,
    metavar="FILE",
    help=say("A file that holds receipts; more than one if need be."),
)
@option(
    "--ledger",
    "copy",
    metavar="FILE",
    help=say("A copy of a ledger, a file or a URL, to verify instead of the workspace's own."),
)
@option("--evidence", "attachments", metavar="DIR",
        help=say("The folder of evidence files (default: evidence beside the ledger)."))  # fmt: skip
@in_workspace
@in_language()
def verify(files: tuple[str, ...], copy: str | None, attachments: str | None, folder: str) -> None:
    """Prove the ledger."""
    from pathlib import Path

    from qpi.audit import audit
    from qpi.receipts import Receipt, found_in
    from qpi.workspace import Workspace

    receipts: list[Receipt] = []
    problems = []
    for file in files:
        try:
            receipts += found_in(Path(file).read_text(encoding="utf-8", errors="replace"), file)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    workspace = Workspace(folder)
    place = _place(copy) if copy else workspace.ledger_place
    own = _attachments(attachments, place) if attachments or copy else workspace.evidence_folder
    report = audit(place, receipts, attachments=own)
    for note in report.notes:
        tell(note)
    for one in report.found:
        show(one.words())
    if report.position is not None:
        last = report.position.seq
        show(say("ledger {ledger}: entries 0 to {last}, head {head}", ledger=report.position.ledger, last=last,
                 head=report.position.head))  # fmt: skip
        if report.covered is None:
            tell(say("no receipt covers any of it: entries cut off at the end, or all written anew, would not show"))
        elif report.covered < last:
            tell(say("no receipt covers entries {first} to {last}: if they were cut off or written anew, it would not show",
                     first=report.covered + 1, last=last))  # fmt: skip
    for doubt in report.doubts:
        tell(doubt)
    if not report.sound:
        sys.exit(NO_PROOF)


def _attachments(named: str | None, place: Place) -> Path | None:
    """Return the folder of evidence files that is named, or lies beside a copy; None where a copy came without one."""
    from pathlib import Path

    from qpi.evidence import FOLDER

    if named:
        if not Path(named).is_dir():
            raise UsageError(say("there is no folder {folder}; name the one with the evidence files", folder=named))
        return Path(named)
    beside = place.parent / FOLDER if isinstance(place, Path) else None
    return beside if beside and beside.is_dir() else None


def _place(given: str) -> Place:
    """Return the place that a file's name or a URL names."""
    from pathlib import Path

    from qpi.ledger import place_of

    return place_of(given, Path()) if "://" in given else Path(given)


@ledger.command(
    help=say(
        "Make a ledger with its first entry at URL, and let a role of the database read and append there.\n\n"
        "URL is of the owner: postgresql://owner@host/database. The role that --writer names is made beforehand."
    )
)
@click.argument("url", metavar="URL")
@option(
    "--writer", metavar="ROLE", help=say("The role that programs log in as; it may read and append, and nothing else.")
)
@in_language()
def init(url: str, writer: str | None) -> None:
    """Make a ledger."""
    from qpi import ledger as ledgers

    position = ledgers.init(_place(url), writer=writer)
    show(say("ledger {ledger}: entries 0 to {last}, head {head}", ledger=position.ledger, last=position.seq,
             head=position.head))  # fmt: skip
    if writer:
        show(say("{role} may read and append", role=writer))


@ledger.command(
    help=say(
        "Copy the ledger into an empty place, and verify it there.\n\n"
        "URL is sqlite:///FILE or postgresql://owner@host/database; the entries are the same word for word."
    )
)
@click.argument("url", metavar="URL")
@option(
    "--writer", metavar="ROLE", help=say("The role that programs log in as; it may read and append, and nothing else.")
)
@in_workspace
@in_language()
def copy(url: str, writer: str | None, folder: str) -> None:
    """Copy the ledger into another store."""
    from qpi import transfer
    from qpi.workspace import Workspace

    with Workspace(folder, tell=tell).ledger() as store:
        position = transfer.copy(store, _place(url), writer=writer)
    show(say("ledger {ledger}: entries 0 to {last}, head {head}", ledger=position.ledger, last=position.seq,
             head=position.head))  # fmt: skip


@ledger.command(help=say("Write a receipt of the ledger's last entry, to be kept elsewhere."))
@option("--at", type=Whole(min=0), metavar="SEQ", help=say("Of this entry (default: the last)."))
@option("-o", "--out", metavar="FILE", help=say("Write there instead of printing."))
@in_workspace
@in_language()
def receipt(at: int | None, out: str | None, folder: str) -> None:
    """Write a receipt."""
    from qpi import receipts
    from qpi.workspace import Workspace

    with Workspace(folder, tell=tell).ledger() as store:
        position = store.position_at(at)
    put(receipts.text_of(receipts.receipt(*position, now=datetime.now(UTC))), out)


@ledger.command(
    help=say(
        "Show what became of a record: every version with who, when and why, and the second verifications.\n\n"
        "ID is that of a check or a finding, or the number of an entry."
    )
)
@click.argument("name", metavar="ID")
@in_workspace
@in_language()
def history(name: str, folder: str) -> None:
    """Show the entries of a record."""
    from qpi import corrections, entries
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    with workspace.ledger() as store:
        events, position = corrections.history(store, corrections.target_of(store, name)), store.position()
    for event in events:
        link = event.link
        who = (
            f"{link.actor_id} ({link.actor_role}, {link.actor_auth})"
            if link.actor_role
            else f"{link.actor_id} ({link.actor_auth})"
        )
        show(
            say("entry {entry} {kind} {moment} {who}", entry=link.seq, kind=link.kind, moment=link.recorded_at, who=who)
        )
        if link.supersedes is not None:
            show(say("  in the place of entry {entry}: {reason}", entry=link.supersedes, reason=link.reason))
        if event.changed:
            show(joined("", ("  ", event.changed)))
        elif link.kind != "void":
            show("  " + entries.canonical(corrections.record_of(link)).decode())
    tell(say("ledger at entry {number}, head {head}", number=position.seq, head=position.head))


@ledger.command(help=say("Copy the ledger to FILE while others may write, and verify the copy."))
@click.argument("file", metavar="FILE")
@in_workspace
@in_language()
def backup(file: str, folder: str) -> None:
    """Make a verified copy."""
    from pathlib import Path

    from qpi.backup import back_up, unfinished
    from qpi.receipts import receipt
    from qpi.workspace import Workspace

    report = back_up(Workspace(folder).ledger_place, Path(file))
    assert report.position is not None
    position = report.position
    for note in (*report.notes, *unfinished(Path(file))):
        tell(note)
    show(say("{file}: entries 0 to {last}, head {head}", file=file, last=position.seq, head=position.head))
    show(str(receipt(*position, now=datetime.now(UTC))))


@ledger.command(
    help=say(
        "Give a ledger of an earlier release the tables of this one.\n\n"
        "A verified backup is made beside it first. Entries stay as they are, and so does the head."
    )
)
@in_workspace
@in_language()
def migrate(folder: str) -> None:
    """Migrate the ledger."""
    from qpi.migration import migrate as bring
    from qpi.tables import LAYOUT
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    done = bring(workspace.ledger_place, beside=workspace.folder / "qpi.db")
    for note in done.notes:
        tell(note)
    if done.backup is None:
        show(say("{file}: there is nothing to migrate (schema {schema})", file=done.file, schema=LAYOUT))
        return
    show(say("{file}: schema {before} is now {after}; entries 0 to {last}, head {head}, as before",
             file=done.file, before=done.before, after=LAYOUT, last=done.position.seq, head=done.position.head))  # fmt: skip
    show(say("{file}: the ledger as it was, verified", file=done.backup))


@ledger.command(help=say("Make the typed tables anew from the entries, which stay as they are."))
@in_workspace
@in_language()
def rebuild(folder: str) -> None:
    """Rebuild the typed tables."""
    from qpi import chain
    from qpi.workspace import Workspace

    with Workspace(folder, tell=tell).ledger() as store:
        if any(chain.breaks(store.links())):
            raise ProofError(say("the entries do not prove themselves; run qpi ledger verify, and restore a backup"))
        count = store.rebuild()
        show(say("typed tables made anew from {count} entries", count=count))


__all__ = ["ledger"]
