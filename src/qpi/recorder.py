"""Recorder: the only writer; it judges records, stamps them and appends them to the ledger, all or none."""

import gc
import getpass
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from qpi import custody, evidence, repeats, rules, text
from qpi.checklist import Source
from qpi.corrections import Change, Corrections, Target, absent, reason_of, record_of
from qpi.custody import Keeping, Removal
from qpi.definitions import Definitions
from qpi.differences import named, recorded_and_given, there_and_here, title, unlike
from qpi.entries import (
    AUTHS,
    Actor,
    Check,
    Draft,
    Fault,
    Faulty,
    Kind,
    Part,
    Verification,
    iter_findings,
    kind_of,
    located,
    read,
    settled,
    utc_text,
)
from qpi.errors import Problem, RecordError, UsageError, Where, in_order
from qpi.evidence import Given
from qpi.fields import shown
from qpi.ledger import Item, Ledger, Position, Writer
from qpi.messages import Message, joined, say
from qpi.rules import Raised
from qpi.stamp import Stamp


class Outcome(NamedTuple):
    """What became of the records: how many are new, were there already or are refused, and where the ledger stands."""

    recorded: int
    already: int
    refused: tuple[Draft, ...]
    problems: tuple[Problem, ...]
    position: Position
    notes: tuple[Message, ...] = ()
    """What a person should know and nothing was refused for."""


class _Ready(NamedTuple):
    """A judged record as the entry that it becomes."""

    key: str
    item: Item
    draft: Draft
    source: Source | None
    raised: Mapping[str, Raised]


class _Batch(NamedTuple):
    """What is to be appended, and what became of the rest."""

    items: list[Item]
    recorded: int
    already: int
    refused: list[Draft]

    @property
    def problems(self) -> list[Problem]:
        return in_order(problem for draft in self.refused for problem in draft.problems)


def system_actor() -> Actor:
    """Return the user of the operating system as the actor."""
    try:
        # The environment, which getpass asks first, says what anybody wants it to say.
        from pwd import getpwuid

        name = getpwuid(os.getuid()).pw_name
    except ImportError:
        name = getpass.getuser()
    except KeyError:
        name = f"uid-{os.getuid()}"
    return Actor(name, None, "os-user")


def _acting(actor: Actor, definitions: Definitions) -> Actor:
    """Return an actor whose id and role the ledger may keep; raise UsageError otherwise."""
    if actor.auth not in AUTHS:
        remedy = text.instead(actor.auth, AUTHS)
        raise UsageError(say('"{auth}" is no way to know an actor; {remedy}', auth=actor.auth, remedy=remedy))
    if fault := text.id_fault(actor.id):
        raise UsageError(say("actor {id}: {fault}; write the id of the portfolio", id=shown(actor.id), fault=fault))
    if (bearer := definitions.portfolio.bearer(actor.id)) is not None and actor.auth == "declared":
        raise UsageError(
            say("actor {name} is a name, and the ledger keeps ids; write {text}", name=actor.id, text=bearer)
        )
    roles = definitions.checklists.roles
    if actor.role is not None and actor.role not in roles:
        remedy = text.named(actor.role, definitions.checklists.role_titles)
        raise UsageError(say('role "{name}" is unknown; {remedy}', name=actor.role, remedy=remedy))
    return actor


def _now() -> datetime:
    return datetime.now(UTC)


