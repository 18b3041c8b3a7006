"""Words as they are searched for, whoever wrote them: without capitals, Latin accents and Arabic vowel signs.

A word is found by its beginning. What signs join without a blank (``evil.example``, ``CVE-2024-1234``, ``T1059.001``)
is one word, which begins at each of its parts; so is a line of a script that puts no blanks between words. An Arabic
word begins behind its article as well, and French elisions are not asked for.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias
from unicodedata import normalize

LONGEST = 32  # characters of a word that count
BEGINNING = 3  # characters by which a word may be found without all of it
Range: TypeAlias = tuple[str, str]  # from the first to before the second, as UTF-8 sorts

_MARKS = "".join(
    f"{first}-{last}"
    for first, last in (
        ("\u0300", "\u036f"),  # accents
        ("\u0591", "\u05c7"),  # Hebrew points
        ("\u0610", "\u061a"), ("\u064b", "\u065f"), ("\u06d6", "\u06dc"), ("\u06df", "\u06e8"), ("\u06ea", "\u06ed"),
        ("\u200b", "\u200f"), ("\u202a", "\u202e"), ("\u2060", "\u2069"),  # what nobody sees
    )
)  # fmt: skip
_NOTHING = re.compile(f"[{_MARKS}\u0640\u0670\u00ad\ufeff]")  # nor the stretch of an Arabic word
_ALIKE = str.maketrans(
    # NFKD has parted alef, waw and ya from their hamza already
    {"\u0671": "\u0627", "\u0649": "\u064a", "\u0629": "\u0647", "\u06a9": "\u0643", "\u06cc": "\u064a"}
    | {chr(zero + n): str(n) for zero in (0x0660, 0x06F0) for n in range(10)}
)  # fmt: skip
_SIGN = r"(?:[^\W_]|[\u0900-\u0dff\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff])"  # with vowel signs
_WORD = re.compile(rf"{_SIGN}+(?:[._-]{_SIGN}+)*")
_PLAIN = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")  # the same in a text of ASCII
_BEGINS = re.compile(
    r"(?:^|(?<=\.))(?=.)|(?=[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])"
)
# The article with the particles written onto it (و ف ب ك, and ل, which takes its place), before three letters.
_ARTICLE = re.compile(
    "(?:[\u0648\u0641]?[\u0628\u0643]?\u0627\u0644|[\u0648\u0641]?\u0644\u0644)(?=[\u0621-\u064a]{3})"
)
_ELIDED = re.compile(r"(?<![^\W_])(?:[cdjlmnst]|(?:jus|lors|puis|quoi)?qu)['\u2019](?=[^\W\d_])")
_UUID = re.compile(r"([0-9a-f]{8})(?:\.[0-9a-f]{4}){3}(\.[0-9a-f]{12})")
_OF_UUID = 36  # its length
_PART_OF_UUID = re.compile(r"([0-9a-f]{8})\.[0-9a-f]{1,4}(?:\.[0-9a-f]+)*")


def folded(text: str) -> str:
    """Return a text as all would write it."""
    if text.isascii():
        return text.lower()
    plain = normalize("NFKD", normalize("NFKD", text).casefold())
    return _NOTHING.sub("", plain).translate(_ALIKE)


def words(texts: Iterable[str]) -> set[str]:
    """Return what texts are found by, whole or by its beginning."""
    each = set(_each(" ".join(texts)))
    found = {word for word in each if len(word) <= LONGEST and word.isascii() and word.isalnum()}
    for word in each - found:
        found.update(_beginnings(word))
    return found


def _beginnings(word: str) -> list[str]:
    word = _joined(word)
    whole = _UUID.fullmatch(word) if len(word) == _OF_UUID else None
    if whole is not None:
        return [whole[1] + whole[2]]
    if not word.isascii():
        begins = [at.start() for at in _BEGINS.finditer(word)]
        begins += [behind.end() for at in begins if (behind := _ARTICLE.match(word, at))]
        return list({_cut(word[at : at + LONGEST]) for at in begins})
    found, at = [_cut(word)], word.find(".") + 1
    while at:
        found.append(_cut(word[at : at + LONGEST]))
        at = word.find(".", at) + 1
    return found


def _joined(word: str) -> str:
    """Return a word with one sign for all that join."""
    return word.replace("-", ".").replace("_", ".")


def asked(text: str) -> list[list[Range]]:
    """Return, for each word that is asked for, where what it finds lies among ``words``, the longest first.

    Fewer than three letters of an alphabet are a whole word, or a whole part of one. An Arabic word with its article is
    asked for without it too.
    """
    found = {_begins(_joined(word)) for word in _each(_ELIDED.sub(" ", folded(text)))}
    return [[*_ranges(word)] for word in sorted(found, key=lambda word: (-len(word), word))]


def _ranges(word: str) -> Iterator[Range]:
    if word.isascii() and len(word) < BEGINNING:
        yield word, f"{word}\0"
        yield f"{word}.", f"{word}/"
        return
    yield word, f"{word}\U0010ffff"
    if behind := _ARTICLE.match(word):
        bare = word[behind.end() :]
        yield bare, f"{bare}\U0010ffff"


def _begins(word: str) -> str:
    """Return what is found by a word as its beginning: a UUID whole, or by the eight digits that are its first part."""
    whole = _UUID.fullmatch(word)
    if whole is not None:
        return whole[1] + whole[2]
    part = _PART_OF_UUID.fullmatch(word)
    return part[1] if part is not None else _cut(word)


def _each(text: str) -> list[str]:
    plain = folded(text)
    return (_PLAIN if plain.isascii() else _WORD).findall(plain)


def _cut(word: str) -> str:
    return word[:LONGEST].rstrip(".")
