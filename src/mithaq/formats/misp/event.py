"""One event of MISP on its way to objects of STIX, element by element."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from mithaq.errors import InputError
from mithaq.formats.misp import analysts
from mithaq.formats.misp.elements import (
    UNLIMITED,
    BadElement,
    Element,
    Said,
    drawn,
    observables_of,
    pattern_of,
)
from mithaq.model import values
from mithaq.model.canonical import Json
from mithaq.model.extensions import MISP_EXTENSION, misp_definition
from mithaq.model.ids import sco_id
from mithaq.model.objects import Object, made

NOBODY = f"identity--{drawn('nobody')}"
FIRST = "2011-01-01T00:00:00.000Z"  # of what MISP gives no instant: before any of its events
_DRAFT = made(misp_definition())  # stands for objects of which the bodies alone are wanted
_RELATION = re.compile(r"[a-z0-9][a-z0-9-]*")
# attributes that are patterns themselves, and their language
_RULES = {"yara": "yara", "sigma": "sigma", "snort": "snort", "stix2-pattern": "stix"}
_CLUSTERS = {  # galaxies whose clusters are objects of STIX, by words of their names
    "attack-pattern": "attack-pattern",
    "course-of-action": "course-of-action",
    "intrusion-set": "intrusion-set",
    "activity-group": "intrusion-set",
    "threat-actor": "threat-actor",
    "malware": "malware",
    "ransomware": "malware",
    "malpedia": "malware",
    "stealer": "malware",
    "backdoor": "malware",
    "banker": "malware",
    "botnet": "malware",
    "tool": "tool",
    "vulnerability": "vulnerability",
}
# with aliases; indicated
_NAMED = frozenset({"attack-pattern", "intrusion-set", "malware", "threat-actor", "tool"})

# an object, or where it stands and what is wrong with it
Found: TypeAlias = "Object | tuple[str, InputError]"


@dataclass(slots=True)
class Event:
    """One event on its way to objects."""

    event: Element
    said: Said = field(default_factory=Said)
    around: Said = field(default_factory=Said)  # what of it holds for what stands in the event
    date: str = ""  # from when on there is something to tell
    creator: str = ""
    refs: dict[str, None] = field(default_factory=dict)  # what the report names, in order
    # UUID of an element -> identifier of its object
    ids: dict[str, str] = field(default_factory=dict)
    drafts: list[dict[str, Json]] | None = None  # bodies are put here, and no objects made of them

    def read(self) -> Iterator[Found]:
        """Yield the objects of the event, and what of it cannot be taken."""
        try:
            head = self._head()
        except InputError as error:
            yield "", error
            return
        yield from head
        for kind, read in (
            ("Attribute", self.attribute),
            ("Object", self.object),
            ("EventReport", self._note),
            ("Object", self._references),
        ):
            for number, each in enumerate(self.event.parts(kind)):
                yield from guarded(f"{kind} {number}", read(each))
        yield from guarded("Galaxy", self._galaxies(self.event, "", self.said))
        whole = f"report--{self.event.text('uuid').lower()}"
        yield from guarded("analysts", self._analysts(self.event, whole, self.around))
        for number, _ in enumerate(self.event.parts("ShadowAttribute")):
            yield (
                f"ShadowAttribute {number}",
                BadElement("a proposal that nobody took over yet", cause="proposal"),
            )
        yield from guarded("", self._report())

    # --- elements ------------------------------------------------------------------------------------
    def _head(self) -> list[Object]:
        event = self.event
        self.said = event.said(UNLIMITED)
        self.around = self.said.inherited
        self.date = event.seen("date") or event.instant("timestamp")
        makers = event.parts("Orgc")
        if not makers:
            raise BadElement("no organisation that made it", cause="creator", where="/Orgc")
        creator = self._identity(makers[0], self.said)
        self.creator = creator.id
        return [made(misp_definition()), creator]

    def _report(self) -> Iterator[Object]:
        event = self.event
        at = event.instant("timestamp")
        published = event.text("publish_timestamp") not in {"", "0"}
        body = self._body("report", event.uuid, at, self.said, [_label("tool", "MISP")]) | {
            "name": event.text("info") or "MISP event",
            "published": event.instant("publish_timestamp") if published else at,
            "object_refs": [*self.refs] or [self.creator],
        }
        left = ("Attribute", "Object", "EventReport", "Orgc", "info", *analysts.KINDS)
        yield self._made(body, "event", event, left)

    def attribute(self, attribute: Element) -> Iterator[Object]:
        """Yield what one attribute says."""
        said = attribute.said().within(self.around)
        type_, value = attribute.text("type"), attribute.text("value")
        if not type_ or not value:
            raise BadElement("an attribute without a type or a value", cause="attribute")
        labels = [_label("type", type_), _label("category", attribute.text("category"))]
        at, found = attribute.instant("timestamp"), attribute.values
        to_ids = attribute.flag("to_ids")
        if to_ids and (found or type_ in _RULES):
            body = self._body(
                "indicator", attribute.uuid, at, said, [*labels, _label("to_ids", "True")]
            )
            body |= _told_of(attribute) | {
                "pattern": values.pattern(found, " AND ") if found else value,
                "pattern_type": "stix" if found else _RULES[type_],
                "valid_from": attribute.seen("first_seen") or at,
            }
            ends = _expires(attribute)
            if ends > str(body["valid_from"]):
                body["valid_until"] = ends
        elif seen := observables_of(found):
            first = attribute.seen("first_seen") or at
            scos, body = self._observed(
                attribute, said, labels, (first, attribute.seen("last_seen") or first), seen
            )
            yield from scos
        elif type_ == "vulnerability":
            body = self._body("vulnerability", attribute.uuid, at, said, labels) | _told_of(
                attribute
            )
            body |= {
                "name": value,
                "external_references": [{"source_name": "cve", "external_id": value}],
            }
        else:
            body = self._body("x-misp-attribute", attribute.uuid, at, said, labels) | _told_of(
                attribute
            )
            body |= {"x_misp_type": type_, "x_misp_value": value}
        yield self._made(body, "attribute", attribute, ("Sighting", *analysts.KINDS))
        yield from self._around(attribute, str(body["id"]), said)

    def object(self, element: Element) -> Iterator[Object]:
        """Yield one thing that several attributes tell of: what is strictest in it holds for all of it."""
        attributes = element.parts("Attribute")
        said = element.said().within(self.around)
        for each in attributes:
            inner = each.said().within(said)
            said = Said(inner.tlp, inner.pap, (*said.labels, *inner.labels), said.confidence)
        labels = [
            _label("name", element.text("name")),
            _label("meta-category", element.text("meta-category")),
        ]
        meant = [
            v
            for each in attributes
            if each.flag("to_ids") and not each.flag("deleted")
            for v in each.values
        ]
        at = max(each.instant("timestamp") for each in (element, *attributes))
        if meant:
            body = self._body(
                "indicator", element.uuid, at, said, [*labels, _label("to_ids", "True")]
            )
            body |= _told_of(element)
            body |= {"pattern": pattern_of(meant), "pattern_type": "stix", "valid_from": at}
        elif seen := observables_of([v for each in attributes for v in each.values]):
            scos, body = self._observed(element, said, labels, (at, at), seen)
            yield from scos
        else:
            body = self._body("x-misp-object", element.uuid, at, said, labels) | _told_of(element)
            body["x_misp_name"] = element.text("name") or "object"
        yield self._made(body, "object", element, analysts.KINDS)
        yield from self._analysts(element, str(body["id"]), said)
        for each in attributes:
            self.ids.setdefault(each.text("uuid").lower(), str(body["id"]))
            yield from self._around(each, str(body["id"]), said)

    def _observed(
        self,
        element: Element,
        said: Said,
        labels: Sequence[str],
        times: tuple[str, str],
        seen: Sequence[dict[str, Json]],
    ) -> tuple[list[Object], dict[str, Json]]:
        """Return observables, marked as what holds them, and the body of the observation that names them."""
        scos = [
            made({**body, "spec_version": "2.1", "id": sco_id(body), **said.markings})
            for body in seen
        ]
        at = element.instant("timestamp")
        body = self._body("observed-data", element.uuid, at, said, labels)
        refs: list[Json] = [each.id for each in scos]
        body |= {
            "first_observed": min(times),
            "last_observed": max(times),
            "number_observed": 1,
            "object_refs": refs,
        }
        return scos, body

    def _note(self, report: Element) -> Iterator[Object]:
        said = report.said().within(self.around)
        body = self._body("note", report.uuid, report.instant("timestamp"), said)
        body |= {
            "content": report.text("content") or "-",
            "object_refs": [f"report--{self.event.uuid}"],
        }
        if report.text("name"):
            body["abstract"] = report.text("name")
        yield self._made(body, "report", report, ("content", "name", *analysts.KINDS))
        yield from self._analysts(report, str(body["id"]), said)

    def _analysts(self, element: Element, of: str, said: Said) -> Iterator[Object]:
        """Yield what analysts say of an element, and of what others say of it."""
        for kind in analysts.KINDS:
            for each in element.parts(kind):
                own = each.said().within(said)
                at = each.seen("modified") or self.event.instant("timestamp")
                body = self._body(kind.lower(), each.uuid, at, own)
                body |= analysts.said_by(kind, each) | {"object_refs": [of]}
                body["created"] = min(each.seen("created") or at, at)
                makers = [self._identity(org, own) for org in each.parts("Orgc")]
                yield from makers
                if makers:
                    body["created_by_ref"] = makers[0].id
                yield self._made(body, kind.lower(), each, ("note", "comment", *analysts.KINDS))
                yield from self._analysts(each, str(body["id"]), own)

    def _references(self, element: Element) -> Iterator[Object]:
        source, said = (
            self.ids.get(element.text("uuid").lower()),
            element.said().within(self.around),
        )
        for each in element.parts("ObjectReference"):
            target = self.ids.get(each.text("referenced_uuid").lower())
            kind = each.text("relationship_type").lower().replace("_", "-")
            if source is None or target is None or not _RELATION.fullmatch(kind):
                raise BadElement(
                    "a reference to what is not in the event, or of no kind", cause="reference"
                )
            yield self._related((source, kind, target), said, each.instant("timestamp"), each.uuid)

    def _around(self, attribute: Element, of: str, said: Said) -> Iterator[Object]:
        """Yield who saw what an attribute tells of, and what its galaxies name."""
        for each in attribute.parts("Sighting"):
            seers = [self._identity(org, said) for org in each.parts("Organisation")]
            yield from seers
            at, kind = each.instant("date_sighting"), each.text("type")
            uuid = each.uuid_or(f"{of} {at} {each.text('source')} {kind}")
            if kind == "0" and not of.startswith(
                "observed-data"
            ):  # section 5.2: that is nothing one can see
                body = self._body("sighting", uuid, at, said)
                body |= {"sighting_of_ref": of, "first_seen": at, "last_seen": at, "count": 1}
                if seers:
                    body["where_sighted_refs"] = [seer.id for seer in seers]
            elif kind == "1":
                body = self._body("opinion", uuid, at, said)
                body |= {
                    "opinion": "strongly-disagree",
                    "explanation": "False positive",
                    "object_refs": [of],
                }
                names: list[Json] = [str(seer.body["name"]) for seer in seers]
                body |= {"authors": names} if names else {}
            else:
                continue
            yield self._made(body, "sighting", each, ("Organisation",))
        yield from self._galaxies(attribute, of, said)
        yield from self._analysts(attribute, of, said)

    def _galaxies(self, element: Element, of: str, said: Said) -> Iterator[Object]:
        """Yield what the galaxies of an element name and how ``of`` is related to it; the report names it itself.

        What is of ATT&CK is named alone: it is a set of its own.

        Args:
            said: what holds of the element, and so of whatever it names.
        """
        for galaxy in element.parts("Galaxy"):
            name = galaxy.text("type")
            type_ = next((t for word, t in _CLUSTERS.items() if word in name), "")
            for cluster in galaxy.parts("GalaxyCluster") if type_ else ():
                id_ = (
                    f"{type_}--{cluster.uuid_or(cluster.text('tag_name') or cluster.text('value'))}"
                )
                if not name.startswith("mitre-"):
                    yield self._cluster(type_, id_, cluster, said)
                self.refs[id_] = None
                if of:
                    kind = (
                        "indicates"
                        if of.startswith("indicator--") and type_ in _NAMED
                        else "related-to"
                    )
                    yield self._related(
                        (of, kind, id_), said, self.date, drawn(f"{of} {kind} {id_}")
                    )

    # --- objects -------------------------------------------------------------------------------------
    def _cluster(self, type_: str, id_: str, cluster: Element, said: Said) -> Object:
        own = cluster.said().within(said)
        body = _timeless(type_, id_, cluster.text("value") or id_) | own.markings
        if cluster.text("description"):
            body["description"] = cluster.text("description")
        names = [
            n for meta in cluster.parts("meta") if isinstance(n := meta.raw.get("synonyms"), list)
        ]
        aliases: list[Json] = [
            *dict.fromkeys(str(each) for each in (names[0] if names else ()) if each)
        ]
        if aliases and type_ in _NAMED:
            body["aliases"] = aliases
        if type_ == "malware":
            body["is_family"] = True
        return made(body)

    def _identity(self, org: Element, said: Said) -> Object:
        body = _timeless("identity", f"identity--{org.uuid}", org.text("name") or org.uuid)
        return made(body | {"identity_class": "organization"} | said.markings)

    def _related(self, ends: tuple[str, str, str], said: Said, at: str, uuid: str) -> Object:
        source, kind, target = ends
        body = self._body("relationship", uuid, at, said)
        body |= {"relationship_type": kind, "source_ref": source, "target_ref": target}
        return self._made(body)

    def _body(
        self, type_: str, uuid: str, at: str, said: Said, labels: Sequence[str] = ()
    ) -> dict[str, Json]:
        id_ = f"{type_}--{uuid}"
        self.ids[uuid] = id_
        return {
            "type": type_,
            "spec_version": "2.1",
            "id": id_,
            **({"created_by_ref": self.creator} if self.creator else {}),
            "created": min(self.date, at),
            "modified": at,
            **said.properties(labels),
        }

    def _made(
        self,
        body: dict[str, Json],
        kind: str = "",
        element: Element | None = None,
        left: Sequence[str] = (),
    ) -> Object:
        """Return an object with the element that it was made of beside it, but for what is ``left`` out.

        One that was deleted is revoked.
        """
        if element is not None and element.flag("deleted"):
            body["revoked"] = True
        if self.drafts is not None:
            self.drafts.append(body)
            return _DRAFT
        if element is not None and (rest := element.rest(*left)):
            kept: dict[str, Json] = {"extension_type": "property-extension", kind: rest}
            body["extensions"] = {MISP_EXTENSION: kept}
        found = made(body)
        if found.type != "report":
            self.refs[found.id] = None
        return found


def guarded(where: str, some: Iterator[Object]) -> Iterator[Found]:
    """Yield objects until something is wrong with one of them, and then where and what."""
    try:
        yield from some
    except InputError as error:
        yield where, error


def _timeless(type_: str, id_: str, name: str) -> dict[str, Json]:
    times: dict[str, Json] = {"created": FIRST, "modified": FIRST}
    return {"type": type_, "spec_version": "2.1", "id": id_, "name": name, **times}


def _label(name: str, value: str) -> str:
    return f'misp:{name}="{value}"'


def _told_of(element: Element) -> dict[str, Json]:
    comment = element.text("comment")
    return {"description": comment} if comment else {}


def _expires(attribute: Element) -> str:
    """Return when somebody saw it expire, the last time; empty if nobody did."""
    seen = (each for each in attribute.parts("Sighting") if each.text("type") == "2")
    return max((each.instant("date_sighting") for each in seen), default="")
