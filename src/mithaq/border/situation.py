"""Gather what a decision is made from: the store's rows as the policy's values."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import msgspec
from sqlalchemy import Connection

from mithaq.border import blocks
from mithaq.border.clocks import instants
from mithaq.border.orders import reaches
from mithaq.border.peers import document_of
from mithaq.border.us import Us
from mithaq.model.benign import Benign, findings, suppressing
from mithaq.model.canonical import parse
from mithaq.model.labels import FOOT, Label, Tlp, join, tlp
from mithaq.model.markings import Marking, classify, label_of, path_labels
from mithaq.model.objects import moment
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Agreement
from mithaq.policy.situation import (
    Approval,
    Candidate,
    Consent,
    Peer,
    Person,
    Recall,
    Situation,
    Standing,
)
from mithaq.store import (
    agreements,
    blobs,
    channels,
    consents,
    definitions,
    objects,
    parties,
    provenance,
    recalls,
    releases,
)
from mithaq.store.consents import GIVEN
from mithaq.store.objects import Copy
from mithaq.store.recalls import EVERY
from mithaq.store.releases import ShelfRow
from mithaq.store.sources import Source, all_sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A situation and its candidates, with the rows they came from."""

    situation: Situation
    candidates: Sequence[Candidate]
    copies: Mapping[int, Copy]
    rows: Mapping[tuple[str, str, str], ShelfRow]  # (peer, id, version) under this agreement


def gather(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    agreement: Agreement,
    seqs: Iterable[int],
    purpose: str,
    now: datetime,
) -> Gathered:
    """Collect everything around the copies ``seqs`` for one decision under ``agreement``."""
    wanted = {copy.seq: copy for copy in objects.by_seq(unit, seqs)}
    ids = {copy.object.id for copy in wanted.values()}
    targets = {target for copy in wanted.values() for _, target in copy.object.references}
    sight = _in_sight(unit, us, agreement)
    standing = releases.rows_towards(unit, sight, ids | targets)
    ours = [row for row in standing if row.agreement == agreement.id and row.id in ids]
    extra = _for_purpose(unit, agreement, {row.copy for row in ours} - wanted.keys(), purpose)
    further = objects.by_seq(unit, extra)
    wanted |= {copy.seq: copy for copy in further}
    if beyond := {target for copy in further for _, target in copy.object.references} - targets:
        standing += releases.rows_towards(unit, sight, beyond - ids)
        targets |= beyond
    sources = all_sources(unit)
    candidates = _candidates(unit, wanted, sources, us.benign)
    situation = Situation(
        us=us.party,
        country=us.country,
        identities=frozenset(_identities(unit, us.party)),
        peers=peers(unit, us),
        purpose=purpose,
        instants=instants(unit, now),
        markings={},
        reference_ids=_reference_ids(unit, targets, sources),
        shelves=_standings(standing, _before(unit, ours, wanted.values())),
        past=_standings(releases.first_shown(unit, agreement.id, ids), {}),
        known={} if agreement.kind == "forum" else _known(unit, agreement, targets),
        came=_came(unit, agreement, targets),
        approvals=_approvals(unit, wanted),
        consents=_consents(unit, us, wanted),
        recalls=_recalls(unit, ids | targets),
        blocks=blocks.standing(unit, us),
    )
    return Gathered(
        situation=situation,
        candidates=candidates,
        copies=wanted,
        rows={(row.peer, row.id, row.version): row for row in ours},
    )


def candidates_of(unit: Connection, seqs: Iterable[int]) -> list[Candidate]:
    """Return copies as they might leave, each with its markings as its voucher defines them."""
    wanted = {copy.seq: copy for copy in objects.by_seq(unit, seqs)}
    return _candidates(unit, wanted, all_sources(unit), None)


def _candidates(
    unit: Connection,
    wanted: Mapping[int, Copy],
    sources: Mapping[str, Source],
    benign: Benign | None,
) -> list[Candidate]:
    around = _Around(unit, wanted, sources, benign)
    return [around.candidate(copy) for copy in wanted.values()]


def _for_purpose(
    unit: Connection, agreement: Agreement, copies: set[int], purpose: str
) -> set[int]:
    """Keep the copies that were proposed for this purpose: one for another is not judged by this one."""
    asked = releases.intents_where(unit, copies=sorted(copies), agreement=agreement.id)
    return copies - {intent.copy for intent in asked if intent.purpose != purpose}


