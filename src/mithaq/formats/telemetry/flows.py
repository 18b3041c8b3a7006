"""Flows as routers and probes export them: IPFIX (RFC 7011, and files of it, RFC 5655), NetFlow 9 (RFC 3954) and 5.

An input is messages, one after the other; a datagram is one. What a record holds is said by templates that came before
it in the same input, one set of them for each observation domain; without its template a record is refused, not guessed
at. An event's bytes are its fields as JSON, for a record says nothing without its template.
"""

import json
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from mithaq.clock import text
from mithaq.formats.telemetry import shapes
from mithaq.formats.telemetry.elements import ELEMENTS, address
from mithaq.formats.telemetry.instants import epoch
from mithaq.formats.telemetry.reading import Found, Kind, Said, refused
from mithaq.model.telemetry import Value

_HEADS: Final = {5: 24, 9: 20, 10: 16}  # version -> bytes of a message before its records
_SET_HEAD: Final = 4
_FIRST_DATA: Final = 256  # numbers of sets from here on are those of templates
_TEMPLATES: Final = {0, 2}  # sets that hold templates: NetFlow 9, IPFIX
_OPTIONS: Final = {1, 3}
_MOST_BYTES: Final = 1 << 16  # of a message: it is a datagram
_VARIABLE: Final = 0xFFFF
_LONGER: Final = 255  # of a size in one byte: it stands in the next two
_V5_RECORDS: Final = 30  # of one message
_MOST_TEMPLATES: Final = 4096  # of one input; a probe has a dozen
_MOST_FIELDS: Final = 512
_V5: Final = struct.Struct(">4s4s4sHHIIIIHHBBBBHHBBH")
_WRAP: Final = 1 << 32  # milliseconds that an uptime counts


class _Field(NamedTuple):
    number: int  # of IANA's registry; 0: of a maker's own, which is passed over
    size: int


class _Template(NamedTuple):
    fields: tuple[_Field, ...]
    least: int  # bytes of a record
    flows: bool  # what it describes are flows, not what the probe says of itself


class _Head(NamedTuple):
    """What the head of a message says."""

    version: int
    size: int  # bytes of the message; 0: it ends where another begins
    at: int  # milliseconds since 1970 of its export
    uptime: int  # milliseconds
    domain: int
    records: int


_SYSTEM_INIT: Final = "systemInitTimeMilliseconds"


class _Bad(ValueError):
    """A message is not as its head says."""


