"""What things are called: their names and aliases, and the numbers that taxonomies such as ATT&CK give them."""

import re
from collections.abc import Iterator, Mapping

from mithaq.model.folding import folded
from mithaq.model.objects import Body

NUMBER = re.compile(r"[A-Za-z]{1,4}[0-9]{4}(?:\.[0-9]{3})?")  # T1059.001, S0154, TA0002
FAMILIES: Mapping[str, str] = {  # types of things that people call alike
    "intrusion-set": "group",
    "threat-actor": "group",
    "malware": "software",
    "tool": "software",
    "campaign": "campaign",
}
_ALIASES = ("aliases", "x_mitre_aliases", "x_opencti_aliases")
_NUMBERED_BY = "mitre"  # ATT&CK's own number of an object; other references are citations


SET = "set:"  # begins what a reference set is called as a source


def is_of_set(voucher: str) -> bool:
    """Say whether a voucher is a reference set: what everybody knows, and nobody's claim."""
    return voucher.startswith(SET)


def names_of(body: Body) -> list[str]:
    """Return the name of an object and its aliases, as they are written, the name first."""
    found: dict[str, None] = {}
    name = body.get("name")
    if isinstance(name, str) and name.strip():
        found[name.strip()] = None
    for listed in (body.get(each) for each in _ALIASES):
        for alias in listed if isinstance(listed, list) else ():
            if isinstance(alias, str) and alias.strip():
                found[alias.strip()] = None
    return list(found)


def spelling(name: str) -> str:
    """Return a name without what people write one way or the other: capitals, accents, blanks, hyphens."""
    return "".join(sign for sign in folded(name) if sign.isalnum())


def number(body: Body) -> str:
    """Return the number that ATT&CK gives an object; of another taxonomy, what its first reference calls it."""
    known = list(references(body))
    own = [each for each in known if each[0].startswith(_NUMBERED_BY)] or known[:1]
    return own[0][1] if own else ""


def references(body: Body) -> Iterator[tuple[str, str]]:
    """Yield (source, what it calls the object) of the external references that call it something."""
    listed = body.get("external_references")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and "external_id" in each:
            yield str(each.get("source_name")), str(each["external_id"])
