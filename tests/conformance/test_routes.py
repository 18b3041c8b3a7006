"""Every route, every verb, any caller, any query: no answer is a fault, and none is not declared.

What is declared is the OpenAPI document that ships. The requests go through the ASGI application, as a server's would.
"""

import asyncio
import itertools
import json
import re
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

import pytest
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mithaq.exchange import asgi, gate
from mithaq.exchange.asgi import app
from mithaq.exchange.openapi import TABLE, document
from mithaq.exchange.routes import ROUTES
from mithaq.exchange.wire import Response
from mithaq.store import shelf as shelves
from tests.rooms.exchange.world import (
    B_SHELF,
    BASE,
    BASE_CHANNEL,
    CLIENT_SHELF,
    TAXII,
    build,
    envelope,
    stix,
)
from tests.values import replace

SHIPPED = Path(__file__).parents[2] / "docs" / "openapi.json"
DECLARED = json.loads(SHIPPED.read_text("utf-8"))
PATHS = DECLARED["paths"]
VERBS = ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "FROB"]
CALLERS = ["nobody", "borealis", "misp", "siem", "wrong"]
ACCEPTS = [
    TAXII,
    "application/taxii+json",
    "*/*",
    "text/html",
    "application/taxii+json;version=2.0",
]
KINDS = [TAXII, "application/json", "application/vnd.mithaq.frames", "", "text/plain;=;"]
REPORT = stix(8, "report", published="2026-01-01T00:00:00.000Z", object_refs=[stix(1)[0]])
SEEN = stix(9, "indicator", pattern="[domain-name:value = 'a.example']", pattern_type="stix",
            valid_from="2026-01-01T00:00:00.000Z")  # fmt: skip
OWN = {"uuid": "22222222-2222-4222-8222-222222222222", "info": "our own", "timestamp": "1"}
STATUS = "11111111-1111-4111-8111-111111111111"
KNOWN = {
    "root": [B_SHELF, CLIENT_SHELF, BASE_CHANNEL],
    "collection": ["intel", "seals", "inbox"],
    "id": [stix(1)[0], STATUS, "x"],
    "version": ["1", "7", "x"],
    "event": [*(f"{REPORT[0].partition('--')[2]}{end}" for end in (".json", "", "x")), OWN["uuid"]],
    "attribute": [SEEN[0].partition("--")[2], "x"],
}
QUERIES = [
    "",
    "added_after=2026-03-01T11:00:00.000001Z",
    "added_after=yesterday",
    "limit=1",
    "limit=0",
    "next=x",
    "match[version]=all",
    "match[type]=tool&match[spec_version]=2.1",
    "match[id]=%00",
    "after=1",
    "after=x",
    "x=y&x=z&=&&;",
]
BODIES = [
    b"",
    envelope(stix(3)),
    b"{}",
    b"\xff",
    b'{"minimal": 1}',
    json.dumps(OWN | {"timestamp": "2"}).encode(),
    json.dumps({"uuid": "33333333-3333-4333-8333-333333333333", "info": "another"}).encode(),
    json.dumps({"uuid": REPORT[0].partition("--")[2]}).encode(),
    json.dumps({"uuid": OWN["uuid"], "tag": "tlp:red"}).encode(),
    json.dumps({"type": "domain", "value": "b.example", "category": "Network activity"}).encode(),
    json.dumps({"value": "a.example", "type": "0"}).encode(),
    b"[]",
    json.dumps({"channel": BASE_CHANNEL, "seq": 1}).encode(),
    b"x" * 70_000,
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = build(tmp_path_factory.mktemp("routes") / "home", spool_bytes=64 << 20)
    for shelf in (B_SHELF, CLIENT_SHELF):
        made.place(shelf, stix(1), stix(2, "malware"), stix(1, version="2026-02-01T00:00:00.000Z"))
        made.place(shelf, REPORT, SEEN)
    made.post_settled(CLIENT_SHELF, stix(1), stix(3))
    made.frame(BASE_CHANNEL, "borealis", 1, b"a document")
    made.frame(B_SHELF, "borealis", 1, stix(1)[3])
    signed = {
        "payload": "e30=",
        "payloadType": "x",
        "signatures": [{"keyid": "k", "sig": "AA=="}],
    }
    with made.shelf.begin() as unit:
        raw = json.dumps(signed).encode()
        shelves.put_document(unit, "keys", raw)
        shelves.put_document(unit, "keys/1", raw)
        shelves.put_heartbeat(unit, "borealis", raw)
        status = {"id": STATUS, "status": "complete"}
        status["request_timestamp"] = "2026-03-01T12:00:00.000000Z"
        status |= {f"{name}_count": 0 for name in ("total", "success", "failure", "pending")}
        shelves.put_status(unit, STATUS, CLIENT_SHELF, json.dumps(status).encode())
    made.tokens["wrong"] = "mq_nobodys"
    made.served = app(made.listener, BASE)
    # A thread for each of twenty thousand requests answers the same, and takes longer than the answer.
    with asyncio.Runner() as made.loop, patch.object(asgi, "run_in_threadpool", at_once):
        assert ask(made, "misp", "POST", "/events/add", json.dumps(OWN).encode()).status == 200
        yield made
    made.shelf.close()
    made.spool.close()


async def at_once(answer, *given):
    return answer(*given)


async def _call(served, request):
    target = request.url.removeprefix(BASE)
    path, _, query = target.partition("?")
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in request.headers.items()]
    if request.body:
        headers.append((b"content-length", str(len(request.body)).encode()))
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": headers,
    }
    sent = []
    messages = iter([{"type": "http.request", "body": request.body, "more_body": False}])

    async def receive():
        return next(messages, {"type": "http.disconnect"})

    async def send(message):
        sent.append(message)

    await served(scope, receive, send)
    return Response(
        status=sent[0]["status"],
        headers={k.decode(): v.decode("latin-1") for k, v in sent[0]["headers"]},
        body=b"".join(m.get("body", b"") for m in sent[1:]),
    )


