"""The node's log (RFC 9162): append, prove, checkpoint, verify (border.md 4.4 to 4.6).

Leaf = H(0x00 ‖ nonce32 ‖ record). Records hold ids and digests, never content; nonces keep a leaf from
being guessed. Size and root never leave unasked: they count hidden work.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, func, select

from mithaq.clock import parse as parse_instant
from mithaq.clock import text
from mithaq.errors import InputError, MithaqError, NotFound
from mithaq.model.canonical import GateRefused, Json, parse
from mithaq.seal.envelope import BadEnvelope, Envelope, payload_type, sign, signed_by, verify
from mithaq.seal.envelope import read as read_envelope
from mithaq.seal.keys import Signer
from mithaq.seal.merkle import (
    above,
    consistency,
    consistent,
    includes,
    leaf_hash,
    levels,
    path,
    root,
    root_of,
)
from mithaq.seal.messages import Message, Size, Whole, decode, encode
from mithaq.store.engine import append_lock
from mithaq.store.journal import keep, setting
from mithaq.store.sql import insert_many, insert_new
from mithaq.store.tables import checkpoints, leaves, nodes

CHECKPOINT = payload_type("checkpoint")
PAD = 256
NONCE = 32  # bytes before each record in its leaf
LENGTH = (
    "log-length"  # the setting that says how many leaves there are, so that a cut end is noticed
)
KEPT = 4  # subtrees of fewer levels are not kept but made from their leaves


class Checkpoint(Message, frozen=True, kw_only=True):
    """A signed head of a log."""

    origin: str
    realm: str
    size: Size
    root: str  # hexadecimal
    at: str


class Leaf(Message, frozen=True, kw_only=True):
    """One leaf opened: the record, its nonce and the way to the root."""

    record: str  # the record's exact text
    nonce: str  # hexadecimal
    index: Whole
    path: list[str]


class LogProof(Message, frozen=True, kw_only=True):
    """What a person hands out: leaves opened under one checkpoint (border.md 4.6)."""

    format: str = "mithaq-proof/1"
    leaves: list[Leaf]
    checkpoint: str  # its envelope, as JSON text


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A proof that holds: whose log, when, and what the records say."""

    origin: str
    at: str
    records: tuple[Mapping[str, Json], ...]
    hashes: tuple[str, ...]  # of the leaves, hexadecimal


Record = Mapping[str, Json]
Written: TypeAlias = Record | msgspec.Struct  # what a record may be made of


@dataclass(frozen=True, slots=True)
class Appended:
    """Leaves that follow each other."""

    first: int  # the index of the first
    hashes: Sequence[bytes]


def append(unit: Connection, records: Iterable[tuple[str, Written]]) -> Appended:
    """Append (subject, record) pairs; return where they stand, and their leaf hashes."""
    append_lock(unit, "log")
    size = length(unit)
    new = [(subject, encode_record(record)) for subject, record in records]
    chance = secrets.token_bytes(NONCE * len(new))
    nonces = [chance[at : at + NONCE] for at in range(0, len(chance), NONCE)]
    hashes = [leaf_hash(nonce + raw) for nonce, (_, raw) in zip(nonces, new, strict=True)]
    rows = [
        (at, nonce, raw, subject, leaf)
        for at, (nonce, (subject, raw), leaf) in enumerate(
            zip(nonces, new, hashes, strict=True), size
        )
    ]
    insert_many(unit, leaves, _COLUMNS, rows)
    _grow(unit, size, hashes)
    keep(unit, LENGTH, str(size + len(rows)))
    return Appended(size, hashes)


_COLUMNS = ("idx", "nonce", "record", "subject", "hash")


def encode_record(record: Written) -> bytes:
    """Return the exact text of a record that goes into the log.

    Raises:
        GateRefused: a text of it holds a lone surrogate.
    """
    try:
        return msgspec.json.encode(record, order="sorted")
    except UnicodeEncodeError:
        raise GateRefused("escape", "") from None


def _grow(unit: Connection, before: int, new: Sequence[bytes]) -> None:
    """Keep the subtrees that ``new`` leaves behind the first ``before`` complete, from ``KEPT`` levels up.

    Smaller ones are made from their leaves when they are asked for.
    """
    first, end = before >> KEPT, (before + len(new)) >> KEPT
    if first == end:
        return
    level = [*_leaves(unit, first << KEPT, before), *new]
    for _ in range(KEPT):
        level = above(level)
    height = KEPT
    made: list[tuple[object, ...]] = []
    while level:
        made += [(height, first + at, tree) for at, tree in enumerate(level)]
        if first & 1:
            level.insert(0, _node(unit, height, first - 1))
            first -= 1
        first >>= 1
        height += 1
        level = above(level)
    insert_many(unit, nodes, ("level", "idx", "hash"), made)


