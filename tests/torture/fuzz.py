"""F8: text that nobody meant as YAML, and definitions that nobody meant; each is read or refused, at once and with its place."""

import random
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from inputs import SHANGHAI
from qpi import definitions, strictyaml
from qpi.errors import Problem
from torture.figures import Figure, Run
from torture.workers import shared

TEXTS, WHOLES = 2_500_000, 100_000
SECONDS, BYTES = 0.5, 256 * 2**20
"""How long one input may take, and by how much reading all of them may make the process grow."""
HERE = Path(__file__).parents[1]
LONGEST = 400

EDITION = b"""\
catalogue: service
edition: "1"
title: one
effective_from: 2026-01-01
roles: {regional: {title: two, level: region}}
groups:
  - name: one
    specialty: A
    category: B
    methods: [records]
    scope: {type: [residential]}
    sample: {of: files, minimum: 2}
    frequency: {supervisor: 1/month, department: {every: 1/quarter, share: 50%}}
    variants: [{when: {phase: [handover]}, methods: [observe]}]
    points:
      - {code: KF-001, text: one, score: 2.5, elements: [{no: 1, text: a}]}
      - {code: KF-002, text: two, measure: {unit: C, min: 1, max: 3}, minutes: 5}
"""
PORTFOLIO = b"""\
projects:
  - {id: P01, name: one, opened: 2024-03-01, attributes: {region: south, type: residential}}
  - {id: P02, name: two, closed: 2027-03-01}
people: [{id: S01, name: a}, {id: S02, name: b}]
parties: [{id: BJ, name: c, kind: contractor}]
posts:
  - {role: supervisor, project: P01, person: S01}
"""
POLICY = b"""\
floors: {coverage: 100%, closure: none}
closure: {kinds: [suggestion], population: due}
traceability: {check: [inspector, place], finding: [fault]}
verification_by: not_inspector
grades: [{from: 90%, name: good}, {from: 0%, name: bad}]
"""
TOKENS = [
    b"- ", b": ", b"\n", b"  ", b"{", b"}", b"[", b"]", b",", b"&a ", b"*a", b"<<: ", b"!!str ", b"!x ", b"|\n", b">-\n", b"'", b'"',
    b"---\n", b"...\n", b"%YAML 1.1\n", b"? ", b"#", b"\t", b"\r\n", b"\r", b"\0", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc2\x85",
    "：".encode(), "　".encode(), "\u200b".encode(), "\u202e".encode(), "é".encode(), "甲".encode(), b"\xff\xfe", b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80", b"1/month", b"50%", b"2026-02-30", b"null", b"~", b"true", b"NO", b"007", b"1e400", b"-1", b".inf", b"0x1F",
    b"\\x41", b"\\u0000", b"catalogue", b"edition", b"groups", b"points", b"code", b"frequency", b"supervisor", b"a" * 80,
    b"[" * 40, b"{a: " * 20, b"- " * 40, b"? " * 20, b"9" * 60, b"{}", b"[]", b"''", b"@", b"`", b"%", b"scope", b"elements", b"share",
]  # fmt: skip


