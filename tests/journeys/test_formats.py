"""What a node reads is listed in its people's language; an old bundle and a list are imported like any."""

import json

import pytest
from typer.testing import CliRunner

from mithaq.cli.app import app

AT = "2017-01-20T00:00:00.000Z"


@pytest.fixture
def say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*args, language="en", code=0):
        done = CliRunner().invoke(
            app, args, env={"MITHAQ_HOME": str(tmp_path / "home"), "MITHAQ_LANG": language}
        )
        assert done.exit_code == code, done.output
        return done.stdout

    run("init", "--nation", "aurelia", "--url", "https://aurelia.example", "--country", "QM")
    run("actor", "add", "ana", "--role", "analyst")
    return run


def test_every_format_says_what_it_reads(say):
    for language in ("en", "fr", "ar"):
        rows = json.loads(say("formats", "--json", language=language))
        assert [each["format"] for each in rows] == [
            "stix", "misp", "list", "stix-2.0", "sigma", "yara", "openioc"
        ]  # fmt: skip
        assert {each["format"] for each in rows if "STIX" in each["reads"]} == {"stix", "stix-2.0"}
        assert "CSV" in rows[2]["reads"]


def test_a_bundle_of_stix_2_0_is_imported_lifted_and_found(say, tmp_path):
    old = {
        "type": "indicator", "id": "indicator--00000000-0000-4000-8000-000000000001",
        "created": AT, "modified": AT, "name": "beacon", "labels": ["malicious-activity"],
        "pattern": "[ipv4-addr:value = '198.51.100.7']", "valid_from": AT,
    }  # fmt: skip
    file = tmp_path / "old.json"
    file.write_text(
        json.dumps(
            {
                "type": "bundle",
                "id": "bundle--00000000-0000-4000-8000-000000000001",
                "spec_version": "2.0",
                "objects": [old, {"type": "tool"}],
            }
        )
    )

    [done] = json.loads(say("import", str(file), "--tlp", "GREEN", "--as", "ana", "--json", code=1))
    [found] = json.loads(say("search", "beacon", "--as", "ana", "--json"))

    assert (done["stored"], [each["code"] for each in done["rejected"]]) == (1, ["stix-id"])
    assert (found["id"], found["marking"]) == (old["id"], "TLP:GREEN")


def imported(say, file, *options, code=0):
    [done] = json.loads(say("import", str(file), *options, "--as", "ana", "--json", code=code))
    return done


def shown(say, words):
    found = json.loads(say("search", *words, "--as", "ana", "--json"))
    return [
        json.loads(say("show", str(each["number"]), "--raw", "--as", "ana"))
        | {"marking": each["marking"], "from": each["from"]}
        for each in found
    ]


def test_a_plain_list_is_imported_as_it_is(say, tmp_path):
    file = tmp_path / "feed.txt"
    file.write_text("# today\n198.51.100.7\nhxxps://evil[.]example/x\nno value\n")

    done = imported(say, file, "--tlp", "GREEN", code=1)
    [url] = shown(say, ["https://evil.example/x"])

    assert (done["stored"], done["unmarked"]) == (2, 0)
    assert [(each["code"], each["where"]) for each in done["rejected"]] == [("list-form", "line 4")]
    assert url["pattern"] == "[url:value = 'https://evil.example/x']"
    assert (url["marking"], url["from"]) == ("TLP:GREEN", "file:feed")


def test_a_table_is_imported_row_by_row_with_its_own_markings(say, tmp_path):
    file = tmp_path / "feed.csv"
    file.write_text(
        "Value;Threat;Comment;TLP\nevil.example;Emotet;seen;AMBER\n198.51.100.7;;;\nb.example;;;AMBRE\n"
    )

    done = imported(say, file, "--tlp", "GREEN", code=1)
    [domain], [address] = shown(say, ["Emotet"]), shown(say, ["198.51.100.7"])

    assert (done["stored"], [each["code"] for each in done["rejected"]]) == (2, ["list-tlp"])
    assert (domain["name"], domain["description"]) == ("Emotet", "seen")
    assert (domain["marking"], address["marking"]) == ("TLP:AMBER", "TLP:GREEN")


def test_a_list_of_hashes_needs_to_be_told_their_kind(say, tmp_path):
    file = tmp_path / "hashes.txt"
    file.write_text("".join(f"{n:032x}\n" for n in range(3)))

    bare = imported(say, file, "--tlp", "GREEN", code=1)
    wrong = imported(say, file, "--tlp", "GREEN", "--kind", "sha256", code=1)
    done = imported(say, file, "--tlp", "GREEN", "--kind", "md5")

    assert [(each["code"], "--kind" in each["why"]) for each in bare["rejected"]] == [
        ("list-hash", True)
    ] * 3
    assert {each["code"] for each in wrong["rejected"]} == {"list-value"}
    assert (bare["stored"], wrong["stored"], done["stored"], done["rejected"]) == (0, 0, 3, [])


