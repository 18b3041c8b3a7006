"""Two nodes in MISP's way over HTTP on loopback: one serves as a sync server, the other pulls and pushes as a MISP."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mithaq import ingest, intel
from mithaq.border import peers
from mithaq.exchange.wire import Request
from mithaq.formats import BUILT_IN
from mithaq.ingest.rules import Secret, Terms
from mithaq.intel import Source
from mithaq.intel.finding import visible
from mithaq.node.worker import Worker
from mithaq.store import inbound, objects
from tests.bench.common import client_of
from tests.bench.imports import ANA
from tests.federation.world import Federation

AT = 1_767_225_600
ORGC = {"uuid": "55f6ea5e-2c60-40e5-964f-47a8950d210f", "name": "CIRCL"}


def uuid(number):
    return f"00000000-0000-4000-8000-{number:012d}"


def attribute(number, value, **more):
    told = {"type": "domain", "category": "Network activity", "to_ids": True, "distribution": "5"}
    return {"uuid": uuid(number), "value": value, "timestamp": str(AT), **told, **more}


def event(number, *attributes, at=AT, **more):
    told = {"info": f"Event {number}", "date": "2026-01-01", "published": True, "distribution": "3"}
    told |= {"Orgc": ORGC, "Tag": [{"name": "tlp:clear"}], "timestamp": str(at)}
    return {"Event": {"uuid": uuid(number), "Attribute": list(attributes), **told, **more}}


@contextmanager
def http(listener, url):
    """Serve a listener over HTTP on loopback; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(
                method=self.command, url=url + self.path, headers=headers, body=body
            )  # fmt: skip
            answer = listener.answer(request)
            self.send_response(answer.status)
            for name, value in {**answer.headers, "content-length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer()

        def do_HEAD(self):
            self.answer()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class Pair:
    """A serving node with a client, and a node that is this client."""

    def __init__(self, folder):
        self.federation = Federation(folder)
        self.serving = self.federation.nation("aurelia", "QM")
        self.other = self.federation.nation("borealis", "QN")
        self.headers = client_of(self.serving)
        self.federation.listen("aurelia")
        self.worker = Worker(self.serving)

    def release(self, *events):
        raw = json.dumps({"response": events}).encode()
        source = Source(name="file:events", kind="file")
        incoming = intel.Incoming(raw=raw, source=source, format="misp")
        node = self.serving
        added = intel.add(
            node.core, node.us, ANA, incoming, self.federation.clock(), formats=BUILT_IN
        )
        self.federation.release("aurelia", "misp", added.stored)
        self.federation.clock.step(5)
        self.worker.show()

    def held(self, node):
        with node.core.read() as unit:
            rows = unit.exec_driver_sql("SELECT id, version FROM copies")
            return {(row[0], row[1]) for row in rows}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    made = Pair(tmp_path_factory.mktemp("misp"))
    listener = made.federation.wire.listeners["aurelia.example"]
    with http(listener, made.serving.us.url.rstrip("/")) as url:
        made.url = url
        terms = Terms(name="aurelia", url=url, via="misp-server", secret=True, local=True)
        secret = Secret(header="authorization", value=made.headers["authorization"])
        with made.other.core.begin() as unit:
            ingest.add(unit, made.other.config.home, terms, secret, made.federation.clock())
        yield made
    made.federation.close()


def test_a_node_pulls_from_another_as_a_misp_does_and_asks_for_what_is_new_alone(pair):
    some = [event(n, attribute(100 + n, f"n{n}.example")) for n in range(1, 4)]
    pair.release(*some)

    first = pair.other.collector.run("aurelia").health
    again = pair.other.collector.run("aurelia").health
    newer = attribute(101, "n1.example", timestamp=str(AT + 60), comment="seen again")
    pair.release(event(1, newer, at=AT + 60))
    third = pair.other.collector.run("aurelia").health

    assert (first.parts, first.refused, first.outcome) == (3, 0, "taken")
    assert (again.outcome, again.status) == ("same", 304)
    assert (third.parts, third.refused) == (1, 0)
    ours, theirs = pair.held(pair.serving), pair.held(pair.other)
    kept = {row for row in ours if row[0].startswith(("indicator", "report"))}
    assert kept <= theirs


def test_a_part_that_is_released_later_makes_its_event_new(pair):
    late = attribute(150, "late.example", timestamp=str(AT - 500))
    pair.release(event(5, attribute(151, "soon.example")))
    pair.other.collector.run("aurelia")

    pair.release(event(5, attribute(151, "soon.example"), late))
    read = pair.other.collector.run("aurelia").health

    assert read.parts == 1
    assert any(row[0].endswith(uuid(150)) for row in pair.held(pair.other))


@pytest.fixture(scope="module")
def pushed(pair):
    """Let the second node have a client that is the first, and push to it what it is released."""
    node, clock = pair.other, pair.federation.clock
    client_of(node, "there")
    terms = Terms(name="out", url=pair.url, via="misp-push", to="there", secret=True, local=True)
    secret = Secret(header="authorization", value=pair.headers["authorization"])
    with node.core.begin() as unit:
        ingest.add(unit, node.config.home, terms, secret, clock())

    def release(*events):
        raw = json.dumps({"response": events}).encode()
        incoming = intel.Incoming(
            raw=raw, source=Source(name="file:ours", kind="file"), format="misp"
        )
        added = intel.add(node.core, node.us, ANA, incoming, clock(), formats=BUILT_IN)
        pair.federation.release("borealis", "there", added.stored)
        clock.step(5)
        Worker(node).show()

    return release


def posts(pair):
    with pair.serving.spool.read() as unit:
        rows = unit.exec_driver_sql("SELECT raw FROM arrivals WHERE kind = 'post' ORDER BY seq")
        return [json.loads(row[0]) for row in rows]


def test_what_stands_on_a_clients_shelf_is_pushed_to_it_once_and_taken_as_any_post(pair, pushed):
    sighting = {"uuid": uuid(990), "type": "0", "date_sighting": str(AT + 5), "source": "probe"}
    seen = attribute(901, "pushed.example", Sighting=[sighting])
    pushed(event(90, seen, Tag=[{"name": "tlp:clear"}, {"name": "phishing"}]))
    hidden = event(91, attribute(902, "withheld.example"), Tag=[{"name": "tlp:red"}])
    pushed(hidden)

    trial = pair.other.collector.trial("out")
    first = pair.other.collector.run("out").health
    brought = posts(pair)
    again = pair.other.collector.run("out").health

    assert (trial.parts, first.parts, first.taken, first.refused) == (1, 1, 1, 0)
    assert [each["Event"]["uuid"] for each in brought if "Event" in each] == [uuid(90)]
    assert brought[0]["Event"]["distribution"] == "1"
    assert again.outcome == "same"
    assert len(posts(pair)) == len(brought)
    assert "withheld" not in json.dumps(brought)
    pair.worker.settle()
    with pair.serving.core.read() as unit:
        rows = objects.load(unit, objects.given_by(visible(pair.serving.us, ANA), ["client:misp"]))
        ids = {copy.object.id for copy in rows}
    assert {f"indicator--{uuid(901)}", f"report--{uuid(90)}", f"sighting--{uuid(990)}"} <= ids


def test_who_was_pushed_something_is_known_to_have_it(pair, pushed):
    pushed(event(93, attribute(931, "noted.example")))
    pair.other.collector.run("out")

    with pair.other.core.read() as unit:
        rows = unit.exec_driver_sql("SELECT id FROM rows WHERE peer = 'there' AND fetched_at != ''")
        assert f"indicator--{uuid(931)}" in {row[0] for row in rows}


def test_a_newer_version_is_pushed_as_an_edit_and_what_is_refused_is_said_and_holds_up_nothing(
    pair, pushed
):
    pushed(event(92, attribute(921, "older.example")))
    pair.other.collector.run("out")
    pair.worker.settle()
    pair.worker.show()
    newer = attribute(922, "newer.example", timestamp=str(AT + 90))
    pushed(event(92, attribute(921, "older.example"), newer, at=AT + 90))

    edited = pair.other.collector.run("out").health
    news = posts(pair)

    assert (edited.taken, edited.refused) == (1, 0)
    assert sorted(a["value"] for a in news[-1]["Event"]["Attribute"]) == [
        "newer.example",
        "older.example",
    ]


def test_nothing_is_pushed_once_the_grant_has_ended(pair, pushed):
    pushed(event(95, attribute(951, "late.example")))
    before = len(posts(pair))
    with pair.other.shelf.begin() as unit:
        unit.exec_driver_sql("UPDATE shelves SET state = 'blocked' WHERE peer = 'there'")

    failed = pair.other.collector.run("out").health
    with pair.other.shelf.begin() as unit:
        unit.exec_driver_sql("UPDATE shelves SET state = 'open' WHERE peer = 'there'")

    assert (failed.outcome, failed.code) == ("failed", "blocked")
    assert len(posts(pair)) == before


def test_an_event_that_claims_our_own_organisation_is_set_aside_and_its_sender_reads_nothing_of_it(
    pair,
):
    with pair.serving.core.read() as unit:
        document = peers.document_of(unit, "aurelia")
    ours = document.identities[0].partition("--")[2]
    forged = event(97, attribute(971, "forged.example"), Orgc={"uuid": ours, "name": "x"})
    honest = event(98, attribute(981, "honest.example"))

    def ask(method, path, body=b""):
        url = pair.serving.us.url.rstrip("/") + path
        request = Request(method=method, url=url, headers=pair.headers, body=body)
        return pair.federation.wire.listeners["aurelia.example"].answer(request)

    answers = [ask("POST", "/events/add", json.dumps(each).encode()) for each in (forged, honest)]
    pair.worker.settle()
    pair.worker.show()
    again = [ask("GET", f"/events/view/{uuid(n)}") for n in (97, 98)]

    assert [each.status for each in (*answers, *again)] == [200] * 4
    with pair.serving.core.read() as unit:
        aside = {q.id: q.code for q in inbound.in_quarantine(unit)}
    assert aside[f"indicator--{uuid(971)}"] == "ownership"
    assert f"indicator--{uuid(981)}" not in aside
