# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""POST /verify of our facilitator and of one made of the official SDK: own processor time, so that the node's is left out."""
from __future__ import annotations

import argparse
import asyncio
import base64
import json
from typing import Any

from load import cpu_seconds, pace, send_all, share_out
from subjects import (GENESIS, PYTHON, ROOT, Chain, Processes, Subject, free_port, payment_header, start_chain, start_gateway,
                      start_upstream)

OURS_TO_SDK = 20        # ours is asked more often by this factor, to last about as long
AT_ONCE = 8
WARM_UP = 20
Figures = dict[str, Any]


def start_sdk_facilitator(processes: Processes, chain: Chain) -> Subject:
    """The SDK's facilitator behind FastAPI."""
    port = free_port()
    command = [PYTHON, str(ROOT / "Interop" / "peers" / "x402_facilitator.py"), "--port", str(port), "--genesis", str(GENESIS),
               "--rpc", chain.url]
    return Subject(port, processes.start("sdk facilitator", command, f"http://127.0.0.1:{port}/supported").pid)


def verify_request(port: int, header: str) -> bytes:
    """The question whether the payment in a PAYMENT-SIGNATURE is good for what it says it accepts."""
    payment = json.loads(base64.b64decode(header))
    body = json.dumps({"x402Version": 2, "paymentPayload": payment, "paymentRequirements": payment["accepted"]})
    return (f"POST /verify HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def measure_verify(a: argparse.Namespace, processes: Processes) -> Figures:
    """The same payments, none of them settled, to both."""
    chain, serve = start_chain(processes), free_port()
    gateway = start_gateway(processes, chain, start_upstream(processes), serve=serve)
    sign = payment_header(chain, gateway)
    headers = [sign() for _ in range(a.payments)]
    figures = {}
    subjects = {"SDK": (start_sdk_facilitator(processes, chain), 1), "ours": (Subject(serve, gateway.pid), OURS_TO_SDK)}
    for name, (subject, times) in subjects.items():
        questions = [verify_request(subject.port, header) for header in headers]
        asyncio.run(send_all(subject.port, [questions[:WARM_UP]]))
        before = cpu_seconds(subject.pid), cpu_seconds(chain.pid)
        run = asyncio.run(send_all(subject.port, share_out(questions * times, AT_ONCE)))
        after = cpu_seconds(subject.pid), cpu_seconds(chain.pid)
        if set(run.answers) != {"200 valid"}:
            raise SystemExit(f"{name} answered /verify {dict(run.answers)}")
        cpu_us, chain_us = ((y - x) / run.count * 1e6 for x, y in zip(before, after))
        figures[name] = {**pace(run), "cpu_us": cpu_us, "chain_cpu_us": chain_us}
    return figures


def print_verify(figures: Figures) -> None:
    """The table."""
    print(f"\nfacilitator, POST /verify, {AT_ONCE} at once   answers/s   p50 ms   p99 ms   own CPU µs   chain CPU µs")
    for name, f in figures.items():
        print(f"  {name:36} {f['per_second']:10,.0f} {f['p50_ms']:8.1f} {f['p99_ms']:8.1f} {f['cpu_us']:12,.0f} "
              f"{f['chain_cpu_us']:14,.0f}")
    print(f"  SDK / ours, own CPU: {figures['SDK']['cpu_us'] / figures['ours']['cpu_us']:.1f} x")
