"""The only caller of the system's clocks.

Instants are aware UTC with millisecond precision (STIX ``timestamp``, STIX 2.1 section 3.2); they are read
once per operation and passed on as ``now``.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from uuid import uuid4

from mithaq.errors import InputError

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the current instant, cut to the millisecond."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


_NOTHING, _SECOND = timedelta(), timedelta(seconds=1)
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def monotonic() -> float:
    """Return seconds on a clock that never steps; only differences mean anything."""
    return time.clock_gettime(_STEADY)


@cache
def boot() -> str:
    """Name the run of the machine within which differences of ``monotonic`` mean anything, in every process.

    Where the system names none, each process is a run of its own.
    """
    return _BOOT.read_text("ascii").strip() if _BOOT.exists() else uuid4().hex


# What is done at once is done at one instant, which is written for each thing of it.
@lru_cache(maxsize=64)
def text(instant: datetime) -> str:
    """Write ``instant`` as RFC 3339 in UTC with three decimals; such texts sort as instants do."""
    utc = instant.astimezone(UTC)
    return f"{utc.year:04d}-{utc:%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse(written: str) -> datetime:
    """Read an RFC 3339 instant; a leap second, which it allows, is the second after it.

    Raises:
        InputError: ``written`` is no instant with a time zone, or none that there is room for.
    """
    try:
        leap = written[16:19] == ":60"
        plain = f"{written[:16]}:59{written[19:]}" if leap else written
        instant = datetime.fromisoformat(plain)
        if instant.tzinfo is None:
            raise InputError("an instant needs a time zone")
        return instant.astimezone(UTC) + (_SECOND if leap else _NOTHING)
    except (ValueError, OverflowError) as error:
        raise InputError("not an RFC 3339 instant") from error
