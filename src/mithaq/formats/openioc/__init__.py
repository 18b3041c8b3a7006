"""Indicators of OpenIOC, as patterns of STIX."""

from mithaq.formats.openioc.reading import OpenIoc

__all__ = ["OpenIoc"]
