"""Texts of agreements, their signatures and the notices that narrow them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from mithaq.clock import text
from mithaq.store.sql import insert_new, put
from mithaq.store.tables import agreements, notices, signatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One exact text of an agreement."""

    digest: str
    id: str
    version: int
    raw: bytes
    added_at: str
    from_party: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """A party's one-sided act on an agreement, newest last."""

    agreement: str
    party: str
    act: str
    envelope: bytes
    at: str


def add_text(unit: Connection, new: Text) -> None:
    """Keep a text; the same text is kept once."""
    insert_new(unit, agreements, [{name: getattr(new, name) for name in Text.__slots__}])


def texts(unit: Connection, id_: str | None = None) -> list[Text]:
    """Return the texts of one agreement or of all, oldest version first."""
    rows = select(agreements).order_by(agreements.c.id, agreements.c.version, agreements.c.added_at)
    if id_ is not None:
        rows = rows.where(agreements.c.id == id_)
    return [Text(**{**r._mapping, "raw": bytes(r.raw)}) for r in unit.execute(rows)]


def put_signature(
    unit: Connection, digest: str, party: str, envelope: bytes, now: datetime
) -> None:
    """Keep a party's signature of a text, verified as it was received; it replaces one kept before."""
    row = {"digest": digest, "party": party, "envelope": envelope, "at": text(now)}
    put(unit, signatures, row)


def signatures_by(unit: Connection, party: str) -> list[tuple[str, bytes, str]]:
    """Return (digest of the text, envelope, when it was received) of every signature of a party."""
    rows = unit.execute(select(signatures).where(signatures.c.party == party))
    return [(row.digest, bytes(row.envelope), row.at) for row in rows]


def drop_signature(unit: Connection, digest: str, party: str) -> None:
    """Forget a party's signature of a text."""
    which = (signatures.c.digest == digest, signatures.c.party == party)
    unit.execute(delete(signatures).where(*which))


def signatures_of(unit: Connection, digest: str) -> dict[str, bytes]:
    """Return the signature envelopes of a text by party."""
    rows = unit.execute(select(signatures).where(signatures.c.digest == digest))
    return {row.party: bytes(row.envelope) for row in rows}


def add_notice(unit: Connection, notice: NoticeRow) -> None:
    """Keep a notice."""
    unit.execute(
        notices.insert().values({name: getattr(notice, name) for name in NoticeRow.__slots__})
    )


def notices_of(unit: Connection, agreement: str) -> list[NoticeRow]:
    """Return the notices of an agreement, oldest first."""
    rows = select(notices).where(notices.c.agreement == agreement).order_by(notices.c.seq)
    return [
        NoticeRow(
            agreement=r.agreement,
            party=r.party,
            act=r.act,
            envelope=bytes(r.envelope),
            at=r.at,
        )
        for r in unit.execute(rows)
    ]
