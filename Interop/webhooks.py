# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""What our gateways tell others, heard by the receiver that Standard Webhooks publishes."""
from __future__ import annotations

import base64
import secrets
import threading
import time
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from local_http import LocalHandler, LocalServer
from processes import Failed

PATIENCE = 30.0     # seconds: a notice that failed once is sent again after five or six


class Receiver(LocalServer):
    """Verifies and keeps what it is told; refuses the first telling of each message."""

    def __init__(self) -> None:
        super().__init__(Handler)
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.lock = threading.Lock()
        self.refused: list[str] = []
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.forged: list[str] = []
        self.serve_in_background()

    def wait_for(self, transactions: set[str]) -> list[dict[str, Any]]:
        """What was heard of payments that settled, when these transactions are among them."""
        end = time.monotonic() + PATIENCE
        while True:
            with self.lock:
                settled = [message["data"] for _, message in self.heard if message["type"] == "payment.settled"]
            if transactions <= {event["transaction"] for event in settled} or time.monotonic() > end:
                return settled
            time.sleep(0.1)

    def expect_each_once(self) -> None:
        """Everything was verified, refused once, and then heard once."""
        with self.lock:
            names = [name for name, _ in self.heard]
            if self.forged:
                raise Failed(f"what could not be verified: {self.forged}")
            if len(names) != len(set(names)) or len(self.refused) != len(set(self.refused)) or not set(names) <= set(self.refused):
                raise Failed(f"refused {self.refused}, heard {names}")


class Handler(LocalHandler):
    """One message."""

    server: Receiver

    def do_POST(self) -> None:
        """See the class above."""
        body, name = self.read_body(), self.headers.get("webhook-id", "")
        with self.server.lock:
            try:
                message = Webhook(self.server.secret).verify(body, dict(self.headers.items()))
            except WebhookVerificationError as e:
                self.server.forged.append(f"{name}: {e}")
                message = None
            if message is None or name not in self.server.refused:
                self.server.refused.append(name)
                status = 500
            else:
                self.server.heard.append((name, message))
                status = 200
        self.answer(status, b"")
