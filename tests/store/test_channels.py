"""Channels, what went into them and what waits for its turn (border.md 5.1, 6)."""

import pytest
from sqlalchemy.exc import IntegrityError

from mithaq.store import channels, inbound
from mithaq.store.channels import Channel, HeldFrame, Parcel
from mithaq.store.inbound import Heard, Quarantined
from tests.store.values import AT, NOW

C1, C2, C3 = (letter * 32 for letter in "abc")


def channel(id_=C1, **changed):
    values = {"id": id_, "peer": "borealis", "agreement": "pact", "direction": "out"}
    return Channel(**values | {"seq": 0, "head": "sha256:0"} | changed)


@pytest.fixture
def unit(core):
    with core.begin() as opened:
        yield opened


def test_a_channel_is_found_by_its_relation_and_by_its_id(unit):
    out, in_ = channel(), channel(C2, direction="in", seq=5, floor=2)
    for each in (out, in_):
        channels.put_channel(unit, each)

    assert channels.find(unit, "borealis", "pact", "out") == out
    assert channels.find(unit, "borealis", "pact", "in") == in_
    assert channels.find(unit, "borealis", "", "out") is None
    assert channels.by_id(unit, C2) == in_
    assert channels.by_id(unit, C3) is None
    assert channels.of_peer(unit, "borealis", "out") == [out]


def test_a_channel_moves_on(unit):
    channels.put_channel(unit, channel())
    channels.put_channel(unit, channel(seq=1, head="sha256:1"))

    assert channels.by_id(unit, C1) == channel(seq=1, head="sha256:1")


def test_a_relation_has_one_open_channel_in_each_direction(core):
    with core.begin() as unit:
        channels.put_channel(unit, channel())
    with pytest.raises(IntegrityError), core.begin() as unit:
        channels.put_channel(unit, channel(C2))


def test_a_frozen_channel_is_open_no_more_and_says_why(unit):
    channels.put_channel(unit, channel())

    channels.freeze(unit, C1, "fork")

    assert channels.find(unit, "borealis", "pact", "out") is None
    assert channels.by_id(unit, C1) == channel(state="frozen", reason="fork")
    channels.put_channel(unit, channel(C2))
    assert channels.find(unit, "borealis", "pact", "out") == channel(C2)


# --- outbox ------------------------------------------------------------------------------------------
def parcel(seq, channel_=C1):
    return Parcel(
        channel=channel_, chan_seq=seq, envelope=b"\x00%d" % seq, bodies=("d1", "d2")[:seq]
    )


def test_what_is_not_delivered_is_counted_from_the_oldest(unit):
    for seq in (1, 2, 3):
        channels.post(unit, parcel(seq), NOW)
    channels.post(unit, parcel(1, C2), NOW)

    assert (channels.first_undelivered(unit, C1), channels.backlog(unit, C1)) == (1, 3)

    channels.delivered(unit, C1, 2, NOW)

    assert (channels.first_undelivered(unit, C1), channels.backlog(unit, C1)) == (3, 1)
    assert (channels.first_undelivered(unit, C2), channels.backlog(unit, C2)) == (1, 1)
    channels.delivered(unit, C1, 3, NOW)
    assert (channels.first_undelivered(unit, C1), channels.backlog(unit, C1)) == (None, 0)
    assert channels.parcel(unit, C1, 1) == parcel(1)
    assert channels.parcel(unit, C1, 4) is None


def test_a_parcel_without_slices_comes_back_without(unit):
    empty = Parcel(channel=C1, chan_seq=1, envelope=b"x", bodies=())
    channels.post(unit, empty, NOW)

    assert channels.parcel(unit, C1, 1) == empty


def test_a_number_of_a_channel_is_used_once(core):
    with core.begin() as unit:
        channels.post(unit, parcel(1), NOW)
    with pytest.raises(IntegrityError), core.begin() as unit:
        channels.post(unit, parcel(1), NOW)


# --- what came too early -----------------------------------------------------------------------------
def held(seq, frame=b"frame", channel_=C1):
    return HeldFrame(
        peer="borealis", channel=channel_, chan_seq=seq, frame=frame, reason="gap", at=AT
    )


def test_the_first_frame_kept_under_a_number_stays(unit):
    channels.hold(unit, held(5))
    channels.hold(unit, held(5, b"another"))

    assert channels.held(unit, C1, 5) == held(5)
    assert channels.held(unit, C1, 6) is None


