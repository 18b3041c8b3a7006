"""A newcomer hunts through files of logs, with no node: what is found, not read, not tried."""

import csv
import gzip
import json
import shutil
from base64 import b64encode

import pytest
from typer.testing import CliRunner

from mithaq import samples
from mithaq.cli.app import app
from mithaq.formats.telemetry import KINDS
from mithaq.ingest.wanted import content

LOG = samples.path("hunt-log.jsonl")
RULES = samples.path("hunt-rules.yml")
YARA = """
rule bad { strings: $a = "evil-marker" condition: $a }
rule wrong { condition: nothing_of_that_name }
"""


def hunt(*args, language="en", home=""):
    env = {"MITHAQ_HOME": str(home), "MITHAQ_LANG": language}
    done = CliRunner().invoke(app, ["hunt", *map(str, args)], env=env)
    assert "Traceback" not in done.output
    return done


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_the_rules_that_ship_find_what_the_sample_log_holds_and_say_so_by_the_exit_code(language):
    done = hunt(LOG, language=language)
    head, *rows = done.stdout.splitlines()

    assert done.exit_code == 1
    assert len(rows) == 8
    assert len(head.split("\t")) == len(rows[0].split("\t"))
    assert "Memory of LSASS" in rows[0]  # the gravest first
    assert "14" in done.stderr


def test_each_hit_is_told_once_however_often_the_log_is_there(tmp_path):
    (tmp_path / "copy.jsonl.gz").write_bytes(gzip.compress(LOG.read_bytes()))
    (tmp_path / "broken.jsonl").write_text('{"EventID": 1}\nno event\n', "utf-8")
    shutil.copy(LOG, tmp_path)
    out = tmp_path / "hits.csv"

    told = json.loads(hunt(tmp_path, "--json").stdout)
    each = hunt(tmp_path, "--each", "--json").stdout.splitlines()
    hunt(LOG, "--csv", out)

    assert told["count"] == len(each) == 9
    assert {row["title"]: row["count"] for row in told["hits"]}[
        "Encoded command line of PowerShell"
    ] == 2
    assert told["events"] == 29
    assert [(r["code"], r["count"]) for r in told["refused"]] == [("telemetry-line", 1)]
    assert "broken.jsonl:2" in told["refused"][0]["example"]
    assert len([*csv.DictReader(out.open(encoding="utf-8"))]) == 9


def test_a_level_leaves_the_lesser_rules_out_and_nothing_found_is_no_error(tmp_path):
    quiet = tmp_path / "quiet.jsonl"
    quiet.write_text(LOG.read_text("utf-8").splitlines()[0], "utf-8")

    grave = json.loads(hunt(LOG, "--rules", RULES, "--level", "critical", "--json").stdout)
    none = hunt(quiet)

    assert [row["severity"] for row in grave["hits"]] == ["critical", "critical"]
    assert grave["rules"] == 2
    assert none.exit_code == 0
    assert "Nothing was found" in none.stdout


def test_a_rule_that_nothing_here_can_serve_is_told_of_with_its_reason_and_the_others_are_tried(
    tmp_path,
):
    first, *rest = RULES.read_text("utf-8").split("---")
    odd = first.replace("process_creation", "of_no_kind")
    (tmp_path / "rules.yml").write_text("---".join([odd, *rest, "\ntitle: [\n"]), "utf-8")

    done = hunt(LOG, "--rules", tmp_path, "--unserved")
    told = [row.split("\t") for row in done.stdout.split("\n\n")[1].splitlines()[1:]]

    assert done.exit_code == 1
    assert [(code, title) for code, title, _ in told] == [
        ("sigma-source", "Encoded command line of PowerShell"),
        ("yaml-form", f"rules.yml:{RULES.read_text('utf-8').count(chr(10)) + 2}"),
    ]


