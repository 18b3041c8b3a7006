"""Hunt kits that were given to constituents, and the results that came back."""

from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection, func, select

from mithaq.errors import NotFound
from mithaq.model.whose import Word
from mithaq.store.sql import fetched, put
from mithaq.store.tables import kit_results, kits


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A kit that was made."""

    name: str
    digest: str
    client: str
    made: str
    until: str
    by: str
    up_to: str
    lines: bytes = field(repr=False)  # JSON

    def held(self) -> list[tuple[Word, str]]:
        """Return of each line whose word it is and its title."""
        some = msgspec.json.decode(self.lines, type=list[tuple[str, str, str]])
        return [(Word(id_, giver), title) for id_, giver, title in some]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A result that was taken; ``facts`` is JSON."""

    digest: str
    kit: str
    site: int
    at: str
    taken: str
    by: str
    facts: str


def give(unit: Connection, kit: Given) -> None:
    """Keep a kit that was made."""
    put(unit, kits, {name: getattr(kit, name) for name in Given.__slots__})


def given(unit: Connection, name: str) -> Given:
    """Return a kit.

    Raises:
        NotFound: none of that name was made here.
    """
    row = unit.execute(select(kits).where(kits.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"no hunt kit {name} was made here", kit=name)
    return Given(**row._mapping)


def every(unit: Connection) -> list[tuple[Given, int]]:
    """Return the kits, the newest first, each with how many results came."""
    count = select(kit_results.c.kit, func.count()).group_by(kit_results.c.kit)
    came: dict[str, int] = dict(fetched(unit, count))
    rows = unit.execute(select(kits).order_by(kits.c.made.desc(), kits.c.name))
    return [(made := Given(**row._mapping), came.get(made.name, 0)) for row in rows]


def take(unit: Connection, result: Taken) -> None:
    """Keep that a result was taken."""
    put(unit, kit_results, {name: getattr(result, name) for name in Taken.__slots__})


def taken(unit: Connection, kit: str) -> list[Taken]:
    """Return the results of a kit, oldest first."""
    query = select(kit_results).where(kit_results.c.kit == kit)
    return [Taken(**row._mapping) for row in unit.execute(query.order_by(kit_results.c.taken))]
