"""Bytes that events carry: what went over a wire, what a script said; YARA rules look through them as through files.

Which fields hold them, and how they are written, says a table for each log source. What is not written so is looked
through as it stands: a sensor that names a field otherwise than its documentation says hides nothing.
"""

from base64 import b64decode
from binascii import Error
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final, Protocol

from mithaq.detect import assets
from mithaq.detect.matches import Match
from mithaq.detect.yara import TooSlow
from mithaq.model.telemetry import Event

_TEXT, _BASE64, _HEX = "text", "base64", "hex"
_WINDOWS: Final = {"ScriptBlockText": _TEXT, "Payload": _TEXT, "Contents": _TEXT, "content": _HEX}
# A word of the log source -> its fields that carry bytes; Sysmon's and PowerShell's, AMSI's, Suricata's, Zeek's.
_CARRIED: Final[Mapping[str, Mapping[str, str]]] = {
    "windows": _WINDOWS,
    "sysmon": _WINDOWS,
    "suricata": {
        "payload": _BASE64, "payload_printable": _TEXT, "packet": _BASE64,
        "http.http_request_body": _BASE64, "http.http_response_body": _BASE64,
        "http.http_request_body_printable": _TEXT, "http.http_response_body_printable": _TEXT,
    },
    "zeek": {"post_body": _TEXT, "payload": _BASE64},
}  # fmt: skip
_DOTTED: Final = {  # of ECS, whoever wrote them
    "powershell.file.script_block_text": _TEXT,
    "http.request.body.content": _TEXT,
    "http.response.body.content": _TEXT,
}
_SECONDS: Final = 5  # for the bytes of one field
_WINDOW: Final = 10_000  # events
_MOST_SLOW: Final = 3  # in a window; then nothing is looked through until it is over
_REMEMBERED: Final = 4096  # bytes that were looked through and held nothing, by digest


class Scans(Protocol):
    """Rules over bytes."""

    def match(self, content: bytes, name: str, seconds: int) -> Iterator[Match]:
        """Yield what is found; raise TooSlow."""


def carried(event: Event) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes that an event carries, each with the name of its field."""
    known = dict(_DOTTED)
    for word in event.source:
        known |= _CARRIED.get(word, {})
    for name in known.keys() & event.fields.keys():
        said = event.fields[name]
        for one in said if isinstance(said, list) else [said]:
            if isinstance(one, str) and one:
                yield name, _read(one, known[name])


def _read(said: str, how: str) -> bytes:
    try:
        if how == _BASE64:
            return b64decode(said, validate=True)
        if how == _HEX:
            return bytes.fromhex(said.removeprefix("0x").removeprefix("0X"))
    except (Error, ValueError):
        pass
    return said.encode("utf-8", "replace")


class Carried:
    """YARA rules over what events carry. Of one event a rule tells once."""

    def __init__(self, scanner: Scans) -> None:
        """Take rules."""
        self.slow = 0  # events that were not looked through to their end
        self._scanner = scanner
        self._seen = self._slow = 0  # in this window
        self._empty: dict[bytes, None] = {}

    def match(self, batch: Sequence[Event]) -> Iterator[Match]:
        """Yield what is found in each event, in their order."""
        for event in batch:
            self._seen += 1
            if self._seen > _WINDOW:
                self._seen, self._slow = 1, 0
            found: dict[str, Match] = {}
            for name, content in sorted(carried(event)):
                for match in self._looked(content):
                    found.setdefault(match.digest, self._told(match, event, name))
            yield from found.values()

    def _looked(self, content: bytes) -> list[Match]:
        known = sha256(content).digest()
        if known in self._empty:
            return []
        if self._slow >= _MOST_SLOW:
            self.slow += 1
            return []
        try:
            found = list(self._scanner.match(content, "", _SECONDS))
        except TooSlow:
            self.slow += 1
            self._slow += 1
            return []
        if not found:
            if len(self._empty) >= _REMEMBERED:
                self._empty.clear()
            self._empty[known] = None
        return found

    def _told(self, match: Match, event: Event, name: str) -> Match:
        where = {each: value for each, value in match.found.items() if each != "file"}
        return replace(
            match,
            event=event.digest,
            at=event.at,
            source=event.source,
            asset=assets.of(event),
            found={"field": name} | where,
        )
