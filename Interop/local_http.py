# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""What the small HTTP servers of this directory have in common: keep-alive, quiet, and not surprised by a peer that is killed."""
from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalServer(ThreadingHTTPServer):
    """Listens at a port of loopback; a thread for each connection."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0):
        super().__init__(("127.0.0.1", port), handler)
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}"

    def serve_in_background(self) -> None:
        """Until the process ends."""
        threading.Thread(target=self.serve_forever, daemon=True).start()


class LocalHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """A peer that is killed resets its connections."""
        try:
            super().handle()
        except OSError:
            pass

    def read_body(self) -> bytes:
        """The whole body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: bytes) -> None:
        """A whole answer, in JSON."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
