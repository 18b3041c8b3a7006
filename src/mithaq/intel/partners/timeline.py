"""What happened to an object, in one order: what others say of it, by their clocks, and what our records say, by ours.

An instant that an object bears is a claim of whoever vouches for it, and may be any; what came, was marked, released,
received and taken back here is our own record. Neither is corrected by the other; what cannot be so is said to be odd.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from mithaq.audit import subjects
from mithaq.auth.actors import Actor, Permission, may
from mithaq.border.us import Us
from mithaq.clock import parse
from mithaq.errors import InputError
from mithaq.intel import rules
from mithaq.intel.finding import SECONDS, newest_by_id, visible
from mithaq.intel.partners import sharing
from mithaq.intel.partners.sharing import SPEAKERS, Holding
from mithaq.model.canonical import Json
from mithaq.model.objects import references
from mithaq.store import neighbours, objects, releases
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Copy, Rows

MOST_RELATED = 100  # objects whose own dates are told along
_CLAIMS = (
    "created", "modified", "valid_from", "valid_until", "first_seen", "last_seen", "published", "first_observed",
    "last_observed", "start_time", "stop_time",
)  # fmt: skip
_TO_COME = frozenset({"valid_from", "valid_until", "stop_time"})  # may well lie ahead
_STEPS = (  # in which order things go that are done at one instant
    "created", "modified", "written", "received", "marked", "proposed", "held", "approved", "declined", "released",
)  # fmt: skip
_FAR = datetime.max.replace(tzinfo=UTC)
Body = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to an object, or is said to have."""

    at: str
    clock: str = ""  # who says when; empty: our own record
    what: str
    id: str
    version: str = ""
    name: str = ""  # of the object that it happened to or that speaks of it
    who: str = ""  # did it, or has it
    agreement: str = ""
    detail: str = ""
    odd: str = ""  # ahead | unreadable

    def key(self) -> tuple[datetime, bool, int, str]:
        """Return what events are ordered by: at one instant claims go before records, and these as things go."""
        step = _STEPS.index(self.what) if self.what in _STEPS else len(_STEPS)
        return (_moment(self.at) or _FAR, not self.clock, step, self.who)


def timeline(  # noqa: PLR0913 who asks for what, and when
    unit: Connection,
    us: Us,
    actor: Actor,
    copies: Sequence[Copy],
    now: datetime,
    *,
    related: bool = False,
) -> list[Event]:
    """Return what happened to the objects of some copies, oldest first, as far as the actor may read.

    Args:
        related: with what those objects that they name, that name them or are tied to them say of their own dates.

    Raises:
        TookTooLong: too much happened.
    """
    rows = visible(us, actor)
    ids = list(dict.fromkeys(copy.object.id for copy in copies))
    found: list[Event] = []
    with within_seconds(unit, SECONDS):
        own = [each for some in objects.named(rows, ids) for each in objects.load(unit, some)]
        speaking = {id_: neighbours.naming(unit, rows, id_, (SPEAKERS, 0)) for id_ in ids}
        near = _near(unit, rows, own, speaking) if related else []
        for copy in (*own, *near):
            found += [*claims(copy, now), _received(copy)]
        for id_, some in speaking.items():
            about = next((each for each in own if each.object.id == id_), None)
            found += [event for copy in some for event in spoken(copy, id_, about)]
        found += _decided(unit, own)
        for id_ in ids:
            found += _on_record(unit, id_, own)
    if may(actor, Permission.RELEASE_PREVIEW):
        where = sharing.who_has(unit, us, actor, copies, now)
        names = {copy.object.id: rules.title(copy.object.body) for copy in own}
        found += [event for each in where.went for event in went(each, names.get(each.id, ""))]
    return sorted(dict.fromkeys(found), key=Event.key)


# --- what others say -------------------------------------------------------------------------------------
def claims(copy: Copy, now: datetime) -> Iterator[Event]:
    """Yield the instants that an object bears, as whoever gave it to us says them."""
    body = copy.object.body
    for name in _CLAIMS:
        at = body.get(name)
        if not isinstance(at, str) or (name == "modified" and at == body.get("created")):
            continue
        yield replace(
            _about(copy, name.replace("_", "-"), at), clock=_giver(copy), odd=_odd(body, name, now)
        )
    if body.get("revoked") is True:
        at = str(body.get("modified", body.get("created", "")))
        yield replace(_about(copy, "revoked", at), clock=_giver(copy))


def _odd(body: Body, name: str, now: datetime) -> str:
    """Say what cannot be so of an instant."""
    at = _moment(body.get(name))
    if at is None:
        return "unreadable"
    return "ahead" if at > now and name not in _TO_COME else ""


def spoken(copy: Copy, id_: str, of: Copy | None) -> Iterator[Event]:
    """Yield what an object that refers to another says of it: a sighting, an opinion, or that it names it."""
    named = "" if of is None else rules.title(of.object.body)
    body, who = copy.object.body, _giver(copy)
    about = replace(
        _about(copy, "named", _said(body, "created")), clock=who, who=who, detail=copy.object.type
    )
    if copy.object.type == "sighting":
        count = body.get("count")
        what = "unseen" if count == 0 else "sighted"
        at = _said(body, "last_seen", "first_seen", "created")
        yield replace(
            about, what=what, at=at, detail=str(count if isinstance(count, int) else 1), name=named
        )
    elif copy.object.type == "opinion":
        yield replace(about, what="opinion", detail=str(body.get("opinion", "")), name=named)
    elif any(
        target == id_ and pointer.strip("/") != "created_by_ref"
        for pointer, target in references(body)
    ):
        yield about


