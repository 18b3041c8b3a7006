"""The journal, what happened, in the same transaction; and the cursors of those who follow it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import msgspec
from sqlalchemy import Connection, Select, bindparam, select

from mithaq.clock import text
from mithaq.store.engine import append_lock
from mithaq.store.sql import put
from mithaq.store.tables import journal, settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened; facts are ids, names and numbers."""

    seq: int
    at: str
    kind: str
    subject: str
    facts: Mapping[str, object]


# Made once: these are the commonest of all statements.
_RECORD = journal.insert().inline()
_SETTING = select(settings.c.value).where(settings.c.key == bindparam("key"))


def record(unit: Connection, now: datetime, kind: str, subject: str, **facts: object) -> None:
    """Write what happened; it becomes visible with the unit."""
    append_lock(unit, "journal")
    told = msgspec.json.encode(facts).decode()
    unit.execute(_RECORD, {"at": text(now), "kind": kind, "subject": subject, "facts": told})


def since(unit: Connection, position: int, limit: int = 1000) -> list[Entry]:
    """Return up to ``limit`` entries after ``position``, oldest first."""
    rows = select(journal).where(journal.c.seq > position).order_by(journal.c.seq).limit(limit)
    return [
        Entry(
            seq=r.seq,
            at=r.at,
            kind=r.kind,
            subject=r.subject,
            facts=msgspec.json.decode(r.facts),
        )
        for r in unit.execute(rows)
    ]


def newest(unit: Connection) -> str:
    """Return when the last thing that happened did; empty: nothing did yet."""
    rows = select(journal.c.at).order_by(journal.c.seq.desc()).limit(1)
    return unit.execute(rows).scalar_one_or_none() or ""


def setting(unit: Connection, key: str, default: str = "") -> str:
    """Return a kept value, such as a cursor."""
    found = unit.execute(_SETTING, {"key": key}).scalar_one_or_none()
    return default if found is None else str(found)


def settings_under(unit: Connection, prefix: str) -> dict[str, str]:
    """Return the kept values whose keys begin with ``prefix``, by what follows it."""
    return {row.key.removeprefix(prefix): row.value for row in unit.execute(_under(prefix))}


@cache
def _under(prefix: str) -> Select[tuple[str, str]]:
    return select(settings).where(settings.c.key.startswith(prefix, autoescape=True))


def keep(unit: Connection, key: str, value: str) -> None:
    """Keep a value under ``key``."""
    put(unit, settings, {"key": key, "value": value})
