"""A MISP that we pull from, and one that we push to, which turn on us."""

import json
import tracemalloc

import pytest

from mithaq.ingest import misp_push, misp_server
from mithaq.ingest.fetching import Bounds, Fetcher, Got, NotFetched
from mithaq.ingest.pulling import Known, Missed, Part
from mithaq.ingest.rules import Secret, Terms
from tests.rooms.ingest.test_misp import event

STAMP = "1700000000"
TERMS = {"name": "nubia", "via": "misp-server", "local": True}


def uuid(number):
    return f"5f0c1a3e-0000-4000-8000-{number:012x}"


def index(web, numbers, **more):
    rows = [
        {"uuid": uuid(n), "timestamp": STAMP, "sighting_timestamp": "0", **more} for n in numbers
    ]
    web.page("/events/index", json.dumps(rows).encode())


def view(web, number, body=None, headers=None):
    said = event(uuid(number), f"203.0.113.{number % 250}", int(STAMP)) if body is None else body
    path = f"/events/view/{uuid(number)}/{misp_server.PARAMETERS}"
    web.pages[path] = lambda _: (200, headers or {}, said)


def pulled(web, bounds=None):
    terms = Terms(url=web.url, **TERMS)
    with Fetcher(web.url, local=True, bounds=bounds) as fetcher:
        yield from misp_server.pull(terms, Known(now=None), fetcher)


def test_a_list_of_long_events_is_never_held_all_at_once(web):
    long = json.dumps({"Event": {"uuid": uuid(0), "info": "x" * (5 << 20)}})
    index(web, range(24))
    for n in range(24):
        view(web, n, long.replace(uuid(0), uuid(n)).encode())
    tracemalloc.start()
    try:
        names = [part.name for part in pulled(web) if isinstance(part, Part)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert names == [uuid(n) for n in range(24)]
    assert peak < 64 << 20


def test_an_event_that_is_long_comes_behind_those_that_are_not(web):
    index(web, range(3))
    view(web, 0, json.dumps({"Event": {"uuid": uuid(0), "info": "x" * (3 << 20)}}).encode())
    view(web, 1)
    view(web, 2)

    parts = [part for part in pulled(web) if isinstance(part, Part)]

    assert [[each.name for each in part.made_of] or part.name for part in parts] == [
        [uuid(1), uuid(2)],
        uuid(0),
    ]


@pytest.mark.parametrize(
    "sightings",
    [
        b'{"response": [{"Sighting": {"attribute_uuid": [], "uuid": {}}}]}',
        b'{"response": [{"Sighting": {"attribute_uuid": "ATTRIBUTE", "uuid": [1]}}]}',
        b'{"response": [[], null, {"Sighting": null}, {"Sighting": []}]}',
        b'{"response": ' + b"[" * 5000,
        b'{"response": ' + b"[" * 150 + b"]" * 150 + b"}",
        b"[" * 100_000, b"\xff", b"{}", b"3", b'"\\ud800"', b"[" + b"[]," * 6_000_000 + b"[]]",
    ],
)  # fmt: skip
def test_nothing_that_is_said_of_sightings_breaks_the_reading_of_a_feed(web, sightings):
    index(web, [1, 2], sighting_timestamp="5")
    attribute = uuid(1)[:-1] + "9"
    body = json.loads(event(uuid(1), "203.0.113.1", int(STAMP)))
    body["Event"]["Attribute"][0]["Sighting"] = [{"uuid": []}, 3, {"uuid": {}}]
    view(web, 1, json.dumps(body).encode())
    view(web, 2)
    web.page("/sightings/restSearch/event", sightings.replace(b"ATTRIBUTE", attribute.encode()))

    found = [*pulled(web, Bounds(seconds=5.0, whole_seconds=10.0))]

    assert {type(each) for each in found} <= {Part, Missed, misp_server.Same}
    assert [each for each in found if isinstance(each, Part | Missed)]


@pytest.mark.parametrize("deep", ["[" * 150 + "]" * 150, '{"a":' * 150 + "1" + "}" * 150])
def test_an_event_however_deep_is_one_part_that_is_refused_and_the_others_come(web, desk, deep):
    index(web, [1, 2], sighting_timestamp="5")
    view(web, 1, f'{{"Event": {{"uuid": "{uuid(1)}", "info": {deep}}}}}'.encode())
    view(web, 2)
    web.page("/sightings/restSearch/event", b'{"response": []}')
    desk.add(web.url, via="misp-server")

    health = desk.run()

    assert (health.outcome, health.refused) == ("taken", 1)
    assert health.taken >= 1


def test_events_that_can_never_be_had_hold_up_the_others_once(web, desk):
    """Ten in a row end a reading: they are the first of a list but once."""
    index(web, range(1, 41))
    rows = json.loads(web.pages["/events/index"](None)[2])
    rows[-1]["timestamp"] = str(int(STAMP) + 9)
    web.page("/events/index", json.dumps(rows).encode())
    view(web, 40)
    desk.add(web.url, via="misp-server")

    first, second = desk.run(), desk.run()

    assert (first.code, first.taken) == ("missed", 0)
    assert second.taken >= 1


# --- one that we push to -------------------------------------------------------------------------------------
def said(body, secret=None):
    """Return what stands on record of an answer."""
    with Fetcher("https://misp.example", local=False, secret=secret) as fetcher:
        line = misp_push._Line("https://misp.example", fetcher)
        return line.why(Got(status=403, body=body, headers={}, url=""))


def test_an_answer_of_small_values_alone_is_not_read():
    with pytest.raises(NotFetched):
        said(b"[" + b"[]," * 6_000_000 + b"[]]")


@pytest.mark.parametrize(
    ("secret", "echoed"),
    [("hushhushhush", "hushhushhush"), ("Bearer hushhushhush", "hushhushhush")],
)
def test_a_credential_that_an_answer_says_back_is_not_kept(secret, echoed):
    why = said(
        json.dumps({"errors": f"Authentication failed for {echoed}."}).encode(),
        Secret(header="authorization", value=secret),
    )

    assert why == "Authentication failed for …."


def test_what_an_answer_says_is_cut_and_holds_no_signs_that_steer_a_terminal():
    why = said(json.dumps({"errors": "\x1b[31m\u202e" + "x" * 5000}).encode())

    assert why.isprintable()
    assert len(why) <= 300
