"""The indicators that this node holds, to be looked for in its own telemetry."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.model.objects import Body, moment
from mithaq.store import objects
from mithaq.store.objects import Rows
from mithaq.store.sql import chunks, fetched
from mithaq.store.tables import copies, provenance


def held(unit: Connection, us: Us, actor: Actor, now: datetime) -> Iterator[tuple[str, Body]]:
    """Yield id and body of each indicator that an actor may read, in its newest version.

    What is revoked, or was valid until now at most, is looked for no more.

    Raises:
        Forbidden: the actor may not make hits.
    """
    require(actor, Permission.HIT_JUDGE)
    readable = objects.visible_to(actor.clearance, us.party)
    yield from _standing(unit, readable, [copies.c.type == "indicator"], now)


def fresh(unit: Connection, after: int, most: int, now: datetime) -> tuple[dict[str, Body], int]:
    """Return bodies of indicators of which something is new, by id, and how far that goes.

    Whoever may read them: who sees what they find is decided where it is shown.

    Args:
        unit: to read in.
        after: the number of a copy, up to which they were returned before.
        most: copies that are looked at; 0: none, whatever is new.
        now: what is over is left out, as in ``held``.
    """
    c = copies.c
    newest = int(unit.execute(select(func.coalesce(func.max(c.seq), 0))).scalar_one())
    new = select(c.seq, c.id).where(c.seq > after, c.seq <= newest, c.type == "indicator")
    rows = fetched(unit, new.order_by(c.seq).limit(most))
    everything = objects.everything().where(provenance.c.standing != objects.FORMER)
    found: dict[str, Body] = {}
    for part in chunks(dict.fromkeys(id_ for _, id_ in rows)):
        which = [objects.by_ids(unit, part), copies.c.id.in_(part)]
        found |= _standing(unit, everything, which, now)
    return found, rows[-1][0] if rows and len(rows) == most else newest


def _standing(
    unit: Connection, rows: Rows, which: Sequence[ColumnElement[bool]], now: datetime
) -> Iterator[tuple[str, Body]]:
    """Yield the newest of each indicator, unless it is over."""
    columns = (copies.c.id, copies.c.version, copies.c.seq)
    newest: dict[str, tuple[str, int]] = {}
    for id_, version, seq in fetched(unit, objects.columns_of(rows, *columns).where(*which)):
        newest[id_] = max(newest.get(id_, ("", 0)), (moment(version), seq))
    at = text(now)
    for part in chunks(seq for _, seq in newest.values()):
        for copy in objects.load(unit, rows.where(copies.c.seq.in_(part))):
            body = copy.object.body
            until = body.get("valid_until")
            over = isinstance(until, str) and until <= at
            if body.get("revoked") is not True and not over:
                yield copy.object.id, body
