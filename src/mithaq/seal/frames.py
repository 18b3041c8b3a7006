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


def cut(seal: Seal, body: bytes) -> list[bytes]:
    """Cut ``body`` by the sizes in the verified ``seal``; check it and every slice (border.md 6, step 5).

    Raises:
        BadMessage: a size or digest differs.
    """
    stated = seal.body
    if (stated is None) != (not body) or (
        stated is not None and (stated.size, stated.digest) != (len(body), digest(body))
    ):
        raise BadMessage("the body is not the one sealed", cause="body")
    slices: list[bytes] = []
    at = 0
    for entry in seal.entries:
        part = body[at : at + entry.size]
        if len(part) != entry.size or digest(part) != entry.digest:
            raise BadMessage("a slice is not the one sealed", cause="slice")
        slices.append(part)
        at += entry.size
    if at != len(body):
        raise BadMessage("bytes that no entry names", cause="body")
    return slices
