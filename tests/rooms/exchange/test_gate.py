"""Who is let in, how much each may ask, and that a refusal says nothing (border.md 6 step 1, 9.2)."""

import base64
import hashlib
import json
from datetime import timedelta

import pytest

from mithaq.border.peers import token_digest
from mithaq.clock import text
from mithaq.exchange import gate, transport
from mithaq.exchange.gate import AT_ONCE, Knock
from mithaq.exchange.listener import Welcome
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.transport import sign
from mithaq.exchange.wire import Request
from mithaq.seal.keys import encode, generate
from mithaq.store import shelf as shelves
from mithaq.store.shelf import Caller
from tests.rooms.exchange.world import (
    B_SHELF,
    BASE,
    BASE_CHANNEL,
    CLIENT_SHELF,
    NOW,
    TAXII,
    envelope,
    stix,
)
from tests.values import replace

DISCOVERY = "/taxii2/"
FRAMES = f"/taxii2/{BASE_CHANNEL}/frames/"
INBOX = f"/taxii2/{CLIENT_SHELF}/collections/inbox/objects/"
NUDGE = "/mithaq/nudge/"
HINT = json.dumps({"channel": BASE_CHANNEL, "seq": 1}).encode()


def basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.fixture
def stranger(world):
    """The one answer to whoever is not known."""
    answer = world.get("nobody", DISCOVERY)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert answer.headers["content-type"] == TAXII
    assert json.loads(answer.body) == {"title": "Authentication needed", "http_status": "401"}
    return answer


def test_a_client_is_known_by_its_token_each_way(world):
    token = world.tokens["misp"]

    assert world.get("misp", DISCOVERY).status == 200
    for written in (f"Bearer {token}", f"bearer  {token}", token):
        assert world.get("", DISCOVERY, authorization=written).status == 200


@pytest.mark.parametrize(
    "written",
    [
        "",
        "Basic",
        "Basic !",
        "Basic bWlzcA==",
        "Bearer",
        "Bearer ",
        "Bearer mq_wrong",
        "mq_wrong",
        "Digest x",
        basic("misp:mq_wrong"),
        basic("misp:"),
        basic(":mq_token_of_misp"),
        basic("siem:mq_token_of_misp"),
        basic("borealis:mq_token_of_misp"),
        "Bearer \udcff",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    ],
)
def test_a_wrong_token_is_answered_like_none(world, stranger, written):
    assert world.get("", DISCOVERY, authorization=written) == stranger


def test_unknown_unconfirmed_and_wrong_look_alike(world, stranger):
    """A peer that is met but not confirmed has no row among the callers (border.md 9.2)."""
    world.signers["met_only"] = generate()
    good = world.request("borealis", "GET", DISCOVERY)
    forged = replace(good, headers={**good.headers, "signature": "mithaq=:" + "A" * 86 + "==:"})

    assert world.get("met_only", DISCOVERY) == stranger
    assert world.listener.answer(forged) == stranger
    for path in (f"/taxii2/{B_SHELF}/", FRAMES, "/mithaq/heartbeat/"):
        assert world.get("met_only", path) == stranger


def test_the_key_that_stands_in_for_unknown_ones_opens_nothing(world, stranger):
    world.signers["met_only"] = generate()
    world.listener._gate._nobody = world.signers["met_only"].public

    assert world.get("met_only", DISCOVERY) == stranger


def test_a_token_speaks_for_clients_alone(world, stranger):
    with world.shelf.begin() as unit:
        token = token_digest("mq_x")
        shelves.put_caller(unit, Caller(name="odd", kind="node", keys={}, token=token))

    assert world.get("", DISCOVERY, authorization="Bearer mq_x") == stranger


def test_a_revoked_caller_is_unknown_at_once(world, stranger):
    with world.shelf.begin() as unit:
        shelves.remove_caller(unit, "borealis")
        shelves.remove_caller(unit, "misp")

    assert world.get("borealis", DISCOVERY) == stranger
    assert world.get("misp", DISCOVERY) == stranger


