"""STIX patterns that say no more than which values something has, read back as these values (STIX 2.1 section 9).

What other systems take, block lists and rules of network sensors, has no word for the rest of the language: a pattern
of it is read as a whole or not at all, for half of it would match more than it says. Whoever only wants to know of what
values a pattern speaks gets them of any.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn, TypeAlias

from mithaq.errors import InputError
from mithaq.model.values import FREE, PATHS, Value, of_kind, recognised

Group: TypeAlias = tuple[Value, ...]  # all of them together
_Said: TypeAlias = tuple[str, str]  # a path as all write it, and a constant it is compared with

_LONGEST, _DEEPEST = 1 << 16, 20  # characters, and brackets in one another
_MOST = 1 << 12  # groups, and comparisons of all groups together
_STEP = r"(?:[A-Za-z0-9_-]+|'[^'\\]*')"
_TEXT = r"'(?:[^'\\]|\\['\\])*'"
_CONSTANT = rf"(?:{_TEXT}|[0-9]+)(?![A-Za-z0-9_.'-])"
_PATH = rf"[a-z0-9-]+:{_STEP}(?:\[\*\])?(?:\.{_STEP}(?:\[\*\])?)*"
_ALONE = re.compile(rf"\[({_PATH})\s*=\s*({_TEXT})\]")  # as nearly all patterns are
_COMPARED = re.compile(
    rf"(?P<path>{_PATH})\s*"
    rf"(?:==?\s*(?P<one>{_CONSTANT})|IN\s*\(\s*(?P<some>{_CONSTANT}(?:\s*,\s*{_CONSTANT})*)\s*\)"
    rf"|ISSUBSET\s*(?P<network>{_TEXT}))"
)
# Any other counts as unsaid. A text that does not end takes the rest, else each quote in it looks for the end again.
_SIGN = re.compile(rf"[()\[\]]|{_TEXT}|'.*|[A-Za-z0-9_:-]+|\S", re.DOTALL)
_SIGNS = frozenset({"AND", "OR", "(", ")", "[", "]"})
_EACH = re.compile(_CONSTANT)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NEEDLESS = re.compile(r"[^a-z0-9]")


@lru_cache(maxsize=256)  # patterns name the same few
def _plain(path: str) -> str:
    """Return a path as all write it: quotes, hyphens and capitals of hash names come and go."""
    type_, _, rest = path.partition(":")
    return f"{type_}:{_NEEDLESS.sub('', rest.lower())}"


_KINDS = {_plain(path): kind for kind, path in PATHS.items()} | {
    _plain("domain-name:resolves_to_refs[*].value"): "ip",
    _plain("network-traffic:dst_ref.value"): "ip",
    _plain("network-traffic:src_ref.value"): "ip",
}
_PORT = _plain("network-traffic:dst_port")
_ADDRESSES = frozenset({"ip", "ipv4", "ipv6"})  # kinds of which there are networks


class _Unsaid(Exception):
    """The pattern says something else than values."""


def alone(pattern: str) -> tuple[str, str] | None:
    """Return the path and the text of a pattern that says no more than that something has one; None if it says more."""
    found = _ALONE.fullmatch(pattern)
    return None if found is None else (found[1], _meant(found[2]))


def groups(pattern: str) -> list[Group] | None:
    """Return the values of which any group tells what is meant; None if the pattern says more than that."""
    if len(pattern) > _LONGEST:
        return None
    one = alone(pattern)
    try:
        if one is not None:
            return [(_value(_plain(one[0]), one[1]),)]
        return _Reader(list(_tokens(pattern))).whole()
    except (_Unsaid, InputError):
        return None


def mentioned(pattern: str) -> set[Value]:
    """Return the values that something is said to have in any part of a pattern, whatever else that says.

    One that is none of its path is taken by its form: addresses are written as domain names, and domain names as URLs.
    """
    one = alone(pattern[:_LONGEST])
    if one is not None:
        value = _named(_plain(one[0]), one[1])
        return set() if value is None else {value}
    found: set[Value] = set()
    for path, constants in (
        each for each in _tokens(pattern[:_LONGEST]) if isinstance(each, tuple)
    ):
        for written in constants:
            value = _named(path, written)
            if value is not None:
                found.add(value)
    return found.union(
        *groups(pattern) or ()
    )  # an address with its port is said by two comparisons


def _tokens(pattern: str) -> Iterator[str | tuple[str, Sequence[str]]]:
    """Yield signs, and comparisons as a path and the constants of which it is to have one."""
    at, text = 0, pattern
    while (begins := _SIGN.search(text, at)) is not None:
        found = _COMPARED.match(text, begins.start())
        if found is None:
            at = begins.end()
            yield begins[0] if begins[0] in _SIGNS else ""
            continue
        at = found.end()
        path, network = _plain(found["path"]), found["network"]
        if network is not None and _KINDS.get(path) not in _ADDRESSES:
            yield ""
        else:
            written = _EACH.findall(found["some"]) if found["some"] else [found["one"] or network]
            yield path, list(map(_meant, written))


def _meant(constant: str) -> str:
    if constant[0] != "'":
        return constant
    text = constant[1:-1]
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _unsaid() -> NoReturn:
    raise _Unsaid


@dataclass(slots=True)
class _Reader:
    """Reads comparisons joined by AND and OR into groups; AND binds closer."""

    tokens: Sequence[str | tuple[str, Sequence[str]]]
    at: int = 0

    def whole(self) -> list[Group]:
        """Read observations joined by OR; joined otherwise, they say when as well."""
        found = self._observations(0)
        if self.at != len(self.tokens):
            _unsaid()
        return [_together(each) for each in found]

    def _observations(self, depth: int) -> list[tuple[_Said, ...]]:
        found = self._observation(depth)
        while self._take("OR"):
            found = _bounded(found + self._observation(depth))
        return found

    def _observation(self, depth: int) -> list[tuple[_Said, ...]]:
        if depth > _DEEPEST:
            _unsaid()
        if self._take("("):
            found = self._observations(depth + 1)
            return found if self._take(")") else _unsaid()
        if not self._take("["):
            _unsaid()
        found = self._any(0)
        return found if self._take("]") else _unsaid()

    def _any(self, depth: int) -> list[tuple[_Said, ...]]:
        found = self._all(depth)
        while self._take("OR"):
            found = _bounded(found + self._all(depth))
        return found

    def _all(self, depth: int) -> list[tuple[_Said, ...]]:
        found = self._one(depth)
        while self._take("AND"):
            other = self._one(depth)
            if len(found) * len(other) > _MOST:
                _unsaid()
            found = _bounded([one + two for one in found for two in other])
        return found

    def _one(self, depth: int) -> list[tuple[_Said, ...]]:
        if depth > _DEEPEST or self.at == len(self.tokens):
            _unsaid()
        if self._take("("):
            found = self._any(depth + 1)
            return found if self._take(")") else _unsaid()
        token = self.tokens[self.at]
        if isinstance(token, str):
            _unsaid()
        self.at += 1
        path, constants = token
        return [((path, written),) for written in constants]

    def _take(self, sign: str) -> bool:
        here = self.at < len(self.tokens) and self.tokens[self.at] == sign
        self.at += here
        return here


def _bounded(found: list[tuple[_Said, ...]]) -> list[tuple[_Said, ...]]:
    """Return what was found, unless it is more than anybody means."""
    return found if sum(map(len, found)) <= _MOST else _unsaid()


def _together(said: tuple[_Said, ...]) -> Group:
    """Return the values that comparisons name, an address and its port as one."""
    ports = [written for path, written in said if path == _PORT]
    found = [_value(path, written) for path, written in said if path != _PORT]
    if not ports:
        return tuple(dict.fromkeys(found))
    if len(ports) > 1 or [value.kind for value in found] not in (["ipv4"], ["ipv6"]):
        _unsaid()
    address = found[0].text if found[0].kind == "ipv4" else f"[{found[0].text}]"
    return (of_kind("ip-port", f"{address}:{ports[0]}"),)


def _named(path: str, written: str) -> Value | None:
    kind = _KINDS.get(path, "")
    try:
        return of_kind(kind, written) if kind else None
    except InputError:
        return None if kind in FREE else recognised(written)


def _value(path: str, written: str) -> Value:
    kind = _KINDS.get(path)
    return of_kind(kind, written) if kind is not None else _unsaid()
