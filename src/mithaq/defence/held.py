"""The indicators that this node holds, to be looked for in its own telemetry."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import chain

from sqlalchemy import ColumnElement, Connection, func, select

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.model.objects import Body, moment
from mithaq.store import objects
from mithaq.store.objects import Copy, Rows
from mithaq.store.sql import chunks, fetched
from mithaq.store.tables import copies, provenance

_OF_ALL = copies.c.type == "indicator"


def held(
    unit: Connection, us: Us, actor: Actor, now: datetime, *, since: int = 0
) -> Iterator[tuple[str, Body]]:
    """Yield id and body of each indicator that an actor may read, in its newest version.

    What is revoked, or was valid until now at most, is looked for no more.

    Args:
        since: a number of ``newest``: of those alone of which something came after it.

    Raises:
        Forbidden: the actor may not make hits.
    """
    require(actor, Permission.HIT_JUDGE)
    readable = objects.visible_to(actor.clearance, us.party)
    if not since:
        yield from _bodies(_standing(unit, readable, [_OF_ALL], now))
        return
    came = select(copies.c.id).where(_OF_ALL, copies.c.seq > since)
    yield from _bodies(_of_ids(unit, readable, {id_ for (id_,) in fetched(unit, came)}, now))


def newest(unit: Connection) -> int:
    """Return the number of what came last of all indicators."""
    return unit.execute(select(func.max(copies.c.seq)).where(_OF_ALL)).scalar_one() or 0


def count_after(unit: Connection, seq: int) -> int:
    """Return how many versions of indicators came after a number of ``newest``."""
    query = select(func.count()).select_from(copies).where(_OF_ALL, copies.c.seq > seq)
    return int(unit.execute(query).scalar_one())


def in_force(
    unit: Connection, us: Us, actor: Actor, ids: Collection[str], now: datetime
) -> dict[str, str]:
    """Return those of some indicators that ``held`` would yield, each with its newest version."""
    readable = objects.visible_to(actor.clearance, us.party)
    return {copy.object.id: copy.object.version for copy in _of_ids(unit, readable, set(ids), now)}


def standing(unit: Connection, ids: Collection[str], now: datetime) -> dict[str, list[Body]]:
    """Return what is said now of some indicators that are not over, whoever may read it: by each whose word it is."""
    found: dict[str, list[Body]] = {}
    for id_, body in _bodies(_of_ids(unit, _everything(), set(ids), now)):
        found.setdefault(id_, []).append(body)
    return found


def fresh(
    unit: Connection, after: int, most: int, now: datetime, until: int = 0
) -> tuple[dict[str, Body], int]:
    """Return bodies of indicators of which something is new, by id, and how far that goes.

    Whoever may read them: who sees what they find is decided where it is shown.

    Args:
        unit: to read in.
        after: the number of a copy, up to which they were returned before.
        most: copies that are looked at; 0: none, whatever is new.
        now: what is over is left out, as in ``held``.
        until: the number of a copy, after which nothing is new yet; 0: all is.
    """
    c = copies.c
    last = until or int(unit.execute(select(func.coalesce(func.max(c.seq), 0))).scalar_one())
    new = select(c.seq, c.id).where(c.seq > after, c.seq <= last, _OF_ALL)
    rows = fetched(unit, new.order_by(c.seq).limit(most))
    found = dict(_bodies(_of_ids(unit, _everything(), {id_ for _, id_ in rows}, now)))
    return found, rows[-1][0] if rows and len(rows) == most else last


def _everything() -> Rows:
    return objects.everything().where(provenance.c.standing != objects.FORMER)


def _bodies(some: Iterator[Copy]) -> Iterator[tuple[str, Body]]:
    for copy in some:
        yield copy.object.id, copy.object.body


def _of_ids(unit: Connection, rows: Rows, ids: Collection[str], now: datetime) -> Iterator[Copy]:
    """Yield the newest of each of some indicators, unless it is over."""
    for part in chunks(ids):
        which = [_OF_ALL, objects.by_ids(unit, part), copies.c.id.in_(part)]
        yield from _standing(unit, rows, which, now)


def _standing(
    unit: Connection, rows: Rows, which: Sequence[ColumnElement[bool]], now: datetime
) -> Iterator[Copy]:
    """Yield the newest of each indicator and each whose word it is, unless it is over; who gave it first comes last.

    Whoever writes another's id takes nothing back and changes nothing of what that one says.
    """
    c = copies.c
    columns = (c.id, c.version, c.seq, provenance.c.owner, provenance.c.voucher)
    found: dict[str, tuple[str, int, str]] = {}  # of whoever gave it first
    others: dict[tuple[str, str], tuple[str, int]] = {}
    in_order = objects.columns_of(rows, *columns).where(*which).order_by(c.seq)
    for id_, version, seq, owner, voucher in fetched(unit, in_order):
        at, whose = moment(version), owner or voucher
        known = found.get(id_)
        if known is None or known[2] == whose:
            found[id_] = max(known or ("", 0, whose), (at, seq, whose))
        else:
            others[id_, whose] = max(others.get((id_, whose), ("", 0)), (at, seq))
    later, of_first = (seq for _, seq in others.values()), (seq for _, seq, _ in found.values())
    today = text(now)
    for part in chain(chunks(later), chunks(of_first)):
        for copy in objects.load(unit, rows.where(c.seq.in_(part))):
            body = copy.object.body
            until = body.get("valid_until")
            over = isinstance(until, str) and until <= today
            if body.get("revoked") is not True and not over:
                yield copy
