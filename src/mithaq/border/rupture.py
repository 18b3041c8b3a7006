"""Breaking off with a partner: one act that suspends it everywhere, and the way back.

Every shelf of the party is closed and every agreement with it alone is suspended in one transaction; in an
agreement of many it alone gets nothing any more. Whoever may pass on what is ours to it is told by a signed notice,
and consents to do so are taken back. The line stays open for recalls, receipts and notices (border.md 3.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border import agreements, blocks, consent, opening, peers, signing, touched
from mithaq.border.channels import send_document
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, NotFound, Refused
from mithaq.model.canonical import Json
from mithaq.policy.agreement import Agreement
from mithaq.policy.lifecycle import State, may
from mithaq.seal.envelope import Envelope, sign, signed_by
from mithaq.seal.keys import Signer
from mithaq.seal.messages import (
    RETURN,
    RUPTURE,
    BadMessage,
    Return,
    Rupture,
    decode,
    encode,
)
from mithaq.store import blocks as store
from mithaq.store import consents, parties, recalls, releases
from mithaq.store.blocks import LIFTED, STANDING, RuptureRow
from mithaq.store.journal import keep

MOST_TOLD = 512  # parties that one peer may name: only so many can be partners of anybody


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What breaking off with a party comes to; nothing is written to find it out."""

    party: str
    suspended: Sequence[str]  # agreements with it alone
    closed: Sequence[str]  # agreements of many in which it alone gets nothing more
    told: Sequence[str]  # who may pass on what is ours to it
    rows: int  # that stand on its shelves
    released: int  # views it was ever given and has not been asked to give back
    consents: int  # that are taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why we break off, for the record here; the party is told the fact alone."""

    reason: str
    basis: str = ""


def reach(unit: Connection, us: Us, party: str, now: datetime) -> Reach:
    """Say what breaking off with a party would come to.

    Raises:
        NotFound: there is no such peer; Conflict: we have broken off with it already.
    """
    parties.peer(unit, party)
    if party in store.broken_off(unit, us.party):
        raise Conflict(f"we have broken off with {party!r} already", party=party)
    alone, many = _agreements(unit, us, party, now)
    return Reach(
        party=party,
        suspended=[held.id for held in alone],
        closed=[held.id for held in many],
        told=_relays(unit, us, party, now),
        rows=len(releases.rows_of_peer(unit, party)),
        released=recalls.count_held(unit, party),
        consents=len(_given_for(unit, us, party)),
    )


def declare(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection, us: Us, party: str, why: Why, now: datetime, *, by: str
) -> Reach:
    """Break off with a party: from the end of this unit nothing goes there, whatever was agreed.

    Raises:
        NotFound: there is no such peer; Conflict: we have broken off with it already.
    """
    found = reach(unit, us, party, now)
    envelope = _notice(us, party, "break", now)
    row = RuptureRow(
        by=us.party,
        party=party,
        suspended=",".join(found.suspended),
        told=",".join(found.told),
        reason=why.reason,
        basis=why.basis,
        person=by,
        issued=text(now),
        envelope=envelope,
        at=text(now),
    )
    store.put_rupture(unit, row)
    opening.shut(unit, parties.peer(unit, party))
    for name in found.suspended:
        signing.narrow(unit, us, name, "suspend", now, by=by)
    _tell(unit, us, {party, *found.told}, envelope, now)
    consent.withdraw(unit, us, blocks.of_rupture(us, row), now, by=by)
    touched.decide_again(unit, blocks.of_rupture(us, row), [now], state="held")
    facts: dict[str, Json] = {"by": by, "reason": why.reason, "basis": why.basis}
    facts |= {"suspended": [*found.suspended], "closed": [*found.closed], "told": [*found.told]}
    peers.administrative(unit, now, "rupture", party, facts)
    return found


def lift(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    party: str,
    second: tuple[str, Signer],
    now: datetime,
    *,
    by: str,
) -> RuptureRow:
    """Deal with a party again, which takes two persons; what our rupture suspended goes on as far as it may.

    Nothing goes by this act itself: each agreement opens at the next look, with all decided anew.

    Raises:
        NotFound: we have not broken off with it; Refused: the second person is the first, or the key is not theirs.
    """
    row = store.latest(unit, us.party, party)
    if row is None or row.state != STANDING:
        raise NotFound(f"we have not broken off with {party!r}", party=party)
    name, signer = second
    keys = {actor.name: actor.public for actor in parties.all_actors(unit)}
    if keys.get(name) != signer.public:
        raise Refused("that key is not this person's", actor=name)
    if name == by:
        raise Refused("who lifts it cannot be the second person", actor=name)
    yes = Return(realm=us.realm, person=name, party=party, since=row.issued, issued=text(now))
    agreed = sign(RETURN, encode(yes), signer).to_bytes().decode()
    envelope = _notice(us, party, "lift", now)
    ended = RuptureRow(
        by=us.party,
        party=party,
        state=LIFTED,
        person=f"{by}, {name}",
        issued=text(now),
        envelope=envelope,
        at=text(now),
    )
    store.put_rupture(unit, ended)
    told = {party, *_relays(unit, us, party, now), *row.told.split(",")}
    _tell(unit, us, told, envelope, now)
    facts: dict[str, Json] = {"by": by, "second": name, "yes": agreed, "since": row.issued}
    peers.administrative(unit, now, "rupture-lifted", party, facts)
    for id_ in filter(None, row.suspended.split(",")):
        _resume(unit, us, id_, now, by)
    _look_again(unit, party, now)
    return ended


