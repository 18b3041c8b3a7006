"""The one form between nodes, pulled or pushed: u32 length, the seal's envelope, the body (border.md 5.4)."""

import struct
from collections.abc import Iterator

from mithaq.model.canonical import digest
from mithaq.seal.envelope import BadEnvelope, Envelope, read
from mithaq.seal.messages import BadMessage, Seal, decode

MAX_ENVELOPE = 24 << 20
_PREFIX = 4  # bytes of the length before an envelope


def frame(envelope: bytes, body: bytes) -> bytes:
    """Return the frame of a seal's envelope and its body."""
    return struct.pack(">I", len(envelope)) + envelope + body


def split(raw: bytes) -> tuple[Envelope, bytes]:
    """Split one frame; the seal is not verified yet.

    Raises:
        BadEnvelope: it is cut short, or holds no envelope.
    """
    end = _envelope_end(raw, 0)
    return read(raw[_PREFIX:end]), raw[end:]


def _envelope_end(raw: bytes, start: int) -> int:
    """Return where the envelope of the frame at ``start`` ends."""
    if len(raw) < start + _PREFIX:
        raise BadEnvelope("no frame", cause="frame")
    (length,) = struct.unpack_from(">I", raw, start)
    end = start + _PREFIX + int(length)
    if length > MAX_ENVELOPE or end > len(raw):
        raise BadEnvelope("no frame", cause="frame")
    return end


def several(raw: bytes) -> Iterator[bytes]:
    """Cut an answer of frames one behind the other, by the sizes their seals state.

    Raises:
        BadEnvelope, BadMessage: a frame is cut short or its seal unreadable.
    """
    at = 0
    while at < len(raw):
        end = _envelope_end(raw, at)
        seal = decode(read(raw[at + _PREFIX : end]).payload, Seal)
        end += seal.body.size if seal.body else 0
        if end > len(raw):
            raise BadEnvelope("no frame", cause="frame")
        yield raw[at:end]
        at = end


Slice = bytes | None  # None: taken back before it was fetched


def cut(seal: Seal, body: bytes) -> list[Slice]:
    """Cut ``body`` into ``seal.parts`` by their sizes; check it and every slice (border.md 6, step 5).

    A view that was taken back after it was sealed and before it was fetched is served as zeros of its size,
    which no JSON text is; its neighbours still arrive, and the numbers go on without a hole.

    Raises:
        BadMessage: a size or digest differs.
    """
    stated = seal.body
    size = 0 if stated is None else stated.size
    if size != len(body) or size != sum(entry.size for entry in seal.parts):
        raise BadMessage("the body is not the one sealed", cause="body")
    slices: list[Slice] = []
    at = 0
    for entry in seal.parts:
        part = body[at : at + entry.size]
        at += entry.size
        if part[:1] == b"\0" and part == blank(entry.size):
            slices.append(None)
        elif entry.size <= 0 or digest(part) != entry.digest:
            raise BadMessage("a slice is not the one sealed", cause="slice")
        else:
            slices.append(part)
    if stated is not None and None not in slices and stated.digest != digest(body):
        raise BadMessage("the body is not the one sealed", cause="body")
    return slices


def blank(size: int) -> bytes:
    """Return what stands in a frame for a view of ``size`` bytes that was taken back."""
    return bytes(size)
