"""What is known to be harmless: values that lists say everybody has, asks for or runs, and why an indicator is one.

Lists differ in what being on them means. Some are of what nobody should ever block (resolvers, roots of trust, empty
files): what they hold is kept from tools. Others say what else a value is (a cloud's address, a shortener's name),
which is worth knowing and no reason to believe it harmless. Nothing is ever matched as a part of a text: names are
compared label by label, addresses by their networks, digests by their kind.
"""

import re
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from mithaq.model.canonical import Json
from mithaq.model.patterns import groups
from mithaq.model.values import Value

Family: TypeAlias = Literal["address", "name", "digest", "certificate", "mail"]
FAMILIES: tuple[Family, ...] = ("address", "name", "digest", "certificate", "mail")
_FAMILY: Mapping[str, Family] = {
    "ipv4": "address", "ipv6": "address", "ip-port": "address", "domain": "name", "email": "mail",
    **dict.fromkeys(("md5", "sha1", "sha224", "sha256", "sha384", "sha512"), "digest"),
    **dict.fromkeys(("certificate-sha1", "certificate-sha256"), "certificate"),
}  # fmt: skip
_DIGITS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_BITS = {"ipv4": 32, "ipv6": 128}
# What leads back to a host's front page (RFC 3986 section 5.2.4), and what tools read as any page.
_FRONT, _ANY = re.compile(r"(?:[/.?]|%2[EFef])*"), re.compile(r"[*^]")
# Networks of IPv6 that have all of IPv4 in them: of translators (RFC 6052), and of 6to4 (RFC 3056).
_WITH_IPV4 = ((96, 0x64_FF9B << 64), (16, 0x2002))
SUFFIXES = frozenset({"tlds", "second-level-tlds"})  # lists of what strangers have names below


class Effect(StrEnum):
    """What follows from being on a list."""

    SUPPRESS = "suppress"  # not for tools, and not released without a person
    ADVISE = "advise"  # said, nothing more
    OFF = "off"


