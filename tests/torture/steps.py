"""F12: steps at random against a model in plain Python; whatever comes, the ledger holds what the model holds."""

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from inputs import FINDING, SHANGHAI, found, json_lines, recorder_of
from qpi import tables
from qpi.audit import audit
from qpi.backup import back_up
from qpi.errors import LedgerError, RecordError
from qpi.intake import open_file
from qpi.ledger import open_ledger
from qpi.receipts import Receipt
from torture.figures import Figure, Run, folder
from torture.ledgers import STARTED, outside
from torture.workers import shared

STEPS, LIFE, LOOK = 80_000, 300, 50
"""How many steps, how many a ledger lives, and how many lie between two looks at all of it."""
DEFINITIONS = found()
NOW = datetime(2026, 11, 21, 8, tzinfo=SHANGHAI)


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of steps."""
    with folder() as made:

        def stepped(rng: random.Random, tries: int) -> tuple[Counter, list[str]]:
            return _lives(Path(made), rng, tries)

        done, faults = Counter(), []
        aim = run.share(STEPS, LIFE)
        for counts, wrong in shared(run, stepped, aim, parts=max(4, aim // 2000)):
            done += counts
            faults += wrong
            run.tell(f"F12: {done.total()} steps")
        seen = _control(Path(made))
    kinds = ", ".join(f"{name} {number}" for name, number in done.most_common())
    yield Figure(
        "F12",
        "steps against a model in plain Python, with the chain, the typed tables and all receipts looked at each "
        f"{LOOK} steps",
        "steps",
        aim,
        done.total(),
        tuple(faults) or (() if seen else ("a ledger that forgets a record agrees with the model",)),
        kinds,
        ("a step behind the model's back",) if seen else (),
    )


def _lives(made: Path, rng: random.Random, tries: int) -> tuple[Counter, list[str]]:
    done, faults = Counter(), []
    while done.total() < tries and not faults:
        life = Life(made / f"{rng.random()}", rng)
        try:
            for number in range(min(LIFE, tries - done.total())):
                name = rng.choices(NAMES, WEIGHTS)[0]
                done[name] += 1
                STEPPED[name](life)
                if number % LOOK == LOOK - 1:
                    life.look()
            life.look()
        except Exception as error:
            faults.append(f"{name}: {type(error).__name__} {error}; after {life.said[-6:]}")
        finally:
            life.end()
    return done, faults


class Life:
    """One ledger with its model: what stands, what was taken back, and the receipts that were written."""

    def __init__(self, made: Path, rng: random.Random) -> None:
        self.folder, self.rng, self.now = made, rng, NOW
        made.mkdir()
        self.path = made / "qpi.db"
        self.checks: dict[str, dict] = {}
        """The version that stands of each check that is not void."""
        self.verifications: dict[tuple, dict] = {}
        self.void: set[str] = set()
        self.kept = Counter()
        """Rows of the typed tables, of all versions."""
        self.versions: list[dict] = []
        """Whatever was recorded, whether it stands or not."""
        self.receipts: list[Receipt] = []
        self.number = 0
        self.said: list[str] = []
        self.open()

    def open(self) -> None:
        self.ledger = open_ledger(self.path, create=True, ledger_id="steps", now=NOW)

    def end(self) -> None:
        self.ledger.close()
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()

    @property
    def recorder(self):
        return recorder_of(self.ledger, DEFINITIONS, now=self.now)

    def keep(self, record: dict) -> None:
        """Note in the model what was recorded."""
        self.versions.append(record)
        if "finding" in record:
            self.verifications[_key(record)] = record
            self.kept["verifications"] += 1
        else:
            self.checks[record["id"]] = record
            self.kept["checks"] += 1
            self.kept["findings"] += len(record.get("findings", ()))

    def recorded(self, *records: dict, new: int) -> None:
        """Record what the ledger must take, and of which so many are new."""
        before = self.ledger.position()
        outcome = self.recorder.record(list(records))
        assert (outcome.recorded, outcome.already) == (new, len(records) - new), outcome
        assert outcome.position.seq >= before.seq + new
        assert new or outcome.position == before

    def refused(self, call: Callable[[], object], error: type[Exception] = RecordError) -> None:
        """Do what must be refused, with nothing changed and each problem placed."""
        before, size = self.ledger.position(), self.path.stat().st_size if self.path.exists() else 0
        try:
            outcome = call()
        except error as refusal:
            problems = getattr(refusal, "problems", None)
            assert problems is None or all(one.where.file and one.fault and one.remedy for one in problems)
        else:
            raise AssertionError(f"taken: {outcome}")
        assert self.ledger.position() == before
        assert (self.path.stat().st_size if self.path.exists() else 0) == size

    def look(self) -> None:
        """See that the ledger is sound, holds what the model holds, and that every receipt still verifies."""
        if not self.path.exists():
            return
        report = audit(self.path, self.receipts)
        assert report.sound, report.found
        assert not self.receipts or report.covered == max(one.seq for one in self.receipts)
        for name, number in self.kept.items():
            ((there,),) = self.ledger.rows(f"SELECT count(*) FROM {name}")
            assert there == number, (name, there, number)
        rows = self.ledger.rows("SELECT id, project, point, role, place, kind FROM effective_checks ORDER BY id")
        names = ("id", "project", "point", "role", "place", "kind")
        assert rows == [tuple(one.get(name) for name in names) for _, one in sorted(self.checks.items())]
        rows = self.ledger.rows("SELECT id, kind, fault, deduct_hundredths FROM effective_findings ORDER BY id")
        model = [
            (f"{check['id']}/{one['no']}", one["kind"], one["fault"], round(one["deduct"] * 100))
            for check in self.checks.values()
            for one in check["findings"]
        ]
        assert rows == sorted(model), (rows, sorted(model))
        rows = self.ledger.rows("SELECT finding, verifier, outcome, note FROM effective_verifications ORDER BY 1, 2, 4")
        model = [(one["finding"], one["verifier"], one["outcome"], one["note"]) for one in self.verifications.values()]
        assert rows == sorted(model, key=lambda one: (one[0], one[1], one[3])), (rows, model)


def _key(record: dict) -> tuple:
    return record["finding"], record["verifier"], record["verified_at"]


# What is recorded


def _check(life: Life, **fields) -> dict:
    rng = life.rng
    life.number += 1
    at = STARTED + timedelta(minutes=rng.randrange(60 * 24 * 100))
    return {
        "id": f"c-{life.number}", "project": rng.choice(("P01", "P02")), "point": rng.choice(("KF-001", "KF-002", "KF-003")),
        "role": "supervisor", "inspector": rng.choice(("S01", "S02")), "kind": rng.choice(("routine", "special", "mystery")),
        "checked_at": at.isoformat(), "place": rng.choice(("大堂", "a'b", "=1+1", "温度<5 & 压力>3")),
        "findings": [
            {**FINDING, "no": no, "fault": f"缺{rng.randrange(9)}", "deduct": rng.randrange(1, 500) / 100}
            for no in range(1, rng.randrange(4))
        ],
        **fields,
    }  # fmt: skip


def _verification(life: Life, **fields) -> dict | None:
    """Return a second verification of a finding that stands, or None where there is none."""
    rng = life.rng
    raised = [(check, one) for check in list(life.checks.values())[-30:] for one in check["findings"]]
    if not raised:
        return None
    check, finding = rng.choice(raised)
    at = datetime.fromisoformat(check["checked_at"]) + timedelta(minutes=rng.randrange(1, 9000))
    life.number += 1
    record = {
        "finding": f"{check['id']}/{finding['no']}", "verifier": rng.choice(("S01", "S02", "X9")),
        "verified_at": at.isoformat(), "outcome": rng.choice(("closed", "open")), "note": f"n{life.number:06d}", **fields,
    }  # fmt: skip
    return record if _key(record) not in life.verifications else None


def _some(life: Life) -> dict | None:
    """Return any record that stands."""
    records = [*life.checks.values(), *(one for one in life.verifications.values() if _known(life, one))]
    return life.rng.choice(records) if records else None


def _known(life: Life, verification: dict) -> bool:
    check, _, number = verification["finding"].rpartition("/")
    return any(str(one["no"]) == number for one in life.checks.get(check, {}).get("findings", ()))


# Steps

STEPPED: dict[str, Callable[[Life], None]] = {}
NAMES: list[str] = []
WEIGHTS: list[int] = []


def step(weight: int) -> Callable[[Callable[[Life], None]], Callable[[Life], None]]:
    """Make a function a step; its name is told, and it comes as often as its weight says."""

    def known(function: Callable[[Life], None]) -> Callable[[Life], None]:
        name = function.__name__.replace("_", " ")

        def said(life: Life) -> None:
            life.said.append(name)
            function(life)

        STEPPED[name] = said
        NAMES.append(name)
        WEIGHTS.append(weight)
        return function

    return known


@step(20)
def a_new_check(life: Life) -> None:
    record = _check(life)
    life.recorded(record, new=1)
    life.keep(record)


@step(12)
def a_new_verification(life: Life) -> None:
    if record := _verification(life):
        life.recorded(record, new=1)
        life.keep(record)


@step(6)
def several_at_once(life: Life) -> None:
    checks = [_check(life) for _ in range(life.rng.randrange(1, 6))]
    life.recorded(*checks, new=len(checks))
    for one in checks:
        life.keep(one)


@step(10)
def the_same_record_again(life: Life) -> None:
    if record := _some(life):
        life.recorded(record, new=0)


@step(4)
def an_old_version_again(life: Life) -> None:
    """A correction or a void stands whatever is imported again."""
    if life.versions:
        life.recorded(life.rng.choice(life.versions), new=0)


@step(3)
def a_record_twice_in_one_call(life: Life) -> None:
    record = _check(life)
    life.recorded(record, record, new=1)
    life.keep(record)


@step(6)
def the_same_record_with_other_content(life: Life) -> None:
    if record := _some(life):
        other = {**record, "note": "x"} if "finding" in record else {**record, "place": "elsewhere"}
        life.refused(lambda: life.recorder.record([_check(life), other]))


FAULTS = (
    {"project": "P99"}, {"point": "KF-999"}, {"role": "boss"}, {"checked_at": "yesterday"}, {"kind": "rutine"},
    {"checked_at": "2099-01-01T00:00:00+08:00"}, {"id": "a\u200bb"}, {"method": "smell"}, {"population": -1}, {"nonsense": 1},
    {"sample": "x" * 30_000}, {"place": "a\u202eb"}, {"findings": [{"kind": "deduction", "element": 5}]}, {"id": None},
    {"findings": [{"kind": "none"}]}, {"checked_at": "2026-10-05T09:30:00"}, {"elements": {"1": "perhaps"}}, {"result": "na"},
)  # fmt: skip


@step(8)
def a_faulty_check(life: Life) -> None:
    record = _check(life, **life.rng.choice(FAULTS))
    life.refused(lambda: life.recorder.record([_check(life), record, _check(life)]))


@step(3)
def a_faulty_check_among_good_ones_that_are_taken(life: Life) -> None:
    good = _check(life)
    bad = _check(life, **life.rng.choice(FAULTS))
    outcome = life.recorder.record([bad, good], accept_good=True)
    assert (outcome.recorded, len(outcome.refused)) == (1, 1), outcome
    life.keep(good)


@step(6)
def a_faulty_verification(life: Life) -> None:
    if good := _verification(life):
        change = life.rng.choice(
            ({"verifier": "BJ"}, {"finding": "c-0/1"}, {"verified_at": "2026-01-01T00:00:00+08:00"}, {"outcome": "done"},
             {"finding": good["finding"] + "9"}, {"verified_at": "2099-01-01T00:00:00+08:00"}, {"verifier": "甲"})
        )  # fmt: skip
        life.refused(lambda: life.recorder.record([{**good, **change}]))


@step(3)
def a_file_of_old_and_new(life: Life) -> None:
    known = [one for one in (_some(life), _some(life)) if one]
    new = [_check(life) for _ in range(3)]
    records = [*known, *new]
    life.rng.shuffle(records)
    path = json_lines(life.folder / "records.jsonl", *records)
    outcome = life.recorder.record(open_file(path, DEFINITIONS).drafts)
    assert (outcome.recorded, outcome.already) == (3, len(known)), outcome
    for one in new:
        life.keep(one)


@step(2)
def a_file_with_a_fault(life: Life) -> None:
    path = json_lines(life.folder / "faulty.jsonl", _check(life), life.rng.choice(('{"id":', "[]", '{"id": 1}', "x")))
    life.refused(lambda: life.recorder.record(open_file(path, DEFINITIONS).drafts))


@step(2)
def typed_tables_made_anew(life: Life) -> None:
    if life.path.exists():
        before = life.ledger.position()
        assert life.ledger.rebuild() == before.seq + 1
        assert life.ledger.position() == before


@step(2)
def opened_anew(life: Life) -> None:
    life.ledger.close()
    life.open()


@step(2)
def a_backup_in_its_place(life: Life) -> None:
    if life.path.exists():
        copy = life.folder / "copy.db"
        report = back_up(life.path, copy)
        assert report.position == life.ledger.position()
        life.ledger.close()
        copy.replace(life.path)
        life.open()


@step(4)
def a_receipt(life: Life) -> None:
    if life.path.exists():
        life.receipts.append(Receipt(*life.ledger.position()))


@step(3)
def another_time(life: Life) -> None:
    life.now = NOW + timedelta(hours=life.rng.choice((-300, -24, -1, 0, 1, 24, 500)))


ATTACKS = (
    "DELETE FROM {table}", "UPDATE {table} SET {key} = {key} + 1", "DELETE FROM {table} WHERE {key} = {at}",
    'UPDATE {table} SET "{column}" = 7 WHERE {key} = {at}', "REPLACE INTO {table} SELECT * FROM {table} WHERE {key} = {at}",
    "INSERT OR REPLACE INTO {table} SELECT * FROM {table} WHERE {key} = {at}",
    "INSERT INTO {table} SELECT * FROM {table} WHERE {key} = {at}", "UPDATE OR REPLACE {table} SET {key} = {at}",
    "INSERT INTO {table} SELECT * FROM {table} WHERE {key} = {at} ON CONFLICT DO UPDATE SET {key} = 99",
)  # fmt: skip
OURS = (
    *ATTACKS, "DROP TABLE {table}", "DROP TRIGGER {table}_no_update", "PRAGMA writable_schema = on", "ATTACH ':memory:' AS x",
    "PRAGMA recursive_triggers = off", "CREATE TABLE x (x)", "PRAGMA user_version = 7", "ALTER TABLE {table} RENAME TO x", "VACUUM",
)  # fmt: skip


def _attack(life: Life, choice: tuple[str, ...]) -> str | None:
    """Return a statement that must be refused, against a row that is there."""
    table = life.rng.choice([tables.entry, *(one for one in tables.TYPED if life.kept[one.name])])
    key = "seq" if table is tables.entry else "entry"
    rows = life.ledger.rows(f"SELECT {key} FROM {table.name}")
    column = life.rng.choice([one.name for one in table.columns if one.name not in ("seq", "entry")])
    at = life.rng.choice(rows)[0]
    return life.rng.choice(choice).format(table=table.name, key=key, column=column, at=at)


@step(5)
def an_attack_by_our_own_connection(life: Life) -> None:
    statement = _attack(life, OURS)
    life.refused(lambda: life.ledger.rows(statement), LedgerError)


@step(5)
def an_attack_by_another_program(life: Life) -> None:
    if not life.path.exists():
        return
    statement = _attack(life, ATTACKS)

    def attack():
        with outside(life.path) as raw:
            return statement, raw.execute(statement).fetchall()

    life.refused(attack, sqlite3.Error)


@step(3)
def an_entry_of_another_program_that_does_not_follow(life: Life) -> None:
    if not life.path.exists():
        return
    last = life.ledger.position()
    seq = last.seq + life.rng.choice((1, 1, 2, -1))
    prev = life.rng.choice((last.head, "0" * 64)) if seq != last.seq + 1 else "0" * 64
    row = (seq, prev, f"{life.rng.random()}", 1, "check", f"check:{life.rng.random()}", "x", None, "declared", None,
           "2026", None, None, json.dumps({}).encode())  # fmt: skip

    def attack():
        with outside(life.path) as raw:
            raw.execute(tables.INSERT_ENTRY, row)

    life.refused(attack, sqlite3.Error)


@step(3)
def a_check_taken_back(life: Life) -> None:
    if life.checks:
        name = life.rng.choice(list(life.checks))
        assert life.recorder.void(name, reason="记错").recorded == 1
        assert life.recorder.void(name, reason="记错").already == 1
        life.refused(lambda: life.recorder.void(name, reason="another reason"))
        del life.checks[name]
        life.void.add(name)


@step(4)
def a_check_corrected(life: Life) -> None:
    if life.checks:
        name = life.rng.choice(list(life.checks))
        record = {**life.checks[name], "place": f"正{life.rng.random()}"}
        assert life.recorder.correct(name, record, reason="写错").recorded == 1
        assert life.recorder.correct(name, record, reason="写错").already == 1
        life.keep(record)
        life.refused(lambda: life.recorder.correct(name, {**record, "project": "P99"}, reason="x"))
        life.refused(lambda: life.recorder.correct(name, {**record, "place": "y"}, reason=" "))


# The control


def _control(made: Path) -> bool:
    """Whether a look sees that the model knows of a check that the ledger does not hold."""
    life = Life(made / "control", random.Random(1))
    try:
        a_new_check(life)
        life.look()
        life.keep(_check(life))
        try:
            life.look()
        except AssertionError:
            return True
        return False
    finally:
        life.end()
