"""CSV: a header, then checks with one finding a row, or verifications."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from qpi import calendar, drafts, terms, text
from qpi.drafts import Intake, Vocabulary, refusal
from qpi.entries import Check, Draft, Fault, Kind, Verification, located
from qpi.errors import Problem, RecordError, Where
from qpi.fields import shown
from qpi.messages import Message, say, translated

PROBLEM_COLUMNS = {"en": "import problem", "zh": "导入问题"}
"""The column that a file of rejects has beside the others, by language; an import passes over it."""
_REASON = "import problem: "
"""How a reason begins in a file of rejects, so that it is known wherever a hand or a spreadsheet has shifted it."""
_NEEDED: Mapping[Kind, tuple[str, ...]] = {
    Check: ("id", "project", "point", "role", "checked_at"),
    Verification: ("finding", "verifier", "verified_at", "outcome"),
}


class _Row(NamedTuple):
    line: int
    cells: list[str]


def intake(content: str, file: str, digest: str, words: Vocabulary, zone: ZoneInfo) -> Intake:
    """Return a file as drafts that are read as they are asked for; raise RecordError where its header cannot be used."""
    return _Table(content, file, digest, words, zone).intake()


class _Table:
    """One file as it is being read."""

    def __init__(self, content: str, file: str, digest: str, words: Vocabulary, zone: ZoneInfo) -> None:
        self.content, self.file, self.digest, self.words, self.zone = content, file, digest, words, zone
        self.notes: list[str] = []
        self.trimmed = self.repeated = 0
        self.rows: dict[int, list[str]] = {}
        self.header: list[str] = []
        self.unnamed = 0
        """Columns from this one on, counted from 0, have no name or hold reasons."""

    def intake(self) -> Intake:
        """Return the drafts, the rows for what is refused, and what is worth knowing once all was read."""
        rows = self._rows()
        first = next(rows, None)
        if first is None:
            remedy = say("write the names of the columns in the first row")
            raise refusal(self.file, say("holds no header"), remedy)
        self.header = first.cells
        fields, problems, guessed = self._fields(first.line)
        kind: Kind = Verification if "verifier" in fields or "finding" in fields else Check
        needed = _NEEDED[kind] if self.words.ids else [name for name in _NEEDED[kind] if name != "id"]
        missing = [name for name in needed if name not in fields and name not in guessed]
        where = Where(self.file, first.line)
        problems += [
            Problem(where, say('column "{name}" is missing', name=name), say("add a column {name}", name=name))
            for name in missing
        ]
        if problems:
            raise RecordError(problems)
        found = self._verifications(rows, fields) if kind is Verification else self._checks(rows, fields)
        return Intake(self.file, self.digest, self._noted(found), self._reject, self.notes)

    def _noted(self, found: Iterator[Draft]) -> Iterator[Draft]:
        yield from found
        if not self.rows:
            raise refusal(self.file, say("holds a header and no rows"), say("check that it was saved"))
        if self.trimmed:
            self.notes.append(
                say(
                    "{file}: blanks at the edges of {count} cells were passed over",
                    file=self.file, count=self.trimmed,
                )
            )  # fmt: skip
        if self.repeated:
            self.notes.append(
                say(
                    "{file}: {count} rows say again what another row says; they count once",
                    file=self.file, count=self.repeated,
                )
            )  # fmt: skip

    def _rows(self) -> Iterator[_Row]:
        """Yield the rows that hold anything, each with the line that it begins at."""
        reader = csv.reader(io.StringIO(self.content, newline=""), strict=True)
        line = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                fault = say("not CSV: {reason}", reason=_fault_of(error))
                raise refusal(self.file, fault, say("mend the quotes of this row"), line) from error
            if any(cell.strip() for cell in cells):
                yield _Row(line, cells)
            line = reader.line_num + 1

    def _fields(self, line: int) -> tuple[list[str | None], list[Problem], set[str]]:
        """Return the field of each column, what is wrong with those without one, and the fields that these may mean."""
        names = self._names()
        fields: list[str | None] = []
        problems = []
        guessed = set()
        passed = [not cell.strip() or text.normal(cell) in PROBLEM_COLUMNS.values() for cell in self.header]
        self.unnamed = max((n for n, over in enumerate(passed, 1) if not over), default=0)
        for column, cell in enumerate(self.header, 1):
            name = cell.strip() if cell.strip() in names else text.normal(cell)
            where = Where(self.file, line, column)
            ours = names.get(name)
            if not name and column <= self.unnamed:
                problems.append(Problem(where, say("a column has no name"), say("name it or take it out")))
            elif ours is None and name and name not in PROBLEM_COLUMNS.values():
                alike = [known for known in names if known.isascii() == name.isascii()] or list(names)
                if close := text.nearest(name, alike):
                    guessed.add(names[close])
                fault = say("column {name} is unknown", name=shown(name))
                problems.append(Problem(where, fault, _instead(name, close, alike)))
            elif ours is not None and ours in fields:
                first = fields.index(ours)
                fault = say(
                    "columns {first} {one} and {second} {other} are both {field}",
                    first=first + 1, one=shown(self.header[first].strip()), second=column, other=shown(name), field=ours,
                )  # fmt: skip
                problems.append(Problem(where, fault, say("keep one of the two")))
            fields.append(ours)
        if problems and len(self.header) == 1 and re.search(r"[;\t，；]", self.header[0]):
            fault = say("the columns are not parted by commas")
            raise refusal(self.file, fault, say("save it as CSV with commas"), line)
        return fields, problems, guessed

    def _names(self) -> dict[str, str]:
        """Return the field that each name of a column stands for, in a file of this kind."""
        own = dict(self.words.columns)
        names = terms.names(terms.VERIFICATION_COLUMNS) | own
        verifies = {names.get(text.normal(cell)) for cell in self.header} & {"verifier", "verified_at"}
        return names if verifies else terms.names(terms.CHECK_COLUMNS) | own

    def _read(self, row: _Row, fields: Sequence[str | None]) -> tuple[dict[str, Any], list[Fault]]:
        """Return a row as the values that JSON would hold, and the cells that cannot be read."""
        values: dict[str, Any] = {}
        faults = list(self._strays(row))
        for name, cell in self._cells(row, fields):
            if cell.startswith(_REASON):
                fault = say("holds the reason of a refusal")
                faults.append(Fault(name, fault, say("take it out, and move the cells back")))
                continue
            try:
                values[name] = self._value(name, cell)
            except _Unreadable as error:
                faults.append(Fault(name, error.args[0], error.remedy))
            except ValueError as error:
                faults.append(Fault(name, error.args[0], _REMEDIES.get(name, _MOMENT_REMEDY)))
        return values, faults

    def _strays(self, row: _Row) -> Iterator[Fault]:
        """Yield a fault for each value under the columns without a name at the end, which Excel leaves there empty."""
        for column in range(self.unnamed, len(self.header)):
            value = row.cells[column].strip()
            if value and not self.header[column].strip():
                fault = say("column {number} has no name and holds {value}", number=column + 1, value=shown(value))
                yield Fault("", fault, say("name the column, or empty the cell"))

    def _cells(self, row: _Row, fields: Sequence[str | None]) -> Iterator[tuple[str, str]]:
        for name, cell in zip(fields, row.cells, strict=True):
            value = cell.strip()
            self.trimmed += value != cell
            # A quote before = + - @ keeps a spreadsheet from calculating; it is not part of the text.
            if value[:1] == "'" and value[1:2] in _CALCULATES:
                value = value[1:]
            if name is not None and value:
                yield name, value

    def _misshapen(self, row: _Row) -> Draft | None:
        """Return the draft of a row that has not as many cells as the header, or None."""
        self.rows[row.line] = row.cells
        if len(row.cells) == len(self.header):
            return None
        where = Where(self.file, row.line)
        fault = say("the row has {cells} cells, the header {columns}", cells=len(row.cells), columns=len(self.header))
        problem = Problem(where, fault, say("quote cells that hold a comma, and write every comma"))
        return Draft(None, where, (problem,), (row.line,), self.digest)

    def _value(self, name: str, cell: str) -> Any:
        if name in _LISTED:
            return _parts("[;；、]", cell)
        if name == "strengths":
            return _parts("[;；]", cell)
        if name in ("evidence", "finding.evidence"):
            return [_evidence(part) for part in _parts("[;；]", cell)]
        if name in _WHOLE:
            return int(cell) if re.fullmatch(r"[0-9]{1,9}", cell, re.ASCII) else cell
        if name in _MOMENTS:
            return _free_moment(cell, self.zone)
        if name in _DAYS:
            return _free_day(cell)
        if name in _IDS and _SHORTENED.fullmatch(cell):
            raise ValueError(say("{value} is a number that a spreadsheet has cut short", value=shown(cell)))
        if name == "readings":
            return [_reading(part) for part in _parts("[;；]", cell)]
        if name == "elements":
            return self._elements(cell)
        return self.words.value(name, cell)

    def _elements(self, cell: str) -> dict[str, Any]:
        elements: dict[str, Any] = {}
        for part in re.split("[;；]", cell):
            number, equals, value = (side.strip() for side in part.replace("＝", "=").partition("="))
            if part.strip() and not (number and equals and value):
                raise ValueError(say("{value} names no element and value", value=shown(part.strip())))
            if number in elements:
                raise ValueError(say("element {number} stands twice", number=number))
            if number:
                elements[number] = self.words.value("elements", value)
        return elements

    def _verifications(self, rows: Iterator[_Row], fields: Sequence[str | None]) -> Iterator[Draft]:
        for row in rows:
            misshapen = self._misshapen(row)
            if misshapen:
                yield misshapen
                continue
            values, faults = self._read(row, fields)
            yield drafts.read(Verification, values, Where(self.file, row.line), (row.line,), self.digest, faults)

    def _checks(self, rows: Iterator[_Row], fields: Sequence[str | None]) -> Iterator[Draft]:
        """Yield a check for each id; a further row with the same id adds its finding."""
        groups: dict[str, _Group] = {}
        above: _Group | None = None
        for row in rows:
            misshapen = self._misshapen(row)
            if misshapen:
                above = None
                yield misshapen
                continue
            values, faults = self._read(row, fields)
            if above and all(not name or name.startswith("finding.") for name in (*values, *(f.field for f in faults))):
                # Merged cells: only the first row of a check has its id. It is refused with that check.
                fault = Fault("id", say("is missing"), say("repeat the id of the check above"))
                above.add(row.line, values, [*faults, fault])
                continue
            key = text.normal(values.get("id", "")) or f"\0{row.line}"
            above = group = groups.setdefault(key, _Group(row.line))
            self.repeated += not group.add(row.line, values, faults)
        for group in groups.values():
            yield group.draft(self.file, self.digest)

    def _reject(self, refused: Sequence[Draft], language: str = "en", /) -> str:
        """Return the refused rows under the header, with a last column that says why, in a language: `zh` or `en`."""
        reasons: dict[int, list[str]] = {line: [] for draft in refused for line in draft.lines}
        for draft in refused:
            for problem in draft.problems:
                where = problem.where
                reason = translated(_why(problem), language)
                reasons[where.line if where.line in reasons else draft.lines[0]].append(reason)
        keep = [i for i, name in enumerate(self.header) if text.normal(name) not in PROBLEM_COLUMNS.values()]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([*(self.header[i] for i in keep), PROBLEM_COLUMNS[language]])
        for line in sorted(reasons):
            cells = self._kept(self.rows[line], keep)
            writer.writerow([_harmless(cell) for cell in (*cells, _REASON + " | ".join(reasons[line]))])
        return "\ufeff" + out.getvalue()

    def _kept(self, row: list[str], keep: Sequence[int]) -> list[str]:
        """Return the cells of a refused row, as many as the header has at least, without the reasons of before."""
        own = ["" if cell.strip().startswith(_REASON) else cell for cell in row]
        if len(row) > len(self.header):
            # Nobody can tell which cell is too many; a reason at the end is none of the row's own.
            return own[:-1] if own[-1] != row[-1] else own
        own += [""] * (len(self.header) - len(row))
        if len(row) == len(self.header) and any(self._strays(_Row(0, row))):
            # A spreadsheet has put such a row back under columns without a name.
            while len(own) > len(keep) and not own[-1].strip():
                own.pop()
            return own
        return [own[i] for i in keep]


def _why(problem: Problem) -> Message:
    """Return a problem without its place, as it stands in the row that it is about."""
    field, fault, remedy = problem.where.field, problem.fault, problem.remedy
    if not field:
        return say("{fault}; {remedy}", fault=fault, remedy=remedy)
    return say("{field} {fault}; {remedy}", field=field, fault=fault, remedy=remedy)


class _Group:
    """The rows of one check."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.lines: list[int] = []
        self.check: dict[str, Any] = {}
        self.findings: list[tuple[int, dict[str, Any]]] = []
        self.faults: list[tuple[int, Fault]] = []

    def add(self, line: int, values: dict[str, Any], faults: Sequence[Fault]) -> bool:
        """Take a row in; return false where it says nothing that other rows do not say."""
        self.lines.append(line)
        self.faults += [(line, fault) for fault in faults]
        told = len(self.check)
        for name, value in values.items():
            if not name.startswith("finding."):
                self._agree(line, name, value)
        finding = {name.removeprefix("finding."): v for name, v in values.items() if name.startswith("finding.")}
        twin = next((before for before, found in self.findings if found == finding), None)
        if finding and twin is None:
            self.findings.append((line, finding))
        elif finding and "no" not in finding:
            fault = say("the same finding stands at line {line}", line=twin)
            remedy = say("number both in finding.no, or take one out")
            self.faults.append((line, Fault("finding", fault, remedy)))
        return bool(faults) or len(self.check) > told or len(self.lines) == 1 or bool(finding and twin is None)

    def _agree(self, line: int, name: str, value: Any) -> None:
        """Take in a field of the check, and report a value that another row contradicts."""
        before = self.check.setdefault(name, value)
        if before != value and name != "id":
            fault = say(
                "is {here} here and {there} at line {line}",
                here=shown(_written(value)), there=shown(_written(before)), line=self.line,
            )  # fmt: skip
            remedy = say("rows of one check say the same, or leave the cell empty")
            self.faults.append((line, Fault(name, fault, remedy)))

    def draft(self, file: str, digest: str) -> Draft:
        """Return the check with its findings; what is wrong in a row is placed there."""
        values = {**self.check, "findings": [found for _, found in self.findings]} if self.findings else self.check
        rows = {f"findings[{i}]": line for i, (line, _) in enumerate(self.findings, 1)}
        own = [fault for line, fault in self.faults if line == self.line]
        found = drafts.read(Check, values, Where(file, self.line), tuple(self.lines), digest, own, rows)
        more = [located(Where(file, line), fault) for line, fault in self.faults if line != self.line]
        told = {(problem.where.line, problem.where.field) for problem in more}
        kept = [problem for problem in found.problems if (problem.where.line, problem.where.field) not in told]
        return found._replace(problems=(*kept, *more))


