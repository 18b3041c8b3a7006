"""A wire that is listened to: it carries TCP to a node that comes and goes, and keeps every byte of both ways."""

import socket
import threading
from contextlib import suppress


class Tap:
    """Listens at a port of its own for one node, and carries to where that node listens."""

    def __init__(self):
        self.target = 0  # the node's own port
        self.kept = []  # a bytearray for each connection and way
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near):
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:  # nobody serves there now
            near.close()
            return
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
        back.start()
        self._pump(near, far)
        back.join()
        near.close()
        far.close()

    def _pump(self, source, sink):
        kept = bytearray()
        self.kept.append(kept)
        with suppress(OSError):
            while some := source.recv(1 << 16):
                kept += some  # before anybody has it
                sink.sendall(some)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def seen(self):
        """Return all that crossed so far."""
        return [bytes(kept) for kept in self.kept]

    def close(self):
        self._server.close()
