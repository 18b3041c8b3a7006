"""What peers may read follows what was released, and nothing taken back is seen (border.md 4, 10.2)."""

import json
from datetime import datetime, timedelta

from sqlalchemy import text

from mithaq.border import admit, clients, peers, recall, shelf, signing, watch
from mithaq.border.agreements import terms_of
from mithaq.exchange.onshow import frames_after
from mithaq.model.labels import Beside, Tlp
from mithaq.model.markings import FIXED
from mithaq.seal.frames import cut, split
from mithaq.seal.messages import Seal, decode
from mithaq.store import parties, releases
from mithaq.store import shelf as onshow
from mithaq.store.pages import frame_marks
from mithaq.store.parties import Peer
from mithaq.store.shelf import status
from mithaq.store.spool import Arrival
from tests.rooms.border.stage import FORUM, PAIR, US, WIDE, B, C, agreement

ROOM = ("shelves", "shelf_rows", "views", "frames", "heartbeats", "callers", "documents", "marks")


def on_show(stage, *tables):
    """Return what the tables hold, but for the numbers that the room gives to bytes by itself."""
    columns = {"views": "digest, body"}
    with stage.node.shelf.read() as unit:
        return {
            name: sorted(
                map(
                    str,
                    unit.execute(text(f"SELECT {columns.get(name, '*')} FROM {name}"))
                    .mappings()
                    .all(),
                )
            )
            for name in tables or ROOM
        }


def rows(stage, id_=None):
    with stage.node.shelf.read() as unit:
        found = (
            unit.execute(text("SELECT * FROM shelf_rows ORDER BY shelf, position")).mappings().all()
        )
    return [r for r in found if id_ in (None, r["id"])]


def channel_to(stage, peer=B, agreement=PAIR):
    return next(
        c["id"] for c in stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"]) == (peer, agreement, "out")
    )  # fmt: skip


def fetched(stage, peer=B, agreement=PAIR):
    """The slices a peer gets of a channel, frame by frame; None for what was taken back."""
    with stage.node.shelf.read() as unit:
        frames = [
            split(raw) for raw in frames_after(unit, peer, channel_to(stage, peer, agreement), 0)
        ]
    return [cut(decode(envelope.payload, Seal), body) for envelope, body in frames]


def raise_(stage, copy, level=Tlp.RED):
    """Mark a copy so that it may stand on no shelf."""
    stage.do(admit.mark, stage.us, copy.seq, Beside(tlp=level), author="ana", now=stage.now)


def test_every_shelf_holds_the_fixed_markings_from_the_start(stage):
    stage.project()

    fixed = {id_ for id_, marking in FIXED.items() if marking.raw is not None}
    by_shelf = {}
    for row in rows(stage):
        by_shelf.setdefault(row["shelf"], set()).add(row["id"])
    assert len(by_shelf) == 3
    assert all(ids == fixed for ids in by_shelf.values())


def test_projecting_again_changes_nothing_and_tells_nobody(stage):
    stage.publish(*stage.give(stage.body(by=US), stage.body(by=US)))
    assert {(n.peer, n.channel) for n in stage.project()} >= {(B, channel_to(stage))}
    before = on_show(stage)

    stage.clock.step(60)

    assert stage.project() == []
    assert on_show(stage) == before
    assert shelf.behind(stage.node.core, stage.node.shelf) == 0


def test_a_shelf_that_was_lost_is_built_again_from_the_truth(stage):
    stays, gone = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(stays, gone)
    stage.project()
    raise_(stage, gone)
    stage.project()
    before = {(r["shelf"], r["id"], r["version"], r["view"]) for r in rows(stage)}
    frames, views = fetched(stage), on_show(stage, "views", "callers", "documents", "shelves")
    del views["shelves"]

    with stage.node.shelf.begin() as unit:
        for table in (*ROOM, "caller_keys"):
            unit.execute(text(f"DELETE FROM {table}"))
    stage.project()

    assert {(r["shelf"], r["id"], r["version"], r["view"]) for r in rows(stage)} == before
    assert fetched(stage) == frames
    assert on_show(stage, *views) == views


def test_what_was_released_and_taken_back_before_a_tick_is_never_seen(stage):
    stays, gone = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(stays, gone)
    raise_(stage, gone)

    stage.project()

    assert rows(stage, gone.object.id) == []
    assert fetched(stage) == [
        [stays.object.raw, None],
        [],
    ]  # the order to give it back has no slice
    assert gone.object.raw.decode() not in str(on_show(stage, "views"))


