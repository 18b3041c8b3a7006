"""Priority intelligence requirements: questions with owners, made, revised, answered and retired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import people
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.intel.authoring.drafts import Change
from mithaq.intel.needs import questions
from mithaq.intel.needs.questions import Terms
from mithaq.model.labels import Tlp
from mithaq.store import requirements, watching
from mithaq.store.requirements import ANSWERED, OPEN, RETIRED, Act, Row

SOUGHT, REQUEST = "sought", "request"
LONGEST = 60  # signs of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A requirement as it stands."""

    row: Row
    terms: Terms

    @property
    def name(self) -> str:
        """Return what it is called."""
        return self.row.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """Who a requirement is for, and how soon; None: as before."""

    owner: str | None = None
    priority: int | None = None
    level: Tlp | None = None


# --- questions -----------------------------------------------------------------------------------------
def draft(unit: Connection, actor: Actor, row: Row, terms: Terms, now: datetime) -> Requirement:
    """Return a new requirement as it would be kept; nothing is written.

    Raises:
        Forbidden: the actor may not speak for us. Conflict: the name is taken.
        InputError, NotFound: something of it is not as it must be.
    """
    require(actor, Permission.OBJECT_ADD)
    name = row.name
    if not name or len(name) > LONGEST or name != "-".join(name.split()) or "/" in name:
        raise InputError("a name has no blanks and no slash", cause="name")
    if requirements.named(unit, name) is not None:
        raise Conflict(f"the name {name!r} is taken", name=name)
    if row.parent:
        parent = named(unit, actor, row.parent)
        row = replace(row, level=max(row.level, parent.row.level))
    _check(unit, actor, row)
    at = text(now)
    made = replace(row, terms=_written(questions.checked(terms)), made_at=at, changed_at=at)
    return Requirement(row=made, terms=terms)


def _check(unit: Connection, actor: Actor, row: Row) -> None:
    if row.priority not in questions.PRIORITIES:
        raise InputError("priorities are 1 (first) to 5", cause="priority")
    owner = people.named(unit, row.owner)
    for who in (owner, actor):
        if who.clearance.tlp < Tlp(row.level):
            raise InputError(f"{who.name} is not cleared for TLP:{Tlp(row.level)}", cause="owner")


def _beside(unit: Connection, row: Row) -> None:
    """Hold that a part bears at least what it is a part of: it names that."""
    parent = requirements.named(unit, row.parent) if row.parent else None
    least = Tlp(parent.level) if parent is not None else Tlp.CLEAR
    if row.level < least:
        level = f"TLP:{least}"
        raise InputError(f"it is a part of what bears {level}, and names it", cause="level")
    lower = [e.name for e in requirements.every(unit, row.level - 1) if e.parent == row.name]
    if lower:
        raise InputError(f"its parts bear less, and name it: {', '.join(lower)}", cause="level")


def _written(terms: Terms) -> str:
    return msgspec.json.encode(terms).decode()


def keep(unit: Connection, actor: Actor, made: Requirement, now: datetime) -> None:
    """Keep a new requirement: what comes from now on is held against it."""
    require(actor, Permission.OBJECT_ADD)
    requirements.keep(unit, made.row)
    _seek(unit, made)
    act(unit, actor, made, "made", now)


def _seek(unit: Connection, one: Requirement) -> None:
    for query in questions.queries(one.terms.sought):
        requirements.add_watch(unit, one.name, watching.watch(unit, query), SOUGHT)


def act(
    unit: Connection, actor: Actor, one: Requirement, what: str, now: datetime, **said: object
) -> None:
    """Keep what a person did to a requirement."""
    requirements.note(
        unit, Act(requirement=one.name, at=text(now), by=actor.name, act=what, said=said)
    )


def every(unit: Connection, actor: Actor) -> list[Requirement]:
    """Return the requirements whose question the actor may see; a question is followed by its parts."""
    require(actor, Permission.OBJECT_READ)
    found = [_read(row) for row in requirements.every(unit, int(actor.clearance.tlp))]
    names = {each.name for each in found}
    tops = [each for each in found if each.row.parent not in names]
    return [each for top in tops for each in _with_parts(top, found)]


def _with_parts(one: Requirement, among: Sequence[Requirement]) -> list[Requirement]:
    parts = [each for each in among if each.row.parent == one.name]
    return [one, *(each for part in parts for each in _with_parts(part, among))]


def named(unit: Connection, actor: Actor, name: str) -> Requirement:
    """Return one.

    Raises:
        NotFound: there is none of that name that the actor may see.
    """
    require(actor, Permission.OBJECT_READ)
    row = requirements.named(unit, name)
    if row is None or row.level > actor.clearance.tlp:
        raise NotFound(f"no requirement {name!r} that {actor.name} may see", name=name)
    return _read(row)


