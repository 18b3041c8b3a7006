"""Reading on by ``next`` or by date skips nothing and repeats nothing, whatever changes meanwhile."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from mithaq.exchange.cursor import Cursors, Mark
from mithaq.exchange.problems import HttpProblem
from tests.rooms.exchange.world import B_SHELF, C_SHELF, build, stamp, stix

MANIFEST = f"/taxii2/{B_SHELF}/collections/intel/manifest/?match[version]=all"


class Reader(RuleBasedStateMachine):
    """One peer reads page by page while the shelf changes under it."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = build(Path(self.folder.name) / "home", page_limit=5)
        self.standing = {}  # (id, version): date_added
        self.removed = set()
        self.number = 0

    @initialize(count=st.integers(0, 12))
    def fill(self, count):
        self.start("")
        for _ in range(count):
            self.place(1)

    def start(self, query):
        self.query = query
        self.seen = []
        self.at_start = dict(self.standing)
        self.gone_since = set()
        self.next = None
        self.done = False

    @rule(count=st.integers(1, 4))
    def place(self, count):
        new = []
        for _ in range(count):
            self.number += 1
            new.append(stix(self.number))
        dates = self.world.place(B_SHELF, *new)
        self.standing |= {(o[0], o[2]): at for o, at in zip(new, dates, strict=True)}

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def remove(self, data):
        key = data.draw(st.sampled_from(sorted(self.standing)))
        self.world.remove(B_SHELF, *key)
        del self.standing[key]
        self.gone_since.add(key)

    @precondition(lambda self: not self.done)
    @rule(
        limit=st.integers(1, 7),
        by_date=st.booleans(),
        beside=st.booleans(),
        twice=st.booleans(),
    )
    def read_on(self, limit, by_date, beside, twice):
        """By date alone, by ``next`` alone, or with the last page's date beside it: at every page anew."""
        query = f"{MANIFEST}&limit={limit}"
        if self.seen and by_date:
            query += f"&added_after={self.seen[-1]['date_added']}"
        if self.next and (beside or "added_after" not in query):
            query += f"&next={self.next}"
        answer = self.world.get("borealis", query)
        if twice:  # an answer that was lost can be had again
            assert self.world.get("borealis", query) == answer
        page = json.loads(answer.body)
        records = page.get("objects", [])
        assert len(records) <= min(limit, 5)
        if records:
            assert answer.headers["x-taxii-date-added-first"] == records[0]["date_added"]
            assert answer.headers["x-taxii-date-added-last"] == records[-1]["date_added"]
        self.seen += records
        self.next = page.get("next")
        assert bool(self.next) == bool(page.get("more"))
        self.done = not page.get("more")

    @precondition(lambda self: self.done)
    @rule()
    def begin_again(self):
        self.start("")

    @invariant()
    def nothing_is_repeated_or_out_of_order(self):
        dates = [record["date_added"] for record in self.seen]
        assert dates == sorted(set(dates))

    @invariant()
    def nothing_is_skipped_that_stood_all_along(self):
        if not self.done:
            return
        seen = {(record["id"], record["version"]) for record in self.seen}
        assert set(self.at_start) - self.gone_since <= seen

    def teardown(self):
        self.world.shelf.close()
        self.world.spool.close()
        self.folder.cleanup()


TestReader = Reader.TestCase
TestReader.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def test_a_reader_by_date_alone_gets_everything_once(world):
    """For clients that page by X-TAXII-Date-Added-Last and ignore next (section 3.5)."""
    world.place(B_SHELF, *(stix(n) for n in range(23)))

    seen, after = [], "2000-01-01T00:00:00.000000Z"
    while True:
        answer = world.get("borealis", f"{MANIFEST}&limit=4&added_after={after}")
        page = json.loads(answer.body)
        seen += [record["id"] for record in page.get("objects", [])]
        after = answer.headers["x-taxii-date-added-last"]
        if not page.get("more"):
            break

    assert seen == [stix(n)[0] for n in range(23)]


def test_more_is_said_only_if_there_is_more(world):
    world.place(B_SHELF, *(stix(n) for n in range(4)))

    assert "more" in world.json("borealis", MANIFEST + "&limit=3")
    assert "more" not in world.json("borealis", MANIFEST + "&limit=4")
    assert "more" not in world.json("borealis", MANIFEST + "&limit=5")


def test_a_cursor_goes_on_without_a_limit_and_with_the_date_it_came_with(world):
    """What medallion answers with 500, and what OpenCTI sends."""
    world.place(B_SHELF, *(stix(n) for n in range(5)))
    query = f"{MANIFEST}&added_after={stamp(1)}"

    page = world.json("borealis", query + "&limit=2")
    rest = world.json("borealis", f"{query}&next={page['next']}")

    assert [r["date_added"] for r in rest["objects"]] == [stamp(4), stamp(5)]


