"""An analyst asks who knows a value, finds what was written in any script, and goes from object to object."""

import json

from tests.journeys.test_formats import say

__all__ = ["say"]
AT = "2026-01-01T00:00:00.000Z"
IVY = "malware--00000000-0000-4000-8000-000000000001"
SHELL = "attack-pattern--00000000-0000-4000-8000-000000000002"


def made(id_, **more):
    return {
        "type": id_.partition("--")[0],
        "spec_version": "2.1",
        "id": id_,
        "created": AT,
        "modified": AT,
        **more,
    }


BUNDLE = [
    made(IVY, name="Poison Ivy", is_family=True, labels=["rat"], description="استهدف مُؤَسَّسَةَ الطاقة"),
    made(SHELL, name="PowerShell", external_references=[{"source_name": "mitre-attack", "external_id": "T1059.001"}]),
    made(
        "relationship--00000000-0000-4000-8000-000000000003",
        relationship_type="uses", source_ref=IVY, target_ref=SHELL,
    ),
    made(
        "indicator--00000000-0000-4000-8000-000000000004", name="C2", valid_from=AT, pattern_type="stix",
        pattern="[domain-name:value = 'evil.example' AND file:size > 5]", confidence=70,
    ),
]  # fmt: skip


def test_an_analyst_finds_by_value_by_words_by_facts_and_by_neighbours(say, tmp_path):
    file = tmp_path / "report.json"
    file.write_text(
        json.dumps({"type": "bundle", "id": "bundle--" + IVY[9:], "objects": BUNDLE}), "utf-8"
    )
    say("import", str(file), "--tlp", "GREEN", "--as", "ana")

    def found(*asked, code=0):
        written = say(*asked, "--as", "ana", "--json", code=code)
        return [each["name"] for each in json.loads(written)] if not code else written

    [known] = json.loads(say("search", "hxxp://sub.evil[.]example/x", "--as", "ana", "--json"))
    assert (known["value"], known["kind"], known["exactly"]) == ("evil.example", "domain", False)
    assert found("search", "--value", "EVIL[.]example") == ["C2"]
    assert found("search", "--value", "good.example") == []
    assert "speaks of it" in say("search", "--value", "good.example", "--as", "ana")
    assert found("search", "--text", "evil.example") == ["C2"]
    assert found("search", "--kind", "mutex", "nothing") == []
    assert found("search", "موسسة", "الطاقه") == ["Poison Ivy"]
    assert found("search", "pois") == ["Poison Ivy"]
    assert found("search", "--technique", "T1059", "--type", "malware") == ["Poison Ivy"]
    assert found("search", "--label", "RAT") == ["Poison Ivy"]
    assert found("search", "--confidence", "70", "--source", "report", "--not-revoked") == ["C2"]
    assert found("search", "--marking", "RED") == found("search", "--revoked") == []
    assert found("search", "--until", "2026-01-01") == []

    [tie] = json.loads(say("show", IVY, "--related", "--as", "ana", "--json"))
    assert (tie["direction"], tie["as"], tie["id"]) == ("to", "uses", SHELL)
    assert tie["via"].startswith("relationship--")


def test_what_cannot_be_looked_up_is_said(say):
    for asked in (
        ("--value",),
        ("--value", "a.example", "--type", "tool"),
        ("--value", "word"),
        ("--kind", "no", "x"),
    ):
        say("search", *asked, "--as", "ana", code=2)


