"""What a client sends: spooled, counted, pending until settled, and its own to withdraw (border.md 8.4, 8.5)."""

import json
import uuid

import pytest

from mithaq.store import shelf as shelves
from mithaq.store import spool as spools
from tests.rooms.exchange.world import B_SHELF, CLIENT_SHELF, build, envelope, stix

ROOT = f"/taxii2/{CLIENT_SHELF}/"
INBOX = ROOT + "collections/inbox/objects/"
OLD, NEW = "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"


def post(world, body, who="misp"):
    return world.ask(who, "POST", INBOX, body)


def settle(world):
    """Do as the worker: what was withdrawn leaves the shelf, then the spool is settled."""
    waiting = world.arrivals()
    with world.shelf.begin() as unit:
        for each in waiting:
            if each.kind == "withdraw":
                versions = each.facts["versions"].split(",")
                shelves.withdraw_from_inbox(unit, each.facts["shelf"], each.facts["id"], versions)
    with world.spool.begin() as unit:
        spools.settle(unit, waiting[-1].seq)


def test_a_post_is_spooled_as_it_came_and_pending(world):
    body = envelope(stix(1), stix(2))

    answer = post(world, body)

    found = json.loads(answer.body)
    assert answer.status == 202
    assert found["status"] == "pending"
    assert uuid.UUID(found["id"]).version == 4
    assert found["request_timestamp"] == "2026-03-01T12:00:00.000000Z"
    counts = {key: found[f"{key}_count"] for key in ("total", "success", "failure", "pending")}
    assert counts == {"total": 2, "success": 0, "failure": 0, "pending": 2}
    (arrival,) = world.arrivals()
    assert (arrival.peer, arrival.kind, arrival.raw) == ("misp", "post", body)
    assert arrival.facts == {
        "shelf": CLIENT_SHELF,
        "status": found["id"],
        "total": "2",
        "at": found["request_timestamp"],
    }


def test_its_status_is_pending_until_the_worker_has_settled_it(world):
    posted = json.loads(post(world, envelope(stix(1))).body)
    path = f"{ROOT}status/{posted['id']}/"

    assert world.json("misp", path) == posted
    done = b'{"id":"x","status":"complete"}'
    with world.shelf.begin() as unit:
        shelves.put_status(unit, posted["id"], CLIENT_SHELF, done)
    assert world.get("misp", path).body == done
    settle(world)
    assert world.get("misp", path).body == done


def test_a_status_belongs_to_one_api_root(world):
    world.open_shelf("9" * 32, "misp")
    posted = json.loads(post(world, envelope(stix(1))).body)

    assert world.get("misp", f"/taxii2/{'9' * 32}/status/{posted['id']}/").status == 404


def test_a_status_is_nobody_elses(world):
    world.open_shelf("9" * 32, "siem")
    posted = json.loads(post(world, envelope(stix(1))).body)
    nothing = world.get("siem", f"/taxii2/{'9' * 32}/status/{uuid.uuid4()}/")

    assert nothing.status == 404
    assert world.get("siem", f"/taxii2/{'9' * 32}/status/{posted['id']}/") == nothing
    assert world.get("siem", f"{ROOT}status/{posted['id']}/") == nothing


@pytest.mark.parametrize(
    "id_", ["x", "%25", "_", "0" * 32, "D56D3DD3-0111-4AD7-AD3E-DA0F448F48C3", "%00"]
)
def test_what_is_no_status_id_is_not_found(world, id_):
    post(world, envelope(stix(1)))

    assert world.get("misp", f"{ROOT}status/{id_}/").status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"x",
        b"{",
        b'{"objects":[{]}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"objects":[' + b"[" * 60_000 + b"]}",
    ],
)
def test_what_is_no_json_is_a_bad_request(world, body):
    assert post(world, body).status == 400
    assert world.arrivals() == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"[" * 60_000,
        b"1",
        b"null",
        b'"x"',
        b'{"objects":{}}',
        b'{"objects":null}',
        b'{"objects":[]}',
        b'{"objects":"x"}',
        stix(1)[3],
        b'{"type":"grouping","objects":[{}]}',
    ],
)
def test_what_is_no_envelope_with_objects_is_unprocessable(world, body):
    assert post(world, body).status == 422
    assert world.arrivals() == []


def test_an_object_that_is_none_never_refuses_its_neighbours(world):
    """The worker judges each; the listener counts."""
    strange = b'{"objects":[{},1,null,"x",[],{"type":5},{"id":[]},{"modified":"yesterday"}]}'

    assert json.loads(post(world, strange).body)["total_count"] == 8


