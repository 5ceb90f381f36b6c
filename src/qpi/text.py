"""Written text: which characters may stand in it, and how codes and ids are compared."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from qpi.messages import Message, say

MAX_CODE = 64
_CODE = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_CODE}}}")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−－﹘﹣"), "-")
# One class per kind, so that ordinary text costs a single scan of C speed.
_BAD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u3000\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
CLEAN_PATTERN = (
    r"^(?![\s\S]*[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff])"
    r"\S([\s\S]*\S)?\n*$"
)
"""Text without blanks at its edges and without what `bad_character` names, as far as an editor's expressions go."""
_GAPS = "\u1680\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_NAMES = {
    0x85: say("next line"),
    0xA0: say("no-break space"),
    0xAD: say("soft hyphen"),
    0x200B: say("zero width space"),
    0xFEFF: say("byte order mark"),
    0x3000: say("ideographic space"),
    0x200C: say("zero width non-joiner"),
    0x200D: say("zero width joiner"),
    0x2060: say("word joiner"),
    0x2028: say("line separator"),
    0x2029: say("paragraph separator"),
    0xFE0F: say("variation selector"),
    **dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), say("text direction mark")),
    **dict.fromkeys((*range(0x2000, 0x200B), 0x1680, 0x202F, 0x205F), say("blank of another width")),
    **dict.fromkeys((0x115F, 0x1160, 0x3164, 0xFFA0), say("Hangul filler")),
}
MAX_ID = 200
MAX_SHOWN = 60
MAX_LISTED = 20


def bad_character(text: str) -> Message | None:
    """Name the first character that nobody can see or that turns text around, and its place, or return None."""
    found = _BAD.search(text)
    if found is None:
        return None
    return say("{sign} at character {number}", sign=sign_name(found.group()), number=found.start() + 1)


def sign_name(sign: str) -> Message:
    """Name a sign by its number and, in words, what it is."""
    point = ord(sign)
    name = _NAMES.get(point) or (say("control character") if point < 0xA0 else say("invisible sign"))
    return say("{number} ({name})", number=f"U+{point:04X}", name=name)


