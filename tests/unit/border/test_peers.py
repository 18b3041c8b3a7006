"""Keys of other nations: who speaks, until when, and what no document may claim (border.md 9)."""

from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from mithaq.border import parting, peers
from mithaq.border.admit import Outcome
from mithaq.clock import text as stamp
from mithaq.errors import Conflict, InputError, NotFound, PeerError
from mithaq.node.build import ROOT_KEY
from mithaq.seal.documents import KEYS, ExchangeKey, Revoked, unverified
from mithaq.seal.envelope import read, sign
from mithaq.seal.keys import encode, from_pem, generate, keyid
from mithaq.seal.messages import encode as to_payload
from mithaq.store.parties import Peer, key_document_envelopes, peer, set_peer_state
from tests.unit.border.lies import pair, relay
from tests.unit.border.stage import B, C, put, sealed


def following(stage, name=B, **more):
    """The next key document of a nation, signed by its real root; ``more`` replaces fields."""
    held = unverified(read(stage.ask(key_document_envelopes, name)[1]))
    root = from_pem((stage.nodes[name].config.home / ROOT_KEY).read_bytes())
    fields = {f: getattr(held, f) for f in held.__struct_fields__} | {"version": 2} | more
    return sign(KEYS, to_payload(type(held)(**fields)), root).to_bytes()


def learn(stage, raw, name=B):
    return stage.do(peers.learn, name, raw, stage.now)


def window(stage, key, days=30):
    span = (stage.now - timedelta(hours=1), stage.now + timedelta(days=days))
    return ExchangeKey(
        public=encode(key.public), not_before=stamp(span[0]), not_after=stamp(span[1])
    )


def frame_by(stage, key):
    return sealed(pair(), [put(stage.body())], key)[0]


def test_after_a_rotation_the_new_key_counts_and_one_not_named_any_more_does_not(stage):
    new, old = generate(), stage.signer(B)
    learn(stage, following(stage, exchange=[window(stage, new)]))

    assert stage.admit(frame_by(stage, old)).outcome is Outcome.REFUSED
    assert stage.admit(frame_by(stage, new)).outcome is Outcome.ADMITTED


def test_a_revoked_key_counts_for_nothing_and_does_not_knock(stage):
    revoked = Revoked(key=keyid(stage.signer(B).public), since=stamp(stage.now))
    learn(stage, following(stage, revoked=[revoked]))
    stage.project()

    assert stage.admit(frame_by(stage, stage.signer(B))).outcome is Outcome.REFUSED
    with stage.node.shelf.read() as unit:
        names = set(unit.execute(text("SELECT name FROM caller_keys")).scalars())
    assert names == {C}


def test_a_proof_by_a_key_its_owner_has_revoked_is_set_aside_whenever_it_says_it_was_made(stage):
    raw = relay(stage, stage.body(by=C))
    revoked = Revoked(key=keyid(stage.signer(C).public), since=stamp(stage.now))
    learn(stage, following(stage, C, revoked=[revoked]), C)

    assert stage.admit(raw).quarantined == 1


def test_a_proof_by_a_key_long_rotated_still_holds(stage):
    raw = relay(stage, stage.body(by=C))
    learn(stage, following(stage, C, exchange=[window(stage, generate())]), C)

    assert stage.admit(raw).stored == 1


def test_no_document_claims_another_nations_identity(stage):
    before = stage.dump()
    stolen = [
        *unverified(read(stage.ask(key_document_envelopes, B)[1])).identities,
        stage.identity(C),
    ]

    with pytest.raises(PeerError):
        learn(stage, following(stage, identities=stolen))

    assert stage.dump() == before


def test_a_document_that_skips_a_version_or_is_signed_by_another_root_is_refused(stage):
    for raw in (following(stage, version=3), following(stage, C, party=B)):
        with pytest.raises(PeerError):
            learn(stage, raw)
    assert learn(stage, stage.ask(key_document_envelopes, B)[1]).version == 1
    with pytest.raises(PeerError):
        learn(stage, b"{}", "nobody")


def test_a_name_or_identity_met_once_is_not_given_to_another(stage):
    root, exchange = generate(), generate()
    held = unverified(read(stage.ask(key_document_envelopes, B)[1]))
    fields = {f: getattr(held, f) for f in held.__struct_fields__}
    roots = [type(held.roots[0])(public=encode(root.public))]
    mine = {"roots": roots, "exchange": [window(stage, exchange)], "version": 1}

    for more in ({}, {"party": "fourth"}):
        raw = sign(KEYS, to_payload(type(held)(**(fields | mine | more))), root).to_bytes()
        with pytest.raises(Conflict):
            stage.do(peers.meet, stage.us, raw, stage.now, by="omar")
    for more in ({"party": stage.us.party}, {"party": "x", "realm": "drill:x", "identities": []}):
        raw = sign(KEYS, to_payload(type(held)(**(fields | mine | more))), root).to_bytes()
        with pytest.raises(PeerError):
            stage.do(peers.meet, stage.us, raw, stage.now, by="omar")
    assert (
        stage.do(
            peers.meet, stage.us, stage.ask(key_document_envelopes, B)[1], stage.now, by="omar"
        ).name
        == B
    )


def test_wrong_words_confirm_nobody(stage):
    words = " ".join(stage.ask(peers.fingerprint_words, C, "en"))

    with pytest.raises(peers.WrongWords):
        stage.do(peers.confirm, B, words, stage.now, by="omar")


def test_a_client_has_a_token_and_a_node_a_key(stage):
    client = Peer(name="sensor", kind="client", state="confirmed")
    stage.do(peers.add_client, client, stage.now, by="lena")

    with pytest.raises(Conflict):
        stage.do(peers.add_client, client, stage.now, by="lena")
    with pytest.raises(InputError):
        stage.do(peers.new_token, B, stage.now, by="lena")
    first, second = (stage.do(peers.new_token, "sensor", stage.now, by="lena") for _ in range(2))
    stage.project()
    with stage.node.shelf.read() as unit:
        tokens = list(
            unit.execute(text("SELECT token FROM callers WHERE name = 'sensor'")).scalars()
        )
    assert tokens == [peers.token_digest(second)]
    assert first != second
    assert msgspec.json.encode(first)


def test_whoever_has_shown_no_keys_has_no_words(stage):
    with pytest.raises(NotFound):
        stage.ask(peers.fingerprint_words, "nobody", "en")


def test_new_keys_of_a_nation_whose_words_are_not_compared_open_nothing(stage):
    stage.do(set_peer_state, B, "met")
    before = len(stage.rows("shelf_ops"))

    learn(stage, following(stage, exchange=[window(stage, generate())]))

    assert len(stage.rows("shelf_ops")) == before


def test_only_a_node_is_brought_what_is_for_it_and_in_a_way_that_there_is(stage):
    sensor = Peer(name="sensor", kind="client", state="confirmed")
    stage.do(peers.add_client, sensor, stage.now, by="olga")

    for name, way in ((B, "pigeon"), ("sensor", "push")):
        with pytest.raises(InputError):
            stage.do(parting.set_delivery, name, way, stage.now, by="olga")
    stage.do(parting.set_delivery, B, "push", stage.now, by="olga")

    assert stage.ask(peer, B).delivery == "push"


def test_a_word_that_no_list_holds_is_named_with_those_like_it(stage):
    stage.do(set_peer_state, B, "met")
    first, *others = stage.ask(peers.fingerprint_words, B, "en")

    with pytest.raises(peers.WrongWords) as caught:
        stage.do(peers.confirm, B, " ".join((first + "q", *others)), stage.now, by="omar")

    assert repr(first + "q") in str(caught.value)
