"""STIX 2.1 becomes events of MISP again: never under a lower marking, and what has no place there is named.

A report or grouping becomes an event, with what it names in it; what no report names stands in events by maker and
marking. What came from MISP carries the element it was made of; that is written as it was, if it still says what the
object says. Objects whose markings say more than TLP and PAP are not written: MISP has no words for these.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mithaq.formats.misp import analysts
from mithaq.formats.misp.elements import drawn
from mithaq.formats.misp.parts import (
    GALAXIES,
    PLAIN,
    SEEN,
    Body,
    Element,
    agrees,
    attribute,
    cluster_tags,
    clusters_in,
    galaxy,
    indicator,
    is_analysts,
    kept_of,
    label_in_misp,
    listed,
    near,
    parts_of,
    refs_of,
    seconds,
    tags_of,
    untagged,
    uuid_of,
    within,
)
from mithaq.model.canonical import Json
from mithaq.model.labels import Label, join
from mithaq.model.values import Value

NO_ELEMENT = frozenset(
    {"marking-definition", "extension-definition"}
)  # explain others, and say nothing
LOOSE = frozenset(
    {"indicator", "observed-data", "vulnerability", "x-misp-attribute", "x-misp-object"}
)


@dataclass(slots=True, kw_only=True)
class Written:
    """Events, the ids of what stands in them, and by reason the ids of what does not."""

    events: list[Element] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    left: dict[str, list[str]] = field(default_factory=dict)


def write(bodies: Iterable[Body]) -> Written:
    """Write objects, of each its newest version, as events of MISP; the same each time."""
    return _Writer({str(b["id"]): b for b in bodies if b["type"] not in NO_ELEMENT}).write()


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
    refs = refs_of(body) if body["type"] == "observed-data" else []
    inner = (label_in_misp(seen[ref]) for ref in refs if ref in seen)
    label = join(label, *(each for each in inner if each is not None))
    return str(body.get("created_by_ref", "")), str(label.tlp), str(label.pap)


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
    # id -> what analysts may speak of, and its label
    places: dict[str, tuple[Element, Label]] = field(default_factory=dict)

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
            self._event(known[id_], self.labels[id_], refs_of(known[id_]))
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
            ref for ref in refs_of(body) if body["type"] == "observed-data" and ref in self.labels
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
        kept = kept_of(report, "event")
        at = seconds(report, "modified")
        event: Element = {
            "analysis": "2",
            "threat_level_id": "4",
            **kept,
            "uuid": uuid_of(id_),
            "info": str(report.get("name", "")),
            "date": str(kept.get("date") or str(report["created"])[:10]),
            "timestamp": at,
            "published": True,
            "publish_timestamp": seconds(report, "published", at),
            "Orgc": self._org(str(report.get("created_by_ref", "")), label),
            "Tag": tags_of(report, label, kept),
        }
        event |= near(label)
        self.places[id_] = (event, label)
        parts: dict[str, list[Json]] = {"Attribute": [], "Object": [], "EventReport": []}
        self.out.told.update({id_} & self.objects.keys())
        mine = [
            self.objects[ref] for ref in refs if ref in self.labels and ref not in self.out.told
        ]
        for body in mine:
            ref = str(body["id"])
            if body["type"] == "note" and not is_analysts(body):
                story = self._note(body, label)
                parts["EventReport"].append(story)
                self.places[ref] = (story, join(label, self.labels[ref]))
                self.out.told.add(ref)
            elif found := self._element(body, label):
                kind, element = found
                parts[kind].append(element)
                self.elements[ref], self.within[ref] = found, label
                held = self._label(body)
                self.places[ref] = (
                    element,
                    join(label, held if kind == "Attribute" else untagged(held, label)),
                )
                seen = refs_of(body) if body["type"] == "observed-data" else []
                self.out.told |= {ref, *seen} & self.objects.keys()
        galaxies = self._allowed(event, label)
        named = clusters_in([*galaxies, *parts["Attribute"], *parts["Object"]])
        for body in mine:
            if self._is_cluster(body) and within(self.labels[str(body["id"])], label):
                self.out.told.add(str(body["id"]))
                if uuid_of(str(body["id"])) not in named:
                    galaxies.append(galaxy(body))
        event |= {kind: some for kind, some in (*parts.items(), ("Galaxy", galaxies)) if some}
        self.out.events.append(event)

    @staticmethod
    def _is_cluster(body: Body) -> bool:
        return body["type"] in GALAXIES and body.get("revoked") is not True

    def _allowed(self, element: Element, label: Label) -> list[Json]:
        """Take the galaxies out of an element; return them without the clusters that may not stand under a label.

        Those are marked stricter, as objects, or revoked; the tags that name them go too.
        """
        galaxies = listed(element.pop("Galaxy", None))
        if not galaxies:
            return []
        barred = {
            uuid_of(id_)
            for id_, body in self.objects.items()
            if body["type"] in GALAXIES
            and not (
                self._is_cluster(body) and id_ in self.labels and within(self.labels[id_], label)
            )
        }
        told = [each for each in galaxies if not clusters_in([each]) & barred]
        names = cluster_tags(each for each in galaxies if each not in told)
        if names:
            tags = listed(element.get("Tag"))
            element["Tag"] = [t for t in tags if not (isinstance(t, dict) and t["name"] in names)]
        return told

    def _org(self, creator: str, label: Label) -> Element:
        if creator in self.objects and creator in self.labels:
            self.out.told.add(creator)
        uuid = uuid_of(creator) if creator else drawn("nobody")
        return {"uuid": uuid, "name": self._name_of(creator, label)}

    def _name_of(self, creator: str, label: Label) -> str:
        """Return the name of who made something, if it may be told under a label."""
        body = self.objects.get(creator, {})
        known = creator in self.labels and within(self.labels[creator], label)
        return str(body.get("name", "")) if known else uuid_of(creator) if creator else "unknown"

    # --- elements ------------------------------------------------------------------------------------
    def _element(self, body: Body, around: Label) -> tuple[str, Element] | None:
        """Return an attribute or object that says what ``body`` does; None: MISP has no word for it.

        Args:
            around: the label of its event.
        """
        label = self._label(body)
        for name, kind in (("attribute", "Attribute"), ("object", "Object")):
            kept = kept_of(body, name)
            if kept:
                element: Element = {
                    **kept,
                    "uuid": uuid_of(str(body["id"])),
                    "timestamp": seconds(body, "modified"),
                }
                self._mark(kind, element, body, label, around)
                if agrees(kind, element, body):
                    return kind, element
        made = indicator(body) if body["type"] == "indicator" else self._other(body)
        if made is None:
            return None
        kind, element = made
        element |= {
            "uuid": uuid_of(str(body["id"])),
            "timestamp": seconds(body, "modified"),
            "comment": str(body.get("description") or body.get("name") or ""),
        }
        if body.get("revoked") is True:
            element["deleted"] = True
        if "valid_until" in body:
            ends = {"type": "2", "date_sighting": seconds(body, "valid_until")}
            element["Sighting"] = [{**ends, "uuid": drawn(f"{body['id']} ends")}]
        if kind == "Attribute" and body.get("valid_from", body.get("modified")) != body.get(
            "modified"
        ):
            element["first_seen"] = str(body["valid_from"])
        self._mark(kind, element, body, label, around)
        return kind, element

    def _mark(self, kind: str, element: Element, body: Body, label: Label, around: Label) -> None:
        """Tag an attribute, or every attribute of an object, for objects bear no tags in MISP.

        What an object says by itself goes no further than its level allows.
        """
        marked = [element] if kind == "Attribute" else parts_of(body, element)
        if kind == "Object":
            element["Attribute"] = [*marked]
            element.update(near(label, around))
        whole = join(label, around)
        for each in marked:
            each["Tag"] = tags_of(body, label, each)
            each.update(near(label))
            if galaxies := self._allowed(each, whole):
                each["Galaxy"] = galaxies

    def _other(self, body: Body) -> tuple[str, Element] | None:
        """Write a vulnerability by its name, and an observation of one thing that is a value."""
        element: Element = {"to_ids": False}
        if body["type"] == "vulnerability" and body.get("name"):
            element |= {"type": "vulnerability", "category": "External analysis"}
            return "Attribute", element | {"value": str(body["name"])}
        refs = refs_of(body)
        seen = self.objects.get(refs[0], {}) if len(refs) == 1 else {}
        for (type_, name), kind in SEEN.items():
            if body["type"] == "observed-data" and seen.get("type") == type_ and name in seen:
                return "Attribute", attribute(Value(kind, str(seen[name]))) | element
        return None

    def _note(self, body: Body, around: Label) -> Element:
        label = self.labels[str(body["id"])]
        return {
            **kept_of(body, "report"),
            "uuid": uuid_of(str(body["id"])),
            "timestamp": seconds(body, "modified"),
            "name": str(body.get("abstract", "")),
            "content": str(body.get("content", "")),
            "Tag": tags_of(body, label, {}),
            **near(label, around),
        }

    # --- what stands between elements ----------------------------------------------------------------
    def _between(self, known: Mapping[str, Body]) -> None:
        """Write sightings, false positives and relations, where what they are about stands in an event."""
        ways: dict[str, Callable[[Body], bool]] = {
            "sighting": self._sighting,
            "opinion": self._opinion,
            "relationship": self._relationship,
        }
        said = [body for _, body in sorted(known.items()) if is_analysts(body)]
        while told := [body for body in said if self._analyst(body)]:
            said = [body for body in said if body not in told]
        for id_, body in sorted(known.items()):
            way = ways.get(str(body["type"]))
            gone = body.get("revoked") is True  # MISP has no word for that of these
            if way is not None and not gone and id_ not in self.out.told and way(body):
                self.out.told.add(id_)

    def _analyst(self, body: Body) -> bool:
        """Write what an analyst says of something, if that is written and marked as strictly."""
        id_, kind = str(body["id"]), str(body["type"])
        place, label = self.places.get((*refs_of(body), "")[0], ({}, PLAIN))
        if not place or not within(self.labels[id_], label):
            return False
        element = analysts.written(body, kept_of(body, kind))
        if creator := str(body.get("created_by_ref", "")):
            element["Orgc"] = self._org(creator, label)
        place[kind.capitalize()] = [*listed(place.get(kind.capitalize())), element]
        self.places[id_] = (element, label)
        self.out.told.add(id_)
        return True

    def _place(self, of: str, body: Body) -> Element | None:
        """Return the element that something is about, if it is marked as strictly there."""
        found = self.elements.get(of)
        if found is None or not within(self.labels[str(body["id"])], self._label(self.objects[of])):
            return None
        kind, element = found
        return element if kind == "Attribute" else self._first(element)

    @staticmethod
    def _first(element: Element) -> Element:
        """Return the attribute of an object that bears what is said of the object: sightings, clusters."""
        some = listed(element.get("Attribute"))
        return some[0] if some and isinstance(some[0], dict) else element

    def _sighting(self, body: Body) -> bool:
        return self._seen(
            body, str(body.get("sighting_of_ref")), "0", body.get("where_sighted_refs")
        )

    def _opinion(self, body: Body) -> bool:
        """Write an opinion that strongly disagrees with one indicator: MISP knows it as a false positive."""
        refs = refs_of(body)
        strong = body.get("opinion") == "strongly-disagree" and not is_analysts(body)
        return strong and len(refs) == 1 and self._seen(body, refs[0], "1", None)

    def _seen(self, body: Body, of: str, kind: str, seers: Json) -> bool:
        place = self._place(of, body)
        if place is None:
            return False
        when = "first_seen" if "first_seen" in body else "modified"
        sighting: Element = {
            **kept_of(body, "sighting"),
            "uuid": uuid_of(str(body["id"])),
            "type": kind,
            "date_sighting": seconds(body, when),
        }
        if isinstance(seers, list) and seers:
            seer = str(seers[0])
            sighting["Organisation"] = self._org(seer, self._label(self.objects[of]))
        held = place.setdefault("Sighting", [])
        if isinstance(held, list):
            held.append(sighting)  # in place: an attribute may have tens of thousands
        return True

    def _relationship(self, body: Body) -> bool:
        """Write a relation from one object to another, or from an element to what it indicates."""
        source, target = str(body.get("source_ref")), str(body.get("target_ref"))
        place, other = self.elements.get(source), self.objects.get(target, {})
        if place is None:
            return False
        label = self.labels[str(body["id"])]
        kind, element = place
        if target in self.labels and self._is_cluster(other):
            whole = join(self.within[source], self._label(self.objects[source]))
            if not (within(label, whole) and within(self.labels[target], whole)):
                return False
            named = element if kind == "Attribute" else self._first(element)
            if uuid_of(target) not in clusters_in([element]):
                named["Galaxy"] = [*listed(named.get("Galaxy")), galaxy(other)]
            self.out.told.add(target)
            return True
        there = self.elements.get(target)
        if (
            kind != "Object"
            or there is None
            or not within(label, self._label(self.objects[source]))
        ):
            return False
        reference: Element = {
            "uuid": uuid_of(str(body["id"])),
            "timestamp": seconds(body, "modified"),
            "referenced_uuid": uuid_of(target),
            "relationship_type": str(body.get("relationship_type")),
        }
        element["ObjectReference"] = [*listed(element.get("ObjectReference")), reference]
        return True
