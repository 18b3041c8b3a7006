"""How what was released arrives: fetched, brought, told of; a dead peer holds up nobody (border.md 5.4)."""

import sqlite3
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy.exc import DataError, MultipleResultsFound, OperationalError

from mithaq.border import admit, parting, peers, signing
from mithaq.clock import text
from mithaq.exchange.wire import PeerUnreachable, Response
from mithaq.model.labels import Tlp
from mithaq.node import worker
from mithaq.node.build import ROOT_KEY
from mithaq.node.worker import Worker
from mithaq.policy.agreement import Agreement, Clause, Party
from mithaq.seal.documents import KEYS, ExchangeKey
from mithaq.seal.envelope import sign
from mithaq.seal.keys import encode, from_pem, generate
from mithaq.seal.messages import encode as to_payload
from mithaq.store import channels, inbound, objects, spool, texts
from mithaq.store.spool import Arrival
from tests.values import replace

NATIONS = {"aurelia": "QM", "borea": "QN", "corvia": "QO"}


def enrolled(federation, *names):
    """Let nations be, all three if none is named, and let each know the others."""
    for name in names or NATIONS:
        federation.nation(name, NATIONS[name])
    federation.enrol_all()


def in_forum(federation):
    """Let the three nations have a forum in force."""
    enrolled(federation)
    federation.sign(agreement("forum", *NATIONS), *NATIONS)


def agreement(id_, *names):
    return Agreement(
        id=id_,
        version=1,
        title=id_,
        kind="forum" if len(names) > 2 else "bilateral",
        parties=[Party(name=n, country=NATIONS[n], organisation=n) for n in names],
        clauses=[Clause(id="all", kinds=["*"], max_tlp="AMBER", onward="scope")],
        start="2026-01-01T00:00:00.000Z",
    )


def tool(number):
    at = "2026-03-01T12:00:00.000Z"
    id_ = f"tool--00000000-0000-4000-8000-{number:012d}"
    return {
        "type": "tool", "spec_version": "2.1", "id": id_, "created": at, "modified": at,
        "name": f"number {number}",
    }  # fmt: skip


def let_go(federation, number):
    federation.release("aurelia", "forum", federation.give("aurelia", tool(number), tlp=Tlp.GREEN))


def test_a_peer_that_never_asks_is_brought_what_is_for_it(three):
    node = three.nodes["aurelia"]
    with node.core.begin() as unit:
        parting.set_delivery(unit, "borea", "push", three.clock(), by="olga")

    def deaf(wire, sender, request):
        if sender == "borea":
            raise PeerUnreachable("behind a firewall")

    three.wire.fault = deaf
    let_go(three, 1)
    three.workers["aurelia"].turn()
    three.workers["borea"].settle()

    assert len(three.held_by("borea")) == 1


def test_a_nudge_brings_a_peer_to_fetch_and_a_lost_one_does_no_harm(three):
    let_go(three, 1)
    three.workers["aurelia"].turn()
    hints = three.workers["borea"].settle()
    assert [h.peer for h in hints] == ["aurelia"]
    three.workers["borea"].visitor.visit("aurelia", heard=hints)
    assert len(three.held_by("borea")) == 1

    assert three.held_by("corvia") == {}
    three.settle()
    assert len(three.held_by("corvia")) == 1


def test_a_peer_that_says_the_same_again_and_again_is_left_after_once(three):
    let_go(three, 1)
    three.settle()
    frames = [
        body
        for _, to, path, body in three.wire.seen
        if to == "borea" and "/frames/" in path and body
    ]
    asked = []

    def stuck(wire, sender, request):
        if sender == "borea" and "/frames/" in request.path:
            asked.append(request.path)
            return Response(status=200, body=frames[-1])
        return None

    three.wire.fault = stuck
    let_go(three, 2)
    three.settle(2)

    assert 0 < len(asked) < 20
    three.wire.fault = None
    three.settle()
    assert len(three.held_by("borea")) == 2


