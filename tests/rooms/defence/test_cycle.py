"""The defence cycle over a store: whose evidence counts for whom, what people say of it, and what would close gaps."""

from collections import defaultdict
from datetime import timedelta

import pytest

from mithaq import defence
from mithaq.auth.actors import Forbidden
from mithaq.brief.matrix import matrix
from mithaq.config import Cycle as Terms
from mithaq.defence import Watched, cycle
from mithaq.defence.cycle import NoMitigation, NoTechnique
from mithaq.detect import sigma
from mithaq.detect.about import in_yara, named
from mithaq.detect.coverage import Gap, Seen, State, Stopped
from mithaq.detect.matches import Match
from mithaq.errors import InputError, NotFound
from mithaq.intel.trends.emerging import count_on
from mithaq.languages import catalogue
from mithaq.model.labels import Tlp
from mithaq.model.telemetry import LogSource
from mithaq.store import matches, objects
from mithaq.store.parties import ActorRow, put_actor
from tests.rooms.intel.conftest import NOW, on_both, person
from tests.rooms.intel.test_emerging import body, copy
from tests.rooms.intel.test_sets import Library

TODAY = f"{NOW:%Y-%m-%d}"
DNS, SYSMON = "sysmon/dns_query", {("sysmon/dns_query", TODAY): 5}


def numbered(type_, at, number, **more):
    known = [{"source_name": "mitre-attack", "external_id": number}]
    return body(type_, at, 900, external_references=known, **more)


def tie(at, kind, source, target, **more):
    ends = {"source_ref": source["id"], "target_ref": target["id"]}
    return body("relationship", at, 200, relationship_type=kind, **ends, **more)


PHASE = [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}]
SHELL = numbered("attack-pattern", 1, "T1059", name="Shell", kill_chain_phases=PHASE)
POWER = numbered("attack-pattern", 2, "T1059.001", name="PowerShell", kill_chain_phases=PHASE)
NAMES = numbered("attack-pattern", 3, "T1071.004", name="DNS", kill_chain_phases=PHASE)
BEAR = numbered("intrusion-set", 4, "G0007", name="APT28", aliases=["APT28", "Fancy Bear"])
OTHER = numbered("intrusion-set", 5, "G0099", name="Nobody")
FILTER = numbered("course-of-action", 6, "M1037", name="Filter Network Traffic")
ATTACK = [
    SHELL, POWER, NAMES, BEAR, OTHER, FILTER,
    tie(11, "uses", BEAR, POWER), tie(12, "uses", BEAR, NAMES), tie(13, "uses", OTHER, SHELL),
    tie(14, "mitigates", FILTER, NAMES),
]  # fmt: skip


def rule(at, number, category="dns_query", field="QueryName", **more):
    id_ = f"00000000-0000-4000-8000-{at:012d}"
    text = (
        f"title: r{at}\nid: {id_}\ntags: [attack.{number.lower()}]\nlogsource:\n  product: windows\n"
        f"  category: {category}\ndetection:\n  s:\n    {field}: x\n  condition: s\n"
    )
    facts = {"pattern": text, "pattern_type": "sigma", "valid_from": "2026-01-01T00:00:00.000Z"}
    return body("indicator", at, 20, name=f"r{at}", **facts, **more)


