# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""A thief who has all that is public: the calldata of every settlement, mined or waiting, and the 402s that anyone can fetch."""
from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from eth_abi import decode as decode_abi

from buyers import Answer, exchange
from checks import Balances, expect
from credentials import Authorization, Fields, Terms, new_challenge
from market import PRICE, Market, Server
from processes import Failed

from kit import AUTHORIZATION, TRANSFER_BYTES, TRANSFER_VRS, calldata  # devnet/, which market.py puts on the path

TARGETS = (("GET", "/exact"), ("POST", "/exact"), ("HEAD", "/exact"), ("GET", "/exact?a=b"), ("GET", "/other"), ("GET", "/before"),
           ("POST", "/before"))
BOUGHT = (("GET", "/exact", "v2"), ("POST", "/exact", "v2"), ("GET", "/before", "v2"), ("GET", "/exact", "v1"))
PENDING_TIMEOUT = 20


@dataclass
class Bought:
    """What an honest buyer presented, and the answer."""

    method: str
    target: str
    dialect: str
    fields: Fields
    answer: Answer | None = None


def expect_nothing_stolen(market: Market, server: Server) -> None:
    """The thief never gets a paid body, whatever is rebuilt and wherever it is presented; who paid still gets the answer."""
    assert server.upstream
    bought = [buy(market, server, *what) for what in BOUGHT]
    expect_all_refused(market, server, list(mined_authorizations(market, server)), len(BOUGHT))
    expect_still_served(market, server, bought)
    pending = steal_while_pending(market, server)
    expect_still_served(market, server, pending)
    expect_all_refused(market, server, list(mined_authorizations(market, server)), len(BOUGHT) + len(pending))


def buy(market: Market, server: Server, method: str, target: str, dialect: str) -> Bought:
    """An honest purchase; its answer is not waited for when the chain stands still."""
    terms = public_terms(server, method, target)
    message, signed = market.kit.authorize("payer", market.token, server.payee, PRICE, before=int(time.time()) + terms.window)
    authorization = Authorization(message, bytes(signed.signature))
    bought = Bought(method, target, dialect, authorization.v1(terms) if dialect == "v1" else authorization.v2(terms))
    bought.answer = exchange(server.recorder.origin, method, target, bought.fields)
    expect(bought.answer.status == 200, f"{method} {target} in {dialect} was answered {bought.answer}")
    return bought


def public_terms(server: Server, method: str, target: str) -> Terms:
    """What anyone is told who asks without paying."""
    answer = exchange(server.recorder.origin, "GET" if method == "HEAD" else method, target, [])
    expect(answer.status == 402, f"an unpaid {method} {target} was answered {answer}")
    return Terms.of(answer.fields["payment-required"], json.loads(answer.body))


# What the thief reads.

def mined_authorizations(market: Market, server: Server) -> Iterator[Authorization]:
    """Out of every mined transaction that pays the server."""
    for number in range(market.kit.w3.eth.block_number + 1):
        for transaction in market.kit.rpc("eth_getBlockByNumber", hex(number), True)["transactions"]:
            if authorization := out_of_calldata(bytes.fromhex(transaction["input"][2:]), server.payee):
                yield authorization


def waiting_transactions(market: Market) -> list[dict[str, Any]]:
    """What the pool holds."""
    return [t for by_nonce in market.kit.rpc("txpool_content")["pending"].values() for t in by_nonce.values()]


def out_of_calldata(data: bytes, payee: str) -> Authorization | None:
    """The authorization in a call of transferWithAuthorization to this payee, in either form."""
    names = [name for name, _ in AUTHORIZATION]
    types = [kind for _, kind in AUTHORIZATION]
    if data[:4] == calldata_selector(TRANSFER_VRS):
        *fields, v, r, s = decode_abi([*types, "uint8", "bytes32", "bytes32"], data[4:])
        signature = r + s + bytes([v])
    elif data[:4] == calldata_selector(TRANSFER_BYTES):
        *fields, signature = decode_abi([*types, "bytes"], data[4:])
    else:
        return None
    message = dict(zip(names, fields))
    return Authorization(message, signature) if message["to"].lower() == payee.lower() else None


def calldata_selector(signature: str) -> bytes:
    """The first four bytes of a call."""
    from eth_utils import keccak
    return keccak(text=signature)[:4]


# What the thief tries.

