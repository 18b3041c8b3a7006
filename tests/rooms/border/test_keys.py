"""Our next key document: who hears of it, and that there is one to follow."""

from datetime import timedelta

import pytest

from mithaq.border import heartbeats, keys, peers, recall
from mithaq.border.keys import Change
from mithaq.clock import text as stamp
from mithaq.errors import Conflict, Fault, InputError, PeerError, Refused
from mithaq.model.labels import Tlp
from mithaq.node.build import ROOT_KEY
from mithaq.seal import drafts
from mithaq.seal.documents import KEYS, MAX_WINDOW, Reader, Revoked, fingerprint
from mithaq.seal.envelope import sign
from mithaq.seal.keys import encode, from_pem, generate, keyid
from mithaq.seal.messages import ZERO, Head
from mithaq.seal.messages import encode as to_payload
from mithaq.seal.words import words
from mithaq.store import channels
from mithaq.store.parties import Peer, key_document_envelopes, set_peer_state
from tests.rooms.border.lies import forum, pair, relay
from tests.rooms.border.stage import FORUM, FRESH, PAIR, US, B, C, put, sealed
from tests.rooms.border.test_heartbeats import beat
from tests.rooms.border.test_peers import following, window
from tests.rooms.border.test_recall import order, ordered
from tests.values import replace


@pytest.fixture
def root(stage):
    return from_pem((stage.node.config.home / ROOT_KEY).read_bytes())


def frames_to(stage, peer):
    with stage.node.core.read() as unit:
        held = channels.find(unit, peer, "", "out")
    return held.seq if held else 0


def test_nodes_hear_of_it_and_clients_do_not(stage, root):
    stage.do(
        peers.add_client, Peer(name="siem", kind="client", state="confirmed"), stage.now, by="o"
    )
    before = {name: frames_to(stage, name) for name in (B, C, "siem")}

    stage.do(keys.rotate, stage.us, [root], Change(), stage.now, by="olga")
    stage.do(keys.announce, stage.us, stage.now)

    assert stage.ask(keys.announced) == 2
    assert {name: frames_to(stage, name) - before[name] for name in before} == {
        B: 1,
        C: 1,
        "siem": 0,
    }


def test_without_a_document_there_is_none_to_follow(stage, root):
    with stage.node.core.begin() as unit:
        unit.exec_driver_sql("DELETE FROM key_documents WHERE party = 'aurelia'")

    with pytest.raises(Fault):
        stage.do(keys.rotate, stage.us, [root], Change(), stage.now, by="olga")


def test_a_draft_that_follows_another_document_or_lacks_signatures_is_not_published(stage, root):
    late = drafts.signed(stage.do(keys.draft, stage.us, Change(), stage.now), root)
    lone = stage.do(keys.draft, stage.us, Change(), stage.now)
    with pytest.raises(Refused):
        stage.do(keys.publish, stage.us, lone, stage.now, by="olga")
    stage.do(keys.rotate, stage.us, [root], Change(), stage.now, by="olga")

    with pytest.raises(Conflict):
        stage.do(keys.publish, stage.us, late, stage.now, by="olga")


def test_roots_threshold_pins_identities_and_address_change_by_a_draft(stage, root):
    others = [generate(), generate()]
    change = Change(
        roots=[each.public for each in (root, *others)],
        threshold=2,
        pins=[root.keyid],
        identities=["identity--00000000-0000-4000-8000-000000000009"],
        url="https://other.example/",
    )
    made = stage.do(keys.draft, stage.us, change, stage.now)
    for each in (root, others[1]):
        made = drafts.signed(made, each)
    document = stage.do(keys.publish, stage.us, made, stage.now, by="olga")

    assert (document.threshold, len(document.roots), document.standing) == (2, 3, "full")
    assert document.spki_pins == [root.keyid]
    assert document.identities[-1].endswith("9")
    assert document.url == "https://other.example"

    made = stage.do(keys.draft, stage.us, Change(pins=[]), stage.now)
    for each in (root, others[0]):
        made = drafts.signed(made, each)
    after = stage.do(keys.publish, stage.us, made, stage.now, by="olga")
    assert (after.threshold, after.standing, after.spki_pins) == (2, "full", [])


def turn(stage, root, **more):
    return stage.do(keys.rotate, stage.us, [root], Change(**more), stage.now, by="olga")


def windows(document):
    return [(key.public, key.not_before, key.not_after) for key in document.exchange]


