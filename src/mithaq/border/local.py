"""The way in from here: what our own people import, what they mark, and what clients post (border.md 1.2, 8.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border import recall
from mithaq.border.peers import administrative
from mithaq.border.publish import reconsider, revisit
from mithaq.border.us import Us
from mithaq.border.vet import Ground, Verdict, ground, markings_hold
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.model.canonical import Json
from mithaq.model.labels import Beside, Tlp, join
from mithaq.model.markings import FIXED, tlp_id
from mithaq.model.objects import Object, from_body, moment
from mithaq.store import definitions, objects, provenance, releases
from mithaq.store.journal import record
from mithaq.store.objects import Copy
from mithaq.store.sources import Source, all_sources, put_source


class Given(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An object somebody brings here, and what is to stand beside its bytes."""

    object: Object
    beside: Beside = Beside()
    # party -> reader ids, for RED
    readers: Mapping[str, Sequence[str]] = msgspec.field(default_factory=dict[str, Sequence[str]])


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOutcome:
    """What an import came to: stored anew, here already byte for byte, and refused as (id, code, why)."""

    stored: Sequence[Copy]
    known: int
    defined: int  # marking definitions, kept beside the objects
    refused: Sequence[tuple[str, str, str]]


class Lowering(InputError):
    """A label beside an object only raises; lowering takes a new version and two persons."""

    code = "lowering"


def local(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    source: Source,
    given: Sequence[Given],
    *,
    author: str,
    own: bool,
    now: datetime,
) -> LocalOutcome:
    """Store what an analyst brings: as ours if ``own``, else as carried under the source's terms.

    An object whose creator is another enrolled nation is refused: it comes from that nation or with its
    proof alone (border.md 1.2). A version of ours is never given twice with different bytes, and none follows the one
    that revokes its object (STIX 2.1 section 3.6).
    """
    voucher = us.party if own else source.name
    if not own:
        _keep_terms(unit, source, author, now)
    ground_ = ground(unit, voucher, [each.object for each in given])
    taken, over = _versions_of_ours(unit, us, given) if own else ({}, {})
    copies: list[Copy] = []
    refused: list[tuple[str, str, str]] = []
    known = defined = 0
    for each in given:
        seen = each.object
        verdict = markings_hold(ground_, seen) or _whose(us, ground_, seen, own=own)
        verdict = verdict or _follows(seen, taken, over)
        if verdict is not None:
            refused.append((seen.id, verdict.code, verdict.why))
        elif seen.id in FIXED:
            known += 1
        elif seen.type == "marking-definition":
            definitions.define(unit, voucher, seen.id, seen.raw)
            defined += 1
        else:
            taken[seen.id, seen.version] = seen.digest
            copies.append(_copy(us, (voucher, ground_, source), each, (author, now), own=own))
    stored = objects.add(unit, copies)
    _leaves(unit, stored, author, now)
    record(unit, now, "imported", voucher, stored=len(stored), refused=len(refused), author=author)
    revisit(unit, us, [copy.object.id for copy in stored], now)
    if own:
        _raised(unit, us, stored, author, now)
    return LocalOutcome(
        stored=stored,
        known=known + len(copies) - len(stored),
        defined=defined,
        refused=refused,
    )


def _raised(unit: Connection, us: Us, stored: Sequence[Copy], author: str, now: datetime) -> None:
    """Decide earlier versions again under the higher label of a new one, and recall them (border.md 2.9)."""
    new = {copy.seq for copy in stored}
    kin = provenance.versions_of(unit, {copy.object.id for copy in stored})
    earlier = [seq for seq, voucher, *_ in kin if voucher == us.party and seq not in new]
    before = objects.by_seq(unit, earlier)
    for copy in recall.raises(stored, before):
        old = [each.seq for each in before if each.object.id == copy.object.id]
        for name in dict.fromkeys(i.agreement for i in releases.intents_where(unit, copies=old)):
            reconsider(unit, us, name, old, now)
        recall.raised(unit, us, copy, author, now)


def _keep_terms(unit: Connection, source: Source, author: str, now: datetime) -> None:
    held = all_sources(unit).get(source.name)
    if held == source:
        return
    put_source(unit, source)
    facts: dict[str, Json] = {
        "by": author,
        "default_tlp": "" if source.default_tlp is None else str(source.default_tlp),
        "community": ", ".join(sorted(source.community or ())),
        "onward": source.onward,
        "reliability": source.reliability,
    }
    administrative(unit, now, "source", source.name, facts)


def _versions_of_ours(
    unit: Connection, us: Us, given: Sequence[Given]
) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """Return the digests of our versions, and which of an object's revokes it: one here, or one that comes now."""
    rows = provenance.versions_of(unit, (each.object.id for each in given if each.object.version))
    seqs = [seq for seq, voucher, *_ in rows if voucher == us.party]
    here = [copy.object for copy in objects.by_seq(unit, seqs)]
    over: dict[str, str] = {}
    for each in (*here, *(one.object for one in given)):
        spelt = (
            b'"revoked"' in each.raw or b"\\u" in each.raw
        )  # most are not, and need not be read for it
        if spelt and each.body.get("revoked") is True:
            held = over.get(each.id, each.version)
            over[each.id] = min(held, each.version, key=moment)
    return {(each.id, each.version): each.digest for each in here}, over


