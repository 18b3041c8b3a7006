"""A nation loses its root keys: new words, typed at every partner, and what was agreed goes on (border.md 9.3)."""

import pytest

from mithaq.border import keys, parting, peers, vet
from mithaq.border.keys import Change
from mithaq.border.peers import WrongWords, document_of
from mithaq.errors import Conflict, PeerError
from mithaq.exchange.client import fetch_keys
from mithaq.node.build import ROOT_KEY
from mithaq.seal import drafts
from mithaq.seal.keys import from_pem, generate
from mithaq.store import channels, inbound, journal, parties, releases
from tests.federation.test_delivery import let_go
from tests.federation.test_revocation import away, numbers_at, turn, version_at


def begin_anew(federation, *, rotate=True, **more):
    """Let Aurelia begin anew under two of three fresh roots; return these."""
    node, roots, fresh = federation.nodes["aurelia"], [generate() for _ in range(3)], generate()
    node.keys.beside(fresh.keyid).write_bytes(fresh.pem())
    signing = {"public": fresh.public, "begins": federation.clock()} if rotate else {}
    change = Change(
        anew=True, roots=[each.public for each in roots], threshold=2, **(signing | more)
    )
    with node.core.begin() as unit:
        made = keys.draft(unit, node.us, change, federation.clock())
    for each in roots[:2]:
        made = drafts.signed(made, each)
    with node.core.begin() as unit:
        keys.publish(unit, node.us, made, federation.clock(), by="olga")
    federation.workers["aurelia"].show()
    return roots


def words(federation, name="aurelia"):
    with federation.nodes[name].core.read() as unit:
        return " ".join(peers.fingerprint_words(unit, name, "en"))


def renew(federation, name, typed=None, chain=None):
    node = federation.nodes[name]
    chain = chain or [fetch_keys(node.wire, "http://aurelia.example")]
    typed = typed or words(federation)
    with node.core.begin() as unit:
        keys.renew(unit, node.us, "aurelia", chain, typed, federation.clock(), by="lena")


def test_after_the_new_words_are_typed_everything_goes_on(three):
    let_go(three, 1)
    three.settle()
    with three.nodes["aurelia"].core.read() as unit:
        before = channels.find(unit, "borea", "forum", "out")
    old = words(three)
    begin_anew(three)
    let_go(three, 2)
    three.settle()
    assert words(three) != old
    assert numbers_at(three, "borea") == [1]

    renew(three, "borea")
    three.settle(8)
    let_go(three, 3)
    three.settle()

    assert numbers_at(three, "borea") == [1, 2, 3]
    assert numbers_at(three, "corvia") == [1]
    with three.nodes["aurelia"].core.read() as unit:
        after = channels.find(unit, "borea", "forum", "out")
    with three.nodes["borea"].core.read() as unit:
        there = channels.find(unit, "aurelia", "forum", "in")
        first = inbound.accepted_envelopes(unit, "aurelia")
        everything = peers.every_key_of(unit, "aurelia")
    assert before.id != after.id == there.id
    assert len(everything) == 2
    assert len(first) > before.seq


def test_who_keeps_its_exchange_key_is_taken_in_until_the_words_are_compared(three):
    begin_anew(three, rotate=False)
    let_go(three, 1)
    three.settle()
    assert numbers_at(three, "borea") == [1]
    with three.nodes["borea"].core.read() as unit:
        assert journal.setting(unit, "visit:aurelia") == "begins-anew"

    renew(three, "borea")
    three.settle(8)
    let_go(three, 2)
    three.settle()
    assert numbers_at(three, "borea") == [1, 2]
    assert version_at(three, "borea") == 2


def test_without_the_words_nothing_of_the_new_roots_counts(three):
    begin_anew(three)
    three.settle()

    for typed in ("one two three", words(three, "corvia")):
        with pytest.raises(WrongWords):
            renew(three, "borea", typed)
    three.settle()
    assert version_at(three, "borea") == 1


def test_what_follows_begins_nothing_anew_and_another_nation_is_not_it(three):
    with pytest.raises(Conflict):
        renew(three, "borea")
    turn(three)
    three.workers["aurelia"].show()
    with pytest.raises(Conflict):
        renew(three, "borea")
    other = fetch_keys(three.nodes["borea"].wire, "http://corvia.example")
    with pytest.raises(PeerError):
        renew(three, "borea", chain=[other])
    begin_anew(three)
    renew(three, "borea")
    with pytest.raises(Conflict):
        renew(three, "borea")


