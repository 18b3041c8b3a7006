"""A nats-server of a test's own, and workers that are processes of their own, to be killed.

The server keeps its log in a folder and listens on loopback alone, at a port that was free. Processes come from a fork
server that has loaded what they need, so each begins at once.
"""

import json
import multiprocessing
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mithaq.clock import now
from mithaq.ingest import forwarding, hunting, keeping, wanted, working
from mithaq.ingest.telemetry import Ways, chunks
from mithaq.model.whose import Word
from mithaq.store import matches
from mithaq.store.engine import open_store

RECORDINGS = Path(__file__).parents[1].parent / "shared/data/detection/mordor"
SMALL = ("covenant_installutil",)
RULES = r"""
title: A library of the system is loaded
id: 5f1b2f5c-0f0e-4a64-9d2e-3a3a5bb0c001
name: loaded
level: low
logsource: {product: windows, category: image_load}
detection:
    one: {ImageLoaded|endswith: '.dll'}
    condition: one
---
title: A value of the registry is set
id: 5f1b2f5c-0f0e-4a64-9d2e-3a3a5bb0c002
level: high
logsource: {product: windows, category: registry_set}
detection:
    one: {TargetObject|contains: 'HK'}
    condition: one
---
title: Many libraries at once
id: 5f1b2f5c-0f0e-4a64-9d2e-3a3a5bb0c003
level: high
correlation:
    type: event_count
    rules: [loaded]
    group-by: [Image]
    timespan: 1m
    condition: {gte: 5}
"""
PATTERNS = {  # by title
    "one after the other": "[windows-registry-key:key LIKE '%Services%'] FOLLOWEDBY [file:name = 'ntdll.dll'] "
    "WITHIN 60 SECONDS",
    "again and again": "[file:name = 'ntdll.dll'] REPEATS 3 TIMES WITHIN 60 SECONDS",
    "like one": "[file:name LIKE 'kernel%']",
    "one": "[file:name = 'amsi.dll']",
}
SEVERAL = {"Many libraries at once", "one after the other", "again and again"}


def recordings(names=SMALL):
    """Return recordings by name; the test is passed over where they are not at hand."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recordings at {RECORDINGS}")
    return [next(RECORDINGS.rglob(f"{name}.zip")) for name in names]


def content(rules=None):
    """Return what is looked for: rules, a correlation, patterns of one and of several observations."""
    held = [
        (Word(f"indicator--0b1c1a8e-3b53-4b9e-8c0e-{number:012d}"), _indicator(title, pattern))
        for number, (title, pattern) in enumerate(PATTERNS.items())
    ]
    return wanted.content([rules] if rules else [], [], held=held)


def _indicator(title, pattern):
    return {"type": "indicator", "name": title, "pattern": pattern, "pattern_type": "stix"}


@dataclass
class Server:
    """A nats-server, which may be killed and started again."""

    folder: Path
    port: int
    more: str = ""  # of its settings
    jetstream: bool = True  # whether they need one that keeps what it has in the folder
    process: subprocess.Popen | None = None

    def start(self):
        """Start it, and wait until it takes connections."""
        settings = self.folder / "nats.conf"
        store = f'jetstream {{ store_dir: "{self.folder / "js"}", max_mem: 16MB, max_file: 512MB }}'
        lines = [f'listen: "127.0.0.1:{self.port}"', store if self.jetstream else "", self.more]
        settings.write_text("\n".join(lines) + "\n")
        log = (self.folder / "nats.log").open("ab")
        self.process = subprocess.Popen(
            ["nats-server", "-c", settings], stdout=log, stderr=subprocess.STDOUT
        )
        log.close()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        pytest.fail((self.folder / "nats.log").read_text())

    def kill(self):
        """Kill it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def address(self, stream="telemetry", **asked):
        """Return where a log on it is; a worker that says nothing is given up after two seconds."""
        query = "&".join(f"{name}={value}" for name, value in {"wait": 2, **asked}.items())
        return f"nats://127.0.0.1:{self.port}/{stream}?{query}"


