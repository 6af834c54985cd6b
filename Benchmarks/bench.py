# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Measure ours and the peers in one run, and print a table.

    python bench.py [--only STEP …] [--seconds 5] [--rounds 3] [--payments 150] [--json FILE]

Steps:

    unpaid     402 without a payment: our gateway with one loop against nginx's `return 402` with the same fields and body; server
               pinned to core 0, wrk with 64 connections to core 1, rounds alternating, medians
    chain      the local chain's own ceiling: raw transferWithAuthorization transactions per second
    paid-sdk   paid requests: the official SDK's FastAPI middleware, facilitator in process
    paid-ours  paid requests: our gateway, settle `after`, a durable ledger, in-process signers
    proxied    a free request passed on: ours, nginx's `proxy_pass` and the upstream itself, in turn; each proxy on core 0,
               upstream and wrk on core 1; what each adds to the upstream's latency, one request at a time
    idle       memory of ten thousand connections that wait, each after one request
    deferred   paid requests: our gateway on core 0, settle `deferred`: verified, claimed durably, served; settled after the run
    verify     POST /verify of our facilitator and of the SDK's: own processor time, the node's left out
    recover    libsecp256k1 alone: processor time of one public key recovered from a signature, on core 0
    claims     claims in a ledger of 10 thousand payments; with --large also of 10 million
    gas        gas per payment alone, and in batches of 10 and 100; over py-evm, with the original Multicall3, and Circle's token too
    counts     allocations and system calls per request, held against thresholds.json; one that exceeds its threshold is an error

