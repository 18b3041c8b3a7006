"""Requests to partners for what is wanting, and their replies; both go out by ``border.publish`` like anything else.

A request is a note of ours, a reply a note of the partner's (``model.requests``). How a request stands is read from the
replies that there are. What a reply names is tagged to the requirement that the request was made for.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import agreements, publish
from mithaq.border.publish import Outcome
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.intel.authoring import drafts
from mithaq.intel.authoring.drafts import MARKINGS
from mithaq.intel.authoring.writing import Draft, Terms, identity, new, store
from mithaq.intel.finding import visible
from mithaq.intel.keeping.service import versions
from mithaq.intel.needs import requirements
from mithaq.intel.needs.requirements import Requirement
from mithaq.model import found as by
from mithaq.model import requests as form
from mithaq.model.labels import Beside, Tlp
from mithaq.model.requests import Reply, Request
from mithaq.store import objects, texts, watching
from mithaq.store import requirements as kept
from mithaq.store.matching import Query
from mithaq.store.objects import Copy
from mithaq.store.requirements import OPEN, Asked
from mithaq.store.texts import Wanted

MOST = 1000  # requests looked at, newest first
REQUEST = "request"  # a requirement's watch of this kind looks for replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asks partners for."""

    to: Sequence[str]  # parties
    question: str
    needed_by: str = ""
    about: Sequence[str] = ()  # objects: ids or numbers
    agreements: Sequence[str] = ()  # empty: the one in force with each
    beside: Beside = Beside(tlp=Tlp.AMBER_STRICT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A request as it would go, for a person to look at before."""

    draft: Draft
    to: Sequence[str]
    agreements: Sequence[str]
    needed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a request stands, as far as the reader may read."""

    note: Copy
    request: Request
    state: str  # open | withdrawn | answered | nothing | declined
    replies: Mapping[str, tuple[Reply, Copy]]  # by party: the newest of each


# --- what we ask ---------------------------------------------------------------------------------------
def ask(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, one: Requirement, wish: Wish, now: datetime
) -> Asking:
    """Return what partners would be asked; nothing is written.

    It is for them alone: whoever else is a party of the agreement gets nothing.

    Raises:
        Forbidden: the actor may not write. Conflict: the requirement is not open.
        InputError: there is no question, nobody to ask, or no agreement to ask under.
        NotFound: it is about what the actor may not read.
    """
    require(actor, Permission.OBJECT_ADD)
    if one.row.state != OPEN:
        raise Conflict(f"{one.name} is {one.row.state}", name=one.name)
    if not wish.question.strip():
        raise InputError(
            "partners are asked in words: --wording, or the requirement's", cause="wording"
        )
    if wish.needed_by and wish.needed_by <= text(now):
        raise InputError("an answer cannot be needed before it is asked for", cause="needed-by")
    under = _under(unit, us, wish, now)
    about = [versions(unit, us, actor, name)[0].object.id for name in wish.about]
    return Asking(
        draft=_draft(unit, us, actor, wish, about, now),
        to=sorted(set(wish.to)),
        agreements=under,
        needed_by=wish.needed_by,
    )


def _draft(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, wish: Wish, about: Sequence[str], now: datetime
) -> Draft:
    own = identity(unit, us)
    made = Request(question=wish.question, needed_by=wish.needed_by, about=about or [own])
    only = Beside(releasable_to=frozenset(wish.to), tlp=wish.beside.tlp, pap=wish.beside.pap)
    if about:  # bears no less than these
        return new(unit, us, actor, "note", form.written(made), now, terms=Terms(beside=only))
    borne = drafts.marked((), Beside(tlp=only.tlp, pap=only.pap))
    given = {**form.written(made), MARKINGS: borne}
    beside = Beside(releasable_to=only.releasable_to)
    return Draft(object=drafts.first("note", given, own, now), beside=beside)


def _under(unit: Connection, us: Us, wish: Wish, now: datetime) -> list[str]:
    """Return the agreements under which partners are asked: one for each."""
    in_force = [held.text for held in agreements.every(unit, now) if held.text is not None]
    open_ = [each for each in in_force if us.party in each.names]
    found: dict[str, None] = {}
    for party in wish.to:
        between = [each for each in open_ if party in each.names and party != us.party]
        if wish.agreements:
            between = [each for each in between if each.id in wish.agreements]
        pairs = [each for each in between if len(each.names) == 2] or between  # noqa: PLR2004 two parties
        if len(pairs) != 1:
            listed = ", ".join(each.id for each in between) or "none"
            message = f"no agreement in force with {party}, or several ({listed}): say --agreement"
            raise InputError(message, cause="agreement")
        found[pairs[0].id] = None
    if not found:
        raise InputError("nobody to ask", cause="to")
    return list(found)


def send(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, one: Requirement, asking: Asking, now: datetime
) -> tuple[Copy, list[Outcome]]:
    """Store a request, propose its release, and look for replies to it from now on.

    Raises:
        Forbidden: the actor may not propose releases.
    """
    require(actor, Permission.RELEASE_PROPOSE)
    copy = store(unit, us, actor, asking.draft, now)
    query = Query(topics=(by.of_request(copy.object.id),))
    kept.add_watch(unit, one.name, watching.watch(unit, query), REQUEST)
    said = Asked(
        id=copy.object.id,
        requirement=one.name,
        parties=",".join(asking.to),
        agreements=",".join(asking.agreements),
        needed_by=asking.needed_by,
        by=actor.name,
        at=text(now),
    )
    kept.ask(unit, said)
    requirements.act(unit, actor, one, "asked", now, parties=list(asking.to), object=copy.object.id)
    return copy, [
        publish.publish(unit, us, actor.name, [copy.seq], under, now) for under in asking.agreements
    ]


def tried(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, one: Requirement, asking: Asking, now: datetime
) -> tuple[Copy, list[Outcome]]:
    """Return what would come of a request at the border; nothing of it is kept."""
    nested = unit.begin_nested()
    try:
        return send(unit, us, actor, one, asking, now)
    finally:
        nested.rollback()


def asked(
    unit: Connection, us: Us, actor: Actor, names: Sequence[str]
) -> list[tuple[Asked, Standing]]:
    """Return what we asked partners for, for some requirements, as far as the actor may read it, newest first."""
    sent = kept.asked_for(unit, names)
    found = _standing(unit, us, actor, _newest(unit, us, actor, {each.id for each in sent}))
    by_id = {each.note.object.id: each for each in found}
    return [(each, by_id[each.id]) for each in sent if each.id in by_id]


def asked_of(unit: Connection, us: Us, actor: Actor, party: str, since: str) -> list[Standing]:
    """Return what we asked a partner for from an instant on, as far as the actor may read it."""
    ids = kept.requests_to(unit, party, since)
    return _standing(unit, us, actor, _newest(unit, us, actor, ids))


def _newest(unit: Connection, us: Us, actor: Actor, ids: Collection[str]) -> list[Copy]:
    rows = texts.newest(visible(us, actor))
    return [copy for some in objects.named(rows, ids) for copy in objects.load(unit, some)]


# --- what we are asked ---------------------------------------------------------------------------------
def received(unit: Connection, us: Us, actor: Actor, *, every: bool = False) -> list[Standing]:
    """Return what others ask us, newest first: what is open, or ``every`` request."""
    wanted = Wanted(type="note", labels=(form.REQUEST,))
    found = texts.search(unit, visible(us, actor), wanted, (MOST, 0))
    notes = [copy for copy in found if copy.standing == "received"]
    return [each for each in _standing(unit, us, actor, notes) if every or each.state == "open"]


def request(unit: Connection, us: Us, actor: Actor, name: str) -> Standing:
    """Return one that others ask us, by its id or number.

    Raises:
        NotFound: there is none such that the actor may read.
    """
    id_ = versions(unit, us, actor, name)[0].object.id
    notes = [copy for copy in versions(unit, us, actor, id_) if copy.standing == "received"]
    found = _standing(unit, us, actor, notes[:1])
    if not found:
        raise NotFound(f"{name!r} is no request to us", id=name)
    return found[0]


def _standing(unit: Connection, us: Us, actor: Actor, notes: Sequence[Copy]) -> list[Standing]:
    said = replies(unit, us, actor, [note.object.id for note in notes])
    found: list[Standing] = []
    for note in notes:
        made = form.read(note.object.body)
        if made is None:
            continue
        given = said.get(note.object.id, {})
        ours = given.get(us.party)
        state = "withdrawn" if note.object.body.get("revoked") is True else "open"
        if note.standing == "received" and ours is not None:
            state = ours[0].outcome
        found.append(Standing(note=note, request=made, state=state, replies=given))
    return found


def replies(
    unit: Connection, us: Us, actor: Actor, ids: Iterable[str]
) -> dict[str, dict[str, tuple[Reply, Copy]]]:
    """Return, by request and party, the newest reply that the actor may read; a reply is its owner's own word."""
    rows = texts.newest(visible(us, actor))
    found: dict[str, dict[str, tuple[Reply, Copy]]] = {}
    for some in objects.numbered(rows, objects.referring_to(unit, ids)):
        for copy in sorted(objects.load(unit, some), key=lambda each: each.seq):
            said = form.read_reply(copy.object.body)
            party = us.party if copy.standing == "own" else copy.owner
            if said is not None and party and copy.object.body.get("revoked") is not True:
                found.setdefault(said.request, {})[party] = (said, copy)
    return found


def no_answers(unit: Connection, us: Us, actor: Actor) -> set[str]:
    """Return the ids of what answers nothing, whatever it says: our requests, and replies that nothing is known."""
    asked_ = set(kept.request_ids(unit))
    said = replies(unit, us, actor, asked_)
    return asked_ | {
        copy.object.id
        for given in said.values()
        for reply_, copy in given.values()
        if reply_.outcome != "answered"
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Replying:
    """A reply as it would go, and what goes along."""

    draft: Draft
    objects: Sequence[Copy]
    to: str
    agreement: str


def answer(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, to: Standing, said: Reply, now: datetime
) -> Replying:
    """Return what would be replied to whoever asks, them alone; nothing is written.

    It bears what the request bears at least, and what each object it names bears.

    Raises:
        Forbidden, NotFound: the actor may not write, or may not read what is named.
        InputError: it says nothing. Conflict: the request was withdrawn.
    """
    require(actor, Permission.OBJECT_ADD)
    if to.state == "withdrawn":
        raise Conflict("the request was withdrawn", object=to.note.object.id)
    if not said.text.strip():
        raise InputError("a reply says something: --text", cause="text")
    along = [versions(unit, us, actor, name)[0] for name in said.objects]
    party = to.note.owner or to.note.voucher
    named = [copy.object.id for copy in along]
    made = Reply(request=to.note.object.id, outcome=said.outcome, text=said.text, objects=named)
    terms = Terms(beside=Beside(releasable_to=frozenset({party})))
    draft = new(unit, us, actor, "note", form.reply(made), now, terms=terms)
    return Replying(draft=draft, objects=along, to=party, agreement=to.note.agreement)


def reply(
    unit: Connection, us: Us, actor: Actor, replying: Replying, now: datetime
) -> tuple[Copy, Outcome]:
    """Store a reply, and propose its release with what it names under the agreement that the request came under.

    Raises:
        Forbidden: the actor may not propose releases. Conflict: the agreement is not in force.
    """
    require(actor, Permission.RELEASE_PROPOSE)
    copy = store(unit, us, actor, replying.draft, now)
    seqs = [copy.seq, *(each.seq for each in replying.objects)]
    return copy, publish.publish(unit, us, actor.name, seqs, replying.agreement, now)


def reply_tried(
    unit: Connection, us: Us, actor: Actor, replying: Replying, now: datetime
) -> tuple[Copy, Outcome]:
    """Return what would come of a reply at the border; nothing of it is kept."""
    nested = unit.begin_nested()
    try:
        return reply(unit, us, actor, replying, now)
    finally:
        nested.rollback()


def waiting(
    unit: Connection, us: Us, actor: Actor, names: Sequence[str]
) -> list[tuple[str, list[str]]]:
    """Return, for each request made for some requirements, until when it was to be answered and who has not."""
    sent = kept.asked_for(unit, names)
    said = replies(unit, us, actor, [each.id for each in sent])
    found = [
        (each.needed_by, sorted(set(each.parties.split(",")) - said.get(each.id, {}).keys()))
        for each in sent
    ]
    return [(until, parties) for until, parties in found if parties]
