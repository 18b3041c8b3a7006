"""What is sent on trips: events of MISP and bundles of STIX, with every mark drawn for every element by itself."""

import json

from hypothesis import strategies as st

from mithaq.formats import BUILT_IN
from mithaq.formats.misp.reading import read_event
from mithaq.formats.misp.roundtrip import compared, of_objects
from mithaq.formats.misp.writing import NO_ELEMENT, write
from mithaq.model.objects import Object
from tests import trips

AT = "1700000000"
WHEN = "2026-01-01T00:00:00.000Z"
ORG = {"uuid": "55f6ea5e-2c60-40e5-964f-47a8950d210f", "name": "CSIRT"}
LEVELS = (
    "tlp:red", "tlp:amber+strict", "tlp:amber", "TLP:GREEN", "tlp:clear", "tlp:white", "tlp:ex:chr", "tlp:unclear",
    "tlp:blue", "PAP:RED", "PAP:AMBER", "pap:green", "PAP:CLEAR", "PAP:WHITE", "PAP:7", "phishing", 'misp:x="y"',
    'admiralty-scale:information-credibility="2"',
)  # fmt: skip
GROUP = {
    "uuid": "00000000-0000-4000-8000-00000000a001", "name": "Ring", "releasability": "us", "active": True,
    "SharingGroupOrg": [{"extend": "1", "Organisation": ORG}],
}  # fmt: skip
VALUES = (
    ("domain", "evil.example"), ("ip-dst|port", "198.51.100.7|443"), ("filename|md5", f"a.exe|{'a' * 32}"),
    ("url", "http://evil.example/a"), ("text", " as told "), ("vulnerability", "CVE-2021-44228"), ("sha256", "b" * 64),
    ("yara", "rule x { condition: true }"), ("imphash", "c" * 32), ("hostname", "no host"), ("AS", "AS64500"),
)  # fmt: skip


def uuid(number):
    return f"00000000-0000-4000-8000-{number:012d}"


# --- events ---------------------------------------------------------------------------------------------------
@st.composite
def marks(draw):
    """Draw the tags and the distribution of an element."""
    names = draw(st.lists(st.sampled_from(LEVELS), max_size=2))
    tags = [{"name": n, **({"local": True} if draw(st.booleans()) else {})} for n in names]
    far = draw(st.sampled_from(["", "0", "1", "2", "3", "4", "5"]))
    group = {"sharing_group_id": "7", "SharingGroup": GROUP} if far == "4" else {}
    return {"Tag": tags} | ({"distribution": far} if far else {}) | group


@st.composite
def events(draw):
    """Draw an event in which everything that can be marked is, or is not."""
    told = draw(st.lists(st.sampled_from(VALUES), min_size=4, max_size=4))
    flags = st.booleans()

    def attribute(number, value):
        body = {
            "uuid": uuid(number),
            "type": value[0],
            "value": value[1],
            "category": "Other",
            "timestamp": AT,
        }
        body |= {"to_ids": draw(flags), "comment": draw(st.sampled_from(["", "c2"]))} | draw(
            marks()
        )
        if draw(flags):
            body |= {
                "deleted": draw(flags),
                "first_seen": "2023-11-01T00:00:00+00:00",
                "id": str(number),
            }
        if draw(flags):
            kind = draw(st.sampled_from("012"))
            body["Sighting"] = [
                {"uuid": uuid(100 + number), "type": kind, "date_sighting": AT, "Organisation": ORG}
            ]
        if draw(flags):
            body["Galaxy"] = [galaxy(200 + number)]
        return body

    def galaxy(number):
        kind = draw(
            st.sampled_from(["threat-actor", "malpedia", "mitre-attack-pattern", "country"])
        )
        cluster = {
            "uuid": uuid(number),
            "value": "X",
            "type": kind,
            "description": "d",
            "meta": {"synonyms": ["Y"]},
        }
        far = draw(st.sampled_from(["", "0", "1", "2", "3", "4"]))
        cluster |= {"distribution": far} if far else {}
        return {"uuid": uuid(number + 50), "type": kind, "name": kind, "GalaxyCluster": [cluster]}

    held = [
        {**attribute(n, v), "object_relation": v[0]} for n, v in zip((11, 12), told, strict=False)
    ]
    reference = {
        "uuid": uuid(21),
        "timestamp": AT,
        "referenced_uuid": uuid(1),
        "relationship_type": "uses",
    }
    object_ = {
        "uuid": uuid(20),
        "name": "file",
        "meta-category": "file",
        "timestamp": AT,
        "Attribute": held,
    }
    object_ |= {"ObjectReference": [reference], "comment": "told"} | draw(marks())
    object_.pop("Tag")
    report = {"uuid": uuid(30), "name": "Story", "content": "It began.", "timestamp": AT} | draw(
        marks()
    )

    def analysts(number):
        far = st.sampled_from([{}, *({"distribution": far} for far in "0123")])
        when = {
            "created": "2023-11-14 22:13:20",
            "modified": "2023-11-14 22:13:20",
            "authors": "ana",
            "Orgc": ORG,
        }
        opinion = {
            "uuid": uuid(number + 1),
            "opinion": draw(st.sampled_from(["0", "50", "100"])),
            "comment": "no",
        }
        note = {
            "uuid": uuid(number),
            "note": "x",
            "language": "en",
            "Opinion": [{**opinion, **when, **draw(far)}],
        }
        return {"Note": [{**note, **when, **draw(far)}]} if draw(flags) else {}

    event = {
        "uuid": uuid(900), "info": "An event", "date": "2023-11-14", "timestamp": AT, "Orgc": ORG, "Org": ORG,
        "Attribute": [attribute(n, v) for n, v in zip((1, 2), told[2:], strict=True)], "Object": [object_],
        "EventReport": [report], "Galaxy": [galaxy(60)] if draw(flags) else [], "published": draw(flags),
    }  # fmt: skip
    for number, each in enumerate((event, object_, report, held[0], event["Attribute"][0])):
        each.update(analysts(400 + 2 * number))
    return event | draw(marks())


