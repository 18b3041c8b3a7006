"""Attributes without their events, as MISP's search for attributes answers with: what is known of what they stood in.

Of its event an attribute brings the distribution, and the tags only where they were asked for (``includeEventTags``):
MISP then says of each tag whether the attribute has it from there. Where it does not, nobody here can tell how strictly
the event was marked, so nothing goes further than one's own organisation.
"""

from mithaq.formats.misp.elements import Element, Said
from mithaq.model.canonical import Json
from mithaq.model.labels import Tlp

_NOT_ITS_OWN = frozenset({"Event", "Object", "event_uuid"})


def attributes_in(value: Json) -> list[Element]:
    """Return the attributes that an answer lists; none if it is something else."""
    if isinstance(value, dict) and isinstance(value.get("response"), dict):
        value = value["response"]
    if not isinstance(value, dict) or "info" in value:
        return []
    return Element(value).parts("Attribute")


def around_of(attribute: Element) -> Said:
    """Return what holds of an attribute by what it stood in, as far as it says so."""
    told = any("inherited" in tag.raw for tag in attribute.parts("Tag"))
    around = Said() if told else Said(tlp=Tlp.AMBER_STRICT)
    for kind in ("Event", "Object"):
        for each in attribute.parts(kind):
            around = each.said().within(around)
    return Said(tlp=around.tlp, pap=around.pap)


def bare(attribute: Element) -> Element:
    """Return an attribute without what it says of what it stood in."""
    return Element({n: v for n, v in attribute.raw.items() if n not in _NOT_ITS_OWN})
