"""Messages: words of ours to people, written in English and said in whatever language is asked for."""

import gettext
from collections.abc import Iterable
from functools import cache
from typing import Any, Self

DOMAIN = "qpi"
FOLDER = __file__.removesuffix("messages.py") + "locale"
"""A plain text: pathlib would cost every start of the command line some milliseconds."""
LANGUAGES = ("zh", "en")
"""The languages of messages and documents; what is written in the code is English."""


class Message(str):
    """A text in English that keeps what it was made of, so that it can be said in another language.

    It is a text like any other; put into another text other than by `say` or `joined` it stays English for good.
    """

    __slots__ = ("template", "values")
    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Self:
        """Make a message of a template in English and what its braces stand for."""
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def line(self) -> Self:
        """Return the message with what strangers wrote in it as one line."""
        return type(self)(self.template, **{name: _one_line(value) for name, value in self.values.items()})

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """Let copies and pickles be made."""
        return (self.template,), self.values


def _one_line(value: Any) -> Any:
    if isinstance(value, Message):
        return value.line()
    return " ".join(value.split()) if isinstance(value, str) else value


def say(template: str, /, **values: Any) -> Message:
    """Return a message; the template is a literal, from which the catalogue of translations is made."""
    return Message(template, **values)


def template(text: str, /) -> str:
    """Return a template, a literal, of which messages are made elsewhere."""
    return text


def joined(separator: str, parts: Iterable[str]) -> Message:
    """Return several messages as one."""
    values = {f"part{number}": part for number, part in enumerate(parts)}
    return Message(separator.replace("{", "{{").replace("}", "}}").join(f"{{{name}}}" for name in values), **values)


def said(error: BaseException) -> str:
    """Return the message of an error, which it bears as its first argument, or its words, as one line."""
    first = error.args[0] if error.args else ""
    return first.line() if isinstance(first, Message) else " ".join(str(error).split())


def masked(url: str) -> str:
    """Return a URL without the password and the options that may stand in it."""
    before, signs, after = url.partition("://")
    who, at, where = after.partition("?")[0].rpartition("@")
    return f"{before}{signs}{who.partition(':')[0]}{':***' if ':' in who else ''}{at}{where}"


def translated(text: str, language: str) -> str:
    """Return a text in a language; what is no message, or has no translation, stays as it is."""
    if not isinstance(text, Message):
        return text
    values = {name: translated(value, language) if isinstance(value, str) else value
              for name, value in text.values.items()}  # fmt: skip
    return words(text.template, language).format(**values)


def words(template: str, language: str) -> str:
    """Return a template, or a text without braces, in a language."""
    return _catalogue(language).gettext(template) if template and language != "en" else template


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, FOLDER, languages=[language], fallback=True)


__all__ = [
    "DOMAIN",
    "FOLDER",
    "LANGUAGES",
    "Message",
    "joined",
    "masked",
    "said",
    "say",
    "template",
    "translated",
    "words",
]
