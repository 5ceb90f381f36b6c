"""Closings: the indicators of a period as they stood when it was judged, and what came after."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from qpi import calendar, metrics
from qpi.calendar import Period
from qpi.chain import Link
from qpi.corrections import record_of
from qpi.definitions import Definitions
from qpi.entries import utc_text
from qpi.errors import UsageError
from qpi.ledger import Ledger, Position
from qpi.messages import Message, say
from qpi.metrics import PARTS, RESULT, Count, period_of
from qpi.policy import INDICATORS
from qpi.receipts import Receipt
from qpi.tally import Tally
from qpi.verifiers import Share, of_tally

PAIRS = (("project", "role"), ("project", "specialty"), ("role", "specialty"))
"""Groupings by two keys that a closing keeps; it keeps each key alone too, and the whole."""
COLUMNS = ("closed_done", "closed_due", "closed_rate", "closed_verdict", "changed")
"""Columns that indicators have beside closed ones, besides their own."""
_PIECES = 13
"""Days by which a pair of weeks that ends in a period can begin before it."""
Figures = Mapping[tuple[str, ...], Sequence[tuple[tuple[str | None, ...], str, int, int, str]]]


class Closing(NamedTuple):
    """A period as it was closed: which entry says so, the last entry that is in it, and up to when it was verified.

    `figures` hold per grouping the key, the indicator, done and due in whole parts (see `metrics.PARTS`) and the
    verdict.
    """

    entry: int
    period: str
    at: int
    head: str
    as_of: str
    closed_at: str
    definitions: tuple[str, ...]
    self_verified: Share
    figures: Figures


class Since(NamedTuple):
    """An entry after a closing that bears on its period: number, kind, what it is about, its day, and what it is."""

    entry: int
    kind: str
    record: str
    day: str
    what: Message


def judged_at(definitions: Definitions, period: Period) -> datetime:
    """Return the last moment that counts for a period: the end of the day that is `close_after` days after its last."""
    return metrics.moment_of(definitions, period.last + timedelta(days=definitions.policy.close_after))


def record(
    definitions: Definitions, rows: Tally, period: Period, position: Position, *, now: datetime
) -> dict[str, Any]:
    """Return what a closing records: figures by many groupings, the position that they are of, and its receipt.

    `rows` are those of the position. Raises UsageError before the period can be judged.
    """
    as_of = judged_at(definitions, period)
    if now <= as_of:
        day = as_of.astimezone(definitions.zone).date() + timedelta(days=1)
        raise UsageError(
            say("{period} is judged on {day}, {days} days after its end; close it then, or change close_after",
                period=period.name, day=day, days=definitions.policy.close_after)
        )  # fmt: skip
    share = of_tally(definitions, rows, period, as_of=as_of)
    return {
        "period": period.name,
        "at": position.seq,
        "as_of": utc_text(as_of),
        "receipt": str(Receipt(*position, utc_text(now))),
        "head": position.head,
        "definitions": digests(definitions),
        "parts": PARTS,
        "self_verified": [share.done, share.due],
        "figures": [
            {
                "by": list(by),
                "rows": [[list(key), *rest] for key, *rest in _figures(definitions, rows, period, by, as_of)],
            }
            for by in groupings(definitions)
        ],
    }


def digests(definitions: Definitions) -> list[str]:
    """Return the digests of portfolio, policy and every edition, which figures hang on beside the records."""
    return list(definitions.digests)


def reckoned(definitions: Definitions, rows: Tally, closing: Closing, by: Sequence[str]) -> Closing | None:
    """Return a closing with figures by keys that it did not keep, counted anew from the rows of its position.

    Return None where the definitions are not those of the closing, so that other figures would come out.
    """
    if closing.definitions != definitions.digests:
        return None
    keys, as_of = tuple(by), datetime.fromisoformat(closing.as_of)
    figures = tuple(_figures(definitions, rows, calendar.period(closing.period), keys, as_of))
    return closing._replace(figures={**closing.figures, keys: figures})


def groupings(definitions: Definitions) -> list[tuple[str, ...]]:
    """Return the groupings that a closing keeps."""
    singles = [(name,) for name in definitions.groupings if name != "month"]
    return [(), *singles, *PAIRS]


def _figures(
    definitions: Definitions, rows: Tally, period: Period, by: tuple[str, ...], as_of: datetime
) -> Iterator[tuple[tuple[str | None, ...], str, int, int, str]]:
    policy = definitions.policy
    for count in metrics.tallied(definitions, rows, period, by=by, as_of=as_of):
        verdict = metrics.verdict(count, policy.floor(count.indicator), policy.mix_minimum)
        yield count.key, count.indicator, count.done, count.due, verdict


def read(link: Link) -> Closing:
    """Return a closing as its entry holds it."""
    kept = record_of(link)
    figures = {tuple(one["by"]): [(tuple(key), *rest) for key, *rest in one["rows"]] for one in kept["figures"]}
    return Closing(
        link.seq, kept["period"], kept["at"], kept["head"], kept["as_of"], link.recorded_at, tuple(kept["definitions"]),
        Share(*kept["self_verified"]), figures,
    )  # fmt: skip


def closing_of(ledger: Ledger, period: str, *, at: int | None = None) -> Closing | None:
    """Return the closing of a period that stands at an entry of the ledger (default: the last), or None."""
    query = (
        "SELECT c.entry FROM closings c WHERE c.period = :period AND c.entry <= :at "
        "AND c.entry NOT IN (SELECT supersedes FROM entry WHERE supersedes IS NOT NULL AND seq <= :at) ORDER BY c.entry"
    )
    last = ledger.position().seq if at is None else at
    rows = ledger.rows(query, {"period": period, "at": last})
    link = ledger.entry(rows[-1][0]) if rows else None
    return read(link) if link else None


# What came after


def since(ledger: Ledger, definitions: Definitions, closing: Closing, *, at: int) -> list[Since]:
    """Return the entries after a closing, up to entry `at`, that bear on the figures of its period.

    These are records of a day of the period, checks with a finding to be verified in it, records of a day before it in
    the same window or cycle of a duty, second verifications of its findings, and whatever takes the place of such an
    entry; besides, what was verified after the period was judged, also where it was recorded before the closing.
    """
    period = calendar.period(closing.period)
    first = calendar.first_day(period.start - period.start % 12)
    values = {
        "first": min(first, period.first - timedelta(days=_PIECES)).isoformat(),
        "begins": period.first.isoformat(),
        "last": period.last.isoformat(),
        "after": closing.at,
        "at": at,
    }
    found: dict[int, Since] = {}
    for seq, kind, name, day, point, role, supersedes, planned in ledger.rows(_CHECKS, values):
        # A finding counts in closure_on_time by its planned day, whenever its check was.
        if planned or _bears(definitions, period, day, point, role):
            found.setdefault(seq, Since(seq, kind, name, day, _what(kind, supersedes)))
    span = {**values, "first": period.first.isoformat()}
    for seq, kind, name, day, supersedes in ledger.rows(_ROUNDS, span):
        found.setdefault(seq, Since(seq, kind, name, day, _what(kind, supersedes)))
    for seq, kind, name, day, _ in ledger.rows(_LATER, {**span, "as_of": closing.as_of}):
        found.setdefault(seq, Since(seq, kind, name, day, say("verified after the period was judged")))
    return [found[seq] for seq in sorted(found)]


_CHECKS = """
SELECT e.seq, e.kind, c.id, c.day, c.point, c.role, e.supersedes,
  EXISTS (SELECT 1 FROM findings f WHERE f.entry = c.entry AND f.verify_on BETWEEN :begins AND :last) FROM checks c
