"""What analysts write themselves: new objects, later versions of our own, and what takes them out of use.

All of it enters by the local door (``border.local``), as our own word; others' objects are only spoken about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import local
from mithaq.border.about import at_least, floor, is_below
from mithaq.border.peers import document_of
from mithaq.border.situation import candidates_of
from mithaq.border.us import Us
from mithaq.errors import Conflict, InputError, NotFound, Refused
from mithaq.intel.authoring import drafts
from mithaq.intel.authoring.drafts import MARKINGS, Change, Fields
from mithaq.intel.keeping.service import versions, worked_on
from mithaq.model.canonical import Json
from mithaq.model.labels import Beside, Label
from mithaq.model.objects import Object, moment
from mithaq.model.schema import SCO
from mithaq.store import provenance
from mithaq.store.engine import append_lock
from mithaq.store.objects import Copy
from mithaq.store.sources import Source

_SPEAKING = frozenset({"note", "opinion", "language-content"})  # their text is about what they name


class NotOurs(Refused):
    """An object is another's word, which only its owner changes (border.md 1.2)."""

    code = "not-ours"


class Overtaken(Conflict):
    """Somebody wrote a newer version meanwhile."""

    code = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What would be stored, for a person to look at before it is."""

    object: Object
    beside: Beside = Beside()
    readers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    base: Copy | None = None  # the version it follows; None: it is the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is to stand beside what a person writes: a marking, and the persons whom TLP:RED is for."""

    beside: Beside = Beside()
    readers: Mapping[str, Sequence[str]] = field(default_factory=dict)


_BARE = Terms()


def new(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    type_: str,
    given: Fields,
    now: datetime,
    *,
    terms: Terms = _BARE,
) -> Draft:
    """Return a first version of our own, as it would be stored; nothing is written.

    A note or an opinion bears at least what it is about bears (``about``), unless that is unmarked.

    Raises:
        Forbidden: the actor may not speak for us. NotFound: it names what they may not read.
        InputError: what is given makes no object, or it would bear less than what it is about.
        Unspeakable: nothing may be written about what it names.
    """
    require(actor, Permission.OBJECT_ADD)
    beside = terms.beside
    if type_ in _SPEAKING:
        beside = _as_strict(beside, _least(unit, us, actor, given))
    beside, borne = _split(beside, type_)
    if borne:
        given = {**given, MARKINGS: drafts.marked(_refs(given), borne)}
    made = drafts.first(type_, given, identity(unit, us), now)
    return Draft(object=made, beside=beside, readers=terms.readers)


def _least(unit: Connection, us: Us, actor: Actor, given: Fields) -> Label:
    """Return what a text about the objects it names bears at least."""
    said = given.get("object_refs", given.get("object_ref"))
    ids = [str(each) for each in (said if isinstance(said, list) else [said]) if each is not None]
    found = candidates_of(unit, worked_on(unit, us, actor, names=ids) if ids else [])
    for id_ in set(ids) - {each.object.id for each in found}:  # its newest version is hidden
        raise NotFound(f"nothing here by the name {id_!r} that {actor.name} may read", id=id_)
    return floor(found)


def _as_strict(given: Beside, least: Label) -> Beside:
    if is_below(given, least):
        level = f"TLP:{least.tlp}" if least.tlp is not None else f"PAP:{least.pap}"
        raise local.Lowering(f"what it is about is {level}, and so is what is written about it")
    return at_least(given, least)


def _split(beside: Beside, type_: str) -> tuple[Beside, Beside | None]:
    """Return what stands beside an object of ours, and the levels that it bears itself.

    The bytes bear TLP and PAP, so that every reader sees them; an observable stays the value it is.
    """
    if type_ in SCO or (beside.tlp is None and beside.pap is None):
        return beside, None
    return replace(beside, tlp=None, pap=None), Beside(tlp=beside.tlp, pap=beside.pap)


def _refs(given: Fields) -> list[str]:
    refs = given.get(MARKINGS)
    return [str(each) for each in refs] if isinstance(refs, list) else []


def identity(unit: Connection, us: Us) -> str:
    """Return the identity that our objects name as their creator; empty before we have a key document."""
    document = document_of(unit, us.party)
    return next(iter(document.identities), "") if document else ""


def own(unit: Connection, us: Us, actor: Actor, name: str) -> Copy:
    """Return the newest version of an object of ours, by its id or the number of that version.

    Raises:
        Forbidden, NotFound: the actor may not write, or may read no newest version by that name.
        NotOurs: it is another's word. Overtaken: the number is an older version's.
    """
    require(actor, Permission.OBJECT_ADD)
    found = versions(unit, us, actor, name)
    ours = [copy for copy in found if copy.standing == "own"]
    if not ours:
        first = found[0]
        raise NotOurs(
            f"it is the word of {first.owner or first.voucher}, not ours",
            object=first.object.id,
        )
    newest = _newest(unit, us, ours[0].object.id)
    seen = [copy for copy in ours if copy.seq == newest]
    if not seen and any(c.seq == newest for c in versions(unit, us, actor, ours[0].object.id)):
        raise Overtaken(f"a newer version of it is number {newest}", number=newest)
    if not seen:
        raise NotFound(f"nothing here by the name {name!r} that {actor.name} may read", id=name)
    return seen[0]


def _newest(unit: Connection, us: Us, id_: str) -> int:
    """Return the number of our newest version of an object, whoever may read it."""
    kin = [row for row in provenance.versions_of(unit, [id_]) if row[1] == us.party]
    return max(kin, key=lambda row: (moment(row[3]), row[0]))[0]


