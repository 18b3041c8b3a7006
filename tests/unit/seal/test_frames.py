"""Frames are cut by the sizes their seals state, and every cut is checked (border.md 5.4 and 6)."""

import json
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import PeerError
from mithaq.model.canonical import digest
from mithaq.seal.envelope import BadEnvelope, sign
from mithaq.seal.frames import MAX_ENVELOPE, blank, cut, frame, several, split
from mithaq.seal.messages import SEAL, BadMessage, Body, encode
from tests.unit.seal.values import KEY, put, seal

# a view is a JSON text, so it is never empty and never all zeros
views = st.lists(st.binary(max_size=20).map(lambda raw: b"{" + raw), max_size=4)


def framed(*parts, **changed):
    sealed, body = seal(*parts, **changed)
    return frame(sign(SEAL, encode(sealed), KEY[3]).to_bytes(), body)


@given(views)
def test_a_frame_is_split_into_its_seal_and_body(parts):
    sealed, body = seal(*parts)

    envelope, rest = split(framed(*parts))

    assert (envelope.payload, rest) == (encode(sealed), body)
    assert cut(sealed, rest) == parts


def test_a_frame_is_a_length_a_seal_and_a_body():
    assert frame(b"abc", b"de") == b"\x00\x00\x00\x03abcde"


@given(st.lists(views, max_size=4))
def test_several_frames_are_cut_where_the_next_one_begins(many):
    frames = [framed(*parts) for parts in many]

    assert list(several(b"".join(frames))) == frames


@pytest.mark.parametrize("first", [(), (b"one", b"two")])
def test_an_answer_cut_short_anywhere_gives_its_whole_frames_and_then_fails(first):
    """The next answer goes on from the last whole one."""
    whole, last = framed(*first), framed(b"three")

    for end in range(1, len(last)):
        got = []
        with pytest.raises(PeerError):
            got.extend(each for each in several(whole + last[:end]) if got.append(each))
        assert got == [whole]


@pytest.mark.parametrize("length", range(5))
def test_a_frame_cut_within_its_head_is_none(length):
    with pytest.raises(BadEnvelope):
        split(framed(b"x")[:length])


def test_a_length_beyond_the_limit_is_refused_unread():
    raw = struct.pack(">I", MAX_ENVELOPE + 1)

    for read in (split, lambda bytes_: list(several(bytes_))):
        with pytest.raises(BadEnvelope):
            read(raw + b"x" * 10)


@pytest.mark.parametrize("size", [-1, -1_000, 2**53])
def test_a_size_that_leads_backwards_or_beyond_ends_the_reading(size):
    """A seal is not verified when frames are cut; its sizes must not make the cutter go in circles."""
    plain = msgspec.to_builtins(seal(b"x")[0])
    plain["body"]["size"] = size
    raw = frame(sign(SEAL, json.dumps(plain).encode(), KEY[3]).to_bytes(), b"x")

    with pytest.raises(PeerError):
        list(several(raw))


def test_a_body_that_is_not_the_one_sealed_is_refused():
    sealed, body = seal(b"one", b"two")

    for wrong in (b"onetwO", body[:-1], body + b"x", b""):
        with pytest.raises(BadMessage):
            cut(sealed, wrong)


def test_a_body_nobody_sealed_is_refused():
    with pytest.raises(BadMessage):
        cut(seal()[0], b"x")
    assert cut(seal()[0], b"") == []


@pytest.mark.parametrize(
    ("entries", "cause"),
    [
        ([put(b"one"), put(b"twO")], "slice"),
        ([put(b"two"), put(b"one")], "slice"),
        ([put(b"one")], "body"),
        ([put(b"one"), put(b"two"), put(b"")], "slice"),
        ([put(b"one"), put(b"two"), put(b"x")], "body"),
        ([put(b"onetwo")], None),
        ([], "body"),
    ],
)
def test_every_slice_is_the_one_its_entry_names(entries, cause):
    body = b"onetwo"
    sealed = seal(entries=entries, body=Body(digest=digest(body), size=6))[0]

    if cause is None:
        assert b"".join(cut(sealed, body)) == body
        return
    with pytest.raises(BadMessage) as refused:
        cut(sealed, body)
    assert refused.value.facts["cause"] == cause


def test_a_view_taken_back_before_it_was_fetched_leaves_a_blank_and_its_neighbours():
    sealed, body = seal(b"one", b"two", b"three")

    assert cut(sealed, b"one" + blank(3) + b"three") == [b"one", None, b"three"]
    assert cut(sealed, blank(len(body))) == [None, None, None]
    for wrong in (b"one" + blank(3) + b"threE", b"one" + blank(2) + b"othree", b"one" + blank(3)):
        with pytest.raises(BadMessage):
            cut(sealed, wrong)


def test_blanks_do_not_excuse_a_body_that_was_never_sealed():
    sealed = seal(b"one", body=Body(digest=digest(b"other"), size=3))[0]

    with pytest.raises(BadMessage):
        cut(sealed, b"one")
