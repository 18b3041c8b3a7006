"""Pages of a shelf and callers by key, on both databases; the listener's own tests stand on SQLite."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mithaq.model.canonical import digest
from mithaq.store import pages
from mithaq.store import shelf as shelves
from mithaq.store import spool as spools
from mithaq.store.pages import Wanted
from mithaq.store.shelf import Caller, Frame, Shown
from mithaq.store.spool import Arrival
from tests.store.values import NOW

SHELF, OTHER = "a" * 32, "b" * 32


def stamp(position):
    return f"2026-03-01T12:00:00.{position:06d}Z"


def shown(position, id_="tool--1", version="2026-01-01T00:00:00.000Z", body=b"{}"):
    return Shown(
        position=position,
        id=id_,
        version=version,
        type=id_.partition("--")[0],
        view=digest(body),
        date_added=stamp(position),
    )


def place(store, shelf, *rows, body=b"{}"):
    with store.begin() as unit:
        shelves.add_views(unit, {digest(body): body})
        shelves.add_rows(unit, shelf, rows, {row.position: row.version for row in rows})


def page(store, wanted, shelf=SHELF, *, bodies=False):
    with store.read() as unit:
        found, more = pages.page(unit, "intel", shelf, wanted, bodies=bodies)
    return [row.position for row in found], more


@pytest.mark.parametrize("bodies", [True, False])
def test_a_page_is_cut_at_its_limit_and_goes_on_after_a_position(shelf, bodies):
    place(shelf, SHELF, *(shown(n, f"tool--{n}") for n in range(1, 8)))
    place(shelf, OTHER, *(shown(n, f"tool--{n}") for n in range(1, 8)))

    assert page(shelf, Wanted(limit=3), bodies=bodies) == ([1, 2, 3], True)
    assert page(shelf, Wanted(limit=3, after=3), bodies=bodies) == ([4, 5, 6], True)
    assert page(shelf, Wanted(limit=3, after=6), bodies=bodies) == ([7], False)
    assert page(shelf, Wanted(limit=9, added_after=stamp(5)), bodies=bodies) == ([6, 7], False)


def test_a_page_of_bodies_stops_at_its_bytes_and_never_before_the_first(shelf, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_BYTES", 25)
    for n in range(1, 5):
        body = b"%d" % n * 10 if n < 4 else b"x" * 99
        place(shelf, SHELF, shown(n, f"tool--{n}", body=body), body=body)

    assert page(shelf, Wanted(limit=9), bodies=True) == ([1, 2], True)
    assert page(shelf, Wanted(limit=9, after=2), bodies=True) == ([3], True)
    assert page(shelf, Wanted(limit=9, after=3), bodies=True) == ([4], False)


versions = st.sampled_from([f"2026-01-01T00:00:0{n}Z" for n in ("0.000", "0.0004", "1.000", "2.5")])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.tuples(st.integers(1, 3), versions), unique=True, max_size=8),
    words=st.lists(
        st.one_of(st.sampled_from(["first", "last"]), versions), unique=True, min_size=1, max_size=3
    ),
    hidden=st.integers(0, 2),
    after=st.integers(0, 8),
)
def test_versions_are_first_and_last_of_what_else_matches(shelf, rows, words, hidden, after):
    """The oracle sorts in Python by the instants that the versions name."""
    with shelf.begin() as unit:
        unit.exec_driver_sql("DELETE FROM " + ("" if shelf.on_sqlite else "shelf.") + "shelf_rows")
    new = [shown(at, f"tool--{n}", v) for at, (n, v) in enumerate(rows, start=1)]
    place(shelf, SHELF, *new)
    gone = {(row.id, row.version) for row in new[:hidden]}
    left = [r for r in new if (r.id, r.version) not in gone and r.date_added > stamp(after)]

    found, _ = page(
        shelf,
        Wanted(limit=99, versions=tuple(words), hidden=tuple(gone), added_after=stamp(after)),
    )

    expected = set()
    for id_ in {row.id for row in left}:
        of_id = sorted((r for r in left if r.id == id_), key=lambda r: r.version.rstrip("Z"))
        expected |= {of_id[0].position} if "first" in words else set()
        expected |= {of_id[-1].position} if "last" in words else set()
        expected |= {row.position for row in of_id if row.version in words}
    assert found == sorted(expected)


def test_an_inbox_gives_up_what_was_withdrawn_and_its_bytes_with_it(shelf):
    with shelf.begin() as unit:
        shelves.add_views(unit, {digest(b"1"): b"1", digest(b"2"): b"2"})
        rows = [shown(1, version="v1", body=b"1"), shown(2, version="v2", body=b"2")]
        shelves.add_to_inbox(unit, SHELF, rows)

    with shelf.begin() as unit:
        shelves.withdraw_from_inbox(unit, SHELF, "tool--1", ["v1"])

    with shelf.read() as unit:
        assert pages.versions_of(unit, "inbox", SHELF, "tool--1") == ["v2"]
        assert pages.show_views(unit, [digest(b"2")]) == [b"2"]
        assert pages.show_views(unit, [digest(b"1")]) is None


def test_frames_are_marked_by_their_sizes_and_given_to_their_peer(shelf):
    frames = [
        Frame(
            channel=SHELF,
            seq=seq,
            peer="borealis",
            envelope=b"e" * seq,
            bodies=("d",) * (seq - 1),
            size=seq + 5,
            date_added=stamp(seq),
        )
        for seq in (1, 2, 3)
    ]
    with shelf.begin() as unit:
        for frame in frames:
            shelves.add_frame(unit, frame)

    with shelf.read() as unit:
        marks = pages.frame_marks(unit, "borealis", SHELF, 1)
        assert [(m.seq, m.envelope_size, m.size) for m in marks] == [(2, 2, 7), (3, 3, 8)]
        assert list(pages.frames_of(unit, "borealis", SHELF, [3, 1])) == [frames[2], frames[0]]
        assert list(pages.frames_of(unit, "cyrene", SHELF, [1])) == []
        assert pages.is_channel_to(unit, "borealis", SHELF)
        assert not pages.is_channel_to(unit, "cyrene", SHELF)


def test_a_caller_is_found_by_any_of_its_keys_until_it_has_them_no_more(shelf):
    with shelf.begin() as unit:
        keys = {"k1": "one", "k2": "two"}
        shelves.put_caller(unit, Caller(name="borealis", kind="node", keys=keys))
        shelves.put_caller(unit, Caller(name="cyrene", kind="node", keys={"k3": "three"}))
    with shelf.read() as unit:
        found, key = shelves.caller_by_key(unit, "k2")
        assert (found.name, found.kind, key) == ("borealis", "node", "two")

    with shelf.begin() as unit:
        shelves.put_caller(unit, Caller(name="borealis", kind="node", keys={"k2": "two"}))
        shelves.remove_caller(unit, "cyrene")

    with shelf.read() as unit:
        assert shelves.caller_by_key(unit, "k1") is None
        assert shelves.caller_by_key(unit, "k2")[0].name == "borealis"
        assert shelves.caller_by_key(unit, "k3") is None


def test_what_waits_is_found_by_an_id_that_its_facts_name_whole(spool):
    facts = [{"status": "abc"}, {"status": "abcd"}, {"x": "a%c"}]
    with spool.begin() as unit:
        for each in facts:
            post = Arrival(peer="misp", kind="post", facts=each, raw=b"")
            spools.arrive(unit, post, NOW, 10_000)

    with spool.read() as unit:
        assert spools.waiting(unit, "misp", "post", "abc") == [{"status": "abc"}]
        assert spools.waiting(unit, "misp", "post", "a%c") == [{"x": "a%c"}]
        assert spools.waiting(unit, "misp", "withdraw", "abc") == []
        assert spools.waiting(unit, "siem", "post", "abc") == []
