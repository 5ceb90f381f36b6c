"""Naming: ids for the checks of a file that has none, the same whenever the file is read."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from qpi.drafts import Intake
from qpi.entries import Check, Draft, Fault, canonical, settled, utc_text
from qpi.messages import say


def named(read: Intake) -> Intake:
    """Return a file with an id for each check that has none, made of its natural key and how often that occurs.

    The natural key is project, point, role, inspector and moment. Checks that share it and say the same are several
    looks, and are counted; where they say different things, nobody can tell which is which the next time, and they want
    ids. The same key with other content in another file is a conflict then, as with ids that people give.
    """
    return replace(read, drafts=_named(read.drafts))


def _named(drafts: Iterable[Draft]) -> Iterator[Draft]:
    nameless: dict[str, list[tuple[bytes, Draft, Check]]] = {}
    for draft in drafts:
        if draft.part is None or not isinstance(draft.part.entry, Check) or "id" not in draft.part.faulty:
            yield draft
            continue
        rest = tuple(problem for problem in draft.problems if problem.where.field != "id")
        if rest or draft.part.faulty != {"id"}:
            yield draft._replace(problems=rest)
            continue
        check = draft.part.entry
        content = {name: value for name, value in settled(check.record()).items() if name != "id"}
        nameless.setdefault(_key(check), []).append((canonical(content), draft, check))
    for key, alike in nameless.items():
        if len({content for content, _, _ in alike}) > 1:
            fault = say("another row has the same project, point, role, inspector and moment, and says something else")
            yield from (
                draft._replace(problems=(draft.problem(Fault("id", fault, say("give both an id"))),))
                for _, draft, _ in alike
            )
            continue
        for number, (_, draft, check) in enumerate(alike, 1):
            entry = check.model_copy(update={"id": f"{key}-{number}"})
            yield draft._replace(entry=entry, problems=(), part=None)


def _key(check: Check) -> str:
    natural = [check.project, check.point, check.role, check.inspector, utc_text(check.checked_at)]
    return f"row-{hashlib.sha256(canonical(natural)).hexdigest()[:20]}"


__all__ = ["named"]
