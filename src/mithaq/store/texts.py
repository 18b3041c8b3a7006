"""Finding copies by words and facts, read out of them some time after they came; until then each is looked at."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, delete, func, select

from mithaq.model import found as by
from mithaq.model.found import Need, found_by, holds
from mithaq.model.observed import marks_of
from mithaq.store import objects, watching, words
from mithaq.store.engine import Store
from mithaq.store.journal import keep
from mithaq.store.matching import Part
from mithaq.store.objects import Copy, Rows
from mithaq.store.sql import fetched, insert_many, within
from mithaq.store.tables import copies, observed, provenance
from mithaq.store.watching import Matched
from mithaq.store.words import Came

_PAGE = 500  # copies looked through at once
_FEW = 4096  # copies of a level
_MOST_AT_ONCE = 2000  # numbers of copies that one statement asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; all of it must hold, and what is empty says nothing."""

    words: str = ""
    type: str = ""
    sources: Collection[str] = ()  # vouchers, of which one is meant
    level: int | None = None
    agreement: str = ""
    labels: Sequence[str] = ()
    since: str = ""  # instants between which it came
    until: str = ""
    confidence: int | None = None  # at least
    revoked: bool | None = None
    known_as: str = ""  # to other sources, or what is below that: T1059 has T1059.001
    topic: str = ""  # a country or a sector that it stands for
    mentions: Collection[str] = ()  # words, of which it holds one
    called: Collection[str] = ()  # names, of which it bears one,
    numbered: Collection[str] = ()  # or one of these numbers
    among: Collection[int] | None = None  # numbers of copies
    no_type: str = ""  # it is none of this STIX type

    def needs(self) -> list[Need]:
        """Return what must be found of a copy."""
        said = [by.of_label(label) for label in self.labels]
        if self.known_as:
            said.append(by.of_source_id(self.known_as))
        if self.topic:
            said.append(by.of_topic(self.topic))
        if self.called or self.numbered:
            said.append(by.of_called(self.called, self.numbered))
        if self.mentions:
            said.append(by.of_any(self.mentions))
        if self.type:
            said.append(by.of_type(self.type))
        if self.sources:
            said.append(by.of_sources(self.sources))
        if self.agreement:
            said.append(by.of_agreement(self.agreement))
        if self.confidence is not None:
            said.append(by.of_confidence(self.confidence))
        if self.revoked is not None:
            said.append(by.of_revoked(self.revoked))
        return by.of_words(self.words) + said  # the first leave the fewest

    def narrow(self, rows: Rows) -> Rows:
        """Narrow a select to what the columns of copies say of it."""
        if self.level is not None:
            rows = rows.where(provenance.c.tlp == self.level)
        if self.since:
            rows = rows.where(provenance.c.received_at >= self.since)
        if self.until:
            rows = rows.where(provenance.c.received_at < self.until)
        if self.no_type:
            rows = rows.where(copies.c.type != self.no_type)
        return rows


ANYTHING = Wanted()


# --- reading out ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Said:
    """What some copies are found by, which follow all that were read out."""

    after: int
    copies: Sequence[Copy]
    found: words.Said = field(repr=False)
    marks: Sequence[tuple[int, int]] = field(repr=False)
    met: Matched = field(default_factory=dict, repr=False)  # of what people asked to be told


def behind(unit: Connection) -> int:
    """Return how many copies there are, about, of which was not read out yet what they are found by."""
    newest_ = unit.execute(select(func.max(copies.c.seq))).scalar_one()
    return max((newest_ or 0) - objects.read_until(unit), 0)


def read_out(core: Store, most: int, at: str = "") -> None:
    """Keep what the next ``most`` copies are found by, what they refer to, and of what was asked what they meet.

    Others may write meanwhile.

    Args:
        at: when, for those who asked to be told.
    """
    with core.read() as unit:
        said = _gathered(unit, most)
    if said.copies:
        with core.begin() as unit:
            _keep(unit, said, at)


def _gathered(unit: Connection, most: int) -> _Said:
    after = objects.read_until(unit)
    rows = objects.everything().where(copies.c.seq > after).order_by(copies.c.seq).limit(most)
    some = objects.load(unit, rows)
    said = _said(after, [copy for copy in some if copy.seq < some[0].seq + words.WIDEST])
    if not said.copies:
        return said
    each = {copy.seq: copy for copy in said.copies}
    return replace(said, met=watching.match(unit, Part(each, said.found, said.marks)))


def _said(after: int, some: Sequence[Copy]) -> _Said:
    said = words.said({copy.seq: _found_by(copy) for copy in some}) if some else words.NOTHING
    marks = ((mark, copy.seq) for copy in some for mark in marks_of(copy.object.body))
    return _Said(after, some, said, sorted(marks))


def _keep(unit: Connection, said: _Said, at: str) -> None:
    if objects.read_until(unit) != said.after:
        return  # another process was faster
    if not said.after:
        words.clear(unit)  # of another form
        unit.execute(delete(observed))
    first, last = said.copies[0].seq, said.copies[-1].seq
    query = select(copies.c.seq).where(copies.c.seq.between(first, last))
    here = {seq for (seq,) in fetched(unit, query)}
    if len(here) < len(said.copies):  # the others were erased meanwhile
        rest = [copy for copy in said.copies if copy.seq in here]
        said = replace(_said(said.after, rest), met=said.met)
    if said.copies:
        came = [copy.received_at for copy in said.copies]
        words.keep(unit, said.found, Came(min(came), max(came)))
        insert_many(unit, observed, ("mark", "copy"), said.marks)
        objects.relate(unit, said.copies)
    watching.note(unit, said.met, last, at)
    keep(unit, objects.READ, str(last))


