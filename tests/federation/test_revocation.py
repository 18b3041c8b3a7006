"""A key is revoked or lost while things are under way: everybody hears of it at once, and nothing stays behind."""

import pytest
from msgspec.structs import replace
from sqlalchemy import event

from mithaq.border import agreements, keys, parting, peers, recall, signing
from mithaq.border.keys import Change
from mithaq.border.peers import document_of
from mithaq.border.shelf import Nudge
from mithaq.clock import text
from mithaq.exchange.client import fetch_keys
from mithaq.exchange.wire import PeerUnreachable, Request
from mithaq.node import open_node
from mithaq.node.keyring import NoExchangeKey
from mithaq.node.worker import Worker
from mithaq.policy.agreement import to_bytes
from mithaq.seal import envelope
from mithaq.seal.envelope import read, sign
from mithaq.seal.keys import generate, verifies
from mithaq.seal.messages import encode
from mithaq.store import channels, inbound, recalls
from tests.federation.test_delivery import NATIONS, agreement, let_go, tool


def turn(federation, node=None, **more):
    """Sign the next key document of Aurelia with a key that signs at once; return the key."""
    node = node or federation.nodes["aurelia"]
    fresh = generate()
    node.keys.beside(fresh.keyid).write_bytes(fresh.pem())
    wanted = Change(public=fresh.public, begins=federation.clock(), **more)
    with node.core.begin() as unit:
        keys.rotate(
            unit, node.us, [federation.root("aurelia")], wanted, federation.clock(), by="olga"
        )
    return fresh


def revoke(federation, node=None):
    node = node or federation.nodes["aurelia"]
    return turn(federation, node, revoked=[node.us.signer.keyid], since=federation.clock())


def version_at(federation, name):
    with federation.nodes[name].core.read() as unit:
        return document_of(unit, "aurelia").version


def numbers_at(federation, name):
    return sorted(int(id_[-3:]) for id_, _ in federation.held_by(name))


def away(*names):
    """Cut nodes off."""

    def fault(wire, sender, request):
        host = request.url.split("/")[2].split(".")[0]
        if sender in names or host in names:
            raise PeerUnreachable("away")

    return fault


def deaf(name):
    """Let a node be reached, and reach nobody."""

    def fault(wire, sender, request):
        if sender == name:
            raise PeerUnreachable("behind a firewall")

    return fault


def test_a_partner_that_only_ever_is_brought_things_hears_of_a_revocation_at_once(three):
    with three.nodes["aurelia"].core.begin() as unit:
        parting.set_delivery(unit, "borea", "push", three.clock(), by="olga")
    three.wire.fault = deaf("borea")
    revoke(three)
    three.workers["aurelia"].turn()
    three.workers["borea"].settle()

    assert version_at(three, "borea") == 2
    let_go(three, 1)
    three.settle()
    assert numbers_at(three, "borea") == [1]


def test_a_partner_that_fetches_hears_of_it_without_asking(three):
    revoke(three)
    three.workers["aurelia"].turn()
    three.workers["corvia"].settle()

    assert version_at(three, "corvia") == 2


def test_what_was_under_way_under_the_revoked_key_arrives_under_the_next(three):
    let_go(three, 1)
    three.settle()
    three.wire.fault = away("borea")
    let_go(three, 2)
    with three.nodes["aurelia"].core.begin() as unit:
        asked = recall.Asked(id=tool(1)["id"], cause="wrong")
        [given] = recall.recall(unit, three.nodes["aurelia"].us, "dora", asked, three.clock())
    agreed = agreement("pair", "aurelia", "borea")
    with three.nodes["aurelia"].core.begin() as unit:
        raw = to_bytes(agreed)
        signing.sign_text(unit, three.nodes["aurelia"].us, raw, three.clock(), by="lead")
    three.settle()
    assert numbers_at(three, "borea") == [1]
    revoke(three)
    three.settle()
    three.wire.fault = None
    three.settle(8)

    assert numbers_at(three, "borea") == [2]
    with three.nodes["aurelia"].core.read() as unit:
        answers = {r.peer: r.outcome for r in recalls.receipts_to(unit, given.order)}
        [out] = [
            c for c in channels.of_peer(unit, "borea", "out") if c.state == "open" and c.agreement
        ]

    assert answers == {"borea": "deleted", "corvia": "deleted"}
    with three.nodes["borea"].core.read() as unit:
        [proposed] = agreements.versions(unit, "pair")
    assert proposed.by == {"aurelia"}
    with three.nodes["borea"].core.read() as unit:
        there = channels.find(unit, "aurelia", "forum", "in")
    assert (there.id, there.seq, there.head) == (out.id, out.seq, out.head)


