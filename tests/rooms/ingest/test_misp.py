"""A MISP feed: only events whose timestamp changed are fetched (MISP's feed format)."""

import json

import pytest

from mithaq.store import feeds

ONE, TWO = "5f0c1a3e-0000-4000-8000-000000000001", "5f0c1a3e-0000-4000-8000-000000000002"


def event(uuid, value, stamp):
    attribute = {
        "uuid": uuid[:-1] + "9",
        "type": "ip-dst",
        "category": "Network activity",
        "value": value,
        "to_ids": True,
        "timestamp": str(stamp),
    }
    body = {
        "uuid": uuid,
        "info": "An event",
        "Orgc": {"name": "CIRCL", "uuid": "55f6ea5e-2c60-40e5-964f-47a8950d210f"},
        "date": "2026-01-01",
        "timestamp": str(stamp),
        "Tag": [{"name": "tlp:amber"}],
        "Attribute": [attribute],
    }
    return json.dumps({"Event": body}).encode()


def manifest(web, **stamps):
    said = {uuid: {"info": "An event", "timestamp": stamp} for uuid, stamp in stamps.items()}
    web.page("/feed/manifest.json", json.dumps(said).encode())


@pytest.fixture
def misp(web, desk):
    manifest(web, **{ONE: "1700000001", TWO: 1700000000})
    web.page(f"/feed/{ONE}.json", event(ONE, "203.0.113.7", 1700000001))
    web.page(f"/feed/{TWO}.json", event(TWO, "203.0.113.8", 1700000000))
    desk.add(f"{web.url}/feed/", via="misp", tlp="")
    return desk


def paths(web):
    return [path.rpartition("/")[2] for path, _ in web.asked]


def test_every_event_is_read_once_and_again_when_it_changes(web, misp):
    health = misp.run()
    assert (health.outcome, health.parts) == ("taken", 2)
    assert health.taken >= 2
    assert paths(web) == ["manifest.json", f"{TWO}.json", f"{ONE}.json"]

    web.asked.clear()
    assert misp.run().outcome == "same"
    assert paths(web) == ["manifest.json"]

    manifest(web, **{ONE: "1700000001", TWO: 1700000009})
    web.page(f"/feed/{TWO}.json", event(TWO, "203.0.113.9", 1700000009))
    assert misp.run().parts == 1


def test_an_event_that_cannot_be_had_is_said_and_tried_again_and_the_others_come(web, misp):
    page = web.pages.pop(f"/feed/{TWO}.json")

    health = misp.run()

    assert (health.parts, health.refused, health.reasons[0].where) == (1, 1, TWO)
    web.pages[f"/feed/{TWO}.json"] = page
    assert misp.run().parts == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "x", "http://169.254.169.254/"])
def test_a_manifest_cannot_lead_elsewhere(web, misp, name):
    manifest(web, **{name: "1"})

    health = misp.run()

    assert health.reasons[0].code == "misp-manifest"
    assert paths(web) == ["manifest.json"]


@pytest.mark.parametrize("body", [b"no", b"[1]", b"3"])
def test_what_is_no_manifest_is_said(web, misp, body):
    web.page("/feed/manifest.json", body)

    assert misp.run().code == "manifest"


def test_a_manifest_that_is_emptied_raises_an_alarm(web, misp):
    misp.run()
    web.page("/feed/manifest.json", b"[]")

    assert misp.run().outcome == "empty"
    assert misp.alarms() == [("feed", "abuse", "no-entries")]


def test_a_feed_that_loses_many_events_in_a_row_waits_for_the_next_time(web, misp):
    manifest(web, **{f"5f0c1a3e-0000-4000-8000-0000000001{n:02d}": str(n) for n in range(30)})

    assert misp.run().code == "missed"
    assert len(web.asked) == 11


def test_what_a_feed_lists_no_more_is_forgotten_and_an_empty_list_forgets_nothing(web, misp):
    def noted():
        with misp.core.read() as unit:
            return feeds.items(unit, "abuse").keys()

    misp.run()
    copies = misp.rows("SELECT id, version FROM copies ORDER BY seq")
    web.page("/feed/manifest.json", b"{}")
    misp.run()
    assert noted() == {ONE, TWO}

    manifest(web, **{ONE: "1700000001"})
    misp.run()
    assert noted() == {ONE}
    assert misp.rows("SELECT id, version FROM copies ORDER BY seq") == copies
