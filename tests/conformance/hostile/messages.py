"""What nations send each other: envelopes, frames, key documents, agreements; their readers, without a node.

Lies told with valid keys are in ``tests/federation/lies.py``; here it is the form that is hostile.
"""

import base64
import json
import struct

from mithaq.model.canonical import canonical
from mithaq.seal.documents import KEYS
from mithaq.seal.envelope import Signature, pae, read, sign
from mithaq.seal.keys import encode, generate
from mithaq.seal.messages import SEAL
from tests.conformance.hostile import Cases

case = Cases("envelope", "envelope")
b64 = lambda raw: base64.b64encode(raw).decode()  # noqa: E731
GOOD = {
    "payload": b64(b"{}"),
    "payloadType": SEAL,
    "signatures": [{"keyid": "k", "sig": b64(b"s" * 64)}],
}


def env(**more):
    body = {key: value for key, value in (GOOD | more).items() if value is not ...}
    return json.dumps(body).encode()


case("honest", env(), "fine")
case("no-payload", env(payload=...), "shape")
case("no-type", env(payloadType=...), "shape")
case("extra-field", env(cert="x"), "shape")
case("names-in-capitals", env(payload=..., Payload=b64(b"{}")), "shape")
case("payload-a-map", env(payload={"a": 1}), "shape")
case("type-a-list", env(payloadType=[SEAL]), "shape")
case("payload-url-safe", env(payload=base64.urlsafe_b64encode(b"\xff\xfe{}").decode()), "encoding")
case("payload-without-padding", env(payload="e30"), "encoding")
case("payload-too-much-padding", env(payload="e30=="), "encoding")
case("payload-spare-bits", env(payload="e31="), "encoding", "two texts for the same bytes")
case("payload-with-newlines", env(payload="e3\n0="), "encoding")
case("payload-with-blank", env(payload=" e30="), "encoding")
case("payload-fullwidth", env(payload="\uff4530="), "encoding")
case("payload-data-url", env(payload="data:;base64,e30="), "encoding")
case("signatures-none", env(signatures=[]), "signatures")
case("signatures-null", env(signatures=None), "signatures")
case("signatures-a-map", env(signatures={"sig": "x"}), "signatures")
case("signatures-65", env(signatures=GOOD["signatures"] * 65), "signatures")
case("signature-a-text", env(signatures=["x"]), "signatures")
case("signature-without-sig", env(signatures=[{"keyid": "k"}]), "signatures")
case("signature-without-keyid", env(signatures=[{"sig": b64(b"s")}]), "fine", "DSSE: optional")
case("signature-keyid-a-number", env(signatures=[{"keyid": 1, "sig": b64(b"s")}]), "signatures")
case("signature-url-safe", env(signatures=[{"keyid": "k", "sig": "_-8="}]), "encoding")
case(
    "signature-with-cert",
    env(signatures=[{"keyid": "k", "sig": b64(b"s"), "cert": "x"}]),
    "signatures",
)
case("list-of-envelopes", b"[" + env() + b"]", "shape")
case("jws", b"eyJhbGciOiJub25lIn0.e30.", "encoding", "alg none")
case(
    "jws-json",
    json.dumps({"payload": "e30", "protected": "eyJhbGciOiJub25lIn0", "signatures": []}).encode(),
    "shape",
)
case("deep", b'{"payload":' + b"[" * 1000 + b"]" * 1000 + b"}", "encoding")
case("25-mebibytes", lambda: env(payload="A" * (25 << 20)), "encoding")

KEY = generate()


def verified(make):
    """An envelope, and whether it counts as signed by the one key that we know."""
    return lambda: make(sign(SEAL, b"{}", KEY))


def again(envelope, signatures):
    return json.dumps({
        "payload": b64(envelope.payload), "payloadType": SEAL,
        "signatures": [{"keyid": s.keyid, "sig": encode(s.sig)} for s in signatures],
    }).encode()  # fmt: skip


