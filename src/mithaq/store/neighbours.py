"""What stands beside an object: what names it, and what relationships tie to it. Nothing past what is visible."""

from collections.abc import Collection, Iterable, Sequence

import msgspec
from sqlalchemy import Connection, select

from mithaq.model.objects import IDENTIFIER
from mithaq.store import objects
from mithaq.store.objects import Copy, Rows
from mithaq.store.sql import fetched, within
from mithaq.store.tables import copies, relations
from mithaq.store.texts import newest, unread

_references = msgspec.json.Decoder(list[tuple[str, str]]).decode
_ABOUT = "/object_refs/"  # what a note is about
_MAKER = "/created_by_ref"  # what somebody made need not be about them
_ENDS = frozenset({"source_ref", "target_ref"})


def naming(
    unit: Connection, visible: Rows, id_: str, page: tuple[int, int] = (100, 0)
) -> list[Copy]:
    """Return what is ``visible`` and refers to an id, the newest version of each voucher, newest stored first.

    Args:
        page: how many at most, and the number of the last copy of the page before (0: from the top).
    """
    limit, before = page
    if IDENTIFIER.fullmatch(id_) is None:
        return []
    rows = newest(visible)
    if before:
        rows = rows.where(copies.c.seq < before)
    found: list[Copy] = []
    for copy in unread(unit, rows, objects.read_until(unit)):
        if len(found) < limit and _names(copy, id_):
            found.append(copy)
    there = rows.join(relations, relations.c.copy == copies.c.seq)
    there = there.where(objects.naming(id_)).order_by(relations.c.copy.desc())
    at = 0
    while len(found) < limit:
        query = there.where(relations.c.copy < at) if at else there
        some = objects.load(unit, query.limit(limit))
        found += [copy for copy in some if _names(copy, id_)]  # the others refer to what ends alike
        if len(some) < limit:
            break
        at = some[-1].seq
    return found[:limit]


def naming_any(unit: Connection, visible: Rows, ids: Iterable[str], most: int) -> list[Copy]:
    """Return what is ``visible`` and refers to one of ``ids``, the newest of each voucher, the newest stored first."""
    referring = objects.referring_to(unit, ids)
    rows = newest(visible).where(within(unit, copies.c.seq, referring))
    return objects.load(unit, rows.order_by(copies.c.seq.desc()).limit(most))


def saying(
    unit: Connection, visible: Rows, ids: Iterable[str], types: Collection[str]
) -> list[Copy]:
    """Return what is ``visible``, of some types, and refers to one of ``ids``: the newest version of each voucher."""
    referring = objects.referring_to(unit, ids)
    rows = newest(visible).where(copies.c.type.in_(types))
    return objects.load(unit, rows.where(within(unit, copies.c.seq, referring)))


def _names(copy: Copy, id_: str) -> bool:
    return any(target == id_ for _, target in copy.object.references)


def tied_to(unit: Connection, visible: Rows, ids: Iterable[str]) -> set[int]:
    """Return the numbers of copies with these ids, of what refers to them, and of what a relationship ties to them.

    Only ties that are ``visible`` count; of the numbers, others may be hidden.
    """
    asked = set(ids)
    referring = objects.referring_to(unit, asked)
    columns = (copies.c.seq, copies.c.type, copies.c.refs)
    query = objects.columns_of(visible, *columns).where(within(unit, copies.c.seq, referring))
    found: set[int] = set()
    ends = set(asked)
    for seq, type_, refs in fetched(unit, query):
        named = _references(refs)
        if type_ == "relationship":
            # whoever made it or marked it is not tied by it
            tied = {target for pointer, target in named if pointer.strip("/") in _ENDS}
            if not tied.isdisjoint(asked):
                ends |= tied
        elif any(id_ in asked and pointer != _MAKER for pointer, id_ in named):
            found.add(seq)
    return found | _numbers(unit, sorted(ends))


def named_along(unit: Connection, visible: Rows, id_: str) -> set[int]:
    """Return the numbers of the notes that are ``visible`` and name an id, and of what they name along with it."""
    columns = (copies.c.seq, copies.c.type, copies.c.refs)
    query = objects.columns_of(newest(visible), *columns)
    query = query.where(within(unit, copies.c.seq, objects.referring_to(unit, [id_])))
    found: set[int] = set()
    along: set[str] = set()
    for seq, type_, refs in fetched(unit, query):
        named = {target for pointer, target in _references(refs) if pointer.startswith(_ABOUT)}
        if type_ == "note" and id_ in named:
            found.add(seq)
            along |= named - {id_}
    return found | _numbers(unit, sorted(along))


def _numbers(unit: Connection, ids: Sequence[str]) -> set[int]:
    wanted = set(ids)
    query = select(copies.c.seq, copies.c.id).where(objects.by_ids(unit, ids))
    found = fetched(unit, query)
    return {seq for seq, id_ in found if id_ in wanted}
