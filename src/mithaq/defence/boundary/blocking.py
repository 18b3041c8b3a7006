"""Blocking on our own firewalls: a value goes onto the lists that they poll, and comes off again.

A block is an indicator of ours that stands until an instant and is released to the firewalls' clients under their
grants, by the one door (``border.publish``). So it is in the lists that they poll as whatever else may act there is
(docs/export.md), expires by itself, and who had it is known. Taking it off revokes the indicator.

What is ours or known to be harmless is not blocked, unless another person said that it is evil (``mithaq benign
allow``): a firewall that blocks the resolver stops more than any attack.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import harmless, local, publish
from mithaq.border.agreements import every as agreements
from mithaq.border.exports import client
from mithaq.border.peers import administrative
from mithaq.border.publish import Outcome
from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.defence.boundary import marking
from mithaq.defence.boundary.space import is_ours
from mithaq.errors import Conflict, InputError, NotFound, Refused
from mithaq.formats.export import EXPORTS, Press
from mithaq.model.canonical import Json
from mithaq.model.labels import Beside
from mithaq.model.listed import Effect
from mithaq.model.objects import from_body
from mithaq.model.values import Value, is_everybodys, pattern
from mithaq.store import boundary as store
from mithaq.store import objects, releases, values
from mithaq.store.boundary import BLOCK, UNBLOCK, Act, Blocked
from mithaq.store.journal import keep, setting
from mithaq.store.objects import Copy
from mithaq.store.sources import Source

KINDS = frozenset(
    {"domain", "ipv4", "ipv6", "url", "email", "md5", "sha1", "sha256"}
)  # of which there are lists
MOST = 1000  # values of one act
_FIREWALLS = "boundary.firewalls"
_LABEL = "mithaq-block"
_LONGEST = 4000
_MILLISECOND = timedelta(milliseconds=1)
_Given: TypeAlias = tuple[Mapping[str, Json], Beside]


class Harmless(Refused):
    """What would be blocked is ours, or on a list of what is harmless, and no second person said otherwise."""

    code = "block-harmless"


class NoFirewall(Conflict):
    """No client is known to be a firewall with a grant in force."""

    code = "no-firewall"


class Standing(Conflict):
    """It is blocked already."""

    code = "blocked-already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants blocked: until when, why, and on which firewalls; none named: all."""

    values: Sequence[Value]
    until: str
    why: str
    clients: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an act came to: by firewall, what its grant decided."""

    act: Act
    blocked: Sequence[Blocked]
    copies: Sequence[Copy]
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rests:
    """What else names a value on a firewall's shelf: it stays blocked there."""

    value: Value
    client: str
    copy: Copy


def firewalls(unit: Connection) -> list[str]:
    """Return the clients that are firewalls of ours, by name."""
    written = setting(unit, _FIREWALLS)
    return msgspec.json.decode(written, type=list[str]) if written else []


def set_firewall(
    unit: Connection, actor: Actor, name: str, now: datetime, *, on: bool
) -> list[str]:
    """Say that a client is a firewall of ours, or none any more.

    Raises:
        Forbidden: the actor may not. NotFound: there is no such client.
    """
    require(actor, Permission.PEER_ADD)
    client(unit, name)
    rest = [each for each in firewalls(unit) if each != name]
    some = sorted([*rest, name]) if on else rest
    keep(unit, _FIREWALLS, msgspec.json.encode(some).decode())
    administrative(unit, now, "firewall", name, {"by": actor.name, "on": on})
    return some


def block(unit: Connection, us: Us, actor: Actor, wanted: Wanted, now: datetime) -> Done:
    """Block values on our firewalls, as far as their grants let them have it.

    Raises:
        Forbidden: the actor may propose no release. InputError: no reason, an end in the past, or a value that no list
            holds. Harmless: it is ours or harmless. Standing: it is blocked. NoFirewall: there is none.
    """
    require(actor, Permission.RELEASE_PROPOSE)
    _check(unit, us, actor, wanted, now)
    grants = _grants(unit, wanted.clients or firewalls(unit), now)
    whole = Act(
        kind=BLOCK,
        by=actor.name,
        at=text(now),
        why=wanted.why.strip(),
        until=wanted.until,
        clients=",".join(sorted(grants)),
    )
    act = replace(whole, seq=store.act(unit, whole))
    bodies = {value: _body(value, wanted.until, now) for value in dict.fromkeys(wanted.values)}
    level = marking.levels(unit, us, actor, bodies)
    given = [(body, Beside(tlp=level[value])) for value, body in bodies.items()]
    copies = _store(unit, us, actor, given, now)
    some = [
        Blocked(
            act=act.seq,
            kind=value.kind,
            value=value.text,
            indicator=str(body["id"]),
            until=wanted.until,
        )
        for value, body in bodies.items()
    ]
    store.put(unit, some)
    facts: dict[str, Json] = {"by": actor.name, "until": wanted.until, "why": whole.why}
    facts |= {"values": len(some), "to": [*sorted(grants)]}
    administrative(unit, now, "blocked", str(act.seq), facts)
    seqs = [copy.seq for copy in copies]
    outcomes = [publish.publish(unit, us, actor.name, seqs, g, now) for g in grants.values()]
    return Done(act=act, blocked=some, copies=copies, outcomes=outcomes)


