"""The ways in which tools of ours are told of hits: a file of JSON lines, syslog (RFC 5424), a webhook.

What a hit holds is an attacker's to write: in each form it stays within its value, whatever signs it has.
"""

import json
import os
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from mithaq.config import Sink
from mithaq.errors import InputError, PeerError
from mithaq.exchange import tls
from mithaq.ingest.fetching import Bounds, Fetcher, Way
from mithaq.ingest.rules import Secret, header_of

Hit = Mapping[str, Any]  # as ``defence.as_told`` makes it

_SECONDS: Final = 10.0  # to connect, to send, to wait for an answer
_FINE: Final = frozenset(range(200, 300))
_FACILITY: Final = 16  # local0
_SEVERITIES: Final = {"critical": 2, "high": 3, "medium": 4, "low": 5, "informational": 6}
_NOTICE: Final = 5  # of a hit that says none, as indicators do
_MOST: Final = 400  # characters of one value; whole messages stay below what UDP carries
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FIELDS: Final = ("id", "rule", "title", "severity", "machine", "log_source", "event")


class NotTold(PeerError):
    """A tool of ours took no hit; what waits for it goes on waiting."""

    code = "not-told"


class Outlet(Protocol):
    """One way to tell of hits."""

    def send(self, hits: Sequence[Hit]) -> None:
        """Tell of hits, of all of them or raise.

        Raises:
            NotTold: it was not taken, as far as that can be known.
        """

    def close(self) -> None:
        """Let go of what it holds."""


def outlet(sink: Sink, home: Path) -> Outlet:
    """Return the way in which a sink is told; its secret and its authority are files, relative to the home.

    Raises:
        InputError: one of these cannot be read, or is not what it must be.
    """
    scheme, _, rest = sink.to.partition(":")
    if scheme == "file":
        return Lines(home / rest)
    ca = _read(home / sink.ca) if sink.ca else ""
    if scheme in {"http", "https"}:
        return Webhook(sink.to, _secret(home / sink.secret) if sink.secret else None, ca)
    return Syslog(sink.to, ca)


class Lines:
    """A file, to which a line of JSON is added for each hit."""

    def __init__(self, path: Path) -> None:
        """Take a path; the file is made when there is something to write."""
        self._path = path

    def send(self, hits: Sequence[Hit]) -> None:
        """Add hits, and return when they are on the disk."""
        lines = "".join(json.dumps(hit, ensure_ascii=False) + "\n" for hit in hits)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        try:
            with os.fdopen(os.open(self._path, flags, 0o600), "r+b") as file:
                end = file.seek(0, os.SEEK_END)
                if end:
                    file.seek(end - 1)
                    cut = file.read(1) != b"\n"  # a line that a kill has cut off
                    lines = "\n" + lines if cut else lines
                file.write(lines.encode("utf-8", "replace"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotTold(f"cannot write: {error.strerror}") from error

    def close(self) -> None:
        """It is open only while it is written."""


class Webhook:
    """A server that is posted hits as JSON: ``{"hits": […]}``."""

    def __init__(self, url: str, secret: Secret | None, ca: str) -> None:
        """Take an address, what is shown there, and who vouches for it."""
        bounds = Bounds(most_bytes=1 << 16, seconds=_SECONDS, whole_seconds=3 * _SECONDS)
        self._url = url
        self._fetcher = Fetcher(url, local=True, secret=secret, bounds=bounds, way=Way(ca=ca))

    def send(self, hits: Sequence[Hit]) -> None:
        """Post hits; a status of 200 to 299 means that all of them were taken."""
        body = json.dumps({"hits": list(hits)}, ensure_ascii=False).encode("utf-8", "replace")
        try:
            self._fetcher.ask("POST", self._url, body, fine=_FINE)
        except PeerError as error:
            raise NotTold(self._fetcher.hushed(str(error))) from error

    def close(self) -> None:
        """Close its connections."""
        self._fetcher.__exit__()


class Syslog:
    """A collector of syslog. Over TCP and TLS messages are counted (RFC 6587); none of the ways says what arrived."""

    def __init__(self, url: str, ca: str) -> None:
        """Take ``syslog+udp://``, ``syslog+tcp://`` or ``syslog+tls://``, a host and a port; 514 or 6514 if none."""
        parts = urlsplit(url)
        self._way = parts.scheme.removeprefix("syslog+")
        self._where = (parts.hostname or "", parts.port or (6514 if self._way == "tls" else 514))
        self._ca = ca
        self._host = _plain(socket.gethostname(), 255) or "-"
        self._open: socket.socket | None = None

    def send(self, hits: Sequence[Hit]) -> None:
        """Send one message for each hit."""
        try:
            for hit in hits:
                message = written(hit, self._host)
                if self._way == "udp":
                    self._connected().send(message)
                else:
                    self._connected().sendall(b"%d %s" % (len(message), message))
        except (OSError, ssl.SSLError) as error:
            self.close()
            raise NotTold(error.strerror or str(error) or type(error).__name__) from error

    def close(self) -> None:
        """Close its connection."""
        if self._open is not None:
            with suppress(OSError):
                self._open.close()
            self._open = None

    def _connected(self) -> socket.socket:
        if self._open is not None and self._way != "udp" and _hung_up(self._open):
            self.close()
        if self._open is None:
            self._open = self._connect()
        return self._open

    def _connect(self) -> socket.socket:
        if self._way != "udp":
            made = socket.create_connection(self._where, timeout=_SECONDS)
            if self._way == "tls":
                trusted = tls.vouched_for(self._ca) if self._ca else tls.context(frozenset(), None)
                made = trusted.wrap_socket(made, server_hostname=self._where[0])
            return made
        found = socket.getaddrinfo(*self._where, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
        made.settimeout(_SECONDS)
        made.connect(address)
        return made


def _hung_up(opened: socket.socket) -> bool:
    """Say whether the other side has closed: what is sent then is lost without an error."""
    opened.settimeout(0)
    try:
        return opened.recv(1) == b""
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        opened.settimeout(_SECONDS)


def written(hit: Hit, host: str) -> bytes:
    """Return a hit as a message of RFC 5424: its facts as structured data, its title as the message."""
    severity = _SEVERITIES.get(str(hit.get("severity", "")), _NOTICE)
    facts = {name: str(hit.get(name, "")) for name in _FIELDS}
    facts["found"] = json.dumps(hit.get("found", {}), ensure_ascii=False)
    told = " ".join(f'{name}="{_value(text)}"' for name, text in facts.items() if text)
    at = str(hit.get("at", "")) or "-"
    head = f"<{_FACILITY * 8 + severity}>1 {at} {host} mithaq - hit [mithaq@32473 {told}]"
    title = _CONTROL.sub(" ", facts["title"])[:_MOST]
    return f"{head} \ufeff{title}".encode("utf-8", "replace")


def _value(text: str) -> str:
    """Write a value of structured data (RFC 5424 section 6.3.3), on one line and cut."""
    cut = _CONTROL.sub(" ", text)[:_MOST]
    return re.sub(r'(["\\\]])', r"\\\1", cut)


def _plain(text: str, most: int) -> str:
    return re.sub(r"[^!-~]", "", text)[:most]


def _secret(path: Path) -> Secret:
    name, colon, value = _read(path).strip().partition(":")
    if not colon:
        raise InputError(f"{path}: one line is expected, a header's name, a colon and its value")
    return header_of(name.strip(), value.strip())


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "no text"
        raise InputError(f"cannot read {path}: {said}") from error
