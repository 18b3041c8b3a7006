"""TLS before the listener's server, as a process of its own: ``python -m mithaq.serve.front HOST PORT SOCKET``.

It alone holds the TLS key. Its settings come in the environment (``exchange.front``). It ends when the process that
started it does: its standard input is a pipe whose other end that process holds.
"""

import asyncio
import os
import sys

import msgspec

from mithaq.exchange.front import VARIABLE, Front, Pins, Settings
from mithaq.serve import ending
from mithaq.store.engine import open_store


def main(host: str, port: str, inner: str) -> None:
    """Take connections, and hand on what is inside, until orphaned."""
    ending.when_orphaned(lambda: os._exit(0))
    settings = msgspec.json.decode(os.environ[VARIABLE], type=Settings)
    shelf = open_store(settings.shelf_url, "shelf", read_only=True)
    asyncio.run(Front(settings, Pins(shelf), inner).serve(host, int(port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
