"""One small set of definitions, one check and one verification, which the tests of the ledger's rooms vary."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from qpi import definitions, tables
from qpi.entries import Actor
from qpi.ledger import has_ledger, open_ledger, open_unexamined
from qpi.recorder import Recorder

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
EDITION = {
    "catalogue": "service",
    "edition": "2026.2",
    "title": "标准",
    "effective_from": "2026-07-01",
    "roles": {"regional": {"title": "区域总经理", "level": "company"}},
    "methods": {"walk": "随行"},
    "groups": [
        {
            "name": "档案",
            "methods": ["records"],
            "frequency": {"supervisor": "1/month"},
            "points": [
                {"code": "KF-001", "text": "建档", "score": "10"},
                {
                    "code": "KF-002",
                    "text": "要件",
                    "elements": [{"no": "1", "text": "登记表"}, {"no": "7", "text": "执照"}],
                },
                {"code": "KF-003", "text": "铃声", "measure": {"unit": "声", "min": "1", "max": "3"}},
            ],
        }
    ],
}
PORTFOLIO = {
    "projects": [
        {"id": "P01", "name": "桃园", "opened": "2024-03-01", "closed": "2027-03-01"},
        {"id": "P02", "name": "江畔"},
        {"id": "P03", "name": "湖滨", "closed": "2026-10-01"},
    ],
    "people": [{"id": "S01", "name": "甲"}, {"id": "S02", "name": "乙"}],
}
FINDING = {
    "no": 1, "kind": "suggestion", "fault": "登记表缺紧急联系人", "sample": ["3-1504"], "advice": "补登",
    "handling": "当月补齐", "responsible": "BJ", "deduct": 2.5, "due": "2026-10-12", "verify_on": "2026-10-15",
}  # fmt: skip
CHECK = {
    "id": "c-1001", "project": "P01", "point": "KF-002", "role": "supervisor", "inspector": "S01", "kind": "routine",
    "checked_at": "2026-10-05T09:30:00+08:00", "place": "3栋", "method": "records", "sample": ["3-1201", "3-1504"],
    "population": 240, "evidence": [{"name": "a.jpg", "sha256": "9f" * 32}], "findings": [FINDING],
}  # fmt: skip
VERIFICATION = {
    "finding": "c-1001/1", "verifier": "S02", "verified_at": "2026-10-15T10:00:00+08:00", "outcome": "closed", "note": "已补",
}  # fmt: skip
EVERY_FIELD = {
    **CHECK, "id": "c-every", "point": "KF-003", "visit": "v-1", "started": "2026-10-05T09:00:00+08:00",
    "ended": "2026-10-05T09:45:30.250000+08:00", "companions": ["S02", "S03"], "position": "22.5,114.1", "weather": "晴",
    "strengths": ["一户一档"], "theme": "国庆专项", "rechecks": "c-1001", "plan": "p-7", "readings": [{"sample": "前台", "value": 2},
    {"value": "3.50"}, {"value": -1}], "reason": None, "findings": [{**FINDING, "class": "人为", "fine": 100, "place": "前台",
    "evidence": ["b.jpg"]}],
}  # fmt: skip


def found(portfolio=PORTFOLIO, policy=None, editions=(EDITION,)):
    """Return the definitions."""
    return definitions.from_plain(list(editions), portfolio, policy, zone=SHANGHAI)


def recorder_of(ledger, definitions_=None, now=NOW):
    """Return a recorder with a fixed clock."""
    return Recorder(ledger, definitions_ or found(), actor=Actor("test"), clock=lambda: now)


def new_ledger(place):
    """Return a ledger, made where there is none, whose id and first moment are fixed.

    The place is a folder, a file, or the URL of a database, which may be text as a command's argument is.
    """
    if isinstance(place, str):
        place = sa.make_url(place) if "://" in place else Path(place)
    if isinstance(place, Path) and place.is_dir():
        place /= "qpi.db"
    return open_ledger(place, create=True, ledger_id="test", now=NOW)


def as_text(place):
    """Return a place as a command's argument."""
    return str(place) if isinstance(place, Path) else place.render_as_string(hide_password=False)


def state(place):
    """Return what is in a place, to be compared: the digest of a file, the rows of a database; None where nothing is."""
    if isinstance(place, Path):
        return digest(place)
    if not has_ledger(place):
        return None
    with open_unexamined(place) as ledger:
        return [ledger.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in ("entry", *tables.INSERT)]


def json_lines(path, *records):
    """Write records as JSON Lines, and return the path; text is written as it is."""
    lines = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in records]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def digest(path):
    """Return the SHA-256 of a file, or None where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def typed(ledger, *, numbers=True):
    """Return every row of the typed tables; without the numbers of the entries where they do not matter."""
    start = 0 if numbers else 1
    return {
        name: sorted((row[start:] for row in ledger.rows(f"SELECT * FROM {name}")), key=repr)
        for name in ("checks", "findings", "verifications")
    }
