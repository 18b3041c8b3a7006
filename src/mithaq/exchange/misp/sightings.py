"""Who saw what: sightings and false positives of what stands on a client's shelves, or of what it has given.

They come in as STIX, marked as strictly as what was seen. An expiry is for its owner to say, by a version of the event.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from mithaq.clock import text
from mithaq.errors import NotFound
from mithaq.exchange.misp import given, search, shown, ways, write
from mithaq.exchange.misp.ways import Made, Names
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.visit import Visit
from mithaq.exchange.wire import Response
from mithaq.formats.misp import writing
from mithaq.formats.misp.elements import drawn
from mithaq.store import pages
from mithaq.store.pages import Wanted

MOST = 10_000  # at once
_FIRST = "2011-01-01T00:00:00.000Z"  # of who saw it, whom MISP gives no instant
_SEEN, _FALSE, _EXPIRES = "0", "1", "2"
_STAMP = re.compile(r"[0-9]{1,10}(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What was seen: its object's id and markings, and the UUID of the attribute."""

    id: str
    markings: list[object]
    attribute: str


def add(visit: Visit, names: Names) -> Response:
    """Take a sighting of an attribute by its UUID, or of all that have a value.

    Raises:
        HttpProblem: 400, 403, 503. NotFound: the client can know of no such attribute.
    """
    asked = ways.asked(visit)
    name = str(names.get("attribute") or asked.get("uuid") or asked.get("id") or "").lower()
    if name:
        targets = list(_by_uuid(visit, [name]))
    else:
        values = asked.get("values") or [asked.get("value")]
        targets = list(_by_value(visit, values if isinstance(values, list) else [values]))
    if not targets:
        return _of_own(visit, name, asked)
    told = [(target, _one(visit, target.attribute, asked)) for target in targets]
    _take(visit, told)
    return ways.answer({"Sighting": _told(*told[0])})


def _of_own(visit: Visit, name: str, asked: Made) -> Response:
    """Take a sighting of what the client has given and its inbox does not show yet: with its event, once more."""
    event, attribute = write.bearer(visit, name)
    if attribute is event:
        raise NotFound("no such attribute")
    sighting = _one(visit, str(attribute["uuid"]), asked, own=True)
    attribute["Sighting"] = [*shown.parts(attribute, "Sighting"), sighting]
    write.changed(visit, event, attribute)
    target = _Target(id="", markings=[], attribute=str(attribute["uuid"]))
    return ways.answer({"Sighting": _told(target, sighting)})


def bulk(visit: Visit, names: Names) -> Response:
    """Take the sightings that a MISP pushes for an event.

    Raises:
        HttpProblem: 400, 503. NotFound: the client can know of no such event.
    """
    _known(visit, names["event"])
    brought = ways.asked_list(visit)
    if len(brought) > MOST:
        raise HttpProblem(400, f"at most {MOST} at once")
    some = [each.get("Sighting", each) for each in brought if isinstance(each, dict)]
    some = [each for each in some if isinstance(each, dict)]
    if len(some) != len(brought):
        raise HttpProblem(400, "no Sighting")
    named = [str(each.get("attribute_uuid", "")).lower() for each in some]
    found = {target.attribute: target for target in _by_uuid(visit, named)}
    told = [
        (found[name], _sighting(visit, each))
        for name, each in zip(named, some, strict=True)
        if name in found and str(each.get("type", _SEEN)) in {_SEEN, _FALSE}
    ]
    if told:
        _take(visit, told)
    return ways.answer({"saved": True, "success": f"{len(told)} sightings added."})


def held(visit: Visit, names: Names) -> Response:
    """Say which of some sightings need not be pushed: the client has given them, or reads them here.

    Raises:
        HttpProblem: 400. NotFound: the client can know of no such event.
    """
    _known(visit, names["event"])
    asked = [str(each).lower() for each in ways.asked_list(visit)]
    if len(asked) > MOST or not all(ways.UUID.fullmatch(each) for each in asked):
        raise HttpProblem(400, f"at most {MOST} UUIDs")
    ids = [f"{type_}--{each}" for each in asked for type_ in ("sighting", "opinion")]
    there = {
        piece.id.partition("--")[2] for piece in (*given.inbox(visit, ids), *_shelf(visit, ids))
    }
    return ways.answer([each for each in asked if each in there])


def _known(visit: Visit, name: str) -> None:
    if shown.listed(visit).named(name) is None and given.own(visit, name) is None:
        raise NotFound("no such event")


# --- what was seen -----------------------------------------------------------------------------------------
def _by_uuid(visit: Visit, names: list[str]) -> Iterator[_Target]:
    """Yield what a client can know of by the UUIDs of attributes."""
    wanted = [each for each in dict.fromkeys(names) if ways.UUID.fullmatch(each)]
    ids = [f"{type_}--{each}" for each in wanted for type_ in sorted(writing.LOOSE)]
    found: dict[str, _Target] = {}
    for piece in (*given.inbox(visit, ids), *_shelf(visit, ids)):
        name = piece.id.partition("--")[2]
        found[name] = _target(piece, name)
    yield from found.values()


