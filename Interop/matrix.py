# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""The interop matrix: client x server x facilitator, each ours or the official SDK, over real HTTP and a real EVM.

    python matrix.py [--only GROUP …]

Prints a table, why a cell failed with the ends of the logs, and `N passed, M failed`; exits 1 if one failed.  Groups:

    sdk      the SDKs among themselves: proves the chain and the matrix, needs nothing of ours
    s1       the SDK's client, our gateway settling by itself, a plain account
    s2       every other pairing of protocol version 2, plain accounts (includes s1)
    v1       protocol version 1, against x402 1.0.0
    wallets  smart wallets as payers: ERC-1271 and ERC-6492
    circle   Circle's own token bytecode
    thief    whoever has all that is public gets nothing of it
    liar     a facilitator over HTTP that lies is not believed
    replicas three gateways over one ledger in PostgreSQL
    faults   ledgers that cannot be used, and disks without room
    stuck    a chain that mines nothing for a while
    extensions  payment-identifier and sign-in-with-x
    streams  server-sent events and WebSockets, paid before anything of them comes
    recipes  the proxies of docs/recipes/, with the files that stand there
    webhooks what the three gateways tell, each thing once
    library  a server in Swift that protects its own handler
    mock     the gateway in test mode
    passes   one payment opens a route for a while
    discovery  what is told about the routes, read by the SDK and by a validator of OpenAPI
"""
from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks import expect, expect_answer_kept, expect_one_of_many, expect_refused, expect_replay_refused, purchase
from discovery import expect_discovered
from extensions import expect_credit_spent, expect_identified
from faults import expect_faults_told, expect_full_disk_survived
from liar import expect_no_lie_believed
from market import Market, Server
from processes import Failed
from passes import expect_leave_by_pass, expect_passes
from recipes import RECIPES, Recipe, expect_recipe
from recorder import Recorder
from streams import expect_streams_paid
from stuck import expect_patience
from thief import expect_nothing_stolen

from kit import calldata  # devnet/, which market.py puts on the path
from real_usdc import real_usdc_genesis

GROUPS = ("sdk", "s1", "s2", "v1", "wallets", "circle", "thief", "liar", "replicas", "faults", "stuck", "extensions",
          "streams", "recipes", "discovery", "webhooks", "mock", "passes", "library")


@dataclass
class Cell:
    """One line of the table."""

    groups: tuple[str, ...]
    client: str
    server: str
    facilitator: str
    what: str
    run: Callable[[Market], Server]
    seconds: float = 0
    failure: str | None = None


# What cells do; each answers the server it used, whose logs explain a failure.

def pay_sdk_server(client: str, facilitator: str, version: int) -> Callable[[Market], Server]:
    """Pay the SDK's server; the same payment is refused afterwards."""
    def run(market: Market) -> Server:
        server = market.sdk_server(facilitator, version)
        expect_replay_refused(market, server, purchase(market, client, server, version))
        return server
    return run


def pay_gateway(client: str, facilitator: str) -> Callable[[Market], Server]:
    """Pay our gateway; the answer is kept for the claimant, and many at once are one."""
    def run(market: Market) -> Server:
        server = market.gateway(facilitator)
        expect_answer_kept(market, server, purchase(market, client, server))
        if client == "sdk":
            expect_one_of_many(market, [server])
        return server
    return run


def pay_gateway_v1(market: Market) -> Server:
    """Pay our gateway in version 1, which has no secret: a replay is refused."""
    server = market.gateway()
    expect_replay_refused(market, server, purchase(market, "sdk v1", server, version=1))
    return server


def pay_by_wallet(wallet: str) -> Callable[[Market], Server]:
    """A smart wallet pays, and is deployed at the end."""
    def run(market: Market) -> Server:
        server = market.gateway()
        purchase(market, "sdk", server, wallet=wallet)
        expect(len(market.kit.w3.eth.get_code(market.address(wallet))) > 0, "the wallet is not deployed")
        return server
    return run


