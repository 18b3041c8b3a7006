"""What moves a node along: it settles the spool, watches agreements, shows releases, visits peers, reads feeds.

Everything here follows a cursor or a state in the store, so a worker that is killed goes on where it stopped.
Work in the store is one short transaction each; the network is used outside of them, by one thread a peer, so
that a slow peer holds up nobody else.
"""

import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import takewhile

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as OutOfTime

from mithaq import intel
from mithaq.audit import log as audit
from mithaq.audit import subjects
from mithaq.border import (
    admit,
    clients,
    clocks,
    fetches,
    harmless,
    heartbeats,
    keys,
    shelf,
    stories,
    watch,
    witness,
)
from mithaq.border.shelf import Nudge
from mithaq.clock import monotonic
from mithaq.errors import MithaqError, NotFound
from mithaq.node.build import Node
from mithaq.node.scribe import Scribe
from mithaq.node.visit import Visitor
from mithaq.store import channels, journal, parties, pending, spool
from mithaq.store.spool import Arrival

_log = structlog.get_logger()
SPOOL = "spool"  # the cursor's name
LOG_TICK = timedelta(hours=1)  # the log is padded and signed at this pace (border.md 4.4)
RETRY = timedelta(seconds=2)  # before a frame that waits is looked at again
HEAL = 2.0  # seconds before the worker tries again after a failure
LOOK = 0.5  # seconds that deciding again, or settling what came, may take at a time
_TOO_MUCH = "54"  # PostgreSQL's class of errors for what is longer than it can hold
FOLD = 10.0  # seconds between foldings of what was committed into the database's file
LULL = 1.0  # seconds between looks for feeds that are due
PAUSE = 0.1  # seconds between looks at the spool and at the agreements