class Recorder:
    """Writes into a ledger, and evidence files into the folder `evidence`; `clock` gives the moment of recording."""

    def __init__(
        self,
        store: Ledger,
        definitions: Definitions,
        *,
        actor: Actor | None = None,
        clock: Callable[[], datetime] = _now,
        evidence: Path | None = None,
    ) -> None:
        self._ledger = store
        self._definitions = definitions
        self._actor = _acting(actor or system_actor(), definitions)
        self._clock = clock
        self._evidence = evidence

    @property
    def now(self) -> datetime:
        """The moment that its clock shows."""
        return self._clock()

    @property
    def ledger(self) -> Ledger:
        """The ledger that it writes into."""
        return self._ledger

    def check(
        self, record: Mapping[str, Any] | None = None, /, *, submission: str | None = None, **fields: Any
    ) -> Outcome:
        """Record one check with its findings, given as the fields of docs/definitions.md.

        A caller whose checks have no ids names the submission, one key for each and the same when it is tried again; it
        becomes the id. Raises RecordError with every problem, LedgerError when the ledger cannot be written; nothing is
        kept then.
        """
        given = {**(record or {}), **fields}
        return self.record([draft(Check, given if submission is None else {"id": submission, **given})])

    def verify(self, record: Mapping[str, Any] | None = None, /, **fields: Any) -> Outcome:
        """Record one second verification; errors as for `check`."""
        return self.record([draft(Verification, {**(record or {}), **fields})])

    def void(self, entry: Target, /, *, reason: str) -> Outcome:
        """Take back a check or a second verification: its entry stays, and counts no more.

        `entry` is the number of its last entry, or the id of the check. The same call again adds nothing.
        Raises RecordError where there is no such entry, or it is superseded or void already; nothing is kept then.
        """
        return self.supersede([Change(entry, None)], reason=reason)

    def correct(self, entry: Target, record: Draft | Mapping[str, Any], /, *, reason: str) -> Outcome:
        """Put a whole record in the place of one that was wrong, or was voided; both stay readable.

        `entry` is the number of its last entry; or the id of the check, whatever its last version is, so name the
        number where others may correct it too. A check keeps its id, and a finding its number. The same call again adds
        nothing. Raises RecordError with every problem; nothing is kept then.
        """
        return self.supersede([Change(entry, as_draft(record))], reason=reason)

    def enter(
        self,
        kind: str,
        key: str,
        record: Mapping[str, Any],
        *,
        supersedes: int | None = None,
        reason: str | None = None,
    ) -> Outcome:
        """Append an entry that no rule of records judges, such as a closing; one of the same key is there already."""
        with self._ledger.writing() as writer:
            known = self._ledger.known([key])
            notes = tuple[Message, ...]()
            if not known:
                recorded = utc_text(self._clock())
                notes = clock_notes(writer, recorded)
                item = Stamp(self._definitions, self._actor).plain(
                    kind, key, dict(record), supersedes=supersedes, reason=reason
                )
                writer.append([item], recorded=recorded)
            position = self._ledger.position()
        return Outcome(int(not known), len(known), (), (), position, notes)

    def supersede(self, changes: Iterable[Change], *, reason: str) -> Outcome:
        """Correct and void many records in one transaction, all or none, for one reason; errors as for `correct`."""
        why, wanted = reason_of(reason), list(changes)
        if not self._ledger.begun:
            # Nothing is made for what cannot be there.
            raise RecordError(absent(self._ledger, change.target) for change in wanted)
        with self._ledger.writing() as writer:
            now = self._clock()
            notes = clock_notes(writer, utc_text(now))
            first = writer.seq + 1
            work = Corrections(self._ledger, writer, self._definitions, Stamp(self._definitions, self._actor), why, now)
            for change in wanted:
                work.put(change)
            if work.problems:
                raise RecordError(work.problems, work.refused)
            notes += repeats.since(self._ledger, first)
            position = self._ledger.position()
        return Outcome(work.recorded, work.already, (), (), position, notes if work.recorded else ())

    def record(
        self,
        records: Iterable[Draft | Mapping[str, Any]],
        *,
        accept_good: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Outcome:
        """Record many checks and verifications, drafts or plain fields, in one transaction.

        All are recorded, or with `accept_good` those without a problem.
        A record that is there already with the same content is left as it is and counted.
        Raises RecordError with the problems of all records, and then nothing is recorded.
        """
        with self._ledger.held(), _collecting_no_garbage():
            work = _Work(self._ledger, self._definitions, self._actor, self._clock())
            work.prepare(map(as_draft, records), progress or (lambda _: None))
            batch = _passed(work.batch(), accept_good=accept_good)
            position, notes = work.position, tuple[Message, ...]()
            if batch.items:
                with self._ledger.writing() as writer:
                    if writer.head != work.position.head:
                        batch = _passed(work.batch(meanwhile=True), accept_good=accept_good)
                    recorded = utc_text(self._clock())
                    notes = clock_notes(writer, recorded)
                    first = writer.seq + 1
                    writer.append(batch.items, recorded=recorded)
                    notes += repeats.among(self._ledger, _cited(batch.items), first)
                    position = self._ledger.after(writer)
        return Outcome(batch.recorded, batch.already, tuple(batch.refused), tuple(batch.problems), position, notes)

    def keep(self, *files: Given | Path | str) -> Keeping:
        """Keep files as evidence beside the ledger and record them, all or none; one that is kept already stays as it is.

        Whatever moment a process dies at, the same call again leaves each file and its entry once.
        A service that has an upload under another name gives `evidence.Given(path, name)`.
        Raises DataError with every problem of the files, LedgerError where they or their entries cannot be written.
        """
        folder = self._folder()
        pieces = evidence.pieces(map(evidence.given, files), self._definitions.policy.evidence)
        if not pieces:
            return Keeping((), self._ledger.position())
        prepared = custody.prepared(folder, pieces)
        # Nobody can remove a file between its coming and its entry: whoever removes holds the same right to write.
        with self._ledger.writing() as writer:
            recorded = utc_text(self._clock())
            notes = clock_notes(writer, recorded)
            custody.place(folder, pieces, prepared)
            kept = custody.keep(self._ledger, writer, Stamp(self._definitions, self._actor), pieces, recorded)
            position = self._ledger.position()
        return Keeping(kept, position, notes if any(one.new for one in kept) else ())

    def remove(self, sha256: str, /, *, reason: str) -> Removal:
        """Record that an evidence file is removed, and then delete it; its hash stays.

        Where the process dies in between, the same call again deletes the file.
        Raises UsageError where no entry has such a file, RecordError where no reason is given, LedgerError where the
        file cannot be deleted.
        """
        folder, why = self._folder(), reason_of(reason)
        if sha256 not in self._ledger.standing([sha256]):
            raise UsageError(
                say("no evidence file has the SHA-256 {sha256}; qpi evidence show lists them", sha256=sha256)
            )
        with self._ledger.writing() as writer:
            recorded = utc_text(self._clock())
            notes = clock_notes(writer, recorded)
            number, new = custody.remove(
                self._ledger, writer, Stamp(self._definitions, self._actor), sha256, why, recorded
            )
            position = self._ledger.position()
        # The entry is there for good. The right to write is held again, lest somebody gives the file anew meanwhile.
        with self._ledger.writing():
            deleted = custody.is_removed(self._ledger, sha256) and evidence.delete(folder, sha256)
        return Removal(sha256, number, new, deleted, position, notes if new else ())

    def _folder(self) -> Path:
        if self._evidence is None:
            raise UsageError(say("this recorder has no folder for evidence; give it one with evidence="))
        return self._evidence


def clock_notes(writer: Writer, recorded: str) -> tuple[Message, ...]:
    """Say where the clock stands before the moment of the last entry; it is recorded as it is, and never mended."""
    if recorded >= writer.recorded:
        return ()
    words = say("the clock of this computer is behind: entry {entry} was recorded at {last}, and it is {now} here",
                entry=writer.seq, last=writer.recorded, now=recorded)  # fmt: skip
    return (words,)


def _cited(items: Iterable[Item]) -> list[str]:
    """Return the hashes of the files that entries name as evidence."""
    return [*dict.fromkeys(row[1] for item in items for name, row in item.rows if name == "citations")]


def _passed(batch: _Batch, *, accept_good: bool) -> _Batch:
    if batch.refused and not accept_good:
        raise RecordError(batch.problems, batch.refused)
    return batch


@contextmanager
def _collecting_no_garbage() -> Iterator[None]:
    """Keep the collector from walking hundreds of thousands of live records again and again; none of them is in a circle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def draft(kind: Kind, values: Mapping[str, Any]) -> Draft:
    """Return the fields of a record as a draft, with what is wrong in them."""
    name = values.get("id") if kind is Check else values.get("finding")
    where = Where(named(kind.__name__.lower(), name if isinstance(name, str) and name.isprintable() else shown(name)))
    entry = read(kind, values)
    if isinstance(entry, Faulty):
        return Draft(None, where, tuple(located(where, fault) for fault in entry.faults), part=entry.part)
    return Draft(entry, where)


def as_draft(one: Draft | Mapping[str, Any]) -> Draft:
    """Return the fields of a record as a draft of a check or a verification, whichever they are of."""
    return one if isinstance(one, Draft) else draft(kind_of(one), one)


_BATCH = 5000


class _Work:
    """One call of `record`: what was read is judged once, and its place in the ledger as often as others write."""

    def __init__(self, store: Ledger, definitions: Definitions, actor: Actor, now: datetime) -> None:
        self._ledger, self._definitions, self._actor, self._now = store, definitions, actor, now
        self.position = store.position()
        """Where the ledger stood when the first records were compared with it."""
        self._stamp = Stamp(definitions, actor)
        self._ready: dict[str, _Ready] = {}
        self._twins: dict[str, list[Draft]] = {}
        self._rivals: dict[str, list[_Ready]] = {}
        self._refused: list[Draft] = []
        self._lost: set[str] = set()
        self._already = 0

    # Reading

    def prepare(self, drafts: Iterable[Draft], progress: Callable[[int], None]) -> None:
        """Judge every draft and keep the entries of the good ones."""
        waiting: list[Draft] = []
        for number, one in enumerate(drafts, 1):
            waiting.append(one)
            if len(waiting) == _BATCH:
                self._prepare(waiting)
                waiting = []
            if number % 1000 == 0:
                progress(number)
        self._prepare(waiting)

    def _prepare(self, drafts: list[Draft]) -> None:
        keys = ["" if one.entry is None else one.entry.key for one in drafts]
        known = self._ledger.known([key for key in keys if key])
        for one, key in zip(drafts, keys, strict=True):
            if one.entry is None or one.problems:
                self._faulty(one)
            elif key in known:
                fault = _conflict(self._ledger, key, one.entry.record(), known[key])
                if fault:
                    self._refuse(one, [one.problem(fault)])
                else:
                    self._already += 1
            elif isinstance(one.entry, Check):
                self._check(one, one.entry, key)
            else:
                self._verification(one, one.entry, key)

    def _faulty(self, one: Draft) -> None:
        """Refuse a faulty draft with what the rules say of the rest, so that all is told at once."""
        part = one.part or (Part(one.entry) if one.entry else None)
        if part is None or isinstance(part.entry, Verification):
            self._refuse(one._replace(part=part), one.problems)
            return
        judged = rules.judge(part.entry, self._definitions, self._now, part.faulty)
        self._refuse(one, [*one.problems, *_more(one, rules.check_faults(judged))])
        if part.faulty.isdisjoint(("id", "findings")):
            self._lost.update(finding for finding, _ in iter_findings(part.entry))

    def _refuse(self, one: Draft, problems: Iterable[Problem]) -> None:
        self._refused.append(one._replace(problems=tuple(problems)))
        if isinstance(one.entry, Check):
            self._lost.update(finding for finding, _ in iter_findings(one.entry))

    def _check(self, one: Draft, check: Check, key: str) -> None:
        judged = rules.judge(check, self._definitions, self._now)
        problems = [one.problem(fault) for fault in rules.check_faults(judged)]
        if problems or judged.source is None:
            self._refuse(one, problems)
            return
        item = self._stamp.check(one, judged, key)
        when = item.content.observed_at or ""
        raised = {name: Raised(f.responsible, check.inspector, when) for name, f in iter_findings(check)}
        # The bytes say all that the entry said; it would only hold memory.
        self._keep(_Ready(key, item, one._replace(entry=None), judged.source, raised))

    def _verification(self, one: Draft, verification: Verification, key: str) -> None:
        self._keep(_Ready(key, self._stamp.verification(one, verification, key), one, None, {}))

    def _keep(self, ready: _Ready) -> None:
        """Keep a record; one that stands twice is its twin, one with the same key and other content its rival."""
        first = self._ready.setdefault(ready.key, ready)
        if first is ready:
            return
        if settled(_record_of(first)) == settled(_record_of(ready)):
            self._twins.setdefault(ready.key, []).append(ready.draft)
        else:
            self._rivals.setdefault(ready.key, []).append(ready)

    # Deciding

    def batch(self, *, meanwhile: bool = False) -> _Batch:
        """Return what is to be appended to the ledger: editions, then checks, then verifications.

        With `meanwhile`, others have written since the records were compared.
        """
        store, ready, refused, lost = self._ledger, dict(self._ready), list(self._refused), set(self._lost)
        return _Decision(store, self, ready, refused, lost, self._already).batch(self._rivals, meanwhile=meanwhile)

    def twins(self, key: str) -> Sequence[Draft]:
        """Return the drafts that say the same as the one kept under a key."""
        return self._twins.get(key, ())

    def faults(
        self, verification: Verification, raised: Raised | None, faulty: frozenset[str] = frozenset()
    ) -> list[Fault]:
        """Return everything that is wrong with a verification of a finding."""
        return list(rules.verification_faults(verification, raised, self._definitions, self._now, faulty))

    def edition(self, source: Source) -> Item:
        """Return the entry that keeps the text of an edition."""
        return self._stamp.edition(source)


class _Decision:
    """What becomes of the records of a call, by what they say together and what the ledger holds."""

    def __init__(
        self, store: Ledger, work: _Work, ready: dict[str, _Ready], refused: list[Draft], lost: set[str], already: int
    ) -> None:
        self._ledger, self._work = store, work
        self._ready, self._refused, self._lost, self._already = ready, refused, lost, already

    def batch(self, rivals: Mapping[str, list[_Ready]], *, meanwhile: bool) -> _Batch:
        """Return what is to be appended: editions, then checks, then verifications."""
        for key, others in rivals.items():
            self._clash(self._ready[key], others)
        if meanwhile:
            self._recorded_meanwhile()
        checks = [one for one in self._ready.values() if one.item.content.kind == "check"]
        verifications = self._verifications(checks)
        items = [one.item for one in (*checks, *verifications)]
        already = self._already + sum(len(self._work.twins(one.key)) for one in (*checks, *verifications))
        return _Batch([*self._editions(checks), *items], len(items), already, self._refused)

    def _drop(self, one: _Ready, *faults: Fault) -> None:
        """Refuse a record with all that say the same."""
        self._refused += [
            twin._replace(problems=tuple(twin.problem(fault) for fault in faults))
            for twin in (one.draft, *self._work.twins(one.key))
        ]
        self._lost.update(one.raised)
        self._ready.pop(one.key, None)

    def _clash(self, first: _Ready, others: Sequence[_Ready]) -> None:
        """Refuse records with one key and different content, all of them: nobody can tell which is meant."""
        remedy = say("give it an id of its own, or keep one")
        if first.item.content.kind == "verification":
            remedy = say("keep one; a later look at the finding has a later moment")
        for one, other in ((first, others[0]), *((other, first) for other in others)):
            fault = say(
                "{record} stands also at {place} with other content ({parts})",
                record=title(one.key),
                place=_place(other.draft.where),
                parts=unlike(_record_of(other), _record_of(one), there_and_here),
            )
            if one is first:
                self._drop(one, Fault("", fault, remedy))
            else:
                self._refused.append(one.draft._replace(problems=(one.draft.problem(Fault("", fault, remedy)),)))
                self._lost.update(one.raised)

    def _recorded_meanwhile(self) -> None:
        """Take out what another program has recorded since these records were read."""
        known = self._ledger.known(list(self._ready))
        for key, there in known.items():
            one = self._ready[key]
            fault = _conflict(self._ledger, key, _record_of(one), there)
            if fault:
                self._drop(one, fault)
            else:
                self._already += 1 + len(self._work.twins(key))
                del self._ready[key]

    def _verifications(self, checks: Sequence[_Ready]) -> list[_Ready]:
        """Return the verifications that the rules allow, by what the records and the ledger know of their findings."""
        raised = {name: found for one in checks for name, found in one.raised.items()}
        wanted = {
            key: one.draft.entry.finding
            for key, one in self._ready.items()
            if isinstance(one.draft.entry, Verification)
        }
        faulty = [(number, one.part) for number, one in enumerate(self._refused) if one.part]
        names = {*wanted.values(), *(part.entry.finding for _, part in faulty if isinstance(part.entry, Verification))}
        there = self._ledger.findings([name for name in names if name not in raised])

        def judged(part: Part) -> list[Fault]:
            assert isinstance(part.entry, Verification)
            name = part.entry.finding
            if name in self._lost and name not in raised and "finding" not in part.faulty:
                # The ledger may have a check of the same id; it is not the one that was looked at.
                fault = say('the check of "{finding}" is refused', finding=name)
                return [Fault("finding", fault, say("mend the check, then take both"))]
            found = raised.get(name) or (Raised(*there[name]) if name in there else None)
            return self._work.faults(part.entry, found, part.faulty)

        for number, part in faulty:
            if isinstance(part.entry, Verification):
                one = self._refused[number]
                self._refused[number] = one._replace(problems=(*one.problems, *_more(one, judged(part))))
        kept = []
        for key in wanted:
            ready = self._ready[key]
            assert ready.draft.entry is not None
            faults = judged(Part(ready.draft.entry))
            if faults:
                self._drop(ready, *faults)
            else:
                kept.append(ready)
        return kept

    def _editions(self, checks: Sequence[_Ready]) -> list[Item]:
        """Return entries for the editions that are cited for the first time."""
        sources = {one.source.digest: one.source for one in checks if one.source}
        return [self._work.edition(sources[digest]) for digest in self._ledger.without_edition(sources)]


def _more(one: Draft, faults: Iterable[Fault]) -> Iterator[Problem]:
    """Yield the faults of a draft as problems where nothing is told of their fields yet."""
    told = {(problem.where.line, problem.where.field) for problem in one.problems}
    for fault in faults:
        problem = one.problem(fault)
        if (problem.where.line, problem.where.field) not in told:
            yield problem


def _place(where: Where) -> Message:
    """Return where a record stands as another message names it."""
    return joined(":", (where.file, *(str(n) for n in (where.line, where.column) if n is not None)))


def _record_of(ready: _Ready) -> dict[str, Any]:
    record: dict[str, Any] = orjson.loads(ready.item.content.body)["record"]
    return record


def _conflict(store: Ledger, key: str, record: Mapping[str, Any], known: tuple[int, bytes]) -> Fault | None:
    """Say how a record differs from the one that is recorded under its key, or return None.

    One that says what any version of it said is there already: a correction or a void stands whatever is imported
    again.
    """
    number, body = known
    there, here = settled(orjson.loads(body)["record"]), settled(record)
    if there == here:
        return None
    found = store.versions(number)
    kept = {link.seq: settled(record_of(link)) for link in found if link.kind != "void"}
    if here in kept.values():
        return None
    if found[-1].kind == "void":
        fault = say("{record} is recorded already as entry {number}, and void since entry {void}",
                    record=title(key), number=number, void=found[-1].seq)  # fmt: skip
        remedy = say("give it an id of its own, or bring it back with qpi correct")
        if found[0].kind == "verification":
            remedy = say("bring it back with qpi correct {number}; a later look at the finding has a later moment",
                         number=found[-1].seq)  # fmt: skip
        return Fault("", fault, remedy)
    number = max(kept)
    fault = say(
        "{record} is recorded already as entry {number} with other content ({parts})",
        record=title(key),
        number=number,
        parts=unlike(kept[number], here, recorded_and_given),
    )
    remedy = say("give it an id of its own, or leave the recorded one")
    if found[0].kind == "verification":
        # What names it is its finding, who verified, and when.
        remedy = say("leave the recorded one, or correct it with qpi correct {number}; a later look at the finding has a later "
                     "moment", number=number)  # fmt: skip
    return Fault("", fault, remedy)


__all__ = ["Outcome", "Recorder", "as_draft", "draft", "system_actor"]