def test_of_our_keys_those_whose_time_is_over_go_and_the_old_one_stays_a_week_beside_the_new(
    stage, root
):
    start, week = stage.now, timedelta(days=7)
    one, two, three, four = (generate() for _ in range(4))
    [old] = [key.public for key in document(stage).exchange]

    def span(key, since, until):
        return (encode(key.public), stamp(since), stamp(until))

    first = turn(stage, root, public=one.public, begins=start)
    assert windows(first)[0][::2] == (old, stamp(start + week))
    assert windows(first)[1:] == [span(one, start, start + MAX_WINDOW)]

    stage.clock.now = start + week
    assert windows(turn(stage, root)) == [span(one, start, start + MAX_WINDOW)]

    ahead = stage.now + week
    both = turn(stage, root, public=two.public, begins=ahead)
    assert windows(both) == [
        span(one, start, ahead + week),
        span(two, ahead, ahead + MAX_WINDOW),
    ]
    # One that would begin only when the newest has long taken over is not kept.
    newest = turn(stage, root, public=three.public, begins=stage.now)
    assert windows(newest) == [
        span(one, start, ahead),
        span(three, stage.now, stage.now + MAX_WINDOW),
    ]
    gone = turn(
        stage, root, public=four.public, begins=stage.now, revoked=[three.keyid], since=start
    )
    assert windows(gone) == [
        span(one, start, ahead),
        span(four, stage.now, stage.now + MAX_WINDOW),
    ]
    assert [(r.key, r.since) for r in gone.revoked] == [(three.keyid, stamp(start))]
    assert [r.key for r in turn(stage, root, revoked=[one.keyid]).revoked] == [
        three.keyid,
        one.keyid,
    ]


def document(stage, party=US):
    return stage.ask(peers.document_of, party)


def test_keys_that_our_document_does_not_name_cannot_be_revoked_and_are_named_in_order(stage, root):
    strangers = [f"key-{number}" for number in range(6)]

    with pytest.raises(InputError, match=", ".join(strangers)):
        turn(stage, root, revoked=strangers[::-1])


def test_a_document_is_issued_now_for_a_year_and_never_before_the_one_it_follows(stage, root):
    stage.clock.now += timedelta(hours=1)
    first = turn(stage, root)
    issued = first.issued
    assert (issued, first.expires) == (stamp(stage.now), stamp(stage.now + timedelta(days=365)))
    stage.clock.now -= timedelta(minutes=30)

    assert turn(stage, root).issued == issued


def test_readers_are_as_before_unless_a_document_lists_them_anew(stage, root):
    listed = [Reader(id="r-1", name="Reader One", role="duty")]

    assert turn(stage, root, readers=listed).readers == listed
    assert turn(stage, root).readers == listed
    assert turn(stage, root, readers=[]).readers == []


def test_new_roots_let_channels_begin_anew_and_the_next_document_of_the_same_does_not(stage, root):
    def reasons():
        rows = stage.rows("channels")
        return {c["reason"] for c in rows if (c["direction"], c["agreement"]) == ("out", "")}

    turn(stage, root)
    assert reasons() == {""}
    assert "keys" in stage.leaves(US)

    fresh = generate()
    turn(stage, fresh, anew=True, roots=[fresh.public], threshold=1)
    assert reasons() == {"anew"}


def test_whose_words_are_not_compared_hears_of_no_document(stage, root):
    stage.do(set_peer_state, C, "met")
    turn(stage, root)
    before = {name: frames_to(stage, name) for name in (B, C)}

    stage.do(keys.announce, stage.us, stage.now)

    assert [frames_to(stage, name) - before[name] for name in (B, C)] == [1, 0]


def test_a_peer_lacks_every_version_after_the_one_it_holds_in_their_order(stage, root):
    for _ in range(2):
        turn(stage, root)
    held = stage.ask(key_document_envelopes, US)

    assert stage.ask(keys.lacking, stage.us, B) == [held[2], held[3]]
    assert stage.ask(keys.lacking, stage.us, "stranger") == [held[2], held[3]]  # the first is met


# --- revoked ------------------------------------------------------------------------------------------
def revoke(stage, since, name=B, version=2, key=None):
    """Learn a document of a peer's that revokes the key it seals by; return how many it set aside."""
    gone = Revoked(key=key or keyid(stage.signer(name).public), since=stamp(since))
    raw = following(stage, name, version=version, revoked=[gone])
    return stage.do(keys.learn, stage.us, name, raw, stage.now)


def aside(stage):
    return [(row["voucher"], row["id"], row["version"]) for row in stage.rows("quarantine")]


def test_what_came_under_a_key_since_it_is_revoked_is_set_aside_once_and_listed(stage):
    stage.do(heartbeats.show, stage.us, B, stage.now, timedelta(hours=1))
    body = stage.body()
    stage.admit(sealed(pair(), [put(body)], stage.signer(B))[0])
    key = keyid(stage.signer(B).public)

    assert revoke(stage, stage.now) == 1

    assert aside(stage) == [(B, body["id"], body["modified"])]
    assert stage.admitted() == []
    assert stage.ask(heartbeats.due, B, stage.now, timedelta(days=1))  # B is told at once
    [listed] = stage.ask(keys.touched, stage.us, key, stamp(stage.now))
    assert (listed.peer, listed.id, listed.version) == (B, body["id"], body["modified"])
    after = stamp(stage.now + timedelta(seconds=1))
    assert stage.ask(keys.touched, stage.us, key, after) == []
    assert revoke(stage, stage.now, version=3) == 0
    assert stage.leaves(B).count("key-revoked") == 1


