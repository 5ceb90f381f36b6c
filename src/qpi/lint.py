"""Lint: what is wrong within an edition and between editions, beyond what each value can tell alone."""

from collections.abc import Iterable, Iterator
from datetime import date

from qpi import schema, text
from qpi.checklist import PROJECT, ROLES, Checklists, Edition, Group, Point, Role, Shared, Source
from qpi.document import Document
from qpi.errors import Problem, in_order
from qpi.messages import say
from qpi.schema import Path


def build(documents: Iterable[Document], *, beside: tuple[Source, ...] = ()) -> tuple[Checklists, list[Problem]]:
    """Return the editions that documents hold, and every problem in and between them.

    The roles and methods that editions `beside` them declare are known.
    """
    sources, problems, count = [], [], 0
    for document in documents:
        count += 1
        loaded = schema.load(Edition, document)
        problems += loaded.problems
        if loaded.model is not None and document.root is not None:
            sources.append(Source(loaded.model, loaded.document, schema.digest(document.root.value)))
    checklists = Checklists(tuple(sources), partial=len(sources) < count or not sources, beside=beside)
    for source in sources:
        problems += _within(source, checklists)
    problems += _between(checklists)
    return checklists, in_order(problems)


def _within(source: Source, checklists: Checklists) -> Iterator[Problem]:
    """Yield what is wrong inside one edition."""
    edition, document = source.edition, source.document
    start = edition.effective_from
    if start.day != 1 and "effective_from" not in document.lost():
        fault = say("an edition starts on the 1st of a month, not on {start}", start=start)
        yield Problem(document.where("effective_from"), fault, say("write {text}", text=start.replace(day=1)))
    if not edition.groups and "groups" not in document.lost() and not document.lost("groups"):
        yield Problem(document.where("groups"), say("no groups"), say("add a group with points"))
    yield from _built_in(source)
    seen: dict[str, str] = {}
    for g, group in enumerate(edition.groups):
        path: Path = ("groups", g)
        if not group.points and "points" not in document.lost(*path) and not document.lost(*path, "points"):
            fault = say('group "{name}" is empty', name=text.shown(group.name))
            yield Problem(document.where(*path, "points"), fault, say("add a point or take the group out"))
        yield from _shared(source, group, path, checklists)
        for p, point in enumerate(group.points):
            path = ("groups", g, "points", p)
            yield from _code(source, point, path, seen)
            yield from _shared(source, point, path, checklists)
            yield from _elements(source, point, path)
            if point.executive_check:
                yield from _executive(source, group, point, path)


def _built_in(source: Source) -> Iterator[Problem]:
    """Yield roles that are built in at another level."""
    for name, role in source.edition.roles.items():
        if name in ROLES and role.level != ROLES[name].level and "level" not in source.document.lost("roles", name):
            where = source.document.where("roles", name, "level")
            fault = say(
                "role {name} is built in at level {level}, not {given}",
                name=name,
                level=ROLES[name].level,
                given=role.level,
            )
            yield Problem(
                where, fault, say("write level: {level}, or choose another name for the role", level=ROLES[name].level)
            )


def _code(source: Source, point: Point, path: Path, seen: dict[str, str]) -> Iterator[Problem]:
    """Yield a code that stands already in the edition, in whatever case."""
    if "code" in source.document.lost(*path):
        return
    where = source.document.where(*path, "code")
    if point.code.casefold() in seen:
        fault = say("code {code} stands already at {place}", code=point.code, place=seen[point.code.casefold()])
        yield Problem(where, fault, say("give this point a code of its own"))
    seen.setdefault(point.code.casefold(), where.spot)


def _shared(source: Source, part: Shared, path: Path, checklists: Checklists) -> Iterator[Problem]:
    """Yield unknown methods and roles, and shares that mean nothing."""
    document, methods, roles = source.document, checklists.known_methods, checklists.known_roles
    named: list[tuple[Path, tuple[str, ...]]] = [(("methods",), part.methods or ())]
    named += [(("variants", i, "methods"), v.methods or ()) for i, v in enumerate(part.variants or ())]
    for steps, used in named:
        for i, method in enumerate(used):
            if text.strange(method, methods, checklists.methods):
                where = document.where(*path, *steps, i)
                yield Problem(
                    where, say('method "{method}" is unknown', method=method), text.named(method, checklists.methods)
                )
    for name, ask in (part.frequency or {}).items():
        where = document.where(*path, "frequency", name, key=True)
        if name not in checklists.roles:
            if text.strange(name, roles, checklists.roles):
                yield Problem(
                    where, say('role "{name}" is unknown', name=name), text.named(name, checklists.role_titles)
                )
        elif checklists.roles[name].level == PROJECT and ask.share != 1:
            fault = say("a share means nothing for {name}, who owes the duty to each project", name=name)
            yield Problem(document.where(*path, "frequency", name, "share"), fault, say("take share out"))
        if ask.share == 0:
            where = document.where(*path, "frequency", name, "share")
            yield Problem(where, say("a share of 0% owes nothing"), say("write a larger one, or every: 不固定"))


