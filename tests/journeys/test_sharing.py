"""Who has it, what came, what happened and what it was worth, at the command line; and what changes it."""

import pytest

from tests.journeys.conftest import indicator
from tests.journeys.test_export import asteria
from tests.journeys.test_two_nations import taken_in

__all__ = ["asteria"]


@pytest.fixture
def told(asteria):
    """A firewall is told of an indicator by Asteria, which holds another."""
    pattern = "[domain-name:value = '{}.example']".format
    two = (indicator(n, name, pattern=pattern(name)) for n, name in ((1, "one"), (2, "two")))
    numbers = taken_in(asteria, *two, tlp="GREEN")
    release = ("release", numbers[0], "--agreement", "grant-firewall")
    asteria.do("asteria", *release, actor="amal")
    asteria.settle()
    return asteria


def test_where_it_is_where_it_came_from_and_what_happened_is_told(told):
    def ask(*line):
        return told.ask("asteria", *line, actor="amal")

    list_ = told.folder / "list.txt"
    list_.write_text("three.example\n")
    told.do("asteria", "import", list_, "--tlp", "GREEN", actor="amal")
    who = ask("who-has", "one.example")
    came = ask("came", "--type", "indicator")
    events = ask("timeline", "one.example")
    text = told.do("asteria", "timeline", "indicator", "--limit", "2", actor="amal")

    [went] = who["went"]
    assert (went["peer"], went["agreement"], went["became"]) == (
        "firewall",
        "grant-firewall",
        "on-show",
    )
    assert [(each["from"], each["versions"]) for each in came["counts"]] == [("file:list", 1)]
    assert [each["from"] for each in came["objects"]] == ["file:list"]  # the rest is our own
    assert [each["what"] for each in events][-1] == "released"
    assert len(text.splitlines()) == 3
    for line in (("who-has", "one.example"), ("came",), ("balance",), ("balance", "--how")):
        told.do("asteria", *line, actor="amal")
    assert told.ask("asteria", "balance", actor="amal")["balances"] == []
    assert told.run("asteria", "who-has", "no value", actor="amal").exit_code == 4
    assert told.run("asteria", "timeline", "nosuchword", actor="amal").exit_code == 4


def test_what_is_ours_and_what_it_is_worth_change_what_a_firewall_is_told(told):
    def domains():
        out = told.folder / "out"
        told.do("asteria", "export", "firewall", "--out", out, actor="omar")
        return (out / "domains.txt").read_text().split()

    assert domains() == ["one.example"]
    because = ("--because", "our own")
    told.do("asteria", "benign", "own", "one.example", *because, actor="lina")
    assert domains() == []
    assert [r["counts_as"] for r in told.ask("asteria", "benign", "rulings", actor="omar")] == [
        "own"
    ]
    told.do("asteria", "benign", "undo", "one.example", *because, actor="lina")
    told.do("asteria", "benign", "allow", "one.example", *because, actor="lina")
    assert domains() == ["one.example"]
    told.do("asteria", "peer", "worth", "firewall", "99", actor="omar")
    assert domains() == []
    assert told.ask("asteria", "peer", "show", "firewall", actor="omar")["least_worth"] == 99
    assert (
        told.run("asteria", "benign", "own", "one.example", *because, actor="amal").exit_code == 3
    )
    assert len(told.ask("asteria", "search", "--worth", "1", actor="amal")) in {0, 2}


def test_many_are_marked_after_a_look_and_a_feeds_terms_change_after_one(told):
    every = ("mark", "--type", "indicator", "--tlp", "AMBER")

    look = told.ask("asteria", *every, "--preview", actor="amal")
    done = told.ask("asteria", *every, "--yes", actor="amal")
    assert [(each["becomes"], each["count"]) for each in look] == [("marked", 2)]
    assert done == {"marked": 2, "refused": 0}
    assert told.run("asteria", "mark", "2", *every[1:], actor="amal").exit_code == 2

    add = ("feed", "add", "lists", "https://lists.example/a.txt", "--tlp", "GREEN")
    told.do("asteria", *add, actor="omar")
    revise = ("feed", "revise", "lists", "--tlp", "AMBER", "--every", "2d")
    look = told.ask("asteria", *revise, "--preview", actor="omar")
    assert {each["field"] for each in look} == {"tlp", "every"}
    made = told.ask("asteria", *revise, "--yes", actor="omar")
    assert (made["marking"], made["every_seconds"]) == ("TLP:AMBER", 172_800)
