"""Our listener on a real server, driven by the peers' own clients: taxii2-client and stix2."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import msgspec
import pytest
import requests
import stix2
from stix2.datastore.taxii import TAXIICollectionSink, TAXIICollectionSource
from taxii2client.exceptions import AccessError
from taxii2client.v21 import ApiRoot, Collection, Server, Status, as_pages

from mithaq import clock
from mithaq.exchange.transport import HttpWire, sign
from mithaq.exchange.wire import Request
from mithaq.store import shelf as shelves
from tests.rooms.exchange.world import B_SHELF, BASE_CHANNEL, CLIENT_SHELF, TAXII, build, stix

ROOT = Path(__file__).parents[2]
OLD, NEW = "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"
COUNT = 57


class Served:
    """A world whose listener runs in a process of its own, and how clients reach it."""

    def __init__(self, world, url):
        self.world = world
        self.url = url
        self.login = {"user": "misp", "password": world.tokens["misp"]}

    def collection(self, alias):
        (root,) = Server(self.url + "/taxii2/", **self.login).api_roots
        return next(each for each in root.collections if each.alias == alias)

    def send(self, who, method, path, body=b""):
        """Send as a node does, by our own wire."""
        request = Request(method=method, url=self.url + path, headers={"accept": TAXII}, body=body)
        wire = HttpWire()
        try:
            return wire.send(sign(request, self.world.signers[who], clock.now()), 64 << 20)
        finally:
            wire.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    world = build(tmp_path_factory.mktemp("served") / "home", page_limit=10)
    world.place(CLIENT_SHELF, *(stix(n) for n in range(1, COUNT)), stix(1, version=NEW))
    world.place(B_SHELF, stix(1))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = msgspec.structs.replace(world.settings, url=url)
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--http", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--no-ws"]
    command += ["mithaq.exchange.asgi:app_from_environment"]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "MITHAQ_LISTENER": msgspec.json.encode(settings).decode(),
    }
    log = (tmp_path_factory.mktemp("log") / "log").open("w+")
    process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        _wait(process, url, log)
        yield Served(world, url)
    finally:
        process.terminate()
        process.wait(20)
        log.close()
        world.shelf.close()
        world.spool.close()


def _wait(process, url, log):
    until = clock.monotonic() + 30
    while clock.monotonic() < until and process.poll() is None:
        try:
            if httpx2.get(url + "/mithaq/keys/", trust_env=False).status_code == 404:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    log.seek(0)
    pytest.fail(f"the listener did not start: {log.read()}")


def test_taxii2_client_finds_its_root_and_collections(served):
    server = Server(served.url + "/taxii2/", **served.login)
    (root,) = server.api_roots

    assert server.default.url == root.url
    assert root.versions == [TAXII]
    assert root.max_content_length == served.world.settings.max_frame_bytes
    by_alias = {each.alias: each for each in root.collections}
    assert {alias: (c.can_read, c.can_write) for alias, c in by_alias.items()} == {
        "intel": (True, False),
        "seals": (True, False),
        "inbox": (True, True),
    }
    alone = Collection(by_alias["intel"].url, **served.login)
    assert alone.id == by_alias["intel"].id


def test_taxii2_client_pages_through_everything_in_order(served):
    pages = list(as_pages(served.collection("intel").get_objects, per_request=7))
    manifests = list(as_pages(served.collection("intel").get_manifest, per_request=50))

    ids = [each["id"] for page in pages for each in page["objects"]]
    assert ids == [stix(n)[0] for n in (*range(2, COUNT), 1)]
    assert {len(page["objects"]) for page in pages[:-1]} == {7}
    assert [r["id"] for page in manifests for r in page["objects"]] == ids


def test_taxii2_client_reads_a_collection_that_grows_under_it_whole_once_and_in_order(served):
    """As MISP's import module does: pages of the official client, filtered to STIX 2.1."""
    wanted = {"spec_version": "2.1", "version": "all"}
    before = [
        (o["id"], o["modified"])
        for page in as_pages(served.collection("intel").get_objects, per_request=9, **wanted)
        for o in page["objects"]
    ]

    got, number = [], 1000
    for page in as_pages(served.collection("intel").get_objects, per_request=9, **wanted):
        got += [(o["id"], o["modified"]) for o in page["objects"]]
        if number < 1012:
            served.world.place(CLIENT_SHELF, stix(number), stix(number + 1))
            number += 2

    added = [(stix(n)[0], OLD) for n in range(1000, number)]
    assert got == before + added
    for id_, version in added:
        served.world.remove(CLIENT_SHELF, id_, version)


def test_taxii2_client_asks_by_every_filter(served):
    intel = served.collection("intel")
    id_ = stix(1)[0]

    assert intel.get_object(id_)["objects"][0]["modified"] == NEW
    assert len(intel.get_object(id_, version="all")["objects"]) == 2
    assert intel.object_versions(id_)["versions"] == [OLD, NEW]
    assert "objects" not in intel.get_objects(type="malware")
    assert len(intel.get_objects(id=[stix(3)[0], stix(4)[0]])["objects"]) == 2
    with pytest.raises(requests.HTTPError, match="404"):
        intel.get_object(stix(999)[0])
    with pytest.raises(requests.HTTPError, match="400"):
        intel.get_objects(added_after="yesterday")


