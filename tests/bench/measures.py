"""What is measured: each a ratio inside one run, on the whole of MITRE ATT&CK, against a peer or a physical limit."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from mithaq.border import admit, signing
from mithaq.exchange.onshow import frames_after
from mithaq.policy import agreement as policy
from mithaq.seal.envelope import sign
from mithaq.seal.messages import AGREEMENT
from mithaq.store import channels
from tests.bench.common import ATTACK, Figure, attack, brought, client_of, text, timed
from tests.bench.detecting import detecting
from tests.bench.emerging import emerging
from tests.bench.extraction import extraction
from tests.bench.growth import growth
from tests.bench.imports import imports
from tests.bench.indicators import indicators
from tests.bench.junk import junk
from tests.bench.misp import misp
from tests.bench.past import looking_back
from tests.bench.pillar import pillar
from tests.bench.reads import reads
from tests.bench.receipts import receipts
from tests.bench.rival import against_opentaxii
from tests.bench.search import search
from tests.bench.stream import stream
from tests.bench.trips import trips_there_and_back
from tests.bench.watching import watches
from tests.bench.workers import workers
from tests.federation.world import Federation

MANY = 57  # parties of the forum besides us
TIMES = 6  # so often the whole bundle goes to one more partner
SOME = 1000  # objects that go to them


def releases_to_one(folder):
    """Decide, record and place the whole bundle for one peer, then another; and admit it there, frame by frame."""
    federation = Federation(folder / "one")
    aurelia = federation.nation("aurelia", "QM")
    partners = [f"partner-{number}" for number in range(TIMES)]
    clients = [f"client-{number}" for number in range(TIMES)]
    for name in partners:
        federation.nation(name, "QN")
    federation.enrol_all()
    for name in partners:
        federation.sign(text(name, ("aurelia", name)), "aurelia", name)
    for name in clients:
        client_of(aurelia, name)
    read = attack()
    bodies = folder / "bodies.json"
    bodies.write_text(json.dumps([each.raw.decode() for each in read]), "utf-8")
    seqs = brought(aurelia, read)
    del read  # a node would not hold what it has imported
    for names, what in ((clients, "decision, row, leaf"), (partners, "the same, and its seal")):
        took = min(timed(lambda: federation.release("aurelia", name, seqs))[0] for name in names)  # noqa: B023 called at once
        yield Figure(
            f"release to one peer: {what}", f"{len(seqs) / took:,.0f} a second", "20,000",
            f"{len(seqs):,} objects in {took:.2f} s, one core, the best of {TIMES}",
        )  # fmt: skip
    federation.workers["aurelia"].show()
    yield from _admits(federation, partners, bodies)
    federation.close()


def _admits(federation, partners, bodies):
    ours, theirs = [], []
    for name in partners:  # in turn, so that both have the same share of the machine's moods
        frames = _frames(federation.nodes["aurelia"], name)
        ours.append(timed(lambda: _take(federation, name, frames))[0])  # noqa: B023 called at once
        alone = [sys.executable, "-m", "tests.bench.alone", str(bodies)]
        seconds, count = subprocess.check_output(alone, text=True).split()
        theirs.append(float(seconds))
    yield Figure(
        "strict admission, against stix2.parse alone", f"{min(theirs) / min(ours):.1f}x", "3x",
        f"{int(count):,} objects: {min(ours):.2f} s in {len(frames)} frames, each a transaction on disk;"
        f" stix2 {min(theirs):.2f} s in a process of its own; each the best of {TIMES}",
    )  # fmt: skip


def _frames(node, peer):
    """Return what a node has on show for a peer under the agreement that bears the peer's name."""
    with node.core.read() as unit:
        channel = channels.find(unit, peer, peer, "out")
    frames = []
    with node.shelf.read() as unit:
        while page := list(frames_after(unit, peer, channel.id, len(frames))):
            frames += page
    return frames


def _take(federation, name, frames):
    node = federation.nodes[name]
    for raw in frames:
        with node.core.begin() as unit:
            done = admit.frame(unit, node.us, "aurelia", raw, federation.clock())
        assert done.outcome is admit.Outcome.ADMITTED, done
        assert not done.quarantined


def releases_to_many(folder):
    """One forum agreement with 57 other parties: rows for each, bytes once."""
    federation = Federation(folder / "many")
    names = ["aurelia", *(f"party-{number:02d}" for number in range(MANY))]
    for name in names:
        federation.nation(name, "QM" if name == "aurelia" else "QN")
    aurelia = federation.nodes["aurelia"]
    for worker in federation.workers.values():
        worker.show()
    for name in names[1:]:
        federation.enrol(aurelia, federation.nodes[name])
    forum = text("forum", tuple(names))
    exact = policy.to_bytes(policy.read(policy.to_bytes(forum)))  # in its exact form
    with aurelia.core.begin() as unit:
        signing.sign_text(unit, aurelia.us, exact, federation.clock(), by="lena")
        for name in names[1:]:
            theirs = sign(AGREEMENT, exact, federation.nodes[name].us.signer)
            signing.receive(unit, aurelia.us, name, theirs, federation.clock())
    federation.workers["aurelia"].look()
    seqs = brought(aurelia, attack()[:SOME])
    took, made = timed(lambda: federation.release("aurelia", "forum", seqs))
    with aurelia.core.read() as unit:
        rows = unit.exec_driver_sql('SELECT count(*) FROM "rows"').scalar_one()
        bodies = unit.exec_driver_sql(
            'SELECT count(DISTINCT view) FROM "rows" WHERE copy > 0'
        ).scalar_one()
    yield Figure(
        f"release to {MANY} peers of one forum", f"{rows / took:,.0f} a second", "20,000",
        f"{rows:,} rows of {bodies:,} bodies in {took:.1f} s, one core",
    )  # fmt: skip
    assert made.decisions
    federation.close()


MEASURES = {
    "one": releases_to_one,
    "many": releases_to_many,
    "read": reads,
    "opentaxii": against_opentaxii,
    "receipt": receipts,
    "import": imports,
    "reports": extraction,
    "growth": growth,
    "search": search,
    "pillar": pillar,
    "watches": watches,
    "misp": misp,
    "trips": trips_there_and_back,
    "emerging": emerging,
}
DETECT = {
    "sigma": detecting,
    "junk": junk,
    "past": looking_back,
    "indicators": indicators,
    "workers": workers,
    "stream": stream,
}  # what detection is held to; named together as well
GROUPS = {"detect": DETECT}
MEASURES |= DETECT
APART = {
    *DETECT,
    "growth",
    "import",
    "misp",
    "pillar",
    "search",
    "trips",
    "watches",
}  # take minutes and gigabytes: measured where they are named


def run(names):
    """Yield the figures of the named measures and groups, each with its measure's name, in a folder of its own."""
    for name in [each for named in names for each in GROUPS.get(named, (named,))]:
        with tempfile.TemporaryDirectory(prefix="mithaq-bench-") as folder:
            for figure in MEASURES[name](Path(folder)):
                yield name, figure


__all__ = ["APART", "ATTACK", "GROUPS", "MEASURES", "Figure", "run"]