def test_a_replaced_token_opens_nothing_from_the_next_request_on(world, stranger):
    """However often it was right before: nothing of a credential is remembered."""
    assert {world.get("misp", DISCOVERY).status for _ in range(20)} == {200}
    with world.shelf.begin() as unit:
        token = token_digest("mq_newer")
        shelves.put_caller(unit, Caller(name="misp", kind="client", keys={}, token=token))

    assert world.get("misp", DISCOVERY) == stranger
    world.tokens["misp"] = "mq_newer"
    assert world.get("misp", DISCOVERY).status == 200


def test_a_token_costs_one_fast_hash_a_request_and_never_a_slow_one(world, monkeypatch):
    counted = []
    monkeypatch.setattr(
        gate, "token_digest", lambda token: (counted.append(1), token_digest(token))[1]
    )
    for slow in ("scrypt", "pbkdf2_hmac"):
        monkeypatch.setattr(hashlib, slow, lambda *_, **__: pytest.fail("a slow hash"))

    assert {world.get("misp", DISCOVERY).status for _ in range(50)} == {200}
    assert world.get("", DISCOVERY, authorization="Bearer mq_wrong").status == 401

    assert len(counted) == 51


def test_a_node_is_known_by_each_of_its_keys_and_by_a_dropped_one_no_more(world, stranger):
    newer = generate()
    old = world.signers["borealis"]
    with world.shelf.begin() as unit:
        keys = {key.keyid: encode(key.public) for key in (old, newer)}
        shelves.put_caller(unit, Caller(name="borealis", kind="node", keys=keys))
    assert world.get("borealis", DISCOVERY).status == 200
    world.signers["borealis"] = newer
    assert world.get("borealis", DISCOVERY).status == 200

    with world.shelf.begin() as unit:
        keys = {newer.keyid: encode(newer.public)}
        shelves.put_caller(unit, Caller(name="borealis", kind="node", keys=keys))

    assert world.get("borealis", DISCOVERY).status == 200
    world.signers["borealis"] = old
    assert world.get("borealis", DISCOVERY) == stranger


def test_a_request_seen_before_is_refused(world, stranger):
    request = world.request("borealis", "POST", NUDGE, HINT)

    assert world.listener.answer(request).status == 202
    assert world.listener.answer(request) == stranger
    assert len(world.arrivals()) == 1


def test_a_replay_is_refused_as_long_as_its_signature_lives(world, stranger):
    request = world.request("borealis", "GET", DISCOVERY)
    world.listener.answer(request)

    for minutes in (1, 2, 6, 7):
        world.now = NOW + timedelta(minutes=minutes)
        world.get("cyrene", DISCOVERY)
        assert world.listener.answer(request) == stranger


@pytest.mark.parametrize(
    "change",
    [
        {"body": b'{"channel":"' + b"e" * 32 + b'","seq":2}'},
        {"body": b""},
        {"method": "GET", "url": BASE + "/mithaq/heartbeat/"},
        {"url": BASE + "/mithaq/heartbeat/"},
        {"url": BASE + NUDGE + "?x=1"},
    ],
)
def test_what_the_signature_covers_cannot_be_changed(world, stranger, change):
    request = world.request("borealis", "POST", NUDGE, HINT)

    assert world.listener.answer(replace(request, **change)) == stranger
    assert world.arrivals() == []


@pytest.mark.parametrize("gone", ["content-digest", "signature", "signature-input"])
def test_what_the_signature_needs_cannot_be_left_out(world, stranger, gone):
    request = world.request("borealis", "POST", NUDGE, HINT)
    headers = {name: value for name, value in request.headers.items() if name != gone}

    assert world.listener.answer(replace(request, headers=headers)) == stranger


def test_a_request_signed_for_another_node_is_none_for_us(world, stranger):
    """Replayed to us by whoever received it: the target is covered, whatever Host says."""
    request = world.request("borealis", "GET", DISCOVERY)
    elsewhere = sign(
        replace(request, url="https://cyrene.example/taxii2/", headers={"accept": TAXII}),
        world.signers["borealis"],
        NOW,
    )

    assert world.listener.answer(elsewhere) == stranger
    assert world.listener.answer(replace(elsewhere, url=request.url)) == stranger


