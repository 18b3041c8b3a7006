"""The few statements that SQLite and PostgreSQL write alike but SQLAlchemy keeps apart."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
CHUNK = 500  # values in one IN list or rows in one statement: SQLite's limit is 32,766 parameters

Row = Mapping[str, Any]


def insert_new(unit: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert ``rows``; those whose key is there already stay as they are."""
    if rows:
        unit.execute(_insert(unit, table).on_conflict_do_nothing(), list(rows))


def put(unit: Connection, table: Table, row: Row) -> None:
    """Insert ``row``, or replace the one with its primary key."""
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in row.items() if name not in keys}
    statement = _insert(unit, table).values(dict(row))
    if rest:
        unit.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest))
    else:
        unit.execute(statement.on_conflict_do_nothing())


def _insert(unit: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    on_sqlite = unit.dialect.name == "sqlite"
    return sqlite.insert(table) if on_sqlite else postgresql.insert(table)


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Cut ``values`` into lists of at most ``size``."""
    part: list[T] = []
    for value in values:
        part.append(value)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
