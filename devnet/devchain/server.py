# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 in front of the dispatcher: POST for JSON-RPC, GET for readiness."""
from __future__ import annotations

import asyncio
import json
from typing import Any

import httptools

from .dispatch import Dispatcher
from .faults import Fault

GARBAGE = b"<html>upstream error</html>"


class HttpConnection(asyncio.Protocol):
    """One connection with keep-alive; a client sends its next request after the answer to the one before."""

    def __init__(self, dispatcher: Dispatcher):
        self.dispatcher = dispatcher
        self.body = b""
        self.working: asyncio.Task | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.working:
            self.working.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        if self.parser.get_method() != b"POST":
            self._send_json(self._readiness())
            return
        try:
            request = json.loads(self.body)
        except ValueError:
            self._send_json({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "parse error"}})
            return
        requests = request if isinstance(request, list) and request else [request]
        faults = [self.dispatcher.take_fault(r) for r in requests]
        if any(faults):
            self.working = asyncio.get_running_loop().create_task(self._fail(request, requests, faults))
        else:
            self._reply(request, [self.dispatcher.answer(r) for r in requests])

    def _readiness(self) -> dict[str, Any]:
        node = self.dispatcher.node
        return {"ready": True, "chainId": node.chain_id, "engine": node.engine.name, "block": node.blocks[-1].number}

    def _reply(self, request: Any, answers: list) -> None:
        """One reply for a batch, as for a single call."""
        self._send_json(answers if isinstance(request, list) and request else answers[0])

    async def _fail(self, request: Any, requests: list, faults: list[Fault | None]) -> None:
        """Answer a request of which at least one call runs into a fault; of those that hit the whole reply the first counts."""
        whole = next((f for f in faults if f and f.hits_reply()), None)
        if whole is None or whole.action == "lost_reply":
            answers = [await self._answer(r, f) for r, f in zip(requests, faults)]
            if whole is None:
                self._reply(request, answers)
            else:
                self.transport.abort()
        elif whole.action == "http":
            self._send(whole.code or 503, b"")
        elif whole.action == "garbage":
            self._send(200, GARBAGE)
        elif whole.action == "close":
            self.transport.abort()
        else:       # hang: the task ends when the peer closes
            await asyncio.get_running_loop().create_future()
        self.working = None

    async def _answer(self, request: Any, fault: Fault | None) -> dict[str, Any]:
        if fault and fault.action == "delay":
            await asyncio.sleep(fault.seconds)
        return self.dispatcher.answer(request, fault)

    def _send_json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode())

    def _send(self, status: int, body: bytes) -> None:
        keep = self.parser.should_keep_alive()
        close = b"" if keep else b"connection: close\r\n"
        self.transport.write(b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s\r\n%s"
                             % (status, len(body), close, body))
        if not keep:
            self.transport.close()
