"""The events that a client is shown: which there are, and each by itself when it is asked for.

A shelf of a million objects is no answer, so what is kept of it is a list: of each event its head and where its parts
stand. An event is written from these when somebody asks for it, by the same writer as the MISP feed
(``mithaq.formats.misp.writing``); so no answer says more than the feed does.

An event is as new as the newest of its parts. A part that came to the shelf behind its report counts from when it came,
or whoever has the event would never fetch it.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256

import msgspec
from sqlalchemy import Connection

from mithaq.border import exports
from mithaq.clock import parse
from mithaq.errors import NotFound
from mithaq.exchange import export
from mithaq.exchange.misp import ways
from mithaq.exchange.misp.ways import Element, Made
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.visit import Visit
from mithaq.formats.misp import writing
from mithaq.formats.misp.parts import Body
from mithaq.model.objects import moment
from mithaq.store import pages
from mithaq.store.pages import Wanted
from mithaq.store.shelf import Shelf

AT_ONCE = 50_000  # rows that are read together
REPORTS = ("report", "grouping")
BETWEEN = ("sighting", "opinion", "relationship")  # about something that stands in an event
ELEMENTS = writing.LOOSE | {"note"}  # what stands in one event alone
SECOND = 19  # signs of an instant down to the second
_SIGHTINGS = frozenset({"sighting", "opinion"})


@dataclass(slots=True, kw_only=True)
class Event:
    """One event on the list."""

    head: Made  # all of it but its parts
    places: "array[int]"
    latest: str  # the instant of its last change, to the second
    seen: str = ""  # when the last sighting came
    filled: bool = False  # it has parts that MISP counts

    @property
    def uuid(self) -> str:
        """Its UUID."""
        return str(self.head["uuid"])

    @property
    def timestamp(self) -> str:
        """Its last change, as MISP writes instants."""
        return str(second(self.latest))

    @property
    def sighting_timestamp(self) -> str:
        """When the last sighting came, as MISP writes instants."""
        return str(second(self.seen))


@dataclass(kw_only=True)
class Listed:
    """The events of one client, as long as its shelves are in one state."""

    state: object
    shelves: list[str]
    events: Mapping[str, Event] = field(repr=False)  # by UUID, in their order

    @property
    def size(self) -> int:
        """How many bytes it takes, about."""
        return sum(2000 + 8 * len(event.places) for event in self.events.values())

    def holds(self, state: object, _now: datetime) -> bool:
        """Say whether it is what would be listed now."""
        return self.state == state

    @cached_property
    def numbers(self) -> Mapping[str, str]:
        """UUIDs by number; what two events would be named by names none."""
        found: dict[str, str] = {}
        for uuid in self.events:
            name = ways.number(uuid)
            found[name] = "" if name in found else uuid
        return found

    def named(self, name: str) -> Event | None:
        """Return an event by its UUID or its number."""
        return self.events.get(self.numbers.get(name, name.lower()))

    @cached_property
    def tag(self) -> str:
        """What differs as soon as one of the events does."""
        drawn = sha256()
        for uuid, event in self.events.items():
            drawn.update(f"{uuid} {event.latest} {event.seen}\n".encode())
        return drawn.hexdigest()[:40]


def listed(visit: Visit) -> Listed:
    """Return the events that stand on a client's shelves now.

    Raises:
        NotFound: the client has no grant in force.
        HttpProblem: 503.
    """
    which, state = export.standing(visit)
    at = (state, visit.now)
    return visit.prints.fresh(
        visit.knock.name, "misp/list", at, lambda: list_of(visit.shelf, which, state)
    )


def list_for(unit: Connection, client: str, now: datetime) -> Listed:
    """Return the events that stand on a client's shelves.

    Raises:
        NothingShown: it has none. ShelfBlocked: one of them shows nothing for now.
    """
    return list_of(unit, exports.shelves_of(unit, client, now), None)


def list_of(unit: Connection, which: list[Shelf], state: object) -> Listed:
    """Return the events that stand on some shelves of one client."""
    return _Lister(unit, which).listed(state)


def event(visit: Visit, found: Listed, one: Event) -> Made:
    """Return a whole event; whoever reads it is noted as having read what it tells of.

    Raises:
        NotFound: it went meanwhile.
        HttpProblem: 503, it is more than one answer holds.
    """
    made, told = whole(visit.shelf, found, one)
    for shelf, positions in told.items():
        visit.note_fetched(shelf, positions)
    return made


def whole(unit: Connection, found: Listed, one: Event) -> tuple[Made, dict[str, list[int]]]:
    """Return a whole event, and by shelf the positions of what it tells of.

    Raises:
        NotFound: it went meanwhile.
        HttpProblem: 503, it is more than one answer holds.
    """
    bodies: dict[str, Body] = {}
    stood: dict[str, tuple[str, int]] = {}
    size = 0
    for shelf, positions in _by_shelf(found, one):
        for piece in pages.at(unit, shelf, positions):
            size += len(piece.body)
            hold(size)
            bodies[piece.id], stood[piece.id] = _body(piece.body), (shelf, piece.position)
    for shelf in found.shelves:
        for piece in _by_ids(unit, shelf, _beside(bodies)):
            bodies[piece.id], stood[piece.id] = _body(piece.body), (shelf, piece.position)
    written = writing.write(bodies.values())
    made = next((each for each in written.events if each["uuid"] == one.uuid), None)
    if made is None:
        raise NotFound("it went")
    told: dict[str, list[int]] = {}
    for shelf, position in sorted(stood[id_] for id_ in written.told):
        told.setdefault(shelf, []).append(position)
    return dressed({**made}, one), told


def hold(size: int) -> None:
    """Hold that so many bytes of objects are no more than one event has.

    Raises:
        HttpProblem: 503, they are.
    """
    if size > export.MOST_WHOLE:
        detail = "too much for one answer: read it over TAXII"
        raise HttpProblem(503, detail, headers={"retry-after": "3600"})


def dressed(made: Made, one: Event) -> Made:
    """Return an event as MISP's tools expect it: with numbers, and as new as its newest part."""
    made |= {"timestamp": one.timestamp, "sighting_timestamp": one.sighting_timestamp}
    made.setdefault("distribution", "2")  # MISP makes 1 of it, as it pulls: that server's own users
    return numbered(made)