def forged(name, make, verdict, why=""):
    case(
        f"verify-{name}",
        lambda: (make(sign(SEAL, b"{}", KEY)), {KEY.keyid: KEY.public}),
        verdict,
        why,
        door="verify",
    )


forged("honest", lambda e: e.to_bytes(), "1")
forged(
    "twice-the-same-key",
    lambda e: again(e, [*e.signatures] * 2),
    "1",
    "distinct keys count for a threshold",
)
forged("bad-before-good", lambda e: again(e, [Signature(KEY.keyid, b"x" * 64), *e.signatures]), "1")
forged(
    "without-key-id",
    lambda e: again(e, [Signature("", e.signatures[0].sig)]),
    "0",
    "our keys are named",
)
forged(
    "key-id-in-capitals",
    lambda e: again(e, [Signature(KEY.keyid.upper(), e.signatures[0].sig)]),
    "0",
)
forged(
    "another-type", lambda e: again(sign(KEYS, b"{}", KEY), sign(KEYS, b"{}", KEY).signatures), "0"
)
forged("the-payload-alone", lambda e: again(e, [Signature(KEY.keyid, KEY.sign(b"{}"))]), "0")
forged(
    "another-prefix",
    lambda e: again(e, [Signature(KEY.keyid, KEY.sign(pae(SEAL, b"{}").replace(b"v1", b"v2")))]),
    "0",
)
forged(
    "one-bit",
    lambda e: again(
        e, [Signature(KEY.keyid, bytes([e.signatures[0].sig[0] ^ 1]) + e.signatures[0].sig[1:])]
    ),
    "0",
)
forged(
    "noughts", lambda e: again(e, [Signature(KEY.keyid, bytes(64))]), "0", "the all-zero signature"
)
forged(
    "s-plus-the-order",
    lambda e: again(e, [Signature(KEY.keyid, _malleable(e.signatures[0].sig))]),
    "0",
    "malleable: S + L verifies with careless libraries",
)
forged("long", lambda e: again(e, [Signature(KEY.keyid, e.signatures[0].sig + b"\x00")]), "0")


def _malleable(sig):
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(sig[32:], "little") + order
    return sig[:32] + (s % 2**256).to_bytes(32, "little")


def weak(name, public, verdict="0", why=""):
    case(
        f"weak-key-{name}",
        lambda: (again(sign(SEAL, b"{}", KEY), [Signature("w", bytes(64))]), {"w": public}),
        verdict,
        why,
        door="verify",
    )


weak("nought", bytes(32), why="a point of small order")
weak(
    "one",
    b"\x01" + bytes(31),
    why="the neutral element: any signature of noughts verifies with careless libraries",
)
weak("short", b"\x01" * 31)
weak("beyond-the-field", b"\xff" * 32)
ENVELOPES = list(case)

case = Cases("frame", "frames")


def sealed(size=0, **more):
    said = {
        "realm": "live", "from": "borea", "to": "aurelia", "channel": "f" * 32, "seq": 1, "prev": "sha256:" + "0" * 64,
        "issued": "2026-03-01T12:00:00.000Z", "audit": "0" * 64, "entries": [],
    } | ({"body": {"digest": "sha256:" + "0" * 64, "size": size}} if size else {}) | more  # fmt: skip
    return sign(SEAL, canonical(said), KEY).to_bytes()


def _written(old, new):
    """A seal whose text is changed before it is signed."""
    payload = read(sealed()).payload
    assert old in payload
    return sign(SEAL, payload.replace(old, new), KEY).to_bytes()


def framed(envelope, body=b"", length=None):
    return struct.pack(">I", len(envelope) if length is None else length) + envelope + body


