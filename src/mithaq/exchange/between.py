"""What only nodes ask of each other: frames, heartbeats, nudges; and our key documents, for anybody.

Nothing is verified here but who is calling: what came in lies in the spool until the worker admits it (border.md 6).
"""

import re
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from mithaq.errors import NotFound, PeerError
from mithaq.exchange.gate import ANYBODY
from mithaq.exchange.onshow import frames_after, is_open
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.visit import Hearing, Visit
from mithaq.exchange.wire import Response
from mithaq.seal import documents
from mithaq.seal.envelope import read
from mithaq.store import shelf as shelves

FRAMES = "application/vnd.mithaq.frames"
JSON = "application/json"
MAX_HEARTBEAT = 256 << 10
MAX_NUDGE = 4 << 10
MAX_KEYS = 2 * documents.MAX_BYTES  # an envelope in base64, with its signatures
_CHANNEL = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")

Names = Mapping[str, str]


class _Nudge(msgspec.Struct, forbid_unknown_fields=True):
    channel: str
    seq: int


def frames(visit: Visit, names: Names) -> Response:
    """Give the frames of one channel to the caller after a number, one behind the other (border.md 5.4).

    Raises:
        NotFound: it is no channel to this caller.
        HttpProblem: 400, 503.
    """
    channel = names["root"]
    peer = visit.knock.name
    if not is_open(visit.shelf, peer, channel, visit.now):
        raise HttpProblem(503, headers={"retry-after": "5"})
    (after,) = visit.request.query.get("after", ["0"])[:1]
    if _NUMBER.fullmatch(after) is None:
        raise HttpProblem(400, "after must be a number")
    body = b"".join(frames_after(visit.shelf, peer, channel, int(after)))
    return Response(status=200, headers={"content-type": FRAMES}, body=body)


def push_frame(visit: Visit, names: Names) -> Response:
    """Take one frame of a channel of the caller's."""
    channel = names["root"]
    if _CHANNEL.fullmatch(channel) is None:
        raise NotFound("no such channel")
    if not visit.request.body:
        raise HttpProblem(400)
    visit.leave("frame", {"channel": channel}, visit.request.body)
    return _taken()


def heartbeat(visit: Visit, _names: Names) -> Response:
    """Give the newest heartbeat made for the caller (border.md 5).

    Raises:
        NotFound: none was made yet.
    """
    envelope = shelves.heartbeat_for(visit.shelf, visit.knock.name)
    if envelope is None:
        raise NotFound("no heartbeat")
    return Response(status=200, headers={"content-type": JSON}, body=envelope)


def push_heartbeat(visit: Visit, _names: Names) -> Response:
    """Take a heartbeat of the caller's."""
    if not visit.request.body:
        raise HttpProblem(400)
    visit.leave("heartbeat", {}, visit.request.body)
    return _taken()


def nudge(visit: Visit, _names: Names) -> Response:
    """Take a hint that something newer stands in a channel.

    Raises:
        HttpProblem: 400, it is none.
    """
    try:
        hint = msgspec.json.decode(visit.request.body, type=_Nudge)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpProblem(400) from error
    if _CHANNEL.fullmatch(hint.channel) is None or hint.seq < 1:
        raise HttpProblem(400)
    visit.leave("nudge", {"channel": hint.channel, "seq": str(hint.seq)}, visit.request.body)
    return _taken()


def key_document(shelf: Connection, names: Names) -> Response:
    """Give our key document, the newest or one by its version, to whoever asks (border.md 9.1).

    Raises:
        NotFound: there is no such version.
    """
    version = names.get("version")
    name = "keys" if version is None else f"keys/{version}"
    raw = shelves.document(shelf, name)
    if raw is None:
        raise NotFound("no such document")
    return Response(status=200, headers={"content-type": JSON}, body=raw)


def hear_keys(visit: Hearing) -> Response:
    """Take a peer's next key document from whoever brings it: its roots vouch for it, not its bearer (border.md 9.3).

    A nation whose exchange key is lost or stolen has no other way to say so to whoever only ever is brought things.
    The answer and its pace are the same whether we know that nation or not: what there is to read of one we know is
    read of what was brought, and what nobody's roots have signed lies in the spool all the same until the worker throws
    it away. Without that a stranger who brings what a nation has published would see by the time who is enrolled here.
    """
    brought = visit.request.body
    try:
        envelope = read(brought)
        party = documents.unverified(envelope).party
        held = shelves.caller_document(visit.shelf, party).encode()
        before = documents.unverified(read(held or brought))
        known = documents.follows(before if held else None, envelope)
    except PeerError:
        return _taken()
    visit.leave(party if known else ANYBODY, "keys" if known else "noise", party, brought)
    return _taken()


def _taken() -> Response:
    return Response(status=202, headers={"content-type": JSON}, body=b"{}")