def _look_again(unit: Connection, party: str, now: datetime) -> None:
    """Have every agreement with a party opened again by the next look, with all decided anew."""
    for held in agreements.every(unit, now):
        if any(signed.text.party(party) for signed in held.versions):
            keep(unit, opening.noted(held.id), opening.NOTHING)


def receive(unit: Connection, us: Us, sender: str, envelope: Envelope, now: datetime) -> None:
    """Take a peer's word that it broke off with a party, or deals with it again: it binds what is the peer's own.

    Raises:
        BadMessage: it is not by the sender, of another realm, older than its last word, or one of too many.
    """
    message = decode(envelope.payload, Rupture)
    if message.by != sender or not signed_by(envelope, peers.keys_of(unit, sender, now)):
        raise BadMessage("a rupture by somebody else", cause="rupture")
    if message.realm != us.realm:
        raise BadMessage("a rupture of another realm", cause="realm")
    before = store.latest(unit, sender, message.party)
    if before is not None and message.issued <= before.issued:
        raise BadMessage("not its last word about that party", cause="rupture")
    if before is None and store.count_told(unit, sender) >= MOST_TOLD:
        raise BadMessage("too many ruptures of one peer", cause="rupture")
    row = RuptureRow(
        by=sender,
        party=message.party,
        state=STANDING if message.act == "break" else LIFTED,
        issued=message.issued,
        envelope=envelope.to_bytes(),
        at=text(now),
    )
    store.put_rupture(unit, row)
    kind = "rupture-told" if message.act == "break" else "rupture-lift-told"
    peers.administrative(unit, now, kind, message.party, {"from": sender})
    block = blocks.of_rupture(us, row)
    if message.party == us.party:  # nothing of ours goes where nothing is taken
        if row.state == STANDING:
            opening.shut(unit, parties.peer(unit, sender))
        else:
            _look_again(unit, sender, now)
    elif row.state == STANDING:
        touched.take_down(unit, block, now)
    else:
        touched.decide_again(unit, block, [now])


# --- what it comes to --------------------------------------------------------------------------------
def _agreements(
    unit: Connection, us: Us, party: str, now: datetime
) -> tuple[list[agreements.Held], list[agreements.Held]]:
    """Return the agreements with a party alone that can be suspended, and those of many that it takes part in."""
    alone: list[agreements.Held] = []
    many: list[agreements.Held] = []
    for held in agreements.every(unit, now):
        text_ = held.text or held.newest.text
        if text_.party(party) is None or text_.party(us.party) is None:
            continue
        if set(text_.names) - {us.party} - store.broken_off(unit, us.party) - {party}:
            many.append(held)
        elif may("suspend", held.state) and not _suspended_by_us(us, held):
            alone.append(held)
    return alone, many


def _suspended_by_us(us: Us, held: agreements.Held) -> bool:
    ours = [act for name, act in held.acts if name == us.party]
    return held.state is State.SUSPENDED and ours[-1:] == ["suspend"]


def _relays(unit: Connection, us: Us, party: str, now: datetime) -> list[str]:
    """Return the nodes that hold what is ours and may pass it on to a party, by terms or by consent.

    What is CLEAR anybody may pass on; nobody is told for its sake.
    """
    found = {row.asker for row in _given_for(unit, us, party)}
    for held in agreements.every(unit, now):
        texts = [signed.text for signed in held.versions if signed.complete]
        if any(_may_reach(each, us, party) for each in texts):
            found |= recalls.who_holds_under(unit, held.id)
    return [
        p.name
        for p in parties.all_peers(unit)
        if p.name in found - {party} and p.kind == "node" and p.state == "confirmed"
    ]


def _may_reach(terms: Agreement, us: Us, party: str) -> bool:
    """Say whether what we send under a text may be passed on to a party by whoever gets it."""
    inside = terms.party(party) is not None or party in terms.members
    ours = [c for c in terms.clauses if c.direction.sender == "*" or us.party in c.direction.sender]
    return inside and any(clause.onward != "none" for clause in ours)


def _given_for(unit: Connection, us: Us, party: str) -> list[consents.ConsentRow]:
    """Return the consents of ours by which others may pass something on to a party."""
    every = consents.every(unit)
    mine = [row for row in every if row.owner == us.party and row.state == consents.GIVEN]
    return [row for row in mine if row.recipient == party]


def _notice(us: Us, party: str, act: str, now: datetime) -> bytes:
    message = Rupture(realm=us.realm, by=us.party, party=party, act=act, issued=text(now))  # type: ignore[arg-type]
    return sign(RUPTURE, encode(message), us.signer).to_bytes()


def _tell(unit: Connection, us: Us, names: set[str], envelope: bytes, now: datetime) -> None:
    nodes = {p.name for p in parties.all_peers(unit) if p.kind == "node" and p.state == "confirmed"}
    for name in sorted(names & nodes):
        send_document(unit, us, name, (RUPTURE, envelope), now)


def _resume(unit: Connection, us: Us, id_: str, now: datetime, by: str) -> None:
    held = agreements.held(unit, id_, now)
    if _suspended_by_us(us, held):
        signing.narrow(unit, us, id_, "resume", now, by=by)
