"""Telemetry events: what machines and sensors wrote down, as readers hand it to detection.

A reader (``mithaq.formats.telemetry``) knows who writes like that and says so; nothing is guessed from the values. It
flattens what is nested to names with dots and lifts what every tool of the field names without its wrapping: the parts
of ``System`` and ``EventData`` of Windows, for one. So an event has the names that rules for its log source use, as far
as its source has them; a name that is not there is a value that is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = Scalar | list[Scalar]


class LogSource(NamedTuple):
    """Who wrote an event, in Sigma's words; empty: not said."""

    product: str = ""
    category: str = ""
    service: str = ""


UNSAID = LogSource()


@dataclass(kw_only=True, slots=True)
class Event:
    """One telemetry event."""

    fields: Mapping[str, Value]
    source: LogSource = UNSAID
    at: str = ""  # when it happened, as ``mithaq.clock.text`` writes it; empty: not known
    raw: bytes = field(repr=False)  # as it was written, without the end of its line
    _digest: str = field(default="", init=False, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """What it is known by: ``sha256:`` and the SHA-256 of its bytes."""
        if not self._digest:
            self._digest = "sha256:" + sha256(self.raw).hexdigest()
        return self._digest
