"""STIX becomes events of MISP: readable by PyMISP, never under a lower marking, and what is lost is named."""

import itertools
import json
import tarfile
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymisp import MISPEvent

from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Refusal
from mithaq.formats.misp.roundtrip import losses
from mithaq.formats.misp.roundtrip import of_objects as roundtrip
from mithaq.formats.misp.writing import write
from mithaq.model.extensions import MISP_EXTENSION
from mithaq.model.labels import Pap, Tlp
from mithaq.model.markings import FIXED, pap_id, tlp_id
from mithaq.model.objects import Object
from mithaq.model.values import of_kind, pattern
from tests.rooms.formats.test_misp import AT, ORG, attribute, event, tags, uuid

SETS = Path(__file__).parents[3].parent / "shared/data/detection/stix-indicator-sets.tar.xz"
OLD = "2026-01-01T00:00:00.000Z"
MAKER = "identity--00000000-0000-4000-8000-0000000000bb"


def read(*events):
    found = list(BUILT_IN.read(json.dumps({"response": [{"Event": e} for e in events]}).encode()))
    assert not [each for each in found if isinstance(each, Refusal)], found
    return [each.body for each in found]


def again(bodies):
    """Write objects as events, let PyMISP judge these, and read them again; return both."""
    made = write(bodies)
    for each in made.events:
        _valid(each)
    return made, (read(*made.events) if made.events else [])


def _valid(made):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judged = MISPEvent(strict_validation=True)
        judged.from_dict(**json.loads(json.dumps(made)))
    assert judged.uuid == made["uuid"]
    assert len(judged.attributes) == len(made.get("Attribute", []))
    assert len(judged.objects) == len(made.get("Object", []))
    feed = judged.to_feed(with_meta=True)["Event"]
    assert feed["_manifest"].keys() == {made["uuid"]}


def stix(type_, number, level=Tlp.GREEN, action=None, **more):
    marks = [] if level is None else [tlp_id(level)]
    marks += [] if action is None else [pap_id(action)]
    body = {
        "type": type_, "spec_version": "2.1", "id": f"{type_}--00000000-0000-4000-8000-{number:012d}",
        "created": OLD, "modified": OLD, "created_by_ref": MAKER, "object_marking_refs": marks,
    }  # fmt: skip
    return {
        name: value for name, value in (body | more).items() if value is not None and value != []
    }


def indicator(number, *values, level=Tlp.GREEN, joined=" OR ", **more):
    said = pattern([of_kind(*each) for each in values or [("domain", "evil.example")]], joined)
    return stix(
        "indicator",
        number,
        level,
        **{"pattern": said, "pattern_type": "stix", "valid_from": OLD, **more},
    )


def maker(level=Tlp.GREEN):
    return stix("identity", 0, level, id=MAKER, name="CSIRT", identity_class="organization")


def level(body):
    return max(
        (
            FIXED[r].label.tlp
            for r in body.get("object_marking_refs", [])
            if FIXED[r].label.tlp is not None
        ),
        default=-1,
    )


def action(body):
    return max((FIXED[r].label.pap for r in body.get("object_marking_refs", [])), default=Pap.CLEAR)


def named(made):
    """Return the types of what was written, and by reason of what was not."""
    told = sorted(id_.partition("--")[0] for id_ in made.told)
    return told, {why: [i.partition("--")[0] for i in ids] for why, ids in made.left.items()}


