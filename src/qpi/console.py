"""Console: what every command needs to speak with a person, in the person's language."""

from __future__ import annotations

import gettext
import locale
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from qpi import messages
from qpi.messages import say, translated

if TYPE_CHECKING:
    from qpi.errors import DataError
    from qpi.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])


class _Speech:
    """The language that messages of this run are in."""

    language = "en"


def spoken() -> str:
    """Return the language of messages: `zh` or `en`."""
    return _Speech.language


def wanted(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the language that `--lang` names, else that of the locale, else English."""
    for number, argument in enumerate(arguments):
        if argument == "--":
            break
        name, _, value = argument.partition("=")
        if name == "--lang":
            chosen = value or (arguments[number + 1] if number + 1 < len(arguments) else "")
            if chosen in messages.LANGUAGES:
                return chosen
    return of_locale(environment)


def of_locale(environment: Mapping[str, str]) -> str:
    """Return the language of the locale: `zh`, or `en` for every other."""
    named = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), None)
    if named is None and os.name == "nt":
        # Windows has no such variables; its C library knows the language of the user.
        named = locale.getlocale()[0]
    return "zh" if (named or "").lower().startswith(("zh", "chinese")) else "en"


def speak(language: str, command: click.Command) -> None:
    """Let messages, the words of click and the help of a command and all beneath it be in a language."""
    _Speech.language = language
    # click asks gettext's own domain, and gettext the environment.
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(messages.DOMAIN, str(messages.FOLDER))
    gettext.textdomain(messages.DOMAIN)
    if language != "en":
        _put_help(command, language)


def _put_help(command: click.Command, language: str) -> None:
    """Put the help of a command, of its options and of the commands beneath it into a language."""
    command.help = messages.words(command.help or "", language)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            parameter.help = messages.words(parameter.help or "", language)
            if isinstance(parameter.show_default, str):
                parameter.show_default = messages.words(parameter.show_default, language)
    for one in command.commands.values() if isinstance(command, click.Group) else ():
        _put_help(one, language)


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


def tell_problems(error: DataError) -> None:
    """Say every problem of an error."""
    for problem in error.problems:
        click.echo(problem.text(spoken()), err=True)


def tell_changed(workspace: Workspace) -> None:
    """Say which editions were changed after checks were judged by them."""
    for problem in workspace.changed_editions():
        click.echo(problem.text(spoken()), err=True)


@contextmanager
def progress(title: str) -> Iterator[Callable[[int], None]]:
    """Count records on a line of its own while a person watches."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return

    def count(number: int) -> None:
        words = translated(say("{title}: {number} read", title=title, number=number), spoken())
        click.echo(f"\r{words}", err=True, nl=False)

    yield count
    click.echo("\r\x1b[K", err=True, nl=False)


def in_workspace(command: Command) -> Command:
    """Give a command the option that names the workspace."""
    option = click.option(
        "--workspace", "-w", "folder", metavar="DIR", default=".", show_default=say("here"),
        help=say("The folder with qpi.yaml."),
    )  # fmt: skip
    return option(command)


def in_language(
    words: str = say("Of messages (default: by the locale)."), *, given: bool = False
) -> Callable[[Command], Command]:
    """Give a command the option that names the language; with `given` the command is told which, None by default."""
    return click.option("--lang", type=click.Choice(messages.LANGUAGES), help=words, expose_value=given)


__all__ = [
    "in_language",
    "in_workspace",
    "of_locale",
    "progress",
    "show",
    "speak",
    "spoken",
    "tell",
    "tell_changed",
    "tell_problems",
    "wanted",
    "write",
]