def _follows(
    seen: Object, taken: Mapping[tuple[str, str], str], over: Mapping[str, str]
) -> Verdict | None:
    """Say why a version of ours may not stand beside the others."""
    if seen.version and taken.get((seen.id, seen.version), seen.digest) != seen.digest:
        return Verdict(code="version-taken", why="this version is here with other bytes")
    if seen.id in over and moment(seen.version) > moment(over[seen.id]):
        return Verdict(
            code="revoked", why="it is revoked, and nothing follows that: write a new object"
        )
    return None


def _whose(us: Us, ground_: Ground, seen: Object, *, own: bool) -> Verdict | None:
    """Say why we may not vouch for, or carry, what claims that creator (border.md 1.2)."""
    owner = ground_.owner_of(seen)
    if own and (seen.created_by or seen.type == "identity") and owner != us.party:
        claimed = owner or seen.created_by or seen.id
        return Verdict(code="ownership", why=f"it claims {claimed} as its creator, not us")
    if not own and owner == us.party:
        return Verdict(code="ownership", why="it claims us as its creator: import it as our own")
    if not own and owner:
        return Verdict(code="ownership", why=f"it claims {owner}, and comes from {owner} alone")
    return None


def _copy(
    us: Us,
    origin: tuple[str, Ground, Source],
    given: Given,
    by: tuple[str, datetime],
    *,
    own: bool,
) -> Copy:
    voucher, ground_, source = origin
    author, now = by
    seen, beside = given.object, given.beside
    if source.default_tlp is not None and not own and ground_.on_whole(seen, beside).tlp is None:
        beside = replace(beside, tlp=source.default_tlp)
    owner = ground_.owner_of(seen)
    return Copy(
        object=seen,
        voucher=voucher,
        standing="own" if own else "received",
        role=("owner" if owner == us.party else "carrier") if own else "local",
        owner=owner,
        onward=source.onward,
        author=author,
        beside=beside,
        readers=given.readers or None,
        level=ground_.level(seen, beside),
        received_at=text(now),
    )


class _Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What the log says of a copy that was brought here."""

    at: str
    by: str
    digest: str
    id: str
    kind: str = "import"
    version: str
    voucher: str


def _leaves(unit: Connection, stored: Sequence[Copy], author: str, now: datetime) -> None:
    at = text(now)
    leaves = [
        (
            copy.object.id,
            _Imported(
                at=at,
                by=author,
                digest=copy.object.digest,
                id=copy.object.id,
                version=copy.object.version,
                voucher=copy.voucher,
            ),
        )
        for copy in stored
    ]
    if leaves:
        log.append(unit, leaves)


def mark(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection, us: Us, seq: int, beside: Beside, *, author: str, now: datetime
) -> Copy:
    """Put a label beside a copy's bytes, joined to what stands there: it only raises (border.md 2.9).

    Whatever was released of the copy is decided again in this transaction.

    Raises:
        NotFound: there is no such copy. Lowering: the label would not be at least what it is.
    """
    found = objects.by_seq(unit, [seq])
    if not found:
        raise NotFound("no copy of that number", copy=seq)
    [copy] = found
    ground_ = ground(unit, copy.voucher)
    before = ground_.label(copy.object, copy.beside)
    if before.tlp is not None and beside.tlp is not None and beside.tlp < before.tlp:
        raise Lowering(
            f"it is {before.tlp}: a lower level takes a new version by its owner, and two persons",
            object=copy.object.id,
        )
    joined = join_beside(copy.beside, beside)
    level = ground_.level(copy.object, joined)
    objects.set_beside(unit, seq, joined, level)
    facts: dict[str, Json] = {"by": author, "version": copy.object.version, **beside.to_json()}
    administrative(unit, now, "marked", copy.object.id, facts)
    for name in dict.fromkeys(i.agreement for i in releases.intents_where(unit, copies=[seq])):
        reconsider(unit, us, name, [seq], now)
    if copy.standing == "own" and recall.raises(
        [msgspec.structs.replace(copy, beside=joined)], [copy]
    ):
        recall.raised(unit, us, copy, author, now)
    return msgspec.structs.replace(copy, beside=joined, level=level)


def join_beside(a: Beside, b: Beside) -> Beside:
    """Return what is at least as strict as both."""
    label = join(a.label, b.label)
    pap = None if a.pap is None and b.pap is None else label.pap
    return Beside(
        tlp=label.tlp,
        pap=pap,
        releasable_to=label.releasable_to,
        originator_control=label.originator_control,
        embargo=label.embargo,
        expiry=label.expiry,
        purposes=label.purposes,
    )


def own_identity(unit: Connection, us: Us, id_: str, now: datetime) -> None:
    """Make the identity object of our nation: what our objects name as their creator."""
    at = text(now)
    body: dict[str, Json] = {
        "type": "identity",
        "spec_version": "2.1",
        "id": id_,
        "created_by_ref": id_,
        "created": at,
        "modified": at,
        "name": us.organisation,
        "identity_class": "organization",
        "object_marking_refs": [tlp_id(Tlp.CLEAR)],
    }
    here = Source(name=us.party, kind="file")
    given = [Given(object=from_body(body))]
    outcome = local(unit, us, here, given, author="", own=True, now=now)
    if outcome.refused:
        raise Conflict("our identity object was refused", identity=id_)
