"""DSSE v1.0.2 over exact bytes: verify first, then read the same buffer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from mithaq.errors import InputError, PeerError
from mithaq.model.canonical import Limits, canonical, may_hold_nul, parse
from mithaq.seal.keys import Signer, decode, encode, verifies

_LIMITS = Limits(max_bytes=24 << 20, max_depth=8)
MAX_SIGNATURES = 64


def payload_type(kind: str) -> str:
    """Return the payload type of a ``kind`` of ours (border.md 5)."""
    return f"application/vnd.mithaq.{kind}+json;v=1"


class BadEnvelope(PeerError):
    """No envelope, or not signed by whom it must be; fact ``cause`` says which."""

    code = "bad-envelope"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature and the name of its key; the name is a hint, the key decides."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload of a type, and signatures over both."""

    payload_type: str
    payload: bytes = field(repr=False)
    signatures: tuple[Signature, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the JSON form, in RFC 8785 order so that equal envelopes are equal bytes."""
        return canonical(
            {
                "payload": encode(self.payload),
                "payloadType": self.payload_type,
                "signatures": [{"keyid": s.keyid, "sig": encode(s.sig)} for s in self.signatures],
            }
        )


def pae(kind: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding, the bytes that are signed."""
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def sign(kind: str, payload: bytes, *signers: Signer) -> Envelope:
    """Return ``payload`` of type ``kind`` signed by each of ``signers``."""
    envelope = Envelope(payload_type=kind, payload=payload)
    for signer in signers:
        envelope = countersign(envelope, signer)
    return envelope


def countersign(envelope: Envelope, signer: Signer) -> Envelope:
    """Return ``envelope`` with one signature more; signing twice changes nothing."""
    if any(s.keyid == signer.keyid for s in envelope.signatures):
        return envelope
    sig = signer.sign(pae(envelope.payload_type, envelope.payload))
    return replace(envelope, signatures=(*envelope.signatures, Signature(signer.keyid, sig)))


class _Signed(msgspec.Struct, forbid_unknown_fields=True):
    keyid: str
    sig: bytes


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    """An envelope as JSON; bytes are base64 there."""

    payload: bytes
    kind: str = msgspec.field(name="payloadType")
    signatures: list[_Signed]


_read_form = msgspec.json.Decoder(_Form).decode


def _exact(raw: bytes) -> Envelope | None:
    """Return the envelope of bytes that are its very encoding, as ``to_bytes`` has it; None if they are not."""
    if len(raw) > _LIMITS.max_bytes or may_hold_nul(raw):
        return None
    try:
        form = _read_form(raw)
        same = msgspec.json.encode(form, order="sorted") == raw
    except (msgspec.DecodeError, ValueError):
        return None
    if not same or not 0 < len(form.signatures) <= MAX_SIGNATURES:
        return None
    return Envelope(
        payload_type=form.kind,
        payload=form.payload,
        signatures=tuple(Signature(each.keyid, each.sig) for each in form.signatures),
    )


def read(raw: bytes) -> Envelope:
    """Read an envelope's JSON form; nothing is verified yet.

    Raises:
        BadEnvelope: it is none: unknown or missing keys, no strict base64, no signature.
    """
    exact = _exact(raw)
    if exact is not None:
        return exact
    try:
        value = parse(raw, _LIMITS)
        if not isinstance(value, dict) or set(value) != {
            "payload",
            "payloadType",
            "signatures",
        }:
            raise BadEnvelope("no envelope", cause="shape")
        payload, kind, signatures = (
            value["payload"],
            value["payloadType"],
            value["signatures"],
        )
        if not isinstance(payload, str) or not isinstance(kind, str):
            raise BadEnvelope("no envelope", cause="shape")
        if not isinstance(signatures, list) or not 0 < len(signatures) <= MAX_SIGNATURES:
            raise BadEnvelope("no envelope", cause="signatures")
        return Envelope(
            payload_type=kind,
            payload=decode(payload),
            signatures=tuple(_signature(item) for item in signatures),
        )
    except InputError as error:
        raise BadEnvelope("no envelope", cause="encoding") from error


def _signature(item: object) -> Signature:
    if not isinstance(item, dict) or not set(item) <= {"keyid", "sig"}:
        raise BadEnvelope("no envelope", cause="signatures")
    keyid, sig = item.get("keyid", ""), item.get("sig")
    if not isinstance(keyid, str) or not isinstance(sig, str):
        raise BadEnvelope("no envelope", cause="signatures")
    return Signature(keyid, decode(sig))


def signed_by(envelope: Envelope, keys: Mapping[str, bytes]) -> frozenset[str]:
    """Return the ids of those of ``keys`` (raw public keys by id) whose signature holds."""
    message = pae(envelope.payload_type, envelope.payload)
    return frozenset(
        s.keyid
        for s in envelope.signatures
        if s.keyid in keys and verifies(keys[s.keyid], message, s.sig)
    )


def verify(envelope: Envelope, kind: str, keys: Mapping[str, bytes], threshold: int = 1) -> bytes:
    """Return the payload once ``threshold`` distinct keys have signed it as ``kind``.

    Raises:
        BadEnvelope: another type, or too few valid signatures.
    """
    if envelope.payload_type != kind:
        raise BadEnvelope("another payload type", cause="payload-type")
    distinct = {keys[name] for name in signed_by(envelope, keys)}
    if threshold < 1 or len(distinct) < threshold:
        raise BadEnvelope("not signed by whom it must be", cause="signature")
    return envelope.payload


def union(envelopes: Iterable[Envelope]) -> Envelope:
    """Join the signatures of envelopes over one payload.

    Raises:
        InputError: they are over different payloads, or there are none.
    """
    every = list(envelopes)
    if not every or len({(e.payload_type, e.payload) for e in every}) != 1:
        raise InputError("not one payload")
    found = {s.keyid: s for e in every for s in e.signatures}
    return replace(every[0], signatures=tuple(found[name] for name in sorted(found)))
