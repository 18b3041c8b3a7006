"""Two stories: parties of one agreement compare what an owner told each of them (border.md 5.3).

Each tells the others, at each tick of the log, a pair of hashes for each version that came to it: whoever holds the
version too recognises it, nobody else learns which it is. Where the stories differ, each shows the other what the
owner signed; the alarm rests on these signatures alone, never on a party's word.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection

from mithaq.audit import evidence
from mithaq.audit.evidence import Equivocation, Unproven
from mithaq.border import agreements, alarms, peers
from mithaq.border.channels import send_document
from mithaq.border.kept import Proofs
from mithaq.border.outbox import relayed
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.policy.agreement import Agreement
from mithaq.seal.envelope import Envelope, read, sign, verify
from mithaq.seal.messages import (
    COMPARISON,
    BadMessage,
    Batch,
    Comparison,
    Put,
    Shown,
    Terms,
    Told,
    about_hash,
    decode,
    encode,
    story_hash,
)
from mithaq.store import blocks, objects, parties, provenance, recalls
from mithaq.store.journal import keep, setting
from mithaq.store.objects import Copy
from mithaq.store.provenance import Account

AT_ONCE = 5000  # versions told in one document
MOST_SHOWN = 50  # versions shown in answer to one document: one is enough to know a liar by


# --- tell ------------------------------------------------------------------------------------------------
def tell(unit: Connection, us: Us, now: datetime) -> int:
    """Tell the parties of every agreement that compares what came since they were last told; return how much."""
    count = 0
    for held in agreements.every(unit, now):
        terms = held.text
        if terms is None or not _compares(us, terms):
            continue
        for peer in _members(unit, us, terms):
            mark = f"told:{terms.id}:{peer}"
            new = provenance.accounts(unit, terms.id, int(setting(unit, mark, "0")))
            shown = Proofs(unit)
            told = [_told(each) for each in new if each.voucher != peer and _tellable(shown, each)]
            for at in range(0, len(told), AT_ONCE):
                _send(unit, us, (peer, terms.id), now, told=told[at : at + AT_ONCE])
            if new:
                keep(unit, mark, str(new[-1].seq))
            count += len(told)
    return count


def _compares(us: Us, terms: Agreement) -> bool:
    return terms.compare and terms.party(us.party) is not None


def _members(unit: Connection, us: Us, terms: Agreement) -> list[str]:
    """Return the parties to tell; those broken off with hear no more of what comes here."""
    named = set(terms.names) - {us.party} - blocks.closed_to(unit, us.party)
    return [
        peer.name
        for peer in parties.all_peers(unit)
        if peer.kind == "node" and peer.state == "confirmed" and peer.name in named
    ]


def _told(each: Account) -> Told:
    return Told(
        about=about_hash(each.agreement, each.voucher, each.id, each.version),
        story=story_hash(each.com, each.digest),
    )


def _tellable(proofs: Proofs, each: Account) -> bool:
    """Say whether the owner vouched for it under this very agreement: what another says is nobody's business here."""
    return _scope(proofs.batch(each.proof)) == each.agreement


@lru_cache(maxsize=256)
def _scope(batch: str) -> str:
    """Return the agreement that a batch is for; empty if it is for everybody."""
    scope = decode(read(batch.encode()).payload, Batch).scope
    return scope.id if isinstance(scope, Terms) else ""


def _send(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    to: tuple[str, str],
    now: datetime,
    *,
    told: Sequence[Told] = (),
    shown: Sequence[Shown] = (),
) -> None:
    peer, agreement = to
    message = Comparison(
        realm=us.realm,
        by=us.party,
        agreement=agreement,
        issued=text(now),
        told=[*told],
        shown=[*shown],
    )
    raw = sign(COMPARISON, encode(message), us.signer).to_bytes()
    send_document(unit, us, peer, (COMPARISON, raw), now)


# --- hear ------------------------------------------------------------------------------------------------
def receive(unit: Connection, us: Us, sender: str, envelope: Envelope, now: datetime) -> None:
    """Compare what a party was told with what we were; show it what differs, and weigh what it shows.

    Raises:
        BadEnvelope, BadMessage: it is not the sender's, or we compare nothing with it under that agreement.
    """
    keys = peers.keys_of(unit, sender, now)
    told = decode(verify(envelope, COMPARISON, keys), Comparison)
    if (told.by, told.realm) != (sender, us.realm):
        raise BadMessage("a comparison by somebody else", cause="comparison")
    known = [each.text for each in agreements.versions(unit, told.agreement) if each.complete]
    both = [t for t in known if _compares(us, t) and t.party(sender) is not None]
    if not both or len(told.told) > AT_ONCE or len(told.shown) > MOST_SHOWN:
        raise BadMessage("a comparison that we have not agreed on", cause="comparison")
    differing = _differing(unit, told) if told.told else []
    for shown in told.shown:
        differing += _weigh(unit, us, told.agreement, shown, now)
    _show(unit, us, (sender, told.agreement), dict.fromkeys(differing), now)


