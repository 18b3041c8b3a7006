"""What a node knows of a peer, for whoever examines it in the node's name."""

from sqlalchemy import Connection

from mithaq.border import peers
from mithaq.border.us import Us
from mithaq.clock import Clock
from mithaq.errors import NotFound
from mithaq.exchange.conform.pair import Pair
from mithaq.store import parties, recalls


def of_peer(unit: Connection, us: Us, name: str, clock: Clock) -> Pair:
    """Return the pair of us and a confirmed node.

    Raises:
        NotFound: there is no such node, or it is not confirmed.
    """
    peer = parties.peer(unit, name)
    held = parties.key_document_envelopes(unit, name)
    if peer.kind != "node" or peer.state != "confirmed" or not held:
        raise NotFound("no confirmed node of that name", peer=name)
    owed = {row.name for row in recalls.receipts_of(unit, us.party, name)}
    return Pair(
        us=us.party,
        them=name,
        realm=us.realm,
        signer=us.signer,
        keys=peers.proving_keys_of(unit, name, clock()),
        document=held[max(held)],
        clock=clock,
        orders={
            order.name: order.deadline
            for order in recalls.all_orders(unit, ours=True)
            if order.name in owed
        },
    )


def node_at(unit: Connection, url: str) -> str:
    """Return the name of the confirmed node whose address that is; empty if there is none."""
    wanted = url.rstrip("/")
    found = [
        peer.name
        for peer in parties.all_peers(unit)
        if peer.kind == "node" and peer.state == "confirmed" and peer.url.rstrip("/") == wanted
    ]
    return found[0] if found else ""