def _known(unit: Connection, agreement: Agreement, ids: set[str]) -> dict[str, frozenset[str]]:
    """Return what each party of an agreement of two owns or sent us of ``ids``."""
    found = provenance.known_from(unit, agreement.names, ids)
    return {name: frozenset(has) for name, has in found.items()}


def _came(unit: Connection, agreement: Agreement, ids: set[str]) -> dict[str, frozenset[str]]:
    """Return what each party of an agreement of many has of ``ids``, for they came under it (border.md 2.5)."""
    found: dict[str, set[str]] = defaultdict(set)
    for id_, holders, scope in provenance.came_under(unit, agreement.id, ids):
        for name in agreement.names if scope else holders:
            found[name].add(id_)
    return {name: frozenset(has) for name, has in found.items()}


def markings(unit: Connection) -> dict[str, dict[str, Marking]]:
    """Return, by voucher, the marking definitions besides the fixed ones, as we understand them."""
    return {
        voucher: {
            id_: classify(body)
            for id_, raw in bodies.items()
            if isinstance(body := parse(raw), dict)
        }
        for voucher, bodies in definitions.every(unit).items()
    }


def peers(unit: Connection, us: Us) -> dict[str, Peer]:
    """Return the confirmed peers as the policy knows them."""
    found: dict[str, Peer] = {}
    for peer in parties.all_peers(unit):
        if peer.kind == "node" and peer.state != "confirmed":
            continue
        document = document_of(unit, peer.name) if peer.kind == "node" else None
        found[peer.name] = Peer(
            name=peer.name,
            country=peer.country,
            node=peer.kind == "node",
            identities=frozenset(document.identities) if document else frozenset(),
            readers=frozenset(r.id for r in document.readers) if document else frozenset(),
            constituency_of=us.party if peer.constituency_of == us.party else "",
            need_to_know=peer.need_to_know,
        )
    return found


def _identities(unit: Connection, party: str) -> Sequence[str]:
    document = document_of(unit, party)
    return document.identities if document else ()


@dataclass(frozen=True, slots=True)
class _Came:
    """Under what terms things of one kind, from one voucher and sender, came here."""

    markings: Mapping[str, Marking]
    community: frozenset[str] | None
    parties: frozenset[str]
    purposes: frozenset[str] | None
    onward: str | None  # the source's; None: each says its own
    from_client: bool
    by_source: bool


def _families(unit: Connection, copies: Mapping[int, Copy]) -> dict[tuple[str, str], list[Copy]]:
    """Return, for ids of several versions, all admitted copies of a voucher, oldest first."""
    versions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for seq, voucher, id_ in provenance.kin(unit, (copy.object.id for copy in copies.values())):
        versions[voucher, id_].append(seq)
    others = {seq for seqs in versions.values() for seq in seqs} - copies.keys()
    loaded = dict(copies) | {copy.seq: copy for copy in objects.by_seq(unit, others)}
    return {
        key: sorted((loaded[seq] for seq in seqs), key=lambda c: moment(c.object.version))
        for key, seqs in versions.items()
    }


# The same for all, so that alike labels are seen to be alike.
_NO_DEFINITIONS: Mapping[str, Marking] = {}
_NO_READERS: Mapping[str, frozenset[str]] = {}