def _elements(source: Source, point: Point, path: Path) -> Iterator[Problem]:
    """Yield numbers that two elements of a point have."""
    numbers: dict[int, str] = {}
    for i, element in enumerate(point.elements):
        where = source.document.where(*path, "elements", i, "no")
        if "no" in source.document.lost(*path, "elements", i):
            continue
        if element.no in numbers:
            fault = say(
                "element {no} of {code} stands already at {place}",
                no=element.no,
                code=point.code,
                place=numbers[element.no],
            )
            yield Problem(where, fault, say("number the elements apart"))
        numbers.setdefault(element.no, where.spot)


def _executive(source: Source, group: Group, point: Point, path: Path) -> Iterator[Problem]:
    """Yield a point that its executive must check but that gives the executive no frequency."""
    document = source.document
    holder = path if point.frequency is not None else path[:2]
    asks = (point.frequency if point.frequency is not None else group.frequency) or {}
    executive = asks.get("executive")
    faulty = [document.at(*path), document.at(*holder), document.at(*holder, "frequency")]
    wanted = ("frequency", "frequency", "executive")
    if any(node is not None and node.misses(name) for node, name in zip(faulty, wanted, strict=True)):
        return
    if (executive is None or executive.every is None) and "every" not in document.lost(
        *holder, "frequency", "executive"
    ):
        where = document.where(*path, "executive_check", key=True)
        fault = say("point {code} is marked ◎ (executive_check) but executive has no frequency", code=point.code)
        yield Problem(
            where, fault, say("add executive: 1/year, say, to its frequency, or take the mark out"), advisory=True
        )


def _between(checklists: Checklists) -> Iterator[Problem]:
    """Yield what does not go together between editions."""
    days: dict[tuple[str, date], Source] = {}
    labels: dict[tuple[str, str], Source] = {}
    owners: dict[str, Source] = {}
    for source in checklists.sources:
        edition, document = source.edition, source.document
        lost = document.lost()
        if "catalogue" in lost:
            continue
        if "effective_from" not in lost:
            other = days.setdefault((edition.catalogue, edition.effective_from), source)
            if other is not source:
                fault = say(
                    "edition {edition} of {catalogue} starts on {day} too ({place})",
                    edition=other.edition.edition,
                    catalogue=edition.catalogue,
                    day=edition.effective_from,
                    place=other.at("effective_from"),
                )
                yield Problem(
                    document.where("effective_from"),
                    fault,
                    say("give one of them another month"),
                )
        if "edition" not in lost:
            other = labels.setdefault((edition.catalogue, edition.edition), source)
            if other is not source:
                fault = say(
                    "edition {edition} of {catalogue} stands already at {place}",
                    edition=edition.edition,
                    catalogue=edition.catalogue,
                    place=other.at("edition"),
                )
                yield Problem(document.where("edition"), fault, say("give it a label of its own"))
        yield from _owned(source, owners)
    yield from _alike(checklists)


def _owned(source: Source, owners: dict[str, Source]) -> Iterator[Problem]:
    """Yield codes that another catalogue has."""
    for g, group in enumerate(source.edition.groups):
        for p, point in enumerate(group.points):
            path = ("groups", g, "points", p)
            if "code" in source.document.lost(*path):
                continue
            owner = owners.setdefault(point.code.casefold(), source)
            if owner.edition.catalogue != source.edition.catalogue:
                fault = say(
                    "code {code} belongs to catalogue {catalogue} ({file})",
                    code=point.code,
                    catalogue=owner.edition.catalogue,
                    file=owner.document.file,
                )
                yield Problem(source.document.where(*path, "code"), fault, say("choose another code"))


def _alike(checklists: Checklists) -> Iterator[Problem]:
    """Yield roles and methods that two editions declare differently; a catalogue may change its own titles."""
    roles: dict[str, tuple[Role, Source]] = {}
    methods: dict[str, tuple[str, Source]] = {}
    for source in checklists.sources:
        edition, document = source.edition, source.document
        for name, role in edition.roles.items():
            if document.lost("roles", name):
                continue
            first, owner = roles.setdefault(name, (role, source))
            same_catalogue = owner.edition.catalogue == edition.catalogue
            if first.level != role.level or (first.title != role.title and not same_catalogue):
                fault = say(
                    "role {name} is declared otherwise: title {title}, level {level}, at {place}",
                    name=name,
                    title=text.shown(first.title),
                    level=first.level,
                    place=owner.at("roles", name),
                )
                where = document.where("roles", name, key=True)
                yield Problem(where, fault, say("declare it alike, or choose another name"))
        for name, title in edition.methods.items():
            known, owner = methods.setdefault(name, (title, source))
            if known != title and owner.edition.catalogue != edition.catalogue:
                fault = say(
                    "method {name} is declared otherwise: {title}, at {place}",
                    name=name,
                    title=text.shown(known),
                    place=owner.at("methods", name),
                )
                yield Problem(
                    document.where("methods", name, key=True), fault, say("declare it alike, or choose another name")
                )
