"""What fields of flows are called and how they are read: IANA's registry of IPFIX, which begins as NetFlow's."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

from mithaq.formats.telemetry.instants import epoch
from mithaq.model.telemetry import Value

_Reads: TypeAlias = Callable[[bytes], Value]


_NTP: Final = 2_208_988_800  # seconds from 1900 to 1970
_FRACTIONS: Final = 1 << 32  # of a second, as NTP counts


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def address(raw: bytes) -> str | None:
    """Return an address of 4 or 16 bytes as text; None: of another size."""
    if len(raw) == 4:  # noqa: PLR2004 bytes of an address
        return str(IPv4Address(raw))
    return str(IPv6Address(raw)) if len(raw) == 16 else None  # noqa: PLR2004 as above


def _mac(raw: bytes) -> str:
    return raw.hex(":")


def _words(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("utf-8", "replace")


def _seconds(raw: bytes) -> str:
    return epoch(_number(raw))


def _milliseconds(raw: bytes) -> str:
    return epoch(_number(raw), 1000)


def _ntp(raw: bytes) -> str:
    """Of an instant as NTP counts: seconds since 1900, and a fraction of 32 bits (RFC 7011, section 6.1.9)."""
    return epoch(_number(raw[:4]) - _NTP + _number(raw[4:8]) / _FRACTIONS)


# Those that no rule, no value and no analyst asks for are left out.
_READ: Final[tuple[tuple[_Reads, dict[int, str]], ...]] = (
    (_number, {
        1: "octetDeltaCount", 2: "packetDeltaCount", 4: "protocolIdentifier", 5: "ipClassOfService",
        6: "tcpControlBits", 7: "sourceTransportPort", 10: "ingressInterface", 11: "destinationTransportPort",
        14: "egressInterface", 16: "bgpSourceAsNumber", 17: "bgpDestinationAsNumber", 21: "flowEndSysUpTime",
        22: "flowStartSysUpTime", 23: "postOctetDeltaCount", 24: "postPacketDeltaCount", 32: "icmpTypeCodeIPv4",
        58: "vlanId", 60: "ipVersion", 61: "flowDirection", 85: "octetTotalCount", 86: "packetTotalCount",
        136: "flowEndReason", 139: "icmpTypeCodeIPv6", 148: "flowId", 160: "systemInitTimeMilliseconds",
        161: "flowDurationMilliseconds", 227: "postNAPTSourceTransportPort", 228: "postNAPTDestinationTransportPort",
    }),
    (address, {
        8: "sourceIPv4Address", 12: "destinationIPv4Address", 15: "ipNextHopIPv4Address", 18: "bgpNextHopIPv4Address",
        27: "sourceIPv6Address", 28: "destinationIPv6Address", 62: "ipNextHopIPv6Address",
        225: "postNATSourceIPv4Address", 226: "postNATDestinationIPv4Address", 281: "postNATSourceIPv6Address",
        282: "postNATDestinationIPv6Address",
    }),
    (_mac, {56: "sourceMacAddress", 80: "destinationMacAddress"}),
    (_words, {
        82: "interfaceName", 96: "applicationName", 459: "httpRequestMethod", 460: "httpRequestHost",
        461: "httpRequestTarget", 468: "httpUserAgent",
    }),
    (_seconds, {150: "flowStartSeconds", 151: "flowEndSeconds"}),
    (_milliseconds, {152: "flowStartMilliseconds", 153: "flowEndMilliseconds"}),
    (_ntp, {
        154: "flowStartMicroseconds", 155: "flowEndMicroseconds", 156: "flowStartNanoseconds",
        157: "flowEndNanoseconds",
    }),
)  # fmt: skip
# Number in IANA's registry -> name, and how it is read.
ELEMENTS: Final[dict[int, tuple[str, _Reads]]] = {
    number: (name, reads) for reads, names in _READ for number, name in names.items()
}
