"""What of objects comes back from MISP, and what of events from STIX: by name, and never under a lower level.

Whatever differs is named: what was said before and is not said after is lost, what is said after alone is added.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mithaq.formats.misp.elements import UNLIMITED, Element, Said, drawn
from mithaq.formats.misp.parts import PLAIN, Body, within
from mithaq.formats.misp.reading import read_event
from mithaq.formats.misp.writing import NO_ELEMENT, write
from mithaq.formats.registry import Undated
from mithaq.model.canonical import Json, canonical
from mithaq.model.extensions import MISP_EXTENSION
from mithaq.model.labels import Label, join
from mithaq.model.markings import FIXED, marking_refs
from mithaq.model.objects import Object

_SOME = "2020-01-01T00:00:00.000Z"
# Elements of their own; whatever else stands in an element is a property of it.
_INSIDE = (
    *("Attribute", "Object", "EventReport", "ObjectReference", "Sighting", "ShadowAttribute"),
    *("Galaxy", "GalaxyCluster", "Note", "Opinion", "Relationship"),
)
NUMBERS = frozenset(  # of one server, by which nobody else can name anything
    {"id", "event_id", "object_id", "attribute_id", "org_id", "orgc_id", "sharing_group_id", "tag_id", "galaxy_id"}
    | {"galaxy_cluster_id", "referenced_id", "attribute_count", "user_id"}
)  # fmt: skip
_OFF = frozenset(  # flags and instants of which nought says as much as nothing
    {"deleted", "disable_correlation", "published", "protected", "locked", "proposal_email_lock"}
    | {"publish_timestamp", "sighting_timestamp"}
)
Named = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """What becomes of objects that are written as MISP and read again, or of events the other way.

    What is named is an id and a property or ``object``; of events a UUID, and a kind of element or its property.
    """

    objects: int  # or elements of events
    events: int
    lost: Named  # said before, and not, or otherwise, after
    added: Named  # said after alone
    lowered: list[str]  # ids of what came back under a lower TLP or PAP: none, ever


def losses(before: Iterable[Body], after: Iterable[Body]) -> Iterator[tuple[str, str]]:
    """Yield (id, what) of all that objects said before and do not say after: a property, or ``object``."""
    found = {str(body["id"]): body for body in after}
    for body in before:
        id_ = str(body["id"])
        if id_ not in found:
            yield id_, "object"
            continue
        for name, value in body.items():
            if found[id_].get(name) != value:
                yield id_, name


def _additions(before: Iterable[Body], after: Iterable[Body]) -> Iterator[tuple[str, str]]:
    """Yield (id, what) of all that objects say after alone."""
    old = {str(body["id"]): body for body in before}
    for body in after:
        id_ = str(body["id"])
        if id_ not in old:
            yield id_, "object"
            continue
        yield from ((id_, name) for name in body.keys() - old[id_].keys())


def of_objects(bodies: Iterable[Body]) -> RoundTrip:
    """Write objects as events of MISP and read these again; say what of each does not come back."""
    newest: dict[str, Body] = {}
    named: Named = []
    for body in bodies:
        id_ = str(body["id"])
        held = newest.get(id_)
        if held is not None and held != body:
            named.append((id_, "version"))
        if _version(body) >= _version(held or {}):
            newest[id_] = body
    known = {id_ for id_ in newest if id_ in FIXED or id_ == MISP_EXTENSION}
    given = {id_: body for id_, body in newest.items() if body["type"] not in NO_ELEMENT}
    named += [(id_, "object") for id_ in newest.keys() - given.keys() - known]
    written = write(given.values())
    again = {e.id: e.body for ev in written.events for e in read_event(ev) if isinstance(e, Object)}
    after = [body for id_, body in again.items() if id_ not in known and id_ != MISP_EXTENSION]
    lowered = [
        id_
        for id_, body in given.items()
        if id_ in again and not within(_known_label(body), _known_label(again[id_]))
    ]
    return RoundTrip(
        objects=len(given),
        events=len(written.events),
        lost=[*losses(given.values(), after), *sorted(named)],
        added=sorted(_additions(given.values(), after)),
        lowered=lowered,
    )


def drafted(said: Undated) -> Body:
    """Return what names itself nowhere as an object of some instant."""
    id_ = said.id or f"{said.body['type']}--{drawn(said.key)}"
    at = said.modified or _SOME
    first = said.created or at
    return {"valid_from": first, **said.body, "id": id_, "created": first, "modified": at}


def _version(body: Body) -> str:
    return str(body.get("modified", ""))


def _known_label(body: Body) -> Label:
    """Return the TLP and PAP that an object bears as a whole."""
    return join(PLAIN, *(FIXED[r].label for r in marking_refs(body) if r in FIXED))


# --- events --------------------------------------------------------------------------------------------
class _Part(NamedTuple):
    """An element of an event: what it says, and what holds of it there."""

    says: Mapping[str, str]
    said: Said


_Key = tuple[str, ...]  # kinds and UUIDs from the event inwards, and which of those with the same


def of_events(events: Sequence[Mapping[str, Json]]) -> RoundTrip:
    """Read events of MISP as STIX and write that as events again; say what of each element does not come back."""
    bodies = [e.body for event in events for e in read_event(dict(event)) if isinstance(e, Object)]
    return compared(events, write(bodies).events)


def compared(
    before: Sequence[Mapping[str, Json]], after: Sequence[Mapping[str, Json]]
) -> RoundTrip:
    """Say what of some events, element by element, others do not say or say besides, and what they mark lower."""
    old, new = (_parts(some) for some in (before, after))
    lowered = [
        key[-2] for key, part in old.items() if key in new and _is_lower(new[key].said, part.said)
    ]
    return RoundTrip(
        objects=len(old),
        events=len(before),
        lost=list(_unsaid(old, new, changed=True)),
        added=list(_unsaid(new, old, changed=False)),
        lowered=lowered,
    )


def _unsaid(
    some: Mapping[_Key, _Part], others: Mapping[_Key, _Part], *, changed: bool
) -> Iterator[tuple[str, str]]:
    """Yield what some elements say and others do not; ``changed``: or say otherwise."""
    for key, part in some.items():
        other, (kind, uuid) = others.get(key), key[-3:-1]
        if other is None:
            yield uuid, kind
            continue
        for name, value in part.says.items():
            if name not in other.says or (changed and other.says[name] != value):
                yield uuid, f"{kind} {name}"


def _is_lower(new: Said, old: Said) -> bool:
    tlp = old.tlp is not None and (new.tlp is None or new.tlp < old.tlp)
    return tlp or (old.pap is not None and (new.pap is None or new.pap < old.pap))


def _parts(events: Iterable[Mapping[str, Json]]) -> dict[_Key, _Part]:
    found: dict[_Key, _Part] = {}
    times: Counter[_Key] = Counter()
    for event in events:
        for key, part in _within(Element(event), ("Event",), Said(), UNLIMITED):
            found[*key, str(times[key])] = part
            times[key] += 1
    return found


def _within(
    element: Element, place: _Key, outer: Said, unsaid: str
) -> Iterator[tuple[_Key, _Part]]:
    """Yield an element and all in it."""
    said = element.said(unsaid).within(outer)
    key = (*place, element.text("uuid").lower())
    yield key, _Part(dict(_says(element)), said)
    for inner in _INSIDE:
        for part in element.parts(inner):
            name = "Object Attribute" if (place[-1], inner) == ("Object", "Attribute") else inner
            yield from _within(part, (*key, name), said, "5")


def _says(element: Element) -> Iterator[tuple[str, str]]:
    """Yield what an element says by itself; a tag, and what says who made or saw it, are properties of it."""
    for name, value in element.raw.items():
        if name in NUMBERS or name in _INSIDE or name == "uuid" or value in ("", None, [], {}):
            continue
        if name == "Tag":
            for tag in element.parts(name):
                yield f"Tag {tag.text('name')}", ""
                yield from ((f"Tag {n}", "") for n, _ in _says(tag) if n != "name")
        elif isinstance(value, dict):
            yield from ((f"{name} {inner}", said) for inner, said in _says(Element(value)))
            if uuid := Element(value).text("uuid"):
                yield f"{name} uuid", uuid
        elif name not in _OFF or element.text(name) not in {"0", ""} or element.flag(name):
            yield name, _text(value)


def _text(value: Json) -> str:
    """Return a value as texts are compared: MISP writes numbers and flags in either way."""
    if isinstance(value, bool):
        return str(int(value))
    return canonical(_bare(value)).decode() if isinstance(value, list) else str(value)


def _bare(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _bare(inner) for name, inner in value.items() if name not in NUMBERS}
    return [_bare(each) for each in value] if isinstance(value, list) else value