def test_a_partner_away_through_two_revocations_gets_everything_once(three):
    let_go(three, 1)
    three.settle()
    three.wire.fault = away("borea")
    for number in (2, 3):
        let_go(three, number)
        three.settle()
        revoke(three)
        three.settle()
    let_go(three, 4)
    three.wire.fault = None
    three.settle(10)

    assert numbers_at(three, "borea") == numbers_at(three, "corvia") == [1, 2, 3, 4]
    let_go(three, 5)
    three.settle()
    assert numbers_at(three, "borea") == [1, 2, 3, 4, 5]


def test_a_channel_of_which_nothing_arrived_begins_anew_twice(three):
    """Between two revocations the partner says that it knows of the first, and fetches nothing."""

    def no_frames(wire, sender, request):
        if "/frames/" in request.path and sender == "borea":
            raise PeerUnreachable("cut")

    let_go(three, 1)
    three.settle()
    three.wire.fault = no_frames
    for number in (2, 3):
        let_go(three, number)
        three.settle()
        revoke(three)
        three.settle(6)
    three.wire.fault = None
    three.settle(8)

    assert numbers_at(three, "borea") == [1, 2, 3]


def test_a_node_that_runs_seals_nothing_by_a_key_revoked_beside_it(three):
    running = three.nodes["aurelia"]
    old = running.us.signer.keyid
    beside = open_node(running.config.home, clock=three.clock, wire=three.wire.of("aurelia"))
    with running.core.read() as unit:
        before = {c.id: c.seq for c in channels.of_peer(unit, "borea", "out")}
    fresh = revoke(three, beside)
    beside.close()
    let_go(three, 1)

    with running.core.read() as unit:
        sealed = [
            signature.keyid
            for c in channels.of_peer(unit, "borea", "out")
            for parcel in channels.parcels(unit, c.id, before.get(c.id, 0) + 1, c.seq)
            for signature in read(parcel.envelope).signatures
        ]
    assert sealed == [fresh.keyid]
    assert running.us.signer.keyid == fresh.keyid != old


def test_a_lost_exchange_key_is_followed_by_another_and_partners_follow(three):
    node = three.nodes["aurelia"]
    let_go(three, 1)
    three.settle()
    home = node.config.home
    node.close()
    node.config.exchange_key_path.unlink()
    lost = open_node(home, clock=three.clock, wire=three.wire.of("aurelia"))
    three.nodes["aurelia"], three.workers["aurelia"] = lost, Worker(lost)
    three.listen("aurelia")
    assert lost.keys.lost
    with pytest.raises(NoExchangeKey):
        _ = lost.us.signer.keyid
    turn(three)
    three.settle()
    let_go(three, 2)
    three.settle()

    assert numbers_at(three, "borea") == numbers_at(three, "corvia") == [1, 2]


def test_an_expired_document_stops_admission_until_the_next_one(three):
    three.clock.step(366 * 24 * 3600)
    let_go(three, 1)
    three.settle()
    assert numbers_at(three, "borea") == []

    for name in NATIONS:  # the others' have expired as well
        node, fresh = three.nodes[name], generate()
        node.keys.beside(fresh.keyid).write_bytes(fresh.pem())
        change = Change(public=fresh.public, begins=three.clock())
        with node.core.begin() as unit:
            keys.rotate(unit, node.us, [three.root(name)], change, three.clock(), by="olga")
    three.settle(8)

    assert numbers_at(three, "borea") == numbers_at(three, "corvia") == [1]


