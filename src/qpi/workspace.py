"""Workspace: the folder that qpi.yaml names, and the parts that it hands out.

The ledger, pandas and Jinja are imported where they are first needed, so that judging definitions loads none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from qpi import definitions, lint, schema, strictyaml
from qpi.checklist import Source
from qpi.config import CONFIG, POLICY, Config
from qpi.definitions import Definitions
from qpi.errors import DataError, DefinitionError, Problem, UsageError, Where, in_order
from qpi.messages import say

if TYPE_CHECKING:
    import pandas as pd

    from qpi.closing import Closing, Since
    from qpi.entries import Actor
    from qpi.explain import Explanation
    from qpi.export import Exported
    from qpi.ledger import Ledger, Place, Position
    from qpi.manifest import Manifest
    from qpi.notices import Notice
    from qpi.recorder import Outcome, Recorder
    from qpi.stored import Stored
    from qpi.tally import Rows, Tally
    from qpi.verifiers import Share


Moment = int | datetime | date | None
"""A state of the ledger: the number of its last entry, or a moment, or a day with its end; None is now."""


class _Tables(NamedTuple):
    checks: pd.DataFrame
    findings: pd.DataFrame
    verifications: pd.DataFrame
    position: Position | None


class Tables(_Tables):
    """The tidy tables at a position of the ledger; the position is None where there is no ledger yet.

    Those of an export are relations of DuckDB.
    """

    @cached_property
    def rows(self) -> Rows:
        """The tables as what is counted, coded once for all questions."""
        from qpi.tally import Rows

        return Rows(*self[:3], of_ledger=True)

    def prove(self) -> None:
        """Raise DataError where the tables come of files that are not what was exported."""


class TablesOfExport(Tables):
    """The tables of an export, as relations of DuckDB, and the tallies beside them where they are of now."""

    folder: Path
    manifest: Manifest
    stored: Stored | None = None
    _proved = False

    def prove(self) -> None:
        """Raise DataError where a file has other bytes than were exported; all are read, once."""
        from qpi.manifest import faults

        if not self._proved:
            problems = faults(self.folder, self.manifest, whole=True)
            if problems:
                raise DataError(problems)
            self._proved = True


class Workspace:
    """A folder with qpi.yaml; nothing is read before it is asked for.

    `tell` is called once with each thing that a person should know of the ledger, such as an unsafe folder.
    """

    def __init__(self, folder: str | Path = ".", *, tell: Callable[[str], None] | None = None) -> None:
        self.folder = Path(folder)
        self._tell, self._told = tell, set[str]()

    def _read(self, name: str) -> strictyaml.Document:
        return strictyaml.read(self.folder / name, name=str(self.folder / name))

    @cached_property
    def _configured(self) -> schema.Loaded[Config]:
        path = self.folder / CONFIG
        if not path.is_file():
            remedy = say("name a workspace with --workspace, or make one with qpi init or qpi demo")
            if self.folder.is_file():
                remedy = say("name the folder, not a file in it")
            raise DefinitionError([Problem(Where(str(path)), say("is missing"), remedy)])
        return schema.load(Config, self._read(CONFIG))

    @cached_property
    def config(self) -> Config:
        """What qpi.yaml says; raises DefinitionError with every problem of it."""
        loaded = self._configured
        if loaded.problems or loaded.model is None:
            raise DefinitionError(loaded.problems)
        return loaded.model

    def check(self) -> list[Problem]:
        """Return every problem of the definitions of all files, by file and line; what is only advice is marked so."""
        try:
            return self._load()[1]
        except DefinitionError as error:
            return error.problems

    @cached_property
    def definitions(self) -> Definitions:
        """The checklists, portfolio and policy; raises DefinitionError with every problem of all files."""
        found, problems = self._load()
        if found is None:
            raise DefinitionError(problems)
        return found

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """The editions that can be read, also where other definitions have problems; raises nothing."""
        config = self._configured.model if (self.folder / CONFIG).is_file() else None
        if config is None:
            return ()
        checklists, problems = lint.build([self._read(name) for name in self._editions(config, [])])
        faulty = {problem.where.file for problem in problems if not problem.advisory}
        return tuple(source for source in checklists.by_start if source.document.file not in faulty)

    def _load(self) -> tuple[Definitions | None, list[Problem]]:
        config, problems = self._configured.model, list(self._configured.problems)
        if config is None:
            return None, problems
        editions = [self._read(name) for name in self._editions(config, problems)]
        portfolio = self._read(config.portfolio)
        unnamed = config.policy == POLICY and not (self.folder / POLICY).exists()
        policy = None if unnamed else self._read(config.policy)
        found, more = definitions.build(editions, portfolio, policy, config.timezone)
        return (None if problems else found), in_order([*problems, *more])

    def _editions(self, config: Config, problems: list[Problem]) -> list[str]:
        """Return the names of the edition files, and report a folder or list that has none."""
        names: list[str] = []
        for given in config.checklists:
            path = self.folder / given
            if path.is_dir():
                shown = [p.name for p in path.iterdir() if not p.name.startswith(".")]
                names += sorted(str(Path(given) / n) for n in shown if n.lower().endswith((".yaml", ".yml")))
            else:
                names.append(given)
        if not names:
            where = Where(str(self.folder / CONFIG))
            fault = say("no checklists in {folders}", folders=", ".join(config.checklists))
            problems.append(Problem(where, fault, say("put an edition there")))
        return names

    @property
    def ledger_place(self) -> Place:
        """Where the ledger is kept: the path of a file, or the URL of a database."""
        from qpi.ledger import place_of

        return place_of(self.config.ledger, self.folder)

    @property
    def ledger_path(self) -> Path:
        """The file of the ledger; raises UsageError where a database keeps it."""
        place = self.ledger_place
        if not isinstance(place, Path):
            raise UsageError(say("the ledger is kept by a database, and is no file"))
        return place

    @property
    def evidence_folder(self) -> Path:
        """The folder of evidence files: beside the file of the ledger, or beside qpi.yaml where the ledger is no file."""
        from qpi.evidence import FOLDER

        place = self.ledger_place
        return (place.parent if isinstance(place, Path) else self.folder) / FOLDER

    @contextmanager
    def ledger(
        self, *, create: bool = False, ledger_id: str | None = None, now: datetime | None = None
    ) -> Iterator[Ledger]:
        """Open the ledger for the time of a `with`; raises LedgerError where there is none and `create` is not said."""
        from qpi.ledger import journal_of, open_ledger

        journal = journal_of(self.config.ledger)
        with open_ledger(self.ledger_place, create=create, ledger_id=ledger_id, now=now, journal=journal) as store:
            self.note(store.notes)
            yield store

    def note(self, notes: Iterable[str]) -> None:
        """Tell what was noted of the ledger, each thing once."""
        for one in notes:
            if self._tell and one not in self._told:
                self._tell(one)
            self._told.add(one)

    @contextmanager
    def recorder(self, *, actor: Actor | None = None, create: bool = True) -> Iterator[Recorder]:
        """Open a recorder on the ledger, which is made where there is none unless `create` is false."""
        from qpi.recorder import Recorder

        found = self.definitions
        with self.ledger(create=create) as store:
            yield Recorder(store, found, actor=actor, evidence=self.evidence_folder)

    def tables(self, *, at: Moment = None, counted: bool = False) -> Tables:
        """Return the tidy tables at an entry or a moment of the ledger (default: the last entry).

        They are empty where there is no ledger. With `counted`, they have only the columns that indicators hang on.
        """
        from qpi import frames
        from qpi.ledger import has_ledger

        if not has_ledger(self.ledger_place):
            if at is not None:
                raise UsageError(say("there is no entry {entry}: the ledger has not begun", entry=at))
            return Tables(
                frames.empty(frames.CHECKS), frames.empty(frames.FINDINGS), frames.empty(frames.VERIFICATIONS), None
            )
        with self.ledger() as store:
            position = store.position_at(self.moment(at))
            # Read at a fixed position, so that what another program writes meanwhile is in none of the tables.
            last = position.seq
            columns = self._counted() if counted else {}
            return Tables(
                frames.checks(store, at=last, columns=columns.get("checks")),
                frames.findings(store, at=last, columns=columns.get("findings")),
                frames.verifications(store, at=last, columns=columns.get("verifications")),
                position,
            )

    def _counted(self) -> dict[str, Sequence[str]]:
        from qpi import frames

        demanded = self.definitions.policy.traceability
        # That a check bears its moment is seen by its day, and its sample and evidence by their numbers.
        fields = [field for field in demanded.check if field in frames.CHECKS and field != "checked_at"]
        return {
            **frames.COUNTED,
            "checks": [*dict.fromkeys((*frames.COUNTED["checks"], *fields))],
            "findings": [*dict.fromkeys((*frames.COUNTED["findings"], *demanded.finding))],
        }

    def changed_editions(self) -> list[Problem]:
        """Return advice for each edition that checks were judged by and that is in no file now, or in another wording."""
        url = self.config.ledger
        if url.startswith("sqlite:") and not (self.folder / url.removeprefix("sqlite:///").partition("?")[0]).exists():
            # Judging definitions alone loads no database.
            return []
        from qpi.ledger import has_ledger

        if not has_ledger(self.ledger_place):
            return []
        with self.ledger() as store:
            kept = list(store.editions())
        now = {(s.edition.catalogue, s.edition.edition): s for s in self.definitions.checklists.sources}
        problems = []
        for seq, catalogue, edition, digest in kept:
            source = now.get((catalogue, edition))
            if source is None:
                where = Where(str(self.folder / CONFIG))
                fault = say(
                    "edition {edition} of {catalogue}, which entry {entry} of the ledger keeps, is in no file",
                    edition=edition, catalogue=catalogue, entry=seq,
                )  # fmt: skip
                remedy = say("put its file back; without it figures are others")
                problems.append(Problem(where, fault, remedy, advisory=True))
            elif source.digest != digest:
                fault = say(
                    "edition {edition} of {catalogue} is not what entry {entry} of the ledger keeps; figures follow the file",
                    edition=edition, catalogue=catalogue, entry=seq,
                )  # fmt: skip
                remedy = say("restore the file, and write what changed as an edition of its own")
                problems.append(Problem(source.document.where("edition"), fault, remedy, advisory=True))
        return problems

    def metrics(
        self,
        period: str,
        *,
        by: Sequence[str] = (),
        as_of: datetime | date | None = None,
        at: Moment = None,
        source: str | Path | None = None,
    ) -> pd.DataFrame:
        """Return the indicators of a period as `qpi.metrics.indicators` does, from the ledger at entry `at`.

        With `source`, the folder of an export, they are counted from it, and no ledger is needed.
        """
        with self.reading(at=at, source=source, counted=True) as tables:
            return self.measured(period, by=by, as_of=as_of, tables=tables)

    @contextmanager
    def reading(
        self, *, at: Moment = None, source: str | Path | None = None, counted: bool = False
    ) -> Iterator[Tables]:
        """Open the tables at a state of the ledger, or those of an export, for the time of a `with`.

        With `counted`, those of the ledger have only the columns that indicators hang on. Raises UsageError for a state
        of an export.
        """
        if source is None:
            yield self.tables(at=at, counted=counted)
            return
        if at is not None:
            raise UsageError(
                say("an export is at one entry of the ledger, and has no other state; leave out the entry")
            )
        # Tallies that stand beside an export are proved one by one; the rows only where they are counted.
        with self.exported(source, whole=False) as tables:
            yield tables

    def _given(
        self, tables: Tables | None, at: Moment, source: str | Path | None, *, counted: bool = False
    ) -> AbstractContextManager[Tables]:
        """Return tables that were read before, or open those that are asked for."""
        return self.reading(at=at, source=source, counted=counted) if tables is None else nullcontext(tables)

    def export(self, folder: str | Path, *, now: datetime | None = None, tallies: bool = False) -> Exported:
        """Write checks, findings and verifications as Parquet files, or bring an export up to date.

        Raises UsageError where the folder holds something else or the export of another ledger, ProofError where the
        ledger has lost what was exported, DataError where a file is not the export's own; then the folder is as it was.
        With `tallies` the counts of each month are stored beside it; once there, they are kept up to date.
        """
        from qpi import duck, export, stored
        from qpi.tally import Rows

        place = Path(folder)
        with self.ledger() as store:
            done = export.export(store, place, now=now or datetime.now(UTC))
            if not tallies and stored.read(place) is None:
                return done
            with duck.opened(place) as found:
                counted = stored.refresh(
                    place, self.definitions, store, Rows(*found[:3], of_ledger=True), found.manifest
                )
        return done._replace(counted=tuple(counted))

    def verify_export(self, folder: str | Path) -> tuple[Manifest, list[Problem], bool]:
        """Read every byte of an export, compare its rows with the ledger, if one is there, and its tallies with its rows.

        Returns what it says of itself, what is wrong, and whether there was a ledger. Raises DataError where there is
        no finished export.
        """
        from qpi import duck, proofs, stored
        from qpi.ledger import has_ledger
        from qpi.tally import Rows

        place, compared = Path(folder), has_ledger(self.ledger_place)
        if compared:
            with self.ledger() as store:
                kept, problems = proofs.verify(place, store)
        else:
            kept, problems = proofs.verify(place)
        if not problems and stored.read(place) is not None:
            with duck.opened(place) as found:
                rows = Rows(*found[:3], of_ledger=True)
                problems = stored.faults(place, self.definitions, rows, kept)
        return kept, problems, compared

    @contextmanager
    def exported(
        self, folder: str | Path, *, threads: int | None = None, memory_limit: str | None = None, whole: bool = True
    ) -> Iterator[TablesOfExport]:
        """Open an export as tables of DuckDB for the time of a `with`; no ledger is read.

        `memory_limit` reads like `4GB`. Raises DataError where the export is not what its manifest says: with `whole`
        every byte is read for that, else only the sizes of the files are looked at.
        """
        from qpi import duck
        from qpi.ledger import Position

        with duck.opened(Path(folder), threads=threads, memory_limit=memory_limit) as found:
            kept = found.manifest
            tables = TablesOfExport(*found[:3], Position(kept.ledger, kept.seq, kept.head))
            tables.folder, tables.manifest = Path(folder), kept
            tables.stored = self._stored(Path(folder), kept)
            if whole:
                tables.prove()
            yield tables

    def _tally(self, tables: Tables, as_of: datetime | date | None) -> Tally:
        """Return the tallies beside tables, where there are some that can answer as of a moment, else the tables' own."""
        from qpi.metrics import moment_of

        found = tables.stored if isinstance(tables, TablesOfExport) else None
        if found is not None and found.serves(moment_of(self.definitions, as_of)):
            return found
        tables.prove()
        return tables.rows

    def _stored(self, folder: Path, kept: Manifest) -> Stored | None:
        """Return the tallies beside an export where they are of its position and of the definitions of now."""
        from qpi import stored

        found = stored.read(folder)
        return stored.Stored(folder, found) if found and stored.serves(found, self.definitions, kept) else None

    def measured(
        self, period: str, *, by: Sequence[str] = (), as_of: datetime | date | None = None, tables: Tables
    ) -> pd.DataFrame:
        """Return the indicators of tables that were read before."""
        from qpi import metrics

        span, keys = metrics.period_of(period), metrics.groupings(self.definitions, by)
        counts = metrics.tallied(self.definitions, self._tally(tables, as_of), span, by=keys, as_of=as_of)
        return metrics.table(self.definitions, counts, keys)

    def compared(
        self,
        period: str,
        *,
        by: Sequence[str] = (),
        as_of: datetime | date | None = None,
        at: Moment = None,
        source: str | Path | None = None,
        tables: Tables | None = None,
    ) -> pd.DataFrame:
        """Return the indicators of a period beside those of earlier ones as `qpi.trend.compared` does.

        They are counted from the ledger at entry `at`, from the export `source`, or from tables that were read before.
        """
        from qpi import metrics, trend

        with self._given(tables, at, source, counted=True) as rows:
            span = metrics.period_of(period)
            return trend.of_tally(self.definitions, self._tally(rows, as_of), span, by=by, as_of=as_of)

    def ranked(
        self,
        period: str,
        indicator: str,
        *,
        by: str = "project",
        minimum: int | None = None,
        as_of: datetime | date | None = None,
        at: Moment = None,
        source: str | Path | None = None,
        tables: Tables | None = None,
    ) -> pd.DataFrame:
        """Return projects, or the groups of another grouping, in the order of an indicator as `qpi.ranks.ranked` does.

        They are counted from the ledger at entry `at`, from the export `source`, or from tables that were read before.
        """
        from qpi import intervals, ranks

        least = intervals.MINIMUM if minimum is None else minimum
        with self._given(tables, at, source, counted=True) as rows:
            tally = self._tally(rows, as_of)
            return ranks.of_tally(self.definitions, tally, period, indicator, by=by, minimum=least, as_of=as_of)

    def explain(
        self,
        period: str,
        indicator: str,
        *,
        where: Mapping[str, str | None] | None = None,
        as_of: datetime | date | None = None,
        at: Moment = None,
        source: str | Path | None = None,
        tables: Tables | None = None,
    ) -> Explanation:
        """Return what stands behind one indicator, as `qpi.explain.explain` does.

        The rows are those of the ledger at entry `at`, of the export `source`, or of tables that were read before.
        """
        from qpi import explain

        with self._given(tables, at, source) as rows:
            rows.prove()
            return explain.explain(self.definitions, *rows[:3], period, indicator, where=where, as_of=as_of)

    def self_verified(
        self, period: str, *, as_of: datetime | date | None = None, tables: Tables | None = None
    ) -> Share:
        """Return how many of the closed findings of a period were closed by the one who raised them, and of how many."""
        from qpi import closing, verifiers

        rows, span = tables or self.tables(counted=True), closing.period_of(period)
        return verifiers.of_tally(self.definitions, self._tally(rows, as_of), span, as_of=as_of)

    def closed(self, period: str, *, at: int | None = None) -> Closing | None:
        """Return how a period was closed, or None; at an entry of the ledger, by default the last."""
        from qpi import closing
        from qpi.ledger import has_ledger

        if not has_ledger(self.ledger_place):
            return None
        with self.ledger() as store:
            return closing.closing_of(store, closing.period_of(period).name, at=at)

    def beside(self, frame: pd.DataFrame, closing: Closing, by: Sequence[str]) -> pd.DataFrame | None:
        """Return indicators with those of a closing beside them, as `qpi.closing.beside` does.

        Figures by keys that the closing did not keep are counted anew; None where the definitions have changed since.
        """
        from qpi import closing as closings

        found = closings.beside(self.definitions, frame, closing, by)
        if found is not None:
            return found
        anew = closings.reckoned(self.definitions, self.tables(at=closing.at, counted=True).rows, closing, by)
        return None if anew is None else closings.beside(self.definitions, frame, anew, by)

    def since(self, closing: Closing, *, at: int) -> list[Since]:
        """Return the entries up to entry `at` that bear on a closed period and are not in its figures."""
        from qpi import closing as closings

        with self.ledger() as store:
            return closings.since(store, self.definitions, closing, at=at)

    def digests(self) -> tuple[str, ...]:
        """Return the digests of the definitions, as a closing keeps them."""
        from qpi import closing

        return tuple(closing.digests(self.definitions))

    def close(self, period: str, *, reason: str | None = None, recorder: Recorder) -> Outcome:
        """Write the indicators of a period into the ledger as they stand, with the receipt of this moment.

        Later records change nothing in them. A period is closed once; with a reason it is closed again, and the new
        closing supersedes the old one. Raises UsageError before `close_after` days after its end.
        """
        from qpi import closing
        from qpi.corrections import reason_of

        span = closing.period_of(period)
        store = recorder.ledger
        before = closing.closing_of(store, span.name)
        why = None if reason is None else reason_of(reason)
        if before is not None and (why is None or _said_last(store, before.entry, why)):
            return recorder.enter("closing", _key_of(store, before.entry), {})
        key = f"closing:{span.name}" if before is None else f"closing:{span.name}:{before.entry}"
        tables = self.tables(counted=True)
        assert tables.position is not None
        kept = closing.record(self.definitions, tables.rows, span, tables.position, now=recorder.now)
        return recorder.enter("closing", key, kept, supersedes=before and before.entry, reason=why)

    def notices(
        self,
        period: str,
        *,
        project: str | None = None,
        per: str = "project",
        language: str = "zh",
        as_of: datetime | date | None = None,
        at: Moment = None,
    ) -> list[Notice]:
        """Return the drafts of improvement notices of a period, one per project or per responsible."""
        from qpi import notices

        found, organisation = self.definitions, self.config.organisation
        with self.ledger() as store:
            return notices.drafts(
                store, found, period, organisation=organisation, project=project, per=per, language=language,
                as_of=as_of, at=store.position_at(self.moment(at)).seq,
            )  # fmt: skip

    def moment(self, at: Moment) -> int | datetime | None:
        """Return a state of the ledger with a day as its end in the workspace's zone."""
        from qpi.metrics import moment_of

        return at if at is None or isinstance(at, int) else moment_of(self.definitions, at)


def _said_last(store: Ledger, entry: int, reason: str) -> bool:
    """Say whether an entry gives a reason and nothing came after it: the same call again, after a lost answer."""
    link = store.entry(entry)
    return link is not None and link.reason == reason and store.position().seq == entry


def _key_of(store: Ledger, entry: int) -> str:
    link = store.entry(entry)
    assert link is not None
    return link.idem
