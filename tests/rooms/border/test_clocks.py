"""Two clocks and the witnesses of time: no clock that lies opens anything early (border.md 2.7)."""

from datetime import timedelta

import pytest

from mithaq.border import clocks, local, parting, watch
from mithaq.clock import text as stamp
from mithaq.errors import Conflict, InputError, PeerError
from mithaq.model.labels import Beside, Tlp
from mithaq.store import releases
from mithaq.store.parties import Peer, put_peer
from tests.rooms.border.stage import PAIR, US, B, C
from tests.rooms.border.test_heartbeats import LIFE, beat, take
from tests.rooms.border.test_on_record import on_record

DAY, HOUR = timedelta(hours=24), timedelta(hours=1)


def witnessed(stage, *names):
    for name in names or (B,):
        stage.do(clocks.appoint, name, stage.now, by="olga")


def says(stage, name=B, by=timedelta()):
    """Let a peer's heartbeat come, issued by a clock that is wrong by so much."""
    at = stage.now + by
    raw = beat(stage, name, issued=stamp(at), expires=stamp(at + LIFE))
    take(stage, raw, name)


def pair(stage, by=timedelta()):
    """What opens and what closes, as our own clock says by, from the true time on."""
    at = stage.ask(clocks.instants, stage.now + by)
    return at.opens, at.closes


def near(instant, expected):
    return stamp(expected) <= instant <= stamp(expected + timedelta(minutes=6))


def test_without_a_witness_or_before_one_has_spoken_both_are_our_own_clock(stage):
    says(stage)
    assert pair(stage, DAY) == (stamp(stage.now + DAY),) * 2

    witnessed(stage)

    assert pair(stage, DAY) == (stamp(stage.now + DAY),) * 2


def test_a_witness_in_time_changes_nothing(stage):
    witnessed(stage)
    says(stage)

    assert pair(stage) == (stamp(stage.now),) * 2


def test_our_own_clock_a_day_ahead_opens_nothing_and_closes_at_once(stage):
    witnessed(stage)
    says(stage)

    opens, closes = pair(stage, DAY)

    assert near(opens, stage.now)
    assert closes == stamp(stage.now + DAY)


def test_our_own_clock_a_day_behind_opens_nothing_and_closes_by_the_witness(stage):
    witnessed(stage)
    take(stage, beat(stage, issued=stamp(stage.now + DAY), expires=stamp(stage.now + DAY + LIFE)))

    assert pair(stage) == (stamp(stage.now), stamp(stage.now + DAY))


@pytest.mark.parametrize("lie", [-DAY, DAY])
def test_a_witness_that_lies_by_a_day_opens_nothing_early(stage, lie):
    witnessed(stage)
    says(stage, by=lie)

    opens, closes = pair(stage)

    assert opens <= stamp(stage.now)
    assert closes >= stamp(stage.now)


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-30T12:00:00.000Z", "2026-99-01T99:00:00.000Z", "2026-06-30T23:59:61.000Z",
        "9999-12-31T23:59:59.999Z",
    ],
)  # fmt: skip
def test_a_witness_that_names_no_day_or_the_last_is_refused_and_our_clocks_go_on(stage, day):
    witnessed(stage)
    with pytest.raises(PeerError):
        take(stage, beat(stage, issued=day, expires="9999-12-31T23:59:59.999Z"))

    assert pair(stage) == (stamp(stage.now),) * 2


def test_of_two_witnesses_the_later_opens_and_the_earlier_closes(stage):
    witnessed(stage, B, C)
    says(stage, B)
    says(stage, C, by=DAY)

    opens, closes = pair(stage, DAY)

    assert near(opens, stage.now)
    assert closes == stamp(stage.now + DAY)


def test_a_witness_opens_by_what_it_said_the_time_since_and_five_minutes(stage, steady):
    witnessed(stage)
    says(stage)
    said = stage.now

    for hours in (0, 1):
        opens, _ = pair(stage, DAY)
        assert opens == stamp(said + timedelta(hours=hours, minutes=5))
        steady.goes_on(HOUR)
    steady.seconds = 10.0  # the machine began anew: how long ago that was, nobody knows
    assert pair(stage, DAY)[0] == stamp(said + timedelta(minutes=5))


def test_what_a_witness_said_before_is_no_news_of_the_time(stage, steady):
    witnessed(stage)
    said = stamp(stage.now)
    stage.do(clocks.note, B, said)
    before = stage.ask(clocks.witnesses)
    steady.goes_on(HOUR)

    for issued in (said, stamp(stage.now - HOUR)):
        stage.do(clocks.note, B, issued)

    assert stage.ask(clocks.witnesses) == before


