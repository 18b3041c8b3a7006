"""What is known to be harmless: values that lists say everybody has, asks for or runs, and why an indicator is one.

Lists differ in what being on them means. Some are of what nobody should ever block (resolvers, roots of trust, empty
files): what they hold is kept from tools. Others say what else a value is (a cloud's address, a shortener's name),
which is worth knowing and no reason to believe it harmless. How a value is looked for on them says ``listed``.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping
from ipaddress import ip_address
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from mithaq.model.canonical import Json
from mithaq.model.listed import KINDS, Effect, Family, How, Listed, Lists
from mithaq.model.patterns import groups
from mithaq.model.values import Value

_FAMILY: Mapping[str, Family] = {
    "ipv4": "address", "ipv6": "address", "ip-port": "address", "domain": "name", "email": "mail",
    **dict.fromkeys(("md5", "sha1", "sha224", "sha256", "sha384", "sha512"), "digest"),
    **dict.fromkeys(("certificate-sha1", "certificate-sha256"), "certificate"),
}  # fmt: skip
# What leads back to a host's front page (RFC 3986 section 5.2.4), and what tools read as any page.
_FRONT, _ANY = re.compile(r"(?:[/.?]|%2[EFef])*"), re.compile(r"[*^]")


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
        self._read: dict[Family, Lists] = {}

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

    def of(self, family: Family) -> Lists:
        """Return the lists of one family."""
        read = self._read.get(family)
        if read is None:
            built_in = (RESERVED, EXAMPLES) if family == "address" else ()
            read = self._read[family] = KINDS[family]([*built_in, *self._supply(family)])
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
