"""Drafts of key documents: carried to each root key in a file, signed there, and brought back (border.md 9.1).

A root key lies on a machine without a network. What is signed there must be readable there: so a draft carries the
document that it follows, and ``changes`` says what differs. A machine that lies about what stands now is found out,
as the document before is verified under its own roots.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from mithaq.errors import InputError, Refused
from mithaq.model.canonical import Limits, canonical, parse
from mithaq.seal.documents import KEYS, ExchangeKey, KeyDocument, unverified
from mithaq.seal.envelope import (
    MAX_SIGNATURES,
    BadEnvelope,
    Envelope,
    Signature,
    countersign,
    read,
    signed_by,
    union,
    verify,
)
from mithaq.seal.keys import Signer, decode, encode, keyid
from mithaq.seal.messages import BadMessage, Message
from mithaq.seal.messages import encode as to_payload

_FORM = "mithaq-key-draft-1"
_LIMITS = Limits(max_bytes=1 << 20, max_depth=8)


class NoDraft(InputError):
    """A file is no draft of a key document, or one that must not be signed."""

    code = "no-draft"


class _Signed(Message, frozen=True, kw_only=True):
    key: str
    signature: str


class _File(Message, frozen=True, kw_only=True):
    """The file's form; it may hold no signature yet, which an envelope may not."""

    form: str
    document: str  # the exact bytes that are signed, in base64
    signatures: list[_Signed]
    follows: str  # the envelope of the document in force, as JSON text; empty: there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A key document to be signed, as far as it is, and the one it follows; None for a first one."""

    envelope: Envelope
    document: KeyDocument
    before: Envelope | None

    @property
    def follows(self) -> KeyDocument | None:
        """The document in force."""
        return None if self.before is None else unverified(self.before)

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        signatures = [
            _Signed(key=each.keyid, signature=encode(each.sig)) for each in self.envelope.signatures
        ]
        file = _File(
            form=_FORM,
            document=encode(self.envelope.payload),
            signatures=signatures,
            follows="" if self.before is None else self.before.to_bytes().decode(),
        )
        return canonical(msgspec.to_builtins(file)) + b"\n"


def new(document: KeyDocument, before: Envelope | None) -> Draft:
    """Return the draft of ``document``, signed by nobody yet."""
    envelope = Envelope(payload_type=KEYS, payload=to_payload(document))
    return _checked(envelope, before)


def from_bytes(raw: bytes) -> Draft:
    """Read a draft's file.

    Raises:
        NoDraft: it is none, its document breaks a rule, or the document before is not signed by its own roots.
    """
    try:
        file = msgspec.convert(parse(raw, _LIMITS), _File)
        signatures = tuple(
            Signature(each.key, decode(each.signature)) for each in file.signatures[:MAX_SIGNATURES]
        )
        payload = decode(file.document)
        before = read(file.follows.encode()) if file.follows else None
    except (InputError, BadEnvelope, msgspec.ValidationError) as error:
        raise NoDraft("no draft of a key document") from error
    if file.form != _FORM:
        raise NoDraft("no draft of a key document")
    return _checked(Envelope(payload_type=KEYS, payload=payload, signatures=signatures), before)


def _checked(envelope: Envelope, before: Envelope | None) -> Draft:
    try:
        document = unverified(envelope)
        held = None if before is None else unverified(before)
        if before is not None and held is not None:
            verify(before, KEYS, held.root_keys, held.threshold)
    except (BadMessage, BadEnvelope) as error:
        raise NoDraft(f"a draft that nobody could accept: {error}") from error
    if held is None and document.version != document.begins:
        raise NoDraft("a draft that follows a document it does not name")
    if held is not None and (
        (document.party, document.realm) != (held.party, held.realm)
        or (document.version, document.begins) != (held.version + 1, held.begins)
    ):
        raise NoDraft("a draft that does not follow the document it names")
    roots = document.root_keys | (held.root_keys if held else {})
    good = signed_by(envelope, roots)  # what counts for nothing must not hide what does
    kept = tuple(each for each in envelope.signatures if each.keyid in good)
    return Draft(envelope=replace(envelope, signatures=kept), document=document, before=before)


