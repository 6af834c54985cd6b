# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A proxy between client and server that changes nothing and remembers every exchange: what was really on the wire."""
from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any

from local_http import LocalHandler, LocalServer
from sdk import decode

HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "upgrade")
TIMEOUT = 60


@dataclass
class Exchange:
    """One request and its answer."""

    target: str
    request: list[tuple[str, str]]
    status: int
    response: Message
    body: bytes

    def credential(self) -> tuple[str, str] | None:
        """(field, value) of the payment that the request carried."""
        return next(((n, v) for n, v in self.request if n.lower() in ("payment-signature", "x-payment")), None)

    def receipt(self) -> dict[str, Any] | None:
        """The decoded settlement that the answer carried."""
        return decode(self.response.get("payment-response") or self.response.get("x-payment-response"))

    def required(self) -> dict[str, Any] | None:
        """What a 402 asked for in version 2."""
        return decode(self.response.get("payment-required"))

    def json(self) -> Any:
        """The body as JSON, None if it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def send(origin: str, target: str, fields: list[tuple[str, str]], method: str = "GET", body: bytes = b"") -> Exchange:
    """Send exactly these fields (Host among them) to an origin, bypassing nothing."""
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=TIMEOUT)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in fields:
            connection.putheader(name, value)
        connection.putheader("Connection", "close")
        if method == "POST":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Exchange(target, fields, answer.status, answer.msg, answer.read())
    finally:
        connection.close()


class Recorder(LocalServer):
    """Listens at a port of its own until it is told whom to stand in front of."""

    def __init__(self) -> None:
        super().__init__(Handler)
        self.origin = ""
        self.exchanges: list[Exchange] = []
        self.serve_in_background()

    def get(self, target: str, fields: list[tuple[str, str]]) -> Exchange:
        """Send a request of the matrix itself, as a client of this address would, unrecorded."""
        others = [(n, v) for n, v in fields if n.lower() != "host"]
        return send(self.origin, target, [("Host", self.host), *others])


class Handler(LocalHandler):
    """Forwards GET and POST."""

    server: Recorder

    def do_GET(self) -> None:
        """Forward, remember, answer."""
        body = self.read_body()
        fields = [(n, v) for n, v in self.headers.items() if n.lower() not in HOP_BY_HOP]
        try:
            exchange = send(self.server.origin, self.path, fields, self.command, body)
        except OSError as e:
            self.send_error(502, f"the server behind the recorder did not answer: {e}")
            return
        self.server.exchanges.append(exchange)
        self.send_response_only(exchange.status)
        for name, value in exchange.response.items():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(exchange.body)))
        self.end_headers()
        self.wfile.write(exchange.body)

    do_POST = do_GET
