"""One visit to a peer: tell it what is new, ask what it has, bring it what it cannot fetch (border.md 5.4)."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from mithaq.border import admit, alarms, heartbeats, keys
from mithaq.border.peers import BeginsAnew
from mithaq.border.shelf import Nudge, narrow
from mithaq.errors import MithaqError, NotFound
from mithaq.exchange.client import Line, PeerRefuses, bring_keys, fetch_keys
from mithaq.exchange.onshow import frames_after, heartbeat_for, is_open
from mithaq.node.build import Node
from mithaq.seal.documents import BadKeyDocument
from mithaq.seal.envelope import BadEnvelope
from mithaq.store import channels, journal, parties, recalls
from mithaq.store.parties import Peer, document_versions

_log = structlog.get_logger()
MOST_PAUSE = 60.0  # seconds between visits to a peer that cannot be reached
URGENT_PAUSE = 10.0  # the same while it owes an answer to an order to give something back
_MOST_VERSIONS = 32  # of a key document, walked in one visit
_NOT_NOW = {
    404,
    503,
}  # what a channel answers that is closed to us, or decided anew: the others are asked all the same


class Visitor:
    """Visits peers; holds no state but what the store has, and how far it has looked at that."""

    def __init__(self, node: Node) -> None:
        """Visit for ``node``."""
        self.node = node
        self._narrowed = 0  # up to which change of what peers see

    def narrow(self) -> None:
        """Show at once that something must be seen no longer, if anything is since the last call."""
        node = self.node
        self._narrowed = narrow(node.core, node.shelf, node.clock(), self._narrowed)

    @property
    def pace_seconds(self) -> float:
        """How often a peer is asked when nothing is heard of it."""
        return self.node.config.settings.exchange.poll_seconds

    def unacknowledged(self, name: str) -> list[Nudge]:
        """Return, for each channel to a peer, the last frame, if the peer has not said that it holds it."""
        with self.node.core.read() as unit:
            return [
                Nudge(peer=name, channel=channel.id, seq=channel.seq)
                for channel in channels.of_peer(unit, name, "out")
                if channel.state == "open" and channels.first_undelivered(unit, channel.id)
            ]

    def patience(self, name: str) -> float:
        """Return after how many seconds at most a peer is tried again that could not be reached."""
        with self.node.core.read() as unit:
            return URGENT_PAUSE if recalls.owes(unit, name) else MOST_PAUSE

    def visit(
        self,
        name: str,
        shown: Sequence[Nudge] = (),
        heard: Sequence[Nudge] = (),
        *,
        ask: bool = False,
    ) -> bool:
        """Visit a peer once; return whether it could be reached. Never raises for what the peer does.

        Args:
            shown: what newly stands on its shelf, to nudge it.
            heard: its own hints.
            ask: ask for its heartbeat too; without hints and anything to tell it is asked for anyway.
        """
        node = self.node
        with node.core.read() as unit:
            peer = parties.peer(unit, name)
        line = Line(wire=node.wire, url=peer.url, signer=node.us.signer)
        try:
            self._bring_keys(peer)
            if peer.delivery == "push":
                self._bring(line, peer)
            else:
                for nudge in shown:
                    line.nudge(nudge.channel, nudge.seq, node.clock())
            for channel in dict.fromkeys(hint.channel for hint in heard):
                self._fetch(line, peer, channel)
            if ask or not (heard or shown) or (peer.delivery == "push" and not heard):
                self._ask(line, peer)
        except MithaqError as error:
            self._note(peer, error.code, node.clock())
            return False
        self._note(peer, "", node.clock())
        return True

    def _note(self, peer: Peer, failure: str, now: datetime) -> None:
        """Keep how the last visit went, for ``mithaq status``; write only when that changes.

        Only whoever has just been asked, and has not answered, is silent: not every peer after we slept ourselves.
        """
        with self.node.core.read() as unit:
            before = journal.setting(unit, f"visit:{peer.name}", "-")
            silent = alarms.gone_silent(unit, peer.name, now)
        if silent:
            with self.node.core.begin() as unit:
                alarms.listen(unit, self.node.us, peer.name, now)
        if before == failure:
            return
        with self.node.core.begin() as unit:
            journal.keep(unit, f"visit:{peer.name}", failure)
            kind = "peer-lost" if failure else "peer-reached"
            if before not in {"-", ""} or failure:
                journal.record(unit, now, kind, peer.name, code=failure)
        _log.info("visit", peer=peer.name, code=failure or "fine")

    # --- ask -------------------------------------------------------------------------------------------
    def _ask(self, line: Line, peer: Peer) -> None:
        """Fetch the peer's heartbeat and whatever it says we lack."""
        raw = line.heartbeat(self.node.clock())
        if raw is None:
            return
        try:
            news = self._take(peer, raw)
        except BadEnvelope:
            # Signed perhaps by a key that only the peer's next document names (border.md 9.3).
            self._learn(peer, self._known(peer) + 1)
            news = self._take(peer, raw)
        anew: BeginsAnew | None = None
        known = self._known(peer)
        try:
            for version in range(known + 1, min(news.keys, known + _MOST_VERSIONS) + 1):
                self._learn(peer, version)
        except BeginsAnew as error:
            anew = error  # until people have compared words, the document before counts as long as it does
        for channel, _ in news.channels:
            self._fetch(line, peer, channel)
        if anew is not None:
            raise anew

    def _take(self, peer: Peer, raw: bytes) -> heartbeats.News:
        with self.node.core.begin() as unit:
            return heartbeats.take(unit, self.node.us, peer.name, raw, self.node.clock())

    def _known(self, peer: Peer) -> int:
        with self.node.core.read() as unit:
            return max(document_versions(unit, peer.name), default=0)

    def _learn(self, peer: Peer, version: int) -> None:
        """Walk one version of the peer's key document."""
        document = fetch_keys(self.node.wire, peer.url, version)
        with self.node.core.begin() as unit:
            keys.learn(unit, self.node.us, peer.name, document, self.node.clock())
        if self._known(peer) < version:
            raise BadKeyDocument("not the version asked for", cause="version")

    def _fetch(self, line: Line, peer: Peer, channel: str) -> None:
        """Fetch a channel from where we stand until there is nothing newer, one transaction a frame."""
        node = self.node
        before = -1
        while True:
            with node.core.read() as unit:
                after = admit.wanted(unit, peer.name, channel)
            if after == before:
                return  # the peer says again what it said before
            before = after
            try:
                frames = line.frames(channel, after, node.clock())
            except PeerRefuses as error:
                if error.facts["status"] not in _NOT_NOW:
                    raise
                return  # frames stand in it all the same: they come later, or its notice in another channel
            for raw in frames:
                with node.core.begin() as unit:
                    done = admit.frame(unit, node.us, peer.name, raw, node.clock())
                self.narrow()
                if done.outcome not in (admit.Outcome.ADMITTED, admit.Outcome.KNOWN):
                    _log.warning("frame", peer=peer.name, outcome=str(done.outcome), code=done.code)
                    return
            if not frames:
                return

    # --- bring -----------------------------------------------------------------------------------------
    def _bring_keys(self, peer: Peer) -> None:
        """Bring our key documents that the peer has not said it holds: it may know none of our keys any more."""
        node = self.node
        with node.core.read() as unit:
            lacking = keys.lacking(unit, node.us, peer.name)
        for raw in lacking:
            bring_keys(node.wire, peer.url, raw)

    def _bring(self, line: Line, peer: Peer) -> None:
        """Push what the peer has not acknowledged, in order, as far as its shelf shows it, then our heartbeat."""
        node = self.node
        with node.core.read() as unit:
            acknowledged = {
                channel.id: first - 1
                for channel in channels.of_peer(unit, peer.name, "out")
                if (first := channels.first_undelivered(unit, channel.id)) is not None
            }
        with node.shelf.read() as unit:
            heartbeat = heartbeat_for(unit, peer.name)
        for channel, after in acknowledged.items():
            self._push(line, peer, channel, after)
        if heartbeat is not None:
            line.bring_heartbeat(heartbeat, node.clock())

    def _push(self, line: Line, peer: Peer, channel: str, after: int) -> None:
        """Bring the frames of one channel that the peer could fetch itself, no more."""
        node = self.node
        with node.shelf.read() as unit:
            try:
                frames = (
                    list(frames_after(unit, peer.name, channel, after))
                    if is_open(unit, peer.name, channel, node.clock())
                    else []
                )
            except NotFound:
                return
        for raw in frames:
            line.bring_frame(channel, raw, node.clock())
