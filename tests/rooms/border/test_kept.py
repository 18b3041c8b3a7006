"""What is kept beside copies: owners' proofs, whole again when they are asked for; and frames that wait."""

from mithaq.border import admit, kept
from mithaq.seal.messages import Proof
from tests.rooms.border.lies import pair
from tests.rooms.border.stage import B, C, put, sealed


def test_a_relayed_proof_is_kept_as_it_came(stage):
    came = Proof(batch="{}", index=2, path=["ab" * 32, "cd" * 32])

    assert stage.ask(kept.Proofs).whole(kept.relayed(came)) == came


def test_a_batch_of_which_no_copy_came_is_not_kept(stage):
    wrong = put(stage.body(by=C))
    raw, head = sealed(pair(), [wrong], stage.signer(B))
    assert stage.admit(raw).quarantined == 1
    assert stage.rows("batches") == []

    stage.admit(sealed(pair(), [wrong, put(stage.body())], stage.signer(B), seq=2, prev=head)[0])
    assert len(stage.rows("batches")) == 1


def test_where_no_frame_waits_none_is_given_up(stage):
    before = stage.dump()

    stage.do(admit.give_up_kept, "no such channel", stage.now)

    assert stage.dump() == before
