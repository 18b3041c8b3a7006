"""An owner's signed consent to pass on what it holds back: asked, given or refused, and enforced (border.md 2.2, 5.5).

A recipient asks the owner to let one view of one version go to one party. The owner's answer is signed, travels with
what is passed on, and is checked again by whoever receives it; a later answer replaces an earlier one.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border import agreements, blocks, peers
from mithaq.border.channels import send_document
from mithaq.border.clocks import instants
from mithaq.border.publish import reconsider
from mithaq.border.situation import candidates_of
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.countries import looks_like_one
from mithaq.errors import Conflict, InputError, NotFound, PeerError, Refused
from mithaq.model.canonical import Json
from mithaq.model.labels import Tlp
from mithaq.policy import blocks as policy
from mithaq.policy.agreement import DEFENCE, JUDICIAL, PURPOSES
from mithaq.policy.attribution import attributes
from mithaq.policy.situation import Block
from mithaq.policy.views import labels_of
from mithaq.seal.envelope import Envelope, read, sign, signed_by, verify
from mithaq.seal.keys import Signer
from mithaq.seal.messages import (
    ASK,
    CONSENT,
    Ask,
    BadMessage,
    Consent,
    Put,
    decode,
    encode,
)
from mithaq.store import blocks as store_blocks
from mithaq.store import consents, objects, parties, recalls, releases
from mithaq.store.consents import ASKED, GIVEN, REFUSED, ConsentRow
from mithaq.store.objects import Copy

MOST_OPEN = 64  # requests of one peer that wait for an answer


# --- who holds it asks --------------------------------------------------------------------------------
def ask(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    copy: Copy,
    wish: tuple[str, str],
    now: datetime,
    *,
    by: str,
    purpose: str = DEFENCE,
) -> ConsentRow:
    """Ask a copy's owner to let us pass it on as it is.

    Args:
        wish: the party it shall go to, and why, as the owner will read it.
        purpose: what it will be used for there; a consent for one is none for another.

    Raises:
        InputError: it is ours, no nation vouches for it, it is RED, which is never passed on, or there is no such
            purpose.
        Conflict: its owner is no confirmed peer.
    """
    owner = copy.owner or copy.voucher
    if copy.standing == "own" or owner == us.party:
        raise InputError("it is ours: release it", id=copy.object.id)
    if copy.level == int(Tlp.RED):
        raise InputError(
            "RED is for the persons it names, and is never passed on", id=copy.object.id
        )
    if purpose not in PURPOSES:
        raise InputError(f"{purpose!r} is none of {', '.join(PURPOSES)}", cause="purpose")
    _confirmed(unit, owner)
    recipient, reason = wish
    message = Ask(
        realm=us.realm,
        by=us.party,
        owner=owner,
        id=copy.object.id,
        modified=copy.object.version,
        digest=copy.object.digest,
        recipient=recipient,
        reason=reason,
        purpose=purpose,
        issued=text(now),
    )
    row = consents.put(unit, _asked(message, now, by))
    send_document(unit, us, owner, (ASK, sign(ASK, encode(message), us.signer).to_bytes()), now)
    _log(unit, "consent-asked", row, now)
    return row


def _confirmed(unit: Connection, name: str) -> None:
    nodes = {p.name for p in parties.all_peers(unit) if p.kind == "node" and p.state == "confirmed"}
    if name not in nodes:
        raise Conflict(f"its owner {name!r} is no confirmed peer of ours", peer=name)


def _asked(message: Ask, now: datetime, person: str = "") -> ConsentRow:
    return ConsentRow(
        owner=message.owner,
        asker=message.by,
        recipient=message.recipient,
        id=message.id,
        version=message.modified,
        digest=message.digest,
        reason=message.reason,
        purpose=message.purpose,
        state=ASKED,
        asked_at=text(now),
        at=text(now),
        person=person,
    )


def receive_answer(
    unit: Connection, us: Us, sender: str, envelope: Envelope, now: datetime
) -> None:
    """Take an owner's answer, and decide again what waited for it.

    Raises:
        BadMessage: it is not by the sender, of another realm, or about what we never asked.
    """
    message = decode(envelope.payload, Consent)
    if message.by != sender or not signed_by(envelope, peers.keys_of(unit, sender, now)):
        raise BadMessage("a consent by somebody else", cause="consent")
    if message.realm != us.realm:
        raise BadMessage("a consent of another realm", cause="realm")
    request = _request(unit, us.party, message)
    if request is None:
        raise BadMessage("an answer that nobody here asked for", cause="consent")
    _keep(unit, request, (message, envelope.to_bytes()), now)
    held = [copy.seq for copy in objects.of_id(unit, message.id)]
    for name in dict.fromkeys(i.agreement for i in releases.intents_where(unit, copies=held)):
        reconsider(unit, us, name, held, now)


def _request(unit: Connection, asker: str, message: Consent) -> ConsentRow | None:
    """Return the request that ``message`` answers."""
    about = (
        *(message.by, asker, message.recipient),
        *(message.modified, message.digest, message.purpose),
    )
    named = {
        (row.owner, row.asker, row.recipient, row.version, row.digest, row.purpose): row
        for row in consents.of_ids(unit, [message.id])
    }
    return named.get(about)


def _keep(
    unit: Connection,
    request: ConsentRow,
    answer_: tuple[Consent, bytes],
    now: datetime,
    by: str = "",
) -> ConsentRow:
    """Keep an answer and its envelope with the request."""
    message, envelope = answer_
    row = replace(
        request,
        state=GIVEN if message.answer == "yes" else REFUSED,
        at=text(now),
        person=by,
        envelope=envelope,
    )
    _log(unit, f"consent-{row.state}", row, now)
    return consents.put(unit, row)


def _log(unit: Connection, kind: str, row: ConsentRow, now: datetime) -> None:
    facts: dict[str, Json] = {
        "owner": row.owner,
        "asker": row.asker,
        "recipient": row.recipient,
        "version": row.version,
        "digest": row.digest,
        "purpose": row.purpose,
        "by": row.person,
    }
    peers.administrative(unit, now, kind, row.id, facts)


# --- who owns it answers ------------------------------------------------------------------------------
def receive_request(
    unit: Connection, us: Us, sender: str, envelope: Envelope, now: datetime
) -> None:
    """Take a request about what we released to the sender; one that we said yes to is told so again.

    Raises:
        BadMessage: it is not by the sender or not for us, it is of what the sender never had from us, or too many
            wait.
    """
    message = decode(envelope.payload, Ask)
    if message.by != sender or not signed_by(envelope, peers.keys_of(unit, sender, now)):
        raise BadMessage("a request by somebody else", cause="consent-request")
    if message.realm != us.realm or message.owner != us.party:
        raise BadMessage("a request to somebody else", cause="consent-request")
    if sender in store_blocks.broken_off(unit, us.party):
        raise BadMessage("a request of one we have broken off with", cause="consent-request")
    if message.purpose not in PURPOSES:
        raise BadMessage("a request for no purpose that there is", cause="consent-request")
    had = [each for each in recalls.who_had(unit, message.id) if each.peer == sender]
    if not any((h.version, h.view) == (message.modified, message.digest) for h in had):
        raise BadMessage("a request about what it never had from us", cause="consent-request")
    asked = _asked(message, now)
    before = consents.like(unit, asked)
    if before is not None and before.state == GIVEN and before.envelope is not None:
        # The yes stands until we take it back; were it a request again, nobody here would know to do so.
        signed = sign(CONSENT, read(before.envelope).payload, us.signer).to_bytes()
        send_document(unit, us, sender, (CONSENT, signed), now)
        return
    if consents.open_of(unit, sender) >= MOST_OPEN:
        raise BadMessage("too many requests of one peer wait", cause="consent-request")
    row = consents.put(unit, asked)
    _log(unit, "consent-asked", row, now)


def answer(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    number: int,
    person: tuple[str, Signer],
    now: datetime,
    *,
    yes: bool,
) -> ConsentRow:
    """Answer a request about what is ours, or change our answer; the asker is told.

    Args:
        person: an actor's name and their own key: a consent is as grave as a release.

    Raises:
        NotFound: there is no such request to us.
        Refused: the key is not this person's, or it attributes something to a State and they are no policy owner.
        Conflict: the asker is no confirmed peer, or a rupture, a restriction or the purpose speaks against a yes.
    """
    name, signer = person
    row = consents.numbered(unit, number)
    if row is None or row.owner != us.party:
        raise NotFound(f"no request by the number {number} is ours to answer", number=number)
    keys = {actor.name: actor.public for actor in parties.all_actors(unit)}
    if keys.get(name) != signer.public:
        raise Refused("that key is not this person's", actor=name)
    _confirmed(unit, row.asker)
    if yes:
        _not_blocked(unit, us, row, now)
        _may_attribute(unit, row, name)
        _for_purpose(unit, us, row, now)
    return _tell(unit, us, row, name, now, yes=yes)


def withdraw(unit: Connection, us: Us, block: Block, now: datetime, *, by: str) -> list[ConsentRow]:
    """Take back every consent of ours that a block speaks against; each asker is told. Return them."""
    return [_tell(unit, us, row, by, now, yes=False) for row in against(unit, us, block)]


def against(unit: Connection, us: Us, block: Block) -> list[ConsentRow]:
    """Return the consents of ours that a block speaks against."""
    given = [row for row in consents.every(unit) if row.owner == us.party and row.state == GIVEN]
    return [row for row in given if _blocked(unit, (block,), row)]


def _not_blocked(unit: Connection, us: Us, row: ConsentRow, now: datetime) -> None:
    """Refuse a yes to what no agreement of ours could let go to that recipient.

    A consent outlasts the day it is given, so what begins later speaks against it too.
    """
    broken = {row.asker, row.recipient} & store_blocks.closed_to(unit, us.party)
    if broken:
        raise Conflict(f"dealings with {min(broken)!r} are broken off", party=min(broken))
    at = instants(unit, now)
    found = _blocked(unit, (b for b in blocks.standing(unit, us) if not policy.over(b, at)), row)
    if found is not None:
        raise Conflict(f"restriction {found.name} speaks against it", restriction=found.name)


def _may_attribute(unit: Connection, row: ConsentRow, name: str) -> None:
    """Let a policy owner alone say yes to passing on what attributes something to a State (border.md 2.10)."""
    versions = [c for c in objects.of_id(unit, row.id) if c.object.version == row.version]
    if any(attributes(copy.object.body) for copy in versions):
        roles = {actor.name: actor.roles.split(",") for actor in parties.all_actors(unit)}
        if "policy-owner" not in roles.get(name, ()):
            raise Refused("attribution to a State waits for a policy owner", actor=name)


def _for_purpose(unit: Connection, us: Us, row: ConsentRow, now: datetime) -> None:
    """Refuse a yes to a use that no text lets whoever asks make of it: judicial use is denied unless one says so."""
    if row.purpose != JUDICIAL:
        return
    had = {each.agreement for each in recalls.who_had(unit, row.id) if each.peer == row.asker}
    for name in had:
        terms = agreements.held(unit, name, now).text
        clauses = terms.clauses if terms is not None else ()
        if any(JUDICIAL in c.purposes for c in clauses if c.covers(us.party, row.asker)):
            return
    raise Conflict("no agreement with whoever asks allows judicial use", asker=row.asker)


def _blocked(unit: Connection, found: Iterable[Block], row: ConsentRow) -> Block | None:
    """Return a block that is about the version that was asked for, on its way to the recipient."""
    countries = _countries(unit)
    copies = [c.seq for c in objects.of_id(unit, row.id) if c.object.version == row.version]
    about = [(c, labels_of(c)) for c in candidates_of(unit, copies)]
    for block in found:
        # Where a recipient is, nobody here may know: then it may be in any country that is named.
        somewhere = {*countries.values(), *filter(looks_like_one, block.to)}
        where = {countries[row.recipient]} if row.recipient in countries else somewhere
        there = any(policy.reaches(block, row.recipient, country) for country in where)
        if there and any(policy.names(block, candidate, labels) for candidate, labels in about):
            return block
    return None


def _countries(unit: Connection) -> dict[str, str]:
    """Return the country of each party that we deal with or that an agreement here names."""
    written = (party for text_ in agreements.texts(unit) for party in text_.parties)
    named = {party.name: party.country for party in written}
    return named | {peer.name: peer.country for peer in parties.all_peers(unit)}


def _tell(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection, us: Us, row: ConsentRow, name: str, now: datetime, *, yes: bool
) -> ConsentRow:
    """Sign our answer, keep it and tell the asker."""
    message = Consent(
        realm=us.realm,
        by=us.party,
        id=row.id,
        modified=row.version,
        digest=row.digest,
        recipient=row.recipient,
        answer="yes" if yes else "no",
        purpose=row.purpose,
        issued=text(now),
    )
    raw = sign(CONSENT, encode(message), us.signer).to_bytes()
    kept = _keep(unit, row, (message, raw), now, name)
    send_document(unit, us, row.asker, (CONSENT, raw), now)
    return kept


# --- enforced -----------------------------------------------------------------------------------------
def lets_in(unit: Connection, us: Us, owner: str, entry: Put, now: datetime) -> bool:
    """Say whether a relayed entry bears its owner's consent to go to us."""
    try:
        envelope = read(entry.consent.encode())
        keys = peers.proving_keys_of(unit, owner, now)
        message = decode(verify(envelope, CONSENT, keys), Consent)
    except PeerError:
        return False
    named = (message.by, message.realm, message.recipient, message.answer)
    about = (message.id, message.modified, message.digest)
    return named == (owner, us.realm, us.party, "yes") and about == (
        entry.id,
        entry.modified,
        entry.digest,
    )
