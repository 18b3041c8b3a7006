"""A director's yes beforehand at a terminal: signed, used at night, reviewed in the morning."""

import pytest

from tests.journeys.conftest import indicator
from tests.journeys.test_two_nations import names, taken_in

UNTIL = ("--until", "2026-03-20", "--zone", "UTC", "--count", "1")
ALWAYS = ("--hours", "daily 00:00-24:00")


@pytest.fixture
def directed(allies):
    """Asteria has a director."""
    roles = ("--role", "director", "--clearance", "RED", "--key", allies.key("asteria", "dora"))
    allies.do("asteria", "actor", "add", "dora", *roles, actor="omar")
    return allies


def new(town, *more, actor="dora"):
    what = ("standing", "new", "--kind", "indicator", "--to", "borea", *UNTIL)
    key = ("--key", town.key("asteria", actor))
    return town.run("asteria", *what, *key, *more, actor=actor)


def test_what_is_proposed_in_its_hours_goes_and_is_looked_at_in_the_morning(directed):
    assert new(directed, *ALWAYS, "--yes").exit_code == 0
    numbers = taken_in(directed, indicator(1, "one"), indicator(2, "two"), tlp="AMBER+STRICT")
    made = directed.ask("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    directed.settle()

    assert (len(made["beforehand"]), len(made["waiting"])) == (1, 1)
    assert len(names(directed, "borea") & {"one", "two"}) == 1
    [listed] = directed.ask("asteria", "standing", "list", actor="amal")
    assert (listed["director"], listed["used"]) == ("dora", "1/1")
    assert listed["standing_state"] == "used-up"
    assert directed.ask("asteria", "status")["review"] == 1
    [use] = directed.ask("asteria", "standing", "review", actor="dora")
    seen = ("standing", "review", use["number"], "--seen")
    assert directed.run("asteria", *seen, actor="amal").exit_code == 3
    assert directed.ask("asteria", *seen, actor="dora")["reviewed_by"] == "dora"
    assert directed.ask("asteria", "standing", "review", actor="dora") == []
    [past] = directed.ask("asteria", "standing", "review", "--past", actor="dora")
    assert past["verdict"] == "seen"


def test_what_was_wrong_at_night_is_taken_back_by_the_review(directed):
    new(directed, *ALWAYS, "--yes")
    numbers = taken_in(directed, indicator(1, "one"), tlp="AMBER+STRICT")
    said = directed.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    directed.settle()
    assert "beforehand" in said
    assert "one" in names(directed, "borea")

    [use] = directed.ask("asteria", "standing", "review", actor="dora")
    directed.do("asteria", "standing", "review", use["number"], "--recall", "--yes", actor="dora")
    directed.settle()

    assert "one" not in names(directed, "borea")


def test_only_a_director_signs_one_and_a_no_signs_nothing(directed):
    no = directed.run(
        "asteria", "standing", "new", "--kind", "*", "--to", "borea", *UNTIL, *ALWAYS,
        "--key", directed.key("asteria", "dora"), actor="dora", typed="n\n",
    )  # fmt: skip
    codes = [
        no.exit_code,
        new(directed, *ALWAYS, "--yes", actor="lina").exit_code,
        new(directed, *ALWAYS, "--yes", "--level", "RED").exit_code,
        new(directed, "--hours", "at night", "--yes").exit_code,
        directed.run("asteria", "standing", "review", "1", actor="dora").exit_code,
        directed.run("asteria", "standing", "revoke", "9", actor="dora").exit_code,
    ]

    assert codes == [1, 3, 2, 2, 2, 4]
    assert directed.ask("asteria", "standing", "list", actor="amal") == []


def test_a_revoked_one_counts_no_more(directed):
    new(directed, *ALWAYS, "--yes")
    directed.do("asteria", "standing", "revoke", "1", actor="dora")
    numbers = taken_in(directed, indicator(1, "one"), tlp="AMBER+STRICT")

    made = directed.ask("asteria", "release", *numbers, "--agreement", "pact", actor="amal")

    assert made["waiting"] == [int(n) for n in numbers]
    assert made["beforehand"] == []
