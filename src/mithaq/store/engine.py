"""Open a room of the store; every change is one unit of work.

core is the truth (objects, journal, log, agreements, outbox); shelf is what peers may see, a projection of
core's outbox; spool is what came in, unread (border.md 10).
"""

import gc
import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Event
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url, text
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.schema import HasSchemaAttr
from sqlalchemy.util import LRUCache

from mithaq.errors import Fault

Room = Literal["core", "shelf", "spool"]
# Objects come and go by the thousand: with twice SQLite's page that takes an eighth less (bench).
_PAGE = 8192
ROOMS: tuple[Room, ...] = ("core", "shelf", "spool")


class StoreFault(Fault):
    """The database cannot be opened or used."""

    code = "store-fault"


@dataclass(frozen=True, slots=True)
class Store:
    """One open room; many may be open in one process."""

    room: Room
    _engine: Engine
    watchers: list[Callable[[Connection], None]] = field(
        default_factory=list
    )  # see each unit first

    @property
    def on_sqlite(self) -> bool:
        """Say whether the room stands on SQLite."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Yield a unit of work that commits at the end, or rolls back on any exception.

        Units on core come one after the other: the one write lock is taken at the start, so that none fails
        halfway for a lock, nor two wait for each other.
        """
        with self._engine.connect() as unit, _collecting_later():
            if self.on_sqlite:
                unit.exec_driver_sql("BEGIN IMMEDIATE")
            elif self.room == "core":
                append_lock(unit, self.room)
            with _committing(unit):
                for watcher in self.watchers:
                    watcher(unit)
                yield unit

    @contextmanager
    def jot(self) -> Iterator[Connection]:
        """Yield a unit for a short note: its commit waits for no disk.

        The note outlives this process however it ends. Where the whole machine fails, the last ones may be lost.
        """
        with self._engine.connect() as unit:
            if not self.on_sqlite:
                unit.execute(text("SET LOCAL synchronous_commit = off"))
                with _committing(unit):
                    yield unit
                return
            unit.exec_driver_sql("PRAGMA synchronous=NORMAL")
            try:
                unit.exec_driver_sql("BEGIN IMMEDIATE")
                with _committing(unit):
                    yield unit
            finally:
                unit.exec_driver_sql("PRAGMA synchronous=FULL")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a consistent snapshot; nothing written through it is kept."""
        with self._engine.connect() as unit:
            if self.on_sqlite:
                unit.exec_driver_sql("BEGIN")
            else:
                unit.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            try:
                yield unit
            finally:
                unit.rollback()

    def fold(self) -> None:
        """Copy what was committed into the database's file, so that no commit has to; nobody waits for it.

        What follows each other touches the same pages, which are copied together.
        """
        if self.on_sqlite:
            with self._engine.connect() as unit:
                unit.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Look for circles of garbage at the next unit's beginning: nearly all that one makes outlives it a little.

    What is left of a large unit waits among what lasts. Of two at once, in threads, the one that stopped the
    collector starts it again.
    """
    running = gc.isenabled()
    gc.disable()
    if _WAITS.is_set():
        _WAITS.clear()
        gc.collect()
    try:
        yield
    finally:
        if running:
            if gc.get_count()[0] > _LARGE:
                _WAITS.set()
                gc.freeze()
                gc.unfreeze()  # from there they come to what lasts
            gc.enable()


_WAITS = Event()  # a large unit has ended
_LARGE = 700_000  # objects; to look through all that stands after fewer is not worth its time


@contextmanager
def _committing(unit: Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        unit.rollback()
        raise
    unit.commit()


def open_store(url: str, room: Room, *, read_only: bool = False) -> Store:
    """Open ``room`` at ``url``: ``sqlite:///PATH``, ``sqlite://`` (memory) or ``postgresql+psycopg://…``.

    The tables must be there (see ``migrate.upgrade``).
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return Store(
            room,
            _sqlite(
                address,
                memory=address.database in (None, "", ":memory:"),
                read_only=read_only,
            ),
        )
    only = {"options": "-c default_transaction_read_only=on"} if read_only else {}
    return Store(room, create_engine(address, pool_pre_ping=True, pool_size=8, connect_args=only))


def _sqlite(address: URL, *, memory: bool, read_only: bool) -> Engine:
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": 30}}
    if memory:
        options["poolclass"] = StaticPool
    elif read_only:
        # Another system user may read so while the writer lives, who alone makes the -wal and -shm files;
        # without the writer opening fails rather than showing an old state.
        path = f"file:{quote(address.database or '')}"
        address = URL.create("sqlite", database=path, query={"mode": "ro", "uri": "true"})
    engine = rooms_are_files(create_engine(address, **options))

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        if not read_only:
            connection.execute(f"PRAGMA page_size={_PAGE}")  # of a database that is made by this
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            # In pages: as a rule ``fold`` comes first.
            connection.execute("PRAGMA wal_autocheckpoint=40000")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA cache_size=-65536")  # in KiB: keys come in no order

    return engine


def rooms_are_files(engine: Engine) -> Engine:
    """Return an engine of SQLite for one room: it is a file, or memory, where PostgreSQL has a schema.

    All of them compile a statement once, each for all: many nodes live in the process of a demo or a test.
    """
    engine.dialect = _dialect()
    return engine.execution_options(compiled_cache=_COMPILED)


@cache
def _dialect() -> Dialect:
    with create_engine("sqlite://").connect() as unit:  # asks SQLite what it can do
        dialect = unit.dialect
    # Said once, where a translation of schemas would go through the text of every statement at every execution.
    dialect.identifier_preparer.schema_for_object = _main
    return dialect


def _main(table: HasSchemaAttr) -> str:
    """Return the schema of a table as SQLite names it: all rooms are the main one of their file."""
    return "main" if table.schema else ""


_COMPILED: MutableMapping[Any, Any] = LRUCache(2000)


def append_lock(unit: Connection, name: str) -> None:
    """Hold everybody else's appends to ``name`` until this unit ends.

    PostgreSQL hands out sequence numbers out of commit order; a reader that follows a cursor would miss
    the late ones. SQLite has one writer at a time, so nothing is needed there.
    """
    if unit.dialect.name == "postgresql":
        unit.execute(
            text("SELECT pg_advisory_xact_lock(hashtext(:name))"),
            {"name": f"mithaq.{name}"},
        )
