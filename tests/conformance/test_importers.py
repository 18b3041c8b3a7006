"""How the field's importers read: their sequences of requests, against a collection that grows meanwhile.

Each importer is played here by what it is known to send, page by page; its state is what it keeps between two requests.
Whatever it does, it gets everything, in order, and within one pass nothing twice.
"""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest

from tests.rooms.exchange.world import CLIENT_SHELF, build, stix

OBJECTS = f"/taxii2/{CLIENT_SHELF}/collections/intel/objects/"
VERSIONS = [f"2026-0{month}-01T00:00:00.000Z" for month in range(1, 6)]


@dataclass
class Importer(ABC):
    """An importer and what it has got; ``pass_`` is what it got since it last began anew."""

    world: object
    limit: int = 4
    got: list = field(default_factory=list)
    pass_: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    added_after: str | None = None
    cursor: str | None = None

    def ask(self, **query):
        query = {name: value for name, value in query.items() if value is not None}
        target = f"{OBJECTS}?{urlencode(query)}" if query else OBJECTS
        answer = self.world.get("misp", target)
        assert answer.status == 200, (query, answer.body)
        page = json.loads(answer.body)
        found = [(o["id"], o["modified"]) for o in page.get("objects", [])]
        self.got += found
        self.pass_ += found
        self.answers.append(answer)
        return page, found, answer.headers["x-taxii-date-added-last"]

    @abstractmethod
    def turn(self):
        """Send one request; return whether this pass goes on."""

    def read(self):
        """Read until there is nothing more."""
        self.pass_ = []
        while self.turn():
            pass


class OpenCti(Importer):
    """OpenCTI's feed ingester: one request a run, `next` beside the date it began with, kept to the millisecond."""

    def turn(self):
        page, found, last = self.ask(
            next=self.cursor, added_after=self.added_after, limit=self.limit
        )
        if found and page.get("more") and page.get("next"):
            self.cursor = page["next"]
            return True
        self.cursor = None
        if found:
            self.added_after = f"{last[:-4]}Z"  # a JavaScript date
        return False


class OpenCtiMoving(Importer):
    """OpenCTI before that was mended: the date of each page beside its `next` (its issue 5681)."""

    def turn(self):
        page, found, last = self.ask(next=self.cursor, added_after=self.added_after)
        self.cursor = page.get("next")
        if found:
            self.added_after = last
        return bool(page.get("more"))


class OpenCtiByDate(Importer):
    """OpenCTI before it knew `next`: by date alone (its issue 4537)."""

    def turn(self):
        page, found, last = self.ask(added_after=self.added_after)
        if found:
            self.added_after = last
        return bool(page.get("more"))


class Connector(Importer):
    """OpenCTI's Python connector: by the manifest's last date (its issue 1298), page by page."""

    def turn(self):
        page, found, _ = self.ask(added_after=self.added_after, limit=self.limit)
        if found:
            query = urlencode({"match[id]": found[-1][0], "match[version]": "all"})
            manifest = self.world.get("misp", f"{OBJECTS[: -len('objects/')]}manifest/?{query}")
            dated = {r["version"]: r["date_added"] for r in json.loads(manifest.body)["objects"]}
            self.added_after = dated[found[-1][1]]
        return bool(page.get("more"))


class Misp(Importer):
    """MISP's import module: taxii2-client's pages, filtered to STIX 2.1, everything anew each time."""

    def turn(self):
        query = {"match[spec_version]": "2.1", "limit": self.limit, "next": self.cursor}
        page, _, _ = self.ask(**query)
        self.cursor = page.get("next")
        return bool(page.get("more"))


class Elastic(Importer):
    """Elastic's integration: the date on the first request of a pass and `next` alone on the others."""

    def turn(self):
        query = {"next": self.cursor} if self.cursor else {"added_after": self.added_after}
        page, found, last = self.ask(limit=self.limit, **query)
        self.cursor = page.get("next")
        if found:
            self.added_after = last
        return bool(page.get("more"))


EVERY = [OpenCti, OpenCtiMoving, OpenCtiByDate, Connector, Misp, Elastic]


@pytest.fixture
def small(tmp_path):
    world = build(tmp_path / "home", page_limit=5)
    yield world
    world.shelf.close()
    world.spool.close()


