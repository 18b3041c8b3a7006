"""What MISP's tools bring: events, attributes, tags and sightings go into the spool, as what a TAXII client posts does.

Whatever is brought is an event as a whole, or what somebody saw: a part of an event is put into the client's own event
first, as it may read that back. Answers are made of what was brought, and of what the client may read; what becomes of
it behind the border shows in none.
"""

import re
import uuid
from collections.abc import Iterator

import msgspec

from mithaq.clock import text
from mithaq.errors import NotFound
from mithaq.exchange.misp import given, shown, ways
from mithaq.exchange.misp.ways import Made, Names
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.visit import Visit
from mithaq.exchange.wire import Response

_FOREIGN = {  # of another server, or for us to say
    *("id", "event_id", "org_id", "orgc_id", "Org", "event_creator_email", "user_id"),
    *("sharing_group_id", "attribute_count", "proposal_email_lock", "locked", "object_id"),
}
_BARE = ("Attribute", "Object", "EventReport", "Galaxy")  # what metadata goes without
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STAMP = re.compile(r"[0-9]{1,10}(?:\.[0-9]+)?")
_YES = (True, 1, "1", "true", "True")


# --- events --------------------------------------------------------------------------------------------------
def add_event(visit: Visit, _names: Names) -> Response:
    """Take an event of a client's, new to us as far as it can know.

    Raises:
        HttpProblem: 400, 403, 413. NotFound: the client has no grant in force.
    """
    event = _event(visit, _unwrapped(ways.asked(visit), "Event"))
    uuid_ = str(event["uuid"])
    if _stands(visit, uuid_) or given.own(visit, uuid_) is not None:
        at = {"location": f"{visit.settings.base}/events/{ways.number(uuid_)}"}
        raise HttpProblem(
            404, "Event already exists, if you would like to edit it, use the url.", at
        )
    return _taken(visit, event)


def edit_event(visit: Visit, names: Names) -> Response:
    """Take a newer version of an event that the client has given; what it does not mention stays.

    Raises:
        HttpProblem: 400, 403, 413. NotFound: it has given none of that name.
    """
    brought = _unwrapped(ways.asked(visit), "Event")
    before = _own(visit, names["event"])
    brought |= {"uuid": before["uuid"], "info": brought.get("info") or before["info"]}
    brought.setdefault("Orgc", before["Orgc"])
    brought["timestamp"] = brought.get("timestamp") or _next(visit, before)
    event = _event(visit, brought)
    if int(str(event["timestamp"])) <= int(str(before["timestamp"])):
        raise HttpProblem(403, ways.NOT_NEWER)
    return _taken(visit, _marked_anew(before, _merged(before, event)))


def publish(visit: Visit, names: Names) -> Response:
    """Note that a client's own event is meant to be read; who else may, agreements say.

    Raises:
        HttpProblem: 403, 413. NotFound: it has given none of that name.
    """
    event = _own(visit, names["event"])
    at = _next(visit, event)
    event |= {"published": True, "publish_timestamp": at, "timestamp": at}
    _leave(visit, event)
    said = "Event published without alerts"
    where = f"{visit.settings.base}/events/publish/{event['uuid']}"
    return ways.answer(
        {"saved": True, "success": True, "name": said, "message": said, "url": where}
    )


def wanted(visit: Visit, _names: Names) -> Response:
    """Say which of the events a MISP would push are news from it: neither of our giving nor given before.

    Raises:
        HttpProblem: 400. NotFound: the client has no grant in force.
    """
    brought: dict[str, int] = {}
    for each in ways.asked_list(visit):
        event = _unwrapped(each, "Event") if isinstance(each, dict) else {}
        uuid_ = str(event.get("uuid", "")).lower()
        if not ways.UUID.fullmatch(uuid_):
            raise HttpProblem(400, "no UUID")
        brought[uuid_] = int(_stamp(event.get("timestamp"), "0"))
    held = {each.name: each.at for each in visit.gifts.every(visit.knock.name)}
    ids = [f"{type_}--{u}" for u in brought if u not in held for type_ in shown.REPORTS]
    for piece in given.inbox(visit, ids):
        held[piece.id.partition("--")[2]] = shown.second(piece.version)
    ours = shown.listed(visit).events
    news = [u for u, at in brought.items() if u not in ours and at > held.get(u, -1)]
    return ways.answer(news)


def no_proposals(_visit: Visit, _names: Names) -> Response:
    """Refuse proposals: they say nothing of their own.

    Raises:
        HttpProblem: 403, always.
    """
    raise HttpProblem(403, "Proposals are not taken: bring a sighting, or an event of your own.")


