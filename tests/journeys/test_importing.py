"""Many files at once: a folder, with what nobody reads in it, looked at before it is kept."""

import json

import pytest
from typer.testing import CliRunner

from mithaq.cli.app import app


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("importing")
    run = ("--home", str(folder / "home"))
    for line in (
        ("init", "--nation", "aurelia", "--url", "https://aurelia.example", "--country", "QM"),
        ("actor", "add", "ana", "--role", "analyst", "--key", str(folder / "ana.pem")),
    ):
        done = CliRunner().invoke(app, [*line, *run])
        assert done.exit_code == 0, done.output
    return folder / "home"


@pytest.fixture
def terminal(home):
    def run(*args, code=0, language="en"):
        given = {"MITHAQ_HOME": str(home), "MITHAQ_ACTOR": "ana", "MITHAQ_LANG": language}
        done = CliRunner().invoke(app, [str(each) for each in args], env=given)
        assert done.exit_code == code, done.output
        return done

    return run


@pytest.fixture
def lists(tmp_path):
    folder = tmp_path / "lists"
    (folder / "old").mkdir(parents=True)
    (folder / "a.txt").write_text("one.evil-lists.com\ntwo.evil-lists.com\n")
    (folder / "picture.bin").write_bytes(b"\x89PNG\r\n\x00\xff")
    (folder / "old" / "z.txt").write_text("three.evil-lists.com\n")
    (folder / ".hidden").write_text("four.evil-lists.com\n")
    (folder / "link.txt").symlink_to(folder / "a.txt")
    return folder


def test_a_folder_is_every_file_in_it_but_links_and_hidden_ones(terminal, lists):
    rows = json.loads(terminal("import", lists, "--source", "one", "--json", code=1).stdout)

    assert [(each["file"].removeprefix(f"{lists}/"), each["stored"]) for each in rows] == [
        ("a.txt", 2), ("old/z.txt", 1), ("picture.bin", 0)
    ]  # fmt: skip
    assert [each.get("failed", {}).get("code") for each in rows] == [None, None, "unknown-format"]


def test_a_file_that_nobody_reads_is_named_and_stops_none_of_the_others(terminal, lists):
    done = terminal("import", lists / "picture.bin", lists / "a.txt", lists / "gone.txt", code=1)

    assert f"{lists}/picture.bin: not taken: no format fits these bytes" in done.stdout
    assert f"{lists}/gone.txt: not taken: cannot read" in done.stdout
    assert f"{lists}/a.txt: 2 stored" in done.stdout
    assert "Files: 3, of which read: 1. Stored: 2; here already: 0; refused: 0." in done.stdout


def test_one_file_that_cannot_be_read_is_named_in_the_error(terminal, lists):
    alone = terminal("import", lists / "picture.bin", code=2)
    empty = lists / "empty"
    empty.mkdir()

    assert f"{lists}/picture.bin: no format fits these bytes" in alone.stderr
    assert "mithaq formats" in alone.stderr
    assert "no file to read" in terminal("import", empty, code=2).stderr


def test_a_preview_says_what_would_come_in_and_keeps_nothing(terminal, lists):
    some = (lists / "a.txt", "--source", "looked", "--tlp", "GREEN")
    before = terminal("import", *some, "--preview")
    first = json.loads(terminal("import", *some, "--json").stdout)

    assert "2 stored" not in before.stdout
    assert "2 would be stored" in before.stdout
    assert first[0]["stored"] == 2
    assert "0 would be stored, 2 here already" in terminal("import", *some, "--preview").stdout


def test_many_refusals_of_one_kind_are_one_line_with_its_count_and_first_place(terminal, tmp_path):
    file = tmp_path / "hashes.txt"
    file.write_text("".join(f"{n:032x}\n" for n in range(30)))

    done = terminal("import", file, code=1)
    whole = json.loads(terminal("import", file, "--json", code=1).stdout)

    [row] = [line.split("\t") for line in done.stdout.splitlines() if line.startswith("list-hash")]
    assert row[:3] == ["list-hash", "30", "line 1"]
    assert len(whole[0]["rejected"]) == 30


def test_who_imported_without_a_level_is_told_the_command_that_marks_all_of_it(terminal, tmp_path):
    file = tmp_path / "bare.txt"
    file.write_text("bare.evil-lists.com\nbare2.evil-lists.com\n")

    said = terminal("import", file, "--source", "bare").stdout
    marked = terminal("mark", "--source", "bare", "--tlp", "GREEN", "--preview").stdout

    assert "`mithaq mark --source bare --tlp LEVEL`" in said
    assert "2" in marked


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_what_became_of_files_is_said_in_the_readers_language(terminal, lists, language):
    done = terminal("import", lists, "--source", language, "--preview", language=language, code=1)

    assert "not taken" not in done.output
    assert "would be" not in done.output
    assert "no format fits" not in done.stdout


def test_a_line_that_is_refused_is_shown_as_far_as_it_fits_and_steers_no_screen(terminal, lists):
    file = lists / "odd.txt"
    file.write_text(f"a.evil-lists.com\nb.evil-lists.com\nno value \x1b[31m{'x' * 100}\n")
    shown = terminal("import", file, "--source", "odd", code=1).stdout
    [row] = json.loads(terminal("import", file, "--source", "odd", "--json", code=1).stdout)

    assert "line 3" in shown
    assert "no value \\u{001b}[31mxxx" in shown
    assert "\x1b" not in shown
    assert "x" * 60 not in shown
    assert row["rejected"][0]["written"].startswith("no value \x1b[31mx")
