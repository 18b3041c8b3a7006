"""Consent at three terminals: asked for, looked at, given with a person's own key, and taken back."""

import json

import pytest

from tests.journeys.conftest import PACT, indicator
from tests.journeys.test_two_nations import names

AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"


@pytest.fixture
def three(allies):
    """Borea holds what Asteria gave it as AMBER, and proposes it to Caria."""
    allies.found("caria")
    allies.befriend("borea", "caria")
    allies.befriend("asteria", "caria")
    text = PACT.replace("asteria", "caria").replace("Asteria", "Caria").replace('"pact"', '"south"')
    allies.agree(text, "borea", "caria")
    marked = indicator(1, "first stage") | {"object_marking_refs": [AMBER]}
    file = allies.folder / "one.json"
    file.write_text(
        json.dumps(
            {
                "type": "bundle",
                "id": f"bundle--{'0' * 8}-0000-4000-8000-{'0' * 12}",
                "objects": [marked],
            }
        )
    )
    [done] = allies.ask("asteria", "import", file, "--own", actor="amal")
    allies.do("asteria", "release", done["objects"][0], "--agreement", "pact", actor="amal")
    allies.settle()
    allies.do("borea", "release", marked["id"], "--agreement", "south", actor="amal")
    allies.settle()
    assert "first stage" not in names(allies, "caria")
    return allies


def test_asked_given_passed_on_and_taken_back(three):
    id_ = indicator(1, "")["id"]
    three.do("borea", "consent", "ask", id_, "--to", "caria", "--reason", "hit too", actor="amal")
    three.settle()
    [asked] = three.ask("asteria", "consent", "list", actor="lina")
    key = ("--key", three.key("asteria", "lina"))

    no = three.run("asteria", "consent", "give", asked["number"], *key, actor="lina", typed="\n")
    three.settle()
    before = names(three, "caria")
    three.do("asteria", "consent", "give", asked["number"], *key, "--yes", actor="lina")
    three.settle()
    after = names(three, "caria")
    [told] = three.ask("borea", "consent", "list", actor="amal")
    three.do("asteria", "consent", "refuse", asked["number"], *key, actor="lina")
    three.settle()
    [last] = three.ask("borea", "consent", "list", actor="amal")

    assert (asked["state"], asked["asker"], asked["reason"]) == ("asked", "borea", "hit too")
    assert no.exit_code == 1
    assert ("first stage" in before, "first stage" in after) == (False, True)
    assert (told["state"], last["state"]) == ("given", "refused")


def test_who_may_not_answer(three):
    id_ = indicator(1, "")["id"]
    three.do("borea", "consent", "ask", id_, "--to", "caria", "--reason", "x", actor="amal")
    three.settle()
    key = ("--key", three.key("asteria", "lina"))

    by_analyst = three.run("asteria", "consent", "give", "1", *key, "--yes", actor="amal")
    by_asker = three.run(
        "borea", "consent", "give", "1", "--key", three.key("borea", "lina"), "--yes", actor="lina"
    )
    unheard = three.run("asteria", "consent", "refuse", "99", *key, actor="lina")

    assert [each.exit_code for each in (by_analyst, by_asker, unheard)] == [3, 4, 4]
