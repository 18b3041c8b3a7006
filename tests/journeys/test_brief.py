"""A brief is written at the command line, for whom it may be, in the reader's language."""

import json

from tests.journeys.test_formats import say

__all__ = ["say"]
ANA = ("--as", "ana")


def test_a_brief_is_one_page_marked_by_what_it_is_made_of_and_overwrites_nothing(say, tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("one.evil-lists.com\n")
    say("import", str(file), "--tlp", "GREEN", *ANA)
    out = tmp_path / "week.html"

    said = say("brief", "--out", str(out), *ANA)
    page = out.read_text()
    green = json.loads(say("brief", "--period", "day", "--up-to", "GREEN", "--json", *ANA))
    arabic = say("brief", "--language", "ar", *ANA)

    assert str(out) in said
    assert "<script" not in page
    assert "TLP:AMBER" in page  # it says how we do
    assert (green["period"], green["marking"], green["duties"]) == ("day", "TLP:GREEN", None)
    assert 'dir="rtl"' in arabic
    assert out.stat().st_mode & 0o077 == 0
    say("brief", "--out", str(out), *ANA, code=2)
    assert out.read_text() == page


def test_what_no_brief_can_be_is_refused_before_anything_is_written(say, tmp_path):
    for wrong in (
        ("--out", str(tmp_path / "week.doc")),
        ("--period", "fortnight"),
        ("--until", "soon"),
    ):
        say("brief", *wrong, *ANA, code=2)
    say("brief", "--as", "nobody", code=4)
    assert not (tmp_path / "week.doc").exists()
