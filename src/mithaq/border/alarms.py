"""Alarms: raised once with signed evidence, on record for good, closed by a person or by what they waited for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mithaq.audit import evidence
from mithaq.audit.evidence import About, Ahead, Equivocation, Fork, Shows, Silence
from mithaq.border.peers import administrative
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, NotFound
from mithaq.model.canonical import Json, digest
from mithaq.seal.envelope import read
from mithaq.seal.messages import Heartbeat, decode
from mithaq.store import alarms as store
from mithaq.store import inbound, parties
from mithaq.store.alarms import CLOSED, OPEN, Alarm

__all__ = [
    "Ahead", "Equivocation", "Fork", "Trouble", "close", "heard", "listen", "over", "ring", "trouble",
]  # fmt: skip


def ring(
    unit: Connection, about: About, shows: Shows, now: datetime, *, matter: str = ""
) -> int | None:
    """Raise an alarm with its evidence; return its number, or None if that matter was raised before.

    Args:
        matter: what makes it the same matter as another; left out, its evidence alone does.
    """
    raw = evidence.to_bytes(about)
    name = f"{shows.kind}:{matter or digest(raw)}"
    if store.named(unit, name):
        return None
    return _keep(unit, name, shows, raw, now)


def _keep(unit: Connection, name: str, shows: Shows, raw: bytes, now: datetime) -> int:
    number = store.ring(
        unit,
        Alarm(
            name=name,
            kind=shows.kind,
            subject=shows.by,
            at=text(now),
            facts={"why": shows.why, **shows.facts},
            evidence=raw,
        ),
    )
    facts: dict[str, Json] = {"number": number, "alarm": shows.kind, "evidence": digest(raw)}
    administrative(unit, now, "alarm", shows.by, {**facts, "why": shows.why, **shows.facts})
    return number


def close(unit: Connection, number: int, reason: str, now: datetime, *, by: str) -> Alarm:
    """Close an alarm for a reason; its evidence stays on record.

    Raises:
        NotFound: there is none of that number; Conflict: it is closed already.
    """
    alarm = store.numbered(unit, number)
    if alarm is None:
        raise NotFound(f"no alarm by the number {number}", number=number)
    if alarm.state == CLOSED:
        raise Conflict(f"alarm {number} is closed already", number=number)
    _close(unit, alarm, reason, now, by)
    return alarm


def _close(unit: Connection, alarm: Alarm, reason: str, now: datetime, by: str) -> None:
    store.close(unit, alarm.seq, text(now), by, reason)
    facts: dict[str, Json] = {"number": alarm.seq, "alarm": alarm.kind, "by": by, "reason": reason}
    administrative(unit, now, "alarm-closed", alarm.subject, facts)


# --- what nobody is accused of -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something of ours that a person should look at, such as a feed that gives nothing."""

    name: str  # the same for the same matter
    kind: str
    subject: str
    why: str


def trouble(
    unit: Connection, about: Trouble, facts: Mapping[str, str | int], report: bytes, now: datetime
) -> None:
    """Raise an alarm that accuses nobody, with a report instead of evidence; once, until it is over or closed."""
    if _standing(unit, about.name) is None:
        shows = Shows(kind=about.kind, by=about.subject, why=about.why, facts=facts)
        _keep(unit, about.name, shows, report, now)


def over(unit: Connection, name: str, reason: str, now: datetime) -> None:
    """Close the alarm over a matter that is over, if one is open."""
    alarm = _standing(unit, name)
    if alarm is not None:
        _close(unit, alarm, reason, now, "")


def _standing(unit: Connection, name: str) -> Alarm | None:
    open_ = [each for each in store.named(unit, name) if each.state == OPEN]
    return open_[-1] if open_ else None


# --- silence ---------------------------------------------------------------------------------------------
def _silent(unit: Connection, peer: str) -> Alarm | None:
    """Return the open alarm over a peer's silence."""
    return _standing(unit, f"silence:{peer}")


def gone_silent(unit: Connection, peer: str, now: datetime) -> bool:
    """Say whether a confirmed peer's last heartbeat has run out and no alarm says so yet."""
    heard_ = inbound.last_heard(unit, peer)
    if (
        heard_ is None
        or heard_.expires > text(now)
        or parties.peer(unit, peer).state != "confirmed"
    ):
        return False
    return _silent(unit, peer) is None


def listen(unit: Connection, us: Us, peer: str, now: datetime) -> None:
    """Raise an alarm once if a peer that spoke before is silent; nothing of it is deleted (border.md 6)."""
    last = inbound.last_heard(unit, peer)
    if last is None or not gone_silent(unit, peer, now):
        return
    beat = decode(read(last.envelope).payload, Heartbeat)
    about = Silence(realm=us.realm, by=peer, heartbeat=last.envelope.decode(), at=text(now))
    facts: dict[str, str | int] = {"issued": beat.issued, "expires": beat.expires}
    shows = Shows(kind="silence", by=peer, why="expired", facts=facts)
    _keep(unit, f"silence:{peer}", shows, evidence.to_bytes(about), now)


def heard(unit: Connection, peer: str, now: datetime) -> None:
    """Close the alarm over a peer's silence: it has spoken again."""
    alarm = _silent(unit, peer)
    if alarm is not None:
        _close(unit, alarm, "spoke-again", now, "")
