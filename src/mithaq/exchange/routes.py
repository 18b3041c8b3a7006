"""Which path and method is answered by what, for whom, and how long a body is read: the listener's one table."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection

from mithaq.errors import NotFound
from mithaq.exchange import between, export, taxii
from mithaq.exchange.misp import search, sightings, sync, ways, write
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.visit import Hearing, Settings, Visit, segment
from mithaq.exchange.wire import Response
from mithaq.formats.export import EXPORTS
from mithaq.seal.frames import MAX_ENVELOPE

Names: TypeAlias = Mapping[str, str]
_STRAY = 16 << 10  # a body where none belongs is read so far and not looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """What anybody may ask."""

    answer: Callable[[Connection, Names], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a known caller may ask."""

    answer: Callable[[Visit, Names], Response]
    only: str = ""  # node | client; empty: both
    most_bytes: Callable[[Settings], int] = lambda _settings: _STRAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What anybody may bring."""

    answer: Callable[[Hearing], Response]
    most_bytes: int


Verb: TypeAlias = Open | Known | Heard


@dataclass(frozen=True, slots=True)
class Route:
    """A form of path and what its methods do."""

    path: str  # with its variable segments in braces
    form: re.Pattern[str]
    verbs: Mapping[str, Verb]


def find(method: str, path: str) -> tuple[Verb, Names]:
    """Return what answers ``method`` at ``path``, and the path's decoded segments by name.

    Nothing of this depends on who asks or on what is held.

    Raises:
        NotFound: no route has that form; but for exports and MISP's every one ends in a slash (TAXII 2.1 section 3.1).
        HttpProblem: 405.
    """
    for route in ROUTES:
        match = route.form.fullmatch(path)
        if match is None:
            continue
        names = {name: segment(written) for name, written in match.groupdict().items()}
        plain = {name: value for name, value in names.items() if value is not None}
        if len(plain) != len(names):
            break
        if method not in route.verbs:
            raise HttpProblem(405, headers={"allow": ", ".join(route.verbs)})
        return route.verbs[method], plain
    raise NotFound("no such path")


def _at(path: str, verbs: Mapping[str, Verb]) -> Route:
    form = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.replace(".", r"\."))
    return Route(path, re.compile(form), verbs)


def _get(answer: Callable[[Visit, Names], Response]) -> dict[str, Verb]:
    return {"GET": Known(answer=answer)}


def _export(name: str, file: str = "") -> Route:
    """Return the route of an export; a name in braces in ``file`` is a variable segment."""

    def answer(visit: Visit, names: Names) -> Response:
        return export.export(visit, name, file.format(**names))

    return _at(f"/export/{file or name}", _polled(answer))


def _polled(answer: Callable[[Visit, Names], Response]) -> dict[str, Verb]:
    """Return what firewalls may ask, of which some look at the head first (RFC 9110 section 9.3.2)."""
    return {verb: Known(answer=answer, only="client") for verb in ("GET", "HEAD")}


def _misp(path: str, methods: str, answer: Callable[[Visit, Names], Response]) -> Route:
    """Return a route of MISP's tools, which read errors in their own form; what is posted may be an event."""

    def answered(visit: Visit, names: Names) -> Response:
        try:
            return answer(visit, names)
        except (HttpProblem, NotFound) as error:
            return ways.refused(visit, error)

    verbs: dict[str, Verb] = {
        method: Known(answer=answered, only="client", most_bytes=_envelope)
        for method in methods.split()
    }
    return Route(path, ways.form(path), verbs)


def _envelope(settings: Settings) -> int:
    return settings.max_frame_bytes


def _frame(settings: Settings) -> int:
    return settings.max_frame_bytes + MAX_ENVELOPE + 4


def _heartbeat(_settings: Settings) -> int:
    return between.MAX_HEARTBEAT


def _nudge(_settings: Settings) -> int:
    return between.MAX_NUDGE


