"""What came is settled: the spool is emptied into the core, and so are frames that waited.

Each arrival is one unit of work of its own, under a cursor: a worker that is killed goes on where it stopped.
"""

from datetime import datetime, timedelta
from itertools import takewhile

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as OutOfTime

from mithaq.border import admit, clients, fetches, heartbeats, keys
from mithaq.border.shelf import Nudge
from mithaq.clock import monotonic
from mithaq.errors import MithaqError
from mithaq.node.build import Node
from mithaq.node.visit import Visitor
from mithaq.store import channels, journal, spool
from mithaq.store.spool import Arrival

_log = structlog.get_logger()
SPOOL = "spool"  # the cursor's name
RETRY = timedelta(seconds=2)  # before a frame that waits is looked at again
LOOK = 0.5  # seconds that deciding again, or settling what came, may take at a time
_TOO_MUCH = "54"  # PostgreSQL's class of errors for what is longer than it can hold


class Settler:
    """Settles what one node was sent."""

    def __init__(self, node: Node, visitor: Visitor) -> None:
        """Touch nothing yet."""
        self._node = node
        self._visitor = visitor
        self._tried: dict[str, datetime] = {}  # channels whose kept frames were tried a moment ago

    def turn(self, most_seconds: float) -> list[Nudge]:
        """Admit what lies in the spool and what waited for it; return the hints found there.

        Args:
            most_seconds: after so long the rest waits for the next time, so that nothing else waits for it.
        """
        hints: list[Nudge] = []
        until = monotonic() + most_seconds
        while monotonic() < until:
            with self._node.core.read() as unit:
                position = int(journal.setting(unit, SPOOL, "0"))
            with self._node.spool.read() as unit:
                arrivals = spool.since(unit, position)
            if not arrivals:
                break
            if arrivals[0].kind == "fetched":
                self._note(list(takewhile(lambda each: each.kind == "fetched", arrivals)))
                continue
            for arrival in takewhile(lambda each: each.kind != "fetched", arrivals):
                hints += self._settle(arrival)
                # At once: what this one narrowed is not shown while those behind it are settled.
                self._visitor.narrow()
        self._kept()
        self._visitor.narrow()
        return hints

    def _note(self, arrivals: list[Arrival]) -> None:
        """Note what callers have read, in one unit: as much as is done soon, for others wait to write."""
        node, until = self._node, monotonic() + LOOK
        with node.shelf.read() as shown, node.core.begin() as unit:
            for arrival in arrivals:
                fetches.note(unit, shown, arrival)
                journal.keep(unit, SPOOL, str(arrival.seq))
                if monotonic() >= until:
                    break

    def _settle(self, arrival: Arrival) -> list[Nudge]:
        node, now = self._node, self._node.clock()
        hints: list[Nudge] = []
        with node.core.begin() as unit:
            try:
                with unit.begin_nested():
                    match arrival.kind:
                        case "frame":
                            admit.frame(unit, node.us, arrival.peer, arrival.raw, now)
                        case "post":
                            clients.post(unit, arrival, now)
                        case "withdraw":
                            clients.withdraw(unit, arrival, now)
                        case "keys":
                            keys.learn(unit, node.us, arrival.peer, arrival.raw, now)
                        case "noise":
                            pass  # kept for as long as what is news would have been
                        case "heartbeat":
                            heartbeats.take(unit, node.us, arrival.peer, arrival.raw, now)
                        case _:
                            hints.append(_hint(arrival))
            except Exception as error:  # whatever one peer's bytes do, the others are served
                if _heals(error):
                    raise  # ours: the arrival is tried again
                # Kept for our people; the sender learns nothing, and the cursor goes on.
                code = error.code if isinstance(error, MithaqError) else "fault"
                channels.refuse(unit, arrival.peer, (code, arrival.kind), arrival.raw, now)
                if arrival.kind == "post":
                    clients.give_up(unit, arrival, now)
                _log.warning("arrival-refused", peer=arrival.peer, kind=arrival.kind, code=code)
            journal.keep(unit, SPOOL, str(arrival.seq))
        return hints

    def _kept(self) -> None:
        """Try the frames that waited for their turn, their agreement or their hour."""
        with self._node.core.read() as unit:
            waiting = channels.waiting_channels(unit)
        now = self._node.clock()
        self._tried = {channel: at for channel, at in self._tried.items() if now - at < RETRY}
        for channel in waiting:
            if channel in self._tried:
                continue
            outcome: admit.Outcome | None = admit.Outcome.ADMITTED
            while outcome is admit.Outcome.ADMITTED:
                outcome = self._next_kept(channel)
            if outcome is admit.Outcome.KEPT:
                self._tried[channel] = now

    def _next_kept(self, channel: str) -> admit.Outcome | None:
        node = self._node
        with node.core.begin() as unit:
            try:
                with unit.begin_nested():
                    done = admit.next_kept(unit, node.us, channel, node.clock())
            except Exception as error:  # as of an arrival
                if _heals(error):
                    raise
                admit.give_up_kept(unit, channel, node.clock())
                _log.warning("frame-refused", channel=channel, kind=type(error).__name__)
                return None
        return None if done is None else done.outcome


def _heals(error: Exception) -> bool:
    """Say whether a failure is our database's or disk's, and passes; what no table holds is its sender's doing."""
    if isinstance(error, DBAPIError):
        away = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
        return away and not str(getattr(error.orig, "sqlstate", "")).startswith(_TOO_MUCH)
    return isinstance(error, OutOfTime | OSError)


def _hint(arrival: Arrival) -> Nudge:
    return Nudge(peer=arrival.peer, channel=arrival.facts["channel"], seq=int(arrival.facts["seq"]))
