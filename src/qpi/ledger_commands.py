"""Commands of the ledger: proving it, keeping proof of it elsewhere, copying and mending it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from qpi.console import NO_PROOF, Group, in_language, in_workspace, option, put, show, tell
from qpi.errors import DataError, ProofError, UsageError
from qpi.messages import joined, say

if TYPE_CHECKING:
    from pathlib import Path


@click.group(cls=Group, help=say("The ledger: verify, receipt, history, backup, rebuild."))
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
@option("--ledger", "copy", metavar="FILE", help=say("A copy of a ledger to verify instead of the workspace's own."))
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
    own = _attachments(attachments, copy) if attachments or copy else workspace.evidence_folder
    report = audit(Path(copy) if copy else workspace.ledger_path, receipts, attachments=own)
    for one in report.found:
        show(one.words())
    for note in report.notes:
        tell(note)
    if report.position is not None:
        last = report.position.seq
        show(say("ledger {ledger}: entries 0 to {last}, head {head}", ledger=report.position.ledger, last=last,
                 head=report.position.head))  # fmt: skip
        if report.covered is None:
            tell(say("no receipt covers any of it: entries cut off at the end, or all written anew, would not show"))
        elif report.covered < last:
            tell(say("no receipt covers entries {first} to {last}: if they were cut off or written anew, it would not show",
                     first=report.covered + 1, last=last))  # fmt: skip
    if not report.sound:
        sys.exit(NO_PROOF)


def _attachments(named: str | None, copy: str | None) -> Path | None:
    """Return the folder of evidence files that is named, or lies beside a copy; None where a copy came without one."""
    from pathlib import Path

    from qpi.evidence import FOLDER

    folder = Path(named) if named else Path(copy or "").parent / FOLDER
    if folder.is_dir():
        return folder
    if named:
        raise UsageError(say("there is no folder {folder}; name the one with the evidence files", folder=folder))
    return None


@ledger.command(help=say("Write a receipt of the ledger's last entry, to be kept elsewhere."))
@option("--at", type=int, metavar="SEQ", help=say("Of this entry (default: the last)."))
@option("-o", "--out", metavar="FILE", help=say("Write there instead of printing."))
@in_workspace
@in_language()
def receipt(at: int | None, out: str | None, folder: str) -> None:
    """Write a receipt."""
    from qpi import receipts
    from qpi.workspace import Workspace

    with Workspace(folder).ledger() as store:
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

    workspace = Workspace(folder)
    target = int(name) if name.isascii() and name.isdigit() and len(name) <= 15 else name
    with workspace.ledger() as store:
        events = corrections.history(store, target)
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


@ledger.command(help=say("Copy the ledger to FILE while others may write, and verify the copy."))
@click.argument("file", metavar="FILE")
@in_workspace
@in_language()
def backup(file: str, folder: str) -> None:
    """Make a verified copy."""
    from pathlib import Path

    from qpi.backup import back_up
    from qpi.workspace import Workspace

    report = back_up(Workspace(folder).ledger_path, Path(file))
    assert report.position is not None
    position = report.position
    show(say("{file}: entries 0 to {last}, head {head}", file=file, last=position.seq, head=position.head))
    for note in report.notes:
        tell(note)


@ledger.command(help=say("Make the typed tables anew from the entries, which stay as they are."))
@in_workspace
@in_language()
def rebuild(folder: str) -> None:
    """Rebuild the typed tables."""
    from qpi import chain
    from qpi.workspace import Workspace

    with Workspace(folder).ledger() as store:
        if any(chain.breaks(store.links())):
            raise ProofError(say("the entries do not prove themselves; run qpi ledger verify, and restore a backup"))
        count = store.rebuild()
        show(say("typed tables made anew from {count} entries", count=count))


__all__ = ["ledger"]
