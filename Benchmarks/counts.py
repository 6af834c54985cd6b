# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Allocations and system calls of our gateway per request, held against thresholds.json: they depend on the program and not on
the machine, so a change that makes a request dearer is seen wherever it is tried.

    python counts.py [--write]      counts, prints the table, ends with 1 when a threshold is exceeded; --write makes new ones
"""
from __future__ import annotations

import argparse
import json
import re
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from load import Connection
from subjects import Processes, Subject, request, signed_payments, start_chain, start_gateway, start_upstream

HERE = Path(__file__).resolve().parent
THRESHOLDS = HERE / "thresholds.json"
WARM_UP = 60            # past the queue that a deferred payment's settlement looks at, past every buffer that grows once
EACH = {"unpaid": 2_000, "proxied": 1_000, "deferred": 200}
ROUNDS = 3              # the least counts: what the process does once a second falls into some rounds more than into others
CALL = re.compile(r"^(?:\d+ +)?(\w+)\(")
Figures = dict[str, Any]


class Counters:
    """What a gateway under strace, with allocations.c preloaded, has done so far."""

    def __init__(self, directory: Path):
        self.allocations, self.trace = directory / "allocations", directory / "trace"
        self.allocations.write_bytes(bytes(8))
        self.library = directory / "allocations.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(self.library), str(HERE / "allocations.c")], check=True)

    def under(self, command: list[str]) -> list[str]:
        """The command, counted."""
        preload = ["-E", f"LD_PRELOAD={self.library}", "-E", f"ALLOCATION_COUNT={self.allocations}"]
        return ["/usr/bin/strace", "-f", "-qq", "-e", "signal=none", "-o", str(self.trace), *preload, *command]

    def read(self) -> tuple[int, Counter[str]]:
        """Allocations and system calls by name since the start."""
        calls = Counter(found[1] for line in self.trace.read_text(errors="replace").splitlines() if (found := CALL.match(line)))
        return struct.unpack("=Q", self.allocations.read_bytes())[0], calls


def measure_counts(processes: Processes) -> Figures:
    """Per request, one after the other over one connection."""
    counters = Counters(processes.directory)
    chain = start_chain(processes)
    gateway = start_gateway(processes, chain, start_upstream(processes), settle="deferred", under=counters.under)
    figures: Figures = {}
    for name, count in EACH.items():
        requests = make_requests(name, chain, gateway, WARM_UP + ROUNDS * count)
        connection = Connection(gateway.port)
        for message in requests[:WARM_UP]:
            connection.exchange(message)
        rounds = []
        for start in range(WARM_UP, len(requests), count):
            before = counters.read()
            for message in requests[start:start + count]:
                connection.exchange(message)
            after = counters.read()
            rounds.append(((after[0] - before[0]) / count, {n: c / count for n, c in (after[1] - before[1]).items()}))
        calls = min((r[1] for r in rounds), key=lambda by_name: sum(by_name.values()))
        figures[name] = {"allocations": min(r[0] for r in rounds), "system calls": sum(calls.values()),
                         "by name": {n: round(c, 2) for n, c in sorted(calls.items(), key=lambda i: -i[1]) if c >= 0.05}}
        connection.close()
    return figures


def make_requests(name: str, chain: Any, gateway: Subject, count: int) -> list[bytes]:
    """The messages of one kind."""
    if name == "deferred":
        return signed_payments(chain, gateway, count)
    return [request(gateway.port, path={"unpaid": "/exact", "proxied": "/free"}[name])] * count


def excesses(figures: Figures) -> list[str]:
    """Where a count is over its threshold."""
    return [f"{name}: {figures[name][what]:.2f} {what} per request, at most {limit} are allowed ({THRESHOLDS.name})"
            for name, limits in json.loads(THRESHOLDS.read_text()).items() if name in figures for what, limit in limits.items()
            if round(figures[name][what]) > limit]


def print_counts(figures: Figures) -> None:
    """The table."""
    limits = json.loads(THRESHOLDS.read_text())
    print("\nper request, one at a time     allocations   allowed   system calls   allowed   which")
    for name, f in figures.items():
        allowed = limits[name]
        which = ", ".join(f"{n} {c:g}" for n, c in f["by name"].items())
        print(f"  {name:27} {f['allocations']:12.2f} {allowed['allocations']:9} {f['system calls']:14.2f} "
              f"{allowed['system calls']:9}   {which}")


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--write", action="store_true", help="write the counts down as thresholds")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="tollgate-counts-") as directory:
        processes = Processes(Path(directory))
        try:
            figures = measure_counts(processes)
        finally:
            processes.stop()
    if a.write:
        limits = {n: {what: round(f[what]) for what in ("allocations", "system calls")} for n, f in figures.items()}
        THRESHOLDS.write_text(json.dumps(limits, indent=1) + "\n")
    print_counts(figures)
    exceeded = excesses(figures)
    print("\n".join(exceeded), file=sys.stderr)
    sys.exit(1 if exceeded else 0)


if __name__ == "__main__":
    main()
