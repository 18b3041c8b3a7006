"""The answer: Release, Hold or Withhold, each with its reasons (border.md 2.7)."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property

import msgspec

from mithaq.model.canonical import Json
from mithaq.model.labels import Label


class Rule(StrEnum):
    """Why something stays; the section of border.md stands behind each."""

    RUPTURE = "rupture"  # above every agreement, before any clause
    RESTRICTION = "restriction"  # the same, by law
    NOT_IN_FORCE = "not-in-force"  # 3.1, 3.3
    SHADOW = "shadow"  # decided and recorded, nothing leaves
    NO_CLAUSE = "no-clause"  # 2.2, 3.1
    UNMARKED = "unmarked"  # 2.1
    MARKING_UNKNOWN = "marking-unknown"  # 2.1
    MARKING_FORGED = "marking-forged"  # 1.3
    OWNERSHIP = "ownership"  # 1.2
    RELEASABLE_TO = "releasable-to"  # 2.1
    PURPOSE = "purpose"  # 2.1
    EMBARGO = "embargo"  # 2.1, 2.7
    EXPIRY = "expiry"  # 2.1, 2.7
    ONWARD_GREEN = "onward-green"  # 2.2, 2.3
    ONWARD_AMBER = "onward-amber"  # 2.2
    ONWARD_STRICT = "onward-strict"  # 2.2
    ONWARD_RED = "onward-red"  # 2.2
    ORIGINATOR_CONTROL = "originator-control"  # 2.2
    ECHO = "echo"  # 2.2
    RELAY_EXACT = "relay-exact"  # 5.5
    READERS = "readers"  # 2.4
    CLIENT = "client"  # 8.1
    NOT_ADOPTED = "not-adopted"  # 8.4
    INVALID_VIEW = "invalid-view"  # 1.5
    SCO_PARTIAL = "sco-partial"  # 1.4
    REFERENCE_REQUIRED = "reference-required"  # 2.5
    SILENT_VERSION = "silent-version"  # 1.9
    NOT_NEWEST = "not-newest"  # 1.10
    SUPERSEDED = "superseded"  # 1.10
    HISTORY = "history"  # 3.5
    FIRST_VIEW = "first-view"  # 5.3
    ATTRIBUTION = "attribution"  # 2.10
    RECALLED = "recalled"  # 7
    PRIVATE_KIND = "private-kind"  # own object types never cross as intelligence
    # reasons of a hold
    SECOND_PERSON = "second-person"  # 2.2, 2.8
    POLICY_OWNER = "policy-owner"  # 2.10
    KNOWN_BENIGN = "known-benign"  # it names what lists hold to be harmless


class Reason(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rule that bit, the clause it stands in, and facts for the sentence (ids and levels, never content)."""

    rule: Rule
    clause: str = ""
    facts: Mapping[str, str] = msgspec.field(default_factory=dict)


class View(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What a peer would see of a version: bytes that only remove (border.md 1.5)."""

    raw: bytes
    digest: str
    removed: tuple[str, ...] = ()  # JSON pointers into the stored object, topmost only, sorted
    added: tuple[str, ...] = ()  # fixed marking ids that enter object_marking_refs
    carries: tuple[str, ...] = ()  # statement markings that travel along
    label: Label = Label()

    @cached_property
    def body(self) -> Mapping[str, Json]:
        """The parsed bytes."""
        found: dict[str, Json] = msgspec.json.decode(self.raw)
        return found


class Release(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """It goes, as this view, under this clause."""

    view: View
    clause: str
    onward: str = "none"


class Hold(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """It waits for persons: ``needs`` holds second-person, policy-owner and known-benign."""

    view: View
    clause: str
    needs: frozenset[str]
    reasons: tuple[Reason, ...]
    onward: str = "none"


class Withhold(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """It stays; every rule that bit is named, to us alone."""

    reasons: tuple[Reason, ...]
    would: Release | Hold | None = None  # what a shadow agreement would have done (border.md 3.1)


Decision = Release | Hold | Withhold
