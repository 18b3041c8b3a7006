"""A brief bears the highest marking of what it is made from, is one page that no name steers, and fetches nothing."""

import contextlib
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace

import msgspec
import pytest

from mithaq import brief, intel
from mithaq.brief import Ordered, page, pdf
from mithaq.brief.html import outside
from mithaq.brief.pictures import sparkline
from mithaq.brief.writing import Writing
from mithaq.config import Briefs
from mithaq.errors import Fault
from mithaq.ingest.rules import Health, Terms
from mithaq.languages import catalogue
from mithaq.model.labels import Tlp
from mithaq.node.scribe import Scribe
from mithaq.store import alarms, counting, feeds, objects, parties
from mithaq.store.alarms import Alarm
from mithaq.store.feeds import FeedRow
from mithaq.store.parties import Peer
from tests.rooms.intel.conftest import NOW, core, person, us
from tests.rooms.intel.test_emerging import IVY, OLD, body, copy, family, sighting
from tests.web import serving

__all__ = ["core", "us"]
TODAY = NOW.date()
HOSTILE = '<script>alert(1)</script>"\u202e\u2066evil' + "x" * 10_000
WEEK = Ordered(period="week", until=TODAY)
TO_GREEN = Ordered(period="week", until=TODAY, up_to=Tlp.GREEN)


def fill(core, us):
    """Three partners who begin to name one malware, one whose name is an attack, and how the node does."""
    numbers = iter(range(20_000, 90_000))
    some = [copy(each, "file:attack", Tlp.CLEAR, "", owner="") for each in (OLD, IVY)]
    hostile = family(60, HOSTILE, ago=2)
    for voucher, every in (("borea", 3), ("cygna", 4), ("deneb", 5)):
        some += [copy(sighting(next(numbers), OLD, ago), voucher) for ago in range(8, 97, every)]
        some += [copy(sighting(next(numbers), IVY, ago), voucher) for ago in (1, 3)]
        some.append(copy(sighting(next(numbers), hostile, 2), voucher, Tlp.AMBER_STRICT))
    some.append(copy(hostile, "borea", Tlp.AMBER_STRICT))
    ours = body(
        "indicator",
        70,
        2,
        pattern="[mutex:name = 'x']",
        pattern_type="stix",
        valid_from=IVY["created"],
    )
    some.append(copy(ours, us.party, standing="own", agreement=""))
    some.append(copy(sighting(71_000, ours, 1), "cygna", sent_by="cygna"))
    with core.begin() as unit:
        objects.add(unit, some)
        for name in ("borea", "cygna", "deneb"):
            parties.put_peer(unit, Peer(name=name, kind="node", state="confirmed"))
        terms = Terms(
            name="list",
            url="https://feeds.example/",
            via="http",
            by="amal",
            at="2026-01-01T00:00:00.000Z",
        )
        health = Health(outcome="failed", failing_since="2026-02-27T00:00:00.000Z")
        feeds.put_feed(
            unit, FeedRow(name="list", due_at="", terms=_json(terms), health=_json(health))
        )
        alarms.ring(
            unit, Alarm(name="a", kind="fork", subject="deneb", at="2026-02-28T00:00:00.000Z", facts={}, evidence=b"")
        )  # fmt: skip
    for _ in range(5):
        intel.count_on(core)
    with core.read() as unit:
        assert not counting.behind(unit)


def _json(value):
    return msgspec.json.encode(value).decode()


@pytest.fixture
def held(core, us):
    fill(core, us)

    def make(ordered=WEEK, actor=None):
        with core.read() as unit:
            return brief.brief(
                unit,
                us,
                actor or person(Tlp.RED, "analyst", "duty-officer", "operator"),
                ordered,
                NOW,
            )

    return make