def test_stix2_reads_the_collection_as_a_source(served):
    source = TAXIICollectionSource(served.collection("intel"), items_per_page=10)

    tools = source.query([stix2.Filter("type", "=", "tool")])

    assert len(tools) == COUNT - 1
    assert str(source.get(stix(1)[0]).modified).startswith("2026-02-01")
    assert len(source.all_versions(stix(1)[0])) == 2


def settle(world, post):
    """Do as the worker: show the status of a post as complete."""
    settled = {
        "id": post.facts["status"],
        "status": "complete",
        "total_count": 1,
        "success_count": 1,
        "failure_count": 0,
        "pending_count": 0,
    }
    with world.shelf.begin() as unit:
        raw = msgspec.json.encode(settled)
        shelves.put_status(unit, post.facts["status"], CLIENT_SHELF, raw)


def test_a_post_is_pending_until_it_is_settled(served):
    sent = {"objects": [json.loads(stix(1)[3])]}

    status = served.collection("inbox").add_objects(sent, wait_for_completion=False)

    assert (status.status, status.total_count, status.pending_count) == ("pending", 1, 1)
    root = ApiRoot(f"{served.url}/taxii2/{CLIENT_SHELF}/", **served.login)
    assert root.get_status(status.id).status == "pending"
    settle(served.world, served.world.arrivals()[-1])
    assert Status(f"{root.url}status/{status.id}/", **served.login).status == "complete"


def test_stix2_writes_to_the_inbox_and_waits_until_it_is_settled(served):
    pattern = "[ipv4-addr:value = '192.0.2.1']"
    sent = stix2.v21.Indicator(name="From a client", pattern=pattern, pattern_type="stix")
    sink = TAXIICollectionSink(served.collection("inbox"))
    before = len(served.world.arrivals())
    adding = threading.Thread(target=sink.add, args=(sent,))

    adding.start()
    until = clock.monotonic() + 30
    while len(served.world.arrivals()) == before and clock.monotonic() < until:
        time.sleep(0.02)
    post = served.world.arrivals()[-1]
    settle(served.world, post)
    adding.join(30)

    assert not adding.is_alive()
    assert (post.peer, post.kind) == ("misp", "post")
    assert json.loads(post.raw)["objects"][0]["id"] == sent.id


def test_taxii2_client_withdraws_what_it_wrote(served):
    served.world.post_settled(CLIENT_SHELF, stix(7))
    inbox = served.collection("inbox")
    assert inbox.get_object(stix(7)[0])["objects"]

    inbox.delete_object(stix(7)[0])

    with pytest.raises(requests.HTTPError, match="404"):
        inbox.get_object(stix(7)[0])
    with pytest.raises(AccessError):
        served.collection("intel").delete_object(stix(1)[0])


def test_a_node_signs_what_it_reads_and_brings(served):
    """The target it signs is the address it calls, query and all."""
    path = f"/taxii2/{B_SHELF}/collections/intel/objects/?match%5Btype%5D=tool&limit=5"

    read = served.send("borealis", "GET", path)
    pushed = served.send("borealis", "POST", f"/taxii2/{BASE_CHANNEL}/frames/", b"frame" * 1000)

    assert read.body == b'{"objects":[' + stix(1)[3] + b"]}"
    assert pushed.status == 202
    assert served.world.arrivals()[-1].raw == b"frame" * 1000
    assert served.send("borealis", "GET", "/taxii2/" + "f" * 32 + "/").status == 404


def test_a_stranger_cannot_make_us_read_a_body(served):
    """Refused by the head: the body is never asked for, so it need not be sent."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 10) as line:
        head = f"POST /taxii2/{BASE_CHANNEL}/frames/ HTTP/1.1\r\nHost: {host}\r\n"
        line.sendall(head.encode() + b"Content-Length: 8000000\r\n\r\n")
        assert line.recv(12) == b"HTTP/1.1 401"


def test_a_body_without_a_stated_length_is_cut_off_at_its_limit(served):
    def endless():
        while True:
            yield b"x" * 65536

    answer = httpx2.post(
        f"{served.url}/taxii2/{CLIENT_SHELF}/collections/inbox/objects/",
        content=endless(),
        headers={"content-type": TAXII, "accept": TAXII},
        auth=("misp", served.world.tokens["misp"]),
        trust_env=False,
    )

    assert answer.status_code == 413
    assert json.loads(answer.content)["http_status"] == "413"


def test_many_ask_at_once_and_all_are_answered(served):
    url = f"{served.url}/taxii2/{CLIENT_SHELF}/collections/inbox/manifest/"
    auth = (served.login["user"], served.login["password"])
    statuses = []

    def ask():
        with httpx2.Client(auth=auth, trust_env=False) as client:
            statuses.extend(client.get(url).status_code for _ in range(25))

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert statuses == [200] * 300


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "TRACE"])
def test_other_methods_are_refused_by_the_server_too(served, method):
    answer = httpx2.request(method, served.url + "/taxii2/", trust_env=False)

    assert answer.status_code == 405
