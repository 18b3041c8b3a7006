"""Orders to give back what was released: signed, sent to whoever had it, and each owed an answer (border.md 7).

Below the way out, which gives one itself where another view of a version takes the place of the one before.
"""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mithaq.border import agreements, peers
from mithaq.border.channels import Outgoing, load, send
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.model.canonical import Json
from mithaq.policy.agreement import Agreement
from mithaq.seal.envelope import read, sign
from mithaq.seal.messages import ORDER, Cause, Order, Recall, Receipt, decode, encode
from mithaq.store import parties, recalls
from mithaq.store.recalls import EVERY, OrderRow, ReceiptRow, Released
from mithaq.store.releases import ShelfRow

TIME = timedelta(hours=72)  # to answer, if nobody says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person recalls: every version released so far, or one; from everybody, or under one agreement."""

    id: str
    version: str = EVERY
    agreement: str = ""
    peers: frozenset[str] = frozenset()  # empty: everybody who had it
    cause: Cause
    basis: str = ""
    deadline: timedelta = TIME
    narrower: bool = False  # only the views as they went: a narrower one may follow


def make(us: Us, person: str, asked: Asked, where: tuple[str, str], now: datetime) -> OrderRow:
    """Sign an order under one agreement."""
    agreement, view = where
    message = Order(
        realm=us.realm,
        by=us.party,
        order=secrets.token_hex(16),
        agreement=agreement,
        id=asked.id,
        modified=None if asked.version == EVERY else asked.version,
        digest=view or None,
        cause=asked.cause,
        basis=asked.basis,
        issued=text(now),
        deadline=text(now + asked.deadline),
    )
    signed = sign(ORDER, encode(message), us.signer).to_bytes()
    peers_ = ",".join(sorted(asked.peers))
    return replace(row_of(message, signed, text(now)), peers=peers_, person=person)


def row_of(order: Order, envelope: bytes, at: str, sent_by: str = "") -> OrderRow:
    """Return an order as it is kept."""
    return OrderRow(
        name=order.order,
        agreement=order.agreement,
        by=order.by,
        sent_by=sent_by,
        id=order.id,
        version=EVERY if order.modified is None else order.modified,
        view=order.digest or "",
        cause=order.cause,
        basis=order.basis,
        issued=order.issued,
        deadline=order.deadline,
        envelope=envelope,
        at=at,
    )


def reaches(order: OrderRow, sent_by: str) -> bool:
    """Say whether an order reaches what ``sent_by`` brought under the agreement that the order came under.

    An owner's own order reaches all that it vouches for there. One that a relay passes on from another agreement
    reaches what that relay brought: what the owner recalled from the relay it has not recalled from us.
    """
    if order.sent_by in ("", order.by, sent_by):
        return True
    named = decode(read(order.envelope).payload, Order)
    return named.agreement == order.agreement


def tell(
    unit: Connection, us: Us, order: OrderRow, had: Sequence[Released], now: datetime
) -> list[str]:
    """Send an order to the nodes among those who had what it names; note that each of them owes an answer."""
    owing: dict[str, dict[str, None]] = defaultdict(dict)  # by agreement
    for each in had:
        owing[each.agreement][each.peer] = None
    nodes = {peer.name for peer in parties.all_peers(unit) if peer.kind == "node"}
    for agreement, names in owing.items():
        recalls.owe(
            unit,
            [
                ReceiptRow(name=order.name, agreement=agreement, by=order.by, peer=peer)
                for peer in names
            ],
        )
        for peer in names:
            if peer in nodes:
                entry = Recall(order=order.envelope.decode())
                # What replaces a view comes with the tick, and so does the order that goes before it.
                urgent = order.cause != "replaced"
                about = ("recall", order.name)
                send_entry(unit, us, (peer, agreement), entry, about, now, urgent=urgent)
    everybody = list(dict.fromkeys(name for names in owing.values() for name in names))
    facts: dict[str, Json] = {"order": order.name, "owner": order.by, "by": order.person}
    what: dict[str, Json] = {"version": order.version, "agreement": order.agreement}
    peers.administrative(
        unit, now, "recall", order.id, {**facts, **what, "cause": order.cause, "to": [*everybody]}
    )
    return everybody


def send_entry(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    to: tuple[str, str],
    entry: Recall | Receipt,
    about: tuple[str, str],
    now: datetime,
    *,
    urgent: bool = False,
) -> None:
    """Send an entry without a slice under an agreement, whatever its state (border.md 3.5)."""
    send_entries(unit, us, to, [entry], about, now, urgent=urgent)


def send_entries(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    to: tuple[str, str],
    entries: Sequence[Recall | Receipt],
    about: tuple[str, str],
    now: datetime,
    *,
    urgent: bool = False,
) -> None:
    """Send entries without slices in one frame under an agreement, whatever its state (border.md 3.5)."""
    peer, agreement = to
    terms = terms_under(unit, agreement, now)
    if terms is not None:
        facts: dict[str, Json] = {"agreement": agreement, about[0]: about[1]}
        out = Outgoing(
            peer=peer,
            terms=agreements.terms_of(terms),
            load=load([encode(entry) for entry in entries]),
            about=facts,
            urgent=urgent,
        )
        send(unit, us, out, now)


def terms_under(unit: Connection, agreement: str, now: datetime) -> Agreement | None:
    """Return the text in force, else the newest that every party signed."""
    held = agreements.held(unit, agreement, now)
    whole = [signed.text for signed in held.versions if signed.complete]
    return held.text or max(whole, key=lambda each: each.version, default=None)


def replaced(unit: Connection, us: Us, before: ShelfRow, now: datetime) -> None:
    """Order a view back from its peer before another view of that version goes there.

    Two views of one version that were both given and not recalled are two stories (border.md 5.3). An ordinary
    client is left in peace: its row is another one (border.md 8.3).
    """
    asked = Asked(
        id=before.id, version=before.version, peers=frozenset({before.peer}), cause="replaced"
    )
    order = make(us, "", asked, (before.agreement, before.view), now)
    recalls.give(unit, order)
    had = Released(
        peer=before.peer,
        agreement=before.agreement,
        id=before.id,
        version=before.version,
        view=before.view,
        copy=before.copy,
        at=before.released_at,
    )
    tell(unit, us, order, [had], now)
