"""What stands above agreements: judged before any clause, met as a whole, and lifted by nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.model.labels import Label, Tlp
from mithaq.model.markings import tlp_id
from mithaq.policy import blocks
from mithaq.policy.decide import decide
from mithaq.policy.decision import Hold, Reason, Release, Rule, Withhold
from mithaq.policy.lifecycle import Instants
from mithaq.policy.situation import Block, Peer
from mithaq.policy.views import labels_of
from tests.unit.policy.test_cases import FIRST, SECOND, around, ours, pact, thing
from tests.unit.policy.worlds import worlds
from tests.values import replace

EARLY, NOW, LATE = (f"2026-0{month}-01T00:00:00.000Z" for month in (1, 3, 5))
NARROWING = {
    "kinds": frozenset({"x-nothing-of-that"}),
    "ids": frozenset({"tool--00000000-0000-4000-8000-000000000fff"}),
    "sources": frozenset({"nobody"}),
    "markings": frozenset({"marking-definition--00000000-0000-4000-8000-000000000fff"}),
    "labels": frozenset({"unheard-of"}),
}


def restriction(**more):
    return Block(**{"power": Rule.RESTRICTION, "name": "7", "basis": "law", **more})


def rupture(party, **more):
    return Block(power=Rule.RUPTURE, name=party, by="aurelia", to=frozenset({party}), **more)


def released(world):
    made = decide(world.situation, world.agreement, world.candidates)
    return {at: d for at, d in made.items() if isinstance(d, Release)}


def under(world, *standing):
    situation = replace(world.situation, blocks=standing)
    return decide(situation, world.agreement, world.candidates)


@given(worlds(), st.data())
def test_nothing_at_all_goes_to_a_party_that_was_broken_off_with(world, data):
    party = data.draw(st.sampled_from(world.agreement.names[1:]))

    made = under(world, rupture(party))

    theirs = [d for (peer, _), d in made.items() if peer == party]
    assert all(isinstance(d, Withhold) for d in theirs)
    assert all(d.reasons[0].rule is Rule.RUPTURE for d in theirs)


@given(worlds("bilateral"), st.data())
def test_what_a_restriction_names_goes_nowhere_whatever_was_agreed_approved_or_consented_to(
    world, data
):
    one = data.draw(st.sampled_from(world.candidates))
    labels = labels_of(one)
    named = {
        "ids": {one.object.id},
        "kinds": {one.object.type, "*"},
        "sources": {one.voucher},
        "labels": {w.casefold() for w in one.object.body.get("labels", ()) if isinstance(w, str)},
        "markings": {str(level) for level in Tlp if any(x.tlp == level for x in labels)},
        "to": {*world.agreement.names[1:]},
    }
    chosen = data.draw(
        st.sets(st.sampled_from(sorted(k for k, v in named.items() if v)), min_size=1)
    )
    block = restriction(
        **{
            name: frozenset(data.draw(st.sets(st.sampled_from(sorted(named[name])), min_size=1)))
            for name in chosen
        }
    )

    made = under(world, block)

    assert blocks.names(block, one, labels)
    mine = [d for (_, key), d in made.items() if key == one.key]
    assert all(isinstance(d, Withhold) for d in mine)
    assert all(Rule.RESTRICTION in {r.rule for r in d.reasons} for d in mine)


@given(worlds(), st.sampled_from(sorted(NARROWING)))
def test_a_restriction_that_names_something_else_as_well_changes_nothing(world, name):
    block = restriction(**{name: NARROWING[name]}, to=frozenset(world.agreement.names))

    assert released(world) == {
        at: d for at, d in under(world, block).items() if isinstance(d, Release)
    }


@given(worlds("bilateral"), st.data())
def test_a_block_never_lets_anything_go_that_would_be_withheld_without_it(world, data):
    ids = data.draw(st.sets(st.sampled_from([c.object.id for c in world.candidates])))
    before = under(world)

    made = under(world, restriction(ids=frozenset(ids)))

    for at, decision in made.items():
        if isinstance(decision, Release) and not isinstance(before[at], Release):
            # It awaited a person with what it names; that is blocked, so it goes without naming it.
            assert isinstance(before[at], Hold)
            assert not any(each in decision.view.raw.decode() for each in ids)


@pytest.mark.parametrize(
    ("since", "until", "holds"),
    [
        ("", "", True), (NOW, "", True), (LATE, "", False), (EARLY, "", True),
        ("", NOW, False), ("", LATE, True), ("", EARLY, False), (EARLY, LATE, True),
    ],
)  # fmt: skip
def test_a_block_holds_from_its_beginning_to_its_end(since, until, holds):
    at = Instants(opens=NOW, closes=NOW)

    assert blocks.stands(restriction(since=since, until=until), at) is holds


def test_where_clocks_differ_a_block_begins_early_and_ends_late():
    unsure = Instants(opens=EARLY, closes=LATE)

    assert blocks.stands(restriction(since=NOW), unsure)
    assert blocks.stands(restriction(until=NOW), unsure)


@pytest.mark.parametrize(
    ("named", "level"),
    [("AMBER", Tlp.AMBER), ("TLP:RED", Tlp.RED), (tlp_id(Tlp.GREEN), Tlp.GREEN), ("x--1", None)],
)
def test_a_level_is_named_by_word_or_by_the_id_of_its_definition(named, level):
    assert blocks.level_named(named) == level


def test_what_a_block_forbids_turns_at_its_own_instants_and_never_without():
    assert list(blocks.turns(restriction(since=EARLY, until=LATE))) == [EARLY, LATE]
    assert list(blocks.turns(restriction(until=LATE))) == [LATE]
    assert list(blocks.turns(restriction())) == []


BOREA = Peer(name="borea", country="XB")


def about(candidate, *standing, peer=BOREA, labels=()):
    return list(blocks.against(standing, candidate, labels, peer))


@pytest.mark.parametrize(
    ("to", "reached"),
    [((), True), (("borea",), True), (("XB",), True), (("corvia", "XB"), True), (("corvia", "XC"), False)],
)  # fmt: skip
def test_a_block_reaches_parties_by_name_or_country(to, reached):
    one = ours(FIRST, Tlp.GREEN)

    assert bool(about(one, restriction(to=frozenset(to)))) is reached


@pytest.mark.parametrize(
    ("sources", "met"),
    [({"corvia"}, True), ({"feed:x"}, True), ({"delmara"}, True), ({"aurelia"}, False), ({""}, False)],
)  # fmt: skip
def test_a_source_is_who_owns_vouches_for_or_handed_on_a_version(sources, met):
    fields = {"owner": "corvia", "voucher": "feed:x", "sent_by": "delmara"}
    one = replace(ours(FIRST, Tlp.GREEN), own=False, **fields)
    bare = replace(one, owner="", sent_by="")

    assert bool(about(one, restriction(sources=frozenset(sources)))) is met
    assert about(bare, restriction(sources=frozenset({""}))) == []


def test_why_a_block_stands_is_said_by_whose_it_is_and_what_it_rests_on():
    one = ours(FIRST, Tlp.GREEN)
    theirs = Block(power=Rule.RUPTURE, name="borea", by="borea", to=frozenset({"borea"}))
    owners = Block(power=Rule.RUPTURE, name="borea", by="corvia", sources=frozenset({"aurelia"}))

    assert about(one, rupture("borea"), theirs, owners, restriction(), restriction(basis="")) == [
        Reason(rule=Rule.RUPTURE, facts={"because": "ours", "peer": "borea"}),
        Reason(rule=Rule.RUPTURE, facts={"because": "theirs", "peer": "borea"}),
        Reason(rule=Rule.RUPTURE, facts={"because": "owner", "peer": "borea", "by": "corvia"}),
        Reason(rule=Rule.RESTRICTION, facts={"number": "7", "basis": "law", "peer": "borea"}),
        Reason(rule=Rule.RESTRICTION, facts={"number": "7", "basis": "-", "peer": "borea"}),
    ]


@pytest.mark.parametrize(
    ("markings", "met"),
    [
        ({"AMBER"}, True), ({"GREEN"}, True), ({"RED"}, False), ({"RED", "GREEN"}, True),
        ({tlp_id(Tlp.AMBER)}, True), ({tlp_id(Tlp.RED)}, False), ({"marking-definition--x"}, False),
    ],
)  # fmt: skip
def test_a_level_stands_for_itself_and_for_all_above_it_on_any_part(markings, met):
    one = ours(FIRST, Tlp.CLEAR)
    labels = (Label(), Label(tlp=Tlp.CLEAR), Label(tlp=Tlp.AMBER))

    assert bool(about(one, restriction(markings=frozenset(markings)), labels=labels)) is met


def test_words_are_met_in_any_case_and_what_is_no_word_in_none():
    one = ours(FIRST, Tlp.GREEN, labels=["Ransom", "apt"])

    assert about(one, restriction(labels=frozenset({"ransom"})))
    assert not about(one, restriction(labels=frozenset({"Ransom"})))
    assert blocks._labels(replace(one, object=ours(FIRST, Tlp.GREEN).object)) == frozenset()


@pytest.mark.parametrize(
    ("fields", "met"),
    [
        ({}, True),
        ({"kinds": {"*"}}, True), ({"kinds": {"indicator"}}, True), ({"kinds": {"tool"}}, False),
        ({"kinds": {"tool", "indicator"}}, True), ({"kinds": {"tool", "*"}}, True),
        ({"ids": {FIRST}}, True), ({"ids": {"tool--1"}}, False), ({"ids": {FIRST, "tool--1"}}, True),
        ({"sources": {"aurelia"}}, True), ({"sources": {"borea"}}, False),
        ({"labels": {"apt"}}, True), ({"labels": {"ransom"}}, False),
        ({"markings": {tlp_id(Tlp.GREEN)}}, True), ({"markings": {"marking-definition--x"}}, False),
        ({"kinds": {"indicator"}, "ids": {FIRST}, "sources": {"aurelia"}, "labels": {"apt"}}, True),
        ({"kinds": {"tool"}, "ids": {FIRST}}, False), ({"kinds": {"*"}, "ids": {"x"}}, False),
        ({"ids": {FIRST}, "sources": {"borea"}}, False), ({"ids": {FIRST}, "labels": {"x"}}, False),
        ({"ids": {FIRST}, "markings": {"x"}}, False),
    ],
)  # fmt: skip
def test_all_that_a_block_names_must_be_met_and_any_word_of_a_list_is_enough(fields, met):
    one = ours(FIRST, Tlp.GREEN, labels=["apt"])
    block = restriction(**{name: frozenset(words) for name, words in fields.items()})

    assert blocks.names(block, one) is met
    assert bool(about(one, block)) is met


def test_a_word_that_is_none_hides_no_other_word_of_labels():
    """The standard gives an observable no ``labels``, so that anything may stand there."""
    odd = thing("ipv4-addr", 1, value="192.0.2.1", labels=[7, "APT"])

    assert blocks.names(restriction(labels=frozenset({"apt"})), odd)
    assert not blocks.names(restriction(labels=frozenset({"7"})), odd)


def test_what_is_over_or_not_yet_begun_keeps_nothing():
    pair, one = pact("borea"), ours(FIRST, Tlp.GREEN)

    def goes(**when):
        situation = around(pair, blocks=(restriction(**when),))
        return isinstance(decide(situation, pair, [one])["borea", FIRST], Release)

    assert not goes()
    assert not goes(since="2031-03-10T00:00:00.000Z", until="2031-03-10T00:00:00.001Z")
    assert goes(until="2031-03-10T00:00:00.000Z")
    assert goes(since="2031-03-10T00:00:00.001Z")


@pytest.mark.parametrize("order", [[FIRST, SECOND], [SECOND, FIRST]])
def test_of_two_that_are_alike_the_one_that_is_named_stays_and_the_other_goes(order):
    pair = pact("borea")
    situation = around(pair, blocks=(restriction(ids=frozenset({FIRST})),))

    made = decide(situation, pair, [ours(id_, Tlp.GREEN) for id_ in order])

    assert [r.rule for r in made["borea", FIRST].reasons] == [Rule.RESTRICTION]
    assert isinstance(made["borea", SECOND], Release)