def _found_by(copy: Copy) -> set[str]:
    return found_by(copy.object, copy.voucher, copy.agreement)


# --- finding -------------------------------------------------------------------------------------------
def search(
    unit: Connection,
    visible: Rows,
    wanted: Wanted = ANYTHING,
    page: tuple[int, int] = (100, 0),
) -> list[Copy]:
    """Return the newest version, per voucher, of what is ``visible`` and wanted.

    Newest stored first. A newer version that is not visible hides the older ones: it may bear the stricter label.

    Args:
        page: how many at most, and the number of the last copy of the page before (0: from the top).
    """
    limit, before = page
    rows = wanted.narrow(newest(visible))
    if before:
        rows = rows.where(copies.c.seq < before)
    wanted = _with_few(unit, wanted)
    needs = wanted.needs()
    if wanted.words.strip() and not by.of_words(wanted.words):
        return []  # signs alone are no words
    if not needs and wanted.among is None and not (wanted.since or wanted.until):
        return objects.load(unit, rows.order_by(copies.c.seq.desc()).limit(limit))
    position = objects.read_until(unit)
    found: list[Copy] = []
    for copy in unread(unit, rows, position) if needs or wanted.among is None else ():
        if _meets(copy, needs) and (wanted.among is None or copy.seq in wanted.among):
            found.append(copy)
            if len(found) == limit:
                return found
    seqs: list[int] = []
    for some in _candidates(unit, wanted, needs, before if position else 1):
        for part in _growing(some, 2 * limit):
            rest = objects.columns_of(rows, copies.c.seq).where(within(unit, copies.c.seq, part))
            rest = rest.order_by(copies.c.seq.desc()).limit(limit - len(found) - len(seqs))
            seqs += [seq for (seq,) in fetched(unit, rest)]
            if len(found) + len(seqs) == limit:
                return found + _in_order(unit, visible, seqs)
    return found + _in_order(unit, visible, seqs)


def _with_few(unit: Connection, wanted: Wanted) -> Wanted:
    """Return what is wanted, by its numbers where few copies are of its level: who reads all others finds it late.

    In two steps: a database that thinks that many are of that level would go through all.
    """
    if wanted.level is None or wanted.among is not None:
        return wanted
    origins = select(provenance.c.seq).where(provenance.c.tlp == wanted.level)
    few = [seq for (seq,) in fetched(unit, origins.limit(_FEW + 1))]
    if len(few) > _FEW:
        return wanted  # of each there is a copy
    of_level = within(unit, copies.c.provenance, few)
    some = fetched(unit, select(copies.c.seq).where(of_level).limit(_FEW + 1))
    return wanted if len(some) > _FEW else replace(wanted, among={seq for (seq,) in some})


def _candidates(
    unit: Connection, wanted: Wanted, needs: list[Need], before: int
) -> Iterator[list[int]]:
    among = wanted.among
    if among is not None and not needs:
        yield sorted(among, reverse=True)
        return
    came = Came(wanted.since, wanted.until)
    without = [by.of_type(wanted.no_type)] if wanted.no_type else []
    for some in words.holding(unit, needs, before, came, without):
        yield some if among is None else [seq for seq in some if seq in among]


def _growing(some: list[int], size: int) -> Iterator[list[int]]:
    """Cut ``some`` into lists, each longer than the one before, for where few are wanted the first holds them."""
    at = 0
    while at < len(some):
        size = min(size, _MOST_AT_ONCE)
        yield some[at : at + size]
        at, size = at + size, size * 4


def _in_order(unit: Connection, visible: Rows, seqs: list[int]) -> list[Copy]:
    rows = visible.where(within(unit, copies.c.seq, seqs))
    return objects.load(unit, rows.order_by(copies.c.seq.desc())) if seqs else []


def newest(visible: Rows) -> Rows:
    """Narrow a select to the newest version that each voucher gave."""
    later, given = copies.alias(), provenance.alias()
    # without the Z a longer fraction of one millisecond sorts after a shorter one
    newer, older = (func.rtrim(side.c.version, "Z") for side in (later, copies))
    superseded = select(later.c.seq).join_from(later, given, given.c.seq == later.c.provenance)
    superseded = superseded.where(
        later.c.tail == copies.c.tail,
        later.c.id == copies.c.id,
        newer > older,
        given.c.voucher == provenance.c.voucher,
        given.c.standing != objects.FORMER,
    )
    return visible.where(~superseded.exists())


def unread(unit: Connection, rows: Rows, position: int) -> Iterator[Copy]:
    """Yield those of ``rows`` of which nothing was read out yet, newest first."""
    rest = rows.where(copies.c.seq > position).order_by(copies.c.seq.desc()).limit(_PAGE)
    some = objects.load(unit, rest)
    while some:
        yield from some
        some = objects.load(unit, rest.where(copies.c.seq < some[-1].seq))


def _meets(copy: Copy, needs: Sequence[Need]) -> bool:
    found = _found_by(copy)
    return all(holds(found, need) for need in needs)
