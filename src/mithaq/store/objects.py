"""Copies of STIX objects: one per (voucher, id, version, digest) and agreement (border.md 1.1, 1.8)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, and_, delete, func, or_, select, update

from mithaq.model.labels import Beside, Clearance, Tlp
from mithaq.model.labels import beside as read_beside
from mithaq.model.objects import Object
from mithaq.store.engine import append_lock
from mithaq.store.sql import chunks, insert_many, insert_new, within
from mithaq.store.tables import bodies, copies, markings, relations, rows

UNRESOLVED = 9  # the level of what nobody can read; above RED


class Copy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stored version as one voucher gave it, with all that is known of it here."""

    object: Object
    seq: int = 0  # given by the store
    voucher: str  # a party, or a source
    standing: str = "received"  # own | received
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
    state: str = "admitted"
    reason: str = ""
    received_at: str
    nonce: bytes | None = None
    com: str = ""
    proof: str = ""  # the voucher's batch and path, as JSON: lets us relay it


def put_bodies(unit: Connection, views: Mapping[str, bytes]) -> None:
    """Keep bytes by their digest; what is there stays."""
    insert_many(unit, bodies, ("digest", "body"), list(views.items()), or_else="keep")


def body_of(unit: Connection, digest: str) -> bytes:
    """Return the bytes of ``digest``."""
    return bytes(unit.execute(select(bodies.c.body).where(bodies.c.digest == digest)).scalar_one())