def test_another_nodes_key_does_not_speak_for_a_node(world, stranger):
    signed = world.request("cyrene", "GET", DISCOVERY)
    theirs, ours = (world.signers[name].keyid for name in ("cyrene", "borealis"))
    headers = {
        **signed.headers,
        "signature-input": signed.headers["signature-input"].replace(theirs, ours),
    }

    assert world.listener.answer(replace(signed, headers=headers)) == stranger
    assert world.listener.answer(signed).status == 200


@pytest.mark.parametrize(("minutes", "status"), [(-6, 401), (-4, 200), (4, 200), (8, 401)])
def test_a_signature_counts_only_around_its_time(world, minutes, status):
    request = world.request("borealis", "GET", DISCOVERY)
    world.now = NOW + timedelta(minutes=minutes)

    assert world.listener.answer(request).status == status


def test_a_client_never_reaches_what_is_for_nodes(world):
    nothing = world.get("misp", "/taxii2/" + "f" * 32 + "/frames/")
    assert nothing.status == 404

    for method, path in (
        ("GET", FRAMES),
        ("POST", FRAMES),
        ("GET", "/mithaq/heartbeat/"),
        ("POST", "/mithaq/heartbeat/"),
        ("POST", NUDGE),
    ):
        assert world.ask("misp", method, path, HINT if method == "POST" else b"") == nothing
    assert world.arrivals() == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "DELETE", "X"])
@pytest.mark.parametrize("who", ["nobody", "borealis", "misp"])
def test_other_methods_are_refused_alike_for_all_whatever_is_there(world, method, who):
    answers = [
        world.ask(who, method, path)
        for path in (f"/taxii2/{B_SHELF}/", f"/taxii2/{CLIENT_SHELF}/", f"/taxii2/{'f' * 32}/")
    ]

    assert {answer.status for answer in answers} == {405}
    assert len({(answer.body, answer.headers["allow"]) for answer in answers}) == 1


@pytest.mark.parametrize("path", ["/", "", "/taxii2", "/x/", "/taxii2/a/b/", "/taxii2/%ff/", "//"])
@pytest.mark.parametrize("who", ["nobody", "borealis"])
def test_a_path_that_is_no_route_is_nothing_to_anybody(world, who, path):
    assert world.get(who, path).status == 404


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (None, 200),
        (TAXII, 200),
        ("application/taxii+json", 200),
        ("application/taxii+json; version=2.1", 200),
        ('Application/TAXII+json;version="2.1"', 200),
        ("text/html, application/taxii+json;version=2.1;q=0.5", 200),
        ("*/*", 200),
        ("application/*", 200),
        ("application/taxii+json;version=2.0", 406),
        ("application/taxii+json;version=2.1;q=0", 406),
        ("application/taxii+json;version=2.1;q=0.000, */*", 406),
        ("application/taxii+json;q=0, application/*;q=1", 406),
        ("application/taxii+json;version=2.1;q=0, application/taxii+json", 406),
        ("application/taxii+json;version=2.1, application/taxii+json;q=0", 200),
        ("application/taxii+json;q=0.001", 200),
        ("*/*;q=0, application/taxii+json", 200),
        ("*/*;q=0", 406),
        ("application/taxii+json;version=2.0, */*;q=0.1", 200),
        ("text/*", 406),
        ("text/html", 406),
        ("application/json", 406),
    ],
)
def test_media_types_are_negotiated(world, accept, status):
    for path in (
        DISCOVERY,
        f"/taxii2/{CLIENT_SHELF}/",
        f"/taxii2/{CLIENT_SHELF}/collections/",
        f"/taxii2/{CLIENT_SHELF}/collections/inbox/objects/",
        f"/taxii2/{CLIENT_SHELF}/collections/inbox/manifest/",
    ):
        answer = world.get("misp", path, accept=accept)
        assert (answer.status, answer.headers["content-type"]) == (status, TAXII)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (TAXII, 202),
        ("application/taxii+json", 202),
        ("application/taxii+json; version=2.1", 202),
        (None, 415),
        ("application/json", 415),
        ("application/taxii+json;version=2.0", 415),
    ],
)
def test_a_post_says_what_it_is(world, kind, status):
    assert world.ask("misp", "POST", INBOX, envelope(stix(1)), content_type=kind).status == status