def forgeries(server: Server, stolen: list[Authorization]) -> Iterator[tuple[str, str, Fields]]:
    """Every authorization, on every route, in every dress."""
    for method, target in TARGETS:
        terms = public_terms(server, method, target)
        for authorization in stolen:
            for fields in (authorization.v2(terms), authorization.v2(terms, new_challenge()), authorization.v2(terms, None),
                           authorization.v1(terms)):
                yield method, target, fields


def expect_all_refused(market: Market, server: Server, stolen: list[Authorization], settlements: int) -> None:
    """No forgery is answered with anything paid, calls the upstream, or moves money."""
    assert server.upstream
    expect(len(stolen) >= settlements, f"the thief found {len(stolen)} settlements of {settlements}")
    balances, calls = Balances(market, market.address("payer"), server.payee), server.upstream.counts()
    for method, target, fields in forgeries(server, stolen[-settlements:]):
        expect_refusal(method, target, exchange(server.recorder.origin, method, target, fields))
    expect(server.upstream.counts() == calls, "a forgery reached the upstream")
    balances.expect_moved(0, "after the forgeries")


def expect_refusal(method: str, target: str, answer: Answer) -> None:
    """An answer that carries nothing paid."""
    expect(answer.status in (402, 409, 503) and b'"call"' not in answer.body, f"a stolen {method} {target} is answered {answer}")


def expect_still_served(market: Market, server: Server, bought: list[Bought]) -> None:
    """The buyers ask again: the same body where there is a secret to prove it by."""
    for one in bought:
        again = exchange(server.recorder.origin, one.method, one.target, one.fields)
        expected = 200 if one.dialect == "v2" else 409
        expect(again.status == expected, f"the buyer's own {one.method} {one.target} in {one.dialect} is answered {again}")
        expect(expected != 200 or (one.answer and again.body == one.answer.body), f"the buyer got another body: {again}")


def steal_while_pending(market: Market, server: Server) -> list[Bought]:
    """The chain stands still: the thief has the calldata before it is mined, presents it, and even sends it first."""
    assert server.upstream
    balances, calls = Balances(market, market.address("payer"), server.payee), sum(server.upstream.counts().values())
    market.kit.rpc("evm_setAutomine", False)
    with ThreadPoolExecutor(max_workers=256) as threads:
        try:
            buyers = [threads.submit(buy, market, server, *what) for what in BOUGHT]
            waiting = wait_for_transactions(market, len(BOUGHT))
            stolen = [a for t in waiting if (a := out_of_calldata(bytes.fromhex(t["input"][2:]), server.payee))]
            attempts = [(method, target, threads.submit(exchange, server.recorder.origin, method, target, fields))
                        for method, target, fields in forgeries(server, stolen)]
            sent_first = send_first(market, waiting[0])
            time.sleep(1)       # so that attempts are under way when the block comes
        finally:
            market.kit.rpc("evm_setAutomine", True)
        bought = [b.result() for b in buyers]
        for method, target, attempt in attempts:
            expect_refusal(method, target, attempt.result())
    expect(market.kit.w3.eth.get_transaction_receipt(sent_first)["status"] == 1, "the thief was not first")
    balances.expect_moved(PRICE * len(BOUGHT), "after the theft of what was pending")
    made = sum(server.upstream.counts().values()) - calls
    expect(made == len(BOUGHT), f"{len(BOUGHT)} purchases made {made} calls of the upstream")
    return bought


def wait_for_transactions(market: Market, count: int) -> list[dict[str, Any]]:
    """Until the pool holds so many."""
    end = time.monotonic() + PENDING_TIMEOUT
    while len(waiting := waiting_transactions(market)) < count:
        if time.monotonic() > end:
            raise Failed(f"{len(waiting)} of {count} settlements came to the node")
        time.sleep(0.05)
    return waiting


def send_first(market: Market, transaction: dict[str, Any]) -> bytes:
    """The same call under the thief's own name, for a better price: it is mined before the gateway's, which then fails.  Its hash."""
    thief = market.kit.accounts["authorizer"]
    mine = {"chainId": market.kit.chain_id, "nonce": market.kit.w3.eth.get_transaction_count(thief.address), "to": market.token,
            "data": transaction["input"], "value": 0, "gas": 200_000, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**10,
            "type": 2}
    return market.kit.w3.eth.send_raw_transaction(thief.sign_transaction(mine).raw_transaction)
