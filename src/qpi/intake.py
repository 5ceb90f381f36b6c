"""Intake: files of records turned into drafts with their problems; nothing is written."""

import hashlib
from dataclasses import replace
from pathlib import Path

from qpi import csvfile, jsonlines
from qpi.definitions import Definitions
from qpi.drafts import Intake, Vocabulary, refusal, vocabulary
from qpi.errors import reason
from qpi.messages import say
from qpi.naming import named

_UTF8 = ("utf-8", "utf8", "utf-8-sig")
# GB18030 holds all that the older two hold.
_CHINESE = ("gb18030", "gbk", "gb2312")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def open_file(
    path: Path, definitions: Definitions, *, encoding: str = "utf-8", words: Vocabulary | None = None,
    make_ids: bool = False,
) -> Intake:  # fmt: skip
    """Read a file whose name ends in .jsonl or .csv; raise RecordError where it cannot be read as such at all.

    With `make_ids`, checks without an id get one, as `qpi.naming` says.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        fault = say("cannot be read ({reason})", reason=reason(error))
        raise refusal(str(path), fault, say("check the name and the rights")) from error
    if data.startswith(_WORKBOOKS):
        fault = say("this is a workbook, not a file of text")
        raise refusal(str(path), fault, say("in Excel or WPS choose Save as, CSV UTF-8 (*.csv), and import that file"))
    words = replace(words or vocabulary(definitions), ids=not make_ids)
    read = _read(data, path, words, definitions, encoding)
    return named(read) if make_ids else read


def _read(data: bytes, path: Path, words: Vocabulary, definitions: Definitions, encoding: str) -> Intake:
    content = _decode(data, str(path), encoding.lower().replace("_", "-"))
    if not content.strip():
        raise refusal(str(path), say("is empty"), say("nothing can be imported from it; check that it was saved"))
    digest = hashlib.sha256(data).hexdigest()
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        return jsonlines.intake(content, str(path), digest, words)
    if suffix == ".csv":
        return csvfile.intake(content, str(path), digest, words, definitions.zone)
    fault = say('ending "{ending}" is unknown', ending=suffix)
    raise refusal(str(path), fault, say("name it .jsonl (JSON Lines) or .csv"))


def _decode(data: bytes, file: str, encoding: str) -> str:
    if encoding not in (*_UTF8, *_CHINESE):
        raise refusal(file, say('encoding "{encoding}" is unknown', encoding=encoding), say("say utf-8 or gb18030"))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise refusal(file, say("is UTF-16"), say("save it as UTF-8"))
    # A byte order mark says more surely than anybody what the file is.
    if encoding in _UTF8 or data[:3] == b"\xef\xbb\xbf":
        return _utf8(data, file)
    if not data.isascii() and _reads_as(data, "utf-8"):
        remedy = say("say --encoding utf-8 if this reads right: {sample}", sample=_sample(data, "utf-8"))
        raise refusal(file, say("is UTF-8, and would be misread as GB18030"), remedy)
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = say("not GB18030 at byte {byte}", byte=error.start + 1)
        raise refusal(file, fault, say("save it as UTF-8"), line) from error


def _utf8(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        remedy = say("save it as UTF-8 or say --encoding gb18030")
        row = data.split(b"\n")[line - 1]
        if _reads_as(row, "gb18030"):
            sample = _sample(row, "gb18030")
            remedy = say("save it as UTF-8 or say --encoding gb18030 if this reads right: {sample}", sample=sample)
        raise refusal(file, say("not UTF-8 at byte {byte}", byte=error.start + 1), remedy, line) from error


def _reads_as(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _sample(data: bytes, codec: str) -> str:
    """Show the first line that holds more than ASCII, so that a person can tell."""
    row = next((row for row in data.split(b"\n") if not row.isascii()), b"")
    return row.decode(codec, "replace").strip()[:40]


__all__ = ["Intake", "Vocabulary", "open_file", "vocabulary"]
