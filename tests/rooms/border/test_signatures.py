"""Whose signature an agreement bears, though keys live for weeks and agreements for years (border.md 3.1, 9.3)."""

from datetime import timedelta

import pytest

from mithaq.border import agreements, signing
from mithaq.clock import text as stamp
from mithaq.errors import PeerError
from mithaq.policy import agreement as policy
from mithaq.policy.lifecycle import State
from mithaq.seal.documents import Revoked
from mithaq.seal.envelope import sign
from mithaq.seal.keys import generate, keyid
from mithaq.seal.messages import AGREEMENT
from tests.rooms.border.lies import sign_both
from tests.rooms.border.stage import PAIR, US, B, C, agreement
from tests.rooms.border.test_agreements import heed, notice
from tests.rooms.border.test_peers import following, learn, window

PACT = "three-of-us"


def state(stage, id_=PACT):
    return stage.ask(agreements.held, id_, stage.now).state


def arrives(stage, *signers, peer=C):
    """The text with some signatures, handed on by Corvia."""
    exact = policy.to_bytes(agreement(PACT, US, B, C))
    stage.do(signing.receive, stage.us, peer, sign(AGREEMENT, exact, *signers), stage.now)


def ours(stage):
    exact = policy.to_bytes(agreement(PACT, US, B, C))
    stage.do(signing.sign_text, stage.us, exact, stage.now, by="lena")


def rotate(stage, since=None):
    """Borea goes on with another key; the old one is revoked, or just no longer used."""
    new, old = generate(), stage.signer(B)
    gone = [Revoked(key=keyid(old.public), since=since)] if since else []
    learn(stage, following(stage, B, exchange=[window(stage, new)], revoked=gone))
    return new


def test_a_text_signed_before_a_rotation_completes_after_it(stage):
    """Also where the rotation was long ago, as for a party that joins late."""
    ours(stage)
    rotate(stage)

    arrives(stage, stage.signer(B), stage.signer(C))

    assert state(stage) is State.IN_FORCE


def test_a_signature_whose_key_is_revoked_does_not_count_until_its_party_signs_anew(stage):
    ours(stage)
    new = rotate(stage, since=stamp(stage.now))

    arrives(stage, stage.signer(B), stage.signer(C))
    assert state(stage) is State.PROPOSED
    arrives(stage, stage.signer(B), new, peer=B)

    assert state(stage) is State.IN_FORCE


@pytest.mark.parametrize(("hours", "then"), [(1, State.IN_FORCE), (-1, State.PROPOSED)])
def test_a_revocation_voids_what_was_received_since_then_and_nothing_before(stage, hours, then):
    ours(stage)
    arrives(stage, stage.signer(B), stage.signer(C))
    assert state(stage) is State.IN_FORCE

    stage.clock.step(7200)
    new = rotate(stage, since=stamp(stage.now - timedelta(hours=2) + timedelta(hours=hours)))

    assert state(stage) is then
    kinds = [row["kind"] for row in stage.rows("journal")]
    assert ("agreement-signature-void" in kinds) == (then is State.PROPOSED)
    arrives(stage, new, peer=B)
    assert state(stage) is State.IN_FORCE


def test_a_key_once_revoked_stays_so_whatever_a_later_document_leaves_out(stage):
    ours(stage)
    rotate(stage, since=stamp(stage.now))
    learn(stage, following(stage, B, version=3, exchange=[window(stage, generate())]))

    with pytest.raises(PeerError):
        arrives(stage, stage.signer(B), peer=B)


def test_our_own_signature_alone_does_not_make_a_text_another_proposed(stage):
    arrives(stage, stage.us.signer)

    assert state(stage) is not State.IN_FORCE


def test_a_notice_signed_before_a_rotation_is_heeded_after_it(stage):
    old = notice(stage)
    rotate(stage)

    heed(stage, old)

    assert state(stage, PAIR) is State.SUSPENDED


@pytest.mark.parametrize(("hours", "then"), [(1, State.IN_FORCE), (-1, State.PROPOSED)])
def test_who_signed_anew_is_handed_on_by_the_signature_that_counts(stage, hours, then):
    """Also where the earlier one stands: whoever joins late could not check it by a key that is revoked."""
    sign_both(stage, agreement("pact-of-two", US, B), B)
    stage.clock.step(7200)
    new = rotate(stage, since=stamp(stage.now - timedelta(hours=2) + timedelta(hours=hours)))
    exact = policy.to_bytes(agreement("pact-of-two", US, B))
    assert state(stage, "pact-of-two") is then

    envelope = sign(AGREEMENT, exact, new)
    stage.do(signing.receive, stage.us, B, envelope, stage.now)

    [row] = [
        r
        for r in stage.rows("signatures")
        if r["party"] == B and keyid(new.public) in str(r["envelope"])
    ]
    assert row["at"] == stamp(stage.now)
