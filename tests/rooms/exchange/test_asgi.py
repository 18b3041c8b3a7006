"""The listener on ASGI: bodies are read late, in bounds and in time; a fault says nothing."""

import asyncio
import json

import msgspec
import pytest
from starlette.testclient import TestClient

from mithaq.exchange import asgi
from mithaq.exchange.asgi import BODIES_AT_ONCE, NoSettings, app, app_from_environment
from mithaq.exchange.listener import Listener
from tests.rooms.exchange.world import B_SHELF, BASE, BASE_CHANNEL, CLIENT_SHELF, envelope, stix

FRAMES = f"/taxii2/{BASE_CHANNEL}/frames/"


class Line:
    """One request on a line on which the body comes when the test says so."""

    def __init__(self, served, request, *, length=None):
        path, _, query = request.url.removeprefix(BASE).partition("?")
        headers = [(k.encode(), v.encode()) for k, v in request.headers.items()]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
        }
        self.served = served
        self.chunks = asyncio.Queue()
        self.asked = asyncio.Event()
        self.sent = []

    async def receive(self):
        self.asked.set()
        return await self.chunks.get()

    async def send(self, message):
        self.sent.append(message)

    def say(self, body=b"", *, more=False):
        self.chunks.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def hang_up(self):
        self.chunks.put_nowait({"type": "http.disconnect"})

    async def run(self):
        await self.served(self.scope, self.receive, self.send)
        return self

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def headers(self):
        return dict(self.sent[0]["headers"])


@pytest.fixture
def served(world):
    return app(world.listener, BASE)


def test_a_body_is_asked_for_only_once_its_sender_is_known(world, served):
    async def scene():
        stranger = Line(served, world.request("nobody", "POST", FRAMES), length=5)
        await stranger.run()
        assert stranger.status == 401
        assert not stranger.asked.is_set()
        long = Line(served, world.request("borealis", "POST", FRAMES), length=1 << 30)
        await long.run()
        assert (long.status, long.headers[b"connection"]) == (413, b"close")
        assert not long.asked.is_set()

    asyncio.run(scene())


def test_a_body_is_read_in_pieces_and_answered_whole(world, served):
    async def scene():
        request = world.request("borealis", "POST", FRAMES, b"frame")
        line = Line(served, request, length=5)
        line.say(b"fra", more=True)
        line.say(b"me")
        await line.run()
        assert line.status == 202

    asyncio.run(scene())
    assert [each.raw for each in world.arrivals()] == [b"frame"]


def test_a_body_longer_than_stated_is_cut_off(world, served):
    async def scene():
        request = world.request("borealis", "POST", "/mithaq/nudge/", b"x" * 5000)
        line = Line(served, request, length=10)
        line.say(b"x" * 5000, more=True)
        await line.run()
        assert line.status == 413

    asyncio.run(scene())


def test_a_body_that_does_not_come_is_not_waited_for(world, served, monkeypatch):
    monkeypatch.setattr(asgi, "BODY_SECONDS", 0.05)

    async def scene():
        line = Line(served, world.request("borealis", "POST", FRAMES, b"frame"), length=5)
        line.say(b"fr", more=True)
        await line.run()
        assert line.status == 408

    asyncio.run(scene())
    assert world.arrivals() == []


def test_a_caller_that_hangs_up_leaves_nothing(world, served):
    async def scene():
        line = Line(served, world.request("borealis", "POST", FRAMES, b"frame"), length=5)
        line.say(b"fr", more=True)
        line.hang_up()
        await line.run()
        assert line.sent == []

    asyncio.run(scene())
    assert world.arrivals() == []


def test_one_caller_may_send_so_many_bodies_at_once_and_another_its_own(world, served):
    async def scene():
        slow = [
            Line(served, world.request("borealis", "POST", FRAMES, b"frame"), length=5)
            for _ in range(BODIES_AT_ONCE)
        ]
        running = [asyncio.create_task(line.run()) for line in slow]
        for line in slow:
            await asyncio.wait_for(line.asked.wait(), 10)

        more = Line(served, world.request("borealis", "POST", FRAMES, b"frame"), length=5)
        more.say(b"frame")
        other = Line(served, world.request("cyrene", "POST", FRAMES, b"frame"), length=5)
        other.say(b"frame")
        assert (await more.run()).status == 503
        assert (await other.run()).status == 202

        for line in slow:
            line.say(b"frame")
        assert [(await task).status for task in running] == [202] * BODIES_AT_ONCE
        again = Line(served, world.request("borealis", "POST", FRAMES, b"frame"), length=5)
        again.say(b"frame")
        assert (await again.run()).status == 202

    asyncio.run(scene())


def test_a_fault_of_ours_says_nothing_of_itself(world, served, monkeypatch):
    def breaks(_self, _request):
        raise RuntimeError("secret")

    monkeypatch.setattr(Listener, "answer", breaks)
    answer = TestClient(served, base_url=BASE).get("/taxii2/")

    assert answer.status_code == 500
    assert answer.json() == {"title": "Server error", "http_status": "500"}


def test_a_node_below_a_path_is_reached_with_or_without_it(world):
    """A proxy in front may take the path away or leave it; peers sign the address they call."""
    base = BASE + "/node"
    settings = msgspec.structs.replace(world.settings, url=base)
    listener = Listener(settings, world.shelf, world.spool, lambda: world.now)
    client = TestClient(app(listener, base), base_url=BASE)
    login = ("misp", world.tokens["misp"])

    kept, stripped = (client.get(f"{path}/taxii2/", auth=login) for path in ("/node", ""))

    assert kept.json() == stripped.json()
    assert kept.json()["api_roots"] == [f"/node/taxii2/{CLIENT_SHELF}/"]
    assert client.get(kept.json()["default"], auth=login).status_code == 200


def test_settings_come_from_the_environment_and_stores_are_closed_at_the_end(world, monkeypatch):
    monkeypatch.setenv("MITHAQ_LISTENER", msgspec.json.encode(world.settings).decode())
    login = ("misp", world.tokens["misp"])

    with TestClient(app_from_environment(), base_url=BASE) as client:
        root = f"/taxii2/{CLIENT_SHELF}/"
        assert client.get("/taxii2/", auth=login).json()["default"] == root
        posted = client.post(
            root + "collections/inbox/objects/",
            content=envelope(stix(1)),
            headers={"content-type": "application/taxii+json;version=2.1"},
            auth=login,
        )
        assert posted.status_code == 202

    assert len(world.arrivals()) == 1


@pytest.mark.parametrize("written", [None, "", "{}", '{"url":"x","more":1}', "["])
def test_without_its_settings_it_does_not_start(monkeypatch, written):
    monkeypatch.delenv("MITHAQ_LISTENER", raising=False)
    if written is not None:
        monkeypatch.setenv("MITHAQ_LISTENER", written)

    with pytest.raises(NoSettings, match="MITHAQ_LISTENER"):
        app_from_environment()


def test_every_answer_may_not_be_kept(world, served):
    client = TestClient(served, base_url=BASE)

    for path in ("/taxii2/", f"/taxii2/{B_SHELF}/", "/mithaq/keys/", "/x"):
        answer = client.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert json.loads(answer.content)["http_status"] == str(answer.status_code)
