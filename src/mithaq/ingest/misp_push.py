"""Bring what stands on a client's shelf to the MISP that is this client, as MISP pushes to MISP.

The other side is asked which events are news to it (``filterEventIdsForPush``), then whether it has each (HEAD), and
is brought it (``add`` or ``edit``), and who saw what of it. What it is brought is noted as read by the client before it
leaves, so that a recall names the client. What it has taken, or does not want, is not brought again until it changes.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.border import exports, fetches
from mithaq.border.exports import NothingShown, ShelfBlocked
from mithaq.clock import Clock, text
from mithaq.errors import InputError, NotFound
from mithaq.exchange.misp import shown
from mithaq.exchange.misp.shown import Event, Listed
from mithaq.exchange.misp.ways import NOT_NEWER, Made
from mithaq.exchange.problems import HttpProblem
from mithaq.ingest.fetching import Fetcher, Got, NotFetched
from mithaq.ingest.pulling import TRIED, Known, Missed, Pulled, Same, Sent, gone
from mithaq.ingest.rules import Terms
from mithaq.model.canonical import decode
from mithaq.store.engine import Store

ASKED = 1000  # events of which the other side is asked at once
MOST_ANSWER = 16 << 20  # bytes: it says back no more than it was told
_HEADERS = {"accept": "application/json"}
_NEAR = "0"  # distribution: no further than one's own organisation
_HERE = "1"  # no further than that server: what MISP makes of 2 when it pushes
_REFUSED = frozenset({400, 403, 404, 405, 409, 413, 422})
_NUMBERS = ("id", "event_id", "Org", "sighting_timestamp")  # ours, and nobody else's


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """Where what is to be brought stands, and where it is noted who has it."""

    core: Store = field(repr=False)
    shelf: Store = field(repr=False)
    clock: Clock = field(repr=False)

    @contextmanager
    def standing(self, client: str) -> Iterator[Connection]:
        """Yield the room of shelves, if a client may be shown something now.

        Raises:
            NotFetched: it may not.
        """
        try:
            with self.shelf.read() as unit:
                exports.shelves_of(unit, client, self.clock())
                yield unit
        except NothingShown as error:
            raise NotFetched(f"{client} has no grant in force", cause="no-grant") from error
        except ShelfBlocked as error:
            raise NotFetched("what it may see is being decided again", cause="blocked") from error

    def note(self, told: Mapping[str, list[int]], now: datetime) -> None:
        """Note that the client has what stands at some positions of its shelves."""
        with self.shelf.read() as shown_, self.core.begin() as unit:
            for name, positions in told.items():
                fetches.note_rows(unit, shown_, name, ((p, p) for p in positions), text(now))


def push(terms: Terms, known: Known, fetcher: Fetcher, shelves: Shelves) -> Iterator[Pulled]:
    """Yield what became of each event that is new or changed for the other side, the oldest change first."""
    found, news = pending(terms, known, shelves)
    yield from gone(known, found.events)
    if not news:
        yield Same()
        return
    line = _Line(terms.url.rstrip("/"), fetcher.at_most(MOST_ANSWER))
    line.greet()
    for start in range(0, len(news), ASKED):
        some = news[start : start + ASKED]
        wanted = line.wanted(some)
        for event in some:
            if event.uuid not in wanted and event.seen == "":
                yield Sent(name=event.uuid, version=version(event), fresh=False)
                continue
            yield _one(terms, (line, shelves), (found, event), wanted=event.uuid in wanted)


def pending(terms: Terms, known: Known, shelves: Shelves) -> tuple[Listed, list[Event]]:
    """Return what the client is shown, and of that what the other side has not been brought as it is now.

    What it did not take before stands behind the rest, so that it holds up nothing.

    Raises:
        NotFetched: the client may be shown nothing now.
    """
    with shelves.standing(terms.to) as unit:
        found = shown.list_for(unit, terms.to, shelves.clock())
    has = known.items
    news = [e for e in found.events.values() if e.filled and has.get(e.uuid) != version(e)]
    news.sort(key=lambda event: (has.get(event.uuid) == TRIED + version(event), event.latest))
    return found, news


def version(event: Event) -> str:
    """Return what changes when an event does."""
    return f"{event.timestamp} {event.sighting_timestamp}"


def _one(
    terms: Terms, ways: "tuple[_Line, Shelves]", what: tuple[Listed, Event], *, wanted: bool
) -> Pulled:
    line, shelves = ways
    found, event = what
    try:
        with shelves.standing(terms.to) as unit:  # again: a grant may have ended a moment ago
            made, told = shown.whole(unit, found, event)
    except NotFound:
        return Sent(name=event.uuid, version="", fresh=False)  # it went: it is looked for again
    except HttpProblem:
        return Missed(name=event.uuid, code="too-long", why="more than is brought at once")
    shelves.note(told, shelves.clock())
    refused = line.bring(made) if wanted else ""
    refused = refused or line.tell_sightings(made)
    if refused:
        tried = TRIED + version(event)
        return Missed(name=event.uuid, code="refused", why=refused, version=tried)
    return Sent(name=event.uuid, version=version(event), fresh=wanted)


@dataclass(frozen=True, slots=True)
class _Line:
    """The other side, asked and told as MISP asks and tells."""

    base: str
    fetcher: Fetcher = field(repr=False)

    def greet(self) -> None:
        """Ask whether it takes anything from us.

        Raises:
            NotFetched: it does not.
        """
        said = _json(self.fetcher.get(f"{self.base}/servers/getVersion", _HEADERS))
        if not isinstance(said, dict) or said.get("perm_sync") is not True:
            raise NotFetched("our user there may not sync (perm_sync)", cause="perm-sync")

    def wanted(self, events: list[Event]) -> set[str]:
        """Ask which events are news to it."""
        asked = [{"Event": {"uuid": e.uuid, "timestamp": e.timestamp}} for e in events]
        said = _json(self._post("events/filterEventIdsForPush", asked))
        if not isinstance(said, list):
            raise NotFetched("it does not say which events it wants", cause="wanted")
        return {str(each).lower() for each in said}

    def bring(self, made: Made) -> str:
        """Bring an event; return why it was not taken, empty if it was."""
        event = _bare(made)
        uuid = event["uuid"]
        where = f"{self.base}/events/view/{uuid}"
        there = self.fetcher.ask("HEAD", where, None, _HEADERS, _REFUSED).status == 200  # noqa: PLR2004 OK
        way = f"events/edit/{uuid}/metadata:1" if there else "events/add/metadata:1"
        got = self._post(way, {"Event": event}, _REFUSED)
        if got.status == 404 and not there and "location" in got.headers:  # noqa: PLR2004 MISP's own
            got = self._post(f"events/edit/{uuid}/metadata:1", {"Event": event}, _REFUSED)
        said = _json(got)
        if got.status == 200 and isinstance(said, dict) and "Event" in said:  # noqa: PLR2004 OK
            return ""
        why = self.why(got)
        return "" if NOT_NEWER in why else why

    def why(self, got: Got) -> str:
        """Return what the other side says against something, as far as it may be kept."""
        return self.fetcher.hushed(_why(_json(got))) or f"it answers {got.status}"

    def tell_sightings(self, made: Made) -> str:
        """Bring who saw what of an event, as far as it is not there; return why it was not taken."""
        some: list[Made] = [
            {"source": "", **each, "attribute_uuid": attribute["uuid"]}
            for attribute in shown.attributes(made)
            for each in shown.parts(attribute, "Sighting")
        ]
        if not some:
            return ""
        uuid = made["uuid"]
        names = [str(each["uuid"]) for each in some]
        got = self._post(f"sightings/filterSightingUuidsForPush/{uuid}", names, _REFUSED)
        said = _json(got) if got.status == 200 else []  # noqa: PLR2004 an older MISP knows no such way
        there = {str(each).lower() for each in said} if isinstance(said, list) else set()
        fresh = [each for each in some if str(each["uuid"]).lower() not in there]
        if not fresh:
            return ""
        got = self._post(f"sightings/bulkSaveSightings/{uuid}", fresh, _REFUSED)
        return "" if got.status == 200 else self.why(got)  # noqa: PLR2004 OK

    def _post(self, way: str, body: object, fine: frozenset[int] = frozenset()) -> Got:
        raw = msgspec.json.encode(body)
        return self.fetcher.ask("POST", f"{self.base}/{way}", raw, _HEADERS, fine)


def _bare(made: Made) -> Made:
    """Return an event as MISP pushes one: without our numbers, and to that server's own users alone."""
    event = {name: what for name, what in made.items() if name not in _NUMBERS}
    if event.get("distribution") != _NEAR:
        event["distribution"] = _HERE
    for each in (*shown.attributes(event), *shown.parts(event, "Object")):
        for name in _NUMBERS:
            each.pop(name, None)
    return event


def _json(got: Got) -> object:
    try:
        return decode(got.body)
    except InputError as error:
        raise NotFetched("its answer is no JSON", cause="no-json") from error


def _why(said: object) -> str:
    """Return what the other side says, as far as a terminal may show it."""
    found = said if isinstance(said, dict) else {}
    word = next((found[n] for n in ("errors", "message", "name") if found.get(n)), "")
    written = word if isinstance(word, str) else msgspec.json.encode(word).decode()
    return "".join(sign if sign.isprintable() else " " for sign in written)[:300]


Bring = Callable[[Terms, Known, Fetcher, Shelves], Iterator[Pulled]]
OUT: Mapping[str, Bring] = {"misp-push": push}
