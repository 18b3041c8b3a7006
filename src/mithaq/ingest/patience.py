"""A store that is away for a while (restarted, locked for too long): what needs it is tried again until it is back."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from time import sleep
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from mithaq.clock import monotonic

_FIRST: Final = 1.0  # seconds until it is tried again; each time twice as long
_LONGEST: Final = 30.0
_STEP: Final = 0.25  # seconds after which whoever waits may say that it is enough

Done = TypeVar("Done")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAway:
    """The store cannot be reached, and is tried again; or, if ``back``, it can again."""

    back: bool = False


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
        except DBAPIError as why:
            if not _passes(why):
                raise
        else:
            if away:
                yield StoreAway(back=True)
            return done
        if not away:
            away = True
            yield StoreAway()
        until = monotonic() + pause
        yield None
        while monotonic() < until:
            sleep(_STEP)
            yield None
        pause = min(2 * pause, _LONGEST)


def _passes(why: DBAPIError) -> bool:
    return isinstance(why, OperationalError | InterfaceError) or why.connection_invalidated
