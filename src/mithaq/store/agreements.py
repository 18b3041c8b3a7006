"""Texts of agreements, their signatures and the notices that narrow them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

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


# Made once: a worker asks several times a second where each agreement stands.
_TEXTS = select(agreements).order_by(agreements.c.id, agreements.c.version, agreements.c.added_at)
_TEXTS_OF = _TEXTS.where(agreements.c.id == bindparam("agreement"))
_SIGNATURES = select(signatures).where(signatures.c.digest == bindparam("text"))
_SIGNERS = select(signatures.c.digest, signatures.c.party)
_SIGNERS_OF = _SIGNERS.join(agreements, agreements.c.digest == signatures.c.digest).where(
    agreements.c.id == bindparam("agreement")
)
_NOTICES = select(notices).order_by(notices.c.seq)
_NOTICES_OF = _NOTICES.where(notices.c.agreement == bindparam("agreement"))


def add_text(unit: Connection, new: Text) -> None:
    """Keep a text; the same text is kept once."""
    insert_new(unit, agreements, [{name: getattr(new, name) for name in Text.__slots__}])


def texts(unit: Connection, id_: str | None = None) -> list[Text]:
    """Return the texts of one agreement or of all, oldest version first."""
    rows = unit.execute(_TEXTS if id_ is None else _TEXTS_OF, {"agreement": id_})
    return [Text(**{**r._mapping, "raw": bytes(r.raw)}) for r in rows]


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
    rows = unit.execute(_SIGNATURES, {"text": digest})
    return {row.party: bytes(row.envelope) for row in rows}


def signers(unit: Connection, id_: str | None = None) -> dict[str, frozenset[str]]:
    """Return who signed each text of one agreement or of all, by the text's digest; only texts that anybody signed."""
    found: dict[str, set[str]] = defaultdict(set)
    for text_, party in unit.execute(_SIGNERS if id_ is None else _SIGNERS_OF, {"agreement": id_}):
        found[text_].add(party)
    return {text_: frozenset(names) for text_, names in found.items()}


def add_notice(unit: Connection, notice: NoticeRow) -> None:
    """Keep a notice."""
    unit.execute(
        notices.insert().values({name: getattr(notice, name) for name in NoticeRow.__slots__})
    )


def notices_of(unit: Connection, agreement: str | None = None) -> list[NoticeRow]:
    """Return the notices of one agreement or of all, oldest first."""
    rows = unit.execute(_NOTICES if agreement is None else _NOTICES_OF, {"agreement": agreement})
    return [
        NoticeRow(
            agreement=r.agreement,
            party=r.party,
            act=r.act,
            envelope=bytes(r.envelope),
            at=r.at,
        )
        for r in rows
    ]
