"""What values are compared by: one text for all that mean the same, and which texts an observed value answers to.

An observed name answers to itself and to each name that it is below, an observed URL to itself with its scheme and
without. Nothing answers to a part of a text.
"""

import re
from collections.abc import Container, Iterator
from hashlib import blake2b
from typing import Final

from mithaq.model.values import Value

# Windows does not tell capitals apart in these, nor do mail servers in practice.
_FOLDED: Final = frozenset({"filename", "directory", "registry-key", "email"})
_PORTS: Final = {"http://": ":80", "https://": ":443", "ftp://": ":21"}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def key(value: Value) -> str:
    """Return the text that a value is compared by: its kind, and what is the same for all that mean it."""
    kind, text = value
    if kind in _FOLDED:
        text = text.casefold()
    elif kind == "url":
        text = _same_url(text)
    return f"{kind} {text}"


def keys(value: Value, whole: Container[str] = ()) -> Iterator[str]:
    """Yield the keys that an observed value answers to.

    Args:
        value: as it was observed.
        whole: names under which others are let to anybody (``co.uk``): what is below them is not theirs.
    """
    first = key(value)
    yield first
    if value.kind == "domain":
        rest = value.text.partition(".")[2]
        while "." in rest:
            if rest not in whole:
                yield f"domain {rest}"
            rest = rest.partition(".")[2]
    elif value.kind == "url":
        scheme, rest = parted(first.partition(" ")[2])
        if scheme:
            yield f"url {rest}"


def digest(text: str) -> int:
    """Return eight bytes of a key's digest, as a number that SQLite can hold: where it is looked for, no proof."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()) >> 1


def _same_url(text: str) -> str:
    """Return a URL without the scheme's port, an empty path, a fragment (RFC 3986 section 6.2.3)."""
    scheme, rest = parted(text.partition("#")[0])
    ends = min((at for at in map(rest.find, "/?") if at >= 0), default=len(rest))
    place, path = rest[:ends], rest[ends:]
    place = place.removesuffix(_PORTS.get(scheme, ":80"))
    return f"{scheme}{place}{path if path[:1] == '/' else '/' + path}"


def parted(url: str) -> tuple[str, str]:
    """Return the scheme of a URL, with ``://``, and the rest; of one without, an empty scheme."""
    found = _SCHEME.match(url)
    return (found[0], url[found.end() :]) if found else ("", url)
