"""F3: every state in which a power cut can leave the disk; what was acknowledged is there, and nothing that is there is torn."""

import hashlib
import random
import shutil
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from qpi import tables
from qpi.audit import audit
from qpi.errors import QpiError
from torture import disk
from torture.disk import Image, Moment
from torture.figures import Figure, Run, folder
from torture.operations import LEDGER, Operation
from torture.scenes import CARELESS, IMPORTS, INSPECTIONS
from torture.zygote import UntraceableError, Zygote

WHAT = "power cut: distinct states of the disk"
DATABASE = (LEDGER, f"{LEDGER}-journal", f"{LEDGER}-wal")
SHARES = ((INSPECTIONS, 0.7), (IMPORTS, 0.3))
UNSAFE = {
    "synchronous=OFF": {"synchronous": 0},
    "WAL+NORMAL": {"journal_mode": "wal", "synchronous": 1},
    "DELETE+FULL": {"synchronous": 2},
}
"""Settings that are known to lose acknowledged commits, which this figure has to see."""
AUDITED = 100
"""One image of so many is audited as a whole."""


def figures(run: Run) -> Iterator[Figure]:
    """Yield F3."""
    aim = run.share(20_000)
    try:
        yield _figure(run, aim)
    except UntraceableError as why:
        yield Figure("F3", WHAT, "images", aim, 0, skipped=str(why))


