"""Events of MISP become STIX 2.1: named by their UUIDs, under their markings at least, with nothing of them lost."""

import json
import time

import pytest
import stix2
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, NotThisFormat, Refusal
from mithaq.formats.misp import Misp
from mithaq.formats.misp.reading import read_event
from mithaq.formats.misp.writing import write
from mithaq.model.extensions import MISP_EXTENSION
from mithaq.model.labels import Pap, Tlp
from mithaq.model.markings import FIXED, pap_id, tlp_id
from mithaq.model.objects import Object

ORG = {"name": "CSIRT of Aurelia", "uuid": "00000000-0000-4000-8000-0000000000aa"}
AT = "1700000000"
INSTANT = "2023-11-14T22:13:20.000Z"


def uuid(number):
    return f"00000000-0000-4000-8000-{number:012d}"


def attribute(type_="domain", value="evil.example", number=1, **more):
    made = {"type": type_, "value": value, "uuid": uuid(number), "timestamp": AT}
    return {"category": "Network activity", "to_ids": True, **made} | more


def event(*attributes, **more):
    made = {
        "uuid": uuid(900),
        "info": "Phishing",
        "date": "2023-11-01",
        "timestamp": AT,
        "Orgc": ORG,
    }
    return {"Attribute": list(attributes), **made} | more


def tags(*names):
    return {"Tag": [{"name": name} for name in names]}


def read(*events):
    return list(BUILT_IN.read(json.dumps({"response": [{"Event": e} for e in events]}).encode()))


def objects(*attributes, **more):
    """Return the bodies of an event's objects, of which none is refused, by type."""
    found = {}
    for each in read(event(*attributes, **more)):
        assert not isinstance(each, Refusal), each
        stix2.parse(each.raw.decode(), allow_custom=True)
        found.setdefault(each.type, []).append(each.body)
    return found


def level(body):
    """Return the TLP level that an object bears; None if it bears none."""
    levels = [FIXED[ref].label.tlp for ref in body.get("object_marking_refs", ())]
    return max((each for each in levels if each is not None), default=None)


# --- what becomes of an event ----------------------------------------------------------------------------
def test_an_event_becomes_a_report_of_its_organisation_that_names_all_that_came_of_it():
    found = objects(attribute(number=1), attribute("md5", "0" * 32, 2))

    [report] = found["report"]
    [identity] = found["identity"]
    assert report["id"] == f"report--{uuid(900)}"
    assert (report["name"], report["modified"]) == ("Phishing", INSTANT)
    assert report["created"] == "2023-11-01T00:00:00.000Z"
    assert report["created_by_ref"] == identity["id"] == f"identity--{ORG['uuid']}"
    assert identity["name"] == ORG["name"]
    assert report["object_refs"] == [each["id"] for each in found["indicator"]]


def test_an_event_without_anything_in_it_still_comes_in():
    [report] = objects()["report"]

    assert report["object_refs"] == [f"identity--{ORG['uuid']}"]


def test_a_published_event_says_when():
    [published] = objects(publish_timestamp="1700000060")["report"]
    [not_yet] = objects(publish_timestamp="0")["report"]

    assert published["published"] == "2023-11-14T22:14:20.000Z"
    assert not_yet["published"] == INSTANT


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: {"Event": e}, lambda e: [{"Event": e}]])
def test_an_event_is_read_alone_in_its_wrapping_and_in_lists(wrap):
    raw = json.dumps(wrap(event(attribute()))).encode()

    assert "indicator" in {each.type for each in BUILT_IN.read(raw, "misp")}


def test_the_same_event_becomes_the_same_bytes_each_time():
    one, two = (read(event(attribute(), **tags("tlp:green"))) for _ in range(2))

    assert [each.raw for each in one] == [each.raw for each in two]


def test_a_changed_attribute_is_a_new_version_of_the_same_object():
    [old] = objects(attribute())["indicator"]
    [new] = objects(attribute(comment="seen again", timestamp="1700000100"))["indicator"]

    assert (old["id"], old["created"]) == (new["id"], new["created"])
    assert old["modified"] < new["modified"]