class How(StrEnum):
    """How a value stands to an entry."""

    IS = "is"
    BELOW = "below"  # a name under the entry's
    WITHIN = "within"  # an address in the entry's network
    HOLDS = "holds"  # a network that has the entry in it
    PAGE = "page"  # a URL at the entry's host


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list: its entries as somebody wrote them, all of one family."""

    name: str
    family: Family
    effect: Effect = Effect.ADVISE
    entries: Iterable[str] = field(repr=False)
    below: bool = True  # what stands under a name is of the same hand
    hosts: bool = False  # a URL is judged by its host, whatever page it names


class Hit(NamedTuple):
    """That a value is on a list, by which entry, and what follows."""

    list: str
    entry: str
    effect: Effect
    how: How


class Finding(NamedTuple):
    """A value of an indicator, and a list that it is on."""

    value: Value
    hit: Hit


# What no network routes to anybody (IANA special-purpose registries), and what stands for examples alone.
_RESERVED = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.88.99.0/24", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
    "::/96", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip
_EXAMPLES = ("192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
OWN_ADDRESSES, OWN_NAMES = "own-addresses", "own-names"
RESERVED = Listed(
    name="reserved",
    family="address",
    effect=Effect.SUPPRESS,
    entries=_RESERVED,
    hosts=True,
)
EXAMPLES = Listed(name="documentation", family="address", entries=_EXAMPLES)

Supply: TypeAlias = Callable[[Family], Iterable[Listed]]


def nothing_more(_family: Family) -> Iterable[Listed]:
    """Supply no lists but those of this module."""
    return ()


class Benign:
    """Lists of what is harmless, read when the first value of their family is asked about."""

    def __init__(
        self,
        supply: Supply = nothing_more,
        *,
        effects: Mapping[str, Effect] | None = None,
        allowed: Container[str] = (),
    ) -> None:
        """Take lists from ``supply``, beside those that every node has.

        Args:
            effects: of lists that somebody here gave another effect.
            allowed: values that somebody here believes to be evil, whatever lists have them.
        """
        self._supply = supply
        self._effects = effects or {}
        self._allowed = allowed
        self._read: dict[Family, _Lists] = {}

    def become(
        self, supply: Supply, *, effects: Mapping[str, Effect], allowed: Container[str]
    ) -> None:
        """Begin anew with other lists: whoever was given this one need not be told."""
        self._supply, self._effects, self._allowed = supply, effects, allowed
        self._read = {}

    def match(self, value: Value) -> list[Hit]:
        """Return the lists that a value is on, what suppresses before what advises."""
        kind, text = value
        allowed = text in self._allowed
        page = False
        if kind == "url":
            kind, text, page = _host(text)
        family = _FAMILY.get(kind)
        if family is None:
            return []
        lists = self._read.get(family) or self.of(family)
        found = [
            Hit(each.name, entry, _weaker(effect, only=allowed or (page and not each.hosts)), how)
            for bit, entry, how in lists.find(kind, text)
            if (effect := self._effect(each := lists.lists[bit], how)) is not Effect.OFF
        ]
        if page:
            found = [hit._replace(how=How.PAGE) for hit in found]
        if found:  # seldom
            found.sort(key=_by_effect)
        return found

    def _effect(self, each: Listed, how: How) -> Effect:
        return _weaker(self.effect_of(each), only=how is How.BELOW and not each.below)

    def effect_of(self, each: Listed) -> Effect:
        """Return what follows here from being on a list."""
        return self._effects.get(each.name, each.effect)

    def of(self, family: Family) -> "_Lists":
        """Return the lists of one family."""
        read = self._read.get(family)
        if read is None:
            built_in = (RESERVED, EXAMPLES) if family == "address" else ()
            read = self._read[family] = _KINDS_OF_LISTS[family]([*built_in, *self._supply(family)])
        return read


def findings(
    body: Mapping[str, Json],
    benign: Callable[[Value], list[Hit]],
) -> tuple[Finding, ...]:
    """Return what an indicator names that is known to be harmless, as far as that alone makes it match.

    A pattern that wants several things at once is about their meeting, unless each of them is harmless. What says that
    something is harmless, is revoked, or says more than values is about nothing here.
    """
    pattern = body.get("pattern")
    if (
        body.get("type") != "indicator"
        or body.get("pattern_type") != "stix"
        or not isinstance(pattern, str)
        or body.get("revoked") is True
        or body.get("indicator_types") == ["benign"]
    ):
        return ()
    found: dict[Finding, None] = {}
    for group in groups(pattern) or ():
        hits: list[tuple[Value, list[Hit]]] = []
        for value in group:
            each = benign(value)
            if not each:  # as nearly always
                break
            hits.append((value, each))
        else:
            only_said = any(each[0].effect is Effect.ADVISE for _, each in hits)
            for value, each in hits:
                for hit in each:
                    effect = Effect.ADVISE if only_said else hit.effect
                    found[Finding(value, hit._replace(effect=effect))] = None
    return tuple(found)


def suppressing(found: Iterable[Finding]) -> list[Finding]:
    """Return what is kept from tools, a finding for each value."""
    first: dict[Value, Finding] = {}
    for each in found:
        if each.hit.effect is Effect.SUPPRESS:
            first.setdefault(each.value, each)
    return list(first.values())


def _weaker(effect: Effect, *, only: bool) -> Effect:
    return Effect.ADVISE if only and effect is Effect.SUPPRESS else effect


def _by_effect(hit: Hit) -> tuple[bool, str]:
    return hit.effect is not Effect.SUPPRESS, hit.list


def _host(url: str) -> tuple[str, str, bool]:
    """Return the kind and the text of a URL's host, and whether it names a page there."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host = parts.hostname or ""
    except ValueError:
        return "", "", False
    said = f"{parts.path}?{parts.query}"
    page = _FRONT.fullmatch(said) is None and _ANY.search(said) is None
    try:
        return f"ipv{ip_address(host).version}", host, page
    except ValueError:
        return "domain", host, page


