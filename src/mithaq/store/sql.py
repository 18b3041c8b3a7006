"""The few statements that SQLite and PostgreSQL write alike but SQLAlchemy keeps apart."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    bindparam,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
CHUNK = 500  # values in one IN list or rows in one statement: SQLite's limit is 32,766 parameters

Row = Mapping[str, Any]


def insert_new(unit: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert ``rows``; those whose key is there already stay as they are."""
    if rows:
        unit.execute(_insert_new(unit.dialect.name, table), list(rows))


def insert_many(
    unit: Connection,
    table: Table,
    names: tuple[str, ...],
    rows: Sequence[tuple[object, ...]],
    or_else: Literal["fail", "keep"] = "fail",
) -> int:
    """Insert ``rows`` of the columns ``names``, by the driver itself: for what is written by the thousand.

    Returns:
        how many were inserted.

    Args:
        or_else: whether a key that is there already is an error, or keeps what it has.
    """
    if not rows:
        return 0
    written = _statement(unit.dialect.name, table, names, or_else)
    return unit.exec_driver_sql(written, list(rows)).rowcount


@cache
def _statement(dialect: str, table: Table, names: tuple[str, ...], or_else: str) -> str:
    mark, where = ("?", "") if dialect == "sqlite" else ("%s", f'"{table.schema}".')
    columns = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join([mark] * len(names))
    end = " ON CONFLICT DO NOTHING" if or_else == "keep" else ""
    return f'INSERT INTO {where}"{table.name}" ({columns}) VALUES ({marks}){end}'  # noqa: S608 names of ours


def replace_many(
    unit: Connection, table: Table, names: tuple[str, ...], rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert ``rows`` as ``insert_many`` does, or replace those with their primary keys."""
    if rows:
        keys = [column.name for column in table.primary_key]
        rest = ", ".join(f'"{n}" = excluded."{n}"' for n in names if n not in keys)
        listed = ", ".join(f'"{name}"' for name in keys)
        insert = _statement(unit.dialect.name, table, names, "fail")
        unit.exec_driver_sql(f"{insert} ON CONFLICT ({listed}) DO UPDATE SET {rest}", list(rows))


def within(
    unit: Connection, column: ColumnElement[Any], values: Iterable[object]
) -> ColumnElement[bool]:
    """Say that ``column`` holds one of ``values``, as many as there are, in one statement of one form."""
    listed = list(values)
    if unit.dialect.name == "sqlite":
        each = func.json_each(msgspec.json.encode(listed).decode()).table_valued("value")
        return column.in_(select(each.c.value))
    return column == func.any(
        cast(bindparam(None, listed, type_=ARRAY(column.type)), ARRAY(column.type))
    )


def fetched(unit: Connection, query: Select[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of ``query`` as the driver makes them: for what is read by the thousand."""
    return list(unit.execute(query).cursor.fetchall())


def among(
    unit: Connection,
    query: Select[Any],
    column: ColumnElement[Any],
    values: Iterable[object],
    narrowed: ColumnElement[bool] | None = None,
) -> Sequence[Any]:
    """Return the rows of ``query``, which selects ``column``, where that holds one of ``values``.

    The smaller side leads: a table that holds much less than is asked for is read whole.

    Args:
        narrowed: what an index finds them by, and some more; ``column`` itself, if not given.
    """
    wanted = set(values)
    if is_more(unit, query, len(wanted) // 8):
        query = query.where(within(unit, column, wanted) if narrowed is None else narrowed)
    return [row for row in unit.execute(query).all() if row._mapping[column] in wanted]


def is_more(unit: Connection, query: Select[Any], count: int) -> bool:
    """Say whether ``query`` has more than so many rows."""
    some = query.with_only_columns(literal(1)).order_by(None).limit(count + 1).subquery()
    return bool(unit.execute(select(func.count()).select_from(some)).scalar_one() > count)


def put(unit: Connection, table: Table, row: Row) -> None:
    """Insert ``row``, or replace the one with its primary key."""
    unit.execute(_put(unit.dialect.name, table, tuple(row)), dict(row))


@cache
def _put(dialect: str, table: Table, names: tuple[str, ...]) -> sqlite.Insert | postgresql.Insert:
    keys = [column.name for column in table.primary_key]
    insert = _insert(dialect, table)
    rest = {name: insert.excluded[name] for name in names if name not in keys}
    if rest:
        return insert.on_conflict_do_update(index_elements=keys, set_=rest)
    return insert.on_conflict_do_nothing()


@cache
def _insert_new(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    # No row is asked what it became.
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).inline()


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


def unused(unit: Connection, column: Column[int]) -> int:
    """Return a number that no row has yet, drawn by chance.

    Numbers that follow one another tell whoever sees some of the rows how many others there are.
    """
    for digits in count(8):
        number: int = 10 ** (digits - 1) + secrets.randbelow(9 * 10 ** (digits - 1))
        if unit.execute(select(column).where(column == number)).first() is None:
            return number
    raise AssertionError  # there is always another
