"""Proposals: what we would change of a partner's object goes to its owner alone, and what others propose comes to us.

A proposal is a note of ours, an answer an opinion of the owner's (``model.proposals``). Both go out by
``border.publish`` like anything else. How a proposal stands is read from the answers that there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import agreements, publish
from mithaq.border.publish import Outcome
from mithaq.border.us import Us
from mithaq.errors import Conflict, InputError, NotFound, Refused
from mithaq.intel.authoring import drafts
from mithaq.intel.authoring.drafts import Fields, NoSuchField, changes
from mithaq.intel.authoring.writing import Draft, Terms, new, revised, store
from mithaq.intel.finding import visible
from mithaq.intel.keeping.service import versions
from mithaq.model import proposals as form
from mithaq.model.canonical import Json
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import moment, references
from mithaq.model.proposals import PROPOSAL, Proposal, Reply
from mithaq.policy.agreement import Agreement
from mithaq.store import objects, parties, provenance, releases, texts
from mithaq.store.engine import append_lock
from mithaq.store.objects import Copy
from mithaq.store.texts import Wanted

MOST = 1000  # proposals looked at, newest first


class NoOwner(Refused):
    """Nobody could take a proposal: it is ours, or no partner of ours owns it."""

    code = "no-owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person proposes to the owner of an object."""

    name: str  # of the object: its id or number
    fields: Fields
    why: str
    named: bool = False  # we may be named as those who proposed it
    agreement: str = ""  # that it goes under; empty: the one that the object came under


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A proposal as it would go, for a person to look at before."""

    draft: Draft
    target: Copy
    to: str
    agreement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a proposal stands, as far as the reader may read."""

    note: Copy
    proposal: Proposal
    party: str  # who proposes, or to whom we did
    target: Copy | None  # the newest version of the object here
    state: str  # open | taken | declined | withdrawn
    answer: Copy | None
    since: Sequence[str]  # fields that changed since the version that was read
    stale: bool  # the object has a newer version than was read


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What came of a decision: the version that took it, if it was taken; the answer, and what became of that."""

    version: Copy | None
    answer: Copy
    sent: Outcome | None


# --- ours, to others -------------------------------------------------------------------------------------
def propose(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    asked: Asked,
    now: datetime,
    *,
    beside: Beside | None = None,
) -> Proposed:
    """Return what would be proposed to the owner of an object; nothing is written.

    It is for the owner alone, and at least AMBER unless a person says less: whoever receives AMBER passes it on with
    our consent only. It is never below what the object bears.

    Raises:
        Forbidden, NotFound: the actor may not write, or may not read the object.
        NoOwner: it is ours, or no partner of ours owns it. Conflict: the agreement is not in force.
        InputError: what is proposed would make no object, changes nothing, or names what the owner may lack.
    """
    require(actor, Permission.OBJECT_ADD)
    target = versions(unit, us, actor, asked.name)[0]
    to = _owner(unit, us, target)
    for name in asked.fields:
        if name in form.NEVER:
            raise NoSuchField(f"/{name}: only its owner says that", where=f"/{name}")
    drafts.later(target.object, asked.fields, now)
    _known_there(unit, target, asked.fields, to)
    agreement = asked.agreement or target.agreement
    terms = publish.text_in_force(unit, agreement, now)
    if to not in terms.names:
        raise InputError(f"{to} is no party to {agreement}; say --agreement", agreement=agreement)
    made = Proposal(
        target=target.object.id,
        version=target.object.version,
        fields=asked.fields,
        why=asked.why,
        named=asked.named,
    )
    return Proposed(
        draft=_for_one(
            unit, us, actor, ("note", form.written(made)), (to, beside or Beside()), now
        ),
        target=target,
        to=to,
        agreement=agreement,
    )


def _for_one(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    text: tuple[str, Fields],
    for_: tuple[str, Beside],
    now: datetime,
) -> Draft:
    """Return a text that one party alone may have, at AMBER if no level is given and what it is about bears less."""
    type_, fields = text
    party, beside = for_
    only = Beside(releasable_to=frozenset({party}), tlp=beside.tlp, pap=beside.pap)
    draft = new(unit, us, actor, type_, fields, now, terms=Terms(beside=only))
    level = drafts.level_of(draft.object)
    if beside.tlp is None and (level is None or level < Tlp.AMBER):
        amber = Beside(releasable_to=only.releasable_to, tlp=Tlp.AMBER, pap=beside.pap)
        draft = new(unit, us, actor, type_, fields, now, terms=Terms(beside=amber))
    return draft


def _owner(unit: Connection, us: Us, target: Copy) -> str:
    """Return the partner that owns an object."""
    owner = target.owner
    if target.standing == "own" or owner == us.party:
        raise NoOwner("it is ours: change it with `mithaq object set`", object=target.object.id)
    confirmed = {peer.name for peer in parties.all_peers(unit) if peer.state == "confirmed"}
    if owner not in confirmed:
        said = owner or target.object.created_by
        if not said and ":" not in target.voucher:  # a nation's, of a file or a feed of its own
            given = f"{target.voucher} passed it on and owns it as little as we do"
            raise NoOwner(given, object=target.object.id)
        said = said or target.voucher
        raise NoOwner(f"its owner is no partner of ours: {said}", object=target.object.id)
    return owner


def _known_there(unit: Connection, target: Copy, fields: Fields, to: str) -> None:
    """Go on only if the owner knows what the fields name: cut out, it would be another proposal."""
    here = {id_ for _, id_ in references(target.object.body)}
    named = {id_: at for at, id_ in references({n: v for n, v in fields.items() if v is not None})}
    lacking = named.keys() - here - {target.object.id}
    lacking -= {row.id for row in releases.rows_of_ids(unit, lacking) if row.peer == to}
    lacking -= {
        id_ for _, voucher, id_, _ in provenance.versions_of(unit, lacking) if voucher == to
    }
    for id_ in sorted(lacking):
        raise InputError(
            f"{named[id_]}: {to} may lack what it names; release that first", object=id_
        )


def send(
    unit: Connection, us: Us, actor: Actor, proposed: Proposed, now: datetime
) -> tuple[Copy, Outcome]:
    """Store a proposal and propose its release to the owner.

    Raises:
        Forbidden: the actor may not propose releases.
    """
    require(actor, Permission.RELEASE_PROPOSE)
    copy = store(unit, us, actor, proposed.draft, now)
    return copy, publish.publish(unit, us, actor.name, [copy.seq], proposed.agreement, now)


# --- how they stand --------------------------------------------------------------------------------------
def proposals(
    unit: Connection, us: Us, actor: Actor, *, sent: bool = False, every: bool = False
) -> list[Standing]:
    """Return what others propose to us, or we to them, newest first: what is open, or ``every`` one."""
    wanted = Wanted(type="note", labels=(PROPOSAL,))
    found = texts.search(unit, visible(us, actor), wanted, (MOST, 0))
    notes = [copy for copy in found if (copy.standing == "own") == sent and copy.voucher]
    standing = _standing(unit, us, actor, notes)
    return [each for each in standing if every or each.state == "open"]


def proposal(unit: Connection, us: Us, actor: Actor, name: str) -> Standing:
    """Return one proposal, by its id or number.

    Raises:
        NotFound: there is none such that the actor may read.
    """
    note = versions(unit, us, actor, name)[0]
    note = versions(unit, us, actor, note.object.id)[0]  # the proposer may have changed it
    found = _standing(unit, us, actor, [note])
    if not found:
        raise NotFound(f"{name!r} proposes nothing that concerns us", id=name)
    return found[0]


def _standing(unit: Connection, us: Us, actor: Actor, notes: Sequence[Copy]) -> list[Standing]:
    read = {note.seq: form.read(note.object.body) for note in notes}
    answers = _answers(unit, us, actor, [note.object.id for note in notes])
    ids = {proposal.target for proposal in read.values() if proposal is not None}
    rows = visible(us, actor)
    versions_: dict[str, list[Copy]] = {}
    for some in objects.named(rows, ids):
        for copy in objects.load(unit, some):
            versions_.setdefault(copy.object.id, []).append(copy)
    found: list[Standing] = []
    for note in notes:
        made = read[note.seq]
        if made is not None:
            each = _one(note, made, versions_.get(made.target, []), answers.get(note.object.id, []))
            found += [each] if each is not None else []
    return found


def _one(
    note: Copy, made: Proposal, kin: Sequence[Copy], answers: Sequence[Copy]
) -> Standing | None:
    ours = note.standing == "own"
    party = next(iter(note.beside.releasable_to or ()), "") if ours else note.voucher
    mine = sorted(
        (c for c in kin if (c.standing == "own") != ours and (not ours or c.owner == party)),
        key=lambda c: moment(c.object.version),
    )
    if not ours and not mine:
        return None  # of an object that is not ours
    said = [
        each
        for each in answers
        if (each.standing == "own") != ours and (not ours or each.owner == party)
    ]
    state, answer = _state(note, said)
    base = next((c for c in mine if c.object.version == made.version), None)
    newest = mine[-1] if mine else None
    since = [] if base is None or newest is None else changes(base.object.body, newest.object.body)
    return Standing(
        note=note,
        proposal=made,
        party=party,
        target=newest,
        state=state,
        answer=answer,
        since=[each.field for each in since],
        stale=newest is not None and newest.object.version != made.version,
    )


def _state(note: Copy, answers: Sequence[Copy]) -> tuple[str, Copy | None]:
    for copy in sorted(answers, key=lambda c: c.seq):
        reply = form.read_answer(copy.object.body)
        if reply is not None:
            return reply.outcome, copy
    return ("withdrawn" if note.object.body.get("revoked") is True else "open"), None


def _answers(
    unit: Connection, us: Us, actor: Actor, ids: Iterable[str]
) -> Mapping[str, list[Copy]]:
    """Return the answers to some proposals that the actor may read, by the note they answer."""
    seqs = objects.referring_to(unit, ids)
    found: dict[str, list[Copy]] = {}
    for some in objects.numbered(visible(us, actor), seqs):
        for copy in objects.load(unit, some):
            reply = form.read_answer(copy.object.body)
            if reply is not None:
                found.setdefault(reply.proposal, []).append(copy)
    return found


def credits_of(unit: Connection, us: Us, actor: Actor, id_: str) -> dict[str, str]:
    """Return, by version of an object of ours, which party proposed what it took."""
    notes = [
        copy
        for some in objects.numbered(visible(us, actor), objects.referring_to(unit, [id_]))
        for copy in objects.load(unit, some)
        if copy.standing == "received" and form.read(copy.object.body) is not None
    ]
    by = {note.object.id: note.voucher for note in notes}
    found: dict[str, str] = {}
    for answers in _answers(unit, us, actor, by).values():
        for copy in answers:
            reply = form.read_answer(copy.object.body)
            if reply is not None and reply.version and copy.standing == "own":
                found[reply.version] = by[reply.proposal]
    return found


# --- what we decide --------------------------------------------------------------------------------------
def taken(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    standing: Standing,
    now: datetime,
    *,
    credit: bool = False,
) -> Draft:
    """Return the version of our object that would take a proposal; nothing is written.

    It is our word and bears our marking. Who proposed it stands in our own records; in the object only if they may be
    named, and we ask for that.

    Raises:
        Conflict: it is answered or withdrawn. Refused: they may not be named.
        The rest as ``revised``.
    """
    _open(standing)
    fields = dict(standing.proposal.fields)
    if credit:
        if not standing.proposal.named:
            raise Refused("they have not said that they may be named", party=standing.party)
        body = standing.target.object.body if standing.target else {}
        before = fields.get("external_references", body.get("external_references"))
        named: Json = {"source_name": "proposal", "description": f"Proposed by {standing.party}"}
        fields["external_references"] = [*(before if isinstance(before, list) else []), named]
    return revised(unit, us, actor, standing.proposal.target, fields, now)


def settle(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    standing: Standing,
    now: datetime,
    *,
    draft: Draft | None = None,
    why: str = "",
    silent: bool = False,
) -> Settled:
    """Take a proposal by the version ``draft``, or decline it, and answer who made it, unless ``silent``.

    Raises:
        Conflict: somebody has answered it meanwhile, or written another version (``Overtaken``).
        Forbidden: the actor may not write, or not propose releases.
    """
    require(actor, Permission.OBJECT_ADD if silent else Permission.RELEASE_PROPOSE)
    append_lock(unit, "copies")
    if any(
        _is_answer(copy)
        for copy in objects.by_seq(unit, objects.referring_to(unit, [standing.note.object.id]))
    ):
        raise Conflict("somebody has answered it meanwhile", object=standing.note.object.id)
    _open(standing)
    version = None if draft is None else store(unit, us, actor, draft, now)
    reply = Reply(
        proposal=standing.note.object.id,
        outcome="declined" if version is None else "taken",
        why=why,
        version="" if version is None else version.object.version,
    )
    text = ("opinion", form.answer(reply))
    answer = store(
        unit, us, actor, _for_one(unit, us, actor, text, (standing.party, Beside()), now), now
    )
    under = None if silent else _in_force(unit, standing, now)
    sent = publish.publish(unit, us, actor.name, [answer.seq], under.id, now) if under else None
    return Settled(version=version, answer=answer, sent=sent)


def _is_answer(copy: Copy) -> bool:
    return copy.standing == "own" and form.read_answer(copy.object.body) is not None


def _open(standing: Standing) -> None:
    if standing.state != "open":
        raise Conflict(f"it is {standing.state} already", object=standing.note.object.id)


def _in_force(unit: Connection, standing: Standing, now: datetime) -> Agreement | None:
    """Return the text that a proposal came under, if that is in force still."""
    return agreements.held(unit, standing.note.agreement, now).text
