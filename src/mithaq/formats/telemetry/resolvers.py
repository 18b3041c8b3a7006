"""Logs that resolvers and mail servers write into files of their own, each line with an instant before it.

What stands in a line is what they say to syslog as well (``daemons``); CoreDNS and Windows' DNS server write theirs
here alone.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from mithaq.clock import text
from mithaq.formats.telemetry import daemons
from mithaq.formats.telemetry.instants import epoch, iso, yearless
from mithaq.formats.telemetry.reading import PLAIN, Kind, Said
from mithaq.formats.telemetry.texts import Line, Lines, Told
from mithaq.model.telemetry import LogSource

_LOOKED: Final = 64  # lines of an opening: Windows' log begins with a legend


def _read(
    message: str, reader: Callable[[str], daemons.Said | None], service: str, at: str
) -> Told:
    found = reader(message)
    fields, source = found or ({}, None)
    return {"message": message, **fields}, source or LogSource(product="linux", service=service), at


# --- BIND, unbound, dnsmasq -----------------------------------------------------------------------

_BIND: Final = re.compile(
    r"(\d\d-[A-Z][a-z]{2}-\d{4}) (\d\d:\d\d:\d\d\.\d{3}) (?:[\w-]+: ){0,2}(client .*)", re.DOTALL
)
_UNBOUND: Final = re.compile(
    r"(?:\[(\d{9,11})\]|([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)) unbound\[\d+:\d+\] (.*)", re.DOTALL
)
_DNSMASQ: Final = re.compile(
    r"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) dnsmasq\[\d+\]: (.*)", re.DOTALL
)


def _bind(line: str, _said: Said) -> Told | None:
    found = _BIND.fullmatch(line)
    return (
        _read(
            found[3],
            daemons.bind,
            "named",
            _instant(f"{found[1]} {found[2]}", "%d-%b-%Y %H:%M:%S.%f"),
        )
        if found
        else None
    )


def _unbound(line: str, said: Said) -> Told | None:
    found = _UNBOUND.fullmatch(line)
    if found is None:
        return None
    at = epoch(found[1]) if found[1] else yearless(found[2], said.now)
    return _read(found[3], daemons.unbound, "unbound", at)


def _dnsmasq(line: str, said: Said) -> Told | None:
    found = _DNSMASQ.fullmatch(line)
    return (
        _read(found[2], daemons.dnsmasq, "dnsmasq", yearless(found[1], said.now)) if found else None
    )


def _instant(written: str, form: str) -> str:
    try:
        return text(datetime.strptime(written, form).replace(tzinfo=UTC))
    except ValueError:
        return ""


# --- CoreDNS, and Windows' DNS server -------------------------------------------------------------

_CORE: Final = re.compile(
    r"(?:(\d{4}-\d\d-\d\dT\S+) )?\[INFO\] \[?([0-9A-Fa-f.:]+?)\]?:(\d+) - \d+"
    r' "(\w+) IN (\S+) (\w+) [^"]*" (\w+) .*',
    re.DOTALL,
)
_WINDOWS: Final = re.compile(
    r"(\S+) (\S+(?: [AP]M)?) +[0-9A-F]{3,4} PACKET +[0-9A-F]+ (UDP|TCP) (Rcv|Snd) (\S+) +[0-9a-f]{4} +(R)? *[A-Z?] "
    r"\[[^\]]*\] +(\w+) +(\S+)",
)
_LABEL: Final = re.compile(r"\((\d+)\)")
_CLOCKS: Final = (
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
)


def _coredns(line: str, _said: Said) -> Told | None:
    found = _CORE.fullmatch(line)
    if found is None:
        return None
    at, client, port, kind, name, protocol, code = found.groups()
    fields = {
        "query": name.rstrip("."), "record_type": kind, "src_ip": client, "src_port": port, "protocol": protocol,
        "response_code": code,
    }  # fmt: skip
    return fields, daemons.RESOLVER, iso(at)


def _windows_dns(line: str, _said: Said) -> Told | None:
    """Of the debug log: a packet, with a name as ``(3)www(7)example(3)com(0)``."""
    found = _WINDOWS.match(line)
    if found is None:
        return None
    day, clock, protocol, way, client, answer, kind, name = found.groups()
    fields = {
        "query": _LABEL.sub(".", name).strip("."), "record_type": kind, "protocol": protocol,
        "direction": way, "src_ip" if way == "Rcv" and not answer else "dst_ip": client,
    }  # fmt: skip
    at = next(filter(None, (_instant(f"{day} {clock}", form) for form in _CLOCKS)), "")
    return fields, daemons.RESOLVER, at


# --- Exim -----------------------------------------------------------------------------------------

_EXIM: Final = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)?(?: ([+-]\d{4}))? (?:\[\d+\] )?(.*)", re.DOTALL
)


def _exim(line: str, _said: Said) -> Told | None:
    found = _EXIM.fullmatch(line)
    return (
        _read(found[3], daemons.exim, "exim", iso(found[1] + (found[2] or ""))) if found else None
    )


def _kind(name: str, *forms: Line, strictly: bool = False, begins: str = "") -> Kind:
    """Return a kind whose openings hold a line of one of ``forms``, and if ``strictly``, one that is understood."""

    def line(written: str, said: Said) -> Told | None:
        return next((found for form in forms if (found := form(written, said))), None)

    def fits(opening: bytes, _name: str) -> bool:
        some = opening.decode("utf-8", "replace").splitlines()[:_LOOKED]
        found = (line(each[:8192], PLAIN) for each in some)
        return any(each and (not strictly or len(each[0]) > 1) for each in found)

    return Kind(name, fits, lambda _name, said: Lines(line, said, begins))


KINDS: Final = (
    _kind("resolver", _bind, _unbound, _dnsmasq, _coredns),
    _kind(
        "windows-dns", _windows_dns, begins="0123456789"
    ),  # around its lines stand a legend, and details
    _kind("exim", _exim, strictly=True),
)
