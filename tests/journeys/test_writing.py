"""What an analyst writes at a terminal: looked at before it is stored, and never lost."""

import json
import sys

import pytest

from mithaq import intel
from mithaq.node import open_node
from tests.journeys.conftest import PACT
from tests.journeys.test_formats import say

__all__ = ["say"]
ANA = ("--as", "ana")


@pytest.fixture
def ask(say):
    return lambda *args, **more: json.loads(say(*args, *ANA, "--json", **more))


def test_an_analyst_writes_what_a_report_holds(say, ask, tmp_path):
    host = ask(
        "object", "new", "--value", "hxxp://evil[.]example/a", "--tlp", "AMBER", "--label", "c2"
    )
    malware = ask("object", "new", "malware", "--name", "لبلاب", "--set", "is_family=true")
    link = ask(
        "object", "relate", str(host["number"]), "indicates", malware["id"], "--tlp", "AMBER"
    )
    fields = tmp_path / "fields.json"
    fields.write_text('{"type": "report", "name": "آذار"}', "utf-8")
    about = [f"--of={each['number']}" for each in (host, malware, link)]
    report = ask(
        "object", "new", "--from", str(fields), *about, "--tlp", "AMBER", "--confidence", "70"
    )

    shown = ask("show", report["id"])
    assert (host["name"], host["marking"]) == ("http://evil.example/a", "TLP:AMBER")
    assert malware["marking"] == ""
    assert shown["object"]["object_refs"] == [host["id"], malware["id"], link["id"]]
    assert shown["object"]["confidence"] == 70
    assert ask("search", "evil.example")[0]["id"] == host["id"]
    unmarked = say("object", "new", "tool", "--name", "x", *ANA)
    assert "`mithaq mark" in unmarked
    body = json.loads(say("object", "new", "tool", "--name", "y", "--preview", *ANA))
    say("show", body["id"], *ANA, code=4)  # nothing was stored


def test_what_cannot_be_written_is_said_with_the_field_and_the_cure(say, tmp_path):
    two = tmp_path / "two.json"
    two.write_text('{"type": "tool"}', "utf-8")
    for line in (
        ("object", "new"),
        ("object", "new", "malware", "--name", "x"),
        ("object", "new", "malwares", "--name", "x"),
        ("object", "new", "tool", "--name", "x", "--valid-from", "2026-01-01"),
        ("object", "new", "malware", "--from", str(two)),
        ("object", "new", "--kind", "md5"),
        ("object", "new", "--value", "d41d8cd98f00b204e9800998ecf8427e"),
        ("opinion", "1", "maybe"),
        ("object", "set", "1"),
        ("object", "set", "1", "name=x", "--json"),
    ):
        say(*line, *ANA, code=2)


def test_changes_are_looked_at_stored_told_and_taken_back(say, ask):
    tool = ask("object", "new", "tool", "--name", "mole", "--tlp", "GREEN", "--label", "a")
    say("object", "set", tool["id"], "name=مِعول", "labels=", "--preview", *ANA)
    said = say("object", "set", tool["id"], "name=مِعول", "labels=", "--tlp", "AMBER", "--yes", *ANA)
    note = ask("note", tool["id"], "انتبهوا", "--title", "تنبيه")
    ask("opinion", tool["id"], "agree", "--why", "seen")
    say("object", "restore", tool["id"], "--version", str(tool["number"]), "--yes", *ANA)
    say("object", "revoke", tool["id"], "--yes", *ANA)
    again = say("object", "set", tool["id"], "name=x", "--yes", *ANA, code=2)

    told = ask("history", tool["id"])["versions"]
    assert "mole" in said
    assert "TLP:AMBER" in said
    assert note["marking"] == "TLP:AMBER"
    assert again == ""
    assert [each["author"] for each in told] == ["ana"] * 4
    fields = [[change["field"] for change in each["changes"]] for each in told]
    assert fields == [
        [], ["labels", "name", "object_marking_refs"], ["name", "labels"], ["revoked"]
    ]  # fmt: skip
    page = say("history", tool["id"], *ANA)
    assert page.count("by ana") == 4
    arabic = say("history", tool["id"], *ANA, language="ar")
    assert "كتبها" in arabic


