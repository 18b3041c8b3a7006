"""A translation stands beside an object: of which version, by whom, and never less marked than what it translates."""

import json
from datetime import timedelta

import pytest

from mithaq import intel
from mithaq.errors import InputError, NotFound
from mithaq.intel import Terms
from mithaq.intel.authoring import translations
from mithaq.intel.authoring.drafts import NoSuchField
from mithaq.intel.authoring.translations import Translation, in_language, texts_of, translated
from mithaq.model.labels import Beside, Tlp
from tests.rooms.intel.conftest import person
from tests.rooms.intel.test_service import id_, tool
from tests.rooms.intel.test_writing import LATER, desk

__all__ = ["desk"]


@pytest.fixture
def words(desk, core, us):
    """Translate, and read translations."""

    class Words:
        def say(self, copy, *pairs, to="ar", actor=None, now=LATER, tlp=None):
            terms = Terms(beside=Beside(tlp=tlp))
            with core.begin() as unit:
                who = actor or person()
                name = copy.object.id
                draft = translations.translate(unit, us, who, name, (to, pairs), now, terms=terms)
                return intel.store(unit, us, who, draft, now)

        def of(self, copy, actor=None):
            with core.read() as unit:
                return translations.translations(unit, us, actor or person(), copy)

        def along(self, *seqs, actor=None):
            with core.read() as unit:
                return translations.travelling(unit, us, actor or person(), seqs)

        def search(self, *words):
            with core.read() as unit:
                found = intel.search(unit, us, person(), " ".join(words))
                return translations.resolved(unit, us, person(), found)

    return Words()


def test_a_translation_says_of_which_version_it_is_and_bears_what_that_bears(desk, words):
    copy = desk.tool(name="hammer", description="heavy", tlp=Tlp.AMBER)

    made = words.say(copy, "name=مطرقة", "description=ثقيلة = جدا")

    body = made.object.body
    assert (body["object_ref"], body["object_modified"]) == (copy.object.id, copy.object.version)
    assert body["contents"] == {"ar": {"name": "مطرقة", "description": "ثقيلة = جدا"}}
    assert intel.marking(made) == "TLP:AMBER"
    assert intel.title(body) == "مطرقة"
    with pytest.raises(InputError, match="what it is about"):
        words.say(copy, "name=x", to="fr", tlp=Tlp.GREEN)


@pytest.mark.parametrize(
    "language", ["ar", "fr", "pt-BR", "zh-Hant-TW", "es-419", "sl-rozaj-biske", "en-x-ours"]
)
def test_languages_are_those_of_rfc_5646(desk, words, language):
    copy = desk.tool()

    assert words.say(copy, "name=x", to=language).object.body["contents"].keys() == {language}


@pytest.mark.parametrize("language", ["", "arabic", "a", "ar_TN", "ar-", "x" * 40])
def test_what_is_no_language_is_refused(desk, words, language):
    with pytest.raises(InputError, match="RFC 5646"):
        words.say(desk.tool(), "name=x", to=language)


def test_only_texts_that_stand_there_are_translated():
    body = {
        "name": "a",
        "aliases": ["x", "y"],
        "pattern": "[a:b = 'c']",
        "confidence": 7,
        "type": "tool",
    }

    assert texts_of(body, ["name=م", "aliases=س", "aliases="]) == {
        "name": "م",
        "aliases": ["س", ""],
    }
    for wrong in ("description=x", "pattern=x", "confidence=x", "type=x"):
        with pytest.raises(NoSuchField, match=f"/{wrong.partition('=')[0]}"):
            texts_of(body, [wrong])
    for pairs, says in ((["name"], "NAME=VALUE"), (["name="], "empty"), (["aliases=x"], "2 items")):
        with pytest.raises(InputError, match=says):
            texts_of(body, pairs)


def test_a_second_text_in_a_language_follows_the_first(desk, words):
    copy = desk.tool(name="hammer", description="heavy")
    first = words.say(copy, "name=مطرقة")

    second = words.say(copy, "description=ثقيلة")
    french = words.say(copy, "name=marteau", to="fr")

    assert second.object.id == first.object.id != french.object.id
    assert second.object.body["contents"]["ar"] == {"name": "مطرقة", "description": "ثقيلة"}
    assert [(t.language, t.stale) for t in words.of(copy)] == [("fr", False), ("ar", False)]


