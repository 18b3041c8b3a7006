"""Who gave us what, and on whose word: what is known of copies without their bytes (border.md 1.1, 6)."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, or_, select

from mithaq.store.objects import CAME, by_ids, come
from mithaq.store.sql import among, chunks, fetched, insert_new
from mithaq.store.tables import batches, copies, provenance, quarantine

_from = select().select_from(copies).join(provenance, CAME)
_accounts = _from.add_columns(
    *(copies.c[name] for name in ("seq", "id", "version", "digest", "com", "proof")),
    *(provenance.c[name] for name in ("voucher", "role", "agreement")),
).where(
    provenance.c.standing == "received", copies.c.version != "", copies.c.com != "", copies.c.proof != "",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What is known of a copy that came from a nation, without its bytes."""

    id: str
    version: str
    digest: str
    agreement: str
    voucher: str
    owner: str
    sent_by: str
    received_at: str


def came_from(unit: Connection, party: str) -> list[Came]:
    """Return the copies that a nation owns, vouches for or sent us, oldest first."""
    c, p = copies.c, provenance.c
    which = come(_of_whom([party]), p.standing == "received")
    columns = (c.id, c.version, c.digest, p.agreement, p.voucher, p.owner, p.sent_by, p.received_at)
    rows = _from.add_columns(*columns).where(which).order_by(c.seq)
    return [Came(**row._mapping) for row in unit.execute(rows)]