# --- strangers -------------------------------------------------------------------------------------------
def post(federation, raw):
    request = Request(method="POST", url="http://borea.example/mithaq/keys/", body=raw)
    return federation.wire.deliver("borea.example", request)


def draft_of(federation, *signers, **more):
    """Return a next document of Aurelia's as signed by ``signers``; nobody has published it."""
    node = federation.nodes["aurelia"]
    with node.core.begin() as unit:
        made = keys.draft(unit, node.us, Change(**more), federation.clock()).envelope
    return sign(made.payload_type, made.payload, *signers).to_bytes()


def arrivals(federation, name="borea"):
    """Return what waits there, but for the noise that a document of nobody's leaves so that none is told apart."""
    with federation.nodes[name].spool.read() as unit:
        found = unit.exec_driver_sql("SELECT peer, kind FROM arrivals").all()
    return [each for each in found if each.kind != "noise"]


def test_anybody_may_bring_a_document_and_only_its_roots_make_it_count(three):
    others = generate()
    document = newest(three)
    unknown = encode(replace(document, party="nobody", version=2))
    skipped = encode(replace(document, version=3))
    realm = encode(replace(document, version=2, realm="drill:x"))
    kind = "application/vnd.mithaq.keys+json;v=1"
    lies = [
        b"",
        b"{}",
        draft_of(three, others),
        draft_of(three, others, roots=[others.public]),
        draft_of(three, three.root("aurelia"), roots=[others.public]),
        *(sign(kind, each, three.root("aurelia")).to_bytes() for each in (unknown, skipped, realm)),
    ]
    answers = [post(three, raw) for raw in lies]
    before = arrivals(three)
    true = post(three, draft_of(three, three.root("aurelia")))

    assert before == []
    assert {(a.status, a.body, tuple(a.headers.items())) for a in [*answers, true]} == {
        (true.status, true.body, tuple(true.headers.items()))
    }
    assert arrivals(three) == [("aurelia", "keys")]
    three.workers["borea"].turn()
    assert version_at(three, "borea") == 2
    post(three, draft_of(three, three.root("aurelia")))
    assert arrivals(three) == []


def effort(federation, raw, monkeypatch):
    """Return what borea does about a document that somebody brings: signatures verified, statements of the spool."""
    done = []

    def seen(public, message, signature):
        done.append("verifies")
        return verifies(public, message, signature)

    monkeypatch.setattr(envelope, "verifies", seen)
    engine = federation.nodes["borea"].spool._engine
    noted = lambda *args: done.append(args[2])  # noqa: E731 taken off again below
    event.listen(engine, "before_cursor_execute", noted)
    post(federation, raw)
    event.remove(engine, "before_cursor_execute", noted)
    monkeypatch.undo()
    return done


def test_as_much_is_done_about_a_document_whether_or_not_its_nation_is_known(three, monkeypatch):
    true = draft_of(three, three.root("aurelia"))
    unknown = sign(
        read(true).payload_type,
        encode(replace(newest(three), party="nobody", version=2)),
        three.root("aurelia"),
    ).to_bytes()

    known = effort(three, true, monkeypatch)

    assert known.count("verifies") == 1
    assert effort(three, true, monkeypatch) == known
    assert effort(three, unknown, monkeypatch) == known
    assert arrivals(three) == [("aurelia", "keys")] * 2

    listener = three.wire.listeners["borea.example"]
    listener._settings = replace(listener._settings, spool_bytes_per_peer=1)  # full for everybody
    assert effort(three, true, monkeypatch) == known
    assert effort(three, unknown, monkeypatch) == known
    assert arrivals(three) == [("aurelia", "keys")] * 2