def _differing(unit: Connection, theirs: Comparison) -> list[int]:
    """Return the numbers of those copies of which a party was told another story."""
    shown = Proofs(unit)
    stories: dict[str, set[str]] = {}
    for each in theirs.told:
        stories.setdefault(each.about, set()).add(each.story)
    return [
        mine.seq
        for mine in provenance.accounts(unit, theirs.agreement)
        if (said := _told(mine)).about in stories
        and stories[said.about] != {said.story}
        and _tellable(shown, mine)
    ]


def _weigh(unit: Connection, us: Us, agreement: str, shown: Shown, now: datetime) -> list[int]:
    """Raise an alarm over what a party shows, if it and what we hold are two stories; return what proves it."""
    if shown.entry.proof is None:
        raise BadMessage("what is shown has no proof", cause="proof")
    owner = decode(read(shown.entry.proof.batch.encode()).payload, Batch).by
    mine = [
        copy
        for copy in objects.of_id(unit, shown.entry.id)
        if (copy.voucher, copy.object.version) == (owner, shown.entry.modified)
        and copy.agreement == agreement
        and copy.standing == "received"
    ]
    proofs = Proofs(unit)
    return [
        copy.seq
        for copy in mine
        if _accuse(unit, us, owner, (relayed(proofs, copy), shown.entry), shown.orders, now)
    ]


def _show(
    unit: Connection, us: Us, to: tuple[str, str], seqs: Iterable[int], now: datetime
) -> None:
    """Show a party what the owner signed for us, so that it can see for itself."""
    peer, agreement = to
    if peer in blocks.closed_to(unit, us.party):
        return
    proofs = Proofs(unit)
    shown = [
        Shown(
            entry=relayed(proofs, copy),
            orders=_orders(unit, agreement, copy.voucher, copy.object.id),
        )
        for copy in objects.by_seq(unit, [*seqs][:MOST_SHOWN])
        if copy.voucher != peer
    ]
    if shown:
        _send(unit, us, (peer, agreement), now, shown=shown)


def _orders(unit: Connection, agreement: str, owner: str, id_: str) -> list[str]:
    """Return the owner's recalls of an id under an agreement that have come to us."""
    return [
        order.envelope.decode()
        for order in recalls.orders_on(unit, [id_])
        if (order.agreement, order.by) == (agreement, owner)
    ]


# --- accuse ----------------------------------------------------------------------------------------------
def _accuse(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    owner: str,
    entries: tuple[Put, Put],
    orders: Sequence[str],
    now: datetime,
) -> bool:
    """Raise an alarm if two entries prove that their owner told two stories; say whether it is a new one."""
    scope = _scope(entries[0].proof.batch) if entries[0].proof is not None else ""
    about = Equivocation(
        realm=us.realm,
        by=owner,
        entries=[*entries],
        orders=list(dict.fromkeys([*_orders(unit, scope, owner, entries[0].id), *orders])),
    )
    try:
        shows = evidence.check(about, peers.proving_keys_of(unit, owner, now))
    except Unproven:
        return False
    stories = sorted(story_hash(entry.com, entry.digest) for entry in entries)
    matter = " ".join((owner, entries[0].id, entries[0].modified, *stories))
    return alarms.ring(unit, about, shows, now, matter=matter) is not None


def notice(unit: Connection, us: Us, came: Sequence[Copy], now: datetime) -> None:
    """Compare what came with what the same owner told us before of these versions, under any agreement."""
    again = provenance.held_often(unit, {copy.object.id for copy in came})
    if not again:
        return
    new = {(c.voucher, c.object.id, c.object.version): c for c in came}
    before = [
        each
        for each in provenance.accounts_of(unit, again)
        if (copy := new.get((each.voucher, each.id, each.version))) is not None
        and (each.com, each.digest) != (copy.com, copy.object.digest)
    ]
    proofs = Proofs(unit)
    for old in objects.by_seq(unit, [each.seq for each in before]):
        copy = new[old.voucher, old.object.id, old.object.version]
        if old.agreement == copy.agreement or (old.com != copy.com and old.role == copy.role):
            _accuse(unit, us, old.voucher, (relayed(proofs, old), relayed(proofs, copy)), (), now)
