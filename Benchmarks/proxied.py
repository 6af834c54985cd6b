# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A free request passed on to an upstream, by ours and by nginx: processor time, rate, what a proxy adds to the upstream's
latency. And what an idle connection takes of memory."""
from __future__ import annotations

import argparse
import asyncio
import resource
from pathlib import Path
from statistics import median
from typing import Any

from load import Throughput, content_length, exchange_once, run_wrk
from subjects import (Processes, Subject, capture_402, request, start_chain, start_gateway, start_nginx_402,
                      start_nginx_proxy, start_upstream)

CONNECTIONS = 64
QUIET = 1               # connections that ask in turn, for latency without a queue
IDLE = 10_000
OPENING = 200           # connections opened at a time
SERVER_CORE, OTHER_CORE = 0, 1
Figures = dict[str, Any]


def measure_proxied(a: argparse.Namespace, processes: Processes) -> Figures:
    """The same request to the upstream itself, to ours and to nginx in turn; the upstream shares its core with wrk."""
    upstream = start_upstream(processes, core=OTHER_CORE)
    ours = start_gateway(processes, start_chain(processes), upstream, core=SERVER_CORE)
    answer = exchange_once(ours.port, request(ours.port, path="/free"))
    nginx = start_nginx_proxy(processes, upstream, answer, core=SERVER_CORE)
    subjects = {"ours": ours, "nginx": nginx, "upstream": upstream}
    loaded: dict[str, list[Throughput]] = {name: [] for name in ("ours", "nginx")}
    quiet: dict[str, list[Throughput]] = {name: [] for name in subjects}
    for _ in range(a.rounds):
        for name, subject in subjects.items():
            url = f"http://127.0.0.1:{subject.port}/free"
            if name in loaded:
                loaded[name].append(run_wrk(url, subject.pid, a.seconds, CONNECTIONS, OTHER_CORE))
            quiet[name].append(run_wrk(url, subject.pid, a.seconds, QUIET, OTHER_CORE))
    figures: Figures = {name: {"p50_us": median(r.p50_us for r in runs), "p99_us": median(r.p99_us for r in runs)}
                        for name, runs in quiet.items()}
    for name, runs in loaded.items():
        answer = exchange_once(subjects[name].port, request(subjects[name].port, path="/free"))
        figures[name] |= {"per_second": median(r.per_second for r in runs), "cpu_us": median(r.cpu_us for r in runs),
                          "answer_bytes": len(answer)}
    return figures


def print_proxied(figures: Figures) -> None:
    """The table."""
    print("\nfree request, proxied          requests/s   own CPU µs   answer bytes   "
          "alone: p50 µs   p99 µs   added p50   added p99")
    bare = figures["upstream"]
    print(f"  {'upstream itself':67} {bare['p50_us']:7.0f} {bare['p99_us']:8.0f}")
    for name in ("nginx", "ours"):
        f = figures[name]
        print(f"  {name:27} {f['per_second']:12,.0f} {f['cpu_us']:12.2f} {f['answer_bytes']:14,} {f['p50_us']:15.0f} "
              f"{f['p99_us']:8.0f} {f['p50_us'] - bare['p50_us']:11.0f} {f['p99_us'] - bare['p99_us']:11.0f}")
    ours, nginx = figures["ours"], figures["nginx"]
    by_cpu, by_rate = nginx["cpu_us"] / ours["cpu_us"], ours["per_second"] / nginx["per_second"]
    print(f"  ours / nginx: {by_cpu:.2f} x by own CPU, {by_rate:.2f} x by requests/s")


def measure_idle(processes: Processes) -> Figures:
    """Resident memory before and while ten thousand connections wait, each after one request."""
    needed = 2 * IDLE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < needed:
        raise SystemExit(f"{needed} open files are needed for the idle step, {hard} are allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    gateway = start_gateway(processes, start_chain(processes), start_upstream(processes), connections=needed)
    nginx = start_nginx_402(processes, capture_402(gateway), connections=needed)
    return {name: asyncio.run(idle_memory(subject)) for name, subject in (("ours", gateway), ("nginx", nginx))}


async def idle_memory(subject: Subject) -> Figures:
    """What the connections of one server take."""
    message = request(subject.port)

    async def connect() -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_connection("127.0.0.1", subject.port)
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(content_length(head))
        return writer

    writers = [await connect() for _ in range(OPENING)]     # what is made once, is made
    before = resident_bytes(subject.pid)
    while len(writers) < OPENING + IDLE:
        writers += await asyncio.gather(*(connect() for _ in range(OPENING)))
    after = resident_bytes(subject.pid)
    for writer in writers:
        writer.close()
    return {"connections": IDLE, "bytes_each": (after - before) / IDLE}


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in use."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def print_idle(figures: Figures) -> None:
    """The table."""
    print("\nidle connection, after one request     resident bytes each")
    for name in ("nginx", "ours"):
        print(f"  {name:34} {figures[name]['bytes_each']:21,.0f}")
