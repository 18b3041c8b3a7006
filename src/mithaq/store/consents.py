"""Who asked an owner to pass what on to whom, and what the owner answered (border.md 2.2, 5.5)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, func, select, update

from mithaq.store.sql import among
from mithaq.store.tables import consents

ASKED, GIVEN, REFUSED = "asked", "given", "refused"
_KEY = ("owner", "asker", "recipient", "id", "version", "digest", "purpose")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One request with its last answer."""

    seq: int = 0
    owner: str
    asker: str
    recipient: str
    id: str
    version: str
    digest: str
    reason: str = ""
    purpose: str = "defence"
    state: str
    asked_at: str
    at: str
    person: str = ""
    envelope: bytes | None = None


def put(unit: Connection, row: ConsentRow) -> ConsentRow:
    """Keep a request or an answer; a later one on the same replaces the earlier. Return it numbered."""
    values = {n: getattr(row, n) for n in ConsentRow.__slots__ if n != "seq"}
    before = like(unit, row)
    if before is None:
        unit.execute(consents.insert().values(values))
    else:
        unit.execute(update(consents).where(consents.c.seq == before.seq).values(values))
    seq = unit.execute(select(consents.c.seq).where(*_which(row))).scalar_one()
    return replace(row, seq=seq)


def like(unit: Connection, row: ConsentRow) -> ConsentRow | None:
    """Return what is kept of the same request."""
    found = unit.execute(select(consents).where(*_which(row))).one_or_none()
    return None if found is None else ConsentRow(**found._mapping)


def _which(row: ConsentRow) -> list[ColumnElement[bool]]:
    return [consents.c[name] == getattr(row, name) for name in _KEY]


def of_ids(unit: Connection, ids: Iterable[str]) -> list[ConsentRow]:
    """Return what was asked and answered about ``ids``, oldest first."""
    found = among(unit, select(consents).order_by(consents.c.seq), consents.c.id, ids)
    return [ConsentRow(**row._mapping) for row in found]


def every(unit: Connection) -> list[ConsentRow]:
    """Return everything asked and answered, newest first."""
    rows = select(consents).order_by(consents.c.at.desc(), consents.c.seq.desc())
    return [ConsentRow(**row._mapping) for row in unit.execute(rows)]


def numbered(unit: Connection, seq: int) -> ConsentRow | None:
    """Return one by its number."""
    row = unit.execute(select(consents).where(consents.c.seq == seq)).one_or_none()
    return None if row is None else ConsentRow(**row._mapping)


def open_of(unit: Connection, asker: str) -> int:
    """Return how many requests of ``asker`` wait for an answer."""
    c = consents.c
    query = select(func.count()).where(c.asker == asker, c.state == ASKED)
    return int(unit.execute(query).scalar_one())


def given_to(rows: Iterable[ConsentRow], view: tuple[str, str, str], recipient: str) -> str:
    """Return the owner's yes to a view (id, version, digest) for ``recipient`` as its envelope's text; empty: none."""
    for row in rows:
        fits = (row.id, row.version, row.digest, row.recipient) == (*view, recipient)
        if fits and row.state == GIVEN and row.envelope:
            return bytes(row.envelope).decode()
    return ""
