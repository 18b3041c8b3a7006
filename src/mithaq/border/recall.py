"""Taking back what was released, and giving back what others recall (border.md 7).

Ours: the row is gone, then the signed order goes into every channel that carried a release, then answers come.
Others': the copy is gone when the order is admitted, the order stays as a tombstone, it is passed on to whom we
relayed the copy, and the answer is the same whether we held it or not.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border import agreements, orders, peers
from mithaq.border.orders import Asked
from mithaq.border.publish import preview, reconsider
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import InputError, NotFound, PeerError, Refused
from mithaq.model.canonical import Json
from mithaq.model.labels import Label, Tlp
from mithaq.model.markings import object_label
from mithaq.policy.decision import Withhold
from mithaq.seal.envelope import read, verify
from mithaq.seal.messages import (
    ORDER,
    Answer,
    BadMessage,
    Order,
    Recall,
    Receipt,
    Seal,
    Tally,
    decode,
)
from mithaq.store import channels, inbound, objects, parties, recalls, releases
from mithaq.store.journal import record as record_act
from mithaq.store.objects import Copy
from mithaq.store.recalls import EVERY, OrderRow, ReceiptRow, Released

__all__ = [
    "Asked", "Given", "check", "erase", "note", "obey", "raised", "raises", "reached", "recall", "record", "sum_up",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An order as it was given, and who must answer it."""

    order: OrderRow
    owing: Sequence[str]


# --- ours ------------------------------------------------------------------------------------------------
def reached(unit: Connection, us: Us, asked: Asked) -> list[Released]:
    """Return the releases that an order would reach, oldest first; nothing is written.

    Raises:
        NotFound: nothing of that was ever released; Refused: it is another nation's to recall.
    """
    found = [
        each
        for each in recalls.who_had(unit, asked.id)
        if asked.version in (EVERY, each.version)
        and asked.agreement in ("", each.agreement)
        and (not asked.peers or each.peer in asked.peers)
    ]
    owners = _vouchers(unit, us, {each.copy for each in found})
    ours = [each for each in found if not owners.get(each.copy)]
    if found and not ours:
        whose = next(iter(owners.values()))
        raise Refused(f"it is {whose}'s to recall; we only passed it on", owner=whose)
    if not ours:
        raise NotFound(
            "nothing of that was released; `mithaq explain` says why, peer by peer", id=asked.id
        )
    return ours


def _vouchers(unit: Connection, us: Us, copies: Iterable[int]) -> dict[int, str]:
    """Return, for copies that another nation vouches for, which one; a copy that is erased was another's."""
    nations = set(parties.parties_with_keys(unit)) - {us.party}
    here = {copy.seq: copy.voucher for copy in objects.by_seq(unit, copies)}
    vouchers = {seq: here.get(seq, "") for seq in copies}
    return {
        seq: voucher or "another nation"
        for seq, voucher in vouchers.items()
        if voucher in nations or not voucher
    }


def recall(unit: Connection, us: Us, by: str, asked: Asked, now: datetime) -> list[Given]:
    """Take back what was released and order it back from everybody who had it.

    Args:
        by: the person who orders it.

    Raises:
        NotFound, Refused: as ``reached``.
    """
    had: dict[tuple[str, str], list[Released]] = defaultdict(list)
    for each in reached(unit, us, asked):
        had[each.agreement, each.view if asked.narrower else ""].append(each)
    given: list[Given] = []
    for (agreement, view), many in had.items():
        one = replace(asked, version=many[0].version) if asked.narrower else asked
        order = orders.make(us, by, one, (agreement, view), now)
        recalls.give(unit, order)
        _take_down(unit, order, many)
        given.append(Given(order=order, owing=orders.tell(unit, us, order, many, now)))
        again = {each.copy for each in many} | set(objects.referring_to(unit, [order.id]))
        reconsider(unit, us, agreement, sorted(again), now)  # a narrower view follows its order
    return given


