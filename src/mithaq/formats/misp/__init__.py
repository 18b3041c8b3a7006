"""MISP events: read as STIX 2.1."""

from mithaq.formats.misp.reading import Misp

__all__ = ["Misp"]