def test_an_old_heartbeat_sets_no_witness_back(stage):
    witnessed(stage)
    says(stage)
    before = stage.ask(clocks.witnesses)
    says(stage, by=-HOUR)

    assert stage.ask(clocks.witnesses) == before


def test_whoever_is_no_witness_is_held_to_our_clock(stage):
    witnessed(stage, C)
    with pytest.raises(PeerError):
        says(stage, by=DAY)
    assert pair(stage) == (stamp(stage.now),) * 2


def test_a_witness_is_appointed_and_dismissed_on_record_and_goes_with_the_peer(stage):
    witnessed(stage, B, C)
    stage.do(clocks.appoint, C, stage.now, by="olga", off=True)
    assert list(stage.ask(clocks.witnesses)) == [B]
    assert stage.leaves(C)[-1] == "time-witness"

    stage.do(parting.remove, B, stage.now, by="olga")

    assert stage.ask(clocks.witnesses) == {}
    client = Peer(name="misp", kind="client", url="", state="confirmed", added_at="")
    stage.do(put_peer, client)
    with pytest.raises(InputError):
        stage.do(clocks.appoint, "misp", stage.now, by="olga")


def standing(stage):
    return len(stage.ask(releases.rows_of_agreement, PAIR))


def test_an_embargo_ends_by_the_clock_that_opens_and_not_before(stage):
    witnessed(stage)
    says(stage)
    [copy] = stage.give(stage.body(by=US, level=None), tlp=Tlp.GREEN)
    end = stamp(stage.now + HOUR)
    stage.do(local.mark, stage.us, copy.seq, Beside(embargo=end), author="ana", now=stage.now)
    stage.publish(copy)
    true, stage.clock.now = stage.now, stage.now + DAY  # our clock jumps
    stage.do(watch.turn, stage.us, stage.now)
    stage.do(watch.turn, stage.us, stage.now)
    assert standing(stage) == 0
    assert stage.ask(watch.turned, stage.now) == 0

    stage.clock.now = true + HOUR
    says(stage)
    assert stage.ask(watch.turned, stage.now) == 1
    stage.do(watch.turn, stage.us, stage.now)
    assert standing(stage) == 1


def test_an_expiry_comes_by_the_clock_that_closes(stage):
    witnessed(stage)
    [copy] = stage.give(stage.body(by=US, level=None), tlp=Tlp.GREEN)
    end = stamp(stage.now + HOUR)
    stage.do(local.mark, stage.us, copy.seq, Beside(expiry=end), author="ana", now=stage.now)
    stage.publish(copy)
    assert standing(stage) == 1

    says(stage, by=DAY)  # our own clock is behind, says the witness
    assert stage.ask(watch.turned, stage.now) == 1
    stage.do(watch.turn, stage.us, stage.now)

    assert standing(stage) == 0
    assert stage.do(watch.turn, stage.us, stage.now) == 0


# --- our own clock, while no witness speaks ---------------------------------------------------------------
@pytest.fixture
def steady(stage, monkeypatch):
    """A clock that never steps, which the test moves; the worker has looked at ours beside it."""

    class Steady:
        seconds = 1000.0
        run = "first"

        def goes_on(self, by):
            self.seconds += by.total_seconds()

    made = Steady()
    monkeypatch.setattr(clocks, "monotonic", lambda: made.seconds)
    monkeypatch.setattr(clocks, "boot", lambda: made.run)
    mind(stage)
    return made


def mind(stage):
    if stage.ask(clocks.astray, stage.now):
        stage.do(clocks.mind, stage.now)


def passes(stage, steady, by, wrong=timedelta()):
    """Let time pass; our clock is wrong by so much more afterwards."""
    steady.goes_on(by)
    stage.clock.now = stage.now + by + wrong
    mind(stage)


def doubted(stage):
    return stage.ask(clocks.doubted, stage.now)


def test_a_clock_that_goes_as_the_steady_one_does_is_believed(stage, steady):
    passes(stage, steady, HOUR, timedelta(minutes=5))

    assert doubted(stage) == ""
    assert pair(stage) == (stamp(stage.now),) * 2