# --- what came from MISP goes back as it was -------------------------------------------------------------
RICH = event(
    attribute("domain", "evil.example", 1, comment="c2", **tags("tlp:amber", "PAP:GREEN", "kill-chain:x"),
              first_seen="2023-11-01T00:00:00+00:00"),
    attribute("ip-dst", "198.51.100.7", 2, to_ids=False),
    attribute("text", "as told", 3, to_ids=False, category="Other"),
    attribute("sha256", "a" * 64, 4, category="Payload delivery", Sighting=[
        {"uuid": uuid(40), "type": "0", "date_sighting": AT, "source": "sensor"},
        {"uuid": uuid(41), "type": "1", "date_sighting": AT}]),
    attribute("vulnerability", "CVE-2021-44228", 5, to_ids=False, category="External analysis"),
    attribute("url", "http://evil.example/a", 6, Galaxy=[
        {"type": "threat-actor", "name": "Threat Actor", "uuid": uuid(60), "GalaxyCluster": [
            {"uuid": uuid(61), "value": "APT X", "description": "an actor", "type": "threat-actor",
             "meta": {"synonyms": ["X"]}}]}]),
    attribute("md5", "b" * 32, 7, category="Payload delivery", deleted=True),
    Object=[
        {"uuid": uuid(20), "name": "file", "meta-category": "file", "timestamp": AT, "comment": "dropper",
         "Attribute": [attribute("filename", "a.exe", 21, object_relation="filename", category="Payload delivery"),
                       attribute("md5", "c" * 32, 22, object_relation="md5", category="Payload delivery",
                                 **tags("tlp:red"))],
         "ObjectReference": [{"uuid": uuid(23), "referenced_uuid": uuid(30), "relationship_type": "drops",
                              "timestamp": AT}]},
        {"uuid": uuid(30), "name": "person", "meta-category": "misc", "timestamp": AT,
         "Attribute": [attribute("text", "somebody", 31, to_ids=False, object_relation="text", category="Other")]},
    ],
    EventReport=[{"uuid": uuid(50), "name": "Story", "content": "It began.", "timestamp": AT}],
    **tags("tlp:green", 'workflow:state="complete"'),
    analysis="1", threat_level_id="2", published=True, publish_timestamp="1700000060",
)  # fmt: skip


def test_an_event_that_came_from_misp_goes_back_and_comes_in_again_as_the_same_objects():
    before = read(RICH)

    made, after = again(before)

    lost = sorted(set(losses(before, after)))
    assert {what for _, what in lost} <= {
        "extensions",
        "labels",
        "object_refs",
        "object_marking_refs",
    }, lost
    found = {body["id"]: body for body in after}
    assert found.keys() >= {b["id"] for b in before if b["type"] != "extension-definition"}
    for body in before:
        if body["type"] != "extension-definition":
            assert level(found[body["id"]]) >= level(body), body
            assert action(found[body["id"]]) >= action(body), body
            assert set(found[body["id"]].get("labels", [])) >= set(body.get("labels", [])), body
    assert made.left == {}


def test_an_event_that_came_from_misp_is_the_same_event_for_those_who_know_it():
    [made] = write(read(RICH)).events

    assert (made["uuid"], made["info"], made["analysis"], made["threat_level_id"]) == (
        RICH["uuid"],
        RICH["info"],
        "1",
        "2",
    )
    assert made["Orgc"] == {"uuid": ORG["uuid"], "name": ORG["name"]}
    before = {a["uuid"]: a for a in RICH["Attribute"]}
    after = {a["uuid"]: a for a in made["Attribute"]}
    assert after.keys() == before.keys()
    for key, one in before.items():
        for name in ("type", "value", "category", "to_ids", "comment", "timestamp", "deleted"):
            assert str(after[key].get(name, "")) == str(one.get(name, "")), (key, name)
    assert [o["uuid"] for o in made["Object"]] == [uuid(20), uuid(30)]
    [first, second] = after[uuid(4)]["Sighting"]
    assert {first["type"], second["type"]} == {"0", "1"}
    assert [r["content"] for r in made["EventReport"]] == ["It began."]


