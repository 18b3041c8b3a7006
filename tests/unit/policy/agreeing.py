"""Where a decision and the oracle's answer part."""

from mithaq.policy.decide import decide
from mithaq.policy.decision import Decision, Hold, Withhold
from tests.unit.policy import oracle
from tests.unit.policy.oracle_views import Answer
from tests.unit.policy.worlds import World


def differences(world: World) -> list[str]:
    """Say how the decisions of a world differ from an independent reading of the border."""
    expected = oracle.decide(world.situation, world.agreement, world.candidates)
    found = decide(world.situation, world.agreement, world.candidates)
    pairs = [str(pair) for pair in expected.keys() ^ found.keys()]
    return pairs + [
        f"{pair}: {says}"
        for pair in expected.keys() & found.keys()
        if (says := difference(expected[pair], found[pair]))
    ]


def difference(answer: Answer, decision: Decision) -> str:
    """Say how one decision differs from its answer; "" if it does not."""
    if isinstance(decision, Withhold):
        found: object = ("withhold", {str(reason.rule) for reason in decision.reasons})
        expected: object = (answer.outcome, answer.rules)
    else:
        held = isinstance(decision, Hold)
        needs = decision.needs if isinstance(decision, Hold) else set()
        seen = decision.view
        found = ("hold" if held else "release", set(seen.removed), seen.raw, decision.clause, needs)
        expected = (answer.outcome, answer.removed, answer.raw, answer.clause, answer.needs)
    return "" if found == expected else f"{expected} expected, {found} found"
