"""The kinds of values STIX 2.1 knows (sections 2 and 10): for each, whether a value is one."""

import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import TypeAlias

from mithaq.model.canonical import Json, escape

IDENTIFIER = re.compile(
    r"(?P<type>[a-z0-9](?:-?[a-z0-9]){2,249})--"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
LONGEST_IDENTIFIER = 499 + 2 + 36
TYPE_NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,249}")
PROPERTY_NAME = re.compile(r"[a-z][a-z0-9_]{2,249}|id")
# No clock is finer than a hundred decimals; a version stands in indexes, which hold no text without end.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,100})?Z")
_WITH_MILLISECONDS = len("2026-01-01T00:00:00.000Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_HASH_NAME = re.compile(r"[A-Za-z0-9_-]{3,250}")
_DICTIONARY_KEY = re.compile(r"[A-Za-z0-9_-]{1,250}")
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_BYTE}(?:\.{_BYTE}){{3}}(?:/(?:3[0-2]|[12]?[0-9]))?"
_IPV6_PREFIX = re.compile(r"12[0-8]|1[01][0-9]|[1-9]?[0-9]")
_HEX_DIGITS: Mapping[str, int] = {  # of the hashes in hash-algorithm-ov (section 10.6)
    "MD5": 32, "SHA-1": 40, "SHA-256": 64, "SHA-512": 128, "SHA3-256": 64, "SHA3-512": 128,
}  # fmt: skip

Problems: TypeAlias = Iterator["Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong (``cause``: a stable slug), where (JSON pointer), and in words without content."""

    cause: str
    where: str
    says: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value; ``each`` is the kind of a list's items."""

    cause: str
    says: str
    holds: Callable[[Json], bool]
    each: "Kind | None" = None

    def problems(self, value: Json, where: str) -> Problems:
        """Yield what keeps ``value`` from being of this kind."""
        if not self.holds(value):
            yield Problem(self.cause, where, self.says)
        elif self.each is not None and isinstance(value, list):
            for index, item in enumerate(value):
                if not self.each.holds(item):
                    yield from self.each.problems(item, f"{where}/{index}")


def is_timestamp(value: Json) -> bool:
    """Say whether ``value`` is a STIX timestamp of a real day (section 2.16)."""
    if not isinstance(value, str):
        return False
    if len(value) != _WITH_MILLISECONDS:  # no bound, so nothing to remember
        return _is_timestamp.__wrapped__(value)
    return _is_timestamp(value)


@lru_cache(maxsize=1 << 12)  # what is released together is often of one instant
def _is_timestamp(written: str) -> bool:
    if not _TIME.fullmatch(written):
        return False
    try:
        datetime.fromisoformat(written[:19])
    except ValueError:
        leap_second = written.startswith("23:59:60", 11)
        return leap_second and is_timestamp(f"{written[:17]}59Z")
    return True


def instant(written: str) -> tuple[str, str]:
    """Return a form of a timestamp that sorts as instants do."""
    whole, _, fraction = written.removesuffix("Z").partition(".")
    return whole, fraction.rstrip("0")


def normal(written: str) -> str:
    """Fill a timestamp to at least three decimals, without zeros beyond.

    Such texts sort as instants do, but for two of unlike precision within one millisecond.
    """
    if len(written) == _WITH_MILLISECONDS:
        return written
    whole, fraction = instant(written)
    return f"{whole}.{fraction:0<3}Z"


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and value != ""


def _is_integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list(value: Json) -> bool:
    return isinstance(value, list) and bool(value)


def _is_dictionary(value: Json) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_DICTIONARY_KEY.fullmatch, value))


def _is_binary(value: Json) -> bool:
    try:
        return isinstance(value, str) and binascii.a2b_base64(value, strict_mode=True) is not None
    except (binascii.Error, ValueError):
        return False


def _is_hashes(value: Json) -> bool:
    return _is_dictionary(value) and isinstance(value, dict) and all(map(_is_hash, value.items()))


def _is_hash(item: tuple[str, Json]) -> bool:
    algorithm, value = item
    if not isinstance(value, str) or not value or not _HASH_NAME.fullmatch(algorithm):
        return False
    digits = _HEX_DIGITS.get(algorithm)
    return digits is None or bool(re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", value))


def _is_ipv6(value: Json) -> bool:
    if not isinstance(value, str) or "%" in value:
        return False
    address, slash, prefix = value.partition("/")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return not slash or bool(_IPV6_PREFIX.fullmatch(prefix))


def _pattern(regex: str) -> Callable[[Json], bool]:
    compiled = re.compile(regex)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _between(low: float, high: float) -> Callable[[Json], bool]:
    def holds(value: Json) -> bool:
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        )

    return holds


def _whole(low: int, high: int) -> Kind:
    inside = _between(low, high)
    says = f"must be an integer from {low} to {high}"
    return Kind("integer", says, lambda value: _is_integer(value) and inside(value))