def bodies_of(unit: Connection, digests: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of each of ``digests``."""
    found: dict[str, bytes] = {}
    for part in chunks(dict.fromkeys(digests)):
        for row in unit.execute(select(bodies).where(bodies.c.digest.in_(part))):
            found[row.digest] = bytes(row.body)
    return found


def add(unit: Connection, new: Sequence[Copy]) -> list[Copy]:
    """Store copies and their relations; return those that were not there yet, numbered, in order."""
    append_lock(unit, "copies")
    put_bodies(unit, {copy.object.digest: copy.object.raw for copy in new})
    before = unit.execute(select(func.coalesce(func.max(copies.c.seq), 0))).scalar_one()
    insert_many(unit, copies, _COLUMNS, [_row(copy) for copy in new], or_else="keep")
    key = [copies.c[name] for name in ("voucher", "id", "digest", "agreement")]
    query = select(copies.c.seq, *key).where(copies.c.seq > before)
    numbers = {tuple(mine): seq for seq, *mine in unit.execute(query).all()}
    stored = [
        msgspec.structs.replace(copy, seq=numbers.pop(mine))
        for copy in new
        if (mine := _key(copy)) in numbers
    ]
    links = [(copy.seq, *reference) for copy in stored for reference in copy.object.references]
    insert_many(unit, relations, ("copy", "pointer", "target"), links)
    return stored


def _key(copy: Copy) -> tuple[str, ...]:
    return (copy.voucher, copy.object.id, copy.object.digest, copy.agreement)


_COLUMNS = (
    "voucher", "id", "version", "digest", "type", "standing", "role", "owner", "agreement",
    "agreement_version", "sent_by", "onward", "author", "beside", "readers", "tlp", "words", "state",
    "reason", "received_at", "nonce", "com", "proof",
)  # fmt: skip


def _row(copy: Copy) -> tuple[object, ...]:
    """Return the values of ``_COLUMNS``."""
    seen = copy.object
    return (
        *(copy.voucher, seen.id, seen.version, seen.digest, seen.type),
        *(copy.standing, copy.role, copy.owner, copy.agreement, copy.agreement_version),
        *(copy.sent_by, copy.onward, copy.author, _beside(copy.beside), _readers(copy)),
        *(copy.level, _words(seen), copy.state, copy.reason, copy.received_at),
        *(copy.nonce, copy.com, copy.proof),
    )


_BARE = Beside()


def _beside(beside: Beside) -> str:
    return "{}" if beside is _BARE else msgspec.json.encode(beside.to_json()).decode()


def _readers(copy: Copy) -> str:
    if not copy.readers:
        return "[]"
    named = (f"{party} {id_}" for party, ids in copy.readers.items() for id_ in ids)
    return msgspec.json.encode(list(named)).decode()


def _words(object_: Object) -> str:
    names = (
        "name",
        "value",
        "pattern",
        "description",
        "aliases",
        "x_mitre_aliases",
        "external_references",
    )
    parts = [object_.id]
    for name in names:
        value = object_.body.get(name)
        match value:
            case str():
                parts.append(value)
            case list():
                parts += [v if isinstance(v, str) else _external_id(v) for v in value]
            case _:
                pass
    return " ".join(filter(None, parts)).lower()


def _external_id(value: object) -> str:
    return str(value.get("external_id", "")) if isinstance(value, dict) else ""


_joined = select(copies, bodies.c.body).join(bodies, bodies.c.digest == copies.c.digest)
Rows = Select[tuple[object, ...]]


def everything() -> Rows:
    """Select every copy, whatever its level or state: for the border alone."""
    return _joined


def visible_to(clearance: Clearance, us: str) -> Rows:
    """Select what a person with ``clearance`` may read: the one factory every read starts from.

    Only what is admitted; RED of others only by a reader it names (border.md 2.4).
    """
    # replace(), for it minds case on both databases and takes no wildcards; LIKE does not
    tokens = (msgspec.json.encode(f"{us} {reader}").decode() for reader in clearance.readers)
    named = [func.replace(copies.c.readers, token, "") != copies.c.readers for token in tokens]
    red = and_(copies.c.tlp == int(Tlp.RED), copies.c.standing == "received")
    return _joined.where(
        copies.c.state == "admitted", copies.c.tlp <= int(clearance.tlp), or_(~red, *named)
    )


def search(
    unit: Connection,
    visible: Rows,
    words: str = "",
    type_: str = "",
    page: tuple[int, int] = (100, 0),
) -> list[Copy]:
    """Return the newest version, per voucher, of what is ``visible`` and holds every one of ``words``.

    Newest stored first. A newer version that is not visible hides the older ones: it may bear the stricter label.

    Args:
        page: how many at most, and the number of the last copy of the page before (0: from the top).
    """
    limit, before = page
    later = copies.alias()
    # without the Z a longer fraction of one millisecond sorts after a shorter one
    newer, older = (func.rtrim(side.c.version, "Z") for side in (later, copies))
    superseded = select(later.c.seq).where(
        later.c.voucher == copies.c.voucher,
        later.c.id == copies.c.id,
        newer > older,
        later.c.state == "admitted",
    )
    rows = visible.where(~superseded.exists())
    typed = words.encode("utf-8", "replace").decode().replace("\0", " ")  # no database takes these
    for word in typed.lower().split():
        rows = rows.where(copies.c.words.contains(word, autoescape=True))
    if type_:
        rows = rows.where(copies.c.type == type_)
    if before:
        rows = rows.where(copies.c.seq < before)
    return load(unit, rows.order_by(copies.c.seq.desc()).limit(limit))


def load(unit: Connection, rows: Rows) -> list[Copy]:
    """Run a select made from ``everything`` or ``visible_to``."""
    return [_copy(row) for row in unit.execute(rows).all()]


def _copy(row: Row[Any]) -> Copy:
    raw = bytes(row.body)
    return Copy(
        object=Object(
            raw=raw,
            id=row.id,
            type=row.type,
            digest=row.digest,
            version=row.version,
        ),
        seq=row.seq,
        voucher=row.voucher,
        standing=row.standing,
        role=row.role,
        owner=row.owner,
        agreement=row.agreement,
        agreement_version=row.agreement_version,
        sent_by=row.sent_by,
        onward=row.onward,
        author=row.author,
        beside=_read_beside(row.beside),
        readers=_by_party(row.readers),
        level=row.tlp,
        state=row.state,
        reason=row.reason,
        received_at=row.received_at,
        nonce=row.nonce,
        com=row.com,
        proof=row.proof,
    )


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
    wanted = list(dict.fromkeys(seqs))
    found = load(unit, everything().where(within(unit, copies.c.seq, wanted)))
    named: dict[int, list[tuple[str, str]]] = {seq: [] for seq in wanted}
    query = select(relations.c.copy, relations.c.pointer, relations.c.target)
    links = unit.execute(query.where(within(unit, relations.c.copy, wanted))).all()
    for seq, pointer, target in links:
        named[seq].append((pointer, target))
    for copy in found:
        copy.object.know_references(named[copy.seq])
    return found


def numbered(rows: Rows, seqs: Iterable[int]) -> list[Rows]:
    """Narrow a select to copies of some numbers; several selects where they are many."""
    return [rows.where(copies.c.seq.in_(part)) for part in chunks(dict.fromkeys(seqs))]


def named(rows: Rows, ids: Iterable[str]) -> list[Rows]:
    """Narrow a select to copies of some ids; several selects where they are many."""
    return [rows.where(copies.c.id.in_(part)) for part in chunks(dict.fromkeys(ids))]


def given_by(rows: Rows, vouchers: Iterable[str]) -> Rows:
    """Narrow a select to copies of some vouchers."""
    return rows.where(copies.c.voucher.in_(list(vouchers)))


def received_since(rows: Rows, instant: str) -> Rows:
    """Narrow a select to copies that came in at or after an instant."""
    return rows.where(copies.c.received_at >= instant)


def keys(unit: Connection, rows: Rows) -> list[tuple[int, str, str, str]]:
    """Run a select for (seq, voucher, id, version) alone, oldest first."""
    columns = (copies.c.seq, copies.c.voucher, copies.c.id, copies.c.version)
    found = unit.execute(rows.with_only_columns(*columns).order_by(copies.c.seq))
    return [(row.seq, row.voucher, row.id, row.version) for row in found]


def of_id(unit: Connection, id_: str) -> list[Copy]:
    """Return every admitted copy of ``id_``, for the border."""
    return load(unit, everything().where(copies.c.id == id_, copies.c.state == "admitted"))


def vouched_since(unit: Connection, voucher: str, instant: str) -> list[Copy]:
    """Return the admitted copies that ``voucher`` vouches for and that came at or after an instant."""
    rows = given_by(received_since(everything(), instant), [voucher])
    return load(unit, rows.where(copies.c.state == "admitted"))


def erase(unit: Connection, gone: Sequence[Copy]) -> None:
    """Delete copies, and their bytes where nothing else here is those bytes."""
    for part in chunks(gone):
        seqs = [copy.seq for copy in part]
        unit.execute(delete(relations).where(relations.c.copy.in_(seqs)))
        unit.execute(delete(copies).where(copies.c.seq.in_(seqs)))
        ids, digests = {c.object.id for c in part}, {c.object.digest for c in part}
        # The bytes name their id, so whatever else is these bytes has it too.
        kept = [
            select(table.c[name]).where(table.c.id.in_(ids))
            for table, name in ((copies, "digest"), (rows, "view"))
        ]
        others = [~bodies.c.digest.in_(query) for query in kept]
        unit.execute(delete(bodies).where(bodies.c.digest.in_(digests), *others))


def versions_of(unit: Connection, ids: Iterable[str]) -> list[tuple[int, str, str, str, str]]:
    """Return (seq, voucher, id, version, state) of every copy of ``ids``."""
    columns = (copies.c.seq, copies.c.voucher, copies.c.id, copies.c.version, copies.c.state)
    query = select(*columns).where(within(unit, copies.c.id, set(ids)))
    return [tuple(row) for row in unit.execute(query).all()]


def referring_to(unit: Connection, id_: str) -> list[int]:
    """Return the numbers of the copies that refer to ``id_``."""
    rows = select(relations.c.copy).where(relations.c.target == id_).distinct()
    return [row.copy for row in unit.execute(rows)]


def links(unit: Connection, seqs: Sequence[int]) -> dict[int, set[int]]:
    """Return, for each of some copies, which others of them it refers to."""
    ids: dict[str, list[int]] = {}
    for part in chunks(seqs):
        for row in unit.execute(select(copies.c.seq, copies.c.id).where(copies.c.seq.in_(part))):
            ids.setdefault(row.id, []).append(row.seq)
    found: dict[int, set[int]] = {}
    for part in chunks(seqs):
        for row in unit.execute(select(relations).where(relations.c.copy.in_(part))):
            found.setdefault(row.copy, set()).update(ids.get(row.target, ()))
    return found


def set_beside(unit: Connection, seq: int, beside: Beside, level: int) -> None:
    """Replace the label beside a copy's bytes."""
    unit.execute(
        update(copies)
        .where(copies.c.seq == seq)
        .values(beside=msgspec.json.encode(beside.to_json()).decode(), tlp=level)
    )


def define_marking(unit: Connection, voucher: str, id_: str, body: bytes) -> None:
    """Keep what ``voucher`` says a marking means; its first body of an id stays."""
    insert_new(unit, markings, [{"voucher": voucher, "id": id_, "body": body}])


def defined_markings(unit: Connection) -> dict[str, dict[str, bytes]]:
    """Return, by voucher, the bodies of the marking definitions besides the fixed ones, by id."""
    found: dict[str, dict[str, bytes]] = {}
    for row in unit.execute(select(markings)):
        found.setdefault(row.voucher, {})[row.id] = bytes(row.body)
    return found
