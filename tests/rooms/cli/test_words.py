"""Every text exists in every language, says the same things, and belongs to something."""

import ast
import re
import string
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import mithaq.cli
from mithaq.cli.app import COMMANDS, ORDER, TOPICS, app
from mithaq.cli.common import FLAGS, VALUED
from mithaq.cli.exits import CODES
from mithaq.languages import LANGUAGES, catalogue

SOURCES = Path(mithaq.cli.__file__).parent


def sentences(language):
    return catalogue("mithaq.cli", language).sentences


def fields(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def tree():
    """Yield (key, command) of everything that has a page of help."""
    root = typer.main.get_command(app)
    yield "help", root
    for name in ORDER:
        command = root.get_command(None, name)
        yield f"help.{name}", command
        if isinstance(command, TyperGroup):
            for verb, leaf in command.commands.items():
                yield f"help.{name}.{verb}", leaf


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogues_hold_the_same_keys_and_placeholders(language):
    english, other = sentences("en"), sentences(language)

    assert set(other) == set(english)
    assert {k: fields(v) for k, v in other.items()} == {k: fields(v) for k, v in english.items()}
    assert all(sentence.strip() for sentence in other.values())


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_a_sentence_is_translated(language):
    english, other = sentences("en"), sentences(language)
    prose = {k for k, v in english.items() if len(re.findall(r"[a-z]{2,}", v)) > 5}

    assert [k for k in prose if other[k] == english[k]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_and_option_has_help(language):
    known = sentences(language)
    wanted = set()
    for key, command in tree():
        wanted.add(f"{key}.about")
        if not isinstance(command, TyperGroup):
            wanted |= {f"{key}.{param.name}" for param in command.params}
    wanted |= {f"common.{name.strip('-')}" for name in (*VALUED, *FLAGS, "--help")}
    wanted |= set(CODES.values())

    assert wanted <= set(known)
    assert {k for k in known if k.startswith("help.")} <= wanted  # and none is left over


def test_every_command_stands_in_the_overview_once():
    assert sorted(ORDER) == sorted({*TOPICS, *COMMANDS})


def test_every_sentence_that_the_code_names_is_there():
    used = set()
    for file in SOURCES.glob("*.py"):
        used |= set(
            re.findall(r'"((?:say|ask|none|progress|page)\.[a-z-]+)"', file.read_text("utf-8"))
        )

    assert used - set(sentences("en")) == set()
    assert len(used) > 40


def test_no_option_is_named_as_one_that_every_command_takes():
    for key, command in tree():
        if not isinstance(command, TyperGroup):
            taken = {flag for param in command.params for flag in param.opts}
            assert not taken & {*VALUED, *FLAGS}, key


@pytest.mark.parametrize("file", sorted(SOURCES.glob("*.py")), ids=lambda file: file.stem)
def test_every_column_of_a_table_has_a_head(file):
    """A head that no catalogue holds would be shown by its key, in English."""
    tree = ast.parse(file.read_text("utf-8"))
    named = {
        target.id: each.value
        for each in tree.body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "rows"
    ]
    given = [
        each
        for call in calls
        for each in (*call.args[:1], *(k.value for k in call.keywords if k.arg == "wide"))
    ]
    tuples = [named.get(each.id) if isinstance(each, ast.Name) else each for each in given]
    columns = {
        c.value
        for t in tuples
        if isinstance(t, ast.Tuple)
        for c in t.elts
        if hasattr(c, "value") and isinstance(c.value, str)
    }

    assert {c for c in columns if f"head.{c}" not in sentences("en")} == set()