@pytest.mark.parametrize("kind", EVERY)
def test_an_importer_gets_everything_once_and_in_order(small, kind):
    placed = [stix(number) for number in range(23)]
    small.place(CLIENT_SHELF, *placed)
    importer = kind(small)

    importer.read()

    assert importer.got == [(id_, version) for id_, _, version, _ in placed]
    assert len(importer.answers) > 4


@pytest.mark.parametrize("kind", EVERY)
def test_an_importer_misses_nothing_of_what_is_added_between_its_requests(small, kind):
    """New objects and new versions of old ones, at every page; all share one instant but for microseconds."""
    small.place(CLIENT_SHELF, *(stix(number) for number in range(11)))
    importer = kind(small)
    number = 100
    importer.pass_ = []
    for step in range(12):
        small.place(CLIENT_SHELF, stix(number), stix(step, version=VERSIONS[1 + step % 4]))
        number += 1
        if not importer.turn():
            importer.pass_ = []
    importer.read()
    importer.read()

    assert len(set(importer.pass_)) == len(importer.pass_)
    with small.shelf.read() as unit:
        rows = unit.exec_driver_sql("SELECT id, version FROM shelf_rows ORDER BY version")
        newest = {row.id: row.version for row in rows}
    assert set(newest.items()) <= set(importer.got)


@pytest.mark.parametrize("kind", EVERY)
def test_what_is_taken_back_between_two_requests_costs_its_neighbours_nothing(small, kind):
    placed = [stix(number) for number in range(15)]
    small.place(CLIENT_SHELF, *placed)
    importer = kind(small)

    importer.turn()
    for id_, _, version, _ in (placed[2], placed[6], placed[7]):
        small.remove(CLIENT_SHELF, id_, version)
    while importer.turn():
        pass

    left = [(o[0], o[2]) for index, o in enumerate(placed) if index not in {2, 6, 7}]
    assert [each for each in importer.got if each in left] == left


@pytest.mark.parametrize("kind", EVERY)
def test_an_importer_whose_answer_is_lost_asks_again_and_gets_the_same(small, kind):
    small.place(CLIENT_SHELF, *(stix(number) for number in range(17)))
    importer = kind(small)

    goes_on = True
    while goes_on:
        kept = (importer.added_after, importer.cursor, list(importer.got))
        importer.turn()
        lost = importer.answers[-1]
        importer.added_after, importer.cursor, importer.got = kept
        goes_on = importer.turn()
        again = importer.answers[-1]
        assert (again.body, again.headers) == (lost.body, lost.headers)

    assert importer.got == [(stix(number)[0], VERSIONS[0]) for number in range(17)]


def test_a_date_cut_to_milliseconds_repeats_at_most_what_shares_that_millisecond(small):
    small.place(CLIENT_SHELF, *(stix(number) for number in range(9)))
    importer = OpenCti(small)
    importer.read()

    importer.read()

    assert importer.pass_ == importer.got[:9]  # all of them were placed in one millisecond
    assert importer.added_after.endswith(".000Z")


@pytest.mark.parametrize("kind", [OpenCti, OpenCtiMoving, OpenCtiByDate, Connector, Elastic])
def test_an_importer_that_comes_back_is_given_what_is_new(small, kind):
    small.place(CLIENT_SHELF, *(stix(number) for number in range(9)))
    importer = kind(small)
    importer.read()

    small.place(CLIENT_SHELF, stix(50), stix(51))
    importer.read()

    assert importer.pass_[-2:] == [(stix(n)[0], VERSIONS[0]) for n in (50, 51)]
    assert len(importer.pass_) == (11 if kind is OpenCti else 2)


def test_a_post_whose_answer_is_lost_may_be_sent_again(small):
    """Each sending has a status of its own; the worker takes the same bytes twice without harm."""
    inbox = f"/taxii2/{CLIENT_SHELF}/collections/inbox/objects/"
    body = b'{"objects":[' + stix(1)[3] + b"]}"

    statuses = [json.loads(small.ask("misp", "POST", inbox, body).body) for _ in range(2)]

    assert statuses[0]["id"] != statuses[1]["id"]
    assert [arrival.raw for arrival in small.arrivals()] == [body, body]