def numbered(made: Made) -> Made:
    """Name everything in an event by numbers too, and say how far each part goes where it says nothing."""
    number = ways.number(str(made["uuid"]))
    made |= {"id": number, "Org": made["Orgc"]}
    for each in (*attributes(made), *parts(made, "Object")):
        each |= {"id": ways.number(str(each["uuid"])), "event_id": number}
        each.setdefault("distribution", "5")
    return made


def attributes(event_: Element) -> Iterator[Made]:
    """Yield the attributes of an event, and those of its objects."""
    yield from parts(event_, "Attribute")
    for each in parts(event_, "Object"):
        yield from parts(each, "Attribute")


def parts(element: Element, kind: str) -> list[Made]:
    """Return the elements of a kind that stand in another."""
    found = element.get(kind)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


# --- one event ---------------------------------------------------------------------------------------------
def _by_shelf(found: Listed, one: Event) -> Iterator[tuple[str, list[int]]]:
    for place, shelf in enumerate(found.shelves):
        if positions := [each >> 8 for each in one.places if each & 255 == place]:
            yield shelf, positions


def _beside(bodies: Mapping[str, Body]) -> list[str]:
    """Return the ids of what an event needs besides its parts: who made it, what was seen, what is meant."""
    wanted: dict[str, None] = {}
    for body in bodies.values():
        wanted[str(body.get("created_by_ref", ""))] = None
        if _type(target := str(body.get("target_ref", ""))) not in ELEMENTS:
            wanted[target] = None
        for name in ("object_refs", "where_sighted_refs"):
            if body["type"] in {"observed-data", "sighting"}:
                wanted |= dict.fromkeys(texts(body.get(name)))
    return [id_ for id_ in wanted if id_ and id_ not in bodies]


def _by_ids(unit: Connection, shelf: str, ids: list[str]) -> Iterator[pages.Piece]:
    for start in range(0, len(ids), 500):
        some = tuple(ids[start : start + 500])
        wanted = Wanted(ids=some, limit=len(some))
        yield from pages.page(unit, "intel", shelf, wanted, bodies=True)[0]


def _body(raw: bytes) -> Body:
    body: Body = msgspec.json.decode(raw)
    return body


def texts(value: object) -> list[str]:
    """Return the texts of a list; none if it is no list."""
    return [str(each) for each in value] if isinstance(value, list) else []


def second(instant: str) -> int:
    """Return the second of an instant."""
    return int(parse(f"{instant[:SECOND]}.000Z").timestamp()) if instant else 0


