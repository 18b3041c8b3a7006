"""What came from whom, and whether what went arrived: counted and paged without a look at the bytes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, case, cast, func, select
from sqlalchemy.sql.elements import Label

from mithaq.store import objects
from mithaq.store.objects import Copy, Rows
from mithaq.store.recalls import Released
from mithaq.store.sql import fetched, within
from mithaq.store.tables import channels, copies, outbox, provenance, quarantine

_FRAMES = 32  # looked through at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of what came is meant; what is empty is not asked for."""

    whom: Collection[str] = ()  # who handed it to us, a party or a source
    since: str = ""
    until: str = ""
    type: str = ""
    level: int | None = None
    agreement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many versions came from somebody that are alike in all else that is said here."""

    whom: str
    type: str
    level: int
    agreement: str
    owner: str
    count: int
    first: str  # when the first and the last of them came
    last: str


def whom() -> Label[str]:
    """Return who handed a copy to us: the peer that sent it, else the source that it was read from."""
    p = provenance.c
    return case((p.sent_by != "", p.sent_by), else_=p.voucher).label("whom")


def _origins(visible: Rows, wanted: Wanted) -> Select[tuple[object, ...]]:
    """Select the provenances of what is ``visible``, which is a matter of these alone, and wanted."""
    p = provenance.c
    columns = (p.seq, whom(), p.tlp, p.agreement, p.owner, p.received_at)
    which: list[ColumnElement[bool]] = [p.standing == "received"]
    if visible.whereclause is not None:
        which.append(visible.whereclause)
    if wanted.whom:
        which.append(whom().in_(list(wanted.whom)))
    if wanted.since:
        which.append(p.received_at >= wanted.since)
    if wanted.until:
        which.append(p.received_at < wanted.until)
    if wanted.level is not None:
        which.append(p.tlp == wanted.level)
    if wanted.agreement:
        which.append(p.agreement == wanted.agreement)
    return select(*columns).where(*which)


def counted(unit: Connection, visible: Rows, wanted: Wanted) -> list[Counted]:
    """Return how many versions came, by whom, type, level, agreement and owner."""
    o = _origins(visible, wanted).subquery().c
    if wanted == Wanted(
        type=wanted.type
    ):  # of all: each origin is looked up once for all that came from it
        some = select(copies.c.provenance, copies.c.type, func.count().label("many"))
        c = some.group_by(copies.c.provenance, copies.c.type).subquery().c
        count: ColumnElement[int] = cast(func.sum(c.many), BigInteger)
    else:
        c, count = copies.c, func.count()
    alike = (o.whom, c.type, o.tlp, o.agreement, o.owner)
    query = select(*alike, count, func.min(o.received_at), func.max(o.received_at))
    query = query.where(c.provenance == o.seq).group_by(*alike)
    if wanted.type:
        query = query.where(c.type == wanted.type)
    names = ("whom", "type", "level", "agreement", "owner", "count", "first", "last")
    rows = fetched(unit, query.order_by(*alike))
    return [Counted(**dict(zip(names, row, strict=True))) for row in rows]


def came(
    unit: Connection, visible: Rows, wanted: Wanted, page: tuple[int, int] = (50, 0)
) -> list[Copy]:
    """Return the versions that came, the newest first.

    Args:
        page: how many at most, and the number of the last copy of the page before (0: from the top).
    """
    limit, before = page
    some = _origins(visible, wanted).subquery()
    query = select(copies.c.seq).where(copies.c.provenance.in_(select(some.c.seq)))
    if wanted.type:
        query = query.where(copies.c.type == wanted.type)
    if before:
        query = query.where(copies.c.seq < before)
    seqs = [seq for (seq,) in fetched(unit, query.order_by(copies.c.seq.desc()).limit(limit))]
    rows = visible.where(within(unit, copies.c.seq, seqs)).order_by(copies.c.seq.desc())
    return objects.load(unit, rows) if seqs else []


def set_aside(unit: Connection, wanted: Wanted) -> dict[str, int]:
    """Return how much of what came from each was put into quarantine."""
    q = quarantine.c
    query = select(q.voucher, func.count()).where(q.state == "waiting").group_by(q.voucher)
    if wanted.whom:
        query = query.where(q.voucher.in_(list(wanted.whom)))
    if wanted.since:
        query = query.where(q.at >= wanted.since)
    if wanted.until:
        query = query.where(q.at < wanted.until)
    if wanted.type:
        query = query.where(q.type == wanted.type)
    if wanted.agreement:
        query = query.where(q.agreement == wanted.agreement)
    return {voucher: int(count) for voucher, count in unit.execute(query)}


def acknowledged(unit: Connection, sent: Sequence[Released]) -> dict[Released, str]:
    """Return when its node said that it holds the frame that carried a release; those that went in none are left out.

    Returns:
        an empty instant for those that are on their way.
    """
    found: dict[Released, str] = {}
    for each in sent:
        for at in _carried(unit, each):
            # it may have been sent again, where nobody knew whether the first had arrived
            found[each] = at
            if at:
                break
    return found


def _carried(unit: Connection, each: Released) -> Iterator[str]:
    """Yield when each frame that carried a release arrived, in their order: as a rule it is in the next."""
    here = outbox.c.bodies.contains(each.view, autoescape=True)
    query = select(outbox.c.delivered_at, here).where(outbox.c.at >= each.at)
    theirs = select(channels.c.id).where(channels.c.peer == each.peer)
    theirs = theirs.where(channels.c.agreement == each.agreement, channels.c.direction == "out")
    query = query.where(outbox.c.channel.in_(theirs)).order_by(outbox.c.at, outbox.c.chan_seq)
    done, some = 0, _FRAMES
    while some == _FRAMES:
        frames = fetched(unit, query.offset(done).limit(_FRAMES))
        yield from (delivered for delivered, carries in frames if carries)
        done, some = done + _FRAMES, len(frames)
