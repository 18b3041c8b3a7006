"""By what an object is found when people search: its words, and facts that a search is narrowed by."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from mithaq.model.folding import Range, asked, folded, words
from mithaq.model.named import FAMILIES, names_of, spelling
from mithaq.model.objects import Body, Object

FORM = "4"  # to be raised when other words are found in the same object: all are read out anew
_MOST = 20_000  # words of one object
_SAID = (
    "name", "value", "pattern", "description", "aliases", "x_mitre_aliases", "labels", "abstract", "content",
    "explanation", "key", "path", "command_line", "subject", "body", "display_name", "goals", "sectors", "product",
)  # fmt: skip
_KEPT = (
    "country=",
    "sector=",
)  # of topics; the others are found by what they are known as, or by their name
Need: TypeAlias = list[Range]  # any of them


def found_by(object_: Object, voucher: str, agreement: str) -> set[str]:
    """Return the words of an object, and facts about its copy that ``needs`` names alike."""
    body = object_.body
    found = words(_texts(object_.id, body))
    if len(found) > _MOST:
        found = set(sorted(found)[:_MOST])
    found |= _facts(object_.type, voucher, agreement, revoked=body.get("revoked") is True)
    found.update(map(_label, _strings(body.get("labels"))))
    found.update(_fact("known-as", folded(each)) for each in _known_as(body))
    found.update(_fact("about", each) for each in topics(body) if each.startswith(_KEPT))
    if object_.type in FAMILIES:
        found.update(_fact("called", spelling(each)) for each in names_of(body))
    sure = body.get("confidence")
    if isinstance(sure, int):
        found.add(_fact("sure", f"{sure:03d}"))
    return found


@lru_cache(maxsize=1024)  # most that come together share them
def _facts(type_: str, voucher: str, agreement: str, *, revoked: bool) -> frozenset[str]:
    found = {_fact("type", type_), _fact("from", voucher), _fact("revoked", str(revoked))}
    return frozenset(found | ({_fact("under", agreement)} if agreement else set()))


@lru_cache(maxsize=1024)
def _label(label: str) -> str:
    return _fact("label", folded(label))


def _fact(name: str, value: str) -> str:
    return f"\x01{name}={value}"  # no word holds the first sign


def _texts(id_: str, body: Body) -> Iterator[str]:
    yield id_
    for name in _SAID:
        if name in body:
            yield from _strings(body[name])
    if "contents" in body:
        yield from _translated(body["contents"])
    hashes = body.get("hashes")
    if isinstance(hashes, dict):
        yield from (str(each) for each in hashes.values())
    yield from _known_as(body)


def _translated(contents: object) -> Iterator[str]:
    """Yield what an object says in other languages (STIX 2.1 section 7.1)."""
    for fields in contents.values() if isinstance(contents, dict) else ():
        for text in fields.values() if isinstance(fields, dict) else ():
            yield from _strings(text)


def _known_as(body: Body) -> Iterator[str]:
    """Yield what other sources call an object: CVE-2024-1234, T1059.001."""
    sources = body.get("external_references")
    for each in sources if isinstance(sources, list) else ():
        if isinstance(each, dict) and "external_id" in each:
            yield str(each["external_id"])


def topics(body: Body) -> Iterator[str]:
    """Yield what an object stands for, so that what is tied to it is about that: see ``of_number`` and the others."""
    for each in map(folded, _known_as(body)):
        yield from (f"number={each[:at]}" for at in _ends(each))
    if body.get("type") == "attack-pattern":
        yield of_name(str(body.get("name")))
    if body.get("type") == "location" and isinstance(body.get("country"), str):
        yield of_country(str(body["country"]))
    if body.get("type") == "identity":
        yield from map(of_sector, _strings(body.get("sectors")))


def of_number(number: str) -> str:
    """Name what a source knows by this number, and all below it."""
    return f"number={folded(number)}"


def of_name(name: str) -> str:
    """Name a technique."""
    return f"technique={folded(name)}"


def of_country(code: str) -> str:
    """Name a country by its two letters."""
    return f"country={code.lower()}"


def of_sector(sector: str) -> str:
    """Name a sector of the industry, as all would write it."""
    return f"sector={folded(sector)}"


def of_request(id_: str) -> str:
    """Name a request to partners: replies to it, and what these name, are about it."""
    return f"request={id_}"


def _ends(number: str) -> Iterator[int]:
    """Yield where a number ends, and where those end that it is below."""
    at = number.find(".")
    while at > 0:
        yield at
        at = number.find(".", at + 1)
    yield len(number)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))


# --- what is asked for ---------------------------------------------------------------------------------
def of_words(text: str) -> list[Need]:
    """Need every word."""
    return asked(text)


def of_any(several: Iterable[str]) -> Need:
    """Need one of some words."""
    return [each for word in several for need in asked(word) for each in need]


def of_called(names: Iterable[str], numbers: Iterable[str]) -> Need:
    """Need one of some names, as all would write it, of a group, a tool or a campaign; or one of some numbers."""
    called = [_fact("called", spelling(each)) for each in names]
    return [_exactly(each) for each in (*called, *(_fact("known-as", folded(n)) for n in numbers))]


def of_type(type_: str) -> Need:
    """Need a STIX type."""
    return [_exactly(_fact("type", type_))]


def of_sources(vouchers: Iterable[str]) -> Need:
    """Need one of some vouchers."""
    return [_exactly(_fact("from", each)) for each in sorted(set(vouchers))]


def of_agreement(name: str) -> Need:
    """Need what came under an agreement."""
    return [_exactly(_fact("under", name))]


def of_label(label: str) -> Need:
    """Need a label, as all would write it."""
    return [_exactly(_fact("label", folded(label)))]


def of_confidence(least: int) -> Need:
    """Need so much confidence, of a hundred."""
    return [(_fact("sure", f"{least:03d}"), _fact("sure", "101"))]


def of_revoked(revoked: bool) -> Need:  # noqa: FBT001 the fact itself
    """Need what was revoked, or what was not."""
    return [_exactly(_fact("revoked", str(revoked)))]


def of_topic(topic: str) -> Need:
    """Need what stands for a country or a sector."""
    return [_exactly(_fact("about", topic))]


def of_source_id(id_: str) -> Need:
    """Need what a source knows by this id, or by one below it: T1059 has T1059.001."""
    fact = _fact("known-as", folded(id_))
    return [_exactly(fact), (f"{fact}.", f"{fact}/")]


def _exactly(word: str) -> Range:
    return word, f"{word}\0"


def holds(found: Iterable[str], need: Need) -> bool:
    """Say whether what an object is found by meets a need."""
    return any(first <= word < end for word in found for first, end in need)