def _take_down(unit: Connection, order: OrderRow, had: Sequence[Released]) -> None:
    """Remove the rows at once."""
    whom = {each.peer for each in had}
    for row in releases.rows_of_ids(unit, [order.id]):
        if (
            row.agreement == order.agreement
            and row.peer in whom
            and order.names(row.version, row.view)
        ):
            releases.take_away(unit, row.shelf, row.id, row.version)
            releases.show(unit, "remove", row.shelf, id=row.id, version=row.version)


def raised(unit: Connection, us: Us, copy: Copy, person: str, now: datetime) -> None:
    """Order earlier releases of a version, and of those before it, back from whom the raised label leaves out.

    Those whom it leaves inside apply it to every version they hold (border.md 2.9).
    """
    had: dict[str, set[str]] = defaultdict(set)
    for each in recalls.who_had(unit, copy.object.id):
        had[each.agreement].add(each.peer)
    for agreement, names in had.items():
        outside = names - _inside(unit, us, copy, agreement, now)
        if outside:
            asked = Asked(
                id=copy.object.id, agreement=agreement, peers=frozenset(outside), cause="raised"
            )
            recall(unit, us, person, asked, now)


def _inside(unit: Connection, us: Us, copy: Copy, agreement: str, now: datetime) -> set[str]:
    terms = agreements.held(unit, agreement, now).text
    if terms is None:
        return set()
    made = preview(unit, us, terms, [copy.seq], now).decisions
    return {
        peer for (peer, seq), d in made.items() if seq == copy.seq and not isinstance(d, Withhold)
    }


def raises(copies: Sequence[Copy], before: Sequence[Copy]) -> list[Copy]:
    """Return those of ``copies`` that are for fewer than an earlier version among ``before``.

    Their level is above that one's, or they are releasable to fewer. What bore no level was released to nobody.
    """
    earlier: dict[str, list[tuple[Tlp, Label]]] = defaultdict(list)
    for old in before:
        label = object_label(old.object.body, old.beside, {})
        if label.tlp is not None:
            earlier[old.object.id].append((label.tlp, label))
    return [
        new
        for new in copies
        if any(
            _is_for_fewer(object_label(new.object.body, new.beside, {}), *each)
            for each in earlier[new.object.id]
        )
    ]


def _is_for_fewer(new: Label, level: Tlp, old: Label) -> bool:
    if new.tlp is not None and new.tlp > level:
        return True
    if new.releasable_to is None:
        return False
    return old.releasable_to is None or not old.releasable_to <= new.releasable_to


# --- others' ---------------------------------------------------------------------------------------------
def check(unit: Connection, seal: Seal, now: datetime) -> None:
    """Check the orders that the sender gives itself: signed by it, for this realm and agreement.

    An order passed on for another is checked when it is obeyed: whom we know shows in no answer.

    Raises:
        BadEnvelope, BadMessage: an order is not the sender's, or not for this channel.
    """
    for entry in seal.entries:
        if isinstance(entry, Recall):
            envelope = read(entry.order.encode())
            order = decode(envelope.payload, Order)
            named = seal.agreement.id if seal.agreement else ""
            if order.realm != seal.realm:
                raise BadMessage("an order of another realm", cause="realm")
            if order.by == seal.sender:
                verify(envelope, ORDER, peers.keys_of(unit, seal.sender, now))
                if order.agreement != named:
                    raise BadMessage("an order under another agreement", cause="order")


