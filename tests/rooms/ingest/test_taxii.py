"""TAXII servers as feeds: medallion, a node of ours, and 2.0 answers as servers give them."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from mithaq.exchange.wire import Request
from mithaq.ingest.rules import basic_of
from tests.conformance import servers

PATH = "/api/collections/c1/objects/"
MEDALLIONS = "root"  # the API root of medallion, as its settings name it


def through(wire, origin):
    """Return a page that hands every request to a wire."""

    def page(handler):
        headers = {k.lower(): v for k, v in handler.headers.items() if k.lower() != "host"}
        answer = wire.send(
            Request(method="GET", url=f"{origin}{handler.path}", headers=headers), 1 << 24
        )
        kept = {
            k: v for k, v in answer.headers.items() if k not in {"content-length", "connection"}
        }
        return answer.status, kept, answer.body

    return page


def test_medallion_is_read_page_by_page_and_then_says_nothing_new(web, desk, monkeypatch):
    monkeypatch.setattr("mithaq.ingest.taxii.LIMIT", 5)
    web.pages["*"] = through(servers.medallion_wire(), "http://peer.example")
    login = basic_of(*servers.MEDALLION_LOGIN)
    desk.add(f"{web.url}/{MEDALLIONS}/", via="taxii", tlp="", credential=login, secret=True)

    health = desk.run()

    assert (health.outcome, health.taken, health.parts) == ("taken", 12, 3), health
    assert desk.run().outcome == "same"


def test_a_node_of_ours_is_read_like_any_server(web, desk, tmp_path):
    ours = servers.ours(tmp_path / "nations")
    web.pages["*"] = through(ours.federation.wire.of("examiner"), ours.url)
    login = basic_of("misp", ours.token)
    collections = servers_collections(ours)
    desk.add(f"{web.url}{collections}", via="taxii", tlp="", credential=login, secret=True)

    health = desk.run()
    assert (health.outcome, health.refused) == ("taken", 0), health
    assert health.taken >= 10
    before = len(desk.copies())
    ours.release(servers.tool(77))
    assert desk.run().taken == 1
    assert len(desk.copies()) == before + 1


def servers_collections(ours):
    """Return the path of the client's collection of intelligence."""
    wire = ours.federation.wire.of("examiner")
    asked = {
        "accept": "application/taxii+json;version=2.1",
        "authorization": servers.basic("misp", ours.token),
    }

    def ask(path):
        url = path if path.startswith("http") else ours.url + path
        return json.loads(wire.send(Request(method="GET", url=url, headers=asked), 1 << 20).body)

    root = urlsplit(ask("/taxii2/")["api_roots"][0]).path
    held = ask(f"{root}collections/")["collections"]
    intel = [each for each in held if each["can_read"]]
    return f"{root}collections/{intel[0]['id']}/"


def pages21(web, *pages, last="2026-01-01T00:00:00.000000Z"):
    """Serve pages by ``next``."""

    def page(handler):
        asked = parse_qs(urlsplit(handler.path).query)
        number = int(asked.get("next", ["0"])[0])
        body = {"objects": pages[number], "more": number + 1 < len(pages)}
        if body["more"]:
            body["next"] = str(number + 1)
        return 200, {"X-TAXII-Date-Added-Last": last}, json.dumps(body).encode()

    web.pages[PATH] = page


def test_a_run_that_breaks_off_begins_again_where_nothing_is_lost(web, desk):
    pages21(web, [servers.tool(1)], [servers.tool(2)], [servers.tool(3)])
    good = web.pages[PATH]
    web.pages[PATH] = lambda handler: (500, {}, b"") if "next=2" in handler.path else good(handler)
    desk.add(f"{web.url}/api/collections/c1/", via="taxii", tlp="")

    assert desk.run().outcome == "failed"
    assert len(desk.copies()) == 2
    web.pages[PATH] = good
    assert desk.run().taken == 1
    web.asked.clear()
    desk.run()
    assert "added_after=2026-01-01" in web.asked[0][0]


@pytest.mark.parametrize(
    "last", ["9999-12-31T23:59:59Z", "2026-03-03T00:00:00Z", "2026-99-99T00:00:00Z"]
)
def test_an_instant_that_is_yet_to_come_is_not_noted(web, desk, last):
    """Else a server that lies once, or whose clock is wrong, is asked for nothing that it ever has."""
    pages21(web, [servers.tool(1)], last=last)
    desk.add(f"{web.url}/api/collections/c1/", via="taxii", tlp="")
    desk.run()
    pages21(web, [servers.tool(2)])

    assert desk.run().taken == 1
    assert "added_after" not in web.asked[-1][0]