def vouchers(unit: Connection, seqs: Iterable[int]) -> dict[int, str]:
    """Return who vouches for each of the copies that are here."""
    found: dict[int, str] = {}
    for part in chunks(dict.fromkeys(seqs)):
        rows = _from.add_columns(copies.c.seq, provenance.c.voucher).where(copies.c.seq.in_(part))
        found |= {row.seq: row.voucher for row in unit.execute(rows)}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What its voucher said of one version, as we hold it: without its bytes."""

    seq: int
    voucher: str
    role: str
    id: str
    version: str
    digest: str
    com: str
    agreement: str
    proof: str


def accounts(unit: Connection, agreement: str, after: int = 0) -> list[Account]:
    """Return what vouchers said of versions that came under an agreement, after a number, oldest first."""
    rows = _accounts.where(provenance.c.agreement == agreement, copies.c.seq > after)
    return [Account(**row._mapping) for row in unit.execute(rows.order_by(copies.c.seq))]


def accounts_of(unit: Connection, ids: Iterable[str]) -> list[Account]:
    """Return what vouchers said of versions of ``ids``, whatever it came under, oldest first."""
    wanted = set(ids)
    rows = unit.execute(_accounts.where(by_ids(unit, wanted)).order_by(copies.c.seq))
    return [Account(**row._mapping) for row in rows if row.id in wanted]


def held_often(unit: Connection, ids: Iterable[str]) -> list[str]:
    """Return those of ``ids`` of which more than one copy is here."""
    wanted = set(ids)
    query = select(copies.c.tail).where(by_ids(unit, wanted)).group_by(copies.c.tail)
    alike = query.having(func.count() > 1)
    held = Counter(fetched(unit, select(copies.c.id).where(copies.c.tail.in_(alike))))
    return [id_ for (id_,), count in held.items() if count > 1 and id_ in wanted]


def put_batch(unit: Connection, digest: str, envelope: str, leaves: Sequence[bytes]) -> None:
    """Keep what a voucher signed of views that came together, and the digests of all its leaves."""
    row = {"digest": digest, "envelope": envelope, "leaves": b"".join(leaves)}
    insert_new(unit, batches, [row])


def batch(unit: Connection, digest: str) -> tuple[str, bytes]:
    """Return a batch that is kept: its envelope, and the digests of its leaves one behind the other."""
    row = unit.execute(select(batches).where(batches.c.digest == digest)).one()
    return row.envelope, bytes(row.leaves)


def known_from(
    unit: Connection, parties: Collection[str], ids: Iterable[str]
) -> dict[str, set[str]]:
    """Return, for each of ``parties``, those of ``ids`` that it owns or sent us, also what we put into quarantine.

    Else it would read in what we send it what became of what it sent (border.md 6).
    """
    found: dict[str, set[str]] = {party: set() for party in parties}
    wanted = set(ids)
    c, p, q = copies.c, provenance.c, quarantine.c
    rows_ = _from.add_columns(c.id, p.voucher, p.owner, p.sent_by).where(_of_whom(found))
    for id_, *theirs in unit.execute(rows_.where(by_ids(unit, wanted))):
        for party in found.keys() & set(theirs) if id_ in wanted else ():
            found[party].add(id_)
    for id_, voucher in among(unit, select(q.id, q.voucher), q.id, wanted):
        party = voucher.removeprefix("client:")
        if party in found:
            found[party].add(id_)
    return found


def came_under(
    unit: Connection, agreement: str, ids: Iterable[str]
) -> list[tuple[str, frozenset[str], bool]]:
    """Return (id, who owns or sent it, whether all parties have it) of those of ``ids`` that came under an agreement.

    What we put into quarantine is among them, by the word of who sent it: see ``known_from``.
    """
    c, p, q, wanted = copies.c, provenance.c, quarantine.c, set(ids)
    stored = _from.add_columns(c.id, p.voucher, p.owner, p.sent_by, p.onward)
    stored = stored.where(p.agreement == agreement)
    aside = select(q.id, q.voucher, q.onward).where(q.agreement == agreement)
    held = among(unit, stored, c.id, wanted, by_ids(unit, wanted))
    return [
        (id_, frozenset(who), onward == "scope")
        for id_, *who, onward in (*held, *among(unit, aside, q.id, wanted))
    ]


def _of_whom(parties: Collection[str]) -> ColumnElement[bool]:
    """Narrow provenances to those of what some nations own, vouch for or sent us."""
    p = provenance.c
    return or_(*(column.in_(parties) for column in (p.voucher, p.owner, p.sent_by)))


def versions_of(unit: Connection, ids: Iterable[str]) -> list[tuple[int, str, str, str]]:
    """Return (seq, voucher, id, version) of every copy of ``ids``."""
    wanted = set(ids)
    columns = (copies.c.seq, provenance.c.voucher, copies.c.id, copies.c.version)
    query = select(*columns).join_from(copies, provenance, CAME)
    return [row for row in fetched(unit, query.where(by_ids(unit, wanted))) if row[2] in wanted]


class Span(NamedTuple):
    """The versions of an object that one voucher gave: the first, the last, and the digest of the last."""

    first: str
    last: str
    digest: str


def spans(unit: Connection, voucher: str, ids: Iterable[str]) -> dict[str, Span]:
    """Return which versions of ``ids`` a voucher gave, whatever became of them."""
    wanted = set(ids)
    query = select(copies.c.id, copies.c.version, copies.c.digest)
    query = query.join_from(copies, provenance, CAME)
    found: dict[str, list[tuple[str, str]]] = {}
    which = (by_ids(unit, wanted), provenance.c.voucher == voucher)
    for id_, version, digest in fetched(unit, query.where(*which)):
        if id_ in wanted:
            found.setdefault(id_, []).append((version, digest))
    return {id_: Span(min(given)[0], *max(given)) for id_, given in found.items()}


def kin(unit: Connection, ids: Iterable[str]) -> list[tuple[int, str, str]]:
    """Return (seq, voucher, id) of the copies of ``ids`` of which a voucher gave several."""
    wanted = set(ids)
    some = by_ids(unit, wanted)
    several = select(copies.c.tail).where(some).group_by(copies.c.tail).having(func.count() > 1)
    query = select(copies.c.seq, provenance.c.voucher, copies.c.id)
    query = query.join_from(copies, provenance, CAME)
    found = fetched(unit, query.where(copies.c.tail.in_(several)))
    given = Counter((voucher, id_) for _, voucher, id_ in found)
    return [row for row in found if row[2] in wanted and given[row[1], row[2]] > 1]