def test_a_hunt_with_nothing_that_can_be_evaluated_is_no_hunt_and_says_why_of_each(tmp_path):
    rule = RULES.read_text("utf-8").split("---")[0]
    (tmp_path / "broken.yml").write_text("title: [", "utf-8")
    (tmp_path / "odd.yml").write_text(rule.replace("process_creation", "of_no_kind"), "utf-8")
    (tmp_path / "sound.yml").write_text(rule, "utf-8")

    none = hunt(LOG, "--rules", tmp_path / "broken.yml", "--rules", tmp_path / "odd.yml")
    lesser = hunt(LOG, "--rules", tmp_path / "sound.yml", "--level", "critical")

    assert none.exit_code == lesser.exit_code == 2
    assert "broken.yml:1" in none.stdout
    assert "Encoded command line of PowerShell" in none.stdout
    assert "[none-served]" in none.stderr
    assert "of the level critical" in lesser.stderr


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_hunt_that_had_nothing_to_search_does_not_say_that_nothing_was_found(tmp_path, as_json):
    (tmp_path / "none").mkdir()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("Dear colleague,", "utf-8")
    (tmp_path / "letters" / "report.pdf").write_bytes(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    (tmp_path / "empty.log").touch()
    rules = tmp_path / "rules.yar"
    rules.write_text(YARA, "utf-8")

    for path in ("none", "letters", "empty.log"):
        done = hunt(tmp_path / path, *as_json)
        assert (path, done.exit_code) == (path, 2)
        assert "no-events" in done.stderr
        assert "Nothing was found" not in done.stdout
    looked = hunt(tmp_path / "letters", "--yara", rules, *as_json)
    assert looked.exit_code == 0  # these rules look through files, whatever they are


def test_the_help_names_each_way_in_which_logs_are_written():
    told = hunt("--help").stdout

    assert all(known.name in told for known in KINDS)


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_why_something_is_not_read_or_not_served_is_said_in_the_readers_language(
    tmp_path, language
):
    rule = RULES.read_text("utf-8").split("---")[0].replace("process_creation", "of_no_kind")
    (tmp_path / "rule.yml").write_text(rule, "utf-8")
    (tmp_path / "letter.txt").write_text("Dear colleague,", "utf-8")

    unserved = hunt(LOG, "--rules", tmp_path / "rule.yml", language=language)
    unread = hunt(tmp_path / "letter.txt", language=language)

    assert "sigma-source" in unserved.stdout
    assert "no telemetry that is known" not in unserved.stdout
    assert "can be evaluated" not in unserved.stderr
    assert "telemetry-unknown" in unread.stderr
    assert "no kind of telemetry" not in unread.stderr
    assert "no event was read" not in unread.stderr


def test_events_that_come_together_complete_a_correlation(tmp_path):
    one = (
        RULES.read_text("utf-8").split("---")[0].replace("\nstatus:", "\nname: encoded\nstatus:", 1)
    )
    both = """---
title: Encoded commands again and again
correlation:
  type: event_count
  rules: [encoded]
  group-by: [Computer]
  timespan: 1h
  condition: {gte: 2}
level: critical
"""
    (tmp_path / "rules.yml").write_text(one + both, "utf-8")

    told = json.loads(hunt(LOG, "--rules", tmp_path, "--json").stdout)

    assert [row["title"] for row in told["hits"]] == ["Encoded commands again and again"]


def test_indicators_of_a_list_and_of_stix_are_found_among_the_values_of_events(tmp_path):
    (tmp_path / "list.txt").write_text("update.example\nnever.example\n", "utf-8")
    pattern = "[network-traffic:dst_ref.value = '203.0.113.80' AND network-traffic:dst_port = 443]"
    id_, at = "indicator--00000000-0000-4000-8000-000000000001", "2026-01-01T00:00:00.000Z"
    made = {"type": "indicator", "spec_version": "2.1", "id": id_, "created": at, "modified": at}
    made |= {"name": "Relay", "pattern": pattern, "pattern_type": "stix", "valid_from": at}
    bundle = {"type": "bundle", "id": "bundle--" + id_[11:], "objects": [made]}
    (tmp_path / "bundle.json").write_text(json.dumps(bundle), "utf-8")

    done = hunt(LOG, "--indicators", tmp_path, "--json")
    told = json.loads(done.stdout)

    assert done.exit_code == 1
    assert told["rules"] == 3
    assert {row["title"] for row in told["hits"]} == {"Relay", "update.example"}


def test_yara_rules_look_through_files_that_are_no_logs_and_a_refused_rule_takes_no_other_with_it(
    tmp_path,
):
    (tmp_path / "rules.yar").write_text(YARA, "utf-8")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "note.bin").write_bytes(b"\x00\x01 evil-marker \x02")
    (tmp_path / "files" / "plain.bin").write_bytes(b"\x00\x01\x02")

    told = json.loads(hunt(tmp_path / "files", "--yara", tmp_path / "rules.yar", "--json").stdout)

    assert [(row["title"], row["files"]) for row in told["hits"]] == [
        ("bad", [str(tmp_path / "files" / "note.bin")])
    ]
    assert told["hits"][0]["found"]["$a"] == "0x3"
    assert told["scanned"] == 2
    assert [each["title"].partition(":")[0] for each in told["unserved"]] == ["rules.yar"]


