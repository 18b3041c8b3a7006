"""What came in waits in order; one peer's limit touches no other (border.md 10.5)."""

import threading

import pytest

from mithaq.store import spool as spools
from mithaq.store.spool import Arrival, SpoolFull
from tests.store.values import AT, NOW

ROW = 256  # what a row costs beside its bytes


def arrival(raw=b"raw", peer="borealis", **facts):
    return Arrival(peer=peer, kind="frame", facts=facts, raw=raw)


def arrive(store, *arrivals, most=10_000):
    for each in arrivals:
        with store.begin() as unit:
            spools.arrive(unit, each, NOW, most)


def waiting(store, after=0, **more):
    with store.read() as unit:
        return spools.since(unit, after, **more)


def test_arrivals_come_back_in_order_with_their_bytes_and_facts(spool):
    arrive(spool, arrival(b"\x00\xff", shelf="s1"), arrival(b"", "cassia"))

    first, second = waiting(spool)

    assert (first.peer, first.kind, first.raw, first.facts) == (
        "borealis",
        "frame",
        b"\x00\xff",
        {"shelf": "s1"},
    )
    assert (second.peer, second.raw, second.at) == ("cassia", b"", AT)
    assert waiting(spool, first.seq) == [second]
    assert waiting(spool, limit=1) == [first]


def test_what_is_settled_is_forgotten_and_its_number_never_given_again(spool):
    """The worker's cursor stands beyond it: a number given twice would be an arrival nobody reads."""
    arrive(spool, arrival(), arrival())
    first, second = waiting(spool)

    with spool.begin() as unit:
        spools.settle(unit, first.seq)
    assert waiting(spool) == [second]
    with spool.begin() as unit:
        spools.settle(unit, second.seq)
    arrive(spool, arrival())

    (third,) = waiting(spool, second.seq)
    assert third.seq > second.seq


def test_a_peer_may_have_so_many_bytes_waiting_and_no_more(spool):
    most = 2 * (ROW + 100)
    arrive(spool, arrival(b"x" * 100), arrival(b"x" * 100), most=most)

    with pytest.raises(SpoolFull) as full:
        arrive(spool, arrival(b""), most=most)

    assert full.value.facts == {"peer": "borealis"}
    assert len(waiting(spool)) == 2
    arrive(spool, arrival(b"x" * 100, "cassia"), most=most)


def test_a_row_without_bytes_is_not_free(spool):
    arrive(spool, *[arrival(b"")] * 4, most=4 * ROW)

    with pytest.raises(SpoolFull):
        arrive(spool, arrival(b""), most=4 * ROW)


def test_what_is_settled_makes_room_again(spool):
    arrive(spool, arrival(b"x" * 100), most=ROW + 100)
    with spool.begin() as unit:
        spools.settle(unit, waiting(spool)[0].seq)

    arrive(spool, arrival(b"x" * 100), most=ROW + 100)


def test_requests_at_once_do_not_get_around_the_limit(spool):
    refused = []

    def knock():
        for _ in range(5):
            try:
                arrive(spool, arrival(b"x" * 100), most=7 * (ROW + 100))
            except SpoolFull:
                refused.append(1)

    threads = [threading.Thread(target=knock) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(waiting(spool)) == 7
    assert len(refused) == 13
