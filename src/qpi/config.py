"""Config: what qpi.yaml says."""

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from qpi import calendar, schema, shapes
from qpi.messages import masked, say
from qpi.schema import Frozen, Text, Words

CONFIG = "qpi.yaml"
POLICY = "policy.yaml"
"""The name under which a policy may be missing; one that is named otherwise is meant to be there."""


_FILE = r"sqlite:///[^?]*[^/:?](\?journal_mode=(delete|wal))?"
_DATABASE = r"postgresql(\+psycopg)?://[^/?#]*/[^/?#]+(\?.*)?"


def _ledger(url: str) -> str:
    """Let the URL of a ledger through that this release can keep; SQLAlchemy reads it when the ledger is opened."""
    file = re.fullmatch(_FILE, url) and not url.startswith("sqlite:///:memory:")
    if not file and not re.fullmatch(_DATABASE, url):
        raise ValueError(say('ledger "{url}" is not kept by this release', url=masked(url)))
    return url


class Config(Frozen):
    """What qpi.yaml says: who, where in time, and where the rest is."""

    organisation: Text
    timezone: Annotated[
        ZoneInfo,
        schema.read_with(calendar.zone, say("write a name such as Asia/Shanghai")),
        shapes.chosen(
            "Asia/Shanghai",
            "Asia/Hong_Kong",
            "UTC",
            otherwise={"type": "string", "pattern": r"^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*)*\n*$"},
        ),
    ] = ZoneInfo("Asia/Shanghai")
    ledger: Annotated[
        str,
        schema.read_with(_ledger, say("write sqlite:///qpi.db or postgresql://user@host/database")),
        shapes.typed(f"^({_FILE.replace('///', '///(?!:memory:)', 1)}|{_DATABASE})$"),
    ] = "sqlite:///qpi.db"
    checklists: Words = ("checklists",)
    portfolio: Text = "portfolio.yaml"
    policy: Text = POLICY
