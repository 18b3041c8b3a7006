"""What MISP's tools ask of a server, answered from a client's shelves: PyMISP connects, looks, searches.

It is read from the same print as the MISP feed (`/export/misp/`), so no answer says more than the feed does. All that
is particular to MISP's network stands here: the version we say we are, and which filters a search may bear. A filter
that we do not know is refused; to pass over it would widen the answer.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import msgspec

from mithaq.errors import NotFound
from mithaq.exchange import export
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.visit import Visit
from mithaq.exchange.wire import Response

VERSION = "2.5.34"  # of MISP: what its tools decide by which of its ways we know
MOST_BYTES = 64 << 10  # of the body of a search
MOST_NAMED = 1000  # values of one filter

Names = Mapping[str, str]
Element: TypeAlias = Mapping[str, object]
Test: TypeAlias = Callable[[Element], bool]
_PARTS = ("uuid", "value", "type", "category")  # filters by what an attribute is
_PLAIN = {"returnFormat", "limit", "page", "eventid", "tags", "timestamp", "to_ids", *_PARTS}
_OFF = {  # what PyMISP always says, and we do not know how to do: good as long as it is off
    *(
        "enforceWarninglist",
        "excludeDecayed",
        "headerless",
        "includeContext",
        "includeCorrelations",
    ),
    *("includeDecayScore", "includeEventTags", "includeSightings", "includeWarninglistHits"),
    *("metadata", "sgReferenceOnly", "withAttachments"),
}
_ALWAYS = "includeEventUuid"  # on or off, for it is told anyway
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INDEX = {"minimal", "limit", "page"}
_FLAGS: Mapping[object, bool] = {0: False, 1: True, "0": False, "1": True}


def version(_visit: Visit, _names: Names) -> Response:
    """Say which MISP's ways are known here, and that nothing is taken in on them."""
    return _json(
        {
            "version": VERSION,
            "pymisp_recommended_version": VERSION,
            "perm_sync": False,
            "perm_sighting": False,
            "perm_galaxy_editor": False,
            "request_encoding": [],
            "filter_sightings": False,
        }
    )


def me(visit: Visit, _names: Names) -> Response:
    """Say who asks: a client, which may read."""
    name = visit.knock.name
    user = {"id": "1", "email": name, "role_id": "1", "autoalert": False, "disabled": False}
    role = {"id": "1", "name": "client", "perm_auth": True, "perm_add": False, "perm_sync": False}
    return _json({"User": user, "Role": role, "UserSetting": {}})


def index(visit: Visit, _names: Names) -> Response:
    """List the events with their times: whoever has one of that time need not read it.

    Raises:
        HttpProblem: 400, a filter is unknown. NotFound: the client has no grant in force.
    """
    asked = _asked(visit, _INDEX)
    if str(asked.get("minimal")) not in {"1", "True"}:
        raise _refusal("minimal=1 alone is answered")
    events = [
        {
            "uuid": str(event["uuid"]),
            "orgc_uuid": str(_within(event, "Orgc").get("uuid", "")),
            "timestamp": str(event["timestamp"]),
            "published": True,
        }
        for event in _events(visit)
    ]
    return _json(_page(events, asked))


def view(visit: Visit, names: Names) -> Response:
    """Answer with one event.

    Raises:
        NotFound: it is not on the client's shelves, or the client has no grant in force.
    """
    made = export.kept(visit, "misp")
    raw = made.files.get(f"misp/{names['event'].lower()}.json")
    if raw is None or not _UUID.fullmatch(names["event"].lower()):
        raise NotFound("no such event")
    export.note(visit, made)
    return Response(status=200, headers={"content-type": export.JSON}, body=raw)


def search_events(visit: Visit, _names: Names) -> Response:
    """Answer with the events that hold what is asked for, each whole.

    Raises:
        HttpProblem: 400, a filter is unknown or says nothing. NotFound: the client has no grant in force.
    """
    asked = _asked(visit, _PLAIN)
    parts, tags, event, time = _parts(asked), _tags(asked), _named(asked, "eventid"), _time(asked)

    def fits(each: Element) -> bool:
        uuid = str(each["uuid"])
        if not (event(uuid) and time(each)):
            return False
        held = (*_attributes(each), *([] if "to_ids" in asked else [{}]))
        if parts is not None and not any(parts(one | {"event": uuid}) for one in held):
            return False
        return tags(each) or any(map(tags, _attributes(each)))

    found: list[dict[str, object]] = [{"Event": each} for each in _events(visit) if fits(each)]
    return _json({"response": _page(found, asked)})


def search_attributes(visit: Visit, _names: Names) -> Response:
    """Answer with attributes, each with the UUID of its event.

    Clusters are marked as their event is, so they are not told of an attribute alone.

    Raises:
        HttpProblem: 400, a filter is unknown or says nothing. NotFound: the client has no grant in force.
    """
    asked = _asked(visit, _PLAIN)
    parts, tags, event, time = _parts(asked), _tags(asked), _named(asked, "eventid"), _time(asked)
    found = []
    for each in _events(visit):
        uuid = str(each["uuid"])
        if not event(uuid):
            continue
        tagged = tags(each)
        for one in _attributes(each):
            named = parts is None or parts(one | {"event": uuid})
            if named and time(one) and (tagged or tags(one)):
                alone = {name: what for name, what in one.items() if name != "Galaxy"}
                found.append(alone | {"event_uuid": uuid})
    return _json({"response": {"Attribute": _page(found, asked)}})


