"""Run a node: bring the shelves up to date, start the listeners, work until told to stop (border.md 10.1).

The peers' listener is another process. It is given its settings alone, and nothing of this process's environment but
what a Python program needs; with ``listener_user`` it runs as that system user, who can open the shelf, the
spool and the cursor key, and neither the core nor the exchange key (border.md 10.4). The people's listener, where the
settings name one, is a process too, and opens the node as whoever serves it does.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import structlog

from mithaq.clock import monotonic, text
from mithaq.config import Config, host_and_port, load
from mithaq.errors import Fault
from mithaq.exchange.wire import PeerUnreachable, Request
from mithaq.node import Node, collect_seldom, open_node, tlsfiles
from mithaq.node.build import CURSOR_KEY, SECRET_BYTES, DamagedHome
from mithaq.node.settling import LOOK
from mithaq.node.worker import Worker
from mithaq.serve import alone
from mithaq.serve.children import Child, Console, Listener
from mithaq.serve.logs import configure

START_SECONDS = 30.0
RESTARTS = 5  # of the listener within a minute, before the node gives up
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is known once a node answers its peers, and its people if it has a console."""

    nation: str
    address: str
    console: str = ""  # where people reach it


def run(
    home: Path,
    *,
    peers: str | None = None,
    people: str | None = None,
    ready: Callable[[Ready], None] = lambda _ready: None,
    stop: threading.Event | None = None,
) -> None:
    """Serve the node that lives at ``home`` until SIGTERM, SIGINT or ``stop``; then end gracefully.

    Args:
        peers: ``HOST:PORT`` for the peers' listener, instead of the settings' ``listen``.
        people: ``HOST:PORT`` for the people's listener, instead of the settings' ``console``; empty: none.
        ready: called once the listeners answer.

    Raises:
        AlreadyServed: another process serves this home; AddressTaken: another program listens there.
        NoExchangeKey: there is nothing to sign with; BadTlsFile: a file for TLS cannot be used.
        DamagedHome: the cursor key is lost.
        Fault: a listener does not start, or ends again and again.
    """
    halt = stop if stop is not None else threading.Event()
    config = load(home)
    configure(config.settings.log_level)
    collect_seldom()
    address = host_and_port(peers) if peers else config.listen
    written = config.settings.console if people is None else people
    console = host_and_port(written) if written else None
    with (
        alone.lock(home) as held,
        alone.address(address),
        alone.address(console) if console else nullcontext(),
        open_node(home) as node,
        _signals(halt),
    ):
        alone.note(held, None)
        tlsfiles.check(node.config)
        _ = node.us.signer.keyid  # nothing can be served without a key that signs
        _files_hold(config)
        worker = Worker(node)
        worker.look(LOOK)
        worker.show()  # what peers may see is complete before anybody is served (border.md 10.2)
        listener = Listener(node.config, address)
        children: list[Child] = [listener]
        if console:
            children.append(Console(node.config, console))
        for child in children:
            child.start()
        working = threading.Thread(target=worker.run, args=(halt,), name="worker")
        working.start()
        try:
            _await(node, listener, address, halt)
            if console:
                _await_console(children[-1], console, halt)
            if not halt.is_set():
                _log.info("ready", nation=node.us.party, address=_written(address))
                at = alone.Serving(
                    address=_written(address), since=text(node.clock()), process=os.getpid()
                )
                alone.note(held, at)
                ready(
                    Ready(
                        nation=node.us.party,
                        address=at.address,
                        console=config.console_url(console) if console else "",
                    )
                )
            _guard(children, halt)
        finally:
            halt.set()
            for child in children:
                child.stop()
            working.join()
            _log.info("stopped", nation=node.us.party)


def _files_hold(config: Config) -> None:
    """See that the listener will find what it needs: it could say so in its own log alone."""
    try:
        lost = len((config.home / CURSOR_KEY).read_bytes()) < SECRET_BYTES
    except OSError:
        lost = True
    if lost:
        raise DamagedHome(f"{CURSOR_KEY} holds no key: it was lost", file=str(CURSOR_KEY))


def _await(node: Node, listener: Listener, address: tuple[str, int], halt: threading.Event) -> None:
    """Wait until the listener answers."""
    until = monotonic() + START_SECONDS
    scheme = "https" if node.config.settings.tls_certificate else "http"
    prefix = urlsplit(node.us.url).path
    url = f"{scheme}://{_written(address)}{prefix}/mithaq/keys/"
    while not halt.wait(0.05):
        if listener.ended() is not None:
            raise Fault("the peers' listener ended at once; its log says why")
        if _answers(node, url) if node.config.settings.tls_clients == "none" else _listens(address):
            return
        if monotonic() > until:
            raise Fault("the peers' listener does not answer")


def _answers(node: Node, url: str) -> bool:
    try:
        return node.wire.send(Request(method="GET", url=url), 1 << 20).status == 200  # noqa: PLR2004 OK
    except PeerUnreachable as error:
        return error.facts.get("cause") == "certificate"


def _listens(address: tuple[str, int]) -> bool:
    """Say whether somebody listens there; who is let in by certificate cannot be asked more."""
    try:
        socket.create_connection(address, 1.0).close()
    except OSError:
        return False
    return True


def _await_console(child: Child, address: tuple[str, int], halt: threading.Event) -> None:
    """Wait until the people's listener takes connections."""
    until = monotonic() + START_SECONDS
    while not halt.wait(0.05):
        if child.ended() is not None:
            raise Fault("the people's listener ended at once; its log says why")
        if _listens(address):
            return
        if monotonic() > until:
            raise Fault("the people's listener does not answer")


def _guard(children: Sequence[Child], halt: threading.Event) -> None:
    """Start a listener again if it ends; give up if it ends again and again."""
    ends: dict[str, list[float]] = {}
    while not halt.wait(0.5):
        for child in children:
            if (code := child.ended()) is None:
                continue
            now = monotonic()
            some = ends[child.name] = [
                *(at for at in ends.get(child.name, ()) if at > now - 60),
                now,
            ]
            _log.error(f"{child.name}-ended", exit_code=code, times=len(some))
            if len(some) >= RESTARTS:
                raise Fault(f"the {child.name} ends again and again", exit_code=code)
            child.start()


def _written(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextmanager
def _signals(halt: threading.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set ``halt``; only the main thread may ask for signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def told(_number: int, _frame: FrameType | None) -> None:
        halt.set()

    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