def obey(unit: Connection, us: Us, sent: tuple[str, Seal], now: datetime) -> list[str]:
    """Obey the orders of a checked seal and answer each; return the ids of what is gone.

    The answer is the same whether we held it, had put it into quarantine, or never had it (border.md 7.2).
    """
    sender, seal = sent
    agreement = seal.agreement.id if seal.agreement else ""
    gone: list[str] = []
    receipts: list[Receipt] = []
    for entry in seal.entries:
        if not isinstance(entry, Recall):
            continue
        envelope = read(entry.order.encode())
        order = decode(envelope.payload, Order)
        # the agreement it came under: copies that came under another keep their own terms (border.md 1.8)
        row = replace(
            orders.row_of(order, envelope.to_bytes(), text(now), sent_by=sender),
            agreement=agreement,
        )
        asked: Sequence[str] = ()
        if _is_owners(unit, us, sender, row, now):
            fresh = recalls.give(unit, row)
            asked = _give_back(unit, us, row, now) if fresh else ()
            gone.append(order.id)
        else:
            _on_record(unit, sender, "recall-false", (row.name, row.envelope), now)
        tally = Tally(asked=len(asked), names=_named(unit, agreement, asked, now))
        receipts.append(
            Receipt(order=order.order, outcome="deleted", onward=tally if asked else None)
        )
    if receipts:
        about = ("receipts", ", ".join(each.order for each in receipts))
        orders.send_entries(unit, us, (sender, agreement), receipts, about, now)
    return gone


def _on_record(
    unit: Connection, sender: str, code: str, what: tuple[str, bytes], now: datetime
) -> None:
    """Tell our people what a peer says and has no right to; it is answered like anything else."""
    name, raw = what
    if channels.refuse(unit, sender, (code, "order"), raw, now):
        record_act(unit, now, code, name, peer=sender)


def _is_owners(unit: Connection, us: Us, sender: str, order: OrderRow, now: datetime) -> bool:
    if order.by == us.party:
        return False
    if order.by == sender:
        return True
    try:
        verify(read(order.envelope), ORDER, peers.proving_keys_of(unit, order.by, now))
    except PeerError:
        return False
    return True


def _give_back(unit: Connection, us: Us, order: OrderRow, now: datetime) -> Sequence[str]:
    """Erase what the order names and pass it on to whom we relayed it; return these."""
    copies = [
        copy
        for copy in objects.of_id(unit, order.id)
        if copy.standing == "received"
        and order.by in (copy.voucher, copy.owner)
        and copy.agreement == order.agreement
        and orders.reaches(order, copy.sent_by)
        and order.names(copy.object.version, copy.object.digest)
    ]
    senders = {name for name in (order.by, order.sent_by) if orders.reaches(order, name)}
    seqs = [copy.seq for copy in copies]
    aside = inbound.take_back(unit, order.id, senders, order.names)
    facts: dict[str, Json] = {"order": order.name, "owner": order.by, "from": order.sent_by}
    what: dict[str, Json] = {
        "version": order.version,
        "cause": order.cause,
        "copies": len(seqs) + aside,
    }
    peers.administrative(unit, now, "recalled", order.id, {**facts, **what})
    passed = recalls.releases_of(unit, seqs)
    erase(unit, us, copies, now)
    return orders.tell(unit, us, order, passed, now) if passed else ()


def erase(unit: Connection, us: Us, copies: Sequence[Copy], now: datetime) -> None:
    """Delete copies, take down what stands by them, and decide again what refers to them."""
    seqs, ids = {copy.seq for copy in copies}, {copy.object.id for copy in copies}
    for row in releases.rows_of_ids(unit, ids):
        if row.copy in seqs:
            releases.take_away(unit, row.shelf, row.id, row.version)
            releases.show(unit, "remove", row.shelf, id=row.id, version=row.version)
    releases.forget(unit, seqs)
    objects.erase(unit, copies)
    touched = objects.referring_to(unit, ids)
    for name in dict.fromkeys(i.agreement for i in releases.intents_where(unit, copies=touched)):
        reconsider(unit, us, name, touched, now)


def _named(unit: Connection, agreement: str, names: Sequence[str], now: datetime) -> list[str]:
    """Return recipients by name only where the agreement says so (border.md 7.3)."""
    terms = orders.terms_under(unit, agreement, now) if names else None
    return sorted(names) if terms is not None and terms.recall_names else []


