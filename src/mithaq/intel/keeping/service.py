"""The pillar's verbs: load, decide, save. Every read starts from ``visible_to`` (house.md 4.5)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import agreements, local
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import InputError, NotFound
from mithaq.formats import PLAIN, Layout, Read, Refusal, Registry, Undated
from mithaq.intel import rules
from mithaq.intel.finding import visible
from mithaq.intel.keeping.undated import dated, stands
from mithaq.intel.keeping.withdrawn import withdrawn
from mithaq.model.benign import Finding, findings, suppressing
from mithaq.model.labels import Beside
from mithaq.model.objects import IDENTIFIER, Object, moment
from mithaq.store import objects, parties, provenance, texts
from mithaq.store.engine import Store
from mithaq.store.objects import Copy
from mithaq.store.sources import Source, all_sources

READ_OUT = 4096  # copies at a time: half a second's work, and others may write meanwhile
Progress = Callable[[int, int], None]  # objects done, of all


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A file as a person gives it, and what stands beside its objects."""

    raw: bytes = field(repr=False)
    source: Source
    format: str | None = None  # the first that fits
    layout: Layout = PLAIN
    beside: Beside = Beside()
    readers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own: bool = False  # we speak for these objects
    benign: bool = True  # somebody wants to be told what of it is known to be harmless


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An object that stays outside: its code, where and why, for our people alone."""

    id: str
    code: str
    where: str
    why: str
    line: int = 0  # of a list, from 1


@dataclass(slots=True, kw_only=True)
class Added:
    """What came of a file: every object is stored, known already, a marking taken note of, or rejected."""

    stored: list[int] = field(default_factory=list, repr=False)  # their numbers
    unmarked: int = 0  # of these
    unreadable: int = 0  # of these, by their markings
    known: int = 0
    markings: int = 0  # definitions, which are no objects of their own
    rejected: list[Rejected] = field(default_factory=list)
    benign: list[tuple[str, Finding]] = field(
        default_factory=list
    )  # id, and what is harmless of it


def source(unit: Connection, name: str, community: frozenset[str] | None = None) -> Source:
    """Return the source a file comes from; one that is known keeps its terms, but for a community given now.

    A community is whom GREEN may be passed on to (border.md 2.3): declaring one says that it may.
    """
    voucher = f"file:{name}"
    known = all_sources(unit).get(voucher, Source(name=voucher, kind="file"))
    if community is None:
        return known
    return replace(known, community=community or None, onward="open" if community else "none")


def members(unit: Connection, names: frozenset[str], now: datetime) -> frozenset[str]:
    """Return the parties among ``names``, and those of the agreements among them.

    Raises:
        NotFound: a name is neither an agreement here nor an enrolled party.
    """
    texts = {held.id: held.newest.text for held in agreements.every(unit, now)}
    known = set(parties.parties_with_keys(unit))
    found: set[str] = set()
    for name in names:
        if name in texts:
            found |= texts[name].members
        elif name in known:
            found.add(name)
        else:
            raise NotFound(f"{name!r} is neither an agreement nor a party here", name=name)
    return frozenset(found)


def marking(copy: Copy) -> str:
    """Return the label a copy is shown with; empty if it is unmarked."""
    return rules.marking(copy.object.body, copy.beside, copy.level)


def add(  # noqa: PLR0913 where, who, what, how and when
    core: Store,
    us: Us,
    actor: Actor,
    incoming: Incoming,
    now: datetime,
    *,
    formats: Registry,
    progress: Progress | None = None,
    keep: bool = True,
) -> Added:
    """Take in every object of a file that may come in, some thousands to a transaction.

    Args:
        keep: else each of these is taken back, and it is said what would come in.

    Raises:
        Forbidden: the actor may not import, or not speak for us.
        InputError: the file is refused as a whole.
    """
    require(actor, Permission.OBJECT_IMPORT)
    if incoming.own:
        require(actor, Permission.OBJECT_ADD)
    takes = _Takes(core, us, actor, incoming, now, keep=keep)
    read = formats.read(incoming.raw, incoming.format, layout=incoming.layout)
    return _take(takes, read, incoming.raw.count(b"\n") + 1, progress)


def take(  # noqa: PLR0913 as ``add``
    core: Store, us: Us, actor: Actor, incoming: Incoming, entries: Iterable[Undated], now: datetime
) -> Added:
    """Take in what was found in a file, and by a person deemed worth taking; the file itself is not kept.

    Raises:
        Forbidden: the actor may not import, or not speak for us.
        InputError: something of it is no value.
    """
    require(actor, Permission.OBJECT_IMPORT)
    if incoming.own:
        require(actor, Permission.OBJECT_ADD)
    whole = [*entries]  # all of it can be said, or nothing is taken
    return _take(_Takes(core, us, actor, incoming, now), iter(whole), len(whole), None)


def _take(takes: "_Takes", read: Read, lines: int, progress: Progress | None) -> Added:
    fit: list[Object] = []
    said: list[Undated] = []
    for each in read:
        if isinstance(each, Refusal):
            takes.added.rejected.append(_refused(each))
        elif isinstance(each, Undated):
            said.append(each)
            if len(said) == rules.LINES:
                takes.undated(said)
                _tell(progress, each.position + 1, lines)
                said = []
        else:
            fit.append(each)
    if said:
        takes.undated(said)
        _tell(progress, lines, lines)
    done = 0
    for part in rules.parts(rules.in_order(fit)):
        takes.objects(part)
        done += len(part)
        _tell(progress, done, len(fit))
    return takes.added


def _tell(progress: Progress | None, done: int, of: int) -> None:
    if progress is not None:
        progress(done, of)


class _TakenBack(Exception):
    """A part that was written for a preview alone."""


@dataclass(slots=True)
class _Takes:
    """Takes parts of a file in, each in a transaction of its own."""

    core: Store
    us: Us
    actor: Actor
    incoming: Incoming
    now: datetime
    added: Added = field(default_factory=Added)
    _: KW_ONLY
    keep: bool = True

    def undated(self, said: Sequence[Undated]) -> None:
        """Take what gets its identifier and its instants here."""
        voucher = self.us.party if self.incoming.own else self.incoming.source.name
        with self.core.read() as unit:  # so that others may write meanwhile
            found = dated(unit, self.us, voucher, said, self.now)
        with self._writing() as unit:
            if not stands(unit, voucher, found):
                found = dated(unit, self.us, voucher, said, self.now)
            stored = self._take(unit, found.fresh)
        told = self.incoming.benign
        suspects = {e.body.get("pattern") for e in said if told and self._may_be_harmless(e)}
        if suspects:
            self._tell_harmless(
                copy for copy in stored if copy.object.body.get("pattern") in suspects
            )
        self.added.known += found.known
        self.added.rejected += [
            Rejected(id="", code=error.code, where=f"line {each.position + 1}", why=str(error))
            for each, error in found.refused
        ]

    def objects(self, fit: Sequence[Object]) -> None:
        """Take objects that say themselves what they are."""
        with self._writing() as unit:
            voucher = self.us.party if self.incoming.own else self.incoming.source.name
            stored = self._take(unit, [*fit, *withdrawn(unit, voucher, fit)])
        if self.incoming.benign:
            self._tell_harmless(stored)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Let a part be written; for a preview it is taken back."""
        with suppress(_TakenBack), self.core.begin() as unit:
            yield unit
            if not self.keep:
                raise _TakenBack

    def _may_be_harmless(self, said: Undated) -> bool:
        """Say whether a value of an entry is on a list, for which no pattern has to be read."""
        return said.about is None or any(map(self.us.benign.match, said.about))

    def _tell_harmless(self, stored: Iterable[Copy]) -> None:
        for copy in stored:
            found = findings(copy.object.body, self.us.benign.match)
            if found:
                self.added.benign += [(copy.object.id, each) for each in suppressing(found)]

    def _take(self, unit: Connection, fit: Sequence[Object]) -> Sequence[Copy]:
        incoming, added = self.incoming, self.added
        given = [
            local.Given(object=each, beside=incoming.beside, readers=incoming.readers)
            for each in fit
        ]
        name, own = self.actor.name, incoming.own
        outcome = local.local(
            unit, self.us, incoming.source, given, author=name, own=own, now=self.now
        )
        added.stored += [copy.seq for copy in outcome.stored]
        marks = [marking(copy) for copy in outcome.stored]
        added.unmarked += marks.count("")
        added.unreadable += marks.count(rules.UNREADABLE)
        added.known += outcome.known
        added.markings += outcome.defined
        added.rejected += [
            Rejected(id=id_, code=code, where="", why=why) for id_, code, why in outcome.refused
        ]
        return outcome.stored


