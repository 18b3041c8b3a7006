"""How a node stands: one look for whoever has the watch."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from mithaq import ingest
from mithaq.audit import log, subjects
from mithaq.auth.actors import Actor
from mithaq.border import agreements, clocks, heartbeats, peers, shelf, watch
from mithaq.border.peers import BeginsAnew
from mithaq.border.us import Us
from mithaq.cli.screen import Screen
from mithaq.clock import parse, text
from mithaq.intel.authoring import proposals
from mithaq.intel.needs import requests
from mithaq.node import Node
from mithaq.node.build import ROOT_KEY
from mithaq.seal.documents import KeyDocument
from mithaq.serve.alone import serving
from mithaq.store import (
    alarms,
    channels,
    checks,
    inbound,
    journal,
    parties,
    recalls,
    releases,
    standings,
    witnesses,
)
from mithaq.store.bounds import TookTooLong
from mithaq.store.parties import Peer

SOON = timedelta(days=14)  # how long before a key runs out people are told
Facts = dict[str, Any]


def gather(node: Node, now: datetime) -> Facts:
    """Collect how the node stands at ``now``."""
    with node.spool.read() as unit:
        count, size = checks.waiting(unit)
    with node.shelf.read() as unit:
        on_show = checks.states_of_shelves(unit)
    with node.core.read() as unit:
        document = peers.document_of(unit, node.us.party)
        clock = of_clock(unit, now)
        return {
            "nation": node.us.party,
            "served": _served(node),
            "realm": node.us.realm,
            "url": node.us.url,
            "home": str(node.config.home),
            "keys": _keys(document),
            "clock": clock,
            "warnings": [
                *_warnings(node, document, now),
                *(["clock-doubted"] if clock["believed"] else []),
            ],
            "peers": [of_peer(unit, peer, now) for peer in parties.all_peers(unit)],
            "agreements": [agreement_row(each) for each in agreements.every(unit, now)],
            "shelves": _shelves(unit, on_show),
            "feeds_wanting": _wanting(unit),
            "queue": releases.count_held(unit),
            "review": len(standings.uses(unit, open_only=True)),
            "quarantine": len(inbound.in_quarantine(unit)),
            "refused": len(inbound.refused(unit)),
            "alarms": len(alarms.every(unit)),
            "witnesses": [{"witness": w.witness, "at": w.at} for w in witnesses.newest(unit)],
            "spool": {"waiting": count, "bytes": size},
            "turned": watch.turned(unit, now),
            "unshown": shelf.behind(node.core, node.shelf),
            "log": log.length(unit) - subjects.padding(unit),
            "padding": subjects.padding(unit),
            "receipts": dict(
                zip(("missing", "overdue"), recalls.missing(unit, text(now)), strict=True)
            ),
        }


def of_person(unit: Connection, us: Us, actor: Actor) -> Facts:
    """Count what partners wait for, as far as a person may read it; None: that would take too long for a look."""
    found: Facts = {}
    for name, asked in (("proposals", proposals.proposals), ("requests", requests.received)):
        try:
            found[name] = len(asked(unit, us, actor))
        except TookTooLong:
            found[name] = None
    return found


def _wanting(unit: Connection) -> int:
    """Count the feeds that failed or gave nothing when they were read last."""
    active = [each for each in ingest.every(unit) if each.state == "active"]
    return sum(each.health.outcome in ("failed", "empty") for each in active)


def _served(node: Node) -> Facts:
    at = serving(node.config.home)
    return {} if at is None else {"at": at.address, "since": at.since, "process": at.process}


def of_clock(unit: Connection, now: datetime) -> Facts:
    """Return what our clock says, who witnesses it, and by what embargoes end and expiries come."""
    at = clocks.instants(unit, now)
    return {
        "clock": text(now),
        "believed": clocks.doubted(unit, now),
        "opens": at.opens,
        "closes": at.closes,
        "time_witnesses": [
            f"{name} {said.issued}".strip() for name, said in sorted(clocks.witnesses(unit).items())
        ],
    }


def _keys(document: KeyDocument | None) -> Facts:
    if document is None:
        return {}
    last = max(key.not_after for key in document.exchange)
    return {"version": document.version, "expires": document.expires, "exchange_until": last}


def _warnings(node: Node, document: KeyDocument | None, now: datetime) -> list[str]:
    found: list[str] = []
    if document is None:
        return ["no-keys"]
    if document.expired(now):
        found.append("document-expired")
    elif parse(document.expires) - now < SOON:
        found.append("document-soon")
    last = parse(max(key.not_after for key in document.exchange))
    if last <= now:
        found.append("exchange-expired")
    elif last - now < SOON:
        found.append("exchange-soon")
    if node.keys.lost:
        found.append("exchange-lost")
    if document.standing == "single-root":
        found.append("single-root")
    if (node.config.home / ROOT_KEY).exists():
        found.append("root-online")
    return found


def of_peer(unit: Connection, peer: Peer, now: datetime) -> Facts:
    """Return how one peer stands with us."""
    heard = inbound.last_heard(unit, peer.name)
    out = [c for c in channels.of_peer(unit, peer.name, "out") if c.seq]
    waiting = sum(channels.backlog(unit, c.id) for c in out)
    frozen = [c for way in ("in", "out") for c in channels.of_peer(unit, peer.name, way)]
    state = peer.state
    if (
        state == "confirmed"
        and peer.kind == "node"
        and (heard is None or heard.expires < text(now))
    ):
        state = "silent"
    if journal.setting(unit, f"visit:{peer.name}") == BeginsAnew.code:
        state = BeginsAnew.code
    return {
        "peer": peer.name,
        "kind": peer.kind,
        "state": state,
        "heard": heard.at if heard else "",
        "sent": sum(c.seq for c in out),
        "backlog": waiting,
        "behind": heartbeats.behind(unit, peer.name),
        "kept": channels.held_of(unit, peer.name)[0],
        "frozen": sum(c.state == "frozen" for c in frozen),
    }


def agreement_row(held: agreements.Held) -> Facts:
    """Return what people are shown of an agreement in a list."""
    newest = held.newest
    return {
        "agreement": held.id,
        "state": str(held.state),
        "version": held.text.version if held.text else newest.text.version,
        "kind": newest.text.kind,
        "shadow": newest.text.shadow,
        "parties": list(newest.text.names),
        "signed": sorted(newest.by),
        "title": newest.text.title,
    }


def _shelves(unit: Connection, states: Mapping[str, str]) -> list[Facts]:
    """Return the shelves that show something, and those whose agreement's change is being worked through."""
    at_work = watch.progress(unit)
    found: list[Facts] = []
    for peer in parties.all_peers(unit):
        count = Counter(row.shelf for row in releases.rows_of_peer(unit, peer.name))
        for channel in channels.of_peer(unit, peer.name, "out"):
            state = states.get(channel.id, "closed")
            work = at_work.get(channel.agreement)
            shown = count[channel.id] if state == "open" else 0
            if channel.agreement and (shown or state == "blocked"):
                row: Facts = {"peer": peer.name, "agreement": channel.agreement}
                row |= {"state": state, "objects": shown}
                row["decided"] = f"{work.total - work.left}/{work.total}" if work else ""
                found.append(row)
    return sorted(found, key=lambda row: (row["peer"], row["agreement"]))