class Defence:
    """A node, what comes to it, and how it stands."""

    def __init__(self, core, us):
        self.core, self.us = core, us

    def add(self, *some, voucher="borea", level=Tlp.GREEN, **more):
        with self.core.begin() as unit:
            stored = objects.add(unit, [copy(each, voucher, level, **more) for each in some])
            objects.relate(unit, stored)
        count_on(self.core)

    def watch(self, sources=SYSMON, at=NOW):
        with self.core.begin() as unit:
            defence.record(unit, [], at, Watched(sources=sources))

    def look_for(self, *rules, at=NOW):
        made = [sigma.compiled(each["pattern"]) for each in rules]
        with self.core.begin() as unit:
            for each in made:
                cycle.looked_for(unit, each.rules, each.needs, at)

    def stand(self, actor=None, at=NOW, up_to=Tlp.RED, **terms):
        cycle.read_all_out(self.core)
        with self.core.read() as unit:
            return cycle.stand(unit, self.us, actor or person(), at, Terms(**terms), up_to=up_to)

    def of(self, number, **more):
        return self.stand(**more).techniques[number].standing

    def next(self, **more):
        found = self.stand(**more)
        with self.core.read() as unit:
            return cycle.suggest(unit, self.us, found, NOW, 180)

    def do(self, act, *given, actor=None, at=NOW, **more):
        with self.core.begin() as unit:
            return act(unit, actor or person(), *given, at, **more)


@pytest.fixture
def node(core, us):
    library = Library(core, us)
    library.take(ATTACK, "1.0")
    library.use("1.0")
    return Defence(core, us)


# --- what is seen --------------------------------------------------------------------------------------
@on_both
def test_a_rule_is_blind_without_its_telemetry_idle_with_it_and_watched_once_it_is_looked_for(node):
    r = rule(100, "T1071.004")
    found = [node.of("T1071.004").seen]
    node.add(r)
    found.append(node.of("T1071.004").seen)
    node.watch({("sysmon/process_creation", TODAY): 9})
    found.append(node.of("T1071.004").seen)
    node.watch()
    found.append(node.of("T1071.004").seen)
    node.look_for(r)
    found.append(node.of("T1071.004").seen)

    assert found == [Seen.NONE, Seen.BLIND, Seen.BLIND, Seen.IDLE, Seen.WATCHED]


def test_what_was_seen_and_looked_for_long_ago_counts_no_more(node):
    r = rule(100, "T1071.004")
    node.add(r)
    node.watch()
    node.look_for(r)

    later = NOW + timedelta(days=40)
    assert node.of("T1071.004", at=later).seen is Seen.BLIND
    assert node.of("T1071.004", at=later, days=60).seen is Seen.WATCHED


def test_what_people_say_is_collected_elsewhere_counts_as_telemetry(node):
    node.add(rule(100, "T1071.004"))

    assert node.of("T1071.004", telemetry=("sysmon/*",)).seen is Seen.IDLE


def test_a_rule_of_a_part_sees_some_of_the_whole(node):
    node.add(rule(100, "T1059.001"))
    node.watch()

    assert node.of("T1059").seen is Seen.IDLE


@on_both
def test_nobody_is_told_of_a_rule_that_they_may_not_read_nor_that_it_is_looked_for(node):
    r = rule(100, "T1071.004")
    node.add(r, level=Tlp.AMBER)
    node.watch()
    node.look_for(r)

    assert node.of("T1071.004").seen is Seen.WATCHED
    low = node.stand(person(Tlp.GREEN))
    assert low.techniques["T1071.004"].standing.seen is Seen.NONE
    assert low.rules == []


@on_both
def test_a_rule_that_is_erased_is_gone_from_the_figures_as_well_though_it_was_looked_for(node):
    r = rule(100, "T1071.004")
    node.add(r)
    node.watch()
    node.look_for(r)
    node.stand()
    with node.core.begin() as unit:
        objects.erase(unit, objects.of_id(unit, r["id"]))

    assert node.of("T1071.004").seen is Seen.NONE


def test_a_rule_that_was_revoked_sees_nothing(node):
    r = rule(100, "T1071.004")
    node.add(r)
    node.watch()
    node.add(r | {"revoked": True, "modified": "2026-02-28T00:00:00.000Z"})

    assert node.of("T1071.004").seen is Seen.NONE