JOIN entry e ON e.seq = c.entry OR e.supersedes = c.entry
WHERE e.seq > :after AND e.seq <= :at AND (c.day BETWEEN :first AND :last
  OR c.entry IN (SELECT entry FROM findings WHERE verify_on BETWEEN :begins AND :last))
"""
_OF_THE_PERIOD = """v.finding IN (
  SELECT f.id FROM findings f JOIN checks c ON c.entry = f.entry
  WHERE c.day BETWEEN :first AND :last OR f.verify_on BETWEEN :first AND :last)"""
_ROUNDS = f"""
SELECT e.seq, e.kind, v.finding, v.day, e.supersedes FROM verifications v
JOIN entry e ON e.seq = v.entry OR e.supersedes = v.entry
WHERE e.seq > :after AND e.seq <= :at AND {_OF_THE_PERIOD}
"""
_LATER = f"""
SELECT e.seq, e.kind, v.finding, v.day, e.supersedes FROM verifications v JOIN entry e ON e.seq = v.entry
WHERE e.seq <= :after AND v.verified_at > :as_of AND {_OF_THE_PERIOD}
AND e.seq NOT IN (SELECT supersedes FROM entry WHERE supersedes IS NOT NULL AND seq <= :after)
"""


def _what(kind: str, supersedes: int | None) -> Message:
    if kind == "void":
        return say("voids entry {entry}", entry=supersedes)
    if supersedes is not None:
        return say("corrects entry {entry}", entry=supersedes)
    return say("recorded after the closing")


def _bears(definitions: Definitions, period: Period, day: str, code: str, role: str) -> bool:
    """Say whether a check of a day can change a figure of a period: of its own days, or by the duty that it fulfils."""
    when = calendar.parse_day(day)
    if when >= period.first:
        return True
    for moment in (when, period.first):
        point, _ = definitions.checklists.points(moment).get(code, (None, None))
        ask = (point.frequency or {}).get(role) if point else None
        if ask is None or ask.every is None:
            continue
        months = calendar.cycle_months(ask.every.unit)
        start = period.start - period.start % months
        short = months == 1
        if when >= (period.first - timedelta(days=_PIECES) if short else calendar.first_day(start)):
            return True
    return False


def beside(definitions: Definitions, frame: pd.DataFrame, closing: Closing, by: Sequence[str]) -> pd.DataFrame | None:
    """Return indicators with the closed ones beside them, or None where the closing keeps no figures by these keys.

    Columns are those of `frame`, then `closed_done`, `closed_due`, `closed_rate`, `closed_verdict` (None and NaN where
    the closing has no such row) and `changed`. Rows that only the closing has come in their place. Raises UsageError
    for a grouping of the name of such a column.
    """
    metrics.groupings(definitions, by, taken=(*RESULT, *COLUMNS))
    kept = next((keys for keys in closing.figures if sorted(keys) == sorted(by)), None)
    if kept is None:
        return None
    order = [kept.index(name) for name in by]
    closed, verdicts = dict[tuple[Any, ...], Count](), dict[tuple[Any, ...], str]()
    for key, indicator, done, due, verdict in closing.figures[kept]:
        name = (*(key[i] for i in order), indicator)
        closed[name], verdicts[name] = Count((), indicator, done, due), verdict
    plain = frame.astype("object").where(frame.notna(), None)
    rows = {tuple(row[: len(by) + 1]): row for row in plain.itertuples(index=False, name=None)}
    places = {indicator: number for number, indicator in enumerate(INDICATORS)}
    names = sorted(
        {*rows, *closed}, key=lambda key: ([(part is None, part or "") for part in key[:-1]], places[key[-1]])
    )
    table = []
    for name in names:
        count, indicator = closed.get(name), str(name[-1])
        now = rows.get(name) or (*name, 0.0, 0.0, None, _floor(definitions, indicator), "n/a")
        part = PARTS.get(indicator, 1)
        then = (None,) * 4 if count is None else (
            count.done / part, count.due / part, count.done / count.due if count.due else None, verdicts[name])  # fmt: skip
        changed = count is None or (now[-5], now[-4], now[-1]) != (then[0], then[1], then[3])
        table.append((*now, *then, changed))
    made = pd.DataFrame(table, columns=[*frame.columns, *COLUMNS])
    numbers = ("done", "due", "rate", "floor", "closed_done", "closed_due", "closed_rate")
    return made.astype(dict.fromkeys(numbers, "float64"))


def _floor(definitions: Definitions, indicator: str) -> float | None:
    floor = definitions.policy.floor(indicator)
    return None if floor is None else float(floor)


__all__ = [
    "COLUMNS",
    "Closing",
    "Since",
    "beside",
    "closing_of",
    "digests",
    "groupings",
    "judged_at",
    "period_of",
    "read",
    "reckoned",
    "record",
    "since",
]
