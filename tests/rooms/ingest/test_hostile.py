"""What a hostile server does costs a feed one reading, and the node nothing (threat model: feeds)."""

import gzip
import time
import zlib
from dataclasses import replace

import httpcore2
import pytest

from mithaq.ingest import collecting, fetching
from mithaq.ingest.fetching import Bounds, Fetcher, NotFetched, public
from mithaq.ingest.rules import BadFeed, basic_of, header_of

SMALL = Bounds(most_bytes=100_000, seconds=0.3, whole_seconds=1.0)


def fetch(web, path="/", *, url="", local=True, secret=None):
    with Fetcher(web.url, local=local, secret=secret, bounds=SMALL) as fetcher:
        return fetcher.get(url or f"{web.url}{path}")


def cause(*args, **more):
    with pytest.raises(NotFetched) as refused:
        fetch(*args, **more)
    return refused.value.facts["cause"]


def test_a_body_that_says_it_is_too_long_is_not_read(web):
    web.page("/", b"x" * 200_000)

    assert cause(web) == "too-long"


def test_a_body_without_an_end_is_cut_at_the_limit(web):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        while True:
            handler.wfile.write(b"x" * 10_000)

    web.pages["/"] = endless

    assert cause(web) == "too-long"


def test_a_bomb_is_not_unpacked(web):
    packed = gzip.compress(b"\0" * (64 << 20))
    web.page("/", packed, Content_Encoding="gzip")
    began = time.process_time()

    assert cause(web) == "too-long"
    assert time.process_time() - began < 1


def test_what_is_packed_well_is_unpacked_and_what_is_not_is_refused(web):
    web.page("/", gzip.compress(b"fine"), Content_Encoding="gzip")
    assert fetch(web).body == b"fine"

    web.page("/", gzip.compress(b"fine" * 1000)[:-12], Content_Encoding="gzip")
    assert cause(web) == "cut-off"
    web.page("/", b"no gzip at all", Content_Encoding="gzip")
    assert cause(web) == "encoding"
    web.page("/", zlib.compress(b"x"), Content_Encoding="br")
    assert cause(web) == "encoding"


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_server_that_gives_a_byte_now_and_then_ends_in_time(web, part):
    def loris(handler):
        if part == "body":
            handler.send_response(200)
            handler.end_headers()
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
        handler.close_connection = True
        for _ in range(100):
            handler.wfile.write(b"a")
            handler.wfile.flush()
            time.sleep(0.1)
        return 200, {}, None

    web.pages["/"] = loris
    began = time.monotonic()

    assert cause(web) == "too-slow"
    assert time.monotonic() - began < 5


def test_a_server_that_says_nothing_ends_in_time(web):
    def silent(_handler):
        time.sleep(1)
        return 200, {}, None

    web.pages["/"] = silent

    assert cause(web) == "too-slow"


def test_a_truncated_body_is_refused(web):
    def short(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True
        return 200, {}, None

    web.pages["/"] = short

    assert cause(web) == "cut-off"


def test_what_is_no_http_is_refused(web):
    def noise(handler):
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
        handler.close_connection = True
        return 200, {}, None

    web.pages["/"] = noise

    assert cause(web) == "cut-off"


def test_redirects_are_followed_a_few_times_and_never_in_circles(web):
    web.page("/a", status=302, Location="/b")
    web.page("/b", b"here")
    assert fetch(web, "/a").body == b"here"

    web.page("/b", status=307, Location="/a")
    assert cause(web, "/a") == "redirects"
    assert len(web.asked) < 10


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("", "redirects"),
        ("file:///etc/passwd", "redirects"),
        ("gopher://x.example/", "redirects"),
        ("http://[bad/", "redirects"),
        ("http://127.0.0.1:99999/", "redirects"),
        ("http://127.0.0.1:x/", "redirects"),
        ("http://127.0.0.1:0/", "redirects"),
        ("http://169.254.169.254/latest/meta-data/", "hosts"),
    ],
)
def test_a_redirect_leads_nowhere_else(web, where, why):
    web.page("/", status=302, **({"Location": where} if where else {}))

    assert cause(web) == why


def test_a_redirect_in_whatever_letters_is_followed(web):
    web.page("/", status=302, Location="/\xe9 ")
    web.page("/%E9", b"here")

    assert fetch(web).body == b"here"


