"""The people's listener's own process: ``python -m mithaq.serve.console HOME HOST PORT``.

It ends when the process that started it does: its standard input is a pipe whose other end that process holds. The
server's own worker process, in which the application runs, ends when the process that started it is gone.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

HOME = "MITHAQ_CONSOLE_HOME"
PARENT = "MITHAQ_CONSOLE_PARENT"  # the process that must live for the worker process to live
THREADS = 8  # pages at once
LOOK_SECONDS = 0.25
STOP_SECONDS = 3
ORDERLY_SECONDS = 5.0


def main(home: str, host: str, port: str) -> None:
    """Serve until asked to stop, or orphaned."""
    os.environ[PARENT] = str(os.getpid())
    os.environ[HOME] = home
    threading.Thread(target=_orphan, daemon=True).start()
    Granian(
        "mithaq.serve.console:app",
        address=host,
        port=int(port),
        interface=Interfaces.WSGI,
        factory=True,
        workers=1,
        blocking_threads=THREADS,
        workers_kill_timeout=STOP_SECONDS,
        http=HTTPModes.http1,
        websockets=False,
        log_access=False,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=15_000, max_buffer_size=1 << 20),
    ).serve()


def app() -> Any:  # noqa: ANN401 WSGI says what it is
    """Build the application in the server's worker process, and let that end with its parent."""
    from mithaq.node import open_node  # noqa: PLC0415 the server's own process needs none of it
    from mithaq.serve.logs import configure  # noqa: PLC0415 as above
    from mithaq.web.app import application  # noqa: PLC0415 as above

    threading.Thread(target=_outlive_nobody, args=(int(os.environ[PARENT]),), daemon=True).start()
    node = open_node(Path(os.environ[HOME]))
    configure(node.config.settings.log_level)
    return application(node)


def _outlive_nobody(parent: int) -> None:
    """End this process at once when its parent is another: nothing it holds needs an orderly end."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def _orphan() -> None:
    """Stop this process once nobody holds the other end of its standard input."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORDERLY_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
