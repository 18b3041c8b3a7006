"""Attribution to a State (border.md 2.10): what says or shows who stands behind an actor."""

from collections.abc import Mapping

from mithaq.model.canonical import Json
from mithaq.model.objects import Object

ACTORS = frozenset({"threat-actor", "intrusion-set", "campaign", "malware"})
_SPEAKING = ACTORS | {"language-content"}


def attributes(body: Mapping[str, Json]) -> bool:
    """Say whether a view attributes something to a State.

    A translation of an actor (language-content) holds the actor's properties and so counts as the actor.
    """
    kind = str(body.get("type"))
    if kind == "relationship":
        return _relates(body)
    if kind == "language-content":
        kind = _type_of(body.get("object_ref"))
    return kind in ACTORS and _names_country(dict(body))


def attributes_anything(stored: Object) -> bool:
    """Say whether a view of ``stored`` may attribute something; what cannot need not be parsed."""
    if stored.type == "relationship":
        return any(
            at == "/target_ref" and id_.startswith(("identity--", "location--"))
            for at, id_ in stored.links
        )
    return stored.type in _SPEAKING and attributes(stored.body)


def _type_of(id_: Json) -> str:
    return str(id_).partition("--")[0]


def _relates(body: Mapping[str, Json]) -> bool:
    relation = body.get("relationship_type")
    source, target = _type_of(body.get("source_ref")), _type_of(body.get("target_ref"))
    if relation == "attributed-to":
        return target == "identity"
    return (
        relation in {"located-at", "originates-from"} and target == "location" and source in ACTORS
    )


def _names_country(value: Json) -> bool:
    if isinstance(value, dict):
        return any(_is_country(key) or _names_country(item) for key, item in value.items())
    return isinstance(value, list) and any(_names_country(item) for item in value)


def _is_country(key: str) -> bool:
    """Say whether a property is of that name; keys of dictionaries may hold capital letters (STIX 2.1 section 2.4)."""
    name = key.casefold()
    return name == "country" or name.endswith("_country")
