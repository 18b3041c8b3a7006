"""Keys of other nations: who speaks, until when, and what no document may claim (border.md 9)."""

import json
import re
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from mithaq.border import parting, peers, signing
from mithaq.border.admit import Outcome
from mithaq.border.agreements import held as held_agreement
from mithaq.clock import text as stamp
from mithaq.errors import Conflict, InputError, NotFound, PeerError
from mithaq.node.build import ROOT_KEY
from mithaq.policy.agreement import to_bytes
from mithaq.seal.documents import KEYS, ExchangeKey, Revoked, fingerprint, unverified
from mithaq.seal.envelope import read, sign
from mithaq.seal.keys import encode, from_pem, generate, keyid
from mithaq.seal.messages import AGREEMENT
from mithaq.seal.messages import encode as to_payload
from mithaq.seal.words import strangers, words
from mithaq.store.parties import Peer, key_document_envelopes, peer, set_peer_state
from tests.rooms.border.lies import pair, relay, sign_both
from tests.rooms.border.stage import US, B, C, agreement, put, sealed
from tests.rooms.border.test_on_record import on_record


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


# --- whole ------------------------------------------------------------------------------------------------
def first(stage, name="fourth", root=None, **more):
    """A first document, signed by a root of its own; ``more`` replaces fields of Borea's."""
    held = unverified(read(stage.ask(key_document_envelopes, B)[1]))
    root = root or generate()
    fields = {f: getattr(held, f) for f in held.__struct_fields__} | {
        "party": name,
        "roots": [type(held.roots[0])(public=encode(root.public))],
        "exchange": [window(stage, generate())],
        "identities": [],
    }
    return sign(KEYS, to_payload(type(held)(**(fields | more))), root).to_bytes()


def meet(stage, raw):
    return stage.do(peers.meet, stage.us, raw, stage.now, by="omar")


def spoken(raw):
    return " ".join(words(fingerprint(read(raw).payload), "en"))


def renew(stage, *chain, name=B, typed=None):
    typed = typed or spoken(chain[0])
    return stage.do(peers.renew, name, chain, typed, stage.now, by="omar")


def callers(stage):
    """What the listener is told of callers, in order."""
    facts = [json.loads(r["facts"]) for r in stage.rows("shelf_ops") if r["op"] == "caller"]
    return [each | {"ends": json.loads(each["ends"])} for each in facts]


def test_keys_count_while_their_document_does_and_nobodys_never(stage):
    key = stage.signer(B).public
    assert stage.ask(peers.keys_of, B, stage.now) == {keyid(key): key}
    assert stage.ask(peers.keys_of, B, stage.now + timedelta(days=4000)) == {}
    assert stage.ask(peers.keys_of, "nobody", stage.now) == {}
    assert stage.ask(peers.proving_keys_of, "nobody", stage.now) == {}
    learn(stage, following(stage, expires=stamp(stage.now + timedelta(hours=1))))
    assert stage.ask(peers.keys_of, B, stage.now + timedelta(hours=1)) == {}


def test_a_key_that_will_be_revoked_proves_until_then(stage):
    key, then = stage.signer(B).public, stage.now + timedelta(hours=1)
    learn(stage, following(stage, revoked=[Revoked(key=keyid(key), since=stamp(then))]))

    assert stage.ask(peers.proving_keys_of, B, stage.now) == {keyid(key): key}
    assert stage.ask(peers.proving_keys_of, B, then) == {}


def test_our_new_keys_are_shown_and_on_record(stage):
    raw = following(stage, US)
    stage.do(peers.publish_own, raw, unverified(read(raw)), stage.now, by="omar")

    on_record(stage, "keys", US, version=2, by="omar")
    shown = [json.loads(r["facts"]) for r in stage.rows("shelf_ops") if r["op"] == "document"][-2:]
    assert shown == [{"name": name, "raw": raw.decode()} for name in ("keys", "keys/2")]


def test_a_nation_that_is_met_is_kept_as_it_says_and_is_not_met_twice(stage):
    raw = first(stage, organisation="CSIRT of Four", country="QZ", url="https://four.example/")

    met = meet(stage, raw)

    assert met == Peer(
        name="fourth", kind="node", url="https://four.example", state="met", country="QZ",
        organisation="CSIRT of Four", added_at=stamp(stage.now),
    )  # fmt: skip
    assert stage.ask(peer, "fourth") == met
    on_record(stage, "peer-met", "fourth", url="https://four.example", by="omar")
    stage.clock.step(60)
    before = stage.dump()
    assert meet(stage, raw) == met
    assert meet(stage, stage.ask(key_document_envelopes, B)[1]).state == "confirmed"
    assert stage.dump() == before


def test_what_is_claimed_of_another_nation_is_named_and_an_expired_document_meets_nobody(stage):
    held = unverified(read(stage.ask(key_document_envelopes, B)[1]))
    stolen = {"identities": held.identities, "exchange": held.exchange}

    with pytest.raises(Conflict) as caught:
        meet(stage, first(stage, **stolen))
    assert caught.value.facts["claimed"] == min([*held.identities, *held.all_exchange_keys()])
    with pytest.raises(PeerError, match="expired"):
        meet(stage, first(stage, expires=stamp(stage.now)))


def test_a_clients_name_is_no_nations_to_take(stage):
    sensor = Peer(name="fourth", kind="client", state="confirmed")
    stage.do(peers.add_client, sensor, stage.now, by="lena")
    before = stage.dump()

    with pytest.raises(Conflict):
        meet(stage, first(stage))

    assert stage.dump() == before


