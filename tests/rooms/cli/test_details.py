"""What exactly went wrong is told in the reader's language too, with the same names in it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from mithaq.cli.problems import in_words
from mithaq.languages import catalogue

SOURCES = Path(__file__).parents[3] / "src" / "mithaq"
FACT = re.compile(r"{(\w+)}")
ENGLISH = catalogue("mithaq.cli", "en", "details").sentences


def _form(node):
    """Return a message as it is written in the source, each fact as {}; None if it is no text."""
    match node:
        case ast.Constant(value=str(said)):
            return said
        case ast.JoinedStr(values=parts):
            return "".join(_form(part) or "{}" for part in parts)
        case ast.BinOp(left=left, right=right):
            return (_form(left) or "{}") + (_form(right) or "{}")
        case _:
            return None


@cache
def _written():
    return {
        said
        for file in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)) and (said := _form(node))
    }


def test_the_three_languages_hold_the_same_sentences_with_the_same_facts():
    facts = [
        {key: sorted(FACT.findall(said)) for key, said in each.items()}
        for each in (catalogue("mithaq.cli", x, "details").sentences for x in ("en", "fr", "ar"))
    ]

    assert facts[0] == facts[1] == facts[2]


PARTS = {"unknown-setting", "missing-setting", "cannot-listen"}  # put together of two


@pytest.mark.parametrize("key", sorted(ENGLISH.keys() - PARTS))
def test_each_sentence_is_one_that_something_here_raises(key):
    assert FACT.sub("{}", ENGLISH[key]) in _written()


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_a_detail_is_put_in_words_with_its_names(language):
    told = in_words("no peer named 'borea'; `mithaq peer list` shows them", language)

    assert "'borea'" in told
    assert "`mithaq peer list`" in told
    assert "no peer" not in told
    assert in_words("words that nobody translated", language) == "words that nobody translated"


def test_in_english_a_detail_is_as_it_was_raised():
    assert in_words("nothing to release", "en") == "nothing to release"


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_where_in_an_object_something_is_wrong_stands_before_what_that_is(language):
    told = in_words("/last_seen: stands before first_seen", language)

    assert told.startswith("/last_seen: ")
    assert "first_seen" in told
    assert "stands before" not in told
    assert in_words("/a: nobody put this in words", language) == "/a: nobody put this in words"


def _raised(file):
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            yield _form(node.exc.args[0])


@pytest.mark.parametrize("room", ["intel", "ingest"])
def test_whatever_these_rooms_refuse_is_told_in_the_readers_language(room):
    known = {FACT.sub("{}", said) for said in ENGLISH.values()}
    files = (SOURCES / room).rglob("*.py")
    raised = {said for file in files for said in _raised(file) if said and said.strip("{}")}

    assert sorted(raised - known - FACTS_ALONE) == []


FACTS_ALONE = {"{} is {}"}  # of a requirement and its state


@pytest.mark.parametrize("language", ["fr", "ar"])
@pytest.mark.parametrize(
    "said", ["no hits 9 that ana may see", "no suppression 9 that ana may see"]
)
def test_what_is_not_to_be_seen_is_said_in_the_readers_language(language, said):
    told = in_words(said, language)

    assert said not in told
    assert "9" in told
    assert "ana" in told
