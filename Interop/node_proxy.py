# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A proxy in front of a chain's node that remembers every raw transaction, and tells when one comes and when it is through."""
from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass

import rlp
from eth_account import Account

from local_http import LocalHandler, LocalServer

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


class NodeProxy(LocalServer):
    """Stands in front of one node."""

    def __init__(self, node: str) -> None:
        super().__init__(Handler)
        self.node = node.removeprefix("http://")
        self.raw: dict[str, None] = {}      # in order, each once
        self.before_send: Callable[[], None] = lambda: None
        self.after_send: Callable[[], None] = lambda: None
        self.serve_in_background()

    def sent(self) -> list[Sent]:
        """Every transaction that came, once, in order."""
        return [Sent.of(raw) for raw in list(self.raw)]


class Handler(LocalHandler):
    """Forwards POST over a connection to the node for each connection that it serves."""

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
        """Forward; a transaction is on its way even if whoever sent it is gone by now."""
        body = self.read_body()
        calls = json.loads(body)
        raw = [c["params"][0] for c in (calls if isinstance(calls, list) else [calls]) if c.get("method") == "eth_sendRawTransaction"]
        self.server.raw.update(dict.fromkeys(raw))
        if raw:
            self.server.before_send()
        self.node.request("POST", "/", body, {"Content-Type": "application/json"})
        reply = self.node.getresponse()
        answer = reply.read()
        if raw:
            self.server.after_send()
        self.answer(reply.status, answer)
