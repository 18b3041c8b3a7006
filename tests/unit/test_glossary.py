"""People read one word for one thing: what `docs/glossary.md` rules out stands in no text of the product."""

import re
import tomllib
from pathlib import Path

import pytest

import mithaq
from mithaq.languages import LANGUAGES

SOURCE = Path(mithaq.__file__).parent
PAGE = SOURCE.parents[1] / "docs" / "glossary.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| English")
]
TYPED = re.compile(r"`[^`]*`|\{[^}]*\}")  # commands, and what is filled in


def said(table):
    for each in table.values():
        if isinstance(each, dict):
            yield from said(each)
        else:
            yield TYPED.sub(" ", str(each)).casefold()


def texts(language):
    for file in SOURCE.rglob(f"{language}.toml"):
        yield from said(tomllib.loads(file.read_text("utf-8")))


def ruled_out(language):
    for row in ROWS:
        for word in filter(None, (each.strip() for each in row[3].split(","))):
            if of(word) == language:
                yield word.removeprefix("en: ")


def of(word):
    """The language of a word that is ruled out: said, or told by its letters."""
    if word.startswith("en: "):
        return "en"
    return "ar" if re.search("[\u0600-\u06ff]", word) else "fr"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_uses_a_word_that_the_glossary_rules_out(language):
    written = "\n".join(texts(language))

    article = "(?:[وف]?(?:[بكل]|[بك]?ال|لل)?)" if language == "ar" else ""
    used = {
        word for word in ruled_out(language) if re.search(rf"(?<!\w){article}{word}(?!\w)", written)
    }
    assert used == set()


def test_each_term_stands_in_the_three_languages():
    assert len(ROWS) > 40
    assert [row for row in ROWS if len(row) != 4 or not all(row[:3])] == []
