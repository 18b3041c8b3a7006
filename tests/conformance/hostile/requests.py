"""Requests to the peers' listener, over ASGI as a server hands them on: paths, heads, filters, bodies, tokens.

``what`` is a dict: method, path (raw bytes), query, headers (pairs, added to honest ones or, with None, taken away),
body (bytes, or a list of pieces), who. The verdict is the status; for a post that was taken, also what the worker made
of it.
"""

import base64
import gzip
import json
import zlib

from tests.conformance.hostile import Cases
from tests.conformance.hostile.objects import UUID, tool
from tests.rooms.exchange.world import B_SHELF, C_SHELF, CLIENT_SHELF

case = Cases("taxii", "request")
ROOT = f"/taxii2/{CLIENT_SHELF}/"
OBJECTS = ROOT + "collections/intel/objects/"
INBOX = ROOT + "collections/inbox/objects/"
TAXII = "application/taxii+json;version=2.1"
ONE = json.dumps({"objects": [tool()]}).encode()


def get(path=OBJECTS, query="", who="misp", **headers):
    return {"method": "GET", "path": path, "query": query, "headers": headers, "who": who}


def post(body, path=INBOX, who="misp", query="", **headers):
    return {
        "method": "POST",
        "path": path,
        "query": query,
        "headers": headers,
        "who": who,
        "body": body,
    }


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


case("honest-get", get(), "200")
case("honest-post", post(ONE), "202 stored")
# --- paths -----------------------------------------------------------------------------------------------
for name, path in {
    "dot-dot": ROOT + "../" + B_SHELF + "/collections/intel/objects/",
    "dot-dot-encoded": ROOT + "%2e%2e/" + B_SHELF + "/",
    "dot-dot-double-encoded": ROOT + "%252e%252e/" + B_SHELF + "/",
    "backslash": ROOT + "..\\" + B_SHELF + "\\",
    "slash-encoded": f"/taxii2/{CLIENT_SHELF}%2fcollections%2fintel%2fobjects/",
    "two-slashes": f"//taxii2/{CLIENT_SHELF}/collections/intel/objects/",
    "no-slash-at-the-end": OBJECTS[:-1],
    "semicolon": ROOT + "collections/intel;x=1/objects/",
    "capitals": OBJECTS.replace("taxii2", "TAXII2"),
    "nul": ROOT + "collections/intel%00/objects/",
    "newline": ROOT + "collections/intel%0a/objects/",
    "latin-1": ROOT + "collections/int%e9l/objects/",
    "overlong": ROOT + "collections/%c0%afintel/objects/",
    "fullwidth": ROOT + "collections/%ef%bd%89ntel/objects/",
    "anothers-root": f"/taxii2/{C_SHELF}/",
    "a-file": "/etc/passwd",
    "absolute": "http://aurelia.example" + OBJECTS,
    "long": "/" + "a" * 65_000 + "/",
    "many-segments": "/taxii2" + "/x" * 5_000 + "/",
    "half-an-escape": ROOT + "collections/%e/objects/",
}.items():
    case(f"path-{name}", get(path), "404", "another's, closed and absent look alike")
