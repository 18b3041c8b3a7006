"""From a release to its receipt, between nodes that are processes of their own on the loopback.

No poll is due in that time, so that each release is heard of by the hint that the tick of one second sends. Receipt is
when the partner's own store shows it, as its people would see it.
"""

import random
import statistics
import time
from contextlib import contextmanager

from mithaq.border import local
from mithaq.border.publish import publish
from mithaq.model.labels import Beside, Tlp
from mithaq.policy import agreement as policy
from mithaq.store.sources import Source
from tests.bench.common import Figure, attack, text
from tests.journeys.test_processes import Nation, wait

IDLE = 60  # releases, one at a time
PARTNERS = 10
BATCHES, BATCH, EVERY = 30, 50, 1.0  # releases under load: objects in each, seconds between
_RECEIVED = (
    "SELECT count(*) FROM copies JOIN provenance ON provenance.seq = copies.provenance"
    " WHERE standing = 'received'"
)


def receipts(folder):
    before, some = _parted(attack())
    yield from _idle(folder, before, some[:IDLE])
    yield from _loaded(folder, before, some[IDLE:][: BATCHES * BATCH])


def _parted(read):
    """Return what all objects refer to, and objects that refer to nothing else: none waits for another."""
    before = [each for each in read if each.type in {"marking-definition", "identity"}]
    known = {each.id for each in before}
    return before, [
        each
        for each in read
        if each not in before and known.issuperset(target for _, target in each.references)
    ]


def _idle(folder, before, some):
    """Two nations with nothing else to do; the releases fall anywhere between two ticks."""
    took, chance = [], random.Random(1)
    with _star(folder / "idle", 1) as (aurelia, (borea,)):
        start = _begin(aurelia, [borea], before)
        for number, each in enumerate(some, start=1):
            time.sleep(chance.random())
            _release(aurelia, [each], [borea.name])
            begin = time.monotonic()
            while _received(borea) < start + number:
                time.sleep(0.01)
            took.append(time.monotonic() - begin)
    p50, p95 = statistics.median(took), _percentile(took, 95)
    yield Figure(
        "release to receipt, idle nodes, p95", f"{p95:.2f} s", "< 2.5 s",
        f"{len(took)} releases of one object, p50 {p50:.2f} s, the longest {max(took):.2f} s; tick of 1 s",
    )  # fmt: skip


def _loaded(folder, before, some):
    """Partners that all get each batch; the next comes whether or not the last has arrived."""
    made, seen = [], []
    with _star(folder / "loaded", PARTNERS) as (aurelia, partners):
        there = _begin(aurelia, partners, before)
        waiting = {partner.name: 0 for partner in partners}  # batches received
        start = time.monotonic()
        while len(made) < BATCHES or min(waiting.values()) < BATCHES:
            if len(made) < BATCHES and time.monotonic() >= start + len(made) * EVERY:
                at = len(made) * BATCH
                _release(aurelia, some[at : at + BATCH], list(waiting))
                made.append(time.monotonic())
            for partner in partners:
                arrived = (_received(partner) - there) // BATCH
                seen += (
                    time.monotonic() - made[at] for at in range(waiting[partner.name], arrived)
                )
                waiting[partner.name] = arrived
            assert time.monotonic() < start + 600, waiting
            time.sleep(0.05)
        whole = time.monotonic() - start
    p50, p99 = statistics.median(seen), _percentile(seen, 99)
    yield Figure(
        f"release to receipt, {PARTNERS} partners under load, p99", f"{p99:.1f} s", "< 60 s",
        f"{BATCHES} releases of {BATCH} objects to each of {PARTNERS} partners, one every {EVERY:.0f} s;"
        f" p50 {p50:.1f} s; {BATCHES * BATCH * PARTNERS / whole:,.0f} receipts a second on this machine",
    )  # fmt: skip


@contextmanager
def _star(folder, count):
    """Serve one nation and its partners, each under an agreement of the two."""
    folder.mkdir()
    aurelia = Nation(folder, "aurelia", "QM")
    partners = [Nation(folder, f"borea-{at:02d}", "QN") for at in range(count)]
    try:
        for nation in (aurelia, *partners):
            nation.serve()
        for partner in partners:
            aurelia.meet(partner)
            partner.meet(aurelia)
            raw = policy.to_bytes(text(partner.name, ("aurelia", partner.name)))
            for nation in (aurelia, partner):
                nation.sign(raw)
        for partner in partners:
            for nation in (aurelia, partner):
                wait(lambda n=nation, p=partner: n.holds(p.name), "no agreement")
        yield aurelia, partners
    finally:
        for nation in (aurelia, *partners):
            nation.close()


def _begin(aurelia, partners, before):
    """Let what others refer to arrive first; return how many objects that are."""
    _release(aurelia, before, [partner.name for partner in partners])
    count = sum(each.type != "marking-definition" for each in before)
    for partner in partners:
        wait(lambda p=partner: _received(p) == count, "nothing arrives")
    return count


def _release(aurelia, some, agreements):
    """Import objects and release them, in one unit, under each of the agreements."""
    node, now = aurelia.node, aurelia.node.clock()
    source = Source(name="file:attack", kind="file")
    given = [local.Given(object=each, beside=Beside(tlp=Tlp.CLEAR)) for each in some]
    with node.core.begin() as unit:
        held = local.local(unit, node.us, source, given, author="ana", own=False, now=now)
        seqs = [copy.seq for copy in held.stored]
        for agreement in agreements:
            publish(unit, node.us, "ana", seqs, agreement, now)


def _received(nation):
    with nation.node.core.read() as unit:
        return unit.exec_driver_sql(_RECEIVED).scalar_one()


def _percentile(took, percent):
    return sorted(took)[max(0, -(-len(took) * percent // 100) - 1)]
