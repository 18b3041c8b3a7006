"""Holds comparisons of STIX patterns against the objects of one observation (STIX 2.1 section 9.6 and 9.7).

A comparison answers with the objects that it holds for: AND asks for one object of which all holds. A value that is
not there answers no, under NOT as well. Beside the specification, what names the same thing in either case of letters
is the same: hashes, domain names, hardware addresses and keys of the registry.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias
from unicodedata import normalize

from mithaq.detect.regexes import regex
from mithaq.detect.stix.comparisons import network
from mithaq.detect.stix.language import Compared, Comparison, Constant, Every, Operator, Path, Some
from mithaq.detect.stix.observation import Objects
from mithaq.detect.stix.paths import hash_name

Holds: TypeAlias = Callable[[Objects], set[str]]  # the identifiers of objects for which it does
Asked: TypeAlias = Callable[[Any], bool]

_FOLDED = {
    ("domain-name", "value"), ("mac-addr", "value"), ("windows-registry-key", "key"), ("ipv6-addr", "value"),
}  # fmt: skip
_LATIN = 256
_ABSENT: Final = object()


def compiled(compared: Compared) -> Holds:
    """Return what tells for which objects a comparison holds."""
    if isinstance(compared, Comparison):
        return _comparison(compared)
    parts = [compiled(part) for part in compared.parts]
    return _every(parts) if isinstance(compared, Every) else _some(parts)


def types_of(compared: Compared) -> frozenset[str]:
    """Return the types of objects for which a comparison can hold; none: it holds for nothing."""
    if isinstance(compared, Comparison):
        return frozenset({compared.path.type})
    first, *rest = (types_of(part) for part in compared.parts)
    return first.union(*rest) if isinstance(compared, Some) else first.intersection(*rest)


def equalities(compared: Compared) -> list[tuple[Path, Constant]] | None:
    """Return equalities of which one holds wherever the comparison does; None if there are none."""
    if isinstance(compared, Comparison):
        if compared.negated or compared.operator not in {Operator.EQUAL, Operator.IN}:
            return None
        texts = all(isinstance(each, str) for each in compared.constants)
        return [(compared.path, each) for each in compared.constants] if texts else None
    found = [equalities(part) for part in compared.parts]
    if isinstance(compared, Some):
        return None if None in found else [each for some in found if some for each in some]
    return min((some for some in found if some is not None), key=len, default=None)


def folded(path: Path) -> bool:
    """Say whether letters of either case are the same in the values of a path."""
    return path.steps[-2:-1] == ("hashes",) or (path.type, path.steps[-1]) in _FOLDED


def texts(path: Path, objects: Objects, root: Mapping[str, Any]) -> Iterable[str]:
    """Yield the texts that a path leads to from an object, as equalities are filed."""
    fold = folded(path)
    for value in values(path, objects, root):
        if isinstance(value, bytes):
            value = value.decode("latin-1")  # noqa: PLW2901 the text that equals such bytes
        if isinstance(value, str):
            yield value.lower() if fold else value


def values(path: Path, objects: Objects, root: Mapping[str, Any]) -> list[Any]:
    """Return what a path leads to from an object; each thing once, however many ways lead there."""
    if path.steps[0] not in root:  # as of most paths that are asked for
        return []
    found: list[Any] = [root]
    before: object = ""
    for step in path.steps:
        if isinstance(step, str):
            found = [_at(each, step, before) for each in found if isinstance(each, Mapping)]
            found = _followed(step, [each for each in found if each is not _ABSENT], objects)
        elif step is None:
            found = [value for each in found if isinstance(each, list) for value in each]
            found = list({id(value): value for value in found}.values())
        else:
            found = [each[step] for each in found if isinstance(each, list) and step < len(each)]
        before = step
    return found


def _at(holder: Mapping[str, Any], step: str, before: object) -> object:
    value = holder.get(step, _ABSENT)
    if value is _ABSENT and before == "hashes":
        value = next((holder[key] for key in holder if hash_name(key) == step), _ABSENT)
    if isinstance(value, str) and step.endswith(("_hex", "_bin")):
        try:
            return bytes.fromhex(value) if step.endswith("_hex") else b64decode(value)
        except ValueError:
            return _ABSENT
    return value


def _followed(step: str, found: list[Any], objects: Objects) -> list[Any]:
    """Return the objects that references are to, in place of these (section 9.7)."""
    if step.endswith("_ref"):
        return [objects[each] for each in found if isinstance(each, str) and each in objects]
    if step.endswith("_refs"):
        return [
            [objects[each] for each in some if isinstance(each, str) and each in objects]
            for some in found
            if isinstance(some, list)
        ]
    return found


def _every(parts: list[Holds]) -> Holds:
    def holds(objects: Objects) -> set[str]:
        found = parts[0](objects)
        for part in parts[1:]:
            if not found:
                break
            found = found & part(objects)
        return found

    return holds


def _some(parts: list[Holds]) -> Holds:
    return lambda objects: set().union(*(part(objects) for part in parts))


def _comparison(asked: Comparison) -> Holds:
    path = asked.path
    exists = asked.operator is Operator.EXISTS
    answers = _asked(asked)

    def holds(objects: Objects) -> set[str]:
        found = set()
        for key, each in objects.items():
            if each.get("type") == path.type:
                there = values(path, objects, each)
                if bool(there) is not asked.negated if exists else any(map(answers, there)):
                    found.add(key)
        return found

    return holds


def _asked(asked: Comparison) -> Asked:
    """Return what is asked of one value, NOT included."""
    operator, no = asked.operator, asked.negated
    if operator in _ORDERS:
        return _ordered(_ORDERS[operator], asked.constants[0], no=no)
    if operator is Operator.LIKE:
        tried = _like(str(asked.constants[0]), fold=folded(asked.path))
    elif operator is Operator.MATCHES:
        tried = _matching(str(asked.constants[0]))
    elif operator in {Operator.SUBSET, Operator.SUPERSET}:
        return _networks(str(asked.constants[0]), inner=operator is Operator.SUBSET, no=no)
    else:
        no = no is not (operator is Operator.UNEQUAL)
        tried = _equal(asked.constants, fold=folded(asked.path))
    return (lambda value: not tried(value)) if no else tried


_ORDERS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.LESS: lambda one, other: one < other,
    Operator.AT_MOST: lambda one, other: one <= other,
    Operator.MORE: lambda one, other: one > other,
    Operator.AT_LEAST: lambda one, other: one >= other,
}


def _alike(value: object, constant: Constant) -> tuple[Any, Any] | None:
    """Return a value and a constant as what can be compared (section 9.6.2); None if they cannot."""
    if isinstance(value, bool) or isinstance(constant, bool):
        same = isinstance(value, bool) and isinstance(constant, bool)
        return (value, constant) if same else None
    if isinstance(constant, datetime):
        instant = _instant(value) if isinstance(value, str) else None
        return None if instant is None else (instant, constant)
    if isinstance(value, int | float) and isinstance(constant, int | float):
        return value, constant
    if isinstance(value, str) and isinstance(constant, str):
        return value, constant
    one, other = _bytes(value), _bytes(constant)
    return None if one is None or other is None else (one, other)


def _bytes(value: object) -> bytes | None:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str) and all(ord(sign) < _LATIN for sign in value):
        return value.encode("latin-1")
    return None


def _plain(text: str) -> str:
    return text if text.isascii() else normalize("NFC", text)


@lru_cache(maxsize=4096)
def _instant(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written).astimezone(UTC) if written[-1:] == "Z" else None
    except ValueError:
        return None


def _equal(constants: tuple[Constant, ...], *, fold: bool) -> Asked:
    if fold:
        constants = tuple(each.lower() if isinstance(each, str) else each for each in constants)

    def tried(value: object) -> bool:
        if fold and isinstance(value, str):
            value = value.lower()
        pairs = (_alike(value, each) for each in constants)
        return any(pair is not None and pair[0] == pair[1] for pair in pairs)

    return tried


def _ordered(order: Callable[[Any, Any], bool], constant: Constant, *, no: bool) -> Asked:
    def tried(value: object) -> bool:
        pair = _alike(value, constant)
        return pair is not None and order(*pair) is not no

    return tried


def _like(written: str, *, fold: bool) -> Asked:
    """Ask for a whole text, in which ``%`` is any signs and ``_`` is one (section 9.6.1)."""
    signs = {"%": ".*", "_": "."}
    form = "".join(signs.get(sign) or re.escape(sign) for sign in _plain(written))
    found = regex(form, cased=not fold, lines=True)

    def tried(value: object) -> bool:
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return isinstance(text, str) and found.is_all_of(_plain(text))

    return tried


def _matching(written: str) -> Asked:
    found = regex(_plain(written), lines=True)

    def tried(value: object) -> bool:
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        return isinstance(text, str) and found.found_in(_plain(text))

    return tried


def _networks(written: str, *, inner: bool, no: bool) -> Asked:
    said = network(written)

    def tried(value: object) -> bool:
        there = network(value) if isinstance(value, str) else None
        if there is None or said is None or there.version != said.version:
            return no
        small, large = (there, said) if inner else (said, there)
        return small.subnet_of(large) is not no  # type: ignore[arg-type] # of one version

    return tried
