"""Dealing with a peer no longer, or in another way: at once and on the record."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border import clocks
from mithaq.border.peers import administrative
from mithaq.errors import InputError
from mithaq.store import channels, parties, releases
from mithaq.store.parties import Peer

WAYS = ("pull", "push")


def remove(unit: Connection, name: str, now: datetime, *, by: str) -> None:
    """Deal with a peer no more: it may knock no longer, and its shelves are closed.

    What it holds already it keeps; its key documents stay here, so that what it signed can be verified.

    Raises:
        NotFound: there is no such peer.
    """
    peer = parties.peer(unit, name)
    if name in clocks.witnesses(unit):
        clocks.appoint(unit, name, now, by=by, off=True)
    releases.show(unit, "no-caller", "", name=name)
    for channel in channels.of_peer(unit, name, "out"):
        facts = {"peer": name, "title": "", "kind": peer.kind, "state": "closed"}
        releases.show(unit, "shelf", channel.id, **facts)
    parties.put_peer(unit, replace(peer, state="removed", token=""))
    administrative(unit, now, "peer-removed", name, {"by": by})


def set_delivery(unit: Connection, name: str, way: str, now: datetime, *, by: str) -> Peer:
    """Say whether a node fetches what is for it, or is brought it.

    Raises:
        NotFound: there is no such peer; InputError: no such way, or a client, which always fetches.
    """
    peer = parties.peer(unit, name)
    if way not in WAYS:
        raise InputError(f"delivery is {' or '.join(WAYS)}, not {way!r}", cause="delivery")
    if peer.kind != "node":
        raise InputError(f"{name!r} is a TAXII client; it always fetches", peer=name)
    changed = replace(peer, delivery=way)
    parties.put_peer(unit, changed)
    administrative(unit, now, "peer-delivery", name, {"way": way, "by": by})
    return changed
