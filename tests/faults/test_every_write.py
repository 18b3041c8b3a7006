"""kill -9 at the N-th write or flush of one act, by ``strace`` (security.md R1 b): all of it happened, or nothing.

``./mithaq test tests/faults/test_every_write.py --every 1`` kills at every write of import, release, recall and sync;
the suite kills at a few. Without ``strace`` (Debian: ``apt install strace``) there is nothing to kill with.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta

import pytest

from mithaq import clock
from mithaq.border import people, verify
from mithaq.exchange.onshow import frames_after
from mithaq.model.labels import Tlp
from mithaq.node import open_node
from mithaq.node.worker import Worker
from mithaq.seal.keys import generate
from mithaq.store import spool
from mithaq.store.spool import Arrival
from tests.faults.witness import body, id_of
from tests.federation.test_wire import agreement
from tests.federation.world import Federation
from tests.journeys.test_processes import MODULES

CALLS = ("pwrite64", "fdatasync")
FEW = 2  # kills of each act and call in the suite
SETTLE = (
    "import sys; from pathlib import Path; from mithaq.node import open_node;"
    " from mithaq.node.worker import Worker;"
    " node = open_node(Path(sys.argv[1])); worker = Worker(node);"
    " worker.settle(); worker.show(); node.close()"
)


def traced():
    """Say whether ``strace`` may trace here."""
    try:
        return subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0
    except OSError:
        return False


@dataclass
class Act:
    """One act: whose home it is done in, how, and what must be there once or not at all."""

    home: str
    words: list
    counts: tuple  # of core: each 0 before the act, all the same after it

    def run(self, folder, *before):
        home = folder / self.home
        line = [*before, sys.executable, *self.words, str(home)]
        env = os.environ | {"PYTHONPATH": MODULES, "MITHAQ_LANG": "en"}
        done = subprocess.run(line, env=env, capture_output=True, timeout=300, check=False)
        return done.returncode

    def found(self, node):
        with node.core.read() as unit:
            return [unit.exec_driver_sql(sql).scalar_one() for sql in self.counts]


LEAF = (
    "SELECT count(*) FROM leaves WHERE subject = '{1}'"
    ' AND CAST(record AS TEXT) LIKE \'%"kind":"{0}"%\''
)

SENT = "FROM outbox o JOIN channels c ON c.id = o.channel WHERE c.agreement = 'pact'"


def acts(folder):
    command = ["-m", "mithaq.cli"]
    file = folder / "object.json"
    number = {name: id_of(index) for index, name in enumerate(("import", "release", "recall"), 1)}
    return {
        "import": Act(
            "aurelia",
            [*command, "import", str(file), "--own", "--tlp", "GREEN", "--as", "ana", "--home"],
            (
                f"SELECT count(*) FROM copies WHERE id = '{number['import']}'",
                LEAF.format("import", number["import"]),
            ),
        ),
        "release": Act(
            "aurelia",
            [
                *command,
                "release",
                number["release"],
                "--agreement",
                "pact",
                "--as",
                "ana",
                "--home",
            ],
            (
                f"SELECT count(*) FROM rows WHERE id = '{number['release']}'",
                LEAF.format("release", number["release"]),
                f"SELECT count(*) - 1 {SENT}",
            ),
        ),
        "recall": Act(
            "aurelia",
            [
                *command,
                "recall",
                number["recall"],
                "--cause",
                "wrong",
                "--yes",
                "--as",
                "dora",
                "--home",
            ],
            (
                f"SELECT count(*) FROM orders WHERE id = '{number['recall']}'",
                f"SELECT 1 - count(*) FROM rows WHERE id = '{number['recall']}'",
                "SELECT count(*) FROM receipts",
                LEAF.format("recall", number["recall"]),
            ),
        ),
        "sync": Act(
            "borea",
            ["-c", SETTLE],
            (
                f"SELECT count(*) FROM copies WHERE id = '{number['recall']}'",
                "SELECT count(*) FROM channels WHERE direction = 'in' AND agreement = 'pact'",
                LEAF.format("admission", number["recall"]),
            ),
        ),
    }


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """Two nations with a pact: one object to import, one to release, one that went and lies in borea's spool."""
    folder = tmp_path_factory.mktemp("ready")
    made = Federation(folder)
    made.clock.now = clock.now() - timedelta(minutes=2)  # commands go by the machine's clock
    for name, country in (("aurelia", "QM"), ("borea", "QN")):
        made.nation(name, country)
    made.enrol_all()
    made.sign(agreement("pact", ("aurelia", "borea")), "aurelia", "borea")
    node = made.nodes["aurelia"]
    for name, role in (("ana", "analyst"), ("dora", "duty-officer")):
        newcomer = people.Newcomer(
            name=name, roles=frozenset({role}), clearance="RED", public=generate().public
        )
        with node.core.begin() as unit:
            people.enrol(unit, newcomer, made.clock(), by="owner")
    made.give("aurelia", body(2), tlp=Tlp.GREEN)
    made.release("aurelia", "pact", made.give("aurelia", body(3), tlp=Tlp.GREEN))
    made.workers["aurelia"].show()
    with node.core.read() as unit:
        [sent] = unit.exec_driver_sql(f"SELECT o.channel, o.chan_seq {SENT}").all()
    with node.shelf.read() as unit:
        [raw] = frames_after(unit, "borea", sent[0], sent[1] - 1)
    arrival = Arrival(peer="aurelia", kind="frame", facts={"channel": sent[0]}, raw=raw)
    with made.nodes["borea"].spool.begin() as unit:
        spool.arrive(unit, arrival, made.clock(), 1 << 20)
    made.close()
    return folder


def struck(call, number):
    """Return what lets a program die at its N-th call of a kind."""
    kinds = f"trace={call}", f"inject={call}:signal=SIGKILL:when={number}"
    return ["strace", "-f", "-o", "/dev/null", "-e", kinds[0], "-e", kinds[1]]


def judged(act, folder):
    """Open a home again, as a restart does; return whether the act is done: wholly, or not at all."""
    node = open_node(folder / act.home)
    try:
        Worker(node).show()
        counts = act.found(node)
        checked = verify.everything(node.core, node.shelf, node.us)
    finally:
        node.close()
    assert not checked.problems, checked.problems
    assert set(counts) in ({0}, {1}), counts
    return counts[0] == 1


@pytest.mark.parametrize("name", ["import", "release", "recall", "sync"])
def test_an_act_that_dies_at_any_write_is_done_wholly_or_not_at_all(name, ready, tmp_path, asked):
    if not traced():
        pytest.skip("no strace that may trace here (apt install strace)")
    *_, every = asked
    (ready / "object.json").write_text(json.dumps(body(1)))
    killed = 0
    for call in CALLS:
        number, alive = 1, False
        left = None if every else FEW
        while not alive and left != 0:
            folder = tmp_path / f"{call}-{number}"
            shutil.copytree(ready, folder)
            act = acts(folder)[name]
            code = act.run(folder, *struck(call, number))
            alive = code == 0
            done = judged(act, folder)
            assert done or not alive  # what was acknowledged is there
            if not done:
                assert act.run(folder) == 0
                assert judged(act, folder)
            shutil.rmtree(folder)
            killed += not alive
            number += every or 9
            left = None if left is None else left - 1
    sys.stdout.write(f"{name}: died at {killed} writes and flushes\n")
    assert killed >= FEW
