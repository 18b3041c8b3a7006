"""Place releases: rows, leaves, batches and seals for each peer (border.md 4, 5)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import msgspec
from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border import orders
from mithaq.border.agreements import terms_of
from mithaq.border.channels import Load, Outgoing, load, outgoing_channel, send
from mithaq.border.kept import Proofs
from mithaq.border.opening import refresh, sealed_for, unfetched
from mithaq.border.peers import document_of
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.model.canonical import Json, digest, parse
from mithaq.model.labels import Tlp
from mithaq.model.objects import version_of
from mithaq.policy.agreement import Agreement
from mithaq.policy.decision import Release
from mithaq.seal.envelope import read, sign
from mithaq.seal.messages import (
    BATCH,
    Batch,
    Put,
    Seal,
    Terms,
    batch_leaf,
    batch_root,
    commitment,
    decode,
    encode,
)
from mithaq.store import blobs, channels, consents, definitions, objects, parties, releases
from mithaq.store.consents import ConsentRow, given_to
from mithaq.store.journal import keep, setting
from mithaq.store.objects import Copy
from mithaq.store.releases import ShelfRow
from mithaq.store.sql import chunks

MAX_ENTRIES = 5000  # of one frame: its seal must stay readable at once


class Placed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A copy that goes to one peer."""

    copy: Copy
    decision: Release
    before: ShelfRow | None  # what stands there now
    proposer: str


class _Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry as it is sealed, the same for every peer it says the same to."""

    entry: bytes
    leaf: bytes | None  # in our batch; None: its owner vouches for it
    digest: str
    body: bytes


def _sealed(put: Put, body: bytes) -> _Part:
    leaf = batch_leaf(put) if put.proof is None else None
    return _Part(entry=encode(put), leaf=leaf, digest=put.digest, body=body)


@dataclass(frozen=True, kw_only=True)
class _Placing:
    """One release under one agreement, for all its peers."""

    unit: Connection
    us: Us
    agreement: Agreement
    terms: Terms
    now: datetime
    defined: Mapping[str, Mapping[str, bytes]]  # marking definitions by voucher and id
    scoped: frozenset[int]  # copies whose audience is every party
    identities: frozenset[str]  # of ours, as our key document lists them
    nodes: frozenset[str]  # the peers that are no clients
    first: dict[tuple[str, str], ShelfRow] = field(default_factory=dict)  # by (id, version)
    proofs: Proofs  # of what is not ours to vouch for
    consents: Sequence[ConsentRow]  # of owners, to what we may pass on
    # One for all peers alike: of each entry, and of what a frame carries.
    parts: dict[tuple[object, ...], _Part] = field(default_factory=dict)
    loads: dict[tuple[bytes, ...], Load] = field(default_factory=dict)

    @cached_property
    def at(self) -> str:
        return text(self.now)

    @property
    def many(self) -> bool:
        return self.agreement.kind == "forum"


def place(
    unit: Connection,
    us: Us,
    agreement: Agreement,
    going: Mapping[str, Sequence[Placed]],
    now: datetime,
) -> None:
    """Put every release on its peer's shelf and, for nodes, into its channel."""
    ours = document_of(unit, us.party)
    work = _Placing(
        unit=unit,
        us=us,
        agreement=agreement,
        terms=terms_of(agreement),
        now=now,
        defined=definitions.every(unit),
        scoped=_whole_audience(us, agreement, going),
        identities=frozenset(ours.identities if ours else ()),
        proofs=Proofs(unit),
        nodes=frozenset(p.name for p in parties.all_peers(unit) if p.kind == "node"),
        consents=consents.of_ids(unit, {p.copy.object.id for many in going.values() for p in many}),
    )
    _log_cuts(unit, going, now)
    _keep_changed(unit, going)
    records = (_record(work, placed, peer) for peer, many in going.items() for placed in many)
    leaf = log.append(unit, records).first
    if any(channels.find(unit, peer, agreement.id, "out") is None for peer in going):
        # The text came into force a moment ago, and nobody has looked yet: rows need a shelf to stand on.
        refresh(unit, us, agreement.id, now)
    for peer, many in going.items():
        shelf = outgoing_channel(unit, peer, agreement.id).id
        statements = _statements(work, shelf, many)
        _rows(work, (shelf, peer), many, leaf, statements)
        if peer in work.nodes:
            parts = [_statement_part(work, id_, raw) for id_, raw in statements.items()]
            parts += [_part(work, placed, peer) for placed in many]
            _seal(work, peer, parts, leaf)
            sealed_for(unit, outgoing_channel(unit, peer, agreement.id))
        leaf += len(many)
    releases.remember_first(unit, list(work.first.values()))