def joined(drafts: Sequence[Draft]) -> Draft:
    """Return one draft with the signatures of copies that were signed apart.

    Raises:
        NoDraft: they are not copies of one draft, or there are none.
    """
    try:
        envelope = union(each.envelope for each in drafts)
    except InputError as error:
        raise NoDraft("these are not copies of one draft") from error
    return replace(drafts[0], envelope=envelope)


def signed(draft: Draft, root: Signer) -> Draft:
    """Return ``draft`` with the signature of a root key.

    Raises:
        Refused: the key is a root of neither document, so that its signature would count for nothing.
    """
    before = draft.follows
    if root.keyid not in draft.document.root_keys | (before.root_keys if before else {}):
        raise Refused("that key is a root of neither document", key=root.keyid)
    return replace(draft, envelope=countersign(draft.envelope, root))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """How many signatures are still missing of the roots in force, and of the roots that the draft names."""

    before: int
    own: int

    @property
    def nothing(self) -> bool:
        """Say whether both thresholds are met."""
        return self.before == 0 and self.own == 0


def lacking(draft: Draft) -> Lacking:
    """Return how far a draft is from being valid; every key counts once, however often it signed."""
    before = draft.follows
    return Lacking(
        before=0 if before is None else _missing(draft.envelope, before),
        own=_missing(draft.envelope, draft.document),
    )


def _missing(envelope: Envelope, roots: KeyDocument) -> int:
    return max(0, roots.threshold - len(signed_by(envelope, roots.root_keys)))


# --- what is signed --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a draft says otherwise than the document before it; ``kind`` names its sentence."""

    kind: str
    facts: Mapping[str, str | int]


def changes(draft: Draft) -> Sequence[Difference]:
    """Return all that ``draft`` says otherwise than what it follows; a first document says everything anew.

    Every field that peers act on is in it: what is not named here stays as it is.
    """
    return [*_changed(draft.follows, draft.document)]


def _changed(old: KeyDocument | None, new_: KeyDocument) -> Iterator[Difference]:
    yield from _sets("root", old.root_keys if old else (), new_.root_keys)
    if old is None or (old.threshold, len(old.roots)) != (new_.threshold, len(new_.roots)):
        facts = {"threshold": new_.threshold, "count": len(new_.roots)}
        yield Difference("threshold", facts)
    if old is not None and new_.threshold < old.threshold:
        yield Difference("threshold-lowered", {"before": old.threshold, "now": new_.threshold})
    yield from _exchange(old, new_)
    gone = {(each.key, each.since) for each in old.revoked} if old else set()
    for each in new_.revoked:
        if (each.key, each.since) not in gone:
            yield Difference("revoked", {"name": each.key, "since": each.since})
    still = {each.key for each in new_.revoked}
    for name in sorted({name for name, _ in gone} - still):
        yield Difference("revoked-gone", {"name": name})
    yield from _sets("pin", old.spki_pins if old else (), new_.spki_pins)
    yield from _sets("identity", old.identities if old else (), new_.identities)
    yield from _sets("reader", _readers(old) if old else (), _readers(new_))
    for name in ("organisation", "country", "url", "expires"):
        value = getattr(new_, name)
        if old is None or getattr(old, name) != value:
            yield Difference(name, {"name": value})


def _readers(document: KeyDocument) -> list[str]:
    return [f"{reader.id} {reader.name} ({reader.role})" for reader in document.readers]


def _sets(kind: str, old: Iterable[str], new_: Iterable[str]) -> Iterator[Difference]:
    before, now = set(old), set(new_)
    for name in sorted(now - before):
        yield Difference(f"{kind}-new", {"name": name})
    for name in sorted(before - now):
        yield Difference(f"{kind}-gone", {"name": name})


def _exchange(old: KeyDocument | None, new_: KeyDocument) -> Iterator[Difference]:
    before = _windows(old.exchange) if old else {}
    now = _windows(new_.exchange)
    for name, (start, end) in now.items():
        if name not in before:
            yield Difference("exchange-new", {"name": name, "start": start, "end": end})
        elif before[name] != (start, end):
            yield Difference("exchange-window", {"name": name, "start": start, "end": end})
    for name in before:
        if name not in now:
            yield Difference("exchange-gone", {"name": name})


def _windows(keys: Iterable[ExchangeKey]) -> dict[str, tuple[str, str]]:
    return {keyid(decode(key.public)): (key.not_before, key.not_after) for key in keys}
