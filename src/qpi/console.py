"""Console: what every command needs to speak with a person, in the person's language."""

from __future__ import annotations

import gettext
import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qpi import messages
from qpi.errors import Problem, UsageError
from qpi.messages import said, say, translated

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

BAD_INPUT, WRONG_USAGE, NO_PROOF = 1, 2, 3
"""What a run ends with that does not end well."""

Function = TypeVar("Function", bound=Callable[..., Any])


class _Speech:
    """The language that messages of this run are in."""

    language = "en"


def spoken() -> str:
    """Return the language of messages: `zh` or `en`."""
    return _Speech.language


def wanted(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language that the last `--lang` names, else that of the locale, else English."""
    options = [*arguments[: arguments.index("--")]] if "--" in arguments else [*arguments]
    for number, argument in reversed([*enumerate(options)]):
        name, _, value = argument.partition("=")
        if name == "--lang":
            chosen = value or (options[number + 1] if number + 1 < len(options) else "")
            if chosen in messages.LANGUAGES:
                return chosen
    return of_locale(environment)


def of_locale(environment: Mapping[str, str]) -> str:
    """Return the language of the locale: `zh`, or `en` for every other."""
    named = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), None)
    if named is None and os.name == "nt":
        import locale

        # Windows has no such variables; its C library knows the language of the user.
        named = locale.getlocale()[0]
    return "zh" if (named or "").lower().startswith(("zh", "chinese")) else "en"


def speak(language: str) -> None:
    """Let messages, help and the words of click be in a language from now on, in the whole process.

    Click asks gettext's own domain, and gettext the environment; neither is put back.
    """
    _Speech.language = language
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(messages.DOMAIN, messages.FOLDER)
    gettext.textdomain(messages.DOMAIN)


def use_utf8() -> None:
    """Write UTF-8 into pipes and files, whatever their own encoding is, and let no sign stop a screen that lacks it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8")


class _Helpful:
    """Gives the help of a command or option in the language that is spoken when it is shown."""

    _help: str | None = None

    @property
    def help(self) -> str | None:
        return self._help and messages.words(self._help, spoken())

    @help.setter  # noqa: A003
    def help(self, text: str | None) -> None:
        self._help = text


class Option(_Helpful, click.Option):
    """An option whose help and default are told in the language that is spoken."""

    _shown: bool | str | None = None

    @property
    def show_default(self) -> bool | str | None:
        return messages.words(self._shown, spoken()) if isinstance(self._shown, str) else self._shown

    @show_default.setter
    def show_default(self, value: bool | str | None) -> None:
        self._shown = value


class Whole(click.IntRange):
    """A whole number of a range, which is called so in the language that is spoken."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the number."""
        # Click puts the name of a type into its own sentence, and does not translate it.
        self.name = translated(say("whole number"), spoken())
        return super().convert(value, param, ctx)


class Command(_Helpful, click.Command):
    """A command whose help is told in the language that is spoken."""


class Group(_Helpful, click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type


def option(*names: str, **given: Any) -> Callable[[Function], Function]:
    """Give a command an option, as click does."""
    return click.option(*names, cls=Option, **given)


def tell(text: str) -> None:
    """Say something to the person: to stderr, so that results stay alone."""
    click.echo(translated(text, spoken()), err=True)


def show(text: str) -> None:
    """Print a line of the result, in words."""
    click.echo(translated(text, spoken()))


def write(text: str) -> None:
    """Write a result as UTF-8 whatever a pipe's own encoding is, so that no sign is lost."""
    if sys.stdout.isatty():
        click.echo(text, nl=False)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()


def tell_problems(problems: Iterable[Problem]) -> None:
    """Say every problem, one a line."""
    for problem in problems:
        click.echo(problem.text(spoken()), err=True)


MAX_NOTES = 20


def tell_notes(notes: Sequence[str]) -> None:
    """Say what a person should look at, one a line, and of very many how many more there are."""
    for note in notes[:MAX_NOTES]:
        tell(note)
    if len(notes) > MAX_NOTES:
        tell(say("... and {number} more; qpi evidence show lists them", number=len(notes) - MAX_NOTES))


@contextmanager
def progress(title: str) -> Iterator[Callable[[int], None]]:
    """Count records on a line of its own while a person watches."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return

    def count(number: int) -> None:
        line = translated(say("{title}: {number} read", title=title, number=number), spoken())
        click.echo(f"\r{line}", err=True, nl=False)

    yield count
    click.echo("\r\x1b[K", err=True, nl=False)


def in_workspace(command: Function) -> Function:
    """Give a command the option that names the workspace."""
    return _workspace(default=".", show_default=say("here"))(command)


def perhaps_in_workspace(command: Function) -> Function:
    """Give a command the option that names a workspace; None where none is named."""
    return _workspace(show_default=say("here, if this is one"))(command)


def _workspace(**given: Any) -> Callable[[Function], Function]:
    return option("--workspace", "-w", "folder", metavar="DIR", help=say("The folder with qpi.yaml."), **given)


def acting(command: Function) -> Function:
    """Give a command the options that say who acts; `actor` is None where nobody is named: the user of the system then."""

    @wraps(command)
    def named(*, actor_id: str | None, actor_role: str | None, **rest: Any) -> Any:
        if actor_role is not None and actor_id is None:
            raise UsageError(say("--actor-role says in which role --actor acts; name both"))
        if actor_id is None:
            return command(actor=None, **rest)
        from qpi.entries import Actor

        return command(actor=Actor(actor_id, actor_role, "declared"), **rest)

    who = option("--actor", "actor_id", metavar="ID", help=say("Who does this (default: the user of the system)."))
    role = option("--actor-role", metavar="ROLE", help=say("In which role."))
    given: Any = who(role(named))
    return given  # type: ignore[no-any-return]


def in_language(
    words: str = say("Of messages (default: by the locale)."), *, given: bool = False
) -> Callable[[Function], Function]:
    """Give a command the option that names the language; with `given` the command is told which, None by default."""
    return option("--lang", type=click.Choice(messages.LANGUAGES), help=words, expose_value=given)


def keys_of(by: Iterable[str]) -> list[str]:
    """Return the groupings that an option names which may be repeated, each with several parted by commas."""
    return [key.strip() for some in by for key in some.split(",") if key.strip()]


_OFFICE = (".xlsx", ".xls", ".xlsm", ".ods", ".doc", ".docx", ".odt", ".ppt", ".pptx", ".pdf")
_ENDINGS = (".csv", ".json", ".html", ".jsonl", ".parquet", ".yaml", ".yml", ".db", *_OFFICE)
"""Endings that say what a file holds; a name with any other may hold any form."""


def printed(*forms: str) -> Callable[[Function], Function]:
    """Give a command the options of how and where its result is printed, `form` and `out`.

    Where no form is named, it is that of the file's ending, else the first. A file that would hold something else than
    its ending says, or that may not be written over, is refused before the command runs.
    """

    def give(command: Function) -> Function:
        @wraps(command)
        def formed(*, form: str, out: str | None, **rest: Any) -> Any:
            return command(form=form if out is None else _form_of(out, form, forms), out=out, **rest)

        to = option("-o", "--out", metavar="FILE", help=say("Write there instead of printing."))
        form = option("--format", "form", type=click.Choice(forms), default=forms[0],
                      show_default=say("table, or by the ending of --out"))  # fmt: skip
        given: Any = form(to(formed))
        return given  # type: ignore[no-any-return]

    return give


def _form_of(out: str, form: str, forms: Sequence[str]) -> str:
    from pathlib import Path

    path = Path(out)
    refuse_target(path)
    ending = path.suffix.lower()
    source = click.get_current_context().get_parameter_source("form")
    asked = source is not click.core.ParameterSource.DEFAULT
    if ending not in _ENDINGS or (asked and ending == f".{form}"):
        return form
    if ending[1:] not in forms:
        offered = ", ".join(forms)
        raise UsageError(
            say("{file}: this command writes no {ending}; it offers --format {forms}", file=out, ending=ending, forms=offered)
        )  # fmt: skip
    if asked:
        fault = say("{file} ends in {ending}, and --format is {form}; leave out --format, or name another file",
                    file=out, ending=ending, form=form)  # fmt: skip
        raise UsageError(fault)
    return ending[1:]


def moment(text: str | None, option: str = "--as-of") -> datetime | date | None:
    """Read a day, or a moment with its offset."""
    if text is None:
        return None
    from qpi import calendar

    try:
        return calendar.parse_day(text) if len(text) <= 10 else calendar.parse_moment(text)
    except ValueError as error:
        fault = say("{option}: {fault}; write 2026-11-20, or 2026-11-20T18:00+08:00", option=option, fault=said(error))
        raise UsageError(fault) from error


def state(text: str | None) -> int | datetime | date | None:
    """Read what `--at` names: the number of an entry, a day, or a moment."""
    return int(text) if text is not None and re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII) else moment(text, "--at")


def put(text: str, out: str | None) -> None:
    """Print a result, or write it to a file and print the file's name; raise UsageError for a file not to be written over."""
    if out is None:
        write(text)
        return
    from pathlib import Path

    from qpi import disk

    refuse_target(Path(out))
    disk.write(Path(out), text)
    click.echo(out)


def refuse_target(path: Path) -> None:
    """Raise UsageError for a file not to be written over, such as records or a ledger, QpiError where there is no folder."""
    from qpi import targets

    targets.refuse(path)


__all__ = [
    "BAD_INPUT",
    "NO_PROOF",
    "WRONG_USAGE",
    "Command",
    "Group",
    "Option",
    "Whole",
    "acting",
    "in_language",
    "in_workspace",
    "keys_of",
    "moment",
    "of_locale",
    "option",
    "perhaps_in_workspace",
    "printed",
    "progress",
    "put",
    "refuse_target",
    "show",
    "speak",
    "spoken",
    "state",
    "tell",
    "tell_notes",
    "tell_problems",
    "use_utf8",
    "wanted",
    "write",
]
