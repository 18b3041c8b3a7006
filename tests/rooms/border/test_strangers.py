"""A confirmed peer that is no party of an agreement cannot take it, end it, or speak under its name (border.md 3)."""

import pytest

from mithaq.border import agreements, signing
from mithaq.errors import PeerError
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import digest_of
from mithaq.policy.lifecycle import State
from mithaq.seal.envelope import countersign, sign
from mithaq.seal.messages import AGREEMENT, NOTICE, Notice, encode
from tests.rooms.border.stage import PAIR, US, B, C, agreement


def proposed(stage, text):
    """The text, signed by C alone, as C would send it."""
    return sign(AGREEMENT, policy.to_bytes(text), stage.nodes[C].us.signer)


def standing(stage):
    return stage.ask(agreements.held, PAIR, stage.now)


@pytest.mark.parametrize("kind", ["bilateral", "grant"])
def test_a_stranger_proposes_nothing_under_the_id_of_an_agreement_of_ours(stage, kind):
    before = standing(stage)
    text = policy.read(policy.to_bytes(agreement(PAIR, C, US, version=99, kind=kind)))

    with pytest.raises(PeerError):
        stage.do(signing.receive, stage.us, C, proposed(stage, text), stage.now)

    assert standing(stage) == before
    assert standing(stage).text.names == (US, B)


def test_nobody_is_given_a_grant_by_another_node(stage):
    text = policy.read(policy.to_bytes(agreement("gift", C, US, kind="grant")))

    with pytest.raises(PeerError):
        stage.do(signing.receive, stage.us, C, proposed(stage, text), stage.now)


@pytest.mark.parametrize("act", ["suspend", "end"])
def test_a_stranger_narrows_no_agreement_of_others(stage, act):
    notice = Notice(
        realm="live", agreement=PAIR, party=C, act=act, issued="2026-03-01T00:00:00.000Z"
    )
    envelope = sign(NOTICE, encode(notice), stage.nodes[C].us.signer)

    with pytest.raises(PeerError):
        stage.do(signing.receive_notice, stage.us, C, envelope, stage.now)

    assert standing(stage).state is State.IN_FORCE


def test_the_open_proposals_of_one_peer_are_bounded(stage):
    taken = 0
    for number in range(signing.MOST_PROPOSALS + 3):
        text = policy.read(policy.to_bytes(agreement(f"idea-{number}", C, US)))
        try:
            stage.do(signing.receive, stage.us, C, proposed(stage, text), stage.now)
        except PeerError:
            continue
        taken += 1

    assert taken == signing.MOST_PROPOSALS


def test_a_proposal_that_comes_again_with_another_signature_is_no_further_one(stage):
    texts = [agreement(f"idea-{n}", C, B, US, kind="forum") for n in range(signing.MOST_PROPOSALS)]
    for text in texts:
        stage.do(signing.receive, stage.us, C, proposed(stage, text), stage.now)

    both = countersign(proposed(stage, texts[0]), stage.signer(B))
    stage.do(signing.receive, stage.us, C, both, stage.now)

    rows = stage.rows("signatures")
    by = {row["party"] for row in rows if row["digest"] == digest_of(texts[0])}
    assert by == {B, C}
