"""How people find what they may read: by words, facts and values, and by what stands beside what they found.

Every read starts from ``visible``: nothing is found, counted or paged past it. Every question takes bounded time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.intel import rules
from mithaq.intel.reference import sets
from mithaq.intel.rules import Filters
from mithaq.model import found as by
from mithaq.model.labels import tlp
from mithaq.model.named import NUMBER, names_of, number, spelling
from mithaq.model.objects import moment, references
from mithaq.model.observed import read
from mithaq.model.values import Value, of_kind
from mithaq.store import neighbours, objects, texts, values
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Copy, Rows
from mithaq.store.texts import Wanted
from mithaq.store.values import Known

SECONDS = 10.0  # that a question may take
_PAGE = 500  # objects that hold the words of a name, looked at together
_MOST_NAMED = 100  # objects that bear the name of one technique
_OF_SETS = frozenset({"number", "technique"})  # topics that reference sets know
_TIE = "relationship"  # between what people look for
_KINDS = ("file", "feed", "set")  # of sources, whose names are written without
NOTHING = Filters()


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """One reference between two objects; ``copy`` is the other end, None if we hold none you may read."""

    direction: str  # to: it names the other; from: the other names it
    pointer: str
    id: str
    copy: Copy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An object that stands beside another: it is named by it, names it, or a relationship ties the two."""

    direction: str  # to | from
    tie: str  # the relationship's type, else the property
    via: Copy | None  # the relationship
    id: str
    copy: Copy | None  # None if we hold none you may read


def visible(us: Us, actor: Actor) -> Rows:
    """Select what the actor may read.

    Raises:
        Forbidden: nothing at all.
    """
    require(actor, Permission.OBJECT_READ)
    return objects.visible_to(actor.clearance, us.party)


def search(  # noqa: PLR0913 words, filters and page of one search
    unit: Connection,
    us: Us,
    actor: Actor,
    words: str = "",
    filters: Filters = NOTHING,
    *,
    page: tuple[int, int] = (50, 0),
) -> list[Copy]:
    """Return what the actor may read and holds every one of ``words``, as words begin, newest first.

    Where words of any type are asked for, what is called so comes first of all, and relationships come last.

    Args:
        page: how many at most, and the number of the last copy of the page before.

    Raises:
        InputError: a filter cannot be read. TookTooLong: it asks for too much.
    """
    rows = visible(us, actor)
    wanted = looked_for(words, filters)
    with within_seconds(unit, SECONDS):
        wanted = replace(wanted, among=among(unit, rows, topics(filters)))
        return in_order(unit, rows, wanted, page)


def in_order(unit: Connection, rows: Rows, wanted: Wanted, page: tuple[int, int]) -> list[Copy]:
    """Return what is called so, then all else, then relationships, each newest first; of one type newest first.

    Where a page goes on, the copy of that number tells by itself: it is one of these three.
    """
    if not wanted.words.strip() or wanted.type:
        return texts.search(unit, rows, wanted, page)
    limit, before = page
    asked = [wanted.words] if spelling(wanted.words) else []  # signs alone are no name
    named = replace(wanted, words="", called=asked, numbered=asked)
    some = texts.search(unit, rows, named, (_MOST_NAMED, 0)) if asked else []
    called = {copy.seq: copy for copy in some}
    others, ties = replace(wanted, no_type=_TIE), replace(wanted, type=_TIE)
    found: list[Copy] = []
    if not before or before in called:
        found = [copy for seq, copy in called.items() if not before or seq < before][:limit]
        before = 0
    last = [copy for some in objects.numbered(rows, [before]) for copy in objects.load(unit, some)]
    if not (last and last[0].object.type == _TIE):
        if len(found) < limit:
            some = texts.search(unit, rows, others, (limit + len(called), before))
            found += [copy for copy in some if copy.seq not in called][: limit - len(found)]
        before = 0
    if len(found) < limit:
        found += texts.search(unit, rows, ties, (limit - len(found), before))
    return found


def topics(filters: Filters) -> tuple[str, ...]:
    """Return what is looked for by what stands for it, and what is tied to that."""
    asked = filters.technique
    technique = by.of_number(asked) if NUMBER.fullmatch(asked) else by.of_name(asked)
    return (
        *((technique,) if asked else ()),
        *((by.of_country(filters.country),) if filters.country else ()),
        *((by.of_sector(filters.sector),) if filters.sector else ()),
    )


def among(unit: Connection, rows: Rows, asked: Iterable[str]) -> set[int] | None:
    """Return the numbers of what stands for all of some topics or is tied to what does; None: no topic is asked for.

    Of the numbers some may be hidden; what ties them is not.
    """
    found: set[int] | None = None
    for topic in asked:
        tied = _tied_to(unit, rows, topic)
        found = tied if found is None else found & tied
    return found


def looked_for(words: str, filters: Filters) -> Wanted:
    """Read what is looked for."""
    name = filters.source
    return Wanted(
        words=words.encode("utf-8", "replace")
        .decode()
        .replace("\0", " "),  # no database takes these
        type=filters.type,
        sources=(name, *(f"{kind}:{name}" for kind in _KINDS)) if name else (),
        level=int(tlp(filters.marking)) if filters.marking else None,
        agreement=filters.agreement,
        labels=tuple(filters.labels),
        since=rules.instant(filters.since) or "",
        until=rules.instant(filters.until) or "",
        confidence=filters.confidence,
        revoked=filters.revoked,
    )


def _tied_to(unit: Connection, rows: Rows, topic: str) -> set[int]:
    kind, _, asked = topic.partition("=")
    if kind == "request":  # replies, and what these name
        return neighbours.named_along(unit, rows, asked)
    return neighbours.tied_to(unit, rows, _standing_for(unit, rows, topic))


