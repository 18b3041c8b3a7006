"""Peers, their key documents, the people here, and the texts of agreements."""

import pytest

from mithaq.errors import NotFound
from mithaq.store import agreements, parties
from mithaq.store.agreements import NoticeRow, Text
from mithaq.store.parties import ActorRow, Peer
from tests.store.values import AT, NOW


@pytest.fixture
def unit(core):
    with core.begin() as opened:
        yield opened


PEER = Peer(
    name="borealis",
    kind="node",
    url="https://b.example",
    state="met",
    delivery="push",
    country="BO",
    organisation="CERT",
    constituency_of="",
    need_to_know=True,
    default_tlp="AMBER",
    token="",
    added_at=AT,
)


def test_a_peer_comes_back_as_it_was_given_and_is_replaced(unit):
    parties.put_peer(unit, PEER)
    parties.put_peer(unit, Peer(name="alpha", kind="client", state="met", added_at=AT))

    assert parties.peer(unit, "borealis") == PEER
    assert [each.name for each in parties.all_peers(unit)] == ["alpha", "borealis"]
    parties.set_peer_state(unit, "borealis", "confirmed")
    assert parties.peer(unit, "borealis").state == "confirmed"
    parties.put_peer(unit, PEER)
    assert parties.peer(unit, "borealis") == PEER


def test_a_removed_peer_is_no_peer(unit):
    parties.put_peer(unit, PEER)
    parties.set_peer_state(unit, "borealis", "removed")

    assert parties.all_peers(unit) == []
    with pytest.raises(NotFound) as missing:
        parties.peer(unit, "borealis")
    assert missing.value.facts == {"peer": "borealis"}


def test_a_version_of_a_key_document_is_kept_once(unit):
    for version, envelope in ((2, b"two"), (1, b"one"), (2, b"another")):
        parties.add_key_document(unit, "borealis", version, envelope, NOW)
    parties.add_key_document(unit, "aurelia", 1, b"ours", NOW)

    kept = parties.key_document_envelopes(unit, "borealis")
    assert list(kept.items()) == [(1, b"one"), (2, b"two")]
    assert sorted(parties.parties_with_keys(unit)) == ["aurelia", "borealis"]
    assert parties.key_document_envelopes(unit, "cassia") == {}


def test_an_actor_comes_back_with_roles_clearance_and_key(unit):
    amal = ActorRow(
        name="amal", roles="analyst", clearance="AMBER", public=bytes(32), readers="r1", added_at=AT
    )
    badr = ActorRow(name="badr", roles="", clearance="CLEAR", public=b"", added_at=AT)
    for each in (badr, amal):
        parties.put_actor(unit, each)

    assert parties.all_actors(unit) == [amal, badr]


# --- agreements --------------------------------------------------------------------------------------
def text_(digest="sha256:1", version=1, **changed):
    values = {"digest": digest, "id": "pact", "version": version, "raw": b"\x00text"}
    return Text(**values | {"added_at": AT, "from_party": "aurelia"} | changed)


def test_texts_are_kept_once_and_come_oldest_version_first(unit):
    for each in (text_("sha256:2", 2), text_(), text_(), text_("sha256:f", id="forum")):
        agreements.add_text(unit, each)

    assert agreements.texts(unit, "pact") == [text_(), text_("sha256:2", 2)]
    assert [each.id for each in agreements.texts(unit)] == ["forum", "pact", "pact"]
    assert agreements.texts(unit, "none") == []


def test_two_texts_of_one_version_stand_side_by_side(unit):
    """Which of them holds is a matter of signatures."""
    agreements.add_text(unit, text_("sha256:1"))
    agreements.add_text(unit, text_("sha256:x", raw=b"other"))

    assert len(agreements.texts(unit, "pact")) == 2


def test_a_partys_newest_signature_of_a_text_stands(unit):
    for party, envelope in (("aurelia", b"a"), ("borealis", b"b"), ("aurelia", b"again")):
        agreements.put_signature(unit, "sha256:1", party, envelope, NOW)
    agreements.put_signature(unit, "sha256:2", "aurelia", b"x", NOW)

    assert agreements.signatures_of(unit, "sha256:1") == {
        "aurelia": b"again",
        "borealis": b"b",
    }
    assert agreements.signatures_of(unit, "sha256:3") == {}


def test_notices_of_an_agreement_come_oldest_first(unit):
    notices = [
        NoticeRow(agreement="pact", party="aurelia", act=act, envelope=b"n", at=AT)
        for act in ("suspend", "resume", "end")
    ]
    for each in notices:
        agreements.add_notice(unit, each)

    assert agreements.notices_of(unit, "pact") == notices
    assert agreements.notices_of(unit, "forum") == []
