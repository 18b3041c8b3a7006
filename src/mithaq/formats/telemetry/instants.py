"""When an event happened: the ways in which writers of logs put it, to one."""

from datetime import UTC, datetime, timedelta
from typing import Final

from mithaq.clock import text

MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_EXACT = 24  # characters of ``2026-01-31T23:59:59.999Z``


def iso(written: object) -> str:
    """Return an instant written as ISO 8601, with a blank or ``T``; without a zone it is taken as UTC.

    What is no instant, or none that there is room for, is not known: empty.
    """
    if not isinstance(written, str):
        return ""
    try:
        if len(written) == _EXACT and written[19:20] == "." and written[10] + written[23] == "TZ":
            datetime.fromisoformat(written)
            return written
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
