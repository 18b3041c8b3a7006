"""The three signed things between nodes (border.md 5), as JSON objects with exactly the fields below.

Batches say who vouches, seals order and completeness, heartbeats freshness.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Literal, TypeVar

import msgspec

from mithaq.errors import InputError, PeerError
from mithaq.model.canonical import MAX_INTEGER, GateRefused, Limits, may_hold_nul, vet
from mithaq.model.canonical import decode as gate
from mithaq.model.kinds import LONGEST_IDENTIFIER
from mithaq.seal.envelope import payload_type
from mithaq.seal.merkle import root_of

BATCH = payload_type("batch")
SEAL = payload_type("seal")
HEARTBEAT = payload_type("heartbeat")
AGREEMENT = payload_type("agreement")
NOTICE = payload_type("notice")
APPROVAL = payload_type("approval")
PROPOSAL = payload_type("proposal")
ORDER = payload_type("recall")
ASSENT = payload_type("assent")
ASK = payload_type("consent-request")
CONSENT = payload_type("consent")
COMPARISON = payload_type("comparison")
LOG_HEAD = payload_type("log-head")
RUPTURE = payload_type("rupture")
RETURN = payload_type("rupture-lifted")
EXIT = payload_type("exit-pack")
STANDING = payload_type("standing-approval")

ZERO = "sha256:" + "0" * 64  # prev of the first seal of a channel
BASE = ""  # the agreement of a base channel
_LIMITS = Limits(max_bytes=16 << 20, max_depth=12, whole_numbers=True)

Digest = Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
Hash = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Whole = Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_INTEGER)]
Instant = Annotated[  # as ``clock.text`` writes it, so that instants compare as texts
    str,
    msgspec.Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\Z"),
]
Onward = Literal["none", "scope", "open"]
Cause = Literal[  # why a release is recalled; the last three give themselves
    "wrong", "confidential", "legal", "other", "raised", "replaced", "rupture"
]
Answer = Literal["deleted", "kept", "held"]  # what became of a recalled copy (border.md 7.2)
Name = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Id = Annotated[  # of an object; a text without end fits into no index
    str, msgspec.Meta(max_length=LONGEST_IDENTIFIER)
]
PartyName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")]


class BadMessage(PeerError):
    """A signed payload that is not of its kind's form; fact ``cause`` names the field."""

    code = "bad-message"


class Message(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    omit_defaults=True,
):
    """What all payloads and their parts share: exact fields, no others."""


class Terms(Message, frozen=True, kw_only=True):
    """The exact text of an agreement that something stands under."""

    id: str
    version: Number
    digest: Digest


class Batch(Message, frozen=True, kw_only=True):
    """Who vouches for these views; names no recipient and no channel, so relays may show it."""

    realm: str
    by: str
    scope: Terms | Literal["open"]
    issued: Instant
    n: Size
    root: Hash


class Proof(Message, frozen=True, kw_only=True):
    """On relayed entries: the owner's batch and the path to this view in it."""

    batch: str  # the batch's envelope, as JSON text
    index: Size
    path: list[Hash]


class Put(Message, frozen=True, kw_only=True, tag="put", tag_field="entry"):
    """A view in the body of this frame."""

    id: Id
    type: str
    modified: str = ""  # empty for an SCO
    digest: Digest
    size: Size
    com: Hash
    role: Literal["owner", "carrier"] = msgspec.field(name="as")
    onward: Onward
    readers: list[str] = msgspec.field(name="for", default_factory=list)
    proof: Proof | None = None
    consent: str = ""  # on relayed entries: the owner's consent, as its envelope's JSON text


class Doc(Message, frozen=True, kw_only=True, tag="doc", tag_field="entry"):
    """A document in the body: keys, an agreement with signatures, a notice."""

    payload_type: str = msgspec.field(name="payloadType")
    digest: Digest
    size: Size


class Recall(Message, frozen=True, kw_only=True, tag="recall", tag_field="entry"):
    """An owner's order to give back what it released, also passed on by a relay (border.md 7)."""

    order: str  # the signed order's envelope, as JSON text


class Tally(Message, frozen=True, kw_only=True):
    """How those whom a relay passed an order on to have answered; named only if the agreement says so."""

    asked: Size
    deleted: Size = 0
    kept: Size = 0
    held: Size = 0
    names: list[str] = msgspec.field(default_factory=list)  # of those who have not answered


class Receipt(Message, frozen=True, kw_only=True, tag="receipt", tag_field="entry"):
    """What became of what an order recalled, the same whether we held it or not (border.md 7.2)."""

    order: Name
    outcome: Answer
    basis: str = ""  # of what is kept
    onward: Tally | None = None  # None: nobody was passed it on


Entry = Put | Doc | Recall | Receipt
Part = Put | Doc  # an entry with a slice of the body


class Body(Message, frozen=True, kw_only=True):
    """The bytes behind the seal."""

    digest: Digest
    size: Size


