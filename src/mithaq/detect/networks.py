"""Networks by intervals: which of them hold an address.

Two networks are apart or one lies in the other, so all that hold an address are the last one that begins at or before
it and those around that: one bisection, and as many steps as networks lie in one another.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from mithaq.model.values import Value

_Network: TypeAlias = IPv4Network | IPv6Network


class Networks:
    """Networks of both versions of IP."""

    def __init__(self, networks: Iterable[Value]) -> None:
        """Take networks as values; addresses alone are none."""
        self._of: dict[str, _Version] = {}
        for kind in ("ipv4", "ipv6"):
            texts = {value.text for value in networks if value.kind == kind and "/" in value.text}
            self._of[kind] = _Version(sorted(map(ip_network, texts), key=_order))
        self._count = sum(len(each.starts) for each in self._of.values())

    def __len__(self) -> int:
        """Return how many they are."""
        return self._count

    def all(self) -> Iterator[Value]:
        """Yield all of them."""
        for kind, known in self._of.items():
            for text in known.texts:
                yield Value(kind, text)

    def around(self, value: Value) -> Iterator[Value]:
        """Yield the networks that hold an observed address or network, the narrowest first."""
        known = self._of.get(value.kind)
        if known is not None and known.starts:
            for text in known.around(*_ends(value)):
                yield Value(value.kind, text)


class _Version:
    def __init__(self, networks: list[_Network]) -> None:
        self.starts: list[int] = []
        self._ends: list[int] = []
        self.texts: list[str] = []
        self._outer: list[int] = []  # where the narrowest stands that it lies in; -1: in none
        within: list[int] = []
        for number, network in enumerate(networks):
            start, end = int(network.network_address), int(network.broadcast_address)
            while within and self._ends[within[-1]] < start:
                within.pop()
            self._outer.append(within[-1] if within else -1)
            within.append(number)
            self.starts.append(start)
            self._ends.append(end)
            self.texts.append(str(network))

    def around(self, first: int, last: int) -> Iterator[str]:
        at = bisect_right(self.starts, first) - 1
        while at >= 0:
            if last <= self._ends[at]:
                yield self.texts[at]
            at = self._outer[at]


def _ends(value: Value) -> tuple[int, int]:
    """Return the first and the last address as numbers."""
    if "/" in value.text:
        network = ip_network(value.text)
        return int(network.network_address), int(network.broadcast_address)
    number = int(ip_address(value.text))  # several times as fast
    return number, number


def _order(network: _Network) -> tuple[int, int]:
    return int(network.network_address), network.prefixlen
