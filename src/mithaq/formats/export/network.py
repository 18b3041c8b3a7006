"""What network sensors and resolvers take: Zeek's intelligence framework, and response policy zones (RPZ).

A value or a name from abroad never ends its line or its field: what has a meaning in the syntax is written by its
number, or the value is left out.
"""

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_network

from mithaq.formats.export.told import Entry
from mithaq.model.values import Value

_ZEEK = {
    "domain": "DOMAIN", "email": "EMAIL", "md5": "FILE_HASH", "sha1": "FILE_HASH", "sha256": "FILE_HASH",
    "filename": "FILE_NAME", "certificate-sha1": "CERT_HASH", "user-agent": "SOFTWARE",
}  # fmt: skip
_MOST_OF_NAME = (
    253 - 64
)  # characters; the resolver adds the zone's own name (RFC 1035 section 2.3.4)

_MOST_OF_TITLE = 120  # characters of an indicator's name, which stands beside each of its values


class Zeek:
    """A file of Zeek's intelligence framework: one line for each value of each entry."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lines: set[str] = set()

    def take(self, entry: Entry) -> bool:
        """Take what an entry says; say whether that is anything."""
        about = _field(f"{entry.id} {entry.name[:_MOST_OF_TITLE]}".strip())
        level = _field(entry.tlp) if entry.tlp else "-"
        lines = [
            f"{_field(text)}\tIntel::{kind}\tmithaq\t{about}\t{level}\n"
            for value in entry.alone()
            for kind, text in _zeek(value)
        ]
        self._lines.update(lines)
        return bool(lines)

    def done(self, _at: datetime) -> bytes:
        """Return the file."""
        head = "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.mithaq_tlp\n"
        return (head + "".join(sorted(self._lines))).encode("ascii")


def _zeek(value: Value) -> Iterator[tuple[str, str]]:
    """Yield a value as Zeek compares it: a URL without its scheme."""
    kind, text = value
    if kind in {"ipv4", "ipv6"}:
        yield ("SUBNET" if "/" in text else "ADDR"), text
    elif kind == "url":
        yield "URL", text.partition("://")[2] or text
    elif kind in _ZEEK:
        yield _ZEEK[kind], text


def _field(text: str) -> str:
    """Write a text for Zeek's reader: a byte that is none of plain ASCII, or has a meaning there, by its number."""
    raw = text.encode("utf-8", "replace")
    return "".join(
        chr(byte) if _is_plain(byte, at, len(raw)) else f"\\x{byte:02x}"
        for at, byte in enumerate(raw)
    )


def _is_plain(byte: int, at: int, length: int) -> bool:
    if not 0x20 <= byte < 0x7F or byte in b"\\,|":  # noqa: PLR2004 printable ASCII
        return False
    if byte == ord("-") and length == 1:  # a field that is not set
        return False
    return at > 0 or byte not in b"#("  # a comment; (empty)


class Zone:
    """A response policy zone: what it names does not exist for whoever asks the resolver that has it.

    Names and addresses in answers alone; a name stands for itself and not for what is below it, as the pattern says.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._owners: set[str] = set()

    def take(self, entry: Entry) -> bool:
        """Take what an entry says; say whether that is anything."""
        owners = [owner for value in entry.alone() if (owner := _owner(value))]
        self._owners.update(owners)
        return bool(owners)

    def done(self, at: datetime) -> bytes:
        """Return the zone, without its name, which whoever loads it gives; the serial is the second it was made in."""
        head = f"$TTL 300\n@ IN SOA localhost. mithaq.localhost. {int(at.timestamp())} 300 60 604800 300\n"
        body = "".join(f"{owner} CNAME .\n" for owner in sorted(self._owners))
        return f"{head}@ IN NS localhost.\n{body}".encode("ascii")


def _owner(value: Value) -> str:
    """Return the owner name that stands for a value; empty: there is none."""
    kind, text = value
    if kind == "domain":
        return text if len(text) <= _MOST_OF_NAME else ""
    if kind not in {"ipv4", "ipv6"}:
        return ""
    network = ip_network(text)
    address = str(network.network_address)
    parts = address.split(".") if kind == "ipv4" else _words(address)
    return ".".join([str(network.prefixlen), *reversed(parts), "rpz-ip"])


def _words(address: str) -> list[str]:
    """Return the words of an IPv6 address in its short form, ``zz`` for the run of zeros that it leaves out."""
    front, gap, back = address.partition("::")
    if not gap:
        return address.split(":")
    return [word for word in (*front.split(":"), "zz", *back.split(":")) if word]
