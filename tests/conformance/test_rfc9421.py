"""RFC 9421: the Ed25519 vector of its appendix B.2.6, and our own signatures against its text."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, algorithms
from http_message_signatures.exceptions import InvalidSignature

from mithaq.exchange.transport import COVERED, LIFE, TAG, BadSignature, _Pinned, sign, verify
from mithaq.exchange.wire import Request
from mithaq.seal.keys import from_pem, generate
from tests.values import replace

# --- appendix B.1.4 and B.2.6 ------------------------------------------------------------------------
PRIVATE = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
PUBLIC = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
"""
KEYID = "test-key-ed25519"
CREATED = datetime.fromtimestamp(1618884473, UTC)
HEADERS = {
    "Host": "example.com",
    "Date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "Content-Type": "application/json",
    "Content-Digest": (
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
    ),
    "Content-Length": "18",
}
COMPONENTS = ("date", "@method", "@path", "@authority", "content-type", "content-length")
BASE = """\
"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")\
;created=1618884473;keyid="test-key-ed25519\""""
INPUT = BASE.rpartition('"@signature-params": ')[2]
SIGNATURE = (
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
)


@dataclass
class Message:
    method: str
    url: str
    headers: dict


def message(**more):
    url = "https://example.com/foo?param=Value&Pet=dog"
    return Message("POST", url, {**HEADERS, **more})


def test_our_keys_make_the_vectors_signature():
    """Ed25519 is deterministic, so the bytes must be the RFC's."""
    signer = from_pem(PRIVATE)
    hms = HTTPMessageSigner(signature_algorithm=algorithms.ED25519)

    prepared = hms.prepare(
        message(),
        key_id=KEYID,
        created=CREATED,
        include_alg=False,
        label="sig-b26",
        covered_component_ids=COMPONENTS,
        use_existing_digest=True,
    )

    assert prepared.signature_base.decode() == BASE
    assert base64.b64encode(signer.sign(prepared.signature_base)).decode() == SIGNATURE


def test_our_pinned_keys_verify_the_vector():
    raw = load_pem_public_key(PUBLIC).public_bytes_raw()
    pinned = _Pinned({KEYID: raw}.get)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=pinned)
    verifier.max_clock_skew = timedelta(days=36500)
    signed = message(
        **{"Signature-Input": f"sig-b26={INPUT}", "Signature": f"sig-b26=:{SIGNATURE}:"}
    )

    (result,) = verifier.verify(signed)

    assert result.parameters["keyid"] == KEYID
    signed.headers["Content-Length"] = "19"
    with pytest.raises(InvalidSignature):
        verifier.verify(signed)


def test_the_vector_says_too_little_for_a_request_between_nodes():
    """Valid, but it covers neither the target nor the body, and names no end and no nonce."""
    raw = load_pem_public_key(PUBLIC).public_bytes_raw()
    headers = {name.lower(): value for name, value in HEADERS.items()}
    headers |= {"signature-input": f"sig-b26={INPUT}", "signature": f"sig-b26=:{SIGNATURE}:"}
    request = Request(
        method="POST",
        url="https://example.com/foo?param=Value&Pet=dog",
        headers=headers,
        body=b'{"hello": "world"}',
    )

    with pytest.raises(BadSignature):
        verify(request, {KEYID: raw}.get, CREATED)


# --- our own signatures ------------------------------------------------------------------------------
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
URL = "https://aurelia.example/taxii2/x/frames/?after=7"


