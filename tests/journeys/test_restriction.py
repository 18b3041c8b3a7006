"""A legal officer's list at a terminal: seen beforehand, holding at once, explained, lifted."""

import pytest

from tests.journeys.conftest import indicator
from tests.journeys.test_two_nations import names, taken_in

LAW = ("--to", "borea", "--label", "Export", "--basis", "act 7", "--reason", "no export")


@pytest.fixture
def lawful(allies):
    """Asteria has a legal officer, and two indicators on Borea's shelf that it has not fetched."""
    roles = ("--role", "legal", "--clearance", "RED", "--key", allies.key("asteria", "lea"))
    allies.do("asteria", "actor", "add", "lea", *roles, actor="omar")
    numbers = taken_in(
        allies, indicator(1, "stage one", labels=["EXPORT"]), indicator(2, "stage two"), tlp="AMBER"
    )
    allies.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    allies.workers["asteria"].show()
    return allies, numbers


def test_an_entry_holds_when_the_command_returns_and_says_why_when_asked(lawful):
    allies, numbers = lawful
    seen = allies.ask("asteria", "restriction", "add", *LAW, "--preview", actor="lea")
    none = allies.ask("asteria", "restriction", "list", actor="amal")
    added = allies.ask("asteria", "restriction", "add", *LAW, "--yes", actor="lea")
    allies.settle()

    assert (seen["gone"], none, added["gone"]) == (["borea: 1"], [], ["borea: 1"])
    assert names(allies, "borea") == {"stage two"}
    [row] = allies.ask("asteria", "restriction", "list", actor="amal")
    assert (row["restriction"], row["labels"], row["person"]) == ("holds", ["export"], "lea")
    for language, said in (("en", "act 7"), ("fr", "restriction 1"), ("ar", "القيد")):
        why = allies.do(
            "asteria", "explain", numbers[0], "--to", "borea", actor="amal", language=language
        )
        assert said in why


def test_only_a_legal_officer_writes_and_lifts(lawful):
    allies, _ = lawful
    by_owner = allies.run("asteria", "restriction", "add", *LAW, "--yes", actor="lina")
    allies.do("asteria", "restriction", "add", *LAW, "--yes", actor="lea")
    lift = ("restriction", "lift", "1", "--reason", "repealed", "--yes")
    by_analyst = allies.run("asteria", *lift, actor="amal")
    allies.do("asteria", *lift, actor="lea")
    allies.settle()

    assert (by_owner.exit_code, by_analyst.exit_code) == (3, 3)
    assert "stage one" in names(allies, "borea")
    [row] = allies.ask("asteria", "restriction", "list", "--past", actor="amal")
    assert (row["restriction"], row["lifted_by"], row["why"]) == ("lifted", "lea", "repealed")


def test_a_no_writes_nothing(lawful):
    allies, _ = lawful
    no = allies.run("asteria", "restriction", "add", *LAW, actor="lea", typed="n\n")

    assert no.exit_code == 1
    assert allies.ask("asteria", "restriction", "list", actor="lea") == []


def test_what_is_lifted_is_shown_first_and_what_is_not_there_is_not_asked_about(lawful):
    allies, _ = lawful
    allies.do("asteria", "restriction", "add", *LAW, "--yes", actor="lea")
    lift = ("restriction", "lift")
    no = allies.run("asteria", *lift, "1", "--reason", "over", actor="lea", typed="n\n")
    nothing = allies.run("asteria", *lift, "7", "--reason", "over", actor="lea", typed="y\n")

    assert "act 7" in no.output
    assert no.exit_code == 1
    assert (nothing.exit_code, "[y/N]" in nothing.output) == (4, False)
