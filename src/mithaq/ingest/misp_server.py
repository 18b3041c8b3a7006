"""A MISP as a feed: asked for its list of events, then for each that is new or changed, as MISP pulls from MISP.

The list is had with POST ``/events/index``, which answers 304 where nothing is new; each event with GET
``/events/view/UUID``; who saw what with POST ``/sightings/restSearch/event``, where the list says that there are newer
sightings. While some events are taken in, the next are fetched; those that come together are taken in together.
"""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from mithaq.errors import InputError
from mithaq.ingest.fetching import Fetcher, NotFetched
from mithaq.ingest.pulling import TRIED, Known, Missed, Part, Pulled, Same, gone, refuse_pages
from mithaq.ingest.rules import Terms
from mithaq.model.canonical import Json, decode, parse

AT_ONCE = 32  # events that are taken in together
LINES = 4  # that are open to one server
MOST_BYTES = 2 << 20  # of these, and of what is fetched before its turn; a longer one goes alone
# What of an event is wanted: what was deleted too, so that it is revoked here; what that server finds besides, not.
PARAMETERS = (
    "deleted%5B%5D:0/deleted%5B%5D:1/includeEventCorrelations:0/includeFeedCorrelations:0"
    "/includeWarninglistHits:0"
)
_ASKED: dict[str, Json] = {"minimal": 1, "published": 1}
_HEADERS = {"accept": "application/json"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STAMP = re.compile(r"[0-9]{1,12}")

Row: TypeAlias = tuple[str, str, str]  # UUID, when it changed, when somebody saw something last


def pull(terms: Terms, known: Known, fetcher: Fetcher) -> Iterator[Pulled]:
    """Yield the events that are new or changed, the oldest change first, behind them what could not be had before."""
    base = terms.url.rstrip("/")
    before = known.position.get("etag", "")
    body = msgspec.json.encode(_ASKED)
    got = fetcher.post(f"{base}/events/index", body, {**_HEADERS, "if-none-match": before or '""'})
    if got.unchanged:
        yield Same(status=got.status)
        return
    rows: list[Row] = []
    listed: set[str] = set()
    for each in _index(got.headers.get("content-type", ""), got.body):
        row = _row(each)
        if row is None:
            yield Missed(name="", code="misp-index", why="the list says no event like that")
            continue
        listed.add(row[0])
        if known.items.get(row[0]) != _version(row):
            rows.append(row)
    yield from gone(known, listed)
    whole = True
    rows.sort(key=lambda row: (known.items.get(row[0]) == TRIED + _version(row), int(row[1])))
    for part in _ahead(base, fetcher, rows):
        whole = whole and not isinstance(part, Missed)
        yield part
    # The list is not asked for again while it is the same; so not before all of it was had.
    etag = got.headers.get("etag", "")
    if whole and etag.isascii() and etag.isprintable():
        yield Same(status=got.status, position={"etag": etag})


def _version(row: Row) -> str:
    return f"{row[1]} {row[2]}"


def _index(kind: str, raw: bytes) -> list[Json]:
    refuse_pages(kind, raw)
    try:
        value = parse(raw)
    except InputError as error:
        raise NotFetched("its list of events is no JSON", cause="manifest") from error
    if not isinstance(value, list):
        raise NotFetched("its list of events is none", cause="manifest")
    return value


def _row(said: Json) -> Row | None:
    found = said if isinstance(said, dict) else {}
    uuid, *stamps = (str(found.get(n) or "0") for n in ("uuid", "timestamp", "sighting_timestamp"))
    if not _UUID.fullmatch(uuid.lower()) or not all(map(_STAMP.fullmatch, stamps)):
        return None
    return uuid.lower(), stamps[0], stamps[1]


# --- events ---------------------------------------------------------------------------------------------------
def _ahead(base: str, fetcher: Fetcher, rows: Sequence[Row]) -> Iterator[Pulled]:
    """Yield events in parts of several, of which the next are fetched while some are taken in.

    Several at once: who waits for an answer waits for Python's own lock too, which is held by who takes in.
    """
    if not rows:
        return
    with ThreadPoolExecutor(max_workers=LINES) as threads:
        coming: list[Future[Part | Missed | _Long]] = []
        try:
            for start in range(0, len(rows) + AT_ONCE, AT_ONCE):
                some = rows[start : start + AT_ONCE]
                ready, coming = (
                    coming,
                    [threads.submit(_had, base, fetcher.at_most(MOST_BYTES), row) for row in some],
                )
                had = [each.result() for each in ready]
                yield from _joined([each for each in had if not isinstance(each, _Long)])
                for long in had:  # nobody makes us hold several of these
                    if isinstance(long, _Long):
                        yield _alone(base, fetcher, long.row)
        finally:
            for each in coming:
                each.cancel()


@dataclass(frozen=True, slots=True)
class _Long:
    """An event that is fetched when it is its turn."""

    row: Row


def _had(base: str, fetcher: Fetcher, row: Row) -> Part | Missed | _Long:
    """Return an event before its turn, if it is not so long that it should wait."""
    found = _alone(base, fetcher, row)
    return _Long(row) if isinstance(found, Missed) and found.code == "too-long" else found


def _alone(base: str, fetcher: Fetcher, row: Row) -> Part | Missed:
    try:
        raw = _event(base, fetcher, row)
    except NotFetched as error:
        cause, tried = str(error.facts.get("cause", "")), TRIED + _version(row)
        return Missed(name=row[0], code=cause, why=str(error), version=tried)
    return Part(raw=raw, name=row[0], version=_version(row), format="misp", status=200)


def _joined(some: Sequence[Part | Missed]) -> Iterator[Pulled]:
    """Yield what could be had in as few parts as may be, then what could not."""
    together: list[Part] = []
    for each in some:
        if isinstance(each, Part):
            if together and sum(len(p.raw) for p in together) + len(each.raw) > MOST_BYTES:
                yield _together(together)
                together = []
            together.append(each)
    if together:
        yield _together(together)
    yield from (each for each in some if isinstance(each, Missed))


def _together(some: list[Part]) -> Part:
    if len(some) == 1:
        return some[0]
    raw = b'{"response":[' + b",".join(part.raw for part in some) + b"]}"
    return Part(raw=raw, format="misp", status=200, made_of=tuple(some))


def _event(base: str, fetcher: Fetcher, row: Row) -> bytes:
    got = fetcher.get(f"{base}/events/view/{row[0]}/{PARAMETERS}", _HEADERS)
    refuse_pages(got.headers.get("content-type", ""), got.body)
    try:
        event = msgspec.json.decode(got.body, type=_Wrapped)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotFetched("what it gives is no event", cause="event") from error
    if event.Event.uuid.lower() != row[0]:
        raise NotFetched("it gives another event than it was asked for", cause="event")
    return got.body if row[2] == "0" else _with_sightings(base, fetcher, row[0], got.body)


class _Named(msgspec.Struct):
    uuid: str


class _Wrapped(msgspec.Struct):
    Event: _Named


def _with_sightings(base: str, fetcher: Fetcher, uuid: str, raw: bytes) -> bytes:
    """Put into an event who saw what of it, as far as it does not say so itself."""
    asked: dict[str, Json] = {
        "returnFormat": "json",
        "last": 0,
        "includeUuid": True,
        "uuid": [uuid],
    }
    got = fetcher.post(f"{base}/sightings/restSearch/event", msgspec.json.encode(asked), _HEADERS)
    event, answer = _decoded(raw), _decoded(got.body)
    inner = event.get("Event") if isinstance(event, dict) else None
    if not isinstance(inner, dict):
        raise NotFetched("what it gives is no event", cause="event")
    told = answer.get("response", []) if isinstance(answer, dict) else answer
    by_attribute: dict[str, list[Json]] = {}
    for each in told if isinstance(told, list) else []:
        sighting = each.get("Sighting") if isinstance(each, dict) else None
        if isinstance(sighting, dict):
            of = str(sighting.get("attribute_uuid", "")).lower()
            by_attribute.setdefault(of, []).append(sighting)
    for attribute in _attributes(inner):
        held = attribute.get("Sighting")
        kept = held if isinstance(held, list) else []
        known = {str(each.get("uuid")) for each in _dicts(kept)}
        more = by_attribute.get(str(attribute.get("uuid", "")).lower(), [])
        fresh = [each for each in _dicts(more) if str(each.get("uuid")) not in known]
        if fresh:
            attribute["Sighting"] = [*kept, *fresh]
    return msgspec.json.encode(event)


def _decoded(raw: bytes) -> Json:
    try:
        return decode(raw)
    except InputError as error:
        raise NotFetched("what it says of sightings is no JSON", cause="sightings") from error


def _attributes(event: dict[str, Json]) -> Iterator[dict[str, Json]]:
    for holder in (event, *_dicts(event.get("Object"))):
        yield from _dicts(holder.get("Attribute"))


def _dicts(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