The paid steps run over the revm engine; payments are signed before the clock starts.  Processor time is user and system time of
the process, from /proc.
"""
from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from counts import excesses, measure_counts, print_counts
from gas import measure_gas, print_gas
from ledger import measure_claims, print_claims
from load import Run, Throughput, cpu_seconds, pace, run_wrk, send_all, share_out
from proxied import measure_idle, measure_proxied, print_idle, print_proxied
from verify import measure_verify, print_verify
from subjects import (BATCH, Chain, Processes, Subject, capture_402, raw_transfers, signed_payments, start_chain, start_gateway,
                      start_nginx_402, start_sdk_server, start_upstream)

STEPS = ("unpaid", "proxied", "idle", "chain", "paid-sdk", "paid-ours", "deferred", "recover", "verify", "claims", "gas",
         "counts")
CONNECTIONS = 64
CONCURRENCIES = (1, 8, 32)
WARM_UP = 10
OURS_TO_SDK = 10        # our paid runs are longer by this factor, to last about as long
LEDGER_WARM_UP = 150        # payments after which the ledger's log has been begun anew once, as it is again and again later
DEFERRED = BATCH - LEDGER_WARM_UP - 10      # payments of a run that settles none of them
Figures = dict[str, Any]


def within(measure: Callable[[Processes], Figures]) -> Figures:
    """Run a measurement with processes of its own, and stop them."""
    with tempfile.TemporaryDirectory(prefix="tollgate-bench-") as directory:
        processes = Processes(Path(directory))
        try:
            return measure(processes)
        finally:
            processes.stop()


# Steps.

def measure_unpaid(a: argparse.Namespace) -> Figures:
    """Unpaid requests: ours and nginx in turn."""
    def measure(processes: Processes) -> Figures:
        gateway = start_gateway(processes, start_chain(processes), start_upstream(processes), core=0)
        captured = capture_402(gateway)
        nginx = start_nginx_402(processes, captured, core=0)
        runs: dict[str, list[Throughput]] = {"ours": [], "nginx": []}
        for _ in range(a.rounds):
            for name, subject in (("ours", gateway), ("nginx", nginx)):
                url = f"http://127.0.0.1:{subject.port}/exact"
                runs[name].append(run_wrk(url, subject.pid, a.seconds, CONNECTIONS, core=1))
        figures = {name: summarize(mine) for name, mine in runs.items()}
        figures["ours"]["answer_bytes"], figures["nginx"]["answer_bytes"] = len(captured), len(capture_402(nginx))
        return figures
    return within(measure)


def summarize(runs: list[Throughput]) -> Figures:
    """Medians of a subject's rounds."""
    middle = sorted(runs, key=lambda r: r.per_second)[len(runs) // 2]
    return {"per_second": median(r.per_second for r in runs), "cpu_us": median(r.cpu_us for r in runs),
            "p50_us": middle.p50_us, "p99_us": middle.p99_us, "rounds": [dataclasses.asdict(r) for r in runs]}


def measure_chain(a: argparse.Namespace) -> Figures:
    """The chain alone, by the number of senders."""
    def measure(processes: Processes) -> Figures:
        chain, figures = start_chain(processes), {}
        for senders in CONCURRENCIES:
            requests = raw_transfers(chain, senders, max(OURS_TO_SDK * a.payments // senders, 1))
            run = asyncio.run(send_all(chain.port, requests))
            expect_only(run, "200", "the chain")
            figures[str(senders)] = pace(run)
        return figures
    return within(measure)


def measure_paid(payments: int, start: Callable[[Processes, Chain], Subject],
                 concurrencies: tuple[int, ...] = CONCURRENCIES, warm_up: int = WARM_UP) -> Figures:
    """Paid requests to a server, by concurrency."""
    def measure(processes: Processes) -> Figures:
        chain = start_chain(processes)
        subject, figures = start(processes, chain), {}
        for concurrency in concurrencies:
            requests = signed_payments(chain, subject, payments + warm_up)
            asyncio.run(send_all(subject.port, [requests[:warm_up]]))
            chain.kit.rpc("dev_stats", True)
            before = cpu_seconds(subject.pid), cpu_seconds(chain.pid)
            run = asyncio.run(send_all(subject.port, share_out(requests[warm_up:], concurrency)))
            after = cpu_seconds(subject.pid), cpu_seconds(chain.pid)
            expect_only(run, "200", "a paid request")
            server_ms, chain_ms = ((y - x) / run.count * 1e3 for x, y in zip(before, after))
            calls = {m: round(s["calls"] / run.count, 2) for m, s in chain.kit.rpc("dev_stats").items()}
            figures[str(concurrency)] = {**pace(run), "server_cpu_ms": server_ms, "chain_cpu_ms": chain_ms, "payments": run.count,
                                         "rpc_calls": calls}
        return figures
    return within(measure)


def measure_deferred(a: argparse.Namespace) -> Figures:
    """Deferred payments by concurrency, each time to a gateway of its own: the median of some rounds by processor time."""
    def start(processes: Processes, chain: Chain) -> Subject:
        return start_gateway(processes, chain, start_upstream(processes), core=0, settle="deferred")

    figures: Figures = {}
    for concurrency in CONCURRENCIES:
        rounds = [measure_paid(DEFERRED, start, (concurrency,), LEDGER_WARM_UP)[str(concurrency)] for _ in range(a.rounds)]
        figures[str(concurrency)] = sorted(rounds, key=lambda f: f["server_cpu_ms"])[len(rounds) // 2]
    return figures


def measure_recover(a: argparse.Namespace) -> Figures:
    """The median of some rounds of recover.c."""
    def measure(processes: Processes) -> Figures:
        program = str(processes.directory / "recover")
        subprocess.run(["cc", "-O2", "-o", program, str(Path(__file__).with_name("recover.c")), "-lsecp256k1"], check=True)
        rounds = [subprocess.run(["taskset", "-c", "0", program, "1"], capture_output=True, text=True, check=True).stdout
                  for _ in range(a.rounds)]
        return {"cpu_us": median(map(float, rounds))}
    return within(measure)


def expect_only(run: Run, answer: str, what: str) -> None:
    """A rate of failures is no rate."""
    if set(run.answers) != {answer}:
        raise SystemExit(f"{what} was answered {dict(run.answers)}, expected only {answer}")


# The table.

def print_unpaid(figures: Figures) -> None:
    """The unpaid step."""
    print("\nunpaid request, 402            requests/s   own CPU µs   p50 µs   p99 µs   answer bytes")
    for name in ("nginx", "ours"):
        f = figures[name]
        print(f"  {name:27} {f['per_second']:12,.0f} {f['cpu_us']:12.2f} {f['p50_us']:8,.0f} {f['p99_us']:8,.0f} "
              f"{f['answer_bytes']:14,}")
    ours, nginx = figures["ours"], figures["nginx"]
    by_cpu, by_rate = nginx["cpu_us"] / ours["cpu_us"], ours["per_second"] / nginx["per_second"]
    print(f"  ours / nginx: {by_cpu:.2f} x by own CPU, {by_rate:.2f} x by requests/s")


def print_chain(figures: Figures) -> None:
    """The chain's ceiling."""
    print("\nlocal chain alone, raw transferWithAuthorization   transactions/s   p50 ms   p99 ms")
    for senders, f in figures.items():
        print(f"  {senders + ' senders':49} {f['per_second']:14,.0f} {f['p50_ms']:8.1f} {f['p99_ms']:8.1f}")


def print_paid(name: str, figures: Figures) -> None:
    """A paid step."""
    print(f"\npaid request, exact, {name:28} payments/s   p50 ms   p99 ms   server CPU ms   chain CPU ms   RPC calls")
    for concurrency, f in figures.items():
        print(f"  {concurrency + ' at once':47} {f['per_second']:10,.1f} {f['p50_ms']:8.1f} {f['p99_ms']:8.1f} "
              f"{f['server_cpu_ms']:15.2f} {f['chain_cpu_ms']:14.2f} {sum(f['rpc_calls'].values()):11.1f}")


def print_recover(figures: Figures) -> None:
    """What a payment's signature costs at least."""
    print(f"\nlibsecp256k1 recover alone: {figures['cpu_us']:.1f} µs own CPU, {1e6 / figures['cpu_us']:,.0f}/s on a core")


def print_ratios(results: Figures) -> None:
    """What paid requests come to against the peer and against the chain."""
    print()
    if "deferred" in results and "recover" in results:
        best = min(f["server_cpu_ms"] for f in results["deferred"].values()) * 1e3
        print(f"  deferred, best: recover alone is {results['recover']['cpu_us'] / best:.2f} x of its {best:.0f} µs own CPU")
    if "deferred" in results and "paid-sdk" in results:
        rates = [max(f["per_second"] for f in results[step].values()) for step in ("deferred", "paid-sdk")]
        print(f"  deferred, best: ours / SDK {rates[0] / rates[1]:.1f} x")
    if "paid-ours" not in results:
        return
    for concurrency, f in results["paid-ours"].items():
        if "paid-sdk" in results:
            peer = results["paid-sdk"][concurrency]["per_second"]
            print(f"  paid, {concurrency} at once: ours / SDK {f['per_second'] / peer:.1f} x")
    if "chain" in results:
        best = max(f["per_second"] for f in results["paid-ours"].values())
        ceiling = max(f["per_second"] for f in results["chain"].values())
        print(f"  paid, best: {best / ceiling:.2f} x of the chain's own ceiling")


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", choices=STEPS, action="append", help="a step; may be given several times")
    p.add_argument("--seconds", type=int, default=5, help="length of a run of wrk")
    p.add_argument("--rounds", type=int, default=3, help="rounds of the steps that take a median or the best")
    p.add_argument("--payments", type=int, default=150,
                   help=f"payments in a run of the SDK; ours makes {OURS_TO_SDK} times as many")
    p.add_argument("--large", action="store_true", help="claims also in a ledger of ten million payments, loaded first")
    p.add_argument("--json", type=Path, help="also write the figures to this file")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))      # so that children are stopped
    uvloop.install()
    print(f"{platform.platform()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}")
    results: Figures = {}
    steps: dict[str, tuple[Callable[[], Figures], Callable[[Figures], None]]] = {
        "unpaid": (lambda: measure_unpaid(a), print_unpaid),
        "proxied": (lambda: within(lambda processes: measure_proxied(a, processes)), print_proxied),
        "idle": (lambda: within(measure_idle), print_idle),
        "chain": (lambda: measure_chain(a), print_chain),
        "paid-sdk": (lambda: measure_paid(a.payments, start_sdk_server), lambda f: print_paid("SDK", f)),
        "paid-ours": (lambda: measure_paid(a.payments * OURS_TO_SDK, lambda processes, chain: start_gateway(
            processes, chain, start_upstream(processes))), lambda f: print_paid("ours", f)),
        "deferred": (lambda: measure_deferred(a), lambda f: print_paid("deferred", f)),
        "recover": (lambda: measure_recover(a), print_recover),
        "verify": (lambda: within(lambda processes: measure_verify(a, processes)), print_verify),
        "claims": (lambda: within(lambda processes: measure_claims(a, processes)), print_claims),
        "gas": (lambda: within(measure_gas), print_gas),
        "counts": (lambda: within(measure_counts), print_counts),
    }
    for name, (measure, show) in steps.items():
        if not a.only or name in a.only:
            results[name] = measure()
            show(results[name])
    print_ratios(results)
    if a.json:
        a.json.write_text(json.dumps(results, indent=1) + "\n")
    if exceeded := excesses(results.get("counts", {})):
        raise SystemExit("\n".join(exceeded))


if __name__ == "__main__":
    main()
