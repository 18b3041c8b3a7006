"""What events of MISP are made of, out of what objects of STIX say: attributes, tags, clusters, how strict they are."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from mithaq.clock import parse
from mithaq.errors import InputError
from mithaq.formats.misp.elements import SURE, drawn
from mithaq.formats.misp.reading import bodies_of
from mithaq.model.canonical import Json
from mithaq.model.extensions import MISP_EXTENSION
from mithaq.model.labels import Label, Tlp, join
from mithaq.model.markings import FIXED, marking_refs
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
GALAXIES = {"threat-actor": "threat-actor", "malware": "malpedia", "tool": "tool", "intrusion-set": "intrusion-set",
             "attack-pattern": "attack-pattern", "course-of-action": "course-of-action"}  # fmt: skip
_LABELS = tuple(  # what we and misp-stix say of an element by labels
    f"misp:{name}=" for name in ("type", "category", "to_ids", "name", "meta-category", "tool")
)
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
    "note": frozenset({"language", "object_type", "object_uuid", "note_type", "note_type_name"}),
    "opinion": frozenset({"opinion", "object_type", "object_uuid", "note_type", "note_type_name"}),
}
SEEN = {  # observables that an attribute can name, and the kind of its value
    ("ipv4-addr", "value"): "ipv4", ("ipv6-addr", "value"): "ipv6", ("domain-name", "value"): "domain",
    ("url", "value"): "url", ("email-addr", "value"): "email", ("mac-addr", "value"): "mac",
    ("mutex", "name"): "mutex",
}  # fmt: skip
_NEAR = frozenset({"RED", "AMBER+STRICT"})  # levels that go no further than one's own organisation
PLAIN = Label()


def label_in_misp(body: Body) -> Label | None:
    """Return the TLP and PAP of an object; None if its markings say more than these, or of parts of it alone."""
    granular = body.get("granular_markings")
    refs = marking_refs(body)
    if granular or not all(ref in FIXED for ref in refs):
        return None
    return join(PLAIN, *(FIXED[ref].label for ref in refs))


def within(inner: Label, outer: Label) -> bool:
    """Say whether what stands under ``outer`` without a marking of its own is marked as strictly as ``inner``."""
    levels = (-1 if label.tlp is None else int(label.tlp) for label in (inner, outer))
    return next(levels) <= next(levels) and inner.pap <= outer.pap


def indicator(body: Body) -> tuple[str, Element] | None:
    """Write a pattern: one value as an attribute, digests of one file as an object, any other as it stands."""
    language, pattern = str(body.get("pattern_type")), str(body.get("pattern", ""))
    if language not in _RULES or not pattern:
        return None
    known = (groups(pattern) if language == "stix" else None) or []
    alone = [group[0] for group in known if len(group) == 1]
    if len(alone) == len(known) == 1 and alone[0].kind in TYPES:
        return "Attribute", attribute(alone[0])
    kinds = [value.kind for value in alone]
    if len(alone) == len(known) > 1 and EXACT.issuperset(kinds) and len(set(kinds)) == len(kinds):
        parts: list[Json] = []
        for value in alone:
            uuid = drawn(f"{body['id']} {value.kind}")
            part = attribute(value) | {"uuid": uuid, "timestamp": seconds(body, "modified")}
            parts.append(part | {"object_relation": value.kind})
        return "Object", {"name": "file", "meta-category": "file", "Attribute": parts}
    type_, category = _RULES[language]
    return "Attribute", {"type": type_, "category": category, "value": pattern, "to_ids": True}


def attribute(value: Value) -> Element:
    """Return an attribute for detection that has a value."""
    type_, category = TYPES[value.kind]
    text = value.text
    if value.kind == "ip-port":
        address, _, port = text.rpartition(":")
        text = f"{address.strip('[]')}|{port}"
    return {"type": type_, "category": category, "value": text, "to_ids": True}


def galaxy(body: Body) -> Json:
    """Return a galaxy with the cluster that an object is."""
    name = GALAXIES[str(body["type"])]
    cluster: Element = {
        "uuid": uuid_of(str(body["id"])),
        "value": str(body.get("name", "")),
        "type": name,
    }
    if body.get("description"):
        cluster["description"] = body["description"]
    if aliases := listed(body.get("aliases")):
        cluster["meta"] = {"synonyms": aliases}
    clusters: list[Json] = [cluster]
    return {"type": name, "name": name, "GalaxyCluster": clusters}


def tags_of(body: Body, label: Label, kept: Element) -> list[Json]:
    """Return tags that say a label and nothing lower, the labels of an object, and how sure somebody is."""
    names: list[str] = [] if label.tlp is None else [f"tlp:{str(label.tlp).lower()}"]
    if any(FIXED[ref].label.tlp is None for ref in marking_refs(body)) or label.pap:
        names.append(f"PAP:{label.pap}")
    labels = [str(each) for each in listed(body.get("labels"))]
    every = [
        *(str(tag.get("name", "")) for tag in listed(kept.get("Tag")) if isinstance(tag, dict)),
        *(each for each in labels if not each.lower().startswith(_LABELS)),
    ]
    sure = body.get("confidence")
    if isinstance(sure, int) and sure in _TAGS:
        every.append(_TAGS[sure])
    names += [n for n in every if n and not n.lower().startswith(("tlp:", "pap:"))]
    return [{"name": name} for name in dict.fromkeys(names)]


def near(label: Label, around: Label | None = None) -> Element:
    """Return how far MISP may send something: nowhere, where its level says so; else whoever takes it decides.

    Args:
        around: the label of what it stands in, for what bears no tag that would say its own.
    """
    if str(label.tlp) in _NEAR:
        return {"distribution": "0"}
    untold = around is not None and not within(Label(tlp=label.tlp), around)
    return {"distribution": "2"} if untold and label.tlp == Tlp.AMBER else {}


def untagged(label: Label, around: Label) -> Label:
    """Return what of a label the distribution says of what bears no tags (``near``)."""
    far = near(label, around).get("distribution")
    return Label(tlp={"0": Tlp.AMBER_STRICT, "2": Tlp.AMBER}.get(str(far)))


def kept_of(body: Body, kind: str) -> Element:
    """Return the element that an object was made of, as far as it is taken."""
    extensions = body.get("extensions")
    kept = extensions.get(MISP_EXTENSION) if isinstance(extensions, dict) else None
    found = kept.get(kind) if isinstance(kept, dict) else None
    return some_of(found, kind) if isinstance(found, dict) else {}


def is_analysts(body: Body) -> bool:
    """Say whether an object is a note or an opinion of MISP's analyst data."""
    extensions = body.get("extensions")
    kept = extensions.get(MISP_EXTENSION) if isinstance(extensions, dict) else None
    return (
        isinstance(kept, dict) and body["type"] in {"note", "opinion"} and str(body["type"]) in kept
    )


