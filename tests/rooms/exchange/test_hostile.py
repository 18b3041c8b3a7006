"""Whatever is sent, by anybody: no answer is a fault, every error is a TAXII message, and others read on."""

import json
import string
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mithaq.exchange.wire import Request
from tests.rooms.exchange.world import B_SHELF, BASE, CLIENT_SHELF, TAXII, build, stix

PARAMETERS = (
    "added_after",
    "limit",
    "next",
    "match[id]",
    "match[type]",
    "match[version]",
    "match[spec_version]",
    "after",
)
SHELVES = {"borealis": B_SHELF, "misp": CLIENT_SHELF}
READ = ("collections/{}/objects/", "collections/{}/manifest/", "collections/{}/objects/{}/")
ROUTES = [
    *(
        (who, "GET", f"/taxii2/{shelf}/" + end.format(alias, stix(1)[0]))
        for who, shelf in SHELVES.items()
        for alias in ("intel", "seals", "inbox")
        for end in (*READ, READ[2] + "versions/")
    ),
    *(
        (who, method, f"/taxii2/{shelf}/{end}")
        for who, shelf in SHELVES.items()
        for method, end in (
            ("GET", ""),
            ("GET", "collections/"),
            ("GET", "status/00000000-0000-4000-8000-000000000001/"),
            ("POST", "collections/inbox/objects/"),
            ("DELETE", f"collections/inbox/objects/{stix(1)[0]}/"),
            ("GET", "frames/"),
            ("POST", "frames/"),
        )
    ),
    ("borealis", "GET", "/mithaq/heartbeat/"),
    ("borealis", "POST", "/mithaq/heartbeat/"),
    ("borealis", "POST", "/mithaq/nudge/"),
    ("nobody", "GET", "/mithaq/keys/"),
]
quoted = st.text(max_size=30).map(
    lambda text: "".join(f"%{b:02x}" for b in text.encode("utf-8", "replace"))
)
odd = st.one_of(
    quoted,
    st.text(string.printable.replace("#", ""), max_size=30),
    st.sampled_from(
        ["2026-01-01T00:00:00Z", "all", "last", "1", "0", "%00", "%ff", "tool", "9" * 30, ",", "*"]
    ),
)
queries = st.lists(st.tuples(st.sampled_from(PARAMETERS), odd), max_size=4).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
headers = st.dictionaries(
    st.sampled_from(
        [
            "accept",
            "content-type",
            "authorization",
            "signature",
            "signature-input",
            "content-digest",
            "content-length",
        ]
    ),
    st.one_of(
        st.text(max_size=60),
        st.sampled_from([TAXII, "mithaq=()", 'mithaq=("@method");keyid="x"', "a=:AA==:", "a, b;c"]),
    ),
    max_size=4,
)
bodies = st.one_of(
    st.just(b""),
    st.binary(max_size=60),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=10)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.sampled_from(["objects", "type", "id", "channel", "seq"]), inner),
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    world = build(tmp_path_factory.mktemp("hostile") / "home")
    for shelf in (B_SHELF, CLIENT_SHELF):
        world.place(shelf, stix(1), stix(2))
    world.post_settled(CLIENT_SHELF, stix(1))
    return world


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    route=st.one_of(
        st.sampled_from(ROUTES),
        st.sampled_from(ROUTES),
        st.tuples(
            st.sampled_from(["borealis", "misp", "nobody"]),
            st.sampled_from(["GET", "POST", "DELETE", "HEAD"]),
            st.one_of(odd, odd.map(lambda p: f"/taxii2/{B_SHELF}/collections/intel/{p}")),
        ),
    ),
    query=queries,
    given_headers=st.one_of(st.just({}), st.just({}), headers),
    body=bodies,
)
def test_no_request_is_answered_with_a_fault(fuzzed, route, query, given_headers, body):
    world = fuzzed
    who, method, path = route[0], route[1], "/" + route[2].lstrip("/")
    if method != "POST":
        body = b""
    request = world.request("nobody", method, path, body)
    base = f"{BASE}{path}?{query}"
    fields = {**request.headers, **given_headers}
    if who == "misp":
        fields = {**world.request("misp", method, path).headers, **fields}
    elif who == "borealis":
        try:
            signed = world.request("borealis", method, f"{path}?{query}", body)
        except Exception:  # noqa: BLE001 not a URL that can be signed at all
            return
        base, fields = signed.url, {**signed.headers, **given_headers}
    world.now += timedelta(seconds=1)

    answer = world.listener.answer(Request(method=method, url=base, headers=fields, body=body))

    assert answer.status < 500
    if answer.status >= 400:
        message = json.loads(answer.body)
        assert message["http_status"] == str(answer.status)
        assert message["title"]
        assert answer.headers["content-type"] == TAXII
    head = Request(method=method, url=base, headers=fields)
    looked = world.listener.look(head, len(body))
    assert getattr(looked, "status", 0) < 500


def test_others_read_on_after_all_that(fuzzed):
    fuzzed.now += timedelta(minutes=1)

    found = fuzzed.json("borealis", f"/taxii2/{B_SHELF}/collections/intel/objects/")

    assert len(found["objects"]) == 2
