"""Portfolio: projects with their dated attributes, people, parties, posts and waivers."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from qpi import schema, shapes, text
from qpi.checklist import COMPANY, PROJECT, Checklists, Edition
from qpi.document import Document
from qpi.errors import Problem, in_order
from qpi.messages import say
from qpi.schema import Code, Day, Frozen, Id, Path, Text, Word

Attributes = dict[
    Word,
    Annotated[
        str,
        schema.read_with(str, say("write a text"), longest=schema.MAX_TEXT),
        shapes.Shape({"type": [*shapes.SCALAR], "maxLength": schema.MAX_TEXT, "pattern": f"^$|{text.CLEAN_PATTERN}"}),
    ],
]


class Change(Frozen):
    """Attributes that hold from a day on; those that are not named stay."""

    from_: Day = Field(alias="from")
    attributes: Annotated[Attributes, schema.Spare({})]


class Project(Frozen):
    """A place that is served from `opened` until the day before `closed`."""

    id: Id
    name: Text
    opened: Day | None = None
    closed: Day | None = None
    attributes: Attributes = Field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    def open_on(self, day: date) -> bool:
        """Say whether the project is served on a day."""
        return (self.opened is None or self.opened <= day) and (self.closed is None or day < self.closed)

    @cached_property
    def states(self) -> tuple[tuple[date, dict[str, str]], ...]:
        """The attributes from each day on which they change, the first from the beginning of time."""
        states: list[tuple[date, dict[str, str]]] = [(date.min, dict(self.attributes))]
        for change in sorted(self.changes, key=lambda c: c.from_):
            states.append((change.from_, {**states[-1][1], **change.attributes}))
        return tuple(states)

    def attributes_on(self, day: date) -> dict[str, str]:
        """Return the attributes that hold on a day."""
        return next(state for start, state in reversed(self.states) if start <= day)


class Person(Frozen):
    """Somebody who looks, answers or approves; only the id is ever kept in the ledger."""

    id: Id
    name: Text


class Party(Frozen):
    """A team or contractor that can be responsible."""

    id: Id
    name: Text
    kind: Text | None = None


class Post(Frozen):
    """Who holds a role where, from when to when (both days within)."""

    role: Word
    person: Id
    project: Id | None = None
    realm: Text | None = None
    specialty: Text | None = None
    from_: Day | None = Field(None, alias="from")
    to: Day | None = None


class Waiver(Frozen):
    """Duties excused from a day to a day, both within, with reason and approver."""

    project: Id
    points: Annotated[tuple[Code, ...], AfterValidator(schema.some), shapes.SOME] | None = None
    role: Word | None = None
    from_: Day = Field(alias="from")
    to: Day
    reason: Text
    approved_by: Id


class Portfolio(Frozen):
    """Everything that is inspected, and everybody in it."""

    projects: Annotated[tuple[Project, ...], shapes.SOME]
    people: tuple[Person, ...] = ()
    parties: tuple[Party, ...] = ()
    posts: tuple[Post, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @cached_property
    def project(self) -> dict[str, Project]:
        """The projects by id."""
        return {project.id: project for project in self.projects}

    @cached_property
    def names(self) -> dict[str, str]:
        """The names of people and parties by id."""
        ones: tuple[Party | Person, ...] = (*self.parties, *self.people)
        return {one.id: one.name for one in ones}

    def bearer(self, name: str) -> str | None:
        """Return the id of the only person who bears a name that is no id, or None."""
        found = self._bearers.get(name, ())
        return found[0] if len(found) == 1 and name not in self.names else None

    @cached_property
    def _bearers(self) -> dict[str, list[str]]:
        bearers: dict[str, list[str]] = {}
        for person in self.people:
            bearers.setdefault(person.name, []).append(person.id)
        return bearers

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Every attribute that any project ever has."""
        return frozenset(name for p in self.projects for _, state in p.states for name in state)


def build(document: Document, checklists: Checklists | None) -> tuple[Portfolio | None, list[Problem]]:
    """Return the portfolio that a document holds and every problem; without checklists, codes and roles are not judged."""
    portfolio, problems, document = schema.load(Portfolio, document)
    if portfolio is None:
        return None, problems
    problems += [*_repeated(portfolio, document), *_dates(portfolio, document)]
    problems += [*_projects(portfolio, document), *_people(portfolio, document)]
    if checklists is not None:
        problems += [*_references(portfolio, document, checklists), *_levels(portfolio, document, checklists)]
        problems += [*_scopes(portfolio, document, checklists), *_places(portfolio, document, checklists)]
        problems += _values(portfolio, document, checklists)
    return portfolio, in_order(problems)