# --- STIX that never was MISP -----------------------------------------------------------------------------
def test_an_indicator_of_one_value_is_an_attribute_and_one_of_digests_a_file():
    one = indicator(1, ("ip-port", "198.51.100.7:443"), description="c2")
    file = indicator(2, ("md5", "a" * 32), ("sha256", "b" * 64))
    both = indicator(3, ("domain", "evil.example"), ("ipv4", "198.51.100.7"), joined=" AND ")

    made, after = again([maker(), one, file, both])

    [written] = made.events
    kinds = sorted((a["type"], a["value"]) for a in written["Attribute"])
    assert kinds == [("ip-dst|port", "198.51.100.7|443"), ("stix2-pattern", both["pattern"])]
    [file_] = written["Object"]
    assert [a["type"] for a in file_["Attribute"]] == ["md5", "sha256"]
    assert written["info"] == "Intelligence of CSIRT"
    found = {body["id"]: body for body in after}
    assert found[one["id"]]["pattern"] == one["pattern"]
    assert found[file["id"]]["pattern"] == file["pattern"]
    assert found[both["id"]]["pattern"] == both["pattern"]


def test_a_report_names_its_own_and_what_no_report_names_stands_by_maker_and_marking():
    loose = [indicator(1), indicator(2, level=Tlp.AMBER), indicator(3, created_by_ref=None)]
    told = indicator(4)
    report = stix(
        "report",
        9,
        name="Phishing",
        published=OLD,
        object_refs=[told["id"]],
        report_types=["campaign"],
    )

    made, _ = again([maker(), *loose, told, report])

    events = {
        e["info"]: {a["uuid"][-1] for a in e["Attribute"]}
        for e in made.events
        if "AMBER" not in str(e["Tag"]).upper()
    }
    assert events == {
        "Phishing": {"4"},
        "Intelligence of CSIRT": {"1"},
        "Intelligence of unknown": {"3"},
    }
    assert len(made.events) == 4
    assert made.left == {}


def test_the_same_objects_make_the_same_events_and_ids_of_collections_stay():
    some = [maker(), indicator(1), indicator(2, ("domain", "other.example"))]

    assert json.dumps(write(some).events) == json.dumps(write(reversed(some)).events)
    assert write(some[:2]).events[0]["uuid"] == write(some).events[0]["uuid"]


def test_what_misp_has_no_word_for_is_named():
    course = stix("infrastructure", 1, name="servers")
    made, _ = again(
        [
            maker(),
            course,
            indicator(2),
            stix("opinion", 3, opinion="agree", object_refs=[course["id"]]),
        ]
    )

    assert named(made)[1] == {"value": ["infrastructure", "opinion"]}


@pytest.mark.parametrize(
    "more",
    [
        {
            "object_marking_refs": [
                tlp_id(Tlp.GREEN),
                "marking-definition--11111111-1111-4111-8111-111111111111",
            ]
        },
        {"granular_markings": [{"marking_ref": tlp_id(Tlp.RED), "selectors": ["description"]}]},
    ],
)
def test_what_is_marked_by_more_than_tlp_and_pap_does_not_go_to_misp(more):
    body = indicator(1, description="told") | more

    made, _ = again([maker(), body])

    assert made.events == []
    assert made.left["marking"] == [body["id"]]


def test_a_revoked_indicator_is_deleted_and_an_end_is_an_expiration():
    gone = indicator(1, revoked=True)
    ends = indicator(2, ("domain", "other.example"), valid_until="2026-06-01T00:00:00.000Z")

    _, after = again([maker(), gone, ends])

    found = {body["id"]: body for body in after}
    assert found[gone["id"]]["revoked"] is True
    assert found[ends["id"]]["valid_until"] == ends["valid_until"]


def test_a_native_actor_and_what_indicates_it_is_a_cluster_of_the_attribute():
    actor = stix("threat-actor", 5, name="APT X", aliases=["X"], threat_actor_types=["spy"])
    one = indicator(1)
    link = stix(
        "relationship",
        6,
        relationship_type="indicates",
        source_ref=one["id"],
        target_ref=actor["id"],
    )

    made, after = again([maker(), one, actor, link])

    assert made.left == {}
    found = {body["id"]: body for body in after}
    assert (found[actor["id"]]["name"], found[actor["id"]]["aliases"]) == ("APT X", ["X"])
    assert [b["relationship_type"] for b in after if b["type"] == "relationship"] == ["indicates"]


