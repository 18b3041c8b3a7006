"""Own space, and blocking on the firewalls: put on, looked at, taken off, undone, expired; at the command line."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from mithaq import defence
from mithaq.clock import text
from mithaq.detect.matches import Match
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from tests.federation.world import Clock
from tests.journeys.conftest import Town, bundle, indicator
from tests.journeys.test_two_nations import taken_in

LAST = datetime(2026, 2, 28, tzinfo=UTC)
WHY = ("--reason", "phishing wave")


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """A nation with a firewall that has a grant, to be copied."""
    town = Town(tmp_path_factory.mktemp("boundary"))
    with pytest.MonkeyPatch.context() as patch:
        town.wired(patch)
        town.found("asteria")
        town.grant("asteria", "firewall")
        town.do("asteria", "boundary", "firewall", "firewall", actor="omar")
        town.settle()
    town.close()
    return town.folder, town.clock.now


@pytest.fixture
def asteria(founded, tmp_path, monkeypatch):
    """That nation, for one test."""
    folder, now = founded
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    town = Town(tmp_path, Clock(now))
    town.wired(monkeypatch)
    town.enter("asteria")
    yield town
    town.close()


def act(town, *args, actor="amal"):
    made = town.ask("asteria", "boundary", *args, actor=actor)
    town.settle()
    return made


def polled(town, name="domains.txt"):
    out = town.folder / "polled"
    what = ("export", "firewall", "--out", out, "--format", name)
    town.do("asteria", *what, actor="omar")
    return (out / name).read_text("utf-8").split()


def test_what_is_blocked_stands_on_the_list_until_it_is_taken_off(asteria):
    done = act(asteria, "block", "evil.example", "worse.example", *WHY)
    there = polled(asteria)
    [one, two] = act(asteria, "blocked")
    preview = act(asteria, "unblock", "evil.example", *WHY, "--preview")
    still = polled(asteria)
    act(asteria, "unblock", "evil.example", "--reason", "cleaned", "--yes")

    assert sorted(there) == sorted(still) == ["evil.example", "worse.example"]
    assert done["firewalls"][0]["goes"] == 2
    assert {"domains.txt", "rpz.zone", "zeek.intel"} <= set(done["lists"])
    assert "addresses.txt" not in done["lists"]
    assert (one["by"], one["why"], one["act"]) == ("amal", "phishing wave", done["act"])
    assert one["fetched_by"][0].startswith("firewall 20")
    assert two["not_fetched"] == []
    assert preview["rests"] == []
    assert set(preview["lists"]) == set(done["lists"])
    assert polled(asteria) == ["worse.example"]
    assert [row["block_act"] for row in act(asteria, "history")] == ["unblock", "block"]
    states = {row["value"]: row["block_state"] for row in act(asteria, "blocked", "--all")}
    assert states == {"evil.example": "off", "worse.example": "stands"}


def test_a_whole_act_is_undone_by_its_number_or_its_instant(asteria):
    first = act(asteria, "block", "one.example", "192.0.2.7", *WHY)
    asteria.clock.step(60)
    at = text(asteria.clock.now)[:16]
    act(asteria, "block", "two.example", *WHY)

    asteria.do("asteria", "boundary", "undo", first["act"], *WHY, actor="amal", typed="y\n")
    asteria.settle()
    left = polled(asteria)
    act(asteria, "undo", at, *WHY, "--yes")
    again = asteria.run("asteria", "boundary", "undo", first["act"], *WHY, "--yes", actor="amal")

    assert left == ["two.example"]
    assert polled(asteria) == []
    assert act(asteria, "blocked") == []
    assert again.exit_code == 4


def test_a_block_is_over_by_itself_and_may_be_made_again(asteria):
    until = text(asteria.clock.now + timedelta(hours=2))
    act(asteria, "block", "evil.example", *WHY, "--until", until)
    twice = asteria.run("asteria", "boundary", "block", "evil.example", *WHY, actor="amal")
    before = polled(asteria)
    asteria.clock.step(2 * 3600 + 1)

    assert before == ["evil.example"]
    assert polled(asteria) == []
    assert (twice.exit_code, "blocked-already" in twice.stderr) == (5, True)
    act(asteria, "block", "evil.example", *WHY)
    assert polled(asteria) == ["evil.example"]


def test_what_others_told_of_a_value_leaves_it_on_the_list_and_is_named_before(asteria):
    told = indicator(1, "told", pattern="[domain-name:value = 'evil.example']")
    [number] = taken_in(asteria, told, tlp="GREEN")
    asteria.do("asteria", "release", number, "--agreement", "grant-firewall", actor="amal")
    act(asteria, "block", "evil.example", *WHY)

    preview = act(asteria, "unblock", "evil.example", *WHY, "--preview")
    act(asteria, "unblock", "evil.example", *WHY, "--yes")

    assert [(each["client"], each["id"]) for each in preview["rests"]] == [("firewall", told["id"])]
    assert polled(asteria) == ["evil.example"]


def test_what_is_ours_or_harmless_takes_another_persons_word(asteria):
    asteria.do("asteria", "benign", "own", "asteria.example", "--because", "ours", actor="lina")
    service = ("boundary", "service", "water", "198.18.5.0/24", "--importance", "vital")
    asteria.do("asteria", *service, actor="lina")

    def tried(value, actor="amal"):
        done = asteria.run("asteria", "boundary", "block", value, *WHY, actor=actor)
        return done.exit_code, "block-harmless" in done.stderr

    assert tried("www.asteria.example") == (3, True)
    assert tried("198.18.5.9") == (3, True)
    assert tried("9.9.9.9") == (3, True)  # a resolver of everybody's
    assert (
        asteria.run("asteria", "boundary", "block", "0.0.0.0/0", *WHY, actor="amal").exit_code == 2
    )
    assert (
        asteria.run("asteria", "boundary", "block", "x.example", *WHY, actor="omar").exit_code == 3
    )
    asteria.do("asteria", "benign", "allow", "9.9.9.9", "--because", "abused", actor="lina")
    act(asteria, "block", "9.9.9.9", *WHY)
    assert polled(asteria, "addresses.txt") == ["9.9.9.9"]


def test_a_preview_leaves_nothing_behind_and_no_firewall_is_an_answer(asteria):
    shown = act(asteria, "block", "evil.example", *WHY, "--preview")
    after = act(asteria, "history")
    asteria.do("asteria", "boundary", "firewall", "firewall", "--off", actor="omar")
    none = asteria.run("asteria", "boundary", "block", "evil.example", *WHY, actor="amal")

    assert (shown["act"], shown["firewalls"][0]["goes"]) == (0, 1)
    assert after == []
    assert act(asteria, "blocked") == []
    assert (none.exit_code, "no-firewall" in none.stderr) == (5, True)


def test_own_space_shows_who_names_it_to_whoever_may_read_that(asteria):
    asteria.do("asteria", "benign", "own", "198.18.0.0/22", "--because", "ours", actor="lina")
    asteria.do("asteria", "benign", "own", "asteria.example", "--because", "ours", actor="lina")
    at = ("mail.asteria.example", "198.18.9.1")
    owner = ("--owner", "post office", "--importance", "vital")
    asteria.do("asteria", "boundary", "service", "mail", *at, *owner, actor="lina")
    open_ = indicator(1, "an address", pattern="[ipv4-addr:value = '198.18.3.7']")
    name = indicator(2, "a name", pattern="[url:value = 'http://mail.asteria.example/login']")
    other = indicator(3, "another", pattern="[ipv4-addr:value = '198.18.4.1']")
    taken_in(asteria, open_, other, tlp="GREEN")
    taken_in(asteria, name, tlp="RED")
    machines = ("mail.asteria.example", "198.18.3.200", "mail.borea.example")
    found = [
        Match(rule=f"r{n}", digest=f"d{n}", title="t", event=f"e{n}", at=text(LAST), asset=each)
        for n, each in enumerate(machines)
    ]
    with asteria.nodes["asteria"].core.begin() as unit:
        defence.record(unit, found, asteria.clock.now)

    rows = {row["name"]: row for row in act(asteria, "show")}
    asteria.do("asteria", "actor", "add", "gus", "--role", "analyst", "--clearance", "GREEN",
               "--key", asteria.key("asteria", "gus"), actor="omar")  # fmt: skip
    less = {row["name"]: row for row in act(asteria, "show", actor="gus")}

    assert next(iter(rows)) == "mail"
    assert (rows["mail"]["owner"], rows["mail"]["importance"]) == ("post office", "vital")
    assert [each["id"] for each in rows["mail"]["newest"]] == [name["id"]]
    assert [each["id"] for each in rows["198.18.0.0/22"]["newest"]] == [open_["id"]]
    assert {name: row["hits"] for name, row in rows.items()} == {
        "mail": 1,
        "198.18.0.0/22": 1,
        "asteria.example": 1,
    }
    assert rows["mail"]["hit_last"] == text(LAST)
    assert less["mail"]["newest"] == []
    assert less["198.18.0.0/22"]["named"] == 1


def stix(type_, number, **more):
    at = "2026-01-01T00:00:00.000Z"
    return {
        "type": type_, "spec_version": "2.1", "created": at, "modified": at,
        "id": f"{type_}--00000000-0000-4000-8000-{number:012d}", **more,
    }  # fmt: skip


def targets(number, source, target, **more):
    ends = {"source_ref": source["id"], "target_ref": target["id"]}
    return stix("relationship", number, relationship_type="targets", **ends, **more)


def test_what_targets_our_sectors_and_country_is_shown_to_whoever_may_read_that(asteria):
    node = asteria.nodes["asteria"]
    settings = node.config.home / "mithaq.toml"
    settings.write_text(
        settings.read_text("utf-8") + '\n[cycle]\nsectors = ["energy", "health"]\n', "utf-8"
    )
    bear, wolf, fox = (
        stix("intrusion-set", n, name=name) for n, name in enumerate(("Bear", "Wolf", "Fox"), 1)
    )
    grid = stix("identity", 4, name="utilities", identity_class="class", sectors=["energy"])
    land = stix("location", 5, country=node.us.country)
    farms = stix("identity", 6, name="farms", identity_class="class", sectors=["agriculture"])
    some = (
        bear, wolf, fox, grid, land, farms,
        targets(11, wolf, land), targets(12, fox, farms), targets(13, fox, grid, revoked=True),
    )  # fmt: skip
    for tlp, given in (("GREEN", some), ("AMBER", (targets(10, bear, grid),))):
        file = bundle(asteria.folder, *given, name=f"{tlp}.json")
        asteria.ask("asteria", "import", file, "--tlp", tlp, "--source", "a-team", actor="amal")
    asteria.do("asteria", "actor", "add", "gus", "--role", "analyst", "--clearance", "GREEN",
               "--key", asteria.key("asteria", "gus"), actor="omar")  # fmt: skip

    def shown(actor):
        rows = {row["name"]: row for row in act(asteria, "show", actor=actor)}
        return {name: (row["what"], [e["id"] for e in row["newest"]]) for name, row in rows.items()}

    land_ = {node.us.country: ("country", [wolf["id"]])}
    assert shown("amal") == {"energy": ("sector", [bear["id"]]), "health": ("sector", [])} | land_
    assert shown("gus") == {"energy": ("sector", []), "health": ("sector", [])} | land_


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_each_screen_says_what_is_not_there_yet_in_the_readers_language(asteria, language):
    for command in ("show", "blocked", "history", "times"):
        said = asteria.do("asteria", "boundary", command, actor="amal", language=language)
        assert said.strip()


def test_times_tell_how_soon_the_firewall_fetched_and_that_it_is_silent(asteria):
    act(asteria, "block", "evil.example", *WHY)
    asteria.clock.step(120)
    polled(asteria)
    good = act(asteria, "times")
    act(asteria, "block", "worse.example", *WHY)
    asteria.clock.step(2 * 3600)
    silent = act(asteria, "times")

    [leg] = good["legs"]
    assert (leg["partner"], leg["client"], leg["n"]) == ("asteria", "firewall", 1)
    seconds = int(leg["fetching"].split()[0])
    assert 120 <= seconds < 140
    assert good["firewalls"] == [
        {"client": "firewall", "poll_state": "ok", "unfetched": 0,
         "last_fetched": good["firewalls"][0]["last_fetched"]}
    ]  # fmt: skip
    assert (silent["firewalls"][0]["poll_state"], silent["firewalls"][0]["unfetched"]) == (
        "silent",
        1,
    )
    assert json.dumps(silent["legs"][0]).count("(1)") >= 1


def test_nobody_waits_for_a_block_that_was_taken_off_or_is_over(asteria):
    act(asteria, "block", "evil.example", *WHY)
    polled(asteria)
    soon = text(asteria.clock.now + timedelta(minutes=10))
    act(asteria, "block", "short.example", "--until", soon, *WHY)
    act(asteria, "block", "wrong.example", *WHY)
    act(asteria, "unblock", "wrong.example", "--reason", "wrong", "--yes")
    asteria.clock.step(2 * 3600)

    told = act(asteria, "times")

    assert [leg["unfetched"] for leg in told["legs"]] == [0]
    assert [(e["poll_state"], e["unfetched"]) for e in told["firewalls"]] == [("ok", 0)]


def test_a_value_that_is_known_from_what_is_marked_higher_is_not_made_green_by_blocking_it(asteria):
    some = {"AMBER": 1, "AMBER+STRICT": 2, "RED": 3}
    for level, number in some.items():
        told = indicator(number, level, pattern=f"[domain-name:value = 'n{number}.example']")
        taken_in(asteria, told, tlp=level)
    taken_in(
        asteria, indicator(4, "open", pattern="[domain-name:value = 'n3.example']"), tlp="GREEN"
    )

    amber = act(asteria, "block", "n1.example", *WHY)
    strict = asteria.run("asteria", "boundary", "block", "n2.example", *WHY, actor="amal")
    act(asteria, "block", "n3.example", *WHY)  # GREEN says it too

    assert amber["firewalls"][0]["goes"] == 0  # the grant permits GREEN
    assert (strict.exit_code, "block-marked" in strict.stderr) == (3, True)
    assert polled(asteria) == ["n3.example"]


def test_a_partners_warning_is_timed_from_its_signature_to_our_firewalls_first_fetch(allies):
    town = allies
    town.grant("borea", "fw")
    town.do("borea", "boundary", "firewall", "fw", actor="omar")
    marked = {"object_marking_refs": [tlp_id(Tlp.CLEAR)]}
    told = indicator(1, "told", pattern="[domain-name:value = 'evil.example']", **marked)
    [number] = taken_in(town, told, tlp="CLEAR")
    town.do("asteria", "release", number, "--agreement", "pact", actor="amal")
    town.settle(8)
    town.do("borea", "release", told["id"], "--agreement", "grant-fw", actor="amal")
    town.settle()
    town.clock.step(300)
    what = ("export", "fw", "--out", town.folder / "out", "--format", "domains.txt")
    town.do("borea", *what, actor="omar")

    made = town.ask("borea", "boundary", "times", actor="amal")

    assert (town.folder / "out" / "domains.txt").read_text("utf-8") == "evil.example\n"
    [leg] = made["legs"]
    assert (leg["partner"], leg["client"], leg["n"], leg["unfetched"]) == ("asteria", "fw", 1, 0)
    took = {name: int(leg[name].split()[0]) for name in ("admitting", "fetching", "whole")}
    assert took["admitting"] > 0
    assert took["whole"] >= took["admitting"] + took["fetching"] >= 300
