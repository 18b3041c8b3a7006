"""What a node reads is listed in its people's language, and an old bundle is imported like any."""

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
        assert [each["format"] for each in rows] == ["stix-2.0", "stix"]
        assert all("STIX" in each["reads"] for each in rows)


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
