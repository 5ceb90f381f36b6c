"""Commands of the export: the ledger's tables as Parquet files that any tool reads."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from qpi.console import NO_PROOF, Command, in_language, in_workspace, option, show, spoken, tell
from qpi.messages import say

if TYPE_CHECKING:
    from qpi.manifest import Manifest
    from qpi.workspace import Workspace


@click.command(
    cls=Command,
    help=say(
        "Write checks, findings and verifications to DIR as Parquet files, a folder for each month.\n\n"
        "DIR is new, empty, or an export of this ledger: then only what is new since is written."
    ),
)
@click.argument("target", metavar="DIR")
@option("--verify", "proving", is_flag=True, help=say("Write nothing: read every byte, and compare with the ledger."))
@option(
    "--tallies", is_flag=True, help=say("Store the counts of each month too, and keep them up to date from now on.")
)
@in_workspace
@in_language()
def export(target: str, folder: str, *, proving: bool, tallies: bool) -> None:
    """Write or prove an export."""
    from qpi.workspace import Workspace

    workspace = Workspace(folder, tell=tell)
    if proving:
        _prove(workspace, target)
        return
    done = workspace.export(target, tallies=tallies)
    for path in done.mended:
        tell(say("{file}: was not what was exported, and is written anew", file=path))
    made, renewed = len(done.new), len(done.renewed) + len(done.gone)
    if made == 1:
        show(say("{folder}: 1 file added, {renewed} written anew for what was voided or corrected", folder=target,
                 renewed=renewed))  # fmt: skip
    elif made or renewed:
        show(say("{folder}: {new} files added, {renewed} written anew for what was voided or corrected", folder=target,
                 new=made, renewed=renewed))  # fmt: skip
    else:
        show(say("{folder}: nothing new", folder=target))
    if len(done.counted) == 1:
        show(say("{folder}: tallies of 1 month counted", folder=target))
    elif done.counted:
        show(say("{folder}: tallies of {number} months counted", folder=target, number=len(done.counted)))
    _show(target, done.manifest)


def _prove(workspace: Workspace, target: str) -> None:
    kept, problems, compared = workspace.verify_export(target)
    for problem in problems:
        click.echo(problem.text(spoken()))
    _show(target, kept)
    if not compared:
        tell(say("there is no ledger here to compare with; only the files were read"))
    if problems:
        sys.exit(NO_PROOF)


def _show(target: str, kept: Manifest) -> None:
    counts = {table: kept.rows(table) for table in ("checks", "findings", "verifications")}
    show(
        say(
            "{folder}: {checks} checks, {findings} findings, {verifications} second verifications",
            folder=target,
            **counts,
        )
    )
    show(kept.receipt)


__all__ = ["export"]