@pytest.mark.parametrize("body", [b"", b"body"])
def test_what_we_sign_is_the_signature_base_of_section_2_5(body):
    """The base is written here by hand from the RFC's text; the library is not asked."""
    signer = generate()

    signed = sign(Request(method="POST", url=URL, body=body), signer, NOW)

    headers = signed.headers
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert headers["content-digest"] == f"sha-256=:{digest}:"
    label, _, params = headers["signature-input"].partition("=")
    assert label == "mithaq"
    base = (
        f'"@method": POST\n"@target-uri": {URL}\n'
        f'"content-digest": sha-256=:{digest}:\n"@signature-params": {params}'
    )
    signature = re.fullmatch(r"mithaq=:(.+):", headers["signature"])[1]
    Ed25519PublicKey.from_public_bytes(signer.public).verify(
        base64.b64decode(signature), base.encode()
    )
    assert params.startswith(f"({' '.join(f'{chr(34)}{c}{chr(34)}' for c in COVERED)})")
    for part in (
        f"created={int(NOW.timestamp())}",
        f"expires={int((NOW + LIFE).timestamp())}",
        f'keyid="{signer.keyid}"',
        'alg="ed25519"',
        f'tag="{TAG}"',
        "nonce=",
    ):
        assert part in params


def resigned(signer, **changes):
    """Return our request with some signature parameters left out or changed, and a valid signature over that."""
    digest = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    created = int(NOW.timestamp())
    values = {
        "created": str(created),
        "expires": str(created + 60),
        "nonce": '"n"',
        "keyid": f'"{signer.keyid}"',
        "tag": f'"{TAG}"',
    }
    covered = changes.pop("covered", COVERED)
    values |= {name: value for name, value in changes.items() if value is not None}
    for name, value in changes.items():
        if value is None:
            del values[name]
    lines = {"@method": "GET", "@target-uri": URL, "content-digest": f"sha-256=:{digest}:"}
    params = "(" + " ".join(f'"{c}"' for c in covered) + ")"
    params += "".join(f";{name}={value}" for name, value in values.items())
    base = "\n".join(f'"{c}": {lines[c]}' for c in covered) + f'\n"@signature-params": {params}'
    base = base.removeprefix("\n")
    signature = base64.b64encode(signer.sign(base.encode())).decode()
    headers = {
        "content-digest": lines["content-digest"],
        "signature-input": f"s={params}",
        "signature": f"s=:{signature}:",
    }
    return Request(method="GET", url=URL, headers=headers)


def test_a_signature_of_another_implementation_is_read():
    signer = generate()

    assert verify(resigned(signer), {signer.keyid: signer.public}.get, NOW).nonce == "n"


@pytest.mark.parametrize(
    "changes",
    [
        {"created": None},
        {"expires": None},
        {"nonce": None},
        {"keyid": None},
        {"tag": None},
        {"tag": '"another"'},
        {"expires": str(int((NOW + timedelta(hours=1)).timestamp()))},
        {"expires": str(int((NOW - timedelta(minutes=1)).timestamp()))},
        {"created": '"now"'},
        {"created": str(int((NOW + timedelta(minutes=6)).timestamp()))},
        {"created": str(int((NOW - timedelta(minutes=8)).timestamp()))},
        {"alg": '"rsa-pss-sha512"'},
        {"keyid": '"sha256:unknown"'},
        {"unknown": "1"},
        {"covered": ("@method", "@target-uri")},
        {"covered": ("@method", "content-digest")},
        {"covered": ("@target-uri", "content-digest")},
        {"covered": ()},
    ],
)
def test_a_valid_signature_that_says_less_than_we_ask_is_refused(changes):
    signer = generate()

    with pytest.raises(BadSignature):
        verify(resigned(signer, **changes), {signer.keyid: signer.public}.get, NOW)


def test_a_request_without_any_digest_is_refused_even_without_a_body():
    signer = generate()
    request = resigned(signer, covered=("@method", "@target-uri"))
    headers = {k: v for k, v in request.headers.items() if k != "content-digest"}

    with pytest.raises(BadSignature):
        verify(replace(request, headers=headers), {signer.keyid: signer.public}.get, NOW)


def test_a_request_with_two_of_our_signatures_is_refused():
    signer = generate()
    one, two = resigned(signer), resigned(signer)
    headers = {
        **one.headers,
        "signature-input": one.headers["signature-input"]
        + ", t="
        + two.headers["signature-input"].removeprefix("s="),
        "signature": one.headers["signature"]
        + ", t="
        + two.headers["signature"].removeprefix("s="),
    }

    with pytest.raises(BadSignature):
        verify(replace(one, headers=headers), {signer.keyid: signer.public}.get, NOW)
