"""A feed is read at its pace, taken in under its source's terms, and says how it does."""

import ipaddress
import json
import ssl
import stat

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from mithaq import ingest, intel
from mithaq.audit import subjects
from mithaq.clock import text
from mithaq.errors import Conflict
from mithaq.ingest.feeds import NoFeed
from mithaq.ingest.fetching import Fetcher, NotFetched, Way
from mithaq.ingest.rules import BadFeed, basic_of, shown
from mithaq.store import feeds as store
from mithaq.store.sources import all_sources
from tests.rooms.exchange.certificates import Made
from tests.web import serving

LIST = b"# bad\n203.0.113.7\n203.0.113.8\nevil.example\n"


def test_a_list_is_taken_in_under_the_feeds_name_marking_and_reliability(web, desk):
    web.page("/list.txt", LIST)
    desk.add(f"{web.url}/list.txt", reliability="B")

    health = desk.run()

    assert (health.outcome, health.taken, health.refused, health.status) == ("taken", 3, 0, 200)
    assert {(c.voucher, c.author) for c in desk.copies()} == {("feed:abuse", "feed:abuse")}
    assert {intel.marking(c) for c in desk.copies()} == {"TLP:GREEN"}
    [source] = desk.rows("SELECT kind, default_tlp, reliability FROM sources")
    assert source == ("feed", "GREEN", "B")


def test_what_bears_a_marking_keeps_it_and_what_bears_none_is_never_clear(web, desk):
    body = {
        "type": "tool",
        "spec_version": "2.1",
        "id": "tool--00000000-0000-4000-8000-000000000001",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "unmarked",
    }
    bundle = {
        "type": "bundle",
        "id": "bundle--00000000-0000-4000-8000-000000000001",
        "objects": [body],
    }
    web.page("/b.json", json.dumps(bundle).encode())
    desk.add(f"{web.url}/b.json", tlp="", format="stix")

    assert desk.run().taken == 1

    assert [intel.marking(copy) for copy in desk.copies()] == [""]


def test_an_unchanged_document_is_not_sent_again(web, desk):
    def page(handler):
        if handler.headers.get("If-None-Match") == '"one"':
            return 304, {"ETag": '"one"'}, b""
        return 200, {"ETag": '"one"', "Last-Modified": "Sun, 01 Mar 2026 00:00:00 GMT"}, LIST

    web.pages["/list.txt"] = page
    desk.add(f"{web.url}/list.txt")
    desk.run()

    health = desk.run()

    assert (health.outcome, health.status, health.taken, health.best) == ("same", 304, 3, 3)
    assert web.asked[1][1]["if-modified-since"] == "Sun, 01 Mar 2026 00:00:00 GMT"
    assert desk.alarms() == []
    assert desk.run(again=True).known == 3


def test_a_server_without_etags_that_says_the_same_is_not_read_again(web, desk):
    web.page("/list.txt", LIST)
    desk.add(f"{web.url}/list.txt")
    desk.run()

    assert desk.run().outcome == "same"

    web.page("/list.txt", LIST + b"worse.example\n")
    health = desk.run()
    assert (health.outcome, health.taken, health.known) == ("taken", 1, 3)


def test_what_was_not_taken_is_counted_with_the_first_place_and_why(web, desk):
    web.page("/list.csv", b"ip,domain\n203.0.113.7,\n203.0.113.999,\n198.51.100.999,\n")
    desk.add(f"{web.url}/list.csv", kind="ipv4")

    health = desk.run()

    assert health.refused >= 2
    assert sum(each.count for each in health.reasons) == health.refused
    assert all(each.where.startswith("line ") and each.why for each in health.reasons)


def test_a_feed_that_gives_nothing_any_more_raises_one_alarm_that_ends_when_it_gives_again(
    web, desk
):
    web.page("/list.txt", LIST)
    desk.add(f"{web.url}/list.txt")
    desk.run()
    web.page("/list.txt", b"# moved to https://elsewhere.example\n")

    for _ in range(3):
        health = desk.run()

    assert health.outcome == "empty"
    [alarm] = desk.alarms()
    assert alarm[:2] == ("feed", "abuse")
    web.page("/list.txt", LIST + b"worse.example\n")
    desk.run()
    assert desk.alarms() == []


