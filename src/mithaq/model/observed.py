"""Which values an object speaks of, and by which values one that a person knows is found."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_network

from mithaq.errors import InputError
from mithaq.model.canonical import Json
from mithaq.model.objects import Body
from mithaq.model.patterns import mentioned
from mithaq.model.values import EXACT, HASHES, PATHS, Value, of_kind, recognised


def _plain(name: str) -> str:
    return name.replace("-", "").lower()


_OF_HASH = {_plain(name): kind for kind, name in HASHES.items()}
_FIELDS: dict[str, list[tuple[str, str]]] = defaultdict(
    list
)  # by type: a field, and its kind of value
for _kind, _path in [*PATHS.items(), ("directory", "directory:path"), ("url", "artifact:url")]:
    if "." not in _path:
        _FIELDS[_path.partition(":")[0]].append((_path.partition(":")[2], _kind))
_HASHED = {
    "file": "",
    "artifact": "",
    "x509-certificate": "certificate-",
}  # before the kind of hash
_DIGITS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_WIDEST = {4: 8, 6: 16}  # the shortest prefix of a network that is looked for
_MOST_PARENTS = 4  # of a domain name


def values_of(body: Body) -> set[Value]:
    """Return the values that an indicator or an observable speaks of."""
    type_ = body.get("type")
    if type_ == "indicator":
        pattern = body.get("pattern")
        of_stix = body.get("pattern_type", "stix") == "stix"
        return mentioned(pattern) if of_stix and isinstance(pattern, str) else set()
    found = set(_observed(body))
    inside = body.get("objects") if type_ == "observed-data" else None
    for each in inside.values() if isinstance(inside, dict) else ():
        if isinstance(each, dict):
            found.update(_observed(each))
    return found


def _observed(body: Mapping[str, Json]) -> Iterator[Value]:
    type_ = str(body.get("type"))
    said = [(kind, body[field]) for field, kind in _FIELDS.get(type_, ()) if field in body]
    hashes = body.get("hashes") if type_ in _HASHED else None
    if isinstance(hashes, dict):
        named = ((_OF_HASH.get(_plain(name)), digest) for name, digest in hashes.items())
        said += [(_HASHED[type_] + kind, digest) for kind, digest in named if kind]
    for kind, written in said:
        if isinstance(written, str | int):
            try:
                yield of_kind(kind, str(written))
            except InputError:
                continue


def marks_of(body: Body) -> set[int]:
    """Return the numbers by which an object is found from its values, or from what makes them up."""
    some = values_of(body)
    return {mark(each) for each in some.union(*map(parts, some))} if some else set()


def mark(value: Value) -> int:
    """Return the number that a value is looked up by; few others have the same."""
    written = "\0".join(likeness(value)).encode()
    return (
        int.from_bytes(blake2b(written, digest_size=8).digest()) >> 1
    )  # as no database has one bit more


def read(written: str) -> Value | None:
    """Return the value that a person writes, harmless or not; of a hash only the length tells the kind.

    Who looks up a hash means any of that length: see ``likeness``.
    """
    text = written.strip()
    if len(text) in _DIGITS:
        try:
            return of_kind(_DIGITS[len(text)], text)
        except InputError:
            pass
    return recognised(text)


def likeness(value: Value) -> Value:
    """Return what all values have in common that are written alike: a hash may be one of several kinds."""
    kind = value.kind.removeprefix("certificate-")
    if kind in EXACT or kind == "imphash":
        return Value("hash", value.text)
    return value


def parts(value: Value) -> set[Value]:
    """Return the values that make up one of several parts: the host of a URL, the domain of a mail address."""
    kind, text = value
    if kind == "email":
        return _found(text.rpartition("@")[2])
    if kind == "ip-port":
        return _found(text.rpartition(":")[0])
    if kind == "url":
        place = text.partition("://")[2] or text
        for sign in "/?#":
            place = place.partition(sign)[0]
        host = place.rpartition("@")[2]
        return _found(host if host.endswith("]") else host.rpartition(":")[0] or host)
    return set()


def _found(written: str) -> set[Value]:
    value = recognised(written)
    return {value} if value is not None else set()


def speaks_of(body: Body, value: Value, near: Collection[Value]) -> tuple[Value, bool] | None:
    """Return what an object says of a value, the most exact first, and whether it is exactly that.

    Args:
        near: the likeness of what the value belongs to (``around``).
    """
    alike, best = likeness(value), None
    for said in sorted(values_of(body)):
        if likeness(said) == alike:
            return said, True
        if likeness(said) in near or alike in map(likeness, parts(said)):
            best = best or (said, False)
    return best


def around(value: Value) -> set[Value]:
    """Return what a value belongs to: the networks of an address, the domains above one, and those of its parts."""
    found = parts(value)
    for one in {value, *found}:
        found |= _above(one)
    return found - {value}


@lru_cache(maxsize=256)
def _above(value: Value) -> frozenset[Value]:
    kind, text = value
    if kind == "domain":
        labels = text.split(".")
        names = (".".join(labels[n:]) for n in range(1, min(len(labels) - 1, _MOST_PARENTS + 1)))
        return frozenset(Value("domain", name) for name in names)
    if kind in {"ipv4", "ipv6"}:
        own = ip_network(text)
        lengths = range(_WIDEST[own.version], own.prefixlen)
        return frozenset(Value(kind, str(own.supernet(new_prefix=n))) for n in lengths)
    return frozenset()
