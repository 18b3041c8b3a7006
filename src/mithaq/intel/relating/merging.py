"""What is the same thing, by whatever voucher: a view, made anew each time, that changes no object.

The keys of an object (``alike``) say what is the same; judgements of people say otherwise, and each can be undone.
All of it is worked out from what the actor may read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.peers import administrative
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.intel.finding import SECONDS, visible
from mithaq.intel.relating.alike import Key, Keys, Library, asked, keys
from mithaq.model.canonical import Json
from mithaq.model.named import is_of_set
from mithaq.model.objects import IDENTIFIER
from mithaq.model.observed import read
from mithaq.model.values import Value
from mithaq.store import judgements, objects, sets, texts, values
from mithaq.store.bounds import TookTooLong, within_seconds
from mithaq.store.judgements import Judgement
from mithaq.store.objects import Copy, Rows
from mithaq.store.sources import all_sources
from mithaq.store.texts import Wanted

MOST = 500  # copies that are looked at for all names, or for a value; more are said to be more
COMMON = 20  # objects of one name: such a name ties nothing
_LONGEST_WHY = 1000


class OneThing(InputError):
    """Two names are of one object."""

    code = "same-object"


class JudgedAlready(Conflict):
    """Somebody judged the two, or undid it."""

    code = "judged-already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One thing by which two objects are the same."""

    kind: str  # as of a key, or judged
    by: str  # what led there: a name, a number, a value; the number of a judgement
    entity: str = ""  # of a set, where that stands between them


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An object that is the same as the one that was asked about, as each voucher gave it."""

    id: str
    copies: Sequence[Copy]
    why: Sequence[Why]


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """All that is the same as something; first what was asked about, if that is an object."""

    members: Sequence[Member]
    apart: Sequence[Judgement] = ()  # that keep objects away which share something
    unsure: Mapping[str, Sequence[str]] | None = None  # names that lead to several things
    common: Sequence[str] = ()  # names that too many bear
    more: bool = False  # there is more than is looked at


def same_as(unit: Connection, us: Us, actor: Actor, id_: str) -> Same:
    """Return what is the same as an object.

    Raises:
        NotFound: there is none this actor may read. TookTooLong: too much may be the same.
    """
    rows = visible(us, actor)
    with within_seconds(unit, SECONDS):
        own = _newest(unit, rows, [id_])
        if not own:
            raise NotFound(f"nothing here by the name {id_!r} that {actor.name} may read", id=id_)
        return _View(unit, rows).of(id_, own)


def others(unit: Connection, us: Us, actor: Actor, copy: Copy) -> list[str]:
    """Return the ids of what else is the same thing as an object; none, if that cannot soon be said."""
    try:
        return [each.id for each in same_as(unit, us, actor, copy.object.id).members[1:]]
    except TookTooLong:
        return []


def same_value(unit: Connection, us: Us, actor: Actor, value: Value) -> Same:
    """Return what says exactly one value, and nothing else."""
    rows = visible(us, actor)
    with within_seconds(unit, SECONDS):
        known = values.known(unit, rows, value, MOST + 1)
        view = _View(unit, rows)
        some = [each.copy for each in known if each.exactly]
        told = view.keys(some)
        wanted = [copy for copy in some if any(key.kind == "value" for key in told[copy.seq].of)]
        why = [Why(kind="value", by=value.text)]
        members = [Member(id=i, copies=c, why=why) for i, c in _by_id(wanted).items()]
        return Same(members=members, more=len(known) > MOST)


def merged(unit: Connection, us: Us, actor: Actor, some: Sequence[Copy]) -> list[list[Copy]]:
    """Put those of some copies together that are the same as the first of them; none is left out.

    Like ``same_as`` it goes one step: each is held against the first of a list, not against the rest.
    """
    rows = visible(us, actor)
    with within_seconds(unit, SECONDS):
        view = _View(unit, rows)
        some = list({copy.seq: copy for copy in some}.values())
        told = view.keys(some)
        said = view.judged({copy.object.id for copy in some})
    lists: list[list[Copy]] = []
    for copy in some:
        for each in lists:
            first = each[0]
            verdict = said.get(frozenset({first.object.id, copy.object.id}))
            shared = told[first.seq].of.keys() & told[copy.seq].of.keys()
            if verdict.same if verdict else shared:
                each.append(copy)
                break
        else:
            lists.append([copy])
    return lists


def voices(unit: Connection, some: Iterable[Copy]) -> dict[int, str]:
    """Return how reliable the source of each copy is said to be, A to F; empty where nothing is said."""
    known = all_sources(unit)
    of = {name: source.reliability for name, source in known.items()}
    return {copy.seq: of.get(copy.voucher, "") for copy in some}


class _View:
    """What is the same, among what may be read."""

    def __init__(self, unit: Connection, rows: Rows) -> None:
        self._unit, self._rows = unit, rows

    def keys(self, some: Iterable[Copy]) -> dict[int, Keys]:
        """Return the keys of copies, by their numbers."""
        listed = list(some)
        library = self._library(listed)
        return {copy.seq: keys(copy.object.body, library) for copy in listed}

    def _library(self, some: Iterable[Copy]) -> Library:
        what, ids = asked(copy.object.body for copy in some)
        known = sets.names(self._unit, what, ids)
        after = [each.id for each in known]
        return Library([*known, *sets.names(self._unit, after)])

    def judged(self, ids: Iterable[str]) -> dict[frozenset[str], Judgement]:
        """Return what counts of what was judged of some ids, by the two ends."""
        some = judgements.visible(self._unit, self._rows, ids)
        return {frozenset({e.first, e.second}): e for e in reversed(some) if not e.undone_at}

    def of(self, id_: str, own: Sequence[Copy]) -> Same:
        """Return what is the same as an object."""
        mine: dict[Key, str] = {}
        unsure: dict[str, Sequence[str]] = {}
        for each in self.keys(own).values():
            mine = {**each.of, **mine}
            unsure |= each.unsure
        found, more = self._candidates(mine)
        said = self.judged([id_])
        joined = {e.other(id_) for e in said.values() if e.same}
        found += _newest(self._unit, self._rows, joined - {copy.object.id for copy in found})
        told = self.keys(found)
        shared: dict[str, set[Key]] = defaultdict(set)
        for copy in found:
            shared[copy.object.id] |= told[copy.seq].of.keys() & mine.keys()
        common = _common(shared)
        members, apart = [Member(id=id_, copies=_ordered(own), why=())], []
        for other, copies in _by_id(found).items():
            verdict = said.get(frozenset({id_, other}))
            ties = shared[other] - common
            if other == id_ or not (ties or verdict):
                continue
            if verdict is not None and not verdict.same:
                apart.append(verdict)
                continue
            why = [_why(key, mine[key]) for key in sorted(ties)]
            if verdict is not None:
                why.append(Why(kind="judged", by=str(verdict.seq)))
            members.append(Member(id=other, copies=copies, why=why))
        names = sorted(mine[key] for key in common)
        return Same(members=members, apart=apart, unsure=unsure, common=names, more=more)

    def _candidates(self, mine: Mapping[Key, str]) -> tuple[list[Copy], bool]:
        """Return what may share one of the keys, and whether there is more than is looked at.

        All names and numbers are looked for at once: what was not read out yet is gone through once.
        """
        names = [by for key, by in mine.items() if key.kind == "name"]
        numbers = [key.text for key in mine if key.kind == "number"]
        ids = [key.text for key in mine if key.kind in {"id", "entity"}]
        entities = [key.text for key in mine if key.kind == "entity"]
        before = [e.what for e in sets.names(self._unit, (), entities) if e.how == "revoked"]
        for each in sets.names(self._unit, (), [*entities, *before]) if entities else ():
            if each.how != "revoked":
                (numbers if each.how == "number" else names).append(each.what)
        found = _newest(self._unit, self._rows, [*ids, *before])
        lists = [self._of_value(key) for key in mine if key.kind == "value"]
        if names or numbers:
            wanted = Wanted(called=sorted(set(names)), numbered=sorted(set(numbers)))
            lists.append(texts.search(self._unit, self._rows, wanted, (MOST + 1, 0)))
        found += [copy for each in lists for copy in each[:MOST]]
        unique = {copy.seq: copy for copy in found}
        return list(unique.values()), any(len(each) > MOST for each in lists)

    def _of_value(self, key: Key) -> list[Copy]:
        value = read(key.text) if key.family == "hash" else Value(key.family, key.text)
        known = values.known(self._unit, self._rows, value, MOST + 1) if value else []
        return [each.copy for each in known if each.exactly]


def _newest(unit: Connection, rows: Rows, ids: Iterable[str]) -> list[Copy]:
    """Return the newest version that each voucher gave of some objects."""
    found = [
        copy for each in objects.named(texts.newest(rows), ids) for copy in objects.load(unit, each)
    ]
    return _ordered(found)


def _ordered(some: Iterable[Copy]) -> list[Copy]:
    return sorted(some, key=lambda copy: (copy.object.id, copy.voucher, copy.seq))


def _by_id(some: Iterable[Copy]) -> dict[str, list[Copy]]:
    found: dict[str, list[Copy]] = {}
    for copy in _ordered({copy.seq: copy for copy in some}.values()):
        found.setdefault(copy.object.id, []).append(copy)
    return found


def _common(shared: Mapping[str, set[Key]]) -> set[Key]:
    """Return the names that too many objects bear to say that they are one thing."""
    borne = Counter(key for each in shared.values() for key in each if key.kind == "name")
    return {key for key, count in borne.items() if count > COMMON}


def _why(key: Key, by: str) -> Why:
    return Why(kind=key.kind, by=by, entity=key.text if key.kind == "entity" else "")


# --- judgements ----------------------------------------------------------------------------------------
def judge(  # noqa: PLR0913 unit, us, actor and now come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    ends: tuple[str, str],
    now: datetime,
    *,
    same: bool,
    why: str,
) -> Judgement:
    """Say that two objects are the same thing, or that they are not; no object changes, and nothing crosses a border.

    Raises:
        Forbidden: the actor may not write. NotFound: they may read neither or one alone.
        OneThing: both are one id. JudgedAlready: that is said of them.
    """
    require(actor, Permission.OBJECT_ADD)
    first, second = sorted(ends)
    if first == second:
        raise OneThing("both are one object: its copies are the same thing by their id", id=first)
    rows = visible(us, actor)
    seen: list[int] = []
    for id_ in (first, second):
        copies = _newest(unit, rows, [id_]) if IDENTIFIER.fullmatch(id_) else []
        if not copies:
            raise NotFound(f"nothing here by the name {id_!r} that {actor.name} may read", id=id_)
        seen += [copy.seq for copy in copies if not is_of_set(copy.voucher)]
    standing = _View(unit, rows).judged([first]).get(frozenset({first, second}))
    if standing is not None:
        raise JudgedAlready(
            f"judgement {standing.seq} says something of the two: undo it first",
            number=standing.seq,
        )
    made = Judgement(
        first=first,
        second=second,
        same=same,
        why=_reason(why),
        author=actor.name,
        at=text(now),
        seen=seen,
    )
    made = replace(made, seq=judgements.put(unit, made))
    _log(unit, now, "judged", made, actor)
    return made


def undo(unit: Connection, us: Us, actor: Actor, seq: int, why: str, now: datetime) -> Judgement:  # noqa: PLR0913 as above
    """Let a judgement count no more; it stays on record.

    Raises:
        Forbidden: the actor may not write. NotFound: there is none they may read. JudgedAlready: it was undone.
    """
    require(actor, Permission.OBJECT_ADD)
    found = judgements.visible(unit, visible(us, actor), seq=seq)
    if not found:
        raise NotFound(f"no judgement {seq} that {actor.name} may read", number=seq)
    [standing] = found
    if standing.undone_at:
        raise JudgedAlready(f"judgement {seq} was undone", number=seq)
    undone = replace(standing, undone_by=actor.name, undone_at=text(now), undone_why=_reason(why))
    judgements.undo(unit, seq, actor.name, undone.undone_at, undone.undone_why)
    _log(unit, now, "judgement-undone", undone, actor)
    return undone


def judged(unit: Connection, us: Us, actor: Actor) -> list[Judgement]:
    """Return what was judged, and undone, as far as the actor may read what it was made from."""
    return judgements.visible(unit, visible(us, actor))


def _reason(why: str) -> str:
    if not why.strip() or len(why) > _LONGEST_WHY:
        raise InputError(f"a judgement has a reason of up to {_LONGEST_WHY} characters")
    return why.strip()


def _log(unit: Connection, now: datetime, kind: str, what: Judgement, actor: Actor) -> None:
    facts: dict[str, Json] = {"by": actor.name, "other": what.second, "same": what.same}
    administrative(unit, now, kind, what.first, facts | {"number": what.seq})
