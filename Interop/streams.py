# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""What is paid for and streams: server-sent events and WebSockets under `before`, on a chain, to the official SDK. A buyer has the first
event before the second is sent; a connection is paid for when it is opened, also where the upstream speaks TLS."""
from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from x402 import x402Client
from x402.http.clients import x402HttpxClient
from x402.mechanisms.evm.exact import register_exact_evm_client

from checks import Balances, expect
from market import NETWORK, OWN_SIGNER, PRICE, Market, Place, Server
from recorder import send
from sdk import decode, payment_signer

PATIENCE = 60
ROUTES = ("events", "plain", "secure")


def streaming_yaml(place: Place, rpc: str, peers: Peers) -> str:
    """Three routes that are settled before the call."""
    routes = "\n".join(f"  - {{match: GET /{name}/**, upstream: {name}, price: $0.01, settle: before, stream: true}}" for name in ROUTES)
    return f"""listen: 127.0.0.1:{place.port}
public_url: http://127.0.0.1:{place.port}
admin: {{listen: 127.0.0.1:{place.admin}}}
{place.stores}
workers: 1
networks:
  {NETWORK}: {{rpc: [{rpc}], confirmations: 1}}
pay_to: {{eip155: "{place.payee}"}}
facilitator: {{{OWN_SIGNER}}}
upstreams:
  events: http://127.0.0.1:{peers.events}
  plain: http://127.0.0.1:{peers.plain}
  secure: {{url: "https://127.0.0.1:{peers.secure}", ca: "file:{peers.certificate}"}}
routes:
{routes}
"""


class Peers:
    """A source of events, and servers that echo WebSocket messages in the clear and over TLS, on a thread of their own."""

    def __init__(self, directory: Path):
        self.directory, self.certificate = directory, directory / "echo.pem"
        self.opened = 0                 # WebSockets
        self.events = self.plain = self.secure = 0
        self._loop = asyncio.new_event_loop()
        self._seen = asyncio.Event()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.run(self._start())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something on the thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def has_seen(self) -> None:
        """The buyer has the first event: the second may be sent."""
        self._loop.call_soon_threadsafe(self._seen.set)

    async def _start(self) -> None:
        key = self.directory / "echo.key"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
                   str(key), "-out", str(self.certificate), "-subj", "/CN=echo", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(command, check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate, key)
        events = await asyncio.start_server(self._send_events, "127.0.0.1", 0)
        self.events = events.sockets[0].getsockname()[1]
        self._kept = [events, await serve(self._echo, "127.0.0.1", 0), await serve(self._echo, "127.0.0.1", 0, ssl=tls)]
        self.plain, self.secure = (next(iter(s.sockets)).getsockname()[1] for s in self._kept[1:])

    async def _send_events(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
        await self._seen.wait()
        writer.write(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
        writer.close()

    async def _echo(self, connection: ServerConnection) -> None:
        self.opened += 1
        async for message in connection:
            await connection.send(message)


def expect_streams_paid(market: Market) -> Server:
    """Events and WebSockets, each paid once and before anything of it came."""
    place = market.place("streaming gateway")
    peers = Peers(market.directory)
    server = market.gateway_at(place, "streaming gateway", streaming_yaml(place, market.rpc, peers))
    origin, payer = f"http://127.0.0.1:{place.port}", market.kit.accounts["payer"]
    balances = Balances(market, payer.address, server.payee)
    asyncio.run(asyncio.wait_for(read_events(peers, payer, origin + "/events/x"), PATIENCE))
    balances.expect_moved(PRICE, "after paid events")
    for number, name in enumerate(("plain", "secure"), start=1):
        asyncio.run(asyncio.wait_for(talk(market, peers, payer, origin, f"/{name}/socket"), PATIENCE))
        expect(peers.opened == number, f"{peers.opened} connections were opened by {number} payments")
        balances.expect_moved(PRICE * (number + 1), f"after a paid WebSocket ({name})")
    server.reconcile()
    return server


async def read_events(peers: Peers, payer: Any, url: str) -> None:
    """The SDK's client pays, and reads the first event while the second is not sent yet."""
    client = x402Client()
    register_exact_evm_client(client, payer)
    events = []
    async with x402HttpxClient(client, timeout=PATIENCE) as http, http.stream("GET", url) as answer:
        expect(answer.status_code == 200, f"events are answered {answer.status_code}")
        expect((decode(answer.headers.get("payment-response")) or {}).get("success") is True, f"no receipt in {answer.headers}")
        async for line in answer.aiter_lines():
            if line:
                events.append(line)
                peers.has_seen()
    expect(events == ["data: 1", "data: 2"], f"the events are {events}")


async def talk(market: Market, peers: Peers, payer: Any, origin: str, target: str) -> None:
    """Unpaid there is a price and no connection; paid there is one, and its receipt is in the 101."""
    first = await asyncio.to_thread(send, origin, target, [("Host", origin.removeprefix("http://")), ("Accept", "application/json")])
    expect(first.status == 402, f"an unpaid handshake is answered {first.status}")
    expect(first.response.get("payment-required"), "there is no price in its 402")
    credential, opened = payment_signer(payer, first.response["payment-required"])(), peers.opened
    uri = "ws" + origin.removeprefix("http") + target
    async with connect(uri, additional_headers={"PAYMENT-SIGNATURE": credential}) as socket:
        receipt = receipt_of(socket)
        expect(receipt.get("success") is True, f"the receipt in the 101 is {receipt}")
        on_chain = market.kit.rpc("eth_getTransactionReceipt", receipt["transaction"])
        expect(on_chain and on_chain["status"] == "0x1", "a connection was opened before its payment was settled")
        expect(peers.opened == opened + 1, "the upstream has no connection, or several")
        for message in ("text", b"binary", "x" * 500_000):
            await socket.send(message)
            expect(await socket.recv() == message, "another message came back")
    expect(socket.close_code == 1000, f"closed with {socket.close_code}")


def receipt_of(socket: ClientConnection) -> dict[str, Any]:
    """What the 101 says of the payment."""
    assert socket.response
    return decode(socket.response.headers.get("payment-response")) or {}