class Flows:
    """Reads messages of flows."""

    def __init__(self, _name: str = "", _said: Said | None = None) -> None:
        """Begin before the first message."""
        self.number = 0  # of the last record
        self._bytes = bytearray()
        self._templates: dict[tuple[int, int], _Template] = {}  # domain, number
        self._booted: dict[int, int] = {}  # domain -> when its probe began, in milliseconds

    @property
    def held(self) -> int:
        """The bytes of a message that is not whole yet."""
        return len(self._bytes)

    def feed(self, chunk: bytes) -> Iterator[Found]:
        """Yield the flows of the messages that are whole now."""
        self._bytes += chunk
        yield from self._messages(last=False)

    def end(self) -> Iterator[Found]:
        """Yield those of a message whose end nothing but the end of the input says."""
        yield from self._messages(last=True)
        if self._bytes:
            self._bytes.clear()
            yield refused(self.number + 1, "cut-off", "the input ends within a message")

    def _messages(self, *, last: bool) -> Iterator[Found]:
        while len(self._bytes) >= max(_HEADS.values()):
            try:
                head = _head(bytes(self._bytes[: max(_HEADS.values())]))
                size = head.size or _size_of_v9(self._bytes, last=last)
                if not size or size > len(self._bytes):
                    return
                whole = bytes(self._bytes[:size])
                del self._bytes[:size]
                yield from self._records(head, whole[_HEADS[head.version] :])
            except (_Bad, struct.error) as why:
                # Where the next message begins is not known either.
                self._bytes.clear()
                yield refused(self.number + 1, "record", f"no message of flows: {why}")

    def _records(self, head: _Head, body: bytes) -> Iterator[Found]:
        if head.version == 5:  # noqa: PLR2004 of NetFlow
            for at in range(0, len(body), _V5.size):
                yield self._event(head, _of_v5(_V5.unpack_from(body, at)))
            return
        while len(body) >= _SET_HEAD:
            number, size = struct.unpack_from(">HH", body)
            if size < _SET_HEAD or size > len(body):
                raise _Bad("a set that is longer than its message")
            inner, body = body[_SET_HEAD:size], body[size:]
            if number in _TEMPLATES:
                self._learn(head, inner)
            elif number in _OPTIONS:
                self._learn_options(head, inner)
            elif number >= _FIRST_DATA:
                yield from self._data(head, number, inner)

    # --- templates ---

    def _learn(self, head: _Head, body: bytes) -> None:
        """Take up templates (RFC 7011 section 3.4.1; RFC 3954 section 5.2)."""
        while len(body) >= _SET_HEAD:
            number, count = struct.unpack_from(">HH", body)
            if number < _FIRST_DATA:
                return  # what is left fills the set up
            fields, body = _fields(body[_SET_HEAD:], count, enterprises=head.version == 10)  # noqa: PLR2004
            self._keep(head, number, fields, flows=True)

    def _learn_options(self, head: _Head, body: bytes) -> None:
        """Take up templates of what a probe says of itself (RFC 7011 section 3.4.2; RFC 3954 section 6.1)."""
        while len(body) >= _SET_HEAD + 2:
            number, count, scope = struct.unpack_from(">HHH", body)
            if number < _FIRST_DATA:
                return
            body = body[_SET_HEAD + 2 :]
            ipfix = head.version == 10  # noqa: PLR2004
            if (
                not ipfix
            ):  # sizes of scopes and of options, each field of 4 bytes; a scope's types are its own
                scopes, count = count // 4, (count + scope) // 4
            else:
                scopes = 0
            fields, body = _fields(body, count, enterprises=ipfix)
            known = tuple(
                _Field(0, each.size) if at < scopes else each for at, each in enumerate(fields)
            )
            self._keep(head, number, known, flows=False)

    def _keep(self, head: _Head, number: int, fields: tuple[_Field, ...], *, flows: bool) -> None:
        key = head.domain, number
        if not fields:
            self._templates.pop(key, None)  # withdrawn
        elif key in self._templates or len(self._templates) < _MOST_TEMPLATES:
            least = sum(1 if each.size == _VARIABLE else each.size for each in fields)
            self._templates[key] = _Template(fields, least, flows)

    # --- data ---

    def _data(self, head: _Head, number: int, body: bytes) -> Iterator[Found]:
        template = self._templates.get((head.domain, number))
        if template is None:
            self.number += 1
            yield refused(self.number, "template", "records before the template that explains them")
            return
        while template.least and len(body) >= template.least:
            fields, size = _values(template, body)
            body = body[size:]
            if template.flows:
                yield self._event(head, fields)
            elif isinstance(booted := fields.get(_SYSTEM_INIT), int):
                self._booted[head.domain] = booted

    def _event(self, head: _Head, fields: dict[str, Value]) -> Found:
        self.number += 1
        started = fields.get("flowStartSysUpTime")
        if isinstance(started, int):
            booted = self._booted.get(head.domain) if head.version == 10 else head.at - head.uptime  # noqa: PLR2004
            for name in ("Start", "End") if booted is not None else ():
                moment = fields.pop(f"flow{name}SysUpTime", started)
                if booted is not None and isinstance(moment, int):
                    fields[f"flow{name}Milliseconds"] = epoch(booted + _signed(moment), 1000)
        for name in ("bgpSourceAsNumber", "bgpDestinationAsNumber"):
            if fields.get(name) == 0:  # not known
                del fields[name]
        fields.setdefault("exportTime", _instant(head.at))
        raw = json.dumps(fields, separators=(",", ":")).encode()
        return shapes.event(fields, raw, shapes.flow)


def _signed(uptime: int) -> int:
    """Return an uptime that may lie before its count began, or behind its end."""
    return uptime - _WRAP if uptime >= _WRAP // 2 else uptime


def _instant(milliseconds: int) -> str:
    return text(datetime.fromtimestamp(milliseconds / 1000, UTC))