def _leaves(unit: Connection, start: int, end: int) -> list[bytes]:
    """Return the digests of the leaves from ``start`` up to ``end``."""
    query = select(leaves.c.hash).where(leaves.c.idx >= start, leaves.c.idx < end)
    return [bytes(each) for each in unit.execute(query.order_by(leaves.c.idx)).scalars()]


def length(unit: Connection) -> int:
    """Return the number of leaves."""
    last = unit.execute(select(func.max(leaves.c.idx))).scalar_one_or_none()
    return 0 if last is None else int(last) + 1


def _node(unit: Connection, level: int, index: int) -> bytes:
    if level >= KEPT:
        query = select(nodes.c.hash).where(nodes.c.level == level, nodes.c.idx == index)
        return bytes(unit.execute(query).scalar_one())
    return root_of(_leaves(unit, index << level, (index + 1) << level))


def head(unit: Connection, us: tuple[str, str], signer: Signer, now: datetime) -> bytes:
    """Sign the log's head now, for a proof that a person hands out; return its envelope.

    It is not kept: heartbeats tell of ticks alone, so nobody else learns that there was a proof.

    Args:
        us: our party name and realm.
    """
    size = length(unit)
    whole = root(size, lambda level, index: _node(unit, level, index))
    signed = Checkpoint(origin=us[0], realm=us[1], size=size, root=whole.hex(), at=text(now))
    return sign(CHECKPOINT, encode(signed), signer).to_bytes()


def checkpoint(unit: Connection, us: tuple[str, str], signer: Signer, now: datetime) -> bytes:
    """Keep the log's head at a tick, from now on told blindly in heartbeats; return its envelope.

    Each tick has a head of its own, also where no leaf came: an unmoved one would say that nothing was done.
    """
    size, envelope = length(unit), head(unit, us, signer, now)
    row = {"size": size, "at": text(now), "envelope": envelope, "nonce": secrets.token_bytes(32)}
    insert_new(unit, checkpoints, [row])
    return envelope


def newest_checkpoint(unit: Connection) -> bytes | None:
    """Return the envelope of the newest head kept at a tick."""
    newest = select(checkpoints.c.envelope).order_by(
        checkpoints.c.at.desc(), checkpoints.c.size.desc()
    )
    found = unit.execute(newest.limit(1)).scalar_one_or_none()
    return None if found is None else bytes(found)


def head_of(envelope: Envelope) -> Checkpoint:
    """Read a head; whose signature it bears is the caller's to check.

    Raises:
        BadEnvelope, BadMessage: it is none.
    """
    if envelope.payload_type != CHECKPOINT:
        raise BadEnvelope("another payload type", cause="payload-type")
    return decode(envelope.payload, Checkpoint)


def root_at(unit: Connection, size: int) -> str:
    """Return the root over the first ``size`` leaves, which are here, in hexadecimal."""
    return root(size, lambda level, index: _node(unit, level, index)).hex()


def extension(unit: Connection, old: int, new: int) -> list[str]:
    """Return the proof that the log of ``new`` leaves extends that of ``old`` (RFC 9162, 2.1.4)."""
    way = consistency(old, new, lambda level, index: _node(unit, level, index))
    return [step.hex() for step in way]


def extends(old: Checkpoint, new: Checkpoint, way: Sequence[str]) -> bool:
    """Say whether ``way`` proves that the head ``new`` extends the head ``old``."""
    steps = [bytes.fromhex(step) for step in way]
    before, after = (bytes.fromhex(head.root) for head in (old, new))
    return consistent((old.size, before), (new.size, after), steps)


def last_checkpoint(unit: Connection) -> datetime | None:
    """Return when the log was last signed; None if it never was."""
    at = unit.execute(select(func.max(checkpoints.c.at))).scalar_one_or_none()
    return None if at is None else parse_instant(at)


def pad(unit: Connection, now: datetime) -> None:
    """Fill the log with random leaves to a multiple of 256, so that its size counts nothing."""
    missing = -length(unit) % PAD
    if missing:
        append(unit, [("", {"kind": "pad", "at": text(now)})] * missing)


def blind_head(unit: Connection) -> str:
    """Return H(nonce ‖ newest checkpoint) in hexadecimal: the same for all peers, and says nothing."""
    row = unit.execute(
        select(checkpoints).order_by(checkpoints.c.at.desc(), checkpoints.c.size.desc()).limit(1)
    ).one_or_none()
    raw = b"" if row is None else bytes(row.nonce) + bytes(row.envelope)
    return hashlib.sha256(raw).hexdigest()


def record_of(raw: bytes) -> Record:
    """Read the exact text of a record.

    Raises:
        InputError: it is none.
    """
    value = parse(raw)
    if not isinstance(value, dict):
        raise InputError("a record is a JSON object")
    return value