# --- the lists of a family, merged ------------------------------------------------------------------------------------
_Found: TypeAlias = Iterator[tuple[int, str, How]]  # the number of a list, and its entry


class _Lists(ABC):
    """Lists as one table: a key, and the lists that have it as the bits of a number."""

    def __init__(self, lists: Iterable[Listed]) -> None:
        self.lists: list[Listed] = []  # without what has gone into the table
        self._table: dict[str, int] = {}
        self._counts: list[int] = []
        for bit, each in enumerate(lists):
            self._counts.append(self._take(1 << bit, each))
            self.lists.append(replace(each, entries=()))

    def _take(self, mask: int, each: Listed) -> int:
        count, table = 0, self._table
        for entry in each.entries:
            key = entry.lower()
            table[key] = table.get(key, 0) | mask
            count += 1
        return count

    def sizes(self) -> list[tuple[str, int]]:
        """Return the names of the lists, and how many entries each has here."""
        return [(each.name, count) for each, count in zip(self.lists, self._counts, strict=True)]

    @abstractmethod
    def find(self, kind: str, text: str) -> _Found:
        """Yield the lists that have a text."""


class _Digests(_Lists):
    def find(self, kind: str, text: str) -> _Found:
        mask = self._table.get(text)
        if mask and kind.removeprefix("certificate-") == _DIGITS.get(len(text)):
            for bit in _bits(mask):
                yield bit, text, How.IS


class _Names(_Lists):
    """Names; what stands under one is found by its last labels, the point before them included."""

    def __init__(self, lists: Iterable[Listed]) -> None:
        self._suffixes: set[str] = set()
        super().__init__(lists)
        advising = (bit for bit, each in enumerate(self.lists) if each.effect is Effect.ADVISE)
        self._advising = sum(1 << bit for bit in advising)

    def _take(self, mask: int, each: Listed) -> int:
        count, table = 0, self._table
        for written in each.entries:
            name = written.lower().strip()
            key = name.lstrip("*").lstrip(".")
            if not key:
                continue
            count += 1
            table[key] = table.get(key, 0) | mask
            if each.name in SUFFIXES:
                self._suffixes.add(f".{key}")
            else:
                table[f".{key}"] = table.get(f".{key}", 0) | mask
        return count

    def find(self, kind: str, text: str) -> _Found:
        if kind == "email":
            text = text.rpartition("@")[2]
        table = self._table
        for bit in _bits(table.get(text, 0)):
            yield bit, text, How.IS
        if text.startswith("www."):
            for bit in _bits(table.get(text[4:], 0) & ~table.get(text, 0)):
                if self.lists[bit].name not in SUFFIXES:
                    yield bit, text[4:], How.IS
        at = text.find(".")
        while at >= 0:
            mask = table.get(text[at:])
            if mask:
                if self._is_shared(text, at):
                    # Everybody has names of their own there: the list is right, and means somebody else.
                    mask &= self._advising
                for bit in _bits(mask):
                    yield bit, text[at:], How.BELOW
            at = text.find(".", at + 1)

    def _is_shared(self, text: str, until: int) -> bool:
        """Say whether what follows a point up to ``until`` is a suffix that names are given below."""
        at = text.find(".")
        while 0 <= at <= until:
            if text[at:] in self._suffixes:
                return True
            at = text.find(".", at + 1)
        return False


