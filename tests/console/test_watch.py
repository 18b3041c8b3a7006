"""The watch floor."""

import pytest

from mithaq.node import open_node
from mithaq.store import alarms
from tests.console.conftest import LANGUAGES, accessible


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_the_watch_floor_is_there_for_everybody(lina, language, scheme, width):
    context, _ = lina
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"/watch/?lang={language}")

    assert page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
    assert (
        page.inner_text("h1") == {"en": "Watch floor", "fr": "Veille", "ar": "المناوبة"}[language]
    )
    assert page.inner_text(".mq-strip .mq-tlp") == "TLP:AMBER"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    accessible(page)
    page.close()


@pytest.fixture
def ringing(house):
    """Let two alarms ring at the node, until the test is over."""
    with open_node(house.home) as node:
        about = {"kind": "silence", "at": "2026-12-01T00:00:00.000Z", "facts": {}, "evidence": b""}
        with node.core.begin() as unit:
            rung = [
                alarms.ring(unit, alarms.Alarm(name=name, subject=name, **about))
                for name in ("borea", "corvia")
            ]
        yield
        with node.core.begin() as unit:
            for each in rung:
                alarms.close(unit, each, about["at"], "lina", "over")


def test_what_needs_a_person_is_told_to_whom_it_is_for(lina, guest, ringing):
    context, _ = lina
    page = context.new_page()
    said = {"en": "2 alarms ring", "fr": "2 alarmes sonnent", "ar": "إنذاران مفتوحان"}
    for language, sentence in said.items():
        page.goto(f"/watch/?lang={language}")
        assert sentence in page.inner_text(".mq-rows")
        assert page.inner_text(".mq-figures b >> nth=0") == "2"
        accessible(page)
    page.goto("/watch/?lang=en")
    page.close()

    analyst = guest("amal")
    analyst.goto("/watch/")
    assert "Nothing needs a person." in analyst.inner_text("main")
    assert "alarm" not in analyst.content()