class Seal(Message, frozen=True, kw_only=True):
    """One link of a channel; ``from`` and ``to`` are party names, ``prev`` the digest of the seal before."""

    realm: str
    sender: str = msgspec.field(name="from")
    to: str
    channel: str
    agreement: Terms | None = None  # None: the base channel, which names none
    seq: Number
    prev: Digest
    issued: Instant
    audit: Hash  # leaf of this envelope's record
    batch: str = ""  # the batch's envelope as JSON text, if a put is ours
    entries: list[Entry]
    body: Body | None = None

    @property
    def parts(self) -> list[Part]:
        """The entries that have a slice of the body, in its order."""
        return [entry for entry in self.entries if isinstance(entry, Part)]


class Head(Message, frozen=True, kw_only=True):
    """Where a channel stands."""

    channel: Name
    seq: Size
    seal: Digest


Heads = Annotated[list[Head], msgspec.Meta(max_length=1024)]  # each may cost its reader a request


class KeyRef(Message, frozen=True, kw_only=True):
    """The newest key document of the sender."""

    version: Number
    digest: Digest


class Heartbeat(Message, frozen=True, kw_only=True):
    """Freshness: what we sent you, what we hold of yours, and a blind head of our log."""

    realm: str
    sender: str = msgspec.field(name="from")
    to: str
    issued: Instant
    expires: Instant
    keys: KeyRef
    heads: Heads
    have: Heads
    yours: Size = 0  # version of the recipient's key document that the sender holds
    log: Hash


class Notice(Message, frozen=True, kw_only=True):
    """A party's one-sided narrowing of an agreement (border.md 3.3)."""

    realm: str
    agreement: str
    party: str
    act: Literal["suspend", "resume", "end"]
    issued: Instant


class Rupture(Message, frozen=True, kw_only=True):
    """That a nation has broken off with a party, or takes that back; who holds what is its own heeds it."""

    realm: str
    by: str
    party: PartyName
    act: Literal["break", "lift"]
    issued: Instant


class Return(Message, frozen=True, kw_only=True):
    """A second person's yes to dealing with a party again."""

    realm: str
    person: str
    party: str
    since: Instant  # of the rupture that is lifted
    issued: Instant


class File(Message, frozen=True, kw_only=True):
    """One file of an exit pack."""

    name: str
    digest: Digest
    size: Size


class ExitPack(Message, frozen=True, kw_only=True):
    """What two parties hold of each other when one breaks off, as files that this names."""

    realm: str
    by: str
    party: str
    since: Instant
    issued: Instant
    files: list[File]


class Standing(Message, frozen=True, kw_only=True):
    """A director's yes beforehand, signed with their own key: what, to whom, when, until when and how often."""

    realm: str
    person: str
    kinds: list[str]  # STIX types; "*" is every type
    level: str  # the highest TLP level
    peers: list[PartyName]
    hours: list[str]  # as ``policy.standing.windows`` reads them
    zone: str  # whose wall clock they are of, by its IANA name
    begins: Instant
    expires: Instant
    count: Number
    issued: Instant


class Assent(Message, frozen=True, kw_only=True):
    """A second person's yes to the exact text of a grant (border.md 3.6)."""

    realm: str
    person: str
    terms: Terms


class Order(Message, frozen=True, kw_only=True):
    """An owner's recall of what it released under one agreement; names no recipient, so relays may pass it on.

    ``modified`` is left out for every version up to ``issued``; ``digest`` names one view that a narrower one
    follows (border.md 7.1).
    """

    realm: str
    by: str
    order: Name
    agreement: str
    id: Id
    modified: str | None = None
    digest: Digest | None = None
    cause: Cause
    basis: str = ""
    issued: Instant
    deadline: Instant


class Ask(Message, frozen=True, kw_only=True):
    """A recipient's request to the owner to pass one version on to one party (border.md 2.2)."""

    realm: str
    by: str
    owner: str
    id: Id
    modified: str = ""  # empty for an SCO
    digest: Digest  # of the view that the asker holds, and would pass on as it is
    recipient: PartyName
    reason: str
    purpose: str = "defence"  # what the recipient will use it for
    issued: Instant


class Consent(Message, frozen=True, kw_only=True):
    """An owner's yes or no to passing one view of one version on to one party; the last one counts."""

    realm: str
    by: str
    id: Id
    modified: str = ""
    digest: Digest
    recipient: PartyName
    answer: Literal["yes", "no"]
    purpose: str = "defence"
    issued: Instant


class Told(Message, frozen=True, kw_only=True):
    """What a party holds of one version under an agreement, readable only to whoever holds that version too."""

    about: Hash  # of its owner, id and version
    story: Hash  # of its commitment and view


class Shown(Message, frozen=True, kw_only=True):
    """An owner's own word on a version, shown to a party that was told another."""

    entry: Put  # with the owner's proof
    orders: list[str] = msgspec.field(
        default_factory=list
    )  # the owner's recalls of it that we know


