"""What shares values with an object, looked up when asked; what is common or harmless ties nothing."""

import pytest

from mithaq.errors import NotFound
from mithaq.intel import read_out
from mithaq.intel.relating import correlating
from mithaq.model.labels import Tlp
from tests.rooms.intel.conftest import NOW, on_both, person
from tests.rooms.intel.test_finding import indicator, made
from tests.rooms.intel.test_service import desk

__all__ = ["desk"]
AT = "2026-01-01T00:00:00Z"
ONE = indicator(1, "[url:value = 'http://evil.example/a' OR ipv4-addr:value = '198.51.100.7']")


def report(number, *bodies):
    return made(
        "report", number, name="r", published=AT, object_refs=[each["id"] for each in bodies]
    )


@pytest.fixture(params=[False, True], ids=["at once", "read out"])
def found(request, desk, core):
    def look(body=ONE, **more):
        if request.param:
            read_out(core, NOW)
        return desk.ask(correlating.correlate, body["id"], **more)

    return look


def shared(correlation):
    return {
        int(each.copy.object.id[-3:]): sorted(
            (e.value.text, e.said.text, e.within) for e in each.evidence
        )
        for each in correlation.tied
    }


@on_both
def test_what_says_a_value_or_lies_at_the_same_host_is_tied_with_the_evidence(desk, found):
    same = indicator(2, "[url:value = 'http://EVIL.example/a']")
    host = indicator(3, "[url:value = 'https://evil.example/b']")
    other = indicator(4, "[ipv4-addr:value = '198.51.100.8']")
    about, far = report(5, host, other, same), report(6, other)
    desk.add(ONE, same, host, source=desk.source("one"))
    desk.add(other, about, far, source=desk.source("two"))

    seen = found()

    host_of = ("evil.example", "https://evil.example/b", "http://evil.example/a")
    assert shared(seen)[3] == [host_of]
    assert ("http://evil.example/a", "http://evil.example/a", "") in shared(seen)[2]
    assert [*shared(seen)] == [2, 3]
    assert [(c.object.id, len(ids)) for c, ids in seen.reports] == [(about["id"], 2)]
    assert seen.sources == {"file:one": (2, 2)}
    assert not seen.more


def test_a_report_is_tied_by_what_it_is_about_and_not_to_that(desk, found):
    mine, theirs = report(5, ONE), report(6, indicator(2, ""))
    desk.add(ONE, mine, indicator(2, "[ipv4-addr:value = '198.51.100.7']"), theirs)

    seen = found(mine)

    assert [*shared(seen)] == [2]
    assert [copy.object.id for copy, _ in seen.reports] == [theirs["id"]]


@on_both
def test_what_too_many_speak_of_is_common_and_ties_nothing(desk, found):
    crowd = [
        indicator(n, "[ipv4-addr:value = '198.51.100.7']")
        for n in range(100, 100 + correlating.COMMON)
    ]
    desk.add(ONE, *crowd)

    seen = found()

    assert ([value.text for value in seen.common], seen.tied, seen.sources) == (
        ["198.51.100.7"],
        [],
        {},
    )


def test_what_the_actor_may_not_read_makes_nothing_common_and_counts_nowhere(desk, found):
    low = person(Tlp.GREEN)
    desk.add(ONE, indicator(2, "[ipv4-addr:value = '198.51.100.7']"))
    before = found(actor=low)
    crowd = [
        indicator(n, "[ipv4-addr:value = '198.51.100.7']")
        for n in range(100, 102 + correlating.COMMON)
    ]
    desk.add(*crowd, report(7, ONE, indicator(2, "")), tlp=Tlp.AMBER, source=desk.source("other"))

    assert found(actor=low) == before
    assert [value.text for value in found().common] == ["198.51.100.7"]
    desk.add(report(8, ONE), tlp=Tlp.AMBER)
    with pytest.raises(NotFound):
        found(report(8), actor=low)