def _read(row: Row) -> Requirement:
    return Requirement(row=row, terms=msgspec.json.decode(row.terms, type=Terms))


def with_said(
    terms: Terms, said: Mapping[str, object], sought: Mapping[str, Sequence[object]]
) -> Terms:
    """Return terms with some fields said anew, of what is sought too; what is empty is sought no more."""
    if sought:
        said = {**said, "sought": msgspec.structs.replace(terms.sought, **dict(sought))}
    return msgspec.structs.replace(terms, **dict(said))


def revised(
    unit: Connection, actor: Actor, one: Requirement, terms: Terms, change: Handed
) -> tuple[Requirement, list[Change]]:
    """Return a requirement as it would be, and what differs; nothing is written.

    Raises:
        Forbidden, InputError, NotFound: as ``draft``. Conflict: it is retired.
    """
    require(actor, Permission.OBJECT_ADD)
    if one.row.state == RETIRED:
        raise Conflict(f"{one.name} is retired", name=one.name)
    row = one.row
    row = replace(
        row,
        owner=change.owner or row.owner,
        priority=change.priority or row.priority,
        level=int(row.level if change.level is None else change.level),
        terms=_written(questions.checked(terms)),
    )
    _check(unit, actor, row)
    _beside(unit, row)
    found = questions.changes(one.terms, terms)
    for name in ("owner", "priority", "level"):
        before, after = getattr(one.row, name), getattr(row, name)
        if before != after:
            shown = [
                f"TLP:{Tlp(each)}" if name == "level" else str(each) for each in (before, after)
            ]
            found.append(Change(field=name, before=shown[0], after=shown[1]))
    if not found:
        raise InputError("nothing of it changes", name=one.name)
    return Requirement(row=row, terms=terms), found


def keep_revised(unit: Connection, actor: Actor, one: Requirement, now: datetime) -> None:
    """Keep what a requirement is now; what was tagged stays, and what it seeks from now on is what it says."""
    before = named(unit, actor, one.name)
    requirements.keep(unit, replace(one.row, changed_at=text(now)))
    if before.terms.sought != one.terms.sought:
        _stop(unit, one)
        _seek(unit, one)
    fields = sorted(each.field for each in questions.changes(before.terms, one.terms))
    act(unit, actor, one, "revised", now, fields=fields)


def _stop(unit: Connection, one: Requirement) -> None:
    for watch, kind in requirements.watches(unit, one.name).items():
        if kind == SOUGHT:
            watching.rest(unit, watch)


def answer(unit: Connection, actor: Actor, one: Requirement, said: str, now: datetime) -> None:
    """Note what answers a question; what comes is tagged still.

    Raises:
        Forbidden: the actor may not speak for us. Conflict: it is retired. InputError: nothing is said.
    """
    require(actor, Permission.OBJECT_ADD)
    if not said.strip() or len(said) > questions.LONGEST:
        raise InputError(f"an answer has up to {questions.LONGEST} signs, and some", cause="answer")
    _turn(unit, actor, one, ANSWERED, now, said)


def reopen(unit: Connection, actor: Actor, one: Requirement, now: datetime) -> None:
    """Ask a question again; a retired one seeks again what it sought.

    Raises:
        Forbidden: the actor may not speak for us. Conflict: it is open.
    """
    require(actor, Permission.OBJECT_ADD)
    if one.row.state == OPEN:
        raise Conflict(f"{one.name} is open", name=one.name)
    if one.row.state == RETIRED:
        _seek(unit, one)
    requirements.keep(unit, replace(one.row, state=OPEN, changed_at=text(now)))
    act(unit, actor, one, "opened", now)


def retire(unit: Connection, actor: Actor, one: Requirement, now: datetime) -> None:
    """Ask a question no more: nothing is held against it from now on; what was tagged stays.

    Raises:
        Forbidden: the actor may not speak for us. Conflict: it is retired.
    """
    require(actor, Permission.OBJECT_ADD)
    _turn(unit, actor, one, RETIRED, now, one.row.answer)
    for watch in requirements.watches(unit, one.name):
        watching.rest(unit, watch)


def _turn(  # noqa: PLR0913 who, what, how and when
    unit: Connection, actor: Actor, one: Requirement, state: str, now: datetime, said: str
) -> None:
    if one.row.state == RETIRED:
        raise Conflict(f"{one.name} is retired", name=one.name)
    requirements.keep(unit, replace(one.row, state=state, answer=said, changed_at=text(now)))
    act(unit, actor, one, state, now)
