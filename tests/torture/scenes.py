"""Scenes: runs for which power cuts are simulated; each leaves entries and files one after another, and says so each time.

`entry 7` is told once entry 7 was acknowledged, `file NAME` once a file was stored for good. What is told of a file comes
before the entry that cites it, so a power cut that keeps the entry has to keep the file.
"""

import os
from hashlib import sha256
from pathlib import Path

from qpi.backup import back_up
from qpi.receipts import receipt, text_of
from torture.operations import (
    FINDING,
    LEDGER,
    NOW,
    Acknowledge,
    Operation,
    check,
    nothing,
    opened,
    recorder,
    some,
    verification,
)


def store_file(folder: Path, name: str, data: bytes) -> None:
    """Store a file so that it is there in full or not at all: file, fsync, rename, fsync of the folder."""
    part = folder / f".{name}.part"
    with open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(folder / name)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tell(acknowledge: Acknowledge, ledger) -> None:
    acknowledge(f"entry {ledger.position().seq}")


def inspect(folder: Path, acknowledge: Acknowledge) -> None:
    """Begin a ledger, and record checks, findings and verifications one by one, with photos and receipts beside it."""
    with opened(folder) as ledger:
        write = recorder(ledger)
        for n in range(20):
            photo = f"photo {n}".encode() * 400
            name = sha256(photo).hexdigest()
            if n % 3 == 0:
                store_file(folder, name, photo)
                acknowledge(f"file {name}")
            evidence = [{"name": "a.jpg", "sha256": name}] if n % 3 == 0 else []
            write.check(check(f"s-{n}", evidence=evidence, findings=[FINDING] if n % 2 else []))
            _tell(acknowledge, ledger)
            if n % 2:
                write.verify(verification(f"s-{n}/1"))
                _tell(acknowledge, ledger)
            if n % 4 == 0:
                made = text_of(receipt(*ledger.position(), now=NOW)).encode()
                store_file(folder, f"receipt-{n}.txt", made)
                acknowledge(f"file receipt-{n}.txt")


def import_and_copy(folder: Path, acknowledge: Acknowledge) -> None:
    """Record fifty checks at once three times, make the typed tables anew, and make a verified copy."""
    with opened(folder) as ledger:
        for n in range(3):
            recorder(ledger).record([check(f"b-{n}-{m}", findings=[FINDING] if m % 5 == 0 else []) for m in range(50)])
            _tell(acknowledge, ledger)
        ledger.rebuild()
        _tell(acknowledge, ledger)
    back_up(folder / LEDGER, folder / "copy.db")
    acknowledge("file copy.db")
    # The ledger grows past the copy, which stays what it was.
    with opened(folder) as ledger:
        recorder(ledger).check(check("b-last"))
        _tell(acknowledge, ledger)


def store_carelessly(folder: Path, acknowledge: Acknowledge) -> None:
    """Write files as programs do that know nothing of power cuts."""
    for n in range(5):
        (folder / f"careless-{n}").write_bytes(b"photo" * 1000)
        acknowledge(f"file careless-{n}")


INSPECTIONS = Operation("scene of inspections", nothing, inspect)
IMPORTS = Operation("scene of imports", some, import_and_copy)
CARELESS = Operation("scene of careless files", nothing, store_carelessly)
SCENES = (INSPECTIONS, IMPORTS, CARELESS)
"""Every scene; the careless one is there to be seen failing."""
