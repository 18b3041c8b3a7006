"""Signed payloads have exactly their fields; a batch's leaf is border.md 5.2's."""

import hashlib
import json
import secrets
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.clock import text
from mithaq.model.canonical import canonical, digest
from mithaq.seal.messages import (
    BadMessage,
    Batch,
    Body,
    Doc,
    Head,
    Heartbeat,
    KeyRef,
    Notice,
    Proof,
    Put,
    Release,
    Seal,
    Terms,
    batch_leaf,
    batch_root,
    commitment,
    decode,
    encode,
)
from tests.unit.seal.values import CHANNEL, NOW, put, seal

TERMS = Terms(id="a", version=1, digest=digest(b"x"))
HEAD = Head(channel=CHANNEL, seq=3, seal=digest(b"x"))
MESSAGES = [
    seal(b'{"a":1}', b'{"b":2}')[0],
    seal()[0],
    seal(entries=[Doc(payload_type="application/json", digest=digest(b"x"), size=1)])[0],
    seal(agreement=None, batch="{}")[0],
    seal(entries=[put(proof=Proof(batch="{}", index=0, path=["ab" * 32]), readers=["r1"])])[0],
    Batch(realm="live", by="aurelia", scope=TERMS, issued=text(NOW), n=2, root="ab" * 32),
    Batch(realm="drill:x", by="aurelia", scope="open", issued=text(NOW), n=0, root="ab" * 32),
    Heartbeat(
        realm="live",
        sender="aurelia",
        to="borealis",
        issued=text(NOW),
        expires=text(NOW),
        keys=KeyRef(version=1, digest=digest(b"x")),
        heads=[HEAD],
        have=[],
        log="cd" * 32,
    ),
    Notice(realm="live", agreement="a", party="aurelia", act="suspend", issued=text(NOW)),
    Release(
        realm="live",
        id="tool--x",
        version="",
        view=digest(b"x"),
        peers=["borealis"],
        agreement=digest(b"x"),
        proposer="amal",
    ),
]
names = st.text(st.characters(exclude_categories=("Cs",)), max_size=9)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_a_message_survives_its_bytes(message):
    assert decode(encode(message), type(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_an_unknown_field_is_refused_at_every_level(message):
    plain = msgspec.to_builtins(message)
    places = [plain, *(v for v in plain.values() if isinstance(v, dict))]
    places += [i for v in plain.values() if isinstance(v, list) for i in v if isinstance(i, dict)]

    for place in places:
        place["x_more"] = 1
        with pytest.raises(BadMessage):
            decode(canonical(plain), type(message))
        del place["x_more"]
    assert decode(canonical(plain), type(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: type(m).__name__)
def test_each_field_is_needed_unless_it_has_a_default(message):
    plain = msgspec.to_builtins(message)
    needed = {f.encode_name for f in msgspec.structs.fields(message) if f.required}

    for name in needed:
        with pytest.raises(BadMessage):
            decode(canonical({k: v for k, v in plain.items() if k != name}), type(message))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("seq",), 0),
        (("seq",), 1.5),
        (("seq",), True),
        (("prev",), "sha256:" + "G" * 64),
        (("prev",), "sha256:" + "0" * 64 + "\n"),
        (("prev",), "0" * 64),
        (("audit",), "ab"),
        (("issued",), "2026-03-01T12:00:00Z"),
        (("issued",), "2026-03-01T12:00:00.000+00:00"),
        (("body", "size"), -1),
        (("agreement", "version"), 0),
        (("entries", 0, "size"), -1),
        (("entries", 0, "digest"), "sha256:"),
        (("entries", 0, "com"), "AB" * 32),
        (("entries", 0, "as"), "relay"),
        (("entries", 0, "onward"), "all"),
        (("entries", 0, "entry"), "recall"),
    ],
)
def test_a_value_out_of_its_range_is_refused(place, value):
    """A negative size would let a reader go backwards; an odd digest would fail it later."""
    plain = msgspec.to_builtins(seal(b'{"a":1}')[0])
    inner = plain
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value

    with pytest.raises(BadMessage) as refused:
        decode(json.dumps(plain).encode(), Seal)

    assert refused.value.facts == {"cause": "seal"}


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"realm":"live","realm":"drill:x"}', b"\xff"])
def test_a_payload_passes_the_gate_first(raw):
    with pytest.raises(BadMessage):
        decode(raw, Seal)


def test_one_kind_is_never_read_as_another():
    for message in MESSAGES:
        for other in {type(m) for m in MESSAGES} - {type(message)}:
            with pytest.raises(BadMessage):
                decode(encode(message), other)


def test_a_commitment_hides_the_version_until_its_nonce_is_shown():
    nonce, full = b"n" * 32, b'{"whole":"object"}'

    assert (
        commitment(nonce, full) == hashlib.sha256(nonce + hashlib.sha256(full).digest()).hexdigest()
    )
    assert commitment(b"m" * 32, full) != commitment(nonce, full)


@given(
    names,
    names,
    names,
    st.sampled_from(["owner", "carrier"]),
    st.sampled_from(["none", "scope", "open"]),
    st.integers(0, 2**53),
    st.binary(),
)
def test_a_batch_leaf_is_packed_as_the_border_says(id_, type_, modified, role, onward, size, view):  # fmt: skip
    """H(0x00 ‖ LP(id) ‖ LP(type) ‖ LP(modified) ‖ LP(as) ‖ LP(onward) ‖ digest ‖ u64 size ‖ com)."""
    entry = Put(
        id=id_,
        type=type_,
        modified=modified,
        role=role,
        onward=onward,
        size=size,
        digest=digest(view),
        com="0f" * 32,
        readers=["not", "in", "it"],
    )
    parts = [part.encode() for part in (id_, type_, modified, role, onward)]
    form = ">B" + "".join(f"I{len(part)}s" for part in parts) + "32sQ32s"
    fields = [field for part in parts for field in (len(part), part)]

    packed = struct.pack(form, 0, *fields, hashlib.sha256(view).digest(), size, b"\x0f" * 32)

    assert batch_leaf(entry) == hashlib.sha256(packed).digest()


def test_no_two_entries_share_a_leaf_by_moving_text_between_fields():
    assert batch_leaf(put(id="ab", type="c")) != batch_leaf(put(id="a", type="bc"))


def test_a_batchs_root_stands_over_its_views_in_their_order():
    a, b, c = (batch_leaf(put(bytes([n]))) for n in range(3))
    inner = hashlib.sha256(b"\x01" + a + b).digest()

    assert batch_root([a, b, c]) == hashlib.sha256(b"\x01" + inner + c).hexdigest()
    assert batch_root([b, a, c]) != batch_root([a, b, c])
    assert batch_root([a]) == a.hex()
    assert batch_root([]) == hashlib.sha256(b"").hexdigest()


def test_a_batch_names_no_recipient_and_no_channel():
    """So a relay may show it (border.md 5)."""
    assert {f.encode_name for f in msgspec.structs.fields(Batch)} == {
        "realm",
        "by",
        "scope",
        "issued",
        "n",
        "root",
    }


def test_a_seal_without_a_body_says_nothing_of_one():
    plain = json.loads(encode(seal()[0]))

    assert "body" not in plain
    assert "batch" not in plain
    assert isinstance(seal(b"x")[0].body, Body)


@pytest.mark.parametrize("id_", ["x" * 538, secrets.token_hex(2000)])
def test_no_message_names_an_object_by_more_than_an_index_holds(id_):
    raw = encode(seal(entries=[put(id=id_)])[0])
    with pytest.raises(BadMessage):
        decode(raw, Seal)
