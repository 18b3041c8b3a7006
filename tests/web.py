"""A web server of ours on loopback that answers as a test says."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Web:
    """A server whose pages are functions from the request's handler to (status, headers, body)."""

    pages: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)  # (path, headers)
    url: str = ""

    def page(self, path, body=b"", status=200, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = lambda _: (status, named, body)

    def answer(self, handler):
        path = handler.path
        self.asked.append((path, {k.lower(): v for k, v in handler.headers.items()}))
        page = self.pages.get(path, self.pages.get(path.partition("?")[0], self.pages.get("*")))
        status, headers, body = page(handler) if page else (404, {}, b"")
        if body is None:
            return
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def serving(secure=None):
    """Run a server on loopback for a while."""
    made = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            try:
                made.answer(self)
            except OSError:
                self.close_connection = True

        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            """Say nothing of a client that went away."""

    server = Server(("127.0.0.1", 0), Handler)
    if secure is not None:  # a TLS context
        server.socket = secure.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