# --- what is asked ---------------------------------------------------------------------------------------
def _asked(visit: Visit, known: set[str]) -> dict[str, object]:
    """Return the filters of a request; those that are null or switched off are none.

    Raises:
        HttpProblem: 400.
    """
    try:
        asked = msgspec.json.decode(visit.request.body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal("the body is no JSON object") from error
    off = (*_OFF, _ALWAYS)
    asked = {
        name: what
        for name, what in asked.items()
        if what is not None
        and not (name in off and (str(what) in {"0", "False"} or name == _ALWAYS))
    }
    if unknown := asked.keys() - known:
        raise _refusal("no such filter here: " + ", ".join(sorted(unknown)[:5])[:200])
    if asked.get("returnFormat", "json") != "json":
        raise _refusal("returnFormat: json alone is answered")
    return asked


def _refusal(detail: str) -> HttpProblem:
    return HttpProblem(400, detail)


def _texts(asked: Element, name: str) -> set[str] | None:
    """Return what a filter names, folded; None if there is no such filter.

    Raises:
        HttpProblem: 400, it has wildcards or negations, which are not known here.
    """
    if name not in asked:
        return None
    what = asked[name]
    some = what if isinstance(what, list) else [what]
    if not some or len(some) > MOST_NAMED or not all(isinstance(each, str) for each in some):
        raise _refusal(f"{name}: a text, or a list of at most {MOST_NAMED}")
    texts = {str(each).strip().casefold() for each in some}
    if any(not each or each.startswith("!") or "%" in each or "&&" in each for each in texts):
        raise _refusal(f"{name}: no negations, wildcards or joined texts here")
    return texts


def _named(asked: Element, name: str) -> Callable[[str], bool]:
    texts = _texts(asked, name)
    return lambda found: texts is None or found.casefold() in texts


def _parts(asked: Element) -> Test | None:
    """Return the test of an attribute, which bears the UUID of its event; None if each passes."""
    wanted = {name: texts for name in _PARTS if (texts := _texts(asked, name)) is not None}
    flag = asked.get("to_ids")
    if flag is not None and (not isinstance(flag, int | str) or flag not in _FLAGS):
        raise _refusal("to_ids: 0 or 1")
    if not wanted and flag is None:
        return None

    def fits(one: Element) -> bool:
        if flag is not None and bool(one.get("to_ids")) != _FLAGS[flag]:
            return False
        return all(not texts.isdisjoint(_said(one, name)) for name, texts in wanted.items())

    return fits


def _said(one: Element, name: str) -> Iterator[str]:
    """Yield what an attribute says under a filter's name: of a composite value each half too."""
    text = str(one.get(name, "")).casefold()
    yield text
    if name == "uuid":
        yield str(one["event"]).casefold()
    if name == "value" and "|" in str(one.get("type")):
        yield from text.split("|")


def _tags(asked: Element) -> Test:
    texts = _texts(asked, "tags")
    if texts is None:
        return lambda _element: True
    return lambda element: any(
        str(tag.get("name", "")).casefold() in texts for tag in _list(element, "Tag")
    )


def _time(asked: Element) -> Test:
    """Return the test of a ``timestamp``: not before a second, or from one to another.

    Raises:
        HttpProblem: 400.
    """
    if "timestamp" not in asked:
        return lambda _element: True
    what = asked["timestamp"]
    ends = what if isinstance(what, list) else [what, "9" * 12]
    written = re.fullmatch(r"([0-9]{1,12})(?:\.0)? ([0-9]{1,12})(?:\.0)?", " ".join(map(str, ends)))
    if written is None:
        raise _refusal("timestamp: seconds, or a list of two")
    first, last = map(int, written.groups())
    return lambda element: first <= int(str(element.get("timestamp") or 0)) <= last


def _page(found: list[dict[str, object]], asked: Element) -> list[dict[str, object]]:
    """Return the page that is asked for; all, if there is no limit.

    Raises:
        HttpProblem: 400.
    """
    limit, page = (str(asked.get(name, "1")) for name in ("limit", "page"))
    if not all(re.fullmatch(r"[1-9][0-9]{0,8}", each) for each in (limit, page)):
        raise _refusal("limit, page: numbers from 1 on")
    if "limit" not in asked:
        return found if page == "1" else []
    start = (int(page) - 1) * int(limit)
    return found[start : start + int(limit)]


# --- what there is ---------------------------------------------------------------------------------------
def _events(visit: Visit) -> list[dict[str, object]]:
    """Return the events of a client's print in order of their UUIDs."""
    made = export.kept(visit, "misp")
    with visit.prints.turn(visit.knock.name):
        raws = [raw for name, raw in sorted(made.files.items()) if _UUID.fullmatch(name[5:-5])]
        events = [msgspec.json.decode(raw, type=dict[str, dict[str, object]]) for raw in raws]
    export.note(visit, made)
    return [each["Event"] for each in events]


def _attributes(event: Element) -> Iterator[dict[str, object]]:
    yield from _list(event, "Attribute")
    for each in _list(event, "Object"):
        yield from _list(each, "Attribute")


def _list(element: Element, name: str) -> list[dict[str, object]]:
    found = element.get(name)
    return found if isinstance(found, list) else []


def _within(element: Element, name: str) -> Element:
    found = element.get(name)
    return found if isinstance(found, dict) else {}


def _json(body: object) -> Response:
    return Response(
        status=200, headers={"content-type": export.JSON}, body=msgspec.json.encode(body)
    )
