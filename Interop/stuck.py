# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A chain that mines nothing for a while: everybody who pays is told so in time, memory stays bounded, and later all is settled."""
from __future__ import annotations

import asyncio
import time
from pathlib import Path

from checks import PATH, Balances, expect, raw_get, send_at_once
from credentials import Authorization, Fields
from market import PRICE, Market, Server
from thief import public_terms

WAVE = 200
WAVES = 3
REPEATS = 5             # three times: buffers grow at first, and a leak goes on growing
SETTLE_WAIT = 2         # as the gateway is configured
SLACK = 4               # the machine is shared with the chain and with us
GROWTH_MAX = 48 << 20   # bytes, for all that is pending
GROWTH_BY_REPEATS_MAX = 8 << 20
TRANSACTIONS_PER_BLOCK = 150
RESUMED_TIMEOUT = 120


def expect_patience(market: Market, server: Server) -> None:
    """See the module."""
    assert server.upstream
    balances, calls = Balances(market, market.address("payer"), server.payee), server.upstream.counts().get(PATH, 0)
    expect_all_served(server, credentials(market, server, WAVE))
    before, pending = resident_bytes(server.pid), []
    market.kit.rpc("evm_setAutomine", False)
    try:
        for wave in range(WAVES):
            mine = credentials(market, server, WAVE)
            pending += mine
            expect_put_off(server, mine, f"wave {wave + 1}")
        first = resident_bytes(server.pid) - before
        expect(first < GROWTH_MAX, f"{len(pending)} pending payments took {first >> 20} MiB")
        for _ in range(REPEATS):
            expect_put_off(server, pending[:WAVE], "the first wave, asked for again")
        warm = resident_bytes(server.pid)
        market.say(f"{len(pending)} pending payments took {first >> 20} MiB, with repetitions {(warm - before) >> 20} MiB")
        expect(warm - before < GROWTH_MAX, f"with {WAVE * REPEATS} repetitions it took {(warm - before) >> 20} MiB")
        for _ in range(REPEATS):
            expect_put_off(server, pending[:WAVE], "the first wave, asked for while buffers grow")
        warm = resident_bytes(server.pid)
        for _ in range(REPEATS):
            expect_put_off(server, pending[:WAVE], "the first wave, asked for once more")
        more = resident_bytes(server.pid) - warm
        expect(more < GROWTH_BY_REPEATS_MAX, f"asking again {WAVE * REPEATS} times took {more >> 20} MiB")
    finally:
        market.kit.rpc("evm_setAutomine", True)
        market.kit.rpc("evm_mine", {"blocks": len(pending) // TRANSACTIONS_PER_BLOCK + 2})
    expect_all_served(server, pending)
    paid = WAVE + len(pending)
    balances.expect_moved(PRICE * paid, "after the chain went on")
    expect(server.upstream.counts()[PATH] - calls == paid, "the upstream was not called once for each payment")
    server.reconcile()


def credentials(market: Market, server: Server, count: int) -> list[Fields]:
    """So many payments."""
    terms = public_terms(server, "GET", PATH)
    before = int(time.time()) + terms.window
    signed = (market.kit.authorize("payer", market.token, server.payee, PRICE, before=before) for _ in range(count))
    return [Authorization(message, bytes(s.signature)).v2(terms) for message, s in signed]


def send(server: Server, presented: list[Fields]) -> list[tuple[int, bytes, bytes]]:
    """All at once; the answers."""
    place = server.recorder.origin.removeprefix("http://")
    return asyncio.run(send_at_once([place], [raw_get(place, fields) for fields in presented]))


def expect_put_off(server: Server, presented: list[Fields], what: str) -> None:
    """Every answer is a 503 that says when to come again, and comes in time."""
    started = time.monotonic()
    for status, head, body in send(server, presented):
        expect(status == 503 and b"\r\nretry-after:" in head.lower(), f"{what}: answered {status} {body[:200]!r}")
    seconds = time.monotonic() - started
    expect(seconds < SETTLE_WAIT + SLACK, f"{what} was answered in {seconds:.1f} s")


def expect_all_served(server: Server, pending: list[Fields]) -> None:
    """The chain goes on: everybody who comes again gets what was paid for."""
    end = time.monotonic() + RESUMED_TIMEOUT
    while pending:
        answers = send(server, pending[:WAVE])
        expect(all(status in (200, 503) for status, _, _ in answers), f"answered {sorted({s for s, _, _ in answers})}")
        left = [fields for fields, (status, _, _) in zip(pending, answers) if status != 200]
        expect(time.monotonic() < end, f"{len(left)} of {len(answers)} are still put off")
        pending = pending[WAVE:] + left


def resident_bytes(pid: int) -> int:
    """The memory that a process has in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))