# --- attributes --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("type_", "value", "pattern"),
    [
        ("ip-dst", "198.51.100.7", "[ipv4-addr:value = '198.51.100.7']"),
        ("ip-src", "2001:db8::1", "[ipv6-addr:value = '2001:db8::1']"),
        ("ip-dst", "198.51.100.0/24", "[ipv4-addr:value = '198.51.100.0/24']"),
        (
            "ip-dst|port",
            "198.51.100.7|443",
            "[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 443]",
        ),
        ("hostname", "WWW.evil.example", "[domain-name:value = 'www.evil.example']"),
        ("hostname|port", "evil.example|8080", "[domain-name:value = 'evil.example']"),
        (
            "domain|ip",
            "evil.example|198.51.100.7",
            "[domain-name:value = 'evil.example' AND ipv4-addr:value = '198.51.100.7']",
        ),
        ("url", "https://evil.example/a", "[url:value = 'https://evil.example/a']"),
        ("url", "www.evil.example", "[domain-name:value = 'www.evil.example']"),
        ("sha256", "A" * 64, f"[file:hashes.'SHA-256' = '{'a' * 64}']"),
        ("imphash", "b" * 32, f"[file:extensions.'windows-pebinary-ext'.imphash = '{'b' * 32}']"),
        (
            "filename|md5",
            f"Bin/evil.exe|{'c' * 32}",
            f"[file:name = 'evil.exe' AND file:parent_directory_ref.path = 'Bin' AND file:hashes.MD5 = '{'c' * 32}']",
        ),
        (
            "malware-sample",
            f"a.exe|{'d' * 32}",
            f"[file:name = 'a.exe' AND file:hashes.MD5 = '{'d' * 32}']",
        ),
        ("email-src", "x@evil.example", "[email-addr:value = 'x@evil.example']"),
        ("regkey", "HKLM\\Run", "[windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\Run']"),
        ("AS", "AS64496", "[autonomous-system:number = 64496]"),
        ("mutex", "it's me", "[mutex:name = 'it\\'s me']"),
    ],
)
def test_what_is_for_detection_becomes_an_indicator(type_, value, pattern):
    found = objects(attribute(type_, value, comment="from the mail"))

    [indicator] = found["indicator"]
    assert indicator["id"] == f"indicator--{uuid(1)}"
    assert (indicator["pattern"], indicator["pattern_type"]) == (pattern, "stix")
    assert (indicator["valid_from"], indicator["description"]) == (INSTANT, "from the mail")
    assert indicator["labels"] == [
        f'misp:type="{type_}"',
        'misp:category="Network activity"',
        'misp:to_ids="True"',
    ]


@pytest.mark.parametrize("rule", ["yara", "sigma", "snort"])
def test_a_rule_is_an_indicator_in_its_own_language(rule):
    [indicator] = objects(attribute(rule, "rule x { condition: true }"))["indicator"]

    assert (indicator["pattern_type"], indicator["pattern"]) == (rule, "rule x { condition: true }")


def test_what_is_not_for_detection_is_what_was_seen_and_never_an_indicator():
    found = objects(
        attribute(
            to_ids=False, first_seen="2023-11-02T01:00:00+02:00", last_seen="2023-11-03T00:00:00"
        ),
        attribute("filename|sha1", f"a.exe|{'e' * 40}", 2, to_ids="0"),
    )

    domain, file = found["observed-data"]
    assert "indicator" not in found
    assert (domain["first_observed"], domain["last_observed"]) == (
        "2023-11-01T23:00:00.000Z",
        "2023-11-03T00:00:00.000Z",
    )
    [name] = found["domain-name"]
    [seen] = found["file"]
    assert domain["object_refs"] == [name["id"]]
    assert file["object_refs"] == [seen["id"]]
    assert (seen["name"], seen["hashes"]) == ("a.exe", {"SHA-1": "e" * 40})


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("text", "a note"),
        ("link", "https://blog.example/report"),
        ("ip-dst", "not an address"),
        ("domain|ip", "evil.example"),
        ("regkey", "Software\\Run"),
    ],
)
def test_what_has_no_place_in_stix_or_is_not_what_it_says_is_kept_as_it_is(type_, value):
    [kept] = objects(attribute(type_, value, to_ids=False))["x-misp-attribute"]

    assert (kept["x_misp_type"], kept["x_misp_value"]) == (type_, value)


def test_a_vulnerability_is_one():
    [found] = objects(attribute("vulnerability", "CVE-2023-0001"))["vulnerability"]

    assert found["name"] == "CVE-2023-0001"
    assert found["external_references"] == [{"source_name": "cve", "external_id": "CVE-2023-0001"}]


