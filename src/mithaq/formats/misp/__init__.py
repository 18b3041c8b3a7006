"""MISP events: read as STIX 2.1."""

from mithaq.formats.misp.reading import Misp, events_in

__all__ = ["Misp", "events_in"]
