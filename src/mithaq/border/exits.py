"""The exit pack: what two parties hold of each other when one breaks off, ordered back, answered, outstanding.

Ids, versions and digests, never content; one signed list names every file. Whatever it says of recalls is true of the
moment it is made, and it can be made again as answers come.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mithaq.border import agreements, orders, peers
from mithaq.border.orders import Asked
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import NotFound, PeerError
from mithaq.model.canonical import Json, digest
from mithaq.seal.envelope import read, sign, verify
from mithaq.seal.messages import EXIT, ExitPack, File, Recall, decode, encode
from mithaq.store import agreements as texts
from mithaq.store import blocks, inbound, parties, provenance, recalls, releases
from mithaq.store.blocks import STANDING, RuptureRow
from mithaq.store.recalls import OrderRow, ReceiptRow, Released

MANIFEST = "manifest.json"
AT_ONCE = 200  # orders of one frame: whoever obeys them does so in one transaction


def to_order(unit: Connection, us: Us, party: str) -> list[tuple[str, str]]:
    """Return (agreement, id) of what is ours and was not ordered back from a party yet, oldest first.

    What is another nation's is not ours to recall; it stands in the pack all the same.
    """
    every = recalls.held_by(unit, party)
    ours = _ours(unit, us, every)
    ordered = _ordered(unit, us, party, {each.id for each in every})
    found: dict[tuple[str, str], None] = {}
    for each in every:
        orders_ = ordered[each.agreement, each.id]
        if each.copy in ours and not any(o.names(each.version, each.view) for o in orders_):
            found[each.agreement, each.id] = None
    return list(found)


def order_back(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    party: str,
    some: Sequence[tuple[str, str]],
    now: datetime,
    *,
    by: str,
    deadline: timedelta = orders.TIME,
) -> int:
    """Order back some (agreement, id) of ``to_order`` from a party that we have broken off with; return how many.

    Raises:
        NotFound: we have not broken off with it.
    """
    broken = _standing(unit, us, party)
    ordered = _ordered(unit, us, party, {id_ for _, id_ in some})
    under: dict[str, list[str]] = defaultdict(list)
    for agreement, id_ in some:
        if not any(o.issued >= broken.issued for o in ordered[agreement, id_]):
            under[agreement].append(id_)
    for agreement, ids in under.items():
        given: list[OrderRow] = []
        for id_ in ids:
            asked = Asked(
                id=id_,
                peers=frozenset({party}),
                cause="rupture",
                basis=broken.basis,
                deadline=deadline,
            )
            order = orders.make(us, by, asked, (agreement, ""), now)
            recalls.give(unit, order)
            given.append(order)
        owed = [
            ReceiptRow(name=o.name, agreement=agreement, by=us.party, peer=party) for o in given
        ]
        recalls.owe(unit, owed)
        if parties.peer(unit, party).kind == "node":
            entries = [Recall(order=order.envelope.decode()) for order in given]
            about = ("recalls", str(len(entries)))
            orders.send_entries(unit, us, (party, agreement), entries, about, now, urgent=True)
        _take_down(unit, party, agreement, ids)
        facts: dict[str, Json] = {"party": party, "by": by, "orders": len(given)}
        peers.administrative(unit, now, "rupture-recall", agreement, facts)
    return sum(map(len, under.values()))


def _take_down(unit: Connection, party: str, agreement: str, ids: Sequence[str]) -> None:
    for row in releases.rows_of_ids(unit, ids):
        if (row.peer, row.agreement) == (party, agreement):
            releases.take_away(unit, row.shelf, row.id, row.version)
            releases.show(unit, "remove", row.shelf, id=row.id, version=row.version)


def _ordered(
    unit: Connection, us: Us, party: str, ids: Iterable[str]
) -> dict[tuple[str, str], list[OrderRow]]:
    """Return our orders that reach the party, by agreement and id."""
    found: dict[tuple[str, str], list[OrderRow]] = defaultdict(list)
    for order in recalls.orders_on(unit, ids):
        if order.by == us.party and party in (order.peers or party).split(","):
            found[order.agreement, order.id].append(order)
    return found


def _ours(unit: Connection, us: Us, released: Sequence[Released]) -> set[int]:
    """Return those copies that no other nation vouches for; what is not here any more was another's."""
    nations = set(parties.parties_with_keys(unit)) - {us.party}
    vouchers = provenance.vouchers(unit, {each.copy for each in released})
    return {copy for copy, voucher in vouchers.items() if voucher not in nations}


def pack(unit: Connection, us: Us, party: str, now: datetime) -> dict[str, bytes]:
    """Return the files of the exit pack by name, the signed list of them among them.

    Raises:
        NotFound: we have not broken off with it.
    """
    broken = _standing(unit, us, party)
    orders_, answers = _orders_and_answers(unit, us, party)
    files = {
        "held-by-them.json": _json(_held_by_them(unit, us, party)),
        "held-by-us.json": _json(_held_by_us(unit, party)),
        "agreements.json": _json(_agreements(unit, us, party, now)),
        "orders.jsonl": _lines(order.envelope.decode() for order in orders_),
        "receipts.json": _json([_answer(each) for each in answers if each.outcome]),
        "seals.jsonl": _lines(_seals(unit, answers)),
        "outstanding.json": _json(_outstanding(orders_, answers, now)),
        "notices.jsonl": _lines(_notices(unit, us, broken)),
    }
    listed = ExitPack(
        realm=us.realm,
        by=us.party,
        party=party,
        since=broken.issued,
        issued=text(now),
        files=[File(name=n, digest=digest(raw), size=len(raw)) for n, raw in files.items()],
    )
    files[MANIFEST] = sign(EXIT, encode(listed), us.signer).to_bytes()
    facts: dict[str, Json] = {"digest": digest(files[MANIFEST]), "orders": len(orders_)}
    facts["outstanding"] = sum(not each.outcome for each in answers)
    peers.administrative(unit, now, "exit-pack", party, facts)
    return files