def test_a_cursor_serves_its_own_shelf_endpoint_and_filters_alone(world):
    world.place(B_SHELF, *(stix(n) for n in range(5)))
    world.place(C_SHELF, *(stix(n) for n in range(5)))
    cursor = world.json("borealis", MANIFEST + "&limit=2")["next"]
    base = f"/taxii2/{B_SHELF}/collections/"
    same = "&match[version]=all"

    assert world.get("borealis", f"{base}intel/manifest/?next={cursor}{same}").status == 200
    for path in (
        f"{base}intel/manifest/?next={cursor}",
        f"{base}intel/manifest/?next={cursor}{same}&match[type]=tool",
        f"{base}intel/objects/?next={cursor}{same}",
        f"{base}seals/manifest/?next={cursor}{same}",
        f"{base}intel/objects/{stix(1)[0]}/?next={cursor}{same}",
    ):
        assert world.get("borealis", path).status == 400
    theirs = f"/taxii2/{C_SHELF}/collections/intel/manifest/?next={cursor}{same}"
    assert world.get("cyrene", theirs).status == 400


def test_filters_are_the_same_in_any_order(world):
    world.place(B_SHELF, *(stix(n) for n in range(5)))
    page = world.json("borealis", MANIFEST + "&match[type]=tool,malware&limit=2")

    rest = world.json("borealis", f"{MANIFEST}&match[type]=malware,tool&next={page['next']}")

    assert len(rest["objects"]) == 3


CURSORS = Cursors(b"k" * 32)
numbers = st.integers(0, 2**56 - 1)
marks = st.builds(Mark, numbers, numbers)


@given(marks, st.text(max_size=40))
def test_a_cursor_reads_as_what_it_was_made_from_and_does_not_show_it(mark, place):
    cursor = CURSORS.make(place, mark)

    assert CURSORS.read(place, cursor) == mark
    assert len(cursor) == 40


@given(marks, st.data())
def test_no_changed_cursor_is_read(mark, data):
    cursor = CURSORS.make("here", mark)
    at = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.sampled_from("AZaz09-_=+/ \x00"))
    changed = cursor[:at] + letter + cursor[at + 1 :]
    if changed == cursor:
        return

    with pytest.raises(HttpProblem, match="next"):
        CURSORS.read("here", changed)


@given(st.text(max_size=60))
def test_no_invented_cursor_is_read(written):
    with pytest.raises(HttpProblem, match="next"):
        CURSORS.read("here", written)


def test_a_cursor_of_another_key_or_place_is_not_read():
    cursor = CURSORS.make("here", Mark(5, 0))

    for reader, place in ((Cursors(b"K" * 32), "here"), (CURSORS, "there")):
        with pytest.raises(HttpProblem, match="next"):
            reader.read(place, cursor)


OLD, NEW = "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"
OBJECTS = f"/taxii2/{B_SHELF}/collections/intel/objects/"


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param(lambda _: "", id="next alone"),
        pytest.param(lambda _: f"&added_after={stamp(1)}", id="the date asked for at first"),
        pytest.param(lambda last: f"&added_after={last}", id="the date of the page before"),
        pytest.param(lambda last: f"&added_after={last[:-4]}Z", id="that date cut to milliseconds"),
    ],
)
def test_whatever_date_stands_beside_next_nothing_is_lost_and_nothing_doubled(world, beside):
    """Some clients drop ``added_after`` beside ``next``, some move it on, some cut its fraction."""
    newest_first = [stix(n, version=NEW) for n in range(8)] + [stix(n, version=OLD) for n in (0, 1)]
    world.place(B_SHELF, *newest_first)
    seen, query = [], f"?limit=2&added_after={stamp(1)}"

    while True:
        answer = world.get("borealis", OBJECTS + query)
        assert answer.status == 200
        page = json.loads(answer.body)
        seen += [(o["id"], o["modified"]) for o in page["objects"]]
        if not page.get("more"):
            break
        last = answer.headers["x-taxii-date-added-last"]
        query = f"?limit=2&next={page['next']}{beside(last)}"

    behind_the_date = [(id_, version) for id_, _, version, _ in newest_first[1:]]
    wanted = [each for each in behind_the_date if each != (stix(1)[0], OLD)]
    assert len(set(seen)) == len(seen)
    assert [each for each in seen if each in wanted] == wanted


def test_next_alone_goes_on_among_what_came_behind_the_date_it_began_with(world):
    """The last version is the last of what is read, not of what was there before (section 3.4)."""
    world.place(B_SHELF, stix(1, version=NEW), *(stix(n) for n in (2, 3)), stix(1, version=OLD))

    page = world.json("borealis", f"{OBJECTS}?limit=1&added_after={stamp(1)}")
    rest = world.json("borealis", f"{OBJECTS}?next={page['next']}")

    assert [o["id"] for o in rest["objects"]] == [stix(3)[0], stix(1)[0]]


def test_a_date_beside_next_that_is_further_on_is_kept_to(world):
    """Section 3.4: what was added by then is never given."""
    world.place(B_SHELF, *(stix(n) for n in range(6)))

    page = world.json("borealis", f"{OBJECTS}?limit=1")
    rest = world.json("borealis", f"{OBJECTS}?next={page['next']}&added_after={stamp(4)}")

    assert [o["id"] for o in rest["objects"]] == [stix(4)[0], stix(5)[0]]