# --- markings, and what comes along with lies ---------------------------------------------------------------
def test_what_is_marked_stricter_than_its_event_and_cannot_say_so_is_not_written():
    actor = stix("threat-actor", 5, Tlp.AMBER, name="SECRET")
    one = indicator(1)
    link = stix(
        "relationship",
        6,
        Tlp.AMBER,
        relationship_type="indicates",
        source_ref=one["id"],
        target_ref=actor["id"],
    )
    seen = stix("sighting", 7, Tlp.AMBER, sighting_of_ref=one["id"])
    report = stix("report", 9, name="R", published=OLD, object_refs=[one["id"], actor["id"]])

    made, _ = again([maker(Tlp.AMBER) | {"name": "SECRET"}, one, actor, link, seen, report])

    assert "SECRET" not in json.dumps(made.events)
    assert set(named(made)[1]["value"]) >= {"relationship", "sighting", "threat-actor"}


@pytest.mark.parametrize(
    "lie",
    [
        {"value": "other.example"},
        {"type": "filename"},
        {"value": "evil.example", "comment": "told to nobody"},
    ],
)
def test_an_element_that_says_something_else_than_its_object_is_not_written(lie):
    kept = {
        "type": "domain",
        "value": "evil.example",
        "category": "Network activity",
        "to_ids": True,
        "timestamp": AT,
    }
    extension = {"extension_type": "property-extension", "attribute": kept | lie}
    body = indicator(1, extensions={MISP_EXTENSION: extension})

    made, _ = again([maker(), body])

    [[written]] = [e["Attribute"] for e in made.events]
    assert (written["type"], written["value"], written["comment"]) == ("domain", "evil.example", "")


def test_nothing_rides_along_in_an_element_payloads_parts_and_lower_tags_do_not():
    kept = {
        "type": "domain", "value": "evil.example", "category": "Network activity", "to_ids": True, "timestamp": AT,
        "data": "TVqQ", "distribution": "3", "Tag": [{"name": "tlp:clear"}, {"name": "apt"}],
        "SharingGroup": {"name": "x"},
    }  # fmt: skip
    smuggled = {
        "Attribute": [attribute("domain", "smuggled.example", 77)],
        "Tag": [{"name": "TLP:white"}],
    }
    body = indicator(1, level=Tlp.AMBER_STRICT, extensions={MISP_EXTENSION: {"attribute": kept}})
    report = stix("report", 9, Tlp.AMBER_STRICT, name="R", published=OLD, object_refs=[body["id"]],
                  extensions={MISP_EXTENSION: {"event": smuggled}})  # fmt: skip

    made, _ = again([maker(), body, report])

    [written] = made.events
    text = json.dumps(written)
    assert "smuggled" not in text
    assert "data" not in written["Attribute"][0]
    assert "SharingGroup" not in text
    names = [t["name"] for t in written["Tag"]], [t["name"] for t in written["Attribute"][0]["Tag"]]
    assert names == (["tlp:amber+strict"], ["tlp:amber+strict", "apt"])
    assert (written["distribution"], written["Attribute"][0]["distribution"]) == ("0", "0")


def test_a_cluster_kept_in_an_element_goes_no_further_than_the_object_it_is():
    before = read(RICH)
    [actor] = [b for b in before if b["type"] == "threat-actor"]
    raised = actor | {"modified": OLD, "object_marking_refs": [tlp_id(Tlp.RED)]}

    made, _ = again([raised if b is actor else b for b in before])

    assert "APT X" not in json.dumps(made.events)