def show(screen: Screen, facts: Mapping[str, Any]) -> None:
    """Print what was gathered."""
    if screen.as_json:
        screen.json(facts)
        return
    keys = facts["keys"]
    screen.facts({name: facts[name] for name in ("nation", "realm", "url", "home")})
    served = facts["served"]
    screen.say("say.served" if served else "say.not-served", **served)
    screen.facts({f"keys_{name}": value for name, value in keys.items()})
    for warning in facts["warnings"]:
        screen.line(screen.words.say(f"warning.{warning}"), style="bold")
    tables = {
        "peers": ("peer", "kind", "state", "heard", "sent", "backlog", "behind", "kept", "frozen"),
        "agreements": ("agreement", "state", "version", "parties", "signed", "title"),
        "shelves": ("peer", "agreement", "state", "objects", "decided"),
    }
    for name, columns in tables.items():
        screen.line("")
        screen.line(screen.words.say(f"title.{name}"), style="bold")
        screen.rows(columns, facts[name], empty=f"none.{name}")
    screen.line("")
    counts = (
        *("alarms", "feeds_wanting", "queue", "review", "quarantine", "refused"),
        *("turned", "unshown", "log", "padding"),
    )
    owed = {f"receipts_{name}": count for name, count in facts["receipts"].items()}
    seen = {"witnesses": [f"{each['witness']} {each['at']}" for each in facts["witnesses"]]}
    seen["time_witnesses"] = facts["clock"]["time_witnesses"]
    waits = {"spool": facts["spool"]["waiting"]}
    waits |= {name: facts[name] for name in ("proposals", "requests", "unread") if name in facts}
    screen.facts({name: facts[name] for name in counts} | seen | owed | waits)