def test_what_was_deleted_is_revoked():
    [indicator] = objects(attribute(deleted=True))["indicator"]

    assert indicator["revoked"] is True


def test_all_that_stix_has_no_word_for_stands_beside_it_but_what_is_of_one_server_and_samples():
    more = {
        "id": "7",
        "event_id": "3",
        "data": "UEsDBA==",
        "disable_correlation": True,
        "sharing_group_id": "4",
    }
    more |= {
        "Tag": [{"name": "x", "colour": "#ffffff", "id": "9"}],
        "SharingGroup": {"name": "the five"},
    }
    [indicator] = objects(attribute(**more))["indicator"]

    kept = indicator["extensions"][MISP_EXTENSION]["attribute"]
    assert kept == {
        "type": "domain",
        "value": "evil.example",
        "uuid": uuid(1),
        "timestamp": AT,
        "category": "Network activity",
        "to_ids": True,
        "disable_correlation": True,
        "Tag": [{"name": "x", "colour": "#ffffff"}],
    }


# --- markings ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tlp:clear", Tlp.CLEAR),
        ("tlp:white", Tlp.CLEAR),
        ("TLP:GREEN", Tlp.GREEN),
        ("tlp:amber", Tlp.AMBER),
        ("tlp:amber+strict", Tlp.AMBER_STRICT),
        ("tlp:red", Tlp.RED),
        ("tlp:ex:chr", Tlp.RED),
        ("tlp:unclear", Tlp.RED),
        ("tlp:purple", Tlp.RED),
    ],
)
def test_a_tlp_tag_is_a_marking_and_one_that_nobody_knows_lets_nothing_out(name, expected):
    found = objects(attribute(), **tags(name))

    for kind in ("report", "indicator", "identity"):
        assert [level(each) for each in found[kind]] == [expected]


def test_what_stands_in_an_event_is_marked_as_strictly_as_it_at_least():
    found = objects(
        attribute(number=1, **tags("tlp:red")),
        attribute(number=2, **tags("tlp:clear")),
        attribute(number=3),
        **tags("tlp:amber", "tlp:green", "PAP:AMBER"),
    )

    assert [level(each) for each in found["indicator"]] == [Tlp.RED, Tlp.AMBER, Tlp.AMBER]
    assert all(pap_id(Pap.AMBER) in each["object_marking_refs"] for each in found["indicator"])


def test_an_unmarked_event_stays_unmarked_for_its_source_to_say():
    found = objects(attribute(), distribution="3")

    assert [level(each) for each in found["indicator"]] == [None]
    assert "object_marking_refs" not in found["report"][0]


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("0", Tlp.AMBER_STRICT),
        ("1", Tlp.AMBER_STRICT),
        (2, Tlp.AMBER),
        ("4", Tlp.AMBER_STRICT),
        ("3", Tlp.GREEN),
    ],
)
def test_a_distribution_that_goes_no_further_is_never_lost(distribution, expected):
    [of_event] = objects(attribute(), distribution=distribution, **tags("tlp:green"))["indicator"]
    [of_attribute] = objects(attribute(distribution=distribution), **tags("tlp:green"))["indicator"]

    assert level(of_event) == level(of_attribute) == expected


def test_an_unknown_action_is_no_action():
    [indicator] = objects(attribute(**tags("PAP:PURPLE")))["indicator"]

    assert pap_id(Pap.RED) in indicator["object_marking_refs"]


def test_tags_are_labels_and_say_how_sure_somebody_is():
    sure = 'estimative-language:confidence-in-analytic-judgment="moderate"'
    less = 'admiralty-scale:information-credibility="4"'
    [indicator] = objects(attribute(**tags("osint", sure, less, 'misp-galaxy:tool="X"')))[
        "indicator"
    ]

    assert indicator["labels"][-3:] == ["osint", sure, less]
    assert indicator["confidence"] == 30


# --- objects ---------------------------------------------------------------------------------------------------
def thing(*attributes, number=50, **more):
    made = {"uuid": uuid(number), "name": "file", "meta-category": "file", "timestamp": AT}
    return {**made, "Attribute": list(attributes)} | more


