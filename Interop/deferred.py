# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Served first, settled together later: by the real gateway on the local chain, and once more while it is asked to stop.

    .venv/bin/python -W ignore Interop/deferred.py [--binary .build/release/tollgate]
"""
from __future__ import annotations

import argparse
import asyncio
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import market as markets
from checks import PATH, Balances, expect, raw_get, send_at_once
from credentials import Authorization, Fields
from eth_account import Account
from market import NETWORK, PRICE, ROOT, Market, Server
from processes import Failed, free_port
from recorder import Recorder
from sdk import decode
from thief import public_terms
from upstream import Upstream

TOGETHER = 40           # payments that wait for each other; their exposure is $0.40
LAST = 7                # payments that are served right before the end
BATCH_TIMEOUT = 30
STOP_TIMEOUT = 45
GAS_MAX = 60_000        # of each payment in a batch; one by one it is over 80,000


def gateway_yaml(listen: int, admin: int, rpc: str, payee: str, upstream: str, store: Path) -> str:
    """A gateway that defers what costs a cent."""
    return f"""listen: 127.0.0.1:{listen}
admin: {{listen: 127.0.0.1:{admin}}}
store: sqlite:{store}
workers: 1
networks: {{"{NETWORK}": {{rpc: [{rpc}], confirmations: 1}}}}
pay_to: {{eip155: "{payee}"}}
facilitator: {{signers: {{eip155: ["env:TOLLGATE_EVM_KEY"]}}}}
deferred: {{exposure: {{per_payer: $1, total: $5}}, max_age: 3s, batch_size: 100}}
settle: {{under: $0.05, then: deferred, else: before}}
upstreams: {{api: {upstream}}}
routes: [{{match: GET {PATH}, upstream: api, price: $0.01}}]
"""


def expect_batches(market: Market) -> None:
    """See the module."""
    account = Account.create()
    market.kit.rpc("anvil_setBalance", account.address, hex(1000 * 10**18))
    server, process = start(market, account.key.to_0x_hex())
    balances = Balances(market, market.address("payer"), server.payee)

    first = send(server, credentials(market, server, 1))
    expect(all(first), "a payer without history was not settled in the same request")
    balances.expect_moved(PRICE, "after the first payment")
    sent = market.kit.w3.eth.get_transaction_count(account.address)

    started = time.monotonic()
    served = send(server, credentials(market, server, TOGETHER))
    seconds = time.monotonic() - started
    expect(not any(served), "somebody was settled at once though it could have been deferred")
    market.say(f"{TOGETHER} payments served on their signatures in {seconds:.2f} s")
    wait_for(lambda: balances.transfers() == 1 + TOGETHER, BATCH_TIMEOUT, "the batch did not settle")
    batches = market.kit.w3.eth.get_transaction_count(account.address) - sent
    gas = latest_gas(market, account.address) / TOGETHER * batches
    market.say(f"settled in {batches} transactions, about {gas:,.0f} gas a payment")
    expect(batches <= 3 and gas < GAS_MAX, f"{batches} transactions of {gas} gas a payment")

    expect(not any(send(server, credentials(market, server, LAST))), "the last were not deferred")
    process.send_signal(signal.SIGTERM)
    expect(process.wait(timeout=STOP_TIMEOUT) == 0, "the gateway did not stop as asked")
    balances.expect_moved(PRICE * (1 + TOGETHER + LAST), "after SIGTERM")
    server.reconcile()
    expect_no_queue(server)


def start(market: Market, key: str) -> tuple[Server, subprocess.Popen]:
    """The gateway and its upstream."""
    port, admin, payee, upstream = free_port(), free_port(), Account.create().address, Upstream()
    upstream.serve_in_background()
    file = market.directory / "deferred.yaml"
    file.write_text(gateway_yaml(port, admin, market.rpc, payee, upstream.url, file.with_suffix(".db")))
    recorder = Recorder()
    recorder.origin = f"http://127.0.0.1:{port}"
    process = market.processes.start("deferring gateway", [markets.TOLLGATE, "serve", "--config", str(file)],
                                     f"http://127.0.0.1:{admin}/ready", {"TOLLGATE_EVM_KEY": key})
    return Server("deferring gateway", recorder, payee, upstream, ["deferring gateway"], file, process.pid), process


def credentials(market: Market, server: Server, count: int) -> list[Fields]:
    """So many payments of one payer."""
    terms = public_terms(server, "GET", PATH)
    before = int(time.time()) + terms.window
    signed = (market.kit.authorize("payer", market.token, server.payee, PRICE, before=before) for _ in range(count))
    return [Authorization(message, bytes(s.signature)).v2(terms) for message, s in signed]


def send(server: Server, presented: list[Fields]) -> list[str]:
    """All at once; all are served. The transactions that the receipts name."""
    place = server.recorder.origin.removeprefix("http://")
    transactions = []
    for status, head, body in asyncio.run(send_at_once([place], [raw_get(place, fields) for fields in presented])):
        expect(status == 200, f"answered {status} {body[:200]!r}")
        receipt = re.search(rb"\r\npayment-response: *([^\r]+)", head, re.IGNORECASE)
        expect(receipt is not None, "an answer has no receipt")
        assert receipt
        settled = decode(receipt[1].decode())
        expect(settled is not None and settled["success"], f"the receipt is {settled}")
        assert settled
        transactions.append(settled["transaction"])
    return transactions


def latest_gas(market: Market, signer: str) -> int:
    """What the newest transaction of an account used."""
    for number in range(market.kit.w3.eth.block_number, 0, -1):
        for transaction in reversed(market.kit.rpc("eth_getBlockByNumber", hex(number), True)["transactions"]):
            if transaction["from"].lower() == signer.lower():
                return int(market.kit.rpc("eth_getTransactionReceipt", transaction["hash"])["gasUsed"], 16)
    raise Failed(f"{signer} sent nothing")


def expect_no_queue(server: Server) -> None:
    """Nothing is left to be settled."""
    command = [markets.TOLLGATE, "ledger", "payments", "--config", str(server.config), "--format", "csv"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    expect("queued" not in listed and listed.count("settled") >= 1 + TOGETHER + LAST, f"the ledger says\n{listed}")


def wait_for(condition, seconds: float, otherwise: str) -> None:
    """Until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < end, otherwise)
        time.sleep(0.2)


def main() -> int:
    """Entry point."""
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("--binary", default=str(ROOT / ".build" / "release" / "tollgate"))
    markets.TOLLGATE = p.parse_args().binary
    with tempfile.TemporaryDirectory() as directory:
        market = Market(Path(directory), print)
        try:
            expect_batches(market)
        except (Failed, AssertionError) as e:
            print(f"{e}\n{market.processes.tail('deferring gateway', 40)}", file=sys.stderr)
            return 1
        finally:
            market.stop()
    print("deferred: all is settled, and the ledger agrees with the chain")
    return 0


if __name__ == "__main__":
    sys.exit(main())