class Worker:
    """The worker of one node. ``turn`` does everything once, for tests and demos; ``run`` goes on."""

    def __init__(self, node: Node) -> None:
        """Take no thread and touch nothing yet."""
        self.node = node
        self.visitor = Visitor(node)
        self._couriers: dict[str, Courier] = {}
        self._reader: Reader | None = None
        self._scribe: Scribe | None = None
        self._tried: dict[str, datetime] = {}  # channels whose kept frames were tried a moment ago

    # --- once ------------------------------------------------------------------------------------------
    def turn(self) -> None:
        """Do everything there is to do once, peers one after the other."""
        self.settle()
        self.look()
        nudges = self.show()
        for peer in self.peers():
            self.visitor.visit(peer, [n for n in nudges if n.peer == peer])
        self.settle()
        self.collect()
        self._read_out()

    def _read_out(self) -> None:
        """Keep what some of the newest objects and records are found by."""
        intel.read_out(self.node.core, self.node.clock())
        subjects.read_out(self.node.core)
        intel.count_on(self.node.core)

    def collect(self) -> None:
        """Read the feeds that are due, one after the other."""
        while self.node.collector.turn():
            pass

    def peers(self) -> list[str]:
        """Return the nodes we talk with."""
        with self.node.core.read() as unit:
            return _nodes(unit)

    def settle(self, most_seconds: float = float("inf")) -> list[Nudge]:
        """Admit what lies in the spool and what waited for it; return the hints found there.

        Args:
            most_seconds: after so long the rest waits for the next time, so that nothing else waits for it.
        """
        hints: list[Nudge] = []
        until = monotonic() + most_seconds
        while monotonic() < until:
            with self.node.core.read() as unit:
                position = int(journal.setting(unit, SPOOL, "0"))
            with self.node.spool.read() as unit:
                arrivals = spool.since(unit, position)
            if not arrivals:
                break
            if arrivals[0].kind == "fetched":
                self._note(list(takewhile(lambda each: each.kind == "fetched", arrivals)))
                continue
            for arrival in takewhile(lambda each: each.kind != "fetched", arrivals):
                hints += self._settle(arrival)
                # At once: what this one narrowed is not shown while those behind it are settled.
                self.visitor.narrow()
        self._kept()
        self.visitor.narrow()
        return hints

    def _note(self, arrivals: list[Arrival]) -> None:
        """Note what callers have read, in one unit: as much as is done soon, for others wait to write."""
        node, until = self.node, monotonic() + LOOK
        with node.shelf.read() as shown, node.core.begin() as unit:
            for arrival in arrivals:
                fetches.note(unit, shown, arrival)
                journal.keep(unit, SPOOL, str(arrival.seq))
                if monotonic() >= until:
                    break

    def _settle(self, arrival: Arrival) -> list[Nudge]:
        node, now = self.node, self.node.clock()
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
        with self.node.core.read() as unit:
            waiting = channels.waiting_channels(unit)
        now = self.node.clock()
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
        node = self.node
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

    def look(self, most_seconds: float = float("inf")) -> None:
        """Follow agreements into and out of force, embargoes and expiries, and the log's hourly tick.

        Args:
            most_seconds: after so long the rest of what a changed agreement has to decide again waits for the next
                look, its shelves blocked, so that nothing else waits for it.
        """
        node, now = self.node, self.node.clock()
        with node.core.read() as unit:
            ours = max(parties.document_versions(unit, node.us.party), default=0)
            news = ours > keys.announced(unit)
            changed, turned = watch.changed(unit, now), watch.turned(unit, now)
            last = audit.last_checkpoint(unit)
            left = bool(changed) or bool(pending.left_afresh(unit))
        if news:
            with node.core.begin() as unit:
                keys.announce(unit, node.us, now)
        due = last is None or last <= now - LOG_TICK
        for agreement in changed:
            with node.core.begin() as unit:
                watch.catch_up(unit, node.us, agreement, now)
            self.visitor.narrow()
        while turned:
            with node.core.begin() as unit:
                turned = watch.turn(unit, node.us, now)
        until = monotonic() + most_seconds
        while left and monotonic() < until:
            with node.core.begin() as unit:
                left = bool(watch.proceed(unit, node.us, now))
        if due:
            with node.core.begin() as unit:
                audit.pad(unit, now)
                audit.checkpoint(unit, (node.us.party, node.us.realm), node.us.signer, now)
            with node.core.begin() as unit:
                stories.tell(unit, node.us, now)
                witness.show(unit, node.us, now)
                heartbeats.thin(unit, now)
            shelf.forget(node.shelf, now)
        self.visitor.narrow()

    def show(self) -> list[Nudge]:
        """Show what was released since the last tick; return the frames newly on show."""
        node, now = self.node, self.node.clock()
        told = self._heartbeats(now)
        ours = node.config.settings.benign
        with node.core.read() as unit:
            settled = int(journal.setting(unit, SPOOL, "0"))
            untold = harmless.untold(unit, ours)
        if untold:
            with node.core.begin() as unit:
                harmless.tell(unit, ours)
        nudges = shelf.project(node.core, node.shelf, now)
        while missed := {n.peer for n in nudges if told.get(n.channel, 0) < n.seq}:
            # Released since the heartbeat was made: whoever asks must hear of what it may fetch.
            told |= self._heartbeats(now, missed)
            nudges += shelf.project(node.core, node.shelf, now)
        with node.spool.begin() as unit:
            # Not before its outcome is on show: until then the listener answers from what lies here.
            spool.settle(unit, settled)
        return nudges

    def mind_clock(self) -> None:
        """Hold the machine's clock against what it said before."""
        with self.node.core.read() as unit:
            astray = clocks.astray(unit, self.node.clock())
        if astray:
            with self.node.core.begin() as unit:
                clocks.mind(unit, self.node.clock())

    def hurry(self) -> list[Nudge]:
        """Show what waits for no tick; return its frames."""
        return shelf.hurry(self.node.core, self.node.shelf, self.node.clock())

    def _heartbeats(self, now: datetime, behind: Collection[str] = ()) -> dict[str, int]:
        """Renew the heartbeats that are due, and those of peers whose channels have moved.

        Args:
            behind: peers whose heartbeat is to be renewed in any case.

        Returns:
            how far each channel goes by the heartbeats made now.
        """
        node = self.node
        pace = node.config.settings.exchange
        moved = shelf.about_to_move(node.core, node.shelf)
        every = timedelta(seconds=pace.heartbeat_seconds)
        with node.core.read() as unit:
            stale = [
                peer
                for peer in _nodes(unit)
                if peer in moved or peer in behind or heartbeats.due(unit, peer, now, every)
            ]
        if not stale:
            return {}
        life = timedelta(seconds=pace.heartbeat_life_seconds)
        told: dict[str, int] = {}
        with node.core.begin() as unit:
            for peer in stale:
                heartbeats.show(unit, node.us, peer, now, life)
                told |= {c.id: c.seq for c in channels.of_peer(unit, peer, "out")}
        return told

    # --- for as long as it lives -----------------------------------------------------------------------
    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, then let every thread end what it has begun."""
        tick = self.node.config.settings.exchange.tick_seconds
        shown = folded = 0.0
        try:
            while not stop.wait(PAUSE):
                try:
                    self.mind_clock()
                    self._staff(stop)  # before hints are read, which nobody else would hear of
                    self._tell(self.settle(LOOK))
                    self.look(LOOK)
                    self._tell_out(self.hurry())
                    self._read_out()
                    if monotonic() - shown >= tick - PAUSE / 2:
                        shown = monotonic()
                        self._tell_out(self.show())
                    if monotonic() - folded >= FOLD:
                        folded = monotonic()
                        self.node.core.fold()
                except (MithaqError, SQLAlchemyError, OSError) as error:
                    # A full disk or a database that is away heals without us: nothing was half done.
                    _log.error("worker-failed", kind=type(error).__name__)
                    stop.wait(HEAL)
        finally:
            for courier in self._couriers.values():
                courier.wake()
            for courier in self._couriers.values():
                courier.join(timeout=30)
            for thread in (self._reader, self._scribe):
                if thread is not None:
                    thread.join(timeout=30)

    def _staff(self, stop: threading.Event) -> None:
        """Keep one courier a peer, and one reader of feeds."""
        if self._reader is None or not self._reader.is_alive():
            self._reader = Reader(self.node, stop)
            self._reader.start()
        if self._scribe is None and self.node.config.settings.brief.folder:
            self._scribe = Scribe(self.node, stop)
            self._scribe.start()
        for peer in self.peers():
            if peer not in self._couriers or not self._couriers[peer].is_alive():
                courier = Courier(self.visitor, peer, stop)
                self._couriers[peer] = courier
                courier.start()

    def _tell(self, hints: list[Nudge]) -> None:
        for hint in hints:
            if hint.peer in self._couriers:
                self._couriers[hint.peer].heard(hint)

    def _tell_out(self, nudges: list[Nudge]) -> None:
        for nudge in nudges:
            if nudge.peer in self._couriers:
                self._couriers[nudge.peer].shown(nudge)


def _heals(error: Exception) -> bool:
    """Say whether a failure is our database's or disk's, and passes; what no table holds is its sender's doing."""
    if isinstance(error, DBAPIError):
        away = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
        return away and not str(getattr(error.orig, "sqlstate", "")).startswith(_TOO_MUCH)
    return isinstance(error, OutOfTime | OSError)


