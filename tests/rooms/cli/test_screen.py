"""What stands on the screen reads right: for people in their language, for programs always the same."""

import io
import json
import re
import unicodedata

import pytest
from rich.console import Console

from mithaq.cli.screen import Screen
from mithaq.languages import catalogue

ROWS = [
    {
        "marking": "TLP:AMBER",
        "number": 7,
        "state": "in-force",
        "name": "one\ttwo\nthree",
        "hidden": 1,
    },
    {"marking": "", "number": 8, "state": "ended", "name": None, "hidden": 2},
]
COLUMNS = ("marking", "number", "state", "name")


def screen(language="en", *, terminal=False, as_json=False, width=80):
    out = Console(
        file=io.StringIO(), width=width, force_terminal=terminal, no_color=True, highlight=False
    )
    return Screen(words=catalogue("mithaq.cli", language), as_json=as_json, out=out, err=out)


def printed(made):
    return made.out.file.getvalue()


def plain(text):
    """Drop what is not seen: the terminal's codes, and marks of direction, which are format characters."""
    bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return "".join(c for c in bare if unicodedata.category(c) != "Cf")


def test_programs_get_every_key_with_stable_words_in_any_language():
    told = []
    for language in ("en", "fr", "ar"):
        made = screen(language, as_json=True)
        made.rows(COLUMNS, ROWS)
        told.append(json.loads(printed(made)))

    assert told == [ROWS] * 3


def test_off_a_terminal_a_row_is_one_line_of_tabs():
    made = screen()
    made.rows(COLUMNS, ROWS, wide=("hidden",))

    assert printed(made).splitlines() == [
        "Marking\tNo.\tState\tName\thidden",
        "TLP:AMBER\t7\tin force\tone two three\t1",
        "–\t8\tended\t–\t2",  # noqa: RUF001 the empty cell
    ]


def test_in_a_terminal_what_only_programs_want_is_left_out():
    made = screen(terminal=True)
    made.rows(COLUMNS, ROWS, wide=("hidden",))

    assert "hidden" not in printed(made)


def test_an_empty_list_is_a_sentence_for_people_and_a_list_for_programs():
    people, programs = screen(), screen(as_json=True)
    people.rows(COLUMNS, [], empty="none.queue")
    programs.rows(COLUMNS, [], empty="none.queue")

    assert printed(people) == "Nothing waits for a person.\n"
    assert json.loads(printed(programs)) == []


def test_an_arabic_table_begins_at_the_right_whatever_the_terminal_does():
    made = screen("ar", terminal=True, width=60)
    made.rows(("marking", "number", "state"), ROWS)

    lines = [line for line in printed(made).splitlines() if plain(line).strip()]
    assert all(line.startswith("\u200e") for line in lines)
    head = plain(lines[0])
    assert head.index("الحال") < head.index("الرقم") < head.index("الوسم")
    assert plain(lines[2]).rstrip().endswith("TLP:AMBER")


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_directions_opened_on_a_line_are_closed_on_it(language):
    made = screen(language, terminal=True, width=40)
    made.rows(("name", "state"), [{"name": "a long name of many words " * 3, "state": "in-force"}])
    made.say("say.imported", file="x.json", stored=1, known=2, markings=0, rejected=3)
    made.pairs([("--home DIR", made.words.say("common.home"))])

    for line in printed(made).splitlines():
        opened = sum(line.count(mark) for mark in "\u2066\u2067\u2068")
        assert opened == line.count("\u2069")


def test_an_arabic_sentence_keeps_commands_and_options_in_one_piece():
    made = screen("ar")
    made.say("none.peers")

    assert "\u2066`mithaq peer add URL`\u2069" in printed(made)
    assert printed(made).startswith("\u200f")


def test_an_arabic_sentence_keeps_a_name_with_an_ampersand_in_one_piece():
    made = screen("ar")
    made.say("none.cycle-attack")

    assert "\u2066ATT&CK\u2069" in printed(made)


def test_an_arabic_sentence_keeps_a_level_in_one_piece_and_a_command_free_of_unseen_signs():
    made = screen("ar")
    made.say("say.brief-written", file="b.pdf", level="AMBER", first="1", last="2")
    made.say("say.joined", number=3)

    assert "\u2066TLP:\u2068AMBER\u2069\u2069" in printed(made)
    assert "\u2066`mithaq merge undo 3`\u2069" in printed(made)


def test_words_to_be_read_out_are_numbered_and_four_to_a_line():
    made = screen("ar")
    made.phrase([f"word{n}" for n in range(1, 13)])

    lines = printed(made).splitlines()
    assert len(lines) == 3
    assert lines[1].split() == ["5", "word5", "6", "word6", "7", "word7", "8", "word8"]


def test_a_marking_is_never_translated():
    for language in ("en", "fr", "ar"):
        made = screen(language)
        made.facts({"marking": "TLP:AMBER+STRICT"})
        assert "TLP:AMBER+STRICT" in plain(printed(made))


def test_for_looking_at_instants_lose_their_fractions_and_digests_their_tails():
    row = {"at": "2026-03-01T12:00:00.123Z", "digest": "sha256:" + "ab" * 32}
    looked, piped = screen(terminal=True), screen()
    looked.rows(("at", "digest"), [row])
    piped.rows(("at", "digest"), [row])

    assert "2026-03-01 12:00:00Z" in printed(looked)
    assert "sha256:abababababab…" in printed(looked)
    assert row["at"] in printed(piped)
    assert row["digest"] in printed(piped)


def test_what_is_in_a_value_cannot_style_the_screen():
    made = screen(terminal=True)
    made.rows(("name",), [{"name": "[bold red]not a style[/]"}])

    assert "[bold red]not a style[/]" in printed(made)


def test_bytes_that_are_asked_for_arrive_as_they_are_stored(capsysbinary):
    made = Screen(words=catalogue("mithaq.cli", "en"))
    made.exact(b'{\t"x": "\xc3\xa9"}')

    assert capsysbinary.readouterr().out == b'{\t"x": "\xc3\xa9"}'


def test_each_cell_of_an_arabic_table_keeps_its_own_direction():
    made = screen("ar", terminal=True, width=70)
    made.rows(("name", "state"), [{"name": "a.example", "state": "in-force"}])

    assert "\u2068a.example\u2069" in printed(made)
    state = made.words.say("value.state.in-force")
    assert f"\u2067{state}\u2069" in printed(made)


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_what_was_found_has_a_fourth_of_80_columns_for_the_day_stands_above_the_hour(language):
    made = screen(language, terminal=True)
    title = "Dumping of Sensitive Hives Via Reg.EXE"
    found = "abcdefghij" * 9
    row = {"severity": "high", "title": title, "count": 4, "found": found}
    row["hit_first"] = "2020-09-22T08:28:41.123Z"
    made.rows(("severity", "title", "count", "hit_first", "found"), [row])
    lines = [plain(line) for line in printed(made).splitlines()]

    assert any("2020-09-22" in line and "08:28:41Z" not in line for line in lines)
    assert any("08:28:41Z" in line for line in lines)
    assert max(map(len, re.findall(r"[a-j]{9,}", "\n".join(lines)))) > 20