def test_a_clock_that_jumped_ahead_opens_nothing_more_and_closes_by_what_it_says(stage, steady):
    believed = stamp(stage.now + HOUR)
    passes(stage, steady, HOUR, DAY)
    passes(stage, steady, HOUR)
    passes(stage, steady, HOUR, -3 * DAY)  # before anything that was written here
    stage.do(clocks.mind, stage.now)
    passes(stage, steady, HOUR, 3 * DAY)

    assert doubted(stage) == believed
    assert pair(stage) == (believed, stamp(stage.now))
    assert stage.leaves("clock") == ["clock-doubted"]


def test_a_jump_opens_nothing_before_the_worker_has_noted_it(stage, steady):
    assert pair(stage, HOUR) == (stamp(stage.now), stamp(stage.now + HOUR))


def test_a_clock_that_jumped_back_opens_nothing_and_closes_as_if_it_had_not(stage, steady):
    passes(stage, steady, HOUR, -DAY)
    jumped = stamp(stage.now)
    passes(stage, steady, HOUR)

    assert pair(stage) == (jumped, stamp(stage.now + DAY))


def test_a_clock_that_came_back_by_itself_stays_in_doubt_until_a_person_has_looked(stage, steady):
    passes(stage, steady, HOUR, DAY)
    passes(stage, steady, HOUR, -DAY)
    assert doubted(stage)

    believed = doubted(stage)

    stage.do(clocks.believe, stage.now, by="olga")

    assert pair(stage) == (stamp(stage.now),) * 2
    on_record(stage, "clock-believed", "clock", by="olga", believed=believed)
    assert stage.leaves("clock") == ["clock-doubted", "clock-believed"]
    with pytest.raises(Conflict):
        stage.do(clocks.believe, stage.now, by="olga")


def test_slow_drift_is_no_jump(stage, steady):
    for _ in range(4):
        passes(stage, steady, DAY + HOUR, timedelta(minutes=4))

    assert doubted(stage) == ""


@pytest.mark.parametrize("so_far", [HOUR, DAY])
def test_drift_within_a_day_sums_up_to_a_jump(stage, steady, so_far):
    passes(stage, steady, so_far, timedelta(minutes=4))
    assert doubted(stage) == ""

    passes(stage, steady, HOUR, timedelta(minutes=4))

    assert doubted(stage)


@pytest.mark.parametrize(("behind", "doubt"), [(300_000, False), (300_001, True)])
def test_a_clock_that_began_anew_may_be_five_minutes_before_the_journal(
    stage, steady, behind, doubt
):
    stage.do(clocks.appoint, B, stage.now, by="olga", off=True)
    steady.run, steady.seconds = "second", 10.0

    passes(stage, steady, timedelta(), -timedelta(milliseconds=behind))

    assert bool(doubted(stage)) is doubt


def test_after_the_machine_began_anew_a_clock_before_the_journal_is_in_doubt(stage, steady):
    stage.do(clocks.appoint, B, stage.now, by="olga", off=True)  # something that was written
    steady.run, steady.seconds = "second", 10.0
    passes(stage, steady, HOUR, -DAY)
    assert doubted(stage) == stamp(stage.now)
    assert pair(stage) == (stamp(stage.now),) * 2
    stage.do(clocks.believe, stage.now, by="olga")

    steady.run, steady.seconds = "third", 10.0
    passes(stage, steady, DAY, DAY)
    assert doubted(stage) == ""


def test_where_nobody_ever_looked_our_clock_is_believed_and_cannot_be_said_to_be_right(stage):
    assert doubted(stage) == ""
    with pytest.raises(Conflict):
        stage.do(clocks.believe, stage.now, by="olga")


def test_a_witness_that_speaks_settles_what_our_clock_leaves_in_doubt(stage, steady):
    witnessed(stage)
    passes(stage, steady, HOUR, DAY)
    passes(stage, steady, HOUR)
    assert doubted(stage)

    says(stage, by=-DAY)

    assert doubted(stage) == ""
    assert near(pair(stage)[0], stage.now - DAY)


def test_what_is_under_embargo_waits_for_a_person_while_our_clock_is_in_doubt(stage, steady):
    [copy] = stage.give(stage.body(by=US, level=None), tlp=Tlp.GREEN)
    end = stamp(stage.now + HOUR)
    stage.do(local.mark, stage.us, copy.seq, Beside(embargo=end), author="ana", now=stage.now)
    stage.publish(copy)
    passes(stage, steady, timedelta(minutes=1), DAY)
    stage.do(watch.turn, stage.us, stage.now)
    assert standing(stage) == 0

    stage.do(clocks.believe, stage.now, by="olga")
    assert stage.ask(watch.turned, stage.now) == 1
    stage.do(watch.turn, stage.us, stage.now)

    assert standing(stage) == 1