def test_who_asks_hears_of_what_was_released_while_the_shelf_was_brought_up_to_date(
    three, monkeypatch
):
    """A person's command commits between the heartbeat and the projection, and its hint is lost."""
    real, waiting = worker.shelf.project, [2]

    def project(core, room, now, **more):
        while waiting:
            let_go(three, waiting.pop())
        return real(core, room, now, **more)

    let_go(three, 1)
    three.settle()
    monkeypatch.setattr(worker.shelf, "project", project)
    three.workers["aurelia"].show()
    three.workers["borea"].visitor.visit("aurelia")

    assert len(three.held_by("borea")) == 2


def test_a_hint_that_came_while_the_node_started_is_heard(three, monkeypatch):
    stop, heard = threading.Event(), []
    node = three.nodes["borea"]
    arrival = Arrival(
        peer="aurelia", kind="nudge", facts={"channel": "c" * 32, "seq": "1"}, raw=b""
    )
    with node.spool.begin() as unit:
        spool.arrive(unit, arrival, three.clock(), 1 << 20)
    starting = Worker(node)

    def visit(name, shown=(), hints=(), *, ask=False):
        heard.extend(hint.channel for hint in hints)
        return True

    monkeypatch.setattr(starting.visitor, "visit", visit)
    thread = threading.Thread(target=starting.run, args=(stop,))
    thread.start()
    began = time.monotonic()
    while not heard and time.monotonic() - began < 20:
        stop.wait(0.05)
    stop.set()
    thread.join(20)

    assert "c" * 32 in heard


def test_a_closed_channel_hides_its_frames_and_goes_on_after_it_is_opened_again(three):
    node = three.nodes["aurelia"]
    three.wire.fault = lambda wire, sender, request: (_ for _ in ()).throw(PeerUnreachable("away"))
    let_go(three, 1)
    with node.core.begin() as unit:
        signing.narrow(unit, node.us, "forum", "suspend", three.clock(), by="lena")
    three.settle(1)
    three.wire.fault = None
    three.settle()
    assert three.held_by("borea") == {}

    with node.core.begin() as unit:
        signing.narrow(unit, node.us, "forum", "resume", three.clock(), by="lena")
    three.settle()

    assert len(three.held_by("borea")) == 1


class TooLong(Exception):
    """As PostgreSQL says that a text fits into no index."""

    sqlstate = "54000"


BREAKS = [
    ZeroDivisionError(), MultipleResultsFound(), DataError("", None, ValueError()),
    OperationalError("", None, TooLong()),
]  # fmt: skip


def breaks_on(monkeypatch, raw, error):
    """Let admission fail over some bytes."""
    real = admit.frame

    def broken(unit, us, peer, given, now):
        if given == raw:
            raise error
        return real(unit, us, peer, given, now)

    monkeypatch.setattr(admit, "frame", broken)


def brought(federation, *frames, to="borea", by="corvia"):
    with federation.nodes[to].spool.begin() as unit:
        for raw in frames:
            arrival = Arrival(peer=by, kind="frame", facts={"channel": "c" * 32}, raw=raw)
            spool.arrive(unit, arrival, federation.clock(), 1 << 20)


def refused_codes(federation, name="borea", of="corvia"):
    with federation.nodes[name].core.read() as unit:
        return {r.code for r in inbound.refused(unit) if r.peer == of}


@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
def test_bytes_that_break_us_stop_nobody_else(three, monkeypatch, error):
    breaks_on(monkeypatch, b"x", error)
    brought(three, b"x", b"y")

    three.workers["borea"].settle()

    assert refused_codes(three) == {"fault", "bad-envelope"}


