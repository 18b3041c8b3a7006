"""What a list says becomes objects once; said again it is known, and said otherwise it is a version of the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import stix2

from mithaq import intel
from mithaq.clock import text
from mithaq.formats import BUILT_IN, Undated
from mithaq.intel.keeping.undated import dated
from mithaq.model.labels import Beside, Tlp
from tests.rooms.intel.conftest import NOW, person

SOON = NOW + timedelta(days=7)


@pytest.fixture
def take(core, us):
    """Take in a list of a source at an instant; return what came of it."""

    def take(written, now=NOW, *, name="feed", own=False, ours=us):
        with core.read() as unit:
            source = intel.source(unit, name)
        raw = written.encode()
        incoming = intel.Incoming(raw=raw, source=source, own=own, beside=Beside(tlp=Tlp.GREEN))
        return intel.add(core, ours, person(), incoming, now, formats=BUILT_IN)

    return take


@pytest.fixture
def held(core, us):
    """Return every version of what holds some words, newest first."""

    def held(words):
        with core.read() as unit:
            ids = {copy.object.id for copy in intel.search(unit, us, person(), words)}
            return [copy for id_ in ids for copy in intel.versions(unit, us, person(), id_)]

    return held


def test_a_line_becomes_an_indicator_of_now(take, held):
    added = take("evil.example\n")

    [copy] = held("evil")
    body = copy.object.body
    assert added.stored == [copy.seq]
    assert body["created"] == body["modified"] == body["valid_from"] == text(NOW)
    assert UUID(body["id"].removeprefix("indicator--")).version == 4
    assert stix2.parse(dict(body))["pattern"] == "[domain-name:value = 'evil.example']"
    assert intel.marking(copy) == "TLP:GREEN"


def test_the_same_list_again_is_known_whatever_the_day_and_the_order(take):
    lines = [f"e{n}.example" for n in range(5)]
    take("\n".join(lines))

    again = take("# of today\n" + "\n".join(reversed(lines)), SOON)

    assert (again.stored, again.known, again.rejected) == ([], 5, [])


def test_a_line_that_says_something_else_is_a_new_version_of_the_same_object(take, held):
    take("value,name\nevil.example,one\nb.example,x\n")

    added = take("value,name\nhxxp://c.example,y\nb.example,x\nevil[.]example,two\n", SOON)

    new, old = (copy.object.body for copy in held("evil"))
    assert (len(added.stored), added.known) == (2, 1)
    assert (new["id"], new["created"], new["valid_from"]) == (old["id"], text(NOW), text(NOW))
    assert (old["name"], new["name"]) == ("one", "two")
    assert (old["modified"], new["modified"]) == (text(NOW), text(SOON))


def test_what_is_said_as_once_before_is_new_again(take, held):
    for number, name in enumerate(("one", "two", "one", "one")):
        take(f"value,name\nevil.example,{name}\n", NOW + timedelta(days=number))

    assert [copy.object.body["name"] for copy in held("evil")] == ["one", "two", "one"]


@pytest.mark.parametrize("now", [NOW, NOW - timedelta(days=1)])
def test_a_new_version_is_later_even_if_the_clock_is_not(take, held, now):
    take("value,name\nevil.example,one\n")
    take("value,name\nevil.example,two\n", now)

    new, old = (copy.object.body for copy in held("evil"))
    assert new["name"] == "two"
    assert (
        new["created"] == old["modified"] < new["modified"] == text(NOW + timedelta(milliseconds=1))
    )


def test_a_date_in_the_list_is_kept_and_one_that_goes_leaves_the_first(take, held):
    take("value,date\nevil.example,2024-05-01\n")
    assert take("value,date\nevil.example,2024-05-01\n", SOON).known == 1
    take("value,date\nevil.example,\n", SOON)

    new, old = (copy.object.body["valid_from"] for copy in held("evil"))
    assert (old, new) == ("2024-05-01T00:00:00.000Z", text(NOW))


def test_each_source_and_each_node_names_it_by_itself(take, held, us):
    take("evil.example\n")
    take("evil.example\n", name="other")
    take("evil.example\n", own=True)
    take("evil.example\n", ours=replace(us, secret=b"t" * 32))

    ids = [copy.object.id for copy in held("evil")]
    assert len(ids) == len(set(ids)) == 4


def test_what_breaks_the_rules_of_objects_is_refused_and_its_neighbours_come_in(core, us):
    said = [
        Undated(position=0, key="a", body={"type": "tool", "spec_version": "2.1", "name": "a"}),
        Undated(position=1, key="b", body={"type": "tool", "spec_version": "2.1", "name": 7}),
    ]

    with core.read() as unit:
        found = dated(unit, us, "file:feed", said, datetime(2026, 3, 1, tzinfo=UTC))

    [tool] = found.fresh
    [(refused, error)] = found.refused
    assert tool.body.keys() == {"type", "spec_version", "name", "id", "created", "modified"}
    assert (refused.position, error.facts["where"], found.known) == (1, "/name", 0)


RULE = """\
title: Beacon of rules
id: 19b08b1c-861d-4e75-a1ef-ea0c1baf202b
date: 2023-02-15
modified: {day}
level: {level}
logsource: {{product: windows}}
detection: {{a: {{x: y}}, condition: a}}
"""


def test_a_rule_names_itself_and_its_day_and_is_the_same_object_wherever_it_comes_from(take, held):
    take(RULE.format(day="2024-05-01", level="low"))
    take(RULE.format(day="2024-05-01", level="low"), SOON, name="other")

    one, other = (copy.object for copy in held("beacon"))
    assert one.raw == other.raw
    assert one.id == "indicator--19b08b1c-861d-4e75-a1ef-ea0c1baf202b"
    assert one.body["created"] == one.body["valid_from"] == "2023-02-15T00:00:00.000Z"
    assert one.version == "2024-05-01T00:00:00.000Z"


def test_the_next_version_of_a_rule_is_the_next_version_of_its_object(take, held):
    """Whoever forgets to change the day has changed the rule all the same; an older rule stays the older one."""
    days = [
        ("2024-05-01", "low"),
        ("2024-05-01", "high"),
        ("2025-06-02", "low"),
        ("2022-12-31", "low"),
    ]
    for day, level in days:
        take(RULE.format(day=day, level=level))

    again = take(RULE.format(day="2025-06-02", level="low"), SOON)

    assert (again.stored, again.known) == ([], 1)
    assert [copy.object.version for copy in held("beacon")] == [
        "2025-06-02T00:00:00.000Z",
        "2024-05-01T00:00:00.001Z",
        "2024-05-01T00:00:00.000Z",
        "2023-02-15T00:00:00.000Z",
    ]


def test_a_rule_that_tells_of_a_day_to_come_is_of_now(take, held):
    take(RULE.format(day="2099-05-01", level="low"))

    assert [copy.object.version for copy in held("beacon")] == [text(NOW)]
