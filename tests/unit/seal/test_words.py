"""Twelve words that people read out and type (border.md 9.2)."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from mithaq.errors import InputError
from mithaq.seal.words import LANGUAGES, same, strangers, words

digests = st.binary(min_size=32, max_size=32)
KNOWN = hashlib.sha256(b"aurelia").digest()


@given(digests, st.sampled_from(["en", "fr", "digits"]))
def test_a_phrase_is_twelve_words_of_132_bits(digest, language):
    """Each word stands for eleven bits: read as numbers, they are the digest's first 132."""
    phrase = words(digest, language)
    lists = {"en": "english", "fr": "french"}
    known = Mnemonic(lists[language]).wordlist if language in lists else None

    numbers = [known.index(word) if known else int(word) for word in phrase]

    bits = "".join(f"{number:011b}" for number in numbers)
    assert bits == f"{int.from_bytes(digest, 'big'):0256b}"[:132]
    assert len(phrase) == 12


@given(
    digests,
    st.sampled_from(list(LANGUAGES)),
    st.sampled_from([" ", "  ", ", ", "-", "\n", ".", " \u2013 "]),
)
def test_what_is_typed_as_read_is_the_same_however_it_is_spaced(digest, language, between):
    assert same(between.join(words(digest, language)), digest)


@given(digests, digests)
def test_another_digest_has_another_phrase(one, other):
    if one[:16] != other[:16]:
        for language in LANGUAGES:
            assert not same(" ".join(words(one, language)), other)


@given(digests, st.sampled_from(list(LANGUAGES)), st.data())
def test_every_word_and_their_order_count(digest, language, data):
    phrase = list(words(digest, language))
    at = data.draw(st.integers(0, 11), label="at")
    other = data.draw(st.sampled_from(words(hashlib.sha256(digest).digest(), language)))
    swapped = [*phrase[:at], phrase[at - 1], *phrase[at + 1 :]]

    for typed in (phrase[:at] + phrase[at + 1 :], [*phrase, phrase[0]], phrase[::-1], swapped):
        assert same(" ".join(typed), digest) == (typed == phrase)
    changed = [*phrase[:at], other, *phrase[at + 1 :]]
    assert same(" ".join(changed), digest) == (other == phrase[at])


def test_case_and_accents_do_not_matter():
    french = next(
        digest
        for digest in (hashlib.sha256(bytes([n])).digest() for n in range(256))
        if not " ".join(words(digest, "fr")).isascii()
    )
    phrase = " ".join(words(french, "fr"))
    bare = phrase.translate(str.maketrans({"́": None, "̀": None}))

    assert bare.isascii()
    assert same(bare, french)
    assert same(phrase.upper(), french)
    assert same(" ".join(words(french)).title(), french)


@pytest.mark.parametrize("zero", ["٠", "۰", "０"])  # noqa: RUF001 Arabic, Persian, full width
def test_digits_of_other_scripts_are_digits(zero):
    digits = str.maketrans({str(n): chr(ord(zero) + n) for n in range(10)})
    typed = " ".join(words(KNOWN, "digits")).translate(digits)

    assert same(typed, KNOWN)
    assert not same(typed[:-1], KNOWN)


def test_languages_are_not_mixed():
    english, french = words(KNOWN, "en"), words(KNOWN, "fr")

    assert not same(" ".join([*english[:6], *french[6:]]), KNOWN)


@pytest.mark.parametrize("typed", ["", " ", "abandon", "\u0301", "0000 " * 12])
def test_nothing_typed_is_no_phrase(typed):
    assert not same(typed, KNOWN)


def test_a_language_without_a_list_says_which_there_are():
    with pytest.raises(InputError, match="en, fr, digits"):
        words(KNOWN, "xx")


def test_what_stands_in_no_list_is_named_with_what_is_like_it_and_nothing_else():
    typed = "abandon abilty zoo qqqqqq 0123"

    assert [(place, word) for place, word, _ in strangers(typed)] == [(2, "abilty"), (4, "qqqqqq")]
    assert "ability" in strangers(typed)[0][2]
    assert strangers(" ".join(words(bytes(range(32)), "fr"))) == []