def test_yara_rules_look_through_logs_too_so_that_what_only_looks_like_one_hides_nothing(tmp_path):
    (tmp_path / "rules.yar").write_text(YARA, "utf-8")
    file = tmp_path / "sample.exe"
    file.write_text('{"a": "evil-marker"}', "utf-8")

    told = json.loads(hunt(file, "--yara", tmp_path / "rules.yar", "--json").stdout)

    assert [row["title"] for row in told["hits"]] == ["bad"]
    assert (told["events"], told["scanned"]) == (1, 1)


def test_what_a_hit_holds_cannot_reach_the_terminal_or_a_spreadsheet(tmp_path):
    log, out = tmp_path / "log.jsonl", tmp_path / "hits.csv"
    event = json.loads(LOG.read_text("utf-8").splitlines()[-2])
    event["CommandLine"] = "=1+1 delete shadows \x1b[31m" + "x" * 5000
    log.write_text(json.dumps(event), "utf-8")

    done = hunt(log, "--csv", out)

    assert "\x1b" not in done.output
    assert len(done.stdout) < 1000
    assert "\x1b" not in out.read_text("utf-8")


def test_what_is_not_there_is_named_before_anything_is_read(tmp_path):
    done = hunt(tmp_path / "nowhere", "--rules", RULES)

    assert done.exit_code == 2
    assert "nowhere" in done.stderr


@pytest.fixture
def node(tmp_path):
    """Return a command on a node where ana and ben look at hits, and omar runs it."""

    def say(*args, may=(0, 1)):
        env = {"MITHAQ_HOME": str(tmp_path / "home"), "MITHAQ_LANG": "en"}
        done = CliRunner().invoke(app, [*map(str, args)], env=env)
        assert done.exit_code in may, done.output
        return done

    us = ("--nation", "aurelia", "--country", "QM", "--organisation", "A")
    say("init", *us, "--url", "http://x.example")
    people = {"omar": ("operator", "CLEAR"), "ana": ("analyst", "RED"), "ben": ("analyst", "CLEAR")}
    for name, (role, clearance) in people.items():
        more = ("--key", tmp_path / f"{name}.pem", *(("--as", "omar") if name != "omar" else ()))
        say("actor", "add", name, "--role", role, "--clearance", clearance, *more)
    return say


def held(say, folder):
    """Import four indicators, of which one finds something, and return their ids."""

    def indicator(number, value, **more):
        at = "2026-01-01T00:00:00.000Z"
        return {
            "type": "indicator", "spec_version": "2.1", "created": at, "modified": at, "valid_from": at,
            "id": f"indicator--00000000-0000-4000-8000-{number:012d}", "name": value, "pattern_type": "stix",
            "pattern": f"[domain-name:value = '{value}']",
        } | more  # fmt: skip

    some = [
        indicator(1, "update.example"),
        indicator(2, "never.example"),
        indicator(3, "update.example", revoked=True),
        indicator(4, "update.example", valid_until="2026-01-02T00:00:00.000Z"),
    ]
    bundle = {"type": "bundle", "id": "bundle--" + some[0]["id"][11:], "objects": some}
    (folder / "bundle.json").write_text(json.dumps(bundle), "utf-8")
    say("import", folder / "bundle.json", "--tlp", "AMBER", "--as", "ana")
    return [each["id"] for each in some]


def test_what_a_node_holds_is_looked_for_and_what_is_found_becomes_its_hits_once(node, tmp_path):
    ids, home = held(node, tmp_path), tmp_path / "home"

    blind = hunt(LOG, "--held", "--as", "ben", "--json", home=home)
    first = hunt(LOG, "--held", "--as", "ana", home=home)
    again = hunt(LOG, "--held", "--as", "ana", "--json", home=home)
    refused = hunt(LOG, "--held", "--as", "omar", home=home)

    assert (blind.exit_code, blind.stdout) == (2, "")  # there is nothing that they may look for
    assert first.exit_code == 1
    assert "Kept as hits" in first.stderr
    assert json.loads(again.stdout)["rules"] == 2
    listed = json.loads(node("hits", "list", "--as", "ana", "--json").stdout)
    assert [(each["name"], each["rule"]) for each in listed] == [("update.example", ids[0])]
    assert listed[0]["count"] == json.loads(again.stdout)["count"]
    assert json.loads(node("hits", "list", "--as", "ben", "--json").stdout) == []
    assert refused.exit_code == 3


