"""The strict JSON gate that all outside bytes pass first, and the canonical form that digests rest on.

Stock parsers take the last of two equal keys, round large integers, and let NUL and lone surrogates
through; the gate refuses all of that before anything looks at the value.
"""

import hashlib
import math
import re
from dataclasses import dataclass
from typing import TypeAlias

import jiter
import rfc8785

from mithaq.errors import InputError

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"

MAX_INTEGER = (
    2**53 - 1
)  # what every JSON implementation holds exactly (RFC 8259 section 6, RFC 8785)
_DEPTH = re.compile(rb"[\[\]{}\"]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class GateRefused(InputError):
    """The bytes are not JSON that every reader would understand alike."""

    code = "gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the gate lets through at most."""

    max_bytes: int = 64 << 20
    max_depth: int = 64


DEFAULT_LIMITS = Limits()


def parse(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Json:
    """Read ``raw`` as strict JSON.

    Refused: more bytes or levels than ``limits``, a byte-order mark, anything but UTF-8, a key given
    twice, NaN and infinities, numbers that a double cannot hold, integers beyond 2^53-1, NUL, lone surrogates.

    Raises:
        GateRefused: with fact ``cause`` (a stable slug) and ``where`` (a JSON pointer or a byte offset).
    """
    if len(raw) > limits.max_bytes:
        raise _refusal("too-long", str(limits.max_bytes))
    if raw.startswith(b"\xef\xbb\xbf"):
        raise _refusal("byte-order-mark", "0")
    _check_depth(raw, limits.max_depth)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refusal("not-utf-8", str(error.start)) from error
    try:
        value: Json = jiter.from_json(
            raw, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys"
        )
    except ValueError as error:
        raise _refusal(_cause(str(error)), _offset(str(error))) from error
    if b"\\" in raw or b"\x00" in raw or _may_hold_big_number(raw):
        _walk(value, "")
    return value


def canonical(value: Json) -> bytes:
    """Return the RFC 8785 form of ``value``.

    Raises:
        GateRefused: it holds a number outside RFC 8785's domain or a lone surrogate.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise _refusal("not-canonical", "") from error


def digest(raw: bytes) -> str:
    """Return the SHA-256 of ``raw`` as ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def _refusal(cause: str, where: str) -> GateRefused:
    return GateRefused(f"refused at the gate: {cause}", cause=cause, where=where)


def _cause(message: str) -> str:
    if "duplicate" in message.lower():
        return "duplicate-key"
    return "number" if "number" in message.lower() else "not-json"


def _offset(message: str) -> str:
    found = re.search(r"line (\d+) column (\d+)", message)
    return f"line {found[1]} column {found[2]}" if found else ""


def _check_depth(raw: bytes, limit: int) -> None:
    """Count brackets outside strings before any parser recurses."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return
    depth = 0
    inside = False
    for token in _DEPTH.finditer(raw):
        byte = token[0]
        at = token.start()
        if byte == b'"':
            inside = not inside if not inside else _escaped(raw, at)
        elif not inside:
            depth += 1 if byte in b"[{" else -1
            if depth > limit:
                raise _refusal("too-deep", str(at))


def _escaped(raw: bytes, at: int) -> bool:
    """Say whether the quote at ``at`` stands behind an odd number of backslashes."""
    start = at
    while start and raw[start - 1] == 0x5C:
        start -= 1
    return (at - start) % 2 == 1


_BIG = re.compile(rb"\d{16}|\d[eE.]")


def _may_hold_big_number(raw: bytes) -> bool:
    return _BIG.search(raw) is not None


def _walk(value: Json, pointer: str) -> None:
    match value:
        case str():
            _check_text(value, pointer)
        case bool() | None:
            pass
        case int():
            if abs(value) > MAX_INTEGER:
                raise _refusal("number", pointer)
        case float():
            if not math.isfinite(value):
                raise _refusal("number", pointer)
        case list():
            for index, item in enumerate(value):
                _walk(item, f"{pointer}/{index}")
        case dict():
            for key, item in value.items():
                here = f"{pointer}/{escape(key)}"
                _check_text(key, here)
                _walk(item, here)


def _check_text(text: str, pointer: str) -> None:
    if "\x00" in text:
        raise _refusal("nul", pointer)
    if _SURROGATE.search(text):
        raise _refusal("surrogate", pointer)


def escape(key: str) -> str:
    """Write ``key`` as a JSON pointer token (RFC 6901 section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
