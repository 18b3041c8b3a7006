"""kill -9 at random points of import, release, sync, recall and post (security.md R1).

``./mithaq test tests/faults --kills 100`` is the run of a release; it prints its figures with ``-s``.
"""

import json
import os
import random
import sys
from collections import Counter
from statistics import median

from tests.faults.story import Story
from tests.faults.town import Town
from tests.journeys import test_processes

RESTART = 5.0  # seconds until a killed node answers its peers again
SUITE = (
    5  # kills in a run that shares its machine with all the other tests: there no time is a promise
)


def test_whoever_is_killed_when_nothing_acknowledged_is_lost_nothing_withheld_goes_nothing_happens_twice(
    tmp_path, asked, monkeypatch
):
    kills, seed, _ = asked
    if kills > SUITE:  # a run of an hour outlasts whatever else its machine does
        monkeypatch.setattr(test_processes, "PATIENCE", 300.0)
    town = Town(tmp_path)
    try:
        story = Story(town, random.Random(seed), tmp_path)
        for _ in range(kills):
            story.strike()
        story.judge.settled()
        story.judge.nothing_withheld_went()
        for nation in town.nations.values():
            nation.do("verify")
    finally:
        town.close()

    restarts = [each for each in story.strikes if each.victim in ("all", "worker")]
    sys.stdout.write(json.dumps(figures(story, seed, restarts)) + "\n")
    late = [each for each in restarts if each.restart > RESTART]
    if kills > SUITE:  # a busy machine may be late; the node's own work says whose fault that is
        assert not [each for each in late if each.work > RESTART], late


def figures(story, seed, restarts):
    journal = story.journal
    return {
        "seed": seed,
        "kills": len(story.strikes),
        "in the middle of": Counter(each.phase for each in story.strikes),
        "of": Counter(each.victim for each in story.strikes),
        "unacknowledged": sum(not each.acknowledged for each in story.strikes),
        "acknowledged": {
            "imports": len(journal.imported),
            "releases": sum(map(len, journal.released.values())),
            "recalls": len(journal.recalled),
            "posts": sum(map(len, journal.posted.values())),
        },
        "withheld": len(journal.secret),
        "restart": spread([each.restart for each in restarts]),
        "work of a restart": spread([each.work for each in restarts]),
        "load": os.getloadavg(),
    }


def spread(seconds):
    found = sorted(seconds) or [0.0]
    return {"median": round(median(found), 2), "most": round(found[-1], 2)}
