"""Makes the golden ledger of this layout: python tests/make_golden.py writes tests/golden/ledger-N.db, never over one.

A golden ledger is made once, by the release that has its layout, and kept for good: every later release is tried on it.
It holds every kind of entry that its release can write. All that goes into it stands here or in `DEFINITIONS`, which does
not change any more; ids and moments are fixed, so that two runs make equal entries.
"""

import hashlib
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from qpi import calendar, closing, definitions, frames, strictyaml
from qpi.entries import Actor
from qpi.ledger import open_ledger
from qpi.recorder import Recorder
from qpi.tables import LAYOUT
from qpi.tally import Rows

GOLDEN = Path(__file__).parent / "golden"
DEFINITIONS = ("service-2026.1.yaml", "portfolio.yaml")
BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
PHOTO = "0" * 63 + "{}"
FIRST = [
    {"id": "c-1", "project": "P01", "point": "KF-001", "role": "supervisor", "inspector": "S01", "place": "客服中心",
     "checked_at": "2026-10-05T09:30:00+08:00", "method": "records", "sample": ["3-1201", "3-1504"], "strengths": ["一户一档"],
     "evidence": [{"name": "台账 1.jpg", "sha256": PHOTO.format("a")}], "population": 240, "visit": "v-1", "weather": "晴",
     "started": "2026-10-05T09:00:00+08:00", "ended": "2026-10-05T09:45:30.250000+08:00", "companions": ["S02"], "position": "22.5,114.1",
     "findings": [
         {"kind": "deduction", "fault": "温度<5 & 压力>3 | *超出*", "advice": "补登", "handling": "当月补齐", "responsible": "BJ",
          "deduct": "2.5", "fine": "100", "due": "2026-10-12", "verify_on": "2026-10-15",
          "evidence": [{"name": "b.jpg", "sha256": PHOTO.format("b")}, "c.jpg"]},
         {"kind": "suggestion", "fault": "目录缺页", "deduct": "0.25"}]},
    {"id": "c-2", "project": "P02", "point": "KF-002", "role": "supervisor", "kind": "special", "theme": "国庆专项",
     "checked_at": "2026-10-06T10:00:00+08:00", "findings": [{"kind": "rectification", "element": 1, "responsible": "BJ"}]},
    {"id": "c-3", "project": "P01", "point": "KF-002", "role": "supervisor", "checked_at": "2026-10-07T10:00:00+08:00"},
    {"id": "c-4", "project": "P02", "point": "KF-001", "role": "supervisor", "checked_at": "2026-10-08T23:59:59+08:00",
     "result": "na", "reason": "本月无新增业主"},
    {"finding": "c-1/1", "verifier": "S02", "verified_at": "2026-10-15T10:00:00+08:00", "outcome": "open", "note": "未补", "verify_on": "2026-10-20"},
    {"finding": "c-1/1", "verifier": "S02", "verified_at": "2026-10-20T10:00:00+08:00", "outcome": "closed",
     "evidence": [{"name": "d.jpg", "sha256": PHOTO.format("b")}]},
]  # fmt: skip
MANY = [
    {"id": f"g-{n}", "project": f"P0{1 + n % 2}", "point": f"KF-00{1 + n % 2}", "role": "supervisor" if n % 3 else "department",
     "inspector": "S01", "checked_at": f"2026-{9 + n % 2:02}-{1 + n % 28:02}T09:00:00+08:00", "method": "records", "sample": ["a", "b"],
     "findings": [{"kind": "suggestion", "fault": f"缺页 {n}"}] if n % 3 == 0 else []}
    for n in range(20)
]  # fmt: skip


def definitions_kept():
    """Return the definitions that every golden ledger is judged by, as they were when the first was made."""
    edition, portfolio = (strictyaml.read(GOLDEN / name, name=name) for name in DEFINITIONS)
    found, problems = definitions.build([edition], portfolio, None, ZoneInfo("Asia/Shanghai"))
    assert not problems
    return found


def recorded(path, records, *, ledger_id, moments):
    """Record one record after another, each at its moment, in a new ledger; return its position."""
    found = definitions_kept()
    with open_ledger(path, create=True, ledger_id=ledger_id, now=BEGUN) as ledger:
        for record, moment in zip(records, moments, strict=True):
            Recorder(ledger, found, actor=Actor("golden"), clock=lambda now=moment: now).record([record])
        return ledger.position()


def make(path):
    """Make the golden ledger of this layout in a new file; return its position."""
    records = [*FIRST, *MANY]
    moments = [BEGUN + timedelta(hours=1 + number) for number in range(len(records))]
    recorded(path, records, ledger_id=f"golden-{LAYOUT}", moments=moments)
    later = moments[-1] + timedelta(hours=1)
    # The files themselves are not kept: an entry says what they were, and a copy without them is proved all the same.
    with tempfile.TemporaryDirectory() as files, open_ledger(path) as ledger:
        actor = Actor("golden", "supervisor", "login")
        recorder = Recorder(ledger, definitions_kept(), actor=actor, clock=lambda: later, evidence=Path(files))
        recorder.correct("c-3", {**FIRST[2], "place": "大堂"}, reason="补记地点")
        recorder.void("g-1", reason="录入了别的项目")
        recorder.correct(ledger.rounds(["c-1/1"])[0], {**FIRST[4], "note": "仍未补"}, reason="补记说明")
        recorder.keep(GOLDEN / DEFINITIONS[0], GOLDEN / DEFINITIONS[1])
        recorder.remove(sha256_of(GOLDEN / DEFINITIONS[1]), reason="不该存入")
        span = calendar.period("2026-10")
        rows = Rows(*(read(ledger) for read in (frames.checks, frames.findings, frames.verifications)), of_ledger=True)
        judged = datetime(2026, 11, 6, tzinfo=UTC)
        kept = closing.record(definitions_kept(), rows, span, ledger.position(), now=judged)
        recorder.enter("closing", "closing:2026-10", kept)
        return ledger.position()


def sha256_of(path):
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    target = GOLDEN / f"ledger-{LAYOUT}.db"
    if target.exists():
        sys.exit(f"{target} is there already; it is kept as its release made it")
    print(target, *make(target))