def refuse_factory(market: Market) -> Server:
    """A counterfactual wallet of a factory that is not allowed."""
    server = market.gateway(factories=False)
    expect_refused(market, server, "counterfactual_wallet", "eip6492_factory_not_allowed")
    return server


def refuse_wallet(market: Market) -> Server:
    """A wallet that has the money, and a token that cannot take its signature."""
    server, wallet = market.gateway(), market.address("smart_wallet")
    market.kit.send("payer", market.token, calldata("transfer(address,uint256)", wallet, 1_000_000))
    expect_refused(market, server, "smart_wallet", "invalid_exact_evm_")
    return server


def steal(market: Market) -> Server:
    """A thief rebuilds credentials from calldata and public 402s."""
    server = market.gateway()
    expect_nothing_stolen(market, server)
    return server


def lie(market: Market) -> Server:
    """A facilitator that lies about every payment, and at last settles them."""
    server = market.gateway("liar", settle_wait="2s")
    expect_no_lie_believed(market, server)
    return server


def share_a_ledger(market: Market) -> Server:
    """Three gateways: one payment, whichever is asked, and however often."""
    servers = market.replicas(3)
    for server in servers:
        expect_answer_kept(market, server, purchase(market, "sdk", server))
    expect_one_of_many(market, servers)
    market.processes.end("redis")
    for server in servers:                          # without what is shared beside it
        expect_answer_kept(market, server, purchase(market, "sdk", server))
    servers[0].reconcile()
    return servers[0]


def break_ledgers(market: Market) -> Server:
    """Ledgers of which a gateway cannot make anything."""
    server = market.gateway()
    expect_faults_told(market, server)
    return server


def fill_disk(market: Market) -> Server:
    """No room for the ledger, and room again."""
    server = market.gateway(limited=True)
    expect_full_disk_survived(market, server)
    return server


def stand_still(market: Market) -> Server:
    """The chain mines nothing while many pay, and goes on later."""
    server = market.gateway(settle_wait="2s")
    expect_patience(market, server)
    return server


def stream(market: Market) -> Server:
    """Events and WebSockets, each paid once."""
    return expect_streams_paid(market)


def identify(market: Market) -> Server:
    """Payments under identifiers."""
    server = market.gateway()
    expect_identified(market, server)
    return server


def spend_credit(client: str) -> Callable[[Market], Server]:
    """A payer signs in and buys with what it is owed."""
    def run(market: Market) -> Server:
        server = market.gateway()
        expect_credit_spent(market, server, client)
        return server
    return run


def follow_recipe(recipe: Recipe) -> Callable[[Market], Server]:
    """A proxy and a gateway, set up as a page says."""
    return lambda market: expect_recipe(market, recipe)


def notify(market: Market) -> Server:
    """Three gateways tell what was paid: each thing one of them, again when it was not heard."""
    servers = market.replicas(3)
    paid = [purchase(market, "sdk", server).receipt() for server in servers]
    transactions = {receipt["transaction"] for receipt in paid if receipt}
    told = market.receiver.wait_for(transactions)
    expect(transactions <= {event["transaction"] for event in told}, f"paid in {transactions}, told of {told}")
    expect(all(event["network"] == "eip155:84532" and event["amount"] == "10000" for event in told), f"told {told}")
    market.receiver.expect_each_once()
    return servers[0]


def use_library(market: Market) -> Server:
    """A server in Swift sells what its own handler answers."""
    url, payee = market.library()
    payer = market.kit.accounts["payer"].address
    for number, client in enumerate(("sdk", "ours"), start=1):
        outcome = market.pay(client, url + "/weather/paris")
        body = json.loads(outcome.body)
        expect(outcome.status == 200 and body["paidBy"] == payer, f"{client} ended with {outcome}")
        expect(market.kit.balance(market.token, payee) == 1_000 * number, "the money did not move")
    return Server("library", Recorder(), payee, None, ["library"])


