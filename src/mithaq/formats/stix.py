"""STIX 2.1 in its three wrappings: a bundle (STIX 2.1 section 8), a TAXII 2.1 envelope, a bare object.

Each object keeps its bytes exactly as they stand in the input. The whole passes the gate at once, which is
the fast way; if it does not, each object passes by itself, so that one bad object does not take its
neighbours along, while whatever stands around the objects must still pass as a whole.
"""

import re
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from mithaq.errors import InputError
from mithaq.formats.registry import PLAIN, Layout, NotThisFormat, Read, Refusal
from mithaq.model.canonical import DEFAULT_LIMITS, GateRefused, Json, Limits, parse
from mithaq.model.objects import IDENTIFIER, InvalidObject, Object, checked

# msgspec splits no text with a lone surrogate in it; written as another character each object is as long
_LONE, _BLANK = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"), rb"\\u0020"
_OPENING = re.compile(rb"[ \t\r\n]*\{")
_ENVELOPE = frozenset({"more", "next", "objects"})  # TAXII 2.1 section 3.7


Piece: TypeAlias = tuple[
    int, bytes, "Json | GateRefused"
]  # where it stands, as it stands, as it was read


class _Wrapping(msgspec.Struct):
    objects: list[msgspec.Raw] | None = None


class Stix:
    """The format ``stix``."""

    name = "stix"

    def fits(self, raw: bytes) -> bool:
        """Say whether ``raw`` looks like a JSON object."""
        return _OPENING.match(raw) is not None

    def read(self, raw: bytes, limits: Limits = DEFAULT_LIMITS, _layout: Layout = PLAIN) -> Read:
        """Read every object in ``raw``.

        Raises:
            GateRefused: ``raw`` is too long, or what is around the objects is no strict JSON.
            NotThisFormat: it is JSON, but no bundle, envelope or object.
        """
        return map(_judge, pieces(raw, limits))


def pieces(raw: bytes, limits: Limits) -> Iterator[Piece]:
    """Return every object in ``raw``, unjudged; raises as ``Stix.read``."""
    try:
        value = parse(raw, limits)
    except GateRefused as refused:
        return _one_by_one(raw, limits, refused)
    values = _wrapped(value)
    if values is None:
        return iter(((0, raw, value),))
    texts = zip(_pieces(raw), values, strict=True)
    return ((index, bytes(piece), each) for index, (piece, each) in enumerate(texts))


def _one_by_one(raw: bytes, limits: Limits, refused: GateRefused) -> Iterator[Piece]:
    if refused.facts["cause"] == "too-long":
        raise refused
    try:
        spans = _spans(_LONE.sub(_BLANK, raw))
    except (msgspec.DecodeError, RecursionError):
        raise refused from None
    if not spans or _wrapped(parse(_without(raw, spans), limits)) is None:
        raise refused
    return (_passed(index, raw[start:end], limits) for index, (start, end) in enumerate(spans))


def _passed(position: int, raw: bytes, limits: Limits) -> Piece:
    try:
        return position, raw, parse(raw, limits)
    except GateRefused as error:
        return position, raw, error


def _wrapped(value: Json) -> list[Json] | None:
    """Return the objects in a bundle or an envelope; None if ``value`` may be an object itself."""
    if not isinstance(value, dict):
        raise NotThisFormat("neither a bundle nor an envelope nor an object", where="")
    if "type" in value:
        if value["type"] != "bundle":
            return None
        id_ = value.get("id")
        match = IDENTIFIER.fullmatch(id_) if isinstance(id_, str) else None
        if match is None or match["type"] != "bundle":
            raise NotThisFormat("a bundle needs an identifier of its own (section 8)", where="/id")
    elif "objects" not in value and not value.keys() <= _ENVELOPE:
        raise NotThisFormat("neither a bundle nor an envelope nor an object", where="")
    objects = value.get("objects", [])
    if not isinstance(objects, list):
        raise NotThisFormat("the objects must be a list", where="/objects")
    return objects


def _pieces(raw: bytes) -> list[msgspec.Raw]:
    """Return the text of each object, in order, without a copy."""
    return msgspec.json.decode(raw, type=_Wrapping).objects or []


def _spans(raw: bytes) -> list[tuple[int, int]]:
    """Return where each object of ``raw`` begins and ends.

    They stand in this order, so each search finds one. It may find an equal text earlier than the object
    itself; then the object stays in the wrapping, and is judged with it.
    """
    spans: list[tuple[int, int]] = []
    at = 0
    for piece in map(bytes, _pieces(raw)):
        start = raw.index(piece, at)
        at = start + len(piece)
        spans.append((start, at))
    return spans


def _without(raw: bytes, spans: list[tuple[int, int]]) -> bytes:
    """Return ``raw`` with each of ``spans`` replaced by a number: what is left to judge is the wrapping."""
    starts, ends = zip(*spans, strict=True)
    kept = [raw[a:b] for a, b in zip((0, *ends), (*starts, len(raw)), strict=True)]
    return b"0".join(kept)


def _judge(piece: Piece) -> Object | Refusal:
    position, raw, value = piece
    if isinstance(value, GateRefused):
        return refusal(position, None, value)
    try:
        return checked(raw, value)
    except InvalidObject as error:
        return refusal(position, value, error)


def refusal(position: int, value: Json, error: InputError) -> Refusal:
    """Return the refusal of what stands at ``position`` and was read as ``value``, for what ``error`` says."""
    id_ = value.get("id") if isinstance(value, dict) else None
    known = isinstance(id_, str) and IDENTIFIER.fullmatch(id_) is not None
    return Refusal(
        position=position,
        id=str(id_) if known else None,
        code=error.code,
        where=str(error.facts["where"]),
        why=str(error),
    )
