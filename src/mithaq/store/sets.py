"""Reference sets: the versions of each that are held, and which copies stand for the one that counts."""

import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, or_, select, update

from mithaq.model.named import SET
from mithaq.store.objects import CAME, FORMER, RECEIVED, Rows, come, stand
from mithaq.store.sql import fetched, insert_many, within
from mithaq.store.tables import copies, provenance, set_names, set_versions

_pack, _unpack = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(list[bytes]).decode
_FAST = 3  # of zlib's levels: a tenth smaller costs three times as long


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVersion:
    """One version of a reference set, without its objects."""

    name: str
    version: str
    digest: str
    objects: int
    taken_at: str
    taken_by: str
    used_at: str = ""
    used_by: str = ""
    current: bool = False


class Name(NamedTuple):
    """What a version that counts calls an object, or by what that was replaced."""

    what: str  # a name as it is compared, a number; an id, if ``how`` says that it was revoked
    how: str  # name | alias | number | revoked
    id: str
    type: str


_FACTS = [set_versions.c[name] for name in SetVersion.__slots__]


def every(unit: Connection) -> list[SetVersion]:
    """Return every version that is held, by name and by when it was taken."""
    c = set_versions.c
    rows = unit.execute(select(*_FACTS).order_by(c.name, c.taken_at, c.version))
    return [SetVersion(**row._mapping) for row in rows]


def put(unit: Connection, held: SetVersion, packed: bytes) -> None:
    """Hold a version."""
    facts = {name: getattr(held, name) for name in SetVersion.__slots__}
    unit.execute(set_versions.insert().values(**facts, content=packed))


def packed(raw: Iterable[bytes]) -> bytes:
    """Return the bytes of objects as they are held."""
    return zlib.compress(_pack([*raw]), _FAST)


def content(unit: Connection, name: str, version: str) -> list[bytes]:
    """Return the bytes of each object of a version, in their order."""
    c = set_versions.c
    query = select(c.content).where(c.name == name, c.version == version)
    return _unpack(zlib.decompress(unit.execute(query).scalar_one()))


def let_count(unit: Connection, name: str, version: str, at: str, by: str) -> None:
    """Note which version of a set counts."""
    c = set_versions.c
    unit.execute(update(set_versions).where(c.name == name).values(current=False))
    which = (c.name == name, c.version == version)
    unit.execute(update(set_versions).where(*which).values(current=True, used_at=at, used_by=by))


def drop(unit: Connection, name: str, version: str) -> None:
    """Hold a version no longer."""
    c = set_versions.c
    unit.execute(delete(set_versions).where(c.name == name, c.version == version))


def voucher(name: str) -> str:
    """Return the source of the copies that stand for a set."""
    return f"{SET}{name}"


def of_sets(rows: Rows) -> Rows:
    """Narrow a select to what is of a set."""
    return rows.where(come(provenance.c.voucher.startswith(SET)))


def of_others(rows: Rows) -> Rows:
    """Narrow a select to what is of no set."""
    return rows.where(~provenance.c.voucher.startswith(SET))


def stored(unit: Connection, voucher: str) -> list[tuple[int, str, bool]]:
    """Return (number, digest, whether it counts) of the copies that stand for versions of a set."""
    columns = (copies.c.seq, copies.c.digest, provenance.c.standing)
    query = select(*columns).join_from(copies, provenance, CAME)
    some = fetched(unit, query.where(provenance.c.voucher == voucher))
    return [(seq, digest, standing != FORMER) for seq, digest, standing in some]


def show(unit: Connection, voucher: str, digests: Collection[str]) -> list[int]:
    """Let those copies of a set alone count whose bytes are named; return the numbers of those that did not."""
    here = stored(unit, voucher)
    stand(unit, [seq for seq, digest, counts in here if counts and digest not in digests], FORMER)
    back = [seq for seq, digest, counts in here if not counts and digest in digests]
    stand(unit, back, RECEIVED)
    return back


def put_names(unit: Connection, name: str, known: Iterable[Name]) -> None:
    """Replace what a set calls its objects."""
    unit.execute(delete(set_names).where(set_names.c.name == name))
    columns = ("name", *Name._fields)
    insert_many(unit, set_names, columns, [(name, *each) for each in dict.fromkeys(known)])


def names(unit: Connection, what: Iterable[str], ids: Iterable[str] = ()) -> list[Name]:
    """Return what sets that count call by some names, or what they call some ids."""
    c = set_names.c
    some = or_(within(unit, c.what, [*what]), within(unit, c.id, [*ids]))
    query = select(*(c[each] for each in Name._fields)).where(some)
    return [Name(*row) for row in fetched(unit, query.distinct().order_by(c.what, c.id, c.how))]