def _nodes(unit: Connection) -> list[str]:
    found = parties.all_peers(unit)
    return [peer.name for peer in found if peer.kind == "node" and peer.state == "confirmed"]


def _hint(arrival: Arrival) -> Nudge:
    return Nudge(peer=arrival.peer, channel=arrival.facts["channel"], seq=int(arrival.facts["seq"]))


class Reader(threading.Thread):
    """The thread that reads feeds: one at a time, so that they hold up nobody but each other."""

    def __init__(self, node: Node, stop: threading.Event) -> None:
        """Be ready to start."""
        super().__init__(name="reader", daemon=True)
        self._collector = node.collector
        self._halt = stop

    def run(self) -> None:
        """Read what is due until stopped."""
        while not self._halt.wait(LULL):
            try:
                while not self._halt.is_set() and self._collector.turn():
                    pass
            except Exception as error:  # noqa: BLE001 whatever one feed holds, the others are read
                _log.error("feed-failed", kind=type(error).__name__)
                self._halt.wait(HEAL)


class Courier(threading.Thread):
    """The thread that visits one peer: at its pace, when nudged, and when there is something to tell."""

    def __init__(self, visitor: Visitor, peer: str, stop: threading.Event) -> None:
        """Be ready to start."""
        super().__init__(name=f"courier-{peer}", daemon=True)
        self._visitor = visitor
        self._peer = peer
        self._halt = stop
        self._bell = threading.Event()
        self._lock = threading.Lock()
        self._heard: list[Nudge] = []
        self._shown: list[Nudge] = []
        self._asked: float | None = None  # when the peer was last asked what it has

    def wake(self) -> None:
        """Ring, so that the thread looks at once whether it must stop."""
        self._bell.set()

    def heard(self, hint: Nudge) -> None:
        """Take the peer's hint that it has something."""
        with self._lock:
            self._heard.append(hint)
        self._bell.set()

    def shown(self, nudge: Nudge) -> None:
        """Take word that something newly stands on the peer's shelf."""
        with self._lock:
            self._shown.append(nudge)
        self._bell.set()

    def run(self) -> None:
        """Visit until stopped; the first visit tells what the peer may not have heard of before we stopped."""
        pace = self._visitor.pace_seconds
        pause = 0.0
        failures = 0
        try:
            self._shown += self._visitor.unacknowledged(self._peer)
            while not self._halt.is_set():
                self._bell.wait(pause)
                self._bell.clear()
                if self._halt.is_set():
                    return
                if self._turn():
                    failures, pause = 0, pace
                    continue
                failures += 1
                pause = min(2.0**failures, self._visitor.patience(self._peer))
                self._halt.wait(1.0)  # the least pause after a failure, whoever rings
        except NotFound:  # the peer was removed; a new courier comes if it is met again
            return

    def _turn(self) -> bool:
        """Visit once; what could not be told or fetched is kept for the next time."""
        with self._lock:
            heard, self._heard = self._heard, []
            shown, self._shown = self._shown, []
        now = monotonic()
        ask = self._asked is None or now - self._asked >= self._visitor.pace_seconds
        fine = self._visit(shown, heard, ask=ask)
        if fine and (ask or not (heard or shown)):
            self._asked = now
        if not fine:
            with self._lock:
                self._heard = _newest(heard + self._heard)
                self._shown = _newest(shown + self._shown)
        return fine

    def _visit(self, shown: list[Nudge], heard: list[Nudge], *, ask: bool) -> bool:
        try:
            return self._visitor.visit(self._peer, shown, heard, ask=ask)
        except NotFound:
            raise
        except Exception as error:  # noqa: BLE001 one peer's answers must not end its thread
            _log.error("visit-failed", peer=self._peer, kind=type(error).__name__)
            return False


def _newest(nudges: list[Nudge]) -> list[Nudge]:
    """Keep one nudge a channel, the last."""
    return list({nudge.channel: nudge for nudge in nudges}.values())