class Comparison(Message, frozen=True, kw_only=True):
    """What parties of one agreement tell each other to notice two stories of one owner (border.md 5.3)."""

    realm: str
    by: str
    agreement: str
    issued: Instant
    told: list[Told] = msgspec.field(default_factory=list)
    shown: list[Shown] = msgspec.field(default_factory=list)


class LogHead(Message, frozen=True, kw_only=True):
    """What a log's owner shows a witness: its newest head, and that it extends the one shown before (border.md 4.4)."""

    realm: str
    by: str
    checkpoint: str  # its envelope, as JSON text
    old: Size  # leaves of the log when it was last shown; 0: never
    path: list[Hash] = msgspec.field(default_factory=list)  # RFC 9162, 2.1.4


class Release(Message, frozen=True, kw_only=True):
    """What a person proposes or approves: these bytes to these peers under this text (border.md 2.8)."""

    realm: str
    id: str
    version: str
    view: Digest
    peers: list[str]
    agreement: Digest
    proposer: str


M = TypeVar("M", bound=Message)


def is_digest(written: str) -> bool:
    """Say whether ``written`` names a SHA-256 digest in our form."""
    return re.fullmatch(r"sha256:[0-9a-f]{64}", written) is not None


def encode(message: Message) -> bytes:
    """Return the payload bytes of ``message``.

    Raises:
        GateRefused: a text of it holds a lone surrogate.
    """
    try:
        return msgspec.json.encode(message, order="sorted")
    except UnicodeEncodeError:
        raise GateRefused("escape", "") from None


def seal_payload(seal: Seal, entries: Sequence[bytes]) -> bytes:
    """Return the payload of ``seal`` with ``entries``, each encoded already: many seals show the same ones."""
    fields = msgspec.to_builtins(seal)
    fields["entries"] = msgspec.Raw(b"[" + b",".join(entries) + b"]")
    return msgspec.json.encode(fields, order="sorted")


def decode(payload: bytes, kind: type[M]) -> M:
    """Read a payload of ``kind``.

    Raises:
        BadMessage: it is not of that form, or passes not through the gate.
    """
    exact = _exact(payload) if kind is Seal else None
    if isinstance(exact, kind):
        return exact
    try:
        value = gate(payload, _LIMITS)
        made = msgspec.convert(value, kind)  # no deeper than ``kind`` is, and its numbers are whole
        if may_hold_nul(payload):
            vet(payload, value, _LIMITS)
    except (InputError, msgspec.ValidationError) as error:
        raise BadMessage(f"not a {kind.__name__.lower()}", cause=kind.__name__.lower()) from error
    return made


def _exact(payload: bytes) -> Seal | None:
    """Return the seal of a payload that is its very encoding, which no gate has to look at; None if it is not.

    What its fields say would be written so and not otherwise: no key twice, no number but theirs, nothing beside.
    A seal has no field that may hold anything.
    """
    if len(payload) > _LIMITS.max_bytes or may_hold_nul(payload):
        return None
    try:
        made = _read_seal(payload)
        return made if encode(made) == payload else None
    except (msgspec.DecodeError, GateRefused, ValueError):
        return None


_read_seal = msgspec.json.Decoder(Seal).decode


def commitment(nonce: bytes, full: bytes) -> str:
    """Return H(nonce ‖ H(full version bytes)) in hexadecimal (border.md 5.3)."""
    return hashlib.sha256(nonce + hashlib.sha256(full).digest()).hexdigest()


def _prefixed(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw


_word = lru_cache(maxsize=1024)(_prefixed)  # of the few words that most entries share


def batch_leaf(put: Put) -> bytes:
    """Return the leaf of ``put`` in its batch (border.md 5.2)."""
    view_and_size = f"{put.digest.removeprefix('sha256:')}{put.size:016x}{put.com}"
    parts = (
        *(b"\x00", _prefixed(put.id), _word(put.type), _prefixed(put.modified)),
        *(_word(put.role), _word(put.onward), bytes.fromhex(view_and_size)),
    )
    return hashlib.sha256(b"".join(parts)).digest()


def about_hash(agreement: str, owner: str, id_: str, modified: str) -> str:
    """Return by what parties of an agreement name a version to each other: who lacks it cannot tell which it is."""
    parts = b"".join(_prefixed(t) for t in ("mithaq-told", agreement, owner, id_, modified))
    return hashlib.sha256(parts).hexdigest()


def story_hash(com: str, view: str) -> str:
    """Return the digest of what an owner said of a version: its commitment and one view."""
    return hashlib.sha256(f"{com} {view}".encode()).hexdigest()


def batch_root(leaves: Sequence[bytes]) -> str:
    """Return the root over ``leaves`` in their order, in hexadecimal."""
    return root_of(leaves).hex()
