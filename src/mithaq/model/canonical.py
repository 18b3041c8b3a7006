"""The strict JSON gate that all outside bytes pass first, and the canonical form that digests rest on.

Stock parsers take the last of two equal keys, round large integers and let NUL through; the gate refuses
all of that before anything looks at the value (security.md section 7).
"""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import jiter
import msgspec
import rfc8785

from mithaq.errors import InputError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_INTEGER = 2**53 - 1  # what every implementation holds exactly (RFC 8259 section 6, RFC 8785)
# What is large is text for the most part; small values alone take thirty times their room once read.
_LARGE, _MOST_VALUES = 16 << 20, 5_000_000
_EXPONENT_FROM = 1e21  # from here on RFC 8785 writes an exponent
_FRACTION = re.compile(
    rb"[:\[,][ \t\r\n]*-?[0-9]+[.eE]"
)  # as every number with a fraction or an exponent stands
_PLACE = re.compile(r"line (\d+) column (\d+)")


class GateRefused(InputError):
    """The bytes are not JSON that every reader would understand alike.

    ``code`` is ``gate-`` and the cause: ``too-long``, ``too-many``, ``byte-order-mark``, ``not-utf-8``,
    ``not-json``, ``duplicate-key``, ``too-deep``, ``number``, ``nul``, ``escape`` (a lone surrogate, or no escape at
    all).
    """

    code = "gate"

    def __init__(self, cause: str, where: str) -> None:
        """Name the cause, and the place as a JSON pointer or as line and column."""
        super().__init__(f"refused at the gate: {cause}", cause=cause, where=where)
        self.code = f"gate-{cause}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the gate lets through at most."""

    max_bytes: int = 64 << 20
    max_depth: int = 64  # the parser itself stops at 200
    whole_numbers: bool = False  # 1.0 is no other way to write 1


DEFAULT_LIMITS = Limits()


