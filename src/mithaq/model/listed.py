"""Lists of what is known to be harmless, each family merged into one table.

Nothing is ever matched as a part of a text: names are compared label by label, addresses by their networks, digests by
their kind.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal, TypeAlias

Family: TypeAlias = Literal["address", "name", "digest", "certificate", "mail"]
FAMILIES: tuple[Family, ...] = ("address", "name", "digest", "certificate", "mail")
_DIGITS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_BITS = {"ipv4": 32, "ipv6": 128}
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


_Found: TypeAlias = Iterator[tuple[int, str, How]]  # the number of a list, and its entry


class Lists(ABC):
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


class _Digests(Lists):
    def find(self, kind: str, text: str) -> _Found:
        mask = self._table.get(text)
        if mask and kind.removeprefix("certificate-") == _DIGITS.get(len(text)):
            for bit in _bits(mask):
                yield bit, text, How.IS


class _Names(Lists):
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


class _Addresses(Lists):
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


KINDS: Mapping[Family, type[Lists]] = {
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
