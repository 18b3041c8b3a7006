"""An object is found by what people call it, alike wherever one is asked for."""

import json

import pytest
from typer.testing import CliRunner

from mithaq.cli.app import app

AT = "2026-01-20T00:00:00.000Z"


def named(type_, number, name, *aliases, **more):
    return {
        "type": type_, "spec_version": "2.1", "created": AT, "modified": AT, "name": name,
        "id": f"{type_}--00000000-0000-4000-8000-00000000000{number}",
        **({"aliases": list(aliases)} if aliases else {}), **more,
    }  # fmt: skip


OBJECTS = [
    named("malware", 1, "PoisonIvy", "Poison Ivy", is_family=True),
    named("tool", 2, "Turla"),
    named("intrusion-set", 3, "Turla"),
    named("malware", 4, "Gardener", is_family=True, description="It follows Poison Ivy."),
]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    given = {"MITHAQ_HOME": str(folder / "home"), "MITHAQ_LANG": "en"}

    def run(*args, code=0, actor="ana", language="en"):
        env = given | {"MITHAQ_ACTOR": actor, "MITHAQ_LANG": language}
        done = CliRunner().invoke(app, args, env=env)
        assert done.exit_code == code, done.output
        return done

    file = folder / "set.json"
    bundle = {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001"}
    file.write_text(json.dumps(bundle | {"objects": OBJECTS}))
    run("init", "--nation", "aurelia", "--url", "https://aurelia.example", "--country", "QM")
    key = ("--key", str(folder / "ana.pem"))
    run("actor", "add", "ana", "--role", "analyst", *key, actor="")
    run("import", str(file), "--tlp", "GREEN")
    return run


@pytest.mark.parametrize("command", ["show", "same", "correlate", "history", "who-has", "timeline"])
def test_what_people_call_it_means_an_object_wherever_one_is_asked_for(terminal, command):
    assert terminal(command, "poison ivy").stdout
    assert "PoisonIvy" in terminal("show", "PoisonIvy").stdout


def test_a_name_that_several_things_bear_is_refused_with_their_numbers(terminal):
    rows = json.loads(terminal("search", "turla", "--json").stdout)
    said = terminal("show", "Turla", code=2).stderr

    assert all(str(each["number"]) in said for each in rows)
    assert "intrusion-set" in said
    where = json.loads(terminal("who-has", "Turla", "--json").stdout)
    assert {each["id"] for each in where["others"]} == {each["id"] for each in rows}


def test_who_gives_no_name_is_shown_how_to_find_one(terminal):
    for command in ("show", "same", "correlate", "history", "who-has"):
        said = terminal(command, "Oleander", code=4).stderr
        assert "nothing here by the name 'Oleander'" in said
        assert "mithaq search" in said
    for language in ("fr", "ar"):
        assert "mithaq search" in terminal("who-has", "Oleander", code=4, language=language).stderr