_COLLECTION = "/taxii2/{root}/collections/{collection}/"
_OBJECT = _COLLECTION + "objects/{id}/"
_FRAMES: dict[str, Verb] = {
    "GET": Known(answer=between.frames, only="node"),
    "POST": Known(answer=between.push_frame, only="node", most_bytes=_frame),
}
_HEARTBEAT: dict[str, Verb] = {
    "GET": Known(answer=between.heartbeat, only="node"),
    "POST": Known(answer=between.push_heartbeat, only="node", most_bytes=_heartbeat),
}
ROUTES = (
    _at("/taxii2/", _get(taxii.discovery)),
    _at("/taxii2/{root}/", _get(taxii.api_root)),
    _at("/taxii2/{root}/status/{id}/", _get(taxii.status)),
    _at("/taxii2/{root}/collections/", _get(taxii.all_collections)),
    _at(_COLLECTION, _get(taxii.one_collection)),
    _at(_COLLECTION + "manifest/", _get(taxii.manifest)),
    _at(
        _COLLECTION + "objects/",
        {
            **_get(taxii.objects),
            "POST": Known(answer=taxii.add_objects, most_bytes=_envelope),
        },
    ),
    _at(_OBJECT, {**_get(taxii.one_object), "DELETE": Known(answer=taxii.delete_object)}),
    _at(_OBJECT + "versions/", _get(taxii.object_versions)),
    _at("/taxii2/{root}/frames/", _FRAMES),
    _at("/mithaq/heartbeat/", _HEARTBEAT),
    _at(
        "/mithaq/nudge/",
        {"POST": Known(answer=between.nudge, only="node", most_bytes=_nudge)},
    ),
    _at(
        "/mithaq/keys/",
        {
            "GET": Open(answer=between.key_document),
            "POST": Heard(answer=between.hear_keys, most_bytes=between.MAX_KEYS),
        },
    ),
    _at("/mithaq/keys/{version}/", {"GET": Open(answer=between.key_document)}),
    _at("/export/", _polled(export.index)),
    *(_export(name) for name in EXPORTS if name != "misp"),
    _export("misp", "misp/manifest.json"),
    _export("misp", "misp/hashes.csv"),
    _export("misp", "misp/{event}"),
    _misp("/servers/getVersion", "GET", sync.version),
    _misp("/servers/getPyMISPVersion", "GET", sync.pymisp_version),
    _misp("/servers/postTest", "POST", sync.echo),
    _misp("/servers/getAvailableSyncFilteringRules", "GET", sync.rules),
    _misp("/users/view/me", "GET", sync.me),
    _misp("/events/view/{event}", "GET HEAD POST", sync.view),
    _misp("/events/index", "GET POST", sync.index),
    _misp("/events/restSearch", "POST", search.search_events),
    _misp("/attributes/restSearch", "POST", search.search_attributes),
    _misp("/shadow_attributes/index", "GET", sync.nothing),
    _misp("/galaxy_clusters/restSearch", "POST", sync.no_clusters),
    _misp("/sightings/restSearch/event", "POST", sync.sightings),
    _misp("/eventReports/add", "GET", sync.no_reports),
    _misp("/events/add", "POST", write.add_event),
    _misp("/events/edit/{event}", "POST PUT", write.edit_event),
    _misp("/events/publish/{event}", "POST", write.publish),
    _misp("/events/alert/{event}", "POST", write.publish),
    _misp("/events/filterEventIdsForPush", "POST", write.wanted),
    _misp("/events/pushProposals/{event}", "POST", write.no_proposals),
    _misp("/shadow_attributes/add/{event}", "POST", write.no_proposals),
    _misp("/galaxies/pushCluster", "POST", write.no_clusters),
    _misp("/attributes/add/{event}", "POST", write.add_attributes),
    _misp("/tags/attachTagToObject", "POST", write.attach_tag),
    _misp("/sightings/add", "POST", sightings.add),
    _misp("/sightings/add/{attribute}", "POST", sightings.add),
    _misp("/sightings/bulkSaveSightings/{event}", "POST", sightings.bulk),
    _misp("/sightings/filterSightingUuidsForPush/{event}", "POST", sightings.held),
)