def _standing_for(unit: Connection, rows: Rows, topic: str) -> set[str]:
    """Return the ids of what stands for a topic: bears a number of ATT&CK, or the name of a technique.

    Of a reference set also what bears the name as an alias; and what replaces what it says was revoked, and the other
    way round.
    """
    kind, _, asked = topic.partition("=")
    page = (_MOST_NAMED, 0)
    if kind == "number":
        wanted = Wanted(known_as=asked)
    elif kind == "technique":
        wanted = Wanted(words=asked, type="attack-pattern")
    else:
        wanted = Wanted(topic=topic)
    some = texts.search(unit, rows, wanted, page)
    found = {copy.object.id for copy in some if topic in by.topics(copy.object.body)}
    if kind in _OF_SETS:
        found = found.union(sets.called(unit, asked)) | sets.successors(unit, found)
    return found


def value(written: str, kind: str = "") -> Value | None:
    """Return the value that a person writes, if it is one by its form, or of a kind.

    Raises:
        InputError: it is none of that kind.
    """
    return of_kind(kind, written) if kind else read(written)


def look_up(unit: Connection, us: Us, actor: Actor, sought: Value, most: int = 50) -> list[Known]:
    """Return what the actor may read and speaks of a value, of its parts, or of what it belongs to.

    Raises:
        TookTooLong: too much speaks of it.
    """
    rows = visible(us, actor)
    with within_seconds(unit, SECONDS):
        return values.known(unit, rows, sought, most)


def called(unit: Connection, us: Us, actor: Actor, name: str) -> list[Copy]:
    """Return what the actor may read and is called so, by a name, an alias or ATT&CK's number, newest first.

    Raises:
        TookTooLong: too much holds these words.
    """
    rows, wanted, asked = visible(us, actor), looked_for(name, NOTHING), spelling(name)
    found: list[Copy] = []
    before, some = 0, list[Copy]()
    with within_seconds(unit, SECONDS):
        while asked and (not before or len(some) == _PAGE) and len(found) < _MOST_NAMED:
            some = texts.search(unit, rows, wanted, (_PAGE, before))
            found += [each for each in some if asked in _names(each)]
            before = some[-1].seq if some else -1
    return found


def _names(copy: Copy) -> set[str]:
    body = copy.object.body
    return {spelling(each) for each in (*names_of(body), number(body)) if each}


def relate(
    unit: Connection, us: Us, actor: Actor, copy: Copy, page: tuple[int, int] = (1000, 0)
) -> list[Related]:
    """Return what an object names, and what names it, the newest first, as far as the actor may read."""
    rows = visible(us, actor)
    names = list(references(copy.object.body))
    with within_seconds(unit, SECONDS):
        ends = newest_by_id(unit, rows, {target for _, target in names})
        referring = neighbours.naming(unit, rows, copy.object.id, page)
    found = [
        Related(direction="to", pointer=pointer, id=target, copy=ends.get(target))
        for pointer, target in names
    ]
    for other in referring:
        found += [
            Related(direction="from", pointer=pointer, id=other.object.id, copy=other)
            for pointer, target in references(other.object.body)
            if target == copy.object.id
        ]
    return found


def beside(
    unit: Connection, us: Us, actor: Actor, copy: Copy, page: tuple[int, int] = (50, 0)
) -> tuple[list[Neighbour], int]:
    """Return the neighbours of an object as far as the actor may read, and the number to go on after; 0: no more.

    First what it names; then what names it or is tied to it, the newest tie first.

    Args:
        page: how many of the latter at most, and the number of the last one of the page before.
    """
    rows = visible(us, actor)
    own, (limit, before) = copy.object.id, page
    with within_seconds(unit, SECONDS):
        referring = neighbours.naming(unit, rows, own, page)
        named = [] if before else list(references(copy.object.body))
        ends = {each.seq: _other_end(each, own) for each in referring}
        held = newest_by_id(unit, rows, {*(id_ for _, id_ in named), *filter(None, ends.values())})
    found = [
        Neighbour(direction="to", tie=pointer.strip("/"), via=None, id=id_, copy=held.get(id_))
        for pointer, id_ in named
    ]
    for each in referring:
        other, body = ends[each.seq], each.object.body
        if other:
            direction = "to" if body["source_ref"] == own else "from"
            tie = str(body["relationship_type"])
            end = held.get(other)
            found.append(Neighbour(direction=direction, tie=tie, via=each, id=other, copy=end))
            continue
        pointer = next(pointer for pointer, id_ in references(body) if id_ == own)
        tie = pointer.strip("/")
        found.append(Neighbour(direction="from", tie=tie, via=None, id=each.object.id, copy=each))
    return found, referring[-1].seq if len(referring) == limit else 0


def _other_end(copy: Copy, id_: str) -> str:
    """Return what a relationship ties to ``id_``; empty if it is none, or names it otherwise."""
    if copy.object.type != "relationship":
        return ""
    source, target = (str(copy.object.body[end]) for end in ("source_ref", "target_ref"))
    return {source: target, target: source}.get(id_, "")


def newest_by_id(unit: Connection, rows: Rows, ids: Iterable[str]) -> dict[str, Copy]:
    """Return, by id, the newest version of some objects."""
    found: dict[str, Copy] = {}
    for some in objects.named(rows, ids):
        for copy in objects.load(unit, some):
            before = found.get(copy.object.id)
            if before is None or moment(before.object.version) < moment(copy.object.version):
                found[copy.object.id] = copy
    return found