def _keep_changed(unit: Connection, going: Mapping[str, Sequence[Placed]]) -> None:
    """Keep the bytes of views that are not those of their copies, which are kept with these."""
    views = (placed.decision.view for many in going.values() for placed in many)
    blobs.put(unit, {v.digest: v.raw for v in views if v.removed or v.added})


def _whole_audience(
    us: Us, agreement: Agreement, going: Mapping[str, Sequence[Placed]]
) -> frozenset[int]:
    """Return the copies that go to every other party: only these may say ``scope`` (border.md 5.5)."""
    if agreement.kind != "forum":
        return frozenset()
    audience: dict[int, set[str]] = defaultdict(set)
    for peer, many in going.items():
        for placed in many:
            audience[placed.copy.seq].add(peer)
    everyone = set(agreement.names) - {us.party}
    return frozenset(seq for seq, who in audience.items() if who >= everyone)


def _log_cuts(unit: Connection, going: Mapping[str, Sequence[Placed]], now: datetime) -> None:
    """Record what each view leaves out, in leaves of its own: a release's leaf may be proven to its peer."""
    cuts: dict[str, tuple[str, dict[str, Json]]] = {}
    for placed in (placed for many in going.values() for placed in many):
        stored, seen = placed.copy.object, placed.decision.view
        if seen.removed:
            record: dict[str, Json] = {"kind": "cut", "id": stored.id, "version": stored.version}
            record |= {"view": seen.digest, "removed": list(seen.removed), "at": text(now)}
            cuts[seen.digest] = (stored.id, record)
    if cuts:
        log.append(unit, list(cuts.values()))


