"""What a page and a sync with no news take where a node holds a million objects, against ten thousand.

A million objects are those of ATT&CK under ids of their own. They are written by the store's own statements, into the
sender's core and shelf and the receiver's core, as releases and admissions leave them; to decide each one would take
longer than what is measured here and change nothing of it.
"""

import hashlib
import random
import statistics
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import msgspec

from mithaq.model.objects import Object
from mithaq.node.visit import Visitor
from mithaq.node.worker import Worker
from mithaq.policy import agreement as policy
from mithaq.store import objects, releases
from mithaq.store import shelf as shelves
from mithaq.store.objects import Copy
from mithaq.store.releases import ShelfRow
from mithaq.store.shelf import Shown
from tests.bench.common import START, Figure, attack, client_of, collection, pages, text, timed
from tests.journeys.test_processes import Nation, wait

FEW, MANY = 10_000, 1_000_000
AT_ONCE = 10_000  # written in one unit
CACHE = (
    "PRAGMA cache_size = -500000"  # for the writing alone: all its indexes grow everywhere at once
)
PAGE = {"limit": 1000}
TIMES = 30
PACT = "pact"
BEGUN = datetime(2100, 1, 1, tzinfo=UTC)  # behind what stands there from the start


@dataclass(frozen=True)
class Taken:
    """Medians in seconds, and the listener's memory in bytes."""

    pages: tuple[float, float, float]  # first, middle, last
    filtered: float
    nothing_new: float  # a client asks what came after the last date it knows
    sync: float  # a partner visits and finds nothing new
    idle: float  # the worker's turn with nothing to do
    whole: float  # all of it read
    memory: int


def growth(folder):
    some = [each for each in attack() if each.version and each.type != "marking-definition"]
    random.Random(1).shuffle(some)  # the bundle has its types one after the other
    few, many = (_measured(folder / str(count), some, count) for count in (FEW, MANY))
    page = max(m / f for m, f in zip(many.pages, few.pages, strict=True))
    yield Figure(
        f"page at {MANY:,} objects, against {FEW:,}", f"{page:.1f}x", "< 2x",
        f"1,000 objects, first, middle, last: {_ms(*few.pages)}; {_ms(*many.pages)};"
        f" by type: {_ms(few.filtered)}; {_ms(many.filtered)};"
        f" all {MANY:,} read in {many.whole:.0f} s",
    )  # fmt: skip
    yield Figure(
        f"sync without news at {MANY:,} objects, against {FEW:,}", f"{many.sync / few.sync:.1f}x", "< 2x",
        f"a partner visits: {_ms(few.sync)}; {_ms(many.sync)}, of at most 50 ms;"
        f" a client asks: {_ms(few.nothing_new)}; {_ms(many.nothing_new)};"
        f" a turn of the worker: {_ms(few.idle)}; {_ms(many.idle)}",
    )  # fmt: skip
    yield Figure(
        f"the listener's memory, all of {MANY:,} objects read, against {FEW:,}",
        f"{many.memory / few.memory:.1f}x", "< 2x",
        f"{few.memory / 2**20:.0f} MiB; {many.memory / 2**20:.0f} MiB at most",
    )  # fmt: skip


def _ms(*seconds):
    return ", ".join(f"{each * 1e3:.1f}" for each in seconds) + " ms"