def test_a_newer_version_leaves_a_translation_behind_until_what_changed_is_translated(desk, words):
    copy = desk.tool(name="hammer", description="heavy")
    words.say(copy, "name=مطرقة", "description=ثقيلة")
    newer = desk.set(copy, description="light")

    [stale] = words.of(newer)
    made = words.say(newer, "description=خفيفة")

    assert stale.stale
    assert made.object.body["contents"]["ar"] == {"name": "مطرقة", "description": "خفيفة"}
    again = desk.set(newer, description="gone")
    assert words.say(again, "name=م", now=LATER + timedelta(1)).object.body["contents"]["ar"] == {
        "name": "م"
    }
    assert [each.stale for each in words.of(newer)] == [True]


def test_a_revoked_translation_is_none(desk, words, core, us):
    copy = desk.tool()
    made = words.say(copy, "name=x")
    desk.store(desk.draft(intel.revoked, made.object.id, now=LATER + timedelta(1)))

    assert words.of(copy) == words.along(copy.seq) == []
    assert words.say(copy, "name=y", now=LATER + timedelta(2)).object.id != made.object.id


def test_what_is_translated_and_what_translates_is_read_by_whom_may(desk, words):
    copy = desk.tool()
    words.say(copy, "name=x", tlp=Tlp.RED)
    low = person(Tlp.GREEN)

    assert words.of(copy, low) == []
    assert words.along(copy.seq, actor=low) == []
    secret = desk.tool(tlp=Tlp.RED)
    with pytest.raises(NotFound):
        words.say(secret, "name=x", actor=low)


def test_ours_go_along_with_the_very_version_they_are_of(desk, words):
    copy, other = desk.tool(), desk.tool()
    made = words.say(copy, "name=x")
    words.say(other, "name=y")

    assert words.along(copy.seq) == [made.seq]
    assert words.along(copy.seq, made.seq) == []
    assert words.along(desk.set(copy, description="new").seq) == []


def test_an_observable_is_translated_without_a_version(desk, words):
    copy = desk.new("software", name="hammer")

    made = words.say(copy, "name=مطرقة")

    assert "object_modified" not in made.object.body
    assert words.along(copy.seq) == [made.seq]


def test_an_object_is_found_by_what_a_translation_says(desk, words):
    copy, other = desk.tool(name="hammer"), desk.tool(name="مطرقة كبيرة")
    made = words.say(copy, "name=مِطرقة")
    words.say(other, "name=مطرقة")

    found = [(c.object.id, via and via.seq) for c, via in words.search("مطرقة")]

    assert found == [(copy.object.id, made.seq), (other.object.id, None)]


# --- which one a person reads --------------------------------------------------------------------
def test_a_reader_gets_the_owners_before_ours_before_others_and_what_is_of_this_version_first(
    desk, words
):
    copy = desk.tool(name="hammer", aliases=["a", "b"])
    ours = words.of(copy) + [
        Translation(copy=each, language=language, fields=fields, stale=stale)
        for each, language, fields, stale in [
            (copy, "ar", {"name": "قديم"}, True),
            (copy, "ar-TN", {"name": "مطرقة", "aliases": ["", "ب"]}, False),
        ]
    ]

    read = in_language(copy, ours, "ar")

    assert read.fields["name"] == "مطرقة"
    assert translated(copy.object.body, read)["aliases"] == ["a", "ب"]
    assert in_language(copy, ours, "en") is in_language(copy, ours, "fr") is None
    assert read.by == "asteria"


def test_what_a_translation_says_of_other_shape_is_left_as_it_is(desk):
    copy = desk.tool(name="hammer", aliases=["a"])
    odd = {"name": ["x"], "aliases": ["x", "y"], "description": "new", "confidence": 5}
    read = Translation(copy=copy, language="ar", fields=odd, stale=False)

    assert translated(copy.object.body, read) == copy.object.body


def test_a_hostile_translation_is_no_translation(desk, words):
    target = tool(1)
    odd = tool(2) | {
        "type": "language-content",
        "object_ref": id_(1),
        "contents": {"ar": {"name": "x"}},
    }
    odd |= {"id": "language-content--00000000-0000-4000-8000-000000000002"}
    del odd["name"]
    note = odd | {
        "id": "language-content--00000000-0000-4000-8000-000000000003",
        "object_ref": id_(4),
    }
    note |= {"x_see": id_(1)}
    copies = desk.received(json.loads(json.dumps(target)), odd, note)

    found = words.of(copies[0])

    assert [each.copy.object.id for each in found] == [odd["id"]]
    assert found[0].by == "file:report"
