"""Matches: what a rule, an indicator or a pattern found in an event. They are ours, and no sightings yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from mithaq.model.telemetry import UNSAID, LogSource, Value
from mithaq.model.whose import Word


@dataclass(frozen=True, kw_only=True)
class Match:
    """One rule found something in one event."""

    rule: str  # as ``model.whose.Word``
    giver: str = ""
    digest: str  # of the rule as it was compiled
    title: str
    level: str = ""
    event: str  # digest of the event; of several, that of the last
    at: str = ""  # when it happened; empty: not known
    source: LogSource = UNSAID
    asset: str = ""  # the machine it is about (``mithaq.detect.assets``); empty: not known
    found: Mapping[str, Value] = field(default_factory=dict)  # the fields that it rests on
    # Of what the index of the past says, which knows no single event: how often, from ``at`` to ``last``.
    times: int = 0
    last: str = ""
    quiet: bool = False  # of something that finds too much: it counts, and nobody is shown each

    @property
    def word(self) -> Word:
        """Whose word it rests on."""
        return Word(self.rule, self.giver)

    @cached_property
    def id(self) -> str:
        """What it is known by: the same for the same rule and event, however often it is found."""
        return sha256(f"{self.digest} {self.event}".encode()).hexdigest()
