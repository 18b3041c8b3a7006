"""Whatever comes on MISP's ways, in bodies, types, paths and claims: an answer in JSON, and never a fault."""

import itertools
import json

import pytest

from mithaq.exchange import export
from mithaq.formats import BUILT_IN
from mithaq.model.objects import Object
from mithaq.store import spool as spools
from tests.rooms.exchange.world import B_SHELF, CLIENT_SHELF, NOW, build, stix

AT = "2026-01-01T00:00:00.000Z"
OWN = "22222222-2222-4222-8222-222222222222"
SHOWN = stix(
    9, "indicator", pattern="[domain-name:value = 'a.example']", pattern_type="stix", valid_from=AT
)
REPORT = stix(8, "report", published=AT, object_refs=[SHOWN[0]])
HIDDEN = stix(
    7, "indicator", pattern="[domain-name:value = 'h.example']", pattern_type="stix", valid_from=AT
)
PATHS = [
    "/servers/postTest", "/events/index", "/events/restSearch", "/attributes/restSearch", "/events/add",
    f"/events/edit/{OWN}", f"/events/publish/{OWN}", f"/attributes/add/{OWN}", "/tags/attachTagToObject",
    "/sightings/add", f"/sightings/add/{SHOWN[0][11:]}", f"/sightings/bulkSaveSightings/{OWN}",
    f"/sightings/filterSightingUuidsForPush/{OWN}", "/events/filterEventIdsForPush",
    "/sightings/restSearch/event", f"/events/view/{OWN}",
]  # fmt: skip
WRONG = [
    None,
    True,
    -1,
    0,
    1e308,
    10**30,
    "",
    "x" * 5000,
    "\u202e",
    [],
    [[]],
    {},
    {"a": {}},
    [None],
]
NAMES = [
    "uuid", "info", "timestamp", "date", "Orgc", "Tag", "Attribute", "Object", "EventReport", "distribution",
    "type", "value", "tag", "org", "limit", "page", "eventid", "to_ids", "attribute_uuid", "date_sighting", "Event",
    "Sighting", "Organisation", "source", "id", "returnFormat", "minimal", "published",
]  # fmt: skip
RAW = [
    b"", b"{", b"[1,", b'{"a":' * 3000, b"[" * 60_000, b"\xff\xfe", b'"\\ud800"', b'{"info":"\\ud800"}', b"NaN",
    b'{"info": 1e999}', b"," * 60_000, b'{"info":"x","info":"y"}', b'{"Event":{"Event":{"info":"x"}}}', b"\x00",
]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = build(tmp_path_factory.mktemp("hostile") / "home", spool_bytes=64 << 20)
    made.place(CLIENT_SHELF, SHOWN, REPORT)
    made.place(B_SHELF, HIDDEN)
    own = {"uuid": OWN, "info": "ours", "timestamp": "5"}
    own["Attribute"] = [{"uuid": OWN[:-1] + "3", "type": "domain", "value": "b.example"}]
    assert made.ask("misp", "POST", "/events/add", json.dumps(own).encode()).status == 200
    yield made
    made.shelf.close()
    made.spool.close()


def told(world, method, path, raw=b""):
    world.now = NOW.replace(year=world.now.year + 1) if world.now.year < 2200 else NOW
    answer = world.ask("misp", method, path, raw)
    assert answer.status < 500, (path, raw[:80], answer.status)
    if answer.body:
        json.loads(answer.body)
    return answer.status


@pytest.mark.parametrize("path", PATHS)
def test_no_body_is_a_fault(world, path):
    bodies = [*RAW, *(json.dumps(wrong).encode() for wrong in WRONG)]
    good = {"uuid": OWN, "info": "x", "type": "domain", "value": "c.example", "timestamp": "9"}
    pairs = itertools.product(enumerate(NAMES), enumerate(WRONG))
    bodies += [
        json.dumps({**good, name: wrong}).encode()
        for (i, name), (j, wrong) in pairs
        if (i + j) % 4 == 0
    ]
    bodies += [json.dumps([{**good, name: [{}]}]).encode() for name in NAMES]
    for raw in bodies:
        told(world, "POST", path, raw)


@pytest.mark.parametrize(
    "name",
    ["..", "%2e%2e", "%00", "x" * 3000, "1", "9" * 16, "0", "-1", f"{OWN}%2f..", f"{OWN}'--", "{OWN}",
     "%F0%9F%98%80", f"{HIDDEN[0][11:]}", f"{OWN}/deleted[]:0/a:b:c/:/x:"],
)  # fmt: skip
def test_no_path_is_a_fault_and_none_leads_to_what_is_not_the_clients(world, name):
    for path in ("/events/view/", "/events/edit/", "/attributes/add/", "/sightings/add/"):
        for method in ("GET", "HEAD", "POST"):
            status = told(world, method, path + name, b'{"info": "x"}' if method == "POST" else b"")
            assert status >= 400 or OWN in name or name in {"1", "0"}, (method, path, name)


def test_an_event_that_claims_anothers_organisation_is_spooled_under_the_client_alone(world):
    orgc = {"uuid": "99999999-9999-4999-8999-999999999999", "name": "Borealis"}
    event = {"uuid": OWN[:-1] + "9", "info": "forged", "Orgc": orgc, "Tag": [{"name": "tlp:clear"}]}

    answer = world.ask("misp", "POST", "/events/add", json.dumps({"Event": event}).encode())

    with world.spool.read() as unit:
        rows = unit.exec_driver_sql("SELECT max(seq) FROM arrivals WHERE kind = 'post'")
        [last] = spools.since(unit, rows.scalar_one() - 1, 1)
    assert (answer.status, last.peer) == (200, "misp")
    made = [each for each in BUILT_IN.read(last.raw, "misp") if isinstance(each, Object)]
    assert {each.created_by for each in made if each.type == "report"} == {
        f"identity--{orgc['uuid']}"
    }


def test_a_body_that_is_longer_than_a_frame_is_not_read(world):
    most = world.settings.max_frame_bytes
    assert (
        world.ask("misp", "POST", "/events/add", b'{"info":"' + b"x" * most + b'"}').status == 413
    )


def test_an_event_of_a_clients_own_that_names_more_than_an_answer_holds_is_not_gathered(
    world, monkeypatch
):
    monkeypatch.setattr(export, "MOST_WHOLE", 1 << 16)
    notes = [stix(100 + n, "note", content="x" * 9000, object_refs=[SHOWN[0]]) for n in range(20)]
    report = stix(99, "report", published=AT, object_refs=[note[0] for note in notes])
    few = stix(98, "report", published=AT, object_refs=[notes[0][0]])
    world.post_settled(CLIENT_SHELF, *notes, report, few)
    world.now = NOW

    def asked(one):
        return world.ask("misp", "GET", f"/events/view/{one[0].partition('--')[2]}").status

    assert (asked(report), asked(few)) == (503, 200)