class _Around:
    """What stands around some copies: their kin, and the terms they came under."""

    def __init__(
        self,
        unit: Connection,
        copies: Mapping[int, Copy],
        sources: Mapping[str, Source],
        benign: Benign | None,
    ) -> None:
        self._benign = benign
        self._unit = unit
        self._tables = markings(unit)
        self._families = _families(unit, copies)
        self._sources = sources
        self._texts = {
            (row.id, row.version): policy.read(row.raw) for row in agreements.texts(unit)
        }
        self._came: dict[tuple[object, ...], _Came] = {}  # found so far

    def candidate(self, copy: Copy) -> Candidate:
        """Return a copy as it might leave."""
        own, kind = copy.standing == "own", copy.object.type
        alike = (copy.voucher, copy.sent_by, kind, copy.agreement, copy.agreement_version)
        came = self._came.get(alike)
        if came is None:
            came = self._came[alike] = self._terms(copy)
        later, before = self._kin(copy)
        table = came.markings
        return Candidate(
            key=copy.seq,
            object=copy.object,
            voucher=copy.voucher,
            own=own,
            owner=copy.owner,
            sent_by=copy.sent_by,
            via=came.community,
            via_agreement=copy.agreement,
            via_parties=came.parties,
            via_purposes=came.purposes,
            onward=copy.onward if came.onward is None else came.onward,
            from_client=came.from_client,
            relayed=not own and not came.by_source,
            author=copy.author,
            beside=copy.beside,
            markings=table,
            readers=_readers(copy) if copy.readers else _NO_READERS,
            newest=not later,
            label_floor=join(*(_label(c, table) for c in later)) if later else FOOT,
            lowers=own and self._is_below(copy, before, table),
            benign=self._lists(copy) if kind == "indicator" else (),
        )

    def _lists(self, copy: Copy) -> tuple[str, ...]:
        """Return the lists of what is harmless that an indicator's values are on, if anybody asks."""
        if self._benign is None:
            return ()
        kept = suppressing(findings(copy.object.body, self._benign.match))
        return tuple(dict.fromkeys(each.hit.list for each in kept))

    def _is_below(self, copy: Copy, before: Sequence[Copy], table: Mapping[str, Marking]) -> bool:
        """Say whether a version's level is below that at which the versions before it stood.

        One that is lower itself stands for that only if a second person let it go: else two versions would lower
        what one may not (border.md 2.9).
        """
        stood: Tlp | None = None
        for earlier in before:
            level = _label(earlier, table).tlp
            if level is not None and (
                stood is None or level >= stood or earlier.seq in self._approved
            ):
                stood = level
        level = _label(copy, table).tlp if stood is not None else None
        return level is not None and stood is not None and level < stood

    @cached_property
    def _approved(self) -> frozenset[int]:
        """The versions that somebody approved, of those that others follow."""
        kin = sorted({copy.seq for family in self._families.values() for copy in family})
        return frozenset(row.copy for row in releases.approvals_of(self._unit, kin))

    def _kin(self, copy: Copy) -> tuple[Sequence[Copy], Sequence[Copy]]:
        """Return the later and the earlier versions from the same voucher."""
        kin = self._families.get((copy.voucher, copy.object.id))
        if not kin:
            return (), ()
        now = moment(copy.object.version)
        later = [c for c in kin if moment(c.object.version) > now]
        return later, [c for c in kin if moment(c.object.version) < now]

    def _terms(self, copy: Copy) -> _Came:
        source = self._sources.get(copy.voucher)
        text = self._texts.get((copy.agreement, copy.agreement_version))
        community = source.community if source else None
        return _Came(
            markings=self._tables.get(copy.voucher, _NO_DEFINITIONS),
            community=text.members if text else community,
            parties=frozenset(text.names) if text else frozenset(),
            purposes=_purposes(text, copy.sent_by, copy.object.type) if text else None,
            onward=None if text else (source.onward if source else "none"),
            from_client=source is not None and source.kind == "client",
            by_source=source is not None,
        )


def _readers(copy: Copy) -> Mapping[str, frozenset[str]]:
    return {party: frozenset(ids) for party, ids in (copy.readers or {}).items()}


def _purposes(text: Agreement, sender: str, kind: str) -> frozenset[str]:
    """Return what the text that something came under lets such a thing of its sender be used for."""
    sent = (c for c in text.clauses if c.direction.sender == "*" or sender in c.direction.sender)
    fit = (c for c in sent if "*" in c.kinds or kind in c.kinds)
    return frozenset(p for c in fit for p in c.purposes)


Turns = dict[tuple[object, ...], set[str]]


def turns(candidate: Candidate, known: Turns) -> set[str]:
    """Return the instants at which what the candidate's markings permit may turn (border.md 2.7).

    Args:
        known: those of candidates of this unit, so that what bears the same markings is looked at once.
    """
    stored = candidate.object
    if stored.is_marked_in_part:
        return _turns(candidate)
    floor = candidate.label_floor
    alike = (id(candidate.markings), stored.marking_refs, id(candidate.beside), id(floor))
    found = known.get(alike)
    if found is None:
        found = known[alike] = _turns(candidate)
    return found