def test_a_collection_that_never_held_anything_raises_an_alarm(web, desk):
    web.page(PATH, b"{}")
    desk.add(f"{web.url}/api/collections/c1/", via="taxii", tlp="")

    assert desk.run().outcome == "empty"
    assert desk.alarms() == [("feed", "abuse", "no-entries")]


def test_pages_in_circles_end(web, desk):
    def page(_handler):
        body = {"objects": [servers.tool(1)], "more": True, "next": "1"}
        return 200, {}, json.dumps(body).encode()

    web.pages[PATH] = page
    desk.add(f"{web.url}/api/collections/c1/", via="taxii", tlp="")

    assert desk.run().code == "pages"
    assert len(web.asked) == 2


def test_a_server_that_pages_by_added_after_alone_is_read_to_its_end(web, desk):
    def page(handler):
        after = parse_qs(urlsplit(handler.path).query).get("added_after", ["2026-01-01T00:00:00Z"])
        number = int(after[0][8:10])
        last = f"2026-01-{number + 1:02d}T00:00:00Z"
        body = {"objects": [servers.tool(number)], "more": number < 4}
        return 200, {"X-TAXII-Date-Added-Last": last}, json.dumps(body).encode()

    web.pages[PATH] = page
    desk.add(f"{web.url}/api/collections/c1/", via="taxii", tlp="")

    assert desk.run().taken == 4


def test_several_collections_are_named_and_a_root_elsewhere_is_not_asked(web, desk):
    roots = {"title": "x", "api_roots": [f"{web.url}/api/", "http://169.254.169.254/x/"]}
    web.page("/taxii2/", json.dumps(roots).encode())
    held = [{"id": name, "can_read": name != "c3"} for name in ("c1", "c2", "c3")]
    web.page("/api/collections/", json.dumps({"collections": held}).encode())
    desk.add(f"{web.url}/taxii2/", via="taxii", tlp="")

    health = desk.run()

    assert health.code == "collection"
    assert "/api/collections/c1, " in health.why
    assert "c3" not in health.why


OLD = [
    {
        "type": "indicator",
        "id": f"indicator--00000000-0000-4000-8000-00000000000{number}",
        "created": "2018-01-01T00:00:00.000Z",
        "modified": "2018-01-01T00:00:00.000Z",
        "labels": ["malicious-activity"],
        "pattern": f"[ipv4-addr:value = '203.0.113.{number}']",
        "valid_from": "2018-01-01T00:00:00Z",
    }
    for number in range(5)
]


def pages20(web, *, bundle=True):
    """Answer as servers of TAXII 2.0 do: 206 and Content-Range, a bundle of STIX 2.0."""

    def page(handler):
        if "added_after" in handler.path:
            return 416, {}, b"{}"
        assert handler.headers["accept"].startswith("application/vnd.oasis.stix+json")
        start = int(handler.headers["range"].removeprefix("items ").partition("-")[0])
        some = OLD[start : start + 2]
        told = {
            "Content-Range": f"items {start}-{start + len(some) - 1}/{len(OLD)}",
            "X-TAXII-Date-Added-Last": "2018-02-01T00:00:00.000Z",
        }
        body = {"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000001"}
        body |= {"spec_version": "2.0"}
        said = {**(body if bundle else {}), "objects": some}
        return 206, told, json.dumps(said).encode()

    web.pages[PATH] = page


@pytest.mark.parametrize("bundle", [True, False])
def test_a_server_of_taxii_2_0_is_read_range_by_range_and_lifted(web, desk, bundle):
    pages20(web, bundle=bundle)
    desk.add(f"{web.url}/api/collections/c1/", via="taxii-2.0", tlp="GREEN")

    health = desk.run()

    assert (health.outcome, health.taken, health.parts) == ("taken", 5, 3), health
    assert all(b'"spec_version":"2.1"' in copy.object.raw for copy in desk.copies())
    assert desk.run().outcome == "same"


def test_a_server_that_gives_another_range_is_not_followed(web, desk):
    told = {"Content_Range": "items 7-9/20"}
    body = json.dumps({"objects": OLD[:1]}).encode()
    web.page(PATH, body, status=206, **told)
    desk.add(f"{web.url}/api/collections/c1/", via="taxii-2.0", tlp="GREEN")

    assert desk.run().code == "pages"
