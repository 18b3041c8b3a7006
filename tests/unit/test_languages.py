"""What people read is there in every language, and reads in its own direction."""

import re
import string
from importlib.resources import files
from pathlib import Path

import pytest

import mithaq
from mithaq.errors import Fault
from mithaq.languages import LANGUAGES, Catalogue, catalogue, plain, preferred

ROOT = Path(mithaq.__file__).parent
PACKAGES = sorted(
    ".".join(folder.parent.relative_to(ROOT.parent).parts)
    for folder in ROOT.rglob("words")
    if folder.is_dir()
)
OTHERS = [language for language in LANGUAGES if language != "en"]


def placeholders(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def words(sentence):
    return "".join(said for said, _, _, _ in string.Formatter().parse(sentence)).split()


def sentences(package, language):
    assert (files(package) / "words" / f"{language}.toml").is_file()
    return catalogue(package, language).sentences


FORMS = {  # of what is counted, in CLDR's words
    "en": ["one", "other"],
    "fr": ["one", "other"],
    "ar": ["zero", "one", "two", "few", "many", "other"],
}


def grouped(said):
    """Return the sentences with those that differ by number as one: the name of each, and its forms."""
    found = {}
    for key, sentence in said.items():
        name, _, form = key.rpartition(".")
        counted = form in FORMS["ar"] and {f"{name}.one", f"{name}.other"} <= said.keys()
        found.setdefault(name if counted else key, {})[form if counted else ""] = sentence
    return found


def test_there_are_catalogues_to_look_at():
    assert "mithaq.demo" in PACKAGES


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("package", PACKAGES)
class TestEveryCatalogue:
    def test_says_all_that_the_english_one_says_and_no_more(self, package, language):
        english, other = grouped(sentences(package, "en")), grouped(sentences(package, language))

        assert list(other) == list(english)
        if package.startswith("mithaq.web"):  # elsewhere "one" and "other" are what they say
            counted = [list(forms) for forms in other.values() if "" not in forms]
            assert counted == [FORMS[language]] * len(counted)

    def test_fills_in_the_same_facts(self, package, language):
        english, other = sentences(package, "en"), sentences(package, language)

        def asked(said):
            return {
                key: set().union(*map(placeholders, forms.values()))
                for key, forms in grouped(said).items()
            }

        assert asked(other) == asked(english)

    def test_leaves_no_sentence_in_english(self, package, language):
        english, other = sentences(package, "en"), sentences(package, language)

        long = {key for key, sentence in english.items() if len(words(sentence)) > 3}
        assert {key for key in long if other.get(key) == english[key]} == set()

    def test_leaves_the_levels_of_tlp_untranslated(self, package, language):
        def levels(sentence):
            return sorted(re.findall(r"TLP:[A-Z+]+", sentence))

        english, other = sentences(package, "en"), sentences(package, language)

        for key in english.keys() & other.keys():
            assert levels(other[key]) == levels(english[key])


@pytest.mark.parametrize("package", PACKAGES)
def test_french_sentences_are_set_as_french_is_printed(package):
    said = [re.sub("`[^`]*`", "", each) for each in sentences(package, "fr").values()]

    assert [each for each in said if re.search(r"\w'\w| [;:?!»]|« ", each)] == []


def test_what_is_typed_in_a_french_sentence_stays_as_it_is_typed():
    said = sentences("mithaq.cli", "fr")["none.peers"]

    assert "\u202f: `mithaq peer add URL`" in said


@pytest.mark.parametrize("package", PACKAGES)
def test_arabic_sentences_are_written_in_arabic(package):
    bare = {
        key
        for key, sentence in sentences(package, "ar").items()
        if len(words(sentence)) > 2 and not re.search("[\u0600-\u06ff]", sentence)
    }

    assert bare == set()


def test_what_is_filled_into_arabic_keeps_its_own_direction():
    arabic = Catalogue("ar", {"sent": "إلى {peer}"})

    assert arabic.say("sent", peer="CERT (B)") == "إلى \u2068CERT (B)\u2069"


def test_what_is_filled_into_english_stands_as_it_is():
    assert Catalogue("en", {"sent": "to {peer}"}).say("sent", peer="CERT (B)") == "to CERT (B)"


@pytest.mark.parametrize("facts", [{}, {"other": 1}])
def test_a_sentence_that_lacks_its_fact_is_our_fault(facts):
    with pytest.raises(Fault, match="peer"):
        Catalogue("en", {"sent": "to {peer}"}).say("sent", **facts)


def test_a_sentence_that_nobody_wrote_is_our_fault():
    with pytest.raises(Fault, match="unwritten"):
        Catalogue("en", {}).say("unwritten")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "ar"}, "ar"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "ar_EG.UTF-8"}, "ar"),
        ({"LC_ALL": "ar_EG.UTF-8", "MITHAQ_LANG": "FR"}, "fr"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_is_what_the_person_asks_for_then_the_locale_then_english(
    environment, language
):
    assert preferred(environment) == language


def test_a_language_without_a_catalogue_is_told_in_english():
    assert catalogue("mithaq.demo", "de").language == "en"


def test_what_others_named_cannot_steer_a_screen():
    """A name of a peer's may hold escapes and overrides; they are shown, not obeyed."""
    hostile = "a\x1b]0;owned\x07b\x9b2Jc\u202edcba\nnext"

    assert plain(hostile) == "a\\u{001b}]0;owned\\u{0007}b\\u{009b}2Jc\\u{202e}dcba\nnext"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_offers_the_same_letters_for_yes_and_no_in_its_language(language):
    said = sentences("mithaq.cli", language)
    offered = {
        found[0]
        for key, sentence in said.items()
        if key.startswith("ask.") and (found := re.search(r"\[(.)/.\]$", sentence))
    }
    [letters] = offered
    assert letters[1] in said["ask.yes"].split()