levels = st.none() | st.sampled_from(list(Tlp))
actions = st.none() | st.sampled_from(list(Pap))
_drawn = st.tuples(levels, actions)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(_drawn, min_size=9, max_size=9),
    st.lists(
        st.sampled_from(["tlp:clear", "TLP:white", "pap:clear", "apt", 'misp:to_ids="False"']),
        max_size=3,
    ),
    st.booleans(),
)
def test_whatever_is_written_and_read_again_is_never_marked_lower(drawn, labels, reported):
    marked = iter(drawn)

    def one(make, *args, **more):
        found, act = next(marked)
        return make(*args, **more) | {
            "object_marking_refs": [
                *([] if found is None else [tlp_id(found)]),
                *([] if act is None else [pap_id(act)]),
            ]
        }

    first = one(indicator, 1, labels=labels or None)
    file = one(indicator, 2, ("md5", "a" * 32), ("sha1", "b" * 40))
    actor = one(stix, "threat-actor", 3, name="APT X")
    address = one(stix, "ipv4-addr", 4, value="198.51.100.7") | {"created": None}
    address = {
        k: v for k, v in address.items() if k not in {"created", "modified", "created_by_ref"}
    }
    seen = one(
        stix,
        "observed-data",
        5,
        first_observed=OLD,
        last_observed=OLD,
        number_observed=1,
        object_refs=[address["id"]],
    )
    sight = one(stix, "sighting", 6, sighting_of_ref=first["id"], where_sighted_refs=[MAKER])
    link = one(
        stix,
        "relationship",
        7,
        relationship_type="indicates",
        source_ref=first["id"],
        target_ref=actor["id"],
    )
    note = one(stix, "note", 8, content="told", object_refs=[first["id"]])
    report = one(
        stix,
        "report",
        9,
        name="R",
        published=OLD,
        object_refs=[first["id"], actor["id"], seen["id"], note["id"]],
    )
    some = [
        maker(None),
        first,
        file,
        actor,
        address,
        seen,
        sight,
        link,
        note,
        *([report] if reported else []),
    ]
    some = [{k: v for k, v in b.items() if v != []} for b in some]

    made, after = again(some)

    by_value = {b.get("value"): b for b in after if b["type"] == "ipv4-addr"}
    found = {body["id"]: body for body in after}
    for body in some:
        came = (
            by_value.get(body.get("value"))
            if body["type"] == "ipv4-addr"
            else found.get(body["id"])
        )
        if came is not None:
            assert level(came) >= level(body), (body, came)
            assert action(came) >= action(body), (body, came)
    told = made.told | set(itertools.chain(*made.left.values()))
    assert told == {body["id"] for body in some}


def test_a_round_trip_names_what_is_lost_and_of_each_the_newest_version_counts():
    old = indicator(1, name="beacon")
    new = old | {"modified": "2026-02-01T00:00:00.000Z", "object_marking_refs": [tlp_id(Tlp.AMBER)]}
    course = stix("infrastructure", 2, name="servers")

    found = roundtrip([maker(), new, old, course])

    assert (found.objects, found.events, found.lowered) == (3, 1, [])
    assert (course["id"], "object") in found.lost
    assert (old["id"], "name") in found.lost
    assert not {(old["id"], "pattern"), (old["id"], "object_marking_refs")} & set(found.lost)


@pytest.mark.skipif(not SETS.exists(), reason="the public bundles are not here")
def test_of_public_bundles_nothing_comes_back_marked_lower():
    seen = 0
    with tarfile.open(SETS) as bundles:
        for each in bundles:
            if not each.name.endswith(".json") or not 0 < each.size < 1_000_000:
                continue
            try:
                read_ = [
                    o
                    for o in BUILT_IN.read(bundles.extractfile(each).read())
                    if isinstance(o, Object)
                ]
            except InputError:
                continue
            seen += len(read_)
            assert roundtrip(o.body for o in read_).lowered == [], each.name
    assert seen > 1000
