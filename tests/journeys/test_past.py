"""What is learnt today is looked for in what was seen before: on demand, and without a log."""

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from mithaq import clock
from mithaq.cli.app import app
from mithaq.ingest import hunting, keeping
from mithaq.node import open_node
from mithaq.node.worker import Worker

DAY = clock.text(clock.now() - timedelta(days=3))[:10]


class Town:
    """A node with one analyst, and a folder of logs."""

    def __init__(self, folder):
        self.folder, self.home = folder, folder / "home"
        self.do(
            "init",
            "--nation",
            "aurelia",
            "--country",
            "QM",
            "--organisation",
            "A",
            "--url",
            "http://x.example",
        )
        self.do("actor", "add", "omar", "--role", "operator", "--key", folder / "omar.pem")
        new = ("actor", "add", "ana", "--role", "analyst", "--clearance", "RED", "--as", "omar")
        self.do(*new, "--key", folder / "ana.pem")
        self.learn(1, "never.example")

    def do(self, *args, code=(0, 1), language="en"):
        env = {"MITHAQ_HOME": str(self.home), "MITHAQ_LANG": language}
        done = CliRunner().invoke(app, [*map(str, args)], env=env)
        assert done.exit_code in code, done.output
        return done

    def learn(self, number, value, **more):
        at = "2026-01-01T00:00:00.000Z"
        made = {
            "type": "indicator", "spec_version": "2.1", "created": at, "modified": at, "valid_from": at,
            "id": f"indicator--00000000-0000-4000-8000-{number:012d}", "name": value, "pattern_type": "stix",
            "pattern": f"[domain-name:value = '{value}']",
        } | more  # fmt: skip
        bundle = {"type": "bundle", "id": f"bundle--{made['id'][11:]}", "objects": [made]}
        (self.folder / "bundle.json").write_text(json.dumps(bundle), "utf-8")
        self.do("import", self.folder / "bundle.json", "--tlp", "AMBER", "--as", "ana")

    def log(self, name, *asked):
        """Write a log of DNS questions, each a time of the day and a name."""
        lines = [
            {"EventID": 22, "Channel": "Microsoft-Windows-Sysmon/Operational", "Computer": "ws-1.aurelia.example",
             "Provider_Name": "Microsoft-Windows-Sysmon", "UtcTime": f"{DAY} {at}.000", "QueryName": query}
            for at, query in asked
        ]  # fmt: skip
        (self.folder / name).write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
        return self.folder / name

    def hunt(self, *args, code=(0, 1)):
        return json.loads(self.do("hunt", *args, "--as", "ana", "--json", code=code).stdout)

    def hits(self):
        listed = json.loads(self.do("hits", "list", "--as", "ana", "--json").stdout)
        return {each["name"]: (each["count"], each["first"], each["last"]) for each in listed}


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


ASKED = (
    ("08:00:00", "a.evil.example"),
    ("08:30:00", "evil.example"),
    ("11:00:00", "evil.example"),
    ("11:00:01", "good.example"),
)


def test_an_indicator_that_is_new_is_found_in_what_was_seen_before_and_no_log_is_read(town):
    log = town.log("dns.jsonl", *ASKED)
    assert town.hunt(log, "--held")["count"] == 0
    log.unlink()
    town.learn(2, "evil.example")

    told = town.hunt("--back", "90d")
    again = town.do("hunt", "--back", DAY, "--as", "ana")

    assert {row["title"]: row["count"] for row in told["hits"]} == {"evil.example": 3}
    assert town.hits() == {"evil.example": (3, f"{DAY}T08:00:00.000Z", f"{DAY}T11:00:00.000Z")}
    assert "0 new" in again.stderr
    assert town.do("hunt", "--back", "1d", "--as", "ana").exit_code == 0


def test_what_the_index_and_the_log_both_say_counts_once_and_what_comes_later_is_added(town):
    log = town.log("dns.jsonl", *ASKED)
    town.hunt(log, "--held")
    town.learn(2, "evil.example")
    town.hunt("--back", "90d")

    town.hunt(log, "--held")
    assert town.hits()["evil.example"][0] == 3

    town.hunt(
        town.log("more.jsonl", ("11:20:00", "evil.example"), ("12:00:00", "evil.example")), "--held"
    )
    town.hunt("--back", "90d")

    assert town.hits()["evil.example"] == (5, f"{DAY}T08:00:00.000Z", f"{DAY}T12:00:00.000Z")


