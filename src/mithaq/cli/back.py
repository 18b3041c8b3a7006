"""Looking back: what the node kept of its telemetry is hunted, instead of logs."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from mithaq.cli.common import span
from mithaq.clock import parse, text
from mithaq.errors import InputError

if TYPE_CHECKING:
    from mithaq.ingest.hunting import Hit, Hunt, Keeper


class NothingKept(InputError):
    """The node keeps nothing of its telemetry."""

    code = "no-past"


def looking(
    run: "Hunt", keeper: "Keeper", written: str
) -> tuple[Iterator["Hit | None"], Callable[[], tuple[int, int]]]:
    """Return what is found in the past from a day on, and what says how far it came, in days.

    Raises:
        BadUsage: it is no day and no time. NothingKept: the settings say that nothing is kept.
    """
    if keeper.noting is None:
        raise NothingKept("this node keeps no index of its telemetry: telemetry.past_days is 0")
    since = first_day(written, keeper.clock())
    past = keeper.noting.past
    days = [day for day in past.days() if day >= since]
    done = [0]
    return _found(run, keeper, days, done), lambda: (done[0], len(days))


def _found(
    run: "Hunt", keeper: "Keeper", days: list[str], done: list[int]
) -> Iterator["Hit | None"]:
    from mithaq.ingest.back import look_back  # noqa: PLC0415 heavy
    from mithaq.ingest.hunting import Hit  # noqa: PLC0415 as above

    if keeper.noting is None or run.content.indicators is None:
        return
    past = keeper.noting.past
    for day in days:
        with past.reading(day) as file:
            run.events += file.events()
    for one in look_back(past, run.content.indicators.values, days, keeper):
        if isinstance(one, int):
            done[0] = one
            yield None
        else:
            yield Hit(one, "")


def first_day(written: str, now: datetime) -> str:
    """Return the day that ``90d`` or ``2026-09-01`` means.

    Raises:
        BadUsage: it is neither.
    """
    try:
        return text(parse(f"{written}T00:00:00Z"))[:10]
    except InputError:
        return text(now - span(written))[:10]
