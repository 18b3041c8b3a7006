"""A question takes bounded time, whatever is asked: then it is broken off, and whoever asked is told to narrow it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from mithaq.clock import monotonic
from mithaq.errors import InputError

_STEPS = 50_000  # of SQLite's machine between two looks at the clock: a few milliseconds


class TookTooLong(InputError):
    """A question would take longer than it may."""

    code = "search-too-long"


@contextmanager
def within_seconds(unit: Connection, seconds: float) -> Iterator[None]:
    """Let what is asked of ``unit`` meanwhile take so long in all.

    Raises:
        TookTooLong: it was not done by then.
    """
    until = monotonic() + seconds

    def over() -> bool:
        return monotonic() > until

    def look(*_: object) -> None:
        if over():
            raise TookTooLong("this takes too long: narrow it", seconds=int(seconds))

    event.listen(unit, "before_cursor_execute", look)  # many short statements
    try:
        with _each(unit, over, seconds):
            yield
    except (OperationalError, unit.dialect.loaded_dbapi.OperationalError) as error:
        look()  # the driver's own comes where rows are fetched past SQLAlchemy
        raise error from None
    finally:
        event.remove(unit, "before_cursor_execute", look)


@contextmanager
def _each(unit: Connection, over: Callable[[], bool], seconds: float) -> Iterator[None]:
    """Let the database itself break a long statement off."""
    if unit.dialect.name == "sqlite":
        driver = unit.connection.driver_connection
        assert driver is not None  # noqa: S101 for types: the unit is open
        driver.set_progress_handler(over, _STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)
        return
    unit.execute(
        text("SELECT set_config('statement_timeout', :most, true)"),
        {"most": str(int(seconds * 1000) + 1)},
    )
    yield
    unit.execute(
        text("SET LOCAL statement_timeout = 0")
    )  # after a failure nothing more is asked of it
