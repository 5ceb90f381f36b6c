"""Figures: what a torture run measures, and how each is counted, told and judged."""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple


class Figure(NamedTuple):
    """One figure of docs/reliability.md: how often something was tried, how often a record was lost or a fault not seen."""

    name: str
    what: str
    unit: str
    aim: int
    tried: int
    faults: tuple[str, ...] = ()
    """What went wrong; the figure stands only where there is nothing."""
    notes: str = ""
    controls: tuple[str, ...] = ()
    """What was broken on purpose and seen to fail; without them the harness could be blind."""
    skipped: str = ""
    seconds: float = 0.0

    @property
    def reached(self) -> bool:
        return not self.skipped and not self.faults and self.tried >= self.aim


@dataclass
class Run:
    """How large a run is, and where it says how far it is; `size` 1 is the whole of `make torture`."""

    size: float = 1.0
    seed: int = 20261125
    tell: Callable[[str], None] = lambda _: None
    started: float = field(default_factory=time.monotonic)

    def share(self, whole: int, least: int = 1) -> int:
        """Return this run's part of a whole number of tries."""
        return max(least, round(whole * self.size))


def memory() -> str | None:
    """Return a folder that is kept in memory where there is one: speed for what does not ask the disk anything."""
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def folder(*, fast: bool = True) -> "tempfile.TemporaryDirectory[str]":
    """Return a folder that goes when the figure is done."""
    return tempfile.TemporaryDirectory(prefix="qpi-torture-", dir=memory() if fast else None)
