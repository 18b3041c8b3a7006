"""PyMISP itself against our listener, in processes of their own: it connects, looks and searches."""

import json

import pytest
from pymisp import PyMISP
from pymisp.exceptions import PyMISPError

from mithaq.exchange.misp.ways import VERSION
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from tests.conformance import test_taxii_peers as peers
from tests.rooms.exchange.world import B_SHELF, CLIENT_SHELF, stix

AT = "2026-01-01T00:00:00.000Z"
served = peers.served


def bad(number, pattern, **more):
    told = {"pattern_type": "stix", "valid_from": AT, "pattern": pattern}
    return stix(number, "indicator", **told, **more)


DOMAIN = bad(901, "[domain-name:value = 'evil.example']", labels=["phishing"])
ADDRESS = bad(902, "[ipv4-addr:value = '192.0.2.7']", object_marking_refs=[tlp_id(Tlp.AMBER)])
HIDDEN = bad(903, "[domain-name:value = 'hidden.example']")
MORE = [bad(n, f"[domain-name:value = 'n{n}.example']") for n in (904, 905)]
REPORT = stix(910, "report", published=AT, name="A wave", object_refs=[DOMAIN[0], ADDRESS[0]],
              object_marking_refs=[tlp_id(Tlp.AMBER)])  # fmt: skip


def uuid(made):
    return made[0].partition("--")[2]


@pytest.fixture(scope="module")
def misp(served):
    served.world.place(CLIENT_SHELF, DOMAIN, ADDRESS, *MORE, REPORT)
    served.world.place(B_SHELF, HIDDEN)
    return PyMISP(served.url, served.world.tokens["misp"])


def values(found):
    return sorted(each.value for each in found)


def test_pymisp_connects_with_the_clients_token_and_with_no_other(served, misp):
    assert misp.misp_instance_version["version"] == VERSION
    assert misp._current_user.email == "misp"
    with pytest.raises(PyMISPError):
        PyMISP(served.url, "mq_nobodys")


def test_pymisp_reads_an_event_with_all_its_markings(misp):
    event = misp.get_event(uuid(REPORT), pythonify=True)

    assert (event.info, [tag.name for tag in event.tags]) == ("A wave", ["tlp:amber"])
    assert values(event.attributes) == ["192.0.2.7", "evil.example"]
    [marked] = [a for a in event.attributes if a.value == "192.0.2.7"]
    assert [tag.name for tag in marked.tags] == ["tlp:amber"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"value": "evil.example"}, ["evil.example"]),
        ({"value": ["EVIL.example", "192.0.2.7"]}, ["192.0.2.7", "evil.example"]),
        ({"type_attribute": "ip-dst"}, ["192.0.2.7"]),
        ({"uuid": uuid(DOMAIN)}, ["evil.example"]),
        ({"uuid": uuid(REPORT)}, ["192.0.2.7", "evil.example"]),
        ({"tags": ["phishing"]}, ["evil.example"]),
        ({"value": "evil.example", "tags": "tlp:red"}, []),
        ({"eventid": uuid(REPORT), "to_ids": 1, "limit": 1, "page": 2}, ["evil.example"]),
        ({"eventid": uuid(REPORT), "to_ids": 0}, []),
        ({"value": "evil.example", "timestamp": "1"}, ["evil.example"]),
        ({"value": "evil.example", "timestamp": ["1", "2"]}, []),
        ({"value": "hidden.example"}, []),
    ],
)
def test_pymisp_searches_attributes_by_what_they_are(misp, asked, found):
    answer = misp.search("attributes", pythonify=True, **asked)

    assert values(answer) == sorted(found) or (asked.get("limit") and len(answer) == 1)


def test_pymisp_searches_events_by_what_stands_in_them(misp):
    by_value = misp.search("events", value="192.0.2.7", pythonify=True)
    by_tag = misp.search("events", tags=["phishing"], pythonify=True)
    pages = [misp.search("events", limit=1, page=n, pythonify=True) for n in (1, 2, 3)]

    assert [each.uuid for each in by_value] == [each.uuid for each in by_tag] == [uuid(REPORT)]
    assert [len(page) for page in pages] == [1, 1, 0]
    assert "hidden" not in json.dumps([each.to_json() for page in pages for each in page])


def test_pymisp_learns_from_the_index_what_is_new(misp):
    listed = misp.search_index(minimal=True)

    event = misp.get_event(uuid(REPORT), pythonify=True)
    [row] = [row for row in listed if row["uuid"] == event.uuid]
    assert int(row["timestamp"]) == int(event.timestamp.timestamp())
    assert row["orgc_uuid"] == event.orgc.uuid


@pytest.mark.parametrize(
    "asked",
    [
        {"org": "x"},
        {"published": True},
        {"value": "!evil.example"},
        {"value": "evil%"},
        {"tags": {"NOT": ["tlp:red"]}},
        {"value": []},
        {"timestamp": "5d"},
        {"limit": 0},
        {"return_format": "csv"},
    ],
)
def test_a_filter_that_is_not_known_is_refused_and_never_passed_over(misp, asked):
    for controller in ("events", "attributes"):
        if "return_format" in asked:
            status = misp._prepare_request(
                "POST", f"{controller}/restSearch", data={"returnFormat": "csv"}
            ).status_code
        else:
            status = misp.search(controller, **asked)["errors"][0]
        assert status == 400


def test_an_event_of_another_shelf_is_not_there_as_one_that_never_was(misp):
    answers = [misp.get_event(name) for name in (uuid(HIDDEN), uuid(stix(999)), "manifest", "1")]

    assert {each["errors"][0] for each in answers} == {404}
    bodies = [{**each["errors"][1], "url": ""} for each in answers]  # which is as it was asked
    assert all(each == bodies[0] for each in bodies)
