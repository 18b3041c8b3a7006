"""Searches that people save, and notice of what meets them later: past what each may read when they ask."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.intel.finding import searching
from mithaq.intel.finding.noticed import Followed
from mithaq.intel.rules import Filters
from mithaq.model.values import Value, of_kind
from mithaq.store import saved, watching
from mithaq.store.matching import Query
from mithaq.store.objects import Copy
from mithaq.store.saved import Saved

MOST_KEPT = 500  # searches that one person saves
LONGEST = 100  # signs of a name


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person asked for, as they wrote it."""

    words: str = ""
    value: tuple[str, str] | None = None  # its kind, and its text
    filters: Filters = searching.NOTHING


def asked(one: Saved) -> Asked:
    """Return what a saved search asks for."""
    return msgspec.json.decode(one.asked, type=Asked)


def query_of(wanted: Asked) -> Query:
    """Return what is looked for in what comes.

    Raises:
        InputError: a filter cannot be read, or nothing at all is asked for.
    """
    found = searching.looked_for(wanted.words, wanted.filters)
    query = Query(
        words=found.words,
        value=wanted.value,
        types=(found.type,) if found.type else (),
        sources=tuple(found.sources),
        level=found.level,
        agreement=found.agreement,
        labels=tuple(found.labels),
        topics=searching.topics(wanted.filters),
        since=found.since,
        until=found.until,
        confidence=found.confidence,
        revoked=found.revoked,
    )
    if query == Query():
        raise InputError("a search for nothing would find all that comes", cause="words")
    return query


def save(  # noqa: PLR0913 who, what, how and when
    unit: Connection, actor: Actor, name: str, wanted: Asked, now: datetime, *, shared: bool = False
) -> Saved:
    """Save a search under a name of its owner's; what comes from now on is held against it.

    Raises:
        Conflict: they have one of that name. InputError: the name or the search is none.
    """
    require(actor, Permission.OBJECT_READ)
    _check(unit, actor, name)
    one = Saved(
        owner=actor.name,
        name=name,
        watch=watching.watch(unit, query_of(wanted)),
        shared=shared,
        asked=msgspec.json.encode(wanted).decode(),
        made_at=text(now),
    )
    saved.put(unit, one)
    return one


def _check(unit: Connection, actor: Actor, name: str) -> None:
    if not name.strip() or len(name) > LONGEST or "/" in name or name != " ".join(name.split()):
        raise InputError("a name is a few words without a slash", cause="name")
    own = [each for each in saved.open_to(unit, actor.name) if each.owner == actor.name]
    if name in {each.name for each in own}:
        raise Conflict(f"{actor.name} has a saved search {name!r} already", name=name)
    if len(own) >= MOST_KEPT:
        raise Conflict(f"{actor.name} has saved {MOST_KEPT} searches", name=name)


def every(unit: Connection, actor: Actor) -> list[Saved]:
    """Return the searches of a person, and those that others share."""
    require(actor, Permission.OBJECT_READ)
    return saved.open_to(unit, actor.name)


def named(unit: Connection, actor: Actor, name: str) -> Saved:
    """Return a search by its name, of the person's own before others': these are also named OWNER/NAME.

    Raises:
        NotFound: there is none that is open to them.
    """
    open_ = every(unit, actor)
    whole = [each for each in open_ if name in {each.name, f"{each.owner}/{each.name}"}]
    whole.sort(key=lambda each: each.owner != actor.name)
    if not whole or (len(whole) > 1 and whole[0].owner != actor.name):
        raise NotFound(f"no saved search {name!r}, or several: name it OWNER/NAME", name=name)
    return whole[0]


def own(unit: Connection, actor: Actor, name: str) -> Saved:
    """Return a search of the person's own.

    Raises:
        NotFound: they have none of that name.
    """
    one = named(unit, actor, name)
    if one.owner != actor.name:
        raise NotFound(f"{actor.name} has no saved search {name!r}", name=name)
    return one


def rename(unit: Connection, actor: Actor, one: Saved, name: str) -> None:
    """Give a search of one's own another name.

    Raises:
        Conflict: the name is taken. InputError: it is none.
    """
    _check(unit, actor, name)
    saved.change(unit, one, name=name, shared=one.shared)


def share(unit: Connection, one: Saved, *, shared: bool) -> None:
    """Let all who may search use a search and see what it asks for, or nobody but its owner."""
    saved.change(unit, one, name=one.name, shared=shared)


def notify(unit: Connection, actor: Actor, one: Saved, *, on: bool) -> None:
    """Let a person have notice of what meets a search from when it was saved, or not any more."""
    (saved.follow if on else saved.unfollow)(unit, one.watch, actor.name)


def followed(unit: Connection, actor: Actor) -> list[Saved]:
    """Return the searches that a person has notice of."""
    require(actor, Permission.OBJECT_READ)
    return saved.followed_by(unit, actor.name)


def remove(unit: Connection, one: Saved) -> None:
    """Forget a search, and the notices of everybody."""
    saved.remove(unit, one)
    watching.unwatch(unit, one.watch)


def run(
    unit: Connection, us: Us, actor: Actor, one: Saved, page: tuple[int, int] = (50, 0)
) -> list[Copy]:
    """Ask again what was saved, over all that is held."""
    wanted = asked(one)
    if wanted.value is not None:
        known = searching.look_up(unit, us, actor, of_kind(*wanted.value), page[0])
        return [each.copy for each in known]
    return searching.search(unit, us, actor, wanted.words, wanted.filters, page=page)


def of_value(sought: Value) -> Asked:
    """Return the look-up of a value."""
    return Asked(value=(sought.kind, sought.text))


def notice_of(actor: Actor, one: Saved) -> Followed:
    """Return a search as what a person has notice of."""
    return Followed(name=label(actor, one), watches=(one.watch,))


def label(actor: Actor, one: Saved) -> str:
    """Return what a person calls a search: of another's, whose it is as well."""
    return one.name if one.owner == actor.name else f"{one.owner}/{one.name}"


__all__ = [
    "Asked", "Saved", "asked", "every", "followed", "label", "named", "notice_of", "notify", "of_value", "own",
    "query_of", "remove", "rename", "run", "save", "share",
]  # fmt: skip
