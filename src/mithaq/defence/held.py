"""The indicators that this node holds, to be looked for in its own telemetry: each as each of its givers says it.

As in a search, what counts of a voucher is the newest version that they gave, and one that may not be read hides the
older ones. Whoever writes another's id takes nothing back and changes nothing of what that one says.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.model.objects import Body, moment
from mithaq.model.whose import Word
from mithaq.store import objects
from mithaq.store.objects import Copy, Rows
from mithaq.store.sql import chunks, fetched
from mithaq.store.tables import copies, provenance

_OF_ALL = copies.c.type == "indicator"
_HERE = provenance.c.standing != objects.FORMER


def held(
    unit: Connection, us: Us, actor: Actor, now: datetime, *, since: int = 0
) -> Iterator[tuple[Word, Body]]:
    """Yield whose word each indicator is that an actor may read, and its body in that giver's newest version.

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
    unit: Connection, us: Us, actor: Actor, words: Collection[Word], now: datetime
) -> dict[Word, str]:
    """Return those of some givers' indicators that ``held`` would yield, each with its newest version."""
    readable = objects.visible_to(actor.clearance, us.party)
    found = _of_ids(unit, readable, {word.rule for word in words}, now)
    return {_word(copy): copy.object.version for copy in found if _word(copy) in words}


def standing(unit: Connection, words: Collection[Word], now: datetime) -> dict[Word, Body]:
    """Return what is said now of some givers' indicators that are not over, whoever may read it."""
    some = _bodies(_of_ids(unit, _everything(), {word.rule for word in words}, now))
    return {word: body for word, body in some if word in words}


def fresh(
    unit: Connection, after: int, most: int, now: datetime, until: int = 0
) -> tuple[dict[Word, Body], int]:
    """Return bodies of indicators of which something is new, by whose word they are, and how far that goes.

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
    return objects.everything().where(_HERE)


def _bodies(some: Iterator[Copy]) -> Iterator[tuple[Word, Body]]:
    for copy in some:
        yield _word(copy), copy.object.body


def _word(copy: Copy) -> Word:
    return Word(copy.object.id, copy.voucher)


def _of_ids(unit: Connection, rows: Rows, ids: Collection[str], now: datetime) -> Iterator[Copy]:
    """Yield the newest of each giver of some indicators, unless it is over."""
    for part in chunks(ids):
        which = [_OF_ALL, objects.by_ids(unit, part), copies.c.id.in_(part)]
        yield from _standing(unit, rows, which, now)


def _standing(
    unit: Connection, rows: Rows, which: Sequence[ColumnElement[bool]], now: datetime
) -> Iterator[Copy]:
    """Yield the newest of each indicator and giver if it is among ``rows``, unless it is over.

    Of copies of one version, which came under several agreements, one that is among them.
    """
    c, names = copies.c, dict[str, str]()
    last: dict[tuple[str, str], tuple[str, int]] = {}
    alike: dict[int, list[int]] = {}  # other copies of a version
    of_all = objects.columns_of(objects.everything(), c.id, c.version, c.seq, provenance.c.voucher)
    for id_, version, seq, voucher in fetched(unit, of_all.where(*which, _HERE).order_by(c.seq)):
        word, at = (id_, names.setdefault(voucher, voucher)), moment(version)
        known = last.get(word)
        if known is None or known[0] < at:
            last[word] = (at, seq)
        elif known[0] == at:
            alike.setdefault(known[1], []).append(seq)
    today, seen = text(now), set[Word]()
    seqs = [seq for _, first in last.values() for seq in (first, *alike.get(first, ()))]
    for part in chunks(seqs):
        for copy in objects.load(unit, rows.where(c.seq.in_(part))):
            body = copy.object.body
            until = body.get("valid_until")
            over = isinstance(until, str) and until <= today
            again = bool(alike) and _word(copy) in seen
            if body.get("revoked") is not True and not over and not again:
                if alike:
                    seen.add(_word(copy))
                yield copy