case("honest", lambda: framed(sealed()), "1")
case("nothing", b"", "0")
case("three-bytes", b"\x00\x00\x00", "frame")
case("length-nought", lambda: framed(sealed(), length=0), "encoding")
case("length-all-ones", lambda: framed(sealed(), length=2**32 - 1), "frame")
case(
    "length-sign-bit",
    lambda: framed(sealed(), length=2**31),
    "frame",
    "negative to a signed reader",
)
case(
    "length-turned-round",
    lambda: struct.pack("<I", len(sealed())) + sealed(),
    "frame",
    "little-endian",
)
case("length-of-a-billion-and-short", b"\x3b\x9a\xca\x00{}", "frame", "nothing is set aside for it")
case("body-shorter", lambda: framed(sealed(size=10), b"x" * 9), "frame")
case(
    "body-longer", lambda: framed(sealed(size=10), b"x" * 11), "frame", "a byte that no frame owns"
)
case("body-size-beyond", lambda: framed(sealed(size=2**53 - 1), b"x"), "frame")
case(
    "body-size-minus",
    lambda: framed(sealed(body={"digest": "sha256:" + "0" * 64, "size": -1})),
    "seal",
)
case("number-as-a-float", lambda: framed(_written(b'"seq":1', b'"seq":1.0')), "seal")
case("body-null", lambda: framed(sealed(body=None)), "1", "no body, said aloud")
case("two-frames", lambda: framed(sealed()) * 2, "2")
case("second-frame-cut", lambda: framed(sealed()) + framed(sealed())[:-1], "frame")
case(
    "second-frame-hidden-in-a-body",
    lambda: framed(sealed(size=len(framed(sealed()))), framed(sealed())),
    "1",
)
case("ten-thousand-frames", lambda: framed(sealed()) * 10_000, "10000", "cost stays small")
case("only-noughts", lambda: bytes(1 << 20), "encoding")
case("gzip", b"\x1f\x8b\x08\x00" + bytes(60), "frame")
case("entries-40000", lambda: framed(sealed(entries=_entries(40_000))), "1", "cost stays small")
case("entry-of-no-kind", lambda: framed(sealed(entries=[{"entry": "run", "cmd": "x"}])), "seal")
case("entry-without-kind", lambda: framed(sealed(entries=[{}])), "seal")
case(
    "entry-sum-overflows",
    lambda: framed(sealed(entries=_entries(2, size=2**53 - 1))),
    "1",
    "cut must refuse it",
)
case("channel-a-map", lambda: framed(sealed(channel={"$ne": ""})), "seal")
case("digest-in-capitals", lambda: framed(sealed(prev="sha256:" + "A" * 64)), "seal")
case("digest-of-md5", lambda: framed(sealed(prev="md5:" + "0" * 32)), "seal")
case(
    "digest-with-newline",
    lambda: framed(sealed(prev="sha256:" + "0" * 64 + "\n")),
    "seal",
    "`$` takes it",
)
case("instant-arabic", lambda: framed(sealed(issued="\u0662026-03-01T12:00:00.000Z")), "seal")
case("audit-short", lambda: framed(sealed(audit="0" * 63)), "seal")


def _entries(count, size=1):
    put = {
        "entry": "put", "id": "tool--00000000-0000-4000-8000-000000000001", "type": "tool", "modified": "",
        "digest": "sha256:" + "0" * 64, "size": size, "com": "0" * 64, "as": "owner", "onward": "none",
    }  # fmt: skip
    return [put] * count


FRAMES = list(case)

case = Cases("keys", "keys")
ROOT, EXCHANGE = generate(), generate()
DOCUMENT = {
    "realm": "live", "party": "borea", "organisation": "CSIRT", "country": "QN", "version": 1,
    "issued": "2026-03-01T12:00:00.000Z", "expires": "2027-03-01T12:00:00.000Z",
    "roots": [{"public": encode(ROOT.public)}],
    "threshold": 1, "exchange": [{"public": encode(EXCHANGE.public), "not_before": "2026-03-01T12:00:00.000Z",
                                  "not_after": "2026-05-01T12:00:00.000Z"}],
    "identities": ["identity--00000000-0000-4000-8000-000000000001"], "url": "https://borea.example",
    "standing": "single-root",
}  # fmt: skip