def test_a_rule_that_is_over_sees_nothing_nor_proves_anything_from_then_on(node):
    r = rule(100, "T1071.004", valid_until="2026-03-02T00:00:00Z")
    node.add(r)
    node.watch()
    node.look_for(r)

    assert node.of("T1071.004").seen is Seen.WATCHED
    assert node.of("T1071.004", at=NOW + timedelta(days=3)).seen is Seen.NONE
    assert node.next(at=NOW + timedelta(days=3)).idle == []

    node.add(
        r | {"valid_until": "2026-12-31T00:00:00.000Z", "modified": "2026-02-28T00:00:00.000Z"}
    )
    assert node.of("T1071.004", at=NOW + timedelta(days=3)).seen is Seen.WATCHED


def test_rules_of_files_count_once_they_are_looked_for(node):
    node.watch()
    node.look_for(rule(100, "T1071.004"))

    assert node.of("T1071.004").seen is Seen.WATCHED


def test_a_rule_is_read_out_once_and_the_same_text_again_without_being_compiled(node, monkeypatch):
    r = rule(100, "T1071.004")
    node.add(r)
    node.stand()
    monkeypatch.setattr(sigma, "compiled", lambda *_: pytest.fail("compiled again"))
    node.add(r, voucher="cygna", agreement="other")

    assert len(node.stand().rules) == 1


# --- proofs --------------------------------------------------------------------------------------------
@on_both
def test_a_hit_that_is_judged_true_proves_what_its_rule_is_about_to_who_may_see_hits(node):
    r = rule(100, "T1071.004")
    node.add(r)
    match = Match(
        rule=r["id"], giver="aurelia", digest="d", title="t", event="sha256:1", at="2026-02-28T10:00:00.000Z",
        source=LogSource("windows", "dns_query"), asset="a", found={},
    )  # fmt: skip
    with node.core.begin() as unit:
        defence.record(unit, [match], NOW)
        [group] = matches.groups(unit)
        matches.change(unit, group.seq, state="true")

    assert node.of("T1071.004").seen is Seen.PROVED
    assert node.of("T1071.004", actor=person(Tlp.RED, "director")).seen is Seen.BLIND


def told_true(node, *ids):
    """Keep a hit of each of some indicators, and judge it true."""
    with node.core.begin() as unit:
        for number, id_ in enumerate(ids):
            match = Match(
                rule=id_, digest=id_, title="t", event=f"sha256:{number}", at="2026-02-28T10:00:00.000Z",
                source=LogSource("zeek", "", "dns"), asset="a", found={},
            )  # fmt: skip
            defence.record(unit, [match], NOW)
        for group in matches.asked(unit, matches.Which()):
            matches.change(unit, group.seq, state="true")


def indicator(at, **more):
    facts = {"pattern_type": "stix", "valid_from": "2026-01-01T00:00:00.000Z"}
    return body(
        "indicator",
        at,
        20,
        name=f"i{at}",
        pattern=f"[domain-name:value = 'e{at}.example']",
        **facts,
        **more,
    )


@on_both
def test_a_hit_of_an_indicator_proves_the_techniques_that_it_indicates_and_what_they_are_part_of(
    node,
):
    one, itself, malware = indicator(300), indicator(301, external_references=[
        {"source_name": "mitre-attack", "external_id": "T1071.004"}]), indicator(302)  # fmt: skip
    theirs = numbered("attack-pattern", 310, "T1059.001", name="their PowerShell")
    node.add(
        one, itself, malware, theirs, tie(320, "indicates", one, theirs), tie(321, "indicates", malware, BEAR)
    )  # fmt: skip
    told_true(node, one["id"], malware["id"])

    found = node.stand().techniques
    assert {n for n, each in found.items() if each.standing.seen is Seen.PROVED} == {
        "T1059",
        "T1059.001",
    }
    [proof] = found["T1059.001"].evidence.proofs
    assert (proof.kind, proof.level) == ("hit", int(Tlp.GREEN))

    told_true(node, itself["id"])
    assert node.of("T1071.004").seen is Seen.PROVED
    assert node.of("T1059.001", actor=person(Tlp.RED, "director")).seen is Seen.NONE


