"""The watch floor."""

import pytest

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
