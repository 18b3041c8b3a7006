"""What nodes ask of each other: frames, heartbeats, nudges, keys (border.md 5, 9)."""

import json

import pytest

from mithaq.model.extensions import SEAL_EXTENSION, SEAL_TYPE, seal_envelope
from mithaq.seal import frames
from mithaq.store import shelf as shelves
from tests.rooms.exchange.world import B_SHELF, BASE_CHANNEL, C_SHELF, build, stamp, stix

BASE_FRAMES = f"/taxii2/{BASE_CHANNEL}/frames/"
SEALS = f"/taxii2/{B_SHELF}/collections/seals/"


def test_frames_are_given_in_order_from_where_the_peer_stands(world):
    one, two = stix(1)[3], stix(2)[3]
    first = world.frame(BASE_CHANNEL, "borealis", 1, one, two)
    second = world.frame(BASE_CHANNEL, "borealis", 2)

    everything = world.get("borealis", BASE_FRAMES)
    rest = world.get("borealis", BASE_FRAMES + "?after=1")
    nothing = world.get("borealis", BASE_FRAMES + "?after=2")

    assert everything.headers["content-type"] == "application/vnd.mithaq.frames"
    assert everything.body == frames.frame(first, one + two) + frames.frame(second, b"")
    assert list(frames.several(everything.body)) == [
        frames.frame(first, one + two),
        frames.frame(second, b""),
    ]
    assert rest.body == frames.frame(second, b"")
    assert (nothing.status, nothing.body) == (200, b"")


def test_an_answer_of_frames_is_bounded_in_number_and_in_bytes(world):
    for seq in range(1, 71):
        world.frame(BASE_CHANNEL, "borealis", seq)
    big = b"x" * (5 << 20)
    for seq in (71, 72):
        world.frame(BASE_CHANNEL, "borealis", seq, big)
    world.frame(BASE_CHANNEL, "borealis", 73, b"y" * (9 << 20))

    counts, after = [], 0
    while body := world.get("borealis", f"{BASE_FRAMES}?after={after}").body:
        counts.append(len(list(frames.several(body))))
        after += counts[-1]

    assert counts == [64, 7, 1, 1]


def test_a_channel_is_its_own_peers(world):
    world.frame(B_SHELF, "borealis", 1)
    world.frame(BASE_CHANNEL, "borealis", 1)
    nothing = world.get("cyrene", f"/taxii2/{'f' * 32}/frames/")

    assert nothing.status == 404
    for channel in (B_SHELF, BASE_CHANNEL):
        assert world.get("cyrene", f"/taxii2/{channel}/frames/") == nothing


def test_a_shelf_without_frames_yet_has_nothing_newer(world):
    answer = world.get("borealis", f"/taxii2/{B_SHELF}/frames/")

    assert (answer.status, answer.body) == (200, b"")


def test_the_base_channel_has_frames_and_is_no_api_root(world):
    world.frame(BASE_CHANNEL, "borealis", 1)

    assert world.get("borealis", f"/taxii2/{BASE_CHANNEL}/").status == 404


def test_no_frame_is_given_while_its_shelf_is_blocked(world):
    world.frame(B_SHELF, "borealis", 1)
    world.open_shelf(B_SHELF, "borealis", state="blocked")

    assert world.get("borealis", f"/taxii2/{B_SHELF}/frames/").status == 503


def test_a_view_that_was_taken_back_is_zeros_of_its_size_in_its_frame(world):
    """The numbers go on without a hole; what stands on another's shelf, or where it was sent, is no matter."""
    kept, gone = stix(1), stix(2)
    world.place(B_SHELF, kept, gone)
    world.place(C_SHELF, gone)
    envelope = world.frame(B_SHELF, "borealis", 1, kept[3], gone[3])
    path = f"/taxii2/{B_SHELF}/frames/"
    before = world.get("borealis", path).body

    world.remove(B_SHELF, gone[0], gone[2])

    assert before == frames.frame(envelope, kept[3] + gone[3])
    after = world.get("borealis", path)
    assert after.body == frames.frame(envelope, kept[3] + bytes(len(gone[3])))


def test_a_closed_shelf_gives_seals_without_what_was_in_them(world):
    """After suspension or end no view goes on; recalls and receipts come in the numbers after (border.md 3.5)."""
    world.place(B_SHELF, stix(1))
    world.frame(B_SHELF, "borealis", 1, stix(1)[3])

    world.open_shelf(B_SHELF, "borealis", state="closed")

    answer = world.get("borealis", f"/taxii2/{B_SHELF}/frames/")

    assert answer.status == 200
    assert stix(1)[3] not in answer.body
    assert answer.body.endswith(bytes(len(stix(1)[3])))


@pytest.mark.parametrize("after", ["-1", "x", "", "1.0", "00", "9" * 19, "%D9%A1"])
def test_a_place_to_start_is_a_number(world, after):
    world.frame(BASE_CHANNEL, "borealis", 1)

    assert world.get("borealis", f"{BASE_FRAMES}?after={after}").status == 400


