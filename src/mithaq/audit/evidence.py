"""Evidence of what another nation did wrong: signed by itself, and checked by anybody offline (border.md 5.3, 6).

Whoever accuses shows nothing of its own: two things that the accused signed, which no honest node signs both. What
is checked here rests on the bytes and on the accused's keys alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from mithaq.audit import log
from mithaq.errors import InputError, MithaqError, PeerError
from mithaq.model.canonical import Limits, digest, parse
from mithaq.model.objects import moment
from mithaq.seal.envelope import read, signed_by, verify
from mithaq.seal.merkle import includes
from mithaq.seal.messages import (
    BATCH,
    HEARTBEAT,
    LOG_HEAD,
    ORDER,
    SEAL,
    Batch,
    Heartbeat,
    Instant,
    LogHead,
    Message,
    Order,
    Put,
    Seal,
    Size,
    Terms,
    batch_leaf,
    decode,
    encode,
)

_LIMITS = Limits(max_bytes=16 << 20, max_depth=12)
_TWO = 2
Keys = Mapping[str, bytes]  # the accused's exchange keys, raw, by key id


class Unproven(InputError):
    """What was given does not show what it says; fact ``cause`` says where it fails."""

    code = "unproven"


class _About(Message, frozen=True, kw_only=True, tag_field="kind"):
    realm: str
    by: str  # the accused


class Equivocation(_About, frozen=True, kw_only=True, tag="equivocation"):
    """Two stories of one version by its owner, or by whoever carries it under one agreement.

    An owner commits to one full version, whatever the agreement. A carrier may hold a version as two sources gave it,
    and shows parties of one agreement one of them.
    """

    entries: list[Put]  # two, each with the owner's batch and path
    orders: list[str] = msgspec.field(
        default_factory=list
    )  # the owner's recalls of it that are known


class Fork(_About, frozen=True, kw_only=True, tag="fork"):
    """Two histories of one channel: two seals under a number, or one that does not follow the one before."""

    seals: list[str]


class Silence(_About, frozen=True, kw_only=True, tag="silence"):
    """The last heartbeat of a nation, run out when this was written."""

    heartbeat: str
    at: Instant


class Ahead(_About, frozen=True, kw_only=True, tag="ahead"):
    """A heartbeat that acknowledges more of a channel than its sender remembers having sent, or other."""

    heartbeat: str
    channel: str
    seq: Size  # the last that the sender remembers, or the one under which it remembers another


class Rewritten(_About, frozen=True, kw_only=True, tag="log"):
    """A log that does not extend what its owner showed a witness before: rolled back, or edited."""

    held: str  # the head shown before
    shown: str  # the statement with the newer head


About = Equivocation | Fork | Silence | Ahead | Rewritten


class Evidence(Message, frozen=True, kw_only=True):
    """A file of evidence."""

    format: Literal["mithaq-alarm/1"]
    about: About


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """What a file of evidence shows."""

    kind: str
    by: str
    why: str  # which of the ways to be wrong
    facts: Mapping[str, str | int]


def to_bytes(about: About) -> bytes:
    """Return the file."""
    return msgspec.json.format(encode(Evidence(format="mithaq-alarm/1", about=about)), indent=1)


def read_file(raw: bytes) -> About:
    """Read a file of evidence; nothing is checked yet.

    Raises:
        Unproven: it is none.
    """
    try:
        return msgspec.convert(parse(raw, _LIMITS), Evidence).about
    except (InputError, msgspec.ValidationError) as error:
        raise Unproven("no file of evidence", cause="form") from error


def check(about: About, keys: Keys) -> Shows:
    """Check evidence against the accused's keys.

    Raises:
        Unproven: it does not show what it says.
    """
    try:
        match about:
            case Equivocation():
                return _equivocation(about, keys)
            case Fork():
                return _fork(about, keys)
            case Silence():
                return _silence(about, keys)
            case Ahead():
                return _ahead(about, keys)
            case Rewritten():
                return _rewritten(about, keys)
    except (PeerError, ValueError) as error:
        why = str(error.facts.get("cause", "")) if isinstance(error, MithaqError) else "form"
        raise Unproven(
            "a part is not signed by the accused, or is no such thing", cause=why
        ) from error


def _needs(*, cause: str, true: bool) -> None:
    if not true:
        raise Unproven("that is no evidence of it", cause=cause)


# --- two stories -----------------------------------------------------------------------------------------
def _equivocation(about: Equivocation, keys: Keys) -> Shows:
    _needs(true=len(about.entries) == _TWO, cause="entries")
    told = sorted(
        ((_vouched(about, entry, keys), entry) for entry in about.entries),
        key=lambda each: each[0].issued,
    )
    (first, one), (second, other) = told
    _needs(true=(one.id, one.modified) == (other.id, other.modified), cause="version")
    _needs(true=bool(one.modified), cause="version")  # without one, it may have changed
    why = "two-commitments" if one.com != other.com else "two-views"
    facts: dict[str, str | int] = {"id": one.id, "version": one.modified}
    shows = Shows(kind="equivocation", by=about.by, why=why, facts=facts)
    if one.com != other.com and one.role == other.role == "owner":
        return shows
    scopes = [each.scope.id for each in (first, second) if isinstance(each.scope, Terms)]
    _needs(true=len(scopes) == _TWO and len(set(scopes)) == 1, cause="scope")
    _needs(true=(one.com, one.digest) != (other.com, other.digest), cause="same")
    orders = list(_orders(about, scopes[0], keys))
    recalled = _recalled(orders, (first, one), (second, other)) or (
        first.issued == second.issued and _recalled(orders, (second, other), (first, one))
    )
    _needs(true=not recalled, cause="recalled")
    facts["agreement"] = scopes[0]
    return shows


def _vouched(about: Equivocation, entry: Put, keys: Keys) -> Batch:
    """Return the batch of the accused in which ``entry`` stands."""
    _needs(true=entry.proof is not None, cause="proof")
    assert entry.proof is not None  # noqa: S101 said above; for the type checker
    batch = decode(verify(read(entry.proof.batch.encode()), BATCH, keys), Batch)
    way = [bytes.fromhex(step) for step in entry.proof.path]
    holds = includes(bytes.fromhex(batch.root), batch.n, batch_leaf(entry), entry.proof.index, way)
    _needs(true=(batch.by, batch.realm) == (about.by, about.realm) and holds, cause="proof")
    return batch


def _orders(about: Equivocation, agreement: str, keys: Keys) -> Iterable[Order]:
    for raw in about.orders:
        envelope = read(raw.encode())
        if envelope.payload_type != ORDER or not signed_by(envelope, keys):
            continue  # it excuses nothing
        order = decode(envelope.payload, Order)
        if (order.by, order.realm, order.agreement) == (about.by, about.realm, agreement):
            yield order


def _recalled(orders: Iterable[Order], first: tuple[Batch, Put], second: tuple[Batch, Put]) -> bool:
    """Say whether the first view was recalled before the second was given."""
    (given, one), (then, _) = first, second
    return any(
        given.issued <= order.issued <= then.issued
        and order.id == one.id
        and order.digest in (None, one.digest)
        and (
            order.modified == one.modified
            if order.modified is not None
            else moment(one.modified) <= moment(order.issued)
        )
        for order in orders
    )


# --- two histories ---------------------------------------------------------------------------------------
def _fork(about: Fork, keys: Keys) -> Shows:
    _needs(true=len(about.seals) == _TWO, cause="seals")
    payloads = [verify(read(raw.encode()), SEAL, keys) for raw in about.seals]
    seals = [decode(payload, Seal) for payload in payloads]
    one, other = seals
    told = {(seal.sender, seal.realm) for seal in seals}
    _needs(true=told == {(about.by, about.realm)}, cause="sender")
    _needs(true=(one.channel, one.to) == (other.channel, other.to), cause="channel")
    facts: dict[str, str | int] = {"channel": one.channel, "seq": other.seq, "to": one.to}
    if one.seq == other.seq:
        _needs(true=payloads[0] != payloads[1], cause="same")
        return Shows(kind="fork", by=about.by, why="two-seals", facts=facts)
    _needs(true=one.seq + 1 == other.seq and other.prev != digest(payloads[0]), cause="follows")
    return Shows(kind="fork", by=about.by, why="broken-chain", facts=facts)


# --- silence, and a memory that is lost --------------------------------------------------------------------
def _silence(about: Silence, keys: Keys) -> Shows:
    beat = _beat(about, about.heartbeat, keys)
    _needs(true=beat.expires <= about.at, cause="expires")
    facts: dict[str, str | int] = {"issued": beat.issued, "expires": beat.expires}
    return Shows(kind="silence", by=about.by, why="expired", facts=facts)


def _ahead(about: Ahead, keys: Keys) -> Shows:
    """Check that the heartbeat says so; which of the two is wrong shows when the seals are laid open."""
    beat = _beat(about, about.heartbeat, keys)
    have = max((head.seq for head in beat.have if head.channel == about.channel), default=-1)
    _needs(true=have >= about.seq, cause="have")
    facts: dict[str, str | int] = {"channel": about.channel, "ours": about.seq, "have": have}
    return Shows(kind="ahead", by=about.by, why="ahead", facts=facts)


def _rewritten(about: Rewritten, keys: Keys) -> Shows:
    held = _head(about, about.held, keys)
    said = decode(verify(read(about.shown.encode()), LOG_HEAD, keys), LogHead)
    _needs(true=(said.by, said.realm) == (about.by, about.realm), cause="sender")
    shown = _head(about, said.checkpoint, keys)
    facts: dict[str, str | int] = {"held": held.size, "shown": shown.size, "since": held.at}
    if held.size == shown.size:
        _needs(true=held.root != shown.root, cause="same")
        return Shows(kind="log", by=about.by, why="two-roots", facts=facts)
    if shown.size < held.size:
        _needs(true=held.at <= shown.at, cause="older")
        return Shows(kind="log", by=about.by, why="shrunk", facts=facts)
    _needs(true=not log.extends(held, shown, said.path), cause="extends")
    return Shows(kind="log", by=about.by, why="no-extension", facts=facts)


def _head(about: _About, raw: str, keys: Keys) -> log.Checkpoint:
    head = decode(verify(read(raw.encode()), log.CHECKPOINT, keys), log.Checkpoint)
    _needs(true=(head.origin, head.realm) == (about.by, about.realm), cause="sender")
    return head


def _beat(about: _About, raw: str, keys: Keys) -> Heartbeat:
    beat = decode(verify(read(raw.encode()), HEARTBEAT, keys), Heartbeat)
    _needs(true=(beat.sender, beat.realm) == (about.by, about.realm), cause="sender")
    return beat
