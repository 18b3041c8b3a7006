"""What peers may see is bound to the peer that asks, and bytes go with the last row that shows them."""

import pytest

from mithaq.store import pages
from mithaq.store import shelf as shelves
from mithaq.store.pages import Wanted
from mithaq.store.shelf import Caller, Frame, Shelf, Shown

NOW = "2026-03-01T12:00:00.000000Z"
S1, S2 = "1" * 32, "2" * 32
VIEW = "sha256:view"


def shown(position=1, **changed):
    values = {
        "position": position,
        "id": f"tool--{position}",
        "version": "2026-01-01T00:00:00.000Z",
        "type": "tool",
        "view": VIEW,
        "date_added": f"2026-03-01T12:00:{position:02d}.000Z",
    }
    return Shown(**values | changed)


def piece(row):
    """What a reader sees of a row."""
    return (row.position, row.id, row.version, row.date_added, b"")


def put_rows(unit, shelf, *rows):
    shelves.add_rows(unit, shelf, rows, {row.position: row.version for row in rows})


@pytest.fixture
def unit(shelf):
    with shelf.begin() as opened:
        shelves.put_shelf(opened, Shelf(shelf=S1, peer="borealis", title="Pact", state="open"))
        shelves.put_shelf(opened, Shelf(shelf=S2, peer="cassia", title="Pact", state="open"))
        yield opened


def views(unit, *digests):
    return pages.show_views(unit, digests)


def page(unit, shelf=S1, table="intel"):
    rows, more = pages.page(unit, table, shelf, Wanted(limit=100), bodies=False)
    assert not more
    return rows


# --- shelves -----------------------------------------------------------------------------------------
def test_a_shelf_is_its_peers_alone(unit):
    assert [each.shelf for each in shelves.shelves_of(unit, "borealis")] == [S1]
    assert shelves.shelf_of(unit, "borealis", S1) is not None
    assert shelves.shelf_of(unit, "borealis", S2) is None
    assert shelves.shelf_of(unit, "nobody", S1) is None
    assert shelves.shelf_of(unit, "borealis", "3" * 32) is None


@pytest.mark.parametrize(("state", "there"), [("open", True), ("blocked", True), ("closed", False)])
def test_a_closed_shelf_is_not_there_and_a_blocked_one_says_so(unit, state, there):
    shelves.set_shelf_state(unit, S1, state)

    assert (shelves.shelf_of(unit, "borealis", S1) is not None) == there
    assert bool(shelves.shelves_of(unit, "borealis")) == there
    kept = shelves.any_shelf(unit, S1)
    assert kept is not None
    assert kept.state == state


def test_a_shelf_put_again_is_replaced(unit):
    moved = Shelf(
        shelf=S1, peer="borealis", title="Pact 2", state="open", last_added="x", position=7
    )
    shelves.put_shelf(unit, moved)

    assert shelves.shelf_of(unit, "borealis", S1) == moved


# --- rows and views ----------------------------------------------------------------------------------
def test_a_shelf_shows_its_own_rows_in_order(unit):
    put_rows(unit, S1, shown(2), shown(1))
    put_rows(unit, S2, shown(1, id="tool--theirs"))

    assert [row.position for row in page(unit)] == [1, 2]
    assert [row.id for row in page(unit, S2)] == ["tool--theirs"]


def test_projecting_the_same_rows_again_changes_nothing(unit):
    put_rows(unit, S1, shown(1))
    put_rows(unit, S1, shown(1), shown(2, id="tool--1"))

    assert page(unit) == [piece(shown(1))]


def test_views_go_with_the_last_row_that_shows_them(unit):
    """On any shelf, or in any inbox."""
    shelves.add_views(unit, {VIEW: b"{}", "sha256:other": b"[]"})
    put_rows(unit, S1, shown(1), shown(2))
    put_rows(unit, S2, shown(1))
    shelves.add_to_inbox(unit, S2, [shown(5)])

    for shelf, id_ in ((S1, "tool--1"), (S1, "tool--2"), (S2, "tool--1")):
        assert views(unit, VIEW) == [b"{}"]
        shelves.remove_row(unit, shelf, id_, shown().version, NOW)
    assert views(unit, VIEW) == [b"{}"]
    shelves.withdraw_from_inbox(unit, S2, "tool--5", [shown().version])

    assert views(unit, VIEW) is None
    assert views(unit, "sha256:other") == [b"[]"]
    assert page(unit) == page(unit, S2) == page(unit, S2, "inbox") == []


def test_only_the_row_named_is_taken_off(unit):
    put_rows(
        unit, S1, shown(1), shown(2, id="tool--1", version="2026-02-01T00:00:00.000Z"), shown(3)
    )
    put_rows(unit, S2, shown(1))

    shelves.remove_row(unit, S1, "tool--1", shown().version, NOW)
    shelves.remove_row(unit, S1, "tool--none", shown().version, NOW)

    assert [row.position for row in page(unit)] == [3] or [row.position for row in page(unit)] == [
        2,
        3,
    ]
    assert len(page(unit, S2)) == 1


