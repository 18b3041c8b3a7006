"""JSON to flat fields: nested names are joined by dots, and the entries of a list of objects by their names."""

import json
from typing import Final, cast

import msgspec

from mithaq.model.telemetry import Scalar, Value

MAX_DEPTH = 64

# One pass of the decoder says whether an object is flat already, which most telemetry is.
_FLAT: Final = msgspec.json.Decoder(dict[str, str | int | float | bool | list[Scalar] | None])
_ANY: Final = msgspec.json.Decoder()


class NoObject(ValueError):
    """A line that is no JSON object; says why."""


def fields(raw: bytes) -> dict[str, Value]:
    """Return the fields of one JSON object.

    What a strict parser refuses for a byte in a text (bad UTF-8, half a surrogate pair, a control character) is read
    with that sign replaced: one bad byte must not hide an event from detection.

    Raises:
        NoObject: it is none, or nested too deeply.
    """
    try:
        return _FLAT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return flattened(_parsed(raw))


def nested(raw: bytes) -> dict[str, Value]:
    """Return the same as ``fields``, sooner for what is known to be nested."""
    return flattened(_parsed(raw))


def _parsed(raw: bytes) -> object:
    try:
        return _ANY.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _mended(raw)


def _mended(raw: bytes) -> object:
    try:
        # Half a surrogate pair that is escaped comes out as such, and cannot be written as UTF-8.
        found = json.loads(raw.decode("utf-8", "replace"), strict=False, parse_constant=str)
        return json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except ValueError as error:
        raise NoObject("not JSON") from error
    except RecursionError as error:
        raise NoObject("nested too deeply") from error


def flattened(tree: object) -> dict[str, Value]:
    """Return the fields of a parsed object.

    Raises:
        NoObject: it is none, or nested too deeply.
    """
    if not isinstance(tree, dict):
        raise NoObject("not a JSON object")
    out: dict[str, Value] = {}
    put(out, "", tree)
    return out


def put(
    out: dict[str, Value], prefix: str, tree: dict[str, object], depth: int = MAX_DEPTH
) -> None:
    """Put what ``tree`` holds under ``prefix`` and its names.

    Raises:
        NoObject: it is nested too deeply.
    """
    if not depth:
        raise NoObject("nested too deeply")
    for key, value in tree.items():
        name = prefix + key
        if isinstance(value, dict):
            put(out, name + ".", value, depth - 1)
        elif isinstance(value, list):
            _put_list(out, name, value, depth - 1)
        elif name in out:
            _add(out, name, cast("Scalar", value))
        else:
            out[name] = cast("Scalar", value)


def _put_list(out: dict[str, Value], name: str, values: list[object], depth: int) -> None:
    """Put plain values into a list under ``name``, and those of objects in it under their own names."""
    if not depth:
        raise NoObject("nested too deeply")
    if not values:
        out.setdefault(name, [])
    for value in values:
        if isinstance(value, dict):
            put(out, name + ".", value, depth - 1)
        elif isinstance(value, list):
            _put_list(out, name, value, depth - 1)
        else:
            out.setdefault(name, [])
            _add(out, name, cast("Scalar", value))


def _add(out: dict[str, Value], name: str, value: Scalar) -> None:
    """Add a value; one that is there already becomes the first of a list."""
    there = out[name]
    if isinstance(there, list):
        there.append(value)
    else:
        out[name] = [there, value]
