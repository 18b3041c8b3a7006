"""STIX 2.1 in its three wrappings: a bundle (STIX 2.1 section 8), a TAXII 2.1 envelope, a bare object.

Each object keeps its bytes exactly as they stand in the input. The whole passes the gate at once, which is
the fast way; if it does not, each object passes by itself, so that one bad object does not take its
neighbours along, while whatever stands around the objects must still pass as a whole.
"""

import re

import msgspec

from mithaq.formats.registry import NotThisFormat, Read, Refusal
from mithaq.model.canonical import DEFAULT_LIMITS, GateRefused, Json, Limits, parse
from mithaq.model.objects import IDENTIFIER, InvalidObject, Object, checked

_OPENING = re.compile(rb"[ \t\r\n]*\{")
_ENVELOPE = frozenset({"more", "next", "objects"})  # TAXII 2.1 section 3.7


class _Wrapping(msgspec.Struct):
    objects: list[msgspec.Raw] | None = None


class Stix:
    """The format ``stix``."""

    name = "stix"

    def fits(self, raw: bytes) -> bool:
        """Say whether ``raw`` looks like a JSON object."""
        return _OPENING.match(raw) is not None

    def read(self, raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Read:
        """Read every object in ``raw``.

        Raises:
            GateRefused: ``raw`` is too long, or what is around the objects is no strict JSON.
            NotThisFormat: it is JSON, but no bundle, envelope or object.
        """
        try:
            value = parse(raw, limits)
        except GateRefused as refused:
            return self._one_by_one(raw, limits, refused)
        values = _wrapped(value)
        if values is None:
            return iter((_judge(0, raw, value),))
        texts = zip(_pieces(raw), values, strict=True)
        return (_judge(index, bytes(piece), each) for index, (piece, each) in enumerate(texts))

    def _one_by_one(self, raw: bytes, limits: Limits, refused: GateRefused) -> Read:
        if refused.facts["cause"] == "too-long":
            raise refused
        try:
            pieces = [bytes(piece) for piece in _pieces(raw)]
        except (msgspec.DecodeError, RecursionError):
            raise refused from None
        if not pieces or _wrapped(parse(_without(raw, pieces), limits)) is None:
            raise refused
        return (_read(index, piece, limits) for index, piece in enumerate(pieces))


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


def _without(raw: bytes, pieces: list[bytes]) -> bytes:
    """Return ``raw`` with each of ``pieces`` replaced by a number: what is left to judge is the wrapping.

    The pieces stand in ``raw`` in this order, so each search finds one. It may find an equal text earlier
    than the piece itself; then the piece stays in the wrapping, and is judged with it.
    """
    kept: list[bytes] = []
    at = 0
    for piece in pieces:
        start = raw.index(piece, at)
        kept.append(raw[at:start])
        at = start + len(piece)
    return b"0".join((*kept, raw[at:]))


def _judge(position: int, raw: bytes, value: Json) -> Object | Refusal:
    try:
        return checked(raw, value)
    except InvalidObject as error:
        return _refusal(position, value, error)


def _read(position: int, raw: bytes, limits: Limits) -> Object | Refusal:
    try:
        value = parse(raw, limits)
    except GateRefused as error:
        return _refusal(position, None, error)
    return _judge(position, raw, value)


def _refusal(position: int, value: Json, error: GateRefused | InvalidObject) -> Refusal:
    id_ = value.get("id") if isinstance(value, dict) else None
    known = isinstance(id_, str) and IDENTIFIER.fullmatch(id_) is not None
    return Refusal(
        position=position,
        id=str(id_) if known else None,
        code=error.code,
        where=str(error.facts["where"]),
        why=str(error),
    )
