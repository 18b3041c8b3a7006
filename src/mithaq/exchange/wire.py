"""Requests and answers as values, and the one seam to the network: a Wire carries a request to a peer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from mithaq.errors import PeerError


class PeerUnreachable(PeerError):
    """No usable answer came: no connection, a time-out, or more bytes than allowed."""

    code = "peer-unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request; header names are lower case, ``url`` is absolute."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """The path, percent-encoding kept."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, list[str]]:
        """Query parameters in order, each with all its values."""
        found: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP answer with its whole body; every body here is bounded by a page or a frame."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


class Wire(Protocol):
    """Carries one request to another node: over HTTP, or in tests over a simulated network."""

    def send(self, request: Request, limit: int) -> Response:
        """Return the answer, at most ``limit`` body bytes.

        Raises:
            PeerUnreachable: there was none in time, or it was longer.
        """
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...