def test_what_is_shown_in_a_hurry_opens_nothing_that_was_blocked_behind_it(stage):
    stage.project()
    where = channel_to(stage)
    facts = {"peer": B, "kind": "node", "title": ""}
    stage.do(releases.show, "shelf", where, **facts, state="open")
    stage.do(releases.show, "until", where, until="")
    stage.do(releases.show, "hurry", where)
    stage.do(releases.show, "shelf", where, **facts, state="blocked")
    stage.do(releases.show, "until", where, until="2026-03-02T00:00:00.000Z")
    rooms = (stage.node.core, stage.node.shelf, stage.now)
    done = shelf.narrow(*rooms)
    before = on_show(stage, "shelves")

    shelf.hurry(*rooms)

    assert on_show(stage, "shelves") == before
    assert "blocked" in str(before)
    assert shelf.narrow(*rooms, done) == done


def test_what_is_taken_back_from_one_peer_is_not_served_to_it_though_another_has_it(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy)
    stage.publish(copy, agreement=FORUM)
    stage.project()
    where, version = channel_to(stage), {"id": copy.object.id, "version": copy.object.version}
    stage.do(releases.take_away, where, *version.values())
    stage.do(releases.show, "remove", where, **version)

    stage.project(additions=False)

    assert fetched(stage) == [[None]]
    assert fetched(stage, C, FORUM) == [[copy.object.raw]]