class _Addresses(_Lists):
    """Networks by their length, the shortest first."""

    def __init__(self, lists: Iterable[Listed]) -> None:
        self._nets: dict[str, dict[int, dict[int, int]]] = {
            kind: defaultdict(dict) for kind in _BITS
        }
        self._starts: dict[str, list[tuple[int, int, int]]] = {}
        super().__init__(lists)
        self._lengths = {kind: sorted(nets) for kind, nets in self._nets.items()}

    def _take(self, mask: int, each: Listed) -> int:
        count = 0
        for entry in each.entries:
            network = _network(entry)
            if network is not None:
                kind, length, bits = network
                table = self._nets[kind][length]
                table[bits] = table.get(bits, 0) | mask
                count += 1
        return count

    def find(self, kind: str, text: str) -> _Found:
        if kind == "ip-port":
            text = text.rpartition(":")[0].strip("[]")
            kind = "ipv6" if ":" in text else "ipv4"
        network = _network(text)
        if network is None:
            return
        yield from self._of(*network)
        if network[0] == "ipv6":
            for length, bits in _reached(network[1], network[2]):
                yield from self._of("ipv4", length, bits)

    def _of(self, kind: str, own: int, bits: int) -> _Found:
        nets, most = self._nets[kind], _BITS[kind]
        for length in self._lengths[kind]:
            if length > own:
                break
            mask = nets[length].get(bits >> (own - length))
            if mask:
                how = How.IS if length == most else How.WITHIN
                entry = _written(kind, length, bits >> (own - length))
                for bit in _bits(mask):
                    yield bit, entry, how
        if own < most:
            yield from self._held(kind, own, bits)

    def _held(self, kind: str, own: int, bits: int) -> _Found:
        """Yield the lists that have something in a network, each by its first entry there."""
        starts = self._starts.get(kind)
        if starts is None:
            most = _BITS[kind]
            starts = self._starts[kind] = sorted(
                (each << (most - length), length, mask)
                for length, table in self._nets[kind].items()
                for each, mask in table.items()
            )
        size = _BITS[kind] - own
        first, end = bits << size, (bits + 1) << size
        seen, at = 0, bisect_left(starts, (first,))
        while at < len(starts) and starts[at][0] < end:
            start, length, mask = starts[at]
            at += 1
            if length > own and mask & ~seen:
                entry = _written(kind, length, start >> (_BITS[kind] - length))
                for bit in _bits(mask & ~seen):
                    yield bit, entry, How.HOLDS
                seen |= mask


_KINDS_OF_LISTS: Mapping[Family, type[_Lists]] = {
    "address": _Addresses,
    "name": _Names,
    "mail": _Names,
    "digest": _Digests,
    "certificate": _Digests,
}


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _network(written: str) -> tuple[str, int, int] | None:
    """Return the kind of a network or an address, its length, and the bits of that length; None: it is none."""
    host, slash, length = written.strip().partition("/")
    if ":" not in host:
        parts = host.split(".")
        try:
            bits = int.from_bytes(bytes(map(int, parts)))
            own = int(length) if slash else 32
        except ValueError:
            return None
        if len(parts) != 4 or not 0 <= own <= 32:  # noqa: PLR2004 octets and bits of an address
            return None
        return "ipv4", own, bits >> (32 - own)
    try:
        network = ip_network(written.strip(), strict=False)
    except ValueError:
        return None
    own = network.prefixlen
    return "ipv6", own, int(network.network_address) >> (128 - own)


def _reached(own: int, bits: int) -> Iterator[tuple[int, int]]:
    """Yield the networks of IPv4 that a network of IPv6 reaches, each as its length and bits."""
    for length, prefix in _WITH_IPV4:
        rest = own - length
        if rest < 0:
            if prefix >> -rest == bits:
                yield 0, 0
        elif bits >> rest == prefix:
            most = min(rest, _BITS["ipv4"])
            yield most, (bits & ((1 << rest) - 1)) >> (rest - most)


def _written(kind: str, length: int, bits: int) -> str:
    most = _BITS[kind]
    at = bits << (most - length)
    network = (IPv4Network if kind == "ipv4" else IPv6Network)((at, length))
    return str(network.network_address if length == most else network)