def free_port():
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def nats_server(folder, more="", *, jetstream=True):
    """Run a server; the test is passed over where there is none."""
    if not shutil.which("nats-server"):
        pytest.skip("no nats-server (apt install nats-server)")
    pytest.importorskip("nats")
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder, free_port(), more, jetstream)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def publish(address, paths, size=128 << 10):
    """Put files on a log, in chunks that are small, so that there are many; return what did it."""
    was, chunks.SIZE = chunks.SIZE, size
    try:
        forwarder = forwarding.opened(address, 1)
        for path in paths:
            forwarder.file(path)
        forwarder.close()
    finally:
        chunks.SIZE = was
    return forwarder


@dataclass(slots=True)
class Stopping(keeping.Keeper):
    """Keeps hits until it stops for ever, so that its process can be killed in the middle of a chunk."""

    at: int = 0  # the chunk at which it stops; 0: never
    kept: bool = False  # whether that one's hits are kept before
    stopped: object = None
    seen: int = 0

    def keep(self, found, batch=()):
        """Keep, or say that it stops."""
        self.seen += 1
        if self.seen == self.at and not self.kept:
            self._stop()
        keeping.Keeper.keep(self, found, batch)
        if self.seen == self.at:
            self._stop()

    def _stop(self):
        self.stopped.set()
        while True:
            signal.pause()


def work(address, url, rules, stop=None, told=None):
    """Work as ``mithaq worker --once`` does; ``stop``: the chunk to stop at, whether after keeping, and an event."""
    store = open_store(url, "core")
    at, kept, stopped = stop or (0, False, None)
    keeper = Stopping(core=store, clock=now, at=at, kept=kept, stopped=stopped)
    group = forwarding.Group(address, Ways())
    worker = working.Worker(
        content=content(rules),
        keeper=keeper,
        shared=group.shared,
        whole=group.whole,
        turn=group.turn,
        halted=lambda: False,
    )
    cpu, begin = time.process_time(), time.monotonic()
    worker.run(once=True)
    if told:
        spent, end = time.process_time() - cpu, time.monotonic()
        told.write_text(json.dumps([worker.events, spent, begin, end]))
    group.close()
    store.close()


PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.streams"])


@dataclass
class Crew:
    """Workers, each a process."""

    address: str
    url: str
    rules: Path
    hired: list = field(default_factory=list)

    def hire(self, stop=None, told=None):
        """Let one more begin; ``stop``: at which chunk it stops, and whether its hits are kept before.

        ``told`` is a file: how many events it was given, CPU seconds, and from when to when on the steady clock.
        """
        stopped = PROCESSES.Event()
        how = (*stop, stopped) if stop else None
        args = (self.address, self.url, self.rules, how, told)
        one = PROCESSES.Process(target=work, args=args)
        one.start()
        self.hired.append(one)
        return one, stopped

    def wait(self, seconds=60):
        """Wait until all have ended, as they should."""
        for one in self.hired:
            one.join(seconds)
        assert [one.exitcode for one in self.hired] == [0] * len(self.hired)

    def hits(self):
        """Return the ids of what is kept, with the titles of its rules, and how often groups say they were found."""
        store = open_store(self.url, "core")
        with store.read() as unit:
            kept = {match.id for _, match in matches.of_rules(unit, [])}
            counted = {(g.title, g.day, g.source): g.count for g in matches.groups(unit)}
        store.close()
        return kept, counted


def alone(paths, looked_for):
    """Return what one process finds that reads the files itself: ids, and how many by title, day and source."""
    found = {}
    for hit in hunting.Hunt(looked_for).run(paths):
        if hit is not None:
            found.setdefault(hit.match.id, hit.match)
    counted = {}
    for match in found.values():
        place = (match.title, match.at[:10], "/".join(filter(None, match.source)))
        counted[place] = counted.get(place, 0) + 1
    return set(found), counted
