"""What stands in a brief, and how it is marked.

A brief bears the highest marking of what it was made from. How our node and its partners do is no object and bears no
marking of its own; it counts as TLP:AMBER, for it is written for us. A brief up to a ceiling is made anew as if whoever
asks were cleared for no more, and below AMBER says nothing of how we do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import msgspec
from sqlalchemy import Connection

from mithaq import intel
from mithaq.auth.actors import Actor, Permission, may
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.ingest.rules import Health, Terms
from mithaq.intel import Emerging, Horizon
from mithaq.intel.needs.answers import Report, gaps
from mithaq.intel.partners.digest import Digest, digest, readable
from mithaq.model.labels import Tlp
from mithaq.store import alarms, feeds, inbound, parties, recalls, releases, standings
from mithaq.store.alarms import Alarm

DAYS = {"day": 1, "week": 7}
BASELINE = 90  # days
MOST = 3  # of a family that emerge
EVIDENCE = 3  # objects of each
OURS = Tlp.AMBER  # how the node and its partners do


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """The brief that is asked for."""

    period: str  # day | week
    until: date  # its last day, in UTC
    up_to: Tlp | None = None  # None: whatever the actor may read

    @property
    def since(self) -> date:
        """Its first day."""
        return self.until - timedelta(days=DAYS[self.period] - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """How we are in touch with a partner."""

    name: str
    silent: bool
    heard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHealth:
    """How a feed does."""

    name: str
    state: str  # active | paused
    health: Health
    every: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What waits for a person, and how the node does. None: not for this reader."""

    second: int | None  # releases that wait for a second person
    quarantined: int | None
    review: int | None  # uses of standing approvals
    receipts: tuple[int, int] | None  # missing, and of these overdue
    alarms: Sequence[Alarm] | None
    feeds: Sequence[FeedHealth] | None
    peers: Sequence[Peer]
    gaps: Sequence[Report]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """All that stands in it."""

    nation: str
    organisation: str
    ordered: Ordered
    made_at: str
    level: Tlp
    emerging: Emerging
    digest: Digest
    duties: Duties | None  # None: above the ceiling


def period_of(ordered: Ordered) -> tuple[str, str]:
    """Return the first instant of a period, and the first after it."""
    begin = datetime(ordered.since.year, ordered.since.month, ordered.since.day, tzinfo=UTC)
    return text(begin), text(begin + timedelta(days=DAYS[ordered.period]))


def brief(unit: Connection, us: Us, actor: Actor, ordered: Ordered, now: datetime) -> Brief:
    """Return what stands in a brief for an actor.

    Raises:
        Forbidden: they may read nothing. TookTooLong: there is too much of it.
    """
    if ordered.up_to is not None and ordered.up_to < actor.clearance.tlp:
        clearance = replace(actor.clearance, tlp=ordered.up_to, readers=frozenset())
        actor = replace(actor, clearance=clearance)
    since, until = period_of(ordered)
    horizon = Horizon(
        until=datetime(ordered.until.year, ordered.until.month, ordered.until.day, tzinfo=UTC),
        period=DAYS[ordered.period],
        baseline=BASELINE,
        most=MOST,
        evidence=EVIDENCE,
    )
    emerging = intel.emerging(unit, us, actor, horizon)
    exchanged = digest(unit, us, actor, since, until)
    duties = _duties(unit, us, actor, now) if actor.clearance.tlp >= OURS else None
    levels = [int(emerging.level), exchanged.level]
    if duties is not None:
        levels += [int(OURS), *(each.requirement.row.level for each in duties.gaps)]
    return Brief(
        nation=us.party,
        organisation=us.organisation,
        ordered=ordered,
        made_at=text(now),
        level=Tlp(max(levels)),
        emerging=emerging,
        digest=exchanged,
        duties=duties,
    )


def _duties(unit: Connection, us: Us, actor: Actor, now: datetime) -> Duties:
    """Return what waits, as far as the actor's roles and clearance go."""

    def for_who(permission: Permission, count: int) -> int | None:
        return count if may(actor, permission) else None

    held = releases.verdicts_where(unit, state="held")
    here = readable(unit, us, actor, {each.copy for each in held})
    waits = len({(each.copy, each.agreement) for each in held if each.copy in here})
    missing = recalls.missing(unit, text(now))
    return Duties(
        second=for_who(Permission.RELEASE_PREVIEW, waits),
        quarantined=for_who(Permission.QUARANTINE_REVIEW, len(inbound.in_quarantine(unit))),
        review=for_who(Permission.STANDING_REVIEW, len(standings.uses(unit, open_only=True))),
        receipts=missing if may(actor, Permission.RELEASE_RECALL) else None,
        alarms=alarms.every(unit) if may(actor, Permission.ALARM_READ) else None,
        feeds=_feeds(unit) if may(actor, Permission.FEED_RUN) else None,
        peers=_peers(unit, now),
        gaps=gaps(unit, us, actor, now),
    )


def _feeds(unit: Connection) -> list[FeedHealth]:
    return [
        FeedHealth(
            name=row.name,
            state=row.state,
            health=msgspec.json.decode(row.health, type=Health),
            every=msgspec.json.decode(row.terms, type=Terms).every,
        )
        for row in feeds.every(unit)
    ]


def _peers(unit: Connection, now: datetime) -> list[Peer]:
    found: list[Peer] = []
    for peer in parties.all_peers(unit):
        if peer.kind == "node" and peer.state == "confirmed":
            heard = inbound.last_heard(unit, peer.name)
            silent = heard is None or heard.expires < text(now)
            found.append(Peer(name=peer.name, silent=silent, heard=heard.at if heard else ""))
    return found