def test_an_object_is_one_thing_by_any_of_its_digests_and_as_strict_as_its_strictest_part():
    made = thing(
        attribute("md5", "0" * 32, 1, **tags("tlp:red", "one")),
        attribute("sha1", "1" * 40, 2, timestamp="1700000500"),
        attribute("filename", "a.exe", 3),
        comment="the dropper",
    )
    [indicator] = objects(Object=[made], **tags("tlp:green"))["indicator"]

    assert (
        indicator["pattern"]
        == f"[file:hashes.MD5 = '{'0' * 32}' OR file:hashes.'SHA-1' = '{'1' * 40}']"
    )
    assert (level(indicator), indicator["description"]) == (Tlp.RED, "the dropper")
    assert indicator["modified"] == "2023-11-14T22:21:40.000Z"
    assert 'misp:name="file"' in indicator["labels"]
    assert "one" in indicator["labels"]


def test_parts_of_an_object_that_are_not_for_detection_or_deleted_are_not_in_its_pattern():
    made = thing(
        attribute("domain", "a.example", 1),
        attribute("ip-dst", "198.51.100.7", 2, to_ids=False),
        attribute("ip-dst", "198.51.100.8", 3, deleted="1"),
        name="domain-ip",
    )
    [indicator] = objects(Object=[made])["indicator"]

    assert indicator["pattern"] == "[domain-name:value = 'a.example']"


def test_an_object_without_anything_to_detect_is_what_was_seen_or_is_kept():
    seen = thing(attribute("domain", "a.example", 1, to_ids=False), number=50)
    kept = thing(attribute("text", "hello", 2), number=51, name="")
    found = objects(Object=[seen, kept])

    assert [each["id"] for each in found["observed-data"]] == [f"observed-data--{uuid(50)}"]
    assert found["x-misp-object"][0]["x_misp_name"] == "object"


def test_references_between_objects_are_relationships():
    link = {
        "uuid": uuid(70),
        "referenced_uuid": uuid(51),
        "relationship_type": "Drops_by",
        "timestamp": AT,
    }
    one = thing(attribute(number=1), number=50, ObjectReference=[link])
    two = thing(attribute(number=2), number=51)
    [made] = objects(Object=[one, two])["relationship"]

    assert (made["source_ref"], made["target_ref"]) == (
        f"indicator--{uuid(50)}",
        f"indicator--{uuid(51)}",
    )
    assert made["relationship_type"] == "drops-by"


# --- who saw it, what it belongs to ------------------------------------------------------------------------------
def test_sightings_false_positives_and_expirations_each_say_their_own():
    seen = {
        "uuid": uuid(80),
        "type": "0",
        "date_sighting": "1700001000",
        "Organisation": ORG | {"uuid": uuid(81)},
    }
    wrong = {
        "uuid": uuid(82),
        "type": "1",
        "date_sighting": "1700002000",
        "Organisation": ORG | {"uuid": uuid(81)},
    }
    over = {"type": "2", "date_sighting": "1700003000"}
    found = objects(attribute(Sighting=[seen, wrong, over]))

    [indicator], [sighting], [opinion] = (found[k] for k in ("indicator", "sighting", "opinion"))
    assert indicator["valid_until"] == "2023-11-14T23:03:20.000Z"
    assert (sighting["sighting_of_ref"], sighting["where_sighted_refs"]) == (
        indicator["id"],
        [f"identity--{uuid(81)}"],
    )
    assert sighting["first_seen"] == "2023-11-14T22:30:00.000Z"
    assert (opinion["opinion"], opinion["object_refs"]) == ("strongly-disagree", [indicator["id"]])
    assert opinion["authors"] == [ORG["name"]]


def galaxy(type_, *values, **more):
    clusters = [
        {"value": v, "uuid": uuid(600 + n), "tag_name": f"misp-galaxy:{type_}={v}"}
        for n, v in enumerate(values)
    ]
    return {"type": type_, "GalaxyCluster": [cluster | more for cluster in clusters]}


def test_clusters_are_objects_that_indicators_indicate_and_attack_is_named_alone():
    actor = galaxy(
        "threat-actor", "Sand Cat", description="who", meta={"synonyms": ["Cat 7", "Cat 7"]}
    )
    technique = galaxy("mitre-attack-pattern", "Phishing - T1566")
    found = objects(attribute(Galaxy=[actor, technique, galaxy("sector", "energy")]))

    [made] = found["threat-actor"]
    assert (made["name"], made["aliases"], made["description"]) == ("Sand Cat", ["Cat 7"], "who")
    assert "attack-pattern" not in found
    assert {(r["relationship_type"], r["target_ref"]) for r in found["relationship"]} == {
        ("indicates", made["id"]),
        ("indicates", f"attack-pattern--{uuid(600)}"),
    }