def _measured(folder, some, count):
    with _filled(folder, some, count) as (aurelia, borea, headers):
        with httpx2.Client(base_url=aurelia.node.us.url, headers=headers, timeout=300) as http:
            path = collection(http)
            whole, _ = timed(lambda: pages(http, path))
            at = [{}, {"added_after": _date(count // 2)}, {"added_after": _date(count - 1001)}]
            parts = tuple(_median(lambda a=a: _page(http, path, a)) for a in at)
            filtered = _median(lambda: _page(http, path, {"match[type]": "relationship"}))
            nothing = _median(
                lambda: http.get(path, params={"added_after": _date(count)}).raise_for_status()
            )
            memory = max(map(_peak, aurelia.tree()[1:]))
        aurelia.stop()  # the worker here takes its place
        worker = Worker(aurelia.node)
        worker.turn()
        idle = _median(lambda: (worker.settle(), worker.look(), worker.show()))
        aurelia.serve()
        visitor = Visitor(borea.node)
        sync = _median(lambda: _visit(visitor))
    return Taken(parts, filtered, nothing, sync, idle, whole, memory)


def _visit(visitor):
    assert visitor.visit("aurelia", ask=True)


def _page(http, path, asked):
    answer = http.get(path, params={**PAGE, **asked}).raise_for_status()
    assert len(msgspec.json.decode(answer.content)["objects"]) >= 900, answer.url


def _median(act):
    act()
    return statistics.median(timed(act)[0] for _ in range(TIMES))


def _peak(process):
    """Return the most memory a process has had."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) << 10
    return 0


# --- a million objects --------------------------------------------------------------------------------
@contextmanager
def _filled(folder, some, count):
    """Serve a nation with so many objects on show to a client and to a partner, who holds them."""
    folder.mkdir()
    aurelia, borea = Nation(folder, "aurelia", "QM"), Nation(folder, "borea", "QN")
    try:
        headers = client_of(aurelia.node)
        aurelia.serve()
        borea.serve()
        aurelia.meet(borea)
        borea.meet(aurelia)
        raw = policy.to_bytes(text(PACT, ("aurelia", "borea")))
        for nation in (aurelia, borea):
            nation.sign(raw)
        for nation in (aurelia, borea):
            wait(lambda n=nation: n.holds(PACT), "no pact")
        wait(lambda: len(_shelves(aurelia, "borea")) == 1, "no shelf")
        for nation in (aurelia, borea):
            nation.stop()
        _fill(aurelia, borea, some, count)
        aurelia.serve()
        yield aurelia, borea, headers
    finally:
        for nation in (aurelia, borea):
            nation.close()


def _shelves(nation, peer):
    with nation.node.shelf.read() as unit:
        return shelves.shelves_of(unit, peer)


def _fill(aurelia, borea, some, count):
    (own,), (theirs,) = _shelves(aurelia, "misp"), _shelves(aurelia, "borea")
    chance = random.Random(count)
    for store in (aurelia.node.core, borea.node.core, aurelia.node.shelf):
        with store.read() as unit:
            unit.exec_driver_sql(CACHE)
    for first in range(0, count, AT_ONCE):
        made = [_renamed(some[at % len(some)], chance) for at in range(first, first + AT_ONCE)]
        with aurelia.node.core.begin() as unit:
            held = objects.add(unit, [_copy(each, "file:attack", "") for each in made])
            releases.place(unit, [_row(each, theirs.shelf) for each in held])
        with borea.node.core.begin() as unit:
            objects.add(unit, [_copy(each, "aurelia", PACT) for each in made])
        with aurelia.node.shelf.begin() as unit:
            shelves.add_views(unit, {each.digest: each.raw for each in made})
            for shelf in (own, theirs):
                # Behind the fixed markings, which stand there from the start.
                shown = [
                    _shown(each, first + at, shelf.position)
                    for at, each in enumerate(made, start=1)
                ]
                stix = {row.position: row.version for row in shown}
                shelves.add_rows(unit, shelf.shelf, shown, stix)
    with aurelia.node.shelf.begin() as unit:
        for shelf in (own, theirs):
            end = replace(shelf, position=shelf.position + count, last_added=_date(count))
            shelves.put_shelf(unit, end)


def _renamed(one, chance):
    """Return an object under an id of its own."""
    new = f"{one.type}--{uuid.UUID(int=chance.getrandbits(128), version=4)}"
    raw = one.raw.replace(one.id.encode(), new.encode())
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    made = Object(raw=raw, id=new, type=one.type, digest=digest, version=one.version)
    made.know_references(one.references)
    vars(made)["body"] = one.body  # but for its id: only its words are read of it
    return made


def _copy(one, voucher, agreement):
    return Copy(object=one, voucher=voucher, agreement=agreement, level=0, received_at=START)


def _row(copy, shelf):
    return ShelfRow(
        shelf=shelf,
        id=copy.object.id,
        version=copy.object.version,
        peer="borea",
        agreement=PACT,
        copy=copy.seq,
        view=copy.object.digest,
        removed="[]",
        label="{}",
        released_at=START,
        leaf=0,
    )


def _shown(one, at, before):
    return Shown(
        position=before + at,
        id=one.id,
        version=one.version,
        type=one.type,
        view=one.digest,
        date_added=_date(at),
    )


def _date(at):
    """Return when the object of that number was added: a tick for each thousand, whenever the nodes began."""
    instant = BEGUN + timedelta(seconds=at // 1000, microseconds=at % 1000)
    return f"{instant:%Y-%m-%dT%H:%M:%S.%f}Z"
