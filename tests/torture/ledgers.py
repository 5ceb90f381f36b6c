"""Ledgers to be harmed: made by the recorder, opened from outside, and judged by the audit and by the auditors' own verifier."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from inputs import EVERY_FIELD, FINDING, NOW, SHANGHAI, found, recorder_of
from qpi import audit, chain, tables
from qpi.chain import Content
from qpi.ledger import open_ledger
from qpi.receipts import Receipt

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_ledger.py"
STARTED = datetime(2026, 7, 6, 9, tzinfo=SHANGHAI)
Found = list[tuple[int | None, str]]


def records(number: int, *, tag: str = "c") -> Iterator[dict]:
    """Yield checks with findings and second verifications; from some number on, every field of them is in use."""
    made, n = 0, 0
    while made < number:
        n += 1
        at = STARTED + timedelta(hours=n)
        one = {
            **(EVERY_FIELD if n % 3 == 0 else {}), "id": f"{tag}-{n}", "project": "P01" if n % 2 else "P02",
            "point": ("KF-001", "KF-003")[n % 2], "role": "supervisor", "inspector": "S01", "kind": "routine",
            "checked_at": at.isoformat(), "place": f"{n}栋", "sample": [f"{n}-1", f"{n}-2"], "rechecks": None,
            "started": None, "ended": None,
            "findings": [{**FINDING, "no": k, "fault": f"第{n}项，<{k}> & 缺", "fine": n} for k in range(1, n % 3 + 1)],
        }  # fmt: skip
        yield {name: value for name, value in one.items() if value is not None}
        made += 1
        if n % 3 and made < number:
            yield {
                "finding": f"{tag}-{n}/1", "verifier": "S02", "verified_at": (at + timedelta(days=3)).isoformat(),
                "outcome": "closed" if n % 2 else "open", "note": f"看{n}",
            }  # fmt: skip
            made += 1


def filled(path: Path, entries: int, *, ledger_id: str = "torture", tag: str = "c") -> list[Receipt]:
    """Make a ledger of so many entries, and return a receipt of each."""
    with open_ledger(path, create=True, ledger_id=ledger_id, now=NOW) as ledger:
        recorder_of(ledger, found()).record(records(entries - 2, tag=tag))
        return [Receipt(ledger_id, link.seq, link.hash) for link in ledger.links()]


def outside(path: Path | str) -> "closing[sqlite3.Connection]":
    """Another program's connection that cares for speed alone."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.executescript("PRAGMA synchronous = off; PRAGMA journal_mode = memory; PRAGMA foreign_keys = off")
    return closing(raw)


def unguarded(raw: sqlite3.Connection) -> list[str]:
    """Drop every trigger, and return the statements that make them again."""
    rows = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in rows:
        raw.execute(f'DROP TRIGGER "{name}"')
    return [text for _, text in rows]


def rechain(raw: sqlite3.Connection, first: int) -> None:
    """Hash every entry from one on anew, as a forger does who knows the format."""
    rows = raw.execute(f"SELECT {tables.ENTRY_COLUMNS} FROM entry ORDER BY seq").fetchall()
    before, changed = chain.START, []
    for row in rows:
        own = chain.entry_hash(row[0], before, Content(*row[3:])) if row[0] >= first else row[2]
        if (row[1], row[2]) != (before, own):
            changed.append((before, own, row[0]))
        before = own
    # Two entries may not have one hash, even for a moment.
    raw.executemany("UPDATE entry SET hash = '-' || seq WHERE seq = ?", [(seq,) for _, _, seq in changed])
    raw.executemany("UPDATE entry SET prev = ?, hash = ? WHERE seq = ?", changed)


def dump(raw: sqlite3.Connection) -> list:
    """Return everything that a ledger says: whose it is, its schema, and every row with its types."""
    raw.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    said = [raw.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")]
    said.append(raw.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall())
    for name in ("entry", *(table.name for table in tables.TYPED)):
        said.append(raw.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall())
    return said


def ours(path: Path, receipts: list[Receipt]) -> Found:
    """Return what the audit finds, each place and kind once."""
    return in_order((one.entry, one.kind) for one in audit.audit(path, receipts).found)


def their_verify():
    """Return the verifier of the docs, as an auditor has it."""
    space: dict = {"__name__": "verifier"}
    exec(compile(SCRIPT.read_text("utf-8"), str(SCRIPT), "exec"), space)
    return space["verify"]


def theirs(verify, path: Path, receipts: list[Receipt]) -> Found:
    """Return what the verifier of the docs finds."""
    return in_order(verify(str(path), [(one.ledger, str(one.seq), one.head) for one in receipts])[0])


def in_order(found_) -> Found:
    return sorted(set(found_), key=lambda one: (-1 if one[0] is None else one[0], one[1]))


def json_text(values) -> bytes:
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