def test_what_only_others_may_read_of_an_indicator_proves_nothing_to_me_and_what_is_revoked_to_nobody(
    node,
):
    one, tied = indicator(300), tie(320, "indicates", indicator(300), POWER)
    node.add(one)
    node.add(tied, level=Tlp.AMBER_STRICT)
    told_true(node, one["id"])

    assert node.of("T1059.001").seen is Seen.PROVED
    assert node.of("T1059.001", up_to=Tlp.GREEN).seen is Seen.NONE
    assert node.stand().techniques["T1059.001"].evidence.proofs[0].level == int(Tlp.AMBER_STRICT)

    node.add(
        tied | {"revoked": True, "modified": "2026-02-28T00:00:00.000Z"}, level=Tlp.AMBER_STRICT
    )
    assert node.of("T1059.001").seen is Seen.NONE


def test_what_was_tried_and_not_seen_takes_away_what_was_proved_before_it(node):
    proved = [node.of("T1059.001").seen]
    for day, found in (("2026-02-01", True), ("2026-02-10", False), ("2026-02-20", True)):
        node.do(cycle.prove, "T1059.001", "test", "red team", day=day, found=found)
        proved.append(node.of("T1059.001").seen)

    assert proved == [Seen.NONE, Seen.PROVED, Seen.NONE, Seen.PROVED]
    assert node.of("T1059.001", at=NOW + timedelta(days=400)).seen is Seen.NONE


# --- threats -------------------------------------------------------------------------------------------
@on_both
def test_who_is_named_by_partners_and_targets_us_comes_first_and_the_rest_counts_no_more(node):
    sector = body("identity", 30, 50, name="Grid", identity_class="class", sectors=["energy"])
    node.add(
        sector,
        tie(31, "targets", BEAR, sector),
        body("sighting", 32, 3, sighting_of_ref=BEAR["id"]),
    )

    found = node.stand(sectors=("Energy",))
    assert [each.key for each in found.threats] == ["G0007"]
    assert set(found.threats[0].reasons) == {"named", "partner", "targets-us"}
    assert found.threats[0].priority == 2
    assert "targets-us" not in node.stand(sectors=("health",)).threats[0].reasons
    assert [each.number for each in found.used()] == ["T1059.001", "T1071.004"]


def test_a_threat_that_only_who_is_cleared_may_read_about_is_named_to_nobody_else(node):
    secret = body("intrusion-set", 40, 3, name="Secret Moth")
    node.add(secret, tie(41, "uses", secret, NAMES), level=Tlp.AMBER)

    assert "Secret Moth" in {each.name for each in node.stand().threats}
    low = node.stand(person(Tlp.GREEN))
    assert "Secret Moth" not in {each.name for each in (*low.threats, *low.others)}


def test_a_partners_own_object_of_a_known_name_is_that_threat_and_what_it_uses_is_used(node):
    twin = body("intrusion-set", 50, 3, name="Fancy bear")
    node.add(twin, tie(51, "uses", twin, SHELL))

    [bear] = [each for each in node.stand().threats if each.key == "G0007"]
    assert bear.techniques == {"T1059", "T1059.001", "T1071.004"}


def test_a_report_says_who_uses_what_only_if_it_is_about_one(node):
    refs = [OTHER["id"], NAMES["id"]]
    node.add(
        body("report", 60, 3, name="one", published="2026-02-20T00:00:00.000Z", object_refs=refs)
    )
    both = [OTHER["id"], BEAR["id"], SHELL["id"]]
    node.add(
        body("report", 61, 3, name="two", published="2026-02-20T00:00:00.000Z", object_refs=both)
    )

    found = {each.key: each.techniques for each in node.stand().threats}
    assert found["G0099"] == {"T1059", "T1071", "T1071.004"} & found["G0099"]
    assert "T1071.004" in found["G0099"]
    assert "T1059" not in found["G0007"]