def prove(unit: Connection, indexes: Sequence[int], head: bytes) -> bytes:
    """Return a proof of the leaves ``indexes`` under the checkpoint ``head`` (an envelope of ours).

    Raises:
        NotFound: there is no such leaf.
    """
    size = decode(read_envelope(head).payload, Checkpoint).size
    opened: list[Leaf] = []
    for index in indexes:
        row = unit.execute(select(leaves).where(leaves.c.idx == index)).one_or_none()
        if row is None or index >= size:
            raise NotFound("no such leaf", index=index)
        way = path(index, size, lambda level, at: _node(unit, level, at))
        opened.append(
            Leaf(
                record=bytes(row.record).decode(),
                nonce=bytes(row.nonce).hex(),
                index=index,
                path=[step.hex() for step in way],
            )
        )
    return msgspec.json.format(encode(LogProof(leaves=opened, checkpoint=head.decode())), indent=1)


def check(
    raw: bytes, keys: Mapping[str, bytes], witness: Mapping[str, bytes] | None = None
) -> Checked:
    """Verify a proof offline against the log owner's exchange keys.

    Args:
        witness: the exchange keys of a witness that must have signed the checkpoint too.

    Raises:
        BadEnvelope: the checkpoint is not signed by one of ``keys``, or a leaf is not in its log.
        InputError: it is no proof.
    """
    proof = decode(raw, LogProof)
    envelope = read_envelope(proof.checkpoint.encode())
    head = decode(verify(envelope, CHECKPOINT, keys), Checkpoint)
    if witness is not None and not signed_by(envelope, witness):
        raise BadEnvelope("the witness has not signed the checkpoint", cause="witness")
    hashes: list[str] = []
    for leaf in proof.leaves:
        try:
            nonce = bytes.fromhex(leaf.nonce)
            opened = leaf_hash(nonce + leaf.record.encode())
            way = [bytes.fromhex(step) for step in leaf.path]
            known = bytes.fromhex(head.root)
        except ValueError as error:
            raise BadEnvelope("not hexadecimal", cause="proof") from error
        if len(nonce) != NONCE or not includes(known, head.size, opened, leaf.index, way):
            raise BadEnvelope("the record is not in the log of that checkpoint", cause="proof")
        hashes.append(opened.hex())
    records = tuple(record_of(leaf.record.encode()) for leaf in proof.leaves)
    return Checked(origin=head.origin, at=head.at, records=records, hashes=tuple(hashes))


def verify_all(unit: Connection, keys: Mapping[str, bytes] | None = None) -> list[str]:
    """Recompute the whole log; return what differs, in words, the first first; empty if nothing does.

    Args:
        keys: our exchange keys, past and present, by key id. Without them a log written anew together
            with its checkpoints is not noticed.
    """
    hashes, wrong = _read_through(unit)
    tree = list(levels(hashes))
    fresh = {
        (height, at): tree_
        for height, level in enumerate(tree[KEPT:], KEPT)
        for at, tree_ in enumerate(level)
    }
    stored = {(r.level, r.idx): bytes(r.hash) for r in unit.execute(select(nodes))}
    whole = not any(each.endswith("missing") for each in wrong)
    if whole and len(hashes) < int(setting(unit, LENGTH) or 0):
        whole, wrong = False, [f"leaf {len(hashes)} is missing", *wrong]
    known = fresh.keys() | stored.keys() if whole else fresh.keys()
    wrong += [
        f"node {at} of level {height} differs"
        for height, at in sorted(known)
        if fresh.get((height, at)) != stored.get((height, at))
    ]
    for row in unit.execute(select(checkpoints).order_by(checkpoints.c.at, checkpoints.c.size)):
        if not _of_this_log(row.size, bytes(row.envelope), tree, keys):
            wrong.append(f"the checkpoint of {row.size} leaves is not of this log")
    return wrong


def _read_through(unit: Connection) -> tuple[list[bytes], list[str]]:
    """Return the hashes of the leaves as far as they follow each other, and what is wrong with them."""
    hashes: list[bytes] = []
    wrong: list[str] = []
    for row in unit.execute(select(leaves).order_by(leaves.c.idx)):
        if row.idx != len(hashes):
            return hashes, [f"leaf {len(hashes)} is missing", *wrong]
        hashes.append(leaf_hash(bytes(row.nonce) + bytes(row.record)))
        if hashes[-1] != bytes(row.hash):
            wrong.append(f"leaf {row.idx} differs")
    return hashes, wrong


def _of_this_log(
    size: int, raw: bytes, tree: Sequence[Sequence[bytes]], keys: Mapping[str, bytes] | None
) -> bool:
    try:
        envelope = read_envelope(raw)
        payload = envelope.payload if keys is None else verify(envelope, CHECKPOINT, keys)
        head = decode(payload, Checkpoint)
    except MithaqError:
        return False
    if head.size != size or size > (len(tree[0]) if tree else 0):
        return False
    return root(size, lambda level, index: tree[level][index]).hex() == head.root