def test_a_bundle_is_taken_for_an_envelope(world):
    """What stix2's own sink sends."""
    bundle = b'{"type":"bundle","id":"bundle--1","objects":[{},{}]}'

    assert json.loads(post(world, bundle).body)["total_count"] == 2


def test_a_full_spool_turns_away_one_client_alone(tmp_path):
    world = build(tmp_path / "small", spool_bytes=4000)
    world.open_shelf("9" * 32, "siem")
    body = envelope(stix(1, description="x" * 2000))

    assert post(world, body).status == 202
    full = post(world, body)
    other = world.ask("siem", "POST", f"/taxii2/{'9' * 32}/collections/inbox/objects/", body)

    assert (full.status, full.headers["retry-after"]) == (503, "30")
    assert other.status == 202


def test_an_inbox_shows_what_its_client_wrote_as_any_collection(world):
    world.post_settled(CLIENT_SHELF, stix(1, version=OLD), stix(1, version=NEW), stix(2))
    one = INBOX + f"{stix(1)[0]}/"

    assert [o["modified"] for o in world.json("misp", INBOX)["objects"]] == [NEW, OLD]
    assert world.json("misp", one + "versions/") == {"versions": [OLD, NEW]}
    page = world.json("misp", INBOX + "?limit=1&match[version]=all")
    assert page["more"]
    rest = world.json("misp", INBOX + f"?match[version]=all&next={page['next']}")
    assert len(rest["objects"]) == 2


def test_a_node_has_no_inbox(world):
    path = f"/taxii2/{B_SHELF}/collections/inbox/"

    assert world.get("borealis", path + "objects/").status == 404
    assert world.ask("borealis", "POST", path + "objects/", envelope(stix(1))).status == 404


def test_a_client_writes_to_its_own_inbox_alone(world):
    assert post(world, envelope(stix(1)), who="siem").status == 404
    assert world.arrivals() == []


def test_what_was_withdrawn_is_gone_at_once_and_stays_gone(world):
    """Section 5.7: 404 afterwards, and absent from objects and manifest."""
    world.post_settled(CLIENT_SHELF, stix(1, version=OLD), stix(1, version=NEW), stix(2))
    path = INBOX + f"{stix(1)[0]}/"

    answer = world.ask("misp", "DELETE", path)

    assert (answer.status, answer.body) == (200, b"")
    (arrival,) = world.arrivals()
    assert arrival.kind == "withdraw"
    assert arrival.facts == {
        "shelf": CLIENT_SHELF,
        "id": stix(1)[0],
        "versions": f"{OLD},{NEW}",
    }
    for _ in range(2):
        assert world.get("misp", path).status == 404
        assert world.get("misp", path + "versions/").status == 404
        assert world.ask("misp", "DELETE", path).status == 404
        for query in ("", "?match[version]=all", "?match[version]=first"):
            found = world.json("misp", INBOX + query)["objects"]
            assert [o["id"] for o in found] == [stix(2)[0]]
        manifest = world.json("misp", f"{ROOT}collections/inbox/manifest/")["objects"]
        assert [r["id"] for r in manifest] == [stix(2)[0]]
        if world.arrivals():
            settle(world)


@pytest.mark.parametrize(
    ("query", "gone", "left"),
    [
        (f"match[version]={OLD}", OLD, [NEW]),
        ("match[version]=first", OLD, [NEW]),
        ("match[version]=last", NEW, [OLD]),
        ("match[version]=first,last", f"{OLD},{NEW}", []),
    ],
)
def test_one_version_is_withdrawn_and_the_other_stays(world, query, gone, left):
    world.post_settled(CLIENT_SHELF, stix(1, version=OLD), stix(1, version=NEW))
    path = INBOX + f"{stix(1)[0]}/"

    assert world.ask("misp", "DELETE", f"{path}?{query}").status == 200

    assert world.arrivals()[0].facts["versions"] == gone
    answer = world.get("misp", path + "versions/")
    assert json.loads(answer.body).get("versions", []) == left
    assert world.get("misp", f"{path}?match[version]={gone.partition(',')[0]}").status == 404


def test_nothing_is_withdrawn_that_was_never_written(world):
    world.post_settled(CLIENT_SHELF, stix(1))

    assert world.ask("misp", "DELETE", INBOX + f"{stix(2)[0]}/").status == 404
    other = INBOX + f"{stix(1)[0]}/?match[version]=2020-01-01T00:00:00.000Z"
    assert world.ask("misp", "DELETE", other).status == 404
    older = INBOX + f"{stix(1)[0]}/?match[spec_version]=2.0"
    assert world.ask("misp", "DELETE", older).status == 200
    assert world.arrivals() == []
