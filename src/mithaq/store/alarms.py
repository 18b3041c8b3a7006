"""Alarms: what somebody may have done wrong, and the evidence (border.md 5.3, 6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection, func, select, update

from mithaq.store.tables import alarms

OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One matter that a person should look at; closed ones stay on record."""

    seq: int = 0
    name: str  # the same for the same matter
    kind: str
    subject: str  # whom it is about
    at: str
    facts: Mapping[str, str | int]
    evidence: bytes = field(repr=False)  # a file that `mithaq alarm check` reads
    state: str = OPEN
    closed_at: str = ""
    closed_by: str = ""  # empty though closed: it closed by itself
    reason: str = ""


def ring(unit: Connection, alarm: Alarm) -> int:
    """Keep an alarm; return its number."""
    values = {name: getattr(alarm, name) for name in Alarm.__slots__ if name != "seq"}
    values["facts"] = msgspec.json.encode(alarm.facts).decode()
    unit.execute(alarms.insert().values(values))
    return int(unit.execute(select(func.max(alarms.c.seq))).scalar_one())


def named(unit: Connection, name: str) -> list[Alarm]:
    """Return the alarms of one matter, oldest first."""
    rows = select(alarms).where(alarms.c.name == name).order_by(alarms.c.seq)
    return [_alarm(row) for row in unit.execute(rows)]


def numbered(unit: Connection, seq: int) -> Alarm | None:
    """Return the alarm of a number."""
    row = unit.execute(select(alarms).where(alarms.c.seq == seq)).one_or_none()
    return None if row is None else _alarm(row)


def every(unit: Connection, *, closed: bool = False) -> list[Alarm]:
    """Return the open alarms, newest first, and the closed ones too if asked for."""
    rows = select(alarms).order_by(alarms.c.seq.desc())
    if not closed:
        rows = rows.where(alarms.c.state == OPEN)
    return [_alarm(row) for row in unit.execute(rows)]


def close(unit: Connection, seq: int, at: str, by: str, reason: str) -> None:
    """Note that an alarm is settled, by whom (nobody: by itself) and why."""
    values = {"state": CLOSED, "closed_at": at, "closed_by": by, "reason": reason}
    unit.execute(update(alarms).where(alarms.c.seq == seq).values(values))


def _alarm(row: object) -> Alarm:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    facts = msgspec.json.decode(values["facts"], type=dict[str, str | int])
    return Alarm(**{**values, "facts": facts, "evidence": bytes(values["evidence"])})
