# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Load and its measure: wrk for one request over and over, raw keep-alive connections for requests that are each different, and
processor time out of /proc."""
from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass

ANSWER_TIMEOUT = 60


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used, all its threads together: by the clock that clock_getcpuclockid(3) names, to
    the nanosecond, and not to the hundredth of a second that /proc shows."""
    return time.clock_gettime((~pid << 3) | 2)


@dataclass
class Throughput:
    """What a run of wrk found of one server."""

    per_second: float
    cpu_us: float       # own processor time of the server per request
    p50_us: float
    p99_us: float


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
    # From the lines of the distribution alone: a share of 85.99 % in the lines above would do, too.
    p50, p99 = (microseconds(found(rf"(?m)^ +{share}%\s+(\S+)")) for share in (50, 99))
    return Throughput(per_second, used / requests * 1e6, p50, p99)


def microseconds(duration: str) -> float:
    """A duration as wrk writes it: 87.00us, 1.25ms, 2.10s."""
    factor = {"us": 1, "ms": 1e3, "s": 1e6}
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", duration).groups()      # type: ignore[union-attr]
    return float(number) * factor[unit]


class Connection:
    """One kept-alive connection that asks and waits."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._received = b""

    def exchange(self, request: bytes) -> bytes:
        """The raw answer to one request."""
        self._socket.sendall(request)
        while True:
            head, found, body = self._received.partition(b"\r\n\r\n")
            if found and len(body) >= content_length(head):
                end = len(head) + 4 + content_length(head)
                answer, self._received = self._received[:end], self._received[end:]
                return answer
            part = self._socket.recv(65536)
            if not part:
                raise SystemExit(f"the connection closed in an answer: {self._received[:200]!r}")
            self._received += part

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def exchange_once(port: int, request: bytes) -> bytes:
    """The raw answer to one request over a connection of its own."""
    connection = Connection(port)
    try:
        return connection.exchange(request)
    finally:
        connection.close()


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
    """An answer as status and, if it is one of JSON-RPC or of a facilitator, what it says."""
    status = head.split(b" ", 2)[1].decode()
    if b'"isValid"' in body:
        return f"{status} valid" if re.search(rb'"isValid": ?true', body) else f"{status} invalid"
    return f"{status} error" if body.startswith(b'{"jsonrpc"') and b'"error"' in body else status


def share_out(requests: list[bytes], connections: int) -> list[list[bytes]]:
    """Deal requests out to connections."""
    return [requests[i::connections] for i in range(connections)]


def pace(run: Run) -> dict[str, float]:
    """How fast a run went."""
    return {"per_second": run.per_second, "p50_ms": run.percentile(0.5), "p99_ms": run.percentile(0.99)}
