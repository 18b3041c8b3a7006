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
from mithaq.defence.cycle.threats import of_ours
from mithaq.defence.seeing import visible
from mithaq.model.named import spelling
from mithaq.model.objects import moment
from mithaq.model.values import Value, recognised
from mithaq.store import coverage, matches, objects, values
from mithaq.store.matches import Group
from mithaq.store.objects import Copy, Rows
from mithaq.store.tables import copies

MOST = 1 << 16  # addresses of a network that are looked up one by one
_SHOWN = 50  # of what names one value
_PLACES = 5_000  # identities and places, the newest, that are looked at
_TIES = 20_000  # relationships that say who targets whom, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing of ours: what names it, the newest first; and what matched on it or by what names it."""

    item: Item
    named: Sequence[Copy]
    hits: Sequence[Group]
    partly: bool  # a network so large that only its first addresses were looked up


def look(
    unit: Connection,
    us: Us,
    actor: Actor,
    settings: config.Benign,
    sectors: Sequence[str] = (),
) -> list[Seen]:
    """Return all that is ours, services first, then what was named last.

    Args:
        sectors: ours; of them, and of our country, is told what targets them.

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
    rows = objects.visible_to(actor.clearance, us.party)
    found += _targeted(unit, us, rows, sectors, [*groups.values()])
    return sorted(found, key=lambda seen: (seen.item.what != "service", -_newest(seen)))


def _targeted(
    unit: Connection, us: Us, rows: Rows, sectors: Sequence[str], groups: Sequence[Group]
) -> list[Seen]:
    """Return our sectors, and our country if something targets it, with what does by its relationships."""
    ours = {spelling(each): each for each in sectors}
    some = rows.where(copies.c.type.in_(("identity", "location"))).order_by(copies.c.seq.desc())
    places = {
        copy.object.id: ours.get(spelling(place), place)
        for copy in objects.load(unit, some.limit(_PLACES))
        if (place := of_ours(copy.object.body, us.country, ours))
    }
    by: dict[str, set[str]] = {each: set() for each in sectors}
    for tie in coverage.ties(unit, rows, places, ("relationship",), _TIES):
        if tie.kind == "targets" and tie.ends[-1] in places:
            by.setdefault(places[tie.ends[-1]], set()).add(tie.ends[0])
    return [_of_place(unit, us, rows, name, ids, groups) for name, ids in by.items()]


def _of_place(  # noqa: PLR0913 a step of ``look``
    unit: Connection, us: Us, rows: Rows, name: str, ids: set[str], groups: Sequence[Group]
) -> Seen:
    newest: dict[str, Copy] = {}
    for part in objects.named(rows, ids):
        for copy in objects.load(unit, part):
            before = newest.get(copy.object.id)
            if before is None or moment(before.object.version) < moment(copy.object.version):
                newest[copy.object.id] = copy
    standing = [each for each in newest.values() if each.object.body.get("revoked") is not True]
    return Seen(
        item=Item(name=name, what="country" if name == us.country else "sector", values=()),
        named=sorted(standing, key=lambda copy: -copy.seq),
        hits=[each for each in groups if each.rule in ids],
        partly=False,
    )


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
