"""What a MISP asks of us as a sync server, and PyMISP as it connects: who we are, which events there are, and each.

Only what stands on the client's own shelves is told, and what it has given itself (``mithaq.exchange.misp.given``).
"""

import hashlib
from collections.abc import Callable, Iterator

from mithaq.errors import NotFound
from mithaq.exchange.misp import given, shown, ways
from mithaq.exchange.misp.filters import MOST_NAMED, page, refusal
from mithaq.exchange.misp.shown import Event
from mithaq.exchange.misp.ways import Made, Names
from mithaq.exchange.visit import Visit
from mithaq.exchange.wire import Response
from mithaq.formats.export.whole import hashed

_INDEX = {"minimal", "published", "tag", "tags", "org", "limit", "page"}
_IDLE = {"sort", "direction", "excludeLocalTags"}  # change nothing of what is told
_YES = {"1", "True", "true"}
_SIGHTINGS = {"returnFormat", "last", "includeUuid", "uuid", "id", "org_id", "includeAttribute"}
MOST_EVENTS = 20  # whose sightings are told at once, as MISP asks for them
CACHED = 64  # events whose hashes are told at once
MOST_PAGES = 1_000_000


# --- who we are ----------------------------------------------------------------------------------------------
def version(_visit: Visit, _names: Names) -> Response:
    """Say which MISP's ways are known here; that things may be brought, and proposals and clusters may not."""
    return ways.answer(
        {
            "version": ways.VERSION,
            "pymisp_recommended_version": ways.VERSION,
            "perm_sync": True,
            "perm_sighting": True,
            "perm_galaxy_editor": False,
            "perm_analyst_data": False,
            "request_encoding": [],
            "filter_sightings": True,
        }
    )


def pymisp_version(_visit: Visit, _names: Names) -> Response:
    """Say which PyMISP goes with that."""
    return ways.answer({"version": ways.VERSION})


def me(visit: Visit, _names: Names) -> Response:
    """Say who asks: a client, which may read what is for it, and bring what is its own."""
    name = visit.knock.name
    org = ways.organisation(name)
    user = {"id": "1", "email": name, "role_id": "1", "autoalert": False, "disabled": False}
    may = ("perm_auth", "perm_add", "perm_modify", "perm_sync", "perm_sighting", "perm_tagger")
    role = {"id": "1", "name": "client", **dict.fromkeys(may, True), "perm_publish": True}
    role |= {"perm_site_admin": False, "perm_admin": False, "perm_delegate": False}
    return ways.answer(
        {"User": user | {"Organisation": org}, "Role": role, "UserSetting": {}, "Organisation": org}
    )


def echo(visit: Visit, _names: Names) -> Response:
    """Answer MISP's connection test: what was sent, and under which headers."""
    body = ways.asked(visit)
    kept = ("accept", "content-type")
    headers = {name.capitalize(): visit.request.headers.get(name, "") for name in kept}
    return ways.answer({"body": body, "headers": headers})


def rules(_visit: Visit, _names: Names) -> Response:
    """Name no organisations and no tags to filter by: a list of them would tell what is here."""
    return ways.answer({"organisations": [], "tags": []})


def no_reports(_visit: Visit, _names: Names) -> Response:
    """Say that reports inside events are taken: MISP leaves them out where this is not answered."""
    return ways.answer(
        {"name": "eventReports/add", "description": "Reports come with their event."}
    )


def nothing(_visit: Visit, _names: Names) -> Response:
    """Answer where MISP looks for what no client is ever shown: proposals of others."""
    return ways.answer([])


def no_clusters(_visit: Visit, _names: Names) -> Response:
    """Answer where MISP looks for clusters by themselves: here they stand in events alone."""
    return ways.answer({"response": []})


# --- which events there are ----------------------------------------------------------------------------------
def index(visit: Visit, _names: Names) -> Response:
    """List the events with their times: whoever has one of that time need not read it.

    Raises:
        HttpProblem: 400, a filter is unknown; 503. NotFound: the client has no grant in force.
    """
    asked = _filters(visit)
    found = shown.listed(visit)
    org, tag = _wanted(asked, "org"), _wanted(asked, "tag", "tags")
    minimal = str(asked.get("minimal")) in _YES
    some = [
        each
        for each in found.events.values()
        if (each.filled or not minimal) and org(_makers(each)) and tag(_tags(each))
    ]
    headers = {"x-result-count": str(len(some))}
    has = visit.request.headers.get("if-none-match")
    if has is not None:
        filters = sorted((name, str(what)) for name, what in asked.items())
        tag_ = hashlib.sha256(f"{found.tag} {filters}".encode()).hexdigest()[:40]
        headers["etag"] = f'"{tag_}"'
        if tag_ in has:
            return Response(status=304, headers={"etag": headers["etag"]})
    rows = [_row(each) if minimal else _head(each) for each in page(some, asked)]
    return ways.answer(rows, headers)


