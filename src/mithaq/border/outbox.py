"""Place releases: rows, leaves, batches and seals for each peer (border.md 4, 5)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border import orders
from mithaq.border.agreements import terms_of, unfetched
from mithaq.border.channels import Outgoing, outgoing_channel, send
from mithaq.border.peers import document_of
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.model.canonical import Json, digest, parse
from mithaq.model.objects import version_of
from mithaq.policy.agreement import Agreement
from mithaq.policy.decision import Release
from mithaq.seal.envelope import read, sign
from mithaq.seal.messages import (
    BATCH,
    Batch,
    Onward,
    Proof,
    Put,
    Seal,
    Terms,
    batch_leaf,
    batch_root,
    commitment,
    decode,
    encode,
)
from mithaq.store import channels, consents, objects, parties, recalls, releases
from mithaq.store.consents import ConsentRow, given_to
from mithaq.store.journal import keep, setting
from mithaq.store.objects import Copy
from mithaq.store.recalls import Released
from mithaq.store.releases import ShelfRow

MAX_ENTRIES = 5000  # of one frame: its seal must stay readable at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A copy that goes to one peer."""

    copy: Copy
    decision: Release
    before: ShelfRow | None  # what stands there now
    proposer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    put: Put
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placing:
    """One release under one agreement, for all its peers."""

    unit: Connection
    us: Us
    agreement: Agreement
    terms: Terms
    now: datetime
    defined: Mapping[str, Mapping[str, bytes]]  # marking definitions by voucher and id
    coms: Mapping[int, str]  # commitments given by this release, by copy
    scoped: frozenset[int]  # copies whose audience is every party
    identities: frozenset[str]  # of ours, as our key document lists them
    nodes: frozenset[str]  # the peers that are no clients
    consents: Sequence[ConsentRow]  # of owners, to what we may pass on
    batches: dict[tuple[bytes, ...], str] = field(default_factory=dict)  # one for all peers alike

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
        defined=objects.defined_markings(unit),
        coms=_commit(unit, us, going),
        scoped=_whole_audience(us, agreement, going),
        identities=frozenset(ours.identities if ours else ()),
        nodes=frozenset(p.name for p in parties.all_peers(unit) if p.kind == "node"),
        consents=consents.of_ids(unit, {p.copy.object.id for many in going.values() for p in many}),
    )
    _log_cuts(unit, going, now)
    for peer, many in going.items():
        shelf = outgoing_channel(unit, peer, agreement.id).id
        leaves = log.append(unit, [_record(work, p, peer) for p in many])
        statements = _statements(work, shelf, many)
        _rows(work, (shelf, peer), many, [index for index, _ in leaves], statements)
        if peer in work.nodes:
            parts = [_statement_part(work, id_, raw) for id_, raw in statements.items()]
            parts += [_part(work, placed, peer) for placed in many]
            _seal(work, peer, parts, leaves[0][0])


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


def _commit(unit: Connection, us: Us, going: Mapping[str, Sequence[Placed]]) -> dict[int, str]:
    """Give every version of ours its commitment, once for all agreements (border.md 5.3)."""
    fresh: dict[int, tuple[bytes, str]] = {}
    for copy in (placed.copy for many in going.values() for placed in many):
        if not copy.com and copy.seq not in fresh:
            seen = copy.object
            about = (copy.voucher, seen.id, seen.version, seen.digest)
            nonce = us.derive("commitment", *about)
            fresh[copy.seq] = (nonce, commitment(nonce, seen.raw))
    objects.commit_to(unit, fresh)
    return {seq: com for seq, (_, com) in fresh.items()}


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


def _record(work: _Placing, placed: Placed, peer: str) -> tuple[str, dict[str, Json]]:
    stored, seen = placed.copy.object, placed.decision.view
    return stored.id, {
        "kind": "release",
        "realm": work.us.realm,
        "id": stored.id,
        "version": stored.version,
        "view": seen.digest,
        "peer": peer,
        "agreement": work.terms.id,
        "agreement_version": work.terms.version,
        "agreement_digest": work.terms.digest,
        "clause": placed.decision.clause,
        "proposer": placed.proposer,
        "at": text(work.now),
    }


