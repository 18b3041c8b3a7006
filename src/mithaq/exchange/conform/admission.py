"""How another node takes what is pushed to it: whatever it holds of it, the answer says the same (border.md 6).

Only with the consent of whom is examined. What is sent is in a realm of its own and in a channel that nobody has, so
that nothing of it can be admitted anywhere.
"""

import secrets
from collections.abc import Mapping

import msgspec

from mithaq.clock import text
from mithaq.exchange.client import FRAMES, JSON
from mithaq.exchange.conform.pair import Line, same
from mithaq.exchange.conform.seals import HEART, heartbeat_of
from mithaq.exchange.conform.writing import declared
from mithaq.model.canonical import digest
from mithaq.seal.envelope import sign
from mithaq.seal.frames import frame
from mithaq.seal.keys import Signer, generate
from mithaq.seal.messages import SEAL, ZERO, Body, Doc, Seal, encode

REALM = "drill:conformance"
_TAKEN, _BAD, _UNKNOWN, _NOT_FOUND = 202, 400, 401, 404
_WAIT_SECONDS = 3.0


def examine(line: Line) -> None:
    """Push what must be refused; look that nobody is told how, and that none of it is held."""
    channel = secrets.token_hex(16)
    _frames(line, channel)
    _heartbeats(line)
    _nudges(line, channel)
    line.probe.pause(_WAIT_SECONDS)
    answer, heartbeat = heartbeat_of(line)
    held = heartbeat is not None and all(head.channel != channel for head in heartbeat.have)
    line.probe.book.judge("push-nothing-held", answer.evidence(f"channel {channel}"), holds=held)


def _cases(line: Line, channel: str) -> Mapping[str, bytes]:
    """Return frames that must be refused, by what is wrong with them."""
    body = msgspec.json.encode(declared())
    good = _seal(line, channel, body)
    ours = line.pair.signer
    return {
        "another realm": _framed(good, ours, body),
        "an unknown key": _framed(_but(good), generate(), body),
        "another recipient": _framed(_but(good, to="nobody"), ours, body),
        "another sender": _framed(_but(good, sender=line.pair.them), ours, body),
        "another body": _framed(good, ours, body[::-1]),
        "cut short": _framed(good, ours, body)[:-7],
        "no frame": b"mithaq conformance test",
        "a length that lies": b"\xff\xff\xff\xff" + body,
    }


def _seal(line: Line, channel: str, body: bytes) -> Seal:
    part = Doc(
        payload_type="application/stix+json;version=2.1", digest=digest(body), size=len(body)
    )
    return Seal(
        realm=REALM,
        sender=line.pair.us,
        to=line.pair.them,
        channel=channel,
        seq=1,
        prev=ZERO,
        issued=text(line.pair.clock()),
        audit="0" * 64,
        entries=[part],
        body=Body(digest=digest(body), size=len(body)),
    )


def _but(seal: Seal, **changed: str) -> Seal:
    """Return a seal that says something else in places."""
    return msgspec.structs.replace(seal, **changed)


def _framed(seal: Seal, signer: Signer, body: bytes) -> bytes:
    return frame(sign(SEAL, encode(seal), signer).to_bytes(), body)


def _frames(line: Line, channel: str) -> None:
    target = f"/taxii2/{channel}/frames/"
    first = None
    for wrong, raw in _cases(line, channel).items():
        answer = line.ask("POST", target, raw, FRAMES)
        first = first or answer
        holds = answer.status == _TAKEN and same(first, answer)
        line.probe.book.judge("push-alike", answer.evidence(wrong), holds=holds)
        bare = line.request("POST", target, raw, FRAMES)
        nobody = line.probe.plain(bare, target)
        line.probe.book.judge(
            "push-stranger", nobody.evidence(wrong), holds=nobody.status == _UNKNOWN
        )
    for name in ("no-channel", "A" * 32):
        answer = line.ask("POST", f"/taxii2/{name}/frames/", b"x", FRAMES)
        line.probe.book.judge("push-alike", answer.evidence(), holds=answer.status == _NOT_FOUND)


def _heartbeats(line: Line) -> None:
    forged = sign(SEAL, b"{}", generate()).to_bytes()
    answers = [line.ask("POST", HEART, raw, JSON) for raw in (b"{}", b"\xff", forged)]
    for answer in answers:
        holds = answer.status == _TAKEN and same(answers[0], answer)
        line.probe.book.judge("heartbeat-alike", answer.evidence(), holds=holds)


def _nudges(line: Line, channel: str) -> None:
    for body in (b"", b"{", b"{}", b'{"channel":"x","seq":1}', b"[]"):
        answer = line.ask("POST", "/mithaq/nudge/", body, JSON)
        line.probe.book.judge(
            "nudge-malformed", answer.evidence(repr(body)), holds=answer.status == _BAD
        )
    hint = msgspec.json.encode({"channel": channel, "seq": 1})
    answer = line.ask("POST", "/mithaq/nudge/", hint, JSON)
    line.probe.book.judge("nudge-malformed", answer.evidence(), holds=answer.status == _TAKEN)