def test_a_list_of_somebody_elses_is_held_against_the_past_as_well(town):
    town.hunt(town.log("dns.jsonl", *ASKED), "--held")
    (town.folder / "list.txt").write_text("evil.example\n", "utf-8")

    told = town.hunt("--back", "2w", "--indicators", town.folder / "list.txt")

    assert [(row["title"], row["count"]) for row in told["hits"]] == [("evil.example", 3)]


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_what_cannot_be_looked_back_to_is_said(town, language):
    log = town.log("dns.jsonl", *ASKED)
    both = town.do("hunt", log, "--back", "9d", "--as", "ana", code=(2,), language=language)
    neither = town.do("hunt", "--as", "ana", code=(2,), language=language)
    none = town.folder / "none.txt"
    none.write_bytes(b"no list at all\n")
    often = ("hunt", "--back", "often", "--indicators", none, "--as", "ana")
    odd = town.do(*often, code=(2,), language=language)  # before what is looked for is read
    settings = town.home / "mithaq.toml"
    settings.write_text(settings.read_text("utf-8") + "\n[telemetry]\npast_days = 0\n", "utf-8")
    off = town.do("hunt", "--back", "9d", "--as", "ana", code=(2,), language=language)

    assert "usage-back-or-logs" in both.stderr
    assert "usage-back-or-logs" in neither.stderr
    assert "usage-bad-since" in odd.stderr
    assert "no-past" in off.stderr


RULE = """
title: Questions for evil names
id: 00000000-0000-4000-8000-00000000000a
logsource: {product: windows, category: dns_query}
detection:
  s: {QueryName|endswith: evil.example}
  condition: s
level: high
"""


def test_rules_are_held_against_the_events_that_are_kept_and_find_what_they_find_in_the_log(town):
    settings = town.home / "mithaq.toml"
    rule = town.folder / "rule.yml"
    rule.write_text(RULE, "utf-8")
    log = town.log("dns.jsonl", *ASKED)
    tsv = town.folder / "dns.log"
    at = clock.parse(f"{DAY}T09:00:00Z").timestamp()
    tsv.write_text(
        f"#separator \\x09\n#fields\tts\tuid\tquery\n#types\ttime\tstring\tstring\n{at}\tC1\ta.evil.example\n",
        "utf-8",
    )
    blind = town.do("hunt", "--back", "9d", "--rules", rule, "--as", "ana")
    settings.write_text(settings.read_text("utf-8") + "\n[telemetry]\nraw_days = 30\n", "utf-8")
    live = town.do(
        "hunt", log, tsv, "--rules", rule, "--held", "--each", "--json", "--as", "ana"
    ).stdout
    town.hunt(log, tsv, "--held")
    log.unlink()
    tsv.unlink()

    back = town.do(
        "hunt", "--back", "9d", "--rules", rule, "--each", "--json", "--as", "ana"
    ).stdout
    shut = town.do("hunt", "--back", "1d", "--rules", rule, "--as", "ana")

    def ids(told):
        return sorted(
            (row["id"], row["at"], row["log_source"]) for row in map(json.loads, told.splitlines())
        )

    assert len(ids(live)) == 3
    assert ids(back) == ids(live)
    assert "raw_days" in blind.stderr
    assert "no events of these days are kept yet" in shut.stderr
    kept = town.hunt(
        *(town.home / "telemetry/raw").glob("*/*.parquet"),
        "--indicators",
        town.folder / "bundle.json",
    )
    assert kept["events"] == 5


def test_how_much_is_kept_is_said_and_what_is_too_old_goes_when_an_operator_says_so(town):
    settings = town.home / "mithaq.toml"
    settings.write_text(settings.read_text("utf-8") + "\n[telemetry]\nraw_days = 30\n", "utf-8")
    town.hunt(town.log("dns.jsonl", *ASKED), "--held")

    def kept(*args, who="ana", code=(0,)):
        return json.loads(town.do("telemetry", *args, "--json", "--as", who, code=code).stdout)

    [row] = kept("kept")
    assert (row["day"], row["events"]) == (DAY, 4)
    assert row["index_bytes"] > 0 < row["event_bytes"]
    assert kept("forget", "1d", "--preview", who="omar") == [row]
    assert town.do("telemetry", "forget", "1d", "--as", "ana", code=(3,))
    assert kept("forget", DAY, who="omar") == []
    assert kept("kept") == [row]
    assert kept("forget", "1d", who="omar") == [row]
    assert kept("kept") == []


class Killed(BaseException):
    """Stands for kill -9: nobody catches it, and nothing is tidied up."""


def kept_raw(town, files=3, each=4):
    """Let a town keep events of a day in several files; return a rule that all of them meet, and the files."""
    settings = town.home / "mithaq.toml"
    settings.write_text(settings.read_text("utf-8") + "\n[telemetry]\nraw_days = 30\n", "utf-8")
    for file in range(files):
        asked = ((f"{8 + file:02d}:{n:02d}:00", f"n{file}-{n}.evil.example") for n in range(each))
        town.hunt(town.log("dns.jsonl", *asked), "--held")
    rule = town.folder / "rule.yml"
    rule.write_text(RULE, "utf-8")
    return rule, sorted((town.home / "telemetry/raw").glob("*/*.parquet"))