def test_a_release_taken_back_and_given_again_within_a_tick_stands_once(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    row = next(r for r in stage.rows("rows") if r["id"] == copy.object.id)
    facts = {"id": row["id"], "version": row["version"]}
    stage.do(releases.show, "remove", row["shelf"], **facts)
    placed = [(row["id"], row["version"], "tool", row["view"])]
    stage.do(releases.show, "place", row["shelf"], rows=placed)

    stage.project()

    assert len(rows(stage, copy.object.id)) == 1


def test_date_added_only_grows_whatever_the_clock_does(stage):
    copies = [stage.give(stage.body(by=US), stage.body(by=US)) for _ in range(3)]
    for seconds, some in zip((0, -3600, 0), copies, strict=True):
        stage.clock.step(seconds)
        stage.publish(*some)
        stage.project()

    times = [r["date_added"] for r in rows(stage) if r["shelf"] == channel_to(stage)]
    assert times == sorted(set(times))
    assert all(datetime.fromisoformat(t).microsecond is not None for t in times)


def test_what_is_shown_twice_in_one_instant_goes_on_by_a_microsecond_and_bears_its_tick(stage):
    """Else who asks for all that was added after the one would never hear of the other."""
    stage.project()
    stage.clock.step(60)
    tick = stage.now.replace(tzinfo=None)
    copies = [stage.give(stage.body(by=US))[0] for _ in range(3)]
    for copy in copies:
        stage.publish(copy)
        stage.project()

    times = [rows(stage, copy.object.id)[0]["date_added"] for copy in copies]
    assert times == [
        f"{tick + timedelta(microseconds=more):%Y-%m-%dT%H:%M:%S.%f}Z" for more in range(3)
    ]
    with stage.node.shelf.read() as unit:
        seals = frame_marks(unit, B, channel_to(stage), 0)
        assert {mark.date_added for mark in seals} == {times[0]}


def test_an_observable_has_no_version_but_the_instant_it_was_first_shown_at(stage):
    address = {
        "type": "ipv4-addr", "spec_version": "2.1", "value": "192.0.2.7",
        "id": "ipv4-addr--00000000-0000-4000-8000-000000000007",
    }  # fmt: skip
    stage.publish(*stage.give(address, tlp=Tlp.GREEN))
    stage.project()

    [row] = rows(stage, address["id"])
    assert row["version"] == row["date_added"]


def test_a_removal_shows_before_its_tick_and_an_addition_does_not(stage):
    old, new = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(old)
    stage.project()
    raise_(stage, old)
    stage.publish(new)

    assert stage.project(additions=False) == []
    assert (rows(stage, old.object.id), rows(stage, new.object.id)) == ([], [])
    stage.project()
    assert rows(stage, old.object.id) == []
    assert len(rows(stage, new.object.id)) == 1


def test_a_shelf_closed_and_opened_again_shows_what_stood_there(stage):
    stage.publish(*stage.give(stage.body(by=US)))
    stage.project()
    before = rows(stage)
    for act, state in (("suspend", "closed"), ("resume", "open")):
        stage.do(signing.narrow, stage.us, PAIR, act, stage.now, by="lena")
        if act == "resume":
            stage.do(watch.catch_up, stage.us, PAIR, stage.now)
        stage.project(additions=act == "resume")
        with stage.node.shelf.read() as unit:
            query = text("SELECT state FROM shelves WHERE shelf = :s")
            assert unit.execute(query, {"s": channel_to(stage)}).scalar_one() == state
    assert rows(stage) == before


def test_a_token_given_and_revoked_within_a_tick_opens_nothing(stage):
    stage.do(
        peers.add_client,
        Peer(name="sensor", kind="client", state="confirmed"),
        stage.now,
        by="lena",
    )
    stage.do(peers.new_token, "sensor", stage.now, by="lena")
    stage.do(peers.revoke_token, "sensor", stage.now, by="lena")

    stage.project()
    assert "sensor" not in str(on_show(stage, "callers"))

    stage.do(peers.new_token, "sensor", stage.now, by="lena")
    stage.project()
    assert "sensor" in str(on_show(stage, "callers"))
    assert stage.ask(parties.peer, "sensor").token


def test_what_a_client_withdraws_within_the_tick_of_its_post_is_not_shown(stage):
    posted = [(f"tool--{n}", "1", "tool", "sha256:" + "0" * 64) for n in (1, 2)]
    stage.do(releases.show, "inbox", "a" * 32, rows=posted)
    stage.do(releases.show, "withdraw", "a" * 32, id="tool--1", versions="1")

    stage.project()

    with stage.node.shelf.read() as unit:
        ids = list(unit.execute(text("SELECT id FROM inbox_rows")).scalars())
    assert ids == ["tool--2"]


def test_the_size_stated_of_a_frame_is_that_of_its_bytes(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    asked = recall.Asked(id=copy.object.id, cause="wrong")
    stage.do(recall.recall, stage.us, "lena", asked, stage.now)
    stage.project()

    with stage.node.shelf.read() as unit:
        frames = list(frames_after(unit, B, channel_to(stage), 0))
        sizes = unit.execute(
            text("SELECT size FROM frames WHERE channel = :id ORDER BY seq"),
            {"id": channel_to(stage)},
        )
        assert [len(raw) for raw in frames] == list(sizes.scalars())
    seals = [decode(split(raw)[0].payload, Seal) for raw in frames]
    assert [bool(seal.body) for seal in seals] == [True, False]
    assert {seal.agreement for seal in seals} == {terms_of(agreement(PAIR, US, B, clause=WIDE))}


def test_the_peers_that_frames_are_queued_for_are_known(stage):
    stage.project()
    assert shelf.about_to_move(stage.node.core, stage.node.shelf) == set()

    stage.publish(*stage.give(stage.body(by=US)))

    assert shelf.about_to_move(stage.node.core, stage.node.shelf) == {B}


def test_a_post_that_could_not_be_settled_is_answered_as_failed_whole(stage):
    facts = {"status": "s-1", "shelf": "a" * 32, "total": "2", "at": "2026-03-01T12:00:00.000Z"}
    arrival = Arrival(peer="sensor", kind="post", facts=facts, raw=b"")

    stage.do(clients.give_up, arrival, stage.now)
    stage.project()

    with stage.node.shelf.read() as unit:
        told = json.loads(status(unit, "s-1", "a" * 32))
    assert (told["status"], told["failure_count"], len(told["failures"])) == ("complete", 2, 2)


def test_what_was_in_a_hurry_is_shown_once_though_the_tick_is_still_to_come(stage):
    [copy, waits] = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(copy)
    stage.publish(waits, agreement=FORUM)
    asked = recall.Asked(id=copy.object.id, cause="wrong")
    stage.do(recall.recall, stage.us, "lena", asked, stage.now)

    hurried = shelf.hurry(stage.node.core, stage.node.shelf, stage.now)
    assert [n.channel for n in hurried] == [channel_to(stage)]
    before = fetched(stage)
    for additions in (False, True, True):
        stage.project(additions=additions)
        assert fetched(stage) == before
        assert len(rows(stage, waits.object.id)) == 2 * additions


# --- what is shown at once, and what waits for its tick ---------------------------------------------------
def rooms(stage):
    return stage.node.core, stage.node.shelf, stage.now


def urgent(stage):
    """A row that stands, and beside it one that is recalled in a hurry."""
    [stays, gone] = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(stays)
    stage.publish(gone)
    return stays, gone


def recall_(stage, copy):
    asked = recall.Asked(id=copy.object.id, cause="wrong")
    stage.do(recall.recall, stage.us, "lena", asked, stage.now)


def tools(stage):
    """(shelf, id) -> where and since when it stands there."""
    return {
        (r["shelf"], r["id"]): (r["position"], r["date_added"])
        for r in rows(stage)
        if r["type"] == "tool"
    }


def state_of(stage, where):
    with stage.node.shelf.read() as unit:
        return onshow.any_shelf(unit, where)


def test_what_was_shown_in_a_hurry_stands_where_it_stood_whatever_tick_follows(stage):
    first = stage.give(stage.body(by=US))
    stage.publish(*first)
    stage.project()
    _, gone = urgent(stage)
    recall_(stage, gone)

    shelf.hurry(*rooms(stage))
    before = tools(stage)
    assert len(before) == 2
    for additions in (False, True):
        stage.clock.step(60)
        stage.project(additions=additions)
        assert tools(stage) == before
    assert [key for key in on_show(stage, "marks")["marks"] if "ahead" in key] == []
    stage.publish(*stage.give(stage.body(by=US)))
    stage.project()
    places = sorted(place for place, _ in tools(stage).values())
    assert places == list(range(places[0], places[0] + 3))


def test_a_hurry_shows_nothing_that_came_behind_it_and_takes_away_what_did(stage):
    _, gone = urgent(stage)
    stage.project()
    recall_(stage, gone)
    [later] = stage.give(stage.body(by=US))
    stage.publish(later)

    shelf.hurry(*rooms(stage))

    assert rows(stage, gone.object.id) == rows(stage, later.object.id) == []
    stage.project()
    assert len(rows(stage, later.object.id)) == 1


def test_where_nothing_is_urgent_a_hurry_changes_nothing(stage):
    _, gone = urgent(stage)
    recall_(stage, gone)
    stage.project()
    stage.publish(*stage.give(stage.body(by=US)))
    before = on_show(stage)

    assert shelf.hurry(*rooms(stage)) == []
    assert on_show(stage) == before


def lose(stage):
    with stage.node.shelf.begin() as unit:
        for table in (*ROOM, "caller_keys"):
            unit.execute(text(f"DELETE FROM {table}"))


def test_a_lost_room_is_behind_by_all_and_what_is_urgent_is_shown_in_it_first(stage):
    _, gone = urgent(stage)
    recall_(stage, gone)
    lose(stage)
    assert shelf.behind(stage.node.core, stage.node.shelf) == len(stage.rows("shelf_ops"))
    shelf.narrow(*rooms(stage))

    hurried = shelf.hurry(*rooms(stage))

    assert [n.channel for n in hurried] == [channel_to(stage)]
    assert [slices[0] is None for slices in fetched(stage) if slices] == [False, True]


def test_a_closed_shelf_and_a_row_taken_away_are_narrowed_before_any_tick_and_nothing_is_added(
    stage,
):
    _, gone = urgent(stage)
    stage.project()
    recall_(stage, gone)
    [new] = stage.give(stage.body(by=US))
    stage.publish(new)

    done = shelf.narrow(*rooms(stage))

    assert rows(stage, gone.object.id) == rows(stage, new.object.id) == []
    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena")
    shelf.narrow(*rooms(stage), done)
    assert state_of(stage, channel_to(stage)).state == "closed"
    stage.do(signing.narrow, stage.us, PAIR, "resume", stage.now, by="lena")
    stage.do(watch.catch_up, stage.us, PAIR, stage.now)
    stage.project(additions=False)
    assert state_of(stage, channel_to(stage)).state == "closed"  # until its tick


def test_a_shelf_that_ends_sooner_ends_at_once_and_later_only_with_its_tick(stage):
    where = channel_to(stage)
    days = [f"2026-04-0{day}T00:00:00.000Z" for day in (3, 2, 4)]
    seen = []
    for day in days:
        stage.do(releases.show, "until", where, until=day)
        shelf.narrow(*rooms(stage))
        seen.append(state_of(stage, where).until)
    stage.project()

    assert seen == [days[0], days[1], days[1]]
    assert state_of(stage, where).until == days[2]


def test_a_key_that_counts_no_more_opens_nothing_before_any_tick(stage):
    stage.project()
    [last] = [
        facts
        for op in stage.rows("shelf_ops")
        if op["op"] == "caller" and (facts := json.loads(op["facts"]))["name"] == B
    ][-1:]
    stage.do(releases.show, "caller", "", **last | {"keys": "{}"})

    shelf.narrow(*rooms(stage))

    with stage.node.shelf.read() as unit:
        names = set(unit.execute(text("SELECT name FROM caller_keys")).scalars())
    assert names == {C}


def test_where_a_row_stood_is_remembered_for_a_day(stage):
    _, gone = urgent(stage)
    stage.project()
    recall_(stage, gone)
    stage.project()

    def remembered():
        with stage.node.shelf.read() as unit:
            return set(unit.execute(text("SELECT id FROM gone")).scalars())

    shelf.forget(stage.node.shelf, stage.now + timedelta(hours=23))
    assert remembered() == {gone.object.id}
    shelf.forget(stage.node.shelf, stage.now + timedelta(hours=25))
    assert remembered() == set()


def test_every_fixed_marking_on_a_shelf_can_be_read_there(stage):
    lose(stage)
    stage.project()

    with stage.node.shelf.read() as unit:
        held = {r.digest: bytes(r.body) for r in unit.execute(text("SELECT * FROM views"))}
    assert {held[r["view"]] for r in rows(stage)} == {
        marking.raw for marking in FIXED.values() if marking.raw is not None
    }


def inbox(stage):
    with stage.node.shelf.read() as unit:
        return {tuple(row) for row in unit.execute(text("SELECT id, version FROM inbox_rows"))}


def test_what_a_client_withdraws_is_gone_before_any_tick_and_its_other_versions_stay(stage):
    posted = [("tool--1", "1"), ("tool--1", "2"), ("tool--2", "1")]
    facts = [(*each, "tool", "sha256:" + "0" * 64) for each in posted]
    stage.do(releases.show, "inbox", "a" * 32, rows=facts)
    stage.do(releases.show, "withdraw", "a" * 32, id="tool--1", versions="1")
    stage.project()
    assert inbox(stage) == {("tool--1", "2"), ("tool--2", "1")}

    stage.do(releases.show, "withdraw", "a" * 32, id="tool--1", versions="2,3")
    shelf.narrow(*rooms(stage))

    assert inbox(stage) == {("tool--2", "1")}


def test_a_peer_is_told_of_a_shelf_that_opens_again_with_frames_on_it_and_of_no_other(stage):
    stage.publish(*stage.give(stage.body(by=US)))
    stage.project()
    where, empty = channel_to(stage), channel_to(stage, C, FORUM)
    told = []
    for state in ("open", "closed", "closed", "open", "open"):
        for each, peer in ((where, B), (empty, C)):
            facts = {"peer": peer, "kind": "node", "title": "a new name", "state": state}
            stage.do(releases.show, "shelf", each, **facts)
        told.append([(n.peer, n.channel, n.seq) for n in stage.project()])

    assert told == [[], [], [], [(B, where, 1)], []]
    assert state_of(stage, where).title == "a new name"


def test_a_key_is_shown_with_the_instant_at_which_it_ends(stage):
    [last] = [
        facts
        for op in stage.rows("shelf_ops")
        if op["op"] == "caller" and (facts := json.loads(op["facts"]))["name"] == B
    ][-1:]
    ends = dict.fromkeys(json.loads(last["keys"]), "2026-09-01T00:00:00.000Z")
    stage.do(releases.show, "caller", "", **last | {"ends": json.dumps(ends)})

    stage.project()

    with stage.node.shelf.read() as unit:
        query = text("SELECT keyid, ends FROM caller_keys WHERE name = 'borea'")
        assert {row.keyid: row.ends for row in unit.execute(query)} == ends


def test_a_token_that_is_revoked_opens_nothing_before_any_tick(stage):
    client = Peer(name="sensor", kind="client", state="confirmed")
    stage.do(peers.add_client, client, stage.now, by="lena")
    stage.do(peers.new_token, "sensor", stage.now, by="lena")
    stage.project()
    stage.do(peers.revoke_token, "sensor", stage.now, by="lena")

    shelf.narrow(*rooms(stage))

    assert "sensor" not in str(on_show(stage, "callers"))
