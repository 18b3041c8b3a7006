"""What moves a node along: it settles the spool, watches agreements, shows releases, visits peers, reads feeds.

Everything here follows a cursor or a state in the store, so a worker that is killed goes on where it stopped.
Work in the store is one short transaction each; the network is used outside of them, by one thread a peer, so
that a slow peer holds up nobody else.
"""

import threading
from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from mithaq import intel
from mithaq.audit import log as audit
from mithaq.audit import subjects
from mithaq.border import (
    clocks,
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
from mithaq.errors import MithaqError
from mithaq.node import defending
from mithaq.node.build import Node
from mithaq.node.hindsight import Hindsight
from mithaq.node.scribe import Scribe
from mithaq.node.settling import LOOK, SPOOL, Settler
from mithaq.node.threads import Courier, Reader
from mithaq.node.visit import Visitor
from mithaq.store import channels, journal, parties, pending, spool

_log = structlog.get_logger()
LOG_TICK = timedelta(hours=1)  # the log is padded and signed at this pace (border.md 4.4)
HEAL = 2.0  # seconds before the worker tries again after a failure
FOLD = 10.0  # seconds between foldings of what was committed into the database's file
PAUSE = 0.1  # seconds between looks at the spool and at the agreements


class Worker:
    """The worker of one node. ``turn`` does everything once, for tests and demos; ``run`` goes on."""

    def __init__(self, node: Node) -> None:
        """Take no thread and touch nothing yet."""
        self.node = node
        self.visitor = Visitor(node)
        self._settler = Settler(node, self.visitor)
        self._couriers: dict[str, Courier] = {}
        self._reader: Reader | None = None
        self._scribe: Scribe | None = None
        self._hindsight: Hindsight | None = None

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
        self.look_back()

    def look_back(self) -> None:
        """Look in the past for what is new."""
        hindsight = Hindsight(self.node, threading.Event())
        while hindsight.turn() or hindsight.reread():
            pass

    def _read_out(self) -> None:
        """Keep what some of the newest objects and records are found by."""
        intel.read_out(self.node.core, self.node.clock())
        subjects.read_out(self.node.core)
        intel.count_on(self.node.core)
        defending.keep_up(self.node)

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
        return self._settler.turn(most_seconds)

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
            for thread in (self._reader, self._scribe, self._hindsight):
                if thread is not None:
                    thread.join(timeout=30)

    def _staff(self, stop: threading.Event) -> None:
        """Keep one courier a peer, and one reader of feeds."""
        if self._reader is None or not self._reader.is_alive():
            self._reader = Reader(self.node, stop)
            self._reader.start()
        if self._hindsight is None or not self._hindsight.is_alive():
            self._hindsight = Hindsight(self.node, stop)
            self._hindsight.start()
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


def _nodes(unit: Connection) -> list[str]:
    found = parties.all_peers(unit)
    return [peer.name for peer in found if peer.kind == "node" and peer.state == "confirmed"]