def ask(world, who, method, target, body=b"", **headers):
    """Send a request as a server would hand it on; time passes, so that nobody asks too much."""
    world.now += timedelta(milliseconds=200)
    try:
        request = world.request(who, method, target, body, **headers)
    except HTTPMessageSignaturesException:  # no address that can be signed: signed for another
        other = world.request(who, method, "/taxii2/", body, **headers)
        request = replace(other, url=BASE + target)
    return world.loop.run(_call(world.served, request))


def resolved(part):
    """Follow a reference within the document."""
    while "$ref" in part:
        found = DECLARED
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


VALIDATORS = {
    name: Draft202012Validator(schema) for name, schema in DECLARED["components"]["schemas"].items()
}


def hold_to(path, method, answer):
    """Hold an answer to what is declared for its route and verb: status, media type, headers, body."""
    operation = PATHS[path].get(method.lower())
    if operation is None:
        declared = resolved({"$ref": "#/components/responses/405"})
        assert answer.status == 405, (path, method, answer.status)
        verbs = [verb.upper() for verb in PATHS[path] if verb != "parameters"]
        assert answer.headers["allow"].split(", ") == verbs
    else:
        assert str(answer.status) in operation["responses"], (path, method, answer.status)
        declared = resolved(operation["responses"][str(answer.status)])
    content = declared["content"][answer.headers["content-type"]]
    for name, header in declared.get("headers", {}).items():
        assert re.search(header["schema"].get("pattern", "."), answer.headers[name])
    if "$ref" in content["schema"] and method != "HEAD":
        name = content["schema"]["$ref"].rpartition("/")[2]
        VALIDATORS[name].validate(json.loads(answer.body))
    assert answer.headers["cache-control"] == "no-store"


def fill(path, values):
    return re.sub(r"\{(\w+)\}", lambda name: quote(values[name[1]], safe=""), path)


def names_of(path):
    return re.findall(r"\{(\w+)\}", path)


def test_the_document_that_ships_is_made_from_the_routes_of_today():
    made = json.loads(json.dumps(document()))

    assert made == DECLARED, "python -m mithaq.exchange.openapi > docs/openapi.json"
    assert set(TABLE) == {(route.path, verb) for route in ROUTES for verb in route.verbs}


def _negotiated(path):
    """Say whether the media type counts: MISP's tools ask for JSON and for nothing else."""
    return path.startswith(("/taxii2/", "/mithaq/", "/export/"))


@pytest.mark.parametrize("path", PATHS)
def test_every_verb_caller_and_media_type_is_answered_as_declared(world, path):
    places = list(itertools.product(*(KNOWN[name] for name in names_of(path))))
    forms = [(place, TAXII) for place in places]
    forms += [(places[0], accept) for accept in ACCEPTS if _negotiated(path)]
    seen = set()
    callers = CALLERS if _negotiated(path) else CALLERS[:3]
    for who, verb, (values, accept) in itertools.product(callers, VERBS, forms):
        target = fill(path, dict(zip(names_of(path), values, strict=True)))

        answer = ask(world, who, verb, target, accept=accept)

        hold_to(path, verb, answer)
        seen.add((verb, answer.status))
        if who in {"nobody", "wrong"} and not path.startswith("/mithaq/keys/"):
            assert answer.status in {401, 405}
    reached = {status for verb, status in seen if verb == "GET"}
    assert "get" not in PATHS[path] or 200 in reached


