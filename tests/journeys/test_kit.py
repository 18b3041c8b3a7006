"""A kit goes to a constituent without a node, and counts come back: typed at two machines."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

import mithaq.clock
from mithaq import samples
from mithaq.cli.app import app
from mithaq.defence.kits import opened
from tests.federation.world import Clock
from tests.journeys.conftest import Town, indicator
from tests.journeys.test_two_nations import taken_in

LOG = samples.path("hunt-log.jsonl")
RULE = samples.path("hunt-rules.yml").read_text("utf-8").split("---")[0]
NAMES = ("ws-17", "aurelia", "mona", "notepad", "system32")
LATER = datetime(2026, 3, 10, 12, tzinfo=UTC)  # than the events of the log


@pytest.fixture(scope="module")
def founded(tmp_path_factory):
    """A nation with a water utility that has a grant, and a shelf with a rule and two names: to be copied."""
    town = Town(tmp_path_factory.mktemp("kits"), Clock(LATER))
    with pytest.MonkeyPatch.context() as patch:
        town.wired(patch)
        _found(town)
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
    monkeypatch.setattr(mithaq.clock, "now", lambda: town.clock.now)
    yield town
    town.close()


def _found(town):
    town.found("asteria")
    wider = ('max_tlp = "GREEN"', 'max_tlp = "AMBER"')
    town.grant("asteria", "water", wider, ('recall = "none"', 'recall = "best-effort"'))
    town.settle()
    some = (
        indicator(1, "a name", pattern="[domain-name:value = 'update.example']"),
        indicator(2, "a rule", pattern=RULE, pattern_type="sigma"),
        indicator(3, "no such", pattern="[domain-name:value = 'never.example']"),
    )
    numbers = taken_in(town, *some, tlp="AMBER")
    strict = taken_in(town, indicator(4, "close"), tlp="AMBER+STRICT")
    town.do("asteria", "release", *numbers, "--agreement", "grant-water", actor="amal")
    town.run("asteria", "release", *strict, "--agreement", "grant-water", actor="amal")
    town.settle()


def made(town, *more, name="water.kit"):
    file = town.folder / name
    what = ("kit", "make", file, "--for", "water", *more)
    return file, town.ask("asteria", *what, actor="omar")


def run(town, kit, *args, log=LOG, typed=None, language="en"):
    """Run a kit on a machine that has no node."""
    env = {"MITHAQ_HOME": str(town.folder / "nowhere"), "MITHAQ_LANG": language}
    args = ["kit", "run", kit, log, *args]
    done = CliRunner().invoke(app, [str(each) for each in args], input=typed, env=env)
    assert "Traceback" not in done.output
    return done


def hits(town):
    return town.ask("asteria", "hits", "list", "--judged", "all", actor="amal")


def test_counts_come_back_as_hits_of_a_constituent_that_nobody_is_told_the_name_of(asteria):
    file, told = made(asteria)
    out = asteria.folder / "result"
    words = " ".join(told["words"])

    done = run(asteria, file, "--fingerprint", words, "--out", out, "--yes", "--json")
    shown = json.loads(done.stdout)
    took = asteria.ask("asteria", "kit", "take", out, actor="amal")
    found = {row["name"]: row for row in hits(asteria)}
    [kit] = asteria.ask("asteria", "kit", "list", actor="amal")
    seen = asteria.ask("asteria", "kit", "show", kit["kit"], actor="amal")
    number = found["a rule"]["number"]
    detail = asteria.ask("asteria", "hits", "show", number, actor="amal")

    assert done.exit_code == 1
    assert (told["lines"], {row["name"] for row in shown["rows"]}) == (3, {"a name", "a rule"})
    assert {name: row["count"] for name, row in found.items()} == {
        row["name"]: row["count"] for row in shown["rows"]
    }
    assert found["a rule"]["count"] == 2
    assert took["constituent"].startswith("constituent-")
    assert {match["machine"] for match in detail["matches"]} == {took["constituent"]}
    assert found["a rule"]["log_source"] == "hunt-kit"
    assert seen["results"][0]["events"] == shown["result"]["events"] == 14
    for name in NAMES:
        assert name.casefold() not in done.stdout.casefold()
        assert name.casefold() not in json.dumps(detail).casefold()


def test_what_came_back_becomes_a_sighting_of_as_many_as_were_counted(asteria):
    file, told = made(asteria)
    out = asteria.folder / "result"
    run(asteria, file, "--fingerprint", " ".join(told["words"]), "--out", out, "--yes")
    asteria.do("asteria", "kit", "take", out, actor="amal")
    [row] = [row for row in hits(asteria) if row["name"] == "a rule"]

    judge = ("hits", "judge", row["number"], "true", "--because", "they called")
    [judged] = asteria.ask("asteria", *judge, actor="amal")
    sighting = asteria.ask("asteria", "show", judged["said"]["id"], actor="amal")

    body = sighting["object"]
    assert body["count"] == 2
    assert (body["first_seen"], body["last_seen"]) == (row["first"], row["last"])


def test_the_same_result_counts_once_and_of_one_site_the_greater_count_stands(asteria):
    file, told = made(asteria)
    words = ("--fingerprint", " ".join(told["words"]), "--yes", "--json")
    for number, more in enumerate(((), (), ("--site", "2"))):
        asteria.clock.step()
        run(asteria, file, *words, "--out", asteria.folder / f"r{number}", *more)

    def take(number):
        return asteria.ask("asteria", "kit", "take", asteria.folder / f"r{number}", actor="amal")

    first, again, later, other = take(0), take(0), take(1), take(2)
    count = {row["name"]: row["count"] for row in hits(asteria)}

    assert (first["new"], first["again"]) == (2, False)
    assert (again["new"], again["known"], again["again"]) == (0, 2, True)
    assert (later["new"], later["more"], later["known"], later["again"]) == (0, 0, 2, False)
    assert other["new"] == 2
    assert count["a rule"] == 4  # two sites, two each


def test_a_constituent_takes_lines_out_before_anything_is_written(asteria):
    file, told = made(asteria)
    words = ("--fingerprint", " ".join(told["words"]))
    out = asteria.folder / "result"

    no = run(asteria, file, *words, "--out", out, typed="0\nn\n")
    there = out.exists()
    yes = run(asteria, file, *words, "--out", out, typed="2\ny\n")
    took = asteria.ask("asteria", "kit", "take", out, actor="amal")

    assert (no.exit_code, there) == (1, False)
    assert yes.exit_code == 1
    assert (took["new"], took["struck"]) == (1, 1)
    assert [row["name"] for row in hits(asteria)] == ["a name"]


def test_veiled_values_are_found_and_stand_nowhere_in_the_kit(asteria):
    file, told = made(asteria, "--veiled")
    kit = opened(file.read_bytes(), " ".join(told["words"]), asteria.clock.now)
    done = run(asteria, file, "--fingerprint", " ".join(told["words"]), "--json")

    assert [line.kind for line in kit.lines] == ["veiled", "sigma", "veiled"]
    assert "example" not in str([line for line in kit.lines if line.kind == "veiled"])
    assert [row["line"] for row in json.loads(done.stdout)["rows"]] == [1, 2]


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_whoever_has_not_heard_the_words_hunts_with_nothing(asteria, language):
    file, told = made(asteria)
    wrong = " ".join(["abandon"] * 12)

    done = run(asteria, file, "--fingerprint", wrong, language=language)
    typed = run(asteria, file, typed=" ".join(told["words"]) + "\n", language=language)

    assert done.exit_code == 2
    assert "kit-words" in done.stderr
    assert not done.stdout
    assert typed.exit_code == 1
    assert "2" in typed.stdout


def test_a_kit_that_had_nothing_to_search_writes_no_result(asteria):
    file, told = made(asteria)
    empty, result = asteria.folder / "empty", asteria.folder / "result"
    empty.mkdir()
    words = ("--fingerprint", " ".join(told["words"]))

    done = run(asteria, file, *words, "--out", result, "--yes", log=empty)

    assert done.exit_code == 2
    assert "no-events" in done.stderr
    assert not result.exists()


def test_a_kit_is_over_at_its_end_and_no_kit_counts_for_longer_than_a_quarter(asteria):
    far = mithaq.clock.text(asteria.clock.now + timedelta(days=91))
    what = ("kit", "make", asteria.folder / "far.kit", "--for", "water", "--until", far)
    refused = asteria.run("asteria", *what, actor="omar")
    file, told = made(asteria)
    asteria.clock.step(31 * 86400)

    done = run(asteria, file, "--fingerprint", " ".join(told["words"]))

    assert refused.exit_code == 2
    assert not (asteria.folder / "far.kit").exists()
    assert (done.exit_code, "kit-over" in done.stderr) == (2, True)


def test_what_is_given_to_nobody_in_a_file_is_in_no_kit(asteria):
    _, told = made(asteria)
    strict = asteria.folder / "strict.kit"
    what = ("kit", "make", strict, "--for", "water", "--up-to", "AMBER+STRICT")
    refused = asteria.run("asteria", *what, actor="omar")
    green = ("kit", "make", asteria.folder / "green.kit", "--for", "water", "--up-to", "GREEN")
    empty = asteria.run("asteria", *green, actor="omar")
    analyst = asteria.run("asteria", *green, actor="amal")

    assert told["lines"] == 3
    assert (refused.exit_code, strict.exists()) == (2, False)
    assert (empty.exit_code, "kit-empty" in empty.stderr) == (2, True)
    assert analyst.exit_code == 3
    entries = asteria.do("asteria", "log", "list", "--json", actor="lina")
    assert "kit-made" in entries
