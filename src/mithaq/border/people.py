"""The people here: who acts, what for, and the key each signs approvals with (border.md 2.8)."""

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, Role, roles
from mithaq.border.peers import administrative
from mithaq.clock import text
from mithaq.errors import Conflict, NotFound
from mithaq.model.labels import Clearance, tlp
from mithaq.seal.keys import keyid
from mithaq.store import parties
from mithaq.store.parties import ActorRow

OWNER = "owner"  # the home's owner, before anybody here is an operator
OWNERS = frozenset(
    {Permission.ACTOR_SET, Permission.PEER_ADD, Permission.PEER_CONFIRM}
)  # and no more


class UnknownActor(NotFound):
    """Nobody of that name acts here."""

    code = "unknown-actor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A person to enrol, as written: roles, clearance and the reader ids they are bound to."""

    name: str
    roles: frozenset[Role]
    clearance: str
    readers: tuple[str, ...] = ()
    public: bytes


def enrol(unit: Connection, newcomer: Newcomer, now: datetime, *, by: str) -> Actor:
    """Let a person act here; their key is theirs alone, so that nobody counts twice.

    Raises:
        Conflict: the name or the key is taken; InputError: the clearance is no TLP level.
    """
    taken = {row.name: row.public for row in parties.all_actors(unit)}
    if newcomer.name in taken or newcomer.name == OWNER:
        raise Conflict(f"somebody named {newcomer.name!r} acts here already", actor=newcomer.name)
    if newcomer.public in taken.values():
        raise Conflict("that key is another person's", key=keyid(newcomer.public))
    row = ActorRow(
        name=newcomer.name,
        roles=",".join(sorted(newcomer.roles)),
        clearance=str(tlp(newcomer.clearance)),
        readers=",".join(newcomer.readers),
        public=newcomer.public,
        added_at=text(now),
    )
    parties.put_actor(unit, row)
    facts = {"roles": row.roles, "clearance": row.clearance, "key": keyid(row.public), "by": by}
    administrative(unit, now, "actor-added", row.name, dict(facts))
    return _actor(row)


def everyone(unit: Connection) -> list[Actor]:
    """Return the people here, by name."""
    return [_actor(row) for row in parties.all_actors(unit)]


def named(unit: Connection, name: str) -> Actor:
    """Return one person.

    Raises:
        UnknownActor: there is none of that name.
    """
    every = {actor.name: actor for actor in everyone(unit)}
    if name in every:
        return every[name]
    like = ", ".join(get_close_matches(name, every))
    raise UnknownActor(
        f"nobody named {name!r} acts here; like it: {like}; `mithaq actor list` shows who does"
        if like
        else f"nobody named {name!r} acts here; `mithaq actor list` shows who does",
        actor=name,
    )


def owner(unit: Connection) -> Actor | None:
    """Return the home's owner, who may do ``OWNERS``, until somebody here is an operator; then None."""
    if any(Role.OPERATOR in actor.roles for actor in everyone(unit)):
        return None
    return Actor(name=OWNER, roles=frozenset({Role.OPERATOR, Role.LIAISON}))


def _actor(row: ActorRow) -> Actor:
    return Actor(
        name=row.name,
        roles=roles(filter(None, row.roles.split(","))),
        clearance=Clearance(
            tlp=tlp(row.clearance), readers=frozenset(filter(None, row.readers.split(",")))
        ),
        public_key=row.public,
    )