def test_a_redirect_from_https_to_http_is_refused():
    with Fetcher("https://a.example", local=False) as fetcher, pytest.raises(NotFetched) as refused:
        fetcher._onward("https://a.example/x", "http://a.example/x")
    assert refused.value.facts["cause"] == "plain"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "0x7f.1"])
def test_an_address_of_our_own_networks_is_refused_unless_it_is_meant(web, host):
    port = web.url.rpartition(":")[2]

    assert cause(web, url=f"http://{host}:{port}/", local=False) in {"local", "no-answer"}
    assert web.asked == []


def test_a_name_is_met_at_the_very_address_that_was_looked_at(web, monkeypatch):
    asked = []

    def turning(host, port, **_):
        asked.append(host)
        address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
        return [(2, 1, 6, "", (address, port))]

    met = []

    class Backend(httpcore2.SyncBackend):
        def connect_tcp(self, host, *_args, **_more):
            met.append(host)
            raise httpcore2.ConnectError("nobody")

    monkeypatch.setattr(fetching.socket, "getaddrinfo", turning)
    monkeypatch.setattr(fetching.httpcore2, "SyncBackend", Backend)

    assert cause(web, url="http://rebinding.example/", local=False) == "no-answer"
    assert (asked, met) == (["rebinding.example"], ["93.184.215.14"])


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "0.0.0.0",  # noqa: S104
        "100.64.0.1", "224.0.0.1", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1",
        "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::1", "fec0::1", "5f00::1", "3fff::1",
        "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_internet_at_large(address):
    assert not public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e"]
)
def test_addresses_that_are(address):
    assert public(address)


def test_a_credential_goes_to_no_other_host(web):
    web.page("/", b"x")
    with Fetcher("https://feeds.example", local=True, secret=basic_of("u", "p")) as fetcher:
        fetcher.get(web.url)

    assert "authorization" not in web.asked[-1][1]


@pytest.mark.parametrize(
    ("name", "value"), [("x key", "v"), ("host", "v"), ("x-key", "a\r\nb: c"), ("x-key", "")]
)
def test_a_credential_cannot_add_headers(name, value):
    with pytest.raises(BadFeed):
        header_of(name, value)


def test_a_user_with_a_colon_is_no_user():
    with pytest.raises(BadFeed):
        basic_of("a:b", "p")
    assert "hush" not in repr(basic_of("u", "hush"))


def test_nobody_there_is_said(web):
    assert cause(web, url="http://127.0.0.1:1/") == "no-answer"
    assert cause(web, url="http://nobody.invalid/") == "no-answer"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"http://evil.example/", "text/html; charset=utf-8"),
        (b"\n<!DOCTYPE html><a href='http://evil.example/'>", "text/plain"),
    ],
)
def test_a_page_for_people_is_no_feed(web, desk, body, kind):
    web.page("/list.txt", body, Content_Type=kind)
    desk.add(f"{web.url}/list.txt")

    health = desk.run()

    assert (health.outcome, health.code) == ("failed", "page")
    assert desk.copies() == []


def test_whatever_breaks_our_reader_is_on_record_as_a_failure_of_its_feed(web, desk, monkeypatch):
    web.page("/list.txt", b"evil.example\n")
    desk.add(f"{web.url}/list.txt")
    monkeypatch.setattr(collecting.intel, "add", lambda *_, **__: 1 / 0)

    health = desk.run()

    assert (health.outcome, health.code, health.failures) == ("failed", "fault", 1)


@pytest.mark.parametrize("bounds", [{"run_seconds": -1.0}, {"run_bytes": 10}])
def test_one_feed_holds_up_the_others_for_so_long_and_no_longer(web, desk, bounds):
    web.page("/", b"evil.example\n")
    desk.collector = replace(desk.collector, bounds=replace(SMALL, **bounds))
    desk.add(f"{web.url}/")

    assert desk.run().code == "run"
    assert desk.copies() == []


def test_a_server_that_says_nothing_is_new_to_whoever_has_nothing_is_not_believed(web, desk):
    web.page("/list.txt", status=304)
    desk.add(f"{web.url}/list.txt")

    assert (desk.run().outcome, desk.run().failures) == ("failed", 2)
