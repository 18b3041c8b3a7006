"""What is counted under several ids and names is one thing where it bears one name: a view, which changes nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from mithaq.model.folding import folded
from mithaq.model.mentions import Family, Key, names_of, technique_of
from mithaq.model.objects import Body

_LONGEST = 200  # letters of a name that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One thing that is named, by all that it is counted under."""

    family: Family
    kind: str  # technique | malware | tool | intrusion-set | … | network | zone | tld | asn | sector | country
    key: str  # its name as it is compared
    name: str  # as people know it
    names: frozenset[str] = frozenset()  # all that it is called, as they are compared
    marks: frozenset[int] = field(default=frozenset(), repr=False)
    ids: frozenset[str] = frozenset()  # of objects that are it


@dataclass(slots=True)
class _Made:
    kind: str
    name: str
    names: set[str] = field(default_factory=set)
    marks: set[int] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)


def entities(
    family: Family, keys: Mapping[int, Key], bodies: Mapping[str, Body], trusted: Collection[str]
) -> list[Entity]:
    """Return what ``keys`` stand for. An id of which no body is given stands for nothing.

    Args:
        bodies: of objects that keys name by id.
        trusted: ids among these whose aliases count for others too: those that our people chose. A partner's word that
            one malware is another moves nothing of what others say.
    """
    alias = _aliases(bodies, trusted)
    found: dict[str, _Made] = {}
    for mark, key in sorted(keys.items(), key=lambda each: each[1].kind == "ref", reverse=True):
        for kind, name, shown, names in _meant(key, bodies):
            one = found.setdefault(alias.get(name, name), _Made(kind, shown[:_LONGEST]))
            one.marks.add(mark)
            one.names.update(names)
            if key.kind == "ref":
                one.ids.add(key.name)
    return [
        Entity(
            family=family,
            kind=made.kind,
            key=key,
            name=made.name,
            names=frozenset(made.names),
            marks=frozenset(made.marks),
            ids=frozenset(made.ids),
        )
        for key, made in found.items()
    ]


def _aliases(bodies: Mapping[str, Body], trusted: Collection[str]) -> dict[str, str]:
    """Return what is another name of what; what several claim as theirs is nobody's."""
    claimed: dict[str, set[str]] = defaultdict(set)
    own: set[str] = set()
    for id_ in trusted:
        first, *others = names_of(bodies[id_]) or [""]
        own.add(first)
        for other in others:
            claimed[other].add(first)
    return {
        other: next(iter(names))
        for other, names in claimed.items()
        if len(names) == 1 and other not in own
    }


_Meant = tuple[str, str, str, list[str]]  # kind, name as compared, as shown, all names


def _meant(key: Key, bodies: Mapping[str, Body]) -> Iterator[_Meant]:
    if key.kind != "ref":
        yield key.kind, key.name, key.name, [key.name]
        return
    body = bodies.get(key.name)
    if body is None:
        return
    name, type_ = str(body.get("name", "")), key.name.partition("--")[0]
    match type_:
        case "attack-pattern":
            number = technique_of(body)
            shown = f"{number} {name}" if number else name
            yield "technique", number or folded(name), shown, names_of(body)
        case "identity":
            yield from _sectors(body, name)
        case "location":
            yield from _place(body, name)
        case _:
            yield type_, folded(name), name, names_of(body)


def _sectors(body: Body, name: str) -> Iterator[_Meant]:
    """Yield the sectors of whom something targets; of one that says none, its name."""
    sectors = body.get("sectors")
    for each in sectors if isinstance(sectors, list) and sectors else ():
        yield "sector", folded(str(each)), str(each), [folded(str(each))]
    if not sectors:
        kind = "sector" if body.get("identity_class") == "class" else "organisation"
        yield kind, folded(name), name, [folded(name)]


def _place(body: Body, name: str) -> Iterator[_Meant]:
    for kind in ("country", "region"):
        said = body.get(kind)
        if isinstance(said, str) and said:
            yield kind, folded(said), name or said, [folded(said), folded(name)]
            return
    yield "place", folded(name), name, [folded(name)]