def _filters(visit: Visit) -> Made:
    body = ways.asked(visit) if visit.request.body else {}
    asked = {n: w for n, w in body.items() if w not in (None, "", []) and n not in _IDLE}
    if unknown := asked.keys() - _INDEX:
        raise refusal("no such filter here: " + ", ".join(sorted(unknown)[:5])[:200])
    if str(asked.get("published", "1")) not in _YES:
        raise refusal("published: nothing else is told")
    return asked


def _wanted(asked: Made, *names: str) -> Callable[[set[str]], bool]:
    """Return the test of what is said under a filter's name: one of those it names, and none it names behind ``!``.

    Raises:
        HttpProblem: 400.
    """
    some = [each for name in names for each in _list(asked.get(name))]
    if len(some) > MOST_NAMED or not all(isinstance(each, str) for each in some):
        raise refusal(f"{names[0]}: a text, or a list of at most {MOST_NAMED}")
    written = [str(each).strip().casefold() for each in some]
    barred = {each[1:] for each in written if each.startswith("!")}
    wanted = {each for each in written if not each.startswith("!")}
    if any("%" in each or not each for each in barred | wanted):
        raise refusal(f"{names[0]}: no wildcards here")
    return lambda said: said.isdisjoint(barred) and (not wanted or not said.isdisjoint(wanted))


def _list(what: object) -> list[object]:
    return what if isinstance(what, list) else [] if what is None else [what]


def _row(one: Event) -> Made:
    return {
        "id": ways.number(one.uuid),
        "uuid": one.uuid,
        "orgc_uuid": str(_maker(one).get("uuid", "")),
        "timestamp": one.timestamp,
        "sighting_timestamp": one.sighting_timestamp,
        "published": True,
    }


def _head(one: Event) -> Made:
    head = shown.dressed({**one.head}, one)
    head["EventTag"] = [{"Tag": tag} for tag in shown.parts(head, "Tag")]
    return head


def _maker(one: Event) -> Made:
    found = one.head.get("Orgc")
    return found if isinstance(found, dict) else {}


def _makers(one: Event) -> set[str]:
    return {str(each).casefold() for each in _maker(one).values()}


def _tags(one: Event) -> set[str]:
    return {str(tag.get("name", "")).casefold() for tag in shown.parts(one.head, "Tag")}


# --- one event ------------------------------------------------------------------------------------------------
def view(visit: Visit, names: Names) -> Response:
    """Answer with one event: one that stands on the client's shelves, or that it has given itself.

    Raises:
        NotFound: it has neither. HttpProblem: 503.
    """
    found = shown.listed(visit)
    one = found.named(names["event"])
    if visit.request.method == "HEAD":
        if one is None and given.own(visit, names["event"]) is None:
            raise NotFound("no such event")
        return Response(status=200, headers={"content-type": ways.JSON})
    if one is not None:
        return ways.answer({"Event": shown.event(visit, found, one)})
    mine = given.own(visit, names["event"])
    if mine is None:
        raise NotFound("no such event")
    return ways.answer({"Event": given.dressed(mine)})


def sightings(visit: Visit, _names: Names) -> Response:
    """Tell who saw what stands in some events, as MISP asks it for those with news.

    Raises:
        HttpProblem: 400, a filter is unknown, or too many events at once; 503.
    """
    body = ways.asked(visit)
    asked = {n: w for n, w in body.items() if w not in (None, "", [], False, 0, "0")}
    if unknown := asked.keys() - _SIGHTINGS:
        raise refusal("no such filter here: " + ", ".join(sorted(unknown)[:5])[:200])
    named = [str(each) for name in ("uuid", "id") for each in _list(asked.get(name))]
    if len(named) > MOST_EVENTS or not named:
        raise refusal(f"uuid: 1 to {MOST_EVENTS} events")
    barred = {str(each).removeprefix("!") for each in _list(asked.get("org_id"))}
    found = shown.listed(visit)
    told: list[Made] = []
    for one in filter(None, map(found.named, named)):
        for attribute in shown.attributes(shown.event(visit, found, one)):
            for each in shown.parts(attribute, "Sighting"):
                org = each.get("Organisation")
                if isinstance(org, dict) and org.get("uuid") in barred:
                    continue
                ids = {"event_uuid": one.uuid, "attribute_uuid": attribute["uuid"]}
                numbers = {"event_id": attribute["event_id"], "attribute_id": attribute["id"]}
                told.append({"Sighting": {"source": "", "org_id": "0", **each, **ids, **numbers}})
    return ways.answer({"response": told})


def hashes(visit: Visit, asked: Made) -> Response:
    """Answer with a line for each value and its event, by some events at a time: MISP's cache of a server.

    Raises:
        HttpProblem: 400, 503.
    """
    written = str(asked.get("page", "1"))
    if not written.isdecimal() or not 1 <= int(written) <= MOST_PAGES:
        raise refusal("page: a number from 1 on")
    found = shown.listed(visit)
    events = [each for each in found.events.values() if each.filled]
    some = events[(int(written) - 1) * CACHED : int(written) * CACHED]
    lines = [line for each in some for line in _hashes(shown.event(visit, found, each))]
    return Response(status=200, headers={"content-type": ways.JSON}, body="".join(lines).encode())


def _hashes(event: Made) -> Iterator[str]:
    for each in hashed(event):
        yield f"{each}\n"