def _turns(candidate: Candidate) -> set[str]:
    table, stored = candidate.markings or {}, candidate.object
    on_paths = path_labels(stored.body, table).values() if stored.is_marked_in_part else ()
    labels = (
        label_of(stored.marking_refs, candidate.beside, table),
        candidate.label_floor,
        *on_paths,
    )
    return {at for label in labels for at in (label.embargo, label.expiry) if at is not None}


def _label(copy: Copy, table: Mapping[str, Marking]) -> Label:
    return label_of(copy.object.marking_refs, copy.beside, table)


def _reference_ids(
    unit: Connection, targets: set[str], sources: Mapping[str, Source]
) -> frozenset[str]:
    pinned = {name for name, source in sources.items() if source.reference}
    if not pinned:
        return frozenset()
    return frozenset(
        id_
        for _seq, voucher, id_, _version in provenance.versions_of(unit, targets)
        if voucher in pinned
    )


def _in_sight(
    unit: Connection, us: Us, agreement: Agreement
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the agreements and the peers whose shelves count: of one party alone, what it has by any agreement."""
    names = [name for name in agreement.names if name != us.party]
    if agreement.kind == "forum":
        return [agreement.id], names
    others = {c.agreement for name in names for c in channels.of_peer(unit, name, "out")}
    return sorted(others | {agreement.id}), names


def _before(
    unit: Connection, rows: Iterable[ShelfRow], wanted: Iterable[Copy]
) -> Mapping[str, bytes]:
    """Return what those of ``rows`` show that a wanted version follows: it must differ from them (border.md 1.9)."""
    last: dict[str, str] = {}
    for copy in wanted:
        seen = copy.object
        last[seen.id] = max(last.get(seen.id, ""), moment(seen.version))
    return blobs.some(unit, [r.view for r in rows if moment(r.version) < last[r.id]])


def _standings(rows: Iterable[ShelfRow], bodies: Mapping[str, bytes]) -> tuple[Standing, ...]:
    return tuple(
        Standing(
            peer=row.peer,
            agreement=row.agreement,
            key=row.copy,
            id=row.id,
            version=row.version,
            view=row.view,
            removed=_NOTHING
            if row.removed == "[]"
            else frozenset(msgspec.json.decode(row.removed, type=list[str])),
            since=row.released_at,
            body=msgspec.json.decode(bodies[row.view], type=dict) if row.view in bodies else {},
        )
        for row in rows
    )


_NOTHING = frozenset[str]()


def _consents(unit: Connection, us: Us, copies: Mapping[int, Copy]) -> tuple[Consent, ...]:
    """Return the owners' yes to passing on the very bytes of ``copies``."""
    rows = consents.of_ids(unit, {copy.object.id for copy in copies.values()})
    given = [row for row in rows if row.asker == us.party and row.state == GIVEN]
    if not given:
        return ()
    held = {(c.object.id, c.object.version, c.object.digest) for c in copies.values()}
    return tuple(
        Consent(
            by=row.owner,
            id=row.id,
            version=row.version,
            recipient=row.recipient,
            purpose=row.purpose,
        )
        for row in given
        if (row.id, row.version, row.digest) in held
    )


def _recalls(unit: Connection, ids: set[str]) -> tuple[Recall, ...]:
    return tuple(
        Recall(
            by=order.by,
            id=order.id,
            version=None if order.version == EVERY else order.version,
            issued=order.issued,
            agreement=order.agreement,
            peers=frozenset(order.peers.split(",")) if order.peers else None,
            view=order.view or None,
            brought_by="" if reaches(order, "") else order.sent_by,
        )
        for order in recalls.orders_on(unit, ids)
    )


def persons(unit: Connection) -> dict[str, Person]:
    """Return the people here by name."""
    return {
        row.name: Person(
            name=row.name,
            roles=frozenset(row.roles.split(",")),
            clearance=tlp(row.clearance),
        )
        for row in parties.all_actors(unit)
    }


def _approvals(unit: Connection, copies: Mapping[int, Copy]) -> tuple[Approval, ...]:
    people = persons(unit)
    return tuple(
        Approval(
            key=row.copy,
            agreement_digest=row.agreement_digest,
            peers=frozenset(row.peers.split(",")),
            view=row.view,
            proposer=row.proposer,
            approver=people[row.approver],
            standing=bool(row.standing),
        )
        for row in releases.approvals_of(unit, list(copies))
        if row.approver in people
    )
