"""What the copies of a part are about: what they stand for, what they name, and what relationships tie to that.

All is followed once for a part, whatever many queries ask for.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection, select

from mithaq.model import found as by
from mithaq.model.found import topics
from mithaq.model.requests import read_reply
from mithaq.store import objects
from mithaq.store.objects import Copy
from mithaq.store.sql import fetched, within
from mithaq.store.tables import copies, relations

Copies: TypeAlias = Mapping[int, Copy]  # by number
_MADE = ("/created_by_ref", "/object_marking_refs")  # these say of whom it is, not of what
# They come before what names them, and who made very much is named by all of it.
_NEVER_LATE = frozenset({"relationship", "identity", "marking-definition"})
_TYING = frozenset({"relationship", "note"})
_ENDS = ("/source_ref", "/target_ref")
_references = msgspec.json.Decoder(list[tuple[str, str]]).decode


def about(unit: Connection, part: Copies, wanted: Collection[str]) -> dict[str, set[int]]:
    """Return, by topic, the copies that stand for it, name what does, or are tied to it by a relationship.

    At least one of the three is new: the copy, the relationship, or what stands for it.
    """
    requests = {topic.partition("=")[2] for topic in wanted if topic.startswith("request=")}
    beside: dict[str, set[int]] = defaultdict(set)  # by id: the copies that are or name it
    pairs: list[tuple[str, str]] = []
    for copy in part.values():
        if _replies_nothing(copy, requests):
            continue
        if copy.object.type in _TYING:
            pairs += _tied_by(copy.object.type, copy.object.references, requests)
        if copy.object.type != "relationship":
            for id_ in _named_by(copy, requests):
                beside[id_].add(copy.seq)
    _tie(unit, part, pairs, beside, requests)
    found: dict[str, set[int]] = defaultdict(set)
    for id_ in requests & beside.keys():
        found[by.of_request(id_)] |= beside[id_]
    for id_, topic in _topics(unit, part, beside):
        if topic in wanted:
            found[topic] |= beside[id_]
    return found


def _named_by(copy: Copy, requests: Collection[str]) -> Iterator[str]:
    """Yield what a copy stands for or names, but who made it; a request stands for nothing, it is asked."""
    if copy.object.id not in requests:
        yield copy.object.id
    for pointer, id_ in copy.object.references:
        if not pointer.startswith(_MADE):
            yield id_


def _replies_nothing(copy: Copy, requests: AbstractSet[str]) -> bool:
    """Say whether a copy is a note on a request that does not answer it."""
    if copy.object.type != "note" or requests.isdisjoint(id_ for _, id_ in copy.object.references):
        return False
    said = read_reply(copy.object.body)
    return said is None or said.outcome != "answered"


def _tied_by(
    type_: str, named: Iterable[tuple[str, str]], requests: Collection[str]
) -> list[tuple[str, str]]:
    """Return what a relationship ties, or a note that replies: to a request what it names along with it."""
    ends = dict(named)
    if type_ == "relationship":
        return [(ends[_ENDS[0]], ends[_ENDS[1]])]
    about = {id_ for pointer, id_ in ends.items() if pointer.startswith("/object_refs/")}
    return [(id_, request) for request in about.intersection(requests) for id_ in about - {request}]


def _tie(
    unit: Connection,
    part: Copies,
    pairs: list[tuple[str, str]],
    beside: dict[str, set[int]],
    requests: Collection[str],
) -> None:
    """Put beside each end of a tie the copies of the other end."""
    ids = {copy.object.id for copy in part.values() if copy.object.type not in _NEVER_LATE}
    ties = (
        tie
        for type_, refs in _before(unit, ids, min(part))
        if type_ == "relationship" or (requests and type_ == "note")
        for tie in _tied_by(type_, _references(refs), requests)
    )
    pairs += [tie for tie in ties if not ids.isdisjoint(tie)]
    numbers = _numbers(unit, {id_ for pair in pairs for id_ in pair})
    for one, other in pairs:
        if other not in requests:
            beside[one] |= numbers.get(other, set())
        beside[other] |= numbers.get(one, set())


def _before(unit: Connection, ids: Collection[str], first: int) -> list[tuple[str, str]]:
    """Return the type and the references of each copy before a number that names one of some ids.

    In two steps: most ids are named by nothing, and a database that does not know begins with all relationships.
    """
    naming = select(relations.c.copy).where(objects.naming_any(unit, ids), relations.c.copy < first)
    seqs = {seq for (seq,) in fetched(unit, naming)}
    columns = select(copies.c.type, copies.c.refs)
    return fetched(unit, columns.where(within(unit, copies.c.seq, seqs))) if seqs else []


def _numbers(unit: Connection, ids: set[str]) -> dict[str, set[int]]:
    """Return the numbers of all copies of some ids."""
    found: dict[str, set[int]] = defaultdict(set)
    query = select(copies.c.seq, copies.c.id).where(objects.by_ids(unit, ids))
    for seq, id_ in fetched(unit, query) if ids else ():
        if id_ in ids:
            found[id_].add(seq)
    return found


def _topics(unit: Connection, part: Copies, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (id, topic) of what some ids stand for, whoever may read that."""
    rest = set(ids)
    for copy in part.values():
        yield from ((copy.object.id, topic) for topic in topics(copy.object.body))
    rest -= {copy.object.id for copy in part.values()}
    for rows in objects.named(objects.everything(), sorted(rest)):
        for copy in objects.load(unit, rows):
            yield from ((copy.object.id, topic) for topic in topics(copy.object.body))