def test_a_person_says_how_much_a_threat_matters_and_takes_it_back(node):
    [bear] = [each for each in node.stand().threats if each.key == "G0007"]
    node.do(cycle.prioritise, bear, 1, "seen next door")

    assert [(t.key, t.priority, t.why) for t in node.stand().threats] == [
        ("G0007", 1, "seen next door")
    ]
    node.do(cycle.prioritise, bear, 0, "no more")
    assert len(node.stand().threats) == 2


# --- gaps ----------------------------------------------------------------------------------------------
def test_what_is_overdue_stands_first_and_what_is_accepted_is_no_gap_until_that_is_over(node):
    people(node)
    node.stand()
    node.do(assign, "T1059", owner="amal", due="2026-02-01")
    node.do(accept, "T1071.004", "2026-04-01", "no resolver logs before spring")

    first = node.stand()
    assert next(each.number for each in first.gaps()) == "T1059"
    assert "T1071.004" not in {each.number for each in first.gaps()}
    assert first.techniques["T1071.004"].standing.gap is Gap.ACCEPTED
    later = node.stand(at=NOW + timedelta(days=60))
    assert "T1071.004" in {each.number for each in later.gaps()}


def assign(unit, actor, number, now, **said):
    return cycle.assign(unit, actor, number, now, **said)


def accept(unit, actor, number, until, why, now):
    return cycle.accept(unit, actor, number, until, why, now)


def people(node):
    with node.core.begin() as unit:
        put_actor(unit, ActorRow(name="amal", roles="analyst", clearance="RED", public=b"k" * 32))


def test_mitigations_in_place_stop_a_technique_and_one_may_say_otherwise_for_one_technique(node):
    node.stand()
    node.do(assess, "m1037", State.IN_PLACE)
    assert node.of("T1071.004").stopped is Stopped.FULLY
    assert node.of("T1071.004").gap is Gap.CLOSED

    node.do(
        assess, "M1037", State.PARTLY, technique="T1071.004", why="branch offices are not behind it"
    )
    assert node.of("T1071.004").stop == 50


def assess(unit, actor, number, state, now, **more):
    return cycle.assess(unit, actor, number, state, now, **more)


@pytest.mark.parametrize(
    ("act", "given", "error"),
    [
        (assess, ("M9999", State.PARTLY), NoMitigation),
        (assign, ("T9999",), NoTechnique),
        (accept, ("T1059", "2026-01-01", "past"), InputError),
        (accept, ("T1059", "soon", "no day"), InputError),
        (accept, ("T1059", "2026-04-01", " "), InputError),
    ],
)
def test_what_nobody_can_mean_is_refused(node, act, given, error):
    more = {"owner": ""} if act is assign else {}
    node.stand()
    with pytest.raises(error):
        node.do(act, *given, **more)


def test_what_is_near_is_named(node):
    node.stand()
    with pytest.raises(NoMitigation, match="like it: M1037 Filter Network Traffic"):
        node.do(assess, "M9999", State.PARTLY)
    with pytest.raises(NoTechnique, match=r"like it: T1059\.001 PowerShell"):
        node.do(assign, "powershel", owner="")


def test_who_may_not_judge_hits_says_nothing_of_the_cycle(node):
    node.stand()
    with pytest.raises(Forbidden):
        node.do(assess, "M1037", State.PARTLY, actor=person(Tlp.RED, "director"))
    with pytest.raises(NotFound):
        node.do(assign, "T1059", owner="nobody-here")


# --- what would close gaps -----------------------------------------------------------------------------
def test_it_is_said_what_would_close_gaps_and_whose_rules_are_idle(node):
    node.add(rule(100, "T1071.004"))
    node.add(rule(101, "T1059.001", "process_creation", "Image"))
    node.watch()

    found = node.next()
    assert [(e.source, e.rules, e.techniques) for e in found.idle] == [("borea", 1, {"T1071.004"})]
    assert {e.source: e.techniques for e in found.sources}["sysmon/process_creation"] == {
        "T1059",
        "T1059.001",
    }
    assert [(e.number, e.techniques) for e in found.measures] == [("M1037", {"T1071.004"})]
    assert {each.number for each in found.without} == set()