# --- answers ---------------------------------------------------------------------------------------------
def note(unit: Connection, us: Us, sent: tuple[str, Seal, str], now: datetime) -> None:
    """Keep the answers of a checked seal; one to an order that we passed on goes on to its owner.

    Args:
        sent: the sender, its seal, and the seal's digest.
    """
    sender, seal, digest = sent
    agreement = seal.agreement.id if seal.agreement else ""
    for entry in seal.entries:
        if not isinstance(entry, Receipt):
            continue
        owed = recalls.owed(unit, entry.order, agreement, sender)
        if not owed:
            # nobody asked: it says nothing of anything here
            what = (entry.order, entry.order.encode())
            _on_record(unit, sender, "receipt-unasked", what, now)
        onward = "" if entry.onward is None else msgspec.json.encode(entry.onward).decode()
        answer = {"outcome": entry.outcome, "basis": entry.basis, "onward": onward}
        for each in owed:
            _answered(unit, us, replace(each, **answer, at=text(now), seal=digest), now)


def record(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    order: str,
    answer: tuple[str, Answer, str],
    person: str,
    now: datetime,
) -> ReceiptRow:
    """Keep what a client that sends no receipts told a person; it is shown as unsigned (border.md 8.2).

    Args:
        answer: the client, what became of its copy, and where that is written or who said so.

    Raises:
        NotFound: no such order, or that peer owes it no answer; InputError: a node answers itself.
    """
    peer, outcome, basis = answer
    owed = [
        receipt
        for given in recalls.orders_named(unit, order)
        for receipt in recalls.receipts_to(unit, given)
        if receipt.peer == peer
    ]
    if not owed:
        raise NotFound(f"{peer!r} owes no receipt for an order of that name", peer=peer)
    if parties.peer(unit, peer).kind == "node":
        raise InputError(f"{peer!r} is a node: it answers by itself, signed", peer=peer)
    for each in owed:
        came = replace(each, outcome=outcome, basis=basis, at=text(now), seal="", person=person)
        _answered(unit, us, came, now)
    return owed[0]


def _answered(unit: Connection, us: Us, receipt: ReceiptRow, now: datetime) -> None:
    recalls.answer(unit, receipt)
    facts: dict[str, Json] = {
        "order": receipt.name,
        "peer": receipt.peer,
        "outcome": receipt.outcome,
        "basis": receipt.basis,
        "seal": receipt.seal,
        "by": receipt.person,
        "at": text(now),
    }
    log.append(unit, [(f"order:{receipt.name}", {"kind": "receipt", **facts})])
    for order in recalls.orders_named(unit, receipt.name):
        if order.by == receipt.by and order.sent_by:
            _report(unit, us, order, now)


def _report(unit: Connection, us: Us, order: OrderRow, now: datetime) -> None:
    """Tell who gave us an order how those we passed it on to have answered so far (border.md 7.3)."""
    answers = recalls.receipts_to(unit, order)
    waiting = [each.peer for each in answers if not each.outcome]
    tally = sum_up(answers, _named(unit, order.agreement, waiting, now))
    receipt = Receipt(order=order.name, outcome="deleted", onward=tally)
    orders.send_entry(
        unit, us, (order.sent_by, order.agreement), receipt, ("receipt", order.name), now
    )


def sum_up(answers: Sequence[ReceiptRow], names: Sequence[str] = ()) -> Tally:
    """Return how many were asked and what they answered, with those that they passed it on to.

    Args:
        names: of those who have not answered, where they may be named.
    """
    outcomes = Counter(each.outcome for each in answers)
    further = [msgspec.json.decode(each.onward, type=Tally) for each in answers if each.onward]
    return Tally(
        asked=len(answers) + sum(each.asked for each in further),
        deleted=outcomes["deleted"] + sum(each.deleted for each in further),
        kept=outcomes["kept"] + sum(each.kept for each in further),
        held=outcomes["held"] + sum(each.held for each in further),
        names=[*names],
    )
