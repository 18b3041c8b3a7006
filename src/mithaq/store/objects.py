"""Copies of STIX objects: one per (voucher, id, version, digest) and agreement (border.md 1.1, 1.8)."""

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)

from mithaq.model.found import FORM, found_by
from mithaq.model.labels import Beside, Clearance, Tlp
from mithaq.model.labels import beside as read_beside
from mithaq.model.objects import IDENTIFIER, Object
from mithaq.model.observed import marks_of
from mithaq.store import blobs, tallies, words
from mithaq.store.engine import append_lock
from mithaq.store.journal import keep, setting
from mithaq.store.sql import chunks, fetched, insert_many, within
from mithaq.store.tables import (
    bodies,
    copies,
    observed,
    provenance,
    relations,
    rows,
    rule_facts,
)

UNRESOLVED = 9  # the level of what nobody can read; above RED
OWN, RECEIVED = "own", "received"  # how a copy stands here
FORMER = "former"  # of a reference set, and not in the version that counts: nobody is shown it


class Copy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stored version as one voucher gave it, with all that is known of it here."""

    object: Object
    seq: int = 0  # given by the store
    voucher: str  # a party, or a source
    standing: str = RECEIVED  # or OWN, or FORMER
    role: str = "local"  # owner | carrier | local
    owner: str = ""
    agreement: str = ""
    agreement_version: int = 0
    sent_by: str = ""
    onward: str = "none"
    author: str = ""
    beside: Beside = Beside()
    readers: Mapping[str, Sequence[str]] | None = None
    level: int = UNRESOLVED
    received_at: str
    com: str = ""  # the voucher's commitment, of what came from another nation
    proof: str = ""  # the voucher's batch and path, as JSON: lets us relay it


def add(unit: Connection, new: Sequence[Copy]) -> list[Copy]:
    """Store copies; return those that were not there yet, numbered, in order.

    A copy is one of its own by its voucher, id, digest and agreement: a digest has one id and version, and the terms
    may differ (border.md 1.8).
    """
    append_lock(unit, "copies")
    known, fresh = blobs.put(unit, {copy.object.digest: copy.object.raw for copy in new})
    numbers = known | fresh
    last = int(setting(unit, _LAST, "0"))  # kept, for an erased copy's number names nothing again
    stored = [_number(copy, seq) for seq, copy in enumerate(_fresh(unit, new, known), last + 1)]
    origins = _put_provenance(unit, stored)
    made = [
        _row(copy, origin, numbers[copy.object.digest])
        for copy, origin in zip(stored, origins, strict=True)
    ]
    insert_many(unit, copies, _COLUMNS, made)
    if stored:
        keep(unit, _LAST, str(stored[-1].seq))
    return stored


def relate(unit: Connection, some: Sequence[Copy]) -> None:
    """Keep by what identifiers copies are found that refer to them."""
    tails = _Tails()
    named = [(tails[id_], copy.seq) for copy in some for _, id_ in copy.object.references]
    insert_many(unit, relations, ("tail", "copy"), named, or_else="keep")


class _Tails(dict[str, int]):
    """The tails of identifiers, each worked out once: many refer to the same."""

    def __missing__(self, id_: str) -> int:
        self[id_] = tail = _tail(id_)
        return tail


def _tail(id_: str) -> int:
    """Return what an identifier is found by: some of it, as a number; what is none is found by nothing."""
    try:
        return int(id_[-12:], 16)
    except ValueError:
        return -1


def by_ids(unit: Connection, ids: Iterable[str]) -> ColumnElement[bool]:
    """Narrow a select to copies of some identifiers, and a few of others that end alike."""
    return within(unit, copies.c.tail, set(map(_tail, ids)))


def naming_any(unit: Connection, ids: Iterable[str]) -> ColumnElement[bool]:
    """Narrow a select of relations to those of some identifiers, and a few of others that end alike."""
    return within(unit, relations.c.tail, set(map(_tail, ids)))


def naming(id_: str) -> ColumnElement[bool]:
    """Narrow a select of relations to those of an identifier, and a few of others that end alike."""
    return relations.c.tail == _tail(id_)


def _number(copy: Copy, seq: int) -> Copy:
    msgspec.structs.force_setattr(copy, "seq", seq)  # nobody has seen it without yet
    return copy


def _fresh(unit: Connection, new: Sequence[Copy], known: Container[str]) -> list[Copy]:
    """Return those of ``new`` that are not here yet, the first of each that came twice.

    Args:
        known: the digests of bytes that are here.
    """
    tails = {_tail(copy.object.id) for copy in new if copy.object.digest in known}
    columns = (provenance.c.voucher, copies.c.id, copies.c.digest, provenance.c.agreement)
    query = select(*columns).join_from(copies, provenance, CAME)
    query = query.where(within(unit, copies.c.tail, tails))
    here = set(fetched(unit, query)) if tails else ()
    given: dict[tuple[str, str, str, str], Copy] = {}
    for copy in new:
        seen = copy.object
        given.setdefault((copy.voucher, seen.id, seen.digest, copy.agreement), copy)
    return [copy for key, copy in given.items() if key not in here]


_LAST = "copies.last"  # the number given last
READ = f"search.read.{FORM}"  # the number of the last copy whose words and references were read out
_COLUMNS = (
    "seq", "provenance", "id", "version", "tail", "digest", "body", "type", "com", "proof", "refs",
)  # fmt: skip


def _row(copy: Copy, origin: int, body: int) -> tuple[object, ...]:
    """Return the values of ``_COLUMNS``; ``body`` is the number of its bytes."""
    seen = copy.object
    return (
        copy.seq,
        origin,
        seen.id,
        seen.version,
        _tail(seen.id),
        seen.digest,
        body,
        seen.type,
        copy.com,
        copy.proof,
        _encode(seen.references).decode(),
    )


_PROVENANCE = (
    "voucher", "standing", "role", "owner", "agreement", "agreement_version", "sent_by", "onward", "author",
    "beside", "readers", "tlp", "received_at",
)  # fmt: skip
# Whatever says which copies, their provenance is found from each, not they from it: the newest come first that way.
CAME = provenance.c.seq == copies.c.provenance + literal_column("0")


def _put_provenance(unit: Connection, some: Sequence[Copy]) -> list[int]:
    """Keep where copies come from, once for all that are alike; return its number for each."""
    last = unit.execute(select(func.coalesce(func.max(provenance.c.seq), 0))).scalar_one()
    numbers: dict[tuple[object, ...], int] = {}
    found = [numbers.setdefault(_provenance(copy), last + 1 + len(numbers)) for copy in some]
    made = [(number, *facts) for facts, number in numbers.items()]
    insert_many(unit, provenance, ("seq", *_PROVENANCE), made)
    return found


def _provenance(copy: Copy) -> tuple[object, ...]:
    """Return the values of ``_PROVENANCE``."""
    return (
        copy.voucher,
        copy.standing,
        copy.role,
        copy.owner,
        copy.agreement,
        copy.agreement_version,
        copy.sent_by,
        copy.onward,
        copy.author,
        "{}" if copy.beside is _BARE else _beside(copy.beside),
        _readers(copy) if copy.readers else "[]",
        copy.level,
        copy.received_at,
    )


def come(*how: ColumnElement[bool]) -> ColumnElement[bool]:
    """Narrow a select to copies by conditions on their provenance, where these leave few."""
    return copies.c.provenance.in_(select(provenance.c.seq).where(*how))


_BARE = Beside()
_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=1024)
def _beside(beside: Beside) -> str:
    return msgspec.json.encode(beside.to_json()).decode()


def _readers(copy: Copy) -> str:
    named = (f"{party} {id_}" for party, ids in (copy.readers or {}).items() for id_ in ids)
    return msgspec.json.encode(list(named)).decode()


_READ = (
    *(copies.c[name] for name in ("seq", "id", "version", "digest", "type", "com", "proof", "refs")),
    *(provenance.c[name] for name in _PROVENANCE),
)  # fmt: skip
_joined = (
    select(*_READ, bodies.c.body)
    .join_from(copies, bodies, bodies.c.seq == copies.c.body)
    .join(provenance, CAME)
)
Rows = Select[tuple[object, ...]]


def everything() -> Rows:
    """Select every copy, whatever its level: for the border alone."""
    return _joined


def visible_to(clearance: Clearance, us: str) -> Rows:
    """Select what a person with ``clearance`` may read: the one factory every read starts from.

    RED of others only by a reader it names (border.md 2.4).
    """
    # replace(), for it minds case on both databases and takes no wildcards; LIKE does not
    tokens = (msgspec.json.encode(f"{us} {reader}").decode() for reader in clearance.readers)
    c = provenance.c
    named = [func.replace(c.readers, token, "") != c.readers for token in tokens]
    red = and_(c.tlp == int(Tlp.RED), c.standing == "received")
    return _joined.where(c.tlp <= int(clearance.tlp), c.standing != FORMER, or_(~red, *named))


def columns_of(rows: Rows, *columns: ColumnElement[Any]) -> Rows:
    """Select columns of what ``rows`` selects, without a look at bytes: that is a matter of where it came from."""
    query = select(*columns).select_from(copies).join(provenance, CAME)
    return query if rows.whereclause is None else query.where(rows.whereclause)


def load(unit: Connection, rows: Rows) -> list[Copy]:
    """Run a select made from ``everything`` or ``visible_to``."""
    return list(map(_copy, fetched(unit, rows)))


def _copy(row: tuple[Any, ...]) -> Copy:
    """Return what a row of ``_joined`` holds; by its place, for a name costs more than the value."""
    object_ = Object(raw=bytes(row[21]), id=row[1], version=row[2], digest=row[3], type=row[4])
    object_.know_references(_references(row[7]))
    return Copy(
        object=object_,
        seq=row[0],
        com=row[5],
        proof=row[6],
        voucher=row[8],
        standing=row[9],
        role=row[10],
        owner=row[11],
        agreement=row[12],
        agreement_version=row[13],
        sent_by=row[14],
        onward=row[15],
        author=row[16],
        beside=_read_beside(row[17]),
        readers=_by_party(row[18]),
        level=row[19],
        received_at=row[20],
    )


_references = msgspec.json.Decoder(list[tuple[str, str]]).decode


@lru_cache(maxsize=1024)  # one object for all that have the same beside them
def _read_beside(written: str) -> Beside:
    return _BARE if written == "{}" else read_beside(msgspec.json.decode(written))


def _by_party(written: str) -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    named = () if written == "[]" else msgspec.json.decode(written, type=list[str])
    for party, _, id_ in (each.partition(" ") for each in named):
        readers.setdefault(party, []).append(id_)
    return readers


def by_seq(unit: Connection, seqs: Iterable[int]) -> list[Copy]:
    """Return copies by number, for the border."""
    return load(unit, everything().where(within(unit, copies.c.seq, dict.fromkeys(seqs))))


def numbered(rows: Rows, seqs: Iterable[int]) -> list[Rows]:
    """Narrow a select to copies of some numbers; several selects where they are many."""
    return [rows.where(copies.c.seq.in_(part)) for part in chunks(dict.fromkeys(seqs))]


def named(rows: Rows, ids: Iterable[str]) -> list[Rows]:
    """Narrow a select to copies of some ids; several selects where they are many."""
    valid = [id_ for id_ in dict.fromkeys(ids) if IDENTIFIER.fullmatch(id_)]
    return [
        rows.where(copies.c.tail.in_(map(_tail, part)), copies.c.id.in_(part))
        for part in chunks(valid)
    ]


def given_by(rows: Rows, vouchers: Iterable[str]) -> Rows:
    """Narrow a select to copies of some vouchers."""
    return rows.where(come(provenance.c.voucher.in_(list(vouchers))))


def up_to(rows: Rows, level: int) -> Rows:
    """Narrow a select to copies of a level of TLP and those below it."""
    return rows.where(provenance.c.tlp <= level)


def received_since(rows: Rows, instant: str) -> Rows:
    """Narrow a select to copies that came in at or after an instant."""
    return rows.where(come(provenance.c.received_at >= instant))


def keys(unit: Connection, rows: Rows) -> list[tuple[int, str, str, str]]:
    """Run a select for (seq, voucher, id, version) alone, oldest first."""
    columns = (copies.c.seq, provenance.c.voucher, copies.c.id, copies.c.version)
    found = unit.execute(rows.with_only_columns(*columns).order_by(copies.c.seq))
    return [(row.seq, row.voucher, row.id, row.version) for row in found]


def of_id(unit: Connection, id_: str) -> list[Copy]:
    """Return every copy of ``id_``, for the border."""
    return [copy for rows in named(everything(), [id_]) for copy in load(unit, rows)]


def vouched_since(unit: Connection, voucher: str, instant: str) -> list[Copy]:
    """Return the copies that ``voucher`` vouches for and that came at or after an instant."""
    return load(unit, given_by(received_since(everything(), instant), [voucher]))


def erase(unit: Connection, gone: Sequence[Copy]) -> None:
    """Delete copies, and their bytes where nothing else here is those bytes."""
    for part in chunks(gone):
        seqs = [copy.seq for copy in part]
        before = _counted(unit, {copy.object.id for copy in part})
        tails = {_tail(id_) for copy in part for _, id_ in copy.object.references}
        named = within(unit, relations.c.tail, tails)
        unit.execute(delete(relations).where(named, relations.c.copy.in_(seqs)))
        origins = select(copies.c.provenance).where(copies.c.seq.in_(seqs)).distinct()
        left = unit.execute(origins).scalars().all()
        said = within(unit, observed.c.mark, {m for c in part for m in marks_of(c.object.body)})
        unit.execute(delete(observed).where(said, observed.c.copy.in_(seqs)))
        words.forget(unit, {c.seq: found_by(c.object, c.voucher, c.agreement) for c in part})
        unit.execute(delete(rule_facts).where(rule_facts.c.copy.in_(seqs)))
        unit.execute(delete(copies).where(copies.c.seq.in_(seqs)))
        _forget_provenance(unit, left)
        ids, digests = {c.object.id for c in part}, {c.object.digest for c in part}
        # The bytes name their id, so whatever else is these bytes has it too.
        kept = select(copies.c.digest).where(by_ids(unit, ids))
        shown = select(rows.c.view).where(rows.c.id.in_(ids))
        which = (bodies.c.mark.in_(map(blobs.mark, digests)), bodies.c.digest.in_(digests))
        others = (~bodies.c.digest.in_(query) for query in (kept, shown))
        unit.execute(delete(bodies).where(*which, *others))
        tallies.recount(unit, before, [copy for copy in before if copy.seq not in set(seqs)])


def _counted(unit: Connection, ids: Iterable[str]) -> list[Copy]:
    """Return the copies of ``ids`` that were counted among what was claimed."""
    last = tallies.read_until(unit)
    rows_ = everything().where(by_ids(unit, ids), copies.c.seq <= last)
    return load(unit, rows_) if last else []


def _forget_provenance(unit: Connection, numbers: Sequence[int]) -> None:
    """Delete where copies came from that are all gone."""
    here = select(copies.c.seq).where(copies.c.provenance == provenance.c.seq).exists()
    unit.execute(delete(provenance).where(provenance.c.seq.in_(numbers), ~here))


def referring_to(unit: Connection, ids: Iterable[str]) -> list[int]:
    """Return the numbers of the copies that refer to one of ``ids``, also of those not read out yet."""
    wanted = {id_ for id_ in ids if IDENTIFIER.fullmatch(id_)}
    if not wanted:
        return []
    query = select(copies.c.seq, copies.c.refs)
    found = query.join(relations, relations.c.copy == copies.c.seq)
    found = found.where(within(unit, relations.c.tail, set(map(_tail, wanted))))
    rest = query.where(copies.c.seq > read_until(unit))
    return sorted(
        {
            seq
            for seq, refs in (*fetched(unit, found), *fetched(unit, rest))
            if not wanted.isdisjoint(id_ for _, id_ in _references(refs))
        }
    )


def read_until(unit: Connection) -> int:
    """Return the number of the last copy of which was read out what it is found by."""
    return int(setting(unit, READ, "0"))


def links(unit: Connection, seqs: Sequence[int]) -> dict[int, set[int]]:
    """Return, for each of some copies, which others of them it refers to."""
    query = select(copies.c.seq, copies.c.id, copies.c.refs)
    some = fetched(unit, query.where(within(unit, copies.c.seq, seqs)))
    ids: dict[str, list[int]] = {}
    for seq, id_, _ in some:
        ids.setdefault(id_, []).append(seq)
    return {
        seq: {other for _, target in _references(refs) for other in ids.get(target, ())}
        for seq, _, refs in some
    }


def set_beside(unit: Connection, seq: int, beside: Beside, level: int) -> None:
    """Replace the label beside a copy's bytes."""
    [copy] = by_seq(unit, [seq])
    labelled = msgspec.structs.replace(copy, beside=beside, level=level)
    before = _counted(unit, [copy.object.id])
    [origin] = _put_provenance(unit, [labelled])
    which = copies.c.seq == seq
    left = unit.execute(select(copies.c.provenance).where(which)).scalars().all()
    unit.execute(update(copies).where(which).values(provenance=origin))
    _forget_provenance(unit, left)
    tallies.recount(unit, before, [labelled if each.seq == seq else each for each in before])


def stand(unit: Connection, seqs: Sequence[int], standing: str) -> None:
    """Say of some copies how they stand here from now on."""
    if not seqs:
        return
    which = within(unit, copies.c.seq, seqs)
    of_each = select(copies.c.provenance, func.min(copies.c.seq)).where(which)
    origins = dict(fetched(unit, of_each.group_by(copies.c.provenance)))
    for left, first in origins.items():
        [copy] = by_seq(unit, [first])
        [origin] = _put_provenance(unit, [msgspec.structs.replace(copy, standing=standing)])
        moved = update(copies).where(which, copies.c.provenance == left)
        unit.execute(moved.values(provenance=origin))
    _forget_provenance(unit, list(origins))
