"""From a partner's indicator to a sighting in our telemetry, and back, between nations of a forum."""

import json
from datetime import timedelta

import pytest

from mithaq import defence, intel
from mithaq.audit import subjects
from mithaq.auth.actors import Actor, Forbidden, roles
from mithaq.clock import text
from mithaq.defence import Suppression, Watched
from mithaq.detect.matches import Match
from mithaq.errors import NotFound
from mithaq.intel.finding import worthy
from mithaq.model.benign import OWN_NAMES
from mithaq.model.labels import Clearance, Tlp
from mithaq.model.listed import Effect, Listed
from mithaq.model.markings import tlp_id
from mithaq.model.telemetry import LogSource
from mithaq.model.worth import worth
from tests.federation.test_export import indicator
from tests.federation.world import Federation

AMBER = [tlp_id(Tlp.AMBER)]
DNS = LogSource("windows", "dns_query")
ASSETS = ["ministry-17.borea.example", "ministry-18.borea.example"]


def person(level=Tlp.RED, role="analyst", name="ana"):
    return Actor(name=name, roles=roles([role]), clearance=Clearance(tlp=level))


def match(of, event, at, domain, asset=ASSETS[0]):
    return Match(
        rule=of["id"],
        digest=of["id"],
        title=of["name"],
        event=f"sha256:{event}",
        at=at,
        source=DNS,
        asset=asset,
        found={"QueryName": domain},
    )


class World(Federation):
    """A federation whose nations look at their own telemetry."""

    def found(self, name, *some, watched=Watched()):  # noqa: B008 a value
        with self.nodes[name].core.begin() as unit:
            return defence.record(unit, some, self.clock(), watched)

    def hits(self, name, actor=None, **more):
        node = self.nodes[name]
        with node.core.read() as unit:
            return defence.hits(unit, node.us, actor or person(), self.clock(), **more)

    def show(self, name, seq, actor=None):
        node = self.nodes[name]
        with node.core.read() as unit:
            return defence.show(unit, node.us, actor or person(), seq, self.clock())

    def judge(self, name, seq, verdict, actor=None):
        node = self.nodes[name]
        with node.core.begin() as unit:
            return defence.judge(unit, node.us, actor or person(), seq, verdict, self.clock())

    def tell(self, name, seq, *agreements, **more):
        node = self.nodes[name]
        with node.core.begin() as unit:
            made = defence.release(unit, node.us, person(), seq, agreements, self.clock(), **more)
        self.settle()
        return made

    def worth(self, name, id_):
        node = self.nodes[name]
        with node.core.read() as unit:
            rows = intel.finding.visible(node.us, person())
            [copy, *_] = intel.versions(unit, node.us, person(), id_)
            said = worthy.said_of(unit, rows, {id_}).get(id_, ())
        return worth(copy.object.body, said, self.clock())

    def theirs(self, name, type_):
        return [
            json.loads(raw)
            for (id_, _), raw in sorted(self.held_by(name).items())
            if id_.startswith(type_)
        ]


@pytest.fixture
def world(forum, tmp_path):
    """Aurelia gave Borea, and Corvia, an indicator under the forum."""
    made = World.copied(forum, tmp_path)
    made.indicator = indicator(1, "evil.example.net", confidence=80)
    made.indicator["object_marking_refs"] = AMBER
    made.release("aurelia", "forum", made.give("aurelia", made.indicator))
    made.settle()
    yield made
    made.close()


def seen(world, *, name="borea", count=2, of=None):
    """Let a nation's telemetry match, and return the number of the group."""
    of = of or world.indicator
    at = text(world.clock())
    some = [match(of, n, at, of["name"], ASSETS[n % 2]) for n in range(count)]
    world.found(name, *some)
    [group] = [each for each in world.hits(name) if each.group.rule == of["id"]]
    return group.group.seq


def test_what_a_partner_warned_of_and_we_saw_is_told_to_them_by_a_person_and_makes_it_worth_more(
    world,
):
    world.clock.step(20 * 86400)
    before = world.worth("aurelia", world.indicator["id"])
    number = seen(world)
    said = world.judge("borea", number, "true")
    world.settle(2)
    assert world.theirs("aurelia", "sighting") == []  # judged is not released

    world.tell("borea", number)

    [told] = world.theirs("aurelia", "sighting")
    assert said.new
    assert told["id"] == said.copy.object.id
    assert told["sighting_of_ref"] == world.indicator["id"]
    assert told["count"] == 2
    assert told["first_seen"] == told["last_seen"]
    assert told["object_marking_refs"] == [tlp_id(Tlp.AMBER)]
    after = world.worth("aurelia", world.indicator["id"])
    assert (after.sightings, after.score > before.score) == (1, True)
    wire = b"".join(raw for *_, raw in world.wire.seen)
    assert all(asset.encode() not in wire for asset in ASSETS)
    node = world.nodes["aurelia"]
    with node.core.read() as unit:
        copies = intel.versions(unit, node.us, person(), world.indicator["id"])
        told = intel.timeline(unit, node.us, person(), copies, node.clock(), related=True)
    assert said.copy.object.id in {each.id for each in told}


