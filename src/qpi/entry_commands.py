"""Commands that put an entry in the place of another: voiding and correcting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from qpi import console
from qpi.console import Command, acting, in_language, in_workspace, option, show, tell_notes
from qpi.errors import UsageError
from qpi.messages import say

if TYPE_CHECKING:
    from qpi.corrections import Change
    from qpi.entries import Actor
    from qpi.ledger import Ledger
    from qpi.recorder import Outcome
    from qpi.workspace import Workspace

REASON = say("Why, for whoever reads it later; it is kept for ever.")


@click.command(
    cls=Command,
    help=say(
        "Take back a check or a second verification: its entry stays readable, and counts no more.\n\n"
        "ENTRY is the number of an entry, or the id of a check; qpi ledger history shows both."
    ),
)
@click.argument("entry")
@option("--reason", required=True, metavar="TEXT", help=REASON)
@acting
@in_workspace
@in_language()
def void(entry: str, reason: str, folder: str, actor: Actor | None) -> None:
    """Void an entry."""
    from qpi import corrections
    from qpi.differences import title
    from qpi.workspace import Workspace

    with Workspace(folder, tell=console.tell).recorder(actor=actor, create=False) as recorder:
        target = corrections.target_of(recorder.ledger, entry)
        outcome = recorder.supersede([corrections.Change(target, None)], reason=reason)
        first, *_, last = corrections.versions(recorder.ledger, target)
        console.tell(say("{record} is void by entry {entry}", record=title(first.idem), entry=last.seq))
        _say(outcome)


@click.command(
    cls=Command,
    help=say(
        "Put a record in the place of one that was wrong; both stay readable.\n\n"
        "Either ENTRY (a number, or the id of a check) with --set and --unset, or --from FILE with whole records, each "
        "in the place of the one of its id. A check keeps its id, and a finding its number."
    ),
)
@click.argument("entry", required=False)
@option("--set", "puts", multiple=True, metavar="FIELD=VALUE", help=say("As place=3栋, or finding.2.deduct=0."))
@option("--unset", "drops", multiple=True, metavar="FIELD", help=say("As place, or finding.2."))
@option("--from", "file", metavar="FILE", help=say("Records as qpi import takes them."))
@option("--reason", required=True, metavar="TEXT", help=REASON)
@acting
@in_workspace
@in_language()
def correct(
    entry: str | None, puts: tuple[str, ...], drops: tuple[str, ...], file: str | None, reason: str, folder: str,
    actor: Actor | None,
) -> None:  # fmt: skip
    """Correct entries."""
    from qpi.workspace import Workspace

    if (entry is None) == (file is None) or (file is not None and (puts or drops)):
        raise UsageError(say("name either ENTRY with --set or --unset, or --from FILE"))
    if entry is not None and not (puts or drops):
        raise UsageError(say("nothing to change; write --set FIELD=VALUE, --unset FIELD, or --from FILE"))
    workspace = Workspace(folder, tell=console.tell)
    console.tell_problems(workspace.changed_editions())
    with workspace.recorder(actor=actor, create=False) as recorder:
        store = recorder.ledger
        changes = _from(workspace, store, file) if file else [_typed(workspace, store, entry or "", puts, drops)]
        _say(recorder.supersede(changes, reason=reason))


def _typed(workspace: Workspace, store: Ledger, entry: str, puts: Iterable[str], drops: Iterable[str]) -> Change:
    """Return the version that is named, or the last, with what was typed laid over it.

    It is named by its number from now on, so that what somebody else writes meanwhile is not written over.
    """
    from qpi import corrections, intake, recorder
    from qpi.amendments import amended
    from qpi.entries import Check, Verification

    target, words = corrections.target_of(store, entry), intake.vocabulary(workspace.definitions)
    found = corrections.versions(store, target)
    spoken = [link for link in found if link.kind != "void"]
    at = next((link for link in spoken if link.seq == target), spoken[-1])
    kind = Check if found[0].kind == "check" else Verification
    changed = recorder.draft(kind, amended(corrections.record_of(at), puts, drops, words))
    return corrections.Change(target if isinstance(target, int) else found[-1].seq, changed)


def _from(workspace: Workspace, store: Ledger, file: str) -> list[Change]:
    """Return the records of a file, each to take the place of the one that its id names."""
    from pathlib import Path

    from qpi import corrections, intake

    found = workspace.definitions
    read = intake.open_file(Path(file), found, words=intake.vocabulary(found))
    changes = [corrections.of_draft(store, draft) for draft in read.drafts]
    for note in read.notes:
        console.tell(note)
    return changes


def _say(outcome: Outcome) -> None:
    tell_notes(outcome.notes)
    counts = {"recorded": outcome.recorded, "already": outcome.already}
    position = outcome.position
    show(say("{recorded} recorded, {already} already there; ledger at entry {number}, head {head}", **counts,
             number=position.seq, head=position.head[:16]))  # fmt: skip


__all__ = ["correct", "void"]
