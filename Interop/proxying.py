# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The gateway as a reverse proxy, between real peers: events, huge bodies in little memory, WebSockets, TLS and HTTP/2
upstreams by nginx, several addresses of which some fail. Free routes: who pays what is the matrix's and the Swift suites' business;
but for a huge answer that waits for its payment, which is taken in test mode.

    python proxying.py [--only GROUP …] [--size 300MiB]
"""
from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from eth_account import Account
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from processes import Failed, Processes, free_port
from sdk import payment_signer

ROOT = Path(__file__).resolve().parent.parent
TOLLGATE = os.environ.get("TOLLGATE", str(ROOT / ".build" / "release" / "tollgate"))
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin") or "nginx"
RESIDENT_MAX = 64 << 20
PIECE = b"0123456789abcdef" * 4096
PATIENCE = 20
HELD_MAX = 1 << 30
PAYEE = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Bench:
    """A directory, its children, and a gateway with free routes."""

    def __init__(self, directory: Path, size: int):
        self.directory, self.size = directory, size
        self.processes = Processes(directory)
        self.gateway: subprocess.Popen[bytes] | None = None
        self.port = 0

    def start(self, upstreams: str, limits: str = "", paid: str = "") -> None:
        """A gateway in front of these upstreams; the route of `/NAME/…` leads to the upstream of that name, and costs nothing unless
        `paid` says what."""
        self.port, admin = free_port(), free_port()
        lines = [line for line in upstreams.splitlines() if line.startswith("  ") and line[2] != " "]
        names = [line.split(":")[0].strip() for line in lines]
        config = self.directory / f"tollgate-{self.port}.yaml"
        routes = "\n".join(f"  - {{match: /{name}/**, upstream: {name}, {paid or 'free: true'}}}" for name in names)
        config.write_text(f"listen: 127.0.0.1:{self.port}\nadmin: {{listen: 127.0.0.1:{admin}}}\nworkers: 1\n"
                          f"store: sqlite:{self.directory}/{self.port}.db\n{limits}\nupstreams:\n{upstreams}\nroutes:\n{routes}\n")
        command = [TOLLGATE, "mock" if paid else "serve", "--config", str(config)]
        self.gateway = self.processes.start(f"gateway-{self.port}", command, f"http://127.0.0.1:{admin}/health")

    def resident_max(self) -> int:
        """The most memory that the gateway has had, in bytes."""
        assert self.gateway
        status = Path(f"/proc/{self.gateway.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) << 10

    def held_on_disk(self, directory: Path) -> int:
        """The bytes of the files without a name that the gateway has open in a directory."""
        assert self.gateway
        descriptors = Path(f"/proc/{self.gateway.pid}/fd")
        with suppress(FileNotFoundError):       # one was closed meanwhile
            return sum(d.stat().st_size for d in descriptors.iterdir() if str(d.readlink()).startswith(f"{directory}/"))
        return 0

    async def ask(self, head: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection on which this was sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        writer.write(head.replace("\n", "\r\n").encode())
        return reader, writer

    async def get(self, path: str, extra: str = "") -> tuple[str, dict[str, str], bytes]:
        """Status line, fields and whole body."""
        reader, writer = await self.ask(f"GET {path} HTTP/1.1\nHost: api.example\nConnection: close\n{extra}\n")
        status, fields = await read_head(reader)
        if "content-length" in fields:
            body = await reader.readexactly(int(fields["content-length"]))
        else:
            body = await reader.read(-1)
        writer.close()
        return status, fields, body


@asynccontextmanager
async def upstream(handler: Handler) -> AsyncIterator[int]:
    """A server of the test's own; its port. At the end its connections are gone, too."""
    open_ones: set[asyncio.StreamWriter] = set()

    async def quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        try:
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            open_ones.discard(writer)
            writer.close()

    server = await asyncio.start_server(quiet, "127.0.0.1", 0, limit=1 << 20)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_ones:
            writer.transport.abort()