def test_that_it_was_a_false_positive_goes_back_and_makes_it_worth_less(world):
    before = world.worth("aurelia", world.indicator["id"])
    number = seen(world)
    world.judge("borea", number, "true")
    world.tell("borea", number)
    assert len(world.theirs("aurelia", "sighting")) == 1

    world.judge("borea", number, "false")
    world.tell("borea", number)

    [gone, *_] = [each for each in world.theirs("aurelia", "sighting") if each.get("revoked")]
    [opinion] = world.theirs("aurelia", "opinion")
    assert gone["sighting_of_ref"] == world.indicator["id"] == opinion["object_refs"][0]
    assert opinion["opinion"] == "strongly-disagree"
    after = world.worth("aurelia", world.indicator["id"])
    assert (after.sightings, after.against) == (0, 1)
    assert after.score < before.score


def test_what_is_no_sighting_is_said_why_and_leaves_neither_itself_nor_a_count(world):
    node = world.nodes["borea"]
    own = indicator(2, "intranet.example.org", confidence=80)
    own["object_marking_refs"] = AMBER
    world.release("aurelia", "forum", world.give("aurelia", own))
    world.settle()
    number = seen(world, of=own)
    node.us.benign.become(
        lambda family: [Listed(name=OWN_NAMES, family="name", effect=Effect.SUPPRESS, entries=["example.org"])]
        if family == "name" else [], effects={}, allowed=(),
    )  # fmt: skip
    before = len(world.wire.seen)

    said = world.judge("borea", number, "true")
    made = world.tell("borea", number)

    assert said.copy is None
    assert [each.code for each in said.against] == ["own"] == [each.code for each in made.against]
    for language, word in (("en", "ours"), ("fr", "à nous"), ("ar", "لنا")):
        assert word in said.against[0].sentence(language)
    assert made.outcomes == ()
    assert world.theirs("aurelia", "sighting") == world.theirs("corvia", "sighting") == []
    since = b"".join(raw for *_, raw in world.wire.seen[before:])
    assert own["id"].encode() not in since


def test_a_hit_of_an_indicator_is_seen_by_whoever_may_read_that_alone(world):
    secret = indicator(3, "secret.example.net")
    secret["object_marking_refs"] = [tlp_id(Tlp.RED)]
    world.give("borea", secret, own=True)
    world.found("borea", match(secret, 1, text(world.clock()), "secret.example.net"))

    [red] = world.hits("borea", person(Tlp.RED))
    assert red.group.rule == secret["id"]
    assert world.hits("borea", person(Tlp.AMBER)) == []
    for act in (world.show, lambda *a: world.judge(a[0], a[1], "true", a[2])):
        with pytest.raises(NotFound):
            act("borea", red.group.seq, person(Tlp.AMBER))
    with pytest.raises(Forbidden):
        world.hits("borea", person(role="auditor"))


def test_what_is_suppressed_is_shown_again_when_it_ends_or_is_allowed_and_nothing_is_kept_twice(
    world,
):
    node, now = world.nodes["borea"], world.clock()
    of, at = world.indicator, text(now)
    twice = [match(of, n, at, f"{n}.example.net", ASSETS[n]) for n in (0, 1)]
    assert world.found("borea", *twice).new == 2
    assert world.found("borea", *twice).known == 2

    def suppress(until=""):
        wanted = Suppression(
            field="QueryName", value="1.EXAMPLE.net", until=until, why="a test", by="", at=""
        )
        with node.core.begin() as unit:
            return defence.suppress(unit, node.us, person(), wanted, world.clock())

    made, count = suppress(until=text(now + timedelta(hours=1)))
    assert count == 1
    [shown] = world.hits("borea")
    assert (shown.tally.count, shown.tally.suppressed, shown.tally.assets) == (1, 1, 1)
    world.clock.step(3700)
    assert world.hits("borea")[0].tally.count == 2

    made, _ = suppress()
    assert world.hits("borea")[0].tally.count == 1
    assert world.found("borea", match(of, 7, at, "1.example.net")).suppressed == 1
    with node.core.begin() as unit:
        defence.allow(unit, node.us, person(), made.seq, "looked again", world.clock())
        said = [record["kind"] for _, record in subjects.newest(unit, 50)]
    assert world.hits("borea")[0].tally.count == 3
    assert {"hit-suppressed", "hit-allowed"} <= set(said)


def test_the_first_of_an_indicator_and_a_partner_is_a_persons_and_further_days_go_by_themselves(
    world,
):
    node = world.nodes["borea"]

    def go_on():
        with node.core.begin() as unit:
            count = defence.go_on(unit, node.us, world.clock())
        world.settle(2)
        return count

    number = seen(world)
    assert go_on() == 0  # nobody looked yet
    world.judge("borea", number, "true")
    assert go_on() == 0  # nor let it go
    world.tell("borea", number)

    world.clock.step(86400)
    later = match(world.indicator, 9, text(world.clock()), "evil.example.net")
    world.found("borea", later)
    assert go_on() == 1
    assert go_on() == 0

    assert [each["count"] for each in world.theirs("aurelia", "sighting")].count(1) == 1
    assert len(world.theirs("aurelia", "sighting")) == 2
    assert world.hits("borea") == []
    world.judge("borea", number, "unsure")
    world.clock.step(86400)
    world.found("borea", match(world.indicator, 10, text(world.clock()), "evil.example.net"))
    assert go_on() == 0
