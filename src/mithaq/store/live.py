"""What is kept of telemetry that is watched as it comes: marks of sources, what is set aside, hits to be told."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from mithaq.model.whose import Word
from mithaq.store.engine import Store
from mithaq.store.sql import chunks, fetched, insert_many, put, unused, within
from mithaq.store.tables import set_aside, source_marks, source_states, told


class _Ruled(msgspec.Struct):
    """What is asked of a hit that waits."""

    rule: str = ""
    giver: str = ""


_RULE = msgspec.json.Decoder(_Ruled)


class Marks(MutableMapping[str, str]):
    """What one source keeps of itself; each change is kept when it returns."""

    def __init__(self, core: Store, source: str) -> None:
        """Take a source as it was named."""
        self._core, self._source = core, source
        query = select(source_marks.c.name, source_marks.c.mark)
        with core.read() as unit:
            rows = fetched(unit, query.where(source_marks.c.source == source))
        self._known = {str(name): str(mark) for name, mark in rows}

    def __getitem__(self, name: str) -> str:
        """Return a mark."""
        return self._known[name]

    def __setitem__(self, name: str, mark: str) -> None:
        """Keep a mark."""
        with self._core.begin() as unit:
            put(unit, source_marks, {"source": self._source, "name": name, "mark": mark})
        self._known[name] = mark

    def __delitem__(self, name: str) -> None:
        """Forget a mark."""
        _ = self._known[name]
        c = source_marks.c
        with self._core.begin() as unit:
            unit.execute(delete(source_marks).where(c.source == self._source, c.name == name))
        del self._known[name]

    def __iter__(self) -> Iterator[str]:
        """Yield names."""
        return iter(self._known)

    def __len__(self) -> int:
        """Return how many marks there are."""
        return len(self._known)


# --- how sources do -----------------------------------------------------------------------------------
def states(unit: Connection) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return each source that was ever watched: when it was last, and how it does."""
    query = select(source_states.c.source, source_states.c.at, source_states.c.facts)
    rows = fetched(unit, query.order_by(source_states.c.source))
    return [(source, at, msgspec.json.decode(facts)) for source, at, facts in rows]


def put_state(unit: Connection, source: str, at: str, facts: Mapping[str, object]) -> None:
    """Keep how a source does."""
    row = {"source": source, "at": at, "facts": msgspec.json.encode(facts).decode()}
    put(unit, source_states, row)


def marked(unit: Connection, source: str) -> bool:
    """Say whether it is kept how far a source was read."""
    query = select(source_marks.c.name).where(source_marks.c.source == source).limit(1)
    return bool(fetched(unit, query))


def forget_source(unit: Connection, source: str) -> bool:
    """Forget how far a source was read, and how it did; say whether there was one."""
    gone = [
        unit.execute(delete(table).where(table.c.source == source)).rowcount
        for table in (source_marks, source_states)
    ]
    return any(gone)


# --- what is set aside --------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A rule or an indicator that is no longer tried, and who let it back."""

    seq: int = 0
    rule: str
    giver: str = ""
    digest: str
    version: str
    title: str
    code: str
    level: int
    after: int
    at: str
    back_by: str = ""
    back_at: str = ""
    back_why: str = ""

    @property
    def word(self) -> Word:
        """Whose word it is."""
        return Word(self.rule, self.giver)


_ASIDE = tuple(set_aside.c[name] for name in Aside.__slots__)


def asides(unit: Connection, *, standing: bool = True) -> list[Aside]:
    """Return what is set aside, the newest first; also what was let back, unless ``standing``."""
    query = select(*_ASIDE).order_by(set_aside.c.at.desc(), set_aside.c.seq)
    query = query.where(set_aside.c.back_at == "") if standing else query
    return [Aside(**dict(zip(Aside.__slots__, row, strict=True))) for row in fetched(unit, query)]


def put_aside(unit: Connection, new: Aside) -> int:
    """Keep that something is set aside; return its number."""
    facts = {name: getattr(new, name) for name in Aside.__slots__}
    facts["seq"] = unused(unit, set_aside.c.seq)
    unit.execute(set_aside.insert().values(facts))
    return int(facts["seq"])


def let_back(unit: Connection, seq: int, by: str, at: str, why: str) -> None:
    """Keep that something is tried again."""
    facts = {"back_by": by, "back_at": at, "back_why": why}
    unit.execute(update(set_aside).where(set_aside.c.seq == seq).values(facts))


# --- hits to be told ----------------------------------------------------------------------------------
def tell(unit: Connection, rows: Sequence[tuple[str, str]]) -> None:
    """Keep hits, each with the sink that is told of it."""
    insert_many(unit, told, ("sink", "hit"), rows)


def untold(unit: Connection, sink: str, limit: int) -> list[tuple[int, str]]:
    """Return the first hits that a sink was not told of, each with its number."""
    query = select(told.c.seq, told.c.hit).where(told.c.sink == sink).order_by(told.c.seq)
    return [(seq, hit) for seq, hit in fetched(unit, query.limit(limit))]


def told_of(unit: Connection, seqs: Iterable[int]) -> None:
    """Forget hits that were told."""
    for some in chunks(seqs):
        unit.execute(delete(told).where(within(unit, told.c.seq, some)))


def words_told(unit: Connection, sink: str) -> Iterator[Word]:
    """Yield of each hit that a sink was not told of whose word it rests on."""
    for (hit,) in unit.execute(select(told.c.hit).where(told.c.sink == sink)):
        said = _RULE.decode(hit)
        yield Word(said.rule, said.giver)


def drop(unit: Connection, sink: str, most: int) -> int:
    """Forget the oldest hits that a sink was not told of, but for so many; return how many."""
    newest = select(told.c.seq).where(told.c.sink == sink).order_by(told.c.seq.desc())
    last = unit.execute(newest.offset(most).limit(1)).scalar_one_or_none()
    if last is None:
        return 0
    return unit.execute(delete(told).where(told.c.sink == sink, told.c.seq <= last)).rowcount
