"""Stamp: records as the entries that they become, with who writes and what each is judged by."""

from typing import Any

from qpi import ledger, tables
from qpi.checklist import Source
from qpi.definitions import Definitions
from qpi.entries import Actor, Check, Draft, Verification, canonical, utc_text
from qpi.ledger import Item
from qpi.rules import Judged, readings_out


class Stamp:
    """What all entries of one call have in common: the definitions and the actor."""

    def __init__(self, definitions: Definitions, actor: Actor) -> None:
        self._definitions, self._actor = definitions, actor
        self._cited: dict[tuple[str, str | None, int], tuple[dict[str, Any], bytes]] = {}
        self._digests = {"portfolio": definitions.portfolio_digest, "policy": definitions.policy_digest}

    def check(
        self, one: Draft, judged: Judged, key: str, *, supersedes: int | None = None, reason: str | None = None
    ) -> Item:
        """Return the entry of a check that the rules allow."""
        assert judged.source is not None
        by = (judged.day.isoformat(), judged.source.digest, readings_out(judged))
        return self._record("check", one, judged.check, key, by, supersedes, reason)

    def verification(
        self, one: Draft, verification: Verification, key: str, *, supersedes: int | None = None,
        reason: str | None = None,
    ) -> Item:  # fmt: skip
        """Return the entry of a second verification."""
        day = verification.verified_at.astimezone(self._definitions.zone).date().isoformat()
        return self._record("verification", one, verification, key, (day, None, 0), supersedes, reason)

    def plain(
        self, kind: str, key: str, record: dict[str, Any], *, supersedes: int | None = None, reason: str | None = None
    ) -> Item:
        """Return an entry that holds a record and nothing that it is judged by."""
        found = ledger.content(kind, key, self._actor, {"record": record}, supersedes=supersedes, reason=reason)
        return Item(found, tables.typed_rows(kind, None, record, {}))

    def edition(self, source: Source) -> Item:
        """Return the entry that keeps the text of an edition."""
        edition = source.edition
        text = source.document.text or canonical(source.document.plain).decode()
        record = {"catalogue": edition.catalogue, "edition": edition.edition, "digest": source.digest, "text": text}
        return self.plain("edition", f"edition:{source.digest}", record)

    def _record(
        self, kind: str, one: Draft, entry: Check | Verification, key: str, by: tuple[str, str | None, int],
        supersedes: int | None, reason: str | None,
    ) -> Item:  # fmt: skip
        record = entry.record()
        judged, cited = self._judged(by)
        # The keys stand in order, so that these bytes are the canonical form of the whole.
        body = b'{"judged":%b,"record":%b' % (cited, canonical(record))
        if one.source and one.lines:
            body += b',"source":' + canonical({"sha256": one.source, "line": one.lines[0]})
        observed = utc_text(entry.moment)
        content = ledger.content(
            kind, key, self._actor, body + b"}", observed=observed, supersedes=supersedes, reason=reason
        )  # fmt: skip
        return Item(content, tables.typed_rows(kind, observed, record, judged))

    def _judged(self, by: tuple[str, str | None, int]) -> tuple[dict[str, Any], bytes]:
        """Return what a record is judged by, plain and canonical: local day, digests, and readings beyond limits."""
        if by not in self._cited:
            day, edition, out = by
            given = {"day": day, "edition": edition, "readings_out": out, **self._digests}
            plain = {name: value for name, value in given.items() if value}
            self._cited[by] = plain, canonical(plain)
        return self._cited[by]


__all__ = ["Stamp"]