def no_clusters(_visit: Visit, _names: Names) -> Response:
    """Refuse clusters by themselves: they are taken with the event that they stand in.

    Raises:
        HttpProblem: 403, always.
    """
    raise HttpProblem(403, "Clusters are taken with the event that they stand in.")


# --- parts of events -------------------------------------------------------------------------------------------
def add_attributes(visit: Visit, names: Names) -> Response:
    """Put attributes into an event that the client has given.

    Raises:
        HttpProblem: 400; 403, it is another's, or has that attribute; 413. NotFound: it has none of that name.
    """
    brought = ways.asked_any(visit)
    several = isinstance(brought, list)
    some = brought if isinstance(brought, list) else [brought]
    if not some:
        raise HttpProblem(400, "no Attribute")
    event = _own(visit, names["event"])
    at = _next(visit, event)
    made = [_attribute(_unwrapped(each, "Attribute"), at) for each in some]
    held = {_says(each): each for each in shown.parts(event, "Attribute")}
    twice = {_says(each) for each in made if _says(each) in held}
    if twice and ways.parameter(visit, "breakOnDuplicate") != "0" and not several:
        raise HttpProblem(403, "A similar attribute already exists for this event.")
    for each in made:
        if _says(each) in held:
            each["uuid"] = held[_says(each)]["uuid"]
    _leave(visit, _merged(event, {"timestamp": at, "Attribute": made}))
    number = ways.number(str(event["uuid"]))
    told = [{**each, "id": ways.number(str(each["uuid"])), "event_id": number} for each in made]
    return ways.answer({"Attribute": told if len(told) > 1 else told[0]})


def attach_tag(visit: Visit, _names: Names) -> Response:
    """Put a tag to an event or an attribute that the client has given.

    Raises:
        HttpProblem: 400; 403, it is another's, or for its server alone; 413. NotFound: it has none of that name.
    """
    asked = ways.asked(visit)
    name, of = asked.get("tag"), str(asked.get("uuid", "")).lower()
    if not isinstance(name, str) or not name.strip() or not ways.UUID.fullmatch(of):
        raise HttpProblem(400, "uuid, tag: what, and which")
    if asked.get("local") in _YES:
        raise HttpProblem(403, "A local tag is for your own server.")
    event, found = bearer(visit, of)
    before, tags = dict(event), shown.parts(found, "Tag")
    if not any(tag.get("name") == name for tag in tags):
        found["Tag"] = [*tags, {"name": name.strip()}]
        event["timestamp"] = found["timestamp"] = _next(visit, event)
        _leave(visit, _marked_anew(before, event))
    said = f"Global tag {name.strip()[:200]} successfully attached."
    return ways.answer({"saved": True, "success": said, "message": said, "name": said})


def changed(visit: Visit, event: Made, part: Made) -> None:
    """Take an event of a client's anew, of which a part has changed now."""
    part["timestamp"] = event["timestamp"] = _next(visit, event)
    _leave(visit, event)


def _next(visit: Visit, event: Made) -> str:
    """Return an instant at which an event is newer than it was: now, as a rule."""
    return str(max(_now(visit), int(str(event["timestamp"])) + 1))


def _marked_anew(before: Made, after: Made) -> Made:
    """Return an event of which each part is a new version, if the whole is marked otherwise than before."""
    if all(before.get(name) == after.get(name) for name in ("Tag", "distribution")):
        return after
    for each in (*shown.attributes(after), *shown.parts(after, "Object")):
        each["timestamp"] = after["timestamp"]
    return after


def bearer(visit: Visit, of: str) -> tuple[Made, Made]:
    """Return a client's own event, and what of it has a UUID: itself or an attribute."""
    for gift in visit.gifts.every(visit.knock.name):
        if of.encode() in gift.raw:
            event: Made = msgspec.json.decode(gift.raw)
            for each in (event, *shown.attributes(event)):
                if each["uuid"] == of:
                    return event, each
    event = _own(visit, of)
    return event, event


# --- what they share -------------------------------------------------------------------------------------------
def _taken(visit: Visit, event: Made) -> Response:
    _leave(visit, event)
    told = given.dressed({**event})
    if ways.parameter(visit, "metadata") in {"1", "true"}:
        told = {name: what for name, what in told.items() if name not in _BARE}
    return ways.answer({"Event": told})


def _leave(visit: Visit, event: Made) -> None:
    """Put an event into the spool, and keep it until the inbox shows it."""
    parts = (*shown.attributes(event), *shown.parts(event, "Object"))
    leave(visit, "misp", {"Event": event}, len(parts) + 1)
    given.keep(visit, event)