def test_one_that_is_killed_over_the_events_goes_on_there_and_shows_both_parts(town, monkeypatch):
    rule, files = kept_raw(town)
    tried, keep = [], keeping.Keeper.keep
    match = hunting.Engine.match

    def counted(engine, batch):
        tried.extend(batch)
        return match(engine, batch)

    def killed(keeper, found, batch=()):
        if len(tried) > 4:
            raise Killed
        return keep(keeper, found, batch)

    monkeypatch.setattr(hunting.Engine, "match", counted)
    with monkeypatch.context() as patch:
        patch.setattr(keeping.Keeper, "keep", killed)
        with pytest.raises(Killed):
            town.do("hunt", "--back", "9d", "--rules", rule, "--as", "ana")
    assert len(tried) == 8
    tried.clear()

    told = town.hunt("--back", "9d", "--rules", rule)

    assert len(files) == 3
    assert len(tried) == 8  # the first file is not looked through again
    assert (told["count"], told["events"]) == (12, 12)
    assert town.hits()["Questions for evil names"][0] == 12
    assert list((town.home / "core/hunts").iterdir()) == []


def test_what_is_damaged_is_named_and_the_rest_is_searched_and_what_was_there_counts_once(town):
    rule, files = kept_raw(town)
    files[1].write_bytes(files[1].read_bytes()[:-30])

    def counted():
        told = json.loads(town.do("defence", "sources", "--as", "ana", "--json").stdout)
        return {each["log_source"]: each["events"] for each in told["here"]}

    before = counted()

    told = town.hunt("--back", "9d", "--rules", rule)
    said = town.do("hunt", "--back", "9d", "--rules", rule, "--as", "ana").stderr
    index = next((town.home / "telemetry/past").glob("*.sqlite"))
    index.write_bytes(b"no index " * 1000)
    town.learn(2, "evil.example")
    blind = town.hunt("--back", "9d")
    kept = town.do("telemetry", "kept", "--as", "ana")

    assert (told["count"], told["damaged"]) == (8, [str(files[1])])
    assert files[1].name in said.replace("\n", "")
    assert blind["damaged"] == [str(index)]
    assert index.name in kept.stderr.replace("\n", "")
    assert counted() == before != {}


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_a_day_that_is_damaged_is_set_aside_when_logs_are_hunted_and_named_from_then_on(
    town, language
):
    log = town.log("dns.jsonl", *ASKED)
    town.hunt(log, "--held")
    index = next((town.home / "telemetry/past").glob("*.sqlite"))
    index.write_bytes(b"no index " * 1000)
    town.learn(2, "evil.example")

    said = town.do(
        "hunt", town.log("more.jsonl", *ASKED[1:2]), "--held", "--as", "ana", language=language
    )
    told = town.hunt("--back", "9d")
    kept = town.do("telemetry", "kept", "--as", "ana", language=language)

    aside = f"{index}.damaged-1"
    for each in (said, kept):
        assert index.name + ".damaged-1" in each.stderr.replace("\n", "")
    assert told["damaged"] == [aside]
    assert (told["count"], town.hits()["evil.example"][0]) == (1, 1)
    town.hunt(log, "--held")
    assert (town.hunt("--back", "9d")["count"], town.hits()["evil.example"][0]) == (3, 3)


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_a_rule_that_is_learnt_is_looked_for_by_the_node_itself_which_says_how_far_it_came(
    town, language
):
    _, files = kept_raw(town)
    files[1].write_bytes(b"PAR1 damaged PAR1")
    town.learn(3, "rule", pattern=RULE, pattern_type="sigma")
    town.learn(4, "evil.example")

    def looked():
        return json.loads(town.do("telemetry", "looked", "--as", "ana", "--json").stdout)

    index, events = looked()
    assert (index["waiting"], events["waiting"], events["ended_at"]) == (3, 1, "")

    with open_node(town.home) as node:
        Worker(node).look_back()

    index, events = looked()
    assert (index["waiting"], events["waiting"], events["far"]) == (0, 0, "100 %")
    assert (events["rules"], events["new_hits"], events["damaged"]) == (1, 8, [str(files[1])])
    assert town.hits()["Questions for evil names"][0] == 8
    told = town.do("telemetry", "looked", "--as", "ana", language=language)
    assert "100 %" in told.stdout
    assert files[1].name in told.stderr.replace("\n", "")