def _repeated(portfolio: Portfolio, document: Document) -> Iterator[Problem]:
    """Yield ids that stand twice, in whatever case."""
    seen: dict[tuple[str, str], str] = {}
    parts: dict[str, tuple[Project | Person | Party, ...]] = {
        "projects": portfolio.projects,
        "people": portfolio.people,
        "parties": portfolio.parties,
    }
    for part, ones in parts.items():
        kind = "project" if part == "projects" else "party"
        for i, one in enumerate(ones):
            if "id" in document.lost(part, i):
                continue
            where = document.where(part, i, "id")
            key = (kind, one.id.casefold())
            if key in seen:
                fault = (
                    say("project {id} stands already at {place}", id=one.id, place=seen[key])
                    if part == "projects"
                    else say("person or party {id} stands already at {place}", id=one.id, place=seen[key])
                )
                yield Problem(where, fault, say("give each an id of its own"))
            seen.setdefault(key, where.spot)


def _used(portfolio: Portfolio, document: Document, key: str) -> Iterator[tuple[Path, Any]]:
    """Yield what posts and waivers say under a key, each with its path."""
    parts: dict[str, tuple[Post | Waiver, ...]] = {"posts": portfolio.posts, "waivers": portfolio.waivers}
    for part, ones in parts.items():
        for i, one in enumerate(ones):
            value = getattr(one, key, None)
            if value is not None and key not in document.lost(part, i):
                yield (part, i, key), value


def _projects(portfolio: Portfolio, document: Document) -> Iterator[Problem]:
    """Yield projects that nobody declared, and a portfolio without any."""
    if not portfolio.projects and "projects" not in document.lost() and not document.lost("projects"):
        yield Problem(document.where("projects"), say("no projects"), say("add one with id and name"))
    known = _normal(document.texts("projects", "*", "id"))
    for path, name in _used(portfolio, document, "project"):
        if text.strange(name, known, portfolio.project):
            remedy = text.instead(name, portfolio.project, otherwise=say("add it to projects"))
            yield Problem(document.where(*path), say('project "{name}" is unknown', name=name), remedy)


def _normal(words: frozenset[str] | None) -> frozenset[str] | None:
    return None if words is None else frozenset(map(text.normal, words))


def _dates(portfolio: Portfolio, document: Document) -> Iterator[Problem]:
    """Yield days in the wrong order, and two changes of a project on one day."""
    for i, project in enumerate(portfolio.projects):
        if project.opened and project.closed and project.closed <= project.opened:
            fault = say(
                "project {id} closes on {closed}, not after it opens on {opened}",
                id=project.id,
                closed=project.closed,
                opened=project.opened,
            )
            yield Problem(document.where("projects", i, "closed"), fault, say("write the first day no longer served"))
        days: dict[date, str] = {}
        for c, change in enumerate(project.changes):
            where = document.where("projects", i, "changes", c, "from")
            if "from" in document.lost("projects", i, "changes", c):
                continue
            if change.from_ in days:
                fault = say(
                    "project {id} changes on {day} already at {place}",
                    id=project.id,
                    day=change.from_,
                    place=days[change.from_],
                )
                yield Problem(where, fault, say("write the two as one"))
            days.setdefault(change.from_, where.spot)
    for path, to in _used(portfolio, document, "to"):
        part, i, _ = path
        begins = getattr(portfolio, part)[i].from_
        if begins and to < begins and "from" not in document.lost(part, i):
            kind = say("post") if part == "posts" else say("waiver")
            fault = say("a {kind} ends on {to}, before it begins on {begins}", kind=kind, to=to, begins=begins)
            yield Problem(document.where(*path), fault, say("exchange from and to"))


def _people(portfolio: Portfolio, document: Document) -> Iterator[Problem]:
    """Yield people whom nobody declared; no figure depends on them, so a person should look."""
    people = _normal(document.texts("people", "*", "id"))
    used = [*_used(portfolio, document, "person"), *_used(portfolio, document, "approved_by")]
    sound = {person.id for person in portfolio.people}
    for path, name in used:
        if text.strange(name, people, sound):
            fault = say('person "{name}" is unknown', name=name)
            yield Problem(document.where(*path), fault, _whom(name, portfolio), advisory=True)


def _whom(name: str, portfolio: Portfolio) -> str:
    """Return the remedy for an unknown person: the id of who bears that name, else of who is written alike."""
    if (bearer := portfolio.bearer(name)) is not None:
        return say("write {text}", text=bearer)
    meant = text.nearest(name, [person.id for person in portfolio.people])
    return say("did you mean {meant}? Else add them to people", meant=meant) if meant else say("add them to people")


def _references(portfolio: Portfolio, document: Document, checklists: Checklists) -> Iterator[Problem]:
    """Yield roles and points that no edition has."""
    roles, codes = checklists.known_roles, checklists.known_codes
    for path, role in _used(portfolio, document, "role"):
        if text.strange(role, roles, checklists.roles):
            yield Problem(
                document.where(*path),
                say('role "{name}" is unknown', name=role),
                text.named(role, checklists.role_titles),
            )
    for path, points in _used(portfolio, document, "points"):
        for i, code in enumerate(points):
            if text.strange(code, codes, checklists.codes):
                remedy = text.coded(code, checklists.codes, otherwise=say("take it out"))
                yield Problem(document.where(*path, i), say('point "{code}" is unknown', code=code), remedy)