def test_under_a_removed_name_only_who_begins_after_all_that_is_held_is_met_anew(stage):
    learn(stage, following(stage))
    later = first(stage, B, version=3, begins=3)
    with pytest.raises(Conflict):
        meet(stage, later)

    stage.do(parting.remove, B, stage.now, by="lena")

    for version in (1, 2):
        with pytest.raises(Conflict):
            meet(stage, first(stage, B, version=version, begins=version))
    assert meet(stage, later).state == "met"


def test_a_next_document_is_on_record_moves_its_nation_and_tells_the_listener(stage):
    raw = following(stage, url="https://moved.example/")

    learn(stage, raw)

    on_record(stage, "keys", B, version=2)
    assert stage.ask(peer, B).url == "https://moved.example"
    key = stage.signer(B).public
    assert callers(stage)[-1] == {
        "name": B, "kind": "node", "keys": json.dumps({keyid(key): encode(key)}), "token": "",
        "document": raw.decode(), "ends": unverified(read(raw)).ends,
    }  # fmt: skip
    with pytest.raises(PeerError, match="no document"):
        learn(stage, raw, "nobody")


def test_a_signature_received_at_the_instant_of_its_keys_revocation_is_void(stage):
    sign_both(stage, agreement("late", US, B))
    revoked = Revoked(key=keyid(stage.signer(B).public), since=stamp(stage.now))

    learn(stage, following(stage, revoked=[revoked]))

    texts = stage.ask(held_agreement, "late", stage.now)
    assert (texts.text, texts.newest.complete) == (None, False)


def test_a_signature_that_another_key_of_its_nation_made_as_well_is_not_void(stage):
    new = generate()
    learn(stage, following(stage, exchange=[window(stage, new), window(stage, stage.signer(B))]))
    text_ = to_bytes(agreement("twice", US, B))
    stage.do(signing.sign_text, stage.us, text_, stage.now, by="lena")
    both = sign(AGREEMENT, text_, stage.signer(B), new)
    stage.do(signing.receive, stage.us, B, both, stage.now)

    revoked = [Revoked(key=keyid(stage.signer(B).public), since=stamp(stage.now))]
    exchange = [window(stage, new), window(stage, stage.signer(B))]
    learn(stage, following(stage, version=3, exchange=exchange, revoked=revoked))

    assert stage.ask(held_agreement, "twice", stage.now).text is not None


def test_who_begins_anew_is_learnt_by_words_alone_and_all_of_it_is_on_record(stage):
    sign_both(stage, agreement("late", US, B))
    lost = Revoked(key=keyid(stage.signer(B).public), since=stamp(stage.now))
    raw = first(stage, B, version=3, begins=3, url="https://anew.example/", revoked=[lost])
    with pytest.raises(peers.BeginsAnew):
        learn(stage, raw)

    assert renew(stage, raw).version == 3

    on_record(stage, "peer-renewed", B, version=3, by="omar")
    assert stage.ask(peer, B).url == "https://anew.example"
    assert callers(stage)[-1]["document"] == raw.decode()
    assert stage.ask(held_agreement, "late", stage.now).text is None
    # of the two that it never showed us nothing is known
    assert learn(stage, following(stage)).version == 3


def test_who_is_not_confirmed_or_does_not_begin_anew_is_not_let_in_by_renewing(stage):
    stage.do(set_peer_state, C, "met")
    told = len(callers(stage))
    renew(stage, first(stage, C, version=3, begins=3), name=C)
    assert len(callers(stage)) == told

    with pytest.raises(Conflict):
        renew(stage, first(stage, B, version=4, begins=3))
    stage.do(
        peers.add_client, Peer(name="sensor", kind="client", state="confirmed"), stage.now, by="l"
    )
    with pytest.raises(PeerError):
        renew(stage, first(stage, "sensor", version=3, begins=3), name="sensor")


def test_nobody_and_no_client_is_confirmed_by_words(stage):
    stage.do(
        peers.add_client, Peer(name="sensor", kind="client", state="confirmed"), stage.now, by="l"
    )

    with pytest.raises(NotFound):
        stage.do(peers.confirm, "nobody", "some words", stage.now, by="omar")
    with pytest.raises(peers.WrongWords):
        stage.do(peers.confirm, "sensor", "some words", stage.now, by="omar")


def test_what_was_misheard_is_named_with_its_place_and_what_is_like_it_if_anything_is(stage):
    word, *_ = stage.ask(peers.fingerprint_words, B, "en")
    for typed in (word + "q", "0xzzqq"):
        [(place, heard, near)] = strangers(typed)
        with pytest.raises(peers.WrongWords) as caught:
            stage.do(peers.confirm, B, typed, stage.now, by="omar")
        like = f"; like it: {', '.join(near)}" if near else ""
        assert str(caught.value).endswith(
            f"line. Word {place}, {heard!r}, is in no word list{like}"
        )
    assert near == []


def test_a_token_is_of_226_random_bits_in_signs_that_every_tool_takes(stage):
    stage.do(
        peers.add_client, Peer(name="sensor", kind="client", state="confirmed"), stage.now, by="l"
    )

    token = stage.do(peers.new_token, "sensor", stage.now, by="lena")

    assert re.fullmatch("[0-9A-Za-z]{40}", token)  # as MISP wants its keys
    assert callers(stage)[-1] == {
        "name": "sensor", "kind": "client", "keys": "{}", "token": peers.token_digest(token),
        "document": "", "ends": {},
    }  # fmt: skip


def test_to_deal_with_a_peer_no_more_is_one_act_where_it_was_no_witness(stage):
    before = len(stage.rows("journal"))

    stage.do(parting.remove, B, stage.now, by="lena")

    assert [r["kind"] for r in stage.rows("journal")[before:]] == ["peer-removed"]
