"""Whatever people do, in whatever order: nothing that a reason stands against gets as far as the door of the border."""

import os
import random
from datetime import timedelta

import pytest

from mithaq import defence
from mithaq.border import publish
from mithaq.clock import text
from mithaq.defence import Suppression, Watched, sightings
from mithaq.errors import Conflict
from mithaq.model.benign import OWN_NAMES
from mithaq.model.labels import Tlp
from mithaq.model.listed import Effect, Listed
from mithaq.model.markings import tlp_id
from mithaq.store import matches, objects
from tests.federation.test_export import indicator
from tests.federation.test_sightings import ASSETS, World, match, person

SCENARIOS = int(os.environ.get("MITHAQ_SCENARIOS", "18"))
ACTS = 6
OURS = "ours.example.org"
# What stands against each: how its indicator differs from one that may be told, and how its events do.
AGAINST = {
    "none": {},
    "own": {"domain": OURS},
    "revoked": {"revoked": True},
    "over": {"valid_until": "2026-02-01T00:00:00.000Z"},
    "not-yet": {"valid_from": "2126-06-01T00:00:00.000Z"},  # beyond all waiting
    "benign": {"indicator_types": ["benign"]},
    "unsure-of": {"confidence": 10},
    "changed": {"seen": "elsewhere.example.net"},
    "common": {"machines": 30},
}


class Door:
    """Stands in the border's door, lets all pass, and keeps what passed."""

    def __init__(self, monkeypatch):
        self.passed = []
        self._real = publish.publish
        monkeypatch.setattr(publish, "publish", self)
        monkeypatch.setattr(sightings, "publish", self)

    def __call__(self, unit, us, author, seqs, *more):
        some = objects.load(unit, objects.everything().where(objects.copies.c.seq.in_(seqs)))
        self.passed += [copy.object.body for copy in some]
        return self._real(unit, us, author, seqs, *more)

    def told(self, id_):
        """Say whether a sighting of an indicator that is not revoked went through."""
        return any(
            body.get("sighting_of_ref") == id_ and not body.get("revoked") for body in self.passed
        )


@pytest.fixture
def world(forum, tmp_path):
    made = World.copied(forum, tmp_path)
    made.nodes["borea"].us.benign.become(
        lambda family: [Listed(name=OWN_NAMES, family="name", effect=Effect.SUPPRESS, entries=[OURS])]
        if family == "name" else [], effects={}, allowed=(),
    )  # fmt: skip
    yield made
    made.close()


class Scenario:
    """An indicator, what matched of it, and what people do."""

    def __init__(self, world, number, chance, reason):
        self.world, self.node, self.chance = world, world.nodes["borea"], chance
        more = dict(AGAINST[reason])
        domain = more.pop("domain", f"evil-{number}.example.net")
        self.seen, machines = more.pop("seen", f"www.{domain}"), more.pop("machines", 1)
        self.body = indicator(1000 + number, domain, confidence=80) | more
        self.body["object_marking_refs"] = [tlp_id(Tlp.AMBER)]
        world.give("borea", self.body, own=False)
        self.events = number * 1000
        self._match(machines)
        with self.node.core.read() as unit:
            self.seq = matches.groups(unit, rules=[self.body["id"]])[0].seq

    def _match(self, machines=1):
        at = text(self.world.clock())
        some = []
        for each in range(machines):
            self.events += 1
            asset = ASSETS[0] if machines == 1 else f"pc-{each}"
            some.append(match(self.body, self.events, at, self.seen, asset, by="file:report"))
        watched = Watched(assets=frozenset(f"pc-{n}" for n in range(100)))
        self.world.found("borea", *some, watched=watched)

    def act(self):
        """Do one thing; what cannot be done now is left undone."""
        what = self.chance.choice(
            ["judge", "judge", "judge", "release", "release", "go on", "suppress", "match", "wait"]
        )
        now, us, who = self.world.clock(), self.node.us, person()
        if what == "wait":
            self.world.clock.step(self.chance.choice([1, 3600, 86400]))
        elif what == "match":
            self._match()
        else:
            with self.node.core.begin() as unit:
                if what == "judge":
                    verdict = self.chance.choice(
                        ["true", "true", "true", "false", "unsure", "open"]
                    )
                    why = self.chance.choice(["", "seen"])
                    defence.judge(unit, us, who, self.seq, verdict, now, why=why)
                elif what == "release":
                    self._release(unit, us, who, now)
                elif what == "go on":
                    defence.go_on(unit, us, now)
                else:
                    self._suppress(unit, us, who, now)

    def _release(self, unit, us, who, now):
        try:
            defence.release(unit, us, who, self.seq, ["forum"], now)
        except Conflict:
            return

    def _suppress(self, unit, us, who, now):
        until = text(now + timedelta(hours=1))
        wanted = Suppression(rule=self.body["id"], until=until, why="a test", by="", at="")
        defence.suppress(unit, us, who, wanted, now)


def test_nothing_that_a_reason_stands_against_reaches_the_door(world, monkeypatch):
    door, told = Door(monkeypatch), 0
    for number in range(SCENARIOS):
        chance = random.Random(number)
        reason = [*AGAINST][number % len(AGAINST)]
        one = Scenario(world, number, chance, reason)
        for _ in range(ACTS):
            one.act()
            if reason != "none":
                assert not door.told(one.body["id"]), (number, reason)
        with world.nodes["borea"].core.begin() as unit:  # and whoever insists
            now, us = world.clock(), world.nodes["borea"].us
            defence.judge(unit, us, person(), one.seq, "true", now, why="I am sure")
            one._release(unit, us, person(), now)
        assert reason == "none" or not door.told(one.body["id"]), (number, reason)
        told += door.told(one.body["id"])
        door.passed.clear()

    assert told > 0  # the door is open for what nothing stands against


def test_a_group_judged_false_sends_no_sighting_that_another_group_of_the_day_stands_for(
    world, monkeypatch
):
    door = Door(monkeypatch)
    one = Scenario(world, 0, random.Random(0), "none")
    other = match(one.body, 99, text(world.clock()), one.seen, by="file:report")
    world.found(
        "borea", type(other)(**{**vars(other), "source": type(other.source)("zeek", "", "dns")})
    )
    with world.nodes["borea"].core.begin() as unit:
        now, us = world.clock(), world.nodes["borea"].us
        [second] = [g.seq for g in matches.groups(unit, rules=[one.body["id"]]) if g.seq != one.seq]
        for seq, verdict in ((one.seq, "true"), (second, "false"), (one.seq, "true")):
            defence.judge(unit, us, person(), seq, verdict, now)
        defence.release(unit, us, person(), second, ["forum"], now)

    assert not door.told(one.body["id"])