def test_bytes_come_in_the_order_asked_or_not_at_all(unit):
    shelves.add_views(unit, {"a": b"1", "b": b"2"})
    shelves.add_views(unit, {"a": b"other"})

    assert views(unit, "b", "a", "b") == [b"2", b"1", b"2"]
    assert views(unit, "a", "gone") is None
    assert pages.left_of(unit, ["a", "gone"]) == [b"1", None]


# --- inbox -------------------------------------------------------------------------------------------
def test_an_inbox_grows_and_knows_its_end(unit):
    assert shelves.inbox_end(unit, S1) == (0, "")
    shelves.add_to_inbox(unit, S1, [shown(1), shown(2)])
    shelves.add_to_inbox(unit, S2, [shown(9)])

    assert shelves.inbox_end(unit, S1) == (2, shown(2).date_added)
    assert page(unit, S1, "inbox") == [piece(shown(1)), piece(shown(2))]


def test_only_the_versions_named_are_withdrawn(unit):
    rows = [shown(n, id="tool--1", version=f"2026-0{n}-01T00:00:00.000Z") for n in (1, 2, 3)]
    shelves.add_to_inbox(unit, S1, rows)
    shelves.add_to_inbox(unit, S2, rows)

    shelves.withdraw_from_inbox(unit, S1, "tool--1", [rows[0].version, rows[2].version])

    assert pages.page(unit, "inbox", S1, Wanted(limit=9, versions=("all",)), bodies=False)[0] == [
        piece(rows[1])
    ]
    assert (
        len(pages.page(unit, "inbox", S2, Wanted(limit=9, versions=("all",)), bodies=False)[0]) == 3
    )


def test_the_status_of_a_post_is_shown_at_its_own_shelf_alone(unit):
    shelves.put_status(unit, "id-1", S1, b"pending")
    shelves.put_status(unit, "id-1", S1, b"complete")

    assert shelves.status(unit, "id-1", S1) == b"complete"
    assert shelves.status(unit, "id-1", S2) is None
    assert shelves.status(unit, "id-2", S1) is None


# --- frames ------------------------------------------------------------------------------------------
def frame(seq, peer="borealis", envelope=b"envelope", bodies=("a", "b")):
    return Frame(channel=S1, seq=seq, peer=peer, envelope=envelope, bodies=bodies, size=20)


def test_frames_are_shown_to_their_peer_in_order(unit):
    for each in (frame(2), frame(1, bodies=())):
        shelves.add_frame(unit, each)
    shelves.add_frame(unit, frame(1, envelope=b"another"))

    assert [mark.seq for mark in pages.frame_marks(unit, "borealis", S1, 0)] == [1, 2]
    assert [mark.seq for mark in pages.frame_marks(unit, "borealis", S1, 1)] == [2]
    assert list(pages.frames_of(unit, "borealis", S1, [1, 2])) == [frame(1, bodies=()), frame(2)]


def test_a_channels_frames_are_nobody_elses(unit):
    shelves.add_frame(unit, frame(1))

    assert pages.frame_marks(unit, "cassia", S1, 0) == []
    assert list(pages.frames_of(unit, "cassia", S1, [1])) == []
    assert not pages.is_channel_to(unit, "cassia", S1)
    assert pages.is_channel_to(unit, "borealis", S1)


# --- callers and documents ---------------------------------------------------------------------------
def test_a_node_is_known_by_each_of_its_keys_and_a_client_by_its_token(unit):
    node = Caller(name="borealis", kind="node", keys={"k1": "AA==", "k2": "AQ=="})
    client = Caller(name="siem", kind="client", keys={}, token="sha256:t")
    for each in (node, client):
        shelves.put_caller(unit, each)

    known = shelves.caller_by_key(unit, "k2")
    assert known is not None
    assert (known[0].name, known[0].kind, known[1]) == ("borealis", "node", "AQ==")
    assert shelves.caller_by_key(unit, "k3") is None
    assert shelves.caller_by_token(unit, "sha256:t") == client
    assert shelves.caller_by_token(unit, "sha256:u") is None


def test_no_token_is_nobodys(unit):
    """A node has none; an empty digest must not find it."""
    shelves.put_caller(unit, Caller(name="borealis", kind="node", keys={"k1": "AA=="}))

    assert shelves.caller_by_token(unit, "") is None


def test_a_callers_old_keys_open_nothing_once_they_are_replaced(unit):
    shelves.put_caller(unit, Caller(name="borealis", kind="node", keys={"k1": "AA=="}))
    shelves.put_caller(unit, Caller(name="borealis", kind="node", keys={"k2": "AQ=="}))

    assert shelves.caller_by_key(unit, "k1") is None
    shelves.remove_caller(unit, "borealis")
    assert shelves.caller_by_key(unit, "k2") is None


def test_documents_heartbeats_and_marks_are_replaced(unit):
    for n in (b"1", b"2"):
        shelves.put_document(unit, "keys", n)
        shelves.put_heartbeat(unit, "borealis", n)
        shelves.set_mark(unit, "cursor", n.decode())

    assert shelves.document(unit, "keys") == b"2"
    assert shelves.heartbeat_for(unit, "borealis") == b"2"
    assert shelves.mark(unit, "cursor") == "2"
    assert shelves.document(unit, "keys/1") is None
    assert shelves.heartbeat_for(unit, "cassia") is None
    assert shelves.mark(unit, "none") == ""
