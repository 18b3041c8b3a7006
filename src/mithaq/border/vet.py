"""Whether something that came in may be an object here: form, ownership, markings (border.md 1.2, 1.3, 6.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border.peers import administrative, document_of
from mithaq.errors import Conflict, NotFound
from mithaq.model.canonical import Json, parse
from mithaq.model.labels import Beside, Label, Tlp, join
from mithaq.model.markings import (
    FIXED,
    Marking,
    classify,
    is_forgery,
    label_of,
    marking_refs,
    path_labels,
)
from mithaq.model.objects import Object
from mithaq.store import definitions, inbound, parties
from mithaq.store.inbound import Quarantined
from mithaq.store.objects import UNRESOLVED

OWN_TYPES = "mithaq-"  # our own kinds come in collections of their own, never as intelligence
UNMARKED_READS_AS = Tlp.AMBER  # who may read here what nobody has marked yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why something is no object here: a stable code, where, and a sentence for our people."""

    code: str
    where: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a judgement rests on besides the object: who is enrolled, and what markings mean."""

    owners: Mapping[str, str]  # identity id -> the party whose key document lists it
    table: Mapping[str, Marking]  # the voucher's definitions besides the fixed ones
    forged: frozenset[str] = field(default_factory=frozenset)  # fixed ids forged in this arrival
    known: dict[tuple[tuple[str, ...], Beside], Label] = field(default_factory=dict, repr=False)

    def owner_of(self, seen: Object) -> str:
        """Return the enrolled party whose identity the object is, or claims as its creator; or nobody."""
        return self.owners.get(seen.id, "") or self.owners.get(seen.created_by or "", "")

    def on_whole(self, seen: Object, beside: Beside) -> Label:
        """Return the label that an object bears as a whole, worked out once for all that are marked alike."""
        alike = (seen.marking_refs, beside)
        if alike not in self.known:
            self.known[alike] = label_of(*alike, self.table)
        return self.known[alike]

    def label(self, seen: Object, beside: Beside) -> Label:
        """Return the label of the whole object: its own, and every path's."""
        whole = self.on_whole(seen, beside)
        if not seen.is_marked_in_part:
            return whole
        return join(whole, *path_labels(seen.body, self.table).values())

    def level(self, seen: Object, beside: Beside) -> int:
        """Return the level that reads are gated by."""
        label = self.label(seen, beside)
        if label.unresolved:
            return UNRESOLVED
        return int(UNMARKED_READS_AS if label.tlp is None else label.tlp)


def ground(unit: Connection, voucher: str, arriving: Sequence[Object] = ()) -> Ground:
    """Collect what judging objects of ``voucher`` rests on, with the definitions that arrive with them."""
    owners = {
        identity: party
        for party in parties.parties_with_keys(unit)
        if (document := document_of(unit, party)) is not None
        for identity in document.identities
    }
    defining = [seen for seen in arriving if seen.type == "marking-definition"]
    here = {
        id_: classify(_body(raw)) for id_, raw in definitions.every(unit).get(voucher, {}).items()
    }
    new = {seen.id: classify(seen.body) for seen in defining if seen.id not in FIXED}
    return Ground(
        owners=owners,
        table={**new, **here},
        forged=frozenset(seen.id for seen in defining if is_forgery(seen.body)),
    )


def _body(raw: bytes) -> Mapping[str, Json]:
    value = parse(raw)
    return value if isinstance(value, dict) else {}


def drop(unit: Connection, number: int, now: datetime, *, by: str) -> Quarantined:
    """Take an entry in quarantine off the list of those to look at; it is kept as evidence.

    Raises:
        NotFound: there is none of that number; Conflict: somebody has dropped it, or it was recalled.
    """
    found = inbound.quarantined(unit, number)
    if found is None:
        raise NotFound(f"nothing in quarantine by the number {number}", number=number)
    if found.state != "waiting":
        raise Conflict(f"number {number} waits no more: it is {found.state}", number=number)
    inbound.drop(unit, number)
    facts: dict[str, Json] = {"code": found.code, "digest": found.digest, "by": by}
    administrative(unit, now, "quarantine-dropped", found.id, facts)
    return replace(found, state="dropped")


def markings_hold(ground_: Ground, seen: Object) -> Verdict | None:
    """Say what is wrong with the markings an object bears or defines; None if nothing is."""
    if seen.id in ground_.forged:
        return Verdict(code="marking-forged", where="/definition")
    if ground_.forged:
        hit = next((ref for ref in marking_refs(seen.body) if ref in ground_.forged), None)
        if hit is not None:
            return Verdict(code="marking-forged", where="/object_marking_refs", why=hit)
    if seen.type == "marking-definition" and seen.id not in FIXED:
        meant = classify(seen.body)
        if meant.label.unresolved:
            return Verdict(code="marking-unknown", where="/definition", why=seen.id)
    return None


def ownership(ground_: Ground, seen: Object, voucher: str, role: str) -> Verdict | None:
    """Say what is wrong with who vouches for whose object (border.md 1.2); None if nothing is.

    Args:
        role: as the entry states it: ``owner`` or ``carrier``.
    """
    owner = ground_.owner_of(seen)
    if owner and owner != voucher:
        return Verdict(code="ownership", where="/created_by_ref", why=owner)
    if (owner == voucher) != (role == "owner"):
        return Verdict(code="role", where="/created_by_ref", why=role)
    return None
