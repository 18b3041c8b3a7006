"""An analyst sees who says what of one thing, corrects what is held to be the same, and takes it back."""

import json

from tests.journeys.test_formats import say
from tests.journeys.test_search import made

__all__ = ["say"]
ONE = made("threat-actor--00000000-0000-4000-8000-000000000001", name="Red Panda", confidence=80)
TWO = made("intrusion-set--00000000-0000-4000-8000-000000000002", name="RED-PANDA", confidence=30)


def test_an_analyst_looks_at_one_thing_splits_it_and_takes_that_back(say, tmp_path):
    for name, body in (("one", ONE), ("two", TWO)):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps({"objects": [body]}))
        say("import", str(file), "--tlp", "GREEN", "--as", "ana")

    def seen(what=ONE["id"]):
        return json.loads(say("same", what, "--as", "ana", "--json"))

    def rows():
        return json.loads(say("search", "panda", "--merged", "--as", "ana", "--json"))

    found = seen()
    assert [(m["id"], [w["kind"] for w in m["why"]]) for m in found["members"]] == [
        (ONE["id"], []),
        (TWO["id"], ["name"]),
    ]
    assert [(c["says"], c["from"]) for c in found["properties"]["confidence"]] == [
        (80, "file:one"),
        (30, "file:two"),
    ]
    for language, word in (
        ("en", "name Red Panda"),
        ("fr", "nom Red Panda"),
        ("ar", "اسم Red Panda"),
    ):
        assert word in say("same", "2", "--as", "ana", language=language)
    assert [row["also"] for row in rows()] == [[2]]
    assert "mithaq same 2" in say("show", ONE["id"], "--as", "ana")

    say("merge", "split", "2", TWO["id"], "--because", "other tools", "--as", "ana")
    assert [each["why"] for each in seen()["apart"]] == ["other tools"]
    assert "other tools" in say("same", "2", "--as", "ana")
    assert [row["also"] for row in rows()] == [[], []]
    assert "Red Panda" not in say("same", "3", "--as", "ana").split("\n\n")[0].split("\n", 2)[1]
    say("merge", "join", "2", "3", "--because", "no", "--as", "ana", code=5)
    say("merge", "undo", "1", "--because", "same tools", "--as", "ana")
    assert seen() == found
    assert json.loads(say("merge", "list", "--as", "ana", "--json")) == []
    [record] = json.loads(say("merge", "list", "--undone", "--as", "ana", "--json"))
    assert (record["why"], record["undone_why"], record["judged"]) == (
        "other tools",
        "same tools",
        "apart",
    )
    say("same", "no value at all", "--as", "ana", code=4)
    assert seen("evil.example")["members"] == []


def test_an_analyst_sees_what_shares_a_value_and_what_is_too_harmless_to_tie(say, tmp_path):
    at, form = (
        "2026-01-01T00:00:00Z",
        {"pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z"},
    )
    first, second = (
        made(
            f"indicator--00000000-0000-4000-8000-00000000000{n}",
            name=name,
            pattern=f"[{pattern}]",
            **form,
        )
        for n, name, pattern in (
            (1, "C2", "domain-name:value = 'evil.example' OR ipv4-addr:value = '8.8.8.8'"),
            (2, "page", "url:value = 'http://evil.example/a' OR ipv4-addr:value = '8.8.8.8'"),
        )
    )
    report = made(
        "report--00000000-0000-4000-8000-000000000003",
        name="On them", published=at, object_refs=[second["id"]],
    )  # fmt: skip
    file = tmp_path / "all.json"
    file.write_text(json.dumps({"objects": [first, second, report]}))
    say("import", str(file), "--tlp", "GREEN", "--as", "ana")

    told = json.loads(say("correlate", first["id"], "--as", "ana", "--json"))

    assert [(each["name"], each["evidence"]) for each in told["tied"]] == [
        (
            "page",
            [
                {
                    "kind": "domain",
                    "value": "evil.example",
                    "says": "http://evil.example/a",
                    "within": "",
                }
            ],
        )
    ]
    assert [(each["name"], each["about"]) for each in told["reports"]] == [
        ("On them", [second["id"]])
    ]
    assert [each["value"] for each in told["benign"]] == ["8.8.8.8"]
    for language, word in (
        ("en", "known to be harmless"),
        ("fr", "inoffensive"),
        ("ar", "غير ضارة"),
    ):
        assert word in say("correlate", first["id"], "--as", "ana", language=language)
