"""Places on this machine that telemetry is sent to, which keep what they are sent."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module


@dataclass
class Sink:
    """A place that takes everything, with the bodies that came to each path."""

    port: int
    received: list[tuple[str, bytes]] = field(default_factory=list)

    def bodies(self, path: str) -> list[bytes]:
        """What was sent to a path, unpacked."""
        return [body for to, body in self.received if to == path]


def unpacked(body: bytes, encoding: str | None) -> bytes:
    """A body without its compression."""
    if encoding == "br":
        # Sentry's library takes it where it is there, such as with what make load installs.
        return bytes(import_module("brotli").decompress(body))
    return gzip.decompress(body) if encoding == "gzip" else body


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink that listens for as long as the block."""
    kept: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.append((self.path, unpacked(body, self.headers.get("Content-Encoding"))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Sink(server.server_port, kept)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