def test_a_document_that_claims_anothers_identity_is_refused_with_the_words_too(three):
    with three.nodes["corvia"].core.read() as unit:
        [identity] = document_of(unit, "corvia").identities
    begin_anew(three, identities=[identity])

    with pytest.raises(PeerError):
        renew(three, "borea")
    assert version_at(three, "borea") == 1


def test_the_new_roots_go_on_from_there_and_the_old_one_is_nobody(three):
    roots = begin_anew(three)
    fetched = [fetch_keys(three.nodes["borea"].wire, "http://aurelia.example", 2)]
    node = three.nodes["aurelia"]
    with node.core.begin() as unit:
        made = keys.draft(unit, node.us, Change(), three.clock())
    for each in roots[1:]:
        made = drafts.signed(made, each)
    with node.core.begin() as unit:
        keys.publish(unit, node.us, made, three.clock(), by="olga")
    fetched.append(made.envelope.to_bytes())
    old = from_pem((node.config.home / ROOT_KEY).read_bytes())

    assert old.keyid not in made.document.root_keys
    renew(three, "borea", chain=fetched)
    assert version_at(three, "borea") == 3
    assert made.document.begins == 2


def test_a_key_revoked_with_it_sets_aside_what_came_since(three):
    let_go(three, 1)
    three.settle()
    three.clock.step(3600)
    since = three.clock()
    let_go(three, 2)
    three.settle()
    stolen = three.nodes["aurelia"].us.signer.keyid
    begin_anew(three, revoked=[stolen], since=since)
    renew(three, "borea")
    three.settle(8)

    with three.nodes["borea"].core.read() as unit:
        assert {(each.code, each.id[-1]) for each in inbound.in_quarantine(unit)} == {
            ("key-revoked", "2")
        }


def test_a_partner_away_meanwhile_gets_what_it_lacked_and_only_that_is_new(three):
    let_go(three, 1)
    three.settle()
    three.wire.fault = away("borea")
    let_go(three, 2)
    three.settle()
    begin_anew(three)
    three.settle()
    three.wire.fault = None
    renew(three, "borea")
    three.settle(8)

    assert numbers_at(three, "borea") == [1, 2]


def test_a_nation_removed_meanwhile_is_met_again_by_its_new_words(three):
    node = three.nodes["borea"]
    with node.core.begin() as unit:
        parting.remove(unit, "aurelia", three.clock(), by="olga")
    begin_anew(three)
    three.enrol(node, three.nodes["aurelia"])

    assert version_at(three, "borea") == 2
    raw = fetch_keys(three.nodes["corvia"].wire, "http://aurelia.example", 1)
    with node.core.begin() as unit, pytest.raises(Conflict):
        peers.meet(unit, node.us, raw, three.clock(), by="omar")


def test_what_was_revoked_before_is_not_set_aside_a_second_time(three):
    let_go(three, 1)
    three.settle()
    three.clock.step(3600)
    since = three.clock()
    let_go(three, 2)
    three.settle()
    turn(three, revoked=[three.nodes["aurelia"].us.signer.keyid], since=since)
    three.settle()
    with three.nodes["borea"].core.begin() as unit:
        [aside] = inbound.in_quarantine(unit)
        vet.drop(unit, aside.seq, three.clock(), by="olga")

    begin_anew(three)
    renew(three, "borea")

    with three.nodes["borea"].core.read() as unit:
        assert list(inbound.in_quarantine(unit)) == []
    assert numbers_at(three, "borea") == [1]


def test_a_nation_whose_words_were_never_compared_is_opened_nothing_by_new_ones(three):
    node = three.nodes["borea"]
    with node.core.begin() as unit:
        parties.set_peer_state(unit, "aurelia", "met")
        before = releases.ops_since(unit, 0, kinds=["caller"])
    begin_anew(three)

    renew(three, "borea")

    assert version_at(three, "borea") == 2
    with node.core.read() as unit:
        assert releases.ops_since(unit, 0, kinds=["caller"]) == before
