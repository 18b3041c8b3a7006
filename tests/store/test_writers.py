"""Writers in several processes and threads: a follower with a cursor misses nothing, and no unit fails for a lock."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mithaq.audit import log
from mithaq.store import journal, releases
from tests.store.values import NOW

ROOT = Path(__file__).parents[2]
WRITERS, EACH = 3, 25
WRITER = f"""
import sys
from datetime import UTC, datetime
from mithaq.audit import log
from mithaq.store import journal, releases
from mithaq.store.engine import open_store
store = open_store(sys.argv[1], "core")
now = datetime(2026, 3, 1, tzinfo=UTC)
sys.stdin.readline()
for n in range({EACH}):
    with store.begin() as unit:
        journal.record(unit, now, "x", sys.argv[2])
        releases.show(unit, "place", sys.argv[2], n=n)
        log.append(unit, [(sys.argv[2], {{"n": n}})] * 3)
store.close()
"""


def follow(core, read, ended):
    """Read with a cursor, again and again, until the writers have ended; say the numbers in the order met."""
    seen = []
    last = False
    while not last:
        last = ended()  # asked first, so that one reading comes after the end
        with core.read() as unit:
            seen += [entry.seq for entry in read(unit, seen[-1] if seen else 0)]
    return seen


@pytest.mark.parametrize("read", [journal.since, releases.ops_since], ids=["journal", "shelf_ops"])
def test_a_follower_misses_no_entry_of_writers_in_other_processes(core, ready, read):
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, ready("core"), f"w{n}"],
            env=env,
            stdin=subprocess.PIPE,
            text=True,
        )
        for n in range(WRITERS)
    ]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()

    seen = follow(core, read, lambda: all(writer.poll() is not None for writer in writers))

    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    with core.read() as unit:
        assert seen == [entry.seq for entry in read(unit, 0)]
        assert len(seen) == WRITERS * EACH
        assert log.length(unit) == WRITERS * EACH * 3
        assert log.verify_all(unit) == []


def test_units_that_write_in_another_order_wait_for_each_other(core):
    """On PostgreSQL locks taken piece by piece would let two units wait for each other for ever."""
    failed = []

    def write(first, second):
        try:
            for _ in range(20):
                with core.begin() as unit:
                    first(unit)
                    second(unit)
        except Exception as error:  # noqa: BLE001 whatever it is, the test tells it
            failed.append(error)

    def record(unit):
        journal.record(unit, NOW, "x", "y")

    def show(unit):
        releases.show(unit, "place", "s")

    threads = [
        threading.Thread(target=write, args=order) for order in ((record, show), (show, record))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    with core.read() as unit:
        assert len(journal.since(unit, 0)) == len(releases.ops_since(unit, 0)) == 40