def test_a_column_is_said_by_a_person_where_its_name_does_not(say, tmp_path):
    file = tmp_path / "certificates.csv"
    file.write_text(f"listed,SHA1,why\n2024-05-01,{'ab' * 20},c2\n")

    columns = ("certificate-sha1=SHA1", "since=1", "name=why")
    options = [word for each in columns for word in ("--column", each)]
    done = imported(say, file, "--tlp", "GREEN", *options)
    [found] = shown(say, ["ab" * 20])

    assert done["stored"] == 1
    assert found["pattern"] == f"[x509-certificate:hashes.'SHA-1' = '{'ab' * 20}']"
    assert (found["name"], found["valid_from"]) == ("c2", "2024-05-01T00:00:00.000Z")


@pytest.mark.parametrize(
    "options", [("--kind", "md55"), ("--column", "value"), ("--column", "nothing=1"), ("--column", "value=x")]
)  # fmt: skip
def test_a_kind_or_a_column_that_is_none_is_refused_before_anything_is_taken(
    say, tmp_path, options
):
    file = tmp_path / "feed.csv"
    file.write_text("value,comment\nevil.example,x\n")

    say("import", str(file), *options, "--as", "ana", code=2)

    assert json.loads(say("search", "evil", "--as", "ana", "--json")) == []


def test_the_next_edition_of_a_list_brings_what_is_new_in_it(say, tmp_path):
    file = tmp_path / "feed.csv"
    terms = ("--tlp", "GREEN", "--source", "exchange")
    file.write_text("value,comment\nevil.example,one\nb.example,x\n")
    first = imported(say, file, *terms)
    [old] = shown(say, ["evil.example"])

    again = imported(say, file, *terms)
    file.write_text("value,comment\nb.example,x\nevil.example,two\nc.example,y\n")
    changed = imported(say, file, *terms)
    [new] = shown(say, ["evil.example"])

    assert [(each["stored"], each["known"]) for each in (first, again, changed)] == [
        (2, 0), (0, 2), (2, 1)
    ]  # fmt: skip
    assert (new["id"], new["created"]) == (old["id"], old["created"])
    assert new["modified"] > old["modified"]
    assert (old["description"], new["description"]) == ("one", "two")


def wave():
    """Return an attribute of MISP, and the event that it stands in."""
    one = {
        "uuid": "00000000-0000-4000-8000-000000000001", "type": "domain", "value": "beacon.example",
        "category": "Network activity", "to_ids": True, "timestamp": "1700000000",
    }  # fmt: skip
    event = {
        "uuid": "00000000-0000-4000-8000-000000000900", "info": "Phishing wave", "date": "2023-11-01",
        "timestamp": "1700000000", "Orgc": {"name": "CERT", "uuid": "00000000-0000-4000-8000-0000000000aa"},
        "Tag": [{"name": "tlp:green"}], "Attribute": [one],
    }  # fmt: skip
    return one, event


def test_an_event_of_misp_is_imported_under_its_own_marking_and_changes_with_it(say, tmp_path):
    one, event = wave()
    file = tmp_path / "event.json"

    def bring():
        file.write_text(json.dumps({"response": [{"Event": event}]}))
        [done] = json.loads(say("import", str(file), "--as", "ana", "--json"))
        return done["stored"], done["known"], done["unmarked"]

    first, again = bring(), bring()
    one |= {"timestamp": "1700000500", "deleted": True}
    changed = bring()
    [found] = json.loads(say("search", "beacon.example", "--as", "ana", "--json"))

    assert (first, again, changed) == ((4, 0, 1), (0, 4, 0), (1, 3, 0))
    assert (found["marking"], found["type"]) == ("TLP:GREEN", "indicator")
    assert json.loads(say("show", found["id"], "--as", "ana", "--raw"))["revoked"] is True


def test_an_attribute_that_is_no_longer_for_detection_revokes_the_indicator_that_it_was(
    say, tmp_path
):
    """In MISP whoever takes ``to_ids`` away means that tools stop acting on the value."""
    one, event = wave()
    file = tmp_path / "event.json"
    indicator = "indicator--00000000-0000-4000-8000-000000000001"

    def bring(**changed):
        one.update(changed)
        file.write_text(json.dumps({"Event": event}))
        say("import", str(file), "--as", "ana", "--json")
        return json.loads(say("show", indicator, "--as", "ana", "--raw"))

    first = bring()
    event["Tag"] = [{"name": "tlp:amber"}]
    last = bring(to_ids=False, timestamp="1700000500")
    again = bring()

    assert "revoked" not in first
    assert (last["revoked"], last["pattern"]) == (True, first["pattern"])
    assert last["modified"] > first["modified"]
    assert len(last["object_marking_refs"]) == 2
    assert again == last


def test_what_of_a_file_comes_back_from_misp_is_said_in_every_language(say, tmp_path):
    one = {
        "type": "indicator", "spec_version": "2.1", "id": "indicator--00000000-0000-4000-8000-000000000001",
        "created": AT, "modified": AT, "name": "beacon", "pattern_type": "stix", "valid_from": AT,
        "pattern": "[ipv4-addr:value = '198.51.100.7']",
    }  # fmt: skip
    file = tmp_path / "one.json"
    file.write_text(json.dumps(one))

    told = json.loads(say("formats", "--roundtrip", str(file), "--json"))

    assert (told["objects"], told["events"], told["lowered"]) == (1, 1, 0)
    assert told["lost"]["name"] == [one["id"]]
    for language in ("en", "fr", "ar"):
        assert one["id"] in say("formats", "--roundtrip", str(file), language=language)
