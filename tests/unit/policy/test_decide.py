"""decide against an oracle written apart from it, and the laws that hold in every world."""

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.policy.decide import decide
from mithaq.policy.decision import Decision, Hold, Reason, Release, Rule, Withhold
from mithaq.policy.explain import FACTS, LANGUAGES, sentence
from tests.unit.policy import oracle
from tests.unit.policy.agreeing import differences
from tests.unit.policy.worlds import World, worlds
from tests.values import replace

often = settings(max_examples=400, deadline=None)
seldom = settings(max_examples=80, deadline=None)


def decided(world: World) -> dict[oracle.Pair, Decision]:
    return dict(decide(world.situation, world.agreement, world.candidates))


@often
@given(worlds())
def test_every_decision_is_the_one_an_independent_reading_of_the_border_gives(world):
    assert differences(world) == []


@seldom
@given(worlds())
def test_a_view_is_read_back_from_its_bytes(world):
    for decision in decided(world).values():
        if not isinstance(decision, Withhold):
            assert decision.view.body == json.loads(decision.view.raw)


@seldom
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_in_which_candidates_are_given_decides_nothing(world, chance):
    shuffled = list(world.candidates)
    chance.shuffle(shuffled)

    assert decided(replace(world, candidates=shuffled)) == decided(world)


def visible(decisions: dict[oracle.Pair, Decision], peer: str) -> dict[object, tuple[bytes, str]]:
    """Everything of a decision that the peer gets to see."""
    return {
        key: (decision.view.raw, decision.onward)
        for (name, key), decision in decisions.items()
        if name == peer and isinstance(decision, Release)
    }


@often
@given(worlds(), worlds())
def test_what_a_peer_may_not_see_changes_nothing_that_it_sees(world, other):
    """Objects of ours or of a feed's, that may be what dangling references meant."""
    here = {c.object.id for c in world.candidates}
    hidden = [c for c in other.candidates if not c.relayed and c.newest and c.object.id not in here]
    both = replace(world, candidates=[*world.candidates, *hidden])

    without, withal = decided(world), decided(both)

    for peer in {name for name, _ in without}:
        shown = visible(withal, peer)
        if not shown.keys() & {c.key for c in hidden}:
            assert shown == visible(without, peer)


@seldom
@given(worlds())
def test_a_view_only_removes(world):
    """Kept values are unchanged, but for counts and times that are told less exactly; a marking may be added (1.5)."""
    bodies = {c.key: c.object.body for c in world.candidates}

    for (_, key), decision in decided(world).items():
        if isinstance(decision, Release):
            for name, value in decision.view.body.items():
                said = bodies[key].get(name)
                assert within(value, said) or name == "object_marking_refs" or less(value, said)
            refs = decision.view.body.get("object_marking_refs", [])
            stored = bodies[key].get("object_marking_refs", [])
            assert refs == [*stored, *decision.view.added]


def less(shown: object, said: object) -> bool:
    """Say whether a count or an instant is a less exact one, that does not lie after it."""
    if isinstance(shown, str) and isinstance(said, str):
        return shown == f"{said[:10]}T00:00:00.000Z"
    return isinstance(shown, int) and isinstance(said, int) and said < 10 * shown and shown <= said


def within(part: object, whole: object) -> bool:
    """Say whether ``part`` is ``whole`` with parts taken out; selectors of markings are renumbered."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(n == "selectors" or within(v, whole.get(n)) for n, v in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        rest = iter(whole)
        return all(any(within(item, other) for other in rest) for item in part)
    return part == whole


@seldom
@given(worlds("forum"))
def test_all_members_of_an_agreement_see_the_same_of_a_version(world):
    """Also those who still wait for a person: they wait for what the others have (border.md 1.7)."""
    views: dict[object, set[str]] = {}
    for (_, key), decision in decided(world).items():
        if not isinstance(decision, Withhold):
            views.setdefault(key, set()).add(decision.view.digest)

    assert all(len(digests) == 1 for digests in views.values())


@seldom
@given(worlds())
def test_in_shadow_mode_nothing_goes_and_everything_says_what_would_have_gone(world):
    """A text that differs in shadow alone; approvals bind the exact text, so none is given here."""
    free = replace(world, situation=replace(world.situation, approvals=()))
    text = msgspec.structs.replace(world.agreement, shadow=True)

    live, shadow = decided(free), decided(replace(free, agreement=text))

    for pair, decision in live.items():
        found = shadow[pair]
        assert isinstance(found, Withhold)
        if isinstance(decision, Withhold):
            assert found == decision
        else:
            assert found.would == decision
            assert found.reasons == (Reason(rule=Rule.SHADOW, clause=decision.clause),)


@seldom
@given(worlds())
def test_every_reason_states_the_facts_that_its_sentence_needs(world):
    for decision in decided(world).values():
        for reason in () if isinstance(decision, Release) else decision.reasons:
            facts = set(reason.facts) - {"because"}
            assert facts == FACTS[reason.rule][reason.facts.get("because", "")]
            assert all(sentence(reason, language) for language in LANGUAGES)


@seldom
@given(worlds())
def test_every_withholding_has_a_reason_and_every_hold_a_person(world):
    for decision in decided(world).values():
        match decision:
            case Withhold():
                assert decision.reasons
            case Hold():
                assert decision.needs == {str(reason.rule) for reason in decision.reasons}
                assert decision.needs
