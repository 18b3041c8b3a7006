"""Reference sets, such as releases of ATT&CK: taken offline, compared, and of each one version that counts.

A version is held whole as soon as it is taken, and changes nothing yet: people see first what would differ, and what of
ours refers to that. Once it counts, its objects are copies of the source ``set:NAME`` like any others, so that whatever
reads objects finds them; copies of other versions are kept, and nobody is shown them (border.md 1.3).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import local
from mithaq.border.peers import administrative
from mithaq.border.publish import revisit
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.formats import Refusal, Registry
from mithaq.intel.reference.changes import Bodies, Changes, compare, is_over
from mithaq.model.canonical import canonical
from mithaq.model.labels import Tlp
from mithaq.model.named import NUMBER, names_of, number, spelling
from mithaq.model.objects import Body, Object, moment, read
from mithaq.store import objects, sets
from mithaq.store.engine import Store
from mithaq.store.objects import Copy, Rows
from mithaq.store.sets import Name, SetVersion
from mithaq.store.sources import Source, all_sources, put_source

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")
_COLLECTION = "x-mitre-collection"  # says of what version the rest is; it is no part of the set


class NoSet(NotFound):
    """There is no such reference set, or no such version of it."""

    code = "no-set"


class HeldOtherwise(Conflict):
    """That version of the set is held with other bytes."""

    code = "set-held-otherwise"


class Counts(Conflict):
    """That version of the set is the one that counts."""

    code = "set-counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFile:
    """A file as a person gives it."""

    raw: bytes = field(repr=False)
    name: str
    version: str = ""  # as the file says, if it does


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of a file: the version that is held, and what of the file was left out."""

    held: SetVersion
    known: bool  # it was held already
    refused: Sequence[Refusal] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What it came to that a version counts."""

    stored: int  # objects that were not here
    back: int  # that were, of an earlier time
    aside: int  # of the version before, that nobody is shown from now on
    refused: Sequence[tuple[str, str, str]]  # (id, code, why)


def take(  # noqa: PLR0913 where, who, what, how and when
    core: Store, us: Us, actor: Actor, given: SetFile, now: datetime, *, formats: Registry
) -> Taken:
    """Hold a version of a set; nothing counts otherwise for it.

    Objects are held in their RFC 8785 form: those that say the same in two files are the same bytes.

    Raises:
        Forbidden: the actor may not say what our sources are.
        InputError: it is no set of STIX objects, or of no version.
        HeldOtherwise: that version is held with other bytes.
    """
    require(actor, Permission.SOURCE_SET)
    members, version, refused = _read(given, formats)
    digest = f"sha256:{hashlib.sha256(given.raw).hexdigest()}"
    held = SetVersion(
        name=given.name,
        version=version,
        digest=digest,
        objects=len(members),
        taken_at=text(now),
        taken_by=actor.name,
    )
    packed = sets.packed(canonical(dict(each.body)) for each in members)
    with core.begin() as unit:
        here = {each.version: each for each in sets.every(unit) if each.name == given.name}
        before = here.get(version)
        if before is not None and before.digest != digest:
            raise HeldOtherwise(
                f"version {version} of {given.name} is held with other bytes", name=given.name
            )
        if before is not None:
            return Taken(held=before, known=True, refused=refused)
        sets.put(unit, held, packed)
        _log(unit, us, now, "set-taken", held, actor)
    return Taken(held=held, known=False, refused=refused)


def _read(given: SetFile, formats: Registry) -> tuple[list[Object], str, list[Refusal]]:
    """Return the newest of each object of a file, the version it is of, and what was refused."""
    if _NAME.fullmatch(given.name) is None:
        raise InputError("a set is named in small letters, digits, dots and hyphens")
    found: dict[str, Object] = {}
    refused: list[Refusal] = []
    version = given.version
    for each in formats.read(given.raw):
        if isinstance(each, Refusal):
            refused.append(each)
        elif not isinstance(each, Object):
            raise InputError("a reference set is of STIX objects, not of lists")
        elif each.type == _COLLECTION:
            version = version or str(each.body.get("x_mitre_version") or "")
        elif each.id not in found or moment(found[each.id].version) < moment(each.version):
            found[each.id] = each
    if not found:
        raise InputError("no STIX object stands in it")
    if _VERSION.fullmatch(version) is None:
        raise InputError("the file says no version: give one with --version")
    return list(found.values()), version, refused


def _log(  # noqa: PLR0913 what a leaf of the log says
    unit: Connection, us: Us, now: datetime, kind: str, held: SetVersion, actor: Actor
) -> None:
    facts = {"by": actor.name, "version": held.version, "digest": held.digest}
    administrative(
        unit, now, kind, held.name, {**facts, "objects": held.objects, "party": us.party}
    )


def every(unit: Connection) -> list[SetVersion]:
    """Return every version of every set that is held."""
    return sets.every(unit)


def current(unit: Connection) -> dict[str, SetVersion]:
    """Return the versions that count, by the names of their sets."""
    return {each.name: each for each in sets.every(unit) if each.current}


def version_of(unit: Connection, name: str, version: str = "") -> SetVersion:
    """Return a version of a set, or the one that counts, else the one that was taken last.

    Raises:
        NoSet: there is none.
    """
    held = [each for each in sets.every(unit) if each.name == name]
    some = [each for each in held if each.version == version] if version else held
    some = [each for each in some if each.current] or some
    if not some:
        what = f"version {version} of the set {name}" if version else f"set {name}"
        raise NoSet(f"no {what} is held here", name=name)
    return some[-1]


def bodies(unit: Connection, held: SetVersion | None) -> Bodies:
    """Return the objects of a version, by their ids."""
    if held is None:
        return {}
    some: Iterable[Body] = map(msgspec.json.decode, sets.content(unit, held.name, held.version))
    return {str(body["id"]): body for body in some}


def changes(unit: Connection, before: SetVersion | None, after: SetVersion) -> Changes:
    """Return what differs between two versions; of nothing, all is new."""
    return compare(bodies(unit, before), bodies(unit, after))


def use(core: Store, us: Us, actor: Actor, held: SetVersion, now: datetime) -> Used:
    """Let a version count, an earlier one or a later one, whole and at once.

    Raises:
        Forbidden: the actor may not say what our sources are. Counts: it does.
    """
    require(actor, Permission.SOURCE_SET)
    with core.read() as unit:
        members = [read(raw) for raw in sets.content(unit, held.name, held.version)]
    terms = Source(name=sets.voucher(held.name), kind="set", default_tlp=Tlp.CLEAR, reference=True)
    with core.begin() as unit:
        if version_of(unit, held.name, held.version).current:
            raise Counts(f"version {held.version} of {held.name} counts already", name=held.name)
        before = sets.stored(unit, terms.name)
        here = {digest for _, digest, _ in before}
        digests = {each.digest for each in members}
        back = sets.show(unit, terms.name, digests)
        given = [local.Given(object=each) for each in members if each.digest not in here]
        outcome = local.local(unit, us, terms, given, author=actor.name, own=False, now=now)
        revisit(unit, us, [copy.object.id for copy in objects.by_seq(unit, back)], now)
        sets.put_names(unit, held.name, _names(members))
        sets.let_count(unit, held.name, held.version, text(now), actor.name)
        _log(unit, us, now, "set-used", held, actor)
    aside = sum(counts and digest not in digests for _, digest, counts in before)
    return Used(stored=len(outcome.stored), back=len(back), aside=aside, refused=outcome.refused)


def drop(core: Store, us: Us, actor: Actor, held: SetVersion, now: datetime) -> None:
    """Hold a version no longer.

    The one that counts goes last; then nobody is shown the set's objects, and they are no public knowledge any more.

    Raises:
        Forbidden: the actor may not say what our sources are. Counts: it counts, and others are held.
    """
    require(actor, Permission.SOURCE_SET)
    name = held.name
    with core.begin() as unit:
        others = [e for e in sets.every(unit) if e.name == name and e.version != held.version]
        if version_of(unit, name, held.version).current:
            if others:
                raise Counts(
                    f"version {held.version} of {name} counts: use another first", name=name
                )
            sets.show(unit, sets.voucher(name), ())
            sets.put_names(unit, name, ())
            put_source(unit, replace(all_sources(unit)[sets.voucher(name)], reference=False))
        sets.drop(unit, name, held.version)
        _log(unit, us, now, "set-dropped", held, actor)


# --- what the versions that count know -----------------------------------------------------------------
_UNTIED = frozenset({"relationship", "marking-definition"})  # have no name of their own


def _names(members: Iterable[Object]) -> Iterator[Name]:
    """Yield what a set calls its objects, but for what it holds to be over, and what replaces what."""
    for each in members:
        body, type_ = each.body, each.type
        if body.get("relationship_type") == "revoked-by" and not is_over(body):
            new = str(body["target_ref"])
            yield Name(str(body["source_ref"]), "revoked", new, new.partition("--")[0])
        if type_ in _UNTIED:
            continue
        if called := number(body):
            yield Name(called.upper(), "number", each.id, type_)
        if not is_over(body):
            own = spelling(str(body.get("name") or ""))
            for name in filter(None, map(spelling, names_of(body))):
                yield Name(name, "name" if name == own else "alias", each.id, type_)


def called(unit: Connection, asked: str) -> list[str]:
    """Return the ids of what the sets that count call by a number, or by a name or an alias.

    What was revoked is known by its number alone, and stands for what replaces it as well.
    """
    by_number = NUMBER.fullmatch(asked) is not None
    what = asked.upper() if by_number else spelling(asked)
    known = [e for e in sets.names(unit, [what]) if by_number == (e.how == "number")]
    ids = [each.id for each in known]
    return list(dict.fromkeys([*ids, *successors(unit, ids)]))


def successors(unit: Connection, ids: Iterable[str]) -> set[str]:
    """Return what replaces some objects of the sets that count, and what they replace."""
    some = set(ids)
    known = [each for each in sets.names(unit, some, some) if each.how == "revoked"]
    return {end for each in known for end in (each.what, each.id)} - some


def find(unit: Connection, rows: Rows, asked: str) -> list[Copy]:
    """Return what the sets that count call by a number, a name or an alias, as far as it is among ``rows``."""
    ids = called(unit, asked)
    some = [
        copy for each in objects.named(sets.of_sets(rows), ids) for copy in objects.load(unit, each)
    ]
    return sorted(some, key=lambda copy: ids.index(copy.object.id))
