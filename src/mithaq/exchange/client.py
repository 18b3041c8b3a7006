"""What a node asks of another: its keys, its heartbeat, frames; and what it brings there (border.md 5.4, 9.2)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mithaq.errors import PeerError
from mithaq.exchange.transport import sign
from mithaq.exchange.wire import PeerUnreachable, Request, Wire
from mithaq.seal.documents import MAX_BYTES
from mithaq.seal.frames import MAX_ENVELOPE, several
from mithaq.seal.keys import Signer

FRAMES = "application/vnd.mithaq.frames"
JSON = "application/json"
MAX_ANSWER = MAX_ENVELOPE + (
    72 << 20
)  # of frames: the seal, and the largest body that any agreement allows
_OK = 200


class PeerRefuses(PeerError):
    """The other node answered, but not with what was asked; fact ``status`` is its HTTP status."""

    code = "peer-refuses"


def fetch_keys(wire: Wire, url: str, version: int | None = None) -> bytes:
    """Fetch a node's key document envelope: the newest, or one version of it; 64 kB at most.

    Raises:
        PeerUnreachable, PeerRefuses: there was none.
    """
    path = "/mithaq/keys/" if version is None else f"/mithaq/keys/{version}/"
    request = Request(method="GET", url=url.rstrip("/") + path, headers={"accept": JSON})
    answer = wire.send(request, 2 * MAX_BYTES)
    if answer.status != _OK:
        raise PeerRefuses("no key document there", status=answer.status)
    return answer.body


def bring_keys(wire: Wire, url: str, raw: bytes) -> None:
    """Bring a key document of ours to another node, unsigned: its roots vouch for it, whatever keys are known there.

    Raises:
        PeerUnreachable, PeerRefuses: it did not take it.
    """
    headers = {"content-type": JSON}
    request = Request(
        method="POST", url=url.rstrip("/") + "/mithaq/keys/", headers=headers, body=raw
    )
    answer = wire.send(request, 1 << 16)
    if answer.status not in {_OK, 202}:
        raise PeerRefuses(f"the peer answered {answer.status}", status=answer.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line to one peer: every request on it bears our signature."""

    wire: Wire
    url: str
    signer: Signer

    def heartbeat(self, now: datetime) -> bytes | None:
        """Fetch the heartbeat made for us; None if there is none yet."""
        answer = self._send("GET", "/mithaq/heartbeat/", now, limit=4 << 20, fine=(_OK, 404))
        return answer or None

    def frames(self, channel: str, after: int, now: datetime) -> Sequence[bytes]:
        """Fetch the frames of ``channel`` after a number, in order; none if there is nothing newer.

        Raises:
            BadEnvelope, BadMessage: the answer is no row of frames.
        """
        path = f"/taxii2/{channel}/frames/?after={after}"
        return list(several(self._send("GET", path, now, limit=MAX_ANSWER)))

    def bring_frame(self, channel: str, frame: bytes, now: datetime) -> None:
        """Push one frame of ours."""
        self._send("POST", f"/taxii2/{channel}/frames/", now, body=frame, kind=FRAMES)

    def bring_heartbeat(self, raw: bytes, now: datetime) -> None:
        """Push our heartbeat."""
        self._send("POST", "/mithaq/heartbeat/", now, body=raw, kind=JSON)

    def nudge(self, channel: str, seq: int, now: datetime) -> None:
        """Say that ``channel`` now goes up to ``seq``; a hint, lost without harm."""
        body = json.dumps({"channel": channel, "seq": seq}).encode()
        self._send("POST", "/mithaq/nudge/", now, body=body, kind=JSON)

    def _send(  # noqa: PLR0913 the parts of one request
        self,
        method: str,
        path: str,
        now: datetime,
        *,
        body: bytes = b"",
        kind: str = "",
        limit: int = 1 << 16,
        fine: tuple[int, ...] = (_OK, 202),
    ) -> bytes:
        headers = {"content-type": kind} if kind else {}
        request = Request(method=method, url=self.url + path, headers=headers, body=body)
        answer = self.wire.send(sign(request, self.signer, now), limit)
        if answer.status not in fine:
            raise PeerRefuses(f"the peer answered {answer.status}", status=answer.status)
        return answer.body if answer.status == _OK else b""


__all__ = ["FRAMES", "Line", "PeerRefuses", "PeerUnreachable", "bring_keys", "fetch_keys"]
