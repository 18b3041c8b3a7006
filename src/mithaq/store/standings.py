"""What directors approved beforehand, and each use that was made of it."""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select, update

from mithaq.store.tables import standing_uses, standings


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRow:
    """One standing approval; what it says is read from its envelope alone."""

    seq: int = 0
    person: str
    envelope: bytes
    at: str
    revoked_at: str = ""
    revoked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """That a standing approval was the second person of a release."""

    seq: int = 0
    standing: int
    use: int  # the first is 1
    copy: int
    agreement: str
    id: str
    version: str
    view: str
    peers: str  # comma-separated, sorted
    proposer: str
    at: str
    verdict: str = ""  # seen | recalled; empty: to be reviewed
    reviewed_at: str = ""
    reviewed_by: str = ""


def add(unit: Connection, row: StandingRow) -> StandingRow:
    """Keep a standing approval; return it numbered."""
    values = {name: getattr(row, name) for name in StandingRow.__slots__ if name != "seq"}
    [number] = unit.execute(standings.insert().values(values)).inserted_primary_key or (0,)
    return replace(row, seq=int(number))


def every(unit: Connection) -> list[StandingRow]:
    """Return all of them, oldest first."""
    rows = unit.execute(select(standings).order_by(standings.c.seq))
    return [StandingRow(**{**r._mapping, "envelope": bytes(r.envelope)}) for r in rows]


def numbered(unit: Connection, number: int) -> StandingRow | None:
    """Return one."""
    row = unit.execute(select(standings).where(standings.c.seq == number)).one_or_none()
    return None if row is None else StandingRow(**{**row._mapping, "envelope": bytes(row.envelope)})


def revoke(unit: Connection, number: int, at: str, by: str) -> None:
    """Note that it counts no more."""
    which = update(standings).where(standings.c.seq == number)
    unit.execute(which.values(revoked_at=at, revoked_by=by))


def count_uses(unit: Connection, number: int) -> int:
    """Return how often a standing approval was used."""
    query = select(func.count()).where(standing_uses.c.standing == number)
    return int(unit.execute(query).scalar_one())


def use(unit: Connection, new: Use) -> Use:
    """Keep a use; return it numbered. A use whose number is taken fails the unit."""
    values = {name: getattr(new, name) for name in Use.__slots__ if name != "seq"}
    [number] = unit.execute(standing_uses.insert().values(values)).inserted_primary_key or (0,)
    return replace(new, seq=int(number))


def uses(unit: Connection, *, open_only: bool) -> list[Use]:
    """Return the uses, oldest first; those to be reviewed, or all."""
    query = select(standing_uses).order_by(standing_uses.c.seq)
    if open_only:
        query = query.where(standing_uses.c.verdict == "")
    return [Use(**row._mapping) for row in unit.execute(query)]


def used(unit: Connection, number: int) -> Use | None:
    """Return one use by its number."""
    row = unit.execute(select(standing_uses).where(standing_uses.c.seq == number)).one_or_none()
    return None if row is None else Use(**row._mapping)


def review(unit: Connection, number: int, verdict: str, by: str, at: str) -> None:
    """Note what a person thought of a use."""
    which = update(standing_uses).where(standing_uses.c.seq == number)
    unit.execute(which.values(verdict=verdict, reviewed_by=by, reviewed_at=at))