def test_a_body_too_long_and_too_many_of_them_are_turned_away(three):
    assert post(three, b"x" * (1 << 18)).status == 413
    statuses = {post(three, b"{}").status for _ in range(150)}
    assert statuses == {202, 429}


def newest(federation):
    with federation.nodes["aurelia"].core.read() as unit:
        return document_of(unit, "aurelia")


def test_a_nation_that_is_met_and_not_confirmed_is_answered_as_an_unknown_one(federation):
    for name in ("aurelia", "borea"):
        federation.nation(name, NATIONS[name])
        federation.workers[name].show()
    one = post(federation, draft_of(federation, federation.root("aurelia")))
    node = federation.nodes["borea"]
    with node.core.begin() as unit:
        raw = fetch_keys(node.wire, federation.nodes["aurelia"].us.url)
        peers.meet(unit, node.us, raw, federation.clock(), by="omar")
    federation.workers["borea"].show()
    two = post(federation, draft_of(federation, federation.root("aurelia")))

    assert (one.status, one.body, one.headers) == (two.status, two.body, two.headers)
    assert arrivals(federation) == []


# --- what it touches -------------------------------------------------------------------------------------
def take_without_heartbeat(federation, name="borea"):
    """Let a nation fetch what Aurelia has on show as when it is nudged: without asking for a heartbeat."""
    node = federation.nodes["aurelia"]
    federation.workers["aurelia"].show()
    with node.core.read() as unit:
        nudges = [
            Nudge(peer="aurelia", channel=c.id, seq=c.seq)
            for c in channels.of_peer(unit, name, "out")
            if c.seq
        ]
    federation.workers[name].visitor.visit("aurelia", heard=nudges)


def listed(federation, name, key, since):
    node = federation.nodes[name]
    with node.core.read() as unit:
        return keys.touched(unit, node.us, key, text(since))


def touches_exactly(federation):
    """Attested, unattested and later releases: the last two are set aside, and listed at both ends."""
    key = federation.nodes["aurelia"].us.signer.keyid
    let_go(federation, 1)
    federation.settle()
    federation.clock.step(60)
    before = federation.clock()
    let_go(federation, 2)
    take_without_heartbeat(federation)
    federation.clock.step(60)
    since = federation.clock()
    let_go(federation, 3)
    take_without_heartbeat(federation)
    assert numbers_at(federation, "borea") == [1, 2, 3]
    sealed = listed(federation, "aurelia", key, before)
    turn(federation, revoked=[key], since=since)
    federation.settle(6)

    aside = listed(federation, "borea", key, since)
    assert sorted(each.id[-1] for each in aside) == ["2", "3"]
    assert {(each.peer, each.agreement) for each in aside} == {("aurelia", "forum")}
    assert numbers_at(federation, "borea") == [1]
    with federation.nodes["borea"].core.read() as unit:
        waiting = inbound.in_quarantine(unit)
    assert {(each.code, each.where, each.id[-1]) for each in waiting} == {
        ("key-revoked", key, "2"),
        ("key-revoked", key, "3"),
    }
    assert {(each.peer, each.kind, each.id[-1]) for each in sealed if each.kind == "release"} == {
        (peer, "release", number) for peer in ("borea", "corvia") for number in "23"
    }


def test_a_revocation_touches_exactly_what_came_since_and_what_no_heartbeat_had_told_of(three):
    touches_exactly(three)


def test_what_another_key_sealed_is_not_touched(three):
    old = three.nodes["aurelia"].us.signer.keyid
    turn(three)
    three.settle()
    three.clock.step(60)
    let_go(three, 1)
    take_without_heartbeat(three)
    three.clock.step(60)
    since = three.clock()
    turn(three, revoked=[old], since=since)
    three.settle(6)

    assert numbers_at(three, "borea") == [1]
    assert listed(three, "borea", old, since) == []
    assert listed(three, "aurelia", old, since) == []
