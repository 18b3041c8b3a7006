"""Telling tools of ours: each is told by a thread of its own, of what the store has for it, until it has taken it.

The watch never waits for one, and a kill loses nothing: what a tool has not taken is told again, with the same id.
"""

import fcntl
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Signal
from threading import Lock, Thread
from typing import Final

import structlog
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, may
from mithaq.border.us import Us
from mithaq.clock import Clock, text
from mithaq.config import Sink
from mithaq.defence import Audience, Recorded, tell, waiting
from mithaq.ingest.outlets import NotTold, Outlet, outlet
from mithaq.model.labels import tlp
from mithaq.store import journal, live
from mithaq.store.engine import Store

_log = structlog.get_logger()
_AT_ONCE: Final = 100  # hits
_PAUSE: Final = 0.5  # seconds between looks at what there is to tell
_LONGEST: Final = 60.0  # seconds between attempts
_KEY: Final = "watch.sink."
_LOCK: Final = "sinks.lock"


def audiences(sinks: Sequence[Sink]) -> list[Audience]:
    """Return sinks as those who may be told of hits."""
    return [Audience(name=each.name, up_to=tlp(each.up_to), most=each.most) for each in sinks]


def telling(sinks: Sequence[Sink], ours: Collection[str]) -> Callable[[Connection, Recorded], None]:
    """Return what keeps for sinks, with hits, what they are to be told of; ``ours`` are digests of rules of our own."""
    some = audiences(sinks)

    def also(unit: Connection, done: Recorded) -> None:
        for name, count in tell(unit, some, done.fresh, ours).items():
            _log.warning("sink-dropped", sink=name, count=count)

    return also


@contextmanager
def beside(core: Store, clock: Clock, sinks: Sequence[Sink], home: Path) -> Iterator[None]:
    """Tell sinks while something else goes on.

    Raises:
        InputError: what one needs cannot be read.
    """
    made = Sinks.of(core, clock, sinks, home)
    made.start()
    try:
        yield
    finally:
        made.close()


@dataclass(slots=True)
class Sinks:
    """The tools that are told while the watch goes on."""

    core: Store
    clock: Clock
    tellers: "list[_Teller]"

    @classmethod
    def of(cls, core: Store, clock: Clock, sinks: Sequence[Sink], home: Path) -> "Sinks":
        """Open the ways to sinks.

        Raises:
            InputError: what one needs cannot be read.
        """
        made = [(each.name, outlet(each, home)) for each in sinks]
        ours = _Ours(home / _LOCK)
        return cls(core, clock, [_Teller(core, clock, name, way, ours) for name, way in made])

    def start(self) -> None:
        """Begin to tell."""
        for each in self.tellers:
            each.start()

    def close(self, seconds: float = 3.0) -> None:
        """Tell what can be told at once, and stop; what is left is told by the next watch."""
        for each in self.tellers:
            each.stop.set()
        for each in self.tellers:
            each.join(seconds)
        if self.tellers:
            self.tellers[0].ours.let_go()


class _Ours:
    """Whether it is this process that tells: of a watch and workers of one home one does, so nothing is told twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._one, self._held = Lock(), ExitStack()
        self._ours = False

    def held(self) -> bool:
        """Say so; if nobody else tells, it is us from now on."""
        with self._one:
            if not self._ours:
                with ExitStack() as opening:
                    file = opening.enter_context(self._path.open("ab"))
                    with suppress(BlockingIOError):
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        self._held, self._ours = opening.pop_all(), True
            return self._ours

    def let_go(self) -> None:
        """Let another tell."""
        with self._one:
            self._held.close()
            self._ours = False


class _Teller(Thread):
    """Tells one sink."""

    def __init__(self, core: Store, clock: Clock, name: str, way: Outlet, ours: _Ours) -> None:
        super().__init__(name=f"mithaq-sink-{name}", daemon=True)
        self.ours = ours
        self.stop = Signal()
        self._core, self._clock, self._sink, self._way = core, clock, name, way
        self._failures = 0
        self._troubled = True  # an earlier process may have said so
        self._why = ""  # it is not told, as was kept last
        self._since = ""

    def run(self) -> None:
        """Tell until it is stopped and nothing is left, or what is left is not taken."""
        while True:
            done = self._once()
            if self.stop.is_set() and not done:
                break
            if not done:
                self.stop.wait(min(_PAUSE * 2**self._failures, _LONGEST))
        self._way.close()

    def _once(self) -> bool:
        """Tell of a few; say whether there were some, and they were taken."""
        try:
            return self._told()
        except Exception as why:  # noqa: BLE001 of a store that is busy or being closed; the next look tells
            self._failures = min(self._failures + 1, 16)
            _log.warning("sink-fault", sink=self._sink, kind=type(why).__name__)
            return False

    def _told(self) -> bool:
        if not self.ours.held():
            return False
        with self._core.read() as unit:
            some = live.untold(unit, self._sink, _AT_ONCE)
        if not some:
            return False
        try:
            self._way.send([json.loads(hit) for _, hit in some])
        except NotTold as why:
            self._failures = min(self._failures + 1, 16)
            if str(why) != self._why:
                self._troubled = True
                self._since = self._since or text(self._clock())
                _log.warning("sink-not-told", sink=self._sink, why=str(why))
                self._note(str(why))
                self._why = str(why)
            return False
        with self._core.begin() as unit:
            live.told_of(unit, [seq for seq, _ in some])
        if self._failures:
            _log.info("sink-told", sink=self._sink)
        self._failures = 0
        if self._troubled:
            self._why = self._since = ""
            self._note("")
            self._troubled = False
        return True

    def _note(self, why: str) -> None:
        """Keep why it is not told, or that it is again."""
        told = {"at": self._since, "why": why}
        with self._core.begin() as unit:
            journal.keep(unit, f"{_KEY}{self._sink}", json.dumps(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a sink does."""

    name: str
    waiting: int | None  # of hits that whoever asks may see; None: they may see none at all
    failing_since: str
    why: str


def standings(unit: Connection, us: Us, actor: Actor, sinks: Sequence[Sink]) -> list[Standing]:
    """Return how each sink does, as an actor may know it."""
    said = {name: json.loads(kept) for name, kept in journal.settings_under(unit, _KEY).items()}
    sees = may(actor, Permission.HIT_READ)
    return [
        Standing(
            name=each.name,
            waiting=waiting(unit, us, actor, each) if sees else None,
            failing_since=told["at"] if told.get("why") else "",
            why=told.get("why", ""),
        )
        for each in audiences(sinks)
        for told in (said.get(each.name, {}),)
    ]