@pytest.mark.parametrize(
    "args", [("suppress", "--reason", "x"), ("judge", "false"), ("list",)], ids=lambda args: args[0]
)
def test_a_rule_or_person_of_a_mistaken_name_is_told_of_with_what_is_like_it(node, tmp_path, args):
    ids = held(node, tmp_path)
    hunt(LOG, "--held", "--rules", RULES, "--as", "ana", home=tmp_path / "home")
    listed = json.loads(node("hits", "list", "--as", "ana", "--json").stdout)
    cleared = next(each["rule"] for each in listed if each["name"] == "Log of Windows cleared")

    def of(rule, by="ana", may=(0, 1)):
        return node("hits", *args, "--rule", rule, "--as", by, may=may)

    mistaken = of("log of windows cleard", may=(4,))
    hidden = of(ids[0], by="ben", may=(4,))
    odd = of("nothing like anything", may=(4,))
    for rule in (cleared, ids[0], ids[1]):  # the last found nothing yet, and is held
        of(rule)

    assert "[unknown-rule]" in mistaken.stderr
    assert f"like it: {cleared}" in mistaken.stderr
    assert "update.example" not in hidden.stderr
    assert "[unknown-rule]" in hidden.stderr
    assert "like it" not in odd.stderr
    nobody = node("hits", "list", "--assignee", "anna", "--as", "ana", may=(4,))
    assert "like it: ana" in nobody.stderr
    node("hits", "suppress", "--field", "kit", "--reason", "x", "--as", "ana", may=(2,))


def test_a_table_with_names_of_its_own_is_read_as_a_person_says(tmp_path):
    table, list_ = tmp_path / "proxy.csv", tmp_path / "bad.txt"
    table.write_text("Zeitpunkt;Ziel=Name\n2026-11-30T06:00:00Z;bad.example\n", "utf-8")
    list_.write_text("bad.example\n", "utf-8")
    said = ("--column", "Ziel=Name=dns.question.name", "--column", "Zeitpunkt=timestamp")

    told = json.loads(hunt(table, "--indicators", list_, "--json", *said).stdout)

    [row] = told["hits"]
    assert row["found"] == {"dns.question.name": "bad.example"}
    assert row["hit_first"] == "2026-11-30T06:00:00.000Z"


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (["Ziel"], "usage-bad-column"), (["=query"], "usage-bad-column"), (["Ziel= "], "usage-bad-column"),
        (["Z\x1b[31m=query"], "usage-bad-column"), (["Z" * 300 + "=query"], "usage-bad-column"),
        (["a=x", "a=y"], "usage-column-twice"), (["a=x", "b=x"], "usage-column-twice"),
    ],
)  # fmt: skip
def test_what_says_of_no_column_what_it_is_is_refused(columns, code, language):
    said = [word for each in columns for word in ("--column", each)]

    done = hunt(LOG, *said, language=language)

    assert done.exit_code == 2
    assert code in done.stderr
    assert "\x1b" not in done.stderr


def test_a_hunt_is_not_gone_on_with_under_other_columns(tmp_path):
    table, rules, state = tmp_path / "a.csv", RULES, tmp_path / "state"
    table.write_text("a,b\n1,2\n", "utf-8")
    begun = json.dumps({"content": content([rules], []).digest}) + "\n"

    state.write_text(begun, "utf-8")
    same = hunt(table, "--rules", rules, "--resume", state)
    state.write_text(begun, "utf-8")
    other = hunt(table, "--rules", rules, "--resume", state, "--column", "a=x")

    assert (same.exit_code, other.exit_code) == (0, 2)
    assert "other-hunt" in other.stderr


def test_yara_rules_look_through_what_events_carry_as_they_do_through_files(tmp_path):
    rule, log = tmp_path / "evil.yar", tmp_path / "eve.json"
    rule.write_text('rule Evil { strings: $a = "evil bytes" condition: $a }', "utf-8")
    alert = {
        "timestamp": "2026-11-29T10:00:00.000000+0000", "event_type": "alert", "src_ip": "192.0.2.1", "src_port": 1,
        "dest_ip": "192.0.2.2", "dest_port": 80, "proto": "TCP", "flow_id": 1,
    }  # fmt: skip
    said = (b"GET / evil bytes", b"GET / good bytes")
    lines = [json.dumps(alert | {"payload": b64encode(each).decode()}) for each in said]
    log.write_text("\n".join(lines) + "\n", "utf-8")

    done = hunt(log, "--yara", rule, "--each", "--json")

    [hit] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (hit["title"], hit["at"]) == ("Evil", "2026-11-29T10:00:00.000Z")
    assert hit["found"] == {"field": "payload", "$a": "0x6"}
