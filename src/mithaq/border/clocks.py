"""The cautious pair of clocks: whether an instant has come is judged late for what opens, early for what closes.

A time witness is a peer whose signed heartbeats we hold beside our own clock (border.md 2.7). *opens* is the least of
our clock and what each witness said, with the time that has passed since and five minutes; *closes* the greatest. So
no single clock, ours or a witness's, opens anything early; one that runs ahead closes early, which is the safe side.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from mithaq.border.peers import administrative
from mithaq.clock import monotonic, parse, text
from mithaq.errors import InputError
from mithaq.policy.lifecycle import Instants
from mithaq.store import parties
from mithaq.store.journal import keep, setting

ALLOWANCE = timedelta(minutes=5)  # for the way of a heartbeat, and for clocks of good will
_KEPT = "time-witnesses"


class Said(msgspec.Struct, frozen=True):
    """What a witness said last, and when that came by a clock that never steps."""

    issued: str = ""  # empty: nothing yet
    came: float = 0.0


def witnesses(unit: Connection) -> dict[str, Said]:
    """Return the time witnesses, by party, and what each said last."""
    return msgspec.json.decode(setting(unit, _KEPT, "{}"), type=dict[str, Said])


def _keep(unit: Connection, said: Mapping[str, Said]) -> None:
    keep(unit, _KEPT, msgspec.json.encode(said, order="sorted").decode())


def appoint(unit: Connection, name: str, now: datetime, *, by: str, off: bool = False) -> None:
    """Let a peer's heartbeats witness the time, or no longer.

    Raises:
        NotFound: there is no such peer; InputError: it is a client, which has no heartbeat.
    """
    if parties.peer(unit, name).kind != "node":
        raise InputError(f"{name!r} is a client: it sends no heartbeats", peer=name)
    said = witnesses(unit)
    if off:
        said.pop(name, None)
    else:
        said.setdefault(name, Said())
    _keep(unit, said)
    administrative(unit, now, "time-witness", name, {"by": by, "off": off})


def note(unit: Connection, name: str, issued: str) -> None:
    """Note the instant at which a peer issued its newest heartbeat, if it is a time witness."""
    said = witnesses(unit)
    if name in said and said[name].issued < issued:
        _keep(unit, said | {name: Said(issued=issued, came=monotonic())})


def instants(unit: Connection, now: datetime) -> Instants:
    """Return the cautious pair; with no time witness that has spoken both are the wall clock.

    After the machine began anew, how much time has passed since a heartbeat is unknown, and counts as none.
    """
    opens = closes = now
    for said in witnesses(unit).values():
        if said.issued:
            since = timedelta(seconds=max(monotonic() - said.came, 0.0))
            opens = min(opens, parse(said.issued) + since + ALLOWANCE)
            closes = max(closes, parse(said.issued))
    return Instants(opens=text(opens), closes=text(closes))