def unblock(  # noqa: PLR0913 unit, us, actor and now come with every act
    unit: Connection, us: Us, actor: Actor, some: Sequence[Blocked], why: str, now: datetime
) -> Done:
    """Take what was blocked off again, wherever it went.

    Raises:
        Forbidden: the actor may propose no release. NotFound: nothing of it stands. InputError: there is no reason.
    """
    require(actor, Permission.RELEASE_PROPOSE)
    standing = [each for each in some if not each.undone]
    if not standing:
        raise NotFound("nothing of that is blocked by an act of ours")
    whole = Act(kind=UNBLOCK, by=actor.name, at=text(now), why=_reason(why))
    act = replace(whole, seq=store.act(unit, whole))
    newest = {each.indicator: objects.of_id(unit, each.indicator) for each in standing}
    given = [_revoked(max(of, key=lambda c: c.object.version), now) for of in newest.values() if of]
    copies = _store(unit, us, actor, given, now)
    store.undo(unit, standing, act.seq)
    facts: dict[str, Json] = {"by": actor.name, "why": whole.why, "values": len(standing)}
    facts["acts"] = [*sorted({each.act for each in standing})]
    administrative(unit, now, "unblocked", str(act.seq), facts)
    outcomes = _follow(unit, us, actor, copies, now)
    return Done(act=act, blocked=standing, copies=copies, outcomes=outcomes)


def resting(unit: Connection, us: Us, actor: Actor, some: Iterable[Blocked]) -> list[Rests]:
    """Return what else names the same values on the firewalls' shelves: taking our block off leaves it there.

    Only what the actor may read.
    """
    visible = objects.visible_to(actor.clearance, us.party)
    ours = {each.indicator for each in store.every(unit)}
    wanted = {Value(each.kind, each.value) for each in some}
    found: list[Rests] = []
    for value, copies in values.sharing(unit, visible, wanted, MOST).items():
        others = {copy.object.id: copy for copy in copies if copy.object.type == "indicator"}
        named = others.keys() - ours
        polled = set(firewalls(unit))
        rows = releases.rows_of_ids(unit, named)
        shelves = {(row.peer, row.id) for row in rows if row.peer in polled}
        found += [
            Rests(value=value, client=peer, copy=others[id_]) for peer, id_ in sorted(shelves)
        ]
    return found


def feeds(us: Us, some: Iterable[Blocked], now: datetime) -> list[str]:
    """Return the lists that blocks stand in, as far as they are fresh: those that change when they go."""
    press = Press([name for name, each in EXPORTS.items() if each.acts], now, {}, us.benign)
    for number, each in enumerate(some, 1):
        body = _body(Value(each.kind, each.value), "", now)
        press.take("", number, from_body(body).raw)
    return [name for name, printed in press.done().items() if any(printed.told.values())]


def fetched(unit: Connection, some: Iterable[Blocked]) -> dict[str, dict[str, str]]:
    """Return, by indicator and firewall, when a block was first fetched; empty: it stands there unfetched."""
    wanted = {each.indicator for each in some}
    found: dict[str, dict[str, str]] = {}
    for each in store.passages(unit, firewalls(unit)):
        if each.id in wanted:
            by = found.setdefault(each.id, {})
            by[each.client] = min(filter(None, (by.get(each.client), each.fetched)), default="")
    return found


def of_act(unit: Connection, which: str) -> list[Blocked]:
    """Return what an act blocked, by its number or the beginning of its instant.

    Raises:
        NotFound: there is no such act. Conflict: there are several.
    """
    found = [
        each
        for each in store.acts(unit)
        if each.kind == BLOCK
        and (str(each.seq) == which or ("T" in which and each.at.startswith(which)))
    ]
    if not found:
        raise NotFound(f"nothing was blocked by an act {which!r}", act=which)
    if len(found) > 1:
        numbers = ", ".join(str(each.seq) for each in found)
        raise Conflict(f"several acts are of {which!r}: {numbers}", act=which)
    return store.every(unit, act=found[0].seq)


