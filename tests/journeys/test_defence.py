"""A detection engineer closes a gap: from a first look at the defence cycle to a proof, in their own language."""

import json

import pytest

from mithaq import samples

SIGMA = """title: Ingress by a shell
id: 11111111-1111-4111-8111-111111111111
tags: [attack.t1059.001]
logsource:
  product: windows
  category: process_creation
detection:
  s:
    CommandLine|contains: http
  condition: s
level: medium
"""


def test_nothing_is_there_yet_and_it_says_what_to_bring(town):
    town.found("aurelia")

    said = town.do("aurelia", "defence", "cycle", actor="amal")
    assert "mithaq reference take" in said
    assert town.ask("aurelia", "defence", "cycle", actor="amal")["threats"] == []


def test_from_a_first_look_to_a_gap_that_is_closed_and_proved(town, tmp_path):
    town.found("aurelia")

    def do(*args, **more):
        return town.do("aurelia", *args, actor="amal", **more)

    def ask(*args):
        return town.ask("aurelia", *args, actor="amal")

    take(town)
    (tmp_path / "rule.yml").write_text(SIGMA)
    do("import", str(tmp_path / "rule.yml"), "--tlp", "CLEAR", "--source", "sigmahq")

    first = do("defence", "cycle")
    assert "mithaq defence priority" in first
    assert "mithaq hunt LOGS --held" in first
    threat = ask("defence", "cycle")["threats"][0]
    do("defence", "priority", threat["key"], "1", "--because", "seen next door")
    assert [each["priority"] for each in ask("defence", "cycle")["threats"]] == [1]

    number = ask("defence", "gaps")[0]["technique"]
    do("defence", "assign", number, "amal", "--due", "2020-01-31")
    assert "2020-01-31" in do("defence", "gaps", "--overdue")
    assert ask("defence", "gaps", "--overdue")[0]["technique"] == number
    do("defence", "snapshot")
    do("defence", "prove", number, "--by", "test", "--what", "red team")
    seen = ask("defence", "technique", number)
    assert (seen["seen"], seen["proofs"][0]["text"]) == ("proved", "red team")
    assert ask("defence", "gaps", "--overdue") == []

    for file in ("cycle.html", "cycle.json"):
        do("defence", "export", str(tmp_path / file))
    assert "TLP:AMBER" in (tmp_path / "cycle.html").read_text("utf-8")
    layer = json.loads((tmp_path / "cycle.json").read_text("utf-8"))
    assert number in {each["techniqueID"] for each in layer["techniques"]}


def test_telemetry_that_a_hunt_read_lets_rules_see_and_the_hunt_watches(town, tmp_path):
    town.found("aurelia")
    take(town)
    (tmp_path / "rule.yml").write_text(SIGMA)
    args = ("--tlp", "CLEAR", "--source", "sigmahq")
    town.do("aurelia", "import", str(tmp_path / "rule.yml"), *args, actor="amal")
    at = f"{town.clock():%Y-%m-%d}T08:00:00Z"
    fields = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "@timestamp": at}
    event = fields | {"CommandLine": "notepad", "Image": "C:\\notepad.exe", "Hostname": "pc"}
    (tmp_path / "log.jsonl").write_text(json.dumps(event) + "\n")
    before = town.ask("aurelia", "defence", "technique", "T1059.001", actor="amal")
    town.do("aurelia", "hunt", str(tmp_path / "log.jsonl"), "--held", actor="amal")

    after = town.ask("aurelia", "defence", "technique", "T1059.001", actor="amal")
    assert (before["seen"], after["seen"]) == ("blind", "watched")
    sources = town.ask("aurelia", "defence", "sources", actor="amal")
    assert "sysmon/process_creation" in {each["log_source"] for each in sources["here"]}


