"""Alarms: raised once, with evidence that convicts; closed by a person, or by what they waited for (border.md 6)."""

from datetime import timedelta

import pytest

from mithaq.audit import evidence
from mithaq.audit.evidence import Unproven
from mithaq.border import admit, alarms, peers
from mithaq.errors import Conflict, NotFound
from mithaq.seal.messages import ZERO, Head
from mithaq.store import alarms as store
from tests.rooms.border.stage import B, C, sealed
from tests.rooms.border.test_heartbeats import LIFE, beat, out, take


def keys(stage, name=B):
    return stage.ask(peers.every_key_of, name)


def raised(stage, *, closed=True):
    return stage.ask(store.every, closed=closed)


def base(stage, peer=B):
    rows = stage.rows("channels")
    return next(c for c in rows if (c["peer"], c["direction"], c["agreement"]) == (peer, "in", ""))


@pytest.mark.parametrize(("ahead", "why"), [(0, "two-seals"), (1, "broken-chain")])
def test_two_histories_of_a_channel_are_kept_as_evidence_of_both(stage, ahead, why):
    held = base(stage)
    prev = "sha256:" + "7" * 64
    forged, _ = sealed(
        None, [], stage.signer(B), channel=held["id"], seq=held["seq"] + ahead, prev=prev
    )

    assert stage.admit(forged).outcome is admit.Outcome.FORKED

    [alarm] = raised(stage)
    assert (alarm.kind, alarm.subject, alarm.facts["why"]) == ("fork", B, why)
    about = evidence.read_file(alarm.evidence)
    assert evidence.check(about, keys(stage)).why == why
    with pytest.raises(Unproven):
        evidence.check(about, keys(stage, C))
    assert "alarm" in stage.leaves(B)


def test_a_peer_that_falls_silent_raises_one_alarm_that_its_next_word_closes(stage):
    take(stage, beat(stage))
    stage.do(alarms.listen, stage.us, B, stage.now)
    assert raised(stage) == []
    before = stage.dump("alarms", "leaves", "nodes", "journal", "settings")

    stage.clock.now += LIFE
    for _ in range(3):
        stage.do(alarms.listen, stage.us, B, stage.now)

    [alarm] = raised(stage, closed=False)
    assert (alarm.kind, alarm.subject, alarm.facts["why"]) == ("silence", B, "expired")
    assert evidence.check(evidence.read_file(alarm.evidence), keys(stage)).by == B
    assert (
        stage.dump("alarms", "leaves", "nodes", "journal", "settings") == before
    )  # nothing is deleted

    stage.clock.now += timedelta(minutes=1)
    take(stage, beat(stage))
    assert raised(stage, closed=False) == []
    [closed] = raised(stage)
    assert (closed.state, closed.closed_by, closed.reason) == ("closed", "", "spoke-again")

    stage.clock.now += LIFE
    stage.do(alarms.listen, stage.us, B, stage.now)
    assert len(raised(stage)) == 2


def test_a_peer_that_never_spoke_or_is_no_longer_one_is_not_silent(stage):
    stage.do(alarms.listen, stage.us, C, stage.now)
    take(stage, beat(stage))
    stage.clock.now += LIFE
    stage.do(lambda unit: unit.exec_driver_sql("UPDATE peers SET state = 'met'"))
    stage.do(alarms.listen, stage.us, B, stage.now)

    assert raised(stage) == []


def test_a_peer_that_holds_more_than_we_remember_raises_an_alarm(stage):
    [ours] = out(stage)
    take(stage, beat(stage, have=[Head(channel=ours["id"], seq=9, seal=ZERO)]))

    [alarm] = raised(stage)

    assert (alarm.kind, alarm.facts["have"], alarm.facts["ours"]) == ("ahead", 9, ours["seq"])
    assert evidence.check(evidence.read_file(alarm.evidence), keys(stage)).why == "ahead"


def test_a_person_closes_an_alarm_for_a_reason_that_stays_on_record(stage):
    take(stage, beat(stage))
    stage.clock.now += LIFE
    stage.do(alarms.listen, stage.us, B, stage.now)
    [alarm] = raised(stage)

    done = stage.do(alarms.close, alarm.seq, "they move house", stage.now, by="dora")

    assert (done.seq, done.kind, done.subject) == (alarm.seq, "silence", B)

    [closed] = raised(stage)
    assert raised(stage, closed=False) == []
    assert (closed.closed_by, closed.reason) == ("dora", "they move house")
    assert closed.evidence == alarm.evidence
    assert stage.leaves(B)[-2:] == ["alarm", "alarm-closed"]
    with pytest.raises(Conflict):
        stage.do(alarms.close, alarm.seq, "again", stage.now, by="dora")
    with pytest.raises(NotFound):
        stage.do(alarms.close, 99, "none", stage.now, by="dora")


def test_trouble_of_ours_accuses_nobody_is_told_once_and_ends_when_it_is_over(stage):
    about = alarms.Trouble(name="feed-yield:abuse", kind="feed", subject="abuse", why="no-entries")
    stage.do(alarms.over, about.name, "gives-again", stage.now)
    assert raised(stage) == []

    for _ in range(2):
        stage.do(alarms.trouble, about, {"before": 3}, b"{}", stage.now)

    [alarm] = raised(stage, closed=False)
    assert (alarm.kind, alarm.subject, alarm.facts["before"]) == ("feed", "abuse", 3)
    with pytest.raises(Unproven):
        evidence.read_file(alarm.evidence)
    stage.do(alarms.over, about.name, "gives-again", stage.now)
    [closed] = raised(stage)
    assert (closed.state, closed.closed_by, closed.reason) == ("closed", "", "gives-again")
    stage.do(alarms.trouble, about, {"before": 3}, b"{}", stage.now)
    assert len(raised(stage)) == 2