def test_of_a_nation_that_nobody_met_no_document_is_learnt(stage):
    raw = stage.ask(key_document_envelopes, B)[1]

    with pytest.raises(PeerError, match="no document to follow"):
        stage.do(keys.learn, stage.us, "nobody", raw, stage.now)


def test_a_peer_renewed_by_its_words_is_told_at_once_and_what_it_revoked_before_is_not_again(stage):
    stage.admit(sealed(pair(), [put(stage.body())], stage.signer(B))[0])
    since = stage.now
    assert revoke(stage, since) == 1
    stage.do(heartbeats.show, stage.us, B, stage.now, timedelta(hours=1))
    held, fresh = document(stage, B), generate()
    roots = [type(held.roots[0])(public=encode(fresh.public))]
    gone = [*held.revoked, Revoked(key=keyid(fresh.public), since=stamp(since))]
    new = replace(held, version=3, begins=3, roots=roots, revoked=gone)
    envelope = sign(KEYS, to_payload(new), fresh)
    typed = " ".join(words(fingerprint(envelope.payload), "en"))

    chain = [envelope.to_bytes()]
    done = stage.do(keys.renew, stage.us, B, chain, typed, stage.now, by="omar")

    assert done == new == document(stage, B)
    assert stage.ask(heartbeats.due, B, stage.now, timedelta(days=1))
    revoked = [r["key"] for r in stage.records(B) if r["kind"] == "key-revoked"]
    assert revoked == [held.revoked[0].key, keyid(fresh.public)]


def test_what_its_owners_revoked_key_proves_is_set_aside_as_the_relays(stage):
    body = stage.body(by=C)
    stage.admit(relay(stage, body))

    assert revoke(stage, stage.now, C) == 1

    assert aside(stage) == [(B, body["id"], body["modified"])]


def test_what_another_key_of_the_peer_vouched_for_stays(stage):
    new, old = generate(), stage.signer(B)
    names = [window(stage, old), window(stage, new)]
    stage.do(peers.learn, B, following(stage, exchange=names), stage.now)
    body = stage.body()
    stage.admit(sealed(pair(), [put(body)], new)[0])

    gone = Revoked(key=keyid(old.public), since=stamp(stage.now))
    raw = following(stage, version=3, exchange=names, revoked=[gone])
    assert stage.do(keys.learn, stage.us, B, raw, stage.now) == 0
    assert [copy.object.id for copy in stage.admitted()] == [body["id"]]


def test_before_the_instant_only_what_no_heartbeat_had_told_of_is_set_aside(stage):
    """Two versions in one channel, the first of them told of; and the second in another, told of too."""
    body = stage.body(level=Tlp.CLEAR)
    later = body | {"modified": "2026-03-01T12:00:01.000Z"}
    raw, head = sealed(pair(), [put(body)], stage.signer(B))
    stage.admit(raw)
    stage.admit(sealed(pair(), [put(later)], stage.signer(B), seq=2, prev=head)[0])
    stage.admit(sealed(forum(), [put(later)], stage.signer(B), channel="9" * 32)[0])
    heads = [Head(channel=name, seq=1, seal=ZERO) for name in (FRESH, "9" * 32)]
    stage.do(heartbeats.take, stage.us, B, beat(stage, heads=heads), stage.now)
    stage.clock.now += timedelta(hours=1)

    assert revoke(stage, stage.now) == 1

    assert aside(stage) == [(B, body["id"], later["modified"])]
    left = {(copy.agreement, copy.object.version) for copy in stage.admitted()}
    assert left == {(PAIR, body["modified"]), (FORUM, later["modified"])}


def test_what_a_key_of_ours_sealed_is_listed_by_what_it_is(stage):
    [copy] = stage.give(stage.body(by=US))
    since = stamp(stage.now)
    stage.publish(copy)
    key = stage.us.signer.keyid

    listed = stage.ask(keys.touched, stage.us, key, "2026-01-01T00:00:00.000Z")
    releases_ = [(t.peer, t.agreement, t.id, t.version) for t in listed if t.kind == "release"]
    assert releases_ == [(B, PAIR, copy.object.id, copy.object.version)]
    others = {(t.kind, t.id, t.version) for t in listed if t.kind != "release"}
    assert others == {("document", "", "")}
    assert [t.kind for t in stage.ask(keys.touched, stage.us, key, since)] == ["release"]


def test_orders_and_answers_that_a_key_of_ours_sealed_are_listed_as_such(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.clock.step()
    since = stamp(stage.now)

    asked = recall.Asked(id=copy.object.id, cause="wrong")
    stage.do(recall.recall, stage.us, "lena", asked, stage.now)
    stage.admit(ordered(stage, order(stage, "tool--0")))

    listed = stage.ask(keys.touched, stage.us, stage.us.signer.keyid, since)
    assert [(t.kind, t.peer, t.agreement) for t in listed] == [
        ("recall", B, PAIR), ("receipt", B, PAIR),
    ]  # fmt: skip
