"""Attribution to a State (border.md 2.10): what says or shows who stands behind an actor."""

from collections.abc import Mapping

from mithaq.model.canonical import Json
from mithaq.model.objects import Object

ACTORS = frozenset({"threat-actor", "intrusion-set", "campaign", "malware"})


def attributes(body: Mapping[str, Json]) -> bool:
    """Say whether a view attributes something to a State."""
    kind = str(body.get("type"))
    if kind == "relationship":
        return _relates(body)
    return kind in ACTORS and _names_country(dict(body))


def attributes_anything(stored: Object) -> bool:
    """Say whether a view of ``stored`` may attribute something; what cannot need not be parsed."""
    if stored.type == "relationship":
        targets = (id_ for at, id_ in stored.references if at == "/target_ref")
        return any(id_.startswith(("identity--", "location--")) for id_ in targets)
    return stored.type in ACTORS and attributes(stored.body)


def _relates(body: Mapping[str, Json]) -> bool:
    relation = body.get("relationship_type")
    source = str(body.get("source_ref")).partition("--")[0]
    target = str(body.get("target_ref")).partition("--")[0]
    if relation == "attributed-to":
        return target == "identity"
    return (
        relation in {"located-at", "originates-from"} and target == "location" and source in ACTORS
    )


def _names_country(value: Json) -> bool:
    if isinstance(value, dict):
        return any(
            key == "country" or key.endswith("_country") or _names_country(item)
            for key, item in value.items()
        )
    return isinstance(value, list) and any(_names_country(item) for item in value)
