"""By what two objects are held to be the same thing: pure, from their bytes and from what reference sets call things.

Each object has keys, and two are the same if they share one. So the relation is symmetric, and goes one step: what
shares a key with the second and none with the first is not the same as the first. Of a name that leads to several
things no key is made, for names are what melts groups together that have nothing to do with each other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mithaq.model.named import FAMILIES, names_of, references, spelling
from mithaq.model.objects import Body
from mithaq.model.observed import likeness, values_of
from mithaq.store.sets import Name

SHORTEST = 3  # letters of a name that says anything
GENERIC = frozenset(
    {
        "actor", "agent", "apt", "backdoor", "bot", "botnet", "campaign", "crimeware", "downloader", "dropper",
        "exploit", "group", "implant", "infostealer", "keylogger", "loader", "malware", "miner", "none",
        "other", "ransomware", "rat", "rootkit", "shellcode", "spyware", "stealer", "test", "threatactor",
        "tool", "trojan", "unattributed", "unc", "unidentified", "unknown", "unnamed", "virus", "webshell",
        "wiper", "worm",
    }
)  # fmt: skip


class Key(NamedTuple):
    """What an object shares with all that are the same."""

    kind: str  # id | value | number | entity | name
    text: str
    family: str = ""


class Keys(NamedTuple):
    """The keys of an object, each with what led to it; and names that lead nowhere, with what they may stand for."""

    of: Mapping[Key, str]
    unsure: Mapping[str, Sequence[str]]


class Library:
    """What reference sets call things, and what they say replaces what."""

    def __init__(self, names: Iterable[Name]) -> None:
        """Sort what was looked up."""
        self._called: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._numbered: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._after: dict[str, set[str]] = defaultdict(set)
        self._known: set[str] = set()
        for each in names:
            if each.how == "revoked":
                self._after[each.what].add(each.id)
                continue
            self._known.add(each.id)
            where = self._numbered if each.how == "number" else self._called
            where[family_of(each.type), each.what].add(each.id)

    def now(self, id_: str) -> str:
        """Return what stands for an object of a set today: what it was revoked by, where that is one."""
        after = self._after.get(id_, set())
        return next(iter(after)) if len(after) == 1 else id_

    def knows(self, id_: str) -> bool:
        """Say whether a set has an object of that id."""
        return id_ in self._known or id_ in self._after

    def called(self, family: str, name: str) -> set[str]:
        """Return what a name may stand for."""
        return {self.now(id_) for id_ in self._called.get((family, spelling(name)), ())}

    def numbered(self, family: str, number: str) -> set[str]:
        """Return what a number stands for."""
        return {self.now(id_) for id_ in self._numbered.get((family, number), ())}


def family_of(type_: str) -> str:
    """Return the sort of things that objects of a type may be the same as."""
    return FAMILIES.get(type_, type_)


def asked(bodies: Iterable[Body]) -> tuple[set[str], set[str]]:
    """Return what has to be looked up in the sets for some objects: names and numbers, and ids."""
    what: set[str] = set()
    ids: set[str] = set()
    for body in bodies:
        ids.add(str(body["id"]))
        what |= {str(body["id"]), *_numbers(body)}
        if body.get("type") in FAMILIES:
            what.update(filter(None, map(spelling, names_of(body))))
    return what, ids


def keys(body: Body, library: Library) -> Keys:
    """Return the keys of an object."""
    type_, id_ = str(body["type"]), str(body["id"])
    family = family_of(type_)
    found = {Key("id", id_): id_}
    found |= {Key("number", each, family): each for each in _numbers(body)}
    values = values_of(body)
    if len(values) == 1:
        [value] = values
        found[Key("value", likeness(value).text, likeness(value).kind)] = value.text
    entity, by, unsure = _entity(body, family, library)
    if entity:
        found[Key("entity", entity)] = by
    for name in names_of(body) if type_ in FAMILIES else ():
        if says_something(name) and not library.called(family, name):
            found.setdefault(Key("name", spelling(name), family), name)
    return Keys(found, unsure)


def says_something(name: str) -> bool:
    """Say whether a name names anything."""
    short = spelling(name)
    return len(short) >= SHORTEST and short not in GENERIC


def _entity(body: Body, family: str, library: Library) -> tuple[str, str, dict[str, Sequence[str]]]:
    """Return what a set knows an object as, by what, and which of its names lead to several things.

    Its id comes first, then its number, its name, and its aliases if all that lead anywhere lead to one.
    """
    id_ = str(body["id"])
    if library.knows(id_):
        return library.now(id_), id_, {}
    for number in _numbers(body):
        known = library.numbered(family, number)
        if len(known) == 1:
            return known.pop(), number, {}
    names = [each for each in names_of(body) if says_something(each)] if family in _NAMED else []
    led = {name: library.called(family, name) for name in names}
    unsure: dict[str, Sequence[str]] = {n: sorted(ids) for n, ids in led.items() if len(ids) > 1}
    sure = {name: next(iter(ids)) for name, ids in led.items() if len(ids) == 1}
    own = str(body.get("name") or "").strip()
    if own in sure:
        return sure[own], own, unsure
    if len(set(sure.values())) == 1:
        name, entity = next(iter(sure.items()))
        return entity, name, unsure
    apart = sorted(set(sure.values()))
    return "", "", unsure | dict.fromkeys(sure, apart)


_NAMED = frozenset(FAMILIES.values())


def _numbers(body: Body) -> list[str]:
    """Return the numbers that name the object itself: ATT&CK's own, and CVE's of a vulnerability.

    Other numbers are of what it is like, as CAPEC's are that techniques of ATT&CK refer to.
    """
    whose = "cve" if body.get("type") == "vulnerability" else "mitre"
    return [n.upper() for source, n in references(body) if source.startswith(whose)]


# --- what is said of one thing ---------------------------------------------------------------------------
_UNSAID = frozenset(
    {
        "created", "created_by_ref", "extensions", "external_references", "granular_markings", "id", "modified",
        "object_marking_refs", "spec_version", "x_mitre_attack_spec_version", "x_mitre_modified_by_ref",
    }
)  # fmt: skip


def claims(bodies: Sequence[Body]) -> dict[str, list[list[int]]]:
    """Return, by property, which of some objects say the same of it; several lists are a conflict.

    The order of a list in it says nothing: aliases, labels.
    """
    found: dict[str, list[list[int]]] = {}
    for name in sorted({name for body in bodies for name in body} - _UNSAID):
        said: dict[str, list[int]] = {}
        for at, body in enumerate(bodies):
            if name in body:
                value = body[name]
                listed = sorted(map(repr, value)) if isinstance(value, list) else repr(value)
                said.setdefault(str(listed), []).append(at)
        found[name] = list(said.values())
    return found