def test_an_analyst_saves_a_search_and_is_told_of_what_comes(say, tmp_path):
    def ask(*args):
        return json.loads(say(*args, "--as", "ana", "--json"))

    say("search", "ivy", "--save", "rats", "--notify", "--type", "malware", "--as", "ana")
    say("search", "evil.example", "--save", "evil", "--notify", "--as", "ana")
    say("search", "x", "--notify", "--as", "ana", code=2)
    file = tmp_path / "report.json"
    file.write_text(
        json.dumps({"type": "bundle", "id": "bundle--" + IVY[9:], "objects": BUNDLE}), "utf-8"
    )
    say("import", str(file), "--tlp", "GREEN", "--as", "ana")

    assert [each["asks"] for each in ask("saved", "list")] == [
        "--kind domain evil.example",
        "ivy --type malware",
    ]
    found = ask("notices")
    assert [(each["search"], each["name"]) for each in found["notices"]] == [
        ("evil", "C2"),
        ("rats", "Poison Ivy"),
    ]
    assert ask("status")["unread"] == 2
    assert "Poison Ivy" in say("notices", "--as", "ana")
    number = str(found["notices"][1]["number"])
    say("notices", number, "--as", "ana", code=2)
    assert ask("notices", number, "--read")["unread"] == 1
    say("notices", "--read", "--as", "ana")
    assert "Nothing new" in say("notices", "--as", "ana")
    assert [each["read"] for each in ask("notices", "--all")["notices"]] == [True, True]

    assert ask("saved", "run", "rats")[0]["name"] == "Poison Ivy"
    assert ask("saved", "run", "evil")[0]["name"] == "C2"
    assert (
        ask("saved", "change", "rats", "--rename", "remote", "--no-notify", "--share")["notice"]
        is False
    )
    say("saved", "change", "remote", "--as", "ana", code=2)
    say("saved", "remove", "remote", "--yes", "--as", "ana")
    say("saved", "remove", "remote", "--yes", "--as", "ana", code=4)


def test_what_is_called_so_comes_first_and_relationships_last_page_by_page(say, tmp_path):
    said = [
        made(
            f"relationship--00000000-0000-4000-8000-{number:012d}", relationship_type="uses", source_ref=IVY,
            target_ref=SHELL, description="poison ivy uses it",
        )
        for number in range(10, 13)
    ]  # fmt: skip
    report = made(
        "tool--00000000-0000-4000-8000-000000000020", name="Kit", description="as poison ivy"
    )
    write(tmp_path, [*BUNDLE, report, *said])
    say("import", str(tmp_path / "report.json"), "--tlp", "GREEN", "--as", "ana")

    def types(*asked):
        found = json.loads(say("search", "poison ivy", *asked, "--as", "ana", "--json"))
        return [each["type"] for each in found], found[-1]["number"] if found else 0

    whole = ["malware", "tool", "relationship", "relationship", "relationship"]
    assert types()[0] == whole
    seen, last = [], 0
    while page := (found := types("--limit", "1", *(("--page", str(last)) if last else ())))[0]:
        seen, last = seen + page, found[1]
    assert seen == whole
    assert types("--type", "relationship")[0] == whole[2:]


def test_a_filter_that_nothing_meets_is_named_with_what_may_be_meant(say, tmp_path):
    write(tmp_path, BUNDLE)
    say(
        "import",
        str(tmp_path / "report.json"),
        "--tlp",
        "GREEN",
        "--source",
        "vendor",
        "--as",
        "ana",
    )
    say(
        "import",
        str(tmp_path / "report.json"),
        "--tlp",
        "AMBER",
        "--source",
        "secret",
        "--as",
        "ana",
    )
    say(
        "actor",
        "add",
        "low",
        "--role",
        "analyst",
        "--clearance",
        "GREEN",
        "--key",
        str(tmp_path / "low.pem"),
    )

    def told(*asked, by="ana"):
        return say("search", *asked, "--as", by)

    assert "is of the type malwares." in told("--type", "malwares")
    assert "Is this meant: malware?" in told("poison", "--type", "malwares")
    assert "Is this meant: vendor?" in told("--source", "vendr")
    assert "bears the label rats." in told("--label", "rats")
    assert "Is this meant: secret?" in told("--source", "secrt")
    assert "meant" not in told("--source", "secrt", by="low")
    assert told("--source", "secret", by="low") == "Nothing that you may read is from secret.\n"
    assert "holds all these words" in told("nosuchword", "--type", "malware")
    assert say("search", "--type", "malwares", "--as", "ana", "--json").strip().startswith("[]")


def write(folder, objects):
    bundle = {"type": "bundle", "id": "bundle--" + IVY[9:], "objects": objects}
    (folder / "report.json").write_text(json.dumps(bundle), "utf-8")