def mock(market: Market) -> Server:
    """The SDK and our client pay a gateway that has no chain; `check --pay` finds nothing wrong."""
    server = market.mock()
    blocks = market.kit.w3.eth.block_number
    for client in ("sdk", "ours"):
        server.recorder.exchanges.clear()
        outcome = market.pay(client, server.recorder.url + "/exact")
        paid = server.recorder.exchanges[-1]
        expect(outcome.status == 200, f"{client} ended with {outcome.status}")
        expect(all(e.response.get("tollgate-mode") == "test" for e in server.recorder.exchanges), "an answer does not say test")
        expect((paid.receipt() or {}).get("success") is True, f"the receipt is {paid.receipt()}")
    server.check_by_buying(market.kit.accounts["payer"].key.to_0x_hex())
    expect(market.kit.w3.eth.block_number == blocks, "the chain moved")
    expect(not (market.directory / "mock.db").exists(), "test mode made a ledger")
    return server


def check_by_buying(market: Market) -> Server:
    """`tollgate check --pay` buys from every route of a real gateway."""
    server = market.gateway()
    server.check_by_buying(market.kit.accounts["payer"].key.to_0x_hex())
    server.reconcile()
    return server


def discover(market: Market) -> Server:
    """What is told about the routes."""
    server = market.gateway()
    expect_discovered(market, server)
    return server


def cells() -> list[Cell]:
    """The whole table.  The factory is refused before it is used: afterwards the wallet is an ordinary one."""
    table = []
    for client in ("sdk", "ours"):
        for facilitator in ("sdk", "ours"):
            group = "sdk" if (client, facilitator) == ("sdk", "sdk") else "s2"
            table.append(Cell((group,), client, "sdk", facilitator, "exact, v2", pay_sdk_server(client, facilitator, 2)))
    for client in ("sdk", "ours"):
        for facilitator in ("ours", "sdk", "ours, HTTP"):
            groups = ("s1", "s2") if (client, facilitator) == ("sdk", "ours") else ("s2",)
            table.append(Cell(groups, client, "ours", facilitator, "exact, v2", pay_gateway(client, facilitator)))
    for client, facilitator, group in (("sdk v1", "sdk", "sdk"), ("sdk v1", "ours", "v1"),
                                       ("ours", "sdk", "v1"), ("ours", "ours", "v1")):
        table.append(Cell((group,), client, "sdk v1", facilitator, "exact, v1", pay_sdk_server(client, facilitator, 1)))
    return table + [
        Cell(("v1",), "sdk v1", "ours", "ours", "exact, v1", pay_gateway_v1),
        Cell(("wallets",), "sdk", "ours", "ours", "ERC-1271 wallet", pay_by_wallet("smart_wallet")),
        Cell(("wallets",), "sdk", "ours", "ours", "ERC-6492, factory not allowed", refuse_factory),
        Cell(("wallets",), "sdk", "ours", "ours", "ERC-6492, factory allowed", pay_by_wallet("counterfactual_wallet")),
        Cell(("thief",), "thief", "ours", "ours", "credentials from calldata", steal),
        Cell(("liar",), "buyer", "ours", "liar", "no lie is believed", lie),
        Cell(("replicas",), "sdk", "3 x ours", "ours", "one ledger in PostgreSQL", share_a_ledger),
        Cell(("faults",), "buyer", "ours", "ours", "broken ledgers are refused", break_ledgers),
        Cell(("faults",), "buyers", "ours", "ours", "a full disk", fill_disk),
        Cell(("stuck",), "buyers", "ours", "ours", "the chain stands still", stand_still),
        Cell(("streams",), "sdk", "ours", "ours", "events and WebSockets, paid first", stream),
        Cell(("extensions",), "sdk", "ours", "ours", "payment-identifier", identify),
        Cell(("extensions",), "sdk", "ours", "ours", "sign-in-with-x spends a debt", spend_credit("sdk")),
        Cell(("extensions",), "ours", "ours", "ours", "sign-in-with-x spends a debt", spend_credit("ours")),
        *(Cell(("recipes",), "sdk", "ours", "ours", r.page, follow_recipe(r)) for r in RECIPES),
        Cell(("webhooks",), "sdk", "3 x ours", "ours", "webhooks, each once", notify),
        Cell(("library",), "both", "Swift", "ours", "a handler behind a price", use_library),
        Cell(("mock",), "both", "ours", "none", "test mode", mock),
        Cell(("mock",), "check", "ours", "ours", "check --pay", check_by_buying),
        Cell(("passes",), "sdk", "ours", "ours", "access for a while", expect_passes),
        Cell(("passes",), "sdk", "ours", "ours", "access for a while, nginx asks", expect_leave_by_pass),
        Cell(("discovery",), "sdk", "ours", "", "bazaar and OpenAPI", discover),
        Cell(("circle",), "sdk", "ours", "ours", "Circle's token", pay_gateway("sdk", "ours")),
        Cell(("circle",), "sdk", "ours", "ours", "Circle's token, wallet refused", refuse_wallet),
    ]


