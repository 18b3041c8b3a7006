"""Run a node: bring the shelves up to date, start the peers' listener, work until told to stop (border.md 10.1).

The listener is another process. It is given its settings alone, and nothing of this process's environment but
what a Python program needs; with ``listener_user`` it runs as that system user, who can open the shelf, the
spool and the cursor key, and neither the core nor the exchange key (border.md 10.4).
"""

import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import msgspec
import structlog

from mithaq.clock import monotonic, text
from mithaq.config import Config, host_and_port, load
from mithaq.errors import Fault
from mithaq.exchange.asgi import VARIABLE
from mithaq.exchange.front import VARIABLE as FRONT
from mithaq.exchange.front import Settings as Front
from mithaq.exchange.visit import Settings
from mithaq.exchange.wire import PeerUnreachable, Request
from mithaq.node import Node, collect_seldom, open_node, tlsfiles
from mithaq.node.build import CURSOR_KEY, SECRET_BYTES, DamagedHome
from mithaq.node.settling import LOOK
from mithaq.node.worker import Worker
from mithaq.serve import alone
from mithaq.serve.logs import configure

HANDED = Path("listener") / "tls"  # what the listener's user is handed
START_SECONDS = 30.0
STOP_SECONDS = 10.0
RESTARTS = 5  # of the listener within a minute, before the node gives up
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What is known once a node answers its peers."""

    nation: str
    address: str


def run(
    home: Path,
    *,
    peers: str | None = None,
    ready: Callable[[Ready], None] = lambda _ready: None,
    stop: threading.Event | None = None,
) -> None:
    """Serve the node that lives at ``home`` until SIGTERM, SIGINT or ``stop``; then end gracefully.

    Args:
        peers: ``HOST:PORT`` for the peers' listener, instead of the settings' ``listen``.
        ready: called once the listener answers.

    Raises:
        AlreadyServed: another process serves this home; AddressTaken: another program listens there.
        NoExchangeKey: there is nothing to sign with; BadTlsFile: a file for TLS cannot be used.
        DamagedHome: the cursor key is lost.
        Fault: the listener does not start, or ends again and again.
    """
    halt = stop if stop is not None else threading.Event()
    config = load(home)
    configure(config.settings.log_level)
    collect_seldom()
    address = host_and_port(peers) if peers else config.listen
    with (
        alone.lock(home) as held,
        alone.address(address),
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
        listener.start()
        working = threading.Thread(target=worker.run, args=(halt,), name="worker")
        working.start()
        try:
            _await(node, listener, address, halt)
            if not halt.is_set():
                _log.info("ready", nation=node.us.party, address=_written(address))
                at = alone.Serving(
                    address=_written(address), since=text(node.clock()), process=os.getpid()
                )
                alone.note(held, at)
                ready(Ready(nation=node.us.party, address=at.address))
            _guard(listener, halt)
        finally:
            halt.set()
            listener.stop()
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


class Listener:
    """The peers' listener as a child process."""

    def __init__(self, config: Config, address: tuple[str, int]) -> None:
        """Know how to start it."""
        self._config = config
        self._address = address
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; it ends with this one."""
        settings = self._config.settings
        environment = {
            name: os.environ[name]
            for name in ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "PYTHONPATH")
            if name in os.environ
        }
        told = Settings(
            url=settings.url,
            shelf_url=self._listener_url(self._config.shelf_url),
            spool_url=self._listener_url(self._config.spool_url),
            cursor_key_path=str(self._config.home / CURSOR_KEY),
            page_limit=settings.exchange.page_limit,
            max_frame_bytes=settings.exchange.max_frame_bytes,
            spool_bytes_per_peer=settings.exchange.spool_bytes_per_peer,
            realm=settings.realm,
        )
        environment[VARIABLE] = msgspec.json.encode(told).decode()
        host, port = self._address
        command = [sys.executable, "-m", "mithaq.serve.listener", host, str(port)]
        user = self._become()
        certificate, key = self._tls(user) or ("", "")
        command += [str(certificate), str(key)]
        if settings.tls_clients != "none":
            authority = self._config.authority
            front = Front(
                certificate=str(certificate),
                key=str(key),
                clients=settings.tls_clients,
                shelf_url=told.shelf_url,
                authority=str(self._handed(authority, user)) if authority else "",
            )
            environment[FRONT] = msgspec.json.encode(front).decode()
        self._process = subprocess.Popen(  # noqa: S603 our own interpreter and module
            command,
            env=environment,
            stdin=subprocess.PIPE,  # closed when this process ends, however it ends
            cwd=self._config.home,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )

    def _listener_url(self, url: str) -> str:
        """Return the database as the listener opens it: on PostgreSQL as its own, weaker role."""
        peer_database = self._config.settings.peer_database
        return peer_database if peer_database and not url.startswith("sqlite") else url

    def _become(self) -> pwd.struct_passwd | None:
        """Return the user the listener runs as, to whom the spool and the cursor key are given."""
        name = self._config.settings.listener_user
        if not name or os.geteuid() != 0:
            return None
        user = pwd.getpwnam(name)
        home = self._config.home
        for path in (home / "spool", *(home / "spool").iterdir(), home / CURSOR_KEY):
            os.chown(path, user.pw_uid, user.pw_gid)
        return user

    def _tls(self, user: pwd.struct_passwd | None) -> tuple[Path, Path] | None:
        """Return the certificate's and the key's file, as the listener can read them.

        A key that is its owner's alone is handed to the listener's user as a copy that is that user's alone.
        """
        files = self._config.tls
        if files is None or user is None:
            return files
        certificate, key = files
        return self._handed(certificate, user), self._handed(key, user)

    def _handed(self, file: Path, user: pwd.struct_passwd | None) -> Path:
        """Return a file as the listener's user can read it: as a copy that is that user's alone."""
        if user is None:
            return file
        copy = self._config.home / HANDED / file.name
        copy.unlink(missing_ok=True)
        with open(copy, "xb", opener=_secretly) as handed:
            handed.write(file.read_bytes())
        os.chown(copy, user.pw_uid, user.pw_gid)
        return copy

    def ended(self) -> int | None:
        """Return the exit code of a process that has ended; None while it runs."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """End the process, first by asking."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _secretly(path: str, flags: int) -> int:
    return os.open(path, flags, 0o400)


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


def _guard(listener: Listener, halt: threading.Event) -> None:
    """Start the listener again if it ends; give up if it ends again and again."""
    ends: list[float] = []
    while not halt.wait(0.5):
        if (code := listener.ended()) is None:
            continue
        now = monotonic()
        ends = [*(at for at in ends if at > now - 60), now]
        _log.error("listener-ended", exit_code=code, times=len(ends))
        if len(ends) >= RESTARTS:
            raise Fault("the peers' listener ends again and again", exit_code=code)
        listener.start()


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
