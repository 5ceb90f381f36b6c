"""Operations: what a person does with a ledger, each as a row of a table that kills and errors are tried on."""

import hashlib
import io
import json
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from qpi import cli, definitions, strictyaml
from qpi.backup import back_up
from qpi.calendar import zone
from qpi.entries import Actor
from qpi.errors import QpiError
from qpi.ledger import Ledger, open_ledger
from qpi.recorder import Recorder

LEDGER = "qpi.db"
NOW = datetime(2025, 11, 21, tzinfo=UTC)
QPI = "organisation: 示例物业\ntimezone: Asia/Shanghai\n"
EDITION = """\
catalogue: service
edition: "2025.1"
title: 现场业务标准
effective_from: 2025-01-01
groups:
  - name: 建立客户档案
    specialty: 客服
    category: 客户档案
    methods: [records]
    frequency: {supervisor: 1/month}
    points:
      - {code: KF-001, text: 收楼后一个月内建档, score: 10}
      - {code: KF-002, text: 业主档案要件齐全, score: 2.5}
"""
PORTFOLIO = """\
projects: [{id: P01, name: 桃园}, {id: P02, name: 江畔}]
people: [{id: S01, name: 周明}, {id: S02, name: 李静}]
parties: [{id: BJ, name: 洁净保洁, kind: contractor}]
"""
FINDING = {
    "kind": "deduction", "fault": "登记表缺紧急联系人", "advice": "补登", "handling": "当月补齐", "responsible": "BJ",
    "deduct": 2.5, "due": "2025-10-12", "verify_on": "2025-10-15",
}  # fmt: skip
Acknowledge = Callable[[str], None]


class Operation(NamedTuple):
    """Something that is done in a folder: `begin` says what is there before, `run` does it.

    `run` says after each part that it was told the part is done. `parts` names the keys of the entries that a part
    leaves, all or none of them. `files` must be there, and sound, when the operation has come to its end.
    `run` is done again after a fault, so it does what a person does then.
    """

    name: str
    begin: Callable[[Path], None]
    run: Callable[[Path, Acknowledge], None]
    parts: Mapping[str, tuple[str, ...]] = {}
    files: tuple[str, ...] = ()


def check(name: str, **fields: object) -> dict[str, object]:
    """Return a check of October."""
    return {"id": name, "project": "P01", "point": "KF-001", "role": "supervisor", "inspector": "S01", "place": "客服中心",
            "checked_at": "2025-10-05T09:30:00+08:00", "method": "records", "sample": ["3-1201"], **fields}  # fmt: skip


def verification(finding: str) -> dict[str, object]:
    """Return a second verification that closes a finding."""
    at = "2025-10-15T10:00:00+08:00"
    return {"finding": finding, "verifier": "S02", "verified_at": at, "outcome": "closed", "note": "已补"}


def verification_key(finding: str) -> str:
    """Return the natural key of that verification."""
    return f'verification:["{finding}","S02","2025-10-15T02:00:00.000000Z"]'


RECORDS = [check(f"i-{n:02d}", findings=[FINDING] if n % 4 == 0 else []) for n in range(40)]
RECORDS += [verification(f"i-{n:02d}/1") for n in range(0, 40, 4)]
BAD = check("i-bad", point="KF-999")
IMPORTED = (*(f"check:i-{n:02d}" for n in range(40)), *(verification_key(f"i-{n:02d}/1") for n in range(0, 40, 4)))


@cache
def rules() -> definitions.Definitions:
    """Return the definitions that the records are judged by."""
    edition, portfolio = (strictyaml.parse(text.encode(), "here") for text in (EDITION, PORTFOLIO))
    found, problems = definitions.build([edition], portfolio, None, zone("Asia/Shanghai"))
    assert found is not None, problems
    return found


def opened(folder: Path) -> Ledger:
    """Open the ledger of a folder, made where there is none; its id and first moment are fixed."""
    return open_ledger(folder / LEDGER, create=True, ledger_id="torture", now=NOW)


def recorder(ledger: Ledger) -> Recorder:
    """Return a recorder with a fixed clock."""
    return Recorder(ledger, rules(), actor=Actor("torture"), clock=lambda: NOW)


def command(*arguments: str) -> None:
    """Run the command line within this process; raise QpiError with what it said where it does not end well."""
    before = sys.argv, sys.stdout, sys.stderr
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    sys.argv, sys.stdout, sys.stderr = ["qpi", *arguments], io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), said
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            said.flush()
            raise QpiError(said.buffer.getvalue().decode()) from end
    finally:
        sys.argv, sys.stdout, sys.stderr = before


# What is there before


def nothing(folder: Path) -> None:
    """A workspace without a ledger."""
    (folder / "checklists").mkdir()
    for name, text in (("qpi.yaml", QPI), ("portfolio.yaml", PORTFOLIO), ("checklists/service.yaml", EDITION)):
        (folder / name).write_text(text, encoding="utf-8")


