"""How the processes of a node end: each when the one that started it is gone, however that went.

Whoever starts a process holds the other end of its standard input. A server's own worker process has none, and looks
whose child it is.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

LOOK_SECONDS = 0.25
ORDERLY_SECONDS = 5.0


def when_orphaned(end: Callable[[], None]) -> None:
    """Call ``end`` once nobody holds the other end of this process's standard input."""
    threading.Thread(target=_orphan, args=(end,), daemon=True).start()


def _orphan(end: Callable[[], None]) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    end()


def with_parent(parent: int) -> None:
    """End this process at once when its parent is another: nothing it holds needs an orderly end."""
    threading.Thread(target=_outlive_nobody, args=(parent,), daemon=True).start()


def _outlive_nobody(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def orderly() -> None:
    """Ask the server of this process to stop, and end it if it does not."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORDERLY_SECONDS)  # asked while it was still starting, the server may not have heard
    os._exit(1)