def trip_of_events(some):
    """Send events through STIX and back; return the report, what no report names, and what was widened."""
    bodies = [e.body for each in some for e in read_event(dict(each)) if isinstance(e, Object)]
    after = write(bodies).events
    report = compared(some, after)
    lower = [*trips.lowered_between(some, bodies), *trips.widened(some, after)]
    return report, trips.unnamed(some, after, report), lower


# --- bundles --------------------------------------------------------------------------------------------------
STATEMENT = {
    "type": "marking-definition", "spec_version": "2.1", "id": f"marking-definition--{uuid(800)}", "created": WHEN,
    "definition_type": "statement", "definition": {"statement": "for whoever signed"},
}  # fmt: skip
REFS = (*trips.TLP_IDS, *trips.PAP_IDS)


@st.composite
def bundles(draw):
    """Draw a bundle in which every object bears TLP, PAP, a caveat or a marking of parts, or none of these."""
    made = []

    def add(type_, number, **more):
        refs = draw(st.lists(st.sampled_from(REFS), max_size=2, unique=True))
        body = {
            "type": type_,
            "spec_version": "2.1",
            "id": f"{type_}--{uuid(number)}",
            "created": WHEN,
            "modified": WHEN,
        }
        body |= {"created_by_ref": maker} if number else {}
        body |= (
            {"object_marking_refs": [f"marking-definition--{ref}" for ref in refs]} if refs else {}
        )
        special = draw(st.integers(0, 9))
        if special == 0:
            body["object_marking_refs"] = [*body.get("object_marking_refs", []), STATEMENT["id"]]
        if special == 1:
            red = f"marking-definition--{REFS[9]}"
            body["granular_markings"] = [{"marking_ref": red, "selectors": ["created"]}]
        if special == 2:
            body |= {
                "revoked": True,
                "confidence": 77,
                "labels": ["tlp:clear", "seen"],
                "lang": "en",
            }
        made.append(body | more)
        return body["id"]

    maker = f"identity--{uuid(0)}"
    add("identity", 0, name="CSIRT", identity_class="organization")
    pattern = draw(st.sampled_from(["[domain-name:value = 'evil.example']", "[file:hashes.MD5 = '" + "a" * 32 + "']",
                                    "[a:b = 1] FOLLOWEDBY [c:d = 2]"]))  # fmt: skip
    one = add(
        "indicator",
        1,
        pattern=pattern,
        pattern_type="stix",
        valid_from=WHEN,
        name="Beacon",
        description="d",
    )
    actor = add("threat-actor", 2, name="APT X", aliases=["X"])
    malware = add("malware", 3, name="Worm", is_family=True, malware_types=["worm"])
    servers = add("infrastructure", 4, name="servers")
    hole = add("vulnerability", 5, name="CVE-2021-44228")
    add("relationship", 6, relationship_type="indicates", source_ref=one, target_ref=actor)
    add("relationship", 7, relationship_type="uses", source_ref=actor, target_ref=malware)
    add("sighting", 8, sighting_of_ref=one, first_seen=WHEN, count=3, where_sighted_refs=[maker])
    add(
        "opinion",
        9,
        opinion=draw(st.sampled_from(["agree", "strongly-disagree"])),
        object_refs=[one],
    )
    add("note", 10, content="It began.", object_refs=[one])
    named = draw(
        st.lists(st.sampled_from([one, actor, malware, servers, hole]), min_size=1, unique=True)
    )
    add(
        draw(st.sampled_from(["report", "grouping"])),
        11,
        name="R",
        published=WHEN,
        context="x",
        object_refs=named,
    )
    return [STATEMENT, *made]


def trip_of_objects(bodies):
    """Send objects through MISP and back; return the report, what no report names, and what was widened."""
    report = of_objects(bodies)
    newest = {}
    for body in bodies:
        if body["type"] not in NO_ELEMENT and str(body.get("modified", "")) >= str(
            newest.get(body["id"], {}).get("modified", "")
        ):
            newest[body["id"]] = body
    written = write(newest.values()).events
    again = {e.id: e.body for each in written for e in read_event(each) if isinstance(e, Object)}
    after = [body for body in again.values() if body["type"] not in NO_ELEMENT]
    unnamed = trips.objects_unnamed(newest.values(), after, report)
    return report, unnamed, trips.objects_widened(newest.values(), after)


def objects_in(raw):
    """Return the bodies that our reader takes from a file."""
    found = BUILT_IN.read(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    return [each.body for each in found if isinstance(each, Object)]