class Reader(HTMLParser):
    """Reads a page as a browser would: its elements, their attributes and its text."""

    def __init__(self, written):
        super().__init__()
        self.tags, self.said = [], []
        self.feed(written)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.said.append(data)


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_a_brief_is_one_page_that_runs_and_loads_nothing_whatever_things_are_called(held, language):
    written = page(held(), language)
    read = Reader(written)

    assert {tag for tag, _ in read.tags} <= {
        "html", "head", "meta", "title", "style", "body", "div", "span", "header", "footer", "section", "h1", "h2",
        "h3", "p", "b", "br", "table", "colgroup", "col", "thead", "tbody", "tr", "th", "td", "bdi", "a", "time",
        "svg", "path", "rect",
    }  # fmt: skip
    names = {name for _, attributes in read.tags for name in attributes}
    assert not names & {"style", "src", "onload", "onclick"}
    assert all(a["href"].startswith("#e") for _, a in read.tags if "href" in a)
    assert "<script" not in written
    assert "\u202e" not in written
    assert max(map(len, read.said[5:])) < 3000
    assert "default-src 'none'" in written
    [(_, html)] = [each for each in read.tags if each[0] == "html"]
    assert (html["lang"], html["dir"]) == (language, "rtl" if language == "ar" else "ltr")


def test_a_brief_bears_the_highest_marking_of_what_it_is_made_from_at_its_head_and_foot(held):
    whole, amber, green = (
        held(),
        held(WEEK, person(Tlp.AMBER, "analyst")),
        held(TO_GREEN),
    )

    assert [each.level for each in (whole, amber, green)] == [
        Tlp.AMBER_STRICT,
        Tlp.AMBER,
        Tlp.GREEN,
    ]
    for made in (whole, amber, green):
        bands = re.findall(
            r'<div class="band"><span class="tlp [^"]*" lang="en">(TLP:[A-Z+]+)<', page(made, "en")
        )
        assert bands == [f"TLP:{made.level}"] * 2


def test_a_brief_up_to_a_ceiling_says_nothing_above_it_nor_how_we_do(held):
    written = page(held(TO_GREEN), "en")

    assert "Ivy" in written
    assert "alert(1)" not in written
    assert "AMBER" not in written
    assert "feeds.example" not in written
    assert "Open alarms" not in written
    assert "failing since" not in written
    assert held(TO_GREEN).duties is None


def test_a_brief_tells_what_emerges_what_passed_and_what_waits(held):
    made = held()
    written = page(made, "en")
    cygna = next(each for each in made.digest.partners if each.partner == "cygna")

    assert "Two histories of one channel: " in written
    assert "failing since" in written
    assert "Ivy" in written
    assert (cygna.seen_by_them.count, made.duties.alarms[0].subject) == (1, "deneb")
    assert cygna.came.count > 0
    assert "0/3" in written  # partners in touch


def test_who_may_not_look_at_alarms_or_feeds_is_not_told_of_them(held):
    made = held(WEEK, person(Tlp.AMBER, "legal", "analyst"))

    assert made.duties is not None
    assert "fork" not in page(made, "en")


def test_every_finding_leads_to_its_evidence(held):
    written = page(held(), "en")

    led = set(re.findall(r'href="#(e\d+)"', written))
    assert led == set(re.findall(r'id="(e\d+)"', written)) != set()
    assert re.search(r"#\d+</bdi> <bdi[^>]*>borea", written)


def test_a_node_without_history_says_so(core, us):
    with core.read() as unit:
        made = brief.brief(unit, us, person(), Ordered(period="day", until=TODAY), NOW)

    assert made.level == Tlp.AMBER
    assert "no baseline yet" in page(made, "en")


def test_a_pdf_is_set_and_asks_for_nothing(held):
    written = pdf(page(held(), "ar"), "ar")

    assert written.startswith(b"%PDF-")


def test_a_page_that_names_something_elsewhere_is_not_set():
    with pytest.raises(Fault, match="elsewhere"):
        pdf('<html><body><img src="http://feeds.example/x.png"></body></html>', "en")


@pytest.mark.parametrize(
    "part",
    [
        '<link rel=stylesheet href="{url}">', "<style>@import url({url})</style>", '<object data="{url}"></object>',
        '<p style="background:url({url})">x', '<base href="{url}"><img src="x">', '<link rel=attachment href="{url}">',
        "<style>@font-face{{font-family:z;src:url({url})}} p{{font-family:z}}</style><p>x",
        '<svg><image href="{url}" width="9" height="9"/></svg>', '<iframe src="{url}"></iframe>',
        '<meta http-equiv="refresh" content="0;url={url}">',
    ],
)  # fmt: skip
def test_no_way_of_naming_something_elsewhere_is_followed_as_a_pdf_is_set(tmp_path, part):
    file = tmp_path / "secret"
    file.write_text("hush-hush")
    with serving() as web:
        for url in (f"{web.url}/x", f"file://{file}"):
            with contextlib.suppress(Fault):
                assert b"hush" not in pdf(f"<html><body>{part.format(url=url)}</body></html>", "en")

    assert web.asked == []