def _head(raw: bytes) -> _Head:
    """Read the head of a message.

    Raises:
        _Bad: it is none.
    """
    (version,) = struct.unpack_from(">H", raw)
    if version == 10:  # noqa: PLR2004 of NetFlow's versions, IPFIX is the tenth
        _, size, seconds, _, domain = struct.unpack_from(">HHIII", raw)
        if size < _HEADS[10]:
            raise _Bad("a message shorter than its head")
        return _Head(10, size, seconds * 1000, 0, domain, 0)
    if version == 9:  # noqa: PLR2004
        _, count, uptime, seconds, _, domain = struct.unpack_from(">HHIIII", raw)
        return _Head(9, 0, seconds * 1000, uptime, domain, count)
    if version == 5:  # noqa: PLR2004
        _, count, uptime, seconds, nanoseconds = struct.unpack_from(">HHIII", raw)
        return _Head(
            5, 24 + count * _V5.size, seconds * 1000 + nanoseconds // 1_000_000, uptime, 0, count
        )
    raise _Bad("of no version that is known")


def _size_of_v9(raw: bytearray, *, last: bool) -> int:
    """Return the bytes of a message of NetFlow 9: it ends where a number is no set's; 0: that has not come yet."""
    at = _HEADS[9]
    while at + _SET_HEAD <= len(raw):
        number, size = struct.unpack_from(">HH", raw, at)
        if number in _HEADS:
            return at
        at += size
        if size < _SET_HEAD or at > _MOST_BYTES:
            raise _Bad("a set that is no part of a message")
    return at if at == len(raw) and last else 0


def _fields(raw: bytes, count: int, *, enterprises: bool) -> tuple[tuple[_Field, ...], bytes]:
    """Return the fields of a template, and what stands behind it."""
    if count > _MOST_FIELDS:
        raise _Bad("a template of too many fields")
    fields: list[_Field] = []
    at = 0
    for _ in range(count):
        number, size = struct.unpack_from(">HH", raw, at)
        at += 4
        if enterprises and number & 0x8000:
            at += 4
            number = 0
        fields.append(_Field(number, size))
    return tuple(fields), raw[at:]


def _values(template: _Template, raw: bytes) -> tuple[dict[str, Value], int]:
    """Return what a record says, and its size."""
    fields: dict[str, Value] = {}
    at = 0
    for number, said in template.fields:
        size, at = _measured(raw, at) if said == _VARIABLE else (said, at)
        piece = raw[at : at + size]
        at += size
        if len(piece) < size:
            raise _Bad("a record that is longer than its set")
        if number in ELEMENTS:
            name, reads = ELEMENTS[number]
            value = reads(piece)
            if value not in {None, ""}:
                fields[name] = value
    return fields, at


def _measured(raw: bytes, at: int) -> tuple[int, int]:
    """Return the size of a field that says it itself, and where it begins (RFC 7011 section 7)."""
    short = raw[at] if at < len(raw) else 0
    if short < _LONGER:
        return short, at + 1
    (size,) = struct.unpack_from(">H", raw, at + 1)
    return size, at + 3


def _of_v5(said: tuple[bytes | int, ...]) -> dict[str, Value]:
    source, target, hop, enters, leaves, packets, octets, first, end, *rest = said
    sport, dport, _, flags, protocol, service, source_as, target_as, *_ = rest
    named: dict[str, bytes | int] = {
        "ingressInterface": enters, "egressInterface": leaves, "packetDeltaCount": packets, "octetDeltaCount": octets,
        "flowStartSysUpTime": first, "flowEndSysUpTime": end, "sourceTransportPort": sport,
        "destinationTransportPort": dport, "tcpControlBits": flags, "protocolIdentifier": protocol,
        "ipClassOfService": service, "bgpSourceAsNumber": source_as, "bgpDestinationAsNumber": target_as,
    }  # fmt: skip
    places = {
        "sourceIPv4Address": source,
        "destinationIPv4Address": target,
        "ipNextHopIPv4Address": hop,
    }
    fields: dict[str, Value] = {
        name: address(raw) for name, raw in places.items() if isinstance(raw, bytes)
    }
    fields |= {name: value for name, value in named.items() if isinstance(value, int)}
    return fields


def _fits(opening: bytes, _name: str) -> bool:
    """Say whether an opening is the head of a message, and a set or a record behind it."""
    try:
        head = _head(opening[: max(_HEADS.values())])
        number, size = struct.unpack_from(">HH", opening, _HEADS[head.version])
    except (_Bad, struct.error):
        return False
    if head.version == 5:  # noqa: PLR2004
        return 0 < head.records <= _V5_RECORDS
    whole = head.size or len(opening)
    return (
        bool(number in _TEMPLATES | _OPTIONS or number >= _FIRST_DATA)
        and _SET_HEAD <= size <= whole
    )


KIND: Final = Kind("netflow", _fits, Flows)