def _attributes(portfolio: Portfolio, document: Document) -> frozenset[str] | None:
    """Return every attribute that projects have; None where some were left out."""
    if "projects" in document.lost() or document.lost("projects"):
        return None
    for i, project in enumerate(portfolio.projects):
        inner = [document.at("projects", i), document.at("projects", i, "attributes")]
        inner += [
            document.at("projects", i, "changes", *more)
            for c, _ in enumerate(project.changes)
            for more in ((c,), (c, "attributes"))
        ]
        if any(node is not None and node.lost for node in inner) or document.lost("projects", i, "changes"):
            return None
    return portfolio.attributes


def _levels(portfolio: Portfolio, document: Document, checklists: Checklists) -> Iterator[Problem]:
    """Yield roles whose level looks like a misspelt attribute: all projects would fall into one empty realm."""
    attributes = _attributes(portfolio, document)
    for source in checklists.sources if attributes is not None else ():
        for name, role in source.edition.roles.items():
            levels = [PROJECT, COMPANY, *sorted(attributes or ())]
            if role.level in levels or "level" in source.document.lost("roles", name):
                continue
            where = source.document.where("roles", name, "level")
            fault = say('level "{level}" of role {name} is no attribute of any project', level=role.level, name=name)
            yield Problem(where, fault, text.instead(role.level, levels), advisory=True)


def _scopes(portfolio: Portfolio, document: Document, checklists: Checklists) -> Iterator[Problem]:
    """Yield attributes in scopes that look like misspelt ones of projects: no project would ever match."""
    attributes = _attributes(portfolio, document)
    for source in checklists.sources if attributes else ():
        for path, wanted in _matches(source.edition):
            for name in wanted:
                meant = text.nearest(name, attributes or (), likeness=0.75)
                if name in (attributes or ()) or meant is None:
                    continue
                where = source.document.where(*path, name, key=True)
                yield Problem(
                    where,
                    say('no project has an attribute "{name}"', name=name),
                    say("did you mean {meant}? Else mend it in the portfolio", meant=meant),
                    advisory=True,
                )


def _values(portfolio: Portfolio, document: Document, checklists: Checklists) -> Iterator[Problem]:
    """Yield values of attributes in another script than all that scopes ask for: 住宅, say, for residential."""
    asked: dict[str, set[str]] = {}
    for source in checklists.sources:
        for _, wanted in _matches(source.edition):
            for name, values in wanted.items():
                asked.setdefault(name, set()).update(values)
    for i, project in enumerate(portfolio.projects):
        states: list[tuple[Path, Mapping[str, str]]] = [(("attributes",), project.attributes)]
        states += [(("changes", c, "attributes"), change.attributes) for c, change in enumerate(project.changes)]
        for path, attributes in states:
            for name, value in attributes.items():
                known = asked.get(name, ())
                if known and value not in known and not value.isascii() and all(map(str.isascii, known)):
                    fault = say('no scope asks for {attribute} "{value}"', attribute=name, value=text.shown(value))
                    where = document.where("projects", i, *path, name)
                    yield Problem(where, fault, text.instead("", sorted(known)), advisory=True)


def _places(portfolio: Portfolio, document: Document, checklists: Checklists) -> Iterator[Problem]:
    """Yield posts in a place or specialty that their role has not: they would hold more, or nothing."""
    specialties = {
        point.specialty for source in checklists.sources for point in source.edition.points.values() if point.specialty
    }
    for i, post in enumerate(portfolio.posts):
        level = checklists.roles[post.role].level if post.role in checklists.roles else None
        if post.realm is not None and level in (PROJECT, COMPANY):
            fault = say("{role} is a role of level {level}, which has no realms", role=post.role, level=level)
            yield Problem(document.where("posts", i, "realm"), fault, _place_remedy(level), advisory=True)
        if post.project is not None and level not in (PROJECT, None):
            fault = say("{role} is a role of level {level}, not of a project", role=post.role, level=level)
            remedy = say("take project out") if level == COMPANY else say("write realm: instead")
            yield Problem(document.where("posts", i, "project"), fault, remedy, advisory=True)
        if post.specialty is not None and post.specialty not in specialties and specialties and not checklists.partial:
            fault = say('no point is of specialty "{name}"', name=text.shown(post.specialty))
            meant = text.instead(post.specialty, sorted(specialties), likeness=0.5)
            yield Problem(document.where("posts", i, "specialty"), fault, meant, advisory=True)


def _place_remedy(level: str | None) -> str:
    return say("write project: instead") if level == PROJECT else say("take realm out")


def _matches(edition: Edition) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield each scope, exception and condition that an edition writes, with its path."""
    for g, group in enumerate(edition.groups):
        parts: list[tuple[Path, Any]] = [(("groups", g), group)]
        parts += [(("groups", g, "points", p), point) for p, point in enumerate(group.points)]
        for path, part in list(parts):
            parts += [((*path, "variants", v), variant) for v, variant in enumerate(part.variants or ())]
            parts += [((*path, "elements", e), element) for e, element in enumerate(getattr(part, "elements", ()))]
        for path, part in parts:
            for name, key in (("scope", "scope"), ("except_", "except"), ("when", "when")):
                if (wanted := getattr(part, name, None)) is not None:
                    yield (*path, key), wanted
