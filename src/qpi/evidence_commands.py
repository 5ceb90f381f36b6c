"""Commands of evidence: keeping photos and papers beside the ledger, listing, giving out and removing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from qpi import console
from qpi.console import Group, acting, in_language, in_workspace, option, put, show, tell, tell_notes
from qpi.errors import QpiError, UsageError
from qpi.messages import say, translated

if TYPE_CHECKING:
    from qpi.entries import Actor


@click.group(cls=Group, help=say("Evidence files: add, show, remove."))
@in_language()
def evidence() -> None:
    """Gather the commands of evidence."""


@evidence.command(
    help=say(
        "Keep photos, papers and films beside the ledger: all FILEs or none.\n\n"
        "A file is kept under the SHA-256 of its bytes, by which records name it. The same file twice adds nothing."
    )
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@acting
@in_workspace
@in_language()
def add(files: tuple[str, ...], folder: str, actor: Actor | None) -> None:
    """Keep files."""
    from qpi.workspace import Workspace

    with Workspace(folder, tell=tell).recorder(actor=actor) as recorder:
        keeping = recorder.keep(*files)
    tell_notes(keeping.notes)
    for one in keeping.files:
        if one.new:
            line = say("{name}: kept as entry {entry}, sha256 {sha256}", **one._asdict())
        else:
            line = say("{name}: already there as entry {entry}, sha256 {sha256}", **one._asdict())
        show(line)
    position = keeping.position
    show(say("ledger at entry {number}, head {head}", number=position.seq, head=position.head[:16]))


@evidence.command(
    "show",
    help=say(
        "List the evidence files, who gave them and which records name them.\n\n"
        "WHAT is the beginning of a SHA-256, the id of a check or finding, or a name. Files that records name and nobody "
        "gave are listed, and files in the folder that are in no entry."
    ),
)
@click.argument("what", required=False)
@option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@option("-o", "--out", metavar="FILE", help=say("Write the bytes of the one file that WHAT names there."))
@in_workspace
@in_language(say("Of table and messages (default: by the locale)."))
def show_(what: str | None, form: str, out: str | None, folder: str) -> None:
    """List evidence files."""
    from pathlib import Path

    from qpi import exhibits, listing
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    with workspace.ledger() as store:
        found = exhibits.exhibits(store, workspace.evidence_folder)
    if what is not None:
        found = exhibits.named(found, what)
        if not found:
            fault = say('no evidence file is named "{word}", and no check or finding of that id names one', word=what)
            raise QpiError(fault)
    if out is not None:
        if len(found) != 1:
            raise UsageError(
                say("--out takes one file, and {number} are meant; name one by its SHA-256", number=len(found))
            )
        console.refuse_target(Path(out))
        Path(out).write_bytes(exhibits.content_of(workspace.evidence_folder, found[0]))
        click.echo(out)
        return
    if form == "json":
        text = listing.to_json([one.plain() for one in found])
    elif form == "csv":
        text = listing.to_csv([{**one.row(), "state": one.state, "sha256": one.sha256} for one in found], [*_HEADS])
    else:
        rows = [{**one.row(), "state": translated(one.row()["state"], console.spoken())} for one in found]
        text = listing.to_table(rows, {name: translated(head, console.spoken()) for name, head in _HEADS.items()})
    put(text, None)
    tell_notes([*exhibits.notes(found)])


_HEADS = {
    "state": say("state"),
    "entry": say("entry"),
    "recorded_at": say("recorded at (UTC)"),
    "actor": say("by"),
    "size": say("bytes"),
    "name": say("name"),
    "sha256": say("SHA-256"),
    "cited": say("named by"),
    "removed": say("removed by entry"),
    "reason": say("reason"),
}


@evidence.command(
    help=say(
        "Remove an evidence file: an entry with the reason, then the file is deleted; its hash stays.\n\n"
        "SHA256 is the hash or its beginning. Where it was stopped in between, run it again."
    )
)
@click.argument("sha256", metavar="SHA256")
@option("--reason", required=True, metavar="TEXT", help=say("Why the file has to go; it stays in the ledger."))
@acting
@in_workspace
@in_language()
def remove(sha256: str, reason: str, folder: str, actor: Actor | None) -> None:
    """Remove a file."""
    from qpi import exhibits
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    with workspace.ledger() as store:
        whole = exhibits.hash_of(store, workspace.evidence_folder, sha256)
    with workspace.recorder(actor=actor, create=False) as recorder:
        removal = recorder.remove(whole, reason=reason)
    tell_notes(removal.notes)
    values = {"sha256": removal.sha256, "entry": removal.entry}
    if removal.new:
        line = say("{sha256}: removed by entry {entry}", **values)
    elif removal.deleted:
        line = say("{sha256}: removed by entry {entry} before; the file was still there and is deleted now", **values)
    else:
        line = say("{sha256}: removed by entry {entry} before; nothing is left to do", **values)
    show(line)
    position = removal.position
    show(say("ledger at entry {number}, head {head}", number=position.seq, head=position.head[:16]))


__all__ = ["evidence"]