def _refused(refusal: Refusal) -> Rejected:
    at = f"line {refusal.line}" if refusal.line else f"object {refusal.position}"
    at = f"{at} {refusal.where}".rstrip()
    id_, line = refusal.id or "", refusal.line
    return Rejected(id=id_, code=refusal.code, where=at, why=refusal.why, line=line)


def read_out(core: Store, now: datetime) -> None:
    """Read out of some of what came, oldest first, what people may search for and asked to be told."""
    with core.read() as unit:
        behind = texts.behind(unit)
    if behind:
        texts.read_out(core, READ_OUT, text(now))


def read_all_out(core: Store, clock: Callable[[], datetime], tick: Progress) -> None:
    """Read out of all that came: whoever waits for no worker does so before they ask."""
    with core.read() as unit:
        left = whole = texts.behind(unit)
    while left:
        texts.read_out(core, READ_OUT, text(clock()))
        with core.read() as unit:
            left = texts.behind(unit)
        tick(max(whole - left, 0), whole)


def unknown_recipients(
    unit: Connection, us: Us, names: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Return those of ``names`` that are no party and no country we deal with, and all that are, each sorted."""
    known = {us.party, us.country}
    known |= {word for peer in parties.all_peers(unit) for word in (peer.name, peer.country)}
    for text_ in agreements.texts(unit):
        known |= {word for party in text_.parties for word in (party.name, party.country)}
    known.discard("")
    return sorted(set(names) - known), sorted(known)


def versions(unit: Connection, us: Us, actor: Actor, name: str) -> list[Copy]:
    """Return every copy of an id, or the one of a number, newest version first.

    Raises:
        NotFound: there is none, or none this actor may read.
    """
    rows = visible(us, actor)
    one = objects.numbered(rows, [int(name)]) if name.isdecimal() else objects.named(rows, [name])
    found = [copy for each in one for copy in objects.load(unit, each)]
    if not found:
        raise NotFound(f"nothing here by the name {name!r} that {actor.name} may read", id=name)
    return sorted(found, key=lambda copy: (moment(copy.object.version), copy.seq), reverse=True)


def worked_on(
    unit: Connection, us: Us, actor: Actor, *, names: Sequence[str] = (), source: str = ""
) -> list[int]:
    """Return the numbers of the newest copies of ``names`` (ids or numbers), or of all of a source.

    Raises:
        NotFound: one of ``names``, or the source, has none that this actor may read.
        InputError: neither names nor a source.
    """
    if not names and not source:
        raise InputError("name objects, or a source")
    numbers = [int(name) for name in names if name.isdecimal()]
    ids = [name for name in names if not name.isdecimal()]
    for id_ in ids:
        if IDENTIFIER.fullmatch(id_) is None:
            raise InputError(f"{id_!r} is neither an identifier nor a number", id=id_)
    rows = visible(us, actor)
    wanted = [*objects.numbered(rows, numbers), *objects.named(rows, ids)]
    if source:
        wanted.append(objects.given_by(rows, (source, f"file:{source}")))
    seen = [row for each in wanted for row in objects.keys(unit, each)]
    there = {id_ for _, _, id_, _ in seen} | {str(seq) for seq, *_ in seen}
    for name in (*names, *([source] if source and not seen else ())):
        if name not in there:
            raise NotFound(f"nothing here by the name {name!r} that {actor.name} may read", id=name)
    return _newest(unit, seen, numbers)


def _newest(
    unit: Connection, seen: Sequence[tuple[int, str, str, str]], asked: Sequence[int]
) -> list[int]:
    """Keep the newest of each voucher; a newer one that may not be read hides the older ones."""
    latest: dict[tuple[str, str], str] = defaultdict(str)
    for _, voucher, id_, version in provenance.versions_of(unit, {id_ for _, _, id_, _ in seen}):
        latest[voucher, id_] = max(latest[voucher, id_], version, key=moment)
    kept = [
        seq
        for seq, voucher, id_, version in seen
        if seq in asked or version == latest[voucher, id_]
    ]
    return list(dict.fromkeys(kept))


def mark(unit: Connection, us: Us, actor: Actor, name: str, beside: Beside, now: datetime) -> Copy:  # noqa: PLR0913
    """Put a marking beside an object of ours; of one received it may only be raised (border.md 2.9).

    Raises:
        NotFound: there is none this actor may read.
        InputError: several copies bear that id; give a number.
    """
    require(actor, Permission.OBJECT_ADD)
    numbers = worked_on(unit, us, actor, names=[name])
    if len(numbers) > 1:
        listed = ", ".join(map(str, numbers))
        raise InputError(f"several copies bear that id; give one of the numbers {listed}", id=name)
    return local.mark(unit, us, numbers[0], beside, author=actor.name, now=now)


def received(unit: Connection, us: Us, actor: Actor) -> list[Copy]:
    """Return every copy that came from a peer under an agreement and that the actor may read."""
    return [copy for copy in objects.load(unit, visible(us, actor)) if copy.agreement]


def recent(unit: Connection, us: Us, actor: Actor, since: datetime) -> list[int]:
    """Return the numbers of the newest copies that came in after an instant."""
    rows = objects.received_since(visible(us, actor), text(since))
    return _newest(unit, objects.keys(unit, rows), ())
