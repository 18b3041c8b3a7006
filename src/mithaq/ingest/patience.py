"""A store that is away for a while (restarted, locked, without room): what needs it is tried again until it is back."""

import errno
from collections.abc import Callable, Generator
from dataclasses import dataclass
from sqlite3 import SQLITE_FULL, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE
from time import sleep
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from mithaq.clock import monotonic
from mithaq.store.past import PastAway

_FIRST: Final = 1.0  # seconds until it is tried again; each time twice as long
_LONGEST: Final = 30.0
_STEP: Final = 0.25  # seconds after which whoever waits may say that it is enough

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAway:
    """The store cannot be reached, and is tried again; or, if ``back``, it can again."""

    back: bool = False
    full: bool = False  # there is no room for what is to be kept


def patiently(do: Callable[[], Done]) -> Generator[StoreAway | None, None, Done]:
    """Return what ``do`` returns, which is tried again while the store is away; it must bear that.

    Yields:
        that the store is away, once; None while it is waited for; that it is back.
    """
    pause = _FIRST
    away = False
    while True:
        try:
            done = do()
        except (DBAPIError, OSError, PastAway) as why:
            if not _passes(why):
                raise
            full = _full(why)
        else:
            if away:
                yield StoreAway(back=True)
            return done
        if not away:
            away = True
            yield StoreAway(full=full)
        until = monotonic() + pause
        yield None
        while monotonic() < until:
            sleep(_STEP)
            yield None
        pause = min(2 * pause, _LONGEST)


_SQLITE_NO_ROOM: Final = frozenset({SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE})
_POSTGRESQL_NO_ROOM: Final = "53100"  # disk_full
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def _passes(why: Exception) -> bool:
    if isinstance(why, DBAPIError):
        return isinstance(why, OperationalError | InterfaceError) or why.connection_invalidated
    return isinstance(why, PastAway) or _full(why)


def _full(why: BaseException | None) -> bool:
    """Say whether it is for want of room."""
    if isinstance(why, DBAPIError):
        why = why.orig
    if isinstance(why, PastAway):
        why = why.__cause__
    if isinstance(why, OSError):
        return why.errno in _NO_ROOM
    return (
        getattr(why, "sqlite_errorcode", 0) == SQLITE_FULL
        or getattr(why, "sqlstate", "") == "53100"
    )
