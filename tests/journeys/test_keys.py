"""Our keys at the command line: listed, turned, revoked; and the readers we sign for."""

import pytest

from tests.journeys.conftest import indicator
from tests.journeys.test_two_nations import names, taken_in


@pytest.fixture
def root(allies):
    """Where the root key of Asteria lies, and the words that name it on a line."""
    return ("--root-key", allies.folder / "asteria" / "core" / "keys" / "root.pem")


def states(town):
    return [row["state"] for row in town.ask("asteria", "key", "list", actor="omar")]


def test_a_key_is_turned_and_what_is_released_after_still_arrives(allies, root):
    before = states(allies)
    told = allies.ask("asteria", "key", "rotate", *root, "--after", "1h", actor="omar")
    waiting = states(allies)
    allies.settle()
    allies.clock.step(3700)
    allies.settle()
    after = states(allies)
    numbers = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    allies.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    allies.settle()

    assert (before, waiting, after) == (["signs"], ["signs", "to-come"], ["counts", "signs"])
    assert told["version"] == 2
    assert "first stage" in names(allies, "borea")


def test_a_revocation_is_asked_about_and_sets_aside_what_came_since(allies, root):
    [key] = [row["key"] for row in allies.ask("asteria", "key", "list", actor="omar")]
    numbers = taken_in(allies, indicator(1, "first stage"), tlp="AMBER")
    since = allies.clock().isoformat()
    allies.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    allies.settle()
    line = ("key", "revoke", key[:20], "--since", since, *root)

    no = allies.run("asteria", *line, actor="omar", typed="\n")
    allies.do("asteria", *line, "--yes", actor="omar")
    allies.settle()

    assert no.exit_code == 1
    assert states(allies) == ["signs", "revoked"]
    assert "first stage" not in names(allies, "borea")
    [aside] = allies.ask("borea", "quarantine", "list", actor="lina")
    assert (aside["code"], aside["where"]) == ("key-revoked", key)
    line = ("key", "touched", key[:20], "--since", since)
    [sealed] = allies.ask("asteria", *line, actor="omar")
    [there] = allies.ask("borea", *line, actor="omar")
    assert (sealed["peer"], sealed["kind"], sealed["id"]) == ("borea", "release", aside["id"])
    assert (there["peer"], there["agreement"], there["id"]) == ("asteria", "pact", aside["id"])
    assert allies.run("borea", *line, actor="amal").exit_code == 3


def test_who_may_not_and_with_what_not(allies, root):
    other = ("--root-key", allies.key("asteria", "lina"))

    by_analyst = allies.run("asteria", "key", "rotate", *root, actor="amal")
    by_other_key = allies.run("asteria", "key", "rotate", *other, actor="omar")
    no_such = allies.run(
        "asteria", "key", "revoke", "ffff", "--since", "2026-01-01", *root, actor="omar"
    )
    bad = allies.run("asteria", "key", "readers", "--reader", "x", *root, actor="omar")

    codes = [each.exit_code for each in (by_analyst, by_other_key, no_such, bad)]
    assert codes == [3, 3, 2, 2]
    assert states(allies) == ["signs"]


def test_readers_are_signed_for_and_seen_by_the_partner(allies, root):
    reader = ("--reader", "duty-1=duty officer:D. Officer")
    allies.do("asteria", "key", "readers", *reader, *root, actor="omar")
    allies.settle()

    shown = allies.ask("borea", "peer", "show", "asteria", actor="omar")

    assert shown["readers"] == ["duty-1 D. Officer"]
