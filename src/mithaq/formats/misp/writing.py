"""STIX 2.1 becomes events of MISP again: never under a lower marking, and what has no place there is named.

A report or grouping becomes an event, with what it names in it; what no report names stands in events by maker and
marking. What came from MISP carries the element it was made of; that is written as it was, if it still says what the
object says. Objects whose markings say more than TLP and PAP are not written: MISP has no words for these.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mithaq.clock import parse
from mithaq.errors import InputError
from mithaq.formats.misp.elements import SURE, drawn
from mithaq.formats.misp.reading import bodies_of, read_event
from mithaq.model.canonical import Json
from mithaq.model.extensions import MISP_EXTENSION
from mithaq.model.labels import Label, join
from mithaq.model.markings import FIXED, marking_refs
from mithaq.model.objects import Object
from mithaq.model.patterns import groups
from mithaq.model.values import EXACT, Value

Body: TypeAlias = Mapping[str, Json]
Element: TypeAlias = dict[str, Json]

TYPES = {  # kind of value -> type and category of an attribute
    **dict.fromkeys(("ipv4", "ipv6"), ("ip-dst", "Network activity")),
    "ip-port": ("ip-dst|port", "Network activity"),
    "domain": ("domain", "Network activity"),
    "url": ("url", "Network activity"),
    "email": ("email-src", "Payload delivery"),
    "mac": ("mac-address", "Network activity"),
    "asn": ("AS", "Network activity"),
    "filename": ("filename", "Payload delivery"),
    "mutex": ("mutex", "Artifacts dropped"),
    "registry-key": ("regkey", "Persistence mechanism"),
    "user-agent": ("user-agent", "Network activity"),
    "certificate-sha1": ("x509-fingerprint-sha1", "Network activity"),
    "certificate-sha256": ("x509-fingerprint-sha256", "Network activity"),
    **{kind: (kind, "Payload delivery") for kind in (*EXACT, "imphash", "ssdeep", "tlsh")},
}
_RULES = {
    "stix": ("stix2-pattern", "Payload installation"),
    "yara": ("yara", "Payload installation"),
    "sigma": ("sigma", "Payload installation"),
    "snort": ("snort", "Network activity"),
}
_GALAXIES = {"threat-actor": "threat-actor", "malware": "malpedia", "tool": "tool", "intrusion-set": "intrusion-set",
             "attack-pattern": "attack-pattern", "course-of-action": "course-of-action"}  # fmt: skip
_TAGS = {sure: tag for tag, sure in reversed(SURE.items())}
_SAYS = (  # what an element kept from MISP must say as its object does, to be written as it was
    "pattern", "pattern_type", "object_refs", "description", "name", "content", "abstract", "revoked",
    "x_misp_type", "x_misp_value", "x_misp_name", "opinion", "sighting_of_ref",
)  # fmt: skip
_OF_ELEMENT = frozenset(
    {"category", "comment", "deleted", "disable_correlation", "first_seen", "last_seen", "name", "meta-category",
     "description", "object_relation", "template_uuid", "template_version", "to_ids", "type", "value"}
)  # fmt: skip
_KEPT = {  # what is taken from a kept element: never its payload, its parts or whom a server shared it with
    "event": frozenset({"analysis", "date", "extends_uuid", "threat_level_id", "Tag", "Galaxy"}),
    "attribute": _OF_ELEMENT | {"Tag", "Galaxy"},
    "object": _OF_ELEMENT,
    "part": _OF_ELEMENT | {"Tag", "Galaxy", "uuid", "timestamp"},
    "report": frozenset({"deleted"}),
    "sighting": frozenset({"source"}),
}
_SEEN = {  # observables that an attribute can name, and the kind of its value
    ("ipv4-addr", "value"): "ipv4", ("ipv6-addr", "value"): "ipv6", ("domain-name", "value"): "domain",
    ("url", "value"): "url", ("email-addr", "value"): "email", ("mac-addr", "value"): "mac",
    ("mutex", "name"): "mutex",
}  # fmt: skip
_NO_ELEMENT = frozenset(
    {"marking-definition", "extension-definition"}
)  # explain others, and say nothing
LOOSE = frozenset(
    {"indicator", "observed-data", "vulnerability", "x-misp-attribute", "x-misp-object"}
)
_NEAR = frozenset({"RED", "AMBER+STRICT"})  # levels that go no further than one's own organisation
_PLAIN = Label()


@dataclass(slots=True, kw_only=True)
class Written:
    """Events, the ids of what stands in them, and by reason the ids of what does not."""

    events: list[Element] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    left: dict[str, list[str]] = field(default_factory=dict)


def write(bodies: Iterable[Body]) -> Written:
    """Write objects, of each its newest version, as events of MISP; the same each time."""
    return _Writer({str(b["id"]): b for b in bodies if b["type"] not in _NO_ELEMENT}).write()


def label_in_misp(body: Body) -> Label | None:
    """Return the TLP and PAP of an object; None if its markings say more than these, or of parts of it alone."""
    granular = body.get("granular_markings")
    refs = marking_refs(body)
    if granular or not all(ref in FIXED for ref in refs):
        return None
    return join(_PLAIN, *(FIXED[ref].label for ref in refs))


def loose_key(body: Body, seen: Mapping[str, Body]) -> tuple[str, str, str] | None:
    """Return what those have in common that stand in one event without a report: their maker, TLP and PAP.

    Args:
        seen: what an observation names.

    Returns:
        None if its markings say more than MISP has words for.
    """
    label = label_in_misp(body)
    if label is None:
        return None
    refs = _refs(body) if body["type"] == "observed-data" else []
    inner = (label_in_misp(seen[ref]) for ref in refs if ref in seen)
    label = join(label, *(each for each in inner if each is not None))
    return str(body.get("created_by_ref", "")), str(label.tlp), str(label.pap)


def _within(inner: Label, outer: Label) -> bool:
    """Say whether what stands under ``outer`` without a marking of its own is marked as strictly as ``inner``."""
    levels = (-1 if label.tlp is None else int(label.tlp) for label in (inner, outer))
    return next(levels) <= next(levels) and inner.pap <= outer.pap


@dataclass(slots=True)
class _Writer:
    """Objects on their way to events."""

    objects: dict[str, Body]
    labels: dict[str, Label] = field(default_factory=dict)
    out: Written = field(default_factory=Written)
    elements: dict[str, tuple[str, Element]] = field(
        default_factory=dict
    )  # id -> Attribute or Object
    within: dict[str, Label] = field(default_factory=dict)  # id of an element -> label of its event

    def write(self) -> Written:
        for id_, body in self.objects.items():
            label = label_in_misp(body)
            if label is None:
                self.out.left.setdefault("marking", []).append(id_)
            else:
                self.labels[id_] = label
        known = {id_: body for id_, body in self.objects.items() if id_ in self.labels}
        reports = sorted(id_ for id_, b in known.items() if b["type"] in {"report", "grouping"})
        for id_ in reports:
            self._event(known[id_], self.labels[id_], _refs(known[id_]))
        loose: dict[tuple[str, str, str], list[str]] = {}
        for id_, body in sorted(known.items()):
            if id_ not in self.out.told and body["type"] in LOOSE:
                label = self._label(body)
                key = (str(body.get("created_by_ref", "")), str(label.tlp), str(label.pap))
                loose.setdefault(key, []).append(id_)
        for key, ids in loose.items():
            self._event(self._collection(key, ids), self._label(known[ids[0]]), ids)
        self._between(known)
        left = sorted(known.keys() - self.out.told)
        if left:
            self.out.left["value"] = left
        return self.out

    def _label(self, body: Body) -> Label:
        """Return what holds of an element: an observation is as strict as the strictest it names."""
        inner = (
            ref for ref in _refs(body) if body["type"] == "observed-data" and ref in self.labels
        )
        return join(self.labels[str(body["id"])], *(self.labels[ref] for ref in inner))

    # --- events --------------------------------------------------------------------------------------
    def _collection(self, key: tuple[str, str, str], ids: list[str]) -> Body:
        """Return what stands for the report that nobody wrote."""
        some = [self.objects[id_] for id_ in ids]
        by = self._name_of(key[0], self._label(some[0]))
        return {
            "type": "report",
            "id": f"report--{drawn('loose ' + ' '.join(key))}",
            "created_by_ref": key[0],
            "name": f"Intelligence of {by}",
            "created": min(str(body.get("created", body.get("modified"))) for body in some),
            "modified": max(str(body.get("modified")) for body in some),
        }

    def _event(self, report: Body, label: Label, refs: Iterable[str]) -> None:
        id_ = str(report["id"])
        kept = _kept(report, "event")
        at = _seconds(report, "modified")
        event: Element = {
            "analysis": "2",
            "threat_level_id": "4",
            **kept,
            "uuid": _uuid(id_),
            "info": str(report.get("name", "")),
            "date": str(kept.get("date") or str(report["created"])[:10]),
            "timestamp": at,
            "published": True,
            "publish_timestamp": _seconds(report, "published", at),
            "Orgc": self._org(str(report.get("created_by_ref", "")), label),
            "Tag": _tags(report, label, kept),
        }
        event |= _near(label)
        parts: dict[str, list[Json]] = {"Attribute": [], "Object": [], "EventReport": []}
        self.out.told.update({id_} & self.objects.keys())
        mine = [
            self.objects[ref] for ref in refs if ref in self.labels and ref not in self.out.told
        ]
        for body in mine:
            ref = str(body["id"])
            if body["type"] == "note":
                parts["EventReport"].append(self._note(body))
                self.out.told.add(ref)
            elif found := self._element(body, label):
                kind, element = found
                parts[kind].append(element)
                self.elements[ref], self.within[ref] = found, label
                seen = _refs(body) if body["type"] == "observed-data" else []
                self.out.told |= {ref, *seen} & self.objects.keys()
        galaxies = self._allowed(_list(event.pop("Galaxy", None)), label)
        named = _clusters([*galaxies, *parts["Attribute"], *parts["Object"]])
        for body in mine:
            if body["type"] in _GALAXIES and _within(self.labels[str(body["id"])], label):
                self.out.told.add(str(body["id"]))
                if _uuid(str(body["id"])) not in named:
                    galaxies.append(_galaxy(body))
        event |= {kind: some for kind, some in (*parts.items(), ("Galaxy", galaxies)) if some}
        self.out.events.append(event)

    def _allowed(self, galaxies: list[Json], label: Label) -> list[Json]:
        """Return galaxies without the clusters that are marked stricter, as objects, than what they stand in."""
        if not galaxies:
            return []
        barred = {
            _uuid(id_)
            for id_, body in self.objects.items()
            if body["type"] in _GALAXIES
            and not (id_ in self.labels and _within(self.labels[id_], label))
        }
        return [each for each in galaxies if not _clusters([each]) & barred]

    def _org(self, creator: str, label: Label) -> Element:
        if creator in self.objects and creator in self.labels:
            self.out.told.add(creator)
        uuid = _uuid(creator) if creator else drawn("nobody")
        return {"uuid": uuid, "name": self._name_of(creator, label)}

    def _name_of(self, creator: str, label: Label) -> str:
        """Return the name of who made something, if it may be told under a label."""
        body = self.objects.get(creator, {})
        known = creator in self.labels and _within(self.labels[creator], label)
        return str(body.get("name", "")) if known else _uuid(creator) if creator else "unknown"

    # --- elements ------------------------------------------------------------------------------------
    def _element(self, body: Body, around: Label) -> tuple[str, Element] | None:
        """Return an attribute or object that says what ``body`` does; None: MISP has no word for it.

        Args:
            around: the label of its event, which is that of the clusters it names.
        """
        label = self._label(body)
        for name, kind in (("attribute", "Attribute"), ("object", "Object")):
            kept = _kept(body, name)
            if kept:
                element: Element = {
                    **kept,
                    "uuid": _uuid(str(body["id"])),
                    "timestamp": _seconds(body, "modified"),
                }
                self._mark(kind, element, body, label, around)
                if _agrees(kind, element, body):
                    return kind, element
        made = _indicator(body) if body["type"] == "indicator" else self._other(body)
        if made is None:
            return None
        kind, element = made
        element |= {
            "uuid": _uuid(str(body["id"])),
            "timestamp": _seconds(body, "modified"),
            "comment": str(body.get("description") or body.get("name") or ""),
        }
        if body.get("revoked") is True:
            element["deleted"] = True
        if "valid_until" in body:
            ends = {"type": "2", "date_sighting": _seconds(body, "valid_until")}
            element["Sighting"] = [{**ends, "uuid": drawn(f"{body['id']} ends")}]
        if kind == "Attribute" and body.get("valid_from", body.get("modified")) != body.get(
            "modified"
        ):
            element["first_seen"] = str(body["valid_from"])
        self._mark(kind, element, body, label, around)
        return kind, element

    def _mark(self, kind: str, element: Element, body: Body, label: Label, around: Label) -> None:
        """Tag an attribute, or every attribute of an object, for objects bear no tags in MISP."""
        marked = [element] if kind == "Attribute" else _parts(body, element)
        if kind == "Object":
            element["Attribute"] = [*marked]
        for each in marked:
            each["Tag"] = _tags(body, label, each)
            each.update(_near(label))
            if galaxies := self._allowed(_list(each.pop("Galaxy", None)), around):
                each["Galaxy"] = galaxies

    def _other(self, body: Body) -> tuple[str, Element] | None:
        """Write a vulnerability by its name, and an observation of one thing that is a value."""
        element: Element = {"to_ids": False}
        if body["type"] == "vulnerability" and body.get("name"):
            element |= {"type": "vulnerability", "category": "External analysis"}
            return "Attribute", element | {"value": str(body["name"])}
        refs = _refs(body)
        seen = self.objects.get(refs[0], {}) if len(refs) == 1 else {}
        for (type_, name), kind in _SEEN.items():
            if body["type"] == "observed-data" and seen.get("type") == type_ and name in seen:
                return "Attribute", _attribute(Value(kind, str(seen[name]))) | element
        return None

    def _note(self, body: Body) -> Element:
        return {
            **_kept(body, "report"),
            "uuid": _uuid(str(body["id"])),
            "timestamp": _seconds(body, "modified"),
            "name": str(body.get("abstract", "")),
            "content": str(body.get("content", "")),
            "Tag": _tags(body, self.labels[str(body["id"])], {}),
        }

    # --- what stands between elements ----------------------------------------------------------------
    def _between(self, known: Mapping[str, Body]) -> None:
        """Write sightings, false positives and relations, where what they are about stands in an event."""
        ways: dict[str, Callable[[Body], bool]] = {
            "sighting": self._sighting,
            "opinion": self._opinion,
            "relationship": self._relationship,
        }
        for id_, body in sorted(known.items()):
            way = ways.get(str(body["type"]))
            if way is not None and id_ not in self.out.told and way(body):
                self.out.told.add(id_)

    def _place(self, of: str, body: Body) -> Element | None:
        """Return the element that something is about, if it is marked as strictly there."""
        found = self.elements.get(of)
        if found is None or not _within(
            self.labels[str(body["id"])], self._label(self.objects[of])
        ):
            return None
        kind, element = found
        return element if kind == "Attribute" else self._first(element)

    @staticmethod
    def _first(element: Element) -> Element:
        """Return the attribute of an object that bears what is said of the object: sightings, clusters."""
        some = _list(element.get("Attribute"))
        return some[0] if some and isinstance(some[0], dict) else element

    def _sighting(self, body: Body) -> bool:
        return self._seen(
            body, str(body.get("sighting_of_ref")), "0", body.get("where_sighted_refs")
        )

    def _opinion(self, body: Body) -> bool:
        """Write an opinion that strongly disagrees with one indicator: MISP knows it as a false positive."""
        refs = _refs(body)
        strong = body.get("opinion") == "strongly-disagree"
        return strong and len(refs) == 1 and self._seen(body, refs[0], "1", None)

    def _seen(self, body: Body, of: str, kind: str, seers: Json) -> bool:
        place = self._place(of, body)
        if place is None:
            return False
        when = "first_seen" if "first_seen" in body else "modified"
        sighting: Element = {
            **_kept(body, "sighting"),
            "uuid": _uuid(str(body["id"])),
            "type": kind,
            "date_sighting": _seconds(body, when),
        }
        if isinstance(seers, list) and seers:
            seer = str(seers[0])
            sighting["Organisation"] = self._org(seer, self._label(self.objects[of]))
        place["Sighting"] = [*_list(place.get("Sighting")), sighting]
        return True

    def _relationship(self, body: Body) -> bool:
        """Write a relation from one object to another, or from an element to what it indicates."""
        source, target = str(body.get("source_ref")), str(body.get("target_ref"))
        place, other = self.elements.get(source), self.objects.get(target, {})
        if place is None:
            return False
        label = self.labels[str(body["id"])]
        kind, element = place
        if other.get("type") in _GALAXIES and target in self.labels:
            if not (
                _within(label, self.within[source])
                and _within(self.labels[target], self.within[source])
            ):
                return False
            named = element if kind == "Attribute" else self._first(element)
            if _uuid(target) not in _clusters([element]):
                named["Galaxy"] = [*_list(named.get("Galaxy")), _galaxy(other)]
            self.out.told.add(target)
            return True
        there = self.elements.get(target)
        if (
            kind != "Object"
            or there is None
            or not _within(label, self._label(self.objects[source]))
        ):
            return False
        reference: Element = {
            "uuid": _uuid(str(body["id"])),
            "timestamp": _seconds(body, "modified"),
            "referenced_uuid": _uuid(target),
            "relationship_type": str(body.get("relationship_type")),
        }
        element["ObjectReference"] = [*_list(element.get("ObjectReference")), reference]
        return True


# --- parts -----------------------------------------------------------------------------------------------
def _indicator(body: Body) -> tuple[str, Element] | None:
    """Write a pattern: one value as an attribute, digests of one file as an object, any other as it stands."""
    language, pattern = str(body.get("pattern_type")), str(body.get("pattern", ""))
    if language not in _RULES or not pattern:
        return None
    known = (groups(pattern) if language == "stix" else None) or []
    alone = [group[0] for group in known if len(group) == 1]
    if len(alone) == len(known) == 1 and alone[0].kind in TYPES:
        return "Attribute", _attribute(alone[0])
    kinds = [value.kind for value in alone]
    if len(alone) == len(known) > 1 and EXACT.issuperset(kinds) and len(set(kinds)) == len(kinds):
        parts: list[Json] = []
        for value in alone:
            uuid = drawn(f"{body['id']} {value.kind}")
            part = _attribute(value) | {"uuid": uuid, "timestamp": _seconds(body, "modified")}
            parts.append(part | {"object_relation": value.kind})
        return "Object", {"name": "file", "meta-category": "file", "Attribute": parts}
    type_, category = _RULES[language]
    return "Attribute", {"type": type_, "category": category, "value": pattern, "to_ids": True}


def _attribute(value: Value) -> Element:
    type_, category = TYPES[value.kind]
    text = value.text
    if value.kind == "ip-port":
        address, _, port = text.rpartition(":")
        text = f"{address.strip('[]')}|{port}"
    return {"type": type_, "category": category, "value": text, "to_ids": True}


def _galaxy(body: Body) -> Json:
    name = _GALAXIES[str(body["type"])]
    cluster: Element = {
        "uuid": _uuid(str(body["id"])),
        "value": str(body.get("name", "")),
        "type": name,
    }
    if body.get("description"):
        cluster["description"] = body["description"]
    if aliases := _list(body.get("aliases")):
        cluster["meta"] = {"synonyms": aliases}
    clusters: list[Json] = [cluster]
    return {"type": name, "name": name, "GalaxyCluster": clusters}


def _tags(body: Body, label: Label, kept: Element) -> list[Json]:
    """Return tags that say a label and nothing lower, the labels of an object, and how sure somebody is."""
    names: list[str] = [] if label.tlp is None else [f"tlp:{str(label.tlp).lower()}"]
    if any(FIXED[ref].label.tlp is None for ref in marking_refs(body)) or label.pap:
        names.append(f"PAP:{label.pap}")
    every = [
        *(str(tag.get("name", "")) for tag in _list(kept.get("Tag")) if isinstance(tag, dict)),
        *(str(each) for each in _list(body.get("labels"))),
    ]
    sure = body.get("confidence")
    if isinstance(sure, int) and sure in _TAGS:
        every.append(_TAGS[sure])
    names += [n for n in every if n and not n.lower().startswith(("tlp:", "pap:", "misp:"))]
    return [{"name": name} for name in dict.fromkeys(names)]


def _near(label: Label) -> Element:
    """Return how far MISP may send something: nowhere, where its level says so; else whoever takes it decides."""
    return {"distribution": "0"} if str(label.tlp) in _NEAR else {}


def _kept(body: Body, kind: str) -> Element:
    """Return the element that an object was made of, as far as it is taken."""
    extensions = body.get("extensions")
    kept = extensions.get(MISP_EXTENSION) if isinstance(extensions, dict) else None
    found = kept.get(kind) if isinstance(kept, dict) else None
    return _some(found, kind) if isinstance(found, dict) else {}


def _parts(body: Body, element: Element) -> list[Element]:
    """Return the attributes of an object: those it has, or those of the object that it was made of."""
    held = _list(element.get("Attribute"))
    if not held:
        extensions = body.get("extensions")
        kept = extensions.get(MISP_EXTENSION) if isinstance(extensions, dict) else None
        found = kept.get("object") if isinstance(kept, dict) else None
        held = _list(found.get("Attribute")) if isinstance(found, dict) else []
    return [_some(each, "part") for each in held if isinstance(each, dict)]


def _some(element: Element, kind: str) -> Element:
    return {name: value for name, value in element.items() if name in _KEPT[kind]}


def _clusters(elements: Iterable[Json]) -> set[str]:
    """Return the UUIDs of all clusters that stand in some elements."""
    found: set[str] = set()
    for each in elements:
        if isinstance(each, dict):
            for kind in ("Galaxy", "Attribute", "GalaxyCluster"):
                inner = _list(each.get(kind))
                found |= _clusters(inner)
                if kind == "GalaxyCluster":
                    found |= {str(c.get("uuid")).lower() for c in inner if isinstance(c, dict)}
    return found


def _agrees(kind: str, element: Element, body: Body) -> bool:
    """Say whether an element, read again, says what an object says: what comes along may say something else."""
    try:
        again = [*bodies_of(kind, element)]
    except InputError:
        return False
    found = next((each for each in again if each["id"] == body["id"]), None)
    return found is not None and all(found.get(name) == body.get(name) for name in _SAYS)


def _refs(body: Body) -> list[str]:
    return [str(each) for each in _list(body.get("object_refs"))]


def _list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list) else []


def _uuid(id_: str) -> str:
    return id_.partition("--")[2]


def _seconds(body: Body, name: str, default: str = "0") -> str:
    written = body.get(name)
    return str(int(parse(written).timestamp())) if isinstance(written, str) else default


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """What becomes of objects that are written as MISP and read again."""

    objects: int
    events: int
    lost: list[tuple[str, str]]  # id, and a property or ``object``
    lowered: list[str]  # ids of what came back under a lower TLP or PAP: none, ever


def roundtrip(bodies: Iterable[Body]) -> RoundTrip:
    """Write objects as events of MISP and read these again; say what of each does not come back."""
    newest: dict[str, Body] = {}
    for body in bodies:
        id_ = str(body["id"])
        if body["type"] not in _NO_ELEMENT and _version(body) >= _version(newest.get(id_, {})):
            newest[id_] = body
    written = write(newest.values())
    again = {e.id: e.body for ev in written.events for e in read_event(ev) if isinstance(e, Object)}
    lowered = [
        id_
        for id_, body in newest.items()
        if id_ in again and not _within(_known_label(body), _known_label(again[id_]))
    ]
    return RoundTrip(
        objects=len(newest),
        events=len(written.events),
        lost=list(losses(newest.values(), again.values())),
        lowered=lowered,
    )


def _version(body: Body) -> str:
    return str(body.get("modified", ""))


def _known_label(body: Body) -> Label:
    """Return the TLP and PAP that an object bears as a whole."""
    return join(_PLAIN, *(FIXED[r].label for r in marking_refs(body) if r in FIXED))