def test_a_feed_all_of_which_is_refused_raises_an_alarm(web, desk):
    web.page("/b.json", b'{"type": "bundle"}')
    desk.add(f"{web.url}/b.json", format="stix")

    assert desk.run().outcome == "empty"
    assert desk.alarms() == [("feed", "abuse", "all-refused")]


def test_a_feed_that_does_not_answer_is_tried_sooner_and_raises_an_alarm_after_two_intervals(
    web, desk
):
    web.page("/list.txt", b"", status=500)
    desk.add(f"{web.url}/list.txt", every=3600)

    health = desk.run()

    assert (health.outcome, health.code, health.status, health.failures) == (
        "failed",
        "status",
        500,
        1,
    )
    assert desk.feed().due_at < "2026-03-01T12:06"
    for _ in range(3):
        desk.later(minutes=30)
        desk.run()
    assert desk.alarms() == []
    desk.later(minutes=60)
    desk.run()
    assert desk.alarms() == [("feed", "abuse", "no-answer")]
    web.page("/list.txt", LIST)
    assert desk.run().failures == 0
    assert desk.alarms() == []


def test_a_server_that_asks_to_be_left_alone_is(web, desk):
    web.page("/list.txt", b"", status=429, Retry_After="7200")
    desk.add(f"{web.url}/list.txt", every=300)

    desk.run()

    assert desk.feed().due_at >= "2026-03-01T14:00"


def test_only_what_is_due_is_read_and_what_is_paused_is_not(web, desk):
    web.page("/list.txt", LIST)
    desk.add(f"{web.url}/list.txt", every=3600)

    assert desk.collector.turn()
    assert not desk.collector.turn()
    desk.later(minutes=67)
    assert desk.collector.turn()
    with desk.core.begin() as unit:
        ingest.pause(unit, "abuse", desk.now, by="omar")
    desk.later(days=1)
    assert not desk.collector.turn()
    with desk.core.begin() as unit:
        ingest.resume(unit, "abuse", desk.now, by="omar")
    assert desk.collector.turn()


def test_intervals_are_spread_by_a_tenth(web, desk):
    web.page("/list.txt", LIST)
    desk.add(f"{web.url}/list.txt", every=36000)
    dues = set()
    for _ in range(12):
        desk.run()
        dues.add(desk.feed().due_at[11:16])
    assert all("21:00" <= each <= "23:00" for each in dues)


def test_a_trial_stores_and_notes_nothing(web, desk):
    web.page("/list.txt", LIST, ETag='"one"')
    desk.add(f"{web.url}/list.txt")

    health = desk.collector.trial("abuse")

    assert (health.outcome, health.taken) == ("taken", 3)
    assert desk.rows("SELECT count(*) FROM copies") == [(0,)]
    assert desk.feed().health.outcome == "never"
    assert desk.run().taken == 3


def test_a_credential_is_sent_kept_apart_and_forgotten_with_its_feed(web, desk):
    web.page("/list.txt", LIST)
    secret = basic_of("us", "hush-hush")
    desk.add(f"{web.url}/list.txt", credential=secret, secret=True)
    file = desk.home / "core" / "feeds" / "abuse"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    desk.run()

    assert web.asked[-1][1]["authorization"].startswith("Basic ")
    for table in ("feeds", "journal", "leaves", "alarms"):
        assert "hush" not in str(desk.rows(f"SELECT * FROM {table}"))
    with desk.core.begin() as unit:
        ingest.remove(unit, desk.home, "abuse", desk.now, by="omar")
    assert not file.exists()
    assert desk.rows("SELECT count(*) FROM copies") == [(3,)]


def test_a_key_in_an_address_is_sent_and_stands_in_no_log_alarm_journal_or_representation(
    web, desk, caplog
):
    word, key = "hushhush", "0123456789abcdef01hush"
    web.page(f"/{key}/list.txt", b"")
    feed = desk.add(f"{web.url}/{key}/list.txt?days=7&key={word}&{word}")
    with desk.core.begin() as unit:
        terms = msgspec.structs.replace(feed.terms, url=f"{feed.terms.url}{word}", every=7200)
        ingest.revise(unit, desk.home, terms, None, desk.now)

    assert desk.run().outcome == "empty"

    assert web.asked[-1][0].endswith(f"&key={word}&{word}{word}")
    assert desk.alarms()
    for table in ("journal", "leaves", "alarms", "subjects"):
        assert "hush" not in str(desk.rows(f"SELECT * FROM {table}"))
    assert "hush" not in repr(desk.feed()) + caplog.text
    assert desk.feed().terms.shown.url == f"{web.url}/…/list.txt?days=…&key=…&…"