# --- steps --------------------------------------------------------------------------------------------
def _reason(why: str) -> str:
    if not why.strip() or len(why) > _LONGEST:
        raise InputError(f"it has from 1 to {_LONGEST} characters", cause="reason")
    return why.strip()


def _check(unit: Connection, us: Us, actor: Actor, wanted: Wanted, now: datetime) -> None:
    _reason(wanted.why)
    if not 0 < len(wanted.values) <= MOST:
        raise InputError(f"one act blocks from 1 to {MOST} values", cause="values")
    if wanted.until and parse(wanted.until) <= now:
        raise InputError("it would end before it begins", cause="until")
    evil = {each.value: each.by for each in harmless.standing(unit) if each.what == "evil"}
    for value in wanted.values:
        if value.kind not in KINDS or is_everybodys(value):
            raise InputError(f"no list of a firewall holds {value.text!r}", cause="value")
        _harmless(us, value, is_ours(unit, value), evil.get(value.text), actor)
        at = text(now)
        if any(
            not b.undone and (not b.until or b.until > at) for b in store.every(unit, value=value)
        ):
            raise Standing(f"{value.text} is blocked already", value=value.text)


def _harmless(us: Us, value: Value, ours: str, said_by: str | None, actor: Actor) -> None:
    """Refuse what is ours or harmless, unless another person said that it is evil."""
    hits = [hit for hit in us.benign.match(value) if hit.effect is Effect.SUPPRESS]
    why = ours or (f"{hits[0].list} ({hits[0].entry})" if hits else "")
    if said_by == actor.name:
        raise Harmless(f"{value.text}: another person than {actor.name} must have said that it is evil",
                       value=value.text)  # fmt: skip
    if why and said_by is None:
        raise Harmless(f"{value.text} is on {why}: block it only after another person's `mithaq benign allow`",
                       value=value.text)  # fmt: skip


def _grants(unit: Connection, clients: Sequence[str], now: datetime) -> dict[str, str]:
    """Return the grant in force of each of some clients, by client."""
    found: dict[str, str] = {}
    for held in agreements(unit, now):
        if held.text is not None and held.text.kind == "grant":
            named = {party.name for party in held.text.parties} & set(clients)
            found |= dict.fromkeys(named, held.id)
    if not found:
        raise NoFirewall("no firewall of ours has a grant in force")
    if missing := sorted(set(clients) - found.keys()):
        raise NoFirewall(f"{missing[0]} has no grant in force", client=missing[0])
    return found


def _body(value: Value, until: str, now: datetime) -> dict[str, Json]:
    at = text(now)
    body: dict[str, Json] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": at,
        "modified": at,
        "name": value.text,
        "indicator_types": ["malicious-activity"],
        "pattern": pattern([value]),
        "pattern_type": "stix",
        "valid_from": at,
        "labels": [_LABEL],
        "confidence": 100,
    }
    return body | ({"valid_until": until} if until else {})


def _revoked(copy: Copy, now: datetime) -> _Given:
    modified = text(max(now, parse(copy.object.version) + _MILLISECOND))
    return {**copy.object.body, "revoked": True, "modified": modified}, copy.beside


def _store(
    unit: Connection, us: Us, actor: Actor, some: Iterable[_Given], now: datetime
) -> list[Copy]:
    given = [local.Given(object=from_body(body), beside=beside) for body, beside in some]
    here = Source(name=us.party, kind="file")
    outcome = local.local(unit, us, here, given, author=actor.name, own=True, now=now)
    for id_, code, why in outcome.refused:
        raise InputError(f"{id_}: {why or code}", object=id_)
    return [*outcome.stored]


def _follow(
    unit: Connection, us: Us, actor: Actor, copies: Sequence[Copy], now: datetime
) -> list[Outcome]:
    """Propose versions where those before them were proposed."""
    wanted: dict[tuple[str, str], list[int]] = {}
    for copy in copies:
        earlier = [e.seq for e in objects.of_id(unit, copy.object.id) if e.seq != copy.seq]
        for intent in releases.intents_where(unit, copies=earlier):
            wanted.setdefault((intent.agreement, intent.purpose), []).append(copy.seq)
    in_force = {held.id for held in agreements(unit, now) if held.text is not None}
    return [
        publish.publish(unit, us, actor.name, list(dict.fromkeys(seqs)), agreement, now, purpose)
        for (agreement, purpose), seqs in sorted(wanted.items())
        if agreement in in_force
    ]
