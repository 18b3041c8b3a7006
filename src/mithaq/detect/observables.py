"""The values that a telemetry event speaks of, each of the kind that its field says, in the one form of its kind.

Hashes are of the kind that their writer names: an import hash is none of a file's, though it is as long as an MD5.
What a field holds and is no value of its kind (``-``, a name without a dot) is passed over.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import getaddresses
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from mithaq.detect import fields as tables
from mithaq.detect.keys import parted
from mithaq.errors import InputError
from mithaq.model.telemetry import Event, LogSource, Scalar
from mithaq.model.telemetry import Value as Field
from mithaq.model.values import KINDS, Value, of_kind

Plan: TypeAlias = tuple[tuple[tuple[str, ...], str], ...]  # fields, and how they are read

_LONGEST: Final = 4096  # characters of a field that is read; longer ones are no values
LISTED: Final = 256  # values of one field
SHORT: Final = 512  # characters of what is remembered
_NAMES: Final = 8192  # characters of an event's names whose plan is remembered
_MOST_PLANS: Final = 1 << 11  # a source has few sets of fields
_ROOTS: Final = {"\\REGISTRY\\MACHINE\\": "HKLM\\", "\\REGISTRY\\USER\\": "HKU\\"}
_ROOT: Final = re.compile(r"\\REGISTRY\\(?:MACHINE|USER)\\", re.IGNORECASE)
_TYPE: Final = re.compile(
    r"type:\s*[0-9]+\s+"
)  # before a name among Windows' answers to a question of DNS
_PLAIN: Final = re.compile(r"[^a-z0-9]")


_PLANS: dict[tuple[LogSource, tuple[str, ...]], Plan] = {}


class Named(NamedTuple):
    """A value, and the fields that it was read from."""

    fields: tuple[str, ...]
    value: Value


def of(event: Event) -> Iterator[Value]:
    """Yield the values of an event, each once."""
    yield from dict.fromkeys(value for _, value in named(event))


def named(event: Event) -> Iterator[Named]:
    """Yield the values of an event with the fields that say them."""
    fields = event.fields
    for names, how in plan(event):
        for value in together(how, [fields[name] for name in names]):
            yield Named(names, value)


def plan(event: Event) -> Plan:
    """Return which of an event's fields are read, and how."""
    kind = event.source, tuple(event.fields)
    known = _PLANS.get(kind)
    if known is None:
        known = _planned(*kind)
        if sum(map(len, kind[1])) + sum(map(len, kind[0])) <= _NAMES:
            if len(_PLANS) >= _MOST_PLANS:
                _PLANS.clear()
            _PLANS[kind] = known
    return known


def _planned(source: LogSource, present: tuple[str, ...]) -> Plan:
    dotted = source.product not in tables.PLAIN
    known = dict(tables.DOTTED) if dotted else {}
    for word in source:
        known |= tables.TABLES.get(word, {})
    singles: list[tuple[tuple[str, ...], str]] = [
        ((name,), known[name]) for name in present if name in known
    ]
    there = set(present)
    pairs: list[tuple[tuple[str, ...], str]] = [
        ((one, two), how)
        for how, one, two in tables.PAIRS
        if one in there and two in there and (one in known or (how == "typed" and dotted))
    ]
    return tuple(singles + pairs)


def together(how: str, said: list[Field]) -> Iterator[Value]:
    """Yield the values of fields that are read together."""
    if len(said) == 1:
        for one in _each(said[0]):
            if one is not None and not isinstance(one, bool | float):
                yield from read(how, str(one))
        return
    first, second = (_each(each) for each in said)
    for one, two in zip(first, second, strict=False):
        if one is not None and two is not None:
            yield from read(how, f"{one}\0{two}")


def _each(said: Field) -> list[Scalar]:
    return said[:LISTED] if isinstance(said, list) else [said]


def read(how: str, text: str) -> tuple[Value, ...]:
    """Return the values that a text is, read as its field says."""
    return _remembered(how, text) if len(text) <= SHORT else _read(how, text)


def _read(how: str, text: str) -> tuple[Value, ...]:
    if not text or text == "-" or len(text) > _LONGEST:
        return ()
    reader = _READERS.get(how)
    return tuple(dict.fromkeys(reader(text))) if reader else _one(how, text)


_remembered = lru_cache(maxsize=1 << 16)(_read)  # telemetry says the same again and again


def _one(kind: str, text: str) -> tuple[Value, ...]:
    try:
        return (of_kind(kind, text),)
    except InputError:
        return ()


def _host(text: str) -> Iterator[Value]:
    """An address or a name."""
    yield from _one("ip", text) or _one("domain", text)


def _wildcard(text: str) -> Iterator[Value]:
    """A name of a certificate; ``*.`` before it stands for any."""
    yield from _one("domain", text.removeprefix("*."))