def test_a_cluster_of_the_event_is_named_by_the_report_and_one_of_a_feed_has_a_uuid_of_its_tag():
    bare = galaxy("mitre-malware", "Emotet")
    del bare["GalaxyCluster"][0]["uuid"]
    one, two = (objects(Galaxy=[bare])["report"][0]["object_refs"] for _ in range(2))

    assert one == two
    assert one[0].startswith("malware--")


def test_a_report_of_an_event_is_a_note_on_it():
    text = {
        "uuid": uuid(90),
        "name": "What happened",
        "content": "A mail came.",
        "timestamp": AT,
        "distribution": "0",
    }
    [note] = objects(EventReport=[text], **tags("tlp:green"))["note"]

    assert (note["abstract"], note["content"]) == ("What happened", "A mail came.")
    assert note["object_refs"] == [f"report--{uuid(900)}"]
    assert level(note) == Tlp.AMBER_STRICT


# --- what cannot be taken -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("made", "code", "where"),
    [
        (attribute(uuid="7"), "misp-uuid", "event 0 Attribute 1/uuid"),
        (attribute(number=2, timestamp="soon"), "misp-instant", "event 0 Attribute 1/timestamp"),
        (attribute(number=2, timestamp="9" * 30), "misp-instant", "event 0 Attribute 1/timestamp"),
        (attribute(number=2, value=""), "misp-attribute", "event 0 Attribute 1"),
        (attribute(number=2, first_seen="once"), "misp-instant", "event 0 Attribute 1/first_seen"),
    ],
)
def test_an_element_that_cannot_be_taken_is_refused_by_itself(made, code, where):
    found = read(event(attribute(), made))

    [refusal] = [each for each in found if isinstance(each, Refusal)]
    assert (refusal.code, refusal.where) == (code, where)
    assert {"indicator", "report"} <= {each.type for each in found if not isinstance(each, Refusal)}


def test_a_proposal_and_a_reference_to_what_is_not_there_are_named():
    link = {
        "uuid": uuid(70),
        "referenced_uuid": uuid(51),
        "relationship_type": "drops",
        "timestamp": AT,
    }
    found = read(
        event(
            Object=[thing(attribute(), ObjectReference=[link])],
            ShadowAttribute=[attribute(number=3)],
        )
    )

    assert [each.code for each in found if isinstance(each, Refusal)] == [
        "misp-reference",
        "misp-proposal",
    ]


@pytest.mark.parametrize("lacks", ["Orgc", "uuid", "timestamp"])
def test_an_event_without_what_makes_it_one_is_refused_and_the_next_goes_on(lacks):
    bad = event(attribute(), date="")
    del bad[lacks]
    found = read(bad, event(attribute()))

    refusals = [each for each in found if isinstance(each, Refusal)]
    assert [each.where.split()[:2] for each in refusals] == [["event", "0"]] * len(refusals)
    assert f"report--{uuid(900)}" in {each.id for each in found if not isinstance(each, Refusal)}


@pytest.mark.parametrize(
    "raw", [b'{"response":{"Attribute":[]}}', b'{"Event":[]}', b'{"Event":{}}', b"[]", b"7"]
)
def test_what_is_no_event_is_said_to_be_none(raw):
    with pytest.raises(NotThisFormat):
        list(Misp().read(raw) if raw != b"[]" else BUILT_IN.read(b'[{"Event":7}]', "misp"))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    ["uuid", "type", "value", "timestamp", "to_ids", "Tag", "Galaxy", "Sighting", "comment", "distribution",
     "first_seen", "deleted", "Orgc", "info", "date", "Object", "Attribute", "EventReport", "ObjectReference",
     "publish_timestamp"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_FIELDS, _JSON, max_size=4), st.dictionaries(_FIELDS, _JSON, max_size=4))
def test_whatever_stands_in_an_event_it_is_read_or_refused_and_never_marked_lower(outer, inner):
    marked = event(attribute() | inner, **(outer | tags("tlp:amber") | {"info": "x"}))
    try:
        found = list(Misp().read(json.dumps({"Event": marked}).encode()))
    except InputError:
        return
    for each in found:
        if not isinstance(each, Refusal) and each.type != "extension-definition":
            assert level(each.body) is not None
            assert level(each.body) >= Tlp.AMBER


