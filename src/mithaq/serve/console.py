"""The people's listener's own process: ``python -m mithaq.serve.console HOME HOST PORT``.

It ends when the process that started it does: its standard input is a pipe whose other end that process holds. The
server's own worker process, in which the application runs, ends when the process that started it is gone.
"""

import os
import sys
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from mithaq.serve import ending

HOME = "MITHAQ_CONSOLE_HOME"
PARENT = "MITHAQ_CONSOLE_PARENT"  # the process that must live for the worker process to live
THREADS = 8  # pages at once
STOP_SECONDS = 3


def main(home: str, host: str, port: str) -> None:
    """Serve until asked to stop, or orphaned."""
    os.environ[PARENT] = str(os.getpid())
    os.environ[HOME] = home
    ending.when_orphaned(ending.orderly)
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

    ending.with_parent(int(os.environ[PARENT]))
    node = open_node(Path(os.environ[HOME]))
    configure(node.config.settings.log_level)
    return application(node)


if __name__ == "__main__":
    main(*sys.argv[1:])