async def read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """Start line and fields, names in lower case."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    return lines[0], {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:-2])}


def check(holds: bool, what: object) -> None:
    """Fail unless it holds."""
    if not holds:
        raise Failed(str(what))


# What is tried


async def events(bench: Bench) -> None:
    """The first event is with the client before the second is sent; a client that goes away takes the upstream's call with it."""
    seen, left = asyncio.Event(), asyncio.Event()

    async def source(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"9\r\ndata: 1\n\n\r\n")
        await seen.wait()
        writer.write(b"9\r\ndata: 2\n\n\r\n")
        await reader.read(1)
        left.set()

    async with upstream(source) as port:
        bench.start(f"  api: http://127.0.0.1:{port}")
        reader, writer = await bench.ask("GET /api/events HTTP/1.1\nHost: a\n\n")
        _, fields = await read_head(reader)
        check(fields["content-type"] == "text/event-stream", fields)
        check(await reader.readuntil(b"data: 1\n\n\r\n") != b"", "no first event")
        seen.set()
        check(await reader.readuntil(b"data: 2\n\n\r\n") != b"", "no second event")
        writer.close()
        await left.wait()


async def bodies(bench: Bench) -> None:
    """Up and down in memory that does not grow with them, also when one side is slow to read."""
    size = bench.size

    async def store(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            line, fields = await read_head(reader)
            if line.startswith("GET"):
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
                for sent in range(0, size, len(PIECE)):
                    writer.write(PIECE[:size - sent])
                    await writer.drain()
                continue
            if line.startswith("PUT /api/slow"):
                await asyncio.sleep(1)
            got = 0
            while got < int(fields["content-length"]):
                piece = await reader.read(1 << 20)
                check(piece != b"", "the upload was cut short")
                got += len(piece)
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(str(got))}\r\n\r\n{got}".encode())

    async with upstream(store) as port:
        bench.start(f"  api: {{url: http://127.0.0.1:{port}}}", limits="limits: {body_bytes: 64GiB}")
        for path in ("/api/fast", "/api/slow"):
            reader, writer = await bench.ask(f"PUT {path} HTTP/1.1\nHost: a\nContent-Length: {size}\n\n")
            for sent in range(0, size, len(PIECE)):
                writer.write(PIECE[:size - sent])
                await writer.drain()
            _, fields = await read_head(reader)
            check(int(await reader.readexactly(int(fields["content-length"]))) == size, "the upload was cut short")
            writer.close()
        reader, writer = await bench.ask("GET /api/down HTTP/1.1\nHost: a\n\n")
        await read_head(reader)
        await asyncio.sleep(1)      # Whoever does not read yet fills the sockets, and nothing else.
        got = 0
        while got < size:
            piece = await reader.read(1 << 20)
            check(piece == (PIECE * (len(piece) // len(PIECE) + 2))[got % len(PIECE):][:len(piece)] and piece != b"", "other bytes")
            got += len(piece)
        writer.close()
    check(bench.resident_max() < RESIDENT_MAX, f"{bench.resident_max() >> 20} MiB resident")
    print(f"    {size >> 20} MiB each way, {bench.resident_max() >> 20} MiB resident at most")


async def held(bench: Bench) -> None:
    """An answer that waits for its payment waits on disk: as large as it is, whole, in memory that does not grow with it."""
    size, store = min(bench.size, HELD_MAX), bench.directory / "held"
    store.mkdir()
    most = 0        # of what the gateway had on disk, as far as was seen

    async def source(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal most
        await read_head(reader)
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for sent in range(0, size, len(PIECE)):
            writer.write(PIECE[:size - sent])
            await writer.drain()
            if sent % (64 * len(PIECE)) == 0:
                most = max(most, bench.held_on_disk(store))

    async with upstream(source) as port:
        limits = (f"limits: {{held_disk_bytes: {HELD_MAX >> 20}MiB, held_directory: {store}}}\n"
                  f'networks: {{"eip155:84532": {{rpc: ["http://127.0.0.1:9"]}}}}\npay_to: {{eip155: "{PAYEE}"}}\n'
                  "facilitator: {remote: http://127.0.0.1:9}")
        bench.start(f"  api: http://127.0.0.1:{port}", limits=limits, paid="price: $0.01, settle: after")
        status, fields, _ = await bench.get("/api/large", "Accept: application/json\n")
        check(" 402 " in f"{status} ", status)
        payment = payment_signer(Account.create(), fields["payment-required"])()
        reader, writer = await bench.ask(f"GET /api/large HTTP/1.1\nHost: api.example\nPAYMENT-SIGNATURE: {payment}\n\n")
        status, fields = await read_head(reader)
        check(" 200 " in f"{status} " and "payment-response" in fields, (status, fields))
        check(int(fields["content-length"]) == size, fields)
        got = 0
        while got < size:
            piece = await reader.read(1 << 20)
            check(piece == (PIECE * (len(piece) // len(PIECE) + 2))[got % len(PIECE):][:len(piece)] and piece != b"", "other bytes")
            got += len(piece)
        writer.close()
    check(most > size // 2, f"{most >> 20} MiB were on disk at most")
    check(not any(store.iterdir()), "a file has a name")
    check(bench.resident_max() < RESIDENT_MAX, f"{bench.resident_max() >> 20} MiB resident")
    print(f"    {size >> 20} MiB held, {bench.resident_max() >> 20} MiB resident at most")


async def websockets(bench: Bench) -> None:
    """Text, binary, large and many messages, pings, closing from either side; an upstream that refuses is heard."""
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            if message == "close":
                await connection.close(4001, "as asked")
                return
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0, max_size=None, subprotocols=["echo.v1"]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        bench.start(f"  api: {{url: http://127.0.0.1:{port}, idle_timeout: 2s}}")
        uri = f"ws://127.0.0.1:{bench.port}/api/socket"
        async with connect(uri, max_size=None, subprotocols=["echo.v1"]) as client:
            check(client.subprotocol == "echo.v1", "the subprotocol was lost")
            for message in ("text", b"binary", b"x" * (8 << 20), *(str(n) for n in range(200))):
                await client.send(message)
                check(await client.recv() == message, "another message came back")
            await (await client.ping())
        check(client.close_code == 1000, client.close_code)
        async with connect(uri, subprotocols=["echo.v1"]) as client:
            await client.send("close")
            await client.wait_closed()
            check((client.close_code, client.close_reason) == (4001, "as asked"), client.close_code)
        async with connect(uri, ping_interval=None, subprotocols=["echo.v1"]) as client:
            started = time.monotonic()
            await client.wait_closed()
            check(1.5 < time.monotonic() - started < 15, "an idle tunnel stays")
        status, _, _ = await bench.get("/api/plain")
        check(" 426 " in f"{status} ", status)
    await secure_websockets(bench, echo)


async def secure_websockets(bench: Bench, echo: Callable[[ServerConnection], Awaitable[None]]) -> None:
    """The same over TLS to the upstream, which has to prove its name."""
    (pem, key), (other, _) = certificate(bench.directory, "echo"), certificate(bench.directory, "stranger")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    async with serve(echo, "127.0.0.1", 0, max_size=None, ssl=context) as server:
        url = f"https://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        bench.processes.stop()
        bench.start(f"  api: {{url: {url}, ca: \"file:{pem}\"}}\n  wrong: {{url: {url}, ca: \"file:{other}\"}}\n  system: {url}")
        async with connect(f"ws://127.0.0.1:{bench.port}/api/socket", max_size=None) as client:
            for message in ("text", b"x" * (8 << 20), *(str(n) for n in range(200))):
                await client.send(message)
                check(await client.recv() == message, "another message came back over TLS")
            await (await client.ping())
        check(client.close_code == 1000, client.close_code)
        for name in ("wrong", "system"):
            try:
                async with connect(f"ws://127.0.0.1:{bench.port}/{name}/socket"):
                    raise Failed(f"a certificate that nobody vouches for is believed ({name})")
            except InvalidStatus as refused:
                check(refused.response.status_code == 502, refused.response)


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    key, pem = directory / f"{name}.key", directory / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
                    str(key), "-out", str(pem), "-subj", "/CN=upstream", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    return pem, key


async def tls(bench: Bench) -> None:
    """nginx with TLS and HTTP/2 behind: verified by its own authority, spoken to in the version that is allowed, refused otherwise."""
    pem, key = certificate(bench.directory, "upstream")
    other, _ = certificate(bench.directory, "other")
    port, plain = free_port(), free_port()
    conf = bench.directory / "nginx.conf"
    conf.write_text(f"""daemon off; pid {bench.directory}/nginx.pid; error_log {bench.directory}/nginx.log;
events {{}}
http {{
  access_log off; client_body_temp_path {bench.directory}; client_max_body_size 0; default_type text/plain;
  proxy_temp_path {bench.directory}; fastcgi_temp_path {bench.directory}; uwsgi_temp_path {bench.directory}; scgi_temp_path {bench.directory};
  server {{ listen 127.0.0.1:{plain}; location / {{ return 200 ok; }} }}
  server {{
    listen 127.0.0.1:{port} ssl http2; ssl_certificate {pem}; ssl_certificate_key {key};
    location / {{ return 200 "$server_protocol $request_method $request_uri $http_x_forwarded_for"; }}
  }}
}}
""")
    bench.processes.start("nginx", [NGINX, "-e", f"{bench.directory}/nginx.log", "-c", str(conf)], f"http://127.0.0.1:{plain}/")
    url = f"https://127.0.0.1:{port}"
    bench.start(f"  two: {{url: {url}, ca: \"file:{pem}\"}}\n  one: {{url: {url}, ca: \"file:{pem}\", http2: false}}\n"
                f"  wrong: {{url: {url}, ca: \"file:{other}\"}}\n  system: {url}")
    for name, version in (("two", "HTTP/2.0"), ("one", "HTTP/1.1")):
        for _ in range(3):
            status, _, body = await bench.get(f"/{name}/a%2Fb?c=%20d")
            check(body.decode() == f"{version} GET /{name}/a%2Fb?c=%20d 127.0.0.1", (status, body))
    for name in ("wrong", "system"):
        status, _, body = await bench.get(f"/{name}/")
        check(" 502 " in status and b"127.0.0.1" not in body, (status, body))


async def addresses(bench: Bench) -> None:
    """Weights are kept; an address that fails is left alone, and taken up again; when all are out it is said at once."""
    counts = {"a": 0, "b": 0}

    def named(name: str) -> Handler:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await read_head(reader)
                counts[name] += 1
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{name}".encode())
        return handler

    async with upstream(named("a")) as first:
        async with upstream(named("b")) as second:
            bench.start(f"  api: {{urls: [{{url: http://127.0.0.1:{first}, weight: 3}}, {{url: http://127.0.0.1:{second}}}], "
                        f"health: {{path: /health, interval: 1s}}, connect_timeout: 1s}}\n  gone: http://127.0.0.1:{free_port()}")
            for key in counts:
                counts[key] = 0
            for _ in range(40):
                await bench.get("/api/x")
            check(28 <= counts["a"] <= 34 and counts["b"] >= 8, counts)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            status, _, body = await bench.get("/api/x")
            check(" 200 " in f"{status} " or " 502 " in status, status)
            before = counts["a"]
            answers = [(await bench.get("/api/x"))[2] for _ in range(8)]
            if answers == [b"a"] * 8 and counts["a"] >= before + 8:
                break
        else:
            raise Failed("an address that is gone is still asked")
    for _ in range(8):
        status, fields, _ = await bench.get("/gone/x")
    check(" 503 " in status and int(fields["retry-after"]) >= 1, (status, fields))


CHECKS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "events": events, "bodies": bodies, "held": held, "websockets": websockets, "tls": tls, "addresses": addresses,
}


def size_of(text: str) -> int:
    """Bytes of `300MiB`, `10GiB`."""
    units = {"KiB": 10, "MiB": 20, "GiB": 30}
    return int(text[:-3]) << units[text[-3:]]


def main() -> int:
    """Run the groups; 1 when one does not hold."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", choices=CHECKS, action="append", help="a group; may be given several times")
    p.add_argument("--size", default="300MiB", help="of a huge body")
    a = p.parse_args()
    logging.getLogger("websockets.server").disabled = True    # It tells of every connection that is broken off on purpose.
    failed = 0
    for name, run in CHECKS.items():
        if a.only and name not in a.only:
            continue
        with tempfile.TemporaryDirectory(prefix="tollgate-proxying-") as directory:
            bench = Bench(Path(directory), size_of(a.size))
            started = time.monotonic()
            try:
                asyncio.run(asyncio.wait_for(run(bench), PATIENCE * 3 + (bench.size >> 23)))
                print(f"  ok    {name} ({time.monotonic() - started:.1f} s)", flush=True)
            except Exception as error:      # noqa: BLE001 — whatever it is, the others are tried
                failed += 1
                log = bench.processes.tail(f"gateway-{bench.port}")
                print(f"  FAIL  {name}: {type(error).__name__}: {error}\n{log}", flush=True)
                if not isinstance(error, Failed):
                    traceback.print_exc()
            finally:
                bench.processes.stop()
    print(f"proxying: {len(a.only or CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
