"""Peers, their key documents, and the people here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from mithaq.clock import text
from mithaq.errors import NotFound
from mithaq.store.sql import insert_new, put
from mithaq.store.tables import actors, key_documents, peers


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another nation's node, or an ordinary TAXII client."""

    name: str
    kind: str  # node | client
    url: str = ""
    state: str  # met | confirmed | removed
    delivery: str = "pull"
    country: str = ""
    organisation: str = ""
    constituency_of: str = ""
    need_to_know: bool = False
    default_tlp: str = ""
    token: str = ""
    added_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorRow:
    """A person or token that acts here; ``public`` is the raw key approvals are signed with."""

    name: str
    roles: str
    clearance: str
    readers: str = ""
    public: bytes
    added_at: str = ""


# Made once: who a peer is and which keys count is asked for everything that comes and goes.
_PEERS = select(peers).where(peers.c.state != "removed").order_by(peers.c.name)
_PEER = select(peers).where(peers.c.state != "removed", peers.c.name == bindparam("name"))
_OF_PARTY = key_documents.c.party == bindparam("party")
_DOCUMENTS = select(key_documents).where(_OF_PARTY).order_by(key_documents.c.version)
_VERSIONS = select(key_documents.c.version).where(_OF_PARTY).order_by(key_documents.c.version)


def put_peer(unit: Connection, peer: Peer) -> None:
    """Keep or replace a peer."""
    put(unit, peers, {name: getattr(peer, name) for name in Peer.__slots__})


def all_peers(unit: Connection) -> list[Peer]:
    """Return the peers that were not removed, by name."""
    return [Peer(**row._mapping) for row in unit.execute(_PEERS)]


def find(unit: Connection, name: str) -> Peer | None:
    """Return one peer; None if there is none of that name."""
    row = unit.execute(_PEER, {"name": name}).one_or_none()
    return None if row is None else Peer(**row._mapping)


def peer(unit: Connection, name: str) -> Peer:
    """Return one peer.

    Raises:
        NotFound: there is none of that name.
    """
    found = find(unit, name)
    if found is None:
        raise NotFound(f"no peer named {name!r}; `mithaq peer list` shows them", peer=name)
    return found


def set_peer_state(unit: Connection, name: str, state: str) -> None:
    """Move a peer to another state."""
    unit.execute(update(peers).where(peers.c.name == name).values(state=state))


def add_key_document(
    unit: Connection, party: str, version: int, envelope: bytes, now: datetime
) -> None:
    """Keep a verified key document; a version is kept once."""
    insert_new(
        unit,
        key_documents,
        [{"party": party, "version": version, "envelope": envelope, "at": text(now)}],
    )


def key_document_envelopes(unit: Connection, party: str) -> Mapping[int, bytes]:
    """Return the envelopes of a party's key documents by version, lowest first."""
    rows = unit.execute(_DOCUMENTS, {"party": party})
    return {row.version: bytes(row.envelope) for row in rows}


def document_versions(unit: Connection, party: str) -> list[int]:
    """Return the versions of a party's key document that we hold, lowest first."""
    return list(unit.execute(_VERSIONS, {"party": party}).scalars())


def parties_with_keys(unit: Connection) -> list[str]:
    """Return every party whose key document we hold, ourselves included."""
    return [r.party for r in unit.execute(select(key_documents.c.party).distinct())]


def put_actor(unit: Connection, actor: ActorRow) -> None:
    """Keep or replace an actor."""
    put(unit, actors, {name: getattr(actor, name) for name in ActorRow.__slots__})


def all_actors(unit: Connection) -> list[ActorRow]:
    """Return the actors by name."""
    rows = unit.execute(select(actors).order_by(actors.c.name))
    return [ActorRow(**row._mapping) for row in rows]
