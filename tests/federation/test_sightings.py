"""From a partner's indicator to a sighting in our telemetry, and back, between nations of a forum."""

import json
from datetime import timedelta

import msgspec
import pytest

from mithaq import defence, intel
from mithaq.audit import subjects
from mithaq.auth.actors import Actor, Forbidden, roles
from mithaq.clock import text
from mithaq.defence import Suppression, Watched
from mithaq.detect.matches import Match
from mithaq.errors import NotFound
from mithaq.ingest.hunted import sought
from mithaq.ingest.hunting import Hunt
from mithaq.ingest.keeping import Keeper
from mithaq.ingest.wanted import Content
from mithaq.intel.finding import worthy
from mithaq.model.benign import OWN_NAMES
from mithaq.model.labels import Clearance, Tlp
from mithaq.model.listed import Effect, Listed
from mithaq.model.markings import tlp_id
from mithaq.model.telemetry import LogSource
from mithaq.model.whose import Word
from mithaq.model.worth import worth
from tests.federation.test_delivery import agreement
from tests.federation.test_export import indicator
from tests.federation.world import Federation

AMBER = [tlp_id(Tlp.AMBER)]
DNS = LogSource("windows", "dns_query")
ASSETS = ["ministry-17.borea.example", "ministry-18.borea.example"]


def person(level=Tlp.RED, role="analyst", name="ana"):
    return Actor(name=name, roles=roles([role]), clearance=Clearance(tlp=level))


def match(of, event, at, domain, asset=ASSETS[0], *, by="aurelia"):
    word = Word(of["id"], by)
    return Match(
        rule=word.rule,
        giver=word.giver,
        digest=word.digest,
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
    world.found("borea", match(secret, 1, text(world.clock()), "secret.example.net", by="borea"))

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


def resent(world, by="corvia", **more):
    """Let a nation give Borea the id of Aurelia's indicator, with other words of its own."""
    body = world.indicator | {"modified": "2026-02-02T00:00:00.000Z"} | more
    world.release(by, "forum", world.give(by, body))
    world.settle()
    assert (body["id"], body["modified"]) in world.held_by("borea")
    return body


def told_to(world, name, number, agreement="forum"):
    world.judge("borea", number, "true")
    world.tell("borea", number, agreement)
    return [each for each in world.theirs(name, "sighting") if not each.get("revoked")]


def test_who_marks_anothers_indicator_red_hides_no_hit_of_it(world):
    number = seen(world)
    again = {"modified": "2026-02-02T00:00:00.000Z", "object_marking_refs": [tlp_id(Tlp.RED)]}
    assert world.give("borea", world.indicator | again, own=False)

    [shown] = world.hits("borea", person(Tlp.AMBER))

    assert shown.group.seq == number
    assert world.show("borea", number, person(Tlp.AMBER)).against == []
    assert told_to(world, "aurelia", number)


@pytest.mark.parametrize(
    "more",
    [
        {"revoked": True},
        {"valid_until": "2026-02-03T00:00:00.000Z"},
        {"confidence": 1},
        {"indicator_types": ["benign"]},
        {"pattern": "[domain-name:value = 'other.example.net']"},
    ],
)
def test_who_writes_anothers_id_stops_no_sighting_of_what_that_one_says(world, more):
    resent(world, **more)

    assert told_to(world, "aurelia", seen(world))


def test_what_a_hit_rests_on_is_its_givers_word_and_neither_markings_nor_judgements_of_another(
    world,
):
    """Corvia gives under Aurelia's id what is everywhere; Aurelia's word was for few."""
    secret = indicator(7, "secret.example.net", confidence=80)
    secret["object_marking_refs"] = [tlp_id(Tlp.RED)]
    world.give("borea", secret, own=True)
    world.found("borea", match(secret, 1, text(world.clock()), "secret.example.net", by="borea"))
    world.release("corvia", "forum", world.give("corvia", secret | {
        "name": "open", "object_marking_refs": AMBER,
        "pattern": "[domain-name:value = 'open.example.net']",
    }))  # fmt: skip
    world.settle()
    assert world.hits("borea", person(Tlp.AMBER)) == []

    world.found(
        "borea",
        match(secret | {"name": "open"}, 2, text(world.clock()), "open.example.net", by="corvia"),
    )
    [shown] = world.hits("borea", person(Tlp.AMBER))

    assert (shown.group.giver, shown.group.title, shown.tally.count) == ("corvia", "open", 1)
    world.judge("borea", shown.group.seq, "true", person(Tlp.AMBER))
    mine = [each.group for each in world.hits("borea", person(Tlp.RED))]
    assert [(each.giver, each.state) for each in mine] == [("borea", "open")]


def test_a_hunt_looks_for_each_givers_word_and_says_whose_each_hit_is(world):
    resent(world, pattern="[domain-name:value = 'other.example.net']", revoked=False)
    node = world.nodes["borea"]
    with node.core.read() as unit:
        held = list(defence.held(unit, node.us, person(), world.clock()))
    run = Hunt(Content(indicators=sought((), held)), keeper=Keeper(node.core, world.clock))
    log = world.folder / "dns.jsonl"
    log.write_text("".join(
        json.dumps({"EventID": 22, "Channel": "Microsoft-Windows-Sysmon/Operational",
                    "UtcTime": "2026-03-01 00:00:00.000", "QueryName": name}) + "\n"
        for name in ("evil.example.net", "other.example.net")
    ))  # fmt: skip
    assert sum(hit is not None for hit in run.run([log])) == 2

    whose = {each.group.giver: each.tally.count for each in world.hits("borea")}
    assert whose == {"aurelia": 1, "corvia": 1}


@pytest.mark.parametrize("times", ["day", "exact"])
def test_when_it_was_seen_is_told_by_the_day_unless_the_clause_says_more(times, world):
    terms = agreement("times", "aurelia", "borea", "corvia")
    clauses = [msgspec.structs.replace(each, sighting_times=times) for each in terms.clauses]
    world.sign(msgspec.structs.replace(terms, clauses=clauses), "aurelia", "borea", "corvia")
    world.release(
        "aurelia", "times", world.give("aurelia", indicator(5, "x.example.net", confidence=80))
    )
    world.settle()
    world.clock.step(3723.456)
    number = seen(world, of=indicator(5, "x.example.net"))
    [shown] = [each for each in world.hits("borea") if each.group.seq == number]
    world.judge("borea", number, "true")
    world.tell("borea", number, "times")

    [told] = world.theirs("aurelia", "sighting")

    first, last = shown.tally.first, shown.tally.last
    assert not first.endswith("T00:00:00.000Z")
    by_day = tuple(f"{each[:10]}T00:00:00.000Z" for each in (first, last))
    assert (told["first_seen"], told["last_seen"]) == (by_day if times == "day" else (first, last))
