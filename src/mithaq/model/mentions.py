"""What an object speaks of, and when: techniques, malware, infrastructure and targets, as they are counted.

An object that names others by id is counted under that id: what the id is called is looked up by whoever asks, among
what they may read. So an object is counted by its own bytes alone, whatever becomes of those that it names.
"""

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from ipaddress import ip_network
from typing import NamedTuple

from mithaq.model.folding import folded
from mithaq.model.objects import Body
from mithaq.model.observed import parts, values_of
from mithaq.model.values import Value

_MOST = 512  # keys of one object
# What is known of things, whoever does what: a new edition of a catalogue says it all anew.
_LORE = frozenset(
    {"derived-from", "detects", "duplicate-of", "mitigates", "related-to", "revoked-by", "subtechnique-of"}
)  # fmt: skip
_TARGETS = frozenset({"identity", "location"})  # where a relationship says that they are targets
_MADE = ("created", "published", "valid_from")
_LAST_TRUE = ("last_seen", "last_observed", "first_seen", "first_observed")
_TECHNIQUE = re.compile(r"(?i)\b(?:attack[.:])?(T[0-9]{4}(?:\.[0-9]{3})?)\b")
_NUMBER = re.compile(r"(?i)T[0-9]{4}(?:\.[0-9]{3})?|CAPEC-[0-9]{1,5}")
_GALAXY = re.compile(r'misp-galaxy:([a-z0-9-]+)="([^"]{1,200})"')
_GALAXIES = {
    "sector": "sector",
    "country": "country",
    "target-information": "country",
    **dict.fromkeys(
        ("malpedia", "ransomware", "rat", "banker", "botnet", "stealer", "backdoor", "tool", "threat-actor",
         "microsoft-activity-group", "mitre-malware", "mitre-tool", "mitre-intrusion-set", "android", "cryptominers"),
        "malware",
    ),
}  # fmt: skip
_NUMBERED = re.compile(r" - [A-Z]+[0-9]{4}(?:\.[0-9]{3})?$")  # as galaxies of ATT&CK end
_BELOW = frozenset(
    ["ac", "co", "com", "edu", "gob", "gov", "go", "mil", "ne", "net", "or", "org"]
)  # of a country's names
_WIDTH = {4: 24, 6: 48}  # of the network that an address is counted under
_EPOCH = date(1970, 1, 1)


class Family(StrEnum):
    """What may emerge."""

    TECHNIQUES = "techniques"
    MALWARE = "malware"
    INFRASTRUCTURE = "infrastructure"
    TARGETS = "targets"


_NAMED = {  # types that are counted where others name them
    "attack-pattern": Family.TECHNIQUES,
    "malware": Family.MALWARE,
    "tool": Family.MALWARE,
    "intrusion-set": Family.MALWARE,
    "threat-actor": Family.MALWARE,
    "infrastructure": Family.INFRASTRUCTURE,
}


class Key(NamedTuple):
    """What is counted as one: by an id, or by a kind and a name."""

    family: Family
    kind: str  # whole | ref | called | technique | malware | network | zone | tld | asn | sector | country
    name: str


# --- what an object speaks of --------------------------------------------------------------------------
def keys_of(body: Body) -> set[Key]:
    """Return what an object speaks of."""
    if body.get("revoked") is True:
        return set()
    found = set(_named(body))
    found.update(_labelled(body))
    for value in values_of(body):
        found.update(_placed(value))
    return found if len(found) <= _MOST else set(sorted(found)[:_MOST])


def _named(body: Body) -> Iterator[Key]:
    type_ = str(body.get("type"))
    ids: list[object] = []
    match type_:
        case "relationship" if body.get("relationship_type") not in _LORE:
            ids = [body.get("source_ref"), body.get("target_ref")]
            if body.get("relationship_type") == "targets":
                yield from _target(str(body.get("target_ref")))
        case "report" | "grouping":
            refs = body.get("object_refs")
            ids = list(refs) if isinstance(refs, list) else []
        case "sighting":
            ids = [body.get("sighting_of_ref")]
        case _ if type_ in _NAMED:
            ids = [body.get("id")]
            yield from called(body)
    for id_ in ids:
        family = _NAMED.get(str(id_).partition("--")[0])
        if family is not None:
            yield Key(family, "ref", str(id_))


def called(body: Body) -> Iterator[Key]:
    """Yield the keys of what an object is called: they tell since when a name is known, whatever bears it."""
    family = _NAMED[str(body["type"])]
    for name in names_of(body):
        yield Key(family, "called", name)


