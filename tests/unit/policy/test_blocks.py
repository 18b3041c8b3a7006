"""What stands above agreements: judged before any clause, met as a whole, and lifted by nothing."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.policy import blocks
from mithaq.policy.decide import decide
from mithaq.policy.decision import Release, Rule, Withhold
from mithaq.policy.lifecycle import Instants
from mithaq.policy.situation import Block
from mithaq.policy.views import labels_of
from tests.unit.policy.worlds import worlds

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
def test_a_block_never_lets_anything_go_that_would_not_go_without_it(world, data):
    ids = data.draw(st.sets(st.sampled_from([c.object.id for c in world.candidates])))
    before = released(world)

    made = under(world, restriction(ids=frozenset(ids)))

    assert {at for at, d in made.items() if isinstance(d, Release)} <= before.keys()


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