def test_an_address_is_shown_as_it_is_where_it_holds_no_key():
    for url in (
        "https://a.example/taxii2/api/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/",
        "https://a.example/misp/osint-feed_of-everybody.csv",
        "file:/srv/feeds/0123456789abcdef0123456789",
    ):
        assert shown(url) == url


def test_a_credential_that_is_lost_is_said_and_nothing_is_sent(web, desk):
    web.page("/list.txt", LIST)
    desk.add(f"{web.url}/list.txt")
    terms = json.loads(desk.rows("SELECT terms FROM feeds")[0][0]) | {"secret": True}
    with desk.core.begin() as unit:
        store.remove(unit, "abuse")
        row = store.FeedRow(name="abuse", due_at="", terms=json.dumps(terms))
        store.put_feed(unit, row)

    assert (desk.run().code, web.asked) == ("secret", [])


def test_a_folder_is_read_file_by_file_and_only_what_changed(tmp_path, desk):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.txt").write_bytes(LIST)
    (inbox / ".hidden").write_bytes(b"hidden.example\n")
    (tmp_path / "secret.txt").write_bytes(b"secret.example\n")
    (inbox / "link.txt").symlink_to(tmp_path / "secret.txt")
    desk.add(f"file:{inbox}", via="folder")

    health = desk.run()

    assert (health.taken, health.refused) == (3, 1)
    assert "secret" not in str([copy.object.raw for copy in desk.copies()])
    (inbox / "b.txt").write_bytes(b"worse.example\n")
    health = desk.run()
    assert (health.taken, health.known) == (1, 0)


def test_a_single_file_of_this_machine_may_be_a_feed(tmp_path, desk):
    (tmp_path / "a.txt").write_bytes(LIST)
    desk.add(f"file:{tmp_path}/a.txt", via="folder")

    assert desk.run().taken == 3
    assert desk.run().outcome == "same"
    (tmp_path / "a.txt").unlink()
    assert desk.run().code == "no-answer"


def test_a_name_is_given_once_and_unknown_ones_are_said(web, desk):
    desk.add(f"{web.url}/x")
    with pytest.raises(Conflict):
        desk.add(f"{web.url}/y")
    with pytest.raises(NoFeed):
        desk.feed("other")


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ({"name": "No Name"}, "name"),
        ({"via": "ftp"}, "via"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "file:/etc/passwd"}, "url"),
        ({"url": "file:///etc/passwd", "via": "folder"}, "url"),
        ({"url": "https://u:p@feeds.example/x"}, "url"),
        ({"url": "https://feeds.example/x#y"}, "url"),
        ({"url": "https://[::1/x"}, "url"),
        ({"url": "http://feeds.example/x", "local": False}, "plain"),
        ({"every": 1}, "every"),
        ({"reliability": "G"}, "reliability"),
        ({"tlp": ""}, "tlp"),
        ({"tlp": "", "format": "list"}, "tlp"),
    ],
)
def test_terms_that_cannot_be_followed_are_refused(desk, more, cause):
    with pytest.raises(BadFeed) as refused:
        desk.add(**{"url": "https://feeds.example/x", **more})
    assert refused.value.facts["cause"] == cause


# --- other terms -------------------------------------------------------------------------------------
def revised(desk, credential=None, **more):
    terms = msgspec.structs.replace(desk.feed().terms, by="olga", **more)
    with desk.core.begin() as unit:
        return ingest.revise(unit, desk.home, terms, credential, desk.now)


def test_other_terms_hold_from_the_next_reading_on_and_what_was_given_keeps_its_marking(web, desk):
    web.page("/list.txt", b"one.example\n")
    desk.add(f"{web.url}/list.txt")
    desk.run()
    web.page("/list.txt", b"one.example\ntwo.example\n")

    feed = revised(desk, tlp="AMBER", reliability="C", every=600)
    assert (feed.due_at, feed.terms.by) == (text(desk.now), "olga")
    desk.later(minutes=1)
    desk.run()

    told = {copy.object.body["pattern"]: str(copy.beside.tlp) for copy in desk.copies()}
    forms = "[domain-name:value = '{}.example']".format
    assert told == {forms("one"): "GREEN", forms("two"): "AMBER"}
    with desk.core.read() as unit:
        assert all_sources(unit)["feed:abuse"].reliability == "C"
        [*_, last] = [r for _, r in subjects.find(unit, "abuse") if r["kind"] == "feed-revised"]
    assert (last["by"], last["tlp"], last["every"]) == ("olga", "GREEN → AMBER", "3600 → 600")


