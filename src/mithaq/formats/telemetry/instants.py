"""When an event happened: the ways in which writers of logs put it, to one."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from mithaq.clock import text

MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_SECOND: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}")


def iso(written: object) -> str:
    """Return an instant written as ISO 8601, with a blank or ``T``; without a zone it is taken as UTC.

    What is no instant, or none that there is room for, is not known: empty.
    """
    if not isinstance(written, str):
        return ""
    rest = written[19:]
    parts = rest[1:].removesuffix("Z")
    plain = rest in {"", "Z"} or (rest[0] == "." and parts.isdecimal() and parts.isascii())
    if plain and (second := _second(written[:19])):
        return f"{second}.{parts[:3]:0<3}Z"
    return _other(written)


@lru_cache(maxsize=1 << 12)  # of what is logged much is of one second
def _second(written: str) -> str:
    """Return a second as ``2026-01-31T23:59:59``; empty: it is not of that form, or there is no such second."""
    return _other(written)[:19] if _SECOND.fullmatch(written) else ""


def _other(written: str) -> str:
    try:
        instant = datetime.fromisoformat(written.removesuffix(" UTC"))
        return text(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return ""


def epoch(seconds: object, scale: float = 1) -> str:
    """Return an instant counted in seconds since 1970, or in parts of which ``scale`` make one."""
    try:
        # A bool is a number to Python, and no instant.
        if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
            return ""
        return text(datetime.fromtimestamp(float(seconds) / scale, UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def yearless(written: str, now: datetime | None) -> str:
    """Return the last instant written as ``Nov 30 10:11:12`` before a day from now; not known without a now."""
    if now is None:
        return ""
    month = MONTHS.index(written[:3]) + 1 if written[:3] in MONTHS else 0
    latest = now + timedelta(days=1)
    for year in range(latest.year, latest.year - 9, -1):  # the 29th of February may be 8 years back
        try:
            hour, minute, second = (int(part) for part in written[7:15].split(":"))
            at = datetime(year, month, int(written[4:6]), hour, minute, second, tzinfo=UTC)
        except ValueError:
            continue
        if at <= latest:
            return text(at)
    return ""
