"""The indicators that this node holds, to be looked for in its own telemetry."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.model.objects import Body, moment
from mithaq.store import objects
from mithaq.store.sql import chunks, fetched
from mithaq.store.tables import copies


def held(unit: Connection, us: Us, actor: Actor, now: datetime) -> Iterator[tuple[str, Body]]:
    """Yield id and body of each indicator that an actor may read, in its newest version.

    What is revoked, or was valid until now at most, is looked for no more.

    Raises:
        Forbidden: the actor may not make hits.
    """
    require(actor, Permission.HIT_JUDGE)
    readable = objects.visible_to(actor.clearance, us.party)
    columns = (copies.c.id, copies.c.version, copies.c.seq)
    which = objects.columns_of(readable, *columns).where(copies.c.type == "indicator")
    newest: dict[str, tuple[str, int]] = {}
    for id_, version, seq in fetched(unit, which):
        newest[id_] = max(newest.get(id_, ("", 0)), (moment(version), seq))
    at = text(now)
    for part in chunks(seq for _, seq in newest.values()):
        for copy in objects.load(unit, readable.where(copies.c.seq.in_(part))):
            body = copy.object.body
            until = body.get("valid_until")
            over = isinstance(until, str) and until <= at
            if body.get("revoked") is not True and not over:
                yield copy.object.id, body
