"""Events of MISP become STIX 2.1, named and labelled as misp-stix does, and keep what STIX has no word for.

What stands in an event under a level comes in under that level at least: an attribute bears its own TLP and its
event's, and a distribution that goes no further than a server bears the level that goes no further than a nation.
What of an element has no place of its own in STIX stands in an extension beside it, so that it can be written as MISP
again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from mithaq.formats.misp.alone import around_of, attributes_in, bare
from mithaq.formats.misp.elements import Element, dated
from mithaq.formats.misp.event import FIRST, NOBODY, Event, Found, guarded
from mithaq.formats.registry import PLAIN, Layout, NotThisFormat, Read, Refusal
from mithaq.model.canonical import DEFAULT_LIMITS, Json, Limits, parse
from mithaq.model.extensions import misp_definition
from mithaq.model.objects import Object, made

_OPENING = re.compile(rb'\s*(?:\[\s*)?\{\s*"(?:Event|Attribute|response)"\s*:')


class Misp:
    """The format ``misp``."""

    name = "misp"

    def fits(self, raw: bytes) -> bool:
        """Say whether ``raw`` begins as an event or an answer of MISP does."""
        return _OPENING.match(raw) is not None

    def read(self, raw: bytes, limits: Limits = DEFAULT_LIMITS, _layout: Layout = PLAIN) -> Read:
        """Read every event; an element that cannot be taken is refused by itself.

        Raises:
            GateRefused: ``raw`` is too long, or no strict JSON. NotThisFormat: it holds no event.
        """
        value = parse(raw, limits)
        some = attributes_in(value)
        if some:
            return _told([_alone(some)])
        return _told(Event(dated(event)).read() for event in _events(value))


def read_event(event: dict[str, Json]) -> Iterator[Found]:
    """Yield the objects of one event, and what of it cannot be taken."""
    return Event(dated(Element(event))).read()


def bodies_of(kind: str, element: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """Yield what the objects of one attribute or object would be, as if its event said nothing.

    Nobody has looked whether they are valid.

    Raises:
        InputError: something of it cannot be taken.
    """
    found: list[dict[str, Json]] = []
    event = Event(Element({}), date=FIRST, creator=NOBODY, drafts=found)
    read = event.attribute if kind == "Attribute" else event.object
    for _ in read(Element(element)):
        yield from found
        found.clear()


def events_in(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Mapping[str, Json]]:
    """Return the events in ``raw`` as they are written, none if it lists attributes; raises as ``Misp.read``."""
    value = parse(raw, limits)
    return [] if attributes_in(value) else [dated(each).raw for each in _events(value)]


def _events(value: Json) -> list[Element]:
    if isinstance(value, dict) and "response" in value:
        value = value["response"]
    events: list[Element] = []
    for each in value if isinstance(value, list) else [value]:
        event = each.get("Event", each) if isinstance(each, dict) else None
        if not isinstance(event, dict) or "info" not in event:
            raise NotThisFormat("no event of MISP", where="")
        events.append(Element(event))
    return events


def _alone(attributes: Iterable[Element]) -> Iterator[Found]:
    """Yield what attributes say of which the events are not at hand: nobody is named as their maker."""
    yield made(misp_definition())
    for number, each in enumerate(attributes):
        yield from guarded(f"Attribute {number}", _one(each))


def _one(attribute: Element) -> Iterator[Object]:
    around = around_of(attribute)
    event = Event(Element({}), around, around, date=attribute.instant("timestamp"))
    yield from event.attribute(bare(attribute))


def _told(events: Iterable[Iterator[Found]]) -> Read:
    """Yield what the events hold, each with its place in all that they hold."""
    position = 0
    for number, event in enumerate(events):
        for each in event:
            if isinstance(each, Object):
                yield each
            else:
                at, error = each
                where = f"event {number} {at}{error.facts.get('where', '')}"
                yield Refusal(
                    position=position, id=None, code=error.code, where=where, why=str(error)
                )
            position += 1