def shown(text: str) -> str:
    """Return a text as a message shows it: one line, not long."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN else f"{line[:MAX_SHOWN]}..."


def visible(text: str) -> str:
    """Return a text without what `bad_character` names, wide blanks as ordinary ones, so that the rest can be judged."""
    return _BAD.sub(lambda found: " " if found.group() in _GAPS else "", text)


def normal(text: str) -> str:
    """Return a code or id as it is compared: NFKC, every dash a hyphen, no blanks at its edges."""
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text).translate(_DASHES).strip()


CODE_REMEDY = say("write up to {most} letters A-Z, digits, dots, underscores and hyphens", most=MAX_CODE)
_CONFUSABLE = {
    "CYRILLIC": say("a Cyrillic letter"),
    "GREEK": say("a Greek letter"),
    "ARMENIAN": say("an Armenian letter"),
    "CHEROKEE": say("a Cherokee letter"),
    "COPTIC": say("a Coptic letter"),
}


def _confusable(text: str) -> tuple[str, Message] | None:
    """Return the first sign that passes for a Latin letter, and what it is, or None."""
    for sign in text:
        script = unicodedata.name(sign, "").partition(" ")[0]
        if script in _CONFUSABLE:
            return sign, _CONFUSABLE[script]
    return None


def code_fault(code: str) -> Message | None:
    """Say what keeps a normal code from being one, or return None."""
    if _CODE.fullmatch(code):
        return None
    if found := _confusable(code):
        return say(
            "code {code} holds {sign} ({name}), which is easily taken for another",
            code=repr(code), sign=repr(found[0]), name=found[1],
        )  # fmt: skip
    if not code:
        return say("code is empty")
    if len(code) > MAX_CODE:
        return say(
            "code {code} has {number} characters, more than {most}",
            code=repr(shown(code)), number=len(code), most=MAX_CODE,
        )  # fmt: skip
    sign = next((character for character in code if not _CODE.fullmatch(character)), "")
    return say("code {code} holds {sign}", code=repr(code), sign=say("a blank") if sign == " " else repr(sign))


def id_fault(value: str, *, most: int = MAX_ID) -> Message | None:
    """Say what keeps a normal id from being one, or return None."""
    if not value:
        return say("id is empty")
    if value.isascii() and value.isprintable() and len(value) <= most:
        return None
    if len(value) > most:
        return say("id has {number} characters, more than {most}", number=len(value), most=most)
    bad = bad_character(value)
    if bad or not value.isprintable():
        return say("id {value} holds {sign}", value=repr(value), sign=bad or say("a sign that cannot be printed"))
    if found := _confusable(value):
        return say(
            "id {value} holds {sign} ({name}), easily taken for a Latin letter",
            value=repr(value), sign=repr(found[0]), name=found[1],
        )  # fmt: skip
    return None


MAX_COMPARED = 300


def nearest(word: str, words: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the known word that an unknown one most looks like, in whatever case, or None."""
    known = list(words)
    if len(known) > MAX_COMPARED:
        # Comparing is slow; of many words, such as codes, the neighbours in order are alike enough.
        known.sort()
        middle = bisect_left(known, word)
        known = known[max(0, middle - MAX_COMPARED // 2) : middle + MAX_COMPARED // 2]
    folded = {one.casefold(): one for one in reversed(known)}
    found = get_close_matches(word[:MAX_ID].casefold(), folded, n=1, cutoff=likeness)
    return folded[found[0]] if found else None


DECLARE = say("declare it first")


def instead(word: str, words: Iterable[str], *, otherwise: str = DECLARE, likeness: float = 0.6) -> str:
    """Return the remedy for an unknown word: the nearest known one, else the choice, else what there is left to do."""
    known = list(words)
    close = nearest(word, known, likeness=likeness)
    if close:
        return say("did you mean {word}?", word=close)
    if not known:
        return otherwise
    choice = ", ".join(known) if len(known) <= MAX_LISTED else f"{', '.join(sorted(known)[:MAX_LISTED])}, ..."
    return say("write one of {choice}", choice=choice)


def named(word: str, titles: Mapping[str, str]) -> str:
    """Return the remedy for an unknown name of what has a title too: who writes in Chinese is told the titles."""
    plain = normal(word)
    meant = [
        name
        for name, title in titles.items()
        if title and plain in map(normal, (title, *title.split("/"), f"{title} {name}", f"{name} {title}"))
    ]
    if meant:
        return say("write {text}", text=meant[0]) if len(meant) == 1 else instead("", meant)
    if word.isascii():
        return instead(word, titles)
    listed = ", ".join([f"{name} {title}".rstrip() for name, title in titles.items()][:MAX_LISTED])
    return say("write one of {choice}", choice=listed if len(titles) <= MAX_LISTED else f"{listed}, ...")


_PARTS = re.compile(r"(.*?)0*([0-9]*)")


def coded(code: str, codes: Iterable[str], *, otherwise: str = DECLARE) -> str:
    """Return the remedy for an unknown code: one with the same number, else those that begin alike.

    A code with another number is another requirement, however much the two look alike; it is never guessed.
    """
    known = sorted(codes)
    begin, number = _parts(code)
    beginnings: dict[str, list[str]] = {}
    for one in known:
        beginnings.setdefault(_parts(one)[0], []).append(one)
    close = begin if begin in beginnings else nearest(begin, beginnings, likeness=0.75)
    for one in beginnings.get(close or "", ()):
        if _parts(one)[1] == number:
            return say("did you mean {word}?", word=one)
    return instead("", beginnings.get(close or "") or known, otherwise=otherwise)


def _parts(code: str) -> tuple[str, str]:
    match = _PARTS.fullmatch(code.casefold())
    assert match is not None
    return match[1], match[2]


def strange(word: str, known: Collection[str] | None, sound: Collection[str]) -> bool:
    """Say whether a word is unknown, and not only because what it means is faulty where it is declared.

    `known` are all declared words, faulty ones too, or None where some cannot be told; `sound` are those without fault.
    """
    if known is None or word in sound or word in known:
        return False
    return nearest(word, set(known).difference(sound)) is None
