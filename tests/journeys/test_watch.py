"""Minutes of an analyst's life: rules come in, a log is watched, a hit is judged and about to be told."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from mithaq import defence, samples
from mithaq.border import people
from mithaq.cli.app import app
from mithaq.clock import text
from mithaq.detect.guard import SetAside
from mithaq.node import open_node
from mithaq.store import journal, live
from tests.faults.test_watch_kills import SERVER, node, say
from tests.journeys.conftest import bundle, indicator

PATIENCE = 120.0
LOG = samples.path("hunt-log.jsonl")
RULES = samples.path("hunt-rules.yml")


def terminal(home, said, *args):
    """Be a second terminal, whose output is a file."""
    os.environ |= {"MITHAQ_HOME": str(home), "MITHAQ_ACTOR": "amal", "MITHAQ_LANG": "en"}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(said, "w", encoding="utf-8") as file:  # noqa: PTH123 as in tests/faults
        sys.stdout = sys.stderr = file
        app(["watch", *map(str, args)])


def wait(for_):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := for_():
            return found
        time.sleep(0.2)
    pytest.fail("nothing came")


def test_an_analyst_watches_a_log_judges_what_is_found_and_sees_what_a_partner_would_be_told(
    allies, tmp_path
):
    town, by = allies, {"actor": "amal"}
    evil = indicator(1, "Relay", pattern="[domain-name:value = 'update.example']", confidence=80)
    file = bundle(tmp_path, evil)
    town.do("borea", "import", file, "--tlp", "GREEN", "--own", **by)
    town.do("borea", "release", evil["id"], "--agreement", "pact", **by)
    town.settle()
    town.do("asteria", "import", RULES, "--tlp", "GREEN", **by)
    log, said = tmp_path / "sysmon.jsonl", tmp_path / "said.txt"
    log.write_bytes(b"")
    nothing = town.do("asteria", "watch", "status", **by)

    process = SERVER.Process(target=terminal, args=(tmp_path / "asteria", said, log))
    process.start()
    wait(lambda: town.ask("asteria", "watch", "status", **by)["sources"])
    with log.open("ab") as opened:
        opened.write(LOG.read_bytes())
    wait(lambda: "Relay" in said.read_text("utf-8"))
    [source] = town.ask("asteria", "watch", "status", **by)["sources"]
    os.kill(process.pid, signal.SIGINT)
    process.join(PATIENCE)

    assert "Nothing was ever watched" in nothing
    assert source["source"] == str(log)
    assert process.exitcode == 130
    told = said.read_text("utf-8")
    assert "Shadow copies deleted" in told
    assert "New hits: 10" in told
    hits = town.ask("asteria", "hits", "list", **by)
    [relay] = [each for each in hits if each["name"] == "Relay"]
    assert len(hits) == 9
    town.do("asteria", "hits", "judge", relay["number"], "true", **by)
    preview = town.ask("asteria", "hits", "release", relay["number"], "--preview", **by)
    assert "borea" in json.dumps(preview)


def test_a_watch_reads_a_table_as_a_person_says(tmp_path):
    env = os.environ | {"MITHAQ_HOME": str(node(tmp_path)), "MITHAQ_ACTOR": "ana"}
    said = ["--format", "csv", "--column", "Ziel=dns.question.name", "--json"]
    table = b"Ziel,Bytes\nbad1.example,7\ngood.example,7\n"

    watch = [sys.executable, "-m", "mithaq.cli", "watch", "-", *said]
    done = subprocess.run(watch, env=env, input=table, capture_output=True, check=False)

    assert done.returncode == 1, done.stderr
    [hit] = map(json.loads, done.stdout.splitlines())
    assert hit["found"] == {"dns.question.name": "bad1.example"}


def test_who_asks_how_the_watch_does_is_told_what_they_may_know(tmp_path):
    """Hits of indicators above a reader are not even counted; who runs the node sees that, and no hits."""
    home = node(tmp_path)
    role = ("--role", "analyst", "--clearance", "CLEAR", "--key", tmp_path / "gus.pem")
    say(home, "actor", "add", "gus", *role, "--as", "omar")
    with open_node(home) as made, made.core.begin() as unit:
        held = defence.held(unit, made.us, people.named(unit, "ana"), made.clock())
        green = next(word for word, _ in held)
        of = [green._asdict(), {"rule": "11111111-1111-4111-8111-111111111111"}]
        live.tell(unit, [("file", json.dumps(each)) for each in of])
        journal.keep(unit, "watch.sink.file", json.dumps({"at": "2026-11-30", "why": "no answer"}))
        aside = SetAside(
            **green._asdict(), digest="sha256:d", title="Secret", code="rule-rate", after=9
        )
        defence.set_aside(unit, aside, "", made.clock())
        room = "datagrams that there was no room for"
        facts = {"running": True, "events": 4, "waiting": 2, "last": "2026-11-30T10:00:00.000Z"}
        facts |= {"waiting_since": "2026-11-30T11:00:00.000Z", "dropped": {"file": 3}}
        facts |= {"reasons": [["telemetry-turned-away", room, 7]]}
        live.put_state(unit, "syslog://192.0.2.7:514", text(made.clock()), facts)

    def asked(who, *more):
        return say(home, "watch", "status", *more, "--as", who)

    seen = {who: json.loads(asked(who, "--json")) for who in ("ana", "gus", "omar")}
    assert {who: each["sinks"][0]["waiting"] for who, each in seen.items()} == {
        "ana": 2, "gus": 1, "omar": None,
    }  # fmt: skip
    assert {who: len(each["set_aside"]) for who, each in seen.items()} == {
        "ana": 1, "gus": 0, "omar": 0,
    }  # fmt: skip
    for each in seen.values():
        assert each["sinks"][0]["why"] == "no answer"
        assert each["sinks"][0]["not_told"] == 3
        [source] = each["sources"]
        assert (source["running"], source["waiting"]) == ("running", 2)
        assert source["waiting_since"] == "2026-11-30T11:00:00.000Z"
    shown = asked("omar", "--language", "fr")
    assert "telemetry-turned-away" in shown
    assert room not in shown
    assert "Secret" not in shown


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_sources_that_no_watch_had_for_long_are_told_of_and_forgotten_after_a_look(
    tmp_path, language
):
    home = node(tmp_path)
    with open_node(home) as made:
        for days in (0, 3, 29, 30, 200):
            at = text(made.clock() - timedelta(days=days))
            with made.core.begin() as unit:
                live.put_state(unit, f"/logs/{days}", at, {"running": days == 0, "events": days})
            live.Marks(made.core, f"/logs/{days}")["file"] = "7"

    def forget(*args, code=0):
        env = {"MITHAQ_HOME": str(home), "MITHAQ_LANG": language}
        done = CliRunner().invoke(app, ["watch", "forget", *args, "--as", "ana"], env=env)
        assert done.exit_code == code, done.output
        return done

    def left():
        with open_node(home) as made, made.core.read() as unit:
            sources = [source for source, _, _ in live.states(unit)]
            marked = [source for source in ALL if live.marked(unit, source)]
        assert sorted(sources) == sorted(marked)
        return sorted(int(source[6:]) for source in sources)

    status = ["watch", "status", "--as", "ana", "--language", language]
    said = json.loads(say(home, *status, "--json"))["sources"]
    shown = CliRunner().invoke(app, status, env={"MITHAQ_HOME": str(home)})
    assert {each["source"]: each["unwatched_days"] for each in said} == {
        f"/logs/{days}": days for days in (0, 3, 29, 30, 200)
    }
    assert "--unseen 30d" in shown.stderr.replace("\n", " ")

    seen = json.loads(forget("--unseen", "30d", "--preview", "--json").stdout)
    assert [each["source"] for each in seen] == ["/logs/200", "/logs/30"]
    assert left() == [0, 3, 29, 30, 200]
    assert "/logs/200" in forget("--unseen", "30d").stdout
    assert left() == [0, 3, 29]
    assert "/logs/29" in forget("/logs/29", "--preview").stdout
    assert left() == [0, 3, 29]
    forget("/logs/29")
    forget("/logs/29", code=1)
    forget("--unseen", "0d")
    assert left() == [0]
    for odd in (("/logs/0", "--unseen", "1d"), (), ("--unseen", "long"), ("--preview",)):
        forget(*odd, code=2)
    assert left() == [0]


ALL = [f"/logs/{days}" for days in (0, 3, 29, 30, 200)]


def test_who_lists_hits_is_told_that_something_is_not_looked_for_any_more(tmp_path):
    home, clock = node(tmp_path), datetime(2026, 11, 30, tzinfo=UTC)
    listed = ["hits", "list", "--as", "ana"]
    env = {"MITHAQ_HOME": str(home), "MITHAQ_LANG": "en"}
    before = CliRunner().invoke(app, listed, env=env)
    aside = SetAside(rule="r", digest="sha256:d", title="Noise", code="rule-rate", after=9)
    with open_node(home) as made, made.core.begin() as unit:
        defence.set_aside(unit, aside, "", clock)

    after = CliRunner().invoke(app, listed, env=env)

    assert "watch aside" not in before.stderr
    assert "`mithaq watch aside`" in after.stderr
    assert "1" in after.stderr
