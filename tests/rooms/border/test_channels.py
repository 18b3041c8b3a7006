"""What the first seal of a channel cites: where another ended that its peer knows, or nothing (border.md 6, 9.3)."""

import pytest

from mithaq.border.channels import RESEALED, RESTORED, outgoing_channel
from mithaq.seal.messages import ZERO
from mithaq.store import channels
from tests.rooms.border.stage import B

HEAD = "sha256:" + "7" * 64


def begin(stage, **more):
    """Begin a channel under "x", beside an older one."""
    fields = {
        "id": "0" * 32, "peer": B, "agreement": "x", "direction": "out", "seq": 4, "head": HEAD,
        "state": "frozen", "reason": RESTORED,
    }  # fmt: skip
    stage.do(channels.put_channel, channels.Channel(**fields | more))
    made = stage.do(outgoing_channel, B, "x")
    return made, stage.ask(channels.by_id, "0" * 32)


@pytest.mark.parametrize("reason", [RESTORED, RESEALED])
def test_it_goes_on_where_the_one_ended_that_its_peer_knows_and_does_so_once(stage, reason):
    made, old = begin(stage, reason=reason)

    assert (made.seq, made.head, old.state) == (0, HEAD, "replaced")
    stage.do(channels.freeze, made.id, "x")
    assert stage.do(outgoing_channel, B, "x").head == ZERO


@pytest.mark.parametrize("other", [{"agreement": "y"}, {"state": "replaced"}, {"reason": "fork"}])
def test_it_begins_at_nothing_where_none_ended_so_under_its_agreement(stage, other):
    made, old = begin(stage, **other)

    assert made.head == ZERO
    assert old.state == other.get("state", "frozen")


def test_an_open_channel_goes_on(stage):
    made, old = begin(stage, state="open", reason="")

    assert made == old
