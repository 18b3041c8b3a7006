"""Heads of logs kept for others as their witness, and heads of ours that witnesses signed (border.md 4.4)."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from mithaq.store.sql import insert_new, put
from mithaq.store.tables import cosigned, witnessed


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The newest head of a partner's log that we keep."""

    party: str
    size: int
    at: str
    envelope: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigned:
    """A head of our log with the signature of a witness beside ours."""

    witness: str
    size: int
    at: str
    envelope: bytes = field(repr=False)
    came: str


def keep(unit: Connection, head: Kept) -> None:
    """Keep a partner's newest head."""
    put(unit, witnessed, {name: getattr(head, name) for name in Kept.__slots__})


def kept(unit: Connection) -> list[Kept]:
    """Return the heads we keep, by party."""
    rows = select(witnessed).order_by(witnessed.c.party)
    return [Kept(**{**r._mapping, "envelope": bytes(r.envelope)}) for r in unit.execute(rows)]


def kept_of(unit: Connection, party: str) -> Kept | None:
    """Return the head that we keep of a partner's log."""
    return next((head for head in kept(unit) if head.party == party), None)


def cosign(unit: Connection, head: Cosigned) -> None:
    """Keep a witness's signature of a head of ours."""
    insert_new(unit, cosigned, [{name: getattr(head, name) for name in Cosigned.__slots__}])


def newest(unit: Connection, witness: str = "") -> list[Cosigned]:
    """Return the newest head that each witness signed, or one of them, by witness."""
    rows = select(cosigned).order_by(cosigned.c.at, cosigned.c.size)
    if witness:
        rows = rows.where(cosigned.c.witness == witness)
    found = {
        r.witness: Cosigned(**{**r._mapping, "envelope": bytes(r.envelope)})
        for r in unit.execute(rows)
    }
    return [found[name] for name in sorted(found)]
