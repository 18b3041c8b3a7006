"""Units of work, snapshots and locks."""

import gc
import threading
import weakref
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError

from mithaq.store import journal
from mithaq.store.engine import ROOMS, open_store
from mithaq.store.migrate import upgrade
from tests.store.values import NOW


def kinds(store):
    with store.read() as unit:
        return [entry.kind for entry in journal.since(unit, 0)]


def test_a_unit_that_fails_leaves_nothing(core):
    def half(unit):
        journal.record(unit, NOW, "first", "x")
        raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"), core.begin() as unit:
        half(unit)

    assert kinds(core) == []


def test_a_reader_sees_the_state_at_its_start_though_others_commit(core):
    with core.read() as reader:
        before = journal.since(reader, 0)
        with core.begin() as writer:
            journal.record(writer, NOW, "later", "x")
        during = journal.since(reader, 0)

    assert before == during == []
    assert kinds(core) == ["later"]


def test_nothing_written_in_a_read_is_kept(core):
    with suppress(InternalError), core.read() as unit:  # PostgreSQL refuses, SQLite forgets
        journal.keep(unit, "key", "value")

    with core.read() as unit:
        assert journal.setting(unit, "key") == ""


def test_numbers_become_visible_in_their_order(core):
    """A follower whose cursor stands at n never meets a number below n later."""
    seen, stop = [], threading.Event()

    def write(name):
        for _ in range(15):
            with core.begin() as unit:
                journal.record(unit, NOW, "x", name)

    def follow():
        cursor = 0
        while not stop.is_set():
            with core.read() as unit:
                new = journal.since(unit, cursor)
            seen.extend(entry.seq for entry in new)
            cursor = seen[-1] if seen else 0

    writers = [threading.Thread(target=write, args=(str(n),)) for n in range(4)]
    follower = threading.Thread(target=follow)
    for thread in [follower, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    with core.read() as unit:
        there = [entry.seq for entry in journal.since(unit, 0)]
    while len(seen) < len(there) and follower.is_alive():
        follower.join(0.05)
        if seen[-1:] == there[-1:]:
            break
    stop.set()
    follower.join()

    assert len(there) == 60
    assert seen == there


def test_many_stores_live_side_by_side_in_one_process():
    stores = [open_store("sqlite://", "core") for _ in range(5)]
    for number, store in enumerate(stores):
        upgrade(store)
        with store.begin() as unit:
            journal.keep(unit, "number", str(number))

    numbers = []
    for store in stores:
        with store.read() as unit:
            numbers.append(journal.setting(unit, "number"))
        store.close()

    assert numbers == ["0", "1", "2", "3", "4"]


def test_a_commit_on_sqlite_survives_a_power_cut(tmp_path):
    """WAL with synchronous NORMAL lost acknowledged rows when power went; FULL (2) lost none."""
    store = open_store(f"sqlite:///{tmp_path}/x.db", "core")
    with store.read() as unit:
        asked = {p: unit.execute(text(f"PRAGMA {p}")).scalar_one() for p in PRAGMAS}
    store.close()

    assert asked == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_what_was_committed_is_folded_into_the_file_when_asked(tmp_path):
    file = tmp_path / "core.db"
    store = open_store(f"sqlite:///{file}", "core")
    upgrade(store)
    with store.begin() as unit:
        journal.keep(unit, "key", "x" * 100_000)
    before = file.stat().st_size

    store.fold()

    assert file.stat().st_size > before + 100_000
    store.close()


def test_folding_asks_nothing_of_another_database(core):
    core.fold()

    assert kinds(core) == []


class _Circle:
    def __init__(self):
        self.itself = self


def test_garbage_of_a_large_unit_is_gone_when_the_next_has_begun(core):
    """Nobody looks for it while the unit works, nor while its results are in use."""
    with core.begin():
        circle = weakref.ref(_Circle())
        kept = [[] for _ in range(800_000)]
    more = [[] for _ in range(5_000)]
    assert circle() is not None
    assert gc.isenabled()

    with core.begin():
        assert circle() is None
    assert len(kept + more) == 805_000


def test_after_a_small_unit_nobody_looks_through_all_that_stands(core):
    with core.begin():
        kept = [[] for _ in range(100_000)]

    gc.callbacks.append(lambda phase, facts: looked.append((phase, facts["generation"])))
    looked = []
    try:
        with core.begin():
            pass
    finally:
        gc.callbacks.pop()
    assert ("start", 2) not in looked
    assert len(kept) == 100_000


@pytest.mark.parametrize("name", ["plain", "with space", "per%20cent", "ha#sh"])
def test_a_file_of_any_name_opens_for_reading_alone(tmp_path, name):
    url = f"sqlite:///{tmp_path}/{name}.db"
    writer = open_store(url, "core")
    upgrade(writer)
    with writer.begin() as unit:
        journal.keep(unit, "key", "value")

    reader = open_store(url, "core", read_only=True)
    with reader.read() as unit:
        assert journal.setting(unit, "key") == "value"
    writer.close()
    reader.close()


def test_what_is_opened_for_reading_takes_no_writes(core, ready):
    reader = open_store(ready("core"), "core", read_only=True)

    with pytest.raises(Exception, match=r"read-?only"), reader.begin() as unit:
        journal.keep(unit, "key", "value")
    reader.close()


def test_the_three_rooms_share_no_table(opened):
    names = {}
    for room in ROOMS:
        store = opened(room)
        with store.read() as unit:
            query = "SELECT name FROM sqlite_master WHERE type = 'table'"
            if not store.on_sqlite:
                query = f"SELECT tablename FROM pg_tables WHERE schemaname = '{room}'"
            names[room] = set(unit.execute(text(query)).scalars())

    own = {"core": "bodies", "shelf": "views", "spool": "arrivals"}
    for room, table in own.items():
        assert [r for r in ROOMS if table in names[r]] == [room]
