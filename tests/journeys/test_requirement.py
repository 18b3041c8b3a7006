"""A nation asks what it needs to know, tags what comes, and asks a partner for what is wanting."""

import json

from tests.journeys.conftest import PACT, bundle, indicator

INNER = "Which of our grids are open?"


def test_a_question_is_asked_answered_by_what_comes_and_put_to_a_partner(  # noqa: PLR0915 one story
    allies, tmp_path
):
    def ask(nation, *args, actor="amal"):
        return allies.ask(nation, *args, actor=actor)

    def do(nation, *args, language="en"):
        return allies.do(nation, *args, actor="amal", language=language)

    new = (
        "requirement",
        "new",
        "grid",
        INNER,
        "--words",
        "قطاع الكهرباء",
        "--type",
        "indicator",
        "--wording",
        "Who targets grids?",
    )
    assert ask("asteria", *new, "--preview")["preview"] is True
    assert ask("asteria", "requirement", "list") == []
    do("asteria", *new)
    do(
        "asteria",
        "requirement",
        "new",
        "grid-c2",
        "By which hosts?",
        "--part-of",
        "grid",
        "--value",
        "n7.example",
    )
    [grid, part] = ask("asteria", "requirement", "gaps")
    assert (grid["gaps"], part["gaps"], part["part_of"]) == (
        ["nothing-came"],
        ["nothing-came"],
        "grid",
    )

    file = bundle(tmp_path, indicator(7, "قطاع الكَهرباء"), indicator(8, "other"))
    do("asteria", "import", file, "--tlp", "GREEN")
    allies.settle(1)
    shown = ask("asteria", "requirement", "show", "grid", "--history")
    assert [each["name"] for each in shown["tagged"]] == ["قطاع الكَهرباء"]
    assert [each["act"] for each in shown["history"]] == ["made"]
    assert {each["search"] for each in ask("asteria", "notices")["notices"]} == {"grid", "grid-c2"}
    assert ask("asteria", "status")["unread"] == 2
    for language in ("en", "fr", "ar"):
        assert "قطاع" in do("asteria", "requirement", "show", "grid", language=language)
    other = next(e["number"] for e in ask("asteria", "search", "other"))
    do("asteria", "requirement", "tag", "grid", str(other))
    do("asteria", "requirement", "untag", "grid", str(other))
    assert ask("asteria", "requirement", "show", "grid")["count"] == 1
    changed = ask(
        "asteria", "requirement", "revise", "grid", "--why", "winter", "--priority", "1", "--yes"
    )
    assert [each["field"] for each in changed["changes"]] == ["why", "priority"]
    allies.run("asteria", "requirement", "revise", "grid", "--why", "x", "--preview", actor="amal")
    do("asteria", "requirement", "answer", "grid-c2", "By n7.example")
    do("asteria", "requirement", "retire", "grid-c2", "--yes")
    do("asteria", "requirement", "reopen", "grid-c2")

    ask_borea = ("requirement", "ask", "grid", "--to", "borea", "--tlp", "AMBER")
    talk = PACT.replace('id = "pact"', 'id = "talk"')
    allies.agree(talk.replace('["indicator"', '["note", "indicator"'), "asteria", "borea")
    assert "say --agreement" in allies.run("asteria", *ask_borea, "--preview", actor="amal").output
    ask_borea += ("--agreement", "talk")
    seen = ask("asteria", *ask_borea, "--preview")
    assert (seen["object"]["content"], seen["sent"][0]["goes"]) == ("Who targets grids?", 1)
    assert INNER not in json.dumps(seen)
    assert allies.run("asteria", *ask_borea, actor="amal", typed="n\n").exit_code == 1
    assert ask("asteria", "requirement", "asked") == []
    assert allies.run("asteria", *ask_borea, "--json", actor="amal").exit_code == 2
    assert ask("asteria", *ask_borea, "--yes")["sent"][0]["goes"] == 1
    allies.settle(2)

    [request] = ask("borea", "request", "list")
    assert ask("borea", "status")["requests"] == 1
    assert (request["party"], request["question"], request["state"]) == (
        "asteria",
        "Who targets grids?",
        "open",
    )
    do(
        "borea",
        "import",
        bundle(tmp_path, indicator(9, "theirs"), name="b.json"),
        "--own",
        "--tlp",
        "GREEN",
    )
    allies.settle(1)
    [theirs] = ask("borea", "search", "theirs")
    number = str(request["number"])
    reply = ("request", "reply", number, str(theirs["number"]), "--text", "These.")
    assert allies.run("borea", *reply, "--outcome", "nothing", "--yes", actor="amal").exit_code == 2
    assert "These." in do("borea", *reply, "--preview")
    assert ask("borea", *reply, "--yes")["sent"][0]["goes"] == 2
    allies.settle(2)

    [asked] = ask("asteria", "requirement", "asked", "grid")
    assert (asked["party"], asked["reply"], asked["reply_text"]) == ("borea", "answered", "These.")
    tagged = ask("asteria", "requirement", "show", "grid")["tagged"]
    assert {each["id"] for each in tagged if each["from"] == "borea"} >= {theirs["id"]}
    assert ask("borea", "request", "show", number)["reply_text"] == "These."
    assert ask("borea", "request", "list") == []
    assert ask("borea", "status")["requests"] == 0