def _answers(text: str) -> Iterator[Value]:
    """What a question of DNS was answered with."""
    for part in text.split(";", LISTED):
        yield from _host(_TYPE.sub("", part.strip(), count=1))


def _url(text: str) -> Iterator[Value]:
    """A URL, and the host that it names."""
    for value in _one("url", text):
        yield value
        yield from _host(host(value.text))


def host(url: str) -> str:
    """Return the host that a URL of the stored form names."""
    place = re.split(r"[/?#]", parted(url)[1], maxsplit=1)[0].rpartition("@")[2]
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0]


def _page(text: str) -> Iterator[Value]:
    """A host and what was asked of it, as sensors write requests of HTTP."""
    place, _, asked = text.partition("\0")
    whole = (
        asked if "://" in asked else f"http://{place}{asked if asked[:1] == '/' else '/' + asked}"
    )
    yield from _url(whole)


def _mail(text: str) -> Iterator[Value]:
    """Mail addresses, with names or without, and the domains that they are in."""
    for _, address in getaddresses([text[:_LONGEST]])[:LISTED]:
        for value in _one("email", address):
            yield value
            yield from _one("domain", value.text.rpartition("@")[2])


def _addresses(text: str) -> Iterator[Value]:
    """Mail addresses with semicolons between, as Exchange writes them."""
    for part in text.split(";", LISTED):
        yield from _mail(part)


def _path(text: str) -> Iterator[Value]:
    """A path of Windows or of others: the file's name and its directory."""
    bare = text.strip('"')
    at = max(bare.rfind("\\"), bare.rfind("/"))
    yield from _one("filename", bare[at + 1 :])
    if at > 0:
        yield from _one("directory", bare[:at])


def _registry(text: str) -> Iterator[Value]:
    """A key, or one with the name of a value in it: the key is then what is before."""
    whole = _ROOT.sub(lambda root: _ROOTS[root[0].upper()], text, count=1)
    yield from _one("registry-key", whole)
    parent = whole.rpartition("\\")[0]
    if "\\" in parent:
        yield from _one("registry-key", parent)


def _object(text: str) -> Iterator[Value]:
    """What Windows audits: a key of the registry or a file."""
    yield from _registry(text) if _ROOT.match(text) else _path(text)


def _hashes(text: str) -> Iterator[Value]:
    """Hashes as Sysmon lists them, each after its algorithm: ``SHA1=…,IMPHASH=…``."""
    for part in text.split(",", 16):
        name, _, digest = part.partition("=")
        yield from _typed(f"{name}\0{digest}")


def _typed(text: str) -> Iterator[Value]:
    """A hash after the name of its algorithm."""
    name, _, digest = text.partition("\0")
    kind = _ALGORITHMS.get(_PLAIN.sub("", name.lower()))
    if kind is not None:
        yield from _one(kind, digest)


def _ip_port(text: str) -> Iterator[Value]:
    """An address and a port of it."""
    address, _, port = text.partition("\0")
    for kind, plain in _one("ip", address):
        if "/" not in plain:
            yield from _one("ip-port", f"{f'[{plain}]' if kind == 'ipv6' else plain}:{port}")


_ALGORITHMS: Final = {
    "md5": "md5", "sha1": "sha1", "sha224": "sha224", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512",
    "imphash": "imphash", "ssdeep": "ssdeep", "ctph": "ssdeep", "tlsh": "tlsh",
}  # fmt: skip
_READERS: Final[Mapping[str, Callable[[str], Iterator[Value]]]] = {
    "host": _host, "wildcard": _wildcard, "answers": _answers, "url": _url, "page": _page, "mail": _mail,
    "addresses": _addresses,
    "path": _path, "registry": _registry, "object": _object, "hashes": _hashes, "typed": _typed, "ip-port": _ip_port,
}  # fmt: skip
_PATH, _HOST = frozenset({"filename", "directory"}), frozenset({"ipv4", "ipv6", "domain"})
_MAIL, _KEY = frozenset({"email", "domain"}), frozenset({"registry-key"})
_HASH: Final = frozenset(_ALGORITHMS.values())
_READ_AS: Final[Mapping[str, frozenset[str]]] = {
    "ip": _HOST - {"domain"}, "host": _HOST, "wildcard": frozenset({"domain"}), "answers": _HOST,
    "url": _HOST | {"url"}, "page": _HOST | {"url"}, "mail": _MAIL, "addresses": _MAIL, "path": _PATH,
    "registry": _KEY, "object": _KEY | _PATH, "hashes": _HASH, "typed": _HASH, "ip-port": frozenset({"ip-port"}),
}  # fmt: skip


def kinds_of(how: str) -> frozenset[str]:
    """Return the kinds of values that a field may hold that is read that way."""
    return _READ_AS.get(how) or frozenset({how})


READERS: Final = frozenset(_READERS).union(KINDS)  # what a table may name