def names_of(body: Body) -> list[str]:
    """Return what a technique, a malware or an actor is called: a technique by its number, if it has one."""
    if body.get("type") == "attack-pattern":
        number = technique_of(body)
        return [number] if number else [folded(str(body.get("name")))]
    names = [body.get("name")]
    for field in ("aliases", "x_mitre_aliases"):
        more = body.get(field)
        names += more if isinstance(more, list) else []
    return list(dict.fromkeys(folded(str(name)) for name in names if name))


def technique_of(body: Body) -> str:
    """Return the number of ATT&CK or CAPEC that a technique bears; empty if none."""
    sources = body.get("external_references")
    for each in sources if isinstance(sources, list) else ():
        number = str(each.get("external_id", "")) if isinstance(each, dict) else ""
        if _NUMBER.fullmatch(number):
            return number.upper()
    return ""


def _target(id_: str) -> Iterator[Key]:
    if id_.partition("--")[0] in _TARGETS:
        yield Key(Family.TARGETS, "ref", id_)


def _labelled(body: Body) -> Iterator[Key]:
    """Yield what labels say, the tags of a Sigma rule, and numbers of ATT&CK at what is no technique itself."""
    type_ = body.get("type")
    if type_ in _NAMED:
        return
    labels = body.get("labels")
    for label in labels if isinstance(labels, list) else ():
        yield from _of_label(str(label))
    sources = body.get("external_references")
    for each in sources if isinstance(sources, list) else ():
        if isinstance(each, dict) and str(each.get("source_name")).startswith("mitre"):
            yield from _techniques(str(each.get("external_id")))
    if type_ == "indicator" and body.get("pattern_type") == "sigma":
        for found in re.finditer(
            r"(?i)attack\.(t[0-9]{4}(?:\.[0-9]{3})?)\b", str(body.get("pattern"))
        ):
            yield Key(Family.TECHNIQUES, "technique", found[1].upper())


def _of_label(label: str) -> Iterator[Key]:
    yield from _techniques(label)
    galaxy = _GALAXY.fullmatch(label)
    kind = _GALAXIES.get(galaxy[1]) if galaxy else None
    if galaxy is None or kind is None:
        return
    name = folded(_NUMBERED.sub("", galaxy[2])).strip()
    if name:
        yield Key(Family.MALWARE if kind == "malware" else Family.TARGETS, kind, name)


def _techniques(written: str) -> Iterator[Key]:
    for found in _TECHNIQUE.finditer(written[:300]):
        yield Key(Family.TECHNIQUES, "technique", found[1].upper())


def _placed(value: Value) -> Iterator[Key]:
    """Yield what a value is a part of: a network, a name that gives out names, a top level domain, a system."""
    for kind, text in {value, *parts(value)}:
        if kind in {"ipv4", "ipv6"}:
            own = ip_network(text)
            if own.prefixlen >= _WIDTH[own.version]:
                wide = own.supernet(new_prefix=_WIDTH[own.version])
                yield Key(Family.INFRASTRUCTURE, "network", str(wide))
        elif kind == "domain":
            labels = text.split(".")
            yield Key(Family.INFRASTRUCTURE, "tld", f".{labels[-1]}")
            above = zone(labels)
            if above != text and "." in text:
                yield Key(Family.INFRASTRUCTURE, "zone", above)
        elif kind == "asn":
            yield Key(Family.INFRASTRUCTURE, "asn", f"AS{text}")


def zone(labels: list[str]) -> str:
    """Return the name that was registered, or that gives names out, as far as the form of a domain tells.

    Countries register below a few names of their own, such as ``co.uk``.
    """
    country = len(labels[-1]) == 2 and len(labels) > 2 and labels[-2] in _BELOW  # noqa: PLR2004 ISO 3166
    return ".".join(labels[-3:] if country else labels[-2:])


# --- when ----------------------------------------------------------------------------------------------
def day_of(body: Body, received_at: str) -> int:
    """Return the day, since 1970, of which an object tells: never later than it came.

    The earliest of when it was made and of when what it speaks of was last seen: what is written today of a campaign
    that ended years ago is no news of today, nor is an old report that is imported today.
    """
    told = [body.get(name) for name in _MADE]
    told.append(next((body[name] for name in _LAST_TRUE if name in body), None))
    days = [day for day in map(_day, told) if day is not None]
    return max(0, min([*days, _day(received_at) or 0]))


def _day(written: object) -> int | None:
    try:
        return (date.fromisoformat(str(written)[:10]) - _EPOCH).days
    except ValueError:
        return None


def day_written(day: int) -> str:
    """Write a day as RFC 3339 does."""
    return date.fromordinal(_EPOCH.toordinal() + day).isoformat()
