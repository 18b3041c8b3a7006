"""What is ours, with what is held that names it and what matched there: by the reader's clearance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import islice

from sqlalchemy import Connection

from mithaq import config
from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.defence.boundary.space import Item, holds, items
from mithaq.defence.seeing import visible
from mithaq.model.values import Value, recognised
from mithaq.store import matches, objects, values
from mithaq.store.matches import Group
from mithaq.store.objects import Copy

MOST = 1 << 16  # addresses of a network that are looked up one by one
_SHOWN = 50  # of what names one value


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing of ours: what names it, the newest first; and what matched on it or by what names it."""

    item: Item
    named: Sequence[Copy]
    hits: Sequence[Group]
    partly: bool  # a network so large that only its first addresses were looked up


def look(unit: Connection, us: Us, actor: Actor, settings: config.Benign) -> list[Seen]:
    """Return all that is ours, services first, then what was named last.

    Raises:
        Forbidden: the actor reads no hits.
    """
    require(actor, Permission.HIT_READ)
    groups = {each.seq: each for each in visible(unit, us, actor, matches.groups(unit))}
    machines = [
        (value, groups[seq])
        for seq, name in matches.of_machines(unit)
        if seq in groups and (value := recognised(name)) is not None
    ]
    found = [
        _seen(unit, us, actor, each, [*groups.values()], machines) for each in items(unit, settings)
    ]
    return sorted(found, key=lambda seen: (seen.item.what != "service", -_newest(seen)))


def _newest(seen: Seen) -> int:
    return seen.named[0].seq if seen.named else 0


def _seen(  # noqa: PLR0913 a step of ``look``
    unit: Connection,
    us: Us,
    actor: Actor,
    item: Item,
    groups: Sequence[Group],
    machines: Sequence[tuple[Value, Group]],
) -> Seen:
    rows = objects.visible_to(actor.clearance, us.party)
    wanted = [*dict.fromkeys(each for value in item.values for each in _each(value))]
    copies = {
        copy.seq: copy
        for some in values.sharing(unit, rows, wanted, _SHOWN).values()
        for copy in some
    }
    ids = {copy.object.id for copy in copies.values()}
    hits = {each.seq: each for each in groups if each.rule in ids}
    hits |= {
        group.seq: group
        for value, group in machines
        if any(holds(ours, value) for ours in item.values)
    }
    return Seen(
        item=item,
        named=sorted(copies.values(), key=lambda copy: -copy.seq),
        hits=sorted(hits.values(), key=lambda group: group.last, reverse=True),
        partly=any(_size(value) > MOST for value in item.values),
    )


def _each(value: Value) -> Iterator[Value]:
    """Yield a value, and the addresses in it, up to a bound."""
    yield value
    if "/" in value.text and value.kind != "domain":
        network = ip_network(value.text)
        yield from (Value(value.kind, str(each)) for each in islice(network, MOST))


def _size(value: Value) -> int:
    return 1 if value.kind == "domain" else ip_network(value.text).num_addresses
