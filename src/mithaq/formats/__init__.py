"""Parsers of what comes in: bytes to objects. Pure: no I/O, clock or SQL."""

from mithaq.formats.lists import Lists
from mithaq.formats.misp import Misp
from mithaq.formats.openioc import OpenIoc
from mithaq.formats.registry import (
    PLAIN,
    Format,
    Layout,
    NotThisFormat,
    Read,
    Refusal,
    Registry,
    Undated,
    UnknownFormat,
)
from mithaq.formats.rules import Sigma, Yara
from mithaq.formats.stix import Stix
from mithaq.formats.stix20 import Stix20

LISTS = Lists.name  # what a ``Layout`` is for
BUILT_IN = Registry(
    (Stix20(), Misp(), Stix(), Sigma(), Yara(), OpenIoc(), Lists())
)  # the narrower ones first

__all__ = [
    "BUILT_IN",
    "LISTS",
    "PLAIN",
    "Format",
    "Layout",
    "NotThisFormat",
    "Read",
    "Refusal",
    "Registry",
    "Undated",
    "UnknownFormat",
]
