"""Step 7 of admission: each entry of a good envelope becomes a copy or goes into quarantine (border.md 6.7)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border import proofs
from mithaq.border.clocks import instants
from mithaq.border.kept import relayed
from mithaq.border.orders import reaches
from mithaq.border.us import Us
from mithaq.border.vet import OWN_TYPES, Ground, Verdict, ground, markings_hold, ownership
from mithaq.clock import text
from mithaq.errors import InputError
from mithaq.model.canonical import Json
from mithaq.model.labels import Beside, Label, Tlp, tlp
from mithaq.model.markings import FIXED
from mithaq.model.objects import Object, read
from mithaq.policy.agreement import Agreement
from mithaq.policy.decision import Reason
from mithaq.policy.lifecycle import Instants
from mithaq.policy.permit import reads_content
from mithaq.policy.receive import against_receiving
from mithaq.policy.situation import Peer
from mithaq.seal.frames import Slice
from mithaq.seal.messages import Put, Seal
from mithaq.store import definitions, inbound, objects, parties, recalls
from mithaq.store.inbound import Quarantined
from mithaq.store.objects import Copy
from mithaq.store.recalls import OrderRow

RECALLED = "recalled"  # what comes again that its owner took back


_NOTHING = Beside()
_SINGLE = frozenset({"identity", "marking-definition"})  # judged by what they say of themselves
_Alike: TypeAlias = tuple[object, ...]


class _Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What makes copies of objects that nothing stands against."""

    voucher: str
    owner: str
    beside: Beside
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an envelope came to: copies, marking definitions, and what was set aside with its verdict."""

    copies: list[Copy] = field(default_factory=list)
    definitions: list[tuple[str, Object]] = field(default_factory=list)  # (voucher, definition)
    recognised: list[Put] = field(default_factory=list)  # fixed definitions, never stored from here
    aside: list[tuple[Put, bytes, Verdict]] = field(default_factory=list)
    back: list[Put] = field(default_factory=list)  # taken back before we fetched it

    @property
    def stored(self) -> int:
        """How many entries are here now."""
        return len(self.copies) + len(self.definitions) + len(self.recognised)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judging:
    us: Us
    peer: str
    terms: Agreement
    at: str
    instants: Instants
    default: Tlp | None  # of what the peer sends unmarked
    reach: Mapping[int, Tlp]  # of each relayed entry by id()
    reads_content: bool  # whether a clause reads what objects say
    orders: Mapping[str, Sequence[OrderRow]]  # recalls under this agreement, by the object's id
    taken: Taken = field(default_factory=Taken)
    clauses: dict[tuple[str, Label], Reason | None] = field(default_factory=dict)
    alike: dict[_Alike, "Verdict | _Fit"] = field(default_factory=dict)


def judge(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    sent: tuple[str, Seal, Agreement],
    slices: Sequence[Slice],
    kept: Sequence[str],
    now: datetime,
) -> Taken:
    """Judge every entry; nothing is written.

    Args:
        kept: the proofs of what the sender vouches for itself, as copies keep them.
    """
    peer, seal, terms = sent
    level = parties.peer(unit, peer).default_tlp
    puts = [entry for entry in seal.entries if isinstance(entry, Put)]
    work = _Judging(
        us=us,
        peer=peer,
        terms=terms,
        at=text(now),
        instants=instants(unit, now),
        default=tlp(level) if level else None,
        reach={
            id(entry): proofs.reach(unit, us, entry, entry.proof, now)
            for entry in puts
            if entry.proof
        },
        reads_content=any(map(reads_content, terms.clauses)),
        orders=_orders(unit, terms.id, [entry.id for entry in puts]),
    )
    valid: dict[str, list[tuple[Put, Object, str]]] = defaultdict(list)  # by who vouches for them
    own = iter(kept)
    for entry, raw in zip(puts, slices, strict=True):
        proof = next(own) if entry.proof is None else relayed(entry.proof)
        if raw is None:
            work.taken.back.append(entry)
            continue
        seen = _read(entry, raw)
        if entry.proof is not None and not proofs.proven(unit, entry.proof, now):
            seen = Verdict(code="proof", where="/")  # not signed by an owner that we know
        if isinstance(seen, Verdict):
            work.taken.aside.append((entry, raw, seen))
        else:
            valid[proofs.voucher(seal, entry)].append((entry, seen, proof))
    for voucher, entries in valid.items():
        stands = (voucher, ground(unit, voucher, [seen for _, seen, _ in entries]))
        for entry, seen, proof in entries:
            found = _judge(work, stands, entry, seen)
            if isinstance(found, Verdict):
                work.taken.aside.append((entry, seen.raw, found))
            elif found is not None:
                work.taken.copies.append(_copy(work, found, entry, seen, proof))
    return work.taken


def _orders(unit: Connection, agreement: str, ids: Sequence[str]) -> dict[str, list[OrderRow]]:
    found: dict[str, list[OrderRow]] = defaultdict(list)
    for order in recalls.orders_on(unit, ids):
        if order.agreement == agreement:
            found[order.id].append(order)
    return found


def _read(entry: Put, raw: bytes) -> Object | Verdict:
    """Pass an entry through the gate and the rules of STIX, and compare it with what the seal says of it."""
    try:
        seen = read(raw, known=entry.digest)
    except InputError as error:
        return Verdict(code=error.code, where=str(error.facts.get("where", "")))
    if (seen.id, seen.type, seen.version) != (entry.id, entry.type, entry.modified):
        return Verdict(code="entry", where="/")  # the seal names another object or version
    if seen.type.startswith(OWN_TYPES):
        return Verdict(code="private-kind", where="/type")
    return seen


def _judge(
    work: _Judging, vouched: tuple[str, Ground], entry: Put, seen: Object
) -> "Verdict | _Fit | None":
    """Judge one object that is valid by itself, once for all that are alike; None if it is to be no copy."""
    alike = _alike(work, entry, seen)
    found = None if alike is None else work.alike.get(alike)
    if found is None:
        found = _judge_alone(work, vouched, entry, seen)
        if alike is not None and found is not None:
            work.alike[alike] = found
    return found


def _alike(work: _Judging, entry: Put, seen: Object) -> _Alike | None:
    """Return all that the judgement of an object rests on; None if it rests on more than that."""
    single = entry.proof is not None or seen.type in _SINGLE or entry.id in work.orders
    if single or work.reads_content or seen.is_marked_in_part:
        return None
    stated = (entry.role, entry.onward, bool(entry.readers))
    return (seen.type, seen.created_by, seen.marking_refs, *stated)


def _judge_alone(
    work: _Judging, vouched: tuple[str, Ground], entry: Put, seen: Object
) -> "Verdict | _Fit | None":
    voucher, ground_ = vouched
    if seen.id in FIXED and seen.id not in ground_.forged:
        work.taken.recognised.append(entry)  # never stored from the wire (border.md 1.3)
        return None
    fault = markings_hold(ground_, seen) or ownership(ground_, seen, voucher, entry.role)
    if fault is not None:
        return fault
    if _recalled(work, voucher, entry):
        return Verdict(code=RECALLED, where="/")
    if seen.type == "marking-definition":
        work.taken.definitions.append((voucher, seen))
        return None
    bare = ground_.on_whole(seen, _NOTHING).tlp is None
    beside = Beside(tlp=work.default) if bare else _NOTHING
    label = ground_.label(seen, beside)
    return _against(work, entry, seen, label) or _Fit(
        voucher=voucher,
        owner=ground_.owner_of(seen),
        beside=beside,
        level=ground_.level(seen, beside),
    )


def _recalled(work: _Judging, voucher: str, entry: Put) -> bool:
    """Say whether who vouches for it has recalled it: it does not come again (border.md 7.2)."""
    return any(
        order.by == voucher
        and reaches(order, work.peer)
        and order.names(entry.modified, entry.digest)
        for order in work.orders.get(entry.id, ())
    )


def _against(work: _Judging, entry: Put, seen: Object, label: Label) -> Verdict | None:
    """Say why the agreement does not let this come in from this sender; None if it does."""
    reason = _against_clauses(work, seen, label)
    if reason is not None:
        return Verdict(code=str(reason.rule), where=reason.clause)
    reach = work.reach.get(id(entry), Tlp.RED)
    # What its originator controls, at whatever level, goes on by consent alone, as AMBER+STRICT does.
    level = Tlp.AMBER_STRICT if label.originator_control else Tlp.CLEAR
    if max(level, label.tlp or Tlp.CLEAR) > reach:
        return Verdict(code="onward", where="/")
    if label.tlp is Tlp.RED and not entry.readers:
        return Verdict(code="readers", where="/")  # RED that names no reader
    return None


def _against_clauses(work: _Judging, seen: Object, label: Label) -> Reason | None:
    """Say why no clause lets it come in, once for all of one kind and label unless a clause reads what they say."""
    alike = (seen.type, label)
    if alike in work.clauses:
        return work.clauses[alike]
    us = Peer(name=work.us.party, country=work.us.country)
    reason = against_receiving(work.terms, (work.peer, us), seen, label, work.instants)
    if not work.reads_content:
        work.clauses[alike] = reason
    return reason


def _copy(work: _Judging, fit: _Fit, entry: Put, seen: Object, proof: str) -> Copy:
    return Copy(
        object=seen,
        voucher=fit.voucher,
        role=entry.role,
        owner=fit.owner,
        agreement=work.terms.id,
        agreement_version=work.terms.version,
        sent_by=work.peer,
        onward=entry.onward,
        beside=fit.beside,
        readers={work.us.party: entry.readers} if entry.readers else None,
        level=fit.level,
        received_at=work.at,
        com=entry.com,
        proof=proof,
    )


class _Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says of a copy that came in."""

    at: str
    digest: str
    sender: str = msgspec.field(name="from")
    id: str
    kind: str = "admission"
    origin: str
    seal: str
    version: str
    voucher: str