def test_a_recording_proves_a_technique_only_if_a_rule_that_is_held_finds_something_in_it(
    town, tmp_path
):
    town.found("aurelia")
    take(town)
    (tmp_path / "rule.yml").write_text(SIGMA)
    event = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Hostname": "pc"}
    for name, line in (("silent", "notepad"), ("attack", "curl http://x.example")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(event | {"CommandLine": line}) + "\n")
    (tmp_path / "letter.txt").write_text("Dear colleague,")

    def prove(name):
        args = ("prove", "T1059.001", "--recording", tmp_path / name)
        return town.run("aurelia", "defence", *args, actor="amal")

    nothing = prove("attack.jsonl")
    args = ("--tlp", "CLEAR", "--source", "sigmahq")
    town.do("aurelia", "import", str(tmp_path / "rule.yml"), *args, actor="amal")
    silent, letter = prove("silent.jsonl"), prove("letter.txt")
    before = town.ask("aurelia", "defence", "technique", "T1059.001", actor="amal")
    found = prove("attack.jsonl")
    after = town.ask("aurelia", "defence", "technique", "T1059.001", actor="amal")

    assert [each.exit_code for each in (nothing, silent, letter, found)] == [1, 1, 1, 0]
    assert "No rule that is held is about it" in nothing.stderr
    assert "None of the 1 rules" in silent.stderr
    assert "No event was read" in letter.stderr
    assert (before["seen"], before["proofs"]) == ("blind", [])
    assert after["seen"] == "proved"
    assert "Ingress by a shell" in after["proofs"][0]["text"]
    assert after["proofs"][0]["kind"] == "recording"


YARA = """rule Shell : T1059_001 {
  strings: $a = "powershell"
  condition: $a
}
rule Other { condition: false }
"""


def test_a_yara_rule_that_files_were_looked_through_with_sees_what_it_names(town, tmp_path):
    town.found("aurelia")
    take(town)
    (tmp_path / "rules.yar").write_text(YARA)
    (tmp_path / "file.bin").write_bytes(b"\0\1powershell")
    before = town.ask("aurelia", "defence", "technique", "T1059.001", actor="amal")

    hunt = ("hunt", str(tmp_path / "file.bin"), "--yara", str(tmp_path / "rules.yar"), "--held")
    town.run("aurelia", *hunt, actor="amal")

    after = town.ask("aurelia", "defence", "technique", "T1059.001", actor="amal")
    shown = town.do("aurelia", "defence", "technique", "T1059.001", actor="amal")
    assert (before["seen"], after["seen"]) == ("none", "watched")
    assert after["evaluable_kinds"] == {"yara": 1}
    assert [(each["rule"], each["kind"]) for each in after["rules"]] == [("Shell", "yara")]
    assert "yara" in shown
    assert town.ask("aurelia", "defence", "technique", "T1078", actor="amal")["seen"] == "none"


def test_gaps_of_an_owner_are_counted_alone(town):
    town.found("aurelia")
    take(town)
    town.do("aurelia", "defence", "assign", "T1105", "amal", actor="amal")

    every = town.do("aurelia", "defence", "gaps", actor="amal")
    own = town.do("aurelia", "defence", "gaps", "--owner", "amal", actor="amal")
    none = town.do("aurelia", "defence", "gaps", "--overdue", actor="amal")

    assert "Gaps: 43." in every
    assert "Gaps: 1." in own
    assert "No such gap" in none


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("technique", "T0000"), "no-technique"),
        (("assess", "M0000", "partly"), "no-mitigation"),
        (("priority", "Nobody At All", "1", "--because", "x"), "not-found"),
        (("gaps", "--owner", "aml"), "unknown-actor"),
        (("assign", "T1059", "--due", "soon"), "invalid-input"),
        (("export", "cycle.pdf"), "usage"),
        (("prove", "T1059.001"), "usage"),
    ],
)
def test_what_cannot_be_is_refused_in_every_language(town, args, code):
    town.found("aurelia")
    take(town)
    for language in ("en", "fr", "ar"):
        done = town.run("aurelia", "defence", *args, actor="amal", language=language)
        assert done.exit_code not in {0, 1}
    told = town.run("aurelia", "defence", *args, "--json", actor="amal")
    assert code in told.stderr


@pytest.mark.parametrize(
    ("args", "like"),
    [
        (("technique", "T1509.001"), "T1059.001"),
        (("assign", "Powershel", "amal"), "T1059.001 PowerShell"),
        (("priority", "APT2", "1", "--because", "x"), "APT29"),
    ],
)
def test_what_is_near_to_what_was_asked_for_is_named_in_every_language(town, args, like):
    town.found("aurelia")
    take(town)
    for language in ("en", "fr", "ar"):
        done = town.run("aurelia", "defence", *args, actor="amal", language=language)
        assert like in " ".join(done.stderr.split())
        assert ("like it: " in done.stderr) == (language == "en")


def take(town):
    sample = samples.path("attack-subset.json")
    named = ("--name", "enterprise-attack", "--version", "18.0")
    town.do("aurelia", "reference", "take", str(sample), *named, actor="omar")
    town.do("aurelia", "reference", "use", "enterprise-attack", "18.0", "--yes", actor="omar")