def parse(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Json:
    """Read ``raw`` as strict JSON.

    Refused: more bytes or levels than ``limits``, a byte-order mark, anything but UTF-8, a key given
    twice, NaN and infinities (also by overflow), whole numbers beyond 2^53-1 (RFC 7493 section 2.2), NUL,
    lone surrogates.

    Raises:
        GateRefused: with facts ``cause`` and ``where``; neither it nor its cause quotes a value.
    """
    value = decode(raw, limits)
    vet(raw, value, limits)
    return value


def decode(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Json:
    """Do the first half of ``parse``: the value may still hold what ``vet`` refuses.

    Raises:
        GateRefused: as ``parse``.
    """
    if len(raw) > limits.max_bytes:
        raise GateRefused("too-long", str(limits.max_bytes))
    if len(raw) > _LARGE and raw.count(b",") > _MOST_VALUES:
        raise GateRefused("too-many", str(_MOST_VALUES))
    if raw.startswith(b"\xef\xbb\xbf"):
        raise GateRefused("byte-order-mark", "line 1 column 1")
    try:
        value: Json = jiter.from_json(
            raw, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys"
        )
    except ValueError as error:
        # not chained: the parser's message quotes the key
        raise _unreadable(raw, str(error)) from None
    return value


def may_hold_nul(raw: bytes) -> bool:
    """Say whether what ``raw`` was decoded to may hold NUL, which is written in one way only."""
    return b"\\u0000" in raw


def vet(raw: bytes, value: Json, limits: Limits = DEFAULT_LIMITS) -> None:
    """Do the other half of ``parse``: look through the ``value`` that ``raw`` was decoded to.

    Raises:
        GateRefused: as ``parse``.
    """
    if limits.whole_numbers and _FRACTION.search(raw) and _holds_float(value):
        raise GateRefused("number", "")
    if not is_sound(value, limits.max_depth, may_hold_nul=may_hold_nul(raw)):
        cause, where = next(_flaws(value, "", limits.max_depth))
        raise GateRefused(cause, where)


def canonical(value: Json) -> bytes:
    """Return the RFC 8785 form of ``value``.

    Raises:
        GateRefused: it holds a number outside RFC 8785's domain or a lone surrogate.
    """
    try:
        if _is_plain(value):
            return msgspec.json.encode(value, order="sorted")
        return rfc8785.dumps(value)
    except UnicodeEncodeError:
        raise GateRefused("escape", "") from None
    except rfc8785.CanonicalizationError:
        raise GateRefused("number", "") from None


def _is_plain(value: Json) -> bool:
    """Say whether a fast encoder writes the same: no fractions, and keys that sort alike in UTF-8 and UTF-16."""
    inner: Iterable[Json] = ()
    if isinstance(value, dict):
        if not "".join(value).isascii():
            return False
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    elif isinstance(value, float):
        return False
    elif isinstance(value, int):
        return -MAX_INTEGER <= value <= MAX_INTEGER
    for each in inner:  # noqa: SIM110 written out, for it runs for each value there is
        if not isinstance(each, str) and not _is_plain(each):
            return False
    return True


def digest(raw: bytes) -> str:
    """Return the SHA-256 of ``raw`` as ``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def escape(key: str) -> str:
    """Write ``key`` as a JSON pointer token (RFC 6901 section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


_CAUSES = (  # a part of the parser's message: our cause
    ("duplicate key", "duplicate-key"),
    ("recursion limit", "too-deep"),
    ("unicode code point", "not-utf-8"),
    ("number", "number"),
    ("escape", "escape"),
    ("surrogate", "escape"),
)


def _unreadable(raw: bytes, message: str) -> GateRefused:
    place = _PLACE.search(message)
    where = place[0] if place else ""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return GateRefused("not-utf-8", where)
    lowered = message.lower()
    cause = next((cause for part, cause in _CAUSES if part in lowered), "not-json")
    return GateRefused(cause, where)


def is_sound(value: Json, max_depth: int, *, may_hold_nul: bool) -> bool:
    """Say whether ``vet`` would find nothing in a parsed value; level by level, since nearly all is sound."""
    level: list[dict[str, Json] | list[Json]] = [[value]]
    for _ in range(max_depth + 1):
        below: list[dict[str, Json] | list[Json]] = []
        for item in level:
            if may_hold_nul and isinstance(item, dict) and any("\x00" in key for key in item):
                return False
            for child in item.values() if isinstance(item, dict) else item:
                if isinstance(child, str):
                    if may_hold_nul and "\x00" in child:
                        return False
                elif isinstance(child, (dict, list)):
                    below.append(child)
                elif child is not None and not _is_exact(child):
                    return False
        level = below
    return not level


def _holds_float(value: Json) -> bool:
    """Say whether there is a number with a fraction or an exponent, on any level that the parser lets through."""
    level: list[Json] = [value]
    while level:
        if any(isinstance(item, float) for item in level):
            return True
        below: list[Json] = []
        for item in level:
            if isinstance(item, (dict, list)):
                below.extend(item.values() if isinstance(item, dict) else item)
        level = below
    return False


def _is_exact(number: float) -> bool:
    """Say whether every reader holds ``number`` alike, and its canonical form passes the gate again.

    RFC 8785 writes a float from 2^53 up to 1e21 as the integer that we refuse.
    """
    if -MAX_INTEGER <= number <= MAX_INTEGER:
        return True
    whole = isinstance(number, int)
    return not whole and math.isfinite(number) and abs(number) >= _EXPONENT_FROM


def _flaws(value: Json, pointer: str, levels: int) -> Iterator[tuple[str, str]]:
    """Yield (cause, pointer) of whatever every reader would not understand alike."""
    match value:
        case str():
            if "\x00" in value:
                yield "nul", pointer
        case int() | float():
            if not _is_exact(value):
                yield "number", pointer
        case list() | dict():
            if levels == 0:
                yield "too-deep", pointer
                return
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, item in items:
                here = f"{pointer}/{escape(str(key))}"
                if isinstance(key, str) and "\x00" in key:
                    yield "nul", pointer
                yield from _flaws(item, here, levels - 1)
        case None:
            pass
