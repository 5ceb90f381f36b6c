"""F12: the same steps on SQLite and on PostgreSQL; every outcome is the same, and so is the head after each."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import servers
from inputs import recorder_of
from qpi import ledger as ledgers
from qpi.audit import audit
from qpi.errors import RecordError
from qpi.ledger import open_ledger
from torture.figures import Figure, Run, folder
from torture.steps import DEFINITIONS, LIFE, NAMES, NOW, STEPPED, WEIGHTS, Life

STEPS = 3_000
ALONE = ("typed tables made anew", "opened anew", "a backup in its place")
"""Steps that are about a file; so are the attacks."""
BOTH = [(name, weight) for name, weight in zip(NAMES, WEIGHTS, strict=True) if name not in ALONE and "an " + name[3:9] != "an attack"
        and "another program" not in name]  # fmt: skip
WHAT = "steps on SQLite and PostgreSQL with equal outcomes and heads"


class Both:
    """A recorder of two ledgers, which must answer alike."""

    def __init__(self, *ledgers: object, now: object) -> None:
        self._recorders = [recorder_of(one, DEFINITIONS, now=now) for one in ledgers]

    def __getattr__(self, name: str):
        def call(*given, **named):
            given = [list(one) if isinstance(one, Iterator) else one for one in given]
            said = [_answer(getattr(one, name), given, named) for one in self._recorders]
            assert said[0] == said[1], said
            heads = [one.ledger.position() for one in self._recorders]
            assert heads[0] == heads[1], heads
            if isinstance(said[0], RecordError):
                raise said[0]
            return said[0]

        return call


class _Refusal(RecordError):
    """A refusal that is equal to one with the same words."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecordError) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def _answer(call, given, named):
    try:
        return call(*given, **named)
    except RecordError as refusal:
        return _Refusal(refusal.problems, refusal.refused)


class Twins(Life):
    """A life whose ledger has a twin in PostgreSQL."""

    def __init__(self, made: Path, rng: random.Random, place: object) -> None:
        self.place = place
        super().__init__(made, rng)

    def open(self) -> None:
        super().open()
        ledgers.init(self.place, ledger_id="steps", now=NOW)
        self.twin = open_ledger(self.place)

    def end(self) -> None:
        self.twin.close()
        super().end()

    @property
    def recorder(self):
        return Both(self.ledger, self.twin, now=self.now)


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figure of equal heads."""
    aim = run.share(STEPS, 60)
    rng, done, faults, seen = random.Random(run.seed), Counter(), [], False
    names, weights = zip(*BOTH, strict=True)
    try:
        with servers.running() as server, folder() as made:
            while done.total() < aim and not faults:
                place = servers.new_schema(server)
                life = Twins(Path(made) / f"{rng.random()}", rng, place)
                try:
                    for _ in range(min(LIFE, aim - done.total())):
                        name = rng.choices(names, weights)[0]
                        done[name] += 1
                        STEPPED[name](life)
                    life.look()
                    assert audit(place).found == ()
                    run.tell(f"F12: {done.total()} steps on both stores")
                    seen = seen or _control(life)
                except Exception as error:
                    faults.append(f"{name}: {type(error).__name__} {error}; after {life.said[-6:]}")
                finally:
                    life.end()
                    servers.drop_schema(server, place)
    except servers.NoServer as why:
        yield Figure("F12", WHAT, "steps", aim, 0, skipped=str(why))
        return
    controls = ("a record on one store alone",) if seen else ()
    yield Figure("F12", WHAT, "steps", aim, done.total(), tuple(faults), "", controls)


def _control(life: Twins) -> bool:
    """Record something on one store alone, and say whether the next step sees it."""
    recorder_of(life.twin, DEFINITIONS, now=life.now).void(next(iter(life.checks)), reason="alone")
    try:
        STEPPED["a new check"](life)
    except AssertionError:
        return True
    return False