def revised(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    name: str,
    given: Fields,
    now: datetime,
    *,
    terms: Terms = _BARE,
) -> Draft:
    """Return the version that would follow an object of ours, with what differs; nothing is written.

    It bears what the version before it bears, unless another marking is given: a higher level is recalled from whom it
    leaves out, a lower one takes a second person to be released (border.md 2.9).

    Raises:
        Forbidden, NotFound, NotOurs, Overtaken: as ``own``. Revoked, InputError: as ``drafts.later``.
    """
    base = own(unit, us, actor, name)
    wanted = terms.beside
    if base.object.type in _SPEAKING:
        wanted = _above(unit, us, actor, base, given, wanted)
    beside, borne = _split(wanted, base.object.type)
    kept = base.beside
    if borne:
        given = {**given, MARKINGS: drafts.marked(_borne(base, given), borne)}
        kept = replace(
            kept,
            tlp=kept.tlp if borne.tlp is None else None,
            pap=kept.pap if borne.pap is None else None,
        )
    made = drafts.later(base.object, given, now)
    return Draft(
        object=made,
        beside=_over(kept, beside),
        readers=terms.readers or dict(base.readers or {}),
        changes=drafts.changes(base.object.body, made.body),
        base=base,
    )


def _above(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, base: Copy, given: Fields, wanted: Beside
) -> Beside:
    """Return the marking of a text's next version: no less than what it is about bears by now."""
    least = _least(unit, us, actor, {**base.object.body, **given})
    if wanted == Beside() and not is_below(_stands(unit, base), least):
        return wanted
    return _as_strict(wanted, least)


def _stands(unit: Connection, copy: Copy) -> Beside:
    [candidate] = candidates_of(unit, [copy.seq])
    label = floor([candidate])
    return Beside(tlp=label.tlp, pap=label.pap)


def _borne(base: Copy, given: Fields) -> list[str]:
    return _refs(given) if MARKINGS in given else list(base.object.marking_refs)


def _over(kept: Beside, given: Beside) -> Beside:
    """Return what stood beside the version before, with what is given in its place."""
    return Beside(
        tlp=given.tlp if given.tlp is not None else kept.tlp,
        pap=given.pap if given.pap is not None else kept.pap,
        releasable_to=kept.releasable_to if given.releasable_to is None else given.releasable_to,
        originator_control=given.originator_control or kept.originator_control,
        embargo=given.embargo or kept.embargo,
        expiry=given.expiry or kept.expiry,
        purposes=kept.purposes if given.purposes is None else given.purposes,
    )


def revoked(unit: Connection, us: Us, actor: Actor, name: str, now: datetime) -> Draft:
    """Return the version that says that an object of ours holds no more (STIX 2.1 section 3.6).

    Raises:
        As ``revised``.
    """
    return revised(unit, us, actor, name, {"revoked": True}, now)


def restored(  # noqa: PLR0913 unit, us and actor come with every act
    unit: Connection, us: Us, actor: Actor, name: str, earlier: str, now: datetime
) -> Draft:
    """Return the version that says what an earlier one said; its marking stays what it is now.

    Args:
        earlier: the number or the instant of that version.

    Raises:
        NotFound: there is none such that the actor may read. The rest as ``revised``.
    """
    base = own(unit, us, actor, name)
    found = [
        copy
        for copy in versions(unit, us, actor, base.object.id)
        if copy.standing == "own" and earlier in (str(copy.seq), copy.object.version)
    ]
    if not found:
        raise NotFound(
            f"no version {earlier!r} of it that {actor.name} may read", id=base.object.id
        )
    body = found[0].object.body
    without: dict[str, Json] = {n: v for n, v in body.items() if n not in (*drafts.GIVEN, MARKINGS)}
    marks = {MARKINGS: base.object.body[MARKINGS]} if MARKINGS in base.object.body else {}
    return revised(unit, us, actor, name, drafts.set_to(base.object.body, without | marks), now)


def store(unit: Connection, us: Us, actor: Actor, draft: Draft, now: datetime) -> Copy:
    """Store what a person has looked at; an observable that is here already is returned as it is.

    Raises:
        Forbidden: the actor may not speak for us.
        Overtaken: somebody has stored another version since the draft was made.
        InputError: the border does not take it.
    """
    require(actor, Permission.OBJECT_ADD)
    append_lock(unit, "copies")  # nobody else's version between the look and the deed
    seen = draft.object
    if draft.base is not None and _newest(unit, us, seen.id) != draft.base.seq:
        raise Overtaken(
            "somebody has written another version meanwhile; look again", object=seen.id
        )
    given = local.Given(object=seen, beside=draft.beside, readers=draft.readers)
    here = Source(name=us.party, kind="file")
    outcome = local.local(unit, us, here, [given], author=actor.name, own=True, now=now)
    for id_, code, why in outcome.refused:
        refusal = InputError(f"{id_}: {why or code}", object=id_)
        refusal.code = code
        raise refusal
    return outcome.stored[0] if outcome.stored else _here(unit, us, actor, seen)


def _here(unit: Connection, us: Us, actor: Actor, seen: Object) -> Copy:
    rows = [copy for copy in versions(unit, us, actor, seen.id) if copy.voucher == us.party]
    return rows[0]


def targets(unit: Connection, us: Us, actor: Actor, names: Sequence[str]) -> list[Copy]:
    """Return the newest copies of what a person names by id or number, one each, in their order.

    Raises:
        NotFound: one of them is none that the actor may read.
    """
    found: list[Copy] = []
    for name in names:
        copy = versions(unit, us, actor, name)[0]
        if copy.object.id not in {each.object.id for each in found}:
            found.append(copy)
    return found
