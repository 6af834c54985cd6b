# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A proxy in front of a chain's node that remembers every raw transaction, and tells when one comes and when it is through."""
from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import rlp
from eth_account import Account

TIMEOUT = 60


@dataclass(frozen=True)
class Sent:
    """A transaction that somebody gave to the node."""

    raw: str
    sender: str
    nonce: int
    data: bytes

    @classmethod
    def of(cls, raw: str) -> Sent:
        """Out of an EIP-1559 transaction in hexadecimal digits."""
        fields = rlp.decode(bytes.fromhex(raw[4:]))     # after 0x and the type
        return cls(raw, Account.recover_transaction(raw), int.from_bytes(fields[1], "big"), fields[7])


class NodeProxy(ThreadingHTTPServer):
    """Stands in front of one node."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, node: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.node = node.removeprefix("http://")
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.raw: dict[str, None] = {}      # in order, each once
        self.before_send: Callable[[], None] = lambda: None
        self.after_send: Callable[[], None] = lambda: None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def sent(self) -> list[Sent]:
        """Every transaction that came, once, in order."""
        return [Sent.of(raw) for raw in list(self.raw)]


class Handler(BaseHTTPRequestHandler):
    """Forwards POST over a connection to the node for each connection that it serves."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: NodeProxy

    def setup(self) -> None:
        """A connection to the node."""
        super().setup()
        self.node = http.client.HTTPConnection(self.server.node, timeout=TIMEOUT)

    def finish(self) -> None:
        """And its end."""
        self.node.close()
        super().finish()

    def do_POST(self) -> None:
        """Forward; the caller may be gone when the reply is here."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        calls = json.loads(body)
        raw = [c["params"][0] for c in (calls if isinstance(calls, list) else [calls]) if c.get("method") == "eth_sendRawTransaction"]
        self.server.raw.update(dict.fromkeys(raw))
        if raw:
            self.server.before_send()
        try:
            self.node.request("POST", "/", body, {"Content-Type": "application/json"})
            reply = self.node.getresponse()
            answer = reply.read()
            if raw:
                self.server.after_send()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    def handle(self) -> None:
        """A caller that is killed resets its connections."""
        try:
            super().handle()
        except OSError:
            pass

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
