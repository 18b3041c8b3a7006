"""Key fingerprints that people read out and type: 12 words of 2,048, or the same bits in digits (border.md 9.2)."""

import re
import unicodedata
from difflib import get_close_matches
from functools import cache
from importlib import resources

from mithaq.errors import InputError

WORDS = 12
BITS = 11  # per word: 132 bits in all
LANGUAGES = {"en": "english", "fr": "french", "digits": ""}


@cache
def _list(language: str) -> tuple[str, ...]:
    """Read a word list of 2,048 words (BIP 39), as the package ``mnemonic`` ships it."""
    file = resources.files("mnemonic") / "wordlist" / f"{LANGUAGES[language]}.txt"
    return tuple(file.read_text("utf-8").split())


def words(digest: bytes, language: str = "en") -> tuple[str, ...]:
    """Return the first 132 bits of ``digest`` (32 bytes) as 12 words, or as 12 groups of four digits.

    Raises:
        InputError: there is no list for ``language``; known are en, fr and digits.
    """
    if language not in LANGUAGES:
        raise InputError(f"no word list for {language!r}; known: {', '.join(LANGUAGES)}")
    number = int.from_bytes(digest[:17], "big") >> (17 * 8 - WORDS * BITS)
    groups = [(number >> (BITS * (WORDS - 1 - at))) & (2**BITS - 1) for at in range(WORDS)]
    if language == "digits":
        return tuple(f"{group:04d}" for group in groups)
    return tuple(_list(language)[group] for group in groups)


def same(typed: str, digest: bytes) -> bool:
    """Say whether what a person typed is the phrase of ``digest`` in any of the languages.

    Case, accents and the kind of separator do not matter; order and every word do. Digits of the Arabic
    script count as digits.
    """
    heard = _plain(typed)
    return any(
        heard == [w for word in words(digest, lang) for w in _plain(word)] for lang in LANGUAGES
    )


def strangers(typed: str) -> list[tuple[int, str, list[str]]]:
    """Return what is typed and stands in no list: its place from 1 on, the word, and words much like it.

    It says nothing of whether the rest is right.
    """
    heard = _plain(typed)
    lists = [{"".join(_plain(word)) for word in _list(lang)} for lang in ("en", "fr")]
    known = max(lists, key=lambda words_: sum(word in words_ for word in heard))
    return [
        (place, word, get_close_matches(word, known, n=3))
        for place, word in enumerate(heard, 1)
        if not any(word in words_ for words_ in lists) and not word.isdecimal()
    ]


def _plain(text: str) -> list[str]:
    bare = "".join(
        c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c)
    )
    bare = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in bare)
    return [part for part in re.split(r"[\W_]+", bare) if part]
