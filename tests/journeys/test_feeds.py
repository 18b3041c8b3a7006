"""A person sets up feeds, sees how they do, and finds what they gave."""

import json

from tests.web import serving


def test_an_operator_sets_up_a_feed_and_an_analyst_finds_what_it_gave(town, tmp_path):
    town.found("asteria")
    word = tmp_path / "word"
    word.write_text("hush-hush\n")
    with serving() as web:
        web.page("/list.txt", b"203.0.113.7\nevil.example\n999.1.1.1.1\n")
        web.page("/empty.txt", b"# nothing\n")
        url = f"{web.url}/list.txt"
        refused = town.run("asteria", "feed", "add", "abuse", url, "--tlp", "GREEN", actor="omar")
        assert "--local" in refused.output
        about = ("--tlp", "GREEN", "--local", "--every", "30min", "--reliability", "B")
        login = ("--user", "us", "--secret-file", word)
        assert town.run("asteria", "feed", "add", "abuse", url, *about, actor="amal").exit_code == 3
        done = town.do("asteria", "feed", "add", "abuse", url, *about, *login, actor="omar")
        assert "hush" not in done

        [tried] = town.ask("asteria", "feed", "run", "abuse", "--preview", actor="amal")
        assert tried["entries"] == 2
        town.settle(1)

        [row] = town.ask("asteria", "feed", "list", actor="amal")
        assert (row["feed"], row["reading"], row["taken"], row["every_seconds"]) == (
            "abuse",
            "taken",
            2,
            1800,
        )
        shown = town.ask("asteria", "feed", "show", "abuse", actor="omar")
        assert sum(each["count"] for each in shown["reasons"]) == shown["rejected"] == 1
        assert "hush" not in str(shown)
        [found] = town.ask("asteria", "search", "evil.example", actor="amal")
        assert (found["from"], found["marking"]) == ("feed:abuse", "TLP:GREEN")

        town.do("asteria", "feed", "add", "bare", f"{web.url}/empty.txt", *about, actor="omar")
        ended = town.run("asteria", "feed", "run", "--all", actor="amal")
        assert ended.exit_code == 1
        assert "bare" in ended.output
        again = town.run("asteria", "feed", "run", "bare", "--json", actor="amal")
        assert [each["feed"] for each in json.loads(again.stdout)] == ["bare"]
        assert town.ask("asteria", "status")["feeds_wanting"] == 1
        heads = town.do("asteria", "feed", "list", actor="amal").splitlines()[0].split("\t")
        assert (
            "Last change" in heads
        )  # a server that answers "nothing new" for ever is seen at once
        [alarm] = town.ask("asteria", "alarm", "list", actor="lina")
        assert (alarm["alarm"], alarm["accused"]) == ("feed", "bare")
        for language in ("en", "fr", "ar"):
            said = town.do(
                "asteria", "alarm", "show", alarm["number"], actor="lina", language=language
            )
            assert "bare" in said

        town.do("asteria", "feed", "pause", "bare", actor="omar")
        assert town.ask("asteria", "feed", "resume", "bare", actor="omar")["state"] == "active"
        asked = town.run("asteria", "feed", "remove", "bare", actor="omar", typed="n\n")
        assert asked.exit_code == 1
        town.do("asteria", "feed", "remove", "bare", "--yes", actor="omar")
        assert town.ask("asteria", "alarm", "list", actor="lina") == []


def test_a_feed_asks_for_its_key_where_nobody_sees_it(town):
    town.found("asteria")
    url = "https://feeds.example/x"
    add = ("feed", "add", "keyed", url, "--format", "stix")
    done = town.run("asteria", *add, "--header", "x-api-key", actor="omar", typed="hush-hush\n")

    assert done.exit_code == 0
    assert "hush" not in done.output
    done = town.run(
        "asteria", "feed", "revise", "keyed", "--url", f"{url}?key=hush", actor="omar", typed="y\n"
    )
    assert "hush" not in done.output + town.do("asteria", "feed", "show", "keyed", actor="omar")
    assert "hush" not in town.do("asteria", "log", "list", actor="lina")
    file = town.folder / "asteria" / "core" / "feeds" / "keyed"
    assert b"hush-hush" in file.read_bytes()
    for wrong in (
        ("--user", "u", "--header", "h"),
        ("--secret-file", "x"),
        ("--every", "soon"),
        ("--format", "none-such"),
    ):
        assert town.run("asteria", *add[:2], "other", url, *wrong, actor="omar").exit_code == 2
    out = ("https://misp.example", "--via", "misp-push", "--to", "firewall", "--header", "key")
    town.do("asteria", "peer", "add", "--taxii", "firewall", "--constituency-of-us", actor="omar")
    said = town.run("asteria", "feed", "add", "out", *out, actor="omar", typed="hush\n").output
    assert "brings what stands on the shelf of firewall" in said
    assert "reads" not in said
    assert town.run("asteria", "feed", "run", actor="omar").exit_code == 2
    assert town.run("asteria", "feed", "run", "none", actor="omar").exit_code == 4