def store(unit: Connection, sent: tuple[str, Seal], taken: Taken, now: datetime) -> None:
    """Step 8 for the entries: copies, definitions, quarantine, and a leaf for each (border.md 6.8, 4.4)."""
    peer, seal = sent
    origin = f"{seal.channel}/{seal.seq}"
    for voucher, definition in taken.definitions:
        definitions.define(unit, voucher, definition.id, definition.raw)
    objects.add(unit, taken.copies)
    under = seal.agreement.id if seal.agreement else ""
    inbound.set_aside(unit, [_aside(peer, (origin, under), each, now) for each in taken.aside])
    at = text(now)
    facts: dict[str, Json] = {"from": peer, "origin": origin, "at": at}
    leaves: list[tuple[str, log.Written]] = [
        (
            copy.object.id,
            _Admitted(
                at=at,
                digest=copy.object.digest,
                sender=peer,
                id=copy.object.id,
                origin=origin,
                seal=seal.audit,
                version=copy.object.version,
                voucher=copy.voucher,
            ),
        )
        for copy in taken.copies
    ]
    leaves += [
        (
            put.id,
            {"kind": "quarantine", "id": put.id, "digest": put.digest, "code": v.code, **facts},
        )
        for put, _, v in taken.aside
    ]
    leaves += [
        (put.id, {"kind": "taken-back", "id": put.id, "digest": put.digest, **facts})
        for put in taken.back
    ]
    if leaves:
        log.append(unit, leaves)


def _aside(
    peer: str, where: tuple[str, str], what: tuple[Put, bytes, Verdict], now: datetime
) -> Quarantined:
    (origin, under), (entry, raw, verdict) = where, what
    recalled = (
        verdict.code == RECALLED
    )  # its owner wants it kept nowhere, nor looked at (border.md 7.2)
    return Quarantined(
        at=text(now),
        voucher=peer,
        origin=origin,
        id=entry.id,
        type=entry.type,
        version=entry.modified,
        digest=entry.digest,
        code=verdict.code,
        where=verdict.where,
        body=b"" if recalled else raw,
        state=RECALLED if recalled else "waiting",
        agreement=under,
        onward=entry.onward,
    )