def test_kept_frames_are_dropped_once_their_turn_has_passed(unit):
    for each in (held(5), held(6), held(7), held(5, channel_=C2)):
        channels.hold(unit, each)
    assert sorted(channels.waiting_channels(unit)) == [C1, C2]

    channels.drop_held(unit, C1, 6)

    assert [channels.held(unit, C1, n) is None for n in (5, 6, 7)] == [True, True, False]
    assert channels.held(unit, C2, 5) is not None


# --- refused, accepted, set aside --------------------------------------------------------------------
def test_a_refused_frame_that_comes_again_at_once_is_kept_once(unit):
    for frame in (b"a", b"a", b"b", b"a"):
        channels.refuse(unit, "borealis", ("bad-envelope", "signature"), frame, NOW)
    channels.refuse(unit, "cassia", ("bad-envelope", "signature"), b"a", NOW)

    assert [each.peer for each in inbound.refused(unit)].count("borealis") == 3
    newest = inbound.refused(unit, limit=1)[0]
    assert (newest.peer, newest.code, newest.cause) == ("cassia", "bad-envelope", "signature")


def test_of_a_huge_refused_frame_the_beginning_is_kept(unit):
    channels.refuse(unit, "borealis", ("too-long", ""), b"x" * (2 << 20), NOW)
    channels.refuse(unit, "borealis", ("too-long", ""), b"x" * (2 << 20), NOW)

    assert len(inbound.refused(unit)) == 1


def test_a_seal_is_accepted_under_its_number_once(core):
    with core.begin() as unit:
        inbound.accept(unit, C1, 1, "sha256:s", b"envelope")
        assert inbound.accepted_seal(unit, C1, 1) == "sha256:s"
        assert inbound.accepted_seal(unit, C1, 2) is None
    with pytest.raises(IntegrityError), core.begin() as unit:
        inbound.accept(unit, C1, 1, "sha256:other", b"envelope")


def test_what_is_in_quarantine_waits_newest_first_until_a_person_drops_it(unit):
    facts = {"at": AT, "voucher": "borealis", "origin": C1, "type": "tool", "version": ""}
    entries = [
        Quarantined(
            **facts, id=id_, digest="sha256:d", code="stix-required", where="/name", body=b"\xff"
        )
        for id_ in "ab"
    ]
    inbound.set_aside(unit, entries)

    second, first = inbound.in_quarantine(unit)
    assert (first.id, first.body, second.id) == ("a", b"\xff", "b")

    inbound.drop(unit, first.seq)

    assert inbound.in_quarantine(unit) == [second]
    kept = inbound.quarantined(unit, first.seq)
    assert kept is not None
    assert (kept.state, kept.body) == ("dropped", b"\xff")


def test_the_newest_heartbeat_of_a_peer_is_kept(unit):
    older = Heard(peer="borealis", envelope=b"1", issued=AT, expires=AT, at=AT)
    newer = Heard(peer="borealis", envelope=b"2", issued=AT, expires=AT, at=AT)
    for each in (older, newer):
        inbound.hear(unit, each)

    assert inbound.last_heard(unit, "borealis") == newer
    assert inbound.last_heard(unit, "cassia") is None


def test_of_heads_the_last_of_an_hour_is_kept_and_how_far_a_peer_had_sent_is_asked_of_it_alone(
    unit,
):
    channels.put_channel(unit, channel(direction="in"))
    at = [f"2026-03-01T{hour:02d}:{minute:02d}:00.000Z" for hour in (8, 9) for minute in (10, 50)]
    for seq, instant in enumerate(at, 1):
        inbound.note_heads(unit, "borealis", [(C1, seq), (C2, seq)], instant, 3)
    inbound.note_heads(unit, "corvia", [(C1, 99)], at[-1], 3)
    before = [inbound.head_before(unit, "borealis", C1, instant) for instant in at]
    inbound.thin_heads(unit, at[0], "2026-03-01T10:00:00.000Z", at[0])

    assert before == [0, 1, 2, 3]
    assert [inbound.head_before(unit, "borealis", C1, instant) for instant in at] == [0, 0, 2, 2]
    assert inbound.head_before(unit, "borealis", C1, "2026-03-02") == 4
    assert inbound.head_before(unit, "borealis", C2, "2026-03-02") == 0
    inbound.thin_heads(unit, at[0], at[0], "2026-03-02")
    assert inbound.head_before(unit, "borealis", C1, at[-1]) == 0