def test_of_another_address_nothing_is_known_yet(web, desk):
    web.page("/a.txt", b"one.example\n", ETag='"1"')
    web.page("/b.txt", b"two.example\n", ETag='"1"')
    desk.add(f"{web.url}/a.txt")
    desk.run()

    revised(desk, url=f"{web.url}/b.txt")
    assert desk.run().outcome == "taken"

    assert "if-none-match" not in web.asked[-1][1]


def test_a_credential_goes_to_no_other_host_than_it_was_given_for(web, desk):
    web.page("*", b"one.example\n")
    desk.add(f"{web.url}/a.txt", credential=basic_of("u", "p"), secret=True)

    with pytest.raises(BadFeed) as refused:
        revised(desk, url="https://other.example/a.txt")
    assert refused.value.facts["cause"] == "secret"
    revised(desk, url=f"{web.url}/b.txt")
    desk.run()
    assert web.asked[-1][1]["authorization"] == basic_of("u", "p").value
    revised(desk, basic_of("u", "other"))
    desk.run()
    assert web.asked[-1][1]["authorization"] == basic_of("u", "other").value
    revised(desk, secret=False)
    desk.run()
    assert "authorization" not in web.asked[-1][1]
    assert list((desk.home / "core/feeds").iterdir()) == []
    with pytest.raises(BadFeed):
        revised(desk, secret=True)


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ({"ca": "no certificate"}, "ca"),
        ({"proxy": "socks5://127.0.0.1:1080"}, "proxy"),
        ({"proxy": "http://u:p@proxy.example:3128"}, "proxy"),
        ({"proxy": "http://proxy.example"}, "proxy"),
        ({"proxy": "http://proxy.example:port"}, "proxy"),
        ({"url": "file:/srv/inbox", "via": "folder", "proxy": "http://p.example:1"}, "way"),
    ],
)
def test_a_way_that_is_none_is_refused(desk, more, cause):
    with pytest.raises(BadFeed) as refused:
        desk.add(more.pop("url", "https://feeds.example/a"), **more)

    assert refused.value.facts["cause"] == cause


def test_a_feed_is_read_through_its_proxy_which_alone_meets_names(web, desk):
    """The proxy is a server of ours; it is asked for the whole address (RFC 9112 section 3.2.2)."""
    web.page("*", b"one.example\n")
    desk.add("http://feeds.nowhere.example/list.txt", proxy=web.url)

    assert desk.run().outcome == "taken"

    assert [path for path, _ in web.asked] == ["http://feeds.nowhere.example/list.txt"]


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "localhost", "[::1]", "a.localhost"])
def test_through_a_proxy_too_what_names_our_own_networks_must_be_meant(web, host):
    way = Way(proxy=web.url)
    with (
        Fetcher(f"https://{host}/", local=False, way=way) as fetcher,
        pytest.raises(NotFetched) as refused,
    ):
        fetcher.get(f"https://{host}/")

    assert refused.value.facts["cause"] == "local"
    assert web.asked == []


def test_an_authority_of_its_own_alone_vouches_for_a_feeds_server(tmp_path, desk):
    """By default the system's authorities count, of which none knows this server; with ``--ca`` this one alone."""
    ours = Made(tmp_path, "authority", authority=True)
    stranger = Made(tmp_path, "stranger", authority=True)
    host = Made(tmp_path, "host", issuer=ours)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    before = host.certificate
    builder = x509.CertificateBuilder(
        before.issuer,
        before.subject,
        before.public_key(),
        before.serial_number,
        before.not_valid_before_utc,
        before.not_valid_after_utc,
    ).add_extension(address, critical=False)
    host.files[0].write_bytes(
        builder.sign(ours.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(*host.files)
    with serving(secure) as web:
        web.page("*", b"one.example\n")
        url = web.url.replace("http:", "https:")
        desk.add(f"{url}/list.txt")
        for pem, outcome in (("", "failed"), (stranger.chain, "failed"), (ours.chain, "taken")):
            revised(desk, ca=pem.decode() if pem else "")
            health = desk.run()
            assert (health.outcome, health.code) == (
                outcome,
                "certificate" if outcome == "failed" else "",
            )