def test_what_partners_say_of_a_gap_is_told_as_far_as_one_may_read_it(node):
    node.add(body("sighting", 70, 3, sighting_of_ref=NAMES["id"]), level=Tlp.AMBER)

    assert [(e.technique, dict(e.by)) for e in node.next().work] == [("T1071.004", {"borea": 1})]
    assert node.next(actor=person(Tlp.GREEN)).work == []


def test_without_a_release_of_attack_there_is_nothing_and_nothing_fails(core, us):
    found = Defence(core, us).stand()

    assert (found.threats, found.gaps(), found.score) == ([], [], None)


# --- day by day ----------------------------------------------------------------------------------------
def kept(node, at, level=Tlp.AMBER):
    stands = node.stand(cycle.reader(level), at=at, up_to=level)
    with node.core.begin() as unit:
        cycle.keep(unit, stands)


def changed(node, at, level=Tlp.AMBER, since=""):
    stands = node.stand(cycle.reader(level), at=at, up_to=level)
    with node.core.read() as unit:
        return cycle.change(unit, stands, since)


@on_both
def test_what_was_closed_since_a_day_is_told_by_the_evidence_of_both_days(node):
    node.add(rule(100, "T1071.004"))
    for ago in (50, 40, 5):
        kept(node, NOW - timedelta(days=ago))
    node.do(prove, "T1059.001")
    node.stand()

    found = changed(node, NOW)
    assert found.since == f"{NOW - timedelta(days=40):%Y-%m-%d}"
    shell = ["T1059", "T1059.001"]
    assert (found.closed, found.new, found.proved, found.lost) == (shell, [], shell, [])
    assert found.after > found.before
    kept(node, NOW)
    later = changed(node, NOW + timedelta(days=400))
    assert (later.new, later.lost) == (shell, shell)


def prove(unit, actor, number, now):
    return cycle.prove(unit, actor, number, "test", "red team", now)


def test_a_day_is_compared_with_answers_for_the_same_level_alone(node):
    kept(node, NOW - timedelta(days=40), Tlp.GREEN)

    assert changed(node, NOW) is None
    assert changed(node, NOW, Tlp.GREEN).since == f"{NOW - timedelta(days=40):%Y-%m-%d}"


# --- as a picture --------------------------------------------------------------------------------------
def test_the_marking_is_the_highest_of_what_was_read_and_how_we_do_is_amber(node):
    assert node.stand().marking is Tlp.AMBER
    node.add(rule(100, "T1071.004"), level=Tlp.AMBER_STRICT)
    assert node.stand().marking is Tlp.AMBER_STRICT
    assert node.stand(up_to=Tlp.GREEN).marking is Tlp.AMBER


def test_a_layer_has_each_technique_under_each_of_its_tactics_and_what_its_score_rests_on(node):
    node.add(rule(100, "T1071.004"))
    node.watch()
    words = defaultdict(lambda: "word")
    made = cycle.layer(node.stand(), "Asteria", words)

    assert made["versions"]["layer"] == "4.5"
    assert {(t["techniqueID"], t["tactic"], t["score"]) for t in made["techniques"]} == {
        ("T1059", "execution", 0), ("T1059.001", "execution", 0), ("T1071.004", "execution", 12),
    }  # fmt: skip
    assert made["name"].endswith("TLP:AMBER")
    assert len({t["color"] for t in made["techniques"]}) == 2


