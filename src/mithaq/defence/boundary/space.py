"""What is ours: networks and names of the settings and of people's words, and the services that matter most."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Literal

import msgspec
from sqlalchemy import Connection

from mithaq import config
from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import harmless
from mithaq.border.peers import administrative
from mithaq.clock import text
from mithaq.errors import InputError, NotFound
from mithaq.model.values import Value, recognised
from mithaq.store.journal import keep, setting

_SERVICES = "boundary.services"
_MOST, _LONGEST = 1000, 200
Importance = Literal["vital", "high", "normal"]
IMPORTANCE: tuple[Importance, ...] = ("vital", "high", "normal")


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A service that is to be defended: at which addresses, networks and names, whose, and how much hangs on it."""

    name: str
    at: tuple[str, ...]
    owner: str = ""
    importance: Importance = "normal"
    by: str
    since: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of ours that people are shown."""

    name: str
    what: Literal["network", "domain", "service", "sector", "country"]
    values: tuple[Value, ...]
    owner: str = ""
    importance: str = ""


def services(unit: Connection) -> list[Service]:
    """Return the services, by name."""
    written = setting(unit, _SERVICES)
    return msgspec.json.decode(written, type=list[Service]) if written else []


def set_service(  # noqa: PLR0913 what a service is
    unit: Connection,
    actor: Actor,
    name: str,
    at: Sequence[str],
    now: datetime,
    *,
    owner: str = "",
    importance: Importance = "normal",
) -> Service:
    """Keep a service, in place of any of that name.

    Raises:
        Forbidden: the actor may not. InputError: something of it is no address, network or name, or too long.
    """
    require(actor, Permission.RELEASE_APPROVE)
    if not name.strip() or max(len(name), len(owner)) > _LONGEST or not 0 < len(at) <= _MOST:
        raise InputError("a service has a name, and addresses or names", cause="service")
    made = Service(
        name=name.strip(),
        at=tuple(_meant(each).text for each in at),
        owner=owner,
        importance=importance,
        by=actor.name,
        since=text(now),
    )
    rest = [each for each in services(unit) if each.name != made.name]
    if len(rest) >= _MOST:
        raise InputError(f"at most {_MOST} services are kept", cause="service")
    _keep(unit, [*rest, made])
    administrative(unit, now, "service", made.name, {"by": actor.name, "at": [*made.at]})
    return made


def drop_service(unit: Connection, actor: Actor, name: str, now: datetime) -> None:
    """Let go of a service.

    Raises:
        Forbidden: the actor may not. NotFound: there is none of that name.
    """
    require(actor, Permission.RELEASE_APPROVE)
    some = services(unit)
    rest = [each for each in some if each.name != name]
    if len(rest) == len(some):
        raise NotFound(f"no service {name!r} is kept", service=name)
    _keep(unit, rest)
    administrative(unit, now, "service-dropped", name, {"by": actor.name})


def _keep(unit: Connection, some: Sequence[Service]) -> None:
    ordered = sorted(some, key=lambda each: each.name)
    keep(unit, _SERVICES, msgspec.json.encode(ordered).decode())


def _meant(written: str) -> Value:
    found = recognised(written)
    if found is None or found.kind not in {"ipv4", "ipv6", "domain"}:
        raise InputError(f"{written!r} is no address, network or name", cause="value")
    return found


def items(unit: Connection, settings: config.Benign) -> list[Item]:
    """Return all that is ours: services by importance, then networks and names."""
    own = [found for e in harmless.merged(settings, harmless.standing(unit)).own
           if (found := recognised(e)) is not None]  # fmt: skip
    some = [
        Item(
            name=each.name,
            what="service",
            values=tuple(map(_meant, each.at)),
            owner=each.owner,
            importance=each.importance,
        )
        for each in sorted(services(unit), key=lambda e: (IMPORTANCE.index(e.importance), e.name))
    ]
    return some + [
        Item(name=v.text, what="domain" if v.kind == "domain" else "network", values=(v,))
        for v in own
    ]


def is_ours(unit: Connection, value: Value) -> str:
    """Return the service that a value is of; empty: it is of none."""
    found = (s.name for s in services(unit) if any(holds(_meant(at), value) for at in s.at))
    return next(found, "")


def holds(ours: Value, value: Value) -> bool:
    """Say whether something of ours is, or has in it, a value; or a network reaches into ours."""
    if ours.kind == "domain":
        return value.kind == "domain" and f".{value.text}".endswith(f".{ours.text}")
    if value.kind != ours.kind:
        return False
    one, other = ip_network(ours.text), ip_network(value.text)
    return one.overlaps(other)