case("path-dot", get(ROOT + "./collections/intel/objects/"), "404", "no path is made shorter here")
# --- methods ---------------------------------------------------------------------------------------------
for method in ("PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "HEAD", "OPTIONS"):
    case(f"method-{method}", {**get(), "method": method}, "405")
case(
    "method-override",
    get(**{"x-http-method-override": "DELETE"}),
    "200",
    "no header is another method",
)
case("method-post-to-intel", post(ONE, OBJECTS), "403")
case("method-delete-intel", {**get(f"{OBJECTS}tool--{UUID}/"), "method": "DELETE"}, "403")
# --- who asks --------------------------------------------------------------------------------------------
case("nobody", get(who=None), "401")
case("wrong-token", get(who=None, authorization=basic("misp:wrong")), "401")
case("empty-token", get(who=None, authorization=basic("misp:")), "401")
case("empty-bearer", get(who=None, authorization="Bearer "), "401")
case("name-of-another", get(who=None, authorization=basic("siem:mq_token_of_misp")), "401")
case("nul-in-the-name", get(who=None, authorization=basic("misp\0:mq_token_of_misp")), "401")
case("basic-no-base64", get(who=None, authorization="Basic %%%"), "401")
case(
    "basic-latin-1",
    get(who=None, authorization="Basic " + base64.b64encode(b"misp:\xff").decode()),
    "401",
)
case("basic-without-colon", get(who=None, authorization=basic("misp")), "401")
case("token-with-newline", get(who=None, authorization=basic("misp:mq_token_of_misp\n")), "401")
case(
    "two-authorizations",
    {**get(), "headers": [("authorization", basic("siem:mq_token_of_siem"))]},
    "401",
    "which of them is meant?",
)
case("digest-scheme", get(who=None, authorization='Digest username="misp"'), "401")
case("hash-as-token", get(who=None, authorization="Bearer sha256:" + "0" * 64), "401")
case(
    "forwarded-user", get(who=None, **{"x-forwarded-user": "misp", "x-remote-user": "misp"}), "401"
)
case("client-asks-for-frames", get(f"/taxii2/{CLIENT_SHELF}/frames/"), "404", "for nodes only")
case("client-pushes-a-heartbeat", post(b"{}", "/mithaq/heartbeat/"), "404")
case(
    "signature-of-nothing",
    get(who=None, **{"signature-input": "mithaq=()", "signature": "mithaq=::"}),
    "401",
)
case(
    "signature-not-parsed",
    get(who=None, **{"signature-input": "\x7f{{{{", "signature": "x"}),
    "401",
)
case(
    "signature-of-a-million",
    get(who=None, **{"signature-input": "a=()," * 10_000, "signature": "a=::"}),
    "401",
)
# --- heads -----------------------------------------------------------------------------------------------
case("accept-other", get(accept="text/html"), "406")
case("accept-of-nothing", get(accept="application/taxii+json;version=2.1;q=0"), "406")
case("accept-3-0", get(accept="application/taxii+json;version=3.0"), "406")
case("accept-10000", get(accept=",".join(["text/html"] * 10_000)), "406", "cost stays small")
case("accept-latin-1", get(accept=b"\xff\xfe"), "406")
case("host-of-another", get(host="evil.example"), "200", "no address is made of it")
case(
    "content-encoding-gzip",
    post(gzip.compress(ONE), **{"content-encoding": "gzip"}),
    "415",
    "nothing is unpacked",
)
case(
    "content-encoding-bomb",
    post(lambda: gzip.compress(bytes(60 << 20)), **{"content-encoding": "gzip"}),
    "415",
)
case("content-encoding-br", post(ONE, **{"content-encoding": "br"}), "415")
case("content-encoding-identity", post(ONE, **{"content-encoding": "identity"}), "202 stored")
case("deflate-without-a-word", post(zlib.compress(ONE)), "400")
case("type-json", post(ONE, **{"content-type": "application/json"}), "415")
case("type-missing", post(ONE, **{"content-type": None}), "415")
case(
    "type-form", post(b"objects=1", **{"content-type": "application/x-www-form-urlencoded"}), "415"
)
case("type-of-2-0", post(ONE, **{"content-type": "application/taxii+json;version=2.0"}), "415")
case(
    "type-utf-16",
    post('{"objects":[1]}'.encode("utf-16"), **{"content-type": TAXII + ";charset=utf-16"}),
    "400",
)
case("two-types", {**post(ONE), "headers": [("content-type", "text/html")]}, "415")
case(
    "length-and-chunks",
    post(ONE, **{"content-length": "5", "transfer-encoding": "chunked"}),
    "202 stored",
    "the bytes that came count, whatever was announced",
)
case("length-minus", post(ONE, **{"content-length": "-1"}), "202 stored")
case(
    "length-too-much",
    post(ONE, **{"content-length": "99999999999"}),
    "413",
    "refused before it is read",
)
case("two-lengths", post(ONE, **{"content-length": "5, 6"}), "202 stored")
case(
    "length-nought-with-a-body",
    post(ONE, **{"content-length": "0"}),
    "400",
    "what is not announced is not read",
)
case("body-too-long", post(lambda: b" " * (1 << 17)), "413")
case("body-in-a-thousand-pieces", post([b" "] * 1000 + [ONE]), "202 stored")
case("body-behind-a-get", {**get(), "body": b"x" * 100}, "200")
case("header-newline", get(**{"x-a": "b\r\nx-c: d"}), "200")
case("10000-headers", {**get(), "headers": [(f"x-{n}", "y") for n in range(10_000)]}, "200")
# --- filters ---------------------------------------------------------------------------------------------
for name, query in {
    "limit-nought": "limit=0",
    "limit-minus": "limit=-1",
    "limit-a-text": "limit=ten",
    "limit-arabic": "limit=%D9%A1",
    "limit-1e3": "limit=1e3",
    "limit-endless": "limit=" + "9" * 4000,
    "limit-twice": "limit=1&limit=2",
    "after-no-instant": "added_after=yesterday",
    "after-offset": "added_after=2026-01-01T00:00:00%2B01:00",
    "after-february-30": "added_after=2026-02-30T00:00:00Z",
    "after-sql": "added_after='%20OR%201=1--",
    "next-made-up": "next=abc",
    "next-empty": "next=",
    "next-of-bytes": "next=%ff%fe",
    "next-nul": "next=%00",
    "next-long": "next=" + "A" * 20_000,
    "version-twice": "match%5Bversion%5D=last,last",
    "version-all-and-first": "match%5Bversion%5D=all,first",
    "version-sql": "match%5Bversion%5D=1;DROP",
    "spec-version-x": "match%5Bspec_version%5D=x",
    "id-nul": "match%5Bid%5D=%00",
    "id-empty": "match%5Bid%5D=",
    "ids-1001": "match%5Bid%5D=" + ",".join(["a"] * 1001),
    "type-newline": "match%5Btype%5D=to%0aol",
    "id-twice": "match%5Bid%5D=a&match%5Bid%5D=b",
}.items():
    case(f"filter-{name}", get(query=query), "400")
case("filter-unknown", get(query="match%5Btlp%5D=red&order=desc"), "200", "ignored")
case("filter-id-sql", get(query="match%5Bid%5D=x'%20OR%20'1'='1"), "200", "no object has that id")
case("filter-like", get(query="match%5Bid%5D=%25"), "200", "no wild card")
case("filter-10000", get(query="&".join(f"a{n}=1" for n in range(10_000))), "200")
case("filter-limit-big", get(query="limit=999999999999999999"), "200", "cut to the page")
# --- bodies ----------------------------------------------------------------------------------------------
case("body-none", post(b""), "400")
case("body-no-json", post(b"not json"), "400")
case("body-a-list", post(b"[]"), "422")
case("body-empty", post(b"{}"), "422")
case("body-no-objects", post(b'{"objects":[]}'), "422")
case("body-objects-null", post(b'{"objects":null}'), "422")
case("body-bare-object", post(json.dumps(tool()).encode()), "422")
case(
    "body-deep",
    post(lambda: b'{"objects":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "400",
    "a list of lists",
)
case(
    "body-half-a-million-commas",
    post(lambda: b'{"objects":[' + b"1," * 30_000 + b"1]}"),
    "202 failed",
)
case("body-bom", post(b"\xef\xbb\xbf" + ONE), "400")
case("body-latin-1", post(ONE.replace(b'"x"', b'"\xe9"')), "202 failed")
case("body-duplicate-key", post(b'{"objects":[{"id":"a","id":"b"}]}'), "202 failed")
case(
    "body-two-lists",
    post(b'{"objects":[1],"objects":[%s]}' % ONE[13:-2]),
    "202 failed",
    "which of the two lists was counted?",
)
case("body-surrogate", post(rb'{"objects":[{"name":"\ud800"}]}'), "400")
case("body-nul", post(rb'{"objects":[{"name":"\u0000"}]}'), "202 failed")
case(
    "body-of-a-nation", post(lambda: None), "202 aside", "an enrolled nation's object from a client"
)
case(
    "body-unknown-marking",
    post(
        json.dumps(
            {
                "objects": [
                    tool(
                        object_marking_refs=[
                            "marking-definition--00000000-0000-4000-8000-0000000000bb"
                        ]
                    )
                ]
            }
        ).encode()
    ),
    "202 stored",
    "most restrictive",
)
case(
    "body-forged-marking",
    post(
        json.dumps(
            {
                "objects": [
                    {
                        "type": "marking-definition",
                        "spec_version": "2.1",
                        "id": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
                        "created": "2022-10-01T00:00:00.000Z",
                        "definition_type": "tlp",
                        "definition": {"tlp": "green"},
                    }
                ]
            }
        ).encode()
    ),
    "202 aside",
)
case(
    "body-a-seal",
    post(json.dumps({"objects": [tool(type="mithaq-seal", id=f"mithaq-seal--{UUID}")]}).encode()),
    "202 aside",
    "our own kinds are no intelligence",
)
case(
    "body-more-and-next",
    post(json.dumps({"more": True, "next": "x", "objects": [tool()]}).encode()),
    "202 stored",
)
case(
    "body-bundle",
    post(json.dumps({"type": "bundle", "id": f"bundle--{UUID}", "objects": [tool()]}).encode()),
    "202 stored",
    "the field's most used library sends it",
)
case(
    "body-server-fields",
    post(json.dumps({"objects": [tool(x_voucher="aurelia", x_level=0)]}).encode()),
    "202 stored",
    "no field of a body is a column of ours",
)
case("post-status-of-another", get(f"{ROOT}status/{UUID}/"), "404")
case("status-no-uuid", get(f"{ROOT}status/..%2f/"), "404")
case("delete-without-id", {**get(INBOX), "method": "DELETE"}, "405")
case("delete-of-another", {**get(f"{INBOX}tool--{UUID}/"), "method": "DELETE"}, "404")
