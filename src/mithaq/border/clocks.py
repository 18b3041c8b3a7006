"""The cautious pair of clocks: whether an instant has come is judged late for what opens, early for what closes.

A time witness is a peer whose signed heartbeats we hold beside our own clock (border.md 2.7). *opens* is the least of
our clock and what each witness said, with the time that has passed since and five minutes; *closes* the greatest. So
no single clock, ours or a witness's, opens anything early; one that runs ahead closes early, which is the safe side.

While no witness has spoken, our clock is held against one that never steps, and against the journal. If it jumped, it
is in doubt: *opens* stands still where our clock was last believed, and what is under embargo waits, until a person
says that our clock is right.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from mithaq.border.peers import administrative
from mithaq.clock import boot, monotonic, parse, text
from mithaq.errors import Conflict, InputError
from mithaq.policy.lifecycle import Instants
from mithaq.store import journal, parties
from mithaq.store.journal import keep, setting

ALLOWANCE = timedelta(minutes=5)  # for the way of a heartbeat, and for clocks of good will
_AFRESH = timedelta(
    days=1
)  # our clock is noted again after so long, lest slow drift sums up to a jump
_KEPT = "clocks"


class Said(msgspec.Struct, frozen=True):
    """What a witness said last, and when that came by a clock that never steps."""

    issued: str = ""  # empty: nothing yet
    came: float = 0.0


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """What our own clock said, and a clock that never steps beside it, in one run of the machine."""

    at: str
    steady: float
    run: str
    doubt: str = ""  # up to where our clock is believed, while it is in doubt


class _Kept(msgspec.Struct, frozen=True):
    witnesses: dict[str, Said] = {}  # by party
    ours: Noted | None = None  # as the worker noted it; None: it never ran


def _kept(unit: Connection) -> _Kept:
    return msgspec.json.decode(setting(unit, _KEPT, "{}"), type=_Kept)


def _keep(unit: Connection, kept: _Kept) -> None:
    keep(unit, _KEPT, msgspec.json.encode(kept, order="sorted").decode())


def witnesses(unit: Connection) -> Mapping[str, Said]:
    """Return the time witnesses, by party, and what each said last."""
    return _kept(unit).witnesses


def appoint(unit: Connection, name: str, now: datetime, *, by: str, off: bool = False) -> None:
    """Let a peer's heartbeats witness the time, or no longer.

    Raises:
        NotFound: there is no such peer; InputError: it is a client, which has no heartbeat.
    """
    if parties.peer(unit, name).kind != "node":
        raise InputError(f"{name!r} is a client: it sends no heartbeats", peer=name)
    kept = _kept(unit)
    said = dict(kept.witnesses)
    if off:
        said.pop(name, None)
    else:
        said.setdefault(name, Said())
    _keep(unit, replace(kept, witnesses=said))
    administrative(unit, now, "time-witness", name, {"by": by, "off": off})


def note(unit: Connection, name: str, issued: str) -> None:
    """Note the instant at which a peer issued its newest heartbeat, if it is a time witness."""
    kept = _kept(unit)
    if name in kept.witnesses and kept.witnesses[name].issued < issued:
        said = kept.witnesses | {name: Said(issued=issued, came=monotonic())}
        _keep(unit, replace(kept, witnesses=said))


def instants(unit: Connection, now: datetime) -> Instants:
    """Return the cautious pair; with no time witness that has spoken both are the wall clock, unless that jumped.

    After the machine began anew, how much time has passed since a heartbeat is unknown, and counts as none.
    """
    kept = _kept(unit)
    opens = closes = now
    spoken = [said for said in kept.witnesses.values() if said.issued]
    for said in spoken:
        since = timedelta(seconds=max(monotonic() - said.came, 0.0))
        opens = min(opens, parse(said.issued) + since + ALLOWANCE)
        closes = max(closes, parse(said.issued))
    if not spoken and kept.ours is not None and (believed := _doubt(kept.ours, now)):
        opens = min(opens, parse(believed))
        closes = max(closes, _steady(kept.ours) or closes)
    return Instants(opens=text(opens), closes=text(closes))


def _steady(ours: Noted) -> datetime | None:
    """Return what our clock would say had it not been touched since; None: the machine began anew."""
    if ours.run != boot():
        return None
    return parse(ours.at) + timedelta(seconds=monotonic() - ours.steady)


def _doubt(ours: Noted, now: datetime) -> str:
    """Return up to where our clock is believed, if it jumped by more than five minutes; empty: it did not."""
    steady = _steady(ours)
    if ours.doubt or steady is None or abs(now - steady) <= ALLOWANCE:
        return ours.doubt
    return text(min(now, steady))


def doubted(unit: Connection, now: datetime) -> str:
    """Return up to where our clock is believed while it is in doubt and no witness speaks; empty: it is believed."""
    kept = _kept(unit)
    if kept.ours is None or any(said.issued for said in kept.witnesses.values()):
        return ""
    return _doubt(kept.ours, now)


def astray(unit: Connection, now: datetime) -> bool:
    """Say whether ``mind`` has something to write."""
    ours = _kept(unit).ours
    return ours is None or _minded(unit, ours, now) != ours


def mind(unit: Connection, now: datetime) -> None:
    """Hold our clock against the one that never steps and against the journal, and note what comes of it.

    The worker does so as it goes along. A doubt stays until a person lifts it.
    """
    kept = _kept(unit)
    before = kept.ours or _note(now)
    after = _minded(unit, before, now)
    if after.doubt and not before.doubt:
        administrative(unit, now, "clock-doubted", "clock", {"believed": after.doubt})
    _keep(unit, replace(kept, ours=after))


def _note(now: datetime) -> Noted:
    return Noted(at=text(now), steady=monotonic(), run=boot())


def _minded(unit: Connection, ours: Noted, now: datetime) -> Noted:
    doubt = _doubt(ours, now)
    if not doubt and text(now + ALLOWANCE) < journal.newest(unit):
        doubt = text(now)
    if doubt:
        return replace(ours, doubt=doubt)
    steady = _steady(ours)
    return _note(now) if steady is None or steady - parse(ours.at) > _AFRESH else ours


def believe(unit: Connection, now: datetime, *, by: str) -> None:
    """Let our clock count again: a person has looked at it.

    Raises:
        Conflict: it is not in doubt.
    """
    believed = must_be_doubted(unit, now)
    _keep(unit, replace(_kept(unit), ours=_note(now)))
    administrative(unit, now, "clock-believed", "clock", {"by": by, "believed": believed})


def must_be_doubted(unit: Connection, now: datetime) -> str:
    """Return up to where our clock is believed.

    Raises:
        Conflict: it is not in doubt.
    """
    ours = _kept(unit).ours
    if ours is None or not (believed := _doubt(ours, now)):
        raise Conflict("our clock is not in doubt")
    return believed
