"""The peers' listener's own process: ``python -m mithaq.serve.listener HOST PORT CERTIFICATE KEY``.

Its settings come in the environment (``exchange.asgi``). It ends when the process that started it does: its
standard input is a pipe whose other end that process holds. The server's own worker process, in which the
application runs, ends when the process that started it is gone, however that went.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from starlette.types import ASGIApp

from mithaq.model.benign import Benign
from mithaq.serve import ending

FRONT = "MITHAQ_FRONT"  # there are settings for a front (``exchange.front``)
PARENT = "MITHAQ_LISTENER_PARENT"  # the process that must live for the worker process to live
STOP_SECONDS = 3


def main(host: str, port: str, certificate: str, key: str) -> None:
    """Serve until asked to stop, or orphaned."""
    os.environ[PARENT] = str(os.getpid())
    ending.when_orphaned(ending.orderly)
    inner = _before(host, port) if FRONT in os.environ else None
    if inner is not None:
        certificate = key = ""  # TLS ends in the process before this one
    Granian(
        "mithaq.serve.listener:app",
        address=host,
        port=int(port),
        uds=inner,
        uds_permissions=0o600 if inner else None,
        interface=Interfaces.ASGI,
        factory=True,
        workers=1,  # nonces and budgets are remembered in one process
        # A request to stop that comes while the worker starts is lost on it.
        workers_kill_timeout=STOP_SECONDS,
        http=HTTPModes.http1,  # HTTP/2 would let a stranger's headers grow to 16 MiB
        websockets=False,
        log_access=False,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=15_000, max_buffer_size=1 << 20),
        ssl_cert=Path(certificate) if certificate else None,
        ssl_key=Path(key) if key else None,
        ssl_protocol_min=SSLProtocols.tls12,  # TAXII 2.1 section 8.2.2
    ).serve()


def _before(host: str, port: str) -> Path:
    """Start the front, which takes the connections; return the socket that it hands them on to."""
    folder = Path(tempfile.mkdtemp(prefix="mithaq-"))  # this user's alone
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    inner = folder / "http"
    command = [sys.executable, "-m", "mithaq.serve.front", host, port, str(inner)]
    front = subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 our own interpreter and module
    threading.Thread(target=_end_with, args=(front,), daemon=True).start()
    return inner


def _end_with(front: "subprocess.Popen[bytes]") -> None:
    """Stop this process when the front ends: nobody comes in any more."""
    front.wait()
    ending.orderly()


def app() -> ASGIApp:
    """Build the application in the server's worker process, and let that end with its parent."""
    from mithaq.exchange.asgi import app_from_environment  # noqa: PLC0415 the server's own process needs none of it

    ending.with_parent(int(os.environ[PARENT]))
    return app_from_environment(_known)


def _known(written: str) -> Benign:
    """Return what is known to be harmless where ``written`` says what is ours, when the first export is printed."""
    from mithaq.node import warninglists  # noqa: PLC0415 as above

    return warninglists.known_where(written)


if __name__ == "__main__":
    main(*sys.argv[1:])