def test_an_editor_shows_the_whole_and_what_differs_is_asked_about(say, ask, tmp_path, monkeypatch):
    tool = ask("object", "new", "tool", "--name", "mole", "--tlp", "GREEN")
    script = tmp_path / "edit.py"
    script.write_text(
        "import json, sys\n"
        "body = json.load(open(sys.argv[1]))\n"
        "body['name'] = 'digger'\n"
        "json.dump(body, open(sys.argv[1], 'w'))\n",
        "utf-8",
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    said = say("object", "edit", tool["id"], "--yes", *ANA)
    monkeypatch.setenv("VISUAL", "/bin/false")

    say("object", "edit", tool["id"], "--yes", *ANA, code=2)

    assert "digger" in said
    assert ask("show", tool["id"])["name"] == "digger"
    assert list((tmp_path / "home" / "core").glob("edit-*")) == []


def test_a_revision_waits_until_it_is_released_again(allies):
    ana = {"actor": "amal"}
    made = allies.ask(
        "asteria", "object", "new", "--value", "evil.example", "--tlp", "AMBER", **ana
    )
    allies.do("asteria", "release", made["number"], "--agreement", "pact", **ana)
    allies.settle()
    said = allies.do("asteria", "object", "set", made["id"], "description=x", "--yes", **ana)
    before = allies.ask("asteria", "history", made["id"], **ana)
    allies.do("asteria", "release", made["id"], "--agreement", "pact", **ana)
    after = allies.ask("asteria", "history", made["id"], **ana)
    allies.settle()

    assert "borea has an earlier version under pact" in said
    assert [each["peer"] for each in before["versions"][0]["released"]] == ["borea"]
    assert [(each["peer"], each["state"]) for each in before["waiting"]] == [("borea", "unasked")]
    assert after["waiting"] == []
    [one, two] = allies.ask("borea", "history", made["id"], **ana)["versions"]
    assert (one["from"], [c["field"] for c in two["changes"]]) == ("asteria", ["description"])
    refused = allies.run("borea", "object", "revoke", made["id"], "--yes", **ana)
    assert (refused.exit_code, "asteria" in refused.output) == (3, True)


TALKS = PACT.replace('"pact"', '"talks"').replace(
    '["indicator", "malware", "relationship", "domain-name"]', '["*"]'
)


def test_what_one_desk_writes_is_read_translated_and_answered_at_the_other(allies):
    def ana(nation, *args, **more):
        return allies.ask(nation, *args, actor="amal", **more)

    allies.agree(TALKS, "asteria", "borea")
    made = ana("asteria", "object", "new", "tool", "--name", "mole", "--tlp", "AMBER")
    released = ("release", made["number"], "--agreement", "talks")
    allies.do(
        "asteria", "translate", made["number"], "name=خلد الحديقة", "--to", "ar", actor="amal"
    )
    alone = ana("asteria", *released, "--alone", "--preview")
    said = allies.do("asteria", *released, actor="amal")
    more = allies.do(
        "asteria", "translate", made["number"], "name=taupe", "--to", "fr", actor="amal"
    )
    allies.settle()
    read = allies.do("borea", "show", made["id"], actor="amal", language="ar")

    assert (alone["translations"], alone["peers"][0]["goes"]) == ([], 1)
    assert "Our translations that go along: 1." in said
    assert "borea has the object under talks" in more
    assert "خلد الحديقة" in read

    line = ("propose", made["id"], "name=خلد", "--why", "اسمه عندنا")
    shown = allies.do("borea", *line, "--preview", actor="amal")
    declined = allies.run("borea", *line, actor="amal", typed="n\n")
    sent = ana("borea", *line, "--yes")
    allies.do("borea", "propose", made["id"], "labels=a", "--why", "x", "--yes", actor="amal")
    allies.settle()

    assert "خلد" in shown
    assert (declined.exit_code, sent["to"], sent["sent"][0]["goes"]) == (1, "asteria", 1)
    second, first = ana("asteria", "proposal", "list")
    assert ana("asteria", "status")["proposals"] == 2
    assert (first["party"], first["object"], first["fields"]) == ("borea", "mole", ["name"])
    page = allies.do("asteria", "proposal", "show", first["number"], actor="amal", language="ar")
    assert "اسمه عندنا" in page
    taken = allies.do("asteria", "proposal", "take", first["number"], "--yes", actor="amal")
    assert "It goes to borea alone." in taken
    allies.do("asteria", "proposal", "decline", second["number"], "--why", "no", actor="amal")
    allies.settle()

    states = {
        each["fields"][0]: each["state"]
        for each in ana("borea", "proposal", "list", "--sent", "--all")
    }
    assert states == {"name": "taken", "labels": "declined"}
    assert ana("asteria", "proposal", "list") == []
    told = ana("asteria", "history", made["id"])["versions"]
    assert [each["proposed_by"] for each in told] == ["", "borea"]
    assert "Taken from a proposal of borea." in allies.do(
        "asteria", "history", made["id"], actor="amal"
    )
    answered = ana("borea", "proposal", "show", sent["id"])
    assert (answered["state"], answered["why"]) == ("taken", "اسمه عندنا")
    codes = [
        allies.run(nation, *args, actor="amal").exit_code
        for nation, *args in (
            ("asteria", "propose", made["id"], "name=x", "--why", "y", "--yes"),
            ("borea", "propose", made["id"], "--why", "y"),
            ("borea", "propose", made["id"], "name=x", "--why", "y", "--json"),
            ("asteria", "proposal", "take", str(first["number"]), "--yes"),
            ("asteria", "proposal", "show", made["id"]),
        )
    ]
    assert codes == [3, 2, 2, 5, 4]


def test_an_arabic_reader_reads_a_translation_and_finds_it_by_its_words(say, ask, tmp_path):
    tool = ask(
        "object", "new", "tool", "--name", "hammer", "--description", "heavy", "--tlp", "GREEN"
    )
    line = ("translate", tool["id"], "name=مطرقة", "description=ثقيلة", "--to", "ar")
    json.loads(say(*line, "--preview", *ANA))
    say("search", "مطرقه", "--save", "hammers", "--notify", *ANA)
    made = ask(*line)
    with open_node(tmp_path / "home") as node:
        intel.read_out(node.core, node.clock())
    [again], noticed = ask("saved", "run", "hammers"), ask("notices")["notices"]
    assert (again["id"], again["via"]) == (tool["id"], made["id"])
    assert [(each["type"], each["name"]) for each in noticed] == [("language-content", "hammer")]
    say("translate", tool["id"], "--to", "ar", *ANA, code=2)
    say("translate", tool["id"], "name=x", "--to", "arabic", *ANA, code=2)
    arabic = say("show", tool["id"], *ANA, language="ar")
    original = say("show", tool["id"], "--original", *ANA, language="ar")
    english = say("show", tool["id"], *ANA)
    [found] = ask("search", "مطرقه")
    say("object", "set", tool["id"], "name=mallet", "--yes", *ANA)
    stale = say("show", tool["id"], *ANA, language="ar")
    told = ask("show", tool["id"])["translations"]

    assert made["marking"] == "TLP:GREEN"
    assert "ثقيلة" in arabic
    assert "aurelia" in arabic
    assert "heavy" in original
    assert "heavy" in english
    assert "hammer" in english
    assert (found["id"], found["via"]) == (tool["id"], made["id"])
    assert "من نسخة سابقة" in stale
    assert [(each["language"], each["by"], each["stale"]) for each in told] == [
        ("ar", "aurelia", True)
    ]
