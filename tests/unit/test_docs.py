"""What the documents say is true of the code: paths, settings and command lines."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest
import typer

from mithaq.cli import app as commands
from mithaq.cli.common import FLAGS, VALUED
from mithaq.config import Cycle, Defence, Exchange, Settings, Sink, Telemetry, Watching

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EVERYWHERE = {*VALUED, *FLAGS, "--help"}
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page, language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )


def lines():
    """Every command line that a page shows, without what the shell does with it."""
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0] in {"mithaq", "./mithaq"}:
                    yield pytest.param(words[1:], id=f"{page.name}: {' '.join(words[1:4])}")


def options_of(command):
    return {name for parameter in command.params for name in parameter.opts} | EVERYWHERE


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_what_a_page_links_to_is_there(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))

    files = [link.partition("#")[0] for link in links if "://" not in link]

    assert [link for link in files if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_the_files_a_page_names_are_there(page):
    named = re.findall(r"`((?:tests|src|docs)/[\w./-]+)`", page.read_text("utf-8"))

    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("words", list(lines()))
def test_every_command_line_that_is_shown_can_be_read(words):
    if words[0] in {"test", "lint", "cover", "bench", "mutate", "check"}:  # the script's own
        return
    root = typer.main.get_command(commands.app)
    command = root if words[0].startswith("-") else root.get_command(None, words[0])
    assert command is not None, words
    if words[0] in commands.TOPICS:
        command = command.commands[words[1]]

    given = {word.partition("=")[0] for word in words if word.startswith("--")}

    assert given - options_of(command) == set()


def table(page, key):
    """The rows of every table of a page that begin with a name, as name -> last cell."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page.read_text("utf-8"), re.MULTILINE)
    return {name: cell.strip("` ") for name, cell in rows if name in key}


def written(default):
    match default:
        case msgspec.NODEFAULT:
            return "required"
        case "":
            return "empty"
        case _:
            return str(default)


@pytest.mark.parametrize(
    "settings", [Settings, Exchange, Telemetry, Cycle, Watching, Sink, Defence]
)
def test_every_setting_stands_in_the_guide_with_its_default(settings):
    fields = {
        field.name: written(field.default)
        for field in msgspec.structs.fields(settings)
        if field.name
        not in {"exchange", "benign", "brief", "cycle", "telemetry", "watch", "sink", "defence"}
    }

    assert table(ROOT / "docs" / "start.md", fields) == fields


def test_every_decision_is_listed_and_says_where_it_stands():
    folder = ROOT / "docs" / "decisions"
    decisions = sorted(folder.glob("[0-9]*.md"))
    listed = (folder / "README.md").read_text("utf-8")

    assert len({page.name[:4] for page in decisions}) == len(decisions)
    for page in decisions:
        told = page.read_text("utf-8")
        assert told.startswith(f"# {page.name[:4]} ")
        assert re.search(
            r"^Status: (accepted|replaced by \d{4}) · \d{4}-\d\d-\d\d$", told, re.MULTILINE
        )
        assert {"## Context", "## Decision", "## Consequences"} <= set(told.splitlines())
        assert f"({page.name})" in listed
