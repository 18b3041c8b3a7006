"""Pages say who may see them, and numbers the form that their language has."""

import pytest
from django.http import HttpResponse
from django.urls import path

from mithaq.languages import Catalogue
from mithaq.web.screens import ANYBODY, Undeclared, declared, screen
from mithaq.web.templatetags.console import form, say


def view(_request):
    return HttpResponse()


def test_a_page_that_does_not_say_who_may_see_it_cannot_be_served():
    said = screen("a/", view, ANYBODY, "said")

    declared([said])
    with pytest.raises(Undeclared, match="b/"):
        declared([said, path("b/", view, name="not-said")])
    with pytest.raises(Undeclared):
        declared([path("c/", view)])


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", {0: "other", 1: "one", 2: "other", 11: "other", 101: "other"}),
        ("fr", {0: "one", 1: "one", 2: "other", 1_000: "other"}),
        (
            "ar",
            {
                0: "zero",
                1: "one",
                2: "two",
                3: "few",
                10: "few",
                11: "many",
                99: "many",
                100: "other",
            },
        ),
        ("ar", {102: "other", 103: "few", 111: "many", 200: "other", 1_003: "few"}),
    ],
)
def test_a_number_has_the_form_of_its_language(language, forms):
    words = Catalogue(language, {})

    assert {count: form(words, count) for count in forms} == forms


def test_what_is_filled_in_is_escaped_and_stands_by_itself():
    words = Catalogue("ar", {"sent": "إلى {peer} & `mithaq peer`", "thousands": ","})

    said = say({"words": words}, "sent", peer="<b>\u202ex")

    assert (
        said
        == 'إلى <bdi>&lt;b&gt;\\u{202e}x</bdi> &amp; <code class="mq-tech" dir="ltr">mithaq peer</code>'
    )