def _written(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _fault_of(error: csv.Error) -> str:
    """Return what the reader says, in its words, so that it can be said in another language."""
    known = (
        say("unexpected end of data"),
        say("',' expected after '\"'"),
        say("field larger than field limit ({limit})", limit=csv.field_size_limit()),
    )
    return next((one for one in known if one == str(error)), str(error))


_CALCULATES = ("=", "+", "-", "@")


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet calculates; the import takes the quote off again."""
    value = cell.strip()
    return f"'{value}" if value[:1] in _CALCULATES else cell


def _parts(signs: str, cell: str) -> list[str]:
    return [part.strip() for part in re.split(signs, cell) if part.strip()]


def _instead(name: str, close: str | None, alike: list[str]) -> Message:
    """Return the remedy for an unknown column: the one that is meant, or those of its script, the likest first."""
    if close:
        return say("did you mean {word}?", word=close)
    likeness = {known: SequenceMatcher(None, known, name[: text.MAX_ID]).ratio() for known in alike}
    likest = sorted(alike, key=likeness.__getitem__, reverse=True)
    more = ", ..." if len(likest) > text.MAX_LISTED else ""
    return say("write one of {choice}", choice=f"{', '.join(likest[: text.MAX_LISTED])}{more}")


_LISTED = frozenset({"sample", "companions", "finding.sample"})
_WHOLE = frozenset({"population", "finding.no", "finding.element"})
_MOMENTS = frozenset({"checked_at", "started", "ended", "verified_at"})
_DAYS = frozenset({"finding.due", "finding.verify_on", "verify_on"})
_IDS = frozenset({"id", "project", "point", "inspector", "verifier", "finding", "visit", "rechecks", "plan",
                  "finding.responsible"})  # fmt: skip
_SHORTENED = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]{1,3}")
_REMEDIES = {
    "elements": say("write 1=pass;2=fail;3=na"),
    **dict.fromkeys(_IDS, say("format the column as text and write the id again")),
}
_MOMENT_REMEDY = say("write it as 2026-10-05 09:30")
_FREE_DAY = re.compile(
    r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|/([0-9]{1,2})/([0-9]{1,2})|\.([0-9]{1,2})\.([0-9]{1,2})"
    r"|年([0-9]{1,2})月([0-9]{1,2})日)"
)
_FREE_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?")


_HALF_DAYS = re.compile(r"上午|下午|中午|晚上|早上|凌晨|\b[AaPp]\.?[Mm]\b")


class _Unreadable(ValueError):
    """A cell that cannot be read, with a remedy of its own."""

    def __init__(self, fault: str, remedy: str) -> None:
        super().__init__(fault)
        self.remedy = remedy


def _free_day(value: str) -> str:
    """Return 2026/10/5, 2026.10.5 or 2026年10月5日 as 2026-10-05, and anything else as it is."""
    match = _FREE_DAY.fullmatch(value)
    if not match:
        return value
    year, month, day = [part for part in match.groups() if part]
    return f"{year}-{int(month):02d}-{int(day):02d}"


def _free_moment(value: str, zone: ZoneInfo) -> Any:
    """Read a date and time as people write it, in the zone where it names no offset; raise ValueError otherwise."""
    parted = " ".join(value.replace("T", " ").replace("日", "日 ", 1).split())
    day, _, time = re.sub(" ?[:：] ?", ":", parted).partition(" ")
    if _HALF_DAYS.search(value):
        fault = say("{value} counts the hours from 1 to 12", value=shown(value))
        raise _Unreadable(fault, say("write them from 0 to 23, as 2026-10-05 14:30"))
    match = _FREE_TIME.fullmatch(time)
    if not time and _FREE_DAY.fullmatch(day):
        written = calendar.parse_day(_free_day(day))
        raise _Unreadable(say("the time of day is missing"), say("write {day} 09:30", day=written))
    if not match or not _FREE_DAY.fullmatch(day):
        raise ValueError(say("{value} is not a date and time", value=shown(value)))
    hour, minute, second, part, offset = match.groups()
    moment = calendar.parse_moment(
        f"{_free_day(day)}T{int(hour):02d}:{minute}:{second or '00'}{part or ''}{offset or ''}"
    )
    return calendar.in_zone(moment, zone) if moment.utcoffset() is None else moment


def _evidence(part: str) -> dict[str, str]:
    name, found, digest = part.rpartition("#")
    return {"name": name, "sha256": digest} if found and re.fullmatch("[0-9a-fA-F]{64}", digest) else {"name": part}


def _reading(part: str) -> dict[str, str]:
    sample, equals, value = (side.strip() for side in part.replace("＝", "=").rpartition("="))
    return {"sample": sample, "value": value} if equals else {"value": value}