def signed(*signers, **more):
    body = {key: value for key, value in (DOCUMENT | more).items() if value is not ...}
    return lambda: sign(KEYS, canonical(body), *(signers or (ROOT,))).to_bytes()


WINDOW = DOCUMENT["exchange"][0]
case("honest", signed(), "fine")
case("signed-by-another", signed(EXCHANGE), "signature")
case("no-roots", signed(roots=[]), "threshold")
case(
    "root-twice",
    signed(roots=DOCUMENT["roots"] * 2, threshold=2, standing="full"),
    "threshold",
    "one key counts once",
)
case("threshold-nought", signed(threshold=0), "keydocument")
case("threshold-above-the-keys", signed(threshold=3, standing="full"), "threshold")
case(
    "threshold-two-one-signature",
    signed(
        roots=[*DOCUMENT["roots"], {"public": encode(EXCHANGE.public)}],
        threshold=2,
        standing="full",
    ),
    "signature",
)
case("one-root-unsaid", signed(standing="full"), "standing")
case("root-of-31-bytes", signed(roots=[{"public": encode(ROOT.public[:31])}]), "key")
case("root-no-base64", signed(roots=[{"public": "***"}]), "field")
case("root-as-pem", signed(roots=[{"public": "-----BEGIN PUBLIC KEY-----"}]), "field")
case(
    "root-with-private",
    signed(roots=[{"public": encode(ROOT.public), "private": "x"}]),
    "keydocument",
)
case(
    "window-91-days",
    signed(exchange=[WINDOW | {"not_after": "2026-05-31T12:00:00.001Z"}]),
    "window",
)
case(
    "window-backwards",
    signed(exchange=[WINDOW | {"not_after": "2026-01-01T00:00:00.000Z"}]),
    "window",
)
case(
    "window-of-no-day",
    signed(exchange=[WINDOW | {"not_after": "2026-04-31T12:00:00.000Z"}]),
    "field",
)
case("expires-before-issued", signed(expires="2026-01-01T00:00:00.000Z"), "expires")
case("expires-of-month-13", signed(expires="2027-13-01T12:00:00.000Z"), "field")
case(
    "identity-of-another-type",
    signed(identities=["tool--00000000-0000-4000-8000-000000000001"]),
    "identities",
)
case("identity-of-a-path", signed(identities=["identity--../../x"]), "identities")
case("version-nought", signed(version=0), "keydocument")
case("version-a-text", signed(version="1"), "keydocument")
case("unknown-field", signed(admin=True), "keydocument")
case("party-with-control-letters", signed(party="bo\x1b[2Jrea"), "name", "it is shown on screens")
case("party-turned-round", signed(party="aerob\u202e"), "name", "a right-to-left override")
case("party-of-a-path", signed(party="../aurelia"), "name")
case("party-empty", signed(party=""), "name")
case("party-confusable", signed(party="b\u043erea"), "name", "a Cyrillic o")
case("country-of-three", signed(country="QNN"), "country")
case("url-of-a-file", signed(url="file:///etc/passwd"), "url", "it is fetched from")
case("url-of-a-script", signed(url="javascript:alert(1)"), "url")
case("url-with-newline", signed(url="https://borea.example\r\nx: y"), "url")
case("url-with-a-password", signed(url="https://user:pass@borea.example"), "url")
case("url-with-a-query", signed(url="https://borea.example/?x="), "url", "paths are put behind it")
case("url-without-host", signed(url="https:///x"), "url")
case(
    "readers-100000",
    signed(readers=[{"id": f"r{n}", "name": "n", "role": "r"} for n in range(3000)]),
    "payload-type",
    "64 kB at most",
)
KEYDOCS = list(case)

case = Cases("agreement", "agreement")
TERMS = {
    "id": "a-b", "version": 1, "title": "t", "kind": "bilateral", "use": "defensive-only",
    "start": "2026-01-01T00:00:00.000Z",
    "parties": [{"name": "a", "country": "QM", "organisation": "A"},
                {"name": "b", "country": "QN", "organisation": "B"}],
    "clauses": [{"id": "c", "kinds": ["*"]}],
}  # fmt: skip