def test_a_body_within_the_stated_length_is_never_too_long_and_a_longer_one_is(world):
    most = world.json("misp", f"/taxii2/{CLIENT_SHELF}/")["max_content_length"]
    room = most - len(envelope(stix(1, description="")))
    fits = envelope(stix(1, description="x" * room))
    assert len(fits) == most

    assert world.ask("misp", "POST", INBOX, fits).status == 202
    assert world.ask("misp", "POST", INBOX, fits + b" ").status == 413


def test_the_head_alone_decides_whether_a_body_is_read(world):
    known = world.request("borealis", "POST", NUDGE, HINT)
    unknown = replace(known, headers={"accept": TAXII})

    welcome = world.listener.look(replace(known, body=b""), len(HINT))
    assert welcome == Welcome(name="borealis", most_bytes=4096)
    assert world.listener.look(replace(known, body=b""), 5000).status == 413
    assert world.listener.look(unknown, 10).status == 401
    assert (
        world.listener.look(replace(unknown, url=BASE + "/mithaq/keys/", method="GET"), 1).status
        == 413
    )
    # a first look uses nothing up
    assert world.listener.answer(known).status == 202


def test_one_caller_that_asks_too_much_waits_alone(world):
    statuses = [world.get("borealis", "/taxii2/x/").status for _ in range(600)]

    assert statuses.index(429) == 500
    assert world.get("cyrene", DISCOVERY).status == 200
    world.now += timedelta(seconds=1)
    assert world.get("borealis", DISCOVERY).status == 200


def test_one_caller_has_so_many_answers_under_way_and_others_their_own(world):
    door, knock = world.listener._gate, Knock(name="misp", kind="client")
    turns = [door.turn(knock, NOW) for _ in range(AT_ONCE)]
    for turn in turns:
        turn.__enter__()

    refused = world.get("misp", DISCOVERY)
    other = world.get("siem", DISCOVERY)
    turns[0].__exit__(None, None, None)

    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert other.status == 200
    assert world.get("misp", DISCOVERY).status == 200


def test_a_turn_is_given_back_whatever_happens(world):
    door, knock = world.listener._gate, Knock(name="misp", kind="client")
    for _ in range(2 * AT_ONCE):
        with pytest.raises(HttpProblem), door.turn(knock, NOW):
            raise HttpProblem(400)

    assert world.get("misp", DISCOVERY).status == 200


def test_without_a_store_the_listener_asks_for_patience(world, tmp_path):
    world.shelf.close()
    for file in (tmp_path / "home").glob("shelf.db*"):
        file.unlink()

    answer = world.get("misp", DISCOVERY)

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


def test_a_signature_that_leaves_the_body_out_is_none(world, stranger):
    """Else whoever carries the request could put another body behind it."""
    signer = world.signers["borealis"]
    message = transport._Message("POST", BASE + NUDGE, {})
    hms = transport.HTTPMessageSigner(signature_algorithm=transport.algorithms.ED25519)
    prepared = hms.prepare(
        message, key_id=signer.keyid, created=NOW, expires=NOW + transport.LIFE, nonce="n" * 24,
        label="mithaq", tag=transport.TAG, covered_component_ids=transport.COVERED[:2],
    )  # fmt: skip
    hms.apply(message, prepared, signer.sign(prepared.signature_base))
    headers = {name.lower(): value for name, value in message.headers.items()}
    assert "content-digest" not in headers

    request = Request(method="POST", url=BASE + NUDGE, headers=headers, body=HINT)
    assert world.listener.answer(request) == stranger
    assert world.arrivals() == []


def test_a_node_is_known_by_a_key_until_its_time_is_over_and_then_by_it_no_more(world, stranger):
    key = world.signers["borealis"]
    for ends, known in ((world.now + timedelta(seconds=1), True), (world.now, False)):
        caller = Caller(
            name="borealis", kind="node", keys={key.keyid: encode(key.public)},
            ends={key.keyid: text(ends)},
        )  # fmt: skip
        with world.shelf.begin() as unit:
            shelves.put_caller(unit, caller)

        answer = world.get("borealis", DISCOVERY)

        assert (answer.status == 200) is known
        assert known or answer == stranger