# --- rows ------------------------------------------------------------------------------------------------
def _rows(
    work: _Placing,
    where: tuple[str, str],
    many: Sequence[Placed],
    leaves: Sequence[int],
    statements: Mapping[str, bytes],
) -> None:
    shelf, _ = where
    unit = work.unit
    for placed in many:
        if placed.before is not None:
            stored = placed.copy.object
            before = placed.before.shelf
            releases.take_away(unit, before, stored.id, stored.version)
            releases.show(unit, "remove", before, id=stored.id, version=stored.version)
            same = placed.before.copy == placed.copy.seq and not placed.copy.proof
            if same and where[1] in work.nodes:
                orders.replaced(unit, work.us, placed.before, work.now)
    rows = [_row(work, where, p, leaf) for p, leaf in zip(many, leaves, strict=True)]
    bodies = {p.decision.view.digest: p.decision.view.raw for p in many}
    objects.put_bodies(unit, bodies | {digest(raw): raw for raw in statements.values()})
    standing = [_statement_row(work, where, id_, raw) for id_, raw in statements.items()]
    releases.place(unit, [*standing, *rows])
    if work.many:
        releases.remember_first(unit, rows)
    recalls.went(unit, [_released(row) for row in rows])
    types = {p.copy.object.id: p.copy.object.type for p in many}
    releases.show_many(
        unit,
        "place",
        shelf,
        [
            {
                "id": row.id,
                "version": row.version,
                "type": types.get(row.id, "marking-definition"),
                "view": row.view,
            }
            for row in (*standing, *rows)
        ],
    )


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
        removed=msgspec.json.encode(seen.removed).decode(),
        label=str(seen.label.tlp),
        released_at=text(work.now),
        leaf=leaf,
    )


def _released(row: ShelfRow) -> Released:
    return Released(
        peer=row.peer,
        agreement=row.agreement,
        id=row.id,
        version=row.version,
        view=row.view,
        copy=row.copy,
        at=row.released_at,
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
        released_at=text(work.now),
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
    return _Part(put=put, body=raw)


def _part(work: _Placing, placed: Placed, peer: str) -> _Part:
    copy, seen = placed.copy, placed.decision.view
    if copy.proof:
        view = (copy.object.id, copy.object.version, copy.object.digest)
        return _Part(put=_relayed(copy, given_to(work.consents, view, peer)), body=seen.raw)
    onward: Onward = placed.decision.onward  # type: ignore[assignment]
    if onward == "scope" and copy.seq not in work.scoped:
        onward = "none"
    put = Put(
        id=copy.object.id,
        type=copy.object.type,
        modified=copy.object.version,
        digest=seen.digest,
        size=len(seen.raw),
        com=copy.com or work.coms[copy.seq],
        role="owner" if copy.role == "owner" else "carrier",
        onward=onward,
        readers=sorted((copy.readers or {}).get(peer, ())),
    )
    return _Part(put=put, body=seen.raw)


def _relayed(copy: Copy, consent: str) -> Put:
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
        proof=msgspec.json.decode(copy.proof, type=Proof),
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
        stands = {row.view for row in releases.rows_of_shelf(unit, channel.id)}
        first, last = map(int, noted.split("-"))
        for parcel in channels.parcels(unit, channel.id, first, last):
            seal = decode(read(parcel.envelope).payload, Seal)
            puts = [e for e in seal.parts if isinstance(e, Put) and e.digest in stands]
            if puts:
                bodies = objects.bodies_of(unit, [put.digest for put in puts])
                parts = [_Part(put=put, body=bodies[put.digest]) for put in puts]
                _send(unit, us, (peer.name, terms), parts, {"repeats": parcel.chan_seq}, now)


# --- frames ----------------------------------------------------------------------------------------------
def _seal(work: _Placing, peer: str, parts: Sequence[_Part], first_leaf: int) -> None:
    about: dict[str, Json] = {"first": first_leaf, "releases": len(parts)}
    for chunk in _chunks(parts, min(work.us.max_frame_bytes, work.agreement.max_frame_bytes)):
        _send(work.unit, work.us, (peer, work.terms), chunk, about, work.now, work.batches)


def _send(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    to: tuple[str, Terms],
    parts: Sequence[_Part],
    about: Mapping[str, Json],
    now: datetime,
    batches: dict[tuple[bytes, ...], str] | None = None,
) -> None:
    peer, terms = to
    own = [part.put for part in parts if part.put.proof is None]
    out = Outgoing(
        peer=peer,
        terms=terms,
        entries=[part.put for part in parts],
        bodies=[part.body for part in parts],
        batch=_batch(us, terms, own, now, {} if batches is None else batches) if own else "",
        about={"agreement": terms.id, **about},
    )
    send(unit, us, out, now)


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


def _batch(
    us: Us,
    terms: Terms,
    puts: list[Put],
    now: datetime,
    batches: dict[tuple[bytes, ...], str],
) -> str:
    """Return the envelope that vouches for ``puts``; peers that get the same views get the same one."""
    key = tuple(batch_leaf(put) for put in puts)
    if key not in batches:
        batch = Batch(
            realm=us.realm,
            by=us.party,
            scope=terms,
            issued=text(now),
            n=len(puts),
            root=batch_root(puts),
        )
        batches[key] = sign(BATCH, encode(batch), us.signer).to_bytes().decode()
    return batches[key]