def test_without_its_fonts_or_its_setter_no_pdf_is_written_and_what_to_install_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    with pytest.raises(brief.NoPdf, match="libpango"):
        pdf("<p>x</p>", "en")
    monkeypatch.setenv("XDG_DATA_DIRS", "/nowhere")
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(brief.NoFonts, match="fonts-noto-core"):
        pdf("<p>x</p>", "ar")


@pytest.mark.parametrize(
    ("name", "direction"),
    [("Who attacks?", "ltr"), ("2026: صقر", "rtl"), ("צפון", "rtl"), ("?", "ltr")],
)
def test_a_name_from_outside_runs_as_its_first_letter_does_on_paper_too(name, direction):
    assert outside(name).startswith(f'<bdi dir="{direction}">')


@pytest.mark.parametrize(
    ("language", "first", "third"),
    [
        ("en", "1 March 2026", "3 March"),
        ("fr", "1er mars 2026", "3 mars"),
        ("ar", "1 مارس 2026", "3 مارس"),
    ],
)
def test_a_date_is_written_as_the_language_writes_it(language, first, third):
    writing = Writing(catalogue("mithaq.brief", language))

    assert first in writing.day(date(2026, 3, 1))
    assert third in writing.day(date(2026, 3, 3))


def test_odds_beyond_ten_thousand_are_told_as_less_than_that(held):
    written = page(held(), "en")

    assert "by chance: " in written
    assert not re.search(r"\d\d,\d{3}</bdi></div>", written.replace("10,000", ""))


def test_a_sector_of_the_vocabulary_is_called_by_the_readers_word():
    words = {each: catalogue("mithaq.brief", each).say("sector.energy") for each in ("fr", "ar")}

    assert words == {"fr": "énergie", "ar": "الطاقة"}


def test_a_sparkline_has_a_bar_for_each_day_that_counts_and_turns_round_in_arabic():
    daily = [0] * 8 + [2, 1]

    plain, turned = (sparkline(daily, 2, mirrored=each) for each in (False, True))

    assert plain.count("<rect") == turned.count("<rect") == 2
    first = [float(re.search(r'x="([\d.]+)"', each)[1]) for each in (plain, turned)]
    assert first[0] > 64 > first[1]


def test_due_are_the_last_whole_day_and_the_last_week_to_sunday_until_their_files_are_there(
    tmp_path,
):
    now = datetime(2026, 3, 4, 5, tzinfo=UTC)  # a Wednesday
    settings = Briefs(folder="briefs", reader="amal", languages=("en", "ar"))

    day, week = brief.due(settings, tmp_path, now)

    assert (day.ordered.until, week.ordered.until) == (date(2026, 3, 3), date(2026, 3, 1))
    assert week.ordered.since == date(2026, 2, 23)
    assert [path.name for path, _ in day.files] == [
        "brief-day-2026-03-03.en.html",
        "brief-day-2026-03-03.ar.html",
    ]
    (tmp_path / "briefs").mkdir()
    for path, _ in (*day.files, *week.files):
        path.touch()
    assert list(brief.due(settings, tmp_path, now)) == []
    assert list(brief.due(settings, tmp_path, now + timedelta(days=1)))


def test_the_worker_writes_what_is_due_as_the_person_named_and_once(
    core, us, tmp_path, monkeypatch
):
    reader = person(Tlp.GREEN)
    monkeypatch.setattr("mithaq.brief.schedule.people.named", lambda _unit, _name: reader)
    settings = SimpleNamespace(brief=Briefs(folder="briefs", reader="amal", periods=("day",)))
    config = SimpleNamespace(home=tmp_path, settings=settings)
    scribe = Scribe(SimpleNamespace(core=core, us=us, config=config, clock=lambda: NOW), None)

    assert (scribe.turn(), scribe.turn()) == (1, 0)
    [file] = (tmp_path / "briefs").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert "<!DOCTYPE html>" in file.read_text("utf-8")