def _by_value(visit: Visit, values: list[object]) -> Iterator[_Target]:
    texts = {each.strip().casefold() for each in values if isinstance(each, str) and each.strip()}
    if not texts:
        raise HttpProblem(400, "value, uuid: what was seen")
    named = [
        str(each["uuid"])
        for event in (*search.events(visit), *_own(visit))
        for each in shown.attributes(event)
        if str(each.get("value", "")).casefold() in texts
    ]
    yield from _by_uuid(visit, named[:MOST])


def _own(visit: Visit) -> Iterator[Made]:
    for gift in visit.gifts.every(visit.knock.name):
        yield msgspec.json.decode(gift.raw, type=dict[str, object])


def _shelf(visit: Visit, ids: list[str]) -> Iterator[pages.Piece]:
    for shelf in shown.listed(visit).shelves:
        for start in range(0, len(ids), 500):
            some = tuple(ids[start : start + 500])
            wanted = Wanted(ids=some, limit=len(some))
            yield from pages.page(visit.shelf, "intel", shelf, wanted, bodies=True)[0]


def _target(piece: pages.Piece, name: str) -> _Target:
    body = msgspec.json.decode(piece.body, type=dict[str, object])
    refs = body.get("object_marking_refs")
    markings = list(refs) if isinstance(refs, list) else []
    return _Target(id=piece.id, markings=markings, attribute=name)


# --- what is told of it ---------------------------------------------------------------------------------------
def _sighting(visit: Visit, brought: Made, *, own: bool = False) -> Made:
    """Return a sighting with all that one has.

    Args:
        own: it is of what the client has given, so it may say that this expires.

    Raises:
        HttpProblem: 400; 403, it says that something expires.
    """
    kind = str(brought.get("type") or _SEEN)
    if kind not in {_SEEN, _FALSE} and not (own and kind == _EXPIRES):
        raise HttpProblem(403, "That something expires is for its owner to say.")
    written = brought.get("date_sighting") or brought.get("timestamp") or int(visit.now.timestamp())
    if not _STAMP.fullmatch(str(written)):
        raise HttpProblem(400, "timestamp: seconds since 1970")
    name = str(brought.get("uuid") or uuid.uuid4()).lower()
    if not ways.UUID.fullmatch(name):
        raise HttpProblem(400, "no UUID")
    org = brought.get("Organisation")
    known = isinstance(org, dict) and ways.UUID.fullmatch(str(org.get("uuid", "")).lower())
    return {
        "uuid": name,
        "type": kind,
        "date_sighting": str(written).partition(".")[0],
        "source": str(brought.get("source") or "")[:255],
        "Organisation": org if known else ways.organisation(visit.knock.name),
    }


def _one(visit: Visit, of: str, asked: Made, *, own: bool = False) -> Made:
    """Return a sighting that somebody adds, whose UUID is the same if it is sent again."""
    made = _sighting(visit, {**asked, "uuid": str(uuid.UUID(int=0))}, own=own)
    said = " ".join(str(made[name]) for name in ("date_sighting", "type", "source"))
    return made | {"uuid": drawn(f"{visit.knock.name} saw {of} {said}")}


def _told(target: _Target, sighting: Made) -> Made:
    numbers = {
        "id": ways.number(str(sighting["uuid"])),
        "attribute_id": ways.number(target.attribute),
    }
    ids = {"attribute_uuid": target.attribute, "org_id": "0", "event_id": "0"}
    return {**sighting, **numbers, **ids}


def _take(visit: Visit, told: list[tuple[_Target, Made]]) -> None:
    objects: dict[str, Made] = {}
    for target, sighting in told:
        for each in _stix(target, sighting):
            objects[str(each["id"])] = each
    body: Made = {"objects": [*objects.values()]}
    write.leave(visit, "stix", body, len(objects))


def _stix(target: _Target, sighting: Made) -> Iterator[Made]:
    org = dict[str, object](sighting["Organisation"])  # type: ignore[call-overload]
    name = str(org.get("name") or org["uuid"])
    seer = {"type": "identity", "id": f"identity--{str(org['uuid']).lower()}", "name": name}
    seer |= {"identity_class": "organization", "created": _FIRST, "modified": _FIRST}
    at = text(datetime.fromtimestamp(int(str(sighting["date_sighting"])), UTC))
    body: Made = {"created": at, "modified": at}
    if target.markings:
        body["object_marking_refs"] = target.markings
    if sighting["type"] == _SEEN:
        yield {"spec_version": "2.1", **seer}
        body |= {
            "type": "sighting",
            "sighting_of_ref": target.id,
            "where_sighted_refs": [seer["id"]],
        }
        body |= {"first_seen": at, "last_seen": at, "count": 1}
        if sighting["source"]:
            body["description"] = sighting["source"]
    else:
        body |= {"type": "opinion", "opinion": "strongly-disagree", "object_refs": [target.id]}
        body |= {"explanation": "False positive", "authors": [name]}
    yield {"spec_version": "2.1", "id": f"{body['type']}--{sighting['uuid']}", **body}