def _figure(run: Run, aim: int) -> Figure:
    rng = random.Random(run.seed)
    faults: list[str] = []
    controls: list[str] = []
    tried = audited = ledgers = 0
    with folder() as name, Zygote() as zygote:
        root = Path(name)
        for operation, share in SHARES:
            scene = Scene(zygote, operation, root, {})
            wanted = round(aim * share) + 1
            for seen in scene.seen(rng, wanted):
                tried, audited = tried + 1, audited + seen.audited
                faults += (f"{operation.name}: {fault}" for fault in seen.faults)
                if tried % 500 == 0:
                    run.tell(f"F3: {tried} of {aim} images")
            ledgers += len(scene.ledgers)
        for title, operation, settings in (
            *((title, INSPECTIONS, settings) for title, settings in UNSAFE.items()),
            ("files without fsync", CARELESS, {}),
        ):
            scene = Scene(zygote, operation, root, settings)
            seen = list(scene.seen(rng, min(2000, max(200, aim // 10))))
            lost = sum(any("lost" in fault for fault in one.faults) for one in seen)
            if lost:
                controls.append(f"{title} ({lost:,} of {len(seen):,} images lose)")
            else:
                faults.append(f"{title} loses nothing here, so the harness is blind")
    notes = f"{ledgers:,} distinct states of the ledger, the rest of files beside it; {audited:,} audited as a whole"
    return Figure("F3", WHAT, "images", aim, tried, tuple(faults), notes, tuple(controls))


class Seen(NamedTuple):
    """What was found in an image: what is wrong, and whether it was audited as a whole."""

    faults: tuple[str, ...]
    audited: bool


class Scene:
    """A run that was recorded once, what it left, and the images of it."""

    def __init__(self, zygote: Zygote, operation: Operation, root: Path, settings: dict[str, object]) -> None:
        self.home = root / f"{operation.name}-{'-'.join(map(str, settings.values()))}".replace(" ", "-")
        before, after = self.home / "before", self.home / "after"
        before.mkdir(parents=True)
        operation.begin(before)
        shutil.copytree(before, after)
        record = self.home / "record"
        calls = ",".join(f"?{name}" for name in disk.CALLS)
        strace = ("-o", str(record), "-xx", "-s", str(1 << 24), "-e", f"trace={calls}", "-e", "signal=none")
        ended = zygote.run(operation.name, after, *strace, settings=settings)
        assert ended.end == "done", ended
        self.recording = disk.recorded(record, before, after)
        assert tuple(self.recording.told) == ended.acknowledged
        record.unlink()
        self.files = {
            path.relative_to(after).as_posix(): path.read_bytes() for path in after.rglob("*") if path.is_file()
        }
        self.place = self.home / "image"
        self.place.mkdir()
        self.truth = _read(after / LEDGER) if (after / LEDGER).exists() else {}
        kept = {id(content): content for moment in self.recording.moments for content in moment.kept.values()}
        self._sums = {number: _sum(content) for number, content in kept.items()}
        self._found: dict[bytes, tuple[int, tuple[str, ...]]] = {}
        self.ledgers: dict[bytes, tuple[int, tuple[str, ...]]] = {}

    def seen(self, rng: random.Random, wanted: int) -> Iterator[Seen]:
        """Yield what was found in so many distinct images, from all moments of the run alike."""
        plain = [(moment, disk.plain_images(moment, rng)) for moment in self.recording.moments]
        barren = 0
        while wanted and barren < 20:
            barren += 1
            # Each round goes to every moment, in another order, for an image that is plain and one by chance.
            rng.shuffle(plain)
            for moment, images in plain:
                chance = disk.random_image(moment, rng) if moment.changes or moment.moves else None
                for image in (next(images, None), chance):
                    seen = self._look(moment, image) if image is not None and wanted else None
                    if seen:
                        barren = 0
                        wanted -= 1
                        yield seen

    def _look(self, moment: Moment, image: Image) -> Seen | None:
        """Return what is found in an image, None where there is nothing new in it."""
        told = self.recording.told[: moment.told]
        key = self._digest(image)
        known = self._found.get(key)
        count, faults = known or self._judged(image)
        self._found[key] = count, faults
        entries = [int(one.removeprefix("entry ")) for one in told if one.startswith("entry ")]
        # The same image can come after more was acknowledged; then more has to be in it.
        lost = [f"entry {max(entries)} was acknowledged and is lost"] if entries and count <= max(entries) else []
        names = (one.removeprefix("file ") for one in told if one.startswith("file "))
        lost += (f"file {name} was acknowledged and is lost" for name in names if image.get(name) != self.files[name])
        if known:
            return Seen(tuple(lost), audited=False) if lost else None
        audited = len(self._found) % AUDITED == 0 and count > 0
        return Seen((*faults, *lost, *(self._audited(image) if audited else ())), audited)

    def _judged(self, image: Image) -> tuple[int, tuple[str, ...]]:
        """Return what comes of the ledger in an image; images that differ in other files alone have it in common."""
        key = self._digest({name: image[name] for name in DATABASE if name in image})
        if key not in self.ledgers:
            self.ledgers[key] = self._recovered(image)
        return self.ledgers[key]

    def _digest(self, image: Image) -> bytes:
        digest = hashlib.blake2b(digest_size=16)
        for name in sorted(image):
            # Most files are as they were kept, and those live as long as their moments: their number tells them.
            content = image[name]
            digest.update(name.encode() + (self._sums.get(id(content)) or _sum(content)))
        return digest.digest()

    def _recovered(self, image: Image) -> tuple[int, tuple[str, ...]]:
        """Return how many entries SQLite finds in an image, and what is not as it was recorded."""
        if LEDGER not in image:
            return 0, ()
        self._lay({name: image[name] for name in DATABASE if name in image})
        try:
            found = _read(self.place / LEDGER)
        except sqlite3.DatabaseError as error:
            return 0, (f"corrupt: {error}",)
        count = len(found["entry"]) if found else 0
        faults = []
        for table, rows in found.items():
            whole = self.truth[table]
            # Rows are sorted by the number of their entry.
            if rows != whole[: bisect_right(whole, count - 1, key=lambda row: row[0])]:
                faults.append(f"corrupt: {table} is not what was recorded up to entry {count - 1}")
        return count, tuple(faults)

    def _lay(self, image: Image) -> None:
        shutil.rmtree(self.place)
        for name, content in image.items():
            path = self.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _audited(self, image: Image) -> Iterator[str]:
        self._lay(image)
        try:
            report = audit(self.place / LEDGER)
        except QpiError as error:
            yield f"corrupt: {error}"
        else:
            yield from (f"corrupt: {one}" for one in report.found)
        with closing(sqlite3.connect(self.place / LEDGER)) as raw:
            said = [row[0] for row in raw.execute("PRAGMA integrity_check")]
        yield from (f"corrupt: {one}" for one in said if one != "ok")


def _sum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _read(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table by the number of its entry, as SQLite finds them; nothing before there are tables."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA synchronous = OFF")
        if not raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return {}
        names = ("entry", *(table.name for table in tables.TYPED))
        return {name: raw.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in names}
