"""What of objects comes back from MISP, and what of events from STIX: by name, and never under a lower level."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mithaq.formats.misp.elements import UNLIMITED, Element, Said, drawn
from mithaq.formats.misp.parts import PLAIN, Body, within
from mithaq.formats.misp.reading import read_event
from mithaq.formats.misp.writing import NO_ELEMENT, write
from mithaq.formats.registry import Undated
from mithaq.model.canonical import Json
from mithaq.model.labels import Label, join
from mithaq.model.markings import FIXED, marking_refs
from mithaq.model.objects import Object

_SOME = "2020-01-01T00:00:00.000Z"
_INSIDE = ("Attribute", "Object", "EventReport", "ObjectReference", "Sighting")
_OWN = frozenset({*_INSIDE, "Tag", "Galaxy", "Orgc", "uuid"})  # told by themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """What becomes of objects that are written as MISP and read again, or of events the other way."""

    objects: int  # or elements of events
    events: int
    lost: list[
        tuple[str, str]
    ]  # id, and a property or ``object``; of events a UUID, and an element or its property
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


def of_objects(bodies: Iterable[Body]) -> RoundTrip:
    """Write objects as events of MISP and read these again; say what of each does not come back."""
    newest: dict[str, Body] = {}
    for body in bodies:
        id_ = str(body["id"])
        if body["type"] not in NO_ELEMENT and _version(body) >= _version(newest.get(id_, {})):
            newest[id_] = body
    written = write(newest.values())
    again = {e.id: e.body for ev in written.events for e in read_event(ev) if isinstance(e, Object)}
    lowered = [
        id_
        for id_, body in newest.items()
        if id_ in again and not within(_known_label(body), _known_label(again[id_]))
    ]
    return RoundTrip(
        objects=len(newest),
        events=len(written.events),
        lost=list(losses(newest.values(), again.values())),
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
    """An element of an event: its kind, what it says, and what holds of it there."""

    kind: str
    says: Mapping[str, str]
    said: Said


def of_events(events: Sequence[Mapping[str, Json]]) -> RoundTrip:
    """Read events of MISP as STIX and write that as events again; say what of each element does not come back."""
    bodies = [e.body for event in events for e in read_event(dict(event)) if isinstance(e, Object)]
    return compared(events, write(bodies).events)


def compared(
    before: Sequence[Mapping[str, Json]], after: Sequence[Mapping[str, Json]]
) -> RoundTrip:
    """Say what of some events, element by element, others do not say, and what they mark lower."""
    old, new = ({k: v for e in some for k, v in _parts(e)} for some in (before, after))
    lost: list[tuple[str, str]] = []
    for (kind, uuid), part in old.items():
        again = new.get((kind, uuid))
        if again is None:
            lost.append((uuid, kind))
            continue
        lost += [
            (uuid, f"{kind} {name}")
            for name, value in part.says.items()
            if again.says.get(name) != value
        ]
    lowered = [
        uuid
        for (kind, uuid), part in old.items()
        if (kind, uuid) in new and _is_lower(new[kind, uuid].said, part.said)
    ]
    return RoundTrip(objects=len(old), events=len(before), lost=lost, lowered=lowered)


def _is_lower(new: Said, old: Said) -> bool:
    tlp = old.tlp is not None and (new.tlp is None or new.tlp < old.tlp)
    return tlp or (old.pap is not None and (new.pap is None or new.pap < old.pap))


def _parts(event: Mapping[str, Json]) -> Iterator[tuple[tuple[str, str], _Part]]:
    yield from _within(Element(event), "Event", Said(), UNLIMITED)


def _within(
    element: Element, kind: str, outer: Said, unsaid: str
) -> Iterator[tuple[tuple[str, str], _Part]]:
    """Yield an element and all in it; a tag, a cluster and the maker are properties of what bears them."""
    own = element.said(unsaid)
    said = own.within(outer)
    says = {name: _text(value) for name, value in element.rest(*_OWN).items()}
    says |= {f"Tag {label}": "" for label in own.labels}
    says |= {f"Orgc {org.text('uuid')}": org.text("name") for org in element.parts("Orgc")}
    for galaxy in element.parts("Galaxy"):
        for cluster in galaxy.parts("GalaxyCluster"):
            says[f"GalaxyCluster {cluster.text('uuid')}"] = cluster.text("value")
    yield (kind, element.text("uuid").lower()), _Part(kind, _named(says), said)
    for inner in _INSIDE:
        for part in element.parts(inner):
            name = "Object Attribute" if (kind, inner) == ("Object", "Attribute") else inner
            yield from _within(part, name, said, "5")


def _named(says: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in says.items() if value != "0" or name == "to_ids"}


def _text(value: Json) -> str:
    """Return a value as texts are compared: MISP writes numbers and flags in either way."""
    if isinstance(value, bool):
        return str(int(value))
    return str(value).strip()