# --- the list ----------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Lister:
    """Reads what stands on some shelves, and finds the events in it."""

    unit: Connection
    shelves: list[Shelf]
    # id -> where it stands, its version and when it came; of several versions the newest
    rows: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    homes: dict[str, Event] = field(default_factory=dict)  # id of an element -> its event

    def listed(self, state: object) -> Listed:
        for place, shelf in enumerate(self.shelves):
            self._rows(place, shelf.shelf)
        reports = sorted(self._bodies(REPORTS), key=lambda body: str(body["id"]))
        makers = self._named({str(body.get("created_by_ref", "")) for body in reports})
        for body in reports:
            self._report(body, makers)
        if any(_type(id_) in writing.LOOSE and id_ not in self.homes for id_ in self.rows):
            self._loose()
        for body in self._bodies(BETWEEN):
            self._between(body)
        events = {uuid: self.events[uuid] for uuid in sorted(self.events)}
        return Listed(state=state, shelves=[each.shelf for each in self.shelves], events=events)

    def _rows(self, place: int, shelf: str) -> None:
        rows = self.rows
        for position, id_, version, added in pages.standing(self.unit, shelf, AT_ONCE):
            held = rows.get(id_)
            if held is None or moment(held[1]) <= moment(version):
                rows[id_] = (position << 8 | place, version, added)

    def _bodies(self, types: tuple[str, ...]) -> Iterator[Body]:
        for shelf in self.shelves:
            after, more = 0, True
            while more:
                wanted = Wanted(after=after, limit=1000, types=types)
                some, more = pages.page(self.unit, "intel", shelf.shelf, wanted, bodies=True)
                yield from (_body(piece.body) for piece in some)
                after = some[-1].position if some else after

    def _named(self, ids: Iterable[str]) -> dict[str, Body]:
        some = sorted(id_ for id_ in ids if id_ in self.rows)
        return {
            piece.id: _body(piece.body)
            for shelf in self.shelves
            for piece in _by_ids(self.unit, shelf.shelf, some)
        }

    def _report(self, body: Body, makers: Mapping[str, Body]) -> None:
        ids = [id_ for id_ in texts(body.get("object_refs")) if id_ in self.rows]
        mine = [id_ for id_ in ids if _type(id_) in ELEMENTS and id_ not in self.homes]
        others = [id_ for id_ in ids if _type(id_) not in ELEMENTS]
        made = self._head([body], makers)
        if made is not None:
            self._fill(made, [str(body["id"]), *mine, *others], mine)

    def _head(self, some: list[Body], makers: Mapping[str, Body]) -> Event | None:
        """Return an event as it is without its parts; None if it may not be told of in MISP's words."""
        maker = makers.get(str(some[0].get("created_by_ref", "")))
        written = writing.write([*some, *([maker] if maker is not None else [])])
        for head in written.events:
            bare: Made = {n: v for n, v in head.items() if n not in {"Attribute", "Object"}}
            found = Event(head=bare, places=array("q"), latest="")
            self.events[found.uuid] = found
            return found
        return None

    def _fill(self, made: Event, ids: list[str], mine: list[str]) -> None:
        """Say where an event's parts stand, of which the first is its report."""
        first = self.rows[ids[0]]
        for id_ in dict.fromkeys(ids):
            place, version, added = self.rows[id_]
            made.places.append(place)
            if id_ == ids[0]:
                made.latest = version[:SECOND]
            elif _type(id_) in ELEMENTS:
                later = place & 255 == first[0] & 255 and place > first[0]
                newest = max(version, added) if later else version
                made.latest = max(made.latest, newest[:SECOND])
        self.homes |= dict.fromkeys(mine, made)
        made.filled = made.filled or bool(mine)

    def _loose(self) -> None:
        """Put what no report names into events by maker and marking, as the writer does."""
        bodies = [b for b in self._bodies(tuple(writing.LOOSE)) if str(b["id"]) not in self.homes]
        seen = self._named(
            ref
            for b in bodies
            if b["type"] == "observed-data"
            for ref in texts(b.get("object_refs"))
        )
        groups: dict[tuple[str, str, str], list[Body]] = {}
        for body in sorted(bodies, key=lambda each: str(each["id"])):
            key = writing.loose_key(body, seen)
            if key is not None:
                groups.setdefault(key, []).append(body)
        makers = self._named({key[0] for key in groups})
        for some in groups.values():
            inner = [seen[ref] for ref in texts(some[0].get("object_refs")) if ref in seen]
            made = self._head([some[0], *inner], makers)
            if made is not None:
                ids = [str(body["id"]) for body in some]
                self._fill(made, ids, ids)

    def _between(self, body: Body) -> None:
        of = str(body.get("sighting_of_ref") or body.get("source_ref") or "")
        of = of or next(iter(texts(body.get("object_refs"))), "")
        home = self.homes.get(of)
        if home is None:
            return
        place, version, added = self.rows[str(body["id"])]
        home.places.append(place)
        if body["type"] in _SIGHTINGS:
            home.seen = max(home.seen, added[:SECOND])
        else:
            home.latest = max(home.latest, version[:SECOND])


def _type(id_: str) -> str:
    return id_.partition("--")[0]