class _Released(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the log says of a release."""

    agreement: str
    agreement_digest: str
    agreement_version: int
    at: str
    clause: str
    id: str
    kind: str = "release"
    peer: str
    proposer: str
    realm: str
    version: str
    view: str


def _record(work: _Placing, placed: Placed, peer: str) -> tuple[str, _Released]:
    stored, terms = placed.copy.object, work.terms
    return stored.id, _Released(
        agreement=terms.id,
        agreement_digest=terms.digest,
        agreement_version=terms.version,
        at=work.at,
        clause=placed.decision.clause,
        id=stored.id,
        peer=peer,
        proposer=placed.proposer,
        realm=work.us.realm,
        version=stored.version,
        view=placed.decision.view.digest,
    )


# --- rows ------------------------------------------------------------------------------------------------
def _rows(
    work: _Placing,
    where: tuple[str, str],
    many: Sequence[Placed],
    first: int,
    statements: Mapping[str, bytes],
) -> None:
    shelf, _ = where
    unit = work.unit
    stood = _ours_before(unit, many)
    for placed in many:
        if placed.before is not None:
            stored = placed.copy.object
            before = placed.before.shelf
            releases.take_away(unit, before, stored.id, stored.version)
            releases.show(unit, "remove", before, id=stored.id, version=stored.version)
            both_ours = placed.before.copy in stood and not placed.copy.proof
            if both_ours and where[1] in work.nodes:
                orders.replaced(unit, work.us, placed.before, work.now)
    rows = [_row(work, where, placed, leaf) for leaf, placed in enumerate(many, first)]
    blobs.put(unit, {digest(raw): raw for raw in statements.values()})
    standing = [_statement_row(work, where, id_, raw) for id_, raw in statements.items()]
    releases.place(unit, [*standing, *rows])
    if work.many:
        for row in rows:
            work.first.setdefault((row.id, row.version), row)
    kinds = [*("marking-definition" for _ in standing), *(p.copy.object.type for p in many)]
    shown = [
        (row.id, row.version, kind, row.view)
        for row, kind in zip((*standing, *rows), kinds, strict=True)
    ]
    for part in chunks(shown, MAX_ENTRIES):
        releases.show(unit, "place", shelf, rows=part)


def _ours_before(unit: Connection, many: Iterable[Placed]) -> set[int]:
    """Return the copies of which we vouched for a view that another view now replaces."""
    stood = [placed.before.copy for placed in many if placed.before is not None]
    return {copy.seq for copy in objects.by_seq(unit, stood) if not copy.proof}


_LEVELS = {each: str(each) for each in (None, *Tlp)}


def _row(work: _Placing, where: tuple[str, str], placed: Placed, leaf: int) -> ShelfRow:
    stored, seen = placed.copy.object, placed.decision.view
    return ShelfRow(
        shelf=where[0],
        id=stored.id,
        version=stored.version,
        peer=where[1],
        agreement=work.agreement.id,
        copy=placed.copy.seq,
        view=seen.digest,
        removed=msgspec.json.encode(seen.removed).decode() if seen.removed else "[]",
        label=_LEVELS[seen.label.tlp],
        released_at=work.at,
        leaf=leaf,
    )


def _statement_row(work: _Placing, where: tuple[str, str], id_: str, raw: bytes) -> ShelfRow:
    return ShelfRow(
        shelf=where[0],
        id=id_,
        version=version_of(_body(raw)),
        peer=where[1],
        agreement=work.agreement.id,
        copy=0,
        view=digest(raw),
        removed="[]",
        label="CLEAR",
        released_at=work.at,
        leaf=0,
    )


def _body(raw: bytes) -> Mapping[str, Json]:
    value = parse(raw)
    return value if isinstance(value, dict) else {}


def _statements(work: _Placing, shelf: str, many: Sequence[Placed]) -> dict[str, bytes]:
    """Return the marking definitions that travel along and are not on that shelf yet."""
    wanted = {ref: p.copy.voucher for p in many for ref in p.decision.view.carries}
    there = {row.id for row in releases.rows_of_ids(work.unit, wanted) if row.shelf == shelf}
    return {
        ref: work.defined[voucher][ref]
        for ref, voucher in wanted.items()
        if ref not in there and ref in work.defined.get(voucher, {})
    }


# --- entries ---------------------------------------------------------------------------------------------
def _statement_part(work: _Placing, id_: str, raw: bytes) -> _Part:
    creator = _body(raw).get("created_by_ref")
    put = Put(
        id=id_,
        type="marking-definition",
        modified=version_of(_body(raw)),
        digest=digest(raw),
        size=len(raw),
        com=commitment(work.us.derive("commitment", id_), raw),
        role="owner" if creator in work.identities else "carrier",
        onward="open",
    )
    return _sealed(put, raw)


def _part(work: _Placing, placed: Placed, peer: str) -> _Part:
    copy, seen = placed.copy, placed.decision.view
    consent = readers = ""
    onward = placed.decision.onward
    if copy.proof:
        view = (copy.object.id, copy.object.version, copy.object.digest)
        consent = given_to(work.consents, view, peer)
    else:
        readers = ",".join(sorted((copy.readers or {}).get(peer, ())))
        if onward == "scope" and copy.seq not in work.scoped:
            onward = "none"
    key = (copy.seq, seen.digest, onward, readers, consent)
    made = work.parts.get(key)
    if made is None:
        ours = not copy.proof
        put = (
            _own(work.us, placed, onward, readers) if ours else relayed(work.proofs, copy, consent)
        )
        made = work.parts[key] = _sealed(put, seen.raw)
    return made


def _own(us: Us, placed: Placed, onward: str, readers: str) -> Put:
    """Return the entry of what we vouch for."""
    copy, seen = placed.copy, placed.decision.view
    return Put(
        id=copy.object.id,
        type=copy.object.type,
        modified=copy.object.version,
        digest=seen.digest,
        size=len(seen.raw),
        com=_commitment(us, copy),
        role="owner" if copy.role == "owner" else "carrier",
        onward=onward,  # type: ignore[arg-type]
        readers=readers.split(",") if readers else [],
    )


def _commitment(us: Us, copy: Copy) -> str:
    """Return our commitment to a version, the same to whomever it goes (border.md 5.3): its nonce is never told."""
    seen = copy.object
    nonce = us.derive("commitment", copy.voucher, seen.id, seen.version, seen.digest)
    return commitment(nonce, seen.raw)


def relayed(proofs: Proofs, copy: Copy, consent: str = "") -> Put:
    """Return the owner's entry with the owner's proof and consent: a relay sends the exact bytes or nothing."""
    return Put(
        id=copy.object.id,
        type=copy.object.type,
        modified=copy.object.version,
        digest=copy.object.digest,
        size=len(copy.object.raw),
        com=copy.com,
        role="owner" if copy.role == "owner" else "carrier",
        onward=copy.onward,  # type: ignore[arg-type]
        proof=proofs.whole(copy.proof),
        consent=consent,
    )


def repeat(unit: Connection, us: Us, agreement: Agreement, now: datetime) -> None:
    """Send again, in new frames, what peers may not have fetched before their shelves were closed.

    Only what stands there still, as it was sealed: a release stays until something takes it back (border.md 1.10).
    """
    terms = terms_of(agreement)
    for peer in parties.all_peers(unit):
        channel = channels.find(unit, peer.name, agreement.id, "out")
        noted = setting(unit, unfetched(channel.id)) if channel else ""
        if channel is None or not noted:
            continue
        keep(unit, unfetched(channel.id), "")
        ours = releases.rows_of_agreement(unit, agreement.id)
        stands = {row.view for row in ours if row.shelf == channel.id}
        first, last = map(int, noted.split("-"))
        for parcel in channels.parcels(unit, channel.id, first, last):
            seal = decode(read(parcel.envelope).payload, Seal)
            puts = [e for e in seal.parts if isinstance(e, Put) and e.digest in stands]
            if puts:
                bodies = blobs.some(unit, [put.digest for put in puts])
                parts = [_sealed(put, bodies[put.digest]) for put in puts]
                about: dict[str, Json] = {"agreement": terms.id, "repeats": parcel.chan_seq}
                again = _load(us, terms, parts, now)
                send(unit, us, Outgoing(peer=peer.name, terms=terms, load=again, about=about), now)


# --- frames ----------------------------------------------------------------------------------------------
def _seal(work: _Placing, peer: str, parts: Sequence[_Part], first_leaf: int) -> None:
    about: dict[str, Json] = {
        "agreement": work.terms.id,
        "first": first_leaf,
        "releases": len(parts),
    }
    for chunk in _chunks(parts, min(work.us.max_frame_bytes, work.agreement.max_frame_bytes)):
        key = tuple(part.entry for part in chunk)
        if key not in work.loads:
            work.loads[key] = _load(work.us, work.terms, chunk, work.now)
        out = Outgoing(peer=peer, terms=work.terms, load=work.loads[key], about=about)
        send(work.unit, work.us, out, work.now)


def _chunks(parts: Sequence[_Part], limit: int) -> Iterator[list[_Part]]:
    """Cut what goes, which is something, into frames."""
    chunk: list[_Part] = []
    size = 0
    for part in parts:
        if chunk and (size + len(part.body) > limit or len(chunk) == MAX_ENTRIES):
            yield chunk
            chunk, size = [], 0
        chunk.append(part)
        size += len(part.body)
    yield chunk


def _load(us: Us, terms: Terms, parts: Sequence[_Part], now: datetime) -> Load:
    leaves = [part.leaf for part in parts if part.leaf is not None]
    return load(
        [part.entry for part in parts],
        [(part.digest, part.body) for part in parts],
        _batch(us, terms, leaves, now) if leaves else "",
    )


def _batch(us: Us, terms: Terms, leaves: Sequence[bytes], now: datetime) -> str:
    """Return the envelope that vouches for ``leaves``; peers that get the same views get the same one."""
    batch = Batch(
        realm=us.realm,
        by=us.party,
        scope=terms,
        issued=text(now),
        n=len(leaves),
        root=batch_root(leaves),
    )
    return sign(BATCH, encode(batch), us.signer).to_bytes().decode()