def some(folder: Path) -> None:
    """A workspace with five checks, one with a finding."""
    nothing(folder)
    with opened(folder) as ledger:
        recorder(ledger).record([check(f"c-{n}", findings=[FINDING] if n == 4 else []) for n in range(5)])


def a_crash(folder: Path) -> None:
    """A workspace with some records, left within a transaction that had grown the file, and its journal beside it."""
    some(folder)
    with closing(sqlite3.connect(folder / LEDGER, isolation_level=None)) as raw:
        # A cache of one page lets what is not committed reach the file.
        raw.execute("PRAGMA cache_size = 1")
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("CREATE TABLE half (done BLOB)")
        raw.executemany("INSERT INTO half VALUES (zeroblob(?))", [(3000,)] * 30)
        torn = {path: path.read_bytes() for path in folder.glob(f"{LEDGER}*")}
        raw.rollback()
    for path, data in torn.items():
        path.write_bytes(data)


def a_file(folder: Path) -> None:
    """A workspace with some records, and a file of fifty more."""
    some(folder)
    _lines(folder / "records.jsonl", RECORDS)


def a_faulty_file(folder: Path) -> None:
    """A workspace with some records, and a file of fifty more and a faulty one."""
    some(folder)
    _lines(folder / "records.jsonl", [*RECORDS, BAD])