# Running and reporting.

class Report:
    """The table on the terminal."""

    def __init__(self) -> None:
        colour = sys.stdout.isatty()
        self.good, self.bad, self.dim, self.end = (f"\033[{n}m" if colour else "" for n in (32, 31, 2, 0))
        self.say(f"{'client':8} {'server':8} {'facilitator':12} {'what':32}")

    @staticmethod
    def say(line: str) -> None:
        """One line at once, whoever reads."""
        print(line, flush=True)

    def party(self, line: str) -> None:
        """Someone who has just started, and where."""
        self.say(f"{self.dim}  {line}{self.end}")

    def cell(self, cell: Cell, logs: str) -> None:
        """One line, and why it failed."""
        mark = f"{self.bad}✗{self.end}" if cell.failure else f"{self.good}✓{self.end}"
        self.say(f"{cell.client:8} {cell.server:8} {cell.facilitator:12} {cell.what:32} {mark} {cell.seconds:5.1f} s")
        if cell.failure:
            self.say("\n".join("    " + line for line in (cell.failure + logs).splitlines()))


def run_cell(cell: Cell, market: Market, report: Report) -> None:
    """Run one cell; whatever goes wrong in it is its failure."""
    started, logs = time.monotonic(), ""
    try:
        cell.run(market)
    except Failed as e:
        cell.failure = str(e)
    except Exception as e:      # an answer that is not even of the expected shape
        cell.failure = f"{type(e).__name__}: {e}"
    cell.seconds = time.monotonic() - started
    if cell.failure:
        logs = "".join(f"\n--- {path.name}\n{market.processes.tail(path.stem, 12)}" for path in recent_logs(market, started))
    report.cell(cell, logs)


def recent_logs(market: Market, started: float) -> list[Path]:
    """The logs that were written to while a cell ran."""
    since = time.time() - (time.monotonic() - started)
    return sorted(p for p in market.directory.glob("*.log") if p.stat().st_mtime >= since and p.stat().st_size)


MARKETS: dict[str, Callable[[], dict[str, Any]]] = {
    "circle": lambda: {"genesis": real_usdc_genesis()},
    "stuck": lambda: {"engine": "revm"},        # hundreds at once
}


def run_all(chosen: list[Cell], directory: Path, report: Report) -> None:
    """One market for our token, and others for those groups that want another chain."""
    for name in ("market", *MARKETS):
        mine = [c for c in chosen if next((g for g in c.groups if g in MARKETS), "market") == name]
        if not mine:
            continue
        market = Market(directory / name, report.party, **MARKETS.get(name, dict)())
        try:
            for cell in mine:
                run_cell(cell, market, report)
        finally:
            market.stop()


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", choices=GROUPS, action="append", help="a group of cells; may be given several times")
    p.add_argument("--keep", action="store_true", help="keep configurations, ledgers and logs even if all passed")
    a = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))      # so that children are stopped
    chosen = [c for c in cells() if not a.only or set(a.only) & set(c.groups)]
    directory = Path(tempfile.mkdtemp(prefix="tollgate-interop-"))
    run_all(chosen, directory, Report())
    failed = sum(c.failure is not None for c in chosen)
    if failed or a.keep:
        print(f"configurations, ledgers and logs: {directory}")
    else:
        shutil.rmtree(directory)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