@pytest.mark.parametrize(("language", "turned"), [("en", "ltr"), ("fr", "ltr"), ("ar", "rtl")])
def test_a_page_tells_states_in_words_and_lets_no_name_steer_it(node, language, turned):
    evil = body("intrusion-set", 40, 3, name="<script>alert(1)</script>\u202eevil")
    node.add(evil, tie(41, "uses", evil, NAMES))
    people(node)
    node.stand()
    node.do(assign, "T1071.004", owner="amal", due="2026-02-01")
    made = matrix(node.stand(), "Asteria", language)

    assert f'dir="{turned}"' in made
    assert "<script" not in made
    assert "\u202e" not in made
    assert "default-src 'none'" in made
    assert "style=" not in made
    assert catalogue("mithaq.brief", language).say("cycle.state.none") in made
    assert "TLP:AMBER" in made
    assert "2026-02-01" in made


# --- rules of other kinds ------------------------------------------------------------------------------
YARA = 'rule Shell : T1059_001 { strings: $a = "x" condition: $a }'
NAME = "[domain-name:value = 'a.example']"


def other(at, pattern_type, pattern, number="", version=20, **more):
    facts = {"pattern": pattern, "pattern_type": pattern_type}
    if number:
        facts["external_references"] = [{"source_name": "mitre-attack", "external_id": number}]
    facts |= {"valid_from": "2026-01-01T00:00:00.000Z", "name": f"r{at}"}
    created = body("indicator", at, 20)["created"]
    return body("indicator", at, version, **facts, **more) | {"created": created}


@on_both
def test_a_pattern_that_names_a_technique_sees_it_where_logs_tell_of_it_and_is_told_from_rules(
    node,
):
    seen = [node.of("T1071.004").seen]
    pattern = other(100, "stix", NAME, "T1071.004")
    node.add(pattern, other(101, "stix", NAME))
    seen.append(node.of("T1071.004").seen)
    node.watch()
    seen.append(node.of("T1071.004").seen)
    with node.core.begin() as unit:
        some = [
            named(each["id"], each) for each in (pattern, other(102, "stix", NAME, "T1071.004"))
        ]
        cycle.looked_for(unit, [], {}, NOW, some)
    seen.append(node.of("T1071.004").seen)
    node.add(rule(103, "T1071.004"))

    assert seen == [Seen.NONE, Seen.BLIND, Seen.IDLE, Seen.WATCHED]
    assert node.of("T1071.004").kinds == {"stix": 1, "sigma": 1}
    assert node.of("T1059").kinds == {}


@on_both
def test_a_yara_rule_sees_a_technique_where_files_are_looked_through(node):
    yara = other(100, "yara", YARA)
    node.add(yara)
    node.watch()
    blind = node.of("T1059.001")
    node.watch({("files", ""): 3})
    idle = node.of("T1059.001")
    with node.core.begin() as unit:
        some = [named(yara["id"], yara), in_yara("of-a-file", YARA), in_yara("b", YARA + "{")]
        cycle.looked_for(unit, [], {}, NOW, some)

    assert [blind.seen, idle.seen] == [Seen.BLIND, Seen.IDLE]
    assert node.of("T1059.001").seen is Seen.WATCHED
    assert node.of("T1059.001").kinds == node.of("T1059").kinds == {"yara": 2}
    assert node.of("T1059.001").rules == 3


@on_both
@pytest.mark.parametrize("how", ["revoked", "unnamed", "both-at-once"])
def test_what_a_later_version_no_longer_names_or_takes_back_sees_nothing(node, how):
    node.watch()
    first = other(100, "stix", NAME, "T1071.004")
    later = other(100, "stix", NAME, "" if how == "unnamed" else "T1071.004", 19)
    later["revoked"] = how != "unnamed"
    if how == "both-at-once":
        node.add(first, later)
    else:
        node.add(first)
        assert node.of("T1071.004").seen is Seen.IDLE
        node.add(later)

    assert node.of("T1071.004").evaluable == 0
    node.add(other(100, "stix", NAME, "T1071.004", 18))
    assert node.of("T1071.004").evaluable == 1
