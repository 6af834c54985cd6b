# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Load and its measure: wrk for one request over and over, raw keep-alive connections for requests that are each different, and
processor time out of /proc."""
from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ANSWER_TIMEOUT = 60


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Throughput:
    """What a run of wrk found of one server."""

    per_second: float
    cpu_us: float       # own processor time of the server per request
    p50: str
    p99: str


def run_wrk(url: str, pid: int, seconds: int, connections: int, core: int) -> Throughput:
    """Ask for one address for some seconds from a core of its own."""
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]
    before = cpu_seconds(pid)
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(pid) - before

    def found(pattern: str) -> str:
        match = re.search(pattern, output)
        if match is None:
            raise SystemExit(f"wrk said something unexpected:\n{output}")
        return match[1]

    if "Socket errors" in output:
        raise SystemExit(f"wrk met errors at {url}:\n{output}")
    requests = int(found(r"(\d+) requests in"))
    per_second = float(found(r"Requests/sec:\s+([\d.]+)"))
    return Throughput(per_second, used / requests * 1e6, found(r"50%\s+(\S+)"), found(r"99%\s+(\S+)"))


def exchange_once(port: int, request: bytes) -> bytes:
    """The raw answer to one request."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(request)
        received = b""
        while True:
            head, found, body = received.partition(b"\r\n\r\n")
            if found and len(body) >= content_length(head):
                return received
            part = s.recv(65536)
            if not part:
                raise SystemExit(f"the connection closed in an answer: {received[:200]!r}")
            received += part


def content_length(head: bytes) -> int:
    """The length that a head announces."""
    match = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return int(match[1]) if match else 0


@dataclass
class Run:
    """What a run of different requests found."""

    count: int
    seconds: float
    latencies: list[float]
    answers: Counter[str]

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.count / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which a share of the answers came."""
        return sorted(self.latencies)[min(int(self.count * share), self.count - 1)] * 1e3


async def send_all(port: int, requests: list[list[bytes]]) -> Run:
    """Send each list of requests over a connection of its own, one after the other, all connections at once."""
    latencies: list[float] = []
    answers: Counter[str] = Counter()

    async def connection(mine: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in mine:
            started = time.perf_counter()
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ANSWER_TIMEOUT)
            body = await reader.readexactly(content_length(head))
            latencies.append(time.perf_counter() - started)
            answers[classify(head, body)] += 1
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(connection(mine) for mine in requests))
    return Run(sum(map(len, requests)), time.perf_counter() - started, latencies, answers)


def classify(head: bytes, body: bytes) -> str:
    """An answer as status and, if it is one of JSON-RPC, whether it is an error."""
    status = head.split(b" ", 2)[1].decode()
    return f"{status} error" if body.startswith(b'{"jsonrpc"') and b'"error"' in body else status


def share_out(requests: list[bytes], connections: int) -> list[list[bytes]]:
    """Deal requests out to connections."""
    return [requests[i::connections] for i in range(connections)]
