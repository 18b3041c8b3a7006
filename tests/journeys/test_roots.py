"""A threshold root at the command line: three keys kept apart, drafts carried to them, two of them enough."""

import json
from pathlib import Path

import pytest

from mithaq.seal.drafts import from_bytes
from tests.journeys.conftest import indicator
from tests.journeys.test_two_nations import names, taken_in

SECRET = "an old song about rain"


@pytest.fixture
def old(allies):
    """Where the one root key of Asteria lies that ``init`` made."""
    return allies.folder / "asteria" / "core" / "keys" / "root.pem"


def made(town, *labels):
    """Make root keys on a machine that has no node; return their ids."""
    found = []
    for label in labels:
        done = town.do("nowhere", "key", "root", label, "--no-passphrase", "--json")
        found.append(json.loads(done)["key"])
    return found


def propose(town, *line, file="draft.json"):
    Path(file).unlink(missing_ok=True)
    return town.ask("asteria", "key", "propose", file, *line, actor="omar")


def sign(town, *keys, file="draft.json"):
    for key in keys:
        done = town.ask("nowhere", "key", "sign", file, "--with", key, "--yes")
    return done


def publish(town, *files, code=0):
    done = town.run("asteria", "key", "publish", *(files or ["draft.json"]), "--yes", actor="omar")
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def two_of_three(allies, old):
    """Asteria's root is two of three keys from its second document on."""
    made(allies, "a", "b", "c")
    public = [("--root", f"{label}.pub.pem") for label in "abc"]
    propose(allies, *sum(public, ()))
    sign(allies, old, "a.pem", "b.pem")
    publish(allies)
    allies.settle()
    return allies


def test_a_threshold_root_is_made_by_carrying_files_and_partners_follow(two_of_three):
    town = two_of_three
    roots = town.ask("asteria", "key", "roots")
    seen = town.ask("borea", "peer", "show", "asteria", actor="omar")

    assert (roots["threshold"], len(roots["roots"]), roots["version"]) == (2, 3, 2)
    assert (seen["keys_version"], seen["keys_roots"]) == (2, "2/3")
    assert "single-root" not in town.ask("asteria", "status")["warnings"]
    assert "single-root" in town.ask("borea", "status")["warnings"]


def test_two_of_three_turn_the_key_and_what_is_released_after_still_arrives(two_of_three):
    town = two_of_three
    propose(town, "--rotate", "--after", "1h")
    sign(town, "c.pem", "a.pem")
    publish(town)
    town.settle()
    town.clock.step(3700)
    numbers = taken_in(town, indicator(1, "first stage"), tlp="AMBER")
    town.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    town.settle()

    assert "first stage" in names(town, "borea")
    states = [row["state"] for row in town.ask("asteria", "key", "list", actor="omar")]
    assert states == ["counts", "signs"]


def test_one_key_is_one_key_however_often_it_signs(two_of_three):
    town = two_of_three
    propose(town, "--rotate")
    once, twice = sign(town, "a.pem"), sign(town, "a.pem")
    copy = Path("copy.json")
    copy.write_bytes(Path("draft.json").read_bytes())

    assert once["lacking"] == twice["lacking"] == {"before": 1, "own": 1}
    assert "missing" in publish(town, "draft.json", "copy.json", code=3)


def test_copies_signed_apart_are_put_together(two_of_three):
    town = two_of_three
    propose(town, "--rotate")
    Path("copy.json").write_bytes(Path("draft.json").read_bytes())
    sign(town, "a.pem")
    sign(town, "b.pem", file="copy.json")

    publish(town, "draft.json", code=3)
    publish(town, "draft.json", "copy.json")


def test_the_root_before_has_no_more_to_say(two_of_three, old):
    town = two_of_three
    propose(town, "--rotate")
    done = town.run("nowhere", "key", "sign", "draft.json", "--with", old, "--yes")

    assert done.exit_code == 3
    assert not from_bytes(Path("draft.json").read_bytes()).envelope.signatures


def test_a_root_that_leaves_signs_its_leaving_and_nothing_after(two_of_three):
    town = two_of_three
    made(town, "d")
    propose(town, *sum([("--root", f"{label}.pub.pem") for label in "abd"], ()))
    left = sign(town, "c.pem", "a.pem")["lacking"]
    publish(town, code=3)
    sign(town, "d.pem")
    publish(town)
    town.settle()
    propose(town, "--rotate")
    after = town.run("nowhere", "key", "sign", "draft.json", "--with", "c.pem", "--yes")

    assert left == {"before": 0, "own": 1}
    assert after.exit_code == 3
    assert town.ask("borea", "peer", "show", "asteria", actor="omar")["keys_version"] == 3


def test_a_lower_threshold_takes_the_old_one_and_is_warned_of(two_of_three):
    town = two_of_three
    propose(town, "--root", "a.pub.pem", "--threshold", "1")
    left = sign(town, "a.pem")["lacking"]
    shown = town.run("nowhere", "key", "sign", "draft.json", "--with", "b.pem", typed="n\n")

    assert left == {"before": 1, "own": 0}
    assert "WARNING" in shown.output
    publish(town, code=3)
    sign(town, "b.pem")
    publish(town)
    assert "single-root" in town.ask("asteria", "status")["warnings"]


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_whoever_signs_is_shown_what_first_and_may_say_no(two_of_three, language):
    town = two_of_three
    propose(town, "--rotate", "--url", "http://new.example", "--pin", "sha256:" + "ab" * 32)
    before = Path("draft.json").read_bytes()
    line = ("key", "sign", "draft.json", "--with", "a.pem")
    shown = town.run("nowhere", *line, typed="\n", language=language)

    assert shown.exit_code == 1
    assert Path("draft.json").read_bytes() == before
    for said in ("http://new.example", "sha256:" + "ab" * 32, "asteria", "2026-"):
        assert said in shown.output