@pytest.mark.parametrize("path", [p for p in PATHS if "parameters" in PATHS[p].get("get", {})])
def test_every_query_is_answered_as_declared(world, path):
    for who, query in itertools.product(["borealis", "misp"], QUERIES):
        root = B_SHELF if who == "borealis" else CLIENT_SHELF
        for collection, id_ in itertools.product(["intel", "inbox", "seals"], KNOWN["id"][:2]):
            values = {"root": root, "collection": collection, "id": id_}
            hold_to(path, "GET", ask(world, who, "GET", f"{fill(path, values)}?{query}"))


@pytest.mark.parametrize("path", [p for p in PATHS if "post" in PATHS[p]])
def test_every_body_is_answered_as_declared(world, path):
    reached = set()
    kinds = KINDS if _negotiated(path) else KINDS[:1]
    for who, kind, body in itertools.product(CALLERS, kinds, BODIES):
        root = CLIENT_SHELF if who == "misp" else BASE_CHANNEL
        place = {"attribute": KNOWN["attribute"][0], "event": OWN["uuid"]}
        target = fill(path, {"root": root, "collection": "inbox", **place})

        answer = ask(world, who, "POST", target, body, content_type=kind)

        hold_to(path, "POST", answer)
        reached.add(answer.status)
    done = {int(status) for status in PATHS[path]["post"]["responses"] if status < "300"}
    assert reached >= (done | {401} if PATHS[path]["post"]["security"] else done)


odd = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
    st.binary(min_size=1, max_size=8).map(lambda raw: raw.decode("latin-1")),
    st.sampled_from(["..", ".", "%2e", "intel/..", "\x00", "'; --", "*", "ö" * 20]),
)
raws = st.one_of(
    st.sampled_from([query for query in QUERIES if query]),
    st.tuples(
        st.sampled_from(["added_after", "limit", "next", "match[id]", "match[type]", "after", "z"]),
        odd,
    ).map(lambda pair: f"{pair[0]}={quote(pair[1], safe='')}"),
    st.text(st.sampled_from("abc=&;%+[]09-:TZ,"), max_size=40),
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_drawn_request_is_answered_as_declared(world, data):
    path = data.draw(st.sampled_from(sorted(PATHS)), label="path")
    verb = data.draw(st.sampled_from(VERBS[:3] * 3 + VERBS), label="verb")
    who = data.draw(st.sampled_from(CALLERS), label="who")
    values = {
        name: data.draw(st.one_of(st.sampled_from(KNOWN[name]), odd), label=name)
        for name in names_of(path)
    }
    query = "&".join(data.draw(st.lists(raws, max_size=4), label="query"))
    accept = data.draw(st.one_of(st.sampled_from(ACCEPTS), st.text("a/*;=q.,0 ")), label="accept")
    kind = data.draw(st.one_of(st.sampled_from(KINDS), st.text("a/;=+ ")), label="content-type")
    body = data.draw(st.one_of(st.sampled_from(BODIES), st.binary(max_size=60)), label="body")
    target = fill(path, values) + (f"?{query}" if query else "")

    answer = ask(world, who, verb, target, body, accept=accept, content_type=kind)

    assert answer.status < 500
    if answer.status == 404 and not all(value.isprintable() for value in values.values()):
        return  # no name at all: no path of ours, whatever the verb
    hold_to(path, verb, answer)


def test_whoever_waits_in_vain_is_told_as_declared(world, monkeypatch):
    """The answers that come of too much, and of a shelf that is decided anew."""
    world.open_shelf(B_SHELF, "borealis", state="blocked")
    path = "/taxii2/{root}/collections/{collection}/objects/"
    target = fill(path, {"root": B_SHELF, "collection": "intel"})
    blocked = ask(world, "borealis", "GET", target)
    world.open_shelf(B_SHELF, "borealis")
    monkeypatch.setitem(gate._RATES, "node", (1.0, 5.0))
    burst = [
        asyncio.run(_call(world.served, world.request("borealis", "GET", target))) for _ in range(9)
    ]

    assert blocked.status == 503
    assert 429 in {answer.status for answer in burst}
    for answer in (blocked, *burst):
        hold_to(path, "GET", answer)
