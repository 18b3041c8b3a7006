"""Searches of MISP's tools among what a client is shown.

They are read from the same print as the MISP feed (``/export/misp/``), so no answer says more than the feed does.
"""

import msgspec

from mithaq.exchange import export
from mithaq.exchange.misp import filters, shown, sync, ways
from mithaq.exchange.misp.ways import Element, Made, Names
from mithaq.exchange.visit import Visit
from mithaq.exchange.wire import Response


def search_events(visit: Visit, _names: Names) -> Response:
    """Answer with the events that hold what is asked for, each whole.

    Raises:
        HttpProblem: 400, a filter is unknown or says nothing. NotFound: the client has no grant in force.
    """
    asked = _asked(visit)
    parts, tags = filters.parts(asked), filters.tags(asked)
    event, time = filters.of_event(asked), filters.time(asked)

    def fits(each: Element) -> bool:
        uuid = str(each["uuid"])
        if not (event(uuid) and time(each)):
            return False
        held = (*shown.attributes(each), *([] if "to_ids" in asked else [{}]))
        if parts is not None and not any(parts(one | {"event": uuid}) for one in held):
            return False
        return tags(each) or any(map(tags, shown.attributes(each)))

    found = [{"Event": each} for each in events(visit) if fits(each)]
    return ways.answer({"response": filters.page(found, asked)})


def search_attributes(visit: Visit, _names: Names) -> Response:
    """Answer with attributes, each with the UUID of its event.

    Clusters are marked as their event is, so they are not told of an attribute alone.

    Raises:
        HttpProblem: 400, a filter is unknown or says nothing. NotFound: the client has no grant in force.
    """
    body = ways.asked(visit)
    if body.get("returnFormat") == "cache":
        return sync.hashes(visit, body)
    asked = _asked(visit)
    parts, tags = filters.parts(asked), filters.tags(asked)
    event, time = filters.of_event(asked), filters.time(asked)
    found: list[Made] = []
    for each in events(visit):
        uuid = str(each["uuid"])
        if not event(uuid):
            continue
        tagged = tags(each)
        for one in shown.attributes(each):
            fits = parts is None or parts(one | {"event": uuid})
            if fits and time(one) and (tagged or tags(one)):
                alone = {name: what for name, what in one.items() if name != "Galaxy"}
                found.append(alone | {"event_uuid": uuid})
    return ways.answer({"response": {"Attribute": filters.page(found, asked)}})


def _asked(visit: Visit) -> Made:
    asked = filters.asked_of(visit, filters.PLAIN)
    if asked.get("returnFormat", "json") != "json":
        raise filters.refusal("returnFormat: json alone is answered")
    return asked


def events(visit: Visit) -> list[Made]:
    """Return the events of a client's print in order of their UUIDs."""
    listed = shown.listed(visit)
    made = export.kept(visit, "misp")
    with visit.prints.turn(visit.knock.name):
        raws = [raw for name, raw in sorted(made.files.items()) if ways.UUID.fullmatch(name[5:-5])]
        events = [msgspec.json.decode(raw, type=dict[str, Made])["Event"] for raw in raws]
    export.note(visit, made)
    found = ((each, listed.events.get(str(each["uuid"]))) for each in events)
    return [shown.dressed(each, one) for each, one in found if one is not None]
