"""Verifies a ledger of qpi with nothing but Python: python verify_ledger.py LEDGER.db [RECEIPT...]

Prints every inconsistency as `entry N: kind`, then what was verified; exits with 0, or 3 where anything is wrong.
Of a ledger of an earlier release that waits for its migration, the typed tables are not compared with the entries.
"""

# fmt: off
import hashlib
import json
import re
import sqlite3
import sys
from datetime import datetime, timezone

SCHEMA = "c50cd38c88d789bb98ee50fdddbfa3161c104d24ec04dbde0e041fb9f4779119"  # of tables, triggers and views
EARLIER = {1: "3708732fffb1e66709aa6d44d22c7fde94cc09eba82d8692317b0819418ee9a7"}
TABLES = ("checks", "findings", "verifications", "citations", "files", "closings")
SINGLE = {"check": "checks", "verification": "verifications", "evidence": "files", "closing": "closings"}
NEEDED = {"check": ("id", "project", "point", "role", "kind"), "verification": ("finding", "verifier", "outcome"),
          "evidence": ("sha256", "size", "name"), "closing": ("period", "at", "as_of")}
RECEIPT = re.compile(r"qpi-receipt-v1\s+([0-9A-Za-z-]+)\s+(\d+)\s+([0-9a-f]{64})")
TYPES = re.compile("ssisss[sN]s[sN]s[iN][sN]b")  # first letters of Python's types, from prev on
COLUMNS = "seq, prev, hash, schema, kind, idem, actor_id, actor_role, actor_auth, observed_at, recorded_at, supersedes, reason, body"


def sized(field):
    data = field if isinstance(field, bytes) else str(field).encode("utf-8", "surrogateescape")
    return b"\xff" * 8 if field is None else len(data).to_bytes(8, "big") + data


def utc(value):
    return value and datetime.fromisoformat(value).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def hundredths(value):
    whole, _, rest = (value or "").partition(".")
    return None if value is None else int(whole) * 100 + int(rest.ljust(2, "0"))


def cell(name, record, judged, observed):
    if name in ("day", "edition", "readings_out"):
        return judged.get(name, 0) if name == "readings_out" else judged[name]
    if name in ("checked_at", "verified_at", "started", "ended"):
        return utc(record.get(name)) if name in ("started", "ended") else observed
    if name in ("sample_size", "evidence_count"):
        return len(record.get(name.split("_")[0]) or ())
    if name.endswith("_hundredths"):
        return hundredths(record.get(name.partition("_")[0]))
    value = record.get(name)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if isinstance(value, (list, dict)) else value


def rows_of(kind, record, judged, observed, columns):
    assert all(one in record for one in NEEDED[kind])
    assert all("kind" in one for one in record.get("findings", ()))
    name = record["id"] if kind == "check" else record["finding"] if kind == "verification" else None
    found = [{**one, "id": f"{name}/{one['no']}", "check_id": name} for one in record.get("findings", ())]
    cited = [[one["sha256"], one["name"], of.get("id", name)] for of in (record, *found) if name for one in of.get("evidence", ()) if "sha256" in one]
    return {SINGLE[kind]: [[cell(column, record, judged, observed) for column in columns[SINGLE[kind]]]],
            "findings": [[cell(column, one, judged, observed) for column in columns["findings"]] for one in found],
            "citations": [[no, *one] for no, one in enumerate(cited, 1)]}


def readable(ledger, query, unread):
    try:
        yield from ledger.execute(query)
    except sqlite3.Error:
        unread.append(query)


def verify(file, receipts=()):
    ledger = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    ledger.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    found, hashes, last, before, name, unread = [], {}, -1, "0" * 64, None, []
    texts = ledger.execute("SELECT quote(type) || quote(name) || quote(tbl_name) || quote(sql) FROM sqlite_master WHERE name NOT LIKE 'sqlite!_stat%' ESCAPE '!' ORDER BY type, name")
    pragmas = [ledger.execute(f"PRAGMA {one}").fetchone()[0] for one in ("application_id", "user_version")]
    schema = hashlib.sha256("\n".join(row[0] for row in texts).encode("utf-8", "surrogateescape")).hexdigest()
    sound = pragmas[0] == 0x71706931 and pragmas[1] == 2 and schema == SCHEMA
    found += [] if sound or (pragmas[0] == 0x71706931 and EARLIER.get(pragmas[1]) == schema) else [(None, "schema")]
    columns = {table: [row[1] for row in ledger.execute(f"PRAGMA table_info({table})")][1:] for table in TABLES}
    stored = {table: {} for table in TABLES}
    for table in TABLES if sound else ():
        for entry, *row in readable(ledger, f"SELECT * FROM {table} ORDER BY 1, 2", unread):
            stored[table].setdefault(entry, []).append(row)
    for seq, prev, made, *fields in readable(ledger, f"SELECT {COLUMNS} FROM entry ORDER BY seq", unread):
        kind, observed, body = fields[1], fields[6], fields[10]
        own = hashlib.sha256(b"qpi-ledger-v1" + b"".join(map(sized, (seq, prev, *fields)))).hexdigest()
        found += [(seq, "link")] * (seq != last + 1 or prev != before) + [(seq, "hash")] * (own != made or not TYPES.fullmatch("".join(type(one).__name__[0] for one in (prev, made, *fields))))
        last, before, hashes[seq] = seq, made, made
        try:
            plain = json.loads(body.decode() if isinstance(body, bytes) else body) if kind in SINGLE or kind == "genesis" else {}
            name = plain["record"]["ledger"] if seq == 0 else name
            rows = rows_of(kind, plain["record"], plain["judged"] if kind in ("check", "verification") else {}, observed, columns) if kind in SINGLE else {}
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
            found += [(seq, "body")] * (sound and seq > 0)
            continue
        found += [(seq, "rows") for table in TABLES if sound and stored[table].pop(seq, []) != rows.get(table, [])]
    found += [(0, "link")] * (last < 0) + [(seq, "rows") for table in TABLES for seq in set(stored[table]) - set(hashes)]
    found = [one for one in found if not unread or one[1] not in ("rows", "body")] + [(last + 1, "file")] * any(" FROM entry " in one for one in unread)
    found += [(None, "file")] * ([*readable(ledger, "PRAGMA integrity_check", unread)] != [("ok",)])
    for owner, number, head in receipts:
        place = None if name and owner != name else int(number)
        found += [(place, "receipt")] * (place is None or hashes.get(place) != head)
    return sorted(set(found), key=lambda one: (-1 if one[0] is None else one[0], one[1])), last, before


if __name__ == "__main__":
    wrong, last, head = verify(sys.argv[1], [one for path in sys.argv[2:] for one in RECEIPT.findall(open(path, encoding="utf-8").read())])
    for entry, kind in wrong:
        print(kind if entry is None else f"entry {entry}: {kind}")
    print(f"{last + 1} entries, head {head}" + ("" if sys.argv[2:] else "; no receipt: entries cut off at the end, or all written anew, would not show"))
    sys.exit(3 if wrong else 0)