def leave(visit: Visit, format_: str, body: Made, total: int) -> None:
    """Put into the spool what was brought, as a TAXII client's post is.

    Raises:
        HttpProblem: 413, 503. NotFound: the client has no grant in force.
    """
    raw = msgspec.json.encode(body)
    if len(raw) > visit.settings.max_frame_bytes:
        raise HttpProblem(413)
    facts = {
        "shelf": given.place(visit),
        "status": str(uuid.uuid4()),
        "total": str(total),
        "at": text(visit.now)[:-1] + "000Z",
        "format": format_,
    }
    visit.leave("post", facts, raw)


def _own(visit: Visit, name: str) -> Made:
    """Return an event that a client has given.

    Raises:
        HttpProblem: 403, it is one that we show it. NotFound: it can know of none.
    """
    found = given.own(visit, name)
    if found is None:
        if _stands(visit, name):
            raise HttpProblem(403, ways.MAY_NOT)
        raise NotFound("no such event")
    return found


def _stands(visit: Visit, name: str) -> bool:
    return shown.listed(visit).named(name) is not None


def _unwrapped(brought: object, kind: str) -> Made:
    """Return an element with or without the wrapper that some of MISP's tools put round it."""
    inner = brought.get(kind, brought) if isinstance(brought, dict) else brought
    if not isinstance(inner, dict):
        raise HttpProblem(400, f"no {kind}")
    return inner


def _event(visit: Visit, brought: Made) -> Made:
    """Return an event with all that ours have; what it leaves out is said for it, but for its markings."""
    event = {name: what for name, what in brought.items() if name not in _FOREIGN}
    info = event.get("info")
    if not isinstance(info, str) or not info.strip():
        raise HttpProblem(403, "Info cannot be empty.")
    at = _stamp(event.get("timestamp"), str(_now(visit)))
    event |= {"uuid": _uuid(event), "timestamp": at}
    maker = event.get("Orgc")
    if not (isinstance(maker, dict) and ways.UUID.fullmatch(str(maker.get("uuid", "")).lower())):
        event["Orgc"] = ways.organisation(visit.knock.name)
    if not _DATE.fullmatch(str(event.get("date", ""))):
        event["date"] = text(visit.now)[:10]
    if event.get("published") not in _YES:
        event |= {"published": False}
    event["Attribute"] = [_attribute(each, at) for each in _elements(event, "Attribute")]
    event["Object"] = [_object(each, at) for each in _elements(event, "Object")]
    event["EventReport"] = [_named(each, at) for each in _elements(event, "EventReport")]
    return {name: what for name, what in event.items() if what != []}


def _elements(element: Made, kind: str) -> Iterator[Made]:
    found = element.get(kind) or []
    for each in found if isinstance(found, list) else [found]:
        if not isinstance(each, dict):
            raise HttpProblem(400, f"no {kind}")
        yield each


def _named(brought: Made, at: str) -> Made:
    made = {name: what for name, what in brought.items() if name not in _FOREIGN}
    return made | {"uuid": _uuid(made), "timestamp": _stamp(made.get("timestamp"), at)}


def _attribute(brought: Made, at: str) -> Made:
    made = _named(brought, at)
    if not all(isinstance(made.get(name), str) and made[name] for name in ("type", "value")):
        raise HttpProblem(403, "type, value: an attribute has both")
    return made


def _object(brought: Made, at: str) -> Made:
    made = _named(brought, at)
    made["Attribute"] = [_attribute(each, at) for each in _elements(made, "Attribute")]
    made["ObjectReference"] = [_named(each, at) for each in _elements(made, "ObjectReference")]
    return {name: what for name, what in made.items() if what != []}


def _merged(before: Made, after: Made) -> Made:
    """Return an event with what a newer version says; what that does not mention stays."""
    made = before | {name: what for name, what in after.items() if name not in _BARE[:3]}
    for kind in _BARE[:3]:
        held = {str(each["uuid"]): each for each in shown.parts(before, kind)}
        for each in shown.parts(after, kind):
            name = str(each["uuid"])
            held[name] = _merged(held.get(name, {}), each) if kind == "Object" else each
        if held:
            made[kind] = [*held.values()]
    return made


def _says(attribute: Made) -> tuple[str, str, str]:
    return tuple(str(attribute.get(name, "")) for name in ("type", "category", "value"))  # type: ignore[return-value]


def _uuid(element: Made) -> str:
    written = element.get("uuid") or str(uuid.uuid4())
    if not isinstance(written, str) or not ways.UUID.fullmatch(written.lower()):
        raise HttpProblem(400, "no UUID")
    return written.lower()


def _stamp(written: object, default: str) -> str:
    said = str(default if written in (None, "", 0, "0") else written)
    if not _STAMP.fullmatch(said):
        raise HttpProblem(400, "timestamp: seconds since 1970")
    return said.partition(".")[0]


def _now(visit: Visit) -> int:
    return int(visit.now.timestamp())