def figures(run: Run) -> Iterator[Figure]:
    """Yield the figures of texts and of whole definitions."""
    seeds = _seeds()

    def read(rng: random.Random, tries: int) -> tuple[Counter, list[str], float, int]:
        return _tried(rng, tries, lambda: _text(rng, seeds), _read)

    def judged(rng: random.Random, tries: int) -> tuple[Counter, list[str], float, int]:
        return _tried(rng, tries, lambda: _whole(rng, seeds), _judge)

    dangerous = _control()
    for what, work, aim in (
        ("texts read by the YAML front end", read, run.share(TEXTS)),
        ("definitions judged by the whole schema", judged, run.share(WHOLES)),
    ):
        seen, faults, slowest, most = Counter(), [], 0.0, 0
        for counts, wrong, slow, grown in shared(run, work, aim, parts=max(4, aim // 50_000)):
            seen += counts
            faults += wrong
            slowest, most = max(slowest, slow), max(most, grown)
            run.tell(f"F8: {seen['tried']} {what}")
        yield Figure(
            "F8",
            f"{what}: no error but ours, at most {SECONDS} s each, every refusal with its place",
            "inputs",
            aim,
            seen["tried"],
            tuple(faults) or (() if dangerous else ("the stock loader reads them all as well",)),
            f"{seen['refused']} refused with {seen['problems']} problems, the slowest in {1000 * slowest:.0f} ms, "
            f"the process grew by {most >> 20} MiB",
            (f"yaml.safe_load: {dangerous} of 200 end in an error that is not of YAML",) if dangerous else (),
        )


def _seeds() -> list[bytes]:
    """Return small pieces of real files and of faulty ones: some lines that follow each other."""
    pieces = [EDITION, PORTFOLIO, POLICY]
    for path in sorted([*(HERE.parent / "checklists").glob("*.yaml"), *(HERE / "bad").rglob("*.yaml")]):
        lines = path.read_bytes()[:20_000].splitlines(keepends=True)
        pieces += [b"".join(lines[n : n + 6])[:LONGEST] for n in range(0, min(len(lines), 60), 6)]
    return pieces


def _tried(
    rng: random.Random, tries: int, make: Callable[[], bytes], take: Callable[[bytes], list[Problem]]
) -> tuple[Counter, list[str], float, int]:
    """Let so many inputs be read; return counts, faults, the seconds of the slowest, and by how many bytes the process grew."""

    def late(*_) -> None:
        raise TimeoutError("stopped after 10 s")

    signal.signal(signal.SIGALRM, late)
    seen, faults, slowest = Counter(), [], 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(tries):
        data = make()
        signal.setitimer(signal.ITIMER_REAL, 10)
        began = time.process_time()
        try:
            problems = take(data)
        except Exception as error:
            faults.append(f"{type(error).__name__} {error}: {data!r}")
            problems = []
        took = time.process_time() - began
        slowest = max(slowest, took)
        if took > SECONDS:
            faults.append(f"{took:.1f} s: {data!r}")
        seen["refused"] += bool(problems)
        seen["problems"] += len(problems)
        faults += [f"no place: {one}: {data!r}" for one in problems if not _placed(one)]
        if len(faults) > 50:
            break
        seen["tried"] += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    if grown > BYTES:
        faults.append(f"the process grew by {grown >> 20} MiB")
    return seen, faults, slowest, grown


def _placed(problem: Problem) -> bool:
    where = problem.where
    return bool(where.file.endswith(".yaml") and where.line and where.column and problem.fault and problem.remedy)


def _read(data: bytes) -> list[Problem]:
    document = strictyaml.parse(data, "x.yaml")
    # What is neither refused nor read would be lost.
    assert document.problems or document.root is not None
    return list(document.problems)


_GOOD: list = []


def _judge(data: bytes) -> list[Problem]:
    """Judge one document beside two good ones; its first byte says which one it is."""
    if not _GOOD:
        _GOOD.extend(
            strictyaml.parse(text, name)
            for text, name in ((EDITION, "edition.yaml"), (PORTFOLIO, "portfolio.yaml"), (POLICY, "policy.yaml"))
        )
    which = data[0] - ord("0")
    edition, portfolio, policy = (
        strictyaml.parse(data[1:], "x.yaml") if n == which else good for n, good in enumerate(_GOOD)
    )
    made, problems = definitions.build([edition], portfolio, policy, SHANGHAI)
    assert made is not None or any(not one.advisory for one in problems)
    for one in problems:
        one.text("zh")
    return problems


# Inputs


def _text(rng: random.Random, seeds: list[bytes]) -> bytes:
    if rng.random() < 0.0002:
        # A large one now and then: one sign, or a whole piece, over and over.
        piece = rng.choice((*TOKENS, rng.choice(seeds)))
        return (rng.choice((b"", b"a: ", b"- ")) + piece * rng.randrange(100_000 // len(piece)))[:100_000]
    if rng.random() < 0.15:
        return _grown(rng, 0).encode("utf-8", "surrogatepass")
    return _mutated(rng, rng.choice(seeds)[:LONGEST], seeds, rng.choice((1, 1, 2, 3, 6)))


def _whole(rng: random.Random, seeds: list[bytes]) -> bytes:
    which = rng.randrange(3)
    data = (EDITION, PORTFOLIO, POLICY)[which]
    if rng.random() < 0.5:
        data = _revalued(rng, data)
    if rng.random() < 0.6:
        data = _mutated(rng, data, seeds, rng.choice((1, 1, 2)))
    return b"%d" % which + data


def _mutated(rng: random.Random, data: bytes, seeds: list[bytes], times: int) -> bytes:
    for _ in range(times):
        kind, at = rng.randrange(8), rng.randrange(len(data) + 1)
        if kind == 0:
            data = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + data[at + rng.randrange(1, 9) :]
        elif kind in (2, 3):
            data = data[:at] + rng.choice(TOKENS) + data[at:]
        elif kind == 4:
            data = data[:at] + rng.choice(seeds)[: rng.randrange(60)] + data[at:]
        else:
            lines = data.splitlines(keepends=True) or [b""]
            line = rng.randrange(len(lines))
            if kind == 5:
                lines.insert(line, lines[rng.randrange(len(lines))])
            elif kind == 6:
                del lines[line]
            else:
                lines[line] = rng.choice((b"  ", b" ", b"- ", b"\t")) + lines[line]
            data = b"".join(lines)
    return data


def _revalued(rng: random.Random, data: bytes) -> bytes:
    """Put another value, or several, where a word stands."""
    words = data.split(b" ")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(words))
        words[at] = rng.choice((rng.choice(TOKENS), rng.choice(words), _grown(rng, 3).encode("utf-8", "surrogatepass")))
    return b" ".join(words)


def _grown(rng: random.Random, depth: int) -> str:
    """Grow a value of YAML, flow or block, with signs that mean something."""
    kind = rng.randrange(7) if depth < 5 else 6
    width = range(rng.randrange(4))
    if kind == 0:
        return "[" + ", ".join(_grown(rng, depth + 1) for _ in width) + "]"
    if kind == 1:
        return "{" + ", ".join(f"{_word(rng)}: {_grown(rng, depth + 1)}" for _ in width) + "}"
    indent = "  " * depth
    if kind == 2:
        return "".join(f"\n{indent}- {_grown(rng, depth + 1)}" for _ in width)
    if kind in (3, 4):
        return "".join(f"\n{indent}{_word(rng)}: {_grown(rng, depth + 1)}" for _ in width)
    if kind == 5:
        return rng.choice(("|", ">", "|-", ">+", "|2", "&x ", "*x", "!!map ", "? ")) + f"\n{indent}  {_word(rng)}\n"
    return _word(rng)


def _word(rng: random.Random) -> str:
    return rng.choice(
        ("a", "code", "甲", "groups", "1/month", "50%", '"x"', "'y'", "''", "1:30", "2026-01-01", "", "#", "a b", "：", "\u200b", "\ud800",
         "- x", "x: y", "no", "<<", "=", "a" * rng.randrange(60), str(rng.randrange(10**9)))
    )  # fmt: skip


# The control


def _control() -> int:
    """Return how many of 200 such inputs the stock loader cannot even refuse: it dies of errors that are not its own."""
    rng, wrong = random.Random(8), 0
    for n in range(200):
        data = _mutated(rng, (b"[" * 500, b"a: 2026-02-30\n", POLICY, PORTFOLIO)[n % 4], [EDITION], 1)
        try:
            yaml.load(data, yaml.SafeLoader)
        except yaml.YAMLError:
            pass
        except Exception:
            wrong += 1
    return wrong
