"""What PyMISP and a pushing MISP bring: it goes into the spool, is read back, and is admitted by the worker."""

import json

import pytest
from pymisp import MISPAttribute, MISPEvent, MISPSighting, PyMISP

from mithaq.exchange.misp.ways import number
from mithaq.formats import BUILT_IN
from mithaq.model.objects import Object
from tests.conformance import test_taxii_peers as peers
from tests.conformance.test_misp_tools import ADDRESS, DOMAIN, HIDDEN, REPORT, uuid
from tests.rooms.exchange.world import B_SHELF, CLIENT_SHELF

served = peers.served


@pytest.fixture(scope="module")
def misp(served):
    served.world.place(CLIENT_SHELF, DOMAIN, ADDRESS, REPORT)
    served.world.place(B_SHELF, HIDDEN)
    return PyMISP(served.url, served.world.tokens["misp"])


def an_event(**more):
    event = MISPEvent()
    event.from_dict(info="Seen at a bank", distribution=2, threat_level_id=2, analysis=0, **more)
    event.add_tag("tlp:amber")
    event.add_attribute("domain", "bank.example", to_ids=True)
    return event


def posts(served):
    """Return what lies in the spool, as the worker would read it."""
    found = [each for each in served.world.arrivals() if each.kind == "post"]
    return [
        [o for o in BUILT_IN.read(each.raw, each.facts["format"]) if isinstance(o, Object)]
        for each in found
    ]


def test_an_event_that_pymisp_adds_goes_into_the_spool_with_its_markings_and_is_read_back(
    served, misp
):
    event = an_event()

    added = misp.add_event(event, pythonify=True)
    again = misp.get_event(added.uuid, pythonify=True)

    assert (added.uuid, added.info) == (event.uuid, "Seen at a bank") == (again.uuid, again.info)
    assert str(added.id) == number(added.uuid) == str(misp.get_event(added.id)["Event"]["id"])
    [indicator] = [o for o in posts(served)[-1] if o.type == "indicator"]
    assert "f88d31f6" in str(indicator.marking_refs) or "55d920b0" in str(indicator.marking_refs)
    assert misp.event_exists(event.uuid)
    assert misp.add_event(event)["errors"][0] == 404


def test_attributes_tags_and_publication_are_new_versions_of_the_clients_own_event(served, misp):
    added = misp.add_event(an_event(), pythonify=True)
    one = MISPAttribute()
    one.from_dict(type="ip-dst", value="192.0.2.77", to_ids=True)
    two = MISPAttribute()
    two.from_dict(type="ip-dst", value="192.0.2.78", to_ids=True)

    alone = misp.add_attribute(added, one, pythonify=True)
    twice = misp.add_attribute(added, one)
    listed = misp.add_attribute(added, [two, one], pythonify=True)
    tagged = misp.tag(added, "tlp:red")
    published = misp.publish(added)
    now = misp.get_event(added.uuid, pythonify=True)

    assert alone.value == "192.0.2.77"
    assert twice["errors"][0] == 403
    assert len(listed["attributes"]) == 2
    assert (tagged["saved"], published["success"]) == (True, True)
    assert sorted(a.value for a in now.attributes) == ["192.0.2.77", "192.0.2.78", "bank.example"]
    assert {"tlp:amber", "tlp:red"} <= {tag.name for tag in now.tags}
    assert now.published
    newest = [o for o in posts(served)[-2] if o.type == "indicator"]
    assert {o.version[:19] for o in newest} == {max(o.version for o in newest)[:19]}


def test_an_edit_keeps_what_it_does_not_mention_and_an_older_one_is_not_taken(misp):
    added = misp.add_event(an_event(), pythonify=True)

    changed = misp._prepare_request("POST", f"events/edit/{added.uuid}", data={"info": "Other"})
    older = misp._prepare_request(
        "POST", f"events/edit/{added.uuid}", data={"info": "x", "timestamp": 5}
    )

    assert changed.json()["Event"]["info"] == "Other"
    assert [a["value"] for a in changed.json()["Event"]["Attribute"]] == ["bank.example"]
    assert older.status_code == 403
    assert "not newer than the local copy" in older.json()["errors"]


def test_what_stands_on_the_shelf_is_not_the_clients_to_change(misp):
    event = misp.get_event(uuid(REPORT), pythonify=True)
    one = MISPAttribute()
    one.from_dict(type="ip-dst", value="192.0.2.79")

    answers = [
        misp.update_event(event),
        misp.add_attribute(event, one),
        misp.tag(event, "tlp:clear"),
        misp.publish(event),
    ]

    assert [each["errors"][0] for each in answers] == [403] * 4


def test_who_sees_something_says_so_by_its_uuid_or_by_its_value(served, misp):
    sighting = MISPSighting()
    sighting.from_dict(value="evil.example", type="0", timestamp=1_700_000_000)

    by_value = misp.add_sighting(sighting)
    by_uuid = misp.add_sighting({"type": "1"}, uuid(ADDRESS))
    hidden = misp.add_sighting({"value": "hidden.example"})
    never = misp.add_sighting({"type": "0"}, uuid(HIDDEN))

    assert by_value["Sighting"]["date_sighting"] == "1700000000"
    assert by_uuid["Sighting"]["attribute_uuid"] == uuid(ADDRESS)
    assert hidden["errors"] == misp.add_sighting({"value": "never.example"})["errors"]
    assert never["errors"][0] == hidden["errors"][0] == 404
    seen, false = posts(served)[-2:]
    assert [o.type for o in seen] == ["identity", "sighting"]
    [opinion] = [o for o in false if o.type == "opinion"]
    assert opinion.body["object_refs"] == [ADDRESS[0]]
    assert [*opinion.marking_refs] == json.loads(ADDRESS[3])["object_marking_refs"]


def test_an_expiry_is_for_the_owner_to_say(misp):
    added = misp.add_event(an_event(), pythonify=True)

    foreign = misp.add_sighting({"type": "2"}, uuid(DOMAIN))

    assert foreign["errors"][0] == 403
    assert added.attributes[0].value == "bank.example"


def test_a_misp_that_pushes_is_asked_for_what_is_news_and_nothing_else(misp):
    added = misp.add_event(an_event(), pythonify=True)
    at = int(added.timestamp.timestamp())
    fresh = "44444444-4444-4444-8444-444444444444"

    def wanted(*pairs):
        asked = [{"Event": {"uuid": u, "timestamp": str(t)}} for u, t in pairs]
        return misp._prepare_request("POST", "events/filterEventIdsForPush", data=asked).json()

    assert wanted((fresh, 5), (added.uuid, at), (uuid(REPORT), 9_999_999_999)) == [fresh]
    assert wanted((added.uuid, at + 1), (uuid(HIDDEN), 5)) == [added.uuid, uuid(HIDDEN)]
    metadata = misp._prepare_request("HEAD", f"events/view/{fresh}")
    assert metadata.status_code == 404
    pushed = json.loads(an_event(uuid=fresh).to_json())
    answer = misp._prepare_request("POST", "events/add/metadata:1", data={"Event": pushed})
    assert answer.json()["Event"]["id"] == number(fresh)
    assert "Attribute" not in answer.json()["Event"]
    assert misp._prepare_request("HEAD", f"events/view/{fresh}").status_code == 200


def test_proposals_are_refused_in_so_many_words(misp):
    for path in (f"events/pushProposals/{uuid(REPORT)}", f"shadowAttributes/add/{uuid(REPORT)}"):
        answer = misp._prepare_request("POST", path, data=[])
        assert answer.status_code == 403
        assert "not taken" in answer.json()["message"]
