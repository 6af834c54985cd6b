# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""`toll get` pays by transfers of its own, and is killed at every point of one: one transfer on chain, one call, one answer."""
from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account import Account

import market as markets
from checks import expect
from market import NETWORK, PRICE, Market, Server
from node_proxy import NodeProxy
from processes import spawn
from transfers import BINDINGS, configuration

from kit import calldata  # devnet/, which market.py puts on the path

PATIENCE = 60
BALANCE = 1_000_000         # units of the token that the buyer begins with
EXTRA_MAX = 9_999           # units on top of the price, where the amount tells whose a transfer is


class Dropped(OSError):
    """What came to the node did not get through."""


@dataclass
class Buyer:
    """An account with tokens and gas, a journal of its own, and a node that somebody may stand in front of."""

    market: Market
    node: NodeProxy
    home: Path
    account: Any = field(default_factory=Account.create)
    is_new: bool = True         # whether the account has nothing yet
    process: subprocess.Popen | None = None

    def __post_init__(self) -> None:
        if not self.is_new:
            return
        self.market.kit.rpc("anvil_setBalance", self.account.address, hex(10**18))
        self.market.kit.send("payer", self.market.token, calldata("transfer(address,uint256)", self.account.address, BALANCE))

    def run(self, *arguments: str) -> tuple[int, dict[str, Any], str]:
        """`toll` to its end, or until it is killed: its exit code, its JSON, and what it told."""
        environment = {"TOLL_EVM_KEY": self.account.key.to_0x_hex(), "TOLL_HOME": str(self.home),
                       f"TOLL_RPC_{NETWORK.replace(':', '_')}": self.node.url}
        self.process = spawn([markets.TOLL, *arguments], environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        output, told = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, json.loads(output) if output.startswith("{") else {}, told

    def get(self, url: str, *arguments: str) -> tuple[int, dict[str, Any], str]:
        """`toll get`."""
        return self.run("get", url, "--json", *arguments)

    def kill(self) -> None:
        """At once, as a crash would."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def spent(self) -> int:
        """Units of the token that went away."""
        return BALANCE - self.market.kit.balance(self.market.token, self.account.address)

    def transactions(self) -> int:
        """How many of the account's transactions are mined."""
        return self.market.kit.w3.eth.get_transaction_count(self.account.address)


def expect_bought_by_toll(market: Market) -> Server:
    """Each binding, and each way to die."""
    place = market.place("toll transfers")
    server = market.gateway_at(place, "toll transfers", configuration(place, market.rpc))
    number = iter(range(1_000))

    def buyer() -> Buyer:
        node = NodeProxy(market.rpc)
        return Buyer(market, node, market.directory / f"toll-transfers-{next(number)}")

    for path in BINDINGS:
        expect_transfer(buyer(), server, f"/{path}")
    for path in BINDINGS:
        for die in (before_sending, after_sending, after_proof):
            expect_one_transfer(buyer(), server, f"/{path}", die)
    expect_better(buyer(), server)
    expect_key_kept(buyer(), server)
    expect_told(buyer(), server)
    expect_resumed(buyer(), server)
    server.reconcile()
    return server


def expect_served(buyer: Buyer, server: Server, path: str, calls: int, done: tuple[int, dict[str, Any], str]) -> None:
    """One transfer, one call, and what was bought."""
    status, answer, told = done
    expect(status == 0 and json.loads(answer["body"])["path"] == path, f"toll ends with {status}: {answer} {told}")
    paid = answer["paid"]
    expect((paid["dialect"], paid["method"]) == ("transfer-proof", "transfer"), f"toll says that it paid {paid}")
    receipt = buyer.market.kit.w3.eth.get_transaction_receipt(paid["transaction"])
    expect(receipt["status"] == 1 and receipt["from"] == buyer.account.address, f"transaction {paid['transaction']} is {receipt}")
    expect(buyer.transactions() == 1 and buyer.spent() == int(paid["amount"]),
           f"{buyer.transactions()} transactions moved {buyer.spent()} units for {paid['amount']}")
    expect(PRICE <= buyer.spent() <= PRICE + EXTRA_MAX, f"{buyer.spent()} units is not the price")
    assert server.upstream
    expect(server.upstream.counts()[path] == calls + 1, f"the upstream was called {server.upstream.counts()[path] - calls} times")


def expect_transfer(buyer: Buyer, server: Server, path: str) -> None:
    """A dry run pays nothing and says what it would; then it is paid."""
    url, calls = server.recorder.url + path, server.upstream.counts().get(path, 0) if server.upstream else 0
    status, answer, told = buyer.get(url, "--dry-run")
    expect(status == 10 and answer["wouldPay"]["dialect"] == "transfer-proof", f"a dry run ends with {status}: {answer} {told}")
    expect(buyer.transactions() == 0, "a dry run paid")
    expect_served(buyer, server, path, calls, buyer.get(url))


# How to die.

def before_sending(buyer: Buyer, server: Server) -> Callable[[], None]:
    """Signed, and the transaction does not get to the node."""
    def drop() -> None:
        buyer.kill()
        raise Dropped
    buyer.node.before_send = drop

    def mend() -> None:
        buyer.node.before_send = lambda: None
        expect(buyer.transactions() == 0, "what was dropped was mined")
    return mend


def after_sending(buyer: Buyer, server: Server) -> Callable[[], None]:
    """The node has it, and nobody is told."""
    buyer.node.after_send = buyer.kill

    def mend() -> None:
        buyer.node.after_send = lambda: None
    return mend


def after_proof(buyer: Buyer, server: Server) -> Callable[[], None]:
    """The seller works for it, and nobody waits for the answer."""
    assert server.upstream
    server.upstream.when_called = buyer.kill

    def mend() -> None:
        assert server.upstream
        server.upstream.when_called = lambda: None
    return mend


def expect_one_transfer(buyer: Buyer, server: Server, path: str, die: Callable[[Buyer, Server], Callable[[], None]]) -> None:
    """Killed there, the same command goes on from there."""
    assert server.upstream
    calls, mend = server.upstream.counts().get(path, 0), die(buyer, server)
    status, answer, told = buyer.get(server.recorder.url + path)
    expect(status == -signal.SIGKILL, f"{die.__name__}: toll was not killed, and ends with {status}: {answer} {told}")
    mend()
    expect_served(buyer, server, path, calls, buyer.get(server.recorder.url + path))
    sent = {s.raw for s in buyer.node.sent()}
    expect(len(sent) == 1, f"{die.__name__}: {len(sent)} different transactions came to the node")


# What else a buyer is promised.

def expect_better(buyer: Buyer, server: Server) -> None:
    """Where a signature is taken, no transfer is made."""
    status, answer, told = buyer.get(server.recorder.url + "/both")
    expect(status == 0 and answer["paid"]["dialect"] == "x402", f"toll ends with {status}: {answer} {told}")
    expect(buyer.transactions() == 0, "a transfer was made where a signature is taken")


def expect_key_kept(buyer: Buyer, server: Server) -> None:
    """Two at once and one later under one key: one transfer, and one answer for all who get one."""
    url, results = server.recorder.url + "/signature", []
    others = [Buyer(buyer.market, buyer.node, buyer.home, buyer.account, is_new=False) for _ in range(3)]
    before = buyer.spent()
    threads = [threading.Thread(target=lambda b=b: results.append(b.get(url, "--idempotency-key", "order-7"))) for b in others[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.append(others[2].get(url, "--idempotency-key", "order-7"))
    expect(results[-1][0] == 0 and {status for status, _, _ in results} <= {0, 23}, f"under one key: {results}")
    expect(len({answer["body"] for status, answer, _ in results if status == 0}) == 1, f"under one key: {results}")
    expect(buyer.transactions() == 1 and buyer.spent() - before == PRICE, "one key paid more than once")


def expect_told(buyer: Buyer, server: Server) -> None:
    """Inspection shows the instructions and who has signed them; too little is told in numbers."""
    status, answer, told = buyer.run("inspect", server.recorder.url + "/address", "--json")
    transfer = answer["transfer"]
    expect(status == 0 and not answer["findings"], f"toll inspect ends with {status}: {answer} {told}")
    expect(transfer["bind"] == "address" and transfer["signedBy"] and transfer["paymentUri"].startswith("ethereum:"), f"{transfer}")
    buyer.market.kit.rpc("anvil_setBalance", buyer.account.address, hex(1))
    status, answer, told = buyer.get(server.recorder.url + "/signature")
    expect((status, answer["error"]["code"]) == (21, "insufficient_funds") and buyer.account.address in answer["error"]["message"],
           f"without gas toll ends with {status}: {answer} {told}")


def expect_resumed(buyer: Buyer, server: Server) -> None:
    """`toll resume` sends what is signed, and the same command gets the answer."""
    assert server.upstream
    calls, mend = server.upstream.counts().get("/signature", 0), before_sending(buyer, server)
    buyer.get(server.recorder.url + "/signature")
    mend()
    status, _, told = buyer.run("resume")
    expect(status == 23 and buyer.transactions() == 1, f"toll resume ends with {status}: {told}")
    expect_served(buyer, server, "/signature", calls, buyer.get(server.recorder.url + "/signature"))
