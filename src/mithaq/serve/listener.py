"""The peers' listener's own process: ``python -m mithaq.serve.listener HOST PORT CERTIFICATE KEY``.

Its settings come in the environment (``exchange.asgi``). It ends when the process that started it does: its
standard input is a pipe whose other end that process holds.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces, SSLProtocols
from granian.http import HTTP1Settings

TARGET = "mithaq.exchange.asgi:app_from_environment"


def main(host: str, port: str, certificate: str, key: str) -> None:
    """Serve until asked to stop, or orphaned."""
    threading.Thread(target=_orphan, daemon=True).start()
    Granian(
        TARGET,
        address=host,
        port=int(port),
        interface=Interfaces.ASGI,
        factory=True,
        workers=1,  # nonces and budgets are remembered in one process
        websockets=False,
        log_access=False,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=15_000, max_buffer_size=1 << 20),
        ssl_cert=Path(certificate) if certificate else None,
        ssl_key=Path(key) if key else None,
        ssl_protocol_min=SSLProtocols.tls12,  # TAXII 2.1 section 8.2.2
    ).serve()


def _orphan() -> None:
    """Stop this process once nobody holds the other end of its standard input."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:])
