"""Quality inspections of a property-management company: definitions, records, indicators, notices.

>>> import qpi
>>> workspace = qpi.Workspace("demo")              # doctest: +SKIP
>>> workspace.metrics("2026-10", by=["project"])   # doctest: +SKIP

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

# Type checkers take this name for true; importing it from typing would cost more than the rest of this file.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from qpi import explain, frames, intervals, ranks, trend
    from qpi.entries import Actor
    from qpi.errors import DefinitionError, LedgerError, Problem, ProofError, QpiError, RecordError, UsageError
    from qpi.metrics import indicators
    from qpi.recorder import Recorder
    from qpi.workspace import Workspace

__version__ = "0.1.0"

_ROOMS = ("explain", "frames", "intervals", "ranks", "trend")
"""Rooms that the docs call by name; a bare `import qpi` reaches them too."""
_HOMES = {
    "Actor": "entries",
    "DefinitionError": "errors",
    "LedgerError": "errors",
    "Problem": "errors",
    "ProofError": "errors",
    "QpiError": "errors",
    "RecordError": "errors",
    "Recorder": "recorder",
    "UsageError": "errors",
    "Workspace": "workspace",
    "indicators": "metrics",
}

__all__ = [
    "Actor",
    "DefinitionError",
    "LedgerError",
    "Problem",
    "ProofError",
    "QpiError",
    "RecordError",
    "Recorder",
    "UsageError",
    "Workspace",
    "explain",
    "frames",
    "indicators",
    "intervals",
    "ranks",
    "trend",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES and name not in _ROOMS:
        raise AttributeError(f"module 'qpi' has no attribute {name!r}")
    from importlib import import_module

    if name in _ROOMS:
        return import_module(f"qpi.{name}")
    return getattr(import_module(f"qpi.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_ROOMS})