def check(files: Mapping[str, bytes], keys: Mapping[str, bytes]) -> ExitPack:
    """Check an exit pack, with no node at hand: signed as a whole, every file there, none changed, none added.

    Args:
        keys: the exchange keys of whose pack it is, by key id.

    Raises:
        PeerError: it is not as it was signed.
    """
    if MANIFEST not in files:
        raise PeerError(f"no {MANIFEST} here: is that an exit pack?")
    listed = decode(verify(read(files[MANIFEST]), EXIT, keys), ExitPack)
    named = {file.name: file.digest for file in listed.files}
    here = {name: digest(raw) for name, raw in files.items() if name != MANIFEST}
    if named != here:
        odd = sorted({name for name in {*named, *here} if named.get(name) != here.get(name)})
        raise PeerError(f"not as it was signed: {', '.join(odd)}", files=", ".join(odd))
    return listed


def _standing(unit: Connection, us: Us, party: str) -> RuptureRow:
    row = blocks.latest(unit, us.party, party)
    if row is None or row.state != STANDING:
        raise NotFound(f"we have not broken off with {party!r}", party=party)
    return row


def _held_by_them(unit: Connection, us: Us, party: str) -> list[Json]:
    every = recalls.held_by(unit, party)
    ours = _ours(unit, us, every)
    ordered = _ordered(unit, us, party, {each.id for each in every})
    found: dict[tuple[str, ...], Json] = {}
    for each in every:
        about = (each.agreement, each.id, each.version, each.view)
        named = [
            o.name
            for o in ordered[each.agreement, each.id]
            if each.copy in ours and o.names(each.version, each.view)
        ]
        found[about] = {
            "agreement": each.agreement,
            "id": each.id,
            "version": each.version,
            "view": each.view,
            "released": each.at,
            "ours": each.copy in ours,
            "orders": [*named],
        }
    return list(found.values())


def _held_by_us(unit: Connection, party: str) -> list[Json]:
    return [
        {
            "id": came.id,
            "version": came.version,
            "digest": came.digest,
            "agreement": came.agreement,
            "voucher": came.voucher,
            "owner": came.owner,
            "sent_by": came.sent_by,
            "received": came.received_at,
        }
        for came in provenance.came_from(unit, party)
    ]


def _agreements(unit: Connection, us: Us, party: str, now: datetime) -> list[Json]:
    return [
        {
            "agreement": held.id,
            "version": signed.text.version,
            "digest": agreements.terms_of(signed.text).digest,
            "state": str(held.state),
            "signed": [*sorted(signed.by)],
            "parties": [*signed.text.names],
        }
        for held in agreements.every(unit, now)
        for signed in held.versions
        if signed.text.party(party) and signed.text.party(us.party)
    ]


def _orders_and_answers(
    unit: Connection, us: Us, party: str
) -> tuple[list[OrderRow], list[ReceiptRow]]:
    answers = recalls.receipts_of(unit, us.party, party)
    names = {each.name for each in answers}
    return [o for o in recalls.all_orders(unit, ours=True) if o.name in names], answers


def _answer(receipt: ReceiptRow) -> Json:
    return {
        "order": receipt.name,
        "agreement": receipt.agreement,
        "outcome": receipt.outcome,
        "basis": receipt.basis,
        "at": receipt.at,
        "seal": receipt.seal,
        "recorded_by": receipt.person,
    }


def _seals(unit: Connection, answers: Iterable[ReceiptRow]) -> list[str]:
    """Return the sealed envelopes that the answers came in: what the party signed."""
    wanted = {each.seal for each in answers if each.seal}
    return [envelope.decode() for envelope in inbound.envelopes_of_seals(unit, sorted(wanted))]


def _outstanding(
    orders_: Sequence[OrderRow], answers: Sequence[ReceiptRow], now: datetime
) -> list[Json]:
    open_ = {each.name for each in answers if not each.outcome}
    return [
        {
            "order": order.name,
            "agreement": order.agreement,
            "id": order.id,
            "deadline": order.deadline,
            "overdue": order.deadline < text(now),
        }
        for order in orders_
        if order.name in open_
    ]


def _notices(unit: Connection, us: Us, broken: RuptureRow) -> list[str]:
    """Return what we signed to say so: the rupture, and the suspension of each agreement."""
    suspended = [
        notice.envelope.decode()
        for name in filter(None, broken.suspended.split(","))
        for notice in texts.notices_of(unit, name)
        if notice.party == us.party
    ]
    return [broken.envelope.decode(), *suspended]


def _json(value: Sequence[Json]) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _lines(values: Iterable[str]) -> bytes:
    return "".join(f"{value}\n" for value in values).encode()