def test_a_large_event_takes_time_in_proportion():
    def seconds(count):
        raw = json.dumps(
            {"Event": event(*(attribute(value=f"a{n}.example", number=n) for n in range(count)))}
        ).encode()
        began = time.process_time()
        assert len(list(Misp().read(raw))) == count + 3
        return time.process_time() - began

    assert min(seconds(4000) for _ in range(3)) < 8 * min(seconds(1000) for _ in range(3))


# --- attributes without their events ------------------------------------------------------------------------
def alone(*attributes, wrapped=True):
    told = {"Attribute": list(attributes)}
    raw = json.dumps({"response": told} if wrapped else told).encode()
    return [each for each in BUILT_IN.read(raw) if isinstance(each, Object)]


@pytest.mark.parametrize("wrapped", [True, False])
def test_attributes_that_a_search_lists_come_in_without_a_maker_or_a_report(wrapped):
    one = attribute("domain", "evil.example", 1, event_uuid=uuid(900), comment="c2")
    other = attribute("text", "as told", 2, to_ids=False)

    found = alone(one, other, wrapped=wrapped)

    types = [each.type for each in found]
    assert types == ["extension-definition", "indicator", "x-misp-attribute"]
    indicator = found[1].body
    assert indicator["pattern"] == "[domain-name:value = 'evil.example']"
    assert "created_by_ref" not in indicator


@pytest.mark.parametrize(
    ("told", "level"),
    [
        (tags("tlp:green"), Tlp.AMBER_STRICT),  # the event may be marked stricter: nobody says
        ({}, Tlp.AMBER_STRICT),
        (tags("tlp:red"), Tlp.RED),
        ({"Tag": [{"name": "tlp:green", "inherited": 1}]}, Tlp.GREEN),
        ({"Tag": [{"name": "tlp:green", "inherited": 0}], "Event": {"distribution": "2"}}, Tlp.AMBER),
        ({"Tag": [{"name": "tlp:green", "inherited": 0}], "distribution": "4"}, Tlp.AMBER_STRICT),
    ],
)  # fmt: skip
def test_an_attribute_alone_goes_no_further_than_what_it_stood_in_may(told, level):
    [_, indicator] = alone(attribute("domain", "evil.example", 1, **told))

    assert indicator.body["object_marking_refs"] == [tlp_id(level)]


# --- what analysts say --------------------------------------------------------------------------------------
def test_notes_and_opinions_of_analysts_become_those_of_stix_and_go_back_as_they_were():
    when = {"created": "2023-11-14 22:00:00", "modified": "2023-11-14 22:13:20", "authors": "ana"}
    opinion = {"uuid": uuid(71), "opinion": "5", "comment": "not ours", **when}
    note = {
        "uuid": uuid(70),
        "note": "seen twice",
        "Opinion": [opinion],
        "distribution": "0",
        **when,
    }
    one = event(attribute("domain", "evil.example", 1) | {"Note": [note]}, **tags("tlp:green"))

    bodies = [each.body for each in read_event(one) if isinstance(each, Object)]

    [told] = [b for b in bodies if b["type"] == "note"]
    [judged] = [b for b in bodies if b["type"] == "opinion"]
    assert (told["content"], told["authors"]) == ("seen twice", ["ana"])
    assert told["object_refs"] == [f"indicator--{uuid(1)}"]
    assert (judged["opinion"], judged["object_refs"]) == ("strongly-disagree", [told["id"]])
    near = [tlp_id(Tlp.AMBER_STRICT)]
    assert told["object_marking_refs"] == judged["object_marking_refs"] == near
    [again] = write(bodies).events
    assert "Note" not in again["Attribute"][0]  # it is marked stricter, and could not say so
    lower = [b | {"object_marking_refs": [tlp_id(Tlp.GREEN)]} for b in (told, judged)]
    [again] = write([*(b for b in bodies if b not in (told, judged)), *lower]).events
    [back] = again["Attribute"][0]["Note"]
    assert (back["note"], back["authors"], back["modified"]) == (
        "seen twice",
        "ana",
        when["modified"],
    )
    assert (back["Opinion"][0]["opinion"], back["Opinion"][0]["comment"]) == ("5", "not ours")
    assert "Sighting" not in again["Attribute"][0]