def parts_of(body: Body, element: Element) -> list[Element]:
    """Return the attributes of an object: those it has, or those of the object that it was made of."""
    held = listed(element.get("Attribute"))
    if not held:
        extensions = body.get("extensions")
        kept = extensions.get(MISP_EXTENSION) if isinstance(extensions, dict) else None
        found = kept.get("object") if isinstance(kept, dict) else None
        held = listed(found.get("Attribute")) if isinstance(found, dict) else []
    return [some_of(each, "part") for each in held if isinstance(each, dict)]


def some_of(element: Element, kind: str) -> Element:
    """Return what is taken of an element that an object was made of."""
    return {name: value for name, value in element.items() if name in _KEPT[kind]}


def clusters_in(elements: Iterable[Json]) -> set[str]:
    """Return the UUIDs of all clusters that stand in some elements."""
    found: set[str] = set()
    for each in elements:
        if isinstance(each, dict):
            for kind in ("Galaxy", "Attribute", "GalaxyCluster"):
                inner = listed(each.get(kind))
                found |= clusters_in(inner)
                if kind == "GalaxyCluster":
                    found |= {str(c.get("uuid")).lower() for c in inner if isinstance(c, dict)}
    return found


def cluster_tags(galaxies: Iterable[Json]) -> set[str]:
    """Return the tags by which the clusters of some galaxies are named."""
    return {
        str(c.get("tag_name") or f'misp-galaxy:{c.get("type")}="{c.get("value")}"')
        for galaxy in galaxies
        if isinstance(galaxy, dict)
        for c in listed(galaxy.get("GalaxyCluster"))
        if isinstance(c, dict)
    }


def agrees(kind: str, element: Element, body: Body) -> bool:
    """Say whether an element, read again, says what an object says: what comes along may say something else."""
    try:
        again = [*bodies_of(kind, element)]
    except InputError:
        return False
    found = next((each for each in again if each["id"] == body["id"]), None)
    return found is not None and all(found.get(name) == body.get(name) for name in _SAYS)


def refs_of(body: Body) -> list[str]:
    """Return what a report or an observation names."""
    return [str(each) for each in listed(body.get("object_refs"))]


def listed(value: Json) -> list[Json]:
    """Return a list; of anything else an empty one."""
    return list(value) if isinstance(value, list) else []


def uuid_of(id_: str) -> str:
    """Return the UUID in an identifier."""
    return id_.partition("--")[2]


def seconds(body: Body, name: str, default: str = "0") -> str:
    """Return an instant of an object in seconds since 1970."""
    written = body.get(name)
    return str(int(parse(written).timestamp())) if isinstance(written, str) else default
