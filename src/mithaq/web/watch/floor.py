"""The watch floor: what this shift needs (screens.md 3.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render

from mithaq.brief import Brief, Ordered, brief
from mithaq.brief.gathering import Peer
from mithaq.clock import parse
from mithaq.model.labels import Tlp
from mithaq.web.visiting import Request

_COMMANDS = {
    "receipts": "mithaq recall list",
    "alarm": "mithaq alarm list",
    "second": "mithaq release queue",
    "review": "mithaq standing uses",
    "quarantined": "mithaq quarantine list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something that waits for a person."""

    kind: str
    count: int
    late: int = 0

    @property
    def key(self) -> str:
        """Its sentence."""
        return f"task.{self.kind}"

    @property
    def command(self) -> str:
        """What lists it."""
        return _COMMANDS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """How we are in touch with a partner."""

    name: str
    silent: bool
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rising:
    """Something that is named more often than it was."""

    name: str
    claims: int
    before: int


def floor(request: Request) -> HttpResponse:
    """Show what waits for a person, what came from partners, how they are and what emerges."""
    visit = request.visit
    now = visit.node.clock()
    ordered = Ordered(period="day", until=now.date())
    with visit.node.core.read() as unit:
        seen = brief(unit, visit.node.us, visit.actor, ordered, now)
    return render(request, "watch/floor.html", {**_facts(seen), "as_of": now, "active": "watch"})


def _facts(seen: Brief) -> dict[str, object]:
    peers = [_partner(each) for each in (seen.duties.peers if seen.duties else ())]
    tasks, partners = list(_tasks(seen)), seen.digest.partners
    return {
        "tasks": tasks,
        "waiting": sum(each.count for each in tasks),
        "late": sum(each.late for each in tasks),
        "came": sum(each.came.count for each in partners),
        "seen_by_us": sum(each.seen_by_us.count for each in partners),
        "seen_by_them": sum(each.seen_by_them.count for each in partners),
        "partners": partners,
        "peers": peers,
        "in_touch": sum(not each.silent for each in peers),
        "findings": [
            Rising(name=one.entity.name, claims=one.claims, before=one.before)
            for family in seen.emerging.families
            for one in family.findings
        ],
        "marking": f"TLP:{Tlp(seen.level)}",
    }


def _partner(peer: Peer) -> Partner:
    return Partner(name=peer.name, silent=peer.silent, at=parse(peer.heard) if peer.heard else None)


def _tasks(seen: Brief) -> Iterator[Task]:
    """Yield what waits, what is overdue first."""
    duties = seen.duties
    if duties is None:
        return
    missing, overdue = duties.receipts or (0, 0)
    counts = {
        "receipts": missing,
        "alarm": len(duties.alarms or ()),
        "second": duties.second,
        "review": duties.review,
        "quarantined": duties.quarantined,
    }
    for kind, count in counts.items():
        if count:
            yield Task(kind=kind, count=count, late=overdue if kind == "receipts" else 0)