def _lines(path: Path, records: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")


def two_photos(folder: Path) -> None:
    """A workspace with some records, and two files that show what was seen."""
    some(folder)
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(f"{name} shows it\n" * 4000, encoding="utf-8")


def kept_photos(folder: Path) -> None:
    """A workspace with some records and two evidence files."""
    two_photos(folder)
    keep_photos(folder, lambda _: None)


def an_earlier_ledger(folder: Path) -> None:
    """A workspace whose ledger the release before this one wrote."""
    nothing(folder)
    (folder / LEDGER).write_bytes(GOLDEN.read_bytes())


# What is done


def record_check(folder: Path, acknowledge: Acknowledge) -> None:
    """Record one check."""
    with opened(folder) as ledger:
        recorder(ledger).check(check("n-1"))
        acknowledge("check")


def record_finding(folder: Path, acknowledge: Acknowledge) -> None:
    """Record one check with three findings."""
    with opened(folder) as ledger:
        recorder(ledger).check(check("n-1", findings=[FINDING, {**FINDING, "fine": 100}, {"kind": "suggestion"}]))
        acknowledge("finding")


def record_verification(folder: Path, acknowledge: Acknowledge) -> None:
    """Record one second verification."""
    with opened(folder) as ledger:
        recorder(ledger).verify(verification("c-4/1"))
        acknowledge("verification")


def record_a_walk(folder: Path, acknowledge: Acknowledge) -> None:
    """Record three checks one after another; where one is refused, try it again as a person does."""
    with opened(folder) as ledger:
        for n in range(3):
            try:
                recorder(ledger).check(check(f"w-{n}"))
            except QpiError:
                recorder(ledger).check(check(f"w-{n}"))
            acknowledge(f"step {n}")


def correct(folder: Path, acknowledge: Acknowledge) -> None:
    """Put a check in the place of one, and void another."""
    with opened(folder) as ledger:
        recorder(ledger).correct("c-4", check("c-4", place="大堂", findings=[FINDING]), reason="看错了地方")
        acknowledge("correction")
        recorder(ledger).void("c-3", reason="录在了别的项目")
        acknowledge("void")


def import_file(folder: Path, acknowledge: Acknowledge) -> None:
    """Import a file of fifty records."""
    command("import", "-w", str(folder), str(folder / "records.jsonl"))
    acknowledge("file")


def import_faulty_file(folder: Path, acknowledge: Acknowledge) -> None:
    """Import the good records of a file, and have the bad one written out."""
    bad = folder / "bad.jsonl"
    # The bad rows are given their name after the good ones were recorded; who finds that file is through.
    if not bad.exists():
        command("import", "-w", str(folder), "--accept-good", "--rejects", str(bad), str(folder / "records.jsonl"))
    acknowledge("file")


def give_notice(folder: Path, acknowledge: Acknowledge) -> None:
    """Write the notices of a month in both forms, and a receipt."""
    out = folder / "notices"
    command("notice", "render", "2025-10", "-w", str(folder), "--format", "html,md", "-o", str(out))
    command("ledger", "receipt", "-w", str(folder), "-o", str(folder / "receipt.txt"))
    acknowledge("notice")


def copy_ledger(folder: Path, acknowledge: Acknowledge) -> None:
    """Make a verified copy of the ledger."""
    copy = folder / "copy.db"
    if not copy.exists():
        back_up(folder / LEDGER, copy)
    acknowledge("copy")


def rebuild(folder: Path, acknowledge: Acknowledge) -> None:
    """Make the typed tables anew."""
    with opened(folder) as ledger:
        ledger.rebuild()
        acknowledge("tables")


def keep_photos(folder: Path, acknowledge: Acknowledge) -> None:
    """Keep two evidence files."""
    command("evidence", "add", "-w", str(folder), str(folder / "a.txt"), str(folder / "b.txt"))
    acknowledge("evidence")


def remove_photo(folder: Path, acknowledge: Acknowledge) -> None:
    """Take an evidence file away; its hash stays."""
    command("evidence", "remove", PHOTOS[0], "--reason", "有人脸", "-w", str(folder))
    acknowledge("removal")


def migrate(folder: Path, acknowledge: Acknowledge) -> None:
    """Bring a ledger of the release before to this one, and open it."""
    command("ledger", "migrate", "-w", str(folder))
    with opened(folder):
        acknowledge("migration")


def close_month(folder: Path, acknowledge: Acknowledge) -> None:
    """Close a month."""
    command("close", "2025-10", "-w", str(folder))
    acknowledge("closing")


def an_export(folder: Path) -> None:
    """A workspace that was exported, of which a check was voided since and others were recorded."""
    some(folder)
    command("export", str(folder / "out"), "-w", str(folder))
    with opened(folder) as ledger:
        recorder(ledger).void("c-3", reason="录在了别的项目")
        recorder(ledger).record([check("n-1"), check("n-2", findings=[FINDING])])


def export(folder: Path, acknowledge: Acknowledge) -> None:
    """Write what the ledger holds as Parquet files, or bring them up to date, and prove them."""
    command("export", str(folder / "out"), "-w", str(folder))
    command("export", str(folder / "out"), "-w", str(folder), "--verify")
    acknowledge("export")


GOLDEN = Path(__file__).parent.parent / "golden" / "ledger-1.db"
PHOTOS = [hashlib.sha256(f"{name} shows it\n".encode() * 4000).hexdigest() for name in ("a.txt", "b.txt")]
OPERATIONS = (
    Operation("first check", nothing, record_check, {"check": ("check:n-1",)}),
    Operation("check", some, record_check, {"check": ("check:n-1",)}),
    Operation("check with findings", some, record_finding, {"finding": ("check:n-1",)}),
    Operation("verification", some, record_verification, {"verification": (verification_key("c-4/1"),)}),
    Operation("walk", some, record_a_walk, {f"step {n}": (f"check:w-{n}",) for n in range(3)}),
    Operation("correction and void", some, correct, {"correction": ("correction:6",), "void": ("void:5",)}),
    Operation("import", a_file, import_file, {"file": IMPORTED}),
    Operation("import with bad rows", a_faulty_file, import_faulty_file, {"file": IMPORTED}, ("bad.jsonl",)),
    Operation(
        "notice and receipt", some, give_notice, {}, ("notices/notice-*.html", "notices/notice-*.md", "receipt.txt")
    ),
    Operation("backup", some, copy_ledger, {}, ("copy.db",)),
    Operation("rebuild", some, rebuild),
    Operation(
        "evidence",
        two_photos,
        keep_photos,
        {"evidence": tuple(f"evidence:{one}" for one in PHOTOS)},
        tuple(f"evidence/{one[:2]}/{one}" for one in PHOTOS),
    ),
    Operation("removal", kept_photos, remove_photo, {"removal": (f"removal:{PHOTOS[0]}@7",)}),
    Operation("migration", an_earlier_ledger, migrate),
    Operation("closing", some, close_month, {"closing": ("closing:2025-10",)}),
    Operation("first export", some, export, {}, ("out/export.json", "out/checks/month=2025-10/part-0-*.parquet")),
    Operation("export", an_export, export, {}, ("out/export.json", "out/checks/month=2025-10/part-*.parquet")),
    Operation("check after a crash", a_crash, record_check, {"check": ("check:n-1",)}),
)
"""Every operation that kills and errors are tried on, at each of its system calls."""

# What is wrong on purpose


def acknowledge_early(folder: Path, acknowledge: Acknowledge) -> None:
    """Say that a check is recorded before it is."""
    acknowledge("check")
    record_check(folder, lambda _: None)


def import_row_by_row(folder: Path, acknowledge: Acknowledge) -> None:
    """Record what belongs together one by one."""
    record_a_walk(folder, lambda _: None)
    acknowledge("walk")


def swallow(folder: Path, acknowledge: Acknowledge) -> None:
    """Take an error for nothing."""
    with suppress(QpiError):
        record_check(folder, lambda _: None)
    acknowledge("check")


def let_escape(folder: Path, _: Acknowledge) -> None:
    """Let the database's own errors through."""
    with closing(sqlite3.connect(folder / LEDGER, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("PRAGMA user_version = 7")
        raw.execute("ROLLBACK")


WRONG_WHEN_KILLED = (
    (Operation("acknowledged early", some, acknowledge_early, {"check": ("check:n-1",)}), "acknowledged and lost"),
    (
        Operation("imported row by row", some, import_row_by_row, {"walk": tuple(f"check:w-{n}" for n in range(3))}),
        "of 3 records",
    ),
)
WRONG_ON_ERRORS = (
    (Operation("error swallowed", some, swallow, {"check": ("check:n-1",)}), "acknowledged and lost"),
    (Operation("error let through", some, let_escape), "escaped"),
)
"""What kills and errors have to find wrong, and in which words; else they would find nothing."""
