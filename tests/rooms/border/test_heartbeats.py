"""Heartbeats say what is missing, and what the other holds; they tell nothing else (border.md 5, 6)."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from mithaq.audit import evidence
from mithaq.border import channels as channels_
from mithaq.border import heartbeats, keys, peers, recall
from mithaq.clock import text as stamp
from mithaq.errors import Fault, PeerError
from mithaq.model.canonical import digest
from mithaq.model.labels import Tlp
from mithaq.node.build import ROOT_KEY
from mithaq.seal.envelope import read, sign
from mithaq.seal.frames import split
from mithaq.seal.keys import from_pem, generate
from mithaq.seal.messages import (
    AGREEMENT,
    HEARTBEAT,
    ZERO,
    Head,
    Heartbeat,
    KeyRef,
    Put,
    Recall,
    Receipt,
    Seal,
    decode,
    encode,
)
from mithaq.store import alarms, channels, inbound, parties
from mithaq.store import shelf as onshow
from tests.rooms.border.lies import pair
from tests.rooms.border.stage import FORUM, PAIR, US, B, C, put, sealed
from tests.rooms.border.test_peers import following
from tests.rooms.border.test_recall import order, ordered
from tests.values import replace

LIFE = timedelta(hours=1)


def beat(stage, sender=B, *, signer=None, **more):
    fields = {
        "realm": "live", "sender": sender, "to": US, "issued": stamp(stage.now),
        "expires": stamp(stage.now + LIFE), "keys": KeyRef(version=1, digest=ZERO), "heads": [],
        "have": [], "log": "0" * 64,
    }  # fmt: skip
    raw = encode(Heartbeat(**(fields | more)))
    return sign(HEARTBEAT, raw, signer or stage.signer(sender)).to_bytes()


def take(stage, raw, peer=B):
    return stage.do(heartbeats.take, stage.us, peer, raw, stage.now)


def out(stage, agreement=PAIR, state="open", peer=B):
    return [
        c for c in stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"], c["state"]) == (peer, agreement, "out", state)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"to": C}, "to"),
        ({"realm": "drill:x"}, "to"),
        ({"expires": timedelta()}, "expires"),
        ({"issued": timedelta(minutes=5, milliseconds=1)}, "expires"),
        ({"issued": "9000-01-01T00:00:00.000Z"}, "issued"),
    ],
)
def test_a_heartbeat_for_another_place_or_time_is_refused(stage, fields, cause):
    before = stage.dump()
    fields = {
        name: stamp(stage.now + value) if isinstance(value, timedelta) else value
        for name, value in fields.items()
    }

    with pytest.raises(PeerError) as caught:
        take(stage, beat(stage, **fields))

    assert caught.value.facts["cause"] == cause
    assert stage.dump() == before


def test_a_heartbeat_five_minutes_ahead_or_about_to_run_out_is_heard(stage):
    issued, expires = (
        stamp(stage.now + each) for each in (timedelta(minutes=5), timedelta(milliseconds=1))
    )

    take(stage, beat(stage, issued=issued, expires=expires))

    assert stage.ask(inbound.last_heard, B).issued == issued


def test_a_heartbeat_that_comes_again_is_heard_once(stage):
    raw = beat(stage)
    take(stage, raw)
    first = stage.dump()
    stage.clock.now += timedelta(minutes=1)

    take(stage, raw)

    assert stage.dump() == first


def test_without_keys_of_our_own_others_are_heard_all_the_same(stage):
    stage.do(lambda unit: unit.execute(text("DELETE FROM key_documents WHERE party = 'aurelia'")))

    take(stage, beat(stage))

    assert stage.ask(inbound.last_heard, B) is not None


def test_a_heartbeat_of_another_nation_is_refused(stage):
    with pytest.raises(PeerError):
        take(stage, beat(stage, C), B)
    with pytest.raises(PeerError):
        take(stage, beat(stage, C, signer=stage.signer(B)), B)


def test_what_a_peer_has_more_than_we_is_to_be_fetched(stage):
    held = next(c for c in stage.rows("channels") if (c["peer"], c["direction"]) == (B, "in"))
    theirs = next(c for c in stage.rows("channels") if (c["peer"], c["direction"]) == (C, "in"))
    heads = [
        Head(channel=held["id"], seq=held["seq"] + 2, seal=ZERO),
        Head(channel="f" * 32, seq=1, seal=ZERO),
        Head(channel=theirs["id"], seq=99, seal=ZERO),
        Head(channel=out(stage)[0]["id"], seq=99, seal=ZERO),
    ]

    news = take(stage, beat(stage, heads=heads, keys=KeyRef(version=3, digest=ZERO)))

    assert list(news.channels) == [(held["id"], held["seq"]), ("f" * 32, 0)]
    assert news.keys == 3
    level = Head(channel=held["id"], seq=held["seq"], seal=held["head"])
    assert list(take(stage, beat(stage, heads=[level])).channels) == []
    stage.do(channels.freeze, held["id"], "fork")
    assert list(take(stage, beat(stage, heads=[heads[0]])).channels) == []


def test_an_older_heartbeat_acknowledges_nothing(stage):
    stage.publish(*stage.give(stage.body(by=US)))
    [ours] = out(stage)
    take(stage, beat(stage))
    have = [Head(channel=ours["id"], seq=1, seal=ours["head"])]

    take(stage, beat(stage, have=have, issued="2026-03-01T11:00:00.000Z"))
    assert stage.ask(channels.backlog, ours["id"]) == 1

    later = stamp(stage.now + timedelta(seconds=1))
    take(stage, beat(stage, have=have, issued=later))
    assert stage.ask(channels.backlog, ours["id"]) == 0
    assert out(stage) == [ours]


def test_what_is_no_open_channel_of_ours_is_not_acknowledged(stage):
    stage.publish(*stage.give(stage.body(by=US)))
    [ours] = out(stage)
    stage.do(channels.freeze, ours["id"], "fork")
    before = stage.rows("channels")

    for name in (ours["id"], from_(stage, B), "e" * 32):
        for seq in (1, 99):
            stage.clock.now += timedelta(seconds=1)
            take(stage, beat(stage, have=[Head(channel=name, seq=seq, seal=ZERO)]))

    assert stage.rows("channels") == before
    assert stage.ask(channels.backlog, ours["id"]) == 1


def test_a_peer_that_says_it_holds_nothing_yet_acknowledges_nothing(stage):
    stage.publish(*stage.give(stage.body(by=US)))
    [ours] = out(stage)

    take(stage, beat(stage, have=[Head(channel=ours["id"], seq=0, seal=ZERO)]))

    assert out(stage) == [ours]
    assert stage.ask(channels.backlog, ours["id"]) == 1


def test_nobody_acknowledges_another_peers_channel(stage):
    stage.publish(*stage.give(stage.body(by=US)))
    [ours] = out(stage)

    take(stage, beat(stage, C, have=[Head(channel=ours["id"], seq=9, seal=ZERO)]), C)

    assert out(stage) == [ours]
    assert stage.ask(channels.backlog, ours["id"]) == 1


@pytest.mark.parametrize("ahead", [0, 3])
def test_a_peer_that_holds_more_than_we_sent_makes_us_begin_anew_where_it_stands(stage, ahead):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    [ours] = out(stage)
    seal = "sha256:" + "7" * 64

    take(stage, beat(stage, have=[Head(channel=ours["id"], seq=1 + ahead, seal=seal)]))

    [new] = out(stage)
    assert new["id"] != ours["id"]
    assert out(stage, state="replaced")[0]["id"] == ours["id"]
    with stage.node.core.read() as unit:
        parcel = channels.parcel(unit, new["id"], 1)
    first = decode(
        split(len(parcel.envelope).to_bytes(4, "big") + parcel.envelope)[0].payload, Seal
    )
    assert (first.seq, first.prev, [e.id for e in first.entries]) == (1, seal, [copy.object.id])
    assert {row["shelf"] for row in stage.rows("rows")} == {new["id"]}
    stage.project()
    with stage.node.shelf.read() as unit:
        states = dict(unit.execute(text("SELECT shelf, state FROM shelves")).all())
    assert (states[ours["id"]], states[new["id"]]) == ("closed", "open")


def carried(stage, channel):
    """The entries of every frame of a channel, in order."""
    found = stage.ask(channels.parcels, channel, 1, 999)
    return [e for each in found for e in decode(read(each.envelope).payload, Seal).entries]


@pytest.mark.parametrize("more", [0, 1, 2])
def test_what_a_peer_lacks_of_what_a_restored_node_sent_under_used_numbers_is_sent_again(
    stage, more
):
    """A recall went out where the peer, before we were restored, got something else."""
    [copy, other, later] = stage.give(*(stage.body(by=US) for _ in range(3)))
    stage.publish(copy)
    [ours] = out(stage)
    seal = Head(channel=ours["id"], seq=1, seal=ours["head"])
    take(stage, beat(stage, have=[seal]))
    asked = recall.Asked(id=copy.object.id, cause="wrong")
    stage.do(recall.recall, stage.us, "lena", asked, stage.now)
    for each in (other, later)[:more]:
        stage.publish(each)
    stage.clock.now += timedelta(seconds=1)

    have = [Head(channel=ours["id"], seq=2, seal="sha256:" + "7" * 64)]
    take(stage, beat(stage, have=have))

    [new] = out(stage)
    assert new["id"] != ours["id"]
    again = [e.id if isinstance(e, Put) else type(e) for e in carried(stage, new["id"])]
    assert again == [Recall, *(each.object.id for each in (other, later)[:more])]
    stage.project()
    with stage.node.shelf.read() as unit:
        assert onshow.any_shelf(unit, new["id"]).state == "open"
        shown = unit.execute(
            text("SELECT id FROM shelf_rows WHERE shelf = :s AND type = 'tool'"), {"s": new["id"]}
        )
        assert set(shown.scalars()) == {each.object.id for each in (other, later)[:more]}
    [alarm] = stage.ask(alarms.every)
    shows = evidence.check(evidence.read_file(alarm.evidence), stage.ask(peers.every_key_of, B))
    assert (shows.kind, shows.by, shows.facts["have"]) == ("ahead", B, 2)


def test_a_channel_that_begins_anew_takes_nothing_from_anothers_shelf(stage):
    stage.publish(*stage.give(stage.body(by=US)), agreement=FORUM)
    [ours], [theirs] = out(stage, FORUM), out(stage, FORUM, peer=C)
    before = [row for row in stage.rows("rows") if row["peer"] == C]

    take(stage, beat(stage, have=[Head(channel=ours["id"], seq=9, seal=ZERO)]))

    assert out(stage, FORUM) != [ours]
    assert out(stage, FORUM, peer=C) == [theirs]
    assert [row for row in stage.rows("rows") if row["peer"] == C] == before != []


@pytest.mark.parametrize(
    ("acknowledged", "claimed"), [(0, 1), (1, 1), (3, 3), (3, 1), (2, 1), (3, 9)]
)
def test_what_goes_again_of_a_base_channel_is_what_the_peer_lacks_byte_for_byte(
    stage, acknowledged, claimed
):
    def says_it_holds(seq, seal):
        stage.clock.now += timedelta(seconds=1)
        take(stage, beat(stage, have=[Head(channel=ours["id"], seq=seq, seal=seal)]))

    both = sign(AGREEMENT, b"{}", stage.signer(US), stage.signer(B)).to_bytes()
    keys_ = stage.ask(parties.key_document_envelopes, US)[1]
    [ours] = out(stage, "")
    at = {0: (ours["seq"], ours["head"])}
    raws = [both, keys_, both]
    for number, raw in enumerate(raws, 1):
        stage.do(channels_.send_document, stage.us, B, (AGREEMENT, raw), stage.now)
        [moved] = out(stage, "")
        at[number] = (moved["seq"], moved["head"])
    says_it_holds(*at[acknowledged])
    assert out(stage, "") == [moved]
    assert stage.ask(channels.backlog, ours["id"]) == 3 - acknowledged

    says_it_holds(ours["seq"] + claimed, "sha256:" + "7" * 64)

    again = [e.digest for new in out(stage, "") for e in carried(stage, new["id"])]
    assert again == [digest(raw) for raw in raws[min(acknowledged, claimed) :]]
    assert stage.leaves(ours["id"]) == ["channel-frozen"]


def test_a_peer_that_claims_to_hold_more_again_and_again_costs_us_once_an_hour(stage):
    stage.publish(*stage.give(stage.body(by=US)))

    def claim(after):
        stage.clock.now += after
        [ours] = out(stage)
        take(stage, beat(stage, have=[Head(channel=ours["id"], seq=9, seal=ZERO)]))
        return len(out(stage, state="replaced"))

    second, hour = timedelta(seconds=1), timedelta(hours=1)
    assert [claim(second) for _ in range(5)] == [1] * 5
    assert claim(hour - 4 * second) == 2
    assert claim(hour - second) == 2
    assert len(stage.ask(alarms.every)) == 2


def ours_for(stage, peer=B):
    return decode(
        read(stage.ask(heartbeats.make, stage.us, peer, stage.now, LIFE)).payload, Heartbeat
    )


def test_a_heartbeat_of_ours_tells_what_we_sent_and_hold_and_nothing_of_others(stage):
    stage.publish(*stage.give(stage.body(by=US)), agreement=FORUM)
    stage.do(channels.freeze, out(stage, FORUM)[0]["id"], "fork")
    mine, theirs = ours_for(stage), ours_for(stage, C)
    known = {
        c["id"]: (c["seq"], c["head"])
        for c in stage.rows("channels")
        if (c["peer"], c["state"]) == (B, "open") and c["seq"]
    }
    assert {h.channel: (h.seq, h.seal) for h in (*mine.heads, *mine.have)} == known
    assert out(stage)[0]["seq"] == 0  # of which there is nothing to tell yet
    assert not {h.channel for h in (*theirs.heads, *theirs.have)} & known.keys()
    assert mine.log == theirs.log


def test_a_heartbeat_of_ours_names_our_newest_keys_and_the_newest_of_the_peers_that_we_hold(stage):
    stage.do(peers.learn, B, following(stage), stage.now)
    roots = [from_pem((stage.node.config.home / ROOT_KEY).read_bytes())]
    stage.do(keys.rotate, stage.us, roots, keys.Change(), stage.now, by="olga")

    held = stage.ask(parties.key_document_envelopes, US)
    assert ours_for(stage).keys == KeyRef(version=2, digest=digest(read(held[2]).payload))
    assert [ours_for(stage, name).yours for name in (B, C, "stranger")] == [2, 1, 0]


def test_what_a_peer_holds_of_our_keys_is_known_by_its_newest_word(stage):
    assert stage.ask(heartbeats.knows, "stranger") == 0
    before = stage.ask(heartbeats.knows, C)

    for version in (2, 1):
        stage.clock.now += timedelta(seconds=1)
        take(stage, beat(stage, yours=version))
        assert stage.ask(heartbeats.knows, B) == version
    assert stage.ask(heartbeats.knows, C) == before


def test_new_roots_let_open_channels_that_were_used_begin_anew_and_no_others(stage):
    stage.publish(*stage.give(stage.body(by=US)), agreement=FORUM)
    [stopped] = out(stage, FORUM, peer=C)
    stage.do(channels.freeze, stopped["id"], "restored")

    for name in (B, C):
        stage.do(heartbeats.begin_anew, name)

    reasons = {
        (c["peer"], c["agreement"]): c["reason"]
        for c in stage.rows("channels")
        if c["direction"] == "out"
    }
    assert reasons == {
        (B, ""): "anew",
        (C, ""): "anew",
        (B, PAIR): "",  # in which nothing was sent
        (B, FORUM): "anew",
        (C, FORUM): "restored",
    }


def test_without_keys_of_our_own_there_is_no_heartbeat(stage):
    stage.do(lambda unit: unit.execute(text("DELETE FROM key_documents")))

    with pytest.raises(Fault):
        stage.ask(heartbeats.make, stage.us, B, stage.now, LIFE)


def test_a_heartbeat_is_due_when_its_pace_has_passed(stage):
    pace = timedelta(seconds=30)
    stage.do(heartbeats.show, stage.us, B, stage.now, LIFE)

    assert not stage.ask(heartbeats.due, B, stage.now + timedelta(seconds=29), pace)
    assert stage.ask(heartbeats.due, B, stage.now + pace, pace)


@pytest.mark.parametrize("agreement", [PAIR, ""])
def test_a_channel_begun_anew_releases_nothing_where_nothing_stands(stage, agreement):
    [ours] = out(stage, agreement)

    take(stage, beat(stage, have=[Head(channel=ours["id"], seq=9, seal=ZERO)]))

    assert stage.rows("rows") == []
    assert not [c for c in out(stage, agreement) if c["id"] == ours["id"]]


def test_who_was_never_heard_promises_nothing_and_who_was_is_behind_by_what_it_owes(stage):
    held = next(c for c in stage.rows("channels") if (c["peer"], c["direction"]) == (B, "in"))
    assert [stage.ask(heartbeats.behind, name) for name in (B, "somebody")] == [0, 0]

    heads = [Head(channel=held["id"], seq=held["seq"] + 2, seal=ZERO)]
    take(stage, beat(stage, heads=[*heads, Head(channel="f" * 32, seq=3, seal=ZERO)]))

    assert stage.ask(heartbeats.behind, B) == 5


def revoked(stage):
    """Our key is revoked by our next document, which names another; return us with that one."""
    root = from_pem((stage.node.config.home / ROOT_KEY).read_bytes())
    fresh, old = generate(), stage.us.signer.keyid
    change = keys.Change(public=fresh.public, begins=stage.now, revoked=[old], since=stage.now)
    stage.do(keys.rotate, stage.us, [root], change, stage.now, by="olga")
    return replace(stage.us, signer=fresh)


def test_under_a_key_that_counts_no_more_nothing_is_sealed_again_and_under_the_next_all_is(stage):
    body = stage.body(level=Tlp.CLEAR)
    raw, head = sealed(pair(), [put(body)], stage.signer(B))
    stage.admit(raw)
    stage.admit(ordered(stage, order(stage, body["id"]), seq=2, prev=head))
    [ours] = out(stage)
    assert ours["seq"] == 1  # the receipt
    us, told = revoked(stage), beat(stage, yours=2)

    take(stage, told)
    assert out(stage) == [ours]
    lacks = beat(stage, yours=1, issued=stamp(stage.now + timedelta(milliseconds=1)))
    stage.do(heartbeats.take, us, B, lacks, stage.now)
    assert out(stage) == [ours]

    later = beat(stage, yours=2, issued=stamp(stage.now + timedelta(seconds=1)))
    stage.do(heartbeats.take, us, B, later, stage.now)
    [new] = out(stage)
    with stage.node.core.read() as unit:
        again = channels.parcel(unit, new["id"], 1)
    [entry] = decode(read(again.envelope).payload, Seal).entries
    assert isinstance(entry, Receipt)
    assert read(again.envelope).signatures[0].keyid == us.signer.keyid


def test_what_is_frozen_is_not_sealed_again_under_another_key(stage):
    stage.publish(*stage.give(stage.body(by=US)))
    [ours] = out(stage)
    stage.do(channels.freeze, ours["id"], "fork")
    us = revoked(stage)

    stage.do(heartbeats.take, us, B, beat(stage, yours=2), stage.now)

    assert out(stage) == []
    assert [c["reason"] for c in out(stage, state="frozen")] == ["fork"]


# --- what is remembered of heads --------------------------------------------------------------------------
def from_(stage, peer):
    """The channel that a peer sends in."""
    return next(
        c["id"] for c in stage.rows("channels") if (c["peer"], c["direction"]) == (peer, "in")
    )


def says(stage, *heads, peer=B, after=timedelta()):
    stage.clock.now += after
    named = [Head(channel=channel, seq=seq, seal=ZERO) for channel, seq in heads]
    take(stage, beat(stage, peer, heads=named), peer)


def remembered(stage, channel):
    """Above what stood there before."""
    found = (row["seq"] for row in stage.rows("heads") if row["channel"] == channel)
    return sorted(seq - 100 for seq in found if seq > 100)


def strange(number):
    return f"{number:032x}"


def test_of_channels_that_are_not_here_a_peer_fills_no_store(stage):
    for minute in range(3):
        named = [(strange(1000 * minute + n), 5) for n in range(heartbeats.MOST_HEADS)]
        says(stage, *named, after=timedelta(minutes=1))
    says(stage, (strange(1), 7), peer=C)

    here = {row["id"] for row in stage.rows("channels")}
    kept = Counter(row["peer"] for row in stage.rows("heads") if row["channel"] not in here)
    assert (kept[B], kept[C]) == (heartbeats.MOST_HEADS, 1)


def test_nobody_says_how_far_anothers_channel_goes(stage):
    says(stage, (from_(stage, B), 900), peer=C)

    assert remembered(stage, from_(stage, B)) == []


def test_of_an_old_hour_the_last_head_is_kept_and_of_what_never_came_none(stage):
    channel = from_(stage, B)
    for number in range(1, 7):  # three hours, two heads in each
        says(
            stage, (channel, 100 + number), (strange(1), 100 + number), after=timedelta(minutes=30)
        )
    stage.do(heartbeats.thin, stage.now)
    assert remembered(stage, channel) == [1, 2, 3, 4, 5, 6]

    stage.do(heartbeats.thin, stage.now + timedelta(days=2))

    assert remembered(stage, channel) == [1, 3, 5, 6]
    assert remembered(stage, strange(1)) == []
    stage.do(heartbeats.thin, stage.now + timedelta(days=500))
    assert remembered(stage, channel) == [6]