def _list_of(each: Kind) -> Kind:
    return Kind("list", "must be a list, and not an empty one", _is_list, each)


def _words(*allowed: str) -> Kind:
    says = f"must be one of {', '.join(allowed)}"
    return Kind("enum", says, lambda value: isinstance(value, str) and value in allowed)


def _form(says: str, regex: str) -> Kind:
    return Kind("form", says, _pattern(regex))


_MANY = 2**53 - 1
STRING = Kind("string", "must be a string, and not an empty one", _is_text)
DICTIONARY = Kind("dictionary", "must be a dictionary with keys of section 2.4", _is_dictionary)
HASHES = Kind("hashes", "must be a dictionary of hashes (section 2.7)", _is_hashes)
TIME = Kind("timestamp", "must be a timestamp in UTC (section 2.16)", is_timestamp)
URL = Kind(
    "url",
    "must be a URL (RFC 3986)",
    _pattern(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20]+"),
)
LANGUAGE = Kind("language", "must be a language code (RFC 5646)", _pattern(_LANGUAGE.pattern))
KINDS: Mapping[str, Kind] = {
    "string": STRING,
    "strings": _list_of(STRING),
    "text": Kind("string", "must be a string", lambda value: isinstance(value, str)),
    "boolean": Kind("boolean", "must be true or false", lambda value: isinstance(value, bool)),
    "integer": _whole(-_MANY, _MANY),
    "size": _whole(0, _MANY),
    "count": _whole(0, 999_999_999),
    "number-observed": _whole(1, 999_999_999),
    "percent": _whole(0, 100),
    "port": _whole(0, 65_535),
    "latitude": Kind("number", "must be a number from -90 to 90", _between(-90, 90)),
    "longitude": Kind("number", "must be a number from -180 to 180", _between(-180, 180)),
    "metres": Kind("number", "must be a number of metres", _between(0, float("inf"))),
    "time": TIME,
    "lang": LANGUAGE,
    "hashes": HASHES,
    "dictionary": DICTIONARY,
    "list": Kind("list", "must be a list, and not an empty one", _is_list),
    "binary": Kind("binary", "must be base64 (section 2.1)", _is_binary),
    "hex": _form("must be pairs of hex digits (section 2.8)", r"(?:[0-9a-fA-F]{2})+"),
    "url": URL,
    "ipv4": _form("must be an IPv4 address or CIDR block (section 6.7)", _IPV4),
    "ipv6": Kind("form", "must be an IPv6 address or CIDR block (section 6.8)", _is_ipv6),
    "mac": _form("must be a MAC address in lower case (section 6.9)", r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}"),
    "email": _form("must be an address (RFC 5322)", r"[^\s@]+@[^\s@]+|\"[^\"]+\"@[^\s@]+"),
    "domain": _form("must be a domain name (section 6.4)", r"[^\s/:@]+"),
    "cpe": _form("must be a CPE 2.3 name (section 6.14)", r"cpe:2\.3:[aho*-](?::(?:[^:\s\\]|\\.)+){10}"),
    "hive": _form("must name its hive in full (section 6.17)", r"(?!(?i:HK(?:LM|CC|CR|CU|U))(?:\\|$)).+"),
    "keyword": _form("may hold a-z, 0-9 and hyphens only (section 5.1.2)", r"[a-z0-9-]+"),
    "agreement": _words("strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"),
    "encryption": _words("AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"),
    "extension-kind": _words(
        "new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension"
    ),
}  # fmt: skip


@lru_cache(maxsize=1 << 14)  # objects name the same few creators, markings and neighbours
def type_named(identifier: str) -> str:
    """Return the type that an identifier names; empty if it is none. Nothing longer than one is to be asked."""
    match = IDENTIFIER.fullmatch(identifier)
    return "" if match is None else match["type"]


@cache
def reference(types: frozenset[str]) -> Kind:
    """Return the kind of an identifier of one of ``types``; of any type if there are none."""

    def holds(value: Json) -> bool:
        if not isinstance(value, str) or len(value) > LONGEST_IDENTIFIER:
            return False
        named = type_named(value)
        return named in types if types else named != ""

    of = f" of {', '.join(sorted(types))}" if types else ""
    return Kind("reference", f"must be an identifier{of} (section 2.9)", holds)


def kind_named(name: str) -> Kind:
    """Return the kind written as in ``schema``, such as ``refs=file|artifact`` or ``[lang]``."""
    head, _, targets = name.partition("=")
    if head in ("ref", "refs"):
        one = reference(frozenset(targets.split("|")) if targets else frozenset())
        return one if head == "ref" else _list_of(one)
    if name.startswith("["):
        return _list_of(KINDS[name[1:-1]])
    return KINDS[name]


def pointer(*steps: str | int) -> str:
    """Write ``steps`` as a JSON pointer."""
    return "".join(f"/{escape(str(step))}" for step in steps)