def test_a_draft_changed_on_the_way_back_is_not_published(two_of_three):
    town = two_of_three
    propose(town, "--rotate")
    sign(town, "a.pem", "b.pem")
    file = json.loads(Path("draft.json").read_text())
    swapped = propose(town, "--url", "http://evil.example", file="other.json")
    other = json.loads(Path("other.json").read_text())
    Path("draft.json").write_text(json.dumps(other | {"signatures": file["signatures"]}))

    assert swapped["version"] == 3
    publish(town, code=3)
    assert town.ask("asteria", "key", "roots")["version"] == 2


def test_a_draft_that_came_too_late_is_proposed_anew(two_of_three):
    town = two_of_three
    propose(town, "--rotate", file="one.json")
    propose(town, "--rotate", file="two.json")
    for file in ("one.json", "two.json"):
        sign(town, "a.pem", "b.pem", file=file)
    publish(town, "one.json")

    assert "propose anew" in publish(town, "two.json", code=5)


def test_a_root_key_is_kept_under_a_passphrase_typed_twice(allies):
    wrong = allies.run("nowhere", "key", "root", "x", typed=f"{SECRET}\nanother\n\n")
    allies.do("nowhere", "key", "root", "x", typed=f"{SECRET}\n{SECRET}\n")
    private = Path("x.pem")

    assert wrong.exit_code != 0
    assert b"ENCRYPTED" in private.read_bytes()
    assert private.stat().st_mode & 0o077 == 0
    propose(allies, "--root", "x.pub.pem")
    line = ("key", "sign", "draft.json", "--with", private, "--yes")
    assert allies.run("nowhere", *line, typed="no\n").exit_code == 2
    allies.do("nowhere", *line, typed=f"{SECRET}\n")


def test_what_cannot_be_used_is_said_in_a_sentence(two_of_three):
    town = two_of_three
    Path("x").write_text("{}")
    for line, code in (
        (("propose", "y", "--root", "x"), 2),
        (("propose", "y", "--pin", "x"), 2),
        (("propose", "y", "--pin", "sha256:12"), 2),
        (("propose", "y", "--threshold", "4"), 2),
        (("propose", "y", "--revoke", "ab"), 2),
        (("propose", "y", "--revoke", "zz", "--since", "2026-01-01"), 2),
        (("propose", "y", "--identity", "tool--1"), 2),
        (("publish", "x", "--yes"), 2),
        (("publish", "nothing-here", "--yes"), 2),
        (("sign", "x", "--with", "a.pem", "--yes"), 2),
        (("sign", "x", "--with", "a.pem", "--json"), 2),
    ):
        done = town.run("asteria", "key", *line, actor="omar")
        assert done.exit_code == code, (line, done.output)
        assert not Path("y").exists()


def test_only_an_operator_proposes_and_publishes(two_of_three):
    town = two_of_three
    assert town.run("asteria", "key", "propose", "y", actor="amal").exit_code == 3
    propose(town, "--rotate")
    sign(town, "a.pem", "b.pem")
    assert town.run("asteria", "key", "publish", "draft.json", "--yes", actor="lina").exit_code == 3


# --- loss ------------------------------------------------------------------------------------------------
def test_root_keys_that_are_lost_are_followed_by_new_words_typed_at_the_partner(two_of_three):
    town = two_of_three
    before = town.words("asteria")
    made(town, "x", "y", "z")
    line = ("key", "anew", "draft.json", *sum([("--root", f"{n}.pub.pem") for n in "xyz"], ()))
    Path("draft.json").unlink()
    no = town.run("asteria", *line, "--rotate", actor="omar", typed="n\n")
    town.do("asteria", *line, "--rotate", "--yes", actor="omar")
    assert sign(town, "x.pem", "z.pem")["lacking"] == {"before": 0, "own": 0}
    shown = publish(town)
    town.settle()
    [seen] = town.ask("borea", "status")["peers"]
    after = town.words("asteria")
    wrong = town.run("borea", "peer", "renew", "asteria", "--words", before, actor="omar")
    town.do("borea", "peer", "renew", "asteria", actor="omar", typed=f"{after}\n")
    town.settle(8)
    numbers = taken_in(town, indicator(1, "first stage"), tlp="AMBER")
    town.do("asteria", "release", *numbers, "--agreement", "pact", actor="amal")
    town.settle()

    assert no.exit_code == 1
    assert after != before
    assert all(word in shown for word in after.split())
    assert seen["state"] == "begins-anew"
    assert wrong.exit_code == 2
    assert "first stage" in names(town, "borea")
    [seen] = town.ask("borea", "status")["peers"]
    assert seen["state"] == "confirmed"


def test_a_home_without_its_exchange_key_says_so_and_makes_another(allies, old):
    home = allies.folder / "asteria"
    for file in (home / "core" / "keys").glob("exchange*.pem"):
        file.unlink()
    status = allies.ask("asteria", "status")
    served = allies.run("asteria", "serve", "--peers", "127.0.0.1:1")
    allies.do("asteria", "key", "rotate", "--root-key", old, "--after", "0h", actor="omar")

    assert "exchange-lost" in status["warnings"]
    assert served.exit_code == 5
    assert "exchange.pem" in served.output
    assert "exchange-lost" not in allies.ask("asteria", "status")["warnings"]