def terms(**more):
    return json.dumps(
        {key: value for key, value in (TERMS | more).items() if value is not ...}
    ).encode()


def clause(**more):
    return terms(clauses=[{"id": "c", "kinds": ["*"]} | more])


case("honest", terms(), "fine")
case("key-twice", terms()[:-1] + b',"version":2}', "$gate-duplicate-key")
case("unknown-field", terms(permit_all=True), "$")
case("unknown-field-in-a-clause", clause(allow="*"), "$.clauses[0]")
case("version-nought", terms(version=0), "$.version")
case("version-true", terms(version=True), "$.version")
case("version-beyond", terms(version=2**53), "$gate-number")
case("id-of-a-path", terms(id="../x"), "$.id")
case("id-with-newline", terms(id="a-b\n"), "$.id")
case("id-confusable", terms(id="a\u2010b"), "$.id", "another hyphen")
case("party-twice", terms(parties=[TERMS["parties"][0]] * 2), "$.parties")
case("party-alone", terms(parties=TERMS["parties"][:1]), "$.parties")
case(
    "party-with-blank",
    terms(parties=[TERMS["parties"][0] | {"name": "a "}, TERMS["parties"][1]]),
    "$.parties[0].name",
)
case(
    "party-case-twins",
    terms(parties=[TERMS["parties"][0], TERMS["parties"][1] | {"name": "A"}]),
    "fine",
    "names are compared exactly",
)
case(
    "country-lower-case",
    terms(parties=[TERMS["parties"][0] | {"country": "qm"}, TERMS["parties"][1]]),
    "$.parties[0].country",
)
case("no-clauses", terms(clauses=[]), "$.clauses")
case("clause-twice", terms(clauses=TERMS["clauses"] * 2), "$.clauses")
case("level-red-unnamed", clause(max_tlp="RED"), "$.clauses[0].max_tlp")
case("level-unknown", clause(max_tlp="ULTRAVIOLET"), "$.clauses[0].max_tlp")
case("level-cyrillic", clause(max_tlp="\u0410MBER"), "$.clauses[0].max_tlp")
case("named-green", clause(named_levels=["GREEN"]), "$.clauses[0].named_levels")
case("kinds-none", clause(kinds=[]), "$.clauses[0].kinds")
case("purposes-none", clause(purposes=[]), "$.clauses[0].purposes")
case("direction-to-a-stranger", clause(direction={"to": ["x"]}), "$.clauses[0].direction.to")
case("onward-of-its-own", clause(onward="everybody"), "$.clauses[0].onward")
case("start-no-instant", terms(start="now"), "$.start")
case(
    "start-of-another-precision",
    terms(start="2026-01-01T00:00:00Z"),
    "$.start",
    "instants compare as texts",
)
case("end-before-start", terms(end="2025-01-01T00:00:00.000Z"), "$.end")
case("frame-of-no-bytes", terms(max_frame_bytes=0), "$.max_frame_bytes")
case("retention-minus", clause(retention_days=-1), "$.clauses[0].retention_days")
case("toml-bad", b"id = ", "$")
case("toml-key-twice", b'id = "a"\nid = "b"\n', "$")
case("toml-latin-1", b'id = "\xe9"\n', "$")
case("toml-deep", lambda: b"a = " + b"[" * 20_000, "$", "Python's reader recurses")
case("toml-dotted-keys", lambda: b"a" + b".a" * 20_000 + b" = 1\n", "$")
case("toml-big-number", lambda: b"version = " + b"9" * 5000 + b"\n", "$")
case(
    "parties-10000",
    lambda: terms(
        kind="forum",
        parties=[{"name": f"p{n}", "country": "QM", "organisation": "o"} for n in range(10_000)],
    ),
    "fine",
    "cost stays small",
)
AGREEMENTS = list(case)
