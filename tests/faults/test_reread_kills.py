"""kill -9 while kept events are read again for what is new: the hits are those of one undisturbed reading, once each.

A life ends at a write that chance names: before it, after it, or with half of a line written.
``--kills 100`` is the run of a release.
"""

import json
import multiprocessing
import os
import random
import shutil
import signal
import sys

from mithaq.ingest import hunting, keeping, rereading, resuming
from mithaq.node import open_node
from mithaq.node.worker import Worker
from mithaq.store import journal
from tests.faults.test_watch_kills import kept
from tests.journeys.test_past import RULE, Town, kept_raw

PATIENCE = 120.0
FILES, EACH = 4, 24
PATTERN = (
    "[domain-name:value = 'n0-3.evil.example'] FOLLOWEDBY "
    "[domain-name:value = 'n2-20.evil.example'] WITHIN 86400 SECONDS"
)
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["mithaq.node.worker", "mithaq.ingest.rereading"])


class Fate:
    """Kills this process at one of its writes."""

    def __init__(self, at):
        self.left = at

    def near(self, torn=lambda: None):
        self.left -= 1
        if self.left == 0:
            torn()
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, holder, name, torn=None):
        do = getattr(holder, name)

        def done(*some, **more):
            self.near(*([lambda: torn(*some)] if torn else []))
            result = do(*some, **more)
            self.near()
            return result

        setattr(holder, name, done)


def torn(progress, step):
    """Write half of a line, as a process does that is killed in the middle of it."""
    if progress._file:
        whole = json.dumps({"content": progress.content, "file": step.file}).encode()
        progress._file.write(whole[: len(whole) // 2])
        progress._file.flush()


def reread(home, at):
    """Be a worker whose life ends at a write; 0: it does not."""
    hunting._BATCH = 8
    fate = Fate(at)
    if at:
        fate.around(keeping.Keeper, "keep")
        fate.around(resuming.Progress, "_write", torn)
        fate.around(resuming.Progress, "finish")
        fate.around(rereading, "_put")
        fate.around(journal, "record")
    with open_node(home) as node:
        Worker(node).look_back()


def live(home, at):
    process = SERVER.Process(target=reread, args=(home, at))
    process.start()
    process.join(PATIENCE)
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode == 0


def state(home):
    with open_node(home) as node, node.core.read() as unit:
        return rereading.state(unit)


def test_after_any_kill_what_is_new_is_looked_for_in_all_that_is_kept_and_nothing_is_there_twice(
    tmp_path, asked
):
    kills, seed, _ = asked
    chance = random.Random(seed)
    town = Town(tmp_path)
    kept_raw(town, FILES, EACH)
    town.learn(3, "rule", pattern=RULE, pattern_type="sigma")
    town.learn(4, "both", pattern=PATTERN)
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(town.home, undisturbed)
    assert live(undisturbed, 0)
    wanted, counted = kept(undisturbed)
    reached, died = [], 0
    while died < kills:
        if live(town.home, chance.randrange(1, 25)):
            break
        died += 1
        reached.append(len(kept(town.home)[0]))
    assert live(town.home, 0)

    assert len(wanted) == counted == FILES * EACH + 1
    assert kept(town.home) == (wanted, counted)
    assert died >= 2
    assert len(set(reached)) > 1
    ended = state(town.home)
    assert ended.ended
    assert (ended.looked, ended.done, ended.new) == (ended.until, ended.size, len(wanted))
    assert list((town.home / "core/hunts").iterdir()) == []
    facts = {"seed": seed, "kills": died, "hits": len(wanted), "kept at each kill": reached}
    sys.stdout.write(json.dumps(facts) + "\n")