def test_a_frame_that_waited_and_breaks_us_stops_nobody_else(three, monkeypatch):
    breaks_on(monkeypatch, b"x", MultipleResultsFound())
    waits = channels.HeldFrame(
        peer="corvia", channel="c" * 32, chan_seq=1, frame=b"x", reason="gap", at=""
    )
    with three.nodes["borea"].core.begin() as unit:
        channels.hold(unit, waits)

    three.workers["borea"].settle()

    assert refused_codes(three) == {"fault"}
    with three.nodes["borea"].core.read() as unit:
        assert channels.waiting_channels(unit) == []


def test_a_database_that_is_away_costs_no_arrival_and_no_frame_that_waits(three, monkeypatch):
    away = OperationalError("", None, sqlite3.OperationalError("disk I/O error"))
    with monkeypatch.context() as broken:
        breaks_on(broken, b"y", away)
        brought(three, b"y")
        with pytest.raises(OperationalError):
            three.workers["borea"].settle()
    assert refused_codes(three) == set()

    three.workers["borea"].settle()

    assert refused_codes(three) == {"bad-envelope"}


def test_a_peer_that_signs_with_a_new_key_is_understood_once_its_next_document_is_fetched(three):
    node, key = three.nodes["aurelia"], generate()
    with node.core.begin() as unit:
        held = peers.document_of(unit, "aurelia")
        window = ExchangeKey(
            public=encode(key.public),
            not_before=text(three.clock() - timedelta(minutes=5)),
            not_after=text(three.clock() + timedelta(days=30)),
        )
        fields = {f: getattr(held, f) for f in held.__struct_fields__}
        newer = type(held)(**(fields | {"version": 2, "exchange": [*held.exchange, window]}))
        root = from_pem((node.config.home / ROOT_KEY).read_bytes())
        raw = sign(KEYS, to_payload(newer), root).to_bytes()
        peers.publish_own(unit, raw, newer, three.clock(), by="olga")
    rotated = replace(node, us=replace(node.us, signer=key))
    three.nodes["aurelia"], three.workers["aurelia"] = rotated, Worker(rotated)
    three.clock.step(3600)
    let_go(three, 1)

    three.settle()

    assert len(three.held_by("borea")) == len(three.held_by("corvia")) == 1


def test_a_peer_that_hangs_holds_up_nobody(three):
    stop, hung = threading.Event(), threading.Event()

    def hang(wire, sender, request):
        if sender == "aurelia" and "borea" in request.url:
            hung.set()
            stop.wait(20)
            raise PeerUnreachable("hangs")

    three.wire.fault = hang
    three.clock.step()
    let_go(three, 1)
    workers = [Worker(three.nodes[name]) for name in ("aurelia", "corvia")]
    threads = [threading.Thread(target=w.run, args=(stop,)) for w in workers]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    try:
        while not three.held_by("corvia") and time.monotonic() - began < 15:
            stop.wait(0.05)
            three.clock.step(0.05)
        took = time.monotonic() - began
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)

    assert hung.is_set()
    assert len(three.held_by("corvia")) == 1
    assert took < 8  # about two seconds on a machine of its own


def test_a_peer_that_was_removed_and_is_met_again_gets_what_stands_for_it(three):
    node = three.nodes["aurelia"]
    let_go(three, 1)
    three.settle()
    with node.core.begin() as unit:
        parting.remove(unit, "borea", three.clock(), by="olga")
    let_go(three, 2)
    three.settle()
    assert len(three.held_by("borea")) == 1

    three.enrol(node, three.nodes["borea"])
    three.clock.step(600)
    three.settle()
    let_go(three, 3)
    three.settle()

    assert len(three.held_by("corvia")) == 3
    assert {id_[-1] for id_, _ in three.held_by("borea")} >= {"1", "3"}


def test_words_of_what_came_are_read_out_by_the_next_turn(three):
    let_go(three, 1)
    three.settle()

    with three.nodes["borea"].core.read() as unit:
        assert objects.of_id(unit, tool(1)["id"])
        assert not texts.behind(unit)
