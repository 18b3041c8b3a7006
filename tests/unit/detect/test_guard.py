"""The guard: rules that do more than they may are set aside, and that is said."""

from mithaq.detect.engine import Engine
from mithaq.detect.guard import Guard, Limits
from mithaq.detect.language import Op, Rule, Test
from mithaq.model.telemetry import Event, LogSource

EVENTS = [Event(fields={"Image": "ab"}, raw=str(number).encode()) for number in range(40)]


def rule(number, text):
    test = Test("Image", Op.CONTAINS, text)
    source = LogSource("windows")
    return Rule(id=f"r{number}", digest=f"d{number}", title=text, source=source, predicate=test)


def still():
    return 0.0


def test_a_rule_that_matches_more_of_a_window_than_it_may_is_set_aside_whatever_the_batches():
    engine = Engine([rule(1, "a"), rule(2, "zz")])
    limits = Limits(window=20, most=5)

    whole, parted = Guard(engine, still, limits), Guard(engine, still, limits)
    found = [match.id for match in whole.match(EVENTS)]
    same = [match.id for at in range(0, 40, 7) for match in parted.match(EVENTS[at : at + 7])]

    assert found == same
    assert len(found) == 6
    assert [(each.rule, each.code, each.after) for each in whole.set_aside.values()] == [
        ("r1", "rule-rate", 6)
    ]


def test_a_rule_that_stays_within_its_rate_goes_on_from_window_to_window():
    guard = Guard(Engine([rule(1, "a")]), still, Limits(window=4, most=4))

    assert len(list(guard.match(EVENTS))) == 40
    assert not guard.set_aside


def test_a_rule_that_takes_more_time_than_it_may_is_set_aside_and_the_others_go_on():
    slow = iter([0.0, 3.0, 3.0, 3.0, 3.0, 6.0] + [6.0] * 1000)
    guard = Guard(Engine([rule(1, "a"), rule(2, "b")]), lambda: next(slow), Limits(seconds=5))

    found = [match.rule for match in guard.match(EVENTS)]

    assert [(each.rule, each.code) for each in guard.set_aside.values()] == [("r1", "rule-time")]
    assert found.count("r1") == 2
    assert found.count("r2") == 40