def _said(body: Body, *names: str) -> str:
    return next((said for name in names if isinstance(said := body.get(name), str)), "")


def _giver(copy: Copy) -> str:
    return copy.sent_by or copy.voucher


def _about(copy: Copy, what: str, at: str) -> Event:
    seen = copy.object
    return Event(at=at, what=what, id=seen.id, version=seen.version, name=rules.title(seen.body))


def _moment(written: Json) -> datetime | None:
    """Read an instant that anybody may have written; None if it is none that there is room for."""
    try:
        return parse(written) if isinstance(written, str) else None
    except InputError:
        return None


# --- what our records say --------------------------------------------------------------------------------
def _received(copy: Copy) -> Event:
    own = copy.standing == "own"
    event = _about(copy, "written" if own else "received", copy.received_at)
    who = copy.author if own else _giver(copy)
    return replace(event, who=who, agreement=copy.agreement, detail="" if own else copy.owner)


def went(each: Holding, name: str) -> Iterator[Event]:
    """Yield what became of a release."""
    event = Event(
        at=each.at,
        what="released",
        id=each.id,
        version=each.version,
        name=name,
        who=each.peer,
        agreement=each.agreement,
        detail=each.clause,
    )
    yield event
    if each.arrived_at:
        yield replace(event, what=each.arrived, at=each.arrived_at)
    if each.state_at:
        yield replace(event, what=each.state, at=each.state_at, detail=each.cause)
    if each.answer:
        yield replace(event, what="answered", at=each.answer_at, detail=each.answer)


def _decided(unit: Connection, own: Sequence[Copy]) -> Iterator[Event]:
    """Yield what people and policy decided of copies."""
    by_number = {copy.seq: copy for copy in own}
    for intent in releases.intents_where(unit, copies=list(by_number)):
        event = _about(by_number[intent.copy], "proposed", intent.at)
        yield replace(event, who=intent.proposer, agreement=intent.agreement)
    for verdict in releases.verdicts_where(unit, copies=list(by_number)):
        declined = verdict.state == "declined"
        at = verdict.declined_at if declined else verdict.at
        event = replace(
            _about(by_number[verdict.copy], verdict.state, at), agreement=verdict.agreement
        )
        who = verdict.declined_by if declined else verdict.peer
        yield replace(event, who=who, detail=verdict.peer if declined else "")
    for approval in releases.approvals_of(unit, list(by_number)):
        event = _about(by_number[approval.copy], "approved", approval.at)
        yield replace(
            event, who=approval.approver, agreement=approval.agreement, detail=approval.peers
        )


def _on_record(unit: Connection, id_: str, own: Iterable[Copy]) -> Iterator[Event]:
    """Yield what the log says of what the actor may read: who marked it, and how."""
    readable = {copy.object.version: copy for copy in own if copy.object.id == id_}
    for _, record in subjects.find(unit, id_):
        copy = readable.get(str(record.get("version", "")))
        if record.get("kind") == "marked" and copy is not None:
            put = {name: said for name, said in record.items() if name in _MARKS}
            detail = ", ".join(f"{name}={_plain(said)}" for name, said in sorted(put.items()))
            event = _about(copy, "marked", str(record.get("at", "")))
            yield replace(event, who=str(record.get("by", "")), detail=detail)


_MARKS = frozenset(
    {"tlp", "pap", "releasable_to", "originator_control", "embargo", "expiry", "purposes"}
)


def _plain(said: Json) -> str:
    return "+".join(map(str, said)) if isinstance(said, list) else str(said)


# --- what is related -------------------------------------------------------------------------------------
def _near(
    unit: Connection, rows: Rows, own: Sequence[Copy], speaking: Mapping[str, Sequence[Copy]]
) -> list[Copy]:
    """Return the newest of each object that stands beside some, one step away."""
    ids = {copy.object.id for copy in own}
    ends: dict[str, None] = {}
    for copy in own:
        ends |= dict.fromkeys(id_ for _, id_ in references(copy.object.body))
    for copy in (copy for some in speaking.values() for copy in some):
        if copy.object.type == "relationship":
            ends |= dict.fromkeys(
                str(copy.object.body[end]) for end in ("source_ref", "target_ref")
            )
        elif copy.object.type not in ("sighting", "opinion"):
            ends[copy.object.id] = None
    wanted = [
        id_
        for id_ in ends
        if id_ not in ids and not id_.startswith(("marking-definition--", "identity--"))
    ]
    return list(newest_by_id(unit, rows, wanted[:MOST_RELATED]).values())


def between(events: Iterable[Event], since: str, until: str) -> list[Event]:
    """Return the events from one instant up to another, whatever form these were written in."""
    first, last = rules.instant(since), rules.instant(until)
    low = parse(first) if first else datetime.min.replace(tzinfo=UTC)
    high = parse(last) if last else None
    return [
        each
        for each in events
        if (at := _moment(each.at)) is not None and at >= low and (high is None or at < high)
    ]