def test_what_a_node_brings_is_spooled_as_it_came(world):
    raw = b"\x00\x00\x00\x02{}body"
    hint = json.dumps({"channel": BASE_CHANNEL, "seq": 7}).encode()

    answers = [
        world.ask("borealis", "POST", BASE_FRAMES, raw),
        world.ask("borealis", "POST", "/mithaq/heartbeat/", b"envelope"),
        world.ask("borealis", "POST", "/mithaq/nudge/", hint),
    ]

    assert [(a.status, a.body) for a in answers] == [(202, b"{}")] * 3
    assert [(a.peer, a.kind, dict(a.facts), a.raw) for a in world.arrivals()] == [
        ("borealis", "frame", {"channel": BASE_CHANNEL}, raw),
        ("borealis", "heartbeat", {}, b"envelope"),
        ("borealis", "nudge", {"channel": BASE_CHANNEL, "seq": "7"}, hint),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (BASE_FRAMES, b"", 400),
        ("/taxii2/short/frames/", b"x", 404),
        ("/taxii2/" + "E" * 32 + "/frames/", b"x", 404),
        ("/mithaq/heartbeat/", b"", 400),
        ("/mithaq/heartbeat/", b"x" * ((256 << 10) + 1), 413),
        ("/mithaq/nudge/", b"", 400),
        ("/mithaq/nudge/", b"{}", 400),
        ("/mithaq/nudge/", b"[" * 4000, 400),
        ("/mithaq/nudge/", b'{"channel":"x","seq":1}', 400),
        ("/mithaq/nudge/", b'{"channel":"' + b"e" * 32 + b'","seq":0}', 400),
        ("/mithaq/nudge/", b'{"channel":"' + b"e" * 32 + b'","seq":1,"x":1}', 400),
        ("/mithaq/nudge/", b"x" * 5000, 413),
    ],
)
def test_what_is_none_of_it_is_not_spooled(world, path, body, status):
    assert world.ask("borealis", "POST", path, body).status == status
    assert world.arrivals() == []


def test_a_full_spool_turns_away_one_node_alone(tmp_path):
    world = build(tmp_path / "small", spool_bytes=3000)

    assert world.ask("borealis", "POST", BASE_FRAMES, b"x" * 2000).status == 202
    full = world.ask("borealis", "POST", BASE_FRAMES, b"x" * 2000)

    assert (full.status, full.headers["retry-after"]) == (503, "30")
    assert world.ask("cyrene", "POST", BASE_FRAMES, b"x" * 2000).status == 202


def test_a_heartbeat_is_for_one_peer(world):
    with world.shelf.begin() as unit:
        shelves.put_heartbeat(unit, "borealis", b"beat")

    assert world.get("borealis", "/mithaq/heartbeat/").body == b"beat"
    assert world.get("cyrene", "/mithaq/heartbeat/").status == 404


def test_key_documents_are_for_anybody(world):
    assert world.get("nobody", "/mithaq/keys/").status == 404
    with world.shelf.begin() as unit:
        shelves.put_document(unit, "keys", b"newest")
        shelves.put_document(unit, "keys/1", b"first")

    assert world.get("nobody", "/mithaq/keys/").body == b"newest"
    assert world.get("nobody", "/mithaq/keys/1/").body == b"first"
    assert world.get("nobody", "/mithaq/keys/2/").status == 404
    assert world.get("nobody", "/mithaq/keys/%2e%2e/").status == 404


# --- seals (border.md 5.4) ---------------------------------------------------------------------------
def test_seals_show_each_envelope_behind_the_definitions_that_explain_them(world):
    envelopes = [world.frame(B_SHELF, "borealis", seq, stix(seq)[3]) for seq in (1, 2)]

    found = world.json("borealis", SEALS + "objects/")["objects"]

    assert [o["type"] for o in found] == [
        "identity",
        "extension-definition",
        SEAL_TYPE,
        SEAL_TYPE,
    ]
    assert found[1]["id"] == SEAL_EXTENSION
    assert [seal_envelope(o) for o in found[2:]] == envelopes


def test_seals_filter_and_page_as_any_collection(world):
    for seq in range(1, 6):
        world.frame(B_SHELF, "borealis", seq)
    everything = world.json("borealis", SEALS + "manifest/")["objects"]
    dates = [record["date_added"] for record in everything]

    paged, query = [], "?limit=2"
    while True:
        page = world.json("borealis", SEALS + "manifest/" + query)
        paged += page["objects"]
        if not page.get("more"):
            break
        query = f"?limit=2&next={page['next']}"

    assert dates == sorted(set(dates))
    assert paged == everything
    assert len(everything) == 7
    later = world.json("borealis", SEALS + f"manifest/?added_after={stamp(3)}")["objects"]
    assert later == everything[-2:]
    by_type = world.json("borealis", SEALS + f"manifest/?match[type]={SEAL_TYPE}")["objects"]
    assert by_type == everything[2:]
    one = everything[4]
    by_id = world.json("borealis", f"{SEALS}objects/{one['id']}/")["objects"]
    assert [o["seq"] for o in by_id] == [3]
    assert world.json("borealis", f"{SEALS}objects/{one['id']}/versions/") == {
        "versions": [one["version"]]
    }
    by_version = world.json("borealis", f"{SEALS}manifest/?match[version]={one['version']}")
    assert by_version["objects"] == everything[2:]


def test_seals_of_another_are_nowhere(world):
    world.frame(C_SHELF, "cyrene", 1)

    assert len(world.json("borealis", SEALS + "objects/")["objects"]) == 2
    assert world.get("borealis", f"/taxii2/{C_SHELF}/collections/seals/objects/").status == 404
