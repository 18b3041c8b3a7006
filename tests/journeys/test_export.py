"""From an indicator to a firewall's block list, at the command line."""

import errno
import json
from pathlib import Path

import pytest

from mithaq.cli import desk
from mithaq.formats.export import EXPORTS
from tests.journeys.conftest import indicator
from tests.journeys.test_two_nations import taken_in


@pytest.fixture
def asteria(town):
    """A nation with a firewall of its own constituency, which has a grant."""
    town.found("asteria")
    town.grant("asteria", "firewall")
    town.settle()
    return town


def test_what_is_released_to_a_client_becomes_the_files_its_tools_read(asteria):
    pattern = "[domain-name:value = 'evil.example']"
    hidden = {"pattern": "[file:size > 5]"}
    two = (indicator(1, "one", pattern=pattern), indicator(2, "two") | hidden)
    numbers = taken_in(asteria, *two, tlp="GREEN")
    asteria.do("asteria", "release", *numbers, "--agreement", "grant-firewall", actor="amal")
    asteria.settle()

    out = asteria.folder / "made" / "firewall"
    rows = asteria.ask("asteria", "export", "firewall", "--out", out, actor="omar")

    assert (out / "domains.txt").read_text() == "evil.example\n"
    assert {each.name for each in out.iterdir()} == set(EXPORTS)
    [uuid] = json.loads((out / "misp" / "manifest.json").read_text())
    old = out / "misp" / "00000000-0000-4000-8000-000000000001.json"
    old.write_text("{}")
    theirs = asteria.folder / "theirs"
    theirs.write_text("theirs")
    for name in ("domains.txt.new", "sha1.txt"):  # whoever may write there has no hand in ours
        (out / name).unlink(missing_ok=True)
        (out / name).symlink_to(theirs)
    (out / "misp" / "settings.json").write_text("not ours")
    asteria.do("asteria", "export", "firewall", "--out", out, actor="omar")
    assert theirs.read_text() == "theirs"
    assert (out / "misp" / "settings.json").read_text() == "not ours"
    (out / "misp" / "settings.json").unlink()
    old.write_text("{}")
    asteria.do("asteria", "export", "firewall", "--out", out, "--format", "misp", actor="omar")
    assert {each.name for each in (out / "misp").iterdir()} == {
        "manifest.json",
        "hashes.csv",
        f"{uuid}.json",
    }
    [domains] = [row for row in rows if row["export"] == "domains.txt"]
    assert (domains["objects"], domains["left_pattern"]) == (1, 1)
    assert domains["left"] == {"pattern": [two[1]["id"]]}
    entries = asteria.do("asteria", "log", "list", "--json", actor="lina")
    assert "exported" in entries


def test_some_files_are_made_anew_and_others_left_alone(asteria):
    out = asteria.folder
    (out / "domains.txt").write_text("old.example\n")
    (out / "urls.txt").write_text("old\n")

    for language in ("en", "fr", "ar"):
        what = ("export", "firewall", "--out", out, "--format", "domains.txt,rpz.zone")
        said = asteria.do("asteria", *what, actor="omar", language=language)
        assert len(said.splitlines()) == 3

    assert (out / "domains.txt").read_text() == ""
    assert (out / "urls.txt").read_text() == "old\n"


def test_a_folder_that_leads_elsewhere_is_not_written_into(asteria):
    out, theirs = asteria.folder / "made", asteria.folder / "theirs"
    out.mkdir()
    theirs.mkdir()
    (out / "misp").symlink_to(theirs)

    done = asteria.run("asteria", "export", "firewall", "--out", out, "--json", actor="omar")

    assert done.exit_code == 2, done.output
    assert list(theirs.iterdir()) == []


def test_a_manifest_names_no_event_that_is_not_there_yet_and_a_full_disk_leaves_what_was_there(
    asteria, monkeypatch
):
    pattern = "[domain-name:value = 'evil.example']"
    [number] = taken_in(asteria, indicator(1, "one", pattern=pattern), tlp="GREEN")
    asteria.do("asteria", "release", number, "--agreement", "grant-firewall", actor="amal")
    asteria.settle()
    out = asteria.folder / "made"
    (out / "misp").mkdir(parents=True)
    (out / "misp" / "manifest.json").write_text("{}")
    placed = []

    def full(handle):
        placed.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        if len(placed) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(desk.os, "fsync", full)
    what = ("export", "firewall", "--out", out, "--format", "misp", "--json")
    done = asteria.run("asteria", *what, actor="omar")

    assert done.exit_code == 2, done.output
    assert placed[1:] == ["hashes.csv.new", "manifest.json.new"]
    assert (out / "misp" / "manifest.json").read_text() == "{}"
    assert [each.name for each in (out / "misp").iterdir() if each.suffix == ".new"] == []


@pytest.mark.parametrize(
    ("client", "more", "actor", "code"),
    [
        ("firewall", (), "amal", 3),
        ("nobody", (), "omar", 4),
        ("firewall", ("--format", "sheets.xlsx"), "omar", 2),
        ("firewall", ("--out", "grant-firewall.toml"), "omar", 2),
    ],
)
def test_who_may_not_and_what_does_not_exist_is_told_and_nothing_is_written(
    asteria, client, more, actor, code
):
    out = asteria.folder / "made"
    done = asteria.run("asteria", "export", client, "--out", out, *more, "--json", actor=actor)

    assert done.exit_code == code, done.output
    assert json.loads(done.stderr.splitlines()[-1])["error"]
    assert not out.exists()
