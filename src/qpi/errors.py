"""Errors that the library raises, and the problems that it finds in other people's data."""

import errno
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from qpi.messages import said, say, translated


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file: line and column count from 1, a field is named where there is one."""

    file: str
    line: int | None = None
    column: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        parts = [self.file, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts) + (f": {self.field}" if self.field else "")

    def text(self, language: str) -> str:
        """Return the place in a language; a file is named as it is, a record in words."""
        return str(Where(translated(self.file, language), self.line, self.column, self.field))

    @property
    def spot(self) -> str:
        """The place within its file, as another message names it."""
        return say("line {line}", line=self.line) if self.line else self.field or say("the beginning")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the data: where it stands, what is wrong, and what to write instead.

    `advisory` marks what a person should look at although every figure can be counted.
    """

    where: Where
    fault: str
    remedy: str
    advisory: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return self.text("en")

    def text(self, language: str) -> str:
        """Return place, fault and remedy in a language: `zh` or `en`."""
        place = self.where.text(language)
        return translated(
            say("{place}: {fault}; {remedy}", place=place, fault=self.fault, remedy=self.remedy), language
        )


_REASONS = {
    errno.ENOENT: say("there is no such file or folder"),
    errno.EACCES: say("no right to it"),
    errno.EPERM: say("no right to it"),
    errno.EISDIR: say("this is a folder"),
    errno.ENOTDIR: say("a part of the path is no folder"),
    errno.EEXIST: say("it is there already"),
    errno.ENOSPC: say("the disk is full"),
    errno.EROFS: say("the disk can only be read"),
    errno.ENAMETOOLONG: say("the name is too long"),
    errno.EMFILE: say("too many files are open"),
}


def reason(error: OSError) -> str:
    """Return why the operating system refused something, in our words where we have some."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems by file, line and column, each once."""
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda p: (p.where.file, p.where.line or 0, p.where.column or 0))


class QpiError(Exception):
    """Whatever this library raises on purpose."""

    def text(self, language: str) -> str:
        """Return what is wrong in a language: `zh` or `en`."""
        return translated(said(self), language)


class UsageError(QpiError):
    """A call with words or values that mean nothing here."""


class UnknownNameWarning(UserWarning):
    """A table of a caller's own names what no definition knows, so that nothing is fulfilled by it."""


class LedgerError(QpiError):
    """The ledger cannot be opened, read or written; nothing was changed."""


class ProofError(LedgerError):
    """The ledger does not prove itself: an entry, a link or a guard is not what it was."""


class DataError(QpiError):
    """Data with problems; all of them are in `problems`, and nothing was changed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def text(self, language: str) -> str:
        """Return every problem in a language, one a line."""
        return "\n".join(problem.text(language) for problem in self.problems)


class DefinitionError(DataError):
    """Definitions that cannot be understood."""


class RecordError(DataError):
    """Records that the recorder refuses; `refused` are the drafts with a problem, where they got so far."""

    def __init__(self, problems: Iterable[Problem], refused: Iterable[Any] = ()) -> None:
        super().__init__(problems)
        self.refused = tuple(refused)
